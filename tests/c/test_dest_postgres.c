/* The PostgreSQL destination, against a private server. */
#include "dest_kit.h"
#include "load/dest_sql.h"
#include "pg_fixture.h"

/* ---- the ordinary path --------------------------------------------------------------------
 */

static void loads_and_remembers(void **state)
{
    (void)state;
    kit k;
    eh_ledger ledger;
    kit_open(&k, url, 2);
    assert_string_equal(eh_dest_kind(k.dest), "postgres");
    assert_string_equal(eh_dest_default_schema(k.dest), "etl");
    assert_int_equal(eh_dest_lane_count(k.dest), 2);
    assert_non_null(strstr(eh_dest_where(k.dest), "as postgres"));
    kit_take_over(&k, "run1");
    kit_describe(&k);
    assert_false(k.info.exists);
    kit_create(&k,
               (kit_col[]){{"id", EH_TYPE_BIGINT},
                           {"amount", EH_TYPE_NUMERIC},
                           {"paid", EH_TYPE_BOOLEAN},
                           {"at", EH_TYPE_TIMESTAMP},
                           {"extra", EH_TYPE_JSON},
                           {"note", EH_TYPE_TEXT}},
               6);
    assert_null(k.why_text);
    assert_true(k.info.exists && !k.info.has_rows);
    assert_int_equal(kit_column(&k, "amount")->type, EH_TYPE_NUMERIC);
    assert_true(kit_column(&k, "amount")->open);
    assert_string_equal(kit_column(&k, "amount")->written, "amount");

    eh_unit *unit = kit_unit(&k, "sha256:a:1", 0);
    kit_add_row(unit, "9223372036854775807", "12.10", "true", "2026-01-02T03:04:05+01:00",
                "{\"a\": [1]}", "");
    kit_add_row(unit, NULL, "12345678901234567890.5", NULL, NULL, NULL, "\"x\",|");
    kit_load_well(&k, unit);
    (void)ask("SET TimeZone = 'UTC'");
    assert_string_equal(ask("SELECT * FROM etl.orders"),
                        "9223372036854775807|12.10|t|2026-01-02 02:04:05+00|{\"a\": [1]}|\n"
                        "|12345678901234567890.5||||\"x\",|");

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
    unit->last = true;
    unit->end = 2;
    kit_load_well(&k, unit); /* an end without rows */
    kit_ok(eh_dest_ledger(k.dest, &k.state, "sha256:a:1", "x.csv", k.arena, &ledger, &err));
    assert_true(ledger.complete && !ledger.name_known);
    kit_ok(
        eh_dest_ledger(k.dest, &k.state, "sha256:b:1", "orders.csv", k.arena, &ledger, &err));
    assert_true(!ledger.known && ledger.name_known);

    kit_finish(&k);
    kit_encoder(&k);
    assert_false(kit_column(&k, "amount")->open);
    assert_string_equal(ask("SELECT status, rows_loaded, rows_dead, run_id FROM _etl.loads"),
                        "succeeded|2|0|run1");
    assert_string_equal(ask("SELECT has_schema_privilege('public', '_etl', 'USAGE'), "
                            "has_schema_privilege('public', 'etl', 'USAGE')"),
                        "f|f");
    kit_close(&k);
}

/* A database as the first version of etlhost left it. */
static void upgrades_older_books(void **state)
{
    (void)state;
    kit k;
    eh_ledger ledger;
    (void)ask(eh_sql_text("postgres", "bookkeeping", NULL));
    (void)ask(kit_old_rows("_etl."));
    kit_looks_only(url, EH_CLASS_CONFIG);
    kit_open(&k, url, 1);
    assert_string_equal(ask("SELECT string_agg(version::text, ',') FROM _etl.meta"), "3");
    kit_take_over(&k, "run2");
    assert_int_equal(k.state.stream_id, 7);
    assert_int_equal(k.state.epoch, 4);
    kit_ok(
        eh_dest_ledger(k.dest, &k.state, "sha256:a:1", "orders.csv", k.arena, &ledger, &err));
    assert_true(ledger.complete && !ledger.name_known);
    assert_int_equal(ledger.rows, 2);
    assert_string_equal(ledger.name, "orders.csv");
    assert_string_equal(ask("SELECT generation, header, position IS NULL FROM _etl.units"),
                        "0|[\"id\"]|t");
    kit_close(&k);
    kit_open(&k, url, 1);
    assert_string_equal(ask("SELECT string_agg(version::text, ',') FROM _etl.meta"), "3");
    kit_close(&k);
}

