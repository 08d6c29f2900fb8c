/* engine/events.h: what the engine tells its supervisor: JSON lines on a descriptor.
 *
 * The secrets of the run are masked in every value. The events are listed in
 * docs/reference/messages.md. Writing blocks; a supervisor that is gone makes writing fail,
 * which is remembered and ends the run at its next step. Floor 4. */
#ifndef EH_ENGINE_EVENTS_H
#define EH_ENGINE_EVENTS_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/doc.h"
#include "engine/secrets.h"

typedef struct eh_events {
    int fd;
    const eh_clock *clock;
    eh_buf line;
    eh_buf scratch;            /* a value before it is masked */
    const eh_secrets *secrets; /* masked in every text; NULL: none are known yet */
    bool broken;               /* nobody reads any more */
} eh_events;

void eh_events_init(eh_events *events, int fd, const eh_clock *clock);
void eh_events_free(eh_events *events);

/* One event: begin, any number of fields, end. Strings may be NULL: the field is left out. */
void eh_event_begin(eh_events *events, const char *event);
void eh_event_str(eh_events *events, const char *key, const char *value);
void eh_event_slice(eh_events *events, const char *key, eh_slice value);
void eh_event_int(eh_events *events, const char *key, int64_t value);
void eh_event_bool(eh_events *events, const char *key, bool value);
void eh_event_seconds(eh_events *events, const char *key, int64_t microseconds);
void eh_event_doc(eh_events *events, const char *key, const eh_doc *value);
/* False when it could not be built, and nothing was said. */
bool eh_event_end(eh_events *events);

/* `error`, with the stream it belongs to when there is one (either may be NULL). */
void eh_event_error(eh_events *events, const eh_err *err, const char *instance,
                    const char *resource);
void eh_event_log(eh_events *events, const char *level, const char *message,
                  const char *instance, const char *resource);

#endif
