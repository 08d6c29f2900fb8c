/* engine/input.h: a file, or the part of it that is still to be loaded, as batches.
 *
 * Puts together reading, decompression and the right parser. The format is what the declaration
 * says, otherwise what name and first bytes show. This room only. */
#ifndef EH_ENGINE_INPUT_H
#define EH_ENGINE_INPUT_H

#include "base/doc.h"
#include "data/csv.h"
#include "io/file.h"

typedef struct eh_input eh_input;

/* format's `compression`, when there is one, instead of what name and content of the file say.
 */
bool eh_input_declared_coding(eh_file *file, const eh_doc *format, eh_err *err) EH_MUST_USE;

/* format: the `format` map of a declaration, may be NULL. from: a zeroed struct for the start.
 * until: decoded offset at which to stop, a record boundary; UINT64_MAX: the end. The file must
 * outlive the input. NULL on failure. */
eh_input *eh_input_open(const eh_file *file, const char *name, const eh_doc *format,
                        const eh_parse_from *from, uint64_t until, eh_err *err);
void eh_input_free(eh_input *input);

/* The next batch; *end without one when all has been handed out. */
bool eh_input_next(eh_input *input, eh_batch *batch, bool *end, eh_err *err) EH_MUST_USE;

const eh_slice *eh_input_columns(const eh_input *input, size_t *count);

/* The decoded offset of the end, once *end was true. */
uint64_t eh_input_end(const eh_input *input);

/* Stored bytes read so far, for progress. */
uint64_t eh_input_position(const eh_input *input);

/* The delimiter and the header line, as CSV ("," and "id,name"), from which a dead record can
 * be read again; NULL for JSON, whose records name their columns, and without memory. Known
 * after the first batch. */
const char *eh_input_header(const eh_input *input, eh_arena *arena);

/* What a `format` map says of CSV. *nulls is what the options point to: to be freed when the
 * parser, which copies it, is made. */
bool eh_csv_declared(const eh_doc *format, eh_csv_options *options, eh_slice **nulls,
                     eh_err *err) EH_MUST_USE;
/* As eh_input_header, of a parser of CSV. quote: 0 is '"'. */
const char *eh_csv_header(const eh_parser *parser, char quote, eh_arena *arena);
/* Appends a record that was read in this encoding, as UTF-8 and without its line end. */
bool eh_csv_record(eh_csv_encoding encoding, eh_slice raw, eh_buf *out,
                   eh_err *err) EH_MUST_USE;

/* The bytes of a record, for dead rows; self is the eh_input. */
bool eh_input_raw(void *self, const eh_place *place, eh_buf *out, eh_err *err);

#endif
