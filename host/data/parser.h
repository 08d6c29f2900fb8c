/* data/parser.h: the one shape of a parser, whatever the format: bytes in, batches out.
 *
 * Pull over push: the caller feeds decoded bytes when asked and takes batches; nothing blocks,
 * so the same parser serves files and network streams. A parser is made for a format (csv.h,
 * json.h), then used through this interface only. Floor 1. */
#ifndef EH_DATA_PARSER_H
#define EH_DATA_PARSER_H

#include "data/batch.h"

typedef enum eh_parse {
    EH_PARSE_BATCH, /* the batch holds rows or dead records or both */
    EH_PARSE_MORE,  /* feed bytes (or say that there are none) and call again */
    EH_PARSE_END,   /* everything has been handed out */
    EH_PARSE_ERROR  /* err is set; the parser may only be freed */
} eh_parse;

/* Where parsing begins. A zeroed struct is the input's very start; any other value is what a
 * former run committed: a record boundary, so a header is not read again but given. */
typedef struct eh_parse_from {
    uint64_t offset; /* decoded bytes already done with */
    uint64_t row;    /* records already done with */
    uint64_t line;   /* 1-based line at offset; 0 means 1 */
} eh_parse_from;

/* Where to go on once this batch is committed. */
static inline eh_parse_from eh_parse_after(const eh_batch *batch)
{
    return (eh_parse_from){batch->end, batch->end_row, batch->end_line};
}

typedef struct eh_parser eh_parser;

typedef struct eh_parser_ops {
    /* Takes a copy of the bytes. last: no more will come. */
    bool (*feed)(eh_parser *parser, const char *data, size_t len, bool last, eh_err *err);
    /* Resets the batch and fills it. */
    eh_parse (*next)(eh_parser *parser, eh_batch *batch, eh_err *err);
    /* The columns known so far, in order of first appearance, as they were written. Grows only
     * (JSON finds keys as it goes); batch->columns equals the count after each next(). Valid
     * until the next call. */
    const eh_slice *(*columns)(const eh_parser *parser, size_t *count);
    void (*free)(eh_parser *parser);
} eh_parser_ops;

/* First member of every parser's struct. */
struct eh_parser {
    const eh_parser_ops *ops;
};

static inline bool eh_parser_feed(eh_parser *p, const char *data, size_t len, bool last,
                                  eh_err *err)
{
    return p->ops->feed(p, data, len, last, err);
}

static inline eh_parse eh_parser_next(eh_parser *p, eh_batch *batch, eh_err *err)
{
    return p->ops->next(p, batch, err);
}

static inline const eh_slice *eh_parser_columns(const eh_parser *p, size_t *count)
{
    return p->ops->columns(p, count);
}

static inline void eh_parser_free(eh_parser *p)
{
    if (p != NULL) p->ops->free(p);
}

#endif
