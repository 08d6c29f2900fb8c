/* engine/derive.c: see derive.h. What goes in and what comes out; the cryptography is
 * signature.c's. */
#include "engine/derive.h"

#include "data/json_doc.h"
#include "engine/signature.h"

#define TEXT_MAX ((size_t)4 * 1024 * 1024)

typedef struct derivation {
    eh_secrets *secrets;
    const char *instance;
    const eh_doc *args;
    const char *kind;
    bool is_secret; /* some argument has a handle */
    eh_buf text, key, out;
} derivation;

/* ---- arguments ------------------------------------------------------------------------------
 */

static bool read_text(derivation *d, const char *name, eh_buf *out, eh_err *err)
{
    const eh_doc *value = eh_doc_get(d->args, name);
    if (value == NULL || value->kind != EH_DOC_STRING)
        return eh_fail(err, EH_CLASS_SCRIPT, "%s: %s must be a text", d->kind, name);
    if (eh_secrets_has(d->secrets, value->as.string)) d->is_secret = true;
    return eh_secrets_read(d->secrets, d->instance, value->as.string, out, err);
}

/* A map as JSON, with secrets in its texts. */
static bool read_json(derivation *d, const eh_doc *map, eh_buf *out, eh_err *err)
{
    eh_buf json;
    eh_buf_init(&json, TEXT_MAX);
    bool ok = eh_doc_to_json(map, &json, err);
    if (ok && eh_secrets_has(d->secrets, eh_buf_slice(&json))) d->is_secret = true;
    ok = ok && eh_secrets_read_json(d->secrets, d->instance, eh_buf_slice(&json), out, err);
    eh_buf_free(&json);
    return ok;
}

static bool read_key(derivation *d, eh_err *err)
{
    const char *encoding = eh_doc_str(d->args, "key_encoding", NULL);
    if (!read_text(d, "key", &d->key, err)) return false;
    if (encoding == NULL) return true;
    if (strcmp(encoding, "base64") != 0)
        return eh_fail(err, EH_CLASS_SCRIPT, "%s: key_encoding may be base64", d->kind);
    eh_buf raw;
    eh_buf_init(&raw, TEXT_MAX);
    bool ok = eh_base64_decode(eh_buf_slice(&d->key), &raw);
    eh_secrets_wipe(&d->key);
    d->key = raw;
    return ok || eh_fail(err, EH_CLASS_CONFIG, "%s: the key is not base64", d->kind);
}

static bool append_encoded(derivation *d, eh_slice bytes, const char *fallback, eh_err *err)
{
    const char *encoding = eh_doc_str(d->args, "encoding", fallback);
    if (strcmp(encoding, "hex") == 0) return eh_hex_encode(bytes, &d->out, err);
    if (strcmp(encoding, "base64") == 0) return eh_base64_encode(bytes, false, &d->out, err);
    if (strcmp(encoding, "base64url") == 0) return eh_base64_encode(bytes, true, &d->out, err);
    if (strcmp(encoding, "raw") == 0) return eh_buf_append(&d->out, bytes.data, bytes.len, err);
    return eh_fail(err, EH_CLASS_SCRIPT,
                   "%s: encoding may be hex, base64, base64url or raw, not \"%.40s\"", d->kind,
                   encoding);
}

/* ---- the kinds ------------------------------------------------------------------------------
 */

static bool make_base64(derivation *d, eh_err *err)
{
    return read_text(d, "text", &d->text, err) &&
           append_encoded(d, eh_buf_slice(&d->text), "base64", err);
}

static bool make_hash(derivation *d, eh_err *err)
{
    eh_digest digest;
    return read_text(d, "text", &d->text, err) &&
           eh_digest_text(eh_doc_str(d->args, "algorithm", ""), eh_buf_slice(&d->text), &digest,
                          err) &&
           append_encoded(d, eh_slice_of((char *)digest.bytes, digest.len), "hex", err);
}

static bool make_hmac(derivation *d, eh_err *err)
{
    eh_digest digest;
    return read_text(d, "text", &d->text, err) && read_key(d, err) &&
           eh_digest_keyed(eh_doc_str(d->args, "algorithm", ""), eh_buf_slice(&d->key),
                           eh_buf_slice(&d->text), &digest, err) &&
           append_encoded(d, eh_slice_of((char *)digest.bytes, digest.len), "hex", err);
}

/* RFC 7515: BASE64URL(header) "." BASE64URL(claims) "." BASE64URL(signature). */
static bool append_part(derivation *d, const eh_doc *map, eh_err *err)
{
    eh_buf json;
    eh_buf_init(&json, TEXT_MAX);
    bool ok = read_json(d, map, &json, err) &&
              eh_base64_encode(eh_buf_slice(&json), true, &d->out, err);
    eh_secrets_wipe(&json);
    return ok;
}

