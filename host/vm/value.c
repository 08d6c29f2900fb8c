/* vm/value.c: see value.h. */
#include "vm/value.h"

#include <lauxlib.h>
#include <stdlib.h>

enum { MAX_DEPTH = 32 };

/* Keys of the registry: addresses nobody else can have. */
static const char null_key = 'n', list_key = 'l';

static int l_null_tostring(lua_State *L)
{
    lua_pushliteral(L, "null");
    return 1;
}

void eh_vm_open_values(lua_State *L)
{
    luaL_checkstack(L, 4, NULL);
    (void)lua_newuserdatauv(L, 0, 0);
    lua_createtable(L, 0, 3); /* [null, mt] */
    lua_pushcfunction(L, l_null_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "null");
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &null_key);
    lua_createtable(L, 0, 1);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &list_key);
}

void eh_vm_push_null(lua_State *L)
{
    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &null_key);
}

bool eh_vm_is_null(lua_State *L, int index)
{
    if (lua_type(L, index) != LUA_TUSERDATA) return false;
    const void *value = lua_touserdata(L, index);
    eh_vm_push_null(L);
    bool is_null = lua_touserdata(L, -1) == value;
    lua_pop(L, 1);
    return is_null;
}

void eh_vm_mark_list(lua_State *L, int index)
{
    index = lua_absindex(L, index);
    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &list_key);
    lua_setmetatable(L, index);
}

bool eh_vm_is_list(lua_State *L, int index)
{
    index = lua_absindex(L, index);
    if (!lua_istable(L, index)) return false;
    bool marked = false;
    if (lua_getmetatable(L, index)) {
        (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &list_key);
        marked = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
    }
    return marked || lua_rawlen(L, index) > 0;
}

/* ---- Document to Lua --------------------------------------------------------------------- */

static void push_children(lua_State *L, const eh_doc *doc)
{
    bool is_map = doc->kind == EH_DOC_MAP;
    int count = doc->as.children.count > 1000 ? 1000 : (int)doc->as.children.count;
    lua_createtable(L, is_map ? 0 : count, is_map ? count : 0);
    lua_Integer i = 1;
    for (const eh_doc *c = eh_doc_first(doc); c != NULL; c = c->next) {
        if (is_map) (void)lua_pushlstring(L, c->key.data, c->key.len);
        eh_vm_push_doc(L, c);
        if (is_map)
            lua_rawset(L, -3);
        else
            lua_rawseti(L, -2, i++);
    }
    if (!is_map) eh_vm_mark_list(L, -1);
}

void eh_vm_push_doc(lua_State *L, const eh_doc *doc)
{
    luaL_checkstack(L, 5, "a document is nested too deep");
    if (doc == NULL) {
        lua_pushnil(L);
        return;
    }
    switch (doc->kind) {
    case EH_DOC_NULL:
        eh_vm_push_null(L);
        break;
    case EH_DOC_BOOLEAN:
        lua_pushboolean(L, doc->as.boolean);
        break;
    case EH_DOC_INTEGER:
        lua_pushinteger(L, doc->as.integer);
        break;
    case EH_DOC_DOUBLE:
        lua_pushnumber(L, doc->as.real);
        break;
    case EH_DOC_STRING:
        (void)lua_pushlstring(L, doc->as.string.data, doc->as.string.len);
        break;
    case EH_DOC_LIST:
    case EH_DOC_MAP:
        push_children(L, doc);
        break;
    }
}

/* ---- Lua to document --------------------------------------------------------------------- */

/* Where in the value we are, for messages: a chain through the frames of the recursion. */
typedef struct step {
    const struct step *outer;
    const char *key; /* NULL for an item of a list */
    lua_Integer item;
    size_t depth;
} step;

static eh_doc *convert(lua_State *L, int index, eh_arena *arena, const step *at);

static void push_path(lua_State *L, const step *at)
{
    if (at->outer == NULL) {
        lua_pushliteral(L, "");
        return;
    }
    push_path(L, at->outer);
    const char *dot = at->outer->outer != NULL ? "." : "";
    if (at->key != NULL)
        lua_pushfstring(L, "%s%s%s", lua_tostring(L, -1), dot, at->key);
    else
        lua_pushfstring(L, "%s[%I]", lua_tostring(L, -1), at->item);
    lua_remove(L, -2);
}

