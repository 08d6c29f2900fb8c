/* load/dest_sqlite_history.c: the versions of a key: a row with other values ends the one that
 * is there and begins the next. See docs/how-to/load-data-that-changes.md; the rules are those
 * of sql/postgres/history_*.sql. Runs in the lane's thread. */
#include "data/convert.h"
#include "load/dest_sqlite_lane.h"

#include <stdlib.h>
#include <string.h>

#define US_PER_DAY INT64_C(86400000000)

/* A row of the key, in the order of their times. */
typedef struct eh_lite_link {
    size_t row;
    int64_t at;    /* microseconds */
    bool gone;     /* it says that there is no such row any more */
    bool repeated; /* a later row counts */
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

static bool lacks(const eh_lite_job *j, size_t i)
{
    return j->put->roles[i] == EH_PUT_VALUE && eh_lite_job_lacks(j, j->row, i);
}

static void copy_row(const eh_lite_job *j, eh_lite_cell *to)
{
    memcpy(to, j->row, j->put->count * sizeof *to);
}

/* ---- the rows of a key, in order -------------------------------------------------------- */

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
    link->gone = is_gone(j, j->other);
    return read_at(&j->other[j->statements->at], &link->at) ||
           eh_fail(err, EH_CLASS_BUG, "a version has no time");
}

/* By the cursor, then as the input has them. */
static int order_links(const eh_lite_job *j, const eh_lite_link *a, const eh_lite_link *b)
{
    size_t cursor = j->put->cursor;
    int order = 0;
    if (is_by_cursor(j)) {
        order = a->at < b->at ? -1 : a->at > b->at;
    } else if (cursor != SIZE_MAX) {
        eh_lite_read_row(j->unit, a->row, j->other);
        eh_lite_read_row(j->unit, b->row, j->newest);
        order =
            eh_lite_order(j->statements->types[cursor], &j->other[cursor], &j->newest[cursor]);
    }
    return order != 0 ? order : a->row < b->row ? -1 : a->row > b->row;
}

static int by_time(const void *a, const void *b, void *job)
{
    return order_links(job, a, b);
}

static bool gather(eh_lite_job *j, size_t last, size_t *count, eh_err *err)
{
    *count = 0;
    for (size_t row = last; row != SIZE_MAX; row = j->keys.before[row])
        if (!add_link(j, (*count)++, row, err)) return false;
    if (*count > 1) qsort_r(j->chain, *count, sizeof *j->chain, by_time, j);
    return true;
}

