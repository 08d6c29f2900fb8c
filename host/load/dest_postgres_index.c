/* load/dest_postgres_index.c: the unique index of a key.
 *
 * Without it two runs could both insert a row that neither sees, and no ON CONFLICT would stop
 * them. It is looked for by its columns: any unique index on them serves. It is made in a short
 * fenced transaction; on a large table beside those who write to it, in none. */
#include "base/fault.h"
#include "load/dest_postgres.h"
#include "load/dest_sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SQL_MAX ((size_t)1024 * 1024)
/* Of a large table that is there. */
#define INDEX_MINUTES 120
#define ALONE_TRIES   3

typedef struct key_job {
    const eh_stream_state *state;
    const char *schema;
    const char *table;
    bool history;
    eh_buf list; /* "a", "b" */
    eh_buf json; /* ["a","b"] */
    bool twice;  /* the table has keys that are there twice */
    bool later;  /* the table is large: the index is to be made outside of a transaction */
    char name[64];
    char versions[64]; /* of a history: the other index */
} key_job;

static bool list_keys(key_job *job, const eh_column_info *columns, const eh_put *put,
                      eh_err *err)
{
    for (size_t i = 0; i < put->key_count; i++) {
        const char *name = columns[put->keys[i]].name;
        if ((i > 0 && !eh_buf_append_str(&job->list, ", ", err)) ||
            !eh_sql_identifier(&job->list, name, err) ||
            !eh_buf_append_byte(&job->json, i == 0 ? '[' : ',', err) ||
            !eh_buf_append_json(&job->json, eh_slice_str(name), err))
            return false;
    }
    if (!eh_buf_append_byte(&job->json, ']', err)) return false;
    return (eh_buf_cstr(&job->list) != NULL && eh_buf_cstr(&job->json) != NULL) ||
           eh_fail_memory(err, "a statement");
}

/* Of a history the key is unique among the versions that are valid now. */
static const char *open_only(const key_job *job)
{
    return job->history ? " WHERE _valid_to IS NULL" : "";
}

static bool make(eh_pg *pg, key_job *job, bool room, eh_err *err)
{
    eh_sql_var vars[] = {{"schema", job->schema},
                         {"table", job->table},
                         {"keys", job->list.data},
                         {"open", open_only(job)}};
    if (!eh_pg_run_spliced(pg, "table_has_rows", vars, 3, err)) return false;
    bool has_rows = eh_pgconn_bool(pg->control, 0, 0);
    if (room && !has_rows && !eh_pg_run_spliced(pg, "key_room", vars, 3, err)) return false;
    if (eh_pg_run_spliced(pg, job->history ? "key_index_history" : "key_index_make", vars, 4,
                          err))
        return true;
    job->twice = strcmp(err->sqlstate, "23505") == 0;
    if (strcmp(err->sqlstate, "42501") == 0)
        eh_err_hint(err, "let its owner create a unique index on (%s)", job->list.data);
    return false;
}

/* ---- a large table ---------------------------------------------------------------------- */

static bool name_indexes(const eh_pg *pg, key_job *job, eh_err *err)
{
    const char *name = eh_pgconn_value(pg->control, 0, 4);
    if (name == NULL) return eh_fail(err, EH_CLASS_BUG, "an index without a name");
    (void)snprintf(job->name, sizeof job->name, "%s", name);
    (void)snprintf(job->versions, sizeof job->versions, "%s_versions", name);
    return true;
}

/* While somebody is at work at one of them, that waits, and fails as transient. */
static bool drop_leftovers(eh_pg *pg, const key_job *job, eh_err *err)
{
    char *statements[2] = {NULL, NULL};
    eh_pg_args args = {.count = 0};
    eh_pg_arg_str(&args, job->schema);
    eh_pg_arg_str(&args, job->name);
    bool ok = eh_pg_run(pg, "key_leftovers", &args, err);
    for (int i = 0; ok && i < eh_pgconn_rows(pg->control) && i < 2; i++) {
        statements[i] = strdup(eh_pgconn_value(pg->control, i, 0));
        if (statements[i] == NULL) ok = eh_fail_memory(err, "a statement");
    }
    for (int i = 0; i < 2; i++) {
        if (ok && statements[i] != NULL) {
            eh_pgconn_query(pg->control, statements[i], NULL, NULL);
            ok = eh_pgconn_wait(pg->control, err);
        }
        free(statements[i]);
    }
    return ok;
}

static bool drop_body(eh_pg *pg, void *self, eh_err *err)
{
    return drop_leftovers(pg, self, err);
}

