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

/* A unit whose rows are being put. */
typedef struct eh_lite_job {
    eh_lite_lane *lane;
    const eh_unit *unit;
    const eh_put *put;
    const eh_lite_put *statements;
    eh_sqlite_stmt *stmt[EH_LITE_OPS];
    eh_lite_keys keys;
    /* one row each, of the encoder's columns; owned */
    eh_lite_cell *row;    /* that is put */
    eh_lite_cell *other;  /* that is looked at */
    eh_lite_cell *newest; /* the cursor of the record that a folded field came from */
    eh_lite_cell *there;  /* the columns of the table, where they are in the encoder */
    char *absent;         /* digits, of a folded row */
    bool *taken;          /* the folded row has the field */
    bool is_there;
    eh_lite_cell *kept;         /* owned; history: the columns of eh_put.kept */
    eh_buf held;                /* bytes of the version that is there */
    eh_lite_cell valid_from;    /* history: of the version that is there */
    struct eh_lite_link *chain; /* owned; see dest_sqlite_history.c */
    size_t chain_capacity;
    eh_effects *effects;
    struct eh_lite_nested *nested; /* owned; NULL: there are no child tables */
} eh_lite_job;

/* Looks up the row with the key of j->row: j->is_there, j->there, j->valid_from. Their bytes
 * are valid until the next look. */
bool eh_lite_job_find(eh_lite_job *j, eh_err *err) EH_MUST_USE;
/* Is it as new as the row that is there? */
bool eh_lite_job_is_newer(const eh_lite_job *j, const eh_lite_cell *cells);
/* Cells of the encoder's columns, to the parameters of the same numbers. */
void eh_lite_job_bind(const eh_lite_job *j, eh_lite_op op, const eh_lite_cell *cells);
/* Has the record no field for column i? */
bool eh_lite_job_lacks(const eh_lite_job *j, const eh_lite_cell *cells, size_t i);
/* Runs the bound statement; *go_on as eh_lite_lane_stepped says. True when it is done. */
bool eh_lite_job_step(eh_lite_job *j, eh_lite_op op, size_t row, bool *go_on, eh_err *err);

/* dest_sqlite_nested.c: the rows of child tables. Of a unit whose records are appended: */
bool eh_lite_append_parts(eh_lite_lane *lane, eh_err *err) EH_MUST_USE;
/* And of one whose records are put. */
bool eh_lite_nested_begin(eh_lite_job *j, eh_err *err) EH_MUST_USE;
void eh_lite_nested_end(eh_lite_job *j);
/* The record in j->row is in the table as it is, or gone; row: of the unit, for what is
 * refused. False: the attempt is over. */
bool eh_lite_nested_put(eh_lite_job *j, size_t row, bool gone, eh_err *err) EH_MUST_USE;

/* dest_sqlite_history.c: the rows of the key that row `last` of the unit is the last one of.
 * False: the attempt is over. */
bool eh_lite_history_key(eh_lite_job *j, size_t last, eh_err *err) EH_MUST_USE;

#endif
