/* load/dest_stage.h: what the destinations share of promoting a stage; included by dest*.c
 * only.
 *
 * The statements (sql/<kind>/promote_*.sql) have the same variables in both. Floor 3. */
#ifndef EH_LOAD_DEST_STAGE_H
#define EH_LOAD_DEST_STAGE_H

#include "load/dest_impl.h"
#include "load/dest_sql.h"

enum { EH_STAGE_VARS = 32 };

typedef struct eh_stage_sql {
    eh_sql_var vars[EH_STAGE_VARS];
    size_t count;
    char stream[24], generation[24], next[24], load[24], pending[24];
    char stage[sizeof(((eh_stream_state *)NULL)->stage)];
    eh_buf scope, pairs, source;
    eh_buf column, range;    /* of a window */
    eh_buf key, order, live; /* of a stream whose rows have a key */
} eh_stage_sql;

/* Sets state->staging, the generation of its units, and the stage's name. */
void eh_stage_enter(eh_stream_state *state, eh_staging staging, const char *kind);

/* The variables of the statements that promote. columns: of the stage, quoted, by ", "; NULL
 * when there is no stage, and nothing comes. Free it also when it failed. */
bool eh_stage_sql_make(eh_stage_sql *sql, const eh_dest *dest, const eh_stream_state *state,
                       const eh_promotion *promotion, const char *columns,
                       eh_err *err) EH_MUST_USE;
/* The same for a child table, beside that of its records. */
bool eh_stage_sql_child(eh_stage_sql *sql, const eh_stage_sql *records, const eh_dest *dest,
                        const eh_stream_state *state, const eh_promotion *promotion,
                        const eh_child_stage *child, const char *columns,
                        eh_err *err) EH_MUST_USE;
void eh_stage_sql_free(eh_stage_sql *sql);

/* Of a stream whose rows have a key: its columns, which of several rows comes, and the column
 * that says a row is deleted; "": there is none. */
const char *eh_stage_key(const eh_stage_sql *sql);
const char *eh_stage_key_order(const eh_stage_sql *sql);
const char *eh_stage_key_live(const eh_stage_sql *sql);

/* before: rows of the stream; going and coming: of them, and in their place. Class data when
 * too few would be left. */
bool eh_stage_judge(const eh_promotion *promotion, int64_t before, int64_t going,
                    int64_t coming, eh_err *err) EH_MUST_USE;

/* Of a window whose rows replace a period's: are they too few for that? */
bool eh_stage_refuses(const eh_promotion *promotion, int64_t going, int64_t coming);
/* Are a window's rows ones that were read before? Then so are its dead rows. */
bool eh_stage_comes_again(const eh_promotion *promotion);

/* The table was changed since the stage was made like it: class transient. */
bool eh_stage_fail_columns(const eh_promotion *promotion, eh_err *err);

#endif
