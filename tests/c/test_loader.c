/* The loader against a SQLite file: units, their boundaries, and the encoders behind them. */
#include "loader_kit.h"

/* A column that appears in a later batch has rows before it in the open unit, which were
 * encoded without it. */
static void a_column_comes_late(void **state)
{
    (void)state;
    lk k;
    lk_open(&k);
    for (int load = 0; load < 2; load++) { /* the second time the table has the column */
        lk_start(&k);
        lk_begin(&k, load == 0 ? "one" : "two");
        lk_batch(&k, "id", "1", "2");
        lk_batch(&k, "id,note", "3|x", "4|~");
        lk_batch(&k, "id,note,more", "5|y|7");
        lk_end(&k, true);
        lk_finish(&k);
    }
    assert_string_equal(lk_ask(&k, "select id, note, more from t where _load_id = 1"),
                        "1|~|~\n2|~|~\n3|x|~\n4|~|~\n5|y|7");
    assert_string_equal(lk_ask(&k, "select id, note, more from t where _load_id = 2"),
                        "1|~|~\n2|~|~\n3|x|~\n4|~|~\n5|y|7");
    assert_string_equal(
        lk_ask(&k, "select count(*), sum(rows), min(start_offset), max(end_offset) from "
                   "_etl_units group by input"),
        "3|5|0|50\n3|5|0|50");
    lk_close(&k);
}

/* The units of one file commit while the next, with other columns, is encoded. */
static void files_differ_in_columns(void **state)
{
    (void)state;
    lk k;
    lk_open(&k);
    lk_load(&k, "zero", "a,b,c,d", "1|2|3|4");
    lk_start(&k);
    char input[4][16];
    for (int i = 0; i < 4; i++) {
        (void)snprintf(input[i], sizeof input[i], "file%d", i);
        lk_begin(&k, input[i]);
        if (i % 2 == 0)
            lk_batch(&k, "a,b,c,d", "1|2|3|4", "5|6|7|8");
        else
            lk_batch(&k, "d,a", "4|1", "8|5");
        lk_end(&k, true);
    }
    lk_finish(&k);
    assert_string_equal(lk_ask(&k, "select a, d, count(b), count(*) from t where _load_id = 2 "
                                   "group by a, d order by a"),
                        "1|4|2|4\n5|8|2|4");
    lk_close(&k);
}

/* Two streams of a run fail with a unit half full; there are two units. */
static void a_failed_load_gives_its_unit_back(void **state)
{
    (void)state;
    lk k;
    lk_open(&k);
    eh_loader *failed[2];
    lk_declare(&k, "contract", "columns", "freeze");
    for (int i = 0; i < 2; i++) {
        static const char *const tables[] = {"t0", "t1"};
        k.options.key.table = k.options.key.resource = tables[i];
        lk_start(&k);
        lk_begin(&k, "bad");
        lk_batch(&k, "id", "1");
        if (i == 0) /* by the loader */
            lk_fails(&k, lk_try_batch(&k, "id,more", LK_RECORDS("1|2")), EH_CLASS_DATA);
        else /* by whoever reads the input */
            eh_loader_drop(k.loader);
        failed[i] = k.loader;
        k.loader = NULL;
    }
    k.options.key.table = k.options.key.resource = "t";
    k.options.declaration = NULL;
    lk_load(&k, "good", "id", "1");
    assert_string_equal(lk_ask(&k, "select count(*) from t"), "1");
    for (int i = 0; i < 2; i++) {
        eh_loader_abandon(failed[i], &k.err);
        eh_loader_free(failed[i]);
    }
    assert_string_equal(lk_ask(&k, "select count(*) from t0"), "0");
    assert_string_equal(lk_ask(&k, "select count(*) from t1"), "0");
    lk_close(&k);
}

/* ---- units and their boundaries -------------------------------------------------------------
 */

static const char units_sql[] =
    "select start_offset, end_offset, row_start, row_end, line_end, "
    "rows, dead, is_last from _etl_units order by start_offset";

typedef struct boundary_case {
    const char *name;
    const char *records[12];
    const char *keep; /* keep = { v = keep }; NULL: all */
    const char *units;
    const char *rows;
} boundary_case;

