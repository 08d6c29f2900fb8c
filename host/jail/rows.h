/* jail/rows.h: row functions over the rows in the window. Private to jail/.
 *
 * A row is a userdata without content that stands for "the row being worked on": reading looks
 * into the window or, for what was written, into the overlay; writing goes to the overlay,
 * whose values are packed for ROWS_DONE when the function has returned. Once the next row
 * begins the userdata is stale, and using it is an error. The pieces: rows.c drives a batch,
 * row_proxy.c is what Lua sees, row_changes.c packs and sends. */
#ifndef EH_JAIL_ROWS_H
#define EH_JAIL_ROWS_H

#include "data/json.h" /* eh_utf8_valid */
#include "data/value.h"
#include "jail/internal.h"

enum {
    EH_ROWS_MAX_COLUMNS = 2000,
    EH_ROWS_MAX_VALUE = 512 * 1024, /* bytes that one written value may have */
    EH_ROWS_NAMES = 64              /* slots of the cache of names; a power of two */
};

/* A value that the function wrote to a column of the current row. */
typedef struct eh_written {
    uint64_t stamp; /* of the row it belongs to */
    uint8_t kind;   /* eh_cell_kind */
    uint32_t len;
    union {
        size_t offset; /* in texts */
        int64_t integer;
        double real;
    } as;
} eh_written;

typedef struct eh_column {
    const char
        *name; /* the anchored Lua string; its address is its identity while it is short */
    size_t len;
    uint64_t sent_in; /* the ROWS_DONE frame that has this column in its list */
    uint16_t sent_as; /* index there */
    bool hidden;      /* a dropped column: no name */
} eh_column;

struct eh_rows {
    eh_jail *jail;
    uint32_t task;
    /* The batch: */
    const eh_window_cell *cells;
    size_t rows;
    size_t stride;
    size_t window_columns;
    /* The current row: */
    size_t row;
    const void *box; /* the userdata that stands for it; NULL outside a row function */
    uint64_t stamp;
    /* Columns of the window, then those the function made. */
    eh_column *columns;
    eh_written *written;
    size_t column_count;
    uint16_t touched[EH_ROWS_MAX_COLUMNS];
    size_t touched_count;
    eh_buf texts; /* what the overlay's texts point into */
    struct {
        const char *name;
        size_t column;
    } cache[EH_ROWS_NAMES];
    /* The ROWS_DONE frame being filled: */
    uint64_t frame;
    eh_buf data;
    eh_arena *arena;
    eh_doc *names;
    eh_doc *dropped;
    eh_doc *failed;
    size_t listed;       /* entries of dropped and failed */
    size_t listed_bytes; /* text in failed and names */
    eh_err broken;       /* why sending failed; ends the run */
};

/* row_proxy.c. Makes the metatable of the batch's rows: [names] -> [metatable]. names maps a
 * name to its column, from 1. */
void eh_rows_push_metatable(lua_State *L, eh_rows *rows);
void eh_rows_add_core(lua_State *L); /* row_copy, row_number for etl.row: [core] -> [core] */

/* row_changes.c. What the function did to the current row; they raise when the engine is gone.
 */
void eh_changes_begin(lua_State *L, eh_rows *rows);
void eh_changes_keep(lua_State *L, eh_rows *rows);
void eh_changes_drop(lua_State *L, eh_rows *rows);
void eh_changes_fail(lua_State *L, eh_rows *rows, eh_slice message);
void eh_changes_end(lua_State *L, eh_rows *rows);
/* [..., value at 3] written to the column. Raises for what no column can hold. */
void eh_changes_write(lua_State *L, eh_rows *rows, size_t column);

#endif
