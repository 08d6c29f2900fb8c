/* io/pgerror.c: what a PostgreSQL server says, as a class and a message for a person. */
#include "io/pgconn_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- SQLSTATE to class: the one table --------------------------------------------------- */

typedef struct state_class {
    const char *state; /* five characters, or the two of a whole class */
    eh_class class_;
} state_class;

/* PostgreSQL manual, appendix A. The longer entry wins; the order is by code. */
static const state_class states[] = {
    {"08", EH_CLASS_TRANSIENT},    /* connection exception */
    {"0A", EH_CLASS_DESTINATION},  /* feature not supported */
    {"22", EH_CLASS_DATA},         /* data exception */
    {"22P04", EH_CLASS_BUG},       /* bad COPY format: our encoding */
    {"23", EH_CLASS_DATA},         /* integrity constraint violation */
    {"25", EH_CLASS_BUG},          /* invalid transaction state */
    {"25006", EH_CLASS_TRANSIENT}, /* read only: a standby; the primary may be elsewhere */
    {"25P03", EH_CLASS_TRANSIENT}, /* idle in transaction for too long */
    {"26", EH_CLASS_TRANSIENT},    /* no such prepared statement: a pooler's session */
    {"28", EH_CLASS_AUTH},         /* invalid authorization */
    {"3D", EH_CLASS_CONFIG},       /* no such database */
    {"3F", EH_CLASS_CONFIG},       /* no such schema */
    {"40", EH_CLASS_TRANSIENT},    /* rollback: serialization, deadlock */
    {"42", EH_CLASS_DESTINATION},  /* syntax or rule: what is there is not what we think */
    {"42501", EH_CLASS_DENIED},    /* insufficient privilege */
    {"42P05", EH_CLASS_TRANSIENT}, /* such a prepared statement is there: a pooler's session */
    {"42601", EH_CLASS_BUG},       /* syntax error */
    {"42701", EH_CLASS_TRANSIENT}, /* duplicate column: somebody else was first */
    {"42710", EH_CLASS_TRANSIENT}, /* duplicate object */
    {"42P06", EH_CLASS_TRANSIENT}, /* duplicate schema */
    {"42P07", EH_CLASS_TRANSIENT}, /* duplicate table */
    {"44", EH_CLASS_DATA},         /* WITH CHECK OPTION */
    {"53", EH_CLASS_TRANSIENT},    /* insufficient resources: disk, memory, connections */
    {"53400", EH_CLASS_CONFIG},    /* configured limit exceeded */
    {"54", EH_CLASS_DATA},         /* program limit: a row or an index entry is too big */
    {"54011", EH_CLASS_CONFIG},    /* too many columns */
    {"55006", EH_CLASS_TRANSIENT}, /* object in use */
    {"55P03", EH_CLASS_TRANSIENT}, /* lock not available */
    {"57014", EH_CLASS_TRANSIENT}, /* cancelled: a time limit */
    {"57P", EH_CLASS_TRANSIENT},   /* shut down, crashed, starting */
    {"57P04", EH_CLASS_CONFIG},    /* the database was dropped */
    {"58", EH_CLASS_TRANSIENT},    /* system error: i/o */
    {"P0001", EH_CLASS_DATA},      /* raised by a trigger */
};

eh_class eh_pg_class(const char *sqlstate)
{
    eh_class found = EH_CLASS_DESTINATION;
    size_t best = 0;
    if (sqlstate == NULL || sqlstate[0] == '\0') return EH_CLASS_TRANSIENT;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        size_t len = strlen(states[i].state);
        if (len <= best || strncmp(states[i].state, sqlstate, len) != 0) continue;
        found = states[i].class_;
        best = len;
    }
    return found;
}

/* ---- hints ------------------------------------------------------------------------------ */

