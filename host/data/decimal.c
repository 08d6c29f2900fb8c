/* data/decimal.c: see decimal.h. Both operations walk the digits of whole and fraction as one
 * sequence; the point is a number beside it. */
#include "data/decimal.h"

/* An exponent past this only says "huge" or "tiny": comparisons stay right, and sums with a
 * length cannot overflow. */
enum { EXPONENT_CAP = 1000000000 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static eh_slice take_digits(const char **at, const char *end)
{
    const char *start = *at;
    while (*at < end && is_digit(**at)) (*at)++;
    return eh_slice_of(start, (size_t)(*at - start));
}

static bool take_exponent(const char **at, const char *end, int64_t *exponent)
{
    bool negative = *at < end && **at == '-';
    if (*at < end && (**at == '-' || **at == '+')) (*at)++;
    eh_slice digits = take_digits(at, end);
    int64_t value = 0;
    for (size_t i = 0; i < digits.len && value < EXPONENT_CAP; i++)
        value = value * 10 + (digits.data[i] - '0');
    if (value > EXPONENT_CAP) value = EXPONENT_CAP;
    *exponent = negative ? -value : value;
    return digits.len > 0;
}

static bool only_zeros(eh_slice digits)
{
    for (size_t i = 0; i < digits.len; i++)
        if (digits.data[i] != '0') return false;
    return true;
}

bool eh_decimal_parse(eh_slice text, eh_decimal *out)
{
    if (text.len == 0) return false;
    const char *at = text.data, *end = text.data + text.len;
    *out = (eh_decimal){.negative = *at == '-', .has_plus = *at == '+'};
    if (*at == '-' || *at == '+') at++;
    out->whole = take_digits(&at, end);
    if (at < end && *at == '.') {
        at++;
        out->fraction = take_digits(&at, end);
        if (out->fraction.len == 0) return false;
    }
    if (out->whole.len + out->fraction.len == 0) return false;
    out->is_zero = only_zeros(out->whole) && only_zeros(out->fraction);
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        out->has_exponent = true;
        if (!take_exponent(&at, end, &out->exponent)) return false;
    }
    return at == end;
}

static size_t digit_count(const eh_decimal *d)
{
    return d->whole.len + d->fraction.len;
}

/* The i-th digit from the left; 0 past the written ones. */
static int digit_at(const eh_decimal *d, size_t i)
{
    if (i < d->whole.len) return d->whole.data[i] - '0';
    i -= d->whole.len;
    return i < d->fraction.len ? d->fraction.data[i] - '0' : 0;
}

/* The index of the first digit that is not 0; digit_count() for zero. */
static size_t first_significant(const eh_decimal *d)
{
    size_t i = 0, count = digit_count(d);
    while (i < count && digit_at(d, i) == 0) i++;
    return i;
}

/* How many digits stand before the point, counted from the first significant one. */
static int64_t magnitude(const eh_decimal *d, size_t first)
{
    return (int64_t)d->whole.len - (int64_t)first + d->exponent;
}

static int compare_absolute(const eh_decimal *a, size_t first_a, const eh_decimal *b,
                            size_t first_b)
{
    int64_t size_a = magnitude(a, first_a), size_b = magnitude(b, first_b);
    if (size_a != size_b) return size_a < size_b ? -1 : 1;
    size_t left_a = digit_count(a) - first_a, left_b = digit_count(b) - first_b;
    size_t count = left_a > left_b ? left_a : left_b;
    for (size_t i = 0; i < count; i++) {
        int difference = digit_at(a, first_a + i) - digit_at(b, first_b + i);
        if (difference != 0) return difference;
    }
    return 0;
}

int eh_decimal_compare(const eh_decimal *a, const eh_decimal *b)
{
    size_t first_a = first_significant(a), first_b = first_significant(b);
    int sign_a = first_a == digit_count(a) ? 0 : a->negative ? -1 : 1;
    int sign_b = first_b == digit_count(b) ? 0 : b->negative ? -1 : 1;
    if (sign_a != sign_b) return sign_a - sign_b;
    return sign_a == 0 ? 0 : sign_a * compare_absolute(a, first_a, b, first_b);
}

eh_decimal_fit eh_decimal_scale(const eh_decimal *value, unsigned places, int64_t *out)
{
    size_t count = digit_count(value), first = first_significant(value);
    *out = 0;
    if (first == count) return EH_DECIMAL_OK;
    int64_t kept =
        magnitude(value, first) + (int64_t)places; /* digits left of the moved point */
    if (kept > 19) return EH_DECIMAL_RANGE;
    size_t whole = kept > 0 ? (size_t)kept : 0;
    for (size_t i = first + whole; i < count; i++)
        if (digit_at(value, i) != 0) return EH_DECIMAL_FRACTION;
    int64_t result = 0; /* built as a negative, whose range is the larger */
    for (size_t i = 0; i < whole; i++)
        if (__builtin_mul_overflow(result, 10, &result) ||
            __builtin_sub_overflow(result, digit_at(value, first + i), &result))
            return EH_DECIMAL_RANGE;
    if (!value->negative && __builtin_sub_overflow(0, result, &result)) return EH_DECIMAL_RANGE;
    *out = result;
    return EH_DECIMAL_OK;
}
