/* data/names.h: names as written to names in a database.
 *
 * snake_case ASCII-folded where a letter has a plain form, other letters kept, at most 63 bytes
 * cut on a UTF-8 boundary with a hash tag that keeps long ones apart. Two names of one table that
 * normalise alike are kept apart by a suffix, in order of appearance; system columns of Postgres
 * (xmin, ctid, tableoid, cmin, cmax, xmax) and names beginning with "_" that etlhost adds itself
 * are renamed. Floor 1. */
#ifndef EH_DATA_NAMES_H
#define EH_DATA_NAMES_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

enum { EH_NAME_MAX = 63 };

/* out: EH_NAME_MAX + 1 bytes, NUL-terminated. An empty or unusable name gives "column". */
void eh_name_normalise(eh_slice written, char *out);

typedef struct eh_names eh_names;

/* A scope in which names are unique: the columns of one table. */
eh_names *eh_names_new(void);
void eh_names_free(eh_names *names);

/* The database name for a written name; the same one each time it is asked for. Valid as long as
 * the scope. NULL without memory. */
const char *eh_names_of(eh_names *names, eh_slice written, eh_err *err);

/* Records a pair that was decided before (a resumed run, an existing table), so that it stays.
 * False with class config when `name` is taken by another written name. */
bool eh_names_set(eh_names *names, eh_slice written, const char *name, eh_err *err) EH_MUST_USE;

#endif
