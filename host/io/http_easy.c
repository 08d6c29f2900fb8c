/* io/http_easy.c: one hop as libcurl wants it, and its callbacks. See http_private.h. */
#include "io/http_class.h"
#include "io/http_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define IN_MAX             ((size_t)256 * 1024)
#define REDIRECT_BODY_MAX  ((uint64_t)64 * 1024)
#define CONNECT_TIMEOUT_MS ((int64_t)30 * 1000)

/* ---- what may be asked for ----------------------------------------------------------------
 */

/* They frame the message, or name who is spoken to: not for who writes a source. */
static bool is_ours(eh_slice name)
{
    static const char *const ours[] = {"host",
                                       "content-length",
                                       "connection",
                                       "keep-alive",
                                       "transfer-encoding",
                                       "te",
                                       "trailer",
                                       "upgrade",
                                       "expect",
                                       "via",
                                       "proxy-authorization",
                                       "proxy-connection"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (name.len == strlen(ours[i]) && strncasecmp(name.data, ours[i], name.len) == 0)
            return true;
    return false;
}

static bool is_token(eh_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c <= ' ' || c > '~' || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL) return false;
    }
    return text.len > 0;
}

static bool is_value(eh_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) return false;
    }
    return true;
}

bool eh_http_check_request(const eh_http_transfer *t, eh_err *err)
{
    const eh_http_request *r = &t->request;
    eh_slice method = eh_slice_str(r->method);
    if (!is_token(method) || method.len > 20 || eh_slice_is(method, "CONNECT") ||
        eh_slice_is(method, "TRACE"))
        return eh_fail(err, EH_CLASS_CONFIG, "\"%.40s\" is no method that can be used",
                       r->method);
    for (size_t i = 0; i < r->header_count; i++) {
        eh_slice name = r->headers[i].name;
        if (!is_token(name))
            return eh_fail(err, EH_CLASS_CONFIG, "\"%.*s\" is no name of a header",
                           name.len > 80 ? 80 : (int)name.len, name.data);
        if (is_ours(name))
            return eh_fail(err, EH_CLASS_CONFIG,
                           "the header %.*s cannot be set: it is made here",
                           EH_SLICE_FMT(name));
        if (!is_value(r->headers[i].value))
            return eh_fail(err, EH_CLASS_CONFIG, "the header %.*s has a control byte",
                           EH_SLICE_FMT(name));
    }
    return true;
}

/* ---- callbacks: note what came, nothing else ----------------------------------------------
 */

static void note_bytes(eh_http_transfer *t, size_t count)
{
    t->active_us = eh_clock_monotonic(&t->http->clock);
    if (t->window_bytes == 0) t->window_us = t->active_us;
    t->window_bytes += (int64_t)count;
}

static bool is_redirect(const eh_http_transfer *t)
{
    int s = t->head.status;
    return !t->request.no_redirects &&
           (s == 301 || s == 302 || s == 303 || s == 307 || s == 308) &&
           eh_http_head_find(&t->head, "location").data != NULL;
}

static size_t on_header(char *data, size_t size, size_t count, void *self)
{
    eh_http_transfer *t = self;
    bool before = t->head.complete;
    note_bytes(t, size * count);
    eh_http_ready(t);
    if (!eh_http_head_line(&t->head, eh_slice_of(data, size * count), &t->err)) return 0;
    if (t->head.complete && !before) t->redirecting = is_redirect(t);
    return size * count;
}

