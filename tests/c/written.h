/* tests/c/written.h: random values as people and programs write them, by type. Every maker
 * writes a text of less than WIDTH bytes that inference takes for its type, edges among them.
 */
#ifndef EH_TESTS_WRITTEN_H
#define EH_TESTS_WRITTEN_H

#include "data/convert.h"

#include <inttypes.h>
#include <stdio.h>

enum { WIDTH = 64 };

static uint64_t random_state = 88172645463325252U;

static inline uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static inline uint64_t below(uint64_t limit)
{
    return next_random() % limit;
}

typedef char written[WIDTH];

static inline char *digits(char *out, size_t count)
{
    while (count-- > 0) *out++ = (char)('0' + below(10));
    *out = '\0';
    return out;
}

/* A whole number as inference accepts it, of `count` digits at most. */
static inline char *whole(char *out, size_t count)
{
    size_t len = 1 + below(count);
    if (len == 1) return digits(out, 1);
    *out++ = (char)('1' + below(9));
    return digits(out, len - 1);
}

static inline void make_bigint(char *out)
{
    static const char *const edges[] = {
        "0",     "-1",       "9223372036854775807", "-9223372036854775808",
        "10000", "99999999", "100000000",           "1234567890123456"};
    if (below(10) == 0) {
        snprintf(out, WIDTH, "%s", edges[below(8)]);
        return;
    }
    if (below(3) == 0) *out++ = '-';
    whole(out, 18);
    if (out[0] == '0') out[0] = '5'; /* no "-0" */
}

static inline void make_int4(char *out)
{
    snprintf(out, WIDTH, "%" PRId32, (int32_t)next_random() >> below(32));
}

static inline void make_int2(char *out)
{
    snprintf(out, WIDTH, "%d", (int16_t)next_random() >> below(16));
}

static inline void make_numeric(char *out)
{
    static const char *const edges[] = {"0",
                                        "0.0",
                                        "0.00000",
                                        "12.10",
                                        "10000",
                                        "0.0001",
                                        "0.00001",
                                        "100000000.00000001",
                                        "99999999999999999999.9999999999",
                                        "-0.5",
                                        "0.10000",
                                        "10000.0000",
                                        "1234567890123456.1",
                                        "12345678901234567.12345678",
                                        "0.123456789",
                                        "-9999",
                                        "-10000",
                                        "1.0000000000"};
    if (below(10) == 0) {
        snprintf(out, WIDTH, "%s", edges[below(sizeof edges / sizeof *edges)]);
        return;
    }
    bool negative = below(3) == 0;
    if (negative) *out++ = '-';
    char *end = whole(out, below(2) == 0 ? 6 : 28);
    if (below(5) != 0) {
        *end++ = '.';
        end = digits(end, 1 + below(below(2) == 0 ? 3 : 20));
    }
    if (negative) end[-1] = '7'; /* no negative zero */
}

static inline void make_date(char *out)
{
    eh_print_date((int64_t)below(3652059) - 719162, out);
    out[10] = '\0';
}

static inline void make_time(char *out)
{
    int64_t unit = (const int64_t[]){1, 1000, 100000, 1000000}[below(4)];
    out[eh_print_time((int64_t)below(86400000000) / unit * unit, out)] = '\0';
}

static inline int64_t some_instant(void)
{
    int64_t unit = (const int64_t[]){1, 1000, 1000000}[below(3)];
    return ((int64_t)below(315537897600000000) - 62135596800000000) / unit * unit;
}

static inline void make_datetime(char *out)
{
    size_t len = eh_print_timestamp(some_instant(), false, out);
    if (below(2) == 0) out[10] = ' ';
    out[len] = '\0';
}

static inline void make_timestamp(char *out)
{
    static const char *const zones[] = {"Z",      "+00",    "+0530", "-09:30",
                                        "+15:59", "-15:59", "+02"};
    size_t len = eh_print_timestamp(some_instant() / 2, false, out);
    if (below(2) == 0) out[10] = ' ';
    snprintf(out + len, WIDTH - len, "%s", zones[below(7)]);
}

static inline void make_boolean(char *out)
{
    snprintf(out, WIDTH, "%s", below(2) == 0 ? "true" : "false");
}

static inline void make_uuid(char *out)
{
    uint64_t a = next_random(), b = next_random();
    snprintf(out, WIDTH, "%08x-%04x-%04x-%04x-%012" PRIx64, (unsigned)(a >> 32),
             (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xffff), (unsigned)(b >> 48),
             b & 0xffffffffffff);
}

static inline void make_bytea(char *out)
{
    size_t count = below(20);
    char *p = out + snprintf(out, WIDTH, "\\x");
    for (size_t i = 0; i < count; i++) p += snprintf(p, 3, "%02x", (unsigned)below(256));
}

static inline void make_text(char *out)
{
    static const char *const parts[] = {
        "a", "\\", "\t", "\n",   "\r",    "\\N", "\\.", "é", "注", "\xf0\x9f\x98\x80",
        "'", "\"", "\b", "\x7f", "word ", ""};
    size_t count = below(12);
    char *p = out;
    *p = '\0';
    for (size_t i = 0; i < count; i++) p += snprintf(p, 6, "%s", parts[below(16)]);
}

static inline void make_json(char *out)
{
    snprintf(out, WIDTH, "{\"b\": [1, %u.50, null], \"a\": \"\\u00e9\\\\x\"}",
             (unsigned)below(1000));
}

static inline void make_double(char *out)
{
    snprintf(out, WIDTH, "%.*g", (int)(1 + below(15)),
             (double)(int64_t)next_random() / (double)(1 + below(1000000000)));
}

/* Numbers around the limits of small precisions. */
static inline void make_small(char *out)
{
    bool negative = below(4) == 0;
    if (negative) *out++ = '-';
    char *end = below(3) == 0 ? out + snprintf(out, 2, "0") : whole(out, 5);
    if (below(6) == 0) memcpy(out, "100000", 7), end = out + 6;
    if (below(4) != 0) {
        *end++ = '.';
        if (below(3) == 0) *end++ = '0';
        end = digits(end, below(3) + 1);
        if (below(2) == 0) *end++ = '0', *end = '\0';
    }
    if (negative) end[-1] = '3';
}

static inline void make_short_real(char *out)
{
    if (below(20) == 0) {
        snprintf(out, WIDTH, "%s",
                 below(2) == 0 ? "16777217" : "340282350000000000000000000000000000000");
        return;
    }
    make_small(out);
    if (strchr(out, '.') != NULL && below(2) == 0)
        snprintf(out + strlen(out), 4, "%s", below(2) == 0 ? "1" : "123");
}

/* A well-formed value of any type with up to three of its characters changed. */
static inline void make_mutant(char *out)
{
    static void (*const makers[])(char *) = {make_bigint, make_numeric,  make_date,
                                             make_time,   make_datetime, make_timestamp,
                                             make_boolean};
    static const char marks[] = "0123456789-+.:TZ e,";
    makers[below(7)](out);
    for (size_t n = below(4), len = strlen(out); n > 0 && len > 0; n--) {
        size_t at = below(len);
        if (below(4) == 0)
            memmove(out + at, out + at + 1, len-- - at);
        else
            out[at] = marks[below(sizeof marks - 1)];
    }
}

#endif
