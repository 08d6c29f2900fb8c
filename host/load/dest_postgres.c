/* load/dest_postgres.c: the PostgreSQL destination: bookkeeping, ledger, the end of a load.
 *
 * Taking over is in dest_postgres_take.c, tables in dest_postgres_schema.c and _change.c, rows
 * in dest_postgres_rows.c, units in dest_postgres_lane.c and _refuse.c; transactions of the
 * control connection in dest_postgres_control.c, admin verbs in dest_postgres_query.c. */
#include "load/dest_postgres.h"

#include "base/fault.h"
#include "load/dest_sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVER_MINIMUM 120000

/* ---- bookkeeping ------------------------------------------------------------------------ */

static bool read_version(eh_pg *pg, int64_t *version, eh_err *err)
{
    *version = 0;
    if (!eh_pg_run(pg, "version", NULL, err)) return false;
    *version = eh_pgconn_int(pg->control, 0, 0);
    return true;
}

static bool look_for_books(eh_pg *pg, bool *there, eh_err *err)
{
    if (!eh_pg_run(pg, "bookkeeping_exists", NULL, err)) return false;
    *there = eh_pgconn_int(pg->control, 0, 0) > 0;
    if (eh_pgconn_int(pg->control, 0, 1) < SERVER_MINIMUM)
        return eh_fail(err, EH_CLASS_CONFIG, "this server is older than PostgreSQL 12");
    if (eh_pgconn_bool(pg->control, 0, 2) && !pg->base.read_only)
        return eh_fail(err, EH_CLASS_TRANSIENT, "this server is a standby and only reads");
    return true;
}

/* The second of two that open an empty or an older database at once waits for the lock, then
 * looks again. */
static bool make_books(eh_pg *pg, int64_t *version, eh_err *err)
{
    bool there;
    if (!eh_pg_run(pg, "bookkeeping_lock", NULL, err) || !look_for_books(pg, &there, err))
        return false;
    if (!there && !eh_pg_run_spliced(pg, "bookkeeping", NULL, 0, err)) return false;
    if (!read_version(pg, version, err)) return false;
    if ((*version < 2 && !eh_pg_run_spliced(pg, "bookkeeping_upgrade", NULL, 0, err)) ||
        (*version < 3 && !eh_pg_run_spliced(pg, "bookkeeping_upgrade_3", NULL, 0, err)))
        return eh_err_while(err, "upgrading the bookkeeping");
    return read_version(pg, version, err);
}

static bool books_body(eh_pg *pg, void *self, eh_err *err)
{
    bool there;
    int64_t version = 0;
    (void)self;
    if (!look_for_books(pg, &there, err) || (there && !read_version(pg, &version, err)))
        return false;
    if (!there && pg->base.read_only) return true;
    if (version < EH_BOOKS_VERSION && !pg->base.read_only && !make_books(pg, &version, err))
        return false;
    if (!eh_dest_check_version(version, err)) return false;
    pg->has_books = true;
    return true;
}

/* ---- the ledger ------------------------------------------------------------------------- */

typedef struct ledger_job {
    const eh_stream_state *state;
    const char *input;
    const char *name;
    eh_arena *arena;
    eh_ledger *ledger;
} ledger_job;

static bool copy_text(eh_arena *arena, const char *text, const char **out, eh_err *err)
{
    *out = NULL;
    if (text == NULL) return true;
    *out = eh_arena_strdup(arena, text);
    return *out != NULL || eh_fail_memory(err, "an answer of the database");
}

static bool read_units(const eh_pgconn *conn, const ledger_job *job, eh_err *err)
{
    int rows = eh_pgconn_rows(conn);
    eh_ledger_fold fold = {.ledger = job->ledger};
    job->ledger->ranges =
        eh_arena_zalloc(job->arena, (size_t)rows, sizeof *job->ledger->ranges);
    if (job->ledger->ranges == NULL) return eh_fail_memory(err, "the ledger");
    for (int i = 0; i < rows; i++) {
        eh_ledger_unit unit = {.range = {.start = (uint64_t)eh_pgconn_int(conn, i, 0),
                                         .end = (uint64_t)eh_pgconn_int(conn, i, 1),
                                         .row_end = (uint64_t)eh_pgconn_int(conn, i, 3),
                                         .line_end = (uint64_t)eh_pgconn_int(conn, i, 4)},
                               .row_start = (uint64_t)eh_pgconn_int(conn, i, 2),
                               .rows = (uint64_t)eh_pgconn_int(conn, i, 5),
                               .last = eh_pgconn_bool(conn, i, 6),
                               .committed_us = eh_pgconn_int(conn, i, 8)};
        if (!copy_text(job->arena, eh_pgconn_value(conn, i, 7), &unit.header, err))
            return false;
        eh_dest_ledger_add(&fold, &unit);
    }
    return true;
}

