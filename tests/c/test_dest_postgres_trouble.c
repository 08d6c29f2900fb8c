/* What goes wrong between etlhost and a PostgreSQL server, and that nothing is lost or doubled.
 */
#include "data/convert.h"
#include "dest_kit.h"
#include "pg_fixture.h"
#include "pg_proxy.h"

#include <sys/wait.h>

static kit k;

static eh_unit *fill(kit *on, int from, int count)
{
    char id[16];
    eh_unit *unit = kit_unit(on, "sha256:a:1", (uint64_t)from);
    for (int i = from; i < from + count; i++) {
        (void)snprintf(id, sizeof id, "%d", i);
        kit_add_row(unit, id);
    }
    return unit;
}

static void open_at(const char *where)
{
    kit_open(&k, where, 1);
    kit_take_over(&k, "run1");
    kit_create(&k, (kit_col[]){{"id", EH_TYPE_BIGINT}}, 1);
}

/* Until the database says yes to `question`, the kit's own loop turns. */
static void until(const kit *on, const char *question)
{
    while (strcmp(ask(question), "t") != 0) kit_ok(eh_loop_turn(on->loop, 10, &err));
}

/* ---- transient failures -------------------------------------------------------------------
 */

/* A trigger that fails the first two times; sequences do not roll back. */
static void fail_twice(const char *sqlstate)
{
    char sql[512];
    (void)snprintf(
        sql, sizeof sql,
        "CREATE SEQUENCE etl.tries;"
        "CREATE FUNCTION etl.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF nextval('etl.tries') <= 2 THEN RAISE EXCEPTION USING ERRCODE = '%s'; END IF; "
        "RETURN NULL; END $$;"
        "CREATE TRIGGER fail AFTER INSERT ON etl.orders EXECUTE FUNCTION etl.fail()",
        sqlstate);
    (void)ask(sql);
}

static void deadlocks_and_the_like_are_tried_again(void **state)
{
    static const char *const states[] = {"40P01", "40001", "57014", "53100", "55P03"};
    (void)state;
    open_at(url);
    for (int i = 0; i < 5; i++) {
        fail_twice(states[i]);
        kit_load_well(&k, fill(&k, i * 10, 10));
        assert_string_equal(ask("SELECT last_value FROM etl.tries"), "3");
        (void)ask("DROP SEQUENCE etl.tries; DROP FUNCTION etl.fail CASCADE");
    }
    assert_string_equal(ask("SELECT count(*), count(DISTINCT id) FROM etl.orders"), "50|50");
    kit_close(&k);
}

static void trying_again_ends(void **state)
{
    (void)state;
    open_at(url);
    (void)ask("CREATE FUNCTION etl.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
              "RAISE EXCEPTION USING ERRCODE = '40001'; END $$;"
              "CREATE TRIGGER fail AFTER INSERT ON etl.orders EXECUTE FUNCTION etl.fail()");
    eh_unit *unit = fill(&k, 0, 10);
    kit_load(&k, unit);
    assert_int_equal(unit->err.class_, EH_CLASS_TRANSIENT);
    assert_string_equal(unit->err.sqlstate, "40001");
    kit_free_unit(unit);
    kit_close(&k);
}

static void what_is_not_transient_is_told_at_once(void **state)
{
    (void)state;
    open_at(url);
    (void)ask("ALTER TABLE etl.orders RENAME TO gone");
    eh_unit *unit = fill(&k, 0, 10);
    kit_load(&k, unit);
    assert_int_equal(unit->err.class_, EH_CLASS_DESTINATION);
    assert_string_equal(unit->err.sqlstate, "42P01");
    kit_free_unit(unit);
    kit_close(&k);
}

static const char *const end_all =
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE application_name = 'etlhost'";

static void connections_are_lost_between_units(void **state)
{
    (void)state;
    open_at(url);
    kit_load_well(&k, fill(&k, 0, 10));
    (void)ask(end_all);
    kit_load_well(&k, fill(&k, 10, 10));
    (void)ask(end_all);
    kit_finish(&k);
    assert_string_equal(ask("SELECT count(*), count(DISTINCT id) FROM etl.orders"), "20|20");
    assert_string_equal(ask("SELECT status, rows_loaded FROM _etl.loads"), "succeeded|20");
    kit_close(&k);
}

static void a_backend_ends_in_the_middle_of_a_unit(void **state)
{
    (void)state;
    open_at(url);
    (void)ask("BEGIN; LOCK TABLE etl.orders");
    eh_unit *unit = fill(&k, 0, 100000);
    kit_ok(eh_dest_submit(k.dest, &k.state, unit, &err));
    until(&k, "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)");
    (void)ask(end_all);
    (void)ask("COMMIT");
    while (eh_dest_take_done(k.dest) == NULL) kit_ok(eh_loop_turn(k.loop, -1, &err));
    assert_int_equal(unit->err.class_, EH_OK);
    kit_free_unit(unit);
    assert_string_equal(ask("SELECT count(*), count(DISTINCT id) FROM etl.orders"),
                        "100000|100000");
    kit_close(&k);
}

