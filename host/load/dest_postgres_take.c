/* load/dest_postgres_take.c: taking a stream over, and the signs of life of the run that has
 * it.
 *
 * A lane of the run before holds the stream's state row in share mode until its unit commits.
 * If its host was paused or cut off, that may be never: then a second connection ends the
 * backend that keeps us waiting, but only one that is ours and whose run is not alive. */
#include "load/dest_postgres.h"
#include "load/dest_sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEARTBEAT_US    ((int64_t)15 * 1000 * 1000)
#define HEARTBEAT_RETRY ((int64_t)1000 * 1000)
/* How long a lock may take before we look at who holds it. */
#define PATIENCE_US ((int64_t)1000 * 1000)

/* ---- heartbeat -------------------------------------------------------------------------- */

static void run_args(const eh_pg *pg, eh_pg_args *args)
{
    eh_pg_arg_str(args, pg->run_id);
    eh_pg_arg_str(args, pg->host);
    eh_pg_arg_int(args, pg->pid);
    eh_pg_arg_int(args, pg->pid_started);
}

static void on_heartbeat(void *self);

static void next_heartbeat(eh_pg *pg, int64_t after_us)
{
    pg->heartbeat = eh_loop_timer(pg->base.loop, after_us, on_heartbeat, pg);
}

/* Says that the run is alive, or connects so that the next beat can. Best effort. */
static bool beat(eh_pg *pg, eh_pgconn *conn)
{
    eh_pg_args args = {.count = 0};
    const char *sql = eh_sql_text("postgres", "run_alive", NULL);
    if (eh_pgconn_busy(conn) || sql == NULL) return false;
    if (!eh_pgconn_is_open(conn)) {
        eh_pgconn_connect(conn, NULL, NULL);
        return false;
    }
    run_args(pg, &args);
    eh_pgconn_params(conn, sql, args.value, args.count, NULL, NULL);
    return true;
}

/* Between transactions the control connection is free, and a statement alone is a transaction
 * of its own. While it works for long (a type that changes rewrites the table) another one
 * beats. */
static void on_heartbeat(void *self)
{
    eh_pg *pg = self;
    eh_pgconn *conn = pg->control;
    if (pg->controlling || eh_pgconn_busy(conn)) {
        if (pg->pulse == NULL) pg->pulse = eh_pg_connection(pg, true, NULL);
        conn = pg->pulse;
    } else {
        eh_pgconn_free(pg->pulse);
        pg->pulse = NULL;
    }
    bool done = conn != NULL && beat(pg, conn);
    eh_pg_spare_lanes(pg);
    next_heartbeat(pg, done ? HEARTBEAT_US : HEARTBEAT_RETRY);
}

void eh_pg_stop_heartbeat(eh_pg *pg)
{
    eh_watch_remove(pg->heartbeat);
    pg->heartbeat = NULL;
    eh_pgconn_free(pg->pulse);
    pg->pulse = NULL;
}

static bool note_run(eh_pg *pg, const eh_run_info *run, eh_err *err)
{
    char *run_id = strdup(run->run_id), *host = strdup(run->host);
    free(pg->run_id);
    free(pg->host);
    pg->run_id = run_id;
    pg->host = host;
    pg->pid = run->pid;
    pg->pid_started = run->pid_started;
    return (run_id != NULL && host != NULL) || eh_fail_memory(err, "a run");
}

/* ---- the run before --------------------------------------------------------------------- */

typedef struct take_job {
    const eh_stream_key *key;
    const eh_run_info *run;
    eh_stream_state *state;
} take_job;

static void key_args(const eh_stream_key *key, eh_pg_args *args)
{
    eh_pg_arg_str(args, key->client);
    eh_pg_arg_str(args, key->instance);
    eh_pg_arg_str(args, key->resource);
    eh_pg_arg_str(args, key->schema);
    eh_pg_arg_str(args, key->table);
}

static const char *text_of(const eh_pgconn *conn, int column)
{
    const char *text = eh_pgconn_value(conn, 0, column);
    return text != NULL ? text : "";
}

static bool refuse_live_run(eh_pg *pg, const take_job *job, eh_err *err)
{
    eh_pg_args args = {.count = 0};
    const eh_pgconn *conn = pg->control;
    key_args(job->key, &args);
    if (!eh_pg_run(pg, "other_run", &args, err)) return false;
    if (eh_pgconn_rows(conn) == 0 || job->run->take_over) return true;
    eh_other_run other = {.run_id = text_of(conn, 0),
                          .pipeline = text_of(conn, 1),
                          .host = text_of(conn, 2),
                          .pid = eh_pgconn_int(conn, 0, 3),
                          .pid_started = eh_pgconn_int(conn, 0, 4),
                          .heartbeat_age_us = eh_pgconn_int(conn, 0, 5)};
    return !eh_dest_run_is_live(job->run, &other) || eh_dest_fail_live(job->run, &other, err);
}

/* ---- blockers --------------------------------------------------------------------------- */

static bool ask(eh_pgconn *helper, const char *name, const char *pid, eh_err *err)
{
    const char *params[] = {pid};
    const char *sql = eh_sql_text("postgres", name, err);
    if (sql == NULL) return false;
    eh_pgconn_params(helper, sql, params, 1, NULL, NULL);
    return eh_pgconn_wait(helper, err);
}

/* The run before is known to be dead, or the operator said so; what bears our name and still
 * holds the stream is its backend. Others' backends are left alone: the lock time-out decides.
 */
