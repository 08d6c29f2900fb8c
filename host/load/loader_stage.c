/* load/loader_stage.c: rows that take the place of others, from the loader's side; see loader.h
 * and stage.h. */
#include "base/fault.h"
#include "load/loader_nested.h"

#include <stdlib.h>
#include <string.h>

#define INPUTS_MAX ((size_t)64 * 1024 * 1024)
#define TOLD_MAX   ((size_t)1024 * 1024)

/* Whose rows are whose is told by these columns; all but a table of somebody else has them. */
static bool check_columns(const eh_loader *loader, eh_err *err)
{
    static const char *const names[] = {"_load_id", "_file", "_client_id", "_source"};
    size_t count = loader->plan.options.has_client ? 4 : 2;
    const eh_plan *plan = &loader->plan;
    for (size_t n = 0; plan->table.exists && n < count; n++) {
        bool found = n == 1 && !plan->options.has_file;
        for (size_t i = 0; i < plan->table.count; i++)
            found = found || strcmp(plan->table.columns[i].name, names[n]) == 0;
        if (found) continue;
        (void)eh_fail(err, EH_CLASS_CONFIG,
                      "%s.%s has no column %s, so nobody can tell which of its rows to replace",
                      loader->options.key.schema, loader->options.key.table, names[n]);
        return eh_err_hint(err, "load once by append: the column is added then");
    }
    return true;
}

void eh_loader_stage_init(eh_loader *loader)
{
    eh_buf_init(&loader->kept, INPUTS_MAX);
    eh_buf_init(&loader->staged, INPUTS_MAX);
}

void eh_loader_stage_free(eh_loader *loader)
{
    eh_buf_free(&loader->kept);
    eh_buf_free(&loader->staged);
}

/* ---- the stage -------------------------------------------------------------------------- */

bool eh_loader_enter(eh_loader *loader, eh_staging staging, const char *input, eh_err *err)
{
    const eh_stream_key *key = &loader->options.key;
    loader->encoder = NULL;
    eh_nested_forget_encoders(loader);
    return eh_loader_collect(loader, EH_WAIT_ALL, err) &&
           (staging == EH_STAGE_NONE || check_columns(loader, err)) &&
           eh_dest_stage(loader->options.dest, &loader->state, staging, input, key->schema,
                         key->table, err);
}

bool eh_loader_stage_all(eh_loader *loader, eh_err *err)
{
    return eh_loader_enter(loader, EH_STAGE_ALL, NULL, err);
}

bool eh_loader_stage_file(eh_loader *loader, const char *input, eh_err *err)
{
    return eh_loader_enter(loader, EH_STAGE_FILE, input, err);
}

bool eh_loader_make_stage(eh_loader *loader, eh_err *err)
{
    if (loader->state.staging == EH_STAGE_NONE || loader->state.staged) return true;
    if (!eh_loader_collect(loader, EH_WAIT_ALL, err) || !check_columns(loader, err) ||
        !eh_dest_stage_make(loader->options.dest, &loader->state, loader->options.key.schema,
                            loader->options.key.table, err))
        return false;
    eh_nested_note_stage(loader);
    return true;
}

void eh_loader_where(const eh_loader *loader, const char **schema, const char **table)
{
    bool staging = loader->state.staging != EH_STAGE_NONE;
    *schema = staging ? eh_dest_stage_schema(loader->options.dest) : loader->options.key.schema;
    *table = staging ? loader->state.stage : loader->options.key.table;
}

bool eh_loader_appends(const eh_loader *loader)
{
    eh_write write = loader->plan.options.write.write;
    return write == EH_WRITE_APPEND || write == EH_WRITE_REPLACE || write == EH_WRITE_RESTATE;
}

/* ---- the inputs of a replacement -------------------------------------------------------- */

static bool add_input(eh_buf *list, const char *input, eh_err *err)
{
    return eh_buf_append_byte(list, list->len == 0 ? '[' : ',', err) &&
           eh_buf_append_json(list, eh_slice_str(input), err);
}

bool eh_loader_keep(eh_loader *loader, const char *input, bool in_stage, eh_err *err)
{
    return add_input(in_stage ? &loader->staged : &loader->kept, input, err);
}

