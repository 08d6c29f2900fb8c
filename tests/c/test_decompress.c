/* tests/c/test_decompress.c: whole streams in any cut, and every way of not being whole. */
#include "base/buf.h"
#include "data/decompress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <brotli/encode.h>
#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

enum { TEXT_BYTES = 100000 };

/* Text that no coding can make very small or leave as it is. */
static void make_text(eh_buf *out)
{
    uint32_t x = 12345;
    eh_buf_init(out, (size_t)1 << 24);
    while (out->len < TEXT_BYTES) {
        x = x * 1664525 + 1013904223;
        assert_true(eh_buf_printf(out, NULL, "row %u,", (unsigned)(x >> 20)));
    }
}

static void put_gzip(eh_buf *out, const char *data, size_t len)
{
    z_stream z = {.next_in = NULL};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_true(eh_buf_reserve(out, deflateBound(&z, (uLong)len) + 64, NULL));
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)out->data + out->len;
    z.avail_out = (uInt)(out->cap - out->len);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += z.total_out;
    assert_int_equal(deflateEnd(&z), Z_OK);
}

static void put_zstd(eh_buf *out, const char *data, size_t len)
{
    assert_true(eh_buf_reserve(out, ZSTD_compressBound(len), NULL));
    size_t n = ZSTD_compress(out->data + out->len, out->cap - out->len, data, len, 3);
    assert_false(ZSTD_isError(n));
    out->len += n;
}

static void put_brotli(eh_buf *out, const char *data, size_t len)
{
    size_t n = BrotliEncoderMaxCompressedSize(len) + 64;
    assert_true(eh_buf_reserve(out, n, NULL));
    assert_true(BrotliEncoderCompress(5, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, len,
                                      (const uint8_t *)data, &n,
                                      (uint8_t *)out->data + out->len));
    out->len += n;
}

static void put(eh_coding coding, eh_buf *out, const char *data, size_t len)
{
    if (coding == EH_CODING_GZIP)
        put_gzip(out, data, len);
    else if (coding == EH_CODING_ZSTD)
        put_zstd(out, data, len);
    else if (coding == EH_CODING_BROTLI)
        put_brotli(out, data, len);
    else
        assert_true(eh_buf_append(out, data, len, NULL));
}

typedef struct how {
    size_t chunk, cap;
    uint64_t max_decoded;
    unsigned max_ratio;
    bool end_apart;
} how;

/* Decodes `in` as a caller would. True when the end was reached. */
static bool decode(eh_coding coding, eh_slice in, how h, eh_buf *out, eh_err *err)
{
    eh_decompress *d = eh_decompress_new(coding, h.max_decoded, h.max_ratio, err);
    assert_non_null(d);
    char *piece = malloc(h.cap);
    assert_non_null(piece);
    bool done = false, ok = true;
    for (bool last = false; ok && !last;) {
        size_t n = h.chunk < in.len ? h.chunk : in.len;
        last = n == in.len && (!h.end_apart || n == 0);
        eh_slice part = {in.data, n};
        in.data += n;
        in.len -= n;
        size_t produced;
        do {
            assert_false(done);
            ok = eh_decompress_run(d, &part, last, piece, h.cap, &produced, &done, err);
            if (ok) assert_true(eh_buf_append(out, piece, produced, NULL));
        } while (ok && (part.len > 0 || produced == h.cap) && !done);
        assert_true(!ok || part.len == 0);
    }
    free(piece);
    eh_decompress_free(d);
    assert_true(!done || ok);
    assert_true(!ok || done);
    return ok;
}

static const how plain = {.chunk = 1 << 20, .cap = 65536};

static void test_round_trip(void **state)
{
    (void)state;
    static const size_t chunks[] = {1, 7, 4096, 1 << 20}, caps[] = {1, 100, 65536, 1 << 20};
    eh_buf text, coded, out;
    make_text(&text);
    for (int c = EH_CODING_NONE; c <= EH_CODING_BROTLI; c++) {
        size_t tail = c == EH_CODING_BROTLI ? 0 : 4; /* its streams do not follow one another */
        eh_buf_init(&coded, (size_t)1 << 24);
        put((eh_coding)c, &coded, text.data, text.len);
        if (tail > 0) {
            put((eh_coding)c, &coded, "", 0);
            put((eh_coding)c, &coded, "tail", tail);
        }
        for (size_t k = 0; k < 32; k++) {
            how h = {.chunk = chunks[k % 4], .cap = caps[k / 4 % 4], .end_apart = k >= 16};
            eh_err err = {.class_ = EH_OK};
            eh_buf_init(&out, (size_t)1 << 24);
            assert_true(decode((eh_coding)c, eh_buf_slice(&coded), h, &out, &err));
            assert_int_equal(out.len, text.len + tail);
            assert_memory_equal(out.data, text.data, text.len);
            assert_memory_equal(out.data + text.len, "tail", tail);
            eh_buf_free(&out);
        }
        eh_buf_free(&coded);
    }
    eh_buf_free(&text);
}

