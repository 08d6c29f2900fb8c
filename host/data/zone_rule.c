/* data/zone_rule.c: see zone_rule.h. */
#include "data/zone_rule.h"

#define S_PER_DAY INT64_C(86400)

/* ---- Reading ---------------------------------------------------------------------------- */

typedef struct reader {
    const char *at;
    const char *end;
} reader;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take(reader *r, char c)
{
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static bool take_number(reader *r, int max, int *out)
{
    const char *start = r->at;
    int value = 0;
    while (r->at < r->end && is_digit(*r->at) && value <= max)
        value = value * 10 + (*r->at++ - '0');
    *out = value;
    return r->at > start && value <= max;
}

/* "<+0330>" or at least three letters. */
static bool take_name(reader *r)
{
    const char *start = r->at;
    if (take(r, '<')) {
        while (r->at < r->end && *r->at != '>') r->at++;
        return take(r, '>');
    }
    while (r->at < r->end &&
           ((*r->at >= 'a' && *r->at <= 'z') || (*r->at >= 'A' && *r->at <= 'Z')))
        r->at++;
    return r->at - start >= 3;
}

/* [+-]hours[:minutes[:seconds]] */
static bool take_time(reader *r, int max_hours, int32_t *seconds)
{
    int hours, minutes = 0, rest = 0;
    bool negative = take(r, '-');
    if (!negative) (void)take(r, '+');
    if (!take_number(r, max_hours, &hours)) return false;
    if (take(r, ':')) {
        if (!take_number(r, 59, &minutes)) return false;
        if (take(r, ':') && !take_number(r, 59, &rest)) return false;
    }
    *seconds = hours * 3600 + minutes * 60 + rest;
    if (negative) *seconds = -*seconds;
    return true;
}

static bool take_day(reader *r, eh_rule_day *day)
{
    *day = (eh_rule_day){.form = 'N', .time_s = 2 * 3600};
    if (take(r, 'M')) {
        day->form = 'M';
        if (!take_number(r, 12, &day->month) || !take(r, '.') ||
            !take_number(r, 5, &day->week) || !take(r, '.') || !take_number(r, 6, &day->day) ||
            day->month < 1 || day->week < 1)
            return false;
    } else {
        if (take(r, 'J')) day->form = 'J';
        if (!take_number(r, 365, &day->day) || (day->form == 'J' && day->day < 1)) return false;
    }
    return !take(r, '/') || take_time(r, 167, &day->time_s);
}

bool eh_zone_rule_parse(eh_slice text, eh_zone_rule *out)
{
    reader r = {text.data, text.data + text.len};
    *out = (eh_zone_rule){.has_summer = false};
    /* POSIX counts west of Greenwich as positive. */
    if (text.len == 0 || !take_name(&r) || !take_time(&r, 24, &out->standard_s)) return false;
    out->standard_s = -out->standard_s;
    if (r.at == r.end) return true;
    out->has_summer = true;
    out->summer_s = out->standard_s + 3600;
    if (!take_name(&r)) return false;
    if (r.at < r.end && *r.at != ',') {
        if (!take_time(&r, 24, &out->summer_s)) return false;
        out->summer_s = -out->summer_s;
    }
    return take(&r, ',') && take_day(&r, &out->start) && take(&r, ',') &&
           take_day(&r, &out->end) && r.at == r.end;
}

/* ---- Days ------------------------------------------------------------------------------- */

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/* Days from 1970-01-01 to 1 January of a year of the Gregorian calendar, drawn out both ways.
 */
static int64_t year_start(int64_t year)
{
    int64_t y = year - 1;
    return 365 * (year - 1970) + (floor_div(y, 4) - floor_div(1969, 4)) -
           (floor_div(y, 100) - floor_div(1969, 100)) +
           (floor_div(y, 400) - floor_div(1969, 400));
}

static int64_t year_of(int64_t days)
{
    int64_t year = 1970 + floor_div(days * 400, 146097);
    while (year_start(year) > days) year--;
    while (year_start(year + 1) <= days) year++;
    return year;
}

/* The day of the year, from 0, of the M form: the week-th such weekday of the month, 5 the
 * last. */
static int64_t weekday_in_month(const eh_rule_day *day, int64_t year)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int leap = is_leap(year);
    int64_t first = before[day->month - 1] + (day->month > 2 ? leap : 0);
    int64_t after = before[day->month] + (day->month > 1 ? leap : 0);
    /* 1970-01-01 was a Thursday, 4. */
    int64_t weekday = ((year_start(year) + first + 4) % 7 + 7) % 7;
    int64_t found = first + (day->day - weekday + 7) % 7 + INT64_C(7) * (day->week - 1);
    return found >= after ? found - 7 : found;
}

/* Seconds since 1970 on the clock that the change is told on. */
static int64_t change_at(const eh_rule_day *day, int64_t year)
{
    int64_t in_year = day->day;
    if (day->form == 'M') in_year = weekday_in_month(day, year);
    if (day->form == 'J') in_year = day->day - 1 + (is_leap(year) && day->day >= 60);
    return (year_start(year) + in_year) * S_PER_DAY + day->time_s;
}

void eh_zone_rule_changes(const eh_zone_rule *rule, int64_t utc_s, eh_rule_change out[6])
{
    int64_t year = year_of(floor_div(utc_s, S_PER_DAY));
    size_t count = 0;
    for (int64_t y = year - 1; y <= year + 1; y++) {
        eh_rule_change start = {change_at(&rule->start, y) - rule->standard_s, rule->summer_s};
        eh_rule_change end = {change_at(&rule->end, y) - rule->summer_s, rule->standard_s};
        bool south = end.at_s < start.at_s;
        out[count++] = south ? end : start;
        out[count++] = south ? start : end;
    }
    /* A rule for summer time all year ends one year at the instant when the next begins: stable
     * insertion keeps the end first, so that the period between them is empty. */
    for (size_t i = 1; i < count; i++) {
        eh_rule_change moved = out[i];
        size_t j = i;
        for (; j > 0 && out[j - 1].at_s > moved.at_s; j--) out[j] = out[j - 1];
        out[j] = moved;
    }
}
