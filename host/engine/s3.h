/* engine/s3.h: one bucket as a run may read it: where it is, with what it is signed, its
 * listing, and what its refusals mean for a person.
 *
 * A wrong region and a clock that is off are put right once, and said. This room only. */
#ifndef EH_ENGINE_S3_H
#define EH_ENGINE_S3_H

#include "data/s3_list.h"
#include "engine/remote.h"

typedef struct eh_s3 eh_s3;

/* settings: region, endpoint, path_style, anonymous, access_key_id, secret_access_key,
 * session_token, credentials, profile, as in sources/s3_exports/README.md; secrets may be
 * handles of the instance. NULL on failure. */
eh_s3 *eh_s3_open(eh_run *run, const char *instance, const eh_doc *settings, const char *bucket,
                  eh_err *err);
void eh_s3_free(eh_s3 *s3); /* after its remotes; NULL is fine */

/* Its objects as remote files, by their keys. Valid as long as the bucket. */
const eh_remote_site *eh_s3_site(const eh_s3 *s3);

/* A page of the keys that begin with prefix: the one that `token` (of the page before) names,
 * otherwise from behind the key `after`, which may be NULL. Waits, turning the loop. The page
 * lives in the arena. */
bool eh_s3_keys(eh_s3 *s3, const char *prefix, const char *after, const char *token,
                eh_arena *arena, eh_s3_page *page, eh_err *err) EH_MUST_USE;

#endif
