/* The engine against a jail that lies: each attack ends in an error with a name, and with
 * nothing committed past it. Its ways to end without a jail are in test_engine_stop.c. */
#include "engine_kit.h"

/* ---- the attacks, in the jail's process -----------------------------------------------------
 */

static void forever(void)
{
    for (;;) (void)pause();
}

/* Before START: what is to be sent stands in a file. */
static void attack_early(hostile *h, const char *early)
{
    static const unsigned char forged[][12] = {
        {0xff, 0xff, 0xff, 0x7f, 32},         /* 2 GB */
        {1, 0, 0, 0, 77, 0},                  /* no such type */
        {1, 0, 0, 0, 32, 0, 1, 0},            /* not our header */
        {5, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0} /* body cut off */
    };
    if (strcmp(early, "garbage") == 0) hj_bytes("GET / HTTP/1.1\r\n\r\n", 18);
    if (strcmp(early, "size") == 0) hj_bytes(forged[0], 12);
    if (strcmp(early, "type") == 0) hj_bytes(forged[1], 12);
    if (strcmp(early, "header") == 0) hj_bytes(forged[2], 12);
    if (strcmp(early, "cut") == 0) {
        hj_bytes(forged[3], 12);
        _exit(0);
    }
    if (strcmp(early, "version") == 0) hj_send(h, EH_FRAME_HELLO, hj_hello(h, 2, true));
    if (strcmp(early, "no seccomp") == 0) hj_send(h, EH_FRAME_HELLO, hj_hello(h, 1, false));
    if (strcmp(early, "declared") == 0)
        hj_send(h, EH_FRAME_DECLARED, hj_declared(h, hj_resource(h, "files", "r")));
    if (strcmp(early, "spec") == 0) hj_send(h, EH_FRAME_SPEC, eh_doc_map(h->arena));
    if (strcmp(early, "any task") == 0)
        hj_send_as(EH_FRAME_HELLO, UINT32_MAX, hj_hello(h, 1, true));
    if (strcmp(early, "hangs up") == 0) (void)close(3);
    forever();
}

static bool is(const hostile *h, const char *attack)
{
    return strcmp(h->attack, attack) == 0;
}

static void declare(hostile *h)
{
    eh_doc *resource =
        hj_resource(h, is(h, "another client's source") ? "nobody" : "files", "r");
    bool rows = strncmp(h->attack, "rows", 4) == 0;
    if (rows && !eh_doc_put_bool(h->arena, resource, "row", true, NULL)) _exit(99);
    if (is(h, "writes by merge"))
        ek_put(h->arena, resource, "write", eh_doc_string(h->arena, eh_slice_str("merge")));
    if (is(h, "bookkeeping"))
        resource = ek_map(h->arena, "instance", "files", "resource", "r", "source", "files",
                          "table", "_etl_streams", NULL);
    eh_doc *body = hj_declared(h, resource);
    eh_doc *list = (eh_doc *)(uintptr_t)eh_doc_get(body, "resources");
    if (is(h, "declares twice") && !eh_doc_push(list, hj_resource(h, "files", "r"), NULL))
        _exit(99);
    for (int i = 0; is(h, "2,001 resources") && i < 2000; i++)
        if (!eh_doc_push(list, hj_resource(h, "files", "r"), NULL)) _exit(99);
    if (is(h, "declares text")) body = ek_map(h->arena, "resources", "all of them", NULL);
    hj_send(h, EH_FRAME_DECLARED, body);
}

/* ---- after GO: calls ------------------------------------------------------------------------
 */

