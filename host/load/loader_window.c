/* load/loader_window.c: windows: the rows that a service answers for a span of time, or for the
 * whole of a list; see loader.h.
 *
 * The state row says which window is being read (pending) from its beginning to its end. Units
 * of rows that are merged commit into the table, those of other rows into a stage, each with
 * its position; a run that finds such a window goes on behind those that committed without a
 * gap, or begins it anew (loader_resume.c). */
#include "base/fault.h"
#include "load/loader_resume.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MARK_MAX   ((size_t)64 * 1024)
#define WINDOW_MAX ((size_t)16 * 1024 * 1024)

bool eh_loader_window_init(eh_loader *loader, eh_err *err)
{
    eh_buf_init(&loader->mark, MARK_MAX);
    loader->window_arena = eh_arena_new(WINDOW_MAX);
    loader->cursor_arena = eh_arena_new(WINDOW_MAX);
    return (loader->window_arena != NULL && loader->cursor_arena != NULL) ||
           eh_fail_memory(err, "a load");
}

void eh_loader_window_free(eh_loader *loader)
{
    eh_buf_free(&loader->mark);
    eh_arena_free(loader->window_arena);
    eh_arena_free(loader->cursor_arena);
}

static bool fence(const eh_doc *row, eh_err *err)
{
    if (strcmp(eh_doc_str(row, "streams", "0"), "0") != 0) return true;
    return eh_fail(err, EH_CLASS_CANCELLED, "another run has taken this stream over");
}

bool eh_loader_progress(eh_loader *loader, eh_arena *arena, eh_progress *progress, eh_err *err)
{
    return eh_loader_read_until(loader, arena, progress, err);
}

bool eh_loader_collects(const eh_loader *loader)
{
    eh_write write = loader->plan.options.write.write;
    return !loader->options.replace && !loader->options.dry_run &&
           (write == EH_WRITE_APPEND || write == EH_WRITE_RESTATE);
}

/* ---- beginning -------------------------------------------------------------------------- */

static bool write_pending(const eh_loader *loader, uint64_t start, eh_buf *out, eh_err *err)
{
    const eh_load_window *w = &loader->bounds;
    bool ok = eh_buf_append_str(out, "{\"input\":", err) &&
              eh_buf_append_json(out, eh_slice_str(loader->window), err) &&
              eh_buf_printf(out, err, ",\"start\":%" PRIu64 ",\"name\":", start) &&
              eh_buf_append_json(out, eh_slice_str(w->name), err);
    if (ok && w->bounds != NULL)
        ok = eh_buf_append_str(out, ",\"bounds\":", err) && eh_doc_to_json(w->bounds, out, err);
    return ok && eh_buf_append_byte(out, '}', err) &&
           (eh_buf_cstr(out) != NULL || eh_fail_memory(err, "a window"));
}

/* A document as JSON text; *text stays NULL without one. */
static bool print_doc(const eh_doc *doc, eh_buf *json, const char **text, eh_err *err)
{
    *text = NULL;
    if (doc == NULL) return true;
    if (!eh_doc_to_json(doc, json, err)) return false;
    *text = eh_buf_cstr(json);
    return *text != NULL || eh_fail_memory(err, "a cursor");
}

/* cursor: what the stream's is by now; NULL: as it was. */
static bool record(eh_loader *loader, const eh_attempt *before, uint64_t start,
                   const eh_doc *cursor, eh_err *err)
{
    char stream[EH_NUMBER_TEXT], epoch[EH_NUMBER_TEXT], at[EH_NUMBER_TEXT], end[EH_NUMBER_TEXT];
    bool resumes = eh_attempt_goes_on(before), staged = loader->state.staged;
    eh_buf pending, json;
    const eh_doc *row;
    eh_buf_init(&pending, WINDOW_MAX);
    eh_buf_init(&json, WINDOW_MAX);
    eh_loader_number(loader->state.stream_id, stream);
    eh_loader_number(loader->state.epoch, epoch);
    eh_loader_number(before->stays ? INT64_MAX : resumes ? (int64_t)before->at : 0, at);
    eh_loader_number((int64_t)before->end, end);
    /* What is in a stage leaves it with its units: eh_loader_trim. */
    const char *params[] = {
        stream, epoch, NULL, before->input, at, resumes && !staged ? end : NULL, NULL};
    bool ok = write_pending(loader, start, &pending, err) &&
              print_doc(cursor, &json, &params[6], err);
    params[2] = pending.data;
    ok = ok &&
         eh_loader_ask(loader, "window_begin", params, 7, loader->window_arena, &row, err) &&
         fence(row, err);
    eh_buf_free(&pending);
    eh_buf_free(&json);
    return ok;
}

