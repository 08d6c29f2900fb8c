/* The jail as the engine sees it: what it says to START, GO, REPLY and ROWS. */
#include "jail_driver.h"

#include "base/embed.h"

static const char *json(jail *j, const eh_doc *doc)
{
    eh_buf *buf = eh_arena_zalloc(j->arena, 1, sizeof *buf);
    eh_buf_init(buf, 4 << 20);
    assert_true(eh_doc_to_json(doc, buf, NULL));
    const char *text = eh_arena_strdup(j->arena, eh_buf_cstr(buf));
    eh_buf_free(buf);
    return text;
}

static eh_doc *prefixes(jail *j)
{
    eh_doc *settings = eh_doc_map(j->arena), *map = eh_doc_map(j->arena);
    eh_doc *orders = eh_doc_map(j->arena), *leads = eh_doc_map(j->arena);
    put_text(j, settings, "url", "file:exports");
    put_text(j, orders, "table", "orders");
    put_text(j, orders, "key", "id");
    put(j, map, "orders-create", orders);
    put(j, map, "leads", leads);
    put(j, settings, "prefixes", map);
    return settings;
}

static void load_s3_exports(jail *j)
{
    j->module_name = "sources.s3_exports";
    j->module_text = eh_embedded_find("sources/s3_exports/init.lua").data;
    assert_non_null(j->module_text);
}

static void test_check(void **state)
{
    (void)state;
    jail j;
    jail_start(&j);
    const eh_doc *hello = jail_expect(&j, EH_FRAME_HELLO);
    assert_int_equal(eh_doc_int(hello, "version", 0), 1);
    assert_true(eh_doc_bool(hello, "seccomp", false));
    load_s3_exports(&j);
    jail_send_start(&j, "check",
                    "return require 'etl.pipeline' { shop = { leads = false,\n"
                    "['orders-create'] = { hash = 'email', row = function(r) end } } }",
                    "s3_exports", prefixes(&j));
    const eh_doc *declared = jail_expect(&j, EH_FRAME_DECLARED);
    assert_string_equal(
        json(&j, declared),
        "{\"problems\":[],\"resources\":[{\"hash\":[\"email\"],\"instance\":\"shop\",\"key\":["
        "\"id\"],"
        "\"on_changed_file\":\"replace_rows\",\"on_row_error\":\"dead\",\"resource\":\"orders-"
        "create\","
        "\"row\":true,\"source\":\"s3_exports\",\"table\":\"orders\"}]}");
    eh_frame frame;
    assert_false(jail_next(&j, &frame));
    assert_int_equal(jail_end(&j), 0);
}

/* Starts a run of `script` (which may be a source of its own) and answers up to DECLARED. */
static void start_run(jail *j, const char *script)
{
    (void)jail_expect(j, EH_FRAME_HELLO);
    jail_send_start(j, "run", script, "own", NULL);
    const eh_doc *declared = jail_expect(j, EH_FRAME_DECLARED);
    const eh_doc *problems = eh_doc_get(declared, "problems");
    if (eh_doc_count(problems) > 0) fail_msg("problems: %s", json(j, problems));
}

#define SOURCE(resources)                                                                      \
    "return require 'etl.source' { name = 'own', resources = { " resources " } }"

static eh_frame expect_call(jail *j, uint32_t task, const char *text)
{
    eh_frame frame;
    assert_true(jail_next(j, &frame));
    assert_int_equal(frame.type, EH_FRAME_CALL);
    assert_int_equal(frame.task, task);
    assert_string_equal(json(j, frame.body), text);
    return frame;
}

static eh_doc *files_page(jail *j, const char *name, bool more)
{
    eh_doc *value = eh_doc_map(j->arena), *list = eh_doc_list(j->arena);
    eh_doc *file = eh_doc_map(j->arena);
    put_text(j, file, "name", name);
    assert_true(eh_doc_push(list, file, NULL));
    put(j, value, "files", list);
    put_text(j, value, "last", name);
    assert_true(eh_doc_put_bool(j->arena, value, "more", more, NULL));
    return value;
}

