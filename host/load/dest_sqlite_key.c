/* load/dest_sqlite_key.c: the unique index of a key, in a short fenced transaction. Without it
 * each row would be looked for in the whole table. See eh_dest_key. */
#include "base/fault.h"
#include "load/dest_sql.h"
#include "load/dest_sqlite.h"

#include <inttypes.h>

#define SQL_MAX ((size_t)1024 * 1024)

typedef struct key_job {
    eh_lite *lite;
    const char *table;
    const eh_column_info *columns;
    const eh_put *put;
    bool numbers; /* some are numbers that are kept as text */
    eh_buf list;  /* "a", "b", as they are compared */
    eh_buf named; /* the same with their names */
    eh_buf json;  /* ["a","b"] */
} key_job;

static bool list_keys(key_job *job, eh_err *err)
{
    for (size_t i = 0; i < job->put->key_count; i++) {
        const eh_column_info *column = &job->columns[job->put->keys[i]];
        const char *between = i > 0 ? ", " : "";
        if (!eh_buf_append_str(&job->list, between, err) ||
            !eh_lite_spell_key(&job->list, column, 0, err) ||
            !eh_buf_append_str(&job->named, between, err) ||
            !eh_lite_spell_key(&job->named, column, 0, err) ||
            !eh_buf_append_str(&job->named, " AS ", err) ||
            !eh_sql_identifier(&job->named, column->name, err) ||
            !eh_buf_append_byte(&job->json, i == 0 ? '[' : ',', err) ||
            !eh_buf_append_json(&job->json, eh_slice_str(column->name), err))
            return false;
        job->numbers = job->numbers || column->type == EH_TYPE_NUMERIC;
    }
    if (!eh_buf_append_byte(&job->json, ']', err)) return false;
    return (eh_buf_cstr(&job->list) != NULL && eh_buf_cstr(&job->named) != NULL &&
            eh_buf_cstr(&job->json) != NULL) ||
           eh_fail_memory(err, "a statement");
}

static const char *open_only(const key_job *job)
{
    return job->put->write == EH_WRITE_HISTORY ? " WHERE _valid_to IS NULL" : "";
}

static bool expand(const key_job *job, const char *file, const char *index, eh_buf *sql,
                   eh_err *err)
{
    eh_sql_var vars[] = {{"table", job->table},
                         {"keys", job->list.data},
                         {"named", job->named.data},
                         {"index", index},
                         {"open", open_only(job)}};
    return eh_sql_expand("sqlite", file, vars, 5, sql, err);
}

/* {"_client_id":"acme","id":"7"} (2 times) */
static bool name_key(const key_job *job, const eh_sqlite_stmt *stmt, eh_buf *out, eh_err *err)
{
    int count = (int)job->put->key_count;
    for (int i = 0; i < count; i++)
        if (!eh_buf_append_str(out,
                               i > 0          ? ","
                               : out->len > 0 ? ", {"
                                              : "{",
                               err) ||
            !eh_buf_append_json(out, eh_slice_str(eh_sqlite_column_name(stmt, i)), err) ||
            !eh_buf_append_byte(out, ':', err) ||
            !(eh_sqlite_is_null(stmt, i)
                  ? eh_buf_append_str(out, "null", err)
                  : eh_buf_append_json(out, eh_sqlite_text(stmt, i), err)))
            return false;
    return eh_buf_printf(out, err, "} (%" PRId64 " times)", eh_sqlite_int(stmt, count));
}

/* The error names ten of the keys that are there twice. */
static bool fail_twice(const key_job *job, eh_err *err)
{
    eh_buf sql, named;
    eh_buf_init(&sql, SQL_MAX);
    eh_buf_init(&named, SQL_MAX);
    eh_sqlite_stmt *stmt = NULL;
    if (expand(job, "key_twice", NULL, &sql, err))
        stmt = eh_sqlite_prepare(job->lite->control.sql, sql.data, NULL, err);
    bool ok = stmt != NULL;
    while (ok && eh_sqlite_step(stmt, err) == EH_STEP_ROW)
        ok = name_key(job, stmt, &named, err);
    if (err->class_ == EH_OK && eh_buf_cstr(&named) != NULL) {
        (void)eh_fail(err, EH_CLASS_DATA, "%s has keys that are there twice: %s", job->table,
                      named.data);
        (void)eh_err_hint(err, "remove the rows that are too many, or declare the whole key");
    }
    eh_sqlite_free(stmt);
    eh_buf_free(&sql);
    eh_buf_free(&named);
    return eh_fail_memory(err, "a message");
}

