/* Conversion: every kind of cell into every type, the agreement with inference, prints. */
#include "data/convert.h"
#include "data/infer.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cells.h"

static eh_scratch scratch;

static bool convert(eh_cell cell, eh_type type, bool declared, eh_value *value,
                    const char **reason)
{
    *reason = NULL;
    bool fits = eh_convert(&cell, type, declared, &scratch, value, reason);
    if (fits == (*reason != NULL))
        fail_msg("fits %d, reason %s", fits, *reason != NULL ? *reason : "none");
    return fits;
}

static void misfit(eh_cell cell, eh_type type, bool declared, const char *expected)
{
    eh_value value;
    const char *reason;
    if (convert(cell, type, declared, &value, &reason))
        fail_msg("\"%.*s\" fits %s", eh_cell_has_text(&cell) ? (int)cell.len : 0, cell.as.text,
                 eh_type_name(type));
    assert_string_equal(reason, expected);
}

static void fits_integer(eh_cell cell, eh_type type, bool declared, int64_t expected)
{
    eh_value value;
    const char *reason;
    if (!convert(cell, type, declared, &value, &reason)) fail_msg("%s", reason);
    assert_int_equal(value.type, type);
    assert_true(value.as.integer == expected);
}

static void fits_text(eh_cell cell, eh_type type, bool declared, const char *expected)
{
    eh_value value;
    const char *reason;
    if (!convert(cell, type, declared, &value, &reason)) fail_msg("%s: %s", expected, reason);
    assert_int_equal(value.type, type);
    if (!eh_slice_is(value.as.text, expected))
        fail_msg("\"%.*s\" is not \"%s\"", EH_SLICE_FMT(value.as.text), expected);
}

static void fits_boolean(eh_cell cell, bool declared, bool expected)
{
    eh_value value;
    const char *reason;
    if (!convert(cell, EH_TYPE_BOOLEAN, declared, &value, &reason)) fail_msg("%s", reason);
    assert_int_equal(value.as.boolean, expected);
}

static void fits_real(eh_cell cell, bool declared, double expected)
{
    eh_value value;
    const char *reason;
    if (!convert(cell, EH_TYPE_DOUBLE, declared, &value, &reason)) fail_msg("%s", reason);
    assert_true(value.as.real == expected && signbit(value.as.real) == signbit(expected));
}

static void test_null(void **state)
{
    (void)state;
    for (eh_type type = 0; type < EH_TYPE_COUNT; type++) {
        eh_value value;
        const char *reason;
        assert_true(convert((eh_cell){.kind = EH_CELL_NULL}, type, false, &value, &reason));
        assert_int_equal(value.type, EH_TYPE_UNKNOWN);
        assert_true(convert((eh_cell){.kind = EH_CELL_ABSENT}, type, true, &value, &reason));
        assert_int_equal(value.type, EH_TYPE_UNKNOWN);
    }
}

static void test_boolean(void **state)
{
    (void)state;
    fits_boolean(raw("true"), false, true);
    fits_boolean(raw("false"), false, false);
    fits_boolean(integer_kind(EH_CELL_BOOLEAN, 1), false, true);
    misfit(raw("yes"), EH_TYPE_BOOLEAN, false, "not true or false");
    misfit(raw("TRUE"), EH_TYPE_BOOLEAN, false, "not true or false");
    misfit(string("true"), EH_TYPE_BOOLEAN, false, "not true or false");
    static const char *const yes[] = {"true", "TRUE", "yes", "Yes", "t", "Y", "1"};
    static const char *const no[] = {"false", "False", "NO", "no", "F", "n", "0"};
    for (size_t i = 0; i < 7; i++) fits_boolean(raw(yes[i]), true, true);
    for (size_t i = 0; i < 7; i++) fits_boolean(string(no[i]), true, false);
    fits_boolean(number("1"), true, true);
    fits_boolean(integer_kind(EH_CELL_INTEGER, 0), true, false);
    misfit(raw("on"), EH_TYPE_BOOLEAN, true,
           "not one of true, false, yes, no, t, f, y, n, 1, 0");
    misfit(integer_kind(EH_CELL_INTEGER, 2), EH_TYPE_BOOLEAN, true, "not a boolean");
    misfit(real(1.0), EH_TYPE_BOOLEAN, true, "not a boolean");
}

