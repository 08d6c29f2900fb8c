/* data/copyenc_text.c: rows of text COPY, for statements with a column that has no binary
 * encoder. Fields end in a tab, rows in a newline; NULL is \N. */
#include "data/convert_number.h"
#include "data/convert_scan.h"
#include "data/copyenc_fit.h"

/* The letter after a backslash, or 0 for a byte that stands for itself. */
static char escape_of(char c)
{
    switch (c) {
    case '\\':
        return '\\';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

/* May one of eight bytes need an escape: is it a backslash, or below 16? No false "no". */
static bool may_escape(uint64_t w)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    uint64_t slash = w ^ ones * '\\';
    uint64_t is_slash = (slash - ones) & ~slash;
    uint64_t is_low = (w - ones * 16) & ~w;
    return ((is_slash | is_low) & high) != 0;
}

/* Returns the end of what was written; out has room for twice the text. */
static char *put_escaped(char *out, eh_slice text)
{
    const char *p = text.data, *end = p + text.len;
    while (p < end) {
        if (end - p >= 8 && !may_escape(eh_load8(p))) {
            memcpy(out, p, 8);
            out += 8;
            p += 8;
            continue;
        }
        char byte = *p++, letter = escape_of(byte);
        if (letter != 0) {
            *out++ = '\\';
            byte = letter;
        }
        *out++ = byte;
    }
    return out;
}

static eh_slice print_integer(int64_t value, char *room, size_t size)
{
    char *end = room + size, *p = end;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--p = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) *--p = '-';
    return eh_slice_of(p, (size_t)(end - p));
}

/* A value's text as the server reads it. */
static eh_slice text_of(const eh_value *v, char *room, size_t size)
{
    int64_t integer = v->as.integer;
    switch (v->type) {
    case EH_TYPE_BOOLEAN:
        return eh_slice_str(v->as.boolean ? "t" : "f");
    case EH_TYPE_BIGINT:
        return print_integer(integer, room, size);
    case EH_TYPE_DOUBLE:
        return eh_slice_of(room, eh_double_print(v->as.real, room));
    case EH_TYPE_DATE:
        return eh_slice_of(room, eh_print_date(integer, room));
    case EH_TYPE_TIME:
        return eh_slice_of(room, eh_print_time(integer, room));
    case EH_TYPE_TIMESTAMP:
        return eh_slice_of(room, eh_print_timestamp(integer, true, room));
    case EH_TYPE_DATETIME:
        return eh_slice_of(room, eh_print_timestamp(integer, false, room));
    default:
        return v->as.text;
    }
}

static bool put_field(eh_buf *out, const eh_value *value, char end, eh_err *err)
{
    char room[64];
    if (value->type == EH_TYPE_UNKNOWN)
        return eh_buf_append(out, end == '\n' ? "\\N\n" : "\\N\t", 3, err);
    eh_slice text = text_of(value, room, sizeof room);
    size_t need;
    if (__builtin_mul_overflow(text.len, 2, &need) || !eh_buf_reserve(out, need + 1, err))
        return eh_fail_memory(err, "a row");
    char *p = put_escaped(out->data + out->len, text);
    *p++ = end;
    out->len = (size_t)(p - out->data);
    return true;
}

eh_encode eh_copy_text_row(eh_buf *out, const eh_pg_column *columns, size_t count,
                           const eh_cell *const *pick, size_t *at, const char **reason,
                           eh_err *err)
{
    eh_scratch scratch;
    eh_value value;
    for (size_t i = 0; i < count; i++) {
        if (!eh_copy_value(&columns[i], pick[i], &scratch, &value, reason)) {
            *at = i;
            return EH_ENCODE_MISFIT;
        }
        if (!put_field(out, &value, i + 1 == count ? '\n' : '\t', err)) return EH_ENCODE_ERROR;
    }
    return EH_ENCODE_OK;
}
