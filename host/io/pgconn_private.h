/* io/pgconn_private.h: the connection's struct, shared by pgconn*.c and pgcopy.c only. Floor 2.
 */
#ifndef EH_IO_PGCONN_PRIVATE_H
#define EH_IO_PGCONN_PRIVATE_H

#include "io/libpq.h"
#include "io/pgconn.h"

typedef enum eh_pg_phase {
    EH_PG_IDLE,
    EH_PG_CONNECTING,
    EH_PG_RUNNING, /* a statement was sent, results come */
    EH_PG_FEEDING, /* the server takes COPY data */
    EH_PG_FAILED   /* over already; `done` is called from the next turn */
} eh_pg_phase;

struct eh_pgconn {
    eh_loop *loop;
    eh_libpq pq;
    char *url; /* owned; holds a password, never shown */
    bool read_write;
    PGconn *pg; /* NULL before the first connect and after a loss */
    eh_pg_phase phase;
    eh_watch *watch;    /* of the socket */
    eh_watch *timer;    /* of the operation's limit, or of a failure to report */
    eh_pg_login *login; /* borrowed; NULL: alone */
    bool trying;        /* login->trying is ours */
    eh_watch *turn;     /* to look whether another has logged in */
    int64_t limit_us;
    eh_pg_done *done;
    void *self;
    char where[256];
    /* outcome */
    eh_err err;
    char column[64];
    eh_pg_constraint constraint;
    char *context;  /* owned; the server's CONTEXT of the error */
    PGresult *rows; /* of the latest statement with rows */
    char tag[64];
    int64_t touched;
    /* COPY */
    const char *fault_start;
    const char *fault_middle;
    const char *fault_end;
    eh_slice pieces[EH_PG_PIECES];
    size_t piece;
    size_t piece_at;
    size_t sent;
    size_t middle; /* the fault in the middle is due past this many bytes */
    bool ended;    /* the end was queued too; it has to be flushed */
};

/* Goes on with COPY data. True while there is more to do; then the events to wait for are set.
 * False: everything was sent or the server will say why not; results are to be read. */
bool eh_pgcopy_feed(eh_pgconn *conn);

/* The watch's wishes: reading always, writing when asked. */
void eh_pgconn_want(eh_pgconn *conn, bool writing);

/* pgerror.c: fills err, column and context from a result, or from the connection itself. */
void eh_pg_fail_result(eh_pgconn *conn, const PGresult *result);
void eh_pg_fail_connection(eh_pgconn *conn, const char *doing);

#endif
