/* load/dest_postgres.h: what the files of the PostgreSQL destination share; included by them
 * only.
 *
 * One control connection serves the blocking calls and the heartbeat, in short transactions;
 * each lane has a connection of its own, opened when its first unit comes
 * (dest_postgres_lane.h). Floor 3. */
#ifndef EH_LOAD_DEST_POSTGRES_H
#define EH_LOAD_DEST_POSTGRES_H

#include "data/copyenc.h"
#include "io/pgconn.h"
#include "load/dest_impl.h"

typedef struct eh_pg_lane eh_pg_lane;

typedef struct eh_pg {
    eh_dest base;
    char *url;         /* owned; holds a password */
    eh_pg_login login; /* of all connections */
    eh_pgconn *control;
    bool controlling; /* a transaction of it is open, also between two statements */
    bool odd_keys;    /* some key has text in which different bytes are equal */
    bool has_books;   /* the bookkeeping is there (always, unless read_only) */
    char *run_id;     /* owned; of the run whose heartbeat we keep, NULL before take-over */
    char *host;       /* owned */
    int64_t pid;
    int64_t pid_started;
    eh_watch *heartbeat;
    eh_pgconn *pulse;  /* beats while control works for long; else NULL */
    uint64_t random;   /* state of the jitter */
    eh_pg_lane **lane; /* base.lanes of them, NULL until used */
} eh_pg;

/* One more connection to the same database. */
eh_pgconn *eh_pg_connection(eh_pg *pg, bool read_write, eh_err *err);

/* ---- parameters of a statement ---------------------------------------------------------- */

enum { EH_PG_ARGS_MAX = 20 };

typedef struct eh_pg_args {
    const char *value[EH_PG_ARGS_MAX]; /* text; NULL is SQL NULL */
    char number[EH_PG_ARGS_MAX][24];
    size_t count;
} eh_pg_args;

void eh_pg_arg_int(eh_pg_args *args, int64_t value);
void eh_pg_arg_str(eh_pg_args *args, const char *text); /* borrowed */

/* ---- the control connection ------------------------------------------------------------- */

/* Runs a statement file inside the open transaction and waits; rows are then in pg->control.
 * args may be NULL. */
bool eh_pg_run(eh_pg *pg, const char *name, const eh_pg_args *args, eh_err *err) EH_MUST_USE;
/* The same for a file with spliced names, several statements, no parameters. */
typedef struct eh_sql_var eh_sql_var;
bool eh_pg_run_spliced(eh_pg *pg, const char *name, const eh_sql_var *vars, size_t count,
                       eh_err *err) EH_MUST_USE;

typedef bool eh_pg_body(eh_pg *pg, void *self, eh_err *err);

/* Runs body in a transaction of the control connection, connecting first where needed. A
 * transient failure runs it again, some times, after a pause: body must bear that. minutes: the
 * limit of a statement, 0 for none. */
bool eh_pg_transact(eh_pg *pg, int minutes, eh_pg_body *body, void *self,
                    eh_err *err) EH_MUST_USE;

/* The same with one snapshot for all statements, and no limit of their time. */
bool eh_pg_transact_snapshot(eh_pg *pg, eh_pg_body *body, void *self, eh_err *err) EH_MUST_USE;

/* Turns the loop for a jittered while; attempt counts from 0. */
bool eh_pg_pause(eh_pg *pg, unsigned attempt, eh_err *err) EH_MUST_USE;
int64_t eh_pg_backoff_us(eh_pg *pg, unsigned attempt);

/* Is the stream still mine? Otherwise class cancelled. For a transaction of the control
 * connection. */
bool eh_pg_fence(eh_pg *pg, const eh_stream_state *state, eh_err *err) EH_MUST_USE;
/* Judges the row of a fence: epoch, client, run. */
bool eh_pg_judge_fence(const eh_pgconn *conn, const eh_stream_state *state,
                       eh_err *err) EH_MUST_USE;

/* dest_postgres_refuse.c: is it a refusal of rows? */
bool eh_pg_is_refusal(const eh_err *err);

