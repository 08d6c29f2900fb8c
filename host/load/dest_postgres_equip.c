/* load/dest_postgres_equip.c: what a table has beside its columns: an index for its rows by
 * client, row-level security by client, comments, its part in the view over all clients'
 * tables.
 *
 * What is missing is worked out by the server (sql/postgres/table_*.sql, view_plan.sql), which
 * answers with the statements; here they are run. */
#include "base/fault.h"
#include "load/dest_postgres.h"
#include "load/dest_sql.h"

#define ARENA_MAX ((size_t)16 * 1024 * 1024)
/* An index on a table that has rows takes its time. */
#define EQUIP_MINUTES 60

/* A row of an answer is a statement or something to be told; rows are copied first, since the
 * connection has one answer at a time. */
static bool run_answer(eh_pg *pg, eh_arena *arena, eh_err *err)
{
    int count = eh_pgconn_rows(pg->control);
    char **text = eh_arena_zalloc(arena, (size_t)count, sizeof(char *));
    bool *is_statement = eh_arena_zalloc(arena, (size_t)count, sizeof *is_statement);
    if (text == NULL || is_statement == NULL) return eh_fail_memory(err, "statements");
    for (int i = 0; i < count; i++) {
        const char *value = eh_pgconn_value(pg->control, i, 1);
        is_statement[i] = eh_pgconn_bool(pg->control, i, 0);
        text[i] = eh_arena_strdup(arena, value != NULL ? value : "");
        if (text[i] == NULL) return eh_fail_memory(err, "statements");
    }
    for (int i = 0; i < count; i++) {
        if (!is_statement[i]) {
            eh_dest_notice(&pg->base, "%s", text[i]);
            continue;
        }
        eh_pgconn_params(pg->control, text[i], NULL, 0, NULL, NULL);
        if (!eh_pgconn_wait(pg->control, err)) return false;
    }
    return true;
}

/* ---- the view over all clients' tables -------------------------------------------------- */

static void view_args(const char *views, const char *table, eh_pg_args *args)
{
    eh_pg_arg_str(args, views);
    eh_pg_arg_str(args, table);
}

bool eh_pg_view_take(eh_pg *pg, const eh_pg_place *at, eh_arena *arena, const char **views,
                     eh_err *err)
{
    eh_pg_args args = {.count = 0}, lock = {.count = 0};
    *views = at->state->table.views;
    eh_pg_arg_str(&args, at->schema);
    eh_pg_arg_str(&args, at->table);
    if (*views == NULL) {
        if (!eh_pg_run(pg, "view_of", &args, err)) return false;
        if (eh_pgconn_rows(pg->control) == 0) return true;
        *views = eh_arena_strdup(arena, eh_pgconn_value(pg->control, 0, 0));
        if (*views == NULL) return eh_fail_memory(err, "a view");
    }
    view_args(*views, at->table, &lock);
    return eh_pg_run(pg, "view_lock", &lock, err);
}

bool eh_pg_view_drop(eh_pg *pg, const char *views, const char *table, eh_arena *arena,
                     eh_err *err)
{
    eh_pg_args args = {.count = 0};
    if (views == NULL) return true;
    view_args(views, table, &args);
    bool ok = eh_pg_run(pg, "view_drop", &args, err) && run_answer(pg, arena, err);
    if (ok) EH_FAULT("view.drop");
    return ok;
}

static bool plan_view(eh_pg *pg, const eh_pg_place *at, const char *views, eh_arena *arena,
                      eh_err *err)
{
    eh_pg_args plan = {.count = 0};
    view_args(views, at->table, &plan);
    eh_pg_arg_str(&plan, at->state->table.by_client ? "true" : "false");
    return eh_pg_run(pg, "view_plan", &plan, err) && run_answer(pg, arena, err);
}

/* The view that the table belonged to before is made without it, or goes with its last one. */
static bool leave_view(eh_pg *pg, const eh_pg_place *at, const char *old, const char *views,
                       eh_arena *arena, eh_err *err)
{
    eh_pg_args lock = {.count = 0};
    eh_sql_var vars[] = {{"views", old}, {"table", at->table}};
    view_args(old, at->table, &lock);
    if (!eh_pg_run(pg, "view_lock", &lock, err) ||
        !eh_pg_run_spliced(pg, "view_retire", vars, 2, err))
        return false;
    bool there = eh_pgconn_bool(pg->control, 0, 0), used = eh_pgconn_bool(pg->control, 0, 1);
    bool same = eh_pgconn_bool(pg->control, 0, 2);
    if (used && same) return plan_view(pg, at, old, arena, err);
    if (there && !same)
        eh_dest_notice(&pg->base,
                       "%s.%s is not etlhost's as it is now, and stays; the view "
                       "over all clients is %s.%s",
                       old, at->table, views, at->table);
    else if (!there)
        eh_dest_notice(&pg->base,
                       "the view %s.%s is gone: %s.%s takes its place, without "
                       "grants yet",
                       old, at->table, views, at->table);
    return true;
}

