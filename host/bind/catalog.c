/* bind/catalog.c: host.store, the catalog's file as a handle.
 *
 * store.open(path) gives one; handle:query(name, params) runs a named statement and gives its
 * rows, tables of text. What is kept, and when, is lua/host/catalog.lua's. */
#include "bind/bind.h"

#include "store/catalog.h"

enum { PARAMS_MAX = 16 };

#define ARENA_MAX    ((size_t)256 * 1024 * 1024)
#define CATALOG_TYPE "etlhost catalog"

typedef struct catalog_box {
    eh_catalog *catalog; /* NULL once closed */
} catalog_box;

/* store.open(path) -> handle | nil, err */
static int l_open(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    catalog_box *box = lua_newuserdatauv(L, sizeof *box, 0);
    box->catalog = NULL;
    luaL_setmetatable(L, CATALOG_TYPE);
    eh_err err = {.class_ = EH_OK};
    box->catalog = eh_catalog_open(path, &err);
    if (box->catalog == NULL) return eh_bind_fail(L, &err);
    return 1;
}

/* [-0, +1] The rows as a list of tables; null cells are absent. */
static void push_rows(lua_State *L, const eh_doc *rows)
{
    lua_newtable(L); /* [list] */
    lua_Integer i = 0;
    for (const eh_doc *row = eh_doc_first(rows); row != NULL; row = row->next) {
        lua_newtable(L); /* [list, row] */
        for (const eh_doc *cell = eh_doc_first(row); cell != NULL; cell = cell->next) {
            if (cell->kind != EH_DOC_STRING) continue;
            lua_pushlstring(L, cell->as.string.data, cell->as.string.len);
            lua_setfield(L, -2, cell->key.data);
        }
        lua_rawseti(L, -2, ++i);
    }
}

/* The parameters 1..n of the table at index; missing ones are NULL. They live in the table. */
static size_t read_params(lua_State *L, int index, lua_Integer count, const char **params)
{
    luaL_argcheck(L, count >= 0 && count <= PARAMS_MAX, index, "too many parameters");
    for (lua_Integer i = 0; i < count; i++) {
        int type = lua_rawgeti(L, index, i + 1);
        if (type != LUA_TSTRING && type != LUA_TNIL)
            luaL_error(L, "parameter %I is a %s, not text", (LUAI_UACINT)(i + 1),
                       lua_typename(L, type));
        params[i] = type == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
        lua_pop(L, 1);
    }
    return (size_t)count;
}

/* handle:query(name, params, count) -> rows | nil, err. count: how many, as params may hold
 * nil. */
static int l_query(lua_State *L)
{
    catalog_box *box = luaL_checkudata(L, 1, CATALOG_TYPE);
    luaL_argcheck(L, box->catalog != NULL, 1, "the catalog is closed");
    const char *name = luaL_checkstring(L, 2);
    const char *params[PARAMS_MAX];
    size_t count = 0;
    if (!lua_isnoneornil(L, 3)) {
        luaL_checktype(L, 3, LUA_TTABLE);
        lua_Integer given = luaL_optinteger(L, 4, (lua_Integer)lua_rawlen(L, 3));
        count = read_params(L, 3, given, params);
    }
    eh_arena *arena = eh_bind_push_arena(L, ARENA_MAX); /* [.., box] */
    int arena_index = lua_gettop(L);
    eh_err err = {.class_ = EH_OK};
    eh_doc *rows;
    if (!eh_catalog_query(box->catalog, name, params, count, arena, &rows, &err))
        return eh_bind_fail(L, &err);
    push_rows(L, rows);
    eh_bind_free_arena(L, arena_index);
    return 1;
}

static int l_close(lua_State *L)
{
    catalog_box *box = luaL_checkudata(L, 1, CATALOG_TYPE);
    eh_catalog *catalog = box->catalog;
    box->catalog = NULL;
    eh_catalog_close(catalog);
    return 0;
}

int luaopen_host_store(lua_State *L)
{
    static const luaL_Reg methods[] = {{"query", l_query}, {"close", l_close}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", l_close}, {"__close", l_close}, {NULL, NULL}};
    luaL_newmetatable(L, CATALOG_TYPE);
    luaL_setfuncs(L, meta, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    static const luaL_Reg functions[] = {{"open", l_open}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
