/* The SQLite destination, against real files. */
#include "dest_kit.h"
#include "io/sqlite.h"
#include "load/dest_sql.h"

#include <string.h>
#include <sys/stat.h>

static char folder[64];
static char url[128];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/eh_dest_sqlite.XXXXXX");
    if (mkdtemp(folder) == NULL) return -1;
    (void)snprintf(url, sizeof url, "sqlite:%s/data.db", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"data.db", "data.db-wal", "data.db-shm"};
    char path[128];
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

/* All of a query's answer: columns by "|", rows by "\n". */
static const char *ask(const char *sql)
{
    static char answer[4096];
    eh_err err = {.class_ = EH_OK};
    eh_sqlite *db = eh_sqlite_open(url + strlen("sqlite:"), false, 1000, &err);
    assert_non_null(db);
    eh_sqlite_stmt *stmt = eh_sqlite_prepare(db, sql, NULL, &err);
    if (stmt == NULL) fail_msg("%s", err.message);
    size_t at = 0;
    answer[0] = '\0';
    eh_step step;
    while ((step = eh_sqlite_step(stmt, &err)) == EH_STEP_ROW) {
        for (int i = 0; i < eh_sqlite_column_count(stmt); i++) {
            eh_slice text = eh_sqlite_text(stmt, i);
            at +=
                (size_t)snprintf(answer + at, sizeof answer - at, "%s%.*s",
                                 i > 0 ? "|" : (at > 0 ? "\n" : ""), (int)text.len, text.data);
        }
    }
    if (step != EH_STEP_DONE) fail_msg("%s", err.message);
    eh_sqlite_free(stmt);
    eh_sqlite_close(db);
    return answer;
}

static void loads_and_remembers(void **state)
{
    (void)state;
    kit k;
    eh_ledger ledger;
    kit_open(&k, url, 4);
    assert_string_equal(eh_dest_kind(k.dest), "sqlite");
    assert_int_equal(eh_dest_lane_count(k.dest), 1);
    kit_take_over(&k, "run1");
    kit_describe(&k);
    assert_false(k.info.exists);
    kit_create(&k,
               (kit_col[]){{"id", EH_TYPE_BIGINT},
                           {"amount", EH_TYPE_NUMERIC},
                           {"paid", EH_TYPE_BOOLEAN},
                           {"at", EH_TYPE_TIMESTAMP},
                           {"note", EH_TYPE_TEXT}},
               5);
    assert_true(k.info.exists && !k.info.has_rows);
    assert_int_equal(kit_column(&k, "amount")->type, EH_TYPE_NUMERIC);
    assert_true(kit_column(&k, "amount")->open);
    assert_string_equal(kit_column(&k, "amount")->written, "amount");

    eh_unit *unit = kit_unit(&k, "sha256:a:1", 0);
    kit_add_row(unit, "9223372036854775807", "12.10", "true", "2026-01-02T03:04:05+01:00", "");
    kit_add_row(unit, NULL, "12345678901234567890.5", NULL, NULL, "\"x\",|");
    kit_load_well(&k, unit);
    assert_string_equal(ask("SELECT *, typeof(id), typeof(amount) FROM orders"),
                        "9223372036854775807|12.10|true|2026-01-02T02:04:05Z||integer|text\n"
                        "|12345678901234567890.5|||\"x\",||null|text");

    kit_ok(
        eh_dest_ledger(k.dest, &k.state, "sha256:a:1", "orders.csv", k.arena, &ledger, &err));
    assert_true(ledger.known && !ledger.complete && !ledger.name_known);
    assert_int_equal(ledger.range_count, 1);
    assert_int_equal(ledger.ranges[0].end, 2);
    assert_int_equal(ledger.ranges[0].line_end, 3);
    assert_string_equal(ledger.header, "[\"id\"]");
    assert_string_equal(ledger.name, "orders.csv");
    assert_int_equal(ledger.rows, 2);
    assert_true(ledger.committed_us > 1700000000000000);

    unit = kit_unit(&k, "sha256:a:1", 2);
    kit_add_row(unit, "3", "1", "false", NULL, NULL);
    unit->last = true;
    kit_load_well(&k, unit);
    kit_ok(eh_dest_ledger(k.dest, &k.state, "sha256:a:1", "x.csv", k.arena, &ledger, &err));
    assert_true(ledger.complete);
    assert_int_equal(ledger.range_count, 1);
    kit_ok(
        eh_dest_ledger(k.dest, &k.state, "sha256:b:1", "orders.csv", k.arena, &ledger, &err));
    assert_true(!ledger.known && ledger.name_known);

    kit_finish(&k);
    kit_encoder(&k);
    assert_false(kit_column(&k, "amount")->open);
    assert_string_equal(ask("SELECT status, rows_loaded, rows_dead, run_id FROM _etl_loads"),
                        "succeeded|3|0|run1");
    kit_close(&k);
}

