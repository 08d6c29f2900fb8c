/* load/dest_sqlite.c: the SQLite destination: statements, transactions, streams, ledger.
 *
 * Opening is in dest_sqlite_open.c, tables in dest_sqlite_schema.c and dest_sqlite_rebuild.c,
 * rows in dest_sqlite_rows.c. */
#include "load/dest_sqlite.h"
#include "base/fault.h"
#include "data/convert.h"
#include "load/dest_sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEARTBEAT_US ((int64_t)15 * 1000 * 1000)

/* ---- statements ------------------------------------------------------------------------- */

const char *eh_lite_now(const eh_lite_db *db, char *out)
{
    size_t len = eh_print_timestamp(eh_clock_wall(&db->clock), true, out);
    out[len] = '\0';
    return out;
}

static void bind(eh_sqlite_stmt *stmt, const eh_lite_arg *args, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int index = (int)i + 1;
        eh_slice bytes = args[i].bytes;
        switch (args[i].kind) {
        case EH_LITE_NULL:
            eh_sqlite_bind_null(stmt, index);
            break;
        case EH_LITE_INT:
            eh_sqlite_bind_int(stmt, index, args[i].integer);
            break;
        case EH_LITE_TEXT:
            eh_sqlite_bind_text(stmt, index, bytes.data, bytes.len);
            break;
        case EH_LITE_BLOB:
            eh_sqlite_bind_blob(stmt, index, bytes.data, bytes.len);
            break;
        }
    }
}

eh_sqlite_stmt *eh_lite_prepare(eh_lite_db *db, const char *name, const eh_lite_arg *args,
                                size_t count, eh_err *err)
{
    const char *sql = eh_sql_text("sqlite", name, err);
    if (sql == NULL) return NULL;
    eh_sqlite_stmt *stmt = eh_sqlite_prepare(db->sql, sql, NULL, err);
    if (stmt == NULL) {
        (void)eh_fail(err, EH_CLASS_BUG, "statement %s is empty", name);
        return NULL;
    }
    bind(stmt, args, count);
    return stmt;
}

bool eh_lite_run(eh_lite_db *db, const char *name, const eh_lite_arg *args, size_t count,
                 eh_err *err)
{
    int64_t ignored;
    return eh_lite_number(db, name, args, count, &ignored, err);
}

bool eh_lite_number(eh_lite_db *db, const char *name, const eh_lite_arg *args, size_t count,
                    int64_t *value, eh_err *err)
{
    *value = 0;
    eh_sqlite_stmt *stmt = eh_lite_prepare(db, name, args, count, err);
    if (stmt == NULL) return false;
    eh_step step = eh_sqlite_step(stmt, err);
    if (step == EH_STEP_ROW) *value = eh_sqlite_int(stmt, 0);
    /* A statement with RETURNING has done its work before its first row comes (sqlite.org,
     * "RETURNING"): freeing it here loses nothing. */
    eh_sqlite_free(stmt);
    return step == EH_STEP_ROW || step == EH_STEP_DONE;
}

/* ---- transactions ----------------------------------------------------------------------- */

bool eh_lite_begin(eh_lite_db *db, eh_err *err)
{
    return eh_sqlite_exec(db->sql, "BEGIN IMMEDIATE", err);
}

void eh_lite_rollback(eh_lite_db *db)
{
    if (!eh_sqlite_in_transaction(db->sql)) return;
    /* Nothing to do about one that fails: closing the file rolls back as well. */
    if (!eh_sqlite_exec(db->sql, "ROLLBACK", NULL)) return;
}

bool eh_lite_end(eh_lite_db *db, bool ok, eh_err *err)
{
    if (ok && eh_sqlite_exec(db->sql, "COMMIT", err)) return true;
    eh_lite_rollback(db);
    return false;
}