static void add_hint(eh_err *err)
{
    /* The same state as a missing privilege, another cure; in English only. */
    if (strstr(err->message, "row-level security policy") != NULL)
        (void)eh_err_hint(err, "a policy of the table refuses the row: CREATE POLICY ... FOR "
                               "INSERT TO the loader WITH CHECK (...), or give the loader "
                               "BYPASSRLS");
    static const struct {
        const char *state, *hint;
    } hints[] = {
        {"28P01", "the password is wrong: look at the secret that the destination names"},
        {"28000", "the server does not let this user in from here (pg_hba.conf)"},
        {"3D000", "create the database first, or mend its name in the destination's url"},
        {"42501",
         "grant the loader what it needs: USAGE on the schema (CREATE too, and on the "
         "database for a new one), and SELECT, INSERT, UPDATE and DELETE on its tables"},
        {"53100", "the server's disk is full"},
        {"53300", "the server has no connection left: use fewer lanes, or a pooler"},
        {"55P03", "another session holds a lock on this table or stream for long"},
        {"25006", "this server only reads: name the primary in the url"},
        {"XX001", "the server says that its data is damaged: load nothing before somebody has "
                  "looked at it"},
        {"XX002", "the server says that an index is damaged: load nothing before somebody has "
                  "looked at it"},
        {"53400", "a limit of the server's configuration is reached"},
    };
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (strcmp(err->sqlstate, hints[i].state) == 0)
            (void)eh_err_hint(err, "%s", hints[i].hint);
}

/* ---- words without a code of their own ------------------------------------------------------
 */

typedef struct words_class {
    const char *words;
    eh_class class_;
    const char *hint; /* NULL: none */
} words_class;

#define FEWER                                                                                  \
    "the pooler has no connection left: lower max_connections of the connection in "           \
    "etlhost.yaml, or raise the pooler's limit"
#define BUSY "the pooler had no server connection free for long: look at what is running"
#define CERTIFICATE                                                                            \
    "name the root certificate in the url: sslrootcert=/etc/ssl/certs/ca-certificates.crt "    \
    "(libpq 16 and later: sslrootcert=system) for a public authority, or sslrootcert=FILE "    \
    "for one of its own; Supabase's is in its database settings, under SSL configuration. "    \
    "Where the network is to be trusted: sslmode=require"

/* What poolers say with the code of something else: PgBouncer 08P01 for nearly everything,
 * Supavisor XX000, pgcat 58000. Such a code without these words keeps its class. The first that
 * fits counts. */
static const words_class pooler_words[] = {
    /* PgBouncer */
    {"no more connections allowed", EH_CLASS_TRANSIENT, FEWER},
    {"query_wait_timeout", EH_CLASS_TRANSIENT, BUSY},
    {"no such database", EH_CLASS_CONFIG, "the pooler's configuration has no such database"},
    {"no such user", EH_CLASS_AUTH, "the pooler's auth_file or auth_query has no such user"},
    {"authentication failed", EH_CLASS_AUTH,
     "the password is wrong: look at the secret that the destination names"},
    {"login rejected", EH_CLASS_AUTH, "the pooler does not let this user in from here"},
    {"unsupported startup parameter", EH_CLASS_CONFIG,
     "take `options` out of the url, or name the parameter in ignore_startup_parameters of "
     "pgbouncer.ini"},
    {"bouncer config error", EH_CLASS_CONFIG, NULL},
    {"SSL required", EH_CLASS_CONFIG, "the pooler wants TLS: take sslmode out of the url"},
    /* Supavisor, as Supabase runs it; newer ones say it in the second way */
    {"Tenant or user not found", EH_CLASS_CONFIG,
     "Supabase's pooler wants the user as USER.PROJECT, and the host of the project's region"},
    {"tenant/user ", EH_CLASS_CONFIG,
     "Supabase's pooler wants the user as USER.PROJECT, and the host of the project's region"},
    {"Max client connections reached", EH_CLASS_TRANSIENT, FEWER},
    {"max clients reached", EH_CLASS_TRANSIENT, FEWER},
    {"Max pools count reached", EH_CLASS_TRANSIENT, FEWER},
    {"Unable to check out", EH_CLASS_TRANSIENT, BUSY},
    {"checkout timeout", EH_CLASS_TRANSIENT, BUSY},
    {"DbHandler exited", EH_CLASS_TRANSIENT, NULL},
    {"connection to database closed", EH_CLASS_TRANSIENT, NULL},
    {"temporarily blocked", EH_CLASS_THROTTLED,
     "the pooler has seen too many failures and lets nobody in for some minutes"},
    {"Authentication error", EH_CLASS_AUTH, "look at the user and the password of the url"},
    {"SSL connection is required", EH_CLASS_CONFIG,
     "the pooler wants TLS: take sslmode out of the url"},
    {"allow_list", EH_CLASS_DENIED, "the project does not let this machine's address in"},
    /* pgcat */
    {"No pool configured", EH_CLASS_CONFIG, "the pooler's configuration has no such database"},
    {"Invalid password", EH_CLASS_AUTH,
     "the password is wrong: look at the secret that the destination names"},
};