/* A database as the first version of etlhost left it. */
static void upgrades_older_books(void **state)
{
    (void)state;
    kit k;
    eh_ledger ledger;
    eh_sqlite *db = eh_sqlite_open(url + strlen("sqlite:"), false, 1000, NULL);
    assert_non_null(db);
    kit_ok(eh_sqlite_exec(db, eh_sql_text("sqlite", "bookkeeping", &err), &err));
    kit_ok(eh_sqlite_exec(db, kit_old_rows("_etl_"), &err));
    eh_sqlite_close(db);
    kit_looks_only(url, EH_CLASS_CONFIG);
    kit_open(&k, url, 1);
    assert_string_equal(ask("SELECT group_concat(version) FROM _etl_meta"), "3");
    kit_take_over(&k, "run2");
    assert_int_equal(k.state.stream_id, 7);
    assert_int_equal(k.state.epoch, 4);
    kit_ok(
        eh_dest_ledger(k.dest, &k.state, "sha256:a:1", "orders.csv", k.arena, &ledger, &err));
    assert_true(ledger.complete && !ledger.name_known);
    assert_int_equal(ledger.rows, 2);
    assert_string_equal(ledger.name, "orders.csv");
    assert_string_equal(ask("SELECT generation, header, position IS NULL FROM _etl_units"),
                        "0|[\"id\"]|1");
    kit_close(&k);
    kit_open(&k, url, 1);
    assert_string_equal(ask("SELECT group_concat(version) FROM _etl_meta"), "3");
    kit_close(&k);
}

/* The same of version 2. */
static void upgrades_books_of_version_2(void **state)
{
    (void)state;
    kit k;
    eh_sqlite *db = eh_sqlite_open(url + strlen("sqlite:"), false, 1000, NULL);
    assert_non_null(db);
    kit_ok(eh_sqlite_exec(db, eh_sql_text("sqlite", "bookkeeping", &err), &err));
    kit_ok(eh_sqlite_exec(db, kit_old_rows("_etl_"), &err));
    kit_ok(eh_sqlite_exec(db, eh_sql_text("sqlite", "bookkeeping_upgrade", &err), &err));
    eh_sqlite_close(db);
    kit_looks_only(url, EH_CLASS_CONFIG);
    kit_open(&k, url, 1);
    assert_string_equal(ask("SELECT group_concat(version) FROM _etl_meta"), "3");
    assert_string_equal(ask("SELECT generation, header, position IS NULL FROM _etl_units"),
                        "0|[\"id\"]|1");
    kit_close(&k);
}

