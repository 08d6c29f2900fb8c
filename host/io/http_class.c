/* io/http_class.c: see http_class.h. */
#include "io/http_class.h"

#include "io/libcurl.h"

#include <string.h>

typedef struct status_class {
    int status;
    eh_class class_;
    const char *text;
} status_class;

/* IANA's registry of HTTP status codes, and the codes of proxies that are met in practice. */
static const status_class statuses[] = {
    {200, EH_OK, "OK"},
    {201, EH_OK, "Created"},
    {202, EH_OK, "Accepted"},
    {203, EH_OK, "Non-Authoritative Information"},
    {204, EH_OK, "No Content"},
    {206, EH_OK, "Partial Content"},
    {301, EH_CLASS_REMOTE, "Moved Permanently"},
    {302, EH_CLASS_REMOTE, "Found"},
    {303, EH_CLASS_REMOTE, "See Other"},
    {304, EH_CLASS_REMOTE, "Not Modified"},
    {307, EH_CLASS_REMOTE, "Temporary Redirect"},
    {308, EH_CLASS_REMOTE, "Permanent Redirect"},
    {400, EH_CLASS_CONFIG, "Bad Request"},
    {401, EH_CLASS_AUTH, "Unauthorized"},
    {402, EH_CLASS_DENIED, "Payment Required"},
    {403, EH_CLASS_DENIED, "Forbidden"},
    {404, EH_CLASS_NOT_FOUND, "Not Found"},
    {405, EH_CLASS_CONFIG, "Method Not Allowed"},
    {406, EH_CLASS_CONFIG, "Not Acceptable"},
    {407, EH_CLASS_AUTH, "Proxy Authentication Required"},
    {408, EH_CLASS_TRANSIENT, "Request Timeout"},
    {409, EH_CLASS_REMOTE, "Conflict"},
    {410, EH_CLASS_NOT_FOUND, "Gone"},
    {411, EH_CLASS_CONFIG, "Length Required"},
    {412, EH_CLASS_DATA, "Precondition Failed"}, /* what was asked for is another by now */
    {413, EH_CLASS_CONFIG, "Content Too Large"},
    {414, EH_CLASS_CONFIG, "URI Too Long"},
    {415, EH_CLASS_CONFIG, "Unsupported Media Type"},
    {416, EH_CLASS_DATA, "Range Not Satisfiable"},
    {421, EH_CLASS_TRANSIENT, "Misdirected Request"}, /* another connection may do (RFC 9110) */
    {422, EH_CLASS_CONFIG, "Unprocessable Content"},
    {425, EH_CLASS_TRANSIENT, "Too Early"},
    {429, EH_CLASS_THROTTLED, "Too Many Requests"},
    {431, EH_CLASS_CONFIG, "Request Header Fields Too Large"},
    {451, EH_CLASS_DENIED, "Unavailable For Legal Reasons"},
    {500, EH_CLASS_TRANSIENT, "Internal Server Error"},
    {501, EH_CLASS_REMOTE, "Not Implemented"},
    {502, EH_CLASS_TRANSIENT, "Bad Gateway"},
    {503, EH_CLASS_TRANSIENT, "Service Unavailable"},
    {504, EH_CLASS_TRANSIENT, "Gateway Timeout"},
    {505, EH_CLASS_REMOTE, "HTTP Version Not Supported"},
    {511, EH_CLASS_AUTH, "Network Authentication Required"},
    {520, EH_CLASS_TRANSIENT, "Unknown Error of the Proxy"}, /* 520 to 524: Cloudflare */
    {521, EH_CLASS_TRANSIENT, "Web Server Is Down"},
    {522, EH_CLASS_TRANSIENT, "Connection Timed Out"},
    {523, EH_CLASS_TRANSIENT, "Origin Is Unreachable"},
    {524, EH_CLASS_TRANSIENT, "A Timeout Occurred"},
    {529, EH_CLASS_THROTTLED, "Overloaded"},
};

static const status_class *find(int status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        if (statuses[i].status == status) return &statuses[i];
    return NULL;
}

eh_class eh_http_status_class(int status)
{
    const status_class *known = find(status);
    if (known != NULL) return known->class_;
    if (status >= 200 && status < 300) return EH_OK;
    return status >= 400 && status < 500 ? EH_CLASS_CONFIG : EH_CLASS_REMOTE;
}

const char *eh_http_status_text(int status)
{
    const status_class *known = find(status);
    return known != NULL ? known->text : "";
}

bool eh_http_is_idempotent(const char *method)
{
    static const char *const idempotent[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
    for (size_t i = 0; i < sizeof idempotent / sizeof idempotent[0]; i++)
        if (strcmp(method, idempotent[i]) == 0) return true;
    return false;
}

eh_class eh_http_transport_class(int code)
{
    switch (code) {
    case CURLE_OK:
        return EH_OK;
    case CURLE_URL_MALFORMAT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
    /* Who answers is not who was asked for, or we cannot tell: trying again changes nothing. */
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return EH_CLASS_CONFIG;
    case CURLE_OUT_OF_MEMORY:
        return EH_CLASS_LIMIT;
    case CURLE_UNSUPPORTED_PROTOCOL: /* the scheme was judged before: what came is no HTTP */
    case CURLE_WEIRD_SERVER_REPLY:
        return EH_CLASS_REMOTE;
    default: /* names, connections, time, cut answers */
        return EH_CLASS_TRANSIENT;
    }
}
