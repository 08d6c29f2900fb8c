/* engine/service_calls.h: the calls about services, for calls.c. This room only. */
#ifndef EH_ENGINE_SERVICE_CALLS_H
#define EH_ENGINE_SERVICE_CALLS_H

#include "engine/pipeline.h"

/* Performs `op`. *later: the answer is sent when it is there, and not by the caller. */
bool eh_service_call(eh_pipeline *pipeline, const eh_frame *frame, const char *op,
                     eh_arena *arena, eh_doc **value, bool *later, eh_err *err) EH_MUST_USE;

#endif
