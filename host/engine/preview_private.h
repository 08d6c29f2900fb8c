/* engine/preview_private.h: what preview.c and preview_print.c share. */
#ifndef EH_ENGINE_PREVIEW_PRIVATE_H
#define EH_ENGINE_PREVIEW_PRIVATE_H

#include "base/map.h"
#include "data/infer.h"
#include "data/names.h"
#include "data/print.h"
#include "engine/input.h"
#include "engine/preview.h"

typedef struct eh_preview_column {
    const char *name; /* in the table */
    eh_type type;     /* joined over all values read */
    eh_type declared; /* UNKNOWN: inferred */
    uint64_t values;  /* not null */
    eh_slice example;
    const char *reason;
} eh_preview_column;

typedef struct eh_preview_row {
    eh_cell *cells;
    size_t count; /* columns known when it was read; the rest is absent */
} eh_preview_row;

struct eh_preview {
    eh_run *run;
    size_t limit;
    size_t sample;
    size_t width;
    eh_print_format format;
    eh_arena *arena;
    eh_names *names;
    eh_map index; /* written name to column */
    eh_preview_column *columns;
    size_t column_count;
    size_t column_capacity;
    size_t *where;   /* of the current batch's columns; SIZE_MAX: they have none */
    bool *extra;     /* those that go into the column _extra */
    size_t extra_at; /* that column; SIZE_MAX: there is none so far */
    eh_buf json;     /* of a row */
    eh_preview_row *rows;
    size_t row_count;
    size_t row_capacity;
    uint64_t seen;
    uint64_t dead;
};

#endif