static void test_bigint(void **state)
{
    (void)state;
    fits_integer(raw("0"), EH_TYPE_BIGINT, false, 0);
    fits_integer(raw("-12345678901"), EH_TYPE_BIGINT, false, -12345678901);
    fits_integer(raw("9223372036854775807"), EH_TYPE_BIGINT, false, INT64_MAX);
    fits_integer(number("-9223372036854775808"), EH_TYPE_BIGINT, false, INT64_MIN);
    fits_integer(integer_kind(EH_CELL_INTEGER, -7), EH_TYPE_BIGINT, false, -7);
    misfit(raw("9223372036854775808"), EH_TYPE_BIGINT, false, "outside 64 bits");
    misfit(raw("007"), EH_TYPE_BIGINT, false, "a leading zero would be lost");
    misfit(raw("+7"), EH_TYPE_BIGINT, false, "a plus sign would be lost");
    misfit(raw("-0"), EH_TYPE_BIGINT, false, "the sign of a negative zero would be lost");
    misfit(raw("7.0"), EH_TYPE_BIGINT, false, "not a whole number");
    misfit(raw("1e5"), EH_TYPE_BIGINT, false, "a number with an exponent");
    misfit(raw("1,000"), EH_TYPE_BIGINT, false, "not a number");
    misfit(raw("NaN"), EH_TYPE_BIGINT, false, "not a number");
    misfit(raw(""), EH_TYPE_BIGINT, false, "not a number");
    misfit(string("7"), EH_TYPE_BIGINT, false,
           "a text: it becomes a number only where the type is declared");
    misfit(integer_kind(EH_CELL_BOOLEAN, 1), EH_TYPE_BIGINT, true, "not a number");
    misfit(real(3.0), EH_TYPE_BIGINT, false, "a double: a whole number only where declared");
}

static void test_bigint_declared(void **state)
{
    (void)state;
    fits_integer(raw("007"), EH_TYPE_BIGINT, true, 7);
    fits_integer(raw("-0"), EH_TYPE_BIGINT, true, 0);
    fits_integer(raw("+0000000000000000000000000042"), EH_TYPE_BIGINT, true, 42);
    fits_integer(raw("-00009223372036854775808"), EH_TYPE_BIGINT, true, INT64_MIN);
    fits_integer(string("42"), EH_TYPE_BIGINT, true, 42);
    fits_integer(real(-3.0), EH_TYPE_BIGINT, true, -3);
    fits_integer(real(-0x1p63), EH_TYPE_BIGINT, true, INT64_MIN);
    misfit(real(0x1p63), EH_TYPE_BIGINT, true, "not a whole number within 64 bits");
    misfit(real(NAN), EH_TYPE_BIGINT, true, "not a whole number within 64 bits");
    misfit(raw("09223372036854775808"), EH_TYPE_BIGINT, true, "outside 64 bits");
    misfit(raw("99999999999999999999"), EH_TYPE_BIGINT, true, "outside 64 bits");
    misfit(raw("7.0"), EH_TYPE_BIGINT, true, "not a whole number");
    misfit(raw("1e3"), EH_TYPE_BIGINT, true, "not a whole number");
    misfit(raw("1 000"), EH_TYPE_BIGINT, true, "not a number");
    misfit(raw(" 7"), EH_TYPE_BIGINT, true, "not a number");
}

