/* load/loader.c: the life of a load: take over, bind columns, change the schema, finish. The
 * units are in loader_units.c, the rows in loader_rows.c; see loader.h. */
#include "base/fault.h"
#include "load/loader_nested.h"
#include "load/plan_private.h"

#include <stdlib.h>
#include <strings.h>

#define RAW_MAX         ((size_t)64 * 1024 * 1024)
#define ABSENT_MAX      ((size_t)64 * 1024)
#define COMMENTS_MAX    ((size_t)4 * 1024 * 1024)
#define DEFAULT_COLUMNS 300

static eh_cell text_cell(const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;
    return (eh_cell){.kind = EH_CELL_STRING, .len = (uint32_t)len, .as.text = text};
}

static void make_cells(eh_loader *loader)
{
    loader->client_cell = text_cell(loader->options.key.client);
    loader->instance_cell = text_cell(loader->options.key.instance);
    loader->row_cell = (eh_cell){.kind = EH_CELL_INTEGER};
    loader->load_cell = (eh_cell){.kind = EH_CELL_INTEGER, .as.integer = loader->state.load_id};
    loader->time_cell = (eh_cell){.kind = EH_CELL_TIME_US};
}

bool eh_loader_describe(eh_loader *loader, eh_err *err)
{
    eh_plan *plan = &loader->plan;
    eh_arena_reset(plan->arena);
    plan->count = 0;
    plan->table = (eh_table_info){.exists = false};
    loader->encoder = NULL;
    loader->described = eh_dest_changes(loader->options.dest);
    if (!eh_dest_describe(loader->options.dest, loader->options.dry_run ? NULL : &loader->state,
                          loader->options.key.schema, loader->options.key.table, plan->arena,
                          &plan->table, err))
        return false;
    if (loader->options.again && plan->table.exists)
        plan->options.has_file =
            eh_plan_find_column(plan, eh_plan_added_name(EH_FROM_FILE)) != NULL;
    return eh_plan_refresh(plan, err);
}

/* The bookkeeping beside the data is written by the load protocol only, and belongs to all
 * clients.
 */
static bool refuse_books(const eh_stream_key *key, eh_err *err)
{
    if (strncasecmp(key->table, "_etl_", 5) != 0 && strcasecmp(key->schema, "_etl") != 0)
        return true;
    eh_fail(err, EH_CLASS_DENIED, "%s.%s is reserved: names that begin with _etl are etlhost's",
            key->schema, key->table);
    return eh_err_hint(err, "name the table otherwise");
}

/* A key means merge; where the destination only appends, that must not be what nobody said. */
static bool read_write(const eh_loader_options *o, eh_write_rule *rule, eh_err *err)
{
    if (!eh_write_read(o->declaration, rule, err)) return false;
    bool can = rule->write == EH_WRITE_APPEND || rule->write == EH_WRITE_REPLACE ||
               rule->write == EH_WRITE_RESTATE || eh_dest_puts(o->dest);
    if (can) return true;
    if (rule->said)
        return eh_fail(err, EH_CLASS_CONFIG, "write = %s is not to be had on %s",
                       eh_write_name(rule->write), eh_dest_kind(o->dest));
    rule->write = EH_WRITE_APPEND;
    return true;
}

static bool start(eh_loader *loader, eh_err *err)
{
    const eh_loader_options *o = &loader->options;
    eh_write_rule write;
    if (!refuse_books(&o->key, err) || !read_write(o, &write, err)) return false;
    if (o->replace && write.write == EH_WRITE_HISTORY)
        return eh_fail(err, EH_CLASS_CONFIG,
                       "versions of rows cannot be loaded anew: what was known at which time "
                       "would be lost");
    /* Which fields a record lacks means nothing where there is no row yet. */
    if (o->replace) write.delete_insert = true;
    /* One for each input is made later; this one finds mistakes before anything is touched. */
    loader->transform = eh_transform_new(o->declaration, o->transform, err);
    if (loader->transform == NULL) return false;
    if (!eh_projects_new(o->projects, o->key.instance,
                         eh_doc_str(o->declaration, "source", NULL), o->key.resource,
                         &loader->projects, err))
        return false;
    eh_plan_options plan = {
        .declaration = o->declaration,
        .schema = o->key.schema,
        .table = o->key.table,
        .write = write,
        .has_client = o->key.client != NULL && o->key.client[0] != '\0',
        .has_project = loader->projects != NULL,
        .has_file = o->has_file,
        .collects = o->replace,
        .max_columns = o->max_columns > 0 ? o->max_columns : DEFAULT_COLUMNS,
    };
    if (!eh_plan_init(&loader->plan, &plan, err)) return false;
    if (!o->dry_run && !eh_dest_take_over(o->dest, &o->key, o->run, &loader->state, err))
        return false;
    make_cells(loader);
    return eh_loader_describe(loader, err) && eh_loader_comments(loader, err) &&
           eh_loader_compare_projects(loader, err) && eh_loader_equip(loader, err) &&
           eh_nested_start(loader, err) &&
           (!o->replace || o->dry_run || eh_loader_stage_all(loader, err));
}

