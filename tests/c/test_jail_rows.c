/* Row functions: what they see, what goes back, and what they may not do. */
#include "jail_driver.h"

#include "data/value.h"

typedef struct change {
    uint32_t row;
    const char *column;
    uint8_t kind;
    int64_t integer;
    double real;
    const char *text;
} change;

enum { CHANGES_MAX = 64 };

/* All that the jail said of one batch. */
typedef struct answer {
    change changes[CHANGES_MAX];
    size_t change_count;
    size_t total; /* changes, also those past CHANGES_MAX */
    size_t dropped_count;
    int64_t dropped[CHANGES_MAX];
    size_t failed_count;
    int64_t failed[CHANGES_MAX];
    const char *messages[CHANGES_MAX];
    size_t frames;
} answer;

static const char *name_at(const eh_doc *names, uint16_t index)
{
    const eh_doc *n = eh_doc_first(names);
    for (; n != NULL && index > 0; index--) n = n->next;
    assert_non_null(n);
    return n->as.string.data;
}

static const char *take(const char *at, const char *end, void *out, size_t len)
{
    assert_true((size_t)(end - at) >= len);
    memcpy(out, at, len);
    return at + len;
}

static void read_changes(jail *j, const eh_doc *body, answer *a)
{
    const eh_doc *data = eh_doc_get(body, "data");
    const char *at = data->as.string.data, *end = at + data->as.string.len;
    while (at < end) {
        change c = {0};
        uint16_t column;
        uint32_t len;
        uint8_t boolean;
        at = take(at, end, &c.row, 4);
        at = take(at, end, &column, 2);
        at = take(at, end, &c.kind, 1);
        c.column = name_at(eh_doc_get(body, "columns"), column);
        if (c.kind == EH_CELL_BOOLEAN) {
            at = take(at, end, &boolean, 1);
            c.integer = boolean;
        } else if (c.kind == EH_CELL_INTEGER) {
            at = take(at, end, &c.integer, 8);
        } else if (c.kind == EH_CELL_DOUBLE) {
            at = take(at, end, &c.real, 8);
        } else if (c.kind == EH_CELL_STRING || c.kind == EH_CELL_JSON) {
            at = take(at, end, &len, 4);
            assert_true((size_t)(end - at) >= len);
            if (a->total < CHANGES_MAX) c.text = eh_arena_strndup(j->arena, at, len);
            at += len;
        } else {
            assert_int_equal(c.kind, EH_CELL_NULL);
        }
        if (a->total++ < CHANGES_MAX) a->changes[a->change_count++] = c;
    }
}

static answer read_answer(jail *j)
{
    answer a = {.frames = 0};
    for (bool more = true; more;) {
        const eh_doc *body = jail_expect(j, EH_FRAME_ROWS_DONE);
        a.frames++;
        read_changes(j, body, &a);
        for (const eh_doc *d = eh_doc_first(eh_doc_get(body, "dropped")); d != NULL;
             d = d->next) {
            if (a.dropped_count < CHANGES_MAX) a.dropped[a.dropped_count] = d->as.integer;
            a.dropped_count++;
        }
        for (const eh_doc *f = eh_doc_first(eh_doc_get(body, "failed")); f != NULL;
             f = f->next) {
            if (a.failed_count < CHANGES_MAX) {
                a.failed[a.failed_count] = eh_doc_int(f, "row", -1);
                a.messages[a.failed_count] = eh_doc_str(f, "message", "");
            }
            a.failed_count++;
        }
        more = eh_doc_bool(body, "more", false);
    }
    return a;
}

/* A run whose resource "a" has this row function and waits for its one load; 0: the deadline
 * that the driver sets. */
static void start_rows_within(jail *j, int64_t deadline_ms, const char *body)
{
    jail_start(j);
    if (deadline_ms > 0) j->deadline_ms = deadline_ms;
    (void)jail_expect(j, EH_FRAME_HELLO);
    char *script =
        eh_arena_printf(j->arena,
                        "local kept, calls = nil, 0\n"
                        "return require 'etl.source' { name = 'own', resources = { a = {\n"
                        "extract = function(ctx) ctx:load { name = 'f', location = 'l' } end,\n"
                        "row = function(row)\n"
                        "%s\n"
                        "end } } }",
                        body);
    jail_send_start(j, "run", script, "own", NULL);
    (void)jail_expect(j, EH_FRAME_DECLARED);
    jail_send_go(j, "a", NULL);
    (void)jail_expect(j, EH_FRAME_CALL);
}

