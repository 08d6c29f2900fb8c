/* tests/c/test_csv_cross.c: the CSV parser against a small reference parser, against itself cut
 * differently, and against itself begun in the middle. */
#include "csv_dump.h"
#include "data/csv_scan.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- against a reference ---- */

/* A second parser, one byte at a time, for two columns without a header. It prints what
 * csv_dump prints with places. */
typedef struct reference {
    const unsigned char *p;
    size_t len;
    size_t at;
    uint64_t line;
    uint64_t row;
    eh_buf cells;
} reference;

static bool ends_line(const reference *r, size_t at)
{
    return at < r->len && (r->p[at] == '\n' || r->p[at] == '\r');
}

static size_t after_line_end(const reference *r, size_t at)
{
    if (at >= r->len) return at;
    return at + (r->p[at] == '\r' && at + 1 < r->len && r->p[at + 1] == '\n' ? 2 : 1);
}

static uint64_t lines_in(const reference *r, size_t from, size_t to)
{
    uint64_t lines = 0;
    while (from < to)
        if (ends_line(r, from)) {
            from = after_line_end(r, from);
            lines++;
        } else {
            from++;
        }
    return lines;
}

/* Reads the code point at `at`; its length, or 0. */
static size_t code_point(const reference *r, size_t at, size_t end)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char c = r->p[at];
    size_t n = c < 0x80 ? 1 : c >> 5 == 6 ? 2 : c >> 4 == 14 ? 3 : c >> 3 == 30 ? 4 : 0;
    if (n == 0 || at + n > end) return 0;
    uint32_t value = n == 1 ? c : c & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        if (r->p[at + i] >> 6 != 2) return 0;
        value = value << 6 | (r->p[at + i] & 0x3f);
    }
    bool surrogate = value >= 0xd800 && value < 0xe000;
    return value < least[n] || value > 0x10ffff || surrogate ? 0 : n;
}

static const char *bad_byte(const reference *r, size_t from, size_t to)
{
    while (from < to) {
        if (r->p[from] == 0) return "nul_byte";
        size_t n = code_point(r, from, to);
        if (n == 0) return "invalid_utf8";
        from += n;
    }
    return NULL;
}

static void put(eh_buf *out, const void *data, size_t len)
{
    assert_true(eh_buf_append(out, data, len, NULL));
}

/* Reads a field at *at and prints it to r->cells. NULL, or what is wrong; *at is then the bad
 * quote or the end. */
static const char *reference_field(reference *r, size_t *at)
{
    size_t i = *at, start = i;
    const char *wrong = NULL;
    if (i < r->len && r->p[i] == '"') {
        put(&r->cells, "'", 1);
        for (i++; i < r->len; i++) {
            bool quote = r->p[i] == '"', pair = quote && i + 1 < r->len && r->p[i + 1] == '"';
            if (quote && !pair) break;
            put(&r->cells, &r->p[i], 1);
            i += pair;
        }
        put(&r->cells, "'", 1);
        if (i == r->len)
            wrong = "unterminated_quote";
        else if (++i < r->len && r->p[i] != ',' && !ends_line(r, i))
            wrong = "bare_quote";
    } else {
        while (i < r->len && r->p[i] != ',' && !ends_line(r, i) && r->p[i] != '"') i++;
        if (i < r->len && r->p[i] == '"') wrong = "bare_quote";
        if (i == start) put(&r->cells, "~", 1);
        put(&r->cells, r->p + start, i - start);
    }
    *at = i;
    return wrong;
}

static size_t line_end(const reference *r, size_t at)
{
    while (at < r->len && !ends_line(r, at)) at++;
    return at;
}

