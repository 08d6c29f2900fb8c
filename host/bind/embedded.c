/* bind/embedded.c: host.embedded, the files that the executable carries, and how `require`
 * finds the host's own Lua among them (or in the folder that ETLHOST_LUA names). */
#include "bind/embedded.h"

#include "base/embed.h"

/* embedded.read(name) -> text | nil */
static int l_read(lua_State *L)
{
    eh_slice text = eh_embedded_find(luaL_checkstring(L, 1));
    if (text.data == NULL) return 0;
    lua_pushlstring(L, text.data, text.len);
    return 1;
}

/* embedded.list(prefix) -> names that begin with it */
static int l_list(lua_State *L)
{
    size_t length;
    const char *prefix = luaL_optlstring(L, 1, "", &length);
    lua_newtable(L);
    lua_Integer count = 0;
    for (const eh_embedded *f = eh_embedded_files; f->name != NULL; f++) {
        if (strncmp(f->name, prefix, length) != 0) continue;
        lua_pushstring(L, f->name);
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}

int luaopen_host_embedded(lua_State *L)
{
    static const luaL_Reg functions[] = {{"read", l_read}, {"list", l_list}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}

/* The searcher: upvalue 1 is the folder of ETLHOST_LUA, or nil. */
static int l_search(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    if (strncmp(name, "host.", 5) != 0) return 0;
    const char *path = luaL_gsub(L, name, ".", "/"); /* [name, path] */
    const char *folder = lua_tostring(L, lua_upvalueindex(1));
    if (folder != NULL) {
        const char *file = lua_pushfstring(L, "%s/%s.lua", folder, path);
        if (luaL_loadfilex(L, file, "t") != LUA_OK) return lua_error(L);
        lua_pushstring(L, file);
        return 2;
    }
    const char *file = lua_pushfstring(L, "lua/%s.lua", path);
    eh_slice text = eh_embedded_find(file);
    if (text.data == NULL) {
        lua_pushfstring(L, "no embedded file '%s'", file);
        return 1;
    }
    const char *chunk = lua_pushfstring(L, "@%s", file);
    if (luaL_loadbufferx(L, text.data, text.len, chunk, "t") != LUA_OK) return lua_error(L);
    lua_pushstring(L, file);
    return 2;
}

void eh_bind_add_searcher(lua_State *L, const char *folder)
{
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "searchers"); /* [package, searchers] */
    lua_getglobal(L, "table");
    lua_getfield(L, -1, "insert"); /* [package, searchers, table, insert] */
    lua_pushvalue(L, -3);
    lua_pushinteger(L, 2); /* after package.preload, before the file system */
    lua_pushstring(L, folder);
    lua_pushcclosure(L, l_search, 1);
    lua_call(L, 3, 0);
    lua_pop(L, 3);
}
