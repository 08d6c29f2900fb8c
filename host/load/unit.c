/* load/unit.c: see unit.h. */
#include "load/unit.h"

#include <assert.h>
#include <stdlib.h>

/* What masking may add to a text that is nearly empty. */
#define MASK_ROOM 64

#define DEAD_TEXT_MAX ((size_t)64 * 1024 * 1024)

bool eh_unit_init(eh_unit *unit, size_t data_max, eh_err *err)
{
    *unit = (eh_unit){.arena = eh_arena_new(DEAD_TEXT_MAX)};
    eh_buf_init(&unit->data, data_max);
    return unit->arena != NULL || eh_fail_memory(err, "a unit");
}

void eh_unit_reset(eh_unit *unit)
{
    eh_unit kept = *unit;
    eh_arena_reset(kept.arena);
    kept.data.len = 0;
    eh_key_set_clear(&kept.keys);
    *unit = (eh_unit){
        .data = kept.data,
        .row_ends = kept.row_ends,
        .places = kept.places,
        .row_capacity = kept.row_capacity,
        .arena = kept.arena,
        .dead = kept.dead,
        .dead_capacity = kept.dead_capacity,
        .keys = kept.keys,
        .parts = kept.parts,
        .part_capacity = kept.part_capacity,
        .records = kept.records,
    };
}

void eh_unit_free(eh_unit *unit)
{
    for (size_t i = 0; i < unit->part_capacity; i++) {
        eh_buf_free(&unit->parts[i].data);
        free(unit->parts[i].ends);
        free(unit->parts[i].rows);
    }
    free(unit->parts);
    free(unit->records);
    eh_buf_free(&unit->data);
    free(unit->row_ends);
    free(unit->places);
    free(unit->dead);
    eh_key_set_free(&unit->keys);
    eh_arena_free(unit->arena);
    *unit = (eh_unit){.arena = NULL};
}

static bool grow_part(eh_unit_part *part, size_t capacity, eh_err *err)
{
    size_t *ends = realloc(part->ends, capacity * sizeof *ends);
    if (ends == NULL) return eh_fail_memory(err, "a unit");
    part->ends = ends;
    size_t *rows = realloc(part->rows, capacity * sizeof *rows);
    if (rows == NULL) return eh_fail_memory(err, "a unit");
    part->rows = rows;
    return true;
}

static bool grow_parts(eh_unit *unit, size_t capacity, eh_err *err)
{
    int64_t *records = realloc(unit->records, capacity * sizeof *records);
    if (records == NULL) return eh_fail_memory(err, "a unit");
    unit->records = records;
    for (size_t i = 0; i < unit->part_count; i++)
        if (!grow_part(&unit->parts[i], capacity, err)) return false;
    return true;
}

static bool grow_rows(eh_unit *unit, eh_err *err)
{
    size_t capacity = unit->row_capacity == 0 ? 4096 : unit->row_capacity * 2;
    size_t *ends = realloc(unit->row_ends, capacity * sizeof *ends);
    if (ends == NULL) return eh_fail_memory(err, "a unit");
    unit->row_ends = ends;
    eh_place *places = realloc(unit->places, capacity * sizeof *places);
    if (places == NULL) return eh_fail_memory(err, "a unit");
    unit->places = places;
    if (unit->part_count > 0 && !grow_parts(unit, capacity, err)) return false;
    unit->row_capacity = capacity;
    return true;
}

static bool note_key(eh_unit *unit, size_t row, eh_err *err)
{
    const eh_encoder *encoder = unit->encoder;
    if (encoder->put == NULL || unit->repeats) return true;
    unit->repeats = encoder->key_hash == NULL;
    return unit->repeats ||
           eh_key_set_add(&unit->keys, encoder->key_hash(encoder, unit->data.data + row),
                          &unit->repeats, err);
}

eh_append eh_unit_append(eh_unit *unit, const eh_cell *const *pick, const eh_place *place,
                         eh_row_fault *fault, eh_err *err)
{
    if (unit->rows == unit->row_capacity && !grow_rows(unit, err)) return EH_APPEND_ERROR;
    size_t before = unit->data.len;
    eh_append result = unit->encoder->append(unit->encoder, &unit->data, pick, fault, err);
    if (result == EH_APPEND_OK && !note_key(unit, before, err)) result = EH_APPEND_ERROR;
    if (result != EH_APPEND_OK) {
        unit->data.len = before;
        return result;
    }
    unit->row_ends[unit->rows] = unit->data.len;
    unit->places[unit->rows] = *place;
    for (size_t i = 0; i < unit->part_count; i++) {
        unit->parts[i].ends[unit->rows] = unit->parts[i].data.len;
        unit->parts[i].rows[unit->rows] = unit->parts[i].count;
    }
    if (unit->part_count > 0) unit->records[unit->rows] = unit->record;
    unit->rows++;
    return EH_APPEND_OK;
}

