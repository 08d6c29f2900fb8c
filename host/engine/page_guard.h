/* engine/page_guard.h: does a window go round in circles?
 *
 * A service that does not look at a page number, or that hands out a token twice, would be
 * asked for ever. Only pages whose rows are emitted are looked at; requests that are tried
 * again, come ahead or only ask for a state are not. Of a window. This room only. */
#ifndef EH_ENGINE_PAGE_GUARD_H
#define EH_ENGINE_PAGE_GUARD_H

#include "base/map.h"

/* What one page was asked with; hashes, since secrets may stand in it as their handles only. */
typedef struct eh_page_marks {
    uint64_t request; /* all of it; 0: rows of the script */
    uint64_t place;   /* the method and the URL without its query */
} eh_page_marks;

typedef struct eh_page_guard {
    uint64_t limit; /* pages; 0: 100,000 */
    uint64_t pages; /* so far */
    eh_map asked;   /* request and path -> number of the page */
    /* the page before */
    uint64_t place, body; /* hashes */
    uint64_t bytes, rows;
    char label[512];
} eh_page_guard;

void eh_page_guard_begin(eh_page_guard *guard, uint64_t limit); /* also the first time */
void eh_page_guard_free(eh_page_guard *guard);

/* Looks at a page before its rows are loaded. path: where they are in it; again: the script
 * means to read it once more. Class remote with both places when it is one that came before,
 * class limit when there are too many. window: its name. text: NULL data where it is still to
 * come: then the request alone is looked at. */
bool eh_page_guard_look(eh_page_guard *guard, const char *window, const eh_page_marks *marks,
                        const char *label, const char *path, eh_slice text, bool again,
                        eh_err *err) EH_MUST_USE;
/* It had so many rows. */
void eh_page_guard_done(eh_page_guard *guard, uint64_t rows);

#endif
