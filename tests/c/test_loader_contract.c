/* The loader against a SQLite file: what happens when data and table disagree. */
#include "loader_kit.h"

/* ---- one batch against a table that is there ------------------------------------------------
 */

typedef struct contract_case {
    const char *name;
    const char *key, *mode; /* contract.<key> = mode; NULL: none */
    const char *declared;   /* type of column n, NULL: none */
    const char *columns;
    const char *records[4];
    eh_class error;   /* EH_OK: the load succeeds */
    const char *rows; /* select * from t, our own columns left out */
    const char *dead; /* code and column of the dead rows */
    uint64_t discarded;
} contract_case;

/* The table has id INTEGER (key), n INTEGER, d TEXT holding dates; one row 1|10|2026-01-01. */
static const contract_case cases[] = {
    {"a new column",
     NULL,
     NULL,
     NULL,
     "id,n,x",
     {"2|20|a"},
     EH_OK,
     "1|10|2026-01-01|~\n2|20|~|a",
     "",
     0},
    {"a new column, frozen",
     "columns",
     "freeze",
     NULL,
     "id,n,x",
     {"2|20|a"},
     EH_CLASS_DATA,
     "1|10|2026-01-01",
     "",
     0},
    {"a new column discards the row",
     "columns",
     "discard_row",
     NULL,
     "id,n,x",
     {"2|20|a", "3|30|~"},
     EH_OK,
     "1|10|2026-01-01\n3|30|~",
     "column|x",
     0},
    {"a new column discards the value",
     "columns",
     "discard_value",
     NULL,
     "id,n,x",
     {"2|20|a", "3|30|~"},
     EH_OK,
     "1|10|2026-01-01\n2|20|~\n3|30|~",
     "",
     1},
    {"text for a number",
     NULL,
     NULL,
     NULL,
     "id,n",
     {"2|abc", "3|7"},
     EH_OK,
     "1|10|2026-01-01|~\n2|~|~|abc\n3|7|~|~",
     "",
     0},
    {"text for a number, frozen",
     "types",
     "freeze",
     NULL,
     "id,n",
     {"2|abc"},
     EH_CLASS_DATA,
     "1|10|2026-01-01",
     "",
     0},
    {"text for a number discards the row",
     "types",
     "discard_row",
     NULL,
     "id,n",
     {"2|abc", "3|7"},
     EH_OK,
     "1|10|2026-01-01\n3|7|~",
     "type|n",
     0},
    {"text for a number discards the value",
     "types",
     "discard_value",
     NULL,
     "id,n",
     {"2|abc", "3|7"},
     EH_OK,
     "1|10|2026-01-01\n2|~|~\n3|7|~",
     "",
     1},
    {"two kinds of variants",
     NULL,
     NULL,
     NULL,
     "id,n,d",
     {"2|abc|x", "3|true|5"},
     EH_OK,
     "1|10|2026-01-01|~|~|~|~\n2|~|~|abc|x|~|~\n3|~|~|~|~|true|5",
     "",
     0},
    {"a key gets no variant",
     NULL,
     NULL,
     NULL,
     "id,n",
     {"abc|1"},
     EH_CLASS_DATA,
     "1|10|2026-01-01",
     "",
     0},
    {"a declared type is a promise",
     NULL,
     NULL,
     "bigint",
     "id,n",
     {"2|abc", "3|7"},
     EH_OK,
     "1|10|2026-01-01\n3|7|~",
     "type|n",
     0},
    {"a column called like a variant",
     NULL,
     NULL,
     NULL,
     "id,n,n__text",
     {"2|abc|z"},
     EH_OK,
     "1|10|2026-01-01|~|~\n2|~|~|z|abc",
     "",
     0},
    {"a table of its own is there: tables do not matter",
     "tables",
     "freeze",
     NULL,
     "id,n",
     {"2|20"},
     EH_OK,
     "1|10|2026-01-01\n2|20|~",
     "",
     0},
};

static const char *rows_of(lk *k)
{
    static char sql[1024];
    (void)snprintf(sql, sizeof sql, "select %s from t order by rowid",
                   lk_ask(k, "select group_concat('\"' || name || '\"', ', ') from "
                             "pragma_table_info('t') where name not like '\\_%' escape '\\'"));
    return lk_ask(k, sql);
}

static void add_key(lk *k, const char *column)
{
    eh_doc *all = lk_map(k), *key = eh_doc_list(k->arena);
    lk_ok(k, eh_doc_push(key, eh_doc_string(k->arena, eh_slice_str(column)), &k->err));
    lk_ok(k, eh_doc_put(k->arena, all, eh_slice_str("key"), key, &k->err));
    k->options.declaration = all;
}

