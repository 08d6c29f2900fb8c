/* data/convert_time.c: the spellings of days and times that inference accepts, and their print.
 * The Gregorian calendar without an end, years 0001 to 9999 in what is read. */
#include "data/convert.h"
#include "data/convert_scan.h"

#include <assert.h>

#define US_PER_SECOND INT64_C(1000000)

enum {
    DAYS_TO_1970 = 719162, /* from 0001-01-01 to 1970-01-01 */
    DAYS_PER_400Y = 146097,
    DAYS_PER_100Y = 36524,
    DAYS_PER_4Y = 1461
};

static const uint16_t days_before[2][13] = {
    {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365},
    {0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366},
};

static inline bool is_leap(uint32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static inline uint32_t two(const char *s)
{
    return (uint32_t)(s[0] - '0') * 10 + (uint32_t)(s[1] - '0');
}

/* The ten bytes YYYY-MM-DD. */
static inline bool scan_date(const char *s, int64_t *days)
{
    uint64_t w = eh_load8(s); /* "YYYY-MM-" */
    if (!eh_is_shape8(w, UINT64_C(0x2d30302d30303030), UINT64_C(0xff0000ff00000000)))
        return false;
    if (!eh_is_digit(s[8]) || !eh_is_digit(s[9])) return false;
    uint32_t year = two(s) * 100 + two(s + 2), month = two(s + 5), day = two(s + 8);
    if (year == 0 || month - 1 > 11) return false;
    const uint16_t *before = days_before[is_leap(year)];
    if (day == 0 || day > (uint32_t)(before[month] - before[month - 1])) return false;
    uint32_t y = year - 1;
    *days = (int64_t)(y * 365 + y / 4 - y / 100 + y / 400 + before[month - 1] + day - 1) -
            DAYS_TO_1970;
    return true;
}

/* The eight bytes HH:MM:SS. */
static inline bool scan_clock(const char *s, int64_t *us)
{
    uint64_t w = eh_load8(s);
    if (!eh_is_shape8(w, UINT64_C(0x30303a30303a3030), UINT64_C(0x0000ff0000ff0000)))
        return false;
    uint32_t hour = two(s), minute = two(s + 3), second = two(s + 6);
    if (hour > 23 || minute > 59 || second > 59) return false; /* 24:00 and :60 roll over */
    *us = (int64_t)((hour * 60 + minute) * 60 + second) * US_PER_SECOND;
    return true;
}

/* One to six digits at p; the end of them, NULL for none or more. */
static inline const char *scan_fraction(const char *p, const char *end, int64_t *us)
{
    static const int32_t scale[7] = {0, 100000, 10000, 1000, 100, 10, 1};
    int32_t value = 0, count = 0;
    for (; p < end && eh_is_digit(*p); p++) {
        if (++count > 6) return NULL;
        value = value * 10 + (*p - '0');
    }
    *us = (int64_t)value * scale[count];
    return count > 0 ? p : NULL;
}

/* Z, +HH, +HHMM or +HH:MM as the whole of [p, end). */
static inline bool scan_offset(const char *p, const char *end, int64_t *us)
{
    ptrdiff_t len = end - p;
    if (*p == 'Z') {
        *us = 0;
        return len == 1;
    }
    if (*p != '+' && *p != '-') return false;
    bool colon = len == 6 && p[3] == ':';
    if (!colon && len != 5 && len != 3) return false;
    const char *m = p + 3 + colon;
    if (!eh_is_digit(p[1]) || !eh_is_digit(p[2])) return false;
    if (len > 3 && (!eh_is_digit(m[0]) || !eh_is_digit(m[1]))) return false;
    int64_t hours = two(p + 1), minutes = len > 3 ? two(m) : 0;
    if (hours > 15 || minutes > 59) return false; /* as Postgres: at most 15:59 */
    int64_t offset = (hours * 60 + minutes) * 60 * US_PER_SECOND;
    *us = *p == '-' ? -offset : offset;
    return true;
}

bool eh_parse_date(eh_slice text, int64_t *days)
{
    return text.len == 10 && scan_date(text.data, days);
}

bool eh_parse_time(eh_slice text, int64_t *us)
{
    if (text.len < 8 || !scan_clock(text.data, us)) return false;
    if (text.len == 8) return true;
    const char *end = text.data + text.len;
    int64_t fraction;
    if (text.data[8] != '.' || scan_fraction(text.data + 9, end, &fraction) != end)
        return false;
    *us += fraction;
    return true;
}

bool eh_parse_timestamp(eh_slice text, bool *has_zone, int64_t *us)
{
    if (text.len < 19 || (text.data[10] != 'T' && text.data[10] != ' ')) return false;
    int64_t days, clock, fraction = 0, offset = 0;
    if (!scan_date(text.data, &days) || !scan_clock(text.data + 11, &clock)) return false;
    const char *p = text.data + 19, *end = text.data + text.len;
    if (p < end && *p == '.') {
        p = scan_fraction(p + 1, end, &fraction);
        if (p == NULL) return false;
    }
    *has_zone = p < end;
    if (p < end && !scan_offset(p, end, &offset)) return false;
    *us = days * EH_US_PER_DAY + clock + fraction - offset;
    /* An offset may push the instant out of the years that can be written. */
    return *us >= EH_US_FIRST && *us < EH_US_END;
}

static char *put_digits(char *out, int64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10) out[i] = (char)('0' + value % 10);
    return out + digits;
}