static void start_rows(jail *j, const char *body)
{
    start_rows_within(j, 0, body);
}

static void end_rows(jail *j)
{
    jail_reply(j, 1, "value", eh_doc_map(j->arena));
    (void)jail_expect(j, EH_FRAME_TASK_DONE);
    (void)jail_expect(j, EH_FRAME_FINISHED);
    assert_int_equal(jail_end(j), 0);
}

static void test_reads_every_kind(void **state)
{
    (void)state;
    jail j;
    start_rows(
        &j, "print(row.absent, row.null, row.raw, row.string, row.int, row.big, row.dec,\n"
            "  math.type(row.int), row.min, row.zero, row.yes, row.json, row.i, row.d,\n"
            "  row.never, row:number('dec') * 2, row:number 'null', row:number 'raw')\n"
            "local names = {}\n"
            "for name, value in pairs(row) do names[#names + 1] = name end\n"
            "print(#names, names[1], row:copy().raw, require('etl.row').number(row, 'int'))");
    static const char *const names[] = {"absent", "null", "raw", "string", "int", "big", "dec",
                                        "min",    "zero", "yes", "json",   "i",   "d",   ""};
    jail_rows b = jail_batch(&j, 1, 14);
    jail_cell(&b, 0, 1)->kind = EH_CELL_NULL;
    jail_set_text(&b, 0, 2, EH_CELL_RAW, "007");
    jail_set_text(&b, 0, 3, EH_CELL_STRING, "");
    jail_set_text(&b, 0, 4, EH_CELL_NUMBER, "42");
    jail_set_text(&b, 0, 5, EH_CELL_NUMBER, "12345678901234567890");
    jail_set_text(&b, 0, 6, EH_CELL_NUMBER, "12.10");
    jail_set_text(&b, 0, 7, EH_CELL_NUMBER, "-9223372036854775808");
    jail_set_text(&b, 0, 8, EH_CELL_NUMBER, "-0");
    *jail_cell(&b, 0, 9) = (eh_window_cell){.kind = EH_CELL_BOOLEAN, .as.integer = 1};
    jail_set_text(&b, 0, 10, EH_CELL_JSON, "{\"a\":[1]}");
    *jail_cell(&b, 0, 11) = (eh_window_cell){.kind = EH_CELL_INTEGER, .as.integer = -5};
    *jail_cell(&b, 0, 12) = (eh_window_cell){.kind = EH_CELL_DOUBLE, .as.real = 0.5};
    jail_set_text(&b, 0, 13, EH_CELL_RAW, "of a dropped column");
    jail_send_rows(&b, 1, "shop.a", names);
    answer a = read_answer(&j);
    if (a.failed_count > 0) fail_msg("%s", a.messages[0]);
    assert_int_equal(a.total + a.dropped_count, 0);
    assert_string_equal(
        eh_buf_cstr(&j.log),
        "nil\tnil\t007\t\t42\t12345678901234567890\t12.10\tinteger\t"
        "-9223372036854775808\t-0\ttrue\t{\"a\":[1]}\t-5\t0.5\tnil\t24.2\tnil\t7\n"
        "13\tabsent\t007\t42\n");
    end_rows(&j);
}

static void expect_change(const change *c, const char *column, uint8_t kind)
{
    assert_string_equal(c->column, column);
    assert_int_equal(c->kind, kind);
}