static bool make_alone(eh_pg *pg, key_job *job, eh_err *err)
{
    eh_sql_var vars[] = {{"schema", job->schema},
                         {"table", job->table},
                         {"keys", job->list.data},
                         {"open", open_only(job)},
                         {"index", job->versions}};
    eh_err failure = {.class_ = EH_OK};
    pg->controlling = true; /* the heartbeat waits */
    bool ok =
        !job->history || eh_pg_run_spliced(pg, "key_index_alone_history", vars, 5, &failure);
    vars[4].value = job->name;
    ok = ok && eh_pg_run_spliced(pg, "key_index_alone", vars, 5, &failure);
    pg->controlling = false;
    if (ok) return true;
    job->twice = strcmp(failure.sqlstate, "23505") == 0;
    if (strcmp(failure.sqlstate, "42501") == 0)
        (void)eh_err_hint(&failure, "let its owner create a unique index on (%s)",
                          job->list.data);
    if (strcmp(failure.sqlstate, "57014") == 0)
        (void)eh_err_hint(&failure,
                          "the role's statement_timeout is too short for an index on "
                          "%s.%s",
                          job->schema, job->table);
    /* What is left of it is of no use to anybody; the next run looks for it, too. */
    eh_err ignored = {.class_ = EH_OK};
    if (!eh_pg_transact(pg, 1, drop_body, job, &ignored)) eh_err_clear(&ignored);
    *err = failure;
    return false;
}

static bool key_body(eh_pg *pg, void *self, eh_err *err)
{
    key_job *job = self;
    eh_pg_args args = {.count = 0};
    job->twice = job->later = false;
    eh_pg_arg_str(&args, job->schema);
    eh_pg_arg_str(&args, job->table);
    if (!eh_pg_fence(pg, job->state, err) || !eh_pg_run(pg, "change_lock", &args, err))
        return false;
    eh_pg_arg_str(&args, job->json.data);
    eh_pg_arg_str(&args, job->history ? "true" : "false");
    if (!eh_pg_run(pg, "key_index", &args, err)) return false;
    if (eh_pgconn_bool(pg->control, 0, 2)) pg->odd_keys = true;
    if (eh_pgconn_bool(pg->control, 0, 0)) return true;
    job->later = eh_pgconn_bool(pg->control, 0, 3);
    if (job->later) return name_indexes(pg, job, err) && drop_leftovers(pg, job, err);
    if (!make(pg, job, eh_pgconn_bool(pg->control, 0, 1), err)) return false;
    EH_FAULT("key.index");
    return true;
}

/* The error becomes one that names ten of the keys. */
static bool twice_body(eh_pg *pg, void *self, eh_err *err)
{
    key_job *job = self;
    eh_sql_var vars[] = {{"schema", job->schema},
                         {"table", job->table},
                         {"keys", job->list.data},
                         {"open", open_only(job)}};
    if (!eh_pg_run_spliced(pg, "key_twice", vars, 4, err)) return false;
    eh_buf named;
    eh_buf_init(&named, SQL_MAX);
    bool ok = true;
    for (int i = 0; ok && i < eh_pgconn_rows(pg->control); i++)
        ok = eh_buf_printf(&named, err, "%s%s (%s times)", i > 0 ? ", " : "",
                           eh_pgconn_value(pg->control, i, 0),
                           eh_pgconn_value(pg->control, i, 1));
    if (ok) {
        (void)eh_fail(err, EH_CLASS_DATA, "%s.%s has keys that are there twice: %s",
                      job->schema, job->table, named.len > 0 ? eh_buf_cstr(&named) : "?");
        (void)eh_err_hint(err, "remove the rows that are too many, or declare the whole key");
    }
    eh_buf_free(&named);
    return false;
}

bool eh_pg_key(eh_dest *dest, const eh_stream_state *state, const char *schema,
               const char *table, const eh_column_info *columns, const eh_put *put, eh_err *err)
{
    key_job job = {.state = state,
                   .schema = schema,
                   .table = table,
                   .history = put->write == EH_WRITE_HISTORY};
    eh_buf_init(&job.list, SQL_MAX);
    eh_buf_init(&job.json, SQL_MAX);
    eh_err failure = {.class_ = EH_OK};
    bool ok = list_keys(&job, columns, put, &failure) &&
              eh_pg_transact((eh_pg *)dest, INDEX_MINUTES, key_body, &job, &failure);
    for (unsigned i = 0; ok && job.later; i++) {
        ok = make_alone((eh_pg *)dest, &job, &failure);
        if (ok || failure.class_ != EH_CLASS_TRANSIENT || i + 1 == ALONE_TRIES) break;
        eh_err_clear(&failure);
        ok = eh_pg_pause((eh_pg *)dest, i, &failure) &&
             eh_pg_transact((eh_pg *)dest, INDEX_MINUTES, key_body, &job, &failure);
    }
    if (!ok && job.twice) {
        eh_err_clear(&failure);
        ok = eh_pg_transact((eh_pg *)dest, INDEX_MINUTES, twice_body, &job, &failure);
    }
    if (!ok) *err = failure;
    eh_buf_free(&job.list);
    eh_buf_free(&job.json);
    return ok;
}
