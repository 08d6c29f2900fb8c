/* load/dest_sqlite_sift.c: rows of a stage that their table refuses, found and left out; see
 * dest_sift.h.
 *
 * The rows are inserted one after the other, which costs little in the same process, and all is
 * taken back. Each refusal has its own words. */
#include "load/dest_sqlite_sift.h"

#include "base/fault.h"
#include "data/decimal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ARENA_MAX ((size_t)256 * 1024 * 1024)
#define SQL_MAX   ((size_t)8 * 1024 * 1024)
#define TEXT_MAX  ((size_t)64 * 1024 * 1024)

/* ---- statements ------------------------------------------------------------------------- */

static eh_sqlite_stmt *prepare(const eh_lite_sift *sift, const char *file,
                               const eh_sql_var *vars, size_t count, eh_err *err)
{
    eh_buf sql;
    eh_buf_init(&sql, SQL_MAX);
    eh_sqlite_stmt *stmt = NULL;
    if (eh_sql_expand("sqlite", file, vars, count, &sql, err))
        stmt = eh_sqlite_prepare(sift->lite->control.sql, sql.data, NULL, err);
    eh_buf_free(&sql);
    return stmt;
}

static bool run(const eh_lite_sift *sift, const char *file, const eh_sql_var *vars,
                size_t count, eh_err *err)
{
    eh_sqlite_stmt *stmt = prepare(sift, file, vars, count, err);
    bool ok = stmt != NULL && eh_sqlite_step(stmt, err) == EH_STEP_DONE;
    eh_sqlite_free(stmt);
    return ok;
}

static bool run_text(const eh_lite_sift *sift, const char *sql, eh_err *err)
{
    return eh_sqlite_exec(sift->lite->control.sql, sql, err);
}

static const char *stage_of(const eh_lite_sift *sift, size_t table)
{
    return table == 0 ? sift->records->stage : sift->promotion->children[table - 1].stage;
}

static bool has_stage(const eh_lite_sift *sift, size_t table)
{
    return (table == 0 ? sift->columns : sift->child_columns[table - 1]) != NULL;
}

/* ---- what is looked for ----------------------------------------------------------------- */

static bool index_stages(const eh_lite_sift *sift, eh_err *err)
{
    bool ok = true;
    size_t count = sift->promotion->child_count;
    for (size_t t = 0; ok && count > 0 && t <= count; t++) {
        char name[80];
        if (!has_stage(sift, t)) continue;
        (void)snprintf(name, sizeof name, "%s_place", stage_of(sift, t));
        eh_sql_var vars[] = {{"stage", stage_of(sift, t)}, {"index", name}};
        ok = run(sift, "sift_index", vars, 2, err);
    }
    return ok;
}

/* Once in a promotion: the stage has just the rows that come. */
static bool begin(eh_lite_sift *sift, eh_err *err)
{
    const eh_stage_sql *sql = sift->records;
    char deleted[160];
    if (sift->prepared) return true;
    sift->prepared = true;
    sift->base = (eh_sift){.promotion = sift->promotion, .promoted = sift->promoted};
    if (!has_stage(sift, 0)) return true;
    (void)snprintf(deleted, sizeof deleted, "k.%s IS 'true'", eh_stage_key_live(sql));
    eh_sql_var more[] = {{"stage", sql->stage},
                         {"key", eh_stage_key(sql)},
                         {"order", eh_stage_key_order(sql)},
                         {"deleted", eh_stage_key_live(sql)[0] != '\0' ? deleted : "0"}};
    if (eh_stage_key(sql)[0] != '\0' && !run(sift, "sift_newest", more, 4, err)) return false;
    eh_sqlite_stmt *stmt = prepare(sift, "sift_count", more, 1, err);
    bool ok = stmt != NULL && eh_sqlite_step(stmt, err) == EH_STEP_ROW;
    if (ok) sift->base.coming = eh_sqlite_int(stmt, 0);
    eh_sqlite_free(stmt);
    return ok && index_stages(sift, err);
}

