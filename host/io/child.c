/* io/child.c: see child.h. What is said down the channel and what the lines mean is not known
 * here. */
#include "io/child.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    QUEUE_MAX = 8 * 1024 * 1024,
    READ_BYTES = 64 * 1024,
    REAP_MS = 100, /* how often to look for the end of a child where there is no pidfd */
    CHANNELS = 3   /* what is polled for a child */
};

struct eh_child {
    pid_t pid;
    int command;    /* our end of descriptor 3; -1 once closed */
    int events;     /* our end of descriptor 4; -1 at its end */
    int end;        /* pidfd, readable once it has ended; -1 where the kernel has none */
    eh_buf queue;   /* to be written */
    eh_buf lines;   /* read and not taken yet */
    size_t taken;   /* bytes of `lines` that the last line given out occupied */
    size_t scanned; /* bytes of `lines` known to hold no newline */
    bool overflow;  /* a line was longer than allowed: the child is being killed */
    bool reaped;
    int status;
};

static void close_fd(int *fd)
{
    if (*fd >= 0) (void)close(*fd);
    *fd = -1;
}

/* ---- starting ------------------------------------------------------------------------------
 */

typedef struct plumbing {
    int command[2]; /* a socket pair: writing into a dead child must not raise SIGPIPE */
    int events[2];
    int failure[2]; /* closed by a successful exec; otherwise carries errno */
} plumbing;

static void plumbing_close(plumbing *p)
{
    for (int i = 0; i < 2; i++) {
        close_fd(&p->command[i]);
        close_fd(&p->events[i]);
        close_fd(&p->failure[i]);
    }
}

static bool plumbing_open(plumbing *p, eh_err *err)
{
    *p = (plumbing){{-1, -1}, {-1, -1}, {-1, -1}};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p->command) == 0 &&
        pipe2(p->events, O_CLOEXEC) == 0 && pipe2(p->failure, O_CLOEXEC) == 0)
        return true;
    int saved = errno;
    plumbing_close(p);
    return eh_fail_errno(err, EH_CLASS_LIMIT, saved, "cannot make the channel to an engine");
}

static void reset_signals(void)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    struct sigaction normal = {.sa_handler = SIG_DFL};
    (void)sigaction(SIGPIPE, &normal, NULL);
    (void)sigaction(SIGINT, &normal, NULL);
    (void)sigaction(SIGTERM, &normal, NULL);
}

/* In the child, between fork and exec: async-signal-safe calls only. Gives errno; *report is
 * where to write it. */
static int become(const eh_child_options *options, const plumbing *p, int *report)
{
    reset_signals();
    if (setpgid(0, 0) != 0) return errno;
    /* First out of the way of 3 and 4, then into place: dup2 clears close-on-exec. */
    int command = fcntl(p->command[1], F_DUPFD_CLOEXEC, 16);
    int events = fcntl(p->events[1], F_DUPFD_CLOEXEC, 16);
    int failure = fcntl(p->failure[1], F_DUPFD_CLOEXEC, 16);
    if (command < 0 || events < 0 || failure < 0) return errno;
    *report = failure;
    if (dup2(command, 3) < 0 || dup2(events, 4) < 0) return errno;
    /* Lua's own files are not close-on-exec. 5 carries errno to the parent. */
    if (dup3(failure, 5, O_CLOEXEC) < 0) return errno;
    *report = 5;
    (void)close_range(6, ~0U, 0);
    if (!options->inherit_input) {
        int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (nothing < 0 || dup2(nothing, 0) < 0) return errno;
    }
    (void)execve(options->path, options->argv, options->envp);
    return errno;
}

static _Noreturn void run_child(const eh_child_options *options, const plumbing *p)
{
    int report = p->failure[1];
    int error_number = become(options, p, &report);
    (void)!write(report, &error_number, sizeof error_number);
    _exit(127);
}

/* Waits until exec has happened or failed; gives its errno. */
static int exec_result(int fd)
{
    int error_number = 0;
    ssize_t n;
    do n = read(fd, &error_number, sizeof error_number);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof error_number ? error_number : 0;
}

