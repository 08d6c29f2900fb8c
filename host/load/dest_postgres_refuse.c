/* load/dest_postgres_refuse.c: rows that the server refuses, found and left out.
 *
 * COPY is all or nothing, and the unit is in memory. The error's context names the row: it is
 * taken out and everything is sent again. After three such rows, or where no row is named (a
 * constraint checked late, a trigger), the rows go in pieces, each under a savepoint, and a
 * refused piece is split until single rows are refused. */
#include "load/dest_postgres_lane.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHOLE_REFUSALS_MAX 3
/* Pieces to begin with: few, since a session with many savepoints slows others down. */
#define PIECES    48
#define PIECE_MIN 512

bool eh_pg_is_refusal(const eh_err *err)
{
    return err->class_ == EH_CLASS_DATA && err->sqlstate[0] != '\0';
}

/* ---- which row -------------------------------------------------------------------------- */

/* Index of the row that the server named, among `count` rows sent; count when it named none. A
 * size limit (54xxx) may strike when rows are written in bulk, later than the row it is about.
 */
static size_t named_row(const eh_pg_lane *lane, size_t count)
{
    if (strncmp(eh_pgconn_error(lane->conn)->sqlstate, "54", 2) == 0) return count;
    bool put = lane->unit->encoder->put != NULL;
    int64_t row = eh_pgconn_error_row(lane->conn, put ? EH_PG_STAGE : lane->unit->table);
    return row >= 1 && (uint64_t)row <= count ? (size_t)row - 1 : count;
}

/* Makes row `index` a dead row by what the server said last; false: the lane has given up. */
static bool refuse(eh_pg_lane *lane, size_t index)
{
    const eh_err *said = eh_pgconn_error(lane->conn);
    char reason[sizeof said->message + 8];
    eh_err err = {.class_ = EH_OK};
    (void)snprintf(reason, sizeof reason, "%s: %s", said->sqlstate, said->message);
    bool ok =
        eh_dest_refuse_row(lane->unit, index, eh_pgconn_error_column(lane->conn), reason, &err);
    if (ok && eh_unit_is_rotten(lane->unit)) ok = eh_dest_fail_rotten(lane->unit, reason, &err);
    if (!ok) eh_pg_lane_give_up(lane, &err);
    return ok;
}

static void fail_memory(eh_pg_lane *lane)
{
    eh_err err = {.class_ = EH_OK};
    (void)eh_fail_memory(&err, "refused rows");
    eh_pg_lane_give_up(lane, &err);
}

void eh_pg_refuse_whole(eh_pg_lane *lane)
{
    size_t row = named_row(lane, lane->unit->rows);
    if (row < lane->unit->rows && lane->whole_refusals < WHOLE_REFUSALS_MAX) {
        lane->whole_refusals++;
        if (!refuse(lane, row)) return;
        eh_unit_remove_row(lane->unit, row);
    } else {
        lane->mode = EH_PG_SPLIT;
    }
    eh_pg_lane_restart(lane);
}

void eh_pg_refuse_commit(eh_pg_lane *lane)
{
    eh_err err = *eh_pgconn_error(lane->conn);
    if (lane->immediate) { /* checked at once, and broken at the end all the same */
        eh_pg_lane_give_up(lane, &err);
        return;
    }
    lane->mode = EH_PG_SPLIT;
    lane->immediate = true;
    eh_pg_lane_restart(lane);
}

/* ---- pieces ----------------------------------------------------------------------------- */

static bool push_size(size_t **list, size_t *count, size_t *capacity, size_t value)
{
    if (*count == *capacity) {
        size_t more = *capacity == 0 ? 64 : *capacity * 2;
        size_t *grown = realloc(*list, more * sizeof *grown);
        if (grown == NULL) return false;
        *list = grown;
        *capacity = more;
    }
    (*list)[(*count)++] = value;
    return true;
}

static bool push_end(eh_pg_lane *lane, size_t end)
{
    if (end <= lane->at) return true;
    if (lane->end_count > 0 && lane->ends[lane->end_count - 1] == end) return true;
    return push_size(&lane->ends, &lane->end_count, &lane->end_capacity, end);
}

