/* load/dest_sqlite_nested.c: the rows of child tables, in the transaction of their records.
 *
 * What becomes of them is the same as on PostgreSQL (dest_postgres_nested.c): where records are
 * appended, so are their rows; where they are put by their key, each record that was written,
 * or is as it was, has just the rows that it brings. Runs in the lane's thread, but for
 * eh_lite_children. */
#include "base/fault.h"
#include "load/dest_sqlite_lane.h"

#include <stdlib.h>
#include <string.h>

/* ---- which tables there are ------------------------------------------------------------- */

static const char *keep(eh_arena *arena, eh_slice text)
{
    return eh_arena_strndup(arena, text.data, text.len);
}

bool eh_lite_children(eh_dest *dest, const char *schema, const char *table, eh_arena *arena,
                      eh_child_table **children, size_t *count, eh_err *err)
{
    eh_lite *lite = (eh_lite *)dest;
    eh_lite_arg args[] = {eh_lite_str(schema), eh_lite_str(table)};
    *count = 0;
    if (!lite->has_books) return true;
    eh_sqlite_stmt *stmt = eh_lite_prepare(&lite->control, "child_tables", args, 2, err);
    if (stmt == NULL) return false;
    eh_child_table *list = NULL;
    size_t room = 0;
    eh_step step;
    while ((step = eh_sqlite_step(stmt, err)) == EH_STEP_ROW) {
        if (*count == room) {
            eh_child_table *more = eh_arena_zalloc(arena, 2 * room + 8, sizeof *more);
            if (more == NULL) break;
            if (room > 0) memcpy(more, list, room * sizeof *more);
            list = more;
            room = 2 * room + 8;
        }
        eh_child_table *c = &list[*count];
        *c = (eh_child_table){keep(arena, eh_sqlite_text(stmt, 0)),
                              keep(arena, eh_sqlite_text(stmt, 1)),
                              keep(arena, eh_sqlite_text(stmt, 2))};
        if (c->table == NULL || c->parent == NULL || c->field == NULL) break;
        ++*count;
    }
    eh_sqlite_free(stmt);
    *children = list;
    if (step == EH_STEP_ROW) return eh_fail_memory(err, "child tables");
    return step == EH_STEP_DONE;
}

/* ---- appending -------------------------------------------------------------------------- */

static bool append_part(eh_lite_lane *lane, const eh_unit_part *part, eh_err *err)
{
    const eh_unit *unit = lane->unit;
    eh_sqlite_stmt *insert =
        eh_sqlite_prepare(lane->db.sql, eh_lite_encoder_insert(part->encoder), NULL, err);
    bool go_on = insert != NULL;
    for (size_t row = 0; go_on && row < unit->rows; row++) {
        const char *p = eh_unit_part_bytes(part, row, row + 1).data;
        size_t rows = eh_unit_part_rows(part, row, row + 1);
        for (size_t i = 0; go_on && i < rows; i++) {
            p = eh_lite_bind_row(insert, part->encoder, p);
            eh_err failure = {.class_ = EH_OK};
            eh_step step = eh_sqlite_step(insert, &failure);
            if (step == EH_STEP_DONE) continue;
            (void)eh_lite_lane_stepped(lane, row, step, &failure, &go_on, err);
            break; /* the record is dead */
        }
    }
    eh_sqlite_free(insert);
    return err->class_ == EH_OK;
}

bool eh_lite_append_parts(eh_lite_lane *lane, eh_err *err)
{
    for (size_t i = 0; i < lane->unit->part_count; i++) {
        EH_FAULT("nested.part");
        if (!append_part(lane, &lane->unit->parts[i], err)) return false;
    }
    return true;
}

/* ---- putting ---------------------------------------------------------------------------- */

/* A child table while a unit is put. */
typedef struct child {
    const eh_unit_part *part;
    const eh_put *put;
    const eh_lite_put *statements;
    eh_sqlite_stmt *stmt[EH_LITE_OPS];
    eh_lite_cell *row; /* owned; that is put */
    int64_t *gone;     /* owned; positions of rows that are to go */
    size_t gone_room;
} child;

struct eh_lite_nested {
    child *list;
    size_t count;
};

