/* engine/s3_private.h: what s3.c and s3_refusal.c share. */
#ifndef EH_ENGINE_S3_PRIVATE_H
#define EH_ENGINE_S3_PRIVATE_H

#include "data/s3_url.h"
#include "engine/net.h"
#include "engine/s3.h"
#include "engine/s3_credentials.h"

struct eh_s3 {
    eh_run *run;
    const char *instance;
    eh_s3_bucket bucket;
    eh_s3_credentials credentials;
    eh_http_sigv4 sign;
    const eh_http_rules *rules;
    eh_remote_site site;
    eh_buf url;   /* of the last request */
    bool moved;   /* the region was put right */
    bool clocked; /* so was the time */
};

/* Statuses whose XML says more than they do. */
extern const int eh_s3_refusals[];
extern const size_t eh_s3_refusal_count;

/* As in eh_remote_site; name NULL: the bucket itself was asked. */
void eh_s3_refused(void *s3, const char *name, const eh_refusal *refusal, bool *again,
                   eh_remote_fate *fate, eh_err *err);

/* Is it the continuation token that is refused? */
bool eh_s3_refused_token(const eh_s3 *s3, const eh_refusal *refusal);

/* The bucket is in another region. */
bool eh_s3_move(eh_s3 *s3, const char *region, eh_err *err) EH_MUST_USE;

#endif
