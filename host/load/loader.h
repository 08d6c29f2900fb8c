/* load/loader.h: batches of one stream into its table, exactly once.
 *
 * The loader owns the load of one stream by one run: it takes the stream over, transforms
 * batches, holds them against the contract, changes the schema between units, encodes rows into
 * units and hands those to the destination's lanes. Parsing, reading and the ledger's decisions
 * (is this file known?) are the caller's. Not for more than one stream; one loader is one load.
 * Floor 3. */
#ifndef EH_LOAD_LOADER_H
#define EH_LOAD_LOADER_H

#include "data/parser.h"
#include "data/transform.h"
#include "load/dest.h"
#include "load/plan.h"

typedef struct eh_loader eh_loader;

/* What the loader tells while it works. All optional; text is valid during the call. */
typedef struct eh_load_events {
    void *self;
    void (*schema_change)(void *self, const char *table, const eh_change *change);
    void (*dead)(void *self, const char *input, const eh_dead *dead);
    void (*committed)(void *self, const eh_unit *unit);
    void (*warning)(void *self, const char *message);
} eh_load_events;

/* Names that a row function added, in the order of the batch columns behind the transform's. */
typedef struct eh_row_hook {
    void *self;
    /* May change cells, remove rows, add dead rows and add columns at the end of the batch.
     * Gives the names of all added columns so far; they never shrink. One whose name is a
     * column of the input by now is empty, and not to be loaded. */
    bool (*apply)(void *self, eh_batch *batch, const eh_transform_column *columns, size_t count,
                  const eh_slice **added, size_t *added_count, eh_err *err);
} eh_row_hook;

typedef struct eh_loader_options {
    eh_dest *dest;
    eh_loop *loop;
    eh_unit_pool *units; /* of the run */
    const eh_clock *clock;
    const eh_run_info *run;
    eh_stream_key key;
    const eh_doc *declaration; /* of the resource; may be NULL */
    const eh_transform_context *transform;
    const eh_row_hook *rows; /* NULL: no row function */
    eh_table_options
        table; /* views and by_client; what follows from the declaration is added */
    const eh_doc *projects; /* the rules of projects.yaml; NULL: none */
    bool has_file;          /* add _file and _row */
    bool again;         /* rows that were dead: of files, or of a service's pages, as the table
                           has them */
    bool replace;       /* all of the stream's rows, when the new ones are complete */
    bool allow_shrink;  /* also when few or no rows are left by that */
    bool dry_run;       /* convert everything, write nothing */
    size_t unit_bytes;  /* 0: as the pool says */
    size_t unit_rows;   /* 0: 500,000 */
    size_t max_columns; /* 0: 300 */
    size_t widen_max;   /* rows; a table with more is not rewritten. 0: 10 million */
    eh_load_events events;
} eh_loader_options;

/* One input: a file, or a range of it that is not committed yet. Text is borrowed as long
 * as eh_loader_uses says so. */
typedef struct eh_load_input {
    const char *identity;
    const char *name;
    uint64_t size;
    int64_t modified; /* microseconds */
    bool (*raw)(void *self, const eh_place *place, eh_buf *out, eh_err *err);
    void *raw_self;
    /* Not NULL: the page in which a place is, as a person calls it; NULL: `name`. */
    const char *(*label)(void *self, const eh_place *place);
    /* Not NULL: its records were dead rows before. Gives the ids of those in a range, as
     * eh_unit.settles has them; max_dead does not apply. */
    bool (*settles)(void *self, uint64_t start, uint64_t end, eh_arena *arena, const char **ids,
                    eh_err *err);
    bool as_stored; /* its records are rows as the table has them: nothing declared, and no row
                       function, changes them again */
} eh_load_input;

typedef struct eh_load_counts {
    uint64_t rows_read;     /* records, dead ones included */
    uint64_t rows_sent;     /* in units that were submitted, committed or under way */
    uint64_t dead_sent;     /* the same of dead rows, without those that the server refuses */
    uint64_t rows_loaded;   /* committed */
    uint64_t rows_dead;     /* committed to dead_rows */
    uint64_t rows_filtered; /* by keep, discard and row functions */
    uint64_t values_discarded; /* by the contract */
    eh_effects effects;        /* of committed rows that were not appended */
    uint64_t rows_replaced;    /* went because others came in their place */
} eh_load_counts;

/* Options are copied, what they point to is borrowed. Takes the stream over (not in a dry run)
 * and looks at the table. NULL on failure. */
eh_loader *eh_loader_new(const eh_loader_options *options, eh_err *err);
/* Waits for units under way. Call finish or abandon first. NULL is fine. */
void eh_loader_free(eh_loader *loader);

const eh_stream_state *eh_loader_state(const eh_loader *loader);

/* Are rows appended, so that those of a file can be told from others? Otherwise they meet rows
 * with the same key. */
bool eh_loader_appends(const eh_loader *loader);

/* Begins a part of an input that is not committed yet, at `from`. */
bool eh_loader_begin(eh_loader *loader, const eh_load_input *input, const eh_parse_from *from,
                     eh_err *err) EH_MUST_USE;

/* What is needed to read a dead record of this input again: kept with its units
 * (eh_unit.header). Text is borrowed like the input's. Another pointer is another header: other
 * columns follow, and what was given before gets a unit of its own. */
bool eh_loader_header(eh_loader *loader, const char *header, eh_err *err) EH_MUST_USE;

/* Loads a batch of that part. written: the parser's columns. The batch may be changed. */
bool eh_loader_batch(eh_loader *loader, eh_batch *batch, const eh_slice *written, size_t count,
                     eh_err *err) EH_MUST_USE;

/* Ends the part at decoded offset `end`. last: that is the end of the input. */
bool eh_loader_end(eh_loader *loader, uint64_t end, bool last, eh_err *err) EH_MUST_USE;

