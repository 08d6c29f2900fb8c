/* load/dest_sqlite_stage.c: rows that take the place of others: the stage, and its promotion.
 *
 * See stage.h. The stage is a table of the same file, with the columns of the other and none of
 * its constraints: what those refuse is found when the rows are moved, and left out. */
#include "base/fault.h"
#include "load/dest_sqlite_sift.h"

#include <stdio.h>
#include <string.h>

#define SQL_MAX ((size_t)8 * 1024 * 1024)

static bool run(eh_lite *lite, const char *name, const eh_sql_var *vars, size_t count,
                eh_err *err)
{
    eh_buf sql;
    eh_buf_init(&sql, SQL_MAX);
    bool ok = eh_sql_expand("sqlite", name, vars, count, &sql, err) &&
              eh_sqlite_exec(lite->control.sql, sql.data, err);
    eh_buf_free(&sql);
    return ok;
}

/* ---- the stage -------------------------------------------------------------------------- */

static bool put_column(eh_buf *out, const eh_sqlite_stmt *stmt, eh_arena *arena, eh_err *err)
{
    eh_slice name = eh_sqlite_text(stmt, 0), type = eh_sqlite_text(stmt, 1);
    const char *copy = eh_arena_strndup(arena, name.data, name.len);
    if (copy == NULL) return eh_fail_memory(err, "a list of columns");
    if ((out->len > 0 && !eh_buf_append_str(out, ", ", err)) ||
        !eh_sql_identifier(out, copy, err) ||
        !eh_buf_printf(out, err, " %.*s", EH_SLICE_FMT(type)))
        return false;
    if (eh_sqlite_is_null(stmt, 2)) return true;
    return eh_buf_printf(out, err, " DEFAULT (%.*s)", EH_SLICE_FMT(eh_sqlite_text(stmt, 2)));
}

/* The columns of a table as CREATE TABLE has them, in the order of their names; and only the
 * names. Both are empty when there is no table. */
static bool list_columns(eh_lite *lite, const char *table, eh_buf *whole, eh_buf *names,
                         eh_err *err)
{
    eh_lite_arg args[] = {eh_lite_str(table)};
    eh_arena *arena = eh_arena_new((size_t)1024 * 1024);
    if (arena == NULL) return eh_fail_memory(err, "a list of columns");
    eh_sqlite_stmt *stmt = eh_lite_prepare(&lite->control, "stage_columns", args, 1, err);
    eh_step step = stmt != NULL ? EH_STEP_ROW : EH_STEP_ERROR;
    while (step == EH_STEP_ROW && (step = eh_sqlite_step(stmt, err)) == EH_STEP_ROW) {
        size_t before = whole->len;
        bool ok = put_column(whole, stmt, arena, err);
        eh_slice name = eh_sqlite_text(stmt, 0);
        const char *copy = eh_arena_strndup(arena, name.data, name.len);
        ok = ok && copy != NULL &&
             (before == 0 || names == NULL || eh_buf_append_str(names, ", ", err)) &&
             (names == NULL || eh_sql_identifier(names, copy, err));
        if (!ok) step = EH_STEP_ERROR;
    }
    eh_sqlite_free(stmt);
    eh_arena_free(arena);
    if (step != EH_STEP_DONE) return false;
    return (eh_buf_cstr(whole) != NULL && (names == NULL || eh_buf_cstr(names) != NULL)) ||
           eh_fail_memory(err, "a list of columns");
}

typedef struct stage_look {
    bool table; /* is there */
    bool stage;
    bool same;    /* their columns */
    eh_buf names; /* of the table's columns; free it */
} stage_look;

static bool look(eh_lite *lite, const char *table, const char *stage, stage_look *out,
                 eh_err *err)
{
    eh_buf mine, its;
    eh_buf_init(&mine, SQL_MAX);
    eh_buf_init(&its, SQL_MAX);
    *out = (stage_look){.table = false};
    eh_buf_init(&out->names, SQL_MAX);
    bool ok = list_columns(lite, table, &its, &out->names, err) &&
              list_columns(lite, stage, &mine, NULL, err);
    if (ok) {
        out->table = its.len > 0;
        out->stage = mine.len > 0;
        out->same = strcmp(mine.data, its.data) == 0;
    }
    eh_buf_free(&mine);
    eh_buf_free(&its);
    return ok;
}

