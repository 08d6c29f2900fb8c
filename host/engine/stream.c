/* engine/stream.c: see stream.h. */
#include "engine/stream.h"

#include "base/fault.h"
#include "data/zone.h"
#include "engine/input.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define BATCH_TEXT_MAX ((size_t)512 * 1024 * 1024)
#define TELL_US        100000
#define DEAD_TOLD_MAX  10
#define ZONE_MAX       ((size_t)1024 * 1024)

const char *eh_file_status_name(eh_file_status status)
{
    static const char *const names[] = {"loaded", "resumed", "known", "growing", "refused"};
    return names[status];
}

/* ---- what the loader tells -------------------------------------------------------------------- */

static void tell_progress(eh_stream *s, bool now)
{
    int64_t at = eh_clock_monotonic(&s->run->clock);
    if (!now && at - s->told_us < TELL_US) return;
    s->told_us = at;
    const eh_load_counts *counts = eh_loader_counts(s->loader);
    eh_events *e = &s->run->events;
    eh_event_begin(e, "progress");
    eh_event_str(e, "instance", s->instance);
    eh_event_str(e, "resource", s->resource);
    eh_event_str(e, "file", s->file_name);
    eh_event_int(e, "bytes", (int64_t)s->file_position);
    eh_event_int(e, "total_bytes", (int64_t)s->file_size);
    eh_event_int(e, "rows", (int64_t)counts->rows_loaded);
    eh_event_int(e, "dead", (int64_t)counts->rows_dead);
    eh_event_end(e);
}

static void on_committed(void *self, const eh_unit *unit)
{
    (void)unit;
    EH_FAULT("supervisor.died");
    tell_progress(self, false);
}

static void on_schema_change(void *self, const char *table, const eh_change *change)
{
    static const char *const kinds[] = {"create table", "add column", "change type"};
    eh_stream *s = self;
    eh_events *e = &s->run->events;
    eh_event_begin(e, "schema_change");
    eh_event_str(e, "instance", s->instance);
    eh_event_str(e, "resource", s->resource);
    eh_event_str(e, "table", table);
    eh_event_str(e, "change", kinds[change->kind]);
    eh_event_str(e, "column", change->column);
    if (change->kind == EH_CHANGE_TYPE) eh_event_str(e, "from", eh_type_name(change->from));
    if (change->kind != EH_CHANGE_CREATE_TABLE) eh_event_str(e, "to", eh_type_name(change->to));
    eh_event_str(e, "why", change->why);
    eh_event_end(e);
}

static void on_dead(void *self, const char *input, const eh_dead *dead)
{
    eh_stream *s = self;
    if (s->dead_told++ >= DEAD_TOLD_MAX) return;
    eh_events *e = &s->run->events;
    eh_event_begin(e, "dead_row");
    eh_event_str(e, "instance", s->instance);
    eh_event_str(e, "resource", s->resource);
    eh_event_str(e, "file", input);
    if (dead->place.line > 0) eh_event_int(e, "line", (int64_t)dead->place.line);
    eh_event_int(e, "row", (int64_t)dead->place.row);
    if (dead->column.len > 0) eh_event_slice(e, "column", dead->column);
    eh_event_slice(e, "code", dead->code);
    eh_event_slice(e, "reason", dead->reason);
    eh_event_end(e);
}

static void on_warning(void *self, const char *message)
{
    eh_stream *s = self;
    eh_event_log(&s->run->events, "warning", message, s->instance, s->resource);
}

/* ---- opening ----------------------------------------------------------------------------------- */

static bool read_zone(void *self, const char *name, eh_slice *tzif, eh_err *err)
{
    eh_run *run = self;
    if (!eh_zone_name_ok(eh_slice_str(name)))
        return eh_fail(err, EH_CLASS_CONFIG, "\"%s\" is no time zone", name);
    if (!eh_file_read_small("/usr/share/zoneinfo", name, ZONE_MAX, run->arena, tzif, err))
        return false;
    if (tzif->data != NULL) return true;
    eh_fail(err, EH_CLASS_CONFIG, "there is no time zone \"%s\"", name);
    return eh_err_hint(err, "use an IANA name such as Europe/Berlin, or UTC");
}