bool eh_lite_fence(eh_lite_db *db, const eh_stream_state *state, eh_arena *arena,
                   const char **client, eh_err *err)
{
    eh_lite_arg args[] = {eh_lite_int(state->stream_id)};
    eh_sqlite_stmt *stmt = eh_lite_prepare(db, "fence", args, 1, err);
    if (stmt == NULL) return false;
    bool ok = false;
    eh_step step = eh_sqlite_step(stmt, err);
    if (step == EH_STEP_DONE) {
        (void)eh_fail(err, EH_CLASS_CANCELLED, "the state of this stream was deleted");
    } else if (step == EH_STEP_ROW && eh_sqlite_int(stmt, 0) != state->epoch) {
        char by[64] = "";
        eh_slice run = eh_sqlite_text(stmt, 1);
        (void)snprintf(by, sizeof by, "%.*s", EH_SLICE_FMT(run));
        (void)eh_dest_fail_superseded(by, err);
    } else if (step == EH_STEP_ROW) {
        ok = true;
        if (client != NULL) {
            eh_slice text = eh_sqlite_text(stmt, 2);
            *client = eh_arena_strndup(arena, text.data, text.len);
            if (*client == NULL) ok = eh_fail_memory(err, "a client's name");
        }
    }
    eh_sqlite_free(stmt);
    return ok;
}

/* Once the write-ahead log is on the disk up to here, so is all that went before. */
bool eh_lite_begin_lasting(eh_lite_db *db, eh_err *err)
{
    return eh_sqlite_exec(db->sql, "PRAGMA synchronous = FULL", err) && eh_lite_begin(db, err);
}

bool eh_lite_end_lasting(eh_lite_db *db, bool ok, eh_err *err)
{
    ok = eh_lite_end(db, ok, err);
    return eh_sqlite_exec(db->sql, "PRAGMA synchronous = NORMAL", err) && ok;
}

/* ---- close ------------------------------------------------------------------------------ */

static void lite_close(eh_dest *dest)
{
    eh_lite *lite = (eh_lite *)dest;
    eh_watch_remove(lite->heartbeat);
    eh_lite_lane_free(lite->lane);
    eh_sqlite_close(lite->control.sql);
    free(lite->path);
    free(lite->run_id);
    free(lite->host);
    eh_dest_release(dest);
    free(lite);
}

/* ---- heartbeat -------------------------------------------------------------------------- */

bool eh_lite_sign_of_life(const eh_lite *lite, eh_lite_db *db, eh_err *err)
{
    char now[40];
    if (lite->run_id == NULL) return true;
    eh_lite_arg args[] = {eh_lite_str(lite->run_id), eh_lite_str(lite->host),
                          eh_lite_int(lite->pid), eh_lite_int(lite->pid_started),
                          eh_lite_str(eh_lite_now(db, now))};
    return eh_lite_run(db, "run_alive", args, 5, err);
}

static void on_heartbeat(void *self)
{
    eh_lite *lite = self;
    /* Best effort: while somebody writes, the next beat will do, and our lane's units are signs
     * of life, too. */
    eh_sqlite_busy(lite->control.sql, 0);
    if (!eh_lite_sign_of_life(lite, &lite->control, NULL)) eh_lite_rollback(&lite->control);
    eh_sqlite_busy(lite->control.sql, EH_LITE_BUSY_MS);
    lite->heartbeat = eh_loop_timer(lite->base.loop, HEARTBEAT_US, on_heartbeat, lite);
}

static bool note_run(eh_lite *lite, const eh_run_info *run, eh_err *err)
{
    /* Streams of one run: the lane may be reading these. */
    if (lite->run_id != NULL && strcmp(lite->run_id, run->run_id) == 0) return true;
    char *run_id = strdup(run->run_id), *host = strdup(run->host);
    free(lite->run_id);
    free(lite->host);
    lite->run_id = run_id;
    lite->host = host;
    lite->pid = run->pid;
    lite->pid_started = run->pid_started;
    return (run_id != NULL && host != NULL) || eh_fail_memory(err, "a run");
}

static bool start_heartbeat(eh_lite *lite, const eh_run_info *run, eh_err *err)
{
    if (!note_run(lite, run, err)) return false;
    if (lite->heartbeat == NULL)
        lite->heartbeat = eh_loop_timer(lite->base.loop, HEARTBEAT_US, on_heartbeat, lite);
    return eh_lite_sign_of_life(lite, &lite->control, err);
}

/* ---- take over -------------------------------------------------------------------------- */

/* Every statement about a stream's key has it as its first five parameters. */
#define KEY_ARGS(key)                                                                          \
    eh_lite_str((key)->client), eh_lite_str((key)->instance), eh_lite_str((key)->resource),    \
        eh_lite_str((key)->schema), eh_lite_str((key)->table)

static bool copy_text(eh_arena *arena, const eh_sqlite_stmt *stmt, int column, const char **out)
{
    eh_slice text = eh_sqlite_text(stmt, column);
    *out = eh_arena_strndup(arena, text.data, text.len);
    return *out != NULL;
}