static bool drop_stage(eh_lite *lite, const char *stage, eh_err *err)
{
    eh_sql_var vars[] = {{"stage", stage}};
    return run(lite, "stage_drop", vars, 1, err);
}

static bool drop(eh_lite *lite, const eh_stream_state *state, eh_err *err)
{
    char stream[24], pending[24], now[40];
    (void)snprintf(stream, sizeof stream, "%lld", (long long)state->stream_id);
    (void)snprintf(pending, sizeof pending, "%lld", (long long)state->unit_generation);
    eh_sql_var vars[] = {{"stream", stream},
                         {"pending", pending},
                         {"stage", state->stage},
                         {"now", eh_lite_now(&lite->control, now)}};
    for (size_t i = 0; i < state->child_count; i++) {
        state->children[i].there = false;
        if (!drop_stage(lite, state->children[i].stage, err)) return false;
    }
    return run(lite, "stage_forget", vars, 4, err) && run(lite, "stage_drop", vars, 4, err);
}

/* Are all stages of child tables, as far as they are there, as their tables are? */
static bool look_at_children(eh_lite *lite, const eh_stream_state *state, bool *same,
                             eh_err *err)
{
    for (size_t i = 0; *same && i < state->child_count; i++) {
        eh_child_stage *child = &state->children[i];
        stage_look there;
        bool ok = look(lite, child->table, child->stage, &there, err);
        eh_buf_free(&there.names);
        if (!ok) return false;
        child->there = there.stage;
        *same = there.same || !there.stage;
    }
    return true;
}

static bool begin(eh_lite *lite, eh_stream_state *state, const char *input, const char *table,
                  eh_err *err)
{
    stage_look there;
    int64_t units, others;
    eh_lite_arg args[] = {eh_lite_int(state->stream_id), eh_lite_int(state->unit_generation),
                          eh_lite_str(input)};
    if (!eh_lite_fence(&lite->control, state, NULL, NULL, err) ||
        !eh_lite_number(&lite->control, "stage_ledger", args, 2, &units, err) ||
        !eh_lite_number(&lite->control, "stage_others", args, 3, &others, err))
        return false;
    bool ok = look(lite, table, state->stage, &there, err);
    eh_buf_free(&there.names);
    if (!ok) return false;
    bool same = there.stage && there.same && units > 0 && others == 0;
    if (!look_at_children(lite, state, &same, err)) return false;
    state->staged = same;
    return state->staged || (units == 0 && !there.stage) || drop(lite, state, err);
}

bool eh_lite_stage(eh_dest *dest, eh_stream_state *state, const char *input, const char *schema,
                   const char *table, eh_err *err)
{
    eh_lite *lite = (eh_lite *)dest;
    (void)schema;
    if (!eh_lite_begin(&lite->control, err)) return false;
    return eh_lite_end(&lite->control, begin(lite, state, input, table, err), err);
}

static bool make(eh_lite *lite, const eh_stream_state *state, const char *table, eh_err *err)
{
    eh_buf columns;
    eh_buf_init(&columns, SQL_MAX);
    bool ok = eh_lite_fence(&lite->control, state, NULL, NULL, err) &&
              list_columns(lite, table, &columns, NULL, err);
    if (ok) {
        eh_sql_var vars[] = {{"stage", state->stage}, {"columns", columns.data}};
        ok = run(lite, "stage_drop", vars, 1, err) && run(lite, "stage_create", vars, 2, err);
    }
    eh_buf_free(&columns);
    if (ok) EH_FAULT("stage.make");
    return ok;
}

bool eh_lite_stage_make(eh_dest *dest, eh_stream_state *state, const char *schema,
                        const char *table, eh_err *err)
{
    eh_lite *lite = (eh_lite *)dest;
    (void)schema;
    if (!eh_lite_begin(&lite->control, err)) return false;
    state->staged = eh_lite_end(&lite->control, make(lite, state, table, err), err);
    return state->staged;
}

