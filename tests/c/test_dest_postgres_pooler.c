/* The PostgreSQL destination behind PgBouncer in transaction mode: sessions are shared, so
 * nothing may lean on one. */
#include "dest_kit.h"
#include "pg_fixture.h"

enum { POOLER_PORT = 6499 };

static pid_t pooler;
static int pooler_log = -1;

static bool write_config(char *path, size_t size)
{
    (void)snprintf(path, size, "%s/pgbouncer.ini", server.dir);
    FILE *file = fopen(path, "w");
    if (file == NULL) return false;
    /* Two server connections for everybody: lanes and control take turns on them. */
    int n = fprintf(file,
                    "[databases]\n* = host=%s user=postgres\n[pgbouncer]\n"
                    "listen_port = %d\nlisten_addr =\nunix_socket_dir = %s\nauth_type = any\n"
                    "pool_mode = transaction\ndefault_pool_size = 2\nserver_lifetime = 1\n",
                    server.dir, POOLER_PORT, server.dir);
    return fclose(file) == 0 && n > 0;
}

/* Reads the log until the pooler says that it is up. */
static bool is_up(int log)
{
    char seen[8192];
    size_t len = 0;
    while (len + 1 < sizeof seen) {
        ssize_t n = read(log, seen + len, sizeof seen - 1 - len);
        if (n <= 0) break;
        len += (size_t)n;
        seen[len] = '\0';
        if (strstr(seen, "process up") != NULL) return true;
    }
    fprintf(stderr, "the pooler did not start: %.*s\n", (int)len, seen);
    return false;
}

static int start_both(void **state)
{
    char path[128];
    int ends[2];
    if (start_server(state) != 0 || !write_config(path, sizeof path)) return -1;
    char *const argv[] = {(char[]){"/usr/sbin/pgbouncer"}, path, NULL};
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    pooler = pg_spawn(argv, ends[1]);
    close(ends[1]);
    pooler_log = ends[0];
    return pooler > 0 && is_up(pooler_log) ? 0 : -1;
}

static int stop_both(void **state)
{
    if (pooler > 0) {
        /* At once, too; and not SIGQUIT, which it leaves as it inherited it: ignored, when the
         * tests are a shell's background job. */
        kill(pooler, SIGTERM);
        waitpid(pooler, NULL, 0);
    }
    close(pooler_log);
    return stop_server(state);
}

static const char *through(void)
{
    static char where[500];
    (void)snprintf(where, sizeof where, "%s port=%d", url, POOLER_PORT);
    return where;
}

static void a_whole_load(void **state)
{
    (void)state;
    kit k;
    size_t done = 0;
    kit_open(&k, through(), 4);
    kit_take_over(&k, "run1");
    kit_create(&k, (kit_col[]){{"id", EH_TYPE_BIGINT}, {"at", EH_TYPE_TIMESTAMP}}, 2);
    for (int u = 0; u < 12; u++) {
        eh_unit *unit = kit_unit(&k, "sha256:a:1", (uint64_t)u * 5000);
        for (int i = 0; i < 5000; i++) {
            char id[24];
            (void)snprintf(id, sizeof id, "%d", u * 5000 + i);
            kit_add_row(unit, id, "2026-07-01T12:00:00Z");
        }
        kit_ok(eh_dest_submit(k.dest, &k.state, unit, &err));
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
    assert_int_equal(done, 12);
    kit_retype(&k, "at", EH_TYPE_TIMESTAMP, EH_TYPE_TEXT);
    kit_finish(&k);
    kit_close(&k);
    assert_string_equal(ask("SELECT count(*), count(DISTINCT id), min(at), max(at) "
                            "FROM etl.orders"),
                        "60000|60000|2026-07-01T12:00:00Z|2026-07-01T12:00:00Z");
    assert_string_equal(ask("SELECT status, rows_loaded FROM _etl.loads"), "succeeded|60000");
}

/* The pooler hands our pid's wait to another session: blockers are found all the same. */
static void taking_over_from_a_stuck_lane(void **state)
{
    (void)state;
    kit a, b;
    kit_open(&a, through(), 1);
    kit_take_over(&a, "run1");
    kit_create(&a, (kit_col[]){{"id", EH_TYPE_BIGINT}}, 1);
    (void)ask("CREATE UNIQUE INDEX ON etl.orders (id)");
    (void)ask("BEGIN; INSERT INTO etl.orders VALUES (1)");
    eh_unit *unit = kit_unit(&a, "sha256:a:1", 0);
    kit_add_row(unit, "1");
    kit_ok(eh_dest_submit(a.dest, &a.state, unit, &err));
    while (strcmp(ask("SELECT count(*) FROM pg_locks WHERE NOT granted"), "1") != 0)
        kit_ok(eh_loop_turn(a.loop, 10, &err));
    PGconn *other = PQconnectdb(url);
    (void)ask_on(other, "UPDATE _etl.runs SET heartbeat_at = now() - interval '1 hour'");
    kit_open(&b, url, 1); /* past the pooler, whose connections are taken */
    kit_take_over(&b, "run2");
    PQfinish(other);
    (void)ask("ROLLBACK");
    kit_wait(&a, unit);
    assert_int_equal(unit->err.class_, EH_CLASS_CANCELLED);
    kit_free_unit(unit);
    assert_string_equal(ask("SELECT count(*) FROM etl.orders"), "0");
    kit_close(&b);
    kit_close(&a);
}

static void the_pooler_loses_its_servers(void **state)
{
    (void)state;
    kit k;
    kit_open(&k, through(), 1);
    kit_take_over(&k, "run1");
    kit_create(&k, (kit_col[]){{"id", EH_TYPE_BIGINT}}, 1);
    for (int i = 0; i < 3; i++) {
        eh_unit *unit = kit_unit(&k, "sha256:a:1", (uint64_t)i);
        kit_add_row(unit, "1");
        kit_load_well(&k, unit);
        (void)ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                  "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'");
    }
    kit_finish(&k);
    assert_string_equal(ask("SELECT count(*) FROM etl.orders"), "3");
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_database(a_whole_load),
        with_database(taking_over_from_a_stuck_lane),
        with_database(the_pooler_loses_its_servers),
    };
    return cmocka_run_group_tests(tests, start_both, stop_both);
}
