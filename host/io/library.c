/* io/library.c: see library.h. */
#include "io/library.h"

#include <dlfcn.h>
#include <string.h>

bool eh_library_open(eh_library *library, eh_err *err)
{
    library->handle = dlopen(library->file, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
    if (library->handle != NULL) return true;
    (void)eh_fail(err, EH_CLASS_CONFIG, "%s cannot be loaded: %s", library->what, dlerror());
    return eh_err_hint(err, "it is in Debian's package %s", library->package);
}

bool eh_library_find(const eh_library *library, const char *name, void *function, size_t size,
                     eh_err *err)
{
    void *found = dlsym(library->handle, name);
    if (found == NULL)
        return eh_fail(err, EH_CLASS_CONFIG, "%s lacks the function %s", library->file, name);
    memcpy(function, &found, size); /* ISO C has no conversion between the two pointers */
    return true;
}

void eh_library_close(eh_library *library)
{
    (void)dlclose(library->handle); /* counted; NODELETE keeps it */
}
