/* bind/err.c: host.err, the error object: the same fields in C and in Lua.
 *
 * err.new { class = "config", message = ... } makes one, err.is(value) knows one, tostring(e)
 * is one line for a log. How an error is shown to a person is lua/host/report.lua's. */
#include "bind/bind.h"

#include <stdlib.h>

#define ERR_TYPE "etlhost error"

static void set_text(lua_State *L, const char *key, const char *text)
{
    if (text[0] == '\0') return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, key);
}

static void set_number(lua_State *L, const char *key, int64_t value)
{
    if (value == 0) return;
    lua_pushinteger(L, value);
    lua_setfield(L, -2, key);
}

void eh_bind_push_err(lua_State *L, const eh_err *err)
{
    lua_createtable(L, 0, 4); /* [object] */
    set_text(L, "class", eh_class_name(err->class_));
    set_text(L, "message", err->message);
    set_text(L, "hint", err->hint);
    set_text(L, "place", err->place);
    set_text(L, "trail", err->trail);
    set_text(L, "sqlstate", err->sqlstate);
    set_number(L, "code", err->code);
    set_number(L, "retry_after_ms", err->retry_after_ms);
    luaL_setmetatable(L, ERR_TYPE);
}

int eh_bind_fail(lua_State *L, const eh_err *err)
{
    lua_pushnil(L);
    eh_bind_push_err(L, err);
    return 2;
}

_Noreturn void eh_bind_no_memory(lua_State *L)
{
    (void)luaL_error(L, "out of memory");
    abort();
}

/* err.new(fields): takes the table as the object. */
static int l_new(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    if (lua_getfield(L, 1, "message") != LUA_TSTRING)
        return luaL_argerror(L, 1, "an error needs a message");
    if (lua_getfield(L, 1, "class") != LUA_TSTRING)
        return luaL_argerror(L, 1, "an error needs a class");
    lua_settop(L, 1);
    luaL_setmetatable(L, ERR_TYPE);
    return 1;
}

/* err.is(value) */
static int l_is(lua_State *L)
{
    bool same = false;
    if (lua_istable(L, 1) && lua_getmetatable(L, 1)) { /* [value, mt] */
        luaL_getmetatable(L, ERR_TYPE);                /* [value, mt, ERR_TYPE] */
        same = lua_rawequal(L, -1, -2);
    }
    lua_pushboolean(L, same);
    return 1;
}

static const char *text_field(lua_State *L, int index, const char *key)
{
    lua_pushstring(L, key);
    lua_rawget(L, index);
    return lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
}

static int l_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    const char *place = text_field(L, 1, "place");
    const char *trail = text_field(L, 1, "trail");
    const char *message = text_field(L, 1, "message");
    const char *class_name = text_field(L, 1, "class");
    lua_pushfstring(L, "%s%s%s%s%s (%s)", place != NULL ? place : "", place != NULL ? ": " : "",
                    trail != NULL ? trail : "", trail != NULL ? ": " : "",
                    message != NULL ? message : "?", class_name != NULL ? class_name : "bug");
    return 1;
}

int luaopen_host_err(lua_State *L)
{
    luaL_newmetatable(L, ERR_TYPE);
    lua_pushcfunction(L, l_tostring);
    lua_setfield(L, -2, "__tostring");
    static const luaL_Reg functions[] = {{"new", l_new}, {"is", l_is}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
