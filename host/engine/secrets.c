/* engine/secrets.c: see secrets.h. Where values are kept, and how they get into a request;
 * finding them in text is secret_mask.c's. */
#include "engine/secrets_private.h"

#include "io/url.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define OPEN         "{{secret:"
#define CLOSE        "}}"
#define NAME_MAX_LEN 200
#define NONCE_MIN    16
#define RECENT_MAX   256 /* derived ones that are known, and retired ones that are masked */
#define CAPTURED_MAX 256

/* ---- one secret -----------------------------------------------------------------------------
 */

static void free_secret(eh_secret *secret)
{
    if (secret == NULL) return;
    if (secret->memory != NULL) {
        explicit_bzero(secret->memory, secret->memory_bytes);
        (void)munmap(secret->memory, secret->memory_bytes);
    }
    free(secret->instance);
    free(secret->name);
    free(secret->handle);
    free(secret);
}

/* Locking may be over the process's limit: then the pages can be swapped out, and that is all.
 */
static bool keep_value(eh_secret *secret, eh_slice value, eh_err *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t bytes = value.len + 1 + eh_secret_encoded_max(value.len);
    bytes = (bytes + page - 1) / page * page;
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return eh_fail_memory(err, "a secret");
    secret->memory = memory;
    secret->memory_bytes = bytes;
    (void)mlock(memory, bytes);
    (void)madvise(memory, bytes, MADV_DONTDUMP);
    (void)madvise(memory, bytes, MADV_WIPEONFORK);
    if (value.len > 0) memcpy(memory, value.data, value.len);
    secret->value = eh_slice_of(memory, value.len);
    eh_secret_encode(secret, (char *)memory + value.len + 1);
    return true;
}

static bool is_name(const char *name)
{
    size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                              "_-.@");
    return len > 0 && len <= NAME_MAX_LEN && len == strlen(name);
}

static eh_secret *new_secret(const eh_secrets *secrets, eh_secret_kind kind,
                             const char *instance, const char *name, eh_slice value,
                             eh_err *err)
{
    if (!is_name(instance) || !is_name(name)) {
        eh_fail(err, EH_CLASS_SCRIPT, "\"%s\" is no name for a secret", name);
        return NULL;
    }
    if (value.len > EH_SECRET_MAX) {
        eh_fail(err, EH_CLASS_LIMIT, "the secret %s.%s is larger than %zu bytes", instance,
                name, EH_SECRET_MAX);
        return NULL;
    }
    char handle[2 * NAME_MAX_LEN + 128];
    (void)snprintf(handle, sizeof handle, OPEN "%s:%s.%s" CLOSE, secrets->nonce, instance,
                   name);
    eh_secret *secret = calloc(1, sizeof *secret);
    if (secret != NULL) {
        secret->kind = kind;
        secret->instance = strdup(instance);
        secret->name = strdup(name);
        secret->handle = strdup(handle);
    }
    if (secret == NULL || secret->instance == NULL || secret->name == NULL ||
        secret->handle == NULL)
        eh_fail_memory(err, "a secret");
    else if (keep_value(secret, value, err))
        return secret;
    free_secret(secret);
    return NULL;
}

/* ---- the store ------------------------------------------------------------------------------
 */

static void unlink_at(eh_secrets *secrets, eh_secret **at)
{
    secrets->counts[(*at)->kind]--;
    *at = (*at)->next;
}

/* Takes the oldest of a kind out of the list, when there are more than may be. The caller frees
 * it once nothing points to its value. */
static eh_secret *unlink_surplus(eh_secrets *secrets, eh_secret_kind kind)
{
    if (secrets->counts[kind] <= RECENT_MAX) return NULL;
    eh_secret **oldest = NULL;
    for (eh_secret **s = &secrets->first; *s != NULL; s = &(*s)->next)
        if ((*s)->kind == kind) oldest = s;
    assert(oldest != NULL); /* they are counted */
    eh_secret *gone = *oldest;
    unlink_at(secrets, oldest);
    return gone;
}

static eh_secret *find(const eh_secrets *secrets, eh_slice instance, eh_slice name)
{
    for (eh_secret *s = secrets->first; s != NULL; s = s->next)
        if (s->kind != EH_SECRET_RETIRED && s->kind != EH_SECRET_HIDDEN &&
            eh_slice_is(instance, s->instance) && eh_slice_is(name, s->name))
            return s;
    return NULL;
}

