/* data/convert.c: see convert.h. One function a target type; spellings are in convert_number.c
 * and convert_time.c. */
#include "data/convert.h"

#include "data/convert_number.h"
#include "data/convert_scan.h"
#include "data/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* The cell, what is asked of it, and where the outcome goes. */
typedef struct job {
    const eh_cell *cell;
    bool declared;
    eh_scratch *scratch;
    eh_value *value;
    const char **reason;
} job;

static bool misfit(const job *j, const char *reason)
{
    *j->reason = reason;
    return false;
}

static bool is_kind(const job *j, eh_cell_kind kind)
{
    return j->cell->kind == (uint8_t)kind;
}

/* Numbers and booleans may be read from this text: never from a JSON string by inference. */
static bool is_text_for_numbers(const job *j)
{
    return is_kind(j, EH_CELL_RAW) || (is_kind(j, EH_CELL_STRING) && j->declared);
}

/* Digits as text, whole or not, for the types that are numbers; false if the cell has none. */
static bool number_token(const job *j, eh_decimal *decimal)
{
    if (is_text_for_numbers(j) || is_kind(j, EH_CELL_NUMBER))
        return eh_decimal_parse(eh_cell_text(j->cell), decimal);
    return false;
}

static bool not_a_number(const job *j)
{
    if (is_kind(j, EH_CELL_STRING) && !j->declared)
        return misfit(j, "a text: it becomes a number only where the type is declared");
    return misfit(j, "not a number");
}

static bool same_text(eh_slice text, const char *lower)
{
    size_t i = 0;
    for (; i < text.len && lower[i] != '\0'; i++)
        if ((text.data[i] | ('A' <= text.data[i] && text.data[i] <= 'Z' ? 0x20 : 0)) !=
            lower[i])
            return false;
    return i == text.len && lower[i] == '\0';
}

static bool declared_boolean(const job *j)
{
    static const char *const words[] = {"false", "true", "no", "yes", "f",
                                        "t",     "n",    "y",  "0",   "1"};
    if (is_kind(j, EH_CELL_INTEGER) && (uint64_t)j->cell->as.integer <= 1) {
        j->value->as.boolean = j->cell->as.integer == 1;
        return true;
    }
    if (!is_text_for_numbers(j) && !is_kind(j, EH_CELL_NUMBER))
        return misfit(j, "not a boolean");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!same_text(eh_cell_text(j->cell), words[i])) continue;
        j->value->as.boolean = i % 2 == 1;
        return true;
    }
    return misfit(j, "not one of true, false, yes, no, t, f, y, n, 1, 0");
}

static bool to_boolean(const job *j)
{
    if (is_kind(j, EH_CELL_BOOLEAN)) {
        j->value->as.boolean = j->cell->as.integer != 0;
        return true;
    }
    if (is_kind(j, EH_CELL_RAW)) {
        eh_slice text = eh_cell_text(j->cell);
        j->value->as.boolean = eh_slice_is(text, "true");
        if (j->value->as.boolean || eh_slice_is(text, "false")) return true;
    }
    return j->declared ? declared_boolean(j) : misfit(j, "not true or false");
}

/* Why digits are no bigint though they are a number. */
static const char *why_not_bigint(const eh_decimal *d)
{
    if (d->fraction.len > 0) return "not a whole number";
    if (d->has_exponent) return "a number with an exponent";
    if (d->has_plus) return "a plus sign would be lost";
    if (d->whole.len > 1 && d->whole.data[0] == '0') return "a leading zero would be lost";
    if (d->negative && d->is_zero) return "the sign of a negative zero would be lost";
    return "outside 64 bits";
}

