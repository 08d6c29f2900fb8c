/* load/dest_postgres_lane.c: the life of a unit: begin, COPY, dead rows, ledger, COMMIT.
 *
 * See dest_postgres_lane.h for how the steps hang together. Until COMMIT was sent a unit can
 * start again whatever happened, since it holds all that its transaction needs. */
#include "load/dest_postgres_lane.h"

#include "base/fault.h"
#include "data/convert.h"
#include "load/dest_sql.h"

#include <stdlib.h>
#include <string.h>

#define SQL_MAX     ((size_t)1024 * 1024)
#define DEAD_MAX    ((size_t)256 * 1024 * 1024)
#define TRIES       6
#define LOST_TRIES  15 /* of connecting: a server takes its time to start again */
#define DEADLINE_US ((int64_t)10 * 60 * 1000 * 1000)
/* A server that takes longer than its own statement_timeout is not there any more. */
#define ANSWER_US ((int64_t)16 * 60 * 1000 * 1000)

/* ---- ends ------------------------------------------------------------------------------- */

static void release(eh_pg_lane *lane)
{
    eh_unit *unit = lane->unit;
    lane->unit = NULL;
    lane->pg->base.busy--;
    eh_dest_push_done(&lane->pg->base, unit);
}

void eh_pg_lane_done(eh_pg_lane *lane)
{
    lane->unit->effects = lane->effects;
    eh_err_clear(&lane->unit->err);
    release(lane);
}

static void on_given_up(void *self)
{
    release(self);
}

void eh_pg_lane_give_up(eh_pg_lane *lane, const eh_err *err)
{
    lane->unit->err = *err;
    if (eh_pgconn_is_open(lane->conn))
        eh_pgconn_query(lane->conn, "ROLLBACK", on_given_up, lane);
    else
        release(lane);
}

bool eh_pg_lane_may_wait(const eh_pg_lane *lane)
{
    return eh_clock_monotonic(&lane->pg->base.clock) < lane->deadline_us;
}

bool eh_pg_lane_may_try(eh_pg_lane *lane)
{
    unsigned most = eh_pgconn_is_open(lane->conn) ? TRIES : LOST_TRIES;
    return ++lane->tries < most && eh_pg_lane_may_wait(lane);
}

static void on_pause_over(void *self)
{
    eh_pg_lane *lane = self;
    lane->timer = NULL;
    eh_pg_lane_start(lane);
}

void eh_pg_lane_pause(eh_pg_lane *lane, eh_pg_done *step)
{
    int64_t wait_us = eh_pg_backoff_us(lane->pg, lane->pauses++);
    lane->timer = eh_loop_timer(lane->pg->base.loop, wait_us, step, lane);
    if (lane->timer != NULL) return;
    eh_err err = {.class_ = EH_OK};
    (void)eh_fail_memory(&err, "a timer");
    eh_pg_lane_give_up(lane, &err);
}

static void on_rolled_back(void *self)
{
    eh_pg_lane_pause(self, on_pause_over);
}

/* What the server no longer has as the unit's statements have it: a table or column that is
 * gone, another type, the plan of a statement. */
static bool is_outdated(const eh_err *err)
{
    static const char *const states[] = {"42P01", "42703", "42804", "0A000"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(err->sqlstate, states[i]) == 0) return true;
    return false;
}

void eh_pg_lane_failed(eh_pg_lane *lane, const eh_err *failure)
{
    eh_err err = *failure; /* the connection's own is cleared by the next operation */
    eh_pg_drop_refused(lane);
    if (is_outdated(&err) && !lane->looked_again) {
        lane->looked_again = true;
        err.class_ = EH_CLASS_TRANSIENT; /* a second try looks at the columns first */
    }
    if (err.class_ != EH_CLASS_TRANSIENT || !eh_pg_lane_may_try(lane)) {
        eh_pg_lane_give_up(lane, &err);
        return;
    }
    if (eh_pgconn_is_open(lane->conn))
        eh_pgconn_query(lane->conn, "ROLLBACK", on_rolled_back, lane);
    else
        eh_pg_lane_pause(lane, on_pause_over);
}

