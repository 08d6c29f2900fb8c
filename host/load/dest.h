/* load/dest.h: one destination database, as the loader sees it.
 *
 * Everything here is the load protocol (design section 6) seen from the side of the database:
 * bookkeeping beside the data, take-over with an epoch, schema changes in short fenced
 * transactions, and units of rows that commit together with their ledger. One file a
 * destination implements it (dest_postgres*.c, dest_sqlite*.c); nothing else in the project
 * writes to a destination. Calls block by turning the loop (io/loop.h), except submit, whose
 * unit finishes later. Floor 3. */
#ifndef EH_LOAD_DEST_H
#define EH_LOAD_DEST_H

#include "base/clock.h"
#include "base/doc.h"
#include "data/batch.h"
#include "io/loop.h"
#include "io/slots.h"
#include "load/stage.h"
#include "load/unit.h"

typedef struct eh_dest eh_dest;

/* ---- what is loaded -----------------------------------------------------------------------
 */

typedef struct eh_stream_key {
    const char *client; /* "" without a client */
    const char *instance;
    const char *resource;
    const char *schema; /* database schema; "main" on SQLite */
    const char *table;
} eh_stream_key;

typedef struct eh_run_info {
    const char *run_id;
    const char *pipeline;    /* path as shown to people */
    const char *script_hash; /* hex */
    const char *config_hash; /* hex */
    const char *host;        /* name of this machine */
    int64_t pid;             /* of the engine, and its start time in clock ticks since boot */
    int64_t pid_started;
    bool take_over; /* the operator's word: take the stream even from a live run */
} eh_run_info;

/* What a table that etlhost makes is to have beside its columns. */
typedef struct eh_table_options {
    bool index;         /* one that leads with _client_id and _source */
    const char *cursor; /* the cursor's column, third in it; it stays open until it has a value.
                           NULL: none */
    bool by_client;     /* row-level security: who reads for a client sees that client's rows */
    const char
        *views; /* schema of the view over all clients' tables of this name; NULL: none */
    const char *comments; /* a JSON map: of the table under "", of columns under their names;
                             NULL: none is declared */
} eh_table_options;

typedef struct eh_stream_state {
    int64_t stream_id;
    int64_t epoch;   /* mine; every transaction of this run checks it */
    int64_t load_id; /* of this run of this stream: the value of _load_id */
    int64_t units;   /* how many of its units have committed: counted by the loader, checked by
                        finish */
    eh_table_options table;  /* of its table; text is borrowed */
    int64_t generation;      /* of the stream's rows in the table */
    int64_t unit_generation; /* under which its units and files are looked up and recorded */
    eh_staging staging;
    char stage[56]; /* the table in eh_dest_stage_schema that takes its rows; "" for none */
    bool staged;    /* and it is there */
    eh_child_stage *children; /* of its child tables; borrowed */
    size_t child_count;
} eh_stream_state;

/* ---- the table as it really is ------------------------------------------------------------
 */

typedef struct eh_column_info {
    const char *name;
    eh_type type;       /* the etlhost type whose values it takes */
    const char *native; /* "numeric(10,2)": for messages */
    uint32_t native_id; /* Postgres: pg_type.oid; else 0 */
    int32_t typmod;     /* Postgres: atttypmod; else -1 */
    bool not_null;      /* and no default: a row must bring it */
    bool generated;     /* generated or identity always: cannot be written */
    bool defaulted;     /* the database fills it where a row does not */
    bool narrow;        /* it takes less than its type: numeric(10,2), varchar(5), real */
    bool open;    /* made by this stream in a load that has not finished: may be widened in
                     place */
    bool unknown; /* open, and only null so far (the native type is text) */
    const char *written; /* the name as the source wrote it, when recorded; else NULL */
    const char *blocker; /* why its type cannot be changed in place ("view public.v depends on
                            it"); NULL when nothing is known to */
} eh_column_info;

