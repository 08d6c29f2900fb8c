/* load/loader_order.c: windows whose rows come in the order of the cursor, from the loader's
 * side; see ascending.h. */
#include "load/loader_private.h"
#include "load/plan_private.h"

/* Files come as they come, and so do dead rows that are sent again. */
static bool verifies(const eh_loader *loader)
{
    return loader->root == NULL && loader->ascending.field != NULL && loader->window != NULL;
}

bool eh_loader_keep_order(eh_loader *loader, const eh_batch *batch, eh_err *err)
{
    size_t count;
    char name[EH_NAME_MAX + 1];
    const eh_transform_column *columns = eh_transform_columns(loader->transform, &count);
    if (!verifies(loader)) return true;
    for (size_t i = 0; i < count; i++) {
        eh_name_normalise(columns[i].name, name);
        if (eh_declared_is(loader->ascending.field, columns[i].name, name))
            return eh_ascending_keep(&loader->ascending, batch, i, err);
    }
    return true;
}

bool eh_loader_aim_order(eh_loader *loader, const eh_batch *batch, eh_err *err)
{
    const eh_plan *plan = &loader->plan;
    eh_ascending *a = &loader->ascending;
    if (!verifies(loader)) return true;
    a->column = SIZE_MAX;
    for (size_t i = 0; i < plan->source_count && i < batch->columns; i++) {
        const eh_source_plan *s = &plan->source_plans[i];
        if (s->name == NULL || s->target == SIZE_MAX ||
            !eh_declared_is(a->field, plan->sources[i].written, s->name))
            continue;
        const eh_column_info *info = &plan->infos[s->target];
        a->seen = true;
        a->column = i;
        return info->unknown ||
               eh_ascending_type(a, info->type, plan->declared[s->target], err);
    }
    return true;
}

bool eh_loader_look_order(eh_loader *loader, const eh_batch *batch, size_t row, eh_err *err)
{
    if (!verifies(loader) ||
        eh_ascending_look(&loader->ascending, batch, row, loader->place_name, err))
        return true;
    eh_err ignored = {.class_ = EH_OK}; /* large: not to be cleared for each row */
    /* What came in front of it is in order. */
    eh_parse_from boundary = eh_loader_before(&batch->places[row]);
    if (!eh_loader_close_unit(loader, &boundary, &ignored)) eh_loader_drop(loader);
    return false;
}

bool eh_loader_take_order(eh_loader *loader, const eh_place *place, eh_err *err)
{
    return !verifies(loader) ||
           eh_ascending_take(&loader->ascending, place, loader->place_name, err);
}

bool eh_loader_judge_order(const eh_loader *loader, eh_err *err)
{
    const eh_ascending *a = &loader->ascending;
    if (!verifies(loader) || a->rows == 0 || a->seen) return true;
    (void)eh_fail(err, EH_CLASS_CONFIG,
                  "order = \"ascending\": the rows of %s have no column %.*s",
                  loader->place_name, EH_SLICE_FMT(a->field->as.string));
    return eh_err_hint(err, "cursor.field names the column that the service orders them by");
}

bool eh_loader_is_later(const eh_loader *loader, const eh_doc *value, const eh_doc *other)
{
    const eh_plan *plan = &loader->plan;
    for (size_t i = 0; i < plan->table.count; i++) {
        const eh_column_info *c = &plan->table.columns[i];
        if (eh_declared_is(loader->ascending.field,
                           eh_slice_str(c->written != NULL ? c->written : c->name), c->name))
            return eh_ascending_is_later(c->type, value, other);
    }
    return false;
}

bool eh_loader_verified(const eh_loader *loader, eh_arena *arena, const eh_doc **cursor,
                        eh_err *err)
{
    *cursor = NULL;
    return !verifies(loader) || eh_ascending_cursor(&loader->ascending, arena, cursor, err);
}