void eh_pg_lane_restart(eh_pg_lane *lane)
{
    eh_pg_drop_refused(lane);
    eh_pgconn_query(lane->conn, "ROLLBACK", eh_pg_lane_start, lane);
}

/* True when the latest operation went well; else the lane has failed. */
static bool went_well(eh_pg_lane *lane)
{
    const eh_err *err = eh_pgconn_error(lane->conn);
    if (err->class_ == EH_OK) return true;
    eh_pg_lane_failed(lane, err);
    return false;
}

static void fail_memory(eh_pg_lane *lane)
{
    eh_err err = {.class_ = EH_OK};
    (void)eh_fail_memory(&err, "a unit");
    eh_pg_lane_failed(lane, &err);
}

void eh_pg_lane_query(eh_pg_lane *lane, const char *sql, eh_pg_done *done)
{
    eh_pgconn_query(lane->conn, sql, done, lane);
}

/* ---- COMMIT ----------------------------------------------------------------------------- */

static void on_committed(void *self)
{
    eh_pg_lane *lane = self;
    const eh_err *err = eh_pgconn_error(lane->conn);
    if (err->class_ == EH_OK && strcmp(eh_pgconn_tag(lane->conn), "COMMIT") == 0) {
        EH_FAULT("commit.answered");
        eh_pg_lane_done(lane);
        return;
    }
    bool told = strcmp(err->sqlstate, "40003") != 0 && strncmp(err->sqlstate, "08", 2) != 0;
    if (!told || !eh_pgconn_is_open(lane->conn)) { /* nobody knows what became of it */
        eh_pg_lane_pause(lane, eh_pg_resolve);
        return;
    }
    if (err->class_ != EH_OK) {
        if (eh_pg_is_refusal(err))
            eh_pg_refuse_commit(lane);
        else
            eh_pg_lane_failed(lane, err);
        return;
    }
    /* A failed transaction answers COMMIT with this tag and no error. */
    eh_err odd = {.class_ = EH_OK};
    (void)eh_fail(&odd, EH_CLASS_TRANSIENT, "COMMIT was answered with %s",
                  eh_pgconn_tag(lane->conn));
    eh_pg_lane_failed(lane, &odd);
}

static void send_commit(eh_pg_lane *lane)
{
    eh_pgconn_query(lane->conn, "COMMIT", on_committed, lane);
    EH_FAULT("commit.sent");
}

/* ---- the ledger ------------------------------------------------------------------------- */

static void on_accounted(void *self)
{
    eh_pg_lane *lane = self;
    const eh_err *err = eh_pgconn_error(lane->conn);
    if (eh_pg_is_refusal(err)) {
        /* Not the input's fault: the loader asked for bytes that the ledger had as loaded. */
        eh_err odd = *err;
        odd.class_ = EH_CLASS_BUG;
        eh_pg_lane_failed(lane, &odd);
        return;
    }
    if (went_well(lane)) send_commit(lane);
}

