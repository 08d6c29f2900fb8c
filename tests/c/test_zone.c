/* tests/c/test_zone.c: local readings to instants, against what another implementation says.
 *
 * The table was printed by Python 3.11's zoneinfo over tzdata 2025b: for each row the instants
 * that convert back to the reading (none: a gap; two: an overlap). Only rows that later tzdata
 * cannot change are in it, or rules that would have to be repealed. */
#include "data/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

typedef struct zone_row {
    const char *zone;
    const char *local;
    eh_zone_local answer;
    const char *first;
    const char *last;
} zone_row;

static const zone_row rows[] = {
    {"America/New_York", "2024-03-10T02:30:00", EH_ZONE_GAP, "", ""},
    {"America/New_York", "2024-03-10T01:59:59", EH_ZONE_OK, "2024-03-10T06:59:59",
     "2024-03-10T06:59:59"},
    {"America/New_York", "2024-03-10T03:00:00", EH_ZONE_OK, "2024-03-10T07:00:00",
     "2024-03-10T07:00:00"},
    {"America/New_York", "2024-11-03T01:30:00", EH_ZONE_AMBIGUOUS, "2024-11-03T05:30:00",
     "2024-11-03T06:30:00"},
    {"America/New_York", "2024-11-03T02:00:00", EH_ZONE_OK, "2024-11-03T07:00:00",
     "2024-11-03T07:00:00"},
    {"America/New_York", "2150-07-01T12:00:00", EH_ZONE_OK, "2150-07-01T16:00:00",
     "2150-07-01T16:00:00"},
    {"America/New_York", "2150-12-01T12:00:00", EH_ZONE_OK, "2150-12-01T17:00:00",
     "2150-12-01T17:00:00"},
    {"America/New_York", "1883-11-18T12:00:00", EH_ZONE_AMBIGUOUS, "1883-11-18T16:56:02",
     "1883-11-18T17:00:00"},
    {"America/New_York", "1800-01-01T00:00:00", EH_ZONE_OK, "1800-01-01T04:56:02",
     "1800-01-01T04:56:02"},
    {"America/Sao_Paulo", "2018-11-04T00:00:00", EH_ZONE_GAP, "", ""},
    {"America/Sao_Paulo", "2018-11-04T01:00:00", EH_ZONE_OK, "2018-11-04T03:00:00",
     "2018-11-04T03:00:00"},
    {"America/Sao_Paulo", "2018-02-17T23:30:00", EH_ZONE_AMBIGUOUS, "2018-02-18T01:30:00",
     "2018-02-18T02:30:00"},
    {"Asia/Beirut", "2022-03-27T00:15:00", EH_ZONE_GAP, "", ""},
    {"America/Havana", "2024-03-10T00:30:00", EH_ZONE_GAP, "", ""},
    {"Africa/Cairo", "2024-04-26T00:30:00", EH_ZONE_GAP, "", ""},
    {"Asia/Tehran", "2021-03-22T00:30:00", EH_ZONE_GAP, "", ""},
    {"America/Asuncion", "2023-10-01T00:30:00", EH_ZONE_GAP, "", ""},
    {"America/St_Johns", "2010-11-06T23:30:00", EH_ZONE_AMBIGUOUS, "2010-11-07T02:00:00",
     "2010-11-07T03:00:00"},
    {"America/St_Johns", "2010-11-07T00:00:30", EH_ZONE_AMBIGUOUS, "2010-11-07T02:30:30",
     "2010-11-07T03:30:30"},
    {"Australia/Lord_Howe", "2024-10-06T02:15:00", EH_ZONE_GAP, "", ""},
    {"Australia/Lord_Howe", "2024-10-06T02:30:00", EH_ZONE_OK, "2024-10-05T15:30:00",
     "2024-10-05T15:30:00"},
    {"Australia/Lord_Howe", "2024-04-07T01:45:00", EH_ZONE_AMBIGUOUS, "2024-04-06T14:45:00",
     "2024-04-06T15:15:00"},
    {"Australia/Lord_Howe", "2024-04-07T02:00:00", EH_ZONE_OK, "2024-04-06T15:30:00",
     "2024-04-06T15:30:00"},
    {"Antarctica/Troll", "2024-03-31T02:00:00", EH_ZONE_GAP, "", ""},
    {"Antarctica/Troll", "2024-03-31T03:00:00", EH_ZONE_OK, "2024-03-31T01:00:00",
     "2024-03-31T01:00:00"},
    {"Antarctica/Troll", "2024-10-27T01:30:00", EH_ZONE_AMBIGUOUS, "2024-10-26T23:30:00",
     "2024-10-27T01:30:00"},
    {"Antarctica/Troll", "2024-10-27T02:59:59", EH_ZONE_AMBIGUOUS, "2024-10-27T00:59:59",
     "2024-10-27T02:59:59"},
    {"Pacific/Apia", "2011-12-29T23:59:59", EH_ZONE_OK, "2011-12-30T09:59:59",
     "2011-12-30T09:59:59"},
    {"Pacific/Apia", "2011-12-30T12:00:00", EH_ZONE_GAP, "", ""},
    {"Pacific/Apia", "2011-12-31T00:00:00", EH_ZONE_OK, "2011-12-30T10:00:00",
     "2011-12-30T10:00:00"},
    {"Europe/Dublin", "2024-03-31T01:30:00", EH_ZONE_GAP, "", ""},
    {"Europe/Dublin", "2024-10-27T01:30:00", EH_ZONE_AMBIGUOUS, "2024-10-27T00:30:00",
     "2024-10-27T01:30:00"},
    {"Europe/Dublin", "2024-01-15T12:00:00", EH_ZONE_OK, "2024-01-15T12:00:00",
     "2024-01-15T12:00:00"},
    {"Europe/Dublin", "2060-07-15T12:00:00", EH_ZONE_OK, "2060-07-15T11:00:00",
     "2060-07-15T11:00:00"},
    {"Africa/Casablanca", "2024-03-10T02:30:00", EH_ZONE_AMBIGUOUS, "2024-03-10T01:30:00",
     "2024-03-10T02:30:00"},
    {"Africa/Casablanca", "2024-04-14T02:30:00", EH_ZONE_GAP, "", ""},
    {"Africa/Casablanca", "2024-06-01T12:00:00", EH_ZONE_OK, "2024-06-01T11:00:00",
     "2024-06-01T11:00:00"},
    {"Asia/Kathmandu", "2024-01-01T00:00:00", EH_ZONE_OK, "2023-12-31T18:15:00",
     "2023-12-31T18:15:00"},
    {"Asia/Kathmandu", "1986-01-01T00:10:00", EH_ZONE_GAP, "", ""},
    {"Europe/Berlin", "2024-03-31T02:30:00", EH_ZONE_GAP, "", ""},
    {"Europe/Berlin", "2024-10-27T02:30:00", EH_ZONE_AMBIGUOUS, "2024-10-27T00:30:00",
     "2024-10-27T01:30:00"},
    {"Europe/Berlin", "2100-03-28T02:30:00", EH_ZONE_GAP, "", ""},
    {"Europe/Berlin", "2100-10-31T02:30:00", EH_ZONE_AMBIGUOUS, "2100-10-31T00:30:00",
     "2100-10-31T01:30:00"},
    {"Europe/Berlin", "9999-12-31T23:59:59", EH_ZONE_OK, "9999-12-31T22:59:59",
     "9999-12-31T22:59:59"},
    {"Europe/Berlin", "9998-07-01T00:00:00", EH_ZONE_OK, "9998-06-30T22:00:00",
     "9998-06-30T22:00:00"},
    {"EET", "2016-03-27T03:17:00", EH_ZONE_GAP, "", ""},
    {"America/Nuuk", "2024-03-30T23:30:00", EH_ZONE_GAP, "", ""},
    {"America/Nuuk", "2060-03-27T22:30:00", EH_ZONE_OK, "2060-03-28T00:30:00",
     "2060-03-28T00:30:00"},
    {"America/Santiago", "2050-04-02T23:30:00", EH_ZONE_AMBIGUOUS, "2050-04-03T02:30:00",
     "2050-04-03T03:30:00"},
    {"Pacific/Auckland", "2080-01-01T00:00:00", EH_ZONE_OK, "2079-12-31T11:00:00",
     "2079-12-31T11:00:00"},
    {"Etc/GMT+5", "2024-01-01T00:00:00", EH_ZONE_OK, "2024-01-01T05:00:00",
     "2024-01-01T05:00:00"},
    {"Asia/Kolkata", "2024-01-01T00:00:00", EH_ZONE_OK, "2023-12-31T18:30:00",
     "2023-12-31T18:30:00"},
    {"UTC", "2024-01-01T00:00:00", EH_ZONE_OK, "2024-01-01T00:00:00", "2024-01-01T00:00:00"},
    {"Asia/Singapore", "1981-12-31T23:45:00", EH_ZONE_GAP, "", ""},
    {"America/Godthab", "2023-10-29T00:30:00", EH_ZONE_OK, "2023-10-29T02:30:00",
     "2023-10-29T02:30:00"},
    {"Africa/Monrovia", "1972-01-07T00:30:00", EH_ZONE_GAP, "", ""},
};

