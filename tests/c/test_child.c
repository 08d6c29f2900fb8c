/* Tests of io/child.h: what a child gets, what is heard of it, and that its end is noticed. */
#include "io/child.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static eh_child *shell(const char *script)
{
    char *copy = strdup(script);
    assert_non_null(copy);
    char name[] = "sh", option[] = "-c", variable[] = "ONLY=this";
    char *argv[] = {name, option, copy, NULL};
    char *envp[] = {variable, NULL};
    eh_child_options options = {"/bin/sh", argv, envp, false};
    eh_err err = {.class_ = EH_OK};
    eh_child *child = eh_child_spawn(&options, &err);
    free(copy);
    if (child == NULL) fail_msg("%s", err.message);
    return child;
}

static void wait_once(eh_child *child)
{
    eh_err err = {.class_ = EH_OK};
    assert_true(eh_child_wait(&child, 1, -1, 10000, &err));
}

/* Waits for the end; what it says meanwhile is joined with commas. */
static eh_child_state finish(eh_child *child, int *value, char *said, size_t size)
{
    size_t used = 0;
    said[0] = '\0';
    for (;;) {
        eh_slice line;
        while (eh_child_next_line(child, &line) && used < size)
            used += (size_t)snprintf(said + used, size - used, "%.*s,", EH_SLICE_FMT(line));
        eh_child_state state = eh_child_status(child, value);
        if (state != EH_CHILD_RUNNING) return state;
        wait_once(child);
    }
}

static void lines_come_whole_and_the_last_one_without_its_newline(void **state)
{
    (void)state;
    eh_child *child = shell("printf 'a\\nb' >&4; printf 'c\\nd' >&4; exit 7");
    char said[64];
    int value;
    assert_int_equal(finish(child, &value, said, sizeof said), EH_CHILD_EXITED);
    assert_int_equal(value, 7);
    assert_string_equal(said, "a,bc,d,");
    eh_child_free(child);
}

static void the_environment_and_the_descriptors_are_those_given(void **state)
{
    (void)state;
    FILE *ours = fopen("/dev/null", "r"); /* not close-on-exec, as Lua's files are */
    assert_non_null(ours);
    /* The shell's own listing of descriptors needs one more while it reads the folder. */
    eh_child *child =
        shell("echo $ONLY $HOME >&4; for d in /proc/self/fd/*; do "
              "n=${d##*/}; [ $n -gt 4 ] && [ -e /proc/$$/fd/$n ] && echo $n >&4; done;"
              "read x && echo input >&4; exit 0");
    char said[128];
    int value;
    assert_int_equal(finish(child, &value, said, sizeof said), EH_CHILD_EXITED);
    assert_string_equal(said, "this,");
    (void)fclose(ours);
    eh_child_free(child);
}

static void what_is_sent_arrives_although_it_is_more_than_a_pipe_holds(void **state)
{
    (void)state;
    size_t size = (size_t)2 * 1024 * 1024;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, 'x', size);
    eh_child *child = shell("head -c 2097152 <&3 | wc -c >&4");
    eh_err err = {.class_ = EH_OK};
    assert_true(eh_child_send(child, eh_slice_of(text, size), &err));
    char said[64];
    int value;
    assert_int_equal(finish(child, &value, said, sizeof said), EH_CHILD_EXITED);
    assert_string_equal(said, "2097152,");
    free(text);
    eh_child_free(child);
}

static void hanging_up_is_the_end_of_its_commands(void **state)
{
    (void)state;
    eh_child *child = shell("cat <&3 >/dev/null; echo end >&4");
    eh_child_hang_up(child);
    char said[64];
    int value;
    assert_int_equal(finish(child, &value, said, sizeof said), EH_CHILD_EXITED);
    assert_string_equal(said, "end,");
    eh_child_free(child);
}

static void sending_to_a_dead_child_raises_no_signal(void **state)
{
    (void)state;
    eh_child *child = shell("exit 0");
    char said[8];
    int value;
    assert_int_equal(finish(child, &value, said, sizeof said), EH_CHILD_EXITED);
    eh_err err = {.class_ = EH_OK};
    if (eh_child_send(child, eh_slice_str("hello"), &err)) wait_once(child);
    eh_child_free(child);
}

static void killing_it_kills_what_it_has_started(void **state)
{
    (void)state;
    /* Both hold descriptor 4: its end means that both are gone. */
    eh_child *child = shell("sleep 1000 & echo $! >&4; wait");
    eh_slice line;
    while (!eh_child_next_line(child, &line)) wait_once(child);
    pid_t grandchild = (pid_t)strtol(line.data, NULL, 10);
    assert_true(grandchild > 0);
    eh_child_kill(child, SIGKILL);
    char said[8];
    int value;
    assert_int_equal(finish(child, &value, said, sizeof said), EH_CHILD_KILLED);
    assert_int_equal(value, SIGKILL);
    eh_child_free(child);
}

static void a_line_without_end_is_not_kept_for_ever(void **state)
{
    (void)state;
    eh_child *child = shell("cat /dev/zero >&4");
    char said[8];
    int value;
    assert_int_equal(finish(child, &value, said, sizeof said), EH_CHILD_KILLED);
    eh_child_free(child);
}

static void a_program_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    char name[] = "x";
    char *argv[] = {name, NULL};
    char *envp[] = {NULL};
    eh_child_options options = {"/nowhere/x", argv, envp, false};
    eh_err err = {.class_ = EH_OK};
    assert_null(eh_child_spawn(&options, &err));
    assert_int_equal(err.class_, EH_CLASS_NOT_FOUND);
    assert_int_equal(err.code, ENOENT);
}

static void a_process_is_known_by_its_start(void **state)
{
    (void)state;
    int64_t mine = eh_process_started(getpid());
    assert_true(mine > 0);
    assert_int_equal(eh_process_started(getpid()), mine);
    assert_int_equal(eh_process_started(INT32_MAX), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_whole_and_the_last_one_without_its_newline),
        cmocka_unit_test(the_environment_and_the_descriptors_are_those_given),
        cmocka_unit_test(what_is_sent_arrives_although_it_is_more_than_a_pipe_holds),
        cmocka_unit_test(hanging_up_is_the_end_of_its_commands),
        cmocka_unit_test(sending_to_a_dead_child_raises_no_signal),
        cmocka_unit_test(killing_it_kills_what_it_has_started),
        cmocka_unit_test(a_line_without_end_is_not_kept_for_ever),
        cmocka_unit_test(a_program_that_is_not_there_is_an_error),
        cmocka_unit_test(a_process_is_known_by_its_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