static void test_s3_exports_run(void **state)
{
    (void)state;
    jail j;
    jail_start(&j);
    (void)jail_expect(&j, EH_FRAME_HELLO);
    load_s3_exports(&j);
    jail_send_start(&j, "run", "return require 'etl.pipeline' {}", "s3_exports", prefixes(&j));
    (void)jail_expect(&j, EH_FRAME_DECLARED);
    jail_send_go(&j, "leads", NULL);
    (void)expect_call(&j, 1,
                      "{\"instance\":\"shop\",\"location\":\"file:exports\","
                      "\"op\":\"files\",\"prefix\":\"leads/\"}");
    jail_reply(&j, 1, "value", files_page(&j, "leads/1.csv", true));
    (void)expect_call(&j, 1,
                      "{\"file\":\"leads/1.csv\",\"instance\":\"shop\","
                      "\"location\":\"file:exports\",\"op\":\"load\",\"resource\":\"leads\"}");
    jail_reply(&j, 1, "value", eh_doc_map(j.arena));
    (void)expect_call(&j, 1,
                      "{\"after\":\"leads/1.csv\",\"instance\":\"shop\","
                      "\"location\":\"file:exports\",\"op\":\"files\",\"prefix\":\"leads/\"}");
    jail_reply(&j, 1, "value", files_page(&j, "leads/2.csv", false));
    (void)jail_expect(&j, EH_FRAME_CALL);
    jail_reply(&j, 1, "value", eh_doc_map(j.arena));
    const eh_doc *done = jail_expect(&j, EH_FRAME_TASK_DONE);
    assert_string_equal(json(&j, done), "{\"instance\":\"shop\",\"resource\":\"leads\"}");
    (void)jail_expect(&j, EH_FRAME_FINISHED);
    assert_int_equal(jail_end(&j), 0);
}

/* Two resources at once; each reply reaches the one that asked, whatever the order, and a call
 * may be made from within coroutines and pcall. */
static void test_tasks_interleave(void **state)
{
    (void)state;
    jail j;
    jail_start(&j);
    start_run(
        &j,
        SOURCE("a = { extract = function(ctx)\n"
               "  local co = coroutine.wrap(function()\n"
               "    coroutine.yield(1)\n"
               "    local ok, r = pcall(ctx.load, ctx, { name = 'a', location = 'file:x' })\n"
               "    coroutine.yield(tostring(ok) .. r.status)\n"
               "  end)\n"
               "  assert(co() == 1)\n"
               "  print('a', co())\n"
               "end },\n"
               "b = { extract = function(ctx)\n"
               "  local ok, e = pcall(ctx.load, ctx, { name = 'b', location = 'file:x' })\n"
               "  print('b', ok, e.class, e.message, tostring(e))\n"
               "  error(e)\n"
               "end }"));
    jail_send_go(&j, "a", "b", NULL);
    assert_int_equal(jail_expect(&j, EH_FRAME_CALL)->kind, EH_DOC_MAP);
    (void)jail_expect(&j, EH_FRAME_CALL);
    eh_doc *error = eh_doc_map(j.arena), *value = eh_doc_map(j.arena);
    put_text(&j, error, "class", "denied");
    put_text(&j, error, "message", "not yours");
    put_text(&j, error, "hint", "ask");
    jail_reply(&j, 2, "error", error);
    const eh_doc *done = jail_expect(&j, EH_FRAME_TASK_DONE);
    assert_string_equal(eh_doc_str(eh_doc_get(done, "error"), "class", ""), "denied");
    assert_string_equal(eh_doc_str(eh_doc_get(done, "error"), "message", ""), "not yours");
    assert_string_equal(eh_doc_str(eh_doc_get(done, "error"), "place", ""), "p.lua:11");
    assert_non_null(strstr(eh_doc_str(eh_doc_get(done, "error"), "trace", ""), "p.lua:13: in"));
    put_text(&j, value, "status", "loaded");
    jail_reply(&j, 1, "value", value);
    done = jail_expect(&j, EH_FRAME_TASK_DONE);
    assert_null(eh_doc_get(done, "error"));
    (void)jail_expect(&j, EH_FRAME_FINISHED);
    assert_string_equal(
        eh_buf_cstr(&j.log),
        "b\tfalse\tdenied\tnot yours\tp.lua:11: not yours; ask\na\ttrueloaded\n");
    assert_int_equal(jail_end(&j), 0);
}

