/* engine/request.h: a script's request as io/fetch.h wants it: the URL, the body, the secrets.
 *
 * A script writes handles where secrets go (engine/secrets.h). The values are put in before
 * each attempt, toward the source's hosts only; the label, which people see, never has them.
 * This room only. */
#ifndef EH_ENGINE_REQUEST_H
#define EH_ENGINE_REQUEST_H

#include "engine/page_guard.h"
#include "engine/pipeline.h"
#include "io/fetch.h"

typedef struct eh_request eh_request;

/* Reads the arguments of a call; what it keeps is copied. NULL for what makes no request. */
eh_request *eh_request_new(eh_run *run, const eh_pipeline_stream *stream, const eh_doc *args,
                           eh_err *err);
void eh_request_free(eh_request *request);

/* For eh_fetch_start; points into the request, which must outlive the fetch. */
const eh_fetch_request *eh_request_fetch(const eh_request *request);

/* "GET https://api.x.com/orders?page=2" */
const char *eh_request_label(const eh_request *request);

/* By which it is known again: as the script wrote it, handles and not secrets. */
eh_page_marks eh_request_marks(const eh_request *request);

#endif