static bool make_jwt(derivation *d, eh_arena *arena, eh_err *err)
{
    const char *algorithm = eh_doc_str(d->args, "algorithm", "");
    const eh_doc *claims = eh_doc_get(d->args, "claims");
    const eh_doc *given = eh_doc_get(d->args, "header");
    if (claims == NULL || claims->kind != EH_DOC_MAP)
        return eh_fail(err, EH_CLASS_SCRIPT, "jwt: claims must be a map");
    eh_doc *header = eh_doc_map(arena);
    if (!eh_doc_put_str(arena, header, "alg", eh_slice_str(algorithm), err) ||
        !eh_doc_put_str(arena, header, "typ", eh_slice_str("JWT"), err))
        return false;
    for (const eh_doc *h = eh_doc_first(given); h != NULL; h = h->next)
        if (!eh_slice_is(h->key, "alg") && !eh_slice_is(h->key, "typ") &&
            !eh_doc_put(arena, header, h->key, eh_doc_copy(arena, h, NULL), err))
            return false;
    if (!read_key(d, err) || !append_part(d, header, err) ||
        !eh_buf_append_byte(&d->out, '.', err) || !append_part(d, claims, err))
        return false;
    eh_buf signature;
    eh_buf_init(&signature, TEXT_MAX);
    bool ok =
        eh_sign(algorithm, eh_buf_slice(&d->key), eh_buf_slice(&d->out), &signature, err) &&
        eh_buf_append_byte(&d->out, '.', err) &&
        eh_base64_encode(eh_buf_slice(&signature), true, &d->out, err);
    eh_secrets_wipe(&signature);
    return ok;
}

/* A text or number out of a secret that is JSON: a service account's file has its key in it. */
static bool make_field(derivation *d, eh_arena *arena, eh_err *err)
{
    const char *path = eh_doc_str(d->args, "path", "");
    const eh_doc *found = NULL;
    if (!read_text(d, "text", &d->text, err)) return false;
    eh_err ignored = {.class_ = EH_OK};
    if (!eh_json_find(eh_buf_slice(&d->text), eh_slice_str(path), arena, &found, &ignored))
        return eh_fail(err, EH_CLASS_CONFIG, "field: the secret is not JSON");
    if (found == NULL || found->kind == EH_DOC_NULL)
        return eh_fail(err, EH_CLASS_CONFIG, "field: the secret has no \"%.100s\"", path);
    if (found->kind == EH_DOC_STRING)
        return eh_buf_append(&d->out, found->as.string.data, found->as.string.len, err);
    return eh_doc_to_json(found, &d->out, err);
}

static bool make(derivation *d, eh_arena *arena, eh_err *err)
{
    if (strcmp(d->kind, "base64") == 0) return make_base64(d, err);
    if (strcmp(d->kind, "hash") == 0) return make_hash(d, err);
    if (strcmp(d->kind, "hmac") == 0) return make_hmac(d, err);
    if (strcmp(d->kind, "jwt") == 0) return make_jwt(d, arena, err);
    if (strcmp(d->kind, "field") == 0) return make_field(d, arena, err);
    return eh_fail(err, EH_CLASS_SCRIPT, "nothing derives \"%.40s\"", d->kind);
}

bool eh_derive(eh_secrets *secrets, const char *instance, const eh_doc *args, eh_arena *arena,
               eh_doc **value, eh_err *err)
{
    derivation d = {.secrets = secrets,
                    .instance = instance,
                    .args = args,
                    .kind = eh_doc_str(args, "kind", "")};
    /* Parts of a secret's text that are not its value do not stay in the reply's memory. */
    eh_arena *scratch = eh_arena_new(TEXT_MAX);
    eh_buf_init(&d.text, TEXT_MAX);
    eh_buf_init(&d.key, TEXT_MAX);
    eh_buf_init(&d.out, TEXT_MAX);
    bool ok = scratch != NULL ? make(&d, scratch, err) : eh_fail_memory(err, "a secret");
    eh_slice text = eh_buf_slice(&d.out);
    const char *handle = NULL;
    if (ok && d.is_secret) {
        ok = eh_secrets_derived(secrets, instance, d.kind, text, &handle, err);
        text = eh_slice_str(handle);
    }
    if (ok) {
        *value = eh_doc_map(arena);
        ok = eh_doc_put_str(arena, *value, "text", text, err);
    }
    eh_arena_free(scratch);
    eh_secrets_wipe(&d.text);
    eh_secrets_wipe(&d.key);
    eh_secrets_wipe(&d.out);
    return ok;
}
