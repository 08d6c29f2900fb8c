/* bind/process.c: host.process, engines as handles.
 *
 * process.spawn { path, args, env, inherit_input } starts one; child:send(type, value) queues a
 * frame; process.wait(children, timeout_ms, signals) waits for several; child:next_line() takes
 * what they said; process.output runs any program for what it prints. When to wait, stop or
 * kill is lua/host/engine.lua's. */
#include "bind/bind.h"

#include "io/child.h"
#include "io/command.h"
#include "wire/frame.h"

#include <signal.h>
#include <stdlib.h>

enum { OUTPUT_MAX = 64 * 1024 };
enum { WAIT_MAX = 64, ARENA_MAX = 64 * 1024 * 1024 };

#define CHILD_TYPE "etlhost child process"

typedef struct child_box {
    eh_child *child; /* NULL once closed */
} child_box;

static eh_child *check_child(lua_State *L, int index)
{
    child_box *box = luaL_checkudata(L, index, CHILD_TYPE);
    luaL_argcheck(L, box->child != NULL, index, "the process is closed");
    return box->child;
}

/* The strings of the list at index as a NULL-terminated vector in the arena. */
static char **check_strings(lua_State *L, int index, eh_arena *arena)
{
    size_t count = (size_t)lua_rawlen(L, index);
    char **strings = eh_arena_zalloc(arena, count + 1, sizeof *strings);
    if (strings == NULL) eh_bind_no_memory(L);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        const char *text = luaL_checkstring(L, -1);
        strings[i] = eh_arena_strdup(arena, text);
        if (strings[i] == NULL) eh_bind_no_memory(L);
        lua_pop(L, 1);
    }
    return strings;
}

static char **string_list_field(lua_State *L, int index, const char *key, eh_arena *arena)
{
    if (lua_getfield(L, index, key) != LUA_TTABLE)
        luaL_error(L, "spawn: '%s' must be a list of strings", key);
    char **strings = check_strings(L, lua_gettop(L), arena);
    lua_pop(L, 1);
    return strings;
}

/* process.spawn { path = ..., args = {...}, env = {"NAME=value"...}, inherit_input = false } */
static int l_spawn(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    child_box *box = lua_newuserdatauv(L, sizeof *box, 0); /* [options, box] */
    box->child = NULL;
    luaL_setmetatable(L, CHILD_TYPE);
    eh_arena *arena = eh_bind_push_arena(L, ARENA_MAX); /* [options, box, arena] */
    eh_child_options options = {NULL, NULL, NULL, false};
    options.argv = string_list_field(L, 1, "args", arena);
    options.envp = string_list_field(L, 1, "env", arena);
    if (lua_getfield(L, 1, "path") != LUA_TSTRING) luaL_error(L, "spawn: 'path' is missing");
    options.path = lua_tostring(L, -1);
    lua_getfield(L, 1, "inherit_input");
    options.inherit_input = lua_toboolean(L, -1);
    eh_err err = {.class_ = EH_OK};
    box->child = eh_child_spawn(&options, &err);
    if (box->child == NULL) return eh_bind_fail(L, &err);
    eh_bind_free_arena(L, 3);
    lua_pushvalue(L, 2);
    return 1;
}

static const struct {
    const char *name;
    uint16_t type;
} frames[] = {{"SPEC", EH_FRAME_SPEC}, {"STOP", EH_FRAME_STOP}};

static uint16_t check_frame_type(lua_State *L, int index)
{
    const char *name = luaL_checkstring(L, index);
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++)
        if (strcmp(frames[i].name, name) == 0) return frames[i].type;
    return (uint16_t)luaL_argerror(L, index, "not a frame that an engine takes");
}

typedef struct frame_box {
    eh_buf buf;
} frame_box;

static int l_frame_gc(lua_State *L)
{
    frame_box *box = lua_touserdata(L, 1);
    eh_buf_free(&box->buf);
    return 0;
}

