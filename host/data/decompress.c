/* data/decompress.c: see decompress.h. zlib, libzstd and libbrotlidec do the work; that the end
 * is there, that nothing strange follows it and that the size is bearable is watched here. */
#include "data/decompress.h"

#define ZLIB_CONST /* zlib.h: input is read only */

#include <brotli/decode.h>
#include <limits.h>
#include <stdlib.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

/* A small input of one repeated byte may well expand beyond the ratio, with zstd and brotli:
 * only what is large as well is a bomb. */
#define RATIO_FLOOR_BYTES ((uint64_t)1024 * 1024)
enum { DEFAULT_RATIO = 1100, GZIP_ONLY = 15 + 16 /* zlib.h, inflateInit2 */ };

typedef enum state {
    INSIDE,  /* a member or frame has begun, or must begin */
    BETWEEN, /* one has ended; another may follow */
    PADDING  /* zeros after the last gzip member; nothing but zeros may follow */
} state;

struct eh_decompress {
    eh_coding coding;
    state state;
    uint64_t max_decoded;
    uint64_t max_ratio;
    uint64_t coded;
    uint64_t decoded;
    z_stream gzip; /* set up when coding is GZIP */
    bool gzip_ready;
    bool cut;
    ZSTD_DStream *zstd;         /* owned; when coding is ZSTD */
    BrotliDecoderState *brotli; /* owned; when coding is BROTLI */
};

eh_coding eh_coding_detect(const char *data, size_t len)
{
    if (len < 4) return EH_CODING_NONE;
    const unsigned char *p = (const unsigned char *)data;
    if (p[0] == 0x1f && p[1] == 0x8b && p[2] == 8) return EH_CODING_GZIP;
    if (p[0] == 0x28 && p[1] == 0xb5 && p[2] == 0x2f && p[3] == 0xfd) return EH_CODING_ZSTD;
    /* A skippable frame may stand first (RFC 8878, 3.1.2). */
    if ((p[0] & 0xf0) == 0x50 && p[1] == 0x2a && p[2] == 0x4d && p[3] == 0x18)
        return EH_CODING_ZSTD;
    return EH_CODING_NONE;
}

eh_coding eh_coding_of_name(const char *name, size_t *stem)
{
    static const struct {
        const char *ending;
        eh_coding coding;
    } known[] = {{".gz", EH_CODING_GZIP},
                 {".gzip", EH_CODING_GZIP},
                 {".zst", EH_CODING_ZSTD},
                 {".zstd", EH_CODING_ZSTD},
                 {".br", EH_CODING_BROTLI}};
    size_t len = strlen(name);
    eh_coding found = EH_CODING_NONE;
    for (size_t i = 0; found == EH_CODING_NONE && i < sizeof known / sizeof known[0]; i++) {
        size_t n = strlen(known[i].ending);
        if (len <= n || strcasecmp(name + len - n, known[i].ending) != 0) continue;
        found = known[i].coding;
        len -= n;
    }
    if (stem != NULL) *stem = len;
    return found;
}

static const char *const names[] = {"plain", "gzip", "zstd", "brotli"};

const char *eh_coding_name(eh_coding coding)
{
    return names[coding];
}

bool eh_coding_named(const char *name, eh_coding *coding)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        *coding = (eh_coding)i;
        if (strcmp(name, names[i]) == 0) return true;
    }
    return false;
}

static bool set_up(eh_decompress *d)
{
    if (d->coding == EH_CODING_GZIP)
        return d->gzip_ready = inflateInit2(&d->gzip, GZIP_ONLY) == Z_OK;
    if (d->coding == EH_CODING_BROTLI)
        return (d->brotli = BrotliDecoderCreateInstance(NULL, NULL, NULL)) != NULL;
    if (d->coding != EH_CODING_ZSTD) return true;
    d->zstd = ZSTD_createDStream();
    return d->zstd != NULL && !ZSTD_isError(ZSTD_initDStream(d->zstd));
}

eh_decompress *eh_decompress_new(eh_coding coding, uint64_t max_decoded, unsigned max_ratio,
                                 eh_err *err)
{
    eh_decompress *d = calloc(1, sizeof *d);
    if (d != NULL) {
        d->coding = coding;
        d->max_decoded = max_decoded;
        d->max_ratio = max_ratio != 0 ? max_ratio : DEFAULT_RATIO;
        if (set_up(d)) return d;
    }
    eh_decompress_free(d);
    (void)eh_fail_memory(err, "a decompressor");
    return NULL;
}

