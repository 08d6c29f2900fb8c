/* base/buf.h: a growable byte buffer with a maximum, set when it is made.
 *
 * No unbounded buffer exists in this project: an append past the maximum fails with class limit
 * and leaves the content as it was. Embedded struct: eh_buf_init, then eh_buf_free (safe
 * twice). Floor 0. */
#ifndef EH_BASE_BUF_H
#define EH_BASE_BUF_H

#include "base/err.h"
#include "base/slice.h"

#include <stddef.h>
#include <stdint.h>

typedef struct eh_buf {
    char *data; /* owned; NULL while empty. Moves when it grows: keep offsets, not pointers */
    size_t len;
    size_t cap;
    size_t max; /* bytes; never exceeded */
} eh_buf;

void eh_buf_init(eh_buf *buf, size_t max);
void eh_buf_free(eh_buf *buf);

/* Makes room for `extra` more bytes. On failure the content is unchanged. */
bool eh_buf_reserve(eh_buf *buf, size_t extra, eh_err *err) EH_MUST_USE;

bool eh_buf_append(eh_buf *buf, const void *data, size_t len, eh_err *err) EH_MUST_USE;
bool eh_buf_append_str(eh_buf *buf, const char *text, eh_err *err) EH_MUST_USE;
bool eh_buf_append_byte(eh_buf *buf, char byte, eh_err *err) EH_MUST_USE;
bool eh_buf_printf(eh_buf *buf, eh_err *err, const char *format, ...)
    EH_PRINTF(3, 4) EH_MUST_USE;

/* Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, so
 * that the result is always valid JSON. */
bool eh_buf_append_json(eh_buf *buf, eh_slice text, eh_err *err) EH_MUST_USE;

/* The same with such bytes as they are. */
bool eh_buf_append_quoted(eh_buf *buf, eh_slice text, eh_err *err) EH_MUST_USE;

/* Removes the first `count` bytes; count must not exceed len. */
void eh_buf_consume(eh_buf *buf, size_t count);

/* A NUL after the content, not counted in len; gives the content as a C string, valid until the
 * next change. NULL when there is no memory for the NUL. */
const char *eh_buf_cstr(eh_buf *buf);

static inline eh_slice eh_buf_slice(const eh_buf *buf)
{
    return (eh_slice){buf->data, buf->len};
}

#endif