static bool trim(eh_lite *lite, const eh_stream_state *state, const eh_stage_cut *cut,
                 eh_err *err)
{
    char stream[24], pending[24], offset[24];
    (void)snprintf(stream, sizeof stream, "%lld", (long long)state->stream_id);
    (void)snprintf(pending, sizeof pending, "%lld", (long long)state->unit_generation);
    (void)snprintf(offset, sizeof offset, "%llu", (unsigned long long)cut->offset);
    eh_sql_var vars[] = {
        {"stream", stream},      {"pending", pending},    {"offset", offset},
        {"stage", state->stage}, {"column", cut->column}, {"from", cut->from},
    };
    if (!eh_lite_fence(&lite->control, state, NULL, NULL, err) ||
        !run(lite, "stage_trim", vars, 4, err))
        return false;
    if (cut->from != NULL && !run(lite, "stage_trim_from", vars, 6, err)) return false;
    EH_FAULT("stage.trim");
    return run(lite, "stage_trim_units", vars, 3, err);
}

bool eh_lite_stage_trim(eh_dest *dest, const eh_stream_state *state, const eh_stage_cut *cut,
                        eh_err *err)
{
    eh_lite *lite = (eh_lite *)dest;
    if (!eh_lite_begin(&lite->control, err)) return false;
    return eh_lite_end(&lite->control, trim(lite, state, cut, err), err);
}

/* ---- promoting -------------------------------------------------------------------------- */

typedef struct promote_job {
    eh_lite *lite;
    const eh_stream_state *state;
    const eh_promotion *promotion;
    eh_promoted *promoted;
    stage_look there;
    eh_arena *arena;
    const char *columns;        /* of the stage; NULL: there is none */
    const char **child_columns; /* the same of child tables */
    eh_stage_sql sql;
    char now[40];
} promote_job;

static bool run_job(const promote_job *job, const char *name, eh_err *err)
{
    return run(job->lite, name, job->sql.vars, job->sql.count, err);
}

/* One row of up to three numbers. */
static bool count(const promote_job *job, const char *file, int64_t *out, size_t columns,
                  eh_err *err)
{
    eh_buf text;
    eh_buf_init(&text, SQL_MAX);
    eh_sqlite_stmt *stmt = NULL;
    bool ok = eh_sql_expand("sqlite", file, job->sql.vars, job->sql.count, &text, err);
    if (ok) stmt = eh_sqlite_prepare(job->lite->control.sql, text.data, NULL, err);
    ok = stmt != NULL && eh_sqlite_step(stmt, err) == EH_STEP_ROW;
    for (size_t i = 0; ok && i < columns; i++) out[i] = eh_sqlite_int(stmt, (int)i);
    eh_sqlite_free(stmt);
    eh_buf_free(&text);
    return ok;
}

static bool move_rows(const promote_job *job, eh_err *err)
{
    int64_t number[3];
    if (!job->there.table) return true;
    if (!count(job, "promote_count", number, 3, err) ||
        !eh_stage_judge(job->promotion, number[0], number[1], number[2], err))
        return false;
    job->promoted->gone = number[1];
    job->promoted->came = number[2];
    EH_FAULT("promote.judged");
    return run_job(job, "promote_rows", err);
}

/* The rows of a window; those of a period that it was read for go, unless too few came. */
static bool move_window(const promote_job *job, eh_err *err)
{
    int64_t number[2];
    eh_promoted *out = job->promoted;
    if (!job->there.table) return true;
    if (!count(job, "window_count", number, 2, err)) return false;
    out->gone = number[0];
    out->came = number[1];
    out->refused = eh_stage_refuses(job->promotion, number[0], number[1]);
    EH_FAULT("promote.judged");
    if (out->refused && out->dead > 0) return eh_sift_fail_few(job->promotion, out, err);
    return out->refused ? run_job(job, "stage_forget", err) : run_job(job, "window_rows", err);
}