typedef struct offender {
    int64_t at;
    const char *reason;
} offender;

/* The refused rows of one table. */
typedef struct offenders {
    size_t table;
    size_t count;
    offender list[EH_SIFT_BATCH];
    eh_arena *arena; /* the reasons */
} offenders;

static bool note(offenders *out, int64_t at, const eh_err *said, eh_err *err)
{
    offender *o = &out->list[out->count++];
    *o = (offender){at, eh_arena_strdup(out->arena, said->message)};
    return o->reason != NULL || eh_fail_memory(err, "refused rows");
}

static bool try_rows(eh_sqlite_stmt *places, eh_sqlite_stmt *insert, offenders *out,
                     eh_err *err)
{
    eh_step step = EH_STEP_DONE;
    while (out->count < EH_SIFT_BATCH && (step = eh_sqlite_step(places, err)) == EH_STEP_ROW) {
        eh_err said = {.class_ = EH_OK};
        int64_t at = eh_sqlite_int(places, 0);
        eh_sqlite_bind_int(insert, 1, at);
        eh_step done = eh_sqlite_step(insert, &said);
        if (done == EH_STEP_DONE) continue;
        if (done != EH_STEP_REFUSED) *err = said;
        if (done != EH_STEP_REFUSED || !note(out, at, &said, err)) return false;
    }
    eh_sqlite_reset(places);
    return step != EH_STEP_ERROR;
}

/* The variables of a table's statements. */
static bool make_vars(const eh_lite_sift *sift, size_t table, eh_stage_sql *sql, eh_buf *going,
                      eh_err *err)
{
    const eh_promotion *p = sift->promotion;
    *sql = *sift->records;
    if (table > 0 &&
        !eh_stage_sql_child(sql, sift->records, &sift->lite->base, sift->state, p,
                            &p->children[table - 1], sift->child_columns[table - 1], err))
        return false;
    if (!eh_sql_expand("sqlite", eh_sift_going(p), sql->vars, sql->count, going, err))
        return false;
    sql->vars[sql->count++] = (eh_sql_var){"going", going->data};
    sql->vars[sql->count++] =
        (eh_sql_var){"placed", p->no_file ? "rowid" : "\"_file\", \"_row\", rowid"};
    return true;
}

static bool try_table(const eh_lite_sift *sift, size_t table, offenders *out, eh_err *err)
{
    eh_stage_sql sql;
    eh_buf going;
    eh_sqlite_stmt *places = NULL, *insert = NULL;
    eh_buf_init(&going, SQL_MAX);
    bool ok = make_vars(sift, table, &sql, &going, err) &&
              run(sift, "sift_delete", sql.vars, sql.count, err);
    if (ok && has_stage(sift, table)) {
        places = prepare(sift, "sift_places", sql.vars, sql.count, err);
        insert = prepare(sift, "sift_insert", sql.vars, sql.count, err);
        ok = places != NULL && insert != NULL && try_rows(places, insert, out, err);
    }
    eh_sqlite_free(places);
    eh_sqlite_free(insert);
    if (table > 0) eh_stage_sql_free(&sql);
    eh_buf_free(&going);
    return ok;
}

/* The first table that refuses rows. What cannot be tried at all finds nothing. */
static bool probe(const eh_lite_sift *sift, offenders *out, eh_err *err)
{
    eh_err failure = {.class_ = EH_OK};
    bool ok = run_text(sift, "SAVEPOINT sift", err);
    if (!ok) return false;
    for (size_t t = 0; ok && out->count == 0 && t <= sift->promotion->child_count; t++) {
        out->table = t;
        ok = try_table(sift, t, out, &failure);
    }
    if (!ok && !eh_lite_is_refusal(&failure)) {
        *err = failure;
        return false;
    }
    return run_text(sift, "ROLLBACK TO sift; RELEASE sift", err);
}

/* ---- rows as JSON ----------------------------------------------------------------------- */

