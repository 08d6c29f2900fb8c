/* io/pgconn.h: one connection to PostgreSQL, never blocking, driven by the loop.
 *
 * libpq is loaded with the first of them (libpq.h). One operation at a time: it is
 * started, the loop does the rest, and `done` is called from a later turn, never from inside
 * the start. Then the outcome can be read until the next operation starts. eh_pgconn_wait turns
 * the loop instead. Nothing here relies on session state, so a transaction pooler may sit in
 * between. Floor 2. */
#ifndef EH_IO_PGCONN_H
#define EH_IO_PGCONN_H

#include "base/slice.h"
#include "io/loop.h"

#include <stddef.h>

typedef struct eh_pgconn eh_pgconn;
typedef void eh_pg_done(void *self);

/* The class of an SQLSTATE; NULL or "" (the server had no chance to send one) is transient. */
eh_class eh_pg_class(const char *sqlstate);

/* url: what libpq takes, URI or key=value; environment and service files count too. read_write:
 * only a server that takes writes will do. Does not connect. NULL: class config or limit. */
eh_pgconn *eh_pgconn_new(eh_loop *loop, const char *url, bool read_write, eh_err *err);
/* Connections that log in alike share what became of that: one of them tries at a time, and
 * what a server refused (class auth) is not tried again, since some servers lock a user out.
 * Zeroed to begin with; must outlive the connections. */
typedef struct eh_pg_login {
    eh_err refusal;
    bool trying;
} eh_pg_login;
void eh_pgconn_share_login(eh_pgconn *conn, eh_pg_login *login);

/* Drops the connection, whatever it is doing; `done` is not called. NULL is fine. */
void eh_pgconn_free(eh_pgconn *conn);

/* ---- operations ------------------------------------------------------------------------- */

/* Connects, again if it was connected before. */
void eh_pgconn_connect(eh_pgconn *conn, eh_pg_done *done, void *self);

/* One or more statements in the simple protocol; the text is copied. */
void eh_pgconn_query(eh_pgconn *conn, const char *sql, eh_pg_done *done, void *self);

/* One statement with text parameters (NULL: SQL NULL), unnamed; all of it is copied. */
void eh_pgconn_params(eh_pgconn *conn, const char *sql, const char *const *params, size_t count,
                      eh_pg_done *done, void *self);

enum { EH_PG_PIECES = 3 };

typedef struct eh_pgcopy {
    const char *sql;               /* COPY ... FROM STDIN; copied */
    eh_slice pieces[EH_PG_PIECES]; /* what is sent, in order; borrowed until done */
    const char *fault_start;       /* names of fault points; NULL: none */
    const char *fault_middle;
    const char *fault_end;
} eh_pgcopy;

void eh_pgconn_copy(eh_pgconn *conn, const eh_pgcopy *copy, eh_pg_done *done, void *self);

/* Ends the operation with class transient and drops the connection if it takes longer than
 * this; 0: no limit. Holds for the operations started from now on. */
void eh_pgconn_limit(eh_pgconn *conn, int64_t limit_us);

/* Turns the loop until the operation is over. True when it went well, else *err. */
bool eh_pgconn_wait(eh_pgconn *conn, eh_err *err) EH_MUST_USE;

/* ---- state and outcome ------------------------------------------------------------------ */

bool eh_pgconn_busy(const eh_pgconn *conn);
/* Connected, as far as is known. */
bool eh_pgconn_is_open(const eh_pgconn *conn);

/* class_ EH_OK when the latest operation went well. */
const eh_err *eh_pgconn_error(const eh_pgconn *conn);
/* More of a server's refusal: the column it names ("" if none), and the row of a COPY that it
 * names, from 1 (0 if none). table: the bare name of the COPY's target, since the row is taken
 * from text ("COPY orders, line 7, column id"). */
const char *eh_pgconn_error_column(const eh_pgconn *conn);
/* The constraint it names ("" if none), and of which table. Valid until the next operation. */
typedef struct eh_pg_constraint {
    char name[64];
    char schema[64];
    char table[64];
} eh_pg_constraint;
const eh_pg_constraint *eh_pgconn_error_constraint(const eh_pgconn *conn);
int64_t eh_pgconn_error_row(const eh_pgconn *conn, const char *table);

/* Of the latest statement that gave rows. Text is valid until the next operation starts; NULL
 * is SQL NULL, and so is anything out of range. */
int eh_pgconn_rows(const eh_pgconn *conn);
int eh_pgconn_columns(const eh_pgconn *conn);
const char *eh_pgconn_name(const eh_pgconn *conn, int column);
const char *eh_pgconn_value(const eh_pgconn *conn, int row, int column);
int64_t eh_pgconn_int(const eh_pgconn *conn, int row, int column); /* 0 for NULL */
bool eh_pgconn_bool(const eh_pgconn *conn, int row, int column);   /* false for NULL */

/* Of the latest statement: its tag ("COMMIT") and how many rows it touched. */
const char *eh_pgconn_tag(const eh_pgconn *conn);
int64_t eh_pgconn_touched(const eh_pgconn *conn);

/* Where it is or would be connected, for people: "database shop on localhost:5432 as loader".
 */
void eh_pgconn_where(const eh_pgconn *conn, char *out, size_t size);

#endif
