/* load/dest_postgres_change.c: schema changes, in short fenced transactions of their own.
 *
 * An advisory lock makes it one change a table at a time; lock_timeout keeps a waiting ALTER
 * from blocking every reader for long. What another run did meanwhile is left as it is: the
 * caller looks again. */
#include "base/fault.h"
#include "load/dest_postgres.h"
#include "load/dest_sql.h"

#include <string.h>

#define SQL_MAX   ((size_t)4 * 1024 * 1024)
#define ARENA_MAX ((size_t)64 * 1024 * 1024)
/* A type changes by rewriting the table; nothing else here takes long. */
#define CHANGE_MINUTES 120

typedef struct change_job {
    const eh_stream_state *state;
    const char *schema;
    const char *table;
    const eh_change *changes;
    size_t count;
    eh_arena *arena;
    eh_table_info info; /* before this change */
    eh_buf record;      /* JSON list of what was really done */
} change_job;

/* ---- what was done ---------------------------------------------------------------------- */

static bool put_field(eh_buf *out, const char *key, const char *text, eh_err *err)
{
    return eh_buf_printf(out, err, ",\"%s\":", key) &&
           (text != NULL ? eh_buf_append_json(out, eh_slice_str(text), err)
                         : eh_buf_append_str(out, "null", err));
}

static bool record(change_job *job, const eh_change *change, eh_err *err)
{
    static const char *const words[] = {"create table", "add column", "change type"};
    bool typed = change->kind == EH_CHANGE_TYPE;
    bool open = change->written != NULL && !change->declared && !typed;
    eh_buf *out = &job->record;
    return eh_buf_printf(out, err, "%s{\"n\":%zu,\"open\":%s", out->len > 0 ? "," : "[",
                         out->len, open ? "true" : "false") &&
           put_field(out, "kind", words[change->kind], err) &&
           put_field(out, "name", change->column, err) &&
           put_field(out, "written", change->written, err) &&
           put_field(out, "from_type", typed ? eh_type_name(change->from) : NULL, err) &&
           put_field(out, "to_type", change->column ? eh_type_name(change->to) : NULL, err) &&
           put_field(out, "why", change->why, err) && eh_buf_append_byte(out, '}', err);
}

static bool write_record(eh_pg *pg, change_job *job, eh_err *err)
{
    if (job->record.len == 0) return true;
    eh_pg_args args = {.count = 0};
    if (!eh_buf_append_byte(&job->record, ']', err)) return false;
    eh_pg_arg_int(&args, job->state->stream_id);
    eh_pg_arg_int(&args, job->state->load_id);
    eh_pg_arg_str(&args, job->schema);
    eh_pg_arg_str(&args, job->table);
    eh_pg_arg_str(&args, eh_buf_cstr(&job->record));
    if (args.value[4] == NULL) return eh_fail_memory(err, "a statement");
    return eh_pg_run(pg, "change_record", &args, err);
}

/* ---- statements ------------------------------------------------------------------------- */

static const char *native_name(eh_type type)
{
    static const char *const names[EH_TYPE_COUNT] = {
        [EH_TYPE_UNKNOWN] = "text",
        [EH_TYPE_BOOLEAN] = "boolean",
        [EH_TYPE_BIGINT] = "bigint",
        [EH_TYPE_NUMERIC] = "numeric",
        [EH_TYPE_DOUBLE] = "double precision",
        [EH_TYPE_DATE] = "date",
        [EH_TYPE_TIME] = "time",
        [EH_TYPE_TIMESTAMP] = "timestamptz",
        [EH_TYPE_DATETIME] = "timestamp",
        [EH_TYPE_JSON] = "jsonb",
        [EH_TYPE_TEXT] = "text",
        [EH_TYPE_BINARY] = "bytea",
    };
    return names[type];
}

static const eh_column_info *find_column(const eh_table_info *info, const char *name)
{
    for (size_t i = 0; i < info->count; i++)
        if (strcmp(info->columns[i].name, name) == 0) return &info->columns[i];
    return NULL;
}

/* Adds the ADD COLUMN changes that are still to be done, each behind `verb`, and records them.
 */
