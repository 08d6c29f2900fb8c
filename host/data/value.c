/* data/value.c: see value.h. */
#include "data/value.h"

static const char *const type_names[EH_TYPE_COUNT] = {
    "unknown", "boolean",   "bigint",   "numeric", "double", "date",
    "time",    "timestamp", "datetime", "json",    "text",   "binary",
};

const char *eh_type_name(eh_type type)
{
    return type_names[(unsigned)type < EH_TYPE_COUNT ? type : EH_TYPE_UNKNOWN];
}

bool eh_type_from_name(eh_slice name, eh_type *type)
{
    /* "unknown" is no word of a declaration. */
    for (unsigned t = EH_TYPE_BOOLEAN; t < EH_TYPE_COUNT; t++) {
        if (!eh_slice_is(name, type_names[t])) continue;
        *type = (eh_type)t;
        return true;
    }
    return false;
}