static void reference_record(reference *r, eh_buf *out)
{
    static const char names[] = "ab";
    size_t at = r->at, start = at, fields = 0;
    const char *wrong = NULL;
    r->cells.len = 0;
    for (;; at++) {
        if (fields > 0) put(&r->cells, "|", 1);
        wrong = reference_field(r, &at);
        fields++;
        if (wrong != NULL || at >= r->len || r->p[at] != ',') break;
    }
    size_t fault = fields - 1;
    bool open = wrong != NULL && strcmp(wrong, "unterminated_quote") == 0;
    size_t end = wrong == NULL ? at : line_end(r, open ? start : at);
    if (wrong == NULL && (wrong = bad_byte(r, start, end)) != NULL) fault = SIZE_MAX;
    bool ragged = wrong == NULL && fields != 2;
    size_t next = after_line_end(r, end);
    if (wrong != NULL || ragged) put(out, "!", 1);
    assert_true(eh_buf_printf(out, NULL, "%" PRIu64 ":%" PRIu64 "@%zu-%zu ", r->line, ++r->row,
                              start, next));
    if (wrong != NULL || ragged) {
        const char *name = !ragged && fault < 2 ? names + fault : "";
        /* Where a bad byte is, the parser finds out by itself: not compared. */
        assert_true(eh_buf_printf(out, NULL, "%s(%.1s) ", ragged ? "ragged_row" : wrong,
                                  fault == SIZE_MAX ? "?" : name));
        put(out, r->p + start, end - start);
    } else {
        put(out, r->cells.data, r->cells.len);
    }
    put(out, "\n", 1);
    r->line += end < r->len ? lines_in(r, start, next) : 1;
    r->at = next;
}

static void reference_parse(eh_slice input, eh_buf *out)
{
    reference r = {.p = (const unsigned char *)input.data, .len = input.len, .line = 1};
    eh_buf_init(&r.cells, OUT_MAX);
    put(out, "# a|b\n", 6);
    while (r.at < r.len)
        if (ends_line(&r, r.at)) {
            r.at = after_line_end(&r, r.at);
            r.line++;
        } else {
            reference_record(&r, out);
        }
    eh_buf_free(&r.cells);
}

static uint32_t draw(uint32_t *x)
{
    *x = *x * 1664525 + 1013904223;
    return *x >> 8;
}

/* Nasty bytes and ordinary ones, in a mixture that differs from input to input. */
static void make_input(uint32_t *x, size_t len, eh_buf *out)
{
    static const char *const pieces[] = {",",
                                         "\"",
                                         "\n",
                                         "\r",
                                         "\r\n",
                                         "\"\"",
                                         "x",
                                         "yz",
                                         "\xc3\xa9",
                                         "\xf0\x9f\x98\x80",
                                         ",\"",
                                         "\"\n",
                                         "\"",
                                         "\xff",
                                         "\xed\xa0\x80",
                                         "0123456789abcdef"};
    uint32_t plain = draw(x) % 30, nasty = draw(x) % 4;
    out->len = 0;
    while (out->len < len) {
        uint32_t which = draw(x) % (16 + plain);
        if (which == 13 && draw(x) % 20 == 0) put(out, "", 1);
        if (which >= 12 && which < 15 && draw(x) % 4 >= nasty) which = 15;
        const char *piece = which < 16 ? pieces[which] : which % 5 == 0 ? "," : "word";
        put(out, piece, strlen(piece));
        if (which > 18 && which % 7 == 0) put(out, "\n", 1);
    }
}

/* "invalid_utf8(a) " to "invalid_utf8(?) ": see reference_record. */
static void hide_bad_columns(eh_buf *out)
{
    static const char *const words[] = {"invalid_utf8(", "nul_byte("};
    for (size_t w = 0; w < 2; w++) {
        size_t n = strlen(words[w]);
        for (size_t i = 0; i + n + 2 < out->len; i++) {
            if (memcmp(out->data + i, words[w], n) != 0) continue;
            if (out->data[i + n] == ')') { /* beyond the columns: make room */
                put(out, "?", 1);
                memmove(out->data + i + n + 1, out->data + i + n, out->len - i - n - 1);
            }
            out->data[i + n] = '?';
        }
    }
}

static void check_against_reference(eh_slice input, uint32_t *x)
{
    eh_slice names[] = {BYTES("a"), BYTES("b")};
    eh_csv_options o = {
        .delimiter = ',', .no_header = true, .columns = names, .column_count = 2};
    o.encoding = EH_CSV_UTF8; /* a NUL among the first two bytes would look like UTF-16 */
    eh_buf expected, out;
    eh_buf_init(&expected, OUT_MAX);
    eh_buf_init(&out, OUT_MAX);
    reference_parse(input, &expected);
    for (int simd = 0; simd <= 3; simd++) {
        o.simd = simd;
        if (eh_csv_scan_for(simd) == NULL) continue;
        o.batch_bytes = draw(x) % 3 == 0 ? 0 : draw(x) % 100 + 1;
        o.scan_bytes = draw(x) % 3 == 0 ? 0 : draw(x) % 100 + 1;
        o.batch_rows = draw(x) % 3 == 0 ? 0 : draw(x) % 10 + 1;
        csv_dump_how how = {
            .with_place = true, .chunk = draw(x) % 70, .end_apart = simd % 2 == 0};
        if (input.len > 10000 && how.chunk > 0) how.chunk *= 1000;
        parse_to(&o, input, how, &out);
        hide_bad_columns(&out);
        if (out.len != expected.len || memcmp(out.data, expected.data, out.len) != 0)
            assert_string_equal(eh_buf_cstr(&out), eh_buf_cstr(&expected));
    }
    eh_buf_free(&expected);
    eh_buf_free(&out);
}

