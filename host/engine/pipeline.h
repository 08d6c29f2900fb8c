/* engine/pipeline.h: what pipeline.c and calls.c share: a script at work and its streams. This
 * room only. */
#ifndef EH_ENGINE_PIPELINE_H
#define EH_ENGINE_PIPELINE_H

#include "engine/jail_link.h"
#include "engine/rows.h"
#include "engine/stream.h"
#include "io/http.h"

typedef struct eh_pipeline_stream {
    eh_stream stream;
    eh_row_link rows;
    eh_row_hook hook;
    eh_err failure;             /* of a load; kept although the script may have caught it */
    const eh_http_rules *rules; /* what its source may speak to; the run's */
    bool selected;              /* asked for, by the command line and the client */
    bool ended;
} eh_pipeline_stream;

typedef struct eh_pipeline {
    eh_run *run;
    eh_jail_link *jail;
    eh_pipeline_stream *streams;
    size_t count;
    struct eh_preview *preview;    /* not NULL: show, do not load */
    struct eh_response *responses; /* engine/response.h; newest first */
    int64_t last_response;
    struct eh_arriving *arriving; /* engine/arriving.h */
    struct eh_token *tokens;      /* engine/tokens.h */
    int64_t calls;                /* that the script has made */
} eh_pipeline;

/* The stream that a frame names, NULL when there is none. */
eh_pipeline_stream *eh_pipeline_find(eh_pipeline *p, const char *instance,
                                     const char *resource);

/* An argument that is text; *out is the fallback where it is absent. Text with a NUL inside
 * would be one name to the script and another to the system. */
bool eh_call_text(const eh_doc *args, const char *key, const char *fallback, const char **out,
                  eh_err *err) EH_MUST_USE;
/* The stream that a call is about, which must be at work and not have failed. */
eh_pipeline_stream *eh_call_stream(eh_pipeline *p, const eh_doc *args, const char *op,
                                   eh_err *err);

/* Answers a task's call: with an error, or with a value. */
bool eh_pipeline_reply(eh_pipeline *p, uint32_t task, eh_doc *value, const eh_err *failed,
                       eh_arena *arena, eh_err *err) EH_MUST_USE;
/* Does such an error of a call end the run? Nobody is there to hear the answer then. */
bool eh_pipeline_ends(const eh_pipeline *p, const eh_err *failed);

/* Answers a CALL, now or when the answer is there. False when the run cannot go on (the jail is
 * gone, or the run is to stop); an error of the call itself is sent to the script. */
bool eh_pipeline_call(eh_pipeline *p, const eh_frame *frame, eh_err *err) EH_MUST_USE;

/* Reads declarations into streams: names, tables, conflicts. */
bool eh_pipeline_declare(eh_pipeline *p, const eh_doc *resources, eh_err *err) EH_MUST_USE;

#endif
