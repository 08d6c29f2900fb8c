/* load/loader_window.c: windows: the rows that a service answers for a span of time, or for the
 * whole of a list; see loader.h.
 *
 * The state row says which window is being read (pending) from its beginning to its end. Units
 * of rows that are merged commit into the table, each with its position; a run that finds such
 * a window goes on behind those that committed without a gap, or begins it anew. Other rows
 * wait in a stage, and a window that was interrupted always begins anew. */
#include "base/fault.h"
#include "load/loader_private.h"

#include "data/json_doc.h"

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

/* ---- asking the bookkeeping ------------------------------------------------------------- */

static bool ask(eh_loader *loader, const char *query, const char *const *params, size_t count,
                eh_arena *arena, const eh_doc **row, eh_err *err)
{
    eh_doc *rows = NULL;
    if (!eh_dest_query(loader->options.dest, query, params, count, arena, &rows, err))
        return false;
    *row = eh_doc_first(rows);
    return true;
}

static void print_int(int64_t value, char out[24])
{
    (void)snprintf(out, 24, "%" PRId64, value);
}

/* JSON text of the bookkeeping as a document; *doc stays NULL where there is none. */
static bool read_json(const eh_doc *row, const char *key, eh_arena *arena, const eh_doc **doc,
                      eh_err *err)
{
    const char *text = eh_doc_str(row, key, NULL);
    *doc = NULL;
    return text == NULL || eh_json_to_doc(eh_slice_str(text), arena, doc, err);
}

static bool fence(const eh_doc *row, eh_err *err)
{
    if (strcmp(eh_doc_str(row, "streams", "0"), "0") != 0) return true;
    return eh_fail(err, EH_CLASS_CANCELLED, "another run has taken this stream over");
}

static bool read_state(eh_loader *loader, eh_arena *arena, const eh_doc **cursor,
                       const eh_doc **pending, eh_err *err)
{
    char stream[24];
    const char *params[] = {stream};
    const eh_doc *row;
    print_int(loader->state.stream_id, stream);
    return ask(loader, "window_state", params, 1, arena, &row, err) &&
           read_json(row, "cursor", arena, cursor, err) &&
           read_json(row, "pending", arena, pending, err);
}

bool eh_loader_progress(eh_loader *loader, eh_arena *arena, eh_progress *progress, eh_err *err)
{
    *progress = (eh_progress){.cursor = NULL};
    if (loader->options.dry_run || loader->options.replace) return true;
    return read_state(loader, arena, &progress->cursor, &progress->pending, err);
}

/* ---- beginning -------------------------------------------------------------------------- */

/* Do rows wait until the window is complete? */
static bool collects(const eh_loader *loader)
{
    eh_write write = loader->plan.options.write.write;
    return !loader->options.replace && !loader->options.dry_run &&
           (write == EH_WRITE_APPEND || write == EH_WRITE_RESTATE);
}

typedef struct attempt {
    const char *input;      /* of an earlier attempt; NULL: there was none */
    uint64_t start;         /* where its first unit begins */
    uint64_t end;           /* and where those without a gap end */
    uint64_t at;            /* the place to which the position belongs */
    const eh_doc *position; /* NULL: begin anew */
} attempt;

/* A window of the same name and bounds that was begun. */
static bool is_same(const eh_doc *pending, const eh_load_window *window)
{
    const eh_doc *bounds = eh_doc_get(pending, "bounds");
    if (strcmp(eh_doc_str(pending, "name", ""), window->name) != 0) return false;
    return bounds == NULL || window->bounds == NULL ? bounds == window->bounds
                                                    : eh_doc_equal(bounds, window->bounds);
}

static bool look_back(eh_loader *loader, const eh_load_window *window, eh_arena *arena,
                      attempt *before, eh_err *err)
{
    const eh_doc *cursor, *pending, *row, *position;
    char stream[24], generation[24], start[24];
    if (!read_state(loader, arena, &cursor, &pending, err)) return false;
    before->input = eh_doc_str(pending, "input", NULL);
    if (before->input == NULL || collects(loader) || !is_same(pending, window)) return true;
    before->start = (uint64_t)eh_doc_int(pending, "start", 0);
    print_int(loader->state.stream_id, stream);
    print_int(loader->state.unit_generation, generation);
    print_int((int64_t)before->start, start);
    const char *params[] = {stream, generation, before->input, start};
    if (!ask(loader, "window_units", params, 4, arena, &row, err) ||
        !read_json(row, "position", arena, &position, err))
        return false;
    before->end = strtoull(eh_doc_str(row, "end_offset", "0"), NULL, 10);
    before->at = (uint64_t)eh_doc_int(position, "offset", 0);
    before->position = eh_doc_get(position, "value");
    return true;
}

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

static bool record(eh_loader *loader, const attempt *before, uint64_t start, eh_err *err)
{
    char stream[24], epoch[24], from[24];
    eh_buf pending;
    eh_buf_init(&pending, WINDOW_MAX);
    const eh_doc *row;
    print_int(loader->state.stream_id, stream);
    print_int(loader->state.epoch, epoch);
    print_int(before->position != NULL ? (int64_t)before->at : 0, from);
    bool ok = write_pending(loader, start, &pending, err);
    if (ok) {
        const char *params[] = {stream, epoch, pending.data, before->input, from};
        ok = ask(loader, "window_begin", params, 5, loader->window_arena, &row, err) &&
             fence(row, err);
    }
    eh_buf_free(&pending);
    return ok;
}

