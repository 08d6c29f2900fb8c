/* data/csv.h: CSV as the world writes it (RFC 4180 and its deviations), one record a row.
 *
 * The parser decodes a byte order mark and UTF-16, honours a `sep=` line, detects the delimiter
 * among , ; tab | when none is given, and keeps apart what CSV can keep apart: an unquoted
 * empty field is NULL, a quoted empty one is an empty string. Line ends are LF, CRLF and CR,
 * mixed too. Blank lines are no records (in a file of one column, too). Records with a wrong
 * number of fields, a bare quote, bytes that are not UTF-8 or a NUL go to the batch's dead
 * records with the line they began on. One result whichever of AVX2, SSE2 or scalar code
 * scanned it.
 *
 * Dead records have the codes ragged_row, bare_quote, unterminated_quote, nul_byte,
 * invalid_utf8, invalid_utf16 and invalid_windows_1252; their raw bytes leave out the line end,
 * and those of the last are left to be read again (NULL). Floor 1. */
#ifndef EH_DATA_CSV_H
#define EH_DATA_CSV_H

#include "base/buf.h"
#include "data/parser.h"

/* How the decompressed bytes stand for characters. DETECT looks at the byte order mark, or,
 * where there is none, at a NUL among the first two bytes. */
typedef enum eh_csv_encoding {
    EH_CSV_DETECT,
    EH_CSV_UTF8,
    EH_CSV_UTF16LE,
    EH_CSV_UTF16BE,
    /* One byte a character, never detected: */
    EH_CSV_LATIN1,      /* ISO 8859-1 */
    EH_CSV_WINDOWS_1252 /* five of its bytes stand for nothing */
} eh_csv_encoding;

/* utf-8, utf-16le, utf-16be, latin1, windows-1252, in any case; false for another name. */
bool eh_csv_encoding_named(const char *name, eh_csv_encoding *encoding) EH_MUST_USE;

/* Appends the bytes of a record as UTF-8. Half a character of UTF-16 becomes U+FFFD; bytes with
 * one that windows-1252 does not have are appended as they are. */
bool eh_csv_raw_text(eh_csv_encoding encoding, eh_slice raw, eh_buf *out,
                     eh_err *err) EH_MUST_USE;

typedef struct eh_csv_options {
    char delimiter; /* 0: detect, or what a `sep=` line says; an ASCII byte. Required when
                       from.offset is not 0 */
    char quote;     /* 0: '"' */
    bool no_header; /* columns are then named column_1 ... */
    const eh_slice *nulls; /* unquoted fields that mean NULL, beside the empty one */
    size_t null_count;
    const eh_slice *columns; /* the header as an earlier part of the input had it; NULL: read
                                it. Required when from.offset is not 0 (unless no_header is set
                                and no record has told yet how many there are). At offset 0
                                they stand in for the header's, which must be as many */
    size_t column_count;
    size_t max_field_bytes; /* 0: 16 MiB; at most 256 MiB. A longer field is an error of class
                               limit that names the line where its quote was opened; so is a
                               record of more than four times as much */
    size_t batch_rows;      /* 0: 4096 */
    size_t batch_bytes;     /* 0: 512 KiB of input per batch, about */
    eh_parse_from from;
    eh_csv_encoding encoding; /* when from.offset is not 0, DETECT means UTF-8 */
    int simd;          /* 0: best this processor has; 1: scalar; 2: SSE2; 3: AVX2 (tests) */
    size_t scan_bytes; /* 0: 32 KiB are indexed at a time (tests) */
} eh_csv_options;

/* Options and the slices in them are copied. NULL on failure. Free with eh_parser_free.
 *
 * Offsets count bytes as they were fed, byte order mark included; those of other encodings are
 * not those of the UTF-8 form, which cells and the raw bytes of dead records are in. To go on
 * after a batch, skip eh_parse_after(batch).offset decompressed bytes, and give from, columns,
 * delimiter and encoding as this parser had them.
 *
 * At most 1 GiB may be fed beyond what was asked for.
 *
 * A batch is the whole records within batch_bytes of its start, or the one record that is
 * longer.
 *
 * Duplicate headers are kept apart by a suffix ("name", "name_2"), empty ones become column_N.
 * An input with a header and no records gives no batch but has columns; an empty input has
 * none. A header that is no record (a bare quote, a NUL, ...) is an error of class data. */
eh_parser *eh_csv_new(const eh_csv_options *options, eh_err *err);

/* The delimiter in use; 0 until enough was fed to know. `parser` must come from eh_csv_new. */
char eh_csv_delimiter(const eh_parser *parser);

/* The encoding in use; DETECT until enough was fed to know. */
eh_csv_encoding eh_csv_encoding_of(const eh_parser *parser);

#endif
