/* data/convert_scan.h: digits in text, eight at a time; private to the room `data`.
 *
 * A cell is read with loads that never leave it (two overlapping ones where it is short), so
 * that the cost depends on the class of its length and not on each byte: a loop a digit
 * mispredicts once a cell. A loaded word has the first character in its low byte. Floor 1. */
#ifndef EH_DATA_CONVERT_SCAN_H
#define EH_DATA_CONVERT_SCAN_H

#include "base/slice.h"

#include <endian.h>
#include <stdint.h>

/* The years that can be written: 0001-01-01T00:00:00 up to 10000-01-01, in microseconds since
 * 1970; the years 1 to 10000 have 25 * 146097 days, the last of them 366. */
#define EH_US_PER_DAY INT64_C(86400000000)
#define EH_US_FIRST   (-719162 * EH_US_PER_DAY)
#define EH_US_END     ((INT64_C(25) * 146097 - 366 - 719162) * EH_US_PER_DAY)

#define EH_ZEROS8 UINT64_C(0x3030303030303030) /* "00000000" */

static inline uint64_t eh_load8(const char *s)
{
    uint64_t w;
    memcpy(&w, s, sizeof w);
    return le64toh(w);
}

static inline uint32_t eh_load4(const char *s)
{
    uint32_t w;
    memcpy(&w, s, sizeof w);
    return le32toh(w);
}

/* The `len` (1 to 8) bytes at s in the low bytes, zero above. */
static inline uint64_t eh_load_upto8(const char *s, size_t len)
{
    if (len >= 4) return eh_load4(s) | (uint64_t)eh_load4(s + len - 4) << (8 * (len - 4));
    size_t mid = len / 2, last = len - 1;
    return (uint64_t)(unsigned char)s[0] | (uint64_t)(unsigned char)s[mid] << (8 * mid) |
           (uint64_t)(unsigned char)s[last] << (8 * last);
}

/* One to eight characters as the last of eight, '0' before them: "42" is "00000042". */
static inline uint64_t eh_load_right(const char *s, size_t len)
{
    unsigned shift = (unsigned)(8 * (8 - len));
    return eh_load_upto8(s, len) << shift | (EH_ZEROS8 & ((UINT64_C(1) << shift) - 1));
}

/* One to eight characters as the first of eight, '0' after them: "42" is "42000000". */
static inline uint64_t eh_load_left(const char *s, size_t len)
{
    uint64_t w = eh_load_upto8(s, len);
    return len == 8 ? w : w | EH_ZEROS8 << (8 * len);
}

/* Are the bytes digits wherever `shape` has '0', and the very bytes of `shape` elsewhere?
 * `fixed` has 0xff at the places where shape has no digit. */
static inline bool eh_is_shape8(uint64_t w, uint64_t shape, uint64_t fixed)
{
    uint64_t t = w ^ shape;
    uint64_t high = UINT64_C(0xf0f0f0f0f0f0f0f0);
    return (((t | (t + UINT64_C(0x0606060606060606))) & high) | (t & fixed)) == 0;
}

static inline bool eh_is_digits8(uint64_t w)
{
    return eh_is_shape8(w, EH_ZEROS8, 0);
}

/* Eight digits as two numbers of four digits: the first in the low half, the second in the high
 * half. (Those are two digits of Postgres' numeric, without a division.) */
static inline uint64_t eh_fours(uint64_t w)
{
    uint64_t t = w & UINT64_C(0x0f0f0f0f0f0f0f0f);
    uint64_t pairs = (t * 10 + (t >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    return (pairs * 100 + (pairs >> 16)) & UINT64_C(0x0000ffff0000ffff);
}

static inline uint64_t eh_value8(uint64_t w)
{
    uint64_t fours = eh_fours(w);
    return (fours & 0xffff) * 10000 + (fours >> 32);
}

static inline bool eh_is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static inline bool eh_all_digits(const char *s, size_t len)
{
    for (; len > 8; s += 8, len -= 8)
        if (!eh_is_digits8(eh_load8(s))) return false;
    return len == 0 || eh_is_digits8(eh_load_right(s, len));
}

/* 1 to 19 digits as a number; false when one is none. 19 nines fit into 64 bits unsigned. */
static inline bool eh_scan_digits(const char *s, size_t len, uint64_t *value)
{
    size_t head = (len - 1) % 8 + 1;
    uint64_t w = eh_load_right(s, head);
    bool digits = eh_is_digits8(w);
    uint64_t v = eh_value8(w);
    for (s += head, len -= head; len > 0; s += 8, len -= 8) {
        w = eh_load8(s);
        digits &= eh_is_digits8(w);
        v = v * 100000000 + eh_value8(w);
    }
    *value = v;
    return digits;
}

/* -?(0|[1-9][0-9]*) within 64 bits, not "-0": the whole numbers that print back as they came.
 */
static inline bool eh_scan_bigint(const char *s, size_t len, int64_t *value)
{
    bool negative = len > 0 && s[0] == '-';
    s += negative;
    len -= negative;
    if (len - 1 > 18) return false;
    if (s[0] == '0') {
        *value = 0;
        return len == 1 && !negative;
    }
    uint64_t v;
    if (!eh_scan_digits(s, len, &v) || v > (uint64_t)INT64_MAX + negative) return false;
    *value = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

#endif
