/* load/key_set.h: has any of these keys been there before? For the rows of one unit.
 *
 * Holds hashes only: "no" is certain, "yes" may be a chance in 2^64 too many, which costs a
 * step and changes nothing. Floor 3. */
#ifndef EH_LOAD_KEY_SET_H
#define EH_LOAD_KEY_SET_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct eh_key_set {
    uint64_t *slots; /* 0 is free */
    size_t capacity; /* a power of two, or 0 */
    size_t count;
} eh_key_set;

/* Adds the hash; *repeated: it was there. False without memory; the set is as it was. */
bool eh_key_set_add(eh_key_set *set, uint64_t hash, bool *repeated, eh_err *err) EH_MUST_USE;
void eh_key_set_clear(eh_key_set *set); /* keeps its memory */
void eh_key_set_free(eh_key_set *set);

/* Goes on with the hash of a key by some of its bytes; begin with EH_KEY_HASH. */
#define EH_KEY_HASH 14695981039346656037u
static inline uint64_t eh_key_hash(uint64_t hash, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) hash = (hash ^ (unsigned char)bytes[i]) * 1099511628211u;
    return hash;
}

#endif