static int64_t us_of(const char *text)
{
    struct tm tm = {.tm_year = 0};
    assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%S", &tm));
    return (int64_t)timegm(&tm) * 1000000;
}

/* The file's bytes; the caller frees data. */
static eh_slice read_zone_file(const char *name)
{
    enum { MOST = 65536 };
    char path[128];
    (void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail_msg("%s is missing: install tzdata", path);
    char *bytes = malloc(MOST);
    assert_non_null(bytes);
    size_t length = fread(bytes, 1, MOST, file);
    assert_int_equal(fclose(file), 0);
    return eh_slice_of(bytes, length);
}

static void free_slice(eh_slice slice)
{
    free((void *)(uintptr_t)slice.data);
}

static eh_zone *load(const char *name)
{
    eh_err err = {0};
    eh_slice bytes = read_zone_file(name);
    eh_zone *zone = eh_zone_parse(bytes, &err);
    if (zone == NULL) fail_msg("%s: %s", name, err.message);
    free_slice(bytes);
    return zone;
}

static void check_row(eh_zone *zone, const zone_row *row)
{
    int64_t first, last;
    eh_zone_local answer = eh_zone_to_utc(zone, us_of(row->local) + 250, &first, &last);
    if (answer != row->answer) fail_msg("%s %s: answered %d", row->zone, row->local, answer);
    if (answer == EH_ZONE_GAP) return;
    assert_int_equal(first, us_of(row->first) + 250);
    assert_int_equal(last, us_of(row->last) + 250);
    assert_int_equal(first + eh_zone_offset(zone, first) * INT64_C(1000000),
                     us_of(row->local) + 250);
}

static void test_readings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        eh_zone *zone = load(rows[i].zone);
        check_row(zone, &rows[i]);
        check_row(zone, &rows[i]); /* and from the remembered period */
        eh_zone_free(zone);
    }
}

