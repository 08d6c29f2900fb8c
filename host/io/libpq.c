/* io/libpq.c: see libpq.h. */
#include "io/libpq.h"

#include <dlfcn.h>
#include <string.h>

static bool find(void *library, const char *name, void *function, size_t size, eh_err *err)
{
    void *found = dlsym(library, name);
    if (found == NULL)
        return eh_fail(err, EH_CLASS_CONFIG, "libpq.so.5 lacks the function %s", name);
    memcpy(function, &found,
           size); /* ISO C has no conversion between the two kinds of pointer */
    return true;
}

bool eh_libpq_load(eh_libpq *pq, eh_err *err)
{
    void *library = dlopen("libpq.so.5", RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) {
        (void)eh_fail(err, EH_CLASS_CONFIG, "PostgreSQL's client library cannot be loaded: %s",
                      dlerror());
        return eh_err_hint(err, "it is in Debian's package libpq5");
    }
    bool ok = true;
#define FIND(name) ok = ok && find(library, "PQ" #name, &pq->name, sizeof pq->name, err);
    EH_LIBPQ_FUNCTIONS(FIND)
#undef FIND
    (void)dlclose(library); /* counted; NODELETE keeps it */
    return ok;
}
