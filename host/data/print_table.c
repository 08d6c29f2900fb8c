/* data/print_table.c: aligned tables for a person at a terminal.
 *
 * The first rows are held back to measure the columns; then widths are fixed and rows stream. A
 * table wider than the terminal first cuts its widest columns, then leaves columns out and says
 * which. */
#include "data/print_parts.h"

#include <stdlib.h>

enum {
    HELD_ROWS = 256,
    HELD_BYTES = 8 << 20,
    GAP = 2,
    LEAST_CUT = 12,      /* no column is cut below this */
    MOST_UNLIMITED = 60, /* for one value, when there is no width */
    MOST_WIDTH = 1 << 20
};

typedef struct fit {
    eh_table_column column;
    size_t width;
} fit;

struct eh_table {
    eh_buf *out; /* borrowed */
    eh_buf text; /* one cell, being laid out */
    eh_arena *arena;
    fit *columns; /* in the arena */
    size_t count;
    size_t shown;   /* columns that fit */
    size_t width;   /* of the terminal; 0: none */
    eh_slice *held; /* owned: HELD_ROWS * count */
    size_t held_rows;
    bool has_below;
    bool started; /* widths are fixed */
};

static bool copy(eh_arena *arena, eh_slice from, eh_slice *to, eh_err *err)
{
    const char *text = eh_arena_strndup(arena, from.data, from.len);
    *to = eh_slice_of(text, text != NULL ? from.len : 0);
    return text != NULL || eh_fail_memory(err, "a table");
}

static size_t most_of(const eh_table *t)
{
    return t->width > 0 ? t->width : MOST_UNLIMITED;
}

/* Makes the text safe and cut in t->text. */
static bool shape(eh_table *t, eh_slice text, size_t most, size_t *width, eh_err *err)
{
    t->text.len = 0;
    return eh_print_shown(&t->text, text, most, width, err);
}

static bool measure(eh_table *t, size_t column, eh_slice text, eh_err *err)
{
    size_t width;
    if (!shape(t, text, most_of(t), &width, err)) return false;
    if (width > t->columns[column].width) t->columns[column].width = width;
    return true;
}

static bool take_columns(eh_table *t, const eh_table_column *columns, eh_err *err)
{
    t->columns = eh_arena_zalloc(t->arena, t->count, sizeof *t->columns);
    t->held = calloc(t->count + 1, HELD_ROWS * sizeof *t->held);
    if (t->columns == NULL || t->held == NULL) return eh_fail_memory(err, "a table");
    for (size_t i = 0; i < t->count; i++) {
        eh_table_column *column = &t->columns[i].column;
        column->right = columns[i].right;
        if (!copy(t->arena, columns[i].name, &column->name, err) ||
            !copy(t->arena, columns[i].below, &column->below, err) ||
            !measure(t, i, column->name, err) || !measure(t, i, column->below, err))
            return false;
        t->has_below = t->has_below || column->below.len > 0;
    }
    return true;
}

eh_table *eh_table_new(const eh_table_column *columns, size_t count, size_t width, eh_buf *out,
                       eh_err *err)
{
    eh_table *t = calloc(1, sizeof *t);
    if (t == NULL) return eh_fail_memory(err, "a table"), NULL;
    t->out = out;
    t->count = count;
    t->width = width < MOST_WIDTH ? width : MOST_WIDTH;
    eh_buf_init(&t->text, HELD_BYTES);
    t->arena = eh_arena_new((size_t)2 * HELD_BYTES);
    if (t->arena == NULL) eh_fail_memory(err, "a table");
    if (t->arena != NULL && take_columns(t, columns, err)) return t;
    eh_table_free(t);
    return NULL;
}

void eh_table_free(eh_table *t)
{
    if (t == NULL) return;
    eh_buf_free(&t->text);
    eh_arena_free(t->arena);
    free(t->held);
    free(t);
}

/* ---- Widths ----------------------------------------------------------------------------- */

static size_t total_width(const eh_table *t, size_t columns, size_t cap)
{
    size_t total = columns > 0 ? (columns - 1) * GAP : 0;
    for (size_t i = 0; i < columns; i++)
        total += t->columns[i].width < cap ? t->columns[i].width : cap;
    return total;
}

/* The largest cap under which all columns fit, but not below LEAST_CUT; then as many columns as
 * fit, at least one. */
static void fix_widths(eh_table *t)
{
    t->shown = t->count;
    if (t->width == 0) return;
    size_t low = LEAST_CUT < t->width ? LEAST_CUT : t->width, high = t->width;
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;
        if (total_width(t, t->count, middle) <= t->width)
            low = middle;
        else
            high = middle - 1;
    }
    while (t->shown > 1 && total_width(t, t->shown, low) > t->width) t->shown--;
    for (size_t i = 0; i < t->shown; i++)
        if (t->columns[i].width > low) t->columns[i].width = low;
}

