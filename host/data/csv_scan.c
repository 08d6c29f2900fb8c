/* data/csv_scan.c: finds delimiters, quotes and line ends, 64 bytes at a time.
 *
 * Three builds of one function, chosen at run time; no special compiler flags, so that the
 * executable runs on any x86-64, and elsewhere the scalar one does. What a marked byte means is
 * left to csv_walk.c. */
#include "data/csv_scan.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { BLOCK = 64 };

/* The last bytes of a scan, padded to a block: reading past `to` would see the next batch's
 * bytes, or none of ours. */
static const char *pad_tail(const char *data, size_t len, char tail[BLOCK])
{
    memset(tail, 1, BLOCK); /* neither NUL nor past ASCII */
    memcpy(tail, data, len);
    return tail;
}

static uint64_t tail_mask(size_t len)
{
    return len >= BLOCK ? ~(uint64_t)0 : ((uint64_t)1 << len) - 1;
}

static inline uint32_t *write_bits(uint32_t *out, size_t at, uint64_t bits)
{
    for (; bits != 0; bits &= bits - 1) *out++ = (uint32_t)at + (uint32_t)__builtin_ctzll(bits);
    return out;
}

static size_t scan_scalar(const char *data, size_t from, size_t to, char delimiter, char quote,
                          uint32_t *index, unsigned *flags)
{
    uint8_t marked[256] = {['\n'] = 1, ['\r'] = 1};
    marked[(unsigned char)delimiter] = marked[(unsigned char)quote] = 1;
    uint32_t *out = index;
    unsigned char all = 0;
    bool nul = false;
    for (size_t at = from; at < to; at++) {
        unsigned char c = (unsigned char)data[at];
        *out = (uint32_t)at;
        out += marked[c];
        all |= c;
        nul |= c == 0;
    }
    *flags = (all >= 0x80 ? EH_CSV_HIGH : 0U) | (nul ? EH_CSV_NUL : 0U);
    return (size_t)(out - index);
}

#if defined(__x86_64__)

typedef struct marks128 {
    __m128i delimiter, quote, cr, lf;
} marks128;

static inline uint64_t marked_sse2(__m128i v, const marks128 *m)
{
    __m128i d = _mm_or_si128(_mm_cmpeq_epi8(v, m->delimiter), _mm_cmpeq_epi8(v, m->quote));
    __m128i n = _mm_or_si128(_mm_cmpeq_epi8(v, m->cr), _mm_cmpeq_epi8(v, m->lf));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(d, n));
}

static size_t scan_sse2(const char *data, size_t from, size_t to, char delimiter, char quote,
                        uint32_t *index, unsigned *flags)
{
    const marks128 m = {_mm_set1_epi8(delimiter), _mm_set1_epi8(quote), _mm_set1_epi8('\r'),
                        _mm_set1_epi8('\n')};
    __m128i all = _mm_setzero_si128(), least = _mm_set1_epi8(-1);
    char tail[BLOCK];
    uint32_t *out = index;
    for (size_t at = from; at < to; at += BLOCK) {
        const char *p = data + at;
        if (to - at < BLOCK) p = pad_tail(p, to - at, tail);
        uint64_t bits = 0;
        for (size_t i = 0; i < 4; i++) {
            __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
            bits |= marked_sse2(v, &m) << (16 * i);
            all = _mm_or_si128(all, v);
            least = _mm_min_epu8(least, v);
        }
        out = write_bits(out, at, bits & tail_mask(to - at));
    }
    bool high = _mm_movemask_epi8(all) != 0;
    bool nul = _mm_movemask_epi8(_mm_cmpeq_epi8(least, _mm_setzero_si128())) != 0;
    *flags = (high ? EH_CSV_HIGH : 0U) | (nul ? EH_CSV_NUL : 0U);
    return (size_t)(out - index);
}

#define AVX2 __attribute__((target("avx2,bmi,popcnt")))

typedef struct marks256 {
    __m256i delimiter, quote, cr, lf;
} marks256;

AVX2 static inline uint64_t marked_avx2(__m256i v, const marks256 *m)
{
    __m256i d =
        _mm256_or_si256(_mm256_cmpeq_epi8(v, m->delimiter), _mm256_cmpeq_epi8(v, m->quote));
    __m256i n = _mm256_or_si256(_mm256_cmpeq_epi8(v, m->cr), _mm256_cmpeq_epi8(v, m->lf));
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(d, n));
}

/* Writes eight entries whether or not there are so many: a loop that runs as often as there are
 * bits is mispredicted once a block. tzcnt of 0 is 64, so the surplus is harmless. */
AVX2 static inline uint64_t write_eight(uint32_t *out, size_t at, uint64_t bits)
{
    for (unsigned i = 0; i < 8; i++) {
        out[i] = (uint32_t)at + (uint32_t)_tzcnt_u64(bits);
        bits = _blsr_u64(bits);
    }
    return bits;
}

AVX2 static inline uint32_t *write_bits_avx2(uint32_t *out, size_t at, uint64_t bits)
{
    size_t count = (size_t)_mm_popcnt_u64(bits);
    for (size_t i = 0; i < count; i += 8) bits = write_eight(out + i, at, bits);
    return out + count;
}

AVX2 static size_t scan_avx2(const char *data, size_t from, size_t to, char delimiter,
                             char quote, uint32_t *index, unsigned *flags)
{
    const marks256 m = {_mm256_set1_epi8(delimiter), _mm256_set1_epi8(quote),
                        _mm256_set1_epi8('\r'), _mm256_set1_epi8('\n')};
    __m256i all = _mm256_setzero_si256(), least = _mm256_set1_epi8(-1);
    char tail[BLOCK];
    uint32_t *out = index;
    for (size_t at = from; at < to; at += BLOCK) {
        const char *p = data + at;
        if (to - at < BLOCK) p = pad_tail(p, to - at, tail);
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)p);
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
        uint64_t bits = marked_avx2(a, &m) | marked_avx2(b, &m) << 32;
        all = _mm256_or_si256(all, _mm256_or_si256(a, b));
        least = _mm256_min_epu8(least, _mm256_min_epu8(a, b));
        out = write_bits_avx2(out, at, bits & tail_mask(to - at));
    }
    bool high = _mm256_movemask_epi8(all) != 0;
    bool nul = _mm256_movemask_epi8(_mm256_cmpeq_epi8(least, _mm256_setzero_si256())) != 0;
    *flags = (high ? EH_CSV_HIGH : 0U) | (nul ? EH_CSV_NUL : 0U);
    return (size_t)(out - index);
}

#endif

eh_csv_scan_fn *eh_csv_scan_for(int simd)
{
    if (simd == 1) return scan_scalar;
#if defined(__x86_64__)
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                __builtin_cpu_supports("popcnt");
    if (simd == 2) return scan_sse2; /* every x86-64 has it */
    if (simd == 3) return avx2 ? scan_avx2 : NULL;
    if (simd == 0) return avx2 ? scan_avx2 : scan_sse2;
#else
    if (simd == 0) return scan_scalar;
#endif
    return NULL;
}