static bool list_columns(change_job *job, const char *verb, eh_buf *out, eh_err *err)
{
    for (size_t i = 0; i < job->count; i++) {
        const eh_change *change = &job->changes[i];
        if (change->kind != EH_CHANGE_ADD_COLUMN) continue;
        if (find_column(&job->info, change->column) != NULL) continue;
        if (!(out->len == 0 || eh_buf_append_str(out, ", ", err)) ||
            !eh_buf_append_str(out, verb, err) ||
            !eh_sql_identifier(out, change->column, err) ||
            !eh_buf_printf(out, err, " %s", native_name(change->to)) ||
            !record(job, change, err))
            return false;
    }
    return eh_buf_cstr(out) != NULL || eh_fail_memory(err, "a statement");
}

static bool create_or_extend(eh_pg *pg, change_job *job, bool create, eh_err *err)
{
    eh_buf columns;
    eh_buf_init(&columns, SQL_MAX);
    bool ok = list_columns(job, create ? "" : "ADD COLUMN ", &columns, err);
    if (ok && (create || columns.len > 0)) {
        eh_sql_var vars[] = {
            {"schema", job->schema}, {"table", job->table}, {"columns", columns.data}};
        eh_sql_var stage[] = {
            {"schema", "_etl"}, {"table", job->state->stage}, {"columns", columns.data}};
        ok = eh_pg_run_spliced(pg, create ? "table_create" : "columns_add", vars, 3, err) &&
             (!job->state->staged || eh_pg_run_spliced(pg, "columns_add", stage, 3, err));
    }
    eh_buf_free(&columns);
    return ok;
}

/* ---- types ------------------------------------------------------------------------------ */

/* "unknown" promises that there are only nulls: look, since another stream may write here too.
 */
static bool check_only_nulls(eh_pg *pg, const change_job *job, const char *column, eh_err *err)
{
    eh_sql_var vars[] = {{"schema", job->schema}, {"table", job->table}, {"column", column}};
    if (!eh_pg_run_spliced(pg, "column_has_values", vars, 3, err)) return false;
    return !eh_pgconn_bool(pg->control, 0, 0) ||
           eh_fail(
               err, EH_CLASS_DESTINATION,
               "column %s was all null for this stream, but somebody else wrote values into "
               "it",
               column);
}

/* How the values of a column are printed when it becomes text. A date that was widened to its
 * midnight is a date again: it comes back as it was written. */
static bool choose_text(eh_pg *pg, const change_job *job, const eh_change *change,
                        const char **statement, eh_err *err)
{
    *statement = "alter_text";
    if (change->from != EH_TYPE_DATETIME) return true;
    eh_pg_args args = {.count = 0};
    eh_pg_arg_str(&args, job->schema);
    eh_pg_arg_str(&args, job->table);
    eh_pg_arg_str(&args, change->column);
    if (!eh_pg_run(pg, "column_was_date", &args, err)) return false;
    if (eh_pgconn_bool(pg->control, 0, 0)) *statement = "alter_text_dates";
    return true;
}

static bool change_type(eh_pg *pg, change_job *job, const eh_change *change, eh_err *err)
{
    const eh_column_info *c = find_column(&job->info, change->column);
    if (c == NULL)
        return eh_fail(err, EH_CLASS_DESTINATION, "column %s is gone", change->column);
    eh_type now = c->unknown ? EH_TYPE_UNKNOWN : c->type;
    if (now == change->to || now != change->from) return true; /* another run was here */
    if (c->blocker != NULL && strcmp(native_name(change->from), native_name(change->to)) != 0)
        return eh_fail(err, EH_CLASS_DESTINATION, "column %s stays %s: %s", change->column,
                       c->native, c->blocker);
    eh_sql_var vars[] = {{"schema", job->schema},
                         {"table", job->table},
                         {"column", change->column},
                         {"type", native_name(change->to)}};
    bool unknown = now == EH_TYPE_UNKNOWN, text = change->to == EH_TYPE_TEXT;
    if (unknown && !text && !check_only_nulls(pg, job, change->column, err)) return false;
    const char *statement = "alter_cast";
    if (text && !choose_text(pg, job, change, &statement, err)) return false;
    eh_sql_var stage[] = {{"schema", "_etl"}, {"table", job->state->stage}, vars[2], vars[3]};
    if (!(unknown && text) &&
        (!eh_pg_run_spliced(pg, statement, vars, 4, err) ||
         (job->state->staged && !eh_pg_run_spliced(pg, statement, stage, 4, err))))
        return false;
    return record(job, change, err);
}

