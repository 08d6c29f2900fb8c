/* load/dest_sqlite_query.c: admin verbs on SQLite: one transaction for all steps. */
#include "load/dest_sql.h"
#include "load/dest_sqlite.h"

#define CELL_MAX ((size_t)1 << 31) /* hexadecimal of the longest blob */

static bool put_row(const eh_sqlite_stmt *stmt, const eh_dest_job *job, eh_err *err)
{
    eh_doc *row = eh_doc_map(job->arena);
    for (int i = 0; i < eh_sqlite_column_count(stmt); i++) {
        eh_doc *value = eh_sqlite_is_null(stmt, i)
                            ? eh_doc_null(job->arena)
                            : eh_doc_string(job->arena, eh_sqlite_text(stmt, i));
        if (!eh_doc_put(job->arena, row, eh_slice_str(eh_sqlite_column_name(stmt, i)), value,
                        err))
            return false;
    }
    return eh_doc_push(job->rows, row, err);
}

/* ---- a file ----------------------------------------------------------------------------- */

static bool write_header(const eh_sqlite_stmt *stmt, eh_export *export, eh_err *err)
{
    for (int i = 0; i < eh_sqlite_column_count(stmt); i++)
        if (!eh_export_cell(export, eh_slice_str(eh_sqlite_column_name(stmt, i)), err))
            return false;
    return eh_export_end_row(export, err);
}

static bool write_row(const eh_sqlite_stmt *stmt, eh_export *export, eh_buf *text, eh_err *err)
{
    for (int i = 0; i < eh_sqlite_column_count(stmt); i++) {
        eh_slice cell = eh_slice_of(NULL, 0);
        text->len = 0;
        if (!eh_sqlite_is_null(stmt, i)) {
            if (!eh_sqlite_print(stmt, i, text, err)) return false;
            cell = text->len > 0 ? eh_buf_slice(text) : eh_slice_of("", 0);
        }
        if (!eh_export_cell(export, cell, err)) return false;
    }
    return eh_export_end_row(export, err);
}

/* ---- the steps -------------------------------------------------------------------------- */

static bool take_row(const eh_sqlite_stmt *stmt, eh_dest_job *job, eh_buf *text, eh_err *err)
{
    return job->step->file != NULL ? write_row(stmt, &job->export, text, err)
                                   : put_row(stmt, job, err);
}

static bool run_statement(eh_sqlite_stmt *stmt, eh_dest_job *job, eh_err *err)
{
    eh_buf text;
    eh_buf_init(&text, CELL_MAX);
    for (size_t i = 0; i < job->step->param_count; i++)
        eh_sqlite_bind_str(stmt, (int)i + 1, job->step->params[i]);
    bool ok = job->step->file == NULL || write_header(stmt, &job->export, err);
    eh_step step = EH_STEP_DONE;
    while (ok && (step = eh_sqlite_step(stmt, err)) == EH_STEP_ROW)
        ok = take_row(stmt, job, &text, err);
    eh_buf_free(&text);
    return ok && step == EH_STEP_DONE;
}

static bool run_step(eh_lite *lite, eh_dest_job *job, eh_err *err)
{
    if (!eh_dest_begin_step(job, err)) return false;
    eh_err failure = {.class_ = EH_OK}; /* preparing nothing is told from failing by it */
    const char *sql = job->sql.data;
    eh_sqlite_stmt *stmt;
    bool ok = true;
    while (ok && (stmt = eh_sqlite_prepare(lite->control.sql, sql, &sql, &failure)) != NULL) {
        ok = run_statement(stmt, job, &failure);
        eh_sqlite_free(stmt);
    }
    ok = ok && failure.class_ == EH_OK;
    if (!ok && err->class_ == EH_OK) *err = failure;
    return ok && eh_dest_end_step(job, err);
}

/* Who only reads need not wait for those who write. */
static bool only_reads(const eh_lite *lite, const eh_dest_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!eh_sqlite_only_reads(lite->control.sql, jobs[i].sql.data)) return false;
    return true;
}

bool eh_lite_administer(eh_dest *dest, eh_dest_job *jobs, size_t count, eh_err *err)
{
    eh_lite *lite = (eh_lite *)dest;
    if (!lite->has_books)
        return eh_fail(err, EH_CLASS_NOT_FOUND, "nothing was ever loaded into %s", dest->where);
    bool reads = only_reads(lite, jobs, count);
    if (!(reads ? eh_sqlite_exec(lite->control.sql, "BEGIN", err)
                : eh_lite_begin_lasting(&lite->control, err)))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) ok = run_step(lite, &jobs[i], err);
    return eh_lite_end_lasting(&lite->control, ok, err);
}
