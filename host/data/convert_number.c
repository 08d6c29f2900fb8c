/* data/convert_number.c: the slow and general side of numbers: any spelling, exponents,
 * doubles. What the hot path needs is in convert_scan.h. */
#include "data/convert_number.h"

#include "data/convert_scan.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    EXPONENT_MAX = 1000000, /* an exponent past this is as good as infinite for every type */
    SIGNIFICANT = 800 /* 767 digits decide a double; the rest only says "and a bit more" */
};

bool eh_decimal_is_canonical(const eh_decimal *d)
{
    if (d->has_plus || d->has_exponent || d->whole.len == 0) return false;
    if (d->whole.data[0] == '0' && d->whole.len > 1) return false;
    return !(d->negative && d->is_zero);
}

/* Digit i of the digits before and after the point as one row; '0' outside of it. */
static char digit_at(const eh_decimal *d, int64_t i)
{
    if (i < 0) return '0';
    size_t at = (size_t)i;
    if (at < d->whole.len) return d->whole.data[at];
    at -= d->whole.len;
    if (at < d->fraction.len) return d->fraction.data[at];
    return '0';
}

size_t eh_decimal_print(const eh_decimal *d, char *out, size_t size)
{
    int64_t point = (int64_t)d->whole.len + d->exponent;
    int64_t digits = (int64_t)(d->whole.len + d->fraction.len);
    int64_t scale = digits > point ? digits - point : 0;
    int64_t first = 0;
    while (first < point && digit_at(d, first) == '0' && !d->is_zero) first++;
    int64_t whole = point > first && !d->is_zero ? point - first : 0;
    if (whole + scale + 3 > (int64_t)size) return 0;
    char *o = out;
    if (d->negative && !d->is_zero) *o++ = '-';
    if (whole == 0) *o++ = '0';
    for (int64_t i = 0; i < whole; i++) *o++ = digit_at(d, first + i);
    if (scale > 0) *o++ = '.';
    for (int64_t i = 0; i < scale; i++) *o++ = digit_at(d, point + i);
    return (size_t)(o - out);
}

/* The digits without leading and trailing zeros, as 0.DIGITS * 10^exponent. */
typedef struct plain_digits {
    char digits[SIGNIFICANT + 2];
    int count;
    int64_t exponent;
    bool cut; /* more digits followed that are not all 0 */
} plain_digits;

static void plain(const eh_decimal *d, plain_digits *out)
{
    int64_t total = (int64_t)(d->whole.len + d->fraction.len), i = 0;
    while (i < total && digit_at(d, i) == '0') i++;
    out->exponent = (int64_t)d->whole.len - i + d->exponent;
    out->count = 0;
    out->cut = false;
    for (; i < total && out->count < SIGNIFICANT; i++)
        out->digits[out->count++] = digit_at(d, i);
    for (; i < total && !out->cut; i++) out->cut = digit_at(d, i) != '0';
    while (out->count > 0 && !out->cut && out->digits[out->count - 1] == '0') out->count--;
}

/* The digits as text for strtod. No point is written, so that no locale can misread it. */
static void as_text(const plain_digits *d, char *text, size_t size)
{
    int64_t exponent = d->exponent - d->count;
    if (exponent > EXPONENT_MAX) exponent = EXPONENT_MAX;
    if (exponent < -EXPONENT_MAX) exponent = -EXPONENT_MAX;
    (void)snprintf(text, size, "%.*s%se%lld", d->count, d->digits, d->cut ? "1" : "",
                   (long long)(d->cut ? exponent - 1 : exponent));
}

bool eh_decimal_to_double(const eh_decimal *decimal, double *value)
{
    plain_digits d;
    char text[SIGNIFICANT + 32];
    *value = decimal->negative ? -0.0 : 0.0;
    if (decimal->is_zero) return true;
    plain(decimal, &d);
    as_text(&d, text, sizeof text);
    double magnitude = strtod(text, NULL);
    *value = decimal->negative ? -magnitude : magnitude;
    return isfinite(magnitude) && magnitude > 0;
}

