/* load/dest_sqlite_schema.c: tables of a SQLite database: looking at them, changing them.
 *
 * SQLite's declared types decide how values are kept (datatype3.html, "Type Affinity"): bigint
 * is INTEGER, double is REAL, all else TEXT, since NUMERIC would turn 12.10 into 12.1. So the
 * etlhost type of a column is kept in _etl_columns. */
#include "base/fault.h"
#include "load/dest_sql.h"
#include "load/dest_sqlite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SQL_MAX ((size_t)4 * 1024 * 1024)

const char *eh_lite_native(eh_type type)
{
    if (type == EH_TYPE_BIGINT) return "INTEGER";
    return type == EH_TYPE_DOUBLE ? "REAL" : "TEXT";
}

/* ---- looking ---------------------------------------------------------------------------- */

/* What a column of somebody else's table takes without changing it, by its affinity. A NUMERIC
 * column changes the spelling of numbers that look like text, so only doubles are sure of it;
 * dates do not look like numbers. */
static eh_type type_of_native(const char *native)
{
    static const struct {
        const char *part;
        eh_type type;
    } rules[] = {
        {"INT", EH_TYPE_BIGINT},         {"CHAR", EH_TYPE_TEXT},
        {"CLOB", EH_TYPE_TEXT},          {"TEXT", EH_TYPE_TEXT},
        {"BLOB", EH_TYPE_BINARY},        {"REAL", EH_TYPE_DOUBLE},
        {"FLOA", EH_TYPE_DOUBLE},        {"DOUB", EH_TYPE_DOUBLE},
        {"TIMESTAMP", EH_TYPE_DATETIME}, {"DATETIME", EH_TYPE_DATETIME},
        {"DATE", EH_TYPE_DATE},          {"BOOL", EH_TYPE_BIGINT},
    };
    if (native[0] == '\0') return EH_TYPE_TEXT; /* no affinity: kept as bound */
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcasestr(native, rules[i].part) != NULL) return rules[i].type;
    return EH_TYPE_DOUBLE;
}

static char *text_at(const eh_sqlite_stmt *stmt, int column, eh_arena *arena)
{
    eh_slice text = eh_sqlite_text(stmt, column);
    return eh_arena_strndup(arena, text.data, text.len);
}

static bool read_column(const eh_sqlite_stmt *stmt, eh_arena *arena, eh_column_info *info)
{
    eh_slice recorded = eh_sqlite_text(stmt, 5);
    *info = (eh_column_info){.name = text_at(stmt, 0, arena),
                             .native = text_at(stmt, 1, arena),
                             .typmod = -1,
                             .not_null = eh_sqlite_int(stmt, 2) != 0,
                             .generated = eh_sqlite_int(stmt, 3) != 0,
                             .defaulted = eh_sqlite_int(stmt, 4) != 0,
                             .open = eh_sqlite_int(stmt, 6) != 0};
    if (info->name == NULL || info->native == NULL) return false;
    info->type = type_of_native(info->native);
    eh_type type = EH_TYPE_TEXT;
    bool unknown = eh_slice_is(recorded, "unknown");
    bool known = unknown || eh_type_from_name(recorded, &type);
    /* A record is believed as long as the column still looks the way we make it. */
    if (known && strcmp(eh_lite_native(type), info->native) == 0) {
        info->type = type;
        info->unknown = unknown && info->open;
    }
    if (eh_sqlite_is_null(stmt, 7)) return true;
    info->written = text_at(stmt, 7, arena);
    return info->written != NULL;
}

static bool add_column(eh_table_info *info, size_t *capacity, const eh_column_info *column,
                       eh_arena *arena)
{
    if (info->count == *capacity) {
        size_t more = *capacity == 0 ? 32 : *capacity * 2;
        eh_column_info *columns = eh_arena_zalloc(arena, more, sizeof *columns);
        if (columns == NULL) return false;
        if (info->count > 0) memcpy(columns, info->columns, info->count * sizeof *columns);
        info->columns = columns;
        *capacity = more;
    }
    info->columns[info->count++] = *column;
    return true;
}

