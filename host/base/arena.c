/* base/arena.c: bump allocation over a list of blocks; see arena.h. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_BYTES ((size_t)64 * 1024)

typedef struct block {
    struct block *next;
    size_t cap;
    alignas(max_align_t) char data[];
} block;

typedef struct cleanup {
    struct cleanup *next;
    void (*fn)(void *data);
    void *data;
} cleanup;

struct eh_arena {
    block *first; /* the block being filled; older ones follow */
    size_t used;  /* bytes used in first */
    size_t total; /* bytes handed out since the last reset */
    size_t max;
    cleanup *cleanups;
};

eh_arena *eh_arena_new(size_t max)
{
    eh_arena *arena = calloc(1, sizeof *arena);
    if (arena != NULL) arena->max = max;
    return arena;
}

void eh_arena_reset(eh_arena *arena)
{
    while (arena->cleanups != NULL) {
        cleanup *c = arena->cleanups;
        arena->cleanups = c->next;
        c->fn(c->data);
    }
    /* One block of the common size is kept; a giant one would pin its memory for ever. */
    block *keep = NULL;
    for (block *b = arena->first; b != NULL;) {
        block *next = b->next;
        if (keep == NULL && b->cap == BLOCK_BYTES)
            keep = b;
        else
            free(b);
        b = next;
    }
    if (keep != NULL) keep->next = NULL;
    arena->first = keep;
    arena->used = arena->total = 0;
}

void eh_arena_free(eh_arena *arena)
{
    if (arena == NULL) return;
    eh_arena_reset(arena);
    free(arena->first);
    free(arena);
}

static void *take(eh_arena *arena, size_t size, size_t align)
{
    if (size > arena->max - arena->total) return NULL;
    size_t start = (arena->used + align - 1) & ~(align - 1);
    if (arena->first == NULL || start > arena->first->cap || size > arena->first->cap - start) {
        size_t cap = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        size_t bytes;
        if (__builtin_add_overflow(cap, sizeof(block), &bytes)) return NULL;
        block *b = malloc(bytes);
        if (b == NULL) return NULL;
        b->cap = cap;
        b->next = arena->first;
        arena->first = b;
        start = 0;
    }
    arena->used = start + size;
    arena->total += size;
    return arena->first->data + start;
}

void *eh_arena_alloc(eh_arena *arena, size_t size)
{
    return take(arena, size, alignof(max_align_t));
}

char *eh_arena_bytes(eh_arena *arena, size_t size)
{
    return take(arena, size, 1);
}

void *eh_arena_zalloc(eh_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
    void *p = eh_arena_alloc(arena, bytes);
    if (p != NULL) memset(p, 0, bytes);
    return p;
}

char *eh_arena_strndup(eh_arena *arena, const char *text, size_t len)
{
    if (len == SIZE_MAX) return NULL;
    char *copy = eh_arena_bytes(arena, len + 1);
    if (copy == NULL) return NULL;
    if (len > 0) memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *eh_arena_strdup(eh_arena *arena, const char *text)
{
    return eh_arena_strndup(arena, text, strlen(text));
}

char *eh_arena_printf(eh_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) return NULL;
    char *text = eh_arena_bytes(arena, (size_t)length + 1);
    if (text == NULL) return NULL;
    va_start(args, format);
    (void)vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}

bool eh_arena_on_reset(eh_arena *arena, void (*fn)(void *data), void *data)
{
    cleanup *c = eh_arena_alloc(arena, sizeof *c);
    if (c == NULL) return false;
    *c = (cleanup){arena->cleanups, fn, data};
    arena->cleanups = c;
    return true;
}

size_t eh_arena_used(const eh_arena *arena)
{
    return arena->total;
}
