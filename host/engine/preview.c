/* engine/preview.c: see preview.h. Printing is in preview_print.c. */
#include "base/map.h"
#include "engine/preview_private.h"
#include "load/contract.h"
#include "load/extra.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLE_ROWS    100000
#define TEXT_MAX       ((size_t)256 * 1024 * 1024)
#define BATCH_TEXT_MAX ((size_t)512 * 1024 * 1024)
#define DEAD_TOLD      1000

eh_preview *eh_preview_new(eh_run *run, eh_err *err)
{
    eh_preview *p = calloc(1, sizeof *p);
    if (p == NULL) {
        eh_fail_memory(err, "a preview");
        return NULL;
    }
    const eh_doc *options = eh_doc_get(run->spec, "preview");
    int64_t limit = eh_doc_int(options, "limit", 20);
    p->run = run;
    p->limit = limit < 0 ? 0 : (size_t)limit;
    p->sample = p->limit > SAMPLE_ROWS ? p->limit : SAMPLE_ROWS;
    p->width = (size_t)eh_doc_int(options, "width", 0);
    p->arena = eh_arena_new(TEXT_MAX);
    p->names = eh_names_new();
    p->extra_at = SIZE_MAX;
    eh_buf_init(&p->json, TEXT_MAX);
    eh_map_init(&p->index);
    const char *output = eh_doc_str(options, "output", "table");
    if (p->arena == NULL || p->names == NULL)
        eh_fail_memory(err, "a preview");
    else if (!eh_print_format_from_name(eh_slice_str(output), &p->format))
        eh_fail(err, EH_CLASS_CONFIG, "there is no format \"%s\": use table, ndjson or csv",
                output);
    if (err->class_ == EH_OK) return p;
    eh_preview_free(p);
    return NULL;
}

void eh_preview_free(eh_preview *p)
{
    if (p == NULL) return;
    eh_arena_free(p->arena);
    eh_names_free(p->names);
    eh_map_free(&p->index);
    free(p->columns);
    free(p->rows);
    free(p->where);
    free(p->extra);
    eh_buf_free(&p->json);
    free(p);
}

bool eh_preview_is_full(const eh_preview *p)
{
    return p->seen >= p->sample;
}

/* ---- columns
 * ------------------------------------------------------------------------------------- */

static bool push_column(eh_preview *p, const char *name, eh_err *err)
{
    if (p->column_count == p->column_capacity) {
        size_t capacity = p->column_capacity * 2 + 32;
        eh_preview_column *more = realloc(p->columns, capacity * sizeof *more);
        if (more == NULL) return eh_fail_memory(err, "a preview");
        p->columns = more;
        p->column_capacity = capacity;
    }
    p->columns[p->column_count++] = (eh_preview_column){.name = name};
    return true;
}

static bool add_column(eh_preview *p, eh_slice written, eh_err *err)
{
    const char *name = eh_names_of(p->names, written, err);
    return name != NULL && eh_map_put(&p->index, written, p->column_count, err) &&
           push_column(p, name, err);
}

/* Does a declaration name the column? What it does not is in _extra, where it says so; what a
 * table has already is not known here. */
static bool is_named(const eh_preview *p, const eh_write_rule *rule, const eh_doc *declaration,
                     const eh_source_column *source, bool *named, eh_err *err)
{
    eh_type type;
    const char *name = eh_names_of(p->names, source->written, err);
    if (name == NULL) return false;
    *named = source->instant || eh_declared_key(declaration, source->written, name) ||
             (rule->hard_delete != NULL &&
              eh_declared_is(rule->hard_delete, source->written, name)) ||
             eh_declared_type(declaration, source->written, name, &type, err);
    return err->class_ == EH_OK;
}

