/* engine/request.c: see request.h. */
#include "engine/request.h"

#include "io/url.h"
#include "load/key_set.h"

#include <stdlib.h>

#define REQUEST_MAX     ((size_t)16 * 1024 * 1024)
#define TEXT_MAX        ((size_t)8 * 1024 * 1024)
#define URL_LIMIT       8192
#define PAIRS_MAX       1000
#define ACCEPT_MAX      32
#define DEADLINE_MS     ((int64_t)10 * 60 * 1000)
#define DEADLINE_MAX_MS ((int64_t)7 * 86400 * 1000)
/* Of a stream that nobody reads yet. */
#define AHEAD_BYTES ((uint64_t)16 * 1024 * 1024)

typedef struct pair {
    eh_slice name, value; /* as the script wrote them, handles included */
} pair;

typedef struct pairs {
    const pair *list;
    size_t count;
} pairs;

struct eh_request {
    eh_run *run;
    eh_arena *arena;
    const char *instance;
    const char *url; /* without the pairs of `query` */
    char *origin;    /* "https://api.x.com:443"; owned */
    pairs query, form, headers;
    eh_slice body;
    eh_secret_place body_place;
    const char *label;
    eh_fetch_request fetch;
    int accept[ACCEPT_MAX];
    /* of the attempt */
    eh_buf filled_url, filled_body;
    eh_buf *filled; /* of the headers */
    eh_http_header *sent;
};

/* ---- reading the arguments -------------------------------------------------------------- */

static bool copy_slice(eh_arena *arena, eh_slice from, eh_slice *to, eh_err *err)
{
    *to = eh_slice_of(eh_arena_strndup(arena, from.data, from.len), from.len);
    return to->data != NULL || eh_fail_memory(err, "a request");
}

/* A list of [name, value]. */
static bool read_pairs(eh_arena *arena, const eh_doc *args, const char *key, pairs *out,
                       eh_err *err)
{
    const eh_doc *list = eh_doc_get(args, key);
    size_t count = eh_doc_count(list);
    if (count > PAIRS_MAX)
        return eh_fail(err, EH_CLASS_SCRIPT, "request: %s has more than %d entries", key,
                       PAIRS_MAX);
    pair *all = eh_arena_zalloc(arena, count, sizeof *all);
    if (all == NULL) return eh_fail_memory(err, "a request");
    for (const eh_doc *p = eh_doc_first(list); p != NULL; p = p->next) {
        const eh_doc *name = eh_doc_first(p), *value = name != NULL ? name->next : NULL;
        if (name == NULL || value == NULL || name->kind != EH_DOC_STRING ||
            value->kind != EH_DOC_STRING)
            return eh_fail(err, EH_CLASS_SCRIPT, "request: %s must be names and texts", key);
        pair *one = &all[out->count++];
        if (!copy_slice(arena, name->as.string, &one->name, err) ||
            !copy_slice(arena, value->as.string, &one->value, err))
            return false;
    }
    out->list = all;
    return true;
}

/* What ends at a NUL here would be another text for the script. */
static bool read_text(const eh_doc *args, const char *key, const char *fallback,
                      const char **out, eh_err *err)
{
    const eh_doc *value = eh_doc_get(args, key);
    *out = eh_doc_str(args, key, fallback);
    return value == NULL || value->kind == EH_DOC_NULL ||
           (value->kind == EH_DOC_STRING && strlen(*out) == value->as.string.len) ||
           eh_fail(err, EH_CLASS_SCRIPT, "request: %s must be text without a NUL", key);
}

/* Absolute, or behind the base that the script has for it. Neither is trusted more than the
 * other: where it leads is judged. */
static bool read_url(eh_request *r, const eh_doc *args, eh_err *err)
{
    const char *url, *base;
    if (!read_text(args, "url", "", &url, err) || !read_text(args, "base", NULL, &base, err))
        return false;
    if (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0) {
        r->url = eh_arena_strdup(r->arena, url);
    } else {
        if (base == NULL) {
            eh_fail(err, EH_CLASS_SCRIPT, "request: \"%s\" is no absolute URL", url);
            return eh_err_hint(err, "a setting base_url is what other URLs are appended to");
        }
        size_t len = strlen(base);
        while (len > 0 && base[len - 1] == '/') len--;
        const char *between = url[0] == '?' || url[0] == '\0' ? "" : "/";
        while (*url == '/') url++;
        r->url = eh_arena_printf(r->arena, "%.*s%s%s", (int)len, base, between, url);
    }
    if (r->url == NULL) return eh_fail_memory(err, "a URL");
    return strlen(r->url) <= URL_LIMIT ||
           eh_fail(err, EH_CLASS_SCRIPT, "request: the URL is longer than %d bytes", URL_LIMIT);
}