static bool prepare(eh_lite_lane *lane, child *c, eh_err *err)
{
    static const eh_lite_op ops[] = {EH_LITE_FIND,   EH_LITE_INSERT, EH_LITE_UPDATE,
                                     EH_LITE_REMOVE, EH_LITE_LIST,   EH_LITE_CLEAR};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        const char *sql = c->statements->sql[ops[i]];
        if (sql == NULL) sql = eh_lite_encoder_insert(c->part->encoder);
        c->stmt[ops[i]] = eh_sqlite_prepare(lane->db.sql, sql, NULL, err);
        if (c->stmt[ops[i]] == NULL) return false;
    }
    c->row = calloc(c->put->count, sizeof *c->row);
    return c->row != NULL || eh_fail_memory(err, "rows of a child table");
}

bool eh_lite_nested_begin(eh_lite_job *j, eh_err *err)
{
    const eh_unit *unit = j->unit;
    if (unit->part_count == 0) return true;
    j->nested = calloc(1, sizeof *j->nested);
    child *list = calloc(unit->part_count, sizeof *list);
    if (j->nested == NULL || list == NULL) {
        free(list);
        return eh_fail_memory(err, "rows of child tables");
    }
    *j->nested = (struct eh_lite_nested){list, unit->part_count};
    for (size_t i = 0; i < unit->part_count; i++) {
        list[i].part = &unit->parts[i];
        list[i].put = unit->parts[i].encoder->put;
        list[i].statements = eh_lite_encoder_put(unit->parts[i].encoder);
        if (!prepare(j->lane, &list[i], err)) return false;
    }
    return true;
}

void eh_lite_nested_end(eh_lite_job *j)
{
    if (j->nested == NULL) return;
    for (size_t i = 0; i < j->nested->count; i++) {
        child *c = &j->nested->list[i];
        for (int op = 0; op < EH_LITE_OPS; op++) eh_sqlite_free(c->stmt[op]);
        free(c->row);
        free(c->gone);
    }
    free(j->nested->list);
    free(j->nested);
    j->nested = NULL;
}

/* The record's key, where the child's statements have it. */
static void bind_record(const eh_lite_job *j, const child *c, eh_sqlite_stmt *stmt)
{
    eh_sqlite_reset(stmt);
    for (size_t i = 0; i < c->put->parent_keys; i++)
        eh_lite_bind_cell(stmt, (int)c->put->keys[i] + 1, &j->row[j->put->keys[i]]);
}

static void bind_row(const child *c, eh_lite_op op)
{
    eh_sqlite_reset(c->stmt[op]);
    for (size_t i = 0; i < c->put->count; i++)
        eh_lite_bind_cell(c->stmt[op], (int)i + 1, &c->row[i]);
}

/* Runs a statement for the record in `row`; *go_on as eh_lite_lane_stepped says. */
static bool step(eh_lite_job *j, eh_sqlite_stmt *stmt, size_t row, bool *go_on, eh_err *err)
{
    eh_err failure = {.class_ = EH_OK};
    return eh_lite_lane_stepped(j->lane, row, eh_sqlite_step(stmt, &failure), &failure, go_on,
                                err);
}

static bool is_same(const child *c)
{
    int column = 0;
    for (size_t i = 0; i < c->put->count; i++) {
        if (!eh_put_in_table(c->put->roles[i])) continue;
        eh_lite_cell there = eh_lite_column(c->stmt[EH_LITE_FIND], column++);
        if (c->put->roles[i] == EH_PUT_VALUE && !eh_lite_same(&c->row[i], &there)) return false;
    }
    return true;
}

static bool put_row(eh_lite_job *j, child *c, size_t row, bool *go_on, eh_err *err)
{
    bind_row(c, EH_LITE_FIND);
    eh_step found = eh_sqlite_step(c->stmt[EH_LITE_FIND], err);
    if (found != EH_STEP_ROW && found != EH_STEP_DONE) {
        *go_on = false;
        return false;
    }
    if (found == EH_STEP_ROW && is_same(c)) return true;
    eh_sqlite_reset(c->stmt[EH_LITE_FIND]);
    eh_lite_op op = found == EH_STEP_ROW ? EH_LITE_UPDATE : EH_LITE_INSERT;
    bind_row(c, op);
    return step(j, c->stmt[op], row, go_on, err);
}

