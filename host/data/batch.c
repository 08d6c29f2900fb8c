/* data/batch.c: see batch.h. */
#include "data/batch.h"

#include <stdlib.h>

bool eh_batch_init(eh_batch *batch, size_t arena_max, eh_err *err)
{
    *batch = (eh_batch){.arena = eh_arena_new(arena_max)};
    return batch->arena != NULL || eh_fail_memory(err, "a batch");
}

void eh_batch_free(eh_batch *batch)
{
    eh_arena_free(batch->arena);
    free(batch->cells);
    free(batch->places);
    free(batch->dead);
    *batch = (eh_batch){.arena = NULL};
}

void eh_batch_reset(eh_batch *batch)
{
    eh_arena_reset(batch->arena);
    batch->rows = batch->dead_count = 0;
    batch->start = batch->end = 0;
    batch->end_row = batch->end_line = 0;
}

/* Lays the cells out again for a larger stride or more rows. */
static bool relay(eh_batch *batch, size_t stride, size_t row_capacity, eh_err *err)
{
    size_t count, bytes;
    if (__builtin_mul_overflow(stride, row_capacity, &count) ||
        __builtin_mul_overflow(count, sizeof(eh_cell), &bytes))
        return eh_fail(err, EH_CLASS_LIMIT, "a batch of %zu columns is too wide", stride);
    eh_cell *cells = malloc(bytes > 0 ? bytes : 1);
    if (cells == NULL) return eh_fail_memory(err, "a batch");
    for (size_t r = 0; r < batch->rows; r++) {
        eh_cell *to = cells + r * stride;
        memcpy(to, batch->cells + r * batch->stride, batch->columns * sizeof *to);
        memset(to + batch->columns, 0, (stride - batch->columns) * sizeof *to);
    }
    free(batch->cells);
    batch->cells = cells;
    batch->stride = stride;
    batch->row_capacity = row_capacity;
    return true;
}

static bool grow_rows(eh_batch *batch, eh_err *err)
{
    size_t capacity = batch->row_capacity == 0 ? 256 : batch->row_capacity * 2;
    size_t bytes;
    if (__builtin_mul_overflow(capacity, sizeof(eh_place), &bytes))
        return eh_fail_memory(err, "a batch");
    eh_place *places = realloc(batch->places, bytes);
    if (places == NULL) return eh_fail_memory(err, "a batch");
    batch->places = places;
    return relay(batch, batch->stride, capacity, err);
}

bool eh_batch_set_columns(eh_batch *batch, size_t columns, eh_err *err)
{
    if (columns > batch->stride) {
        size_t stride = batch->stride == 0 ? columns : batch->stride;
        while (stride < columns) stride = stride * 2 + 4;
        if (!relay(batch, stride, batch->row_capacity, err)) return false;
    }
    for (size_t r = 0; columns > batch->columns && r < batch->rows; r++)
        memset(eh_batch_cell(batch, r, batch->columns), 0,
               (columns - batch->columns) * sizeof(eh_cell));
    batch->columns = columns;
    return true;
}

eh_cell *eh_batch_add_row(eh_batch *batch, const eh_place *place, eh_err *err)
{
    if (batch->rows == batch->row_capacity && !grow_rows(batch, err)) return NULL;
    batch->places[batch->rows] = *place;
    eh_cell *row = batch->cells + batch->rows * batch->stride;
    memset(row, 0, batch->stride * sizeof *row);
    batch->rows++;
    return row;
}

static bool keep(eh_arena *arena, eh_slice from, eh_slice *to)
{
    char *copy = eh_arena_strndup(arena, from.data, from.len);
    *to = eh_slice_of(copy, copy != NULL ? from.len : 0);
    return copy != NULL;
}

bool eh_batch_add_dead(eh_batch *batch, const eh_dead *dead, eh_err *err)
{
    if (batch->dead_count == batch->dead_capacity) {
        size_t capacity = batch->dead_capacity == 0 ? 16 : batch->dead_capacity * 2;
        eh_dead *more = realloc(batch->dead, capacity * sizeof *more);
        if (more == NULL) return eh_fail_memory(err, "dead rows");
        batch->dead = more;
        batch->dead_capacity = capacity;
    }
    eh_dead *d = &batch->dead[batch->dead_count];
    d->place = dead->place;
    if (!keep(batch->arena, dead->raw, &d->raw) ||
        !keep(batch->arena, dead->column, &d->column) ||
        !keep(batch->arena, dead->code, &d->code) ||
        !keep(batch->arena, dead->reason, &d->reason))
        return eh_fail_memory(err, "a dead row");
    batch->dead_count++;
    return true;
}
