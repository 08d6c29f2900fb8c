/* engine/stream_file.c: one file into a stream: is it known, what of it is left, its rows. See
 * stream.h. */
#include "base/fault.h"
#include "data/json.h"
#include "engine/input.h"
#include "engine/preview.h"
#include "engine/stream_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BATCH_TEXT_MAX ((size_t)512 * 1024 * 1024)
#define LEDGER_MAX     ((size_t)64 * 1024 * 1024)
#define SETTLED_MAX    ((size_t)16 * 1024 * 1024)

const char *eh_file_status_name(eh_file_status status)
{
    static const char *const names[] = {"loaded",  "resumed",  "known", "growing",
                                        "refused", "replaced", "left"};
    return names[status];
}

/* ---- files whose last units are still under way
 * ------------------------------------------------ */

static void tell_file(eh_stream *s, const eh_stream_file *f)
{
    eh_events *e = &s->run->events;
    eh_event_begin(e, "file_done");
    eh_event_str(e, "instance", s->instance);
    eh_event_str(e, "resource", s->resource);
    eh_event_str(e, "file", f->name);
    eh_event_str(e, "status", eh_file_status_name(f->outcome.status));
    eh_event_str(e, "reason", f->outcome.reason);
    eh_event_int(e, "rows", (int64_t)f->outcome.rows);
    if (f->outcome.status == EH_FILE_REPLACED)
        eh_event_int(e, "rows_replaced", (int64_t)f->outcome.gone);
    eh_event_int(e, "dead", (int64_t)f->outcome.dead);
    eh_event_int(e, "bytes", (int64_t)f->file.size);
    eh_event_end(e);
}

void eh_stream_free_file(eh_stream_file *f)
{
    eh_input_free(f->input);
    eh_file_close(&f->file);
    eh_remote_free(f->remote);
    eh_arena_free(f->arena);
    free(f);
}

void eh_stream_retire(eh_stream *s, bool all)
{
    for (eh_stream_file **at = &s->retired; *at != NULL;) {
        eh_stream_file *f = *at;
        if (!all && eh_loader_uses(s->loader, f)) {
            at = &f->next;
            continue;
        }
        *at = f->next;
        if (f->whole) tell_file(s, f);
        eh_stream_free_file(f);
    }
}

static bool raw_of_file(void *self, const eh_place *place, eh_buf *out, eh_err *err)
{
    return eh_input_raw(((eh_stream_file *)self)->input, place, out, err);
}

/* An input's settles: see eh_load_input. */
static bool settled_of_file(void *self, uint64_t start, uint64_t end, eh_arena *arena,
                            const char **ids, eh_err *err)
{
    const eh_retry *retry = ((const eh_stream_file *)self)->retry;
    eh_buf text;
    eh_buf_init(&text, SETTLED_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < retry->count; i++)
        if (retry->starts[i] >= start && retry->starts[i] < end)
            ok = eh_buf_printf(&text, err, "%s%s", text.len > 0 ? "," : "", retry->ids[i]);
    *ids = ok ? eh_arena_strndup(arena, text.data, text.len) : NULL;
    eh_buf_free(&text);
    return *ids != NULL || eh_fail_memory(err, "dead rows");
}

/* ---- the parts of a file
 * ------------------------------------------------------------------------ */

/* The record of a retried row says where that row stood, not where it stands among the retried.
 */
static void remap_place(const eh_retry *retry, eh_place *place)
{
    size_t low = 0, high = retry->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (retry->starts[middle] <= place->offset)
            low = middle;
        else
            high = middle;
    }
    place->row = retry->rows[low];
    place->line = retry->lines[low];
}

static void remap(const eh_retry *retry, eh_batch *batch)
{
    for (size_t r = 0; r < batch->rows; r++) remap_place(retry, &batch->places[r]);
    for (size_t d = 0; d < batch->dead_count; d++) remap_place(retry, &batch->dead[d].place);
}

static bool load_batches(eh_stream *s, eh_stream_file *f, eh_batch *batch, eh_err *err)
{
    for (;;) {
        bool end;
        if (!eh_input_next(f->input, batch, &end, err)) return false;
        if (end) return true;
        size_t count;
        const eh_slice *columns = eh_input_columns(f->input, &count);
        if (f->header == NULL) f->header = eh_input_header(f->input, f->arena);
        if (!eh_loader_header(s->loader, f->header, err)) return false;
        if (f->retry != NULL) remap(f->retry, batch);
        if (!eh_loader_batch(s->loader, batch, columns, count, err) ||
            !eh_run_go_on(s->run, err))
            return false;
        s->file_position = eh_input_position(f->input);
        eh_stream_tell_progress(s);
        eh_stream_retire(s, false);
    }
}

