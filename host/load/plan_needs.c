/* load/plan_needs.c: which schema changes a batch needs; see plan.h. */
#include "data/infer.h"
#include "load/plan_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

bool eh_plan_variant_name(const char *name, eh_type type, char out[EH_NAME_MAX + 1])
{
    int length = snprintf(out, EH_NAME_MAX + 1, "%s__%s", name, eh_type_name(type));
    return length > 0 && length <= EH_NAME_MAX;
}

bool eh_plan_push_change(eh_plan *plan, eh_change change, eh_err *err)
{
    if (plan->change_count == plan->change_capacity) {
        size_t capacity = plan->change_capacity * 2 + 16;
        eh_change *more = realloc(plan->changes, capacity * sizeof *more);
        if (more == NULL) return eh_fail_memory(err, "schema changes");
        plan->changes = more;
        plan->change_capacity = capacity;
    }
    plan->changes[plan->change_count++] = change;
    return true;
}

/* Why a column is what it is, with the first row that has a value in it. */
static const char *first_seen(eh_plan *plan, const eh_batch *batch, size_t column,
                              const char *file)
{
    for (size_t r = 0; r < batch->rows; r++) {
        if (eh_cell_is_null(eh_batch_cell(batch, r, column))) continue;
        return eh_arena_printf(plan->change_arena, "first seen in row %" PRIu64 " of %s",
                               batch->places[r].row, file);
    }
    return eh_arena_printf(plan->change_arena, "a column of %s, without a value so far", file);
}

static eh_type join_column(const eh_batch *batch, size_t column, eh_type type)
{
    for (size_t r = 0; r < batch->rows && type != EH_TYPE_TEXT; r++)
        type = eh_infer_join(type, eh_infer_cell(eh_batch_cell(batch, r, column)));
    return type;
}

/* A column that this load made, before its type was declared: it takes the declared one where
 * its values can follow. */
static bool need_declared_type(eh_plan *plan, const eh_source_plan *s,
                               const eh_column_info *info, eh_err *err)
{
    eh_type from = info->unknown ? EH_TYPE_UNKNOWN : info->type;
    if (from == s->declared_type || info->blocker != NULL ||
        eh_infer_join(from, s->declared_type) != s->declared_type)
        return true;
    return eh_plan_push_change(plan,
                               (eh_change){.kind = EH_CHANGE_TYPE,
                                           .column = info->name,
                                           .written = info->written,
                                           .from = from,
                                           .to = s->declared_type,
                                           .why = "it was declared since"},
                               err);
}

/* A column that was only null so far and was made by this load takes its type from the first
 * values. */
static bool need_first_type(eh_plan *plan, const eh_batch *batch, size_t index,
                            const eh_column_info *info, const char *file, eh_err *err)
{
    eh_type type = join_column(batch, index, EH_TYPE_UNKNOWN);
    if (type == EH_TYPE_UNKNOWN) return true;
    return eh_plan_push_change(plan,
                               (eh_change){.kind = EH_CHANGE_TYPE,
                                           .column = info->name,
                                           .written = info->written,
                                           .from = EH_TYPE_UNKNOWN,
                                           .to = type,
                                           .why = first_seen(plan, batch, index, file)},
                               err);
}

static bool need_column(eh_plan *plan, const eh_batch *batch, size_t index, const char *file,
                        eh_err *err)
{
    eh_source_plan *s = &plan->source_plans[index];
    if (plan->table.exists && s->columns == EH_MODE_FREEZE) {
        eh_fail(err, EH_CLASS_DATA, "%s has a column \"%.*s\" that table %s.%s lacks", file,
                EH_SLICE_FMT(plan->sources[index].written), plan->options.schema,
                plan->options.table);
        return eh_err_hint(err,
                           "the contract freezes columns: add it to the table, drop it in the "
                           "pipeline, or set contract.columns to evolve");
    }
    const char *written =
        eh_arena_strndup(plan->change_arena, plan->sources[index].written.data,
                         plan->sources[index].written.len);
    const char *name = eh_arena_strdup(plan->change_arena, s->name);
    if (written == NULL || name == NULL) return eh_fail_memory(err, "schema changes");
    eh_change change = {
        .kind = EH_CHANGE_ADD_COLUMN,
        .column = name,
        .written = written,
        .to = s->declared ? s->declared_type : join_column(batch, index, EH_TYPE_UNKNOWN),
        .declared = s->declared,
        .why = first_seen(plan, batch, index, file),
    };
    return eh_plan_push_change(plan, change, err);
}

