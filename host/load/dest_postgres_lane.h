/* load/dest_postgres_lane.h: a lane: one connection that commits one unit at a time.
 *
 * A lane is a chain of steps. Each step starts an operation on the connection and names the
 * step that looks at its outcome; the loop calls that. The chain ends in eh_pg_lane_done or,
 * when something goes wrong, in eh_pg_lane_failed, which decides whether the unit starts again.
 * Included by dest_postgres_lane.c, _refuse.c and _resolve.c only. Floor 3. */
#ifndef EH_LOAD_DEST_POSTGRES_LANE_H
#define EH_LOAD_DEST_POSTGRES_LANE_H

#include "load/dest_postgres.h"

/* How the rows are sent. */
typedef enum eh_pg_mode {
    EH_PG_WHOLE, /* one COPY */
    EH_PG_SPLIT  /* pieces under savepoints, to find the rows that the server refuses */
} eh_pg_mode;

struct eh_pg_lane {
    eh_pg *pg;
    eh_pgconn *conn;
    eh_watch *timer; /* of a pause */
    eh_unit *unit;   /* NULL: idle */
    eh_stream_state state;
    unsigned tries;      /* of this unit, after transient failures */
    unsigned pauses;     /* so far; they grow */
    int64_t deadline_us; /* monotonic: no try begins after it */
    char *client;        /* owned; of the stream, read with the fence */
    eh_buf header;       /* of binary COPY; once */
    eh_buf trailer;
    eh_buf dead; /* encoded dead rows */
    eh_buf sql;
    /* rows that the server refuses */
    bool looked_again; /* once, after the server did not know what the unit was made for */
    eh_pg_mode mode;
    unsigned whole_refusals; /* rows taken out by the line that the server named */
    bool immediate; /* deferred constraints are checked at once: COMMIT found one broken */
    size_t
        *refused; /* owned; indexes of encoded rows, ascending, still among the encoded ones */
    size_t refused_count;
    size_t refused_capacity;
    size_t *ends; /* owned; stack: where the pieces to come end, the next one on top */
    size_t end_count;
    size_t end_capacity;
    size_t at; /* first row of the next piece */
    /* rows that are put, of the unit or of a piece */
    eh_pg_step step;
    size_t from;
    size_t staged;
    bool twice;         /* some key comes twice */
    uint64_t folded;    /* records put together */
    uint64_t reborn;    /* rows that the unit deletes and has again */
    uint64_t again;     /* rows that came between */
    uint64_t changes;   /* of a history */
    uint64_t brief;     /* of them: versions that end when they begin */
    eh_effects piece;   /* of these rows */
    eh_effects effects; /* of the pieces that are done */
    eh_pg_done *sent;
    /* of a unit with child tables */
    size_t part;      /* at work */
    bool has_parents; /* etl_parents is there */
    eh_pg_done *done;
};

/* ---- dest_postgres_lane.c --------------------------------------------------------------- */

/* Sends rows [from, to) with COPY; done is the step that looks at the outcome. */
void eh_pg_lane_copy(eh_pg_lane *lane, size_t from, size_t to, eh_pg_done *done);
/* The same in the way that the unit's rows reach the table: COPY alone, or by a put. A done
 * that finds no error takes its count with eh_pg_lane_sent. */
void eh_pg_lane_send(eh_pg_lane *lane, size_t from, size_t to, eh_pg_done *done);
bool eh_pg_lane_sent(eh_pg_lane *lane, size_t rows);
/* True when the COPY of `rows` rows went well; the lane has failed otherwise. */
bool eh_pg_lane_copied(eh_pg_lane *lane, size_t rows);
/* All rows are with the server: dead rows, ledger, COMMIT. */
void eh_pg_lane_account(eh_pg_lane *lane);
/* Rolls back and starts the unit again at once; not counted as a try. */
void eh_pg_lane_restart(eh_pg_lane *lane);
/* The unit cannot go on: again after a pause if the class is transient, else it ends so. */
void eh_pg_lane_failed(eh_pg_lane *lane, const eh_err *err);
/* The unit is committed. */
void eh_pg_lane_done(eh_pg_lane *lane);
/* Sends statements without parameters; done is the step that looks at the outcome. */
void eh_pg_lane_query(eh_pg_lane *lane, const char *sql, eh_pg_done *done);
/* Calls step after a jittered pause. */
void eh_pg_lane_pause(eh_pg_lane *lane, eh_pg_done *step);
/* The unit's transaction, from its start. */
void eh_pg_lane_start(void *lane);
/* Ends the unit with an error that no further try will mend. */
void eh_pg_lane_give_up(eh_pg_lane *lane, const eh_err *err);
/* Counts a try; false when the unit has had enough of them, or its time is over. */
bool eh_pg_lane_may_try(eh_pg_lane *lane);
/* Is there time left to wait for something that must be known? */
bool eh_pg_lane_may_wait(const eh_pg_lane *lane);

/* ---- dest_postgres_steps.c -------------------------------------------------------------- */

/* Sends rows [from, to) to a stage, and from there into the table. done is called at the first
 * error, or with the effects in lane->piece. */
void eh_pg_lane_put(eh_pg_lane *lane, size_t from, size_t to, eh_pg_done *done);

/* ---- dest_postgres_nested.c ------------------------------------------------------------- */

/* The same with the rows of child tables, however they reach their tables. */
void eh_pg_lane_send_nested(eh_pg_lane *lane, size_t from, size_t to, eh_pg_done *done);

/* ---- dest_postgres_dead.c --------------------------------------------------------------- */

/* Appends text as the server takes it: UTF-8 without NUL. What is not keeps its ASCII. */
bool eh_pg_clean_text(eh_buf *out, eh_slice text, eh_err *err) EH_MUST_USE;
/* Appends the unit's dead rows for copy_dead.sql, without header and trailer. */
bool eh_pg_encode_dead(const eh_unit *unit, const eh_stream_state *state, const char *client,
                       eh_buf *out, eh_err *err) EH_MUST_USE;

/* ---- dest_postgres_refuse.c ------------------------------------------------------------- */

/* One COPY of everything was refused: finds the row and starts again. */
void eh_pg_refuse_whole(eh_pg_lane *lane);
/* COMMIT was refused: a deferred constraint. */
void eh_pg_refuse_commit(eh_pg_lane *lane);
/* Sends the rows in pieces under savepoints. */
void eh_pg_split_start(eh_pg_lane *lane);
/* Takes the rows refused so far out of the unit. */
void eh_pg_drop_refused(eh_pg_lane *lane);

/* ---- dest_postgres_resolve.c ------------------------------------------------------------ */

/* The connection was lost after COMMIT was sent: finds out what became of it. */
void eh_pg_resolve(void *lane);

#endif
