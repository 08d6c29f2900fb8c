/* data/json_parser.c: making, feeding and ending a JSON parser, and finding out the shape; see
 * json_parts.h. */
#include "data/json_parts.h"

#include <stdlib.h>

/* Positions in a window are 32 bits wide. */
#define MOST_RECORD_BYTES ((size_t)1024 * 1024 * 1024)

#define RECORD_BYTES   ((size_t)16 * 1024 * 1024)
#define DOCUMENT_BYTES ((size_t)256 * 1024 * 1024)

static eh_json_parser *self(eh_parser *parser)
{
    return (eh_json_parser *)parser;
}

static bool json_feed(eh_parser *parser, const char *data, size_t len, bool last, eh_err *err)
{
    eh_json_parser *p = self(parser);
    if (p->last) return eh_fail(err, EH_CLASS_BUG, "bytes were fed after the last ones");
    /* Bytes that are done with go when that costs no more than what they took, or saves
     * growing. */
    if (p->head > 0 && (eh_json_available(p) <= p->head || p->in.cap - p->in.len < len)) {
        eh_buf_consume(&p->in, p->head);
        p->head = 0;
    }
    if (!eh_buf_append(&p->in, data, len, err)) return false;
    p->last = last;
    return true;
}

static eh_parse fail_detect(char first, eh_err *err)
{
    (void)eh_fail(err, EH_CLASS_DATA, "not JSON records: the input begins with '%c'", first);
    (void)eh_err_hint(err, "Records are objects; they come one a line, in an array, or inside "
                           "one document.");
    return EH_PARSE_ERROR;
}

/* An object came first: a line of many, or a document of its own? Decided by whether the first
 * line is a whole value. */
static eh_parse detect_object(eh_json_parser *p, size_t at, eh_err *err)
{
    const char *data = eh_json_data(p);
    size_t available = eh_json_available(p);
    eh_json_fault fault = {.code = NULL};
    size_t from = p->searched > at ? p->searched : at;
    const char *feed = memchr(data + from, '\n', available - from);
    p->searched = available;
    size_t end = feed != NULL ? (size_t)(feed - data) : available;
    size_t most = p->max_record > 0 ? p->max_record : RECORD_BYTES;
    if (end - at > most + 1) { /* a carriage return may be the last byte */
        (void)eh_fail(err, EH_CLASS_LIMIT,
                      "the first line is longer than the limit of %zu bytes", most);
        return EH_PARSE_ERROR;
    }
    if (feed == NULL && !p->last) return EH_PARSE_MORE;
    eh_json_verdict verdict =
        eh_json_judge_record(eh_slice_of(data + at, end - at), &p->judge_keys, &fault, err);
    if (verdict == EH_JSON_NO_VERDICT) return EH_PARSE_ERROR;
    p->shape = verdict == EH_JSON_FAULTY && fault.cut ? EH_JSON_DOCUMENT : EH_JSON_LINES;
    p->searched = 0;
    return EH_PARSE_BATCH;
}

static eh_parse detect(eh_json_parser *p, eh_err *err)
{
    const char *data = eh_json_data(p);
    size_t available = eh_json_available(p), at = 0;
    if (p->path_len > 0) {
        p->shape = EH_JSON_DOCUMENT;
        return EH_PARSE_BATCH;
    }
    while (at < available && eh_json_is_space(data[at])) at++;
    if (at > EH_JSON_SPACE_BYTES) {
        (void)eh_fail(err, EH_CLASS_LIMIT,
                      "the input begins with more than %zu bytes of white space",
                      EH_JSON_SPACE_BYTES);
        return EH_PARSE_ERROR;
    }
    if (at == available) {
        if (!p->last) return EH_PARSE_MORE;
        (void)eh_fail(err, EH_CLASS_DATA, "the input is empty");
        return EH_PARSE_ERROR;
    }
    if (data[at] == '{') return detect_object(p, at, err);
    if (data[at] != '[') return fail_detect(data[at], err);
    p->shape = EH_JSON_ARRAY;
    return EH_PARSE_BATCH;
}

/* Skips the byte order mark and settles the shape. */
static eh_parse start(eh_json_parser *p, eh_err *err)
{
    static const char mark[] = "\xef\xbb\xbf";
    if (p->offset == 0) {
        size_t most = eh_json_available(p) < 3 ? eh_json_available(p) : 3;
        bool same = most == 0 || memcmp(eh_json_data(p), mark, most) == 0;
        if (same && most < 3 && !p->last) return EH_PARSE_MORE;
        if (same && most == 3) eh_json_advance(p, 3);
    }
    if (p->shape == EH_JSON_DETECT) {
        eh_parse parse = detect(p, err);
        if (parse != EH_PARSE_BATCH) return parse;
    }
    if (p->max_record == 0)
        p->max_record =
            p->shape == EH_JSON_DOCUMENT && p->frame == NULL ? DOCUMENT_BYTES : RECORD_BYTES;
    p->phase = p->shape == EH_JSON_LINES || p->resumed ? EH_JSON_RECORDS : EH_JSON_OPEN;
    return EH_PARSE_BATCH;
}

static eh_parse fill(eh_json_parser *p, eh_batch *batch, eh_err *err)
{
    if (p->phase == EH_JSON_START) {
        eh_parse parse = start(p, err);
        if (parse != EH_PARSE_BATCH) return parse;
    }
    if (p->phase == EH_JSON_DONE) return EH_PARSE_END;
    if (p->shape == EH_JSON_LINES) return eh_json_lines_next(p, batch, err);
    if (p->shape == EH_JSON_ARRAY) return eh_json_array_next(p, batch, err);
    if (p->frame != NULL) return eh_json_stream_next(p, batch, err);
    return eh_json_document_next(p, batch, err);
}

