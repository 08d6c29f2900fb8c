/* tests/c/test_print.c: rows and schemas as text, whole outputs compared. */
#include "data/print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MOST_COLUMNS = 12 };

typedef struct fixture {
    eh_buf out;
    eh_err err;
    eh_printer *printer;
} fixture;

static eh_cell raw(const char *text)
{
    return (eh_cell){.kind = EH_CELL_RAW, .len = (uint32_t)strlen(text), .as.text = text};
}

static eh_cell cell_of(uint8_t kind, const char *text)
{
    return (eh_cell){.kind = kind, .len = (uint32_t)strlen(text), .as.text = text};
}

static const eh_cell null_cell = {.kind = EH_CELL_NULL};
static const eh_cell absent = {.kind = EH_CELL_ABSENT};

static void begin(fixture *f, eh_print_format format, size_t width, const char *const *names,
                  const eh_type *types, size_t count)
{
    eh_slice slices[MOST_COLUMNS];
    for (size_t i = 0; i < count; i++) slices[i] = eh_slice_str(names[i]);
    eh_printer_free(f->printer);
    f->out.len = 0;
    f->printer = eh_printer_new(format, width, &f->out, &f->err);
    assert_non_null(f->printer);
    assert_true(eh_printer_begin(f->printer, slices, types, count, &f->err));
}

static void add_row(fixture *f, const eh_cell *cells, size_t count)
{
    const eh_cell *pick[MOST_COLUMNS];
    for (size_t i = 0; i < count; i++) pick[i] = &cells[i];
    assert_true(eh_printer_row(f->printer, pick, &f->err));
}

#define ROW(f, ...)                                                                            \
    do {                                                                                       \
        const eh_cell cells_[] = {__VA_ARGS__};                                                \
        add_row(f, cells_, sizeof cells_ / sizeof *cells_);                                    \
    } while (0)

static void end(fixture *f, const char *expected)
{
    assert_true(eh_printer_end(f->printer, &f->err));
    if (!eh_slice_is(eh_buf_slice(&f->out), expected))
        fail_msg("got:\n%.*s\nexpected:\n%s", EH_SLICE_FMT(eh_buf_slice(&f->out)), expected);
}

static const char *const six[] = {"id", "paid", "ok", "at", "data", "note"};
static const eh_type six_types[] = {EH_TYPE_BIGINT,    EH_TYPE_NUMERIC, EH_TYPE_BOOLEAN,
                                    EH_TYPE_TIMESTAMP, EH_TYPE_JSON,    EH_TYPE_TEXT};

static void add_six(fixture *f)
{
    ROW(f, raw("1"), raw("12.10"), raw("true"), raw("2026-01-02T03:04:05+01:00"),
        cell_of(EH_CELL_JSON, "{\"a\":\n [1.50]}"), raw("say \"hi\", x"));
    ROW(f, cell_of(EH_CELL_NUMBER, "2"), cell_of(EH_CELL_NUMBER, "98765432109876543210.10"),
        {.kind = EH_CELL_BOOLEAN}, {.kind = EH_CELL_TIME_US, .as.integer = 500000}, null_cell,
        cell_of(EH_CELL_STRING, ""));
    ROW(f, null_cell, raw("x"), absent, null_cell, absent, cell_of(EH_CELL_NUMBER, "007"));
}

static void test_ndjson(void **state)
{
    fixture *f = *state;
    begin(f, EH_PRINT_NDJSON, 0, six, six_types, 6);
    add_six(f);
    end(f, "{\"id\":1,\"paid\":12.10,\"ok\":true,\"at\":\"2026-01-02T02:04:05Z\","
           "\"data\":{\"a\":  [1.50]},\"note\":\"say \\\"hi\\\", x\"}\n"
           "{\"id\":2,\"paid\":98765432109876543210.10,\"ok\":false,"
           "\"at\":\"1970-01-01T00:00:00.500Z\",\"data\":null,\"note\":\"\"}\n"
           "{\"id\":null,\"paid\":\"x\",\"at\":null,\"note\":\"007\"}\n");
}

static void test_csv(void **state)
{
    fixture *f = *state;
    begin(f, EH_PRINT_CSV, 0, six, six_types, 6);
    add_six(f);
    ROW(f, raw("3"), null_cell, null_cell, null_cell, null_cell, raw(" lead\nline"));
    end(f, "id,paid,ok,at,data,note\n"
           "1,12.10,true,2026-01-02T02:04:05Z,\"{\"\"a\"\":\n [1.50]}\",\"say \"\"hi\"\", x\"\n"
           "2,98765432109876543210.10,false,1970-01-01T00:00:00.500Z,,\"\"\n"
           ",x,,,,007\n"
           "3,,,,,\" lead\nline\"\n");
}