static void attack_calls(hostile *h)
{
    static const struct {
        const char *attack, *location, *file;
    } loads[] = {
        {"loads from elsewhere", "file:/etc", "passwd"},
        {"loads from above", "file:in/..", "secret.csv"},
        {"loads from beside", "file:in", "../secret.csv"},
        {"loads an absolute name", "file:in", "/etc/passwd"},
        {"loads through a link", "file:in", "link.csv"},
        {"loads from the web", "https://example.org/", "a.csv"},
        {"loads from a bucket", "s3://somebody-elses", "a.csv"},
        {"loads no file", "file:in", "missing.csv"},
        {"loads a folder", "file:in", "."},
        {"loads a name of other bytes", "file:in", "\xff.csv"},
        {"bookkeeping", "file:in", "a.csv"},
        {"catches the error", "file:in", "missing.csv"},
    };
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++)
        if (is(h, loads[i].attack))
            hj_send(h, EH_FRAME_CALL, hj_load(h, loads[i].location, loads[i].file));
    eh_doc *call = hj_load(h, "file:in", "a.csv");
    if (is(h, "a name with NUL")) {
        call = ek_map(h->arena, "op", "load", "instance", "files", "resource", "r", "location",
                      "file:in", NULL);
        ek_put(h->arena, call, "file", eh_doc_string(h->arena, eh_slice_of("a.csv\0x", 7)));
    }
    if (is(h, "loads for another"))
        call = ek_map(h->arena, "op", "load", "instance", "other", "resource", "r", "location",
                      "file:in", "file", "a.csv", NULL);
    if (is(h, "an unknown call")) call = ek_map(h->arena, "op", "open", NULL);
    if (is(h, "retries"))
        call = ek_map(h->arena, "op", "retry", "instance", "files", "resource", "r", NULL);
    if (is(h, "a name with NUL") || is(h, "loads for another") || is(h, "an unknown call") ||
        is(h, "retries"))
        hj_send(h, EH_FRAME_CALL, call);
    /* The engine answered with an error. What a script would make of it: nothing, or an end. */
    const eh_doc *error = eh_doc_get(hj_next(h), "error");
    if (is(h, "catches the error")) {
        hj_send(h, EH_FRAME_CALL, hj_load(h, "file:in", "a.csv"));
        if (eh_doc_get(hj_next(h), "error") == NULL) _exit(98);
        hj_task_done(h);
    } else {
        eh_doc *done = ek_map(h->arena, "instance", "files", "resource", "r", NULL);
        ek_put(h->arena, done, "error", eh_doc_copy(h->arena, error, NULL));
        hj_send(h, EH_FRAME_TASK_DONE, done);
    }
    hj_send(h, EH_FRAME_FINISHED, NULL);
    _exit(0);
}

static void attack_ends(hostile *h)
{
    if (is(h, "finishes first")) hj_send(h, EH_FRAME_FINISHED, NULL);
    if (is(h, "ends twice")) {
        hj_task_done(h);
        hj_task_done(h);
    }
    if (is(h, "ends for another"))
        hj_send(h, EH_FRAME_TASK_DONE,
                ek_map(h->arena, "instance", "other", "resource", "r", NULL));
    for (int i = 0; is(h, "10,001 log lines") && i < 10001; i++)
        hj_send(h, EH_FRAME_LOG, ek_map(h->arena, "level", "info", "message", "x", NULL));
    for (int i = 0; is(h, "modules for ever"); i++) {
        hj_send(h, EH_FRAME_MODULE, ek_map(h->arena, "name", "no.such", NULL));
        (void)hj_next(h);
    }
    for (uint32_t i = 0; is(h, "rows: frames of others") && i < 200; i++)
        hj_send_as(EH_FRAME_TASK_DONE, 1000 + i, NULL);
    if (is(h, "rows unasked")) hj_send(h, EH_FRAME_ROWS_DONE, eh_doc_map(h->arena));
    if (is(h, "dies")) _exit(3);
    if (is(h, "is killed")) (void)raise(SIGKILL);
    if (is(h, "breaks the wall")) (void)raise(SIGSYS);
    if (is(h, "says why it fails")) {
        eh_doc *body = eh_doc_map(h->arena);
        ek_put(h->arena, body, "error",
               ek_map(h->arena, "class", "limit", "message", "the script took too much", NULL));
        hj_send(h, EH_FRAME_FAILED, body);
        _exit(1);
    }
    if (is(h, "works after its end")) {
        hj_task_done(h);
        hj_send(h, EH_FRAME_CALL, hj_load(h, "file:in", "a.csv"));
        if (eh_doc_get(hj_next(h), "error") == NULL) _exit(98);
        hj_send(h, EH_FRAME_FINISHED, NULL);
        _exit(0);
    }
}

/* ---- after ROWS -----------------------------------------------------------------------------
 */

typedef struct rows_attack {
    const char *name;
    const char *data; /* records; \0 stands in them, so with a length */
    size_t len;
} rows_attack;

#define RECORDS(text) text, sizeof(text) - 1