static bool close_list(eh_buf *list, eh_err *err)
{
    return eh_buf_append_str(list, list->len == 0 ? "[]" : "]", err) &&
           (eh_buf_cstr(list) != NULL || eh_fail_memory(err, "a list of inputs"));
}

/* ---- promoting -------------------------------------------------------------------------- */

eh_promotion eh_loader_promotion(const eh_loader *loader)
{
    const eh_loader_options *o = &loader->options;
    const eh_doc *ratio = eh_doc_get(o->declaration, "min_ratio");
    eh_promotion p = {.staging = loader->state.staging,
                      .schema = o->key.schema,
                      .table = o->key.table,
                      .client = o->key.client != NULL ? o->key.client : "",
                      .instance = o->key.instance,
                      .min_ratio = EH_MIN_RATIO,
                      .allow_shrink = o->allow_shrink,
                      .rule = &loader->plan.options.write,
                      .columns = &loader->plan.table,
                      .no_file = !loader->plan.options.has_file};
    if (ratio != NULL && ratio->kind == EH_DOC_DOUBLE) p.min_ratio = ratio->as.real;
    if (ratio != NULL && ratio->kind == EH_DOC_INTEGER) p.min_ratio = (double)ratio->as.integer;
    return p;
}

/* Rows that the table refused are known only now. */
static void count_refused(eh_loader *loader, const eh_promoted *promoted)
{
    const eh_load_events *events = &loader->options.events;
    uint64_t dead = (uint64_t)promoted->dead, loaded = loader->counts.rows_loaded;
    loader->counts.rows_loaded -= dead < loaded ? dead : loaded; /* by an earlier run */
    loader->counts.rows_dead += dead;
    for (size_t i = 0; events->dead != NULL && i < promoted->told; i++)
        events->dead(events->self, promoted->examples[i].file, &promoted->examples[i].dead);
}

bool eh_loader_promote(eh_loader *loader, eh_promotion *p, eh_promoted *promoted, eh_err *err)
{
    eh_arena *arena = eh_arena_new(TOLD_MAX);
    if (arena == NULL) return eh_fail_memory(err, "a replacement");
    p->sieve.label = loader->place_name != NULL ? loader->place_name : "";
    p->sieve.mask = &loader->options.units->mask;
    p->sieve.arena = arena;
    eh_loader_dead_limit(loader, &p->sieve.max_dead_ratio, &p->sieve.max_dead_rows);
    bool ok = eh_nested_list(loader, p, err);
    if (ok) {
        EH_FAULT("promote.start");
        ok = eh_dest_promote(loader->options.dest, &loader->state, p, promoted, err);
    }
    if (ok && promoted->refused) loader->counts.rows_loaded -= loader->rows_waiting;
    if (ok && !promoted->refused) loader->counts.rows_replaced += (uint64_t)promoted->gone;
    if (ok) loader->rows_waiting = 0;
    if (ok) count_refused(loader, promoted);
    promoted->told = 0;
    eh_arena_free(arena);
    return ok;
}

bool eh_loader_promote_file(eh_loader *loader, const char *name, const char *input,
                            eh_promoted *promoted, eh_err *err)
{
    if (!eh_loader_collect(loader, EH_WAIT_ALL, err)) return false;
    eh_promotion p = eh_loader_promotion(loader);
    p.file = name;
    p.input = input;
    return eh_loader_promote(loader, &p, promoted, err) &&
           eh_loader_enter(loader, EH_STAGE_NONE, NULL, err);
}

void eh_loader_postpone(eh_loader *loader)
{
    loader->options.replace = false;
}

const eh_promoted *eh_loader_promoted(const eh_loader *loader)
{
    return &loader->promoted;
}

bool eh_loader_promote_all(eh_loader *loader, const eh_doc *cursor, eh_err *err)
{
    if (!close_list(&loader->kept, err) || !close_list(&loader->staged, err)) return false;
    eh_promotion p = eh_loader_promotion(loader);
    p.kept = loader->kept.data;
    p.staged = loader->staged.data;
    p.cursor = cursor;
    return eh_loader_promote(loader, &p, &loader->promoted, err);
}