static bool set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static bool start(eh_child *child, const eh_child_options *options, plumbing *p, eh_err *err)
{
    pid_t pid = fork();
    if (pid < 0) return eh_fail_errno(err, EH_CLASS_LIMIT, errno, "cannot start a process");
    if (pid == 0) run_child(options, p);
    child->pid = pid;
    child->end = pidfd_open(pid, 0);
    (void)setpgid(pid, pid); /* here too: whichever of the two comes first */
    close_fd(&p->command[1]);
    close_fd(&p->events[1]);
    close_fd(&p->failure[1]);
    int error_number = exec_result(p->failure[0]);
    if (error_number != 0)
        return eh_fail_errno(err, EH_CLASS_CONFIG, error_number, "cannot start %s",
                             options->path);
    child->command = p->command[0];
    child->events = p->events[0];
    p->command[0] = p->events[0] = -1;
    if (!set_nonblocking(child->command) || !set_nonblocking(child->events))
        return eh_fail_errno(err, EH_CLASS_BUG, errno, "cannot set up the channel");
    return true;
}

eh_child *eh_child_spawn(const eh_child_options *options, eh_err *err)
{
    eh_child *child = calloc(1, sizeof *child);
    if (child == NULL) {
        eh_fail_memory(err, "a child process");
        return NULL;
    }
    child->command = child->events = child->end = -1;
    eh_buf_init(&child->queue, QUEUE_MAX);
    eh_buf_init(&child->lines, EH_CHILD_LINE_MAX + READ_BYTES);
    plumbing p;
    bool ok = plumbing_open(&p, err) && start(child, options, &p, err);
    plumbing_close(&p);
    if (ok) return child;
    eh_child_free(child);
    return NULL;
}

/* ---- ending --------------------------------------------------------------------------------
 */

void eh_child_kill(const eh_child *child, int signal_number)
{
    if (child->pid > 0 && !child->reaped) (void)kill(-child->pid, signal_number);
}

static void reap(eh_child *child, int flags)
{
    if (child->reaped || child->pid <= 0) return;
    pid_t got;
    do got = waitpid(child->pid, &child->status, flags);
    while (got < 0 && errno == EINTR);
    if (got == 0) return;
    child->reaped = true; /* ECHILD as well: nothing is left to wait for */
    close_fd(&child->end);
}

void eh_child_free(eh_child *child)
{
    if (child == NULL) return;
    eh_child_kill(child, SIGKILL);
    reap(child, 0);
    close_fd(&child->command);
    close_fd(&child->events);
    close_fd(&child->end);
    eh_buf_free(&child->queue);
    eh_buf_free(&child->lines);
    free(child);
}

eh_child_state eh_child_status(const eh_child *child, int *value)
{
    if (!child->reaped || child->events >= 0) return EH_CHILD_RUNNING;
    if (WIFSIGNALED(child->status)) {
        *value = WTERMSIG(child->status);
        return EH_CHILD_KILLED;
    }
    *value = WEXITSTATUS(child->status);
    return EH_CHILD_EXITED;
}

int64_t eh_child_pid(const eh_child *child)
{
    return child->pid;
}

/* ---- talking -------------------------------------------------------------------------------
 */

bool eh_child_send(eh_child *child, eh_slice bytes, eh_err *err)
{
    if (child->command < 0)
        return eh_fail(err, EH_CLASS_BUG, "the engine has closed its command channel");
    return eh_buf_append(&child->queue, bytes.data, bytes.len, err);
}

void eh_child_hang_up(eh_child *child)
{
    close_fd(&child->command);
    eh_buf_consume(&child->queue, child->queue.len);
}

static void write_queue(eh_child *child)
{
    while (child->queue.len > 0) {
        ssize_t n = send(child->command, child->queue.data, child->queue.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            /* A child that is gone says so by its exit status; what was for it is dropped. */
            if (errno != EAGAIN) close_fd(&child->command);
            return;
        }
        eh_buf_consume(&child->queue, (size_t)n);
    }
}

/* The line that was given out last goes now. */
static void drop_taken(eh_child *child)
{
    if (child->taken == 0) return;
    eh_buf_consume(&child->lines, child->taken);
    child->taken = 0;
    child->scanned = 0;
}

