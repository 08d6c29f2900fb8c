/* Small loads into SQLite, one of a file and one of a pipeline with a row function, with each
 * allocation of the engine failing in turn, alone or with all that follow: no crash, no success
 * that is none, and the next run ends with the right table. The allocator is glibc's, behind
 * ours; the sanitizers bring their own, so there the test does nothing. EH_OOM_ALL=1 in the
 * environment tries every single one. */
#include "engine_kit.h"
#include "jail/jail.h"
#include "oom.h"

/* ---- the engine's part ----------------------------------------------------------------------
 */

#define NOT_REACHED 100 /* added to the exit code */

static int be_engine(void)
{
    const char *at = getenv("EH_OOM_AT"), *all = getenv("EH_OOM_AFTER");
    oom_spare_openssl();
    if (at != NULL) oom_arm(strtol(at, NULL, 10), all != NULL && all[0] == '1');
    int code = eh_engine_main();
    return oom_disarm() ? code : code + NOT_REACHED;
}

/* ---- the test -------------------------------------------------------------------------------
 */

/* A column that widens, one that is empty, a dead row, a quoted field. */
static const char input[] = "id,n,e,q\n1,5,,\"a\"\n2,6.5,,\"b,\"\"c\"\nbroken\n3,x,,d\n";

static void open_load(ek *k)
{
    char url[128], path[128];
    ek_open(k, "");
    (void)snprintf(url, sizeof url, "sqlite:%s/data.db", k->folder);
    (void)snprintf(path, sizeof path, "%s/in/b.csv", k->folder);
    ek_write(k, "in/b.csv", input);
    k->spec = ek_map(k->arena, "op", "load", "run_id", "run1", NULL);
    ek_put(k->arena, k->spec, "destination", ek_map(k->arena, "url", url, NULL));
    eh_doc *load = ek_map(k->arena, "into", "t", NULL);
    ek_put(k->arena, load, "files",
           ek_list(k->arena, eh_doc_string(k->arena, eh_slice_str(path))));
    ek_put(k->arena, k->spec, "load", load);
}

/* The same file, with the real jail. */
static void open_pipeline(ek *k)
{
    ek_open_pipeline(k,
                     "return require 'etl.pipeline' { s3 = { r = { table = 't', row = "
                     "function(row)\n  row.e = nil\n  row.more = row.q .. '!'\nend } } }",
                     input);
}

static bool is_whole(const ek *k)
{
    return strcmp(ek_ask(k,
                         "select group_concat(id || ':' || n || ':' || coalesce(e, '-') || ':' "
                         "|| q, ' ') from (select * from t order by id)"),
                  "1:5:-:a 2:6.5:-:b,\"c 3:x:-:d") == 0 &&
           strcmp(ek_ask(k, "select group_concat(cast(raw as text)) from _etl_dead_rows"),
                  "broken") == 0 &&
           strcmp(ek_ask(k, "select sum(is_last) from _etl_units"), "1") == 0;
}

/* One run with allocation n failing, one without; false when there are fewer than n. */
static bool fail_at(void (*open)(ek *k), long n, bool all_after)
{
    ek k;
    char text[24];
    open(&k);
    (void)snprintf(text, sizeof text, "%ld", n);
    assert_int_equal(setenv("EH_OOM_AT", text, 1), 0);
    assert_int_equal(setenv("EH_OOM_AFTER", all_after ? "1" : "0", 1), 0);
    ek_run(&k);
    assert_int_equal(unsetenv("EH_OOM_AT"), 0);
    bool was_reached = k.code < NOT_REACHED;
    if (!was_reached) k.code -= NOT_REACHED;
    if (k.code != 0 && k.code != 1) fail_msg("allocation %ld: %d: %s", n, k.code, k.said);
    if (k.code == 0 && !is_whole(&k)) fail_msg("allocation %ld: no success: %s", n, k.said);
    if (k.code == 1 && !all_after && !ek_said(&k, "\"event\":\"error\"", NULL, NULL))
        fail_msg("allocation %ld: not a word: %s", n, k.said);
    if (!was_reached) assert_int_equal(k.code, 0);
    (void)close(k.control);
    (void)close(k.events);
    k.said_len = 0;
    k.said[0] = '\0';
    ek_run(&k);
    if (k.code != NOT_REACHED || !is_whole(&k))
        fail_msg("allocation %ld: the next run: %d: %s", n, k.code, k.said);
    ek_close(&k);
    return was_reached;
}

static void sweep(void (*open)(ek *k), bool all_after)
{
    const char *from = getenv("EH_OOM_FROM");
    if (!OWN_MALLOC) skip();
    long n = from != NULL ? strtol(from, NULL, 10) : 1;
    while (fail_at(open, n, all_after)) n = oom_next(n, 1);
    assert_true(n > 100);
}

static void one_of_a_load(void **state)
{
    (void)state;
    sweep(open_load, false);
}

static void all_after_one_of_a_load(void **state)
{
    (void)state;
    sweep(open_load, true);
}

static void one_of_a_pipeline(void **state)
{
    (void)state;
    sweep(open_pipeline, false);
}

static void all_after_one_of_a_pipeline(void **state)
{
    (void)state;
    sweep(open_pipeline, true);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--engine") == 0) return be_engine();
    if (argc > 2 && strcmp(argv[1], "--jail") == 0) return eh_jail_main(argv[2]);
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_a_load),
        cmocka_unit_test(all_after_one_of_a_load),
        cmocka_unit_test(one_of_a_pipeline),
        cmocka_unit_test(all_after_one_of_a_pipeline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
