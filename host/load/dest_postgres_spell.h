/* load/dest_postgres_spell.h: how columns, and lists and conditions of them, are spelt in the
 * statements of a put; included by dest_postgres_put.c and dest_postgres_spell.c only.
 *
 * `t` is the table, `s` the stage; see dest_put.h. Floor 3. */
#ifndef EH_LOAD_DEST_POSTGRES_SPELL_H
#define EH_LOAD_DEST_POSTGRES_SPELL_H

#include "load/dest_put.h"

/* The column i of an alias ("s."). */
bool eh_pg_spell_in(const eh_speller *s, size_t i, const char *alias, eh_buf *out) EH_MUST_USE;
eh_spell_column eh_pg_spell_staged; /* s. */
eh_spell_column eh_pg_spell_there;  /* t. */
eh_spell_column eh_pg_spell_before; /* p., the row before */
/* That they are equal; the assignment of the staged one. */
eh_spell_column eh_pg_spell_equal;
eh_spell_column eh_pg_spell_assigned;
/* Of records that may lack fields: the staged value, or the one that is there; the same of
 * values only; its assignment; the same from a row before it; the value of several records. */
eh_spell_column eh_pg_spell_kept;
eh_spell_column eh_pg_spell_filled;
eh_spell_column eh_pg_spell_assigned_kept;
eh_spell_column eh_pg_spell_carried;
eh_spell_column eh_pg_spell_folded;
/* Of a version that begins. */
eh_spell_column eh_pg_spell_opened;

const char *eh_pg_spell_keys(const eh_speller *s, eh_spell_column *how);
/* Is the staged row as new as the one that is there? And the order of staged rows. */
const char *eh_pg_spell_newer(const eh_speller *s);
const char *eh_pg_spell_newest(const eh_speller *s);
const char *eh_pg_spell_oldest(const eh_speller *s);
/* Does its flag not say that the row is deleted? */
const char *eh_pg_spell_live(const eh_speller *s, eh_spell_column *how);

#endif
