/* tests/support/http_server.c: the scripted HTTP server of the tests; README.md tells its use.
 *
 *     http_server SCENARIO.lua [--log FILE] [--set NAME=VALUE]...
 *                 [--tls --ca FILE [--name HOST] [--expired]]
 *
 * Listens on 127.0.0.1, prints its port (with --tls a second one), and ends when its standard
 * input closes or says "quit", so that no test can leave it behind. */
#include "http_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lualib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 1000

void hs_die(const char *what, const char *why)
{
    fprintf(stderr, "http_server: %s: %s\n", what, why);
    exit(2);
}

int64_t hs_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int listen_somewhere(unsigned *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        hs_die("listen", strerror(errno));
    *port = ntohs(address.sin_port);
    return fd;
}

static void accept_all(hs_server *server, int listener, bool tls)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) return;
        int yes = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        hs_connection_accept(server, fd, tls);
    }
}

/* True when standard input is at its end or said "quit". */
static bool is_told_to_end(void)
{
    char text[64];
    ssize_t n = read(STDIN_FILENO, text, sizeof text);
    if (n < 0) return errno != EINTR && errno != EAGAIN;
    return n == 0 || memchr(text, 'q', (size_t)n) != NULL;
}

static short wanted(const hs_connection *c)
{
    bool writes = c->out.len > c->out_sent || c->tls_wants_write;
    /* One that has closed is always readable: not asked again, or the loop would spin. */
    return (short)((c->peer_closed ? 0 : POLLIN) | (writes ? POLLOUT : 0));
}

/* Until the next moment that somebody waits for; -1: none. */
static int next_timeout(const hs_server *server)
{
    int64_t now = hs_now_ms(), least = -1;
    for (const hs_connection *c = server->first; c != NULL; c = c->next) {
        int64_t left = -1;
        if (c->wait == HS_WAIT_TIME) left = c->wake_ms > now ? c->wake_ms - now : 0;
        /* What the other kernel has not acknowledged yet makes nothing readable. */
        if (c->end == HS_END_RESET && c->out.len == c->out_sent) left = 1;
        if (left >= 0 && (least < 0 || left < least)) least = left;
    }
    return (int)least;
}

static void serve_ready(hs_server *server, const struct pollfd *fds, size_t count)
{
    size_t i = 0;
    for (hs_connection *c = server->first; c != NULL && i < count; c = c->next, i++) {
        if ((fds[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !c->peer_closed)
            hs_connection_read(c);
        if (fds[i].revents != 0) hs_connection_write(c);
    }
}

/* True when something ran: it may be what another one waits for. */
static bool turn_all(hs_server *server)
{
    bool ran = false;
    hs_connection **link = &server->first;
    while (*link != NULL) {
        hs_connection *c = *link;
        if (hs_scenario_turn(c)) ran = true;
        if (hs_connection_finish(c)) {
            *link = c->next;
            hs_connection_free(c);
        } else {
            link = &c->next;
        }
    }
    return ran;
}

static void serve(hs_server *server, int plain, int tls)
{
    static struct pollfd fds[MAX_CONNECTIONS + 3];
    for (;;) {
        fds[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = plain, .events = POLLIN};
        fds[2] = (struct pollfd){.fd = tls, .events = POLLIN};
        size_t count = 3;
        for (hs_connection *c = server->first; c != NULL; c = c->next) {
            if (count == MAX_CONNECTIONS + 3) hs_die("serve", "too many connections");
            fds[count++] = (struct pollfd){.fd = c->fd, .events = wanted(c)};
        }
        if (poll(fds, count, next_timeout(server)) < 0 && errno != EINTR)
            hs_die("poll", strerror(errno));
        if (fds[0].revents != 0 && is_told_to_end()) return;
        serve_ready(server, fds + 3, count - 3);
        if (fds[1].revents != 0) accept_all(server, plain, false);
        if (fds[2].revents != 0) accept_all(server, tls, true);
        while (turn_all(server)) continue;
    }
}

typedef struct arguments {
    const char *scenario, *log, *ca_file, *name;
    bool tls, expired;
} arguments;

/* --set NAME=VALUE becomes options.NAME of the scenario. */
static void set_option(lua_State *L, const char *text)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL) hs_die(text, "--set needs NAME=VALUE");
    lua_getglobal(L, "options");
    lua_pushlstring(L, text, (size_t)(equals - text));
    lua_pushstring(L, equals + 1);
    lua_settable(L, -3);
    lua_pop(L, 1);
}

static arguments read_arguments(lua_State *L, int argc, char **argv)
{
    arguments a = {.name = "127.0.0.1"};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--tls") == 0) {
            a.tls = true;
        } else if (strcmp(argv[i], "--expired") == 0) {
            a.expired = true;
        } else if (argv[i][0] != '-') {
            a.scenario = argv[i];
        } else {
            if (value == NULL) hs_die(argv[i], "needs a value");
            if (strcmp(argv[i], "--log") == 0)
                a.log = value;
            else if (strcmp(argv[i], "--ca") == 0)
                a.ca_file = value;
            else if (strcmp(argv[i], "--name") == 0)
                a.name = value;
            else if (strcmp(argv[i], "--set") == 0)
                set_option(L, value);
            else
                hs_die(argv[i], "no such option");
            i++;
        }
    }
    if (a.scenario == NULL) hs_die("arguments", "which scenario?");
    return a;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    hs_server server = {.log = -1, .started_ms = hs_now_ms(), .L = luaL_newstate()};
    if (server.L == NULL) hs_die("lua", "out of memory");
    luaL_openlibs(server.L);
    lua_newtable(server.L);
    lua_setglobal(server.L, "options");
    arguments a = read_arguments(server.L, argc, argv);
    if (a.log != NULL) {
        server.log = open(a.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (server.log < 0) hs_die(a.log, strerror(errno));
    }
    hs_scenario_load(&server, a.scenario);
    unsigned port = 0, tls_port = 0;
    int plain = listen_somewhere(&port), tls = -1;
    if (a.tls) {
        server.tls = hs_certificate_make(a.name, a.expired, a.ca_file);
        tls = listen_somewhere(&tls_port);
    }
    if (a.tls)
        printf("%u %u\n", port, tls_port);
    else
        printf("%u\n", port);
    fflush(stdout);
    serve(&server, plain, tls);
    while (server.first != NULL) {
        hs_connection *c = server.first;
        server.first = c->next;
        hs_connection_free(c);
    }
    lua_close(server.L);
    SSL_CTX_free(server.tls);
    close(plain);
    if (tls >= 0) close(tls);
    if (server.log >= 0) close(server.log);
    return 0;
}
