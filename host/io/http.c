/* io/http.c: see http.h. The client: libcurl's sockets and timers on the loop, one pool a
 * source, and whose turn it is. */
#include "io/http_private.h"

#include <inttypes.h>
#include <stdlib.h>

enum { MAX_CONNECTIONS = 6 };
#define DEFAULT_IDLE_MS       ((int64_t)60 * 1000)
#define SLOW_BYTES_PER_SECOND 10
#define SLOW_WINDOWS          4 /* of idle time: a service may well think between two pieces */

/* ---- sockets and timers of libcurl on the loop --------------------------------------------
 */

typedef struct socket_watch {
    eh_http_pool *pool;
    curl_socket_t fd;
    eh_watch *watch;
} socket_watch;

/* A memory failure inside a callback leaves the multi handle unusable. */
static void bury(eh_http_pool *pool)
{
    pool->dead = true;
    for (eh_http_transfer *t = pool->http->first; t != NULL; t = t->next) {
        if (t->pool != pool || t->finished) continue;
        (void)eh_fail_memory(&t->err, "a request");
        t->finished = true;
        eh_http_ready(t);
    }
}

static void act(eh_http_pool *pool, curl_socket_t fd, int events)
{
    int running = 0;
    eh_http *http = pool->http;
    CURLMcode rc = http->curl.multi_socket_action(pool->multi, fd, events, &running);
    if (rc != CURLM_OK && rc != CURLM_BAD_SOCKET) bury(pool);
    for (CURLMsg *m; (m = http->curl.multi_info_read(pool->multi, &running)) != NULL;) {
        eh_http_transfer *t = NULL;
        CURLcode code = m->data.result;
        (void)http->curl.easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        if (m->msg == CURLMSG_DONE && t != NULL) eh_http_note_end(t, code);
    }
    eh_http_pump(http);
}

static void on_socket(void *self, int events)
{
    const socket_watch *w = self;
    int what = ((events & EH_READABLE) ? CURL_CSELECT_IN : 0) |
               ((events & EH_WRITABLE) ? CURL_CSELECT_OUT : 0);
    act(w->pool, w->fd, what);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *self, void *socket)
{
    (void)easy;
    eh_http_pool *pool = self;
    socket_watch *w = socket;
    if (what == CURL_POLL_REMOVE) {
        if (w != NULL) eh_watch_remove(w->watch);
        free(w);
        (void)pool->http->curl.multi_assign(pool->multi, fd, NULL);
        return 0;
    }
    int events =
        (what != CURL_POLL_OUT ? EH_READABLE : 0) | (what != CURL_POLL_IN ? EH_WRITABLE : 0);
    if (w != NULL) {
        eh_watch_events(w->watch, events);
        return 0;
    }
    w = calloc(1, sizeof *w);
    if (w == NULL) return -1;
    *w = (socket_watch){pool, fd, eh_loop_watch(pool->http->loop, fd, events, on_socket, w)};
    if (w->watch == NULL || pool->http->curl.multi_assign(pool->multi, fd, w) != CURLM_OK) {
        eh_watch_remove(w->watch);
        free(w);
        return -1;
    }
    return 0;
}

