/* io/http_sign.c: the signature of a hop (io/sigv4.h), as headers. See http_private.h. */
#include "io/http_private.h"
#include "io/sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define LINE_MAX_BYTES ((size_t)256 * 1024)

/* Host as libcurl sends it: with the port, unless it is the scheme's own. */
static bool write_host(const eh_url *url, eh_buf *out, eh_err *err)
{
    bool six = strchr(url->host, ':') != NULL;
    bool own = url->port == (url->https ? 443 : 80);
    return eh_buf_printf(out, err, six ? "[%s]" : "%s", url->host) &&
           (own || eh_buf_printf(out, err, ":%u", (unsigned)url->port));
}

static bool add(eh_http_transfer *t, const char *name, const char *value)
{
    eh_buf line;
    eh_buf_init(&line, LINE_MAX_BYTES);
    bool ok = eh_buf_printf(&line, NULL, "%s: %s", name, value) && eh_buf_cstr(&line) != NULL &&
              eh_http_add_line(t, line.data);
    if (line.data != NULL) explicit_bzero(line.data, line.cap);
    eh_buf_free(&line);
    return ok;
}

/* Signed are the host, the range and what is Amazon's own: the rest no store has to verify, and
 * what lies between may change it. In the order of their names. */
static size_t choose(const eh_http_transfer *t, eh_slice host, const char *hash,
                     const char *time, eh_sigv4_header out[5])
{
    size_t count = 0;
    const eh_http_request *r = &t->request;
    out[count++] = (eh_sigv4_header){"host", host};
    for (size_t i = 0; i < r->header_count; i++)
        if (r->headers[i].name.len == 5 &&
            strncasecmp(r->headers[i].name.data, "range", 5) == 0)
            out[count++] = (eh_sigv4_header){"range", r->headers[i].value};
    out[count++] = (eh_sigv4_header){"x-amz-content-sha256", eh_slice_str(hash)};
    out[count++] = (eh_sigv4_header){"x-amz-date", eh_slice_str(time)};
    if (t->sigv4.token != NULL)
        out[count++] = (eh_sigv4_header){"x-amz-security-token", eh_slice_str(t->sigv4.token)};
    return count;
}

bool eh_http_sign(eh_http_transfer *t)
{
    char time[EH_SIGV4_TIME], hash[EH_SIGV4_HASH];
    eh_sigv4_header headers[5];
    eh_buf host, value;
    eh_buf_init(&host, LINE_MAX_BYTES);
    eh_buf_init(&value, LINE_MAX_BYTES);
    int64_t now = eh_clock_wall(&t->http->clock) + t->sigv4.clock_offset_us;
    bool ok = eh_sigv4_time(now, time) && eh_sigv4_hash(t->request.body, hash, NULL) &&
              write_host(&t->url, &host, NULL);
    eh_sigv4 what = {.method = t->request.method,
                     .path = t->url.path,
                     .query = t->url.query,
                     .headers = headers,
                     .payload = hash,
                     .time = time,
                     .region = t->sigv4.region,
                     .service = t->sigv4.service,
                     .key_id = t->sigv4.key_id,
                     .secret = t->sigv4.secret};
    if (ok) what.header_count = choose(t, eh_buf_slice(&host), hash, time, headers);
    ok = ok && eh_sigv4_sign(&what, &value, NULL) && eh_buf_cstr(&value) != NULL &&
         add(t, "x-amz-date", time) && add(t, "x-amz-content-sha256", hash) &&
         (t->sigv4.token == NULL || add(t, "x-amz-security-token", t->sigv4.token)) &&
         add(t, "Authorization", value.data);
    eh_buf_free(&host);
    eh_buf_free(&value);
    return ok;
}
