/* data/infer.c: see infer.h. The reasons that people read are in infer_reason.c. */
#include "data/infer.h"

#include "data/convert.h"
#include "data/convert_number.h"
#include "data/convert_scan.h"

static bool within_numeric(const eh_decimal *d)
{
    return d->whole.len <= EH_NUMERIC_WHOLE_MAX && d->fraction.len <= EH_NUMERIC_FRACTION_MAX;
}

static eh_type infer_plain_number(eh_slice text)
{
    int64_t integer;
    eh_decimal d;
    if (eh_scan_bigint(text.data, text.len, &integer)) return EH_TYPE_BIGINT;
    if (eh_decimal_parse(text, &d) && eh_decimal_is_canonical(&d) && within_numeric(&d))
        return EH_TYPE_NUMERIC;
    return EH_TYPE_TEXT;
}

/* A double keeps the value of a token with an exponent, or the token stays text. */
static eh_type infer_json_number(eh_slice text)
{
    eh_decimal d;
    double value;
    if (!eh_decimal_parse(text, &d)) return EH_TYPE_TEXT;
    if (!d.has_exponent) return infer_plain_number(text);
    bool kept = eh_decimal_to_double(&d, &value) && eh_decimal_is_double(&d, value);
    return kept ? EH_TYPE_DOUBLE : EH_TYPE_TEXT;
}

static eh_type infer_time(eh_slice text)
{
    int64_t ignored;
    bool zone;
    if (eh_parse_date(text, &ignored)) return EH_TYPE_DATE;
    if (eh_parse_timestamp(text, &zone, &ignored))
        return zone ? EH_TYPE_TIMESTAMP : EH_TYPE_DATETIME;
    /* A fraction's trailing zeros are not printed back. */
    bool zeros = text.len > 8 && text.data[text.len - 1] == '0';
    return !zeros && eh_parse_time(text, &ignored) ? EH_TYPE_TIME : EH_TYPE_TEXT;
}

static eh_type infer_raw(eh_slice text)
{
    if (text.len == 0) return EH_TYPE_TEXT;
    char first = text.data[0];
    if (first == 't' || first == 'f')
        return eh_slice_is(text, "true") || eh_slice_is(text, "false") ? EH_TYPE_BOOLEAN
                                                                       : EH_TYPE_TEXT;
    if (first != '-' && !eh_is_digit(first)) return EH_TYPE_TEXT;
    eh_type type = infer_plain_number(text);
    return type == EH_TYPE_TEXT ? infer_time(text) : type;
}

eh_type eh_infer_cell(const eh_cell *cell)
{
    switch ((eh_cell_kind)cell->kind) {
    case EH_CELL_ABSENT:
    case EH_CELL_NULL:
        return EH_TYPE_UNKNOWN;
    case EH_CELL_RAW:
        return infer_raw(eh_cell_text(cell));
    case EH_CELL_STRING:
        return infer_time(eh_cell_text(cell));
    case EH_CELL_NUMBER:
        return infer_json_number(eh_cell_text(cell));
    case EH_CELL_BOOLEAN:
        return EH_TYPE_BOOLEAN;
    case EH_CELL_JSON:
        return cell->flags & EH_CELL_DUPLICATE ? EH_TYPE_TEXT : EH_TYPE_JSON;
    case EH_CELL_INTEGER:
        return EH_TYPE_BIGINT;
    case EH_CELL_DOUBLE:
        return EH_TYPE_DOUBLE;
    case EH_CELL_TIME_US:
        return EH_TYPE_TIMESTAMP;
    }
    return EH_TYPE_TEXT;
}

static bool is_pair(eh_type a, eh_type b, eh_type x, eh_type y)
{
    return (a == x && b == y) || (a == y && b == x);
}

eh_type eh_infer_join(eh_type a, eh_type b)
{
    if (a == b || b == EH_TYPE_UNKNOWN) return a;
    if (a == EH_TYPE_UNKNOWN) return b;
    if (is_pair(a, b, EH_TYPE_BIGINT, EH_TYPE_NUMERIC)) return EH_TYPE_NUMERIC;
    if (is_pair(a, b, EH_TYPE_DATE, EH_TYPE_DATETIME)) return EH_TYPE_DATETIME;
    return EH_TYPE_TEXT;
}
