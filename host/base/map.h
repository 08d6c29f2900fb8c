/* base/map.h: a hash map from byte strings to a 64-bit value, open addressing.
 *
 * Keys are copied into the map. The hash is seeded per map, so that hostile input cannot choose
 * collisions. Embedded struct. Floor 0. */
#ifndef EH_BASE_MAP_H
#define EH_BASE_MAP_H

#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

typedef struct eh_map_entry eh_map_entry;

typedef struct eh_map {
    eh_map_entry *entries;
    size_t count;
    size_t cap; /* a power of two, or 0 */
    uint64_t seed;
} eh_map;

void eh_map_init(eh_map *map);
void eh_map_free(eh_map *map); /* safe twice */

/* Sets key to value, replacing what was there. */
bool eh_map_put(eh_map *map, eh_slice key, uint64_t value, eh_err *err) EH_MUST_USE;

/* True and *value when the key is there; value may be NULL. */
bool eh_map_get(const eh_map *map, eh_slice key, uint64_t *value);

#endif
