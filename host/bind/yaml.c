/* bind/yaml.c: host.yaml, a YAML text as a tree of nodes that know their place.
 *
 * yaml.parse(text, name) gives { kind = "map" | "list" | "string" | "null", line, column, value
 * }; a list holds its nodes at 1..n, a map holds { key, line, column, node } at 1..n, in the
 * order they were written. What the keys mean, and which types the strings have, is
 * lua/host/schema.lua's. */
#include "bind/bind.h"

#include "data/yaml.h"

enum { ARENA_MAX = 64 * 1024 * 1024, DEPTH_MAX = 80 };

static void push_node(lua_State *L, const eh_doc *doc, int depth);

static void set_place(lua_State *L, uint32_t line, uint32_t column)
{
    lua_pushinteger(L, line);
    lua_setfield(L, -2, "line");
    lua_pushinteger(L, column);
    lua_setfield(L, -2, "column");
}

static void push_entry(lua_State *L, const eh_doc *child, int depth)
{
    lua_createtable(L, 0, 4); /* [entry] */
    lua_pushlstring(L, child->key.data, child->key.len);
    lua_setfield(L, -2, "key");
    set_place(L, child->key_line, child->key_column);
    push_node(L, child, depth);
    lua_setfield(L, -2, "node");
}

static const char *kind_name(eh_doc_kind kind)
{
    switch (kind) {
    case EH_DOC_LIST:
        return "list";
    case EH_DOC_MAP:
        return "map";
    case EH_DOC_NULL:
        return "null";
    default:
        return "string"; /* the parser gives no other scalars */
    }
}

static void push_node(lua_State *L, const eh_doc *doc, int depth)
{
    luaL_checkstack(L, 6, "a YAML document");
    if (depth > DEPTH_MAX) luaL_error(L, "a YAML document is nested too deep");
    lua_newtable(L); /* [node] */
    lua_pushstring(L, kind_name(doc->kind));
    lua_setfield(L, -2, "kind");
    set_place(L, doc->line, doc->column);
    if (doc->kind == EH_DOC_STRING) {
        lua_pushlstring(L, doc->as.string.data, doc->as.string.len);
        lua_setfield(L, -2, "value");
    }
    lua_Integer i = 0;
    for (const eh_doc *c = eh_doc_first(doc); c != NULL; c = c->next) {
        if (doc->kind == EH_DOC_MAP)
            push_entry(L, c, depth + 1);
        else
            push_node(L, c, depth + 1);
        lua_rawseti(L, -2, ++i);
    }
}

/* yaml.parse(text, name) -> node | nil, err */
static int l_parse(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    const char *name = luaL_checkstring(L, 2);
    eh_arena *arena = eh_bind_push_arena(L, ARENA_MAX); /* [text, name, box] */
    eh_err err = {.class_ = EH_OK};
    eh_doc *doc = eh_yaml_parse(arena, eh_slice_of(text, length), name, &err);
    if (doc == NULL) return eh_bind_fail(L, &err);
    push_node(L, doc, 0);
    eh_bind_free_arena(L, 3);
    return 1;
}

int luaopen_host_yaml(lua_State *L)
{
    static const luaL_Reg functions[] = {{"parse", l_parse}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
