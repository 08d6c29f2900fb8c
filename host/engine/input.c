/* engine/input.c: see input.h. */
#include "engine/input.h"

#include "data/csv.h"
#include "data/json.h"

#include <stdlib.h>
#include <strings.h>

#define BATCH_TEXT_MAX ((size_t)512 * 1024 * 1024)
#define HEADER_MAX     ((size_t)1024 * 1024)

typedef enum kind { KIND_CSV, KIND_JSON } kind;

struct eh_input {
    const eh_file *file;
    const char *name;
    eh_reader *reader;
    eh_parser *parser;
    kind kind;
    uint64_t until;
    uint64_t skip; /* records before this offset are parsed again, and dropped */
    uint64_t end;
    bool fed_all;
    bool finished;
    eh_slice *nulls;
    char quote; /* of CSV; 0: '"' */
};

/* ---- which format
 * ---------------------------------------------------------------------------- */

/* Does the name have this ending, perhaps before .gz or .zst? */
static bool has_ending(const char *name, const char *ending)
{
    size_t len, want = strlen(ending);
    (void)eh_coding_of_name(name, &len);
    return len > want && strncasecmp(name + len - want, ending, want) == 0;
}

/* A name that says gzip or zstd over content that is neither: what an upload that was cut, or
 * an error page saved under that name, looks like. It is never read as text. (Not the rows of
 * `dead retry`, which are ours and only go under the name of their file.) */
static bool check_coding(const eh_file *file, const char *name, const eh_doc *format,
                         eh_err *err)
{
    if (eh_doc_get(format, "compression") != NULL) return true;
    size_t stem;
    eh_coding promised = eh_coding_of_name(name, &stem);
    if (promised == EH_CODING_NONE || file->coding != EH_CODING_NONE || file->ours) return true;
    const char *wanted = eh_coding_name(promised);
    if (file->size < 4) {
        (void)eh_fail(err, EH_CLASS_DATA, "%s is cut: no %s data begin at offset 0", name,
                      wanted);
        return eh_err_hint(err, "have it sent again");
    }
    (void)eh_fail(err, EH_CLASS_DATA, "%s holds no %s data: offset 0 is something else", name,
                  wanted);
    return eh_err_hint(err, "have it sent again; if it is plain text, take %s off its name",
                       name + stem);
}

bool eh_input_declared_coding(eh_file *file, const eh_doc *format, eh_err *err)
{
    const char *name = eh_doc_str(format, "compression", NULL);
    if (name == NULL || eh_coding_named(name, &file->coding)) return true;
    eh_fail(err, EH_CLASS_CONFIG, "there is no compression \"%s\"", name);
    return eh_err_hint(err, "compressions are gzip, zstd and brotli; plain is none");
}

/* Otherwise it would be rows of a strange CSV. */
static bool refuse_parquet(eh_err *err)
{
    eh_fail(err, EH_CLASS_CONFIG, "Parquet is a format that etlhost does not read");
    return eh_err_hint(err, "export it as JSON lines or as CSV; JSON lines keep nested values");
}

/* Its magic and the first field, an i32, of the Thrift structure that follows: a header of CSV
 * may begin with PAR1, too. */
static bool is_parquet(eh_slice head)
{
    return head.len > 4 && memcmp(head.data, "PAR1\x15", 5) == 0;
}

static bool looks_like_json(const eh_file *file, bool *json, eh_err *err)
{
    eh_reader *reader = eh_reader_open(file, 0, err);
    if (reader == NULL) return false;
    eh_slice bytes;
    bool end;
    bool ok = eh_reader_next(reader, &bytes, &end, err);
    size_t at = 0;
    while (ok && at < bytes.len && strchr(" \t\r\n", bytes.data[at]) != NULL &&
           bytes.data[at] != '\0')
        at++;
    *json = ok && at < bytes.len && (bytes.data[at] == '{' || bytes.data[at] == '[');
    eh_reader_free(reader);
    return ok;
}

/* Nothing is declared: the name's ending says it, otherwise the first bytes. */
static bool choose_by_name(eh_input *input, const eh_doc *format, eh_json_shape *shape,
                           eh_err *err)
{
    bool csv = has_ending(input->name, ".csv") || has_ending(input->name, ".tsv") ||
               eh_doc_get(format, "delimiter") != NULL;
    bool lines = has_ending(input->name, ".jsonl") || has_ending(input->name, ".ndjson");
    bool json = lines || has_ending(input->name, ".json");
    if (!csv && !json && !looks_like_json(input->file, &json, err)) return false;
    input->kind = json && !csv ? KIND_JSON : KIND_CSV;
    if (lines) *shape = EH_JSON_LINES;
    return true;
}

