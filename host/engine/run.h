/* engine/run.h: what the parts of one run share: its specification, clocks, control and events.
 * This room only. */
#ifndef EH_ENGINE_RUN_H
#define EH_ENGINE_RUN_H

#include "engine/events.h"
#include "engine/secrets.h"
#include "io/loop.h"
#include "io/slots.h"
#include "load/dest.h"
#include "wire/frame.h"

typedef struct eh_run {
    eh_clock clock;
    eh_loop *loop;
    eh_arena *arena;    /* lives as long as the run */
    eh_arena *zone;     /* the time zone read last */
    const eh_doc *spec; /* the SPEC frame's body */
    struct eh_net *net; /* engine/net.h; NULL until a request is made */
    size_t awaited;     /* answers of services that calls of the script wait for */
    struct sockaddr_storage
        *forbidden; /* the destination's; NULL until somebody may make one */
    size_t forbidden_count;
    eh_secrets *secrets; /* those of the specification, and what the run came to know */
    eh_events events;
    /* control channel */
    int control_fd;
    eh_watch *control;
    eh_buf control_in;
    bool stopping; /* STOP came, or the supervisor is gone */
    const char *stop_reason;
    /* destination, opened when an operation needs it */
    eh_dest *dest;
    eh_slots *slots;    /* its connections, counted for the whole host; NULL: they are not */
    eh_unit_pool units; /* one more than lanes: one fills while the others commit */
    eh_run_info info;
    int64_t started_us;         /* wall clock: what "now" is to the windows of the run */
    bool failed;                /* some stream failed: the run's end says so */
    struct eh_objects *objects; /* objects.h; NULL until one is needed */
} eh_run;

/* False with class cancelled once the run is to end. Dispatches what is waiting, without
 * blocking. */
bool eh_run_go_on(eh_run *run, eh_err *err) EH_MUST_USE;

/* The same without a turn of the loop. */
bool eh_run_may_go_on(eh_run *run, eh_err *err) EH_MUST_USE;

/* Opens spec.destination. Not for dry runs of a SQLite file that does not exist yet: see dry.
 */
bool eh_run_open_dest(eh_run *run, bool read_only, eh_err *err) EH_MUST_USE;

/* queue.c: waits until the destination at url may be connected to. looks: nothing is loaded, so
 * one short connection is made whatever others do. */
bool eh_run_queue(eh_run *run, const char *url, bool looks, eh_err *err) EH_MUST_USE;

/* The operations. Each reports what it did in events and errors with the stream they belong to;
 * false when the run as a whole failed. */
bool eh_run_pipeline(eh_run *run, eh_err *err) EH_MUST_USE; /* op run and check */
bool eh_run_load(eh_run *run, eh_err *err) EH_MUST_USE;     /* op load */
bool eh_run_preview(eh_run *run, eh_err *err) EH_MUST_USE;  /* op preview */
bool eh_run_fetch(eh_run *run, eh_err *err) EH_MUST_USE;    /* op fetch */
bool eh_run_admin(eh_run *run, eh_err *err) EH_MUST_USE;    /* op admin */

/* Runs one resource of a pipeline into a preview instead of a destination. */
struct eh_preview;
bool eh_run_pipeline_preview(eh_run *run, struct eh_preview *preview, eh_err *err) EH_MUST_USE;

#endif