static void a_later_run_has_a_later_epoch(void **state)
{
    (void)state;
    kit a, b;
    kit_open(&a, url, 1);
    kit_open(&b, url, 1);
    kit_take_over(&a, "run1");
    kit_create(&a, (kit_col[]){{"id", EH_TYPE_BIGINT}}, 1);
    eh_stream_key key = kit_key(&b);
    eh_run_info run = kit_run("run2");
    kit_fails(eh_dest_take_over(b.dest, &key, &run, &b.state, &err), EH_CLASS_THROTTLED);
    run.take_over = true;
    kit_ok(eh_dest_take_over(b.dest, &key, &run, &b.state, &err));
    assert_int_equal(b.state.epoch, a.state.epoch + 1);
    assert_int_equal(b.state.stream_id, a.state.stream_id);

    eh_unit *unit = kit_unit(&a, "sha256:a:1", 0);
    kit_add_row(unit, "1");
    kit_load(&a, unit);
    assert_int_equal(unit->err.class_, EH_CLASS_CANCELLED);
    assert_non_null(strstr(unit->err.message, "superseded by run run2"));
    kit_free_unit(unit);
    kit_fails(eh_dest_finish(a.dest, &a.state, NULL, &err), EH_CLASS_CANCELLED);
    eh_change more = kit_add("b", EH_TYPE_TEXT);
    kit_fails(eh_dest_change(a.dest, &a.state, "main", "orders", &more, 1, &err),
              EH_CLASS_CANCELLED);
    assert_string_equal(ask("SELECT count(*) FROM orders"), "0");
    assert_string_equal(ask("SELECT status, error FROM _etl_loads ORDER BY load_id"),
                        "cancelled|cancelled: superseded by run run2\nrunning|");
    kit_close(&a);
    kit_close(&b);
}

static void a_dead_run_is_not_live(void **state)
{
    (void)state;
    kit a;
    kit_open(&a, url, 1);
    eh_stream_key key = kit_key(&a);
    eh_run_info run = kit_run("run1");
    run.pid_started -= 1; /* the number was given to another process since */
    kit_ok(eh_dest_take_over(a.dest, &key, &run, &a.state, &err));
    kit_take_over(&a, "run2");
    run = kit_run("run3");
    run.host = "elsewhere"; /* there it cannot be looked at: the heartbeat decides */
    kit_fails(eh_dest_take_over(a.dest, &key, &run, &a.state, &err), EH_CLASS_THROTTLED);
    (void)ask("UPDATE _etl_runs SET heartbeat_at = '2020-01-01T00:00:00Z'");
    kit_ok(eh_dest_take_over(a.dest, &key, &run, &a.state, &err));
    kit_close(&a);
}

static void columns_widen_in_place(void **state)
{
    (void)state;
    kit k;
    kit_open(&k, url, 1);
    kit_take_over(&k, "run1");
    kit_create(&k,
               (kit_col[]){{"a", EH_TYPE_BIGINT},
                           {"b", EH_TYPE_DATE},
                           {"c", EH_TYPE_DOUBLE},
                           {"d", EH_TYPE_UNKNOWN},
                           {"e", EH_TYPE_BOOLEAN}},
               5);
    assert_true(kit_column(&k, "d")->unknown);
    (void)ask("CREATE INDEX by_a ON orders (a)");
    (void)ask("CREATE VIEW seen AS SELECT a, b FROM orders");
    eh_unit *unit = kit_unit(&k, "sha256:a:1", 0);
    kit_add_row(unit, "-5", "2026-01-02", "0.1", NULL, "true");
    kit_add_row(unit, NULL, NULL, "1e300", NULL, NULL);
    kit_load_well(&k, unit);
    kit_retype(&k, "a", EH_TYPE_BIGINT, EH_TYPE_NUMERIC);
    kit_retype(&k, "a", EH_TYPE_BIGINT, EH_TYPE_NUMERIC); /* done already: no error */
    kit_retype(&k, "b", EH_TYPE_DATE, EH_TYPE_DATETIME);
    kit_retype(&k, "c", EH_TYPE_DOUBLE, EH_TYPE_TEXT);
    kit_retype(&k, "d", EH_TYPE_UNKNOWN, EH_TYPE_BIGINT);
    kit_retype(&k, "e", EH_TYPE_BOOLEAN, EH_TYPE_TEXT);
    assert_int_equal(kit_column(&k, "a")->type, EH_TYPE_NUMERIC);
    assert_null(kit_column(&k, "a")->blocker);
    assert_true(kit_column(&k, "a")->open);
    assert_false(kit_column(&k, "d")->unknown);
    unit = kit_unit(&k, "sha256:a:1", 2);
    kit_add_row(unit, "12.10", "2026-01-02T03:04:05", "x", "7", "yes");
    kit_load_well(&k, unit);
    assert_string_equal(ask("SELECT *, typeof(a), typeof(d) FROM orders"),
                        "-5|2026-01-02T00:00:00|0.1||true|text|null\n"
                        "||1.0e+300|||null|null\n"
                        "12.10|2026-01-02T03:04:05|x|7|yes|text|integer");
    assert_string_equal(ask("SELECT count(*) FROM seen"), "3");
    assert_string_equal(ask("SELECT sql FROM sqlite_master WHERE name = 'by_a'"),
                        "CREATE INDEX by_a ON orders (a)");
    assert_string_equal(ask("SELECT from_type, to_type FROM _etl_schema_changes "
                            "WHERE change = 'change type' AND column_name = 'd'"),
                        "unknown|bigint");
    kit_close(&k);
}

