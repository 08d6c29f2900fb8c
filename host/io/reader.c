/* io/reader.c: the decoded bytes of a file, in order, and again for a dead row; see file.h. */
#include "io/file.h"

#include <assert.h>
#include <stdlib.h>

#define CHUNK ((size_t)256 * 1024)
/* Enough for all records that a batch can hold while its casts and row functions run. */
#define TAIL ((size_t)2 * 1024 * 1024)

struct eh_reader {
    const eh_file *file;
    size_t chunk;              /* the size of in and out */
    uint64_t stored;           /* stored bytes read */
    uint64_t decoded;          /* bytes decoded so far, from the start of the file */
    eh_decompress *decompress; /* NULL for plain files */
    char *in;
    eh_slice pending; /* read, not decoded yet; in `in` */
    char *out;
    eh_slice left; /* decoded, not handed out yet; in `out` */
    bool done;
    char *tail;       /* the last TAIL decoded bytes, a ring; NULL for plain files */
    eh_reader *again; /* owned; decodes once more for records before the tail, which come in
                         order as a rule; NULL until one is asked for */
};

void eh_reader_free(eh_reader *reader)
{
    if (reader == NULL) return;
    eh_reader_free(reader->again);
    eh_decompress_free(reader->decompress);
    free(reader->in);
    free(reader->out);
    free(reader->tail);
    free(reader);
}

static eh_reader *make(const eh_file *file, eh_err *err)
{
    eh_reader *r = calloc(1, sizeof *r);
    if (r == NULL) {
        eh_fail_memory(err, "a file reader");
        return NULL;
    }
    r->file = file;
    r->chunk = file->chunk > 0 ? file->chunk : CHUNK;
    bool coded = file->coding != EH_CODING_NONE;
    r->out = malloc(r->chunk);
    r->in = coded ? malloc(r->chunk) : NULL;
    r->tail = coded ? malloc(TAIL) : NULL;
    bool ok = r->out != NULL && (!coded || (r->in != NULL && r->tail != NULL));
    if (!ok) eh_fail_memory(err, "a file reader");
    if (ok && coded) {
        r->decompress = eh_decompress_new(file->coding, 0, 0, err);
        ok = r->decompress != NULL;
    }
    if (ok) return r;
    eh_reader_free(r);
    return NULL;
}

static bool read_stored(eh_reader *r, char *to, size_t *got, eh_err *err)
{
    uint64_t left = r->file->size - r->stored;
    size_t want = left < r->chunk ? (size_t)left : r->chunk;
    for (*got = 0; *got < want;) {
        size_t n;
        if (!eh_file_read(r->file, r->stored + *got, to + *got, want - *got, &n, err))
            return false;
        if (n == 0)
            return eh_fail(err, EH_CLASS_DATA, "the file became shorter while it was read");
        *got += n;
    }
    r->stored += *got;
    return true;
}

static void keep_tail(eh_reader *r, const char *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        size_t at = (size_t)((r->decoded + done) % TAIL);
        size_t n = len - done < TAIL - at ? len - done : TAIL - at;
        memcpy(r->tail + at, data + done, n);
        done += n;
    }
}

static bool next_decoded(eh_reader *r, eh_slice *bytes, eh_err *err)
{
    size_t produced = 0;
    while (produced == 0 && !r->done) {
        if (r->pending.len == 0) {
            size_t got;
            if (!read_stored(r, r->in, &got, err)) return false;
            r->pending = eh_slice_of(r->in, got);
        }
        bool last = r->stored == r->file->size;
        if (!eh_decompress_run(r->decompress, &r->pending, last, r->out, r->chunk, &produced,
                               &r->done, err))
            return false;
    }
    keep_tail(r, r->out, produced);
    *bytes = eh_slice_of(r->out, produced);
    return true;
}

bool eh_reader_next(eh_reader *r, eh_slice *bytes, bool *end, eh_err *err)
{
    if (r->left.len > 0) {
        *bytes = r->left;
        r->left = eh_slice_of(NULL, 0);
    } else if (r->decompress == NULL) {
        size_t got;
        if (!read_stored(r, r->out, &got, err)) return false;
        *bytes = eh_slice_of(r->out, got);
        r->done = r->stored == r->file->size;
        r->decoded += got;
    } else {
        if (!next_decoded(r, bytes, err)) return false;
        r->decoded += bytes->len;
    }
    *end = r->done;
    return true;
}