static bool put_value(const eh_sqlite_stmt *stmt, int column, eh_type type, eh_buf *out,
                      eh_err *err)
{
    eh_sqlite_kind kind = eh_sqlite_kind_of(stmt, column);
    eh_slice text = eh_sqlite_text(stmt, column);
    eh_decimal number;
    bool plain =
        type == EH_TYPE_JSON || eh_slice_is(text, "true") || eh_slice_is(text, "false");
    if (type == EH_TYPE_NUMERIC) plain = eh_decimal_parse(text, &number);
    if (kind == EH_SQLITE_NULL) return eh_buf_append_str(out, "null", err);
    if (kind == EH_SQLITE_INT || (kind == EH_SQLITE_TEXT && plain && type != EH_TYPE_TEXT))
        return eh_buf_append(out, text.data, text.len, err);
    eh_buf printed;
    eh_buf_init(&printed, TEXT_MAX);
    bool ok = eh_sqlite_print(stmt, column, &printed, err);
    /* An infinite number is a text: JSON has none. */
    if (ok && kind == EH_SQLITE_REAL && memchr(printed.data, 'n', printed.len) == NULL)
        ok = eh_buf_append(out, printed.data, printed.len, err);
    else
        ok = ok && eh_buf_append_json(out, eh_buf_slice(&printed), err);
    eh_buf_free(&printed);
    return ok;
}

static const eh_column_info *find_column(const eh_table_info *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->columns[i].name, name) == 0) return &table->columns[i];
    return NULL;
}

/* The present row as an object. NULL on failure. */
static const char *put_object(const eh_lite_sift *sift, const eh_sqlite_stmt *stmt,
                              const eh_table_info *table, bool child, eh_err *err)
{
    eh_buf out;
    eh_buf_init(&out, TEXT_MAX);
    bool ok = eh_buf_append_byte(&out, '{', err);
    for (int c = 0; ok && c < eh_sqlite_column_count(stmt); c++) {
        const char *name = eh_sqlite_column_name(stmt, c);
        const eh_column_info *info = find_column(table, name);
        if (info == NULL || eh_sift_is_ours(name, child)) continue;
        const char *written = info->written != NULL ? info->written : name;
        ok = (out.len == 1 || eh_buf_append_byte(&out, ',', err)) &&
             eh_buf_append_json(&out, eh_slice_str(written), err) &&
             eh_buf_append_byte(&out, ':', err) && put_value(stmt, c, info->type, &out, err);
    }
    ok = ok && eh_buf_append_byte(&out, '}', err);
    const char *copy = ok ? eh_arena_strndup(sift->base.arena, out.data, out.len) : NULL;
    if (ok && copy == NULL) (void)eh_fail_memory(err, "a refused row");
    eh_buf_free(&out);
    return copy;
}

static int column_of(const eh_sqlite_stmt *stmt, const char *name)
{
    int count = eh_sqlite_column_count(stmt), c = 0;
    while (c < count && strcmp(eh_sqlite_column_name(stmt, c), name) != 0) c++;
    return c < count ? c : -1;
}

static int64_t int_of(const eh_sqlite_stmt *stmt, const char *name)
{
    int c = column_of(stmt, name);
    return c >= 0 ? eh_sqlite_int(stmt, c) : 0;
}

/* ---- dead rows -------------------------------------------------------------------------- */

