/* tests/bench/bench_csv.c: how fast CSV is scanned and parsed, in MB/s of one core.
 *
 * bench_csv [FILE] [SIMD]: without a file, 64 MB of 14 columns with a median field of 8 bytes,
 * made here. Prints the best of seven rounds. Not part of the tests. */
#include "base/clock.h"
#include "data/csv_scan.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 7, CHUNK = 1 << 20, MADE_BYTES = 64 << 20 };

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_csv: %s\n", what);
    exit(1);
}

static uint32_t draw(uint32_t *x)
{
    *x = *x * 1664525 + 1013904223;
    return *x >> 8;
}

static void make_row(eh_buf *out, uint32_t *x, uint32_t row, bool quoted)
{
    const char *q = quoted ? "\"" : "";
    bool ok = eh_buf_printf(out, NULL, "%s%u%s,2024-%02u-%02u %02u:%02u:%02u,", q, row + 100000,
                            q, draw(x) % 12 + 1, draw(x) % 28 + 1, draw(x) % 24, draw(x) % 60,
                            draw(x) % 60);
    for (int i = 0; ok && i < 11; i++) {
        uint32_t kind = draw(x) % 8;
        if (kind == 0)
            ok = eh_buf_printf(out, NULL, ",");
        else if (kind < 4)
            ok =
                eh_buf_printf(out, NULL, "%s%u.%02u%s,", q, draw(x) % 100000, draw(x) % 100, q);
        else
            ok = eh_buf_printf(out, NULL, "%s%.*s%s,", q, (int)(draw(x) % 12 + 3),
                               "campaign_name_of_x", q);
    }
    if (!ok || !eh_buf_printf(out, NULL, "%u\n", draw(x) % 1000)) die("no memory");
}

static void make_input(eh_buf *out, bool quoted)
{
    uint32_t x = 1;
    if (!eh_buf_append_str(out, "id,at,c,d,e,f,g,h,i,j,k,l,m,n\n", NULL)) die("no memory");
    for (uint32_t row = 0; out->len < MADE_BYTES; row++) make_row(out, &x, row, quoted);
}

static void read_input(eh_buf *out, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) die("cannot open the file");
    size_t n;
    do {
        if (!eh_buf_reserve(out, CHUNK, NULL)) die("no memory");
        n = fread(out->data + out->len, 1, CHUNK, file);
        out->len += n;
    } while (n > 0);
    (void)fclose(file);
}

static void scan_all(const eh_buf *in, int simd, uint32_t *index, size_t *marks)
{
    eh_csv_scan_fn *scan = eh_csv_scan_for(simd);
    if (scan == NULL) die("no such SIMD level here");
    for (size_t at = 0; at < in->len; at += EH_CSV_SEGMENT) {
        size_t left = in->len - at;
        unsigned flags;
        *marks += scan(in->data, at, at + (left < EH_CSV_SEGMENT ? left : EH_CSV_SEGMENT), ',',
                       '"', index, &flags);
    }
}

static size_t parse_all(const eh_buf *in, int simd, size_t *dead)
{
    eh_err err = {.class_ = EH_OK};
    eh_csv_options options = {.simd = simd};
    eh_batch batch;
    eh_parser *parser = eh_csv_new(&options, &err);
    size_t at = 0, rows = 0;
    if (parser == NULL || !eh_batch_init(&batch, (size_t)1 << 28, &err)) die(err.message);
    for (;;) {
        eh_parse got = eh_parser_next(parser, &batch, &err);
        if (got == EH_PARSE_END) break;
        if (got == EH_PARSE_ERROR) die(err.message);
        rows += batch.rows;
        *dead += batch.dead_count;
        if (got != EH_PARSE_MORE) continue;
        size_t n = in->len - at < CHUNK ? in->len - at : CHUNK;
        if (!eh_parser_feed(parser, in->data + at, n, at + n == in->len, &err))
            die(err.message);
        at += n;
    }
    eh_batch_free(&batch);
    eh_parser_free(parser);
    return rows;
}

static void report(const char *name, const eh_buf *in, int simd)
{
    eh_clock clock = eh_clock_system();
    uint32_t *index = malloc((EH_CSV_SEGMENT + EH_CSV_INDEX_SLACK) * sizeof *index);
    if (index == NULL) die("no memory");
    int64_t scan_us = INT64_MAX, parse_us = INT64_MAX;
    size_t marks = 0, rows = 0, dead = 0;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t start = eh_clock_monotonic(&clock);
        marks = dead = 0;
        scan_all(in, simd, index, &marks);
        int64_t middle = eh_clock_monotonic(&clock);
        rows = parse_all(in, simd, &dead);
        int64_t end = eh_clock_monotonic(&clock);
        if (middle - start < scan_us) scan_us = middle - start;
        if (end - middle < parse_us) parse_us = end - middle;
    }
    free(index);
    printf("%-8s simd %d: %zu bytes, %zu marks, %zu rows, %zu dead; scan %.0f MB/s, parse %.0f "
           "MB/s\n",
           name, simd, in->len, marks, rows, dead, (double)in->len / (double)(scan_us + 1),
           (double)in->len / (double)(parse_us + 1));
}

int main(int argc, char **argv)
{
    int simd = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;
    for (int quoted = 0; quoted <= (argc > 1 ? 0 : 1); quoted++) {
        eh_buf in;
        eh_buf_init(&in, (size_t)4 << 30);
        if (argc > 1 && argv[1][0] != '-')
            read_input(&in, argv[1]);
        else
            make_input(&in, quoted != 0);
        report(argc > 1 ? "file" : quoted != 0 ? "quoted" : "plain", &in, simd);
        eh_buf_free(&in);
    }
    return 0;
}
