/* Inference: what becomes a type, what stays text and why, and the algebra of the join. */
#include "data/infer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cells.h"

static void expect(eh_cell cell, eh_type type)
{
    if (eh_infer_cell(&cell) == type) return;
    fail_msg("\"%.*s\" (kind %d) is %s, not %s", eh_cell_has_text(&cell) ? (int)cell.len : 0,
             cell.as.text, cell.kind, eh_type_name(eh_infer_cell(&cell)), eh_type_name(type));
}

static void expect_raw(const char *const *texts, eh_type type)
{
    for (; *texts != NULL; texts++) expect(raw(*texts), type);
}

static void test_raw(void **state)
{
    (void)state;
    expect_raw((const char *const[]){"true", "false", NULL}, EH_TYPE_BOOLEAN);
    expect_raw((const char *const[]){"0", "1", "-1", "42", "12345678", "123456789",
                                     "1234567890123456", "12345678901234567",
                                     "9223372036854775807", "-9223372036854775808", NULL},
               EH_TYPE_BIGINT);
    expect_raw((const char *const[]){"9223372036854775808", "-9223372036854775809",
                                     "18446744073709551616", "12345678901234567890", "0.0",
                                     "12.10", "-0.5", "0.00", "-12.000001", "1.0",
                                     "99999999999999999999999999999999.5", NULL},
               EH_TYPE_NUMERIC);
    expect_raw(
        (const char *const[]){"2024-02-29", "0001-01-01", "9999-12-31", "2000-02-29", NULL},
        EH_TYPE_DATE);
    expect_raw(
        (const char *const[]){"00:00:00", "23:59:59", "09:05:00.5", "09:05:00.123456", NULL},
        EH_TYPE_TIME);
    expect_raw((const char *const[]){"2024-01-02T03:04:05Z", "2024-01-02 03:04:05Z",
                                     "2024-01-02T03:04:05.1Z", "2024-01-02T03:04:05.123450Z",
                                     "2024-01-02T03:04:05+02", "2024-01-02T03:04:05-0230",
                                     "2024-01-02T03:04:05+15:59", "2024-01-02 03:04:05.5-15:59",
                                     NULL},
               EH_TYPE_TIMESTAMP);
    expect_raw((const char *const[]){"2024-01-02T03:04:05", "2024-01-02 03:04:05.120", NULL},
               EH_TYPE_DATETIME);
}

static void test_raw_text(void **state)
{
    (void)state;
    expect_raw((const char *const[]){"",
                                     " ",
                                     "x",
                                     "TRUE",
                                     "True",
                                     "t",
                                     "yes",
                                     "falsee",
                                     "tru",
                                     "007",
                                     "+1",
                                     "-0",
                                     "-0.0",
                                     "-0.00",
                                     "00",
                                     "-01",
                                     "01.5",
                                     "1.",
                                     ".5",
                                     "-",
                                     "--1",
                                     "1-",
                                     "1e5",
                                     "1E5",
                                     "0x1F",
                                     "1,000",
                                     "1 000",
                                     " 1",
                                     "1 ",
                                     "1\t",
                                     "1.2.3",
                                     "12.10 ",
                                     "1_000",
                                     "1a",
                                     "12345678a",
                                     "NaN",
                                     "nan",
                                     "Infinity",
                                     "infinity",
                                     "-infinity",
                                     "now",
                                     "today",
                                     "epoch",
                                     "tomorrow",
                                     "\xd9\xa1\xd9\xa2",
                                     "1/",
                                     "1:",
                                     "123456789:",
                                     "12345678901234567/",
                                     NULL},
               EH_TYPE_TEXT);
    expect_raw((const char *const[]){"2023-02-29", "2100-02-29", "2024-00-01", "2024-13-01",
                                     "2024-01-00", "2024-01-32", "2024-04-31", "0000-01-01",
                                     "10000-01-01", "-2024-01-01", "2024-1-1", "2024/01/01",
                                     "01/02/2024", "2024-01-01 ", "2024-01-0a", "2024-01",
                                     NULL},
               EH_TYPE_TEXT);
}

