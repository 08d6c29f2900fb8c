/* load/dest_sqlite_rows.c: rows into a SQLite table: encoding them, inserting a unit of them.
 *
 * An encoded row is its cells, one after the other: a tag byte, then eight bytes of a number,
 * or four bytes of length and the text. The inserting loop binds text where it lies in the
 * unit, with one statement for the whole load. */
#include "base/fault.h"
#include "data/convert.h"
#include "load/dest_sql.h"
#include "load/dest_sqlite.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
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
        return put_bytes(data, TAG_BLOB, value->as.text.data, value->as.text.len, err);
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

const eh_encoder *eh_lite_encoder(eh_dest *dest, const char *schema, const char *table,
                                  const eh_column_info *columns, const bool *declared,
                                  size_t count, eh_arena *arena, const char **why_text,
                                  eh_err *err)
{
    (void)dest;
    (void)schema;
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

/* ---- inserting -------------------------------------------------------------------------- */

/* What one unit needs while it is stored. */
typedef struct unit_job {
    eh_lite *lite;
    const eh_stream_state *state;
    eh_unit *unit;
    const char *client; /* in arena */
    eh_arena *arena;
    size_t *refused; /* indexes of encoded rows that the database refused, ascending */
    size_t refused_count;
    size_t refused_capacity;
} unit_job;

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

/* The statement is prepared once and kept while the columns stay the same. */
static bool ready_insert(eh_lite *lite, const lite_encoder *encoder, eh_err *err)
{
    if (lite->insert_sql != NULL && strcmp(lite->insert_sql, encoder->insert) == 0) return true;
    eh_sqlite_free(lite->insert);
    free(lite->insert_sql);
    lite->insert_sql = NULL;
    lite->insert = eh_sqlite_prepare(lite->db, encoder->insert, NULL, err);
    if (lite->insert == NULL) return false;
    lite->insert_sql = strdup(encoder->insert);
    return lite->insert_sql != NULL || eh_fail_memory(err, "a statement");
}

static bool note_refused(unit_job *job, size_t row, const char *reason, eh_err *err)
{
    if (job->refused_count == job->refused_capacity) {
        size_t capacity = job->refused_capacity == 0 ? 64 : job->refused_capacity * 2;
        size_t *more = realloc(job->refused, capacity * sizeof *more);
        if (more == NULL) return eh_fail_memory(err, "refused rows");
        job->refused = more;
        job->refused_capacity = capacity;
    }
    if (!eh_dest_refuse_row(job->unit, row, NULL, reason, err)) return false;
    job->refused[job->refused_count++] = row;
    return !eh_unit_is_rotten(job->unit) || eh_dest_fail_rotten(job->unit, reason, err);
}

/* *again: a trigger rolled the whole transaction back; without the refused rows it goes
 * through. */
static bool insert_rows(unit_job *job, bool *again, eh_err *err)
{
    eh_unit *unit = job->unit;
    eh_sqlite_stmt *stmt = job->lite->insert;
    const char *p = unit->data.data;
    int columns = (int)unit->encoder->count;
    size_t half = unit->rows / 2;
    for (size_t row = 0; row < unit->rows; row++) {
        if (row == half) EH_FAULT("copy.middle");
        for (int i = 1; i <= columns; i++) p = bind_cell(stmt, i, p);
        eh_err refusal = {.class_ = EH_OK};
        eh_step step = eh_sqlite_step(stmt, &refusal);
        if (step == EH_STEP_DONE) continue;
        if (step == EH_STEP_REFUSED) {
            if (!note_refused(job, row, refusal.message, err)) return false;
            *again = !eh_sqlite_in_transaction(job->lite->db);
            if (*again) return true;
            continue;
        }
        *err = refusal;
        return false;
    }
    assert(unit->rows == 0 || p == unit->data.data + unit->data.len);
    return true;
}

static bool insert_dead(unit_job *job, const char *now, eh_err *err)
{
    for (size_t i = 0; i < job->unit->dead_count; i++) {
        const eh_dead *dead = &job->unit->dead[i];
        eh_lite_arg args[] = {eh_lite_int(job->state->stream_id),
                              eh_lite_str(job->client),
                              eh_lite_int(job->state->load_id),
                              eh_lite_str(job->unit->input_name),
                              eh_lite_int((int64_t)dead->place.row),
                              eh_lite_int((int64_t)dead->place.line),
                              eh_lite_int((int64_t)dead->place.offset),
                              eh_lite_slice(dead->column),
                              eh_lite_slice(dead->code),
                              eh_lite_slice(dead->reason),
                              eh_lite_blob(dead->raw),
                              eh_lite_str(now)};
        if (dead->column.len == 0) args[7] = eh_lite_str(NULL);
        if (!eh_lite_run(job->lite, "dead_add", args, 12, err)) return false;
    }
    return true;
}

static bool account(unit_job *job, eh_err *err)
{
    const eh_unit *unit = job->unit;
    char now[40], modified[40];
    (void)eh_lite_now(job->lite, now);
    modified[eh_print_timestamp(unit->input_modified, true, modified)] = '\0';
    eh_lite_arg stream = eh_lite_int(job->state->stream_id);
    eh_lite_arg client = eh_lite_str(job->client);
    eh_lite_arg load = eh_lite_int(job->state->load_id);
    eh_lite_arg file[] = {stream,
                          client,
                          eh_lite_str(unit->input),
                          eh_lite_str(unit->input_name),
                          eh_lite_int((int64_t)unit->input_size),
                          eh_lite_str(modified),
                          load,
                          eh_lite_str(now)};
    eh_lite_arg row[] = {stream,
                         client,
                         eh_lite_str(unit->input),
                         eh_lite_int((int64_t)unit->start),
                         eh_lite_int((int64_t)unit->end),
                         eh_lite_int((int64_t)unit->row_start),
                         eh_lite_int((int64_t)unit->row_end),
                         eh_lite_int((int64_t)unit->line_end),
                         eh_lite_int((int64_t)unit->rows),
                         eh_lite_int((int64_t)unit->dead_count),
                         eh_lite_int(unit->last),
                         eh_lite_str(unit->header),
                         load,
                         eh_lite_str(now)};
    if (unit->dead_count > 0) EH_FAULT("dead.insert");
    if (!insert_dead(job, now, err)) return false;
    if (!eh_lite_run(job->lite, "file_add", file, 8, err)) return false;
    EH_FAULT("unit.insert");
    if (eh_lite_run(job->lite, "unit_add", row, 14, err)) return true;
    /* Not the input's fault: the loader asked for bytes that the ledger had as loaded. */
    if (err->class_ == EH_CLASS_DATA) err->class_ = EH_CLASS_BUG;
    return false;
}

/* Everything of the unit's transaction but its end. */
static bool store(unit_job *job, bool *again, eh_err *err)
{
    eh_unit *unit = job->unit;
    EH_FAULT("begin");
    if (!eh_lite_fence(job->lite, job->state, job->arena, &job->client, err)) return false;
    if (unit->rows > 0) {
        if (!ready_insert(job->lite, (const lite_encoder *)unit->encoder, err)) return false;
        EH_FAULT("copy.start");
        bool ok = insert_rows(job, again, err);
        EH_FAULT("copy.end");
        eh_dest_remove_rows(unit, job->refused, job->refused_count);
        job->refused_count = 0;
        if (!ok) return false;
        if (eh_unit_is_rotten(unit)) return eh_dest_fail_rotten(unit, "see the dead rows", err);
    }
    return *again || account(job, err);
}

/* One attempt in one transaction; *again asks for another. */
static bool attempt(unit_job *job, bool *again, eh_err *err)
{
    *again = false;
    if (!eh_lite_begin(job->lite, err)) return false;
    bool ok = store(job, again, err);
    if (ok && *again) {
        eh_lite_rollback(job->lite);
        return true;
    }
    if (ok) EH_FAULT("commit.sent");
    ok = eh_lite_end(job->lite, ok, err);
    if (ok) EH_FAULT("commit.answered");
    return ok;
}

bool eh_lite_submit(eh_dest *dest, const eh_stream_state *state, eh_unit *unit, eh_err *err)
{
    unit_job job = {.lite = (eh_lite *)dest,
                    .state = state,
                    .unit = unit,
                    .arena = eh_arena_new((size_t)1024 * 1024)};
    if (job.arena == NULL) return eh_fail_memory(err, "a unit");
    bool again = true;
    /* Each round leaves out at least one row more, so this ends. */
    while (again && attempt(&job, &again, &unit->err)) continue;
    free(job.refused);
    eh_arena_free(job.arena);
    eh_dest_push_done(dest, unit);
    return true;
}
