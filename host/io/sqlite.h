/* io/sqlite.h: a SQLite database file: errors with a class, statements, values.
 *
 * The only place that includes sqlite3.h. Calls block on the file; a lock held by another
 * process is waited for up to the busy time, then the class is transient. One thread. Floor 2.
 */
#ifndef EH_IO_SQLITE_H
#define EH_IO_SQLITE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

typedef struct eh_sqlite eh_sqlite;
typedef struct eh_sqlite_stmt eh_sqlite_stmt;

typedef enum eh_step {
    EH_STEP_ROW,
    EH_STEP_DONE,
    EH_STEP_REFUSED, /* a constraint or a trigger refused the row, or it is too big: class data
                      */
    EH_STEP_ERROR
} eh_step;

/* Opens or (not read_only) makes the file. busy_ms: how long to wait for another's lock. NULL
 * on failure: not_found, denied, config (not a database). */
eh_sqlite *eh_sqlite_open(const char *path, bool read_only, int busy_ms, eh_err *err);
/* Rolls back what is open. Statements must be freed before. NULL is fine. */
void eh_sqlite_close(eh_sqlite *db);

void eh_sqlite_busy(eh_sqlite *db, int busy_ms);

/* Runs all statements of a text; rows are dropped. */
bool eh_sqlite_exec(eh_sqlite *db, const char *sql, eh_err *err) EH_MUST_USE;

/* Makes what another thread is doing with this connection fail soon, with class cancelled; the
 * only function that may be called beside another one. */
void eh_sqlite_interrupt(eh_sqlite *db);

/* Is a transaction open? Some refusals end it (a trigger's RAISE(ROLLBACK), a full disk). */
bool eh_sqlite_in_transaction(const eh_sqlite *db);

/* The first statement of the text; *tail (may be NULL) is what follows it. NULL with err unset
 * when there is no statement, only white space or comments. Free it with eh_sqlite_free. */
eh_sqlite_stmt *eh_sqlite_prepare(eh_sqlite *db, const char *sql, const char **tail,
                                  eh_err *err);
void eh_sqlite_free(eh_sqlite_stmt *stmt); /* NULL is fine */

/* Do all statements of the text only read? */
bool eh_sqlite_only_reads(eh_sqlite *db, const char *sql);

/* Binds parameter `index`, from 1; one past the statement's last is ignored, so that several
 * statements can be given the same list. Text and blobs are borrowed until the next bind of
 * that parameter. A failure is kept and comes out of eh_sqlite_step. */
void eh_sqlite_bind_null(eh_sqlite_stmt *stmt, int index);
void eh_sqlite_bind_int(eh_sqlite_stmt *stmt, int index, int64_t value);
void eh_sqlite_bind_real(eh_sqlite_stmt *stmt, int index, double value);
void eh_sqlite_bind_text(eh_sqlite_stmt *stmt, int index, const char *text, size_t len);
void eh_sqlite_bind_str(eh_sqlite_stmt *stmt, int index, const char *text); /* NULL: SQL NULL */
void eh_sqlite_bind_blob(eh_sqlite_stmt *stmt, int index, const void *data, size_t len);

/* After DONE, REFUSED and ERROR the statement is ready to be bound and stepped again. */
eh_step eh_sqlite_step(eh_sqlite_stmt *stmt, eh_err *err);
/* Ends a statement that still had rows. */
void eh_sqlite_reset(eh_sqlite_stmt *stmt);

/* The current row; column from 0. Text is valid until the next step or reset. */
int eh_sqlite_column_count(const eh_sqlite_stmt *stmt);
const char *eh_sqlite_column_name(const eh_sqlite_stmt *stmt, int column);
typedef enum eh_sqlite_kind {
    EH_SQLITE_NULL,
    EH_SQLITE_INT,
    EH_SQLITE_REAL,
    EH_SQLITE_TEXT,
    EH_SQLITE_BLOB
} eh_sqlite_kind;
eh_sqlite_kind eh_sqlite_kind_of(const eh_sqlite_stmt *stmt, int column);
bool eh_sqlite_is_null(const eh_sqlite_stmt *stmt, int column);
int64_t eh_sqlite_int(const eh_sqlite_stmt *stmt, int column);
double eh_sqlite_real(const eh_sqlite_stmt *stmt, int column);
eh_slice eh_sqlite_text(const eh_sqlite_stmt *stmt, int column);
/* Appends the value as text that gives it back: every digit of a real number, and a blob as
 * \x and hexadecimal. */
bool eh_sqlite_print(const eh_sqlite_stmt *stmt, int column, eh_buf *out,
                     eh_err *err) EH_MUST_USE;

#endif