static void test_raw_text_times(void **state)
{
    (void)state;
    expect_raw((const char *const[]){"24:00:00", "23:60:00", "23:59:60", "9:05:00", "09:05",
                                     "09:05:00.", "09:05:00.500", "09:05:00.0",
                                     "09:05:00.1234567", "09:05:00Z", "09:05:00 ", NULL},
               EH_TYPE_TEXT);
    expect_raw((const char *const[]){"2024-01-02T24:00:00Z",
                                     "2024-01-02t03:04:05Z",
                                     "2024-01-02T03:04:05z",
                                     "2024-01-02T03:04:05+16:00",
                                     "2024-01-02T03:04:05+02:60",
                                     "2024-01-02T03:04:05+2",
                                     "2024-01-02T03:04:05+02:0",
                                     "2024-01-02T03:04:05 Z",
                                     "2024-01-02T03:04:05.1234567Z",
                                     "2024-01-02T03:04:05.Z",
                                     "2024-01-02T03:04Z",
                                     "2024-02-30T03:04:05Z",
                                     "2024-01-02T03:04:05+02:00x",
                                     "2024-01-02T03:04:05ZZ",
                                     "2024-01-02  03:04:05",
                                     "2024-01-02_03:04:05",
                                     "2024-01-02T03:04:05+0a",
                                     "0001-01-01T00:00:00+01:00",
                                     "9999-12-31T23:59:59-01:00",
                                     NULL},
               EH_TYPE_TEXT);
}

static void test_digit_limits(void **state)
{
    (void)state;
    enum { MOST = 131072 };
    char *text = malloc(MOST + 20000);
    assert_non_null(text);
    memset(text, '7', MOST + 20000);
    eh_cell cell = {.kind = EH_CELL_RAW, .len = MOST, .as.text = text};
    expect(cell, EH_TYPE_NUMERIC);
    cell.len = MOST + 1;
    expect(cell, EH_TYPE_TEXT);
    text[1] = '.';
    cell.len = 2 + 16383;
    expect(cell, EH_TYPE_NUMERIC);
    cell.len = 2 + 16384;
    expect(cell, EH_TYPE_TEXT);
    free(text);
}

static void test_other_kinds(void **state)
{
    (void)state;
    expect((eh_cell){.kind = EH_CELL_ABSENT}, EH_TYPE_UNKNOWN);
    expect((eh_cell){.kind = EH_CELL_NULL}, EH_TYPE_UNKNOWN);
    expect(string(""), EH_TYPE_TEXT);
    expect(string("1"), EH_TYPE_TEXT);
    expect(string("1.5"), EH_TYPE_TEXT);
    expect(string("true"), EH_TYPE_TEXT);
    expect(string("2024-01-02"), EH_TYPE_DATE);
    expect(string("09:05:00"), EH_TYPE_TIME);
    expect(string("2024-01-02T03:04:05Z"), EH_TYPE_TIMESTAMP);
    expect(string("2024-01-02T03:04:05"), EH_TYPE_DATETIME);
    expect(number("1"), EH_TYPE_BIGINT);
    expect(number("1.10"), EH_TYPE_NUMERIC);
    expect(number("-0"), EH_TYPE_TEXT);
    expect(number("123456789012345678901"), EH_TYPE_NUMERIC);
    expect(number("1e5"), EH_TYPE_DOUBLE);
    expect(number("1.5E-7"), EH_TYPE_DOUBLE);
    expect(number("0e0"), EH_TYPE_DOUBLE);
    expect(number("1e400"), EH_TYPE_TEXT);
    expect(number("1e-400"), EH_TYPE_TEXT);
    expect(number("1.2345678901234567890e3"), EH_TYPE_TEXT);
    expect(integer_kind(EH_CELL_BOOLEAN, 1), EH_TYPE_BOOLEAN);
    expect(integer_kind(EH_CELL_INTEGER, 1), EH_TYPE_BIGINT);
    expect(integer_kind(EH_CELL_TIME_US, 1), EH_TYPE_TIMESTAMP);
    expect(real(1.0), EH_TYPE_DOUBLE);
    expect(json("[1]"), EH_TYPE_JSON);
    eh_cell twice = json("{\"a\":1,\"a\":2}");
    twice.flags = EH_CELL_DUPLICATE;
    expect(twice, EH_TYPE_TEXT);
}

