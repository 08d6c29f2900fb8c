/* load/write.h: how the rows of a resource reach its table, as it declares it.
 *
 * eh_write_rule is what the declaration says; eh_put is the same in terms of the columns that a
 * unit's rows are encoded for, so that a lane needs nothing else: without one, rows are
 * appended; with one, they go to a stage, and set-based steps take them from there. Plain
 * values. Floor 3.
 */
#ifndef EH_LOAD_WRITE_H
#define EH_LOAD_WRITE_H

#include "base/doc.h"

#include <stddef.h>
#include <stdint.h>

typedef enum eh_write {
    EH_WRITE_APPEND,
    EH_WRITE_MERGE,       /* a row with a known key changes the row that is there */
    EH_WRITE_INSERT_ONLY, /* a row with a known key changes nothing */
    EH_WRITE_HISTORY,     /* a row with a known key and other values is a new version */
    EH_WRITE_REPLACE,     /* all of the stream's rows go when the new ones are complete */
    EH_WRITE_RESTATE,     /* those of a period go when the period's new ones are complete */
    EH_WRITE_CHILDREN     /* rows of a child table: they follow what became of their record */
} eh_write;

const char *eh_write_name(eh_write write);

typedef struct eh_write_rule {
    eh_write write;
    bool said;                 /* `write` was written out, not the default */
    bool delete_insert;        /* merge: the whole row is replaced, absent fields become null */
    const eh_doc *key;         /* list of names; NULL: none */
    const eh_doc *cursor;      /* a name; NULL: none */
    bool ascending;            /* the service gives rows in its order */
    const eh_doc *hard_delete; /* a column whose true value deletes the row; NULL: none */
} eh_write_rule;

/* declaration may be NULL (append). False with class config for words and combinations that
 * mean nothing. Borrows from the declaration. */
bool eh_write_read(const eh_doc *declaration, eh_write_rule *rule, eh_err *err) EH_MUST_USE;

/* What a column is to the steps. */
typedef enum eh_put_role {
    EH_PUT_VALUE,  /* of the source: another value changes the row */
    EH_PUT_KEY,    /* _client_id, _source or of the declared key; never null */
    EH_PUT_OURS,   /* _load_id, _file ...: written with a change, no reason for one */
    EH_PUT_ABSENT, /* in the stage only: see eh_put.absent */
    EH_PUT_RECORD  /* in the stage only: see eh_put.nested and eh_put.record */
} eh_put_role;

/* Is the column one of the table, and not of the stage alone? */
static inline bool eh_put_in_table(eh_put_role role)
{
    return role != EH_PUT_ABSENT && role != EH_PUT_RECORD;
}

/* The column of the stage that tells which fields a record lacks. */
#define EH_ABSENT_COLUMN "_etl_absent"
/* Of the stage of a child table: the record that a row belongs to. */
#define EH_RECORD_COLUMN "_etl_record"

/* In terms of the encoder's columns; an index that is SIZE_MAX is of none. Lives as long as the
 * encoder. */
typedef struct eh_put {
    eh_write write; /* any but REPLACE and RESTATE; APPEND where a table refuses COPY */
    bool delete_insert;
    size_t count; /* columns of the encoder */
    const eh_put_role *roles;
    const size_t *keys; /* _client_id and _source first, then as declared */
    size_t key_count;
    size_t cursor;  /* a row that is older by it than the row in the table changes nothing; null
                       is oldest */
    size_t deleted; /* its true value deletes the row */
    size_t absent;  /* text: the digit i is 1 where the record has no field for column i, which
                       then keeps its value; null: it has all. Merge without delete_insert,
                       and history */
    uint64_t columns;        /* hash of the names of the columns of the source */
    const char *const *kept; /* history: columns of the table beside the encoder's, which a new
                                version takes over from the one before */
    size_t kept_count;
    /* Of a table with child tables: for each field with such tables the column that holds the
     * number of the record whose rows there are to be from now on; null: they stay. */
    const size_t *nested;
    size_t nested_count;
    /* CHILDREN: which of the parent's fields; the column with the record's number; how many of
     * the keys are the parent's, in its order. The other keys are positions. */
    size_t field;
    size_t record;
    size_t parent_keys;
} eh_put;

/* Must its units reach the table one after the other, as the input has them? A cursor makes
 * merge independent of that; but not of a deletion, after which nothing is there that an older
 * row would be held against. */
static inline bool eh_put_in_order(const eh_put *put)
{
    if (put == NULL || put->write == EH_WRITE_APPEND) return false;
    return put->write != EH_WRITE_MERGE || put->cursor == SIZE_MAX || put->deleted != SIZE_MAX;
}

/* What became of the rows of a unit. All zero where rows are appended. */
typedef struct eh_effects {
    uint64_t inserted;
    uint64_t updated;
    uint64_t unchanged; /* the table has the same values already */
    uint64_t repeated;  /* the unit has a newer row with the same key */
    uint64_t stale;     /* the table has a newer row */
    uint64_t deleted;
} eh_effects;

/* Enough room for eh_effects_print. */
enum { EH_EFFECTS_TEXT = 256 };

/* As the bookkeeping has them: a JSON map of those that are not zero. */
void eh_effects_print(const eh_effects *effects, char out[EH_EFFECTS_TEXT]);

static inline void eh_effects_add(eh_effects *sum, const eh_effects *more)
{
    sum->inserted += more->inserted;
    sum->updated += more->updated;
    sum->unchanged += more->unchanged;
    sum->repeated += more->repeated;
    sum->stale += more->stale;
    sum->deleted += more->deleted;
}

#endif