/* A declared double may be spelt in a way that JSON does not know. */
static void test_json_numbers(void **state)
{
    fixture *f = *state;
    static const char *const names[] = {"d"};
    static const eh_type types[] = {EH_TYPE_DOUBLE};
    begin(f, EH_PRINT_NDJSON, 0, names, types, 1);
    ROW(f, raw("1.5e3"));
    ROW(f, raw("0.10"));
    ROW(f, raw("007"));
    ROW(f, (eh_cell){.kind = EH_CELL_DOUBLE, .as.real = 0.1});
    ROW(f, raw("12abc"));
    end(f, "{\"d\":1.5e3}\n{\"d\":0.10}\n{\"d\":\"007\"}\n{\"d\":0.1}\n{\"d\":\"12abc\"}\n");
}

static void test_table(void **state)
{
    fixture *f = *state;
    static const char *const names[] = {"order", "amount", "name"};
    static const eh_type types[] = {EH_TYPE_BIGINT, EH_TYPE_NUMERIC, EH_TYPE_TEXT};
    begin(f, EH_PRINT_TABLE, 80, names, types, 3);
    ROW(f, raw("1"), raw("12.10"), raw("\xe6\x9d\xb1\xe4\xba\xac caf\xc3\xa9"));
    ROW(f, raw("1234567"), null_cell, raw("a\x1b[31m\tb\xe2\x80\xae\xff"));
    ROW(f, raw("3"), raw("5"), cell_of(EH_CELL_STRING, ""));
    end(f, "  order   amount  name\n"
           " bigint  numeric  text\n"
           "-------  -------  ----------------------\n"
           "      1    12.10  \xe6\x9d\xb1\xe4\xba\xac caf\xc3\xa9\n"
           "1234567     null  a\\x1b[31m\\tb\\u202e\\xff\n"
           "      3        5\n");
}

static void test_table_is_cut(void **state)
{
    fixture *f = *state;
    static const char *const names[] = {"id", "long", "longer", "tail"};
    static const eh_type types[] = {EH_TYPE_BIGINT, EH_TYPE_TEXT, EH_TYPE_TEXT, EH_TYPE_TEXT};
    begin(f, EH_PRINT_TABLE, 40, names, types, 4);
    ROW(f, raw("1"), raw("abcdefghijklmnopqrstuvwxyz"),
        raw("\xe6\x9d\xb1\xe4\xba\xac\xe6\x9d\xb1\xe4\xba\xac\xe6\x9d\xb1\xe4\xba\xac\xe6\x9d"
            "\xb1"),
        raw("t"));
    end(f, "    id  long          longer        tail\n"
           "bigint  text          text          text\n"
           "------  ------------  ------------  ----\n"
           "     1  abcdefghijk\xe2\x80\xa6  "
           "\xe6\x9d\xb1\xe4\xba\xac\xe6\x9d\xb1\xe4\xba\xac\xe6\x9d\xb1\xe2\x80\xa6   t\n");
    begin(f, EH_PRINT_TABLE, 30, names, types, 4);
    ROW(f, raw("1"), raw("abcdefghijklmnopqrstuvwxyz"), raw("abcdefghijklmnopqrstuvwxyz"),
        raw("t"));
    end(f, "    id  long\n"
           "bigint  text\n"
           "------  ------------\n"
           "     1  abcdefghijk\xe2\x80\xa6\n"
           "2 more columns: longer, tail\n");
}

/* No line of a table is wider than the terminal, however many rows and columns there are. */
static void test_table_never_wider(void **state)
{
    fixture *f = *state;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    static const eh_type types[6] = {EH_TYPE_TEXT, EH_TYPE_TEXT, EH_TYPE_TEXT,
                                     EH_TYPE_TEXT, EH_TYPE_TEXT, EH_TYPE_TEXT};
    char wide[6][64];
    for (size_t width = 1; width < 120; width += 7) {
        begin(f, EH_PRINT_TABLE, width, names, types, 6);
        for (size_t r = 0; r < 300; r++) {
            eh_cell cells[6];
            for (size_t i = 0; i < 6; i++) {
                (void)snprintf(wide[i], sizeof wide[i], "%0*zu\xf0\x9f\x98\x80",
                               (int)((r + i * 7) % 40 + 1), r);
                cells[i] = raw(wide[i]);
            }
            add_row(f, cells, 6);
        }
        assert_true(eh_printer_end(f->printer, &f->err));
        size_t lines = 0;
        for (size_t at = 0; at < f->out.len;) {
            const char *line = f->out.data + at;
            size_t length = (size_t)((const char *)memchr(line, '\n', f->out.len - at) - line);
            bool note = length > 10 && memcmp(line + 1, " more colu", 10) == 0;
            if (!note) assert_in_range(eh_print_width(eh_slice_of(line, length)), 0, width);
            at += length + 1;
            lines += !note;
        }
        assert_int_equal(lines, 303);
    }
}

