/* jail/jail.h: the process that runs scripts, `etlhost --jail strict|weak`.
 *
 * It is started with an empty environment, the engine's socket as descriptor 3 and the window
 * as descriptor 4, and builds its wall before it reads a byte. What it may then say and hear is
 * in docs/reference/messages.md. It keeps no secret, file or connection, and ends with _exit: a
 * Lua state that a script has had is never closed. Floor 4. */
#ifndef EH_JAIL_JAIL_H
#define EH_JAIL_JAIL_H

enum { EH_JAIL_SOCKET = 3, EH_JAIL_WINDOW = 4 };

/* Does not return before the run is over. sandbox: "strict" or "weak". The result is the exit
 * status: 0 after FINISHED or DECLARED, 1 after FAILED, 2 when the engine went away. */
int eh_jail_main(const char *sandbox);

#endif