void eh_loader_prepare(eh_loader *loader, const eh_loader_options *options)
{
    loader->options = *options;
    if (options->transform != NULL) {
        loader->transform_context = *options->transform;
        loader->options.transform = &loader->transform_context;
    }
    loader->parser_columns = SIZE_MAX;
    eh_buf_init(&loader->absent, ABSENT_MAX);
    eh_buf_init(&loader->extra, RAW_MAX);
    eh_buf_init(&loader->comments, COMMENTS_MAX);
    eh_buf_init(&loader->raw, RAW_MAX);
    eh_loader_stage_init(loader);
    eh_ascending_init(&loader->ascending, options->declaration);
}

eh_loader *eh_loader_new(const eh_loader_options *options, eh_err *err)
{
    eh_loader *loader = calloc(1, sizeof *loader);
    if (loader == NULL) {
        eh_fail_memory(err, "a loader");
        return NULL;
    }
    eh_loader_prepare(loader, options);
    if (!eh_loader_window_init(loader, err) || !start(loader, err)) {
        eh_err_while(err, "preparing %s.%s", options->key.schema, options->key.table);
        if (loader->state.load_id != 0) eh_dest_abandon(options->dest, &loader->state, err);
        eh_loader_free(loader);
        return NULL;
    }
    return loader;
}

void eh_loader_free(eh_loader *loader)
{
    if (loader == NULL) return;
    eh_err ignored = {.class_ = EH_OK};
    (void)!eh_loader_collect(loader, EH_WAIT_MINE, &ignored);
    eh_loader_drop(loader);
    eh_nested_free(loader);
    free(loader->sources);
    eh_plan_free(&loader->plan);
    eh_projects_free(loader->projects);
    eh_transform_free(loader->transform);
    eh_loader_free_encoders(loader);
    eh_buf_free(&loader->absent);
    eh_buf_free(&loader->extra);
    eh_buf_free(&loader->comments);
    eh_buf_free(&loader->raw);
    eh_loader_stage_free(loader);
    eh_loader_window_free(loader);
    eh_ascending_free(&loader->ascending);
    free(loader);
}

const eh_stream_state *eh_loader_state(const eh_loader *loader)
{
    return &loader->state;
}

const eh_load_counts *eh_loader_counts(const eh_loader *loader)
{
    return &loader->counts;
}

/* Other columns follow, or the same in another order. */
static bool start_afresh(eh_loader *loader, bool as_stored, eh_err *err)
{
    eh_transform *transform = eh_transform_new(as_stored ? NULL : loader->options.declaration,
                                               loader->options.transform, err);
    if (transform == NULL) return false;
    eh_transform_free(loader->transform);
    loader->transform = transform;
    loader->plan.source_count = 0; /* their names were the old one's */
    loader->parser_columns = SIZE_MAX;
    return true;
}

bool eh_loader_begin(eh_loader *loader, const eh_load_input *input, const eh_parse_from *from,
                     eh_err *err)
{
    if (!eh_loader_collect(loader, EH_WAIT_NOT, err) ||
        !start_afresh(loader, input->as_stored, err))
        return false;
    if (loader->described != eh_dest_changes(loader->options.dest) &&
        !eh_loader_describe(loader, err))
        return false;
    if (!eh_nested_look(loader, err)) return false;
    loader->input = *input;
    loader->header = NULL;
    loader->file_cell = text_cell(input->name);
    loader->place_name = input->name;
    loader->mark.len = 0;
    loader->position = *from;
    if (loader->position.line == 0) loader->position.line = 1;
    loader->after = loader->position;
    return true;
}