/* ---- the answer to COMMIT is lost ---------------------------------------------------------
 */

static void lose_a_commit(int mode)
{
    static pg_proxy proxy;
    char through[500];
    assert_true(pg_proxy_start(&proxy, server.dir));
    (void)snprintf(through, sizeof through, "%s port=%d", url, PROXY_PORT);
    open_at(through);
    atomic_store(&proxy.mode, mode);
    kit_load_well(&k, fill(&k, 0, 1000));
    assert_int_equal(atomic_load(&proxy.losses), 1);
    assert_string_equal(ask("SELECT count(*), count(DISTINCT id) FROM etl.orders"),
                        "1000|1000");
    assert_string_equal(ask("SELECT count(*), sum(rows) FROM _etl.units"), "1|1000");
    /* The control connection's COMMIT, too. */
    atomic_store(&proxy.mode, mode);
    kit_finish(&k);
    assert_int_equal(atomic_load(&proxy.losses), 2);
    assert_string_equal(ask("SELECT status, rows_loaded FROM _etl.loads"), "succeeded|1000");
    kit_close(&k);
    pg_proxy_stop(&proxy);
}

static void a_commit_that_never_arrived(void **state)
{
    (void)state;
    lose_a_commit(PROXY_SWALLOW_COMMIT);
}

static void a_commit_whose_answer_never_came(void **state)
{
    (void)state;
    lose_a_commit(PROXY_SWALLOW_ANSWER);
}

/* ---- taking over --------------------------------------------------------------------------
 */

static void a_stuck_lane_is_ended(void **state)
{
    (void)state;
    kit b;
    open_at(url);
    PGconn *holder = PQconnectdb(url);
    (void)ask_on(holder, "BEGIN; LOCK TABLE etl.orders");
    eh_unit *unit = fill(&k, 0, 10);
    kit_ok(eh_dest_submit(k.dest, &k.state, unit, &err));
    until(&k, "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)");
    kit_open(&b, url, 1);
    (void)ask("UPDATE _etl.runs SET heartbeat_at = now() - interval '1 hour'");
    kit_take_over(&b, "run2"); /* waits for the lane, then ends it */
    assert_int_equal(b.state.epoch, k.state.epoch + 1);
    (void)ask_on(holder, "COMMIT");
    PQfinish(holder);
    while (eh_dest_take_done(k.dest) == NULL) kit_ok(eh_loop_turn(k.loop, -1, &err));
    assert_int_equal(unit->err.class_, EH_CLASS_CANCELLED);
    kit_free_unit(unit);
    assert_string_equal(ask("SELECT count(*) FROM etl.orders"), "0");
    kit_close(&b);
    kit_close(&k);
}

typedef struct holder_job {
    PGconn *conn;
    bool alive;
} holder_job;

static void let_go(void *self)
{
    holder_job *job = self;
    job->alive = strcmp(ask_on(job->conn, "SELECT 1"), "1") == 0;
    (void)ask_on(job->conn, "COMMIT");
}

static void somebody_elses_session_is_not_ended(void **state)
{
    (void)state;
    kit b;
    open_at(url);
    kit_close(&k);
    holder_job job = {.conn = PQconnectdb(url)};
    (void)ask_on(job.conn, "BEGIN; SELECT 1 FROM _etl.streams FOR SHARE");
    (void)ask("UPDATE _etl.runs SET heartbeat_at = now() - interval '1 hour'");
    kit_open(&b, url, 1);
    assert_non_null(eh_loop_timer(b.loop, 1500000, let_go, &job));
    kit_take_over(&b, "run2");
    assert_true(job.alive);
    PQfinish(job.conn);
    kit_close(&b);
}

/* ---- starting -----------------------------------------------------------------------------
 */

static int open_once(void)
{
    eh_err err = {.class_ = EH_OK};
    eh_clock clock = eh_clock_system();
    eh_loop *loop = eh_loop_new(&clock, &err);
    eh_dest *dest = eh_dest_open(url, 1, false, loop, &clock, &err);
    if (dest == NULL) fprintf(stderr, "%s\n", err.message);
    eh_dest_close(dest);
    eh_loop_free(loop);
    return dest != NULL ? 0 : 1;
}

