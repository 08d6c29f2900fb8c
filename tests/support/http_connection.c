/* tests/support/http_connection.c: the bytes of one connection, plain or TLS, and its end. */
#include "http_parts.h"

#include <errno.h>
#include <lauxlib.h>
#include <linux/sockios.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_IN  (64u << 20)
#define MAX_OUT (1u << 30)

void hs_connection_accept(hs_server *server, int fd, bool tls)
{
    hs_connection *c = calloc(1, sizeof *c);
    if (c == NULL) hs_die("connection", "out of memory");
    c->server = server;
    c->fd = fd;
    c->id = ++server->connections;
    c->condition = c->thread_anchor = c->box_anchor = LUA_NOREF;
    eh_buf_init(&c->in, MAX_IN);
    eh_buf_init(&c->out, MAX_OUT);
    if (tls) {
        c->ssl = SSL_new(server->tls);
        if (c->ssl == NULL || SSL_set_fd(c->ssl, fd) != 1) hs_die("tls", "out of memory");
        SSL_set_accept_state(c->ssl);
    }
    c->next = server->first;
    server->first = c;
    hs_log(server, "connect", c->id, tls ? ",\"tls\":true" : ",\"tls\":false");
    hs_scenario_greet(c);
}

void hs_connection_free(hs_connection *c)
{
    hs_scenario_forget(c);
    SSL_free(c->ssl);
    close(c->fd);
    eh_buf_free(&c->in);
    eh_buf_free(&c->out);
    free(c);
}

/* After a TLS call that did not go through: false when the connection is over. */
static bool tls_goes_on(hs_connection *c, int result)
{
    int why = SSL_get_error(c->ssl, result);
    ERR_clear_error();
    c->tls_wants_write = why == SSL_ERROR_WANT_WRITE;
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

static bool shake(hs_connection *c)
{
    if (c->ssl == NULL || c->is_shaken) return true;
    int result = SSL_do_handshake(c->ssl);
    if (result == 1) {
        c->is_shaken = true;
        c->tls_wants_write = false;
        return true;
    }
    if (!tls_goes_on(c, result)) c->peer_closed = true;
    return false;
}

void hs_connection_read(hs_connection *c)
{
    char chunk[65536];
    if (!shake(c)) return;
    for (;;) {
        ssize_t n;
        if (c->ssl != NULL) {
            n = SSL_read(c->ssl, chunk, sizeof chunk);
            if (n <= 0 && tls_goes_on(c, (int)n)) return;
        } else {
            n = recv(c->fd, chunk, sizeof chunk, 0);
            if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        }
        if (n <= 0 || !eh_buf_append(&c->in, chunk, (size_t)n, NULL)) {
            c->peer_closed = true;
            return;
        }
    }
}

void hs_connection_write(hs_connection *c)
{
    if (!shake(c)) return;
    while (c->out_sent < c->out.len) {
        const char *from = c->out.data + c->out_sent;
        size_t left = c->out.len - c->out_sent;
        ssize_t n;
        if (c->ssl != NULL) {
            n = SSL_write(c->ssl, from, left > 1u << 20 ? 1 << 20 : (int)left);
            if (n <= 0 && tls_goes_on(c, (int)n)) return;
        } else {
            n = send(c->fd, from, left, MSG_NOSIGNAL);
            if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        }
        if (n <= 0) {
            c->peer_closed = true;
            c->out_sent = c->out.len;
            return;
        }
        c->tls_wants_write = false;
        c->out_sent += (size_t)n;
        c->sent += n;
    }
    c->out.len = c->out_sent = 0;
}

void hs_connection_send(hs_connection *c, const char *data, size_t len)
{
    c->has_sent = true;
    if (!eh_buf_append(&c->out, data, len, NULL)) hs_die("send", "too much at once");
    hs_connection_write(c);
}

static void log_end(hs_connection *c, const char *by)
{
    char more[80];
    snprintf(more, sizeof more, ",\"by\":\"%s\",\"sent\":%lld", by, (long long)c->sent);
    hs_log(c->server, "close", c->id, more);
}

bool hs_connection_finish(hs_connection *c)
{
    if (c->peer_closed) {
        log_end(c, "peer");
        return true;
    }
    if (c->end == HS_END_NOT || c->out_sent < c->out.len) return false;
    if (c->end == HS_END_RESET) {
        /* What was sent before must arrive: a reset throws away what is not acknowledged. */
        int queued = 0;
        if (ioctl(c->fd, SIOCOUTQ, &queued) == 0 && queued > 0) return false;
        struct linger at_once = {.l_onoff = 1, .l_linger = 0};
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    } else if (c->end == HS_END_CLOSE && c->ssl != NULL && c->is_shaken) {
        SSL_shutdown(c->ssl); /* a cut says no good-bye */
    }
    log_end(c, c->end == HS_END_RESET ? "reset" : "server");
    return true;
}