static size_t on_body(char *data, size_t size, size_t count, void *self)
{
    eh_http_transfer *t = self;
    size_t bytes = size * count;
    note_bytes(t, bytes);
    if (t->redirecting) {
        t->skipped += bytes; /* read to its end, so that the connection can be kept */
        return t->skipped <= REDIRECT_BODY_MAX ? bytes : 0;
    }
    eh_http_ready(t);
    if (t->in.len + bytes > IN_MAX) {
        t->held = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (!eh_buf_append(&t->in, data, bytes, &t->err)) return 0;
    t->answer.bytes_stored += bytes;
    return bytes;
}

static int on_progress(void *self, curl_off_t to_get, curl_off_t got, curl_off_t to_send,
                       curl_off_t sent)
{
    eh_http_transfer *t = self;
    (void)to_get;
    (void)got;
    (void)to_send;
    if (sent > t->sent) note_bytes(t, (size_t)(sent - t->sent));
    t->sent = sent;
    return 0;
}

static bool is_opened(const eh_http_rules *rules, const struct sockaddr *address)
{
    struct sockaddr_storage open;
    for (size_t i = 0; i < rules->allow_private_count; i++)
        if (eh_address_parse(rules->allow_private[i], &open, NULL) &&
            eh_address_equal((const struct sockaddr *)&open, address))
            return true;
    return false;
}

static const char destination[] = "the destination's own address";

static const char *refused(const eh_http_rules *rules, const struct sockaddr *address,
                           socklen_t length)
{
    for (size_t i = 0; i < rules->forbidden_count; i++)
        if (eh_address_equal((const struct sockaddr *)&rules->forbidden[i], address))
            return destination;
    /* Behind a proxy it is the proxy's address, which the operator wrote. */
    if (rules->proxy != NULL && rules->proxy[0] != '\0') return NULL;
    return is_opened(rules, address) ? NULL : eh_address_refused(address, length);
}

static curl_socket_t on_open(void *self, curlsocktype purpose, struct curl_sockaddr *address)
{
    eh_http_transfer *t = self;
    const char *why = purpose != CURLSOCKTYPE_IPCXN
                          ? "not for this"
                          : refused(t->request.rules, &address->addr, address->addrlen);
    if (why == NULL) {
        t->opened = true;
        return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    }
    /* A name may have several addresses: the one worth telling of stays. */
    if (strstr(t->refused, destination) != NULL) return CURL_SOCKET_BAD;
    char text[EH_ADDRESS_TEXT];
    eh_address_text(&address->addr, text);
    (void)snprintf(t->refused, sizeof t->refused, "%s, %s", text, why);
    return CURL_SOCKET_BAD;
}

/* ---- the options --------------------------------------------------------------------------
 */

bool eh_http_add_line(eh_http_transfer *t, const char *line)
{
    struct curl_slist *lines = t->http->curl.slist_append(t->lines, line);
    if (lines == NULL) return false;
    t->lines = lines;
    return true;
}

static bool add_header(eh_http_transfer *t, const eh_http_header *h)
{
    char *line = NULL;
    /* "Name;" is libcurl's way to say: without a value. */
    int n = h->value.len > 0
                ? asprintf(&line, "%.*s: %.*s", EH_SLICE_FMT(h->name), EH_SLICE_FMT(h->value))
                : asprintf(&line, "%.*s;", EH_SLICE_FMT(h->name));
    bool ok = n >= 0 && eh_http_add_line(t, line);
    if (n >= 0) free(line);
    return ok;
}

static bool has(const eh_http_request *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (r->headers[i].name.len == strlen(name) &&
            strncasecmp(r->headers[i].name.data, name, r->headers[i].name.len) == 0)
            return true;
    return false;
}

/* To another origin go only headers that say nothing: not even the caller's Accept, which might
 * be made up of anything. */
static bool make_lines(eh_http_transfer *t)
{
    const eh_http_request *r = &t->request;
    bool agent = false, coding = false, type = false;
    for (size_t i = 0; !t->foreign && i < r->header_count; i++)
        if (!add_header(t, &r->headers[i])) return false;
    if (!t->foreign) {
        agent = has(r, "user-agent");
        coding = has(r, "accept-encoding");
        type = has(r, "content-type");
    }
    if (r->sigv4 != NULL && !eh_http_sign(t)) return false;
    return (agent || eh_http_add_line(t, "User-Agent: etlhost")) &&
           (coding || eh_http_add_line(t, r->as_stored ? "Accept-Encoding: identity"
                                                       : "Accept-Encoding: gzip, zstd, br")) &&
           (type || eh_http_add_line(t, "Content-Type:")) && eh_http_add_line(t, "Expect:");
}

/* Each a statement of its own, so that what fails is seen at once. */
#define SET(option, value)                                                                     \
    ok = ok && t->http->curl.easy_setopt(t->easy, (option), (value)) == CURLE_OK

static bool set_method(eh_http_transfer *t)
{
    const eh_http_request *r = &t->request;
    bool ok = true;
    if (strcmp(r->method, "HEAD") == 0) {
        SET(CURLOPT_NOBODY, 1L);
    } else if (r->body.len > 0 || strcmp(r->method, "POST") == 0) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
        SET(CURLOPT_POSTFIELDS, r->body.len > 0 ? r->body.data : "");
        SET(CURLOPT_CUSTOMREQUEST, r->method);
    } else {
        SET(CURLOPT_HTTPGET, 1L);
        if (strcmp(r->method, "PUT") == 0 || strcmp(r->method, "PATCH") == 0) {
            SET(CURLOPT_POST, 1L);
            SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
            SET(CURLOPT_POSTFIELDS, "");
        }
        SET(CURLOPT_CUSTOMREQUEST, r->method);
    }
    return ok;
}

