/* data/decompress.h: gzip, zstd and brotli streams to bytes, with the stream's end demanded.
 *
 * A cut stream is an error of class data, never a short success. gzip members and zstd frames
 * may follow one another, brotli streams (RFC 7932) may not. The decoded size is capped by
 * ratio and by total, so that a bomb is a named error. Floor 1. */
#ifndef EH_DATA_DECOMPRESS_H
#define EH_DATA_DECOMPRESS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

typedef enum eh_coding {
    EH_CODING_NONE,
    EH_CODING_GZIP,
    EH_CODING_ZSTD,
    EH_CODING_BROTLI
} eh_coding;

/* By the first bytes (RFC 1952 and RFC 8878 magic numbers); len < 4 gives NONE. Never BROTLI,
 * which may begin with any bytes: only a name, a header or a declaration can say so. */
eh_coding eh_coding_detect(const char *data, size_t len);

/* What the ending of a name promises (.gz .gzip .zst .zstd .br, in any case), and in *stem,
 * which may be NULL, the length of the name before it; NONE: the whole name. */
eh_coding eh_coding_of_name(const char *name, size_t *stem);

/* "plain", "gzip", "zstd", "brotli"; for people and declarations. */
const char *eh_coding_name(eh_coding coding);

/* The other way round; false when there is none of that name. */
bool eh_coding_named(const char *name, eh_coding *coding) EH_MUST_USE;

/* Appends what a whole zlib stream (RFC 1950) holds; out's maximum is the limit. */
bool eh_inflate(eh_slice coded, eh_buf *out, eh_err *err) EH_MUST_USE;

typedef struct eh_decompress eh_decompress;

/* max_decoded: 0 for no limit, in bytes. max_ratio: decoded over coded, 0 for 1,100 (deflate
 * cannot exceed 1,032). NONE passes bytes through. */
eh_decompress *eh_decompress_new(eh_coding coding, uint64_t max_decoded, unsigned max_ratio,
                                 eh_err *err);
void eh_decompress_free(eh_decompress *d);

/* Decodes from *in into out. On return *in holds what is left and *produced the bytes written.
 * Call until *in is empty and *produced < cap. last: no input will follow what is in *in; a
 * stream that is not at its end then fails. *done is set once the end was seen and all was
 * handed out. */
bool eh_decompress_run(eh_decompress *d, eh_slice *in, bool last, char *out, size_t cap,
                       size_t *produced, bool *done, eh_err *err) EH_MUST_USE;

/* Did it fail because the input ended too early, and for nothing else? */
bool eh_decompress_is_cut(const eh_decompress *d);

#endif
