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
        "\"on_changed_file\":\"refuse\",\"on_row_error\":\"dead\",\"resource\":\"orders-"
        "create\","
        "\"row\":true,\"source\":\"s3_exports\",\"table\":\"orders\",\"write\":\"append\"}]}");
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

int main(int argc, char **argv)
{
    int role = jail_driver_role(argc, argv);
    if (role >= 0) return role;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_s3_exports_run),
        cmocka_unit_test(test_tasks_interleave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