/* What is declared, otherwise by the name. */
static bool choose(eh_input *input, const eh_doc *format, eh_json_shape *shape, eh_err *err)
{
    const char *type = eh_doc_str(format, "type", "");
    bool path = eh_doc_get(format, "path") != NULL;
    *shape = path ? EH_JSON_DOCUMENT : EH_JSON_DETECT;
    input->kind = strcmp(type, "csv") == 0 ? KIND_CSV : KIND_JSON;
    if (type[0] == '\0' && has_ending(input->name, ".parquet"))
        return refuse_parquet(err) || eh_err_while(err, "reading %s", input->name);
    if (type[0] == '\0') return path || choose_by_name(input, format, shape, err);
    if (strcmp(type, "jsonl") == 0 || strcmp(type, "ndjson") == 0)
        *shape = EH_JSON_LINES;
    else if (strcmp(type, "csv") != 0 && strcmp(type, "json") != 0)
        return eh_fail(err, EH_CLASS_CONFIG, "there is no format \"%s\"", type) ||
               eh_err_hint(err, "formats are csv, jsonl and json");
    return true;
}

/* ---- CSV
 * --------------------------------------------------------------------------------------- */

static bool one_character(const eh_doc *format, const char *key, char *out, eh_err *err)
{
    const char *text = eh_doc_str(format, key, NULL);
    if (text == NULL) return true;
    if (strcmp(text, "\\t") == 0 || strcmp(text, "tab") == 0) text = "\t";
    if (strlen(text) != 1)
        return eh_fail(err, EH_CLASS_CONFIG, "format.%s must be one ASCII character", key);
    *out = text[0];
    return true;
}

static bool read_nulls(const eh_doc *format, eh_csv_options *options, eh_slice **nulls,
                       eh_err *err)
{
    const eh_doc *list = eh_doc_get(format, "nulls");
    size_t count = eh_doc_count(list);
    if (count == 0) return true;
    *nulls = calloc(count, sizeof **nulls);
    if (*nulls == NULL) return eh_fail_memory(err, "null markers");
    options->nulls = *nulls;
    for (const eh_doc *c = eh_doc_first(list); c != NULL; c = c->next)
        if (c->kind == EH_DOC_STRING) (*nulls)[options->null_count++] = c->as.string;
    return true;
}

bool eh_csv_declared(const eh_doc *format, eh_csv_options *options, eh_slice **nulls,
                     eh_err *err)
{
    const char *encoding = eh_doc_str(format, "encoding", "");
    if (encoding[0] != '\0' && !eh_csv_encoding_named(encoding, &options->encoding))
        return eh_fail(err, EH_CLASS_CONFIG,
                       "format.encoding must be utf-8, utf-16le, utf-16be, latin1 or "
                       "windows-1252");
    options->no_header = !eh_doc_bool(format, "header", true);
    return one_character(format, "delimiter", &options->delimiter, err) &&
           one_character(format, "quote", &options->quote, err) &&
           read_nulls(format, options, nulls, err);
}

/* Feeds from the reader until the parser has a batch or is at its end. */
static eh_parse pull(eh_parser *parser, eh_reader *reader, bool *fed_all, eh_batch *batch,
                     eh_err *err)
{
    for (;;) {
        eh_parse result = eh_parser_next(parser, batch, err);
        if (result != EH_PARSE_MORE) return result;
        eh_slice bytes = {NULL, 0};
        bool end = true;
        bool at_start = eh_reader_position(reader) == 0;
        if (!*fed_all && !eh_reader_next(reader, &bytes, &end, err)) return EH_PARSE_ERROR;
        if (at_start && is_parquet(bytes)) return (void)refuse_parquet(err), EH_PARSE_ERROR;
        *fed_all = *fed_all || end;
        if (!eh_parser_feed(parser, bytes.data, bytes.len, end, err)) return EH_PARSE_ERROR;
    }
}

/* A part that does not begin at the start knows neither its header nor its delimiter, encoding
 * or shape: parse the head of the file to have them as the first run had them. Takes over
 * `head`. */
