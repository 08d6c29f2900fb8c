/* load/dest_impl.h: what the destinations share behind dest.h; included by dest*.c only.
 *
 * Each destination embeds eh_dest as the first member of its own struct and fills the table of
 * operations. Finished units wait in a list here, so that a lane is free as soon as its unit is
 * done. Floor 3. */
#ifndef EH_LOAD_DEST_IMPL_H
#define EH_LOAD_DEST_IMPL_H

#include "load/dest.h"
#include "load/export.h"

/* A step of an admin verb on its way (dest_query.c). */
typedef struct eh_dest_job {
    const eh_dest_step *step;
    const struct eh_dest_job *like; /* whose answer must be the same, or NULL */
    eh_arena *arena;
    eh_buf sql;       /* the statement, NUL-terminated */
    eh_export export; /* where the step names a file */
    eh_doc *rows;
} eh_dest_job;

/* Before the statement of a step, in each attempt; and when its rows are in `rows` or
 * `export`: is it what was expected? */
bool eh_dest_begin_step(eh_dest_job *job, eh_err *err) EH_MUST_USE;
bool eh_dest_end_step(eh_dest_job *job, eh_err *err) EH_MUST_USE;

typedef struct eh_dest_ops {
    void (*close)(eh_dest *dest);
    bool (*take_over)(eh_dest *dest, const eh_stream_key *key, const eh_run_info *run,
                      eh_stream_state *state, eh_err *err);
    bool (*describe)(eh_dest *dest, const eh_stream_state *state, const char *schema,
                     const char *table, eh_arena *arena, eh_table_info *info, eh_err *err);
    bool (*children)(eh_dest *dest, const char *schema, const char *table, eh_arena *arena,
                     eh_child_table **children, size_t *count, eh_err *err);
    bool (*is_large)(eh_dest *dest, const eh_stream_state *state, const char *schema,
                     const char *table, size_t limit, bool *large, eh_err *err);
    bool (*change)(eh_dest *dest, const eh_stream_state *state, const char *schema,
                   const char *table, const eh_change *changes, size_t count, eh_err *err);
    /* NULL where a table has all when it is made */
    bool (*equip)(eh_dest *dest, const eh_stream_state *state, const char *schema,
                  const char *table, eh_err *err);
    bool (*ledger)(eh_dest *dest, const eh_stream_state *state, const char *input,
                   const char *name, eh_arena *arena, eh_ledger *ledger, eh_err *err);
    const eh_encoder *(*encoder)(eh_dest *dest, const eh_encoded *encoded, eh_arena *arena,
                                 const char **why_text, eh_err *err);
    bool (*key)(eh_dest *dest, const eh_stream_state *state, const char *schema,
                const char *table, const eh_column_info *columns, const eh_put *put,
                eh_err *err); /* NULL: only appends */
    bool (*submit)(eh_dest *dest, const eh_stream_state *state, eh_unit *unit, eh_err *err);
    bool (*stage)(eh_dest *dest, eh_stream_state *state, const char *input, const char *schema,
                  const char *table, eh_err *err);
    bool (*stage_make)(eh_dest *dest, eh_stream_state *state, const char *schema,
                       const char *table, eh_err *err);
    bool (*stage_trim)(eh_dest *dest, const eh_stream_state *state, const eh_stage_cut *cut,
                       eh_err *err);
    bool (*promote)(eh_dest *dest, const eh_stream_state *state, const eh_promotion *promotion,
                    eh_promoted *promoted, eh_err *err);
    bool (*finish)(eh_dest *dest, const eh_stream_state *state, const eh_doc *cursor,
                   eh_err *err);
    void (*abandon)(eh_dest *dest, const eh_stream_state *state, const eh_err *why);
    bool (*administer)(eh_dest *dest, eh_dest_job *jobs, size_t count, eh_err *err);
} eh_dest_ops;

struct eh_dest {
    const eh_dest_ops *ops;
    const char *kind; /* "postgres", "sqlite": also the folder of its SQL */
    const char *default_schema;
    char *where; /* owned */
    size_t lanes;
    size_t busy;      /* lanes with a unit that is not finished */
    uint64_t changes; /* see eh_dest_changes */
    bool read_only;
    eh_slots *slots; /* borrowed; see eh_dest_share */
    eh_loop *loop;
    eh_clock clock;
    eh_unit **done; /* owned list; units borrowed, oldest first */
    size_t done_count;
    size_t done_capacity;
    void (*notice)(void *self, const char *text); /* see eh_dest_on_notice */
    void *notice_self;
};

eh_dest *eh_dest_sqlite_open(const char *path, bool read_only, eh_loop *loop,
                             const eh_clock *clock, eh_err *err);
eh_dest *eh_dest_postgres_open(const char *url, size_t lanes, bool read_only, eh_loop *loop,
                               const eh_clock *clock, eh_err *err);

/* Frees what eh_dest itself owns (not the struct). */
void eh_dest_release(eh_dest *dest);

/* Tells of what could not be done. */
void eh_dest_notice(const eh_dest *dest, const char *format, ...) EH_PRINTF(2, 3);

/* Makes room for one more finished unit beyond the busy ones: so finishing cannot fail. */
bool eh_dest_reserve_done(eh_dest *dest, eh_err *err) EH_MUST_USE;
void eh_dest_push_done(eh_dest *dest, eh_unit *unit);

/* ---- the bookkeeping --------------------------------------------------------------------- */

/* What this etlhost reads and writes. A database of an older version is upgraded when it is
 * opened for writing: from 1 by sql/<kind>/bookkeeping_upgrade.sql, from 2 by
 * ..._upgrade_3.sql.
 */
#define EH_BOOKS_VERSION 3

/* Can this version be worked with? */
bool eh_dest_check_version(int64_t version, eh_err *err);

/* ---- runs that may still be alive ------------------------------------------------------- */

typedef struct eh_other_run {
    const char *run_id;
    const char *pipeline;
    const char *host;
    int64_t pid;
    int64_t pid_started;
    int64_t heartbeat_age_us;
} eh_other_run;

/* Its last sign of life is fresh and, when it ran on this host, its process is still there. */
bool eh_dest_run_is_live(const eh_run_info *mine, const eh_other_run *other);
bool eh_dest_fail_live(const eh_run_info *mine, const eh_other_run *other, eh_err *err);
bool eh_dest_fail_superseded(const char *by_run, eh_err *err);

/* ---- refused rows ----------------------------------------------------------------------- */

/* Fills the unit's dead list with row `index`, which the database refused; the raw bytes are
 * fetched again from the input. The row stays among the encoded ones. */
bool eh_dest_refuse_row(eh_unit *unit, size_t index, const char *column, const char *reason,
                        eh_err *err) EH_MUST_USE;
bool eh_dest_fail_rotten(const eh_unit *unit, const char *reason, eh_err *err);

/* ---- the ledger ------------------------------------------------------------------------- */

typedef struct eh_ledger_unit {
    eh_range range;
    uint64_t row_start;
    uint64_t rows;
    bool last;
    const char *header;
    int64_t committed_us;
} eh_ledger_unit;

typedef struct eh_ledger_fold {
    eh_ledger *ledger;
    bool from_start; /* the first range begins at the first record */
} eh_ledger_fold;

/* Adds one unit, in order of start; ranges that touch become one. ledger->ranges must have room
 * for as many ranges as units are added. */
void eh_dest_ledger_add(eh_ledger_fold *fold, const eh_ledger_unit *unit);

#endif
