/* io/pgtarget.c: see pgtarget.h. */
#include "io/pgtarget.h"

#include "io/libpq.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 256
#define DEFAULT_PORT   "5432"

static const char *option(const PQconninfoOption *all, const char *keyword)
{
    for (; all != NULL && all->keyword != NULL; all++)
        if (strcmp(all->keyword, keyword) == 0 && all->val != NULL) return all->val;
    return "";
}

static bool is_local_name(const char *name, size_t len)
{
    return len == 0 || name[0] == '/' || name[0] == '@' ||
           (len == 9 && strncmp(name, "localhost", 9) == 0) ||
           (len >= 4 && strncmp(name, "127.", 4) == 0) ||
           (len == 3 && strncmp(name, "::1", 3) == 0);
}

/* A list parted by commas: the connection may go to any of them. */
static bool all_local(const char *list)
{
    for (;;) {
        size_t len = strcspn(list, ",");
        if (!is_local_name(list, len)) return false;
        if (list[len] == '\0') return true;
        list += len + 1;
    }
}

/* libpq resolves everything before it finds the word that no one can mean, and then does not
 * connect. */
static PGconn *resolve(const eh_libpq *pq, const char *url)
{
    const char *const keys[] = {"dbname", "channel_binding", NULL};
    const char *const values[] = {url, "none of them", NULL};
    return pq->connectStartParams(keys, values, 1);
}

bool eh_pg_target(const char *url, char *out, size_t size, bool *local)
{
    eh_libpq pq;
    if (!eh_libpq_load(&pq, NULL)) return false; /* who connects is told why */
    PGconn *conn = resolve(&pq, url);
    PQconninfoOption *all = conn != NULL ? pq.conninfo(conn) : NULL;
    const char *host = option(all, "host"), *address = option(all, "hostaddr");
    bool read = option(all, "channel_binding")[0] != '\0';
    if (read) {
        (void)snprintf(out, size, "host=%s hostaddr=%s port=%s dbname=%s user=%s", host,
                       address, option(all, "port"), option(all, "dbname"),
                       option(all, "user"));
        *local = all_local(host) && all_local(address);
    }
    pq.conninfoFree(all);
    pq.finish(conn);
    return read;
}

/* Item `index` of a list parted by commas, the only one of a list of one; "" when there is
 * none. */
static void item_of(const char *list, size_t index, char *out, size_t size)
{
    bool single = strchr(list, ',') == NULL;
    for (size_t i = 0; i < index && !single && list[0] != '\0'; i++) {
        list += strcspn(list, ",");
        if (list[0] == ',') list++;
    }
    (void)snprintf(out, size, "%.*s", (int)strcspn(list, ","), list);
}

static size_t count_items(const char *list)
{
    size_t count = 1;
    for (; *list != '\0'; list++) count += *list == ',';
    return count;
}

static size_t look_up(const char *host, const char *port, struct sockaddr_storage *out,
                      size_t max)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    size_t count = 0;
    if (getaddrinfo(host, port, &hints, &found) != 0) return 0;
    for (const struct addrinfo *a = found; a != NULL && count < max; a = a->ai_next)
        if (a->ai_addrlen <= sizeof *out) memcpy(&out[count++], a->ai_addr, a->ai_addrlen);
    freeaddrinfo(found);
    return count;
}

