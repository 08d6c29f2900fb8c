/* data/print.c: cells as text; NDJSON and CSV. Tables are laid out by print_table.c. */
#include "data/print.h"

#include "data/convert.h"
#include "data/print_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct eh_printer {
    eh_print_format format;
    size_t width;
    eh_buf *out; /* borrowed */
    eh_arena *arena;
    eh_slice *names; /* in the arena */
    eh_type *types;  /* in the arena */
    size_t count;
    eh_table *table;   /* TABLE, after begin */
    eh_slice *cells;   /* in the arena: one row of a table */
    struct shown *row; /* in the arena: what cells borrow from */
};

/* ---- Values ----------------------------------------------------------------------------- */

/* A cell as its column would hold it. */
typedef struct shown {
    bool null;
    bool fits; /* false: text is the value as it came */
    eh_slice text;
    eh_scratch scratch;
    char room[40];
} shown;

static eh_slice print_value(const eh_cell *cell, const eh_value *value, shown *out)
{
    eh_value as_text;
    const char *reason;
    size_t length = 0;
    switch (value->type) {
    case EH_TYPE_BOOLEAN:
        return eh_slice_str(value->as.boolean ? "true" : "false");
    case EH_TYPE_BIGINT:
        length = (size_t)snprintf(out->room, sizeof out->room, "%" PRId64, value->as.integer);
        break;
    case EH_TYPE_DOUBLE: /* as it was written: a double printed anew may have other digits */
        if (eh_cell_has_text(cell)) return eh_cell_text(cell);
        return eh_convert(cell, EH_TYPE_TEXT, true, &out->scratch, &as_text, &reason)
                   ? as_text.as.text
                   : eh_slice_str("");
    case EH_TYPE_DATE:
        length = eh_print_date(value->as.integer, out->room);
        break;
    case EH_TYPE_TIME:
        length = eh_print_time(value->as.integer, out->room);
        break;
    case EH_TYPE_TIMESTAMP:
        length = eh_print_timestamp(value->as.integer, true, out->room);
        break;
    case EH_TYPE_DATETIME:
        length = eh_print_timestamp(value->as.integer, false, out->room);
        break;
    case EH_TYPE_UNKNOWN:
    case EH_TYPE_NUMERIC:
    case EH_TYPE_JSON:
    case EH_TYPE_TEXT:
    case EH_TYPE_BINARY:
    case EH_TYPE_COUNT:
        return value->as.text;
    }
    return eh_slice_of(out->room, length);
}

static void show(const eh_cell *cell, eh_type type, shown *out)
{
    eh_value value;
    const char *reason;
    out->null = cell == NULL || eh_cell_is_null(cell);
    out->fits = true;
    out->text = eh_slice_str("");
    if (out->null) return;
    if (type == EH_TYPE_UNKNOWN) type = EH_TYPE_TEXT;
    if (eh_convert(cell, type, true, &out->scratch, &value, &reason)) {
        out->null = value.type == EH_TYPE_UNKNOWN;
        if (!out->null) out->text = print_value(cell, &value, out);
        return;
    }
    out->fits = false;
    if (eh_cell_has_text(cell))
        out->text = eh_cell_text(cell);
    else if (eh_convert(cell, EH_TYPE_TEXT, true, &out->scratch, &value, &reason))
        out->text = value.as.text;
}

/* ---- NDJSON ----------------------------------------------------------------------------- */

static size_t count_digits(eh_slice text, size_t at)
{
    size_t count = 0;
    while (at + count < text.len && text.data[at + count] >= '0' &&
           text.data[at + count] <= '9')
        count++;
    return count;
}

/* RFC 8259: -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)? A declared double may be written
 * ".5". */
static bool is_json_number(eh_slice text)
{
    size_t at = text.len > 0 && text.data[0] == '-', digits = count_digits(text, at);
    if (digits == 0 || (digits > 1 && text.data[at] == '0')) return false;
    at += digits;
    if (at < text.len && text.data[at] == '.') {
        digits = count_digits(text, at + 1);
        if (digits == 0) return false;
        at += 1 + digits;
    }
    if (at < text.len && (text.data[at] == 'e' || text.data[at] == 'E')) {
        at++;
        if (at < text.len && (text.data[at] == '+' || text.data[at] == '-')) at++;
        digits = count_digits(text, at);
        if (digits == 0) return false;
        at += digits;
    }
    return at == text.len;
}

