/* engine/page_rows.c: the rows of a page, parsed and loaded; see pages.h. */
#include "base/fault.h"
#include "data/csv.h"
#include "data/json.h"
#include "engine/pages_private.h"
#include "engine/preview.h"
#include "engine/stream_private.h"

#include <stdio.h>

#define BATCH_TEXT_MAX ((size_t)512 * 1024 * 1024)
#define FEED_BYTES     ((size_t)256 * 1024)
#define SHOWN_BYTES    200

/* A page of CSV says its columns itself, in an order of its own. */
static bool forget_columns(const eh_stream *s, bool csv, eh_err *err)
{
    eh_pages *pages = s->pages;
    if (!csv && !pages->csv) return true;
    pages->csv = csv;
    if (s->loader != NULL && !eh_loader_forget_columns(s->loader, err)) return false;
    eh_pages_forget_columns(pages);
    return true;
}

static eh_parser *new_parser(const eh_stream *s, const eh_page *given, eh_err *err)
{
    const eh_pages *pages = s->pages;
    const eh_doc *format = eh_doc_get(s->declaration, "format");
    bool csv = strcmp(given->format, "csv") == 0;
    if (!forget_columns(s, csv, err)) return NULL;
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
                               .column_count = pages->count,
                               .outline = given->outline};
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

static bool take_batch(eh_stream *s, const eh_page *given, const eh_kept_page *p,
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

static bool parse(eh_stream *s, const eh_page *given, const eh_kept_page *p, eh_slice text,
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
    eh_slice text = given->text;
    *counts = (eh_page_counts){.rows = 0};
    if (!eh_run_go_on(s->run, err) || !eh_pages_ready(s, err)) return false;
    if (given->body != NULL && !eh_body_view(given->body, &text, err)) return false;
    if (!eh_page_guard_look(&s->pages->guard, s->pages->name, &given->marks, given->label,
                            given->path, text, given->again, err))
        return false;
    uint64_t offset = s->preview == NULL ? eh_loader_offset(s->loader) : 0;
    const eh_kept_page *p = eh_pages_keep(s->pages, given, offset, err);
    if (p == NULL) return false;
    (void)snprintf(s->file_name, sizeof s->file_name, "%s", p->label);
    if (s->preview == NULL) eh_loader_page(s->loader, p->label);
    bool ok = parse(s, given, p, text, counts, err);
    counts->distinct = s->pages->seen.count;
    eh_page_guard_done(&s->pages->guard, counts->rows + counts->dead);
    EH_FAULT("page.parsed");
    if (ok && s->preview == NULL) ok = eh_loader_mark(s->loader, p->end, given->position, err);
    s->bytes += text.len;
    s->page_count++;
    /* The label is the page's: the loader must not speak of it when it is gone. */
    if (s->preview == NULL) eh_loader_page(s->loader, s->pages->name);
    if (!ok && s->loader != NULL) eh_loader_drop(s->loader);
    eh_pages_release(s);
    EH_FAULT("page.done");
    return ok;
}
