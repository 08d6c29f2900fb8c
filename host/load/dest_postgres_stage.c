/* load/dest_postgres_stage.c: rows that take the place of others: the stage, and its promotion.
 *
 * See stage.h. The stage is an ordinary table in the schema of the bookkeeping: a server that
 * crashes keeps its rows and their units, or loses both. Rows are deleted and inserted, so
 * grants, policies, views, publications and foreign keys stay with the table, and who reads
 * meanwhile sees what was there. */
#include "base/fault.h"
#include "load/dest_postgres_sift.h"

#include <stdio.h>

#include <stdio.h>

#define ARENA_MAX ((size_t)4 * 1024 * 1024)
/* All rows of a stream are written once more. */
#define PROMOTE_MINUTES 120

typedef struct stage_job {
    eh_stream_state *state;
    const char *input;
    const char *schema;
    const char *table;
} stage_job;

typedef struct stage_look {
    bool table; /* is there */
    bool stage;
    bool same;           /* their columns */
    const char *columns; /* of the stage; valid until the next statement */
} stage_look;

static bool look(eh_pg *pg, const char *stage, const char *schema, const char *table,
                 stage_look *out, eh_err *err)
{
    eh_pg_args args = {.count = 0};
    eh_pg_arg_str(&args, schema);
    eh_pg_arg_str(&args, table);
    eh_pg_arg_str(&args, stage);
    if (!eh_pg_run(pg, "stage_look", &args, err)) return false;
    *out = (stage_look){eh_pgconn_bool(pg->control, 0, 0), eh_pgconn_bool(pg->control, 0, 1),
                        eh_pgconn_bool(pg->control, 0, 2), eh_pgconn_value(pg->control, 0, 3)};
    return true;
}

static bool drop_stage(eh_pg *pg, const char *stage, eh_err *err)
{
    eh_sql_var vars[] = {{"stage", stage}};
    return eh_pg_run_spliced(pg, "stage_drop", vars, 1, err);
}

static bool drop(eh_pg *pg, const stage_job *job, eh_err *err)
{
    eh_pg_args args = {.count = 0};
    eh_sql_var vars[] = {{"stage", job->state->stage}};
    eh_pg_arg_int(&args, job->state->stream_id);
    eh_pg_arg_int(&args, job->state->unit_generation);
    for (size_t i = 0; i < job->state->child_count; i++) {
        job->state->children[i].there = false;
        if (!drop_stage(pg, job->state->children[i].stage, err)) return false;
    }
    return eh_pg_run(pg, "stage_forget", &args, err) &&
           eh_pg_run_spliced(pg, "stage_drop", vars, 1, err);
}

/* Are all stages of child tables, as far as they are there, as their tables are? */
static bool look_at_children(eh_pg *pg, const stage_job *job, bool *same, eh_err *err)
{
    for (size_t i = 0; *same && i < job->state->child_count; i++) {
        eh_child_stage *child = &job->state->children[i];
        stage_look there;
        if (!look(pg, child->stage, job->schema, child->table, &there, err)) return false;
        child->there = there.stage;
        *same = there.same || !there.stage;
    }
    return true;
}

static bool begin_body(eh_pg *pg, void *self, eh_err *err)
{
    stage_job *job = self;
    stage_look there;
    eh_pg_args args = {.count = 0};
    eh_pg_arg_int(&args, job->state->stream_id);
    eh_pg_arg_int(&args, job->state->unit_generation);
    eh_pg_arg_str(&args, job->input);
    if (!eh_pg_fence(pg, job->state, err) || !eh_pg_run(pg, "stage_ledger", &args, err))
        return false;
    int64_t units = eh_pgconn_int(pg->control, 0, 0), others = eh_pgconn_int(pg->control, 0, 1);
    if (!look(pg, job->state->stage, job->schema, job->table, &there, err)) return false;
    bool same = there.stage && there.same && units > 0 && others == 0;
    if (!look_at_children(pg, job, &same, err)) return false;
    job->state->staged = same;
    if (job->state->staged || (units == 0 && !there.stage)) return true;
    return drop(pg, job, err);
}

