/* io/pgconn.c: see pgconn.h. A small machine: idle, connecting, running, feeding. */
#include "io/pgconn_private.h"

#include "base/fault.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SEND_BUFFER_BYTES (1024 * 1024)
#define CONNECT_LIMIT_US  ((int64_t)20 * 1000 * 1000)
#define TURN_US           ((int64_t)5 * 1000)

static void on_socket(void *self, int events);
static void log_in(void *self);

/* ---- making and dropping ---------------------------------------------------------------- */

eh_pgconn *eh_pgconn_new(eh_loop *loop, const char *url, bool read_write, eh_err *err)
{
    eh_pgconn *conn = calloc(1, sizeof *conn);
    char *copy = strdup(url);
    bool ok = conn != NULL && copy != NULL;
    if (!ok) (void)eh_fail_memory(err, "a connection");
    if (!ok || !eh_libpq_load(&conn->pq, err)) {
        free(conn);
        free(copy);
        return NULL;
    }
    conn->loop = loop;
    conn->url = copy;
    conn->read_write = read_write;
    (void)snprintf(conn->where, sizeof conn->where, "PostgreSQL");
    return conn;
}

void eh_pgconn_share_login(eh_pgconn *conn, eh_pg_login *login)
{
    conn->login = login;
}

/* The attempt to log in is over. */
static void end_turn(eh_pgconn *conn)
{
    eh_watch_remove(conn->turn);
    conn->turn = NULL;
    if (!conn->trying) return;
    conn->trying = conn->login->trying = false;
    if (conn->err.class_ == EH_CLASS_AUTH) conn->login->refusal = conn->err;
}

static void drop_results(eh_pgconn *conn)
{
    conn->pq.clear(conn->rows);
    conn->rows = NULL;
    free(conn->context);
    conn->context = NULL;
    conn->column[0] = '\0';
    conn->tag[0] = '\0';
    conn->touched = 0;
    eh_err_clear(&conn->err);
}

static void drop_connection(eh_pgconn *conn)
{
    eh_watch_remove(conn->watch);
    conn->watch = NULL;
    conn->pq.finish(conn->pg);
    conn->pg = NULL;
}

static void drop_timer(eh_pgconn *conn)
{
    eh_watch_remove(conn->timer);
    conn->timer = NULL;
}

void eh_pgconn_free(eh_pgconn *conn)
{
    if (conn == NULL) return;
    end_turn(conn);
    drop_timer(conn);
    drop_connection(conn);
    drop_results(conn);
    free(conn->url);
    free(conn);
}

/* ---- the end of an operation ------------------------------------------------------------ */

void eh_pgconn_want(eh_pgconn *conn, bool writing)
{
    if (conn->watch != NULL)
        eh_watch_events(conn->watch, EH_READABLE | (writing ? EH_WRITABLE : 0));
}

static void finish(eh_pgconn *conn)
{
    eh_pg_done *done = conn->done;
    conn->done = NULL;
    conn->phase = EH_PG_IDLE;
    end_turn(conn);
    drop_timer(conn);
    if (conn->watch != NULL) eh_watch_events(conn->watch, 0);
    if (done != NULL) done(conn->self);
}

/* The connection is of no use any more. */
static void lose(eh_pgconn *conn, const char *doing)
{
    eh_pg_fail_connection(conn, doing);
    drop_connection(conn);
    finish(conn);
}

static void on_late(void *self)
{
    eh_pgconn *conn = self;
    conn->timer = NULL;
    if (conn->phase == EH_PG_FAILED) {
        finish(conn);
        return;
    }
    (void)eh_fail(&conn->err, EH_CLASS_TRANSIENT, "no answer from %s in time", conn->where);
    drop_connection(conn);
    finish(conn);
}

/* A failure while starting: reported from the loop, as every other outcome. */
static void fail_soon(eh_pgconn *conn)
{
    conn->phase = EH_PG_FAILED;
    drop_timer(conn);
    conn->timer = eh_loop_timer(conn->loop, 0, on_late, conn);
    /* Without memory for a timer the caller would wait for ever: tell at once. */
    if (conn->timer == NULL) finish(conn);
}

static void begin(eh_pgconn *conn, eh_pg_phase phase, int64_t limit_us, eh_pg_done *done,
                  void *self)
{
    assert(conn->phase == EH_PG_IDLE);
    drop_results(conn);
    conn->phase = phase;
    conn->done = done;
    conn->self = self;
    if (limit_us > 0) conn->timer = eh_loop_timer(conn->loop, limit_us, on_late, conn);
}

