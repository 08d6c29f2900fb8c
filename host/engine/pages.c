/* engine/pages.c: see pages.h. */
#include "engine/pages.h"

#include "base/fault.h"
#include "base/map.h"
#include "data/csv.h"
#include "data/json.h"
#include "engine/preview.h"
#include "engine/stream_private.h"

#include <stdio.h>
#include <stdlib.h>

#define BATCH_TEXT_MAX ((size_t)512 * 1024 * 1024)
#define NAMES_MAX      ((size_t)8 * 1024 * 1024)
#define FEED_BYTES     ((size_t)256 * 1024)
#define SHOWN_BYTES    200

/* A page whose rows may still be looked at: when the server refuses one. */
typedef struct page {
    struct page *next; /* a later one */
    uint64_t begin, end;
    eh_body *body;
    char *text; /* without a body; owned */
    char *label;
} page;

struct eh_pages {
    page *first, *last;
    bool open;         /* a window is */
    bool own;          /* and it is the script's */
    char *name;        /* of it */
    eh_arena *names;   /* of the columns */
    eh_slice *columns; /* of the pages so far, in order */
    size_t count;
    eh_map seen; /* of the window: the values of eh_page.distinct */
    bool csv;    /* of the page before; its header says the columns */
};

/* ---- pages that are kept ---------------------------------------------------------------- */

static void free_page(page *p)
{
    eh_body_free(p->body);
    free(p->text);
    free(p->label);
    free(p);
}

static page *page_at(const eh_pages *pages, uint64_t offset)
{
    page *p = pages->first;
    while (p != NULL && offset >= p->end) p = p->next;
    return p;
}

static bool raw_of_page(void *self, const eh_place *place, eh_buf *out, eh_err *err)
{
    const page *p = page_at(self, place->offset);
    if (p == NULL || place->end > p->end)
        return eh_fail(err, EH_CLASS_BUG, "a page was let go while rows of it were loaded");
    size_t from = (size_t)(place->offset - p->begin),
           len = (size_t)(place->end - place->offset);
    size_t got;
    if (p->body == NULL) return eh_buf_append(out, p->text + from, len, err);
    if (!eh_buf_reserve(out, len, err)) return false;
    while (len > 0) {
        if (!eh_body_read(p->body, from, out->data + out->len, len, &got, err)) return false;
        if (got == 0) return eh_fail(err, EH_CLASS_BUG, "an answer lost its end");
        out->len += got;
        from += got;
        len -= got;
    }
    return true;
}

static const char *label_of_page(void *self, const eh_place *place)
{
    const eh_pages *pages = self;
    const page *p = page_at(pages, place->offset);
    return p != NULL ? p->label : pages->name;
}

static void release_pages(eh_stream *s)
{
    eh_pages *pages = s->pages;
    uint64_t oldest = s->loader != NULL ? eh_loader_oldest(s->loader) : UINT64_MAX;
    while (pages->first != NULL && pages->first->end <= oldest) {
        page *p = pages->first;
        pages->first = p->next;
        if (pages->first == NULL) pages->last = NULL;
        free_page(p);
    }
}

static page *keep_page(eh_pages *pages, const eh_page *given, uint64_t begin, eh_err *err)
{
    uint64_t size = given->body != NULL ? eh_body_size(given->body) : given->text.len;
    page *p = calloc(1, sizeof *p);
    if (p != NULL) {
        *p = (page){.begin = begin, .end = begin + size + 1, .label = strdup(given->label)};
        if (given->body != NULL) p->body = eh_body_hold(given->body);
        if (given->body == NULL) p->text = malloc(given->text.len + 1);
        if (p->text != NULL && given->text.len > 0)
            memcpy(p->text, given->text.data, given->text.len);
    }
    if (p == NULL || p->label == NULL || (p->body == NULL && p->text == NULL)) {
        if (p != NULL) free_page(p);
        eh_fail_memory(err, "a page");
        return NULL;
    }
    if (pages->last != NULL)
        pages->last->next = p;
    else
        pages->first = p;
    pages->last = p;
    return p;
}

