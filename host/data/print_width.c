/* data/print_width.c: how wide a text is on a terminal, and what a terminal must not be sent.
 *
 * Widths follow Unicode's East Asian Width (UAX 11) and the emoji that terminals draw wide;
 * ranges are merged where the difference is an unassigned character. Rough by nature: terminals
 * themselves disagree. */
#include "data/print_parts.h"

#include <stdio.h>

typedef struct range {
    uint32_t from;
    uint32_t to;
} range;

static const range none_wide[] = {
    {0x0300, 0x036f},   {0x0483, 0x0489},   {0x0591, 0x05bd},   {0x064b, 0x065f},
    {0x0e31, 0x0e31},   {0x0e34, 0x0e3a},   {0x0e47, 0x0e4e},   {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff},   {0x200b, 0x200d},   {0x20d0, 0x20ff},   {0x302a, 0x302f},
    {0x3099, 0x309a},   {0xfe00, 0xfe0f},   {0xfe20, 0xfe2f},   {0xfeff, 0xfeff},
    {0x1f3fb, 0x1f3ff}, {0xe0020, 0xe007f}, {0xe0100, 0xe01ef},
};

static const range twice_wide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},
    {0x23f0, 0x23f0},   {0x23f3, 0x23f3},   {0x25fd, 0x25fe},   {0x2614, 0x2615},
    {0x2648, 0x2653},   {0x267f, 0x267f},   {0x2693, 0x2693},   {0x26a1, 0x26a1},
    {0x26aa, 0x26ab},   {0x26bd, 0x26be},   {0x26c4, 0x26c5},   {0x26ce, 0x26ce},
    {0x26d4, 0x26d4},   {0x26ea, 0x26ea},   {0x26f2, 0x26f3},   {0x26f5, 0x26f5},
    {0x26fa, 0x26fa},   {0x26fd, 0x26fd},   {0x2705, 0x2705},   {0x270a, 0x270b},
    {0x2728, 0x2728},   {0x274c, 0x274c},   {0x274e, 0x274e},   {0x2753, 0x2755},
    {0x2757, 0x2757},   {0x2795, 0x2797},   {0x27b0, 0x27b0},   {0x27bf, 0x27bf},
    {0x2b1b, 0x2b1c},   {0x2b50, 0x2b50},   {0x2b55, 0x2b55},   {0x2e80, 0x303e},
    {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0xa4cf},   {0xa960, 0xa97f},
    {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},
    {0xffe0, 0xffe6},   {0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f18e},
    {0x1f191, 0x1f19a}, {0x1f200, 0x1f320}, {0x1f32d, 0x1f64f}, {0x1f680, 0x1f6fc},
    {0x1f7e0, 0x1f7eb}, {0x1f90c, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
};

/* Line and paragraph separators, and what turns the direction of writing (UAX 9): a name could
 * be made to read as another. */
static const range unsafe[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f}, {0x061c, 0x061c},
    {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069},
};

static bool among(const range *ranges, size_t count, uint32_t c)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c > ranges[middle].to)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && c >= ranges[low].from;
}

#define AMONG(ranges, c) among(ranges, sizeof(ranges) / sizeof *(ranges), c)

/* One character: its bytes, its code point, its width. A byte that is not UTF-8 is a character
 * of its own, not valid. */
typedef struct letter {
    size_t bytes;
    uint32_t code;
    bool valid;
} letter;

static letter decode(eh_slice text, size_t at)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)text.data + at;
    letter out = {1, p[0], p[0] < 0x80};
    size_t bytes = p[0] < 0xc2 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 1;
    if (bytes == 1 || bytes > text.len - at) return out;
    uint32_t code = p[0] & (0x7fU >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((p[i] & 0xc0) != 0x80) return out;
        code = code << 6 | (p[i] & 0x3fU);
    }
    if (code < least[bytes] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return out;
    return (letter){bytes, code, true};
}

/* Emoji joined by U+200D are drawn as one: the joined one adds nothing. */
static size_t width_of(uint32_t code, uint32_t before)
{
    if (code < 0x300) return 1;
    if (before == 0x200d || AMONG(none_wide, code)) return 0;
    return AMONG(twice_wide, code) ? 2 : 1;
}

size_t eh_print_width(eh_slice text)
{
    size_t width = 0;
    uint32_t before = 0;
    for (size_t at = 0; at < text.len;) {
        letter l = decode(text, at);
        width += width_of(l.code, before);
        before = l.code;
        at += l.bytes;
    }
    return width;
}

/* The text to show for a character; borrowed from the text or from room. */
static eh_slice show(eh_slice text, size_t at, const letter *l, char room[12])
{
    if (l->valid && !AMONG(unsafe, l->code)) return eh_slice_of(text.data + at, l->bytes);
    static const char named[] = "\n\r\t", names[] = "nrt";
    const char *name =
        l->valid && l->code != 0 && l->code < 0x80 ? strchr(named, (int)l->code) : NULL;
    if (name != NULL)
        (void)snprintf(room, 12, "\\%c", names[name - named]);
    else if (l->code < 0x100)
        (void)snprintf(room, 12, "\\x%02x", (unsigned)l->code);
    else
        (void)snprintf(room, 12, "\\u%04x", (unsigned)l->code);
    return eh_slice_str(room);
}

bool eh_print_shown(eh_buf *out, eh_slice text, size_t most, size_t *width, eh_err *err)
{
    static const char ellipsis[] = "\xe2\x80\xa6";
    size_t cut_len = out->len, cut_width = 0; /* where an ellipsis would still fit */
    uint32_t before = 0;
    *width = 0;
    for (size_t at = 0; at < text.len;) {
        char room[12];
        letter l = decode(text, at);
        eh_slice shown = show(text, at, &l, room);
        size_t wide = shown.data == room ? shown.len : width_of(l.code, before);
        if (*width + wide > most) {
            out->len = cut_len;
            *width = cut_width + (most > 0);
            return most == 0 || eh_buf_append_str(out, ellipsis, err);
        }
        if (!eh_buf_append(out, shown.data, shown.len, err)) return false;
        *width += wide;
        if (*width < most) {
            cut_len = out->len;
            cut_width = *width;
        }
        before = l.code;
        at += l.bytes;
    }
    return true;
}
