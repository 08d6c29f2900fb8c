/* load/plan_extra.c: which columns of the input get none of their own in the table: where a
 * resource says so all that are not declared, otherwise those that come when the table is full.
 * Their values go into one JSON column, _extra (loader_extra.c). See plan.h. */
#include "load/plan_private.h"

static bool is_there(const eh_plan *plan, const char *name)
{
    return plan->table.exists && eh_plan_find_column(plan, name) != NULL;
}

size_t eh_plan_width(const eh_plan *plan)
{
    size_t count = plan->table.exists ? plan->table.count : 0;
    return count - is_there(plan, eh_plan_added_name(EH_FROM_EXTRA));
}

/* With the columns of ours that are still to be added. */
static size_t begin_width(const eh_plan *plan)
{
    size_t width = eh_plan_width(plan);
    for (int o = EH_FROM_CLIENT; o < EH_ORIGIN_COUNT; o++)
        if (o != EH_FROM_EXTRA && eh_plan_wants_added(plan, (eh_origin)o) &&
            !is_there(plan, eh_plan_added_name((eh_origin)o)))
            width++;
    return width;
}

/* Somebody asks for it by name: it has a column of its own, or the run stops. */
static bool is_named(const eh_plan *plan, size_t index)
{
    const eh_source_plan *s = &plan->source_plans[index];
    const eh_doc *flag = plan->options.write.hard_delete;
    return s->declared || s->key || s->order ||
           (flag != NULL && eh_declared_is(flag, plan->sources[index].written, s->name));
}

void eh_plan_decide_extras(eh_plan *plan)
{
    const char *word = eh_doc_str(plan->options.declaration, "extras", "");
    bool all = strcmp(word, "json") == 0;
    size_t width = begin_width(plan);
    plan->has_extra = false;
    plan->overflow = NULL;
    for (size_t i = 0; i < plan->source_count; i++) {
        eh_source_plan *s = &plan->source_plans[i];
        if (s->fate != FATE_LOAD || is_there(plan, s->name)) continue;
        bool named = is_named(plan, i);
        /* The contract keeps it out already. */
        bool barred = !all && plan->table.exists && s->columns != EH_MODE_EVOLVE;
        if (barred) continue;
        if (!named && (all || width >= plan->options.max_columns)) {
            s->fate = FATE_EXTRA;
            plan->has_extra = true;
            if (!all && plan->overflow == NULL) plan->overflow = s->name;
        } else {
            width++;
        }
    }
}
