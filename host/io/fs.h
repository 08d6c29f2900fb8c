/* io/fs.h: whole small files and folders: configuration, projects, what `init` writes.
 *
 * Input data never passes through here (the engine reads it in chunks). Floor 2. */
#ifndef EH_IO_FS_H
#define EH_IO_FS_H

#include "base/buf.h"
#include "base/err.h"

/* Appends the whole file to out; class limit when it is longer than out may get. */
bool eh_fs_read(const char *path, eh_buf *out, eh_err *err) EH_MUST_USE;

/* Writes a file so that a reader, or a crash, meets the old or the new content, never a part:
 * into a temporary file beside it, synced, renamed. mode as for open(2). */
bool eh_fs_write(const char *path, eh_slice content, unsigned mode, eh_err *err) EH_MUST_USE;

/* The SHA-256 of a text in hexadecimal, for hashes of scripts and configuration. */
enum { EH_FS_HASH_SIZE = 65 };
bool eh_fs_hash(eh_slice text, char out[EH_FS_HASH_SIZE], eh_err *err) EH_MUST_USE;

/* Makes a folder and its parents; one that is there is fine. */
bool eh_fs_make_folder(const char *path, eh_err *err) EH_MUST_USE;

#endif
