/* io/fetch_private.h: what the files of a fetch share. This room only. */
#ifndef EH_IO_FETCH_PRIVATE_H
#define EH_IO_FETCH_PRIVATE_H

#include "base/arena.h"
#include "io/fetch.h"

/* One credential, or one host where none is named: how fast it may go, and since when not. */
typedef struct eh_fetch_bucket {
    char *key;
    int64_t next_us; /* when the next request would be on time (GCRA's theoretical arrival) */
    int64_t blocked_us; /* Retry-After: nothing before */
    struct eh_fetch_bucket *next;
} eh_fetch_bucket;

struct eh_fetcher {
    eh_fetcher_options options;
    eh_fetch *first;
    eh_fetch_bucket *buckets;
    int64_t budget, budget_max; /* of retries, in tenths */
    uint64_t random;
    eh_fetch_totals totals;
};

struct eh_fetch {
    eh_fetcher *fetcher;
    eh_fetch *next, *previous;
    eh_fetch_done done;
    eh_arena *arena;
    eh_fetch_request request; /* texts in the arena */
    eh_http_request attempt;  /* as prepared: what was sent last */
    eh_fetch_rate_rule rate;
    eh_fetch_bucket *bucket;
    eh_body *body;
    eh_http_transfer *transfer;
    eh_watch *timer;
    int64_t started_us, deadline_us; /* 0: none */
    unsigned attempts;
    bool busy, cancelled, has_turn /* and waits for it */;
    /* the last answer, in an arena of its own */
    eh_arena *answer_arena;
    eh_http_answer answer;
    bool answered, accepted;
    bool told;      /* request.head was */
    eh_buf excerpt; /* of the body of an answer that is an error */
    uint64_t excerpt_of;
};

/* fetch_rate.c */
/* The bucket of a credential; NULL without memory. */
eh_fetch_bucket *eh_fetch_bucket_for(eh_fetcher *fetcher, const char *key);
/* Takes a turn; returns how long to wait for it. rate may hold no rate. */
int64_t eh_fetch_take_turn(eh_fetch_bucket *bucket, const eh_fetch_rate_rule *rate,
                           int64_t now_us);

/* fetch_error.c */
/* What went wrong, whole: `from` is the transport's error (class EH_OK: the status is what is
 * wrong). */
void eh_fetch_explain(const eh_fetch *fetch, const eh_err *from, const char *note, eh_err *out);
/* A text without secrets, in the arena; "***" when they cannot be taken out. */
const char *eh_fetch_masked(const eh_fetcher *fetcher, eh_arena *arena, const char *text);

#endif