static bool end_blockers(eh_pgconn *helper, const char *waiter, eh_err *err)
{
    enum { BLOCKERS_MAX = 64 };
    char pids[BLOCKERS_MAX][24];
    int count = 0;
    if (!ask(helper, "blockers", waiter, err)) return false;
    for (int i = 0; i < eh_pgconn_rows(helper) && count < BLOCKERS_MAX; i++) {
        const char *pid = eh_pgconn_value(helper, i, 0), *name = eh_pgconn_value(helper, i, 1);
        if (pid == NULL || name == NULL || strcmp(name, "etlhost") != 0) continue;
        (void)snprintf(pids[count++], sizeof pids[0], "%s", pid);
    }
    for (int i = 0; i < count; i++)
        if (!ask(helper, "terminate", pids[i], err)) return false;
    return true;
}

/* Best effort: without it the lock time-out ends the wait. */
static void help_waiter(eh_pg *pg, const char *waiter)
{
    eh_err ignored = {.class_ = EH_OK};
    eh_pgconn *helper = eh_pg_connection(pg, false, &ignored);
    if (helper == NULL) return;
    eh_pgconn_connect(helper, NULL, NULL);
    if (eh_pgconn_wait(helper, &ignored)) (void)end_blockers(helper, waiter, &ignored);
    eh_pgconn_free(helper);
}

static void set_flag(void *self)
{
    *(bool *)self = true;
}

/* Waits for the statement on the control connection, and after a while for help. */
static bool wait_with_patience(eh_pg *pg, const char *waiter, eh_err *err)
{
    bool late = false, helped = false, ok = true;
    eh_watch *timer = eh_loop_timer(pg->base.loop, PATIENCE_US, set_flag, &late);
    if (timer == NULL) ok = eh_fail_memory(err, "a timer");
    while (ok && eh_pgconn_busy(pg->control)) {
        ok = eh_loop_turn(pg->base.loop, -1, err);
        if (!ok || !late || helped || !eh_pgconn_busy(pg->control)) continue;
        help_waiter(pg, waiter);
        helped = true;
    }
    if (!late) eh_watch_remove(timer);
    return eh_pgconn_wait(pg->control, err) && ok;
}

/* ---- take over -------------------------------------------------------------------------- */

static bool raise_epoch(eh_pg *pg, const take_job *job, eh_err *err)
{
    char waiter[24];
    eh_pg_args args = {.count = 0};
    const char *sql = eh_sql_text("postgres", "stream_epoch", err);
    if (sql == NULL || !eh_pg_run(pg, "backend_pid", NULL, err)) return false;
    (void)snprintf(waiter, sizeof waiter, "%s", text_of(pg->control, 0));
    key_args(job->key, &args);
    eh_pgconn_params(pg->control, sql, args.value, args.count, NULL, NULL);
    if (!wait_with_patience(pg, waiter, err)) return false;
    if (eh_pgconn_rows(pg->control) == 0)
        return eh_fail(err, EH_CLASS_BUG, "the stream's state row is not there");
    job->state->stream_id = eh_pgconn_int(pg->control, 0, 0);
    job->state->epoch = eh_pgconn_int(pg->control, 0, 1);
    job->state->generation = eh_pgconn_int(pg->control, 0, 2);
    return true;
}

static bool open_load(eh_pg *pg, const take_job *job, eh_err *err)
{
    char why[160];
    (void)snprintf(why, sizeof why, "cancelled: superseded by run %s", job->run->run_id);
    eh_pg_args older = {.count = 0}, load = {.count = 0}, alive = {.count = 0};
    eh_pg_arg_int(&older, job->state->stream_id);
    eh_pg_arg_str(&older, why);
    eh_pg_arg_int(&load, job->state->stream_id);
    eh_pg_arg_str(&load, job->key->client);
    eh_pg_arg_str(&load, job->run->run_id);
    eh_pg_arg_str(&load, job->run->pipeline);
    eh_pg_arg_str(&load, job->run->script_hash);
    eh_pg_arg_str(&load, job->run->config_hash);
    run_args(pg, &alive);
    if (!eh_pg_run(pg, "loads_supersede", &older, err) ||
        !eh_pg_run(pg, "run_alive", &alive, err) || !eh_pg_run(pg, "load_add", &load, err))
        return false;
    job->state->load_id = eh_pgconn_int(pg->control, 0, 0);
    return true;
}

/* Asked twice: before, so that a live run is named without waiting for its lanes; after,
 * because another run may have been quicker while we waited. */
static bool take_body(eh_pg *pg, void *self, eh_err *err)
{
    take_job *job = self;
    eh_pg_args args = {.count = 0};
    key_args(job->key, &args);
    return eh_pg_run(pg, "stream_add", &args, err) && refuse_live_run(pg, job, err) &&
           raise_epoch(pg, job, err) && refuse_live_run(pg, job, err) &&
           open_load(pg, job, err);
}

bool eh_pg_take_over(eh_dest *dest, const eh_stream_key *key, const eh_run_info *run,
                     eh_stream_state *state, eh_err *err)
{
    eh_pg *pg = (eh_pg *)dest;
    take_job job = {key, run, state};
    if (!note_run(pg, run, err) || !eh_pg_transact(pg, 1, take_body, &job, err)) return false;
    if (pg->heartbeat == NULL) next_heartbeat(pg, HEARTBEAT_US);
    return true;
}
