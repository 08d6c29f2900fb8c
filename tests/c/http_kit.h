/* tests/c/http_kit.h: a thread that answers HTTP with canned bytes, and what a client got of
 * them.
 *
 * Each request takes the next answer of the list (the last one again, when there are more); so
 * what a broken server sends can be written down byte by byte. */
#ifndef EH_TEST_HTTP_KIT_H
#define EH_TEST_HTTP_KIT_H

#include "base/buf.h"
#include "io/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HK_REQUESTS = 64, HK_REQUEST_BYTES = 16384 };

typedef enum hk_then { HK_KEEP, HK_CLOSE, HK_RESET, HK_STALL, HK_TRICKLE } hk_then;

typedef struct hk_answer {
    const char *bytes;
    size_t len; /* 0: strlen(bytes) */
    hk_then then;
} hk_answer;

typedef struct hk_server {
    int listener, stop[2], poke[2], port;
    char address[32]; /* "127.0.0.1:PORT" */
    const hk_answer *answers;
    size_t count;
    pthread_t thread;
    atomic_size_t requests, connections;
    char request[HK_REQUESTS]
                [HK_REQUEST_BYTES]; /* read after hk_stop, or when they are known to be in */
} hk_server;

/* Waits for fd or for the end; false: the end. */
static inline bool hk_wait(hk_server *s, int fd, short events)
{
    struct pollfd p[2] = {{.fd = fd, .events = events}, {.fd = s->stop[0], .events = POLLIN}};
    while (poll(p, 2, -1) < 0) continue;
    return p[1].revents == 0;
}

static inline bool hk_write(hk_server *s, int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        if (!hk_wait(s, fd, POLLOUT)) return false;
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n <= 0) return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* Headers and, by Content-Length, the body; false when the client is gone. */
static inline bool hk_read(hk_server *s, int fd, char *into)
{
    size_t len = 0, need = SIZE_MAX;
    while (len < need) {
        if (len + 1 >= HK_REQUEST_BYTES || !hk_wait(s, fd, POLLIN)) return false;
        ssize_t n = recv(fd, into + len, HK_REQUEST_BYTES - 1 - len, 0);
        if (n <= 0) return false;
        len += (size_t)n;
        into[len] = '\0';
        const char *end = strstr(into, "\r\n\r\n");
        if (end == NULL) continue;
        const char *length = strcasestr(into, "\r\nContent-Length:");
        need = (size_t)(end - into) + 4;
        if (length != NULL && length < end) need += strtoul(length + 17, NULL, 10);
    }
    return true;
}

typedef struct hk_connection {
    hk_server *server;
    int fd;
} hk_connection;

static inline void *hk_serve(void *self)
{
    hk_connection *c = self;
    hk_server *s = c->server;
    char *request = malloc(HK_REQUEST_BYTES);
    bool more = request != NULL;
    while (more && hk_read(s, c->fd, request)) {
        size_t n = atomic_fetch_add(&s->requests, 1);
        if (n < HK_REQUESTS) memcpy(s->request[n], request, HK_REQUEST_BYTES);
        const hk_answer *a = &s->answers[n < s->count ? n : s->count - 1];
        more = hk_write(s, c->fd, a->bytes, a->len != 0 ? a->len : strlen(a->bytes));
        if (a->then == HK_STALL) (void)hk_wait(s, s->stop[0], 0);
        for (char byte; a->then == HK_TRICKLE && hk_wait(s, s->poke[0], POLLIN);)
            if (read(s->poke[0], &byte, 1) != 1 || !hk_write(s, c->fd, &byte, 1)) break;
        if (a->then == HK_RESET) {
            struct linger hard = {1, 0};
            (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        }
        if (a->then != HK_KEEP) break;
    }
    free(request);
    close(c->fd);
    free(c);
    return NULL;
}

static inline void *hk_listen(void *self)
{
    hk_server *s = self;
    pthread_t threads[256];
    size_t count = 0;
    while (hk_wait(s, s->listener, POLLIN)) {
        int fd = accept(s->listener, NULL, NULL);
        hk_connection *c = malloc(sizeof *c);
        if (fd < 0 || c == NULL || count == 256) abort();
        *c = (hk_connection){s, fd};
        atomic_fetch_add(&s->connections, 1);
        if (pthread_create(&threads[count++], NULL, hk_serve, c) != 0) abort();
    }
    for (size_t i = 0; i < count; i++) (void)pthread_join(threads[i], NULL);
    return NULL;
}

static inline hk_server *hk_start(const hk_answer *answers, size_t count)
{
    hk_server *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->answers = answers;
    s->count = count;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(s->listener, 64), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&address, &length), 0);
    s->port = ntohs(address.sin_port);
    (void)snprintf(s->address, sizeof s->address, "127.0.0.1:%d", s->port);
    assert_int_equal(pipe(s->stop), 0);
    assert_int_equal(pipe(s->poke), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, hk_listen, s), 0);
    return s;
}

/* Has a trickling answer send one byte more. */
static inline void hk_poke(hk_server *s)
{
    assert_int_equal(write(s->poke[1], "x", 1), 1);
}

/* The requests can be read until hk_free. */
static inline void hk_stop(hk_server *s)
{
    if (s->listener < 0) return;
    assert_int_equal(write(s->stop[1], "x", 1), 1);
    (void)pthread_join(s->thread, NULL);
    close(s->listener);
    close(s->stop[0]);
    close(s->stop[1]);
    close(s->poke[0]);
    close(s->poke[1]);
    s->listener = -1;
}

static inline void hk_free(hk_server *s)
{
    hk_stop(s);
    free(s);
}

/* ---- time that a test moves on ------------------------------------------------------------
 */

/* The real clock, and what the test added: libcurl waits for the real one. */
typedef struct hk_clock {
    eh_clock real;
    int64_t ahead_us;
} hk_clock;

static inline int64_t hk_wall(void *self)
{
    hk_clock *c = self;
    return eh_clock_wall(&c->real) + c->ahead_us;
}

static inline int64_t hk_monotonic(void *self)
{
    hk_clock *c = self;
    return eh_clock_monotonic(&c->real) + c->ahead_us;
}

#endif
