/* tests/bench/bench_http.c: COUNT requests of one URL, AT_ONCE of them at a time, their bodies
 * read as they come and thrown away: what curl to /dev/null is compared with. Not a test. */
#include "io/fetch.h"
#include "io/url.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { SLOTS = 64, PIECE = 256 * 1024 };

typedef struct bench {
    eh_fetcher *fetcher;
    eh_fetch_request request;
    long left, done;
    eh_err err;
} bench;

typedef struct slot {
    bench *bench;
    eh_body *body; /* held; NULL: free */
    uint64_t at;
} slot;

static void on_done(void *self, eh_fetch *fetch, const eh_err *err)
{
    slot *s = self;
    (void)fetch;
    if (err != NULL && s->bench->err.class_ == EH_OK) s->bench->err = *err;
}

static bool start(bench *b, slot *s)
{
    const eh_fetch_done done = {s, on_done};
    eh_fetch *fetch = eh_fetch_start(b->fetcher, &b->request, &done, &b->err);
    if (fetch == NULL) return false;
    s->bench = b;
    s->body = eh_body_hold(eh_fetch_body(fetch));
    s->at = 0;
    b->left--;
    return true;
}

/* Reads what is there; frees the slot at the end. */
static bool drain(bench *b, slot *s)
{
    static char piece[PIECE];
    for (size_t got = 1; got > 0;) {
        if (!eh_body_read(s->body, s->at, piece, sizeof piece, &got, &b->err)) return false;
        s->at += got;
        eh_body_release_before(s->body, s->at);
    }
    if (eh_body_state_of(s->body) != EH_BODY_ENDED || s->at < eh_body_size(s->body))
        return true;
    eh_body_free(s->body);
    s->body = NULL;
    b->done++;
    return true;
}

static bool run(bench *b, eh_loop *loop, long count, size_t at_once)
{
    slot slots[SLOTS] = {{0}};
    b->left = count;
    while (b->done < count && b->err.class_ == EH_OK) {
        for (size_t i = 0; i < at_once; i++) {
            if (slots[i].body != NULL && !drain(b, &slots[i])) return false;
            if (slots[i].body == NULL && b->left > 0 && !start(b, &slots[i])) return false;
        }
        if (b->done < count && !eh_loop_turn(loop, -1, &b->err)) return false;
    }
    return b->err.class_ == EH_OK;
}

int main(int argc, char **argv)
{
    bench b = {0};
    eh_url url;
    char host[128];
    if (argc != 4 || !eh_url_parse(argv[1], &url, &b.err)) return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)snprintf(host, sizeof host, "%s:%u", url.host, (unsigned)url.port);
    size_t at_once = strtoul(argv[3], NULL, 10);
    const char *hosts[] = {host};
    const eh_http_rules rules = {.hosts = hosts,
                                 .host_count = 1,
                                 .allow_private = hosts,
                                 .allow_private_count = 1,
                                 .max_connections = (unsigned)at_once};
    const eh_clock clock = eh_clock_system();
    eh_loop *loop = eh_loop_new(&clock, &b.err);
    eh_http *http = eh_http_new(loop, &clock, &b.err);
    const eh_fetcher_options options = {.loop = loop, .clock = clock, .http = http};
    b.fetcher = eh_fetcher_new(&options, &b.err);
    b.request.http = (eh_http_request){.method = "GET", .url = url.text, .rules = &rules};
    b.request.window = PIECE / 2;
    bool ok = b.fetcher != NULL && at_once > 0 && at_once <= SLOTS &&
              run(&b, loop, strtol(argv[2], NULL, 10), at_once);
    if (!ok) (void)fprintf(stderr, "%s\n", b.err.message);
    eh_fetcher_free(b.fetcher);
    eh_http_free(http);
    eh_loop_free(loop);
    eh_url_free(&url);
    return ok ? 0 : 1;
}
