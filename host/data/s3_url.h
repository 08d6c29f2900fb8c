/* data/s3_url.h: where a bucket is reached, and how keys and queries are spelled in a URL.
 *
 * What is signed must be spelled as it is sent, so both are made here: a path encoded once and
 * never normalised ("//" and "/../" are parts of keys), a query encoded and sorted. Pure.
 * Floor 1. */
#ifndef EH_DATA_S3_URL_H
#define EH_DATA_S3_URL_H

#include "base/buf.h"

typedef struct eh_s3_bucket {
    const char *name;
    const char *region;   /* "us-east-1" */
    const char *endpoint; /* "https://minio.internal:9000"; "": Amazon's of the region */
    bool path_style;      /* the bucket is the first part of the path, not of the host */
} eh_s3_bucket;

typedef struct eh_s3_pair {
    const char *name;
    eh_slice value;
} eh_s3_pair;

/* Names have 3 to 63 characters of a-z 0-9 . -; old ones also A-Z and _, and up to 255. */
bool eh_s3_bucket_name_ok(const char *name);

/* Does the bucket have to be in the path? With an endpoint of one's own, where the name of a
 * host cannot be made up, and where no certificate fits: dots, and what no host name may have.
 */
bool eh_s3_needs_path_style(const char *name, const char *endpoint);

/* The host that is spoken to, with its port when one is given, appended to out. */
bool eh_s3_host(const eh_s3_bucket *bucket, eh_buf *out, eh_err *err) EH_MUST_USE;

/* The URL of a key (empty: of the bucket) with a query, appended to out. The pairs are sorted.
 */
bool eh_s3_url(const eh_s3_bucket *bucket, eh_slice key, eh_s3_pair *pairs, size_t count,
               eh_buf *out, eh_err *err) EH_MUST_USE;

#endif