static void read_lines(eh_child *child)
{
    drop_taken(child);
    for (;;) {
        if (child->lines.len >= EH_CHILD_LINE_MAX && !child->overflow) {
            /* Lines wait to be taken: go on once they were. One line that long is a broken
             * child. */
            if (memchr(child->lines.data, '\n', child->lines.len) != NULL) return;
            child->overflow = true;
            eh_child_kill(child, SIGKILL);
        }
        if (child->overflow) child->lines.len = 0;
        if (!eh_buf_reserve(&child->lines, READ_BYTES, NULL)) return;
        ssize_t n = read(child->events, child->lines.data + child->lines.len, READ_BYTES);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            close_fd(&child->events);
            return;
        }
        child->lines.len += (size_t)n;
    }
}

bool eh_child_next_line(eh_child *child, eh_slice *line)
{
    drop_taken(child);
    eh_buf *lines = &child->lines;
    if (lines->len == 0) return false;
    const char *from = lines->data + child->scanned;
    const char *newline = memchr(from, '\n', lines->len - child->scanned);
    if (newline == NULL && child->events >= 0) {
        child->scanned = lines->len;
        return false;
    }
    size_t length = newline != NULL ? (size_t)(newline - lines->data) : lines->len;
    *line = eh_slice_of(lines->data, length);
    child->taken = newline != NULL ? length + 1 : length;
    return true;
}

static bool has_line(const eh_child *child)
{
    size_t from = child->taken > child->scanned ? child->taken : child->scanned;
    if (child->lines.len <= from) return false;
    return child->events < 0 ||
           memchr(child->lines.data + from, '\n', child->lines.len - from) != NULL;
}

/* ---- waiting -------------------------------------------------------------------------------
 */

static size_t add_child(struct pollfd *fds, const eh_child *child)
{
    fds[0] = (struct pollfd){child->queue.len > 0 ? child->command : -1, POLLOUT, 0};
    fds[1] = (struct pollfd){child->events, POLLIN, 0};
    fds[2] = (struct pollfd){child->end, POLLIN, 0};
    return CHANNELS;
}

static void serve(eh_child *child, const struct pollfd *fds)
{
    if (fds[0].revents != 0) write_queue(child);
    if (fds[1].revents != 0) read_lines(child);
    reap(child, WNOHANG);
}

/* Is there something to look at already? Then do not wait. */
static bool is_ready(eh_child *child)
{
    int value;
    reap(child, WNOHANG);
    return has_line(child) || eh_child_status(child, &value) != EH_CHILD_RUNNING;
}

static int shorter(int timeout_ms, int limit_ms)
{
    return timeout_ms < 0 || timeout_ms > limit_ms ? limit_ms : timeout_ms;
}

bool eh_child_wait(eh_child *const *children, size_t count, int extra_fd, int timeout_ms,
                   eh_err *err)
{
    struct pollfd *fds = calloc(count * CHANNELS + 1, sizeof *fds);
    if (fds == NULL) return eh_fail_memory(err, "waiting for an engine");
    size_t used = 0;
    fds[used++] = (struct pollfd){extra_fd, POLLIN, 0};
    for (size_t i = 0; i < count; i++) {
        if (is_ready(children[i])) timeout_ms = 0;
        /* Its lines have ended and it has not: without a pidfd only asking again tells. */
        if (children[i]->events < 0 && children[i]->end < 0)
            timeout_ms = shorter(timeout_ms, REAP_MS);
        used += add_child(fds + used, children[i]);
    }
    bool ok = true;
    if (poll(fds, (nfds_t)used, timeout_ms) >= 0) {
        for (size_t i = 0; i < count; i++) serve(children[i], fds + 1 + i * CHANNELS);
    } else if (errno != EINTR) {
        ok = eh_fail_errno(err, EH_CLASS_BUG, errno, "cannot wait for an engine");
    }
    free(fds);
    return ok;
}

int64_t eh_process_started(int64_t pid)
{
    char path[64];
    char text[1024];
    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    /* Not fopen: without memory a process that lives would not be found. */
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0) (void)close(fd);
    if (n <= 0) return 0;
    text[n] = '\0';
    /* The name (field 2) may hold blanks and parentheses: count from its last one. */
    const char *p = strrchr(text, ')');
    for (int field = 2; p != NULL && field < 22; field++) {
        p = strchr(p, ' ');
        if (p != NULL) p++;
    }
    return p != NULL ? strtoll(p, NULL, 10) : 0;
}
