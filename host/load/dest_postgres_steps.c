/* load/dest_postgres_steps.c: the rows of a unit through a stage into their table, step by
 * step.
 *
 * All in the unit's transaction, or in a piece of it under a savepoint
 * (dest_postgres_refuse.c). The steps come in the order of eh_pg_step; one that the put does
 * not have, or for which the counts say that nothing is left, is passed over. */
#include "load/dest_postgres_lane.h"

#include "base/fault.h"

#include <string.h>

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

/* The stage is only a way round COPY. */
static bool appends(const eh_pg_lane *lane)
{
    return lane->unit->encoder->put->write == EH_WRITE_APPEND;
}

static bool is_wanted(const eh_pg_lane *lane, eh_pg_step step)
{
    if (put_of(lane)->sql[step] == NULL) return false;
    switch (step) {
    case EH_PG_STEP_TWICE:
        return lane->unit->has_absent && lane->unit->repeats;
    case EH_PG_STEP_REBORN:
    case EH_PG_STEP_DEDUPE:
        return lane->unit->repeats;
    case EH_PG_STEP_LOCK:
    case EH_PG_STEP_FORGET:
    case EH_PG_STEP_FOLD:
        return lane->twice;
    case EH_PG_STEP_FILL:
        return lane->unit->has_absent && left(lane) > 0;
    case EH_PG_STEP_VOID:
    case EH_PG_STEP_CLOSE:
    case EH_PG_STEP_OPEN:
        return lane->changes > 0;
    case EH_PG_STEP_INSERT_AGAIN:
        return lane->again > 0;
    case EH_PG_STEP_INSERT: /* those that are to be replaced are not there any more */
        return left(lane) > 0 || lane->unit->encoder->put->delete_insert;
    default:
        return left(lane) > 0;
    }
}

static const char *sql_of(const eh_pg_lane *lane, eh_pg_step step)
{
    const eh_pg_put *put = put_of(lane);
    bool updates = step == EH_PG_STEP_UPDATE || step == EH_PG_STEP_AGAIN;
    return updates && lane->unit->has_absent && put->update_partial != NULL
               ? put->update_partial
               : put->sql[step];
}

static void on_step(void *self);

static void next_step(eh_pg_lane *lane, eh_pg_step step)
{
    while (step < EH_PG_STEP_END && !is_wanted(lane, step)) step++;
    lane->step = step;
    if (step < EH_PG_STEP_END) {
        EH_FAULT("put.step");
        eh_pg_lane_query(lane, sql_of(lane, step), on_step);
        return;
    }
    lane->piece.unchanged += left(lane);
    if (appends(lane)) lane->piece = (eh_effects){0};
    lane->sent(lane);
}

/* With delete_insert every row that is there goes and comes again: what came in the end is what
 * was updated and inserted. */
static void count_changed(eh_pg_lane *lane, uint64_t rows)
{
    eh_effects *e = &lane->piece;
    bool replaces = lane->unit->encoder->put->delete_insert;
    switch (lane->step) {
    case EH_PG_STEP_UPDATE:
        e->updated += rows;
        break;
    case EH_PG_STEP_INSERT:
        e->inserted += replaces ? rows - e->updated : rows;
        break;
    case EH_PG_STEP_AGAIN:
        lane->again = rows;
        if (!replaces) e->updated += rows;
        break;
    default: /* INSERT_AGAIN: of those that went again, all but the inserted ones were there */
        e->updated += rows - e->updated - e->inserted;
        break;
    }
}

