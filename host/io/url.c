/* io/url.c: see url.h. */
#include "io/url.h"

#include "io/http.h"
#include "io/libcurl.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* As long as servers and proxies take them, and longer. */
#define URL_MAX   ((size_t)64 * 1024)
#define HOST_PORT 64 /* an address, brackets, a port */

typedef struct parser {
    eh_libcurl curl;
    CURLU *handle;
    eh_class class_; /* of what is wrong with the URL */
} parser;

static bool open_parser(parser *p, eh_class class_, eh_err *err)
{
    memset(p, 0, sizeof *p);
    p->class_ = class_;
    if (!eh_libcurl_load(&p->curl, err)) return false;
    p->handle = p->curl.url();
    return p->handle != NULL || eh_fail_memory(err, "a URL");
}

static void close_parser(parser *p)
{
    if (p->handle != NULL) p->curl.url_cleanup(p->handle);
}

/* Without the text itself: secrets stand in URLs. */
static bool refuse(const parser *p, const char *why, eh_err *err)
{
    return eh_fail(err, p->class_, "this is no URL that can be spoken to: %s", why);
}

static bool check_bytes(const parser *p, const char *text, bool blanks, eh_err *err)
{
    if (strlen(text) > URL_MAX) return refuse(p, "it is longer than 64 KiB", err);
    for (const char *s = text; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < 0x20 || c == 0x7f) return refuse(p, "it has a control byte", err);
        if (c == ' ' && !blanks) return refuse(p, "it has a blank (write %20)", err);
    }
    return true;
}

static bool set(parser *p, const char *text, unsigned flags, eh_err *err)
{
    CURLUcode rc = p->curl.url_set(p->handle, CURLUPART_URL, text, flags);
    if (rc == CURLUE_OUT_OF_MEMORY) return eh_fail_memory(err, "a URL");
    if (rc == CURLUE_BAD_SCHEME || rc == CURLUE_UNSUPPORTED_SCHEME)
        return refuse(p, "it does not begin with https:// or http://", err);
    if (rc == CURLUE_USER_NOT_ALLOWED)
        return refuse(p, "a user or a password stands before its host", err);
    return rc == CURLUE_OK || refuse(p, p->curl.url_strerror(rc), err);
}

/* A part as our own copy; *out stays NULL when there is none. */
static bool get(parser *p, CURLUPart part, unsigned flags, char **out, eh_err *err)
{
    char *text = NULL;
    CURLUcode rc = p->curl.url_get(p->handle, part, &text, flags);
    *out = rc == CURLUE_OK ? strdup(text) : NULL;
    p->curl.free(text);
    if (rc == CURLUE_OUT_OF_MEMORY || (rc == CURLUE_OK && *out == NULL))
        return eh_fail_memory(err, "a URL");
    if (rc == CURLUE_OK || rc == CURLUE_NO_QUERY || rc == CURLUE_NO_USER ||
        rc == CURLUE_NO_PASSWORD || rc == CURLUE_NO_ZONEID)
        return true;
    return refuse(p, p->curl.url_strerror(rc), err);
}

static bool is_absent(parser *p, CURLUPart part, const char *why, eh_err *err)
{
    char *text = NULL;
    if (!get(p, part, 0, &text, err)) return false;
    bool absent = text == NULL;
    free(text);
    return absent || refuse(p, why, err);
}

/* Lower case, without the root's dot, without the brackets of IPv6; nothing else in it than
 * names and addresses have. */
static bool normalise_host(const parser *p, eh_url *url, eh_err *err)
{
    char *host = url->host;
    size_t len = strlen(host);
    struct in6_addr any;
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        char address[INET6_ADDRSTRLEN]; /* in its one canonical form (RFC 5952) */
        host[len - 1] = '\0';
        if (inet_pton(AF_INET6, host + 1, &any) != 1 ||
            inet_ntop(AF_INET6, &any, address, sizeof address) == NULL)
            return refuse(p, "its address is broken", err);
        free(host);
        url->host = strdup(address);
        url->literal = true;
        return url->host != NULL || eh_fail_memory(err, "a URL");
    }
    if (len > 0 && host[len - 1] == '.') host[--len] = '\0';
    for (char *s = host; *s != '\0'; s++) {
        *s = (char)tolower((unsigned char)*s);
        /* libcurl would translate them by the process's locale, which is C. */
        if ((unsigned char)*s >= 128)
            return refuse(p, "its host has letters beyond ASCII (write its xn-- form)", err);
        if (!isalnum((unsigned char)*s) && strchr("-._", *s) == NULL)
            return refuse(p, "its host has a character that no name has", err);
    }
    url->literal = inet_pton(AF_INET, host, &any) == 1;
    return len > 0 || refuse(p, "it has no host", err);
}

