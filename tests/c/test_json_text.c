/* tests/c/test_json_text.c: what is JSON and what is not: a table in the spirit of
 * JSONTestSuite, for the judge (eh_json_check) and for the reader, which must agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include "json_dump.h"

#include <stdio.h>

static const char *const good_values[] = {"0",
                                          "-0",
                                          "10",
                                          "1.5",
                                          "-1.50e10",
                                          "1E+2",
                                          "1e-2",
                                          "0e0",
                                          "0.0",
                                          "true",
                                          "false",
                                          "null",
                                          "\"\"",
                                          "\"\\u0041\"",
                                          "\"\\ud83d\\ude00\"",
                                          "\"\x7f\"",
                                          "\"\xf4\x8f\xbf\xbf\"",
                                          "[]",
                                          "{}",
                                          "[[]]",
                                          "[1,2]",
                                          "[ 1 , 2 ]",
                                          "{\"a\":{\"b\":[{}]}}",
                                          " \t\r1 ",
                                          "{\"\":1}",
                                          "\"\\\\\\\"\"",
                                          "123456789012345678901234567890",
                                          "1e400",
                                          "[\"]\",\"}\"]",
                                          "{\"a\":1,\"b\":2}"};

static const char *const bad_values[] = {"",
                                         " ",
                                         "01",
                                         "-",
                                         "-01",
                                         "+1",
                                         "1.",
                                         ".5",
                                         "1.e1",
                                         "1e",
                                         "1e+",
                                         "0x1",
                                         "1_0",
                                         "1 2",
                                         "NaN",
                                         "nan",
                                         "Infinity",
                                         "-Infinity",
                                         "tru",
                                         "truee",
                                         "True",
                                         "nul",
                                         "fals",
                                         "falsey",
                                         "'a'",
                                         "a",
                                         "\"",
                                         "\"a",
                                         "\"\\\"",
                                         "\"\\x\"",
                                         "\"\\u12\"",
                                         "\"\\u12g4\"",
                                         "\"\\U0041\"",
                                         "\"a\nb\"",
                                         "\"a\tb\"",
                                         "\"\x01\"",
                                         "\"\\\n\"",
                                         "[",
                                         "]",
                                         "[1",
                                         "[1,",
                                         "[1,]",
                                         "[,1]",
                                         "[,]",
                                         "[1,,2]",
                                         "[1 2]",
                                         "[1}",
                                         "{",
                                         "}",
                                         "{\"a\"",
                                         "{\"a\":",
                                         "{\"a\":1",
                                         "{\"a\":1,",
                                         "{\"a\":1,}",
                                         "{,}",
                                         "{\"a\" 1}",
                                         "{\"a\"::1}",
                                         "{a:1}",
                                         "{1:1}",
                                         "{\"a\":1]",
                                         "{\"a\":1 \"b\":2}",
                                         "{\"a\",1}",
                                         "{\"a\":}",
                                         "[\"a\" \"b\"]",
                                         "[1]]",
                                         "{}}",
                                         "{}{}",
                                         "[][]",
                                         "1,",
                                         "//x\n1",
                                         "[1/**/]",
                                         "\x01",
                                         "1\x0c",
                                         "\xef\xbb\xbf"
                                         "1",
                                         "\xc2\xa0"
                                         "1",
                                         "\"a\"b",
                                         "\"a\"1",
                                         "1\"a\"",
                                         "true\"\"",
                                         "[1\\]",
                                         "\"\xff\"",
                                         "\"\xc0\x80\"",
                                         "\"\xed\xa0\x80\"",
                                         "\"\xf4\x90\x80\x80\"",
                                         "\"\xe2\x82\"",
                                         "\"\xc3\"",
                                         "[\"\x80\"]",
                                         "\"\\ud800\"",
                                         "\"\\udc00\"",
                                         "\"\\ud800\\ud800\"",
                                         "\"\\ud800x\"",
                                         "\"\\ud800\\u0041\"",
                                         "[\"\\udfff\"]",
                                         "{\"\\ud800\":1}"};

/* A record with the value in it is a row exactly if the value is good, whoever looks at it. */
static bool read_in_record(const char *value)
{
    char text[512];
    int len = snprintf(text, sizeof text, "{\"k\":%s,\"z\":[%s]}", value, value);
    eh_json_options options = {.shape = EH_JSON_DOCUMENT};
    json_feeding f = {.data = text, .len = (size_t)len, .chunk = 1000};
    eh_buf out;
    eh_buf_init(&out, SIZE_MAX / 4);
    dump_json(&options, &f, &out);
    bool row = strncmp(eh_buf_cstr(&out), "k=", 2) == 0;
    eh_buf_free(&out);
    return row;
}

static void test_the_grammar_is_that_of_the_rfc(void **state)
{
    (void)state;
    bool odd;
    for (size_t i = 0; i < sizeof good_values / sizeof good_values[0]; i++) {
        eh_err err = {.class_ = EH_OK};
        if (!eh_json_check(eh_slice_str(good_values[i]), &odd, &err))
            fail_msg("refused %s: %s", good_values[i], err.message);
        assert_false(odd);
        if (!read_in_record(good_values[i])) fail_msg("not read: %s", good_values[i]);
    }
    for (size_t i = 0; i < sizeof bad_values / sizeof bad_values[0]; i++) {
        eh_err err = {.class_ = EH_OK};
        if (eh_json_check(eh_slice_str(bad_values[i]), &odd, &err))
            fail_msg("taken: %s", bad_values[i]);
        assert_int_equal(err.class_, EH_CLASS_DATA);
        if (read_in_record(bad_values[i])) fail_msg("read: %s", bad_values[i]);
    }
}

static void test_a_check_tells_duplicates_and_nul(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"a\":1,\"a\":2}",
        "[{\"a\":{\"b\":1,\"\\u0062\":2}}]",
        "\"\\u0000\"",
        "{\"\\u0000\":1}",
        "[[\"x\\u0000\"]]",
        "{\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,\"9\":1,\"1\":1}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        bool odd = false;
        assert_true(eh_json_check(eh_slice_str(texts[i]), &odd, NULL));
        if (!odd) fail_msg("not noticed: %s", texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_grammar_is_that_of_the_rfc),
        cmocka_unit_test(test_a_check_tells_duplicates_and_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
