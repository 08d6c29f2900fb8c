/* The loop: readiness, timers, and removal from inside a callback. */
#include "io/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

static int64_t fake_now_us;

static int64_t fake_time(void *self)
{
    (void)self;
    return fake_now_us;
}

typedef struct probe {
    eh_loop *loop;
    eh_watch *watch;
    eh_watch *other;
    int calls;
    int events;
    char *trace;
    char letter;
} probe;

static eh_loop *new_loop(void)
{
    eh_err err = {.class_ = EH_OK};
    eh_clock clock = {fake_time, fake_time, NULL};
    eh_loop *loop = eh_loop_new(&clock, &err);
    assert_non_null(loop);
    return loop;
}

static void turn(eh_loop *loop)
{
    eh_err err = {.class_ = EH_OK};
    assert_true(eh_loop_turn(loop, 0, &err));
}

static void count_events(void *self, int events)
{
    probe *p = self;
    p->calls++;
    p->events = events;
}

static void readiness_is_reported(void **state)
{
    (void)state;
    eh_loop *loop = new_loop();
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    probe p = {.loop = loop};
    eh_watch *w = eh_loop_watch(loop, ends[0], EH_READABLE, count_events, &p);
    turn(loop);
    assert_int_equal(p.calls, 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    turn(loop);
    assert_int_equal(p.calls, 1);
    assert_int_equal(p.events, EH_READABLE);
    eh_watch_events(w, EH_READABLE | EH_WRITABLE);
    turn(loop);
    assert_int_equal(p.events, EH_READABLE | EH_WRITABLE);
    eh_watch_events(w, 0);
    turn(loop);
    assert_int_equal(p.calls, 2);
    /* The other end goes: both, even for one who only writes. */
    close(ends[1]);
    eh_watch_events(w, EH_WRITABLE);
    turn(loop);
    assert_int_equal(p.events, EH_READABLE | EH_WRITABLE);
    eh_watch_remove(w);
    turn(loop);
    assert_int_equal(p.calls, 3);
    close(ends[0]);
    eh_loop_free(loop);
}

static void remove_both(void *self, int events)
{
    probe *p = self;
    (void)events;
    p->calls++;
    eh_watch_remove(p->watch);
    eh_watch_remove(p->other);
}

static void removal_inside_a_callback(void **state)
{
    (void)state;
    eh_loop *loop = new_loop();
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    probe p = {.loop = loop};
    p.watch = eh_loop_watch(loop, ends[0], EH_WRITABLE, remove_both, &p);
    p.other = eh_loop_watch(loop, ends[1], EH_WRITABLE, remove_both, &p);
    turn(loop);
    turn(loop);
    assert_int_equal(p.calls, 1);
    close(ends[0]);
    close(ends[1]);
    eh_loop_free(loop);
}

static void leave_a_mark(void *self)
{
    probe *p = self;
    *p->trace = p->letter;
    p->calls++;
}

static void again(void *self)
{
    probe *p = self;
    p->calls++;
    assert_non_null(eh_loop_timer(p->loop, 0, again, p));
}

static void timers_fire_once_when_due(void **state)
{
    (void)state;
    eh_loop *loop = new_loop();
    char trace = '-';
    probe a = {.trace = &trace, .letter = 'a'}, b = {.trace = &trace, .letter = 'b'};
    assert_non_null(eh_loop_timer(loop, 2000, leave_a_mark, &a));
    eh_watch *late = eh_loop_timer(loop, 1000, leave_a_mark, &b);
    fake_now_us += 999;
    turn(loop);
    assert_int_equal(trace, '-');
    fake_now_us += 1;
    turn(loop);
    assert_int_equal(trace, 'b');
    fake_now_us += 5000;
    turn(loop);
    turn(loop);
    assert_int_equal(trace, 'a');
    assert_int_equal(a.calls, 1);
    assert_int_equal(b.calls, 1);
    late = eh_loop_timer(loop, 10, leave_a_mark, &b);
    eh_watch_remove(late);
    fake_now_us += 50;
    turn(loop);
    assert_int_equal(b.calls, 1);
    eh_loop_free(loop);
}

static void a_timer_that_rearms_ends_the_turn(void **state)
{
    (void)state;
    eh_loop *loop = new_loop();
    probe p = {.loop = loop};
    assert_non_null(eh_loop_timer(loop, 0, again, &p));
    turn(loop);
    assert_int_equal(p.calls, 1);
    turn(loop);
    assert_int_equal(p.calls, 2);
    eh_loop_free(loop);
}

static void add_many(void *self, int events)
{
    probe *p = self;
    (void)events;
    p->calls++;
    for (int i = 0; i < 100; i++)
        assert_non_null(eh_loop_timer(p->loop, 1000000, leave_a_mark, p));
    eh_watch_remove(p->watch);
}

static void watches_added_inside_a_callback(void **state)
{
    (void)state;
    eh_loop *loop = new_loop();
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    probe p = {.loop = loop}, q = {.loop = loop};
    p.watch = eh_loop_watch(loop, ends[0], EH_WRITABLE, add_many, &p);
    eh_watch *w = eh_loop_watch(loop, ends[1], EH_WRITABLE, count_events, &q);
    turn(loop);
    assert_int_equal(p.calls, 1);
    assert_int_equal(q.calls, 1);
    eh_watch_remove(w);
    close(ends[0]);
    close(ends[1]);
    eh_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readiness_is_reported),
        cmocka_unit_test(removal_inside_a_callback),
        cmocka_unit_test(timers_fire_once_when_due),
        cmocka_unit_test(a_timer_that_rearms_ends_the_turn),
        cmocka_unit_test(watches_added_inside_a_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
