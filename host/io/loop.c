/* io/loop.c: see loop.h. poll(2) over an array of watches.
 *
 * A process watches some tens of descriptors and timers, so linear scans cost less than
 * anything cleverer. A removed watch is only marked while callbacks run and is freed when the
 * turn is over: that is what makes removal inside a callback safe. */
#include "io/loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

struct eh_watch {
    eh_loop *loop;
    bool is_timer;
    bool removed;
    int fd;
    int events;
    int64_t due_us; /* monotonic */
    void (*on_events)(void *self, int events);
    void (*on_time)(void *self);
    void *self;
};

struct eh_loop {
    eh_clock clock;
    eh_watch **watches; /* owned */
    size_t count;
    size_t capacity;
    struct pollfd *polls; /* capacity of them; rebuilt each turn */
    size_t *polled;       /* which watch each pollfd stands for */
    size_t removed;
    bool turning;
};

eh_loop *eh_loop_new(const eh_clock *clock, eh_err *err)
{
    eh_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) {
        (void)eh_fail_memory(err, "the event loop");
        return NULL;
    }
    loop->clock = *clock;
    return loop;
}

void eh_loop_free(eh_loop *loop)
{
    if (loop == NULL) return;
    for (size_t i = 0; i < loop->count; i++) free(loop->watches[i]);
    free(loop->watches);
    free(loop->polls);
    free(loop->polled);
    free(loop);
}

static bool grow(eh_loop *loop)
{
    size_t capacity = loop->capacity == 0 ? 16 : loop->capacity * 2;
    eh_watch **watches = realloc(loop->watches, capacity * sizeof(eh_watch *));
    if (watches == NULL) return false;
    loop->watches = watches;
    struct pollfd *polls = realloc(loop->polls, capacity * sizeof *polls);
    if (polls == NULL) return false;
    loop->polls = polls;
    size_t *polled = realloc(loop->polled, capacity * sizeof *polled);
    if (polled == NULL) return false;
    loop->polled = polled;
    loop->capacity = capacity;
    return true;
}

static eh_watch *add(eh_loop *loop)
{
    if (loop->count == loop->capacity && !grow(loop)) return NULL;
    eh_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) return NULL;
    watch->loop = loop;
    loop->watches[loop->count++] = watch;
    return watch;
}

eh_watch *eh_loop_watch(eh_loop *loop, int fd, int events, void (*fn)(void *self, int events),
                        void *self)
{
    eh_watch *watch = add(loop);
    if (watch == NULL) return NULL;
    watch->fd = fd;
    watch->events = events;
    watch->on_events = fn;
    watch->self = self;
    return watch;
}

eh_watch *eh_loop_timer(eh_loop *loop, int64_t after_us, void (*fn)(void *self), void *self)
{
    eh_watch *watch = add(loop);
    if (watch == NULL) return NULL;
    watch->is_timer = true;
    watch->due_us = eh_clock_monotonic(&loop->clock) + after_us;
    watch->on_time = fn;
    watch->self = self;
    return watch;
}

void eh_watch_events(eh_watch *watch, int events)
{
    watch->events = events;
}

static void sweep(eh_loop *loop)
{
    if (loop->removed == 0) return;
    size_t kept = 0;
    for (size_t i = 0; i < loop->count; i++) {
        if (loop->watches[i]->removed)
            free(loop->watches[i]);
        else
            loop->watches[kept++] = loop->watches[i];
    }
    loop->count = kept;
    loop->removed = 0;
}

static void mark_removed(eh_watch *watch)
{
    watch->removed = true;
    watch->loop->removed++;
}

void eh_watch_remove(eh_watch *watch)
{
    if (watch == NULL || watch->removed) return;
    eh_loop *loop = watch->loop;
    mark_removed(watch);
    if (!loop->turning) sweep(loop);
}

/* Milliseconds until the next timer, rounded up so that it is due when poll returns; bounded by
 * what the caller asked for. */
static int wait_ms(const eh_loop *loop, int timeout_ms)
{
    int64_t now = eh_clock_monotonic(&loop->clock);
    int64_t wait = timeout_ms < 0 ? INT64_MAX : timeout_ms;
    for (size_t i = 0; i < loop->count; i++) {
        const eh_watch *w = loop->watches[i];
        if (!w->is_timer || w->removed) continue;
        int64_t left_us = w->due_us > now ? w->due_us - now : 0;
        int64_t left = left_us / 1000 + (left_us % 1000 != 0);
        if (left < wait) wait = left;
    }
    if (wait == INT64_MAX) return -1;
    return wait > 60000000 ? 60000000 : (int)wait;
}

static size_t fill_polls(eh_loop *loop)
{
    size_t n = 0;
    for (size_t i = 0; i < loop->count; i++) {
        const eh_watch *w = loop->watches[i];
        if (w->is_timer || w->removed || w->events == 0) continue;
        short events = 0;
        if (w->events & EH_READABLE) events |= POLLIN;
        if (w->events & EH_WRITABLE) events |= POLLOUT;
        loop->polls[n] = (struct pollfd){.fd = w->fd, .events = events};
        loop->polled[n++] = i;
    }
    return n;
}

/* Callbacks may add watches, which moves the arrays: everything is read through the loop again.
 */
static void dispatch_descriptors(eh_loop *loop, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        short ready = loop->polls[i].revents;
        eh_watch *w = loop->watches[loop->polled[i]];
        if (ready == 0 || w->removed || w->events == 0) continue;
        int events = 0;
        if (ready & POLLIN) events |= EH_READABLE;
        if (ready & POLLOUT) events |= EH_WRITABLE;
        if (ready & (POLLHUP | POLLERR | POLLNVAL)) events |= EH_READABLE | EH_WRITABLE;
        w->on_events(w->self, events);
    }
}

/* Only timers that were there before the turn: one that re-arms itself with no delay must not
 * keep the turn from ending. */
static void dispatch_timers(eh_loop *loop, size_t count)
{
    int64_t now = eh_clock_monotonic(&loop->clock);
    for (size_t i = 0; i < count; i++) {
        eh_watch *w = loop->watches[i];
        if (!w->is_timer || w->removed || w->due_us > now) continue;
        mark_removed(w);
        w->on_time(w->self);
    }
}

bool eh_loop_turn(eh_loop *loop, int timeout_ms, eh_err *err)
{
    assert(!loop->turning);
    size_t count = loop->count;
    size_t n = fill_polls(loop);
    int ready = poll(loop->polls, (nfds_t)n, wait_ms(loop, timeout_ms));
    if (ready < 0 && errno != EINTR && errno != EAGAIN)
        return eh_fail_errno(err, EH_CLASS_BUG, errno, "waiting for descriptors");
    loop->turning = true;
    if (ready > 0) dispatch_descriptors(loop, n);
    dispatch_timers(loop, count);
    loop->turning = false;
    sweep(loop);
    return true;
}
