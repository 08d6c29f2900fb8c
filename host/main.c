/* main.c: which role am I? */
#include "version.h"

#include "base/clock.h"
#include "base/fault.h"
#include "bind/supervisor.h"
#include "engine/engine.h"
#include "jail/jail.h"

#include <stdlib.h>
#include <string.h>

#ifdef EH_FAULTS
/* Test builds die where ETLHOST_FAULT says, in the role that ETLHOST_FAULT_ROLE names, and have
 * a clock that is off by ETLHOST_CLOCK_OFFSET seconds. */
static void arm_fault(const char *role)
{
    const char *offset = getenv("ETLHOST_CLOCK_OFFSET");
    if (offset != NULL) eh_clock_set_wrong(strtoll(offset, NULL, 10) * 1000000);
    const char *wanted = getenv("ETLHOST_FAULT_ROLE");
    if (strcmp(wanted != NULL ? wanted : "engine", role) == 0)
        eh_fault_arm(getenv("ETLHOST_FAULT"));
}
#else
static void arm_fault(const char *role)
{
    (void)role;
}
#endif

int main(int argc, char **argv)
{
    const char *role = argc > 1 ? argv[1] : "";
    if (strcmp(role, "--engine") == 0) {
        arm_fault("engine");
        return eh_engine_main();
    }
    if (strcmp(role, "--jail") == 0) {
        arm_fault("jail");
        return eh_jail_main(argc > 2 ? argv[2] : "strict");
    }
    arm_fault("supervisor");
    return eh_supervisor_main(argc, argv, EH_VERSION);
}