bool eh_pg_stage(eh_dest *dest, eh_stream_state *state, const char *input, const char *schema,
                 const char *table, eh_err *err)
{
    stage_job job = {state, input, schema, table};
    return eh_pg_transact((eh_pg *)dest, 1, begin_body, &job, err);
}

static bool make_body(eh_pg *pg, void *self, eh_err *err)
{
    stage_job *job = self;
    eh_sql_var vars[] = {
        {"stage", job->state->stage}, {"schema", job->schema}, {"table", job->table}};
    if (!eh_pg_fence(pg, job->state, err) ||
        !eh_pg_run_spliced(pg, "stage_drop", vars, 1, err) ||
        !eh_pg_run_spliced(pg, "stage_create", vars, 3, err))
        return false;
    EH_FAULT("stage.make");
    return true;
}

bool eh_pg_stage_make(eh_dest *dest, eh_stream_state *state, const char *schema,
                      const char *table, eh_err *err)
{
    stage_job job = {state, NULL, schema, table};
    state->staged = eh_pg_transact((eh_pg *)dest, 1, make_body, &job, err);
    return state->staged;
}

typedef struct trim_job {
    const eh_stream_state *state;
    const eh_stage_cut *cut;
} trim_job;

static bool trim_body(eh_pg *pg, void *self, eh_err *err)
{
    const trim_job *job = self;
    const eh_stream_state *state = job->state;
    char stream[24], pending[24], offset[24];
    (void)snprintf(stream, sizeof stream, "%lld", (long long)state->stream_id);
    (void)snprintf(pending, sizeof pending, "%lld", (long long)state->unit_generation);
    (void)snprintf(offset, sizeof offset, "%llu", (unsigned long long)job->cut->offset);
    eh_sql_var vars[] = {
        {"stream", stream},      {"pending", pending},         {"offset", offset},
        {"stage", state->stage}, {"column", job->cut->column}, {"from", job->cut->from},
    };
    if (!eh_pg_fence(pg, state, err) || !eh_pg_run_spliced(pg, "stage_trim", vars, 4, err))
        return false;
    if (job->cut->from != NULL && !eh_pg_run_spliced(pg, "stage_trim_from", vars, 6, err))
        return false;
    EH_FAULT("stage.trim");
    return eh_pg_run_spliced(pg, "stage_trim_units", vars, 3, err);
}

bool eh_pg_stage_trim(eh_dest *dest, const eh_stream_state *state, const eh_stage_cut *cut,
                      eh_err *err)
{
    trim_job job = {state, cut};
    return eh_pg_transact((eh_pg *)dest, 10, trim_body, &job, err);
}

/* ---- promoting -------------------------------------------------------------------------- */

typedef struct promote_job {
    eh_dest *dest;
    const eh_stream_state *state;
    const eh_promotion *promotion;
    eh_promoted *promoted;
    eh_arena *arena;
    const char *columns;        /* of the stage; NULL: there is none */
    const char **child_columns; /* the same of child tables */
    bool table;
} promote_job;

/* *done: an earlier attempt has committed, though nobody heard of it. */
static bool fence(eh_pg *pg, const promote_job *job, bool *done, eh_err *err)
{
    eh_pg_args args = {.count = 0};
    eh_pg_arg_int(&args, job->state->stream_id);
    eh_pg_arg_int(&args, job->state->epoch);
    *done = false;
    if (!eh_pg_run(pg, "promote_fence", &args, err)) return false;
    if (eh_pgconn_rows(pg->control) == 0)
        return eh_pg_fence(pg, job->state, err) &&
               eh_fail(err, EH_CLASS_BUG, "the stream's state row cannot be updated");
    if (job->promotion->staging == EH_STAGE_ALL) {
        *done = eh_pgconn_int(pg->control, 0, 0) != job->state->generation;
        return true;
    }
    if (job->promotion->staging == EH_STAGE_NONE) return true;
    args.count = 1;
    eh_pg_arg_int(&args, job->state->unit_generation);
    eh_pg_arg_str(&args, "");
    if (!eh_pg_run(pg, "stage_ledger", &args, err)) return false;
    *done = eh_pgconn_int(pg->control, 0, 0) == 0 && !job->promotion->empty;
    return true;
}