static void link_first(eh_secrets *secrets, eh_secret *secret)
{
    secret->next = secrets->first;
    secrets->first = secret;
    secrets->counts[secret->kind]++;
}

/* Owns secret: it is in the list, or freed. */
static bool insert(eh_secrets *secrets, eh_secret *secret, eh_err *err)
{
    if (secret == NULL) return false;
    link_first(secrets, secret);
    eh_secret *retired = unlink_surplus(secrets, EH_SECRET_RETIRED);
    eh_secret *derived = unlink_surplus(secrets, EH_SECRET_DERIVED);
    assert(retired != secret && derived != secret); /* it is the newest */
    if (eh_secrets_index(secrets, err)) {
        free_secret(retired);
        free_secret(derived);
        return true;
    }
    if (retired != NULL) link_first(secrets, retired);
    if (derived != NULL) link_first(secrets, derived);
    for (eh_secret **s = &secrets->first; *s != NULL; s = &(*s)->next)
        if (*s == secret) {
            unlink_at(secrets, s);
            break;
        }
    free_secret(secret);
    return false;
}

/* Text of a document, which nobody reads again. */
static void wipe_text(const eh_doc *text)
{
    if (text == NULL || text->kind != EH_DOC_STRING) return;
    char *bytes;
    memcpy(&bytes, &text->as.string.data, sizeof bytes);
    if (text->as.string.len > 0) explicit_bzero(bytes, text->as.string.len);
}

static bool take(eh_secrets *secrets, const eh_doc *one, eh_err *err)
{
    const eh_doc *value = eh_doc_get(one, "value");
    const char *instance = eh_doc_str(one, "instance", ""), *key = eh_doc_str(one, "key", "");
    if (value == NULL || value->kind != EH_DOC_STRING)
        return eh_fail(err, EH_CLASS_BUG, "the secret %s.%s has no value", instance, key);
    eh_secret *secret =
        new_secret(secrets, EH_SECRET_GIVEN, instance, key, value->as.string, err);
    wipe_text(value);
    return insert(secrets, secret, err);
}

