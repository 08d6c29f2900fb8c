/* engine/stream_private.h: what stream.c and stream_file.c share. */
#ifndef EH_ENGINE_STREAM_PRIVATE_H
#define EH_ENGINE_STREAM_PRIVATE_H

#include "engine/stream.h"

struct eh_input;

/* Dead rows put together as a file: where each one starts in it, its id, and where it stood. */
typedef struct eh_retry {
    size_t count;
    const char **ids;
    uint64_t *starts; /* ascending offsets */
    uint64_t *rows;
    uint64_t *lines;
    bool stored; /* they are rows as the table has them */
} eh_retry;

/* A file that was begun; it lives until no unit refers to it any more, so that the next file
 * can be parsed while the last units of this one commit. */
struct eh_stream_file {
    eh_stream_file *next;
    eh_arena *arena; /* its name and its ledger */
    const char *name;
    eh_file file;
    eh_remote *remote; /* owned; what feeds the file; NULL: a local one */
    struct eh_input *input;
    eh_file_outcome outcome;
    const char *header;    /* see eh_input_header */
    const eh_doc *format;  /* how to parse it */
    const eh_retry *retry; /* its records are dead rows of another file; NULL otherwise */
    bool whole; /* nothing failed while it was read: file_done is told once it has committed */
};

/* Opens the stream's loader. */
bool eh_stream_open(eh_stream *stream, eh_err *err) EH_MUST_USE;

/* A file of this stream, not opened yet; owned by the caller until eh_stream_begin_file. NULL
 * without memory. */
eh_stream_file *eh_stream_new_file(eh_stream *stream, const char *name, eh_err *err);
void eh_stream_free_file(eh_stream_file *file);

/* Loads an opened and identified file, what of it is not committed; the stream owns it from now
 * on. */
bool eh_stream_run_file(eh_stream *stream, eh_stream_file *file,
                        bool (*load)(eh_stream *stream, eh_stream_file *file, eh_err *err),
                        eh_err *err) EH_MUST_USE;
/* The same, and what came of it. */
bool eh_stream_count_file(eh_stream *stream, eh_stream_file *file,
                          bool (*load)(eh_stream *stream, eh_stream_file *file, eh_err *err),
                          eh_file_outcome *outcome, eh_err *err) EH_MUST_USE;
/* Identifies it first. */
bool eh_stream_load_opened(eh_stream *stream, eh_stream_file *file, eh_err *err) EH_MUST_USE;
bool eh_stream_load_identified(eh_stream *stream, eh_stream_file *file,
                               eh_err *err) EH_MUST_USE;

/* Loads what the ledger lacks of it, part by part. */
bool eh_stream_load_parts(eh_stream *stream, eh_stream_file *file, const eh_ledger *ledger,
                          eh_err *err) EH_MUST_USE;

/* The name of a file is kept with every row and in the ledger, as text. */
bool eh_stream_check_name(const char *name, eh_err *err) EH_MUST_USE;

/* stream_remote.c: the first look into a remote file, which waits for it; what is committed of
 * it already will not be fetched. */
bool eh_stream_look_into(eh_stream_file *file, const eh_ledger *ledger,
                         eh_err *err) EH_MUST_USE;

/* There is nothing to load: the outcome says so. */
void eh_stream_tell_known(eh_stream *stream, eh_stream_file *file, const eh_ledger *ledger);

/* stream_changed.c */

/* A file of a stream that is replaced. */
bool eh_stream_collect(eh_stream *stream, eh_stream_file *file, eh_err *err) EH_MUST_USE;
/* Another content was loaded under its name. */
bool eh_stream_load_changed(eh_stream *stream, eh_stream_file *file, eh_err *err) EH_MUST_USE;
/* The ledger forgets what the file had before its present content, which is loaded. */
bool eh_stream_forget_older(eh_stream *stream, eh_stream_file *file, eh_err *err) EH_MUST_USE;
/* Its content is known, maybe under another name: then it was renamed, and that is noted. */
bool eh_stream_note_name(eh_stream *stream, eh_stream_file *file, const eh_ledger *ledger,
                         eh_err *err) EH_MUST_USE;

/* Lets go of files that no unit refers to, or of all; tells file_done. */
void eh_stream_retire(eh_stream *stream, bool all);

/* Tells progress, ten times a second at most. */
void eh_stream_tell_progress(eh_stream *stream);

#endif
