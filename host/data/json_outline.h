/* data/json_outline.h: where the large parts of one JSON text are, noted when it was first
 * judged, so that nobody walks over them again.
 *
 * Zeroed it is empty. The first look at a text fills it; later looks at the same bytes, and the
 * parser of its rows, jump by it. A text that is no JSON, or has something that we refuse,
 * leaves it as good as empty: each look then judges for itself, and says what is wrong where it
 * is in the way. It holds offsets only, never more than some hundred KiB. Floor 1. */
#ifndef EH_DATA_JSON_OUTLINE_H
#define EH_DATA_JSON_OUTLINE_H

#include <stdbool.h>
#include <stddef.h>

/* An array or object of some size. */
typedef struct eh_json_span {
    size_t start, end; /* with its brackets */
    unsigned depth;    /* containers open inside it, itself included */
} eh_json_span;

/* A comma in an array, cut_bytes or more behind the one before. */
typedef struct eh_json_cut {
    size_t at;
    unsigned depth; /* of its array */
} eh_json_cut;

typedef struct eh_json_outline {
    size_t span_bytes, cut_bytes; /* from which size on; 0: the defaults below */
    bool good;           /* the whole text was judged, and nothing in it is refused anywhere */
    size_t len;          /* of the text */
    eh_json_span *spans; /* by their starts */
    size_t span_count, span_cap;
    eh_json_cut *cuts; /* by their places */
    size_t cut_count, cut_cap;
    bool full; /* something was too much to be noted: cuts may be missing */
} eh_json_outline;

void eh_json_outline_free(eh_json_outline *outline); /* safe twice */

/* The memory that it takes. */
size_t eh_json_outline_bytes(const eh_json_outline *outline);

/* ---- for the JSON files ---- */

#define EH_JSON_SPAN_BYTES ((size_t)4 * 1024)
#define EH_JSON_CUT_BYTES  ((size_t)64 * 1024)

void eh_json_outline_note_span(eh_json_outline *outline, size_t start, size_t end,
                               unsigned depth);
void eh_json_outline_note_cut(eh_json_outline *outline, size_t at, unsigned depth);

/* The span that begins there; NULL: none is known. */
const eh_json_span *eh_json_outline_span(const eh_json_outline *outline, size_t start);

/* The first cut of this depth behind `at` and before `end`; SIZE_MAX: there is none. */
size_t eh_json_outline_cut(const eh_json_outline *outline, size_t at, size_t end,
                           unsigned depth);

#endif
