/* data/copyenc.c: kinds of columns, and rows of binary COPY. Text COPY is in copyenc_text.c,
 * the limits of columns in copyenc_fit.c.
 *
 * A cell as a CSV parser brings it is encoded in one pass where its type allows it (quick); any
 * other cell, and any doubt, goes through eh_copy_value (slow), which also names the reason. */
#include "data/copyenc.h"

#include "data/convert_scan.h"
#include "data/copyenc_fit.h"
#include "data/copyenc_numeric.h"

/* Postgres counts from 2000-01-01. */
#define DAYS_TO_2000 10957
#define US_TO_2000   (DAYS_TO_2000 * EH_US_PER_DAY)

enum { SLACK = 512 }; /* over a cell's own text: what any printed or binary form takes */

eh_pg_kind eh_pg_kind_of(uint32_t type_oid)
{
    switch (type_oid) { /* src/include/catalog/pg_type.dat */
    case 16:
        return EH_PG_BOOL;
    case 17:
        return EH_PG_BYTEA;
    case 20:
        return EH_PG_INT8;
    case 21:
        return EH_PG_INT2;
    case 23:
        return EH_PG_INT4;
    case 25:
        return EH_PG_TEXT;
    case 114:
        return EH_PG_JSON;
    case 700:
        return EH_PG_FLOAT4;
    case 701:
        return EH_PG_FLOAT8;
    case 1042:
        return EH_PG_BPCHAR;
    case 1043:
        return EH_PG_VARCHAR;
    case 1082:
        return EH_PG_DATE;
    case 1083:
        return EH_PG_TIME;
    case 1114:
        return EH_PG_TIMESTAMP;
    case 1184:
        return EH_PG_TIMESTAMPTZ;
    case 1700:
        return EH_PG_NUMERIC;
    case 2950:
        return EH_PG_UUID;
    case 3802:
        return EH_PG_JSONB;
    default:
        return EH_PG_OTHER;
    }
}

eh_type eh_pg_kind_type(eh_pg_kind kind)
{
    switch (kind) {
    case EH_PG_BOOL:
        return EH_TYPE_BOOLEAN;
    case EH_PG_INT2:
    case EH_PG_INT4:
    case EH_PG_INT8:
        return EH_TYPE_BIGINT;
    case EH_PG_NUMERIC:
        return EH_TYPE_NUMERIC;
    case EH_PG_FLOAT4:
    case EH_PG_FLOAT8:
        return EH_TYPE_DOUBLE;
    case EH_PG_DATE:
        return EH_TYPE_DATE;
    case EH_PG_TIME:
        return EH_TYPE_TIME;
    case EH_PG_TIMESTAMP:
        return EH_TYPE_DATETIME;
    case EH_PG_TIMESTAMPTZ:
        return EH_TYPE_TIMESTAMP;
    case EH_PG_JSON:
    case EH_PG_JSONB:
        return EH_TYPE_JSON;
    case EH_PG_BYTEA:
        return EH_TYPE_BINARY;
    case EH_PG_OTHER:
    case EH_PG_TEXT:
    case EH_PG_VARCHAR:
    case EH_PG_BPCHAR:
    case EH_PG_UUID:
        break;
    }
    return EH_TYPE_TEXT;
}

bool eh_copy_header(eh_buf *out, eh_err *err)
{
    /* Signature, flags (none), length of the header's extension (none). */
    static const char header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
    _Static_assert(sizeof header == 20, "11 bytes, two words, and C's own NUL");
    return eh_buf_append(out, header, sizeof header - 1, err);
}

bool eh_copy_trailer(eh_buf *out, eh_err *err)
{
    return eh_buf_append(out, "\377\377", 2, err);
}

/* ---- Fields: length in front, then the bytes; each returns the size -------------------------
 */

static inline size_t put_length(char *out, uint32_t len)
{
    uint32_t big = htobe32(len);
    memcpy(out, &big, sizeof big);
    return sizeof big;
}

