/* load/loader_private.h: what loader.c, loader_units.c and loader_rows.c share. This room only.
 */
#ifndef EH_LOAD_LOADER_PRIVATE_H
#define EH_LOAD_LOADER_PRIVATE_H

#include "data/projects.h"
#include "load/ascending.h"
#include "load/loader.h"

/* An encoder and all it points to. */
typedef struct eh_kept_encoder eh_kept_encoder;
struct eh_kept_encoder {
    eh_kept_encoder *next;
    eh_arena *arena;
    const eh_encoder *encoder;
};

/* The rows of all units of a load so far, and what max_dead says of them. */
typedef struct eh_judged {
    uint64_t rows; /* dead ones included */
    uint64_t dead;
    double max_ratio;
    size_t max_rows;
} eh_judged;

typedef struct eh_nested eh_nested; /* loader_nested.h */

/* The rows of a child table are loaded by a loader of their own, which has a plan and an
 * encoder, and no units: its rows go into those of its root, with their record. */
struct eh_loader {
    eh_loader_options options;
    eh_loader *root; /* of a child table's: the loader of the records; NULL: this is one */
    struct eh_child *child; /* what that has beside; owned by the root */
    eh_nested *nested;      /* of a root; NULL: no field has child tables */
    eh_stream_state state;
    eh_load_counts counts;
    /* columns, from the parser to the table */
    eh_transform_context transform_context; /* a copy: options.transform points here */
    eh_transform *transform;
    size_t parser_columns; /* bound so far; SIZE_MAX: never */
    eh_source_column *sources;
    size_t source_count;
    size_t source_capacity;
    eh_plan plan;
    eh_projects *projects;     /* NULL: no rule is for this stream */
    uint64_t described;        /* eh_dest_changes when the plan's table was looked at */
    const eh_encoder *encoder; /* NULL: make one before the next row */
    eh_kept_encoder *encoders; /* newest first; older ones while units under way need them */
    uint64_t sent_columns;     /* eh_put.columns of the latest unit; 0: there was none */
    bool told_text_copy;
    bool sent_partial; /* it had records that lack fields */
    bool keyed;        /* the table has the unique index that the key needs */
    eh_buf comments;   /* what the declaration says of the table and its columns, as JSON */
    char told[1024];   /* the latest notice of the destination */
    bool looked_at;    /* the table was looked at before the first row */
    size_t begun;      /* units so far */
    eh_unit *open;     /* being filled; NULL: none */
    int64_t opened_us;
    eh_load_input input;
    const char *header;     /* of the input */
    eh_parse_from position; /* where the open unit begins */
    eh_parse_from after;    /* where the records that the loader was given end */
    size_t row_discarded;   /* values of the row at work that the contract drops */
    eh_judged judged;
    eh_err failure; /* of a unit; the first one */
    /* cells that are the same for many rows */
    bool is_sized; /* is_large is known */
    bool is_large; /* the table has more rows than widen_max */
    bool told_overflow;
    eh_cell extra_cell; /* text in `extra`, null or absent */
    eh_buf extra;
    eh_cell absent_cell; /* text in `absent`, or null */
    eh_cell client_cell;
    eh_cell instance_cell;
    eh_cell file_cell;
    eh_cell row_cell;
    eh_cell load_cell;
    eh_cell time_cell;
    eh_buf absent; /* see eh_put.absent */
    eh_buf raw;    /* scratch for the bytes of a dead row */
    /* of a replacement: its inputs, as JSON lists that are not closed yet */
    eh_buf kept;
    eh_buf staged;
    uint64_t rows_waiting; /* of counts.rows_loaded: in the stage, not in the table yet */
    eh_promoted promoted;
    /* of windows (loader_window.c) */
    const char *place_name; /* of what is read now: the input, or a page of it */
    eh_buf mark; /* JSON without its braces: where reading goes on behind what was read; empty:
                    nowhere */
    uint64_t marked;        /* the place that is behind the latest page */
    eh_ascending ascending; /* loader_order.c */
    eh_arena *window_arena; /* reset when a window begins */
    const char *window;     /* its identity; NULL: none is open */
    eh_load_window bounds;
    int64_t window_units; /* state.units when it began */
    bool window_resumed;  /* an earlier run has put units of it into the stage */
    uint64_t windows;     /* so far */
    eh_arena *cursor_arena;
    const eh_doc *cursor; /* of the latest window of a replacement; NULL: none */
};