static bool need_added(eh_plan *plan, eh_origin origin, eh_err *err)
{
    if (!eh_plan_wants_added(plan, origin) ||
        eh_plan_find_column(plan, eh_plan_added_name(origin)) != NULL)
        return true;
    return eh_plan_push_change(plan,
                               (eh_change){.kind = EH_CHANGE_ADD_COLUMN,
                                           .column = eh_plan_added_name(origin),
                                           .to = eh_plan_added_type(origin),
                                           .declared = true,
                                           .why = "added by etlhost"},
                               err);
}

/* From when to when a version of a row is valid: written by the destination's steps. */
static bool need_validity(eh_plan *plan, eh_err *err)
{
    static const char *const names[] = {"_valid_from", "_valid_to"};
    if (plan->options.write.write != EH_WRITE_HISTORY) return true;
    for (size_t i = 0; i < 2; i++) {
        if (eh_plan_find_column(plan, names[i]) != NULL) continue;
        eh_change change = {.kind = EH_CHANGE_ADD_COLUMN,
                            .column = names[i],
                            .to = EH_TYPE_TIMESTAMP,
                            .declared = true,
                            .why = "added by etlhost"};
        if (!eh_plan_push_change(plan, change, err)) return false;
    }
    return true;
}

static bool has_value(const eh_batch *batch, size_t column)
{
    size_t r = 0;
    while (r < batch->rows && eh_cell_is_null(eh_batch_cell(batch, r, column))) r++;
    return r < batch->rows;
}

/* A field whose lists are rows of a child table has a column here only for other values. */
static bool need_sources(eh_plan *plan, const eh_batch *batch, const char *file, eh_err *err)
{
    for (size_t i = 0; i < plan->source_count; i++) {
        const eh_source_plan *s = &plan->source_plans[i];
        if (s->fate != FATE_LOAD || s->generated) continue;
        if (s->target == SIZE_MAX && plan->sources[i].nested && !has_value(batch, i)) continue;
        bool ok = true;
        if (s->target == SIZE_MAX)
            ok = need_column(plan, batch, i, file, err);
        else if (plan->infos[s->target].open && s->declared)
            ok = need_declared_type(plan, s, &plan->infos[s->target], err);
        else if (plan->infos[s->target].unknown)
            ok = need_first_type(plan, batch, i, &plan->infos[s->target], file, err);
        if (!ok) return false;
    }
    return true;
}

static bool check_width(const eh_plan *plan, eh_err *err)
{
    size_t width = eh_plan_width(plan);
    const char *first = NULL;
    for (size_t i = 0; i < plan->change_count; i++) {
        if (plan->changes[i].kind != EH_CHANGE_ADD_COLUMN ||
            strcmp(plan->changes[i].column, eh_plan_added_name(EH_FROM_EXTRA)) == 0)
            continue;
        width++;
        if (width > plan->options.max_columns && first == NULL) first = plan->changes[i].column;
    }
    if (first == NULL) return true;
    eh_fail(err, EH_CLASS_LIMIT,
            "table %s.%s would get %zu columns, more than max_columns = %zu",
            plan->options.schema, plan->options.table, width, plan->options.max_columns);
    return eh_err_hint(err,
                       "the first one too many is \"%s\"; drop columns in the pipeline, or "
                       "raise limits.max_columns",
                       first);
}

