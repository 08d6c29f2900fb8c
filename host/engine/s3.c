/* engine/s3.c: see s3.h. What refusals mean is in s3_refusal.c. */
#include "engine/s3_private.h"

#include <stdio.h>
#include <stdlib.h>

#define XML_MAX     ((uint64_t)32 * 1024 * 1024)
#define CHUNK       ((size_t)16 * 1024)
#define URL_MAX     ((size_t)16 * 1024)
#define LIST_TRIES  4
#define DEADLINE_MS ((int64_t)10 * 60 * 1000)

/* ---- where it is ------------------------------------------------------------------------ */

/* Path style, unless the settings say: where a host name cannot carry the bucket's. */
static bool path_style(const eh_doc *settings, const char *bucket, const char *endpoint)
{
    bool needed = eh_s3_needs_path_style(bucket, endpoint);
    return eh_s3_is_true(settings, "path_style", needed);
}

/* Connections that are kept were judged by the rules of before: so each region has its own. */
static bool make_rules(eh_s3 *s3, eh_err *err)
{
    eh_arena *arena = s3->run->arena;
    eh_http_rules *rules = eh_arena_zalloc(arena, 1, sizeof *rules);
    const char **hosts = eh_arena_zalloc(arena, 1, sizeof *hosts);
    eh_buf host;
    eh_buf_init(&host, URL_MAX);
    bool ok = rules != NULL && hosts != NULL ? eh_run_network(s3->run, rules, err)
                                             : eh_fail_memory(err, "a bucket");
    bool plain = strncmp(s3->bucket.endpoint, "http://", 7) == 0;
    ok = ok && eh_buf_append_str(&host, plain ? "http://" : "https://", err) &&
         eh_s3_host(&s3->bucket, &host, err);
    if (ok) {
        hosts[0] = eh_arena_strndup(arena, host.data, host.len);
        rules->hosts = hosts;
        rules->host_count = 1;
        rules->allow_plain = plain;
        s3->rules = rules;
        ok = hosts[0] != NULL || eh_fail_memory(err, "a bucket");
    }
    eh_buf_free(&host);
    return ok;
}

bool eh_s3_move(eh_s3 *s3, const char *region, eh_err *err)
{
    const char *copy = eh_arena_strdup(s3->run->arena, region);
    if (copy == NULL) return eh_fail_memory(err, "a region");
    s3->bucket.region = copy;
    s3->sign.region = copy;
    return make_rules(s3, err);
}

