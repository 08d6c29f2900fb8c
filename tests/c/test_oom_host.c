/* The host's Lua without memory: every module of host/bind, opened and used by a script, with
 * each allocation failing in turn, those of the interpreter and those of the C core alike,
 * alone or with all that follow (Lua collects its garbage and tries again, so that one which
 * fails alone is not always an error). What fails is an error that says so; nothing is left
 * behind when the state is closed, and the same state, with memory again, does all of it. See
 * oom.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include "oom.h"

#include "bind/bind.h"
#include "bind/embedded.h"
#include "remove_tree.h"

#include <lualib.h>
#include <stdio.h>
#include <string.h>

/* A module and a script that calls every function of it. What it could not do is raised: that a
 * thing is not there is known beforehand. */
typedef struct part {
    const char *name;
    lua_CFunction open;
    const char *script;
} part;

static const char begins[] = "local folder, m, pid = ...\n"
                             "local path = folder .. '/a.txt'\n"
                             "local function ok(value, ...)\n"
                             "  if value == nil and (...) ~= nil then error((...), 0) end\n"
                             "  return value, ...\n"
                             "end\n";

static const part parts[] = {
    {"clock", luaopen_host_clock, "assert(m.wall_us() > 0 and m.monotonic_us() > 0)"},
    {"doc", luaopen_host_doc,
     "local list = m.list { 1, 2.5, 'x', true, m.null }\n"
     "assert(m.is_list(list) and not m.is_list {})\n"
     "local map = m.ordered({ b = list, a = { c = ('y'):rep(3000) } }, { 'b', 'a' })\n"
     "assert(#ok(m.to_json(map)) > 3000)\n"
     "assert(ok(m.inflate(string.char(120, 156, 75, 4, 0, 0, 98, 0, 98))) == 'a')\n"},
    {"embedded", luaopen_host_embedded,
     "assert(#m.list 'lua/host' > 10 and m.read 'lua/host/main.lua')\n"
     "assert(require 'host.text')\n"},
    {"err", luaopen_host_err,
     "local e = m.new { class = 'limit', message = 'm', place = 'p', trail = 't' }\n"
     "assert(m.is(e) and tostring(e) == 'p: t: m (limit)')\n"},
    {"files", luaopen_host_files,
     "ok(m.make_folder(folder .. '/b/c'))\n"
     "ok(m.write(path, ('z'):rep(100000)))\n"
     "assert(#ok(m.read(path)) == 100000 and #ok(m.hash 'x') == 64)\n"
     "ok(m.identify(path))\n"
     "assert(#ok(m.list(folder)) >= 2 and ok(m.stat(path)).size == 100000)\n"
     "ok(m.real_path(path))\n"
     "ok(m.current_folder())\n"
     "local _, none = m.read(folder .. '/none')\n"
     "assert(none.class ~= 'bug')\n"},
    {"process", luaopen_host_process,
     "assert(#ok(m.output({ '/bin/echo', 'hi' }, 60000)) == 3 and m.started(pid))\n"
     "local child <close> = ok(m.spawn { path = '/bin/sh', env = { 'A=b' },\n"
     "  args = { 'sh', '-c', 'cat <&3 >/dev/null; echo hello >&4' } })\n"
     "ok(child:send('STOP', { a = { 1, 'x' } }))\n"
     "assert(child:pid() > 0 and tostring(child):find 'process')\n"
     "child:hang_up()\n"
     "while child:status() == 'running' do\n"
     "  ok(m.wait({ child }, 60000))\n"
     "  while child:next_line() do end\n"
     "end\n"
     "child:kill 'KILL'\n"},
    {"signals", luaopen_host_signals,
     "local signals <close> = ok(m.open())\n"
     "assert(signals:descriptor() >= 0 and signals:take() == nil)\n"},
    {"store", luaopen_host_store,
     "local store <close> = ok(m.open(folder .. '/catalog.db'))\n"
     "ok(store:query('begin'))\n"
     "ok(store:query('prune_set', { '7', '8' }))\n"
     "ok(store:query('commit'))\n"
     "assert(ok(store:query('prune_get', { '7' }))[1].at == '8')\n"
     "ok(store:query('run_list', { nil, '10' }, 2))\n"},
    {"system", luaopen_host_system,
     "assert(not m.is_terminal(0) or m.terminal_width(0) ~= 0)\n"
     "assert(#m.environment() > 0 and #m.random_hex(4) == 8)\n"
     "assert(m.host_name() and m.process() == pid)\n"},
    {"yaml", luaopen_host_yaml,
     "assert(ok(m.parse('a: 1\\nb:\\n  - {c: x}\\n  - ~\\n', 'f.yaml')).kind == 'map')\n"},
    {"zone", luaopen_host_zone, "assert(ok(m.instant('UTC', 5)) == 5)\n"},
};