static bool parse_head(const eh_input *input, eh_parser *head, eh_err *err)
{
    eh_reader *reader = eh_reader_open(input->file, 0, err);
    eh_batch batch = {.arena = NULL};
    bool fed_all = false;
    bool ok = reader != NULL && eh_batch_init(&batch, BATCH_TEXT_MAX, err) &&
              pull(head, reader, &fed_all, &batch, err) != EH_PARSE_ERROR;
    eh_batch_free(&batch);
    eh_reader_free(reader);
    return ok;
}

static eh_parser *open_csv_part(const eh_input *input, eh_csv_options *options, eh_err *err)
{
    eh_csv_options head_options = *options;
    head_options.from = (eh_parse_from){0, 0, 0};
    eh_parser *head = eh_csv_new(&head_options, err);
    eh_parser *parser = NULL;
    if (head != NULL && parse_head(input, head, err)) {
        options->columns = eh_parser_columns(head, &options->column_count);
        options->delimiter = eh_csv_delimiter(head);
        options->encoding = eh_csv_encoding_of(head);
        parser = eh_csv_new(options, err);
    }
    eh_parser_free(head);
    return parser;
}

static eh_parser *open_csv(eh_input *input, const eh_doc *format, const eh_parse_from *from,
                           eh_err *err)
{
    eh_csv_options options = {.from = *from};
    if (has_ending(input->name, ".tsv")) options.delimiter = '\t';
    if (!eh_csv_declared(format, &options, &input->nulls, err)) return NULL;
    input->quote = options.quote;
    if (from->offset > 0) return open_csv_part(input, &options, err);
    return eh_csv_new(&options, err);
}

/* ---- JSON
 * -------------------------------------------------------------------------------------- */

static eh_parser *open_json(eh_input *input, const eh_doc *format, eh_json_shape shape,
                            const eh_parse_from *from, eh_err *err)
{
    eh_json_options options = {
        .shape = shape,
        .path = eh_slice_str(eh_doc_str(format, "path", "")),
        .from = *from,
    };
    /* A document is parsed whole to find its rows. */
    if (shape == EH_JSON_DOCUMENT) {
        options.from = (eh_parse_from){0, 0, 0};
        input->skip = from->offset;
    }
    if (options.from.offset > 0 && shape == EH_JSON_DETECT) {
        eh_json_options head_options = {.shape = EH_JSON_DETECT};
        eh_parser *head = eh_json_new(&head_options, err);
        bool ok = head != NULL && parse_head(input, head, err);
        if (ok) options.shape = eh_json_shape_of(head);
        eh_parser_free(head);
        if (!ok) return NULL;
    }
    return eh_json_new(&options, err);
}

/* ---- the input
 * --------------------------------------------------------------------------------- */

eh_input *eh_input_open(const eh_file *file, const char *name, const eh_doc *format,
                        const eh_parse_from *from, uint64_t until, eh_err *err)
{
    eh_input *input = calloc(1, sizeof *input);
    if (input == NULL) {
        eh_fail_memory(err, "an input");
        return NULL;
    }
    input->file = file;
    input->name = name;
    input->until = until;
    input->end = from->offset;
    eh_json_shape shape;
    if (check_coding(file, name, format, err) && choose(input, format, &shape, err)) {
        bool whole = input->kind == KIND_JSON && shape == EH_JSON_DOCUMENT;
        input->reader = eh_reader_open(file, whole ? 0 : from->offset, err);
        if (input->reader != NULL)
            input->parser = input->kind == KIND_CSV
                                ? open_csv(input, format, from, err)
                                : open_json(input, format, shape, from, err);
    }
    if (input->parser != NULL) return input;
    eh_input_free(input);
    return NULL;
}

void eh_input_free(eh_input *input)
{
    if (input == NULL) return;
    eh_parser_free(input->parser);
    eh_reader_free(input->reader);
    free(input->nulls);
    free(input);
}

static void drop_skipped(const eh_input *input, eh_batch *batch)
{
    size_t rows = 0, dead = 0;
    while (rows < batch->rows && batch->places[rows].offset < input->skip) rows++;
    while (dead < batch->dead_count && batch->dead[dead].place.offset < input->skip) dead++;
    batch->rows -= rows;
    batch->dead_count -= dead;
    if (rows > 0) {
        memmove(batch->places, batch->places + rows, batch->rows * sizeof *batch->places);
        memmove(batch->cells, batch->cells + rows * batch->stride,
                batch->rows * batch->stride * sizeof *batch->cells);
    }
    if (dead > 0)
        memmove(batch->dead, batch->dead + dead, batch->dead_count * sizeof *batch->dead);
}

