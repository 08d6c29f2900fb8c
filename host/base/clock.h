/* base/clock.h: time as a value that can be injected, so that no test waits for it.
 *
 * Wall time is microseconds since 1970-01-01 UTC; monotonic time has no epoch and serves for
 * durations and deadlines. Floor 0. */
#ifndef EH_BASE_CLOCK_H
#define EH_BASE_CLOCK_H

#include <stdint.h>

typedef struct eh_clock {
    int64_t (*wall_us)(void *self);
    int64_t (*monotonic_us)(void *self);
    void *self;
} eh_clock;

/* The system's clocks (CLOCK_REALTIME, CLOCK_MONOTONIC). */
eh_clock eh_clock_system(void);

#ifdef EH_FAULTS
/* Test builds: from now on the wall clock of this process is so far off. */
void eh_clock_set_wrong(int64_t offset_us);
#endif

static inline int64_t eh_clock_wall(const eh_clock *clock)
{
    return clock->wall_us(clock->self);
}

static inline int64_t eh_clock_monotonic(const eh_clock *clock)
{
    return clock->monotonic_us(clock->self);
}

/* Full jitter back-off: a wait in [0, min(cap, base * 2^attempt)] milliseconds, where `random`
 * is any 64-bit random number. attempt counts from 0. (Exponential Backoff And Jitter, AWS
 * Architecture Blog, 2015.) */
int64_t eh_backoff_ms(int64_t base_ms, int64_t cap_ms, unsigned attempt, uint64_t random);

#endif
