/* io/sigv4.h: AWS Signature Version 4 of one request, as object stores want it: the value of
 * its Authorization header. Pure. Why not libcurl's: docs/decisions/2026-11-29-sigv4.md.
 * Floor 2. */
#ifndef EH_IO_SIGV4_H
#define EH_IO_SIGV4_H

#include "base/buf.h"

#include <stdint.h>

/* The length of a time and its NUL: "20260301T120000Z". */
#define EH_SIGV4_TIME 17
/* Of a hash in hexadecimal and its NUL. */
#define EH_SIGV4_HASH 65

typedef struct eh_sigv4_header {
    const char *name; /* lower case */
    eh_slice value;   /* as it is sent; blanks around and runs of them inside do not count */
} eh_sigv4_header;

typedef struct eh_sigv4 {
    const char *method;
    const char *path;  /* as it is sent: encoded once, not normalised */
    const char *query; /* as it is sent, in any order; NULL or "": none */
    /* Those that are signed, in the order of their names; host is one of them. */
    const eh_sigv4_header *headers;
    size_t header_count;
    const char *payload; /* what x-amz-content-sha256 says */
    const char *time;    /* what x-amz-date says */
    const char *region;
    const char *service;
    const char *key_id;
    const char *secret;
} eh_sigv4;

bool eh_sigv4_time(int64_t wall_us, char out[EH_SIGV4_TIME]) EH_MUST_USE;
bool eh_sigv4_hash(eh_slice payload, char out[EH_SIGV4_HASH], eh_err *err) EH_MUST_USE;

/* "AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...", appended to out. */
bool eh_sigv4_sign(const eh_sigv4 *request, eh_buf *out, eh_err *err) EH_MUST_USE;

/* The canonical request, of which stores tell the hash when a signature does not match. */
bool eh_sigv4_canonical(const eh_sigv4 *request, eh_buf *out, eh_err *err) EH_MUST_USE;

#endif
