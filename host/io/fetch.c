/* io/fetch.c: see fetch.h. */
#include "io/fetch_private.h"

#include "base/fault.h"
#include "io/http_class.h"
#include "io/retry_after.h"
#include "io/url.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

enum { MAX_ATTEMPTS = 5, RETRY_BUDGET = 100, EXCERPT_MAX = 68 * 1024 };
#define BACKOFF_BASE_MS ((int64_t)500)
#define BACKOFF_CAP_MS  ((int64_t)30 * 1000)
/* Limits are counted over half a minute or a minute: five attempts take so long. */
#define THROTTLED_FACTOR 4
/* Who asks for a longer wait is not waited for: the run ends as throttled and comes back later.
 */
#define WAIT_MAX_MS    ((int64_t)5 * 60 * 1000)
#define ERROR_BODY_MAX ((uint64_t)256 * 1024)

/* ---- the fetcher --------------------------------------------------------------------------
 */

eh_fetcher *eh_fetcher_new(const eh_fetcher_options *options, eh_err *err)
{
    eh_fetcher *fetcher = calloc(1, sizeof *fetcher);
    if (fetcher == NULL) {
        (void)eh_fail_memory(err, "the fetcher");
        return NULL;
    }
    fetcher->options = *options;
    if (options->backoff_base_ms == 0) fetcher->options.backoff_base_ms = BACKOFF_BASE_MS;
    if (options->backoff_cap_ms == 0) fetcher->options.backoff_cap_ms = BACKOFF_CAP_MS;
    unsigned budget = options->retry_budget != 0 ? options->retry_budget : RETRY_BUDGET;
    fetcher->budget = fetcher->budget_max = (int64_t)budget * 10;
    if (getrandom(&fetcher->random, sizeof fetcher->random, GRND_NONBLOCK) < 0 ||
        fetcher->random == 0)
        fetcher->random = (uint64_t)eh_clock_wall(&options->clock) | 1;
    return fetcher;
}

static void free_fetch(eh_fetch *fetch)
{
    eh_fetcher *fetcher = fetch->fetcher;
    *(fetch->previous != NULL ? &fetch->previous->next : &fetcher->first) = fetch->next;
    if (fetch->next != NULL) fetch->next->previous = fetch->previous;
    eh_http_cancel(fetch->transfer);
    eh_watch_remove(fetch->timer);
    if (fetch->body != NULL) {
        eh_body_on_room(fetch->body, NULL, NULL);
        eh_err gone = {.class_ = EH_OK};
        (void)eh_fail(&gone, EH_CLASS_CANCELLED, "the request was given up");
        eh_body_fail(fetch->body, &gone); /* nothing once it has ended */
        eh_body_free(fetch->body);
    }
    eh_buf_free(&fetch->excerpt);
    eh_arena_free(fetch->answer_arena);
    eh_arena_free(fetch->arena);
    free(fetch);
}

void eh_fetcher_free(eh_fetcher *fetcher)
{
    if (fetcher == NULL) return;
    for (eh_fetch *fetch = fetcher->first, *next; fetch != NULL; fetch = next) {
        next = fetch->next;
        free_fetch(fetch);
    }
    for (eh_fetch_bucket *b = fetcher->buckets, *next; b != NULL; b = next) {
        next = b->next;
        free(b->key);
        free(b);
    }
    free(fetcher);
}

eh_fetch_totals eh_fetcher_totals(const eh_fetcher *fetcher)
{
    return fetcher->totals;
}

/* xorshift64 (Marsaglia, 2003): it spreads waits, it guards nothing. */
static uint64_t next_random(eh_fetcher *fetcher)
{
    uint64_t x = fetcher->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return fetcher->random = x;
}

static int64_t now_us(const eh_fetch *fetch)
{
    return eh_clock_monotonic(&fetch->fetcher->options.clock);
}

/* ---- the end ------------------------------------------------------------------------------
 */

void eh_fetch_cancel(eh_fetch *fetch)
{
    if (fetch == NULL) return;
    fetch->cancelled = true;
    if (!fetch->busy) free_fetch(fetch);
}

