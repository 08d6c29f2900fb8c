/* engine/pipeline.h: what pipeline.c and calls.c share: a script at work and its streams. This
 * room only. */
#ifndef EH_ENGINE_PIPELINE_H
#define EH_ENGINE_PIPELINE_H

#include "engine/jail_link.h"
#include "engine/rows.h"
#include "engine/stream.h"

typedef struct eh_pipeline_stream {
    eh_stream stream;
    eh_row_link rows;
    eh_row_hook hook;
    eh_err failure; /* of a load; kept although the script may have caught it */
    bool selected;  /* asked for, by the command line and the client */
    bool ended;
} eh_pipeline_stream;

typedef struct eh_pipeline {
    eh_run *run;
    eh_jail_link *jail;
    eh_pipeline_stream *streams;
    size_t count;
    struct eh_preview *preview; /* not NULL: show, do not load */
    int64_t calls;              /* that the script has made */
} eh_pipeline;

/* The stream that a frame names, NULL when there is none. */
eh_pipeline_stream *eh_pipeline_find(eh_pipeline *p, const char *instance,
                                     const char *resource);

/* Answers a CALL. False when the run cannot go on (the jail is gone, or the run is to stop); an
 * error of the call itself is sent to the script. */
bool eh_pipeline_call(eh_pipeline *p, const eh_frame *frame, eh_err *err) EH_MUST_USE;

/* Reads declarations into streams: names, tables, conflicts. */
bool eh_pipeline_declare(eh_pipeline *p, const eh_doc *resources, eh_err *err) EH_MUST_USE;

#endif
