/* data/json.h: JSON records to batches: NDJSON, a top-level array of any size, or the rows at a
 * path inside a document.
 *
 * simdjson does the scanning, behind one C++ file. Every value is walked and every number token
 * checked by RFC 8259, because simdjson's On-Demand mode accepts `[1,]`, `01` and `tru` where a
 * value is skipped. Numbers keep every digit (EH_CELL_NUMBER holds the token), strings are
 * unescaped, arrays and objects are kept as their text (EH_CELL_JSON). Dead records: malformed
 * lines of NDJSON, a record that is not an object, a duplicate key at the top of a record, a
 * lone surrogate, a NUL in a key. Floor 1. */
#ifndef EH_DATA_JSON_H
#define EH_DATA_JSON_H

#include "data/json_outline.h"
#include "data/parser.h"

typedef enum eh_json_shape {
    EH_JSON_DETECT, /* '[' first: array; several values: NDJSON; one object: see path */
    EH_JSON_LINES,
    EH_JSON_ARRAY,
    EH_JSON_DOCUMENT /* one document, at most max_record_bytes; rows at path */
} eh_json_shape;

typedef struct eh_json_options {
    eh_json_shape shape;
    /* "data.items": keys separated by dots to an array of records or one record; empty: the
     * document is the array or the record. Only with DOCUMENT, which DETECT then means. */
    eh_slice path;
    /* DOCUMENT: its rows are handed out before its end was seen, so it may be of any length.
     * What is wrong behind them is an error when its turn comes. */
    bool as_it_comes;
    /* 0: 16 MiB; with DOCUMENT, unless as_it_comes, the limit of the document, 0: 256 MiB. Past
     * it: class limit. */
    size_t max_record_bytes;
    size_t batch_rows;       /* 0: 4096 */
    size_t batch_bytes;      /* 0: 512 KiB */
    const eh_slice *columns; /* columns known beforehand, in order (resuming); may be NULL */
    size_t column_count;
    /* DOCUMENT: the outline of the text that will be fed, or zeroed to become it; borrowed, and
     * so it stays as long as the parser. May be NULL. */
    eh_json_outline *outline;
    /* LINES: after a line. ARRAY: after a record, before or after its comma. */
    eh_parse_from from;
} eh_json_options;

/* Options are copied. NULL on failure. Free with eh_parser_free.
 *
 * In NDJSON a place's line is the line number; blank lines are no records. In arrays and
 * documents the row number is the index plus one and line is 0. In an array a record ends
 * before its comma: a batch's end is there too, so that an input cut after a comma is never
 * mistaken for a whole one.
 *
 * Errors: class data for what is not JSON (a cut array, say, or a record of an array that is
 * malformed: only in NDJSON does it die alone); class remote for a document without rows at the
 * path; class limit for a record too long or more than 4096 different keys. */
eh_parser *eh_json_new(const eh_json_options *options, eh_err *err);

/* The shape in use; EH_JSON_DETECT until enough was fed to know. Resuming needs it. `parser`
 * must come from eh_json_new. */
eh_json_shape eh_json_shape_of(const eh_parser *parser);

/* Bytes before this offset are in no record that is still to come. The same `parser`. */
uint64_t eh_json_done_with(const eh_parser *parser);

/* Is this text one well-formed JSON text by RFC 8259, and, if it is, does it hold a duplicate
 * key or a NUL anywhere? Used for values that scripts and CSV columns declared json bring. */
bool eh_json_check(eh_slice text, bool *duplicate_or_nul, eh_err *err) EH_MUST_USE;

/* UTF-8 validity of a run of bytes, at memory speed. */
bool eh_utf8_valid(const char *data, size_t len);

#endif
