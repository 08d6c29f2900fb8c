/* data/json_read.h: the fast way from tokens to cells, and the columns it finds.
 *
 * The reader walks the tokens that json_index.h found and looks at every one of them; what it
 * does not accept it leaves to the judge of json_text.h, which knows the reason. Private to the
 * JSON files. Floor 1. */
#ifndef EH_DATA_JSON_READ_H
#define EH_DATA_JSON_READ_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "data/json_index.h"
#include "data/json_text.h"
#include "data/value.h"

/* More different keys than this are data, not columns. */
enum { EH_JSON_MAX_COLUMNS = 4096 };

typedef struct eh_json_columns {
    eh_arena *arena; /* the names' bytes */
    eh_slice *names;
    uint32_t *follow; /* follow[0]: the column a record began with; follow[c + 1]: the one that
                         came after column c. A guess: records repeat their order of keys */
    size_t count, cap;
    eh_map map; /* name -> index */
} eh_json_columns;

bool eh_json_columns_init(eh_json_columns *columns, eh_err *err) EH_MUST_USE;
void eh_json_columns_free(eh_json_columns *columns); /* safe on a zeroed struct, and twice */

/* Adds the name unless it is there. */
bool eh_json_columns_add(eh_json_columns *columns, eh_slice name, eh_err *err) EH_MUST_USE;

typedef struct eh_json_reader {
    eh_json_tokens tokens;
    size_t i;        /* the next token */
    size_t escape;   /* no backslash stands between the last string read and here */
    char *unescaped; /* where unescaped strings go; room for every byte of the text */
    size_t unescaped_used;
    eh_json_columns *columns;
    eh_json_keys *keys; /* scratch */
    eh_err *err;
} eh_json_reader;

typedef enum eh_json_read {
    EH_JSON_READ_GOOD,    /* i is the token after the record */
    EH_JSON_READ_NEW_KEY, /* a key that is no column yet */
    EH_JSON_READ_BAD,     /* ask the judge why */
    EH_JSON_READ_FAILED   /* err is set */
} eh_json_read;

/* Sets the reader to token i. */
void eh_json_reader_seek(eh_json_reader *reader, size_t i);

/* Reads the record at token i into row, whose cells are ABSENT before. Cells point into the
 * tokens' text or into `unescaped`. */
eh_json_read eh_json_read_record(eh_json_reader *reader, eh_cell *row);

#endif