/* Two rows (or dead ones) a unit, ten bytes a record. */
static const boundary_case boundaries[] = {
    {"no record", {NULL}, NULL, "0|0|0|0|1|0|0|1", ""},
    {"one", {"1|a"}, NULL, "0|10|0|1|2|1|0|1", "1"},
    {"a unit exactly", {"1|a", "2|a"}, NULL, "0|20|0|2|3|2|0|1", "1 2"},
    {"one more", {"1|a", "2|a", "3|a"}, NULL, "0|20|0|2|4|2|0|0\n20|30|2|3|4|1|0|1", "1 2 3"},
    {"dead ones only", {"!x", "!y"}, NULL, "0|20|0|2|3|0|2|1", ""},
    {"a dead one first",
     {"!x", "1|a", "2|a", "3|a"},
     NULL,
     "0|30|0|3|5|2|1|0\n30|40|3|4|5|1|0|1",
     "1 2 3"},
    {"a dead one at the boundary",
     {"1|a", "2|a", "!x", "3|a"},
     NULL,
     "0|20|0|2|4|2|0|0\n20|40|2|4|5|1|1|1",
     "1 2 3"},
    {"a dead one last",
     {"1|a", "2|a", "3|a", "!x"},
     NULL,
     "0|20|0|2|4|2|0|0\n20|40|2|4|5|1|1|1",
     "1 2 3"},
    {"all filtered", {"1|b", "2|b", "3|b"}, "a", "0|30|0|3|4|0|0|1", ""},
    {"the end filtered", {"1|a", "2|b", "3|b"}, "a", "0|30|0|3|4|1|0|1", "1"},
    {"a whole unit filtered",
     {"1|a", "2|a", "3|b", "4|b", "5|b", "6|a"},
     "a",
     "0|50|0|5|7|2|0|0\n50|60|5|6|7|1|0|1",
     "1 2 6"},
};

static void boundaries_of_units(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof boundaries / sizeof boundaries[0]; i++) {
        const boundary_case *c = &boundaries[i];
        lk k;
        lk_open(&k);
        (void)lk_ask(&k, "create table t (id integer, v text)");
        k.options.unit_rows = 2;
        if (c->keep != NULL) lk_declare(&k, "keep", "v", c->keep);
        lk_start(&k);
        lk_begin(&k, "a");
        if (c->records[0] != NULL) lk_ok(&k, lk_try_batch(&k, "id,v", c->records));
        lk_end(&k, true);
        lk_finish(&k);
        if (strcmp(lk_ask(&k, units_sql), c->units) != 0)
            fail_msg("%s:\n%s", c->name, lk_ask(&k, units_sql));
        const char *rows = lk_ask(
            &k, "select coalesce(group_concat(id, ' '), '') from (select id from t order "
                "by rowid)");
        if (strcmp(rows, c->rows) != 0) fail_msg("%s: rows %s", c->name, rows);
        eh_ledger ledger;
        lk_ok(&k, eh_dest_ledger(k.dest, eh_loader_state(k.loader), "a", "a", k.arena, &ledger,
                                 &k.err));
        if (!ledger.complete) fail_msg("%s: not complete", c->name);
        lk_close(&k);
    }
}

/* A hole, left by a unit that did not commit while a later one did, is loaded by a run whose
 * declaration keeps nothing of it: the hole must be closed all the same. */
static void a_hole_of_which_nothing_is_kept(void **state)
{
    (void)state;
    lk k;
    lk_open(&k);
    lk_start(&k);
    lk_begin_at(&k, "a", 2);
    lk_batch(&k, "id,v", "3|a");
    lk_end(&k, true);
    lk_ok(&k, eh_loader_drain(k.loader, &k.err));
    lk_declare(&k, "keep", "v", "a");
    lk_start(&k);
    lk_begin(&k, "a");
    lk_batch(&k, "id,v", "1|b", "2|b");
    lk_end(&k, false);
    lk_finish(&k);
    eh_ledger ledger;
    lk_ok(&k, eh_dest_ledger(k.dest, eh_loader_state(k.loader), "a", "a", k.arena, &ledger,
                             &k.err));
    assert_true(ledger.complete);
    assert_int_equal(ledger.range_count, 1);
    assert_string_equal(lk_ask(&k, units_sql), "0|20|0|2|3|0|0|0\n20|30|2|3|4|1|0|1");
    lk_close(&k);
}