static void test_numeric(void **state)
{
    (void)state;
    fits_text(raw("12.10"), EH_TYPE_NUMERIC, false, "12.10");
    fits_text(raw("-5"), EH_TYPE_NUMERIC, false, "-5");
    fits_text(number("0.00"), EH_TYPE_NUMERIC, false, "0.00");
    fits_text(integer_kind(EH_CELL_INTEGER, INT64_MIN), EH_TYPE_NUMERIC, false,
              "-9223372036854775808");
    misfit(raw("012.10"), EH_TYPE_NUMERIC, false, "a leading zero would be lost");
    misfit(raw("-0.0"), EH_TYPE_NUMERIC, false, "the sign of a negative zero would be lost");
    misfit(raw("1.5e3"), EH_TYPE_NUMERIC, false, "a number with an exponent");
    misfit(raw("infinity"), EH_TYPE_NUMERIC, false, "not a number");
    misfit(raw("12,10"), EH_TYPE_NUMERIC, true, "not a number");
    fits_text(raw("+0012.10"), EH_TYPE_NUMERIC, true, "12.10");
    fits_text(raw("0012"), EH_TYPE_NUMERIC, true, "12");
    fits_text(raw("-0012.10"), EH_TYPE_NUMERIC, true, "-12.10");
    fits_text(raw("-0.00"), EH_TYPE_NUMERIC, true, "0.00");
    fits_text(raw(".5"), EH_TYPE_NUMERIC, true, "0.5");
    fits_text(raw("-.50"), EH_TYPE_NUMERIC, true, "-0.50");
    fits_text(raw("1.5e3"), EH_TYPE_NUMERIC, true, "1500");
    fits_text(number("1.25e1"), EH_TYPE_NUMERIC, true, "12.5");
    fits_text(raw("1.5E-3"), EH_TYPE_NUMERIC, true, "0.0015");
    fits_text(raw("0e5"), EH_TYPE_NUMERIC, true, "0");
    fits_text(raw("0.0e1"), EH_TYPE_NUMERIC, true, "0");
    fits_text(string("12.10"), EH_TYPE_NUMERIC, true, "12.10");
    fits_text(real(0.1), EH_TYPE_NUMERIC, true, "0.1");
    fits_text(real(-1e21), EH_TYPE_NUMERIC, true, "-1000000000000000000000");
    misfit(raw("1e99999"), EH_TYPE_NUMERIC, true,
           "more digits than can be written without an exponent");
    misfit(real(INFINITY), EH_TYPE_NUMERIC, true, "not a finite number");
}

static void test_double(void **state)
{
    (void)state;
    fits_real(number("1e5"), false, 1e5);
    fits_real(real(0.1), false, 0.1);
    misfit(raw("1.5"), EH_TYPE_DOUBLE, false, "a double only where declared");
    misfit(number("5"), EH_TYPE_DOUBLE, false, "a double only where declared");
    misfit(number("1e400"), EH_TYPE_DOUBLE, false, "outside the range of a double");
    misfit(number("1.2345678901234567890e1"), EH_TYPE_DOUBLE, false,
           "a double would lose digits");
    misfit(real(NAN), EH_TYPE_DOUBLE, true, "not a finite number");
    fits_real(raw("12.10"), true, 12.1);
    fits_real(raw("-0"), true, -0.0);
    fits_real(raw("1.7976931348623157e308"), true, 1.7976931348623157e308);
    fits_real(raw("4.9e-324"), true, 4.9e-324);
    fits_real(raw("0.1000000000000000055511151231257827021181583404541015625"), true, 0.1);
    fits_real(integer_kind(EH_CELL_INTEGER, 3), true, 3.0);
    misfit(raw("1e309"), EH_TYPE_DOUBLE, true, "outside the range of a double");
    misfit(raw("1e-400"), EH_TYPE_DOUBLE, true, "outside the range of a double");
    misfit(raw("nan"), EH_TYPE_DOUBLE, true, "not a number");
}

