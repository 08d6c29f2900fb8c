/* The engine's part in tests of the jail: starts this very program as `--jail`, sends and
 * expects frames. A test that uses it calls jail_driver_role first thing in main. */
#ifndef EH_TESTS_JAIL_DRIVER_H
#define EH_TESTS_JAIL_DRIVER_H

#include "jail/jail.h"
#include "wire/frame.h"
#include "wire/window.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct jail {
    pid_t pid;
    int fd;
    eh_window window;
    eh_buf in;
    eh_buf out;
    eh_arena *arena; /* of everything received and sent in a test */
    eh_buf log;      /* lines of LOG frames */
    int64_t memory_bytes;
    int64_t deadline_ms;
    const char *module_name; /* the one module that the project has */
    const char *module_text;
} jail;

static inline int jail_driver_role(int argc, char **argv)
{
    return argc > 2 && strcmp(argv[1], "--jail") == 0 ? eh_jail_main(argv[2]) : -1;
}

/* The two descriptors of a jail in their places. */
static inline void jail_descriptors(int socket_fd, int window_fd)
{
    int s = fcntl(socket_fd, F_DUPFD, 10), w = fcntl(window_fd, F_DUPFD, 10);
    if (s < 0 || w < 0 || dup2(s, EH_JAIL_SOCKET) < 0 || dup2(w, EH_JAIL_WINDOW) < 0)
        _exit(126);
}

static inline void jail_child(int socket_fd, int window_fd)
{
    jail_descriptors(socket_fd, window_fd);
    char *const argv[] = {(char[]){"test"}, (char[]){"--jail"}, (char[]){"strict"}, NULL};
    char *const env[] = {NULL};
    (void)execve("/proc/self/exe", argv, env);
    _exit(127);
}

