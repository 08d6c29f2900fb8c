/* jail/calls.c: pcall, xpcall and coroutines that do not hide a limit from the host.
 *
 * With the stock functions a script catches the error of the deadline and goes on; these raise
 * it again as long as the state is doomed. A function that waits for the engine may do so
 * inside a script's coroutine: each resume on the way out waits as well, and goes on where it
 * was. */
#include "jail/internal.h"

#include <lauxlib.h>

/* ---- Protected calls --------------------------------------------------------------------- */

/* [true, results...] or [..., error]; `first` is the place of the `true`. */
static int finish_pcall(lua_State *L, int status, lua_KContext first)
{
    eh_vm_check(L);
    if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - (int)first + 1;
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

static int l_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1); /* [true, fn, args...] */
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 1, finish_pcall);
    return finish_pcall(L, status, 1);
}

static int l_handle_error(lua_State *L)
{
    if (eh_vm_doom(eh_vm_of(L)) != EH_DOOM_NONE) return 1;
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

static int l_xpcall(lua_State *L)
{
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, l_handle_error, 1);
    lua_replace(L, 2); /* [fn, handler, args...] */
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2); /* [fn, handler, true, fn, args...] */
    int status = lua_pcallk(L, lua_gettop(L) - 4, LUA_MULTRET, 2, 3, finish_pcall);
    return finish_pcall(L, status, 3);
}

void eh_env_add_calls(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"pcall", l_pcall}, {"xpcall", l_xpcall}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}

/* ---- Coroutines -------------------------------------------------------------------------- */

static const char threads_key = 't';

/* The threads that are still alive, weakly held: [threads] */
static void push_threads(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &threads_key) == LUA_TTABLE) return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &threads_key);
}

static size_t count_threads(lua_State *L)
{
    size_t count = 0;
    (void)lua_gc(L, LUA_GCCOLLECT);
    push_threads(L);
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) count++;
    lua_pop(L, 1);
    return count;
}

/* [fn at 1] -> [thread] */
static lua_State *new_thread(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    eh_vm_check(L);
    eh_jail *jail = eh_jail_of(L);
    if (jail->coroutines >= EH_JAIL_MAX_COROUTINES) jail->coroutines = count_threads(L);
    if (jail->coroutines >= EH_JAIL_MAX_COROUTINES)
        luaL_error(L, "more than %d coroutines are alive", EH_JAIL_MAX_COROUTINES);
    lua_State *thread = lua_newthread(L);
    push_threads(L);
    lua_pushvalue(L, -2);
    lua_pushboolean(L, 1);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    jail->coroutines++;
    lua_pushvalue(L, 1);
    lua_xmove(L, thread, 1);
    return thread;
}

static int l_create(lua_State *L)
{
    (void)new_thread(L);
    return 1;
}

enum { STEP_FAILED = -1, STEP_WAITS = -2 };

/* Moves the top `args` values over and resumes. Results come onto L's stack: their number, or
 * STEP_FAILED with the error there, or STEP_WAITS with nothing. */
static int step(lua_State *L, lua_State *thread, int args)
{
    int results = 0;
    if (!lua_checkstack(thread, args + 1)) return luaL_error(L, "too many arguments to resume");
    lua_xmove(L, thread, args);
    int status = eh_vm_resume(L, thread, args, &results);
    eh_vm_check(L);
    if (status == LUA_YIELD && eh_task_is_waiting(L)) return STEP_WAITS;
    if (status != LUA_OK && status != LUA_YIELD) results = 1;
    luaL_checkstack(L, results + 1, "too many results to resume");
    lua_xmove(thread, L, results);
    return status == LUA_OK || status == LUA_YIELD ? results : STEP_FAILED;
}

static lua_State *check_thread(lua_State *L)
{
    luaL_argexpected(L, lua_isthread(L, 1), 1, "coroutine");
    return lua_tothread(L, 1);
}

static int resume_again(lua_State *L, int status, lua_KContext args);

static int resume(lua_State *L, int args)
{
    int results = step(L, lua_tothread(L, 1), args);
    if (results == STEP_WAITS) return eh_task_wait(L, 0, resume_again);
    lua_pushboolean(L, results != STEP_FAILED);
    if (results == STEP_FAILED) results = 1;
    lua_insert(L, -(results + 1));
    return results + 1;
}

static int resume_again(lua_State *L, int status, lua_KContext args)
{
    (void)status;
    return resume(L, (int)args);
}

static int l_resume(lua_State *L)
{
    (void)check_thread(L);
    return resume(L, lua_gettop(L) - 1);
}

static int wrapped_again(lua_State *L, int status, lua_KContext args);

static int wrapped(lua_State *L, int args)
{
    lua_State *thread = lua_tothread(L, lua_upvalueindex(1));
    int results = step(L, thread, args);
    if (results == STEP_WAITS) return eh_task_wait(L, 0, wrapped_again);
    if (results != STEP_FAILED) return results;
    if (lua_status(thread) > LUA_YIELD) (void)eh_vm_reset(L, thread); /* its __close run now */
    eh_vm_check(L);
    return lua_error(L);
}

static int wrapped_again(lua_State *L, int status, lua_KContext args)
{
    (void)status;
    return wrapped(L, (int)args);
}

static int l_wrapped(lua_State *L)
{
    return wrapped(L, lua_gettop(L));
}

static int l_wrap(lua_State *L)
{
    (void)new_thread(L);
    lua_pushcclosure(L, l_wrapped, 1);
    return 1;
}

static bool is_closable(lua_State *L, lua_State *thread)
{
    lua_Debug ar;
    if (thread == L) return false;
    if (lua_status(thread) == LUA_YIELD) return true;
    /* Not yielded: it failed, or was not begun, or ended; one with a frame is running. */
    return lua_status(thread) != LUA_OK || !lua_getstack(thread, 0, &ar);
}

static int l_close(lua_State *L)
{
    lua_State *thread = check_thread(L);
    if (!is_closable(L, thread))
        return luaL_error(L, "cannot close a coroutine that is running");
    int status = eh_vm_reset(L, thread);
    eh_vm_check(L);
    lua_pushboolean(L, status == LUA_OK);
    if (status == LUA_OK) return 1;
    lua_xmove(thread, L, 1);
    return 2;
}

void eh_env_add_coroutine(lua_State *L)
{
    static const luaL_Reg functions[] = {{"create", l_create},
                                         {"resume", l_resume},
                                         {"wrap", l_wrap},
                                         {"close", l_close},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