static void run_case(const contract_case *c)
{
    lk k;
    lk_open(&k);
    add_key(&k, "id");
    lk_load(&k, "first", "id,n,d", "1|10|2026-01-01");
    if (c->key != NULL) lk_declare(&k, "contract", c->key, c->mode);
    if (c->declared != NULL) lk_declare(&k, "columns", "n", c->declared);
    lk_start(&k);
    lk_begin(&k, "second");
    bool ok = lk_try_batch(&k, c->columns, c->records) &&
              eh_loader_end(k.loader, k.offset, true, &k.err) &&
              eh_loader_finish(k.loader, NULL, &k.err);
    if (k.err.class_ != c->error || ok != (c->error == EH_OK))
        fail_msg("%s: %s %s", c->name, eh_class_name(k.err.class_), k.err.message);
    if (strcmp(rows_of(&k), c->rows) != 0) fail_msg("%s:\n%s", c->name, rows_of(&k));
    const char *dead =
        lk_ask(&k, "select code, column_name from _etl_dead_rows order by dead_id");
    if (strcmp(dead, c->dead) != 0) fail_msg("%s: dead rows %s", c->name, dead);
    assert_int_equal(eh_loader_counts(k.loader)->values_discarded, c->discarded);
    lk_close(&k);
}

static void contracts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) run_case(&cases[i]);
}

/* ---- no table yet ---------------------------------------------------------------------------
 */

static void a_missing_table(void **state)
{
    (void)state;
    lk k;
    lk_open(&k);
    lk_declare(&k, "contract", "tables", "freeze");
    lk_start(&k);
    lk_begin(&k, "a");
    lk_fails(&k, lk_try_batch(&k, "id", LK_RECORDS("1")), EH_CLASS_DATA);
    lk_close(&k);

    lk_open(&k);
    lk_declare(&k, "contract", "tables", "discard_row");
    lk_load(&k, "a", "id", "1", "2");
    assert_string_equal(lk_ask(&k, "select count(*) from sqlite_master where name = 't'"), "0");
    assert_string_equal(lk_ask(&k, "select code, count(*) from _etl_dead_rows"), "table|2");
    lk_close(&k);

    lk_open(&k); /* no value is in the way: the table is made */
    lk_declare(&k, "contract", "tables", "discard_value");
    lk_load(&k, "a", "id", "1", "2");
    assert_string_equal(lk_ask(&k, "select count(*) from t"), "2");
    lk_close(&k);
}

static void a_cursor_gets_no_variant(void **state)
{
    (void)state;
    lk k;
    lk_open(&k);
    lk_load(&k, "a", "id,Updated At", "1|2026-01-01");
    lk_declare(&k, "cursor", "field", "updated_at");
    lk_start(&k);
    lk_begin(&k, "b");
    lk_fails(&k, lk_try_batch(&k, "id,Updated At", LK_RECORDS("2|soon")), EH_CLASS_DATA);
    assert_non_null(strstr(k.err.hint, "declare its type"));
    lk_close(&k);
}

static void a_word_that_is_none(void **state)
{
    (void)state;
    static const char *const keys[] = {"tables", "columns", "types"};
    for (size_t i = 0; i < 3; i++) {
        lk k;
        lk_open(&k);
        lk_declare(&k, "contract", keys[i], "evolv");
        assert_null(eh_loader_new(&k.options, &k.err));
        assert_int_equal(k.err.class_, EH_CLASS_CONFIG);
        lk_close(&k);
    }
}

/* The bookkeeping is in the same file: a script that names it must not get at it. */
static void reserved_tables(void **state)
{
    (void)state;
    static const char *const names[] = {"_etl_streams", "_ETL_units", "_etl_new"};
    for (size_t i = 0; i < 3; i++) {
        lk k;
        lk_open(&k);
        k.options.key.table = names[i];
        assert_null(eh_loader_new(&k.options, &k.err));
        assert_int_equal(k.err.class_, EH_CLASS_DENIED);
        eh_err_clear(&k.err);
        k.options.dry_run = true;
        assert_null(eh_loader_new(&k.options, &k.err));
        lk_close(&k);
    }
}

/* ---- columns that this load made ------------------------------------------------------------
 */

