/* load/dest_sqlite_history.c: the versions of a key: a row with other values ends the one that
 * is there and begins the next. See docs/how-to/load-data-that-changes.md; the rules are those
 * of sql/postgres/history_*.sql. Runs in the lane's thread. */
#include "data/convert.h"
#include "load/dest_sqlite_lane.h"

#include <stdlib.h>
#include <string.h>

#define US_PER_DAY INT64_C(86400000000)

/* A row of the key, in the order of their times; then, in the same place, a change. */
typedef struct eh_lite_link {
    size_t row;
    int64_t at; /* microseconds */
    bool gone;  /* it says that there is no such row any more */
} eh_lite_link;

static bool read_at(const eh_lite_cell *cell, int64_t *us)
{
    bool has_zone;
    int64_t days;
    if (eh_parse_timestamp(cell->bytes, &has_zone, us)) return true;
    return eh_parse_date(cell->bytes, &days) && !__builtin_mul_overflow(days, US_PER_DAY, us);
}

static bool is_by_cursor(const eh_lite_job *j)
{
    return j->statements->at == j->put->cursor;
}

static bool is_gone(const eh_lite_job *j, const eh_lite_cell *cells)
{
    size_t flag = j->put->deleted;
    return flag != SIZE_MAX && eh_lite_is_true(j->statements->types[flag], &cells[flag]);
}

/* The cursor says when, and is no value in this sense. */
static bool is_same(const eh_lite_job *j, const eh_lite_cell *a, const eh_lite_cell *b)
{
    for (size_t i = 0; i < j->put->count; i++)
        if (j->put->roles[i] == EH_PUT_VALUE && i != j->put->cursor &&
            !eh_lite_same(&a[i], &b[i]))
            return false;
    return true;
}

/* ---- the rows of a key, in order -------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
    const eh_lite_link *x = a, *y = b;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static bool add_link(eh_lite_job *j, size_t count, size_t row, eh_err *err)
{
    if (count == j->chain_capacity) {
        size_t capacity = count * 2 + 16;
        eh_lite_link *more = realloc(j->chain, capacity * sizeof *more);
        if (more == NULL) return eh_fail_memory(err, "the versions of a row");
        j->chain = more;
        j->chain_capacity = capacity;
    }
    eh_lite_link *link = &j->chain[count];
    *link = (eh_lite_link){.row = row};
    eh_lite_read_row(j->unit, row, j->other);
    return read_at(&j->other[j->statements->at], &link->at) ||
           eh_fail(err, EH_CLASS_BUG, "a version has no time");
}

/* Of rows with one instant the last stays; where the time is that of the load, of all rows the
 * newest. */
static bool gather(eh_lite_job *j, size_t last, size_t *count, eh_err *err)
{
    size_t rows = 0, kept = 0, cursor = j->put->cursor;
    for (size_t row = last; row != SIZE_MAX; row = j->keys.before[row])
        if (!add_link(j, rows++, row, err)) return false;
    if (is_by_cursor(j)) {
        qsort(j->chain, rows, sizeof *j->chain, by_time);
        for (size_t i = 0; i < rows; i++)
            if (i + 1 == rows || j->chain[i].at != j->chain[i + 1].at)
                j->chain[kept++] = j->chain[i];
    } else {
        eh_lite_read_row(j->unit, j->chain[0].row, j->row);
        for (size_t i = kept = 1; cursor != SIZE_MAX && i < rows; i++) {
            eh_lite_read_row(j->unit, j->chain[i].row, j->other);
            if (eh_lite_order(j->statements->types[cursor], &j->other[cursor],
                              &j->row[cursor]) <= 0)
                continue;
            j->chain[0] = j->chain[i];
            memcpy(j->row, j->other, j->put->count * sizeof *j->row);
        }
    }
    j->effects->repeated += rows - kept;
    *count = kept;
    return true;
}

/* The latest end of the key's versions; INT64_MIN when none has ended. */
static bool find_end(eh_lite_job *j, int64_t *end, eh_err *err)
{
    eh_sqlite_stmt *stmt = j->stmt[EH_LITE_ENDED];
    *end = INT64_MIN;
    eh_lite_job_bind(j, EH_LITE_ENDED);
    eh_step step;
    while ((step = eh_sqlite_step(stmt, err)) == EH_STEP_ROW) {
        eh_lite_cell cell = eh_lite_column(stmt, 0);
        int64_t us;
        if (read_at(&cell, &us) && us > *end) *end = us;
    }
    return step == EH_STEP_DONE;
}

