/* jail/link.h: the jail's end of the socket: whole frames, one at a time.
 *
 * Both directions block; the engine is the side that never does. Floor 4, private to jail/. */
#ifndef EH_JAIL_LINK_H
#define EH_JAIL_LINK_H

#include "wire/frame.h"

typedef struct eh_link {
    int fd;
    eh_buf in;
    eh_buf out;
    eh_arena *bodies; /* of the frame read last */
    eh_arena *making; /* of the frame being written */
} eh_link;

bool eh_link_init(eh_link *link, int fd, eh_err *err) EH_MUST_USE;

/* The next frame in order, or the next of one type, leaving those before it for later. The body
 * is valid until the next read. False with class cancelled when the engine closed its end. */
bool eh_link_next(eh_link *link, eh_frame *frame, eh_err *err) EH_MUST_USE;
bool eh_link_await(eh_link *link, uint16_t type, eh_frame *frame, eh_err *err) EH_MUST_USE;

/* Sends one frame. Class limit when the body is too large: nothing was sent then. */
bool eh_link_send(eh_link *link, uint16_t type, uint32_t task, const eh_doc *body,
                  eh_err *err) EH_MUST_USE;

/* An empty arena for the body of the next frame to send. */
eh_arena *eh_link_arena(eh_link *link);

#endif
