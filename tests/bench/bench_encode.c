/* bench_encode: raw cells of typical order rows to binary COPY, in nanoseconds of CPU a cell.
 *
 *   make build/libetlhost.a && gcc -O2 -Ihost -o build/bench_encode tests/bench/bench_encode.c
 * \ build/libetlhost.a -lstdc++ -lsimdjson -lm && build/bench_encode [rows]
 *
 * The rows are varied (1024 different ones), so that no branch predictor learns them by heart.
 */
#include "data/copyenc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { COLUMNS = 14, DISTINCT = 1024, WIDTH = 48 };

static const eh_pg_kind kinds[COLUMNS] = {
    EH_PG_INT8, EH_PG_TEXT, EH_PG_TEXT,    EH_PG_NUMERIC,     EH_PG_NUMERIC,
    EH_PG_TEXT, EH_PG_INT8, EH_PG_BOOL,    EH_PG_TIMESTAMPTZ, EH_PG_TIMESTAMPTZ,
    EH_PG_DATE, EH_PG_TEXT, EH_PG_NUMERIC, EH_PG_TEXT};
static const char *const names[COLUMNS] = {
    "order id", "order name", "email",      "total", "tax",     "currency", "quantity",
    "paid",     "created_at", "updated_at", "day",   "country", "discount", "note"};

static uint64_t seed = 88172645463325252U;

static uint64_t below(uint64_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % limit;
}

static void write_row(char text[COLUMNS][WIDTH])
{
    unsigned day = 1 + (unsigned)below(28), hour = (unsigned)below(24);
    snprintf(text[0], WIDTH, "%" PRIu64, 5000000000000 + below(1000000000));
    snprintf(text[1], WIDTH, "#%u", 1000 + (unsigned)below(90000));
    snprintf(text[2], WIDTH, "customer%u@example.com", (unsigned)below(100000));
    snprintf(text[3], WIDTH, "%u.%02u", (unsigned)below(below(2) ? 100 : 2000),
             (unsigned)below(100));
    snprintf(text[4], WIDTH, "%u.%02u", (unsigned)below(100), (unsigned)below(100));
    snprintf(text[5], WIDTH, "%s", below(3) == 0 ? "EUR" : "USD");
    snprintf(text[6], WIDTH, "%u", 1 + (unsigned)below(12));
    snprintf(text[7], WIDTH, "%s", below(4) == 0 ? "false" : "true");
    snprintf(text[8], WIDTH, "2024-0%u-%02uT%02u:15:%02uZ", 1 + (unsigned)below(9), day, hour,
             (unsigned)below(60));
    snprintf(text[9], WIDTH, "2024-0%u-%02u %02u:15:%02u.%03u+02:00", 1 + (unsigned)below(9),
             day, hour, (unsigned)below(60), (unsigned)below(1000));
    snprintf(text[10], WIDTH, "2024-0%u-%02u", 1 + (unsigned)below(9), day);
    snprintf(text[11], WIDTH, "%s", below(2) == 0 ? "Germany" : "United States");
    snprintf(text[12], WIDTH, "%u.%02u", (unsigned)below(10), (unsigned)below(100));
    snprintf(text[13], WIDTH, "%.*s", (int)below(40),
             "gift wrap, leave at the back door please");
}

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Encodes `rows` rows of the `count` columns from `first` on; nanoseconds a cell. */
static double measure(const eh_cell *cells, size_t first, size_t count, size_t rows,
                      size_t *bytes)
{
    eh_pg_column columns[COLUMNS];
    const eh_cell *pick[COLUMNS];
    eh_err err = {.class_ = EH_OK};
    eh_buf out;
    eh_buf_init(&out, 1 << 20);
    for (size_t c = 0; c < count; c++)
        columns[c] = (eh_pg_column){.kind = kinds[first + c], .typmod = -1};
    *bytes = 0;
    double start = cpu_ns();
    for (size_t r = 0; r < rows; r++) {
        const eh_cell *row = cells + r % DISTINCT * COLUMNS + first;
        size_t at;
        const char *reason;
        for (size_t c = 0; c < count; c++) pick[c] = row + c;
        if (eh_copy_binary_row(&out, columns, count, pick, &at, &reason, &err) != EH_ENCODE_OK)
            exit(1);
        if (out.len < (1 << 19)) continue;
        *bytes += out.len; /* as if it had been sent */
        out.len = 0;
    }
    double took = cpu_ns() - start;
    *bytes += out.len;
    eh_buf_free(&out);
    return took / (double)(rows * count);
}

int main(int argc, char **argv)
{
    static char text[DISTINCT][COLUMNS][WIDTH];
    static eh_cell cells[DISTINCT * COLUMNS];
    size_t rows = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 2000000, bytes;
    for (size_t r = 0; r < DISTINCT; r++) {
        write_row(text[r]);
        for (size_t c = 0; c < COLUMNS; c++)
            cells[r * COLUMNS + c] = (eh_cell){.kind = EH_CELL_RAW,
                                               .len = (uint32_t)strlen(text[r][c]),
                                               .as.text = text[r][c]};
    }
    for (size_t c = 0; c < COLUMNS; c++)
        printf("%-12s %6.1f ns\n", names[c], measure(cells, c, 1, rows / 4, &bytes));
    double cell = measure(cells, 0, COLUMNS, rows, &bytes);
    printf("%-12s %6.1f ns a cell, %.1f million cells/s, %.0f MB/s out\n", "the row", cell,
           1e3 / cell, (double)bytes / (cell * (double)(rows * COLUMNS)) * 1e3);
    return 0;
}
