/* load/dest_sqlite_merge.c: the rows of a unit put into their table, key after key.
 *
 * What becomes of a row is the same as on PostgreSQL (dest_postgres_steps.c): of the rows with
 * one key the newest stands for all; records that lack fields are put together first, without
 * those that are older than the row in the table. Runs in the lane's thread. */
#include "base/fault.h"
#include "load/dest_sqlite_lane.h"

#include <stdlib.h>
#include <string.h>

typedef struct job {
    eh_lite_lane *lane;
    const eh_unit *unit;
    const eh_put *put;
    const eh_lite_put *statements;
    eh_sqlite_stmt *stmt[EH_LITE_OPS];
    eh_lite_keys keys;
    /* one row each, of the encoder's columns; owned */
    eh_lite_cell *row;    /* that is put */
    eh_lite_cell *other;  /* that is looked at */
    eh_lite_cell *newest; /* the cursor of the record that a folded field came from */
    eh_lite_cell *there;  /* the columns of the table, where they are in the encoder */
    char *absent;         /* digits, of a folded row */
    bool *taken;          /* the folded row has the field */
    bool is_there;
    eh_effects *effects;
} job;

/* ---- the row in the table --------------------------------------------------------------- */

static void bind_all(const job *j, eh_sqlite_stmt *stmt)
{
    for (size_t i = 0; i < j->put->count; i++) eh_lite_bind_cell(stmt, (int)i + 1, &j->row[i]);
}

/* The found row's cells stay valid until the statement is stepped or reset. */
static bool find(job *j, eh_err *err)
{
    eh_sqlite_stmt *stmt = j->stmt[EH_LITE_FIND];
    eh_sqlite_reset(stmt);
    for (size_t k = 0; k < j->put->key_count; k++)
        eh_lite_bind_cell(stmt, (int)j->put->keys[k] + 1, &j->row[j->put->keys[k]]);
    eh_step step = eh_sqlite_step(stmt, err);
    j->is_there = step == EH_STEP_ROW;
    if (!j->is_there) return step == EH_STEP_DONE;
    int column = 0;
    for (size_t i = 0; i < j->put->count; i++)
        if (j->put->roles[i] != EH_PUT_ABSENT) j->there[i] = eh_lite_column(stmt, column++);
    return true;
}

/* Is it as new as the row that is there? */
static bool is_newer(const job *j, const eh_lite_cell *cells)
{
    size_t cursor = j->put->cursor;
    return !j->is_there || cursor == SIZE_MAX ||
           eh_lite_order(j->statements->types[cursor], &cells[cursor], &j->there[cursor]) >= 0;
}

/* ---- rows with one key ------------------------------------------------------------------ */

static bool lacks(const job *j, const eh_lite_cell *cells, size_t i)
{
    if (j->put->absent == SIZE_MAX) return false;
    eh_slice digits = cells[j->put->absent].kind == EH_SQLITE_TEXT ? cells[j->put->absent].bytes
                                                                   : eh_slice_of(NULL, 0);
    return i < digits.len && digits.data[i] == '1';
}

/* Puts the newest row of the chain that ends in `last` into j->row and gives its number. */
static size_t pick_newest(job *j, size_t last)
{
    size_t cursor = j->put->cursor, best = last;
    eh_lite_read_row(j->unit, last, j->row);
    if (cursor == SIZE_MAX) return best;
    for (size_t row = j->keys.before[last]; row != SIZE_MAX; row = j->keys.before[row]) {
        eh_lite_read_row(j->unit, row, j->other);
        if (eh_lite_order(j->statements->types[cursor], &j->other[cursor], &j->row[cursor]) <=
            0)
            continue;
        memcpy(j->row, j->other, j->put->count * sizeof *j->row);
        best = row;
    }
    return best;
}

static void fold_row(job *j, const eh_lite_cell *cells)
{
    size_t cursor = j->put->cursor;
    for (size_t i = 0; i < j->put->count; i++) {
        bool value = j->put->roles[i] == EH_PUT_VALUE;
        if (j->put->roles[i] == EH_PUT_ABSENT || (value && lacks(j, cells, i))) continue;
        bool newer = !j->taken[i] ||
                     (cursor != SIZE_MAX && eh_lite_order(j->statements->types[cursor],
                                                          &cells[cursor], &j->newest[i]) > 0);
        if (!newer) continue;
        j->taken[i] = true;
        j->row[i] = cells[i];
        if (cursor != SIZE_MAX) j->newest[i] = cells[cursor];
    }
}

/* Puts the chain's records together, each field from the newest record that has it. The row
 * that is there has been found. */
static void fold(job *j, size_t last)
{
    size_t count = 0;
    for (size_t row = last; row != SIZE_MAX; row = j->keys.before[row]) {
        eh_lite_read_row(j->unit, row, j->other);
        count += is_newer(j, j->other);
    }
    if (count < 2) return; /* the newest one stands for all */
    memset(j->taken, 0, j->put->count * sizeof *j->taken);
    for (size_t row = last; row != SIZE_MAX; row = j->keys.before[row]) {
        eh_lite_read_row(j->unit, row, j->other);
        if (is_newer(j, j->other)) fold_row(j, j->other);
    }
    for (size_t i = 0; i < j->put->count; i++) {
        bool absent = j->put->roles[i] == EH_PUT_VALUE && !j->taken[i];
        j->absent[i] = absent ? '1' : '0';
        if (absent) j->row[i] = (eh_lite_cell){.kind = EH_SQLITE_NULL};
    }
    j->row[j->put->absent] =
        (eh_lite_cell){.kind = EH_SQLITE_TEXT, .bytes = eh_slice_of(j->absent, j->put->count)};
}

/* ---- writing ---------------------------------------------------------------------------- */

