/* Scripts that mean harm, or do it without meaning to. Each must end as a named failure, or at
 * the worst with the jail's own process; the test program, in the place of the engine, is
 * untouched. */
#include "jail_driver.h"

/* How a script ended: its FAILED, DECLARED or death. */
typedef struct end {
    bool declared;
    bool died; /* by a signal: contained by the process */
    const char *class_;
    const char *message;
    const char *place;
    const char *log;
} end;

static end run_with(jail *j, const char *script)
{
    eh_frame frame;
    end e = {.class_ = "", .message = "", .place = ""};
    (void)jail_expect(j, EH_FRAME_HELLO);
    jail_send_start(j, "check", script, "own", NULL);
    if (!jail_next(j, &frame)) {
        e.died = true;
    } else if (frame.type == EH_FRAME_FAILED) {
        const eh_doc *error = eh_doc_get(frame.body, "error");
        e.class_ = eh_doc_str(error, "class", "");
        e.message = eh_doc_str(error, "message", "");
        e.place = eh_doc_str(error, "place", "");
    } else {
        assert_int_equal(frame.type, EH_FRAME_DECLARED);
        e.declared = true;
    }
    e.log = eh_buf_cstr(&j->log);
    return e;
}

static void expect_status(jail *j, const end *e)
{
    /* The log outlives the buffers in the message only. */
    int status = jail_end(j);
    if (e->died)
        assert_true(WIFSIGNALED(status));
    else
        assert_int_equal(WEXITSTATUS(status), e->declared ? 0 : 1);
}

static void expect_failure(const char *script, const char *class_, const char *message)
{
    jail j;
    jail_start(&j);
    end e = run_with(&j, script);
    if (e.died || e.declared || strcmp(e.class_, class_) != 0 ||
        strstr(e.message, message) == NULL)
        fail_msg("%s\n-> died %d declared %d %s: %s", script, e.died, e.declared, e.class_,
                 e.message);
    expect_status(&j, &e);
}

/* Whatever it does, only its own process suffers. One that does not come back is killed, as the
 * engine does after the deadline: no hook reaches into a C function that loops. */