static bool load_part(eh_stream *s, eh_stream_file *f, eh_parse_from from, uint64_t until,
                      eh_err *err)
{
    bool last = until == UINT64_MAX;
    /* Units of the part before may still ask its input for a record's bytes. */
    if (f->input != NULL && !eh_loader_drain(s->loader, err)) return false;
    eh_input_free(f->input);
    f->input = eh_input_open(&f->file, f->name, f->format, &from, until, err);
    eh_load_input load = {.identity = f->file.identity,
                          .name = f->name,
                          .size = f->file.size,
                          .modified = f->file.modified_us,
                          .raw = raw_of_file,
                          .raw_self = f,
                          .settles = f->retry != NULL ? settled_of_file : NULL,
                          .as_stored = f->retry != NULL && f->retry->stored};
    eh_batch batch = {.arena = NULL};
    bool ok = f->input != NULL && eh_batch_init(&batch, BATCH_TEXT_MAX, err) &&
              eh_loader_begin(s->loader, &load, &from, err) && load_batches(s, f, &batch, err);
    eh_batch_free(&batch);
    if (ok && !f->file.ours && eh_file_changed(&f->file)) {
        ok = eh_fail(err, EH_CLASS_DATA, "%s changed while it was read", f->name);
        eh_err_hint(err, "what was committed stays; run again when nobody writes to it");
    }
    if (f->input != NULL) s->bytes += eh_input_position(f->input);
    return ok && eh_loader_end(s->loader, eh_input_end(f->input), last, err);
}

/* Loads the gaps between what is committed, in order. */
bool eh_stream_load_parts(eh_stream *s, eh_stream_file *f, const eh_ledger *ledger, eh_err *err)
{
    eh_parse_from from = {0, 0, 1};
    for (size_t i = 0; i < ledger->range_count; i++) {
        const eh_range *range = &ledger->ranges[i];
        if (range->start > from.offset && !load_part(s, f, from, range->start, err))
            return false;
        if (range->end >= from.offset)
            from = (eh_parse_from){range->end, range->row_end, range->line_end};
    }
    return ledger->last_known || load_part(s, f, from, UINT64_MAX, err);
}

static void print_day(int64_t us, char *out, size_t size)
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm utc;
    if (gmtime_r(&seconds, &utc) == NULL ||
        strftime(out, size, "%Y-%m-%d %H:%M UTC", &utc) == 0)
        out[0] = '\0';
}

void eh_stream_tell_known(eh_stream *s, eh_stream_file *f, const eh_ledger *ledger)
{
    char day[32];
    print_day(ledger->committed_us, day, sizeof day);
    f->outcome.status = EH_FILE_KNOWN;
    bool renamed = ledger->name != NULL && strcmp(ledger->name, f->name) != 0;
    (void)snprintf(f->outcome.reason, sizeof f->outcome.reason,
                   "the same bytes were loaded%s%s on %s", renamed ? " as " : "",
                   renamed ? ledger->name : "", day);
    s->files_known++;
}

/* The ledger knows only what has committed: units of the same bytes under another name are
 * waited for. */
static bool wait_for_twin(eh_stream *s, const eh_stream_file *f, eh_err *err)
{
    for (const eh_stream_file *other = s->retired; other != NULL; other = other->next)
        if (strcmp(other->file.identity, f->file.identity) == 0)
            return eh_loader_drain(s->loader, err);
    return true;
}

bool eh_stream_load_identified(eh_stream *s, eh_stream_file *f, eh_err *err)
{
    eh_ledger ledger = {.known = false};
    bool dry = eh_doc_bool(s->run->spec, "dry_run", false);
    if (!wait_for_twin(s, f, err)) return false;
    if (!dry && s->replace) return eh_stream_collect(s, f, err);
    if (!dry && !eh_dest_ledger(s->run->dest, eh_loader_state(s->loader), f->file.identity,
                                f->name, f->arena, &ledger, err))
        return false;
    if (ledger.complete) {
        eh_stream_tell_known(s, f, &ledger);
        if (ledger.name_known && f->retry == NULL && !eh_loader_appends(s->loader) &&
            !eh_stream_forget_older(s, f, err))
            return false;
        return eh_stream_note_name(s, f, &ledger, err);
    }
    if (f->remote != NULL && !eh_stream_look_into(f, &ledger, err)) return false;
    f->outcome.status = ledger.known ? EH_FILE_RESUMED : EH_FILE_LOADED;
    /* Rows sent again go under the name of the file they came from: that it is known is no
     * change. */
    if (!ledger.known && ledger.name_known && f->retry == NULL)
        return eh_stream_load_changed(s, f, err);
    return eh_stream_load_parts(s, f, &ledger, err);
}

