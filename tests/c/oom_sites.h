/* Allocations that fail by where they are made, for what makes too many to fail each of them: a
 * first run notes every place that allocates, and how often it does; then each place that no
 * sweep of the program has had before fails at its first time. A place is known by the function
 * of ours that allocates and where it does: not a buffer's, an arena's or a document's, but its
 * caller; and what a library allocates is one place for each place of ours that calls it.
 * Of these every other one fails, which ones is another matter with each build; all do with
 * EH_OOM_ALL=1. EH_OOM_DEPTH=2 and more tell them apart by their callers, too, and from 3 on
 * the last time fails as well. What is noted is shared with forked processes. After oom.h. */
#ifndef EH_TESTS_OOM_SITES_H
#define EH_TESTS_OOM_SITES_H

#include "oom.h"

#include "base/buf.h"
#include "base/doc.h"

#include <execinfo.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum {
    OOM_SITES = 1 << 15, /* places, at most */
    OOM_FRAMES = 48,     /* of a stack, at most */
    OOM_OWN = 4,         /* frames of the allocator */
    OOM_KNOWN = 5        /* of the others, so many of the last ones fail in each sweep */
};

typedef struct oom_places {
    atomic_uint hashes[OOM_SITES]; /* of places; 0: none */
    atomic_uint times[OOM_SITES];  /* how often they allocate */
    atomic_uint order[OOM_SITES];  /* when first, from 1 */
    atomic_uint count;             /* of places */
    atomic_bool noting;            /* else: failing */
    atomic_bool reached;           /* one has failed */
    atomic_bool all_after;         /* and all that follow */
    atomic_bool done;              /* nothing fails any more */
    atomic_uint hash, time, seen;
    atomic_long left; /* blocks that a process ended with, beyond those it began with */
    bool told;        /* where it fails is printed */
} oom_places;

static oom_places *oom_at; /* shared */
static atomic_uint oom_tried[OOM_SITES];

extern char __executable_start, etext; /* the linker's: where our code is */

/* Buffers, arenas and documents allocate for whoever calls them. By the first and the last
 * function of each file; what is beside is grouped less finely, no more. */
static bool oom_is_helper(uintptr_t at)
{
    const uintptr_t helpers[][2] = {
        {(uintptr_t)eh_arena_new, (uintptr_t)eh_arena_used},
        {(uintptr_t)eh_buf_init, (uintptr_t)eh_buf_cstr + 200},
        {(uintptr_t)eh_doc_null - 800, (uintptr_t)eh_doc_to_rows + 800},
    };
    for (size_t i = 0; i < sizeof helpers / sizeof *helpers; i++)
        if (at >= helpers[i][0] && at < helpers[i][1]) return true;
    return false;
}

static int oom_depth = 1;

__attribute__((noinline)) static unsigned oom_here(void **frames, int *count)
{
    unsigned hash = 2166136261U;
    *count = backtrace(frames, OOM_FRAMES);
    for (int i = 0, own = 0; i < *count && own < OOM_OWN + oom_depth; i++) {
        uintptr_t at = (uintptr_t)frames[i];
        if (at < (uintptr_t)&__executable_start || at >= (uintptr_t)&etext || oom_is_helper(at))
            continue;
        hash = (hash ^ ((unsigned)(at - (uintptr_t)&__executable_start))) * 16777619U;
        own++;
    }
    return hash != 0 ? hash : 1;
}

/* Where a place is among others, or is now; *is_new says which. OOM_SITES: there are too many.
 */
static inline unsigned oom_slot(atomic_uint *hashes, unsigned hash, bool *is_new)
{
    for (unsigned i = 0; i < OOM_SITES; i++) {
        unsigned at = (hash + i) % OOM_SITES, there = 0;
        *is_new = atomic_compare_exchange_strong(&hashes[at], &there, hash);
        if (*is_new || there == hash) return at;
    }
    return OOM_SITES;
}

