/* base/embed.c: see embed.h. Some hundred names: a linear search is quick enough. */
#include "base/embed.h"

eh_slice eh_embedded_find(const char *name)
{
    for (const eh_embedded *f = eh_embedded_files; f->name != NULL; f++)
        if (strcmp(f->name, name) == 0)
            return eh_slice_of(f->start, (size_t)(f->end - f->start));
    return eh_slice_of(NULL, 0);
}
