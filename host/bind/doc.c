/* bind/doc.c: host.doc, Lua tables as documents: for frames and for JSON with every digit.
 *
 * A table with a value at 1, or made by doc.list, is a list; any other is a map. Maps are
 * written in the order of their keys, or in the order that doc.ordered gave them. doc.null is a
 * null that a table can hold (lua-cjson's null is the same value). */
#include "bind/bind.h"

#include "data/decompress.h"

#include <stdlib.h>

enum { DEPTH_MAX = 64, JSON_MAX = 8 * 1024 * 1024 };

#define ARENA_TYPE "etlhost arena"
#define LIST_TYPE  "etlhost list"
#define KEYS_FIELD "__keys"

/* ---- arenas in boxes ------------------------------------------------------------------------
 */

static int l_arena_gc(lua_State *L)
{
    eh_bind_free_arena(L, 1);
    return 0;
}

void eh_bind_box(lua_State *L, const char *name, lua_CFunction gc)
{
    /* Set each time: the first time may have lacked the memory for it. */
    luaL_newmetatable(L, name); /* [box, mt] */
    lua_pushcfunction(L, gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
}

eh_arena *eh_bind_push_arena(lua_State *L, size_t max)
{
    eh_arena **box = lua_newuserdatauv(L, sizeof *box, 0); /* [box] */
    *box = NULL;
    eh_bind_box(L, ARENA_TYPE, l_arena_gc);
    *box = eh_arena_new(max);
    if (*box == NULL) eh_bind_no_memory(L);
    return *box;
}

void eh_bind_free_arena(lua_State *L, int index)
{
    eh_arena **box = luaL_checkudata(L, index, ARENA_TYPE);
    eh_arena_free(*box);
    *box = NULL;
}

/* ---- Lua to document ------------------------------------------------------------------------
 */

static eh_doc *convert(lua_State *L, int index, eh_arena *arena, int depth);

static void must(lua_State *L, bool ok, const eh_err *err)
{
    if (!ok) luaL_error(L, "%s", err->message);
}

static bool is_list(lua_State *L, int index)
{
    if (lua_getmetatable(L, index)) { /* [mt] */
        luaL_getmetatable(L, LIST_TYPE);
        bool same = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
        if (same) return true;
    }
    bool has_first = lua_rawgeti(L, index, 1) != LUA_TNIL;
    lua_pop(L, 1);
    return has_first;
}

static eh_doc *convert_list(lua_State *L, int index, eh_arena *arena, int depth)
{
    eh_doc *list = eh_doc_list(arena);
    eh_err err = {.class_ = EH_OK};
    lua_Unsigned count = lua_rawlen(L, index);
    for (lua_Unsigned i = 1; i <= count; i++) {
        lua_rawgeti(L, index, (lua_Integer)i); /* [value] */
        must(L, eh_doc_push(list, convert(L, lua_gettop(L), arena, depth), &err), &err);
        lua_pop(L, 1);
    }
    return list;
}

static int compare_keys(const void *a, const void *b)
{
    const eh_slice *x = a;
    const eh_slice *y = b;
    size_t shorter = x->len < y->len ? x->len : y->len;
    int order = shorter > 0 ? memcmp(x->data, y->data, shorter) : 0;
    if (order != 0) return order;
    return (x->len > y->len) - (x->len < y->len);
}

/* The keys of the table at index, sorted; the strings live as long as the table holds them. */
static eh_slice *sorted_keys(lua_State *L, int index, eh_arena *arena, size_t *count)
{
    *count = 0;
    lua_pushnil(L);
    while (lua_next(L, index) != 0) { /* [key, value] */
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "a key of a map must be a string, not a %s", luaL_typename(L, -2));
        (*count)++;
        lua_pop(L, 1);
    }
    eh_slice *keys = eh_arena_zalloc(arena, *count + 1, sizeof *keys);
    if (keys == NULL) eh_bind_no_memory(L);
    size_t i = 0;
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        keys[i].data = lua_tolstring(L, -2, &keys[i].len);
        i++;
        lua_pop(L, 1);
    }
    qsort(keys, *count, sizeof *keys, compare_keys);
    return keys;
}

