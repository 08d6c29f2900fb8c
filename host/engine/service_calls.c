/* engine/service_calls.c: what a script may ask for when it talks to a service: requests, their
 * answers, rows, windows. Every argument is the jail's, so every argument is checked. */
#include "engine/service_calls.h"

#include "data/convert.h"
#include "data/json_doc.h"
#include "data/zone.h"
#include "engine/arriving.h"

#define TEXT_MAX   ((size_t)512 * 1024) /* of an answer, in one piece, to the script */
#define ROWS_BYTES ((size_t)64 * 1024 * 1024)
#define NAME_LIMIT 512
#define PAGE_MAX   ((size_t)2 * 1024 * 1024)

typedef struct call {
    eh_pipeline *p;
    const eh_frame *frame;
    eh_arena *arena;
    eh_doc **value;
    bool *later;
} call;

/* ---- requests --------------------------------------------------------------------------- */

static eh_response *start(const call *c, eh_err *err)
{
    const eh_pipeline_stream *s = eh_call_stream(c->p, c->frame->body, "request", err);
    if (s == NULL) return NULL;
    return eh_response_start(c->p, s, c->frame->task, c->frame->body, err);
}

static bool call_request(const call *c, eh_err *err)
{
    eh_response *r = start(c, err);
    *c->later = r != NULL;
    return r != NULL && eh_response_answer(r, err);
}

static bool call_prefetch(const call *c, eh_err *err)
{
    const eh_response *r = start(c, err);
    if (r == NULL) return false;
    *c->value = eh_doc_map(c->arena);
    return eh_doc_put_int(c->arena, *c->value, "response", eh_response_handle(r), err);
}

static bool call_wait(const call *c, eh_err *err)
{
    eh_response *r = eh_response_of(c->p, c->frame->task, c->frame->body, err);
    *c->later = r != NULL;
    return r != NULL && eh_response_answer(r, err);
}

/* Nobody waits for an answer, and there is none. */
static bool call_release(const call *c, eh_err *err)
{
    eh_err none = {.class_ = EH_OK};
    eh_response *r = eh_response_of(c->p, c->frame->task, c->frame->body, &none);
    (void)err;
    *c->later = true;
    if (r != NULL && !eh_response_is_awaited(r) && !eh_response_in_use(r)) eh_response_free(r);
    return true;
}

/* A response that is to be looked at. Unless it is there in whole, the call is made again
 * later, and this is to be left. */
static bool look_at(const call *c, eh_response **r, eh_err *err)
{
    *r = eh_response_of(c->p, c->frame->task, c->frame->body, err);
    return *r != NULL && eh_arriving_whole(c->p, *r, c->frame, c->later, err);
}

static bool view(const call *c, eh_slice *text, eh_err *err)
{
    eh_response *r;
    if (!look_at(c, &r, err)) return false;
    return *c->later || eh_body_view(eh_response_body(r), text, err);
}

/* What a run keeps secret stays so when a service sends it back. */
static bool read_masked(const call *c, eh_slice json, const eh_doc **doc, eh_err *err)
{
    eh_buf masked;
    eh_buf_init(&masked, 2 * json.len + 64);
    bool ok = eh_secrets_mask_json(c->p->run->secrets, json, &masked, err) &&
              eh_json_to_doc(eh_buf_slice(&masked), c->arena, doc, err);
    eh_buf_free(&masked);
    return ok;
}

/* What a value is, however long. */
static bool put_kind(const call *c, eh_slice value, eh_err *err)
{
    char first = value.len > 0 ? value.data[0] : '\0';
    const char *kind = first == '['                   ? "list"
                       : first == '{'                 ? "map"
                       : first == '"'                 ? "string"
                       : first == 'n'                 ? "null"
                       : first == 't' || first == 'f' ? "boolean"
                                                      : "number";
    *c->value = eh_doc_map(c->arena);
    return first == '\0' ||
           eh_doc_put_str(c->arena, *c->value, "kind", eh_slice_str(kind), err);
}