/* The same of version 2. */
static void upgrades_books_of_version_2(void **state)
{
    (void)state;
    kit k;
    (void)ask(eh_sql_text("postgres", "bookkeeping", NULL));
    (void)ask(kit_old_rows("_etl."));
    (void)ask(eh_sql_text("postgres", "bookkeeping_upgrade", NULL));
    assert_string_equal(ask("SELECT version FROM _etl.meta"), "2");
    kit_looks_only(url, EH_CLASS_CONFIG);
    kit_open(&k, url, 1);
    assert_string_equal(ask("SELECT string_agg(version::text, ',') FROM _etl.meta"), "3");
    assert_string_equal(ask("SELECT generation, header, position IS NULL FROM _etl.units"),
                        "0|[\"id\"]|t");
    kit_close(&k);
}

static void many_units_on_two_lanes(void **state)
{
    (void)state;
    kit k;
    kit_open(&k, url, 2);
    kit_take_over(&k, "run1");
    kit_create(&k, (kit_col[]){{"id", EH_TYPE_BIGINT}, {"t", EH_TYPE_TEXT}}, 2);
    size_t done = 0;
    for (int u = 0; u < 8; u++) {
        char id[24];
        eh_unit *unit = kit_unit(&k, "sha256:a:1", (uint64_t)u * 20000);
        for (int i = 0; i < 20000; i++) {
            (void)snprintf(id, sizeof id, "%d", u * 20000 + i);
            kit_add_row(unit, id,
                        "some text that makes the unit bigger than a socket's buffer");
        }
        kit_ok(eh_dest_submit(k.dest, &k.state, unit, &err));
        assert_true(eh_dest_busy_lanes(k.dest) >= 1);
    }
    while (eh_dest_in_flight(k.dest) > 0) {
        eh_unit *unit = eh_dest_take_done(k.dest);
        if (unit == NULL) {
            kit_ok(eh_loop_turn(k.loop, -1, &err));
            continue;
        }
        assert_int_equal(unit->err.class_, EH_OK);
        kit_free_unit(unit);
        done++;
    }
    assert_int_equal(done, 8);
    assert_string_equal(ask("SELECT count(*), count(DISTINCT id), sum(id) FROM etl.orders"),
                        "160000|160000|12799920000");
    assert_string_equal(ask("SELECT count(*), sum(rows) FROM _etl.units"), "8|160000");
    kit_close(&k);
}

static void submit_rows(kit *k, const char *input)
{
    eh_unit *unit = kit_unit(k, input, 0);
    for (int i = 0; i < 5000; i++) kit_add_row(unit, "1");
    kit_ok(eh_dest_submit(k->dest, &k->state, unit, &err));
}

static void drain(kit *k)
{
    while (eh_dest_in_flight(k->dest) > 0) {
        eh_unit *unit = eh_dest_take_done(k->dest);
        if (unit == NULL) {
            kit_ok(eh_loop_turn(k->loop, -1, &err));
            continue;
        }
        assert_int_equal(unit->err.class_, EH_OK);
        kit_free_unit(unit);
    }
}

static const char *connections(void)
{
    return ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'etlhost'");
}

