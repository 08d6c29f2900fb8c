/* base/buf.c: see buf.h. Growth doubles, so appending is linear over the life of a buffer. */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void eh_buf_init(eh_buf *buf, size_t max)
{
    *buf = (eh_buf){.max = max};
}

void eh_buf_free(eh_buf *buf)
{
    free(buf->data);
    buf->data = NULL;
    buf->len = buf->cap = 0;
}

bool eh_buf_reserve(eh_buf *buf, size_t extra, eh_err *err)
{
    size_t need;
    if (__builtin_add_overflow(buf->len, extra, &need) || need > buf->max)
        return eh_fail(err, EH_CLASS_LIMIT, "a buffer would grow past its limit of %zu bytes",
                       buf->max);
    if (need <= buf->cap) return true;
    size_t cap = buf->cap < 64 ? 64 : buf->cap;
    while (cap < need && cap <= buf->max / 2) cap *= 2;
    if (cap < need) cap = buf->max;
    char *data = realloc(buf->data, cap);
    if (data == NULL) return eh_fail_memory(err, "a buffer");
    buf->data = data;
    buf->cap = cap;
    return true;
}

bool eh_buf_append(eh_buf *buf, const void *data, size_t len, eh_err *err)
{
    if (len == 0) return true;
    if (!eh_buf_reserve(buf, len, err)) return false;
    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    return true;
}

bool eh_buf_append_str(eh_buf *buf, const char *text, eh_err *err)
{
    return eh_buf_append(buf, text, strlen(text), err);
}

bool eh_buf_append_byte(eh_buf *buf, char byte, eh_err *err)
{
    return eh_buf_append(buf, &byte, 1, err);
}

bool eh_buf_printf(eh_buf *buf, eh_err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) return eh_fail(err, EH_CLASS_BUG, "a format string is wrong: %s", format);
    if (!eh_buf_reserve(buf, (size_t)length + 1, err)) return false;
    va_start(args, format);
    (void)vsnprintf(buf->data + buf->len, (size_t)length + 1, format, args);
    va_end(args);
    buf->len += (size_t)length;
    return true;
}

/* Length in bytes of the well-formed UTF-8 sequence at p, 0 if it is not one (RFC 3629). */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    unsigned char c = p[0];
    size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : (c & 0xf0) == 0xe0 ? 3 : 0;
    if (c >= 0xf0 && c < 0xf5) n = 4;
    if (n == 0 || n > left) return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if (c == 0xe0 && p[1] < 0xa0) return 0;
    if (c == 0xed && p[1] > 0x9f) return 0; /* surrogates */
    if (c == 0xf0 && p[1] < 0x90) return 0;
    if (c == 0xf4 && p[1] > 0x8f) return 0;
    return n;
}

static bool append_json_escape(eh_buf *buf, unsigned char c, eh_err *err)
{
    static const char short_from[] = "\"\\\b\f\n\r\t", short_to[] = "\"\\bfnrt";
    const char *at = memchr(short_from, c, sizeof short_from - 1);
    if (at != NULL) {
        char pair[2] = {'\\', short_to[at - short_from]};
        return eh_buf_append(buf, pair, 2, err);
    }
    return eh_buf_printf(buf, err, "\\u%04x", c);
}

static bool append_string(eh_buf *buf, eh_slice text, bool exact, eh_err *err)
{
    const unsigned char *p = (const unsigned char *)text.data;
    if (!eh_buf_append_byte(buf, '"', err)) return false;
    for (size_t i = 0; i < text.len;) {
        size_t n = utf8_length(p + i, text.len - i);
        bool ok;
        if (n == 0) {
            ok = exact ? eh_buf_append(buf, p + i, 1, err)
                       : eh_buf_append(buf, "\xef\xbf\xbd", 3, err);
            n = 1;
        } else if (n == 1 && (p[i] < 0x20 || p[i] == '"' || p[i] == '\\' || p[i] == 0x7f)) {
            ok = append_json_escape(buf, p[i], err);
        } else {
            ok = eh_buf_append(buf, p + i, n, err);
        }
        if (!ok) return false;
        i += n;
    }
    return eh_buf_append_byte(buf, '"', err);
}

bool eh_buf_append_json(eh_buf *buf, eh_slice text, eh_err *err)
{
    return append_string(buf, text, false, err);
}

bool eh_buf_append_quoted(eh_buf *buf, eh_slice text, eh_err *err)
{
    return append_string(buf, text, true, err);
}

void eh_buf_consume(eh_buf *buf, size_t count)
{
    assert(count <= buf->len);
    buf->len -= count;
    if (count > 0 && buf->len > 0) memmove(buf->data, buf->data + count, buf->len);
}

const char *eh_buf_cstr(eh_buf *buf)
{
    if (buf->len == buf->cap) {
        char *data = realloc(buf->data, buf->cap + 1);
        if (data == NULL) return NULL;
        buf->data = data;
        buf->cap += 1;
    }
    buf->data[buf->len] = '\0';
    return buf->data;
}