static bool change_types(eh_pg *pg, change_job *job, eh_err *err)
{
    for (size_t i = 0; i < job->count; i++)
        if (job->changes[i].kind == EH_CHANGE_TYPE &&
            !change_type(pg, job, &job->changes[i], err))
            return false;
    return true;
}

static bool note_child(eh_pg *pg, const change_job *job, eh_err *err)
{
    eh_pg_args args = {.count = 0};
    if (job->changes[0].parent == NULL) return true;
    eh_pg_arg_str(&args, job->schema);
    eh_pg_arg_str(&args, job->table);
    eh_pg_arg_str(&args, job->changes[0].parent);
    eh_pg_arg_str(&args, job->changes[0].field);
    eh_pg_arg_int(&args, job->state->load_id);
    return eh_pg_run(pg, "child_add", &args, err);
}

/* ---- the transaction -------------------------------------------------------------------- */

static bool wants(const change_job *job, eh_change_kind kind)
{
    for (size_t i = 0; i < job->count; i++)
        if (job->changes[i].kind == kind) return true;
    return false;
}

static void hit_faults(const change_job *job)
{
    if (wants(job, EH_CHANGE_CREATE_TABLE))
        EH_FAULT("schema.create");
    else if (wants(job, EH_CHANGE_ADD_COLUMN))
        EH_FAULT("schema.add");
    if (wants(job, EH_CHANGE_TYPE)) EH_FAULT("schema.type");
}

static bool change_body(eh_pg *pg, void *self, eh_err *err)
{
    change_job *job = self;
    const eh_pg_place at = {job->state, job->schema, job->table};
    const char *views;
    eh_pg_args args = {.count = 0};
    job->record.len = 0;
    eh_arena_reset(job->arena);
    eh_pg_arg_str(&args, job->schema);
    eh_pg_arg_str(&args, job->table);
    if (!eh_pg_fence(pg, job->state, err) ||
        !eh_pg_view_take(pg, &at, job->arena, &views, err) ||
        !eh_pg_run(pg, "change_lock", &args, err) ||
        !eh_pg_look(pg, job->state, job->schema, job->table, job->arena, &job->info, err))
        return false;
    bool create = wants(job, EH_CHANGE_CREATE_TABLE) && !job->info.exists;
    eh_table_info made;
    if (create && (!eh_pg_make_schema(pg, job->schema, err) ||
                   !record(job, &job->changes[0], err) || !note_child(pg, job, err)))
        return false;
    if (wants(job, EH_CHANGE_TYPE) && !eh_pg_view_drop(pg, views, job->table, job->arena, err))
        return false;
    if (!create_or_extend(pg, job, create, err) || !change_types(pg, job, err) ||
        !write_record(pg, job, err) || !eh_pg_equip(pg, &at, views, false, job->arena, err))
        return false;
    /* Default privileges may have given the new table to readers that nobody thought of. */
    if (create && !eh_pg_look(pg, job->state, job->schema, job->table, job->arena, &made, err))
        return false;
    hit_faults(job);
    return true;
}

bool eh_pg_change(eh_dest *dest, const eh_stream_state *state, const char *schema,
                  const char *table, const eh_change *changes, size_t count, eh_err *err)
{
    change_job job = {.state = state,
                      .schema = schema,
                      .table = table,
                      .changes = changes,
                      .count = count,
                      .arena = eh_arena_new(ARENA_MAX)};
    if (job.arena == NULL) return eh_fail_memory(err, "a change of a table");
    eh_buf_init(&job.record, SQL_MAX);
    bool ok = eh_pg_transact((eh_pg *)dest, CHANGE_MINUTES, change_body, &job, err);
    eh_buf_free(&job.record);
    eh_arena_free(job.arena);
    return ok;
}
