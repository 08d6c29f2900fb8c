/* load/dest_postgres_sift.c: see dest_postgres_sift.h.
 *
 * The server names the constraint that a row broke, and one row at the most. All rows of the
 * stage that break the same one are found by a query; what no query tells (a trigger, an
 * exclusion constraint) is found by inserting the rows in pieces, and taking it all back. */
#include "load/dest_postgres_sift.h"

#include "base/fault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_MAX ((size_t)256 * 1024 * 1024)
#define SQL_MAX   ((size_t)8 * 1024 * 1024)
/* The stage of a child table has as many variables as its records', and some of a statement. */
#define VARS_MAX (EH_STAGE_VARS + 16)

/* ---- statements ------------------------------------------------------------------------- */

static bool run_text(eh_pg *pg, const char *sql, eh_err *err)
{
    eh_pgconn_query(pg->control, sql, NULL, NULL);
    return eh_pgconn_wait(pg->control, err);
}

/* The variables of a table's statements, with some more. */
typedef struct vars {
    eh_stage_sql own; /* of a child table */
    bool is_child;
    eh_sql_var list[VARS_MAX];
    size_t count;
    eh_buf texts[6]; /* statements and conditions that are variables themselves */
    size_t text_count;
} vars;

static void put(vars *v, const char *name, const char *value)
{
    v->list[v->count++] = (eh_sql_var){name, value};
}

/* A file with the variables so far becomes the variable `name`. */
static bool put_file(vars *v, const char *name, const char *file, eh_err *err)
{
    eh_buf *text = &v->texts[v->text_count++];
    eh_buf_init(text, SQL_MAX);
    if (!eh_sql_expand("postgres", file, v->list, v->count, text, err)) return false;
    put(v, name, text->data);
    return true;
}

static void free_vars(vars *v)
{
    if (v->is_child) eh_stage_sql_free(&v->own);
    for (size_t i = 0; i < v->text_count; i++) eh_buf_free(&v->texts[i]);
}

static bool run(const eh_pg_sift *sift, const char *file, const vars *v, eh_err *err)
{
    return eh_pg_run_spliced(sift->pg, file, v->list, v->count, err);
}

/* Of the records' table (0) or a child's; free them also when it failed. */
static bool make_vars(const eh_pg_sift *sift, size_t table, vars *v, eh_err *err)
{
    *v = (vars){.count = 0};
    const eh_stage_sql *sql = sift->records;
    if (table > 0) {
        v->is_child = true;
        if (!eh_stage_sql_child(&v->own, sift->records, &sift->pg->base, sift->state,
                                sift->promotion, &sift->promotion->children[table - 1],
                                sift->child_columns[table - 1], err))
            return false;
        sql = &v->own;
    }
    memcpy(v->list, sql->vars, sql->count * sizeof *sql->vars);
    v->count = sql->count;
    put(v, "child", table > 0 ? "child" : "");
    put(v, "placed", sift->promotion->no_file ? "ctid" : "\"_file\", \"_row\", ctid");
    return put_file(v, "going", eh_sift_going(sift->promotion), err);
}

/* ---- what is looked for ----------------------------------------------------------------- */

static bool has_stage(const eh_pg_sift *sift, size_t table)
{
    return (table == 0 ? sift->columns : sift->child_columns[table - 1]) != NULL;
}

/* Once in a promotion: the stage has just the rows that come. */
static bool prepare(eh_pg_sift *sift, eh_err *err)
{
    const eh_stage_sql *sql = sift->records;
    char deleted[160];
    if (sift->prepared) return true;
    sift->prepared = true;
    sift->base = (eh_sift){.promotion = sift->promotion, .promoted = sift->promoted};
    if (!has_stage(sift, 0)) return true;
    (void)snprintf(deleted, sizeof deleted, "k.%s IS TRUE", eh_stage_key_live(sql));
    eh_sql_var more[] = {{"stage", sql->stage},
                         {"key", eh_stage_key(sql)},
                         {"order", eh_stage_key_order(sql)},
                         {"deleted", eh_stage_key_live(sql)[0] != '\0' ? deleted : "false"}};
    if (eh_stage_key(sql)[0] != '\0' &&
        !eh_pg_run_spliced(sift->pg, "sift_newest", more, 4, err))
        return false;
    if (!eh_pg_run_spliced(sift->pg, "sift_count", more, 1, err)) return false;
    sift->base.coming = eh_pgconn_int(sift->pg->control, 0, 0);
    bool any = false;
    for (size_t i = 0; i < sift->promotion->child_count; i++) {
        eh_sql_var stage[] = {{"stage", sift->promotion->children[i].stage}};
        if (!has_stage(sift, i + 1)) continue;
        any = true;
        if (!eh_pg_run_spliced(sift->pg, "sift_index", stage, 1, err)) return false;
    }
    return !any || eh_pg_run_spliced(sift->pg, "sift_index", more, 1, err);
}

