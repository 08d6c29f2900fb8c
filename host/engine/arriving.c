/* engine/arriving.c: see arriving.h. */
#include "engine/arriving.h"

#include <stdlib.h>

#define ARGS_MAX  ((size_t)64 * 1024 * 1024)
#define REPLY_MAX ((size_t)1024 * 1024)

struct eh_arriving {
    struct eh_arriving *next;
    eh_response *response;
    eh_arena *arena; /* of what the call said */
    uint32_t task;
    /* it loads rows, ... */
    eh_pipeline_stream *stream;
    eh_page page;
    eh_page_reader *reader;
    /* ... or is made again */
    eh_frame frame;
};

static struct eh_arriving *add(eh_pipeline *p, eh_response *r, uint32_t task, eh_arena *arena)
{
    struct eh_arriving *a = calloc(1, sizeof *a);
    if (a == NULL) return NULL;
    *a = (struct eh_arriving){.next = p->arriving, .response = r, .arena = arena, .task = task};
    p->arriving = a;
    p->run->awaited++;
    eh_response_use(r, true);
    return a;
}

static void take_out(eh_pipeline *p, struct eh_arriving *a)
{
    struct eh_arriving **at = &p->arriving;
    while (*at != a) at = &(*at)->next;
    *at = a->next;
    p->run->awaited--;
    eh_response_use(a->response, false);
}

static void free_arriving(struct eh_arriving *a)
{
    eh_page_close(a->reader);
    eh_arena_free(a->arena);
    free(a);
}

/* ---- beginning -------------------------------------------------------------------------- */

bool eh_arriving_emit(eh_pipeline *p, eh_pipeline_stream *s, eh_response *r, uint32_t task,
                      const eh_page *page, eh_arena *arena, eh_err *err)
{
    struct eh_arriving *a = add(p, r, task, arena);
    if (a == NULL) {
        eh_arena_free(arena);
        return eh_fail_memory(err, "rows");
    }
    a->stream = s;
    a->page = *page;
    a->reader = eh_page_open(&s->stream, &a->page, err);
    if (a->reader != NULL) return true;
    take_out(p, a);
    free_arriving(a);
    return false;
}

static bool wait_for_end(eh_pipeline *p, eh_response *r, const eh_frame *frame, eh_err *err)
{
    eh_arena *arena = eh_arena_new(ARGS_MAX);
    eh_doc *body = arena != NULL ? eh_doc_copy(arena, frame->body, NULL) : NULL;
    struct eh_arriving *a = body != NULL ? add(p, r, frame->task, arena) : NULL;
    if (a == NULL) {
        eh_arena_free(arena);
        return eh_fail_memory(err, "a call");
    }
    a->frame = *frame;
    a->frame.body = body;
    eh_body_window(eh_response_body(r), EH_RESPONSE_BYTES);
    return true;
}

bool eh_arriving_whole(eh_pipeline *p, eh_response *r, const eh_frame *frame, bool *later,
                       eh_err *err)
{
    const eh_body *body = eh_response_body(r);
    if (!eh_response_must_be_there(r, err)) return false;
    if (!eh_response_arrives(r)) return true;
    if (eh_response_in_use(r))
        return eh_fail(err, EH_CLASS_SCRIPT, "rows of the response are being loaded");
    if (eh_body_released(body) > 0) {
        eh_fail(err, EH_CLASS_SCRIPT,
                "%s: its bytes are gone: the rows of a stream are read once",
                eh_response_label(r));
        return eh_err_hint(err,
                           "ask before its rows are emitted, while the answer is small; or "
                           "request it without stream = true");
    }
    if (!eh_response_is_coming(r)) return true;
    if (eh_body_full(body) && eh_body_size(body) > EH_RESPONSE_BYTES) {
        eh_fail(err, EH_CLASS_LIMIT, "%s: the answer is larger than %llu bytes",
                eh_response_label(r), (unsigned long long)EH_RESPONSE_BYTES);
        return eh_err_hint(err,
                           "only its rows may be: a value, a list or the text is looked at "
                           "in the whole answer");
    }
    *later = true;
    return wait_for_end(p, r, frame, err);
}