static void somebody_elses_table_is_left_alone(void **state)
{
    (void)state;
    kit k;
    kit_open(&k, url, 1);
    (void)ask(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, n INT NOT NULL, \"when\" DATETIME)");
    kit_take_over(&k, "run1");
    kit_encoder(&k);
    assert_int_equal(kit_column(&k, "n")->type, EH_TYPE_BIGINT);
    assert_true(kit_column(&k, "n")->not_null);
    assert_false(kit_column(&k, "n")->open);
    assert_non_null(kit_column(&k, "n")->blocker);
    eh_change change = {
        .kind = EH_CHANGE_TYPE, .column = "n", .from = EH_TYPE_BIGINT, .to = EH_TYPE_NUMERIC};
    kit_fails(eh_dest_change(k.dest, &k.state, "main", "orders", &change, 1, &err),
              EH_CLASS_DESTINATION);
    eh_change more = kit_add("note", EH_TYPE_TEXT);
    kit_ok(eh_dest_change(k.dest, &k.state, "main", "orders", &more, 1, &err));
    kit_ok(eh_dest_change(k.dest, &k.state, "main", "orders", &more, 1, &err));
    kit_encoder(&k);
    eh_unit *unit = kit_unit(&k, "sha256:a:1", 0);
    kit_add_row(unit, "1", "2", "2026-01-02T03:04:05", "x");
    kit_load_well(&k, unit);
    assert_string_equal(ask("SELECT * FROM orders"), "1|2|2026-01-02T03:04:05|x");
    kit_close(&k);
}

/* ---- rows that the database refuses ---------------------------------------------------------
 */

static void fill(eh_unit *unit, int count)
{
    char id[16];
    for (int i = 1; i <= count; i++) {
        (void)snprintf(id, sizeof id, "%d", i);
        kit_add_row(unit, id);
    }
}

static void refused_rows_are_dead_rows(void **state)
{
    (void)state;
    kit k;
    kit_open(&k, url, 1);
    (void)ask("CREATE TABLE orders (id INTEGER CHECK (id % 40 <> 0))");
    kit_take_over(&k, "run1");
    kit_encoder(&k);
    eh_unit *unit = kit_unit(&k, "sha256:a:1", 0);
    fill(unit, 100);
    kit_load_well(&k, unit);
    assert_string_equal(ask("SELECT count(*), sum(id) FROM orders"), "98|4930");
    assert_string_equal(ask("SELECT row_number, line, byte_offset, code, raw, file, status "
                            "FROM _etl_dead_rows"),
                        "40|40|39|refused|raw of row 40|orders.csv|dead\n"
                        "80|80|79|refused|raw of row 80|orders.csv|dead");
    assert_string_equal(ask("SELECT rows, dead, row_end FROM _etl_units"), "98|2|100");
    kit_close(&k);
}

static void a_trigger_that_rolls_back(void **state)
{
    (void)state;
    kit k;
    kit_open(&k, url, 1);
    (void)ask("CREATE TABLE orders (id INTEGER)");
    (void)ask("CREATE TRIGGER no BEFORE INSERT ON orders WHEN NEW.id IN (5, 9) "
              "BEGIN SELECT RAISE(ROLLBACK, 'not this one'); END");
    kit_take_over(&k, "run1");
    kit_encoder(&k);
    eh_unit *unit = kit_unit(&k, "sha256:a:1", 0);
    fill(unit, 10);
    kit_load_well(&k, unit);
    assert_string_equal(ask("SELECT count(*), sum(id) FROM orders"), "8|41");
    assert_string_equal(ask("SELECT group_concat(row_number) FROM _etl_dead_rows"), "5,9");
    kit_close(&k);
}