/* The remembered period must never answer for another one. */
static void test_any_order(void **state)
{
    (void)state;
    eh_zone *zone = load("America/New_York");
    for (size_t step = 1; step < 9; step++)
        for (size_t i = 0; i < 9; i++) check_row(zone, &rows[(i * step) % 9]);
    eh_zone_free(zone);
}

static void test_every_cut_is_refused(void **state)
{
    (void)state;
    eh_slice bytes = read_zone_file("Europe/Berlin");
    for (size_t length = 0; length < bytes.len; length++) {
        char *copy = malloc(length + 1); /* its own block: a read past the end is seen */
        assert_non_null(copy);
        memcpy(copy, bytes.data, length);
        eh_err err = {0};
        assert_null(eh_zone_parse(eh_slice_of(copy, length), &err));
        assert_int_equal(err.class_, EH_CLASS_CONFIG);
        free(copy);
    }
    free_slice(bytes);
}

/* ---- Files made here --------------------------------------------------------------------- */

/* A version 2 file without transitions whose rule is `footer`. */
static size_t make_file(const char *footer, uint8_t leaps, char out[256])
{
    char header[44] = "TZif2";
    header[39] = 1; /* one type */
    header[43] = 4; /* four bytes of names */
    static const char types[10] = {0, 0, 0, 0, 0, 0, 'L', 'M', 'T', 0};
    size_t at = 0;
    memcpy(out + at, header, 44), at += 44;
    memcpy(out + at, types, 10), at += 10;
    header[31] = (char)leaps;
    memcpy(out + at, header, 44), at += 44;
    memcpy(out + at, types, 10), at += 10;
    memset(out + at, 0, (size_t)leaps * 12), at += (size_t)leaps * 12;
    int text = snprintf(out + at, 256 - at, "\n%s\n", footer);
    return at + (size_t)text;
}

static eh_zone *zone_of_rule(const char *footer)
{
    char file[256];
    eh_err err = {0};
    return eh_zone_parse(eh_slice_of(file, make_file(footer, 0, file)), &err);
}

static void check_offset(const char *footer, const char *utc, int32_t offset)
{
    eh_zone *zone = zone_of_rule(footer);
    assert_non_null(zone);
    int32_t got = eh_zone_offset(zone, us_of(utc));
    if (got != offset) fail_msg("%s at %s: %d", footer, utc, got);
    eh_zone_free(zone);
}

