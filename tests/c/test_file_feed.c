/* tests/c/test_file_feed.c: files whose bytes somebody feeds, as they come. */
#include "io/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static eh_err err;

typedef struct feeder {
    const char *text;
    size_t size;
    size_t step;       /* no more than this at once */
    size_t failing_at; /* SIZE_MAX: never */
} feeder;

static bool feed_some(void *self, uint64_t offset, char *to, size_t len, size_t *got,
                      eh_err *error)
{
    const feeder *f = self;
    size_t left = f->size - (size_t)offset;
    *got = left < len ? left : len;
    if (*got > f->step) *got = f->step;
    if (offset + *got > f->failing_at) return eh_fail(error, EH_CLASS_DATA, "it was replaced");
    memcpy(to, f->text + offset, *got);
    return true;
}

static void reads_what_is_fed(void **state)
{
    (void)state;
    char text[20000];
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)('a' + i * i % 23);
    feeder f = {text, sizeof text, 7, SIZE_MAX};
    const eh_file_feed feed = {&f, feed_some};
    eh_file file;
    bool growing = true;
    eh_file_feed_from(&file, &feed, sizeof text, 77, "etag:abc:20000");
    assert_true(eh_file_detect_coding(&file, "x.csv", &err));
    assert_int_equal(file.coding, EH_CODING_NONE);
    assert_true(eh_file_identify(&file, &growing, &err));
    assert_false(growing || eh_file_changed(&file));
    assert_string_equal(file.identity, "etag:abc:20000");
    eh_reader *reader = eh_reader_open(&file, 5, &err);
    assert_non_null(reader);
    eh_slice bytes;
    bool end = false;
    assert_true(eh_reader_next(reader, &bytes, &end, &err));
    assert_true(end && bytes.len == sizeof text - 5);
    assert_memory_equal(bytes.data, text + 5, bytes.len);
    eh_buf raw;
    eh_buf_init(&raw, 1000);
    assert_true(eh_reader_raw(reader, 100, 300, &raw, &err));
    assert_memory_equal(raw.data, text + 100, 200);
    eh_buf_free(&raw);
    eh_reader_free(reader);
    eh_file_close(&file);
    f.failing_at = 10000;
    reader = eh_reader_open(&file, 0, &err);
    assert_non_null(reader);
    assert_false(eh_reader_next(reader, &bytes, &end, &err));
    assert_string_equal(err.message, "it was replaced");
    eh_err_clear(&err);
    eh_reader_free(reader);
}

/* Without an identity of its own, it has that of a local file with the same bytes. */
static void hashes_what_is_fed(void **state)
{
    (void)state;
    static const char text[] = "id,name\n1,a\n";
    char path[] = "/tmp/etlhost-test-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    assert_int_equal(close(fd), 0);
    feeder f = {text, sizeof text - 1, 3, SIZE_MAX};
    const eh_file_feed feed = {&f, feed_some};
    eh_file file, local;
    bool growing;
    eh_file_feed_from(&file, &feed, sizeof text - 1, 0, "");
    assert_true(eh_file_identify(&file, &growing, &err));
    assert_true(eh_file_open(&local, NULL, path, &err));
    assert_true(eh_file_identify(&local, &growing, &err));
    assert_string_equal(file.identity, local.identity);
    eh_file_close(&local);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_fed),
        cmocka_unit_test(hashes_what_is_fed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