static bool find_extras(eh_preview *p, const eh_doc *declaration,
                        const eh_source_column *sources, size_t count, bool *found, eh_err *err)
{
    eh_write_rule rule;
    bool *extra = realloc(p->extra, (count + 1) * sizeof *extra), any = false;
    if (extra == NULL) return eh_fail_memory(err, "a preview");
    p->extra = extra;
    memset(extra, 0, count + 1);
    if (strcmp(eh_doc_str(declaration, "extras", ""), "json") != 0) return true;
    if (!eh_write_read(declaration, &rule, err)) return false;
    for (size_t i = 0; i < count; i++) {
        bool named = true;
        if (!sources[i].dropped && !is_named(p, &rule, declaration, &sources[i], &named, err))
            return false;
        extra[i] = !named;
        any = any || extra[i];
    }
    *found = any;
    return true;
}

/* Where the columns of this batch stand among all columns seen; SIZE_MAX for dropped ones. */
static bool place_columns(eh_preview *p, const eh_source_column *sources, size_t count,
                          eh_err *err)
{
    size_t *where = realloc(p->where, (count + 1) * sizeof *where);
    if (where == NULL) return eh_fail_memory(err, "a preview");
    p->where = where;
    for (size_t i = 0; i < count; i++) {
        uint64_t index = SIZE_MAX;
        if (!sources[i].dropped && !p->extra[i] &&
            !eh_map_get(&p->index, sources[i].written, &index)) {
            index = p->column_count;
            if (!add_column(p, sources[i].written, err)) return false;
        }
        where[i] = (size_t)index;
    }
    return true;
}

/* ---- rows
 * ---------------------------------------------------------------------------------------- */

/* The text of a cell, secrets masked: a preview is read, copied and sent around. */
static bool keep_text(eh_preview *p, const eh_cell *cell, eh_slice *kept)
{
    eh_slice text = eh_cell_text(cell);
    const eh_secrets *secrets = p->run->secrets;
    eh_buf masked;
    eh_buf_init(&masked, 4 * text.len + 64);
    bool ok = true;
    if (eh_secrets_hits(secrets, text)) {
        ok = cell->kind == EH_CELL_JSON
                 ? eh_secrets_mask_told_json(secrets, text, &masked, NULL)
                 : eh_secrets_mask_told(secrets, text, &masked, NULL);
        text = eh_buf_slice(&masked);
    }
    char *copy = ok ? eh_arena_strndup(p->arena, text.data, text.len) : NULL;
    *kept = eh_slice_of(copy, text.len);
    eh_buf_free(&masked);
    return copy != NULL;
}

static bool learn(eh_preview *p, eh_preview_column *column, const eh_cell *cell)
{
    if (eh_cell_is_null(cell)) return true;
    eh_type type = eh_infer_join(column->type, eh_infer_cell(cell));
    if (column->values++ == 0 || type != column->type) {
        column->type = type;
        column->reason = eh_infer_reason(cell);
        if (eh_cell_has_text(cell) && !keep_text(p, cell, &column->example)) return false;
    }
    return true;
}

static bool keep_cell(eh_preview *p, eh_cell *cells, size_t at, eh_cell cell)
{
    eh_slice text;
    if (eh_cell_has_text(&cell)) {
        if (!keep_text(p, &cell, &text)) return false;
        cell.as.text = text.data;
        cell.len = (uint32_t)text.len;
    }
    cells[at] = cell;
    return true;
}

static bool keep_row(eh_preview *p, const eh_batch *batch, size_t row, size_t count,
                     const eh_cell *extra)
{
    if (p->row_count == p->row_capacity) {
        size_t capacity = p->row_capacity * 2 + 64;
        eh_preview_row *more = realloc(p->rows, capacity * sizeof *more);
        if (more == NULL) return false;
        p->rows = more;
        p->row_capacity = capacity;
    }
    eh_cell *cells = eh_arena_zalloc(p->arena, p->column_count, sizeof *cells);
    if (cells == NULL) return false;
    for (size_t c = 0; c < count; c++)
        if (p->where[c] != SIZE_MAX &&
            !keep_cell(p, cells, p->where[c], *eh_batch_cell(batch, row, c)))
            return false;
    if (p->extra_at != SIZE_MAX && !keep_cell(p, cells, p->extra_at, *extra)) return false;
    p->rows[p->row_count++] = (eh_preview_row){cells, p->column_count};
    return true;
}

