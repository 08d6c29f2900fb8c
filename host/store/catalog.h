/* store/catalog.h: the host's own bookkeeping: runs and what they said, in one SQLite file.
 *
 * Written by supervisors only; engines send events. Several supervisors may have it open: each
 * statement waits for the others' locks. Every statement is a file in host/store/sql. Floor 3.
 */
#ifndef EH_STORE_CATALOG_H
#define EH_STORE_CATALOG_H

#include "base/doc.h"

typedef struct eh_catalog eh_catalog;

/* Opens the file, and makes or upgrades its tables. NULL on failure. */
eh_catalog *eh_catalog_open(const char *path, eh_err *err);
void eh_catalog_close(eh_catalog *catalog); /* NULL is fine */

/* Runs host/store/sql/<name>.sql with text parameters (NULL: SQL NULL); *rows becomes a list of
 * maps of text in the arena. Class bug for a name that is not there. */
bool eh_catalog_query(eh_catalog *catalog, const char *name, const char *const *params,
                      size_t count, eh_arena *arena, eh_doc **rows, eh_err *err) EH_MUST_USE;

#endif