/* ---- rows ------------------------------------------------------------------------------- */

/* How the rows of a put get from the stage into the table, in this order. */
typedef enum eh_pg_step {
    EH_PG_STEP_REBORN, /* rows that are there go when the unit deletes them and has them again
                        */
    EH_PG_STEP_TWICE,  /* has a unit with records that lack fields one key twice? */
    EH_PG_STEP_FORGET, /* then what was before they were deleted does not count */
    EH_PG_STEP_LOCK,   /* then the rows that are there are locked */
    EH_PG_STEP_FOLD,   /* and its records put together */
    EH_PG_STEP_HELD,   /* history: versions that are there are locked */
    EH_PG_STEP_LATE,   /* rows that are older than they are go */
    EH_PG_STEP_FILL,   /* fields that records lack take the value before */
    EH_PG_STEP_DEDUPE, /* of one key the newest row */
    EH_PG_STEP_CHAIN,  /* what changes, and from when to when */
    EH_PG_STEP_VOID,   /* versions without any time go */
    EH_PG_STEP_CLOSE,  /* versions that are there end */
    EH_PG_STEP_OPEN,   /* new ones begin */
    EH_PG_STEP_TOUCH,  /* unchanged ones take the cursor */
    EH_PG_STEP_KNOWN, /* insert_only with child tables: rows that are there go from the stage */
    EH_PG_STEP_DELETE, /* merge: rows whose flag says so */
    EH_PG_STEP_UPDATE, /* rows that are there */
    EH_PG_STEP_INSERT, /* rows that are not */
    EH_PG_STEP_STALE,  /* counts those that are older than what is there */
    EH_PG_STEP_AGAIN,  /* UPDATE: rows that somebody else inserted meanwhile */
    EH_PG_STEP_INSERT_AGAIN,
    EH_PG_STEP_END
} eh_pg_step;

/* The statements of a put; NULL: it has no such step. */
typedef struct eh_pg_put {
    const char *stage;
    const char *release; /* drops it with its savepoint */
    const char *sql[EH_PG_STEP_END];
    const char *parents; /* which records say what child rows there are; NULL: there are none */
    const char *update_partial; /* UPDATE for units with records that lack fields */
} eh_pg_put;

#define EH_PG_STAGE       "etl_stage"
#define EH_PG_CHILD_STAGE "etl_child"

typedef struct eh_pg_encoder {
    eh_encoder base;
    bool text;            /* text COPY */
    const char *copy;     /* the COPY statement: into the table, or into the stage of a put */
    const eh_pg_put *put; /* NULL: rows are appended */
    eh_pg_column *columns;
    eh_column_info *info; /* the same columns as they were described */
    const bool *unknown;  /* a column that has no type yet takes null only */
} eh_pg_encoder;

const eh_encoder *eh_pg_encoder_new(eh_dest *dest, const eh_encoded *encoded, eh_arena *arena,
                                    const char **why_text, eh_err *err);

/* dest_postgres_put.c; NULL on failure. */
const eh_pg_put *eh_pg_put_new(const char *schema, const char *table,
                               const eh_column_info *columns, const eh_put *put,
                               eh_arena *arena, eh_err *err);

/* Columns of lane_begin_rows.sql: behind those of a fence. */
enum { EH_PG_BEGUN_NAME = 3, EH_PG_BEGUN_TYPE, EH_PG_BEGUN_TYPMOD };

/* Are the columns still those that the rows were encoded for? The connection has the answer to
 * lane_begin_rows.sql. Otherwise class transient. */
bool eh_pg_encoder_fits(const eh_encoder *base, const eh_pgconn *conn, eh_err *err) EH_MUST_USE;

/* ---- parts in other files --------------------------------------------------------------- */

/* dest_postgres_take.c */
bool eh_pg_take_over(eh_dest *dest, const eh_stream_key *key, const eh_run_info *run,
                     eh_stream_state *state, eh_err *err);
void eh_pg_stop_heartbeat(eh_pg *pg);