/* The latest end of the key's versions; INT64_MIN when none has ended. */
static bool find_end(eh_lite_job *j, int64_t *end, eh_err *err)
{
    eh_sqlite_stmt *stmt = j->stmt[EH_LITE_ENDED];
    *end = INT64_MIN;
    eh_lite_job_bind(j, EH_LITE_ENDED, j->row);
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

/* Without times of their own the rows of one key are one version: that of the last row. One
 * before it that deletes the row stays, too: what comes after that begins anew. */
static void mark_repeated(eh_lite_job *j, size_t count)
{
    bool deletes = false;
    if (is_by_cursor(j)) return;
    for (size_t i = count; i-- > 0;) {
        eh_lite_link *link = &j->chain[i];
        link->repeated = i + 1 < count && (deletes || !link->gone);
        deletes = deletes || link->gone;
        j->effects->repeated += link->repeated;
    }
}

/* ---- writing ---------------------------------------------------------------------------- */

/* The rows of a key, walked through. */
typedef struct walk {
    bool lived;               /* there is a version: the one that is there, or the latest */
    bool goes_on;             /* no row so far has deleted what was there */
    const eh_lite_cell *last; /* values of that version */
    eh_lite_link begun;      /* the latest change, which is written when it is known how long */
    bool has_begun;          /* it lasts */
    bool goes_on_from_there; /* it takes over what the rows have no column for */
    bool is_seen;            /* a row after it has the same values, and this cursor */
    eh_lite_cell seen;
} walk;

static void bind_time(const eh_lite_job *j, eh_lite_op op, size_t which, char *text, int64_t us)
{
    size_t len = eh_print_timestamp(us, true, text);
    eh_sqlite_bind_text(j->stmt[op], (int)(j->put->count + which), text, len);
}

static void bind_seen(const eh_lite_job *j, eh_lite_op op, const walk *w)
{
    if (w->is_seen) eh_lite_bind_cell(j->stmt[op], (int)j->put->cursor + 1, &w->seen);
}

/* The version that is there ends with the first change; if it has just begun, it goes. */
static bool end_version(eh_lite_job *j, const walk *w, const eh_lite_link *first, bool *go_on,
                        eh_err *err)
{
    char text[40];
    int64_t from;
    bool brief = read_at(&j->valid_from, &from) && from >= first->at;
    eh_lite_op op = brief ? EH_LITE_REMOVE : EH_LITE_CLOSE;
    size_t cursor = j->put->cursor;
    eh_lite_job_bind(j, op, j->row);
    if (!brief) {
        bind_time(j, op, 1, text, first->at);
        if (cursor != SIZE_MAX)
            eh_lite_bind_cell(j->stmt[op], (int)cursor + 1, &j->there[cursor]);
        bind_seen(j, op, w);
    }
    return eh_lite_job_step(j, op, first->row, go_on, err);
}

/* Writes the latest change, now that the next one (NULL: there is none) is known. */
static bool write_begun(eh_lite_job *j, const walk *w, const eh_lite_link *next, bool *go_on,
                        eh_err *err)
{
    eh_lite_op op = EH_LITE_INSERT;
    char from[40], to[40];
    if (!w->has_begun) return true;
    if (w->begun.gone) {
        j->effects->deleted++;
        return true;
    }
    if (next != NULL && next->at <= w->begun.at) { /* it ends when it begins */
        j->effects->repeated++;
        return true;
    }
    eh_lite_job_bind(j, op, j->newest);
    bind_seen(j, op, w);
    bind_time(j, op, 1, from, w->begun.at);
    if (next != NULL)
        bind_time(j, op, 2, to, next->at);
    else
        eh_sqlite_bind_null(j->stmt[op], (int)j->put->count + 2);
    for (size_t i = 0; i < j->put->kept_count; i++) {
        eh_lite_cell cell = {.kind = EH_SQLITE_NULL};
        if (w->goes_on_from_there) cell = j->kept[i];
        eh_lite_bind_cell(j->stmt[op], (int)(j->put->count + 3 + i), &cell);
    }
    bool done = eh_lite_job_step(j, op, w->begun.row, go_on, err);
    j->effects->inserted += done;
    return done || *go_on;
}

/* The row's values are in j->row. */
static bool begin_version(eh_lite_job *j, walk *w, const eh_lite_link *link, bool *go_on,
                          eh_err *err)
{
    bool first = !w->has_begun && j->is_there;
    if (first && !end_version(j, w, link, go_on, err)) return false;
    if (!write_begun(j, w, link, go_on, err)) return false;
    copy_row(j, j->newest);
    w->last = j->newest;
    w->begun = *link;
    w->has_begun = true;
    w->goes_on_from_there = w->goes_on && j->is_there;
    w->is_seen = false;
    return true;
}

/* What the record has no field for is as it was; what is carried on is in j->other. */
static void fill(eh_lite_job *j, bool carries)
{
    for (size_t i = 0; i < j->put->count; i++)
        if (lacks(j, i))
            j->row[i] = carries ? j->other[i] : (eh_lite_cell){.kind = EH_SQLITE_NULL};
}

static bool walk_links(eh_lite_job *j, size_t count, walk *w, bool *go_on, eh_err *err)
{
    bool carries = j->is_there;
    if (carries) memcpy(j->other, j->there, j->put->count * sizeof *j->other);
    for (size_t i = 0; i < count; i++) {
        const eh_lite_link *link = &j->chain[i];
        eh_lite_read_row(j->unit, link->row, j->row);
        fill(j, carries);
        copy_row(j, j->other);
        carries = !link->gone;
        if (link->repeated) continue;
        if (w->lived == link->gone || (w->lived && !is_same(j, w->last, j->row))) {
            if (!begin_version(j, w, link, go_on, err)) return false;
        } else {
            j->effects->unchanged++;
            w->is_seen = w->lived && j->put->cursor != SIZE_MAX;
            if (w->is_seen) w->seen = j->row[j->put->cursor];
        }
        w->lived = !link->gone;
        w->goes_on = w->goes_on && !link->gone;
    }
    return write_begun(j, w, NULL, go_on, err);
}

/* A newer row with the same values: the version goes on, and what is older than it is stale. */
static bool touch(eh_lite_job *j, const walk *w, size_t row, bool *go_on, eh_err *err)
{
    eh_lite_job_bind(j, EH_LITE_TOUCH, j->row);
    bind_seen(j, EH_LITE_TOUCH, w);
    return eh_lite_job_step(j, EH_LITE_TOUCH, row, go_on, err);
}

/* The bytes of the version that is there are copied: it is written to before they are used. */
static bool hold(eh_lite_job *j, eh_lite_cell *cells, size_t count, eh_err *err)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = j->held.len;
        if (cells[i].kind < EH_SQLITE_TEXT || cells[i].bytes.len == 0) continue;
        if (!eh_buf_append(&j->held, cells[i].bytes.data, cells[i].bytes.len, err))
            return false;
        cells[i].bytes.data = j->held.data + at;
    }
    return true;
}

static bool hold_there(eh_lite_job *j, eh_err *err)
{
    size_t size = 0, count = j->put->count, kept = j->put->kept_count;
    if (!j->is_there) return true;
    for (size_t i = 0; i < count; i++) size += j->there[i].bytes.len;
    for (size_t i = 0; i < kept; i++) size += j->kept[i].bytes.len;
    j->held.len = 0;
    return eh_buf_reserve(&j->held, size, err) && hold(j, j->there, count, err) &&
           hold(j, j->kept, kept, err);
}

bool eh_lite_history_key(eh_lite_job *j, size_t last, eh_err *err)
{
    size_t count;
    bool go_on = true;
    if (!gather(j, last, &count, err)) return false;
    eh_lite_read_row(j->unit, last, j->row);
    if (!eh_lite_job_find(j, err) || !hold_there(j, err) || !drop_stale(j, &count, err))
        return false;
    mark_repeated(j, count);
    walk w = {.lived = j->is_there, .goes_on = true, .last = j->there};
    if (!walk_links(j, count, &w, &go_on, err)) return go_on;
    bool touches = !w.has_begun && w.is_seen;
    return !touches || touch(j, &w, last, &go_on, err) || go_on;
}
