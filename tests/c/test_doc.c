/* Numbers of a document: what was read as one is written as it came. */
#include "data/json_doc.h"

#include "base/arena.h"
#include "base/buf.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* text -> kind -> written for rows. What would not print back is a text, quotes and all. */
static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        eh_doc_kind kind;
        const char *rows, *json;
    } cases[] = {
        {"5", EH_DOC_INTEGER, "5", "5"},
        {"-9223372036854775808", EH_DOC_INTEGER, "-9223372036854775808",
         "-9223372036854775808"},
        {"0.1", EH_DOC_DOUBLE, "0.1", "0.1"},
        {"20.0", EH_DOC_DOUBLE, "20.0", "20"},
        {"-0.0", EH_DOC_DOUBLE, "-0.0", "-0"},
        {"1e+20", EH_DOC_DOUBLE, "1e+20", "1e+20"},
        {"123456789012.25", EH_DOC_DOUBLE, "123456789012.25", "123456789012.25"},
        {"1234567890123.4567", EH_DOC_STRING, "\"1234567890123.4567\"",
         "\"1234567890123.4567\""},
        {"12.10", EH_DOC_STRING, "\"12.10\"", "\"12.10\""},
        {"1e3", EH_DOC_STRING, "\"1e3\"", "\"1e3\""},
        {"-0", EH_DOC_STRING, "\"-0\"", "\"-0\""},
        {"1e999", EH_DOC_STRING, "\"1e999\"", "\"1e999\""},
        {"0.10000000000000001", EH_DOC_STRING, "\"0.10000000000000001\"",
         "\"0.10000000000000001\""},
        {"9223372036854775808", EH_DOC_STRING, "\"9223372036854775808\"",
         "\"9223372036854775808\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        eh_arena *arena = eh_arena_new(65536);
        const eh_doc *rows, *doc;
        eh_err err = {.class_ = EH_OK};
        char list[64], line[64];
        eh_buf out;
        eh_buf_init(&out, 1024);
        (void)snprintf(list, sizeof list, "[%s]", cases[i].text);
        (void)snprintf(line, sizeof line, "%s\n", cases[i].rows);
        assert_true(eh_json_to_doc(eh_slice_str(list), arena, &rows, &err));
        doc = eh_doc_first(rows);
        assert_int_equal(doc->kind, cases[i].kind);
        assert_true(eh_doc_to_rows(rows, &out, &err));
        assert_string_equal(eh_buf_cstr(&out), line);
        out.len = 0;
        assert_true(eh_doc_to_json(doc, &out, &err));
        assert_string_equal(eh_buf_cstr(&out), cases[i].json);
        eh_buf_free(&out);
        eh_arena_free(arena);
    }
}

/* Whatever double it is: the text reads as the same one. */
static void test_every_double(void **state)
{
    (void)state;
    uint64_t x = 88172645463325252;
    for (int i = 0; i < 20000; i++) {
        char text[EH_DOUBLE_TEXT];
        double value;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        memcpy(&value, &x, sizeof value);
        if (!isfinite(value)) continue;
        eh_double_text(value, text);
        assert_true(strtod(text, NULL) == value);
        assert_non_null(strpbrk(text, ".e"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_every_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
