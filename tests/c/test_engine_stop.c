/* The engine without a jail: stopped by its supervisor wherever it is, and given specifications
 * that are none. What is committed stays, and each end has a class. */
#include "engine_kit.h"

/* A load without a jail. */
static void open_load(ek *k)
{
    ek_open(k, "");
    k->spec = ek_map(k->arena, "op", "load", "run_id", "run1", NULL);
    char url[128];
    (void)snprintf(url, sizeof url, "sqlite:%s/data.db", k->folder);
    ek_put(k->arena, k->spec, "destination", ek_map(k->arena, "url", url, NULL));
    eh_doc *load = ek_map(k->arena, "into", "t", NULL);
    ek_put(k->arena, load, "files",
           ek_list(k->arena, eh_doc_string(k->arena, eh_slice_str("in/a.csv"))));
    ek_put(k->arena, k->spec, "load", load);
}

static void a_stop_behind_the_specification(void **state)
{
    (void)state;
    ek k;
    open_load(&k);
    ek_start(&k);
    ek_send_spec(&k, true);
    ek_wait(&k);
    assert_int_equal(k.code, 1);
    assert_true(ek_said(&k, "\"event\":\"error\"", "\"class\":\"cancelled\"", NULL));
    assert_string_equal(ek_ask(&k, "select count(*) from _etl_units"), "0");
    ek_close(&k);
}

/* Wherever STOP finds the load, what is committed stays, and the next run loads the rest. */
static void a_stop_in_every_phase(void **state)
{
    (void)state;
    static const char *const phases[] = {"\"stream_started\"", "\"create table\"",
                                         "\"change type\"",    "\"progress\"",
                                         "\"dead_row\"",       "\"file_done\""};
    enum { ROWS = 60000, ROW_BYTES = 16 };
    char *text = malloc(8 + ROWS * ROW_BYTES);
    assert_non_null(text);
    size_t at = (size_t)snprintf(text, 8, "id,v\n");
    for (int i = 0; i < ROWS; i++)
        at += (size_t)snprintf(text + at, ROW_BYTES, i == 9999 ? "%d\n" : "%d,%s\n", i,
                               i == 20000 ? "x" : "7");
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
        ek k;
        open_load(&k);
        ek_write(&k, "in/a.csv", text);
        assert_true(eh_doc_put_int(k.arena, k.spec, "unit_bytes", 50000, NULL));
        ek_start(&k);
        ek_send_spec(&k, false);
        bool heard = ek_hear(&k, phases[i]);
        if (heard) ek_stop(&k);
        ek_wait(&k);
        bool cancelled = ek_said(&k, "\"event\":\"error\"", "\"class\":\"cancelled\"", NULL);
        if (!heard || k.code != (cancelled ? 1 : 0)) fail_msg("%s: %s", phases[i], k.said);
        (void)close(k.control);
        (void)close(k.events);
        k.said_len = 0;
        ek_run(&k);
        assert_int_equal(k.code, 0);
        assert_string_equal(ek_ask(&k, "select count(*) || ' ' || count(distinct id) || ' ' || "
                                       "sum(id) || ' ' || count(distinct v) from t"),
                            "59999 59999 1799960001 2");
        assert_string_equal(
            ek_ask(&k, "select count(*) || ' ' || max(line) from _etl_dead_rows"), "1 10001");
        ek_close(&k);
    }
    free(text);
}

static void specifications(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *class_;
    } cases[] = {
        {"", 0, "cancelled"},
        {"\5\0\0\0\1\0\0\0\0\0\0\0", 12, "cancelled"},
        {"\1\0\0\0\1\0\0\0\0\0\0\0\377", 13, "remote"},
        {"\1\0\0\0\2\0\0\0\0\0\0\0\0", 13, "bug"},
        {"\1\0\0\0\1\0\0\0\0\0\0\0\0", 13, "bug"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ek k;
        char class_[64];
        ek_open(&k, "");
        ek_start(&k);
        ek_send_bytes(&k, cases[i].bytes, cases[i].len);
        (void)close(k.control);
        k.control = -1;
        ek_wait(&k);
        (void)snprintf(class_, sizeof class_, "\"class\":\"%s\"", cases[i].class_);
        if (k.code != 1 || !ek_said(&k, "\"event\":\"error\"", class_, NULL))
            fail_msg("specification %zu: %d %s", i, k.code, k.said);
        ek_close(&k);
    }
    static const char *const ops[] = {"", "dance", "load", "admin", "preview"};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) { /* nothing else is said */
        ek k;
        ek_open(&k, "");
        k.spec = ek_map(k.arena, "op", ops[i], NULL);
        ek_run(&k);
        if (k.code != 1 || !ek_said(&k, "\"event\":\"error\"", NULL, NULL))
            fail_msg("op %s: %d %s", ops[i], k.code, k.said);
        ek_close(&k);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--engine") == 0) return eh_engine_main();
    if (argc > 1 && strcmp(argv[1], "--jail") == 0) return 1; /* a specification asked for it */
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stop_behind_the_specification),
        cmocka_unit_test(a_stop_in_every_phase),
        cmocka_unit_test(specifications),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