/* The lanes of a run as far as there are slots; one that others wait for is given back. */
static void lanes_take_turns(void **state)
{
    (void)state;
    kit k;
    char what[64];
    eh_err err = {.class_ = EH_OK};
    (void)snprintf(what, sizeof what, "lanes_take_turns %ld", (long)getpid());
    eh_slots *mine = eh_slots_new(what, 3, "mine", &err);
    eh_slots *others = eh_slots_new(what, 3, "others", &err);
    assert_true(mine != NULL && others != NULL && eh_slots_take(mine, 2, false));
    kit_open(&k, url, 3);
    eh_dest_share(k.dest, mine);
    kit_take_over(&k, "run1");
    kit_create(&k, (kit_col[]){{"id", EH_TYPE_BIGINT}}, 1);
    submit_rows(&k, "sha256:a:1");
    submit_rows(&k, "sha256:b:1");
    assert_int_equal(eh_dest_busy_lanes(k.dest), 2);
    submit_rows(&k, "sha256:c:1"); /* there is no third lane: it waits for one of the two */
    assert_true(eh_dest_busy_lanes(k.dest) <= 2);
    drain(&k);
    assert_string_equal(connections(), "3");
    assert_false(eh_slots_take(others, 1, true));
    submit_rows(&k, "sha256:d:1");
    assert_true(eh_slots_take(others, 1, true));
    submit_rows(&k, "sha256:e:1");
    assert_int_equal(eh_dest_busy_lanes(k.dest), 1);
    drain(&k);
    assert_string_equal(ask("SELECT count(*) FROM etl.orders"), "25000");
    kit_close(&k);
    eh_slots_free(mine);
    eh_slots_free(others);
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
                           {"c", EH_TYPE_TIMESTAMP},
                           {"d", EH_TYPE_UNKNOWN},
                           {"e", EH_TYPE_BOOLEAN},
                           {"f", EH_TYPE_TIME},
                           {"g", EH_TYPE_NUMERIC}},
               7);
    assert_true(kit_column(&k, "d")->unknown);
    eh_unit *unit = kit_unit(&k, "sha256:a:1", 0);
    kit_add_row(unit, "-5", "2026-01-02", "2026-01-02T03:04:05.600Z", NULL, "true",
                "03:04:05.000007", "12.10");
    kit_add_row(unit, NULL, NULL, "0001-01-01T00:00:00Z", NULL, NULL, "23:59:59", "0.00");
    kit_load_well(&k, unit);
    kit_retype(&k, "a", EH_TYPE_BIGINT, EH_TYPE_NUMERIC);
    kit_retype(&k, "a", EH_TYPE_BIGINT, EH_TYPE_NUMERIC); /* done already: no error */
    kit_retype(&k, "b", EH_TYPE_DATE, EH_TYPE_DATETIME);
    kit_retype(&k, "c", EH_TYPE_TIMESTAMP, EH_TYPE_TEXT);
    kit_retype(&k, "d", EH_TYPE_UNKNOWN, EH_TYPE_BIGINT);
    kit_retype(&k, "e", EH_TYPE_BOOLEAN, EH_TYPE_TEXT);
    kit_retype(&k, "f", EH_TYPE_TIME, EH_TYPE_TEXT);
    kit_retype(&k, "g", EH_TYPE_NUMERIC, EH_TYPE_TEXT);
    assert_int_equal(kit_column(&k, "a")->type, EH_TYPE_NUMERIC);
    assert_true(kit_column(&k, "a")->open);
    assert_string_equal(kit_column(&k, "a")->written, "a");
    assert_false(kit_column(&k, "d")->unknown);
    assert_string_equal(ask("SELECT * FROM etl.orders"),
                        "-5|2026-01-02 00:00:00|2026-01-02T03:04:05.600Z||true|03:04:05.000007|"
                        "12.10\n"
                        "||0001-01-01T00:00:00Z|||23:59:59|0.00");
    assert_string_equal(ask("SELECT from_type, to_type, why FROM _etl.schema_changes "
                            "WHERE change = 'change type' AND column_name = 'd'"),
                        "unknown|bigint|row 7");
    kit_close(&k);
}

/* ---- tables of others ---------------------------------------------------------------------
 */

