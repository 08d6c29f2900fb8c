/* load/dest_sqlite_put.h: rows that are put into a SQLite table by their key; for the lane's
 * files only.
 *
 * SQLite works in the lane's own thread, so there is no stage and no set-based step: the rows
 * of a unit are gathered by key in memory, and each key is looked up and written with prepared
 * statements. Floor 3. */
#ifndef EH_LOAD_DEST_SQLITE_PUT_H
#define EH_LOAD_DEST_SQLITE_PUT_H

#include "load/dest_sqlite.h"

typedef enum eh_lite_op {
    EH_LITE_FIND,           /* the row with this key: the columns of the table, in order */
    EH_LITE_INSERT,         /* NULL: that of the encoder, see eh_lite_encoder_insert */
    EH_LITE_UPDATE,         /* all but the key */
    EH_LITE_UPDATE_PARTIAL, /* what the record has */
    EH_LITE_REMOVE,
    EH_LITE_CLOSE, /* of a history: the version that is there ends */
    EH_LITE_TOUCH, /* it takes another cursor */
    EH_LITE_ENDED, /* when the versions of the key ended */
    EH_LITE_LIST,  /* of a child table: the positions of a record's rows */
    EH_LITE_CLEAR, /* they go */
    EH_LITE_OPS
} eh_lite_op;

/* The statements of an encoder's put; parameter i + 1 is its column i, the two behind them are
 * from when to when a version is valid. NULL: not needed. */
struct eh_lite_put {
    const eh_type *types; /* of the encoder's columns */
    const char *sql[EH_LITE_OPS];
    size_t at; /* history: the column that says when a version begins */
};

/* ---- comparing values (dest_sqlite_value.c) --------------------------------------------- */

/* A column of the current row; bytes are valid until the next step. */
eh_lite_cell eh_lite_column(const eh_sqlite_stmt *stmt, int column);

/* Is it the same value, to the last digit of its spelling? */
bool eh_lite_same(const eh_lite_cell *a, const eh_lite_cell *b);

/* Below 0, 0 or above 0, as values of the type: numbers and times by value, text by its bytes.
 * Null is below everything. */
int eh_lite_order(eh_type type, const eh_lite_cell *a, const eh_lite_cell *b);

/* The bytes of a text in a key, in the spelling that all equal ones have. */
eh_slice eh_lite_key_bytes(eh_type type, eh_slice bytes);

/* Is it what hard_delete takes for true? docs/how-to/load-data-that-changes.md */
bool eh_lite_is_true(eh_type type, const eh_lite_cell *cell);

/* ---- rows gathered by key (dest_sqlite_keys.c) ------------------------------------------- */

typedef struct eh_lite_keys {
    size_t *before;  /* owned: of each row the one before it with the same key, or SIZE_MAX */
    bool *surpassed; /* owned: a later row has the same key */
    bool any;        /* some key comes twice */
} eh_lite_keys;

bool eh_lite_keys_gather(eh_lite_keys *keys, const eh_unit *unit, eh_err *err) EH_MUST_USE;
void eh_lite_keys_free(eh_lite_keys *keys);

/* The cells of an encoded row of the unit; cells has room for the encoder's columns. */
void eh_lite_read_row(const eh_unit *unit, size_t row, eh_lite_cell *cells);

#endif
