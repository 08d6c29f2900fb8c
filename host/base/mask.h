/* base/mask.h: a hook for what must not be kept or told: secrets in a text.
 *
 * The rooms that store or tell text know no secrets; whoever knows them hands this down.
 * Floor 0. */
#ifndef EH_BASE_MASK_H
#define EH_BASE_MASK_H

#include "base/buf.h"

typedef struct eh_mask {
    void *self;
    /* Replaces what is secret in text. NULL: nothing is. May be called from any thread. */
    bool (*mask)(void *self, eh_buf *text, eh_err *err);
} eh_mask;

#endif
