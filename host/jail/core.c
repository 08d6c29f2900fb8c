/* jail/core.c: the functions that the host's own Lua (lua/etl) is given as its chunk argument.
 * They are no secret, only not part of what scripts are promised. */
#include "jail/rows.h"

#include <lauxlib.h>

/* list(t): marks t as a list, so that an empty one stays a list. Returns t. */
static int l_list(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    eh_vm_mark_list(L, 1);
    return 1;
}

static int l_is_list(lua_State *L)
{
    lua_pushboolean(L, eh_vm_is_list(L, 1));
    return 1;
}

/* freeze(t, name): a read-only view of t. */
static int l_freeze(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    const char *name = luaL_checkstring(L, 2);
    lua_pushvalue(L, 1);
    eh_env_freeze(L, name);
    return 1;
}

bool eh_jail_push_where(lua_State *L)
{
    static const char own[] = "@lua/etl/";
    lua_Debug ar;
    for (int level = 1; lua_getstack(L, level, &ar); level++) {
        if (lua_getinfo(L, "Sl", &ar) == 0 || ar.currentline <= 0) continue;
        if (strncmp(ar.source, own, sizeof own - 1) == 0) continue;
        lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
        return true;
    }
    return false;
}

/* where(): "file:line" of the nearest caller that is not one of our own modules, or nil. */
static int l_where(lua_State *L)
{
    return eh_jail_push_where(L) ? 1 : 0;
}

static int l_placed_call(lua_State *L)
{
    /* [module, argument] */
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 2);
    if (!eh_jail_push_where(L)) lua_pushnil(L);
    lua_call(L, 2, 1);
    return 1;
}

/* placed(fn): for __call of a module: calls fn(argument, place). A C function, because in
 * `return source { ... }` a Lua function would take the place of its caller's frame, and with
 * it the line. */
static int l_placed(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_pushcclosure(L, l_placed_call, 1);
    return 1;
}

/* error(t): makes t an error object; its fields are class, message, hint, place, trail, code.
 */
static int l_error_object(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    luaL_setmetatable(L, EH_VM_ERR_META);
    return 1;
}

/* log(level, message) */
static int l_log(lua_State *L)
{
    static const char *const levels[] = {"debug", "info", "warning", "error", NULL};
    const char *level = levels[luaL_checkoption(L, 1, NULL, levels)];
    size_t len;
    const char *text = luaL_checklstring(L, 2, &len);
    if (len > EH_JAIL_MAX_LOG) len = EH_JAIL_MAX_LOG;
    eh_err err = {.class_ = EH_OK};
    if (!eh_jail_log(eh_jail_of(L), level, eh_slice_of(text, len), &err))
        return luaL_error(L, "log: %s", err.message);
    return 0;
}

void eh_env_add_core(lua_State *L)
{
    static const luaL_Reg functions[] = {{"call", l_call},     {"tell", l_tell},
                                         {"list", l_list},     {"is_list", l_is_list},
                                         {"freeze", l_freeze}, {"where", l_where},
                                         {"placed", l_placed}, {"error", l_error_object},
                                         {"log", l_log},       {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
    eh_vm_push_null(L);
    lua_setfield(L, -2, "null");
    eh_rows_add_core(L);
}
