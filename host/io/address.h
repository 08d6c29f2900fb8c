/* io/address.h: may a connection go to this address? A pure judgement of the real socket
 * address.
 *
 * It is asked when a socket is about to be connected, after names were resolved: that is what
 * sees through names that resolve to the inside, names that change their mind between two
 * look-ups, and odd spellings (127.1, 0x7f000001), which no look at the text does. Floor 2. */
#ifndef EH_IO_ADDRESS_H
#define EH_IO_ADDRESS_H

#include "base/err.h"

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

/* "[0123:4567:...%4294967295]:65535" and a NUL. */
#define EH_ADDRESS_TEXT 80

/* NULL for an address of the open internet; otherwise what it is, for a person: "a loopback
 * address", "a private address", "a link-local address (cloud metadata is there)", and so on
 * for every network that the registries of special-purpose addresses (RFC 6890) keep apart.
 * IPv4 inside IPv6 (mapped, NAT64, 6to4) is judged by the inner address. What
 * is neither IPv4 nor IPv6 is refused. Constant text. */
const char *eh_address_refused(const struct sockaddr *address, socklen_t length);

/* "93.184.216.34:443" or "[2001:db8::1]:443"; "" for another family. */
void eh_address_text(const struct sockaddr *address, char out[EH_ADDRESS_TEXT]);

/* The same host and port; an IPv4 address and its IPv6-mapped form are the same. */
bool eh_address_equal(const struct sockaddr *a, const struct sockaddr *b);

/* Reads "127.0.0.1:8080" or "[::1]:8080": both parts, nothing else. Class config when it is not
 * that. */
bool eh_address_parse(const char *text, struct sockaddr_storage *out, eh_err *err) EH_MUST_USE;

#endif
