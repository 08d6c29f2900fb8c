/* load/loader_nested.h: lists within records as rows of child tables; loader*.c only.
 *
 * Each child table has a loader of its own (loader_private.h) that the records' loader, the
 * root, owns. For every batch the lists are taken out of the records, parsed as rows of their
 * tables, and held against those; then each record is encoded together with its rows, into the
 * parts of the same unit. Floor 3. */
#ifndef EH_LOAD_LOADER_NESTED_H
#define EH_LOAD_LOADER_NESTED_H

#include "load/loader_private.h"

/* One element of a list. */
typedef struct eh_element {
    size_t record; /* the row of the root's batch */
    int64_t positions[EH_NESTED_DEPTH];
} eh_element;

/* What a child table's loader has beside. */
typedef struct eh_child {
    eh_loader *parent;
    eh_plan_child place;
    char table[EH_NAME_MAX + 1];
    const eh_doc *declaration;
    size_t index; /* among all */
    size_t part;  /* of the open unit */
    bool is_ours; /* the table is one that etlhost made for this */
    /* of the root's batch at work */
    eh_buf text;          /* the elements, as one JSON list */
    eh_element *elements; /* owned; of each row of the batch */
    size_t element_count;
    size_t element_capacity;
    eh_batch batch;
    eh_batch parsed; /* what the parser gave last */
    size_t at;       /* the first row of the record at work */
    size_t row;      /* at work */
    eh_slice *names; /* owned; the columns so far, as written. Text in the root's arena */
    size_t name_count;
    eh_cell positions[EH_NESTED_DEPTH];
} eh_child;

struct eh_nested {
    const eh_doc *rule; /* what the declaration says */
    eh_arena *arena;
    eh_loader **all;        /* owned; parents before their children */
    eh_child_stage *stages; /* owned; of each */
    size_t count;
    uint64_t seen;        /* eh_dest_changes when the child tables were looked for */
    eh_cell record_cell;  /* the number of the record at work */
    const eh_cell *cells; /* its own */
    eh_loader *changing;  /* whose table must be changed first */
    bool buried;          /* the record at work is dead */
};

/* ---- loader_nested.c -------------------------------------------------------------------- */

/* Reads what is declared, and finds the child tables that are there. */
bool eh_nested_start(eh_loader *loader, eh_err *err) EH_MUST_USE;
void eh_nested_free(eh_loader *loader);
/* Are the lists of this column rows of a child table? */
bool eh_nested_takes(const eh_loader *loader, eh_slice written);
/* The loader of the child table for a column; *child is NULL where lists stay as they are. */
bool eh_nested_find(eh_loader *parent, const char *name, eh_loader **child,
                    eh_err *err) EH_MUST_USE;
/* The index of child tables that are appended to. */
void eh_nested_index(eh_loader *root);
/* Other streams may have made child tables of the same table meanwhile, or changed them. */
bool eh_nested_look(eh_loader *root, eh_err *err) EH_MUST_USE;
/* A child's state follows its root's. */
void eh_nested_follow(eh_loader *child);

/* Rows go elsewhere from now on. */
void eh_nested_forget_encoders(eh_loader *root);
/* The child's stage was made. */
void eh_nested_note_stage(eh_loader *child);
/* The child tables whose rows come and go with a promotion. */
bool eh_nested_list(eh_loader *root, eh_promotion *promotion, eh_err *err) EH_MUST_USE;

/* ---- loader_nested_batch.c -------------------------------------------------------------- */

/* Takes the lists out of the batch; the root may have columns of the stage more after it. */
bool eh_nested_take(eh_loader *root, eh_batch *batch, eh_err *err) EH_MUST_USE;

/* ---- loader_nested_rows.c --------------------------------------------------------------- */

/* Changes what the child tables need for the batch, in front of the record at `place`. */
bool eh_nested_meet_needs(eh_loader *root, const eh_place *place, eh_err *err) EH_MUST_USE;
/* The input is read up to `next`, its end: a field that has had neither a list nor another
 * value gets its column now. */
bool eh_nested_settle(eh_loader *root, const eh_parse_from *next, eh_err *err) EH_MUST_USE;
/* Has each child table an encoder for its present columns? */
bool eh_nested_is_ready(const eh_loader *root);
bool eh_nested_make_encoders(eh_loader *root, const eh_place *place, eh_err *err) EH_MUST_USE;
bool eh_nested_begin_unit(eh_loader *root, eh_err *err) EH_MUST_USE;
/* The child rows of a record into the open unit. */
eh_row_fate eh_nested_load(eh_loader *root, const eh_batch *batch, size_t row, bool *buried,
                           eh_err *err);
/* Whose table a fate of EH_ROW_CHANGE is about. */
eh_loader *eh_nested_changing(eh_loader *root);
/* For a child's loader: */
eh_append eh_nested_append(eh_loader *child, eh_row_fault *fault, eh_err *err);
eh_row_fate eh_nested_bury(eh_loader *child, const char *column, const char *code,
                           const char *reason, eh_err *err);
const eh_cell *eh_nested_cell(eh_loader *loader, const eh_target *target, const eh_cell *cells);

#endif
