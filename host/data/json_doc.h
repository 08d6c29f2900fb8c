/* data/json_doc.h: a small JSON text as a document, for what is looked at and not loaded.
 *
 * Whole numbers of 64 bits become integers; any other number becomes a double where that prints
 * back as it came (eh_double_text), and stays text otherwise: no digit is lost. Of keys that
 * are there twice the last one counts. Floor 1. */
#ifndef EH_DATA_JSON_DOC_H
#define EH_DATA_JSON_DOC_H

#include "base/doc.h"
#include "data/json_outline.h"

/* The text of the value at a path; a NULL slice when there is none. Borrowed. False for what is
 * not JSON (class data). outline: of this text, or zeroed to become that; may be NULL. */
bool eh_json_look(eh_slice text, eh_slice path, eh_json_outline *outline, eh_slice *found,
                  eh_err *err) EH_MUST_USE;

/* The value at a path ("data.items": keys with dots between; empty: the whole) of a JSON text.
 * *doc is NULL when the path leads nowhere. In the arena. False for what is not JSON (class
 * data). */
bool eh_json_find(eh_slice text, eh_slice path, eh_arena *arena, const eh_doc **doc,
                  eh_err *err) EH_MUST_USE;

/* The whole text. */
bool eh_json_to_doc(eh_slice text, eh_arena *arena, const eh_doc **doc,
                    eh_err *err) EH_MUST_USE;

/* Appends the next items of a list to `items`, as many as have about max_bytes of text. list:
 * as eh_json_look gives it; *at: 0 at first. *more: there are others. */
bool eh_json_items(eh_slice list, size_t *at, size_t max_bytes, eh_arena *arena, eh_doc *items,
                   bool *more, eh_err *err) EH_MUST_USE;

#endif
