/* tests/c/csv_dump.h: what a CSV parser gives, as text, for tests and the fuzzer.
 *
 * One line a row, `line:row@start-end` and the cells: a NULL is ~, a quoted field 'x', others
 * x; dead records begin with ! and batches with =. */
#ifndef EH_TESTS_CSV_DUMP_H
#define EH_TESTS_CSV_DUMP_H

#include "base/buf.h"
#include "data/csv.h"

#include <inttypes.h>
#include <stdlib.h>

typedef struct csv_dump_how {
    size_t chunk;    /* bytes fed at a time; 0: all at once, `last` said with them */
    bool end_apart;  /* say `last` in a call of its own */
    bool with_place; /* print where rows are */
    bool batches;    /* print where batches begin and end */
} csv_dump_how;

static void must(bool ok)
{
    if (!ok) abort();
}

static void put_place(const eh_place *p, csv_dump_how how, eh_buf *out)
{
    if (how.with_place)
        must(eh_buf_printf(out, NULL, "%" PRIu64 ":%" PRIu64 "@%" PRIu64 "-%" PRIu64 " ",
                           p->line, p->row, p->offset, p->end));
}

static void put_cell(const eh_cell *cell, eh_buf *out)
{
    const char *mark = (cell->flags & EH_CELL_QUOTED) != 0 ? "'" : "";
    if (cell->kind == EH_CELL_NULL) {
        must(cell->len == 0 && eh_buf_append_byte(out, '~', NULL));
        return;
    }
    must(cell->kind == (cell->len > 0 ? EH_CELL_RAW : EH_CELL_STRING));
    must(eh_buf_append_str(out, mark, NULL) &&
         eh_buf_append(out, cell->as.text, cell->len, NULL) &&
         eh_buf_append_str(out, mark, NULL));
}

static void put_row(const eh_batch *batch, size_t row, csv_dump_how how, eh_buf *out)
{
    put_place(&batch->places[row], how, out);
    for (size_t c = 0; c < batch->columns; c++) {
        if (c > 0) must(eh_buf_append_byte(out, '|', NULL));
        put_cell(eh_batch_cell(batch, row, c), out);
    }
    must(eh_buf_append_byte(out, '\n', NULL));
}

static void put_dead(const eh_dead *dead, csv_dump_how how, eh_buf *out)
{
    must(eh_buf_append_byte(out, '!', NULL));
    put_place(&dead->place, how, out);
    must(eh_buf_append(out, dead->code.data, dead->code.len, NULL) &&
         eh_buf_append_byte(out, '(', NULL) &&
         eh_buf_append(out, dead->column.data, dead->column.len, NULL) &&
         eh_buf_append_str(out, ") ", NULL) &&
         eh_buf_append(out, dead->raw.data, dead->raw.len, NULL) &&
         eh_buf_append_byte(out, '\n', NULL));
}

/* Rows and dead records in the order of their numbers. */
static void put_batch(const eh_batch *batch, csv_dump_how how, eh_buf *out)
{
    if (how.batches)
        must(eh_buf_printf(out, NULL,
                           "= %" PRIu64 "-%" PRIu64 " row %" PRIu64 " line %" PRIu64 "\n",
                           batch->start, batch->end, batch->end_row, batch->end_line));
    size_t d = 0;
    for (size_t r = 0; r <= batch->rows; r++) {
        uint64_t row = r < batch->rows ? batch->places[r].row : UINT64_MAX;
        for (; d < batch->dead_count && batch->dead[d].place.row < row; d++)
            put_dead(&batch->dead[d], how, out);
        if (r < batch->rows) put_row(batch, r, how, out);
    }
    must(batch->rows + batch->dead_count > 0);
}

static bool feed_some(eh_parser *parser, eh_slice *input, csv_dump_how how, eh_err *err)
{
    size_t n = how.chunk != 0 && how.chunk < input->len ? how.chunk : input->len;
    /* A copy of its own size, so that the sanitizer sees reads past it. */
    char *copy = malloc(n > 0 ? n : 1);
    must(copy != NULL);
    if (n > 0) memcpy(copy, input->data, n);
    bool last = n == input->len && (!how.end_apart || n == 0);
    bool ok = eh_parser_feed(parser, copy, n, last, err);
    free(copy);
    input->data += n;
    input->len -= n;
    return ok;
}

static void put_columns(const eh_parser *parser, eh_buf *out)
{
    size_t count;
    const eh_slice *names = eh_parser_columns(parser, &count);
    must(eh_buf_append_str(out, "# ", NULL));
    for (size_t i = 0; i < count; i++) {
        if (i > 0) must(eh_buf_append_byte(out, '|', NULL));
        must(eh_buf_append(out, names[i].data, names[i].len, NULL));
    }
    must(eh_buf_append_byte(out, '\n', NULL));
}