static void send_account(eh_pg_lane *lane)
{
    const eh_unit *unit = lane->unit;
    eh_pg_args args = {.count = 0};
    char modified[40], effects[EH_EFFECTS_TEXT];
    eh_err err = {.class_ = EH_OK};
    const char *sql = eh_sql_text("postgres", "account", &err);
    const char *name = NULL;
    lane->sql.len = 0; /* serves for the name */
    if (sql != NULL && eh_pg_clean_text(&lane->sql, eh_slice_str(unit->input_name), &err))
        name = eh_buf_cstr(&lane->sql);
    if (name == NULL) {
        (void)eh_fail_memory(&err, "a file's name");
        eh_pg_lane_failed(lane, &err);
        return;
    }
    modified[eh_print_timestamp(unit->input_modified, true, modified)] = '\0';
    eh_pg_arg_int(&args, lane->state.stream_id);
    eh_pg_arg_str(&args, lane->client);
    eh_pg_arg_str(&args, unit->input);
    eh_pg_arg_str(&args, name);
    eh_pg_arg_int(&args, (int64_t)unit->input_size);
    eh_pg_arg_str(&args, modified);
    eh_pg_arg_int(&args, lane->state.load_id);
    eh_pg_arg_int(&args, (int64_t)unit->start);
    eh_pg_arg_int(&args, (int64_t)unit->end);
    eh_pg_arg_int(&args, (int64_t)unit->row_start);
    eh_pg_arg_int(&args, (int64_t)unit->row_end);
    eh_pg_arg_int(&args, (int64_t)unit->line_end);
    eh_pg_arg_int(&args, (int64_t)unit->rows);
    eh_pg_arg_int(&args, (int64_t)unit->dead_count);
    eh_pg_arg_str(&args, unit->last ? "true" : "false");
    eh_pg_arg_str(&args, unit->header);
    eh_pg_arg_str(&args, unit->settles);
    bool put = unit->encoder != NULL && unit->encoder->put != NULL && unit->rows > 0;
    eh_effects_print(&lane->effects, effects);
    eh_pg_arg_str(&args, put ? effects : NULL);
    eh_pg_arg_int(&args, lane->state.unit_generation);
    eh_pg_arg_str(&args, unit->position);
    EH_FAULT("unit.insert");
    eh_pgconn_params(lane->conn, sql, args.value, args.count, on_accounted, lane);
}

/* ---- dead rows -------------------------------------------------------------------------- */

static void on_dead(void *self)
{
    eh_pg_lane *lane = self;
    if (went_well(lane)) send_account(lane);
}

static void send_dead(eh_pg_lane *lane)
{
    eh_err err = {.class_ = EH_OK};
    const char *sql = eh_sql_text("postgres", "copy_dead", &err);
    lane->dead.len = 0;
    if (sql == NULL ||
        !eh_pg_encode_dead(lane->unit, &lane->state, lane->client, &lane->dead, &err)) {
        eh_pg_lane_failed(lane, &err);
        return;
    }
    EH_FAULT("dead.insert");
    eh_pgcopy copy = {.sql = sql,
                      .pieces = {eh_buf_slice(&lane->header), eh_buf_slice(&lane->dead),
                                 eh_buf_slice(&lane->trailer)}};
    eh_pgconn_copy(lane->conn, &copy, on_dead, lane);
}

void eh_pg_lane_account(eh_pg_lane *lane)
{
    if (lane->unit->dead_count > 0)
        send_dead(lane);
    else
        send_account(lane);
}

/* ---- rows ------------------------------------------------------------------------------- */

void eh_pg_lane_copy(eh_pg_lane *lane, size_t from, size_t to, eh_pg_done *done)
{
    const eh_unit *unit = lane->unit;
    const eh_pg_encoder *encoder = (const eh_pg_encoder *)unit->encoder;
    size_t start = from == 0 ? 0 : unit->row_ends[from - 1];
    size_t end = to == 0 ? 0 : unit->row_ends[to - 1];
    eh_pgcopy copy = {.sql = encoder->copy,
                      .pieces = {{NULL, 0}, {unit->data.data + start, end - start}, {NULL, 0}},
                      .fault_start = "copy.start",
                      .fault_middle = "copy.middle",
                      .fault_end = "copy.end"};
    if (!encoder->text) {
        copy.pieces[0] = eh_buf_slice(&lane->header);
        copy.pieces[2] = eh_buf_slice(&lane->trailer);
    }
    eh_pgconn_copy(lane->conn, &copy, done, lane);
}