static bool open_loader(eh_stream *s, eh_err *err)
{
    eh_run *run = s->run;
    const eh_doc *limits = eh_doc_get(run->spec, "limits");
    eh_transform_context transform = {
        .timezone = eh_doc_str(eh_doc_get(run->spec, "client"), "timezone", NULL),
        .hash_key = eh_slice_str(eh_doc_str(run->spec, "hash_key", "")),
        .read_zone = read_zone,
        .self = run,
    };
    int64_t unit_bytes = eh_doc_int(run->spec, "unit_bytes", 0);
    eh_loader_options options = {
        .dest = run->dest,
        .loop = run->loop,
        .clock = &run->clock,
        .run = &run->info,
        .key = {s->client, s->instance, s->resource, s->schema, s->table},
        .declaration = s->declaration,
        .transform = &transform,
        .rows = s->rows,
        .has_file = true,
        .dry_run = eh_doc_bool(run->spec, "dry_run", false),
        .unit_bytes = unit_bytes > 0 ? (size_t)unit_bytes : 0,
        .max_columns = (size_t)eh_doc_int(limits, "max_columns", 0),
        .events = {s, on_schema_change, on_dead, on_committed, on_warning},
    };
    s->started_us = eh_clock_monotonic(&run->clock);
    s->loader = eh_loader_new(&options, err);
    if (s->loader == NULL) return false;
    eh_event_begin(&run->events, "stream_started");
    eh_event_str(&run->events, "instance", s->instance);
    eh_event_str(&run->events, "resource", s->resource);
    eh_event_str(&run->events, "table", s->table);
    eh_event_str(&run->events, "destination", eh_dest_where(run->dest));
    eh_event_end(&run->events);
    return true;
}

/* ---- one file ------------------------------------------------------------------------------------ */

static bool load_part(eh_stream *s, const eh_file *file, const char *name, eh_parse_from from,
                      uint64_t until, eh_err *err)
{
    const eh_doc *format = eh_doc_get(s->declaration, "format");
    eh_batch batch = {.arena = NULL};
    eh_input *input = eh_input_open(file, name, format, &from, until, err);
    eh_load_input load = {file->identity, name, file->size, file->modified_us, eh_input_raw, input};
    bool ok = input != NULL && eh_batch_init(&batch, BATCH_TEXT_MAX, err) &&
              eh_loader_begin(s->loader, &load, &from, err);
    bool end = false;
    while (ok) {
        ok = eh_input_next(input, &batch, &end, err);
        if (!ok || end) break;
        size_t count;
        const eh_slice *columns = eh_input_columns(input, &count);
        ok = eh_loader_batch(s->loader, &batch, columns, count, err) &&
             eh_run_go_on(s->run, err);
        s->file_position = eh_input_position(input);
        tell_progress(s, false);
    }
    if (ok && until == UINT64_MAX && eh_file_changed(file)) {
        ok = eh_fail(err, EH_CLASS_DATA, "%s changed while it was read", name);
        eh_err_hint(err, "what was committed stays; run again when nobody writes to it");
    }
    if (ok) ok = eh_loader_end(s->loader, eh_input_end(input), until == UINT64_MAX, err);
    /* Units under way may still ask the input for a record's bytes. A second failure is not told:
     * the first one is the cause. */
    eh_err draining = {.class_ = EH_OK};
    if (input != NULL && !eh_loader_drain(s->loader, &draining) && ok) {
        *err = draining;
        ok = false;
    }
    s->bytes += input != NULL ? eh_input_position(input) : 0;
    eh_batch_free(&batch);
    eh_input_free(input);
    return ok;
}

