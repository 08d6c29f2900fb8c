/* load/loader_nested_rows.c: records with the rows of their child tables into units. See
 * loader_nested.h. */
#include "load/loader_nested.h"

#include "load/plan_private.h"

#include <inttypes.h>
#include <stdio.h>

static const eh_cell absent_cell = {.kind = EH_CELL_ABSENT};

/* ---- tables and encoders ---------------------------------------------------------------- */

bool eh_nested_meet_needs(eh_loader *root, const eh_place *place, eh_err *err)
{
    for (size_t i = 0; i < root->nested->count; i++) {
        eh_loader *child = root->nested->all[i];
        if (!child->plan.table.exists && child->child->batch.rows == 0) continue;
        eh_nested_follow(child);
        if (!eh_loader_meet_needs(child, &child->child->batch, place, err))
            return eh_err_while(err, "loading into %s", child->child->table);
    }
    return true;
}

static bool has_child(const eh_loader *parent, const char *name)
{
    const eh_nested *nested = (parent->root != NULL ? parent->root : parent)->nested;
    for (size_t i = 0; i < nested->count; i++) {
        const eh_child *child = nested->all[i]->child;
        if (child->parent == parent && strcmp(child->place.name, name) == 0) return true;
    }
    return false;
}

static bool settle(eh_loader *loader, const eh_place *place, eh_err *err)
{
    static const eh_batch nothing = {.rows = 0};
    for (size_t i = 0; i < loader->source_count; i++)
        if (loader->sources[i].nested && !loader->sources[i].dropped &&
            !has_child(loader, loader->plan.source_plans[i].name))
            loader->sources[i].nested = false;
    bool ok = eh_loader_meet_needs(loader, &nothing, place, err);
    for (size_t i = 0; i < loader->source_count; i++) /* the next input may have lists there */
        loader->sources[i].nested = eh_nested_takes(loader, loader->sources[i].written);
    return ok;
}

bool eh_nested_settle(eh_loader *root, const eh_parse_from *next, eh_err *err)
{
    const eh_place place = {.offset = next->offset, .row = next->row + 1, .line = next->line};
    if (root->nested == NULL) return true;
    if (!settle(root, &place, err)) return false;
    for (size_t i = 0; i < root->nested->count; i++) {
        eh_nested_follow(root->nested->all[i]);
        if (!settle(root->nested->all[i], &place, err)) return false;
    }
    return true;
}

bool eh_nested_is_ready(const eh_loader *root)
{
    if (root->nested == NULL) return true;
    for (size_t i = 0; i < root->nested->count; i++) {
        const eh_loader *child = root->nested->all[i];
        if (child->plan.table.exists && child->encoder == NULL) return false;
    }
    return true;
}

bool eh_nested_make_encoders(eh_loader *root, const eh_place *place, eh_err *err)
{
    if (root->nested == NULL) return true;
    if (!eh_nested_meet_needs(root, place, err)) return false;
    for (size_t i = 0; i < root->nested->count; i++) {
        eh_loader *child = root->nested->all[i];
        if (child->encoder != NULL || !child->plan.table.exists) continue;
        /* What the key of a record is may be known only now. */
        if (!eh_plan_bind(&child->plan, child->plan.sources, child->plan.source_count, err) ||
            !eh_loader_make_encoder(child, err))
            return eh_err_while(err, "loading into %s", child->child->table);
    }
    return true;
}

bool eh_nested_begin_unit(eh_loader *root, eh_err *err)
{
    const eh_nested *nested = root->nested;
    eh_unit *unit = root->open;
    size_t count = 0;
    if (nested == NULL) return true;
    for (size_t i = 0; i < nested->count; i++)
        if (nested->all[i]->encoder != NULL) nested->all[i]->child->part = count++;
    if (!eh_unit_set_parts(unit, count, err)) return false;
    for (size_t i = 0; i < nested->count; i++) {
        eh_loader *child = nested->all[i];
        if (child->encoder == NULL) continue;
        eh_unit_part *part = &unit->parts[child->child->part];
        part->encoder = child->encoder;
        eh_loader_where(child, &part->schema, &part->table);
    }
    return true;
}

/* ---- one record ------------------------------------------------------------------------- */

