/* load/plan.c: see plan.h. Which changes a batch needs is in plan_needs.c. */
#include "load/plan.h"

#include "load/extra.h"
#include "load/plan_private.h"

#include <stdlib.h>

#define DESCRIPTION_MAX ((size_t)16 * 1024 * 1024)

static const char *const added_names[EH_ORIGIN_COUNT] = {
    [EH_FROM_CLIENT] = "_client_id", [EH_FROM_INSTANCE] = "_source",
    [EH_FROM_PROJECT] = "_project",  [EH_FROM_EXTRA] = EH_EXTRA_COLUMN,
    [EH_FROM_FILE] = "_file",        [EH_FROM_ROW] = "_row",
    [EH_FROM_LOAD_ID] = "_load_id",  [EH_FROM_LOADED_AT] = "_loaded_at",
};

const char *eh_plan_added_name(eh_origin origin)
{
    return added_names[origin];
}

eh_type eh_plan_added_type(eh_origin origin)
{
    switch (origin) {
    case EH_FROM_ROW:
    case EH_FROM_LOAD_ID:
        return EH_TYPE_BIGINT;
    case EH_FROM_LOADED_AT:
        return EH_TYPE_TIMESTAMP;
    case EH_FROM_EXTRA:
        return EH_TYPE_JSON;
    default:
        return EH_TYPE_TEXT;
    }
}

bool eh_plan_wants_added(const eh_plan *plan, eh_origin origin)
{
    switch (origin) {
    case EH_FROM_CLIENT:
    case EH_FROM_INSTANCE:
        return plan->options.has_client;
    case EH_FROM_PROJECT:
        return plan->options.has_project;
    case EH_FROM_EXTRA:
        return plan->has_extra;
    case EH_FROM_FILE:
    case EH_FROM_ROW:
        return plan->options.has_file;
    case EH_FROM_LOAD_ID:
    case EH_FROM_LOADED_AT:
        return true;
    default:
        return false;
    }
}

bool eh_plan_init(eh_plan *plan, const eh_plan_options *options, eh_err *err)
{
    *plan = (eh_plan){.options = *options};
    if (!eh_contract_read(options->declaration, &plan->contract, err)) return false;
    plan->names = eh_names_new();
    plan->absent = SIZE_MAX;
    plan->arena = eh_arena_new(DESCRIPTION_MAX);
    plan->change_arena = eh_arena_new(DESCRIPTION_MAX);
    if (plan->names == NULL || plan->arena == NULL || plan->change_arena == NULL)
        return eh_fail_memory(err, "a load plan");
    return true;
}

void eh_plan_free(eh_plan *plan)
{
    eh_names_free(plan->names);
    eh_arena_free(plan->arena);
    eh_arena_free(plan->change_arena);
    free(plan->source_plans);
    free(plan->infos);
    free(plan->declared);
    free(plan->targets);
    free(plan->pick);
    free(plan->changes);
    free(plan->fields);
    *plan = (eh_plan){.names = NULL};
}

eh_column_info *eh_plan_find_column(const eh_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->table.count; i++)
        if (strcmp(plan->table.columns[i].name, name) == 0) return &plan->table.columns[i];
    return NULL;
}

/* The name in the table: a column that is called exactly as written (somebody else's table may
 * use capitals), or the normalised name. */
static bool name_source(eh_plan *plan, eh_source_plan *s, eh_slice written, eh_err *err)
{
    for (size_t i = 0; i < plan->table.count; i++) {
        /* One whose written name is recorded is that name's already. */
        if (plan->table.columns[i].written == NULL &&
            eh_slice_is(written, plan->table.columns[i].name) && written.data[0] != '_') {
            if (!eh_names_set(plan->names, written, plan->table.columns[i].name, err))
                return false;
            break;
        }
    }
    s->name = eh_names_of(plan->names, written, err);
    return s->name != NULL;
}

