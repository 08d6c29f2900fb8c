/* data/s3_url.c: see s3_url.h. */
#include "data/s3_url.h"

#include <stdlib.h>

static bool is_letter_or_digit(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool eh_s3_bucket_name_ok(const char *name)
{
    size_t len = strlen(name);
    if (len < 3 || len > 255 || !is_letter_or_digit(name[0])) return false;
    for (const char *p = name; *p != '\0'; p++)
        if (!is_letter_or_digit(*p) && strchr(".-_", *p) == NULL) return false;
    return strstr(name, "..") == NULL;
}

bool eh_s3_needs_path_style(const char *name, const char *endpoint)
{
    if (endpoint[0] != '\0' || strlen(name) > 63) return true;
    for (const char *p = name; *p != '\0'; p++)
        if (*p == '.' || *p == '_' || (*p >= 'A' && *p <= 'Z')) return true;
    return false;
}

/* ---- hosts ------------------------------------------------------------------------------ */

/* The endpoint's scheme with "://", and what follows it without slashes at its end. */
static eh_slice split_endpoint(const char *endpoint, eh_slice *rest)
{
    const char *host = strstr(endpoint, "://");
    host = host != NULL ? host + 3 : endpoint;
    *rest = eh_slice_str(host);
    while (rest->len > 0 && rest->data[rest->len - 1] == '/') rest->len--;
    return eh_slice_of(endpoint, (size_t)(host - endpoint));
}

static bool append_bucket(const eh_s3_bucket *b, eh_buf *out, eh_err *err)
{
    return b->path_style || eh_buf_printf(out, err, "%s.", b->name);
}

static bool append_host(const eh_s3_bucket *b, eh_slice own, eh_buf *out, eh_err *err)
{
    if (!append_bucket(b, out, err)) return false;
    if (b->endpoint[0] != '\0') return eh_buf_append(out, own.data, own.len, err);
    const char *china = strncmp(b->region, "cn-", 3) == 0 ? ".cn" : "";
    return eh_buf_printf(out, err, "s3.%s.amazonaws.com%s", b->region, china);
}

bool eh_s3_host(const eh_s3_bucket *b, eh_buf *out, eh_err *err)
{
    eh_slice own;
    (void)split_endpoint(b->endpoint, &own);
    const char *slash = own.len > 0 ? memchr(own.data, '/', own.len) : NULL;
    if (slash != NULL) own.len = (size_t)(slash - own.data);
    return append_host(b, own, out, err);
}

/* ---- spelling --------------------------------------------------------------------------- */

/* RFC 3986, section 2.3, and capital hexadecimal: the only spelling that is signed. */
static bool append_encoded(eh_buf *out, eh_slice text, bool keep_slash, eh_err *err)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool plain = is_letter_or_digit((char)c) || c == '-' || c == '.' || c == '_' ||
                     c == '~' || (keep_slash && c == '/');
        char code[] = {'%', hex[c >> 4], hex[c & 15]};
        bool ok = plain ? eh_buf_append_byte(out, (char)c, err)
                        : eh_buf_append(out, code, sizeof code, err);
        if (!ok) return false;
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    const eh_s3_pair *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static bool append_query(eh_buf *out, eh_s3_pair *pairs, size_t count, eh_err *err)
{
    if (count > 1) qsort(pairs, count, sizeof *pairs, by_name);
    for (size_t i = 0; i < count; i++)
        if (!eh_buf_append_byte(out, i == 0 ? '?' : '&', err) ||
            !append_encoded(out, eh_slice_str(pairs[i].name), false, err) ||
            !eh_buf_append_byte(out, '=', err) ||
            !append_encoded(out, pairs[i].value, false, err))
            return false;
    return true;
}

bool eh_s3_url(const eh_s3_bucket *b, eh_slice key, eh_s3_pair *pairs, size_t count,
               eh_buf *out, eh_err *err)
{
    eh_slice own;
    eh_slice scheme = split_endpoint(b->endpoint, &own);
    bool ok = scheme.len > 0 ? eh_buf_append(out, scheme.data, scheme.len, err)
                             : eh_buf_append_str(out, "https://", err);
    ok = ok && append_host(b, own, out, err) && eh_buf_append_byte(out, '/', err);
    if (b->path_style)
        ok = ok && append_encoded(out, eh_slice_str(b->name), false, err) &&
             (key.len == 0 || eh_buf_append_byte(out, '/', err));
    return ok && append_encoded(out, key, true, err) && append_query(out, pairs, count, err);
}
