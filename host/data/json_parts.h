/* data/json_parts.h: the JSON parser's struct and what its files do for each other.
 *
 * json_parser.c: making, feeding, detecting. json_batch.c: records to rows and dead records.
 * json_lines.c, json_array.c, json_document.c, json_stream.c: where records begin and end.
 * Private to the JSON files. Floor 1. */
#ifndef EH_DATA_JSON_PARTS_H
#define EH_DATA_JSON_PARTS_H

#include "data/json.h"
#include "data/json_frame.h"
#include "data/json_read.h"
#include "data/json_scan.h"

/* Tokens are found for so many bytes at a time: what fits the processor's cache beside its
 * tokens. No result depends on it. */
#define EH_JSON_WINDOW_BYTES ((size_t)64 * 1024)

/* Cells of one batch, whatever its rows: sparse records would otherwise make it huge. */
#define EH_JSON_BATCH_CELLS ((size_t)1024 * 1024)

/* White space in one run, before a record: more is no format but a way to keep us busy. */
#define EH_JSON_SPACE_BYTES ((size_t)1024 * 1024)

typedef enum eh_json_phase {
    EH_JSON_START,    /* a byte order mark may come; the shape may not be known */
    EH_JSON_OPEN,     /* at what holds the records: an array's bracket, a document */
    EH_JSON_RECORDS,  /* at a record, or white space before one */
    EH_JSON_TRAILING, /* at an array's closing bracket */
    EH_JSON_ONE,      /* at the one record of a document that is read as it comes */
    EH_JSON_TAIL,     /* behind the rows of such a document */
    EH_JSON_AFTER,    /* only white space may follow */
    EH_JSON_DONE
} eh_json_phase;

typedef struct eh_json_parser {
    eh_parser base;
    eh_json_shape shape;
    size_t max_record, batch_rows, batch_bytes;
    char *path; /* owned */
    size_t path_len;

    eh_buf in;       /* from the first byte that is not done with, and what was before it */
    size_t head;     /* the next byte in it */
    uint64_t offset; /* of in.data[head] in the input */
    bool last;       /* nothing will be fed any more */
    eh_json_phase phase;
    bool resumed;      /* ARRAY: a record stood before the first byte, perhaps its comma too */
    bool need_comma;   /* ARRAY: a comma or the end of the array comes before a record */
    bool may_close;    /* ARRAY: nothing stood before: the bracket may come at once */
    size_t searched;   /* bytes from head that hold no line end */
    eh_json_scan scan; /* ARRAY: that scan, when the record was not complete; else zeroed */
    eh_json_outline own, *outline; /* DOCUMENT: of the text */
    uint64_t text_at;              /* DOCUMENT: where its text begins in the input */
    eh_json_span list;             /* DOCUMENT: the rows' array, in the text */
    eh_json_frame *frame;          /* DOCUMENT: it is read as it comes; owned; NULL: whole */
    eh_json_frame record;          /* of its one record: the walk over it, ... */
    size_t walked;                 /* ... which has come so far from head */
    uint64_t row, line;            /* the next record's, 1-based */
    uint64_t batch_start;

    eh_json_index *index; /* for windows of records */
    eh_json_index *alone; /* for one record */
    eh_json_reader reader;
    eh_buf unescaped; /* the strings of a batch that had escapes; len is not used */
    size_t row_mark;  /* of `unescaped`, before the row being read */
    eh_json_keys keys, judge_keys;
    eh_json_columns columns;
} eh_json_parser;

static inline const char *eh_json_data(const eh_json_parser *p)
{
    return p->in.data != NULL ? p->in.data + p->head : "";
}

static inline size_t eh_json_available(const eh_json_parser *p)
{
    return p->in.len - p->head;
}

/* Done with the next bytes. */
static inline void eh_json_advance(eh_json_parser *p, size_t bytes)
{
    p->head += bytes;
    p->offset += bytes;
}

/* ---- json_batch.c ---- */

static inline bool eh_json_batch_empty(const eh_batch *batch)
{
    return batch->rows + batch->dead_count == 0;
}

typedef enum eh_json_step {
    EH_JSON_GO_ON,
    EH_JSON_CLOSE, /* the batch takes no more */
    EH_JSON_STOP   /* err is set */
} eh_json_step;

/* May the batch take another record? */
bool eh_json_batch_open(const eh_json_parser *p, const eh_batch *batch);

/* Room for every string of a batch, to be had before its first row: cells point into it. A
 * batch spans at most batch_bytes, or it is one record of `len` bytes. */
bool eh_json_reserve(eh_json_parser *p, const eh_batch *batch, size_t len,
                     eh_err *err) EH_MUST_USE;

/* Finds the tokens of the next `len` bytes; *fit is false when they are to be read one record
 * after the other, alone. False: err is set. */
bool eh_json_open_window(eh_json_parser *p, const eh_batch *batch, size_t len, bool *fit,
                         eh_err *err) EH_MUST_USE;

/* A record in bytes from head. */
typedef struct eh_json_record {
    size_t start, len;
    size_t end; /* with what ends it */
} eh_json_record;

/* Reads the record at the reader's next token into a new row. Unless that is good, no row was
 * added: FAILED has set err, otherwise ask eh_json_take_alone. The caller checks that the
 * record ended where it should, then keeps the row or drops it. */
eh_json_read eh_json_try_row(eh_json_parser *p, eh_batch *batch, eh_err *err);
void eh_json_keep_row(eh_json_parser *p, eh_batch *batch, const eh_json_record *record);
void eh_json_drop_row(eh_json_parser *p, eh_batch *batch);

/* Reads the record with tokens made for it alone, after the judge had its say: new columns,
 * dead records and errors come about here. CLOSE: nothing was taken, its new columns would make
 * the batch too large. The reader stands at token `next` afterwards. */
eh_json_step eh_json_take_alone(eh_json_parser *p, eh_batch *batch,
                                const eh_json_record *record, size_t next, eh_err *err);

/* ---- json_lines.c, json_array.c, json_document.c: fill a batch ---- */

eh_parse eh_json_lines_next(eh_json_parser *p, eh_batch *batch, eh_err *err);
eh_parse eh_json_array_next(eh_json_parser *p, eh_batch *batch, eh_err *err);
eh_parse eh_json_document_next(eh_json_parser *p, eh_batch *batch, eh_err *err);
eh_parse eh_json_stream_next(eh_json_parser *p, eh_batch *batch, eh_err *err);

/* What the two that read documents say alike (json_document.c). */
eh_parse eh_json_fail_text(const eh_json_parser *p, const eh_json_fault *fault, eh_err *err);
/* Why there are no rows; first: the first byte of what is at the path, 0: nothing is. */
eh_parse eh_json_fail_rows(const eh_json_parser *p, const eh_json_found *found, char first,
                           eh_err *err);
/* The value of `len` bytes at head is one record. */
eh_parse eh_json_read_one(eh_json_parser *p, eh_batch *batch, size_t len, eh_json_phase then,
                          eh_err *err);

#endif
