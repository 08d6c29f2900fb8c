/* Every form of Retry-After, and HTTP dates. */
#include "io/retry_after.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* 2026-11-29 12:00:00 UTC */
#define NOW_US ((int64_t)1795953600 * 1000000)
#define NOT    INT64_MIN

static void waits(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int64_t ms;
    } cases[] = {
        {"0", 0},
        {"1", 1000},
        {"120", 120000},
        {" 7 ", 7000},
        {"007", 7000},
        {"1.5", 1500},
        {"0.25", 250},
        {"0.0009", 0},
        {"86400", EH_RETRY_AFTER_MAX_MS},
        {"31536000", EH_RETRY_AFTER_MAX_MS},
        {"99999999999999999999999999", EH_RETRY_AFTER_MAX_MS},
        {"Sun, 29 Nov 2026 12:00:30 GMT", 30000},
        {"Sunday, 29-Nov-26 12:01:00 GMT", 60000},
        {"Sun Nov 29 12:00:01 2026", 1000},
        {"Sun, 29 Nov 2026 12:00:00 GMT", 0},
        {"Sun, 29 Nov 2026 11:00:00 GMT", 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
        {"Mon, 29 Nov 2027 12:00:00 GMT", EH_RETRY_AFTER_MAX_MS},
        {"Fri, 31 Dec 9999 23:59:59 GMT", EH_RETRY_AFTER_MAX_MS},
        {"", NOT},
        {"-1", NOT},
        {"+1", NOT},
        {"-31536000", NOT},
        {"soon", NOT},
        {"1m", NOT},
        {"1e3", NOT},
        {"0x10", NOT},
        {"1.", NOT},
        {".5", NOT},
        {"1 2", NOT},
        {"1,2", NOT},
        {"NaN", NOT},
        {"Sun, 29 Nov 2026", NOT},
        {"Sun, 29 Nov 2026 12:00:30", NOT},
        {"Sun, 29 Nov 2026 12:00:30 CET", NOT},
        {"Sun, 29 Nov 2026 12:00:30 +0100", NOT},
        {"Sun, 30 Feb 2026 12:00:30 GMT", NOT},
        {"Sun, 29 Foo 2026 12:00:30 GMT", NOT},
        {"Sun, 29 Nov 2026 24:00:30 GMT", NOT},
        {"Sun, 29 Nov 2026 12:60:30 GMT", NOT},
        {"2026-11-29T12:00:30Z", NOT},
        {"29 Nov 2026 12:00:30 GMT", NOT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = -1;
        bool said = eh_retry_after(eh_slice_str(cases[i].value), NOW_US, &ms);
        if (said != (cases[i].ms != NOT) || (said && ms != cases[i].ms))
            fail_msg("\"%s\": %s, %ld ms", cases[i].value, said ? "taken" : "refused",
                     (long)ms);
    }
}

static void dates(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int64_t seconds;
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777}, /* RFC 9110's own */
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
        {"Thu, 29 Feb 2024 23:59:59 GMT", 1709251199},
        {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},
        {"Wednesday, 01-Jan-76 00:00:00 GMT", 3345062400}, /* 2076: 50 years ahead at most */
        {"Friday, 01-Jan-77 00:00:00 GMT", 220924800},     /* 1977 */
        {"sun, 06 nov 1994 08:49:37 gmt", 784111777},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t us = -1;
        if (!eh_http_date(eh_slice_str(cases[i].value), NOW_US, &us) ||
            us != cases[i].seconds * 1000000)
            fail_msg("\"%s\": %lld", cases[i].value, (long long)us / 1000000);
    }
    int64_t us;
    assert_false(eh_http_date(eh_slice_str("Wed, 29 Feb 2023 00:00:00 GMT"), NOW_US, &us));
    assert_false(eh_http_date(eh_slice_str("Fri, 29 Feb 1900 00:00:00 GMT"), NOW_US, &us));
    assert_false(eh_http_date(eh_slice_str("Sun, 00 Nov 1994 08:49:37 GMT"), NOW_US, &us));
    assert_false(eh_http_date((eh_slice){NULL, 0}, NOW_US, &us));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits),
        cmocka_unit_test(dates),
    };
    return cmocka_run_group_tests_name("retry after", tests, NULL, NULL);
}
