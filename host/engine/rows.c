/* engine/rows.c: see rows.h. The form of ROWS and ROWS_DONE is in docs/reference/messages.md.
 */
#include "engine/rows.h"

#include "data/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX     ((size_t)1024 * 1024)
#define ADDED_MAX     200
#define REASON_LENGTH 2000

void eh_row_link_init(eh_row_link *link, eh_jail_link *jail, const eh_stream *stream)
{
    *link = (eh_row_link){.jail = jail, .stream = stream};
    eh_buf_init(&link->masked, EH_WINDOW_BYTES);
}

void eh_row_link_free(eh_row_link *link)
{
    eh_arena_free(link->arena);
    eh_buf_free(&link->masked);
    free(link->added);
    free(link->shown);
    free(link->gone);
    *link = (eh_row_link){.jail = NULL};
}

/* ---- rows into the window
 * ------------------------------------------------------------------------ */

static size_t text_of_row(const eh_batch *batch, size_t row)
{
    size_t bytes = 0;
    for (size_t c = 0; c < batch->columns; c++) {
        const eh_cell *cell = eh_batch_cell(batch, row, c);
        if (eh_cell_has_text(cell)) bytes += cell->len;
    }
    return bytes;
}

/* How many rows from `row` on fit the window: cells first, their text behind them. */
static size_t rows_that_fit(const eh_batch *batch, size_t row, size_t window)
{
    size_t used = 0, count = 0;
    while (row + count < batch->rows) {
        used += batch->columns * sizeof(eh_window_cell) + text_of_row(batch, row + count);
        if (used > window) break;
        count++;
    }
    return count;
}

/* A service may send a secret back. It is masked before it is in memory that the jail sees;
 * what is loaded is not touched. A masked text is shorter, never longer. */
static eh_slice shown_text(eh_row_link *link, const eh_cell *cell)
{
    const eh_secrets *secrets = link->stream->run->secrets;
    eh_slice text = eh_cell_text(cell);
    if (!eh_secrets_any(secrets) || !eh_secrets_hits(secrets, text)) return text;
    link->masked.len = 0;
    bool ok = cell->kind == EH_CELL_JSON
                  ? eh_secrets_mask_json(secrets, text, &link->masked, NULL)
                  : eh_secrets_mask(secrets, text, &link->masked, NULL);
    return ok ? eh_buf_slice(&link->masked) : eh_slice_str("");
}

static void fill_window(eh_row_link *link, const eh_batch *batch, size_t row, size_t rows,
                        unsigned char *window)
{
    eh_window_cell *out = (eh_window_cell *)(void *)window;
    size_t at = rows * batch->columns * sizeof *out;
    for (size_t r = row; r < row + rows; r++) {
        for (size_t c = 0; c < batch->columns; c++, out++) {
            const eh_cell *cell = eh_batch_cell(batch, r, c);
            *out = (eh_window_cell){.kind = cell->kind, .flags = cell->flags};
            if (eh_cell_has_text(cell)) {
                eh_slice text = shown_text(link, cell);
                if (cell->kind == EH_CELL_NUMBER && text.data != cell->as.text)
                    out->kind = EH_CELL_STRING;
                out->as.offset = at;
                out->len = (uint32_t)text.len;
                if (text.len > 0) memcpy(window + at, text.data, text.len);
                at += text.len;
            } else {
                out->len = cell->len;
                out->as.integer = cell->as.integer;
            }
        }
    }
}

static bool send_rows(eh_row_link *link, const eh_batch *batch, size_t row, size_t rows,
                      const eh_transform_column *columns, size_t count, eh_err *err)
{
    fill_window(link, batch, row, rows, eh_jail_window(link->jail)->data);
    eh_arena *arena = eh_arena_new(NAMES_MAX);
    if (arena == NULL) return eh_fail_memory(err, "rows");
    eh_doc *body = eh_doc_map(arena), *names = eh_doc_list(arena);
    bool ok = true;
    for (size_t i = 0; ok && i < batch->columns; i++) {
        /* A dropped column is not to be seen by the script: it has no name. */
        eh_slice name = i < count ? columns[i].name : link->shown[i - count];
        if (i < count && columns[i].dropped) name = eh_slice_str("");
        ok = eh_doc_push(names, eh_doc_string(arena, name), err);
    }
    char stream[512];
    (void)snprintf(stream, sizeof stream, "%s.%s", link->stream->instance,
                   link->stream->resource);
    ok = ok && eh_doc_put_str(arena, body, "stream", eh_slice_str(stream), err) &&
         eh_doc_put_int(arena, body, "rows", (int64_t)rows, err) &&
         eh_doc_put_int(arena, body, "cells", 0, err) &&
         eh_doc_put_int(arena, body, "stride", (int64_t)batch->columns, err) &&
         eh_doc_put(arena, body, eh_slice_str("columns"), names, err) &&
         eh_jail_send(link->jail, EH_FRAME_ROWS, link->task, body, err);
    eh_arena_free(arena);
    return ok;
}