static bool call_value(const call *c, eh_err *err)
{
    const char *path;
    eh_slice text, found;
    eh_response *r;
    if (!eh_call_text(c->frame->body, "path", "", &path, err) || !look_at(c, &r, err))
        return false;
    if (*c->later) return true;
    if (!eh_response_look(r, path, &text, &found, err))
        return text.data != NULL && eh_page_explain(eh_response_label(r), text, err);
    if (eh_doc_bool(c->frame->body, "kind", false)) return put_kind(c, found, err);
    if (found.len > TEXT_MAX)
        return eh_fail(err, EH_CLASS_LIMIT,
                       "the value at \"%s\" has more than %zu bytes: rows of that size are for "
                       "ctx:emit",
                       path, TEXT_MAX);
    *c->value = eh_doc_map(c->arena);
    if (!eh_doc_put_bool(c->arena, *c->value, "found", found.data != NULL, err)) return false;
    if (found.data == NULL) return true;
    const eh_doc *doc;
    return read_masked(c, found, &doc, err) &&
           eh_doc_put(c->arena, *c->value, eh_slice_str("value"),
                      eh_doc_copy(c->arena, doc, NULL), err);
}

/* The items whose text, with what is before it in the list, is `text`: once more, without
 * secrets, when there are any in it. */
static bool mask_items(const call *c, eh_slice text, eh_doc **items, eh_err *err)
{
    if (!eh_secrets_hits(c->p->run->secrets, text)) return true;
    while (text.len > 0 && strchr(" \t\r\n", text.data[0]) != NULL)
        text = eh_slice_of(text.data + 1, text.len - 1);
    if (text.len > 0 && (text.data[0] == ',' || text.data[0] == '['))
        text = eh_slice_of(text.data + 1, text.len - 1);
    const eh_doc *masked;
    eh_buf all;
    eh_buf_init(&all, text.len + 2);
    bool ok =
        eh_buf_append_byte(&all, '[', err) && eh_buf_append(&all, text.data, text.len, err) &&
        eh_buf_append_byte(&all, ']', err) && read_masked(c, eh_buf_slice(&all), &masked, err);
    eh_secrets_wipe(&all);
    if (ok) *items = eh_doc_copy(c->arena, masked, NULL);
    return ok;
}

/* The next items of a list: the script looks at all of them, some at a time. */
static bool call_items(const call *c, eh_err *err)
{
    const char *path;
    eh_slice list;
    bool more;
    eh_response *r;
    if (!eh_call_text(c->frame->body, "path", "", &path, err) || !look_at(c, &r, err))
        return false;
    if (*c->later) return true;
    if (!eh_response_list(r, path, eh_doc_bool(c->frame->body, "first", false), &list, err))
        return false;
    eh_doc *items = eh_doc_list(c->arena);
    *c->value = eh_doc_map(c->arena);
    size_t *at = eh_response_place(r), from = *at;
    if (!eh_json_items(list, at, TEXT_MAX / 2, c->arena, items, &more, err) ||
        !mask_items(c, eh_slice_of(list.data + from, *at - from), &items, err))
        return false;
    return eh_doc_put(c->arena, *c->value, eh_slice_str("items"), items, err) &&
           eh_doc_put_bool(c->arena, *c->value, "more", more, err);
}

static bool call_text(const call *c, eh_err *err)
{
    eh_slice text;
    int64_t most = eh_doc_int(c->frame->body, "max", (int64_t)TEXT_MAX);
    if (!view(c, &text, err)) return false;
    if (*c->later) return true;
    if (most < 0 || most > (int64_t)TEXT_MAX) most = (int64_t)TEXT_MAX;
    /* Masked first, cut then: by cutting in a secret its beginning could be read. */
    if (text.len > (size_t)most + EH_SECRET_WRITTEN_MAX)
        text.len = (size_t)most + EH_SECRET_WRITTEN_MAX;
    eh_buf masked;
    eh_buf_init(&masked, TEXT_MAX + EH_SECRET_WRITTEN_MAX);
    bool ok = eh_secrets_mask(c->p->run->secrets, text, &masked, err);
    if (masked.len > (size_t)most) masked.len = (size_t)most;
    if (ok) *c->value = eh_doc_string(c->arena, eh_buf_slice(&masked));
    eh_buf_free(&masked);
    return ok && (*c->value != NULL || eh_fail_memory(err, "a reply"));
}

/* ---- rows ------------------------------------------------------------------------------- */

static bool emit(const call *c, eh_pipeline_stream *s, const eh_page *page, eh_err *err)
{
    eh_page_counts counts;
    s->rows.task = c->frame->task;
    if (!eh_pages_emit(&s->stream, page, &counts, err)) {
        s->failure = *err;
        return false;
    }
    *c->value = eh_page_counts_doc(&counts, c->arena, err);
    return *c->value != NULL;
}