static bool read_columns(eh_lite *lite, const eh_stream_state *state, const char *schema,
                         const char *table, eh_arena *arena, eh_table_info *info, eh_err *err)
{
    eh_lite_arg args[] = {eh_lite_str(schema), eh_lite_str(table), {.kind = EH_LITE_NULL}};
    if (state != NULL) args[2] = eh_lite_int(state->stream_id);
    const char *name = lite->has_books ? "describe" : "describe_bare";
    eh_sqlite_stmt *stmt = eh_lite_prepare(&lite->control, name, args, 3, err);
    if (stmt == NULL) return false;
    size_t capacity = 0;
    eh_step step;
    while ((step = eh_sqlite_step(stmt, err)) == EH_STEP_ROW) {
        eh_column_info column;
        if (read_column(stmt, arena, &column) && add_column(info, &capacity, &column, arena))
            continue;
        (void)eh_fail_memory(err, "the description of a table");
        step = EH_STEP_ERROR;
        break;
    }
    eh_sqlite_free(stmt);
    return step == EH_STEP_DONE;
}

/* The statement that made the table, as SQLite keeps it; *sql NULL when there is no table. */
static bool read_table_sql(eh_lite *lite, const char *table, eh_arena *arena, const char **sql,
                           eh_err *err)
{
    eh_lite_arg args[] = {eh_lite_str(table)};
    *sql = NULL;
    eh_sqlite_stmt *stmt = eh_lite_prepare(&lite->control, "table_sql", args, 1, err);
    if (stmt == NULL) return false;
    eh_step step = eh_sqlite_step(stmt, err);
    bool ok = step == EH_STEP_DONE;
    if (step == EH_STEP_ROW && eh_slice_is(eh_sqlite_text(stmt, 0), "view")) {
        (void)eh_fail(err, EH_CLASS_CONFIG, "%s is a view, not a table", table);
    } else if (step == EH_STEP_ROW) {
        *sql = text_at(stmt, 1, arena);
        ok = *sql != NULL || eh_fail_memory(err, "the description of a table");
    }
    eh_sqlite_free(stmt);
    return ok;
}

/* A question about a table that has one answer, true or false. */
static bool ask_table(eh_lite *lite, const char *name, const eh_sql_var *vars, size_t count,
                      bool *answer, eh_err *err)
{
    eh_buf sql;
    eh_buf_init(&sql, SQL_MAX);
    eh_sqlite_stmt *stmt = NULL;
    bool ok = eh_sql_expand("sqlite", name, vars, count, &sql, err);
    if (ok) stmt = eh_sqlite_prepare(lite->control.sql, sql.data, NULL, err);
    ok = stmt != NULL && eh_sqlite_step(stmt, err) == EH_STEP_ROW;
    if (ok) *answer = eh_sqlite_int(stmt, 0) != 0;
    eh_sqlite_free(stmt);
    eh_buf_free(&sql);
    return ok;
}

static bool read_has_rows(eh_lite *lite, const char *table, bool *has_rows, eh_err *err)
{
    eh_sql_var vars[] = {{"table", table}};
    return ask_table(lite, "table_has_rows", vars, 1, has_rows, err);
}

bool eh_lite_is_large(eh_dest *dest, const eh_stream_state *state, const char *schema,
                      const char *table, size_t limit, bool *large, eh_err *err)
{
    (void)schema;
    char load_text[24], limit_text[24];
    (void)snprintf(load_text, sizeof load_text, "%" PRId64, state->load_id);
    (void)snprintf(limit_text, sizeof limit_text, "%zu", limit);
    eh_sql_var vars[] = {{"table", table}, {"load", load_text}, {"limit", limit_text}};
    return ask_table((eh_lite *)dest, "table_is_large", vars, 3, large, err);
}

