/* bind/supervisor.h: the supervisor's role: the command line, in host-world Lua. Floor 4. */
#ifndef EH_BIND_SUPERVISOR_H
#define EH_BIND_SUPERVISOR_H

/* Runs lua/host/main.lua with the arguments; gives the process's exit status. */
int eh_supervisor_main(int argc, char **argv, const char *version);

#endif
