/* The guarded Lua state: its limits, its errors as values, its tasks, its documents. */
#include "vm/task.h"
#include "vm/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <lauxlib.h>
#include <lualib.h>

static int open_all(lua_State *L)
{
    luaL_openlibs(L);
    eh_vm_open_values(L);
    eh_vm_open_errors(L);
    return 0;
}

static eh_vm *new_vm(void)
{
    eh_err err = {.class_ = EH_OK};
    eh_vm *vm = eh_vm_new(&err);
    assert_non_null(vm);
    assert_true(eh_vm_call(vm, open_all, NULL, &err));
    return vm;
}

static int run_text(lua_State *L)
{
    const char *text = lua_touserdata(L, 1);
    if (luaL_loadbufferx(L, text, strlen(text), "@t.lua", "t") != LUA_OK) return lua_error(L);
    lua_call(L, 0, 0);
    return 0;
}

static bool run(eh_vm *vm, const char *text, eh_err *err)
{
    char copy[1024];
    (void)snprintf(copy, sizeof copy, "%s", text);
    return eh_vm_call(vm, run_text, copy, err);
}

/* ---- Limits ------------------------------------------------------------------------------ */

static void test_memory(void **state)
{
    (void)state;
    eh_vm *vm = new_vm();
    eh_err err = {.class_ = EH_OK};
    size_t before = eh_vm_memory(vm);
    assert_true(run(vm, "kept = string.rep('x', 1000000)", &err));
    assert_true(eh_vm_memory(vm) >= before + 1000000);
    assert_true(run(vm, "kept = nil collectgarbage()", &err));
    assert_true(eh_vm_memory(vm) < before + 100000);
    assert_true(eh_vm_memory_peak(vm) >= before + 1000000);

    /* Garbage does not count against the limit; what is held does. */
    eh_vm_limit_memory(vm, before + 4000000);
    assert_true(run(vm, "for i = 1, 2000 do local s = string.rep('x', 100000) .. i end", &err));
    assert_int_equal(eh_vm_doom(vm), EH_DOOM_NONE);
    assert_false(run(vm, "local t = {}\nfor i = 1, 1e9 do t[i] = { i } end", &err));
    assert_int_equal(err.class_, EH_CLASS_LIMIT);
    assert_string_equal(err.place, "t.lua:2");
    assert_int_equal(eh_vm_doom(vm), EH_DOOM_MEMORY);
    /* Doomed for good: nothing runs any more. */
    eh_err again = {.class_ = EH_OK};
    assert_false(run(vm, "x = 1", &again));
    assert_int_equal(again.class_, EH_CLASS_LIMIT);
    eh_vm_free(vm);
}

static void test_time(void **state)
{
    (void)state;
    eh_vm *vm = new_vm();
    eh_err err = {.class_ = EH_OK};
    assert_true(eh_vm_watch(vm, &err));
    eh_vm *second = new_vm();
    assert_false(eh_vm_watch(second, NULL));
    eh_vm_free(second);
    eh_vm_limit_time(vm, 20);
    eh_vm_turn_begin(vm);
    bool ok = run(vm, "\nwhile true do end", &err);
    eh_vm_turn_end(vm);
    assert_false(ok);
    assert_int_equal(err.class_, EH_CLASS_LIMIT);
    assert_string_equal(err.place, "t.lua:2");
    assert_int_equal(eh_vm_doom(vm), EH_DOOM_TIME);
    eh_vm_free(vm);
    /* The next one can be watched. */
    vm = new_vm();
    assert_true(eh_vm_watch(vm, &err));
    eh_vm_free(vm);
}

/* ---- Errors ------------------------------------------------------------------------------ */

static void expect_error(const char *text, eh_class class_, const char *message,
                         const char *place)
{
    eh_vm *vm = new_vm();
    eh_err err = {.class_ = EH_OK};
    assert_false(run(vm, text, &err));
    assert_int_equal(err.class_, class_);
    assert_string_equal(err.message, message);
    assert_string_equal(err.place, place);
    assert_int_equal(lua_gettop(eh_vm_state(vm)), 0);
    eh_vm_free(vm);
}