/* Class of the error, or EH_OK. */
static eh_class outcome(eh_coding coding, eh_slice in, how h)
{
    eh_err err = {.class_ = EH_OK};
    eh_buf out;
    eh_buf_init(&out, (size_t)1 << 28);
    bool ok = decode(coding, in, h, &out, &err);
    eh_buf_free(&out);
    assert_int_equal(ok, err.class_ == EH_OK);
    return err.class_;
}

static void test_cut_anywhere(void **state)
{
    (void)state;
    for (int c = EH_CODING_GZIP; c <= EH_CODING_BROTLI; c++) {
        eh_buf coded;
        eh_buf_init(&coded, 1 << 20);
        put((eh_coding)c, &coded, "some text, some text, some more", 31);
        size_t one = coded.len;
        if (c != EH_CODING_BROTLI) put((eh_coding)c, &coded, "and more", 8);
        for (size_t n = 0; n <= coded.len; n++) {
            bool whole = n == one || n == coded.len;
            eh_slice part = eh_slice_of(coded.data, n);
            assert_int_equal(outcome((eh_coding)c, part, plain), whole ? EH_OK : EH_CLASS_DATA);
            how byte = {.chunk = 1, .cap = 3, .end_apart = true};
            assert_int_equal(outcome((eh_coding)c, part, byte), whole ? EH_OK : EH_CLASS_DATA);
        }
        eh_buf_free(&coded);
    }
}

static void test_damage(void **state)
{
    (void)state;
    eh_buf coded;
    eh_buf_init(&coded, 1 << 20);
    put_gzip(&coded, "some text, some text, some more", 31);
    size_t len = coded.len;
    coded.data[len - 6] ^= 1; /* the check sum */
    assert_int_equal(outcome(EH_CODING_GZIP, eh_buf_slice(&coded), plain), EH_CLASS_DATA);
    coded.data[len - 6] ^= 1;
    coded.data[len - 1] ^= 1; /* the size */
    assert_int_equal(outcome(EH_CODING_GZIP, eh_buf_slice(&coded), plain), EH_CLASS_DATA);
    eh_buf_free(&coded);
    assert_int_equal(outcome(EH_CODING_GZIP, eh_slice_str("plain text"), plain), EH_CLASS_DATA);
    assert_int_equal(outcome(EH_CODING_ZSTD, eh_slice_str("plain text"), plain), EH_CLASS_DATA);
    assert_int_equal(outcome(EH_CODING_BROTLI, eh_slice_str("id,name\n1,Ada\n"), plain),
                     EH_CLASS_DATA);
}

static void test_what_follows(void **state)
{
    (void)state;
    static const struct {
        const char *tail;
        size_t len;
        eh_class class_;
    } cases[] = {
        {"\0\0\0", 3, EH_OK},           {"junk", 4, EH_CLASS_DATA},
        {"\0\0x", 3, EH_CLASS_DATA},    {"\x1f", 1, EH_CLASS_DATA},
        {"\x1f\x8c", 2, EH_CLASS_DATA}, {"\0\x1f\x8b", 3, EH_CLASS_DATA},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eh_buf coded;
        eh_buf_init(&coded, 1 << 20);
        put_gzip(&coded, "text", 4);
        assert_true(eh_buf_append(&coded, cases[i].tail, cases[i].len, NULL));
        assert_int_equal(outcome(EH_CODING_GZIP, eh_buf_slice(&coded), plain), cases[i].class_);
        how byte = {.chunk = 1, .cap = 3};
        assert_int_equal(outcome(EH_CODING_GZIP, eh_buf_slice(&coded), byte), cases[i].class_);
        eh_buf_free(&coded);
    }
    eh_buf coded;
    eh_buf_init(&coded, 1 << 20);
    put_zstd(&coded, "text", 4);
    assert_true(eh_buf_append_str(&coded, "junk", NULL));
    assert_int_equal(outcome(EH_CODING_ZSTD, eh_buf_slice(&coded), plain), EH_CLASS_DATA);
    eh_buf_free(&coded);
    eh_buf_init(&coded, 1 << 20);
    put_brotli(&coded, "text", 4);
    put_brotli(&coded, "text", 4);
    assert_int_equal(outcome(EH_CODING_BROTLI, eh_buf_slice(&coded), plain), EH_CLASS_DATA);
    how byte = {.chunk = 1, .cap = 3, .end_apart = true};
    assert_int_equal(outcome(EH_CODING_BROTLI, eh_buf_slice(&coded), byte), EH_CLASS_DATA);
    eh_buf_free(&coded);
}