/* row u32, column u16, kind u8, value. Column 0 is `v`. */
static const rows_attack records[] = {
    {"rows: a row that is not there", RECORDS("\3\0\0\0\0\0\1")},
    {"rows: a column that is not there", RECORDS("\0\0\0\0\1\0\1")},
    {"rows: a kind that is not there", RECORDS("\0\0\0\0\0\0\310")},
    {"rows: a raw cell", RECORDS("\0\0\0\0\0\0\2\1\0\0\0x")},
    {"rows: a time", RECORDS("\0\0\0\0\0\0\11\0\0\0\0\0\0\0\0")},
    {"rows: a length past the end", RECORDS("\0\0\0\0\0\0\3\377\377\377\177x")},
    {"rows: a length cut off", RECORDS("\0\0\0\0\0\0\3\1\0")},
    {"rows: an integer cut off", RECORDS("\0\0\0\0\0\0\7\1\2\3")},
    {"rows: a record cut off", RECORDS("\0\0\0")},
    {"rows: a third truth", RECORDS("\0\0\0\0\0\0\5\2")},
    {"rows: text that is none", RECORDS("\0\0\0\0\0\0\3\2\0\0\0\300\200")},
    {"rows: a surrogate", RECORDS("\0\0\0\0\0\0\3\3\0\0\0\355\240\200")},
    {"rows: JSON that is none", RECORDS("\0\0\0\0\0\0\6\2\0\0\0{]")},
    {"rows: more records than cells",
     RECORDS("\0\0\0\0\0\0\1\0\0\0\0\0\0\1\0\0\0\0\0\0\1\0\0\0\0\0\0\1\0\0\0\0\0\0\1"
             "\0\0\0\0\0\0\1\0\0\0\0\0\0\1")},
};

static eh_doc *row_numbers(hostile *h, int64_t a, int64_t b)
{
    eh_doc *list = ek_list(h->arena, eh_doc_integer(h->arena, a));
    if (b >= 0 && !eh_doc_push(list, eh_doc_integer(h->arena, b), NULL)) _exit(99);
    return list;
}

static eh_doc *failed_rows(hostile *h, int64_t a, int64_t b)
{
    eh_doc *list = eh_doc_list(h->arena);
    for (int i = 0; i < 2; i++) {
        if (i == 1 && b < 0) break;
        eh_doc *one = ek_map(h->arena, "message", "p.lua:1: boom", NULL);
        if (!eh_doc_put_int(h->arena, one, "row", i == 0 ? a : b, NULL) ||
            !eh_doc_push(list, one, NULL))
            _exit(99);
    }
    return list;
}

static eh_doc *rows_done(hostile *h)
{
    eh_doc *body = eh_doc_map(h->arena);
    const char *column = is(h, "rows: no name") ? "" : "v";
    ek_put(h->arena, body, "columns",
           ek_list(h->arena, eh_doc_string(h->arena, eh_slice_str(column))));
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++)
        if (is(h, records[i].name))
            ek_put(h->arena, body, "data",
                   eh_doc_string(h->arena, eh_slice_of(records[i].data, records[i].len)));
    if (is(h, "rows: no name"))
        ek_put(h->arena, body, "data",
               eh_doc_string(h->arena, eh_slice_of("\0\0\0\0\0\0\1", 7)));
    if (is(h, "rows: drops one that is not there"))
        ek_put(h->arena, body, "dropped", row_numbers(h, 3, -1));
    if (is(h, "rows: drops one twice")) ek_put(h->arena, body, "dropped", row_numbers(h, 1, 1));
    if (is(h, "rows: fails one twice")) ek_put(h->arena, body, "failed", failed_rows(h, 1, 1));
    if (is(h, "rows: fails one that is not there"))
        ek_put(h->arena, body, "failed", failed_rows(h, 7, -1));
    if (is(h, "rows: drops and fails one")) {
        ek_put(h->arena, body, "dropped", row_numbers(h, 1, -1));
        ek_put(h->arena, body, "failed", failed_rows(h, 1, -1));
    }
    return body;
}

static void answer_rows(hostile *h)
{
    if (is(h, "rows: dies")) _exit(0);
    if (is(h, "rows: another frame")) hj_task_done(h);
    if (is(h, "rows: another call")) hj_send(h, EH_FRAME_CALL, hj_load(h, "file:in", "a.csv"));
    if (is(h, "rows: of another task"))
        hj_send_as(EH_FRAME_ROWS_DONE, h->task + 1, eh_doc_map(h->arena));
    if (is(h, "rows: silence") || is(h, "rows: of another task")) forever();
    while (is(h, "rows: parts without end")) {
        eh_doc *body = eh_doc_map(h->arena);
        if (!eh_doc_put_bool(h->arena, body, "more", true, NULL)) _exit(99);
        hj_send(h, EH_FRAME_ROWS_DONE, body);
        eh_arena_reset(h->arena);
    }
    if (is(h, "rows: good")) { /* in two parts: v = 7 in the first row, the last one goes */
        eh_doc *first = eh_doc_map(h->arena), *second = eh_doc_map(h->arena);
        ek_put(h->arena, first, "columns",
               ek_list(h->arena, eh_doc_string(h->arena, eh_slice_str("w"))));
        ek_put(h->arena, first, "data",
               eh_doc_string(h->arena, eh_slice_of("\0\0\0\0\0\0\7\7\0\0\0\0\0\0\0", 15)));
        if (!eh_doc_put_bool(h->arena, first, "more", true, NULL)) _exit(99);
        ek_put(h->arena, second, "dropped", row_numbers(h, 2, -1));
        ek_put(h->arena, second, "failed", failed_rows(h, 1, -1));
        hj_send(h, EH_FRAME_ROWS_DONE, first);
        hj_send(h, EH_FRAME_ROWS_DONE, second);
        return;
    }
    hj_send(h, EH_FRAME_ROWS_DONE, rows_done(h));
}