static void many_open_an_empty_database_at_once(void **state)
{
    (void)state;
    enum { CHILDREN = 6 };
    pid_t pids[CHILDREN];
    for (int i = 0; i < CHILDREN; i++) {
        pids[i] = fork();
        if (pids[i] == 0) _exit(open_once());
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_string_equal(ask("SELECT count(*) FROM _etl.meta"), "1");
}

static void fails_with(const char *where, eh_class expected, const char *word)
{
    eh_err err = {.class_ = EH_OK};
    eh_clock clock = eh_clock_system();
    eh_loop *loop = eh_loop_new(&clock, &err);
    assert_null(eh_dest_open(where, 1, false, loop, &clock, &err));
    if (err.class_ != expected || strstr(err.message, word) == NULL)
        fail_msg("%s: %s: %s", where, eh_class_name(err.class_), err.message);
    assert_null(strstr(err.message, "geheim"));
    assert_null(strstr(err.trail, "geheim"));
    eh_loop_free(loop);
}

static void errors_of_opening_have_their_class(void **state)
{
    char where[500];
    (void)state;
    (void)snprintf(where, sizeof where, "%s dbname=nowhere password=geheim", url);
    fails_with(where, EH_CLASS_CONFIG, "\"nowhere\" does not exist");
    (void)snprintf(where, sizeof where, "%s user=nobody9", url);
    fails_with(where, EH_CLASS_AUTH, "\"nobody9\" does not exist");
    fails_with("postgresql://u:geheim@127.0.0.1:1/x", EH_CLASS_TRANSIENT, "refused");
    fails_with("postgresql://u:geheim@127.0.0.1:port/x", EH_CLASS_CONFIG, "port");
    fails_with("host=/nowhere user=x password = geheim oops", EH_CLASS_CONFIG, "url");
    fails_with("host=/nowhere sslmode=perhaps", EH_CLASS_CONFIG, "sslmode");
    (void)ask("CREATE ROLE poor LOGIN");
    (void)snprintf(where, sizeof where, "%s user=poor", url);
    fails_with(where, EH_CLASS_DENIED, "permission denied");
    (void)ask("DROP ROLE poor");
}

static void passwords_are_checked(void **state)
{
    (void)state;
    char where[500];
    char path[128];
    (void)snprintf(path, sizeof path, "%s/data/pg_hba.conf", server.dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("local all locked scram-sha-256\nlocal all all trust\n", file);
    (void)fclose(file);
    (void)ask("CREATE ROLE locked LOGIN PASSWORD 'right'; SELECT pg_reload_conf()");
    until(&k, "SELECT count(*) = 2 FROM pg_hba_file_rules");
    (void)snprintf(where, sizeof where, "%s user=locked password=geheim", url);
    fails_with(where, EH_CLASS_AUTH, "password authentication failed");
    (void)snprintf(where, sizeof where, "%s user=locked", url);
    fails_with(where, EH_CLASS_AUTH, "no password supplied");
    (void)ask("DROP ROLE locked");
}

/* ---- the two ways of printing -------------------------------------------------------------
 */

static void times_as_text_are_spelt_alike(void **state)
{
    (void)state;
    uint64_t x = 88172645463325252u;
    kit_open(&k, url, 1);
    for (int i = 0; i < 2000; i++) {
        char sql[256], stamp[40], day[40], clock[40], expected[160];
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        /* 0001 to 9999; a third without fraction, a third with milliseconds */
        int64_t us = (int64_t)(x % 315537897600u) * 1000000 - 62135596800000000;
        int64_t fraction = (int64_t)((x >> 40) % 1000000);
        us += i % 3 == 0 ? 0 : i % 3 == 1 ? fraction / 1000 * 1000 : fraction;
        int64_t day_us = (int64_t)86400 * 1000000, in_day = ((us % day_us) + day_us) % day_us;
        stamp[eh_print_timestamp(us, true, stamp)] = '\0';
        day[eh_print_date((us - in_day) / day_us, day)] = '\0';
        clock[eh_print_time(in_day, clock)] = '\0';
        (void)snprintf(sql, sizeof sql,
                       "SELECT _etl.as_text(t), _etl.as_text(t::date), _etl.as_text(t::time) "
                       "FROM (SELECT timestamp '1970-01-01' + interval '1 day' * %lld "
                       "+ interval '1 us' * %lld) AS s(t)",
                       (long long)((us - in_day) / day_us), (long long)in_day);
        (void)snprintf(expected, sizeof expected, "%.*s|%s|%s", (int)strlen(stamp) - 1, stamp,
                       day, clock);
        assert_string_equal(ask(sql), expected);
    }
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_database(deadlocks_and_the_like_are_tried_again),
        with_database(trying_again_ends),
        with_database(what_is_not_transient_is_told_at_once),
        with_database(connections_are_lost_between_units),
        with_database(a_backend_ends_in_the_middle_of_a_unit),
        with_database(a_commit_that_never_arrived),
        with_database(a_commit_whose_answer_never_came),
        with_database(a_stuck_lane_is_ended),
        with_database(somebody_elses_session_is_not_ended),
        with_database(many_open_an_empty_database_at_once),
        with_database(errors_of_opening_have_their_class),
        with_database(passwords_are_checked),
        with_database(times_as_text_are_spelt_alike),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