bool eh_lite_columns_sql(const eh_table_info *info, const char *change, eh_type to, eh_buf *out,
                         eh_err *err)
{
    for (size_t i = 0; i < info->count; i++) {
        const eh_column_info *c = &info->columns[i];
        bool changed = change != NULL && strcasecmp(c->name, change) == 0;
        if (i > 0 && !eh_buf_append_str(out, ", ", err)) return false;
        if (!eh_sql_identifier(out, c->name, err) || !eh_buf_append_byte(out, ' ', err) ||
            !eh_buf_append_str(out, changed ? eh_lite_native(to) : c->native, err))
            return false;
    }
    return eh_buf_cstr(out) != NULL || eh_fail_memory(err, "a statement");
}

/* A column's type changes by rebuilding the table, which keeps names and types only: so a table
 * must be just that, which shows in the statement that made it. */
static bool note_blockers(eh_table_info *info, const char *table, const char *sql, eh_err *err)
{
    eh_buf columns, plain;
    eh_buf_init(&columns, SQL_MAX);
    eh_buf_init(&plain, SQL_MAX);
    bool ok = eh_lite_columns_sql(info, NULL, EH_TYPE_UNKNOWN, &columns, err);
    ok = ok && eh_buf_append_str(&plain, "CREATE TABLE ", err) &&
         eh_sql_identifier(&plain, table, err) &&
         eh_buf_printf(&plain, err, " (%s)", columns.data);
    if (ok && !eh_slice_is(eh_buf_slice(&plain), sql))
        for (size_t i = 0; i < info->count; i++)
            info->columns[i].blocker = "the table has keys, defaults or constraints that "
                                       "changing a type would lose";
    eh_buf_free(&columns);
    eh_buf_free(&plain);
    return ok;
}

bool eh_lite_describe(eh_dest *dest, const eh_stream_state *state, const char *schema,
                      const char *table, eh_arena *arena, eh_table_info *info, eh_err *err)
{
    eh_lite *lite = (eh_lite *)dest;
    const char *sql;
    if (strcmp(schema, "main") != 0)
        return eh_fail(err, EH_CLASS_CONFIG, "SQLite has the schema main only, not %s", schema);
    if (!read_table_sql(lite, table, arena, &sql, err)) return false;
    if (sql == NULL) return true;
    info->exists = true;
    return read_columns(lite, state, schema, table, arena, info, err) &&
           read_has_rows(lite, table, &info->has_rows, err) &&
           note_blockers(info, table, sql, err);
}

/* ---- changing --------------------------------------------------------------------------- */

/* One call of eh_lite_change. */
typedef struct change_job {
    eh_lite *lite;
    const eh_stream_state *state;
    const char *schema;
    const char *table;
    eh_arena *arena;
    eh_table_info info; /* as it is now */
} change_job;

static bool look(change_job *job, eh_err *err)
{
    job->info = (eh_table_info){.exists = false};
    return eh_lite_describe(&job->lite->base, job->state, job->schema, job->table, job->arena,
                            &job->info, err);
}

static const eh_column_info *find_column(const eh_table_info *info, const char *name)
{
    for (size_t i = 0; i < info->count; i++)
        if (strcasecmp(info->columns[i].name, name) == 0) return &info->columns[i];
    return NULL;
}

static bool record(change_job *job, const eh_change *change, eh_err *err)
{
    static const char *const words[] = {"create table", "add column", "change type"};
    char now[40];
    bool typed = change->kind == EH_CHANGE_TYPE;
    bool open = change->written != NULL && !change->declared;
    eh_lite_arg stream = eh_lite_int(job->state->stream_id);
    eh_lite_arg load = eh_lite_int(job->state->load_id);
    eh_lite_arg log[] = {stream,
                         load,
                         eh_lite_str(job->schema),
                         eh_lite_str(job->table),
                         eh_lite_str(change->column),
                         eh_lite_str(words[change->kind]),
                         eh_lite_str(typed ? eh_type_name(change->from) : NULL),
                         eh_lite_str(change->column ? eh_type_name(change->to) : NULL),
                         eh_lite_str(change->why),
                         eh_lite_str(eh_lite_now(&job->lite->control, now))};
    eh_lite_arg column[] = {eh_lite_str(job->schema),
                            eh_lite_str(job->table),
                            eh_lite_str(change->column),
                            eh_lite_str(change->written),
                            eh_lite_str(eh_type_name(change->to)),
                            eh_lite_str(NULL),
                            load};
    if (open && !typed) column[5] = stream;
    if (!eh_lite_run(&job->lite->control, "change_record", log, 10, err)) return false;
    if (change->kind == EH_CHANGE_CREATE_TABLE) return true;
    return eh_lite_run(&job->lite->control, typed ? "column_retype" : "column_record", column,
                       7, err);
}

