/* load/loader_nested_batch.c: the lists of a batch become batches of their child tables. See
 * loader_nested.h. */
#include "load/loader_nested.h"

#include "data/json.h"
#include "data/json_elements.h"
#include "load/plan_private.h"

#include <stdlib.h>

/* ---- taking lists out ------------------------------------------------------------------- */

static bool add_element(eh_child *child, const eh_element *around, size_t record,
                        int64_t position, eh_err *err)
{
    if (child->element_count == child->element_capacity) {
        size_t capacity = child->element_capacity == 0 ? 256 : child->element_capacity * 2;
        eh_element *more = realloc(child->elements, capacity * sizeof *more);
        if (more == NULL) return eh_fail_memory(err, "rows of a child table");
        child->elements = more;
        child->element_capacity = capacity;
    }
    eh_element *e = &child->elements[child->element_count++];
    *e = (eh_element){.record = record};
    if (around != NULL) *e = *around;
    e->positions[child->place.depth - 1] = position;
    return true;
}

/* An object is a row; anything else is the value of one. */
static bool put_element(eh_buf *text, eh_slice element, eh_err *err)
{
    bool object = element.data[0] == '{';
    return eh_buf_append_byte(text, text->len == 0 ? '[' : ',', err) &&
           (object || eh_buf_append_str(text, "{\"value\":", err)) &&
           eh_buf_append(text, element.data, element.len, err) &&
           (object || eh_buf_append_byte(text, '}', err));
}

static bool take_list(eh_loader *child, const eh_element *around, size_t record, eh_slice list,
                      eh_err *err)
{
    eh_json_elements elements = eh_json_elements_of(list);
    eh_slice element;
    for (int64_t position = 0; eh_json_elements_next(&elements, &element); position++)
        if (!add_element(child->child, around, record, position, err) ||
            !put_element(&child->child->text, element, err))
            return false;
    return true;
}

static bool has_elements(eh_slice list)
{
    eh_json_elements elements = eh_json_elements_of(list);
    eh_slice element;
    return eh_json_elements_next(&elements, &element);
}

static bool is_list(const eh_cell *cell)
{
    return cell->kind == EH_CELL_JSON && (cell->flags & EH_CELL_DUPLICATE) == 0 &&
           eh_json_is_array(eh_cell_text(cell));
}

static bool take_column(eh_loader *loader, eh_batch *batch, size_t column, eh_err *err)
{
    const char *name = loader->plan.source_plans[column].name;
    eh_loader *child = NULL;
    for (size_t r = 0; r < batch->rows; r++) {
        eh_cell *cell = eh_batch_cell(batch, r, column);
        if (!is_list(cell)) continue;
        if (child == NULL && has_elements(eh_cell_text(cell))) {
            if (!eh_nested_find(loader, name, &child, err)) return false;
            if (child == NULL) return true; /* too many fields have lists */
        }
        const eh_element *around = loader->child != NULL ? &loader->child->elements[r] : NULL;
        if (child != NULL && !take_list(child, around, r, eh_cell_text(cell), err))
            return false;
        *cell = (eh_cell){.kind = EH_CELL_NULL};
    }
    return true;
}

static bool take_lists(eh_loader *loader, eh_batch *batch, eh_err *err)
{
    for (size_t c = 0; c < loader->source_count; c++)
        if (loader->sources[c].nested && !loader->sources[c].dropped &&
            !take_column(loader, batch, c, err))
            return false;
    return true;
}

/* ---- rows ------------------------------------------------------------------------------- */

static eh_parser *new_parser(const eh_child *child, eh_err *err)
{
    eh_json_options options = {.shape = EH_JSON_ARRAY,
                               .columns = child->names,
                               .column_count = child->name_count,
                               .max_record_bytes = child->text.len,
                               .batch_bytes = child->text.len};
    return eh_json_new(&options, err);
}