static void test_rules(void **state)
{
    (void)state;
    check_offset("CET-1CEST,M3.5.0,M10.5.0/3", "2050-03-27T00:59:59", 3600);
    check_offset("CET-1CEST,M3.5.0,M10.5.0/3", "2050-03-27T01:00:00", 7200);
    check_offset("<-03>3", "2050-03-27T01:00:00", -10800);
    check_offset("IST-5:30", "2050-03-27T01:00:00", 19800);
    /* South: summer time over the end of the year. */
    check_offset("NZST-12NZDT,M9.5.0,M4.1.0/3", "2050-01-01T00:00:00", 46800);
    check_offset("NZST-12NZDT,M9.5.0,M4.1.0/3", "2050-07-01T00:00:00", 43200);
    /* J60 is 1 March in every year, 59 is it in common years only. */
    check_offset("AAA0BBB,J60/0,J61/0", "2024-03-01T00:00:00", 3600);
    check_offset("AAA0BBB,J60/0,J61/0", "2024-02-29T23:59:59", 0);
    check_offset("AAA0BBB,59/0,60/0", "2024-02-29T00:00:00", 3600);
    check_offset("AAA0BBB,59/0,60/0", "2023-03-01T00:00:00", 3600);
    /* Summer time all year (RFC 8536 section 3.3.1). */
    check_offset("XXX3EDT4,0/0,J365/23", "2025-01-01T03:30:00", -14400);
    check_offset("XXX3EDT4,0/0,J365/23", "2025-07-01T00:00:00", -14400);
    check_offset("XXX3EDT4,0/0,J365/23", "2024-12-31T23:59:59", -14400);
    /* Hours outside the day (version 3), and Dublin's winter as the daylight time. */
    check_offset("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2060-03-28T00:59:59", -7200);
    check_offset("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2060-03-28T01:00:00", -3600);
    check_offset("IST-1GMT0,M10.5.0,M3.5.0/1", "2060-01-01T00:00:00", 0);
    check_offset("IST-1GMT0,M10.5.0,M3.5.0/1", "2060-07-01T00:00:00", 3600);
}

static void test_bad_files(void **state)
{
    (void)state;
    static const char *const bad[] = {"X",
                                      "CET",
                                      "CET-1CEST",
                                      "CET-1CEST,M13.1.0,M10.5.0",
                                      "CET-1CEST,M3.5.0",
                                      "CET-1CEST,M3.5.0,M10.5.0/3x",
                                      "CET-99",
                                      "CET-1CEST,J0,J5",
                                      "<+01-1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (zone_of_rule(bad[i]) != NULL) fail_msg("took the rule %s", bad[i]);
    char file[256];
    eh_err err = {0};
    assert_null(eh_zone_parse(eh_slice_of(file, make_file("UTC0", 1, file)), &err));
    assert_non_null(strstr(err.message, "leap seconds"));
    eh_zone *silent = zone_of_rule("");
    assert_non_null(silent);
    assert_int_equal(eh_zone_offset(silent, 0), 0);
    eh_zone_free(silent);
}

static void test_fixed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t offset;
    } good[] = {{"UTC", 0},    {"Z", 0},          {"+02:00", 7200}, {"-0530", -19800},
                {"+02", 7200}, {"-00:30", -1800}, {"+15:59", 57540}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        eh_err err = {0};
        assert_true(eh_zone_is_fixed(eh_slice_str(good[i].text)));
        eh_zone *zone = eh_zone_fixed(eh_slice_str(good[i].text), &err);
        assert_non_null(zone);
        int64_t first, last;
        assert_int_equal(eh_zone_to_utc(zone, 1, &first, &last), EH_ZONE_OK);
        assert_int_equal(first, 1 - good[i].offset * INT64_C(1000000));
        assert_int_equal(eh_zone_to_utc(zone, INT64_MAX, &first, &last), EH_ZONE_GAP);
        assert_int_equal(eh_zone_to_utc(zone, INT64_MIN, &first, &last), EH_ZONE_GAP);
        eh_zone_free(zone);
    }
    static const char *const bad[] = {"",       "2",     "+2",    "+16:00", "+02:60",
                                      "+02-00", "02:00", "+02:0", "utc",    "+ 2:00"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        eh_err err = {0};
        assert_null(eh_zone_fixed(eh_slice_str(bad[i]), &err));
        assert_int_equal(err.class_, EH_CLASS_CONFIG);
    }
}

static void test_names(void **state)
{
    (void)state;
    static const char *const good[] = {"Europe/Berlin", "Etc/GMT+1", "America/Port-au-Prince",
                                       "America/Argentina/Buenos_Aires", "EET"};
    static const char *const bad[] = {"",   "../etc/passwd", "/etc/passwd", "a//b",
                                      "a/", "a b",           "a.tab",       "Europe/Berlin\n"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(eh_zone_name_ok(eh_slice_str(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(eh_zone_name_ok(eh_slice_str(bad[i])));
    assert_false(eh_zone_name_ok(eh_slice_of("a\0b", 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readings),
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