static void test_writes_every_kind(void **state)
{
    (void)state;
    jail j;
    start_rows(&j,
               "row.a = nil\n"
               "row.b = true; row.b = false\n"
               "row.i = math.mininteger\n"
               "row.d = 0.25\n"
               "row.s = row.a == nil and 'x' .. tostring(row.i) or 'wrong'\n"
               "row.t = { n = { 1, 2 }, e = require('etl').list {}, z = require('etl').null }\n"
               "row.z = require('etl').null\n"
               "row.s = row.s .. '\\0y'");
    static const char *const names[] = {"a", "b"};
    jail_rows b = jail_batch(&j, 1, 2);
    jail_set_text(&b, 0, 0, EH_CELL_RAW, "old");
    jail_send_rows(&b, 1, "shop.a", names);
    answer a = read_answer(&j);
    if (a.failed_count > 0) fail_msg("%s", a.messages[0]);
    assert_int_equal(a.total, 7);
    expect_change(&a.changes[0], "a", EH_CELL_NULL);
    expect_change(&a.changes[1], "b", EH_CELL_BOOLEAN);
    assert_int_equal(a.changes[1].integer, 0);
    expect_change(&a.changes[2], "i", EH_CELL_INTEGER);
    assert_true(a.changes[2].integer == INT64_MIN);
    expect_change(&a.changes[3], "d", EH_CELL_DOUBLE);
    assert_true(a.changes[3].real == 0.25);
    expect_change(&a.changes[4], "s", EH_CELL_STRING);
    assert_memory_equal(a.changes[4].text, "x-9223372036854775808\0y", 24);
    expect_change(&a.changes[5], "t", EH_CELL_JSON);
    assert_string_equal(a.changes[5].text, "{\"e\":[],\"n\":[1,2],\"z\":null}");
    expect_change(&a.changes[6], "z", EH_CELL_NULL);
    end_rows(&j);
}

/* Rows 0 to 8: what each does is told by its column. Nothing of a failed or dropped row goes
 * back. */
static void test_drops_and_failures(void **state)
{
    (void)state;
    jail j;
    start_rows(&j, "row.x = 'written'\n"
                   "local what = row.what\n"
                   "if what == 'drop' then return false end\n"
                   "if what == 'keep' then return true end\n"
                   "if what == 'self' then return row end\n"
                   "if what == 'raise' then error 'no such thing' end\n"
                   "if what == 'object' then\n"
                   "  require('etl.err').raise { class = 'data', message = 'bad row' } end\n"
                   "if what == 'table' then return {} end\n"
                   "if what == 'nan' then row.y = 0 / 0 end\n"
                   "if what == 'bytes' then row.y = '\\xff' end\n"
                   "if what == 'thing' then row.y = print end\n"
                   "if what == 'call' then require('etl.context').new({}):load(\n"
                   "  { name = 'f', location = 'l' }) end");
    static const char *const names[] = {"what"};
    static const char *const whats[] = {"drop",  "keep", "self",  "raise", "object",
                                        "table", "nan",  "bytes", "thing", "call"};
    static const char *const reasons[] = {"p.lua:10: no such thing\nstack traceback:\n",
                                          "bad row",
                                          "returned something else",
                                          "row.y: the result is not a number",
                                          "not UTF-8",
                                          "row.y: a function cannot be stored",
                                          "a row function cannot call the engine"};
    jail_rows b = jail_batch(&j, 10, 1);
    for (size_t i = 0; i < 10; i++) jail_set_text(&b, i, 0, EH_CELL_RAW, whats[i]);
    jail_send_rows(&b, 1, "shop.a", names);
    answer a = read_answer(&j);
    assert_int_equal(a.dropped_count, 1);
    assert_int_equal(a.dropped[0], 0);
    assert_int_equal(a.total, 2);
    assert_int_equal(a.changes[0].row, 1);
    assert_int_equal(a.changes[1].row, 2);
    assert_int_equal(a.failed_count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(a.failed[i], i + 3);
        if (strstr(a.messages[i], reasons[i]) == NULL) fail_msg("%s", a.messages[i]);
    }
    assert_null(strstr(a.messages[0], "\nstack traceback:\n\nstack"));
    end_rows(&j);
}

/* A row kept past its function is an error, in the same batch and in the next, and never
 * another row's values. */
