/* data/json_index.h: where the tokens of a JSON text begin: the border to simdjson.
 *
 * Only simdjson's first stage is used. It finds the tokens at memory speed and checks UTF-8,
 * control bytes inside strings and that every string is closed; the grammar is ours
 * (json_read.c), because On-Demand accepts `[1,]`, `01` and `tru` in values that nobody reads,
 * and unescapes with code for the oldest processor. C linkage; no exception crosses. Floor 1.
 */
#ifndef EH_DATA_JSON_INDEX_H
#define EH_DATA_JSON_INDEX_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eh_json_index eh_json_index;

typedef struct eh_json_tokens {
    const char *text;
    size_t len;
    const uint32_t
        *at; /* first bytes of tokens, ascending: {}[]:, and of strings and scalars */
    size_t count;
} eh_json_tokens;

typedef enum eh_json_indexed {
    EH_JSON_INDEXED, /* tokens are valid until the next run */
    EH_JSON_UNFIT,   /* bad UTF-8, a control byte in a string, an open string, or no token */
    EH_JSON_NO_INDEX /* err is set */
} eh_json_indexed;

/* NULL on failure. */
eh_json_index *eh_json_index_new(eh_err *err);
void eh_json_index_free(eh_json_index *index); /* NULL is fine */

/* Reads no byte past len. len must not exceed UINT32_MAX. */
eh_json_indexed eh_json_index_run(eh_json_index *index, const char *text, size_t len,
                                  eh_json_tokens *tokens, eh_err *err);

#ifdef __cplusplus
}
#endif

#endif
