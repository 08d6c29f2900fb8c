/* engine/jail_link.h: the engine's end of the socket to the jail.
 *
 * Starts the jail process, queues frames to it without ever blocking on it, and hands out its
 * frames one at a time. What comes from the jail is checked for form here; what it means is
 * checked by whoever asked. A jail that dies, is silent past its deadline or breaks the
 * protocol is an error with a named reason. This room only. */
#ifndef EH_ENGINE_JAIL_LINK_H
#define EH_ENGINE_JAIL_LINK_H

#include "engine/run.h"
#include "wire/window.h"

typedef struct eh_jail_link eh_jail_link;

/* Starts `etlhost --jail`. sandbox: "strict" or "weak". deadline_ms: how long the jail may
 * compute without sending anything. NULL on failure. */
eh_jail_link *eh_jail_start(eh_run *run, const char *sandbox, int64_t deadline_ms, eh_err *err);

/* Ends the jail at once and waits for it. NULL is fine. */
void eh_jail_free(eh_jail_link *jail);

/* The window into which rows are put before ROWS is sent. */
const eh_window *eh_jail_window(const eh_jail_link *jail);

/* Queues a frame. False with class limit when the jail does not read what it is sent. */
bool eh_jail_send(eh_jail_link *jail, uint16_t type, uint32_t task, const eh_doc *body,
                  eh_err *err) EH_MUST_USE;

/* Waits for the next frame, turning the loop; its body is in the link's own arena, valid until
 * the next call. LOG frames are told as events and MODULE frames are answered here, never
 * handed out. only_task: other frames stay queued (UINT32_MAX: any). False when the jail died
 * (class script or limit, with the reason) or the run is to stop. */
bool eh_jail_next(eh_jail_link *jail, uint32_t only_task, eh_frame *frame,
                  eh_err *err) EH_MUST_USE;

/* The same of any task, but it also comes back, with *got = false, when `ready` says so. */
bool eh_jail_next_or(eh_jail_link *jail, bool (*ready)(void *self), void *self, eh_frame *frame,
                     bool *got, eh_err *err) EH_MUST_USE;

/* The jail waits for something that it cannot be sent: eh_jail_next fails with this error. */
void eh_jail_break(eh_jail_link *jail, const eh_err *why);

/* `error` in a frame as an eh_err; class bug when it is malformed. */
void eh_jail_read_error(const eh_doc *error, eh_err *err);
/* The same the other way, in the arena. NULL without memory. */
eh_doc *eh_jail_write_error(eh_arena *arena, const eh_err *err);

#endif
