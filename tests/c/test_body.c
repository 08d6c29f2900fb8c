/* Bodies: in memory, in the spool, in a window; what is given back, and what failing leaves. */
#include "io/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB ((size_t)1024 * 1024)

static char folder[64], bytes[8 * 1024 * 1024];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/etlhost-body-XXXXXX");
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)((i * 2654435761u) >> 13);
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char below[80];
    (void)snprintf(below, sizeof below, "%s/spool", folder);
    (void)rmdir(below);
    return rmdir(folder); /* fails when a file was left */
}

static eh_spool *new_spool(uint64_t max)
{
    char below[80];
    (void)snprintf(below, sizeof below, "%s/spool", folder);
    eh_spool *spool = eh_spool_new(below, max, NULL);
    assert_non_null(spool);
    return spool;
}

static void append(eh_body *body, size_t from, size_t len)
{
    eh_err err = {.class_ = EH_OK};
    if (!eh_body_append(body, eh_slice_of(bytes + from, len), &err))
        fail_msg("%s", err.message);
}

static void expect(eh_body *body, uint64_t offset, size_t len)
{
    static char got[sizeof bytes];
    eh_err err = {.class_ = EH_OK};
    size_t done = 0;
    while (done < len) {
        size_t n = 0;
        if (!eh_body_read(body, offset + done, got + done, len - done, &n, &err))
            fail_msg("%s", err.message);
        assert_int_not_equal(n, 0);
        done += n;
    }
    assert_memory_equal(got, bytes + offset, len);
}

static void expect_view(eh_body *body, size_t len)
{
    eh_slice view;
    eh_err err = {.class_ = EH_OK};
    if (!eh_body_view(body, &view, &err)) fail_msg("%s", err.message);
    assert_int_equal(view.len, len);
    if (len > 0) assert_memory_equal(view.data, bytes, len);
    for (size_t i = 0; i < 64; i++) assert_int_equal(view.data[len + i], 0);
}

static void in_memory(void **state)
{
    (void)state;
    eh_body *body = eh_body_new(NULL, NULL);
    char to[8];
    size_t got = 9;
    eh_err err = {.class_ = EH_OK};
    assert_true(eh_body_read(body, 0, to, sizeof to, &got, &err));
    assert_int_equal(got, 0);
    assert_false(eh_body_touched(body));
    for (size_t i = 0; i < 256; i++) append(body, i * 1024, 1024);
    assert_int_equal(eh_body_size(body), 256 * 1024);
    expect(body, 1000, 5000);
    assert_true(eh_body_touched(body));
    /* No spool: that was all there is room for. */
    assert_false(eh_body_append(body, eh_slice_of("x", 1), &err));
    assert_int_equal(err.class_, EH_CLASS_LIMIT);
    assert_int_equal(eh_body_state_of(body), EH_BODY_OPEN);
    assert_false(eh_body_view(body, &(eh_slice){0}, NULL));
    eh_body_end(body);
    expect_view(body, 256 * 1024);
    eh_body_free(eh_body_hold(body));
    eh_body_free(body);
    eh_body_free(NULL);
}

static void nothing_at_all(void **state)
{
    (void)state;
    eh_body *body = eh_body_new(NULL, NULL);
    eh_body_end(body);
    expect_view(body, 0);
    eh_body_free(body);
}

static void on_disk(void **state)
{
    (void)state;
    eh_spool *spool = new_spool(0);
    /* Ends beside and on a page: what is behind must be readable in each case. */
    static const size_t sizes[] = {262145, 4096 * 100, 4096 * 100 - 1, 4096 * 100 - 63,
                                   8 * 1024 * 1024};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        eh_body *body = eh_body_new(spool, NULL);
        for (size_t at = 0; at < sizes[i]; at += 100000)
            append(body, at, sizes[i] - at < 100000 ? sizes[i] - at : 100000);
        assert_int_equal(eh_spool_used(spool), sizes[i]);
        expect(body, 0, sizes[i]);
        expect(body, 12345, 100000);
        eh_body_end(body);
        expect_view(body, sizes[i]);
        eh_body_free(body);
        assert_int_equal(eh_spool_used(spool), 0);
    }
    eh_spool_free(spool);
}

static void the_spool_has_an_end(void **state)
{
    (void)state;
    eh_spool *spool = new_spool(MIB);
    eh_body *one = eh_body_new(spool, NULL), *two = eh_body_new(spool, NULL);
    eh_err err = {.class_ = EH_OK};
    append(one, 0, 700 * 1024);
    append(two, 0, 256 * 1024);
    assert_false(eh_body_append(two, eh_slice_of(bytes, 200 * 1024), &err));
    assert_int_equal(err.class_, EH_CLASS_LIMIT);
    expect(two, 0, 256 * 1024); /* what was there is there */
    eh_body_fail(two, &err);
    assert_int_equal(eh_spool_used(spool), 956 * 1024);
    eh_body_free(one);
    assert_int_equal(eh_spool_used(spool), 256 * 1024);
    eh_body_free(two);
    assert_int_equal(eh_spool_used(spool), 0);
    eh_spool_free(spool);
    spool = eh_spool_new("/proc/no/such/folder", 0, NULL);
    one = eh_body_new(spool, NULL);
    eh_err_clear(&err);
    append(one, 0, 256 * 1024);
    assert_false(eh_body_append(one, eh_slice_of(bytes, 1), &err));
    assert_non_null(strstr(err.message, "/proc/no/such/folder"));
    eh_body_free(one);
    eh_spool_free(spool);
}