static bool note_names(eh_loader *loader, const eh_slice *names, size_t count, eh_err *err)
{
    eh_child *child = loader->child;
    if (count == child->name_count) return true;
    eh_slice *more = realloc(child->names, count * sizeof *more);
    if (more == NULL) return eh_fail_memory(err, "columns of a child table");
    child->names = more;
    for (; child->name_count < count; child->name_count++) {
        eh_slice name = names[child->name_count];
        const char *copy = eh_arena_strndup(loader->root->nested->arena, name.data, name.len);
        if (copy == NULL) return eh_fail_memory(err, "columns of a child table");
        more[child->name_count] = eh_slice_of(copy, name.len);
    }
    return true;
}

static bool copy_row(eh_batch *to, const eh_batch *from, size_t row, const eh_place *place,
                     eh_err *err)
{
    eh_cell *cells = eh_batch_add_row(to, place, err);
    if (cells == NULL) return false;
    for (size_t c = 0; c < from->columns; c++) {
        cells[c] = *eh_batch_cell(from, row, c);
        if (!eh_cell_has_text(&cells[c])) continue;
        cells[c].as.text = eh_arena_strndup(to->arena, cells[c].as.text, cells[c].len);
        if (cells[c].as.text == NULL) return eh_fail_memory(err, "rows of a child table");
    }
    return true;
}

/* The place of a row is that of its record. */
static bool copy_rows(eh_child *child, const eh_batch *records, eh_err *err)
{
    const eh_batch *from = &child->parsed;
    if (!eh_batch_set_columns(&child->batch, from->columns, err)) return false;
    for (size_t r = 0; r < from->rows; r++) {
        size_t element = (size_t)from->places[r].row - 1, to = child->batch.rows;
        const eh_place *place = &records->places[child->elements[element].record];
        child->elements[to] = child->elements[element];
        if (!copy_row(&child->batch, from, r, place, err)) return false;
    }
    return true;
}

/* What the parser of the records let pass is well-formed, so nothing here should be dead. */
static bool refuse_dead(const eh_child *child, eh_err *err)
{
    if (child->parsed.dead_count == 0) return true;
    return eh_fail(err, EH_CLASS_DATA, "an element of %s cannot be read: %.*s",
                   child->place.name, EH_SLICE_FMT(child->parsed.dead[0].reason));
}

static bool read_rows(eh_loader *loader, eh_parser *parser, const eh_batch *records,
                      eh_err *err)
{
    eh_child *child = loader->child;
    size_t count;
    if (!eh_parser_feed(parser, child->text.data, child->text.len, true, err)) return false;
    for (;;) {
        eh_parse got = eh_parser_next(parser, &child->parsed, err);
        if (got == EH_PARSE_ERROR) return false;
        const eh_slice *names = eh_parser_columns(parser, &count);
        if (!note_names(loader, names, count, err)) return false;
        if (got != EH_PARSE_BATCH) return true;
        if (!refuse_dead(child, err) || !copy_rows(child, records, err)) return false;
    }
}

static bool parse(eh_loader *loader, const eh_batch *records, eh_err *err)
{
    eh_child *child = loader->child;
    if (child->element_count == 0) return true;
    if (!eh_buf_append_byte(&child->text, ']', err)) return false;
    eh_parser *parser = new_parser(child, err);
    bool ok = parser != NULL && read_rows(loader, parser, records, err);
    eh_parser_free(parser);
    return ok && eh_batch_set_columns(&child->batch, child->name_count, err) &&
           eh_loader_bind_batch(loader, &child->batch, child->names, child->name_count, err) &&
           take_lists(loader, &child->batch, err);
}

bool eh_nested_take(eh_loader *root, eh_batch *batch, eh_err *err)
{
    eh_nested *nested = root->nested;
    for (size_t i = 0; i < nested->count; i++) {
        eh_child *child = nested->all[i]->child;
        child->text.len = child->element_count = child->at = 0;
        eh_batch_reset(&child->batch);
        eh_nested_follow(nested->all[i]);
    }
    if (!take_lists(root, batch, err)) return false;
    for (size_t i = 0; i < nested->count; i++) /* parents first, and more may come */
        if (!parse(nested->all[i], batch, err))
            return eh_err_while(err, "reading the rows of %s", nested->all[i]->child->table);
    return true;
}