static bool plan_source(eh_plan *plan, size_t index, eh_err *err)
{
    const eh_source_column *column = &plan->sources[index];
    eh_source_plan *s = &plan->source_plans[index];
    *s = (eh_source_plan){.target = SIZE_MAX};
    if (column->dropped) {
        s->fate = FATE_DROP;
        return true;
    }
    if (!name_source(plan, s, column->written, err)) return false;
    eh_err wrong = {.class_ = EH_OK};
    s->declared = eh_declared_type(plan->options.declaration, column->written, s->name,
                                   &s->declared_type, &wrong);
    if (wrong.class_ != EH_OK) {
        *err = wrong;
        return false;
    }
    if (column->instant) {
        s->declared = true;
        s->declared_type = EH_TYPE_TIMESTAMP;
    }
    s->key = eh_declared_key(plan->options.declaration, column->written, s->name);
    const eh_write_rule *rule = &plan->options.write;
    s->order = ((rule->write != EH_WRITE_APPEND && rule->write != EH_WRITE_RESTATE) ||
                rule->ascending) &&
               rule->cursor != NULL && eh_declared_is(rule->cursor, column->written, s->name);
    s->columns = plan->contract.columns;
    s->types = plan->contract.types;
    s->types_said = plan->contract.types_said;
    eh_mode own;
    if (eh_contract_of_column(&plan->contract, column->written, s->name, &own)) {
        s->columns = s->types = own;
        s->types_said = true;
    }
    s->fate = FATE_LOAD;
    return true;
}

static bool grow_targets(eh_plan *plan, size_t count, eh_err *err)
{
    if (count <= plan->capacity) return true;
    size_t capacity = count + 32;
    eh_column_info *infos = realloc(plan->infos, capacity * sizeof *infos);
    if (infos != NULL) plan->infos = infos;
    bool *declared = realloc(plan->declared, capacity * sizeof *declared);
    if (declared != NULL) plan->declared = declared;
    eh_target *targets = realloc(plan->targets, capacity * sizeof *targets);
    if (targets != NULL) plan->targets = targets;
    const eh_cell **pick = realloc(plan->pick, capacity * sizeof(void *));
    if (pick != NULL) plan->pick = pick;
    if (infos == NULL || declared == NULL || targets == NULL || pick == NULL)
        return eh_fail_memory(err, "a load plan");
    plan->capacity = capacity;
    return true;
}

void eh_plan_add_target(eh_plan *plan, const eh_column_info *info, eh_target target,
                        bool declared)
{
    plan->infos[plan->count] = *info;
    plan->targets[plan->count] = target;
    plan->declared[plan->count] = declared;
    plan->pick[plan->count] = NULL;
    plan->count++;
}

/* A source column that has no place in the table: what becomes of it is the contract's word. It
 * stays FATE_LOAD without a target under evolve: eh_plan_needs will ask for the column. */
static void without_column(eh_plan *plan, eh_source_plan *s)
{
    if (s->columns == EH_MODE_DISCARD_ROW) s->fate = FATE_DISCARD_ROW;
    if (s->columns == EH_MODE_DISCARD_VALUE) s->fate = FATE_DISCARD_VALUE;
    plan->discards = plan->discards || s->fate != FATE_LOAD;
}

static void aim_variants(eh_plan *plan, size_t index)
{
    const eh_source_plan *s = &plan->source_plans[index];
    for (int t = EH_TYPE_BOOLEAN; t < EH_TYPE_COUNT; t++) {
        char name[EH_NAME_MAX + 1];
        if (!eh_plan_variant_name(s->name, (eh_type)t, name)) continue;
        const eh_column_info *info = eh_plan_find_column(plan, name);
        if (info != NULL && info->written != NULL && strcmp(info->written, name) == 0)
            eh_plan_add_target(plan, info,
                               (eh_target){EH_FROM_VARIANT, index, (eh_type)t, false}, false);
    }
}

/* In the stage beside the columns of the table. */
static void aim_absent(eh_plan *plan)
{
    static const eh_column_info info = {.name = EH_ABSENT_COLUMN,
                                        .type = EH_TYPE_TEXT,
                                        .native = "text",
                                        .native_id = 25, /* pg_type.dat: text */
                                        .typmod = -1};
    const eh_write_rule *rule = &plan->options.write;
    plan->absent = SIZE_MAX;
    if ((rule->write != EH_WRITE_MERGE && rule->write != EH_WRITE_HISTORY) ||
        rule->delete_insert)
        return;
    plan->absent = plan->count;
    eh_plan_add_target(plan, &info, (eh_target){EH_FROM_ABSENT, 0, EH_TYPE_UNKNOWN, false},
                       false);
}

