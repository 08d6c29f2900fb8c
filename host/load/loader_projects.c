/* load/loader_projects.c: the rules of projects.yaml for one stream: bound to its columns, and
 * held against those that its rows were loaded by. See loader.h. */
#include "load/loader_private.h"
#include "load/plan_private.h"

#include <stdio.h>

#define RULES_MAX ((size_t)8 * 1024 * 1024)

static eh_slice written_name(void *self, size_t i)
{
    return ((const eh_plan *)self)->sources[i].written;
}

static const char *loaded_name(void *self, size_t i)
{
    const eh_source_plan *s = &((const eh_plan *)self)->source_plans[i];
    return s->fate == FATE_DROP ? NULL : s->name;
}

void eh_loader_bind_projects(eh_loader *loader)
{
    if (loader->projects == NULL) return;
    eh_projects_bind(loader->projects, loader->plan.source_count, written_name, loaded_name,
                     &loader->plan);
}

/* Asks, and keeps these rules for a stream without rows, or (again) whose rows are all new. */
static bool ask(eh_loader *loader, const char *again, bool *other, eh_err *err)
{
    const eh_loader_options *o = &loader->options;
    eh_buf rules;
    eh_doc *rows = NULL;
    char stream[24];
    eh_buf_init(&rules, RULES_MAX);
    eh_arena *arena = eh_arena_new(RULES_MAX);
    bool ok = (arena != NULL || eh_fail_memory(err, "projects")) &&
              eh_projects_json(o->projects, o->key.instance,
                               eh_doc_str(o->declaration, "source", NULL), o->key.resource,
                               &rules, err);
    (void)snprintf(stream, sizeof stream, "%lld", (long long)loader->state.stream_id);
    const char *params[] = {stream, rules.data, again};
    ok = ok && eh_dest_query(o->dest, "stream_projects", params, 3, arena, &rows, err);
    *other = ok && strcmp(eh_doc_str(eh_doc_first(rows), "other", "false"), "true") == 0;
    eh_arena_free(arena);
    eh_buf_free(&rules);
    return ok;
}

bool eh_loader_compare_projects(eh_loader *loader, eh_err *err)
{
    const eh_loader_options *o = &loader->options;
    const eh_load_events *events = &o->events;
    bool other, has_client = loader->plan.options.has_client;
    char message[512];
    if (o->dry_run || !has_client) return true;
    if (!ask(loader, "false", &other, err)) return false;
    if (!other || !loader->plan.table.exists || o->replace || events->warning == NULL)
        return true;
    bool rewrites = strcmp(eh_dest_kind(o->dest), "postgres") == 0;
    (void)snprintf(message, sizeof message,
                   "rows of %s.%s were loaded by other rules of projects.yaml; %s",
                   o->key.schema, o->key.table,
                   rewrites ? "`etlhost project rewrite` brings them up to date"
                            : "`etlhost run --full-refresh` loads them anew");
    events->warning(events->self, message);
    return true;
}

bool eh_loader_keep_projects(eh_loader *loader, eh_err *err)
{
    bool other;
    return !loader->plan.options.has_client || ask(loader, "true", &other, err);
}
