/* The engine without memory, into PostgreSQL: scenes of tests/fixtures/oom/scenes.yaml that are
 * marked for it. What allocates in the same way when they go into SQLite is swept by
 * test_oom_messages.c; here fails what is left, by its call site (oom_sites.h). */
#include "oom_engine.h"

#include "io/libcurl.h"
#include "io/libpq.h"
#include "oom_sqlite.h"

#include "pg_fixture.h"

static const char *ask_server(oe *e, const char *sql)
{
    (void)e;
    PGresult *result = PQexec(admin, sql); /* a table may not be there yet */
    static char answer[1024];
    (void)snprintf(answer, sizeof answer, "%s",
                   PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return answer;
}

/* Nothing is kept: the runs that prepare a scene are made again. */
static void reset_server(oe *e)
{
    (void)ask("SET client_min_messages = error; SET search_path = etl; "
              "DROP SCHEMA IF EXISTS etl CASCADE; DROP SCHEMA IF EXISTS _etl CASCADE");
    oe_empty(e);
    if (e->scene_doc == NULL) return;
    const eh_doc *before = eh_doc_get(e->scene_doc, "before");
    for (const eh_doc *b = eh_doc_first(before); b != NULL; b = b->next)
        oe_must_run(e, oe_spec(e, b));
}

static void keep_nothing(oe *e)
{
    (void)e;
}

static void scenes(void **state)
{
    (void)state;
    static oe lite = {.reset = oe_reset_file, .keep = oe_keep_file, .ask = oe_ask_file};
    static oe e = {.reset = reset_server, .keep = keep_nothing, .ask = ask_server};
    e.all_after = getenv("EH_OOM_AFTER") != NULL;
    char destination[512];
    oe_open(&lite, NULL);
    oe_each_scene(&lite, "postgres", oe_note_scene);
    oe_close(&lite);
    (void)snprintf(destination, sizeof destination, "postgres:///t1?host=%s&user=postgres",
                   server.dir);
    oe_open(&e, destination);
    oe_each_scene(&e, "postgres", oe_sweep_scene);
    oe_close(&e);
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "--jail") == 0) return eh_jail_main(argv[2]);
    oe_begin();
    eh_libpq pq;
    if (!eh_libpq_load(&pq, NULL)) return 1;
    const struct CMUnitTest tests[] = {with_database(scenes)};
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
