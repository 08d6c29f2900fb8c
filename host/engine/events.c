/* engine/events.c: see events.h. A line that cannot be built for want of memory is dropped
 * whole, never written in part; of an error at least its class is told. */
#include "engine/events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES ((size_t)8 * 1024 * 1024)

void eh_events_init(eh_events *events, int fd, const eh_clock *clock)
{
    *events = (eh_events){.fd = fd, .clock = clock};
    eh_buf_init(&events->line, LINE_MAX_BYTES);
    eh_buf_init(&events->scratch, LINE_MAX_BYTES);
}

void eh_events_free(eh_events *events)
{
    eh_buf_free(&events->line);
    eh_secrets_wipe(&events->scratch);
}

static bool begin_field(eh_events *events, const char *key)
{
    return events->line.len > 0 && eh_buf_append_byte(&events->line, ',', NULL) &&
           eh_buf_append_json(&events->line, eh_slice_str(key), NULL) &&
           eh_buf_append_byte(&events->line, ':', NULL);
}

/* A field that failed empties the line: eh_event_end then writes nothing. */
static void check(eh_events *events, bool ok)
{
    if (!ok) events->line.len = 0;
}

void eh_event_begin(eh_events *events, const char *event)
{
    events->line.len = 0;
    check(events, eh_buf_append_str(&events->line, "{\"event\":", NULL) &&
                      eh_buf_append_json(&events->line, eh_slice_str(event), NULL));
    eh_event_int(events, "at", eh_clock_wall(events->clock));
}

void eh_event_slice(eh_events *events, const char *key, eh_slice value)
{
    if (value.data == NULL || events->line.len == 0) return;
    if (eh_secrets_hits(events->secrets, value)) {
        events->scratch.len = 0;
        bool masked = eh_secrets_mask_told(events->secrets, value, &events->scratch, NULL);
        check(events, masked);
        value = eh_buf_slice(&events->scratch);
    }
    check(events, begin_field(events, key) && eh_buf_append_json(&events->line, value, NULL));
}

void eh_event_str(eh_events *events, const char *key, const char *value)
{
    if (value != NULL && value[0] != '\0') eh_event_slice(events, key, eh_slice_str(value));
}

void eh_event_int(eh_events *events, const char *key, int64_t value)
{
    if (events->line.len == 0) return;
    check(events,
          begin_field(events, key) && eh_buf_printf(&events->line, NULL, "%" PRId64, value));
}

void eh_event_bool(eh_events *events, const char *key, bool value)
{
    if (events->line.len == 0) return;
    check(events, begin_field(events, key) &&
                      eh_buf_append_str(&events->line, value ? "true" : "false", NULL));
}

void eh_event_seconds(eh_events *events, const char *key, int64_t microseconds)
{
    if (events->line.len == 0) return;
    check(events, begin_field(events, key) &&
                      eh_buf_printf(&events->line, NULL, "%.3f", (double)microseconds / 1e6));
}

void eh_event_doc(eh_events *events, const char *key, const eh_doc *value)
{
    if (value == NULL || events->line.len == 0) return;
    events->scratch.len = 0;
    check(events, begin_field(events, key) && eh_doc_to_json(value, &events->scratch, NULL) &&
                      eh_secrets_mask_told_json(events->secrets, eh_buf_slice(&events->scratch),
                                                &events->line, NULL));
}

static void write_line(eh_events *events, const char *line, size_t len)
{
    for (size_t done = 0; done < len && !events->broken;) {
        ssize_t n = write(events->fd, line + done, len - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) events->broken = true;
        if (n > 0) done += (size_t)n;
    }
}

bool eh_event_end(eh_events *events)
{
    bool whole = events->line.len > 0 && eh_buf_append_str(&events->line, "}\n", NULL);
    if (whole) write_line(events, events->line.data, events->line.len);
    events->line.len = 0;
    return whole;
}

/* The message may hold a secret that could not be masked: only the class is told. */
static void say_without_memory(eh_events *events, eh_class class_)
{
    char line[300];
    int len = snprintf(line, sizeof line,
                       "{\"event\":\"error\",\"at\":%" PRId64 ",\"class\":\"%s\",\"message\":"
                       "\"there is no memory to say what went wrong\"}\n",
                       eh_clock_wall(events->clock), eh_class_name(class_));
    if (len > 0 && (size_t)len < sizeof line) write_line(events, line, (size_t)len);
}

void eh_event_error(eh_events *events, const eh_err *err, const char *instance,
                    const char *resource)
{
    eh_event_begin(events, "error");
    eh_event_str(events, "class", eh_class_name(err->class_));
    eh_event_str(events, "message", err->message);
    eh_event_str(events, "hint", err->hint);
    eh_event_str(events, "place", err->place);
    eh_event_str(events, "trail", err->trail);
    eh_event_str(events, "sqlstate", err->sqlstate);
    eh_event_str(events, "instance", instance);
    eh_event_str(events, "resource", resource);
    if (!eh_event_end(events)) say_without_memory(events, err->class_);
}

void eh_event_log(eh_events *events, const char *level, const char *message,
                  const char *instance, const char *resource)
{
    eh_event_begin(events, "log");
    eh_event_str(events, "level", level);
    eh_event_str(events, "message", message);
    eh_event_str(events, "instance", instance);
    eh_event_str(events, "resource", resource);
    eh_event_end(events);
}