/* ---- windows ---------------------------------------------------------------------------- */

static bool open_stream(eh_stream *s, eh_err *err)
{
    if (s->pages == NULL) {
        if (s->files > 0)
            return eh_fail(err, EH_CLASS_SCRIPT,
                           "a resource loads files or emits rows, not both");
        s->pages = calloc(1, sizeof *s->pages);
        if (s->pages == NULL) return eh_fail_memory(err, "a window");
        s->pages->names = eh_arena_new(NAMES_MAX);
        if (s->pages->names == NULL) return eh_fail_memory(err, "a window");
    }
    return s->loader != NULL || s->preview != NULL || eh_stream_open(s, err);
}

bool eh_pages_state(eh_stream *s, eh_arena *arena, eh_progress *progress, eh_err *err)
{
    *progress = (eh_progress){.cursor = NULL};
    if (!open_stream(s, err)) return false;
    return s->preview != NULL || eh_loader_progress(s->loader, arena, progress, err);
}

static void forget_columns(eh_pages *pages)
{
    eh_arena_reset(pages->names);
    pages->columns = NULL;
    pages->count = 0;
}

static bool begin(eh_stream *s, const eh_load_window *window, bool own, eh_arena *arena,
                  const eh_doc **position, eh_err *err)
{
    eh_pages *pages = s->pages;
    char *name = strdup(window->name[0] != '\0' ? window->name : s->resource);
    *position = NULL;
    if (name == NULL) return eh_fail_memory(err, "a window");
    char *before = pages->name; /* of units that are under way until the next one begins */
    pages->name = name;
    forget_columns(pages);
    eh_map_free(&pages->seen);
    eh_map_init(&pages->seen);
    eh_load_input input = {
        .name = name, .raw = raw_of_page, .raw_self = pages, .label = label_of_page};
    bool ok =
        s->preview != NULL || eh_loader_window(s->loader, window, &input, arena, position, err);
    if (!ok) { /* the units may still have the name */
        free(name);
        pages->name = before;
        return false;
    }
    free(before);
    pages->open = true;
    pages->own = own;
    return true;
}

bool eh_pages_begin(eh_stream *s, const eh_load_window *window, eh_arena *arena,
                    const eh_doc **position, eh_err *err)
{
    if (!open_stream(s, err)) return false;
    if (s->pages->open)
        return eh_fail(err, EH_CLASS_SCRIPT, "a window begins while %s is still open",
                       s->pages->own ? s->pages->name : "rows outside of any were emitted");
    return begin(s, window, true, arena, position, err);
}

/* The names are the pages' until here. */
static bool end(eh_stream *s, const eh_doc *cursor, eh_promoted *promoted, eh_err *err)
{
    s->pages->open = false;
    *promoted = (eh_promoted){.nothing = false};
    if (s->preview != NULL) return true;
    if (!eh_loader_window_end(s->loader, cursor, promoted, err)) return false;
    release_pages(s);
    if (!promoted->refused) return true;
    char text[512];
    (void)snprintf(text, sizeof text,
                   "%s is left as it was: %lld rows came, and %lld are there (min_ratio)",
                   s->pages->name, (long long)promoted->came, (long long)promoted->gone);
    eh_event_log(&s->run->events, "warning", text, s->instance, s->resource);
    return true;
}

bool eh_pages_end(eh_stream *s, const eh_doc *cursor, eh_promoted *promoted, eh_err *err)
{
    if (s->pages == NULL || !s->pages->open || !s->pages->own)
        return eh_fail(err, EH_CLASS_SCRIPT, "there is no window that could end");
    return end(s, cursor, promoted, err);
}

bool eh_pages_finish(eh_stream *s, eh_err *err)
{
    eh_promoted promoted;
    if (s->pages == NULL || !s->pages->open) return true;
    if (!s->pages->own) return end(s, NULL, &promoted, err);
    char text[512];
    (void)snprintf(text, sizeof text,
                   "the script left the window %s before its end: it does not count",
                   s->pages->name);
    eh_event_log(&s->run->events, "warning", text, s->instance, s->resource);
    s->pages->open = false;
    return s->preview != NULL || eh_loader_window_leave(s->loader, err);
}