static void test_reference(void **state)
{
    (void)state;
    uint32_t x = 1;
    eh_buf input;
    eh_buf_init(&input, OUT_MAX);
    for (int i = 0; i < 4000; i++) {
        make_input(&x, draw(&x) % 250, &input);
        check_against_reference(eh_buf_slice(&input), &x);
    }
    for (int i = 0; i < 12; i++) { /* more than a segment of the scan */
        make_input(&x, 100000, &input);
        check_against_reference(eh_buf_slice(&input), &x);
    }
    eh_buf_free(&input);
}

/* What a scan should find in [from, to). */
static size_t slow_scan(const char *data, size_t from, size_t to, char delimiter, char quote,
                        uint32_t *index, unsigned *flags)
{
    size_t count = 0;
    *flags = 0;
    for (size_t at = from; at < to; at++) {
        char c = data[at];
        if (c == delimiter || c == quote || c == '\r' || c == '\n')
            index[count++] = (uint32_t)at;
        if (c == 0) *flags |= EH_CSV_NUL;
        if ((c & 0x80) != 0) *flags |= EH_CSV_HIGH;
    }
    return count;
}

static void test_scan(void **state)
{
    (void)state;
    enum { SIZE = 400 };
    static const char delimiters[] = {',', '\x01', '\x7f', 'x'};
    static const char some[] = ",\"\r\n\x01\x7fxyz ";
    char data[SIZE];
    uint32_t x = 3, expected[SIZE], index[SIZE + EH_CSV_INDEX_SLACK];
    for (int round = 0; round < 20000; round++) {
        bool odd = draw(&x) % 2 == 0;
        for (size_t i = 0; i < SIZE; i++)
            data[i] = draw(&x) % 200 == 0 && odd ? (char)draw(&x) : some[draw(&x) % 10];
        size_t from = draw(&x) % SIZE, to = from + draw(&x) % (SIZE - from + 1);
        char delimiter = delimiters[draw(&x) % 4];
        unsigned want, got;
        size_t count = slow_scan(data, from, to, delimiter, '"', expected, &want);
        for (int simd = 1; simd <= 3; simd++) {
            eh_csv_scan_fn *scan = eh_csv_scan_for(simd);
            if (scan == NULL) continue;
            assert_int_equal(scan(data, from, to, delimiter, '"', index, &got), count);
            assert_memory_equal(index, expected, count * sizeof *index);
            assert_int_equal(got, want);
        }
    }
}

/* Every pair of bytes followed by those at the edges of ranges, at any place in a word. */
static void test_utf8(void **state)
{
    (void)state;
    static const unsigned char edges[] = {0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0};
    char text[24];
    for (unsigned i = 0; i < 256 * 256 * 64; i++) {
        size_t before = i % 9, len = before + 4;
        memset(text, 'x', sizeof text);
        text[before] = (char)(i & 0xff);
        text[before + 1] = (char)(i >> 8 & 0xff);
        text[before + 2] = (char)edges[i >> 16 & 7];
        text[before + 3] = (char)edges[i >> 19 & 7];
        len += i % 3 == 0 ? 0 : i % 11; /* cut after the fourth byte, or not */
        reference r = {.p = (const unsigned char *)text, .len = len};
        size_t expected = 0;
        for (size_t n; expected < len && (n = code_point(&r, expected, len)) > 0;)
            expected += n;
        if (eh_csv_utf8_prefix(text, len) != expected) fail_msg("%08x at %zu", i, before);
    }
}

/* ---- batches and going on ---- */

static void make_rows(eh_buf *out)
{
    uint32_t x = 7;
    eh_buf_init(out, OUT_MAX);
    put(out, "a,b\r\n", 5);
    while (out->len < 300000)
        assert_true(eh_buf_printf(out, NULL, "%u,\"x%.*s\n\xc3\xa9\"%s\n", (unsigned)draw(&x),
                                  (int)(draw(&x) % 50),
                                  "................................................",
                                  draw(&x) % 50 == 0 ? ",more" : ""));
}

