/* load/dest_sqlite_rows.c: rows for a SQLite table: encoding them, binding them to a statement.
 *
 * An encoded row is its cells, one after the other: a tag byte, then eight bytes of a number,
 * or four bytes of length and the text. The inserting loop binds text where it lies in the
 * unit, with one statement for the whole load. */
#include "data/convert.h"
#include "load/dest_sql.h"
#include "load/dest_sqlite.h"

#include <math.h>
#include <string.h>

#define SQL_MAX ((size_t)4 * 1024 * 1024)

enum { TAG_NULL, TAG_INT, TAG_REAL, TAG_TEXT, TAG_BLOB };

typedef struct encode_column {
    eh_type type;
    bool declared;
    bool not_null;
    bool unknown;
} encode_column;

typedef struct lite_encoder {
    eh_encoder base;
    encode_column *columns;
    const char *insert; /* the statement that stores a row */
} lite_encoder;

/* ---- encoding --------------------------------------------------------------------------- */

static eh_append room(eh_buf *data, size_t size, eh_err *err)
{
    if (data->cap - data->len >= size) return EH_APPEND_OK;
    if (data->max - data->len < size) return EH_APPEND_FULL;
    return eh_buf_reserve(data, size, err) ? EH_APPEND_OK : EH_APPEND_ERROR;
}

static eh_append put_number(eh_buf *data, char tag, const void *bytes, eh_err *err)
{
    eh_append result = room(data, 9, err);
    if (result != EH_APPEND_OK) return result;
    data->data[data->len] = tag;
    memcpy(data->data + data->len + 1, bytes, 8);
    data->len += 9;
    return EH_APPEND_OK;
}

static eh_append put_bytes(eh_buf *data, char tag, const char *bytes, size_t size, eh_err *err)
{
    uint32_t len = (uint32_t)size;
    eh_append result = room(data, 5 + size, err);
    if (result != EH_APPEND_OK) return result;
    data->data[data->len] = tag;
    memcpy(data->data + data->len + 1, &len, 4);
    if (size > 0) memcpy(data->data + data->len + 5, bytes, size);
    data->len += 5 + size;
    return EH_APPEND_OK;
}

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* The bytes of `\x` and pairs of hexadecimal digits, as the conversion has checked. */
static eh_append put_blob(eh_buf *data, eh_slice text, eh_err *err)
{
    size_t size = text.len / 2 - 1;
    eh_append result = put_bytes(data, TAG_BLOB, text.data, size, err);
    if (result != EH_APPEND_OK) return result;
    char *out = data->data + data->len - size;
    for (size_t i = 0; i < size; i++) {
        const char *pair = text.data + 2 + 2 * i;
        out[i] = (char)(hex_digit(pair[0]) << 4 | hex_digit(pair[1]));
    }
    return EH_APPEND_OK;
}

static eh_append put_value(eh_buf *data, const eh_value *value, eh_err *err)
{
    char text[40];
    int64_t integer = value->as.integer;
    switch (value->type) {
    case EH_TYPE_BOOLEAN:
        return value->as.boolean ? put_bytes(data, TAG_TEXT, "true", 4, err)
                                 : put_bytes(data, TAG_TEXT, "false", 5, err);
    case EH_TYPE_BIGINT:
        return put_number(data, TAG_INT, &integer, err);
    case EH_TYPE_DOUBLE:
        return put_number(data, TAG_REAL, &value->as.real, err);
    case EH_TYPE_DATE:
        return put_bytes(data, TAG_TEXT, text, eh_print_date(integer, text), err);
    case EH_TYPE_TIME:
        return put_bytes(data, TAG_TEXT, text, eh_print_time(integer, text), err);
    case EH_TYPE_TIMESTAMP:
        return put_bytes(data, TAG_TEXT, text, eh_print_timestamp(integer, true, text), err);
    case EH_TYPE_DATETIME:
        return put_bytes(data, TAG_TEXT, text, eh_print_timestamp(integer, false, text), err);
    case EH_TYPE_BINARY:
        return put_blob(data, value->as.text, err);
    default:
        return put_bytes(data, TAG_TEXT, value->as.text.data, value->as.text.len, err);
    }
}

static eh_append put_null(const encode_column *column, eh_buf *data, const char **reason,
                          eh_err *err)
{
    if (column->not_null) {
        *reason = "null in a column that must have a value";
        return EH_APPEND_MISFIT;
    }
    eh_append result = room(data, 1, err);
    if (result == EH_APPEND_OK) data->data[data->len++] = TAG_NULL;
    return result;
}

