/* engine/arriving.h: calls that wait for the bytes of an answer: its rows are loaded while they
 * come, or it is looked at when it is complete.
 *
 * Such a call is not answered when it is made. Whenever there are bytes, the run goes on with
 * it for a while, between the calls of other tasks: so a slow answer holds up nobody. From the
 * pipeline's own turn only, never from inside the loop. This room only. */
#ifndef EH_ENGINE_ARRIVING_H
#define EH_ENGINE_ARRIVING_H

#include "engine/pages.h"
#include "engine/response.h"

/* Loads the rows of a page whose body is the response's, and answers the call of `task` then.
 * Takes the arena, in which all is that `page` points to. */
bool eh_arriving_emit(eh_pipeline *pipeline, eh_pipeline_stream *stream, eh_response *response,
                      uint32_t task, const eh_page *page, eh_arena *arena,
                      eh_err *err) EH_MUST_USE;

/* Is all of the answer there to be looked at? Otherwise *later: the call is made again when it
 * is. Class script for bytes that were given back. */
bool eh_arriving_whole(eh_pipeline *pipeline, eh_response *response, const eh_frame *frame,
                       bool *later, eh_err *err) EH_MUST_USE;

/* Can one of them go on? self: the eh_pipeline. */
bool eh_arriving_ready(void *self);
/* Those that can do. False when the run cannot. */
bool eh_arriving_go_on(eh_pipeline *pipeline, eh_err *err) EH_MUST_USE;

/* A task has ended, and a stream with it: what waits for either fails. */
void eh_arriving_drop(eh_pipeline *pipeline, uint32_t task, const eh_pipeline_stream *stream);
/* All, without a word. */
void eh_arriving_free(eh_pipeline *pipeline);

#endif