static eh_slice *ordered_keys(lua_State *L, int index, eh_arena *arena, size_t *count)
{
    if (luaL_getmetafield(L, index, KEYS_FIELD) != LUA_TTABLE) { /* [keys] or [] */
        lua_settop(L, index);
        return sorted_keys(L, index, arena, count);
    }
    int list = lua_gettop(L);
    *count = (size_t)lua_rawlen(L, list);
    eh_slice *keys = eh_arena_zalloc(arena, *count + 1, sizeof *keys);
    if (keys == NULL) eh_bind_no_memory(L);
    for (size_t i = 0; i < *count; i++) {
        if (lua_rawgeti(L, list, (lua_Integer)i + 1) != LUA_TSTRING)
            luaL_error(L, "a key of a map must be a string");
        keys[i].data = lua_tolstring(L, -1, &keys[i].len);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return keys;
}

static eh_doc *convert_map(lua_State *L, int index, eh_arena *arena, int depth)
{
    size_t count;
    eh_slice *keys = ordered_keys(L, index, arena, &count);
    eh_doc *map = eh_doc_map(arena);
    eh_err err = {.class_ = EH_OK};
    for (size_t i = 0; i < count; i++) {
        lua_pushlstring(L, keys[i].data, keys[i].len);
        if (lua_rawget(L, index) != LUA_TNIL) { /* [value] */
            eh_doc *child = convert(L, lua_gettop(L), arena, depth);
            must(L, eh_doc_put(arena, map, keys[i], child, &err), &err);
        }
        lua_pop(L, 1);
    }
    return map;
}

static eh_doc *convert_string(lua_State *L, int index, eh_arena *arena)
{
    size_t length;
    const char *text = lua_tolstring(L, index, &length);
    return eh_doc_string(arena, eh_slice_of(text, length));
}

static eh_doc *convert(lua_State *L, int index, eh_arena *arena, int depth)
{
    if (depth > DEPTH_MAX) luaL_error(L, "a document is nested too deep, or holds itself");
    luaL_checkstack(L, 8, "a document");
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        return eh_doc_null(arena);
    case LUA_TBOOLEAN:
        return eh_doc_boolean(arena, lua_toboolean(L, index));
    case LUA_TSTRING:
        return convert_string(L, index, arena);
    case LUA_TNUMBER:
        if (lua_isinteger(L, index)) return eh_doc_integer(arena, lua_tointeger(L, index));
        return eh_doc_double(arena, lua_tonumber(L, index));
    case LUA_TTABLE:
        return is_list(L, index) ? convert_list(L, index, arena, depth + 1)
                                 : convert_map(L, index, arena, depth + 1);
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, index) == NULL) return eh_doc_null(arena);
        break;
    default:
        break;
    }
    luaL_error(L, "a document cannot hold a %s", luaL_typename(L, index));
    return NULL;
}

eh_doc *eh_bind_to_doc(lua_State *L, int index, eh_arena *arena)
{
    int top = lua_gettop(L);
    lua_pushvalue(L, index);
    eh_doc *doc = convert(L, top + 1, arena, 0);
    lua_settop(L, top);
    if (doc == NULL) eh_bind_no_memory(L);
    return doc;
}

/* ---- the module
 * ------------------------------------------------------------------------------ */

/* doc.list(table): marks it as a list, even when empty. */
static int l_list(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    luaL_setmetatable(L, LIST_TYPE);
    return 1;
}

/* doc.is_list(value) */
static int l_is_list(lua_State *L)
{
    lua_pushboolean(L, lua_istable(L, 1) && is_list(L, 1));
    return 1;
}

/* doc.ordered(table, keys): the map's keys are written in this order. */
static int l_ordered(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    lua_createtable(L, 0, 1); /* [map, keys, mt] */
    lua_insert(L, 2);         /* [map, mt, keys] */
    lua_setfield(L, 2, KEYS_FIELD);
    lua_setmetatable(L, 1);
    return 1;
}

typedef struct json_box {
    eh_buf buf;
} json_box;

static int l_json_gc(lua_State *L)
{
    json_box *box = lua_touserdata(L, 1);
    eh_buf_free(&box->buf);
    return 0;
}

static json_box *push_json_box(lua_State *L)
{
    json_box *box = lua_newuserdatauv(L, sizeof *box, 0);
    eh_buf_init(&box->buf, JSON_MAX);
    eh_bind_box(L, "etlhost json text", l_json_gc);
    return box;
}

/* doc.to_json(value): one line of JSON. */
static int l_to_json(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    json_box *box = push_json_box(L);                              /* [value, box] */
    eh_arena *arena = eh_bind_push_arena(L, (size_t)JSON_MAX * 8); /* [value, box, arena] */
    eh_doc *doc = eh_bind_to_doc(L, 1, arena);
    eh_err err = {.class_ = EH_OK};
    bool ok = eh_doc_to_json(doc, &box->buf, &err);
    eh_bind_free_arena(L, 3);
    if (!ok) return eh_bind_fail(L, &err);
    lua_pushlstring(L, box->buf.data, box->buf.len);
    eh_buf_free(&box->buf);
    return 1;
}

/* doc.inflate(bytes): what zlib has compressed | nil, err */
static int l_inflate(lua_State *L)
{
    eh_slice coded;
    coded.data = luaL_checklstring(L, 1, &coded.len);
    lua_settop(L, 1);
    json_box *box = push_json_box(L); /* [bytes, box] */
    eh_err err = {.class_ = EH_OK};
    if (!eh_inflate(coded, &box->buf, &err)) return eh_bind_fail(L, &err);
    lua_pushlstring(L, box->buf.data, box->buf.len);
    eh_buf_free(&box->buf);
    return 1;
}

int luaopen_host_doc(lua_State *L)
{
    luaL_newmetatable(L, LIST_TYPE);
    static const luaL_Reg functions[] = {{"list", l_list},       {"is_list", l_is_list},
                                         {"ordered", l_ordered}, {"to_json", l_to_json},
                                         {"inflate", l_inflate}, {NULL, NULL}};
    luaL_newlib(L, functions);
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    return 1;
}