/* The cursor with it. */
static bool close_window(const promote_job *job, eh_err *err)
{
    const eh_doc *cursor = job->promotion->cursor;
    eh_buf json;
    eh_buf_init(&json, SQL_MAX);
    bool ok = cursor == NULL || eh_doc_to_json(cursor, &json, err);
    eh_lite_arg args[] = {eh_lite_int(job->state->stream_id),
                          eh_lite_str(ok && cursor != NULL ? eh_buf_cstr(&json) : NULL)};
    ok = ok && eh_lite_run(&job->lite->control, "window_cursor", args, 2, err);
    eh_buf_free(&json);
    return ok;
}

/* Looks at the stages of child tables; their columns, NULL where there is none, are in the
 * arena. */
static bool look_at_stages(promote_job *job, eh_err *err)
{
    const eh_promotion *p = job->promotion;
    job->child_columns = eh_arena_zalloc(job->arena, p->child_count + 1, sizeof(char *));
    if (job->child_columns == NULL) return eh_fail_memory(err, "a list of columns");
    for (size_t i = 0; p->staging != EH_STAGE_NONE && i < p->child_count; i++) {
        const eh_child_stage *child = &p->children[i];
        stage_look there;
        bool ok = look(job->lite, child->table, child->stage, &there, err);
        if (ok && there.stage && !there.same) ok = eh_stage_fail_columns(p, err);
        if (ok && there.stage) {
            job->child_columns[i] =
                eh_arena_strndup(job->arena, there.names.data, there.names.len);
            ok = job->child_columns[i] != NULL || eh_fail_memory(err, "a list of columns");
        }
        eh_buf_free(&there.names);
        if (!ok) return eh_err_while(err, "replacing rows of %s", child->table);
    }
    return true;
}

/* A statement for each child table, or for those that have a stage. */
static bool run_children(const promote_job *job, const char *name, bool staged, eh_err *err)
{
    const eh_promotion *p = job->promotion;
    for (size_t i = 0; i < p->child_count; i++) {
        const eh_child_stage *child = &p->children[i];
        eh_stage_sql sql = {.count = 0};
        if (staged && job->child_columns[i] == NULL) continue;
        bool ok = eh_stage_sql_child(&sql, &job->sql, &job->lite->base, job->state, p, child,
                                     job->child_columns[i], err) &&
                  run(job->lite, name, sql.vars, sql.count, err);
        eh_stage_sql_free(&sql);
        if (!ok) return eh_err_while(err, "replacing rows of %s", child->table);
        EH_FAULT("promote.child");
    }
    return true;
}

static bool drop_children(const promote_job *job, eh_err *err)
{
    for (size_t i = 0; i < job->promotion->child_count; i++)
        if (!drop_stage(job->lite, job->promotion->children[i].stage, err)) return false;
    return true;
}

/* ---- moving rows ------------------------------------------------------------------------ */

static bool move_once(const promote_job *job, eh_err *err)
{
    bool window = job->promotion->staging == EH_STAGE_WINDOW;
    return eh_sqlite_exec(job->lite->control.sql, "SAVEPOINT moved", err) &&
           (window ? move_window : move_rows)(job, err) &&
           run_children(job, "promote_rows", false, err) &&
           eh_sqlite_exec(job->lite->control.sql, "RELEASE moved", err);
}

/* Can what was refused be taken back? A trigger may have ended the whole transaction. */
static bool take_back(const promote_job *job, eh_err *err)
{
    return eh_sqlite_in_transaction(job->lite->control.sql) &&
           eh_sqlite_exec(job->lite->control.sql, "ROLLBACK TO moved; RELEASE moved", err);
}

/* What a table refuses is found and left out, and all is moved again. */
static bool move_all(const promote_job *job, eh_err *err)
{
    eh_lite_sift sift = {.lite = job->lite,
                         .state = job->state,
                         .promotion = job->promotion,
                         .promoted = job->promoted,
                         .records = &job->sql,
                         .columns = job->columns,
                         .child_columns = job->child_columns};
    for (;;) {
        eh_err said = {.class_ = EH_OK};
        bool found = false;
        if (move_once(job, &said)) return true;
        bool refused = eh_lite_is_refusal(&said);
        if (refused && eh_sift_can(job->promotion) && take_back(job, &said) &&
            !eh_lite_sift_refused(&sift, &found, err))
            return false;
        if (found) continue;
        if (refused) eh_sift_hint(job->promotion, &said);
        *err = said;
        return false;
    }
}