bool eh_pg_lane_copied(eh_pg_lane *lane, size_t rows)
{
    if (!went_well(lane)) return false;
    int64_t stored = eh_pgconn_touched(lane->conn);
    if (stored == (int64_t)rows) return true;
    eh_err err = {.class_ = EH_OK};
    (void)eh_fail(&err, EH_CLASS_DESTINATION, "the server stored %lld of %zu rows of %s.%s",
                  (long long)stored, rows, lane->unit->schema, lane->unit->table);
    (void)eh_err_hint(&err, "does a trigger of the table leave rows out?");
    eh_pg_lane_failed(lane, &err);
    return false;
}

void eh_pg_lane_send(eh_pg_lane *lane, size_t from, size_t to, eh_pg_done *done)
{
    if (lane->unit->part_count > 0)
        eh_pg_lane_send_nested(lane, from, to, done);
    else if (lane->unit->encoder->put != NULL)
        eh_pg_lane_put(lane, from, to, done);
    else
        eh_pg_lane_copy(lane, from, to, done);
}

bool eh_pg_lane_sent(eh_pg_lane *lane, size_t rows)
{
    const eh_unit *unit = lane->unit;
    bool counted = unit->encoder->put != NULL || unit->part_count > 0;
    if (!counted) return eh_pg_lane_copied(lane, rows);
    if (!went_well(lane)) return false;
    if (unit->encoder->put == NULL) return true;
    eh_effects_add(&lane->effects, &lane->piece);
    return true;
}

static void on_sent(void *self)
{
    eh_pg_lane *lane = self;
    if (eh_pg_is_refusal(eh_pgconn_error(lane->conn))) {
        eh_pg_refuse_whole(lane);
        return;
    }
    if (eh_pg_lane_sent(lane, lane->unit->rows)) eh_pg_lane_account(lane);
}

/* ---- the transaction's start ------------------------------------------------------------ */

static bool note_client(eh_pg_lane *lane)
{
    const char *client = eh_pgconn_value(lane->conn, 0, 1);
    free(lane->client);
    lane->client = strdup(client != NULL ? client : "");
    return lane->client != NULL;
}

static void on_begun(void *self)
{
    eh_pg_lane *lane = self;
    eh_err err = {.class_ = EH_OK};
    if (!went_well(lane)) return;
    if (!eh_pg_judge_fence(lane->conn, &lane->state, &err)) {
        eh_pg_lane_failed(lane, &err);
        return;
    }
    if (lane->unit->rows > 0 && !eh_pg_encoder_fits(lane->unit->encoder, lane->conn, &err)) {
        eh_pg_lane_give_up(lane, &err);
        return;
    }
    if (!note_client(lane)) {
        fail_memory(lane);
        return;
    }
    lane->effects = (eh_effects){0};
    EH_FAULT("begin");
    if (lane->unit->rows == 0)
        eh_pg_lane_account(lane);
    else if (lane->mode == EH_PG_SPLIT)
        eh_pg_split_start(lane);
    else
        eh_pg_lane_send(lane, 0, lane->unit->rows, on_sent);
}

static void send_begin(eh_pg_lane *lane)
{
    eh_pg_args args = {.count = 0};
    eh_err err = {.class_ = EH_OK};
    eh_pg_arg_int(&args, lane->state.stream_id);
    eh_sql_var vars[] = {{"stream_id", args.value[0]},
                         {"schema", lane->unit->schema},
                         {"table", lane->unit->table}};
    const char *file = lane->unit->rows > 0 ? "lane_begin_rows" : "lane_begin";
    lane->sql.len = 0;
    if (eh_sql_expand("postgres", file, vars, 3, &lane->sql, &err))
        eh_pg_lane_query(lane, lane->sql.data, on_begun);
    else
        eh_pg_lane_failed(lane, &err);
}

static void on_connected(void *self)
{
    eh_pg_lane *lane = self;
    if (went_well(lane)) send_begin(lane);
}

void eh_pg_lane_start(void *self)
{
    eh_pg_lane *lane = self;
    if (eh_pgconn_is_open(lane->conn))
        send_begin(lane);
    else
        eh_pgconn_connect(lane->conn, on_connected, lane);
}