/* ---- going on --------------------------------------------------------------------------- */

static bool is_ready(const struct eh_arriving *a)
{
    if (a->reader != NULL) return eh_page_may_go_on(a->reader);
    return !eh_response_is_coming(a->response) || eh_body_full(eh_response_body(a->response));
}

bool eh_arriving_ready(void *self)
{
    const eh_pipeline *p = self;
    for (const struct eh_arriving *a = p->arriving; a != NULL; a = a->next)
        if (is_ready(a)) return true;
    return false;
}

static bool answer(eh_pipeline *p, uint32_t task, const eh_page_counts *counts,
                   const eh_err *failed, eh_err *err)
{
    eh_arena *arena = eh_arena_new(REPLY_MAX);
    if (arena == NULL) return eh_fail_memory(err, "a reply");
    eh_doc *value = failed == NULL ? eh_page_counts_doc(counts, arena, err) : NULL;
    bool ok = (failed != NULL || value != NULL) &&
              eh_pipeline_reply(p, task, value, failed, arena, err);
    eh_arena_free(arena);
    return ok;
}

/* A failure ends the stream, even if the script catches it. */
static bool load_some(eh_pipeline *p, struct eh_arriving *a, eh_err *err)
{
    eh_page_counts counts = {.rows = 0};
    eh_err failed = {.class_ = EH_OK};
    a->stream->rows.task = a->task;
    eh_page_step step = eh_page_go_on(a->reader, &counts, &failed);
    if (step == EH_PAGE_WAITS || step == EH_PAGE_LOADS) return true;
    eh_secrets_mask_err(p->run->secrets, &failed);
    if (step == EH_PAGE_FAILED && a->stream->failure.class_ == EH_OK)
        a->stream->failure = failed;
    uint32_t task = a->task;
    take_out(p, a);
    free_arriving(a);
    if (step == EH_PAGE_FAILED && eh_pipeline_ends(p, &failed)) {
        *err = failed;
        return false;
    }
    return answer(p, task, &counts, step == EH_PAGE_FAILED ? &failed : NULL, err);
}

static bool call_again(eh_pipeline *p, struct eh_arriving *a, eh_err *err)
{
    take_out(p, a);
    bool ok = eh_pipeline_call(p, &a->frame, err);
    free_arriving(a);
    return ok;
}

/* The newest is first, and each is looked at once: what is answered may begin another. */
bool eh_arriving_go_on(eh_pipeline *p, eh_err *err)
{
    struct eh_arriving *next;
    for (struct eh_arriving *a = p->arriving; a != NULL; a = next) {
        next = a->next;
        if (!is_ready(a)) continue;
        if (!(a->reader != NULL ? load_some(p, a, err) : call_again(p, a, err))) return false;
    }
    return true;
}

/* ---- the end ---------------------------------------------------------------------------- */

void eh_arriving_drop(eh_pipeline *p, uint32_t task, const eh_pipeline_stream *s)
{
    struct eh_arriving *next;
    for (struct eh_arriving *a = p->arriving; a != NULL; a = next) {
        next = a->next;
        if (a->task != task && a->stream != s) continue;
        take_out(p, a);
        eh_err failed = {.class_ = EH_OK};
        eh_fail(&failed, EH_CLASS_SCRIPT, "the resource ended while rows were loaded into it");
        if (a->stream != NULL && a->stream->failure.class_ == EH_OK)
            a->stream->failure = failed;
        uint32_t other = a->task;
        free_arriving(a);
        eh_err unsent = {.class_ = EH_OK};
        if (other != task && !answer(p, other, NULL, &failed, &unsent))
            eh_jail_break(p->jail, &unsent);
    }
}

void eh_arriving_free(eh_pipeline *p)
{
    while (p->arriving != NULL) {
        struct eh_arriving *a = p->arriving;
        take_out(p, a);
        free_arriving(a);
    }
}
