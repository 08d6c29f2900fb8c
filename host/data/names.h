/* data/names.h: names as written to names in a database.
 *
 * Words are split at CamelCase ("HTTPServer" -> http_server), blanks and punctuation, and
 * joined by "_"; Latin letters lose their marks and their case; letters of other scripts are
 * kept as they are. One "_" in front is kept ("_id"); a name that begins with a digit gets one,
 * so that it needs no quotes ("2024" -> _2024). At most 63 bytes: a longer one is cut on a
 * character and ends in a tag of its hash, which keeps long ones apart. Two names of one table
 * that normalise alike are kept apart by _2, _3 ..., in order of appearance. System columns of
 * Postgres (xmin, ctid, tableoid, cmin, cmax, xmax) and the columns that etlhost adds itself
 * (_client_id, _source, _project, _load_id, _loaded_at, _file, _row) get a "_" at the end. A
 * normalised name never holds
 * "__": that is left to variant columns. Floor 1. */
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

/* The database name for a written name; the same one each time it is asked for. Valid as long
 * as the scope. NULL without memory. */
const char *eh_names_of(eh_names *names, eh_slice written, eh_err *err);

/* Records a pair that was decided before (a resumed run, an existing table), so that it stays.
 * False with class config when `name` is taken by another written name. */
bool eh_names_set(eh_names *names, eh_slice written, const char *name, eh_err *err) EH_MUST_USE;

#endif
