/* bind/supervisor.c: see supervisor.h. Makes the Lua state, opens what it may see, and hands
 * over. */
#include "bind/supervisor.h"

#include "bind/embedded.h"

#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

typedef struct arguments {
    int argc;
    char **argv;
    const char *version;
} arguments;

static const luaL_Reg modules[] = {
    {"host.clock", luaopen_host_clock},       {"host.doc", luaopen_host_doc},
    {"host.embedded", luaopen_host_embedded}, {"host.err", luaopen_host_err},
    {"host.files", luaopen_host_files},       {"host.process", luaopen_host_process},
    {"host.signals", luaopen_host_signals},   {"host.store", luaopen_host_store},
    {"host.system", luaopen_host_system},     {"host.yaml", luaopen_host_yaml},
    {"host.zone", luaopen_host_zone},         {NULL, NULL},
};

/* Only what the system's package manager installed: a cjson.lua in the current folder is nobody
 * we know. LUA_PATH and LUA_CPATH are not read (LUA_NOENV). */
static void set_search_paths(lua_State *L)
{
    static const char path[] =
        "/usr/local/share/lua/5.4/?.lua;/usr/local/share/lua/5.4/?/init.lua;"
        "/usr/share/lua/5.4/?.lua;/usr/share/lua/5.4/?/init.lua";
    lua_getglobal(L, "package");
    lua_pushstring(L, path);
    lua_setfield(L, -2, "path");
    lua_getfield(L, -1, "cpath"); /* the architecture's folder is in the compiled-in default */
    const char *cpath = luaL_gsub(L, lua_tostring(L, -1), ";./?.so", "");
    lua_pushstring(L, cpath);
    lua_setfield(L, -4, "cpath");
    lua_pop(L, 3);
}

static void open_modules(lua_State *L)
{
    lua_pushboolean(L, true);
    lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
    luaL_openlibs(L);
    set_search_paths(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE); /* [preload] */
    for (const luaL_Reg *m = modules; m->name != NULL; m++) {
        lua_pushcfunction(L, m->func);
        lua_setfield(L, -2, m->name);
    }
    lua_pop(L, 1);
    /* Their metatables are used by the other bindings. */
    static const char *const first[] = {"host.err", "host.doc", "host.process"};
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        lua_getglobal(L, "require");
        lua_pushstring(L, first[i]);
        lua_call(L, 1, 0);
    }
    eh_bind_add_searcher(L, getenv("ETLHOST_LUA"));
}

/* host.main is a function (arguments, version) -> exit status. */
static int l_main(lua_State *L)
{
    const arguments *args = lua_touserdata(L, 1);
    open_modules(L);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "host.main");
    lua_call(L, 1, 1);
    lua_createtable(L, args->argc, 0); /* [.., main, list] */
    for (int i = 0; i < args->argc; i++) {
        lua_pushstring(L, args->argv[i]);
        lua_rawseti(L, -2, i);
    }
    lua_pushstring(L, args->version);
    lua_call(L, 2, 1);
    return 1;
}

static int l_traceback(lua_State *L)
{
    const char *text = luaL_tolstring(L, 1, NULL);
    luaL_traceback(L, L, text, 1);
    return 1;
}

/* It reads secrets: no core dump of it, nor of what it starts. */
static void keep_from_dumps(void)
{
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
}

int eh_supervisor_main(int argc, char **argv, const char *version)
{
    keep_from_dumps();
    lua_State *L = luaL_newstate();
    if (L == NULL) {
        (void)fputs("etlhost: out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    arguments args = {argc, argv, version};
    lua_pushcfunction(L, l_traceback);
    lua_pushcfunction(L, l_main);
    lua_pushlightuserdata(L, &args); /* [traceback, main, args] */
    int status = EXIT_FAILURE;
    if (lua_pcall(L, 1, 1, 1) != LUA_OK)
        (void)fprintf(stderr, "etlhost: this is a bug of etlhost's own:\n%s\n",
                      lua_tostring(L, -1));
    else
        status = (int)lua_tointeger(L, -1);
    lua_close(L);
    if (fflush(stdout) != 0 && status == EXIT_SUCCESS) status = EXIT_FAILURE;
    return status;
}
