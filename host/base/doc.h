/* base/doc.h: a small document: null, boolean, integer, double, string, list, map.
 *
 * The one shape in which control data travels: parsed YAML, frames between processes, the run
 * specification, declarations of a script. Rows never do. A document lives in an arena and is
 * built once; maps keep their order and refuse duplicate keys. Each node may carry the place in
 * the file it came from, so that a wrong value can be shown to a person. Floor 0. */
#ifndef EH_BASE_DOC_H
#define EH_BASE_DOC_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

typedef enum eh_doc_kind {
    EH_DOC_NULL,
    EH_DOC_BOOLEAN,
    EH_DOC_INTEGER,
    EH_DOC_DOUBLE,
    EH_DOC_STRING, /* any bytes; a NUL follows that is not counted */
    EH_DOC_LIST,
    EH_DOC_MAP
} eh_doc_kind;

typedef struct eh_doc eh_doc;
struct eh_doc {
    eh_doc_kind kind;
    uint32_t line;   /* 1-based place in the file it was read from; 0 if none */
    uint32_t column; /* 1-based, in characters */
    union {
        bool boolean;
        int64_t integer;
        double real;
        eh_slice string;
        struct {
            eh_doc *first;
            eh_doc *last;
            size_t count;
        } children; /* list and map */
    } as;
    eh_doc *next;      /* the next child of the same parent */
    eh_slice key;      /* when the parent is a map; NUL-terminated */
    uint32_t key_line; /* place of the key */
    uint32_t key_column;
};

/* Constructors: NULL without memory. Strings are copied into the arena. */
eh_doc *eh_doc_null(eh_arena *arena);
eh_doc *eh_doc_boolean(eh_arena *arena, bool value);
eh_doc *eh_doc_integer(eh_arena *arena, int64_t value);
eh_doc *eh_doc_double(eh_arena *arena, double value);
eh_doc *eh_doc_string(eh_arena *arena, eh_slice value);
eh_doc *eh_doc_list(eh_arena *arena);
eh_doc *eh_doc_map(eh_arena *arena);

/* Appends a child. A NULL parent or child (a constructor without memory) gives false with class
 * limit; a duplicate key gives false with class config. */
bool eh_doc_push(eh_doc *list, eh_doc *child, eh_err *err) EH_MUST_USE;
bool eh_doc_put(eh_arena *arena, eh_doc *map, eh_slice key, eh_doc *child,
                eh_err *err) EH_MUST_USE;

/* Convenience for the common case: put a constructed value under a C-string key. */
bool eh_doc_put_str(eh_arena *arena, eh_doc *map, const char *key, eh_slice value,
                    eh_err *err) EH_MUST_USE;
bool eh_doc_put_int(eh_arena *arena, eh_doc *map, const char *key, int64_t value,
                    eh_err *err) EH_MUST_USE;
bool eh_doc_put_bool(eh_arena *arena, eh_doc *map, const char *key, bool value,
                     eh_err *err) EH_MUST_USE;

/* The child under key, NULL when absent or when map is NULL or not a map. */
const eh_doc *eh_doc_get(const eh_doc *map, const char *key);

/* Readers for optional values: the fallback when absent, null or of another kind. The string is
 * valid as long as the document. */
const char *eh_doc_str(const eh_doc *map, const char *key, const char *fallback);
int64_t eh_doc_int(const eh_doc *map, const char *key, int64_t fallback);
bool eh_doc_bool(const eh_doc *map, const char *key, bool fallback);

/* Iteration: for (const eh_doc *c = eh_doc_first(d); c != NULL; c = c->next). */
const eh_doc *eh_doc_first(const eh_doc *doc);
size_t eh_doc_count(const eh_doc *doc);

/* A deep copy into the arena, without the child of a map that is called `except` (NULL: none).
 * NULL without memory, or for NULL. */
eh_doc *eh_doc_copy(eh_arena *arena, const eh_doc *doc, const char *except);

/* Deep equality; places are ignored, order of map keys matters not. */
bool eh_doc_equal(const eh_doc *a, const eh_doc *b);

/* The shortest text that reads as this number, and as no integer: "0.1", "20.0", "1e+20". */
enum { EH_DOUBLE_TEXT = 32 };
void eh_double_text(double value, char text[EH_DOUBLE_TEXT]);

/* Writes the document as one line of JSON. Doubles that are not finite become null, whole ones
 * are written without a point: 20. */
bool eh_doc_to_json(const eh_doc *doc, eh_buf *out, eh_err *err) EH_MUST_USE;

/* A list of rows for a table, one a line, with every digit: 20.0. What JSON cannot say (NaN,
 * bytes that are not UTF-8) is written as it is: such a line is refused by who reads it. */
bool eh_doc_to_rows(const eh_doc *rows, eh_buf *out, eh_err *err) EH_MUST_USE;

#endif
