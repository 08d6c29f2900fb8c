/* load/dest_postgres_schema.c: a table as the catalog of the server has it. */
#include "load/dest_postgres.h"
#include "load/dest_sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SIZE_MINUTES 10

typedef struct look_job {
    const eh_stream_state *state;
    const char *schema;
    const char *table;
    eh_arena *arena;
    eh_table_info *info;
} look_job;

/* Columns of describe.sql, in its order. */
enum {
    AT_NAME,
    AT_TYPE,
    AT_TYPMOD,
    AT_NATIVE,
    AT_NOT_NULL,
    AT_GENERATED,
    AT_DEFAULTED,
    AT_RECORDED,
    AT_OPEN,
    AT_WRITTEN,
    AT_BLOCKER
};

static bool copy_text(const eh_pgconn *conn, int row, int column, eh_arena *arena,
                      const char **out)
{
    const char *text = eh_pgconn_value(conn, row, column);
    *out = text != NULL ? eh_arena_strdup(arena, text) : NULL;
    return text == NULL || *out != NULL;
}

static bool is_narrow(eh_pg_kind kind, int32_t typmod)
{
    return typmod >= 0 || kind == EH_PG_INT2 || kind == EH_PG_INT4 || kind == EH_PG_FLOAT4 ||
           kind == EH_PG_BPCHAR || kind == EH_PG_UUID;
}

static bool read_column(const eh_pgconn *conn, int row, eh_arena *arena, eh_column_info *info)
{
    const char *recorded = eh_pgconn_value(conn, row, AT_RECORDED);
    *info = (eh_column_info){.native_id = (uint32_t)eh_pgconn_int(conn, row, AT_TYPE),
                             .typmod = (int32_t)eh_pgconn_int(conn, row, AT_TYPMOD),
                             .not_null = eh_pgconn_bool(conn, row, AT_NOT_NULL),
                             .generated = eh_pgconn_bool(conn, row, AT_GENERATED),
                             .defaulted = eh_pgconn_bool(conn, row, AT_DEFAULTED),
                             .open = eh_pgconn_bool(conn, row, AT_OPEN)};
    info->type = eh_pg_kind_type(eh_pg_kind_of(info->native_id));
    info->narrow = is_narrow(eh_pg_kind_of(info->native_id), info->typmod);
    info->unknown = info->open && info->type == EH_TYPE_TEXT && recorded != NULL &&
                    strcmp(recorded, "unknown") == 0;
    return copy_text(conn, row, AT_NAME, arena, &info->name) &&
           copy_text(conn, row, AT_NATIVE, arena, &info->native) &&
           copy_text(conn, row, AT_WRITTEN, arena, &info->written) &&
           copy_text(conn, row, AT_BLOCKER, arena, &info->blocker);
}

static bool read_columns(eh_pg *pg, const look_job *job, int64_t oid, eh_err *err)
{
    eh_pg_args args = {.count = 0};
    eh_pg_arg_int(&args, oid);
    if (pg->has_books) {
        if (job->state != NULL)
            eh_pg_arg_int(&args, job->state->stream_id);
        else
            eh_pg_arg_str(&args, NULL);
        eh_pg_arg_str(&args, job->schema);
        eh_pg_arg_str(&args, job->table);
    }
    if (!eh_pg_run(pg, pg->has_books ? "describe" : "describe_bare", &args, err)) return false;
    size_t count = (size_t)eh_pgconn_rows(pg->control);
    job->info->columns = eh_arena_zalloc(job->arena, count, sizeof *job->info->columns);
    if (job->info->columns == NULL) return eh_fail_memory(err, "the description of a table");
    for (size_t i = 0; i < count; i++)
        if (!read_column(pg->control, (int)i, job->arena, &job->info->columns[i]))
            return eh_fail_memory(err, "the description of a table");
    job->info->count = count;
    return true;
}

static bool read_has_rows(eh_pg *pg, const look_job *job, eh_err *err)
{
    eh_sql_var vars[] = {{"schema", job->schema}, {"table", job->table}};
    if (!eh_pg_run_spliced(pg, "table_has_rows", vars, 2, err)) return false;
    job->info->has_rows = eh_pgconn_bool(pg->control, 0, 0);
    return true;
}

/* Rows of clients in a table that anybody can read are published. */
static bool refuse_published(const look_job *job, const char *reader, eh_err *err)
{
    bool everybody = strcmp(reader, "PUBLIC") == 0;
    (void)eh_fail(err, EH_CLASS_CONFIG, "%s can read %s.%s, and row-level security is off",
                  everybody ? "everybody (PUBLIC)" : "the role of anonymous visitors (anon)",
                  job->schema, job->table);
    return eh_err_hint(err,
                       "revoke it (REVOKE SELECT ON \"%s\".\"%s\" FROM %s; what new tables get "
                       "is in \\ddp), load into another schema, or turn row-level security on",
                       job->schema, job->table, reader);
}

