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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_column_comes_late),
        cmocka_unit_test(files_differ_in_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