static inline size_t put1(char *out, bool value)
{
    out[put_length(out, 1)] = (char)(value ? 1 : 0);
    return 5;
}

static inline size_t put2(char *out, uint16_t value)
{
    uint16_t big = htobe16(value);
    memcpy(out + put_length(out, 2), &big, sizeof big);
    return 6;
}

static inline size_t put4(char *out, uint32_t value)
{
    put_length(out, 4);
    return 4 + put_length(out + 4, value);
}

static inline size_t put8(char *out, uint64_t value)
{
    uint64_t big = htobe64(value);
    memcpy(out + put_length(out, 8), &big, sizeof big);
    return 12;
}

/* Short text dominates: it is moved by whole words, which may write past it into the slack but
 * never read past it. */
static inline size_t put_text(char *out, const char *text, size_t len)
{
    char *to = out + put_length(out, (uint32_t)len);
    if (len > 32) {
        memcpy(to, text, len);
    } else if (len > 16) {
        memcpy(to, text, 16);
        memcpy(to + len - 16, text + len - 16, 16);
    } else if (len > 8) {
        memcpy(to, text, 8);
        memcpy(to + len - 8, text + len - 8, 8);
    } else if (len > 0) {
        uint64_t word = htole64(eh_load_upto8(text, len));
        memcpy(to, &word, sizeof word);
    }
    return 4 + len;
}

static unsigned hex_digit(char c)
{
    return eh_is_digit(c) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
}

static char hex_byte(const char *two)
{
    return (char)(hex_digit(two[0]) << 4 | hex_digit(two[1]));
}

static size_t put_uuid(char *out, const char *text)
{
    char *to = out + put_length(out, 16);
    for (size_t i = 0; i < 36; i += 2) {
        if (text[i] == '-') i++;
        *to++ = hex_byte(text + i);
    }
    return 20;
}

static size_t put_bytea(char *out, eh_slice text)
{
    size_t count = text.len / 2 - 1; /* without \x */
    char *to = out + put_length(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) to[i] = hex_byte(text.data + 2 + 2 * i);
    return 4 + count;
}

static size_t put_jsonb(char *out, eh_slice text)
{
    put_length(out, (uint32_t)text.len + 1);
    out[4] = 1; /* the version of jsonb's binary form: the text follows */
    memcpy(out + 5, text.data, text.len);
    return 5 + text.len;
}

static size_t put_float4(char *out, double value)
{
    float single = (float)value;
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    return put4(out, bits);
}

static size_t put_float8(char *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put8(out, bits);
}

/* A value that eh_copy_value let pass. */
static size_t put_value(eh_pg_kind kind, const eh_value *v, char *out)
{
    int64_t integer = v->as.integer;
    switch (kind) {
    case EH_PG_BOOL:
        return put1(out, v->as.boolean);
    case EH_PG_INT2:
        return put2(out, (uint16_t)integer);
    case EH_PG_INT4:
        return put4(out, (uint32_t)integer);
    case EH_PG_TIME:
    case EH_PG_INT8:
        return put8(out, (uint64_t)integer);
    case EH_PG_NUMERIC:
        return eh_copy_put_numeric(v->as.text, out);
    case EH_PG_FLOAT4:
        return put_float4(out, v->as.real);
    case EH_PG_FLOAT8:
        return put_float8(out, v->as.real);
    case EH_PG_DATE:
        return put4(out, (uint32_t)(integer - DAYS_TO_2000));
    case EH_PG_TIMESTAMP:
    case EH_PG_TIMESTAMPTZ:
        return put8(out, (uint64_t)(integer - US_TO_2000));
    case EH_PG_JSONB:
        return put_jsonb(out, v->as.text);
    case EH_PG_UUID:
        return put_uuid(out, v->as.text.data);
    case EH_PG_BYTEA:
        return put_bytea(out, v->as.text);
    case EH_PG_OTHER:
    case EH_PG_TEXT:
    case EH_PG_VARCHAR:
    case EH_PG_BPCHAR:
    case EH_PG_JSON:
        break;
    }
    return put_text(out, v->as.text.data, v->as.text.len);
}

