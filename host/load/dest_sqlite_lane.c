/* load/dest_sqlite_lane.c: the lane of a SQLite destination: a thread that stores units.
 *
 * SQLite works in the caller's thread, and storing a unit takes as long as making one: so a
 * thread does it, with a connection of its own, while the engine goes on parsing. It gets a
 * unit, stores it, and says so through a descriptor of the loop; what both look at is behind
 * one lock. The thread touches the unit, the connection and nothing else: rows that SQLite
 * refuses are made dead rows by the loop's side, since fetching their bytes reads the input. */
#include "load/dest_sqlite_lane.h"
#include "base/fault.h"
#include "data/convert.h"
#include "load/dest_sql.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- the thread: one attempt to store the unit ------------------------------------------ */

/* The statement is prepared once and kept while the columns stay the same. */
eh_sqlite_stmt *eh_lite_lane_statement(eh_lite_lane *lane, eh_lite_op op, const char *sql,
                                       eh_err *err)
{
    eh_lite_slot *slot = &lane->slots[op];
    if (slot->sql != NULL && strcmp(slot->sql, sql) == 0) return slot->stmt;
    eh_sqlite_free(slot->stmt);
    free(slot->sql);
    slot->sql = NULL;
    slot->stmt = eh_sqlite_prepare(lane->db.sql, sql, NULL, err);
    if (slot->stmt == NULL) return NULL;
    slot->sql = strdup(sql);
    if (slot->sql != NULL) return slot->stmt;
    (void)eh_fail_memory(err, "a statement");
    return NULL;
}

static bool note_refused(eh_lite_lane *lane, size_t row, const char *reason, eh_err *err)
{
    if (lane->refused_count == lane->refused_capacity) {
        size_t capacity = lane->refused_capacity == 0 ? 64 : lane->refused_capacity * 2;
        eh_lite_refusal *more = realloc(lane->refused, capacity * sizeof *more);
        if (more == NULL) return eh_fail_memory(err, "refused rows");
        lane->refused = more;
        lane->refused_capacity = capacity;
    }
    eh_lite_refusal *r = &lane->refused[lane->refused_count++];
    r->row = row;
    (void)snprintf(r->reason, sizeof r->reason, "%s", reason);
    return true;
}

/* Enough rows are refused for the unit to fail: the rest need not be tried. */
static bool is_hopeless(const eh_lite_lane *lane)
{
    const eh_unit *unit = lane->unit;
    size_t dead = unit->dead_count + lane->refused_count;
    return dead > unit->max_dead_rows &&
           (double)dead > unit->max_dead_ratio * (double)(unit->rows + unit->dead_count);
}

/* Refused rows are noted and the others go on, unless a trigger has ended the transaction. */
bool eh_lite_lane_stepped(eh_lite_lane *lane, size_t row, eh_step step, const eh_err *failure,
                          bool *go_on, eh_err *err)
{
    *go_on = true;
    if (step == EH_STEP_DONE) return true;
    if (step != EH_STEP_REFUSED) {
        *err = *failure;
        *go_on = false;
    } else {
        *go_on = note_refused(lane, row, failure->message, err) &&
                 eh_sqlite_in_transaction(lane->db.sql) && !is_hopeless(lane);
    }
    return false;
}

static bool append_rows(eh_lite_lane *lane, eh_err *err)
{
    const eh_unit *unit = lane->unit;
    const char *p = unit->data.data, *sql = eh_lite_encoder_insert(unit->encoder);
    eh_sqlite_stmt *insert = eh_lite_lane_statement(lane, EH_LITE_INSERT, sql, err);
    if (insert == NULL) return false;
    size_t half = unit->rows / 2;
    bool go_on = true;
    for (size_t row = 0; go_on && row < unit->rows; row++) {
        if (row == half) EH_FAULT("copy.middle");
        p = eh_lite_bind_row(insert, unit->encoder, p);
        eh_err failure = {.class_ = EH_OK};
        eh_step step = eh_sqlite_step(insert, &failure);
        if (step != EH_STEP_DONE)
            (void)eh_lite_lane_stepped(lane, row, step, &failure, &go_on, err);
    }
    return err->class_ == EH_OK && (!go_on || eh_lite_append_parts(lane, err));
}

