/* engine/preview_print.c: what a preview shows, and the operation itself; see preview.h. */
#include "engine/load_names.h"
#include "engine/preview_private.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define OUT_MAX ((size_t)512 * 1024 * 1024)

static eh_type type_of(const eh_preview_column *column)
{
    eh_type type = column->declared != EH_TYPE_UNKNOWN ? column->declared : column->type;
    return type == EH_TYPE_UNKNOWN ? EH_TYPE_TEXT : type;
}

static const char *reason_of(const eh_preview_column *column)
{
    if (column->declared != EH_TYPE_UNKNOWN) return "declared";
    if (column->type == EH_TYPE_UNKNOWN) return "no value was seen";
    return column->reason;
}

static bool write_out(eh_buf *out, eh_err *err)
{
    for (size_t done = 0; done < out->len;) {
        ssize_t n = write(STDOUT_FILENO, out->data + done, out->len - done);
        if (n < 0 && errno == EINTR) continue;
        /* The reader (head, less) has seen enough. */
        if (n < 0 && errno == EPIPE) break;
        if (n < 0) return eh_fail_errno(err, EH_CLASS_LIMIT, errno, "cannot write the rows");
        done += (size_t)n;
    }
    out->len = 0;
    return true;
}

static bool print_rows(eh_preview *p, eh_buf *out, eh_err *err)
{
    eh_printer *printer = eh_printer_new(p->format, p->width, out, err);
    eh_slice *names = calloc(p->column_count + 1, sizeof *names);
    eh_type *types = calloc(p->column_count + 1, sizeof *types);
    const eh_cell **pick = calloc(p->column_count + 1, sizeof(void *));
    bool ok = printer != NULL && names != NULL && types != NULL && pick != NULL;
    if (!ok) eh_fail_memory(err, "a preview");
    for (size_t i = 0; ok && i < p->column_count; i++) {
        names[i] = eh_slice_str(p->columns[i].name);
        types[i] = type_of(&p->columns[i]);
    }
    ok = ok && eh_printer_begin(printer, names, types, p->column_count, err);
    for (size_t r = 0; ok && r < p->row_count; r++) {
        for (size_t c = 0; c < p->column_count; c++)
            pick[c] = c < p->rows[r].count ? &p->rows[r].cells[c] : NULL;
        ok = eh_printer_row(printer, pick, err) && (out->len < 65536 || write_out(out, err));
    }
    ok = ok && eh_printer_end(printer, err);
    eh_printer_free(printer);
    free(names);
    free(types);
    free(pick);
    return ok;
}

static bool print_schema(eh_preview *p, eh_buf *out, eh_err *err)
{
    eh_print_column *columns = calloc(p->column_count + 1, sizeof *columns);
    if (columns == NULL) return eh_fail_memory(err, "a preview");
    for (size_t i = 0; i < p->column_count; i++)
        columns[i] = (eh_print_column){
            .name = eh_slice_str(p->columns[i].name),
            .type = type_of(&p->columns[i]),
            .rows = p->seen,
            .nulls = p->seen - p->columns[i].values,
            .example = p->columns[i].example,
            .reason = reason_of(&p->columns[i]),
        };
    bool ok = eh_buf_append_byte(out, '\n', err) &&
              eh_print_schema(columns, p->column_count, p->width, out, err);
    free(columns);
    return ok;
}

static bool column_doc(eh_preview *p, eh_doc *list, const eh_preview_column *column,
                       eh_err *err)
{
    eh_arena *arena = p->arena;
    eh_doc *map = eh_doc_map(arena);
    return eh_doc_put_str(arena, map, "name", eh_slice_str(column->name), err) &&
           eh_doc_put_str(arena, map, "type", eh_slice_str(eh_type_name(type_of(column))),
                          err) &&
           eh_doc_put_int(arena, map, "nulls", (int64_t)(p->seen - column->values), err) &&
           eh_doc_put_str(arena, map, "example", column->example, err) &&
           eh_doc_put_str(arena, map, "reason", eh_slice_str(reason_of(column)), err) &&
           eh_doc_push(list, map, err);
}

static bool tell_schema(eh_preview *p, eh_err *err)
{
    eh_doc *list = eh_doc_list(p->arena);
    for (size_t i = 0; i < p->column_count; i++)
        if (!column_doc(p, list, &p->columns[i], err)) return false;
    eh_event_begin(&p->run->events, "schema");
    eh_event_doc(&p->run->events, "columns", list);
    eh_event_int(&p->run->events, "rows", (int64_t)p->seen);
    eh_event_int(&p->run->events, "shown", (int64_t)p->row_count);
    eh_event_int(&p->run->events, "dead", (int64_t)p->dead);
    eh_event_bool(&p->run->events, "sampled", eh_preview_is_full(p));
    return eh_event_end(&p->run->events) || eh_fail_memory(err, "the columns");
}

bool eh_preview_print(eh_preview *p, eh_err *err)
{
    eh_buf out;
    eh_buf_init(&out, OUT_MAX);
    bool table = p->format == EH_PRINT_TABLE;
    bool ok = table && p->column_count == 0 ? eh_buf_append_str(&out, "no rows\n", err)
                                            : print_rows(p, &out, err);
    if (ok && table && p->column_count > 0) ok = print_schema(p, &out, err);
    ok = ok && write_out(&out, err) && tell_schema(p, err);
    eh_buf_free(&out);
    return ok;
}

/* ---- the operation
 * --------------------------------------------------------------------------------- */

static bool preview_file(eh_run *run, eh_preview *p, const char *file, eh_err *err)
{
    eh_doc *declaration = eh_doc_map(run->arena);
    const eh_doc *format = eh_doc_get(eh_doc_get(run->spec, "preview"), "format");
    if (declaration == NULL) return eh_fail_memory(err, "a preview");
    if (format != NULL && !eh_doc_put(run->arena, declaration, eh_slice_str("format"),
                                      eh_doc_copy(run->arena, format, NULL), err))
        return false;
    eh_stream stream = {.run = run,
                        .client = "",
                        .instance = "",
                        .resource = "",
                        .declaration = declaration,
                        .preview = p};
    const eh_doc *options = eh_doc_get(run->spec, "preview"), *names = NULL;
    eh_doc *list = eh_doc_list(run->arena);
    if (!eh_doc_push(list, eh_doc_string(run->arena, eh_slice_str(file)), err) ||
        !eh_load_names(run, options, list, &names, err))
        return false;
    for (const eh_doc *n = eh_doc_first(names); n != NULL && !eh_preview_is_full(p);
         n = n->next) {
        eh_file_outcome outcome;
        if (!eh_load_named(&stream, options, &n->as.string.data, 1, 0, &outcome, err))
            return false;
    }
    return true;
}

bool eh_run_preview(eh_run *run, eh_err *err)
{
    eh_preview *p = eh_preview_new(run, err);
    if (p == NULL) return false;
    const char *file = eh_doc_str(eh_doc_get(run->spec, "preview"), "file", NULL);
    bool ok =
        file != NULL ? preview_file(run, p, file, err) : eh_run_pipeline_preview(run, p, err);
    ok = ok && eh_preview_print(p, err);
    eh_preview_free(p);
    return ok;
}
