/* load/dest_postgres_rows.c: which way of COPY a table's columns take, and rows encoded for it.
 */
#include "load/dest_postgres.h"
#include "load/dest_sql.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#define SQL_MAX ((size_t)1024 * 1024)

/* An upper bound of what one row takes in either format: text doubles at worst (every byte
 * escaped), numbers are printed or packed into less than 64 bytes. */
static size_t row_bound(const eh_cell *const *pick, size_t count)
{
    size_t bound = 64;
    for (size_t i = 0; i < count; i++) {
        bound += 64;
        if (pick[i] != NULL && eh_cell_has_text(pick[i])) bound += 2 * (size_t)pick[i]->len;
    }
    return bound;
}

static bool breaks_unknown(const eh_pg_encoder *encoder, const eh_cell *const *pick, size_t *at)
{
    if (encoder->unknown == NULL) return false;
    for (size_t i = 0; i < encoder->base.count; i++) {
        if (!encoder->unknown[i] || pick[i] == NULL || eh_cell_is_null(pick[i])) continue;
        *at = i;
        return true;
    }
    return false;
}

static eh_append append_row(const eh_encoder *base, eh_buf *data, const eh_cell *const *pick,
                            eh_row_fault *fault, eh_err *err)
{
    const eh_pg_encoder *encoder = (const eh_pg_encoder *)base;
    if (breaks_unknown(encoder, pick, &fault->column)) {
        fault->reason = "the column has no type yet";
        return EH_APPEND_MISFIT;
    }
    size_t before = data->len;
    eh_err failure = {.class_ = EH_OK};
    eh_encode result = encoder->text
                           ? eh_copy_text_row(data, encoder->columns, base->count, pick,
                                              &fault->column, &fault->reason, &failure)
                           : eh_copy_binary_row(data, encoder->columns, base->count, pick,
                                                &fault->column, &fault->reason, &failure);
    if (result == EH_ENCODE_OK) return EH_APPEND_OK;
    if (result == EH_ENCODE_MISFIT) return EH_APPEND_MISFIT;
    /* Short of room, or short of memory? Only the former goes away with an empty buffer. */
    if (data->max - before < row_bound(pick, base->count)) return EH_APPEND_FULL;
    if (err != NULL && err->class_ == EH_OK) *err = failure;
    return EH_APPEND_ERROR;
}

/* Are two values of this column equal just where their binary forms are? */
static bool is_told_by_bytes(eh_pg_kind kind)
{
    switch (kind) {
    case EH_PG_BOOL:
    case EH_PG_INT2:
    case EH_PG_INT4:
    case EH_PG_INT8:
    case EH_PG_DATE:
    case EH_PG_TIME:
    case EH_PG_TIMESTAMP:
    case EH_PG_TIMESTAMPTZ:
    case EH_PG_TEXT: /* unless their collation is an odd one: eh_pg.odd_keys */
    case EH_PG_VARCHAR:
    case EH_PG_UUID:
    case EH_PG_BYTEA:
        return true;
    default:
        return false;
    }
}

/* A row of binary COPY: two bytes, then each field behind its length; -1 is null. */
static uint64_t key_hash(const eh_encoder *base, const char *row)
{
    const eh_put_role *roles = base->put->roles;
    uint64_t hash = EH_KEY_HASH;
    const char *p = row + 2;
    for (size_t i = 0, keys = 0; keys < base->put->key_count; i++) {
        uint32_t big;
        memcpy(&big, p, sizeof big);
        uint32_t len = be32toh(big);
        size_t bytes = len == UINT32_MAX ? 0 : len;
        if (roles[i] == EH_PUT_KEY) {
            hash = eh_key_hash(hash, p, 4 + bytes);
            keys++;
        }
        p += 4 + bytes;
    }
    return hash;
}

static bool tells_keys(const eh_pg *pg, const eh_pg_encoder *encoder, const eh_put *put)
{
    bool told = !encoder->text && !pg->odd_keys;
    for (size_t i = 0; told && i < put->key_count; i++)
        told = is_told_by_bytes(encoder->columns[put->keys[i]].kind);
    return told;
}

/* The columns as they were, to be held against what a unit's transaction finds. */
static bool keep_info(eh_pg_encoder *encoder, const eh_column_info *columns, size_t count,
                      eh_arena *arena, eh_err *err)
{
    encoder->info = eh_arena_zalloc(arena, count, sizeof *encoder->info);
    if (encoder->info == NULL) return eh_fail_memory(err, "an encoder");
    for (size_t i = 0; i < count; i++) {
        encoder->info[i] = columns[i];
        encoder->info[i].name = eh_arena_strdup(arena, columns[i].name);
        encoder->info[i].native = eh_arena_strdup(arena, columns[i].native);
        if (encoder->info[i].name == NULL || encoder->info[i].native == NULL)
            return eh_fail_memory(err, "an encoder");
    }
    return true;
}