static bool has_news(const promote_job *job, bool *news, eh_err *err)
{
    *news = true;
    if (job->promotion->staging != EH_STAGE_ALL) return true;
    eh_lite_arg args[] = {
        eh_lite_int(job->state->stream_id), eh_lite_int(job->state->generation),
        eh_lite_int(job->state->generation + 1), eh_lite_str(job->promotion->kept)};
    int64_t number;
    if (!run_children(job, "promote_prune_child", true, err) ||
        (job->there.stage && !run_job(job, "promote_prune", err)) ||
        !eh_lite_number(&job->lite->control, "promote_news", args, 4, &number, err))
        return false;
    *news = number != 0;
    return true;
}

static bool replace(const promote_job *job, eh_err *err)
{
    const eh_promotion *p = job->promotion;
    bool news;
    if (!has_news(job, &news, err)) return false;
    if (!news) {
        job->promoted->nothing = true;
        return drop_children(job, err) && run_job(job, "stage_drop", err);
    }
    bool window = p->staging == EH_STAGE_WINDOW;
    static const char *const files[] = {"promote_file", "promote_all", "promote_file",
                                        "promote_window"};
    if (p->staging != EH_STAGE_NONE && (!move_all(job, err) || !drop_children(job, err)))
        return false;
    EH_FAULT("promote.rows");
    if (eh_stage_comes_again(p) && !run_job(job, "promote_dead", err)) return false;
    if (!run_job(job, files[p->staging], err) || (window && !close_window(job, err)))
        return false;
    eh_lite_arg effects[] = {eh_lite_int(job->state->load_id),
                             eh_lite_int(job->promoted->gone)};
    return job->promoted->gone == 0 || job->promoted->refused ||
           eh_lite_run(&job->lite->control, "promote_effects", effects, 2, err);
}

static bool promote(promote_job *job, eh_err *err)
{
    const eh_promotion *p = job->promotion;
    stage_look *there = &job->there;
    if (!eh_lite_fence(&job->lite->control, job->state, NULL, NULL, err)) return false;
    bool ok = look(job->lite, p->table, job->state->stage, there, err);
    if (ok && p->staging != EH_STAGE_NONE && there->stage && !there->same)
        ok = eh_stage_fail_columns(p, err);
    job->columns = ok && there->stage ? eh_buf_cstr(&there->names) : NULL;
    ok = ok && look_at_stages(job, err) &&
         eh_stage_sql_make(&job->sql, &job->lite->base, job->state, p, job->columns, err);
    if (ok) {
        job->sql.vars[job->sql.count++] = (eh_sql_var){"now", job->now};
        ok = replace(job, err);
    }
    eh_stage_sql_free(&job->sql);
    eh_buf_free(&there->names);
    if (!ok || p->staging != EH_STAGE_ALL) return ok;
    if (!eh_lite_finish_load(job->lite, job->state, p->cursor, err)) return false;
    EH_FAULT("promote.ledger");
    return true;
}

bool eh_lite_promote(eh_dest *dest, const eh_stream_state *state, const eh_promotion *promotion,
                     eh_promoted *promoted, eh_err *err)
{
    eh_lite *lite = (eh_lite *)dest;
    promote_job job = {
        .lite = lite, .state = state, .promotion = promotion, .promoted = promoted};
    (void)eh_lite_now(&lite->control, job.now);
    job.arena = eh_arena_new(SQL_MAX);
    if (job.arena == NULL) return eh_fail_memory(err, "a replacement");
    bool ok = eh_lite_begin_lasting(&lite->control, err) &&
              eh_lite_end_lasting(&lite->control, promote(&job, err), err);
    eh_arena_free(job.arena);
    if (ok) EH_FAULT("promote.done");
    return ok;
}
