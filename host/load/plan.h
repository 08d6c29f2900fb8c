/* load/plan.h: how the columns of a batch reach the columns of a table.
 *
 * A plan knows the table as it really is, finds the table column for each source column, works
 * out which schema changes a batch needs, and gathers the cells of a row in the order the
 * encoder wants. It changes nothing itself: the loader applies the changes and refreshes the
 * plan. Floor 3. */
#ifndef EH_LOAD_PLAN_H
#define EH_LOAD_PLAN_H

#include "data/names.h"
#include "load/contract.h"
#include "load/dest.h"
#include "load/write.h"

/* One column of the batches as they come out of the transforms. */
typedef struct eh_source_column {
    eh_slice written; /* the name, after rename */
    bool dropped;     /* not loaded */
    bool instant;     /* its cells were turned into instants: a timestamp column */
    bool nested;      /* its lists are rows of a child table: what else it has is loaded here */
} eh_source_column;

/* Where a target column's cells come from. */
typedef enum eh_origin {
    EH_FROM_SOURCE,  /* cell `source` of the batch */
    EH_FROM_VARIANT, /* the same, for rows whose value does not fit the main column */
    EH_FROM_ABSENT,  /* which fields the record lacks: of the stage, not of the table */
    EH_FROM_CLIENT,
    EH_FROM_INSTANCE,
    EH_FROM_PARENT,   /* key column `source` of the record: of a child table */
    EH_FROM_POSITION, /* its own and those of the elements around it, `source` from outside */
    EH_FROM_PROJECT,
    EH_FROM_EXTRA, /* columns without one of their own, as one JSON object */
    EH_FROM_FILE,
    EH_FROM_ROW,
    EH_FROM_LOAD_ID,
    EH_FROM_LOADED_AT,
    EH_FROM_NESTED, /* which record's child rows there are to be: of the stage, not of the table
                     */
    EH_FROM_RECORD, /* which record a child row belongs to: the same */
    EH_ORIGIN_COUNT
} eh_origin;

typedef struct eh_target {
    eh_origin origin;
    size_t source; /* FROM_SOURCE and FROM_VARIANT */
    eh_type variant;
    bool key;
} eh_target;

/* Lists within lists become child tables so deep; deeper ones stay JSON. */
enum { EH_NESTED_DEPTH = 3, EH_NESTED_FIELDS = 16 /* of a table's own */ };

/* One column of the key of a record, as child tables have it. */
typedef struct eh_parent_key {
    const char *name; /* "_parent_id" */
    eh_type type;     /* of the record's column */
    size_t source;    /* the column of the batches; SIZE_MAX: none now */
} eh_parent_key;

/* What makes a table one of child rows. */
typedef struct eh_plan_child {
    const struct eh_plan *root; /* of the records */
    const char *table;          /* of the parent, which may be a child table itself */
    const char *name;           /* of the field there */
    size_t depth;               /* from 1 */
    size_t field;               /* of the record: which of its fields with child tables */
} eh_plan_child;

/* The name of a position's column, from outside; depth: of the child table. */
const char *eh_plan_position_name(size_t depth, size_t level);

typedef struct eh_plan_options {
    const eh_doc *declaration;
    const char *schema;
    const char *table;
    eh_write_rule write;
    bool has_client;  /* add _client_id and _source */
    bool has_project; /* add _project */
    bool has_file;    /* add _file and _row */
    size_t max_columns;
    bool collects;              /* rows are collected in a stage, and put when all are there */
    const eh_plan_child *child; /* NULL: rows are records */
} eh_plan_options;

typedef struct eh_plan {
    eh_plan_options options;
    eh_contract contract;
    eh_names *names;
    eh_arena *arena; /* of the table's description; reset by every refresh */
    eh_table_info table;
    /* source side */
    const eh_source_column *sources; /* the loader's */
    size_t source_count;
    struct eh_source_plan *source_plans;
    size_t source_capacity;
    /* target side: parallel arrays in the order of encoding */
    size_t count;
    size_t capacity;
    bool has_extra;       /* some source columns go into _extra */
    const char *overflow; /* the first that does because the table is full; NULL: none */
    bool discards; /* values of some column without a place in the table are not loaded */
    eh_column_info *infos;
    bool *declared;
    eh_target *targets;
    const eh_cell **pick;
    size_t absent; /* target index of FROM_ABSENT; SIZE_MAX: none */
    /* of records with child tables: the fields that have them, by their names in the table */
    const char **fields; /* names are borrowed */
    size_t field_count;
    eh_parent_key *keys; /* in the arena */
    size_t key_count;
    /* pending changes */
    eh_change *changes;
    size_t change_count;
    size_t change_capacity;
    eh_arena *change_arena; /* text of the pending changes and of variant columns; lives as long
                               as the plan */
} eh_plan;

bool eh_plan_init(eh_plan *plan, const eh_plan_options *options, eh_err *err) EH_MUST_USE;
void eh_plan_free(eh_plan *plan);

/* Takes over a new description of the table, which is in plan->arena. */
bool eh_plan_refresh(eh_plan *plan, eh_err *err) EH_MUST_USE;

/* The batches' columns are these from now on; borrowed until the next call. */
bool eh_plan_bind(eh_plan *plan, const eh_source_column *sources, size_t count,
                  eh_err *err) EH_MUST_USE;

/* Which changes does the table need before this batch can load? Fills plan->changes; none when
 * the batch fits. A contract that forbids a change is an error of class data. `place` names the
 * input in the reasons. */
bool eh_plan_needs(eh_plan *plan, const eh_batch *batch, const char *file,
                   eh_err *err) EH_MUST_USE;

/* Plans a change of an open column's type, or a variant column, for a value that does not fit.
 */
bool eh_plan_widen(eh_plan *plan, size_t target, eh_type to, const char *why,
                   eh_err *err) EH_MUST_USE;
bool eh_plan_add_variant(eh_plan *plan, size_t target, eh_type type, const char *why,
                         eh_err *err) EH_MUST_USE;

/* The target index of the variant column of `type` for the column of target `target`, or
 * SIZE_MAX. */
size_t eh_plan_variant(const eh_plan *plan, size_t target, eh_type type);

/* How the rows reach the table, in terms of the targets; NULL in *put: they are appended.
 * Result in the arena. A key or a cursor that the input lacks is class data; `file` names the
 * input. */
bool eh_plan_put(const eh_plan *plan, const char *file, eh_arena *arena, const eh_put **put,
                 eh_err *err) EH_MUST_USE;

/* Does the contract send this row to the dead rows because a column without a place in the
 * table has a value in it? Gives the column or SIZE_MAX. */
size_t eh_plan_unwanted(const eh_plan *plan, const eh_cell *row);

/* Adds a field with child tables; the name is borrowed. */
bool eh_plan_add_field(eh_plan *plan, const char *name, size_t *field, eh_err *err) EH_MUST_USE;

/* Do rows go through a stage that ties child rows to their records? */
bool eh_plan_ties(const eh_plan *plan);

/* What the contract says of a value of `type` that does not fit the column of `target`. */
eh_mode eh_plan_misfit(const eh_plan *plan, size_t target, eh_type type, bool *said);

/* What it says of a variant column for it: that is a new column. */
eh_mode eh_plan_new_variant(const eh_plan *plan, size_t target);

/* Values that the contract discards in this row (columns: discard_value). */
size_t eh_plan_discarded(const eh_plan *plan, const eh_cell *row);

/* In dry runs: pretend that the pending changes were applied. */
bool eh_plan_pretend(eh_plan *plan, eh_err *err) EH_MUST_USE;

#endif