void eh_pages_free(eh_stream *s)
{
    if (s->pages == NULL) return;
    for (page *p = s->pages->first, *next; p != NULL; p = next) {
        next = p->next;
        free_page(p);
    }
    eh_arena_free(s->pages->names);
    eh_map_free(&s->pages->seen);
    free(s->pages->name);
    free(s->pages);
    s->pages = NULL;
}

/* ---- rows ------------------------------------------------------------------------------- */

static eh_parser *new_parser(const eh_stream *s, const eh_page *given, eh_err *err)
{
    eh_pages *pages = s->pages;
    const eh_doc *format = eh_doc_get(s->declaration, "format");
    bool csv = strcmp(given->format, "csv") == 0;
    if (csv || pages->csv) forget_columns(pages);
    pages->csv = csv;
    if (csv) {
        eh_csv_options options = {.delimiter = 0};
        const char *delimiter = eh_doc_str(format, "delimiter", "");
        if (delimiter[0] != '\0') options.delimiter = delimiter[0];
        return eh_csv_new(&options, err);
    }
    bool lines = strcmp(given->format, "jsonl") == 0;
    eh_json_options options = {.shape = lines ? EH_JSON_LINES : EH_JSON_DOCUMENT,
                               .path = eh_slice_str(lines ? "" : given->path),
                               .columns = pages->columns,
                               .column_count = pages->count};
    return eh_json_new(&options, err);
}

/* The next page's parser begins with the columns of this one, so the table's plan stays. */
static bool learn_columns(eh_pages *pages, const eh_parser *parser, eh_err *err)
{
    size_t count;
    const eh_slice *columns = eh_parser_columns(parser, &count);
    if (count == pages->count) return true;
    eh_slice *list = eh_arena_zalloc(pages->names, count, sizeof *list);
    if (list == NULL) return eh_fail_memory(err, "columns");
    for (size_t i = 0; i < count; i++) {
        list[i] =
            i < pages->count
                ? pages->columns[i]
                : eh_slice_of(eh_arena_strndup(pages->names, columns[i].data, columns[i].len),
                              columns[i].len);
        if (list[i].data == NULL) return eh_fail_memory(err, "columns");
    }
    pages->columns = list;
    pages->count = count;
    return true;
}

static void move(eh_place *place, uint64_t by)
{
    place->offset += by;
    place->end += by;
}

/* Offsets go on from page to page; rows and lines are the page's own. */
static void move_batch(eh_batch *batch, uint64_t by)
{
    for (size_t r = 0; r < batch->rows; r++) move(&batch->places[r], by);
    for (size_t d = 0; d < batch->dead_count; d++) move(&batch->dead[d].place, by);
    batch->start += by;
    batch->end += by;
}

/* Which values of a column have been seen in this window? Those of one type are compared. */
static bool count_distinct(eh_pages *pages, const eh_page *given, const eh_batch *batch,
                           const eh_slice *columns, size_t count, eh_err *err)
{
    size_t c = 0;
    if (given->distinct == NULL) return true;
    while (c < count && !eh_slice_is(columns[c], given->distinct)) c++;
    for (size_t r = 0; c < count && r < batch->rows; r++) {
        const eh_cell *cell = eh_batch_cell(batch, r, c);
        if (eh_cell_has_text(cell) && !eh_map_put(&pages->seen, eh_cell_text(cell), 0, err))
            return false;
    }
    return true;
}

static bool take_batch(eh_stream *s, const eh_page *given, const page *p,
                       const eh_parser *parser, eh_batch *batch, eh_err *err)
{
    size_t count;
    const eh_slice *columns = eh_parser_columns(parser, &count);
    if (!count_distinct(s->pages, given, batch, columns, count, err)) return false;
    if (s->preview != NULL)
        return eh_preview_batch(s->preview, s, batch, columns, count, p->label, err);
    move_batch(batch, p->begin);
    if (!eh_loader_batch(s->loader, batch, columns, count, err) || !eh_run_go_on(s->run, err))
        return false;
    eh_stream_tell_progress(s);
    return true;
}