static void test_errors(void **state)
{
    (void)state;
    expect_error("error 'plain'", EH_CLASS_SCRIPT, "plain", "t.lua:1");
    expect_error("error('no place', 0)", EH_CLASS_SCRIPT, "no place", "");
    expect_error("error('a: b: c', 0)", EH_CLASS_SCRIPT, "a: b: c", "");
    expect_error("error('first\\nx:1: y', 0)", EH_CLASS_SCRIPT, "first\nx:1: y", "");
    expect_error("error(7)", EH_CLASS_SCRIPT, "7", "");
    expect_error("error()", EH_CLASS_SCRIPT, "(the error raised is a nil)", "");
    expect_error("error({})", EH_CLASS_SCRIPT,
                 "(the error raised is a table without a message)", "");
    expect_error("error { message = 'm', class = 'auth', place = 'p' }", EH_CLASS_AUTH, "m",
                 "p");
    expect_error("error { message = 'm', class = 'nonsense' }", EH_CLASS_SCRIPT, "m", "");
    expect_error("error(setmetatable({}, { __index = function() error 'trap' end }))",
                 EH_CLASS_SCRIPT, "(the error raised is a table without a message)", "");
    expect_error("x x", EH_CLASS_SCRIPT, "syntax error near 'x'", "t.lua:1");
}

static int push_error_object(lua_State *L)
{
    eh_vm_push_error(L, lua_touserdata(L, 1));
    lua_setglobal(L, "e");
    return 0;
}

static void test_error_object(void **state)
{
    (void)state;
    eh_vm *vm = new_vm();
    eh_err err = {.class_ = EH_CLASS_AUTH, .message = "no", .hint = "ask", .retry_after_ms = 5};
    eh_err got = {.class_ = EH_OK};
    assert_true(eh_vm_call(vm, push_error_object, &err, &got));
    assert_true(run(vm,
                    "assert(e.class == 'auth' and e.message == 'no' and e.hint == 'ask')\n"
                    "assert(e.retry_after_ms == 5 and e.place == nil and e.code == nil)\n"
                    "assert(tostring(e) == 'no; ask' and getmetatable(e) == false)",
                    &got));
    assert_false(run(vm, "error(e)", &got));
    assert_int_equal(got.class_, EH_CLASS_AUTH);
    assert_string_equal(got.hint, "ask");
    eh_vm_free(vm);
}

/* ---- Documents --------------------------------------------------------------------------- */

typedef struct conversion {
    const char *text; /* Lua expression; NULL: the document below */
    eh_doc *doc;
    eh_arena *arena;
} conversion;

static int convert(lua_State *L)
{
    conversion *c = lua_touserdata(L, 1);
    if (c->text != NULL) {
        lua_pushfstring(L, "local null, list = ... return %s", c->text);
        const char *text = lua_tostring(L, -1);
        if (luaL_loadbufferx(L, text, strlen(text), "=t", "t") != LUA_OK) return lua_error(L);
        eh_vm_push_null(L);
        lua_newtable(L);
        eh_vm_mark_list(L, -1);
        lua_call(L, 2, 1);
    } else {
        eh_vm_push_doc(L, c->doc);
    }
    c->doc = eh_vm_to_doc(L, -1, c->arena);
    return 0;
}

static void expect_json(const char *text, const char *json)
{
    eh_vm *vm = new_vm();
    conversion c = {.text = text, .arena = eh_arena_new(1 << 20)};
    eh_err err = {.class_ = EH_OK};
    eh_buf buf;
    eh_buf_init(&buf, 1 << 20);
    /* There, and back through Lua once more. */
    for (int i = 0; i < 2; i++, c.text = NULL) {
        buf.len = 0;
        if (!eh_vm_call(vm, convert, &c, &err)) fail_msg("%s: %s", text, err.message);
        assert_true(eh_doc_to_json(c.doc, &buf, &err));
        assert_string_equal(eh_buf_cstr(&buf), json);
    }
    eh_buf_free(&buf);
    eh_arena_free(c.arena);
    eh_vm_free(vm);
}

