/* io/sigv4.c: see sigv4.h, and "Signature Version 4 signing process" of the AWS documentation.
 */
#include "io/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <time.h>

#define TEXT_MAX  ((size_t)1024 * 1024)
#define PAIRS_MAX 256
#define DIGEST    ((size_t)32)

static void write_hex(const unsigned char digest[DIGEST], char out[EH_SIGV4_HASH])
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < DIGEST; i++) {
        out[2 * i] = hex[digest[i] >> 4];
        out[2 * i + 1] = hex[digest[i] & 15];
    }
    out[2 * DIGEST] = '\0';
}

bool eh_sigv4_hash(eh_slice payload, char out[EH_SIGV4_HASH], eh_err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    const char *data = payload.len > 0 ? payload.data : "";
    if (EVP_Digest(data, payload.len, digest, NULL, EVP_sha256(), NULL) != 1)
        return eh_fail(err, EH_CLASS_BUG, "SHA-256 failed");
    write_hex(digest, out);
    return true;
}

bool eh_sigv4_time(int64_t wall_us, char out[EH_SIGV4_TIME])
{
    time_t at = (time_t)(wall_us / 1000000);
    struct tm utc;
    return gmtime_r(&at, &utc) != NULL &&
           strftime(out, EH_SIGV4_TIME, "%Y%m%dT%H%M%SZ", &utc) == EH_SIGV4_TIME - 1;
}

/* ---- the canonical request --------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b)
{
    const eh_slice *x = a, *y = b;
    int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* Names and values sorted. '=' comes before all that an encoded name may have but '-', '.' and
 * digits, so the names are compared on their own. */
static int by_name(const void *a, const void *b)
{
    const eh_slice *x = a, *y = b;
    const char *ends[] = {memchr(x->data, '=', x->len), memchr(y->data, '=', y->len)};
    eh_slice names[] = {
        eh_slice_of(x->data, ends[0] != NULL ? (size_t)(ends[0] - x->data) : x->len),
        eh_slice_of(y->data, ends[1] != NULL ? (size_t)(ends[1] - y->data) : y->len)};
    int order = by_bytes(&names[0], &names[1]);
    return order != 0 ? order : by_bytes(x, y);
}

static bool append_query(const char *query, eh_buf *out, eh_err *err)
{
    eh_slice pairs[PAIRS_MAX] = {{NULL, 0}};
    size_t count = 0;
    for (const char *p = query; p != NULL && *p != '\0' && count < PAIRS_MAX;) {
        size_t len = strcspn(p, "&");
        if (len > 0) pairs[count++] = eh_slice_of(p, len);
        p += len + (p[len] == '&');
    }
    if (count == PAIRS_MAX)
        return eh_fail(err, EH_CLASS_LIMIT, "a signed request has more than %d parameters",
                       PAIRS_MAX);
    qsort(pairs, count, sizeof *pairs, by_name);
    for (size_t i = 0; i < count; i++) {
        bool bare = memchr(pairs[i].data, '=', pairs[i].len) == NULL;
        if ((i > 0 && !eh_buf_append_byte(out, '&', err)) ||
            !eh_buf_append(out, pairs[i].data, pairs[i].len, err) ||
            (bare && !eh_buf_append_byte(out, '=', err)))
            return false;
    }
    return true;
}

static bool append_value(eh_slice value, eh_buf *out, eh_err *err)
{
    bool blank = false, any = false;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (c == ' ' || c == '\t') {
            blank = any;
            continue;
        }
        if ((blank && !eh_buf_append_byte(out, ' ', err)) || !eh_buf_append_byte(out, c, err))
            return false;
        blank = false;
        any = true;
    }
    return true;
}

static bool append_names(const eh_sigv4 *r, eh_buf *out, eh_err *err)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (!eh_buf_printf(out, err, "%s%s", i > 0 ? ";" : "", r->headers[i].name))
            return false;
    return true;
}

bool eh_sigv4_canonical(const eh_sigv4 *r, eh_buf *out, eh_err *err)
{
    if (!eh_buf_printf(out, err, "%s\n%s\n", r->method, r->path) ||
        !append_query(r->query, out, err) || !eh_buf_append_byte(out, '\n', err))
        return false;
    for (size_t i = 0; i < r->header_count; i++)
        if (!eh_buf_printf(out, err, "%s:", r->headers[i].name) ||
            !append_value(r->headers[i].value, out, err) || !eh_buf_append_byte(out, '\n', err))
            return false;
    return eh_buf_append_byte(out, '\n', err) && append_names(r, out, err) &&
           eh_buf_printf(out, err, "\n%s", r->payload);
}

/* ---- the signature ----------------------------------------------------------------------- */

static bool hmac(const unsigned char *key, size_t key_len, eh_slice text,
                 unsigned char out[DIGEST])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    const unsigned char *data = (const unsigned char *)text.data;
    if (HMAC(EVP_sha256(), key, (int)key_len, data, text.len, digest, &len) == NULL ||
        len != DIGEST)
        return false;
    memcpy(out, digest, DIGEST);
    return true;
}

/* key = HMAC(HMAC(HMAC(HMAC("AWS4" + secret, day), region), service), "aws4_request") */
static bool signing_key(const eh_sigv4 *r, unsigned char key[DIGEST], eh_err *err)
{
    eh_buf first;
    eh_buf_init(&first, TEXT_MAX);
    bool ok = eh_buf_printf(&first, err, "AWS4%s", r->secret);
    ok = ok &&
         ((hmac((const unsigned char *)first.data, first.len, eh_slice_of(r->time, 8), key) &&
           hmac(key, DIGEST, eh_slice_str(r->region), key) &&
           hmac(key, DIGEST, eh_slice_str(r->service), key) &&
           hmac(key, DIGEST, eh_slice_str("aws4_request"), key)) ||
          eh_fail(err, EH_CLASS_BUG, "HMAC failed"));
    if (first.data != NULL) OPENSSL_cleanse(first.data, first.cap);
    eh_buf_free(&first);
    return ok;
}

bool eh_sigv4_sign(const eh_sigv4 *r, eh_buf *out, eh_err *err)
{
    char hash[EH_SIGV4_HASH];
    unsigned char key[DIGEST] = {0};
    eh_buf text;
    eh_buf_init(&text, TEXT_MAX);
    bool ok = eh_sigv4_canonical(r, &text, err) &&
              eh_sigv4_hash(eh_buf_slice(&text), hash, err) && signing_key(r, key, err);
    text.len = 0;
    ok = ok &&
         eh_buf_printf(&text, err, "AWS4-HMAC-SHA256\n%s\n%.8s/%s/%s/aws4_request\n%s", r->time,
                       r->time, r->region, r->service, hash) &&
         (hmac(key, DIGEST, eh_buf_slice(&text), key) ||
          eh_fail(err, EH_CLASS_BUG, "HMAC failed"));
    if (ok) write_hex(key, hash);
    OPENSSL_cleanse(key, sizeof key);
    ok = ok &&
         eh_buf_printf(out, err,
                       "AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/%s/aws4_request, SignedHeaders=",
                       r->key_id, r->time, r->region, r->service) &&
         append_names(r, out, err) && eh_buf_printf(out, err, ", Signature=%s", hash);
    eh_buf_free(&text);
    return ok;
}
