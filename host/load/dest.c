/* load/dest.c: which destination a url means, and what all destinations share.
 *
 * The work itself is in dest_sqlite*.c and dest_postgres*.c. */
#include "load/dest.h"

#include "load/dest_impl.h"
#include "load/dest_stage.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEARTBEAT_FRESH_US ((int64_t)60 * 1000 * 1000)

/* ---- the interface ---------------------------------------------------------------------- */

eh_dest *eh_dest_open(const char *url, size_t lanes, bool read_only, eh_loop *loop,
                      const eh_clock *clock, eh_err *err)
{
    static const char sqlite[] = "sqlite:";
    if (strncmp(url, sqlite, sizeof sqlite - 1) == 0)
        return eh_dest_sqlite_open(url + sizeof sqlite - 1, read_only, loop, clock, err);
    /* "mysql://..." would be the name of a local database for libpq. */
    const char *scheme = strstr(url, "://");
    bool is_libpq =
        strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0;
    if (scheme != NULL && !is_libpq && strcspn(url, "= ") > (size_t)(scheme - url)) {
        (void)eh_fail(err, EH_CLASS_CONFIG, "%.*s:// is no destination", (int)(scheme - url),
                      url);
        (void)eh_err_hint(err, "a destination is sqlite:PATH or postgresql://...");
        return NULL;
    }
    return eh_dest_postgres_open(url, lanes, read_only, loop, clock, err);
}

void eh_dest_share(eh_dest *dest, eh_slots *slots)
{
    dest->slots = slots;
}

void eh_dest_close(eh_dest *dest)
{
    if (dest != NULL) dest->ops->close(dest);
}

const char *eh_dest_kind(const eh_dest *dest)
{
    return dest->kind;
}

const char *eh_dest_where(const eh_dest *dest)
{
    return dest->where;
}

const char *eh_dest_default_schema(const eh_dest *dest)
{
    return dest->default_schema;
}

size_t eh_dest_lane_count(const eh_dest *dest)
{
    return dest->lanes;
}

bool eh_dest_take_over(eh_dest *dest, const eh_stream_key *key, const eh_run_info *run,
                       eh_stream_state *state, eh_err *err)
{
    if (dest->ops->take_over(dest, key, run, state, err)) {
        eh_stage_enter(state, EH_STAGE_NONE, dest->kind);
        return true;
    }
    return eh_err_while(err, "taking over stream %s/%s of %s", key->instance, key->resource,
                        dest->where);
}

bool eh_dest_describe(eh_dest *dest, const eh_stream_state *state, const char *schema,
                      const char *table, eh_arena *arena, eh_table_info *info, eh_err *err)
{
    *info = (eh_table_info){.exists = false};
    if (dest->ops->describe(dest, state, schema, table, arena, info, err)) return true;
    return eh_err_while(err, "looking at table %s.%s", schema, table);
}

bool eh_dest_children(eh_dest *dest, const char *schema, const char *table, eh_arena *arena,
                      eh_child_table **children, size_t *count, eh_err *err)
{
    *children = NULL;
    *count = 0;
    if (dest->ops->children(dest, schema, table, arena, children, count, err)) return true;
    return eh_err_while(err, "looking for child tables of %s.%s", schema, table);
}

bool eh_dest_is_large(eh_dest *dest, const eh_stream_state *state, const char *schema,
                      const char *table, size_t limit, bool *large, eh_err *err)
{
    if (dest->ops->is_large(dest, state, schema, table, limit, large, err)) return true;
    return eh_err_while(err, "counting the rows of %s.%s", schema, table);
}

bool eh_dest_change(eh_dest *dest, const eh_stream_state *state, const char *schema,
                    const char *table, const eh_change *changes, size_t count, eh_err *err)
{
    assert(dest->busy == 0);
    if (count == 0) return true;
    dest->changes++;
    if (dest->ops->change(dest, state, schema, table, changes, count, err)) return true;
    return eh_err_while(err, "changing table %s.%s", schema, table);
}

bool eh_dest_equip(eh_dest *dest, const eh_stream_state *state, const char *schema,
                   const char *table, eh_err *err)
{
    assert(dest->busy == 0);
    if (dest->ops->equip == NULL || dest->ops->equip(dest, state, schema, table, err))
        return true;
    return eh_err_while(err, "equipping table %s.%s", schema, table);
}

void eh_dest_on_notice(eh_dest *dest, void (*notice)(void *self, const char *text), void *self)
{
    dest->notice = notice;
    dest->notice_self = self;
}

void eh_dest_notice(const eh_dest *dest, const char *format, ...)
{
    char text[1024];
    va_list args;
    if (dest->notice == NULL) return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    dest->notice(dest->notice_self, text);
}

uint64_t eh_dest_changes(const eh_dest *dest)
{
    return dest->changes;
}

bool eh_dest_ledger(eh_dest *dest, const eh_stream_state *state, const char *input,
                    const char *name, eh_arena *arena, eh_ledger *ledger, eh_err *err)
{
    *ledger = (eh_ledger){.known = false};
    if (dest->ops->ledger(dest, state, input, name, arena, ledger, err)) return true;
    return eh_err_while(err, "looking up %s in the ledger", name);
}