static bool insert_dead(eh_lite_lane *lane, const char *now, eh_err *err)
{
    for (size_t i = 0; i < lane->unit->dead_count; i++) {
        const eh_dead *dead = &lane->unit->dead[i];
        eh_lite_arg args[] = {eh_lite_int(lane->state.stream_id),
                              eh_lite_str(lane->client),
                              eh_lite_int(lane->state.load_id),
                              eh_lite_str(eh_unit_label(lane->unit, &dead->place)),
                              eh_lite_int((int64_t)dead->place.row),
                              eh_lite_int((int64_t)dead->place.line),
                              eh_lite_int((int64_t)dead->place.offset),
                              eh_lite_slice(dead->column),
                              eh_lite_slice(dead->code),
                              eh_lite_slice(dead->reason),
                              eh_lite_blob(dead->raw),
                              eh_lite_str(now)};
        if (dead->column.len == 0) args[7] = eh_lite_str(NULL);
        if (!eh_lite_run(&lane->db, "dead_add", args, 12, err)) return false;
    }
    return true;
}

static bool add_file(eh_lite_lane *lane, const char *now, eh_err *err)
{
    const eh_unit *unit = lane->unit;
    char modified[40];
    modified[eh_print_timestamp(unit->input_modified, true, modified)] = '\0';
    eh_lite_arg args[] = {eh_lite_int(lane->state.stream_id),
                          eh_lite_str(lane->client),
                          eh_lite_str(unit->input),
                          eh_lite_str(unit->input_name),
                          eh_lite_int((int64_t)unit->input_size),
                          eh_lite_str(modified),
                          eh_lite_int(lane->state.load_id),
                          eh_lite_str(now),
                          eh_lite_int(lane->state.unit_generation)};
    return eh_lite_run(&lane->db, "file_add", args, 9, err);
}

static bool add_unit(eh_lite_lane *lane, const char *now, eh_err *err)
{
    const eh_unit *unit = lane->unit;
    eh_lite_arg args[] = {eh_lite_int(lane->state.stream_id),
                          eh_lite_str(lane->client),
                          eh_lite_str(unit->input),
                          eh_lite_int((int64_t)unit->start),
                          eh_lite_int((int64_t)unit->end),
                          eh_lite_int((int64_t)unit->row_start),
                          eh_lite_int((int64_t)unit->row_end),
                          eh_lite_int((int64_t)unit->line_end),
                          eh_lite_int((int64_t)unit->rows),
                          eh_lite_int((int64_t)unit->dead_count),
                          eh_lite_int(unit->last),
                          eh_lite_str(unit->header),
                          eh_lite_int(lane->state.load_id),
                          eh_lite_str(now),
                          eh_lite_str(NULL),
                          eh_lite_int(lane->state.unit_generation),
                          eh_lite_str(unit->position)};
    char effects[EH_EFFECTS_TEXT];
    eh_effects_print(&lane->effects, effects);
    if (unit->rows > 0 && unit->encoder->put != NULL) args[14] = eh_lite_str(effects);
    EH_FAULT("unit.insert");
    if (eh_lite_run(&lane->db, "unit_add", args, 17, err)) return true;
    /* Not the input's fault: the loader asked for bytes that the ledger had as loaded. */
    if (err->class_ == EH_CLASS_DATA) err->class_ = EH_CLASS_BUG;
    return false;
}

static bool settle_dead(eh_lite_lane *lane, eh_err *err)
{
    if (lane->unit->settles == NULL) return true;
    eh_lite_arg args[] = {eh_lite_int(lane->state.stream_id), eh_lite_str(lane->unit->settles)};
    return eh_lite_run(&lane->db, "dead_settle", args, 2, err);
}

static bool account(eh_lite_lane *lane, eh_err *err)
{
    char now[40];
    (void)eh_lite_now(&lane->db, now);
    if (lane->unit->dead_count > 0) EH_FAULT("dead.insert");
    return settle_dead(lane, err) && insert_dead(lane, now, err) && add_file(lane, now, err) &&
           add_unit(lane, now, err) && eh_lite_sign_of_life(lane->lite, &lane->db, err);
}

