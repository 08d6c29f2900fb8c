/* engine/response.c: see response.h. */
#include "engine/response.h"

#include "base/fault.h"
#include "data/json_doc.h"
#include "engine/net.h"
#include "engine/request.h"

#include <stdlib.h>

#define ARENA_MAX  ((size_t)4 * 1024 * 1024)
#define REPLY_MAX  ((size_t)8 * 1024 * 1024)
#define HEADER_MAX ((size_t)128 * 1024)

struct eh_response {
    eh_response *next;
    eh_pipeline *pipeline;
    uint32_t task;
    int64_t handle;
    eh_request *request;
    eh_fetch *fetch; /* NULL: it has come */
    bool waits;      /* its task's call is to be answered */
    bool arrives;    /* it is a stream */
    bool headed;     /* the answer's head is there */
    bool by_close;   /* the end of the body is told by the connection's only */
    bool in_use, read;
    uint64_t total; /* bytes of the body, where the head says so */
    const char *instance;
    const eh_doc *capture; /* name -> path; in the arena */
    /* when it has come */
    eh_arena *arena;
    eh_err err;
    int status;
    const eh_doc *headers, *captured;
    const char *url;
    eh_body *body;
    eh_json_outline outline; /* of the body, once somebody looked */
    eh_slice list;           /* whose items are read */
    size_t list_at;
};

/* ---- finding ---------------------------------------------------------------------------- */

bool eh_response_arrives(const eh_response *r)
{
    return r->arrives;
}

bool eh_response_is_coming(const eh_response *r)
{
    return r->fetch != NULL;
}

bool eh_response_by_close(const eh_response *r)
{
    return r->by_close;
}

uint64_t eh_response_total(const eh_response *r)
{
    return r->total;
}

bool eh_response_is_unread(eh_response *r)
{
    bool unread = r->arrives && !r->read;
    r->read = true;
    return unread;
}

void eh_response_use(eh_response *r, bool in_use)
{
    r->in_use = in_use;
}

bool eh_response_in_use(const eh_response *r)
{
    return r->in_use;
}

int64_t eh_response_handle(const eh_response *r)
{
    return r->handle;
}

eh_body *eh_response_body(const eh_response *r)
{
    return r->body;
}

const char *eh_response_label(const eh_response *r)
{
    return eh_request_label(r->request);
}

eh_page_marks eh_response_marks(const eh_response *r)
{
    return eh_request_marks(r->request);
}

eh_response *eh_response_of(const eh_pipeline *p, uint32_t task, const eh_doc *args,
                            eh_err *err)
{
    int64_t handle = eh_doc_int(args, "response", 0);
    for (eh_response *r = p->responses; r != NULL; r = r->next)
        if (r->handle == handle && r->task == task) return r;
    eh_fail(err, EH_CLASS_SCRIPT, "there is no such response any more");
    eh_err_hint(err, "a task has its %d latest; what is needed later is to be read before",
                EH_RESPONSES_MAX);
    return NULL;
}

bool eh_response_is_awaited(const eh_response *r)
{
    return r->waits;
}

bool eh_response_must_be_there(const eh_response *r, eh_err *err)
{
    if (r->fetch != NULL && !r->headed)
        return eh_fail(err, EH_CLASS_SCRIPT, "the response has not come: wait for it");
    if (r->err.class_ == EH_OK) return true;
    *err = r->err;
    return false;
}

eh_json_outline *eh_response_outline(eh_response *r)
{
    return &r->outline;
}

bool eh_response_look(eh_response *r, const char *path, eh_slice *text, eh_slice *found,
                      eh_err *err)
{
    *text = eh_slice_of(NULL, 0);
    return eh_body_view(r->body, text, err) &&
           eh_json_look(*text, eh_slice_str(path), &r->outline, found, err);
}