/* At most one of body, json and form. */
static bool read_body(eh_request *r, const eh_doc *args, eh_err *err)
{
    const eh_doc *body = eh_doc_get(args, "body"), *json = eh_doc_get(args, "json");
    r->body_place = json != NULL ? EH_SECRET_JSON : EH_SECRET_BODY;
    if ((body != NULL) + (json != NULL) + (eh_doc_get(args, "form") != NULL) > 1)
        return eh_fail(err, EH_CLASS_SCRIPT, "request: one of body, json and form");
    if (body != NULL && body->kind != EH_DOC_STRING)
        return eh_fail(err, EH_CLASS_SCRIPT, "request: the body must be text");
    if (body != NULL) return copy_slice(r->arena, body->as.string, &r->body, err);
    if (json == NULL) return read_pairs(r->arena, args, "form", &r->form, err);
    eh_buf text;
    eh_buf_init(&text, TEXT_MAX);
    bool ok = eh_doc_to_json(json, &text, err) &&
              copy_slice(r->arena, eh_buf_slice(&text), &r->body, err);
    eh_buf_free(&text);
    return ok;
}

static bool is_method(const char *method)
{
    size_t len = strlen(method);
    return len > 0 && len <= 16 && strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == len;
}

static bool read_accept(eh_request *r, const eh_doc *args, eh_err *err)
{
    for (const eh_doc *a = eh_doc_first(eh_doc_get(args, "accept")); a != NULL; a = a->next) {
        if (a->kind != EH_DOC_INTEGER || r->fetch.accept_count == ACCEPT_MAX)
            return eh_fail(err, EH_CLASS_SCRIPT, "request: accept is a list of statuses");
        r->accept[r->fetch.accept_count++] = (int)a->as.integer;
    }
    r->fetch.accept = r->accept;
    return true;
}

/* ---- putting it together ---------------------------------------------------------------- */

/* A name or value of a query or form. Secrets of the run are put in, or shown as ***. */
static bool append_part(const eh_request *r, eh_slice text, bool shown, eh_buf *out,
                        eh_err *err)
{
    if (!eh_secrets_has(r->run->secrets, text)) return eh_url_encode(out, text, err);
    if (shown) return eh_buf_append_str(out, "***", err);
    eh_buf value;
    eh_buf_init(&value, TEXT_MAX);
    bool ok = eh_secrets_fill(r->run->secrets, r->instance, r->origin, EH_SECRET_BODY, text,
                              &value, err) &&
              eh_url_encode(out, eh_buf_slice(&value), err);
    eh_secrets_wipe(&value);
    return ok;
}

static bool append_pairs(const eh_request *r, const pairs *all, bool shown, eh_buf *out,
                         eh_err *err)
{
    for (size_t i = 0; i < all->count; i++) {
        const pair *p = &all->list[i];
        if ((i > 0 && !eh_buf_append_byte(out, '&', err)) ||
            !append_part(r, p->name, shown, out, err) || !eh_buf_append_byte(out, '=', err) ||
            !append_part(r, p->value, shown, out, err))
            return false;
    }
    return true;
}

/* The URL with its query. */
static bool make_url(const eh_request *r, bool shown, eh_buf *out, eh_err *err)
{
    eh_slice url = eh_slice_str(r->url);
    bool secret = eh_secrets_has(r->run->secrets, url);
    bool ok = !secret ? eh_buf_append(out, url.data, url.len, err)
              : shown ? eh_buf_printf(out, err, "%s/***", r->origin)
                      : eh_secrets_fill(r->run->secrets, r->instance, r->origin, EH_SECRET_URL,
                                        url, out, err);
    if (!ok || r->query.count == 0) return ok;
    char last = url.len > 0 ? url.data[url.len - 1] : ' ';
    bool begun = memchr(url.data, '?', url.len) != NULL;
    if (last != '?' && last != '&' && !eh_buf_append_byte(out, begun ? '&' : '?', err))
        return false;
    return append_pairs(r, &r->query, shown, out, err);
}