static char folder[64];

/* Lua's own memory comes from here under the sanitizers, too. */
static void *allocate(void *self, void *block, size_t old, size_t size)
{
    (void)self;
    (void)old;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, size);
}

static int use_part(lua_State *L)
{
    const part *p = lua_touserdata(L, 1);
    lua_pushcfunction(L, luaopen_host_err); /* errors are its objects */
    lua_call(L, 0, 0);
    eh_bind_add_searcher(L, NULL);
    lua_pushcfunction(L, p->open);
    lua_call(L, 0, 1); /* [part, module] */
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    luaL_addstring(&text, begins);
    luaL_addstring(&text, p->script);
    luaL_pushresult(&text); /* [part, module, text] */
    if (luaL_loadstring(L, lua_tostring(L, -1)) != LUA_OK) return lua_error(L);
    lua_pushstring(L, folder);
    lua_pushvalue(L, 2);
    lua_pushinteger(L, getpid());
    lua_call(L, 3, 0);
    return 0;
}

/* The error on the stack is one of memory. */
static bool read_error(lua_State *L, eh_err *err)
{
    const char *class_ = "script", *message = lua_tostring(L, -1);
    if (lua_istable(L, -1)) {
        lua_pushliteral(L, "class");
        lua_rawget(L, -2);
        class_ = lua_tostring(L, -1);
        lua_pushliteral(L, "message");
        lua_rawget(L, -3);
        message = lua_tostring(L, -1);
    } else if (message != NULL &&
               (strstr(message, "memory") != NULL || strstr(message, "too large") != NULL)) {
        class_ = "limit";
    }
    return eh_fail(err, eh_class_from_name(class_), "%s", message != NULL ? message : "?");
}

static bool use(lua_State *L, const part *p, eh_err *err)
{
    lua_settop(L, 0);
    lua_pushcfunction(L, use_part);
    lua_pushlightuserdata(L, (void *)(uintptr_t)p);
    return lua_pcall(L, 1, 0, 0) == LUA_OK || read_error(L, err);
}

/* A state made, used without memory from allocation n on, then with memory, and closed. */
static bool was_reached(const part *p, long n, bool all_after)
{
    eh_err err = {.class_ = EH_OK};
    atomic_store(&oom.live, 0);
    atomic_store(&oom.counting, true);
    lua_State *L = lua_newstate(allocate, NULL);
    assert_non_null(L);
    luaL_openlibs(L);
    /* Lua never gets over it when it has no memory for its first long text. */
    assert_false(luaL_dostring(L, "return ('x'):rep(3000)"));
    oom_arm(n, all_after);
    bool ok = use(L, p, &err);
    bool reached = oom_disarm();
    if (!ok && err.class_ != EH_CLASS_LIMIT)
        fail_msg("%s, %ld: %s: %s", p->name, n, eh_class_name(err.class_), err.message);
    if (!reached && !ok) fail_msg("%s: %s", p->name, err.message);
    eh_err_clear(&err);
    if (!use(L, p, &err)) fail_msg("%s, after %ld: %s", p->name, n, err.message);
    lua_close(L);
    atomic_store(&oom.counting, false);
    if (OWN_MALLOC && atomic_load(&oom.live) > 0)
        fail_msg("%s, %ld leaves %ld", p->name, n, atomic_load(&oom.live));
    return reached;
}

static void sweep(bool all_after)
{
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const part *p = &parts[i];
        (void)was_reached(p, 0, false); /* libraries keep what they made at their first use */
        long n = 1;
        while (was_reached(p, n, all_after)) n = oom_next(n, 60);
        assert_true(n > 20);
    }
}

static void one_allocation(void **state)
{
    (void)state;
    sweep(false);
}

static void all_after_one(void **state)
{
    (void)state;
    sweep(true);
}

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/eh_host.XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return remove_tree(folder);
}

int main(void)
{
    oom_spare_openssl();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_allocation),
        cmocka_unit_test(all_after_one),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