/* Runs a statement with j->row; *go_on as eh_lite_lane_stepped says. True when it is done. */
static bool write_row(job *j, eh_lite_op op, size_t row, bool *go_on, eh_err *err)
{
    eh_err failure = {.class_ = EH_OK};
    bind_all(j, j->stmt[op]);
    eh_step step = eh_sqlite_step(j->stmt[op], &failure);
    return eh_lite_lane_stepped(j->lane, row, step, &failure, go_on, err);
}

static bool is_same(const job *j)
{
    for (size_t i = 0; i < j->put->count; i++)
        if (j->put->roles[i] == EH_PUT_VALUE && !lacks(j, j->row, i) &&
            !eh_lite_same(&j->row[i], &j->there[i]))
            return false;
    return true;
}

static bool change(job *j, size_t row, eh_err *err)
{
    bool go_on = true;
    if (!j->put->delete_insert && is_same(j)) {
        j->effects->unchanged++;
        return true;
    }
    bool partial = j->put->absent != SIZE_MAX && j->row[j->put->absent].kind != EH_SQLITE_NULL;
    bool done =
        j->put->delete_insert
            ? write_row(j, EH_LITE_REMOVE, row, &go_on, err) &&
                  write_row(j, EH_LITE_INSERT, row, &go_on, err)
            : write_row(j, partial ? EH_LITE_UPDATE_PARTIAL : EH_LITE_UPDATE, row, &go_on, err);
    if (done) j->effects->updated++;
    return go_on;
}

static bool insert(job *j, size_t row, eh_err *err)
{
    bool go_on = true;
    if (write_row(j, EH_LITE_INSERT, row, &go_on, err)) j->effects->inserted++;
    return go_on;
}

static bool remove_row(job *j, size_t row, eh_err *err)
{
    bool go_on = true;
    if (write_row(j, EH_LITE_REMOVE, row, &go_on, err)) j->effects->deleted++;
    return go_on;
}

/* ---- the two ways ----------------------------------------------------------------------- */

static bool merge_key(job *j, size_t last, eh_err *err)
{
    size_t row = pick_newest(j, last), deleted = j->put->deleted;
    for (size_t r = j->keys.before[last]; r != SIZE_MAX; r = j->keys.before[r])
        j->effects->repeated++;
    if (!find(j, err)) return false;
    bool twice = j->keys.before[last] != SIZE_MAX;
    if (twice && j->unit->has_absent && j->put->absent != SIZE_MAX) fold(j, last);
    if (!is_newer(j, j->row)) {
        j->effects->stale++;
        return true;
    }
    bool gone =
        deleted != SIZE_MAX && eh_lite_is_true(j->statements->types[deleted], &j->row[deleted]);
    if (!gone) return j->is_there ? change(j, row, err) : insert(j, row, err);
    if (j->is_there) return remove_row(j, row, err);
    j->effects->unchanged++;
    return true;
}

static bool insert_key(job *j, size_t last, eh_err *err)
{
    size_t first = last;
    uint64_t rows = 1;
    for (; j->keys.before[first] != SIZE_MAX; rows++) first = j->keys.before[first];
    eh_lite_read_row(j->unit, first, j->row);
    if (!find(j, err)) return false;
    j->effects->unchanged += rows - !j->is_there;
    return j->is_there || insert(j, first, err);
}

/* ---- a unit ----------------------------------------------------------------------------- */

static bool prepare(job *j, eh_err *err)
{
    size_t count = j->put->count;
    for (int op = 0; op < EH_LITE_OPS; op++) {
        const char *sql = op == EH_LITE_INSERT ? eh_lite_encoder_insert(j->unit->encoder)
                                               : j->statements->sql[op];
        if (sql == NULL) continue;
        j->stmt[op] = eh_lite_lane_statement(j->lane, (eh_lite_op)op, sql, err);
        if (j->stmt[op] == NULL) return false;
    }
    j->row = calloc(count, sizeof *j->row);
    j->other = calloc(count, sizeof *j->other);
    j->newest = calloc(count, sizeof *j->newest);
    j->there = calloc(count, sizeof *j->there);
    j->absent = calloc(count, 1);
    j->taken = calloc(count, sizeof *j->taken);
    if (j->row == NULL || j->other == NULL || j->newest == NULL || j->there == NULL ||
        j->absent == NULL || j->taken == NULL)
        return eh_fail_memory(err, "the rows of a unit");
    return eh_lite_keys_gather(&j->keys, j->unit, err);
}

static bool put_keys(job *j, eh_err *err)
{
    bool merges = j->put->write == EH_WRITE_MERGE;
    size_t half = j->unit->rows / 2;
    for (size_t row = 0; row < j->unit->rows; row++) {
        if (row == half) EH_FAULT("copy.middle");
        if (j->keys.surpassed[row]) continue;
        EH_FAULT("put.row");
        if (!(merges ? merge_key(j, row, err) : insert_key(j, row, err)))
            return err->class_ ==
                   EH_OK; /* so many are refused that the rest need not be tried */
    }
    return true;
}

bool eh_lite_put_rows(eh_lite_lane *lane, eh_err *err)
{
    job j = {.lane = lane,
             .unit = lane->unit,
             .put = lane->unit->encoder->put,
             .statements = eh_lite_encoder_put(lane->unit->encoder),
             .effects = &lane->effects};
    bool ok = prepare(&j, err);
    if (ok) EH_FAULT("put.staged");
    ok = ok && put_keys(&j, err);
    if (j.stmt[EH_LITE_FIND] != NULL) eh_sqlite_reset(j.stmt[EH_LITE_FIND]);
    eh_lite_keys_free(&j.keys);
    free(j.row);
    free(j.other);
    free(j.newest);
    free(j.there);
    free(j.absent);
    free(j.taken);
    return ok;
}
