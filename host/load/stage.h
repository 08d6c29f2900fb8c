/* load/stage.h: rows that take the place of others, as the loader and a destination speak of
 * them.
 *
 * Such rows are collected in a table beside the bookkeeping, over as many units as it takes,
 * and replace the others in one transaction: readers see the old rows or the new ones. The
 * units of the rows that wait are in the ledger under a generation that is not the stream's
 * own, so a killed run goes on where it was. Plain values. Floor 3. */
#ifndef EH_LOAD_STAGE_H
#define EH_LOAD_STAGE_H

#include "base/doc.h"
#include "base/mask.h"
#include "data/batch.h"
#include "load/write.h"

typedef enum eh_staging {
    EH_STAGE_NONE,  /* rows go into the table itself */
    EH_STAGE_ALL,   /* what a stream has is replaced */
    EH_STAGE_FILE,  /* what it has of one file is */
    EH_STAGE_WINDOW /* what a service answered for a window is added, or replaces a period */
} eh_staging;

/* The generation of the units that wait for EH_STAGE_FILE; the stream's own, plus one, is that
 * of EH_STAGE_ALL. */
#define EH_GENERATION_FILE   (-1)
#define EH_GENERATION_WINDOW (-2)

#define EH_MIN_RATIO 0.5

typedef enum eh_period {
    EH_PERIOD_NONE, /* no row goes */
    EH_PERIOD_AT,   /* those at `from` */
    EH_PERIOD_TO,   /* those from `from` to in front of `until` */
    EH_PERIOD_DAYS  /* those from `from` to `until`, both included */
} eh_period;

#define EH_OF_RECORDS SIZE_MAX

/* The stage of a child table, beside that of its records. */
typedef struct eh_child_stage {
    const char *table; /* in the schema of its records' table */
    char stage[56];
    bool there;
    /* of a promotion: */
    const char *field; /* of its parent's rows */
    size_t parent;     /* among the children, in front of it; or EH_OF_RECORDS */
    size_t depth;      /* from 1 */
    const struct eh_table_info *columns;
} eh_child_stage;

/* Where reading goes on, of rows that wait for EH_STAGE_WINDOW. */
typedef struct eh_stage_cut {
    uint64_t offset;    /* units that begin here or later go */
    const char *column; /* and rows whose value in it, an instant, is at or above */
    const char *from;   /* this one; NULL: none */
} eh_stage_cut;

/* Which rows may turn out to be refused by the table, and how they are told of. A row that is
 * becomes a dead row, its bytes being the row as JSON. */
typedef struct eh_sieve {
    double max_dead_ratio; /* of the rows that come; both exceeded: nothing is replaced */
    size_t max_dead_rows;
    uint64_t run_dead, run_rows; /* WINDOW: what the run has read; judged with them, too */
    const char *label;           /* where rows of no file come from */
    const eh_mask *mask;
    eh_arena *arena; /* of what eh_promoted tells; NULL: the first refusal ends the promotion */
} eh_sieve;

typedef struct eh_promotion {
    eh_staging staging; /* EH_STAGE_NONE: only the ledger forgets the file's earlier contents */
    const char *schema;
    const char *table;
    const char *client; /* "": a stream's rows are those that its loads brought */
    const char *instance;
    const char *kept;   /* ALL: JSON list of the inputs whose rows stay as they are */
    const char *staged; /* ALL: JSON list of the inputs that are in the stage */
    const char *file;   /* FILE: the rows that this file had before go */
    const char *input;  /* FILE: its content now, which is in the stage */
    /* ALL: by which rule of several rows with one key one is taken, and the table's columns */
    const eh_write_rule *rule;
    const struct eh_table_info *columns;
    /* their rows come and go with their records' */
    const eh_child_stage *children;
    size_t child_count;
    double min_ratio; /* fewer rows of the stream than that are refused; none at all, too */
    bool allow_shrink;
    const eh_doc *cursor; /* ALL: as for eh_dest_finish; WINDOW: the cursor from now on */
    bool no_file;         /* the table has no _file and _row: its rows are of no file */
    /* WINDOW: the rows of the stream that go, by the column of the cursor */
    eh_period period;
    bool empty;        /* nothing came, so nothing waits */
    const char *from;  /* a value of that column */
    const char *until; /* another one, or NULL */
    eh_sieve sieve;
} eh_promotion;

typedef struct eh_refused {
    const char *file;
    eh_dead dead; /* without its bytes */
} eh_refused;

enum { EH_REFUSED_TOLD = 20 };

typedef struct eh_promoted {
    bool nothing; /* ALL: the table has just these inputs already; it was left alone */
    bool refused; /* WINDOW: too few rows would take the place of `gone`: the period was left
                     as it is, and what was collected (`came`) is dropped */
    int64_t gone;
    int64_t came;
    int64_t dead; /* waited and were refused: they are dead rows now */
    size_t told;  /* the first of them: */
    eh_refused examples[EH_REFUSED_TOLD];
} eh_promoted;

#endif