/* What libpq itself says of TLS and passwords, before there is a server's word. */
static const words_class libpq_words[] = {
    {"root certificate file", EH_CLASS_CONFIG, CERTIFICATE},
    {"certificate verify failed", EH_CLASS_CONFIG, CERTIFICATE},
    {"does not match host name", EH_CLASS_CONFIG,
     "the certificate is another server's: name the host as the certificate does"},
    {"server does not support SSL", EH_CLASS_CONFIG,
     "the connection to a server elsewhere is encrypted unless the url says otherwise: where "
     "the network is to be trusted, sslmode=disable"},
    {"weak sslmode", EH_CLASS_CONFIG,
     "take sslmode out of the url: verify-full is the default"},
    {"no password supplied", EH_CLASS_AUTH,
     "put the password into the url, into PGPASSWORD, or into ~/.pgpass"},
};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const words_class *find_words(const words_class *list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(text, list[i].words) != NULL) return &list[i];
    return NULL;
}

/* The class of a code and a text. *hint is NULL when the text has none of its own. */
static eh_class judge(const char *state, const char *text, const char **hint)
{
    static const char *const vague[] = {"08", "XX000", "58000"};
    const words_class *found = NULL;
    if (state[0] == '\0') found = find_words(libpq_words, COUNT(libpq_words), text);
    for (size_t i = 0; found == NULL && i < COUNT(vague); i++)
        if (strncmp(state, vague[i], strlen(vague[i])) == 0)
            found = find_words(pooler_words, COUNT(pooler_words), text);
    *hint = found != NULL ? found->hint : NULL;
    return found != NULL ? found->class_ : eh_pg_class(state);
}

/* ---- errors of statements --------------------------------------------------------------- */

static void copy_field(const eh_pgconn *conn, const PGresult *result, int field, char *out,
                       size_t size)
{
    const char *text = conn->pq.resultErrorField(result, field);
    (void)snprintf(out, size, "%s", text != NULL ? text : "");
}

void eh_pg_fail_result(eh_pgconn *conn, const PGresult *result)
{
    eh_err *err = &conn->err;
    if (err->class_ != EH_OK) return;
    char message[512], detail[384];
    copy_field(conn, result, PG_DIAG_MESSAGE_PRIMARY, message, sizeof message);
    copy_field(conn, result, PG_DIAG_MESSAGE_DETAIL, detail, sizeof detail);
    copy_field(conn, result, PG_DIAG_SQLSTATE, err->sqlstate, sizeof err->sqlstate);
    copy_field(conn, result, PG_DIAG_COLUMN_NAME, conn->column, sizeof conn->column);
    eh_pg_constraint *about = &conn->constraint;
    copy_field(conn, result, PG_DIAG_CONSTRAINT_NAME, about->name, sizeof about->name);
    copy_field(conn, result, PG_DIAG_SCHEMA_NAME, about->schema, sizeof about->schema);
    copy_field(conn, result, PG_DIAG_TABLE_NAME, about->table, sizeof about->table);
    const char *context = conn->pq.resultErrorField(result, PG_DIAG_CONTEXT);
    free(conn->context);
    conn->context = context != NULL ? strdup(context) : NULL;
    if (message[0] == '\0') { /* made by libpq itself: the connection is gone */
        eh_pg_fail_connection(conn, "talking to");
        return;
    }
    char state[sizeof err->sqlstate];
    const char *hint;
    memcpy(state, err->sqlstate, sizeof state);
    (void)eh_fail(err, judge(state, message, &hint), "%s%s%s%s", message, detail[0] ? " (" : "",
                  detail, detail[0] ? ")" : "");
    memcpy(err->sqlstate, state, sizeof state);
    if (hint != NULL) (void)eh_err_hint(err, "%s", hint);
    add_hint(err);
}

