/* data/csv_text.c: bytes to UTF-8, and whether they are. See csv_scan.h. */
#include "data/csv_scan.h"

static bool is_utf16(eh_csv_encoding encoding)
{
    return encoding == EH_CSV_UTF16LE || encoding == EH_CSV_UTF16BE;
}

/* Settles the encoding by the first bytes (up to three) and counts the byte order mark. */
static void begin(eh_csv_decoder *d, const unsigned char *p, size_t len)
{
    bool utf8_mark = len >= 3 && p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf;
    bool le_mark = len >= 2 && p[0] == 0xff && p[1] == 0xfe;
    bool be_mark = len >= 2 && p[0] == 0xfe && p[1] == 0xff;
    if (d->encoding == EH_CSV_DETECT) {
        /* Without a mark: a NUL has no place in CSV, so one beside the first ASCII character
         * tells UTF-16. */
        bool le = le_mark || (len >= 2 && p[0] != 0 && p[1] == 0);
        bool be = be_mark || (len >= 2 && p[0] == 0 && p[1] != 0);
        d->encoding = le ? EH_CSV_UTF16LE : be ? EH_CSV_UTF16BE : EH_CSV_UTF8;
    }
    if (d->encoding == EH_CSV_UTF8 && utf8_mark) d->mark = 3;
    if (d->encoding == EH_CSV_UTF16LE && le_mark) d->mark = 2;
    if (d->encoding == EH_CSV_UTF16BE && be_mark) d->mark = 2;
    d->begun = true;
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

static uint32_t unit(eh_csv_encoding encoding, const unsigned char *p)
{
    return encoding == EH_CSV_UTF16LE ? (uint32_t)p[0] | (uint32_t)p[1] << 8
                                      : (uint32_t)p[1] | (uint32_t)p[0] << 8;
}

/* Decodes the character at p; 0 when more bytes are needed to tell. Sets *used. */
static size_t decode_one(const eh_csv_decoder *d, const unsigned char *p, size_t len, bool last,
                         char *out, size_t *used)
{
    *used = len < 2 ? len : 2;
    if (len < 2) {
        if (!last) return 0;
        out[0] = (char)0xff;
        return 1;
    }
    uint32_t c = unit(d->encoding, p);
    if (c >= 0xd800 && c < 0xdc00) {
        if (len < 4 && !last) return 0;
        uint32_t low = len >= 4 ? unit(d->encoding, p + 2) : 0;
        if (low >= 0xdc00 && low < 0xe000) {
            *used = 4;
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    return put_utf8(out, c);
}

/* Decodes what can be and returns how many bytes are done with. out has room for all. */
static size_t decode_utf16(const eh_csv_decoder *d, const unsigned char *p, size_t len,
                           bool last, eh_buf *out)
{
    size_t at = 0, used;
    while (at < len) {
        size_t n = decode_one(d, p + at, len - at, last, out->data + out->len, &used);
        if (n == 0) break;
        out->len += n;
        at += used;
    }
    return at;
}

/* UTF-16 in pieces: the held bytes are completed one by one, the rest goes straight through. */
static bool append_utf16(eh_csv_decoder *d, const unsigned char *p, size_t len, bool last,
                         eh_buf *out, eh_err *err)
{
    size_t most; /* two bytes become at most three, one left over becomes one */
    if (__builtin_mul_overflow(len + 4, (size_t)2, &most)) return eh_fail_memory(err, "input");
    if (!eh_buf_reserve(out, most, err)) return false;
    while (d->held_len > 0 && len > 0) {
        d->held[d->held_len++] = *p++;
        len--;
        size_t done = decode_utf16(d, d->held, d->held_len, last && len == 0, out);
        d->held_len -= done;
        memmove(d->held, d->held + done, d->held_len);
    }
    if (len > 0) {
        size_t done = decode_utf16(d, p, len, last, out);
        d->held_len = len - done;
        memcpy(d->held, p + done, d->held_len);
    } else if (last && d->held_len > 0) {
        (void)decode_utf16(d, d->held, d->held_len, true, out);
        d->held_len = 0;
    }
    return true;
}

static bool append(eh_csv_decoder *d, const char *data, size_t len, bool last, eh_buf *out,
                   eh_err *err)
{
    if (is_utf16(d->encoding))
        return append_utf16(d, (const unsigned char *)data, len, last, out, err);
    return eh_buf_append(out, data, len, err);
}

bool eh_csv_decode(eh_csv_decoder *d, eh_slice in, bool last, eh_buf *out, eh_err *err)
{
    if (!d->begun) {
        while (d->held_len < 3 && in.len > 0) {
            d->held[d->held_len++] = (unsigned char)*in.data++;
            in.len--;
        }
        if (d->held_len < 3 && !last) return true;
        begin(d, d->held, d->held_len);
        char first[4];
        size_t count = d->held_len - d->mark;
        memcpy(first, d->held + d->mark, count);
        d->held_len = 0;
        if (!append(d, first, count, last && in.len == 0, out, err)) return false;
        if (in.len == 0) return true;
    }
    return append(d, in.data, in.len, last, out, err);
}

size_t eh_csv_encoded_length(eh_csv_encoding encoding, const char *data, size_t len)
{
    if (!is_utf16(encoding)) return len;
    size_t bytes = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];
        bool lead = (c & 0xc0) != 0x80;
        bytes += lead ? 2U : 0U;
        bytes += c >= 0xf0 && c != 0xff ? 2U : 0U;
        bytes -= c == 0xff ? 1U : 0U; /* half a unit */
    }
    return bytes;
}

/* Length of the character at p, 0 if it is none or is cut. */
static size_t character(const unsigned char *p, size_t len)
{
    unsigned char c = p[0];
    if (c < 0x80) return 1;
    size_t n = c >= 0xc2 && c < 0xe0   ? 2
               : (c & 0xf0) == 0xe0    ? 3
               : c >= 0xf0 && c < 0xf5 ? 4
                                       : 0;
    if (n == 0 || n > len) return 0;
    /* The second byte's range keeps out overlong forms, surrogates and what is past U+10FFFF.
     */
    unsigned char low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    unsigned char high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high) return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    return n;
}

size_t eh_csv_utf8_prefix(const char *data, size_t len)
{
    const unsigned char *p = (const unsigned char *)data;
    size_t at = 0;
    while (at < len) {
        uint64_t eight;
        if (len - at >= sizeof eight) {
            memcpy(&eight, p + at, sizeof eight);
            if ((eight & 0x8080808080808080ULL) == 0) {
                at += sizeof eight;
                continue;
            }
        }
        size_t n = character(p + at, len - at);
        if (n == 0) return at;
        at += n;
    }
    return at;
}