/* Text of the window, and its identity, in the loader's own memory. */
static bool keep(eh_loader *loader, const eh_load_window *window, const char *known,
                 eh_err *err)
{
    eh_arena *arena = loader->window_arena;
    const char *texts[] = {window->name, window->from, window->until, window->first_day,
                           window->last_day};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i] == NULL) continue;
        texts[i] = eh_arena_strdup(arena, texts[i]);
        if (texts[i] == NULL) return eh_fail_memory(err, "a window");
    }
    loader->bounds = (eh_load_window){.name = texts[0],
                                      .period = window->period,
                                      .from = texts[1],
                                      .until = texts[2],
                                      .first_day = texts[3],
                                      .last_day = texts[4]};
    if (window->bounds != NULL) {
        loader->bounds.bounds = eh_doc_copy(arena, window->bounds, NULL);
        if (loader->bounds.bounds == NULL) return eh_fail_memory(err, "a window");
    }
    loader->window = known != NULL ? eh_arena_strdup(arena, known)
                                   : eh_arena_printf(arena, "window:%" PRId64 ":%" PRIu64,
                                                     loader->state.load_id, loader->windows);
    loader->windows++;
    loader->window_units = loader->state.units;
    return loader->window != NULL || eh_fail_memory(err, "a window");
}

bool eh_loader_window(eh_loader *loader, const eh_load_window *window,
                      const eh_load_input *input, eh_arena *arena, const eh_doc **position,
                      eh_err *err)
{
    attempt before = {.input = NULL};
    bool dry = loader->options.dry_run;
    uint64_t start = loader->position.offset;
    *position = NULL;
    if (!eh_loader_collect(loader, EH_WAIT_MINE, err) ||
        (!dry && !loader->options.replace && !look_back(loader, window, arena, &before, err)))
        return false;
    eh_arena_reset(loader->window_arena);
    bool resumes = before.position != NULL;
    if (!keep(loader, window, resumes ? before.input : NULL, err)) return false;
    if (!dry && !loader->options.replace &&
        !record(loader, &before, resumes ? before.start : start, err))
        return false;
    if (collects(loader) && !eh_loader_enter(loader, EH_STAGE_WINDOW, loader->window, err))
        return false;
    eh_load_input mine = *input;
    mine.identity = loader->window;
    mine.name = loader->bounds.name[0] != '\0' ? loader->bounds.name : input->name;
    eh_parse_from from = {resumes ? before.end : start, 0, 1};
    *position = before.position;
    return eh_loader_begin(loader, &mine, &from, err);
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

bool eh_loader_mark(eh_loader *loader, uint64_t offset, const eh_doc *position, eh_err *err)
{
    loader->after = (eh_parse_from){offset, 0, 1};
    loader->mark.len = 0;
    if (position != NULL &&
        (!eh_buf_printf(&loader->mark, err, "{\"offset\":%" PRIu64 ",\"value\":", offset) ||
         !eh_doc_to_json(position, &loader->mark, err) ||
         !eh_buf_append_byte(&loader->mark, '}', err)))
        return false;
    return !eh_loader_is_old(loader) || eh_loader_close_unit(loader, &loader->after, err);
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
    if (p.period == EH_PERIOD_TO && w->first_day != NULL && is_date(loader)) {
        p.period = EH_PERIOD_DAYS;
        p.from = w->first_day;
        p.until = w->last_day;
    }
    EH_FAULT("promote.start");
    if (!eh_dest_promote(loader->options.dest, &loader->state, &p, promoted, err)) return false;
    if (promoted->refused) {
        loader->counts.rows_loaded -= loader->rows_waiting;
        loader->state.units = loader->window_units;
    } else {
        loader->counts.rows_replaced += (uint64_t)promoted->gone;
    }
    loader->rows_waiting = 0;
    return true;
}

static bool close(eh_loader *loader, const eh_doc *cursor, eh_err *err)
{
    char stream[24], epoch[24], load[24], units[24];
    eh_buf json;
    const eh_doc *row;
    eh_buf_init(&json, WINDOW_MAX);
    print_int(loader->state.stream_id, stream);
    print_int(loader->state.epoch, epoch);
    print_int(loader->state.load_id, load);
    print_int(loader->state.units, units);
    bool ok =
        cursor == NULL || (eh_doc_to_json(cursor, &json, err) &&
                           (eh_buf_cstr(&json) != NULL || eh_fail_memory(err, "a cursor")));
    const char *params[] = {stream, epoch, json.data, load, units};
    ok = ok && ask(loader, "window_end", params, 5, loader->window_arena, &row, err);
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
    loader->window = NULL;
    EH_FAULT("window.end");
    if (!eh_loader_close_unit(loader, &loader->after, err) ||
        !eh_loader_collect(loader, staged ? EH_WAIT_ALL : EH_WAIT_MINE, err))
        return false;
    if (loader->options.dry_run) return true;
    if (loader->options.replace)
        return keep_cursor(loader, cursor, err) && eh_loader_keep(loader, input, true, err);
    bool any = loader->state.units > loader->window_units;
    /* Whether a period without rows had some is to be looked at, too. */
    bool looks = staged && (any || loader->bounds.period == EH_PERIOD_TO);
    bool ok = looks ? promote(loader, !any, cursor, promoted, err) : close(loader, cursor, err);
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
