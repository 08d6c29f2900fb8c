/* engine/jail_link.c: see jail_link.h. */
#include "engine/jail_link.h"

#include "base/fault.h"
#include "engine/modules.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define IN_MAX      ((size_t)8 * 1024 * 1024)
#define OUT_MAX     ((size_t)16 * 1024 * 1024)
#define FRAME_ARENA ((size_t)64 * 1024 * 1024)
/* Frames that wait while their task's turn has not come; past that the socket is not read. A
 * jail runs 64 tasks at once, each with one CALL out. */
#define QUEUE_MAX   128
#define WAIT_MS     50 /* so that the deadline is looked at */
#define LOG_MAX     10000
#define LOG_BYTES   8192
#define MODULES_MAX 10000
#define SILENT_MAX  10   /* times the deadline: a jail that does not even compute */
#define DEATH_MS    1000 /* between closing the socket and the end of the process */
#define CHILD_FD    3

typedef struct queued {
    eh_frame frame;
    eh_arena *arena;
} queued;

struct eh_jail_link {
    eh_run *run;
    pid_t pid;
    bool reaped;
    int status;
    int fd;
    eh_watch *watch;
    eh_window window;
    eh_buf in;
    eh_buf out;
    bool ended; /* the jail closed its end */
    queued queue[QUEUE_MAX];
    size_t queue_count;
    eh_arena *current;   /* of the frame handed out last */
    eh_err broken;       /* protocol error seen in a callback */
    int64_t deadline_ms; /* processor time */
    int64_t busy_us;     /* the jail's processor time when it was last heard; -1: not yet */
    int64_t silent_us;   /* monotonic; since when nothing was heard */
    size_t logs;
    size_t modules;
};

/* ---- starting and ending --------------------------------------------------------------------
 */

/* The jail's environment is empty, but for the fault that a test build may be told to have. */
static void fill_environment(char *environment[4])
{
    size_t count = 0;
#ifdef EH_FAULTS
    for (char **e = environ; *e != NULL && count < 3; e++)
        if (strncmp(*e, "ETLHOST_FAULT", 13) == 0) environment[count++] = *e;
#endif
    environment[count] = NULL;
}

/* Runs in the child between fork and exec: only async-signal-safe calls. */
static void become_jail(int socket_fd, int window_fd, const char *sandbox)
{
    /* Both go above the targets first, so that neither dup2 overwrites the other. */
    int s = fcntl(socket_fd, F_DUPFD, 10), w = fcntl(window_fd, F_DUPFD, 10);
    if (s < 0 || w < 0 || dup2(s, CHILD_FD) < 0 || dup2(w, CHILD_FD + 1) < 0) _exit(126);
    (void)close(s);
    (void)close(w);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    char role[] = "--jail", name[] = "etlhost", mode[8] = "strict";
    if (sandbox[0] == 'w') memcpy(mode, "weak", 5);
    char *const argv[] = {name, role, mode, NULL};
    char *environment[4];
    fill_environment(environment);
    (void)execve("/proc/self/exe", argv, environment);
    _exit(127);
}

static bool spawn(eh_jail_link *jail, const char *sandbox, eh_err *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return eh_fail_errno(err, EH_CLASS_LIMIT, errno, "cannot make a socket for the jail");
    jail->pid = fork();
    if (jail->pid == 0) become_jail(pair[1], jail->window.fd, sandbox);
    int reason = errno;
    (void)close(pair[1]);
    jail->fd = pair[0];
    if (jail->pid < 0)
        return eh_fail_errno(err, EH_CLASS_LIMIT, reason, "cannot start the jail");
    if (fcntl(jail->fd, F_SETFL, O_NONBLOCK) != 0)
        return eh_fail_errno(err, EH_CLASS_BUG, errno, "cannot use the jail's socket");
    return true;
}

static void on_socket(void *self, int events);

eh_jail_link *eh_jail_start(eh_run *run, const char *sandbox, int64_t deadline_ms, eh_err *err)
{
    eh_jail_link *jail = calloc(1, sizeof *jail);
    if (jail == NULL) {
        eh_fail_memory(err, "the jail");
        return NULL;
    }
    *jail = (eh_jail_link){.run = run, .fd = -1, .pid = -1, .window = {.fd = -1}};
    jail->deadline_ms = deadline_ms;
    jail->busy_us = -1;
    eh_buf_init(&jail->in, IN_MAX);
    eh_buf_init(&jail->out, OUT_MAX);
    bool ok =
        eh_window_create(&jail->window, EH_WINDOW_BYTES, err) && spawn(jail, sandbox, err);
    if (ok) {
        EH_FAULT("jail.started");
        jail->watch = eh_loop_watch(run->loop, jail->fd, EH_READABLE, on_socket, jail);
        ok = jail->watch != NULL || eh_fail_memory(err, "the jail");
    }
    if (ok) return jail;
    eh_jail_free(jail);
    return NULL;
}