bool eh_page_explain(const char *label, eh_slice text, eh_err *err)
{
    if (err->class_ == EH_CLASS_DATA) err->class_ = EH_CLASS_REMOTE;
    if (err->class_ != EH_CLASS_REMOTE) return false;
    char shown[SHOWN_BYTES + 1];
    size_t len = text.len < SHOWN_BYTES ? text.len : SHOWN_BYTES;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        shown[i] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
    while (len > 0 && ((unsigned char)shown[len - 1] & 0xc0) == 0x80) len--; /* a cut letter */
    if (len > 0 && ((unsigned char)shown[len - 1] & 0x80) != 0) len--;
    shown[len] = '\0';
    eh_err_place(err, "%s", label);
    err->hint[0] = '\0'; /* how it begins says more than any other one */
    return eh_err_hint(err, "the answer begins: %s", len > 0 ? shown : "(it is empty)");
}

static bool parse(eh_stream *s, const eh_page *given, const page *p, eh_slice text,
                  eh_page_counts *counts, eh_err *err)
{
    eh_batch batch = {.arena = NULL};
    eh_parser *parser = new_parser(s, given, err);
    bool ok = parser != NULL && eh_batch_init(&batch, BATCH_TEXT_MAX, err);
    bool whole = strcmp(given->format, "json") == 0;
    for (size_t fed = 0, ended = 0; ok;) {
        eh_parse result = eh_parser_next(parser, &batch, err);
        if (result == EH_PARSE_END) break;
        if (result == EH_PARSE_MORE && !ended) {
            size_t len = whole || text.len - fed < FEED_BYTES ? text.len - fed : FEED_BYTES;
            ended = fed + len == text.len;
            ok = eh_parser_feed(parser, text.data + fed, len, ended, err);
            fed += len;
        } else if (result == EH_PARSE_BATCH) {
            counts->rows += batch.rows;
            counts->dead += batch.dead_count;
            EH_FAULT("page.half");
            ok = take_batch(s, given, p, parser, &batch, err);
        } else {
            ok = false;
            if (whole || err->class_ == EH_CLASS_REMOTE)
                (void)eh_page_explain(given->label, text, err);
        }
    }
    ok = ok && learn_columns(s->pages, parser, err);
    eh_batch_free(&batch);
    eh_parser_free(parser);
    return ok;
}

bool eh_pages_emit(eh_stream *s, const eh_page *given, eh_page_counts *counts, eh_err *err)
{
    const eh_doc *position;
    const eh_load_window whole = {.name = ""};
    eh_slice text = given->text;
    *counts = (eh_page_counts){.rows = 0};
    if (!eh_run_go_on(s->run, err) || !open_stream(s, err)) return false;
    if (!s->pages->open && !begin(s, &whole, false, s->pages->names, &position, err))
        return false;
    if (given->body != NULL && !eh_body_view(given->body, &text, err)) return false;
    uint64_t offset = s->preview == NULL ? eh_loader_offset(s->loader) : 0;
    const page *p = keep_page(s->pages, given, offset, err);
    if (p == NULL) return false;
    (void)snprintf(s->file_name, sizeof s->file_name, "%s", p->label);
    if (s->preview == NULL) eh_loader_page(s->loader, p->label);
    bool ok = parse(s, given, p, text, counts, err);
    counts->distinct = s->pages->seen.count;
    EH_FAULT("page.parsed");
    if (ok && s->preview == NULL) ok = eh_loader_mark(s->loader, p->end, given->position, err);
    s->bytes += text.len;
    s->page_count++;
    /* The label is the page's: the loader must not speak of it when it is gone. */
    if (s->preview == NULL) eh_loader_page(s->loader, s->pages->name);
    if (!ok && s->loader != NULL) eh_loader_drop(s->loader);
    release_pages(s);
    EH_FAULT("page.done");
    return ok;
}