/* ---- connecting ------------------------------------------------------------------------- */

static void ignore_notice(void *self, const PGresult *result)
{
    (void)self;
    (void)result;
}

static void note_where(eh_pgconn *conn)
{
    const char *host = conn->pq.host(conn->pg), *port = conn->pq.port(conn->pg),
               *db = conn->pq.db(conn->pg);
    const char *user = conn->pq.user(conn->pg);
    (void)snprintf(conn->where, sizeof conn->where, "database %s on %s:%s as %s",
                   db != NULL ? db : "?", host != NULL && host[0] != '\0' ? host : "localhost",
                   port != NULL && port[0] != '\0' ? port : "5432", user != NULL ? user : "?");
}

/* Later entries win (libpq manual, PQconnectStartParams): those before dbname are our defaults,
 * those after it are not for the url to change. */
static PGconn *start_connecting(const eh_pgconn *conn)
{
    const char *const keys[] = {"keepalives_idle",  "keepalives_interval",  "keepalives_count",
                                "tcp_user_timeout", "target_session_attrs", "dbname",
                                "application_name", "client_encoding",      NULL};
    const char *const values[] = {
        "30",      "10",      "3",    "60000", conn->read_write ? "read-write" : "any",
        conn->url, "etlhost", "UTF8", NULL};
    return conn->pq.connectStartParams(keys, values, 1);
}

/* The socket may be another one after each step: several hosts, TLS given up. */
static bool watch_socket(eh_pgconn *conn, int events)
{
    eh_watch_remove(conn->watch);
    conn->watch = eh_loop_watch(conn->loop, conn->pq.socket(conn->pg), events, on_socket, conn);
    if (conn->watch != NULL) return true;
    (void)eh_fail_memory(&conn->err, "a connection");
    drop_connection(conn);
    return false;
}

/* A local socket's buffer is a millisecond of COPY data, and is shown as writable only when
 * three quarters of it are free (unix_writable in the kernel): with a larger one the server
 * does not wait while we parse. TCP sizes its own. A refusal costs speed only. */
static void widen_buffer(const eh_pgconn *conn)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof address;
    int bytes = SEND_BUFFER_BYTES;
    if (getsockname(conn->pq.socket(conn->pg), (struct sockaddr *)&address, &length) == 0 &&
        address.ss_family == AF_UNIX)
        (void)setsockopt(conn->pq.socket(conn->pg), SOL_SOCKET, SO_SNDBUF, &bytes,
                         sizeof bytes);
}

static void connect_step(eh_pgconn *conn)
{
    switch (conn->pq.connectPoll(conn->pg)) {
    case PGRES_POLLING_READING:
        if (!watch_socket(conn, EH_READABLE)) finish(conn);
        return;
    case PGRES_POLLING_WRITING:
        if (!watch_socket(conn, EH_WRITABLE)) finish(conn);
        return;
    case PGRES_POLLING_OK:
        note_where(conn);
        if (conn->pq.setnonblocking(conn->pg, 1) != 0) {
            lose(conn, "connecting to");
            return;
        }
        (void)conn->pq.setErrorVerbosity(conn->pg, PQERRORS_DEFAULT);
        widen_buffer(conn);
        (void)watch_socket(conn, 0);
        finish(conn);
        return;
    case PGRES_POLLING_FAILED:
    case PGRES_POLLING_ACTIVE: /* unused by libpq */
        note_where(conn);
        lose(conn, "connecting to");
        return;
    }
}

/* False while another one logs in, or after that was refused. */
static bool take_turn(eh_pgconn *conn)
{
    eh_pg_login *login = conn->login;
    if (login == NULL) return true;
    if (login->refusal.class_ != EH_OK) {
        conn->err = login->refusal;
        fail_soon(conn);
        return false;
    }
    if (!login->trying) {
        login->trying = conn->trying = true;
        return true;
    }
    conn->turn = eh_loop_timer(conn->loop, TURN_US, log_in, conn);
    if (conn->turn != NULL) return false;
    (void)eh_fail_memory(&conn->err, "a timer");
    fail_soon(conn);
    return false;
}