/* loader_table.c */

/* Keeps what the declaration says of the table and its columns. */
bool eh_loader_comments(eh_loader *loader, eh_err *err) EH_MUST_USE;
/* Tells when rows were loaded by other rules of projects. */
bool eh_loader_compare_projects(eh_loader *loader, eh_err *err) EH_MUST_USE;
/* All of the stream's rows were loaded by the rules of now. */
bool eh_loader_keep_projects(eh_loader *loader, eh_err *err) EH_MUST_USE;
/* The rules of projects look at the columns that are bound now. */
void eh_loader_bind_projects(eh_loader *loader);
/* Which column is the cursor, as the columns are bound now; an input without it changes
 * nothing. */
void eh_loader_note_cursor(eh_loader *loader);
/* Gives a table that is there what it is to have beside its columns. */
bool eh_loader_equip(eh_loader *loader, eh_err *err) EH_MUST_USE;
/* The index, once rows are there. A load that succeeded stays one without it. */
void eh_loader_index(eh_loader *loader);
/* Applies plan.changes; no lane may be busy. */
bool eh_loader_change_table(eh_loader *loader, eh_err *err) EH_MUST_USE;

/* Can rows of the columns that are bound now get into the table? False with all that is in
 * their way. plan.changes: what the batch needs. */
bool eh_loader_judge_table(eh_loader *loader, eh_err *err) EH_MUST_USE;

/* loader_units.c */

/* The unit that takes the next record, which stands at `next`; closes a full one. */
bool eh_loader_open_unit(eh_loader *loader, const eh_place *next, eh_err *err) EH_MUST_USE;
/* Closes the open unit in front of the record at `next` and submits it, if it holds anything.
 */
bool eh_loader_close_unit(eh_loader *loader, const eh_parse_from *next,
                          eh_err *err) EH_MUST_USE;
/* The same at the end of a part, also without a record: the ledger is to know that the part is
 * done with. last: that is the end of the input. */
bool eh_loader_close_part(eh_loader *loader, const eh_parse_from *next, bool last,
                          eh_err *err) EH_MUST_USE;
/* max_dead: see eh_unit. */
void eh_loader_dead_limit(const eh_loader *loader, double *ratio, size_t *rows);
/* Are too many of all rows so far dead? `last`: the input that was read last. */
bool eh_loader_judge(const eh_loader *loader, const char *last, eh_err *err) EH_MUST_USE;

typedef enum eh_wait {
    EH_WAIT_NOT,
    EH_WAIT_MINE, /* until no unit of this loader is under way */
    EH_WAIT_ALL   /* until no lane is busy, whoever's units they carry */
} eh_wait;

/* Takes what lanes have finished, turning the loop as long as told. False when a unit of this
 * loader has failed, now or before. */
bool eh_loader_collect(eh_loader *loader, eh_wait until, eh_err *err) EH_MUST_USE;

static inline eh_parse_from eh_loader_before(const eh_place *place)
{
    return (eh_parse_from){place->offset, place->row > 0 ? place->row - 1 : 0, place->line};
}

/* The loader that has the units. */
static inline eh_loader *eh_loader_root(eh_loader *loader)
{
    return loader->root != NULL ? loader->root : loader;
}

/* loader_rows.c */

typedef enum eh_row_fate {
    EH_ROW_DONE,   /* in the unit, as a row or as a dead row */
    EH_ROW_FULL,   /* close the unit and try again */
    EH_ROW_CHANGE, /* plan.changes must be applied first */
    EH_ROW_RETRY,  /* plan.pick was changed: append again */
    EH_ROW_ERROR
} eh_row_fate;

/* One row of a batch into the open unit. */
eh_row_fate eh_loader_load_row(eh_loader *loader, const eh_batch *batch, size_t row,
                               eh_err *err);
/* Makes the record at `place` a dead row. */
eh_row_fate eh_loader_bury(eh_loader *loader, const eh_place *place, const char *column,
                           const char *code, const char *reason, eh_err *err);

/* Encodes the rows and dead rows of a transformed batch into units. */
bool eh_loader_encode(eh_loader *loader, const eh_batch *batch, eh_err *err) EH_MUST_USE;

/* loader_extra.c */

