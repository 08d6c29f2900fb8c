/* engine/stream.c: opening and ending a stream, and what is told of it; see stream.h. Its files
 * are in stream_file.c. */
#include "base/fault.h"
#include "data/zone.h"
#include "engine/pages.h"
#include "engine/stream_private.h"

#include <inttypes.h>

#define TELL_US       100000
#define DEAD_TOLD_MAX 10
#define ZONE_MAX      ((size_t)1024 * 1024)

/* ---- what the loader tells
 * -------------------------------------------------------------------- */

void eh_stream_tell_progress(eh_stream *s)
{
    int64_t at = eh_clock_monotonic(&s->run->clock);
    if (at - s->told_us < TELL_US) return;
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
    EH_FAULT("supervisor.died");
    const eh_stream *s = self;
    if (s->pages == NULL) {
        eh_stream_file *file = unit->raw_self;
        file->outcome.rows += unit->rows;
        file->outcome.dead += unit->dead_count;
    }
    eh_stream_tell_progress(self);
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

void eh_stream_tell_dead(const eh_stream *s, const char *file, const eh_dead *dead)
{
    eh_events *e = &s->run->events;
    eh_event_begin(e, "dead_row");
    eh_event_str(e, "instance", s->instance);
    eh_event_str(e, "resource", s->resource);
    eh_event_str(e, "file", file);
    if (dead->place.line > 0) eh_event_int(e, "line", (int64_t)dead->place.line);
    eh_event_int(e, "row", (int64_t)dead->place.row);
    if (dead->column.len > 0) eh_event_slice(e, "column", dead->column);
    eh_event_slice(e, "code", dead->code);
    eh_event_slice(e, "reason", dead->reason);
    eh_event_end(e);
}

static void on_dead(void *self, const char *input, const eh_dead *dead)
{
    eh_stream *s = self;
    if (s->dead_told++ < DEAD_TOLD_MAX) eh_stream_tell_dead(s, input, dead);
}

static void on_warning(void *self, const char *message)
{
    eh_stream *s = self;
    eh_event_log(&s->run->events, "warning", message, s->instance, s->resource);
}

/* ---- opening
 * ----------------------------------------------------------------------------------- */

static bool read_zone(void *self, const char *name, eh_slice *tzif, eh_err *err)
{
    eh_run *run = self;
    if (!eh_zone_name_ok(eh_slice_str(name)))
        return eh_fail(err, EH_CLASS_CONFIG, "\"%s\" is no time zone", name);
    eh_arena_reset(run->zone); /* every file asks again: not into the run's own arena */
    if (!eh_file_read_small("/usr/share/zoneinfo", name, ZONE_MAX, run->zone, tzif, err))
        return false;
    if (tzif->data != NULL) return true;
    eh_fail(err, EH_CLASS_CONFIG, "there is no time zone \"%s\"", name);
    return eh_err_hint(err, "use an IANA name such as Europe/Berlin, or UTC");
}

eh_transform_context eh_stream_transform_context(eh_stream *s)
{
    return (eh_transform_context){
        .timezone = eh_doc_str(eh_doc_get(s->run->spec, "client"), "timezone", NULL),
        .hash_key = eh_slice_str(eh_doc_str(s->run->spec, "hash_key", "")),
        .read_zone = read_zone,
        .self = s->run,
    };
}

static eh_table_options table_options(const eh_run *run)
{
    const eh_doc *destination = eh_doc_get(run->spec, "destination");
    const char *security = eh_doc_str(destination, "row_security", "");
    return (eh_table_options){.views = eh_doc_str(destination, "views", NULL),
                              .by_client = strcmp(security, "by_client") == 0};
}

bool eh_stream_open(eh_stream *s, eh_err *err)
{
    eh_run *run = s->run;
    const eh_doc *limits = eh_doc_get(run->spec, "limits");
    eh_transform_context transform = eh_stream_transform_context(s);
    int64_t unit_bytes = eh_doc_int(run->spec, "unit_bytes", 0);
    eh_loader_options options = {
        .dest = run->dest,
        .loop = run->loop,
        .units = &run->units,
        .clock = &run->clock,
        .run = &run->info,
        .key = {s->client, s->instance, s->resource, s->schema, s->table},
        .declaration = s->declaration,
        .transform = &transform,
        .rows = s->rows,
        .table = table_options(run),
        .projects = eh_doc_get(run->spec, "projects"),
        .has_file = s->pages == NULL,
        .again = eh_doc_get(run->spec, "retry") != NULL,
        .replace = s->replace,
        .allow_shrink = eh_doc_bool(run->spec, "allow_shrink", false),
        .dry_run = eh_doc_bool(run->spec, "dry_run", false),
        .unit_bytes = unit_bytes > 0 ? (size_t)unit_bytes : 0,
        .max_columns = (size_t)eh_doc_int(limits, "max_columns", 0),
        .widen_max = (size_t)eh_doc_int(limits, "widen_max", 0),
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

/* ---- the end
 * ----------------------------------------------------------------------------------- */

/* What became of rows that were not just added; what is zero is not told. */
static void tell_effects(eh_events *e, const eh_effects *effects)
{
    if (effects->inserted > 0) eh_event_int(e, "rows_inserted", (int64_t)effects->inserted);
    if (effects->updated > 0) eh_event_int(e, "rows_updated", (int64_t)effects->updated);
    if (effects->unchanged > 0) eh_event_int(e, "rows_unchanged", (int64_t)effects->unchanged);
    if (effects->repeated > 0) eh_event_int(e, "rows_repeated", (int64_t)effects->repeated);
    if (effects->stale > 0) eh_event_int(e, "rows_stale", (int64_t)effects->stale);
    if (effects->deleted > 0) eh_event_int(e, "rows_deleted", (int64_t)effects->deleted);
}

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
    if (s->pages != NULL) eh_event_int(e, "pages", (int64_t)s->page_count);
    eh_event_int(e, "files", (int64_t)s->files);
    eh_event_int(e, "files_known", (int64_t)s->files_known);
    eh_event_int(e, "files_growing", (int64_t)s->files_growing);
    eh_event_int(e, "files_left", (int64_t)s->files_left);
    eh_event_int(e, "files_refused", (int64_t)s->files_refused);
    eh_event_int(e, "rows_read", (int64_t)counts->rows_read);
    eh_event_int(e, "rows_loaded", (int64_t)counts->rows_loaded);
    eh_event_int(e, "rows_dead", (int64_t)counts->rows_dead);
    eh_event_int(e, "rows_filtered", (int64_t)counts->rows_filtered);
    eh_event_int(e, "values_discarded", (int64_t)counts->values_discarded);
    tell_effects(e, &counts->effects);
    eh_event_int(e, "rows_replaced", (int64_t)counts->rows_replaced);
    if (s->replace) eh_event_int(e, "rows_came", eh_loader_promoted(s->loader)->came);
    eh_event_int(e, "bytes", (int64_t)s->bytes);
    eh_event_seconds(e, "seconds", eh_clock_monotonic(&s->run->clock) - s->started_us);
    eh_event_bool(e, "dry_run", eh_doc_bool(s->run->spec, "dry_run", false));
    eh_event_end(e);
}

static void refuse_changed(const eh_stream *s, eh_err *err)
{
    eh_fail(err, EH_CLASS_DATA,
            "%" PRIu64 " of %" PRIu64
            " files changed since they were loaded, and were not loaded again",
            s->files_refused, s->files);
    eh_err_hint(
        err, "set on_changed_file: replace_rows to put its new rows in the place of the old "
             "ones, append to load it as new rows, or bring new rows in a file of their own");
}

/* A listing that is not complete is no content to replace another with. */
static void postpone(eh_stream *s)
{
    eh_loader_postpone(s->loader);
    on_warning(
        s, s->files_left > 0
               ? "nothing is replaced: a file is there and cannot be read now; the rows that "
                 "are there stay until the next run"
               : "nothing is replaced: a file is still being written to; the rows that are "
                 "there stay until the next run");
}

static bool finish(eh_stream *s, eh_err *err)
{
    bool dry = eh_doc_bool(s->run->spec, "dry_run", false);
    /* No row at all is a success, too, and an empty content to replace another with. */
    if (s->loader == NULL && s->preview == NULL && !(s->replace && dry) &&
        !eh_stream_open(s, err))
        return false;
    if (!eh_pages_finish(s, err)) {
        if (s->loader != NULL) eh_loader_abandon(s->loader, err);
        return false;
    }
    if (s->loader == NULL) return true;
    if (s->replace && s->files_growing + s->files_left > 0) postpone(s);
    if (!eh_loader_finish(s->loader, NULL, err)) {
        eh_loader_abandon(s->loader, err);
        return false;
    }
    if (s->files_refused > 0) refuse_changed(s, err);
    return s->files_refused == 0;
}

bool eh_stream_end(eh_stream *s, const eh_err *why)
{
    eh_err err = {.class_ = EH_OK};
    if (why == NULL) {
        (void)!finish(s, &err);
    } else {
        err = *why;
        eh_secrets_mask_err(s->run->secrets, &err); /* the destination keeps it */
        if (s->loader != NULL) eh_loader_abandon(s->loader, &err);
    }
    /* A file whose last units did not commit is not done. */
    for (eh_stream_file *f = s->retired; f != NULL && err.class_ != EH_OK; f = f->next)
        f->whole = false;
    eh_stream_retire(s, true);
    if (err.class_ != EH_OK) {
        s->run->failed = true;
        eh_event_error(&s->run->events, &err, s->instance, s->resource);
    }
    if (s->loader != NULL) tell_done(s);
    eh_loader_free(s->loader);
    s->loader = NULL;
    eh_pages_free(s);
    return err.class_ == EH_OK;
}