static bool oom_at_place(void)
{
    static _Thread_local bool inside;
    void *frames[OOM_FRAMES];
    int count;
    oom_places *o = oom_at;
    if (inside || atomic_load(&o->done)) return false;
    inside = true;
    bool fails = atomic_load(&o->reached);
    if (!fails) {
        unsigned hash = oom_here(frames, &count);
        if (atomic_load(&o->noting)) {
            bool is_new;
            unsigned at = oom_slot(o->hashes, hash, &is_new);
            if (at < OOM_SITES && is_new)
                atomic_store(&o->order[at], atomic_fetch_add(&o->count, 1) + 1);
            if (at < OOM_SITES) (void)atomic_fetch_add(&o->times[at], 1);
        } else if (hash == atomic_load(&o->hash)) {
            fails = atomic_fetch_add(&o->seen, 1) + 1 == atomic_load(&o->time);
            if (fails && o->told) backtrace_symbols_fd(frames, count, STDERR_FILENO);
        }
        if (fails) {
            atomic_store(&o->reached, true);
            if (!atomic_load(&o->all_after)) atomic_store(&o->done, true);
        }
    }
    inside = false;
    if (fails) errno = ENOMEM;
    return fails;
}

/* First thing in a program. */
static inline void oom_sites_init(void)
{
    void *frames[OOM_FRAMES];
    int count;
    oom_at =
        mmap(NULL, sizeof *oom_at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (oom_at == MAP_FAILED) _exit(97);
    (void)oom_here(frames, &count); /* loads what it needs */
    const char *given = getenv("EH_OOM_DEPTH");
    if (given != NULL) oom_depth = (int)strtol(given, NULL, 10);
}

static inline void oom_note_places(void)
{
    for (size_t i = 0; i < OOM_SITES; i++) {
        atomic_store(&oom_at->hashes[i], 0);
        atomic_store(&oom_at->times[i], 0);
        atomic_store(&oom_at->order[i], 0);
    }
    atomic_store(&oom_at->count, 0);
    atomic_store(&oom_at->noting, true);
    atomic_store(&oom_at->reached, false);
    atomic_store(&oom_at->done, false);
}

static inline void oom_fail_place(unsigned hash, unsigned time, bool all_after)
{
    atomic_store(&oom_at->noting, false);
    atomic_store(&oom_at->reached, false);
    atomic_store(&oom_at->done, false);
    atomic_store(&oom_at->all_after, all_after);
    atomic_store(&oom_at->hash, hash);
    atomic_store(&oom_at->time, time);
    atomic_store(&oom_at->seen, 0);
}

/* From here on allocations are looked at, in this process; until `false`. */
static inline void oom_watch_places(bool on)
{
    oom.site = on ? oom_at_place : NULL;
}

/* What was noted and no sweep has had, and a few others, handed to `one` (may be NULL): its
 * first time, and its last when places are told apart by more. Gives how many. */
typedef void (*oom_failing)(void *what, unsigned hash, unsigned time);
static inline size_t oom_each_place(oom_failing one, void *what)
{
    static struct {
        unsigned hash, times;
    } noted[OOM_SITES];
    size_t count = 0, done = 0, known = 0;
    bool all = oom_depth > 1 || getenv("EH_OOM_ALL") != NULL;
    for (size_t i = 0; i < OOM_SITES; i++) {
        bool is_new;
        unsigned hash = atomic_load(&oom_at->hashes[i]);
        if (hash == 0 || oom_slot(oom_tried, hash, &is_new) == OOM_SITES) continue;
        bool counts = is_new && (all || hash % 2 == 0);
        bool late = atomic_load(&oom_at->order[i]) > atomic_load(&oom_at->count) / 10 * 9;
        if (!counts && (!late || known++ >= OOM_KNOWN)) continue;
        noted[count].hash = hash;
        noted[count++].times = atomic_load(&oom_at->times[i]);
    }
    if (getenv("EH_OOM_TELL") != NULL) (void)fprintf(stderr, "%zu places\n", count);
    for (size_t i = 0; one != NULL && i < count; i++) {
        one(what, noted[i].hash, 1);
        bool twice = oom_depth > 2 && noted[i].times > 1;
        if (twice) one(what, noted[i].hash, noted[i].times);
        done += twice ? 2 : 1;
    }
    return done;
}

#endif