bool eh_response_list(eh_response *r, const char *path, bool first, eh_slice *list, eh_err *err)
{
    eh_slice text;
    if (first || r->list.data == NULL) {
        r->list_at = 0;
        if (!eh_response_look(r, path, &text, &r->list, err)) {
            if (text.data == NULL) return false;
            err->class_ = err->class_ == EH_CLASS_DATA ? EH_CLASS_REMOTE : err->class_;
            return eh_err_while(err, "reading %s", eh_response_label(r));
        }
    }
    *list = r->list;
    if (list->data != NULL && list->data[0] == '[') return true;
    r->list = eh_slice_of(NULL, 0);
    return eh_fail(err, EH_CLASS_REMOTE, "%s: there is no list at \"%s\"", eh_response_label(r),
                   path);
}

size_t *eh_response_place(eh_response *r)
{
    return &r->list_at;
}

/* ---- ending ----------------------------------------------------------------------------- */

static void set_waits(eh_response *r, bool waits)
{
    if (waits && !r->waits) r->pipeline->run->awaited++;
    if (!waits && r->waits) r->pipeline->run->awaited--;
    r->waits = waits;
}

void eh_response_free(eh_response *r)
{
    set_waits(r, false);
    eh_response **at = &r->pipeline->responses;
    while (*at != r) at = &(*at)->next;
    *at = r->next;
    eh_fetch_cancel(r->fetch);
    eh_request_free(r->request);
    eh_body_free(r->body);
    eh_json_outline_free(&r->outline);
    eh_arena_free(r->arena);
    free(r);
}

void eh_responses_drop(eh_pipeline *p, uint32_t task)
{
    for (eh_response *r = p->responses, *next; r != NULL; r = next) {
        next = r->next;
        if (task == 0 || r->task == task) eh_response_free(r);
    }
}

/* The oldest that is not waited for makes room. */
static bool make_room(eh_pipeline *p, uint32_t task, eh_err *err)
{
    size_t count = 0, all = 0;
    uint64_t bytes = 0;
    eh_response *oldest = NULL;
    for (eh_response *r = p->responses; r != NULL; r = r->next, all++) {
        if (r->task != task) continue;
        count++;
        if (r->body != NULL) bytes += eh_body_size(r->body) - eh_body_released(r->body);
        bytes += eh_json_outline_bytes(&r->outline);
        if (!r->waits && !r->in_use) oldest = r; /* the list begins with the newest */
    }
    if (bytes > EH_RESPONSE_BYTES)
        return eh_fail(err, EH_CLASS_LIMIT,
                       "the task holds responses of more than %llu bytes: release them",
                       (unsigned long long)EH_RESPONSE_BYTES);
    if (all >= EH_RESPONSES_ALL && oldest == NULL)
        return eh_fail(err, EH_CLASS_LIMIT,
                       "the tasks of a run hold %d responses: release them", EH_RESPONSES_ALL);
    if (oldest != NULL && (count >= EH_RESPONSES_MAX || all >= EH_RESPONSES_ALL))
        eh_response_free(oldest);
    return true;
}

/* ---- what came -------------------------------------------------------------------------- */

static bool mask_slice(const eh_run *run, eh_arena *arena, eh_slice text, eh_slice *out,
                       eh_err *err)
{
    eh_buf masked;
    eh_buf_init(&masked, HEADER_MAX);
    bool ok = eh_secrets_mask(run->secrets, text, &masked, err);
    if (ok) *out = eh_slice_of(eh_arena_strndup(arena, masked.data, masked.len), masked.len);
    eh_buf_free(&masked);
    return ok && (out->data != NULL || eh_fail_memory(err, "a response"));
}

