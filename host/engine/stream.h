/* engine/stream.h: one stream of this run: its declaration, its loader, and files into it.
 *
 * A stream is opened by the first file that is loaded into it, and finished or abandoned once.
 * This room only. */
#ifndef EH_ENGINE_STREAM_H
#define EH_ENGINE_STREAM_H

#include "engine/remote.h"
#include "engine/run.h"
#include "load/loader.h"

typedef struct eh_stream_file eh_stream_file;
struct eh_pages;

typedef struct eh_stream {
    eh_run *run;
    const char *client; /* "" without */
    const char *instance;
    const char *resource;
    const char *schema;
    const char *table;
    const eh_doc *declaration;  /* may be NULL */
    const eh_row_hook *rows;    /* NULL: no row function */
    struct eh_preview *preview; /* not NULL: rows are shown, not loaded */
    eh_loader *loader;          /* NULL until the first file */
    struct eh_pages *pages;     /* engine/pages.h; NULL: it loads files */
    bool replace;       /* the files of this run take the place of all that the stream has */
    bool anew;          /* even where the table has them already */
    int64_t started_us; /* monotonic */
    int64_t told_us;    /* when progress was last told */
    uint64_t page_count;
    uint64_t files;
    uint64_t files_known;
    uint64_t files_refused;
    uint64_t files_growing;
    uint64_t files_left;
    uint64_t bytes; /* stored bytes read */
    uint64_t dead_told;
    eh_stream_file
        *retired; /* files read, newest first; some of their units may be under way */
    /* the file being read, for progress */
    char file_name[512];
    uint64_t file_size;
    uint64_t file_position;
} eh_stream;

typedef enum eh_file_status {
    EH_FILE_LOADED,
    EH_FILE_RESUMED,
    EH_FILE_KNOWN,
    EH_FILE_GROWING,
    EH_FILE_REFUSED,
    EH_FILE_REPLACED, /* its content changed: its rows went, and others came */
    EH_FILE_LEFT      /* it cannot be read now: deleted since it was listed, or archived */
} eh_file_status;

typedef struct eh_file_outcome {
    eh_file_status status;
    char reason[256]; /* why it was not loaded; "" otherwise */
    uint64_t rows;    /* of eh_stream_load: read from the file and on their way into the table;
                         of a file that is done: committed */
    uint64_t dead;
    uint64_t gone; /* REPLACED: rows that went */
    bool stale;    /* it failed because its content is another by now */
} eh_file_outcome;

const char *eh_file_status_name(eh_file_status status);

/* What its declared transforms need to know. */
eh_transform_context eh_stream_transform_context(eh_stream *stream);

/* Loads one file, the parts of it that are not committed yet. root as in eh_file_open. */
bool eh_stream_load(eh_stream *stream, const char *root, const char *name,
                    eh_file_outcome *outcome, eh_err *err) EH_MUST_USE;

/* The same of a remote file, which it takes over. What was replaced while it was read is read
 * once more, as a file that changed. */
bool eh_stream_load_remote(eh_stream *stream, eh_remote *remote, eh_file_outcome *outcome,
                           eh_err *err) EH_MUST_USE;

/* Is all of this content loaded? False also where that cannot be said. Opens the stream. */
bool eh_stream_has(eh_stream *stream, const char *identity, const char *name);

/* Sends the stream's dead rows (all, or the one with this id) through the present declaration
 * again; those that were sent are then resolved, and the ones that fail again are new dead
 * rows. *count: how many were sent. */
bool eh_stream_retry(eh_stream *stream, const char *dead_id, uint64_t *count,
                     eh_err *err) EH_MUST_USE;

/* Ends the stream: with why NULL it is finished, otherwise abandoned. Tells stream_done, and
 * the error if there is one; run.failed is set then. False when finishing failed (told, too).
 */
bool eh_stream_end(eh_stream *stream, const eh_err *why);

/* The event `dead_row`. */
void eh_stream_tell_dead(const eh_stream *stream, const char *file, const eh_dead *dead);

#endif