/* The record that has the offender; *at is 0 when it is gone already, with another. */
static bool read_record(const eh_lite_sift *sift, size_t table, int64_t place, eh_sift_row *row,
                        int64_t *at, eh_err *err)
{
    const eh_promotion *p = sift->promotion;
    char number[24];
    (void)snprintf(number, sizeof number, "%" PRId64, place);
    eh_sql_var vars[] = {
        {"stage", stage_of(sift, 0)}, {"child_stage", stage_of(sift, table)}, {"at", number}};
    eh_sqlite_stmt *stmt = prepare(sift, table > 0 ? "sift_above" : "sift_at", vars, 3, err);
    eh_step step = stmt != NULL ? eh_sqlite_step(stmt, err) : EH_STEP_ERROR;
    bool ok = step == EH_STEP_ROW || step == EH_STEP_DONE;
    *at = 0;
    if (step == EH_STEP_ROW) {
        int file = column_of(stmt, "_file");
        *at = eh_sqlite_int(stmt, 0);
        *row = (eh_sift_row){.load = int_of(stmt, "_load_id"),
                             .row = p->no_file ? 0 : int_of(stmt, "_row"),
                             .json = put_object(sift, stmt, p->columns, false, err)};
        ok = row->json != NULL;
        if (ok && !p->no_file && file >= 0) {
            eh_slice text = eh_sqlite_text(stmt, file);
            row->file = eh_arena_strndup(sift->base.arena, text.data, text.len);
            ok = row->file != NULL || eh_fail_memory(err, "a refused row");
        }
    }
    eh_sqlite_free(stmt);
    return ok;
}

/* The variables that tell the rows of a child table which belong to a record. */
typedef struct of_record {
    char load[24], row[24];
    eh_sql_var vars[5];
} of_record;

static void name_record(of_record *of, const char *stage, const eh_sift_row *row, size_t depth)
{
    (void)snprintf(of->load, sizeof of->load, "%" PRId64, row->load);
    (void)snprintf(of->row, sizeof of->row, "%" PRId64, row->row);
    of->vars[0] = (eh_sql_var){"stage", stage};
    of->vars[1] = (eh_sql_var){"load", of->load};
    of->vars[2] = (eh_sql_var){"file", row->file};
    of->vars[3] = (eh_sql_var){"row", of->row};
    of->vars[4] = (eh_sql_var){"places", eh_sift_places(depth)};
}

static bool keep_element(const eh_lite_sift *sift, const eh_sqlite_stmt *stmt,
                         const eh_child_stage *child, eh_sift_element *out, eh_err *err)
{
    for (size_t d = 0; d < child->depth; d++)
        out->positions[d] = int_of(stmt, eh_plan_position_name(child->depth, d));
    out->json = put_object(sift, stmt, child->columns, true, err);
    return out->json != NULL;
}

static bool read_elements(const eh_lite_sift *sift, size_t index, const eh_sift_row *row,
                          eh_sift_list *out, eh_err *err)
{
    const eh_child_stage *child = &sift->promotion->children[index];
    of_record of = {.load = ""};
    size_t room = 0;
    name_record(&of, child->stage, row, child->depth);
    eh_sqlite_stmt *stmt = prepare(sift, "sift_elements", of.vars, 5, err);
    eh_step step = stmt != NULL ? EH_STEP_ROW : EH_STEP_ERROR;
    while (step == EH_STEP_ROW && (step = eh_sqlite_step(stmt, err)) == EH_STEP_ROW) {
        if (out->count == room) {
            eh_sift_element *more =
                eh_arena_zalloc(sift->base.arena, 2 * room + 16, sizeof *more);
            if (more == NULL) {
                (void)eh_fail_memory(err, "a refused row");
                break;
            }
            if (room > 0) memcpy(more, out->elements, room * sizeof *more);
            out->elements = more;
            room = 2 * room + 16;
        }
        if (!keep_element(sift, stmt, child, &out->elements[out->count++], err)) break;
    }
    eh_sqlite_free(stmt);
    return step == EH_STEP_DONE;
}

static bool drop(const eh_lite_sift *sift, int64_t at, const eh_sift_row *row, eh_err *err)
{
    char number[24];
    (void)snprintf(number, sizeof number, "%" PRId64, at);
    eh_sql_var vars[] = {{"stage", stage_of(sift, 0)}, {"at", number}};
    bool ok = run(sift, "sift_drop", vars, 2, err);
    for (size_t i = 0; ok && i < sift->promotion->child_count; i++) {
        of_record of = {.load = ""};
        if (!has_stage(sift, i + 1)) continue;
        name_record(&of, stage_of(sift, i + 1), row, 1);
        ok = run(sift, "sift_drop_elements", of.vars, 4, err);
    }
    return ok;
}

