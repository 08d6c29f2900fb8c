/* engine/page_rows.c: the rows of a page, parsed and loaded; see pages.h. */
#include "base/fault.h"
#include "data/json.h"
#include "engine/input.h"
#include "engine/pages_private.h"
#include "engine/preview.h"
#include "engine/stream_private.h"

#include <stdio.h>
#include <stdlib.h>

#define BATCH_TEXT_MAX ((size_t)512 * 1024 * 1024)
#define HEADER_BYTES   ((size_t)4 * 1024 * 1024)
#define FEED_BYTES     ((size_t)256 * 1024)
#define SHOWN_BYTES    200
/* Of an answer that arrives: what may be in the spool in front of the reader, and behind it.
 * Behind it are the bytes that units under way may ask for, and the latest megabytes, so that a
 * small answer can still be looked at when its rows are loaded. */
#define WINDOW_BYTES ((uint64_t)128 * 1024 * 1024)
#define FAR_BYTES    ((uint64_t)64 * 1024 * 1024)
#define KEEP_BYTES   ((uint64_t)16 * 1024 * 1024)

struct eh_page_reader {
    eh_stream *s;
    const eh_page *given;
    eh_kept_page *kept;
    eh_parser *parser;
    eh_batch batch;
    eh_slice text;   /* of a page that is complete; otherwise of its beginning, for messages */
    char *chunk;     /* of one that arrives; owned */
    uint64_t fed;    /* bytes that the parser has */
    uint64_t parsed; /* bytes that are in no record that is still to come */
    bool fed_all, done;
    char quote; /* of CSV; 0: '"' */
    eh_page_counts counts;
    char head[SHOWN_BYTES];
};

/* ---- making it -------------------------------------------------------------------------- */

static bool new_csv(eh_page_reader *r, eh_err *err)
{
    eh_slice *nulls = NULL;
    eh_csv_options options = {.delimiter = 0};
    if (eh_csv_declared(eh_doc_get(r->s->declaration, "format"), &options, &nulls, err))
        r->parser = eh_csv_new(&options, err);
    r->quote = options.quote;
    free(nulls);
    return r->parser != NULL;
}

