/* Fuzz target: any bytes as gzip, zstd, brotli or a zlib stream. The first three bytes choose
 * the coding and the sizes of pieces. However input and output are cut, the same comes out, and
 * a stream is whole in each or in none; nothing passes the limits. */
#include "data/decompress.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DECODED_MAX ((size_t)1 << 16)

typedef struct outcome {
    eh_buf bytes;
    bool ok;
} outcome;

static void demand(bool truth)
{
    if (!truth) abort();
}

/* Takes what has come until there is no more; false when it failed or is done. */
static bool drain(eh_decompress *d, eh_slice *in, bool last, size_t cap, outcome *o, bool *done)
{
    for (;;) {
        size_t produced = 0;
        eh_err err = {.class_ = EH_OK};
        char *out = malloc(cap); /* of its own size, so that writing past it is seen */
        demand(out != NULL);
        o->ok = eh_decompress_run(d, in, last, out, cap, &produced, done, &err);
        demand(produced <= cap && o->ok == (err.class_ == EH_OK));
        demand(o->ok || (err.class_ != EH_CLASS_BUG && err.message[0] != '\0'));
        if (o->ok) demand(eh_buf_append(&o->bytes, out, produced, NULL));
        free(out);
        if (!o->ok || *done) return false;
        if (in->len == 0 && produced < cap) return true;
    }
}

static outcome decode(eh_coding coding, eh_slice text, size_t chunk, size_t cap)
{
    outcome o = {.ok = true};
    eh_buf_init(&o.bytes, 2 * DECODED_MAX);
    eh_decompress *d = eh_decompress_new(coding, DECODED_MAX, 0, NULL);
    demand(d != NULL);
    bool done = false, more = true;
    while (more) {
        size_t n = text.len < chunk ? text.len : chunk;
        bool last = n == text.len;
        char *piece = malloc(n > 0 ? n : 1);
        demand(piece != NULL);
        if (n > 0) memcpy(piece, text.data, n);
        eh_slice in = eh_slice_of(piece, n);
        more = drain(d, &in, last, cap, &o, &done) && !last;
        free(piece);
        text = eh_slice_of(text.data + n, text.len - n);
    }
    if (o.ok) demand(done && o.bytes.len <= DECODED_MAX);
    eh_decompress_free(d);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) return 0;
    eh_slice text = eh_slice_of((const char *)data + 3, size - 3);
    if (data[0] % 5 == 4) {
        eh_buf out;
        eh_buf_init(&out, DECODED_MAX);
        (void)!eh_inflate(text, &out, NULL);
        eh_buf_free(&out);
        return 0;
    }
    eh_coding coding = (eh_coding)(data[0] % 5);
    outcome whole = decode(coding, text, text.len + 1, DECODED_MAX);
    outcome cut = decode(coding, text, 1 + data[1] % 64U, 1 + data[2]);
    demand(whole.ok == cut.ok);
    if (whole.ok) demand(eh_slice_equal(eh_buf_slice(&whole.bytes), eh_buf_slice(&cut.bytes)));
    eh_buf_free(&whole.bytes);
    eh_buf_free(&cut.bytes);
    return 0;
}
