/* io/http_deliver.c: what came, handed to the sink; redirects; the end. See http_private.h.
 *
 * A sink may cancel its transfer: after each of its calls `cancelled` is looked at first. */
#include "io/http_private.h"

#include <inttypes.h>
#include <stdlib.h>

#define OUT_BYTES         ((size_t)64 * 1024)
#define DEFAULT_MAX_BYTES ((uint64_t)4 * 1024 * 1024 * 1024)
enum { MAX_REDIRECTS = 5 };

static uint64_t max_bytes(const eh_http_transfer *t)
{
    return t->request.max_bytes != 0 ? t->request.max_bytes : DEFAULT_MAX_BYTES;
}

static bool without_body(const eh_http_transfer *t)
{
    return t->head.status == 204 || t->head.status == 304 ||
           eh_slice_is(eh_slice_str(t->request.method), "HEAD");
}

static bool is_coded(const eh_http_transfer *t)
{
    return t->head.coding != EH_CODING_NONE && !t->request.as_stored && !without_body(t);
}

static bool too_large(const eh_http_transfer *t, eh_err *err)
{
    return eh_fail(err, EH_CLASS_LIMIT,
                   "the answer is larger than the limit of %" PRIu64 " bytes", max_bytes(t));
}

/* ---- headers ------------------------------------------------------------------------------
 */

static bool fill_answer(eh_http_transfer *t, eh_err *err)
{
    eh_http_answer *a = &t->answer;
    uint64_t stored = a->bytes_stored;
    eh_http_note_facts(t);
    a->bytes_stored = stored;
    a->status = t->head.status;
    a->headers = t->head.headers;
    a->header_count = t->head.count;
    a->ends_by_close = a->http_version < 20 && !t->head.has_length && !t->head.chunked &&
                       !without_body(t) && !is_coded(t);
    if (t->head.has_length && !t->head.chunked && !without_body(t) &&
        t->head.length > max_bytes(t))
        return too_large(t, err);
    if (!is_coded(t)) return true;
    t->decode = eh_decompress_new(t->head.coding, max_bytes(t), 0, err);
    if (t->decode == NULL) return false;
    t->out = malloc(OUT_BYTES);
    return t->out != NULL || eh_fail_memory(err, "a body");
}

static bool give_head(eh_http_transfer *t)
{
    t->head_given = true;
    if (!fill_answer(t, &t->err)) return false;
    if (t->sink.head == NULL) return true;
    t->busy = true;
    bool ok = t->sink.head(t->sink.self, &t->answer, &t->err);
    t->busy = false;
    return ok;
}

/* ---- body ---------------------------------------------------------------------------------
 */

static bool give(eh_http_transfer *t, eh_slice bytes)
{
    bool pause = false;
    t->answer.bytes += bytes.len;
    if (t->answer.bytes > max_bytes(t)) return too_large(t, &t->err);
    t->busy = true;
    bool ok = t->sink.body(t->sink.self, bytes, &pause, &t->err);
    t->busy = false;
    if (pause) t->paused = true;
    return ok;
}

/* Is there something to be handed out now? The end of a coding is asked for once, when all
 * came. */
static bool has_bytes(const eh_http_transfer *t)
{
    if (t->decode == NULL) return t->in.len > 0;
    return !t->coding_done &&
           (t->in.len > 0 || t->more || (t->finished && t->answer.bytes_stored > 0));
}

static bool drain_coded(eh_http_transfer *t)
{
    eh_slice in = eh_buf_slice(&t->in);
    size_t before = in.len, produced = 0;
    if (!eh_decompress_run(t->decode, &in, t->finished, t->out, OUT_BYTES, &produced,
                           &t->coding_done, &t->err)) {
        /* Whoever made the answer died while at it: another one may be whole. */
        if (eh_decompress_is_cut(t->decode)) t->err.class_ = EH_CLASS_TRANSIENT;
        return false;
    }
    if (in.len == before && produced == 0 && !t->coding_done && !t->more)
        return eh_fail(&t->err, EH_CLASS_DATA, "the answer's coding does not go on");
    eh_buf_consume(&t->in, before - in.len);
    t->more = produced == OUT_BYTES;
    return produced == 0 || give(t, eh_slice_of(t->out, produced));
}

static bool drain(eh_http_transfer *t)
{
    if (t->decode != NULL) return drain_coded(t);
    bool ok = give(t, eh_buf_slice(&t->in));
    eh_buf_consume(&t->in, t->in.len);
    return ok;
}

/* Lets libcurl go on once there is room; it hands over at once what it kept. */
static void unhold(eh_http_transfer *t)
{
    t->held = false;
    t->active_us = t->window_us = eh_clock_monotonic(&t->http->clock);
    CURLcode rc = t->http->curl.easy_pause(t->easy, CURLPAUSE_CONT);
    if (rc != CURLE_OK && !t->finished) eh_http_note_end(t, rc);
}

