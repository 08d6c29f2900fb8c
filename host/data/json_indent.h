/* data/json_indent.h: a JSON text laid out for people: a line for each member and element.
 *
 * Only white space changes: numbers keep every digit, strings every escape. Floor 1. */
#ifndef EH_DATA_JSON_INDENT_H
#define EH_DATA_JSON_INDENT_H

#include "base/buf.h"

/* Appends the text, without a line break at its end. *is_json is false, and nothing is
 * appended, when it is not one JSON text. */
bool eh_json_indent(eh_slice text, eh_buf *out, bool *is_json, eh_err *err) EH_MUST_USE;

#endif