/* Parses all of `input` and appends to `out`. An error ends it with a line "error: ...". */
static inline void csv_dump(const eh_csv_options *options, eh_slice input, csv_dump_how how,
                            eh_buf *out)
{
    eh_err err = {.class_ = EH_OK};
    eh_batch batch;
    must(eh_batch_init(&batch, (size_t)1 << 30, &err));
    eh_parser *parser = eh_csv_new(options, &err);
    eh_parse got = parser != NULL ? EH_PARSE_MORE : EH_PARSE_ERROR;
    bool ended = false;
    eh_buf rows;
    eh_buf_init(&rows, out->max);
    while (parser != NULL) {
        got = eh_parser_next(parser, &batch, &err);
        if (got == EH_PARSE_BATCH) put_batch(&batch, how, &rows);
        if (got == EH_PARSE_END || got == EH_PARSE_ERROR) break;
        if (got != EH_PARSE_MORE) continue;
        must(!ended); /* it must not ask again after the end */
        ended = input.len <= (how.chunk != 0 ? how.chunk : input.len) &&
                (!how.end_apart || input.len == 0);
        if (!feed_some(parser, &input, how, &err)) {
            got = EH_PARSE_ERROR;
            break;
        }
    }
    if (parser != NULL) put_columns(parser, out);
    must(rows.len == 0 || eh_buf_append(out, rows.data, rows.len, NULL));
    if (got == EH_PARSE_ERROR)
        must(eh_buf_printf(out, NULL, "error: %s: %s\n", eh_class_name(err.class_),
                           err.message));
    eh_buf_free(&rows);
    eh_parser_free(parser);
    eh_batch_free(&batch);
}

/* ---- for the tests ---- */

#define OUT_MAX ((size_t)64 << 20)

static inline eh_slice bytes(const char *text, size_t len)
{
    return eh_slice_of(text, len);
}

/* Text with its NULs. */
#define BYTES(literal) bytes(literal, sizeof(literal) - 1)

static inline void parse_to(const eh_csv_options *options, eh_slice input, csv_dump_how how,
                            eh_buf *out)
{
    eh_buf_free(out);
    eh_buf_init(out, OUT_MAX);
    csv_dump(options, input, how, out);
}

/* Text, all of it ASCII or given as units, as UTF-16. */
static inline size_t utf16(bool big, const uint16_t *units, size_t count, char *out)
{
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = (char)(big ? units[i] >> 8 : units[i] & 0xff);
        out[2 * i + 1] = (char)(big ? units[i] & 0xff : units[i] >> 8);
    }
    return 2 * count;
}

/* What a parser gives that begins where `batch` ends; without the line of columns. */
static inline void csv_dump_rest(const eh_csv_options *options, const eh_parser *parser,
                                 const eh_batch *batch, eh_slice input, eh_buf *out)
{
    eh_csv_options o = *options;
    o.from = eh_parse_after(batch);
    o.delimiter = eh_csv_delimiter(parser);
    o.encoding = eh_csv_encoding_of(parser);
    o.columns = eh_parser_columns(parser, &o.column_count);
    eh_slice rest = eh_slice_of(input.data + o.from.offset, input.len - (size_t)o.from.offset);
    parse_to(&o, rest, (csv_dump_how){.with_place = true}, out);
    eh_buf columns;
    eh_buf_init(&columns, OUT_MAX);
    put_columns(parser, &columns);
    must(out->len >= columns.len && memcmp(out->data, columns.data, columns.len) == 0);
    eh_buf_consume(out, columns.len);
    eh_buf_free(&columns);
}

static inline bool same(const eh_buf *all, size_t from, const eh_buf *part)
{
    return part->len == all->len - from &&
           (part->len == 0 || memcmp(all->data + from, part->data, part->len) == 0);
}

/* Aborts unless a parser that begins at any batch's end gives what the first one gives from
 * there on. Returns the number of batches. */
static inline size_t csv_goes_on(const eh_csv_options *options, eh_slice input)
{
    csv_dump_how how = {.with_place = true};
    eh_batch batch;
    eh_buf whole, rest, so_far;
    eh_buf_init(&whole, OUT_MAX);
    eh_buf_init(&rest, OUT_MAX);
    eh_buf_init(&so_far, OUT_MAX);
    parse_to(options, input, how, &whole);
    must(eh_batch_init(&batch, (size_t)1 << 30, NULL));
    eh_parser *p = eh_csv_new(options, NULL);
    must(p != NULL);
    /* A declared encoding that the first bytes belie is refused before any row. */
    bool fed = eh_parser_feed(p, input.data, input.len, true, NULL);
    uint64_t end = 0;
    size_t batches = 0;
    for (; fed && eh_parser_next(p, &batch, NULL) == EH_PARSE_BATCH; batches++) {
        must(batches == 0 || batch.start == end);
        end = batch.end;
        put_batch(&batch, how, &so_far);
        size_t count;
        if (eh_parser_columns(p, &count) == NULL) continue;
        rest.len = 0;
        put_columns(p, &rest);
        size_t head = rest.len;
        csv_dump_rest(options, p, &batch, input, &rest);
        must(same(&whole, head + so_far.len, &rest));
    }
    eh_parser_free(p);
    eh_batch_free(&batch);
    eh_buf_free(&whole);
    eh_buf_free(&rest);
    eh_buf_free(&so_far);
    return batches;
}

#endif