static bool read_other(const eh_lite *lite, const eh_sqlite_stmt *stmt, eh_arena *arena,
                       eh_other_run *other)
{
    bool zone;
    int64_t heartbeat = 0;
    if (!copy_text(arena, stmt, 0, &other->run_id) ||
        !copy_text(arena, stmt, 1, &other->pipeline) ||
        !copy_text(arena, stmt, 2, &other->host))
        return false;
    other->pid = eh_sqlite_int(stmt, 3);
    other->pid_started = eh_sqlite_int(stmt, 4);
    (void)eh_parse_timestamp(eh_sqlite_text(stmt, 5), &zone, &heartbeat);
    other->heartbeat_age_us = eh_clock_wall(&lite->base.clock) - heartbeat;
    return true;
}

static bool refuse_live_run(eh_lite *lite, const eh_stream_key *key, const eh_run_info *run,
                            eh_err *err)
{
    eh_lite_arg args[] = {KEY_ARGS(key)};
    eh_other_run other;
    bool ok = false;
    eh_arena *arena = eh_arena_new((size_t)1024 * 1024);
    eh_sqlite_stmt *stmt = eh_lite_prepare(&lite->control, "other_run", args, 5, err);
    if (arena == NULL || stmt == NULL) goto out;
    eh_step step = eh_sqlite_step(stmt, err);
    if (step == EH_STEP_DONE) ok = true;
    if (step != EH_STEP_ROW) goto out;
    if (!read_other(lite, stmt, arena, &other))
        (void)eh_fail_memory(err, "a run");
    else if (eh_dest_run_is_live(run, &other) && !run->take_over)
        (void)eh_dest_fail_live(run, &other, err);
    else
        ok = true;
out:
    eh_sqlite_free(stmt);
    eh_arena_free(arena);
    return ok || eh_fail_memory(err, "a run");
}

static bool raise_epoch(eh_lite *lite, const eh_stream_key *key, eh_stream_state *state,
                        eh_err *err)
{
    eh_lite_arg args[] = {KEY_ARGS(key)};
    eh_sqlite_stmt *stmt = eh_lite_prepare(&lite->control, "stream_epoch", args, 5, err);
    if (stmt == NULL) return false;
    bool ok = eh_sqlite_step(stmt, err) == EH_STEP_ROW;
    if (ok) {
        state->stream_id = eh_sqlite_int(stmt, 0);
        state->epoch = eh_sqlite_int(stmt, 1);
        state->generation = eh_sqlite_int(stmt, 2);
    }
    eh_sqlite_free(stmt);
    return ok || eh_fail(err, EH_CLASS_BUG, "the stream's state row is not there");
}

static bool open_load(eh_lite *lite, const eh_stream_key *key, const eh_run_info *run,
                      eh_stream_state *state, eh_err *err)
{
    char now[40], why[160];
    (void)eh_lite_now(&lite->control, now);
    (void)snprintf(why, sizeof why, "cancelled: superseded by run %s", run->run_id);
    eh_lite_arg older[] = {eh_lite_int(state->stream_id), eh_lite_str(why), eh_lite_str(now)};
    eh_lite_arg load[] = {eh_lite_int(state->stream_id),
                          eh_lite_str(key->client),
                          eh_lite_str(run->run_id),
                          eh_lite_str(run->pipeline),
                          eh_lite_str(run->script_hash),
                          eh_lite_str(run->config_hash),
                          eh_lite_str(now)};
    return eh_lite_run(&lite->control, "loads_supersede", older, 3, err) &&
           eh_lite_number(&lite->control, "load_add", load, 7, &state->load_id, err);
}

static bool lite_take_over(eh_dest *dest, const eh_stream_key *key, const eh_run_info *run,
                           eh_stream_state *state, eh_err *err)
{
    eh_lite *lite = (eh_lite *)dest;
    char now[40];
    if (strcmp(key->schema, "main") != 0)
        return eh_fail(err, EH_CLASS_CONFIG, "SQLite has the schema main only, not %s",
                       key->schema);
    eh_lite_arg stream[] = {KEY_ARGS(key), eh_lite_str(eh_lite_now(&lite->control, now))};
    if (!eh_lite_begin(&lite->control, err)) return false;
    bool ok = eh_lite_run(&lite->control, "stream_add", stream, 6, err) &&
              refuse_live_run(lite, key, run, err) && raise_epoch(lite, key, state, err) &&
              open_load(lite, key, run, state, err) && start_heartbeat(lite, run, err);
    return eh_lite_end(&lite->control, ok, err);
}

