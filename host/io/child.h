/* io/child.h: a child process that is commanded down descriptor 3 and reports lines up
 * descriptor 4.
 *
 * The supervisor's side of the channel to an engine (docs/reference/messages.md): bytes are
 * queued and written as the child takes them, lines come back one by one. The child leads a
 * process group of its own, so that a terminal's Ctrl-C reaches the supervisor only, and ending
 * the group ends what the child has started too. Floor 2. */
#ifndef EH_IO_CHILD_H
#define EH_IO_CHILD_H

#include "base/err.h"
#include "base/slice.h"

#include <stddef.h>
#include <stdint.h>

enum { EH_CHILD_LINE_MAX = 4 * 1024 * 1024 };

typedef struct eh_child eh_child;

typedef struct eh_child_options {
    const char *path;   /* the program */
    char *const *argv;  /* NULL-terminated */
    char *const *envp;  /* NULL-terminated; the whole environment of the child */
    bool inherit_input; /* descriptor 0 is ours; otherwise it reads /dev/null */
} eh_child_options;

/* Starts the program. NULL on failure, a program that cannot be executed included. */
eh_child *eh_child_spawn(const eh_child_options *options, eh_err *err);

/* Kills the group if the child still runs, reaps it, closes. NULL is fine. */
void eh_child_free(eh_child *child);

/* Queues bytes for the child; they are copied. Written by eh_child_wait. */
bool eh_child_send(eh_child *child, eh_slice bytes, eh_err *err) EH_MUST_USE;

/* Closes the command channel: the child meets its end. What is still queued is dropped. */
void eh_child_hang_up(eh_child *child);

/* Waits at most timeout_ms (-1: no limit) until a child has a line, has ended, or until
 * `extra_fd`
 * (-1: none) is readable; writes what is queued meanwhile. A signal ends the wait, no error. */
bool eh_child_wait(eh_child *const *children, size_t count, int extra_fd, int timeout_ms,
                   eh_err *err) EH_MUST_USE;

/* Takes the next whole line, without its newline; valid until the next call on this child.
 * After the child's end an unfinished last line is given too. False when there is none now. */
bool eh_child_next_line(eh_child *child, eh_slice *line);

typedef enum eh_child_state {
    EH_CHILD_RUNNING,
    EH_CHILD_EXITED, /* value: the exit status */
    EH_CHILD_KILLED  /* value: the signal */
} eh_child_state;

/* The child has ended and all its lines are in once this is not EH_CHILD_RUNNING. */
eh_child_state eh_child_status(const eh_child *child, int *value);

/* Sends a signal to the child's whole group. Nothing happens once it was reaped. */
void eh_child_kill(const eh_child *child, int signal_number);

int64_t eh_child_pid(const eh_child *child);

/* The start time of a process in clock ticks since boot (proc(5), stat field 22), which
 * together with the number names a process for good; 0 when there is no such process. */
int64_t eh_process_started(int64_t pid);

#endif
