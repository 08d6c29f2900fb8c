/* load/extra.h: values without a column of their own, as fields of one JSON object.
 *
 * How a loader and a preview spell them; which values they are is decided in plan_extra.c.
 * Floor 3. */
#ifndef EH_LOAD_EXTRA_H
#define EH_LOAD_EXTRA_H

#include "base/buf.h"
#include "data/batch.h"

#define EH_EXTRA_COLUMN "_extra"

/* Appends the field with "{" or "," before it; the "}" is the caller's. As the value came: text
 * stays text, also where it looks like a number; a number keeps its digits. */
bool eh_extra_append(eh_buf *out, eh_slice written, const eh_cell *cell,
                     eh_err *err) EH_MUST_USE;

#endif
