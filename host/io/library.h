/* io/library.h: shared libraries that are loaded when they are needed first: libpq, libcurl.
 * Included by the .c files of this room only. Floor 2. */
#ifndef EH_IO_LIBRARY_H
#define EH_IO_LIBRARY_H

#include "base/err.h"

#include <stddef.h>

typedef struct eh_library {
    const char *file;    /* "libpq.so.5" */
    const char *what;    /* for people: "the HTTP library" */
    const char *package; /* of Debian */
    void *handle;
} eh_library;

/* False: class config, with the package as the hint. Close it when its functions are found; it
 * stays loaded. */
bool eh_library_open(eh_library *library, eh_err *err) EH_MUST_USE;
/* The function's address into *function, a pointer of `size` bytes. */
bool eh_library_find(const eh_library *library, const char *name, void *function, size_t size,
                     eh_err *err) EH_MUST_USE;
void eh_library_close(eh_library *library);

#endif
