/* load/dest_postgres_query.c: admin verbs on PostgreSQL.
 *
 * One statement is a transaction of its own. Several share one snapshot (REPEATABLE READ), so
 * that what is counted before and after is the same but for what the steps did; a row that
 * somebody else changed meanwhile makes the server refuse, and all of it runs again. */
#include "load/dest_postgres.h"
#include "load/dest_sql.h"

#define MINUTES 5 /* a question */

typedef struct admin_job {
    eh_dest_job *jobs;
    size_t count;
} admin_job;

static eh_slice cell(const eh_pgconn *conn, int row, int column)
{
    const char *text = eh_pgconn_value(conn, row, column);
    return text != NULL ? eh_slice_str(text) : eh_slice_of(NULL, 0);
}

static bool put_rows(const eh_pgconn *conn, const eh_dest_job *job, eh_err *err)
{
    for (int r = 0; r < eh_pgconn_rows(conn); r++) {
        eh_doc *row = eh_doc_map(job->arena);
        for (int c = 0; c < eh_pgconn_columns(conn); c++) {
            eh_slice text = cell(conn, r, c);
            eh_doc *value =
                text.data != NULL ? eh_doc_string(job->arena, text) : eh_doc_null(job->arena);
            if (!eh_doc_put(job->arena, row, eh_slice_str(eh_pgconn_name(conn, c)), value, err))
                return false;
        }
        if (!eh_doc_push(job->rows, row, err)) return false;
    }
    return true;
}

/* ---- a file ----------------------------------------------------------------------------- */

static bool write_header(const eh_pgconn *conn, eh_export *export, eh_err *err)
{
    for (int c = 0; c < eh_pgconn_columns(conn); c++)
        if (!eh_export_cell(export, eh_slice_str(eh_pgconn_name(conn, c)), err)) return false;
    return eh_export_end_row(export, err);
}

static bool write_rows(const eh_pgconn *conn, eh_export *export, eh_err *err)
{
    for (int r = 0; r < eh_pgconn_rows(conn); r++) {
        for (int c = 0; c < eh_pgconn_columns(conn); c++)
            if (!eh_export_cell(export, cell(conn, r, c), err)) return false;
        if (!eh_export_end_row(export, err)) return false;
    }
    return true;
}

/* The statement has declared the cursor. */
static bool write_file(eh_pg *pg, eh_dest_job *job, eh_err *err)
{
    bool first = true;
    do {
        if (!eh_pg_run(pg, "export_fetch", NULL, err) ||
            (first && !write_header(pg->control, &job->export, err)) ||
            !write_rows(pg->control, &job->export, err))
            return false;
        first = false;
    } while (eh_pgconn_rows(pg->control) > 0);
    return eh_pg_run(pg, "export_close", NULL, err);
}

/* ---- the steps -------------------------------------------------------------------------- */

static bool run_step(eh_pg *pg, eh_dest_job *job, eh_err *err)
{
    if (!eh_dest_begin_step(job, err)) return false;
    eh_pgconn_params(pg->control, job->sql.data, job->step->params, job->step->param_count,
                     NULL, NULL);
    if (!eh_pgconn_wait(pg->control, err)) return false;
    bool ok =
        job->step->file != NULL ? write_file(pg, job, err) : put_rows(pg->control, job, err);
    return ok && eh_dest_end_step(job, err);
}

static bool body(eh_pg *pg, void *self, eh_err *err)
{
    admin_job *admin = self;
    for (size_t i = 0; i < admin->count; i++)
        if (!run_step(pg, &admin->jobs[i], err)) return false;
    return true;
}

/* A transaction that does nothing leaves an open connection behind. */
static bool connected(eh_pg *pg, void *self, eh_err *err)
{
    (void)pg;
    (void)self;
    (void)err;
    return true;
}

bool eh_pg_administer(eh_dest *dest, eh_dest_job *jobs, size_t count, eh_err *err)
{
    eh_pg *pg = (eh_pg *)dest;
    bool bare = true;
    for (size_t i = 0; i < count; i++) bare = bare && jobs[i].step->bare;
    if (!pg->has_books && !bare)
        return eh_fail(err, EH_CLASS_NOT_FOUND, "nothing was ever loaded into %s", dest->where);
    admin_job admin = {jobs, count};
    if (count == 1 && jobs[0].step->alone)
        return eh_pg_transact(pg, MINUTES, connected, NULL, err) && run_step(pg, &jobs[0], err);
    if (count == 1) return eh_pg_transact(pg, MINUTES, body, &admin, err);
    return eh_pg_transact_snapshot(pg, body, &admin, err);
}
