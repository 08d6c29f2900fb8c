/* io/libcurl.c: see libcurl.h. */
#include "io/libcurl.h"

#include <dlfcn.h>
#include <string.h>

static bool find(void *library, const char *name, void *function, size_t size, eh_err *err)
{
    void *found = dlsym(library, name);
    if (found == NULL)
        return eh_fail(err, EH_CLASS_CONFIG, "libcurl.so.4 lacks the function %s", name);
    memcpy(function, &found,
           size); /* ISO C has no conversion between the two kinds of pointer */
    return true;
}

bool eh_libcurl_load(eh_libcurl *curl, eh_err *err)
{
    void *library = dlopen("libcurl.so.4", RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) {
        (void)eh_fail(err, EH_CLASS_CONFIG, "the HTTP library cannot be loaded: %s", dlerror());
        return eh_err_hint(err, "it is in Debian's package libcurl4");
    }
    bool ok = true;
#define FIND(name) ok = ok && find(library, "curl_" #name, &curl->name, sizeof curl->name, err);
    EH_LIBCURL_FUNCTIONS(FIND)
#undef FIND
    (void)dlclose(library); /* counted; NODELETE keeps it */
    return ok;
}
