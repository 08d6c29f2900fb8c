/* The loader against a SQLite file: units, their boundaries, and the encoders behind them. */
#include "loader_kit.h"

/* A column that appears in a later batch has rows before it in the open unit, which were encoded
 * without it. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_column_comes_late),
        cmocka_unit_test(files_differ_in_columns),
        cmocka_unit_test(a_failed_load_gives_its_unit_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