/* Columns of table_find.sql, in its order. */
enum {
    FOUND_OID,
    FOUND_KIND,
    FOUND_READABLE,
    FOUND_READER,
    FOUND_NO_COPY,
    FOUND_NO_POLICY,
    FOUND_NO_INSERT,
    FOUND_NO_CHANGE,
    FOUND_BEFORE_TRIGGER,
    FOUND_TRIGGERS
};

static bool read_found(const eh_pgconn *conn, const look_job *job, eh_err *err)
{
    eh_table_info *info = job->info;
    info->exists = true;
    info->has_rows = true; /* who may not look must think so */
    info->no_copy = eh_pgconn_bool(conn, 0, FOUND_NO_COPY);
    info->no_policy = eh_pgconn_bool(conn, 0, FOUND_NO_POLICY);
    info->no_insert = eh_pgconn_bool(conn, 0, FOUND_NO_INSERT);
    info->no_change = eh_pgconn_bool(conn, 0, FOUND_NO_CHANGE);
    info->before_trigger = eh_pgconn_bool(conn, 0, FOUND_BEFORE_TRIGGER);
    return copy_text(conn, 0, FOUND_TRIGGERS, job->arena, &info->triggers) ||
           eh_fail_memory(err, "the description of a table");
}

static bool look_body(eh_pg *pg, void *self, eh_err *err)
{
    look_job *job = self;
    eh_pg_args args = {.count = 0};
    *job->info = (eh_table_info){.exists = false};
    eh_pg_arg_str(&args, job->schema);
    eh_pg_arg_str(&args, job->table);
    if (!eh_pg_run(pg, "table_find", &args, err)) return false;
    if (eh_pgconn_rows(pg->control) == 0) return true;
    int64_t oid = eh_pgconn_int(pg->control, 0, FOUND_OID);
    const char *kind = eh_pgconn_value(pg->control, 0, FOUND_KIND);
    const char *reader = eh_pgconn_value(pg->control, 0, FOUND_READER);
    bool readable = eh_pgconn_bool(pg->control, 0, FOUND_READABLE);
    if (kind == NULL || strchr("rpf", kind[0]) == NULL)
        return eh_fail(err, EH_CLASS_CONFIG, "%s.%s is not a table", job->schema, job->table);
    if (reader != NULL) return refuse_published(job, reader, err);
    return read_found(pg->control, job, err) && read_columns(pg, job, oid, err) &&
           (!readable || read_has_rows(pg, job, err));
}

bool eh_pg_look(eh_pg *pg, const eh_stream_state *state, const char *schema, const char *table,
                eh_arena *arena, eh_table_info *info, eh_err *err)
{
    look_job job = {state, schema, table, arena, info};
    return look_body(pg, &job, err);
}

bool eh_pg_describe(eh_dest *dest, const eh_stream_state *state, const char *schema,
                    const char *table, eh_arena *arena, eh_table_info *info, eh_err *err)
{
    look_job job = {state, schema, table, arena, info};
    return eh_pg_transact((eh_pg *)dest, 1, look_body, &job, err);
}

/* Two who make the same schema at once collide, IF NOT EXISTS or not: the second one waits, and
 * looks again. Looked up first, since that wants CREATE on the database either way. */
bool eh_pg_make_schema(eh_pg *pg, const char *schema, eh_err *err)
{
    eh_pg_args args = {.count = 0}, lock = {.count = 0};
    eh_sql_var vars[] = {{"schema", schema}};
    eh_pg_arg_str(&args, schema);
    eh_pg_arg_str(&lock, schema);
    eh_pg_arg_str(&lock, "");
    for (int turn = 0; turn < 2; turn++) {
        if (!eh_pg_run(pg, "schema_exists", &args, err)) return false;
        if (eh_pgconn_int(pg->control, 0, 0) > 0) return true;
        if (turn == 0 && !eh_pg_run(pg, "change_lock", &lock, err)) return false;
    }
    return eh_pg_run_spliced(pg, "schema_create", vars, 1, err);
}

/* ---- how large it is --------------------------------------------------------------------- */

typedef struct size_job {
    const char *schema;
    const char *table;
    char load[24];
    char limit[24];
    bool *large;
} size_job;

static bool size_body(eh_pg *pg, void *self, eh_err *err)
{
    const size_job *job = self;
    eh_sql_var vars[] = {{"schema", job->schema},
                         {"table", job->table},
                         {"load", job->load},
                         {"limit", job->limit}};
    if (!eh_pg_run_spliced(pg, "table_is_large", vars, 4, err)) return false;
    *job->large = eh_pgconn_bool(pg->control, 0, 0);
    return true;
}

bool eh_pg_is_large(eh_dest *dest, const eh_stream_state *state, const char *schema,
                    const char *table, size_t limit, bool *large, eh_err *err)
{
    size_job job = {.schema = schema, .table = table, .large = large};
    (void)snprintf(job.load, sizeof job.load, "%" PRId64, state->load_id);
    (void)snprintf(job.limit, sizeof job.limit, "%zu", limit);
    return eh_pg_transact((eh_pg *)dest, SIZE_MINUTES, size_body, &job, err);
}