/* ---- dead rows ------------------------------------------------------------------------------
 */

static void dead_rows_in_order(void **state)
{
    (void)state;
    lk k;
    lk_open(&k);
    lk_declare(&k, "columns", "n", "bigint");
    lk_load(&k, "a", "n", "1", "x", "!raw bytes", "2", "y");
    assert_string_equal(
        lk_ask(&k, "select row_number, line, byte_offset, code, cast(raw as text) from "
                   "_etl_dead_rows order by dead_id"),
        "2|3|10|type|raw of row 2\n3|4|20|ragged_row|raw bytes\n5|6|40|type|raw of row 5");
    assert_int_equal(k.raws, 2);
    assert_int_equal(eh_loader_counts(k.loader)->rows_dead, 3);
    assert_int_equal(eh_loader_counts(k.loader)->rows_loaded, 2);
    assert_int_equal(eh_loader_counts(k.loader)->rows_read, 5);
    lk_close(&k);
}

/* Eleven dead ones of 1,100 are 1%; one more is more than that. */
static void too_many_dead_rows(void **state)
{
    (void)state;
    for (int more = 0; more < 2; more++) {
        lk k;
        lk_open(&k);
        lk_start(&k);
        lk_begin(&k, "a");
        for (int i = 0; i < 1089; i++) lk_batch(&k, "id", "1");
        for (int i = 0; i < 11; i++) lk_batch(&k, "id", "!dead");
        if (more == 1) lk_batch(&k, "id", "!dead");
        if (more == 0) {
            lk_end(&k, true);
            lk_finish(&k);
        } else {
            lk_fails(&k, eh_loader_end(k.loader, k.offset, true, &k.err), EH_CLASS_DATA);
            assert_string_equal(k.err.place, "a:1091");
            eh_loader_abandon(k.loader, &k.err);
        }
        assert_string_equal(lk_ask(&k, "select count(*) from t"), more == 0 ? "1089" : "0");
        assert_string_equal(lk_ask(&k, "select count(*) from _etl_dead_rows"),
                            more == 0 ? "11" : "0");
        lk_close(&k);
    }
}

/* The dead rows of a unit are kept in memory: however many max_dead allows, that is bounded. */
static void many_large_dead_rows(void **state)
{
    (void)state;
    enum { BYTES = 1024 * 1024, COUNT = 80 };
    lk k;
    lk_open(&k);
    eh_doc *all = lk_map(&k), *max_dead = lk_map(&k);
    lk_ok(&k, eh_doc_put_int(k.arena, max_dead, "rows", 1000000, &k.err));
    lk_ok(&k, eh_doc_put(k.arena, all, eh_slice_str("max_dead"), max_dead, &k.err));
    k.options.declaration = all;
    char *text = malloc(BYTES + 1);
    assert_non_null(text);
    memset(text, 'x', BYTES);
    text[0] = '!';
    text[BYTES] = '\0';
    lk_start(&k);
    lk_begin(&k, "a");
    for (int i = 0; i < COUNT; i++) lk_batch(&k, "id", text);
    lk_end(&k, true);
    lk_finish(&k);
    assert_string_equal(lk_ask(&k, "select count(*), min(length(raw)) from _etl_dead_rows"),
                        "80|1048575");
    free(text);
    lk_close(&k);
}

/* ---- row functions --------------------------------------------------------------------------
 */

typedef struct hook_plan {
    int batch;            /* how often it was called */
    const char *added[2]; /* names that it adds, from the first and from the second batch on */
    eh_slice names[2];
    bool drop_all;
} hook_plan;

