/* engine/pages.c: see pages.h. */
#include "engine/pages_private.h"

#include "engine/input.h"
#include "engine/net.h"
#include "engine/stream_private.h"

#include <stdio.h>
#include <stdlib.h>

#define HEADERS_MAX ((size_t)64 * 1024 * 1024)
#define NAMES_MAX   ((size_t)8 * 1024 * 1024)
/* Of pages whose rows are on their way: hardly ever is one looked at again. */
#define LOOSE_BYTES ((uint64_t)1024 * 1024)

/* ---- pages that are kept ---------------------------------------------------------------- */

static void free_page(eh_kept_page *p)
{
    eh_body_free(p->body);
    free(p->text);
    free(p->label);
    free(p);
}

static eh_kept_page *page_at(const eh_pages *pages, uint64_t offset)
{
    eh_kept_page *p = pages->first;
    while (p != NULL && offset >= p->end) p = p->next;
    return p;
}

static bool read_bytes(const eh_pages *pages, const eh_kept_page *p, const eh_place *place,
                       eh_buf *out, eh_err *err)
{
    uint64_t from = place->offset - p->begin + (p->packed ? p->packed_at : 0);
    size_t len = (size_t)(place->end - place->offset), got;
    eh_body *body = p->packed ? pages->pack : p->body;
    if (body == NULL) return eh_buf_append(out, p->text + from, len, err);
    if (!eh_buf_reserve(out, len, err)) return false;
    while (len > 0) {
        if (!eh_body_read(body, from, out->data + out->len, len, &got, err)) return false;
        if (got == 0) return eh_fail(err, EH_CLASS_BUG, "an answer lost its end");
        out->len += got;
        from += got;
        len -= got;
    }
    return true;
}

static bool raw_of_page(void *self, const eh_place *place, eh_buf *out, eh_err *err)
{
    const eh_kept_page *p = page_at(self, place->offset);
    if (p == NULL || place->end > p->end)
        return eh_fail(err, EH_CLASS_BUG, "a page was let go while rows of it were loaded");
    if (!p->csv) {
        size_t before = out->len;
        if (!read_bytes(self, p, place, out, err)) return false;
        /* The end of a line is none of the record's. */
        while (out->len > before && memchr(" \t\r\n", out->data[out->len - 1], 4) != NULL)
            out->len--;
        return true;
    }
    eh_buf raw;
    eh_buf_init(&raw, out->max);
    bool ok = read_bytes(self, p, place, &raw, err) &&
              eh_csv_record(p->encoding, eh_buf_slice(&raw), out, err);
    eh_buf_free(&raw);
    return ok;
}

static const char *label_of_page(void *self, const eh_place *place)
{
    const eh_pages *pages = self;
    const eh_kept_page *p = page_at(pages, place->offset);
    return p != NULL ? p->label : pages->name;
}

/* What a page holds in memory goes into a file; false: nothing is to be done now. */
static bool pack(eh_stream *s, eh_kept_page *p)
{
    eh_pages *pages = s->pages;
    eh_err ignored = {.class_ = EH_OK}; /* it stays in memory, then */
    eh_slice bytes = eh_slice_of(p->text, (size_t)p->held);
    if (p->body != NULL) {
        if (eh_body_is_shared(p->body) || eh_body_state_of(p->body) != EH_BODY_ENDED)
            return false;
        if (eh_body_unview(p->body) == 0) return true;
        if (!eh_body_view(p->body, &bytes, &ignored)) return true;
    }
    eh_spool *spool = eh_run_spool(s->run, &ignored);
    if (pages->pack == NULL && spool != NULL) pages->pack = eh_body_new(spool, &ignored);
    if (pages->pack == NULL) return false;
    p->packed_at = eh_body_size(pages->pack);
    if (!eh_body_append(pages->pack, bytes, &ignored)) return false;
    p->packed = true;
    eh_body_free(p->body);
    free(p->text);
    p->body = NULL;
    p->text = NULL;
    return true;
}

static void pass_loose(eh_pages *pages)
{
    pages->loose_bytes -= pages->loose->held;
    pages->loose = pages->loose->next;
}

void eh_pages_release(eh_stream *s)
{
    eh_pages *pages = s->pages;
    uint64_t oldest = s->loader != NULL ? eh_loader_oldest(s->loader) : UINT64_MAX;
    while (pages->first != NULL && pages->first->end <= oldest) {
        eh_kept_page *p = pages->first;
        pages->first = p->next;
        if (pages->first == NULL) pages->last = NULL;
        if (pages->loose == p) pass_loose(pages);
        if (p->packed) eh_body_release_before(pages->pack, p->packed_at + p->held);
        free_page(p);
    }
    while (pages->loose_bytes > LOOSE_BYTES && pack(s, pages->loose)) pass_loose(pages);
}

eh_kept_page *eh_pages_keep(eh_pages *pages, const eh_page *given, uint64_t begin, eh_err *err)
{
    uint64_t size = given->arrives        ? 0
                    : given->body != NULL ? eh_body_size(given->body)
                                          : given->text.len;
    eh_kept_page *p = calloc(1, sizeof *p);
    if (p != NULL) {
        *p = (eh_kept_page){.begin = begin,
                            .end = given->arrives ? UINT64_MAX : begin + size + 1,
                            .held = size,
                            .label = strdup(given->label),
                            .csv = strcmp(given->format, "csv") == 0};
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
    if (pages->loose == NULL) pages->loose = p;
    pages->loose_bytes += size;
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
        s->pages->header_arena = eh_arena_new(HEADERS_MAX);
        if (s->pages->names == NULL || s->pages->header_arena == NULL)
            return eh_fail_memory(err, "a window");
    }
    return s->loader != NULL || s->preview != NULL || eh_stream_open(s, err);
}