/* ---- lanes ------------------------------------------------------------------------------ */

void eh_pg_lane_free(eh_pg_lane *lane)
{
    if (lane == NULL) return;
    eh_watch_remove(lane->timer);
    eh_pgconn_free(lane->conn);
    free(lane->client);
    free(lane->refused);
    free(lane->ends);
    eh_buf_free(&lane->header);
    eh_buf_free(&lane->trailer);
    eh_buf_free(&lane->dead);
    eh_buf_free(&lane->sql);
    free(lane);
}

static eh_pg_lane *lane_new(eh_pg *pg, eh_err *err)
{
    eh_pg_lane *lane = calloc(1, sizeof *lane);
    if (lane == NULL) {
        (void)eh_fail_memory(err, "a lane");
        return NULL;
    }
    lane->pg = pg;
    eh_buf_init(&lane->header, 64);
    eh_buf_init(&lane->trailer, 64);
    eh_buf_init(&lane->dead, DEAD_MAX);
    eh_buf_init(&lane->sql, SQL_MAX);
    lane->conn = eh_pg_connection(pg, true, err);
    if (lane->conn != NULL && eh_copy_header(&lane->header, err) &&
        eh_copy_trailer(&lane->trailer, err)) {
        eh_pgconn_limit(lane->conn, ANSWER_US);
        return lane;
    }
    eh_pg_lane_free(lane);
    return NULL;
}

void eh_pg_spare_lanes(eh_pg *pg)
{
    eh_slots *slots = pg->base.slots;
    if (slots == NULL || !eh_slots_wanted(slots)) return;
    for (size_t i = 1; i < pg->base.lanes; i++) {
        if (pg->lane[i] == NULL || pg->lane[i]->unit != NULL) continue;
        eh_pg_lane_free(pg->lane[i]);
        pg->lane[i] = NULL;
        eh_slots_give(slots);
    }
}

/* The first lane's slot was taken before anything was opened. */
static bool open_lane(eh_pg *pg, size_t index, eh_err *err)
{
    eh_slots *slots = index > 0 ? pg->base.slots : NULL;
    if (slots != NULL && !eh_slots_take(slots, 1, false)) return true;
    pg->lane[index] = lane_new(pg, err);
    if (pg->lane[index] != NULL) return true;
    if (slots != NULL) eh_slots_give(slots);
    return false;
}

/* *lane is NULL when all lanes are busy, and there is no slot for one more. */
static bool find_idle(eh_pg *pg, eh_pg_lane **lane, eh_err *err)
{
    *lane = NULL;
    for (size_t i = 0; i < pg->base.lanes && *lane == NULL; i++) {
        if (pg->lane[i] == NULL && !open_lane(pg, i, err)) return false;
        if (pg->lane[i] != NULL && pg->lane[i]->unit == NULL) *lane = pg->lane[i];
    }
    return true;
}

static eh_pg_lane *idle_lane(eh_pg *pg, eh_err *err)
{
    eh_pg_lane *lane;
    eh_pg_spare_lanes(pg);
    while (find_idle(pg, &lane, err))
        if (lane != NULL || !eh_loop_turn(pg->base.loop, -1, err)) return lane;
    return NULL;
}

bool eh_pg_submit(eh_dest *dest, const eh_stream_state *state, eh_unit *unit, eh_err *err)
{
    eh_pg *pg = (eh_pg *)dest;
    eh_pg_lane *lane = idle_lane(pg, err);
    if (lane == NULL) return false;
    lane->unit = unit;
    lane->state = *state;
    lane->tries = lane->pauses = 0;
    lane->deadline_us = eh_clock_monotonic(&dest->clock) + DEADLINE_US;
    lane->looked_again = false;
    lane->mode = EH_PG_WHOLE;
    lane->whole_refusals = 0;
    lane->immediate = false;
    lane->refused_count = 0;
    dest->busy++;
    eh_pg_lane_start(lane);
    return true;
}