static bool run_expanded(eh_lite *lite, const char *name, const eh_sql_var *vars, size_t count,
                         eh_err *err)
{
    eh_buf sql;
    eh_buf_init(&sql, SQL_MAX);
    bool ok = eh_sql_expand("sqlite", name, vars, count, &sql, err) &&
              eh_sqlite_exec(lite->control.sql, sql.data, err);
    eh_buf_free(&sql);
    return ok;
}

/* The index that the rows of a client are found by. */
static bool create_index(change_job *job, eh_err *err)
{
    const eh_table_options *o = &job->state->table;
    if (!o->index) return true;
    if (!look(job, err)) return false;
    bool has_cursor = o->cursor != NULL && find_column(&job->info, o->cursor) != NULL;
    eh_buf name, columns;
    eh_buf_init(&name, SQL_MAX);
    eh_buf_init(&columns, SQL_MAX);
    bool ok = eh_buf_printf(&name, err, "%s__client_id", job->table) &&
              eh_buf_append_str(&columns, "_client_id, _source", err) &&
              (!has_cursor || (eh_buf_append_str(&columns, ", ", err) &&
                               eh_sql_identifier(&columns, o->cursor, err)));
    if (ok) {
        eh_sql_var vars[] = {{"table", job->table},
                             {"name", eh_buf_cstr(&name)},
                             {"columns", eh_buf_cstr(&columns)}};
        ok = (vars[1].value != NULL && vars[2].value != NULL) ||
             eh_fail_memory(err, "a statement");
        ok = ok && run_expanded(job->lite, "table_index", vars, 3, err);
    }
    eh_buf_free(&name);
    eh_buf_free(&columns);
    return ok;
}

static bool note_child(const change_job *job, const eh_change *create, eh_err *err)
{
    eh_lite_arg args[] = {eh_lite_str(job->schema), eh_lite_str(job->table),
                          eh_lite_str(create->parent), eh_lite_str(create->field),
                          eh_lite_int(job->state->load_id)};
    return create->parent == NULL ||
           eh_lite_run(&job->lite->control, "child_add", args, 5, err);
}

/* SQLite has no table without columns, so the columns that follow are made with it. *used: how
 * many of the changes are done. */
static bool create_table(change_job *job, const eh_change *changes, size_t count, size_t *used,
                         eh_err *err)
{
    eh_buf columns;
    eh_buf_init(&columns, SQL_MAX);
    bool ok = record(job, &changes[0], err);
    size_t n = 1;
    for (; ok && n < count && changes[n].kind == EH_CHANGE_ADD_COLUMN; n++)
        ok = (n == 1 || eh_buf_append_str(&columns, ", ", err)) &&
             eh_sql_identifier(&columns, changes[n].column, err) &&
             eh_buf_printf(&columns, err, " %s", eh_lite_native(changes[n].to)) &&
             record(job, &changes[n], err);
    ok = ok && note_child(job, &changes[0], err);
    if (ok && n == 1) ok = eh_fail(err, EH_CLASS_CONFIG, "a table needs at least one column");
    if (ok) {
        eh_sql_var vars[] = {{"table", job->table}, {"columns", eh_buf_cstr(&columns)}};
        ok = run_expanded(job->lite, "table_create", vars, 2, err);
    }
    eh_buf_free(&columns);
    *used = n;
    return ok;
}