/* ---- errors of connections -------------------------------------------------------------- */

/* libpq gives no SQLSTATE for a refused connection but in its verbose text:
 * "... failed: FATAL:  28P01: password authentication failed for user "x"". */
static void take_state(const char *text, char *state)
{
    for (const char *p = text; (p = strstr(p, ":  ")) != NULL; p++) {
        const char *code = p + 3;
        if (strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5 || code[5] != ':')
            continue;
        memcpy(state, code, 5);
        state[5] = '\0';
        return;
    }
}

/* The first line, without the address, which is in the message already. */
static void first_line(const char *text, char *out, size_t size)
{
    const char *failed = strstr(text, " failed: ");
    if (failed != NULL) text = failed + strlen(" failed: ");
    (void)snprintf(out, size, "%.*s", (int)strcspn(text, "\n"), text);
}

void eh_pg_fail_connection(eh_pgconn *conn, const char *doing)
{
    const char *text = conn->pg != NULL ? conn->pq.errorMessage(conn->pg) : "";
    char state[6] = "", line[512];
    take_state(text, state);
    first_line(text, line, sizeof line);
    if (line[0] == '\0') (void)snprintf(line, sizeof line, "the connection was lost");
    const char *hint;
    eh_class class_ = judge(state, text, &hint);
    if (strncmp(text, "invalid ", 8) == 0) class_ = EH_CLASS_CONFIG; /* "invalid port number" */
    (void)eh_fail(&conn->err, class_, "%s %s: %s", doing, conn->where, line);
    memcpy(conn->err.sqlstate, state, sizeof state);
    if (hint != NULL) (void)eh_err_hint(&conn->err, "%s", hint);
    add_hint(&conn->err);
    if (class_ == EH_CLASS_TRANSIENT && state[0] == '\0')
        (void)eh_err_hint(&conn->err, "is the server running, and is the address right?");
}

/* ---- where in a COPY -------------------------------------------------------------------- */

/* The context of an error has one line a caller; COPY's own is "COPY table, line 7, column id:
 * ..." in English only. Another language gives 0, and the row is found by halving instead. */
int64_t eh_pgconn_error_row(const eh_pgconn *conn, const char *table)
{
    char start[96];
    int len = snprintf(start, sizeof start, "COPY %s, line ", table);
    if (len < 0 || (size_t)len >= sizeof start) return 0;
    for (const char *p = conn->context; p != NULL; p = strchr(p, '\n')) {
        if (*p == '\n') p++;
        if (strncmp(p, start, (size_t)len) != 0) continue;
        char *end;
        int64_t row = (int64_t)strtoll(p + len, &end, 10);
        return row > 0 && (*end == ',' || *end == ':' || *end == '\0' || *end == '\n') ? row
                                                                                       : 0;
    }
    return 0;
}

const char *eh_pgconn_error_column(const eh_pgconn *conn)
{
    return conn->column;
}

const eh_pg_constraint *eh_pgconn_error_constraint(const eh_pgconn *conn)
{
    return &conn->constraint;
}
