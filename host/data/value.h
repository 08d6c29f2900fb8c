/* data/value.h: the types etlhost knows, and one cell of a batch.
 *
 * A parser produces cells as they were written (raw text, JSON number tokens); nothing is
 * converted until a target type is known, so that a value is parsed once and only into a type
 * it can be printed back from. Plain values, no ownership. Floor 1. */
#ifndef EH_DATA_VALUE_H
#define EH_DATA_VALUE_H

#include "base/slice.h"

#include <stdint.h>

/* Column types, design section 5. UNKNOWN is a column that has only been null so far. */
typedef enum eh_type {
    EH_TYPE_UNKNOWN = 0,
    EH_TYPE_BOOLEAN,
    EH_TYPE_BIGINT,
    EH_TYPE_NUMERIC,
    EH_TYPE_DOUBLE,
    EH_TYPE_DATE,
    EH_TYPE_TIME,
    EH_TYPE_TIMESTAMP, /* an instant: microseconds since 1970-01-01 UTC */
    EH_TYPE_DATETIME,  /* no zone: microseconds since 1970-01-01 of an unnamed clock */
    EH_TYPE_JSON,
    EH_TYPE_TEXT,
    EH_TYPE_BINARY,
    EH_TYPE_COUNT
} eh_type;

/* "bigint", "timestamp" ...: the words of declarations and messages. eh_type_from_name knows
 * the same words; false for any other. */
const char *eh_type_name(eh_type type);
bool eh_type_from_name(eh_slice name, eh_type *type);

typedef enum eh_cell_kind {
    EH_CELL_ABSENT = 0, /* JSON: the key is not in this record */
    EH_CELL_NULL,       /* unquoted empty CSV field, declared NULL marker, JSON null */
    EH_CELL_RAW,        /* CSV text, not typed by its format: subject to inference */
    EH_CELL_STRING,     /* a JSON string, or a quoted-empty CSV field, or text made by a script:
                           never becomes a number or a boolean by inference */
    EH_CELL_NUMBER,     /* a JSON number token, checked by RFC 8259, every digit kept */
    EH_CELL_BOOLEAN,    /* as.integer is 0 or 1 */
    EH_CELL_JSON,       /* the text of a JSON array or object, well-formed */
    EH_CELL_INTEGER,    /* as.integer, made by a script or by us (_row, constants) */
    EH_CELL_DOUBLE,     /* as.real, made by a script */
    EH_CELL_TIME_US     /* as.integer: wall-clock microseconds UTC, made by us (_loaded_at) */
} eh_cell_kind;

enum {
    EH_CELL_QUOTED = 1,   /* flag: the CSV field was quoted */
    EH_CELL_DUPLICATE = 2 /* flag on a JSON cell: it has a duplicate key or a NUL inside, so it
                             is kept as text */
};

/* 16 bytes. Text is borrowed: valid until the batch it stands in is reset. */
typedef struct eh_cell {
    uint8_t kind; /* eh_cell_kind */
    uint8_t flags;
    uint16_t reserved;
    uint32_t len; /* bytes, for the kinds with text */
    union {
        const char *text;
        int64_t integer;
        double real;
    } as;
} eh_cell;

static inline bool eh_cell_has_text(const eh_cell *cell)
{
    return cell->kind >= EH_CELL_RAW && cell->kind <= EH_CELL_JSON &&
           cell->kind != EH_CELL_BOOLEAN;
}

static inline bool eh_cell_is_null(const eh_cell *cell)
{
    return cell->kind <= EH_CELL_NULL;
}

static inline eh_slice eh_cell_text(const eh_cell *cell)
{
    return (eh_slice){cell->as.text, cell->len};
}

#endif