/* ending: of the index's name. */
static bool make_index(const key_job *job, const char *file, const char *ending, eh_err *err)
{
    eh_lite_arg args[] = {eh_lite_str(job->table), eh_lite_str(ending)};
    eh_sqlite_stmt *stmt = eh_lite_prepare(&job->lite->control, "key_index_name", args, 2, err);
    eh_buf name, sql;
    eh_buf_init(&name, SQL_MAX);
    eh_buf_init(&sql, SQL_MAX);
    bool ok = stmt != NULL && eh_sqlite_step(stmt, err) == EH_STEP_ROW;
    if (ok) {
        eh_slice text = eh_sqlite_text(stmt, 0);
        ok = eh_buf_append(&name, text.data, text.len, err);
    }
    eh_sqlite_free(stmt);
    if (ok && eh_buf_cstr(&name) == NULL) ok = eh_fail_memory(err, "a statement");
    ok = ok && expand(job, file, name.data, &sql, err);
    if (ok) {
        EH_FAULT("key.index");
        eh_err failure = {.class_ = EH_OK};
        ok = eh_sqlite_exec(job->lite->control.sql, sql.data, &failure);
        if (failure.class_ == EH_CLASS_DATA)
            (void)fail_twice(job, err);
        else if (!ok)
            *err = failure;
    }
    eh_buf_free(&name);
    eh_buf_free(&sql);
    return ok;
}

static bool has_index(const key_job *job, bool *there, eh_err *err)
{
    eh_lite_arg args[] = {eh_lite_str(job->table), eh_lite_slice(eh_buf_slice(&job->json)),
                          eh_lite_int(job->put->write == EH_WRITE_HISTORY)};
    eh_buf end;
    eh_buf_init(&end, SQL_MAX);
    int64_t found = 0;
    bool ok = true;
    if (job->numbers) {
        ok = eh_buf_printf(&end, err, "(%s)%s", job->list.data, open_only(job));
        args[1] = eh_lite_slice(eh_buf_slice(&end));
    }
    ok = ok &&
         eh_lite_number(&job->lite->control, job->numbers ? "key_index_numbers" : "key_index",
                        args, job->numbers ? 2 : 3, &found, err);
    *there = found != 0;
    eh_buf_free(&end);
    return ok;
}

static bool ensure_index(const key_job *job, const eh_stream_state *state, eh_err *err)
{
    bool history = job->put->write == EH_WRITE_HISTORY, there;
    if (!eh_lite_begin(&job->lite->control, err)) return false;
    bool ok =
        eh_lite_fence(&job->lite->control, state, NULL, NULL, err) &&
        has_index(job, &there, err) &&
        (there || (make_index(job, "key_index_make", "_key", err) &&
                   (!history || make_index(job, "history_index_make", "_versions", err))));
    return eh_lite_end(&job->lite->control, ok, err);
}

bool eh_lite_key(eh_dest *dest, const eh_stream_state *state, const char *schema,
                 const char *table, const eh_column_info *columns, const eh_put *put,
                 eh_err *err)
{
    (void)schema;
    key_job job = {.lite = (eh_lite *)dest, .table = table, .columns = columns, .put = put};
    eh_buf_init(&job.list, SQL_MAX);
    eh_buf_init(&job.named, SQL_MAX);
    eh_buf_init(&job.json, SQL_MAX);
    bool ok = list_keys(&job, err) && ensure_index(&job, state, err);
    eh_buf_free(&job.list);
    eh_buf_free(&job.named);
    eh_buf_free(&job.json);
    return ok;
}
