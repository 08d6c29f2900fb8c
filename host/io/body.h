/* io/body.h: what an answer held: some of it in memory, the rest in a file without a name.
 *
 * One writer appends (io/fetch.c), readers read at any offset what is there already. The first
 * 256 KiB stay in memory, as long as all bodies have no more than 32 MiB there; beyond, all of
 * it goes to an unlinked file of the spool's folder, so that nothing is left behind, whatever
 * kills the process. Disk use is bounded twice: by the spool's maximum over all bodies of a
 * run, and, for who reads as it comes, by eh_body_window (the sender waits) with
 * eh_body_release_before (the file gives back what was read). Nothing here waits: who needs
 * more turns the loop. Reference counted. Floor 2. */
#ifndef EH_IO_BODY_H
#define EH_IO_BODY_H

#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

/* ---- the spool: where bodies of a run may take disk space ---------------------------------
 */
typedef struct eh_spool eh_spool;

/* folder is made at the first need (mode 0700), with those above it; max_bytes over all bodies,
 * 0: 4 GiB. NULL without memory. Bodies borrow it. */
eh_spool *eh_spool_new(const char *folder, uint64_t max_bytes, eh_err *err);
void eh_spool_free(eh_spool *spool); /* NULL is fine; after its last body */
uint64_t eh_spool_used(const eh_spool *spool);

/* ---- a body -------------------------------------------------------------------------------
 */
typedef struct eh_body eh_body;

typedef enum eh_body_state {
    EH_BODY_OPEN,  /* more may come */
    EH_BODY_ENDED, /* complete */
    EH_BODY_FAILED /* what is there is not all, and no more comes */
} eh_body_state;

/* Empty and open, with one reference. spool NULL: memory only, and its 256 KiB are the limit.
 */
eh_body *eh_body_new(eh_spool *spool, eh_err *err);
eh_body *eh_body_hold(eh_body *body); /* one reference more; returns body */
void eh_body_free(eh_body *body);     /* one less; NULL is fine */

/* Writer's side. A failed append (class limit: the spool is full; transient: the disk is)
 * leaves what was there; the writer then calls eh_body_fail. */
bool eh_body_append(eh_body *body, eh_slice bytes, eh_err *err) EH_MUST_USE;
void eh_body_end(eh_body *body);
void eh_body_fail(eh_body *body, const eh_err *err);

/* Forgets everything and is open again: another attempt. Only while eh_body_touched is false.
 */
void eh_body_restart(eh_body *body);

/* Reader's side. */
eh_body_state eh_body_state_of(const eh_body *body);
uint64_t eh_body_size(const eh_body *body);     /* bytes that have come so far */
bool eh_body_touched(const eh_body *body);      /* was anything read, or viewed? */
uint64_t eh_body_released(const eh_body *body); /* bytes before it are gone */

/* Copies up to `cap` bytes from `offset` on; *got may be 0: nothing has come there yet, or the
 * end when ENDED. False with the writer's error where a failed body has no more, and for an
 * offset that was released. */
bool eh_body_read(eh_body *body, uint64_t offset, char *to, size_t cap, size_t *got,
                  eh_err *err) EH_MUST_USE;

/* All of a body that has ended, in one piece, with at least 64 readable bytes behind it
 * (parsers read ahead); valid until the last reference is dropped. A large one is mapped from
 * its file. */
bool eh_body_view(eh_body *body, eh_slice *out, eh_err *err) EH_MUST_USE;

/* May somebody else hold it, and views of it? */
bool eh_body_is_shared(const eh_body *body);
/* Whoever holds the only reference uses no view any more: what is in a file leaves memory.
 * Returns the bytes that are in memory all the same. */
size_t eh_body_unview(eh_body *body);

/* Bytes before offset are not needed any more: their disk space is given back. */
void eh_body_release_before(eh_body *body, uint64_t offset);

/* The sender is to wait while more than max_unread bytes have come behind the last released
 * one; it goes on when half of them are released, or the window is widened, by a call of
 * resume(self) from here or from eh_body_release_before. 0: it never waits (the default). */
void eh_body_window(eh_body *body, uint64_t max_unread);

/* Writer's side of the window: must it wait now? And whom to tell when it need not any more;
 * NULL: no one (the writer is gone). */
bool eh_body_full(const eh_body *body);
void eh_body_on_room(eh_body *body, void (*resume)(void *self), void *self);

#endif
