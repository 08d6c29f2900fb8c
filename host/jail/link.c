/* jail/link.c: see link.h. */
#include "jail/link.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024, ARENA_MAX = 64 * 1024 * 1024, IN_MAX = 80 * 1024 * 1024 };

bool eh_link_init(eh_link *link, int fd, eh_err *err)
{
    *link = (eh_link){.fd = fd};
    eh_buf_init(&link->in, IN_MAX);
    eh_buf_init(&link->out, (size_t)2 * EH_FRAME_MAX);
    link->bodies = eh_arena_new(ARENA_MAX);
    link->making = eh_arena_new(ARENA_MAX);
    return (link->bodies != NULL && link->making != NULL) || eh_fail_memory(err, "messages");
}

eh_arena *eh_link_arena(eh_link *link)
{
    eh_arena_reset(link->making);
    return link->making;
}

static bool is_interrupted(int fd, short events)
{
    if (errno == EINTR) return true;
    if (errno != EAGAIN) return false;
    struct pollfd p = {.fd = fd, .events = events};
    (void)poll(&p, 1, -1);
    return true;
}

static bool fill(eh_link *link, eh_err *err)
{
    if (!eh_buf_reserve(&link->in, READ_BYTES, err)) return false;
    ssize_t count;
    do count = read(link->fd, link->in.data + link->in.len, READ_BYTES);
    while (count < 0 && is_interrupted(link->fd, POLLIN));
    if (count <= 0) return eh_fail(err, EH_CLASS_CANCELLED, "the engine is gone");
    link->in.len += (size_t)count;
    return true;
}

/* Type 0 takes any frame. */
static bool read_frame(eh_link *link, uint16_t type, eh_frame *frame, eh_err *err)
{
    size_t at = 0;
    eh_arena_reset(link->bodies);
    for (;;) {
        size_t used = 0;
        eh_slice rest = eh_slice_of(link->in.data + at, link->in.len - at);
        eh_frame_result result = eh_frame_read(rest, link->bodies, frame, &used, err);
        if (result == EH_FRAME_BAD) return false;
        if (result == EH_FRAME_PARTIAL) {
            if (!fill(link, err)) return false;
        } else if (type == 0 || frame->type == type) {
            memmove(link->in.data + at, link->in.data + at + used, link->in.len - at - used);
            link->in.len -= used;
            return true;
        } else {
            at += used;
        }
    }
}

bool eh_link_next(eh_link *link, eh_frame *frame, eh_err *err)
{
    return read_frame(link, 0, frame, err);
}

bool eh_link_await(eh_link *link, uint16_t type, eh_frame *frame, eh_err *err)
{
    return read_frame(link, type, frame, err);
}

bool eh_link_send(eh_link *link, uint16_t type, uint32_t task, const eh_doc *body, eh_err *err)
{
    link->out.len = 0;
    if (!eh_frame_write(&link->out, type, task, body, err)) return false;
    for (size_t sent = 0; sent < link->out.len;) {
        ssize_t count = write(link->fd, link->out.data + sent, link->out.len - sent);
        if (count >= 0)
            sent += (size_t)count;
        else if (!is_interrupted(link->fd, POLLOUT))
            return eh_fail(err, EH_CLASS_CANCELLED, "the engine is gone");
    }
    return true;
}