/* A row function's frames take the place of the one that holds the arguments. */
static bool keep_page(eh_arena *arena, const eh_doc *args, eh_page *page, eh_err *err)
{
    const char *path, *format, *distinct;
    const eh_doc *position = eh_doc_get(args, "position");
    if (!eh_call_text(args, "path", "", &path, err) ||
        !eh_call_text(args, "format", "json", &format, err) ||
        !eh_call_text(args, "distinct", NULL, &distinct, err))
        return false;
    if (strcmp(format, "json") != 0 && strcmp(format, "jsonl") != 0 &&
        strcmp(format, "csv") != 0)
        return eh_fail(err, EH_CLASS_SCRIPT, "emit: there is no format \"%s\"", format);
    page->path = eh_arena_strdup(arena, path);
    page->format = eh_arena_strdup(arena, format);
    if (distinct != NULL) page->distinct = eh_arena_strdup(arena, distinct);
    page->again = eh_doc_bool(args, "again", false);
    if (position != NULL && position->kind != EH_DOC_NULL) {
        page->position = eh_doc_copy(arena, position, NULL);
        if (page->position == NULL) return eh_fail_memory(err, "a position");
    }
    return (page->path != NULL && page->format != NULL) || eh_fail_memory(err, "a page");
}

/* Lines and CSV do not say themselves where they end. */
static bool has_end(const eh_response *r, const eh_page *page, const eh_doc *args, eh_err *err)
{
    if (!eh_response_by_close(r) || strcmp(page->format, "json") == 0 ||
        eh_doc_bool(args, "ends_by_close", false))
        return true;
    eh_fail(err, EH_CLASS_REMOTE,
            "%s: the server does not say where the answer ends, so a cut one looks whole",
            eh_response_label(r));
    return eh_err_hint(err,
                       "if the service always answers so: ends_by_close = true, beside the "
                       "format");
}

/* The rows of a stream, read while it comes. */
static bool emit_arriving(const call *c, eh_pipeline_stream *s, eh_response *r, eh_err *err)
{
    const eh_doc *args = c->frame->body;
    eh_page page = {.body = eh_response_body(r),
                    .arrives = true,
                    .total = eh_response_total(r),
                    .marks = eh_response_marks(r),
                    .label = eh_response_label(r)};
    eh_arena *arena = eh_arena_new(PAGE_MAX);
    if (arena == NULL) return eh_fail_memory(err, "a page");
    if (!keep_page(arena, args, &page, err) || !has_end(r, &page, args, err)) {
        eh_arena_free(arena);
        return false;
    }
    *c->later = true;
    if (eh_arriving_emit(c->p, s, r, c->frame->task, &page, arena, err)) return true;
    s->failure = *err;
    return false;
}

static bool call_emit(const call *c, eh_err *err)
{
    const eh_doc *args = c->frame->body;
    eh_page page = {.body = NULL};
    eh_pipeline_stream *s = eh_call_stream(c->p, args, "emit", err);
    eh_response *r = s != NULL ? eh_response_of(c->p, c->frame->task, args, err) : NULL;
    if (r == NULL) return false;
    if (!eh_response_must_be_there(r, err)) {
        /* A stream that was cut is the same failure, whether its rows had been asked for or
         * not. */
        eh_err ignored = {.class_ = EH_OK};
        if (!eh_response_arrives(r)) return false;
        s->failure = *err;
        (void)!eh_pages_settle(&s->stream, &ignored);
        return false;
    }
    if (eh_response_is_unread(r)) return emit_arriving(c, s, r, err);
    if (!eh_arriving_whole(c->p, r, c->frame, c->later, err)) return false;
    if (*c->later) return true;
    if (!keep_page(c->arena, args, &page, err) || !has_end(r, &page, args, err)) return false;
    page.body = eh_response_body(r);
    page.outline = eh_response_outline(r);
    page.label = eh_response_label(r);
    page.marks = eh_response_marks(r);
    return emit(c, s, &page, err);
}

