/* load/dest_postgres_steps.c: the rows of a unit through a stage into their table, step by
 * step.
 *
 * All in the unit's transaction, or in a piece of it under a savepoint
 * (dest_postgres_refuse.c): stage, COPY, one row a key, rows that are there, rows that are not,
 * and where that leaves some, rows that came between. A step is left out when the counts say
 * that nothing is left for it. */
#include "load/dest_postgres_lane.h"

#include "base/fault.h"

/* What is left of the rows once those are counted that a step has dealt with. */
static uint64_t left(const eh_pg_lane *lane)
{
    const eh_effects *e = &lane->piece;
    return lane->staged - e->inserted - e->updated - e->repeated - e->stale - e->deleted;
}

static const eh_pg_put *put_of(const eh_pg_lane *lane)
{
    return ((const eh_pg_encoder *)lane->unit->encoder)->put;
}

static void on_step(void *self);

static void send_step(eh_pg_lane *lane, eh_pg_step step, const char *sql)
{
    lane->step = step;
    eh_pg_lane_query(lane, sql, on_step);
}

static void finish(eh_pg_lane *lane)
{
    lane->piece.unchanged = left(lane);
    lane->sent(lane);
}

static const char *update_of(const eh_pg_lane *lane)
{
    const eh_pg_put *put = put_of(lane);
    return lane->unit->has_absent ? put->update_partial : put->update;
}

static void next_step(eh_pg_lane *lane)
{
    const eh_pg_put *put = put_of(lane);
    switch (lane->step) {
    case EH_PG_STEP_COPY:
        send_step(lane, EH_PG_STEP_DEDUPE, put->dedupe);
        return;
    case EH_PG_STEP_DEDUPE:
        send_step(lane, EH_PG_STEP_UPDATE, update_of(lane));
        return;
    case EH_PG_STEP_UPDATE:
        if (left(lane) == 0) break;
        send_step(lane, EH_PG_STEP_INSERT, put->insert);
        return;
    case EH_PG_STEP_INSERT:
        if (left(lane) == 0) break;
        send_step(lane, EH_PG_STEP_AGAIN, update_of(lane));
        return;
    case EH_PG_STEP_AGAIN:
        if (left(lane) == 0 || put->stale == NULL) break;
        send_step(lane, EH_PG_STEP_STALE, put->stale);
        return;
    case EH_PG_STEP_STALE:
        break;
    }
    finish(lane);
}

static void count(eh_pg_lane *lane)
{
    eh_effects *e = &lane->piece;
    uint64_t rows = (uint64_t)eh_pgconn_touched(lane->conn);
    switch (lane->step) {
    case EH_PG_STEP_COPY:
        break;
    case EH_PG_STEP_DEDUPE:
        e->repeated += rows;
        break;
    case EH_PG_STEP_UPDATE:
    case EH_PG_STEP_AGAIN:
        e->updated += rows;
        break;
    case EH_PG_STEP_INSERT:
        e->inserted += rows;
        break;
    case EH_PG_STEP_STALE:
        e->stale += (uint64_t)eh_pgconn_int(lane->conn, 0, 0);
        break;
    }
}

static void on_step(void *self)
{
    eh_pg_lane *lane = self;
    if (eh_pgconn_error(lane->conn)->class_ != EH_OK) {
        lane->sent(lane);
        return;
    }
    count(lane);
    next_step(lane);
}

static void on_copied(void *self)
{
    eh_pg_lane *lane = self;
    if (eh_pgconn_error(lane->conn)->class_ != EH_OK) {
        lane->sent(lane);
        return;
    }
    if (!eh_pg_lane_copied(lane, lane->staged)) return;
    EH_FAULT("put.staged");
    lane->step = EH_PG_STEP_COPY;
    next_step(lane);
}

static void on_staged(void *self)
{
    eh_pg_lane *lane = self;
    if (eh_pgconn_error(lane->conn)->class_ != EH_OK)
        lane->sent(lane);
    else
        eh_pg_lane_copy(lane, lane->from, lane->from + lane->staged, on_copied);
}

void eh_pg_lane_put(eh_pg_lane *lane, size_t from, size_t to, eh_pg_done *done)
{
    lane->from = from;
    lane->staged = to - from;
    lane->piece = (eh_effects){0};
    lane->sent = done;
    eh_pg_lane_query(lane, put_of(lane)->stage, on_staged);
}
