/* base/map.c: see map.h. Linear probing at a load of at most two thirds. */
#include "base/map.h"

#include <stdlib.h>

struct eh_map_entry {
    char *key; /* owned; NULL marks a free place */
    size_t len;
    uint64_t hash;
    uint64_t value;
};

void eh_map_init(eh_map *map)
{
    *map = (eh_map){.entries = NULL};
    /* The address of the map varies with address-space randomisation: enough of a seed to keep
     * input from choosing collisions in advance. */
    map->seed = (uint64_t)(uintptr_t)map * 0x9e3779b97f4a7c15ULL;
}

void eh_map_free(eh_map *map)
{
    for (size_t i = 0; i < map->cap; i++) free(map->entries[i].key);
    free(map->entries);
    map->entries = NULL;
    map->count = map->cap = 0;
}

static uint64_t hash_bytes(uint64_t seed, eh_slice key)
{
    uint64_t h = seed ^ 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < key.len; i++) {
        h ^= (unsigned char)key.data[i];
        h *= 0x100000001b3ULL;
        h ^= h >> 29;
    }
    return h;
}

static eh_map_entry *find(const eh_map *map, eh_slice key, uint64_t hash)
{
    for (size_t i = hash & (map->cap - 1);; i = (i + 1) & (map->cap - 1)) {
        eh_map_entry *e = &map->entries[i];
        if (e->key == NULL) return e;
        if (e->hash == hash && e->len == key.len && memcmp(e->key, key.data, key.len) == 0)
            return e;
    }
}

static bool grow(eh_map *map, eh_err *err)
{
    size_t cap = map->cap == 0 ? 16 : map->cap * 2;
    eh_map bigger = {.entries = calloc(cap, sizeof(eh_map_entry)), .cap = cap};
    if (bigger.entries == NULL) return eh_fail_memory(err, "a map");
    for (size_t i = 0; i < map->cap; i++) {
        eh_map_entry *e = &map->entries[i];
        if (e->key != NULL) *find(&bigger, eh_slice_of(e->key, e->len), e->hash) = *e;
    }
    free(map->entries);
    map->entries = bigger.entries;
    map->cap = cap;
    return true;
}

bool eh_map_put(eh_map *map, eh_slice key, uint64_t value, eh_err *err)
{
    if ((map->count + 1) * 3 > map->cap * 2 && !grow(map, err)) return false;
    uint64_t hash = hash_bytes(map->seed, key);
    eh_map_entry *e = find(map, key, hash);
    if (e->key == NULL) {
        char *copy = malloc(key.len + 1);
        if (copy == NULL) return eh_fail_memory(err, "a map key");
        if (key.len > 0) memcpy(copy, key.data, key.len);
        copy[key.len] = '\0';
        e->key = copy;
        e->len = key.len;
        e->hash = hash;
        map->count++;
    }
    e->value = value;
    return true;
}

bool eh_map_get(const eh_map *map, eh_slice key, uint64_t *value)
{
    if (map->cap == 0) return false;
    const eh_map_entry *e = find(map, key, hash_bytes(map->seed, key));
    if (e->key == NULL) return false;
    if (value != NULL) *value = e->value;
    return true;
}