/* A row of a stage that is to be a dead row. In the arena. */
typedef struct offender {
    const char *at;
    const char *reason;
    const char *column;
} offender;

typedef struct offenders {
    eh_arena *arena;
    offender *list;
    size_t count;
} offenders;

/* The answer to sift_find.sql, which says only where, or to sift_found.sql. */
static bool read_offenders(const eh_pg_sift *sift, const char *reason, const char *column,
                           offenders *out, eh_err *err)
{
    eh_pgconn *conn = sift->pg->control;
    int rows = eh_pgconn_rows(conn);
    out->count = 0;
    out->list = eh_arena_zalloc(out->arena, (size_t)rows + 1, sizeof *out->list);
    for (int i = 0; out->list != NULL && i < rows; i++) {
        offender *o = &out->list[out->count++];
        const char *said = reason != NULL ? reason : eh_pgconn_value(conn, i, 1);
        const char *about = reason != NULL ? column : eh_pgconn_value(conn, i, 2);
        o->at = eh_arena_strdup(out->arena, eh_pgconn_value(conn, i, 0));
        o->reason = eh_arena_strdup(out->arena, said != NULL ? said : "");
        o->column = eh_arena_strdup(out->arena, about != NULL ? about : "");
        if (o->at == NULL || o->reason == NULL || o->column == NULL) out->list = NULL;
    }
    return out->list != NULL || eh_fail_memory(err, "refused rows");
}

/* ---- dead rows -------------------------------------------------------------------------- */

static const char *copy(eh_arena *arena, const char *text)
{
    return text != NULL ? eh_arena_strdup(arena, text) : NULL;
}

/* The record that has the offender; *at is NULL when it is gone already, with another. */
static bool read_record(const eh_pg_sift *sift, size_t table, const offender *o,
                        eh_sift_row *row, const char **at, eh_err *err)
{
    const eh_promotion *p = sift->promotion;
    eh_arena *arena = sift->base.arena;
    vars v = {.count = 0};
    put(&v, "schema", p->schema);
    put(&v, "table", p->table);
    put(&v, "stage", sift->records->stage);
    put(&v, "child", "");
    put(&v, "at", o->at);
    put(&v, "row_file", p->no_file ? "NULL" : "r.\"_file\"");
    put(&v, "row_number", p->no_file ? "0" : "r.\"_row\"");
    if (table > 0) put(&v, "child_stage", p->children[table - 1].stage);
    bool ok = put_file(&v, "object", "sift_object", err) &&
              put_file(&v, "these", table > 0 ? "sift_above" : "sift_at", err) &&
              run(sift, "sift_row", &v, err);
    free_vars(&v);
    *at = NULL;
    if (!ok || eh_pgconn_rows(sift->pg->control) == 0) return ok;
    eh_pgconn *conn = sift->pg->control;
    *at = copy(arena, eh_pgconn_value(conn, 0, 0));
    *row = (eh_sift_row){.load = eh_pgconn_int(conn, 0, 1),
                         .file = copy(arena, eh_pgconn_value(conn, 0, 2)),
                         .row = eh_pgconn_int(conn, 0, 3),
                         .json = copy(arena, eh_pgconn_value(conn, 0, 4))};
    return (*at != NULL && row->json != NULL && (p->no_file || row->file != NULL)) ||
           eh_fail_memory(err, "a refused row");
}

/* The variables that tell the rows of a child table which belong to a record. */
typedef struct of_record {
    char load[24], row[24];
} of_record;