static void test_no_rows(void **state)
{
    fixture *f = *state;
    static const char *const names[] = {"a"};
    static const eh_type types[] = {EH_TYPE_UNKNOWN};
    begin(f, EH_PRINT_TABLE, 80, names, types, 1);
    assert_true(eh_printer_end(f->printer, &f->err));
    assert_int_equal(f->out.data[0], 'a');
    begin(f, EH_PRINT_CSV, 80, names, types, 1);
    end(f, "a\n");
    begin(f, EH_PRINT_NDJSON, 80, names, types, 1);
    end(f, "");
}

static void test_schema(void **state)
{
    fixture *f = *state;
    const eh_print_column columns[] = {
        {.name = eh_slice_str("order_id"),
         .type = EH_TYPE_TEXT,
         .rows = 3,
         .example = eh_slice_str("007"),
         .reason = "a leading zero would be lost"},
        {.name = eh_slice_str("amount"),
         .type = EH_TYPE_NUMERIC,
         .rows = 3,
         .nulls = 1,
         .example = eh_slice_str("12.10"),
         .reason = "digits after the point"},
        {.name = eh_slice_str("gone"), .type = EH_TYPE_TEXT, .rows = 3, .nulls = 3},
    };
    assert_true(eh_print_schema(columns, 3, 80, &f->out, &f->err));
    const char *expected = "column    type     nulls  example  reason\n"
                           "--------  -------  -----  -------  ----------------------------\n"
                           "order_id  text         0  007      a leading zero would be lost\n"
                           "amount    numeric      1  12.10    digits after the point\n"
                           "gone      text       all\n";
    if (!eh_slice_is(eh_buf_slice(&f->out), expected))
        fail_msg("got:\n%.*s", EH_SLICE_FMT(eh_buf_slice(&f->out)));
}

static void test_widths(void **state)
{
    (void)state;
    assert_int_equal(eh_print_width(eh_slice_str("")), 0);
    assert_int_equal(eh_print_width(eh_slice_str("abc")), 3);
    assert_int_equal(eh_print_width(eh_slice_str("\xc3\xa9")), 1);
    assert_int_equal(eh_print_width(eh_slice_str("e\xcc\x81")), 1);
    assert_int_equal(eh_print_width(eh_slice_str("\xe6\x9d\xb1")), 2);
    assert_int_equal(eh_print_width(eh_slice_str("\xf0\x9f\x98\x80")), 2);
    /* woman, joiner, laptop: drawn as one */
    assert_int_equal(
        eh_print_width(eh_slice_str("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb")), 2);
    assert_int_equal(eh_print_width(eh_slice_str("\xff\xc3")), 2);
}

static void test_format_names(void **state)
{
    (void)state;
    eh_print_format format;
    assert_true(eh_print_format_from_name(eh_slice_str("ndjson"), &format));
    assert_int_equal(format, EH_PRINT_NDJSON);
    assert_false(eh_print_format_from_name(eh_slice_str("json"), &format));
}

static void test_full_buffer(void **state)
{
    (void)state;
    static const eh_print_format formats[] = {EH_PRINT_TABLE, EH_PRINT_NDJSON, EH_PRINT_CSV};
    for (size_t i = 0; i < 3; i++) {
        eh_buf small;
        eh_err err = {0};
        eh_buf_init(&small, 8);
        eh_printer *p = eh_printer_new(formats[i], 80, &small, &err);
        eh_slice name = eh_slice_str("a_long_name");
        eh_type type = EH_TYPE_TEXT;
        eh_cell cell = raw("a long value");
        const eh_cell *pick[] = {&cell};
        assert_false(eh_printer_begin(p, &name, &type, 1, &err) &&
                     eh_printer_row(p, pick, &err) && eh_printer_end(p, &err));
        assert_int_equal(err.class_, EH_CLASS_LIMIT);
        eh_printer_free(p);
        eh_buf_free(&small);
    }
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (f == NULL) return -1;
    eh_buf_init(&f->out, 1 << 20);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    eh_printer_free(f->printer);
    eh_buf_free(&f->out);
    free(f);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ndjson),       TEST(test_csv),          TEST(test_json_numbers),
        TEST(test_table),        TEST(test_table_is_cut), TEST(test_table_never_wider),
        TEST(test_no_rows),      TEST(test_schema),       TEST(test_widths),
        TEST(test_format_names), TEST(test_full_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