/* Small bodies stay in memory only as long as there are not too many. */
static void many_small_ones(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    eh_body *bodies[COUNT];
    eh_spool *spool = new_spool(1024 * MIB);
    for (size_t i = 0; i < COUNT; i++) {
        bodies[i] = eh_body_new(spool, NULL);
        append(bodies[i], 0, 200 * 1024);
        if (i == 100) assert_int_equal(eh_spool_used(spool), 0);
    }
    uint64_t used = eh_spool_used(spool);
    assert_true(used > 300 * 200 * 1024 - 33 * MIB);
    for (size_t i = 0; i < COUNT; i++) expect(bodies[i], 0, 200 * 1024);
    for (size_t i = 0; i < COUNT; i++) eh_body_free(bodies[i]);
    assert_int_equal(eh_spool_used(spool), 0);
    eh_body *again = eh_body_new(spool, NULL);
    append(again, 0, 1000);
    assert_int_equal(eh_spool_used(spool), 0);
    eh_body_free(again);
    eh_spool_free(spool);
}

static void what_is_read_is_given_back(void **state)
{
    (void)state;
    eh_spool *spool = new_spool(3 * MIB);
    eh_body *body = eh_body_new(spool, NULL);
    uint64_t most = 0;
    append(body, 0, 512 * 1024); /* the reader is late: a file is made */
    for (size_t at = 512 * 1024; at < sizeof bytes; at += 128 * 1024) {
        append(body, at, 128 * 1024);
        expect(body, at - 512 * 1024, 128 * 1024);
        eh_body_release_before(body, at - 384 * 1024);
        if (eh_spool_used(spool) > most) most = eh_spool_used(spool);
    }
    assert_int_equal(eh_body_size(body), sizeof bytes);
    assert_in_range(most, 1, 3 * MIB);
    char byte;
    size_t got;
    eh_err err = {.class_ = EH_OK};
    assert_false(eh_body_read(body, 0, &byte, 1, &got, &err));
    assert_int_equal(err.class_, EH_CLASS_BUG);
    eh_body_end(body);
    assert_false(eh_body_view(body, &(eh_slice){0}, NULL));
    eh_body_free(body);
    assert_int_equal(eh_spool_used(spool), 0);
    eh_spool_free(spool);
}

static void who_keeps_up_needs_no_disk(void **state)
{
    (void)state;
    eh_body *body = eh_body_new(NULL, NULL);
    for (size_t at = 0; at < sizeof bytes; at += 64 * 1024) {
        append(body, at, 64 * 1024);
        expect(body, at, 64 * 1024);
        eh_body_release_before(body, at + 64 * 1024);
    }
    assert_int_equal(eh_body_size(body), sizeof bytes);
    eh_body_free(body);
}

static void count(void *self)
{
    (*(int *)self)++;
}

static void the_window_closes_and_opens(void **state)
{
    (void)state;
    eh_body *body = eh_body_new(NULL, NULL);
    int resumed = 0;
    eh_body_window(body, 100 * 1024);
    eh_body_on_room(body, count, &resumed);
    append(body, 0, 100 * 1024);
    assert_false(eh_body_full(body));
    append(body, 100 * 1024, 1024);
    assert_true(eh_body_full(body));
    eh_body_release_before(body, 50 * 1024);
    assert_true(eh_body_full(body));
    assert_int_equal(resumed, 0);
    eh_body_release_before(body, 51 * 1024);
    assert_false(eh_body_full(body));
    assert_int_equal(resumed, 1);
    eh_body_release_before(body, 60 * 1024);
    eh_body_release_before(body, 10 * 1024); /* backwards is nothing */
    assert_int_equal(resumed, 1);
    append(body, 0, 60 * 1024);
    eh_body_on_room(body, NULL, NULL);
    eh_body_release_before(body, 1000 * MIB); /* all of it */
    assert_int_equal(resumed, 1);
    eh_body_free(body);
}

static void another_attempt(void **state)
{
    (void)state;
    eh_spool *spool = new_spool(0);
    eh_body *body = eh_body_new(spool, NULL);
    append(body, 5, 300 * 1024);
    eh_body_restart(body);
    assert_int_equal(eh_body_size(body), 0);
    assert_int_equal(eh_spool_used(spool), 0);
    append(body, 0, 10);
    eh_body_end(body);
    expect_view(body, 10);
    eh_body_free(body);
    eh_spool_free(spool);
}

static void what_failed_says_why(void **state)
{
    (void)state;
    eh_body *body = eh_body_new(NULL, NULL);
    eh_err why = {.class_ = EH_OK}, err = {.class_ = EH_OK};
    (void)eh_fail(&why, EH_CLASS_TRANSIENT, "cut off");
    append(body, 0, 10);
    eh_body_fail(body, &why);
    eh_body_end(body); /* too late */
    assert_int_equal(eh_body_state_of(body), EH_BODY_FAILED);
    expect(body, 0, 10); /* what came can be read */
    char to[8];
    size_t got;
    assert_false(eh_body_read(body, 10, to, sizeof to, &got, &err));
    assert_string_equal(err.message, "cut off");
    eh_err_clear(&err);
    assert_false(eh_body_view(body, &(eh_slice){0}, &err));
    assert_int_equal(err.class_, EH_CLASS_TRANSIENT);
    eh_body_free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_memory),
        cmocka_unit_test(nothing_at_all),
        cmocka_unit_test(on_disk),
        cmocka_unit_test(the_spool_has_an_end),
        cmocka_unit_test(many_small_ones),
        cmocka_unit_test(what_is_read_is_given_back),
        cmocka_unit_test(who_keeps_up_needs_no_disk),
        cmocka_unit_test(the_window_closes_and_opens),
        cmocka_unit_test(another_attempt),
        cmocka_unit_test(what_failed_says_why),
    };
    return cmocka_run_group_tests_name("body", tests, make_folder, remove_folder);
}