/* ---- changes out of ROWS_DONE
 * --------------------------------------------------------------------- */

typedef struct slice_of_rows {
    size_t first; /* row of the batch */
    size_t rows;
    const eh_transform_column *columns;
    size_t count; /* the transform's columns; the function's own come behind */
} slice_of_rows;

static bool forged(eh_err *err, const char *what)
{
    return eh_fail(err, EH_CLASS_SCRIPT, "the script's process sent rows that are wrong: %s",
                   what);
}

/* The batch column for a name that the function wrote to; a new name makes a new column. */
static bool find_column(eh_row_link *link, eh_batch *batch, const slice_of_rows *part,
                        eh_slice name, size_t *column, eh_err *err)
{
    for (size_t i = 0; i < part->count; i++) {
        if (part->columns[i].dropped || !eh_slice_equal(part->columns[i].name, name)) continue;
        *column = i;
        return true;
    }
    for (size_t i = 0; i < link->added_count; i++) {
        if (!eh_slice_equal(link->shown[i], name) || name.len == 0) continue;
        *column = part->count + i;
        return true;
    }
    if (name.len == 0 || name.len > 255 || memchr(name.data, 0, name.len) != NULL)
        return forged(err, "a column name");
    if (link->added_count == ADDED_MAX)
        return eh_fail(err, EH_CLASS_LIMIT, "a row function added more than %d columns",
                       ADDED_MAX);
    if (link->added_count == link->added_capacity) {
        size_t capacity = link->added_capacity * 2 + 8;
        eh_slice *more = realloc(link->added, capacity * sizeof *more);
        if (more != NULL) link->added = more;
        eh_slice *shown = realloc(link->shown, capacity * sizeof *shown);
        if (shown != NULL) link->shown = shown;
        if (more == NULL || shown == NULL) return eh_fail_memory(err, "columns");
        link->added_capacity = capacity;
    }
    if (link->arena == NULL) link->arena = eh_arena_new(NAMES_MAX);
    char *copy =
        link->arena != NULL ? eh_arena_strndup(link->arena, name.data, name.len) : NULL;
    if (copy == NULL) return eh_fail_memory(err, "columns");
    link->added[link->added_count] = link->shown[link->added_count] =
        eh_slice_of(copy, name.len);
    link->added_count++;
    *column = part->count + link->added_count - 1;
    return eh_batch_set_columns(batch, part->count + link->added_count, err);
}

typedef struct reader {
    const unsigned char *at;
    size_t left;
} reader;

static bool take(reader *r, void *out, size_t len)
{
    if (r->left < len) return false;
    memcpy(out, r->at, len);
    r->at += len;
    r->left -= len;
    return true;
}

static bool read_text(reader *r, eh_batch *batch, eh_cell *cell, uint8_t kind, eh_err *err)
{
    uint32_t len;
    if (!take(r, &len, sizeof len) || r->left < len) return forged(err, "a value's length");
    char *copy = eh_arena_strndup(batch->arena, (const char *)r->at, len);
    if (copy == NULL) return eh_fail_memory(err, "a row's values");
    r->at += len;
    r->left -= len;
    *cell = (eh_cell){.kind = kind, .len = len, .as.text = copy};
    if (!eh_utf8_valid(copy, len)) return forged(err, "text that is not UTF-8");
    if (kind == EH_CELL_JSON) {
        bool duplicate;
        eh_err wrong = {.class_ = EH_OK};
        bool good = eh_json_check(eh_slice_of(copy, len), &duplicate, &wrong);
        if (!good && wrong.class_ == EH_CLASS_LIMIT) return eh_fail_memory(err, "a value");
        if (!good) return forged(err, "JSON that is none");
        if (duplicate) cell->flags = EH_CELL_DUPLICATE;
    }
    return true;
}

