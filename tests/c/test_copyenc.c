/* COPY rows byte by byte, and the reasons of misfits. What a server makes of the rows is in
 * test_copyenc_server.c. */
#include "data/copyenc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cells.h"

static void expect_bytes(const eh_buf *out, const char *bytes, size_t len)
{
    assert_int_equal(out->len, len);
    assert_memory_equal(out->data, bytes, len);
}

#define EXPECT_BYTES(out, bytes) expect_bytes(out, bytes, sizeof(bytes) - 1)

static eh_encode encode(bool binary, eh_buf *out, eh_pg_column column, eh_cell cell,
                        const char **reason)
{
    const eh_cell *pick[] = {&cell};
    eh_err err = {.class_ = EH_OK};
    size_t at = 9;
    *reason = NULL;
    eh_buf_init(out, 1 << 20);
    eh_encode outcome = binary ? eh_copy_binary_row(out, &column, 1, pick, &at, reason, &err)
                               : eh_copy_text_row(out, &column, 1, pick, &at, reason, &err);
    if (outcome == EH_ENCODE_MISFIT) assert_int_equal(at, 0);
    return outcome;
}

#define EXPECT_FIELD(column, cell, bytes)                                                      \
    do {                                                                                       \
        eh_buf out_;                                                                           \
        const char *reason_;                                                                   \
        assert_int_equal(encode(true, &out_, column, cell, &reason_), EH_ENCODE_OK);           \
        EXPECT_BYTES(&out_, "\0\1" bytes);                                                     \
        eh_buf_free(&out_);                                                                    \
    } while (0)

static void expect_text(eh_pg_column column, eh_cell cell, const char *text)
{
    eh_buf out;
    const char *reason;
    assert_int_equal(encode(false, &out, column, cell, &reason), EH_ENCODE_OK);
    expect_bytes(&out, text, strlen(text));
    eh_buf_free(&out);
}

/* Both formats refuse, with the same reason. */
static void misfit(eh_pg_column column, eh_cell cell, const char *expected)
{
    for (int binary = 0; binary <= 1; binary++) {
        eh_buf out;
        const char *reason;
        assert_int_equal(encode(binary, &out, column, cell, &reason), EH_ENCODE_MISFIT);
        assert_string_equal(reason, expected);
        eh_buf_free(&out);
    }
}

static void fits(eh_pg_column column, eh_cell cell)
{
    for (int binary = 0; binary <= 1; binary++) {
        eh_buf out;
        const char *reason;
        if (encode(binary, &out, column, cell, &reason) != EH_ENCODE_OK) fail_msg("%s", reason);
        eh_buf_free(&out);
    }
}

static eh_pg_column plain(eh_pg_kind kind)
{
    return (eh_pg_column){.kind = kind, .typmod = -1};
}

static eh_pg_column declared(eh_pg_kind kind)
{
    return (eh_pg_column){.kind = kind, .typmod = -1, .declared = true};
}

/* As pg_attribute has them: numeric ((p << 16) | s) + 4, character types n + 4, times p. */
static eh_pg_column with_typmod(eh_pg_kind kind, int32_t typmod)
{
    return (eh_pg_column){.kind = kind, .typmod = typmod};
}

