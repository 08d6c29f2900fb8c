/* data/copyenc_numeric.c: see copyenc_numeric.h. */
#include "data/copyenc_numeric.h"

#include "data/convert_scan.h"
#include "data/copyenc_fit.h"

enum { SIGN_NEGATIVE = 0x4000, HEADER = 12 };

static void put16(char *out, uint32_t value)
{
    uint16_t big = htobe16((uint16_t)value);
    memcpy(out, &big, sizeof big);
}

/* Length and the four words in front of the digits. */
static void put_header(char *out, size_t count, int64_t weight, bool negative, size_t scale)
{
    uint32_t len = htobe32((uint32_t)(8 + 2 * count));
    memcpy(out, &len, sizeof len);
    put16(out + 4, (uint32_t)count);
    put16(out + 6, (uint32_t)weight);
    put16(out + 8, negative ? SIGN_NEGATIVE : 0);
    put16(out + 10, (uint32_t)scale);
}

/* Six digits to the base 10000, the first of weight 3, from three words of eight characters. */
static size_t put_groups(const uint64_t *words, bool negative, size_t scale, char *out)
{
    uint16_t groups[12] = {0}; /* six, and room for the copy below */
    unsigned used = 0;
    for (size_t i = 0; i < 6; i += 2) {
        uint64_t fours = eh_fours(words[i / 2]);
        uint16_t first = (uint16_t)fours, second = (uint16_t)(fours >> 32);
        groups[i] = htobe16(first);
        groups[i + 1] = htobe16(second);
        used |= (unsigned)(first != 0) << i | (unsigned)(second != 0) << (i + 1);
    }
    if (used == 0) {
        put_header(out, 0, 0, false, scale);
        return negative ? 0 : HEADER;
    }
    unsigned begin = (unsigned)__builtin_ctz(used), end = 32 - (unsigned)__builtin_clz(used);
    put_header(out, end - begin, 3 - (int64_t)begin, negative, scale);
    memcpy(out + HEADER, groups + begin, 6 * sizeof *groups);
    return HEADER + 2 * (size_t)(end - begin);
}

/* Where a typmod would need more than a glance, the slow path decides and names the reason. */
static bool typmod_allows(int32_t typmod, size_t whole, size_t scale)
{
    if (typmod < 0) return true;
    int keeps = eh_numeric_scale(typmod);
    return (int64_t)scale == keeps && (int64_t)whole <= eh_numeric_precision(typmod) - keeps;
}

size_t eh_copy_try_numeric(const eh_pg_column *column, const char *text, size_t len, char *out)
{
    bool negative = len > 0 && text[0] == '-';
    text += negative;
    len -= negative;
    if (len - 1 > 24) return 0;
    size_t point = 1; /* the point's place from the end; most numbers have it at the same one */
    while (point <= 9 && point < len && text[len - point] != '.') point++;
    bool has_point = point <= 9 && point < len;
    size_t scale = has_point ? point - 1 : 0, whole = has_point ? len - point : len;
    if (whole > 16 || (has_point && scale == 0) || (text[0] == '0' && whole > 1)) return 0;
    if (!typmod_allows(column->typmod, whole, scale)) return 0;
    const uint64_t words[3] = {
        whole > 8 ? eh_load_right(text, whole - 8) : EH_ZEROS8,
        whole > 8 ? eh_load8(text + whole - 8) : eh_load_right(text, whole),
        scale > 0 ? eh_load_left(text + whole + 1, scale) : EH_ZEROS8,
    };
    if (!eh_is_digits8(words[0]) || !eh_is_digits8(words[1]) || !eh_is_digits8(words[2]))
        return 0;
    return put_groups(words, negative, scale, out);
}

/* Up to four digits at s, of which `count` are there, as if zeros followed. */
static uint32_t group(const char *s, size_t count)
{
    uint32_t value = 0;
    for (size_t i = 0; i < 4; i++)
        value = value * 10 + (i < count ? (uint32_t)(s[i] - '0') : 0);
    return value;
}

/* Groups of four digits; zeros in front and at the end are not sent. */
typedef struct digit_writer {
    char *digits;
    size_t count;   /* written, zeros at the end included */
    size_t used;    /* up to the last one that is not 0 */
    int64_t weight; /* of the next group */
    int64_t first;  /* weight of the first group sent */
} digit_writer;

static void put_group(digit_writer *w, uint32_t value)
{
    int64_t weight = w->weight--;
    if (value == 0 && w->count == 0) return;
    if (w->count == 0) w->first = weight;
    put16(w->digits + 2 * w->count++, value);
    if (value != 0) w->used = w->count;
}

size_t eh_copy_put_numeric(eh_slice text, char *out)
{
    const char *s = text.data, *end = s + text.len;
    bool negative = s < end && *s == '-';
    s += negative;
    const char *point = memchr(s, '.', (size_t)(end - s));
    size_t whole = (size_t)((point != NULL ? point : end) - s);
    size_t scale = point != NULL ? (size_t)(end - point) - 1 : 0;
    size_t head = (whole + 3) % 4 + 1; /* digits of the first group: 1 to 4 */
    digit_writer w = {.digits = out + HEADER, .weight = (int64_t)((whole + 3) / 4) - 1};
    uint32_t value = 0;
    for (size_t i = 0; i < head; i++) value = value * 10 + (uint32_t)(s[i] - '0');
    put_group(&w, value);
    for (size_t i = head; i < whole; i += 4) put_group(&w, group(s + i, 4));
    for (size_t i = 0; i < scale; i += 4)
        put_group(&w, group(point + 1 + i, scale - i < 4 ? scale - i : 4));
    put_header(out, w.used, w.first, negative && w.used > 0, scale);
    return HEADER + 2 * w.used;
}