static void test_times(void **state)
{
    (void)state;
    fits_integer(raw("1970-01-01"), EH_TYPE_DATE, false, 0);
    fits_integer(raw("2000-03-01"), EH_TYPE_DATE, false, 11017);
    fits_integer(string("1969-12-31"), EH_TYPE_DATE, false, -1);
    misfit(raw("2023-02-29"), EH_TYPE_DATE, true, "no such day, or not YYYY-MM-DD");
    misfit(raw("now"), EH_TYPE_DATE, true, "not a date of the form YYYY-MM-DD");
    misfit(number("20240101"), EH_TYPE_DATE, true, "not a date");
    fits_integer(raw("00:00:01.5"), EH_TYPE_TIME, false, 1500000);
    misfit(raw("00:00:01.50"), EH_TYPE_TIME, false,
           "trailing zeros of the fraction would be lost");
    fits_integer(raw("00:00:01.50"), EH_TYPE_TIME, true, 1500000);
    fits_integer(raw("1970-01-01T00:00:00Z"), EH_TYPE_TIMESTAMP, false, 0);
    fits_integer(raw("1970-01-01 02:00:00.000001+02:00"), EH_TYPE_TIMESTAMP, false, 1);
    fits_integer(raw("1970-01-01 00:00:00-0130"), EH_TYPE_TIMESTAMP, false, 5400000000);
    fits_integer(integer_kind(EH_CELL_TIME_US, 5), EH_TYPE_TIMESTAMP, false, 5);
    misfit(integer_kind(EH_CELL_TIME_US, INT64_MAX), EH_TYPE_TIMESTAMP, false,
           "outside the years 0001 to 9999");
    misfit(raw("1970-01-01T00:00:00"), EH_TYPE_TIMESTAMP, true,
           "no Z and no offset: the zone must be declared");
    misfit(raw("infinity"), EH_TYPE_TIMESTAMP, true,
           "not an ISO 8601 time with Z or an offset");
    fits_integer(raw("1970-01-01T00:00:01"), EH_TYPE_DATETIME, false, 1000000);
    fits_integer(raw("1970-01-02"), EH_TYPE_DATETIME, false, 86400000000);
    misfit(raw("1970-01-01T00:00:00Z"), EH_TYPE_DATETIME, true, "an offset would be lost");
}

static void test_json(void **state)
{
    (void)state;
    fits_text(json("{\"a\":1}"), EH_TYPE_JSON, false, "{\"a\":1}");
    fits_text(raw("[1]"), EH_TYPE_JSON, false, "[1]");
    fits_text(string("[1]"), EH_TYPE_JSON, true, "[1]");
    fits_text(integer_kind(EH_CELL_BOOLEAN, 0), EH_TYPE_JSON, true, "false");
    fits_text(number("1.50"), EH_TYPE_JSON, true, "1.50");
    misfit(number("1.50"), EH_TYPE_JSON, false,
           "neither an array nor an object: json only where declared");
    misfit(string("[1]"), EH_TYPE_JSON, false, "a text: it becomes json only where declared");
    misfit(raw("hello"), EH_TYPE_JSON, true, "not well-formed JSON");
    misfit(raw(""), EH_TYPE_JSON, true, "not well-formed JSON");
    misfit(raw("{\"dup\":1,\"dup\":2}"), EH_TYPE_JSON, true,
           "a duplicate key or a NUL byte inside");
    eh_cell twice = json("{\"a\":1,\"a\":2}");
    twice.flags = EH_CELL_DUPLICATE;
    misfit(twice, EH_TYPE_JSON, true, "a duplicate key or a NUL byte inside");
    fits_text(twice, EH_TYPE_TEXT, false, "{\"a\":1,\"a\":2}");
}

static void test_text(void **state)
{
    (void)state;
    fits_text(raw("007"), EH_TYPE_TEXT, false, "007");
    fits_text(raw(""), EH_TYPE_TEXT, false, "");
    fits_text(string("h\xc3\xa9"), EH_TYPE_TEXT, false, "h\xc3\xa9");
    fits_text(number("1.50e+7"), EH_TYPE_TEXT, false, "1.50e+7");
    fits_text(integer_kind(EH_CELL_INTEGER, -12), EH_TYPE_TEXT, false, "-12");
    fits_text(integer_kind(EH_CELL_BOOLEAN, 1), EH_TYPE_TEXT, false, "true");
    fits_text(integer_kind(EH_CELL_TIME_US, 1500000), EH_TYPE_TEXT, false,
              "1970-01-01T00:00:01.500Z");
    eh_cell nul = {.kind = EH_CELL_STRING, .len = 3, .as.text = "a\0b"};
    misfit(nul, EH_TYPE_TEXT, true, "NUL byte");
    misfit(string("\xff\xff"), EH_TYPE_TEXT, true, "not UTF-8");
    misfit(string("\xc0\x80"), EH_TYPE_TEXT, true, "not UTF-8");
    misfit(real(NAN), EH_TYPE_TEXT, false, "not a finite number");
}