static void finish(eh_fetch *fetch, const eh_err *err)
{
    if (err != NULL)
        eh_body_fail(fetch->body, err);
    else
        eh_body_end(fetch->body);
    fetch->busy = true;
    fetch->done.done(fetch->done.self, fetch, err);
    free_fetch(fetch);
}

static void give_up(eh_fetch *fetch, const eh_err *from, const char *note, int64_t wait_ms)
{
    eh_err whole;
    eh_fetch_explain(fetch, from, note, &whole);
    whole.retry_after_ms = wait_ms;
    finish(fetch, &whole);
}

/* ---- what comes ---------------------------------------------------------------------------
 */

static bool is_accepted(const eh_fetch *fetch, int status)
{
    for (size_t i = 0; i < fetch->request.accept_count; i++)
        if (fetch->request.accept[i] == status) return true;
    return eh_http_status_class(status) == EH_OK;
}

/* The numbers grow until the end, the rest is copied once. */
static bool keep_answer(eh_fetch *fetch, const eh_http_answer *from)
{
    eh_arena *arena = fetch->answer_arena;
    const eh_http_header *kept = fetch->answer.headers;
    const char *url = fetch->answer.url, *address = fetch->answer.address;
    if (!fetch->answered) {
        eh_http_header *headers = eh_arena_zalloc(arena, from->header_count, sizeof *headers);
        if (headers == NULL) return false;
        for (size_t i = 0; i < from->header_count; i++) {
            const eh_http_header *h = &from->headers[i];
            char *name = eh_arena_strndup(arena, h->name.data, h->name.len);
            char *value = eh_arena_strndup(arena, h->value.data, h->value.len);
            if (name == NULL || value == NULL) return false;
            headers[i].name = eh_slice_of(name, h->name.len);
            headers[i].value = eh_slice_of(value, h->value.len);
        }
        kept = headers;
        url = eh_fetch_masked(fetch->fetcher, arena, from->url);
        address = eh_arena_strdup(arena, from->address);
        if (address == NULL) return false;
    }
    fetch->answer = *from;
    fetch->answer.headers = kept;
    fetch->answer.url = url;
    fetch->answer.address = address;
    fetch->answered = true;
    return true;
}

static void tell_head(eh_fetch *fetch)
{
    fetch->told = true;
    if (fetch->request.deadline_to_head) {
        fetch->deadline_us = 0;
        eh_http_lift_deadline(fetch->transfer);
    }
    fetch->request.head(fetch->done.self, fetch);
}

static bool on_head(void *self, const eh_http_answer *answer, eh_err *err)
{
    eh_fetch *fetch = self;
    if (!keep_answer(fetch, answer)) return eh_fail_memory(err, "an answer");
    fetch->accepted = is_accepted(fetch, answer->status);
    EH_FAULT("response.head");
    if (fetch->accepted && fetch->request.head != NULL) tell_head(fetch);
    return true;
}

static bool on_body(void *self, eh_slice bytes, bool *pause, eh_err *err)
{
    eh_fetch *fetch = self;
    if (fetch->accepted) {
        if (!eh_body_append(fetch->body, bytes, err)) return false;
        *pause = eh_body_full(fetch->body);
        return true;
    }
    size_t room = EXCERPT_MAX - fetch->excerpt.len;
    fetch->excerpt_of += bytes.len;
    if (!eh_buf_append(&fetch->excerpt, bytes.data, bytes.len < room ? bytes.len : room, err))
        return false;
    /* Enough of an error page: the connection is not worth reading on. */
    return fetch->excerpt_of <= ERROR_BODY_MAX ||
           eh_fail(err, EH_CLASS_LIMIT, "an error page without an end");
}

static void on_room(void *self)
{
    eh_fetch *fetch = self;
    if (fetch->transfer != NULL) eh_http_resume(fetch->transfer);
}

/* ---- attempts -----------------------------------------------------------------------------
 */

static void on_time(void *self);

static void wait_for(eh_fetch *fetch, int64_t after_us)
{
    fetch->timer = eh_loop_timer(fetch->fetcher->options.loop, after_us, on_time, fetch);
    if (fetch->timer != NULL) return;
    eh_err err = {.class_ = EH_OK};
    (void)eh_fail_memory(&err, "a timer");
    give_up(fetch, &err, "", 0);
}

