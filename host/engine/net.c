/* engine/net.c: see net.h. */
#include "engine/net.h"

#include "io/pgtarget.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LONG_WAIT_MS  ((int64_t)2000)
#define RETRIES_TOLD  20
#define FORBIDDEN_MAX 32 /* addresses */

struct eh_net {
    eh_http *http;
    eh_spool *spool;
    eh_fetcher *fetcher;
};

/* A long wait is told at once, the others in the log of the run; of very many only the first.
 */
static void tell_retry(void *self, const eh_err *err, int64_t wait_ms)
{
    eh_run *run = self;
    char text[1200];
    (void)snprintf(text, sizeof text, "trying again in %" PRId64 ".%" PRId64 " s: %s",
                   wait_ms / 1000, wait_ms % 1000 / 100, err->message);
    if (wait_ms >= LONG_WAIT_MS) {
        eh_event_begin(&run->events, "waiting");
        eh_event_str(&run->events, "message", text);
        eh_event_end(&run->events);
    }
    bool many = eh_fetcher_totals(run->net->fetcher).retries > RETRIES_TOLD;
    eh_event_log(&run->events, many ? "debug" : "info", text, NULL, NULL);
}

static void tell_totals(eh_run *run)
{
    eh_fetch_totals totals = eh_fetcher_totals(run->net->fetcher);
    if (totals.requests == 0) return;
    eh_event_begin(&run->events, "requests");
    eh_event_int(&run->events, "requests", totals.requests);
    eh_event_int(&run->events, "retries", totals.retries);
    eh_event_int(&run->events, "bytes", (int64_t)totals.bytes);
    eh_event_end(&run->events);
}

static bool open_net(eh_run *run, struct eh_net *net, eh_err *err)
{
    net->http = eh_http_new(run->loop, &run->clock, err);
    if (net->http == NULL) return false;
    net->spool = eh_spool_new(eh_doc_str(run->spec, "spool", "/tmp"), 0, err);
    if (net->spool == NULL) return false;
    eh_fetcher_options options = {.loop = run->loop,
                                  .clock = run->clock,
                                  .http = net->http,
                                  .spool = net->spool,
                                  .mask = eh_secrets_mask_buf,
                                  .mask_self = run->secrets,
                                  .retrying = tell_retry,
                                  .retrying_self = run};
    net->fetcher = eh_fetcher_new(&options, err);
    return net->fetcher != NULL;
}

eh_fetcher *eh_run_fetcher(eh_run *run, eh_err *err)
{
    if (run->net != NULL) return run->net->fetcher;
    run->net = calloc(1, sizeof *run->net);
    if (run->net == NULL) {
        eh_fail_memory(err, "an HTTP client");
        return NULL;
    }
    if (open_net(run, run->net, err)) return run->net->fetcher;
    eh_run_close_net(run);
    return NULL;
}

eh_spool *eh_run_spool(eh_run *run, eh_err *err)
{
    return eh_run_fetcher(run, err) != NULL ? run->net->spool : NULL;
}

void eh_run_close_net(eh_run *run)
{
    if (run->net == NULL) return;
    if (run->net->fetcher != NULL) tell_totals(run);
    eh_fetcher_free(run->net->fetcher);
    eh_http_free(run->net->http);
    eh_spool_free(run->net->spool);
    free(run->net);
    run->net = NULL;
}

/* A script must not talk to the database behind the loader's back, whatever the operator opens
 * besides. Looked up once: a name server is asked. */
static bool look_up_destination(eh_run *run, eh_err *err)
{
    const char *url = eh_doc_str(eh_doc_get(run->spec, "destination"), "url", "");
    bool connects = strcmp(eh_doc_str(run->spec, "op", ""), "check") != 0;
    if (run->forbidden != NULL || !connects || url[0] == '\0' ||
        strncmp(url, "sqlite:", 7) == 0)
        return true;
    run->forbidden = eh_arena_zalloc(run->arena, FORBIDDEN_MAX, sizeof *run->forbidden);
    if (run->forbidden == NULL) return eh_fail_memory(err, "what may be reached");
    run->forbidden_count = eh_pg_addresses(url, run->forbidden, FORBIDDEN_MAX);
    return true;
}

bool eh_run_network(eh_run *run, eh_http_rules *rules, eh_err *err)
{
    const eh_doc *network = eh_doc_get(run->spec, "network");
    const eh_doc *list = eh_doc_get(network, "allow_private");
    const char **allowed = eh_arena_zalloc(run->arena, eh_doc_count(list), sizeof *allowed);
    if (!look_up_destination(run, err)) return false;
    *rules = (eh_http_rules){.allow_private = allowed,
                             .forbidden = run->forbidden,
                             .forbidden_count = run->forbidden_count,
                             .ca_file = eh_doc_str(network, "ca_file", NULL),
                             .proxy = eh_doc_str(network, "proxy", NULL)};
    if (allowed == NULL) return eh_fail_memory(err, "what may be reached");
    for (const eh_doc *a = eh_doc_first(list); a != NULL; a = a->next)
        if (a->kind == EH_DOC_STRING) allowed[rules->allow_private_count++] = a->as.string.data;
    return true;
}