static void expect_refused(const char *text, const char *message)
{
    eh_vm *vm = new_vm();
    conversion c = {.text = text, .arena = eh_arena_new(1 << 20)};
    eh_err err = {.class_ = EH_OK};
    assert_false(eh_vm_call(vm, convert, &c, &err));
    if (strstr(err.message, message) == NULL) fail_msg("%s: %s", text, err.message);
    eh_arena_free(c.arena);
    eh_vm_free(vm);
}

static void test_documents(void **state)
{
    (void)state;
    expect_json("nil", "null");
    expect_json("{ null, true, 'a', math.mininteger, 0.5 }",
                "[null,true,\"a\",-9223372036854775808,0.5]");
    expect_json("{ b = { 1 }, a = {}, c = list, [''] = null }",
                "{\"\":null,\"a\":{},\"b\":[1],\"c\":[]}");
    expect_refused("{ a = { 1, print } }", "a[2]: a function cannot be sent");
    expect_refused("{ a = { b = coroutine.create(print) } }", "a.b: a thread cannot be sent");
    expect_refused("{ [1.5] = 1 }", "only text keys");
    expect_refused("{ 1, x = 2 }", "no holes and no text keys");
    expect_refused("{ 1, nil, 3 }", "no holes");
    expect_refused("(function() local t = {} t.t = t return t end)()", "nested too deep");
    expect_refused("io.stdout", "a userdata cannot be sent");
}

/* ---- Tasks ------------------------------------------------------------------------------- */

static int after_wait(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    lua_pushinteger(L, (lua_Integer)ctx + 1);
    return 1;
}

static int l_wait(lua_State *L)
{
    if (!eh_task_can_wait(L)) return luaL_error(L, "cannot wait here");
    return eh_task_wait(L, (lua_KContext)luaL_checkinteger(L, 1), after_wait);
}

typedef struct start {
    const char *text;
    eh_task task;
} start;

static int start_task(lua_State *L)
{
    start *s = lua_touserdata(L, 1);
    lua_register(L, "wait", l_wait);
    if (luaL_loadbufferx(L, s->text, strlen(s->text), "@t.lua", "t") != LUA_OK)
        return lua_error(L);
    lua_pushinteger(L, 40);
    eh_task_init(L, &s->task, 1);
    return 0;
}

static void test_tasks(void **state)
{
    (void)state;
    eh_vm *vm = new_vm();
    eh_err err = {.class_ = EH_OK};
    char trace[512];
    start a = {.text = "local x = wait(...) x = wait(x) return x"}, b = a;
    assert_true(eh_vm_call(vm, start_task, &a, &err));
    assert_true(eh_vm_call(vm, start_task, &b, &err));
    assert_int_equal(eh_task_resume(&a.task, NULL, 0, &err), EH_TASK_WAITING);
    assert_int_equal(eh_task_resume(&b.task, NULL, 0, &err), EH_TASK_WAITING);
    assert_int_equal(eh_task_resume(&a.task, NULL, 0, &err), EH_TASK_WAITING);
    assert_int_equal(eh_task_resume(&a.task, NULL, 0, &err), EH_TASK_DONE);
    assert_int_equal(a.task.pending, 1);
    assert_int_equal(lua_tointeger(a.task.thread, -1), 42);
    eh_task_drop(&a.task);
    eh_task_drop(&a.task);
    eh_task_drop(&b.task); /* while it waits */

    start failing = {.text = "local function f() error 'deep' end\nwait(1)\nf()"};
    assert_true(eh_vm_call(vm, start_task, &failing, &err));
    assert_int_equal(eh_task_resume(&failing.task, trace, sizeof trace, &err), EH_TASK_WAITING);
    assert_int_equal(eh_task_resume(&failing.task, trace, sizeof trace, &err), EH_TASK_FAILED);
    assert_string_equal(err.message, "deep");
    assert_string_equal(err.place, "t.lua:1");
    assert_non_null(strstr(trace, "t.lua:3: in"));
    eh_task_drop(&failing.task);
    assert_int_equal(lua_gettop(eh_vm_state(vm)), 0);
    eh_vm_free(vm);
}

