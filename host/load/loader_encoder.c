/* load/loader_encoder.c: the encoder for the present columns, kept as long as a unit needs it.
 * See loader.h. */
#include "data/convert.h"
#include "load/loader_private.h"

#include <stdio.h>
#include <stdlib.h>

#define ENCODER_MAX ((size_t)4 * 1024 * 1024)

typedef struct dry_encoder {
    eh_encoder base;
    const eh_column_info *columns;
    const bool *declared;
} dry_encoder;

/* A dry run converts every value as a load would, and keeps none. */
static eh_append dry_append(const eh_encoder *encoder, eh_buf *data, const eh_cell *const *pick,
                            eh_row_fault *fault, eh_err *err)
{
    (void)data;
    (void)err;
    const dry_encoder *dry = (const dry_encoder *)(const void *)encoder;
    for (size_t i = 0; i < encoder->count; i++) {
        eh_scratch scratch;
        eh_value value;
        bool null = pick[i] == NULL || eh_cell_is_null(pick[i]);
        if (null && !dry->columns[i].not_null) continue;
        fault->reason = "null in a column that must have a value";
        if (null || !eh_convert(pick[i], dry->columns[i].type, dry->declared[i], &scratch,
                                &value, &fault->reason)) {
            fault->column = i;
            return EH_APPEND_MISFIT;
        }
    }
    return EH_APPEND_OK;
}

static const eh_encoder *make_dry(eh_arena *arena, const eh_column_info *columns,
                                  const bool *declared, size_t count, const eh_put *put,
                                  eh_err *err)
{
    dry_encoder *dry = eh_arena_zalloc(arena, 1, sizeof *dry);
    if (dry == NULL) {
        eh_fail_memory(err, "an encoder");
        return NULL;
    }
    *dry = (dry_encoder){{.append = dry_append, .count = count, .put = put}, columns, declared};
    return &dry->base;
}

static bool has_part(const eh_unit *unit, const eh_encoder *encoder)
{
    size_t i = 0;
    while (i < unit->part_count && unit->parts[i].encoder != encoder) i++;
    return i < unit->part_count;
}

static bool in_use(eh_loader *loader, const eh_encoder *encoder)
{
    const eh_unit_pool *pool = loader->options.units;
    const eh_loader *root = eh_loader_root(loader);
    for (size_t i = 0; i < pool->count; i++) {
        const eh_unit *unit = &pool->units[i];
        if (unit->owner == root && (unit->encoder == encoder || has_part(unit, encoder)))
            return true;
    }
    return false;
}

static void prune(eh_loader *loader)
{
    for (eh_kept_encoder **at = &loader->encoders; *at != NULL;) {
        eh_kept_encoder *kept = *at;
        if (in_use(loader, kept->encoder)) {
            at = &kept->next;
            continue;
        }
        *at = kept->next;
        eh_arena_free(kept->arena);
        free(kept);
    }
}

void eh_loader_free_encoders(eh_loader *loader)
{
    while (loader->encoders != NULL) {
        eh_kept_encoder *kept = loader->encoders;
        loader->encoders = kept->next;
        eh_arena_free(kept->arena);
        free(kept);
    }
}

static void tell_text_copy(eh_loader *loader, const char *why)
{
    if (why == NULL || loader->told_text_copy || loader->options.events.warning == NULL) return;
    char message[512];
    (void)snprintf(message, sizeof message,
                   "%s.%s loads by text COPY, which is slower, because of: %s",
                   loader->options.key.schema, loader->options.key.table, why);
    loader->options.events.warning(loader->options.events.self, message);
    loader->told_text_copy = true;
}

/* Once, and again after the table was changed: the index may depend on the columns' types. */
static bool make_key(eh_loader *loader, const eh_column_info *columns, const eh_put *put,
                     eh_err *err)
{
    const eh_stream_key *key = &loader->options.key;
    if (!loader->keyed)
        loader->keyed = eh_dest_key(loader->options.dest, &loader->state, key->schema,
                                    key->table, columns, put, err);
    return loader->keyed;
}

/* The columns are copied: the plan's change while units with this encoder are under way. */
static const eh_encoder *make(eh_loader *loader, eh_arena *arena, eh_err *err)
{
    const eh_plan *plan = &loader->plan;
    eh_column_info *columns = eh_arena_zalloc(arena, plan->count, sizeof *columns);
    bool *declared = eh_arena_zalloc(arena, plan->count, sizeof *declared);
    if (columns == NULL || declared == NULL) {
        eh_fail_memory(err, "an encoder");
        return NULL;
    }
    for (size_t i = 0; i < plan->count; i++) {
        columns[i] = plan->infos[i];
        declared[i] = plan->declared[i];
    }
    const eh_put *put = NULL;
    if (plan->table.exists && !eh_plan_put(plan, loader->place_name, arena, &put, err))
        return NULL;
    for (size_t i = 0; put != NULL && i < put->key_count; i++)
        columns[put->keys[i]].not_null = true;
    if (put != NULL && put->write == EH_WRITE_HISTORY && put->cursor != SIZE_MAX)
        columns[put->cursor].not_null = true; /* a version needs a place in the order */
    if (loader->options.dry_run)
        return make_dry(arena, columns, declared, plan->count, put, err);
    if (put != NULL && put->key_count > 0 && !make_key(loader, columns, put, err)) return NULL;
    if (!eh_loader_make_stage(loader, err)) return NULL;
    const char *why_text = NULL, *schema, *table;
    eh_loader_where(loader, &schema, &table);
    /* What is collected is put by its key when all of it is there. */
    if (loader->state.staging != EH_STAGE_NONE) put = NULL;
    eh_encoded encoded = {schema, table, columns, declared, plan->count, put};
    const eh_encoder *encoder =
        eh_dest_encoder(loader->options.dest, &encoded, arena, &why_text, err);
    tell_text_copy(loader, why_text);
    return encoder;
}

bool eh_loader_make_encoder(eh_loader *loader, eh_err *err)
{
    prune(loader);
    eh_kept_encoder *kept = calloc(1, sizeof *kept);
    if (kept == NULL) return eh_fail_memory(err, "an encoder");
    kept->arena = eh_arena_new(ENCODER_MAX);
    if (kept->arena == NULL)
        eh_fail_memory(err, "an encoder");
    else
        kept->encoder = make(loader, kept->arena, err);
    if (kept->encoder == NULL) {
        eh_arena_free(kept->arena);
        free(kept);
        return false;
    }
    kept->next = loader->encoders;
    loader->encoders = kept;
    loader->encoder = kept->encoder;
    return true;
}
