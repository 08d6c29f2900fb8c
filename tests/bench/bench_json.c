/* tests/bench/bench_json.c: how fast flat JSON records become cells. Not a test: prints MB a
 * second of processor time, the best of five rounds, for lines, an array and a document. */
#include "base/buf.h"
#include "data/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RECORDS = 500000, CHUNK = 1024 * 1024, ROUNDS = 5 };

static bool add_record(eh_buf *out, unsigned n, eh_err *err)
{
    return eh_buf_printf(
        out, err,
        "{\"id\":%u,\"created_at\":\"2024-03-%02uT10:%02u:%02uZ\",\"email\":\"user%u@example."
        "com\","
        "\"amount\":%u.%02u,\"currency\":\"EUR\",\"country\":\"DE\",\"active\":%s,"
        "\"campaign\":\"spring sale \\\"%u\\\"\",\"clicks\":%u,\"note\":null,"
        "\"referrer\":\"https://www.example.com/landing/page?utm_source=mail&n=%u\","
        "\"user_agent\":\"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101\"}",
        1000000 + n, n % 28 + 1, n % 60, n * 7 % 60, n * 31 % 100000, n % 1000, n % 100,
        n % 3 == 0 ? "true" : "false", n % 50, n * 13 % 777, n);
}

static bool make_input(eh_buf *out, const char *open, const char *between, const char *close)
{
    eh_err err = {.class_ = EH_OK};
    if (!eh_buf_append_str(out, open, &err)) return false;
    for (unsigned n = 0; n < RECORDS; n++) {
        if (n > 0 && !eh_buf_append_str(out, between, &err)) return false;
        if (!add_record(out, n, &err)) return false;
    }
    return eh_buf_append_str(out, close, &err);
}

static bool run(const eh_buf *input, eh_json_shape shape, size_t *rows, eh_err *err)
{
    eh_json_options options = {.shape = shape};
    if (shape == EH_JSON_DOCUMENT) options.path = eh_slice_str("data");
    eh_batch batch;
    eh_parser *parser = eh_json_new(&options, err);
    bool good = eh_batch_init(&batch, (size_t)64 * 1024 * 1024, err) && parser != NULL;
    size_t at = 0;
    *rows = 0;
    while (good) {
        eh_parse parse = eh_parser_next(parser, &batch, err);
        if (parse == EH_PARSE_END) break;
        if (parse == EH_PARSE_BATCH) *rows += batch.rows;
        if (parse == EH_PARSE_ERROR) good = false;
        if (parse != EH_PARSE_MORE) continue;
        size_t len = input->len - at < CHUNK ? input->len - at : CHUNK;
        good = eh_parser_feed(parser, input->data + at, len, at + len == input->len, err);
        at += len;
    }
    eh_parser_free(parser);
    eh_batch_free(&batch);
    return good;
}

static int bench(const char *name, eh_json_shape shape, const char *open, const char *between,
                 const char *close)
{
    eh_buf input;
    eh_err err = {.class_ = EH_OK};
    eh_buf_init(&input, (size_t)1024 * 1024 * 1024);
    double best = 0;
    size_t rows = 0;
    bool good = make_input(&input, open, between, close);
    for (int i = 0; good && i < ROUNDS; i++) {
        clock_t start = clock();
        good = run(&input, shape, &rows, &err);
        double seconds = (double)(clock() - start + 1) / CLOCKS_PER_SEC;
        double rate = (double)input.len / 1e6 / seconds;
        if (rate > best) best = rate;
    }
    if (good)
        printf("%-10s %7.0f MB/s  (%zu rows, %zu bytes each)\n", name, best, rows,
               input.len / RECORDS);
    else
        printf("%-10s failed: %s\n", name, err.message);
    eh_buf_free(&input);
    return good ? 0 : 1;
}

int main(void)
{
    return bench("lines", EH_JSON_LINES, "", "\n", "\n") |
           bench("array", EH_JSON_ARRAY, "[", ",", "]") |
           bench("document", EH_JSON_DOCUMENT, "{\"data\":[", ",", "]}");
}
