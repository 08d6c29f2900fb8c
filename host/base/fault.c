/* base/fault.c: see fault.h. The armed fault is process-wide on purpose: it exists only in test
 * builds, and a fault point must cost no parameter in the code it sits in. */
#include "base/fault.h"

#ifdef EH_FAULTS
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *name;
    size_t name_len;
    long countdown;
    const char *action;
} armed;

void eh_fault_arm(const char *text)
{
    memset(&armed, 0, sizeof armed);
    if (text == NULL || text[0] == '\0') return;
    armed.name = text;
    armed.name_len = strcspn(text, ":=");
    armed.countdown = 1;
    if (text[armed.name_len] == ':')
        armed.countdown = strtol(text + armed.name_len + 1, NULL, 10);
    const char *action = strchr(text, '=');
    armed.action = action != NULL ? action + 1 : "kill";
}

void eh_fault_hit(const char *name)
{
    if (armed.name == NULL || strlen(name) != armed.name_len ||
        memcmp(name, armed.name, armed.name_len) != 0 || --armed.countdown != 0)
        return;
    if (strcmp(armed.action, "stop") == 0)
        (void)raise(SIGSTOP);
    else if (strcmp(armed.action, "kill-parent") == 0)
        (void)kill(getppid(), SIGKILL);
    else
        (void)raise(SIGKILL);
}
#else
typedef int eh_fault_is_off; /* ISO C wants a declaration in every file */
#endif