/* ---- Problems ---------------------------------------------------------------------------- */

/* Checks the script against the demo-like settings and expects exactly these problems, a line
 * each: "place|message"; the place in the source, which a user does not see, without its line.
 */
static void expect_problems(const char *script, eh_doc *(*settings)(jail *), const char *wanted)
{
    jail j;
    jail_start(&j);
    (void)jail_expect(&j, EH_FRAME_HELLO);
    load_s3_exports(&j);
    jail_send_start(&j, "check", script, "s3_exports", settings(&j));
    const eh_doc *declared = jail_expect(&j, EH_FRAME_DECLARED);
    eh_buf lines;
    eh_buf_init(&lines, 1 << 20);
    const eh_doc *problems = eh_doc_get(declared, "problems");
    for (const eh_doc *p = eh_doc_first(problems); p != NULL; p = p->next) {
        const char *place = eh_doc_str(p, "place", "");
        if (strncmp(place, "mod.lua:", 8) == 0) place = "mod.lua";
        assert_true(
            eh_buf_printf(&lines, NULL, "%s|%s\n", place, eh_doc_str(p, "message", "")));
    }
    assert_string_equal(lines.len > 0 ? eh_buf_cstr(&lines) : "", wanted);
    eh_buf_free(&lines);
    assert_int_equal(jail_end(&j), 0);
}

static eh_doc *no_settings(jail *j)
{
    return eh_doc_map(j->arena);
}

static eh_doc *wrong_settings(jail *j)
{
    eh_doc *settings = eh_doc_map(j->arena), *map = eh_doc_map(j->arena);
    eh_doc *orders = eh_doc_map(j->arena);
    put_text(j, settings, "url", "exports");
    put_text(j, settings, "prefixs", "x");
    put_text(j, orders, "primary_key", "id");
    put_text(j, orders, "tabel", "t");
    put(j, map, "orders", orders);
    put(j, settings, "prefixes", map);
    return settings;
}

static eh_doc *wrong_prefix(jail *j)
{
    eh_doc *settings = wrong_settings(j);
    eh_doc *map = eh_doc_map(j->arena);
    put_text(j, map, "url", "file:x");
    const eh_doc *prefixes_ = eh_doc_get(settings, "prefixes");
    eh_doc *copy = eh_doc_map(j->arena), *orders = eh_doc_map(j->arena);
    assert_non_null(prefixes_);
    put_text(j, orders, "primary_key", "id");
    put_text(j, orders, "tabel", "t");
    put_text(j, orders, "on_row_error", "ignore");
    put(j, copy, "orders", orders);
    put(j, map, "prefixes", copy);
    return map;
}

static eh_doc *bucket(jail *j)
{
    eh_doc *settings = eh_doc_map(j->arena);
    put_text(j, settings, "bucket", "acme-exports");
    put(j, settings, "prefixes", eh_doc_map(j->arena));
    return settings;
}

static void test_problems_of_settings(void **state)
{
    (void)state;
    static const char sync[] = "return require 'etl.pipeline' {}";
    expect_problems(sync, no_settings, "|source shop: prefixes is missing\n");
    expect_problems(
        sync, bucket,
        "|source shop: credentials are missing: { file: secrets/aws }, or access_key_id and "
        "secret_access_key; for a public bucket anonymous: true\n");
    expect_problems(sync, wrong_settings,
                    "|source shop: unknown option \"prefixs\"; did you mean \"prefixes\"?\n"
                    "|source shop: url must be a URL, not \"exports\"\n");
    expect_problems(
        sync, wrong_prefix,
        "mod.lua|source shop, resource orders: \"primary_key\": the word here is `key`\n"
        "mod.lua|source shop, resource orders: unknown option \"tabel\"; did you mean "
        "\"table\"?\n"
        "mod.lua|source shop, resource orders: on_row_error = \"ignore\": it must be one of "
        "dead, "
        "stop\n");
}

