/* engine/load_tables.h: which table each file of `etlhost load` goes to.
 *
 * The word of --into is a table, or a pattern with {name} (the file's name without its endings)
 * and {folder} (the folder that it lies in); what a pattern gives becomes a name as columns do.
 * This room only. */
#ifndef EH_ENGINE_LOAD_TABLES_H
#define EH_ENGINE_LOAD_TABLES_H

#include "base/arena.h"
#include "base/doc.h"
#include "base/err.h"

typedef struct eh_load_table {
    const char *name;
    const char **files; /* in the order in which they were named */
    size_t count;
} eh_load_table;

/* The tables in the order of their first files, in the arena. NULL: class config for a pattern
 * that knows other words or a file that has not what it asks for, class limit without memory.
 */
eh_load_table *eh_load_tables(eh_arena *arena, const char *into, const eh_doc *files,
                              size_t *count, eh_err *err);

#endif