/* Records past `until` were committed before. */
static void cut(eh_input *input, eh_batch *batch)
{
    if (batch->end < input->until) return;
    const eh_place *first = NULL; /* of the records that go */
    while (batch->rows > 0 && batch->places[batch->rows - 1].offset >= input->until)
        first = &batch->places[--batch->rows];
    while (batch->dead_count > 0 &&
           batch->dead[batch->dead_count - 1].place.offset >= input->until) {
        const eh_place *place = &batch->dead[--batch->dead_count].place;
        if (first == NULL || place->offset < first->offset) first = place;
    }
    if (first != NULL) {
        batch->end_row = first->row - 1;
        batch->end_line = first->line;
    }
    batch->end = input->until;
    input->finished = true;
}

bool eh_input_next(eh_input *input, eh_batch *batch, bool *end, eh_err *err)
{
    *end = input->finished;
    if (input->finished) return true;
    switch (pull(input->parser, input->reader, &input->fed_all, batch, err)) {
    case EH_PARSE_BATCH:
        input->end = batch->end;
        if (batch->start < input->skip) drop_skipped(input, batch);
        cut(input, batch);
        if (input->finished) input->end = input->until;
        return true;
    case EH_PARSE_END:
        input->finished = *end = true;
        return true;
    case EH_PARSE_MORE:
    case EH_PARSE_ERROR:
        break;
    }
    return eh_err_while(err, "reading %s", input->name);
}

const eh_slice *eh_input_columns(const eh_input *input, size_t *count)
{
    return eh_parser_columns(input->parser, count);
}

uint64_t eh_input_end(const eh_input *input)
{
    return input->end;
}

uint64_t eh_input_position(const eh_input *input)
{
    return eh_reader_position(input->reader);
}

static bool append_field(eh_buf *out, eh_slice field, char quote, eh_err *err)
{
    bool ok = eh_buf_append_byte(out, quote, err);
    for (size_t i = 0; ok && i < field.len; i++)
        ok = (field.data[i] != quote || eh_buf_append_byte(out, quote, err)) &&
             eh_buf_append_byte(out, field.data[i], err);
    return ok && eh_buf_append_byte(out, quote, err);
}

const char *eh_csv_header(const eh_parser *parser, char quote, eh_arena *arena)
{
    size_t count;
    const eh_slice *columns = eh_parser_columns(parser, &count);
    char delimiter = eh_csv_delimiter(parser);
    if (quote == 0) quote = '"';
    if (delimiter == 0) return NULL;
    eh_buf out;
    eh_buf_init(&out, HEADER_MAX);
    bool ok = eh_buf_append_byte(&out, delimiter, NULL);
    for (size_t i = 0; ok && i < count; i++)
        ok = (i == 0 || eh_buf_append_byte(&out, delimiter, NULL)) &&
             append_field(&out, columns[i], quote, NULL);
    const char *text = ok ? eh_arena_strndup(arena, out.data, out.len) : NULL;
    eh_buf_free(&out);
    return text;
}

const char *eh_input_header(const eh_input *input, eh_arena *arena)
{
    return input->kind == KIND_CSV ? eh_csv_header(input->parser, input->quote, arena) : NULL;
}

static void drop_line_end(eh_buf *out, size_t from)
{
    while (out->len > from &&
           (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == '\r'))
        out->len--;
}

bool eh_csv_record(eh_csv_encoding encoding, eh_slice raw, eh_buf *out, eh_err *err)
{
    size_t before = out->len;
    bool utf8 = encoding == EH_CSV_UTF8 || encoding == EH_CSV_DETECT;
    bool ok = utf8 ? eh_buf_append(out, raw.data, raw.len, err)
                   : eh_csv_raw_text(encoding, raw, out, err);
    if (ok) drop_line_end(out, before);
    return ok;
}

bool eh_input_raw(void *self, const eh_place *place, eh_buf *out, eh_err *err)
{
    eh_input *input = self;
    eh_csv_encoding encoding = input->kind == KIND_CSV && input->parser != NULL
                                   ? eh_csv_encoding_of(input->parser)
                                   : EH_CSV_UTF8;
    eh_buf raw;
    eh_buf_init(&raw, out->max);
    bool ok = eh_reader_raw(input->reader, place->offset, place->end, &raw, err) &&
              eh_csv_record(encoding, eh_buf_slice(&raw), out, err);
    eh_buf_free(&raw);
    return ok;
}