static void test_problems_of_pipelines(void **state)
{
    (void)state;
    expect_problems("return nil", prefixes,
                    "|the script returned nothing; end the file with `return pipeline { ... }` "
                    "(etl.pipeline) or `return source { ... }` (etl.source)\n");
    expect_problems(
        "\nlocal p = require 'etl.pipeline'\nreturn p { shopp = {}, client = 'other' }",
        prefixes,
        "p.lua:3|this pipeline is for client other, not for acme\n"
        "p.lua:3|the client has no source \"shopp\"; did you mean \"shop\"?\n");
    expect_problems(
        "return require 'etl.pipeline' { shop = { lead = false, leads = {\n"
        "colums = {}, columns = { a = 'integer', b = 'bigin', c = { epoch = 'x' } },\n"
        "write = 'upsert', keep = { a = {} }, row = 1, format = { typ = 'csv' },\n"
        "hash = { 7 }, contract = 'freez', extract = print } } }",
        prefixes,
        "p.lua:1|source shop: there is no resource \"lead\"; did you mean \"leads\"?\n"
        "p.lua:1|source shop, resource leads: unknown option \"colums\"; did you mean "
        "\"columns\"?\n"
        "p.lua:1|source shop, resource leads: \"extract\": how the rows are fetched is the "
        "source's to say\n"
        "p.lua:1|source shop, resource leads: row must be a function, not 1\n"
        "p.lua:1|source shop, resource leads: write = \"upsert\": it must be one of "
        "merge, append, insert_only, history, replace, restate\n"
        "p.lua:1|source shop, resource leads: columns.a: there is no type \"integer\"; the "
        "word "
        "here is `bigint`\n"
        "p.lua:1|source shop, resource leads: columns.b: there is no type \"bigin\"; did you "
        "mean "
        "\"bigint\"?\n"
        "p.lua:1|source shop, resource leads: columns.c: epoch = \"x\": it must be one of s, "
        "ms\n"
        "p.lua:1|source shop, resource leads: columns.c: type is missing\n"
        "p.lua:1|source shop, resource leads: hash must hold names of columns\n"
        "p.lua:1|source shop, resource leads: keep.a must be a text, a number, true, false or "
        "null, a list of them, or comparisons such as { ge = 10, lt = 20 }\n"
        "p.lua:1|source shop, resource leads: contract: columns = \"freez\": it must be one of "
        "evolve, freeze, discard_row, discard_value\n"
        "p.lua:1|source shop, resource leads: contract: tables = \"freez\": it must be one of "
        "evolve, freeze, discard_row, discard_value\n"
        "p.lua:1|source shop, resource leads: contract: types = \"freez\": it must be one of "
        "evolve, freeze, discard_row, discard_value\n"
        "p.lua:1|source shop, resource leads: format: unknown option \"typ\"; did you mean "
        "\"type\"?\n");
}

static void test_declares_all(void **state)
{
    (void)state;
    jail j;
    jail_start(&j);
    (void)jail_expect(&j, EH_FRAME_HELLO);
    load_s3_exports(&j);
    jail_send_start(
        &j, "check",
        "return require 'etl.pipeline' { shop = { ['orders-create'] = false, leads = {\n"
        "columns = { a = 'numeric', b = { type = 'datetime', zone = 'UTC' } },\n"
        "rename = { x = 'y' }, drop = 'd', mask = { 'm' }, keep = { s = { 1, 'a' } },\n"
        "discard = { t = require('etl').null }, constants = { c = true },\n"
        "contract = { types = 'freeze' }, on_row_error = 'stop', on_changed_file = 'append',\n"
        "format = 'csv', max_dead = 0.5, cursor = 'u', key = { 'k', 'l' } } } }",
        "s3_exports", prefixes(&j));
    const eh_doc *declared = jail_expect(&j, EH_FRAME_DECLARED);
    assert_string_equal(
        json(&j, declared),
        "{\"problems\":[],\"resources\":[{\"columns\":{\"a\":{\"type\":\"numeric\"},\"b\":{"
        "\"type\":"
        "\"datetime\",\"zone\":\"UTC\"}},\"constants\":{\"c\":true},\"contract\":{\"types\":"
        "\"freeze\"},"
        "\"cursor\":{\"field\":\"u\"},\"discard\":{\"t\":null},\"drop\":[\"d\"],\"format\":{"
        "\"type\":"
        "\"csv\"},\"instance\":\"shop\",\"keep\":{\"s\":[1,\"a\"]},\"key\":[\"k\",\"l\"],"
        "\"mask\":[\"m\"],"
        "\"max_dead\":{\"ratio\":0.5},\"on_changed_file\":\"append\",\"on_row_error\":\"stop\","
        "\"rename\":{\"x\":\"y\"},\"resource\":\"leads\",\"row\":false,\"source\":\"s3_"
        "exports\"}]}");
    assert_int_equal(jail_end(&j), 0);
}