static void put_record(vars *v, const char *stage, const eh_sift_row *row, of_record *text)
{
    (void)snprintf(text->load, sizeof text->load, "%" PRId64, row->load);
    (void)snprintf(text->row, sizeof text->row, "%" PRId64, row->row);
    put(v, "stage", stage);
    put(v, "load", text->load);
    put(v, "file", row->file);
    put(v, "row", text->row);
}

static bool keep_elements(const eh_pg_sift *sift, size_t depth, eh_sift_list *out, eh_err *err)
{
    eh_pgconn *conn = sift->pg->control;
    int rows = eh_pgconn_rows(conn);
    out->elements = eh_arena_zalloc(sift->base.arena, (size_t)rows + 1, sizeof *out->elements);
    if (out->elements == NULL) return eh_fail_memory(err, "a refused row");
    for (int i = 0; i < rows; i++) {
        eh_sift_element *e = &out->elements[out->count++];
        for (size_t d = 0; d < depth; d++) e->positions[d] = eh_pgconn_int(conn, i, (int)d + 1);
        e->json = copy(sift->base.arena, eh_pgconn_value(conn, i, 0));
        if (e->json == NULL) return eh_fail_memory(err, "a refused row");
    }
    return true;
}

static bool read_elements(const eh_pg_sift *sift, size_t index, const eh_sift_row *row,
                          eh_sift_list *out, eh_err *err)
{
    const eh_child_stage *child = &sift->promotion->children[index];
    of_record text = {.load = ""};
    vars v = {.count = 0};
    put(&v, "schema", sift->promotion->schema);
    put(&v, "table", child->table);
    put(&v, "child", "child");
    put(&v, "places", eh_sift_places(child->depth));
    put_record(&v, child->stage, row, &text);
    bool ok = put_file(&v, "object", "sift_object", err) &&
              run(sift, "sift_elements", &v, err) &&
              keep_elements(sift, child->depth, out, err);
    free_vars(&v);
    return ok;
}

static bool drop(const eh_pg_sift *sift, const char *at, const eh_sift_row *row, eh_err *err)
{
    const eh_promotion *p = sift->promotion;
    eh_sql_var place[] = {{"stage", sift->records->stage}, {"at", at}};
    if (!eh_pg_run_spliced(sift->pg, "sift_drop", place, 2, err)) return false;
    for (size_t i = 0; i < p->child_count; i++) {
        of_record text = {.load = ""};
        vars v = {.count = 0};
        if (!has_stage(sift, i + 1)) continue;
        put_record(&v, p->children[i].stage, row, &text);
        if (!run(sift, "sift_drop_elements", &v, err)) return false;
    }
    return true;
}

static bool record_dead(const eh_pg_sift *sift, const eh_sift_row *row, const eh_refused *dead,
                        eh_err *err)
{
    const eh_promotion *p = sift->promotion;
    eh_pg_args args = {.count = 0};
    eh_pg_arg_int(&args, sift->state->stream_id);
    eh_pg_arg_int(&args, sift->state->unit_generation);
    eh_pg_arg_str(&args, p->client);
    eh_pg_arg_int(&args, row->load);
    eh_pg_arg_str(&args, dead->file);
    eh_pg_arg_int(&args, row->row);
    eh_pg_arg_str(&args, dead->dead.column.data);
    eh_pg_arg_str(&args, dead->dead.code.data);
    eh_pg_arg_str(&args, dead->dead.reason.data);
    eh_pg_arg_str(&args, dead->dead.raw.data);
    eh_pg_arg_str(&args, p->no_file ? "false" : "true");
    eh_pg_arg_int(&args, p->no_file ? sift->state->load_id : row->load);
    eh_pg_arg_str(&args, eh_stage_comes_again(p) ? "true" : "false");
    return eh_pg_run(sift->pg, "sift_dead", &args, err);
}