static bool record_dead(const eh_lite_sift *sift, const eh_sift_row *row,
                        const eh_refused *refused, eh_err *err)
{
    const eh_stream_state *state = sift->state;
    const eh_dead *dead = &refused->dead;
    bool no_file = sift->promotion->no_file;
    char now[40];
    eh_lite_db *db = &sift->lite->control;
    eh_lite_arg unit[] = {eh_lite_int(state->stream_id), eh_lite_int(state->unit_generation),
                          eh_lite_int(row->load),        eh_lite_str(refused->file),
                          eh_lite_int(row->row),         eh_lite_int(!no_file)};
    int64_t load = no_file ? state->load_id : row->load, again = 0;
    eh_lite_arg same[] = {eh_lite_int(state->stream_id),
                          eh_lite_int(state->unit_generation),
                          eh_lite_int(load),
                          eh_lite_str(refused->file),
                          eh_lite_slice(dead->code),
                          eh_lite_slice(dead->reason),
                          eh_lite_blob(dead->raw)};
    eh_lite_arg args[] = {eh_lite_int(state->stream_id),
                          eh_lite_str(sift->promotion->client),
                          eh_lite_int(load),
                          eh_lite_str(refused->file),
                          eh_lite_int(row->row),
                          eh_lite_int(0),
                          eh_lite_int(0),
                          eh_lite_str(NULL),
                          eh_lite_slice(dead->code),
                          eh_lite_slice(dead->reason),
                          eh_lite_blob(dead->raw),
                          eh_lite_str(eh_lite_now(db, now))};
    return eh_lite_run(db, "sift_unit", unit, 6, err) &&
           (!eh_stage_comes_again(sift->promotion) ||
            eh_lite_number(db, "sift_again", same, 7, &again, err)) &&
           (again != 0 || eh_lite_run(db, "dead_add", args, 12, err));
}

static bool bury(eh_lite_sift *sift, size_t table, const offender *o, eh_err *err)
{
    const eh_promotion *p = sift->promotion;
    eh_sift_row row;
    eh_refused dead;
    int64_t at;
    if (!read_record(sift, table, o->at, &row, &at, err)) return false;
    if (at == 0) return true;
    eh_sift_list *lists = eh_arena_zalloc(sift->base.arena, p->child_count + 1, sizeof *lists);
    if (lists == NULL) return eh_fail_memory(err, "a refused row");
    for (size_t i = 0; i < p->child_count; i++)
        if (has_stage(sift, i + 1) && !read_elements(sift, i, &row, &lists[i], err))
            return false;
    return eh_sift_bury(&sift->base, &row, lists, "", o->reason, &dead, err) &&
           record_dead(sift, &row, &dead, err) && drop(sift, at, &row, err);
}

static bool bury_all(eh_lite_sift *sift, const offenders *list, eh_err *err)
{
    sift->base.arena = eh_arena_new(ARENA_MAX);
    bool ok = sift->base.arena != NULL || eh_fail_memory(err, "refused rows");
    for (size_t i = 0; ok && i < list->count; i++) {
        eh_arena_reset(sift->base.arena);
        ok = bury(sift, list->table, &list->list[i], err);
        if (ok) EH_FAULT("promote.sifted");
    }
    eh_arena_free(sift->base.arena);
    sift->base.arena = NULL;
    return ok;
}

bool eh_lite_is_refusal(const eh_err *err)
{
    return err->class_ == EH_CLASS_DATA && err->code != 0;
}

bool eh_lite_sift_refused(eh_lite_sift *sift, bool *found, eh_err *err)
{
    int64_t before = sift->promoted->dead;
    offenders list = {.arena = eh_arena_new(ARENA_MAX)};
    bool ok = (list.arena != NULL || eh_fail_memory(err, "refused rows")) && begin(sift, err) &&
              probe(sift, &list, err) && bury_all(sift, &list, err);
    *found = ok && sift->promoted->dead > before;
    eh_arena_free(list.arena);
    return ok;
}