/* ---- Rows -----------------------------------------------------------------------------------
 */

static size_t quick_timestamp(const eh_pg_column *column, eh_slice text, char *out)
{
    bool zone;
    int64_t us;
    if (column->typmod >= 0 || !eh_parse_timestamp(text, &zone, &us)) return 0;
    if (zone != (column->kind == EH_PG_TIMESTAMPTZ)) return 0;
    return put8(out, (uint64_t)(us - US_TO_2000));
}

static size_t quick_boolean(eh_slice text, char *out)
{
    if (text.len == 4 && memcmp(text.data, "true", 4) == 0) return put1(out, true);
    if (text.len == 5 && memcmp(text.data, "false", 5) == 0) return put1(out, false);
    return 0;
}

/* The field of a RAW cell in one pass; 0 when it is not so simple. */
static inline size_t quick(const eh_pg_column *column, const char *text, size_t len, char *out)
{
    int64_t integer;
    switch (column->kind) {
    case EH_PG_TEXT:
        return put_text(out, text, len);
    case EH_PG_NUMERIC:
        return eh_copy_try_numeric(column, text, len, out);
    case EH_PG_INT8:
        return eh_scan_bigint(text, len, &integer) ? put8(out, (uint64_t)integer) : 0;
    case EH_PG_INT4:
        if (!eh_scan_bigint(text, len, &integer) || integer != (int32_t)integer) return 0;
        return put4(out, (uint32_t)integer);
    case EH_PG_DATE:
        if (!eh_parse_date(eh_slice_of(text, len), &integer)) return 0;
        return put4(out, (uint32_t)(integer - DAYS_TO_2000));
    case EH_PG_TIMESTAMP:
    case EH_PG_TIMESTAMPTZ:
        return quick_timestamp(column, eh_slice_of(text, len), out);
    case EH_PG_BOOL:
        return quick_boolean(eh_slice_of(text, len), out);
    default:
        return 0;
    }
}

static eh_encode slow(const eh_pg_column *column, const eh_cell *cell, char *out, size_t *size,
                      const char **reason)
{
    eh_scratch scratch;
    eh_value value;
    if (column->kind == EH_PG_OTHER) {
        *reason = "the column's type has no binary encoder";
        return EH_ENCODE_MISFIT;
    }
    if (!eh_copy_value(column, cell, &scratch, &value, reason)) return EH_ENCODE_MISFIT;
    *size = value.type == EH_TYPE_UNKNOWN ? put_length(out, UINT32_MAX)
                                          : put_value(column->kind, &value, out);
    return EH_ENCODE_OK;
}

static size_t text_length(const eh_cell *cell)
{
    return cell != NULL && eh_cell_has_text(cell) ? cell->len : 0;
}

eh_encode eh_copy_binary_row(eh_buf *out, const eh_pg_column *columns, size_t count,
                             const eh_cell *const *pick, size_t *at, const char **reason,
                             eh_err *err)
{
    if (!eh_buf_reserve(out, SLACK, err)) return EH_ENCODE_ERROR;
    uint16_t fields = htobe16((uint16_t)count);
    memcpy(out->data + out->len, &fields, sizeof fields);
    out->len += sizeof fields;
    for (size_t i = 0; i < count; i++) {
        const eh_cell *cell = pick[i];
        size_t need = text_length(cell) + SLACK, size = 0;
        if (out->cap - out->len < need && !eh_buf_reserve(out, need, err))
            return EH_ENCODE_ERROR;
        char *to = out->data + out->len;
        if (cell != NULL && cell->kind == EH_CELL_RAW && cell->len < EH_COPY_FIELD_MAX)
            size = quick(&columns[i], cell->as.text, cell->len, to);
        if (size == 0) {
            eh_encode outcome = slow(&columns[i], cell, to, &size, reason);
            *at = i;
            if (outcome != EH_ENCODE_OK) return outcome;
        }
        out->len += size;
    }
    return EH_ENCODE_OK;
}