/* ---- Lines ------------------------------------------------------------------------------ */

static bool spaces(eh_buf *out, size_t count, eh_err *err)
{
    while (count-- > 0)
        if (!eh_buf_append_byte(out, ' ', err)) return false;
    return true;
}

/* Ends the line; blanks before its end serve nobody. */
static bool end_line(eh_table *t, size_t start, eh_err *err)
{
    while (t->out->len > start && t->out->data[t->out->len - 1] == ' ') t->out->len--;
    return eh_buf_append_byte(t->out, '\n', err);
}

static bool write_cell(eh_table *t, size_t column, eh_slice text, eh_err *err)
{
    const fit *f = &t->columns[column];
    size_t width;
    if (!shape(t, text, f->width, &width, err)) return false;
    size_t padding = f->width - width;
    if (column > 0 && !spaces(t->out, GAP, err)) return false;
    if (f->column.right && !spaces(t->out, padding, err)) return false;
    if (!eh_buf_append(t->out, t->text.data, t->text.len, err)) return false;
    return f->column.right || spaces(t->out, padding, err);
}

static bool write_row(eh_table *t, const eh_slice *cells, eh_err *err)
{
    size_t start = t->out->len;
    for (size_t i = 0; i < t->shown; i++)
        if (!write_cell(t, i, cells[i], err)) return false;
    return end_line(t, start, err);
}

static bool write_rule(eh_table *t, eh_err *err)
{
    for (size_t i = 0; i < t->shown; i++) {
        if (i > 0 && !spaces(t->out, GAP, err)) return false;
        for (size_t n = t->columns[i].width; n > 0; n--)
            if (!eh_buf_append_byte(t->out, '-', err)) return false;
    }
    return eh_buf_append_byte(t->out, '\n', err);
}

static bool write_head(eh_table *t, eh_err *err)
{
    size_t start = t->out->len;
    for (size_t i = 0; i < t->shown; i++)
        if (!write_cell(t, i, t->columns[i].column.name, err)) return false;
    if (!end_line(t, start, err)) return false;
    start = t->out->len;
    for (size_t i = 0; t->has_below && i < t->shown; i++)
        if (!write_cell(t, i, t->columns[i].column.below, err)) return false;
    if (t->has_below && !end_line(t, start, err)) return false;
    return write_rule(t, err);
}

static bool open_table(eh_table *t, eh_err *err)
{
    if (t->started) return true;
    t->started = true;
    fix_widths(t);
    if (!write_head(t, err)) return false;
    for (size_t r = 0; r < t->held_rows; r++)
        if (!write_row(t, t->held + r * t->count, err)) return false;
    return true;
}

/* Keeps a row. What no width could show is not kept: a value of 16 MB is a screenful here. */
static bool hold(eh_table *t, const eh_slice *cells, eh_err *err)
{
    eh_slice *row = t->held + t->held_rows * t->count;
    for (size_t i = 0; i < t->count; i++) {
        size_t width;
        if (!shape(t, cells[i], most_of(t), &width, err)) return false;
        if (width > t->columns[i].width) t->columns[i].width = width;
        if (!copy(t->arena, eh_buf_slice(&t->text), &row[i], err)) return false;
    }
    t->held_rows++;
    return true;
}

bool eh_table_row(eh_table *t, const eh_slice *cells, eh_err *err)
{
    bool full = t->held_rows == HELD_ROWS || eh_arena_used(t->arena) > HELD_BYTES;
    if (!t->started && !full) return hold(t, cells, err);
    return open_table(t, err) && write_row(t, cells, err);
}

static bool name_hidden(eh_table *t, eh_err *err)
{
    size_t hidden = t->count - t->shown, width;
    if (!eh_buf_printf(t->out, err, "%zu more column%s:", hidden, hidden == 1 ? "" : "s"))
        return false;
    for (size_t i = t->shown; i < t->count; i++) {
        if (!shape(t, t->columns[i].column.name, most_of(t), &width, err) ||
            !eh_buf_append_str(t->out, i > t->shown ? ", " : " ", err) ||
            !eh_buf_append(t->out, t->text.data, t->text.len, err))
            return false;
    }
    return eh_buf_append_byte(t->out, '\n', err);
}

bool eh_table_end(eh_table *t, eh_err *err)
{
    return open_table(t, err) && (t->shown == t->count || name_hidden(t, err));
}