bool eh_decimal_to_float(const eh_decimal *decimal, float *value)
{
    plain_digits d;
    char text[SIGNIFICANT + 32];
    *value = decimal->negative ? -0.0F : 0.0F;
    if (decimal->is_zero) return true;
    plain(decimal, &d);
    as_text(&d, text, sizeof text);
    float magnitude = strtof(text, NULL);
    *value = decimal->negative ? -magnitude : magnitude;
    return isfinite(magnitude) && magnitude > 0;
}

/* Does whole * 10^exponent, with `tail` behind the whole's digits, read as `value`? */
static bool reads_as(uint64_t whole, const char *tail, int64_t exponent, double value,
                     bool single)
{
    char text[96];
    (void)snprintf(text, sizeof text, "%" PRIu64 "%se%lld", whole, tail,
                   (long long)exponent - (long long)strlen(tail));
    return single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
}

/* Do the digits, and what is next to them on either side, read as `value`? A decimal half way
 * between two doubles reads back too, but only by the rule of even digits: Postgres prints such
 * a double with more digits. */
static bool stand_for(const plain_digits *d, double value, bool single)
{
    uint64_t whole = 0;
    for (int i = 0; i < d->count; i++) whole = whole * 10 + (uint64_t)(d->digits[i] - '0');
    int64_t exponent = d->exponent - d->count;
    return reads_as(whole, "", exponent, value, single) &&
           reads_as(whole, "0000000000000000000000000000000001", exponent, value, single) &&
           reads_as(whole - 1, "9999999999999999999999999999999999", exponent, value, single);
}

/* The digits of the shortest text that stands for `value`, which is positive. */
static void shortest(double value, bool single, plain_digits *out)
{
    char text[48];
    *out = (plain_digits){.digits = "0"};
    /* 15 (6) digits always survive a double (float), except where it is denormal. */
    bool denormal = value < (single ? (double)FLT_MIN : DBL_MIN);
    int most = single ? 9 : 17, least = denormal ? 1 : single ? 6 : 15;
    for (int precision = least; precision <= most; precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision - 1, value);
        const char *p = text;
        out->count = 0;
        out->cut = false;
        for (; *p != 'e'; p++) /* what stands between the digits is the locale's point */
            if (eh_is_digit(*p)) out->digits[out->count++] = *p;
        out->exponent = strtol(p + 1, NULL, 10) + 1;
        while (out->count > 1 && out->digits[out->count - 1] == '0') out->count--;
        if (stand_for(out, value, single)) break;
    }
}

static bool same_number(const eh_decimal *decimal, double value, bool single)
{
    if (decimal->is_zero || value == 0.0)
        return decimal->is_zero && value == 0.0 && decimal->negative == (signbit(value) != 0);
    plain_digits written, kept;
    plain(decimal, &written);
    shortest(fabs(value), single, &kept);
    return !written.cut && written.count == kept.count && written.exponent == kept.exponent &&
           memcmp(written.digits, kept.digits, (size_t)kept.count) == 0;
}

bool eh_decimal_is_double(const eh_decimal *decimal, double value)
{
    return same_number(decimal, value, false);
}

bool eh_decimal_is_float(const eh_decimal *decimal, float value)
{
    return same_number(decimal, (double)value, true);
}

size_t eh_double_print(double value, char *out)
{
    char *o = out;
    if (signbit(value)) *o++ = '-';
    if (value == 0.0) {
        *o++ = '0';
        return (size_t)(o - out);
    }
    plain_digits d;
    shortest(fabs(value), false, &d);
    int exponent = (int)d.exponent - 1; /* of the first digit */
    if (exponent < -4 || exponent >= 15) {
        *o++ = d.digits[0];
        if (d.count > 1) *o++ = '.';
        memcpy(o, d.digits + 1, (size_t)(d.count - 1));
        o += d.count - 1;
        return (size_t)(o - out) + (size_t)snprintf(o, 8, "e%+03d", exponent);
    }
    for (int i = exponent < 0 ? exponent : 0; i < d.count || i <= exponent; i++) {
        char digit = '0';
        if (i >= 0 && i < d.count) digit = d.digits[i];
        *o++ = digit;
        if (i == exponent && i + 1 < d.count) *o++ = '.';
    }
    return (size_t)(o - out);
}