static void expect_contained(const char *script)
{
    jail j;
    jail_start(&j);
    struct timeval limit = {.tv_sec = 1};
    assert_int_equal(setsockopt(j.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    end e = run_with(&j, script);
    if (e.died) (void)kill(j.pid, SIGKILL);
    expect_status(&j, &e);
}

/* The script prints; the rest of it is a source that declares nothing. */
static void expect_log(const char *script, const char *log)
{
    jail j;
    jail_start(&j);
    char *whole = eh_arena_printf(
        j.arena, "%s\nreturn require 'etl.source' { name = 'own', resources = {} }", script);
    end e = run_with(&j, whole);
    if (!e.declared) fail_msg("%s\n-> %s: %s: %s", script, e.class_, e.place, e.message);
    assert_string_equal(e.log, log);
    expect_status(&j, &e);
}

/* ---- Names ------------------------------------------------------------------------------- */

static void test_absent_names(void **state)
{
    (void)state;
    static const char *const absent[] = {"io",          "debug",        "package",
                                         "dofile",      "loadfile",     "loadstring",
                                         "warn",        "arg",          "jit",
                                         "bit32",       "module",       "setfenv",
                                         "string.dump", "os.execute",   "os.exit",
                                         "os.getenv",   "os.remove",    "os.rename",
                                         "os.tmpname",  "os.setlocale", "coroutine.nothing"};
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
        char script[128];
        (void)snprintf(script, sizeof script, "print(%s) return 1", absent[i]);
        jail j;
        jail_start(&j);
        end e = run_with(&j, script);
        bool is_nil = strcmp(e.log, "nil\n") == 0;
        if (!is_nil && strstr(e.message, "is not defined here") == NULL)
            fail_msg("%s is there: %s%s", absent[i], e.log, e.message);
        expect_status(&j, &e);
    }
}

/* Everything that can be reached from the environment is on this list: a walk through tables,
 * their pairs and what metatables there are to see. */
static void test_reachable(void **state)
{
    (void)state;
    expect_log(
        "local seen, names = {}, {}\n"
        "local function walk(value, path)\n"
        "  local kind = type(value)\n"
        "  assert(kind ~= 'userdata' and kind ~= 'thread', path)\n"
        "  if kind == 'function' then names[#names + 1] = path return end\n"
        "  if kind ~= 'table' or seen[value] then return end\n"
        "  seen[value] = true\n"
        "  assert(not getmetatable(value), path)\n"
        "  for k, v in pairs(value) do walk(v, path .. '.' .. tostring(k)) end\n"
        "end\n"
        "walk(_G, '') assert(getmetatable('') == false)\n"
        "table.sort(names) print(table.concat(names))",
        ".assert.collectgarbage.coroutine.close.coroutine.create.coroutine.isyieldable"
        ".coroutine.resume.coroutine.running.coroutine.status.coroutine.wrap.coroutine.yield"
        ".error.getmetatable.ipairs.load.math.abs.math.acos.math.asin.math.atan.math.ceil"
        ".math.cos.math.deg.math.exp.math.floor.math.fmod.math.log.math.max.math.min.math.modf"
        ".math.rad.math.random.math.randomseed.math.sin.math.sqrt.math.tan.math.tointeger"
        ".math.type.math.ult.next.os.clock.os.date.os.difftime.os.time.pairs.pcall.print"
        ".rawequal.rawget.rawlen.rawset.require.select.setmetatable.string.byte.string.char"
        ".string.find.string.format.string.gmatch.string.gsub.string.len.string.lower"
        ".string.match.string.pack.string.packsize.string.rep.string.reverse.string.sub"
        ".string.unpack.string.upper.table.concat.table.insert.table.move.table.pack"
        ".table.remove.table.sort.table.unpack.tonumber.tostring.type.utf8.char"
        ".utf8.codepoint.utf8.codes.utf8.len.utf8.offset.xpcall\n");
}

static void test_read_only(void **state)
{
    (void)state;
    expect_failure("x = 1", "script", "\"x\" is not declared");
    expect_failure("print(y)", "script", "\"y\" is not defined");
    expect_failure("print = nil", "script", "is not declared");
    expect_failure("string.rep = nil", "script", "string is read-only");
    expect_failure("rawset(string, 'rep', print)", "script", "read-only");
    expect_failure("rawset(_G, 'rep', print)", "script", "read-only");
    expect_failure("table.insert(string, print)", "script", "read-only");
    expect_failure("setmetatable(string, {})", "script", "protected");
    expect_failure("setmetatable(_G, nil)", "script", "protected");
    expect_failure("getmetatable('').__index = nil", "script", "index a boolean");
    expect_failure("require('etl.source').is = print", "script", "read-only");
    expect_failure("require('etl').list = print", "script", "read-only");
}

/* ---- Chunks and modules ------------------------------------------------------------------ */

static void test_no_bytecode(void **state)
{
    (void)state;
    expect_failure("\033Lua\x54", "script", "attempt to load a binary chunk");
    expect_log("print(load('\\27Lua\\x54\\0'))",
               "nil\tattempt to load a binary chunk (mode is 't')\n");
    expect_log("print(pcall(load, function() end))",
               "false\tbad argument #1 to '?' (string expected, got function)\n");
    expect_log("print(pcall(load, 'return 1', 'x', 'b'))",
               "false\tbad argument #3 to '?' (only text can be loaded)\n");
    expect_log("print(load('return x', 'c', 't', { x = 7 })(), load('return _G')() == _G)",
               "7\ttrue\n");
    expect_log("print(load('local a <const> = ; return', '=n'))",
               "nil\tn:1: unexpected symbol near ';'\n");
}

static void test_module_names(void **state)
{
    (void)state;
    static const char *const bad[] = {"../x", "a..b", ".a",  "a.",   "",
                                      "a/b",  "A",    "a b", "a\\0b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char script[64];
        (void)snprintf(script, sizeof script, "require '%s'", bad[i]);
        jail j;
        jail_start(&j);
        end e = run_with(&j, script);
        assert_string_equal(e.class_, "script");
        expect_status(&j, &e);
    }
    expect_failure("require 'etl.nothing'", "script", "there is no module \"etl.nothing\"");
    expect_failure("require 'nothing'", "script", "there is no module \"nothing\"");
    /* A project cannot put its own in the place of ours. */
    jail j;
    jail_start(&j);
    j.module_name = "etl.source";
    j.module_text = "return 'shadowed'";
    end e = run_with(&j, "print(type(require 'etl.source')) error 'end'");
    assert_string_equal(e.log, "table\n");
    expect_status(&j, &e);
    jail_start(&j);
    j.module_name = "own.part";
    j.module_text = "require 'own.part'";
    e = run_with(&j, "require 'own.part'");
    assert_non_null(strstr(e.message, "requires itself"));
    expect_status(&j, &e);
}

/* ---- Memory ------------------------------------------------------------------------------ */

static void test_memory(void **state)
{
    (void)state;
    static const char *const hogs[] = {
        "local t = {}\nfor i = 1, 1e9 do t[i] = { i } end",
        "local s = 'x'\nwhile true do s = s .. s end",
        "local t = {}\nwhile true do t[#t + 1] = ('x'):rep(1000000) .. #t end",
        "local t = {}\nwhile true do pcall(function() t[#t + 1] = ('y'):rep(1000) .. #t end) "
        "end",
        "local t = {}\nwhile true do t[#t + 1] = function() return t end end",
        "local s = ('x'):rep(16000000)\nlocal t = {}\nfor i = 1, 100 do t[i] = s:upper() .. i "
        "end",
        "local t = table.pack(('x'):rep(200000):byte(1, 200000))\nlocal all = {}\n"
        "while true do all[#all + 1] = table.move(t, 1, 200000, 1, {}) end",
    };
    for (size_t i = 0; i < sizeof hogs / sizeof hogs[0]; i++) {
        jail j;
        jail_start(&j);
        j.deadline_ms = 20000;
        end e = run_with(&j, hogs[i]);
        /* A stack that is too deep is an error of its own. */
        bool is_stack =
            strstr(e.message, "overflow") != NULL || strstr(e.message, "too many") != NULL;
        if (!is_stack && strncmp(e.message, "memory: ", 8) != 0)
            fail_msg("%s\n-> %s %s", hogs[i], e.class_, e.message);
        if (!is_stack) assert_non_null(strstr(e.place, "p.lua:"));
        expect_status(&j, &e);
    }
}

static void test_big_texts(void **state)
{
    (void)state;
    expect_failure("return ('x'):rep(math.maxinteger)", "script", "string.rep");
    expect_failure("return ('x'):rep(1 << 40, 'yy')", "script", "string.rep");
    expect_log(
        "print(#(''):rep(math.maxinteger), #('ab'):rep(3, ','), ('a'):rep(-1), #('x'):rep(0))",
        "0\t8\t\t0\n");
    expect_failure("return ('%99999d'):format(1)", "script", "invalid conversion");
    expect_failure("error(('x'):rep(1000000))", "script", "xxxxx");
    expect_failure("error(setmetatable({}, { __tostring = function() while true do end end }))",
                   "script", "a table without a message");
    expect_failure("error()", "script", "a nil");
    expect_failure("error(print)", "script", "a function");
    expect_failure("error(12)", "script", "12");
    expect_failure("error { class = 'bug', message = 'mine' }", "script", "mine");
    expect_failure("error { class = 'ok', message = 'mine' }", "script", "mine");
}

/* ---- Time -------------------------------------------------------------------------------- */

static void test_endless(void **state)
{
    (void)state;
    static const char *const loops[] = {
        "while true do end",
        "::a:: goto a",
        "local function f() return f() end\nf()",
        "while true do pcall(function() while true do end end) end",
        "while true do xpcall(function() while true do end end, function() while true do end "
        "end) end",
        "while true do coroutine.wrap(function() while true do end end)() end",
        "while true do pcall(coroutine.wrap(function() while true do end end)) end",
        "while true do local co = coroutine.create(function() while true do end end)\n"
        "  coroutine.resume(co) coroutine.close(co) end",
        "while true do coroutine.resume(coroutine.create(function() end)) end",
        "local t <close> = setmetatable({}, { __close = function() while true do end end })\n"
        "while true do end",
        "local t = setmetatable({}, { __index = function(t, k) return t[k + 1] end })\n"
        "while true do pcall(function() return t[1] end) end",
        "while true do ('x'):gsub('.', function() while true do end end) end",
        "table.sort({ 3, 2, 1 }, function() while true do end end)",
        "while true do pcall(error) end",
        "local co = coroutine.wrap(function() while true do coroutine.yield() end end)\n"
        "while true do co() end",
        "while true do load('while true do end')() end",
        "for i = 1, math.huge do tostring(i) end",
    };
    for (size_t i = 0; i < sizeof loops / sizeof loops[0]; i++) {
        jail j;
        jail_start(&j);
        j.deadline_ms = 60;
        end e = run_with(&j, loops[i]);
        if (strcmp(e.class_, "limit") != 0 || strncmp(e.message, "timeout: ", 9) != 0)
            fail_msg("%s\n-> died %d %s %s", loops[i], e.died, e.class_, e.message);
        if (strstr(e.place, ":") == NULL) fail_msg("%s\n-> no place", loops[i]);
        expect_status(&j, &e);
    }
}

/* The deadline is of one turn: many short ones are no endless loop, and after a limit nothing
 * of the script runs any more. */
static void test_nothing_after_doom(void **state)
{
    (void)state;
    jail j;
    jail_start(&j);
    j.deadline_ms = 60;
    end e = run_with(
        &j, "local t <close> = setmetatable({}, { __close = function() print 'close' end })\n"
            "print(pcall(function() while true do end end))\nprint 'after'");
    assert_string_equal(e.class_, "limit");
    assert_string_equal(e.place, "p.lua:2");
    assert_string_equal(e.log, "");
    expect_status(&j, &e);
}

/* ---- Bugs of the interpreter ------------------------------------------------------------- */

static void test_interpreter_bugs(void **state)
{
    (void)state;
    /* __concat that grows the stack (Lua commit 603b2c64). */
    expect_contained(
        "local function deep(n) if n == 0 then return 0 end return deep(n - 1) + 1 end\n"
        "local mt = { __concat = function(a, b) deep(5000) return 'y' end }\n"
        "local a = setmetatable({}, mt)\n"
        "for i = 1, 200 do\n"
        "  coroutine.wrap(function() local s = 'x' .. i .. 'z' .. a .. 'w' .. i end)()\n"
        "end return {}");
    /* A chain of closing coroutines (1e64c139): the cap on live ones comes first. */
    expect_failure("local co = coroutine.create(function() end)\n"
                   "for i = 1, 50000 do\n"
                   "  local inner = co\n"
                   "  co = coroutine.create(function()\n"
                   "    local x <close> = setmetatable({}, { __close = function()\n"
                   "      coroutine.close(inner) end })\n"
                   "    coroutine.yield()\n"
                   "  end)\n"
                   "  coroutine.resume(co)\n"
                   "end\n"
                   "coroutine.close(co)",
                   "script", "more than 1000 coroutines");
    /* As long as the cap allows. */
    expect_contained("local co = coroutine.create(function() end)\n"
                     "for i = 1, 990 do\n"
                     "  local inner = co\n"
                     "  co = coroutine.create(function()\n"
                     "    local x <close> = setmetatable({}, { __close = function()\n"
                     "      coroutine.close(inner) end })\n"
                     "    coroutine.yield()\n"
                     "  end)\n"
                     "  coroutine.resume(co)\n"
                     "end\n"
                     "coroutine.close(co) return {}");
    /* Depth of C calls and of the parser. */
    expect_failure("local function f() return pcall(f) end\nlocal t = {}\n"
                   "setmetatable(t, { __index = function(_, k) return t[k] end })\nreturn t.x",
                   "script", "overflow");
    expect_contained("return load(('('):rep(100000))");
    expect_contained("return load('return ' .. ('{'):rep(100000))");
    expect_contained("local s = ('a'):rep(300000) return s:find(('a?'):rep(20) .. 'b')");
}

static void test_no_finalizers(void **state)
{
    (void)state;
    expect_failure("setmetatable({}, { __gc = function() end })", "script", "__gc");
    /* Put in later, it does not count. */
    expect_log("local mt = {}\nfor i = 1, 100 do setmetatable({}, mt) end\n"
               "mt.__gc = function() print 'finalized' end\n"
               "for i = 1, 100 do local t = {} for k = 1, 1000 do t[k] = {} end end",
               "");
    expect_failure("collectgarbage 'step'", "script", "only \"count\"");
    expect_failure("collectgarbage 'generational'", "script", "only \"count\"");
}

/* Short-lived ones are not counted for ever. */
static void test_many_coroutines(void **state)
{
    (void)state;
    expect_log("for i = 1, 20000 do assert(coroutine.wrap(function() return i end)() == i) end "
               "print 'ok'",
               "ok\n");
}

/* ---- Noise
 * --------------------------------------------------------------------------------------------
 */

static void test_print_flood(void **state)
{
    (void)state;
    jail j;
    jail_start(&j);
    end e = run_with(&j, "for i = 1, 100000 do print(i, ('x'):rep(1000)) end");
    size_t lines = 0;
    for (const char *p = e.log; *p != '\0'; p++) lines += *p == '\n';
    assert_true(lines >= 200 && lines < 5000);
    expect_status(&j, &e);
}

int main(int argc, char **argv)
{
    int role = jail_driver_role(argc, argv);
    if (role >= 0) return role;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absent_names),       cmocka_unit_test(test_reachable),
        cmocka_unit_test(test_read_only),          cmocka_unit_test(test_no_bytecode),
        cmocka_unit_test(test_module_names),       cmocka_unit_test(test_memory),
        cmocka_unit_test(test_big_texts),          cmocka_unit_test(test_endless),
        cmocka_unit_test(test_nothing_after_doom), cmocka_unit_test(test_interpreter_bugs),
        cmocka_unit_test(test_no_finalizers),      cmocka_unit_test(test_many_coroutines),
        cmocka_unit_test(test_print_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