static void attack_rows(hostile *h)
{
    hj_send(h, EH_FRAME_CALL, hj_load(h, "file:in", "a.csv"));
    if (is(h, "rows: frames of others")) attack_ends(h);
    (void)hj_next(h);
    if (h->frame.type != EH_FRAME_ROWS) _exit(97);
    answer_rows(h);
    const eh_doc *reply = hj_next(h);
    if (eh_doc_get(reply, "error") != NULL) {
        eh_doc *done = ek_map(h->arena, "instance", "files", "resource", "r", NULL);
        ek_put(h->arena, done, "error",
               eh_doc_copy(h->arena, eh_doc_get(reply, "error"), NULL));
        hj_send(h, EH_FRAME_TASK_DONE, done);
    } else {
        hj_task_done(h);
    }
    hj_send(h, EH_FRAME_FINISHED, NULL);
    _exit(0);
}

static int be_hostile(void)
{
    hostile h = {.task = 1};
    char early[64] = "";
    (void)signal(SIGPIPE, SIG_IGN);
    h.arena = eh_arena_new((size_t)256 << 20);
    eh_buf_init(&h.in, (size_t)8 << 20);
    FILE *file = fopen("early", "r");
    if (file != NULL) {
        if (fgets(early, sizeof early, file) == NULL) _exit(99);
        (void)fclose(file);
        attack_early(&h, early);
    }
    hj_send(&h, EH_FRAME_HELLO, hj_hello(&h, 1, true));
    const eh_doc *script = eh_doc_get(hj_next(&h), "script");
    (void)snprintf(h.attack, sizeof h.attack, "%s", eh_doc_str(script, "text", ""));
    declare(&h);
    (void)hj_next(&h);
    if (h.frame.type != EH_FRAME_GO) _exit(96);
    if (strncmp(h.attack, "rows:", 5) == 0) attack_rows(&h);
    attack_ends(&h);
    attack_calls(&h);
    return 0;
}

/* ---- the tests ------------------------------------------------------------------------------
 */

static void run_attacks(const attack_case *cases, size_t count, bool early)
{
    for (size_t i = 0; i < count; i++) {
        ek k;
        ek_open(&k, cases[i].attack);
        if (early) ek_write(&k, "early", cases[i].attack);
        char link[128], to[128];
        (void)snprintf(link, sizeof link, "%s/in/link.csv", k.folder);
        (void)snprintf(to, sizeof to, "%s/secret.csv", k.folder);
        assert_int_equal(symlink(to, link), 0);
        ek_run(&k);
        ek_expect(&k, &cases[i]);
        ek_close(&k);
    }
}

static void before_the_script(void **state)
{
    (void)state;
    static const attack_case cases[] = {
        {"garbage", "remote", "malformed"},    {"size", "remote", "over the size limit"},
        {"type", "remote", "type is unknown"}, {"header", "remote", "header"},
        {"cut", "script", "ended early"},      {"version", "script", "protocol"},
        {"no seccomp", "config", "seccomp"},   {"declared", "script", "protocol"},
        {"spec", "script", "protocol"},        {"any task", "script", "protocol"},
        {"hangs up", "script", "hung up"},     {"silence", "limit", "without an answer"},
    };
    run_attacks(cases, sizeof cases / sizeof cases[0], true);
}

static void declarations(void **state)
{
    (void)state;
    static const attack_case cases[] = {
        {"another client's source", "script", "nobody"}, {"writes by merge", "config", "merge"},
        {"declares twice", "script", "twice"},           {"2,001 resources", "limit", "2000"},
        {"declares text", "config", "no resources"},
    };
    run_attacks(cases, sizeof cases / sizeof cases[0], false);
}