static bool shorter(eh_err *err)
{
    return eh_fail(err, EH_CLASS_DATA, "the input is shorter than what was loaded from it");
}

/* Decodes and drops; what was decoded past the offset is left for the next call. */
static bool skip_to(eh_reader *r, uint64_t offset, eh_err *err)
{
    bool end = false;
    while (r->decoded < offset) {
        eh_slice bytes;
        if (end) return shorter(err);
        if (!eh_reader_next(r, &bytes, &end, err)) return false;
        size_t past = r->decoded > offset ? (size_t)(r->decoded - offset) : 0;
        if (past > 0) r->left = eh_slice_of(bytes.data + (bytes.len - past), past);
    }
    return true;
}

eh_reader *eh_reader_open(const eh_file *file, uint64_t offset, eh_err *err)
{
    eh_reader *r = make(file, err);
    if (r == NULL) return NULL;
    bool ok = true;
    if (r->decompress == NULL) {
        ok = offset <= file->size || shorter(err);
        r->stored = r->decoded = offset;
    } else {
        ok = skip_to(r, offset, err);
    }
    if (ok) return r;
    eh_reader_free(r);
    return NULL;
}

uint64_t eh_reader_position(const eh_reader *reader)
{
    return reader->stored;
}

/* ---- bytes of a dead row
 * --------------------------------------------------------------------- */

static bool raw_from_file(const eh_reader *r, uint64_t start, size_t len, eh_buf *out,
                          eh_err *err)
{
    if (!eh_buf_reserve(out, len, err)) return false;
    while (len > 0) {
        size_t n;
        if (!eh_file_read(r->file, start, out->data + out->len, len, &n, err)) return false;
        if (n == 0) break; /* cut since: what is left of it is what there is to show */
        out->len += n;
        start += n;
        len -= n;
    }
    return true;
}

static bool raw_from_tail(const eh_reader *r, uint64_t start, size_t len, eh_buf *out,
                          eh_err *err)
{
    while (len > 0) {
        size_t at = (size_t)(start % TAIL);
        size_t n = len < TAIL - at ? len : TAIL - at;
        if (!eh_buf_append(out, r->tail + at, n, err)) return false;
        start += n;
        len -= n;
    }
    return true;
}

/* The record may begin in the second reader's tail and end after what it has decoded. */
static bool raw_again(eh_reader *r, uint64_t start, size_t len, eh_buf *out, eh_err *err)
{
    eh_reader *again = r->again;
    if (again == NULL || (again->decoded > start && again->decoded - start > TAIL)) {
        eh_reader_free(again);
        again = r->again = make(r->file, err);
        if (again == NULL) return false;
    }
    if (start < again->decoded) {
        uint64_t past = again->decoded - start;
        size_t n = past < len ? (size_t)past : len;
        if (!raw_from_tail(again, start, n, out, err)) return false;
        start += n;
        len -= n;
    }
    for (bool end = again->done; len > 0 && !end;) {
        eh_slice bytes;
        if (!eh_reader_next(again, &bytes, &end, err)) return false;
        if (again->decoded <= start) continue;
        size_t skip = bytes.len - (size_t)(again->decoded - start);
        size_t n = bytes.len - skip < len ? bytes.len - skip : len;
        if (!eh_buf_append(out, bytes.data + skip, n, err)) return false;
        start += n;
        len -= n;
    }
    return true;
}

bool eh_reader_raw(eh_reader *r, uint64_t start, uint64_t end, eh_buf *out, eh_err *err)
{
    assert(start <= end);
    size_t len = (size_t)(end - start);
    if (r->decompress == NULL) return raw_from_file(r, start, len, out, err);
    bool in_tail = end <= r->decoded && r->decoded - start <= TAIL;
    return in_tail ? raw_from_tail(r, start, len, out, err)
                   : raw_again(r, start, len, out, err);
}