static bool is_region(const char *text)
{
    for (const char *p = text; *p != '\0'; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-')) return false;
    return text[0] != '\0' && strlen(text) < 64;
}

static bool read_place(eh_s3 *s3, const eh_doc *settings, const char *bucket, eh_err *err)
{
    const char *region = eh_doc_str(settings, "region", "us-east-1");
    const char *endpoint = eh_doc_str(settings, "endpoint", "");
    if (!eh_s3_bucket_name_ok(bucket))
        return eh_fail(err, EH_CLASS_CONFIG, "\"%s\" is no name of a bucket", bucket) ||
               eh_err_hint(err, "a bucket's name has 3 to 63 of a-z, 0-9, dots and hyphens");
    if (!is_region(region))
        return eh_fail(err, EH_CLASS_CONFIG, "\"%s\" is no region", region) ||
               eh_err_hint(err, "a region is a word such as eu-central-1, or auto");
    if (endpoint[0] != '\0' && strncmp(endpoint, "https://", 8) != 0 &&
        strncmp(endpoint, "http://", 7) != 0)
        return eh_fail(err, EH_CLASS_CONFIG, "the endpoint \"%s\" is no URL", endpoint) ||
               eh_err_hint(err, "write it with its scheme: https://minio.example.com:9000");
    const char *name = eh_arena_strdup(s3->run->arena, bucket);
    if (name == NULL) return eh_fail_memory(err, "a bucket");
    s3->bucket = (eh_s3_bucket){name, region, endpoint, path_style(settings, bucket, endpoint)};
    return make_rules(s3, err);
}

static bool ask_for_key(void *self, const char *key, eh_fetch_request *request, eh_err *err)
{
    eh_s3 *s3 = self;
    s3->url.len = 0;
    if (!eh_s3_url(&s3->bucket, eh_slice_str(key), NULL, 0, &s3->url, err)) return false;
    request->http.url = eh_buf_cstr(&s3->url);
    request->http.rules = s3->rules;
    request->http.no_redirects = true;
    if (!s3->credentials.anonymous) request->http.sigv4 = &s3->sign;
    return request->http.url != NULL || eh_fail_memory(err, "a URL");
}

eh_s3 *eh_s3_open(eh_run *run, const char *instance, const eh_doc *settings, const char *bucket,
                  eh_err *err)
{
    eh_s3 *s3 = calloc(1, sizeof *s3);
    if (s3 == NULL) {
        eh_fail_memory(err, "a bucket");
        return NULL;
    }
    s3->run = run;
    s3->instance = instance;
    eh_buf_init(&s3->url, URL_MAX);
    eh_fetcher *fetcher = eh_run_fetcher(run, err);
    s3->site = (eh_remote_site){.self = s3,
                                .run = run,
                                .fetcher = fetcher,
                                .ask = ask_for_key,
                                .accept = eh_s3_refusals,
                                .accept_count = eh_s3_refusal_count,
                                .refused = eh_s3_refused,
                                .scope = ""};
    if (fetcher != NULL && read_place(s3, settings, bucket, err) &&
        eh_s3_credentials_read(run, instance, settings, &s3->credentials, err)) {
        const eh_buf *token = &s3->credentials.token;
        s3->sign = (eh_http_sigv4){.region = s3->bucket.region,
                                   .service = "s3",
                                   .key_id = s3->credentials.key_id.data,
                                   .secret = s3->credentials.secret.data,
                                   .token = token->len > 0 ? token->data : NULL};
        return s3;
    }
    eh_s3_free(s3);
    return NULL;
}

void eh_s3_free(eh_s3 *s3)
{
    if (s3 == NULL) return;
    eh_s3_credentials_wipe(&s3->credentials);
    eh_buf_free(&s3->url);
    free(s3);
}

const eh_remote_site *eh_s3_site(const eh_s3 *s3)
{
    return &s3->site;
}

/* ---- listing ---------------------------------------------------------------------------- */

/* One request, and what came of it. */
typedef struct asked {
    eh_s3 *s3;
    bool done;
    bool again;
    bool bad_token;
    bool with_token;
    eh_body *body;
    eh_err failure;
} asked;

static bool read_body(eh_body *body, eh_s3_list *list, eh_err *err)
{
    char chunk[CHUNK];
    size_t got = 1;
    for (uint64_t at = 0; got > 0; at += got)
        if (!eh_body_read(body, at, chunk, sizeof chunk, &got, err) ||
            !eh_s3_list_feed(list, eh_slice_of(chunk, got), err))
            return false;
    return true;
}

static void on_listed(void *self, eh_fetch *fetch, const eh_err *err)
{
    asked *a = self;
    const eh_http_answer *answer = eh_fetch_answer(fetch);
    a->done = true;
    if (err != NULL) {
        a->failure = *err;
    } else if (answer->status == 200) {
        a->body = eh_body_hold(eh_fetch_body(fetch));
    } else {
        char text[CHUNK];
        size_t len = 0;
        eh_remote_fate fate = EH_REMOTE_THERE;
        if (!eh_body_read(eh_fetch_body(fetch), 0, text, sizeof text, &len, &a->failure))
            return;
        eh_refusal refusal = {answer->status, answer, eh_slice_of(text, len)};
        a->bad_token = a->with_token && eh_s3_refused_token(a->s3, &refusal);
        eh_s3_refused(a->s3, NULL, &refusal, &a->again, &fate, &a->failure);
    }
}

static bool send_list(asked *a, const char *prefix, const char *after, const char *token,
                      eh_err *err)
{
    eh_s3 *s3 = a->s3;
    eh_s3_pair pairs[6] = {{"list-type", eh_slice_str("2")},
                           {"encoding-type", eh_slice_str("url")},
                           {"max-keys", eh_slice_str("1000")}};
    size_t count = 3;
    if (prefix[0] != '\0') pairs[count++] = (eh_s3_pair){"prefix", eh_slice_str(prefix)};
    if (token != NULL)
        pairs[count++] = (eh_s3_pair){"continuation-token", eh_slice_str(token)};
    else if (after != NULL)
        pairs[count++] = (eh_s3_pair){"start-after", eh_slice_str(after)};
    a->with_token = token != NULL;
    eh_fetch_request request = {.http = {.method = "GET",
                                         .rules = s3->rules,
                                         .no_redirects = true,
                                         .max_bytes = XML_MAX,
                                         .deadline_ms = DEADLINE_MS},
                                .accept = eh_s3_refusals,
                                .accept_count = eh_s3_refusal_count};
    const eh_fetch_done done = {a, on_listed};
    s3->url.len = 0;
    if (!eh_s3_url(&s3->bucket, eh_slice_str(""), pairs, count, &s3->url, err)) return false;
    request.http.url = eh_buf_cstr(&s3->url);
    if (request.http.url == NULL) return eh_fail_memory(err, "a URL");
    if (!s3->credentials.anonymous) request.http.sigv4 = &s3->sign;
    eh_fetch *fetch = eh_fetch_start(s3->site.fetcher, &request, &done, err);
    if (fetch == NULL) return false;
    while (!a->done) {
        if (eh_loop_turn(s3->run->loop, -1, err) && eh_run_may_go_on(s3->run, err)) continue;
        if (!a->done) eh_fetch_cancel(fetch);
        return false;
    }
    return true;
}

/* AWS may begin with 200 and end with an error: that is like an error from the start, but what
 * is worth trying again is tried again here. */
static bool read_answer(asked *a, eh_arena *arena, eh_s3_page *page, bool *again, eh_err *err)
{
    eh_s3_fault fault;
    eh_s3_list *list = eh_s3_list_new(arena, err);
    bool ok = list != NULL && read_body(a->body, list, err) &&
              eh_s3_list_end(list, page, &fault, err);
    eh_s3_list_free(list);
    *again = ok || err->class_ == EH_CLASS_TRANSIENT;
    if (!ok || fault.code[0] == '\0') return ok;
    return eh_fail(err, EH_CLASS_TRANSIENT, "the bucket %s answers %s: %s", a->s3->bucket.name,
                   fault.code, fault.message);
}

static bool list_once(eh_s3 *s3, const char *prefix, const char *after, const char *token,
                      eh_arena *arena, eh_s3_page *page, bool *again, bool *bad_token,
                      eh_err *err)
{
    asked a = {.s3 = s3};
    *page = (eh_s3_page){.objects = NULL};
    bool ok = send_list(&a, prefix, after, token, err);
    *again = a.again;
    *bad_token = a.bad_token;
    if (ok && a.failure.class_ != EH_OK) {
        *err = a.failure;
        ok = false;
    }
    ok = ok && !a.again && read_answer(&a, arena, page, again, err);
    eh_body_free(a.body);
    return ok;
}

bool eh_s3_keys(eh_s3 *s3, const char *prefix, const char *after, const char *token,
                eh_arena *arena, eh_s3_page *page, eh_err *err)
{
    for (unsigned attempt = 1;; attempt++) {
        eh_err failure = {.class_ = EH_OK};
        bool again, bad_token;
        if (list_once(s3, prefix, after, token, arena, page, &again, &bad_token, &failure))
            return true;
        /* The store does not know its own token any more: on from the last key. */
        if (bad_token) token = NULL;
        if ((again || bad_token) && attempt < LIST_TRIES) continue;
        if (failure.class_ == EH_OK)
            eh_fail(&failure, EH_CLASS_REMOTE, "the bucket %s cannot be listed",
                    s3->bucket.name);
        if (strstr(failure.message, "Could not resolve host") != NULL &&
            !s3->bucket.path_style && s3->bucket.endpoint[0] != '\0')
            (void)snprintf(
                failure.hint, sizeof failure.hint,
                "is the endpoint right? path_style: true leaves the bucket out of the "
                "host's name");
        if (err->class_ == EH_OK) *err = failure;
        return eh_err_while(err, "listing s3://%s/%s", s3->bucket.name, prefix);
    }
}
