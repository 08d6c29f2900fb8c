/* load/loader_nested.c: which lists are rows of child tables, and the loaders of those tables.
 * See loader_nested.h. */
#include "load/loader_nested.h"

#include "load/plan_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_MAX  ((size_t)64 * 1024 * 1024)
#define TEXT_MAX   ((size_t)512 * 1024 * 1024)
#define TAG_LENGTH 9 /* "_" and eight digits */

/* ---- what is declared ------------------------------------------------------------------- */

static bool is_tables(const eh_doc *word)
{
    return word != NULL && word->kind == EH_DOC_STRING &&
           eh_slice_is(word->as.string, "tables");
}

static bool check_rule(const eh_doc *rule, eh_err *err)
{
    bool known = rule->kind == EH_DOC_MAP || is_tables(rule);
    for (const eh_doc *f = eh_doc_first(rule); known && f != NULL; f = f->next)
        known = is_tables(f) || (f->kind == EH_DOC_STRING && eh_slice_is(f->as.string, "json"));
    if (known || (rule->kind == EH_DOC_STRING && eh_slice_is(rule->as.string, "json")))
        return true;
    (void)eh_fail(err, EH_CLASS_CONFIG, "nested says neither \"tables\" nor \"json\"");
    return eh_err_hint(err, "nested = \"tables\", or field by field: nested = { items = "
                            "\"tables\" }");
}

/* Inside of a child table all lists are rows of tables. */
bool eh_nested_takes(const eh_loader *loader, eh_slice written)
{
    const eh_loader *root = loader->root != NULL ? loader->root : loader;
    if (root->nested == NULL || root->nested->rule == NULL) return false;
    if (loader->child != NULL) return loader->child->place.depth < EH_NESTED_DEPTH;
    if (is_tables(root->nested->rule)) return true;
    char name[EH_NAME_MAX + 1];
    eh_name_normalise(written, name);
    const eh_doc *f = eh_doc_first(root->nested->rule);
    for (; f != NULL; f = f->next)
        if (is_tables(f) && (eh_slice_is(f->key, name) || eh_slice_equal(f->key, written)))
            return true;
    return false;
}

/* ---- a child table's loader ------------------------------------------------------------- */

/* <parent>__<field>; a tag of its hash keeps a long one apart from others. */
static void name_table(const char *parent, const char *field, char out[EH_NAME_MAX + 1])
{
    char whole[2 * EH_NAME_MAX + 3];
    int length = snprintf(whole, sizeof whole, "%s__%s", parent, field);
    size_t end = (size_t)length <= EH_NAME_MAX ? (size_t)length : EH_NAME_MAX;
    memcpy(out, whole, end);
    out[end] = '\0';
    if (length <= EH_NAME_MAX) return;
    end = EH_NAME_MAX - TAG_LENGTH;
    while (end > 0 && ((unsigned char)whole[end] & 0xC0) == 0x80) end--;
    uint64_t hash = eh_key_hash(EH_KEY_HASH, whole, (size_t)length);
    (void)snprintf(out + end, EH_NAME_MAX + 1 - end, "_%08" PRIx32, (uint32_t)(hash >> 32));
}

/* The contract of the records, but for their columns, is that of their rows. */
static const eh_doc *declare(eh_loader *root, eh_err *err)
{
    eh_arena *arena = root->nested->arena;
    const eh_doc *contract = eh_doc_get(root->options.declaration, "contract");
    eh_doc *map = eh_doc_map(arena);
    bool ok = map != NULL || eh_fail_memory(err, "a child table");
    if (ok && contract != NULL)
        ok = eh_doc_put(arena, map, eh_slice_str("contract"),
                        eh_doc_copy(arena, contract, "column"), err);
    return ok ? map : NULL;
}

void eh_nested_follow(eh_loader *child)
{
    const eh_loader *root = child->root;
    eh_table_options table = child->state.table;
    const eh_child_stage *stage = &root->nested->stages[child->child->index];
    child->state = root->state;
    child->state.table = table;
    child->state.children = NULL;
    child->state.child_count = 0;
    if (child->state.staging != EH_STAGE_NONE) {
        memcpy(child->state.stage, stage->stage, sizeof stage->stage);
        child->state.staged = stage->there;
    }
    child->input = root->input;
    child->place_name = root->place_name;
}

