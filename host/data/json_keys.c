/* data/json_keys.c: the keys of open objects, and whether one is there twice; see json_text.h.
 */
#include "data/json_text.h"

#include <stdlib.h>

void eh_json_keys_free(eh_json_keys *keys)
{
    free(keys->items);
    free(keys->bytes);
    free(keys->slots);
    *keys = (eh_json_keys){.items = NULL};
}

static bool grow_items(eh_json_keys *keys, eh_err *err)
{
    size_t cap = keys->cap == 0 ? 64 : keys->cap * 2, bytes;
    if (__builtin_mul_overflow(cap, sizeof(eh_json_key), &bytes))
        return eh_fail_memory(err, "the keys of a JSON object");
    eh_json_key *items = realloc(keys->items, bytes);
    if (items == NULL) return eh_fail_memory(err, "the keys of a JSON object");
    keys->items = items;
    keys->cap = cap;
    return true;
}

static bool grow_bytes(eh_json_keys *keys, size_t extra, eh_err *err)
{
    size_t cap;
    if (__builtin_add_overflow(keys->used, extra, &cap) || __builtin_mul_overflow(cap, 2, &cap))
        return eh_fail_memory(err, "the keys of a JSON object");
    char *bytes = realloc(keys->bytes, cap);
    if (bytes == NULL) return eh_fail_memory(err, "the keys of a JSON object");
    keys->bytes = bytes;
    keys->bytes_cap = cap;
    return true;
}

bool eh_json_keys_push(eh_json_keys *keys, eh_slice raw, bool escaped, unsigned *flags,
                       eh_err *err)
{
    if (keys->count == keys->cap && !grow_items(keys, err)) return false;
    eh_json_key key = {.data = raw.data, .len = raw.len};
    *flags = 0;
    if (escaped) {
        if (keys->bytes_cap - keys->used < raw.len && !grow_bytes(keys, raw.len, err))
            return false;
        key.data = NULL;
        key.offset = keys->used;
        *flags = eh_json_unescape(raw, keys->bytes + keys->used, &key.len);
        keys->used += key.len;
    }
    keys->items[keys->count++] = key;
    return true;
}

eh_slice eh_json_keys_get(const eh_json_keys *keys, size_t index)
{
    const eh_json_key *key = &keys->items[index];
    return eh_slice_of(key->data != NULL ? key->data : keys->bytes + key->offset, key->len);
}

/* Most objects have few keys: comparing each with each beats hashing. */
static size_t check_few(const eh_json_keys *keys, size_t first)
{
    for (size_t i = first + 1; i < keys->count; i++)
        for (size_t k = first; k < i; k++)
            if (keys->items[k].len == keys->items[i].len &&
                eh_slice_equal(eh_json_keys_get(keys, k), eh_json_keys_get(keys, i)))
                return i;
    return SIZE_MAX;
}

/* Seeded by an address, which varies with address-space randomisation: input cannot choose
 * collisions in advance. */
static uint64_t hash(const eh_json_keys *keys, eh_slice key)
{
    uint64_t h = (uint64_t)(uintptr_t)keys->slots * 0x9e3779b97f4a7c15ULL;
    for (size_t i = 0; i < key.len; i++) {
        h = (h ^ (unsigned char)key.data[i]) * 0x100000001b3ULL;
        h ^= h >> 29;
    }
    return h;
}

static bool make_slots(eh_json_keys *keys, size_t count, eh_err *err)
{
    size_t cap = 64;
    while (cap / 2 < count) cap *= 2;
    if (cap > keys->slot_cap) {
        free(keys->slots);
        keys->slot_cap = 0;
        keys->slots = malloc(cap * sizeof *keys->slots);
        if (keys->slots == NULL) return eh_fail_memory(err, "the keys of a JSON object");
        keys->slot_cap = cap;
    }
    return true;
}

static size_t check_many(eh_json_keys *keys, size_t first)
{
    size_t mask = 63;
    while ((mask + 1) / 2 < keys->count - first) mask = mask * 2 + 1;
    memset(keys->slots, 0, (mask + 1) * sizeof *keys->slots);
    for (size_t i = first; i < keys->count; i++) {
        eh_slice key = eh_json_keys_get(keys, i);
        size_t at = (size_t)hash(keys, key) & mask;
        for (; keys->slots[at] != 0; at = (at + 1) & mask)
            if (eh_slice_equal(eh_json_keys_get(keys, first + keys->slots[at] - 1), key))
                return i;
        keys->slots[at] = (uint32_t)(i - first + 1);
    }
    return SIZE_MAX;
}

bool eh_json_keys_check(eh_json_keys *keys, eh_json_mark mark, size_t *twice, eh_err *err)
{
    if (keys->count - mark.count <= 8) {
        *twice = check_few(keys, mark.count);
        return true;
    }
    if (!make_slots(keys, keys->count - mark.count, err)) return false;
    *twice = check_many(keys, mark.count);
    return true;
}
