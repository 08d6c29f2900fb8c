/* io/retry_after.c: see retry_after.h. */
#include "io/retry_after.h"

#include <ctype.h>
#include <strings.h>

typedef struct date {
    int64_t year, month, day, hour, minute, second;
} date;

static eh_slice trim(eh_slice text)
{
    while (text.len > 0 && isspace((unsigned char)text.data[text.len - 1])) text.len--;
    while (text.len > 0 && isspace((unsigned char)*text.data)) {
        text.data++;
        text.len--;
    }
    return text;
}

/* Takes `count` digits (a blank may stand for the first, as in asctime), or fails. */
static bool take_digits(eh_slice *text, size_t count, int64_t *out)
{
    int64_t value = 0;
    if (text->len < count) return false;
    for (size_t i = 0; i < count; i++) {
        char c = text->data[i];
        if (c == ' ' && i == 0 && count == 2) c = '0';
        if (!isdigit((unsigned char)c)) return false;
        value = value * 10 + (c - '0');
    }
    text->data += count;
    text->len -= count;
    *out = value;
    return true;
}

static bool take(eh_slice *text, const char *literal)
{
    size_t len = strlen(literal);
    if (text->len < len || strncasecmp(text->data, literal, len) != 0) return false;
    text->data += len;
    text->len -= len;
    return true;
}

static bool take_month(eh_slice *text, int64_t *month)
{
    static const char names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (int i = 0; i < 12; i++) {
        if (!take(text, names[i])) continue;
        *month = i + 1;
        return true;
    }
    return false;
}

static bool take_time(eh_slice *text, date *d)
{
    return take_digits(text, 2, &d->hour) && take(text, ":") &&
           take_digits(text, 2, &d->minute) && take(text, ":") &&
           take_digits(text, 2, &d->second);
}

/* "Sun, " or "Sunday, " or "Sun ": the day of the week is not judged, the date says it. */
static bool take_weekday(eh_slice *text, bool *comma)
{
    size_t n = 0;
    while (n < text->len && isalpha((unsigned char)text->data[n])) n++;
    if (n < 3) return false;
    text->data += n;
    text->len -= n;
    *comma = take(text, ",");
    return take(text, " ");
}

/* "06 Nov 1994 08:49:37 GMT" */
static bool imf_fixdate(eh_slice text, date *d)
{
    return take_digits(&text, 2, &d->day) && take(&text, " ") && take_month(&text, &d->month) &&
           take(&text, " ") && take_digits(&text, 4, &d->year) && take(&text, " ") &&
           take_time(&text, d) && take(&text, " GMT") && text.len == 0;
}

/* "06-Nov-94 08:49:37 GMT": a year that would be more than 50 years ahead is of the last
 * century (RFC 9110 5.6.7). */
static bool rfc850(eh_slice text, int64_t this_year, date *d)
{
    if (!(take_digits(&text, 2, &d->day) && take(&text, "-") && take_month(&text, &d->month) &&
          take(&text, "-") && take_digits(&text, 2, &d->year) && take(&text, " ") &&
          take_time(&text, d) && take(&text, " GMT") && text.len == 0))
        return false;
    d->year += this_year / 100 * 100;
    if (d->year > this_year + 50) d->year -= 100;
    return true;
}

/* "Nov  6 08:49:37 1994" */
static bool asctime_date(eh_slice text, date *d)
{
    return take_month(&text, &d->month) && take(&text, " ") && take_digits(&text, 2, &d->day) &&
           take(&text, " ") && take_time(&text, d) && take(&text, " ") &&
           take_digits(&text, 4, &d->year) && text.len == 0;
}

/* Days since 1970-01-01 of the proleptic Gregorian calendar, counted from March, so that the
 * leap day is the year's last. */
static int64_t days(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t from_march = (month + 9) % 12;
    return y * 365 + y / 4 - y / 100 + y / 400 + (from_march * 306 + 5) / 10 + day - 1 - 719468;
}

static bool is_date(const date *d)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = d->year % 4 == 0 && (d->year % 100 != 0 || d->year % 400 == 0);
    return d->day >= 1 && d->day <= lengths[d->month - 1] + (leap && d->month == 2) &&
           d->hour < 24 && d->minute < 60 && d->second <= 60;
}

bool eh_http_date(eh_slice value, int64_t wall_us, int64_t *date_us)
{
    date d = {0};
    bool comma = false;
    eh_slice text = trim(value);
    int64_t this_year = 1970 + wall_us / 1000000 / 31556952;
    if (!take_weekday(&text, &comma)) return false;
    bool ok =
        comma ? imf_fixdate(text, &d) || rfc850(text, this_year, &d) : asctime_date(text, &d);
    if (!ok || !is_date(&d)) return false;
    int64_t seconds =
        days(d.year, d.month, d.day) * 86400 + d.hour * 3600 + d.minute * 60 + d.second;
    *date_us = seconds * 1000000;
    return true;
}

static bool take_seconds(eh_slice text, int64_t *wait_ms)
{
    int64_t ms = 0, place = 100;
    size_t i = 0;
    for (; i < text.len && isdigit((unsigned char)text.data[i]); i++)
        if (ms <= EH_RETRY_AFTER_MAX_MS) ms = ms * 10 + (int64_t)1000 * (text.data[i] - '0');
    if (i == 0) return false;
    if (i < text.len && text.data[i] == '.') {
        size_t point = i++;
        for (; i < text.len && isdigit((unsigned char)text.data[i]); i++, place /= 10)
            ms += (text.data[i] - '0') * place;
        if (i == point + 1) return false;
    }
    *wait_ms = ms < EH_RETRY_AFTER_MAX_MS ? ms : EH_RETRY_AFTER_MAX_MS;
    return i == text.len;
}

bool eh_retry_after(eh_slice value, int64_t wall_us, int64_t *wait_ms)
{
    int64_t date_us;
    eh_slice text = trim(value);
    if (take_seconds(text, wait_ms)) return true;
    *wait_ms = 0;
    if (!eh_http_date(text, wall_us, &date_us)) return false;
    if (date_us <= wall_us) return true;
    int64_t ms = (date_us - wall_us) / 1000;
    *wait_ms = ms < EH_RETRY_AFTER_MAX_MS ? ms : EH_RETRY_AFTER_MAX_MS;
    return true;
}
