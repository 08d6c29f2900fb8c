/* Allocations that fail: the allocator of a test program, behind which glibc's is, fails the
 * n-th one when it is told to, and counts what is not given back. The sanitizers bring their
 * own allocator; where they do, OWN_MALLOC is 0, only what our code allocates itself fails (the
 * Makefile wraps it), and they look for leaks when the program ends. Included by one file of a
 * program. cmocka.h and what it needs come first. */
#ifndef EH_TESTS_OOM_H
#define EH_TESTS_OOM_H

#include "base/arena.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define OWN_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OWN_MALLOC 0
#endif
#endif
#ifndef OWN_MALLOC
#define OWN_MALLOC 1
#endif

/* What is tested may have threads; these are what an allocator has no parameter for. */
static struct {
    atomic_long countdown; /* allocations until one fails; 0: none does */
    atomic_bool all_after; /* and all that follow */
    atomic_bool reached;   /* one has failed */
    atomic_bool *told;     /* set then, too: shared with a process that cannot be asked */
    atomic_bool counting;
    atomic_long live;   /* blocks had and not given back, while counting */
    bool (*site)(void); /* decides instead of the countdown: oom_sites.h */
    bool listens;       /* what is read is noted: oom_messages.h */
} oom;

/* noinline: oom_sites.h counts the frames from here to who allocates. */
__attribute__((noinline)) static bool oom_fails(void)
{
    if (oom.site != NULL) {
        bool fails = oom.site();
        __asm__ volatile(""); /* no jump in place of a call */
        return fails;
    }
    if (atomic_load(&oom.countdown) == 0) return false;
    if (atomic_fetch_sub(&oom.countdown, 1) > 1) return false;
    atomic_store(&oom.reached, true);
    if (oom.told != NULL) atomic_store(oom.told, true);
    atomic_store(&oom.countdown, atomic_load(&oom.all_after) ? 1 : 0);
    errno = ENOMEM; /* as malloc(3) promises, and glibc itself asserts */
    return true;
}

#if OWN_MALLOC
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void __libc_free(void *block);

static void *oom_count(void *block)
{
    if (block != NULL && atomic_load(&oom.counting)) (void)atomic_fetch_add(&oom.live, 1);
    return block;
}

void *malloc(size_t size)
{
    return oom_fails() ? NULL : oom_count(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
    return oom_fails() ? NULL : oom_count(__libc_calloc(n, size));
}

void *realloc(void *block, size_t size)
{
    if (oom_fails()) return NULL;
    void *moved = __libc_realloc(block, size);
    return block == NULL ? oom_count(moved) : moved;
}

void free(void *block)
{
    if (block != NULL && atomic_load(&oom.counting)) (void)atomic_fetch_sub(&oom.live, 1);
    __libc_free(block);
}
#else
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

void *__wrap_malloc(size_t size)
{
    return oom_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return oom_fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return oom_fails() ? NULL : __real_realloc(block, size);
}
#endif

/* An arena takes a block of memory now and then; here all that it gives may fail, each by
 * itself. The Makefile wraps these, too. */
void *__real_eh_arena_alloc(eh_arena *arena, size_t size);
void *__real_eh_arena_zalloc(eh_arena *arena, size_t count, size_t size);
char *__real_eh_arena_bytes(eh_arena *arena, size_t size);
char *__real_eh_arena_strndup(eh_arena *arena, const char *text, size_t len);
char *__real_eh_arena_strdup(eh_arena *arena, const char *text);
void *__wrap_eh_arena_alloc(eh_arena *arena, size_t size);
void *__wrap_eh_arena_zalloc(eh_arena *arena, size_t count, size_t size);
char *__wrap_eh_arena_bytes(eh_arena *arena, size_t size);
char *__wrap_eh_arena_strndup(eh_arena *arena, const char *text, size_t len);
char *__wrap_eh_arena_strdup(eh_arena *arena, const char *text);
char *__wrap_eh_arena_printf(eh_arena *arena, const char *format, ...) EH_PRINTF(2, 3);

void *__wrap_eh_arena_alloc(eh_arena *arena, size_t size)
{
    return oom_fails() ? NULL : __real_eh_arena_alloc(arena, size);
}

void *__wrap_eh_arena_zalloc(eh_arena *arena, size_t count, size_t size)
{
    return oom_fails() ? NULL : __real_eh_arena_zalloc(arena, count, size);
}

char *__wrap_eh_arena_bytes(eh_arena *arena, size_t size)
{
    return oom_fails() ? NULL : __real_eh_arena_bytes(arena, size);
}

char *__wrap_eh_arena_strndup(eh_arena *arena, const char *text, size_t len)
{
    return oom_fails() ? NULL : __real_eh_arena_strndup(arena, text, len);
}

char *__wrap_eh_arena_strdup(eh_arena *arena, const char *text)
{
    return oom_fails() ? NULL : __real_eh_arena_strdup(arena, text);
}

char *__wrap_eh_arena_printf(eh_arena *arena, const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (oom_fails() || len < 0 || (size_t)len >= sizeof text) return NULL;
    return __real_eh_arena_strdup(arena, text);
}

/* OpenSSL 3.0 crashes in its own beginnings when it has no memory, and its queue of errors
 * keeps some: not for us to mend. First thing in a program that uses it. */
#if OWN_MALLOC
static void *oom_crypto_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return __libc_malloc(size);
}