static void tell_dead(eh_preview *p, const eh_stream *s, const char *file, const eh_dead *dead)
{
    if (p->dead++ >= DEAD_TOLD) return;
    eh_stream_tell_dead(s, file, dead);
}

/* What of the row has no column of its own. */
static bool fill_extra(eh_preview *p, const eh_batch *batch, size_t row,
                       const eh_source_column *sources, size_t count, eh_cell *cell,
                       eh_err *err)
{
    bool valued = false;
    *cell = (eh_cell){.kind = EH_CELL_ABSENT};
    p->json.len = 0;
    for (size_t c = 0; c < count; c++) {
        const eh_cell *value = eh_batch_cell(batch, row, c);
        if (!p->extra[c] || value->kind == EH_CELL_ABSENT) continue;
        if (!eh_extra_append(&p->json, sources[c].written, value, err)) return false;
        valued = valued || !eh_cell_is_null(value);
    }
    if (p->json.len > 0) cell->kind = EH_CELL_NULL;
    if (!valued) return true;
    if (!eh_buf_append_byte(&p->json, '}', err)) return false;
    *cell =
        (eh_cell){.kind = EH_CELL_JSON, .len = (uint32_t)p->json.len, .as.text = p->json.data};
    return true;
}

static bool take_row(eh_preview *p, const eh_batch *batch, size_t row,
                     const eh_source_column *sources, size_t count, eh_err *err)
{
    eh_cell extra;
    bool ok = true;
    p->seen++;
    if (!fill_extra(p, batch, row, sources, count, &extra, err)) return false;
    for (size_t c = 0; ok && c < count; c++)
        ok = p->where[c] == SIZE_MAX ||
             learn(p, &p->columns[p->where[c]], eh_batch_cell(batch, row, c));
    if (p->extra_at != SIZE_MAX) ok = ok && learn(p, &p->columns[p->extra_at], &extra);
    if (!ok) return eh_fail_memory(err, "a preview");
    return p->row_count >= p->limit || keep_row(p, batch, row, count, &extra) ||
           eh_fail(err, EH_CLASS_LIMIT, "too many rows to show at once: lower --limit");
}

static bool take_batch(eh_preview *p, const eh_batch *batch, const eh_doc *declaration,
                       const eh_source_column *sources, size_t count, eh_err *err)
{
    bool found = false;
    if (!find_extras(p, declaration, sources, count, &found, err) ||
        !place_columns(p, sources, count, err))
        return false;
    if (found && p->extra_at == SIZE_MAX) {
        p->extra_at = p->column_count;
        if (!push_column(p, EH_EXTRA_COLUMN, err)) return false;
    }
    for (size_t r = 0; r < batch->rows && !eh_preview_is_full(p); r++)
        if (!take_row(p, batch, r, sources, count, err)) return false;
    return true;
}

/* ---- files
 * --------------------------------------------------------------------------------------- */

/* The columns after transforms and the row function. */
static bool transform(eh_preview *p, eh_stream *s, eh_transform *t, eh_batch *batch,
                      const eh_slice *written, size_t written_count, eh_err *err)
{
    if (!eh_transform_bind(t, written, written_count, err) ||
        !eh_transform_apply(t, batch, err))
        return false;
    size_t count, added_count = 0;
    const eh_transform_column *columns = eh_transform_columns(t, &count);
    const eh_slice *added = NULL;
    if (s->rows != NULL &&
        !s->rows->apply(s->rows->self, batch, columns, count, &added, &added_count, err))
        return false;
    eh_source_column *sources = calloc(count + added_count + 1, sizeof *sources);
    if (sources == NULL) return eh_fail_memory(err, "a preview");
    for (size_t i = 0; i < count; i++)
        sources[i] =
            (eh_source_column){columns[i].name, columns[i].dropped, columns[i].instant, false};
    for (size_t i = 0; i < added_count; i++)
        sources[count + i] = (eh_source_column){added[i], added[i].len == 0, false, false};
    bool ok = take_batch(p, batch, s->declaration, sources, count + added_count, err);
    for (size_t i = 0; ok && i < count; i++) {
        eh_type declared = columns[i].type;
        if (declared != EH_TYPE_UNKNOWN && p->where[i] != SIZE_MAX) {
            p->columns[p->where[i]].declared = declared;
        }
    }
    free(sources);
    return ok;
}