/* Batches, not only rows, are the same however the input is cut. */
static void test_batches_do_not_depend_on_chunks(void **state)
{
    (void)state;
    static const size_t chunks[] = {1, 7, 4096, 1 << 20};
    static const size_t windows[] = {1, 100, 4096, 0};
    csv_dump_how how = {.with_place = true, .batches = true};
    eh_buf input, first, out;
    make_rows(&input);
    eh_buf_init(&first, OUT_MAX);
    eh_buf_init(&out, OUT_MAX);
    for (size_t w = 0; w < 4; w++) {
        eh_csv_options o = {.delimiter = ',', .batch_bytes = windows[w], .batch_rows = 300};
        parse_to(&o, eh_buf_slice(&input), how, &first);
        for (size_t i = 0; i < 8; i++) {
            csv_dump_how other = how;
            other.chunk = chunks[i % 4];
            other.end_apart = i >= 4;
            parse_to(&o, eh_buf_slice(&input), other, &out);
            assert_int_equal(out.len, first.len);
            assert_memory_equal(out.data, first.data, out.len);
        }
    }
    eh_buf_free(&input);
    eh_buf_free(&first);
    eh_buf_free(&out);
}

/* A long record widens the window for itself only. */
static void test_windows(void **state)
{
    (void)state;
    eh_err err = {.class_ = EH_OK};
    eh_buf input;
    eh_batch batch;
    eh_buf_init(&input, OUT_MAX);
    assert_true(eh_batch_init(&batch, 1 << 20, &err));
    put(&input, "a,b\n", 4);
    for (int i = 0; i < 100; i++)
        assert_true(eh_buf_printf(&input, NULL, "12345,%*d\n", i == 50 ? 5000 : 3, i));
    eh_parser *p = eh_csv_new(&(eh_csv_options){.delimiter = ',', .batch_bytes = 100}, &err);
    assert_non_null(p);
    assert_true(eh_parser_feed(p, input.data, input.len, true, &err));
    size_t rows = 0;
    while (eh_parser_next(p, &batch, &err) == EH_PARSE_BATCH) {
        bool has_long = batch.places[0].row == 51;
        assert_int_equal(has_long, batch.end - batch.start > 100);
        /* Ten bytes a row: ten rows, or fewer before the long one and at the end. */
        bool cut = has_long || batch.end_row == 50 || batch.end_row == 100;
        if (!cut) assert_int_equal(batch.rows, 10);
        if (has_long) assert_int_equal(batch.rows, 1);
        rows += batch.rows;
    }
    assert_int_equal(rows, 100);
    eh_parser_free(p);
    eh_batch_free(&batch);
    eh_buf_free(&input);
}

static void check_going_on(const eh_csv_options *options, eh_slice input)
{
    assert_true(csv_goes_on(options, input) > 3);
}

static void test_going_on(void **state)
{
    (void)state;
    eh_slice text =
        BYTES("\xef\xbb\xbfsep=;\r\na;b\r\n1;\"x\ny\"\r\n\r\n3\n\n\n4;5\r6;\"7\r\n8\"\n9;"
              "\xff\n10;\xc3\xa9\n11;\"x\n12;13");
    eh_csv_options o = {.batch_bytes = 12};
    check_going_on(&o, text);
    o = (eh_csv_options){.batch_rows = 1};
    check_going_on(&o, text);
    uint16_t units[64];
    char wide[128];
    static const char ascii[] = "a,b\r\n1,\"x\ny\"\r\n\r\n3\n\n\n4,5\r6,\"7\r\n8\"\n9,\n10,11";
    size_t n = sizeof ascii - 1;
    for (size_t i = 0; i < n; i++) units[i] = (uint16_t)(ascii[i] == '9' ? 0x20ac : ascii[i]);
    for (int big = 0; big <= 1; big++)
        check_going_on(&o, eh_slice_of(wide, utf16(big != 0, units, n, wide)));
    o.encoding = EH_CSV_WINDOWS_1252;
    check_going_on(&o, BYTES("a;b\r\n\xe4;\"x\n\x80\"\r\n\r\n3\n\x81;\n4;5\r\xff;\"7\r\xe9\"\n"
                             "9;\xff\n10;\xc3\xa9\n11;\"x\n12;13"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_batches_do_not_depend_on_chunks),
        cmocka_unit_test(test_going_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
