/* engine/net.h: the run's way to other machines: one HTTP client, one spool, made when they are
 * first needed. This room only. */
#ifndef EH_ENGINE_NET_H
#define EH_ENGINE_NET_H

#include "engine/run.h"
#include "io/fetch.h"

/* The run's fetcher; the run owns it. NULL on failure. */
/* Where bytes may wait on the disk. NULL on failure. */
eh_spool *eh_run_spool(eh_run *run, eh_err *err);

eh_fetcher *eh_run_fetcher(eh_run *run, eh_err *err);

/* What the operator opens to requests (spec.network), without hosts: those are the source's.
 * Lives as long as the run. */
bool eh_run_network(eh_run *run, eh_http_rules *rules, eh_err *err) EH_MUST_USE;

void eh_run_close_net(eh_run *run);

#endif