/* Everything of the unit's transaction but its end. */
static bool store(eh_lite_lane *lane, eh_err *err)
{
    EH_FAULT("begin");
    if (!eh_lite_fence(&lane->db, &lane->state, lane->arena, &lane->client, err)) return false;
    if (lane->unit->rows > 0) {
        bool puts = lane->unit->encoder->put != NULL;
        EH_FAULT("copy.start");
        if (!(puts ? eh_lite_put_rows(lane, err) : append_rows(lane, err))) return false;
        EH_FAULT("copy.end");
    }
    return lane->refused_count > 0 || account(lane, err);
}

static void attempt(eh_lite_lane *lane)
{
    eh_err *err = &lane->err;
    lane->effects = (eh_effects){0};
    if (!eh_lite_begin(&lane->db, err)) return;
    bool ok = store(lane, err);
    if (lane->refused_count > 0) {
        eh_lite_rollback(&lane->db);
        return;
    }
    if (ok) EH_FAULT("commit.sent");
    if (eh_lite_end(&lane->db, ok, err)) EH_FAULT("commit.answered");
}

/* ---- the thread: waiting ---------------------------------------------------------------- */

static void tell_loop(const eh_lite_lane *lane)
{
    uint64_t one = 1;
    /* Cannot block or fail: the counter is read before it is written again. */
    if (write(lane->event_fd, &one, sizeof one) < 0) assert(errno == EAGAIN);
}

static void *run_lane(void *self)
{
    eh_lite_lane *lane = self;
    (void)pthread_mutex_lock(&lane->mutex);
    for (;;) {
        while (lane->phase != EH_LITE_GIVEN && lane->phase != EH_LITE_QUIT)
            (void)pthread_cond_wait(&lane->given, &lane->mutex);
        if (lane->phase == EH_LITE_QUIT) break;
        (void)pthread_mutex_unlock(&lane->mutex);
        attempt(lane);
        (void)pthread_mutex_lock(&lane->mutex);
        if (lane->phase == EH_LITE_QUIT) break;
        lane->phase = EH_LITE_BACK;
        tell_loop(lane);
    }
    (void)pthread_mutex_unlock(&lane->mutex);
    return NULL;
}

/* ---- the loop's side -------------------------------------------------------------------- */

static eh_lite_phase set_phase(eh_lite_lane *lane, eh_lite_phase phase)
{
    (void)pthread_mutex_lock(&lane->mutex);
    eh_lite_phase before = lane->phase;
    lane->phase = phase;
    (void)pthread_cond_signal(&lane->given);
    (void)pthread_mutex_unlock(&lane->mutex);
    return before;
}

static void give(eh_lite_lane *lane)
{
    lane->refused_count = 0;
    eh_err_clear(&lane->err);
    eh_arena_reset(lane->arena);
    (void)set_phase(lane, EH_LITE_GIVEN);
}

static int by_row(const void *a, const void *b)
{
    const eh_lite_refusal *first = a, *second = b;
    return first->row < second->row ? -1 : first->row > second->row;
}

/* Makes the refused rows dead rows and takes them out of the unit. */
static bool bury_refused(eh_lite_lane *lane, eh_err *err)
{
    eh_unit *unit = lane->unit;
    size_t *rows = eh_arena_zalloc(lane->arena, lane->refused_count, sizeof *rows);
    const char *reason = "";
    /* Rows that are put by their key are tried in another order. */
    qsort(lane->refused, lane->refused_count, sizeof *lane->refused, by_row);
    if (rows == NULL) return eh_fail_memory(err, "refused rows");
    size_t count = 0;
    for (size_t i = 0; i < lane->refused_count; i++) {
        /* A record may be refused for itself and for rows of child tables. */
        if (count > 0 && rows[count - 1] == lane->refused[i].row) continue;
        reason = lane->refused[i].reason;
        rows[count++] = lane->refused[i].row;
        if (!eh_dest_refuse_row(unit, rows[count - 1], NULL, reason, err)) return false;
    }
    eh_unit_remove_rows(unit, rows, count);
    return !eh_unit_is_rotten(unit) || eh_dest_fail_rotten(unit, reason, err);
}

