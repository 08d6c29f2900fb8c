/* load/dest_sqlite.h: what the files of the SQLite destination share; included by them only.
 *
 * One connection, one lane; every transaction is BEGIN IMMEDIATE, so that two processes wait
 * for each other at its start and never deadlock inside. Floor 3. */
#ifndef EH_LOAD_DEST_SQLITE_H
#define EH_LOAD_DEST_SQLITE_H

#include "io/sqlite.h"
#include "load/dest_impl.h"

/* A connection; used by one thread at a time. */
typedef struct eh_lite_db {
    eh_sqlite *sql;
    eh_clock clock;
} eh_lite_db;

typedef struct eh_lite_lane eh_lite_lane;

typedef struct eh_lite {
    eh_dest base;
    eh_lite_db control;
    char *path;     /* owned */
    bool has_books; /* the bookkeeping is there (always, unless read_only) */
    char *run_id;   /* owned; of the run whose heartbeat we keep, NULL before take-over */
    char *host;     /* owned */
    int64_t pid;
    int64_t pid_started;
    eh_watch *heartbeat;
    eh_lite_lane *lane; /* NULL until the first unit */
} eh_lite;

/* dest_sqlite_open.c */
/* How long a connection waits for another process that writes. */
enum { EH_LITE_BUSY_MS = 30000 };
/* Opens the control connection and makes or upgrades the bookkeeping. */
bool eh_lite_prepare_file(eh_lite *lite, eh_err *err) EH_MUST_USE;
/* Opens the file and sets what every connection needs. */
bool eh_lite_open(const eh_lite *lite, eh_lite_db *db, eh_err *err) EH_MUST_USE;

typedef struct eh_lite_arg {
    enum { EH_LITE_NULL, EH_LITE_INT, EH_LITE_TEXT, EH_LITE_BLOB } kind;
    int64_t integer;
    eh_slice bytes;
} eh_lite_arg;

static inline eh_lite_arg eh_lite_int(int64_t value)
{
    return (eh_lite_arg){.kind = EH_LITE_INT, .integer = value};
}

static inline eh_lite_arg eh_lite_slice(eh_slice bytes)
{
    return (eh_lite_arg){.kind = EH_LITE_TEXT, .bytes = bytes};
}

static inline eh_lite_arg eh_lite_blob(eh_slice bytes)
{
    return (eh_lite_arg){.kind = EH_LITE_BLOB, .bytes = bytes};
}

/* NULL text is SQL NULL. */
static inline eh_lite_arg eh_lite_str(const char *text)
{
    return text != NULL ? eh_lite_slice(eh_slice_str(text))
                        : (eh_lite_arg){.kind = EH_LITE_NULL};
}

/* Now, as the bookkeeping writes it; out: 40 bytes. */
const char *eh_lite_now(const eh_lite_db *db, char *out);

/* A statement file, prepared and bound; free it with eh_sqlite_free. The arguments are
 * borrowed. */
eh_sqlite_stmt *eh_lite_prepare(eh_lite_db *db, const char *name, const eh_lite_arg *args,
                                size_t count, eh_err *err);
/* Runs a statement file that gives no rows (or whose rows do not matter). */
bool eh_lite_run(eh_lite_db *db, const char *name, const eh_lite_arg *args, size_t count,
                 eh_err *err) EH_MUST_USE;
/* The first column of the first row; 0 when there is none. */
bool eh_lite_number(eh_lite_db *db, const char *name, const eh_lite_arg *args, size_t count,
                    int64_t *value, eh_err *err) EH_MUST_USE;

/* A write transaction. begin waits for other writers. end commits when ok, else rolls back; it
 * returns whether the transaction is committed. */
bool eh_lite_begin(eh_lite_db *db, eh_err *err) EH_MUST_USE;
bool eh_lite_end(eh_lite_db *db, bool ok, eh_err *err) EH_MUST_USE;
void eh_lite_rollback(eh_lite_db *db);
/* The same for what somebody is told has happened: it must outlive a power failure. */
bool eh_lite_begin_lasting(eh_lite_db *db, eh_err *err) EH_MUST_USE;
bool eh_lite_end_lasting(eh_lite_db *db, bool ok, eh_err *err) EH_MUST_USE;

/* Is the stream still mine? Otherwise class cancelled. client (may be NULL): the stream's
 * client, in the arena. */
bool eh_lite_fence(eh_lite_db *db, const eh_stream_state *state, eh_arena *arena,
                   const char **client, eh_err *err) EH_MUST_USE;

/* Writes that the run of this process is alive. */
bool eh_lite_sign_of_life(const eh_lite *lite, eh_lite_db *db, eh_err *err) EH_MUST_USE;

