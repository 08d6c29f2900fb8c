/* jail/env.c: the names a script finds. Built from an allow list, then frozen; nothing is taken
 * away from a full set, since what was taken away has a way of coming back (CVE-2022-0543).
 *
 * The libraries io, os, package and debug are never opened. Tables of functions are handed out
 * behind an empty read-only table, so that one module cannot change what another one calls. */
#include "jail/internal.h"

#include <lauxlib.h>
#include <lualib.h>

static const char env_key = 'e', jail_key = 'j', frozen_key = 'f';

void eh_jail_bind(lua_State *L, eh_jail *jail)
{
    lua_pushlightuserdata(L, jail);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &jail_key);
}

eh_jail *eh_jail_of(lua_State *L)
{
    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &jail_key);
    eh_jail *jail = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return jail;
}

/* ---- Read-only tables ----------------------------------------------------------------------
 */

static int l_refuse_write(lua_State *L)
{
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2);
    const char *name = lua_tostring(L, lua_upvalueindex(1));
    if (name[0] == '\0')
        return luaL_error(L, "\"%s\" is not declared: write `local %s = ...`", key, key);
    return luaL_error(L, "%s is read-only: cannot set \"%s\"", name, key);
}

static int l_next_pair(lua_State *L)
{
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1); /* [real, proxy, key] */
    lua_remove(L, 2);
    if (lua_next(L, 1) != 0) return 2;
    lua_pushnil(L);
    return 1;
}

static int l_pairs(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushcclosure(L, l_next_pair, 1);
    return 1;
}

void eh_env_freeze(lua_State *L, const char *name)
{
    luaL_checkstack(L, 5, NULL);
    lua_newtable(L);
    lua_createtable(L, 0, 6); /* [real, proxy, mt] */
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, name);
    lua_pushcclosure(L, l_refuse_write, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushvalue(L, -3);
    lua_pushcclosure(L, l_pairs, 1);
    lua_setfield(L, -2, "__pairs");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushboolean(L, 1);
    lua_rawsetp(L, -2, &frozen_key);
    /* A module that can be called (etl.source) still can. */
    if (luaL_getmetafield(L, -3, "__call") != LUA_TNIL) lua_setfield(L, -2, "__call");
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}

static bool is_frozen(lua_State *L, int index)
{
    if (!lua_getmetatable(L, index)) return false;
    bool frozen = lua_rawgetp(L, -1, &frozen_key) != LUA_TNIL;
    lua_pop(L, 2);
    return frozen;
}

/* ---- Functions that need a guard ------------------------------------------------------------
 */

static int l_rawset(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    if (is_frozen(L, 1)) return luaL_error(L, "the table is read-only");
    lua_settop(L, 3);
    lua_rawset(L, 1);
    return 1;
}

/* A finalizer would run with the watchdog's hook off. Lua looks for __gc only here, when the
 * metatable is set. */
static int l_setmetatable(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
    lua_settop(L, 2);
    if (lua_istable(L, 2)) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_error(L, "setmetatable: __gc is not available here; use __close");
        lua_pop(L, 1);
    }
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "setmetatable: the metatable is protected");
    lua_setmetatable(L, 1);
    return 1;
}

static int l_collectgarbage(lua_State *L)
{
    const char *what = luaL_optstring(L, 1, "collect");
    if (strcmp(what, "count") != 0)
        return luaL_error(L, "collectgarbage: only \"count\" is available here");
    lua_pushnumber(L, (lua_Number)eh_vm_memory(eh_vm_of(L)) / 1024);
    return 1;
}

static int l_undefined(lua_State *L)
{
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2);
    return luaL_error(L, "\"%s\" is not defined here", key);
}

/* ---- Building ---------------------------------------------------------------------------- */

static const char *const base_names[] = {
    "assert", "error",  "getmetatable", "ipairs",   "next", "pairs",    "rawequal", "rawget",
    "rawlen", "select", "tonumber",     "tostring", "type", "_VERSION", NULL};
