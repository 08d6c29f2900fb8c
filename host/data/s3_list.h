/* data/s3_list.h: what an object store answers in XML: a page of a listing (ListObjectsV2), or
 * an error document.
 *
 * Fed in chunks of any size. An answer counts only when all of it was read: AWS may begin with
 * 200 and a listing and break off, or end in an error document. Entities of a DOCTYPE are
 * refused, depth and text are capped. Floor 1. */
#ifndef EH_DATA_S3_LIST_H
#define EH_DATA_S3_LIST_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

typedef struct eh_s3_object {
    eh_slice key;        /* any bytes, decoded; NUL-terminated besides */
    const char *etag;    /* without its quotes; "" when the store gives none */
    uint64_t size;       /* bytes as stored */
    int64_t modified_us; /* microseconds since the epoch */
} eh_s3_object;

typedef struct eh_s3_page {
    const eh_s3_object *objects;
    size_t count;
    bool more;         /* the only sign of the end is that this is false */
    const char *token; /* where to go on; NULL without more */
} eh_s3_page;

/* An error document. All "" where they are absent. */
typedef struct eh_s3_fault {
    const char *code;    /* "NoSuchKey" */
    const char *message; /* the store's own words */
    const char *region;  /* of a wrong region: the right one */
} eh_s3_fault;

typedef struct eh_s3_list eh_s3_list;

/* What it gives lives in the arena. NULL without memory. */
eh_s3_list *eh_s3_list_new(eh_arena *arena, eh_err *err);
void eh_s3_list_free(eh_s3_list *list); /* NULL is fine */

/* False: it is no answer of an object store (class remote), or too large (class limit). */
bool eh_s3_list_feed(eh_s3_list *list, eh_slice bytes, eh_err *err) EH_MUST_USE;

/* After the last byte. fault->code is "" when it was a page; otherwise page is empty. */
bool eh_s3_list_end(eh_s3_list *list, eh_s3_page *page, eh_s3_fault *fault,
                    eh_err *err) EH_MUST_USE;

/* A whole error document; false when it is none, and then nothing is in `fault`. */
bool eh_s3_fault_read(eh_slice body, eh_arena *arena, eh_s3_fault *fault);

#endif
