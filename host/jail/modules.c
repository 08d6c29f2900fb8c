/* jail/modules.c: load and require. Chunks are text, never bytecode, and see only the
 * environment.
 *
 * "etl" and "etl.x" are the host's own and come out of the executable; no project can put
 * something else in their place. Any other name is asked of the engine, which knows the
 * project's folders. */
#include "jail/internal.h"

#include "base/embed.h"

#include <lauxlib.h>

static const char loaded_key = 'm';
static char loading_mark;

void eh_modules_load(lua_State *L, eh_slice text, const char *name)
{
    lua_pushfstring(L, "@%s", name);
    if (luaL_loadbufferx(L, text.data, text.len, lua_tostring(L, -1), "t") != LUA_OK)
        (void)lua_error(L);
    lua_remove(L, -2);
    eh_env_push(L);
    if (lua_setupvalue(L, -2, 1) == NULL) lua_pop(L, 1);
}

/* load(text, name, mode, env): a function as the first argument would loop in C. */
static int l_load(lua_State *L)
{
    size_t len;
    luaL_argexpected(L, lua_type(L, 1) == LUA_TSTRING, 1, "string");
    const char *text = lua_tolstring(L, 1, &len);
    const char *name = luaL_optstring(L, 2, "=(load)");
    luaL_argcheck(L, strchr(luaL_optstring(L, 3, "bt"), 't') != NULL, 3,
                  "only text can be loaded");
    luaL_argcheck(L, len <= EH_FRAME_MAX, 1, "too long");
    bool has_env = !lua_isnone(L, 4);
    if (luaL_loadbufferx(L, text, len, name, "t") != LUA_OK) {
        lua_pushnil(L);
        lua_insert(L, -2);
        return 2;
    }
    if (has_env)
        lua_pushvalue(L, 4);
    else
        eh_env_push(L);
    if (lua_setupvalue(L, -2, 1) == NULL) lua_pop(L, 1);
    return 1;
}

/* ---- require ----------------------------------------------------------------------------- */

static bool name_is_valid(const char *name)
{
    bool at_start = true;
    for (; *name != '\0'; name++) {
        bool is_word =
            (*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9') || *name == '_';
        if (!is_word && (*name != '.' || at_start)) return false;
        at_start = !is_word;
    }
    return !at_start;
}

static bool is_ours(const char *name)
{
    return strcmp(name, "etl") == 0 || strncmp(name, "etl.", 4) == 0;
}

/* "etl.source" -> "lua/etl/source.lua", "etl" -> "lua/etl/init.lua": [path] */
static void push_own_path(lua_State *L, const char *name)
{
    (void)luaL_gsub(L, name[3] == '.' ? name + 4 : "init", ".", "/");
    lua_pushfstring(L, "lua/etl/%s.lua", lua_tostring(L, -1));
    lua_remove(L, -2);
}

static void load_own(lua_State *L, const char *name)
{
    push_own_path(L, name); /* [path] */
    const char *path = lua_tostring(L, -1);
    eh_slice text = eh_embedded_find(path);
    if (text.data == NULL) (void)luaL_error(L, "there is no module \"%s\"", name);
    eh_modules_load(L, text, path);
    lua_remove(L, -2);
    lua_newtable(L);
    eh_env_add_core(L); /* [chunk, core] */
}

/* Blocks: while a chunk is being required nothing else of this task can run anyway. */
static void load_foreign(lua_State *L, const char *name)
{
    eh_jail *jail = eh_jail_of(L);
    eh_err err = {.class_ = EH_OK};
    eh_frame frame = {.body = NULL};
    if (jail->in_rows)
        (void)luaL_error(L, "a row function cannot require \"%s\": do it at the top", name);
    eh_arena *arena = eh_link_arena(&jail->link);
    eh_doc *ask = eh_doc_map(arena);
    if (!eh_doc_put_str(arena, ask, "name", eh_slice_str(name), &err) ||
        !eh_link_send(&jail->link, EH_FRAME_MODULE, 0, ask, &err) ||
        !eh_link_await(&jail->link, EH_FRAME_MODULE_TEXT, &frame, &err))
        (void)luaL_error(L, "require: %s", err.message);
    const eh_doc *text = eh_doc_get(frame.body, "text");
    if (text == NULL || text->kind != EH_DOC_STRING) {
        (void)luaL_error(
            L, "there is no module \"%s\" in the project, nor a source of that name", name);
        return;
    }
    const char *path = eh_doc_str(frame.body, "path", name);
    eh_modules_load(L, text->as.string, path);
    lua_pushstring(L, name); /* [chunk, name] */
}

static void push_loaded(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_key) == LUA_TTABLE) return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &loaded_key);
}

static bool is_loading(lua_State *L)
{
    return lua_islightuserdata(L, -1) && lua_touserdata(L, -1) == &loading_mark;
}

/* [loaded] -> [loaded, value], from running the chunk. */
static void run_module(lua_State *L, const char *name)
{
    lua_pushlightuserdata(L, &loading_mark);
    lua_setfield(L, -2, name);
    if (is_ours(name))
        load_own(L, name);
    else
        load_foreign(L, name);
    lua_call(L, 1, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
    }
    if (is_ours(name) && lua_istable(L, -1)) eh_env_freeze(L, name);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, name);
}

void eh_modules_require(lua_State *L, const char *name)
{
    luaL_checkstack(L, 16, NULL);
    if (!name_is_valid(name))
        (void)luaL_error(L, "\"%s\" cannot be the name of a module", name);
    push_loaded(L);
    if (lua_getfield(L, -1, name) != LUA_TNIL) {
        if (is_loading(L))
            (void)luaL_error(L, "module \"%s\" requires itself, or failed to load", name);
        lua_remove(L, -2);
        return;
    }
    lua_pop(L, 1);
    run_module(L, name);
    lua_remove(L, -2);
}

static int l_require(lua_State *L)
{
    eh_modules_require(L, luaL_checkstring(L, 1));
    return 1;
}

void eh_env_add_modules(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"load", l_load}, {"require", l_require}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