/* Another stream of this run, or another run, may have made it since. */
static bool is_known(eh_loader *child, bool *known, eh_err *err)
{
    const eh_loader *root = child->root;
    const eh_stream_key *key = &root->options.key;
    eh_child_table *list;
    size_t count;
    if (!eh_dest_children(root->options.dest, key->schema, key->table, root->nested->arena,
                          &list, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        *known = *known || strcmp(list[i].table, child->child->table) == 0;
    return true;
}

static bool refuse_foreign(eh_loader *child, eh_err *err)
{
    bool known = child->child->is_ours || !child->plan.table.exists;
    const char *table = child->options.key.table, *schema = child->options.key.schema;
    if (!known && !is_known(child, &known, err)) return false;
    if (!known) {
        (void)eh_fail(err, EH_CLASS_CONFIG,
                      "%s.%s is there, and is no child table of %s: the lists of %s cannot go "
                      "there",
                      schema, table, child->child->place.table, child->child->place.name);
        return eh_err_hint(err,
                           "rename the field or that table, or keep the lists as they are: "
                           "nested = { %s = \"json\" }",
                           child->child->place.name);
    }
    if (!child->plan.table.no_copy) return true;
    (void)eh_fail(err, EH_CLASS_CONFIG,
                  "row-level security of %s.%s holds the loader, so rows of lists cannot be "
                  "copied into it",
                  schema, table);
    return eh_err_hint(err, "let the loader own the table, or give it BYPASSRLS");
}

static bool start_child(eh_loader *child, eh_err *err)
{
    eh_loader *root = child->root;
    const eh_plan_options *records = &root->plan.options;
    bool ties = eh_plan_ties(&root->plan);
    eh_plan_options plan = {
        .declaration = child->options.declaration,
        .schema = child->options.key.schema,
        .table = child->options.key.table,
        .write = {.write = ties ? EH_WRITE_CHILDREN : EH_WRITE_APPEND},
        .has_client = records->has_client,
        .has_file = records->has_file,
        .max_columns = records->max_columns,
        .child = &child->child->place,
    };
    child->transform =
        eh_transform_new(child->options.declaration, child->options.transform, err);
    if (child->transform == NULL || !eh_plan_init(&child->plan, &plan, err)) return false;
    eh_nested_follow(child);
    return eh_loader_describe(child, err) && refuse_foreign(child, err) &&
           eh_loader_equip(child, err);
}

static eh_loader *make_loader(eh_loader *parent, const char *name, eh_err *err)
{
    eh_loader *root = eh_loader_root(parent), *child = calloc(1, sizeof *child);
    eh_child *more = calloc(1, sizeof *more);
    if (child == NULL || more == NULL) {
        free(child);
        free(more);
        (void)eh_fail_memory(err, "a child table");
        return NULL;
    }
    child->root = root;
    child->child = more;
    eh_loader_prepare(child, &root->options);
    more->parent = parent;
    name_table(parent->options.key.table, name, more->table);
    child->options.key.table = more->table;
    child->options.rows = NULL;
    child->options.table.cursor = NULL;
    child->options.projects = NULL;
    more->place =
        (eh_plan_child){.root = &root->plan,
                        .table = parent->options.key.table,
                        .name = name,
                        .depth = parent->child != NULL ? parent->child->place.depth + 1 : 1,
                        .field = parent->child != NULL ? parent->child->place.field : 0};
    eh_buf_init(&more->text, TEXT_MAX);
    for (size_t i = 0; i < EH_NESTED_DEPTH; i++) more->positions[i].kind = EH_CELL_INTEGER;
    return child;
}

static void free_child(eh_loader *loader)
{
    eh_child *child = loader->child;
    eh_buf_free(&child->text);
    free(child->elements);
    free(child->names);
    eh_batch_free(&child->batch);
    eh_batch_free(&child->parsed);
    loader->open = NULL;
    eh_loader_free(loader);
    free(child);
}

static bool make_room(eh_loader *root, eh_loader *child, eh_err *err)
{
    eh_nested *nested = root->nested;
    eh_loader **all = realloc(nested->all, (nested->count + 1) * sizeof *all);
    if (all == NULL) return eh_fail_memory(err, "a child table");
    nested->all = all;
    eh_child_stage *stages = realloc(nested->stages, (nested->count + 1) * sizeof *stages);
    if (stages == NULL) return eh_fail_memory(err, "a child table");
    nested->stages = root->state.children = stages;
    child->child->index = nested->count;
    stages[nested->count] = (eh_child_stage){.table = child->child->table};
    eh_dest_name_stage(&root->state, &stages[nested->count]);
    return true;
}

static void keep_child(eh_loader *root, eh_loader *child)
{
    root->nested->all[root->nested->count++] = child;
    root->state.child_count = root->nested->count;
}

/* A new field of the records needs a column in their stage. */
static bool note_field(eh_loader *root, eh_child *child, eh_err *err)
{
    if (child->place.depth > 1) return true;
    eh_plan *plan = &root->plan;
    size_t before = plan->field_count;
    if (!eh_plan_add_field(plan, child->place.name, &child->place.field, err)) return false;
    if (plan->field_count == before) return true;
    root->encoder = NULL;
    return eh_plan_bind(plan, plan->sources, plan->source_count, err);
}

static bool add_child(eh_loader *parent, const char *name, bool is_ours, eh_loader **result,
                      eh_err *err)
{
    eh_loader *root = eh_loader_root(parent);
    eh_loader *child = make_loader(parent, name, err);
    if (child == NULL) return false;
    child->child->is_ours = is_ours;
    child->child->declaration = child->options.declaration = declare(root, err);
    bool ok = child->options.declaration != NULL &&
              eh_batch_init(&child->child->batch, TEXT_MAX, err) &&
              eh_batch_init(&child->child->parsed, TEXT_MAX, err) &&
              make_room(root, child, err) && start_child(child, err) &&
              note_field(root, child->child, err);
    if (!ok) {
        free_child(child);
        return eh_err_while(err, "preparing a child table of %s", parent->options.key.table);
    }
    child->child->is_ours = true;
    keep_child(root, child);
    *result = child;
    return true;
}

bool eh_nested_find(eh_loader *parent, const char *name, eh_loader **child, eh_err *err)
{
    eh_loader *root = eh_loader_root(parent);
    eh_nested *nested = root->nested;
    for (size_t i = 0; i < nested->count; i++) {
        *child = nested->all[i];
        if ((*child)->child->parent == parent && strcmp((*child)->child->place.name, name) == 0)
            return true;
    }
    *child = NULL;
    if (parent == root && root->plan.field_count == EH_NESTED_FIELDS) return true;
    return add_child(parent, name, false, child, err);
}

/* ---- the start of a load ---------------------------------------------------------------- */

static eh_loader *of_table(eh_loader *root, const char *table)
{
    if (strcmp(root->options.key.table, table) == 0) return root;
    for (size_t i = 0; i < root->nested->count; i++)
        if (strcmp(root->nested->all[i]->options.key.table, table) == 0)
            return root->nested->all[i];
    return NULL;
}

/* A field's rows must not stay behind while its records change. */
static bool refuse_left(const eh_loader *root, const eh_child_table *left, eh_err *err)
{
    (void)eh_fail(err, EH_CLASS_CONFIG,
                  "%s.%s has the child table %s, and nested no longer says \"tables\" for %s: "
                  "its rows would not follow their records any more",
                  root->options.key.schema, left->parent, left->table, left->field);
    return eh_err_hint(err, "declare it again, or drop the child table");
}

static bool adopt_known(eh_loader *root, const eh_child_table *known, size_t count, eh_err *err)
{
    for (size_t i = 0; i < count; i++) {
        eh_loader *parent = of_table(root, known[i].parent), *child;
        if (parent == NULL || of_table(root, known[i].table) != NULL) continue;
        if (!eh_nested_takes(parent, eh_slice_str(known[i].field)))
            return refuse_left(root, &known[i], err);
        if (!add_child(parent, known[i].field, true, &child, err)) return false;
    }
    return true;
}

/* Tables that are known by now already are passed over. */
static bool find_others(eh_loader *root, eh_err *err)
{
    const eh_loader_options *o = &root->options;
    eh_nested *nested = root->nested;
    eh_child_table *known;
    size_t count;
    nested->seen = eh_dest_changes(o->dest);
    return eh_dest_children(o->dest, o->key.schema, o->key.table, nested->arena, &known, &count,
                            err) &&
           adopt_known(root, known, count, err);
}

/* Rows belong to their record by its key, or by its place in a file. */
static bool is_traceable(const eh_loader *root, eh_err *err)
{
    bool restates = root->plan.options.write.write == EH_WRITE_RESTATE;
    if ((root->options.has_file && !restates) || eh_plan_ties(&root->plan)) return true;
    (void)eh_fail(err, EH_CLASS_CONFIG,
                  "nested = \"tables\" needs records that are put by their key where they come "
                  "from no file, or are restated: which rows belong to which record would not "
                  "be known");
    return eh_err_hint(err,
                       root->options.replace
                           ? "state reset --delete-rows, and a run without --full-refresh, "
                             "load it anew"
                           : "declare a key, and write = \"merge\" or \"insert_only\"");
}

bool eh_nested_start(eh_loader *root, eh_err *err)
{
    const eh_loader_options *o = &root->options;
    const eh_doc *rule = eh_doc_get(o->declaration, "nested");
    if (rule != NULL && !check_rule(rule, err)) return false;
    if (rule != NULL && rule->kind == EH_DOC_STRING && !is_tables(rule)) rule = NULL;
    if (rule != NULL && root->plan.options.write.write == EH_WRITE_HISTORY)
        return eh_fail(err, EH_CLASS_CONFIG,
                       "nested = \"tables\" is not to be had with write = history: versions "
                       "keep their lists as JSON");
    if (rule != NULL && !is_traceable(root, err)) return false;
    eh_nested *nested = calloc(1, sizeof *nested);
    if (nested == NULL) return eh_fail_memory(err, "child tables");
    root->nested = nested;
    nested->rule = rule;
    nested->record_cell.kind = EH_CELL_INTEGER;
    nested->arena = eh_arena_new(ARENA_MAX);
    eh_child_table *known;
    size_t count;
    bool ok = nested->arena != NULL || eh_fail_memory(err, "child tables");
    ok = ok &&
         eh_dest_children(o->dest, o->key.schema, o->key.table, nested->arena, &known, &count,
                          err) &&
         adopt_known(root, known, count, err);
    if (ok && rule == NULL) eh_nested_free(root);
    return ok;
}

bool eh_nested_look(eh_loader *root, eh_err *err)
{
    uint64_t changes = eh_dest_changes(root->options.dest);
    if (root->nested == NULL) return true;
    if (root->nested->seen != changes && !find_others(root, err)) return false;
    for (size_t i = 0; i < root->nested->count; i++)
        if (root->nested->all[i]->described != changes &&
            !eh_loader_describe(root->nested->all[i], err))
            return false;
    return true;
}

void eh_nested_index(eh_loader *root)
{
    for (size_t i = 0; root->nested != NULL && i < root->nested->count; i++) {
        eh_loader *child = root->nested->all[i];
        eh_nested_follow(child);
        child->counts.rows_loaded = root->counts.rows_loaded;
        if (child->plan.table.exists) eh_loader_index(child);
    }
}

/* ---- stages ----------------------------------------------------------------------------- */

void eh_nested_forget_encoders(eh_loader *root)
{
    for (size_t i = 0; root->nested != NULL && i < root->nested->count; i++)
        root->nested->all[i]->encoder = NULL;
}

void eh_nested_note_stage(eh_loader *child)
{
    if (child->root != NULL) child->root->nested->stages[child->child->index].there = true;
}

bool eh_nested_list(eh_loader *root, eh_promotion *promotion, eh_err *err)
{
    const eh_nested *nested = root->nested;
    if (nested == NULL) return true;
    eh_child_stage *list = eh_arena_zalloc(nested->arena, nested->count + 1, sizeof *list);
    if (list == NULL) return eh_fail_memory(err, "child tables");
    promotion->children = list;
    for (size_t i = 0; i < nested->count; i++) {
        const eh_loader *child = nested->all[i];
        if (!child->plan.table.exists) continue;
        eh_child_stage *stage = &list[promotion->child_count];
        *stage = nested->stages[i];
        stage->field = child->child->place.name;
        stage->depth = child->child->place.depth;
        stage->columns = &child->plan.table;
        stage->parent = EH_OF_RECORDS;
        for (size_t p = 0; p < promotion->child_count; p++)
            if (strcmp(list[p].table, child->child->place.table) == 0) stage->parent = p;
        promotion->child_count++;
    }
    return true;
}

void eh_nested_free(eh_loader *root)
{
    eh_nested *nested = root->nested;
    if (nested == NULL) return;
    for (size_t i = nested->count; i > 0; i--) free_child(nested->all[i - 1]);
    free(nested->all);
    free(nested->stages);
    root->state.children = NULL;
    root->state.child_count = 0;
    eh_arena_free(nested->arena);
    free(nested);
    root->nested = NULL;
}
