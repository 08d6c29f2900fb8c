/* load/dest_postgres_control.c: transactions of the control connection.
 *
 * Each is short, starts with BEGIN and SET LOCAL and leaves nothing behind in the session. What
 * runs in one may run again: a COMMIT whose answer was lost is repeated too, so every body is
 * written to bear that. */
#include "load/dest_postgres.h"
#include "load/dest_sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SQL_MAX        ((size_t)4 * 1024 * 1024)
#define TRIES          5
#define LOST_TRIES     15 /* of connecting, once it went well: a server starts again */
#define BACKOFF_MS     100
#define BACKOFF_CAP_MS 5000

/* ---- parameters ------------------------------------------------------------------------- */

void eh_pg_arg_int(eh_pg_args *args, int64_t value)
{
    char *text = args->number[args->count];
    (void)snprintf(text, sizeof args->number[0], "%" PRId64, value);
    args->value[args->count++] = text;
}

void eh_pg_arg_str(eh_pg_args *args, const char *text)
{
    args->value[args->count++] = text;
}

/* ---- statements ------------------------------------------------------------------------- */

bool eh_pg_run(eh_pg *pg, const char *name, const eh_pg_args *args, eh_err *err)
{
    const char *sql = eh_sql_text("postgres", name, err);
    if (sql == NULL) return false;
    eh_pgconn_params(pg->control, sql, args != NULL ? args->value : NULL,
                     args != NULL ? args->count : 0, NULL, NULL);
    return eh_pgconn_wait(pg->control, err);
}

bool eh_pg_run_spliced(eh_pg *pg, const char *name, const eh_sql_var *vars, size_t count,
                       eh_err *err)
{
    eh_buf sql;
    eh_buf_init(&sql, SQL_MAX);
    bool ok = eh_sql_expand("postgres", name, vars, count, &sql, err);
    if (ok) {
        eh_pgconn_query(pg->control, sql.data, NULL, NULL);
        ok = eh_pgconn_wait(pg->control, err);
    }
    eh_buf_free(&sql);
    return ok;
}

/* ---- pauses ----------------------------------------------------------------------------- */

/* xorshift64: jitter needs no more. */
static uint64_t next_random(eh_pg *pg)
{
    uint64_t x = pg->random != 0 ? pg->random : 88172645463325252u;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    pg->random = x;
    return x;
}

int64_t eh_pg_backoff_us(eh_pg *pg, unsigned attempt)
{
    return 1000 * eh_backoff_ms(BACKOFF_MS, BACKOFF_CAP_MS, attempt, next_random(pg));
}

static void set_flag(void *self)
{
    *(bool *)self = true;
}

bool eh_pg_pause(eh_pg *pg, unsigned attempt, eh_err *err)
{
    bool over = false;
    eh_watch *timer =
        eh_loop_timer(pg->base.loop, eh_pg_backoff_us(pg, attempt), set_flag, &over);
    if (timer == NULL) return eh_fail_memory(err, "a timer");
    bool ok = true;
    while (ok && !over) ok = eh_loop_turn(pg->base.loop, -1, err);
    if (!over) eh_watch_remove(timer); /* one that fired has freed itself */
    return ok;
}

/* ---- transactions ----------------------------------------------------------------------- */

/* The heartbeat may be under way on this connection; its outcome does not matter here. */
static bool be_connected(eh_pg *pg, eh_err *err)
{
    while (eh_pgconn_busy(pg->control))
        if (!eh_loop_turn(pg->base.loop, -1, err)) return false;
    if (eh_pgconn_is_open(pg->control)) return true;
    eh_pgconn_connect(pg->control, NULL, NULL);
    return eh_pgconn_wait(pg->control, err);
}

typedef struct transaction {
    const char *isolation;
    int minutes; /* the limit of a statement; 0: none */
} transaction;

static bool begin(eh_pg *pg, const transaction *how, eh_err *err)
{
    char limit[24];
    (void)snprintf(limit, sizeof limit, "%d", how->minutes * 60000);
    eh_sql_var vars[] = {{"isolation", how->isolation}, {"statement_ms", limit}};
    return eh_pg_run_spliced(pg, "begin", vars, 2, err);
}

/* A failed transaction answers COMMIT with the tag ROLLBACK and no error. */
static bool commit(eh_pg *pg, eh_err *err)
{
    eh_pgconn_query(pg->control, "COMMIT", NULL, NULL);
    if (!eh_pgconn_wait(pg->control, err)) return false;
    const char *tag = eh_pgconn_tag(pg->control);
    return strcmp(tag, "COMMIT") == 0 ||
           eh_fail(err, EH_CLASS_BUG, "COMMIT was answered with %s", tag);
}

static void rollback(eh_pg *pg)
{
    if (!eh_pgconn_is_open(pg->control)) return;
    eh_pgconn_query(pg->control, "ROLLBACK", NULL, NULL);
    /* If it fails the connection is gone, and the transaction with it. */
    if (!eh_pgconn_wait(pg->control, NULL)) return;
}

static bool attempt(eh_pg *pg, const transaction *how, eh_pg_body *body, void *self,
                    eh_err *err)
{
    /* The heartbeat shares the connection, and its timer may be due in the very turn of the
     * loop that ends a statement. */
    pg->controlling = true;
    bool ok =
        be_connected(pg, err) && begin(pg, how, err) && body(pg, self, err) && commit(pg, err);
    if (!ok) rollback(pg);
    pg->controlling = false;
    return ok;
}

static bool transact(eh_pg *pg, const transaction *how, eh_pg_body *body, void *self,
                     eh_err *err)
{
    for (unsigned i = 0;; i++) {
        eh_err failure = {.class_ = EH_OK};
        if (attempt(pg, how, body, self, &failure)) return true;
        bool lost = pg->base.where != NULL && !eh_pgconn_is_open(pg->control);
        if (failure.class_ != EH_CLASS_TRANSIENT || i + 1 >= (lost ? LOST_TRIES : TRIES)) {
            if (err != NULL && err->class_ == EH_OK) *err = failure;
            return false;
        }
        if (!eh_pg_pause(pg, i, err)) return false;
    }
}

bool eh_pg_transact(eh_pg *pg, int minutes, eh_pg_body *body, void *self, eh_err *err)
{
    return transact(pg, &(transaction){"READ COMMITTED", minutes}, body, self, err);
}

bool eh_pg_transact_snapshot(eh_pg *pg, eh_pg_body *body, void *self, eh_err *err)
{
    return transact(pg, &(transaction){"REPEATABLE READ", 0}, body, self, err);
}

/* ---- the fence -------------------------------------------------------------------------- */

bool eh_pg_judge_fence(const eh_pgconn *conn, const eh_stream_state *state, eh_err *err)
{
    if (eh_pgconn_rows(conn) == 0)
        return eh_fail(err, EH_CLASS_CANCELLED, "the state of this stream was deleted");
    if (eh_pgconn_int(conn, 0, 0) == state->epoch) return true;
    const char *by = eh_pgconn_value(conn, 0, 2);
    return eh_dest_fail_superseded(by != NULL ? by : "?", err);
}

bool eh_pg_fence(eh_pg *pg, const eh_stream_state *state, eh_err *err)
{
    eh_pg_args args = {.count = 0};
    eh_pg_arg_int(&args, state->stream_id);
    return eh_pg_run(pg, "fence", &args, err) && eh_pg_judge_fence(pg->control, state, err);
}