bool eh_stream_load_opened(eh_stream *s, eh_stream_file *f, eh_err *err)
{
    bool growing;
    EH_FAULT("file.opened");
    if (!eh_file_identify(&f->file, &growing, err)) return false;
    if (s->loader == NULL && !eh_stream_open(s, err)) return false;
    s->file_size = f->file.size;
    s->file_position = 0;
    (void)snprintf(s->file_name, sizeof s->file_name, "%s", f->name);
    if (!growing) return eh_stream_load_identified(s, f, err);
    f->outcome.status = EH_FILE_GROWING;
    (void)snprintf(f->outcome.reason, sizeof f->outcome.reason,
                   "somebody is still writing to it: left for the next run");
    s->files_growing++;
    return true;
}

eh_stream_file *eh_stream_new_file(eh_stream *s, const char *name, eh_err *err)
{
    eh_stream_file *f = calloc(1, sizeof *f);
    if (f != NULL) {
        f->file.fd = -1;
        f->format = eh_doc_get(s->declaration, "format");
        f->arena = eh_arena_new(LEDGER_MAX);
        f->name = f->arena != NULL ? eh_arena_strdup(f->arena, name) : NULL;
    }
    if (f != NULL && f->name != NULL) return f;
    if (f != NULL) eh_stream_free_file(f);
    eh_fail_memory(err, "a file");
    return NULL;
}

bool eh_stream_run_file(eh_stream *s, eh_stream_file *f,
                        bool (*load)(eh_stream *stream, eh_stream_file *file, eh_err *err),
                        eh_err *err)
{
    s->files++;
    f->whole = load(s, f, err);
    /* Not before: of a file whose rows are all left out no unit is under way while it is read.
     */
    f->next = s->retired;
    s->retired = f;
    if (!f->whole && s->loader != NULL) eh_loader_drop(s->loader);
    return f->whole;
}

bool eh_stream_check_name(const char *name, eh_err *err)
{
    if (eh_utf8_valid(name, strlen(name))) return true;
    eh_fail(err, EH_CLASS_DATA, "the name of the file %s is not UTF-8", name);
    return eh_err_hint(err, "rename it");
}

bool eh_stream_count_file(eh_stream *s, eh_stream_file *f,
                          bool (*load)(eh_stream *stream, eh_stream_file *file, eh_err *err),
                          eh_file_outcome *outcome, eh_err *err)
{
    f->file.chunk = (size_t)eh_doc_int(s->run->spec, "chunk_bytes", 0);
    eh_load_counts before = {.rows_sent = 0}, after = before;
    if (s->loader != NULL) before = *eh_loader_counts(s->loader);
    bool ok = eh_stream_run_file(s, f, load, err);
    *outcome = f->outcome;
    /* Its last units may still be under way: what they hold is known all the same. */
    if (s->loader != NULL) after = *eh_loader_counts(s->loader);
    outcome->rows = after.rows_sent - before.rows_sent;
    outcome->dead = after.dead_sent - before.dead_sent;
    if (s->loader != NULL) eh_stream_retire(s, false);
    return ok;
}

bool eh_stream_load(eh_stream *s, const char *root, const char *name, eh_file_outcome *outcome,
                    eh_err *err)
{
    *outcome = (eh_file_outcome){.status = EH_FILE_LOADED};
    if (!eh_run_go_on(s->run, err) || !eh_stream_check_name(name, err)) return false;
    if (s->pages != NULL)
        return eh_fail(err, EH_CLASS_SCRIPT, "a resource loads files or emits rows, not both");
    if (s->preview != NULL) return eh_preview_file(s->preview, s, root, name, err);
    eh_stream_file *f = eh_stream_new_file(s, name, err);
    if (f == NULL) return false;
    if (!eh_file_open(&f->file, root, name, err) ||
        !eh_input_declared_coding(&f->file, f->format, err)) {
        eh_stream_free_file(f);
        return false;
    }
    return eh_stream_count_file(s, f, eh_stream_load_opened, outcome, err);
}
