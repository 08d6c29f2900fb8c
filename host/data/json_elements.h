/* data/json_elements.h: the elements of a JSON array, as text.
 *
 * For cells of kind EH_CELL_JSON, which are known to be well-formed: nothing is checked again.
 * Floor 1. */
#ifndef EH_DATA_JSON_ELEMENTS_H
#define EH_DATA_JSON_ELEMENTS_H

#include "base/slice.h"

typedef struct eh_json_elements {
    const char *at, *end;
} eh_json_elements;

/* Is the text that of an array? */
bool eh_json_is_array(eh_slice text);

/* Before the first element of the array, whose text is borrowed. */
eh_json_elements eh_json_elements_of(eh_slice array);

/* The next element, without the white space around it; false: there is none. */
bool eh_json_elements_next(eh_json_elements *elements, eh_slice *element);

#endif
