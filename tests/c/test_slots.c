/* test_slots.c: slots that processes share. flock belongs to an open file, so two eh_slots of
 * one process are to each other as two processes are. */
#include "io/slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static char what[64]; /* of this test only */

static eh_slots *open_slots(size_t most, const char *name)
{
    eh_err err = {.class_ = EH_OK};
    eh_slots *slots = eh_slots_new(what, most, name, &err);
    assert_string_equal(err.message, "");
    assert_non_null(slots);
    return slots;
}

static int setup(void **state)
{
    static int number;
    (void)state;
    (void)snprintf(what, sizeof what, "test_slots %ld %d", (long)getpid(), ++number);
    return 0;
}

static void test_all_or_none(void **state)
{
    (void)state;
    eh_slots *a = open_slots(4, "a"), *b = open_slots(4, "b");
    assert_true(eh_slots_take(a, 3, false));
    assert_false(eh_slots_take(b, 2, false));
    assert_true(eh_slots_take(b, 1, false)); /* it kept none of the two */
    assert_false(eh_slots_take(a, 1, false));
    eh_slots_give(a);
    assert_true(eh_slots_take(b, 1, false));
    eh_slots_free(a);
    assert_true(eh_slots_take(b, 2, false));
    eh_slots_free(b);
}

static void test_holders_are_named(void **state)
{
    (void)state;
    eh_slot_holder holder[EH_SLOTS_MAX];
    eh_slots *a = open_slots(4, "run one"), *b = open_slots(4, "run two");
    assert_int_equal(0, eh_slots_holders(a, holder));
    assert_true(eh_slots_take(a, 1, false) && eh_slots_take(b, 2, false));
    assert_int_equal(3, eh_slots_holders(a, holder));
    assert_string_equal("run one", holder[0].name);
    assert_string_equal("run two", holder[2].name);
    assert_int_equal(getpid(), holder[2].pid);
    assert_false(holder[2].stopped);
    eh_slots_free(a);
    assert_int_equal(2, eh_slots_holders(b, holder));
    eh_slots_free(b);
}

static void test_who_waits_comes_first(void **state)
{
    (void)state;
    eh_slots *a = open_slots(3, "a"), *b = open_slots(3, "b"), *c = open_slots(3, "c");
    assert_true(eh_slots_take(a, 2, true));
    assert_false(eh_slots_wanted(a));
    assert_false(eh_slots_take(b, 2, true)); /* now it waits */
    assert_true(eh_slots_wanted(a));
    assert_false(eh_slots_take(c, 1, false)); /* one is free, but not for newcomers */
    assert_false(eh_slots_take(a, 1, false));
    eh_slots_give(a);
    assert_false(eh_slots_take(c, 2, true));
    assert_true(eh_slots_take(b, 2, true));
    assert_false(eh_slots_wanted(a));
    eh_slots_free(a);
    assert_false(eh_slots_take(c, 2, true));
    eh_slots_free(b);
    assert_true(eh_slots_take(c, 2, true));
    eh_slots_free(c);
}

static void test_other_things_have_other_slots(void **state)
{
    (void)state;
    eh_slots *a = open_slots(2, "a");
    what[0] = 'T';
    eh_slots *b = open_slots(2, "b");
    assert_true(eh_slots_take(a, 2, false));
    assert_true(eh_slots_take(b, 2, false));
    eh_slots_free(a);
    eh_slots_free(b);
}

/* Takes both slots and, when asked, the queue, says so, and waits to be ended. */
static pid_t start_holder(bool waits)
{
    int ready[2];
    char byte;
    assert_int_equal(0, pipe(ready));
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        eh_slots *slots = eh_slots_new(what, 2, "child", NULL);
        bool ok = slots != NULL && eh_slots_take(slots, 2, false) &&
                  (!waits || !eh_slots_take(slots, 1, true));
        if (write(ready[1], ok ? "y" : "n", 1) != 1) _exit(1);
        for (;;) (void)pause();
    }
    assert_int_equal(1, read(ready[0], &byte, 1));
    assert_int_equal('y', byte);
    (void)close(ready[0]);
    (void)close(ready[1]);
    return pid;
}

static void test_the_dead_hold_nothing(void **state)
{
    (void)state;
    pid_t child = start_holder(true);
    eh_slots *mine = open_slots(2, "mine");
    eh_slot_holder holder[EH_SLOTS_MAX];
    assert_false(eh_slots_take(mine, 1, true));
    assert_int_equal(0, kill(child, SIGKILL));
    assert_int_equal(child, waitpid(child, NULL, 0));
    assert_int_equal(0, eh_slots_holders(mine, holder));
    assert_true(eh_slots_take(mine, 2, true));
    eh_slots_free(mine);
}

static void test_the_stopped_do_not_count(void **state)
{
    (void)state;
    pid_t child = start_holder(true);
    eh_slots *mine = open_slots(2, "mine");
    eh_slot_holder holder[EH_SLOTS_MAX];
    int status;
    assert_int_equal(0, kill(child, SIGSTOP));
    assert_int_equal(child, waitpid(child, &status, WUNTRACED));
    assert_int_equal(2, eh_slots_holders(mine, holder));
    assert_true(holder[0].stopped);
    assert_false(eh_slots_wanted(mine));
    assert_true(eh_slots_take(mine, 2, true));
    assert_false(eh_slots_take(mine, 1, false));
    assert_int_equal(0, kill(child, SIGKILL));
    assert_int_equal(child, waitpid(child, NULL, 0));
    eh_slots_free(mine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_all_or_none, setup),
        cmocka_unit_test_setup(test_holders_are_named, setup),
        cmocka_unit_test_setup(test_who_waits_comes_first, setup),
        cmocka_unit_test_setup(test_other_things_have_other_slots, setup),
        cmocka_unit_test_setup(test_the_dead_hold_nothing, setup),
        cmocka_unit_test_setup(test_the_stopped_do_not_count, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
