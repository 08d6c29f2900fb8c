/* io/http_head.h: the headers of an answer, line by line, and what they say about its body.
 *
 * libcurl hands out each line as it came and decides for itself where a body ends; what it lets
 * pass (two lengths, a length beyond 2^63, headers that never ended) is refused here. An
 * interim answer (1xx) is forgotten when the next begins; lines behind the end are trailers and
 * are dropped. Pure. Embedded struct. Floor 2. */
#ifndef EH_IO_HTTP_HEAD_H
#define EH_IO_HTTP_HEAD_H

#include "base/buf.h"
#include "io/http.h"

#include "data/decompress.h"

typedef struct eh_http_head {
    eh_buf text;             /* "name\0value\0", names in lower case */
    eh_http_header *headers; /* owned; set once complete */
    size_t count;
    int status;
    bool complete;   /* a final status, and the empty line */
    bool has_length; /* Content-Length, which holds only when not chunked */
    bool chunked;
    uint64_t length;
    eh_coding coding;
} eh_http_head;

void eh_http_head_init(eh_http_head *head);
void eh_http_head_free(eh_http_head *head); /* safe twice */

/* One line, with its end or without. Class remote for what is not HTTP, limit for more than 256
 * headers or 256 KiB. */
bool eh_http_head_line(eh_http_head *head, eh_slice line, eh_err *err) EH_MUST_USE;

/* The first header of that (lower-case) name; a NULL slice without. Once complete. */
eh_slice eh_http_head_find(const eh_http_head *head, const char *name);

#endif