static bool bury(eh_pg_sift *sift, size_t table, const offender *o, eh_err *err)
{
    const eh_promotion *p = sift->promotion;
    eh_sift_row row;
    eh_refused dead;
    const char *at;
    if (!read_record(sift, table, o, &row, &at, err)) return false;
    if (at == NULL) return true;
    eh_sift_list *lists = eh_arena_zalloc(sift->base.arena, p->child_count + 1, sizeof *lists);
    if (lists == NULL) return eh_fail_memory(err, "a refused row");
    for (size_t i = 0; i < p->child_count; i++)
        if (has_stage(sift, i + 1) && !read_elements(sift, i, &row, &lists[i], err))
            return false;
    return eh_sift_bury(&sift->base, &row, lists, o->column, o->reason, &dead, err) &&
           record_dead(sift, &row, &dead, err) && drop(sift, at, &row, err);
}

static bool bury_all(eh_pg_sift *sift, size_t table, const offenders *list, eh_err *err)
{
    sift->base.arena = eh_arena_new(ARENA_MAX);
    bool ok = sift->base.arena != NULL || eh_fail_memory(err, "refused rows");
    for (size_t i = 0; ok && i < list->count; i++) {
        eh_arena_reset(sift->base.arena);
        ok = bury(sift, table, &list->list[i], err);
        if (ok) EH_FAULT("promote.sifted");
    }
    eh_arena_free(sift->base.arena);
    sift->base.arena = NULL;
    return ok;
}

/* ---- by the constraint ------------------------------------------------------------------ */

/* Index of the table as the sift counts them; SIZE_MAX: it is another one. */
static size_t table_named(const eh_promotion *p, const eh_pg_constraint *about)
{
    if (strcmp(about->schema, p->schema) != 0) return SIZE_MAX;
    if (strcmp(about->table, p->table) == 0) return 0;
    for (size_t i = 0; i < p->child_count; i++)
        if (strcmp(about->table, p->children[i].table) == 0) return i + 1;
    return SIZE_MAX;
}

static bool put_constraint(const eh_pg_sift *sift, const eh_pg_constraint *about,
                           const char *column, vars *records, vars *v, eh_err *err)
{
    if (!make_vars(sift, 0, records, err)) return false;
    put(v, "records", sift->promotion->table);
    put(v, "records_stage", has_stage(sift, 0) ? sift->records->stage : "");
    put(v, "records_going", records->texts[0].data);
    put(v, "constraint", about->name);
    put(v, "column", column);
    return true;
}

/* *test: which rows break it, or NULL. A query of the catalogue may meet what it does not know
 * (an index over a column that the stage does not have): then nothing is found by it. */
static bool ask_test(const eh_pg_sift *sift, const vars *v, eh_arena *arena, const char **test,
                     eh_err *err)
{
    *test = NULL;
    if (!run(sift, "sift_constraint", v, err)) return false;
    const char *text = eh_pgconn_value(sift->pg->control, 0, 0);
    if (text == NULL) return true;
    *test = eh_arena_strdup(arena, text);
    return *test != NULL || eh_fail_memory(err, "refused rows");
}

static bool try_find(const eh_pg_sift *sift, const vars *v, eh_err *err)
{
    eh_err failure = {.class_ = EH_OK};
    if (!run_text(sift->pg, "SAVEPOINT sift", err)) return false;
    if (run(sift, "sift_find", v, &failure)) return true;
    bool unknown = strncmp(failure.sqlstate, "42", 2) == 0;
    if (!unknown) *err = failure;
    return unknown && run_text(sift->pg, "ROLLBACK TO SAVEPOINT sift", err);
}

static bool sift_constraint(eh_pg_sift *sift, size_t table, vars *v, const char *test,
                            const char *reason, const char *column, eh_err *err)
{
    bool more = true, ok = true;
    put(v, "test", test);
    while (ok && more) {
        offenders list = {.arena = eh_arena_new(ARENA_MAX)};
        ok = list.arena != NULL || eh_fail_memory(err, "refused rows");
        ok = ok && try_find(sift, v, err) && read_offenders(sift, reason, column, &list, err) &&
             run_text(sift->pg, "RELEASE SAVEPOINT sift", err) &&
             bury_all(sift, table, &list, err);
        more = list.count > 0;
        eh_arena_free(list.arena);
    }
    return ok;
}

