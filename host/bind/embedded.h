/* bind/embedded.h: how host-world Lua finds its own modules. Floor 4. */
#ifndef EH_BIND_EMBEDDED_H
#define EH_BIND_EMBEDDED_H

#include "bind/bind.h"

/* [-0, +0] `require "host.x.y"` reads lua/host/x/y.lua from the executable, or, with a folder,
 * from FOLDER/host/x/y.lua. May raise. */
void eh_bind_add_searcher(lua_State *L, const char *folder);

#endif
