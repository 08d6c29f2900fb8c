/* load/dest_put.h: spelling the columns of a put for its statements, as the destinations share
 * it; included by dest_*put.c only.
 *
 * Lists and conditions are spelt column by column. What fails gives NULL, and err says why; a
 * list without columns is "". Floor 3. */
#ifndef EH_LOAD_DEST_PUT_H
#define EH_LOAD_DEST_PUT_H

#include "load/dest.h"
#include "load/dest_sql.h"

typedef struct eh_speller {
    const eh_put *put;
    const eh_column_info *columns;
    eh_arena *arena;
    eh_err *err;
} eh_speller;

/* Sets of roles, as bits. */
enum {
    EH_SPELL_KEYS = 1u << EH_PUT_KEY,
    EH_SPELL_VALUES = 1u << EH_PUT_VALUE,
    EH_SPELL_OURS = 1u << EH_PUT_OURS,
    EH_SPELL_ABSENT = 1u << EH_PUT_ABSENT,
    EH_SPELL_RECORD = 1u << EH_PUT_RECORD,
    EH_SPELL_TABLE = EH_SPELL_KEYS | EH_SPELL_VALUES | EH_SPELL_OURS
};

/* How column i is spelt. */
typedef bool eh_spell_column(const eh_speller *s, size_t i, eh_buf *out);

/* Its name. */
bool eh_spell_bare(const eh_speller *s, size_t i, eh_buf *out) EH_MUST_USE;

/* The columns of the roles, each spelt one way; of eh_spell_but: but one (SIZE_MAX: none). */
const char *eh_spell(const eh_speller *s, unsigned roles, const char *between,
                     eh_spell_column *how);
const char *eh_spell_but(const eh_speller *s, unsigned roles, size_t but, const char *between,
                         eh_spell_column *how);

/* The text, which is freed, in the arena; ok: it was spelt whole. */
const char *eh_spell_keep(const eh_speller *s, bool ok, eh_buf *out);

#endif