static const char *const string_names[] = {
    "byte",  "char", "find",     "format",  "gmatch", "gsub",   "len",   "lower",
    "match", "pack", "packsize", "reverse", "sub",    "unpack", "upper", NULL};
static const char *const table_names[] = {"concat", "insert", "move",   "pack",
                                          "remove", "sort",   "unpack", NULL};
static const char *const math_names[] = {
    "abs", "acos",       "asin", "atan",      "ceil", "cos",    "deg",
    "exp", "floor",      "fmod", "huge",      "log",  "max",    "maxinteger",
    "min", "mininteger", "modf", "pi",        "rad",  "random", "randomseed",
    "sin", "sqrt",       "tan",  "tointeger", "type", "ult",    NULL};
static const char *const utf8_names[] = {"char", "charpattern", "codepoint", "codes",
                                         "len",  "offset",      NULL};
static const char *const coroutine_names[] = {"isyieldable", "running", "status", "yield",
                                              NULL};

/* [from] -> [to]: the named fields only. */
static void pick(lua_State *L, const char *const *names)
{
    lua_newtable(L);
    for (; *names != NULL; names++) {
        (void)lua_getfield(L, -2, *names);
        lua_setfield(L, -2, *names);
    }
    lua_remove(L, -2);
}

typedef struct library {
    const char *name;
    lua_CFunction open;
    const char *const *names;
    void (*add)(lua_State *L); /* our own functions; NULL if none */
} library;

static const library libraries[] = {
    {LUA_STRLIBNAME, luaopen_string, string_names, eh_env_add_string},
    {LUA_TABLIBNAME, luaopen_table, table_names, NULL},
    {LUA_MATHLIBNAME, luaopen_math, math_names, NULL},
    {LUA_UTF8LIBNAME, luaopen_utf8, utf8_names, NULL},
    {LUA_COLIBNAME, luaopen_coroutine, coroutine_names, eh_env_add_coroutine},
};

/* The metatable that all strings share: ("").rep must be the guarded one, and out of reach.
 * [string functions] -> [string functions] */
static void guard_string_methods(lua_State *L)
{
    lua_pushliteral(L, "");
    (void)lua_getmetatable(L, -1); /* [strings, "", mt] */
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}

/* [env] -> [env] */
static void add_libraries(lua_State *L)
{
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
        const library *lib = &libraries[i];
        luaL_requiref(L, lib->name, lib->open, 0);
        pick(L, lib->names);
        if (lib->add != NULL) lib->add(L);
        if (lib->open == luaopen_string) guard_string_methods(L);
        eh_env_freeze(L, lib->name);
        lua_setfield(L, -2, lib->name);
    }
    lua_newtable(L);
    eh_env_add_time(L);
    eh_env_freeze(L, "os");
    lua_setfield(L, -2, "os");
}

void eh_env_open(lua_State *L)
{
    static const luaL_Reg guarded[] = {{"rawset", l_rawset},
                                       {"setmetatable", l_setmetatable},
                                       {"collectgarbage", l_collectgarbage},
                                       {NULL, NULL}};
    luaL_requiref(L, LUA_GNAME, luaopen_base, 0);
    pick(L, base_names); /* [env] */
    luaL_setfuncs(L, guarded, 0);
    eh_env_add_calls(L);
    eh_env_add_text(L);
    eh_env_add_modules(L);
    add_libraries(L);
    /* A name that is not there is a slip of the pen, not a nil. */
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, l_undefined);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    eh_env_freeze(L, ""); /* [env, proxy] */
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "_G");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &env_key);
    lua_pop(L, 1);
    /* luaopen_base filled the real globals; a chunk that asked for them finds nothing. */
    lua_newtable(L);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}

void eh_env_push(lua_State *L)
{
    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &env_key);
}
