/* Fuzz target: whole rows of any cells through both encoders of COPY. What comes out is
 * well-formed as the server's manual says ("COPY", File Formats), and binary and text say the
 * same. (That the server takes it, and stores what was written, is tested against one:
 * tests/c/test_copyenc_server.c.) */
#include "data/copyenc.h"
#include "data/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS_MAX = 6 };

static void demand(bool truth)
{
    if (!truth) abort();
}

static uint32_t big_endian(const unsigned char *p, size_t bytes)
{
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; i++) value = value << 8 | p[i];
    return value;
}

/* ---- what a field may be --------------------------------------------------------------------
 */

/* numeric_recv: ndigits, weight, sign, dscale, then digits below 10,000. */
static void check_numeric(const unsigned char *p, size_t len)
{
    demand(len >= 8);
    size_t digits = big_endian(p, 2);
    uint32_t sign = big_endian(p + 4, 2);
    demand(len == 8 + 2 * digits && (sign == 0 || sign == 0x4000));
    demand(big_endian(p + 6, 2) <= 16383);
    for (size_t i = 0; i < digits; i++) demand(big_endian(p + 8 + 2 * i, 2) < 10000);
    if (digits > 0) demand(big_endian(p + 8, 2) != 0); /* as the server keeps it */
}

static void check_field(eh_pg_kind kind, const unsigned char *p, size_t len)
{
    static const uint8_t sizes[] = {
        [EH_PG_BOOL] = 1,      [EH_PG_INT2] = 2,        [EH_PG_INT4] = 4,  [EH_PG_INT8] = 8,
        [EH_PG_FLOAT4] = 4,    [EH_PG_FLOAT8] = 8,      [EH_PG_DATE] = 4,  [EH_PG_TIME] = 8,
        [EH_PG_TIMESTAMP] = 8, [EH_PG_TIMESTAMPTZ] = 8, [EH_PG_UUID] = 16, [EH_PG_BYTEA] = 0};
    if (sizes[kind] != 0) demand(len == sizes[kind]);
    if (kind == EH_PG_BOOL) demand(p[0] <= 1);
    if (kind == EH_PG_NUMERIC) check_numeric(p, len);
    bool twice;
    if (kind == EH_PG_JSON)
        demand(eh_json_check(eh_slice_of((const char *)p, len), &twice, NULL));
    if (kind == EH_PG_JSONB)
        demand(len > 1 && p[0] == 1 &&
               eh_json_check(eh_slice_of((const char *)p + 1, len - 1), &twice, NULL));
}

/* The count of fields, then each with its length; nothing behind. */
static void check_binary(eh_slice row, const eh_pg_column *columns, size_t count,
                         const eh_cell *const *pick)
{
    const unsigned char *p = (const unsigned char *)row.data, *end = p + row.len;
    demand(row.len >= 2 && big_endian(p, 2) == count);
    p += 2;
    for (size_t i = 0; i < count; i++) {
        demand(end - p >= 4);
        uint32_t len = big_endian(p, 4);
        p += 4;
        if (len == UINT32_MAX) {
            demand(!columns[i].not_null);
            continue;
        }
        demand(pick[i] != NULL && len <= (size_t)(end - p));
        check_field(columns[i].kind, p, len);
        p += len;
    }
    demand(p == end);
}

/* One line, its fields parted by tabs; what is special is escaped, and a field is \N exactly
 * where the binary row has a null. */
static void check_text(eh_slice line, eh_slice binary, size_t count)
{
    const unsigned char *b = (const unsigned char *)binary.data + 2;
    demand(line.len > 0 && line.data[line.len - 1] == '\n');
    demand(memchr(line.data, '\n', line.len - 1) == NULL);
    demand(memchr(line.data, '\r', line.len) == NULL);
    demand(!eh_slice_is(eh_slice_of(line.data, line.len - 1), "\\."));
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        size_t start = at;
        while (line.data[at] != '\t' && line.data[at] != '\n') {
            if (line.data[at] == '\\') demand(strchr("\\btnrfvN", line.data[++at]) != NULL);
            at++;
        }
        bool null = eh_slice_is(eh_slice_of(line.data + start, at - start), "\\N");
        uint32_t len = big_endian(b, 4);
        demand(null == (len == UINT32_MAX));
        b += 4 + (null ? 0 : len);
        demand(line.data[at] == (i + 1 < count ? '\t' : '\n'));
        at++;
    }
    demand(at == line.len);
}