static bool apply_hook(void *self, eh_batch *batch, const eh_transform_column *columns,
                       size_t count, const eh_slice **added, size_t *added_count, eh_err *err)
{
    hook_plan *h = self;
    (void)columns;
    h->batch++;
    *added_count = 0;
    while (*added_count < 2 && (int)*added_count < h->batch && h->added[*added_count] != NULL) {
        h->names[*added_count] = eh_slice_str(h->added[*added_count]);
        (*added_count)++;
    }
    *added = h->names;
    if (!eh_batch_set_columns(batch, count + *added_count, err)) return false;
    for (size_t r = 0; r < batch->rows; r++)
        for (size_t i = 0; i < *added_count; i++)
            *eh_batch_cell(batch, r, count + i) =
                (eh_cell){.kind = EH_CELL_INTEGER, .as.integer = h->batch};
    if (h->drop_all) batch->rows = 0;
    return true;
}

static void a_function_adds_columns_late(void **state)
{
    (void)state;
    hook_plan plan = {.added = {"first", "second"}};
    eh_row_hook hook = {&plan, apply_hook};
    lk k;
    lk_open(&k);
    k.options.rows = &hook;
    lk_start(&k);
    lk_begin(&k, "a");
    lk_batch(&k, "id", "1");
    lk_batch(&k, "id", "2");
    lk_batch(&k, "id,new", "3|x");
    lk_end(&k, true);
    lk_begin(&k, "b"); /* other columns, in another order */
    lk_batch(&k, "new,id", "y|4");
    lk_end(&k, true);
    lk_finish(&k);
    assert_string_equal(lk_ask(&k, "select id, first, second, new from t order by id"),
                        "1|1|~|~\n2|2|2|~\n3|3|3|x\n4|4|4|y");
    lk_close(&k);
}

static void a_function_drops_everything(void **state)
{
    (void)state;
    hook_plan plan = {.drop_all = true};
    eh_row_hook hook = {&plan, apply_hook};
    lk k;
    lk_open(&k);
    k.options.rows = &hook;
    lk_load(&k, "a", "id", "1", "!dead", "2");
    assert_int_equal(eh_loader_counts(k.loader)->rows_filtered, 2);
    assert_int_equal(eh_loader_counts(k.loader)->rows_dead, 1);
    assert_string_equal(lk_ask(&k, units_sql), "0|30|0|3|4|0|1|1");
    assert_string_equal(lk_ask(&k, "select count(*) from sqlite_master where name = 't'"), "0");
    lk_close(&k);
}

/* A name that the function adds in one file is a column of the next: the hook gives it as
 * empty. */
static void an_added_column_is_hidden(void **state)
{
    (void)state;
    hook_plan plan = {.added = {"x", NULL}};
    eh_row_hook hook = {&plan, apply_hook};
    lk k;
    lk_open(&k);
    k.options.rows = &hook;
    lk_start(&k);
    lk_begin(&k, "a");
    lk_batch(&k, "id", "1");
    lk_end(&k, true);
    lk_begin(&k, "b");
    plan.added[0] = "";
    lk_batch(&k, "id,x", "2|7");
    lk_end(&k, true);
    lk_finish(&k);
    assert_string_equal(lk_ask(&k, "select id, x from t order by id"), "1|1\n2|7");
    lk_close(&k);
}

/* ---- several streams, dry runs, lost streams ------------------------------------------------
 */

static void two_streams_into_one_table(void **state)
{
    (void)state;
    lk k;
    lk_open(&k);
    eh_loader *pair[2];
    for (int i = 0; i < 2; i++) {
        k.options.key.resource = i == 0 ? "one" : "two";
        lk_start(&k);
        pair[i] = k.loader;
        k.loader = NULL;
    }
    static const char *const records[2][3] = {{"1|2", "2|x", "3|4.5"}, {"4|5", "5|6", "6|~"}};
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 2; i++) {
            static const char *const inputs[] = {"f0", "f1", "f2"};
            k.loader = pair[i];
            lk_begin(&k, inputs[round]);
            lk_batch(&k, "id,v", records[i][round]);
            lk_end(&k, true);
        }
    }
    for (int i = 0; i < 2; i++) {
        k.loader = pair[i];
        lk_finish(&k);
    }
    /* The first stream made v text while the second one had it as a number. */
    assert_string_equal(lk_ask(&k, "select id, v, typeof(v) from t order by id"),
                        "1|2|text\n2|x|text\n3|4.5|text\n4|5|text\n5|6|text\n6|~|null");
    assert_true(k.told[0] != '\0' && strstr(k.told, "__") == NULL);
    k.loader = NULL;
    for (int i = 0; i < 2; i++) eh_loader_free(pair[i]);
    lk_close(&k);
}

