/* base/embed.h: the files that the executable carries: Lua, SQL, sources, default
 * configuration.
 *
 * Built by host/embed.sh. Names are paths in the repository ("lua/etl/source.lua"). Content is
 * followed by a NUL. Constant data, valid for ever. Floor 0. */
#ifndef EH_BASE_EMBED_H
#define EH_BASE_EMBED_H

#include "base/slice.h"

typedef struct eh_embedded {
    const char *name;
    const char *start;
    const char *end;
} eh_embedded;

extern const eh_embedded eh_embedded_files[]; /* sorted by the shell's collation; ends with a
                                                 NULL name */
extern const unsigned eh_embedded_count;

/* The content of a file, or a slice with NULL data. */
eh_slice eh_embedded_find(const char *name);

#endif