/* From here on nobody changes the columns of the table; *columns: of its stage. */
static bool lock_child(eh_pg *pg, promote_job *job, const eh_child_stage *child,
                       const char **columns, eh_err *err)
{
    const eh_promotion *p = job->promotion;
    stage_look there;
    eh_sql_var vars[] = {{"schema", p->schema}, {"table", child->table}};
    *columns = NULL;
    if (!eh_pg_run_spliced(pg, "promote_lock", vars, 2, err) ||
        !look(pg, child->stage, p->schema, child->table, &there, err))
        return false;
    if (!there.stage) return true;
    if (!there.same) return eh_stage_fail_columns(p, err);
    *columns = eh_arena_strdup(job->arena, there.columns);
    return *columns != NULL || eh_fail_memory(err, "a list of columns");
}

static bool lock_children(eh_pg *pg, promote_job *job, eh_err *err)
{
    const eh_promotion *p = job->promotion;
    job->child_columns =
        eh_arena_zalloc(job->arena, p->child_count + 1, sizeof *job->child_columns);
    if (job->child_columns == NULL) return eh_fail_memory(err, "a list of columns");
    for (size_t i = 0; i < p->child_count; i++)
        if (!lock_child(pg, job, &p->children[i], &job->child_columns[i], err)) return false;
    return true;
}

/* The same of the records' table. */
static bool lock(eh_pg *pg, promote_job *job, eh_err *err)
{
    const eh_promotion *p = job->promotion;
    stage_look there;
    eh_pg_args args = {.count = 0};
    eh_sql_var vars[] = {{"schema", p->schema}, {"table", p->table}};
    if (!look(pg, job->state->stage, p->schema, p->table, &there, err)) return false;
    job->table = there.table;
    job->columns = NULL;
    if (!there.table) return true;
    eh_pg_arg_str(&args, p->schema);
    eh_pg_arg_str(&args, p->table);
    if (!eh_pg_run_spliced(pg, "promote_lock", vars, 2, err) ||
        !eh_pg_run(pg, "promote_cascades", &args, err))
        return false;
    if (eh_pgconn_rows(pg->control) > 0) {
        (void)eh_fail(err, EH_CLASS_CONFIG,
                      "foreign key %s deletes or changes rows there when rows of %s.%s go",
                      eh_pgconn_value(pg->control, 0, 0), p->schema, p->table);
        return eh_err_hint(err, "make it ON DELETE NO ACTION, or load the stream by merge");
    }
    if (!look(pg, job->state->stage, p->schema, p->table, &there, err)) return false;
    if (!there.stage) return true;
    if (!there.same) return eh_stage_fail_columns(p, err);
    job->columns = eh_arena_strdup(job->arena, there.columns);
    return job->columns != NULL || eh_fail_memory(err, "a list of columns");
}

/* Rows go and others come, by the statement of that name, or come where none go: nobody else
 * writes rows of this stream while its state row is locked. */
static bool move(eh_pg *pg, const promote_job *job, const char *name, const eh_stage_sql *sql,
                 int64_t going, int64_t coming, eh_err *err)
{
    eh_promoted *out = job->promoted;
    if (!eh_pg_run_spliced(pg, going > 0 ? name : "rows_come", sql->vars, sql->count, err))
        return false;
    out->gone = going > 0 ? eh_pgconn_int(pg->control, 0, 0) : 0;
    out->came = going > 0 ? eh_pgconn_int(pg->control, 0, 1) : eh_pgconn_touched(pg->control);
    if (out->came == coming) return true;
    (void)eh_fail(err, EH_CLASS_DESTINATION, "the server stored %lld of %lld rows of %s.%s",
                  (long long)out->came, (long long)coming, job->promotion->schema,
                  job->promotion->table);
    return eh_err_hint(err, "does a trigger of the table leave rows out?");
}

