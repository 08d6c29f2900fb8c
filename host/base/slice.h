/* base/slice.h: a borrowed run of bytes, not NUL-terminated.
 *
 * A slice never owns. Whoever hands one out says how long it stays valid; the default in this
 * project is "until the batch or arena it came from is reset". Floor 0. */
#ifndef EH_BASE_SLICE_H
#define EH_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct eh_slice {
    const char *data; /* may be NULL only when len is 0 */
    size_t len;       /* bytes */
} eh_slice;

static inline eh_slice eh_slice_of(const char *data, size_t len)
{
    return (eh_slice){data, len};
}

/* The slice of a NUL-terminated string; NULL gives the empty slice. */
static inline eh_slice eh_slice_str(const char *text)
{
    return (eh_slice){text, text != NULL ? strlen(text) : 0};
}

static inline bool eh_slice_equal(eh_slice a, eh_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool eh_slice_is(eh_slice a, const char *text)
{
    return eh_slice_equal(a, eh_slice_str(text));
}

/* For printf("%.*s"): lengths past INT_MAX are cut. */
#define EH_SLICE_FMT(s) (int)((s).len > 0x7fffffff ? 0x7fffffff : (s).len), (s).data

#endif