static bool fill_headers(eh_request *r, eh_http_request *http, eh_err *err)
{
    for (size_t i = 0; i < r->headers.count; i++) {
        r->filled[i].len = 0;
        if (!eh_secrets_fill(r->run->secrets, r->instance, r->origin, EH_SECRET_HEADER,
                             r->headers.list[i].value, &r->filled[i], err))
            return false;
        r->sent[i] = (eh_http_header){r->headers.list[i].name, eh_buf_slice(&r->filled[i])};
    }
    http->headers = r->sent;
    http->header_count = r->headers.count;
    return true;
}

static bool fill_body(eh_request *r, eh_http_request *http, eh_err *err)
{
    r->filled_body.len = 0;
    bool ok =
        r->form.count > 0
            ? append_pairs(r, &r->form, false, &r->filled_body, err)
            : r->body.len == 0 || eh_secrets_fill(r->run->secrets, r->instance, r->origin,
                                                  r->body_place, r->body, &r->filled_body, err);
    http->body = eh_buf_slice(&r->filled_body);
    return ok;
}

static bool prepare(void *self, unsigned attempt, eh_http_request *http, eh_err *err)
{
    eh_request *r = self;
    (void)attempt;
    r->filled_url.len = 0;
    if (!make_url(r, false, &r->filled_url, err) || !fill_headers(r, http, err) ||
        !fill_body(r, http, err))
        return false;
    http->url = eh_buf_cstr(&r->filled_url);
    return http->url != NULL || eh_fail_memory(err, "a URL");
}

/* ---- the request ------------------------------------------------------------------------ */

static bool has_header(const eh_request *r, const char *name)
{
    for (size_t i = 0; i < r->headers.count; i++)
        if (r->headers.list[i].name.len == strlen(name) &&
            strncasecmp(r->headers.list[i].name.data, name, strlen(name)) == 0)
            return true;
    return false;
}

/* What the body is, unless the script says so. */
static bool add_content_type(eh_request *r, const eh_doc *args, eh_err *err)
{
    const char *type = eh_doc_get(args, "json") != NULL ? "application/json"
                       : r->form.count > 0              ? "application/x-www-form-urlencoded"
                                                        : NULL;
    if (type == NULL || has_header(r, "content-type")) return true;
    pair *all = eh_arena_zalloc(r->arena, r->headers.count + 1, sizeof *all);
    if (all == NULL) return eh_fail_memory(err, "a request");
    if (r->headers.count > 0) memcpy(all, r->headers.list, r->headers.count * sizeof *all);
    all[r->headers.count++] = (pair){eh_slice_str("Content-Type"), eh_slice_str(type)};
    r->headers.list = all;
    return true;
}

static bool read_origin(eh_request *r, eh_err *err)
{
    eh_url url;
    char *end = strpbrk(r->url + strlen("https://"), "/?#");
    /* Only the host is of interest: the rest may still be a handle. */
    const char *origin =
        end == NULL ? r->url : eh_arena_strndup(r->arena, r->url, (size_t)(end - r->url));
    if (origin == NULL) return eh_fail_memory(err, "a URL");
    if (!eh_url_parse(origin, &url, err)) return false;
    r->origin = strdup(url.origin);
    eh_url_free(&url);
    return r->origin != NULL || eh_fail_memory(err, "a URL");
}

static bool make_label(eh_request *r, const char *method, eh_err *err)
{
    eh_buf url;
    eh_buf_init(&url, TEXT_MAX);
    bool ok = make_url(r, true, &url, err);
    if (ok) {
        r->label =
            eh_arena_printf(r->arena, "%s %.*s", method, EH_SLICE_FMT(eh_buf_slice(&url)));
        ok = r->label != NULL || eh_fail_memory(err, "a URL");
    }
    eh_buf_free(&url);
    return ok;
}

/* Its body is read as it comes: that may take long, and be long. */
static bool read_stream(eh_request *r, const eh_doc *args, eh_err *err)
{
    if (!eh_doc_bool(args, "stream", false)) return true;
    if (eh_doc_count(eh_doc_get(args, "capture")) > 0)
        return eh_fail(err, EH_CLASS_SCRIPT,
                       "request: capture needs the whole answer, so it takes no stream");
    r->fetch.window = AHEAD_BYTES;
    r->fetch.deadline_to_head = eh_doc_int(args, "deadline_ms", 0) <= 0;
    if (r->fetch.http.max_bytes == 0) r->fetch.http.max_bytes = INT64_MAX;
    return true;
}