/* kind, then eight bytes for integers and doubles, one for booleans, or length and bytes. */
static bool read_value(reader *r, eh_batch *batch, eh_cell *cell, eh_err *err)
{
    uint8_t kind, boolean;
    if (!take(r, &kind, 1)) return forged(err, "a value");
    switch (kind) {
    case EH_CELL_NULL:
        *cell = (eh_cell){.kind = EH_CELL_NULL};
        return true;
    case EH_CELL_BOOLEAN:
        if (!take(r, &boolean, 1) || boolean > 1) return forged(err, "a boolean");
        *cell = (eh_cell){.kind = kind, .as.integer = boolean};
        return true;
    case EH_CELL_INTEGER:
        *cell = (eh_cell){.kind = kind};
        return take(r, &cell->as.integer, 8) || forged(err, "an integer");
    case EH_CELL_DOUBLE:
        *cell = (eh_cell){.kind = kind};
        return take(r, &cell->as.real, 8) || forged(err, "a number");
    case EH_CELL_STRING:
    case EH_CELL_JSON:
        return read_text(r, batch, cell, kind, err);
    default:
        return forged(err, "the kind of a value");
    }
}

static bool apply_changes(eh_row_link *link, eh_batch *batch, const slice_of_rows *part,
                          const eh_doc *body, eh_err *err)
{
    const eh_doc *data = eh_doc_get(body, "data");
    if (data == NULL || data->kind != EH_DOC_STRING || data->as.string.len == 0) return true;
    const eh_doc *names = eh_doc_get(body, "columns");
    size_t count = eh_doc_count(names), index = 0;
    size_t *columns = calloc(count + 1, sizeof *columns);
    if (columns == NULL) return eh_fail_memory(err, "rows");
    bool ok = true;
    for (const eh_doc *n = eh_doc_first(names); ok && n != NULL; n = n->next)
        ok = n->kind == EH_DOC_STRING
                 ? find_column(link, batch, part, n->as.string, &columns[index++], err)
                 : forged(err, "a column name");
    reader r = {(const unsigned char *)data->as.string.data, data->as.string.len};
    while (ok && r.left > 0) {
        uint32_t row;
        uint16_t column;
        if (!take(&r, &row, sizeof row) || !take(&r, &column, sizeof column) ||
            row >= part->rows || column >= count ||
            ++link->changes > part->rows * batch->columns)
            ok = forged(err, "the place of a change");
        else
            ok = read_value(&r, batch, eh_batch_cell(batch, part->first + row, columns[column]),
                            err);
    }
    free(columns);
    return ok;
}

/* Takes a row out, once. */
static bool remove_row(eh_row_link *link, const slice_of_rows *part, int64_t row, size_t *at)
{
    if (row < 0 || (uint64_t)row >= part->rows) return false;
    *at = part->first + (size_t)row;
    if (link->gone[*at]) return false;
    link->gone[*at] = 1;
    return true;
}

static bool mark_dropped(eh_row_link *link, const slice_of_rows *part, const eh_doc *list,
                         eh_err *err)
{
    size_t at;
    for (const eh_doc *d = eh_doc_first(list); d != NULL; d = d->next)
        if (d->kind != EH_DOC_INTEGER || !remove_row(link, part, d->as.integer, &at))
            return forged(err, "a dropped row");
    return true;
}

static bool bury(eh_batch *batch, size_t row, const char *code, eh_slice reason, eh_err *err)
{
    eh_dead dead = {.place = batch->places[row], .code = eh_slice_str(code), .reason = reason};
    if (!eh_batch_add_dead(batch, &dead, err)) return false;
    batch->dead[batch->dead_count - 1].raw = eh_slice_of(NULL, 0); /* to be read again */
    return true;
}

static bool bury_failed(eh_row_link *link, eh_batch *batch, const slice_of_rows *part,
                        const eh_doc *list, eh_err *err)
{
    bool stop =
        strcmp(eh_doc_str(link->stream->declaration, "on_row_error", "dead"), "stop") == 0;
    for (const eh_doc *d = eh_doc_first(list); d != NULL; d = d->next) {
        const char *message = eh_doc_str(d, "message", "the row function failed");
        size_t at, len = strlen(message);
        if (!remove_row(link, part, eh_doc_int(d, "row", -1), &at))
            return forged(err, "a failed row");
        if (stop) {
            eh_fail(err, EH_CLASS_SCRIPT, "%s", message);
            eh_err_hint(err, "on_row_error = stop ends the run; dead would keep the row aside");
            return false;
        }
        eh_slice reason = eh_slice_of(message, len > REASON_LENGTH ? REASON_LENGTH : len);
        if (!bury(batch, at, "row_function", reason, err)) return false;
    }
    return true;
}