static void a_dry_run_writes_nothing(void **state)
{
    (void)state;
    lk k;
    lk_open(&k);
    (void)lk_ask(&k, "create table there (id integer, must text not null)");
    k.options.dry_run = true;
    lk_load(&k, "a", "id,n", "1|1", "2|x", "3|2.5");
    assert_string_equal(k.told, "create t - unknown\nadd t id bigint\nadd t n text\n"
                                "add t _load_id bigint\nadd t _loaded_at timestamp\n");
    assert_int_equal(eh_loader_counts(k.loader)->rows_loaded, 3);
    k.options.key.table = "there";
    lk_load(&k, "a", "id,must", "1|x", "2|~", "z|y");
    assert_int_equal(eh_loader_counts(k.loader)->rows_dead, 1); /* as a load would */
    assert_int_equal(eh_loader_counts(k.loader)->rows_loaded, 2);
    assert_string_equal(lk_ask(&k, "select count(*) from sqlite_master where name = 't'"), "0");
    assert_string_equal(lk_ask(&k, "select (select count(*) from _etl_streams) || (select "
                                   "count(*) from _etl_units) || (select count(*) from there)"),
                        "000");
    lk_close(&k);
}

static void a_stream_that_was_taken_over(void **state)
{
    (void)state;
    lk k;
    lk_open(&k);
    lk_start(&k);
    lk_begin(&k, "a");
    lk_batch(&k, "id", "1");
    lk_end(&k, false);
    lk_ok(&k, eh_loader_drain(k.loader, &k.err));
    eh_loader *older = k.loader;
    k.loader = NULL;
    k.run.run_id = "run2";
    lk_start(&k);
    eh_loader *newer = k.loader;
    k.loader = older;
    lk_begin_at(&k, "a", 1);
    lk_batch(&k, "id", "2");
    bool ok = eh_loader_end(k.loader, k.offset, true, &k.err) &&
              eh_loader_finish(k.loader, NULL, &k.err);
    assert_false(ok);
    assert_int_equal(k.err.class_, EH_CLASS_CANCELLED);
    assert_non_null(strstr(k.err.message, "run2"));
    /* Nor can it change columns, or begin again. */
    eh_load_input in = {.identity = "b", .name = "b"};
    eh_parse_from from = {0, 0, 0};
    lk_fails(&k, eh_loader_begin(k.loader, &in, &from, &k.err), EH_CLASS_CANCELLED);
    eh_loader_abandon(k.loader, &k.err);
    k.loader = newer;
    lk_begin_at(&k, "a", 1);
    lk_batch(&k, "id", "2");
    lk_end(&k, true);
    lk_finish(&k);
    assert_string_equal(lk_ask(&k, "select id from t order by id"), "1\n2");
    eh_loader_free(older);
    lk_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_column_comes_late),
        cmocka_unit_test(files_differ_in_columns),
        cmocka_unit_test(a_failed_load_gives_its_unit_back),
        cmocka_unit_test(boundaries_of_units),
        cmocka_unit_test(a_hole_of_which_nothing_is_kept),
        cmocka_unit_test(dead_rows_in_order),
        cmocka_unit_test(too_many_dead_rows),
        cmocka_unit_test(many_large_dead_rows),
        cmocka_unit_test(a_function_adds_columns_late),
        cmocka_unit_test(a_function_drops_everything),
        cmocka_unit_test(an_added_column_is_hidden),
        cmocka_unit_test(two_streams_into_one_table),
        cmocka_unit_test(a_dry_run_writes_nothing),
        cmocka_unit_test(a_stream_that_was_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
