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
    };
}

void eh_unit_free(eh_unit *unit)
{
    eh_buf_free(&unit->data);
    free(unit->row_ends);
    free(unit->places);
    free(unit->dead);
    eh_key_set_free(&unit->keys);
    eh_arena_free(unit->arena);
    *unit = (eh_unit){.arena = NULL};
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
    if (!keep(unit, dead->raw, &d->raw, err) || !keep(unit, dead->column, &d->column, err) ||
        !keep(unit, dead->code, &d->code, err) || !keep(unit, dead->reason, &d->reason, err))
        return eh_fail_memory(err, "a dead row");
    unit->dead_count++;
    return true;
}

void eh_unit_remove_row(eh_unit *unit, size_t index)
{
    assert(index < unit->rows);
    size_t from = index == 0 ? 0 : unit->row_ends[index - 1];
    size_t to = unit->row_ends[index];
    memmove(unit->data.data + from, unit->data.data + to, unit->data.len - to);
    unit->data.len -= to - from;
    for (size_t i = index + 1; i < unit->rows; i++) {
        unit->row_ends[i - 1] = unit->row_ends[i] - (to - from);
        unit->places[i - 1] = unit->places[i];
    }
    unit->rows--;
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