static void log_in(void *self)
{
    eh_pgconn *conn = self;
    conn->turn = NULL;
    if (!take_turn(conn)) return;
    conn->pg = start_connecting(conn);
    if (conn->pg == NULL) {
        (void)eh_fail_memory(&conn->err, "a connection");
        fail_soon(conn);
        return;
    }
    (void)conn->pq.setNoticeReceiver(conn->pg, ignore_notice, NULL);
    (void)conn->pq.setErrorVerbosity(conn->pg, PQERRORS_VERBOSE);
    if (conn->pq.status(conn->pg) == CONNECTION_BAD) {
        /* Not a word of libpq's: it quotes the string it could not read, secrets and all. */
        bool parsed = conn->pq.socket(conn->pg) >= 0 || conn->pq.host(conn->pg)[0] != '\0';
        if (!parsed)
            (void)eh_fail(&conn->err, EH_CLASS_CONFIG,
                          "the url of the destination cannot be read; a PostgreSQL one looks "
                          "like postgresql://user@host:5432/database");
        else
            eh_pg_fail_connection(conn, "connecting to");
        drop_connection(conn);
        fail_soon(conn);
        return;
    }
    note_where(conn);
    if (!watch_socket(conn, EH_WRITABLE)) fail_soon(conn);
}

void eh_pgconn_connect(eh_pgconn *conn, eh_pg_done *done, void *self)
{
    begin(conn, EH_PG_CONNECTING, CONNECT_LIMIT_US, done, self);
    drop_connection(conn);
    log_in(conn);
}

/* ---- results ---------------------------------------------------------------------------- */

static void note_command(eh_pgconn *conn, PGresult *result)
{
    (void)snprintf(conn->tag, sizeof conn->tag, "%s", conn->pq.cmdStatus(result));
    conn->touched = strtoll(conn->pq.cmdTuples(result), NULL, 10);
}

/* Takes one result in; false when the server now waits for COPY data. */
static bool take_result(eh_pgconn *conn, PGresult *result)
{
    bool on = true;
    switch (conn->pq.resultStatus(result)) {
    case PGRES_TUPLES_OK:
        note_command(conn, result);
        conn->pq.clear(conn->rows);
        conn->rows = result;
        return true;
    case PGRES_COMMAND_OK:
        note_command(conn, result);
        break;
    case PGRES_EMPTY_QUERY:
        break;
    case PGRES_COPY_IN:
        on = false;
        break;
    case PGRES_BAD_RESPONSE:
    case PGRES_FATAL_ERROR:
        eh_pg_fail_result(conn, result);
        break;
    case PGRES_NONFATAL_ERROR:
        break; /* a notice; never returned by PQgetResult */
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
    case PGRES_SINGLE_TUPLE:
    case PGRES_PIPELINE_SYNC:
    case PGRES_PIPELINE_ABORTED: /* none of our statements asks for these */
        (void)eh_fail(&conn->err, EH_CLASS_BUG, "the server answered %s",
                      conn->pq.resStatus(conn->pq.resultStatus(result)));
        break;
    }
    conn->pq.clear(result);
    return on;
}

static void start_feeding(eh_pgconn *conn)
{
    conn->phase = EH_PG_FEEDING;
    if (conn->fault_start != NULL) EH_FAULT(conn->fault_start);
    eh_pgconn_want(conn, true);
}

static void read_results(eh_pgconn *conn)
{
    while (conn->pq.isBusy(conn->pg) == 0) {
        PGresult *result = conn->pq.getResult(conn->pg);
        if (result == NULL) {
            if (conn->pq.status(conn->pg) == CONNECTION_BAD)
                lose(conn, "talking to");
            else
                finish(conn);
            return;
        }
        if (!take_result(conn, result)) {
            start_feeding(conn);
            return;
        }
    }
    switch (conn->pq.flush(conn->pg)) {
    case 0:
        eh_pgconn_want(conn, false);
        break;
    case 1:
        eh_pgconn_want(conn, true);
        break;
    default:
        lose(conn, "talking to");
        break;
    }
}

/* After the last byte (or a refusal) only the server's answer is left. */
static void feed(eh_pgconn *conn)
{
    if (eh_pgcopy_feed(conn)) return;
    conn->phase = EH_PG_RUNNING;
    read_results(conn);
}

static void on_socket(void *self, int events)
{
    eh_pgconn *conn = self;
    if (conn->phase == EH_PG_CONNECTING) {
        connect_step(conn);
        return;
    }
    if ((events & EH_READABLE) != 0 && conn->pq.consumeInput(conn->pg) == 0) {
        lose(conn, "talking to");
        return;
    }
    if (conn->phase == EH_PG_FEEDING)
        feed(conn);
    else if (conn->phase == EH_PG_RUNNING)
        read_results(conn);
}

/* ---- statements ------------------------------------------------------------------------- */

/* The statement is queued by libpq; what does not fit into the socket goes when it is writable.
 */
