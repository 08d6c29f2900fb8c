/* What goes wrong between etlhost and a PostgreSQL server, and that nothing is lost or doubled.
 */
#include "data/convert.h"
#include "dest_kit.h"
#include "io/pgconn.h"
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

/* The eight bytes of the bigint 5 are a numeric, too: 0.00000. */
static void a_column_changes_under_a_load(void **state)
{
    (void)state;
    open_at(url);
    kit_load_well(&k, fill(&k, 0, 10));
    (void)ask("ALTER TABLE etl.orders ADD COLUMN more text"); /* is no harm */
    kit_load_well(&k, fill(&k, 10, 10));
    (void)ask("ALTER TABLE etl.orders ALTER COLUMN id TYPE numeric");
    eh_unit *unit = fill(&k, 20, 10);
    kit_load(&k, unit);
    assert_int_equal(unit->err.class_, EH_CLASS_TRANSIENT);
    assert_non_null(strstr(unit->err.message, "column id, which was bigint"));
    kit_free_unit(unit);
    (void)ask("ALTER TABLE etl.orders DROP COLUMN more");
    kit_encoder(&k);
    kit_load_well(&k, fill(&k, 20, 10));
    assert_string_equal(ask("SELECT count(*), sum(id) FROM etl.orders"), "30|435");
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

static void a_server_restarts(void **state)
{
    (void)state;
    if (server.pid <= 0) skip(); /* not ours to stop */
    open_at(url);
    kit_load_well(&k, fill(&k, 0, 10));
    PQfinish(admin);
    (void)kill(server.pid, SIGINT);
    (void)waitpid(server.pid, NULL, 0);
    close(server.log);
    eh_unit *unit = fill(&k, 10, 10);
    kit_ok(eh_dest_submit(k.dest, &k.state, unit, &err));
    for (int i = 0; i < 20; i++) kit_ok(eh_loop_turn(k.loop, 10, &err));
    assert_int_equal(eh_dest_busy_lanes(k.dest), 1); /* it goes on trying */
    assert_true(pg_launch(&server));
    kit_wait(&k, unit);
    assert_int_equal(unit->err.class_, EH_OK);
    kit_free_unit(unit);
    kit_finish(&k);
    kit_close(&k);
    admin = PQconnectdb(url);
    assert_string_equal(ask("SELECT count(*), sum(id) FROM etl.orders"), "20|190");
}

static void every_state_has_its_class(void **state)
{
    static const struct {
        const char *sqlstate;
        eh_class class_;
    } cases[] = {
        {"08006", EH_CLASS_TRANSIENT},   {"22003", EH_CLASS_DATA},
        {"22P04", EH_CLASS_BUG},         {"23505", EH_CLASS_DATA},
        {"25006", EH_CLASS_TRANSIENT},   {"28P01", EH_CLASS_AUTH},
        {"3D000", EH_CLASS_CONFIG},      {"40001", EH_CLASS_TRANSIENT},
        {"40P01", EH_CLASS_TRANSIENT},   {"42501", EH_CLASS_DENIED},
        {"42P01", EH_CLASS_DESTINATION}, {"42P07", EH_CLASS_TRANSIENT},
        {"44000", EH_CLASS_DATA},        {"53100", EH_CLASS_TRANSIENT},
        {"53400", EH_CLASS_CONFIG},      {"54000", EH_CLASS_DATA},
        {"54011", EH_CLASS_CONFIG},      {"55P03", EH_CLASS_TRANSIENT},
        {"57014", EH_CLASS_TRANSIENT},   {"57P01", EH_CLASS_TRANSIENT},
        {"57P04", EH_CLASS_CONFIG},      {"58030", EH_CLASS_TRANSIENT},
        {"P0001", EH_CLASS_DATA},        {"XX001", EH_CLASS_DESTINATION},
        {"", EH_CLASS_TRANSIENT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (eh_pg_class(cases[i].sqlstate) != cases[i].class_)
            fail_msg("%s is %s", cases[i].sqlstate,
                     eh_class_name(eh_pg_class(cases[i].sqlstate)));
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
    /* The lane has the stream's row when it comes upon a row that waits for somebody. */
    (void)ask("CREATE UNIQUE INDEX ON etl.orders (id)");
    (void)ask_on(holder, "BEGIN; INSERT INTO etl.orders VALUES (5)");
    eh_unit *unit = fill(&k, 0, 10);
    kit_ok(eh_dest_submit(k.dest, &k.state, unit, &err));
    until(&k, "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)");
    kit_open(&b, url, 1);
    (void)ask("UPDATE _etl.runs SET heartbeat_at = now() - interval '1 hour'");
    kit_take_over(&b, "run2"); /* waits for the lane, then ends it */
    assert_int_equal(b.state.epoch, k.state.epoch + 1);
    (void)ask_on(holder, "ROLLBACK");
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

/* ---- signs of life ------------------------------------------------------------------------
 */

static int64_t hurried_us;

/* A clock on which a quarter of a second passes whenever somebody looks. */
static int64_t hurry(void *self)
{
    (void)self;
    return hurried_us += 250000;
}

static const char *const is_fresh = "SELECT heartbeat_at > now() - interval '1 minute' "
                                    "FROM _etl.runs";
static const char *const make_stale =
    "UPDATE _etl.runs SET heartbeat_at = now() - interval '1 hour'";

static void an_idle_run_says_that_it_is_alive(void **state)
{
    (void)state;
    kit_open_with(&k, url, 1, (eh_clock){hurry, hurry, NULL});
    kit_take_over(&k, "run1");
    for (int i = 0; i < 2; i++) {
        (void)ask(make_stale);
        until(&k, is_fresh);
        (void)ask(end_all); /* it connects again */
    }
    kit_close(&k);
}

typedef struct beat_job {
    eh_loop *loop;
    PGconn *holder;
} beat_job;

static void let_go_when_fresh(void *self)
{
    beat_job *job = self;
    if (strcmp(ask(is_fresh), "t") == 0)
        (void)ask_on(job->holder, "COMMIT");
    else
        assert_non_null(eh_loop_timer(job->loop, 250000, let_go_when_fresh, job));
}

static void a_run_that_waits_for_long_says_so_too(void **state)
{
    (void)state;
    kit_open_with(&k, url, 1, (eh_clock){hurry, hurry, NULL});
    kit_take_over(&k, "run1");
    kit_create(&k, (kit_col[]){{"id", EH_TYPE_BIGINT}}, 1);
    beat_job job = {k.loop, PQconnectdb(url)};
    (void)ask_on(job.holder, "BEGIN; LOCK TABLE etl.orders");
    (void)ask(make_stale);
    assert_non_null(eh_loop_timer(k.loop, 250000, let_go_when_fresh, &job));
    kit_retype(&k, "id", EH_TYPE_BIGINT, EH_TYPE_NUMERIC);
    PQfinish(job.holder);
    kit_close(&k);
}

/* ---- at the same time ---------------------------------------------------------------------
 */

/* One of many that write one table, each its own stream, and all want the same columns. */
static int extend_table(int number)
{
    char run_id[16], own[16];
    kit one;
    eh_err err = {.class_ = EH_OK};
    kit_open(&one, url, 1);
    (void)snprintf(run_id, sizeof run_id, "run%d", number);
    (void)snprintf(own, sizeof own, "own%d", number);
    eh_stream_key key = kit_key(&one);
    eh_run_info run = kit_run(run_id);
    key.client = run_id;
    eh_change changes[] = {{.kind = EH_CHANGE_CREATE_TABLE},
                           kit_add("a", EH_TYPE_BIGINT),
                           kit_add("b", EH_TYPE_TEXT),
                           kit_add(own, EH_TYPE_DATE)};
    bool ok = eh_dest_take_over(one.dest, &key, &run, &one.state, &err) &&
              eh_dest_change(one.dest, &one.state, "etl", "orders", changes, 4, &err);
    if (!ok) fprintf(stderr, "%s: %s\n", eh_class_name(err.class_), err.message);
    kit_close(&one);
    return ok ? 0 : 1;
}

static void fork_many(int (*fn)(int number))
{
    enum { CHILDREN = 6 };
    pid_t pids[CHILDREN];
    for (int i = 0; i < CHILDREN; i++) {
        pids[i] = fork();
        if (pids[i] == 0) _exit(fn(i));
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
}

static void many_change_one_table_at_once(void **state)
{
    (void)state;
    fork_many(extend_table);
    assert_string_equal(ask("SELECT count(*) FROM pg_attribute "
                            "WHERE attrelid = 'etl.orders'::regclass AND attnum > 0"),
                        "8");
    assert_string_equal(ask("SELECT count(*), count(DISTINCT column_name) FROM _etl.columns"),
                        "8|8");
}

static void closing_in_the_middle_of_a_unit(void **state)
{
    (void)state;
    open_at(url);
    eh_unit *unit = fill(&k, 0, 100000);
    kit_ok(eh_dest_submit(k.dest, &k.state, unit, &err));
    kit_ok(eh_loop_turn(k.loop, 10, &err));
    eh_dest_close(k.dest);
    k.dest = NULL;
    kit_free_unit(unit);
    while (
        strcmp(ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'etlhost'"),
               "0") != 0)
        continue;
    assert_string_equal(ask("SELECT (SELECT count(*) FROM etl.orders) = "
                            "(SELECT coalesce(sum(rows), 0) FROM _etl.units)"),
                        "t");
    kit_close(&k);
}

/* ---- starting -----------------------------------------------------------------------------
 */

static int open_once(int number)
{
    (void)number;
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
    fork_many(open_once);
    assert_string_equal(ask("SELECT count(*) FROM _etl.meta"), "1");
}

static void reading_only_makes_nothing(void **state)
{
    (void)state;
    eh_err failure = {.class_ = EH_OK};
    eh_clock clock = eh_clock_system();
    eh_loop *loop = eh_loop_new(&clock, &failure);
    eh_arena *arena = eh_arena_new((size_t)1024 * 1024);
    eh_table_info info;
    eh_doc *rows;
    (void)ask("CREATE TABLE public.t (a int, b text)");
    eh_dest *dest = eh_dest_open(url, 1, true, loop, &clock, &failure);
    assert_non_null(dest);
    kit_ok(eh_dest_describe(dest, NULL, "public", "t", arena, &info, &err));
    assert_int_equal(info.count, 2);
    kit_ok(eh_dest_describe(dest, NULL, "etl", "t", arena, &info, &err));
    assert_false(info.exists);
    kit_fails(
        eh_dest_query(dest, "stream_list", (const char *[3]){NULL}, 3, arena, &rows, &err),
        EH_CLASS_NOT_FOUND);
    assert_string_equal(ask("SELECT count(*) FROM pg_namespace WHERE nspname = '_etl'"), "0");
    eh_dest_close(dest);
    eh_arena_free(arena);
    eh_loop_free(loop);
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
    fails_with("mysql://u:geheim@h/x", EH_CLASS_CONFIG, "mysql:// is no destination");
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
        with_database(a_column_changes_under_a_load),
        with_database(connections_are_lost_between_units),
        with_database(a_backend_ends_in_the_middle_of_a_unit),
        with_database(a_server_restarts),
        cmocka_unit_test(every_state_has_its_class),
        with_database(a_commit_that_never_arrived),
        with_database(a_commit_whose_answer_never_came),
        with_database(a_stuck_lane_is_ended),
        with_database(somebody_elses_session_is_not_ended),
        with_database(an_idle_run_says_that_it_is_alive),
        with_database(a_run_that_waits_for_long_says_so_too),
        with_database(many_change_one_table_at_once),
        with_database(closing_in_the_middle_of_a_unit),
        with_database(many_open_an_empty_database_at_once),
        with_database(reading_only_makes_nothing),
        with_database(errors_of_opening_have_their_class),
        with_database(passwords_are_checked),
        with_database(times_as_text_are_spelt_alike),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
