/* io/http_class.h: what an HTTP status, or a failure of the transport, means: one table each.
 * Floor 2. */
#ifndef EH_IO_HTTP_CLASS_H
#define EH_IO_HTTP_CLASS_H

#include "base/err.h"

/* EH_OK for 2xx. Trying the same request again may help for transient and throttled only. */
eh_class eh_http_status_class(int status);

/* "Service Unavailable"; "" for a status that is not registered. */
const char *eh_http_status_text(int status);

/* GET, HEAD, OPTIONS, PUT, DELETE: sent twice does what it does sent once (RFC 9110 9.2.2). */
bool eh_http_is_idempotent(const char *method);

/* For a CURLcode. */
eh_class eh_http_transport_class(int code);

#endif
