/* tests/support/http_request.c: one HTTP/1.1 request out of a connection's bytes. */
#include "http_parts.h"

#include <lauxlib.h>
#include <string.h>
#include <strings.h>

static bool is_named(eh_slice text, const char *name)
{
    return text.len == strlen(name) && strncasecmp(text.data, name, text.len) == 0;
}

static eh_slice trimmed(eh_slice text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && strchr(" \t\r", text.data[text.len - 1]) != NULL) text.len--;
    return text;
}

/* The next part up to `end`; takes it and the end off the text. */
static eh_slice take(eh_slice *text, char end)
{
    const char *at = text->len > 0 ? memchr(text->data, end, text->len) : NULL;
    eh_slice part = {text->data, at != NULL ? (size_t)(at - text->data) : text->len};
    size_t used = at != NULL ? part.len + 1 : part.len;
    *text = (eh_slice){text->data + used, text->len - used};
    return part;
}

static bool read_number(eh_slice text, unsigned base, size_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.len; i++) {
        int c = text.data[i] | 0x20;
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                : 99;
        if (digit >= base || *number > (1u << 30)) return false;
        *number = *number * base + digit;
    }
    return text.len > 0;
}

static bool parse_head(eh_slice head, hs_request *request)
{
    eh_slice line = trimmed(take(&head, '\n'));
    request->method = take(&line, ' ');
    request->target = take(&line, ' ');
    request->version = line;
    request->header_count = 0;
    while (head.len > 0) {
        line = trimmed(take(&head, '\n'));
        if (line.len == 0) break;
        if (request->header_count == 256) return false;
        eh_slice name = take(&line, ':');
        request->headers[request->header_count++] = (hs_header){name, trimmed(line)};
    }
    return request->method.len > 0 && request->target.len > 0;
}

static const hs_header *find(const hs_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (is_named(request->headers[i].name, name)) return &request->headers[i];
    return NULL;
}

/* Chunks after `at`; as hs_request_parse. */
static int parse_chunks(eh_slice all, size_t at, hs_request *request)
{
    for (;;) {
        eh_slice rest = {all.data + at, all.len - at};
        if (memchr(rest.data, '\n', rest.len) == NULL) return 0;
        eh_slice line = take(&rest, '\n');
        size_t size;
        if (!read_number(trimmed(take(&line, ';')), 16, &size)) return -1;
        if (rest.len < size + 2) return 0;
        if (size > 0 && !eh_buf_append(&request->body, rest.data, size, NULL)) return -1;
        at = (size_t)(rest.data - all.data) + size + 2;
        if (size == 0) {
            request->bytes = at;
            return 1;
        }
    }
}

int hs_request_parse(hs_connection *c, hs_request *request)
{
    eh_slice all = eh_buf_slice(&c->in);
    const char *end = all.len >= 4 ? memmem(all.data, all.len, "\r\n\r\n", 4) : NULL;
    if (end == NULL) return 0;
    size_t head = (size_t)(end - all.data) + 4;
    if (!parse_head((eh_slice){all.data, head}, request)) return -1;
    const hs_header *length = find(request, "content-length");
    const hs_header *coding = find(request, "transfer-encoding");
    const hs_header *expect = find(request, "expect");
    eh_buf_init(&request->body, 64u << 20);
    size_t bytes = 0;
    int result = 1;
    if (coding != NULL) {
        result = parse_chunks(all, head, request);
    } else if (length != NULL) {
        if (!read_number(length->value, 10, &bytes))
            result = -1;
        else if (all.len - head < bytes)
            result = 0;
        else if (bytes > 0 && !eh_buf_append(&request->body, all.data + head, bytes, NULL))
            result = -1;
        request->bytes = head + bytes;
    } else {
        request->bytes = head;
    }
    if (result == 0 && expect != NULL && !c->has_sent)
        hs_connection_send(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    if (result != 1) eh_buf_free(&request->body);
    return result;
}

static unsigned hex_digit(char c)
{
    if (c >= '0' && c <= '9') return (unsigned)(c - '0');
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

void hs_push_decoded(lua_State *L, eh_slice text, bool plus_is_space)
{
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == '%' && i + 2 < text.len && hex_digit(text.data[i + 1]) < 16 &&
                   hex_digit(text.data[i + 2]) < 16) {
            c = (char)(hex_digit(text.data[i + 1]) * 16 + hex_digit(text.data[i + 2]));
            i += 2;
        }
        luaL_addchar(&out, c);
    }
    luaL_pushresult(&out);
}

void hs_push_query(lua_State *L, eh_slice query)
{
    lua_newtable(L);
    while (query.len > 0) {
        eh_slice value = take(&query, '&');
        eh_slice name = take(&value, '=');
        if (name.len == 0) continue;
        hs_push_decoded(L, name, true);
        hs_push_decoded(L, value, true);
        lua_settable(L, -3);
    }
}
