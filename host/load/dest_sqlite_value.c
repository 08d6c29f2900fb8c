/* load/dest_sqlite_value.c: values of SQLite compared as what they are; see dest_sqlite_put.h.
 *
 * Everything but whole and floating numbers is kept as text, so that every digit stays; as text
 * '9' is above '10'. So the order of a cursor is worked out here, from the column's type. */
#include "data/convert.h"
#include "data/decimal.h"
#include "load/dest_sql.h"
#include "load/dest_sqlite_put.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define VALUE_MAX  ((size_t)1024)
#define US_PER_DAY INT64_C(86400000000)

eh_lite_cell eh_lite_column(const eh_sqlite_stmt *stmt, int column)
{
    eh_lite_cell cell = {.kind = eh_sqlite_kind_of(stmt, column)};
    switch (cell.kind) {
    case EH_SQLITE_NULL:
        break;
    case EH_SQLITE_INT:
        cell.integer = eh_sqlite_int(stmt, column);
        break;
    case EH_SQLITE_REAL:
        cell.real = eh_sqlite_real(stmt, column);
        break;
    case EH_SQLITE_TEXT:
    case EH_SQLITE_BLOB:
        cell.bytes = eh_sqlite_text(stmt, column);
        break;
    }
    return cell;
}

bool eh_lite_same(const eh_lite_cell *a, const eh_lite_cell *b)
{
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case EH_SQLITE_NULL:
        return true;
    case EH_SQLITE_INT:
        return a->integer == b->integer;
    case EH_SQLITE_REAL:
        /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): bit by bit, -0 is not 0 */
        return memcmp(&a->real, &b->real, sizeof a->real) == 0;
    default:
        return eh_slice_equal(a->bytes, b->bytes);
    }
}

static int order_of_bytes(eh_slice a, eh_slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.data, b.data, len) : 0;
    if (order != 0) return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

static bool read_time(const eh_lite_cell *cell, int64_t *us)
{
    bool has_zone;
    int64_t days;
    if (cell->kind != EH_SQLITE_TEXT) return false;
    if (eh_parse_timestamp(cell->bytes, &has_zone, us) || eh_parse_time(cell->bytes, us))
        return true;
    return eh_parse_date(cell->bytes, &days) && !__builtin_mul_overflow(days, US_PER_DAY, us);
}

enum { NUMBER_TEXT = 40 };

static bool read_number(const eh_lite_cell *cell, char scratch[NUMBER_TEXT], eh_decimal *out)
{
    eh_slice text = cell->bytes;
    if (cell->kind == EH_SQLITE_BLOB) return false;
    if (cell->kind == EH_SQLITE_INT) {
        int len = snprintf(scratch, NUMBER_TEXT, "%" PRId64, cell->integer);
        text = eh_slice_of(scratch, (size_t)len);
    } else if (cell->kind == EH_SQLITE_REAL) {
        int len = snprintf(scratch, NUMBER_TEXT, "%.17g", cell->real);
        text = eh_slice_of(scratch, (size_t)len);
    }
    return eh_decimal_parse(text, out);
}

static bool is_numeric(eh_type type)
{
    return type == EH_TYPE_BIGINT || type == EH_TYPE_NUMERIC || type == EH_TYPE_DOUBLE;
}

static bool is_temporal(eh_type type)
{
    return type == EH_TYPE_DATE || type == EH_TYPE_TIME || type == EH_TYPE_TIMESTAMP ||
           type == EH_TYPE_DATETIME;
}

int eh_lite_order(eh_type type, const eh_lite_cell *a, const eh_lite_cell *b)
{
    if (a->kind == EH_SQLITE_NULL || b->kind == EH_SQLITE_NULL)
        return (a->kind != EH_SQLITE_NULL) - (b->kind != EH_SQLITE_NULL);
    if (a->kind == EH_SQLITE_INT && b->kind == EH_SQLITE_INT)
        return (a->integer > b->integer) - (a->integer < b->integer);
    if (a->kind == EH_SQLITE_REAL && b->kind == EH_SQLITE_REAL)
        return (a->real > b->real) - (a->real < b->real);
    char scratch[2][NUMBER_TEXT];
    eh_decimal number[2];
    int64_t us[2];
    bool numbers = is_numeric(type) || a->kind <= EH_SQLITE_REAL || b->kind <= EH_SQLITE_REAL;
    if (numbers && read_number(a, scratch[0], &number[0]) &&
        read_number(b, scratch[1], &number[1]))
        return eh_decimal_compare(&number[0], &number[1]);
    if (is_temporal(type) && read_time(a, &us[0]) && read_time(b, &us[1]))
        return (us[0] > us[1]) - (us[0] < us[1]);
    /* As SQLite orders what is of different kinds. */
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    return order_of_bytes(a->bytes, b->bytes);
}

static bool is_word_for_true(eh_slice text)
{
    static const char *const words[] = {"true", "t", "yes", "y", "1"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text.len == strlen(words[i]) && strncasecmp(text.data, words[i], text.len) == 0)
            return true;
    return false;
}

bool eh_lite_is_true(eh_type type, const eh_lite_cell *cell)
{
    char scratch[NUMBER_TEXT];
    eh_decimal number;
    switch (cell->kind) {
    case EH_SQLITE_NULL:
        return false;
    case EH_SQLITE_INT:
        return cell->integer != 0;
    case EH_SQLITE_REAL:
        return cell->real < 0 || cell->real > 0;
    default:
        break;
    }
    if (type == EH_TYPE_BOOLEAN) return eh_slice_is(cell->bytes, "true");
    if (type == EH_TYPE_TEXT) return is_word_for_true(cell->bytes);
    if (is_numeric(type)) return read_number(cell, scratch, &number) && !number.is_zero;
    return true;
}

bool eh_lite_spell_key(eh_buf *out, const eh_column_info *column, size_t parameter, eh_err *err)
{
    eh_buf value;
    eh_buf_init(&value, VALUE_MAX);
    bool ok = parameter > 0 ? eh_buf_printf(&value, err, "?%zu", parameter)
                            : eh_sql_identifier(&value, column->name, err);
    ok = ok && (eh_buf_cstr(&value) != NULL || eh_fail_memory(err, "a statement"));
    eh_sql_var vars[] = {{"value", value.data}};
    ok = ok && (column->type == EH_TYPE_NUMERIC
                    ? eh_sql_expand("sqlite", "key_number", vars, 1, out, err)
                    : eh_buf_append_str(out, value.data, err));
    eh_buf_free(&value);
    return ok;
}

eh_slice eh_lite_key_bytes(eh_type type, eh_slice bytes)
{
    if (type != EH_TYPE_NUMERIC || bytes.len == 0 || memchr(bytes.data, '.', bytes.len) == NULL)
        return bytes;
    while (bytes.data[bytes.len - 1] == '0') bytes.len--;
    if (bytes.data[bytes.len - 1] == '.') bytes.len--;
    return bytes;
}