/* Loads the gaps between what is committed, in order. */
static bool load_parts(eh_stream *s, const eh_file *file, const char *name,
                       const eh_ledger *ledger, bool tail_done, eh_err *err)
{
    eh_parse_from from = {0, 0, 1};
    for (size_t i = 0; i < ledger->range_count; i++) {
        const eh_range *range = &ledger->ranges[i];
        if (range->start > from.offset && !load_part(s, file, name, from, range->start, err))
            return false;
        if (range->end >= from.offset) from = (eh_parse_from){range->end, range->row_end, range->line_end};
    }
    return tail_done || load_part(s, file, name, from, UINT64_MAX, err);
}

static void print_day(int64_t us, char *out, size_t size)
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm utc;
    if (gmtime_r(&seconds, &utc) == NULL || strftime(out, size, "%Y-%m-%d %H:%M UTC", &utc) == 0)
        out[0] = '\0';
}

static bool decide(eh_stream *s, const char *name, const eh_ledger *ledger,
                   eh_file_outcome *outcome)
{
    if (ledger->complete) {
        char day[32];
        print_day(ledger->committed_us, day, sizeof day);
        outcome->status = EH_FILE_KNOWN;
        bool renamed = ledger->name != NULL && strcmp(ledger->name, name) != 0;
        (void)snprintf(outcome->reason, sizeof outcome->reason,
                       "the same bytes were loaded%s%s on %s", renamed ? " as " : "",
                       renamed ? ledger->name : "", day);
        s->files_known++;
        return false;
    }
    outcome->status = ledger->known ? EH_FILE_RESUMED : EH_FILE_LOADED;
    const char *changed = eh_doc_str(s->declaration, "on_changed_file", "refuse");
    if (ledger->known || !ledger->name_known || strcmp(changed, "append") == 0) return true;
    outcome->status = EH_FILE_REFUSED;
    (void)snprintf(outcome->reason, sizeof outcome->reason,
                   "its content changed since it was loaded; with on_changed_file = append it "
                   "loads as a new file");
    s->files_refused++;
    return false;
}

static void tell_file(eh_stream *s, const char *name, const eh_file *file,
                      const eh_file_outcome *outcome)
{
    eh_events *e = &s->run->events;
    eh_event_begin(e, "file_done");
    eh_event_str(e, "instance", s->instance);
    eh_event_str(e, "resource", s->resource);
    eh_event_str(e, "file", name);
    eh_event_str(e, "status", eh_file_status_name(outcome->status));
    eh_event_str(e, "reason", outcome->reason);
    eh_event_int(e, "rows", (int64_t)outcome->rows);
    eh_event_int(e, "dead", (int64_t)outcome->dead);
    eh_event_int(e, "bytes", (int64_t)file->size);
    eh_event_end(e);
}

static bool load_known(eh_stream *s, const eh_file *file, const char *name, eh_arena *arena,
                       eh_file_outcome *outcome, eh_err *err)
{
    eh_ledger ledger = {.known = false};
    bool dry = eh_doc_bool(s->run->spec, "dry_run", false);
    if (!dry && !eh_dest_ledger(s->run->dest, eh_loader_state(s->loader), file->identity, name,
                                arena, &ledger, err))
        return false;
    if (!decide(s, name, &ledger, outcome)) return true;
    const eh_load_counts *counts = eh_loader_counts(s->loader);
    uint64_t loaded = counts->rows_loaded, dead = counts->rows_dead;
    bool ok = load_parts(s, file, name, &ledger, ledger.last_known, err);
    outcome->rows = counts->rows_loaded - loaded;
    outcome->dead = counts->rows_dead - dead;
    return ok;
}

