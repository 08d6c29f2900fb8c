/* io/pgtarget.c: see pgtarget.h. */
#include "io/pgtarget.h"

#include "io/libpq.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

bool eh_pg_verify_servers(eh_err *err)
{
    /* libpq asks the string, then the service file, then this: no other way lets both of the
     * others win. */
    return setenv("PGSSLMODE", "verify-full", 0) == 0 || /* banned-ok: libpq's own default */
           eh_fail_memory(err, "a setting");
}