static bool keep_masked(const eh_unit *unit, eh_slice from, eh_slice *to, eh_err *err)
{
    eh_buf text;
    eh_buf_init(&text, 4 * from.len + MASK_ROOM);
    bool ok = eh_buf_append(&text, from.data, from.len, err) &&
              unit->mask->mask(unit->mask->self, &text, err);
    char *copy = ok ? eh_arena_strndup(unit->arena, text.data, text.len) : NULL;
    *to = eh_slice_of(copy, copy != NULL ? text.len : 0);
    eh_buf_free(&text);
    return copy != NULL;
}

static bool keep(const eh_unit *unit, eh_slice from, eh_slice *to, eh_err *err)
{
    if (unit->mask != NULL && unit->mask->mask != NULL && from.len > 0)
        return keep_masked(unit, from, to, err);
    eh_arena *arena = unit->arena;
    char *copy = eh_arena_strndup(arena, from.data, from.len);
    *to = eh_slice_of(copy, copy != NULL ? from.len : 0);
    return copy != NULL;
}

bool eh_unit_add_dead(eh_unit *unit, const eh_dead *dead, eh_err *err)
{
    if (unit->dead_count == unit->dead_capacity) {
        size_t capacity = unit->dead_capacity == 0 ? 16 : unit->dead_capacity * 2;
        eh_dead *more = realloc(unit->dead, capacity * sizeof *more);
        if (more == NULL) return eh_fail_memory(err, "dead rows");
        unit->dead = more;
        unit->dead_capacity = capacity;
    }
    eh_dead *d = &unit->dead[unit->dead_count];
    d->place = dead->place;
    eh_slice code = unit->stored ? eh_slice_str(EH_DEAD_IN_STAGE) : dead->code;
    if (!keep(unit, dead->raw, &d->raw, err) || !keep(unit, dead->column, &d->column, err) ||
        !keep(unit, code, &d->code, err) || !keep(unit, dead->reason, &d->reason, err))
        return eh_fail_memory(err, "a dead row");
    unit->dead_count++;
    return true;
}

/* Moves what belongs to the rows that stay together; ends has one for each row. */
static void squeeze(eh_buf *data, size_t *ends, size_t rows, const size_t *gone, size_t count)
{
    size_t end = 0, from = 0, kept = 0, next = 0;
    for (size_t i = 0; i < rows; i++) {
        size_t to = ends[i];
        if (next < count && gone[next] == i) {
            next++;
        } else {
            if (end != from && to > from)
                memmove(data->data + end, data->data + from, to - from);
            end += to - from;
            ends[kept++] = end;
        }
        from = to;
    }
    data->len = end;
}

static void squeeze_counts(size_t *counts, size_t rows, const size_t *gone, size_t count)
{
    size_t sum = 0, from = 0, kept = 0, next = 0;
    for (size_t i = 0; i < rows; i++) {
        size_t to = counts[i];
        if (next < count && gone[next] == i) {
            next++;
        } else {
            sum += to - from;
            counts[kept++] = sum;
        }
        from = to;
    }
}

void eh_unit_remove_rows(eh_unit *unit, const size_t *indexes, size_t count)
{
    size_t kept = 0, next = 0;
    for (size_t i = 0; i < unit->part_count; i++) {
        eh_unit_part *part = &unit->parts[i];
        squeeze(&part->data, part->ends, unit->rows, indexes, count);
        squeeze_counts(part->rows, unit->rows, indexes, count);
    }
    squeeze(&unit->data, unit->row_ends, unit->rows, indexes, count);
    for (size_t i = 0; i < unit->rows; i++) {
        if (next < count && indexes[next] == i) {
            next++;
            continue;
        }
        unit->places[kept] = unit->places[i];
        if (unit->part_count > 0) unit->records[kept] = unit->records[i];
        kept++;
    }
    unit->rows = kept;
    eh_unit_rewind_parts(unit);
}

