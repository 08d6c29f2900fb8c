/* bind/bind.h: what the files of this room share.
 *
 * Each file opens one module for host-world Lua and does no more than read arguments, call the
 * floor below, and push results. Outcomes are returned as nil and an error object; misuse
 * raises. The functions that take a lua_State may raise. Floor 4. */
#ifndef EH_BIND_BIND_H
#define EH_BIND_BIND_H

#include "base/arena.h"
#include "base/doc.h"
#include "base/err.h"

#include <lauxlib.h>
#include <lua.h>

/* [-0, +1] The error as a Lua object: class, message, hint, place, trail, code, retry_after_ms.
 */
void eh_bind_push_err(lua_State *L, const eh_err *err);

/* [-0, +2] nil and the error; gives 2, for `return eh_bind_fail(L, &err)`. */
int eh_bind_fail(lua_State *L, const eh_err *err);

/* Raises. Unlike luaL_error it tells the compiler that it does not come back. */
_Noreturn void eh_bind_no_memory(lua_State *L);

/* Gives the userdata on the stack's top the type `name`, which ends it by `gc`. What it owns is
 * put into it after that. */
void eh_bind_box(lua_State *L, const char *name, lua_CFunction gc);

/* [-0, +1] Pushes a box that owns a new arena, freed with the box at the latest. */
eh_arena *eh_bind_push_arena(lua_State *L, size_t max);
/* Frees the arena of the box at index now. */
void eh_bind_free_arena(lua_State *L, int index);

/* The Lua value at index as a document. Raises on what a document cannot hold (functions,
 * cycles, keys that are no strings) and without memory; the arena belongs to a box, so nothing
 * is lost. */
eh_doc *eh_bind_to_doc(lua_State *L, int index, eh_arena *arena);

int luaopen_host_clock(lua_State *L);
int luaopen_host_doc(lua_State *L);
int luaopen_host_embedded(lua_State *L);
int luaopen_host_err(lua_State *L);
int luaopen_host_files(lua_State *L);
int luaopen_host_process(lua_State *L);
int luaopen_host_signals(lua_State *L);
int luaopen_host_store(lua_State *L);
int luaopen_host_system(lua_State *L);
int luaopen_host_yaml(lua_State *L);
int luaopen_host_zone(lua_State *L);

#endif
