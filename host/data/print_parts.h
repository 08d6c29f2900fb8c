/* data/print_parts.h: what the files of print share; private to them.
 *
 * print.c turns cells into text and writes NDJSON and CSV, print_table.c lays tables out,
 * print_width.c knows terminals. Floor 1. */
#ifndef EH_DATA_PRINT_PARTS_H
#define EH_DATA_PRINT_PARTS_H

#include "base/arena.h"
#include "data/print.h"

/* ---- print_width.c ---- */

/* Appends text so that a terminal shows it and nothing else: control bytes, marks that turn the
 * direction of writing and bytes that are not UTF-8 as escapes. At most `most` terminal
 * columns, the last one an ellipsis when something was cut. *width is what was used. */
bool eh_print_shown(eh_buf *out, eh_slice text, size_t most, size_t *width,
                    eh_err *err) EH_MUST_USE;

/* ---- print_table.c ---- */

typedef struct eh_table eh_table;

typedef struct eh_table_column {
    eh_slice name;
    eh_slice below; /* a second line of the head; empty in all columns: none */
    bool right;     /* numbers stand at the right */
} eh_table_column;

/* Texts are made safe for a terminal by the table. */
eh_table *eh_table_new(const eh_table_column *columns, size_t count, size_t width, eh_buf *out,
                       eh_err *err);
void eh_table_free(eh_table *table); /* NULL is fine */
bool eh_table_row(eh_table *table, const eh_slice *cells, eh_err *err) EH_MUST_USE;
bool eh_table_end(eh_table *table, eh_err *err) EH_MUST_USE;

#endif