typedef struct eh_table_info {
    bool exists;
    bool has_rows;
    bool no_copy;         /* row-level security holds us, and COPY with it */
    bool no_policy;       /* ... and no policy lets us insert */
    bool no_insert;       /* we lack the privilege */
    bool no_change;       /* its columns are others' to change */
    bool before_trigger;  /* one may change a row before it is stored */
    const char *triggers; /* of inserts: "audit, stamp"; NULL: none */
    size_t count;
    eh_column_info *columns;
} eh_table_info;

typedef enum eh_change_kind {
    EH_CHANGE_CREATE_TABLE, /* followed by an ADD_COLUMN a column; all in one transaction */
    EH_CHANGE_ADD_COLUMN,
    EH_CHANGE_TYPE
} eh_change_kind;

typedef struct eh_change {
    eh_change_kind kind;
    const char *column;
    const char
        *written; /* recorded; NULL for columns that etlhost adds, which are never open */
    eh_type from;
    eh_type to;         /* UNKNOWN: text for now, still open */
    bool declared;      /* a person declared the type: the column is not open */
    const char *why;    /* "row 200,001 of orders.csv is 1.25" */
    const char *parent; /* CREATE_TABLE of a child table: its parent in the same schema */
    const char *field;  /* and the field there */
} eh_change;

/* A child table that the bookkeeping knows, and that is there. */
typedef struct eh_child_table {
    const char *table;
    const char *parent; /* in the same schema */
    const char *field;  /* the parent's, by its name in the table */
} eh_child_table;

/* ---- a file as the ledger knows it ---------------------------------------------------------
 */

typedef struct eh_range {
    uint64_t start, end;
    uint64_t row_end, line_end; /* to go on from `end` */
} eh_range;

typedef struct eh_ledger {
    bool known;           /* some unit of these bytes is committed for this stream */
    bool complete;        /* all of them are */
    const char *name;     /* the name under which they came first */
    int64_t committed_us; /* of the latest unit */
    uint64_t rows;        /* loaded from it so far */
    eh_range *ranges;     /* committed, ascending by start */
    size_t range_count;
    const char *header; /* as in eh_unit */
    bool last_known;    /* a committed range reaches the end of the input */
    bool name_known;    /* another content was loaded under the name asked for */
} eh_ledger;

/* ---- the interface -------------------------------------------------------------------------
 */

/* Connects, checks the server, and makes or upgrades the bookkeeping. url: "sqlite:PATH" or a
 * libpq connection string. NULL on failure: auth, transient (connection), config, destination.
 * With read_only nothing is made. */
eh_dest *eh_dest_open(const char *url, size_t lanes, bool read_only, eh_loop *loop,
                      const eh_clock *clock, eh_err *err);
/* From now on each lane but the first takes a slot for its connection; without one there is no
 * such lane. One that others wait for is given back. Borrowed; NULL: no limit. */
void eh_dest_share(eh_dest *dest, eh_slots *slots);
/* Rolls back what is open. NULL is fine. */
void eh_dest_close(eh_dest *dest);

const char *eh_dest_kind(const eh_dest *dest);  /* "postgres" or "sqlite" */
const char *eh_dest_where(const eh_dest *dest); /* where the data is, for people, no secrets */
const char *eh_dest_default_schema(const eh_dest *dest); /* "etl"; "main" on SQLite */
size_t eh_dest_lane_count(const eh_dest *dest);

/* Increments the stream's epoch and opens a load. A live run of the same stream (fresh
 * heartbeat, and its process alive when on this host) is named and refused, class cancelled,
 * unless take_over. A blocker that is ours and stale is terminated. */
bool eh_dest_take_over(eh_dest *dest, const eh_stream_key *key, const eh_run_info *run,
                       eh_stream_state *state, eh_err *err) EH_MUST_USE;

/* Looks at the real catalog of the database. state may be NULL (nothing is open then). Result
 * in the arena. */