/* Does the record bring a row for these positions? Its rows are few. */
static bool brings(const child *c, size_t from, const int64_t *positions)
{
    const char *p = eh_unit_part_bytes(c->part, from, from + 1).data;
    size_t rows = eh_unit_part_rows(c->part, from, from + 1);
    size_t first = c->put->parent_keys, depth = c->put->key_count - first;
    for (size_t r = 0; r < rows; r++) {
        bool same = true;
        for (size_t i = 0; i < c->put->count; i++) {
            eh_lite_cell cell;
            p = eh_lite_read_cell(p, &cell);
            for (size_t k = 0; k < depth; k++)
                if (c->put->keys[first + k] == i) same = same && cell.integer == positions[k];
        }
        if (same) return true;
    }
    return false;
}

static bool note_gone(child *c, size_t count, size_t depth, const int64_t *positions,
                      eh_err *err)
{
    if ((count + 1) * depth > c->gone_room) {
        size_t room = c->gone_room * 2 + 8 * depth;
        int64_t *more = realloc(c->gone, room * sizeof *more);
        if (more == NULL) return eh_fail_memory(err, "rows of a child table");
        c->gone = more;
        c->gone_room = room;
    }
    memcpy(c->gone + count * depth, positions, depth * sizeof *positions);
    return true;
}

/* Rows that are there and that the record does not bring; from: its row in the unit. */
static bool find_gone(eh_lite_job *j, child *c, size_t from, size_t *count, eh_err *err)
{
    enum { DEEPEST = 8 };
    eh_sqlite_stmt *stmt = c->stmt[EH_LITE_LIST];
    size_t depth = c->put->key_count - c->put->parent_keys;
    int64_t positions[DEEPEST];
    eh_step found;
    *count = 0;
    bind_record(j, c, stmt);
    while ((found = eh_sqlite_step(stmt, err)) == EH_STEP_ROW) {
        for (size_t k = 0; k < depth && k < DEEPEST; k++)
            positions[k] = eh_sqlite_int(stmt, (int)k);
        if (brings(c, from, positions)) continue;
        if (!note_gone(c, *count, depth, positions, err)) return false;
        ++*count;
    }
    eh_sqlite_reset(stmt);
    return found == EH_STEP_DONE;
}

static bool remove_gone(eh_lite_job *j, child *c, size_t row, size_t from, bool *go_on,
                        eh_err *err)
{
    size_t count, first = c->put->parent_keys, depth = c->put->key_count - first;
    if (!find_gone(j, c, from, &count, err)) return *go_on = false;
    for (size_t i = 0; *go_on && i < count; i++) {
        bind_record(j, c, c->stmt[EH_LITE_REMOVE]);
        for (size_t k = 0; k < depth; k++)
            eh_sqlite_bind_int(c->stmt[EH_LITE_REMOVE], (int)c->put->keys[first + k] + 1,
                               c->gone[i * depth + k]);
        if (!step(j, c->stmt[EH_LITE_REMOVE], row, go_on, err)) return false;
    }
    return *go_on;
}

static bool put_rows(eh_lite_job *j, child *c, size_t row, int64_t record, bool *go_on,
                     eh_err *err)
{
    size_t from = eh_unit_find_record(j->unit, record);
    if (from == j->unit->rows) return true;
    if (!remove_gone(j, c, row, from, go_on, err)) return false;
    const char *p = eh_unit_part_bytes(c->part, from, from + 1).data;
    size_t rows = eh_unit_part_rows(c->part, from, from + 1);
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < c->put->count; i++) p = eh_lite_read_cell(p, &c->row[i]);
        if (!put_row(j, c, row, go_on, err)) return false;
    }
    return true;
}

bool eh_lite_nested_put(eh_lite_job *j, size_t row, bool gone, eh_err *err)
{
    bool go_on = true, done = true;
    for (size_t i = 0; j->nested != NULL && done && i < j->nested->count; i++) {
        child *c = &j->nested->list[i];
        const eh_lite_cell *record = &j->row[j->put->nested[c->put->field]];
        EH_FAULT("nested.part");
        if (gone) {
            bind_record(j, c, c->stmt[EH_LITE_CLEAR]);
            done = step(j, c->stmt[EH_LITE_CLEAR], row, &go_on, err);
        } else if (record->kind == EH_SQLITE_INT) {
            done = put_rows(j, c, row, record->integer, &go_on, err);
        }
    }
    return go_on;
}
