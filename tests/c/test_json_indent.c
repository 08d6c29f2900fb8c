/* A JSON text laid out: only white space changes, and what is no JSON is left alone. */
#include "data/json_indent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void indents(const char *text, const char *expected)
{
    eh_buf out;
    bool is_json;
    eh_err err = {.class_ = EH_OK};
    eh_buf_init(&out, 1 << 20);
    assert_true(eh_json_indent(eh_slice_str(text), &out, &is_json, &err));
    assert_int_equal(is_json, expected != NULL);
    assert_string_equal(eh_buf_cstr(&out), expected != NULL ? expected : "");
    eh_buf_free(&out);
}

static void members_and_elements_get_lines(void **state)
{
    (void)state;
    indents("{\"a\":1,\"b\":[1,{\"c\":null}]}",
            "{\n  \"a\": 1,\n  \"b\": [\n    1,\n    {\n      \"c\": null\n    }\n  ]\n}");
    indents(" [ ] ", "[]");
    indents("{\"a\" : { } , \"b\":[\n]}", "{\n  \"a\": {},\n  \"b\": []\n}");
    indents(" 12.10\n", "12.10");
}

static void nothing_inside_changes(void **state)
{
    (void)state;
    indents("[12345678901234567890.10,1E+5,\"a,\\\"{}[]: \\\\\",\"\\u00e9é\",true]",
            "[\n  12345678901234567890.10,\n  1E+5,\n  \"a,\\\"{}[]: \\\\\",\n"
            "  \"\\u00e9é\",\n  true\n]");
    indents("\"\\\\\"", "\"\\\\\"");
}

static void what_is_no_json_is_left(void **state)
{
    (void)state;
    indents("<html>", NULL);
    indents("{\"a\":1}\n{\"a\":2}", NULL);
    indents("[1,]", NULL);
    indents("", NULL);
    indents("{\"a\":", NULL);
}

static void a_full_buffer_is_said(void **state)
{
    (void)state;
    eh_buf out;
    bool is_json;
    for (size_t max = 0; max < 16; max++) {
        eh_err err = {.class_ = EH_OK};
        eh_buf_init(&out, max);
        bool ok = eh_json_indent(eh_slice_str("{\"a\":[1,2]}"), &out, &is_json, &err);
        assert_false(ok);
        assert_int_equal(err.class_, EH_CLASS_LIMIT);
        assert_int_equal(out.len, 0);
        eh_buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_and_elements_get_lines),
        cmocka_unit_test(nothing_inside_changes),
        cmocka_unit_test(what_is_no_json_is_left),
        cmocka_unit_test(a_full_buffer_is_said),
    };
    return cmocka_run_group_tests_name("json indent", tests, NULL, NULL);
}