/* A frame that says nothing, over and over, would never end. */
static bool says_something(const eh_doc *body)
{
    const eh_doc *data = eh_doc_get(body, "data");
    return (data != NULL && data->kind == EH_DOC_STRING && data->as.string.len > 0) ||
           eh_doc_first(eh_doc_get(body, "dropped")) != NULL ||
           eh_doc_first(eh_doc_get(body, "failed")) != NULL;
}

static bool run_part(eh_row_link *link, eh_batch *batch, const slice_of_rows *part, eh_err *err)
{
    link->changes = 0;
    if (!send_rows(link, batch, part->first, part->rows, part->columns, part->count, err))
        return false;
    for (;;) {
        eh_frame frame;
        if (!eh_jail_next(link->jail, link->task, &frame, err)) return false;
        if (frame.type != EH_FRAME_ROWS_DONE) return forged(err, "another frame came first");
        if (!apply_changes(link, batch, part, frame.body, err) ||
            !mark_dropped(link, part, eh_doc_get(frame.body, "dropped"), err) ||
            !bury_failed(link, batch, part, eh_doc_get(frame.body, "failed"), err))
            return false;
        if (!eh_doc_bool(frame.body, "more", false)) return true;
        if (!says_something(frame.body)) return forged(err, "an empty part");
    }
}

static void remove_gone(eh_row_link *link, eh_batch *batch)
{
    size_t kept = 0;
    for (size_t r = 0; r < batch->rows; r++) {
        if (link->gone[r]) continue;
        if (kept != r) {
            memcpy(eh_batch_cell(batch, kept, 0), eh_batch_cell(batch, r, 0),
                   batch->stride * sizeof(eh_cell));
            batch->places[kept] = batch->places[r];
        }
        kept++;
    }
    batch->rows = kept;
}

/* A name that the function added in one file, or before this batch, may be a column of the
 * input now: then that is the one it writes to. */
static void hide_shadowed(eh_row_link *link, const eh_transform_column *columns, size_t count)
{
    for (size_t i = 0; i < link->added_count; i++) {
        link->shown[i] = link->added[i];
        for (size_t c = 0; c < count; c++)
            if (!columns[c].dropped && eh_slice_equal(columns[c].name, link->added[i]))
                link->shown[i] = eh_slice_of(NULL, 0);
    }
}

static bool start_batch(eh_row_link *link, eh_batch *batch, const eh_transform_column *columns,
                        size_t count, eh_err *err)
{
    if (batch->rows > link->gone_capacity) {
        uint8_t *gone = realloc(link->gone, batch->rows);
        if (gone == NULL) return eh_fail_memory(err, "rows");
        link->gone = gone;
        link->gone_capacity = batch->rows;
    }
    if (batch->rows > 0) memset(link->gone, 0, batch->rows);
    hide_shadowed(link, columns, count);
    return eh_batch_set_columns(batch, count + link->added_count, err);
}

bool eh_row_link_apply(void *self, eh_batch *batch, const eh_transform_column *columns,
                       size_t count, const eh_slice **added, size_t *added_count, eh_err *err)
{
    static const char too_large[] = "the row is larger than what a row function may see";
    eh_row_link *link = self;
    if (!start_batch(link, batch, columns, count, err)) return false;
    size_t window = eh_jail_window(link->jail)->size;
    for (size_t row = 0; row < batch->rows;) {
        size_t rows = rows_that_fit(batch, row, window);
        slice_of_rows part = {row, rows, columns, count};
        if (rows > 0 && !run_part(link, batch, &part, err)) return false;
        if (rows == 0) {
            link->gone[row] = 1;
            if (!bury(batch, row++, "too_large", eh_slice_str(too_large), err)) return false;
        }
        row += rows;
    }
    remove_gone(link, batch);
    *added = link->shown;
    *added_count = link->added_count;
    return true;
}
