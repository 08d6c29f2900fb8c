/* data/csv_text.c: bytes to UTF-8, and whether they are. See csv_scan.h. */
#include "data/csv_scan.h"

/* Settles the encoding by the first bytes (up to three) and counts the byte order mark. */
static bool begin(eh_csv_decoder *d, const unsigned char *p, size_t len, eh_err *err)
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
    if (!eh_csv_is_bytes(d->encoding) || !(utf8_mark || le_mark || be_mark)) return true;
    (void)eh_fail(err, EH_CLASS_DATA, "%s is declared, but the text begins with the mark of %s",
                  d->encoding == EH_CSV_LATIN1 ? "latin1" : "windows-1252",
                  utf8_mark ? "UTF-8" : "UTF-16");
    return eh_err_hint(err, "leave `encoding` out: the mark is enough");
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
    if (eh_csv_is_utf16(d->encoding))
        return append_utf16(d, (const unsigned char *)data, len, last, out, err);
    if (eh_csv_is_bytes(d->encoding))
        return eh_csv_decode_bytes(d->encoding, eh_slice_of(data, len), out, err);
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
        if (!begin(d, d->held, d->held_len, err)) return false;
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
    if (!eh_csv_is_utf16(encoding) && !eh_csv_is_bytes(encoding)) return len;
    size_t bytes = 0;
    if (eh_csv_is_bytes(encoding)) {
        for (size_t i = 0; i < len; i++) bytes += ((unsigned char)data[i] & 0xc0) != 0x80;
        return bytes;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];
        bool lead = (c & 0xc0) != 0x80;
        bytes += lead ? 2U : 0U;
        bytes += c >= 0xf0 && c != 0xff ? 2U : 0U;
        bytes -= c == 0xff ? 1U : 0U; /* half a unit */
    }
    return bytes;
}

/* ---- UTF-8 ----
 *
 * An automaton in registers: a row for each byte holds six bits for each state it may be met
 * in, namely the next state; a state is the shift that brings its six bits down. A step is then
 * one load that waits for nothing and one shift. The states say what may come next. */
enum {
    WHOLE = 0,   /* a character */
    BAD = 6,     /* for ever */
    TAIL_1 = 12, /* one byte 80..bf */
    TAIL_2 = 18,
    TAIL_3 = 24,
    AFTER_E0 = 30, /* a0..bf, else it is overlong; then TAIL_1 */
    AFTER_ED = 36, /* 80..9f, else a surrogate */
    AFTER_F0 = 42, /* 90..bf, else overlong; then TAIL_2 */
    AFTER_F4 = 48, /* 80..8f, else past U+10FFFF */
    STATE_MASK = 63
};

#define TO(state, next) ((uint64_t)((next) ^ BAD) << (state))
#define ALL_BAD                                                                                \
    ((uint64_t)BAD << WHOLE | (uint64_t)BAD << BAD | (uint64_t)BAD << TAIL_1 |                 \
     (uint64_t)BAD << TAIL_2 | (uint64_t)BAD << TAIL_3 | (uint64_t)BAD << AFTER_E0 |           \
     (uint64_t)BAD << AFTER_ED | (uint64_t)BAD << AFTER_F0 | (uint64_t)BAD << AFTER_F4)
#define LEAD(next) (ALL_BAD ^ TO(WHOLE, next))
#define TAIL       (ALL_BAD ^ TO(TAIL_1, WHOLE) ^ TO(TAIL_2, TAIL_1) ^ TO(TAIL_3, TAIL_2))

static const uint64_t utf8_rows[256] = {
    [0x00 ... 0x7f] = LEAD(WHOLE),
    [0x80 ... 0x8f] = TAIL ^ TO(AFTER_ED, TAIL_1) ^ TO(AFTER_F4, TAIL_2),
    [0x90 ... 0x9f] = TAIL ^ TO(AFTER_ED, TAIL_1) ^ TO(AFTER_F0, TAIL_2),
    [0xa0 ... 0xbf] = TAIL ^ TO(AFTER_E0, TAIL_1) ^ TO(AFTER_F0, TAIL_2),
    [0xc0 ... 0xc1] = ALL_BAD,
    [0xc2 ... 0xdf] = LEAD(TAIL_1),
    [0xe0] = LEAD(AFTER_E0),
    [0xe1 ... 0xec] = LEAD(TAIL_2),
    [0xed] = LEAD(AFTER_ED),
    [0xee ... 0xef] = LEAD(TAIL_2),
    [0xf0] = LEAD(AFTER_F0),
    [0xf1 ... 0xf3] = LEAD(TAIL_3),
    [0xf4] = LEAD(AFTER_F4),
    [0xf5 ... 0xff] = ALL_BAD,
};

static inline uint64_t utf8_step(uint64_t state, unsigned char byte)
{
    return utf8_rows[byte] >> (state & STATE_MASK);
}

/* Eight steps, written out because -O2 does not unroll. */
static inline uint64_t utf8_eight(uint64_t state, const unsigned char *p)
{
    state = utf8_step(utf8_step(state, p[0]), p[1]);
    state = utf8_step(utf8_step(state, p[2]), p[3]);
    state = utf8_step(utf8_step(state, p[4]), p[5]);
    return utf8_step(utf8_step(state, p[6]), p[7]) & STATE_MASK;
}

/* Where the last whole character before `len` ends, going from `good`, where one did. */
static size_t whole_prefix(const unsigned char *p, size_t good, size_t len)
{
    uint64_t state = WHOLE;
    for (size_t at = good; at < len && state != BAD; at++) {
        state = utf8_step(state, p[at]) & STATE_MASK;
        if (state == WHOLE) good = at + 1;
    }
    return good;
}

size_t eh_csv_utf8_prefix(const char *data, size_t len)
{
    const unsigned char *p = (const unsigned char *)data;
    uint64_t state = WHOLE, word;
    size_t at = 0, good = 0;
    for (; len - at >= sizeof word && state != BAD; at += sizeof word) {
        memcpy(&word, p + at, sizeof word);
        if (state == WHOLE) good = at;
        bool ascii = (word & 0x8080808080808080ULL) == 0;
        if (state != WHOLE || !ascii) state = utf8_eight(state, p + at);
    }
    for (; at < len; at++) state = utf8_step(state, p[at]) & STATE_MASK;
    return state == WHOLE ? len : whole_prefix(p, good, len);
}
