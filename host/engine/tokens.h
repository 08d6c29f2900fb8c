/* engine/tokens.h: tokens that a script's sources sign in for, one request for all who need
 * one.
 *
 * The calls token_get, token_put, token_fail and token_drop (docs/reference/messages.md). Who
 * asks for a token that is not there is told to get it; others wait for it, in this run and,
 * with a key, in other runs of the host. This room only. */
#ifndef EH_ENGINE_TOKENS_H
#define EH_ENGINE_TOKENS_H

#include "engine/pipeline.h"

/* Performs one of the calls for a stream. *later: the answer is sent here, or has been. */
bool eh_token_call(eh_pipeline *p, const eh_pipeline_stream *stream, const eh_frame *frame,
                   eh_arena *arena, eh_doc **value, bool *later, eh_err *err) EH_MUST_USE;

/* A task has ended: it waits for nothing, and gets no token. */
void eh_tokens_drop(eh_pipeline *p, uint32_t task);

void eh_tokens_free(eh_pipeline *p);

#endif
