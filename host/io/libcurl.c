/* io/libcurl.c: see libcurl.h. */
#include "io/libcurl.h"

#include "io/library.h"

bool eh_libcurl_load(eh_libcurl *curl, eh_err *err)
{
    eh_library library = {"libcurl.so.4", "the HTTP library", "libcurl4", NULL};
    if (!eh_library_open(&library, err)) return false;
    bool ok = true;
#define FIND(name)                                                                             \
    ok = ok && eh_library_find(&library, "curl_" #name, &curl->name, sizeof curl->name, err);
    EH_LIBCURL_FUNCTIONS(FIND)
#undef FIND
    eh_library_close(&library);
    return ok;
}
