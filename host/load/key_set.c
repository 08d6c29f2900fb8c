/* load/key_set.c: see key_set.h. Open addressing, at most half full. */
#include "load/key_set.h"

#include <stdlib.h>
#include <string.h>

/* The slot of the hash, or the free one where it belongs. FNV's low bits are its best. */
static uint64_t *slot_of(uint64_t *slots, size_t capacity, uint64_t hash)
{
    size_t at = (size_t)(hash ^ hash >> 32) & (capacity - 1);
    while (slots[at] != 0 && slots[at] != hash) at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static bool grow(eh_key_set *set, eh_err *err)
{
    size_t capacity = set->capacity == 0 ? 4096 : set->capacity * 2;
    uint64_t *slots = calloc(capacity, sizeof *slots);
    if (slots == NULL) return eh_fail_memory(err, "the keys of a unit");
    for (size_t i = 0; i < set->capacity; i++)
        if (set->slots[i] != 0) *slot_of(slots, capacity, set->slots[i]) = set->slots[i];
    free(set->slots);
    set->slots = slots;
    set->capacity = capacity;
    return true;
}

bool eh_key_set_add(eh_key_set *set, uint64_t hash, bool *repeated, eh_err *err)
{
    if (set->count * 2 >= set->capacity && !grow(set, err)) return false;
    if (hash == 0) hash = 1;
    uint64_t *slot = slot_of(set->slots, set->capacity, hash);
    *repeated = *slot != 0;
    if (*repeated) return true;
    *slot = hash;
    set->count++;
    return true;
}

void eh_key_set_clear(eh_key_set *set)
{
    if (set->count > 0) memset(set->slots, 0, set->capacity * sizeof *set->slots);
    set->count = 0;
}

void eh_key_set_free(eh_key_set *set)
{
    free(set->slots);
    *set = (eh_key_set){.slots = NULL};
}
