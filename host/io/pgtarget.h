/* io/pgtarget.h: which server a libpq connection string means, before anybody connects to it.
 *
 * The string, service files and the environment count, as libpq itself weighs them. Floor 2. */
#ifndef EH_IO_PGTARGET_H
#define EH_IO_PGTARGET_H

#include "base/err.h"

#include <stddef.h>
#include <sys/socket.h>

/* Fills out with host, port, database and user as one line of text, no secrets: equal for
 * equal targets. *local: the server is on this machine (a socket, a loopback address, or a
 * tunnel that looks like one). False, with nothing filled, when the string cannot be read;
 * connecting then says why. */
bool eh_pg_target(const char *url, char *out, size_t size, bool *local) EH_MUST_USE;

/* The addresses, with their ports, that a connection with this string may go to; at most max
 * are filled in. Names are looked up, which blocks as connecting does; one that is not found is
 * left out. A socket stands for this machine at its port. 0 when the string cannot be read. */
size_t eh_pg_addresses(const char *url, struct sockaddr_storage *out, size_t max);

/* From now on connections of this process check the server's certificate and name (sslmode
 * verify-full), unless the string, its service file or PGSSLMODE says otherwise. */
bool eh_pg_verify_servers(eh_err *err) EH_MUST_USE;

#endif