static void *oom_crypto_realloc(void *block, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return __libc_realloc(block, size);
}

static void oom_crypto_free(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    __libc_free(block);
}

static inline void oom_spare_openssl(void)
{
    if (CRYPTO_set_mem_functions(oom_crypto_malloc, oom_crypto_realloc, oom_crypto_free) != 1)
        _exit(98);
}
#else
static inline void oom_spare_openssl(void)
{
}
#endif

/* Arms the n-th allocation from now on. */
static inline void oom_arm(long n, bool all_after)
{
    atomic_store(&oom.all_after, all_after);
    atomic_store(&oom.reached, false);
    atomic_store(&oom.countdown, n);
}

/* Was it reached? Nothing fails any more. */
static inline bool oom_disarm(void)
{
    atomic_store(&oom.countdown, 0);
    return atomic_load(&oom.reached);
}

/* The one after n: every one up to `dense`, then fewer and fewer. */
static inline long oom_next(long n, long dense)
{
    return n < dense || getenv("EH_OOM_ALL") != NULL ? n + 1 : n + 1 + n / 12;
}

/* What is tested from its beginning to its end, on objects of its own, or on one in *what that
 * is to be usable again. False with err set when it failed. */
typedef bool (*oom_run)(void *what, eh_err *err);

/* Fails the first allocation, the second and so on, until none is left to fail. Each time the
 * result is success or an error of class limit, nothing is left behind, and the next run, which
 * has memory, succeeds. `leaves`: the object keeps memory from one run to the next. */
static inline void oom_sweep_all(const char *name, oom_run run, void *what, long dense,
                                 bool leaves)
{
    eh_err err = {.class_ = EH_OK};
    if (!run(what, &err)) fail_msg("%s: %s (%s)", name, err.message, err.trail);
    bool was_reached = true;
    for (long n = 1; was_reached; n = oom_next(n, dense)) {
        eh_err_clear(&err);
        atomic_store(&oom.live, 0);
        atomic_store(&oom.counting, true);
        oom_arm(n, false);
        bool good = run(what, &err);
        was_reached = oom_disarm();
        atomic_store(&oom.counting, false);
        long left = atomic_load(&oom.live);
        if (left != 0 && !leaves) fail_msg("%s: allocation %ld leaves %ld", name, n, left);
        if (good != (err.class_ == EH_OK) || (!good && err.class_ != EH_CLASS_LIMIT))
            fail_msg("%s: allocation %ld: %d %s: %s", name, n, good, eh_class_name(err.class_),
                     err.message);
        if (!was_reached && !good) fail_msg("%s: %s", name, err.message);
        eh_err_clear(&err);
        if (!run(what, &err)) fail_msg("%s: after %ld: %s", name, n, err.message);
    }
}

#define oom_sweep(run, what) oom_sweep_all(#run, run, what, 400, false)

#endif