static bool make_nonce(eh_secrets *secrets, const char *given, eh_err *err)
{
    if (given != NULL) {
        size_t len = strspn(given, "0123456789abcdef");
        if (len < NONCE_MIN || given[len] != '\0' || len >= sizeof secrets->nonce)
            return eh_fail(err, EH_CLASS_BUG, "the nonce of the secrets is none");
        memcpy(secrets->nonce, given, len + 1);
        return true;
    }
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return eh_fail(err, EH_CLASS_BUG, "the system gives no random bytes");
    for (size_t i = 0; i < sizeof bytes; i++)
        (void)snprintf(secrets->nonce + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

eh_secrets *eh_secrets_new(const eh_doc *spec, eh_err *err)
{
    eh_secrets *secrets = calloc(1, sizeof *secrets);
    if (secrets == NULL) {
        eh_fail_memory(err, "the secrets of a run");
        return NULL;
    }
    (void)pthread_mutex_init(&secrets->lock, NULL);
    bool ok = make_nonce(secrets, eh_doc_str(spec, "nonce", NULL), err);
    const eh_doc *values = eh_doc_get(spec, "values");
    for (const eh_doc *one = eh_doc_first(values); one != NULL && ok; one = one->next)
        ok = take(secrets, one, err);
    if (ok) return secrets;
    eh_secrets_free(secrets);
    return NULL;
}

void eh_secrets_free(eh_secrets *secrets)
{
    if (secrets == NULL) return;
    while (secrets->first != NULL) {
        eh_secret *gone = secrets->first;
        secrets->first = gone->next;
        free_secret(gone);
    }
    while (secrets->hosts != NULL) {
        eh_secret_hosts *gone = secrets->hosts;
        secrets->hosts = gone->next;
        free(gone->instance);
        free(gone);
    }
    free(secrets->patterns);
    (void)pthread_mutex_destroy(&secrets->lock);
    free(secrets);
}

typedef struct found {
    size_t begin, end; /* of the handle in the text */
    eh_slice instance, name;
} found;

/* ---- hosts ----------------------------------------------------------------------------------
 */

static eh_secret_hosts *hosts_of(const eh_secrets *secrets, const char *instance)
{
    for (eh_secret_hosts *h = secrets->hosts; h != NULL; h = h->next)
        if (strcmp(h->instance, instance) == 0) return h;
    return NULL;
}

static eh_secret_hosts *own_hosts(eh_secrets *secrets, const char *instance, eh_err *err)
{
    eh_secret_hosts *h = hosts_of(secrets, instance);
    if (h != NULL) return h;
    h = calloc(1, sizeof *h);
    if (h != NULL) h->instance = strdup(instance);
    if (h == NULL || h->instance == NULL) {
        free(h);
        eh_fail_memory(err, "the hosts of a source");
        return NULL;
    }
    h->next = secrets->hosts;
    secrets->hosts = h;
    return h;
}

bool eh_secrets_trust(eh_secrets *secrets, const char *instance, const char *const *hosts,
                      size_t count, eh_err *err)
{
    static const char *const none[1];
    eh_secret_hosts *h = own_hosts(secrets, instance, err);
    if (h == NULL) return false;
    h->trusted = hosts != NULL ? hosts : none;
    h->trusted_count = count;
    return true;
}

bool eh_secrets_allow(eh_secrets *secrets, const char *instance, const char *const *hosts,
                      size_t count, eh_err *err)
{
    eh_secret_hosts *h = own_hosts(secrets, instance, err);
    if (h == NULL) return false;
    h->declared = hosts;
    h->declared_count = count;
    return true;
}

static bool matches_any(const eh_url *url, const char *const *patterns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (eh_url_matches(url, patterns[i])) return true;
    return false;
}

/* Is a secret of the instance itself an address there? */
static bool is_secret_address(const eh_secrets *secrets, const char *instance,
                              const eh_url *url)
{
    for (const eh_secret *s = secrets->first; s != NULL; s = s->next)
        if (s->kind == EH_SECRET_GIVEN && strcmp(s->instance, instance) == 0 &&
            s->value.len > 4 && memcmp(s->value.data, "http", 4) == 0 &&
            eh_url_matches(url, s->value.data))
            return true;
    return false;
}

static bool refuse_origin(const eh_secret_hosts *h, const found *handle, const char *origin,
                          bool is_declared, eh_err *err)
{
    eh_fail(err, EH_CLASS_DENIED, "the secret %.*s.%.*s may not be sent to %s",
            EH_SLICE_FMT(handle->instance), EH_SLICE_FMT(handle->name), origin);
    const char *host = strstr(origin, "://");
    host = host != NULL ? host + 3 : origin;
    if (is_declared)
        return eh_err_hint(err,
                           "the client's file says where the secrets of a source go: write "
                           "hosts: [\"%s\"] for %.*s",
                           host, EH_SLICE_FMT(handle->instance));
    if (h == NULL || h->declared_count == 0)
        return eh_err_hint(err, "the source declares no hosts: hosts = { \"{base_url}\" }");
    return eh_err_hint(err, "its source declares %s%s", h->declared[0],
                       h->declared_count > 1 ? " and other hosts" : " only");
}

static bool may_go_to(const eh_secrets *secrets, const char *instance, const char *origin,
                      const found *handle, eh_err *err)
{
    const eh_secret_hosts *h = hosts_of(secrets, instance);
    eh_url url;
    if (!eh_url_parse(origin, &url, err)) return false;
    bool is_declared = h != NULL && matches_any(&url, h->declared, h->declared_count);
    bool ok =
        is_declared && (h->trusted == NULL || matches_any(&url, h->trusted, h->trusted_count) ||
                        is_secret_address(secrets, instance, &url));
    eh_url_free(&url);
    return ok || refuse_origin(h, handle, origin, is_declared, err);
}

/* ---- filling --------------------------------------------------------------------------------
 */

/* The next handle of this run at or behind `from`. */
static bool next_handle(const eh_secrets *secrets, eh_slice text, size_t from, found *out)
{
    size_t open = strlen(OPEN), nonce = strlen(secrets->nonce);
    while (from < text.len) {
        const char *at = memmem(text.data + from, text.len - from, OPEN, open);
        if (at == NULL) return false;
        out->begin = (size_t)(at - text.data);
        from = out->begin + open;
        if (text.len - from < nonce + 1 || memcmp(at + open, secrets->nonce, nonce) != 0 ||
            at[open + nonce] != ':')
            continue;
        const char *name = at + open + nonce + 1;
        const char *close = memmem(name, (size_t)(text.data + text.len - name), CLOSE, 2);
        const char *dot = close != NULL ? memchr(name, '.', (size_t)(close - name)) : NULL;
        if (dot == NULL) continue;
        out->instance = eh_slice_of(name, (size_t)(dot - name));
        out->name = eh_slice_of(dot + 1, (size_t)(close - dot - 1));
        out->end = (size_t)(close + 2 - text.data);
        return true;
    }
    return false;
}

bool eh_secrets_has(const eh_secrets *secrets, eh_slice text)
{
    found handle;
    return next_handle(secrets, text, 0, &handle);
}

static bool append_url(eh_buf *out, eh_slice value, eh_err *err)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        bool ok = c != '\0' && strchr(plain, c) != NULL
                      ? eh_buf_append_byte(out, c, err)
                      : eh_buf_printf(out, err, "%%%02X", (unsigned)(unsigned char)c);
        if (!ok) return false;
    }
    return true;
}

