/* load/dest_sqlite_sift.h: rows of a stage that their table refuses, found and left out;
 * included by dest_sqlite_s*.c only. Floor 3. */
#ifndef EH_LOAD_DEST_SQLITE_SIFT_H
#define EH_LOAD_DEST_SQLITE_SIFT_H

#include "load/dest_sift.h"
#include "load/dest_sqlite.h"
#include "load/dest_stage.h"

/* A promotion in its transaction, when a statement was refused and taken back. */
typedef struct eh_lite_sift {
    eh_lite *lite;
    const eh_stream_state *state;
    const eh_promotion *promotion;
    eh_promoted *promoted;
    const eh_stage_sql *records;      /* the statements' variables */
    const char *columns;              /* of the records' stage; NULL: there is none */
    const char *const *child_columns; /* of child tables */
    bool prepared;                    /* the rest is the sift's own; zero it */
    eh_sift base;
} eh_lite_sift;

/* Was a row refused? */
bool eh_lite_is_refusal(const eh_err *err);

/* Buries rows that the tables refuse. *found: some were, and the promotion is worth another
 * try.
 */
bool eh_lite_sift_refused(eh_lite_sift *sift, bool *found, eh_err *err) EH_MUST_USE;

#endif
