/* io/http_head.c: see http_head.h. */
#include "io/http_head.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

enum { HEADERS_MAX = 256 };
#define TEXT_MAX ((size_t)256 * 1024)

void eh_http_head_init(eh_http_head *head)
{
    memset(head, 0, sizeof *head);
    eh_buf_init(&head->text, TEXT_MAX);
}

void eh_http_head_free(eh_http_head *head)
{
    eh_buf_free(&head->text);
    free(head->headers);
    eh_http_head_init(head);
}

static bool wrong(const char *why, eh_err *err)
{
    return eh_fail(err, EH_CLASS_REMOTE, "the answer is not proper HTTP: %s", why);
}

static eh_slice trim(eh_slice text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]) != NULL) text.len--;
    while (text.len > 0 && (*text.data == ' ' || *text.data == '\t')) {
        text.data++;
        text.len--;
    }
    return text;
}

/* RFC 9110 5.6.2 */
static bool is_token(eh_slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c <= ' ' || c > '~' || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL) return false;
    }
    return name.len > 0;
}

/* "HTTP/1.1 200 OK", "HTTP/2 200" */
static bool status_line(eh_http_head *head, eh_slice line, eh_err *err)
{
    const char *space = memchr(line.data, ' ', line.len);
    size_t left = space != NULL ? line.len - (size_t)(space - line.data) - 1 : 0;
    if (left < 3 || (left > 3 && isdigit((unsigned char)space[4])))
        return wrong("its status is none", err);
    int status = 0;
    for (int i = 1; i <= 3; i++) {
        if (!isdigit((unsigned char)space[i])) return wrong("its status is none", err);
        status = status * 10 + (space[i] - '0');
    }
    if (status < 100 || status == 101) return wrong("its status is none", err);
    eh_http_head_free(head);
    head->status = status;
    return true;
}

static bool append(eh_http_head *head, eh_slice name, eh_slice value, eh_err *err)
{
    if (++head->count > HEADERS_MAX)
        return eh_fail(err, EH_CLASS_LIMIT, "the answer has more than %d headers", HEADERS_MAX);
    size_t start = head->text.len;
    if (!eh_buf_append(&head->text, name.data, name.len, err) ||
        !eh_buf_append_byte(&head->text, '\0', err) ||
        !eh_buf_append(&head->text, value.data, value.len, err) ||
        !eh_buf_append_byte(&head->text, '\0', err))
        return false;
    for (size_t i = start; i < start + name.len; i++)
        head->text.data[i] = (char)tolower((unsigned char)head->text.data[i]);
    return true;
}

/* A value that goes on in a line that begins with a blank (RFC 9112 5.2). */
static bool fold(eh_http_head *head, eh_slice more, eh_err *err)
{
    if (head->count == 0) return wrong("its first header has no name", err);
    head->text.data[head->text.len - 1] = ' ';
    return eh_buf_append(&head->text, more.data, more.len, err) &&
           eh_buf_append_byte(&head->text, '\0', err);
}

static bool index_headers(eh_http_head *head, eh_err *err)
{
    head->headers = calloc(head->count > 0 ? head->count : 1, sizeof *head->headers);
    if (head->headers == NULL) return eh_fail_memory(err, "headers");
    const char *at = head->text.data;
    for (size_t i = 0; i < head->count; i++) {
        head->headers[i].name = eh_slice_str(at);
        at += head->headers[i].name.len + 1;
        head->headers[i].value = eh_slice_str(at);
        at += head->headers[i].value.len + 1;
    }
    return true;
}

static bool content_length(eh_http_head *head, eh_slice value, eh_err *err)
{
    if (head->has_length) return wrong("it has two Content-Lengths", err);
    uint64_t length = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (!isdigit((unsigned char)value.data[i]))
            return wrong("its Content-Length is no number", err);
        if (__builtin_mul_overflow(length, 10, &length) ||
            __builtin_add_overflow(length, (uint64_t)(value.data[i] - '0'), &length) ||
            length > INT64_MAX)
            return wrong("its Content-Length is beyond 2^63", err);
    }
    if (value.len == 0) return wrong("its Content-Length is no number", err);
    head->has_length = true;
    head->length = length;
    return true;
}

static bool is_word(eh_slice value, const char *word)
{
    return value.len == strlen(word) && strncasecmp(value.data, word, value.len) == 0;
}

static bool content_coding(eh_http_head *head, eh_slice value, eh_err *err)
{
    static const struct {
        const char *name;
        eh_coding coding;
    } known[] = {{"gzip", EH_CODING_GZIP},     {"x-gzip", EH_CODING_GZIP},
                 {"zstd", EH_CODING_ZSTD},     {"br", EH_CODING_BROTLI},
                 {"identity", EH_CODING_NONE}, {"", EH_CODING_NONE}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!is_word(value, known[i].name)) continue;
        if (known[i].coding == EH_CODING_NONE) return true;
        if (head->coding != EH_CODING_NONE)
            return wrong("it has more than one Content-Encoding", err);
        head->coding = known[i].coding;
        return true;
    }
    if (memchr(value.data, ',', value.len) != NULL)
        return wrong("it has more than one Content-Encoding", err);
    return eh_fail(err, EH_CLASS_REMOTE,
                   "the answer has a Content-Encoding nobody asked for: %.*s",
                   EH_SLICE_FMT(value));
}

/* What the headers together say of the body. */
static bool judge(eh_http_head *head, eh_err *err)
{
    for (size_t i = 0; i < head->count; i++) {
        eh_slice name = head->headers[i].name, value = head->headers[i].value;
        if (eh_slice_is(name, "content-length") && !content_length(head, value, err))
            return false;
        if (eh_slice_is(name, "content-encoding") && !content_coding(head, value, err))
            return false;
        if (!eh_slice_is(name, "transfer-encoding") || is_word(value, "identity")) continue;
        /* libcurl would undo a gzip here, without demanding its end. */
        if (!is_word(value, "chunked") || head->chunked)
            return wrong("its Transfer-Encoding is not just chunked", err);
        head->chunked = true;
    }
    return true;
}

bool eh_http_head_line(eh_http_head *head, eh_slice line, eh_err *err)
{
    if (line.len >= 5 && memcmp(line.data, "HTTP/", 5) == 0)
        return status_line(head, trim(line), err);
    if (head->complete) return true; /* a trailer */
    if (head->status == 0) return wrong("it does not begin with HTTP/", err);
    if (line.len > 0 && memchr(line.data, '\0', line.len) != NULL)
        return wrong("its headers have a zero byte", err);
    eh_slice text = trim(line);
    if (line.len > 0 && (*line.data == ' ' || *line.data == '\t') && text.len > 0)
        return fold(head, text, err);
    if (text.len == 0) {
        if (head->status < 200) return true;
        head->complete = true;
        return index_headers(head, err) && judge(head, err);
    }
    const char *colon = memchr(text.data, ':', text.len);
    eh_slice name = {text.data, colon != NULL ? (size_t)(colon - text.data) : 0};
    if (!is_token(name)) return wrong("a header has no proper name", err);
    eh_slice value = {colon + 1, text.len - name.len - 1};
    return append(head, name, trim(value), err);
}

eh_slice eh_http_head_find(const eh_http_head *head, const char *name)
{
    for (size_t i = 0; i < head->count; i++)
        if (eh_slice_is(head->headers[i].name, name)) return head->headers[i].value;
    return (eh_slice){NULL, 0};
}
