/* A proxy between a client and the test's server that loses connections on purpose, once. It
 * listens on a socket in the server's folder, under another port number, and runs in a thread.
 */
#ifndef PG_PROXY_H
#define PG_PROXY_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    PROXY_PASS,
    PROXY_SWALLOW_COMMIT, /* the server never sees it */
    PROXY_SWALLOW_ANSWER  /* the server does it, the client never learns */
};

enum { PROXY_PORT = 5499, PROXY_PAIRS = 16 };

typedef struct pg_proxy {
    char server_path[108];
    int listener;
    int stop[2];
    pthread_t thread;
    atomic_int mode;
    atomic_int losses;
    struct {
        int client, server; /* -1: free */
        bool deaf;          /* the client does not hear the server any more */
    } pair[PROXY_PAIRS];
} pg_proxy;

static inline int proxy_socket(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    (void)snprintf(address->sun_path, sizeof address->sun_path, "%s", path);
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static inline void proxy_accept(pg_proxy *proxy)
{
    struct sockaddr_un address;
    int client = accept(proxy->listener, NULL, NULL);
    int up = proxy_socket(proxy->server_path, &address);
    if (client < 0 || up < 0 || connect(up, (struct sockaddr *)&address, sizeof address) != 0) {
        close(client);
        close(up);
        return;
    }
    for (int i = 0; i < PROXY_PAIRS; i++) {
        if (proxy->pair[i].client >= 0) continue;
        proxy->pair[i].client = client;
        proxy->pair[i].server = up;
        proxy->pair[i].deaf = false;
        return;
    }
    abort();
}

static inline void proxy_close(pg_proxy *proxy, int i)
{
    close(proxy->pair[i].client);
    close(proxy->pair[i].server);
    proxy->pair[i].client = -1;
}

static inline bool proxy_send(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0) return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

static inline void proxy_from_client(pg_proxy *proxy, int i)
{
    static const char commit[] = "COMMIT";
    char data[65536];
    ssize_t n = recv(proxy->pair[i].client, data, sizeof data, 0);
    if (n <= 0) {
        proxy_close(proxy, i);
        return;
    }
    int mode = atomic_load(&proxy->mode);
    bool asked = n >= 12 && data[0] == 'Q' && memcmp(data + 5, commit, sizeof commit) == 0;
    if (asked && mode != PROXY_PASS) {
        atomic_store(&proxy->mode, PROXY_PASS);
        atomic_fetch_add(&proxy->losses, 1);
        if (mode == PROXY_SWALLOW_COMMIT) {
            proxy_close(proxy, i);
            return;
        }
        proxy->pair[i].deaf = true;
    }
    if (!proxy_send(proxy->pair[i].server, data, (size_t)n)) proxy_close(proxy, i);
}

static inline void proxy_from_server(pg_proxy *proxy, int i)
{
    char data[65536];
    ssize_t n = recv(proxy->pair[i].server, data, sizeof data, 0);
    if (n <= 0 || proxy->pair[i].deaf || !proxy_send(proxy->pair[i].client, data, (size_t)n))
        proxy_close(proxy, i);
}

static inline void *proxy_run(void *self)
{
    pg_proxy *proxy = self;
    for (;;) {
        struct pollfd polls[2 + 2 * PROXY_PAIRS] = {{.fd = proxy->stop[0], .events = POLLIN},
                                                    {.fd = proxy->listener, .events = POLLIN}};
        for (int i = 0; i < PROXY_PAIRS; i++) {
            bool used = proxy->pair[i].client >= 0;
            polls[2 + 2 * i] = (struct pollfd){used ? proxy->pair[i].client : -1, POLLIN, 0};
            polls[3 + 2 * i] = (struct pollfd){used ? proxy->pair[i].server : -1, POLLIN, 0};
        }
        (void)poll(polls, 2 + 2 * PROXY_PAIRS, -1);
        if (polls[0].revents != 0) return NULL;
        for (int i = 0; i < PROXY_PAIRS; i++) {
            if (polls[2 + 2 * i].revents != 0) proxy_from_client(proxy, i);
            if (polls[3 + 2 * i].revents != 0 && proxy->pair[i].client >= 0)
                proxy_from_server(proxy, i);
        }
        if (polls[1].revents != 0) proxy_accept(proxy);
    }
}

static inline bool pg_proxy_start(pg_proxy *proxy, const char *folder)
{
    struct sockaddr_un address;
    char path[108];
    *proxy = (pg_proxy){.listener = -1};
    for (int i = 0; i < PROXY_PAIRS; i++) proxy->pair[i].client = -1;
    (void)snprintf(proxy->server_path, sizeof proxy->server_path, "%s/.s.PGSQL.5432", folder);
    (void)snprintf(path, sizeof path, "%s/.s.PGSQL.%d", folder, PROXY_PORT);
    (void)unlink(path);
    proxy->listener = proxy_socket(path, &address);
    return proxy->listener >= 0 &&
           bind(proxy->listener, (struct sockaddr *)&address, sizeof address) == 0 &&
           listen(proxy->listener, 16) == 0 && pipe(proxy->stop) == 0 &&
           pthread_create(&proxy->thread, NULL, proxy_run, proxy) == 0;
}

static inline void pg_proxy_stop(pg_proxy *proxy)
{
    (void)!write(proxy->stop[1], "x", 1);
    (void)pthread_join(proxy->thread, NULL);
    for (int i = 0; i < PROXY_PAIRS; i++)
        if (proxy->pair[i].client >= 0) proxy_close(proxy, i);
    close(proxy->listener);
    close(proxy->stop[0]);
    close(proxy->stop[1]);
}

#endif