static bool move_rows(eh_pg *pg, promote_job *job, const eh_stage_sql *sql, eh_err *err)
{
    if (!job->table) return true;
    if (!eh_pg_run_spliced(pg, "promote_count", sql->vars, sql->count, err)) return false;
    int64_t before = eh_pgconn_int(pg->control, 0, 0), going = eh_pgconn_int(pg->control, 0, 1);
    int64_t coming = eh_pgconn_int(pg->control, 0, 2);
    if (!eh_stage_judge(job->promotion, before, going, coming, err)) return false;
    EH_FAULT("promote.judged");
    return move(pg, job, "promote_rows", sql, going, coming, err);
}

/* The rows of a window; those of a period that it was read for go, unless too few came. */
static bool move_window(eh_pg *pg, promote_job *job, const eh_stage_sql *sql, eh_err *err)
{
    eh_promoted *out = job->promoted;
    eh_pg_args args = {.count = 0};
    if (!eh_pg_check_units(pg, job->state, err)) return false;
    if (job->table) {
        if (!eh_pg_run_spliced(pg, "window_count", sql->vars, sql->count, err)) return false;
        out->gone = eh_pgconn_int(pg->control, 0, 0);
        out->came = eh_pgconn_int(pg->control, 0, 1);
        out->refused = eh_stage_refuses(job->promotion, out->gone, out->came);
    }
    EH_FAULT("promote.judged");
    if (out->refused && out->dead > 0) return eh_sift_fail_few(job->promotion, out, err);
    if (out->refused) {
        eh_pg_arg_int(&args, job->state->stream_id);
        eh_pg_arg_int(&args, job->state->unit_generation);
        return eh_pg_run(pg, "stage_forget", &args, err);
    }
    if (!job->table) return true;
    return move(pg, job, "window_rows", sql, out->gone, out->came, err);
}

/* The cursor with it. */
static bool close_window(eh_pg *pg, const promote_job *job, eh_err *err)
{
    const eh_doc *cursor = job->promotion->cursor;
    eh_pg_args args = {.count = 0};
    eh_buf json;
    eh_buf_init(&json, ARENA_MAX);
    bool ok = cursor == NULL || eh_doc_to_json(cursor, &json, err);
    eh_pg_arg_int(&args, job->state->stream_id);
    eh_pg_arg_str(&args, ok && cursor != NULL ? eh_buf_cstr(&json) : NULL);
    ok = ok && eh_pg_run(pg, "window_cursor", &args, err);
    eh_buf_free(&json);
    return ok;
}

static bool move_child(eh_pg *pg, const promote_job *job, const eh_stage_sql *records,
                       size_t index, eh_err *err)
{
    const eh_promotion *p = job->promotion;
    eh_stage_sql sql;
    bool ok = eh_stage_sql_child(&sql, records, job->dest, job->state, p, &p->children[index],
                                 job->child_columns[index], err) &&
              eh_pg_run_spliced(pg, "promote_rows", sql.vars, sql.count, err);
    eh_stage_sql_free(&sql);
    if (!ok) return eh_err_while(err, "replacing rows of %s", p->children[index].table);
    EH_FAULT("promote.child");
    return true;
}

static bool drop_children(eh_pg *pg, const promote_job *job, eh_err *err)
{
    for (size_t i = 0; i < job->promotion->child_count; i++)
        if (!drop_stage(pg, job->promotion->children[i].stage, err)) return false;
    return true;
}

