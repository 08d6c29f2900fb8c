/* io/fetch.h: one request with everything around it: attempts, waiting, limits, an error that
 * says it all.
 *
 * A fetch is one answer to one request, from however many attempts. Tried again is what may
 * help: transport errors and the statuses that io/http_class.c calls transient or throttled,
 * for methods that may be repeated, within one deadline, a number of attempts and the run's
 * budget of retries; waits are full jitter, or what Retry-After says. Per host and per
 * credential requests wait their turn. The body goes to an eh_body. One fetcher serves a run.
 * Floor 2. */
#ifndef EH_IO_FETCH_H
#define EH_IO_FETCH_H

#include "base/buf.h"
#include "io/body.h"
#include "io/http.h"

typedef struct eh_fetcher eh_fetcher;
typedef struct eh_fetch eh_fetch;

typedef struct eh_fetcher_options {
    eh_loop *loop;  /* outlives it, as do http and spool */
    eh_clock clock; /* the loop's */
    eh_http *http;
    eh_spool *spool; /* for bodies; NULL: none over 256 KiB */
    /* Replaces every secret in text by ***. NULL: nothing is secret. Applied to whatever goes
     * into an error. */
    bool (*mask)(void *self, eh_buf *text, eh_err *err);
    void *mask_self;
    /* Told before each wait for another attempt: what went wrong with this one, whole and
     * masked, and how long the wait is. NULL: nobody wants to know. Must not touch the fetcher.
     */
    void (*retrying)(void *self, const eh_err *err, int64_t wait_ms);
    void *retrying_self;
    int64_t backoff_base_ms; /* 0: 500 */
    int64_t backoff_cap_ms;  /* 0: 30 s */
    /* Retries that the run has to spend; each takes one, each success gives a tenth back, up to
     * this. 0: 100. So a storm of failures ends, and rare ones never add up. */
    unsigned retry_budget;
} eh_fetcher_options;

typedef struct eh_fetch_request {
    /* Copied, with all that it points to but the rules. Its deadline_ms counts for all attempts
     * and waits together. */
    eh_http_request http;
    /* Called before each attempt (from 1) with a copy of `http` to be filled in: secrets, a
     * refreshed token, the clock of a signature. What it points the copy to must live until the
     * next call or the end of the fetch. Not called from inside eh_fetch_start. False (err
     * filled) ends the fetch with that error. NULL: sent as it is. */
    bool (*prepare)(void *self, unsigned attempt, eh_http_request *request, eh_err *err);
    void *prepare_self;
    unsigned
        max_attempts; /* 0: 5; http.repeatable says whether a POST may have more than one */
    bool goes_on; /* once bytes have come it is not begun again: the caller asks for the rest */
    const int *accept; /* statuses beside 2xx that are no error; copied */
    size_t accept_count;
    const char *rate;       /* "10/s", "600/m", "5000/h"; NULL: as fast as it goes. Copied */
    const char *credential; /* requests with the same one share its rate; NULL: "". Copied */
    uint64_t window;        /* eh_body_window; 0: the body is taken as it comes */
    /* Told once, when the answer that counts has its head, with the self of eh_fetch_done; from
     * then on there is no other attempt. It must not end the fetch. NULL: not wanted. */
    void (*head)(void *self, eh_fetch *fetch);
    bool deadline_to_head; /* http.deadline_ms counts until then only */
} eh_fetch_request;

typedef struct eh_fetch_done {
    void *self;
    /* Once, from a turn of the loop; err NULL: complete, and the body has ended. The fetch is
     * freed when it returns: take the body with eh_body_hold. Starting and cancelling others is
     * fine. */
    void (*done)(void *self, eh_fetch *fetch, const eh_err *err);
} eh_fetch_done;

/* Of a fetcher, since it was made. */
typedef struct eh_fetch_totals {
    int64_t requests; /* begun */
    int64_t retries;  /* attempts beside the first of each */
    uint64_t bytes;   /* of bodies, as they were sent */
} eh_fetch_totals;

eh_fetcher *eh_fetcher_new(const eh_fetcher_options *options, eh_err *err);
/* Cancels what is going on. Not from inside done. NULL is fine. */
void eh_fetcher_free(eh_fetcher *fetcher);

eh_fetch_totals eh_fetcher_totals(const eh_fetcher *fetcher);

/* Begins. NULL when the request cannot be made or is not allowed; done is not called then. */
eh_fetch *eh_fetch_start(eh_fetcher *fetcher, const eh_fetch_request *request,
                         const eh_fetch_done *done, eh_err *err);

/* Ends it and frees it; its body, if others hold it, has failed with class cancelled. done is
 * not called. NULL is fine; not after done. */
void eh_fetch_cancel(eh_fetch *fetch);

/* The answer that counts: NULL until its headers have come and its status is no error. In
 * `done` with an error: the last answer there was, or NULL. Valid as long as the fetch; url is
 * masked. */
const eh_http_answer *eh_fetch_answer(const eh_fetch *fetch);

/* Never NULL. Grows while the fetch runs once eh_fetch_answer is there: who reads it then ends
 * the chance of another attempt. */
eh_body *eh_fetch_body(const eh_fetch *fetch);

/* Attempts begun so far. */
unsigned eh_fetch_attempts(const eh_fetch *fetch);

/* A rate, read: `burst` requests may come at once, then one each interval. */
typedef struct eh_fetch_rate_rule {
    int64_t interval_us; /* 0: no rate */
    int64_t burst;
} eh_fetch_rate_rule;

/* Reads "10/s", "600/m", "5000/h", "100000/d". Class config when it is none. */
bool eh_fetch_rate(const char *text, eh_fetch_rate_rule *out, eh_err *err) EH_MUST_USE;

#endif
