/* engine/derive.h: what a script wants made of secrets: hashes, signatures, tokens it signs.
 *
 * The call `derive` (docs/reference/messages.md). What is made of a secret is a secret: the
 * script gets a handle. What is made of plain text is plain text. This room only. */
#ifndef EH_ENGINE_DERIVE_H
#define EH_ENGINE_DERIVE_H

#include "engine/secrets.h"

/* Performs the call for an instance; *value is {text}, in the arena. */
bool eh_derive(eh_secrets *secrets, const char *instance, const eh_doc *args, eh_arena *arena,
               eh_doc **value, eh_err *err) EH_MUST_USE;

#endif
