/* data/csv_scan.h: the parts of the CSV parser, private to csv*.c.
 *
 * csv_text.c and csv_encoding.c decode, csv_scan.c finds the bytes that matter, csv_walk.c
 * makes fields of them, csv_fault.c tells what is wrong with them, csv_head.c knows first
 * lines, csv.c is the parser. Scanning has no state: it marks every delimiter, quote and line
 * end, quoted or not, and the walk alone knows what is inside quotes. So a bad quote can be
 * recovered from at any line end without scanning again. Floor 1. */
#ifndef EH_DATA_CSV_SCAN_H
#define EH_DATA_CSV_SCAN_H

#include "base/arena.h"
#include "base/buf.h"
#include "data/csv.h"

/* ---- csv_scan.c ---- */

enum {
    EH_CSV_SEGMENT =
        32768, /* bytes indexed at a time: they and their index fit a level 2 cache */
    EH_CSV_INDEX_SLACK = 64 /* entries that a scan may write past the last one it counts */
};

/* What else a scan saw. */
enum { EH_CSV_HIGH = 1 /* a byte past ASCII */, EH_CSV_NUL = 2 };

/* Writes the positions in [from, to) of delimiters, quotes, CR and LF to index and returns how
 * many there are. *flags gets what was seen. index must have to - from entries and the slack;
 * positions are those in data, so `to` must fit 32 bits. */
typedef size_t eh_csv_scan_fn(const char *data, size_t from, size_t to, char delimiter,
                              char quote, uint32_t *index, unsigned *flags);

/* simd as in eh_csv_options; NULL when this processor cannot. */
eh_csv_scan_fn *eh_csv_scan_for(int simd);

/* ---- csv_text.c ---- */

typedef struct eh_csv_decoder {
    eh_csv_encoding encoding; /* DETECT until begun */
    bool begun;               /* the byte order mark is behind us, or there was none */
    unsigned char held[4];    /* bytes that are no whole character yet */
    size_t held_len;
    size_t mark; /* length of the byte order mark */
} eh_csv_decoder;

/* Appends the bytes to `out` as UTF-8, without the byte order mark. A lone surrogate becomes
 * its three-byte form, half a unit at the end and a byte that stands for nothing the byte 0xff:
 * none of them is UTF-8, so the record that has it is refused with the others that are not. */
bool eh_csv_decode(eh_csv_decoder *decoder, eh_slice in, bool last, eh_buf *out,
                   eh_err *err) EH_MUST_USE;

/* The number of bytes that the decoder was given for this decoded text. */
size_t eh_csv_encoded_length(eh_csv_encoding encoding, const char *data, size_t len);

/* Length of the longest run of whole UTF-8 characters at data (RFC 3629). */
size_t eh_csv_utf8_prefix(const char *data, size_t len);

static inline bool eh_csv_is_utf16(eh_csv_encoding encoding)
{
    return encoding == EH_CSV_UTF16LE || encoding == EH_CSV_UTF16BE;
}

/* ---- csv_encoding.c ---- */

static inline bool eh_csv_is_bytes(eh_csv_encoding encoding)
{
    return encoding == EH_CSV_LATIN1 || encoding == EH_CSV_WINDOWS_1252;
}

/* What eh_csv_decode does, for an encoding of one byte a character. */
bool eh_csv_decode_bytes(eh_csv_encoding encoding, eh_slice in, eh_buf *out,
                         eh_err *err) EH_MUST_USE;

/* ---- csv_walk.c ---- */

typedef enum eh_csv_outcome {
    EH_CSV_RECORD,     /* a record with its line end, or the last one without */
    EH_CSV_BLANK,      /* an empty line */
    EH_CSV_BARE_QUOTE, /* a quote inside a field; record.end is past the next line end */
    EH_CSV_OPEN_QUOTE, /* the input ended inside quotes; record.end is past the first line */
    /* From here on the record is still ahead. */
    EH_CSV_SHORT,       /* the record ends past the limit */
    EH_CSV_LONG_FIELD,  /* longer than max_field */
    EH_CSV_LONG_RECORD, /* longer than max_record */
    EH_CSV_NO_MEMORY    /* the arena is full */
} eh_csv_outcome;

