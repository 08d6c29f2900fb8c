/* Fuzz target: the JSON parser over any bytes. The first byte picks the shape, the second the
 * size of a batch. However the rest is cut into chunks, the parser must say the same; what it
 * takes the strict judge must take too, with the same opinion on duplicates; and parsing that
 * goes on from the end of a batch must find what the first parser found. */
#include "../c/json_dump.h"

#include "data/json_doc.h"
#include "data/json_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static eh_json_options pick(const uint8_t *data)
{
    static const size_t sizes[] = {0, 1, 16, 100};
    eh_json_options options = {.batch_bytes = sizes[data[1] % 4]};
    options.batch_rows = data[1] / 4 % 4;
    options.max_record_bytes = data[1] >= 128 ? 64 : 0;
    switch (data[0] % 5) {
    case 0:
        options.shape = EH_JSON_LINES;
        break;
    case 1:
        options.shape = EH_JSON_ARRAY;
        break;
    case 2:
        options.shape = EH_JSON_DOCUMENT;
        break;
    case 3:
        options.shape = EH_JSON_DOCUMENT;
        options.path = eh_slice_str("a.b");
        break;
    default:
        break;
    }
    options.as_it_comes = options.shape == EH_JSON_DOCUMENT && (data[1] & 64) != 0;
    return options;
}

static void check_cell(const eh_cell *cell)
{
    bool odd = false;
    if (cell->kind == EH_CELL_STRING && !eh_utf8_valid(cell->as.text, cell->len)) abort();
    if (cell->kind != EH_CELL_JSON && cell->kind != EH_CELL_NUMBER) return;
    if (!eh_json_check(eh_cell_text(cell), &odd, NULL)) abort();
    if (odd != ((cell->flags & EH_CELL_DUPLICATE) != 0)) abort();
}

/* Rows must be JSON in the judge's eyes; no two records may share a byte. */
static void check_batch(const eh_batch *batch, const json_feeding *f)
{
    eh_json_keys keys = {.items = NULL};
    eh_json_fault fault;
    uint64_t before = batch->start;
    for (size_t r = 0; r < batch->rows; r++) {
        const eh_place *place = &batch->places[r];
        if (place->offset < before || place->end < place->offset || place->end > batch->end)
            abort();
        before = place->end;
        eh_slice raw = eh_slice_of(f->data + place->offset, place->end - place->offset);
        if (eh_json_judge_record(raw, &keys, &fault, NULL) != EH_JSON_GOOD) abort();
        for (size_t c = 0; c < batch->columns; c++) check_cell(eh_batch_cell(batch, r, c));
    }
    eh_json_keys_free(&keys);
}

/* What a parser that begins at the end of a batch says about the rest. */
static void dump_rest(eh_json_options options, const eh_parser *first, const eh_batch *batch,
                      uint64_t line, const json_feeding *f, eh_buf *out)
{
    json_feeding rest = {.data = f->data + batch->end, .len = f->len - batch->end, .chunk = 9};
    options.shape = eh_json_shape_of(first);
    options.columns = eh_parser_columns(first, &options.column_count);
    options.from = (eh_parse_from){batch->end, 0, line};
    dump_json(&options, &rest, out);
}

