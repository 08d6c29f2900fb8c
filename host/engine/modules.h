/* engine/modules.h: the text of a module that a script requires. This room only. */
#ifndef EH_ENGINE_MODULES_H
#define EH_ENGINE_MODULES_H

#include "engine/run.h"

/* Looks for name ("sources.crm") in spec.module_roots in order, as name.lua and name/init.lua,
 * then among the embedded sources. *text has NULL data when there is none. *path is for people.
 * A name that is no module name is an error. */
bool eh_module_find(eh_run *run, const char *name, eh_arena *arena, eh_slice *text,
                    const char **path, eh_err *err) EH_MUST_USE;

#endif
