/* data/csv_encoding.c: what encodings are called, those of one byte a character, and raw bytes
 * as UTF-8. See csv.h and csv_scan.h; UTF-16 in pieces is csv_text.c's. */
#include "data/csv_scan.h"

#include <strings.h>

/* What windows-1252 has where ISO 8859-1 has control characters; 0: nothing. */
static const uint16_t windows_1252[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

bool eh_csv_encoding_named(const char *name, eh_csv_encoding *encoding)
{
    static const struct {
        const char *name;
        eh_csv_encoding encoding;
    } known[] = {{"utf-8", EH_CSV_UTF8},
                 {"utf-16le", EH_CSV_UTF16LE},
                 {"utf-16be", EH_CSV_UTF16BE},
                 {"latin1", EH_CSV_LATIN1},
                 {"windows-1252", EH_CSV_WINDOWS_1252}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcasecmp(name, known[i].name) != 0) continue;
        *encoding = known[i].encoding;
        return true;
    }
    return false;
}

static char *put(char *out, eh_csv_encoding encoding, unsigned char byte)
{
    unsigned c = byte;
    if (encoding == EH_CSV_WINDOWS_1252 && byte >= 0x80 && byte < 0xa0)
        c = windows_1252[byte - 0x80];
    if (c == 0 && byte != 0) {
        *out++ = (char)0xff;
    } else if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

bool eh_csv_decode_bytes(eh_csv_encoding encoding, eh_slice in, eh_buf *out, eh_err *err)
{
    if (in.len == 0) return true;
    size_t most; /* a byte becomes at most three */
    if (__builtin_mul_overflow(in.len, (size_t)3, &most)) return eh_fail_memory(err, "input");
    if (!eh_buf_reserve(out, most, err)) return false;
    char *to = out->data + out->len;
    uint64_t word;
    for (size_t at = 0; at < in.len;) {
        bool whole = in.len - at >= sizeof word;
        if (whole) memcpy(&word, in.data + at, sizeof word);
        if (whole && (word & 0x8080808080808080ULL) == 0) {
            memcpy(to, &word, sizeof word);
            to += sizeof word;
            at += sizeof word;
        } else {
            to = put(to, encoding, (unsigned char)in.data[at++]);
        }
    }
    out->len = (size_t)(to - out->data);
    return true;
}

/* Halves of characters, which the decoder spells as three bytes that are no UTF-8, or, at the
 * end, as one that is dropped. */
static void replace_halves(eh_buf *out, size_t from)
{
    if (out->len > from && (unsigned char)out->data[out->len - 1] == 0xff) out->len--;
    while (from < out->len) {
        from += eh_csv_utf8_prefix(out->data + from, out->len - from);
        if (from < out->len) memcpy(out->data + from, "\xef\xbf\xbd", 3); /* U+FFFD */
    }
}

bool eh_csv_raw_text(eh_csv_encoding encoding, eh_slice raw, eh_buf *out, eh_err *err)
{
    if (raw.len == 0) return true;
    size_t before = out->len;
    eh_csv_decoder decoder = {.encoding = encoding, .begun = true};
    if (!eh_csv_decode(&decoder, raw, true, out, err)) return false;
    if (eh_csv_is_utf16(encoding)) {
        replace_halves(out, before);
    } else if (encoding == EH_CSV_WINDOWS_1252 &&
               memchr(out->data + before, 0xff, out->len - before) != NULL) {
        out->len = before;
        return eh_buf_append(out, raw.data, raw.len, err);
    }
    return true;
}
