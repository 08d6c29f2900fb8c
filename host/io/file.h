/* io/file.h: files as inputs: listing beneath a root, identity by content, decoded reading;
 * local ones, and those whose bytes somebody feeds (an object of a store).
 *
 * A root is a folder that the operator's configuration names. Everything a script asks for is
 * resolved by the kernel beneath it (openat2 with RESOLVE_BENEATH), so `..`, absolute names and
 * symbolic links that lead out are refused wherever they hide in the path. Calls block: on the
 * disk, or in a feed that waits for its bytes. Floor 2. */
#ifndef EH_IO_FILE_H
#define EH_IO_FILE_H

#include "base/arena.h"
#include "base/buf.h"
#include "data/decompress.h"

#include <stdint.h>

typedef struct eh_file_entry {
    const char *name;    /* relative to the root, '/' between parts */
    uint64_t size;       /* bytes as stored */
    int64_t modified_us; /* microseconds since the epoch */
} eh_file_entry;

/* Regular files beneath root whose relative name begins with prefix, in byte order, after
 * `after` (NULL: from the start), at most limit. Names with a part that begins with "." are
 * left out. Result in the arena. */
bool eh_files_list(const char *root, const char *prefix, const char *after, size_t limit,
                   eh_arena *arena, eh_file_entry **entries, size_t *count, bool *more,
                   eh_err *err) EH_MUST_USE;

/* The whole of a small file beneath root; NULL data and true when there is none. */
bool eh_file_read_small(const char *root, const char *name, size_t max, eh_arena *arena,
                        eh_slice *text, eh_err *err) EH_MUST_USE;

/* Stored bytes that are not in a descriptor of ours: they come from a server, as it sends them.
 */
typedef struct eh_file_feed {
    void *self;
    /* Copies what there is from offset on, at most len, at least one byte: waits for it. *got
     * is 0 at the end only. */
    bool (*read)(void *self, uint64_t offset, char *to, size_t len, size_t *got, eh_err *err);
} eh_file_feed;

typedef struct eh_file {
    int fd;
    const eh_file_feed *feed; /* NULL: the bytes are in fd */
    uint64_t size;
    int64_t modified_us;
    eh_coding coding;  /* by the first bytes; brotli by the name */
    size_t chunk;      /* bytes that are read at a time; 0: 256 KiB */
    bool ours;         /* an unlinked copy that we wrote: nobody else can change it */
    char identity[96]; /* "sha256:<hex>:<size>", above 4 MiB "sha256-4m:<hex>:<size>", the hash
                          of the hashes of its pieces of 4 MiB; set by eh_file_identify. Of a
                          fed file: what eh_file_feed_from was told */
} eh_file;

/* Opens for reading. root NULL: name is a path in the operator's own words. "-" without a root
 * is standard input, copied to an unlinked file first. On failure fd is -1. */
bool eh_file_open(eh_file *file, const char *root, const char *name, eh_err *err) EH_MUST_USE;
void eh_file_close(eh_file *file);

/* A file of `size` bytes that are fed. feed is borrowed; nothing is read yet. identity "": its
 * bytes will be hashed. */
void eh_file_feed_from(eh_file *file, const eh_file_feed *feed, uint64_t size,
                       int64_t modified_us, const char *identity);

/* Sets file->coding by the name, or by the first bytes, which a feed may have to wait for;
 * eh_file_open has done so. */
bool eh_file_detect_coding(eh_file *file, const char *name, eh_err *err) EH_MUST_USE;

/* Stored bytes from offset on, at most len; *got is 0 only at the end. */
bool eh_file_read(const eh_file *file, uint64_t offset, char *to, size_t len, size_t *got,
                  eh_err *err) EH_MUST_USE;

/* Hashes the stored bytes, unless a feed has given an identity. *growing: somebody has the file
 * open for writing (where the system lets us see that: a read lease, fcntl(2)), or it changed
 * while it was read; then it is to be left for a later run and identity is unset. */
bool eh_file_identify(eh_file *file, bool *growing, eh_err *err) EH_MUST_USE;

/* Are its first `size` stored bytes the file that had this identity, and do they end with a
 * line end? */
bool eh_file_begins_with(const eh_file *file, const char *identity, uint64_t size, bool *yes,
                         eh_err *err) EH_MUST_USE;

/* Did size or time change since it was opened? */
bool eh_file_changed(const eh_file *file);

/* ---- decoded bytes -------------------------------------------------------------------------
 */

typedef struct eh_reader eh_reader;

/* Reads from decoded offset `offset` on; compressed files are decoded from their start and the
 * bytes before are dropped. The file must outlive the reader. NULL on failure. */
eh_reader *eh_reader_open(const eh_file *file, uint64_t offset, eh_err *err);
void eh_reader_free(eh_reader *reader);

/* The next bytes, borrowed until the next call; *end: there are none after these. */
bool eh_reader_next(eh_reader *reader, eh_slice *bytes, bool *end, eh_err *err) EH_MUST_USE;

/* Stored bytes read so far, for progress. */
uint64_t eh_reader_position(const eh_reader *reader);

/* The decoded bytes [start, end), appended to out: from the file, or from the last megabytes
 * that were decoded, or by decoding again. */
bool eh_reader_raw(eh_reader *reader, uint64_t start, uint64_t end, eh_buf *out,
                   eh_err *err) EH_MUST_USE;

#endif