static bool read_all(eh_request *r, const eh_pipeline_stream *s, const eh_doc *args,
                     eh_err *err)
{
    const char *method;
    if (!read_text(args, "method", "GET", &method, err)) return false;
    if (!is_method(method))
        return eh_fail(err, EH_CLASS_SCRIPT, "request: \"%s\" is no method", method);
    method = eh_arena_strdup(r->arena, method);
    if (method == NULL) return eh_fail_memory(err, "a request");
    if (!read_url(r, args, err) || !read_origin(r, err) ||
        !read_pairs(r->arena, args, "query", &r->query, err) ||
        !read_pairs(r->arena, args, "headers", &r->headers, err) || !read_body(r, args, err) ||
        !add_content_type(r, args, err) || !read_accept(r, args, err) ||
        !make_label(r, method, err))
        return false;
    size_t count = r->headers.count > 0 ? r->headers.count : 1;
    r->filled = eh_arena_zalloc(r->arena, count, sizeof *r->filled);
    r->sent = eh_arena_zalloc(r->arena, count, sizeof *r->sent);
    if (r->filled == NULL || r->sent == NULL) return eh_fail_memory(err, "a request");
    for (size_t i = 0; i < r->headers.count; i++) eh_buf_init(&r->filled[i], TEXT_MAX);
    int64_t deadline = eh_doc_int(args, "deadline_ms", DEADLINE_MS);
    if (deadline > DEADLINE_MAX_MS) deadline = DEADLINE_MAX_MS;
    r->fetch.http =
        (eh_http_request){.method = method,
                          .url = strchr(r->label, ' ') + 1,
                          .rules = s->rules,
                          .deadline_ms = deadline > 0 ? deadline : DEADLINE_MS,
                          .max_bytes = eh_doc_int(args, "max_bytes", 0) > 0
                                           ? (uint64_t)eh_doc_int(args, "max_bytes", 0)
                                           : 0,
                          .as_stored = eh_doc_bool(args, "as_stored", false)};
    r->fetch.prepare = prepare;
    r->fetch.prepare_self = r;
    r->fetch.http.repeatable = eh_doc_bool(args, "repeatable", false);
    r->fetch.rate = eh_doc_str(s->stream.declaration, "rate", NULL);
    r->fetch.credential = s->stream.instance;
    return read_stream(r, args, err);
}

eh_request *eh_request_new(eh_run *run, const eh_pipeline_stream *stream, const eh_doc *args,
                           eh_err *err)
{
    eh_request *r = calloc(1, sizeof *r);
    if (r != NULL) r->arena = eh_arena_new(REQUEST_MAX);
    if (r == NULL || r->arena == NULL) {
        free(r);
        eh_fail_memory(err, "a request");
        return NULL;
    }
    r->run = run;
    r->instance = stream->stream.instance;
    eh_buf_init(&r->filled_url, TEXT_MAX);
    eh_buf_init(&r->filled_body, TEXT_MAX);
    if (read_all(r, stream, args, err)) return r;
    eh_request_free(r);
    return NULL;
}

void eh_request_free(eh_request *r)
{
    if (r == NULL) return;
    eh_secrets_wipe(&r->filled_url);
    eh_secrets_wipe(&r->filled_body);
    for (size_t i = 0; r->filled != NULL && i < r->headers.count; i++)
        eh_secrets_wipe(&r->filled[i]);
    free(r->origin);
    eh_arena_free(r->arena);
    free(r);
}

const eh_fetch_request *eh_request_fetch(const eh_request *r)
{
    return &r->fetch;
}

const char *eh_request_label(const eh_request *r)
{
    return r->label;
}

static uint64_t hash_text(uint64_t hash, eh_slice text)
{
    hash = eh_key_hash(hash, text.data, text.len);
    return eh_key_hash(hash, "", 1); /* where it ends */
}

static uint64_t hash_pairs(uint64_t hash, const pairs *all)
{
    for (size_t i = 0; i < all->count; i++)
        hash = hash_text(hash_text(hash, all->list[i].name), all->list[i].value);
    return eh_key_hash(hash, "", 1);
}

eh_page_marks eh_request_marks(const eh_request *r)
{
    eh_slice url = eh_slice_str(r->url), bare = eh_slice_of(url.data, strcspn(url.data, "?#"));
    uint64_t method = hash_text(EH_KEY_HASH, eh_slice_str(r->fetch.http.method));
    uint64_t all = hash_text(method, url);
    all = hash_pairs(hash_pairs(hash_pairs(all, &r->query), &r->form), &r->headers);
    return (eh_page_marks){.request = hash_text(all, r->body),
                           .place = hash_text(method, bare)};
}
