/* io/slots.h: a number of slots that all processes of one user on this host share.
 *
 * A slot is a file that its holder has locked with flock(2): the kernel lets go of it when the
 * process dies, however it dies. Who waits stands in a queue of one place: only its holder may
 * take slots, so nobody is overtaken for ever, and several are taken all or none, so nobody
 * waits while it holds some. A process that is stopped (SIGSTOP) neither counts nor keeps
 * others waiting. Nothing here blocks. Floor 2. */
#ifndef EH_IO_SLOTS_H
#define EH_IO_SLOTS_H

#include "base/err.h"

#include <stddef.h>
#include <sys/types.h>

typedef struct eh_slots eh_slots;

enum { EH_SLOTS_MAX = 64 };

typedef struct eh_slot_holder {
    pid_t pid;
    char name[120];
    bool stopped;
} eh_slot_holder;

/* what: everything that the slots are shared for, such as an address; it is kept as a hash
 * only. name: of the holder, for people. The files lie in a folder that only this user can
 * write; NULL, class config, when there is none. */
eh_slots *eh_slots_new(const char *what, size_t most, const char *name, eh_err *err);
/* Gives everything back. NULL is fine. */
void eh_slots_free(eh_slots *slots);

/* Takes that many slots more, or none. waiting: stays in the queue when there are not enough,
 * and is then before others; ask again soon. */
bool eh_slots_take(eh_slots *slots, size_t count, bool waiting);
/* Gives one back; the others are kept. */
void eh_slots_give(eh_slots *slots);

/* Is another process waiting in the queue? */
bool eh_slots_wanted(eh_slots *slots);

/* Fills out with the processes that hold slots, one entry a slot; gives how many there are. */
size_t eh_slots_holders(const eh_slots *slots, eh_slot_holder out[EH_SLOTS_MAX]);

#endif