static bool read_batches(eh_preview *p, eh_stream *s, eh_input *input, eh_transform *t,
                         const char *name, eh_err *err)
{
    eh_batch batch;
    bool ok = eh_batch_init(&batch, BATCH_TEXT_MAX, err);
    for (bool end = false; ok && !end && !eh_preview_is_full(p);) {
        ok = eh_run_go_on(p->run, err) && eh_input_next(input, &batch, &end, err);
        if (!ok || end) break;
        size_t count;
        const eh_slice *columns = eh_input_columns(input, &count);
        ok = transform(p, s, t, &batch, columns, count, err);
        for (size_t i = 0; ok && i < batch.dead_count; i++)
            tell_dead(p, s, name, &batch.dead[i]);
    }
    /* A file with a header and no rows still has columns to show. */
    size_t count;
    const eh_slice *columns = eh_input_columns(input, &count);
    for (size_t i = 0; ok && p->column_count == 0 && i < count; i++)
        ok = add_column(p, columns[i], err);
    eh_batch_free(&batch);
    return ok;
}

/* Takes the open file over. */
static bool show(eh_preview *p, eh_stream *s, eh_file *file, const char *name, eh_err *err)
{
    const eh_doc *format = eh_doc_get(s->declaration, "format");
    eh_transform_context context = eh_stream_transform_context(s);
    eh_parse_from start = {0, 0, 0};
    eh_input *input = NULL;
    if (eh_input_declared_coding(file, format, err))
        input = eh_input_open(file, name, format, &start, UINT64_MAX, err);
    eh_transform *t = input != NULL ? eh_transform_new(s->declaration, &context, err) : NULL;
    bool ok = t != NULL && read_batches(p, s, input, t, name, err);
    eh_transform_free(t);
    eh_input_free(input);
    eh_file_close(file);
    return ok;
}

bool eh_preview_file(eh_preview *p, eh_stream *s, const char *root, const char *name,
                     eh_err *err)
{
    if (eh_preview_is_full(p)) return true;
    /* A row function's frames take the place of the one that holds the name. */
    name = eh_arena_strdup(p->arena, name);
    if (name == NULL) return eh_fail_memory(err, "a preview");
    eh_file file;
    return eh_file_open(&file, root, name, err) && show(p, s, &file, name, err);
}

bool eh_preview_remote(eh_preview *p, eh_stream *s, eh_remote *remote, eh_err *err)
{
    if (eh_preview_is_full(p)) return true;
    const char *name = eh_remote_name(remote);
    eh_file file;
    return eh_remote_open(remote, &file, err) && eh_file_detect_coding(&file, name, err) &&
           show(p, s, &file, name, err);
}

bool eh_preview_batch(eh_preview *p, eh_stream *s, eh_batch *batch, const eh_slice *columns,
                      size_t count, const char *label, eh_err *err)
{
    eh_transform_context context = eh_stream_transform_context(s);
    eh_transform *t = eh_transform_new(s->declaration, &context, err);
    bool ok = t != NULL && transform(p, s, t, batch, columns, count, err);
    for (size_t i = 0; ok && i < batch->dead_count; i++)
        tell_dead(p, s, label, &batch->dead[i]);
    eh_transform_free(t);
    return ok;
}