static bool set_safety(eh_http_transfer *t)
{
    const eh_http_rules *rules = t->request.rules;
    bool ok = true;
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L); /* io/http_deliver.c does */
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_PROXY,
        rules->proxy != NULL ? rules->proxy : ""); /* "" keeps the environment out */
    SET(CURLOPT_NOPROXY, "");
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
    SET(CURLOPT_OPENSOCKETDATA, t);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (rules->ca_file != NULL) {
        SET(CURLOPT_CAINFO, rules->ca_file);
        SET(CURLOPT_CAPATH, NULL); /* only those */
    }
    SET(CURLOPT_HTTP09_ALLOWED, 0L);
    SET(CURLOPT_HTTP_CONTENT_DECODING, 0L); /* data/decompress.h demands the end */
    SET(CURLOPT_TRANSFER_ENCODING, 0L);
    SET(CURLOPT_COOKIEFILE, ""); /* cookies, in memory, of this source in this run */
    SET(CURLOPT_SHARE, t->pool->share);
    return ok;
}

static bool set_transfer(eh_http_transfer *t)
{
    const eh_http_request *r = &t->request;
    int64_t connect_ms = r->connect_timeout_ms > 0 ? r->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    bool ok = true;
    SET(CURLOPT_URL, t->url.text);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_PRIVATE, t);
    SET(CURLOPT_ERRORBUFFER, t->message);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    SET(CURLOPT_HTTPHEADER, t->lines);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, t);
    SET(CURLOPT_NOPROGRESS, r->body.len > 0 ? 0L : 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    SET(CURLOPT_BUFFERSIZE, 128L * 1024);
    /* On a kept connection that turns out to be dead libcurl sends again by itself. */
    SET(CURLOPT_FRESH_CONNECT, r->repeatable || eh_http_is_idempotent(r->method) ? 0L : 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* a look-up that hangs must not hold up a cancel */
    return ok;
}

bool eh_http_make_easy(eh_http_transfer *t, eh_err *err)
{
    eh_http_head_free(&t->head);
    eh_buf_free(&t->in);
    eh_buf_init(&t->in, IN_MAX);
    t->head_given = t->redirecting = t->held = t->finished = false;
    t->coding_done = t->more = t->opened = false;
    t->skipped = 0;
    t->sent = 0;
    t->window_bytes = 0;
    t->code = CURLE_OK;
    t->message[0] = t->refused[0] = '\0';
    memset(&t->answer, 0, sizeof t->answer);
    t->answer.url = t->url.text;
    t->answer.address = "";
    t->answer.redirects = t->redirects;
    t->easy = t->http->curl.easy_init();
    if (t->easy != NULL && make_lines(t) && set_safety(t) && set_method(t) && set_transfer(t))
        return true;
    return eh_fail_memory(err, "a request");
}

/* ---- how it ended -------------------------------------------------------------------------
 */

static int64_t time_of(const eh_http_transfer *t, CURLINFO info)
{
    curl_off_t us = 0;
    (void)t->http->curl.easy_getinfo(t->easy, info, &us);
    return (int64_t)us;
}

void eh_http_note_facts(eh_http_transfer *t)
{
    const eh_libcurl *curl = &t->http->curl;
    eh_http_answer *a = &t->answer;
    long version = 0, connects = 0;
    char *address = NULL;
    if (t->easy == NULL) return;
    (void)curl->easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
    (void)curl->easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
    (void)curl->easy_getinfo(t->easy, CURLINFO_PRIMARY_IP, &address);
    char *kept = address != NULL ? eh_arena_strdup(t->arena, address) : NULL;
    a->address = kept != NULL ? kept : "";
    a->http_version = version == CURL_HTTP_VERSION_1_0   ? 10
                      : version == CURL_HTTP_VERSION_2_0 ? 20
                                                         : 11;
    a->reused = connects == 0 && address != NULL && address[0] != '\0';
    a->dns_us = time_of(t, CURLINFO_NAMELOOKUP_TIME_T);
    a->connect_us = time_of(t, CURLINFO_CONNECT_TIME_T);
    a->tls_us = time_of(t, CURLINFO_APPCONNECT_TIME_T);
    a->first_byte_us = time_of(t, CURLINFO_STARTTRANSFER_TIME_T);
}

/* A handshake that fails because the connection broke is no matter of certificates. */
static bool broke_in_handshake(const eh_http_transfer *t, CURLcode code)
{
    return code == CURLE_SSL_CONNECT_ERROR &&
           (strstr(t->message, "SSL_ERROR_SYSCALL") != NULL ||
            strstr(t->message, "reset") != NULL ||
            strstr(t->message, "unexpected eof") != NULL);
}

/* libcurl says in words only what is wrong with a certificate. */
static const char *hint_of_certificate(const char *message)
{
    if (strstr(message, "expired") != NULL || strstr(message, "not yet valid") != NULL)
        return "whoever runs the service must renew it; is the clock of this machine right?";
    if (strstr(message, "subject name") != NULL)
        return "the certificate is another host's: is the address right?";
    return "if the service is one of your own, name the certificate of its authority in "
           "config/etlhost.yaml: network: { ca_file: PATH }";
}

static const char *hint_of(const eh_http_transfer *t, CURLcode code)
{
    const char *proxy = t->request.rules->proxy;
    bool by_proxy = proxy != NULL && proxy[0] != '\0';
    switch ((int)code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return hint_of_certificate(t->message);
    case CURLE_SSL_CONNECT_ERROR:
        return strstr(t->message, "wrong version number") != NULL
                   ? "what answers on this port speaks no TLS: is the port right, or is it "
                     "http:?"
                   : NULL;
    case CURLE_SSL_CACERT_BADFILE:
        return "look at network: { ca_file: ... } in config/etlhost.yaml";
    case CURLE_COULDNT_RESOLVE_HOST:
        return "is the name spelled right, and has this machine a network?";
    case CURLE_COULDNT_CONNECT:
        if (!by_proxy) return "is the service up, and does no firewall stand between?";
        return "requests go through the proxy of config/etlhost.yaml (network: { proxy: ... "
               "}): is "
               "it up, and its address right?";
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
        return "look at network: { proxy: ... } in config/etlhost.yaml";
    case CURLE_OPERATION_TIMEDOUT:
        return "the service is slow or out of reach: run again later, or raise the deadline";
    default:
        return NULL;
    }
}

static void note_error(eh_http_transfer *t, CURLcode code)
{
    const char *what = t->message[0] != '\0' ? t->message : t->http->curl.easy_strerror(code);
    if (code == CURLE_COULDNT_CONNECT && t->refused[0] != '\0' && !t->opened) {
        (void)eh_fail(&t->err, EH_CLASS_DENIED, "\"%s\" leads to %s: refused", t->url.host,
                      t->refused);
        if (strstr(t->refused, destination) != NULL) return;
        (void)eh_err_hint(&t->err,
                          "if it is a service of your own, open it in config/etlhost.yaml: "
                          "network: { allow_private: [\"%.*s\"] }",
                          (int)strcspn(t->refused, ","), t->refused);
        return;
    }
    eh_class class_ =
        broke_in_handshake(t, code) ? EH_CLASS_TRANSIENT : eh_http_transport_class((int)code);
    (void)eh_fail(&t->err, class_, "%s", what);
    if (t->err.code == 0) t->err.code = (int)code;
    const char *hint = hint_of(t, code);
    if (hint != NULL) (void)eh_err_hint(&t->err, "%s", hint);
}

void eh_http_note_end(eh_http_transfer *t, CURLcode code)
{
    t->finished = true;
    t->code = code;
    eh_http_note_facts(t);
    /* What we ended ourselves has its error, or has seen enough of a redirect. */
    bool enough = t->redirecting && t->skipped > REDIRECT_BODY_MAX;
    if (code != CURLE_OK && !enough) note_error(t, code);
    eh_http_ready(t);
}
