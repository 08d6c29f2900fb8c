/* jail/wall.h: what the script process may still ask of the kernel.
 *
 * After eh_wall_build the process can read and write its one socket, ask for memory that is not
 * executable, read the clock and end. Any other system call ends it with SIGSYS ("forbidden
 * call"). Floor 4. */
#ifndef EH_JAIL_WALL_H
#define EH_JAIL_WALL_H

#include "base/err.h"

#include <stddef.h>

typedef struct eh_wall {
    bool landlock;       /* false on a kernel without it: a warning */
    bool seccomp;        /* false: strict mode must not go on */
    size_t in_use_bytes; /* of address space, when the wall was built */
} eh_wall;

/* socket: the one descriptor that stays usable. All others are closed; 0, 1 and 2 become
 * /dev/null. Cannot be undone. What could not be had is false in *wall; err (class denied) is
 * set only where a limit that every kernel has was refused. */
bool eh_wall_build(eh_wall *wall, int socket, eh_err *err) EH_MUST_USE;

/* Lowers the limit of address space to what was in use plus `bytes`; allowed inside the wall.
 */
bool eh_wall_limit_memory(const eh_wall *wall, size_t bytes, eh_err *err) EH_MUST_USE;

#endif