static bool add_one_column(change_job *job, const eh_change *change, eh_err *err)
{
    if (find_column(&job->info, change->column) != NULL) return true;
    eh_buf column;
    eh_buf_init(&column, SQL_MAX);
    bool ok = eh_sql_identifier(&column, change->column, err) &&
              eh_buf_printf(&column, err, " %s", eh_lite_native(change->to));
    if (ok) {
        eh_sql_var vars[] = {{"table", job->table}, {"column", eh_buf_cstr(&column)}};
        eh_sql_var stage[] = {{"table", job->state->stage}, vars[1]};
        ok = run_expanded(job->lite, "column_add", vars, 2, err) &&
             (!job->state->staged || run_expanded(job->lite, "column_add", stage, 2, err)) &&
             record(job, change, err);
    }
    eh_buf_free(&column);
    return ok;
}

static bool change_type(change_job *job, const eh_change *change, eh_err *err)
{
    const eh_column_info *c = find_column(&job->info, change->column);
    if (c == NULL)
        return eh_fail(err, EH_CLASS_DESTINATION, "column %s is gone", change->column);
    eh_type now = c->unknown ? EH_TYPE_UNKNOWN : c->type;
    if (now == change->to || now != change->from) return true; /* another run was here */
    if (c->blocker != NULL && strcmp(eh_lite_native(change->to), c->native) != 0)
        return eh_fail(err, EH_CLASS_DESTINATION, "column %s stays %s: %s", change->column,
                       c->native, c->blocker);
    eh_lite_db *db = &job->lite->control;
    return eh_lite_retype(db, &job->info, job->table, job->table, c->name, change->from,
                          change->to, err) &&
           (!job->state->staged || eh_lite_retype(db, &job->info, job->state->stage, job->table,
                                                  c->name, change->from, change->to, err)) &&
           record(job, change, err);
}

static bool apply(change_job *job, const eh_change *changes, size_t count, eh_err *err)
{
    for (size_t i = 0; i < count;) {
        size_t used = 1;
        bool ok = look(job, err);
        if (ok && changes[i].kind == EH_CHANGE_CREATE_TABLE && !job->info.exists)
            ok =
                create_table(job, &changes[i], count - i, &used, err) && create_index(job, err);
        else if (ok && changes[i].kind == EH_CHANGE_ADD_COLUMN)
            ok = add_one_column(job, &changes[i], err);
        else if (ok && changes[i].kind == EH_CHANGE_TYPE)
            ok = change_type(job, &changes[i], err);
        if (!ok) return false;
        i += used;
    }
    return true;
}

static void hit_faults(const eh_change *changes, size_t count)
{
    bool seen[EH_CHANGE_TYPE + 1] = {false};
    for (size_t i = 0; i < count; i++) seen[changes[i].kind] = true;
    if (seen[EH_CHANGE_CREATE_TABLE])
        EH_FAULT("schema.create");
    else if (seen[EH_CHANGE_ADD_COLUMN])
        EH_FAULT("schema.add");
    if (seen[EH_CHANGE_TYPE]) EH_FAULT("schema.type");
}

bool eh_lite_change(eh_dest *dest, const eh_stream_state *state, const char *schema,
                    const char *table, const eh_change *changes, size_t count, eh_err *err)
{
    change_job job = {.lite = (eh_lite *)dest,
                      .state = state,
                      .schema = schema,
                      .table = table,
                      .arena = eh_arena_new((size_t)64 * 1024 * 1024)};
    if (job.arena == NULL) return eh_fail_memory(err, "a change of a table");
    bool ok = eh_lite_begin(&job.lite->control, err);
    if (ok) {
        ok = eh_lite_fence(&job.lite->control, state, NULL, NULL, err) &&
             apply(&job, changes, count, err);
        if (ok) hit_faults(changes, count);
        ok = eh_lite_end(&job.lite->control, ok, err);
    }
    eh_arena_free(job.arena);
    return ok;
}