/* Works out the targets again, after the table or the sources changed. */
static bool aim(eh_plan *plan, eh_err *err)
{
    plan->count = 0;
    plan->discards = false;
    plan->absent = SIZE_MAX;
    if (!eh_plan_find_keys(plan, err)) return false;
    if (!plan->table.exists) return true;
    if (!grow_targets(plan, plan->table.count * 2 + EH_ORIGIN_COUNT + plan->field_count, err))
        return false;
    for (int o = EH_FROM_CLIENT; o < EH_ORIGIN_COUNT; o++) {
        const char *name = added_names[o];
        const eh_column_info *info = name != NULL ? eh_plan_find_column(plan, name) : NULL;
        if (o == EH_FROM_PARENT) eh_plan_aim_child(plan);
        if (info != NULL && eh_plan_wants_added(plan, (eh_origin)o))
            eh_plan_add_target(plan, info, (eh_target){(eh_origin)o, 0, EH_TYPE_UNKNOWN, false},
                               false);
    }
    for (size_t i = 0; i < plan->source_count; i++) {
        eh_source_plan *s = &plan->source_plans[i];
        if (s->fate == FATE_DROP || s->fate == FATE_EXTRA) continue;
        const eh_column_info *info = eh_plan_find_column(plan, s->name);
        s->fate = FATE_LOAD;
        s->target = SIZE_MAX;
        if (info == NULL) {
            without_column(plan, s);
            continue;
        }
        s->generated = info->generated; /* refused before the next row */
        if (info->generated) continue;
        s->target = plan->count;
        eh_plan_add_target(plan, info, (eh_target){EH_FROM_SOURCE, i, EH_TYPE_UNKNOWN, s->key},
                           s->declared);
        aim_variants(plan, i);
    }
    aim_absent(plan);
    eh_plan_aim_nested(plan);
    return true;
}

/* No written name normalises to one with "__": a variant column is nobody's by name, even when
 * an input (this table, exported) has a column that is written so. */
static bool is_variant(const eh_column_info *c)
{
    return strcmp(c->written, c->name) == 0 && strstr(c->name, "__") != NULL;
}

bool eh_plan_refresh(eh_plan *plan, eh_err *err)
{
    for (size_t i = 0; i < plan->table.count; i++) {
        const eh_column_info *c = &plan->table.columns[i];
        if (c->written != NULL && !is_variant(c) &&
            !eh_names_set(plan->names, eh_slice_str(c->written), c->name, err))
            return false;
    }
    return eh_plan_bind(plan, plan->sources, plan->source_count, err);
}

bool eh_plan_bind(eh_plan *plan, const eh_source_column *sources, size_t count, eh_err *err)
{
    plan->sources = sources;
    if (count > plan->source_capacity) {
        eh_source_plan *more = realloc(plan->source_plans, count * sizeof *more);
        if (more == NULL) return eh_fail_memory(err, "a load plan");
        plan->source_plans = more;
        plan->source_capacity = count;
    }
    plan->source_count = count;
    for (size_t i = 0; i < count; i++)
        if (!plan_source(plan, i, err)) return false;
    eh_plan_decide_extras(plan);
    return aim(plan, err);
}

size_t eh_plan_variant(const eh_plan *plan, size_t target, eh_type type)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->targets[i].origin == EH_FROM_VARIANT && plan->targets[i].variant == type &&
            plan->targets[i].source == plan->targets[target].source)
            return i;
    return SIZE_MAX;
}

size_t eh_plan_unwanted(const eh_plan *plan, const eh_cell *row)
{
    for (size_t i = 0; i < plan->source_count; i++)
        if (plan->source_plans[i].fate == FATE_DISCARD_ROW && !eh_cell_is_null(&row[i]))
            return i;
    return SIZE_MAX;
}

size_t eh_plan_discarded(const eh_plan *plan, const eh_cell *row)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->source_count; i++)
        if (plan->source_plans[i].fate == FATE_DISCARD_VALUE && !eh_cell_is_null(&row[i]))
            count++;
    return count;
}

eh_mode eh_plan_misfit(const eh_plan *plan, size_t target, eh_type type, bool *said)
{
    const eh_source_plan *s = &plan->source_plans[plan->targets[target].source];
    *said = s->types_said;
    eh_mode own;
    eh_slice written = plan->sources[plan->targets[target].source].written;
    bool is_own = eh_contract_of_column(&plan->contract, written, s->name, &own);
    if (is_own || plan->contract.type[type] < 0) return s->types;
    *said = true;
    return (eh_mode)plan->contract.type[type];
}

eh_mode eh_plan_new_variant(const eh_plan *plan, size_t target)
{
    return plan->source_plans[plan->targets[target].source].columns;
}
