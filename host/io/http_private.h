/* io/http_private.h: what the files of the HTTP client share.
 *
 *   http.c         the client: pools, sockets and timers of libcurl on the loop, who may begin
 *   http_easy.c    one hop as libcurl wants it; its callbacks, which only note what came
 *   http_deliver.c what came, handed to the sink from a turn of the loop; redirects; the end
 *   http_head.c    headers
 *
 * libcurl may call its callbacks from inside its own functions, where none of these may be
 * called again. So a callback notes bytes and marks its transfer as ready, and eh_http_pump,
 * which runs when libcurl has returned, does everything else. This room only. */
#ifndef EH_IO_HTTP_PRIVATE_H
#define EH_IO_HTTP_PRIVATE_H

#include "base/arena.h"
#include "io/address.h"
#include "io/http.h"
#include "io/http_head.h"
#include "io/libcurl.h"
#include "io/url.h"

/* All that one source instance's transfers share, and no other's: connections, names that were
 * looked up, cookies, TLS sessions. */
typedef struct eh_http_pool {
    struct eh_http *http;
    const eh_http_rules *rules;
    CURLM *multi;
    CURLSH *share;
    eh_watch *timer; /* libcurl's */
    bool dead;       /* a callback had no memory: libcurl does nothing more with it */
    struct eh_http_pool *next;
} eh_http_pool;

struct eh_http {
    eh_loop *loop;
    eh_clock clock;
    eh_libcurl curl;
    bool global; /* curl_global_init was called */
    eh_http_pool *pools;
    eh_http_transfer *first, *last;             /* all transfers, in the order of their start */
    eh_http_transfer *ready_first, *ready_last; /* with something to hand out */
    eh_watch *kick;                             /* pumps in the next turn */
    bool pumping;
};

struct eh_http_transfer {
    eh_http *http;
    eh_http_pool *pool;
    eh_http_transfer *next, *previous, *ready_next;
    bool ready, busy /* inside its sink */, cancelled, waiting /* for its turn */, added;
    eh_http_sink sink;

    /* the request; texts are in the arena */
    eh_arena *arena;
    eh_http_request request;
    eh_http_sigv4 sigv4;
    eh_url url;
    bool foreign; /* redirected to another origin: nothing of the caller's is sent there */
    unsigned redirects;
    int64_t started_us, deadline_us;
    eh_watch *deadline, *idle;

    /* this hop */
    CURL *easy;
    struct curl_slist *lines;
    char message[CURL_ERROR_SIZE];
    char refused[EH_ADDRESS_TEXT + 96]; /* an address that was not to be connected to */
    bool opened;                        /* another address was */
    eh_http_head head;
    eh_buf in; /* of the body, as it was sent */
    bool redirecting, head_given, paused, held /* libcurl waits for room in `in` */;
    bool finished; /* libcurl is done with it: code, or err, says how */
    CURLcode code;
    uint64_t skipped; /* of the body of a redirect */
    eh_err err;       /* the first thing that went wrong */

    int64_t active_us;               /* the last byte */
    int64_t window_us, window_bytes; /* since when these came */
    int64_t sent;                    /* of the request's body */

    eh_decompress *decode;
    char *out; /* OUT_BYTES, when decode is there */
    bool coding_done, more /* the decoder has more without more input */;
    eh_http_answer answer;
};

/* http.c */
void eh_http_ready(eh_http_transfer *t); /* something is to be handed out */
void eh_http_pump(eh_http *http);        /* hands it out; not from inside libcurl or a sink */
void eh_http_stop(eh_http_transfer *t);  /* takes it from libcurl, with the hop's handle */
void eh_http_place(eh_http_transfer *t); /* begins the hop, or lets it wait for its turn */

/* http_sign.c: adds the headers of request.sigv4; false without memory */
bool eh_http_sign(eh_http_transfer *t) EH_MUST_USE;

/* http_easy.c */
bool eh_http_check_request(const eh_http_transfer *t, eh_err *err) EH_MUST_USE;
bool eh_http_make_easy(eh_http_transfer *t, eh_err *err) EH_MUST_USE;
bool eh_http_add_line(eh_http_transfer *t, const char *line) EH_MUST_USE; /* of the headers */
void eh_http_note_facts(eh_http_transfer *t);
void eh_http_note_end(eh_http_transfer *t, CURLcode code); /* outside of libcurl's callbacks */

/* http_deliver.c: false when the transfer is over and was freed. */
bool eh_http_deliver(eh_http_transfer *t);

#endif