/* ---- the ledger ------------------------------------------------------------------------- */

static bool read_unit(const eh_sqlite_stmt *stmt, eh_arena *arena, eh_ledger_unit *unit)
{
    bool zone;
    unit->range = (eh_range){.start = (uint64_t)eh_sqlite_int(stmt, 0),
                             .end = (uint64_t)eh_sqlite_int(stmt, 1),
                             .row_end = (uint64_t)eh_sqlite_int(stmt, 3),
                             .line_end = (uint64_t)eh_sqlite_int(stmt, 4)};
    unit->row_start = (uint64_t)eh_sqlite_int(stmt, 2);
    unit->rows = (uint64_t)eh_sqlite_int(stmt, 5);
    unit->last = eh_sqlite_int(stmt, 6) != 0;
    unit->header = NULL;
    if (!eh_sqlite_is_null(stmt, 7) && !copy_text(arena, stmt, 7, &unit->header)) return false;
    unit->committed_us = 0;
    (void)eh_parse_timestamp(eh_sqlite_text(stmt, 8), &zone, &unit->committed_us);
    return true;
}

static bool read_units(eh_lite *lite, const eh_lite_arg *args, eh_arena *arena,
                       eh_ledger *ledger, eh_err *err)
{
    int64_t count;
    if (!eh_lite_number(&lite->control, "ledger_count", args, 3, &count, err)) return false;
    ledger->ranges = eh_arena_zalloc(arena, (size_t)count, sizeof *ledger->ranges);
    if (ledger->ranges == NULL) return eh_fail_memory(err, "the ledger");
    eh_sqlite_stmt *stmt = eh_lite_prepare(&lite->control, "ledger_units", args, 3, err);
    if (stmt == NULL) return false;
    eh_ledger_fold fold = {.ledger = ledger};
    eh_ledger_unit unit;
    eh_step step = EH_STEP_DONE;
    /* Another process may add units between the two statements: never more than there is room
     * for; they are of another epoch and will be seen when it has been taken over. */
    while (count-- > 0 && (step = eh_sqlite_step(stmt, err)) == EH_STEP_ROW) {
        if (!read_unit(stmt, arena, &unit)) {
            (void)eh_fail_memory(err, "the ledger");
            step = EH_STEP_ERROR;
            break;
        }
        eh_dest_ledger_add(&fold, &unit);
    }
    eh_sqlite_free(stmt);
    return step == EH_STEP_DONE || step == EH_STEP_ROW;
}

static bool lite_ledger(eh_dest *dest, const eh_stream_state *state, const char *input,
                        const char *name, eh_arena *arena, eh_ledger *ledger, eh_err *err)
{
    eh_lite *lite = (eh_lite *)dest;
    eh_lite_arg args[] = {eh_lite_int(state->stream_id), eh_lite_str(input),
                          eh_lite_int(state->unit_generation), eh_lite_str(name)};
    int64_t other;
    if (!read_units(lite, args, arena, ledger, err) ||
        !eh_lite_number(&lite->control, "ledger_other", args, 4, &other, err))
        return false;
    ledger->name_known = other != 0;
    eh_sqlite_stmt *stmt = eh_lite_prepare(&lite->control, "ledger_name", args, 3, err);
    if (stmt == NULL) return false;
    eh_step step = eh_sqlite_step(stmt, err);
    bool ok = step != EH_STEP_ROW || copy_text(arena, stmt, 0, &ledger->name);
    eh_sqlite_free(stmt);
    if (!ok) return eh_fail_memory(err, "the ledger");
    return step == EH_STEP_ROW || step == EH_STEP_DONE;
}

/* ---- the end of a load ------------------------------------------------------------------ */

static bool promote(eh_lite *lite, const eh_stream_state *state, const eh_doc *cursor,
                    const char *now, eh_err *err)
{
    eh_buf json;
    eh_buf_init(&json, (size_t)1024 * 1024);
    bool ok = cursor == NULL || eh_doc_to_json(cursor, &json, err);
    eh_lite_arg args[] = {eh_lite_int(state->stream_id), eh_lite_int(state->epoch),
                          eh_lite_str(NULL), eh_lite_str(now)};
    if (cursor != NULL) args[2] = eh_lite_slice(eh_buf_slice(&json));
    ok = ok && eh_lite_run(&lite->control, "stream_finish", args, 4, err);
    eh_buf_free(&json);
    return ok;
}

