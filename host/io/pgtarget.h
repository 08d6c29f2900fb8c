/* io/pgtarget.h: which server a libpq connection string means, before anybody connects to it.
 *
 * The string, service files and the environment count, as libpq itself weighs them. Floor 2. */
#ifndef EH_IO_PGTARGET_H
#define EH_IO_PGTARGET_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

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

#define EH_PG_PASSWORDS_MAX 16

/* The passwords that a connection with this string may send, from wherever libpq takes them; of
 * a string in which it finds none, what somebody may have meant as one: libpq's errors quote
 * that. One that is also the user's, the database's or a host's name is left out, since those
 * are told. In the arena; at most EH_PG_PASSWORDS_MAX. */
size_t eh_pg_passwords(const char *url, eh_arena *arena, eh_slice out[EH_PG_PASSWORDS_MAX]);

/* From now on connections of this process check the server's certificate and name (sslmode
 * verify-full), unless the string, its service file or PGSSLMODE says otherwise. */
bool eh_pg_verify_servers(eh_err *err) EH_MUST_USE;

#endif