/* Parses in one piece, checking rows, and compares each batch's rest with what follows. */
static void check_whole(const eh_json_options *options, const json_feeding *f)
{
    eh_err err = {.class_ = EH_OK};
    eh_batch batch;
    if (!eh_batch_init(&batch, (size_t)256 * 1024 * 1024, &err)) abort();
    eh_parser *parser = eh_json_new(options, &err);
    if (parser == NULL) abort();
    if (!eh_parser_feed(parser, f->data, f->len, true, &err)) abort();
    eh_buf expected, tail;
    eh_buf_init(&expected, SIZE_MAX / 4);
    eh_buf_init(&tail, SIZE_MAX / 4);
    bool resumed = false;
    eh_parse parse;
    while ((parse = eh_parser_next(parser, &batch, &err)) == EH_PARSE_BATCH) {
        size_t count;
        json_feeding quiet = {.batches = false};
        check_batch(&batch, f);
        eh_json_shape shape = eh_json_shape_of(parser);
        if (resumed) {
            dump_batch(&batch, eh_parser_columns(parser, &count), &quiet, &tail);
        } else if (shape != EH_JSON_DOCUMENT && batch.end < f->len) {
            dump_rest(*options, parser, &batch, 0, f, &expected);
            resumed = true;
        }
    }
    if (parse == EH_PARSE_ERROR && err.class_ == EH_CLASS_BUG) abort();
    if (parse == EH_PARSE_MORE) abort();
    if (resumed && parse == EH_PARSE_END) {
        dump_end(parser, parse, &err, &tail);
        if (!eh_slice_equal(eh_buf_slice(&tail), eh_buf_slice(&expected))) abort();
    }
    eh_buf_free(&expected);
    eh_buf_free(&tail);
    eh_parser_free(parser);
    eh_batch_free(&batch);
}

/* Rows by an outline that somebody's look has made are those that are read without one. */
static void check_outline(eh_json_options options, json_feeding f)
{
    if (options.shape != EH_JSON_DOCUMENT || options.as_it_comes) return;
    eh_json_outline outline = {.span_bytes = 1, .cut_bytes = 1};
    eh_buf first, out;
    eh_buf_init(&first, SIZE_MAX / 4);
    options.batch_bytes = 0; /* where a batch is full depends on its windows */
    f.chunk = f.len + 1;
    dump_json(&options, &f, &first);
    options.outline = &outline;
    for (int n = 0; n < 2; n++) {
        eh_slice text = eh_slice_of(f.data, f.len), found;
        (void)!eh_json_look(text, eh_slice_str("a.c"), &outline, &found, NULL);
        eh_buf_init(&out, SIZE_MAX / 4);
        dump_json(&options, &f, &out);
        if (!eh_slice_equal(eh_buf_slice(&out), eh_buf_slice(&first))) abort();
        eh_buf_free(&out);
    }
    eh_json_outline_free(&outline);
    eh_buf_free(&first);
}

/* A document that is good as a whole gives the same rows while it comes. */
static void check_as_it_comes(eh_json_options options, const json_feeding *f)
{
    if (options.shape != EH_JSON_DOCUMENT || options.max_record_bytes != 0) return;
    eh_buf whole, out;
    eh_buf_init(&whole, SIZE_MAX / 4);
    eh_buf_init(&out, SIZE_MAX / 4);
    options.batch_bytes = 0; /* where a batch is full depends on its windows */
    options.as_it_comes = false;
    dump_json(&options, f, &whole);
    options.as_it_comes = true;
    dump_json(&options, f, &out);
    bool good = whole.len >= 5 && memcmp(whole.data + whole.len - 5, "\nend\n", 5) == 0;
    if (good && !eh_slice_equal(eh_buf_slice(&out), eh_buf_slice(&whole))) abort();
    eh_buf_free(&whole);
    eh_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t chunks[] = {1, 7, 0};
    if (size < 2) return 0;
    eh_json_options options = pick(data);
    json_feeding f = {.data = (const char *)data + 2, .len = size - 2, .batches = true};
    eh_buf first, out;
    eh_buf_init(&first, SIZE_MAX / 4);
    f.chunk = 1024 * 1024;
    dump_json(&options, &f, &first);
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        eh_buf_init(&out, SIZE_MAX / 4);
        f.chunk = chunks[i];
        dump_json(&options, &f, &out);
        if (!eh_slice_equal(eh_buf_slice(&out), eh_buf_slice(&first))) abort();
        eh_buf_free(&out);
    }
    eh_buf_free(&first);
    check_as_it_comes(options, &f);
    check_whole(&options, &f);
    check_outline(options, f);
    return 0;
}
