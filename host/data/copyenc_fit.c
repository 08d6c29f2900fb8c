/* data/copyenc_fit.c: see copyenc_fit.h. What a server would round, pad or cut is found here,
 * before it is sent. */
#include "data/copyenc_fit.h"

#include "data/convert_number.h"
#include "data/convert_scan.h"

#include <inttypes.h>
#include <stdio.h>

static bool misfit(const char **reason, const char *text)
{
    *reason = text;
    return false;
}

static bool whole_number_fits(eh_pg_kind kind, int64_t v, const char **reason)
{
    if (kind == EH_PG_INT2 && (v < INT16_MIN || v > INT16_MAX))
        return misfit(reason, "outside the range of smallint");
    if (kind == EH_PG_INT4 && (v < INT32_MIN || v > INT32_MAX))
        return misfit(reason, "outside the range of integer");
    return true;
}

/* Digits before the point that are not leading zeros; negative for zeros right after the point
 * when there are none before it: what Postgres holds against precision minus scale. */
static int64_t magnitude(const eh_decimal *d)
{
    size_t zeros = 0;
    while (zeros < d->whole.len && d->whole.data[zeros] == '0') zeros++;
    if (zeros < d->whole.len) return (int64_t)(d->whole.len - zeros);
    for (zeros = 0; zeros < d->fraction.len && d->fraction.data[zeros] == '0';) zeros++;
    return -(int64_t)zeros;
}

static bool ends_in_zeros(eh_slice digits, size_t count)
{
    if (count > digits.len) count = digits.len;
    for (size_t i = digits.len - count; i < digits.len; i++)
        if (digits.data[i] != '0') return false;
    return true;
}

static bool numeric_fits(const eh_pg_column *column, eh_slice text, const char **reason)
{
    eh_decimal d;
    if (column->typmod < 0) return true;
    if (!eh_decimal_parse(text, &d)) return misfit(reason, "not a number");
    int64_t scale = eh_numeric_scale(column->typmod);
    int64_t precision = eh_numeric_precision(column->typmod), written = (int64_t)d.fraction.len;
    if (!d.is_zero && magnitude(&d) > precision - scale)
        return misfit(reason, "more digits than the column's precision");
    if (scale < 0 && !d.is_zero && !ends_in_zeros(d.whole, (size_t)-scale))
        return misfit(reason, "the column's scale would round it");
    if (scale < 0) scale = 0;
    if (written > scale)
        return misfit(reason, ends_in_zeros(d.fraction, (size_t)(written - scale))
                                  ? "the column's scale would cut its trailing zeros"
                                  : "the column's scale would round it");
    if (written < scale && !column->may_pad)
        return misfit(reason, "the column's scale would pad it with zeros");
    return true;
}

/* The number as it was written; what a script made, as it prints. */
static bool written_number(const eh_cell *cell, char *room, size_t size, eh_decimal *d)
{
    eh_slice text = eh_slice_of(room, 0);
    if (eh_cell_has_text(cell)) {
        text = eh_cell_text(cell);
    } else if (cell->kind == EH_CELL_INTEGER) {
        int n = snprintf(room, size, "%" PRId64, cell->as.integer);
        text.len = n > 0 ? (size_t)n : 0;
    } else {
        text.len = eh_double_print(cell->as.real, room);
    }
    return eh_decimal_parse(text, d);
}