bool eh_loader_header(eh_loader *loader, const char *header, eh_err *err)
{
    if (loader->header == header) return true;
    if (!eh_loader_close_unit(loader, &loader->after, err) ||
        !start_afresh(loader, loader->input.as_stored, err))
        return false;
    loader->header = header;
    return true;
}

/* ---- columns
 * --------------------------------------------------------------------------------- */

static bool grow_sources(eh_loader *loader, size_t count, eh_err *err)
{
    if (count <= loader->source_capacity) return true;
    eh_source_column *more = realloc(loader->sources, (count + 16) * sizeof *more);
    if (more == NULL) return eh_fail_memory(err, "columns");
    loader->sources = more;
    loader->source_capacity = count + 16;
    return true;
}

/* The columns of the batches changed: the parser found more, another file began, or the row
 * function added some. */
static bool bind_sources(eh_loader *loader, const eh_slice *added, size_t added_count,
                         eh_err *err)
{
    size_t count;
    const eh_transform_column *columns = eh_transform_columns(loader->transform, &count);
    if (!grow_sources(loader, count + added_count, err)) return false;
    for (size_t i = 0; i < count; i++)
        loader->sources[i] =
            (eh_source_column){columns[i].name, columns[i].dropped, columns[i].instant,
                               eh_nested_takes(loader, columns[i].name)};
    for (size_t i = 0; i < added_count; i++)
        loader->sources[count + i] = (eh_source_column){added[i], added[i].len == 0, false,
                                                        eh_nested_takes(loader, added[i])};
    loader->source_count = count + added_count;
    loader->encoder = NULL;
    if (!eh_plan_bind(&loader->plan, loader->sources, loader->source_count, err)) return false;
    eh_loader_bind_projects(loader);
    eh_loader_note_cursor(loader);
    eh_loader_tell_overflow(loader);
    return true;
}

bool eh_loader_bind_batch(eh_loader *loader, eh_batch *batch, const eh_slice *written,
                          size_t count, eh_err *err)
{
    bool changed = count != loader->parser_columns;
    if (changed && !eh_transform_bind(loader->transform, written, count, err)) return false;
    loader->parser_columns = count;
    size_t before = batch->rows + batch->dead_count;
    if (!eh_transform_apply(loader->transform, batch, err)) return false;
    size_t columns_count;
    const eh_transform_column *columns =
        eh_transform_columns(loader->transform, &columns_count);
    const eh_slice *added = NULL;
    size_t added_count = 0;
    const eh_row_hook *hook = loader->input.as_stored ? NULL : loader->options.rows;
    if (hook != NULL && !eh_loader_keep_order(loader, batch, err)) return false;
    if (hook != NULL &&
        !hook->apply(hook->self, batch, columns, columns_count, &added, &added_count, err))
        return false;
    loader->counts.rows_filtered += before - batch->rows - batch->dead_count;
    if (!changed && columns_count + added_count == loader->source_count) return true;
    return bind_sources(loader, added, added_count, err);
}

/* ---- schema changes
 * ---------------------------------------------------------------------------- */

static void tell_changes(const eh_loader *loader)
{
    const eh_load_events *events = &loader->options.events;
    for (size_t i = 0; events->schema_change != NULL && i < loader->plan.change_count; i++)
        events->schema_change(events->self, loader->options.key.table,
                              &loader->plan.changes[i]);
}

bool eh_loader_change(eh_loader *loader, const eh_place *next, eh_err *err)
{
    eh_parse_from boundary = eh_loader_before(next);
    if (!eh_loader_close_unit(loader, &boundary, err) ||
        !eh_loader_collect(loader, EH_WAIT_ALL, err))
        return false;
    tell_changes(loader);
    eh_plan *plan = &loader->plan;
    loader->encoder = NULL;
    if (loader->options.dry_run) return eh_plan_pretend(plan, err);
    bool ok = eh_loader_change_table(loader, err);
    plan->change_count = 0;
    loader->keyed = false;
    if (!ok)
        return eh_err_while(err, "changing the columns of %s.%s", loader->options.key.schema,
                            loader->options.key.table);
    return eh_loader_describe(loader, err);
}

