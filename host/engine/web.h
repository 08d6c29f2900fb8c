/* engine/web.h: a URL that somebody named on the command line, as a remote file. This room
 * only.
 */
#ifndef EH_ENGINE_WEB_H
#define EH_ENGINE_WEB_H

#include "engine/remote.h"

/* "http://..." or "https://..." */
bool eh_web_is_url(const char *name);

/* options.allow_hosts: hosts beside the URL's that it may redirect to. Its name is the URL;
 * where the query looks as if it signs (a presigned one), without it. NULL on failure. */
eh_remote *eh_web_remote(eh_run *run, const eh_doc *options, const char *url, eh_err *err);

#endif
