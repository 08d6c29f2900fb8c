/* engine/s3_credentials.h: the credentials of a store: from settings of their own, or from a
 * text in the format of AWS's credentials file. This room only. */
#ifndef EH_ENGINE_S3_CREDENTIALS_H
#define EH_ENGINE_S3_CREDENTIALS_H

#include "engine/run.h"

typedef struct eh_s3_credentials {
    eh_buf key_id;
    eh_buf secret;
    eh_buf token; /* empty: none */
    bool anonymous;
} eh_s3_credentials;

/* Reads them for an instance; every part is masked in all that the run tells from then on.
 * Class config when there are none, or half of them. Wipe them also after a failure. */
bool eh_s3_credentials_read(eh_run *run, const char *instance, const eh_doc *settings,
                            eh_s3_credentials *out, eh_err *err) EH_MUST_USE;
/* A setting that is true or false: in YAML it is text, too. */
bool eh_s3_is_true(const eh_doc *settings, const char *key, bool fallback);

void eh_s3_credentials_wipe(eh_s3_credentials *credentials);

#endif
