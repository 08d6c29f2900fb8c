/* io/loop.h: the one event loop of a process: descriptors and timers, one wait call.
 *
 * Callbacks run from eh_loop_turn only and must not turn the loop themselves. Removing any
 * watch, the one being called included, is allowed inside a callback. Floor 2. */
#ifndef EH_IO_LOOP_H
#define EH_IO_LOOP_H

#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct eh_loop eh_loop;
typedef struct eh_watch eh_watch;

enum { EH_READABLE = 1, EH_WRITABLE = 2 };

/* clock is copied. */
eh_loop *eh_loop_new(const eh_clock *clock, eh_err *err);
void eh_loop_free(eh_loop *loop);

/* Calls fn with the events that are ready; hang-up and error count as both. NULL without
 * memory. */
eh_watch *eh_loop_watch(eh_loop *loop, int fd, int events, void (*fn)(void *self, int events),
                        void *self);
void eh_watch_events(eh_watch *watch, int events); /* 0: ignore for now */
void eh_watch_remove(eh_watch *watch);             /* NULL is fine; a timer's too */

/* Calls fn once, `after_us` microseconds from now (monotonic); the timer is freed before the
 * call. */
eh_watch *eh_loop_timer(eh_loop *loop, int64_t after_us, void (*fn)(void *self), void *self);

/* Waits at most timeout_ms (-1: until something happens) and dispatches. A signal is no error.
 */
bool eh_loop_turn(eh_loop *loop, int timeout_ms, eh_err *err) EH_MUST_USE;

#endif