static void count(eh_pg_lane *lane)
{
    uint64_t rows = (uint64_t)eh_pgconn_touched(lane->conn);
    switch (lane->step) {
    case EH_PG_STEP_TWICE:
        lane->twice = eh_pgconn_bool(lane->conn, 0, 0);
        break;
    case EH_PG_STEP_FORGET:
        lane->piece.repeated += rows;
        break;
    case EH_PG_STEP_FOLD:
        lane->folded = rows;
        break;
    case EH_PG_STEP_DEDUPE: /* rows that deleted what is there are counted as such */
        lane->piece.repeated += rows - lane->folded;
        lane->piece.repeated -= lane->reborn;
        break;
    case EH_PG_STEP_REBORN:
        lane->reborn = rows;
        lane->piece.deleted += rows;
        break;
    case EH_PG_STEP_KNOWN:
        lane->changes = lane->staged - rows;
        break;
    case EH_PG_STEP_DELETE:
        lane->piece.deleted += rows;
        break;
    case EH_PG_STEP_STALE:
        lane->piece.stale += (uint64_t)eh_pgconn_int(lane->conn, 0, 0);
        break;
    case EH_PG_STEP_LATE:
        lane->piece.stale += rows;
        break;
    case EH_PG_STEP_CHAIN:
        lane->changes = (uint64_t)eh_pgconn_int(lane->conn, 0, 0);
        lane->piece.deleted = (uint64_t)eh_pgconn_int(lane->conn, 0, 1);
        lane->brief = (uint64_t)eh_pgconn_int(lane->conn, 0, 2);
        lane->piece.repeated += lane->brief;
        break;
    case EH_PG_STEP_OPEN:
        lane->piece.inserted = rows;
        break;
    case EH_PG_STEP_LOCK:
    case EH_PG_STEP_HELD:
    case EH_PG_STEP_FILL:
    case EH_PG_STEP_VOID:
    case EH_PG_STEP_CLOSE:
    case EH_PG_STEP_TOUCH:
    case EH_PG_STEP_END:
        break;
    default:
        count_changed(lane, rows);
        break;
    }
}

/* Records were put together without those that are older than the rows that are there, and one
 * such row came after that was looked at; or a version was opened, or a row inserted, by
 * somebody else. */
static bool came_between(eh_pg_lane *lane)
{
    bool folded = lane->folded > 0 && lane->again > 0;
    bool opened = lane->step == EH_PG_STEP_OPEN &&
                  lane->piece.inserted + lane->piece.deleted + lane->brief < lane->changes;
    bool known = put_of(lane)->sql[EH_PG_STEP_KNOWN] != NULL &&
                 lane->step == EH_PG_STEP_INSERT && lane->piece.inserted < lane->changes;
    if (!folded && !opened && !known) return false;
    eh_err err = {.class_ = EH_OK};
    (void)eh_fail(&err, EH_CLASS_TRANSIENT,
                  "somebody else wrote rows of %s.%s with the same keys", lane->unit->schema,
                  lane->unit->table);
    eh_pg_lane_failed(lane, &err);
    return true;
}

static void on_step(void *self)
{
    eh_pg_lane *lane = self;
    if (eh_pgconn_error(lane->conn)->class_ != EH_OK) {
        lane->sent(lane);
        return;
    }
    if (appends(lane) && !eh_pg_lane_copied(lane, lane->staged)) return;
    count(lane);
    if (!came_between(lane)) next_step(lane, lane->step + 1);
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
    next_step(lane, 0);
}

static void on_staged(void *self)
{
    eh_pg_lane *lane = self;
    eh_err err = *eh_pgconn_error(lane->conn);
    if (strcmp(err.sqlstate, "42501") == 0) { /* what it says in general is not enough here */
        err.hint[0] = '\0';
        (void)eh_err_hint(&err,
                          "rows that are put by their key need a temporary table: GRANT "
                          "TEMPORARY ON DATABASE, and SELECT, INSERT, UPDATE and DELETE on "
                          "the table, to the role that loads");
        eh_pg_lane_failed(lane, &err);
    } else if (err.class_ != EH_OK) {
        lane->sent(lane);
    } else {
        eh_pg_lane_copy(lane, lane->from, lane->from + lane->staged, on_copied);
    }
}

void eh_pg_lane_put(eh_pg_lane *lane, size_t from, size_t to, eh_pg_done *done)
{
    lane->from = from;
    lane->staged = to - from;
    lane->piece = (eh_effects){0};
    lane->twice = false;
    lane->folded = lane->again = lane->changes = lane->brief = lane->reborn = 0;
    lane->sent = done;
    eh_pg_lane_query(lane, put_of(lane)->stage, on_staged);
}