static char *format(const char *pattern, ...) EH_PRINTF(1, 2);
static char *format(const char *pattern, ...)
{
    char *text = NULL;
    va_list list;
    va_start(list, pattern);
    int n = vasprintf(&text, pattern, list);
    va_end(list);
    return n < 0 ? NULL : text;
}

static bool assemble(eh_url *url, eh_err *err)
{
    bool v6 = strchr(url->host, ':') != NULL;
    const char *scheme = url->https ? "https" : "http", *left = v6 ? "[" : "",
               *right = v6 ? "]" : "";
    char port[8] = "";
    if (url->port != (url->https ? 443 : 80))
        (void)snprintf(port, sizeof port, ":%u", (unsigned)url->port);
    url->origin = format("%s://%s%s%s:%u", scheme, left, url->host, right, (unsigned)url->port);
    url->text = format("%s://%s%s%s%s%s%s%s", scheme, left, url->host, right, port, url->path,
                       url->query != NULL ? "?" : "", url->query != NULL ? url->query : "");
    return (url->origin != NULL && url->text != NULL) || eh_fail_memory(err, "a URL");
}

/* What was put together must be read as the same host again: "127.1." does not. */
static bool check_again(parser *p, const eh_url *url, eh_err *err)
{
    eh_url again = {0};
    bool ok = set(p, url->text, CURLU_PATH_AS_IS | CURLU_DISALLOW_USER, err) &&
              get(p, CURLUPART_HOST, 0, &again.host, err) && normalise_host(p, &again, err) &&
              (strcmp(again.host, url->host) == 0 || refuse(p, "its host is odd", err));
    eh_url_free(&again);
    return ok;
}

static bool read_parts(parser *p, eh_url *url, eh_err *err)
{
    char *scheme = NULL, *port = NULL;
    bool ok = is_absent(p, CURLUPART_USER, "a user stands before its host", err) &&
              is_absent(p, CURLUPART_PASSWORD, "a password stands before its host", err) &&
              is_absent(p, CURLUPART_ZONEID, "its address has a zone", err) &&
              get(p, CURLUPART_SCHEME, 0, &scheme, err) &&
              get(p, CURLUPART_HOST, 0, &url->host, err) &&
              get(p, CURLUPART_PORT, CURLU_DEFAULT_PORT, &port, err) &&
              get(p, CURLUPART_PATH, 0, &url->path, err) &&
              get(p, CURLUPART_QUERY, 0, &url->query, err) &&
              ((url->host != NULL && scheme != NULL && port != NULL) ||
               refuse(p, "it has no host", err));
    if (ok) {
        unsigned long number = strtoul(port, NULL, 10);
        url->port = (uint16_t)number;
        url->https = strcasecmp(scheme, "https") == 0;
        ok = (url->https || strcasecmp(scheme, "http") == 0 ||
              refuse(p, "it does not begin with https:// or http://", err)) &&
             ((number > 0 && number <= 65535) || refuse(p, "its port is 0", err)) &&
             normalise_host(p, url, err) && assemble(url, err) && check_again(p, url, err);
    }
    free(scheme);
    free(port);
    return ok;
}

/* libcurl takes one slash for two, and three. */
static bool check_slashes(const parser *p, const char *text, eh_err *err)
{
    const char *at = strstr(text, "://");
    return (at != NULL && at[3] != '/') ||
           refuse(p, "it does not begin with https:// or http:// and a host", err);
}

bool eh_url_parse(const char *text, eh_url *url, eh_err *err)
{
    parser p;
    memset(url, 0, sizeof *url);
    bool ok = open_parser(&p, EH_CLASS_CONFIG, err) && check_bytes(&p, text, false, err) &&
              check_slashes(&p, text, err) &&
              set(&p, text, CURLU_PATH_AS_IS | CURLU_DISALLOW_USER | CURLU_URLENCODE, err) &&
              read_parts(&p, url, err);
    close_parser(&p);
    if (!ok) eh_url_free(url);
    return ok;
}

bool eh_url_join(const eh_url *base, const char *reference, eh_url *out, eh_err *err)
{
    parser p;
    if (reference[0] == '\0' || reference[0] == '#') return eh_url_parse(base->text, out, err);
    memset(out, 0, sizeof *out);
    bool ok =
        open_parser(&p, EH_CLASS_REMOTE, err) && check_bytes(&p, reference, true, err) &&
        set(&p, base->text, CURLU_PATH_AS_IS, err) &&
        set(&p, reference, CURLU_DISALLOW_USER | CURLU_URLENCODE | CURLU_ALLOW_SPACE, err) &&
        read_parts(&p, out, err);
    close_parser(&p);
    if (!ok) eh_url_free(out);
    return ok;
}

void eh_url_free(eh_url *url)
{
    free(url->text);
    free(url->host);
    free(url->path);
    free(url->query);
    free(url->origin);
    memset(url, 0, sizeof *url);
}

bool eh_url_same_origin(const eh_url *a, const eh_url *b)
{
    return strcmp(a->origin, b->origin) == 0;
}

