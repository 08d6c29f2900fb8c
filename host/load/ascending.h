/* load/ascending.h: does what a service gives come in the order of the cursor, and how far?
 *
 * For resources that declare cursor = { order = "ascending" }: every row is held against the
 * one before, as values of the column's type. What was verified says how far the resource is
 * read before its window ends: all rows in front of that value are in, and others that have it
 * too may follow. NULL is the oldest of all. One of a loader; it lives as long. Floor 3. */
#ifndef EH_LOAD_ASCENDING_H
#define EH_LOAD_ASCENDING_H

#include "base/buf.h"
#include "base/doc.h"
#include "data/batch.h"
#include "data/convert.h"

/* A value that outlives its batch. */
typedef struct eh_point {
    bool known;
    eh_value value; /* its text is `text` */
    eh_buf text;
} eh_point;

typedef struct eh_ascending {
    const eh_doc *field; /* the cursor's; NULL: no order is declared */
    size_t column;       /* of the batches; SIZE_MAX: they have none */
    eh_type type;        /* of the column; UNKNOWN: there was no value yet */
    bool declared;
    bool seen;        /* some row of the window had it */
    bool counts_time; /* the window is a span of time: values are to be instants */
    uint64_t rows;    /* of the window that were looked at */
    eh_point next;    /* of the row at work */
    eh_point last;    /* of the rows that were taken, or that these go on behind */
    eh_point first;   /* of those of this window */
    eh_point reached; /* the latest, those of an interrupted attempt included */
    eh_buf before;    /* how far that was, as JSON; empty: it is not known */
    eh_buf behind;    /* the value of `last` when the window began, the same */
    eh_buf page;      /* where the last row was */
    uint64_t row;
    eh_cell *kept; /* the values that a row function was given */
    uint64_t *offsets;
    size_t kept_count, kept_capacity, kept_at;
} eh_ascending;

/* declaration: of the resource; may be NULL. */
void eh_ascending_init(eh_ascending *a, const eh_doc *declaration);
void eh_ascending_free(eh_ascending *a);

/* A window begins. reached: how far it, or the resource, was read before; behind: the value
 * that its rows go on behind; both as the bookkeeping has them, or NULL. */
bool eh_ascending_begin(eh_ascending *a, bool counts_time, const eh_doc *reached,
                        const eh_doc *behind, eh_err *err) EH_MUST_USE;

/* The column's type, as the table has it. Class config when its values have no order, or none
 * that fits the window. */
bool eh_ascending_type(eh_ascending *a, eh_type type, bool declared, eh_err *err) EH_MUST_USE;

/* Keeps the values of a column, before a row function sees them. */
bool eh_ascending_keep(eh_ascending *a, const eh_batch *batch, size_t column,
                       eh_err *err) EH_MUST_USE;

/* Holds a row against the one before. Class remote when it is smaller, class config when the
 * values have no order or a row function changed them. */
bool eh_ascending_look(eh_ascending *a, const eh_batch *batch, size_t row, const char *page,
                       eh_err *err) EH_MUST_USE;
/* The row that was looked at is in a unit. */
bool eh_ascending_take(eh_ascending *a, const eh_place *place, const char *page,
                       eh_err *err) EH_MUST_USE;

/* Appends ,"key":value to a JSON map; nothing when the point is not known. */
bool eh_point_put(const eh_point *point, const char *key, eh_buf *out, eh_err *err) EH_MUST_USE;
/* The same of how far the resource is read. */
bool eh_ascending_put(const eh_ascending *a, const char *key, eh_buf *out,
                      eh_err *err) EH_MUST_USE;

/* The cursor {field, value} of how far it is read. *cursor stays NULL where that is not known.
 * In the arena. */
bool eh_ascending_cursor(const eh_ascending *a, eh_arena *arena, const eh_doc **cursor,
                         eh_err *err) EH_MUST_USE;

/* Do the rows of this window begin with the value that the resource was read to before? *value
 * is that, as text, in the arena. */
bool eh_ascending_overlaps(const eh_ascending *a, eh_arena *arena, const char **value);

/* Is a value of the bookkeeping later than another one, as values of this type? NULL, and what
 * is no value of it, is the oldest. */
bool eh_ascending_is_later(eh_type type, const eh_doc *value, const eh_doc *other);

#endif