bool eh_dest_describe(eh_dest *dest, const eh_stream_state *state, const char *schema,
                      const char *table, eh_arena *arena, eh_table_info *info,
                      eh_err *err) EH_MUST_USE;

/* The child tables of a table, theirs included, parents first. Result in the arena. */
bool eh_dest_children(eh_dest *dest, const char *schema, const char *table, eh_arena *arena,
                      eh_child_table **children, size_t *count, eh_err *err) EH_MUST_USE;

/* Has the table more than `limit` rows, this load's own not counted, so that the answer is the
 * same whenever it is asked? Reads at most one row more. */
bool eh_dest_is_large(eh_dest *dest, const eh_stream_state *state, const char *schema,
                      const char *table, size_t limit, bool *large, eh_err *err) EH_MUST_USE;

/* Applies the changes in one fenced transaction and records them. No lane may be busy. A change
 * that another run made meanwhile is not an error: describe again. Types change with their
 * values kept as they came; timestamps that become text are printed as eh_print_timestamp does.
 */
bool eh_dest_change(eh_dest *dest, const eh_stream_state *state, const char *schema,
                    const char *table, const eh_change *changes, size_t count,
                    eh_err *err) EH_MUST_USE;

/* Gives a table that is there what the stream's table options ask for and it lacks. Fenced; no
 * lane may be busy. eh_dest_change does it, too, but for the index: that is made when rows are
 * there, since rows that come take three times as long with it. */
bool eh_dest_equip(eh_dest *dest, const eh_stream_state *state, const char *schema,
                   const char *table, eh_err *err) EH_MUST_USE;

/* Who is told of what the destination could not do and can live without; NULL: nobody. */
void eh_dest_on_notice(eh_dest *dest, void (*notice)(void *self, const char *text), void *self);

/* How often eh_dest_change has been called: one that differs from before means that a
 * description may be out of date, since streams of one run may share a table. */
uint64_t eh_dest_changes(const eh_dest *dest);

/* What is known of an input (identity by content) and of its name. Result in the arena. */
bool eh_dest_ledger(eh_dest *dest, const eh_stream_state *state, const char *input,
                    const char *name, eh_arena *arena, eh_ledger *ledger,
                    eh_err *err) EH_MUST_USE;

/* The columns of a table that rows are encoded for, in this order. */
typedef struct eh_encoded {
    const char *schema;
    const char *table;
    const eh_column_info *columns;
    const bool *declared; /* a person declared the column's type; NULL: of none */
    size_t count;
    const eh_put *put; /* how they reach the table, in terms of these columns; NULL: they are
                          appended */
} eh_encoded;

/* How rows are encoded for these columns, which are borrowed; valid until the arena is reset.
 * *why_text names the columns that force text COPY, NULL if none do. */
const eh_encoder *eh_dest_encoder(eh_dest *dest, const eh_encoded *encoded, eh_arena *arena,
                                  const char **why_text, eh_err *err);

/* Does this destination know how to put rows, or only to append them? */
bool eh_dest_puts(const eh_dest *dest);

/* Makes the unique index of a put's key where the table has none; fenced. Keys that are there
 * twice are class data, with ten of them. */
bool eh_dest_key(eh_dest *dest, const eh_stream_state *state, const char *schema,
                 const char *table, const eh_column_info *columns, const eh_put *put,
                 eh_err *err) EH_MUST_USE;

/* Hands a closed unit to a lane; the destination owns it until eh_dest_take_done returns it.
 * Blocks (turning the loop) until a lane is idle. Failing to submit leaves the unit with the
 * caller. Server refusals of single rows (SQLSTATE classes 22 and 23) and transient failures
 * (deadlock, lost connection, lost answer to COMMIT) are dealt with inside, bounded; what
 * remains is unit->err. */
bool eh_dest_submit(eh_dest *dest, const eh_stream_state *state, eh_unit *unit,
                    eh_err *err) EH_MUST_USE;

