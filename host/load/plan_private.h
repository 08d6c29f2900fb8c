/* load/plan_private.h: what plan.c and plan_needs.c share. Floor 3, this room only. */
#ifndef EH_LOAD_PLAN_PRIVATE_H
#define EH_LOAD_PLAN_PRIVATE_H

#include "load/plan.h"

typedef enum eh_fate {
    FATE_LOAD,
    FATE_DROP,
    FATE_DISCARD_ROW,
    FATE_DISCARD_VALUE,
    FATE_EXTRA /* into the column _extra */
} eh_fate;

typedef struct eh_source_plan {
    const char *name; /* in the table; of the plan's names */
    eh_fate fate;
    bool generated; /* the table's column of this name is the database's to fill */
    size_t target;  /* index of its FROM_SOURCE target; SIZE_MAX while it has none */
    bool declared;
    eh_type declared_type;
    eh_mode columns; /* what the contract says when the table has no such column */
    eh_mode types;   /* and of values that do not fit it */
    bool types_said; /* in so many words */
    bool key;        /* of the declared key, or the cursor */
    bool order; /* the cursor of rows that are put: its order must not change with its type */
} eh_source_plan;

/* plan_extra.c: which source columns have no column of their own. */
void eh_plan_decide_extras(eh_plan *plan);
/* The columns of the table that max_columns counts. */
size_t eh_plan_width(const eh_plan *plan);

/* plan_nested.c: child tables. */
/* The targets that tie records and child rows together. */
void eh_plan_aim_nested(eh_plan *plan);
/* Those of a child table that say whose row it is, and where it stands. */
void eh_plan_aim_child(eh_plan *plan);
/* Which columns are the key of a record, as child tables have it. */
bool eh_plan_find_keys(eh_plan *plan, eh_err *err) EH_MUST_USE;
/* The columns that a child table lacks, or that have another type than in their parent. */
bool eh_plan_needs_child(eh_plan *plan, eh_err *err) EH_MUST_USE;
void eh_plan_add_target(eh_plan *plan, const eh_column_info *info, eh_target target,
                        bool declared);
bool eh_plan_push_change(eh_plan *plan, eh_change change, eh_err *err) EH_MUST_USE;

const char *eh_plan_added_name(eh_origin origin);
eh_type eh_plan_added_type(eh_origin origin);
bool eh_plan_wants_added(const eh_plan *plan, eh_origin origin);
eh_column_info *eh_plan_find_column(const eh_plan *plan, const char *name);

/* "<name>__<type>"; false when that does not fit a name (the hash of names.h is for written
 * names, a variant must be recognisable): then there is no variant. */
bool eh_plan_variant_name(const char *name, eh_type type, char out[EH_NAME_MAX + 1]);

#endif