static bool is_repeatable(const eh_fetch *fetch)
{
    return fetch->request.http.repeatable || eh_http_is_idempotent(fetch->request.http.method);
}

static unsigned max_attempts(const eh_fetch *fetch)
{
    return fetch->request.max_attempts != 0 ? fetch->request.max_attempts : MAX_ATTEMPTS;
}

/* What the other side asks us to wait; 0 when it says nothing. */
static int64_t asked_ms(const eh_fetch *fetch)
{
    int64_t wait_ms = 0;
    if (!fetch->answered) return 0;
    eh_slice value = eh_http_answer_header(&fetch->answer, "retry-after");
    int64_t wall = eh_clock_wall(&fetch->fetcher->options.clock);
    return value.data != NULL && eh_retry_after(value, wall, &wait_ms) ? wait_ms : 0;
}

/* NULL when another attempt is worth its wait; otherwise a word about why there is none. */
static const char *why_not(const eh_fetch *fetch, eh_class class_, int64_t wait_ms)
{
    if (class_ != EH_CLASS_TRANSIENT && class_ != EH_CLASS_THROTTLED) return "";
    if (!is_repeatable(fetch)) return ", not tried again: it might be done twice";
    if (fetch->told || eh_body_touched(fetch->body))
        return ", not tried again: a part of it was used";
    if (fetch->request.goes_on && fetch->accepted && eh_body_size(fetch->body) > 0) return "";
    if (fetch->attempts >= max_attempts(fetch)) return "";
    if (wait_ms > WAIT_MAX_MS) return ", it asks for a longer wait than a request is given";
    if (fetch->deadline_us != 0 && now_us(fetch) + wait_ms * 1000 >= fetch->deadline_us)
        return ", the deadline is over before another attempt";
    if (fetch->fetcher->budget < 10) return ", this run's retries are used up";
    return NULL;
}

static void forget_answer(eh_fetch *fetch)
{
    eh_arena_reset(fetch->answer_arena);
    memset(&fetch->answer, 0, sizeof fetch->answer);
    fetch->answered = fetch->accepted = false;
    fetch->excerpt.len = 0;
    fetch->excerpt_of = 0;
}

static void tell_retry(const eh_fetch *fetch, const eh_err *from, int64_t wait_ms)
{
    const eh_fetcher_options *options = &fetch->fetcher->options;
    eh_err whole;
    if (options->retrying == NULL) return;
    eh_fetch_explain(fetch, from, "", &whole);
    options->retrying(options->retrying_self, &whole, wait_ms);
}

static void try_again_or_not(eh_fetch *fetch, const eh_err *err)
{
    eh_fetcher *fetcher = fetch->fetcher;
    bool by_status = err->class_ == EH_OK;
    eh_class class_ = by_status ? eh_http_status_class(fetch->answer.status) : err->class_;
    int64_t asked = by_status ? asked_ms(fetch) : 0;
    int64_t base = fetcher->options.backoff_base_ms;
    if (class_ == EH_CLASS_THROTTLED) base *= THROTTLED_FACTOR;
    int64_t wait = eh_backoff_ms(base, fetcher->options.backoff_cap_ms, fetch->attempts - 1,
                                 next_random(fetcher));
    if (asked > 0 && (class_ == EH_CLASS_THROTTLED || class_ == EH_CLASS_TRANSIENT)) {
        int64_t until = now_us(fetch) + asked * 1000;
        if (until > fetch->bucket->blocked_us) fetch->bucket->blocked_us = until;
    }
    if (asked > wait) wait = asked;
    const char *note = why_not(fetch, class_, wait);
    if (note != NULL) {
        give_up(fetch, err, note, asked);
        return;
    }
    fetcher->budget -= 10;
    fetcher->totals.retries++;
    tell_retry(fetch, err, wait);
    eh_body_restart(fetch->body);
    forget_answer(fetch);
    wait_for(fetch, wait * 1000);
}

