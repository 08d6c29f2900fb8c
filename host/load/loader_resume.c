/* load/loader_resume.c: how far a stream was read, and where an interrupted window goes on; see
 * loader.h.
 *
 * The ledger says it: a window's units that follow one another without a gap from its begin are
 * in, and the last of them has the source's position, the verified value of the cursor, or
 * both. Rows that wait in a stage can be told apart by unit only, so there reading goes on
 * behind a unit that ends with a page, and what later units put there leaves it. */
#include "load/loader_resume.h"

#include "data/convert.h"
#include "data/json_doc.h"
#include "load/plan_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

bool eh_loader_ask(const eh_loader *loader, const char *query, const char *const *params,
                   size_t count, eh_arena *arena, const eh_doc **row, eh_err *err)
{
    eh_doc *rows = NULL;
    if (!eh_dest_query(loader->options.dest, query, params, count, arena, &rows, err))
        return false;
    *row = eh_doc_first(rows);
    return true;
}

/* JSON text of the bookkeeping as a document; *doc stays NULL where there is none. */
static bool read_json(const eh_doc *row, const char *key, eh_arena *arena, const eh_doc **doc,
                      eh_err *err)
{
    const char *text = eh_doc_str(row, key, NULL);
    *doc = NULL;
    return text == NULL || eh_json_to_doc(eh_slice_str(text), arena, doc, err);
}

static bool read_state(const eh_loader *loader, eh_arena *arena, const eh_doc **cursor,
                       const eh_doc **pending, eh_err *err)
{
    char stream[EH_NUMBER_TEXT];
    const char *params[] = {stream};
    const eh_doc *row;
    eh_loader_number(loader->state.stream_id, stream);
    return eh_loader_ask(loader, "window_state", params, 1, arena, &row, err) &&
           read_json(row, "cursor", arena, cursor, err) &&
           read_json(row, "pending", arena, pending, err);
}

/* Asks where the units of the attempt end. generation: theirs. */
static bool ask_units(const eh_loader *loader, const char *query, int64_t generation,
                      eh_arena *arena, eh_attempt *before, eh_err *err)
{
    const eh_doc *row, *position;
    char stream[EH_NUMBER_TEXT], number[EH_NUMBER_TEXT], start[EH_NUMBER_TEXT];
    eh_loader_number(loader->state.stream_id, stream);
    eh_loader_number(generation, number);
    eh_loader_number((int64_t)before->start, start);
    const char *params[] = {stream, number, before->input, start};
    if (!eh_loader_ask(loader, query, params, 4, arena, &row, err) ||
        !read_json(row, "position", arena, &position, err))
        return false;
    before->end = strtoull(eh_doc_str(row, "end_offset", "0"), NULL, 10);
    before->at = (uint64_t)eh_doc_int(position, "offset", 0);
    before->position = eh_doc_get(position, "value");
    before->behind = eh_doc_get(position, "last");
    before->reached = eh_doc_get(position, "reached");
    return true;
}

bool eh_loader_read_until(const eh_loader *loader, eh_arena *arena, eh_progress *progress,
                          eh_err *err)
{
    eh_attempt before = {.input = NULL};
    *progress = (eh_progress){.cursor = NULL};
    if (loader->options.dry_run || loader->options.replace) return true;
    if (!read_state(loader, arena, &progress->cursor, &progress->pending, err)) return false;
    progress->begun = progress->cursor;
    before.input = eh_doc_str(progress->pending, "input", NULL);
    before.start = (uint64_t)eh_doc_int(progress->pending, "start", 0);
    /* Rows that wait in a stage are no progress yet. */
    if (loader->ascending.field == NULL || before.input == NULL || eh_loader_collects(loader))
        return true;
    if (!ask_units(loader, "window_units", loader->state.unit_generation, arena, &before, err))
        return false;
    const eh_doc *read = eh_doc_get(progress->cursor, "value");
    if (before.reached == NULL || !eh_loader_is_later(loader, before.reached, read))
        return true;
    eh_doc *cursor = eh_doc_map(arena);
    progress->cursor = cursor;
    return eh_doc_put_str(arena, cursor, "field", loader->ascending.field->as.string, err) &&
           eh_doc_put(arena, cursor, eh_slice_str("value"),
                      eh_doc_copy(arena, before.reached, NULL), err);
}

/* A window of the same name and bounds that was begun. */
static bool is_same(const eh_doc *pending, const eh_load_window *window)
{
    const eh_doc *bounds = eh_doc_get(pending, "bounds");
    if (strcmp(eh_doc_str(pending, "name", ""), window->name) != 0) return false;
    return bounds == NULL || window->bounds == NULL ? bounds == window->bounds
                                                    : eh_doc_equal(bounds, window->bounds);
}

/* The begin of the second of an instant: sources ask by seconds, and a row may come twice, but
 * none be left out. NULL: it is none. */
static const char *begin_of_second(const eh_doc *value, eh_arena *arena)
{
    char text[40];
    bool zone;
    int64_t us;
    if (value == NULL || value->kind != EH_DOC_STRING ||
        !eh_parse_timestamp(value->as.string, &zone, &us) || !zone)
        return NULL;
    us -= ((us % 1000000) + 1000000) % 1000000;
    return eh_arena_strndup(arena, text, eh_print_timestamp(us, true, text));
}

/* Where rows wait, one page of a source may be in several units; what is not told apart begins
 * anew. */
static bool look_at_stage(eh_loader *loader, eh_arena *arena, eh_attempt *before, eh_err *err)
{
    if (eh_plan_find_column(&loader->plan, "_loaded_at") == NULL) return true;
    if (!ask_units(loader, "window_collected", EH_GENERATION_WINDOW, arena, before, err) ||
        before->position != NULL)
        return err->class_ == EH_OK;
    if (!ask_units(loader, "window_units", EH_GENERATION_WINDOW, arena, before, err))
        return false;
    before->position = NULL;
    return true;
}

bool eh_loader_look_back(eh_loader *loader, const eh_load_window *window, eh_arena *arena,
                         eh_attempt *before, eh_err *err)
{
    const eh_doc *cursor, *pending;
    bool ascending = loader->ascending.field != NULL;
    if (!read_state(loader, arena, &cursor, &pending, err)) return false;
    before->input = eh_doc_str(pending, "input", NULL);
    if (before->input == NULL) return true;
    bool same = is_same(pending, window);
    before->stays = !same || (window->whole && ascending);
    if (window->whole || !same) return true;
    before->start = (uint64_t)eh_doc_int(pending, "start", 0);
    if (!(eh_loader_collects(loader)
              ? look_at_stage(loader, arena, before, err)
              : ask_units(loader, "window_units", loader->state.unit_generation, arena, before,
                          err)))
        return false;
    if (!ascending) before->behind = before->reached = NULL;
    before->from = begin_of_second(before->reached, arena);
    if (before->position != NULL) return true;
    before->at = before->end;
    if (before->from == NULL) before->reached = before->behind = NULL;
    return true;
}

bool eh_loader_trim(eh_loader *loader, const eh_attempt *before, eh_err *err)
{
    const eh_plan *plan = &loader->plan;
    eh_stage_cut cut = {.offset = before->end};
    for (size_t i = 0; before->position == NULL && i < plan->table.count; i++) {
        const eh_column_info *c = &plan->table.columns[i];
        if (!eh_declared_is(plan->options.write.cursor,
                            eh_slice_str(c->written != NULL ? c->written : c->name), c->name))
            continue;
        cut.column = c->name;
        cut.from = before->from;
    }
    return eh_dest_stage_trim(loader->options.dest, &loader->state, &cut, err);
}