static void sent(eh_pgconn *conn, bool ok)
{
    if (ok && conn->pq.flush(conn->pg) >= 0) {
        eh_pgconn_want(conn, true);
        return;
    }
    eh_pg_fail_connection(conn, "talking to");
    drop_connection(conn);
    fail_soon(conn);
}

static bool ready(eh_pgconn *conn)
{
    if (conn->pg != NULL) return true;
    (void)eh_fail(&conn->err, EH_CLASS_TRANSIENT, "not connected to %s", conn->where);
    fail_soon(conn);
    return false;
}

void eh_pgconn_query(eh_pgconn *conn, const char *sql, eh_pg_done *done, void *self)
{
    begin(conn, EH_PG_RUNNING, conn->limit_us, done, self);
    if (ready(conn)) sent(conn, conn->pq.sendQuery(conn->pg, sql) == 1);
}

void eh_pgconn_params(eh_pgconn *conn, const char *sql, const char *const *params, size_t count,
                      eh_pg_done *done, void *self)
{
    begin(conn, EH_PG_RUNNING, conn->limit_us, done, self);
    if (ready(conn))
        sent(conn, conn->pq.sendQueryParams(conn->pg, sql, (int)count, NULL, params, NULL, NULL,
                                            0) == 1);
}

void eh_pgconn_copy(eh_pgconn *conn, const eh_pgcopy *copy, eh_pg_done *done, void *self)
{
    begin(conn, EH_PG_RUNNING, conn->limit_us, done, self);
    size_t total = 0;
    for (size_t i = 0; i < EH_PG_PIECES; i++) {
        conn->pieces[i] = copy->pieces[i];
        total += copy->pieces[i].len;
    }
    conn->piece = conn->piece_at = conn->sent = 0;
    conn->middle = total / 2;
    conn->ended = false;
    conn->fault_start = copy->fault_start;
    conn->fault_middle = copy->fault_middle;
    conn->fault_end = copy->fault_end;
    if (ready(conn)) sent(conn, conn->pq.sendQuery(conn->pg, copy->sql) == 1);
}

void eh_pgconn_limit(eh_pgconn *conn, int64_t limit_us)
{
    conn->limit_us = limit_us;
}

bool eh_pgconn_wait(eh_pgconn *conn, eh_err *err)
{
    while (conn->phase != EH_PG_IDLE)
        if (!eh_loop_turn(conn->loop, -1, err)) return false;
    if (conn->err.class_ == EH_OK) return true;
    if (err != NULL && err->class_ == EH_OK) *err = conn->err;
    return false;
}

/* ---- outcome ---------------------------------------------------------------------------- */

bool eh_pgconn_busy(const eh_pgconn *conn)
{
    return conn->phase != EH_PG_IDLE;
}

bool eh_pgconn_is_open(const eh_pgconn *conn)
{
    return conn->pg != NULL && conn->pq.status(conn->pg) == CONNECTION_OK;
}

const eh_err *eh_pgconn_error(const eh_pgconn *conn)
{
    return &conn->err;
}

int eh_pgconn_rows(const eh_pgconn *conn)
{
    return conn->pq.ntuples(conn->rows);
}

int eh_pgconn_columns(const eh_pgconn *conn)
{
    return conn->pq.nfields(conn->rows);
}

const char *eh_pgconn_name(const eh_pgconn *conn, int column)
{
    const char *name = conn->pq.fname(conn->rows, column);
    return name != NULL ? name : "";
}

const char *eh_pgconn_value(const eh_pgconn *conn, int row, int column)
{
    if (row >= conn->pq.ntuples(conn->rows) || column >= conn->pq.nfields(conn->rows))
        return NULL;
    return conn->pq.getisnull(conn->rows, row, column)
               ? NULL
               : conn->pq.getvalue(conn->rows, row, column);
}

int64_t eh_pgconn_int(const eh_pgconn *conn, int row, int column)
{
    const char *text = eh_pgconn_value(conn, row, column);
    return text != NULL ? (int64_t)strtoll(text, NULL, 10) : 0;
}

bool eh_pgconn_bool(const eh_pgconn *conn, int row, int column)
{
    const char *text = eh_pgconn_value(conn, row, column);
    return text != NULL && text[0] == 't';
}

const char *eh_pgconn_tag(const eh_pgconn *conn)
{
    return conn->tag;
}

int64_t eh_pgconn_touched(const eh_pgconn *conn)
{
    return conn->touched;
}

void eh_pgconn_where(const eh_pgconn *conn, char *out, size_t size)
{
    (void)snprintf(out, size, "%s", conn->where);
}