static bool ledger_body(eh_pg *pg, void *self, eh_err *err)
{
    ledger_job *job = self;
    eh_pg_args args = {.count = 0};
    *job->ledger = (eh_ledger){.known = false};
    eh_pg_arg_int(&args, job->state->stream_id);
    eh_pg_arg_str(&args, job->input);
    eh_pg_arg_int(&args, job->state->unit_generation);
    if (!eh_pg_run(pg, "ledger_units", &args, err) || !read_units(pg->control, job, err))
        return false;
    eh_pg_arg_str(&args, job->name);
    if (!eh_pg_run(pg, "ledger_name", &args, err)) return false;
    job->ledger->name_known = eh_pgconn_bool(pg->control, 0, 1);
    return copy_text(job->arena, eh_pgconn_value(pg->control, 0, 0), &job->ledger->name, err);
}

static bool pg_ledger(eh_dest *dest, const eh_stream_state *state, const char *input,
                      const char *name, eh_arena *arena, eh_ledger *ledger, eh_err *err)
{
    ledger_job job = {state, input, name, arena, ledger};
    return eh_pg_transact((eh_pg *)dest, 1, ledger_body, &job, err);
}

/* ---- the end of a load ------------------------------------------------------------------ */

typedef struct end_job {
    const eh_stream_state *state;
    const char *cursor; /* JSON, or NULL */
    const char *status;
    const char *error;
} end_job;

static bool end_load(eh_pg *pg, const end_job *job, eh_err *err)
{
    eh_pg_args args = {.count = 0};
    eh_pg_arg_int(&args, job->state->load_id);
    eh_pg_arg_str(&args, job->status);
    eh_pg_arg_str(&args, job->error);
    return eh_pg_run(pg, "load_end", &args, err);
}

/* Units commit without waiting for the disk (lane_begin.sql). A server that crashed and came
 * back meanwhile may have lost some that were told committed: rows and ledger alike, so the
 * next run loads them again. */
bool eh_pg_check_units(eh_pg *pg, const eh_stream_state *state, eh_err *err)
{
    eh_pg_args args = {.count = 0};
    eh_pg_arg_int(&args, state->load_id);
    if (!eh_pg_run(pg, "load_units", &args, err)) return false;
    int64_t there = eh_pgconn_int(pg->control, 0, 0);
    if (there >= state->units) return true;
    eh_fail(
        err, EH_CLASS_TRANSIENT,
        "the server was restarted and lost %lld of %lld units of rows that it had committed",
        (long long)(state->units - there), (long long)state->units);
    return eh_err_hint(err, "run again: what is missing is loaded");
}

/* The epoch is checked by the update itself: a share lock first would have to be upgraded, and
 * two who do that deadlock. */
static bool finish_job(eh_pg *pg, const end_job *job, eh_err *err)
{
    eh_pg_args args = {.count = 0};
    eh_pg_arg_int(&args, job->state->stream_id);
    eh_pg_arg_int(&args, job->state->epoch);
    eh_pg_arg_str(&args, job->cursor);
    if (!eh_pg_run(pg, "stream_finish", &args, err)) return false;
    if (eh_pgconn_rows(pg->control) == 0)
        return eh_pg_fence(pg, job->state, err) &&
               eh_fail(err, EH_CLASS_BUG, "the stream's state row cannot be updated");
    args.count = 1;
    eh_pg_arg_str(&args, job->state->table.cursor);
    return eh_pg_run(pg, "columns_close", &args, err) && end_load(pg, job, err) &&
           eh_pg_check_units(pg, job->state, err);
}

bool eh_pg_finish_load(eh_pg *pg, const eh_stream_state *state, const eh_doc *cursor,
                       eh_err *err)
{
    eh_buf json;
    eh_buf_init(&json, (size_t)1024 * 1024);
    bool ok = cursor == NULL || eh_doc_to_json(cursor, &json, err);
    const char *text = ok && cursor != NULL ? eh_buf_cstr(&json) : NULL;
    if (ok && cursor != NULL && text == NULL) ok = eh_fail_memory(err, "a cursor");
    end_job job = {state, text, "succeeded", NULL};
    ok = ok && finish_job(pg, &job, err);
    eh_buf_free(&json);
    return ok;
}

typedef struct finish_args {
    const eh_stream_state *state;
    const eh_doc *cursor;
} finish_args;

