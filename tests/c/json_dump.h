/* tests/c/json_dump.h: everything that a JSON parser says about an input, as text, so that two
 * ways of feeding it can be compared, and expectations be written down. Used by test_json.c and
 * fuzz_json.c. Every promised byte is touched on the way. */
#ifndef EH_TESTS_JSON_DUMP_H
#define EH_TESTS_JSON_DUMP_H

#include "base/buf.h"
#include "data/json.h"

#include <inttypes.h>
#include <stdlib.h>

typedef struct json_feeding {
    const char *data;
    size_t len;
    size_t chunk; /* bytes fed at a time; 0: an odd pattern of sizes */
    bool batches; /* show where batches begin and end, and the places of records */
} json_feeding;

/* Appends or dies: a test without memory is no test. */
#define SAY(out, ...)                                                                          \
    do {                                                                                       \
        if (!eh_buf_printf(out, NULL, __VA_ARGS__)) abort();                                   \
    } while (0)

static void say_slice(eh_buf *out, eh_slice text)
{
    if (!eh_buf_append(out, text.data, text.len, NULL)) abort();
}

static void dump_cell(const eh_cell *cell, eh_buf *out)
{
    static const char *const kinds[] = {"absent", "null", "raw", "", "#", "bool", "json:"};
    switch (cell->kind) {
    case EH_CELL_NULL:
        SAY(out, "null");
        break;
    case EH_CELL_BOOLEAN:
        SAY(out, cell->as.integer ? "true" : "false");
        break;
    case EH_CELL_STRING:
        if (!eh_buf_append_json(out, eh_cell_text(cell), NULL)) abort();
        break;
    case EH_CELL_NUMBER:
    case EH_CELL_JSON:
        SAY(out, "%s", kinds[cell->kind]);
        say_slice(out, eh_cell_text(cell));
        if ((cell->flags & EH_CELL_DUPLICATE) != 0) SAY(out, "!");
        break;
    default:
        abort(); /* no parser of JSON makes these */
    }
}

static void dump_place(const eh_place *place, const json_feeding *f, eh_buf *out)
{
    if (!f->batches) return;
    SAY(out, "[%" PRIu64 ",%" PRIu64 ") row %" PRIu64 " line %" PRIu64 ": ", place->offset,
        place->end, place->row, place->line);
}

static void dump_batch(const eh_batch *batch, const eh_slice *columns, const json_feeding *f,
                       eh_buf *out)
{
    if (f->batches) SAY(out, "batch [%" PRIu64 ",%" PRIu64 ")\n", batch->start, batch->end);
    for (size_t r = 0; r < batch->rows; r++) {
        dump_place(&batch->places[r], f, out);
        const char *between = "";
        for (size_t c = 0; c < batch->columns; c++) {
            const eh_cell *cell = eh_batch_cell(batch, r, c);
            if (cell->kind == EH_CELL_ABSENT) continue;
            SAY(out, "%s", between);
            say_slice(out, columns[c]);
            SAY(out, "=");
            dump_cell(cell, out);
            between = " ";
        }
        SAY(out, "\n");
    }
    for (size_t d = 0; d < batch->dead_count; d++) {
        const eh_dead *dead = &batch->dead[d];
        dump_place(&dead->place, f, out);
        SAY(out, "dead ");
        say_slice(out, dead->code);
        SAY(out, " <");
        say_slice(out, dead->column);
        SAY(out, "> ");
        say_slice(out, dead->reason);
        SAY(out, ": ");
        say_slice(out, dead->raw);
        SAY(out, "\n");
    }
}

static size_t chunk_len(const json_feeding *f, size_t at, unsigned *turn)
{
    static const size_t odd[] = {1, 3, 64, 2, 0, 127, 5, 1, 4096, 31};
    size_t len = f->chunk > 0 ? f->chunk : odd[(*turn)++ % (sizeof odd / sizeof odd[0])];
    return len < f->len - at ? len : f->len - at;
}

/* Feeds a copy whose every chunk is exactly as long as promised, so that reading past one is
 * seen by the sanitizer. */
static bool feed_chunk(eh_parser *parser, const json_feeding *f, size_t at, size_t len,
                       eh_err *err)
{
    char *copy = malloc(len > 0 ? len : 1);
    if (copy == NULL) abort();
    if (len > 0) memcpy(copy, f->data + at, len);
    bool fed = eh_parser_feed(parser, copy, len, at + len == f->len, err);
    free(copy);
    return fed;
}

static void dump_end(const eh_parser *parser, eh_parse parse, const eh_err *err, eh_buf *out)
{
    size_t count;
    const eh_slice *columns = eh_parser_columns(parser, &count);
    SAY(out, "columns:");
    for (size_t c = 0; c < count; c++) {
        SAY(out, " ");
        say_slice(out, columns[c]);
    }
    if (parse == EH_PARSE_ERROR)
        SAY(out, "\nerror %s: %s\n", eh_class_name(err->class_), err->message);
    else
        SAY(out, "\nend\n");
}

/* Parses the whole input and appends what came of it. */
static void dump_json(const eh_json_options *options, const json_feeding *f, eh_buf *out)
{
    eh_err err = {.class_ = EH_OK};
    eh_batch batch;
    if (!eh_batch_init(&batch, (size_t)256 * 1024 * 1024, &err)) abort();
    eh_parser *parser = eh_json_new(options, &err);
    if (parser == NULL) {
        SAY(out, "refused %s: %s\n", eh_class_name(err.class_), err.message);
        eh_batch_free(&batch);
        return;
    }
    size_t at = 0, count;
    unsigned turn = 0;
    eh_parse parse = EH_PARSE_MORE;
    while (parse == EH_PARSE_MORE || parse == EH_PARSE_BATCH) {
        parse = eh_parser_next(parser, &batch, &err);
        const eh_slice *columns = eh_parser_columns(parser, &count);
        if (parse != EH_PARSE_ERROR && batch.columns != count) abort();
        if (parse == EH_PARSE_BATCH) dump_batch(&batch, columns, f, out);
        if (parse == EH_PARSE_BATCH && batch.rows + batch.dead_count == 0) abort();
        if (parse != EH_PARSE_MORE) continue;
        size_t len = chunk_len(f, at, &turn);
        if (!feed_chunk(parser, f, at, len, &err)) abort();
        at += len;
    }
    dump_end(parser, parse, &err, out);
    eh_parser_free(parser);
    eh_batch_free(&batch);
}

#endif