/* Leading zeros, '+' and -0, where a person declared the type. */
static bool declared_bigint(const job *j, const eh_decimal *d)
{
    eh_slice w = d->whole;
    if (w.len == 0 || d->fraction.len > 0 || d->has_exponent) return false;
    while (w.len > 1 && w.data[0] == '0') w.data++, w.len--;
    uint64_t v;
    if (w.len > 19 || !eh_scan_digits(w.data, w.len, &v) ||
        v > (uint64_t)INT64_MAX + d->negative)
        return false;
    j->value->as.integer = d->negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

static bool is_within_64_bits(double real)
{
    const double past = 9223372036854775808.0; /* 2^63 */
    return real >= -past && real < past;       /* false for NaN */
}

static bool to_bigint_slowly(const job *j)
{
    eh_decimal d;
    double real = j->cell->as.real;
    if (is_kind(j, EH_CELL_DOUBLE)) {
        if (!j->declared) return misfit(j, "a double: a whole number only where declared");
        if (!is_within_64_bits(real) || trunc(real) != real)
            return misfit(j, "not a whole number within 64 bits");
        j->value->as.integer = (int64_t)real;
        return true;
    }
    if (!number_token(j, &d)) return not_a_number(j);
    if (j->declared && declared_bigint(j, &d)) return true;
    if (!j->declared) return misfit(j, why_not_bigint(&d));
    return misfit(j, d.fraction.len > 0 || d.has_exponent ? "not a whole number"
                                                          : "outside 64 bits");
}

static bool to_bigint(const job *j)
{
    const eh_cell *cell = j->cell;
    if (is_kind(j, EH_CELL_INTEGER)) {
        j->value->as.integer = cell->as.integer;
        return true;
    }
    bool text = is_kind(j, EH_CELL_RAW) || is_kind(j, EH_CELL_NUMBER);
    if (text && eh_scan_bigint(cell->as.text, cell->len, &j->value->as.integer)) return true;
    return to_bigint_slowly(j);
}

static eh_slice printed(const job *j, size_t len)
{
    return eh_slice_of(j->scratch->bytes, len);
}

static eh_slice print_integer(const job *j)
{
    int n =
        snprintf(j->scratch->bytes, sizeof j->scratch->bytes, "%" PRId64, j->cell->as.integer);
    return printed(j, n > 0 ? (size_t)n : 0);
}

static bool within_numeric(const eh_decimal *d)
{
    return d->whole.len <= EH_NUMERIC_WHOLE_MAX && d->fraction.len <= EH_NUMERIC_FRACTION_MAX;
}

static bool canonical_numeric(const job *j, const eh_decimal *d, eh_slice text)
{
    if (!within_numeric(d)) return misfit(j, "more digits than a numeric holds");
    j->value->as.text = text;
    return true;
}

/* A number in another spelling than numeric's own: rewritten where the type is declared. */
static bool declared_numeric(const job *j, const eh_decimal *d)
{
    eh_decimal rest = *d;
    bool rewrite = d->has_exponent || d->negative || d->whole.len == 0;
    while (rest.whole.len > 1 && rest.whole.data[0] == '0') rest.whole.data++, rest.whole.len--;
    if (!rewrite) { /* only '+' and zeros in front: the rest of the text is the number */
        size_t len = rest.whole.len + (d->fraction.len > 0 ? d->fraction.len + 1 : 0);
        return canonical_numeric(j, &rest, eh_slice_of(rest.whole.data, len));
    }
    size_t len = eh_decimal_print(&rest, j->scratch->bytes, sizeof j->scratch->bytes);
    if (len == 0) return misfit(j, "more digits than can be written without an exponent");
    j->value->as.text = printed(j, len);
    return true;
}

static bool numeric_of_double(const job *j)
{
    char text[32];
    eh_decimal d;
    if (!j->declared) return misfit(j, "a double: a numeric only where declared");
    if (!isfinite(j->cell->as.real)) return misfit(j, "not a finite number");
    size_t len = eh_double_print(j->cell->as.real, text);
    if (!eh_decimal_parse(eh_slice_of(text, len), &d)) return not_a_number(j);
    len = eh_decimal_print(&d, j->scratch->bytes, sizeof j->scratch->bytes);
    j->value->as.text = printed(j, len);
    return len > 0 || misfit(j, "more digits than can be written without an exponent");
}

static bool to_numeric(const job *j)
{
    eh_decimal d;
    if (is_kind(j, EH_CELL_INTEGER)) {
        j->value->as.text = print_integer(j);
        return true;
    }
    if (is_kind(j, EH_CELL_DOUBLE)) return numeric_of_double(j);
    if (!number_token(j, &d)) return not_a_number(j);
    if (eh_decimal_is_canonical(&d)) return canonical_numeric(j, &d, eh_cell_text(j->cell));
    if (j->declared) return declared_numeric(j, &d);
    return misfit(j, why_not_bigint(&(eh_decimal){.whole = d.whole,
                                                  .has_exponent = d.has_exponent,
                                                  .has_plus = d.has_plus,
                                                  .negative = d.negative,
                                                  .is_zero = d.is_zero}));
}

static bool to_double(const job *j)
{
    eh_decimal d;
    double *real = &j->value->as.real;
    if (is_kind(j, EH_CELL_DOUBLE)) {
        *real = j->cell->as.real;
        return isfinite(*real) || misfit(j, "not a finite number");
    }
    if (is_kind(j, EH_CELL_INTEGER)) {
        *real = (double)j->cell->as.integer;
        return j->declared || misfit(j, "a double only where declared");
    }
    if (!number_token(j, &d)) return not_a_number(j);
    if (!j->declared && (!d.has_exponent || is_kind(j, EH_CELL_RAW)))
        return misfit(j, "a double only where declared");
    if (!eh_decimal_to_double(&d, real)) return misfit(j, "outside the range of a double");
    if (!j->declared && !eh_decimal_is_double(&d, *real))
        return misfit(j, "a double would lose digits");
    return true;
}

/* Text that may be a day or a time: JSON strings too. */
static bool time_text(const job *j, eh_slice *text)
{
    *text = eh_cell_text(j->cell);
    return is_kind(j, EH_CELL_RAW) || is_kind(j, EH_CELL_STRING);
}

static bool to_date(const job *j)
{
    eh_slice text;
    if (!time_text(j, &text)) return misfit(j, "not a date");
    if (eh_parse_date(text, &j->value->as.integer)) return true;
    return misfit(j, text.len == 10 ? "no such day, or not YYYY-MM-DD"
                                    : "not a date of the form YYYY-MM-DD");
}

static bool to_time(const job *j)
{
    eh_slice text;
    if (!time_text(j, &text) || !eh_parse_time(text, &j->value->as.integer))
        return misfit(j, "not a time of the form HH:MM:SS, 00:00:00 to 23:59:59.999999");
    if (!j->declared && text.len > 8 && text.data[text.len - 1] == '0')
        return misfit(j, "trailing zeros of the fraction would be lost");
    return true;
}

static bool to_timestamp(const job *j)
{
    eh_slice text;
    bool zone;
    if (is_kind(j, EH_CELL_TIME_US)) {
        int64_t us = j->value->as.integer = j->cell->as.integer;
        return (us >= EH_US_FIRST && us < EH_US_END) ||
               misfit(j, "outside the years 0001 to 9999");
    }
    if (!time_text(j, &text) || !eh_parse_timestamp(text, &zone, &j->value->as.integer))
        return misfit(j, "not an ISO 8601 time with Z or an offset");
    return zone || misfit(j, "no Z and no offset: the zone must be declared");
}

static bool to_datetime(const job *j)
{
    eh_slice text;
    bool zone = false;
    int64_t days;
    if (!time_text(j, &text)) return misfit(j, "not an ISO 8601 time");
    if (eh_parse_date(text, &days)) {
        j->value->as.integer = days * EH_US_PER_DAY;
        return true;
    }
    if (!eh_parse_timestamp(text, &zone, &j->value->as.integer))
        return misfit(j, "not an ISO 8601 time");
    return !zone || misfit(j, "an offset would be lost");
}

static bool json_of_text(const job *j)
{
    bool duplicate_or_nul;
    eh_slice text = eh_cell_text(j->cell);
    if (!eh_json_check(text, &duplicate_or_nul, NULL)) return misfit(j, "not well-formed JSON");
    if (duplicate_or_nul) return misfit(j, "a duplicate key or a NUL byte inside");
    j->value->as.text = text;
    return true;
}

static bool to_text(const job *j);

static bool to_json(const job *j)
{
    const eh_cell *cell = j->cell;
    switch ((eh_cell_kind)cell->kind) {
    case EH_CELL_JSON:
        j->value->as.text = eh_cell_text(cell);
        return (cell->flags & EH_CELL_DUPLICATE) == 0 ||
               misfit(j, "a duplicate key or a NUL byte inside");
    case EH_CELL_RAW:
        return json_of_text(j);
    case EH_CELL_STRING:
        return j->declared ? json_of_text(j)
                           : misfit(j, "a text: it becomes json only where declared");
    case EH_CELL_NUMBER:
    case EH_CELL_BOOLEAN:
    case EH_CELL_INTEGER:
    case EH_CELL_DOUBLE:
        if (j->declared) return to_text(j); /* the text of a JSON scalar */
        return misfit(j, "neither an array nor an object: json only where declared");
    default:
        return misfit(j, "not JSON");
    }
}

/* Text from scripts and JSON strings may hold what no database text can. */
static bool checked_text(const job *j)
{
    eh_slice text = eh_cell_text(j->cell);
    j->value->as.text = text;
    if (text.len == 0) return true;
    if (memchr(text.data, 0, text.len) != NULL) return misfit(j, "NUL byte");
    return eh_utf8_valid(text.data, text.len) || misfit(j, "not UTF-8");
}

static bool to_text(const job *j)
{
    const eh_cell *cell = j->cell;
    char *bytes = j->scratch->bytes;
    eh_slice *text = &j->value->as.text;
    switch ((eh_cell_kind)cell->kind) {
    case EH_CELL_STRING:
        return checked_text(j);
    case EH_CELL_BOOLEAN:
        *text = eh_slice_str(cell->as.integer != 0 ? "true" : "false");
        return true;
    case EH_CELL_INTEGER:
        *text = print_integer(j);
        return true;
    case EH_CELL_DOUBLE:
        if (!isfinite(cell->as.real)) return misfit(j, "not a finite number");
        *text = printed(j, eh_double_print(cell->as.real, bytes));
        return true;
    case EH_CELL_TIME_US:
        *text = printed(j, eh_print_timestamp(cell->as.integer, true, bytes));
        return true;
    default:
        *text = eh_cell_text(cell);
        return true;
    }
}

/* \x and an even number of hexadecimal digits, in lower case unless declared. */
static bool to_binary(const job *j)
{
    eh_slice text = eh_cell_text(j->cell);
    if ((!is_kind(j, EH_CELL_RAW) && !is_kind(j, EH_CELL_STRING)) || text.len < 2 ||
        text.len % 2 != 0 || text.data[0] != '\\' || text.data[1] != 'x')
        return misfit(j, "not \\x and pairs of hexadecimal digits");
    for (size_t i = 2; i < text.len; i++) {
        char c = text.data[i];
        if (eh_is_digit(c) || (c >= 'a' && c <= 'f')) continue;
        if (c < 'A' || c > 'F') return misfit(j, "not \\x and pairs of hexadecimal digits");
        if (!j->declared) return misfit(j, "hexadecimal digits in upper case would be lost");
    }
    j->value->as.text = text;
    return true;
}

bool eh_convert(const eh_cell *cell, eh_type type, bool declared, eh_scratch *scratch,
                eh_value *value, const char **reason)
{
    const job j = {cell, declared, scratch, value, reason};
    value->type = type;
    if (eh_cell_is_null(cell)) {
        value->type = EH_TYPE_UNKNOWN;
        return true;
    }
    switch (type) {
    case EH_TYPE_BOOLEAN:
        return to_boolean(&j);
    case EH_TYPE_BIGINT:
        return to_bigint(&j);
    case EH_TYPE_NUMERIC:
        return to_numeric(&j);
    case EH_TYPE_DOUBLE:
        return to_double(&j);
    case EH_TYPE_DATE:
        return to_date(&j);
    case EH_TYPE_TIME:
        return to_time(&j);
    case EH_TYPE_TIMESTAMP:
        return to_timestamp(&j);
    case EH_TYPE_DATETIME:
        return to_datetime(&j);
    case EH_TYPE_JSON:
        return to_json(&j);
    case EH_TYPE_TEXT:
        return to_text(&j);
    case EH_TYPE_BINARY:
        return to_binary(&j);
    case EH_TYPE_UNKNOWN:
    case EH_TYPE_COUNT:
        break;
    }
    return misfit(&j, "the column has no type yet");
}