static void on_back(void *self, int events)
{
    eh_lite_lane *lane = self;
    uint64_t count;
    (void)events;
    if (read(lane->event_fd, &count, sizeof count) < 0) return;
    (void)set_phase(lane, EH_LITE_IDLE);
    /* Each round leaves out at least one row more, so this ends. */
    if (lane->err.class_ == EH_OK && lane->refused_count > 0 &&
        bury_refused(lane, &lane->err)) {
        give(lane);
        return;
    }
    eh_unit *unit = lane->unit;
    unit->err = lane->err;
    unit->effects = lane->effects;
    lane->unit = NULL;
    lane->lite->base.busy--;
    eh_dest_push_done(&lane->lite->base, unit);
}

void eh_lite_lane_free(eh_lite_lane *lane)
{
    if (lane == NULL) return;
    eh_watch_remove(lane->watch);
    if (lane->started) {
        if (set_phase(lane, EH_LITE_QUIT) == EH_LITE_GIVEN) eh_sqlite_interrupt(lane->db.sql);
        (void)pthread_join(lane->thread, NULL);
        (void)pthread_cond_destroy(&lane->given);
        (void)pthread_mutex_destroy(&lane->mutex);
    }
    if (lane->event_fd >= 0) (void)close(lane->event_fd);
    for (size_t i = 0; i < EH_LITE_OPS; i++) {
        eh_sqlite_free(lane->slots[i].stmt);
        free(lane->slots[i].sql);
    }
    eh_sqlite_close(lane->db.sql);
    free(lane->refused);
    eh_arena_free(lane->arena);
    free(lane);
}

/* Signals are for the loop's thread; the new one inherits a full mask. */
static int start_thread(eh_lite_lane *lane)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    int failure = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (failure == 0) failure = pthread_mutex_init(&lane->mutex, NULL);
    if (failure == 0) failure = pthread_cond_init(&lane->given, NULL);
    if (failure == 0) failure = pthread_create(&lane->thread, NULL, run_lane, lane);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure;
}

static bool start(eh_lite_lane *lane, eh_err *err)
{
    /* FULL: a committed unit survives a power failure, too, for one fsync a unit. */
    if (!eh_lite_open(lane->lite, &lane->db, err) ||
        !eh_sqlite_exec(lane->db.sql, "PRAGMA synchronous = FULL", err))
        return false;
    lane->arena = eh_arena_new((size_t)16 * 1024 * 1024);
    lane->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (lane->arena == NULL) return eh_fail_memory(err, "a lane");
    if (lane->event_fd < 0) return eh_fail_errno(err, EH_CLASS_LIMIT, errno, "starting a lane");
    lane->watch =
        eh_loop_watch(lane->lite->base.loop, lane->event_fd, EH_READABLE, on_back, lane);
    if (lane->watch == NULL) return eh_fail_memory(err, "a lane");
    int failure = start_thread(lane);
    if (failure != 0) return eh_fail_errno(err, EH_CLASS_LIMIT, failure, "starting a lane");
    lane->started = true;
    return true;
}

static bool lane_ready(eh_lite *lite, eh_err *err)
{
    if (lite->lane != NULL) return true;
    eh_lite_lane *lane = calloc(1, sizeof *lane);
    if (lane == NULL) return eh_fail_memory(err, "a lane");
    lane->lite = lite;
    lane->event_fd = -1;
    if (start(lane, err)) {
        lite->lane = lane;
        return true;
    }
    eh_lite_lane_free(lane);
    return false;
}

bool eh_lite_submit(eh_dest *dest, const eh_stream_state *state, eh_unit *unit, eh_err *err)
{
    eh_lite *lite = (eh_lite *)dest;
    if (!lane_ready(lite, err)) return false;
    lite->lane->state = *state;
    lite->lane->unit = unit;
    dest->busy++;
    give(lite->lane);
    return true;
}