const eh_cell *eh_nested_cell(eh_loader *loader, const eh_target *target, const eh_cell *cells)
{
    eh_loader *root = eh_loader_root(loader);
    size_t source = target->source;
    bool lacks = target->origin == EH_FROM_NESTED &&
                 (source == SIZE_MAX || cells[source].kind == EH_CELL_ABSENT);
    switch (target->origin) {
    case EH_FROM_PARENT:
        source = root->plan.keys[source].source;
        return source != SIZE_MAX ? root->nested->cells + source : &absent_cell;
    case EH_FROM_POSITION:
        return &loader->child->positions[source];
    default:
        return lacks && !root->plan.options.write.delete_insert ? &absent_cell
                                                                : &root->nested->record_cell;
    }
}

eh_append eh_nested_append(eh_loader *child, eh_row_fault *fault, eh_err *err)
{
    return eh_unit_append_part(child->root->open, child->child->part, child->plan.pick, fault,
                               err);
}

/* "items[2].taxes[0]" */
static bool put_path(const eh_loader *child, const eh_element *element, eh_buf *out,
                     eh_err *err)
{
    const eh_child *c = child->child;
    if (c->parent->child != NULL &&
        (!put_path(c->parent, element, out, err) || !eh_buf_append_byte(out, '.', err)))
        return false;
    return eh_buf_printf(out, err, "%s[%" PRId64 "]", c->place.name,
                         element->positions[c->place.depth - 1]);
}

/* An element that does not fit takes its whole record with it: nothing is half loaded. */
eh_row_fate eh_nested_bury(eh_loader *child, const char *column, const char *code,
                           const char *reason, eh_err *err)
{
    eh_loader *root = child->root;
    const eh_child *c = child->child;
    eh_buf path;
    eh_buf_init(&path, (size_t)64 * 1024);
    bool ok = put_path(child, &c->elements[c->row], &path, err) &&
              (column[0] == '\0' || (eh_buf_append_byte(&path, '.', err) &&
                                     eh_buf_append_str(&path, column, err))) &&
              (eh_buf_cstr(&path) != NULL || eh_fail_memory(err, "a dead row"));
    eh_row_fate fate =
        ok ? eh_loader_bury(root, &c->batch.places[c->row], path.data, code, reason, err)
           : EH_ROW_ERROR;
    eh_buf_free(&path);
    root->nested->buried = true;
    return fate;
}

/* A record without its key is dead by itself. */
static bool has_key(const eh_loader *root, const eh_cell *cells)
{
    if (!eh_plan_ties(&root->plan)) return true;
    for (size_t i = 0; i < root->plan.key_count; i++) {
        size_t source = root->plan.keys[i].source;
        if (source == SIZE_MAX || eh_cell_is_null(&cells[source])) return false;
    }
    return true;
}

static eh_row_fate load_rows(eh_loader *child, size_t record, eh_err *err)
{
    eh_child *c = child->child;
    while (c->at < c->batch.rows && c->elements[c->at].record < record) c->at++;
    for (c->row = c->at; c->row < c->batch.rows && c->elements[c->row].record == record;
         c->row++) {
        for (size_t i = 0; i < c->place.depth; i++)
            c->positions[i].as.integer = c->elements[c->row].positions[i];
        eh_row_fate fate = eh_loader_load_row(child, &c->batch, c->row, err);
        if (fate != EH_ROW_DONE || child->root->nested->buried) return fate;
    }
    return EH_ROW_DONE;
}

eh_row_fate eh_nested_load(eh_loader *root, const eh_batch *batch, size_t row, bool *buried,
                           eh_err *err)
{
    eh_nested *nested = root->nested;
    root->open->record = ++nested->record_cell.as.integer;
    nested->cells = eh_batch_cell(batch, row, 0);
    nested->buried = false;
    nested->changing = NULL;
    *buried = false;
    if (!has_key(root, nested->cells)) return EH_ROW_DONE;
    for (size_t i = 0; i < nested->count; i++) {
        eh_row_fate fate = load_rows(nested->all[i], row, err);
        *buried = nested->buried;
        if (fate == EH_ROW_CHANGE) nested->changing = nested->all[i];
        if (fate != EH_ROW_DONE || *buried) return fate;
    }
    return EH_ROW_DONE;
}

eh_loader *eh_nested_changing(eh_loader *root)
{
    bool child = root->nested != NULL && root->nested->changing != NULL;
    return child ? root->nested->changing : root;
}
