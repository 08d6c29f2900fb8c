/* io/command.c: see command.h. */
#include "io/command.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMPLAINT_MAX ((size_t)4096)
#define SHOWN_MAX     400
#define CHUNK         4096

enum { OUTPUT, COMPLAINT, REASON, PIPES };

typedef struct running {
    const eh_command *command;
    pid_t pid;
    int fds[PIPES]; /* to read from; -1: ended */
    eh_buf *bufs[PIPES];
    bool too_much;
    bool no_memory;
} running;

/* Runs in the child between fork and exec: only async-signal-safe calls. What went wrong is
 * told by the third pipe, which exec closes. */
static void become(const eh_command *command, int pipes[PIPES][2])
{
    int in = open("/dev/null", O_RDONLY);
    if (in >= 0 && dup2(in, STDIN_FILENO) >= 0 && dup2(pipes[OUTPUT][1], STDOUT_FILENO) >= 0 &&
        dup2(pipes[COMPLAINT][1], STDERR_FILENO) >= 0)
        (void)execvp(command->argv[0], command->argv);
    int reason = errno;
    ssize_t ignored = write(pipes[REASON][1], &reason, sizeof reason);
    (void)ignored;
    _exit(127);
}

static void close_pair(int pair[2])
{
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0) (void)close(pair[i]);
}

static bool start(running *r, eh_err *err)
{
    int pipes[PIPES][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    bool ok = true;
    for (int i = 0; i < PIPES && ok; i++) ok = pipe2(pipes[i], O_CLOEXEC) == 0;
    r->pid = ok ? fork() : -1;
    if (r->pid == 0) become(r->command, pipes);
    if (r->pid < 0) {
        eh_fail_errno(err, EH_CLASS_LIMIT, errno, "cannot start the command \"%s\"",
                      r->command->argv[0]);
        for (int i = 0; i < PIPES; i++) close_pair(pipes[i]);
        return false;
    }
    for (int i = 0; i < PIPES; i++) {
        (void)close(pipes[i][1]);
        r->fds[i] = pipes[i][0];
        (void)fcntl(r->fds[i], F_SETFL, O_NONBLOCK);
    }
    return true;
}

static void take(running *r, int i)
{
    for (;;) {
        char chunk[CHUNK];
        ssize_t n = read(r->fds[i], chunk, sizeof chunk);
        if (n > 0) {
            bool kept = eh_buf_append(r->bufs[i], chunk, (size_t)n, NULL);
            explicit_bzero(chunk, sizeof chunk);
            if (!kept && r->bufs[i]->max - r->bufs[i]->len >= (size_t)n) r->no_memory = true;
            if (!kept && i == OUTPUT) r->too_much = true;
            continue;
        }
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        (void)close(r->fds[i]);
        r->fds[i] = -1;
        return;
    }
}

/* Until the program has ended: something that it left running may hold its output open. False
 * when the time is up. */
static bool wait_for_end(running *r)
{
    eh_clock clock = eh_clock_system();
    int64_t until = eh_clock_monotonic(&clock) + r->command->timeout_ms * 1000;
    int process = (int)syscall(SYS_pidfd_open, r->pid, 0);
    bool ended = false;
    while (!ended && !r->too_much) {
        int64_t left_ms = (until - eh_clock_monotonic(&clock)) / 1000;
        if (left_ms <= 0) break;
        struct pollfd fds[PIPES + 1];
        for (int i = 0; i < PIPES; i++)
            fds[i] = (struct pollfd){.fd = r->fds[i], .events = POLLIN};
        fds[PIPES] = (struct pollfd){.fd = process, .events = POLLIN};
        if (poll(fds, PIPES + 1, (int)(left_ms < 60000 ? left_ms : 60000)) < 0) continue;
        for (int i = 0; i < PIPES; i++)
            if (r->fds[i] >= 0 && fds[i].revents != 0) take(r, i);
        ended = fds[PIPES].revents != 0;
    }
    for (int i = 0; i < PIPES; i++)
        if (ended && r->fds[i] >= 0) take(r, i);
    if (process >= 0) (void)close(process);
    return ended;
}

/* Its first words on one line. */
static void show_complaint(const eh_buf *complaint, char *shown)
{
    size_t len = 0;
    for (size_t i = 0; i < complaint->len && len < SHOWN_MAX; i++) {
        char c = complaint->data[i];
        bool blank = (unsigned char)c <= ' ';
        if (blank && (len == 0 || shown[len - 1] == ' ')) continue;
        shown[len++] = blank ? ' ' : c;
    }
    while (len > 0 && shown[len - 1] == ' ') len--;
    shown[len] = '\0';
}

static bool judge(const running *r, bool in_time, int status, eh_err *err)
{
    const char *name = r->command->argv[0];
    int reason = 0;
    if (r->no_memory) return eh_fail_memory(err, "what a command prints");
    if (r->bufs[REASON]->len == sizeof reason) {
        memcpy(&reason, r->bufs[REASON]->data, sizeof reason);
        eh_fail(err, EH_CLASS_CONFIG, "the command \"%s\" cannot be run: %s", name,
                strerrordesc_np(reason));
        return eh_err_hint(err, reason == ENOENT ? "it is looked for in PATH"
                                                 : "may it be executed by this user?");
    }
    if (r->too_much)
        return eh_fail(err, EH_CLASS_CONFIG, "the command \"%s\" prints more than a secret",
                       name);
    if (!in_time)
        return eh_fail(err, EH_CLASS_TRANSIENT, "the command \"%s\" did not end within %lld s",
                       name, (long long)(r->command->timeout_ms / 1000));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    char shown[SHOWN_MAX + 1];
    show_complaint(r->bufs[COMPLAINT], shown);
    const char *before = shown[0] != '\0' ? ": " : "";
    if (WIFSIGNALED(status))
        return eh_fail(err, EH_CLASS_CONFIG, "the command \"%s\" was ended by signal %d%s%s",
                       name, WTERMSIG(status), before, shown);
    return eh_fail(err, EH_CLASS_CONFIG, "the command \"%s\" failed (exit status %d)%s%s", name,
                   WEXITSTATUS(status), before, shown);
}

bool eh_command_run(const eh_command *command, eh_buf *out, eh_err *err)
{
    eh_buf complaint, reason;
    eh_buf_init(&complaint, COMPLAINT_MAX);
    eh_buf_init(&reason, sizeof(int));
    running r = {.command = command, .bufs = {out, &complaint, &reason}};
    bool ok = start(&r, err);
    if (ok) {
        bool in_time = wait_for_end(&r);
        int status = 0;
        if (!in_time) (void)kill(r.pid, SIGKILL);
        pid_t reaped;
        do reaped = waitpid(r.pid, &status, 0);
        while (reaped < 0 && errno == EINTR);
        for (int i = 0; i < PIPES; i++)
            if (r.fds[i] >= 0) (void)close(r.fds[i]);
        ok = judge(&r, in_time, status, err);
    }
    eh_buf_free(&complaint);
    eh_buf_free(&reason);
    return ok;
}