size_t eh_pg_addresses(const char *url, struct sockaddr_storage *out, size_t max)
{
    eh_libpq pq;
    if (!eh_libpq_load(&pq, NULL)) return 0;
    PGconn *conn = resolve(&pq, url);
    PQconninfoOption *all = conn != NULL ? pq.conninfo(conn) : NULL;
    const char *hosts = option(all, "host"), *addresses = option(all, "hostaddr");
    size_t items = count_items(addresses[0] != '\0' ? addresses : hosts), count = 0;
    for (size_t i = 0; all != NULL && i < items && count < max; i++) {
        char host[NAME_MAX_BYTES], address[NAME_MAX_BYTES], port[16];
        item_of(hosts, i, host, sizeof host);
        item_of(addresses, i, address, sizeof address);
        item_of(option(all, "port"), i, port, sizeof port);
        if (port[0] == '\0') (void)snprintf(port, sizeof port, "%s", DEFAULT_PORT);
        if (address[0] == '\0' && (host[0] == '/' || host[0] == '@' || host[0] == '\0')) {
            count += look_up("127.0.0.1", port, out + count, max - count);
            count += look_up("::1", port, out + count, max - count);
        } else {
            count +=
                look_up(address[0] != '\0' ? address : host, port, out + count, max - count);
        }
    }
    pq.conninfoFree(all);
    pq.finish(conn);
    return count;
}

/* ---- passwords ----------------------------------------------------------------------------
 */

typedef struct passwords {
    eh_arena *arena;
    const PQconninfoOption *options;
    eh_slice *out;
    size_t count;
} passwords;

/* What an error or a table of runs shows anyway. */
static bool is_told(const passwords *p, const char *text)
{
    static const char *const told[] = {"user", "dbname", "host", "hostaddr", "port"};
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        if (strcmp(text, option(p->options, told[i])) == 0) return true;
    return false;
}

static void keep(passwords *p, const char *text, size_t len)
{
    if (len == 0 || p->count == EH_PG_PASSWORDS_MAX) return;
    for (size_t i = 0; i < p->count; i++)
        if (eh_slice_equal(p->out[i], eh_slice_of(text, len))) return;
    const char *copy = eh_arena_strndup(p->arena, text, len);
    if (copy != NULL) p->out[p->count++] = eh_slice_of(copy, len);
}

/* What stands between the first colon behind :// and the last @: whole, and in the pieces into
 * which a bare / # ? or @ in it makes libpq cut it. */
static void keep_meant(passwords *p, const char *url)
{
    const char *begin = strstr(url, "://");
    begin = begin != NULL ? strchr(begin + 3, ':') : NULL;
    if (begin == NULL) return;
    size_t path = strcspn(begin, "?");
    const char *end = memrchr(begin, '@', path);
    bool has_user = memchr(url, '@', (size_t)(begin - url)) != NULL;
    if (end == NULL && !has_user) end = strrchr(begin, '@');
    if (end == NULL) return;
    begin++;
    keep(p, begin, (size_t)(end - begin));
    while (begin < end) {
        size_t len = strcspn(begin, "/#?@:[]");
        if (begin + len > end) len = (size_t)(end - begin);
        keep(p, begin, len);
        begin += len + 1;
    }
}

size_t eh_pg_passwords(const char *url, eh_arena *arena, eh_slice out[EH_PG_PASSWORDS_MAX])
{
    eh_libpq pq;
    passwords p = {.arena = arena, .out = out};
    if (!eh_libpq_load(&pq, NULL)) return 0;
    PGconn *conn = resolve(&pq, url);
    PQconninfoOption *all = conn != NULL ? pq.conninfo(conn) : NULL;
    p.options = all;
    const char *file = conn != NULL ? pq.pass(conn) : NULL;
    const char *found[] = {option(all, "password"), option(all, "sslpassword"),
                           file != NULL ? file : ""};
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++)
        if (!is_told(&p, found[i])) keep(&p, found[i], strlen(found[i]));
    bool is_cut = strchr(option(all, "host"), '@') != NULL;
    if (found[0][0] == '\0' || option(all, "channel_binding")[0] == '\0' || is_cut)
        keep_meant(&p, url);
    pq.conninfoFree(all);
    pq.finish(conn);
    return p.count;
}

bool eh_pg_verify_servers(eh_err *err)
{
    /* libpq asks the string, then the service file, then this: no other way lets both of the
     * others win. */
    return setenv("PGSSLMODE", "verify-full", 0) == 0 || /* banned-ok: libpq's own default */
           eh_fail_memory(err, "a setting");
}