static bool call_emit_rows(const call *c, eh_err *err)
{
    const eh_doc *args = c->frame->body, *rows = eh_doc_get(args, "rows");
    eh_page page = {.body = NULL};
    eh_pipeline_stream *s = eh_call_stream(c->p, args, "emit_rows", err);
    if (s == NULL || !keep_page(c->arena, args, &page, err)) return false;
    if (rows == NULL || rows->kind != EH_DOC_LIST)
        return eh_fail(err, EH_CLASS_SCRIPT, "emit_rows: rows must be a list");
    const char *label;
    if (!eh_call_text(args, "label", "rows of the script", &label, err)) return false;
    page.label = eh_arena_strdup(c->arena, label);
    eh_buf text;
    eh_buf_init(&text, ROWS_BYTES);
    bool ok = (page.label != NULL || eh_fail_memory(err, "a page")) &&
              eh_doc_to_rows(rows, &text, err);
    page.text = eh_buf_slice(&text);
    page.format = "jsonl";
    page.path = "";
    ok = ok && emit(c, s, &page, err);
    eh_buf_free(&text);
    return ok;
}

/* ---- windows ---------------------------------------------------------------------------- */

static bool read_window(const eh_pipeline_stream *s, const eh_doc *args, eh_load_window *w,
                        eh_err *err)
{
    eh_write_rule rule;
    *w = (eh_load_window){.bounds = eh_doc_get(args, "bounds")};
    if (!eh_call_text(args, "name", "", &w->name, err) ||
        !eh_call_text(args, "from", NULL, &w->from, err) ||
        !eh_call_text(args, "until", NULL, &w->until, err) ||
        !eh_call_text(args, "first_day", NULL, &w->first_day, err) ||
        !eh_call_text(args, "last_day", NULL, &w->last_day, err) ||
        !eh_write_read(s->stream.declaration, &rule, err))
        return false;
    if (strlen(w->name) > NAME_LIMIT)
        return eh_fail(err, EH_CLASS_SCRIPT, "window_begin: the name is too long");
    if (rule.write == EH_WRITE_RESTATE) {
        if (w->from == NULL || w->until == NULL)
            return eh_fail(err, EH_CLASS_SCRIPT,
                           "write = restate needs the window's from and until");
        w->period = EH_PERIOD_TO;
    } else if (rule.write == EH_WRITE_APPEND && eh_doc_bool(args, "closed", false)) {
        if (rule.cursor == NULL || w->from == NULL)
            return eh_fail(err, EH_CLASS_SCRIPT,
                           "a closed window that is appended needs a cursor and its from");
        w->period = EH_PERIOD_AT;
    }
    return true;
}

static bool put_copy(const call *c, const char *key, const eh_doc *doc, eh_err *err)
{
    if (doc == NULL) return true;
    return eh_doc_put(c->arena, *c->value, eh_slice_str(key), eh_doc_copy(c->arena, doc, NULL),
                      err);
}

static bool call_state(const call *c, eh_err *err)
{
    eh_progress progress;
    eh_pipeline_stream *s = eh_call_stream(c->p, c->frame->body, "state", err);
    if (s == NULL || !eh_pages_state(&s->stream, c->arena, &progress, err)) return false;
    *c->value = eh_doc_map(c->arena);
    const eh_doc *begun = progress.begun != NULL ? progress.begun : eh_doc_null(c->arena);
    return put_copy(c, "cursor", progress.cursor, err) &&
           (progress.begun == progress.cursor || put_copy(c, "begun", begun, err)) &&
           put_copy(c, "pending", progress.pending, err);
}

static bool call_window_begin(const call *c, eh_err *err)
{
    eh_load_window window;
    eh_resume resume;
    eh_pipeline_stream *s = eh_call_stream(c->p, c->frame->body, "window_begin", err);
    if (s == NULL || !read_window(s, c->frame->body, &window, err)) return false;
    if (!eh_pages_begin(&s->stream, &window, c->arena, &resume, err)) {
        s->failure = *err;
        return false;
    }
    *c->value = eh_doc_map(c->arena);
    return put_copy(c, "resume", resume.position, err) &&
           (resume.from == NULL ||
            eh_doc_put_str(c->arena, *c->value, "verified", eh_slice_str(resume.from), err));
}