/* Whoever drops a task closes what it left open; one that yields to nobody has failed. */
static void test_task_ends(void **state)
{
    (void)state;
    eh_vm *vm = new_vm();
    eh_err err = {.class_ = EH_OK};
    start s = {
        .text = "local x <close> = setmetatable({}, { __close = function() closed = true end })"
                " wait(1)"};
    assert_true(eh_vm_call(vm, start_task, &s, &err));
    assert_int_equal(eh_task_resume(&s.task, NULL, 0, &err), EH_TASK_WAITING);
    eh_task_drop(&s.task);
    assert_true(run(vm, "assert(closed)", &err));
    start y = {.text = "coroutine.yield()"};
    assert_true(eh_vm_call(vm, start_task, &y, &err));
    assert_int_equal(eh_task_resume(&y.task, NULL, 0, &err), EH_TASK_FAILED);
    eh_task_drop(&y.task);
    eh_err_clear(&err);
    start g = {.text = "string.gsub('x', '.', function() wait(1) end)"};
    assert_true(eh_vm_call(vm, start_task, &g, &err));
    assert_int_equal(eh_task_resume(&g.task, NULL, 0, &err), EH_TASK_FAILED);
    assert_string_equal(err.message, "cannot wait here");
    eh_task_drop(&g.task);
    eh_vm_free(vm);
}

/* ---- Without memory ---------------------------------------------------------------------- */

static int use_everything(lua_State *L)
{
    conversion *c = lua_touserdata(L, 1);
    eh_err err = {.class_ = EH_CLASS_DATA, .message = "m", .hint = "h", .place = "p"};
    eh_vm_push_error(L, &err);
    eh_vm_describe(L, -1, &err);
    eh_vm_push_doc(L, c->doc);
    (void)eh_vm_to_doc(L, -1, c->arena);
    return 0;
}

/* The limit rises a little at a time, so that each allocation fails once: always an error of
 * class limit, never a crash, and at last success. */
static void test_every_allocation(void **state)
{
    (void)state;
    eh_arena *arena = eh_arena_new(1 << 20);
    eh_doc *doc = eh_doc_map(arena), *list = eh_doc_list(arena);
    for (int i = 0; i < 20; i++) {
        assert_true(eh_doc_push(list, eh_doc_integer(arena, i), NULL));
        char key[16];
        (void)snprintf(key, sizeof key, "key %d", i);
        assert_true(eh_doc_put_int(arena, doc, key, i, NULL));
    }
    assert_true(eh_doc_put(arena, doc, eh_slice_str("list"), list, NULL));
    bool ok = false;
    int failures = 0;
    for (size_t extra = 1; !ok; extra += 64, failures++) {
        conversion c = {.doc = doc, .arena = eh_arena_new(1 << 20)};
        eh_vm *vm = new_vm();
        eh_err err = {.class_ = EH_OK};
        (void)lua_gc(eh_vm_state(vm), LUA_GCCOLLECT);
        eh_vm_limit_memory(vm, eh_vm_memory(vm) + extra);
        ok = eh_vm_call(vm, use_everything, &c, &err);
        if (!ok) assert_int_equal(err.class_, EH_CLASS_LIMIT);
        eh_vm_free(vm);
        eh_arena_free(c.arena);
    }
    assert_true(failures > 5);
    eh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),    cmocka_unit_test(test_time),
        cmocka_unit_test(test_errors),    cmocka_unit_test(test_error_object),
        cmocka_unit_test(test_documents), cmocka_unit_test(test_tasks),
        cmocka_unit_test(test_task_ends), cmocka_unit_test(test_every_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