/* ---- what may be spoken to --------------------------------------------------------------- */

static bool host_matches(const char *host, const char *pattern, size_t len)
{
    size_t host_len = strlen(host);
    if (len > 0 && pattern[len - 1] == '.') len--;
    if (len > 2 && pattern[0] == '*' && pattern[1] == '.') {
        size_t tail = len - 1; /* with its dot */
        return host_len > tail && strncasecmp(host + host_len - tail, pattern + 1, tail) == 0;
    }
    return len > 0 && host_len == len && strncasecmp(host, pattern, len) == 0;
}

/* The pattern's host, without brackets, and what stands behind its colon (NULL: no port). */
static const char *split_pattern(const char *pattern, size_t *len, const char **port)
{
    const char *colon = strrchr(pattern, ':');
    *len = strlen(pattern);
    *port = NULL;
    if (pattern[0] == '[') {
        const char *end = strchr(pattern, ']');
        if (end == NULL) return pattern;
        *len = (size_t)(end - pattern) - 1;
        if (end[1] == ':') *port = end + 2;
        return pattern + 1;
    }
    if (colon == NULL || strchr(pattern, ':') != colon) return pattern; /* bare IPv6 */
    *len = (size_t)(colon - pattern);
    *port = colon + 1;
    return pattern;
}

static bool port_is(const char *text, uint16_t port)
{
    char *end = NULL;
    return strtoul(text, &end, 10) == port && *end == '\0' && end != text;
}

static bool default_port(const eh_url *url)
{
    return url->port == (url->https ? 443 : 80);
}

static bool matches(const eh_url *url, const char *pattern, bool any_port)
{
    if (strstr(pattern, "://") != NULL) {
        eh_url other;
        if (!eh_url_parse(pattern, &other, NULL)) return false;
        bool same = strcmp(other.host, url->host) == 0 && other.port == url->port;
        eh_url_free(&other);
        return same;
    }
    size_t len;
    const char *port, *host = split_pattern(pattern, &len, &port);
    if (!host_matches(url->host, host, len)) return false;
    if (port != NULL) return port_is(port, url->port);
    return any_port || default_port(url);
}

bool eh_url_matches(const eh_url *url, const char *pattern)
{
    return matches(url, pattern, false);
}

/* As allow_private writes it: "127.0.0.1:8080", "[::1]:8080". */
static void address_of(const eh_url *url, char text[HOST_PORT])
{
    bool v6 = strchr(url->host, ':') != NULL;
    (void)snprintf(text, HOST_PORT, "%s%s%s:%u", v6 ? "[" : "", url->host, v6 ? "]" : "",
                   (unsigned)url->port);
}

/* Its address and port stand in allow_private. */
static bool opened(const eh_url *url, const eh_http_rules *rules)
{
    char text[HOST_PORT];
    if (!url->literal) return false;
    address_of(url, text);
    for (size_t i = 0; i < rules->allow_private_count; i++)
        if (strcasecmp(rules->allow_private[i], text) == 0) return true;
    return false;
}

bool eh_url_allowed(const eh_url *url, const eh_http_rules *rules, eh_err *err)
{
    bool is_opened = opened(url, rules), host = false, port = false;
    for (size_t i = 0; i < rules->host_count; i++) {
        host = host || matches(url, rules->hosts[i], true);
        port = port || matches(url, rules->hosts[i], is_opened);
    }
    if (!host) {
        (void)eh_fail(err, EH_CLASS_DENIED,
                      "\"%s\" is not a host that this source may speak to", url->host);
        return eh_err_hint(err, "the source's `hosts` lists all that it may speak to");
    }
    if (!port) {
        (void)eh_fail(err, EH_CLASS_DENIED, "port %u of \"%s\" is not open to this source",
                      (unsigned)url->port, url->host);
        return eh_err_hint(err, "write %s:%u in the source's `hosts`", url->host,
                           (unsigned)url->port);
    }
    if (url->https || rules->allow_plain || is_opened) return true;
    (void)eh_fail(err, EH_CLASS_DENIED,
                  "http: to \"%s\" is refused: anybody on the way could read it", url->host);
    if (!url->literal) return eh_err_hint(err, "use https:");
    char text[HOST_PORT];
    address_of(url, text);
    return eh_err_hint(
        err,
        "use https:, or, for a service of your own, name it in config/etlhost.yaml: "
        "network: { allow_private: [\"%s\"] }",
        text);
}

bool eh_url_encode(eh_buf *out, eh_slice part, eh_err *err)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < part.len; i++) {
        unsigned char c = (unsigned char)part.data[i];
        char coded[3] = {'%', hex[c >> 4], hex[c & 15]};
        bool plain = (c < 128 && isalnum(c)) || c == '-' || c == '.' || c == '_' || c == '~';
        if (!eh_buf_append(out, plain ? part.data + i : coded, plain ? 1 : 3, err))
            return false;
    }
    return true;
}