static eh_append put_cell(const encode_column *column, eh_buf *data, const eh_cell *cell,
                          const char **reason, eh_err *err)
{
    eh_scratch scratch;
    eh_value value;
    if (cell == NULL || eh_cell_is_null(cell)) return put_null(column, data, reason, err);
    if (column->unknown) {
        *reason = "the column has no type yet";
        return EH_APPEND_MISFIT;
    }
    if (!eh_convert(cell, column->type, column->declared, &scratch, &value, reason))
        return EH_APPEND_MISFIT;
    if (value.type == EH_TYPE_UNKNOWN) return put_null(column, data, reason, err);
    if (value.type == EH_TYPE_DOUBLE && isnan(value.as.real)) { /* SQLite makes it NULL */
        *reason = "not a number";
        return EH_APPEND_MISFIT;
    }
    return put_value(data, &value, err);
}

static eh_append append_row(const eh_encoder *base, eh_buf *data, const eh_cell *const *pick,
                            eh_row_fault *fault, eh_err *err)
{
    const lite_encoder *encoder = (const lite_encoder *)base;
    for (size_t i = 0; i < base->count; i++) {
        eh_append result = put_cell(&encoder->columns[i], data, pick[i], &fault->reason, err);
        if (result == EH_APPEND_OK) continue;
        fault->column = i;
        return result;
    }
    return EH_APPEND_OK;
}

static bool make_insert(const char *table, const eh_column_info *columns, size_t count,
                        eh_buf *out, eh_err *err)
{
    eh_buf names, marks;
    eh_buf_init(&names, SQL_MAX);
    eh_buf_init(&marks, SQL_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = (i == 0 || eh_buf_append_str(&names, ", ", err)) &&
             eh_sql_identifier(&names, columns[i].name, err) &&
             eh_buf_append_str(&marks, i == 0 ? "?" : ", ?", err);
    if (ok) {
        eh_sql_var vars[] = {{"table", table},
                             {"columns", eh_buf_cstr(&names)},
                             {"values", eh_buf_cstr(&marks)}};
        ok = vars[1].value != NULL && vars[2].value != NULL
                 ? eh_sql_expand("sqlite", "rows_insert", vars, 3, out, err)
                 : eh_fail_memory(err, "a statement");
    }
    eh_buf_free(&names);
    eh_buf_free(&marks);
    return ok;
}

const eh_encoder *eh_lite_encoder_new(eh_dest *dest, const char *schema, const char *table,
                                      const eh_column_info *columns, const bool *declared,
                                      size_t count, const eh_put *put, eh_arena *arena,
                                      const char **why_text, eh_err *err)
{
    (void)dest;
    (void)schema;
    (void)put;
    (void)why_text;
    lite_encoder *encoder = eh_arena_zalloc(arena, 1, sizeof *encoder);
    encode_column *encode = eh_arena_zalloc(arena, count, sizeof *encode);
    eh_buf insert;
    eh_buf_init(&insert, SQL_MAX);
    bool ok = encoder != NULL && encode != NULL;
    if (!ok) (void)eh_fail_memory(err, "an encoder");
    ok = ok && make_insert(table, columns, count, &insert, err);
    if (ok) {
        for (size_t i = 0; i < count; i++)
            encode[i] = (encode_column){.type = columns[i].type,
                                        .declared = declared != NULL && declared[i],
                                        .not_null = columns[i].not_null,
                                        .unknown = columns[i].unknown};
        *encoder = (lite_encoder){.base = {.append = append_row, .count = count},
                                  .columns = encode,
                                  .insert = eh_arena_strndup(arena, insert.data, insert.len)};
        ok = encoder->insert != NULL || eh_fail_memory(err, "an encoder");
    }
    eh_buf_free(&insert);
    return ok ? &encoder->base : NULL;
}

/* ---- binding ---------------------------------------------------------------------------- */

static inline const char *bind_cell(eh_sqlite_stmt *stmt, int index, const char *p)
{
    char tag = *p++;
    if (tag == TAG_NULL) {
        eh_sqlite_bind_null(stmt, index);
        return p;
    }
    if (tag == TAG_INT) {
        int64_t integer;
        memcpy(&integer, p, 8);
        eh_sqlite_bind_int(stmt, index, integer);
        return p + 8;
    }
    if (tag == TAG_REAL) {
        double real;
        memcpy(&real, p, 8);
        eh_sqlite_bind_real(stmt, index, real);
        return p + 8;
    }
    uint32_t len;
    memcpy(&len, p, 4);
    p += 4;
    if (tag == TAG_TEXT)
        eh_sqlite_bind_text(stmt, index, p, len);
    else
        eh_sqlite_bind_blob(stmt, index, p, len);
    return p + len;
}

const char *eh_lite_bind_row(eh_sqlite_stmt *stmt, const eh_encoder *encoder, const char *p)
{
    int count = (int)encoder->count;
    for (int i = 1; i <= count; i++) p = bind_cell(stmt, i, p);
    return p;
}

const char *eh_lite_encoder_insert(const eh_encoder *encoder)
{
    return ((const lite_encoder *)encoder)->insert;
}
