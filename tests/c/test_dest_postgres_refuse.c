/* Rows that a PostgreSQL server refuses: in every way it has, only those are left out. */
#include "dest_kit.h"
#include "pg_fixture.h"

static kit k;

/* A destination for etl.orders as `sql` makes it, with a stream taken. */
static void open_on(const char *sql)
{
    kit_open(&k, url, 1);
    (void)ask("CREATE SCHEMA etl");
    (void)ask(sql);
    kit_take_over(&k, "run1");
    kit_encoder(&k);
}

static eh_unit *fill(int count)
{
    char id[16];
    eh_unit *unit = kit_unit(&k, "sha256:a:1", 0);
    for (int i = 1; i <= count; i++) {
        (void)snprintf(id, sizeof id, "%d", i);
        kit_add_row(unit, id);
    }
    return unit;
}

static const char *dead_numbers(void)
{
    return ask("SELECT string_agg(row_number::text, ',' ORDER BY row_number) "
               "FROM _etl.dead_rows");
}

static void the_server_names_the_row(void **state)
{
    (void)state;
    open_on("CREATE TABLE etl.orders (id bigint CHECK (id % 400 <> 7))");
    kit_load_well(&k, fill(1000));
    assert_string_equal(ask("SELECT count(*), sum(id) FROM etl.orders"), "997|499279");
    assert_string_equal(
        ask("SELECT row_number, line, byte_offset, code, convert_from(raw, 'UTF8'), file, "
            "status,"
            " client_id, reason LIKE '23514: %' FROM _etl.dead_rows ORDER BY 1"),
        "7|7|6|refused|raw of row 7|orders.csv|dead|acme|t\n"
        "407|407|406|refused|raw of row 407|orders.csv|dead|acme|t\n"
        "807|807|806|refused|raw of row 807|orders.csv|dead|acme|t");
    assert_string_equal(ask("SELECT rows, dead, row_end FROM _etl.units"), "997|3|1000");
    kit_close(&k);
}

static void more_than_three_rows(void **state)
{
    (void)state;
    open_on("CREATE TABLE etl.orders (id bigint UNIQUE CHECK (id NOT IN "
            "(1, 2, 3, 511, 512, 513, 1999, 2000)))");
    kit_load_well(&k, fill(2000));
    assert_string_equal(ask("SELECT count(*), sum(id) FROM etl.orders"), "1992|1995459");
    assert_string_equal(dead_numbers(), "1,2,3,511,512,513,1999,2000");
    assert_string_equal(ask("SELECT rows, dead FROM _etl.units"), "1992|8");
    kit_close(&k);
}

static void a_foreign_key_names_no_row(void **state)
{
    (void)state;
    open_on("CREATE TABLE etl.shops (id bigint PRIMARY KEY);"
            "INSERT INTO etl.shops SELECT g FROM generate_series(1, 3000) g WHERE g <> 1234;"
            "CREATE TABLE etl.orders (id bigint REFERENCES etl.shops)");
    kit_load_well(&k, fill(3000));
    assert_string_equal(ask("SELECT count(*) FROM etl.orders"), "2999");
    assert_string_equal(dead_numbers(), "1234");
    kit_close(&k);
}

static void a_deferred_constraint_breaks_at_commit(void **state)
{
    (void)state;
    open_on("CREATE TABLE etl.shops (id bigint PRIMARY KEY);"
            "INSERT INTO etl.shops SELECT g FROM generate_series(2, 999) g;"
            "CREATE TABLE etl.orders (id bigint REFERENCES etl.shops "
            "DEFERRABLE INITIALLY DEFERRED)");
    kit_load_well(&k, fill(1000));
    assert_string_equal(ask("SELECT count(*) FROM etl.orders"), "998");
    assert_string_equal(dead_numbers(), "1,1000");
    kit_close(&k);
}

static void a_trigger_raises(void **state)
{
    (void)state;
    open_on(
        "CREATE TABLE etl.orders (id bigint);"
        "CREATE FUNCTION etl.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.id = 77 THEN RAISE EXCEPTION 'line 3 of the rules'; END IF; RETURN NEW; END "
        "$$;"
        "CREATE TRIGGER no AFTER INSERT ON etl.orders FOR EACH ROW EXECUTE FUNCTION etl.no()");
    kit_load_well(&k, fill(100));
    assert_string_equal(ask("SELECT count(*) FROM etl.orders"), "99");
    assert_string_equal(dead_numbers(), "77");
    kit_close(&k);
}

/* The bulk insert fails later than the row that is too big, so the line it names is not
 * believed. */