static void test_kept_row(void **state)
{
    (void)state;
    jail j;
    start_rows(
        &j,
        "if kept then print(pcall(function() return kept.v end)) "
        "print(pcall(function() kept.v = 1 end)) print(pcall(kept.copy or print, kept)) end\n"
        "kept = kept or row");
    static const char *const names[] = {"v"};
    jail_rows b = jail_batch(&j, 2, 1);
    jail_set_text(&b, 0, 0, EH_CELL_RAW, "first");
    jail_set_text(&b, 1, 0, EH_CELL_RAW, "second");
    for (int i = 0; i < 2; i++) {
        jail_send_rows(&b, 1, "shop.a", names);
        answer a = read_answer(&j);
        assert_int_equal(a.total, 0);
        assert_int_equal(a.failed_count,
                         i == 0 ? 1 : 2); /* kept.copy raises outside its pcall */
    }
    assert_null(strstr(eh_buf_cstr(&j.log), "first"));
    assert_null(strstr(eh_buf_cstr(&j.log), "second"));
    assert_non_null(
        strstr(eh_buf_cstr(&j.log), "false\tp.lua:5: a row can only be used while"));
    end_rows(&j);
}

/* More than one frame can hold: several come, each whole, and nothing is lost. */
static void test_many_changes(void **state)
{
    (void)state;
    jail j;
    /* The sanitizers make it slow. */
    start_rows_within(&j, 10000,
                      "calls = calls + 1\n"
                      "if calls % 3 == 0 then return false end\n"
                      "if calls % 1000 == 1 then row.new = ('x'):rep(100000) end\n"
                      "row.v = 'value ' .. calls");
    static const char *const names[] = {"v"};
    jail_rows b = jail_batch(&j, 90000, 1);
    jail_send_rows(&b, 1, "shop.a", names);
    answer a = read_answer(&j);
    assert_true(a.frames > 5);
    assert_int_equal(a.dropped_count, 30000);
    assert_int_equal(a.total, 60000 + 60);
    assert_int_equal(a.failed_count, 0);
    end_rows(&j);
}

static void test_rows_that_lie(void **state)
{
    (void)state;
    static const char *const names[] = {"v"};
    jail j;
    /* A text past the window's end is an error of the row. */
    start_rows(&j, "local x = row.v");
    jail_rows b = jail_batch(&j, 1, 1);
    *jail_cell(&b, 0, 0) =
        (eh_window_cell){.kind = EH_CELL_RAW, .len = 100, .as.offset = EH_WINDOW_BYTES - 50};
    jail_send_rows(&b, 1, "shop.a", names);
    answer a = read_answer(&j);
    assert_int_equal(a.failed_count, 1);
    /* Rows that are not there, or of a resource without a function, end the run. */
    b.rows = (size_t)1 << 40;
    jail_send_rows(&b, 1, "shop.a", names);
    const eh_doc *failed = jail_expect(&j, EH_FRAME_FAILED);
    assert_string_equal(eh_doc_str(eh_doc_get(failed, "error"), "class", ""), "remote");
    assert_true(WIFEXITED(jail_end(&j)));
}

static void test_endless_row(void **state)
{
    (void)state;
    static const char *const names[] = {"v"};
    jail j;
    start_rows(&j, "while true do pcall(function() while true do end end) end");
    jail_rows b = jail_batch(&j, 1, 1);
    jail_send_rows(&b, 1, "shop.a", names);
    const eh_doc *failed = jail_expect(&j, EH_FRAME_FAILED);
    const eh_doc *error = eh_doc_get(failed, "error");
    assert_string_equal(eh_doc_str(error, "class", ""), "limit");
    assert_string_equal(eh_doc_str(error, "place", ""), "p.lua:5");
    assert_int_equal(WEXITSTATUS(jail_end(&j)), 1);
}

int main(int argc, char **argv)
{
    int role = jail_driver_role(argc, argv);
    if (role >= 0) return role;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_every_kind),   cmocka_unit_test(test_writes_every_kind),
        cmocka_unit_test(test_drops_and_failures), cmocka_unit_test(test_kept_row),
        cmocka_unit_test(test_many_changes),       cmocka_unit_test(test_rows_that_lie),
        cmocka_unit_test(test_endless_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