/* Line ends in well-formed JSON are white space between its tokens; here a line is a record. */
static bool append_one_line(eh_buf *out, eh_slice json, eh_err *err)
{
    size_t start = out->len;
    if (!eh_buf_append(out, json.data, json.len, err)) return false;
    for (size_t i = start; i < out->len; i++)
        if (out->data[i] == '\n' || out->data[i] == '\r') out->data[i] = ' ';
    return true;
}

static bool append_json_value(eh_buf *out, const eh_cell *cell, eh_type type, eh_err *err)
{
    shown s;
    show(cell, type, &s);
    if (s.null) return eh_buf_append_str(out, "null", err);
    bool number = type == EH_TYPE_BIGINT || type == EH_TYPE_NUMERIC || type == EH_TYPE_DOUBLE;
    if (s.fits && type == EH_TYPE_BOOLEAN)
        return eh_buf_append(out, s.text.data, s.text.len, err);
    if (s.fits && number && is_json_number(s.text))
        return eh_buf_append(out, s.text.data, s.text.len, err);
    if (s.fits && type == EH_TYPE_JSON) return append_one_line(out, s.text, err);
    return eh_buf_append_json(out, s.text, err);
}

static bool ndjson_row(eh_printer *p, const eh_cell *const *pick, eh_err *err)
{
    bool first = true;
    if (!eh_buf_append_byte(p->out, '{', err)) return false;
    for (size_t i = 0; i < p->count; i++) {
        if (pick[i] != NULL && pick[i]->kind == EH_CELL_ABSENT) continue;
        if (!first && !eh_buf_append_byte(p->out, ',', err)) return false;
        first = false;
        if (!eh_buf_append_json(p->out, p->names[i], err) ||
            !eh_buf_append_byte(p->out, ':', err) ||
            !append_json_value(p->out, pick[i], p->types[i], err))
            return false;
    }
    return eh_buf_append_str(p->out, "}\n", err);
}

/* ---- CSV -------------------------------------------------------------------------------- */

/* Blanks at the ends are quoted too: some readers trim what is not. */
static bool needs_quotes(eh_slice text)
{
    if (text.len == 0 || text.data[0] == ' ' || text.data[text.len - 1] == ' ') return true;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == ',' || text.data[i] == '"' || text.data[i] == '\n' ||
            text.data[i] == '\r')
            return true;
    return false;
}

static bool csv_field(eh_buf *out, eh_slice text, eh_err *err)
{
    if (!needs_quotes(text)) return eh_buf_append(out, text.data, text.len, err);
    if (!eh_buf_append_byte(out, '"', err)) return false;
    while (text.len > 0) {
        const char *quote = memchr(text.data, '"', text.len);
        size_t length = quote != NULL ? (size_t)(quote - text.data) + 1 : text.len;
        if (!eh_buf_append(out, text.data, length, err)) return false;
        if (quote != NULL && !eh_buf_append_byte(out, '"', err)) return false;
        text = eh_slice_of(text.data + length, text.len - length);
    }
    return eh_buf_append_byte(out, '"', err);
}

static bool csv_head(eh_printer *p, eh_err *err)
{
    for (size_t i = 0; i < p->count; i++)
        if ((i > 0 && !eh_buf_append_byte(p->out, ',', err)) ||
            !csv_field(p->out, p->names[i], err))
            return false;
    return eh_buf_append_byte(p->out, '\n', err);
}

static bool csv_row(eh_printer *p, const eh_cell *const *pick, eh_err *err)
{
    for (size_t i = 0; i < p->count; i++) {
        shown s;
        show(pick[i], p->types[i], &s);
        if (i > 0 && !eh_buf_append_byte(p->out, ',', err)) return false;
        if (!s.null && !csv_field(p->out, s.text, err)) return false;
    }
    return eh_buf_append_byte(p->out, '\n', err);
}

/* ---- Tables ----------------------------------------------------------------------------- */

static bool is_number(eh_type type)
{
    return type == EH_TYPE_BIGINT || type == EH_TYPE_NUMERIC || type == EH_TYPE_DOUBLE;
}

static bool table_begin(eh_printer *p, eh_err *err)
{
    eh_table_column *columns = eh_arena_zalloc(p->arena, p->count, sizeof *columns);
    p->cells = eh_arena_zalloc(p->arena, p->count, sizeof *p->cells);
    p->row = eh_arena_zalloc(p->arena, p->count, sizeof *p->row);
    if (columns == NULL || p->cells == NULL || p->row == NULL)
        return eh_fail_memory(err, "a table");
    for (size_t i = 0; i < p->count; i++)
        columns[i] = (eh_table_column){.name = p->names[i],
                                       .below = eh_slice_str(eh_type_name(p->types[i])),
                                       .right = is_number(p->types[i])};
    p->table = eh_table_new(columns, p->count, p->width, p->out, err);
    return p->table != NULL;
}