static bool load_opened(eh_stream *s, eh_file *file, const char *name, eh_file_outcome *outcome,
                        eh_err *err)
{
    bool growing;
    EH_FAULT("file.opened");
    if (!eh_file_identify(file, &growing, err)) return false;
    if (s->loader == NULL && !open_loader(s, err)) return false;
    s->file_name = name;
    s->file_size = file->size;
    s->file_position = 0;
    if (growing) {
        outcome->status = EH_FILE_GROWING;
        (void)snprintf(outcome->reason, sizeof outcome->reason,
                       "somebody is still writing to it: left for the next run");
        s->files_growing++;
        return true;
    }
    eh_arena *arena = eh_arena_new((size_t)64 * 1024 * 1024);
    if (arena == NULL) return eh_fail_memory(err, "a ledger");
    bool ok = load_known(s, file, name, arena, outcome, err);
    eh_arena_free(arena);
    return ok;
}

bool eh_stream_load(eh_stream *s, const char *root, const char *name, eh_file_outcome *outcome,
                    eh_err *err)
{
    *outcome = (eh_file_outcome){.status = EH_FILE_LOADED};
    eh_file file;
    if (!eh_run_go_on(s->run, err) || !eh_file_open(&file, root, name, err)) return false;
    s->files++;
    bool ok = load_opened(s, &file, name, outcome, err);
    if (ok) tell_file(s, name, &file, outcome);
    eh_file_close(&file);
    return ok;
}

/* ---- the end ----------------------------------------------------------------------------------- */

static void tell_done(eh_stream *s)
{
    const eh_load_counts *counts = eh_loader_counts(s->loader);
    eh_events *e = &s->run->events;
    eh_event_begin(e, "stream_done");
    eh_event_str(e, "instance", s->instance);
    eh_event_str(e, "resource", s->resource);
    eh_event_str(e, "schema", s->schema);
    eh_event_str(e, "table", s->table);
    eh_event_str(e, "destination", eh_dest_where(s->run->dest));
    eh_event_int(e, "files", (int64_t)s->files);
    eh_event_int(e, "files_known", (int64_t)s->files_known);
    eh_event_int(e, "files_growing", (int64_t)s->files_growing);
    eh_event_int(e, "files_refused", (int64_t)s->files_refused);
    eh_event_int(e, "rows_read", (int64_t)counts->rows_read);
    eh_event_int(e, "rows_loaded", (int64_t)counts->rows_loaded);
    eh_event_int(e, "rows_dead", (int64_t)counts->rows_dead);
    eh_event_int(e, "rows_filtered", (int64_t)counts->rows_filtered);
    eh_event_int(e, "values_discarded", (int64_t)counts->values_discarded);
    eh_event_int(e, "bytes", (int64_t)s->bytes);
    eh_event_seconds(e, "seconds", eh_clock_monotonic(&s->run->clock) - s->started_us);
    eh_event_bool(e, "dry_run", eh_doc_bool(s->run->spec, "dry_run", false));
    eh_event_end(e);
}

static void refuse_changed(const eh_stream *s, eh_err *err)
{
    eh_fail(err, EH_CLASS_DATA, "%" PRIu64 " of %" PRIu64
            " files changed since they were loaded, and were not loaded again", s->files_refused,
            s->files);
    eh_err_hint(err, "set on_changed_file: append to load a changed file as new rows, or bring the "
                     "new rows in a file of their own");
}

bool eh_stream_end(eh_stream *s, const eh_err *why)
{
    eh_err err = {.class_ = EH_OK};
    if (why != NULL) {
        err = *why;
        if (s->loader != NULL) eh_loader_abandon(s->loader, &err);
    } else if (s->loader != NULL && eh_loader_finish(s->loader, NULL, &err) &&
               s->files_refused > 0) {
        refuse_changed(s, &err);
    }
    if (err.class_ != EH_OK) {
        s->run->failed = true;
        eh_event_error(&s->run->events, &err, s->instance, s->resource);
    }
    if (s->loader != NULL) tell_done(s);
    eh_loader_free(s->loader);
    s->loader = NULL;
    return err.class_ == EH_OK;
}
