/* data/json_scan.h: where the elements of an array end, found in a stream of bytes.
 *
 * The scan knows strings, escapes and depth, and nothing else of the grammar: what it cuts out
 * is judged later. It can stop at any byte and go on when there are more. Private to the JSON
 * files. Floor 1. */
#ifndef EH_DATA_JSON_SCAN_H
#define EH_DATA_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* Begins zeroed, before the first byte of an element. Positions count from there. An element
 * ends where the comma or the bracket after it stands. */
typedef struct eh_json_scan {
    size_t pos;    /* bytes looked at */
    size_t string; /* where the inside of an open string begins; 0: none is open */
    size_t depth;  /* open containers */
    size_t end;    /* the end of the last element found; 0: none yet */
    bool closed;   /* what stands at end is the array's closing bracket */
} eh_json_scan;

typedef enum eh_json_scanned {
    EH_JSON_SCAN_FOUND, /* end is set */
    EH_JSON_SCAN_MORE,  /* no element ends in these bytes */
    EH_JSON_SCAN_EMPTY, /* a comma or a bracket stands where an element should begin */
    EH_JSON_SCAN_BRACE  /* at pos a brace closes what nothing has opened */
} eh_json_scanned;

/* Finds the last element that ends within `limit` bytes or, where there is none, the first one.
 */
eh_json_scanned eh_json_scan_run(eh_json_scan *scan, const char *data, size_t len,
                                 size_t limit);

#endif