/* dest_sqlite_schema.c */
bool eh_lite_describe(eh_dest *dest, const eh_stream_state *state, const char *schema,
                      const char *table, eh_arena *arena, eh_table_info *info, eh_err *err);
bool eh_lite_is_large(eh_dest *dest, const eh_stream_state *state, const char *schema,
                      const char *table, size_t limit, bool *large, eh_err *err);
bool eh_lite_change(eh_dest *dest, const eh_stream_state *state, const char *schema,
                    const char *table, const eh_change *changes, size_t count, eh_err *err);

/* dest_sqlite_nested.c */
bool eh_lite_children(eh_dest *dest, const char *schema, const char *table, eh_arena *arena,
                      eh_child_table **children, size_t *count, eh_err *err);

/* dest_sqlite_rebuild.c: changes the type of one column of a plain table inside the open
 * transaction. recorded: the table whose recorded changes are this one's, too. */
bool eh_lite_retype(eh_lite_db *db, const eh_table_info *info, const char *table,
                    const char *recorded, const char *column, eh_type from, eh_type to,
                    eh_err *err) EH_MUST_USE;
/* The CREATE TABLE columns of a table that etlhost made and nobody altered by other means. */
bool eh_lite_columns_sql(const eh_table_info *info, const char *change, eh_type to, eh_buf *out,
                         eh_err *err) EH_MUST_USE;
const char *eh_lite_native(eh_type type); /* "INTEGER", "REAL", "TEXT" */

/* dest_sqlite_rows.c */
const eh_encoder *eh_lite_encoder_new(eh_dest *dest, const eh_encoded *encoded, eh_arena *arena,
                                      const char **why_text, eh_err *err);
/* The statement that stores a row. */
const char *eh_lite_encoder_insert(const eh_encoder *encoder);
/* How its rows are put by their key; NULL: they are appended. */
typedef struct eh_lite_put eh_lite_put;
const eh_lite_put *eh_lite_encoder_put(const eh_encoder *encoder);
/* An encoded cell; the bytes of text and blobs lie in the unit. */
typedef struct eh_lite_cell {
    eh_sqlite_kind kind;
    int64_t integer;
    double real;
    eh_slice bytes;
} eh_lite_cell;
/* Reads the cell at p; returns where the next one begins. */
const char *eh_lite_read_cell(const char *p, eh_lite_cell *cell);
void eh_lite_bind_cell(eh_sqlite_stmt *stmt, int index, const eh_lite_cell *cell);
/* A column of a key as it is compared, or (not 0) the parameter that is compared with it:
 * numbers that are kept as text are equal when they are equal as numbers. */
bool eh_lite_spell_key(eh_buf *out, const eh_column_info *column, size_t parameter,
                       eh_err *err) EH_MUST_USE;
/* Binds the encoded row at p to the statement; returns where the next one begins. Text stays
 * where it lies. */
const char *eh_lite_bind_row(eh_sqlite_stmt *stmt, const eh_encoder *encoder, const char *p);

/* dest_sqlite_query.c */
bool eh_lite_administer(eh_dest *dest, eh_dest_job *jobs, size_t count, eh_err *err);

/* dest_sqlite_put.c: the statements of a put, in the arena. */
const eh_lite_put *eh_lite_put_new(const char *table, const eh_column_info *columns,
                                   const eh_put *put, eh_arena *arena, eh_err *err);

/* dest_sqlite_key.c: the unique index of a put's key. */
bool eh_lite_key(eh_dest *dest, const eh_stream_state *state, const char *schema,
                 const char *table, const eh_column_info *columns, const eh_put *put,
                 eh_err *err);

/* dest_sqlite.c: finishes a load inside the open transaction, which has looked at the fence. */
bool eh_lite_finish_load(eh_lite *lite, const eh_stream_state *state, const eh_doc *cursor,
                         eh_err *err) EH_MUST_USE;

/* dest_sqlite_stage.c */
bool eh_lite_stage(eh_dest *dest, eh_stream_state *state, const char *input, const char *schema,
                   const char *table, eh_err *err);
bool eh_lite_stage_make(eh_dest *dest, eh_stream_state *state, const char *schema,
                        const char *table, eh_err *err);
bool eh_lite_stage_trim(eh_dest *dest, const eh_stream_state *state, const eh_stage_cut *cut,
                        eh_err *err);
bool eh_lite_promote(eh_dest *dest, const eh_stream_state *state, const eh_promotion *promotion,
                     eh_promoted *promoted, eh_err *err);

/* dest_sqlite_lane.c */
bool eh_lite_submit(eh_dest *dest, const eh_stream_state *state, eh_unit *unit, eh_err *err);
void eh_lite_lane_free(eh_lite_lane *lane); /* stops what it is doing; NULL is fine */

#endif