/* A finished unit (look at unit->err), or NULL when none is. */
eh_unit *eh_dest_take_done(eh_dest *dest);
/* Units submitted and not yet taken, and how many of them are not finished yet. */
size_t eh_dest_in_flight(const eh_dest *dest);
size_t eh_dest_busy_lanes(const eh_dest *dest);

/* ---- rows that take the place of others (load/stage.h) ----------------------------------- */

/* Where stages are; their names begin as those of the bookkeeping do. */
const char *eh_dest_stage_schema(const eh_dest *dest);

/* The name of a child table's stage, beside state->stage. */
void eh_dest_name_stage(const eh_stream_state *state, eh_child_stage *child);

/* From now on the stream's rows are of this kind; NONE goes back. What a killed run has
 * collected is found again, unless the table was changed meanwhile or, for a file (whose
 * content is `input`), another one was at work: then it is dropped, with the stages of child
 * tables. state->staged tells, and of those `there`. No lane may be busy. */
bool eh_dest_stage(eh_dest *dest, eh_stream_state *state, eh_staging staging, const char *input,
                   const char *schema, const char *table, eh_err *err) EH_MUST_USE;

/* Makes the stage, with the columns of the table, which must be there. No lane may be busy. */
bool eh_dest_stage_make(eh_dest *dest, eh_stream_state *state, const char *schema,
                        const char *table, eh_err *err) EH_MUST_USE;

/* What its units from some place on have put into the stage goes, with them. No lane may be
 * busy. */
bool eh_dest_stage_trim(eh_dest *dest, const eh_stream_state *state, const eh_stage_cut *cut,
                        eh_err *err) EH_MUST_USE;

/* Puts what is in the stage in the place of what it replaces, in one fenced transaction, and
 * drops the stage; the ledger changes with it. Rows of other streams stay untouched. ALL is a
 * finish, too. No lane may be busy. */
bool eh_dest_promote(eh_dest *dest, const eh_stream_state *state, const eh_promotion *promotion,
                     eh_promoted *promoted, eh_err *err) EH_MUST_USE;

/* The stream's load is complete: its columns are no longer open, cursor (may be NULL) is
 * promoted, the load is closed with its counts. Fenced; no unit of this stream may be
 * under way (units of other streams may). */
bool eh_dest_finish(eh_dest *dest, const eh_stream_state *state, const eh_doc *cursor,
                    eh_err *err) EH_MUST_USE;

/* The load ends without success; best effort, records why. */
void eh_dest_abandon(eh_dest *dest, const eh_stream_state *state, const eh_err *why);

/* ---- admin verbs --------------------------------------------------------------------------
 */

/* Runs load/sql/<kind>/<name>.sql with text parameters ($1 or ?1 ...) in one transaction and
 * gives each row as a map of text (null for NULL). */
bool eh_dest_query(eh_dest *dest, const char *name, const char *const *params, size_t count,
                   eh_arena *arena, eh_doc **rows, eh_err *err) EH_MUST_USE;

struct eh_sql_var; /* load/dest_sql.h */

typedef struct eh_dest_step {
    const char *query;             /* as for eh_dest_query */
    const struct eh_sql_var *vars; /* names that are spliced in */
    size_t var_count;
    const char *const *params;
    size_t param_count;
    const char *file;   /* rows go to this new CSV file, and the answer is {rows: how many};
                           NULL: rows are the answer */
    const char *expect; /* the first value of the first row must be this; NULL: anything */
    size_t like;        /* or what that earlier step gave, from 1; 0: anything */
    const char *what;   /* for people: what is expected */
    bool bare;          /* it is not about the bookkeeping, which need not be there */
    bool alone;         /* the only one, and outside of a transaction */
    eh_doc *rows;       /* the answer, in the arena */
} eh_dest_step;

/* Runs the steps in one transaction: all of them or none. Several see one snapshot. Files of
 * steps that were not committed are removed. */
bool eh_dest_administer(eh_dest *dest, eh_dest_step *steps, size_t count, eh_arena *arena,
                        eh_err *err) EH_MUST_USE;

#endif