/* What the server says of one row is said of all, without that one's values. */
static void spell_reason(const eh_err *said, char *out, size_t size)
{
    (void)snprintf(out, size, "%s: %s", said->sqlstate, said->message);
    char *values = strstr(out, " (Key (");
    if (values == NULL) values = strstr(out, " (Failing row ");
    if (values != NULL) *values = '\0';
}

static bool by_constraint(eh_pg_sift *sift, const eh_err *said, const eh_pg_constraint *about,
                          const char *column, eh_err *err)
{
    size_t table = table_named(sift->promotion, about);
    if (table == SIZE_MAX || !has_stage(sift, table)) return true;
    char reason[sizeof said->message + 8];
    const char *test = NULL;
    vars v, records = {.count = 0};
    eh_arena *arena = eh_arena_new(SQL_MAX);
    spell_reason(said, reason, sizeof reason);
    bool ok = make_vars(sift, table, &v, err) &&
              (arena != NULL || eh_fail_memory(err, "refused rows")) &&
              put_constraint(sift, about, column, &records, &v, err) &&
              ask_test(sift, &v, arena, &test, err) &&
              (test == NULL || sift_constraint(sift, table, &v, test, reason, column, err));
    free_vars(&records);
    free_vars(&v);
    eh_arena_free(arena);
    return ok;
}

/* ---- by trying -------------------------------------------------------------------------- */

static bool set_probe(const eh_pg_sift *sift, size_t table, eh_err *err)
{
    vars v;
    eh_pg_args args = {.count = 0};
    bool ok = make_vars(sift, table, &v, err) && put_file(&v, "list", "sift_list", err) &&
              put_file(&v, "delete", "sift_delete", err) &&
              put_file(&v, "insert", "sift_insert", err);
    for (size_t i = 1; ok && i < 4; i++) eh_pg_arg_str(&args, v.texts[i].data);
    ok = ok && eh_pg_run(sift->pg, "sift_set", &args, err);
    free_vars(&v);
    return ok;
}

/* The rows of one table, those in front of it being where they belong. What cannot be tried at
 * all (other tables refer to rows that go) finds nothing. */
static bool probe(const eh_pg_sift *sift, size_t table, offenders *out, eh_err *err)
{
    eh_err failure = {.class_ = EH_OK};
    out->count = 0;
    if (!run_text(sift->pg, "SAVEPOINT sift", err)) return false;
    bool ok = run_text(sift->pg, "SET CONSTRAINTS ALL IMMEDIATE", &failure) &&
              sift->move_before(sift->self, table, &failure) &&
              set_probe(sift, table, &failure) &&
              eh_pg_run(sift->pg, "sift_probe", NULL, &failure) &&
              eh_pg_run(sift->pg, "sift_found", NULL, &failure) &&
              read_offenders(sift, NULL, NULL, out, &failure);
    if (!ok && !eh_pg_is_refusal(&failure)) {
        *err = failure;
        return false;
    }
    return run_text(sift->pg, "ROLLBACK TO SAVEPOINT sift; RELEASE SAVEPOINT sift", err);
}

static bool by_probe(eh_pg_sift *sift, size_t table, eh_err *err)
{
    size_t last = sift->promotion->child_count;
    size_t from = table > last ? 0 : table, to = table > last ? last : table;
    int64_t before = sift->promoted->dead;
    bool ok = true;
    for (size_t i = from; ok && i <= to && sift->promoted->dead == before; i++) {
        if (!has_stage(sift, i)) continue;
        offenders list = {.arena = eh_arena_new(ARENA_MAX)};
        ok = list.arena != NULL || eh_fail_memory(err, "refused rows");
        ok = ok && probe(sift, i, &list, err) && bury_all(sift, i, &list, err);
        eh_arena_free(list.arena);
    }
    return ok;
}

bool eh_pg_sift_refused(eh_pg_sift *sift, const eh_err *said, const eh_pg_constraint *about,
                        const char *column, size_t table, bool *found, eh_err *err)
{
    int64_t before = sift->promoted->dead;
    *found = false;
    if (!prepare(sift, err) || !by_constraint(sift, said, about, column, err)) return false;
    if (sift->promoted->dead == before && !by_probe(sift, table, err)) return false;
    *found = sift->promoted->dead > before;
    return true;
}