/* Inputs that are left out leave the stages of child tables first: by what the ledger has. */
static bool prune_children(eh_pg *pg, const promote_job *job, const eh_stage_sql *records,
                           eh_err *err)
{
    const eh_promotion *p = job->promotion;
    for (size_t i = 0; i < p->child_count; i++) {
        eh_stage_sql sql;
        if (job->child_columns[i] == NULL) continue;
        bool ok = eh_stage_sql_child(&sql, records, job->dest, job->state, p, &p->children[i],
                                     job->child_columns[i], err) &&
                  eh_pg_run_spliced(pg, "promote_prune_child", sql.vars, sql.count, err);
        eh_stage_sql_free(&sql);
        if (!ok) return false;
    }
    return true;
}

/* ---- moving rows ------------------------------------------------------------------------ */

/* What a table refuses is found and left out, and all is moved again: a row that lacks another
 * which was left out is refused in turn. */
#define TURNS_MAX 64

typedef struct moving {
    eh_pg *pg;
    promote_job *job;
    const eh_stage_sql *sql;
    size_t at; /* the table at work: the records' is 0; one behind the last: the checks */
} moving;

/* The tables in front of `until`. */
static bool move_before(void *self, size_t until, eh_err *err)
{
    moving *m = self;
    bool window = m->job->promotion->staging == EH_STAGE_WINDOW;
    for (m->at = 0; m->at < until; m->at++) {
        bool ok = m->at > 0 ? move_child(m->pg, m->job, m->sql, m->at - 1, err)
                  : window  ? move_window(m->pg, m->job, m->sql, err)
                            : move_rows(m->pg, m->job, m->sql, err);
        if (!ok) return false;
    }
    return true;
}

static bool run_text(eh_pg *pg, const char *sql, eh_err *err)
{
    eh_pgconn_query(pg->control, sql, NULL, NULL);
    return eh_pgconn_wait(pg->control, err);
}

/* Constraints that are checked late are checked now, while rows can still be left out. */
static bool try_move(moving *m, eh_err *err)
{
    return run_text(m->pg, "SAVEPOINT moved", err) &&
           move_before(m, m->job->promotion->child_count + 1, err) &&
           run_text(m->pg, "SET CONSTRAINTS ALL IMMEDIATE", err) &&
           run_text(m->pg, "RELEASE SAVEPOINT moved", err);
}

static bool sift(moving *m, eh_pg_sift *sift, const eh_err *said, bool *found, eh_err *err)
{
    const eh_pg_constraint about = *eh_pgconn_error_constraint(m->pg->control);
    char column[64];
    size_t at = m->at;
    (void)snprintf(column, sizeof column, "%s", eh_pgconn_error_column(m->pg->control));
    return run_text(m->pg, "ROLLBACK TO SAVEPOINT moved; RELEASE SAVEPOINT moved", err) &&
           eh_pg_sift_refused(sift, said, &about, column, at, found, err);
}

static bool move_all(eh_pg *pg, promote_job *job, const eh_stage_sql *sql, eh_err *err)
{
    moving m = {pg, job, sql, 0};
    eh_pg_sift own = {.pg = pg,
                      .state = job->state,
                      .promotion = job->promotion,
                      .promoted = job->promoted,
                      .records = sql,
                      .columns = job->columns,
                      .child_columns = job->child_columns,
                      .move_before = move_before,
                      .self = &m};
    for (int turn = 0;; turn++) {
        eh_err said = {.class_ = EH_OK};
        bool found = false;
        if (try_move(&m, &said)) return true;
        bool refused = eh_pg_is_refusal(&said);
        if (refused && turn < TURNS_MAX && eh_sift_can(job->promotion) &&
            !sift(&m, &own, &said, &found, err))
            return false;
        if (found) continue;
        if (refused) eh_sift_hint(job->promotion, &said);
        *err = said;
        return false;
    }
}