static void a_row_too_big_for_an_index(void **state)
{
    (void)state;
    char *big = malloc(20001);
    assert_non_null(big);
    uint64_t x = 88172645463325252u; /* does not compress */
    for (int i = 0; i < 20000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        big[i] = (char)('!' + (x >> 33) % 90);
    }
    big[20000] = '\0';
    open_on("CREATE TABLE etl.orders (t text); CREATE INDEX ON etl.orders (t)");
    eh_unit *unit = kit_unit(&k, "sha256:a:1", 0);
    for (int i = 0; i < 100; i++) kit_add_row(unit, i == 41 ? big : "small");
    kit_load_well(&k, unit);
    assert_string_equal(ask("SELECT count(*) FROM etl.orders"), "99");
    assert_string_equal(dead_numbers(), "42");
    kit_close(&k);
    free(big);
}

static void too_many_are_no_success(void **state)
{
    (void)state;
    open_on("CREATE TABLE etl.orders (id bigint CHECK (id > 20))");
    eh_unit *unit = fill(1000);
    kit_load(&k, unit);
    assert_int_equal(unit->err.class_, EH_CLASS_DATA);
    assert_non_null(strstr(unit->err.message, " rows were refused"));
    kit_free_unit(unit);
    assert_string_equal(ask("SELECT count(*) FROM etl.orders"), "0");
    assert_string_equal(ask("SELECT (SELECT count(*) FROM _etl.units), "
                            "(SELECT count(*) FROM _etl.dead_rows)"),
                        "0|0");
    /* The lane is of use after that. */
    (void)ask("ALTER TABLE etl.orders DROP CONSTRAINT orders_id_check");
    kit_load_well(&k, fill(1000));
    assert_string_equal(ask("SELECT count(*) FROM etl.orders"), "1000");
    kit_close(&k);
}

/* Names and reasons go into text columns, whose server takes UTF-8 only; bytes stay as they
 * came. */
static void names_and_reasons_in_any_bytes(void **state)
{
    (void)state;
    open_on("CREATE TABLE etl.orders (id bigint)");
    eh_unit *unit = fill(3);
    unit->input_name = "caf\xe9.csv";
    eh_dead dead = {.place = {.row = 2},
                    .raw = eh_slice_of("\0\xff", 2),
                    .column = eh_slice_str("na\xefve"),
                    .code = eh_slice_str("type"),
                    .reason = eh_slice_str("\"Zürich\" is no number")};
    kit_ok(eh_unit_add_dead(unit, &dead, &err));
    kit_load_well(&k, unit);
    assert_string_equal(ask("SELECT file, column_name, reason, raw FROM _etl.dead_rows"),
                        "caf?.csv|na?ve|\"Zürich\" is no number|\\x00ff");
    assert_string_equal(ask("SELECT name FROM _etl.files"), "caf?.csv");
    kit_close(&k);
}

static void rows_that_a_trigger_hides(void **state)
{
    (void)state;
    open_on("CREATE TABLE etl.orders (id bigint);"
            "CREATE FUNCTION etl.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF NEW.id = 5 THEN RETURN NULL; END IF; RETURN NEW; END $$;"
            "CREATE TRIGGER no BEFORE INSERT ON etl.orders FOR EACH ROW "
            "EXECUTE FUNCTION etl.no()");
    eh_unit *unit = fill(10);
    kit_load(&k, unit);
    assert_int_equal(unit->err.class_, EH_CLASS_DESTINATION);
    kit_free_unit(unit);
    assert_string_equal(ask("SELECT count(*) FROM etl.orders"), "0");
    kit_close(&k);
}

static void a_unit_that_was_loaded_is_not_loaded_again(void **state)
{
    (void)state;
    open_on("CREATE TABLE etl.orders (id bigint)");
    kit_load_well(&k, fill(3));
    eh_unit *unit = fill(3);
    kit_load(&k, unit);
    assert_int_equal(unit->err.class_, EH_CLASS_BUG);
    kit_free_unit(unit);
    assert_string_equal(ask("SELECT count(*) FROM etl.orders"), "3");
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_database(the_server_names_the_row),
        with_database(more_than_three_rows),
        with_database(a_foreign_key_names_no_row),
        with_database(a_deferred_constraint_breaks_at_commit),
        with_database(a_trigger_raises),
        with_database(a_row_too_big_for_an_index),
        with_database(too_many_are_no_success),
        with_database(names_and_reasons_in_any_bytes),
        with_database(rows_that_a_trigger_hides),
        with_database(a_unit_that_was_loaded_is_not_loaded_again),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
