/* load/dest_postgres_resolve.c: a COMMIT whose answer was lost.
 *
 * The old backend may still be running, or its host may have died: on a new connection the
 * stream's state row is locked for update, which the old backend's share lock delays until it
 * is done. Only then the unit's row tells the truth; until the lock is had, nothing is redone.
 */
#include "load/dest_postgres_lane.h"

#include "load/dest_sql.h"

#include <stdio.h>

static void give_up(eh_pg_lane *lane, const eh_err *why)
{
    eh_err err = {.class_ = EH_OK};
    (void)eh_fail(
        &err, EH_CLASS_TRANSIENT,
        "the answer to COMMIT was lost, and what became of it could not be found out: "
        "%s",
        why->message);
    (void)eh_err_hint(&err, "run again: the ledger in the database knows");
    eh_pg_lane_give_up(lane, &err);
}

static void on_later(void *self)
{
    eh_pg_lane *lane = self;
    lane->timer = NULL;
    eh_pg_resolve(lane);
}

static void on_released(void *self)
{
    eh_pg_lane_pause(self, on_later);
}

/* Not known yet: again, unless that has gone on for long. */
static bool went_well(eh_pg_lane *lane)
{
    eh_err err = *eh_pgconn_error(lane->conn);
    if (err.class_ == EH_OK) return true;
    if (err.class_ != EH_CLASS_TRANSIENT || !eh_pg_lane_may_wait(lane))
        give_up(lane, &err);
    else if (eh_pgconn_is_open(lane->conn))
        eh_pg_lane_query(lane, "ROLLBACK", on_released);
    else
        eh_pg_lane_pause(lane, on_later);
    return false;
}

static void on_known(void *self)
{
    eh_pg_lane_done(self);
}

static void on_looked(void *self)
{
    eh_pg_lane *lane = self;
    eh_err err = {.class_ = EH_OK};
    if (!went_well(lane)) return;
    bool there = eh_pgconn_value(lane->conn, 0, 3) != NULL;
    bool mine = eh_pgconn_int(lane->conn, 0, 3) == lane->state.load_id;
    if (there && mine) {
        eh_pg_lane_query(lane, "ROLLBACK", on_known);
        return;
    }
    bool again = eh_pg_judge_fence(lane->conn, &lane->state, &err);
    if (again && !eh_pg_lane_may_try(lane))
        again = eh_fail(&err, EH_CLASS_TRANSIENT, "the connection was lost too often");
    if (again)
        eh_pg_lane_restart(lane);
    else
        eh_pg_lane_give_up(lane, &err);
}

static void on_locked(void *self)
{
    eh_pg_lane *lane = self;
    eh_pg_args args = {.count = 0};
    eh_err err = {.class_ = EH_OK};
    if (!went_well(lane)) return;
    const char *sql = eh_sql_text("postgres", "resolve_look", &err);
    if (sql == NULL) {
        eh_pg_lane_give_up(lane, &err);
        return;
    }
    eh_pg_arg_int(&args, lane->state.stream_id);
    eh_pg_arg_str(&args, lane->unit->input);
    eh_pg_arg_int(&args, (int64_t)lane->unit->start);
    eh_pg_arg_int(&args, lane->state.unit_generation);
    eh_pgconn_params(lane->conn, sql, args.value, args.count, on_looked, lane);
}

static void on_connected(void *self)
{
    eh_pg_lane *lane = self;
    eh_pg_args args = {.count = 0};
    eh_err err = {.class_ = EH_OK};
    if (!went_well(lane)) return;
    eh_pg_arg_int(&args, lane->state.stream_id);
    eh_sql_var vars[] = {{"stream_id", args.value[0]}};
    lane->sql.len = 0;
    if (eh_sql_expand("postgres", "resolve_lock", vars, 1, &lane->sql, &err))
        eh_pg_lane_query(lane, lane->sql.data, on_locked);
    else
        eh_pg_lane_give_up(lane, &err);
}

void eh_pg_resolve(void *self)
{
    eh_pg_lane *lane = self;
    lane->timer = NULL;
    eh_pgconn_connect(lane->conn, on_connected, lane);
}
