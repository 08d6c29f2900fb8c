/* engine/preview.h: rows as they would load, and the schema that would hold them. Nothing is
 * written.
 *
 * Rows to be shown are copied; types are the join over everything read, which is at most
 * 100,000 rows or the rows asked for. This room only. */
#ifndef EH_ENGINE_PREVIEW_H
#define EH_ENGINE_PREVIEW_H

#include "engine/stream.h"

typedef struct eh_preview eh_preview;

/* Reads spec.preview: limit, output, width. NULL on failure. */
eh_preview *eh_preview_new(eh_run *run, eh_err *err);
void eh_preview_free(eh_preview *preview);

/* Reads one file as the stream would (transforms and row function included). */
bool eh_preview_file(eh_preview *preview, eh_stream *stream, const char *root, const char *name,
                     eh_err *err) EH_MUST_USE;

/* The same with a batch that was read already; label: what its place is called. */
bool eh_preview_batch(eh_preview *preview, eh_stream *stream, eh_batch *batch,
                      const eh_slice *columns, size_t count, const char *label,
                      eh_err *err) EH_MUST_USE;

/* The same of a remote file. */
bool eh_preview_remote(eh_preview *preview, eh_stream *stream, eh_remote *remote,
                       eh_err *err) EH_MUST_USE;

/* Has enough been read? */
bool eh_preview_is_full(const eh_preview *preview);

/* Writes rows (descriptor 1) and the `schema` event. */
bool eh_preview_print(eh_preview *preview, eh_err *err) EH_MUST_USE;

#endif