/* One that is there several times is one text with commas (RFC 9110 5.3). */
static bool put_header(eh_response *r, eh_doc *map, const eh_http_header *h, eh_err *err)
{
    char *name = eh_arena_strndup(r->arena, h->name.data, h->name.len);
    eh_slice value;
    if (name == NULL) return eh_fail_memory(err, "a response");
    if (!mask_slice(r->pipeline->run, r->arena, h->value, &value, err)) return false;
    for (eh_doc *c = map->as.children.first; c != NULL; c = c->next) {
        if (!eh_slice_equal(c->key, h->name)) continue;
        char *both = eh_arena_printf(r->arena, "%.*s, %.*s", EH_SLICE_FMT(c->as.string),
                                     EH_SLICE_FMT(value));
        if (both == NULL) return eh_fail_memory(err, "a response");
        c->as.string = eh_slice_str(both);
        return true;
    }
    return eh_doc_put_str(r->arena, map, name, value, err);
}

static bool capture(eh_response *r, eh_err *err)
{
    eh_slice text;
    eh_doc *all = eh_doc_map(r->arena);
    if (eh_doc_count(r->capture) == 0) return true;
    if (!eh_body_view(r->body, &text, err)) return false;
    for (const eh_doc *c = eh_doc_first(r->capture); c != NULL; c = c->next) {
        const eh_doc *value = NULL;
        const char *handle;
        if (c->kind != EH_DOC_STRING)
            return eh_fail(err, EH_CLASS_SCRIPT, "request: capture names paths");
        if (!eh_json_find(text, c->as.string, r->arena, &value, err)) return false;
        if (value == NULL || value->kind != EH_DOC_STRING || value->as.string.len == 0) {
            eh_fail(err, EH_CLASS_REMOTE,
                    "the answer has no text at \"%.*s\" to be kept secret",
                    EH_SLICE_FMT(c->as.string));
            return false;
        }
        if (!eh_secrets_capture(r->pipeline->run->secrets, r->instance, c->key.data,
                                value->as.string, &handle, err) ||
            !eh_doc_put_str(r->arena, all, c->key.data, eh_slice_str(handle), err))
            return false;
    }
    r->captured = all;
    return true;
}

static bool take(eh_response *r, const eh_http_answer *answer, eh_err *err)
{
    eh_doc *headers = eh_doc_map(r->arena);
    eh_slice url;
    if (headers == NULL) return eh_fail_memory(err, "a response");
    r->status = answer->status;
    for (size_t i = 0; i < answer->header_count; i++)
        if (!put_header(r, headers, &answer->headers[i], err)) return false;
    if (!mask_slice(r->pipeline->run, r->arena, eh_slice_str(answer->url), &url, err))
        return false;
    r->headers = headers;
    r->url = url.data;
    r->by_close = answer->ends_by_close;
    eh_slice length = eh_http_answer_header(answer, "content-length");
    bool coded = eh_http_answer_header(answer, "content-encoding").data != NULL;
    if (length.len > 0 && !coded) r->total = strtoull(length.data, NULL, 10);
    return capture(r, err);
}

/* Of a stream: from now on its body may be read while it comes. */
static void on_head(void *self, eh_fetch *fetch)
{
    eh_response *r = self;
    eh_pipeline *p = r->pipeline;
    r->headed = true;
    r->body = eh_body_hold(eh_fetch_body(fetch));
    (void)!take(r, eh_fetch_answer(fetch), &r->err);
    eh_err unsent = {.class_ = EH_OK};
    if (r->waits && !eh_response_answer(r, &unsent)) eh_jail_break(p->jail, &unsent);
}

static void done(void *self, eh_fetch *fetch, const eh_err *failure)
{
    eh_response *r = self;
    eh_pipeline *p = r->pipeline;
    const eh_http_answer *answer = eh_fetch_answer(fetch);
    if (failure != NULL && r->err.class_ == EH_OK) r->err = *failure;
    if (r->body == NULL) r->body = eh_body_hold(eh_fetch_body(fetch));
    if (failure == NULL && answer != NULL && !r->headed) (void)!take(r, answer, &r->err);
    eh_secrets_mask_err(p->run->secrets, &r->err);
    r->fetch = NULL;
    EH_FAULT("response.done");
    eh_err unsent = {.class_ = EH_OK};
    if (r->waits && !eh_response_answer(r, &unsent)) eh_jail_break(p->jail, &unsent);
}