/* The value of a float column, digit by digit the number that was written. */
static bool float_value(const eh_pg_column *column, const eh_cell *cell, eh_scratch *scratch,
                        eh_value *value, const char **reason)
{
    char room[32];
    eh_decimal d;
    /* A JSON string or a script's text becomes a number only where a person said so. */
    bool wide = column->declared || (column->existed && cell->kind != EH_CELL_STRING);
    if (!eh_convert(cell, EH_TYPE_DOUBLE, wide, scratch, value, reason)) return false;
    if (!written_number(cell, room, sizeof room, &d)) return misfit(reason, "not a number");
    if (!column->declared && (d.has_plus || (d.whole.len > 1 && d.whole.data[0] == '0')))
        return misfit(reason, "a leading zero or a plus sign would be lost");
    if (column->kind == EH_PG_FLOAT8)
        return column->declared || eh_decimal_is_double(&d, value->as.real) ||
               misfit(reason, "a double would lose digits");
    float single;
    if (!eh_decimal_to_float(&d, &single)) return misfit(reason, "outside the range of real");
    if (!eh_decimal_is_float(&d, single)) return misfit(reason, "a real would lose digits");
    value->as.real = (double)single;
    return true;
}

static bool time_fits(int32_t typmod, int64_t us, const char **reason)
{
    static const int64_t unit[7] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    if (typmod < 0 || typmod > 6 || us % unit[typmod] == 0) return true;
    return misfit(reason, "the column's precision would round it");
}

/* Characters of valid UTF-8: bytes that are no continuation. */
static size_t characters(eh_slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return count;
}

static bool length_fits(const eh_pg_column *column, eh_slice text, const char **reason)
{
    if (column->kind == EH_PG_TEXT || column->typmod < 4) return true;
    size_t most = (size_t)column->typmod - 4;
    if (column->kind == EH_PG_VARCHAR && text.len <= most) return true;
    size_t count = characters(text);
    if (count > most) return misfit(reason, "longer than the column allows");
    if (column->kind == EH_PG_BPCHAR && count < most && !column->may_pad)
        return misfit(reason, "the column would pad it with blanks");
    return true;
}

static bool uuid_fits(const eh_pg_column *column, eh_slice text, const char **reason)
{
    static const char *const shape = "not a uuid of the form 8-4-4-4-12";
    if (text.len != 36) return misfit(reason, shape);
    for (size_t i = 0; i < 36; i++) {
        char c = text.data[i];
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-') return misfit(reason, shape);
        } else if (c >= 'A' && c <= 'F') {
            if (!column->declared)
                return misfit(reason, "hexadecimal digits in upper case would be lost");
        } else if (!eh_is_digit(c) && (c < 'a' || c > 'f')) {
            return misfit(reason, shape);
        }
    }
    return true;
}

static bool value_fits(const eh_pg_column *column, const eh_value *value, const char **reason)
{
    switch (column->kind) {
    case EH_PG_INT2:
    case EH_PG_INT4:
        return whole_number_fits(column->kind, value->as.integer, reason);
    case EH_PG_NUMERIC:
        return numeric_fits(column, value->as.text, reason);
    case EH_PG_TIME:
    case EH_PG_TIMESTAMP:
    case EH_PG_TIMESTAMPTZ:
        return time_fits(column->typmod, value->as.integer, reason);
    case EH_PG_VARCHAR:
    case EH_PG_BPCHAR:
        return length_fits(column, value->as.text, reason);
    case EH_PG_UUID:
        return uuid_fits(column, value->as.text, reason);
    default:
        return true;
    }
}

bool eh_copy_value(const eh_pg_column *column, const eh_cell *cell, eh_scratch *scratch,
                   eh_value *value, const char **reason)
{
    if (cell == NULL || eh_cell_is_null(cell)) {
        value->type = EH_TYPE_UNKNOWN;
        return !column->not_null || misfit(reason, "the column does not take NULL");
    }
    if (eh_cell_has_text(cell) && cell->len >= EH_COPY_FIELD_MAX)
        return misfit(reason, "longer than the 1 GB of a field");
    if (column->kind == EH_PG_FLOAT4 || column->kind == EH_PG_FLOAT8)
        return float_value(column, cell, scratch, value, reason);
    return eh_convert(cell, eh_pg_kind_type(column->kind), column->declared, scratch, value,
                      reason) &&
           value_fits(column, value, reason);
}
