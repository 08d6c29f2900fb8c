/* engine/token_store.h: tokens that outlive a run, encrypted with the operator's key.
 *
 * A token is a file of the project's token folder, AES-256-GCM under a key that is made of
 * `secrets.key` of etlhost.yaml. Its name is an HMAC of what it belongs to (client, source,
 * settings, credentials, name), which is authenticated with it, too: with other credentials or
 * another key it is not found. Beside it is a lock, so that one run of a host asks for a new
 * one while the others wait. This room only. */
#ifndef EH_ENGINE_TOKEN_STORE_H
#define EH_ENGINE_TOKEN_STORE_H

#include "base/buf.h"

typedef struct eh_token_store {
    unsigned char key[32];
    const char *folder; /* NULL: there is no key, and nothing is kept */
} eh_token_store;

typedef struct eh_token_file {
    char path[4200];
    eh_slice owner; /* what it belongs to; borrowed */
} eh_token_file;

/* The key is a digest of the operator's. */
void eh_token_store_open(eh_token_store *store, const char *folder, eh_slice key);
void eh_token_store_close(eh_token_store *store);

/* False when the name cannot be made. */
bool eh_token_store_find(const eh_token_store *store, eh_slice owner, eh_token_file *file,
                         eh_err *err) EH_MUST_USE;

/* Tries to get the lock, without waiting. -1 when another process has it; -2 when there can be
 * none. Closing the descriptor gives it back. */
int eh_token_store_lock(const eh_token_file *file);

/* Appends the token's text. False when there is none that can be read. */
bool eh_token_store_read(const eh_token_store *store, const eh_token_file *file, eh_buf *out);

bool eh_token_store_write(const eh_token_store *store, const eh_token_file *file, eh_slice text,
                          eh_err *err) EH_MUST_USE;
void eh_token_store_remove(const eh_token_file *file);

#endif