const eh_encoder *eh_dest_encoder(eh_dest *dest, const eh_encoded *encoded, eh_arena *arena,
                                  const char **why_text, eh_err *err)
{
    *why_text = NULL;
    assert(encoded->put == NULL || encoded->put->count == encoded->count);
    return dest->ops->encoder(dest, encoded, arena, why_text, err);
}

bool eh_dest_puts(const eh_dest *dest)
{
    return dest->ops->key != NULL;
}

bool eh_dest_key(eh_dest *dest, const eh_stream_state *state, const char *schema,
                 const char *table, const eh_column_info *columns, const eh_put *put,
                 eh_err *err)
{
    if (dest->ops->key(dest, state, schema, table, columns, put, err)) return true;
    return eh_err_while(err, "indexing the key of %s.%s", schema, table);
}

bool eh_dest_submit(eh_dest *dest, const eh_stream_state *state, eh_unit *unit, eh_err *err)
{
    while (dest->busy == dest->lanes)
        if (!eh_loop_turn(dest->loop, -1, err)) return false;
    eh_err_clear(&unit->err);
    return eh_dest_reserve_done(dest, err) && dest->ops->submit(dest, state, unit, err);
}

eh_unit *eh_dest_take_done(eh_dest *dest)
{
    if (dest->done_count == 0) return NULL;
    eh_unit *unit = dest->done[0];
    dest->done_count--;
    memmove(dest->done, dest->done + 1, dest->done_count * sizeof(eh_unit *));
    return unit;
}

size_t eh_dest_in_flight(const eh_dest *dest)
{
    return dest->busy + dest->done_count;
}

size_t eh_dest_busy_lanes(const eh_dest *dest)
{
    return dest->busy;
}

const char *eh_dest_stage_schema(const eh_dest *dest)
{
    return strcmp(dest->kind, "postgres") == 0 ? "_etl" : dest->default_schema;
}

bool eh_dest_stage(eh_dest *dest, eh_stream_state *state, eh_staging staging, const char *input,
                   const char *schema, const char *table, eh_err *err)
{
    assert(dest->busy == 0);
    eh_stage_enter(state, staging, dest->kind);
    if (staging == EH_STAGE_NONE) return true;
    if (dest->ops->stage(dest, state, input, schema, table, err)) return true;
    return eh_err_while(err, "looking at the stage of %s.%s", schema, table);
}

bool eh_dest_stage_make(eh_dest *dest, eh_stream_state *state, const char *schema,
                        const char *table, eh_err *err)
{
    assert(dest->busy == 0 && state->staging != EH_STAGE_NONE);
    if (dest->ops->stage_make(dest, state, schema, table, err)) return true;
    return eh_err_while(err, "making a stage for %s.%s", schema, table);
}

bool eh_dest_stage_trim(eh_dest *dest, const eh_stream_state *state, const eh_stage_cut *cut,
                        eh_err *err)
{
    assert(dest->busy == 0 && state->staged);
    if (dest->ops->stage_trim(dest, state, cut, err)) return true;
    return eh_err_while(err, "going on with a window");
}

bool eh_dest_promote(eh_dest *dest, const eh_stream_state *state, const eh_promotion *promotion,
                     eh_promoted *promoted, eh_err *err)
{
    assert(dest->busy == 0);
    *promoted = (eh_promoted){.nothing = false};
    if (dest->ops->promote(dest, state, promotion, promoted, err)) return true;
    return eh_err_while(err, "replacing rows of %s.%s", promotion->schema, promotion->table);
}

bool eh_dest_finish(eh_dest *dest, const eh_stream_state *state, const eh_doc *cursor,
                    eh_err *err)
{
    if (dest->ops->finish(dest, state, cursor, err)) return true;
    return eh_err_while(err, "closing the load");
}

void eh_dest_abandon(eh_dest *dest, const eh_stream_state *state, const eh_err *why)
{
    dest->ops->abandon(dest, state, why);
}

/* ---- finished units --------------------------------------------------------------------- */

void eh_dest_release(eh_dest *dest)
{
    free(dest->where);
    free(dest->done);
}

bool eh_dest_reserve_done(eh_dest *dest, eh_err *err)
{
    size_t need = dest->done_count + dest->busy + 1;
    if (need <= dest->done_capacity) return true;
    eh_unit **done = realloc(dest->done, 2 * need * sizeof(eh_unit *));
    if (done == NULL) return eh_fail_memory(err, "finished units");
    dest->done = done;
    dest->done_capacity = 2 * need;
    return true;
}

void eh_dest_push_done(eh_dest *dest, eh_unit *unit)
{
    assert(dest->done_count < dest->done_capacity);
    dest->done[dest->done_count++] = unit;
}

/* ---- the bookkeeping --------------------------------------------------------------------- */

