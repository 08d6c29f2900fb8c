/* data/batch.h: some thousand rows of cells, with the place each row came from.
 *
 * Row-major: cell (r, c) is cells[r * stride + c]. A parser fills a batch; its cells point into
 * the parser's buffer or into the batch's arena, and stay valid until eh_batch_reset or the
 * next call to the parser, whichever is first. Rows that a parser refuses are not among the
 * rows: they are in `dead`, with their raw bytes. Columns may be added while a batch fills
 * (JSON): rows before that have ABSENT there.
 *
 * A batch's boundaries depend on the input's content only, never on how it was cut into chunks.
 * Floor 1. */
#ifndef EH_DATA_BATCH_H
#define EH_DATA_BATCH_H

#include "base/arena.h"
#include "data/value.h"

/* Where a record stands in its input. Offsets count decoded bytes. */
typedef struct eh_place {
    uint64_t offset; /* of the record's first byte */
    uint64_t end;    /* of the first byte after the record and its line end */
    uint64_t row;    /* 1-based data record number (the header is none); dead ones count */
    uint64_t line;   /* 1-based line on which the record begins; 0 where lines mean nothing */
} eh_place;

/* A record that cannot be a row. All text is in the batch's arena. */
typedef struct eh_dead {
    eh_place place;
    eh_slice raw;    /* the record's bytes as they came */
    eh_slice column; /* the column at fault; empty when it is the whole record */
    eh_slice code;   /* a stable word: "ragged_row", "bare_quote", "invalid_utf8", ... */
    eh_slice reason; /* one line for a person */
} eh_dead;

typedef struct eh_batch {
    eh_arena *arena; /* owned; reset with the batch */
    size_t columns;  /* in use */
    size_t stride;   /* cells a row takes; >= columns */
    size_t rows;
    size_t row_capacity;
    eh_cell *cells;   /* owned; row_capacity * stride */
    eh_place *places; /* owned; row_capacity */
    eh_dead *dead;    /* owned */
    size_t dead_count;
    size_t dead_capacity;
    /* The records of this batch, dead ones included, cover [start, end) of the decoded input.
     */
    uint64_t start;
    uint64_t end;
    /* What a parser that goes on at `end` is told: records done with, and the line it is on. */
    uint64_t end_row;
    uint64_t end_line;
} eh_batch;

/* False without memory (class limit); then eh_batch_free is still safe. arena_max: bytes of
 * text that one batch may own. */
bool eh_batch_init(eh_batch *batch, size_t arena_max, eh_err *err) EH_MUST_USE;
void eh_batch_free(eh_batch *batch);

/* Empties the batch, keeping its memory. */
void eh_batch_reset(eh_batch *batch);

/* Makes room for `columns` columns, re-laying rows that are there; new cells are ABSENT. */
bool eh_batch_set_columns(eh_batch *batch, size_t columns, eh_err *err) EH_MUST_USE;

/* Appends a row whose cells are all ABSENT and returns its first cell; NULL on failure. The
 * pointer is valid until the next row or column is added. */
eh_cell *eh_batch_add_row(eh_batch *batch, const eh_place *place, eh_err *err) EH_MUST_USE;

/* Copies raw, column, code and reason into the arena and appends the dead record. */
bool eh_batch_add_dead(eh_batch *batch, const eh_dead *dead, eh_err *err) EH_MUST_USE;

static inline eh_cell *eh_batch_cell(const eh_batch *batch, size_t row, size_t column)
{
    return &batch->cells[row * batch->stride + column];
}

#endif
