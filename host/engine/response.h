/* engine/response.h: the answers that a task of a script has: handles, and the requests that
 * are under way.
 *
 * A script knows an answer by its number; the bytes stay here. A task has at most
 * EH_RESPONSES_MAX of them and EH_RESPONSE_BYTES; all of them go when it ends. What answers a
 * call that waits is sent from the loop turn in which the request ends, so nobody else's call
 * waits for it. One that was asked for as a stream is there with its head, while its body still
 * comes; it waits, with little in the spool, until somebody reads it (engine/arriving.h). This
 * room only. */
#ifndef EH_ENGINE_RESPONSE_H
#define EH_ENGINE_RESPONSE_H

#include "data/json_outline.h"
#include "engine/page_guard.h"
#include "engine/pipeline.h"
#include "io/body.h"

#define EH_RESPONSES_MAX  64
#define EH_RESPONSES_ALL  1024 /* of all tasks: who sends frames may say any task */
#define EH_RESPONSE_BYTES ((uint64_t)1024 * 1024 * 1024)

typedef struct eh_response eh_response;

/* Begins the request that `args` describe (docs/reference/messages.md, call `request`) for a
 * stream. NULL when it may not be made. */
eh_response *eh_response_start(eh_pipeline *pipeline, const eh_pipeline_stream *stream,
                               uint32_t task, const eh_doc *args, eh_err *err);

/* The task's answer with the number in args.response; class script when there is none. */
eh_response *eh_response_of(const eh_pipeline *pipeline, uint32_t task, const eh_doc *args,
                            eh_err *err);

/* The call of its task is answered when it is there: at once, if it is already. False when the
 * jail is gone. */
bool eh_response_answer(eh_response *response, eh_err *err) EH_MUST_USE;

/* Was it asked for as a stream? */
bool eh_response_arrives(const eh_response *response);
/* Is its request still under way? */
bool eh_response_is_coming(const eh_response *response);
/* Is the end of its body told only by the end of the connection? */
bool eh_response_by_close(const eh_response *response);
/* How long its body will be; 0: that is not known. */
uint64_t eh_response_total(const eh_response *response);
/* Is it a stream whose rows were not asked for before? */
bool eh_response_is_unread(eh_response *response);
/* A call works on it: it stays until that ends. */
void eh_response_use(eh_response *response, bool in_use);
bool eh_response_in_use(const eh_response *response);

int64_t eh_response_handle(const eh_response *response);
/* Does a call wait for it? */
bool eh_response_is_awaited(const eh_response *response);
/* Has it come, and is it no error? */
bool eh_response_must_be_there(const eh_response *response, eh_err *err);
eh_body *eh_response_body(const eh_response *response);
const char *eh_response_label(const eh_response *response);
eh_page_marks eh_response_marks(const eh_response *response);

/* The text of the value at a path of a JSON body; a NULL slice when there is none. *text: the
 * whole body, NULL where it could not be had. False for what is not JSON (class data). What was
 * read is read faster the next time. */
bool eh_response_look(eh_response *response, const char *path, eh_slice *text, eh_slice *found,
                      eh_err *err) EH_MUST_USE;
/* Of its body as JSON, for whoever reads that. */
eh_json_outline *eh_response_outline(eh_response *response);

/* The text of the list at a path of a JSON body, class remote when there is none; first:
 * reading its items (eh_json_items) begins, at eh_response_place. */
bool eh_response_list(eh_response *response, const char *path, bool first, eh_slice *list,
                      eh_err *err) EH_MUST_USE;
size_t *eh_response_place(eh_response *response);

void eh_response_free(eh_response *response);
/* All of a task, or (0) of all. */
void eh_responses_drop(eh_pipeline *pipeline, uint32_t task);

#endif