/* Takes out the rows that are older than the version that is there, or than the end of one. */
static bool drop_stale(eh_lite_job *j, size_t *count, eh_err *err)
{
    size_t kept = 0;
    int64_t end = INT64_MIN;
    if (j->put->cursor == SIZE_MAX) return true;
    if (!j->is_there && is_by_cursor(j) && !find_end(j, &end, err)) return false;
    for (size_t i = 0; i < *count; i++) {
        eh_lite_read_row(j->unit, j->chain[i].row, j->row);
        if (eh_lite_job_is_newer(j, j->row) && j->chain[i].at >= end)
            j->chain[kept++] = j->chain[i];
    }
    j->effects->stale += *count - kept;
    *count = kept;
    return true;
}

/* Leaves the changes in the chain: rows that differ from the one before, or from the version
 * that is there, or that say that it is gone. *newest: the last row; *touches: it changes
 * nothing. */
static size_t find_changes(eh_lite_job *j, size_t count, size_t *newest, bool *touches)
{
    size_t changes = 0;
    bool lived = j->is_there;
    const eh_lite_cell *before = j->there;
    *touches = false;
    for (size_t i = 0; i < count; i++) {
        eh_lite_link link = j->chain[i];
        eh_lite_read_row(j->unit, link.row, j->row);
        link.gone = is_gone(j, j->row);
        bool change = lived == link.gone || (lived && !is_same(j, before, j->row));
        if (change) j->chain[changes++] = link;
        lived = !link.gone;
        *newest = link.row;
        *touches = !change && lived;
        eh_lite_cell *swap = j->other;
        j->other = j->row;
        j->row = swap;
        before = j->other;
    }
    return changes;
}

/* ---- writing ---------------------------------------------------------------------------- */

static void bind_time(const eh_lite_job *j, eh_lite_op op, size_t which, char *text, int64_t us)
{
    size_t len = eh_print_timestamp(us, true, text);
    eh_sqlite_bind_text(j->stmt[op], (int)(j->put->count + which), text, len);
}

/* The version that is there ends with the first change; if it has just begun, it goes. */
static bool end_version(eh_lite_job *j, const eh_lite_link *first, bool *go_on, eh_err *err)
{
    char text[40];
    int64_t from;
    bool brief = read_at(&j->valid_from, &from) && from >= first->at;
    eh_lite_op op = brief ? EH_LITE_REMOVE : EH_LITE_CLOSE;
    eh_lite_job_bind(j, op);
    if (!brief) bind_time(j, op, 1, text, first->at);
    return eh_lite_job_step(j, op, first->row, go_on, err);
}

static bool begin_version(eh_lite_job *j, const eh_lite_link *link, const eh_lite_link *next,
                          bool *go_on, eh_err *err)
{
    char from[40], to[40];
    eh_lite_read_row(j->unit, link->row, j->row);
    eh_lite_job_bind(j, EH_LITE_INSERT);
    bind_time(j, EH_LITE_INSERT, 1, from, link->at);
    if (next != NULL)
        bind_time(j, EH_LITE_INSERT, 2, to, next->at);
    else
        eh_sqlite_bind_null(j->stmt[EH_LITE_INSERT], (int)j->put->count + 2);
    return eh_lite_job_step(j, EH_LITE_INSERT, link->row, go_on, err);
}

static bool write_changes(eh_lite_job *j, size_t count, eh_err *err)
{
    bool go_on = true;
    if (count > 0 && j->is_there && !end_version(j, &j->chain[0], &go_on, err)) return go_on;
    for (size_t i = 0; i < count; i++) {
        const eh_lite_link *next = i + 1 < count ? &j->chain[i + 1] : NULL;
        if (j->chain[i].gone) {
            j->effects->deleted++;
        } else if (begin_version(j, &j->chain[i], next, &go_on, err)) {
            j->effects->inserted++;
        } else if (!go_on) {
            return false;
        }
    }
    return true;
}

bool eh_lite_history_key(eh_lite_job *j, size_t last, eh_err *err)
{
    size_t count, newest = last;
    bool touches, go_on = true;
    if (!gather(j, last, &count, err)) return false;
    eh_lite_read_row(j->unit, last, j->row);
    if (!eh_lite_job_find(j, err) || !drop_stale(j, &count, err)) return false;
    size_t changes = find_changes(j, count, &newest, &touches);
    j->effects->unchanged += count - changes;
    eh_lite_read_row(j->unit, last, j->row);
    if (!write_changes(j, changes, err)) return false;
    if (!touches || j->put->cursor == SIZE_MAX) return true;
    eh_lite_read_row(j->unit, newest, j->row);
    eh_lite_job_bind(j, EH_LITE_TOUCH);
    return eh_lite_job_step(j, EH_LITE_TOUCH, newest, &go_on, err) || go_on;
}