bool eh_pages_state(eh_stream *s, eh_arena *arena, eh_progress *progress, eh_err *err)
{
    *progress = (eh_progress){.cursor = NULL};
    if (!open_stream(s, err)) return false;
    return s->preview != NULL || eh_loader_progress(s->loader, arena, progress, err);
}

void eh_pages_forget_columns(eh_pages *pages)
{
    eh_arena_reset(pages->names);
    pages->columns = NULL;
    pages->count = 0;
}

static eh_load_input input_of(eh_pages *pages)
{
    return (eh_load_input){
        .name = pages->name, .raw = raw_of_page, .raw_self = pages, .label = label_of_page};
}

static bool begin(eh_stream *s, const eh_load_window *window, bool own, eh_arena *arena,
                  eh_resume *resume, eh_err *err)
{
    eh_pages *pages = s->pages;
    char *name = strdup(window->name[0] != '\0' ? window->name : s->resource);
    *resume = (eh_resume){.position = NULL};
    if (name == NULL) return eh_fail_memory(err, "a window");
    char *before = pages->name; /* of units that are under way until the next one begins */
    pages->name = name;
    eh_pages_forget_columns(pages);
    eh_map_free(&pages->seen);
    eh_map_init(&pages->seen);
    eh_page_guard_begin(&pages->guard, (uint64_t)eh_doc_int(eh_doc_get(s->run->spec, "limits"),
                                                            "window_pages", 0));
    eh_load_input input = input_of(pages);
    bool ok =
        s->preview != NULL || eh_loader_window(s->loader, window, &input, arena, resume, err);
    if (!ok) { /* the units may still have the name */
        free(name);
        pages->name = before;
        return false;
    }
    free(before);
    pages->open = true;
    pages->own = own;
    pages->fed = false;
    return true;
}

bool eh_pages_ready(eh_stream *s, eh_err *err)
{
    eh_resume nowhere;
    const eh_load_window whole = {.name = "", .whole = true};
    return open_stream(s, err) &&
           (s->pages->open || begin(s, &whole, false, s->pages->names, &nowhere, err));
}

bool eh_pages_rest(const eh_stream *s, eh_err *err)
{
    if (s->pages == NULL || !s->pages->reads) return true;
    return eh_fail(err, EH_CLASS_SCRIPT, "rows of an answer are being loaded into %s.%s",
                   s->instance, s->resource);
}

bool eh_pages_settle(eh_stream *s, eh_err *err)
{
    return s->loader == NULL || s->pages == NULL || !s->pages->open ||
           eh_loader_flush(s->loader, err);
}

bool eh_pages_begin(eh_stream *s, const eh_load_window *window, eh_arena *arena,
                    eh_resume *resume, eh_err *err)
{
    if (!eh_pages_rest(s, err) || !open_stream(s, err)) return false;
    if (s->pages->open)
        return eh_fail(err, EH_CLASS_SCRIPT, "a window begins while %s is still open",
                       s->pages->own ? s->pages->name : "rows outside of any were emitted");
    return begin(s, window, true, arena, resume, err);
}

bool eh_pages_restart(eh_stream *s, const char *name, eh_arena *arena, eh_err *err)
{
    const eh_pages *pages = s->pages;
    if (!eh_pages_rest(s, err)) return false;
    if (pages == NULL || !pages->open || !pages->own || strcmp(pages->name, name) != 0)
        return eh_fail(err, EH_CLASS_SCRIPT, "window:restart: the window %s is not open", name);
    if (pages->fed) {
        (void)eh_fail(err, EH_CLASS_SCRIPT,
                      "window:restart: rows of the window %s were emitted in this run", name);
        return eh_err_hint(err, "restart it before the first ctx:emit, when the service does "
                                "not take window.position");
    }
    const eh_load_input input = input_of(s->pages);
    return s->preview != NULL || eh_loader_window_restart(s->loader, &input, arena, err);
}

/* The names are the pages' until here. */
static bool end(eh_stream *s, const eh_doc *cursor, eh_promoted *promoted, eh_err *err)
{
    s->pages->open = false;
    *promoted = (eh_promoted){.nothing = false};
    if (s->preview != NULL) return true;
    if (!eh_loader_window_end(s->loader, cursor, promoted, err)) return false;
    eh_pages_release(s);
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
    if (!eh_pages_rest(s, err)) return false;
    if (s->pages == NULL || !s->pages->open || !s->pages->own)
        return eh_fail(err, EH_CLASS_SCRIPT, "there is no window that could end");
    return end(s, cursor, promoted, err);
}

bool eh_pages_finish(eh_stream *s, eh_err *err)
{
    eh_promoted promoted;
    if (s->pages == NULL || !s->pages->open) return true;
    if (!s->pages->own) {
        const eh_doc *cursor = NULL;
        return (s->preview != NULL ||
                eh_loader_verified(s->loader, s->pages->names, &cursor, err)) &&
               end(s, cursor, &promoted, err);
    }
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
    for (eh_kept_page *p = s->pages->first, *next; p != NULL; p = next) {
        next = p->next;
        free_page(p);
    }
    eh_body_free(s->pages->pack);
    eh_arena_free(s->pages->names);
    eh_arena_free(s->pages->header_arena);
    eh_map_free(&s->pages->seen);
    eh_page_guard_free(&s->pages->guard);
    free(s->pages->name);
    free(s->pages);
    s->pages = NULL;
}