bool eh_plan_needs(eh_plan *plan, const eh_batch *batch, const char *file, eh_err *err)
{
    plan->change_count = 0;
    if (!plan->table.exists &&
        (batch->rows == 0 || plan->contract.tables == EH_MODE_DISCARD_ROW))
        return true;
    if (!plan->table.exists) {
        if (plan->contract.tables == EH_MODE_FREEZE) {
            eh_fail(err, EH_CLASS_DATA, "table %s.%s does not exist", plan->options.schema,
                    plan->options.table);
            return eh_err_hint(err, "the contract freezes tables: create it, or set "
                                    "contract.tables to evolve");
        }
        const eh_plan_child *child = plan->options.child;
        eh_change create = {.kind = EH_CHANGE_CREATE_TABLE, .why = "new"};
        if (child != NULL) create.parent = child->table;
        if (child != NULL) create.field = child->name;
        if (!eh_plan_push_change(plan, create, err)) return false;
    }
    /* Ours that tell whose row it is come first, ours that tell where it came from last. */
    bool ok = need_added(plan, EH_FROM_CLIENT, err) &&
              need_added(plan, EH_FROM_INSTANCE, err) && eh_plan_needs_child(plan, err) &&
              need_added(plan, EH_FROM_PROJECT, err) && need_sources(plan, batch, file, err) &&
              need_added(plan, EH_FROM_EXTRA, err) && need_added(plan, EH_FROM_FILE, err) &&
              need_added(plan, EH_FROM_ROW, err) && need_added(plan, EH_FROM_LOAD_ID, err) &&
              need_added(plan, EH_FROM_LOADED_AT, err) && need_validity(plan, err);
    return ok && check_width(plan, err);
}

bool eh_plan_widen(eh_plan *plan, size_t target, eh_type to, const char *why, eh_err *err)
{
    const eh_column_info *info = &plan->infos[target];
    return eh_plan_push_change(plan,
                               (eh_change){.kind = EH_CHANGE_TYPE,
                                           .column = info->name,
                                           .written = info->written,
                                           .from = info->unknown ? EH_TYPE_UNKNOWN : info->type,
                                           .to = to,
                                           .why = eh_arena_strdup(plan->change_arena, why)},
                               err);
}

bool eh_plan_add_variant(eh_plan *plan, size_t target, eh_type type, const char *why,
                         eh_err *err)
{
    char name[EH_NAME_MAX + 1];
    if (!eh_plan_variant_name(plan->infos[target].name, type, name))
        return eh_fail(
            err, EH_CLASS_DATA,
            "column %s has values that do not fit it, and its name is too long for a "
            "variant column",
            plan->infos[target].name);
    char *copy = eh_arena_strdup(plan->change_arena, name);
    if (copy == NULL) return eh_fail_memory(err, "schema changes");
    eh_change change = {
        .kind = EH_CHANGE_ADD_COLUMN,
        .column = copy,
        .written = copy,
        .to = type,
        .why = eh_arena_strdup(plan->change_arena, why),
    };
    return eh_plan_push_change(plan, change, err) && check_width(plan, err);
}

static eh_column_info pretend_column(const eh_change *change)
{
    return (eh_column_info){
        .name = change->column,
        .type = change->to == EH_TYPE_UNKNOWN ? EH_TYPE_TEXT : change->to,
        .native = eh_type_name(change->to == EH_TYPE_UNKNOWN ? EH_TYPE_TEXT : change->to),
        .typmod = -1,
        .open = change->written != NULL && !change->declared,
        .unknown = change->to == EH_TYPE_UNKNOWN,
        .written = change->written,
    };
}

bool eh_plan_pretend(eh_plan *plan, eh_err *err)
{
    size_t room = plan->table.count + plan->change_count;
    eh_column_info *columns = eh_arena_zalloc(plan->arena, room, sizeof *columns);
    if (columns == NULL) return eh_fail_memory(err, "a load plan");
    if (plan->table.count > 0)
        memcpy(columns, plan->table.columns, plan->table.count * sizeof *columns);
    plan->table.columns = columns;
    plan->table.exists = true;
    for (size_t i = 0; i < plan->change_count; i++) {
        const eh_change *change = &plan->changes[i];
        if (change->kind == EH_CHANGE_ADD_COLUMN)
            columns[plan->table.count++] = pretend_column(change);
        eh_column_info *info =
            change->kind == EH_CHANGE_TYPE ? eh_plan_find_column(plan, change->column) : NULL;
        if (info != NULL) {
            info->type = change->to;
            info->native = eh_type_name(change->to);
            info->unknown = false;
        }
    }
    plan->change_count = 0;
    return eh_plan_refresh(plan, err);
}
