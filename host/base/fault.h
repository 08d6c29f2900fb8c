/* base/fault.h: named points where a test build can be told to die, stop or fail.
 *
 * Compiled in with -DEH_FAULTS only; in a release EH_FAULT is nothing. The top floor hands in a
 * specification "name", "name:N" (the N-th time, from 1) with an optional "=kill" (the default,
 * SIGKILL to itself), "=stop" (SIGSTOP) or "=kill-parent". The points are listed in
 * tests/crash/. Floor 0. */
#ifndef EH_BASE_FAULT_H
#define EH_BASE_FAULT_H

#ifdef EH_FAULTS
/* Arms one fault; text is borrowed for the life of the process. NULL disarms. */
void eh_fault_arm(const char *text);
/* Acts if `name` is armed and this is the counted time. */
void eh_fault_hit(const char *name);
#define EH_FAULT(name) eh_fault_hit(name)
#else
#define EH_FAULT(name) ((void)0)
#endif

#endif