static void test_text_of_doubles(void **state)
{
    (void)state;
    fits_text(real(0.0), EH_TYPE_TEXT, false, "0");
    fits_text(real(-0.0), EH_TYPE_TEXT, false, "-0");
    fits_text(real(3.0), EH_TYPE_TEXT, false, "3");
    fits_text(real(0.1), EH_TYPE_TEXT, false, "0.1");
    fits_text(real(-0.00012), EH_TYPE_TEXT, false, "-0.00012");
    fits_text(real(0.000012), EH_TYPE_TEXT, false, "1.2e-05");
    fits_text(real(123456.789), EH_TYPE_TEXT, false, "123456.789");
    fits_text(real(1e14), EH_TYPE_TEXT, false, "100000000000000");
    fits_text(real(1e15), EH_TYPE_TEXT, false, "1e+15");
    fits_text(real(1.7976931348623157e308), EH_TYPE_TEXT, false, "1.7976931348623157e+308");
    fits_text(real(5e-324), EH_TYPE_TEXT, false, "5e-324");
}

static void test_binary(void **state)
{
    (void)state;
    fits_text(raw("\\x00ff"), EH_TYPE_BINARY, false, "\\x00ff");
    fits_text(raw("\\x"), EH_TYPE_BINARY, false, "\\x");
    fits_text(raw("\\xFF"), EH_TYPE_BINARY, true, "\\xFF");
    misfit(raw("\\xFF"), EH_TYPE_BINARY, false,
           "hexadecimal digits in upper case would be lost");
    misfit(raw("\\x0"), EH_TYPE_BINARY, true, "not \\x and pairs of hexadecimal digits");
    misfit(raw("\\x0g"), EH_TYPE_BINARY, true, "not \\x and pairs of hexadecimal digits");
    misfit(raw("0xff"), EH_TYPE_BINARY, true, "not \\x and pairs of hexadecimal digits");
    misfit(raw(""), EH_TYPE_BINARY, true, "not \\x and pairs of hexadecimal digits");
}

/* Undeclared, a cell fits a type exactly if widening the type by the cell changes nothing. */
static void test_agrees_with_inference(void **state)
{
    (void)state;
    const eh_cell cells[] = {raw("true"),
                             raw("1"),
                             raw("-0"),
                             raw("1.5"),
                             raw("99999999999999999999"),
                             raw("1e5"),
                             raw("007"),
                             raw("2024-01-02"),
                             raw("09:05:00"),
                             raw("09:05:00.10"),
                             raw("2024-01-02T03:04:05Z"),
                             raw("2024-01-02 03:04:05"),
                             raw("x"),
                             raw(""),
                             string("true"),
                             string("1"),
                             string("1.5"),
                             string("2024-01-02"),
                             string("09:05:00"),
                             string("2024-01-02T03:04:05Z"),
                             string("2024-01-02 03:04:05"),
                             string("x"),
                             string(""),
                             number("1"),
                             number("-0"),
                             number("1.5"),
                             number("1e5"),
                             number("1e400"),
                             number("99999999999999999999"),
                             json("[1]"),
                             integer_kind(EH_CELL_BOOLEAN, 0),
                             integer_kind(EH_CELL_INTEGER, 5),
                             integer_kind(EH_CELL_TIME_US, 5),
                             real(1.5),
                             real(3.0)};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        for (eh_type type = EH_TYPE_BOOLEAN; type <= EH_TYPE_TEXT; type++) {
            bool raw_json = type == EH_TYPE_JSON && cells[i].kind == EH_CELL_RAW;
            eh_value value;
            const char *reason;
            bool fits = convert(cells[i], type, false, &value, &reason);
            bool same = eh_infer_join(eh_infer_cell(&cells[i]), type) == type;
            if (fits != same && !raw_json)
                fail_msg("cell %zu into %s: fits %d, inference %d", i, eh_type_name(type), fits,
                         same);
            /* What fits undeclared fits declared too. */
            if (fits) assert_true(convert(cells[i], type, true, &value, &reason));
        }
    }
}

