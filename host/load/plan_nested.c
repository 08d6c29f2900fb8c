/* load/plan_nested.c: child tables in a plan: the columns that say whose row it is and where it
 * stood, and those of the stages that tie records and child rows together. See plan.h. */
#include "load/plan_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const position_names[] = {"_position_1", "_position_2"};

const char *eh_plan_position_name(size_t depth, size_t level)
{
    if (level + 1 == depth) return "_position";
    assert(level < sizeof position_names / sizeof *position_names);
    return position_names[level];
}

bool eh_plan_add_field(eh_plan *plan, const char *name, size_t *field, eh_err *err)
{
    for (size_t i = 0; i < plan->field_count; i++) {
        if (strcmp(plan->fields[i], name) != 0) continue;
        *field = i;
        return true;
    }
    const char **more = realloc(plan->fields, (plan->field_count + 1) * sizeof(char *));
    if (more == NULL) return eh_fail_memory(err, "a load plan");
    plan->fields = more;
    plan->fields[plan->field_count] = name;
    *field = plan->field_count++;
    return true;
}

bool eh_plan_ties(const eh_plan *plan)
{
    eh_write write = plan->options.write.write;
    return !plan->options.collects &&
           (write == EH_WRITE_MERGE || write == EH_WRITE_INSERT_ONLY);
}

/* ---- the key of a record ---------------------------------------------------------------- */

static size_t find_source(const eh_plan *plan, const eh_doc *declared)
{
    for (size_t i = 0; i < plan->source_count; i++)
        if (plan->source_plans[i].name != NULL &&
            eh_declared_is(declared, plan->sources[i].written, plan->source_plans[i].name))
            return i;
    return SIZE_MAX;
}

static bool fill_key(eh_plan *plan, const eh_doc *declared, eh_parent_key *key, eh_err *err)
{
    char written[EH_NAME_MAX + 16], name[EH_NAME_MAX + 1];
    key->source = find_source(plan, declared);
    eh_name_normalise(declared->as.string, name);
    const char *column = key->source != SIZE_MAX ? plan->source_plans[key->source].name : name;
    const eh_column_info *info = eh_plan_find_column(plan, column);
    key->type = info != NULL ? info->type : EH_TYPE_TEXT;
    (void)snprintf(written, sizeof written, "_parent_%s", column);
    eh_name_normalise(eh_slice_str(written), name);
    key->name = eh_arena_strdup(plan->arena, name);
    return key->name != NULL || eh_fail_memory(err, "a load plan");
}

static bool is_named_twice(const eh_plan *plan)
{
    for (size_t i = 0; i < plan->key_count; i++)
        if (strcmp(plan->keys[i].name, plan->keys[plan->key_count].name) == 0) return true;
    return false;
}

bool eh_plan_find_keys(eh_plan *plan, eh_err *err)
{
    const eh_doc *declared = plan->options.write.key;
    plan->key_count = 0;
    if (declared == NULL || plan->options.child != NULL) return true;
    plan->keys = eh_arena_zalloc(plan->arena, eh_doc_count(declared), sizeof *plan->keys);
    if (plan->keys == NULL) return eh_fail_memory(err, "a load plan");
    for (const eh_doc *k = eh_doc_first(declared); k != NULL; k = k->next) {
        if (!fill_key(plan, k, &plan->keys[plan->key_count], err)) return false;
        if (!is_named_twice(plan)) plan->key_count++;
    }
    return true;
}

/* ---- targets ---------------------------------------------------------------------------- */

static eh_column_info of_stage(const char *name)
{
    return (eh_column_info){.name = name,
                            .type = EH_TYPE_BIGINT,
                            .native = "bigint",
                            .native_id = 20, /* pg_type.dat: int8 */
                            .typmod = -1};
}

static size_t source_of(const eh_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->source_count; i++)
        if (plan->source_plans[i].name != NULL && strcmp(plan->source_plans[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}

void eh_plan_aim_nested(eh_plan *plan)
{
    static const char *const names[] = {
        "_etl_nested_0",  "_etl_nested_1",  "_etl_nested_2",  "_etl_nested_3",
        "_etl_nested_4",  "_etl_nested_5",  "_etl_nested_6",  "_etl_nested_7",
        "_etl_nested_8",  "_etl_nested_9",  "_etl_nested_10", "_etl_nested_11",
        "_etl_nested_12", "_etl_nested_13", "_etl_nested_14", "_etl_nested_15"};
    bool child = plan->options.child != NULL;
    eh_column_info info = of_stage(EH_RECORD_COLUMN);
    if (child && plan->options.write.write == EH_WRITE_CHILDREN)
        eh_plan_add_target(plan, &info, (eh_target){EH_FROM_RECORD, 0, EH_TYPE_UNKNOWN, false},
                           false);
    if (child || !eh_plan_ties(plan)) return;
    for (size_t i = 0; i < plan->field_count; i++) {
        info = of_stage(names[i]);
        eh_target target = {EH_FROM_NESTED, source_of(plan, plan->fields[i]), EH_TYPE_UNKNOWN,
                            false};
        eh_plan_add_target(plan, &info, target, false);
    }
}

void eh_plan_aim_child(eh_plan *plan)
{
    const eh_plan_child *child = plan->options.child;
    if (child == NULL) return;
    for (size_t i = 0; i < child->root->key_count; i++) {
        const eh_column_info *info = eh_plan_find_column(plan, child->root->keys[i].name);
        if (info != NULL)
            eh_plan_add_target(plan, info,
                               (eh_target){EH_FROM_PARENT, i, EH_TYPE_UNKNOWN, false}, true);
    }
    for (size_t i = 0; i < child->depth; i++) {
        const char *name = eh_plan_position_name(child->depth, i);
        const eh_column_info *info = eh_plan_find_column(plan, name);
        if (info != NULL)
            eh_plan_add_target(plan, info,
                               (eh_target){EH_FROM_POSITION, i, EH_TYPE_UNKNOWN, false}, true);
    }
}

/* ---- changes ---------------------------------------------------------------------------- */

static bool need_column(eh_plan *plan, const char *name, eh_type type, eh_err *err)
{
    const eh_column_info *info = eh_plan_find_column(plan, name);
    eh_change change = {.column = name, .to = type, .declared = true};
    if (info == NULL) {
        change.kind = EH_CHANGE_ADD_COLUMN;
        change.why = "added by etlhost";
        return eh_plan_push_change(plan, change, err);
    }
    if (info->type == type) return true;
    change.kind = EH_CHANGE_TYPE;
    change.from = info->type;
    change.why = "its parent has this type";
    return eh_plan_push_change(plan, change, err);
}

/* Names are copied: those of the root live until it is described again. */
bool eh_plan_needs_child(eh_plan *plan, eh_err *err)
{
    const eh_plan_child *child = plan->options.child;
    if (child == NULL) return true;
    for (size_t i = 0; i < child->root->key_count; i++) {
        const eh_parent_key *key = &child->root->keys[i];
        const char *name = eh_arena_strdup(plan->change_arena, key->name);
        if (name == NULL) return eh_fail_memory(err, "schema changes");
        if (!need_column(plan, name, key->type, err)) return false;
    }
    for (size_t i = 0; i < child->depth; i++)
        if (!need_column(plan, eh_plan_position_name(child->depth, i), EH_TYPE_BIGINT, err))
            return false;
    return true;
}