static bool append_json(eh_buf *out, eh_slice value, eh_err *err)
{
    eh_buf quoted;
    eh_buf_init(&quoted, 6 * value.len + 2);
    bool ok = eh_buf_reserve(&quoted, 6 * value.len + 2, err) &&
              eh_buf_append_json(&quoted, value, err) &&
              eh_buf_append(out, quoted.data + 1, quoted.len - 2, err);
    eh_secrets_wipe(&quoted);
    return ok;
}

static bool has_control_bytes(eh_slice value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.data[i] < 0x20 || value.data[i] == 0x7f) return true;
    return false;
}

static bool append_value(const eh_secret *secret, eh_secret_place place, eh_buf *out,
                         eh_err *err)
{
    switch (place) {
    case EH_SECRET_URL:
        return append_url(out, secret->value, err);
    case EH_SECRET_JSON:
        return append_json(out, secret->value, err);
    case EH_SECRET_HEADER:
        if (!has_control_bytes(secret->value)) break;
        eh_fail(err, EH_CLASS_CONFIG,
                "the secret %s.%s has line breaks or other control bytes, so it cannot be in a "
                "header",
                secret->instance, secret->name);
        return eh_err_hint(err, "does its file hold more than the secret?");
    case EH_SECRET_BODY:
        break;
    }
    return eh_buf_append(out, secret->value.data, secret->value.len, err);
}

/* origin NULL: it does not leave the engine. */
static bool append_secret(const eh_secrets *secrets, const char *instance, const char *origin,
                          eh_secret_place place, const found *handle, eh_buf *out, eh_err *err)
{
    if (!eh_slice_is(handle->instance, instance))
        return eh_fail(err, EH_CLASS_DENIED,
                       "the secret %.*s.%.*s belongs to another source than %s",
                       EH_SLICE_FMT(handle->instance), EH_SLICE_FMT(handle->name), instance);
    if (origin != NULL && !may_go_to(secrets, instance, origin, handle, err)) return false;
    const eh_secret *secret = find(secrets, handle->instance, handle->name);
    if (secret != NULL) return append_value(secret, place, out, err);
    eh_fail(err, EH_CLASS_SCRIPT, "there is no secret %.*s.%.*s",
            EH_SLICE_FMT(handle->instance), EH_SLICE_FMT(handle->name));
    return eh_err_hint(err, "a derived secret is known until %d others were derived",
                       RECENT_MAX);
}

static bool fill(const eh_secrets *secrets, const char *instance, const char *origin,
                 eh_secret_place place, eh_slice text, eh_buf *out, eh_err *err)
{
    size_t at = 0, before = out->len;
    found handle;
    bool ok = true;
    while (ok && next_handle(secrets, text, at, &handle)) {
        ok = eh_buf_append(out, text.data + at, handle.begin - at, err) &&
             append_secret(secrets, instance, origin, place, &handle, out, err);
        at = handle.end;
    }
    if (ok) ok = eh_buf_append(out, text.data + at, text.len - at, err);
    if (ok) return true;
    if (out->len > before) explicit_bzero(out->data + before, out->len - before);
    out->len = before;
    return false;
}

