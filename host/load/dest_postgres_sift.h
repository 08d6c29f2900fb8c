/* load/dest_postgres_sift.h: rows of a stage that their table refuses, found and left out;
 * included by dest_postgres_s*.c only. Floor 3. */
#ifndef EH_LOAD_DEST_POSTGRES_SIFT_H
#define EH_LOAD_DEST_POSTGRES_SIFT_H

#include "load/dest_postgres.h"
#include "load/dest_sift.h"
#include "load/dest_stage.h"

/* A promotion in its transaction, when a statement was refused and taken back. */
typedef struct eh_pg_sift {
    eh_pg *pg;
    const eh_stream_state *state;
    const eh_promotion *promotion;
    eh_promoted *promoted;
    const eh_stage_sql *records;      /* the statements' variables */
    const char *columns;              /* of the records' stage; NULL: there is none */
    const char *const *child_columns; /* of child tables */
    /* Runs the statements that move the rows of the tables in front of this one: the records'
     * is 0, child i's is i + 1. */
    bool (*move_before)(void *self, size_t table, eh_err *err);
    void *self;
    bool prepared; /* the rest is the sift's own; zero it */
    eh_sift base;
} eh_pg_sift;

/* Buries rows that the table refuses as it did just now (`said`, and the connection's latest
 * error). *found: some were, and the promotion is worth another try. table: whose statement was
 * refused; one behind the last child's: all were fine until the constraints were checked. */
bool eh_pg_sift_refused(eh_pg_sift *sift, const eh_err *said, const eh_pg_constraint *about,
                        const char *column, size_t table, bool *found, eh_err *err) EH_MUST_USE;

#endif