static void on_done(void *self, const eh_http_answer *answer, const eh_err *err)
{
    eh_fetch *fetch = self;
    eh_fetcher *fetcher = fetch->fetcher;
    eh_err none = {.class_ = EH_OK};
    fetch->transfer = NULL;
    fetcher->totals.bytes += answer->bytes_stored;
    if (answer->status != 0 && !keep_answer(fetch, answer) && err == NULL) {
        (void)eh_fail_memory(&none, "an answer");
        err = &none;
    }
    /* Why a redirect is not followed says more than that it is one; a page that tells of an
     * error says enough, even when it is cut. */
    bool refused = err != NULL && answer->status / 100 == 3;
    bool by_status = fetch->answered && !fetch->accepted && answer->status != 0 && !refused &&
                     !is_accepted(fetch, answer->status);
    if (by_status || err != NULL) {
        const eh_err status = {.class_ = EH_OK};
        try_again_or_not(fetch, by_status ? &status : err);
        return;
    }
    if (fetcher->budget < fetcher->budget_max) fetcher->budget++;
    finish(fetch, NULL);
}

static bool prepare(eh_fetch *fetch, eh_err *err)
{
    fetch->attempt = fetch->request.http;
    if (fetch->request.prepare == NULL) return true;
    fetch->busy = true;
    bool ok = fetch->request.prepare(fetch->request.prepare_self, fetch->attempts,
                                     &fetch->attempt, err);
    fetch->busy = false;
    return ok;
}

static void attempt(eh_fetch *fetch)
{
    const eh_http_sink sink = {fetch, on_head, on_body, on_done};
    eh_err err = {.class_ = EH_OK};
    fetch->attempts++;
    bool ok = prepare(fetch, &err);
    if (fetch->cancelled) {
        free_fetch(fetch);
        return;
    }
    if (ok && fetch->deadline_us != 0) {
        int64_t left_ms = (fetch->deadline_us - now_us(fetch)) / 1000;
        fetch->attempt.deadline_ms = left_ms > 0 ? left_ms : 1;
    }
    if (ok)
        fetch->transfer =
            eh_http_start(fetch->fetcher->options.http, &fetch->attempt, &sink, &err);
    if (fetch->transfer == NULL) give_up(fetch, &err, "", 0);
}

/* A turn is taken once for each attempt; what was waited for may have been blocked meanwhile.
 */
static void on_time(void *self)
{
    eh_fetch *fetch = self;
    static const eh_fetch_rate_rule none;
    int64_t now = now_us(fetch);
    fetch->timer = NULL;
    int64_t wait =
        eh_fetch_take_turn(fetch->bucket, fetch->has_turn ? &none : &fetch->rate, now);
    fetch->has_turn = wait > 0;
    if (fetch->deadline_us != 0 && now + wait >= fetch->deadline_us) {
        eh_err err = {.class_ = EH_OK};
        int64_t asked = fetch->bucket->blocked_us - now; /* by an answer to another request */
        (void)eh_fail(&err, asked > 0 ? EH_CLASS_THROTTLED : EH_CLASS_TRANSIENT,
                      asked > 0 ? "the service asked to wait, and that is beyond the deadline"
                                : "its turn does not come before the deadline");
        give_up(fetch, &err, "", asked > 0 ? asked / 1000 : 0);
    } else if (wait > 0) {
        wait_for(fetch, wait);
    } else {
        attempt(fetch);
    }
}

/* ---- starting -----------------------------------------------------------------------------
 */

static bool copy_headers(eh_fetch *fetch, const eh_http_request *from)
{
    eh_http_header *headers =
        eh_arena_zalloc(fetch->arena, from->header_count, sizeof *headers);
    for (size_t i = 0; headers != NULL && i < from->header_count; i++) {
        const eh_http_header *h = &from->headers[i];
        char *name = eh_arena_strndup(fetch->arena, h->name.data, h->name.len);
        char *value = eh_arena_strndup(fetch->arena, h->value.data, h->value.len);
        if (name == NULL || value == NULL) return false;
        headers[i].name = eh_slice_of(name, h->name.len);
        headers[i].value = eh_slice_of(value, h->value.len);
    }
    fetch->request.http.headers = headers;
    return headers != NULL;
}

