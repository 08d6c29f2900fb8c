/* load/dest_sqlite_merge.c: the rows of a unit put into their table, key after key.
 *
 * What becomes of a row is the same as on PostgreSQL (dest_postgres_steps.c): of the rows with
 * one key the newest stands for all; records that lack fields are put together first, without
 * those that are older than the row in the table. Runs in the lane's thread. */
#include "base/fault.h"
#include "load/dest_sqlite_lane.h"

#include <stdlib.h>
#include <string.h>

#define HELD_MAX ((size_t)1024 * 1024 * 1024)

/* ---- the row in the table --------------------------------------------------------------- */

void eh_lite_job_bind(const eh_lite_job *j, eh_lite_op op, const eh_lite_cell *cells)
{
    for (size_t i = 0; i < j->put->count; i++)
        eh_lite_bind_cell(j->stmt[op], (int)i + 1, &cells[i]);
}

bool eh_lite_job_find(eh_lite_job *j, eh_err *err)
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
        if (eh_put_in_table(j->put->roles[i])) j->there[i] = eh_lite_column(stmt, column++);
    if (j->put->write == EH_WRITE_HISTORY) j->valid_from = eh_lite_column(stmt, column++);
    for (size_t i = 0; i < j->put->kept_count; i++) j->kept[i] = eh_lite_column(stmt, column++);
    return true;
}

bool eh_lite_job_is_newer(const eh_lite_job *j, const eh_lite_cell *cells)
{
    size_t cursor = j->put->cursor;
    return !j->is_there || cursor == SIZE_MAX ||
           eh_lite_order(j->statements->types[cursor], &cells[cursor], &j->there[cursor]) >= 0;
}

/* ---- rows with one key ------------------------------------------------------------------ */

bool eh_lite_job_lacks(const eh_lite_job *j, const eh_lite_cell *cells, size_t i)
{
    if (j->put->absent == SIZE_MAX) return false;
    eh_slice digits = cells[j->put->absent].kind == EH_SQLITE_TEXT ? cells[j->put->absent].bytes
                                                                   : eh_slice_of(NULL, 0);
    return i < digits.len && digits.data[i] == '1';
}

/* Puts the newest row of the chain that ends in `last` into j->row and gives its number. */
static size_t pick_newest(eh_lite_job *j, size_t last)
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

/* A row of the unit in the order of the key's rows: by the cursor, then as the input has them.
 */
typedef struct rank {
    size_t row; /* SIZE_MAX: before all others */
    eh_lite_cell cursor;
} rank;

static rank rank_of(const eh_lite_job *j, size_t row, const eh_lite_cell *cells)
{
    rank r = {.row = row};
    if (j->put->cursor != SIZE_MAX) r.cursor = cells[j->put->cursor];
    return r;
}

static bool comes_after(const eh_lite_job *j, const rank *a, const rank *b)
{
    if (b->row == SIZE_MAX) return true;
    int order = j->put->cursor == SIZE_MAX ? 0
                                           : eh_lite_order(j->statements->types[j->put->cursor],
                                                           &a->cursor, &b->cursor);
    return order > 0 || (order == 0 && a->row > b->row);
}

/* The newest row of the chain but one that deletes what is there. */
static rank find_deletion(eh_lite_job *j, size_t last, size_t but)
{
    rank found = {.row = SIZE_MAX};
    size_t flag = j->put->deleted;
    for (size_t row = last; row != SIZE_MAX; row = j->keys.before[row]) {
        eh_lite_read_row(j->unit, row, j->other);
        rank r = rank_of(j, row, j->other);
        if (row != but && eh_lite_is_true(j->statements->types[flag], &j->other[flag]) &&
            comes_after(j, &r, &found))
            found = r;
    }
    return found;
}

/* Does the record count where several are put together? One that is older than the row that is
 * there does not, nor one from before the row was deleted. */
static bool counts(const eh_lite_job *j, size_t row, const rank *deletion)
{
    rank r = rank_of(j, row, j->other);
    return eh_lite_job_is_newer(j, j->other) && comes_after(j, &r, deletion) &&
           row != deletion->row;
}

static bool may_lack(const eh_lite_job *j, size_t i)
{
    return j->put->roles[i] == EH_PUT_VALUE || j->put->roles[i] == EH_PUT_RECORD;
}