static bool first_place(const eh_batch *batch, eh_place *place)
{
    if (batch->rows == 0 && batch->dead_count == 0) return false;
    *place = batch->rows > 0 ? batch->places[0] : batch->dead[0].place;
    if (batch->dead_count > 0 && batch->dead[0].place.offset < place->offset)
        *place = batch->dead[0].place;
    return true;
}

bool eh_loader_meet_needs(eh_loader *loader, const eh_batch *batch, const eh_place *place,
                          eh_err *err)
{
    /* Another run may change the same table meanwhile: look again, but not for ever. */
    for (int turn = 0; turn < 5; turn++) {
        if (!eh_plan_needs(&loader->plan, batch, loader->place_name, err)) return false;
        if (batch->rows > 0 && !eh_loader_judge_table(loader, err)) return false;
        if (loader->plan.change_count == 0) return true;
        if (!eh_loader_change(loader, place, err)) return false;
    }
    return eh_fail(err, EH_CLASS_DESTINATION, "table %s.%s lacks columns that were just added",
                   loader->options.key.schema, loader->options.key.table);
}

static bool meet_needs(eh_loader *loader, const eh_batch *batch, eh_err *err)
{
    eh_place place;
    if (!first_place(batch, &place)) return true;
    return eh_loader_meet_needs(loader, batch, &place, err) &&
           (loader->nested == NULL || eh_nested_meet_needs(loader, &place, err));
}

/* ---- the load
 * ---------------------------------------------------------------------------------- */

bool eh_loader_batch(eh_loader *loader, eh_batch *batch, const eh_slice *written, size_t count,
                     eh_err *err)
{
    loader->counts.rows_read += batch->rows + batch->dead_count;
    loader->after = eh_parse_after(batch);
    EH_FAULT("batch.parsed");
    bool ok = eh_loader_bind_batch(loader, batch, written, count, err) &&
              (loader->nested == NULL || eh_nested_take(loader, batch, err)) &&
              meet_needs(loader, batch, err) && eh_loader_encode(loader, batch, err);
    if (!ok) eh_loader_drop(loader);
    return ok || eh_err_while(err, "loading %s into %s.%s", loader->place_name,
                              loader->options.key.schema, loader->options.key.table);
}

bool eh_loader_end(eh_loader *loader, uint64_t end, bool last, eh_err *err)
{
    eh_parse_from next = {end, loader->after.row, loader->after.line};
    bool ok = (!last || eh_nested_settle(loader, &next, err)) &&
              eh_loader_close_part(loader, &next, last, err);
    if (!ok) eh_loader_drop(loader);
    return ok;
}

void eh_loader_drop(eh_loader *loader)
{
    if (loader->open != NULL) loader->open->owner = NULL;
    loader->open = NULL;
}

bool eh_loader_drain(eh_loader *loader, eh_err *err)
{
    return eh_loader_collect(loader, EH_WAIT_MINE, err);
}

bool eh_loader_flush(eh_loader *loader, eh_err *err)
{
    return eh_loader_close_unit(loader, &loader->after, err) && eh_loader_drain(loader, err);
}

/* What still waits in a stage when the load ends has not reached the table. */
static void count_waiting(eh_loader *loader)
{
    loader->counts.rows_loaded -= loader->rows_waiting;
    loader->rows_waiting = 0;
}

bool eh_loader_finish(eh_loader *loader, const eh_doc *cursor, eh_err *err)
{
    if (!eh_loader_collect(loader, EH_WAIT_ALL, err)) return false;
    if (!eh_loader_judge(loader, "its end", err)) return false;
    if (loader->options.dry_run) return true;
    if (loader->options.replace)
        return eh_loader_promote_all(loader, cursor != NULL ? cursor : loader->cursor, err) &&
               eh_loader_keep_projects(loader, err);
    if (!eh_dest_finish(loader->options.dest, &loader->state, cursor, err)) return false;
    count_waiting(loader);
    eh_loader_index(loader);
    eh_nested_index(loader);
    return true;
}

void eh_loader_abandon(eh_loader *loader, const eh_err *why)
{
    eh_err ignored = {.class_ = EH_OK};
    (void)!eh_loader_collect(loader, EH_WAIT_ALL, &ignored);
    count_waiting(loader);
    if (!loader->options.dry_run) eh_dest_abandon(loader->options.dest, &loader->state, why);
}
