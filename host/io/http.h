/* io/http.h: one HTTP request and its answer, complete or an error, on the loop.
 *
 * libcurl does the transport: connections that are kept, HTTP/2, TLS. What libcurl takes for
 * success and is none is watched here: an answer is `done` without an error only when its
 * headers were finished, its length was reached, its chunks and its content coding ended.
 * Redirects are followed here, each hop judged like the first. The status makes no error at
 * this floor; attempts, waiting and classes by status are io/fetch.h's. One client serves a
 * run; sources in it share no connection, no cookie and no look-up of a name. Floor 2. */
#ifndef EH_IO_HTTP_H
#define EH_IO_HTTP_H

#include "io/loop.h"

#include "base/slice.h"

#include <sys/socket.h>

typedef struct eh_http eh_http;
typedef struct eh_http_transfer eh_http_transfer;

/* What one source instance may speak to, and how. Borrowed, and not changed, from its first
 * eh_http_start until eh_http_free: connections that are kept were judged by it. */
typedef struct eh_http_rules {
    const char *const *hosts; /* patterns, see eh_url_matches; nothing else is spoken to */
    size_t host_count;
    bool allow_plain; /* http: beside https:; an address in allow_private needs no such word */
    const char *const *allow_private; /* "127.0.0.1:8080": from the operator's config only */
    size_t allow_private_count;
    const struct sockaddr_storage *forbidden; /* the destination's own addresses: never */
    size_t forbidden_count;
    const char *ca_file; /* PEM; NULL: the system's */
    const char *proxy; /* "http://proxy:3128"; NULL or "": none. No environment is looked at */
    unsigned max_connections; /* to one host at once; 0: 6. Further requests wait their turn */
} eh_http_rules;

typedef struct eh_http_header {
    eh_slice name, value;
} eh_http_header;

/* Signs each attempt, and each hop to the same host, with AWS Signature Version 4. */
typedef struct eh_http_sigv4 {
    const char *region;  /* "eu-central-1" */
    const char *service; /* "s3" */
    const char *key_id;
    const char *secret;
    const char *token;       /* of a session; NULL: none */
    int64_t clock_offset_us; /* their clock minus ours, where a Date header told */
} eh_http_sigv4;

/* Everything is copied by eh_http_start but `rules` and `body`, which is borrowed until done or
 * cancel. */
typedef struct eh_http_request {
    const char *method; /* "GET", in capitals */
    const char *url;    /* absolute */
    /* In their order. Host, Content-Length, Connection and others that frame the message are
     * refused. Accept-Encoding is set here (see as_stored), User-Agent unless given. */
    const eh_http_header *headers;
    size_t header_count;
    eh_slice body; /* len 0: none */
    const eh_http_rules *rules;
    const eh_http_sigv4 *sigv4; /* NULL: not signed */
    int64_t connect_timeout_ms; /* 0: 30 s */
    int64_t idle_timeout_ms; /* without a byte, or four times it at less than 10 bytes a second;
                                0: 60 s */
    int64_t deadline_ms;     /* for the whole, waiting for a connection included; 0: none */
    uint64_t max_bytes;      /* decoded; 0: 4 GiB. More is class limit */
    unsigned max_redirects;  /* 0: 5 */
    bool no_redirects;       /* 3xx is an answer like any other */
    bool redirect_to_get;    /* 301, 302, 303 to another method is followed by a GET */
    /* Beside GET, HEAD, OPTIONS, PUT and DELETE: may be sent twice. Others get a connection of
     * their own, since on a kept one nobody knows whether a request that was not answered was
     * read. */
    bool repeatable;
    bool as_stored; /* neither ask for nor undo a content coding: a file, by its own name */
} eh_http_request;

/* Of the last hop. Texts and headers are valid until the transfer has ended (done has returned,
 * or cancel was called); the numbers grow until done. */
typedef struct eh_http_answer {
    int status;
    const eh_http_header *headers; /* names in lower case, in their order */
    size_t header_count;
    const char *url;       /* may hold secrets that the caller put there: mask before showing */
    const char *address;   /* what was connected to, "93.184.216.34"; "" if unknown */
    uint64_t bytes_stored; /* of the body as it was sent */
    uint64_t bytes;        /* decoded and handed out */
    unsigned redirects;
    int http_version; /* 10, 11, 20 */
    bool reused;      /* over a connection that was kept */
    /* The body's end is known only by the connection's: nothing in HTTP tells it from a cut.
     * Complete only if the content says so itself, or the source declares that this is how it
     * ends. */
    bool ends_by_close;
    /* Microseconds since the hop began; 0 where it was not needed. */
    int64_t dns_us, connect_us, tls_us, first_byte_us;
    int64_t total_us; /* since the transfer began, redirects and waiting included */
} eh_http_answer;

/* The value of a header of the answer by its lower-case name, the first if there are several; a
 * NULL slice when there is none. Valid as long as the answer. */
eh_slice eh_http_answer_header(const eh_http_answer *answer, const char *name);

/* Where an answer goes. Called from eh_loop_turn only, never from inside a function of this
 * header; they may start, resume and cancel any transfer, this one included. */
typedef struct eh_http_sink {
    void *self;
    /* Once, when the headers of the last hop are there. False (err filled) ends the transfer
     * with that error. NULL: not wanted. */
    bool (*head)(void *self, const eh_http_answer *answer, eh_err *err);
    /* Bytes of the body, decoded unless as_stored. *pause = true: these were taken, send no
     * more until eh_http_resume. False (err filled) ends the transfer. */
    bool (*body)(void *self, eh_slice bytes, bool *pause, eh_err *err);
    /* Once, the last call; the transfer is freed when it returns. err NULL: complete. answer is
     * never NULL; its status is 0 when no headers came. */
    void (*done)(void *self, const eh_http_answer *answer, const eh_err *err);
} eh_http_sink;

/* loop and clock (copied) must outlive it. Loads libcurl. */
eh_http *eh_http_new(eh_loop *loop, const eh_clock *clock, eh_err *err);

/* Cancels what is going on and closes all connections. Not from inside a sink. NULL is fine. */
void eh_http_free(eh_http *http);

/* Begins. NULL when the request cannot be made or is not allowed (class config, denied); no
 * sink call follows then. Errors that `done` brings: transient (connection, time, cut answers),
 * denied (an address or a redirect that the rules refuse), config (certificates, proxies),
 * remote (an answer that is not proper HTTP), limit (size, expansion), data (a broken coding).
 */
eh_http_transfer *eh_http_start(eh_http *http, const eh_http_request *request,
                                const eh_http_sink *sink, eh_err *err);

/* After a pause; nothing when it is not paused. */
void eh_http_resume(eh_http_transfer *transfer);

/* It may take as long as it takes from now on, but for idle_timeout_ms. */
void eh_http_lift_deadline(eh_http_transfer *transfer);

/* Ends it and frees it; no sink call follows. NULL is fine; not after done. */
void eh_http_cancel(eh_http_transfer *transfer);

#endif