static bool has_news(eh_pg *pg, const promote_job *job, const eh_stage_sql *sql, bool *news,
                     eh_err *err)
{
    eh_pg_args args = {.count = 0};
    *news = true;
    if (job->promotion->staging != EH_STAGE_ALL) return true;
    if (!prune_children(pg, job, sql, err)) return false;
    if (job->columns != NULL &&
        !eh_pg_run_spliced(pg, "promote_prune", sql->vars, sql->count, err))
        return false;
    eh_pg_arg_int(&args, job->state->stream_id);
    eh_pg_arg_int(&args, job->state->generation);
    eh_pg_arg_int(&args, job->state->generation + 1);
    eh_pg_arg_str(&args, job->promotion->kept);
    if (!eh_pg_run(pg, "promote_news", &args, err)) return false;
    *news = eh_pgconn_bool(pg->control, 0, 0) || eh_pgconn_bool(pg->control, 0, 1);
    return true;
}

static bool replace(eh_pg *pg, promote_job *job, const eh_stage_sql *sql, eh_err *err)
{
    bool window = job->promotion->staging == EH_STAGE_WINDOW, news;
    eh_pg_args effects = {.count = 0};
    if (!has_news(pg, job, sql, &news, err)) return false;
    if (!news) {
        job->promoted->nothing = true;
        return drop_children(pg, job, err) &&
               eh_pg_run_spliced(pg, "stage_drop", sql->vars, sql->count, err);
    }
    if (job->promotion->staging != EH_STAGE_NONE &&
        (!move_all(pg, job, sql, err) || !drop_children(pg, job, err)))
        return false;
    EH_FAULT("promote.rows");
    if (eh_stage_comes_again(job->promotion) &&
        !eh_pg_run_spliced(pg, "promote_dead", sql->vars, sql->count, err))
        return false;
    eh_pg_arg_int(&effects, job->state->load_id);
    eh_pg_arg_int(&effects, job->promoted->gone);
    static const char *const files[] = {"promote_file", "promote_all", "promote_file",
                                        "promote_window"};
    return eh_pg_run_spliced(pg, files[job->promotion->staging], sql->vars, sql->count, err) &&
           (!window || close_window(pg, job, err)) &&
           (job->promoted->gone == 0 || job->promoted->refused ||
            eh_pg_run(pg, "promote_effects", &effects, err));
}

static bool promote_body(eh_pg *pg, void *self, eh_err *err)
{
    promote_job *job = self;
    const eh_promotion *p = job->promotion;
    eh_stage_sql sql;
    bool done;
    eh_arena_reset(job->arena);
    if (!fence(pg, job, &done, err)) return false;
    if (done) return true;
    *job->promoted = (eh_promoted){.nothing = false};
    if (p->staging != EH_STAGE_NONE && (!lock(pg, job, err) || !lock_children(pg, job, err)))
        return false;
    bool ok = eh_stage_sql_make(&sql, job->dest, job->state, p, job->columns, err) &&
              replace(pg, job, &sql, err);
    eh_stage_sql_free(&sql);
    if (!ok) return false;
    if (p->staging == EH_STAGE_WINDOW) return true;
    if (p->staging != EH_STAGE_ALL) return eh_pg_check_units(pg, job->state, err);
    if (!eh_pg_finish_load(pg, job->state, p->cursor, err)) return false;
    EH_FAULT("promote.ledger");
    return true;
}

bool eh_pg_promote(eh_dest *dest, const eh_stream_state *state, const eh_promotion *promotion,
                   eh_promoted *promoted, eh_err *err)
{
    promote_job job = {.dest = dest,
                       .state = state,
                       .promotion = promotion,
                       .promoted = promoted,
                       .arena = eh_arena_new(ARENA_MAX)};
    if (job.arena == NULL) return eh_fail_memory(err, "a replacement");
    bool ok = eh_pg_transact((eh_pg *)dest, PROMOTE_MINUTES, promote_body, &job, err);
    if (ok) EH_FAULT("promote.done");
    eh_arena_free(job.arena);
    return ok;
}
