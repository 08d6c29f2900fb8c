/* base/clock.c: see clock.h. */
#include "base/clock.h"

#include <stddef.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec t;
    /* Cannot fail for these two clocks with a valid pointer (clock_gettime(2)). */
    (void)clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

#ifdef EH_FAULTS
static int64_t wall_offset_us;

void eh_clock_set_wrong(int64_t offset_us)
{
    wall_offset_us = offset_us;
}
#else
enum { wall_offset_us = 0 };
#endif

static int64_t system_wall(void *self)
{
    (void)self;
    return read_us(CLOCK_REALTIME) + wall_offset_us;
}

static int64_t system_monotonic(void *self)
{
    (void)self;
    return read_us(CLOCK_MONOTONIC);
}

eh_clock eh_clock_system(void)
{
    return (eh_clock){system_wall, system_monotonic, NULL};
}

int64_t eh_backoff_ms(int64_t base_ms, int64_t cap_ms, unsigned attempt, uint64_t random)
{
    int64_t ceiling = base_ms;
    for (unsigned i = 0; i < attempt && ceiling < cap_ms; i++)
        if (__builtin_mul_overflow(ceiling, 2, &ceiling)) ceiling = cap_ms;
    if (ceiling > cap_ms) ceiling = cap_ms;
    if (ceiling <= 0) return 0;
    return (int64_t)(random % ((uint64_t)ceiling + 1));
}