static void too_many_dead_rows_are_no_success(void **state)
{
    (void)state;
    kit k;
    kit_open(&k, url, 1);
    (void)ask("CREATE TABLE orders (id INTEGER CHECK (id > 20))");
    kit_take_over(&k, "run1");
    kit_encoder(&k);
    eh_unit *unit = kit_unit(&k, "sha256:a:1", 0);
    fill(unit, 100);
    kit_load(&k, unit);
    assert_int_equal(unit->err.class_, EH_CLASS_DATA);
    kit_free_unit(unit);
    assert_string_equal(ask("SELECT count(*) FROM orders"), "0");
    assert_string_equal(ask("SELECT (SELECT count(*) FROM _etl_units), "
                            "(SELECT count(*) FROM _etl_dead_rows)"),
                        "0|0");
    kit_close(&k);
}

static void a_written_unit_is_not_written_again(void **state)
{
    (void)state;
    kit k;
    kit_open(&k, url, 1);
    kit_take_over(&k, "run1");
    kit_create(&k, (kit_col[]){{"id", EH_TYPE_BIGINT}}, 1);
    for (int i = 0; i < 2; i++) {
        eh_unit *unit = kit_unit(&k, "sha256:a:1", 0);
        fill(unit, 3);
        kit_load(&k, unit);
        assert_int_equal(unit->err.class_, i == 0 ? EH_OK : EH_CLASS_BUG);
        kit_free_unit(unit);
    }
    assert_string_equal(ask("SELECT count(*) FROM orders"), "3");
    kit_close(&k);
}

static void closing_in_the_middle_of_a_unit(void **state)
{
    (void)state;
    kit k;
    kit_open(&k, url, 1);
    kit_take_over(&k, "run1");
    kit_create(&k, (kit_col[]){{"id", EH_TYPE_BIGINT}}, 1);
    eh_unit *unit = kit_unit(&k, "sha256:a:1", 0);
    fill(unit, 200000);
    kit_ok(eh_dest_submit(k.dest, &k.state, unit, &err));
    assert_int_equal(eh_dest_busy_lanes(k.dest), 1);
    assert_int_equal(eh_dest_in_flight(k.dest), 1);
    eh_dest_close(k.dest);
    k.dest = NULL;
    kit_free_unit(unit);
    assert_string_equal(ask("SELECT (SELECT count(*) FROM orders) = "
                            "(SELECT coalesce(sum(rows), 0) FROM _etl_units)"),
                        "1");
    kit_close(&k);
}

static void two_write_one_file(void **state)
{
    (void)state;
    kit a, b;
    kit_open(&a, url, 1);
    kit_open(&b, url, 1);
    b.table = "shops";
    kit_take_over(&a, "run1");
    kit_take_over(&b, "run2");
    kit_create(&a, (kit_col[]){{"id", EH_TYPE_BIGINT}}, 1);
    kit_create(&b, (kit_col[]){{"id", EH_TYPE_BIGINT}}, 1);
    for (uint64_t i = 0; i < 3; i++) {
        eh_unit *units[] = {kit_unit(&a, "sha256:a:1", i * 20000),
                            kit_unit(&b, "sha256:a:1", i * 20000)};
        fill(units[0], 20000);
        fill(units[1], 20000);
        kit_ok(eh_dest_submit(a.dest, &a.state, units[0], &err));
        kit_load_well(&b, units[1]);
        kit_wait(&a, units[0]);
        assert_int_equal(units[0]->err.class_, EH_OK);
        kit_free_unit(units[0]);
    }
    assert_string_equal(
        ask("SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM shops)"),
        "60000|60000");
    kit_close(&a);
    kit_close(&b);
}