static void reap(eh_jail_link *jail)
{
    if (jail->pid <= 0 || jail->reaped) return;
    pid_t pid;
    do pid = waitpid(jail->pid, &jail->status, 0);
    while (pid < 0 && errno == EINTR);
    jail->reaped = true;
}

void eh_jail_free(eh_jail_link *jail)
{
    if (jail == NULL) return;
    eh_watch_remove(jail->watch);
    if (jail->fd >= 0) (void)close(jail->fd);
    if (jail->pid > 0 && !jail->reaped) (void)kill(jail->pid, SIGKILL);
    reap(jail);
    for (size_t i = 0; i < jail->queue_count; i++) eh_arena_free(jail->queue[i].arena);
    eh_arena_free(jail->current);
    eh_window_close(&jail->window);
    eh_buf_free(&jail->in);
    eh_buf_free(&jail->out);
    free(jail);
}

const eh_window *eh_jail_window(const eh_jail_link *jail)
{
    return &jail->window;
}

/* ---- sending
 * ---------------------------------------------------------------------------------- */

static void flush(eh_jail_link *jail)
{
    while (jail->out.len > 0) {
        ssize_t n = send(jail->fd, jail->out.data, jail->out.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break; /* full, or gone: then reading sees the end */
        eh_buf_consume(&jail->out, (size_t)n);
    }
    int events = jail->queue_count < QUEUE_MAX ? EH_READABLE : 0;
    if (jail->watch != NULL)
        eh_watch_events(jail->watch, events | (jail->out.len > 0 ? EH_WRITABLE : 0));
}

bool eh_jail_send(eh_jail_link *jail, uint16_t type, uint32_t task, const eh_doc *body,
                  eh_err *err)
{
    if (!eh_frame_write(&jail->out, type, task, body, err)) return false;
    flush(jail);
    return true;
}

/* ---- receiving
 * -------------------------------------------------------------------------------- */

static bool tell_log(eh_jail_link *jail, const eh_doc *body)
{
    if (++jail->logs > LOG_MAX)
        return eh_fail(&jail->broken, EH_CLASS_LIMIT, "the script wrote more than %d log lines",
                       LOG_MAX);
    const char *level = eh_doc_str(body, "level", "info");
    bool known = strcmp(level, "debug") == 0 || strcmp(level, "warning") == 0 ||
                 strcmp(level, "error") == 0;
    char message[LOG_BYTES];
    (void)snprintf(message, sizeof message, "%s", eh_doc_str(body, "message", ""));
    eh_event_log(&jail->run->events, known ? level : "info", message,
                 eh_doc_str(body, "instance", NULL), eh_doc_str(body, "resource", NULL));
    return true;
}

static bool answer_module(eh_jail_link *jail, const eh_frame *frame, eh_arena *arena)
{
    const char *name = eh_doc_str(frame->body, "name", "");
    eh_slice text;
    const char *path = NULL;
    eh_err *err = &jail->broken;
    if (++jail->modules > MODULES_MAX)
        return eh_fail(err, EH_CLASS_LIMIT, "the script asked for more than %d modules",
                       MODULES_MAX);
    if (!eh_module_find(jail->run, name, arena, &text, &path, err)) return false;
    eh_doc *body = eh_doc_map(arena);
    if (!eh_doc_put_str(arena, body, "name", eh_slice_str(name), err)) return false;
    if (text.data != NULL && (!eh_doc_put_str(arena, body, "text", text, err) ||
                              !eh_doc_put_str(arena, body, "path", eh_slice_str(path), err)))
        return false;
    return eh_jail_send(jail, EH_FRAME_MODULE_TEXT, frame->task, body, err);
}

/* Takes one whole frame out of the input; *more is false when there is none. */
static bool take_frame(eh_jail_link *jail, bool *more)
{
    eh_arena *arena = eh_arena_new(FRAME_ARENA);
    if (arena == NULL) return eh_fail_memory(&jail->broken, "a frame");
    eh_frame frame;
    size_t used = 0;
    eh_frame_result result =
        eh_frame_read(eh_buf_slice(&jail->in), arena, &frame, &used, &jail->broken);
    bool ok = result != EH_FRAME_BAD, keep = false;
    *more = result == EH_FRAME_READY;
    if (*more) {
        eh_buf_consume(&jail->in, used);
        jail->busy_us = -1;
        if (frame.type < EH_FRAME_HELLO || frame.task == UINT32_MAX) {
            ok = eh_fail(&jail->broken, EH_CLASS_SCRIPT,
                         "the script's process broke the protocol (frame %u)",
                         (unsigned)frame.type);
        } else if (frame.type == EH_FRAME_LOG) {
            ok = tell_log(jail, frame.body);
        } else if (frame.type == EH_FRAME_MODULE) {
            ok = answer_module(jail, &frame, arena);
        } else {
            jail->queue[jail->queue_count++] = (queued){frame, arena};
            keep = true;
        }
    }
    if (!keep) eh_arena_free(arena);
    return ok;
}

static void on_socket(void *self, int events)
{
    eh_jail_link *jail = self;
    if (events & EH_WRITABLE) flush(jail);
    if (!(events & EH_READABLE) || jail->ended || jail->broken.class_ != EH_OK) return;
    if (!eh_buf_reserve(&jail->in, 65536, &jail->broken)) return;
    ssize_t n = recv(jail->fd, jail->in.data + jail->in.len, 65536, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        jail->ended = true;
        eh_watch_events(jail->watch, 0);
        return;
    }
    jail->in.len += (size_t)n;
    for (bool more = true; more && jail->queue_count < QUEUE_MAX;)
        if (!take_frame(jail, &more)) break;
    flush(jail);
}

/* What the jail itself said last, if it could: it belongs to no task, so whoever waits for one
 * task has not seen it. */
static bool tell_last_words(const eh_jail_link *jail, eh_err *err)
{
    for (size_t i = 0; i < jail->queue_count; i++) {
        const eh_frame *frame = &jail->queue[i].frame;
        if (frame->type != EH_FRAME_FAILED) continue;
        eh_jail_read_error(eh_doc_get(frame->body, "error"), err);
        return true;
    }
    return false;
}

/* Closing the socket is the last thing that a process does while it ends. One that goes on is
 * up to something and is killed: false then. */
static bool reap_ended(eh_jail_link *jail)
{
    int fd = (int)syscall(SYS_pidfd_open, jail->pid, 0);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    bool ended = fd >= 0 && poll(&wait, 1, DEATH_MS) > 0;
    if (!ended) (void)kill(jail->pid, SIGKILL);
    if (fd >= 0) (void)close(fd);
    reap(jail);
    return ended;
}

static bool explain_death(eh_jail_link *jail, eh_err *err)
{
    if (tell_last_words(jail, err)) return false;
    EH_FAULT("jail.died");
    if (!reap_ended(jail))
        return eh_fail(err, EH_CLASS_SCRIPT,
                       "the script's process hung up without coming to an end, and was killed");
    if (WIFSIGNALED(jail->status)) {
        int number = WTERMSIG(jail->status);
        if (number == SIGSYS)
            return eh_fail(err, EH_CLASS_SCRIPT, "the script was ended: forbidden system call");
        if (number == SIGKILL)
            return eh_fail(err, EH_CLASS_LIMIT,
                           "the script was killed: out of memory, or by another process");
        return eh_fail(err, EH_CLASS_SCRIPT, "the script crashed its interpreter (signal %d)",
                       number);
    }
    return eh_fail(err, EH_CLASS_SCRIPT, "the script's process ended early (exit code %d)",
                   WEXITSTATUS(jail->status));
}

static bool find_queued(eh_jail_link *jail, uint32_t only_task, eh_frame *frame)
{
    for (size_t i = 0; i < jail->queue_count; i++) {
        if (only_task != UINT32_MAX && jail->queue[i].frame.task != only_task) continue;
        *frame = jail->queue[i].frame;
        jail->current = jail->queue[i].arena;
        jail->queue_count--;
        memmove(&jail->queue[i], &jail->queue[i + 1],
                (jail->queue_count - i) * sizeof jail->queue[0]);
        flush(jail);
        return true;
    }
    return false;
}

/* The processor time that the jail has used; 0 once it is gone. */
static int64_t busy_us(const eh_jail_link *jail)
{
    clockid_t id;
    struct timespec t;
    if (clock_getcpuclockid(jail->pid, &id) != 0 || clock_gettime(id, &t) != 0) return 0;
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The limit is processor time, so that a busy machine ends no script; a jail that uses none and
 * is silent all the same (stopped, starved) is ended by the wall clock, unless it is us who owe
 * it an answer (any: whatever it sends is waited for). */
static bool check_deadline(eh_jail_link *jail, bool any, eh_err *err)
{
    int64_t now = eh_clock_monotonic(&jail->run->clock), busy = busy_us(jail);
    if (jail->busy_us < 0) {
        jail->busy_us = busy;
        jail->silent_us = now;
    }
    if (any && jail->run->awaited > 0) jail->silent_us = now;
    bool late = busy - jail->busy_us >= jail->deadline_ms * 1000;
    if (!late && now - jail->silent_us < SILENT_MAX * jail->deadline_ms * 1000) return true;
    (void)kill(jail->pid, SIGKILL);
    eh_fail(err, EH_CLASS_LIMIT, "the script %s for more than %lld ms without an answer",
            late ? "computed" : "was silent",
            (long long)(jail->deadline_ms * (late ? 1 : SILENT_MAX)));
    return eh_err_hint(err, late ? "an endless loop? The limit is limits.deadline"
                                 : "is its process stopped, or the machine overloaded?");
}

typedef struct await {
    uint32_t only_task;
    bool (*ready)(void *self); /* NULL: nothing but a frame will do */
    void *self;
} await;

static bool next(eh_jail_link *jail, const await *a, eh_frame *frame, bool *got, eh_err *err)
{
    *got = true;
    for (;;) {
        if (find_queued(jail, a->only_task, frame)) return true;
        if (jail->broken.class_ != EH_OK) {
            if (err->class_ == EH_OK) *err = jail->broken;
            return false;
        }
        if (jail->queue_count == QUEUE_MAX)
            return eh_fail(err, EH_CLASS_SCRIPT,
                           "the script's process sent more frames than it may have tasks");
        /* A frame may wait in the input because the queue was full. */
        bool more = false;
        if (jail->in.len > 0 && !take_frame(jail, &more)) continue;
        if (more) continue;
        if (jail->ended) return explain_death(jail, err);
        if (a->ready != NULL && a->ready(a->self)) {
            *got = false;
            return true;
        }
        if (!check_deadline(jail, a->only_task == UINT32_MAX, err) ||
            !eh_loop_turn(jail->run->loop, WAIT_MS, err) || !eh_run_may_go_on(jail->run, err))
            return false;
    }
}

bool eh_jail_next(eh_jail_link *jail, uint32_t only_task, eh_frame *frame, eh_err *err)
{
    bool got;
    const await a = {only_task, NULL, NULL};
    eh_arena_free(jail->current);
    jail->current = NULL;
    jail->busy_us = -1;
    return next(jail, &a, frame, &got, err);
}

bool eh_jail_next_or(eh_jail_link *jail, bool (*ready)(void *self), void *self, eh_frame *frame,
                     bool *got, eh_err *err)
{
    const await a = {UINT32_MAX, ready, self};
    /* A script's turn goes on while others are served: its time is not forgotten. */
    if (jail->current != NULL) jail->busy_us = -1;
    eh_arena_free(jail->current);
    jail->current = NULL;
    return next(jail, &a, frame, got, err);
}

void eh_jail_break(eh_jail_link *jail, const eh_err *why)
{
    if (jail->broken.class_ == EH_OK) jail->broken = *why;
}

/* ---- errors
 * ----------------------------------------------------------------------------------- */

void eh_jail_read_error(const eh_doc *error, eh_err *err)
{
    eh_class class_ = eh_class_from_name(eh_doc_str(error, "class", "script"));
    /* A bug of ours is not the jail's to claim, nor is a class that does not exist. */
    if (class_ == EH_OK || class_ == EH_CLASS_BUG) class_ = EH_CLASS_SCRIPT;
    eh_fail(err, class_, "%s",
            eh_doc_str(error, "message", "the script failed without a message"));
    eh_err_hint(err, "%s", eh_doc_str(error, "hint", ""));
    eh_err_place(err, "%s", eh_doc_str(error, "place", ""));
    const char *trail = eh_doc_str(error, "trail", "");
    size_t len = strlen(trail);
    if (len >= sizeof err->trail) len = sizeof err->trail - 1;
    memcpy(err->trail, trail, len);
    err->trail[len] = '\0';
}

eh_doc *eh_jail_write_error(eh_arena *arena, const eh_err *err)
{
    eh_doc *map = eh_doc_map(arena);
    bool ok =
        eh_doc_put_str(arena, map, "class", eh_slice_str(eh_class_name(err->class_)), NULL) &&
        eh_doc_put_str(arena, map, "message", eh_slice_str(err->message), NULL) &&
        eh_doc_put_str(arena, map, "hint", eh_slice_str(err->hint), NULL) &&
        eh_doc_put_str(arena, map, "place", eh_slice_str(err->place), NULL) &&
        eh_doc_put_str(arena, map, "trail", eh_slice_str(err->trail), NULL);
    return ok ? map : NULL;
}