static bool copy(const eh_load_window *window, eh_arena *arena, eh_load_window *out,
                 eh_err *err)
{
    const char *texts[] = {window->name, window->from, window->until, window->first_day,
                           window->last_day};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i] == NULL) continue;
        texts[i] = eh_arena_strdup(arena, texts[i]);
        if (texts[i] == NULL) return eh_fail_memory(err, "a window");
    }
    *out = (eh_load_window){.name = texts[0],
                            .period = window->period,
                            .whole = window->whole,
                            .from = texts[1],
                            .until = texts[2],
                            .first_day = texts[3],
                            .last_day = texts[4]};
    if (window->bounds != NULL) out->bounds = eh_doc_copy(arena, window->bounds, NULL);
    return window->bounds == NULL || out->bounds != NULL || eh_fail_memory(err, "a window");
}

/* Text of the window, and its identity, in the loader's own memory. */
static bool keep(eh_loader *loader, const eh_load_window *window, const char *known,
                 eh_err *err)
{
    eh_arena *arena = loader->window_arena;
    if (!copy(window, arena, &loader->bounds, err)) return false;
    loader->window = known != NULL ? eh_arena_strdup(arena, known)
                                   : eh_arena_printf(arena, "window:%" PRId64 ":%" PRIu64,
                                                     loader->state.load_id, loader->windows);
    loader->windows++;
    loader->window_units = loader->state.units;
    return loader->window != NULL || eh_fail_memory(err, "a window");
}

/* What is known of the order of rows that come now. */
static bool begin_order(eh_loader *loader, const eh_load_window *window,
                        const eh_attempt *before, const eh_doc *cursor, eh_err *err)
{
    const eh_doc *value = eh_doc_get(cursor, "value");
    if (loader->ascending.field == NULL) return true;
    if (window->whole)
        return eh_ascending_begin(&loader->ascending, false, value != NULL ? value : cursor,
                                  NULL, err);
    return eh_ascending_begin(&loader->ascending, window->from != NULL, before->reached,
                              before->position != NULL ? before->behind : NULL, err);
}

/* The window's identity, and where its rows wait for its end, the stage of that. One of an
 * earlier attempt is gone where the table is another by now. */
static bool enter(eh_loader *loader, const eh_load_window *window, eh_attempt *before,
                  eh_err *err)
{
    bool collects = eh_loader_collects(loader), resumes = eh_attempt_goes_on(before);
    if (collects && resumes) {
        if (!eh_loader_enter(loader, EH_STAGE_WINDOW, before->input, err)) return false;
        resumes = loader->state.staged;
        if (!resumes) before->position = before->reached = NULL;
    }
    if (!keep(loader, window, resumes ? before->input : NULL, err)) return false;
    return !collects || resumes ||
           eh_loader_enter(loader, EH_STAGE_WINDOW, loader->window, err);
}

static bool resume(eh_loader *loader, const eh_attempt *before, eh_resume *resume, eh_err *err)
{
    bool staged = eh_loader_collects(loader);
    resume->position = before->position;
    if (before->position == NULL) resume->from = before->from;
    loader->window_resumed = staged;
    if (staged) return eh_loader_trim(loader, before, err);
    if (before->position == NULL) return true;
    /* Until the first page is read, the next run goes on where this one did. */
    loader->marked = before->at;
    return eh_buf_printf(&loader->mark, err,
                         ",\"offset\":%" PRIu64 ",\"value\":", before->at) &&
           eh_doc_to_json(before->position, &loader->mark, err);
}