static eh_parse json_next(eh_parser *parser, eh_batch *batch, eh_err *err)
{
    eh_json_parser *p = self(parser);
    eh_batch_reset(batch);
    if (!eh_batch_set_columns(batch, p->columns.count, err)) return EH_PARSE_ERROR;
    batch->start = p->batch_start;
    eh_parse parse = fill(p, batch, err);
    batch->end = p->batch_start;
    if (parse == EH_PARSE_BATCH) batch->end = p->batch_start = p->offset;
    return parse;
}

static const eh_slice *json_columns(const eh_parser *parser, size_t *count)
{
    const eh_json_parser *p = (const eh_json_parser *)parser;
    *count = p->columns.count;
    return p->columns.names;
}

static void json_free(eh_parser *parser)
{
    eh_json_parser *p = self(parser);
    eh_json_index_free(p->index);
    eh_json_index_free(p->alone);
    eh_json_columns_free(&p->columns);
    eh_json_keys_free(&p->keys);
    eh_json_keys_free(&p->judge_keys);
    eh_json_outline_free(&p->own);
    eh_buf_free(&p->in);
    eh_buf_free(&p->unescaped);
    free(p->frame);
    free(p->path);
    free(p);
}

static const eh_parser_ops json_ops = {json_feed, json_next, json_columns, json_free};

static bool check_options(const eh_json_options *o, eh_err *err)
{
    if (o->max_record_bytes > MOST_RECORD_BYTES || o->batch_bytes > MOST_RECORD_BYTES)
        return eh_fail(err, EH_CLASS_CONFIG, "a JSON limit is above %zu bytes",
                       MOST_RECORD_BYTES);
    if (o->path.len > 0 && (o->shape == EH_JSON_LINES || o->shape == EH_JSON_ARRAY))
        return eh_fail(err, EH_CLASS_CONFIG,
                       "a path to the rows needs a JSON document, "
                       "not lines or an array");
    if (o->as_it_comes && o->shape != EH_JSON_DOCUMENT)
        return eh_fail(err, EH_CLASS_CONFIG, "only a JSON document is read as it comes");
    if (o->from.offset > 0 && o->shape != EH_JSON_LINES && o->shape != EH_JSON_ARRAY)
        return eh_fail(err, EH_CLASS_CONFIG, "JSON is resumed only in lines or an array");
    eh_slice path = o->path;
    for (size_t i = 0; i < path.len; i++)
        if (path.data[i] == '.' && (i == 0 || i + 1 == path.len || path.data[i - 1] == '.'))
            return eh_fail(err, EH_CLASS_CONFIG, "the path \"%.*s\" has an empty step",
                           EH_SLICE_FMT(path));
    return true;
}

static size_t or_default(size_t value, size_t fallback)
{
    return value > 0 ? value : fallback;
}

static void set_options(eh_json_parser *p, const eh_json_options *o)
{
    p->shape = o->shape;
    p->batch_rows = or_default(o->batch_rows, 4096);
    p->batch_bytes = or_default(o->batch_bytes, (size_t)512 * 1024);
    p->max_record = o->max_record_bytes; /* its default depends on the shape */
    p->offset = p->batch_start = o->from.offset;
    p->row = o->from.row + 1;
    p->line = o->from.line > 0 ? o->from.line : 1;
    p->resumed = o->from.offset > 0;
    p->path_len = o->path.len;
    p->outline = o->outline != NULL ? o->outline : &p->own;
}

static bool set_up(eh_json_parser *p, const eh_json_options *o, eh_err *err)
{
    set_options(p, o);
    eh_buf_init(&p->in, SIZE_MAX / 4);
    eh_buf_init(&p->unescaped, SIZE_MAX / 4);
    p->reader.columns = &p->columns;
    p->reader.keys = &p->keys;
    if (!eh_json_columns_init(&p->columns, err)) return false;
    for (size_t i = 0; i < o->column_count; i++)
        if (!eh_json_columns_add(&p->columns, o->columns[i], err)) return false;
    p->path = malloc(o->path.len + 1);
    if (p->path == NULL) return eh_fail_memory(err, "a JSON parser");
    if (o->path.len > 0) memcpy(p->path, o->path.data, o->path.len);
    if (o->as_it_comes) {
        p->frame = malloc(sizeof *p->frame);
        if (p->frame == NULL) return eh_fail_memory(err, "a JSON parser");
        eh_json_frame_init(p->frame, eh_slice_of(p->path, p->path_len), SIZE_MAX);
    }
    p->index = eh_json_index_new(err);
    p->alone = p->index != NULL ? eh_json_index_new(err) : NULL;
    return p->alone != NULL;
}

eh_parser *eh_json_new(const eh_json_options *options, eh_err *err)
{
    if (!check_options(options, err)) return NULL;
    eh_json_parser *p = calloc(1, sizeof *p);
    if (p == NULL) {
        (void)eh_fail_memory(err, "a JSON parser");
        return NULL;
    }
    p->base.ops = &json_ops;
    if (!set_up(p, options, err)) {
        json_free(&p->base);
        return NULL;
    }
    return &p->base;
}

eh_json_shape eh_json_shape_of(const eh_parser *parser)
{
    return ((const eh_json_parser *)parser)->shape;
}

uint64_t eh_json_done_with(const eh_parser *parser)
{
    return ((const eh_json_parser *)parser)->offset;
}
