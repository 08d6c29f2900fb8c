/* engine/web.c: see web.h. */
#include "engine/web.h"

#include "engine/net.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool eh_web_is_url(const char *name)
{
    return strncasecmp(name, "http://", 7) == 0 || strncasecmp(name, "https://", 8) == 0;
}

/* One URL. It lives as long as the run, as its rules must. */
typedef struct place {
    const char *url;
    eh_http_rules rules;
    eh_remote_site site;
} place;

static bool ask(void *self, const char *key, eh_fetch_request *request, eh_err *err)
{
    const place *p = self;
    (void)err;
    request->http.url = key;
    request->http.rules = &p->rules;
    return true;
}

static const int changed[] = {412};

/* 412 is understood before it comes here. */
static void refused(void *self, const char *name, const eh_refusal *refusal, bool *again,
                    eh_remote_fate *fate, eh_err *err)
{
    (void)self;
    (void)again;
    (void)fate;
    eh_fail(err, EH_CLASS_REMOTE, "%s: the server answers %d", name, refusal->status);
}

static bool make_rules(eh_run *run, const eh_doc *options, place *p, eh_err *err)
{
    const eh_doc *list = eh_doc_get(options, "allow_hosts");
    const char **hosts = eh_arena_zalloc(run->arena, 1 + eh_doc_count(list), sizeof *hosts);
    if (hosts == NULL) return eh_fail_memory(err, "a URL");
    if (!eh_run_network(run, &p->rules, err)) return false;
    hosts[p->rules.host_count++] = p->url;
    for (const eh_doc *h = eh_doc_first(list); h != NULL; h = h->next)
        if (h->kind == EH_DOC_STRING) hosts[p->rules.host_count++] = h->as.string.data;
    p->rules.hosts = hosts;
    p->rules.allow_plain = strncasecmp(p->url, "http://", 7) == 0;
    return true;
}

/* A query that signs is a secret, and would make a new name each time. */
static char *name_of(const char *url)
{
    static const char *const signs[] = {"signature=", "sig=", "token=", "key="};
    size_t len = strcspn(url, "#");
    const char *query = memchr(url, '?', len);
    for (size_t i = 0; query != NULL && i < sizeof signs / sizeof signs[0]; i++)
        if (strcasestr(query, signs[i]) != NULL) return strndup(url, (size_t)(query - url));
    return strndup(url, len);
}

eh_remote *eh_web_remote(eh_run *run, const eh_doc *options, const char *url, eh_err *err)
{
    place *p = eh_arena_zalloc(run->arena, 1, sizeof *p);
    eh_fetcher *fetcher = eh_run_fetcher(run, err);
    if (p != NULL) p->url = eh_arena_strdup(run->arena, url);
    if (p == NULL || p->url == NULL) {
        eh_fail_memory(err, "a URL");
        return NULL;
    }
    if (fetcher == NULL || !make_rules(run, options, p, err)) return NULL;
    char *name = name_of(url);
    if (name == NULL) {
        eh_fail_memory(err, "a URL");
        return NULL;
    }
    p->site = (eh_remote_site){.self = p,
                               .run = run,
                               .fetcher = fetcher,
                               .ask = ask,
                               .accept = changed,
                               .accept_count = 1,
                               .refused = refused,
                               .no_pages = true,
                               .scope = p->url};
    eh_remote *remote = eh_remote_new(&p->site, name, p->url, NULL, 0, 0, err);
    free(name);
    return remote;
}