/* A file that repeats its header somewhere below: every column becomes text, in one change. */
static void every_column_widens_at_once(void **state)
{
    (void)state;
    enum { COLUMNS = 60 };
    char columns[1024], numbers[1024], words[1024];
    size_t at[3] = {0, 0, 0};
    for (int i = 0; i < COLUMNS; i++) {
        const char *comma = i > 0 ? "," : "", *bar = i > 0 ? "|" : "";
        at[0] += (size_t)snprintf(columns + at[0], sizeof columns - at[0], "%sc%d", comma, i);
        at[1] += (size_t)snprintf(numbers + at[1], sizeof numbers - at[1], "%s%d", bar, i);
        at[2] += (size_t)snprintf(words + at[2], sizeof words - at[2], "%sc%d", bar, i);
    }
    lk k;
    lk_open(&k);
    lk_start(&k);
    lk_begin(&k, "a");
    lk_batch(&k, columns, numbers);
    lk_batch(&k, columns, numbers, words, numbers);
    lk_end(&k, true);
    lk_finish(&k);
    assert_string_equal(lk_ask(&k, "select c0, c59 from t order by rowid"),
                        "0|59\n0|59\nc0|c59\n0|59");
    assert_string_equal(lk_ask(&k, "select count(*), count(distinct typeof(c31)) from t"),
                        "4|1");
    /* one unit before the change, one after it */
    assert_string_equal(lk_ask(&k, "select count(*) from _etl_units"), "2");
    assert_string_equal(
        lk_ask(&k, "select count(*), min(why) from _etl_schema_changes where change = 'change "
                   "type' and column_name = 'c7'"),
        "1|row 3 of a is \"c7\"");
    lk_close(&k);
}

/* Joined in any order, wherever batches end. */
static void types_do_not_depend_on_batches(void **state)
{
    (void)state;
    static const char *const values[] = {"1", "2.50", "~", "2026-01-01", "3"};
    for (int split = 1; split < 5; split++) {
        lk k;
        lk_open(&k);
        lk_start(&k);
        lk_begin(&k, "a");
        const char *batch[6] = {NULL};
        for (int i = 0, n = 0; i < 5; i++) {
            batch[n++] = values[i];
            batch[n] = NULL;
            if (n < split && i < 4) continue;
            lk_ok(&k, lk_try_batch(&k, "v", batch));
            n = 0;
        }
        lk_end(&k, true);
        lk_finish(&k);
        assert_string_equal(lk_ask(&k, "select v, typeof(v) from t order by rowid"),
                            "1|text\n2.50|text\n~|null\n2026-01-01|text\n3|text");
        assert_string_equal(lk_ask(&k,
                                   "select type, open_by from _etl_columns where column_name "
                                   "= 'v'"),
                            "text|~");
        lk_close(&k);
    }
}

/* A load that did not finish left a column without a type, or with the wrong one; the person
 * says what it is and loads again. */
static void a_type_is_declared_later(void **state)
{
    (void)state;
    lk k;
    lk_open(&k);
    lk_start(&k);
    lk_begin(&k, "a");
    lk_batch(&k, "id,empty,code", "1|~|7", "2|~|8");
    lk_end(&k, false);
    eh_loader_abandon(k.loader, &k.err);
    lk_declare(&k, "columns", "empty", "bigint");
    lk_declare(&k, "columns", "code", "text");
    lk_start(&k);
    lk_begin_at(&k, "a", 2);
    lk_batch(&k, "id,empty,code", "3|5|007", "4|~|abc");
    lk_end(&k, true);
    lk_finish(&k);
    assert_string_equal(lk_ask(&k, "select id, empty, code from t order by id"),
                        "1|~|7\n2|~|8\n3|5|007\n4|~|abc");
    assert_string_equal(lk_ask(&k, "select count(*) from _etl_dead_rows"), "0");
    assert_string_equal(
        lk_ask(&k, "select column_name, type from _etl_columns where column_name in ('empty', "
                   "'code') order by 1"),
        "code|text\nempty|bigint");
    lk_close(&k);
}

/* ---- somebody else's table ------------------------------------------------------------------
 */

static void a_table_with_rules(void **state)
{
    (void)state;
    lk k;
    lk_open(&k);
    (void)lk_ask(&k, "create table t (id integer primary key, must text not null, "
                     "def text not null default 'd', twice integer as (id * 2))");
    lk_load(&k, "a", "id,must", "1|x", "2|~", "1|again");
    assert_string_equal(lk_ask(&k, "select id, must, def, twice from t"), "1|x|d|2");
    assert_string_equal(
        lk_ask(&k,
               "select row_number, code, column_name, cast(raw as text) from _etl_dead_rows "
               "order by row_number"),
        "2|not_null|must|raw of row 2\n3|refused|~|raw of row 3");
    lk_start(&k);
    lk_begin(&k, "b");
    lk_fails(&k, lk_try_batch(&k, "id,must,twice", LK_RECORDS("3|x|6")), EH_CLASS_CONFIG);
    assert_non_null(strstr(k.err.message, "generated"));
    lk_close(&k);
}

static void names_of_somebody_else(void **state)
{
    (void)state;
    lk k;
    lk_open(&k);
    (void)lk_ask(&k, "create table t (\"Order ID\" integer, note text, _load_id integer)");
    lk_load(&k, "a", "Order ID,Note,_load_id", "1|x|99");
    assert_string_equal(lk_ask(&k, "select \"Order ID\", note, _load_id, _load_id_ from t"),
                        "1|x|1|99");
    lk_close(&k);
}