static bool call_window_restart(const call *c, eh_err *err)
{
    const char *name;
    eh_pipeline_stream *s = eh_call_stream(c->p, c->frame->body, "window_restart", err);
    if (s == NULL || !eh_call_text(c->frame->body, "name", "", &name, err)) return false;
    if (!eh_pages_restart(&s->stream, name, c->arena, err)) {
        s->failure = *err;
        return false;
    }
    *c->value = eh_doc_map(c->arena);
    return *c->value != NULL || eh_fail_memory(err, "a reply");
}

static bool call_window_end(const call *c, eh_err *err)
{
    eh_promoted promoted;
    eh_pipeline_stream *s = eh_call_stream(c->p, c->frame->body, "window_end", err);
    if (s == NULL) return false;
    if (!eh_pages_end(&s->stream, eh_doc_get(c->frame->body, "cursor"), &promoted, err)) {
        s->failure = *err;
        return false;
    }
    *c->value = eh_doc_map(c->arena);
    return eh_doc_put_bool(c->arena, *c->value, "refused", promoted.refused, err) &&
           eh_doc_put_int(c->arena, *c->value, "gone", promoted.gone, err) &&
           eh_doc_put_int(c->arena, *c->value, "came", promoted.came, err);
}

/* ---- days ------------------------------------------------------------------------------- */

#define DAY_US ((int64_t)86400 * 1000000)

/* The instant at which a local day begins; a clock may skip midnight. */
static int64_t begin_of_day(eh_zone *zone, int64_t day)
{
    int64_t first, last;
    for (int64_t quarter = 0; quarter < 96; quarter++) {
        int64_t local = day * DAY_US + quarter * (DAY_US / 96);
        if (eh_zone_to_utc(zone, local, &first, &last) != EH_ZONE_GAP) return first;
    }
    return day * DAY_US;
}

static eh_zone *open_zone(const call *c, const char *name, eh_err *err)
{
    eh_slice text = eh_slice_str(name), tzif;
    if (eh_zone_is_fixed(text)) return eh_zone_fixed(text, err);
    eh_transform_context context = eh_stream_transform_context(&c->p->streams[0].stream);
    if (!context.read_zone(context.self, name, &tzif, err)) return NULL;
    return eh_zone_parse(tzif, err);
}

/* The day of an instant in a zone: its name, its begin and the next one's. */
static bool call_day(const call *c, eh_err *err)
{
    const char *name;
    char text[40];
    int64_t at = eh_doc_int(c->frame->body, "at", 0);
    if (!eh_call_text(c->frame->body, "zone", "UTC", &name, err)) return false;
    if (at < -((int64_t)1 << 36) || at > (int64_t)1 << 36)
        return eh_fail(err, EH_CLASS_SCRIPT, "day: there is no such time");
    eh_zone *zone = open_zone(c, name, err);
    if (zone == NULL) return false;
    int64_t local = at * 1000000 + (int64_t)eh_zone_offset(zone, at * 1000000) * 1000000;
    int64_t day = local / DAY_US - (local % DAY_US < 0);
    int64_t begin = begin_of_day(zone, day), next = begin_of_day(zone, day + 1);
    eh_zone_free(zone);
    text[eh_print_date(day, text)] = '\0';
    *c->value = eh_doc_map(c->arena);
    return eh_doc_put_str(c->arena, *c->value, "day", eh_slice_str(text), err) &&
           eh_doc_put_int(c->arena, *c->value, "begin", begin / 1000000, err) &&
           eh_doc_put_int(c->arena, *c->value, "next", next / 1000000, err);
}

/* ---- which ------------------------------------------------------------------------------ */

bool eh_service_call(eh_pipeline *p, const eh_frame *frame, const char *op, eh_arena *arena,
                     eh_doc **value, bool *later, eh_err *err)
{
    static const struct {
        const char *name;
        bool (*run)(const call *c, eh_err *err);
    } calls[] = {
        {"request", call_request},
        {"prefetch", call_prefetch},
        {"wait", call_wait},
        {"release", call_release},
        {"value", call_value},
        {"text", call_text},
        {"items", call_items},
        {"emit", call_emit},
        {"emit_rows", call_emit_rows},
        {"state", call_state},
        {"window_begin", call_window_begin},
        {"window_restart", call_window_restart},
        {"window_end", call_window_end},
        {"day", call_day},
    };
    const call c = {p, frame, arena, value, later};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strcmp(calls[i].name, op) == 0) return calls[i].run(&c, err);
    return eh_fail(err, EH_CLASS_SCRIPT, "there is no call \"%s\"", op);
}
