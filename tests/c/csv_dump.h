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
static void csv_dump(const eh_csv_options *options, eh_slice input, csv_dump_how how,
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

#endif