static bool new_parser(eh_page_reader *r, eh_err *err)
{
    eh_pages *pages = r->s->pages;
    bool csv = r->kept->csv, lines = strcmp(r->given->format, "jsonl") == 0;
    if (csv || pages->csv) eh_pages_forget_columns(pages);
    pages->csv = csv;
    if (csv) return new_csv(r, err);
    eh_json_options options = {.shape = lines ? EH_JSON_LINES : EH_JSON_DOCUMENT,
                               .path = eh_slice_str(lines ? "" : r->given->path),
                               .as_it_comes = r->given->arrives && !lines,
                               .columns = pages->columns,
                               .column_count = pages->count,
                               .outline = r->given->outline};
    r->parser = eh_json_new(&options, err);
    return r->parser != NULL;
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

/* The same text is the same pointer: so units end where it changes. */
static bool keep_header(eh_pages *pages, const char *text, const char **header, eh_err *err)
{
    for (const struct eh_page_header *h = pages->headers; h != NULL; h = h->next)
        if (strcmp(h->text, text) == 0) *header = h->text;
    if (*header != NULL) return true;
    struct eh_page_header *h = eh_arena_zalloc(pages->header_arena, 1, sizeof *h);
    if (h != NULL) h->text = *header = eh_arena_strdup(pages->header_arena, text);
    if (*header == NULL) return eh_fail_memory(err, "a header");
    h->next = pages->headers;
    pages->headers = h;
    return true;
}

/* What a dead record of the page is read again by; NULL: a record of JSON stands for itself. */
static bool note_header(eh_page_reader *r, eh_err *err)
{
    const char *header = NULL;
    bool ok = true;
    if (r->kept->csv) {
        eh_arena *arena = eh_arena_new(HEADER_BYTES);
        if (arena == NULL) return eh_fail_memory(err, "a header");
        const char *text = eh_csv_header(r->parser, r->quote, arena);
        r->kept->encoding = eh_csv_encoding_of(r->parser);
        ok = text != NULL
                 ? keep_header(r->s->pages, text, &header, err)
                 : eh_fail(err, EH_CLASS_LIMIT, "the header of %s is too long", r->kept->label);
        eh_arena_free(arena);
    }
    return ok && eh_loader_header(r->s->loader, header, err);
}

static bool take_batch(eh_page_reader *r, eh_err *err)
{
    size_t count;
    eh_stream *s = r->s;
    const eh_slice *columns = eh_parser_columns(r->parser, &count);
    if (!count_distinct(s->pages, r->given, &r->batch, columns, count, err)) return false;
    if (s->preview != NULL)
        return eh_preview_batch(s->preview, s, &r->batch, columns, count, r->kept->label, err);
    if (!note_header(r, err)) return false;
    move_batch(&r->batch, r->kept->begin);
    return eh_loader_batch(s->loader, &r->batch, columns, count, err) &&
           eh_run_go_on(s->run, err);
}

/* What is met most often where JSON was promised: a page that asks to sign in, or to wait. */
static void name_html(eh_slice text, eh_err *err)
{
    size_t at = 0;
    while (at < text.len && (unsigned char)text.data[at] <= ' ') at++;
    if (at < text.len && text.data[at] == '<' && strncmp(err->message, "not JSON", 8) == 0)
        (void)snprintf(
            err->message, sizeof err->message,
            "not JSON but a page of HTML, such as one that tells of maintenance or asks "
            "to sign in");
}

bool eh_page_explain(const char *label, eh_slice text, eh_err *err)
{
    if (err->class_ == EH_CLASS_DATA) err->class_ = EH_CLASS_REMOTE;
    if (err->class_ != EH_CLASS_REMOTE) return false;
    name_html(text, err);
    char shown[SHOWN_BYTES + 1] = "";
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

/* ---- bytes ------------------------------------------------------------------------------ */

static void tell_progress(eh_page_reader *r)
{
    eh_stream *s = r->s;
    s->file_position = r->given->body != NULL ? eh_body_size(r->given->body) : r->text.len;
    s->file_size = r->given->total;
    if (s->preview == NULL) eh_stream_tell_progress(s);
}

/* Gives bytes back; all: as many as may be. Where units still need bytes that are far behind
 * they are committed first. */
static bool give_back(const eh_page_reader *r, bool all, eh_err *err)
{
    eh_loader *loader = r->s->loader;
    eh_body *body = r->given->body;
    uint64_t released = eh_body_released(body), keep = all ? 0 : KEEP_BYTES;
    if (r->parsed <= released + keep) return true;
    uint64_t upto = r->parsed - keep;
    if (loader != NULL) {
        if ((all || r->parsed - released > FAR_BYTES) && !eh_loader_flush(loader, err))
            return false;
        uint64_t oldest = eh_loader_oldest(loader), begin = r->kept->begin;
        uint64_t needed = oldest > begin ? oldest - begin : 0;
        if (oldest < eh_loader_offset(loader) && needed < upto) upto = needed;
    }
    eh_body_release_before(body, upto);
    EH_FAULT("page.released");
    return true;
}

/* The sender waits for room: with it the rest of a record comes, however long that is. */
static bool make_room(const eh_page_reader *r, eh_err *err)
{
    eh_body *body = r->given->body;
    if (!eh_body_full(body)) return true;
    if (!give_back(r, true, err)) return false;
    if (eh_body_full(body))
        eh_body_window(body, 2 * (eh_body_size(body) - eh_body_released(body)));
    return true;
}

static eh_page_step feed_arriving(eh_page_reader *r, eh_err *err)
{
    size_t got;
    eh_body *body = r->given->body;
    if (!eh_body_read(body, r->fed, r->chunk, FEED_BYTES, &got, err)) return EH_PAGE_FAILED;
    bool ended = eh_body_state_of(body) == EH_BODY_ENDED && r->fed + got == eh_body_size(body);
    if (got == 0 && !ended) return make_room(r, err) ? EH_PAGE_WAITS : EH_PAGE_FAILED;
    if (r->fed < SHOWN_BYTES) {
        size_t room = (size_t)(SHOWN_BYTES - r->fed), len = got < room ? got : room;
        memcpy(r->head + r->fed, r->chunk, len);
        r->text = eh_slice_of(r->head, (size_t)r->fed + len);
    }
    r->fed += got;
    r->fed_all = ended;
    return eh_parser_feed(r->parser, r->chunk, got, ended, err) ? EH_PAGE_LOADS
                                                                : EH_PAGE_FAILED;
}

static eh_page_step feed(eh_page_reader *r, eh_err *err)
{
    if (r->given->arrives) return feed_arriving(r, err);
    size_t len = r->text.len - (size_t)r->fed;
    if (strcmp(r->given->format, "json") != 0 && len > FEED_BYTES) len = FEED_BYTES;
    r->fed_all = r->fed + len == r->text.len;
    bool ok = eh_parser_feed(r->parser, r->text.data + r->fed, len, r->fed_all, err);
    r->fed += len;
    return ok ? EH_PAGE_LOADS : EH_PAGE_FAILED;
}

/* ---- the rows --------------------------------------------------------------------------- */

eh_page_reader *eh_page_open(eh_stream *s, const eh_page *given, eh_err *err)
{
    if (!eh_pages_rest(s, err) || !eh_run_go_on(s->run, err) || !eh_pages_ready(s, err))
        return NULL;
    if (given->arrives && !eh_pages_settle(s, err)) return NULL;
    eh_page_reader *r = calloc(1, sizeof *r);
    if (r == NULL) {
        eh_fail_memory(err, "a page");
        return NULL;
    }
    uint64_t offset = s->preview == NULL ? eh_loader_offset(s->loader) : 0;
    *r = (eh_page_reader){.s = s, .given = given, .text = given->text};
    bool ok = given->arrives || given->body == NULL || eh_body_view(given->body, &r->text, err);
    ok = ok && eh_page_guard_look(&s->pages->guard, s->pages->name, &given->marks, given->label,
                                  given->path, r->text, given->again, err);
    if (ok) {
        r->kept = eh_pages_keep(s->pages, given, offset, err);
        r->chunk = given->arrives ? malloc(FEED_BYTES) : NULL;
        ok = r->kept != NULL &&
             ((r->chunk != NULL) == given->arrives || eh_fail_memory(err, "a page"));
    }
    if (!ok) {
        free(r->chunk);
        free(r);
        return NULL;
    }
    s->pages->reads = s->pages->fed = true;
    if (given->arrives) eh_body_window(given->body, WINDOW_BYTES);
    (void)snprintf(s->file_name, sizeof s->file_name, "%s", r->kept->label);
    if (s->preview == NULL) eh_loader_page(s->loader, r->kept->label);
    if (new_parser(r, err) && eh_batch_init(&r->batch, BATCH_TEXT_MAX, err)) return r;
    eh_page_close(r);
    return NULL;
}

bool eh_page_may_go_on(const eh_page_reader *r)
{
    const eh_body *body = r->given->body;
    return !r->given->arrives || r->fed_all || eh_body_size(body) > r->fed ||
           eh_body_state_of(body) != EH_BODY_OPEN || eh_body_full(body);
}

/* One batch, or as far as the bytes go. */
static eh_page_step read_batch(eh_page_reader *r, eh_err *err)
{
    for (;;) {
        eh_parse result = eh_parser_next(r->parser, &r->batch, err);
        if (result == EH_PARSE_END) return EH_PAGE_DONE;
        if (result == EH_PARSE_BATCH) {
            r->counts.rows += r->batch.rows;
            r->counts.dead += r->batch.dead_count;
            r->parsed = r->batch.end;
            EH_FAULT("page.half");
            return take_batch(r, err) ? EH_PAGE_LOADS : EH_PAGE_FAILED;
        }
        bool json = !r->kept->csv;
        if (result != EH_PARSE_MORE || r->fed_all) {
            bool whole = strcmp(r->given->format, "json") == 0;
            if (whole || err->class_ == EH_CLASS_REMOTE)
                (void)eh_page_explain(r->given->label, r->text, err);
            return EH_PAGE_FAILED;
        }
        if (json) r->parsed = eh_json_done_with(r->parser);
        eh_page_step step = feed(r, err);
        if (step != EH_PAGE_LOADS) return step;
    }
}

static bool finish(eh_page_reader *r, eh_err *err)
{
    eh_stream *s = r->s;
    if (!learn_columns(s->pages, r->parser, err)) return false;
    EH_FAULT("page.parsed");
    if (r->given->arrives) r->kept->end = r->kept->begin + r->fed + 1;
    return s->preview != NULL ||
           eh_loader_mark(s->loader, r->kept->end, r->given->position, err);
}

eh_page_step eh_page_go_on(eh_page_reader *r, eh_page_counts *counts, eh_err *err)
{
    eh_page_step step = read_batch(r, err);
    if (step == EH_PAGE_LOADS && r->given->arrives && !give_back(r, false, err))
        step = EH_PAGE_FAILED;
    if (step == EH_PAGE_DONE && !finish(r, err)) step = EH_PAGE_FAILED;
    r->done = step == EH_PAGE_DONE;
    *counts = r->counts;
    counts->distinct = r->s->pages->seen.count;
    tell_progress(r);
    return step;
}

void eh_page_close(eh_page_reader *r)
{
    if (r == NULL) return;
    eh_stream *s = r->s;
    s->pages->reads = false;
    eh_page_guard_done(&s->pages->guard, r->counts.rows + r->counts.dead);
    s->bytes += r->fed;
    s->page_count++;
    if (r->kept->end == UINT64_MAX) r->kept->end = r->kept->begin + r->fed + 1;
    /* The label is the page's: the loader must not speak of it when it is gone. */
    if (s->preview == NULL) eh_loader_page(s->loader, s->pages->name);
    if (!r->done && s->loader != NULL) eh_loader_drop(s->loader);
    eh_batch_free(&r->batch);
    eh_parser_free(r->parser);
    free(r->chunk);
    free(r);
    eh_pages_release(s);
    EH_FAULT("page.done");
}

bool eh_pages_emit(eh_stream *s, const eh_page *given, eh_page_counts *counts, eh_err *err)
{
    eh_page_step step = EH_PAGE_LOADS;
    *counts = (eh_page_counts){.rows = 0};
    eh_page_reader *r = eh_page_open(s, given, err);
    while (r != NULL && step == EH_PAGE_LOADS) step = eh_page_go_on(r, counts, err);
    eh_page_close(r);
    return r != NULL && step == EH_PAGE_DONE;
}

eh_doc *eh_page_counts_doc(const eh_page_counts *counts, eh_arena *arena, eh_err *err)
{
    eh_doc *value = eh_doc_map(arena);
    bool ok = eh_doc_put_int(arena, value, "rows", (int64_t)counts->rows, err) &&
              eh_doc_put_int(arena, value, "dead", (int64_t)counts->dead, err) &&
              eh_doc_put_int(arena, value, "distinct", (int64_t)counts->distinct, err);
    return ok ? value : NULL;
}
