/* load/dest_query.c: questions and corrections to a destination, for admin verbs: named
 * statements with spliced names, several in one transaction.
 *
 * How a destination runs them is in dest_postgres_query.c and dest_sqlite_query.c. */
#include "base/fault.h"
#include "load/dest_impl.h"
#include "load/dest_sql.h"

#include <stdlib.h>
#include <string.h>

#define SQL_MAX ((size_t)1024 * 1024)

static bool begin(const eh_dest *dest, eh_dest_job *job, const eh_dest_step *step,
                  eh_arena *arena, eh_err *err)
{
    *job = (eh_dest_job){.step = step, .arena = arena, .export = {.fd = -1}};
    eh_buf_init(&job->sql, SQL_MAX);
    job->rows = eh_doc_list(arena);
    if (job->rows == NULL) return eh_fail_memory(err, "the answer of a query");
    if (!eh_sql_expand(dest->kind, step->query, step->vars, step->var_count, &job->sql, err))
        return false;
    return step->file == NULL || eh_export_open(&job->export, step->file, err);
}

static void end(eh_dest_job *job, bool ok)
{
    eh_export_close(&job->export, ok);
    eh_buf_free(&job->sql);
    /* A point a step: how many there are tells the transactions of a verb from each other. */
    if (ok) EH_FAULT("admin.done");
}

bool eh_dest_administer(eh_dest *dest, eh_dest_step *steps, size_t count, eh_arena *arena,
                        eh_err *err)
{
    eh_dest_job *jobs = eh_arena_zalloc(arena, count, sizeof *jobs);
    if (jobs == NULL) return eh_fail_memory(err, "a query");
    bool ok = true;
    size_t begun = 0;
    while (ok && begun < count) {
        size_t like = steps[begun].like;
        ok = begin(dest, &jobs[begun], &steps[begun], arena, err);
        if (like > 0 && like <= begun) jobs[begun].like = &jobs[like - 1];
        begun++;
    }
    ok = ok && dest->ops->administer(dest, jobs, count, err);
    for (size_t i = 0; i < begun; i++) {
        end(&jobs[i], ok);
        steps[i].rows = jobs[i].rows;
    }
    return ok || eh_err_while(err, "asking %s", dest->where);
}

bool eh_dest_query(eh_dest *dest, const char *name, const char *const *params, size_t count,
                   eh_arena *arena, eh_doc **rows, eh_err *err)
{
    eh_dest_step step = {.query = name, .params = params, .param_count = count};
    if (!eh_dest_administer(dest, &step, 1, arena, err)) return false;
    *rows = step.rows;
    return true;
}

/* ---- what the destinations call --------------------------------------------------------- */

bool eh_dest_begin_step(eh_dest_job *job, eh_err *err)
{
    job->rows->as.children.first = job->rows->as.children.last = NULL; /* of a failed attempt */
    job->rows->as.children.count = 0;
    return job->step->file == NULL || eh_export_begin(&job->export, err);
}

static bool tell_rows(eh_dest_job *job, eh_err *err)
{
    eh_doc *row = eh_doc_map(job->arena);
    char *number = eh_arena_printf(job->arena, "%lld", (long long)job->export.rows);
    if (number == NULL) return eh_fail_memory(err, "the answer of a query");
    return eh_doc_put_str(job->arena, row, "rows", eh_slice_str(number), err) &&
           eh_doc_push(job->rows, row, err);
}

/* The first value of the first row as text. */
static eh_slice first_value(const eh_dest_job *job)
{
    const eh_doc *value = eh_doc_first(eh_doc_first(job->rows));
    bool is_text = value != NULL && value->kind == EH_DOC_STRING;
    return is_text ? value->as.string : eh_slice_str("nothing");
}

static bool judge_step(const eh_dest_job *job, eh_err *err)
{
    const eh_dest_step *step = job->step;
    eh_slice expected = eh_slice_of(NULL, 0), value = first_value(job);
    if (step->expect != NULL) expected = eh_slice_str(step->expect);
    if (job->like != NULL) expected = first_value(job->like);
    if (expected.data == NULL || eh_slice_equal(value, expected)) return true;
    (void)eh_fail(err, EH_CLASS_DATA, "%s: %.*s where %.*s was expected; nothing was changed",
                  step->what, EH_SLICE_FMT(value), EH_SLICE_FMT(expected));
    return eh_err_hint(err, "somebody changes this at the same time: try again");
}

bool eh_dest_end_step(eh_dest_job *job, eh_err *err)
{
    bool is_file = job->step->file != NULL;
    if (is_file && (!eh_export_finish(&job->export, err) || !tell_rows(job, err))) return false;
    bool ok = judge_step(job, err);
    if (ok) EH_FAULT("admin.step");
    return ok;
}