bool eh_dest_check_version(int64_t version, eh_err *err)
{
    if (version > EH_BOOKS_VERSION)
        return eh_fail(err, EH_CLASS_CONFIG,
                       "the bookkeeping in this database has version %" PRId64
                       ", this etlhost knows %d: use a newer one",
                       version, EH_BOOKS_VERSION);
    if (version == EH_BOOKS_VERSION) return true;
    (void)eh_fail(err, EH_CLASS_CONFIG,
                  "the bookkeeping in this database has version %" PRId64
                  ", this etlhost needs %d",
                  version, EH_BOOKS_VERSION);
    return eh_err_hint(err, "the next run that loads into it upgrades it");
}

/* ---- runs that may still be alive ------------------------------------------------------- */

/* Field 22 of /proc/PID/stat, the start time, counted after the last ')' because the command
 * name may hold anything (proc(5)). A zombie writes nothing any more. What cannot be looked at,
 * for lack of descriptors or of memory, is not known to be gone. */
static bool process_lives(int64_t pid, int64_t started)
{
    char path[64], text[1024];
    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno != ENOENT && errno != ESRCH;
    ssize_t len = read(fd, text, sizeof text - 1);
    bool unknown = len < 0 && errno != ESRCH;
    (void)close(fd);
    if (len <= 0) return unknown;
    text[len] = '\0';
    const char *p = strrchr(text, ')');
    if (p != NULL && (p[1] == '\0' || p[2] == 'Z' || p[2] == 'X')) return false;
    for (int field = 2; p != NULL && field < 22; field++) p = strchr(p + 1, ' ');
    return p != NULL && strtoll(p, NULL, 10) == started;
}

bool eh_dest_run_is_live(const eh_run_info *mine, const eh_other_run *other)
{
    if (strcmp(mine->run_id, other->run_id) == 0) return false;
    if (other->heartbeat_age_us > HEARTBEAT_FRESH_US) return false;
    if (strcmp(mine->host, other->host) != 0) return true;
    return process_lives(other->pid, other->pid_started);
}

bool eh_dest_fail_live(const eh_run_info *mine, const eh_other_run *other, eh_err *err)
{
    bool here = strcmp(mine->host, other->host) == 0;
    /* Not transient: waiting for it is the caller's, who may have other things to do. */
    (void)eh_fail(err, EH_CLASS_THROTTLED,
                  "run %s (%s) is loading this stream: process %" PRId64
                  " on %s, last heard of "
                  "%" PRId64 " s ago",
                  other->run_id, other->pipeline, other->pid, here ? "this host" : other->host,
                  other->heartbeat_age_us / 1000000);
    return eh_err_hint(err, "wait until it ends, or stop it; --take-over takes its place");
}

bool eh_dest_fail_superseded(const char *by_run, eh_err *err)
{
    return eh_fail(err, EH_CLASS_CANCELLED, "superseded by run %s", by_run);
}

/* ---- refused rows ----------------------------------------------------------------------- */

#define RAW_MAX ((size_t)64 * 1024 * 1024)

bool eh_dest_refuse_row(eh_unit *unit, size_t index, const char *column, const char *reason,
                        eh_err *err)
{
    eh_buf raw;
    eh_buf_init(&raw, RAW_MAX);
    const eh_place *place = &unit->places[index];
    bool ok = unit->raw == NULL || unit->raw(unit->raw_self, place, &raw, err);
    if (ok) {
        eh_dead dead = {
            .place = *place,
            .raw = eh_buf_slice(&raw),
            .column = eh_slice_str(column),
            .code = eh_slice_str("refused"),
            .reason = eh_slice_str(reason),
        };
        ok = eh_unit_add_dead(unit, &dead, err);
    }
    eh_buf_free(&raw);
    return ok;
}

bool eh_dest_fail_rotten(const eh_unit *unit, const char *reason, eh_err *err)
{
    (void)eh_fail(err, EH_CLASS_DATA, "%zu of %zu rows were refused; the latest: %s",
                  unit->dead_count, unit->dead_count + unit->rows, reason);
    return eh_err_hint(err, "look at the rows and the table; allow more with max_dead if that "
                            "many may be left out");
}

/* ---- the ledger ------------------------------------------------------------------------- */

void eh_dest_ledger_add(eh_ledger_fold *fold, const eh_ledger_unit *unit)
{
    eh_ledger *ledger = fold->ledger;
    eh_range *latest =
        ledger->range_count > 0 ? &ledger->ranges[ledger->range_count - 1] : NULL;
    assert(ledger->ranges != NULL);
    if (latest == NULL) fold->from_start = unit->row_start == 0;
    if (latest != NULL && latest->end == unit->range.start) {
        latest->end = unit->range.end;
        latest->row_end = unit->range.row_end;
        latest->line_end = unit->range.line_end;
    } else {
        ledger->ranges[ledger->range_count++] = unit->range;
    }
    ledger->known = true;
    ledger->complete = unit->last && fold->from_start && ledger->range_count == 1;
    if (unit->committed_us > ledger->committed_us) ledger->committed_us = unit->committed_us;
    ledger->rows += unit->rows;
    if (ledger->header == NULL) ledger->header = unit->header;
}