/* dest_postgres_schema.c */
bool eh_pg_describe(eh_dest *dest, const eh_stream_state *state, const char *schema,
                    const char *table, eh_arena *arena, eh_table_info *info, eh_err *err);
bool eh_pg_is_large(eh_dest *dest, const eh_stream_state *state, const char *schema,
                    const char *table, size_t limit, bool *large, eh_err *err);
/* The same inside the open transaction. */
bool eh_pg_look(eh_pg *pg, const eh_stream_state *state, const char *schema, const char *table,
                eh_arena *arena, eh_table_info *info, eh_err *err) EH_MUST_USE;

/* Inside the open transaction. */
bool eh_pg_make_schema(eh_pg *pg, const char *schema, eh_err *err) EH_MUST_USE;

/* dest_postgres_nested.c */
bool eh_pg_children(eh_dest *dest, const char *schema, const char *table, eh_arena *arena,
                    eh_child_table **children, size_t *count, eh_err *err);

/* dest_postgres_change.c */
bool eh_pg_change(eh_dest *dest, const eh_stream_state *state, const char *schema,
                  const char *table, const eh_change *changes, size_t count, eh_err *err);

/* dest_postgres_index.c */
bool eh_pg_key(eh_dest *dest, const eh_stream_state *state, const char *schema,
               const char *table, const eh_column_info *columns, const eh_put *put,
               eh_err *err);

/* dest_postgres_equip.c */
bool eh_pg_equip_table(eh_dest *dest, const eh_stream_state *state, const char *schema,
                       const char *table, eh_err *err);
/* A stream's table. */
typedef struct eh_pg_place {
    const eh_stream_state *state;
    const char *schema;
    const char *table;
} eh_pg_place;
/* The same inside the open transaction. views: as eh_pg_view_take gave them; index: now is the
 * time to make one. */
bool eh_pg_equip(eh_pg *pg, const eh_pg_place *at, const char *views, bool index,
                 eh_arena *arena, eh_err *err) EH_MUST_USE;
/* The view over all clients' tables of this name, by its schema (NULL: there is none): one
 * transaction at a time has it, from before it locks the table. It goes before columns change
 * their types, and eh_pg_equip makes it again. */
bool eh_pg_view_take(eh_pg *pg, const eh_pg_place *at, eh_arena *arena, const char **views,
                     eh_err *err) EH_MUST_USE;
bool eh_pg_view_drop(eh_pg *pg, const char *views, const char *table, eh_arena *arena,
                     eh_err *err) EH_MUST_USE;

/* dest_postgres_query.c */
bool eh_pg_administer(eh_dest *dest, eh_dest_job *jobs, size_t count, eh_err *err);

/* dest_postgres.c: for a transaction that finishes a load, or part of one. */
bool eh_pg_check_units(eh_pg *pg, const eh_stream_state *state, eh_err *err) EH_MUST_USE;
bool eh_pg_finish_load(eh_pg *pg, const eh_stream_state *state, const eh_doc *cursor,
                       eh_err *err) EH_MUST_USE;

/* dest_postgres_stage.c */
bool eh_pg_stage(eh_dest *dest, eh_stream_state *state, const char *input, const char *schema,
                 const char *table, eh_err *err);
bool eh_pg_stage_make(eh_dest *dest, eh_stream_state *state, const char *schema,
                      const char *table, eh_err *err);
bool eh_pg_stage_trim(eh_dest *dest, const eh_stream_state *state, const eh_stage_cut *cut,
                      eh_err *err);
bool eh_pg_promote(eh_dest *dest, const eh_stream_state *state, const eh_promotion *promotion,
                   eh_promoted *promoted, eh_err *err);

/* dest_postgres_lane.c */
bool eh_pg_submit(eh_dest *dest, const eh_stream_state *state, eh_unit *unit, eh_err *err);
void eh_pg_lane_free(eh_pg_lane *lane);
/* Gives idle lanes and their slots back when another run waits for a connection. */
void eh_pg_spare_lanes(eh_pg *pg);

#endif
