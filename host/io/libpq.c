/* io/libpq.c: see libpq.h. */
#include "io/libpq.h"

#include "io/library.h"

bool eh_libpq_load(eh_libpq *pq, eh_err *err)
{
    eh_library library = {"libpq.so.5", "PostgreSQL's client library", "libpq5", NULL};
    if (!eh_library_open(&library, err)) return false;
    bool ok = true;
#define FIND(name)                                                                             \
    ok = ok && eh_library_find(&library, "PQ" #name, &pq->name, sizeof pq->name, err);
    EH_LIBPQ_FUNCTIONS(FIND)
#undef FIND
    eh_library_close(&library);
    return ok;
}
