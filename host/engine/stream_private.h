/* engine/stream_private.h: what stream.c and stream_file.c share. */
#ifndef EH_ENGINE_STREAM_PRIVATE_H
#define EH_ENGINE_STREAM_PRIVATE_H

#include "engine/stream.h"

struct eh_input;

/* A file that was begun; it lives until no unit refers to it any more, so that the next file can be
 * parsed while the last units of this one commit. */
struct eh_stream_file {
    eh_stream_file *next;
    eh_arena *arena; /* its name and its ledger */
    const char *name;
    eh_file file;
    struct eh_input *input;
    eh_file_outcome outcome;
    bool whole; /* nothing failed while it was read: file_done is told once it has committed */
};

/* Opens the stream's loader. */
bool eh_stream_open(eh_stream *stream, eh_err *err) EH_MUST_USE;

/* Lets go of files that no unit refers to, or of all; tells file_done. */
void eh_stream_retire(eh_stream *stream, bool all);

/* Tells progress, ten times a second at most. */
void eh_stream_tell_progress(eh_stream *stream);

#endif
