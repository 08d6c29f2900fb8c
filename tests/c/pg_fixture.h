/* What the tests of the PostgreSQL destination share: a server a program, a database a test,
 * and a way to ask it. Include it in one file of a test program, after dest_kit.h. */
#ifndef PG_FIXTURE_H
#define PG_FIXTURE_H

#include "pg_server.h"

static pg_server server;
static PGconn *admin;
static char url[400];

static int start_server(void **state)
{
    (void)state;
    return pg_server_start(&server) ? 0 : -1;
}

static int stop_server(void **state)
{
    (void)state;
    pg_server_stop(&server);
    return 0;
}

/* All of a query's answer: columns by "|", rows by "\n". */
static const char *ask_on(PGconn *conn, const char *sql)
{
    static char answer[8192];
    PGresult *result = PQexec(conn, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    size_t at = 0;
    answer[0] = '\0';
    for (int r = 0; r < PQntuples(result); r++)
        for (int c = 0; c < PQnfields(result); c++)
            at += (size_t)snprintf(answer + at, sizeof answer - at, "%s%s",
                                   c > 0   ? "|"
                                   : r > 0 ? "\n"
                                           : "",
                                   PQgetvalue(result, r, c));
    PQclear(result);
    return answer;
}

static const char *ask(const char *sql)
{
    return ask_on(admin, sql);
}

/* Every test has a database of its own. */
static int make_database(void **state)
{
    (void)state;
    static int number;
    char sql[64];
    PGconn *first = PQconnectdb(server.url);
    if (PQstatus(first) != CONNECTION_OK) return -1;
    (void)snprintf(sql, sizeof sql, "CREATE DATABASE t%d", ++number);
    (void)ask_on(first, sql);
    PQfinish(first);
    (void)snprintf(url, sizeof url, "%s dbname=t%d", server.url, number);
    admin = PQconnectdb(url);
    return PQstatus(admin) == CONNECTION_OK ? 0 : -1;
}

static int drop_database(void **state)
{
    (void)state;
    PQfinish(admin);
    admin = NULL;
    return 0;
}

#define with_database(test) cmocka_unit_test_setup_teardown(test, make_database, drop_database)

#endif
