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

typedef struct encode_column {
    eh_type type;
    bool declared;
    bool not_null;
    bool unknown;
} encode_column;

typedef struct lite_encoder {
    eh_encoder base;
    encode_column *columns;
    const char *insert;     /* the statement that stores a row */
    const eh_lite_put *put; /* NULL: rows are appended */
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
    eh_append result = put_bytes(data, EH_SQLITE_BLOB, text.data, size, err);
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
        return value->as.boolean ? put_bytes(data, EH_SQLITE_TEXT, "true", 4, err)
                                 : put_bytes(data, EH_SQLITE_TEXT, "false", 5, err);
    case EH_TYPE_BIGINT:
        return put_number(data, EH_SQLITE_INT, &integer, err);
    case EH_TYPE_DOUBLE:
        return put_number(data, EH_SQLITE_REAL, &value->as.real, err);
    case EH_TYPE_DATE:
        return put_bytes(data, EH_SQLITE_TEXT, text, eh_print_date(integer, text), err);
    case EH_TYPE_TIME:
        return put_bytes(data, EH_SQLITE_TEXT, text, eh_print_time(integer, text), err);
    case EH_TYPE_TIMESTAMP:
        return put_bytes(data, EH_SQLITE_TEXT, text, eh_print_timestamp(integer, true, text),
                         err);
    case EH_TYPE_DATETIME:
        return put_bytes(data, EH_SQLITE_TEXT, text, eh_print_timestamp(integer, false, text),
                         err);
    case EH_TYPE_BINARY:
        return put_blob(data, value->as.text, err);
    default:
        return put_bytes(data, EH_SQLITE_TEXT, value->as.text.data, value->as.text.len, err);
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
    if (result == EH_APPEND_OK) data->data[data->len++] = EH_SQLITE_NULL;
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

/* Parameter i + 1 is column i, so that all statements of an encoder can be bound alike. */
static bool make_insert(const char *table, const eh_column_info *columns, size_t count,
                        const eh_put *put, eh_buf *out, eh_err *err)
{
    eh_buf names, marks;
    eh_buf_init(&names, SQL_MAX);
    eh_buf_init(&marks, SQL_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        if (put != NULL && !eh_put_in_table(put->roles[i])) continue;
        ok = (names.len == 0 || eh_buf_append_str(&names, ", ", err)) &&
             eh_sql_identifier(&names, columns[i].name, err) &&
             eh_buf_printf(&marks, err, "%s?%zu", marks.len == 0 ? "" : ", ", i + 1);
    }
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

const eh_encoder *eh_lite_encoder_new(eh_dest *dest, const eh_encoded *encoded, eh_arena *arena,
                                      const char **why_text, eh_err *err)
{
    (void)dest;
    (void)why_text;
    const eh_column_info *columns = encoded->columns;
    const bool *declared = encoded->declared;
    const eh_put *put = encoded->put;
    size_t count = encoded->count;
    lite_encoder *encoder = eh_arena_zalloc(arena, 1, sizeof *encoder);
    encode_column *encode = eh_arena_zalloc(arena, count, sizeof *encode);
    eh_buf insert;
    eh_buf_init(&insert, SQL_MAX);
    bool ok = encoder != NULL && encode != NULL;
    if (!ok) (void)eh_fail_memory(err, "an encoder");
    ok = ok && make_insert(encoded->table, columns, count, put, &insert, err);
    if (ok) {
        for (size_t i = 0; i < count; i++)
            encode[i] = (encode_column){.type = columns[i].type,
                                        .declared = declared != NULL && declared[i],
                                        .not_null = columns[i].not_null,
                                        .unknown = columns[i].unknown};
        *encoder = (lite_encoder){.base = {.append = append_row, .count = count, .put = put},
                                  .columns = encode,
                                  .insert = eh_arena_strndup(arena, insert.data, insert.len)};
        ok = encoder->insert != NULL || eh_fail_memory(err, "an encoder");
    }
    if (ok && put != NULL) {
        encoder->put = eh_lite_put_new(encoded->table, columns, put, arena, err);
        ok = encoder->put != NULL;
    }
    eh_buf_free(&insert);
    return ok ? &encoder->base : NULL;
}

/* ---- reading and binding ---------------------------------------------------------------- */

const char *eh_lite_read_cell(const char *p, eh_lite_cell *cell)
{
    cell->kind = (eh_sqlite_kind)*p++;
    switch (cell->kind) {
    case EH_SQLITE_NULL:
        return p;
    case EH_SQLITE_INT:
        memcpy(&cell->integer, p, 8);
        return p + 8;
    case EH_SQLITE_REAL:
        memcpy(&cell->real, p, 8);
        return p + 8;
    default:
        break;
    }
    uint32_t len;
    memcpy(&len, p, 4);
    cell->bytes = eh_slice_of(p + 4, len);
    return p + 4 + len;
}

void eh_lite_bind_cell(eh_sqlite_stmt *stmt, int index, const eh_lite_cell *cell)
{
    switch (cell->kind) {
    case EH_SQLITE_NULL:
        eh_sqlite_bind_null(stmt, index);
        break;
    case EH_SQLITE_INT:
        eh_sqlite_bind_int(stmt, index, cell->integer);
        break;
    case EH_SQLITE_REAL:
        eh_sqlite_bind_real(stmt, index, cell->real);
        break;
    case EH_SQLITE_TEXT:
        eh_sqlite_bind_text(stmt, index, cell->bytes.data, cell->bytes.len);
        break;
    case EH_SQLITE_BLOB:
        eh_sqlite_bind_blob(stmt, index, cell->bytes.data, cell->bytes.len);
        break;
    }
}

const char *eh_lite_bind_row(eh_sqlite_stmt *stmt, const eh_encoder *encoder, const char *p)
{
    int count = (int)encoder->count;
    eh_lite_cell cell;
    for (int i = 1; i <= count; i++) {
        p = eh_lite_read_cell(p, &cell);
        eh_lite_bind_cell(stmt, i, &cell);
    }
    return p;
}

const char *eh_lite_encoder_insert(const eh_encoder *encoder)
{
    return ((const lite_encoder *)encoder)->insert;
}

const eh_lite_put *eh_lite_encoder_put(const eh_encoder *encoder)
{
    return ((const lite_encoder *)encoder)->put;
}