static void asking_does_not_wait_for_writers(void **state)
{
    (void)state;
    kit k;
    kit_open(&k, url, 1);
    kit_take_over(&k, "run1");
    eh_err err = {.class_ = EH_OK};
    eh_sqlite *other = eh_sqlite_open(url + strlen("sqlite:"), false, 1000, &err);
    assert_true(eh_sqlite_exec(other, "BEGIN IMMEDIATE", &err));
    const char *const nobody[] = {NULL, NULL, NULL};
    assert_string_equal(kit_query(&k, "stream_list", "resource", nobody, 3), "orders");
    assert_true(eh_sqlite_exec(other, "ROLLBACK", &err));
    eh_sqlite_close(other);
    kit_close(&k);
}

/* A lane that is never idle keeps the heartbeat's own statement out. */
static void a_unit_is_a_sign_of_life(void **state)
{
    (void)state;
    kit k;
    kit_open(&k, url, 1);
    kit_take_over(&k, "run1");
    kit_create(&k, (kit_col[]){{"id", EH_TYPE_BIGINT}}, 1);
    (void)ask("UPDATE _etl_runs SET heartbeat_at = '2020-01-01T00:00:00Z'");
    eh_unit *unit = kit_unit(&k, "sha256:a:1", 0);
    fill(unit, 1);
    kit_load_well(&k, unit);
    assert_string_equal(ask("SELECT heartbeat_at > '2025' FROM _etl_runs"), "1");
    kit_close(&k);
}

static void an_abandoned_load_says_why(void **state)
{
    (void)state;
    kit k;
    kit_open(&k, url, 1);
    kit_take_over(&k, "run1");
    eh_err why = {.class_ = EH_CLASS_DATA, .message = "row 7 is odd"};
    eh_dest_abandon(k.dest, &k.state, &why);
    assert_string_equal(ask("SELECT status, error FROM _etl_loads"),
                        "failed|data: row 7 is odd");
    kit_close(&k);
}

static void the_operator_asks_and_corrects(void **state)
{
    (void)state;
    kit k;
    kit_open(&k, url, 1);
    kit_admin_queries(&k);
    kit_close(&k);
}

static void opening_what_is_no_database(void **state)
{
    (void)state;
    eh_err err = {.class_ = EH_OK};
    eh_clock clock = eh_clock_system();
    eh_loop *loop = eh_loop_new(&clock, &err);
    assert_null(eh_dest_open("sqlite:", 1, false, loop, &clock, &err));
    assert_int_equal(err.class_, EH_CLASS_CONFIG);
    eh_err_clear(&err);
    assert_null(eh_dest_open("sqlite:/nowhere/x.db", 1, false, loop, &clock, &err));
    assert_int_equal(err.class_, EH_CLASS_CONFIG);
    eh_err_clear(&err);
    assert_null(eh_dest_open(url, 1, true, loop, &clock, &err));
    assert_int_equal(err.class_, EH_CLASS_NOT_FOUND);
    eh_err_clear(&err);
    FILE *file = fopen(url + strlen("sqlite:"), "w");
    (void)fputs("this is a letter, and a long one, so that it is not taken for nothing", file);
    (void)fclose(file);
    assert_null(eh_dest_open(url, 1, false, loop, &clock, &err));
    assert_int_equal(err.class_, EH_CLASS_CONFIG);
    eh_loop_free(loop);
}

#define with_file(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_file(loads_and_remembers),
        with_file(upgrades_older_books),
        with_file(upgrades_books_of_version_2),
        with_file(a_later_run_has_a_later_epoch),
        with_file(a_dead_run_is_not_live),
        with_file(columns_widen_in_place),
        with_file(somebody_elses_table_is_left_alone),
        with_file(refused_rows_are_dead_rows),
        with_file(a_trigger_that_rolls_back),
        with_file(too_many_dead_rows_are_no_success),
        with_file(a_written_unit_is_not_written_again),
        with_file(closing_in_the_middle_of_a_unit),
        with_file(two_write_one_file),
        with_file(asking_does_not_wait_for_writers),
        with_file(a_unit_is_a_sign_of_life),
        with_file(an_abandoned_load_says_why),
        with_file(the_operator_asks_and_corrects),
        with_file(opening_what_is_no_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
