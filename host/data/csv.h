/* data/csv.h: CSV as the world writes it (RFC 4180 and its deviations), one record a row.
 *
 * The parser decodes a byte order mark and UTF-16, honours a `sep=` line, detects the delimiter
 * among , ; tab | when none is given, and keeps apart what CSV can keep apart: an unquoted empty
 * field is NULL, a quoted empty one is an empty string. Records with a wrong number of fields,
 * a bare quote, bytes that are not UTF-8 or a NUL go to the batch's dead records with the line
 * they began on. One result whichever of AVX2, SSE2 or scalar code scanned it. Floor 1. */
#ifndef EH_DATA_CSV_H
#define EH_DATA_CSV_H

#include "data/parser.h"

typedef struct eh_csv_options {
    char delimiter;          /* 0: detect */
    char quote;              /* 0: '"' */
    bool no_header;          /* columns are then named column_1 ... */
    const eh_slice *nulls;   /* unquoted fields that mean NULL, beside the empty one */
    size_t null_count;
    const eh_slice *columns; /* the header as an earlier part of the input had it; NULL: read it.
                                Required when from.offset is not 0 */
    size_t column_count;
    size_t max_field_bytes;  /* 0: 16 MiB. A longer field is an error that names the line where
                                its quote was opened */
    size_t batch_rows;       /* 0: 4096 */
    size_t batch_bytes;      /* 0: 512 KiB of input per batch, about */
    eh_parse_from from;
    int simd;                /* 0: best this processor has; 1: scalar; 2: SSE2; 3: AVX2 (tests) */
} eh_csv_options;

/* Options and the slices in them are copied. NULL on failure. Free with eh_parser_free.
 *
 * Duplicate headers are kept apart by a suffix ("name", "name_2"), empty ones become column_N.
 * An input with a header and no records gives no batch but has columns; an empty input has none. */
eh_parser *eh_csv_new(const eh_csv_options *options, eh_err *err);

/* The delimiter in use; 0 until enough was fed to know. `parser` must come from eh_csv_new. */
char eh_csv_delimiter(const eh_parser *parser);

#endif