void eh_decompress_free(eh_decompress *d)
{
    if (d == NULL) return;
    if (d->gzip_ready) (void)inflateEnd(&d->gzip);
    (void)ZSTD_freeDStream(d->zstd);
    if (d->brotli != NULL) BrotliDecoderDestroyInstance(d->brotli);
    free(d);
}

static bool fail_data(const eh_decompress *d, const char *what, eh_err *err)
{
    return eh_fail(err, EH_CLASS_DATA, "%s data are damaged after %llu bytes: %s",
                   eh_coding_name(d->coding), (unsigned long long)d->coded, what);
}

static void eat(eh_decompress *d, eh_slice *in, size_t count)
{
    in->data += count;
    in->len -= count;
    d->coded += count;
}

/* One step: takes from *in, adds to *produced. Sets *stuck when nothing more can be done. */
static bool step_none(eh_decompress *d, eh_slice *in, char *out, size_t cap, size_t *produced,
                      bool *stuck)
{
    size_t n = in->len < cap - *produced ? in->len : cap - *produced;
    if (n > 0) memcpy(out + *produced, in->data, n);
    *produced += n;
    eat(d, in, n);
    *stuck = n == 0;
    return true;
}

/* Between two members: another, or zeros up to the end (tape blocks, `dd`). */
static bool between_members(eh_decompress *d, eh_slice *in, bool *stuck, eh_err *err)
{
    while (in->len > 0 && *in->data == 0) {
        d->state = PADDING;
        eat(d, in, 1);
    }
    *stuck = in->len == 0;
    if (*stuck) return true;
    if (d->state == PADDING || (unsigned char)*in->data != 0x1f)
        return fail_data(d, "what follows the end is not gzip", err);
    if (inflateReset(&d->gzip) != Z_OK) return fail_data(d, "inflateReset failed", err);
    d->state = INSIDE;
    return true;
}

static uInt clamp(size_t n)
{
    return n < UINT_MAX ? (uInt)n : UINT_MAX;
}

static bool step_gzip(eh_decompress *d, eh_slice *in, char *out, size_t cap, size_t *produced,
                      bool *stuck, eh_err *err)
{
    if (d->state != INSIDE) return between_members(d, in, stuck, err);
    uInt in_len = clamp(in->len), out_len = clamp(cap - *produced);
    d->gzip.next_in = (const Bytef *)in->data;
    d->gzip.avail_in = in_len;
    d->gzip.next_out = (Bytef *)out + *produced;
    d->gzip.avail_out = out_len;
    int rc = inflate(&d->gzip, Z_NO_FLUSH);
    uInt taken = in_len - d->gzip.avail_in, made = out_len - d->gzip.avail_out;
    eat(d, in, taken);
    *produced += made;
    *stuck = rc == Z_BUF_ERROR || (taken == 0 && made == 0);
    if (rc == Z_STREAM_END) {
        d->state = BETWEEN;
        *stuck = false;
        return true;
    }
    if (rc == Z_MEM_ERROR) return eh_fail_memory(err, "a decompressor");
    if (rc == Z_OK || rc == Z_BUF_ERROR) return true;
    return fail_data(d, d->gzip.msg != NULL ? d->gzip.msg : "not gzip", err);
}

static bool step_zstd(eh_decompress *d, eh_slice *in, char *out, size_t cap, size_t *produced,
                      bool *stuck, eh_err *err)
{
    *stuck = d->state == BETWEEN && in->len == 0;
    if (*stuck) return true; /* asking again would begin a frame */
    ZSTD_inBuffer from = {in->data, in->len, 0};
    ZSTD_outBuffer to = {out, cap, *produced};
    size_t rc = ZSTD_decompressStream(d->zstd, &to, &from);
    *stuck = from.pos == 0 && to.pos == *produced;
    eat(d, in, from.pos);
    *produced = to.pos;
    if (ZSTD_isError(rc) && ZSTD_getErrorCode(rc) == ZSTD_error_memory_allocation)
        return eh_fail_memory(err, "a decompressor");
    if (ZSTD_isError(rc)) return fail_data(d, ZSTD_getErrorName(rc), err);
    d->state = rc == 0 ? BETWEEN : INSIDE;
    return true;
}

/* brotli/decode.h: these codes are about memory, all others about the data. */
static bool is_memory(BrotliDecoderErrorCode code)
{
    return code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
           code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
}

