/* load/plan_put.c: which targets are key, cursor and flag; see plan.h. */
#include "load/key_set.h"
#include "load/plan_private.h"

#include <string.h>

/* The target of a declared name, among the columns of the source; SIZE_MAX: there is none. */
static size_t find_target(const eh_plan *plan, const eh_doc *declared)
{
    for (size_t i = 0; i < plan->source_count; i++) {
        const eh_source_plan *s = &plan->source_plans[i];
        if (s->target != SIZE_MAX &&
            eh_declared_is(declared, plan->sources[i].written, s->name))
            return s->target;
    }
    return SIZE_MAX;
}

static bool fail_missing(const char *file, const char *what, const char *name, eh_err *err)
{
    eh_fail(err, EH_CLASS_DATA, "%s has no column \"%s\", which is %s", file, name, what);
    return eh_err_hint(err, "names are those after `rename`; a column that is dropped is none");
}

static bool find_named(const eh_plan *plan, const char *file, const char *what,
                       const eh_doc *declared, size_t *target, eh_err *err)
{
    if (declared == NULL) return true;
    *target = find_target(plan, declared);
    if (*target != SIZE_MAX) return true;
    return fail_missing(file, what,
                        declared->kind == EH_DOC_STRING ? declared->as.string.data : "?", err);
}

static eh_put_role role_of(eh_origin origin)
{
    switch (origin) {
    case EH_FROM_SOURCE:
    case EH_FROM_VARIANT:
    case EH_FROM_EXTRA:
        return EH_PUT_VALUE;
    case EH_FROM_ABSENT:
        return EH_PUT_ABSENT;
    case EH_FROM_NESTED:
    case EH_FROM_RECORD:
        return EH_PUT_RECORD;
    case EH_FROM_PARENT:
    case EH_FROM_POSITION:
    case EH_FROM_CLIENT:
    case EH_FROM_INSTANCE:
        return EH_PUT_KEY;
    default:
        return EH_PUT_OURS;
    }
}

static bool fill_keys(const eh_plan *plan, const char *file, eh_put_role *roles, size_t *keys,
                      size_t *count, eh_err *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        roles[i] = role_of(plan->targets[i].origin);
        if (roles[i] == EH_PUT_KEY) keys[(*count)++] = i;
    }
    for (const eh_doc *k = eh_doc_first(plan->options.write.key); k != NULL; k = k->next) {
        size_t target;
        if (!find_named(plan, file, "part of the key", k, &target, err)) return false;
        if (roles[target] == EH_PUT_KEY) continue; /* named twice */
        roles[target] = EH_PUT_KEY;
        keys[(*count)++] = target;
    }
    return true;
}

static bool is_target(const eh_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->count; i++)
        if (strcmp(plan->infos[i].name, name) == 0) return true;
    return false;
}

/* Columns of the source that the input has none for; not ours, nor those that the database
 * fills. */
static bool list_kept(const eh_plan *plan, eh_arena *arena, eh_put *put, eh_err *err)
{
    const char **kept = eh_arena_zalloc(arena, plan->table.count, sizeof *kept);
    if (kept == NULL) return eh_fail_memory(err, "a load plan");
    for (size_t i = 0; i < plan->table.count; i++) {
        const eh_column_info *c = &plan->table.columns[i];
        if (c->generated || c->defaulted || c->name[0] == '_' || is_target(plan, c->name))
            continue;
        kept[put->kept_count] = eh_arena_strdup(arena, c->name);
        if (kept[put->kept_count++] == NULL) return eh_fail_memory(err, "a load plan");
    }
    put->kept = kept;
    return true;
}

static bool fill_nested(const eh_plan *plan, eh_arena *arena, eh_put *put, eh_err *err)
{
    size_t *nested = eh_arena_zalloc(arena, plan->field_count + 1, sizeof *nested);
    if (nested == NULL) return eh_fail_memory(err, "a load plan");
    put->nested = nested;
    for (size_t i = 0; i < plan->count; i++) {
        eh_origin origin = plan->targets[i].origin;
        if (origin == EH_FROM_NESTED) nested[put->nested_count++] = i;
        if (origin == EH_FROM_RECORD) put->record = i;
        if (origin == EH_FROM_CLIENT || origin == EH_FROM_INSTANCE || origin == EH_FROM_PARENT)
            put->parent_keys++;
    }
    if (plan->options.child != NULL) put->field = plan->options.child->field;
    return true;
}

bool eh_plan_put(const eh_plan *plan, const char *file, eh_arena *arena, const eh_put **result,
                 eh_err *err)
{
    const eh_write_rule *rule = &plan->options.write;
    *result = NULL;
    if (rule->write == EH_WRITE_REPLACE || rule->write == EH_WRITE_RESTATE) return true;
    if (rule->write == EH_WRITE_APPEND && !plan->table.no_copy) return true;
    eh_put *put = eh_arena_zalloc(arena, 1, sizeof *put);
    eh_put_role *roles = eh_arena_zalloc(arena, plan->count, sizeof *roles);
    size_t *keys = eh_arena_zalloc(arena, plan->count, sizeof *keys);
    if (put == NULL || roles == NULL || keys == NULL) return eh_fail_memory(err, "a load plan");
    *put = (eh_put){.write = rule->write,
                    .delete_insert = rule->delete_insert,
                    .count = plan->count,
                    .roles = roles,
                    .keys = keys,
                    .cursor = SIZE_MAX,
                    .deleted = SIZE_MAX,
                    .absent = plan->absent,
                    .record = SIZE_MAX};
    *result = put;
    put->columns = EH_KEY_HASH;
    for (size_t i = 0; i < plan->count; i++) {
        const char *name = plan->infos[i].name;
        roles[i] = EH_PUT_VALUE;
        put->columns = eh_key_hash(put->columns, name, strlen(name) + 1);
    }
    if (rule->write == EH_WRITE_APPEND) return true;
    if (rule->write == EH_WRITE_HISTORY && !list_kept(plan, arena, put, err)) return false;
    return fill_nested(plan, arena, put, err) &&
           fill_keys(plan, file, roles, keys, &put->key_count, err) &&
           find_named(plan, file, "the cursor", rule->cursor, &put->cursor, err) &&
           find_named(plan, file, "hard_delete", rule->hard_delete, &put->deleted, err);
}