typedef struct eh_csv_record {
    size_t start;
    size_t text_end; /* where the line end begins */
    size_t end;
    uint64_t line;
    uint64_t next_line;
    size_t fields;       /* RECORD: how many; else the number of the field at fault, from 0 */
    uint64_t fault_line; /* where the field at fault began */
    bool fault_quoted;   /* LONG_FIELD: it is a quoted one */
    bool after_quote;    /* BARE_QUOTE: it closed the field but text follows */
    bool doubtful;       /* it may hold a NUL or bytes that are not UTF-8 */
} eh_csv_record;

typedef struct eh_csv_walk {
    /* Set once. */
    eh_csv_scan_fn *scan;
    uint32_t *index; /* owned by the parser; for `segment` bytes and the slack */
    size_t segment;
    char delimiter;
    char quote;
    size_t max_field;
    size_t max_record;
    const eh_slice *nulls;
    size_t null_count;
    uint64_t null_lengths; /* bit n: some null has n bytes; bit 63: or more */
    /* Set by eh_csv_walk_begin. */
    const char *data;
    size_t len;   /* bytes that may be looked at */
    size_t limit; /* records end before it */
    bool at_end;  /* limit is the end of the input */
    size_t at;
    uint64_t line;
    eh_arena *arena;
    /* The index of the segment before `scanned`. */
    const uint32_t *next;
    const uint32_t *stop;
    size_t scanned;
    size_t checked; /* what is before it is UTF-8, or the segment is doubtful */
    bool segment_doubtful;
    bool record_doubtful;
} eh_csv_walk;

/* Aims the walk at data[at..limit). Bytes up to len may be looked at; unless at_end there must
 * be one past the limit at least, so that CRLF and doubled quotes are never cut. */
void eh_csv_walk_begin(eh_csv_walk *walk, eh_slice data, size_t at, size_t limit, bool at_end);

/* Reads one record at walk->at (which is before the limit). The first `capacity` fields go to
 * cells, unescaped ones to walk->arena. Moves on past the record, unless the outcome is SHORT,
 * LONG_* or NO_MEMORY. */
eh_csv_outcome eh_csv_walk_record(eh_csv_walk *walk, eh_cell *cells, size_t capacity,
                                  eh_csv_record *record);

/* Goes back to a record's start. */
void eh_csv_walk_back(eh_csv_walk *walk, const eh_csv_record *record);

/* ---- csv_fault.c ---- */

typedef struct eh_csv_fault {
    const char *code; /* constant; NULL when there is no fault */
    eh_slice column;  /* one of the judge's names, or empty */
    bool unreadable;  /* a byte that the declared encoding does not have */
    char reason[192];
} eh_csv_fault;

/* What a record is measured by. Borrowed. */
typedef struct eh_csv_judge {
    const eh_csv_walk *walk;
    eh_csv_encoding encoding;
    const eh_slice *names; /* for eh_csv_fault.column; may be NULL when name_count is 0 */
    size_t name_count;
    size_t columns; /* fields that a row has */
} eh_csv_judge;

/* True when the record cannot be a row; *fault says why. `outcome` is what the walk gave for
 * it: RECORD or one of the bad quotes. */
bool eh_csv_find_fault(const eh_csv_judge *judge, const eh_csv_record *record,
                       eh_csv_outcome outcome, eh_csv_fault *fault);

/* The error for an outcome past SHORT. Returns false. */
bool eh_csv_fail_long(const eh_csv_walk *walk, const eh_csv_record *record,
                      eh_csv_outcome outcome, eh_err *err);

/* ---- csv_head.c ---- */

/* The delimiter that splits the first records most evenly; ',' when nothing does. */
char eh_csv_detect(const char *data, size_t len, char quote);

/* Length of a first line `sep=X` with its line end, 0 if there is none. Six bytes or the whole
 * input must be there, and one more to see a CRLF. */
size_t eh_csv_sep_line(const char *data, size_t len, char *delimiter);

/* May this byte separate fields? */
bool eh_csv_delimiter_ok(char delimiter, char quote);

/* Makes `count` unique names of the written ones (cells), in the arena. */
bool eh_csv_name_columns(eh_arena *arena, const eh_cell *written, size_t count, eh_slice *names,
                         eh_err *err) EH_MUST_USE;

#endif
