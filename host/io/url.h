/* io/url.h: one reading of a URL, by libcurl's own parser, so that what was judged is what is
 * spoken to.
 *
 * A URL is read once, refused or normalised, and only the normalised parts are looked at from
 * then on. Refused are: other schemes than http and https, a user or password before the host,
 * control bytes and blanks, no host or one beyond ASCII, a port of 0. What may be spoken to is
 * judged by eh_url_allowed (names) and io/address.h (addresses). Embedded struct: eh_url_free
 * is safe twice. Floor 2. */
#ifndef EH_IO_URL_H
#define EH_IO_URL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include <stddef.h>
#include <stdint.h>

typedef struct eh_url {
    char *text;   /* the whole, normalised, without the fragment; owned */
    char *host;   /* lower case, no trailing dot, no brackets; owned */
    char *path;   /* from '/', as it was given but for bytes above 127, %-encoded; owned */
    char *query;  /* behind '?'; NULL when there is none; owned */
    char *origin; /* "https://host:port", the port always there; owned */
    uint16_t port;
    bool https;
    bool literal; /* the host is an IP address, however it was spelled */
} eh_url;

/* Fills *url. Class config when the text is no URL that we speak to; nothing is left behind
 * then. Dot segments of the path stay: a key of an object store may have them. */
bool eh_url_parse(const char *text, eh_url *url, eh_err *err) EH_MUST_USE;

/* Resolves a reference ("/next?page=2", "?page=2", "//other.host/", an absolute URL) against
 * base, as RFC 3986 5.3 says. Class remote: the other side sent it. */
bool eh_url_join(const eh_url *base, const char *reference, eh_url *out,
                 eh_err *err) EH_MUST_USE;

void eh_url_free(eh_url *url);

/* The same scheme, host and port: what is secret for one may be sent to the other. */
bool eh_url_same_origin(const eh_url *a, const eh_url *b);

/* Does a pattern of a source's `hosts` name this URL's host and port? Patterns:
 *   api.x.com         that host, at its scheme's own port
 *   api.x.com:8443    that host at that port
 *   *.x.com           any host below x.com (not x.com itself), at the scheme's own port
 *   https://api.x.com/v1   the host and port of that URL
 * Names are compared without regard to case and to a trailing dot. */
bool eh_url_matches(const eh_url *url, const char *pattern);

struct eh_http_rules;

/* May a source with these rules speak to it? Judges scheme, host, port and whether it is an
 * address instead of a name. Class denied, naming the host and what to write where. */
bool eh_url_allowed(const eh_url *url, const struct eh_http_rules *rules,
                    eh_err *err) EH_MUST_USE;

/* Appends `part` with all but A-Z a-z 0-9 - . _ ~ as %XX (RFC 3986 2.3): a value of a query, a
 * segment of a path. */
bool eh_url_encode(eh_buf *out, eh_slice part, eh_err *err) EH_MUST_USE;

#endif
