/* data/print.h: rows and schemas as text, for `etlhost preview`.
 *
 * Values are shown as they would be loaded: each cell converted to its column's type; one that
 * does not fit is shown as its text. Output is appended to the caller's buffer, who may write
 * it out and empty it between calls. Floor 1. */
#ifndef EH_DATA_PRINT_H
#define EH_DATA_PRINT_H

#include "base/buf.h"
#include "data/value.h"

typedef enum eh_print_format {
    EH_PRINT_TABLE,  /* for a person: aligned, cut to a width, no byte that moves a terminal */
    EH_PRINT_NDJSON, /* an object a line: every digit of a number kept, an absent key left out
                      */
    EH_PRINT_CSV     /* RFC 4180 with LF line ends; NULL is empty, an empty string is "" */
} eh_print_format;

/* "table", "ndjson", "csv"; false for any other word. */
bool eh_print_format_from_name(eh_slice name, eh_print_format *format);

typedef struct eh_printer eh_printer;

/* width: columns of the terminal, for TABLE only; 0: no limit but 60 for one value. out is
 * borrowed. NULL without memory. */
eh_printer *eh_printer_new(eh_print_format format, size_t width, eh_buf *out, eh_err *err);
void eh_printer_free(eh_printer *printer); /* NULL is fine */

/* Once, first. Names and types are copied. */
bool eh_printer_begin(eh_printer *printer, const eh_slice *names, const eh_type *types,
                      size_t count, eh_err *err) EH_MUST_USE;

/* pick[i] is the cell of column i, NULL for SQL NULL; nothing is kept of them. A table holds
 * its first 256 rows back to know how wide its columns are, or until end. */
bool eh_printer_row(eh_printer *printer, const eh_cell *const *pick, eh_err *err) EH_MUST_USE;

/* Once, last. */
bool eh_printer_end(eh_printer *printer, eh_err *err) EH_MUST_USE;

typedef struct eh_print_column {
    eh_slice name;
    eh_type type;
    uint64_t rows;
    uint64_t nulls;
    eh_slice example;   /* a value as written; empty when there was none */
    const char *reason; /* why it is of this type; NULL is fine */
} eh_print_column;

/* The schema as an aligned table: column, type, nulls, example, reason. */
bool eh_print_schema(const eh_print_column *columns, size_t count, size_t width, eh_buf *out,
                     eh_err *err) EH_MUST_USE;

/* How many terminal columns a UTF-8 text takes, roughly: wide letters and emoji two, combining
 * marks none. */
size_t eh_print_width(eh_slice text);

#endif