/* anew: whatever there is of it. */
static bool begin(eh_loader *loader, const eh_load_window *window, const eh_load_input *input,
                  bool anew, eh_arena *arena, eh_resume *where, eh_err *err)
{
    eh_attempt before = {.input = NULL};
    eh_progress progress = {.cursor = NULL};
    bool writes = !loader->options.dry_run && !loader->options.replace;
    uint64_t start = loader->position.offset;
    *where = (eh_resume){.position = NULL};
    if (!eh_loader_collect(loader, EH_WAIT_MINE, err) ||
        !eh_loader_read_until(loader, arena, &progress, err) ||
        (writes && !eh_loader_look_back(loader, window, arena, &before, err)))
        return false;
    if (anew) {
        before.position = before.behind = before.reached = NULL;
        before.from = NULL;
    }
    eh_arena_reset(loader->window_arena);
    loader->window_resumed = false;
    if (!enter(loader, window, &before, err)) return false;
    EH_FAULT("window.entered");
    bool resumes = eh_attempt_goes_on(&before);
    if (writes && !record(loader, &before, resumes ? before.start : start,
                          progress.cursor != progress.begun ? progress.cursor : NULL, err))
        return false;
    eh_load_input mine = *input;
    mine.identity = loader->window;
    mine.name = loader->bounds.name[0] != '\0' ? loader->bounds.name : input->name;
    eh_parse_from from = {resumes ? before.end : start, 0, 1};
    if (!eh_loader_begin(loader, &mine, &from, err)) return false;
    loader->marked = from.offset;
    return begin_order(loader, window, &before, progress.cursor, err) &&
           (!resumes || resume(loader, &before, where, err));
}

bool eh_loader_window(eh_loader *loader, const eh_load_window *window,
                      const eh_load_input *input, eh_arena *arena, eh_resume *where,
                      eh_err *err)
{
    return begin(loader, window, input, false, arena, where, err);
}

bool eh_loader_window_restart(eh_loader *loader, const eh_load_input *input, eh_arena *arena,
                              eh_err *err)
{
    eh_load_window again;
    eh_resume nowhere;
    if (!copy(&loader->bounds, arena, &again, err) ||
        !begin(loader, &again, input, true, arena, &nowhere, err))
        return false;
    EH_FAULT("window.restarted");
    return true;
}

/* ---- pages ------------------------------------------------------------------------------ */

uint64_t eh_loader_offset(const eh_loader *loader)
{
    return loader->after.offset;
}

void eh_loader_page(eh_loader *loader, const char *label)
{
    loader->place_name = label;
}

/* Rows that wait can be told apart by unit only: one ends with a page as often as may be, so
 * that an interrupted window goes on there. */
static bool ends_unit(const eh_loader *loader)
{
    const eh_unit *unit = loader->open;
    bool positioned = loader->mark.len > 0 && loader->state.staging == EH_STAGE_WINDOW;
    if (unit == NULL || !positioned) return false;
    return loader->position.offset > loader->marked || eh_loader_is_half_full(loader);
}

bool eh_loader_mark(eh_loader *loader, uint64_t offset, const eh_doc *position, eh_err *err)
{
    loader->after = (eh_parse_from){offset, 0, 1};
    loader->mark.len = 0;
    if (position != NULL &&
        (!eh_buf_printf(&loader->mark, err, ",\"offset\":%" PRIu64 ",\"value\":", offset) ||
         !eh_doc_to_json(position, &loader->mark, err) ||
         !eh_point_put(&loader->ascending.last, "last", &loader->mark, err)))
        return false;
    bool ends = eh_loader_is_old(loader) || ends_unit(loader);
    loader->marked = offset;
    return !ends || eh_loader_close_unit(loader, &loader->after, err);
}

/* ---- the end ---------------------------------------------------------------------------- */

static bool is_date(const eh_loader *loader)
{
    const eh_plan *plan = &loader->plan;
    for (size_t i = 0; plan->options.write.cursor != NULL && i < plan->table.count; i++) {
        const eh_column_info *c = &plan->table.columns[i];
        if (eh_declared_is(plan->options.write.cursor,
                           eh_slice_str(c->written != NULL ? c->written : c->name), c->name))
            return c->type == EH_TYPE_DATE;
    }
    return false;
}

/* All windows of a run are judged together; of one that goes on, what an earlier run has read,
 * too. */
static void note_refused(eh_loader *loader, const eh_promoted *promoted, uint64_t waited)
{
    uint64_t rows = (uint64_t)(promoted->came + promoted->dead);
    if (promoted->dead == 0) return;
    loader->judged.dead += (uint64_t)promoted->dead;
    if (rows > waited) loader->judged.rows += rows - waited;
}