/* child:send(type, value) -> true | nil, err */
static int l_send(lua_State *L)
{
    eh_child *child = check_child(L, 1);
    uint16_t type = check_frame_type(L, 2);
    lua_settop(L, 3);
    frame_box *box = lua_newuserdatauv(L, sizeof *box, 0); /* [child, type, value, frame] */
    eh_buf_init(&box->buf, EH_FRAME_MAX + EH_FRAME_HEADER);
    eh_bind_box(L, "etlhost frame", l_frame_gc);
    eh_arena *arena = eh_bind_push_arena(L, ARENA_MAX); /* [..., frame, arena] */
    eh_doc *doc = eh_bind_to_doc(L, 3, arena);
    eh_err err = {.class_ = EH_OK};
    bool ok = eh_frame_write(&box->buf, type, 0, doc, &err) &&
              eh_child_send(child, eh_buf_slice(&box->buf), &err);
    eh_buf_free(&box->buf);
    eh_bind_free_arena(L, 5);
    if (!ok) return eh_bind_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

/* child:next_line() -> text | nil */
static int l_next_line(lua_State *L)
{
    eh_slice line;
    if (!eh_child_next_line(check_child(L, 1), &line)) return 0;
    lua_pushlstring(L, line.data, line.len);
    return 1;
}

/* child:status() -> "running" | "exited", status | "killed", signal */
static int l_status(lua_State *L)
{
    int value = 0;
    switch (eh_child_status(check_child(L, 1), &value)) {
    case EH_CHILD_RUNNING:
        lua_pushliteral(L, "running");
        return 1;
    case EH_CHILD_EXITED:
        lua_pushliteral(L, "exited");
        break;
    case EH_CHILD_KILLED:
        lua_pushliteral(L, "killed");
        break;
    }
    lua_pushinteger(L, value);
    return 2;
}

/* child:kill("KILL" | "TERM"): the whole group. */
static int l_kill(lua_State *L)
{
    static const char *const names[] = {"KILL", "TERM", "CONT", NULL};
    static const int numbers[] = {SIGKILL, SIGTERM, SIGCONT};
    eh_child *child = check_child(L, 1);
    eh_child_kill(child, numbers[luaL_checkoption(L, 2, "KILL", names)]);
    return 0;
}

/* child:hang_up(): nothing more will be said to it. */
static int l_hang_up(lua_State *L)
{
    eh_child_hang_up(check_child(L, 1));
    return 0;
}

static int l_pid(lua_State *L)
{
    lua_pushinteger(L, eh_child_pid(check_child(L, 1)));
    return 1;
}

static int l_close(lua_State *L)
{
    child_box *box = luaL_checkudata(L, 1, CHILD_TYPE);
    eh_child *child = box->child;
    box->child = NULL;
    eh_child_free(child);
    return 0;
}

static int l_child_tostring(lua_State *L)
{
    child_box *box = luaL_checkudata(L, 1, CHILD_TYPE);
    if (box->child == NULL)
        lua_pushliteral(L, "engine (closed)");
    else
        lua_pushfstring(L, "engine (process %I)", (LUAI_UACINT)eh_child_pid(box->child));
    return 1;
}

/* process.wait(children, timeout_ms, signals) -> true | nil, err. signals: a descriptor, or
 * nil. */
static int l_wait(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    int timeout_ms = (int)luaL_optinteger(L, 2, -1);
    int extra = (int)luaL_optinteger(L, 3, -1);
    eh_child *children[WAIT_MAX];
    size_t count = (size_t)lua_rawlen(L, 1);
    luaL_argcheck(L, count <= WAIT_MAX, 1, "too many processes");
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        children[i] = check_child(L, lua_gettop(L));
        lua_pop(L, 1); /* the table still holds it */
    }
    eh_err err = {.class_ = EH_OK};
    if (!eh_child_wait(children, count, extra, timeout_ms, &err)) return eh_bind_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

/* process.started(pid) -> clock ticks since boot at which that process began | nil */
static int l_started(lua_State *L)
{
    int64_t started = eh_process_started(luaL_checkinteger(L, 1));
    if (started == 0) return 0;
    lua_pushinteger(L, started);
    return 1;
}

typedef struct output_box {
    eh_buf buf;
} output_box;

/* A secret was in it. */
static int l_output_gc(lua_State *L)
{
    output_box *box = lua_touserdata(L, 1);
    if (box->buf.data != NULL) explicit_bzero(box->buf.data, box->buf.cap);
    eh_buf_free(&box->buf);
    return 0;
}

/* process.output(list of words, timeout_ms) -> what the program printed | nil, err */
static int l_output(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer timeout_ms = luaL_checkinteger(L, 2);
    lua_settop(L, 2);
    output_box *box = lua_newuserdatauv(L, sizeof *box, 0); /* [words, timeout, box] */
    eh_buf_init(&box->buf, OUTPUT_MAX);
    eh_bind_box(L, "etlhost output of a command", l_output_gc);
    eh_arena *arena = eh_bind_push_arena(L, ARENA_MAX); /* [..., box, arena] */
    eh_command command = {check_strings(L, 1, arena), timeout_ms};
    luaL_argcheck(L, command.argv[0] != NULL, 1, "no program is named");
    eh_err err = {.class_ = EH_OK};
    if (!eh_command_run(&command, &box->buf, &err)) return eh_bind_fail(L, &err);
    lua_pushlstring(L, box->buf.data, box->buf.len);
    lua_pushcfunction(L, l_output_gc);
    lua_pushvalue(L, 3);
    lua_call(L, 1, 0);
    return 1;
}

static void open_child_type(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"send", l_send}, {"next_line", l_next_line}, {"status", l_status}, {"kill", l_kill},
        {"pid", l_pid},   {"hang_up", l_hang_up},     {"close", l_close},   {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", l_close},
                                    {"__close", l_close},
                                    {"__tostring", l_child_tostring},
                                    {NULL, NULL}};
    luaL_newmetatable(L, CHILD_TYPE); /* [mt] */
    luaL_setfuncs(L, meta, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

int luaopen_host_process(lua_State *L)
{
    open_child_type(L);
    static const luaL_Reg functions[] = {{"spawn", l_spawn},
                                         {"wait", l_wait},
                                         {"started", l_started},
                                         {"output", l_output},
                                         {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
