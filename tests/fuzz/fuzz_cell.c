/* Fuzz target: one cell of any bytes into every type and every kind of column.
 *
 * Undeclared conversion must agree with inference; a value that inference sees must print back
 * as it came; a canonical numeric must encode the same in one pass as in two. Cells lie at the
 * end of their memory, so that reading past one is seen. */
#include "data/convert.h"
#include "data/copyenc_numeric.h"
#include "data/infer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth)
{
    if (!truth) abort();
}

/* Number cells are checked by the JSON parser before; here any bytes come as text. */
static const eh_cell_kind kinds[] = {EH_CELL_RAW, EH_CELL_STRING};

static void check_print(eh_type type, const eh_value *value, eh_slice text)
{
    char out[64];
    size_t len = 0;
    if (type == EH_TYPE_BIGINT)
        len = (size_t)snprintf(out, sizeof out, "%" PRId64, value->as.integer);
    if (type == EH_TYPE_DATE) len = eh_print_date(value->as.integer, out);
    if (type == EH_TYPE_TIME) len = eh_print_time(value->as.integer, out);
    if (len > 0) demand(eh_slice_equal(eh_slice_of(out, len), text));
    if (type == EH_TYPE_NUMERIC || type == EH_TYPE_TEXT)
        demand(eh_slice_equal(value->as.text, text));
}

static void check_types(const eh_cell *cell)
{
    eh_type inferred = eh_infer_cell(cell);
    eh_scratch scratch;
    eh_value value;
    demand(eh_infer_reason(cell) != NULL);
    for (eh_type type = EH_TYPE_BOOLEAN; type < EH_TYPE_COUNT; type++) {
        const char *reason = NULL;
        bool fits = eh_convert(cell, type, false, &scratch, &value, &reason);
        demand(fits == (reason == NULL));
        if (type == inferred && fits) check_print(type, &value, eh_cell_text(cell));
        bool judged =
            type < EH_TYPE_JSON || (type == EH_TYPE_TEXT && cell->kind == EH_CELL_RAW);
        if (judged) demand(fits == (eh_infer_join(inferred, type) == type));
        bool wide = eh_convert(cell, type, true, &scratch, &value, &reason);
        demand(wide || !fits);
    }
}

static void check_columns(const eh_cell *cell)
{
    eh_buf out;
    eh_err err = {.class_ = EH_OK};
    const char *reason;
    size_t at;
    eh_buf_init(&out, 1 << 22);
    for (eh_pg_kind kind = EH_PG_BOOL; kind <= EH_PG_BYTEA; kind++) {
        const eh_pg_column column = {.kind = kind,
                                     .typmod = kind == EH_PG_NUMERIC ? 655366 : 7};
        out.len = 0;
        eh_encode binary = eh_copy_binary_row(&out, &column, 1, &cell, &at, &reason, &err);
        out.len = 0;
        demand(binary == eh_copy_text_row(&out, &column, 1, &cell, &at, &reason, &err));
    }
    eh_buf_free(&out);
}

static void check_numeric(eh_slice text)
{
    const eh_pg_column column = {.kind = EH_PG_NUMERIC, .typmod = -1};
    char one[64], two[64];
    size_t len = eh_copy_try_numeric(&column, text.data, text.len, one);
    if (len == 0) return;
    demand(eh_copy_put_numeric(text, two) == len && memcmp(one, two, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = malloc(size > 0 ? size : 1);
    if (exact == NULL) return 0;
    if (size > 0) memcpy(exact, data, size);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        eh_cell cell = {.kind = (uint8_t)kinds[i], .len = (uint32_t)size, .as.text = exact};
        check_types(&cell);
        check_columns(&cell);
    }
    check_numeric(eh_slice_of(exact, size));
    free(exact);
    return 0;
}