void eh_unit_remove_row(eh_unit *unit, size_t index)
{
    assert(index < unit->rows);
    eh_unit_remove_rows(unit, &index, 1);
}

/* ---- child tables ----------------------------------------------------------------------- */

bool eh_unit_set_parts(eh_unit *unit, size_t count, eh_err *err)
{
    assert(unit->rows == 0);
    if (count > unit->part_capacity) {
        eh_unit_part *more = realloc(unit->parts, count * sizeof *more);
        if (more == NULL) return eh_fail_memory(err, "a unit");
        unit->parts = more;
        for (; unit->part_capacity < count; unit->part_capacity++) {
            more[unit->part_capacity] = (eh_unit_part){.schema = NULL};
            eh_buf_init(&more[unit->part_capacity].data, unit->data.max);
        }
    }
    unit->part_count = count;
    if (unit->row_capacity > 0 && !grow_parts(unit, unit->row_capacity, err)) return false;
    eh_unit_rewind_parts(unit);
    return true;
}

eh_append eh_unit_append_part(eh_unit *unit, size_t index, const eh_cell *const *pick,
                              eh_row_fault *fault, eh_err *err)
{
    eh_unit_part *part = &unit->parts[index];
    size_t before = part->data.len;
    eh_append result = part->encoder->append(part->encoder, &part->data, pick, fault, err);
    if (result == EH_APPEND_OK)
        part->count++;
    else
        part->data.len = before;
    return result;
}

void eh_unit_rewind_parts(eh_unit *unit)
{
    for (size_t i = 0; i < unit->part_count; i++) {
        eh_unit_part *part = &unit->parts[i];
        part->data.len = unit->rows > 0 ? part->ends[unit->rows - 1] : 0;
        part->count = unit->rows > 0 ? part->rows[unit->rows - 1] : 0;
    }
}

static size_t before_row(const size_t *sums, size_t row)
{
    return row > 0 ? sums[row - 1] : 0;
}

eh_slice eh_unit_part_bytes(const eh_unit_part *part, size_t from, size_t to)
{
    size_t start = before_row(part->ends, from), end = before_row(part->ends, to);
    return end > start ? eh_slice_of(part->data.data + start, end - start)
                       : eh_slice_of(NULL, 0);
}

size_t eh_unit_part_rows(const eh_unit_part *part, size_t from, size_t to)
{
    return before_row(part->rows, to) - before_row(part->rows, from);
}

size_t eh_unit_find_record(const eh_unit *unit, int64_t record)
{
    size_t low = 0, high = unit->rows;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (unit->records[middle] < record)
            low = middle + 1;
        else
            high = middle;
    }
    return low < unit->rows && unit->records[low] == record ? low : unit->rows;
}

size_t eh_unit_bytes(const eh_unit *unit)
{
    size_t bytes = unit->data.len;
    for (size_t i = 0; i < unit->part_count; i++) bytes += unit->parts[i].data.len;
    return bytes;
}

bool eh_unit_is_rotten(const eh_unit *unit)
{
    double all = (double)(unit->rows + unit->dead_count);
    return unit->dead_count > unit->max_dead_rows &&
           (double)unit->dead_count > unit->max_dead_ratio * all;
}

bool eh_unit_pool_init(eh_unit_pool *pool, size_t count, size_t unit_bytes, eh_err *err)
{
    *pool = (eh_unit_pool){
        .units = calloc(count, sizeof(eh_unit)), .count = count, .unit_bytes = unit_bytes};
    if (pool->units == NULL) return eh_fail_memory(err, "units");
    for (size_t i = 0; i < count; i++)
        if (!eh_unit_init(&pool->units[i], unit_bytes + EH_UNIT_SLACK, err)) return false;
    return true;
}

void eh_unit_pool_free(eh_unit_pool *pool)
{
    for (size_t i = 0; pool->units != NULL && i < pool->count; i++)
        eh_unit_free(&pool->units[i]);
    free(pool->units);
    *pool = (eh_unit_pool){.units = NULL};
}

eh_unit *eh_unit_pool_take(eh_unit_pool *pool, void *owner)
{
    for (size_t i = 0; i < pool->count; i++) {
        if (pool->units[i].owner != NULL) continue;
        eh_unit_reset(&pool->units[i]);
        pool->units[i].owner = owner;
        pool->units[i].mask = &pool->mask;
        return &pool->units[i];
    }
    return NULL;
}