/* ---- redirects ----------------------------------------------------------------------------
 */

static bool refuse_redirect(const eh_http_transfer *t, const char *why, eh_err *err)
{
    return eh_fail(err, EH_CLASS_DENIED, "a redirect (%d) from \"%s\" is not followed: %s",
                   t->head.status, t->url.host, why);
}

static bool is_safe(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static bool judge_redirect(const eh_http_transfer *t, const eh_url *next, bool to_get,
                           eh_err *err)
{
    if (t->url.https && !next->https)
        return refuse_redirect(t, "it leads from https: to http:", err);
    if (!eh_url_allowed(next, t->request.rules, err))
        return eh_err_while(err, "following a redirect (%d) from \"%s\"", t->head.status,
                            t->url.host);
    if (!eh_url_same_origin(&t->url, next) && !to_get && t->request.body.len > 0)
        return refuse_redirect(t, "it would send the body to another host", err);
    return true;
}

static bool next_hop(eh_http_transfer *t, eh_err *err)
{
    const char *location = eh_http_head_find(&t->head, "location").data;
    unsigned max = t->request.max_redirects != 0 ? t->request.max_redirects : MAX_REDIRECTS;
    int status = t->head.status;
    bool to_get =
        (status == 301 || status == 302 || status == 303) && !is_safe(t->request.method);
    eh_url next;
    if (++t->redirects > max)
        return eh_fail(err, EH_CLASS_REMOTE, "more than %u redirects, the last from \"%s\"",
                       max, t->url.host);
    if (to_get && !t->request.redirect_to_get) {
        (void)refuse_redirect(t, "it would turn the request into a GET", err);
        return eh_err_hint(err, "`redirect_to_get` follows it");
    }
    if (!eh_url_join(&t->url, location, &next, err))
        return eh_err_while(err, "following a redirect (%d) from \"%s\"", status, t->url.host);
    if (!judge_redirect(t, &next, to_get, err)) {
        eh_url_free(&next);
        return false;
    }
    if (!eh_url_same_origin(&t->url, &next)) {
        t->foreign = true;
        t->request.sigv4 = NULL;
    }
    if (to_get) {
        t->request.method = "GET";
        t->request.body = (eh_slice){NULL, 0};
    }
    eh_http_stop(t);
    eh_url_free(&t->url);
    t->url = next;
    eh_http_place(t);
    return true;
}

/* ---- the end ------------------------------------------------------------------------------
 */

static void is_complete(eh_http_transfer *t)
{
    const eh_http_head *head = &t->head;
    if (!head->complete) {
        (void)eh_fail(&t->err, EH_CLASS_TRANSIENT, "the answer ended inside its headers");
    } else if (head->has_length && !head->chunked && !without_body(t) && !t->redirecting &&
               t->answer.bytes_stored != head->length) {
        (void)eh_fail(&t->err, EH_CLASS_TRANSIENT,
                      "the answer was cut: %" PRIu64 " of %" PRIu64 " bytes came",
                      t->answer.bytes_stored, head->length);
    }
}

static void finish(eh_http_transfer *t)
{
    t->answer.total_us = eh_clock_monotonic(&t->http->clock) - t->started_us;
    t->answer.status = t->head.complete ? t->head.status : 0;
    t->answer.headers = t->head.headers;
    t->answer.header_count = t->head.headers != NULL ? t->head.count : 0;
    eh_http_stop(t);
    t->busy = true;
    t->sink.done(t->sink.self, &t->answer, t->err.class_ != EH_OK ? &t->err : NULL);
    t->busy = false;
}

/* One step. False when there is none now: *over tells whether there will be. */
static bool step(eh_http_transfer *t, bool *over)
{
    *over = t->err.class_ != EH_OK;
    if (*over) return false;
    if (t->head.complete && !t->redirecting && !t->head_given) {
        (void)give_head(t);
    } else if (t->head_given && !t->paused && has_bytes(t)) {
        (void)drain(t);
    } else if (t->held && !t->paused && !t->finished && t->in.len == 0) {
        unhold(t);
    } else {
        *over = t->finished && !t->paused;
        return false;
    }
    return true;
}

bool eh_http_deliver(eh_http_transfer *t)
{
    bool over = false;
    while (!t->cancelled && step(t, &over)) continue;
    if (t->cancelled) return false;
    if (!over) return true;
    if (t->err.class_ == EH_OK) is_complete(t);
    if (t->err.class_ == EH_OK && t->redirecting && next_hop(t, &t->err)) return true;
    finish(t);
    return false;
}