static void the_catalog_is_looked_at(void **state)
{
    (void)state;
    kit k;
    kit_open(&k, url, 1);
    (void)ask("CREATE SCHEMA etl");
    (void)ask("CREATE TYPE mood AS ENUM ('ok')");
    (void)ask("CREATE TABLE etl.orders ("
              "id int GENERATED ALWAYS AS IDENTITY, n int NOT NULL, d int NOT NULL DEFAULT 1,"
              "amount numeric(10,2), twice numeric GENERATED ALWAYS AS (amount * 2) STORED,"
              "m mood, seen bigint, own bigint, free bigint)");
    (void)ask("CREATE VIEW public.v AS SELECT seen FROM etl.orders");
    (void)ask("ALTER TABLE etl.orders ENABLE ROW LEVEL SECURITY");
    (void)ask("CREATE POLICY p ON etl.orders USING (own > 0)");
    (void)ask("CREATE INDEX ON etl.orders (free)");
    kit_take_over(&k, "run1");
    kit_encoder(&k);
    assert_true(kit_column(&k, "id")->generated);
    assert_true(kit_column(&k, "twice")->generated);
    assert_true(kit_column(&k, "n")->not_null && !kit_column(&k, "d")->not_null);
    assert_int_equal(kit_column(&k, "n")->type, EH_TYPE_BIGINT);
    assert_string_equal(kit_column(&k, "amount")->native, "numeric(10,2)");
    assert_string_equal(kit_column(&k, "seen")->blocker, "view public.v depends on it");
    assert_non_null(strstr(kit_column(&k, "own")->blocker, "policy p"));
    assert_string_equal(kit_column(&k, "amount")->blocker,
                        "generated column twice depends on it");
    assert_null(kit_column(&k, "free")->blocker);
    assert_string_equal(k.why_text, "m (public.mood)");
    eh_change change = {.kind = EH_CHANGE_TYPE,
                        .column = "seen",
                        .from = EH_TYPE_BIGINT,
                        .to = EH_TYPE_NUMERIC};
    kit_fails(eh_dest_change(k.dest, &k.state, "etl", "orders", &change, 1, &err),
              EH_CLASS_DESTINATION);
    change.column = "free";
    kit_ok(eh_dest_change(k.dest, &k.state, "etl", "orders", &change, 1, &err));
    eh_change more = kit_add("note", EH_TYPE_TEXT);
    kit_ok(eh_dest_change(k.dest, &k.state, "etl", "orders", &more, 1, &err));
    kit_ok(eh_dest_change(k.dest, &k.state, "etl", "orders", &more, 1, &err));
    kit_encoder(&k);
    assert_int_equal(kit_column(&k, "free")->type, EH_TYPE_NUMERIC);
    assert_true(kit_column(&k, "note")->open);
    k.table = "v";
    k.schema = "public";
    kit_fails(eh_dest_describe(k.dest, NULL, "public", "v", k.arena, &k.info, &err),
              EH_CLASS_CONFIG);
    kit_close(&k);
}

static void text_copy_where_there_is_no_encoder(void **state)
{
    (void)state;
    kit k;
    kit_open(&k, url, 1);
    (void)ask("CREATE SCHEMA etl");
    (void)ask("CREATE TYPE mood AS ENUM ('ok', 'a\tb')");
    (void)ask("CREATE TABLE etl.orders (id bigint, m mood, t text)");
    kit_take_over(&k, "run1");
    kit_encoder(&k);
    eh_unit *unit = kit_unit(&k, "sha256:a:1", 0);
    kit_add_row(unit, "1", "ok", "back\\slash\nand line");
    kit_add_row(unit, "2", "a\tb", "\\.");
    kit_add_row(unit, NULL, NULL, "\\N");
    kit_load_well(&k, unit);
    assert_string_equal(ask("SELECT id, m, t FROM etl.orders"),
                        "1|ok|back\\slash\nand line\n2|a\tb|\\.\n||\\N");
    kit_close(&k);
}

/* ---- more than one run --------------------------------------------------------------------
 */

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
    kit_fails(eh_dest_change(a.dest, &a.state, "etl", "orders", &more, 1, &err),
              EH_CLASS_CANCELLED);
    assert_string_equal(ask("SELECT count(*) FROM etl.orders"), "0");
    assert_string_equal(ask("SELECT status, error FROM _etl.loads ORDER BY load_id"),
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
    (void)ask("UPDATE _etl.runs SET heartbeat_at = now() - interval '61 s'");
    kit_ok(eh_dest_take_over(a.dest, &key, &run, &a.state, &err));
    kit_close(&a);
}

static void the_operator_asks_and_corrects(void **state)
{
    (void)state;
    kit k;
    kit_open(&k, url, 1);
    kit_admin_queries(&k);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_database(loads_and_remembers),
        with_database(upgrades_older_books),
        with_database(upgrades_books_of_version_2),
        with_database(many_units_on_two_lanes),
        with_database(lanes_take_turns),
        with_database(columns_widen_in_place),
        with_database(the_catalog_is_looked_at),
        with_database(text_copy_where_there_is_no_encoder),
        with_database(a_later_run_has_a_later_epoch),
        with_database(a_dead_run_is_not_live),
        with_database(the_operator_asks_and_corrects),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