static void refuse(lua_State *L, const step *at, const char *what)
{
    luaL_checkstack(L, 2 * MAX_DEPTH + 8, NULL);
    push_path(L, at);
    const char *path = lua_tostring(L, -1);
    (void)luaL_error(L, "%s%s%s", path, path[0] != '\0' ? ": " : "", what);
}

static void must(lua_State *L, bool ok)
{
    if (!ok) (void)luaL_error(L, "a value is too large for a message");
}

static eh_doc *convert_list(lua_State *L, int index, eh_arena *arena, const step *at)
{
    eh_doc *list = eh_doc_list(arena);
    lua_Integer count = (lua_Integer)lua_rawlen(L, index), present = 0;
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) present++;
    if (present != count) refuse(L, at, "a list must have no holes and no text keys");
    for (lua_Integer i = 1; i <= count; i++) {
        step next = {at, NULL, i, at->depth + 1};
        (void)lua_rawgeti(L, index, i);
        must(L, eh_doc_push(list, convert(L, -1, arena, &next), NULL));
        lua_pop(L, 1);
    }
    return list;
}

static int compare_keys(const void *a, const void *b)
{
    const eh_slice *x = a, *y = b;
    size_t shorter = x->len < y->len ? x->len : y->len;
    int order = shorter > 0 ? memcmp(x->data, y->data, shorter) : 0;
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* The keys of the table, sorted; they stay valid as long as the table holds them. */
static eh_slice *sorted_keys(lua_State *L, int index, eh_arena *arena, const step *at,
                             size_t *count)
{
    *count = 0;
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            refuse(L, at, "a table must be a list, or have only text keys");
        ++*count;
    }
    eh_slice *keys = eh_arena_zalloc(arena, *count, sizeof *keys);
    if (keys == NULL) {
        must(L, false);
        return NULL;
    }
    size_t i = 0;
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        keys[i].data = lua_tolstring(L, -2, &keys[i].len);
        i++;
    }
    qsort(keys, *count, sizeof *keys, compare_keys);
    return keys;
}

static eh_doc *convert_map(lua_State *L, int index, eh_arena *arena, const step *at)
{
    eh_doc *map = eh_doc_map(arena);
    size_t count;
    const eh_slice *keys = sorted_keys(L, index, arena, at, &count);
    for (size_t i = 0; i < count; i++) {
        step next = {at, keys[i].data, 0, at->depth + 1};
        (void)lua_pushlstring(L, keys[i].data, keys[i].len);
        lua_rawget(L, index);
        must(L, eh_doc_put(arena, map, keys[i], convert(L, -1, arena, &next), NULL));
        lua_pop(L, 1);
    }
    return map;
}

static eh_doc *convert_table(lua_State *L, int index, eh_arena *arena, const step *at)
{
    if (at->depth >= MAX_DEPTH)
        refuse(L, at, "tables are nested too deep, or contain themselves");
    return eh_vm_is_list(L, index) ? convert_list(L, index, arena, at)
                                   : convert_map(L, index, arena, at);
}

static eh_doc *convert(lua_State *L, int index, eh_arena *arena, const step *at)
{
    luaL_checkstack(L, 8, NULL);
    index = lua_absindex(L, index);
    size_t len;
    const char *text;
    switch (lua_type(L, index)) {
    case LUA_TNONE:
    case LUA_TNIL:
        return eh_doc_null(arena);
    case LUA_TBOOLEAN:
        return eh_doc_boolean(arena, lua_toboolean(L, index));
    case LUA_TNUMBER:
        return lua_isinteger(L, index) ? eh_doc_integer(arena, lua_tointeger(L, index))
                                       : eh_doc_double(arena, lua_tonumber(L, index));
    case LUA_TSTRING:
        text = lua_tolstring(L, index, &len);
        return eh_doc_string(arena, eh_slice_of(text, len));
    case LUA_TTABLE:
        return convert_table(L, index, arena, at);
    default:
        if (eh_vm_is_null(L, index)) return eh_doc_null(arena);
        lua_pushfstring(L, "a %s cannot be sent", luaL_typename(L, index));
        refuse(L, at, lua_tostring(L, -1));
        return NULL;
    }
}

eh_doc *eh_vm_to_doc(lua_State *L, int index, eh_arena *arena)
{
    step start = {NULL, NULL, 0, 0};
    eh_doc *doc = convert(L, index, arena, &start);
    must(L, doc != NULL);
    return doc;
}
