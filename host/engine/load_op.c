/* engine/load_op.c: `etlhost load`: files into tables, no pipeline, no jail. */
#include "engine/load_names.h"
#include "engine/load_tables.h"
#include "engine/stream.h"

/* A pretend declaration: what a resource would say of its files. */
static const eh_doc *declaration(eh_run *run, const eh_doc *load, eh_err *err)
{
    eh_doc *map = eh_doc_map(run->arena);
    static const char *const kept[] = {"format",   "columns",     "on_changed_file", "max_dead",
                                       "contract", "write",       "merge",           "key",
                                       "cursor",   "hard_delete", "min_ratio"};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        const eh_doc *value = eh_doc_get(load, kept[i]);
        if (value != NULL && !eh_doc_put(run->arena, map, eh_slice_str(kept[i]),
                                         eh_doc_copy(run->arena, value, NULL), err))
            return NULL;
    }
    if (map == NULL) eh_fail_memory(err, "a load");
    return map;
}

static bool load_files(eh_stream *s, const eh_load_table *table, eh_err *err)
{
    const eh_doc *load = eh_doc_get(s->run->spec, "load");
    for (size_t i = 0; i < table->count; i++) {
        eh_file_outcome outcome;
        if (!eh_load_named(s, load, table->files, table->count, i, &outcome, err)) return false;
    }
    return true;
}

/* A table is a stream of its own: one that fails does not keep the others from being loaded.
 * False when the run is to stop. */
static bool load_table(eh_run *run, const eh_load_table *table, const eh_doc *declared,
                       const char *retry)
{
    const char *schema = eh_dest_default_schema(run->dest);
    if (strcmp(eh_dest_kind(run->dest), "postgres") == 0)
        schema = eh_doc_str(eh_doc_get(run->spec, "destination"), "schema", schema);
    bool anew = eh_doc_bool(run->spec, "full_refresh", false);
    bool replace = anew || strcmp(eh_doc_str(declared, "write", "append"), "replace") == 0;
    eh_stream stream = {
        .run = run,
        .replace = replace && retry == NULL,
        .anew = anew,
        .client = eh_doc_str(eh_doc_get(run->spec, "client"), "id", ""),
        .instance = "load",
        .resource = table->name,
        .schema = schema,
        .table = table->name,
        .declaration = declared,
    };
    eh_err failure = {.class_ = EH_OK};
    uint64_t count;
    bool ok = retry == NULL
                  ? load_files(&stream, table, &failure)
                  : eh_stream_retry(&stream, retry[0] != '\0' ? retry : NULL, &count, &failure);
    (void)eh_stream_end(&stream, ok ? NULL : &failure);
    return failure.class_ != EH_CLASS_CANCELLED;
}

bool eh_run_load(eh_run *run, eh_err *err)
{
    const eh_doc *load = eh_doc_get(run->spec, "load");
    const char *into = eh_doc_str(load, "into", NULL);
    if (into == NULL || into[0] == '\0')
        return eh_fail(err, EH_CLASS_CONFIG, "no table is given: use --into TABLE");
    const char *retry = eh_doc_str(load, "retry", NULL);
    eh_load_table only = {.name = into};
    size_t count = 1;
    const eh_doc *names = NULL;
    if (retry == NULL && !eh_load_names(run, load, eh_doc_get(load, "files"), &names, err))
        return false;
    const eh_load_table *tables =
        retry != NULL ? &only : eh_load_tables(run->arena, into, names, &count, err);
    if (tables == NULL || !eh_run_open_dest(run, eh_doc_bool(run->spec, "dry_run", false), err))
        return false;
    const eh_doc *declared = declaration(run, load, err);
    if (declared == NULL) return false;
    for (size_t i = 0; i < count; i++)
        if (!load_table(run, &tables[i], declared, retry)) break;
    return true;
}