static bool copy_text(eh_fetch *fetch, const char *from, const char **to)
{
    if (from == NULL) return true;
    *to = eh_arena_strdup(fetch->arena, from);
    return *to != NULL;
}

static bool copy_request(eh_fetch *fetch, const eh_fetch_request *from)
{
    eh_fetch_request *to = &fetch->request;
    *to = *from;
    char *body = eh_arena_strndup(fetch->arena, from->http.body.data, from->http.body.len);
    int *accept = eh_arena_zalloc(fetch->arena, from->accept_count, sizeof *accept);
    if (body == NULL || accept == NULL) return false;
    if (from->accept_count > 0)
        memcpy(accept, from->accept, from->accept_count * sizeof *accept);
    to->accept = accept;
    to->http.body.data = body;
    return copy_headers(fetch, &from->http) &&
           copy_text(fetch, from->http.method, &to->http.method) &&
           copy_text(fetch, from->http.url, &to->http.url);
}

/* Who is spared by waiting: the credential, or the host when none is named. */
static bool find_bucket(eh_fetch *fetch, const eh_fetch_request *from)
{
    eh_url url = {0};
    const char *key = from->credential;
    if (key == NULL) key = eh_url_parse(from->http.url, &url, NULL) ? url.origin : "";
    fetch->bucket = eh_fetch_bucket_for(fetch->fetcher, key);
    eh_url_free(&url);
    return fetch->bucket != NULL;
}

static bool set_up(eh_fetch *fetch, const eh_fetch_request *request, eh_err *err)
{
    enum { ARENA_MAX = 64 * 1024 * 1024, ANSWER_MAX = 2 * 1024 * 1024 };
    eh_fetcher *fetcher = fetch->fetcher;
    if (request->rate != NULL && !eh_fetch_rate(request->rate, &fetch->rate, err)) return false;
    fetch->arena = eh_arena_new(ARENA_MAX);
    fetch->answer_arena = eh_arena_new(ANSWER_MAX);
    fetch->body = eh_body_new(fetcher->options.spool, err);
    if (fetch->arena == NULL || fetch->answer_arena == NULL || fetch->body == NULL ||
        !copy_request(fetch, request) || !find_bucket(fetch, request))
        return eh_fail_memory(err, "a request");
    eh_body_window(fetch->body, request->window);
    eh_body_on_room(fetch->body, on_room, fetch);
    fetch->attempt = fetch->request.http;
    fetch->started_us = now_us(fetch);
    if (request->http.deadline_ms > 0)
        fetch->deadline_us = fetch->started_us + request->http.deadline_ms * 1000;
    fetch->timer = eh_loop_timer(fetcher->options.loop, 0, on_time, fetch);
    return fetch->timer != NULL || eh_fail_memory(err, "a timer");
}

eh_fetch *eh_fetch_start(eh_fetcher *fetcher, const eh_fetch_request *request,
                         const eh_fetch_done *done, eh_err *err)
{
    eh_fetch *fetch = calloc(1, sizeof *fetch);
    if (fetch == NULL) {
        (void)eh_fail_memory(err, "a request");
        return NULL;
    }
    fetch->fetcher = fetcher;
    fetch->done = *done;
    eh_buf_init(&fetch->excerpt, EXCERPT_MAX);
    fetch->next = fetcher->first;
    if (fetcher->first != NULL) fetcher->first->previous = fetch;
    fetcher->first = fetch;
    fetcher->totals.requests++;
    if (set_up(fetch, request, err)) return fetch;
    free_fetch(fetch);
    return NULL;
}

const eh_http_answer *eh_fetch_answer(const eh_fetch *fetch)
{
    bool over = fetch->transfer == NULL && fetch->timer == NULL;
    return fetch->answered && (fetch->accepted || over) ? &fetch->answer : NULL;
}

eh_body *eh_fetch_body(const eh_fetch *fetch)
{
    return fetch->body;
}

unsigned eh_fetch_attempts(const eh_fetch *fetch)
{
    return fetch->attempts;
}