static bool step_brotli(eh_decompress *d, eh_slice *in, char *out, size_t cap, size_t *produced,
                        bool *stuck, eh_err *err)
{
    if (d->state == BETWEEN) {
        *stuck = true;
        return in->len == 0 || fail_data(d, "more follows their end", err);
    }
    size_t in_len = in->len, out_len = cap - *produced;
    const uint8_t *from = (const uint8_t *)in->data;
    uint8_t *to = (uint8_t *)out + *produced;
    BrotliDecoderResult rc =
        BrotliDecoderDecompressStream(d->brotli, &in_len, &from, &out_len, &to, NULL);
    size_t taken = in->len - in_len, made = cap - *produced - out_len;
    eat(d, in, taken);
    *produced += made;
    *stuck = taken == 0 && made == 0 && rc != BROTLI_DECODER_RESULT_SUCCESS;
    if (rc == BROTLI_DECODER_RESULT_SUCCESS) d->state = BETWEEN;
    if (rc != BROTLI_DECODER_RESULT_ERROR) return true;
    if (is_memory(BrotliDecoderGetErrorCode(d->brotli)))
        return eh_fail_memory(err, "a decompressor");
    return fail_data(d, "what is here is not brotli", err);
}

static bool step(eh_decompress *d, eh_slice *in, char *out, size_t cap, size_t *produced,
                 bool *stuck, eh_err *err)
{
    if (d->coding == EH_CODING_GZIP) return step_gzip(d, in, out, cap, produced, stuck, err);
    if (d->coding == EH_CODING_ZSTD) return step_zstd(d, in, out, cap, produced, stuck, err);
    if (d->coding == EH_CODING_BROTLI)
        return step_brotli(d, in, out, cap, produced, stuck, err);
    return step_none(d, in, out, cap, produced, stuck);
}

static bool within_limits(const eh_decompress *d, eh_err *err)
{
    if (d->max_decoded != 0 && d->decoded > d->max_decoded)
        return eh_fail(err, EH_CLASS_LIMIT, "decompressed data exceed the limit of %llu bytes",
                       (unsigned long long)d->max_decoded);
    uint64_t allowed;
    bool bomb = d->coding != EH_CODING_NONE && d->decoded > RATIO_FLOOR_BYTES &&
                !__builtin_mul_overflow(d->coded, d->max_ratio, &allowed) &&
                d->decoded > allowed;
    if (!bomb) return true;
    return eh_fail(err, EH_CLASS_LIMIT,
                   "%s data expand to more than %llu times their size: a decompression bomb",
                   eh_coding_name(d->coding), (unsigned long long)d->max_ratio);
}

bool eh_decompress_run(eh_decompress *d, eh_slice *in, bool last, char *out, size_t cap,
                       size_t *produced, bool *done, eh_err *err)
{
    bool stuck = false;
    *produced = 0;
    *done = false;
    while (!stuck && *produced < cap) {
        size_t before = *produced;
        if (!step(d, in, out, cap, produced, &stuck, err)) return false;
        d->decoded += *produced - before;
        if (!within_limits(d, err)) return false;
    }
    bool at_end = d->coding == EH_CODING_NONE || d->state != INSIDE;
    if (!last || in->len > 0) return true;
    /* With a full buffer something may still be inside: the next call tells. */
    if (!at_end && *produced < cap) {
        d->cut = true;
        return fail_data(d, "they are cut off before their end", err);
    }
    *done = at_end;
    return true;
}

/* ---- a small text in one piece ---------------------------------------------------------- */

bool eh_inflate(eh_slice coded, eh_buf *out, eh_err *err)
{
    char chunk[16384];
    z_stream z = {.next_in = (const Bytef *)coded.data, .avail_in = clamp(coded.len)};
    int code = inflateInit(&z);
    if (code != Z_OK) return eh_fail_memory(err, "a compressed text");
    bool ok = true;
    while (ok && code == Z_OK) {
        z.next_out = (Bytef *)chunk;
        z.avail_out = sizeof chunk;
        code = inflate(&z, Z_NO_FLUSH);
        ok = eh_buf_append(out, chunk, sizeof chunk - z.avail_out, err);
    }
    (void)inflateEnd(&z);
    if (code == Z_MEM_ERROR) return eh_fail_memory(err, "a compressed text");
    return ok && (code == Z_STREAM_END ||
                  eh_fail(err, EH_CLASS_DATA, "this is no text that zlib has compressed"));
}

bool eh_decompress_is_cut(const eh_decompress *d)
{
    return d->cut;
}