/* Forgets what is not submitted yet: reading the input failed. The functions above do so
 * themselves when they fail. The run's other loaders need the unit. */
void eh_loader_drop(eh_loader *loader);

/* Is a unit under way, or open, whose input has this raw_self? Until not, the input must stay.
 */
bool eh_loader_uses(const eh_loader *loader, const void *raw_self);

/* Waits until all units have committed; the input's text may go then. */
bool eh_loader_drain(eh_loader *loader, eh_err *err) EH_MUST_USE;

/* The stream is complete: see eh_dest_finish; in a replacement also eh_dest_promote. */
bool eh_loader_finish(eh_loader *loader, const eh_doc *cursor, eh_err *err) EH_MUST_USE;

/* Finishing will replace nothing: what was collected waits for another run. */
void eh_loader_postpone(eh_loader *loader);

/* What finishing a replacement did. */
const eh_promoted *eh_loader_promoted(const eh_loader *loader);

/* A replacement has this input, too: its rows are in the table and stay, or in the stage, where
 * units that committed have put them. */
bool eh_loader_keep(eh_loader *loader, const char *input, bool in_stage,
                    eh_err *err) EH_MUST_USE;

/* The parts that follow are a file's new content (identity `input`), which takes the place of
 * what the file had before: they are collected, and promote_file replaces the rows. Waits until
 * all units have committed. What a killed run collected is found under eh_loader_state. */
bool eh_loader_stage_file(eh_loader *loader, const char *input, eh_err *err) EH_MUST_USE;
/* Ends that; without it, only the ledger forgets what the file had before. */
bool eh_loader_promote_file(eh_loader *loader, const char *name, const char *input,
                            eh_promoted *promoted, eh_err *err) EH_MUST_USE;

/* ---- windows: what a service answers, page by page (loader_window.c) ----------------------

   The rows of a window are one input, its pages one behind the other; only the window's end
   moves the stream's cursor. Rows that are merged go into the table unit by unit; rows that are
   appended, or that take the place of a period's, are collected and come with the end. */

typedef struct eh_load_window {
    const char *name;                 /* for people; "" where there is only one */
    const eh_doc *bounds;             /* as the source says it; kept with it; NULL: nothing */
    eh_period period;                 /* which rows of the table its rows replace */
    const char *from, *until;         /* of the period: instants, or ... */
    const char *first_day, *last_day; /* ... days, where the column is a date; may be NULL */
    bool whole; /* rows that came outside of any: nobody asks where to go on */
} eh_load_window;

typedef struct eh_progress {
    const eh_doc
        *cursor; /* NULL: none. What was verified of a window that has not ended is in */
    const eh_doc *begun;   /* without that */
    const eh_doc *pending; /* what a run that did not end was reading: its `bounds` and name;
                              NULL: nothing */
} eh_progress;

/* How far the stream has been read: nothing, where all is loaded anew. In the arena. */
bool eh_loader_progress(eh_loader *loader, eh_arena *arena, eh_progress *progress,
                        eh_err *err) EH_MUST_USE;

/* Where to go on in a window that was interrupted; both NULL: at its beginning. */
typedef struct eh_resume {
    const eh_doc *position; /* as the source named it */
    const char *from;       /* the instant up to which its order was verified */
} eh_resume;

/* Begins a window. input: its name, raw, label and raw_self; identity and size are the
   loader's. *resume is in the arena. */
bool eh_loader_window(eh_loader *loader, const eh_load_window *window,
                      const eh_load_input *input, eh_arena *arena, eh_resume *resume,
                      eh_err *err) EH_MUST_USE;

/* Begins the window that is open anew: what waits of it in a stage goes, rows that are merged
   stay and come again. Of a window of which this loader was given no rows yet. */
bool eh_loader_window_restart(eh_loader *loader, const eh_load_input *input, eh_arena *arena,
                              eh_err *err) EH_MUST_USE;

/* Where the next page begins: offsets go on from page to page, also to the next window. */
uint64_t eh_loader_offset(const eh_loader *loader);
/* The page that is read from now on, for messages; borrowed until the next one. */
void eh_loader_page(eh_loader *loader, const char *label);
/* A page was read; the next begins at `offset`. position: where to go on behind it, NULL: the
   source does not know. */
bool eh_loader_mark(eh_loader *loader, uint64_t offset, const eh_doc *position,
                    eh_err *err) EH_MUST_USE;
/* How far the window's rows were verified, as a cursor; *cursor stays NULL where that is not
   declared, or nothing came. In the arena. */
bool eh_loader_verified(const eh_loader *loader, eh_arena *arena, const eh_doc **cursor,
                        eh_err *err) EH_MUST_USE;
/* No unit refers to what is in front of this offset. */
uint64_t eh_loader_oldest(const eh_loader *loader);
/* Commits what it was given so far: eh_loader_oldest is eh_loader_offset then. */
bool eh_loader_flush(eh_loader *loader, eh_err *err) EH_MUST_USE;

/* The window is complete: its rows are in the table and the cursor (NULL: as it was) is the
   stream's, or, in a replacement, will be when it ends. promoted->refused: its period was left
   as it is. */
bool eh_loader_window_end(eh_loader *loader, const eh_doc *cursor, eh_promoted *promoted,
                          eh_err *err) EH_MUST_USE;
/* It will not be: the cursor stays, and what was collected is not loaded. */
bool eh_loader_window_leave(eh_loader *loader, eh_err *err) EH_MUST_USE;

/* The load failed or was stopped; what committed stays. */
void eh_loader_abandon(eh_loader *loader, const eh_err *why);

const eh_load_counts *eh_loader_counts(const eh_loader *loader);

#endif
