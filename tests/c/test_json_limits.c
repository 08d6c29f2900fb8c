/* tests/c/test_json_limits.c: what JSON may cost: depth, length, columns, white space. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include "json_dump.h"

static void expect_dump(const eh_json_options *options, const char *data, size_t len,
                        const char *expected)
{
    json_feeding f = {.data = data, .len = len, .chunk = 1024 * 1024};
    eh_buf out;
    eh_buf_init(&out, SIZE_MAX / 4);
    dump_json(options, &f, &out);
    const char *text = eh_buf_cstr(&out);
    assert_non_null(text);
    assert_string_equal(text, expected);
    eh_buf_free(&out);
}

static void nest(eh_buf *out, size_t depth)
{
    SAY(out, "{\"a\":");
    for (size_t i = 1; i < depth; i++) SAY(out, "[");
    for (size_t i = 1; i < depth; i++) SAY(out, "]");
    SAY(out, "}");
}

static void test_depth_has_an_end(void **state)
{
    (void)state;
    eh_buf text, out;
    eh_buf_init(&text, SIZE_MAX / 4);
    eh_buf_init(&out, SIZE_MAX / 4);
    bool odd;
    nest(&text, 100);
    assert_true(eh_json_check(eh_buf_slice(&text), &odd, NULL));
    SAY(&text, "\n");
    nest(&text, 101);
    SAY(&text, "\n");
    nest(&text, 100000);
    eh_json_options options = {.shape = EH_JSON_LINES};
    json_feeding f = {.data = text.data, .len = text.len, .chunk = 100};
    dump_json(&options, &f, &out);
    const char *dead = strstr(eh_buf_cstr(&out), "\ndead too_deep <> values are nested deeper");
    assert_non_null(dead);
    assert_non_null(strstr(dead + 1, "\ndead too_deep <>"));
    assert_memory_equal(out.data, "a=json:[[", 9);
    eh_buf_free(&text);
    eh_buf_free(&out);
}

static void test_a_record_past_the_limit_stops(void **state)
{
    (void)state;
    eh_json_options options = {.shape = EH_JSON_LINES, .max_record_bytes = 10};
    const char lines[] = "{\"a\":1}\n{\"a\":12345678}\n{\"a\":2}";
    expect_dump(&options, lines, strlen(lines),
                "a=#1\ncolumns: a\nerror limit: line 2 is longer than the limit of 10 bytes\n");
    options.shape = EH_JSON_ARRAY;
    const char array[] = "[{\"a\":1},{\"a\":12345678},{\"a\":2}]";
    expect_dump(
        &options, array, strlen(array),
        "a=#1\ncolumns: a\nerror limit: record 2 is longer than the limit of 10 bytes\n");
    options.shape = EH_JSON_DOCUMENT;
    expect_dump(&options, array, strlen(array),
                "columns:\nerror limit: the document is longer than the limit of 10 bytes\n");
    /* As it comes only what must be there as a whole has a limit. */
    options.as_it_comes = true;
    options.path = eh_slice_str("d");
    const char streamed[] = "{\"z\":[1,2,3,4,5,6,7,8,9],\"d\":[{\"a\":1},{\"a\":2}]}";
    expect_dump(&options, streamed, strlen(streamed), "a=#1\na=#2\ncolumns: a\nend\n");
    const char text[] = "{\"z\":\"123456789\",\"d\":[]}";
    expect_dump(&options, text, strlen(text),
                "columns:\nerror limit: a value of the document is longer than the limit of 10 "
                "bytes\n");
    const char one[] = "{\"d\":{\"a\":12345}}";
    expect_dump(&options, one, strlen(one),
                "columns:\nerror limit: the record is longer than the limit of 10 bytes\n");
}

static void test_a_long_key_is_no_column(void **state)
{
    (void)state;
    eh_buf text, out;
    eh_buf_init(&text, SIZE_MAX / 4);
    eh_buf_init(&out, SIZE_MAX / 4);
    SAY(&text, "{\"%04096d\":1}\n{\"%04097d\":1}\n", 7, 8);
    eh_json_options options = {.shape = EH_JSON_LINES};
    json_feeding f = {.data = text.data, .len = text.len, .chunk = 100};
    dump_json(&options, &f, &out);
    assert_non_null(strstr(eh_buf_cstr(&out), "7=#1\ndead long_key <> "));
    eh_buf_free(&text);
    eh_buf_free(&out);
}

/* Records of a few bytes and a wide one: the batch before it ends, so that memory stays flat.
 */
static void test_wide_records_begin_a_batch(void **state)
{
    (void)state;
    eh_buf text, out;
    eh_buf_init(&text, SIZE_MAX / 4);
    eh_buf_init(&out, SIZE_MAX / 4);
    for (int i = 0; i < 4000; i++) SAY(&text, "{\"a\":%d}\n", i);
    SAY(&text, "{\"a\":-1");
    for (int i = 0; i < 3000; i++) SAY(&text, ",\"k%d\":1", i);
    SAY(&text, "}\n");
    eh_json_options options = {.shape = EH_JSON_LINES};
    json_feeding f = {.data = text.data, .len = text.len, .chunk = 100, .batches = true};
    dump_json(&options, &f, &out);
    const char *second = strstr(eh_buf_cstr(&out) + 1, "\nbatch [");
    assert_non_null(second);
    assert_non_null(strstr(second, "a=#-1 k0=#1"));
    assert_null(strstr(second, "a=#3999"));
    eh_buf_free(&text);
    eh_buf_free(&out);
}

static void test_endless_white_space_stops(void **state)
{
    (void)state;
    static const char *const starts[] = {"[", "[{},", ""};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        eh_buf text, out;
        eh_buf_init(&text, SIZE_MAX / 4);
        eh_buf_init(&out, SIZE_MAX / 4);
        SAY(&text, "%s%*s{}]", starts[i], 1024 * 1024 + 1, "");
        eh_json_options options = {.shape = EH_JSON_DETECT};
        json_feeding f = {.data = text.data, .len = text.len, .chunk = 100000};
        dump_json(&options, &f, &out);
        assert_non_null(strstr(eh_buf_cstr(&out), "\nerror limit: "));
        eh_buf_free(&text);
        eh_buf_free(&out);
    }
}

static void test_keys_that_are_data_stop(void **state)
{
    (void)state;
    eh_buf text, out;
    eh_buf_init(&text, SIZE_MAX / 4);
    eh_buf_init(&out, SIZE_MAX / 4);
    for (int i = 0; i < 5000; i++) SAY(&text, "{\"k%d\":1}\n", i);
    eh_json_options options = {.shape = EH_JSON_LINES};
    json_feeding f = {.data = text.data, .len = text.len, .chunk = 100};
    dump_json(&options, &f, &out);
    assert_non_null(strstr(eh_buf_cstr(&out),
                           "\nerror limit: the records have more than 4096 different keys\n"));
    eh_buf_free(&text);
    eh_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth_has_an_end),
        cmocka_unit_test(test_a_record_past_the_limit_stops),
        cmocka_unit_test(test_a_long_key_is_no_column),
        cmocka_unit_test(test_wide_records_begin_a_batch),
        cmocka_unit_test(test_endless_white_space_stops),
        cmocka_unit_test(test_keys_that_are_data_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