static void calls(void **state)
{
    (void)state;
    static const attack_case cases[] = {
        {"loads from elsewhere", "denied", "/etc"},
        {"loads from above", "denied", "in/.."},
        {"loads from beside", "denied", "leads out"},
        {"loads an absolute name", "denied", "leads out"},
        {"loads through a link", "denied", "leads out"},
        {"loads from the web", "config", "no file: or s3: URL"},
        {"loads from a bucket", "denied", "not among the buckets"},
        {"loads no file", "not_found", "missing.csv"},
        {"loads a folder", "config", "not a regular file"},
        {"loads a name of other bytes", "data", "not UTF-8"},
        {"a name with NUL", "script", "no proper text"},
        {"loads for another", "script", "no such resource"},
        {"an unknown call", "script", "no call"},
        {"retries", "script", "retries nothing"},
        {"bookkeeping", "denied", "reserved"},
        {"catches the error", "not_found", "missing.csv"},
    };
    run_attacks(cases, sizeof cases / sizeof cases[0], false);
}

static void ends(void **state)
{
    (void)state;
    static const attack_case cases[] = {
        {"finishes first", "script", "finished before"},
        {"ends twice", "script", "protocol"},
        {"ends for another", "script", "protocol"},
        {"10,001 log lines", "limit", "log lines"},
        {"modules for ever", "limit", "modules"},
        {"rows unasked", "script", "protocol"},
        {"dies", "script", "exit code 3"},
        {"is killed", "limit", "killed"},
        {"breaks the wall", "script", "forbidden"},
        {"says why it fails", "limit", "took too much"},
        {"works after its end", NULL, NULL},
    };
    run_attacks(cases, sizeof cases / sizeof cases[0], false);
}

static void changed_rows(void **state)
{
    (void)state;
    attack_case cases[64] = {
        {"rows: no name", "script", "a column name"},
        {"rows: drops one that is not there", "script", "a dropped row"},
        {"rows: drops one twice", "script", "a dropped row"},
        {"rows: fails one that is not there", "script", "a failed row"},
        {"rows: fails one twice", "script", "a failed row"},
        {"rows: drops and fails one", "script", "a failed row"},
        {"rows: dies", "script", "ended early"},
        {"rows: silence", "limit", "without an answer"},
        {"rows: another frame", "script", "another frame"},
        {"rows: another call", "script", "another frame"},
        {"rows: of another task", "limit", "without an answer"},
        {"rows: frames of others", "script", "more frames"},
        {"rows: parts without end", "script", "an empty part"},
    };
    size_t count = 13;
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++)
        cases[count++] = (attack_case){records[i].name, "script", NULL};
    run_attacks(cases, count, false);
}

static void good_rows(void **state)
{
    (void)state;
    ek k;
    ek_open(&k, "rows: good");
    ek_run(&k);
    assert_int_equal(k.code, 0);
    assert_string_equal(ek_ask(&k, "select group_concat(id || v || w) from t"), "1a7");
    assert_string_equal(ek_ask(&k, "select row_number || code || cast(raw as text) from "
                                   "_etl_dead_rows"),
                        "2row_function2,b");
    ek_close(&k);
}

/* The script waits, and so the engine does, when STOP comes or the supervisor goes. */
static void an_end_while_waiting(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) {
        ek k;
        ek_open(&k, "rows: silence");
        eh_doc *limits = (eh_doc *)(uintptr_t)eh_doc_get(k.spec, "limits");
        ((eh_doc *)(uintptr_t)eh_doc_get(limits, "deadline_ms"))->as.integer = 60000;
        ek_start(&k);
        ek_send_spec(&k, false);
        assert_true(ek_hear(&k, "\"event\":\"stream_started\""));
        if (way == 0) {
            ek_stop(&k);
        } else {
            (void)close(k.control);
            k.control = -1;
        }
        ek_wait(&k);
        assert_int_equal(k.code, 1);
        assert_true(ek_said(&k, "\"event\":\"error\"", "\"class\":\"cancelled\"",
                            way == 0 ? "stopped" : "supervisor is gone"));
        assert_string_equal(ek_ask(&k, "select status from _etl_loads"), "cancelled");
        ek_close(&k);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--engine") == 0) return eh_engine_main();
    if (argc > 1 && strcmp(argv[1], "--jail") == 0) return be_hostile();
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_script),
        cmocka_unit_test(declarations),
        cmocka_unit_test(calls),
        cmocka_unit_test(ends),
        cmocka_unit_test(changed_rows),
        cmocka_unit_test(good_rows),
        cmocka_unit_test(an_end_while_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