/* A column goes, one comes, one gets a default, between two units of a load. */
static void a_table_that_is_altered_meanwhile(void **state)
{
    (void)state;
    lk k;
    lk_open(&k);
    lk_start(&k);
    lk_begin(&k, "a");
    lk_batch(&k, "id,gone,note", "1|x|a");
    lk_end(&k, true);
    lk_ok(&k, eh_loader_drain(k.loader, &k.err));
    (void)lk_ask(&k, "alter table t add column extra text default 'e'");
    lk_begin(&k, "b");
    lk_batch(&k, "id,gone,note", "2|y|b");
    lk_end(&k, true);
    lk_ok(&k, eh_loader_drain(k.loader, &k.err));
    (void)lk_ask(&k, "alter table t drop column gone");
    lk_begin(&k, "c");
    bool ok = lk_try_batch(&k, "id,gone,note", LK_RECORDS("3|z|c")) &&
              eh_loader_end(k.loader, k.offset, true, &k.err) &&
              eh_loader_finish(k.loader, NULL, &k.err);
    assert_false(ok); /* named, and nothing of the unit is there */
    assert_int_not_equal(k.err.class_, EH_CLASS_BUG);
    assert_string_equal(lk_ask(&k, "select id, note, extra from t"), "1|a|e\n2|b|e");
    eh_loader_abandon(k.loader, &k.err);
    lk_load(&k, "c", "id,gone,note", "3|z|c"); /* the next run adds it again */
    assert_string_equal(lk_ask(&k, "select id, note, gone from t where id = 3"), "3|c|z");
    lk_close(&k);
}

/* ---- limits ---------------------------------------------------------------------------------
 */

static void too_many_columns(void **state)
{
    (void)state;
    lk k;
    lk_open(&k);
    k.options.max_columns = 5; /* with _load_id and _loaded_at */
    lk_load(&k, "a", "a,b,c", "1|2|3");
    lk_declare(&k, "columns", "d", "bigint"); /* so it has to have a column of its own */
    for (int dry = 0; dry < 2; dry++) {
        k.options.dry_run = dry == 1;
        lk_start(&k);
        lk_begin(&k, "b");
        lk_fails(&k, lk_try_batch(&k, "a,b,c,d", LK_RECORDS("1|2|3|4")), EH_CLASS_LIMIT);
        assert_non_null(strstr(k.err.hint, "\"d\""));
    }
    k.options.dry_run = false;
    k.options.declaration = NULL;
    /* A variant is a column, too. */
    lk_start(&k);
    lk_begin(&k, "b");
    lk_fails(&k, lk_try_batch(&k, "a,b,c", LK_RECORDS("x|2|3")), EH_CLASS_LIMIT);
    assert_string_equal(lk_ask(&k, "select count(*) from pragma_table_info('t')"), "5");
    lk_close(&k);
}

/* What is too much goes into one column, wherever batches end. */
static void a_full_table(void **state)
{
    (void)state;
    for (int split = 0; split < 2; split++) {
        lk k;
        lk_open(&k);
        k.options.max_columns = 5;
        lk_start(&k);
        lk_begin(&k, "a");
        if (split == 0) lk_batch(&k, "a,b,c,d,e", "1|2|3|4|5", "1|2|3|~|007");
        if (split == 1) lk_batch(&k, "a,b,c,d,e", "1|2|3|4|5");
        if (split == 1) lk_batch(&k, "a,b,c,d,e", "1|2|3|~|007");
        lk_end(&k, true);
        lk_finish(&k);
        assert_string_equal(
            lk_ask(&k, "select group_concat(name, ' ') from pragma_table_info('t')"),
            "a b c _extra _load_id _loaded_at");
        assert_string_equal(
            lk_ask(&k, "select a, b, c, _extra from t order by rowid"),
            "1|2|3|{\"d\":\"4\",\"e\":\"5\"}\n1|2|3|{\"d\":null,\"e\":\"007\"}");
        lk_close(&k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contracts),
        cmocka_unit_test(a_missing_table),
        cmocka_unit_test(a_cursor_gets_no_variant),
        cmocka_unit_test(a_word_that_is_none),
        cmocka_unit_test(reserved_tables),
        cmocka_unit_test(every_column_widens_at_once),
        cmocka_unit_test(types_do_not_depend_on_batches),
        cmocka_unit_test(a_type_is_declared_later),
        cmocka_unit_test(a_table_with_rules),
        cmocka_unit_test(names_of_somebody_else),
        cmocka_unit_test(a_table_that_is_altered_meanwhile),
        cmocka_unit_test(too_many_columns),
        cmocka_unit_test(a_full_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