static bool promote(eh_loader *loader, bool empty, const eh_doc *cursor, eh_promoted *promoted,
                    eh_err *err)
{
    const eh_load_window *w = &loader->bounds;
    eh_promotion p = eh_loader_promotion(loader);
    p.file = p.input = "";
    p.cursor = cursor;
    p.period = w->period;
    p.empty = empty;
    p.from = w->from;
    p.until = w->until;
    /* A list that is read on from its latest value begins with the rows that have it. */
    if (w->whole && loader->plan.options.write.write == EH_WRITE_APPEND &&
        eh_ascending_overlaps(&loader->ascending, loader->window_arena, &p.from))
        p.period = EH_PERIOD_AT;
    if (p.period == EH_PERIOD_TO && w->first_day != NULL && is_date(loader)) {
        p.period = EH_PERIOD_DAYS;
        p.from = w->first_day;
        p.until = w->last_day;
    }
    p.sieve.run_dead = loader->judged.dead;
    p.sieve.run_rows = loader->judged.rows;
    uint64_t waited = loader->rows_waiting;
    if (!eh_loader_promote(loader, &p, promoted, err)) return false;
    note_refused(loader, promoted, waited);
    if (promoted->refused) loader->state.units = loader->window_units;
    return true;
}

static bool close(eh_loader *loader, const char *input, const eh_doc *cursor, eh_err *err)
{
    char stream[EH_NUMBER_TEXT], epoch[EH_NUMBER_TEXT], load[EH_NUMBER_TEXT],
        units[EH_NUMBER_TEXT], generation[EH_NUMBER_TEXT];
    eh_buf json;
    const eh_doc *row;
    eh_buf_init(&json, WINDOW_MAX);
    eh_loader_number(loader->state.stream_id, stream);
    eh_loader_number(loader->state.epoch, epoch);
    eh_loader_number(loader->state.load_id, load);
    eh_loader_number(loader->state.units, units);
    eh_loader_number(loader->state.unit_generation, generation);
    const char *params[] = {stream, epoch, NULL, load, units, generation, input};
    bool ok = print_doc(cursor, &json, &params[2], err) &&
              eh_loader_ask(loader, "window_end", params, 7, loader->window_arena, &row, err);
    eh_buf_free(&json);
    if (!ok) return false;
    if (strtoll(eh_doc_str(row, "units", "0"), NULL, 10) < loader->state.units) {
        (void)eh_fail(err, EH_CLASS_TRANSIENT,
                      "the server was restarted and lost units of rows that it had committed");
        return eh_err_hint(err, "run again: what is missing is loaded");
    }
    return fence(row, err);
}

static bool keep_cursor(eh_loader *loader, const eh_doc *cursor, eh_err *err)
{
    if (cursor == NULL) return true;
    eh_arena_reset(loader->cursor_arena);
    loader->cursor = eh_doc_copy(loader->cursor_arena, cursor, NULL);
    return loader->cursor != NULL || eh_fail_memory(err, "a cursor");
}

bool eh_loader_window_end(eh_loader *loader, const eh_doc *cursor, eh_promoted *promoted,
                          eh_err *err)
{
    *promoted = (eh_promoted){.nothing = false};
    const char *input = loader->window;
    bool staged = loader->state.staging == EH_STAGE_WINDOW;
    EH_FAULT("window.end");
    bool ended = eh_loader_judge_order(loader, err) &&
                 eh_loader_close_unit(loader, &loader->after, err) &&
                 eh_loader_collect(loader, staged ? EH_WAIT_ALL : EH_WAIT_MINE, err);
    loader->window = NULL;
    if (!ended) return false;
    if (loader->options.dry_run) return true;
    if (loader->options.replace)
        return keep_cursor(loader, cursor, err) && eh_loader_keep(loader, input, true, err);
    bool any = loader->state.units > loader->window_units || loader->window_resumed;
    /* Whether a period without rows had some is to be looked at, too. */
    bool looks = staged && (any || loader->bounds.period == EH_PERIOD_TO);
    bool ok = looks ? promote(loader, !any, cursor, promoted, err)
                    : close(loader, input, cursor, err);
    if (!ok) return false;
    EH_FAULT("window.ended");
    return !staged || eh_loader_enter(loader, EH_STAGE_NONE, NULL, err);
}

bool eh_loader_window_leave(eh_loader *loader, eh_err *err)
{
    loader->window = NULL;
    eh_loader_drop(loader);
    loader->position = loader->after;
    if (!eh_loader_collect(loader, EH_WAIT_ALL, err)) return false;
    return loader->state.staging != EH_STAGE_WINDOW ||
           eh_loader_enter(loader, EH_STAGE_NONE, NULL, err);
}