static void fold_row(eh_lite_job *j, const eh_lite_cell *cells)
{
    size_t cursor = j->put->cursor;
    for (size_t i = 0; i < j->put->count; i++) {
        bool value = may_lack(j, i);
        if (j->put->roles[i] == EH_PUT_ABSENT || (value && eh_lite_job_lacks(j, cells, i)))
            continue;
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
static void fold(eh_lite_job *j, size_t last, const rank *deletion)
{
    size_t count = 0;
    for (size_t row = last; row != SIZE_MAX; row = j->keys.before[row]) {
        eh_lite_read_row(j->unit, row, j->other);
        count += counts(j, row, deletion);
    }
    if (count < 2) return; /* the newest one stands for all */
    memset(j->taken, 0, j->put->count * sizeof *j->taken);
    for (size_t row = last; row != SIZE_MAX; row = j->keys.before[row]) {
        eh_lite_read_row(j->unit, row, j->other);
        if (counts(j, row, deletion)) fold_row(j, j->other);
    }
    for (size_t i = 0; i < j->put->count; i++) {
        bool absent = may_lack(j, i) && !j->taken[i];
        j->absent[i] = absent ? '1' : '0';
        if (absent) j->row[i] = (eh_lite_cell){.kind = EH_SQLITE_NULL};
    }
    j->row[j->put->absent] =
        (eh_lite_cell){.kind = EH_SQLITE_TEXT, .bytes = eh_slice_of(j->absent, j->put->count)};
}

/* ---- writing ---------------------------------------------------------------------------- */

bool eh_lite_job_step(eh_lite_job *j, eh_lite_op op, size_t row, bool *go_on, eh_err *err)
{
    eh_err failure = {.class_ = EH_OK};
    eh_step step = eh_sqlite_step(j->stmt[op], &failure);
    return eh_lite_lane_stepped(j->lane, row, step, &failure, go_on, err);
}

static bool write_row(eh_lite_job *j, eh_lite_op op, size_t row, bool *go_on, eh_err *err)
{
    eh_lite_job_bind(j, op, j->row);
    return eh_lite_job_step(j, op, row, go_on, err);
}

static bool is_same(const eh_lite_job *j)
{
    for (size_t i = 0; i < j->put->count; i++)
        if (j->put->roles[i] == EH_PUT_VALUE && !eh_lite_job_lacks(j, j->row, i) &&
            !eh_lite_same(&j->row[i], &j->there[i]))
            return false;
    return true;
}

static bool change(eh_lite_job *j, size_t row, eh_err *err)
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

static bool insert(eh_lite_job *j, size_t row, eh_err *err)
{
    bool go_on = true;
    if (write_row(j, EH_LITE_INSERT, row, &go_on, err)) j->effects->inserted++;
    return go_on;
}

static bool remove_row(eh_lite_job *j, size_t row, eh_err *err)
{
    bool go_on = true;
    if (write_row(j, EH_LITE_REMOVE, row, &go_on, err)) j->effects->deleted++;
    return go_on;
}

/* ---- the ways -------------------------------------------------------------------------- */

/* A row that is deleted and comes again later in the unit begins anew, as it does in two units.
 * False: the attempt is over. */
static bool bury_there(eh_lite_job *j, const rank *deletion, eh_err *err)
{
    bool go_on;
    size_t cursor = j->put->cursor;
    if (deletion->row == SIZE_MAX || !j->is_there || j->put->delete_insert) return true;
    if (cursor != SIZE_MAX &&
        eh_lite_order(j->statements->types[cursor], &deletion->cursor, &j->there[cursor]) < 0)
        return true;
    if (!write_row(j, EH_LITE_REMOVE, deletion->row, &go_on, err)) return go_on;
    j->is_there = false;
    j->effects->deleted++;
    j->effects->repeated--; /* the row that did it is no repeated one */
    return eh_lite_nested_put(j, deletion->row, true, err);
}

static bool merge_key(eh_lite_job *j, size_t last, eh_err *err)
{
    size_t row = pick_newest(j, last), flag = j->put->deleted;
    bool twice = j->keys.before[last] != SIZE_MAX;
    bool gone = flag != SIZE_MAX && eh_lite_is_true(j->statements->types[flag], &j->row[flag]);
    rank deletion = {.row = SIZE_MAX};
    for (size_t r = j->keys.before[last]; r != SIZE_MAX; r = j->keys.before[r])
        j->effects->repeated++;
    if (!eh_lite_job_find(j, err)) return false;
    if (twice && flag != SIZE_MAX && !gone) deletion = find_deletion(j, last, row);
    if (!bury_there(j, &deletion, err)) return false;
    if (twice && !gone && j->unit->has_absent && j->put->absent != SIZE_MAX)
        fold(j, last, &deletion);
    if (!eh_lite_job_is_newer(j, j->row)) {
        j->effects->stale++;
        return true;
    }
    bool go_on = true;
    if (gone && !j->is_there)
        j->effects->unchanged++;
    else if (gone)
        go_on = remove_row(j, row, err);
    else
        go_on = j->is_there ? change(j, row, err) : insert(j, row, err);
    return go_on && eh_lite_nested_put(j, row, gone, err);
}

static bool insert_key(eh_lite_job *j, size_t last, eh_err *err)
{
    size_t first = last;
    uint64_t rows = 1;
    for (; j->keys.before[first] != SIZE_MAX; rows++) first = j->keys.before[first];
    eh_lite_read_row(j->unit, first, j->row);
    if (!eh_lite_job_find(j, err)) return false;
    j->effects->unchanged += rows - !j->is_there;
    return j->is_there || (insert(j, first, err) && eh_lite_nested_put(j, first, false, err));
}

/* ---- a unit ----------------------------------------------------------------------------- */

static bool prepare(eh_lite_job *j, eh_err *err)
{
    size_t count = j->put->count;
    for (int op = 0; op < EH_LITE_OPS; op++) {
        const char *sql = j->statements->sql[op];
        if (sql == NULL && op == EH_LITE_INSERT) sql = eh_lite_encoder_insert(j->unit->encoder);
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
    j->kept = calloc(j->put->kept_count + 1, sizeof *j->kept);
    if (j->row == NULL || j->other == NULL || j->newest == NULL || j->there == NULL ||
        j->absent == NULL || j->taken == NULL || j->kept == NULL)
        return eh_fail_memory(err, "the rows of a unit");
    return eh_lite_keys_gather(&j->keys, j->unit, err) && eh_lite_nested_begin(j, err);
}

static bool put_key(eh_lite_job *j, size_t last, eh_err *err)
{
    if (j->put->write == EH_WRITE_MERGE) return merge_key(j, last, err);
    if (j->put->write == EH_WRITE_HISTORY) return eh_lite_history_key(j, last, err);
    return insert_key(j, last, err);
}

static bool put_keys(eh_lite_job *j, eh_err *err)
{
    size_t half = j->unit->rows / 2;
    for (size_t row = 0; row < j->unit->rows; row++) {
        if (row == half) EH_FAULT("copy.middle");
        if (j->keys.surpassed[row]) continue;
        EH_FAULT("put.row");
        if (!put_key(j, row, err))
            return err->class_ ==
                   EH_OK; /* so many are refused that the rest need not be tried */
    }
    return true;
}

bool eh_lite_put_rows(eh_lite_lane *lane, eh_err *err)
{
    eh_lite_job j = {.lane = lane,
                     .unit = lane->unit,
                     .put = lane->unit->encoder->put,
                     .statements = eh_lite_encoder_put(lane->unit->encoder),
                     .effects = &lane->effects};
    eh_buf_init(&j.held, HELD_MAX);
    bool ok = prepare(&j, err);
    if (ok) EH_FAULT("put.staged");
    ok = ok && put_keys(&j, err);
    for (int op = 0; op < EH_LITE_OPS; op++) /* a query that is not at its end keeps its view */
        if (j.stmt[op] != NULL) eh_sqlite_reset(j.stmt[op]);
    eh_lite_nested_end(&j);
    eh_lite_keys_free(&j.keys);
    free(j.row);
    free(j.other);
    free(j.newest);
    free(j.there);
    free(j.absent);
    free(j.taken);
    free(j.kept);
    eh_buf_free(&j.held);
    free(j.chain);
    return ok;
}