eh_response *eh_response_start(eh_pipeline *p, const eh_pipeline_stream *stream, uint32_t task,
                               const eh_doc *args, eh_err *err)
{
    if (!make_room(p, task, err)) return NULL;
    eh_fetcher *fetcher = eh_run_fetcher(p->run, err);
    if (fetcher == NULL) return NULL;
    eh_response *r = calloc(1, sizeof *r);
    if (r == NULL) {
        eh_fail_memory(err, "a request");
        return NULL;
    }
    *r = (eh_response){.next = p->responses,
                       .pipeline = p,
                       .task = task,
                       .handle = ++p->last_response,
                       .instance = stream->stream.instance,
                       .arena = eh_arena_new(ARENA_MAX)};
    p->responses = r;
    r->request = eh_request_new(p->run, stream, args, err);
    bool ok = r->request != NULL && (r->arena != NULL || eh_fail_memory(err, "a request"));
    const eh_doc *named = eh_doc_get(args, "capture");
    if (ok && named != NULL) {
        r->capture = eh_doc_copy(r->arena, named, NULL);
        ok = r->capture != NULL || eh_fail_memory(err, "a request");
    }
    if (ok) {
        eh_fetch_done told = {r, done};
        eh_fetch_request asked = *eh_request_fetch(r->request);
        r->arrives = asked.window > 0;
        if (r->arrives) asked.head = on_head;
        r->fetch = eh_fetch_start(fetcher, &asked, &told, err);
    }
    if (r->fetch != NULL) {
        EH_FAULT("request.sent");
        return r;
    }
    eh_response_free(r);
    return NULL;
}

/* ---- answering -------------------------------------------------------------------------- */

static bool put_value(const eh_response *r, eh_arena *arena, eh_doc *body, eh_err *err)
{
    eh_doc *value = eh_doc_map(arena);
    bool ok = eh_doc_put_int(arena, value, "response", r->handle, err) &&
              eh_doc_put_int(arena, value, "status", r->status, err) &&
              (r->arrives ||
               eh_doc_put_int(arena, value, "bytes", (int64_t)eh_body_size(r->body), err)) &&
              eh_doc_put_str(arena, value, "url", eh_slice_str(r->url), err) &&
              eh_doc_put(arena, value, eh_slice_str("headers"),
                         eh_doc_copy(arena, r->headers, NULL), err);
    if (ok && r->captured != NULL)
        ok = eh_doc_put(arena, value, eh_slice_str("captured"),
                        eh_doc_copy(arena, r->captured, NULL), err);
    return ok && eh_doc_put(arena, body, eh_slice_str("value"), value, err);
}

/* With the status of the answer where it is one that failed: a source may know what it means.
 */
static bool put_error(const eh_response *r, eh_arena *arena, eh_doc *body, eh_err *err)
{
    eh_doc *error = eh_jail_write_error(arena, &r->err);
    if (error != NULL && r->err.code >= 300 && r->err.code < 600 &&
        !eh_doc_put_int(arena, error, "status", r->err.code, err))
        return false;
    return eh_doc_put(arena, body, eh_slice_str("error"), error, err);
}

bool eh_response_answer(eh_response *r, eh_err *err)
{
    set_waits(r, r->fetch != NULL && !r->headed);
    if (r->waits) return true;
    eh_arena *arena = eh_arena_new(REPLY_MAX);
    if (arena == NULL) return eh_fail_memory(err, "a reply");
    eh_doc *body = eh_doc_map(arena);
    bool ok = r->err.class_ == EH_OK ? put_value(r, arena, body, err)
                                     : put_error(r, arena, body, err);
    ok = ok && eh_jail_send(r->pipeline->jail, EH_FRAME_REPLY, r->task, body, err);
    eh_arena_free(arena);
    return ok;
}