static bool fill_columns(eh_pg_encoder *encoder, const eh_column_info *columns,
                         const bool *declared, size_t count, eh_arena *arena, eh_err *err)
{
    bool any = false;
    bool *unknown = eh_arena_zalloc(arena, count, sizeof *unknown);
    encoder->columns = eh_arena_zalloc(arena, count, sizeof *encoder->columns);
    if (unknown == NULL || encoder->columns == NULL) return eh_fail_memory(err, "an encoder");
    for (size_t i = 0; i < count; i++) {
        encoder->columns[i] = (eh_pg_column){.kind = eh_pg_kind_of(columns[i].native_id),
                                             .typmod = columns[i].typmod,
                                             .not_null = columns[i].not_null,
                                             .declared = declared != NULL && declared[i]};
        unknown[i] = columns[i].unknown;
        any = any || columns[i].unknown;
        encoder->text = encoder->text || encoder->columns[i].kind == EH_PG_OTHER;
    }
    encoder->unknown = any ? unknown : NULL;
    encoder->base.append = append_row;
    encoder->base.count = count;
    return true;
}

/* "shape (geometry), mood (public.mood)" */
static bool name_others(const eh_pg_encoder *encoder, const eh_column_info *columns,
                        eh_arena *arena, const char **why_text, eh_err *err)
{
    const char *names = "";
    for (size_t i = 0; i < encoder->base.count; i++) {
        if (encoder->columns[i].kind != EH_PG_OTHER) continue;
        names = eh_arena_printf(arena, "%s%s%s (%s)", names, names[0] != '\0' ? ", " : "",
                                columns[i].name, columns[i].native);
        if (names == NULL) return eh_fail_memory(err, "an encoder");
    }
    if (encoder->text) *why_text = names;
    return true;
}

static bool make_copy(eh_pg_encoder *encoder, const char *schema, const char *table,
                      const eh_column_info *columns, eh_arena *arena, eh_err *err)
{
    eh_buf names, sql;
    eh_buf_init(&names, SQL_MAX);
    eh_buf_init(&sql, SQL_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < encoder->base.count; i++)
        ok = (i == 0 || eh_buf_append_str(&names, ", ", err)) &&
             eh_sql_identifier(&names, columns[i].name, err);
    if (ok && eh_buf_cstr(&names) == NULL) ok = eh_fail_memory(err, "a statement");
    eh_sql_var vars[] = {{"schema", schema},
                         {"table", table},
                         {"columns", names.data},
                         {"format", encoder->text ? "text" : "binary"}};
    ok = ok && eh_sql_expand("postgres", "copy", vars, 4, &sql, err);
    encoder->copy = ok ? eh_arena_strndup(arena, sql.data, sql.len) : NULL;
    if (ok && encoder->copy == NULL) ok = eh_fail_memory(err, "an encoder");
    eh_buf_free(&names);
    eh_buf_free(&sql);
    return ok;
}

static const char *stage_of(const eh_put *put)
{
    return put->write == EH_WRITE_CHILDREN ? EH_PG_CHILD_STAGE : EH_PG_STAGE;
}

const eh_encoder *eh_pg_encoder_new(eh_dest *dest, const eh_encoded *encoded, eh_arena *arena,
                                    const char **why_text, eh_err *err)
{
    const eh_column_info *columns = encoded->columns;
    const eh_put *put = encoded->put;
    eh_pg_encoder *encoder = eh_arena_zalloc(arena, 1, sizeof *encoder);
    if (encoder == NULL) {
        (void)eh_fail_memory(err, "an encoder");
        return NULL;
    }
    if (!fill_columns(encoder, columns, encoded->declared, encoded->count, arena, err) ||
        !keep_info(encoder, columns, encoded->count, arena, err) ||
        !name_others(encoder, columns, arena, why_text, err) ||
        !make_copy(encoder, put != NULL ? "pg_temp" : encoded->schema,
                   put != NULL ? stage_of(put) : encoded->table, columns, arena, err))
        return NULL;
    encoder->base.put = put;
    if (put != NULL) {
        encoder->put = eh_pg_put_new(encoded->schema, encoded->table, columns, put, arena, err);
        if (encoder->put == NULL) return NULL;
        if (tells_keys((const eh_pg *)dest, encoder, put)) encoder->base.key_hash = key_hash;
    }
    return &encoder->base;
}

static bool is_as_it_was(const eh_column_info *column, const eh_pgconn *conn)
{
    for (int i = 0; i < eh_pgconn_rows(conn); i++) {
        const char *name = eh_pgconn_value(conn, i, EH_PG_BEGUN_NAME);
        if (name == NULL || strcmp(name, column->name) != 0) continue;
        return eh_pgconn_int(conn, i, EH_PG_BEGUN_TYPE) == (int64_t)column->native_id &&
               eh_pgconn_int(conn, i, EH_PG_BEGUN_TYPMOD) == column->typmod;
    }
    return false;
}

/* Bytes that are one type's are another's too, with another meaning: the eight of the bigint 5
 * read as the numeric 0.00000. So a unit is never sent to columns that are not those it was
 * made for. */
bool eh_pg_encoder_fits(const eh_encoder *base, const eh_pgconn *conn, eh_err *err)
{
    const eh_pg_encoder *encoder = (const eh_pg_encoder *)base;
    for (size_t i = 0; i < base->count; i++) {
        const eh_column_info *column = &encoder->info[i];
        if (base->put != NULL && !eh_put_in_table(base->put->roles[i])) continue;
        if (is_as_it_was(column, conn)) continue;
        (void)eh_fail(err, EH_CLASS_TRANSIENT,
                      "somebody changed column %s, which was %s, during this load",
                      column->name, column->native);
        return eh_err_hint(err, "run again: what is missing is loaded into the table as it is");
    }
    return true;
}