static char *put_year(char *out, int64_t year)
{
    if (year < 0) {
        *out++ = '-';
        year = -year;
    }
    int digits = 4;
    for (int64_t rest = year / 10000; rest > 0; rest /= 10) digits++;
    return put_digits(out, year, digits);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static char *put_date(char *out, int64_t days)
{
    assert(days > -(INT64_C(1) << 40) && days < (INT64_C(1) << 40));
    int64_t day = days + DAYS_TO_1970; /* since 0001-01-01 */
    int64_t cycles = floor_div(day, DAYS_PER_400Y);
    day -= cycles * DAYS_PER_400Y;
    /* The last century of four, and the last year of four, have a day more. */
    int64_t centuries = day / DAYS_PER_100Y < 3 ? day / DAYS_PER_100Y : 3;
    day -= centuries * DAYS_PER_100Y;
    int64_t fours = day / DAYS_PER_4Y;
    day -= fours * DAYS_PER_4Y;
    int64_t years = day / 365 < 3 ? day / 365 : 3;
    day -= years * 365;
    int64_t year = cycles * 400 + centuries * 100 + fours * 4 + years + 1;
    const uint16_t *before = days_before[years == 3 && (fours != 24 || centuries == 3)];
    int month = 1;
    while (day >= before[month]) month++;
    out = put_year(out, year);
    *out++ = '-';
    out = put_digits(out, month, 2);
    *out++ = '-';
    return put_digits(out, day - before[month - 1] + 1, 2);
}

static char *put_clock(char *out, int64_t us)
{
    int64_t seconds = us / US_PER_SECOND;
    out = put_digits(out, seconds / 3600, 2);
    *out++ = ':';
    out = put_digits(out, seconds / 60 % 60, 2);
    *out++ = ':';
    return put_digits(out, seconds % 60, 2);
}

size_t eh_print_date(int64_t days, char *out)
{
    return (size_t)(put_date(out, days) - out);
}

size_t eh_print_time(int64_t us, char *out)
{
    char *o = put_clock(out, us);
    int64_t fraction = us % US_PER_SECOND;
    if (fraction == 0) return (size_t)(o - out);
    int digits = 6;
    for (; fraction % 10 == 0; fraction /= 10) digits--;
    *o++ = '.';
    return (size_t)(put_digits(o, fraction, digits) - out);
}

size_t eh_print_timestamp(int64_t us, bool zone, char *out)
{
    int64_t days = floor_div(us, EH_US_PER_DAY), clock = us % EH_US_PER_DAY;
    if (clock < 0) clock += EH_US_PER_DAY;
    int64_t fraction = clock % US_PER_SECOND;
    char *o = put_date(out, days);
    *o++ = 'T';
    o = put_clock(o, clock);
    if (fraction != 0) {
        bool millis = fraction % 1000 == 0;
        *o++ = '.';
        o = put_digits(o, millis ? fraction / 1000 : fraction, millis ? 3 : 6);
    }
    if (zone) *o++ = 'Z';
    return (size_t)(o - out);
}