static bool table_row(eh_printer *p, const eh_cell *const *pick, eh_err *err)
{
    for (size_t i = 0; i < p->count; i++) {
        show(pick[i], p->types[i], &p->row[i]);
        p->cells[i] = p->row[i].null ? eh_slice_str("null") : p->row[i].text;
    }
    return eh_table_row(p->table, p->cells, err);
}

/* ---- The printer ------------------------------------------------------------------------ */

bool eh_print_format_from_name(eh_slice name, eh_print_format *format)
{
    static const char *const names[] = {"table", "ndjson", "csv"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!eh_slice_is(name, names[i])) continue;
        *format = (eh_print_format)i;
        return true;
    }
    return false;
}

eh_printer *eh_printer_new(eh_print_format format, size_t width, eh_buf *out, eh_err *err)
{
    enum { ARENA_MAX = 64 << 20 }; /* the names and one row of a table of any width */
    eh_printer *p = calloc(1, sizeof *p);
    if (p != NULL) p->arena = eh_arena_new(ARENA_MAX);
    if (p == NULL || p->arena == NULL) {
        eh_fail_memory(err, "a printer");
        eh_printer_free(p);
        return NULL;
    }
    p->format = format;
    p->width = width;
    p->out = out;
    return p;
}

void eh_printer_free(eh_printer *p)
{
    if (p == NULL) return;
    eh_table_free(p->table);
    eh_arena_free(p->arena);
    free(p);
}

bool eh_printer_begin(eh_printer *p, const eh_slice *names, const eh_type *types, size_t count,
                      eh_err *err)
{
    p->count = count;
    p->names = eh_arena_zalloc(p->arena, count, sizeof *p->names);
    p->types = eh_arena_zalloc(p->arena, count, sizeof *p->types);
    if (p->names == NULL || p->types == NULL) return eh_fail_memory(err, "a printer");
    for (size_t i = 0; i < count; i++) {
        const char *name = eh_arena_strndup(p->arena, names[i].data, names[i].len);
        if (name == NULL) return eh_fail_memory(err, "a printer");
        p->names[i] = eh_slice_of(name, names[i].len);
        p->types[i] = types[i];
    }
    if (p->format == EH_PRINT_CSV) return csv_head(p, err);
    return p->format != EH_PRINT_TABLE || table_begin(p, err);
}

bool eh_printer_row(eh_printer *p, const eh_cell *const *pick, eh_err *err)
{
    switch (p->format) {
    case EH_PRINT_TABLE:
        return table_row(p, pick, err);
    case EH_PRINT_NDJSON:
        return ndjson_row(p, pick, err);
    case EH_PRINT_CSV:
        return csv_row(p, pick, err);
    }
    return true;
}

bool eh_printer_end(eh_printer *p, eh_err *err)
{
    return p->table == NULL || eh_table_end(p->table, err);
}

/* ---- Schemas ---------------------------------------------------------------------------- */

static bool schema_row(eh_table *table, const eh_print_column *column, eh_err *err)
{
    char nulls[24] = "all";
    if (column->nulls < column->rows || column->rows == 0)
        (void)snprintf(nulls, sizeof nulls, "%" PRIu64, column->nulls);
    const eh_slice cells[] = {
        column->name,
        eh_slice_str(eh_type_name(column->type)),
        eh_slice_str(nulls),
        column->example,
        eh_slice_str(column->reason),
    };
    return eh_table_row(table, cells, err);
}

bool eh_print_schema(const eh_print_column *columns, size_t count, size_t width, eh_buf *out,
                     eh_err *err)
{
    const eh_table_column head[] = {
        {.name = eh_slice_str("column")},
        {.name = eh_slice_str("type")},
        {.name = eh_slice_str("nulls"), .right = true},
        {.name = eh_slice_str("example")},
        {.name = eh_slice_str("reason")},
    };
    eh_table *table = eh_table_new(head, sizeof head / sizeof *head, width, out, err);
    bool ok = table != NULL;
    for (size_t i = 0; ok && i < count; i++) ok = schema_row(table, &columns[i], err);
    ok = ok && eh_table_end(table, err);
    eh_table_free(table);
    return ok;
}