static void test_frame(void **state)
{
    (void)state;
    eh_buf out;
    eh_err err = {.class_ = EH_OK};
    eh_buf_init(&out, 100);
    assert_true(eh_copy_header(&out, &err));
    EXPECT_BYTES(&out, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0");
    assert_true(eh_copy_trailer(&out, &err));
    EXPECT_BYTES(&out, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\377\377");
    eh_buf_free(&out);
}

static void test_binary_fields(void **state)
{
    (void)state;
    EXPECT_FIELD(plain(EH_PG_INT8), raw("258"), "\0\0\0\10\0\0\0\0\0\0\1\2");
    EXPECT_FIELD(plain(EH_PG_INT4), raw("-2"), "\0\0\0\4\377\377\377\376");
    EXPECT_FIELD(plain(EH_PG_INT2), raw("258"), "\0\0\0\2\1\2");
    EXPECT_FIELD(plain(EH_PG_BOOL), raw("true"), "\0\0\0\1\1");
    EXPECT_FIELD(plain(EH_PG_TEXT), raw(""), "\0\0\0\0");
    EXPECT_FIELD(plain(EH_PG_TEXT), raw("abc"),
                 "\0\0\0\3"
                 "abc");
    EXPECT_FIELD(plain(EH_PG_DATE), raw("2000-01-02"), "\0\0\0\4\0\0\0\1");
    EXPECT_FIELD(plain(EH_PG_TIMESTAMPTZ), raw("2000-01-01T00:00:00.000003Z"),
                 "\0\0\0\10\0\0\0\0\0\0\0\3");
    EXPECT_FIELD(plain(EH_PG_NUMERIC), raw("12.10"), "\0\0\0\14\0\2\0\0\0\0\0\2\0\14\3\350");
    EXPECT_FIELD(plain(EH_PG_NUMERIC), raw("-0.00010"), "\0\0\0\12\0\1\377\377\100\0\0\5\0\1");
    EXPECT_FIELD(plain(EH_PG_NUMERIC), raw("0.00"), "\0\0\0\10\0\0\0\0\0\0\0\2");
    EXPECT_FIELD(plain(EH_PG_JSONB), json("[]"), "\0\0\0\3\1[]");
    EXPECT_FIELD(plain(EH_PG_BYTEA), raw("\\x00ff"), "\0\0\0\2\0\377");
    EXPECT_FIELD(plain(EH_PG_FLOAT8), number("1e0"), "\0\0\0\10\77\360\0\0\0\0\0\0");
    EXPECT_FIELD(plain(EH_PG_TEXT), ((eh_cell){.kind = EH_CELL_NULL}), "\377\377\377\377");
}

static void test_text_fields(void **state)
{
    (void)state;
    expect_text(plain(EH_PG_TEXT), raw("a\tb\\c\nd\re"), "a\\tb\\\\c\\nd\\re\n");
    expect_text(plain(EH_PG_TEXT), raw("twelve bytes and \\ more"),
                "twelve bytes and \\\\ more\n");
    expect_text(plain(EH_PG_TEXT), raw("\\N"), "\\\\N\n");
    expect_text(plain(EH_PG_TEXT), raw(""), "\n");
    expect_text(plain(EH_PG_TEXT), (eh_cell){.kind = EH_CELL_NULL}, "\\N\n");
    expect_text(plain(EH_PG_OTHER), raw("anything"), "anything\n");
    expect_text(plain(EH_PG_INT8), raw("-9223372036854775808"), "-9223372036854775808\n");
    expect_text(plain(EH_PG_BOOL), raw("false"), "f\n");
    expect_text(plain(EH_PG_BYTEA), raw("\\x00"), "\\\\x00\n");
    expect_text(plain(EH_PG_TIMESTAMPTZ), raw("2024-01-02 03:04:05.5+01"),
                "2024-01-02T02:04:05.500Z\n");
    eh_cell a = raw("1"), c = raw("x");
    const eh_cell *pick[] = {&a, NULL, &c};
    const eh_pg_column columns[] = {plain(EH_PG_INT8), plain(EH_PG_DATE), plain(EH_PG_TEXT)};
    eh_buf out;
    eh_err err = {.class_ = EH_OK};
    const char *reason;
    size_t at;
    eh_buf_init(&out, 100);
    assert_int_equal(eh_copy_text_row(&out, columns, 3, pick, &at, &reason, &err),
                     EH_ENCODE_OK);
    EXPECT_BYTES(&out, "1\t\\N\tx\n");
    eh_buf_free(&out);
}

static void test_not_null(void **state)
{
    (void)state;
    eh_pg_column column = plain(EH_PG_TEXT);
    column.not_null = true;
    misfit(column, (eh_cell){.kind = EH_CELL_NULL}, "the column does not take NULL");
    misfit(column, (eh_cell){.kind = EH_CELL_ABSENT}, "the column does not take NULL");
    fits(column, raw(""));
}

static void test_whole_numbers(void **state)
{
    (void)state;
    fits(plain(EH_PG_INT2), raw("-32768"));
    misfit(plain(EH_PG_INT2), raw("32768"), "outside the range of smallint");
    fits(plain(EH_PG_INT4), raw("2147483647"));
    misfit(plain(EH_PG_INT4), raw("2147483648"), "outside the range of integer");
    misfit(plain(EH_PG_INT4), raw("007"), "a leading zero would be lost");
    fits(declared(EH_PG_INT4), raw("007"));
    misfit(plain(EH_PG_INT8), raw("x"), "not a number");
}

static void test_numeric_limits(void **state)
{
    (void)state;
    eh_pg_column column = with_typmod(EH_PG_NUMERIC, ((10 << 16) | 2) + 4);
    fits(column, raw("12345678.90"));
    fits(column, raw("0.00"));
    misfit(column, raw("123456789.00"), "more digits than the column's precision");
    misfit(column, raw("1.255"), "the column's scale would round it");
    misfit(column, raw("1.250"), "the column's scale would cut its trailing zeros");
    misfit(column, raw("12.1"), "the column's scale would pad it with zeros");
    misfit(column, integer_kind(EH_CELL_INTEGER, 12),
           "the column's scale would pad it with zeros");
    column.may_pad = true;
    fits(column, raw("12.1"));
    fits(column, integer_kind(EH_CELL_INTEGER, 12));
    misfit(column, raw("1.255"), "the column's scale would round it");
    eh_pg_column hundreds = with_typmod(EH_PG_NUMERIC, ((3 << 16) | (-2 & 0x7ff)) + 4);
    fits(hundreds, raw("12300"));
    misfit(hundreds, raw("12345"), "the column's scale would round it");
    misfit(hundreds, raw("1234500"), "more digits than the column's precision");
}

static void test_floats(void **state)
{
    (void)state;
    eh_pg_column real4 = plain(EH_PG_FLOAT4), real8 = plain(EH_PG_FLOAT8);
    misfit(real8, raw("1.5"), "a double only where declared");
    real4.existed = real8.existed = true;
    fits(real4, raw("0.1"));
    fits(real4, raw("12.10"));
    fits(real4, number("1e10"));
    fits(real4, integer_kind(EH_CELL_INTEGER, 16777216));
    misfit(real4, raw("16777217"), "a real would lose digits");
    misfit(real4, integer_kind(EH_CELL_INTEGER, 16777217), "a real would lose digits");
    misfit(real4, raw("0.123456789"), "a real would lose digits");
    misfit(real4, number("1e39"), "outside the range of real");
    fits(real8, raw("0.123456789"));
    fits(real8, raw("-0"));
    misfit(real8, raw("9007199254740993"), "a double would lose digits");
    misfit(real8, integer_kind(EH_CELL_INTEGER, 9007199254740993),
           "a double would lose digits");
    misfit(real8, raw("007"), "a leading zero or a plus sign would be lost");
    misfit(real8, string("1.5"), "a text: it becomes a number only where the type is declared");
    misfit(real8, raw("NaN"), "not a number");
    misfit(real8, real(NAN), "not a finite number");
    fits(declared(EH_PG_FLOAT8), raw("9007199254740993"));
}

static void test_time_limits(void **state)
{
    (void)state;
    fits(with_typmod(EH_PG_TIMESTAMP, 3), raw("2024-01-02T03:04:05.120"));
    misfit(with_typmod(EH_PG_TIMESTAMP, 3), raw("2024-01-02T03:04:05.1234"),
           "the column's precision would round it");
    misfit(with_typmod(EH_PG_TIMESTAMPTZ, 0), raw("2024-01-02T03:04:05.1Z"),
           "the column's precision would round it");
    misfit(with_typmod(EH_PG_TIME, 1), raw("03:04:05.12"),
           "the column's precision would round it");
    misfit(plain(EH_PG_TIMESTAMP), raw("2024-01-02T03:04:05Z"), "an offset would be lost");
    misfit(plain(EH_PG_TIMESTAMPTZ), raw("2024-01-02T03:04:05"),
           "no Z and no offset: the zone must be declared");
    misfit(plain(EH_PG_DATE), raw("tomorrow"), "not a date of the form YYYY-MM-DD");
}

static void test_characters(void **state)
{
    (void)state;
    eh_pg_column column = with_typmod(EH_PG_VARCHAR, 3 + 4);
    fits(column, raw("\xe6\xb3\xa8\xe6\xb3\xa8\xe6\xb3\xa8"));
    misfit(column, raw("abcd"), "longer than the column allows");
    misfit(column, raw("abc "), "longer than the column allows");
    column.kind = EH_PG_BPCHAR;
    fits(column, raw("abc"));
    misfit(column, raw("ab"), "the column would pad it with blanks");
    misfit(column, raw("abc "), "longer than the column allows");
    column.may_pad = true;
    fits(column, raw("ab"));
    eh_cell nul = {.kind = EH_CELL_STRING, .len = 3, .as.text = "a\0b"};
    misfit(plain(EH_PG_TEXT), nul, "NUL byte");
}

static void test_uuid_and_bytea(void **state)
{
    (void)state;
    const char *lower = "0123abcd-0123-4567-89ab-0123456789ab";
    const char *upper = "0123ABCD-0123-4567-89AB-0123456789AB";
    fits(plain(EH_PG_UUID), raw(lower));
    misfit(plain(EH_PG_UUID), raw(upper), "hexadecimal digits in upper case would be lost");
    fits(declared(EH_PG_UUID), raw(upper));
    misfit(plain(EH_PG_UUID), raw("0123abcd012345670123012345678901"),
           "not a uuid of the form 8-4-4-4-12");
    misfit(plain(EH_PG_UUID), raw("0123abcd-0123-4567-89ab-0123456789ag"),
           "not a uuid of the form 8-4-4-4-12");
    misfit(plain(EH_PG_UUID), raw("0123abcd00123-4567-89ab-0123456789ab"),
           "not a uuid of the form 8-4-4-4-12");
    misfit(plain(EH_PG_BYTEA), raw("hello"), "not \\x and pairs of hexadecimal digits");
}

static void test_other(void **state)
{
    (void)state;
    eh_buf out;
    const char *reason;
    assert_int_equal(encode(true, &out, plain(EH_PG_OTHER), raw("x"), &reason),
                     EH_ENCODE_MISFIT);
    assert_string_equal(reason, "the column's type has no binary encoder");
    eh_buf_free(&out);
    assert_int_equal(eh_pg_kind_of(600), EH_PG_OTHER); /* point */
    assert_int_equal(eh_pg_kind_of(20), EH_PG_INT8);
    assert_int_equal(eh_pg_kind_type(EH_PG_INT4), EH_TYPE_BIGINT);
    assert_int_equal(eh_pg_kind_type(EH_PG_TIMESTAMP), EH_TYPE_DATETIME);
    assert_int_equal(eh_pg_kind_type(EH_PG_OTHER), EH_TYPE_TEXT);
}

/* A buffer at its limit is an error, not a misfit. */
static void test_full_buffer(void **state)
{
    (void)state;
    eh_buf out;
    eh_err err = {.class_ = EH_OK};
    eh_cell cell = raw("some text");
    const eh_cell *pick[] = {&cell};
    const eh_pg_column column = plain(EH_PG_TEXT);
    const char *reason;
    size_t at;
    eh_buf_init(&out, 16);
    assert_int_equal(eh_copy_binary_row(&out, &column, 1, pick, &at, &reason, &err),
                     EH_ENCODE_ERROR);
    assert_int_equal(err.class_, EH_CLASS_LIMIT);
    eh_err_clear(&err);
    assert_int_equal(eh_copy_text_row(&out, &column, 1, pick, &at, &reason, &err),
                     EH_ENCODE_ERROR);
    assert_int_equal(err.class_, EH_CLASS_LIMIT);
    eh_buf_free(&out);
}

/* No byte past a cell is read: every length of some texts, in memory of their own, for ASan. */
static void test_no_reading_past_the_end(void **state)
{
    (void)state;
    static const char *const texts[] = {"2024-01-02T03:04:05.123456+02:00",
                                        "-1234567890123456.12345678",
                                        "0123abcd-0123-4567-89ab-0123456789ab", "true"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (size_t len = 0; len <= strlen(texts[i]); len++) {
            char *exact = malloc(len > 0 ? len : 1);
            assert_non_null(exact);
            memcpy(exact, texts[i], len);
            eh_cell cell = {.kind = EH_CELL_RAW, .len = (uint32_t)len, .as.text = exact};
            for (eh_pg_kind kind = EH_PG_BOOL; kind <= EH_PG_BYTEA; kind++) {
                if (kind == EH_PG_JSON || kind == EH_PG_JSONB) continue;
                eh_buf out;
                const char *reason;
                encode(true, &out, plain(kind), cell, &reason);
                eh_buf_free(&out);
                encode(false, &out, declared(kind), cell, &reason);
                eh_buf_free(&out);
            }
            free(exact);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame),
        cmocka_unit_test(test_binary_fields),
        cmocka_unit_test(test_text_fields),
        cmocka_unit_test(test_not_null),
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_numeric_limits),
        cmocka_unit_test(test_floats),
        cmocka_unit_test(test_time_limits),
        cmocka_unit_test(test_characters),
        cmocka_unit_test(test_uuid_and_bytea),
        cmocka_unit_test(test_other),
        cmocka_unit_test(test_full_buffer),
        cmocka_unit_test(test_no_reading_past_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
