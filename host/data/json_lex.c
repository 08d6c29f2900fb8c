/* data/json_lex.c: the lexical rules of JSON text; see json_text.h. */
#include "data/json_text.h"

static size_t digits(const char *token, size_t len, size_t at)
{
    while (at < len && token[at] >= '0' && token[at] <= '9') at++;
    return at;
}

bool eh_json_is_number(const char *token, size_t len)
{
    size_t at = len > 0 && token[0] == '-' ? 1 : 0;
    size_t start = at;
    at = digits(token, len, at);
    if (at == start || (token[start] == '0' && at - start > 1)) return false;
    if (at < len && token[at] == '.') {
        start = at + 1;
        at = digits(token, len, start);
        if (at == start) return false;
    }
    if (at < len && (token[at] == 'e' || token[at] == 'E')) {
        start = at + 1;
        if (start < len && (token[start] == '+' || token[start] == '-')) start++;
        at = digits(token, len, start);
        if (at == start) return false;
    }
    return at == len;
}

/* The four hex digits at p as a code unit; -1 when they are not four. */
static int32_t hex4(const char *p, size_t left)
{
    if (left < 4) return -1;
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int32_t digit;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if (c >= 'a' && c <= 'f')
            digit = c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
            digit = c - 'A' + 10;
        else
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static size_t put_utf8(char *out, uint32_t code)
{
    unsigned char *o = (unsigned char *)out;
    if (code < 0x80) {
        o[0] = (unsigned char)code;
        return 1;
    }
    if (code < 0x800) {
        o[0] = (unsigned char)(0xc0 | code >> 6);
        o[1] = (unsigned char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        o[0] = (unsigned char)(0xe0 | code >> 12);
        o[1] = (unsigned char)(0x80 | (code >> 6 & 0x3f));
        o[2] = (unsigned char)(0x80 | (code & 0x3f));
        return 3;
    }
    o[0] = (unsigned char)(0xf0 | code >> 18);
    o[1] = (unsigned char)(0x80 | (code >> 12 & 0x3f));
    o[2] = (unsigned char)(0x80 | (code >> 6 & 0x3f));
    o[3] = (unsigned char)(0x80 | (code & 0x3f));
    return 4;
}

/* The code point of the escape whose `u` is at p[0], and how many bytes after the backslash it
 * takes; 0 bytes when it is none. Half a pair gives U+FFFD and the flag. */
static size_t unicode_escape(const char *p, size_t left, uint32_t *code, unsigned *flags)
{
    int32_t first = hex4(p + 1, left - 1);
    if (first < 0) return 0;
    *code = (uint32_t)first;
    if (first == 0) *flags |= EH_JSON_HAS_NUL;
    if (first < 0xd800 || first > 0xdfff) return 5;
    if (first < 0xdc00 && left >= 11 && p[5] == '\\' && p[6] == 'u') {
        int32_t second = hex4(p + 7, left - 7);
        if (second >= 0xdc00 && second <= 0xdfff) {
            *code = 0x10000 + ((uint32_t)(first - 0xd800) << 10) + (uint32_t)(second - 0xdc00);
            return 11;
        }
    }
    *flags |= EH_JSON_LONE_SURROGATE;
    *code = 0xfffd;
    return 5;
}

static char simple_escape(char c)
{
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

/* Handles the escape whose backslash is at raw[at]; returns the bytes it takes, 0 for a bad
 * one. */
static size_t one_escape(eh_slice raw, size_t at, char *to, size_t *written, unsigned *flags)
{
    size_t left = raw.len - at - 1;
    if (left == 0) return 0;
    const char *p = raw.data + at + 1;
    if (*p != 'u') {
        to[0] = simple_escape(*p);
        *written = 1;
        return to[0] != 0 ? 2 : 0;
    }
    uint32_t code;
    size_t taken = unicode_escape(p, left, &code, flags);
    if (taken == 0) return 0;
    *written = put_utf8(to, code);
    return taken + 1;
}

unsigned eh_json_unescape(eh_slice raw, char *out, size_t *len)
{
    unsigned flags = 0;
    size_t at = 0, used = 0;
    while (at < raw.len) {
        const char *next = memchr(raw.data + at, '\\', raw.len - at);
        size_t plain = (next != NULL ? (size_t)(next - raw.data) : raw.len) - at;
        if (out != NULL) memcpy(out + used, raw.data + at, plain);
        used += plain;
        at += plain;
        if (next == NULL) break;
        char bytes[4];
        size_t written = 0;
        size_t taken = one_escape(raw, at, bytes, &written, &flags);
        if (taken == 0) {
            flags |= EH_JSON_BAD_ESCAPE;
            break;
        }
        if (out != NULL) memcpy(out + used, bytes, written);
        used += written;
        at += taken;
    }
    *len = used;
    return flags;
}