/* Makes extra_cell from a row. *why: what keeps the row out of the table; NULL: nothing. */
bool eh_loader_fill_extra(eh_loader *loader, const eh_cell *cells, const char **why,
                          eh_err *err) EH_MUST_USE;
/* Tells once that columns go into _extra because the table is full. */
void eh_loader_tell_overflow(eh_loader *loader);

/* loader_encoder.c */

/* Makes the encoder for the plan's columns as they are now. */
bool eh_loader_make_encoder(eh_loader *loader, eh_err *err) EH_MUST_USE;
void eh_loader_free_encoders(eh_loader *loader);

/* loader_stage.c */

void eh_loader_stage_init(eh_loader *loader);
void eh_loader_stage_free(eh_loader *loader);
bool eh_loader_stage_all(eh_loader *loader, eh_err *err) EH_MUST_USE;
/* Makes the stage, if rows go there and it is not there yet. */
bool eh_loader_make_stage(eh_loader *loader, eh_err *err) EH_MUST_USE;
/* Into which table do rows go now? */
void eh_loader_where(const eh_loader *loader, const char **schema, const char **table);
bool eh_loader_promote_all(eh_loader *loader, const eh_doc *cursor, eh_err *err) EH_MUST_USE;

/* Into another stage, or none. */
bool eh_loader_enter(eh_loader *loader, eh_staging staging, const char *input,
                     eh_err *err) EH_MUST_USE;
/* What is the same of all promotions of this loader. */
eh_promotion eh_loader_promotion(const eh_loader *loader);
/* Rows that the table refuses are left out. */
bool eh_loader_promote(eh_loader *loader, eh_promotion *promotion, eh_promoted *promoted,
                       eh_err *err) EH_MUST_USE;

/* loader_window.c */

/* Do a window's rows wait until it is complete? */
bool eh_loader_collects(const eh_loader *loader);
bool eh_loader_window_init(eh_loader *loader, eh_err *err) EH_MUST_USE;
void eh_loader_window_free(eh_loader *loader);

/* loader_order.c: windows that come in the order of the cursor (ascending.h) */

/* Keeps what a row function is to leave as it is. */
bool eh_loader_keep_order(eh_loader *loader, const eh_batch *batch, eh_err *err) EH_MUST_USE;
/* The batch that is encoded next has the columns that are bound now. */
bool eh_loader_aim_order(eh_loader *loader, const eh_batch *batch, eh_err *err) EH_MUST_USE;
/* One row in front of its encoding, and behind it. A row that is out of order closes the unit
 * in front of it. */
bool eh_loader_look_order(eh_loader *loader, const eh_batch *batch, size_t row,
                          eh_err *err) EH_MUST_USE;
bool eh_loader_take_order(eh_loader *loader, const eh_place *place, eh_err *err) EH_MUST_USE;
/* Class config when the window's rows never had the cursor's column. */
bool eh_loader_judge_order(const eh_loader *loader, eh_err *err) EH_MUST_USE;
/* Is a value of the bookkeeping later than another one, as values of the cursor's column? */
bool eh_loader_is_later(const eh_loader *loader, const eh_doc *value, const eh_doc *other);

/* loader_units.c: has the open unit been open for long? */
bool eh_loader_is_old(const eh_loader *loader);
bool eh_loader_is_half_full(const eh_loader *loader);

/* loader.c */

/* Takes over the options of an empty loader. */
void eh_loader_prepare(eh_loader *loader, const eh_loader_options *options);
/* Changes what the table needs for a batch, with all units closed in front of `place`. */
bool eh_loader_meet_needs(eh_loader *loader, const eh_batch *batch, const eh_place *place,
                          eh_err *err) EH_MUST_USE;
/* Looks at the table and plans again. */
bool eh_loader_describe(eh_loader *loader, eh_err *err) EH_MUST_USE;
/* The batch's columns, as written, are these: transforms it and plans. */
bool eh_loader_bind_batch(eh_loader *loader, eh_batch *batch, const eh_slice *written,
                          size_t count, eh_err *err) EH_MUST_USE;

/* Applies plan.changes with no unit open or under way, and plans again. `next` is the first
 * record that needs them. */
bool eh_loader_change(eh_loader *loader, const eh_place *next, eh_err *err) EH_MUST_USE;

#endif