/* become: what the child does; jail_child, or it becomes a jail by itself. */
static inline void jail_start_as(jail *j, void (*become)(int socket_fd, int window_fd))
{
    *j = (jail){.memory_bytes = 32 << 20, .deadline_ms = 300};
    eh_buf_init(&j->in, 16 << 20);
    eh_buf_init(&j->out, 16 << 20);
    eh_buf_init(&j->log, 1 << 20);
    j->arena = eh_arena_new((size_t)256 << 20);
    assert_non_null(j->arena);
    assert_true(eh_window_create(&j->window, EH_WINDOW_BYTES, NULL));
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    j->pid = fork();
    assert_true(j->pid >= 0);
    if (j->pid == 0) become(pair[1], j->window.fd);
    (void)close(pair[1]);
    j->fd = pair[0];
    /* No test hangs: a jail that says nothing for a minute is a failure. */
    struct timeval limit = {.tv_sec = 60};
    assert_int_equal(setsockopt(j->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
}

static inline void jail_start(jail *j)
{
    jail_start_as(j, jail_child);
}

/* Ends the jail and gives its wait status. */
static inline int jail_end(jail *j)
{
    int status = 0;
    (void)close(j->fd);
    assert_int_equal(waitpid(j->pid, &status, 0), j->pid);
    eh_window_close(&j->window);
    eh_buf_free(&j->in);
    eh_buf_free(&j->out);
    eh_buf_free(&j->log);
    eh_arena_free(j->arena);
    return status;
}

static inline void jail_send(jail *j, uint16_t type, uint32_t task, const eh_doc *body)
{
    j->out.len = 0;
    assert_true(eh_frame_write(&j->out, type, task, body, NULL));
    for (size_t sent = 0; sent < j->out.len;) {
        ssize_t n = send(j->fd, j->out.data + sent, j->out.len - sent, MSG_NOSIGNAL);
        if (n <= 0) return; /* gone: reading will tell */
        sent += (size_t)n;
    }
}

static inline void jail_answer_module(jail *j, const eh_frame *frame)
{
    eh_doc *body = eh_doc_map(j->arena);
    const char *name = eh_doc_str(frame->body, "name", "");
    assert_true(eh_doc_put_str(j->arena, body, "name", eh_slice_str(name), NULL));
    if (j->module_name != NULL && strcmp(name, j->module_name) == 0) {
        assert_true(eh_doc_put_str(j->arena, body, "text", eh_slice_str(j->module_text), NULL));
        assert_true(eh_doc_put_str(j->arena, body, "path", eh_slice_str("mod.lua"), NULL));
    }
    jail_send(j, EH_FRAME_MODULE_TEXT, frame->task, body);
}

/* The next frame that is neither LOG nor MODULE, which are served here; false when the jail is
 * gone. */
static inline bool jail_next(jail *j, eh_frame *frame)
{
    for (;;) {
        size_t used = 0;
        eh_err err = {.class_ = EH_OK};
        eh_frame_result r = eh_frame_read(eh_buf_slice(&j->in), j->arena, frame, &used, &err);
        assert_int_not_equal(r, EH_FRAME_BAD);
        if (r == EH_FRAME_PARTIAL) {
            assert_true(eh_buf_reserve(&j->in, 65536, NULL));
            ssize_t n = read(j->fd, j->in.data + j->in.len, 65536);
            if (n <= 0) return false;
            j->in.len += (size_t)n;
            continue;
        }
        eh_buf_consume(&j->in, used);
        if (frame->type == EH_FRAME_LOG) {
            assert_true(
                eh_buf_printf(&j->log, NULL, "%s\n", eh_doc_str(frame->body, "message", "")));
        } else if (frame->type == EH_FRAME_MODULE) {
            jail_answer_module(j, frame);
        } else {
            return true;
        }
    }
}

static inline const eh_doc *jail_expect(jail *j, uint16_t type)
{
    eh_frame frame;
    assert_true(jail_next(j, &frame));
    if (frame.type == EH_FRAME_FAILED && type != EH_FRAME_FAILED) {
        const eh_doc *error = eh_doc_get(frame.body, "error");
        fail_msg("FAILED: %s: %s\n%s", eh_doc_str(error, "place", ""),
                 eh_doc_str(error, "message", ""), eh_doc_str(error, "trace", ""));
    }
    assert_int_equal(frame.type, type);
    return frame.body;
}

static inline void put_text(jail *j, eh_doc *map, const char *key, const char *text)
{
    assert_true(eh_doc_put_str(j->arena, map, key, eh_slice_str(text), NULL));
}

static inline void put(jail *j, eh_doc *map, const char *key, eh_doc *value)
{
    assert_true(eh_doc_put(j->arena, map, eh_slice_str(key), value, NULL));
}

/* START for a client "acme" with one source instance "shop" of `use`, with these settings. */
static inline void jail_send_start(jail *j, const char *mode, const char *script,
                                   const char *use, eh_doc *settings)
{
    eh_arena *a = j->arena;
    eh_doc *body = eh_doc_map(a), *text = eh_doc_map(a), *client = eh_doc_map(a);
    eh_doc *sources = eh_doc_list(a), *one = eh_doc_map(a), *limits = eh_doc_map(a);
    put_text(j, body, "mode", mode);
    put_text(j, body, "sandbox", "strict");
    put_text(j, text, "name", "p.lua");
    put_text(j, text, "text", script);
    put_text(j, text, "kind", "pipeline");
    put(j, body, "script", text);
    put_text(j, client, "id", "acme");
    put(j, body, "client", client);
    put_text(j, one, "instance", "shop");
    put_text(j, one, "use", use);
    put(j, one, "settings", settings != NULL ? settings : eh_doc_map(a));
    assert_true(eh_doc_push(sources, one, NULL));
    put(j, body, "sources", sources);
    assert_true(eh_doc_put_int(a, limits, "memory_bytes", j->memory_bytes, NULL));
    assert_true(eh_doc_put_int(a, limits, "deadline_ms", j->deadline_ms, NULL));
    put(j, body, "limits", limits);
    jail_send(j, EH_FRAME_START, 0, body);
}

/* GO for resources "a", "b", ... of the instance shop, up to a NULL. */
static inline void jail_send_go(jail *j, const char *first, ...)
{
    eh_doc *body = eh_doc_map(j->arena), *list = eh_doc_list(j->arena);
    va_list names;
    va_start(names, first);
    for (const char *name = first; name != NULL; name = va_arg(names, const char *)) {
        eh_doc *one = eh_doc_map(j->arena);
        put_text(j, one, "instance", "shop");
        put_text(j, one, "resource", name);
        assert_true(eh_doc_push(list, one, NULL));
    }
    va_end(names);
    put(j, body, "resources", list);
    jail_send(j, EH_FRAME_GO, 0, body);
}

static inline void jail_reply(jail *j, uint32_t task, const char *key, eh_doc *value)
{
    eh_doc *body = eh_doc_map(j->arena);
    put(j, body, key, value);
    jail_send(j, EH_FRAME_REPLY, task, body);
}

/* ---- Rows ---- */

/* A batch of `rows` rows of `columns` cells at the start of the window, all null; texts are put
 * behind the cells. */
typedef struct jail_rows {
    jail *j;
    size_t rows;
    size_t columns;
    size_t text_at;
} jail_rows;

static inline jail_rows jail_batch(jail *j, size_t rows, size_t columns)
{
    jail_rows b = {j, rows, columns, rows * columns * sizeof(eh_window_cell)};
    assert_true(b.text_at < j->window.size);
    memset(j->window.data, 0, b.text_at);
    return b;
}

static inline eh_window_cell *jail_cell(jail_rows *b, size_t row, size_t column)
{
    return (eh_window_cell *)(void *)b->j->window.data + row * b->columns + column;
}

static inline void jail_set_text(jail_rows *b, size_t row, size_t column, uint8_t kind,
                                 const char *text)
{
    eh_window_cell *cell = jail_cell(b, row, column);
    size_t len = strlen(text);
    assert_true(b->text_at + len <= b->j->window.size);
    memcpy(b->j->window.data + b->text_at, text, len);
    *cell = (eh_window_cell){.kind = kind, .len = (uint32_t)len, .as.offset = b->text_at};
    b->text_at += len;
}

/* names: `columns` of them. */
static inline void jail_send_rows(jail_rows *b, uint32_t task, const char *stream,
                                  const char *const *names)
{
    eh_arena *a = b->j->arena;
    eh_doc *body = eh_doc_map(a), *list = eh_doc_list(a);
    for (size_t i = 0; i < b->columns; i++)
        assert_true(eh_doc_push(list, eh_doc_string(a, eh_slice_str(names[i])), NULL));
    put_text(b->j, body, "stream", stream);
    assert_true(eh_doc_put_int(a, body, "rows", (int64_t)b->rows, NULL));
    assert_true(eh_doc_put_int(a, body, "cells", 0, NULL));
    assert_true(eh_doc_put_int(a, body, "stride", (int64_t)b->columns, NULL));
    put(b->j, body, "columns", list);
    jail_send(b->j, EH_FRAME_ROWS, task, body);
}

#endif