static bool finish_body(eh_pg *pg, void *self, eh_err *err)
{
    const finish_args *args = self;
    if (!eh_pg_finish_load(pg, args->state, args->cursor, err)) return false;
    EH_FAULT("finish");
    return true;
}

static bool pg_finish(eh_dest *dest, const eh_stream_state *state, const eh_doc *cursor,
                      eh_err *err)
{
    finish_args args = {state, cursor};
    bool ok = eh_pg_transact((eh_pg *)dest, 1, finish_body, &args, err);
    if (ok) EH_FAULT("finish.done");
    return ok;
}

static bool abandon_body(eh_pg *pg, void *self, eh_err *err)
{
    return end_load(pg, self, err);
}

static void pg_abandon(eh_dest *dest, const eh_stream_state *state, const eh_err *why)
{
    char text[sizeof why->message + 64];
    (void)snprintf(text, sizeof text, "%s: %s", eh_class_name(why->class_), why->message);
    bool stopped = why->class_ == EH_CLASS_CANCELLED;
    end_job job = {state, NULL, stopped ? "cancelled" : "failed", text};
    eh_err ignored = {.class_ = EH_OK}; /* best effort: a later run closes the load, too */
    if (!eh_pg_transact((eh_pg *)dest, 1, abandon_body, &job, &ignored)) return;
}

/* ---- open and close --------------------------------------------------------------------- */

static void pg_close(eh_dest *dest)
{
    eh_pg *pg = (eh_pg *)dest;
    eh_pg_stop_heartbeat(pg);
    for (size_t i = 0; pg->lane != NULL && i < dest->lanes; i++) eh_pg_lane_free(pg->lane[i]);
    free(pg->lane);
    eh_pgconn_free(pg->control);
    free(pg->run_id);
    free(pg->host);
    free(pg->url);
    eh_dest_release(dest);
    free(pg);
}

static const eh_dest_ops pg_ops = {
    .close = pg_close,
    .take_over = eh_pg_take_over,
    .describe = eh_pg_describe,
    .children = eh_pg_children,
    .is_large = eh_pg_is_large,
    .change = eh_pg_change,
    .equip = eh_pg_equip_table,
    .ledger = pg_ledger,
    .encoder = eh_pg_encoder_new,
    .key = eh_pg_key,
    .submit = eh_pg_submit,
    .stage = eh_pg_stage,
    .stage_make = eh_pg_stage_make,
    .stage_trim = eh_pg_stage_trim,
    .promote = eh_pg_promote,
    .finish = pg_finish,
    .abandon = pg_abandon,
    .administer = eh_pg_administer,
};

eh_pgconn *eh_pg_connection(eh_pg *pg, bool read_write, eh_err *err)
{
    eh_pgconn *conn = eh_pgconn_new(pg->base.loop, pg->url, read_write, err);
    if (conn != NULL) eh_pgconn_share_login(conn, &pg->login);
    return conn;
}

static bool allocate(eh_pg *pg, const char *url, eh_err *err)
{
    pg->url = strdup(url);
    pg->lane = calloc(pg->base.lanes, sizeof(eh_pg_lane *));
    if (pg->url == NULL || pg->lane == NULL) return eh_fail_memory(err, "a destination");
    pg->control = eh_pg_connection(pg, !pg->base.read_only, err);
    return pg->control != NULL;
}

static bool note_where(eh_pg *pg, eh_err *err)
{
    char where[256];
    eh_pgconn_where(pg->control, where, sizeof where);
    pg->base.where = strdup(where);
    return pg->base.where != NULL || eh_fail_memory(err, "a destination");
}

eh_dest *eh_dest_postgres_open(const char *url, size_t lanes, bool read_only, eh_loop *loop,
                               const eh_clock *clock, eh_err *err)
{
    eh_pg *pg = calloc(1, sizeof *pg);
    if (pg == NULL) {
        (void)eh_fail_memory(err, "a destination");
        return NULL;
    }
    pg->base = (eh_dest){.ops = &pg_ops,
                         .kind = "postgres",
                         .default_schema = "etl",
                         .lanes = lanes > 0 ? lanes : 1,
                         .read_only = read_only,
                         .loop = loop,
                         .clock = *clock};
    pg->random = (uint64_t)eh_clock_monotonic(clock) ^ ((uint64_t)(uintptr_t)pg << 20);
    if (allocate(pg, url, err) && eh_pg_transact(pg, 1, books_body, NULL, err) &&
        note_where(pg, err))
        return &pg->base;
    pg_close(&pg->base);
    return NULL;
}