static bool leave_others(eh_pg *pg, const eh_pg_place *at, const char *views, eh_arena *arena,
                         eh_err *err)
{
    eh_pg_args args = {.count = 0};
    eh_pg_arg_str(&args, views);
    eh_pg_arg_str(&args, at->schema);
    eh_pg_arg_str(&args, at->table);
    if (!eh_pg_run(pg, "view_leave", &args, err)) return false;
    int count = eh_pgconn_rows(pg->control);
    char **old = eh_arena_zalloc(arena, (size_t)count + 1, sizeof(char *));
    if (old == NULL) return eh_fail_memory(err, "a view");
    for (int i = 0; i < count; i++) {
        old[i] = eh_arena_strdup(arena, eh_pgconn_value(pg->control, i, 0));
        if (old[i] == NULL) return eh_fail_memory(err, "a view");
    }
    for (int i = 0; i < count; i++)
        if (!leave_view(pg, at, old[i], views, arena, err)) return false;
    return true;
}

static bool make_view(eh_pg *pg, const eh_pg_place *at, const char *views, eh_arena *arena,
                      eh_err *err)
{
    eh_pg_args join = {.count = 0};
    eh_pg_arg_str(&join, views);
    eh_pg_arg_str(&join, at->schema);
    eh_pg_arg_str(&join, at->table);
    eh_pg_arg_int(&join, at->state->stream_id);
    bool ok = eh_pg_make_schema(pg, views, err) && eh_pg_run(pg, "view_join", &join, err) &&
              plan_view(pg, at, views, arena, err) && leave_others(pg, at, views, arena, err);
    if (ok) EH_FAULT("view.make");
    return ok;
}

static bool run_text(eh_pg *pg, const char *sql, eh_err *err)
{
    eh_pgconn_params(pg->control, sql, NULL, 0, NULL, NULL);
    return eh_pgconn_wait(pg->control, err);
}

/* The client's rows are worth more than the view: what is in its way is told, and rows load. */
static bool refresh_view(eh_pg *pg, const eh_pg_place *at, const char *views, eh_arena *arena,
                         eh_err *err)
{
    eh_err failure = {.class_ = EH_OK};
    if (views == NULL) return true;
    if (!run_text(pg, "SAVEPOINT view", err)) return false;
    if (make_view(pg, at, views, arena, &failure))
        return run_text(pg, "RELEASE SAVEPOINT view", err);
    if (failure.class_ == EH_CLASS_TRANSIENT) {
        if (err->class_ == EH_OK) *err = failure;
        return false;
    }
    eh_dest_notice(&pg->base, "the view %s.%s over all clients is not up to date: %s", views,
                   at->table, failure.message);
    return run_text(pg, "ROLLBACK TO SAVEPOINT view", err);
}

/* ---- the table -------------------------------------------------------------------------- */

static bool equip_table(eh_pg *pg, const eh_pg_place *at, bool index, eh_arena *arena,
                        eh_err *err)
{
    const eh_table_options *o = &at->state->table;
    eh_pg_args args = {.count = 0};
    index = index && o->index;
    if (!index && !o->by_client) return true;
    eh_pg_arg_str(&args, at->schema);
    eh_pg_arg_str(&args, at->table);
    eh_pg_arg_str(&args, index ? "true" : "false");
    eh_pg_arg_str(&args, o->cursor);
    eh_pg_arg_str(&args, o->by_client ? "true" : "false");
    return eh_pg_run(pg, "table_equip", &args, err) && run_answer(pg, arena, err);
}

static bool comment(eh_pg *pg, const eh_pg_place *at, eh_arena *arena, eh_err *err)
{
    eh_pg_args args = {.count = 0};
    if (at->state->table.comments == NULL) return true;
    eh_pg_arg_str(&args, at->schema);
    eh_pg_arg_str(&args, at->table);
    eh_pg_arg_str(&args, at->state->table.comments);
    bool ok = eh_pg_run(pg, "table_comments", &args, err) && run_answer(pg, arena, err);
    if (ok) EH_FAULT("comments.write");
    return ok;
}

bool eh_pg_equip(eh_pg *pg, const eh_pg_place *at, const char *views, bool index,
                 eh_arena *arena, eh_err *err)
{
    EH_FAULT("equip.start");
    return equip_table(pg, at, index, arena, err) && comment(pg, at, arena, err) &&
           refresh_view(pg, at, views, arena, err);
}

typedef struct equip_job {
    eh_pg_place at;
    eh_arena *arena;
} equip_job;

static bool equip_body(eh_pg *pg, void *self, eh_err *err)
{
    equip_job *job = self;
    const eh_pg_place *at = &job->at;
    const char *views;
    eh_pg_args args = {.count = 0};
    eh_arena_reset(job->arena);
    eh_pg_arg_str(&args, at->schema);
    eh_pg_arg_str(&args, at->table);
    return eh_pg_fence(pg, at->state, err) &&
           eh_pg_view_take(pg, at, job->arena, &views, err) &&
           eh_pg_run(pg, "change_lock", &args, err) &&
           eh_pg_equip(pg, at, views, true, job->arena, err);
}

bool eh_pg_equip_table(eh_dest *dest, const eh_stream_state *state, const char *schema,
                       const char *table, eh_err *err)
{
    equip_job job = {{state, schema, table}, eh_arena_new(ARENA_MAX)};
    if (job.arena == NULL) return eh_fail_memory(err, "a table");
    bool ok = eh_pg_transact((eh_pg *)dest, EQUIP_MINUTES, equip_body, &job, err);
    eh_arena_free(job.arena);
    return ok;
}