/* ---- Tasks that misbehave ---------------------------------------------------------------- */

static const char *task_error(jail *j, const char *extract)
{
    jail_start(j);
    char *script =
        eh_arena_printf(j->arena, SOURCE("a = { extract = function(ctx) %s end }"), extract);
    start_run(j, script);
    jail_send_go(j, "a", NULL);
    const eh_doc *error = eh_doc_get(jail_expect(j, EH_FRAME_TASK_DONE), "error");
    (void)jail_expect(j, EH_FRAME_FINISHED);
    return eh_doc_str(error, "message", "");
}

static void test_misuse(void **state)
{
    (void)state;
    static const struct {
        const char *extract;
        const char *message;
    } all[] = {
        {"coroutine.yield()", "coroutine.yield was called outside a coroutine"},
        {"('x'):gsub('.', function() ctx:load { name = 'f', location = 'l' } end)",
         "cannot be called here"},
        {"coroutine.wrap(function() ('x'):gsub('.', coroutine.wrap(function()\n"
         "ctx:load { name = 'f', location = 'l' } end)) end)()",
         "cannot be called here"},
        {"ctx:load 'f'", "the file must be a table, not string"},
        {"ctx:load { name = 'f' }", "file.location must be a string, not nil"},
        {"ctx:files { location = {} }", "location must be a string"},
        {"ctx.nothing()", "attempt to call a nil value (field 'nothing')"},
        {"local t = {} t.t = t require('etl.context').new({ instance = t, resource = 'a' })\n"
         ":load { name = 'f', location = 'l' }",
         "contain themselves"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        jail j;
        const char *message = task_error(&j, all[i].extract);
        if (strstr(message, all[i].message) == NULL)
            fail_msg("%s\n-> %s", all[i].extract, message);
        assert_int_equal(jail_end(&j), 0);
    }
}

/* More resources than run at once: the rest follow as places become free, and one that fails
 * does not disturb the others. */
static void test_many_tasks(void **state)
{
    (void)state;
    jail j;
    jail_start(&j);
    start_run(&j,
              "local all = {}\n"
              "for i = 1, 150 do all['r' .. i] = { extract = function(ctx)\n"
              "  if i % 50 == 0 then error 'no' end\n"
              "  assert(ctx:load { name = ctx.resource, location = 'l' }.n == i) end } end\n"
              "return require 'etl.source' { name = 'own', resources = all }");
    eh_doc *go = eh_doc_map(j.arena), *list = eh_doc_list(j.arena);
    for (int i = 1; i <= 150; i++) {
        eh_doc *one = eh_doc_map(j.arena);
        put_text(&j, one, "instance", "shop");
        put_text(&j, one, "resource", eh_arena_printf(j.arena, "r%d", i));
        assert_true(eh_doc_push(list, one, NULL));
    }
    put(&j, go, "resources", list);
    jail_send(&j, EH_FRAME_GO, 0, go);
    int done = 0, failed = 0;
    for (eh_frame frame;;) {
        assert_true(jail_next(&j, &frame));
        if (frame.type == EH_FRAME_FINISHED) break;
        if (frame.type == EH_FRAME_TASK_DONE) {
            done++;
            failed += eh_doc_get(frame.body, "error") != NULL;
            continue;
        }
        assert_int_equal(frame.type, EH_FRAME_CALL);
        eh_doc *value = eh_doc_map(j.arena);
        int64_t n = strtol(eh_doc_str(frame.body, "file", "r0") + 1, NULL, 10);
        assert_true(eh_doc_put_int(j.arena, value, "n", n, NULL));
        jail_reply(&j, frame.task, "value", value);
    }
    assert_int_equal(done, 150);
    assert_int_equal(failed, 3);
    assert_int_equal(jail_end(&j), 0);
}

/* ---- An engine that breaks the protocol, or goes away ------------------------------------ */

static void test_engine_breaks(void **state)
{
    (void)state;
    jail j;
    jail_start(&j); /* the wrong first frame */
    (void)jail_expect(&j, EH_FRAME_HELLO);
    jail_send(&j, EH_FRAME_GO, 0, NULL);
    const eh_doc *failed = jail_expect(&j, EH_FRAME_FAILED);
    assert_string_equal(eh_doc_str(eh_doc_get(failed, "error"), "class", ""), "remote");
    assert_int_equal(WEXITSTATUS(jail_end(&j)), 1);

    jail_start(&j); /* a reply nobody waits for */
    start_run(
        &j,
        SOURCE("a = { extract = function(ctx) ctx:load { name = 'f', location = 'l' } end }"));
    jail_send_go(&j, "a", NULL);
    (void)jail_expect(&j, EH_FRAME_CALL);
    jail_reply(&j, 9, "value", eh_doc_map(j.arena));
    (void)jail_expect(&j, EH_FRAME_FAILED);
    assert_int_equal(WEXITSTATUS(jail_end(&j)), 1);

    jail_start(&j); /* a resource that was not declared */
    start_run(&j, SOURCE(""));
    jail_send_go(&j, "a", NULL);
    (void)jail_expect(&j, EH_FRAME_FAILED);
    assert_int_equal(WEXITSTATUS(jail_end(&j)), 1);

    jail_start(&j); /* bytes that are no frame */
    (void)jail_expect(&j, EH_FRAME_HELLO);
    assert_int_equal(send(j.fd, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, 0), 12);
    (void)jail_expect(&j, EH_FRAME_FAILED);
    assert_int_equal(WEXITSTATUS(jail_end(&j)), 1);

    jail_start(&j); /* gone before START, and gone while a task waits */
    (void)jail_expect(&j, EH_FRAME_HELLO);
    assert_int_equal(WEXITSTATUS(jail_end(&j)), 2);
    jail_start(&j);
    start_run(
        &j,
        SOURCE("a = { extract = function(ctx) ctx:load { name = 'f', location = 'l' } end }"));
    jail_send_go(&j, "a", NULL);
    (void)jail_expect(&j, EH_FRAME_CALL);
    assert_int_equal(WEXITSTATUS(jail_end(&j)), 2);
}

/* ---- Time of day ------------------------------------------------------------------------- */

static void test_dates(void **state)
{
    (void)state;
    jail j;
    jail_start(&j);
    start_run(&j, "print(os.date('%Y-%m-%dT%H:%M:%S', 0), os.date('!%F %T', 951782399), "
                  "os.date('%c', 1e9 // 1 | 0))\n"
                  "print(os.time { year = 2024, month = 2, day = 29, hour = 0 }, os.time { "
                  "year = 1969, month = 12, day = 31, hour = 23, min = 59, sec = 59 })\n"
                  "print(os.time { year = 2024, month = 14, day = -3 }, os.date('%G-W%V-%u %j "
                  "%y %e %I%p %a %b', 1704067199))\n"
                  "print(os.date('*t', 1709164800).yday, os.date('*t', 1709164800).wday, "
                  "pcall(os.date, '%Q', 0))\n"
                  "print(os.date('%F', -62135596800), os.date('%G-W%V', 1735516800), "
                  "os.difftime(5, 3), math.type(os.time()))\n" SOURCE(""));
    assert_string_equal(eh_buf_cstr(&j.log),
                        "1970-01-01T00:00:00\t2000-02-28 23:59:59\tSun Sep  9 01:46:40 2001\n"
                        "1709164800\t-1\n"
                        "1738065600\t2023-W52-7 365 23 31 11PM Sun Dec\n"
                        "60\t5\tfalse\tos.date: %Q is not known here\n"
                        "0001-01-01\t2025-W01\t2.0\tinteger\n");
    (void)jail_end(&j);
}

int main(int argc, char **argv)
{
    int role = jail_driver_role(argc, argv);
    if (role >= 0) return role;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_s3_exports_run),
        cmocka_unit_test(test_tasks_interleave),
        cmocka_unit_test(test_problems_of_settings),
        cmocka_unit_test(test_problems_of_pipelines),
        cmocka_unit_test(test_declares_all),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_many_tasks),
        cmocka_unit_test(test_engine_breaks),
        cmocka_unit_test(test_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