static size_t piece_size(const eh_pg_lane *lane)
{
    size_t size = lane->unit->rows / PIECES + 1;
    return size < PIECE_MIN ? PIECE_MIN : size;
}

static void next_piece(eh_pg_lane *lane);

static void on_released(void *self)
{
    eh_pg_lane *lane = self;
    const eh_err *err = eh_pgconn_error(lane->conn);
    if (err->class_ != EH_OK)
        eh_pg_lane_failed(lane, err);
    else
        next_piece(lane);
}

static void end_piece(eh_pg_lane *lane)
{
    lane->at = lane->ends[--lane->end_count];
    const eh_pg_put *put = ((const eh_pg_encoder *)lane->unit->encoder)->put;
    eh_pg_lane_query(lane, put != NULL ? put->release : "RELEASE SAVEPOINT piece", on_released);
}

/* A refused piece: one row is dead; more are split, at the row that was named if one was, so
 * that it is judged alone before it is called dead. */
static void split_piece(eh_pg_lane *lane)
{
    size_t end = lane->ends[lane->end_count - 1], count = end - lane->at;
    bool ok;
    if (count == 1) {
        if (!refuse(lane, lane->at)) return;
        ok = push_size(&lane->refused, &lane->refused_count, &lane->refused_capacity, lane->at);
        lane->at = end;
        lane->end_count--;
    } else {
        size_t named = named_row(lane, count);
        if (named == count)
            ok = push_end(lane, lane->at + count / 2);
        else
            ok = push_end(lane, lane->at + named + 1) && push_end(lane, lane->at + named);
    }
    if (!ok)
        fail_memory(lane);
    else
        eh_pg_lane_query(lane, "ROLLBACK TO SAVEPOINT piece; RELEASE SAVEPOINT piece",
                         on_released);
}

static void on_piece(void *self)
{
    eh_pg_lane *lane = self;
    if (eh_pg_is_refusal(eh_pgconn_error(lane->conn)))
        split_piece(lane);
    else if (eh_pg_lane_sent(lane, lane->ends[lane->end_count - 1] - lane->at))
        end_piece(lane);
}

static void on_savepoint(void *self)
{
    eh_pg_lane *lane = self;
    const eh_err *err = eh_pgconn_error(lane->conn);
    if (err->class_ != EH_OK)
        eh_pg_lane_failed(lane, err);
    else
        eh_pg_lane_send(lane, lane->at, lane->ends[lane->end_count - 1], on_piece);
}

/* All pieces are with the server. The unit goes on without the refused rows, and is judged
 * again by its exact counts. */
static void end_split(eh_pg_lane *lane)
{
    eh_err err = {.class_ = EH_OK};
    eh_pg_drop_refused(lane);
    if (eh_unit_is_rotten(lane->unit)) {
        (void)eh_dest_fail_rotten(lane->unit, "see the dead rows", &err);
        eh_pg_lane_give_up(lane, &err);
        return;
    }
    eh_pg_lane_account(lane);
}

static void next_piece(eh_pg_lane *lane)
{
    size_t rows = lane->unit->rows;
    if (lane->at == rows) {
        end_split(lane);
        return;
    }
    if (lane->end_count == 0) {
        size_t size = piece_size(lane), left = rows - lane->at;
        if (!push_end(lane, lane->at + (left < size ? left : size))) {
            fail_memory(lane);
            return;
        }
    }
    eh_pg_lane_query(lane, "SAVEPOINT piece", on_savepoint);
}

void eh_pg_split_start(eh_pg_lane *lane)
{
    assert(lane->refused_count == 0);
    lane->at = 0;
    lane->end_count = 0;
    if (lane->immediate)
        eh_pg_lane_query(lane, "SET CONSTRAINTS ALL IMMEDIATE", on_released);
    else
        next_piece(lane);
}

void eh_pg_drop_refused(eh_pg_lane *lane)
{
    eh_unit_remove_rows(lane->unit, lane->refused, lane->refused_count);
    lane->refused_count = 0;
}