static void test_every_day(void **state)
{
    (void)state;
    int64_t expected = -719162; /* 0001-01-01 */
    static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (int y = 1; y <= 9999; y++) {
        bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
        for (int m = 1; m <= 12; m++) {
            int last = length[m - 1] + (m == 2 && leap);
            for (int d = 1; d <= last; d++, expected++) {
                char text[40], out[40];
                int64_t days;
                /* Every day of some centuries, otherwise the first and last of each month. */
                if (y > 410 && (y < 1890 || y > 2110) && d > 1 && d < last) continue;
                snprintf(text, sizeof text, "%04d-%02d-%02d", y, m, d);
                assert_true(eh_parse_date(eh_slice_str(text), &days));
                assert_true(days == expected);
                assert_int_equal(eh_print_date(days, out), 10);
                assert_memory_equal(out, text, 10);
            }
            char text[40];
            int64_t days;
            snprintf(text, sizeof text, "%04d-%02d-%02d", y, m, last + 1);
            assert_false(eh_parse_date(eh_slice_str(text), &days));
        }
    }
}

static void expect_print(size_t len, const char *out, const char *expected)
{
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(out, expected, len);
}

static void test_prints(void **state)
{
    (void)state;
    char out[40];
    bool zone;
    int64_t us;
    expect_print(eh_print_time(0, out), out, "00:00:00");
    expect_print(eh_print_time(86399999999, out), out, "23:59:59.999999");
    expect_print(eh_print_time(500000, out), out, "00:00:00.5");
    expect_print(eh_print_timestamp(0, true, out), out, "1970-01-01T00:00:00Z");
    expect_print(eh_print_timestamp(-1, false, out), out, "1969-12-31T23:59:59.999999");
    expect_print(eh_print_timestamp(600000, true, out), out, "1970-01-01T00:00:00.600Z");
    expect_print(eh_print_timestamp(600001, true, out), out, "1970-01-01T00:00:00.600001Z");
    expect_print(eh_print_date(-719163, out), out, "0000-12-31");
    assert_true(eh_print_timestamp(INT64_MIN, true, out) <= 40);
    assert_true(eh_print_timestamp(INT64_MAX, true, out) <= 40);
    for (int64_t t = -62135596800000000; t < 253402300800000000; t += 7654321987654) {
        size_t len = eh_print_timestamp(t, true, out);
        assert_true(eh_parse_timestamp(eh_slice_of(out, len), &zone, &us));
        assert_true(zone && us == t);
    }
}

/* Text is never read past its end: each length of it in memory of its own, for ASan. */
static void test_no_reading_past_the_end(void **state)
{
    (void)state;
    static const char *const texts[] = {"2024-01-02T03:04:05.123456+02:00",
                                        "-12345678901234567.25",
                                        "09:05:00.123456",
                                        "\\x00ff00ff",
                                        "true",
                                        "1.5e-300"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (size_t len = 0; len <= strlen(texts[i]); len++) {
            char *exact = malloc(len > 0 ? len : 1);
            assert_non_null(exact);
            memcpy(exact, texts[i], len);
            eh_cell cell = {.kind = EH_CELL_RAW, .len = (uint32_t)len, .as.text = exact};
            eh_value value;
            const char *reason;
            for (eh_type type = EH_TYPE_BOOLEAN; type < EH_TYPE_COUNT; type++) {
                if (type == EH_TYPE_JSON) continue;
                convert(cell, type, false, &value, &reason);
                convert(cell, type, true, &value, &reason);
            }
            eh_infer_cell(&cell);
            assert_non_null(eh_infer_reason(&cell));
            free(exact);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null),
        cmocka_unit_test(test_boolean),
        cmocka_unit_test(test_bigint),
        cmocka_unit_test(test_bigint_declared),
        cmocka_unit_test(test_numeric),
        cmocka_unit_test(test_double),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_of_doubles),
        cmocka_unit_test(test_binary),
        cmocka_unit_test(test_agrees_with_inference),
        cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_prints),
        cmocka_unit_test(test_no_reading_past_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