bool eh_secrets_fill(const eh_secrets *secrets, const char *instance, const char *origin,
                     eh_secret_place place, eh_slice text, eh_buf *out, eh_err *err)
{
    return fill(secrets, instance, origin != NULL ? origin : "", place, text, out, err);
}

bool eh_secrets_read(const eh_secrets *secrets, const char *instance, eh_slice text,
                     eh_buf *out, eh_err *err)
{
    return fill(secrets, instance, NULL, EH_SECRET_BODY, text, out, err);
}

bool eh_secrets_read_json(const eh_secrets *secrets, const char *instance, eh_slice json,
                          eh_buf *out, eh_err *err)
{
    return fill(secrets, instance, NULL, EH_SECRET_JSON, json, out, err);
}

bool eh_secrets_hide(eh_secrets *secrets, eh_slice value, eh_err *err)
{
    return insert(secrets, new_secret(secrets, EH_SECRET_HIDDEN, "@host", "hidden", value, err),
                  err);
}

bool eh_secrets_of_host(const eh_secrets *secrets, const char *key, eh_slice *value)
{
    const eh_secret *own = find(secrets, eh_slice_str("@host"), eh_slice_str(key));
    if (own != NULL) *value = own->value;
    return own != NULL;
}

bool eh_secrets_read_settings(const eh_secrets *secrets, const char *instance,
                              const eh_doc *settings, eh_buf *out, eh_err *err)
{
    eh_buf json;
    eh_buf_init(&json, out->max);
    bool ok = eh_doc_to_json(settings, &json, err) &&
              eh_secrets_read_json(secrets, instance, eh_buf_slice(&json), out, err);
    eh_buf_free(&json);
    return ok;
}

void eh_secrets_wipe(eh_buf *buf)
{
    if (buf->data != NULL) explicit_bzero(buf->data, buf->cap);
    eh_buf_free(buf);
}

/* ---- made by a run --------------------------------------------------------------------------
 */

static void change_kind(eh_secrets *secrets, eh_secret *secret, eh_secret_kind kind)
{
    secrets->counts[secret->kind]--;
    secret->kind = kind;
    secrets->counts[kind]++;
}

bool eh_secrets_capture(eh_secrets *secrets, const char *instance, const char *name,
                        eh_slice value, const char **handle, eh_err *err)
{
    char full[NAME_MAX_LEN + 1];
    if (strpbrk(name, "@.") != NULL ||
        snprintf(full, sizeof full, "@%s", name) >= (int)sizeof full)
        return eh_fail(err, EH_CLASS_SCRIPT, "\"%s\" is no name for a secret", name);
    eh_secret *old = find(secrets, eh_slice_str(instance), eh_slice_str(full));
    if (old != NULL && eh_slice_equal(old->value, value)) {
        *handle = old->handle;
        return true;
    }
    if (old == NULL && secrets->counts[EH_SECRET_CAPTURED] >= CAPTURED_MAX)
        return eh_fail(err, EH_CLASS_LIMIT, "a run captures at most %d secrets", CAPTURED_MAX);
    eh_secret *secret = new_secret(secrets, EH_SECRET_CAPTURED, instance, full, value, err);
    if (secret == NULL) return false;
    if (old != NULL) change_kind(secrets, old, EH_SECRET_RETIRED);
    if (insert(secrets, secret, err)) {
        *handle = secret->handle;
        return true;
    }
    if (old != NULL) change_kind(secrets, old, EH_SECRET_CAPTURED);
    return false;
}

bool eh_secrets_derived(eh_secrets *secrets, const char *instance, const char *kind,
                        eh_slice value, const char **handle, eh_err *err)
{
    for (const eh_secret *s = secrets->first; s != NULL; s = s->next)
        if (s->kind == EH_SECRET_DERIVED && strcmp(s->instance, instance) == 0 &&
            eh_slice_equal(s->value, value)) {
            *handle = s->handle;
            return true;
        }
    char name[NAME_MAX_LEN + 1];
    (void)snprintf(name, sizeof name, "@%.*s-%" PRIu64, 100, kind, ++secrets->derived);
    eh_secret *secret = new_secret(secrets, EH_SECRET_DERIVED, instance, name, value, err);
    if (!insert(secrets, secret, err)) return false;
    *handle = secret->handle;
    return true;
}