static bool end_load(eh_lite *lite, const eh_stream_state *state, const char *status,
                     const char *error, eh_err *err)
{
    char now[40];
    eh_lite_arg args[] = {eh_lite_int(state->load_id), eh_lite_str(status), eh_lite_str(error),
                          eh_lite_str(eh_lite_now(&lite->control, now))};
    return eh_lite_run(&lite->control, "load_end", args, 4, err);
}

bool eh_lite_finish_load(eh_lite *lite, const eh_stream_state *state, const eh_doc *cursor,
                         eh_err *err)
{
    char now[40];
    eh_lite_arg columns[] = {eh_lite_int(state->stream_id), eh_lite_str(state->table.cursor)};
    return promote(lite, state, cursor, eh_lite_now(&lite->control, now), err) &&
           eh_lite_run(&lite->control, "columns_close", columns, 2, err) &&
           end_load(lite, state, "succeeded", NULL, err);
}

static bool lite_finish(eh_dest *dest, const eh_stream_state *state, const eh_doc *cursor,
                        eh_err *err)
{
    eh_lite *lite = (eh_lite *)dest;
    if (!eh_lite_begin_lasting(&lite->control, err)) return false;
    bool ok = eh_lite_fence(&lite->control, state, NULL, NULL, err) &&
              eh_lite_finish_load(lite, state, cursor, err);
    if (ok) EH_FAULT("finish");
    ok = eh_lite_end_lasting(&lite->control, ok, err);
    if (ok) EH_FAULT("finish.done");
    return ok;
}

static void lite_abandon(eh_dest *dest, const eh_stream_state *state, const eh_err *why)
{
    char text[sizeof why->message + 64];
    (void)snprintf(text, sizeof text, "%s: %s", eh_class_name(why->class_), why->message);
    const char *status = why->class_ == EH_CLASS_CANCELLED ? "cancelled" : "failed";
    eh_err ignored = {.class_ = EH_OK}; /* best effort: a later run closes the load, too */
    if (!end_load((eh_lite *)dest, state, status, text, &ignored)) return;
}

/* ---- open ------------------------------------------------------------------------------- */

static const eh_dest_ops lite_ops = {
    .close = lite_close,
    .take_over = lite_take_over,
    .describe = eh_lite_describe,
    .children = eh_lite_children,
    .is_large = eh_lite_is_large,
    .change = eh_lite_change,
    .ledger = lite_ledger,
    .key = eh_lite_key,
    .encoder = eh_lite_encoder_new,
    .submit = eh_lite_submit,
    .stage = eh_lite_stage,
    .stage_make = eh_lite_stage_make,
    .stage_trim = eh_lite_stage_trim,
    .promote = eh_lite_promote,
    .finish = lite_finish,
    .abandon = lite_abandon,
    .administer = eh_lite_administer,
};

static char *describe_where(const char *path)
{
    size_t size = strlen(path) + sizeof "SQLite file ";
    char *where = malloc(size);
    if (where != NULL) (void)snprintf(where, size, "SQLite file %s", path);
    return where;
}

eh_dest *eh_dest_sqlite_open(const char *path, bool read_only, eh_loop *loop,
                             const eh_clock *clock, eh_err *err)
{
    if (path[0] == '\0') {
        (void)eh_fail(err, EH_CLASS_CONFIG, "sqlite: needs a path, as in sqlite:data.db");
        return NULL;
    }
    eh_lite *lite = calloc(1, sizeof *lite);
    char *where = describe_where(path);
    if (lite == NULL || where == NULL) {
        free(lite);
        free(where);
        (void)eh_fail_memory(err, "a destination");
        return NULL;
    }
    lite->base = (eh_dest){.ops = &lite_ops,
                           .kind = "sqlite",
                           .default_schema = "main",
                           .where = where,
                           .lanes = 1,
                           .read_only = read_only,
                           .loop = loop,
                           .clock = *clock};
    lite->path = strdup(path);
    if (lite->path == NULL) (void)eh_fail_memory(err, "a destination");
    if (lite->path != NULL && eh_lite_prepare_file(lite, err)) return &lite->base;
    (void)eh_err_while(err, "opening %s", where);
    lite_close(&lite->base);
    return NULL;
}
