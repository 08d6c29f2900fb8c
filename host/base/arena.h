/* base/arena.h: memory with one lifetime; freed or reset as a whole.
 *
 * Arenas mirror the tree of lifetimes: process > run > step > batch. Foreign handles register a
 * cleanup, run in reverse order at reset and free. An arena has a maximum, like every buffer.
 * Floor 0. */
#ifndef EH_BASE_ARENA_H
#define EH_BASE_ARENA_H

#include "base/err.h"
#include "base/slice.h"

#include <stdarg.h>
#include <stdint.h>

typedef struct eh_arena eh_arena;

/* max: bytes that may be handed out before the next reset. NULL when there is no memory. */
eh_arena *eh_arena_new(size_t max);
void eh_arena_free(eh_arena *arena); /* NULL is fine */

/* Runs the cleanups and forgets all allocations; keeps one block for reuse. */
void eh_arena_reset(eh_arena *arena);

/* Aligned for any type, not zeroed; valid until reset. NULL past the maximum or without memory.
 * A size of 0 gives a valid pointer. */
void *eh_arena_alloc(eh_arena *arena, size_t size);
void *eh_arena_zalloc(eh_arena *arena, size_t count, size_t size);

/* Bytes without alignment: text. */
char *eh_arena_bytes(eh_arena *arena, size_t size);

/* A NUL-terminated copy. NULL without memory. */
char *eh_arena_strndup(eh_arena *arena, const char *text, size_t len);
char *eh_arena_strdup(eh_arena *arena, const char *text);
char *eh_arena_printf(eh_arena *arena, const char *format, ...) EH_PRINTF(2, 3);

/* Calls fn(data) at reset or free. False without memory: then the caller still owns data. */
bool eh_arena_on_reset(eh_arena *arena, void (*fn)(void *data), void *data) EH_MUST_USE;

/* Bytes handed out since the last reset. */
size_t eh_arena_used(const eh_arena *arena);

#endif
