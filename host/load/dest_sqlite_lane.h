/* load/dest_sqlite_lane.h: the lane's state, shared by dest_sqlite_lane.c and
 * dest_sqlite_merge.c only. Floor 3. */
#ifndef EH_LOAD_DEST_SQLITE_LANE_H
#define EH_LOAD_DEST_SQLITE_LANE_H

#include "load/dest_sqlite_put.h"

#include <pthread.h>

typedef enum eh_lite_phase {
    EH_LITE_IDLE,
    EH_LITE_GIVEN, /* a unit is the thread's */
    EH_LITE_BACK,  /* it is ours again, with an outcome */
    EH_LITE_QUIT
} eh_lite_phase;

typedef struct eh_lite_refusal {
    size_t row;        /* index of the encoded row */
    char reason[1024]; /* as long as an error's message */
} eh_lite_refusal;

/* A statement of the latest unit, kept for the next. */
typedef struct eh_lite_slot {
    eh_sqlite_stmt *stmt; /* owned */
    char *sql;            /* owned; its text */
} eh_lite_slot;

struct eh_lite_lane {
    eh_lite *lite;
    eh_watch *watch;
    int event_fd;
    bool started; /* the thread */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t given;
    eh_lite_phase phase; /* behind the mutex */
    /* the thread's between GIVEN and BACK, ours otherwise */
    eh_lite_db db;
    eh_lite_slot slots[EH_LITE_OPS];
    eh_arena *arena;
    eh_stream_state state;
    eh_unit *unit;
    const char *client;       /* in the arena */
    eh_effects effects;       /* of the attempt */
    eh_err err;               /* of the attempt */
    eh_lite_refusal *refused; /* owned; if any, nothing was committed */
    size_t refused_count;
    size_t refused_capacity;
};

/* The prepared statement for this text, from the slot when it has it. NULL on failure. */
eh_sqlite_stmt *eh_lite_lane_statement(eh_lite_lane *lane, eh_lite_op op, const char *sql,
                                       eh_err *err);

/* What a step with the row's values came to. *go_on: false when the attempt is over, because it
 * failed or because so many rows are refused that the unit is lost anyway. Returns whether the
 * step was done. */
bool eh_lite_lane_stepped(eh_lite_lane *lane, size_t row, eh_step step, const eh_err *failure,
                          bool *go_on, eh_err *err);

/* dest_sqlite_merge.c: the unit's rows, as its encoder's put says. Rows that are refused are
 * noted in the lane. */
bool eh_lite_put_rows(eh_lite_lane *lane, eh_err *err) EH_MUST_USE;

#endif