static void test_limits(void **state)
{
    (void)state;
    enum { SIZE = 8 << 20 };
    char *zeros = calloc(1, SIZE);
    assert_non_null(zeros);
    for (int c = EH_CODING_GZIP; c <= EH_CODING_BROTLI; c++) {
        eh_buf coded;
        eh_buf_init(&coded, (size_t)SIZE * 2);
        put((eh_coding)c, &coded, zeros, SIZE);
        how h = plain;
        h.max_ratio = 100;
        assert_int_equal(outcome((eh_coding)c, eh_buf_slice(&coded), h), EH_CLASS_LIMIT);
        h.max_ratio = 1000000;
        assert_int_equal(outcome((eh_coding)c, eh_buf_slice(&coded), h), EH_OK);
        h.max_decoded = SIZE;
        assert_int_equal(outcome((eh_coding)c, eh_buf_slice(&coded), h), EH_OK);
        h.max_decoded = SIZE - 1;
        assert_int_equal(outcome((eh_coding)c, eh_buf_slice(&coded), h), EH_CLASS_LIMIT);
        /* By default gzip passes whatever deflate can do; 8 MiB of zeros in the others do not.
         */
        eh_class by_default = c == EH_CODING_GZIP ? EH_OK : EH_CLASS_LIMIT;
        assert_int_equal(outcome((eh_coding)c, eh_buf_slice(&coded), plain), by_default);
        eh_buf_free(&coded);
    }
    how h = {.chunk = 100, .cap = 100, .max_decoded = 1000};
    assert_int_equal(outcome(EH_CODING_NONE, eh_slice_of(zeros, 1000), h), EH_OK);
    assert_int_equal(outcome(EH_CODING_NONE, eh_slice_of(zeros, 1001), h), EH_CLASS_LIMIT);
    free(zeros);
}

static void test_detect(void **state)
{
    (void)state;
    assert_int_equal(eh_coding_detect("\x1f\x8b\x08\x00", 4), EH_CODING_GZIP);
    assert_int_equal(eh_coding_detect("\x28\xb5\x2f\xfd", 4), EH_CODING_ZSTD);
    assert_int_equal(eh_coding_detect("\x5a\x2a\x4d\x18", 4), EH_CODING_ZSTD);
    assert_int_equal(eh_coding_detect("\x1f\x8b\x08", 3), EH_CODING_NONE);
    assert_int_equal(eh_coding_detect("a,b\n", 4), EH_CODING_NONE);
    assert_int_equal(eh_coding_detect(NULL, 0), EH_CODING_NONE);
}

static void test_names(void **state)
{
    (void)state;
    size_t stem;
    assert_int_equal(eh_coding_of_name("orders.csv.gz", &stem), EH_CODING_GZIP);
    assert_int_equal(stem, 10);
    assert_int_equal(eh_coding_of_name("ORDERS.GZIP", NULL), EH_CODING_GZIP);
    assert_int_equal(eh_coding_of_name("a.zst", &stem), EH_CODING_ZSTD);
    assert_int_equal(stem, 1);
    assert_int_equal(eh_coding_of_name("a.Zstd", NULL), EH_CODING_ZSTD);
    assert_int_equal(eh_coding_of_name("a.json.br", &stem), EH_CODING_BROTLI);
    assert_int_equal(stem, 6);
    assert_int_equal(eh_coding_of_name("a.gz.csv", &stem), EH_CODING_NONE);
    assert_int_equal(stem, 8);
    assert_int_equal(eh_coding_of_name(".gz", NULL), EH_CODING_NONE);
    eh_coding coding;
    for (int c = EH_CODING_NONE; c <= EH_CODING_BROTLI; c++) {
        assert_true(eh_coding_named(eh_coding_name((eh_coding)c), &coding));
        assert_int_equal(coding, c);
    }
    assert_false(eh_coding_named("lz4", &coding));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_damage),     cmocka_unit_test(test_what_follows),
        cmocka_unit_test(test_limits),     cmocka_unit_test(test_detect),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
