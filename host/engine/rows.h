/* engine/rows.h: batches through a script's row function.
 *
 * The rows are copied into the window, slice by slice, the jail is told, and what it answers is
 * checked and copied into the batch's arena. This room only. */
#ifndef EH_ENGINE_ROWS_H
#define EH_ENGINE_ROWS_H

#include "engine/jail_link.h"
#include "engine/stream.h"

/* Makes the link's parts; jail and stream are borrowed. */
typedef struct eh_row_link {
    eh_jail_link *jail;
    const eh_stream *stream;
    uint32_t task;   /* of the pending load: the jail runs the rows in its name */
    eh_arena *arena; /* names of columns that the function added */
    eh_slice *added;
    eh_slice *shown; /* the same, empty where the input has a column of that name by now */
    size_t added_count;
    size_t added_capacity;
    size_t changes; /* records of the present ROWS: at most one for each cell */
    uint8_t *gone;  /* per row of the batch: dropped or failed */
    size_t gone_capacity;
    eh_buf masked; /* scratch: a text with a secret in it */
} eh_row_link;

void eh_row_link_init(eh_row_link *link, eh_jail_link *jail, const eh_stream *stream);
void eh_row_link_free(eh_row_link *link); /* safe on a zeroed struct */

/* An eh_row_hook; self is the link. */
bool eh_row_link_apply(void *self, eh_batch *batch, const eh_transform_column *columns,
                       size_t count, const eh_slice **added, size_t *added_count, eh_err *err);

#endif