/* ---- a row of the input ---------------------------------------------------------------------
 */

typedef struct input {
    const uint8_t *at;
    size_t left;
} input;

static uint8_t take(input *in)
{
    if (in->left == 0) return 0;
    in->left--;
    return *in->at++;
}

/* As a parser makes them: text is UTF-8 without NUL, JSON is JSON, numbers are numbers. */
static bool make_cell(input *in, eh_cell *cell)
{
    static const eh_cell_kind kinds[] = {EH_CELL_NULL,    EH_CELL_RAW,     EH_CELL_STRING,
                                         EH_CELL_NUMBER,  EH_CELL_BOOLEAN, EH_CELL_JSON,
                                         EH_CELL_INTEGER, EH_CELL_DOUBLE};
    *cell = (eh_cell){.kind = (uint8_t)kinds[take(in) % 8]};
    if (cell->kind == EH_CELL_BOOLEAN) cell->as.integer = take(in) & 1;
    if (cell->kind == EH_CELL_INTEGER || cell->kind == EH_CELL_DOUBLE) {
        uint64_t bits = 0;
        for (int i = 0; i < 8; i++) bits = bits << 8 | take(in);
        memcpy(&cell->as, &bits, sizeof bits);
    }
    if (!eh_cell_has_text(cell)) return true;
    size_t len = take(in);
    if (len > in->left) len = in->left;
    cell->len = (uint32_t)len;
    cell->as.text = (const char *)in->at;
    in->at += len;
    in->left -= len;
    bool twice = false;
    if (!eh_utf8_valid(cell->as.text, len) || memchr(cell->as.text, 0, len) != NULL)
        return false;
    if (cell->kind != EH_CELL_JSON && cell->kind != EH_CELL_NUMBER) return true;
    if (!eh_json_check(eh_cell_text(cell), &twice, NULL)) return false;
    if (twice) cell->flags = EH_CELL_DUPLICATE;
    return cell->kind == EH_CELL_JSON || cell->as.text[0] == '-' ||
           (cell->as.text[0] >= '0' && cell->as.text[0] <= '9');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in = {data, size};
    eh_pg_column columns[COLUMNS_MAX];
    eh_cell cells[COLUMNS_MAX];
    const eh_cell *pick[COLUMNS_MAX];
    size_t count = 1 + take(&in) % COLUMNS_MAX;
    for (size_t i = 0; i < count; i++) {
        uint8_t kind = take(&in), flags = take(&in);
        columns[i] = (eh_pg_column){.kind = (eh_pg_kind)(EH_PG_BOOL + kind % EH_PG_BYTEA),
                                    .typmod = -1,
                                    .not_null = (flags & 1) != 0,
                                    .declared = (flags & 2) != 0,
                                    .existed = (flags & 4) != 0,
                                    .may_pad = (flags & 8) != 0};
        if (flags & 16) columns[i].typmod = columns[i].kind == EH_PG_NUMERIC ? 655366 : 3;
        if (!make_cell(&in, &cells[i])) return 0;
        pick[i] = flags & 32 ? NULL : &cells[i];
    }
    eh_buf binary, text;
    size_t at[2] = {99, 99};
    const char *reason[2] = {NULL, NULL};
    eh_err err = {.class_ = EH_OK};
    eh_buf_init(&binary, 1 << 22);
    eh_buf_init(&text, 1 << 22);
    eh_encode one = eh_copy_binary_row(&binary, columns, count, pick, &at[0], &reason[0], &err);
    eh_encode other = eh_copy_text_row(&text, columns, count, pick, &at[1], &reason[1], &err);
    demand(one == other);
    if (one == EH_ENCODE_MISFIT) demand(at[0] == at[1] && at[0] < count && reason[0] != NULL);
    if (one == EH_ENCODE_OK) {
        check_binary(eh_buf_slice(&binary), columns, count, pick);
        check_text(eh_buf_slice(&text), eh_buf_slice(&binary), count);
    }
    eh_buf_free(&binary);
    eh_buf_free(&text);
    return 0;
}