/* Associative, commutative, idempotent, UNKNOWN neutral, TEXT absorbing: over all triples. */
static void test_join_laws(void **state)
{
    (void)state;
    for (eh_type a = 0; a < EH_TYPE_COUNT; a++) {
        assert_int_equal(eh_infer_join(a, a), a);
        assert_int_equal(eh_infer_join(a, EH_TYPE_UNKNOWN), a);
        assert_int_equal(eh_infer_join(a, EH_TYPE_TEXT), EH_TYPE_TEXT);
        for (eh_type b = 0; b < EH_TYPE_COUNT; b++) {
            eh_type ab = eh_infer_join(a, b);
            assert_int_equal(ab, eh_infer_join(b, a));
            for (eh_type c = 0; c < EH_TYPE_COUNT; c++)
                assert_int_equal(eh_infer_join(ab, c), eh_infer_join(a, eh_infer_join(b, c)));
        }
    }
}

static void test_join_pairs(void **state)
{
    (void)state;
    assert_int_equal(eh_infer_join(EH_TYPE_BIGINT, EH_TYPE_NUMERIC), EH_TYPE_NUMERIC);
    assert_int_equal(eh_infer_join(EH_TYPE_DATE, EH_TYPE_DATETIME), EH_TYPE_DATETIME);
    assert_int_equal(eh_infer_join(EH_TYPE_DATE, EH_TYPE_TIMESTAMP), EH_TYPE_TEXT);
    assert_int_equal(eh_infer_join(EH_TYPE_BIGINT, EH_TYPE_DOUBLE), EH_TYPE_TEXT);
    assert_int_equal(eh_infer_join(EH_TYPE_BOOLEAN, EH_TYPE_BIGINT), EH_TYPE_TEXT);
    assert_int_equal(eh_infer_join(EH_TYPE_JSON, EH_TYPE_BIGINT), EH_TYPE_TEXT);
}

static void test_reasons(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"007", "a leading zero would be lost"},
        {"+1", "a plus sign would be lost"},
        {"-0", "the sign of a negative zero would be lost"},
        {"1e5", "scientific notation is not printed back"},
        {"1,000", "a thousands separator or a decimal comma"},
        {"1 000", "a thousands separator"},
        {"12%", "a percent sign"},
        {"\xe2\x82\xac"
         "12",
         "a currency sign"},
        {"$12.50", "a currency sign"},
        {" 1", "a blank before or after"},
        {"1 ", "a blank before or after"},
        {".5", "no digit before the point"},
        {"5.", "no digit after the point"},
        {"YES", "a boolean is spelt true or false"},
        {"NaN", "not a number that every type keeps"},
        {"2023-02-29", "no such day"},
        {"01/02/2024", "a date that is not YYYY-MM-DD is never guessed"},
        {"2024-01-02T24:00:00Z", "no such time: HH:MM:SS, 00:00:00 to 23:59:59"},
        {"2024-01-02T03:04:05.1234567Z", "more than 6 digits of a second would be rounded"},
        {"2024-01-02T03:04:05+16:00", "not Z and not an offset within 15:59"},
        {"09:05:00.500", "trailing zeros of the fraction would be lost"},
        {"09:05", "not a time: hours, minutes and seconds are needed"},
        {"", "a quoted empty field is a text, not null"},
        {"12ab", "letters or marks among the digits"},
        {"hello", "not a number, a date, a time or a boolean"},
        {"42", "a whole number within 64 bits"},
        {"12345678901234567890", "a whole number past 64 bits"},
        {"12.10", "a decimal number, every digit kept"},
        {"2024-01-02", "a day, YYYY-MM-DD"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        eh_cell cell = raw(rows[i][0]);
        assert_string_equal(eh_infer_reason(&cell), rows[i][1]);
    }
    eh_cell null = {.kind = EH_CELL_NULL}, word = string("12");
    assert_string_equal(eh_infer_reason(&null), "no value");
    assert_non_null(strstr(eh_infer_reason(&word), "stays a text"));
}

static void test_type_names(void **state)
{
    (void)state;
    eh_type type;
    for (eh_type t = EH_TYPE_BOOLEAN; t < EH_TYPE_COUNT; t++) {
        assert_true(eh_type_from_name(eh_slice_str(eh_type_name(t)), &type));
        assert_int_equal(type, t);
    }
    assert_false(eh_type_from_name(eh_slice_str("unknown"), &type));
    assert_false(eh_type_from_name(eh_slice_str("int"), &type));
    assert_false(eh_type_from_name(eh_slice_str(""), &type));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raw),
        cmocka_unit_test(test_raw_text),
        cmocka_unit_test(test_raw_text_times),
        cmocka_unit_test(test_digit_limits),
        cmocka_unit_test(test_other_kinds),
        cmocka_unit_test(test_join_laws),
        cmocka_unit_test(test_join_pairs),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_type_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