static void on_timer(void *self)
{
    eh_http_pool *pool = self;
    pool->timer = NULL;
    act(pool, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long after_ms, void *self)
{
    (void)multi;
    eh_http_pool *pool = self;
    eh_watch_remove(pool->timer);
    pool->timer = NULL;
    if (after_ms < 0) return 0;
    pool->timer = eh_loop_timer(pool->http->loop, (int64_t)after_ms * 1000, on_timer, pool);
    return pool->timer != NULL ? 0 : -1;
}

/* ---- pools --------------------------------------------------------------------------------
 */

static void free_pool(eh_http_pool *pool)
{
    const eh_libcurl *curl = &pool->http->curl;
    if (pool->multi != NULL) (void)curl->multi_cleanup(pool->multi);
    if (pool->share != NULL) (void)curl->share_cleanup(pool->share);
    eh_watch_remove(pool->timer);
    free(pool);
}

static bool set_up_pool(eh_http_pool *pool)
{
    const eh_libcurl *curl = &pool->http->curl;
    pool->multi = curl->multi_init();
    pool->share = curl->share_init();
    if (pool->multi == NULL || pool->share == NULL) return false;
    /* No multiplexing: on a shared connection one answer that is paused would hold up the
     * others. */
    return curl->multi_setopt(pool->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING) == 0 &&
           curl->multi_setopt(pool->multi, CURLMOPT_SOCKETFUNCTION, watch_socket) == 0 &&
           curl->multi_setopt(pool->multi, CURLMOPT_SOCKETDATA, pool) == 0 &&
           curl->multi_setopt(pool->multi, CURLMOPT_TIMERFUNCTION, set_timer) == 0 &&
           curl->multi_setopt(pool->multi, CURLMOPT_TIMERDATA, pool) == 0 &&
           curl->share_setopt(pool->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE) == 0 &&
           curl->share_setopt(pool->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) == 0;
}

static eh_http_pool *pool_for(eh_http *http, const eh_http_rules *rules, eh_err *err)
{
    for (eh_http_pool *p = http->pools; p != NULL; p = p->next)
        if (p->rules == rules && !p->dead) return p;
    eh_http_pool *pool = calloc(1, sizeof *pool);
    if (pool != NULL) {
        pool->http = http;
        pool->rules = rules;
        if (set_up_pool(pool)) {
            pool->next = http->pools;
            http->pools = pool;
            return pool;
        }
        free_pool(pool);
    }
    (void)eh_fail_memory(err, "an HTTP client");
    return NULL;
}

/* ---- the client ---------------------------------------------------------------------------
 */

eh_http *eh_http_new(eh_loop *loop, const eh_clock *clock, eh_err *err)
{
    eh_http *http = calloc(1, sizeof *http);
    if (http == NULL) {
        (void)eh_fail_memory(err, "an HTTP client");
        return NULL;
    }
    http->loop = loop;
    http->clock = *clock;
    if (eh_libcurl_load(&http->curl, err)) {
        http->global = http->curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
        if (http->global) return http;
        (void)eh_fail_memory(err, "an HTTP client");
    }
    eh_http_free(http);
    return NULL;
}

static void unlink_transfer(eh_http_transfer *t)
{
    eh_http *http = t->http;
    *(t->previous != NULL ? &t->previous->next : &http->first) = t->next;
    *(t->next != NULL ? &t->next->previous : &http->last) = t->previous;
    eh_http_transfer *before = NULL;
    for (eh_http_transfer *r = http->ready_first; r != NULL; before = r, r = r->ready_next) {
        if (r != t) continue;
        *(before != NULL ? &before->ready_next : &http->ready_first) = t->ready_next;
        if (http->ready_last == t) http->ready_last = before;
        break;
    }
}

void eh_http_stop(eh_http_transfer *t)
{
    const eh_libcurl *curl = &t->http->curl;
    if (t->added) (void)curl->multi_remove_handle(t->pool->multi, t->easy);
    t->added = t->waiting = false;
    if (t->easy != NULL) curl->easy_cleanup(t->easy);
    t->easy = NULL;
    curl->slist_free_all(t->lines);
    t->lines = NULL;
}

static void free_transfer(eh_http_transfer *t)
{
    unlink_transfer(t);
    eh_http_stop(t);
    eh_watch_remove(t->deadline);
    eh_watch_remove(t->idle);
    eh_http_head_free(&t->head);
    eh_buf_free(&t->in);
    eh_decompress_free(t->decode);
    free(t->out);
    eh_url_free(&t->url);
    eh_arena_free(t->arena);
    free(t);
}

void eh_http_free(eh_http *http)
{
    if (http == NULL) return;
    for (eh_http_transfer *t = http->first, *next; t != NULL; t = next) {
        next = t->next;
        free_transfer(t);
    }
    for (eh_http_pool *pool = http->pools, *next; pool != NULL; pool = next) {
        next = pool->next;
        free_pool(pool);
    }
    eh_watch_remove(http->kick);
    if (http->global) http->curl.global_cleanup();
    free(http);
}

/* ---- turns --------------------------------------------------------------------------------
 */

static bool begin(eh_http_transfer *t)
{
    if (!eh_http_make_easy(t, &t->err)) return false;
    if (t->http->curl.multi_add_handle(t->pool->multi, t->easy) != CURLM_OK) {
        if (!t->pool->dead) bury(t->pool);
        return eh_fail_memory(&t->err, "a request");
    }
    t->added = true;
    t->active_us = t->window_us = eh_clock_monotonic(&t->http->clock);
    return true;
}

static bool has_room(const eh_http_transfer *t)
{
    unsigned max = t->pool->rules->max_connections, busy = 0;
    for (const eh_http_transfer *o = t->http->first; o != NULL; o = o->next)
        if (o->added && o->pool == t->pool && eh_url_same_origin(&o->url, &t->url)) busy++;
    return busy < (max != 0 ? max : MAX_CONNECTIONS);
}

/* False when it cannot be begun: t->err says why. */
static bool place(eh_http_transfer *t)
{
    t->waiting = !t->pool->dead && !has_room(t);
    if (t->waiting || begin(t)) return true;
    t->finished = true;
    return false;
}

void eh_http_place(eh_http_transfer *t)
{
    if (!place(t)) eh_http_ready(t);
}

static void place_waiting(eh_http *http)
{
    for (eh_http_transfer *t = http->first; t != NULL; t = t->next)
        if (t->waiting && !t->finished) eh_http_place(t);
}

static void on_kick(void *self)
{
    eh_http *http = self;
    http->kick = NULL;
    eh_http_pump(http);
}

void eh_http_ready(eh_http_transfer *t)
{
    eh_http *http = t->http;
    if (!t->ready) {
        t->ready = true;
        t->ready_next = NULL;
        *(http->ready_last != NULL ? &http->ready_last->ready_next : &http->ready_first) = t;
        http->ready_last = t;
    }
    /* Without memory for it, the next thing that happens does; there is a timer for each
     * transfer. */
    if (!http->pumping && http->kick == NULL)
        http->kick = eh_loop_timer(http->loop, 0, on_kick, http);
}

void eh_http_pump(eh_http *http)
{
    http->pumping = true;
    for (eh_http_transfer *t; (t = http->ready_first) != NULL;) {
        http->ready_first = t->ready_next;
        if (http->ready_first == NULL) http->ready_last = NULL;
        t->ready = false;
        if (!eh_http_deliver(t)) free_transfer(t);
        place_waiting(http);
    }
    http->pumping = false;
    eh_watch_remove(http->kick);
    http->kick = NULL;
}

/* ---- time ---------------------------------------------------------------------------------
 */

static void fail_in_time(eh_http_transfer *t)
{
    t->finished = true;
    eh_http_ready(t);
    eh_http_pump(t->http);
}

static void on_deadline(void *self)
{
    eh_http_transfer *t = self;
    t->deadline = NULL;
    if (t->finished && t->err.class_ == EH_OK && t->code == CURLE_OK)
        return; /* it is all here */
    (void)eh_fail(&t->err, EH_CLASS_TRANSIENT,
                  "the answer was not complete within %" PRId64 " ms", t->request.deadline_ms);
    fail_in_time(t);
}

/* Nothing for the idle time, or next to nothing: one byte now and then keeps no one waiting for
 * ever. */
static void on_idle(void *self)
{
    eh_http_transfer *t = self;
    int64_t idle_us = t->request.idle_timeout_ms * 1000;
    int64_t now = eh_clock_monotonic(&t->http->clock);
    bool ours =
        !t->added || t->paused || t->held || t->finished; /* they need not wait for us */
    t->idle = NULL;
    if (ours) t->active_us = t->window_us = now;
    if (ours) t->window_bytes = 0;
    int64_t window_us = SLOW_WINDOWS * idle_us;
    bool silent = now - t->active_us >= idle_us, judged = now - t->window_us >= window_us;
    bool slow = judged && t->window_bytes < window_us / 1000000 * SLOW_BYTES_PER_SECOND;
    if (judged) {
        t->window_us = now;
        t->window_bytes = 0;
    }
    if (silent || slow) {
        (void)eh_fail(&t->err, EH_CLASS_TRANSIENT,
                      silent ? "nothing came for %" PRId64 " ms"
                             : "next to nothing came for %" PRId64 " ms",
                      silent ? t->request.idle_timeout_ms : window_us / 1000);
        fail_in_time(t);
        return;
    }
    t->idle = eh_loop_timer(t->http->loop, t->active_us + idle_us - now, on_idle, t);
    if (t->idle == NULL) {
        (void)eh_fail_memory(&t->err, "a timer");
        fail_in_time(t);
    } else if (t->http->ready_first != NULL) {
        eh_http_pump(t->http); /* what there was no memory to do at once */
    }
}

/* ---- starting -----------------------------------------------------------------------------
 */

static bool copy_headers(eh_http_transfer *t, const eh_http_request *request)
{
    eh_http_header *headers =
        eh_arena_zalloc(t->arena, request->header_count, sizeof *request->headers);
    for (size_t i = 0; headers != NULL && i < request->header_count; i++) {
        const eh_http_header *h = &request->headers[i];
        char *name = eh_arena_strndup(t->arena, h->name.data, h->name.len);
        char *value = eh_arena_strndup(t->arena, h->value.data, h->value.len);
        if (name == NULL || value == NULL) return false;
        headers[i].name = eh_slice_of(name, h->name.len);
        headers[i].value = eh_slice_of(value, h->value.len);
    }
    t->request.headers = headers;
    return headers != NULL;
}

static bool copy_key(eh_http_transfer *t, const eh_http_sigv4 *key)
{
    t->sigv4 = *key;
    t->request.sigv4 = &t->sigv4;
    t->sigv4.region = eh_arena_strdup(t->arena, key->region);
    t->sigv4.service = eh_arena_strdup(t->arena, key->service);
    t->sigv4.key_id = eh_arena_strdup(t->arena, key->key_id);
    t->sigv4.secret = eh_arena_strdup(t->arena, key->secret);
    t->sigv4.token = key->token != NULL ? eh_arena_strdup(t->arena, key->token) : NULL;
    return t->sigv4.region != NULL && t->sigv4.service != NULL && t->sigv4.key_id != NULL &&
           t->sigv4.secret != NULL && (key->token == NULL || t->sigv4.token != NULL);
}

static bool copy_request(eh_http_transfer *t, const eh_http_request *request, eh_err *err)
{
    enum { REQUEST_MAX = 4 * 1024 * 1024 }; /* headers and URLs; the body is borrowed */
    t->arena = eh_arena_new(REQUEST_MAX);
    if (t->arena == NULL) return eh_fail_memory(err, "a request");
    t->request = *request;
    t->request.method = eh_arena_strdup(t->arena, request->method);
    if (t->request.method == NULL || !copy_headers(t, request) ||
        (request->sigv4 != NULL && !copy_key(t, request->sigv4)))
        return eh_fail_memory(err, "a request");
    if (t->request.idle_timeout_ms <= 0) t->request.idle_timeout_ms = DEFAULT_IDLE_MS;
    return true;
}

static bool start_timers(eh_http_transfer *t, eh_err *err)
{
    const eh_http_request *r = &t->request;
    t->idle = eh_loop_timer(t->http->loop, r->idle_timeout_ms * 1000, on_idle, t);
    if (r->deadline_ms > 0)
        t->deadline = eh_loop_timer(t->http->loop, r->deadline_ms * 1000, on_deadline, t);
    return (t->idle != NULL && (r->deadline_ms <= 0 || t->deadline != NULL)) ||
           eh_fail_memory(err, "a timer");
}

eh_http_transfer *eh_http_start(eh_http *http, const eh_http_request *request,
                                const eh_http_sink *sink, eh_err *err)
{
    eh_http_transfer *t = calloc(1, sizeof *t);
    if (t == NULL) {
        (void)eh_fail_memory(err, "a request");
        return NULL;
    }
    t->http = http;
    t->sink = *sink;
    t->started_us = t->active_us = t->window_us = eh_clock_monotonic(&http->clock);
    eh_http_head_init(&t->head);
    t->previous = http->last;
    *(http->last != NULL ? &http->last->next : &http->first) = t;
    http->last = t;
    bool ok = copy_request(t, request, err) && eh_url_parse(request->url, &t->url, err) &&
              eh_url_allowed(&t->url, request->rules, err) && eh_http_check_request(t, err) &&
              (t->pool = pool_for(http, request->rules, err)) != NULL && start_timers(t, err);
    if (ok && place(t)) return t;
    if (ok && err != NULL) *err = t->err;
    free_transfer(t);
    return NULL;
}

void eh_http_resume(eh_http_transfer *t)
{
    if (!t->paused) return;
    t->paused = false;
    t->active_us = t->window_us = eh_clock_monotonic(&t->http->clock);
    t->window_bytes = 0;
    eh_http_ready(t);
}

void eh_http_lift_deadline(eh_http_transfer *t)
{
    eh_watch_remove(t->deadline);
    t->deadline = NULL;
}

void eh_http_cancel(eh_http_transfer *t)
{
    if (t == NULL) return;
    t->cancelled = true;
    if (t->busy) return; /* freed when its sink returns */
    eh_http *http = t->http;
    free_transfer(t);
    if (!http->pumping) place_waiting(http);
}

eh_slice eh_http_answer_header(const eh_http_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++)
        if (eh_slice_is(answer->headers[i].name, name)) return answer->headers[i].value;
    return (eh_slice){NULL, 0};
}
