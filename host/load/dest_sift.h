/* load/dest_sift.h: rows of a stage that their table refuses, as far as the destinations share
 * it; included by dest*.c only.
 *
 * A table's unique indexes, foreign keys and triggers judge rows only when these take the place
 * of others. Whoever promotes finds the refused ones, each with what its lists have in the
 * stages of child tables, and they become dead rows in the same transaction. Floor 3. */
#ifndef EH_LOAD_DEST_SIFT_H
#define EH_LOAD_DEST_SIFT_H

#include "load/dest_impl.h"
#include "load/plan.h"

typedef struct eh_sift {
    const eh_promotion *promotion;
    eh_promoted *promoted;
    int64_t coming;  /* rows that waited when it began */
    eh_arena *arena; /* of the row at work */
} eh_sift;

/* A row that waited. */
typedef struct eh_sift_row {
    int64_t load;
    const char *file; /* NULL: it is of none */
    int64_t row;
    const char *json; /* its columns, those apart that etlhost adds */
} eh_sift_row;

/* What one of its lists has, in the order of their positions. */
typedef struct eh_sift_element {
    int64_t positions[EH_NESTED_DEPTH];
    const char *json;
} eh_sift_element;

typedef struct eh_sift_list {
    eh_sift_element *elements;
    size_t count;
} eh_sift_list;

/* More than one statement may find at once. */
enum { EH_SIFT_BATCH = 500 };

/* Can refused rows be told from the others, and is anybody told? Rows of no file have nothing
 * that ties their lists to them. */
bool eh_sift_can(const eh_promotion *promotion);

/* The file of the condition: which rows t of a table does the promotion delete? */
const char *eh_sift_going(const eh_promotion *promotion);

/* Is the column one that etlhost adds to the rows (child: of a child table)? */
bool eh_sift_is_ours(const char *column, bool child);

/* The positions of a child table's rows in their lists, from outside, of the alias r. */
const char *eh_sift_places(size_t depth);

/* The dead row: its bytes are the row with its lists (of each child table), masked. In
 * sift->arena. It counts from now on. False when they are more than max_dead allows: class
 * data. */
bool eh_sift_bury(eh_sift *sift, const eh_sift_row *row, const eh_sift_list *lists,
                  const char *column, const char *reason, eh_refused *out,
                  eh_err *err) EH_MUST_USE;

/* Too few rows of a window are left, because the table refused some: class data. */
bool eh_sift_fail_few(const eh_promotion *promotion, const eh_promoted *promoted,
                      eh_err *err) EH_MUST_USE;

/* Says why nothing was replaced: no row was found that could be left out. */
void eh_sift_hint(const eh_promotion *promotion, eh_err *err);

#endif
