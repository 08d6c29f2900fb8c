/* vm/value.h: documents (base/doc.h) to Lua values and back.
 *
 * A list becomes a table with the list metatable, so that an empty list stays one; a null
 * becomes the one null value, which is not nil. Read raw: no metamethod of a script is called.
 * Floor 3. */
#ifndef EH_VM_VALUE_H
#define EH_VM_VALUE_H

#include "base/doc.h"
#include "vm/vm.h"

/* Makes the null value and the metatables of this room; once a state, before anything below. */
void eh_vm_open_values(lua_State *L);

void eh_vm_push_null(lua_State *L);
bool eh_vm_is_null(lua_State *L, int index);

/* Marks the table at index as a list. */
void eh_vm_mark_list(lua_State *L, int index);
bool eh_vm_is_list(lua_State *L, int index); /* marked, or a sequence that is not empty */

/* NULL pushes nil. */
void eh_vm_push_doc(lua_State *L, const eh_doc *doc);

/* The value at index as a document in arena; nil is null. Maps come in order of their keys, so
 * that the same script always gives the same bytes. Raises for functions, threads, foreign
 * userdata, keys that are not text, and tables nested deeper than 32, naming where. */
eh_doc *eh_vm_to_doc(lua_State *L, int index, eh_arena *arena);

#endif
