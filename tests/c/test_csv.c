/* tests/c/test_csv.c: the CSV parser against a table of hazards, each in several cuts and on
 * each level of SIMD. See test_csv_cross.c for random inputs. */
#include "csv_dump.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The parse of `input` printed as `expected`, whatever the chunks and the scanner are. */
static void expect_with(const eh_csv_options *options, eh_slice input, csv_dump_how how,
                        const char *expected)
{
    static const size_t chunks[] = {0, 1, 2, 3, 7, 4096};
    eh_buf out;
    eh_buf_init(&out, OUT_MAX);
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        for (int simd = 1; simd <= 3; simd++) {
            eh_csv_options o = *options;
            o.simd = simd;
            how.chunk = chunks[i];
            how.end_apart = !how.end_apart;
            parse_to(&o, input, how, &out);
            if (strstr(eh_buf_cstr(&out), "this processor has no SIMD") != NULL) continue;
            assert_string_equal(eh_buf_cstr(&out), expected);
        }
    }
    eh_buf_free(&out);
}

static void expect(const eh_csv_options *options, eh_slice input, const char *expected)
{
    expect_with(options, input, (csv_dump_how){.chunk = 0}, expected);
}

typedef struct example {
    const char *input;
    const char *expected;
} example;

static void run_examples(const eh_csv_options *options, const example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect(options, eh_slice_str(examples[i].input), examples[i].expected);
}

#define RUN(options, examples)                                                                 \
    run_examples(options, examples, sizeof(examples) / sizeof(*(examples)))

static void test_fields(void **state)
{
    (void)state;
    static const example examples[] = {
        {"a,b\n1,2\n", "# a|b\n1|2\n"},
        {"a,b\n1,2", "# a|b\n1|2\n"},
        {"a,b\n,\n", "# a|b\n~|~\n"},
        {"a,b\n1,", "# a|b\n1|~\n"},
        {"a,b\n\"\",x\n", "# a|b\n''|x\n"},
        {"a,b\nx,\"\"", "# a|b\nx|''\n"},
        {"a,b\n\"123\",007\n", "# a|b\n'123'|007\n"},
        {"a,b\n\"x \"\"y\"\" z\",\"\"\"\"\n", "# a|b\n'x \"y\" z'|'\"'\n"},
        {"a,b\n\"1,2\n3\r\n4\",x\n", "# a|b\n'1,2\n3\r\n4'|x\n"},
        {"a,b\n x , y \n", "# a|b\n x | y \n"},
        {"a,b\n\xc3\xa9,\xf0\x9f\x98\x80\n", "# a|b\n\xc3\xa9|\xf0\x9f\x98\x80\n"},
    };
    RUN(&(eh_csv_options){.delimiter = 0}, examples);
}

static void test_line_ends(void **state)
{
    (void)state;
    static const example examples[] = {
        {"a,b\r\n1,2\r\n", "# a|b\n1|2\n"},
        {"a,b\r1,2\r", "# a|b\n1|2\n"},
        {"a,b\r1,2\n3,4\r\n5,6", "# a|b\n1|2\n3|4\n5|6\n"},
        {"a,b\n\"1\"\r\n", "# a|b\n!ragged_row() \"1\"\n"},
        {"a,b\r\n\"1\",\"2\"\r\n\"3\",\"4\"\r", "# a|b\n'1'|'2'\n'3'|'4'\n"},
        {"a\n\n\r\n\r1\n\n\n2\n\n", "# a\n1\n2\n"},
        {"\n\na\n1", "# a\n1\n"},
        {"", "# \n"},
        {"\n\r\n", "# \n"},
        {"a,b\n", "# a|b\n"},
        {"a,b", "# a|b\n"},
        {"a\n\"\"\n", "# a\n''\n"},
    };
    RUN(&(eh_csv_options){.delimiter = 0}, examples);
}

static void test_places(void **state)
{
    (void)state;
    csv_dump_how how = {.with_place = true, .batches = true};
    expect_with(&(eh_csv_options){.delimiter = 0},
                BYTES("\xef\xbb\xbf"
                      "a,b\r\n\r\n1,\"x\ny\r\nz\rw\"\r\n\n3,4,5\n6,7"),
                how,
                "# a|b\n= 8-34 row 3 line 10\n3:1@10-24 1|'x\ny\r\nz\rw'\n"
                "!8:2@25-31 ragged_row() 3,4,5\n9:3@31-34 6|7\n");
}

static void test_dead(void **state)
{
    (void)state;
    static const example examples[] = {
        {"a,b\n1\n2,3\n", "# a|b\n!ragged_row() 1\n2|3\n"},
        {"a,b\n1,2,3\n4,5\n", "# a|b\n!ragged_row() 1,2,3\n4|5\n"},
        {"a,b\n5\" x,1\n2,3\n", "# a|b\n!bare_quote(a) 5\" x,1\n2|3\n"},
        {"a,b\n1, \"x\"\n2,3\n", "# a|b\n!bare_quote(b) 1, \"x\"\n2|3\n"},
        {"a,b\n1,\"x\" \n2,3\n", "# a|b\n!bare_quote(b) 1,\"x\" \n2|3\n"},
        {"a,b\n\"x\"y,1\r\n2,3\n", "# a|b\n!bare_quote(a) \"x\"y,1\n2|3\n"},
        {"a,b\n\"x\ny\"z,1\n2,3", "# a|b\n!bare_quote(a) \"x\ny\"z,1\n2|3\n"},
        {"a,b\n2,3\nx\"", "# a|b\n2|3\n!bare_quote(a) x\"\n"},
        {"a,b\n1,2,3,4\"\n", "# a|b\n!bare_quote() 1,2,3,4\"\n"},
        {"a,b\n1,\"x\n2,3\n4,5\n", "# a|b\n!unterminated_quote(b) 1,\"x\n2|3\n4|5\n"},
        {"a,b\n1,\"x\r\n2,3\r\n", "# a|b\n!unterminated_quote(b) 1,\"x\n2|3\n"},
        {"a,b\n1,\"x", "# a|b\n!unterminated_quote(b) 1,\"x\n"},
        {"a,b\n1,\"", "# a|b\n!unterminated_quote(b) 1,\"\n"},
        {"a,b\n1,\"x\"\"", "# a|b\n!unterminated_quote(b) 1,\"x\"\"\n"},
        {"a,b\n\"p\nq\",\"x\n2,\"\"\n",
         "# a|b\n!unterminated_quote(b) \"p\n!bare_quote(a) q\",\"x\n2|''\n"},
        {"a,b\n\xff,1\n2,3\n", "# a|b\n!invalid_utf8(a) \xff,1\n2|3\n"},
        {"a,b\n\",\",\xc3\n2,3\n", "# a|b\n!invalid_utf8(b) \",\",\xc3\n2|3\n"},
        {"a,b\n2,3\n1,\xe2\x82", "# a|b\n2|3\n!invalid_utf8(b) 1,\xe2\x82\n"},
        {"a,b\n1,\xed\xa0\x80\n", "# a|b\n!invalid_utf8(b) 1,\xed\xa0\x80\n"},
        {"a,b\n\xff\n", "# a|b\n!invalid_utf8(a) \xff\n"},
    };
    RUN(&(eh_csv_options){.delimiter = 0}, examples);
}

static void test_nul_bytes(void **state)
{
    (void)state;
    eh_csv_options o = {.delimiter = ','};
    eh_buf out;
    eh_buf_init(&out, OUT_MAX);
    eh_slice input = BYTES("a,b\n1,x\0y\n2,3\n");
    parse_to(&o, input, (csv_dump_how){.with_place = true}, &out);
    static const char expected[] = "# a|b\n!2:1@4-10 nul_byte(b) 1,x\0y\n3:2@10-14 2|3\n";
    assert_int_equal(out.len, sizeof expected - 1);
    assert_memory_equal(out.data, expected, out.len);
    eh_buf_free(&out);
}

static void test_nulls(void **state)
{
    (void)state;
    eh_slice words[] = {
        BYTES("NULL"), BYTES("\\N"), BYTES(""),
        BYTES("a marker that is longer than sixty-three bytes, which is where the mask ends")};
    static const example examples[] = {
        {"NULL,b\nNULL,\"NULL\"\n\\N,null\n,NULLS\n", "# NULL|b\n~|'NULL'\n~|null\n~|NULLS\n"},
        {"a,b\n1,NULL", "# a|b\n1|~\n"},
        {"a\na marker that is longer than sixty-three bytes, which is where the mask ends\n",
         "# a\n!ragged_row() a marker that is longer than sixty-three bytes, which is where "
         "the "
         "mask ends\n"},
        {"a;b\na marker that is longer than sixty-three bytes, which is where the mask ends;"
         "a marker that is longer than sixty-three bytes, which is where the mask end_\n",
         "# a|b\n~|a marker that is longer than sixty-three bytes, which is where the mask "
         "end_\n"},
    };
    RUN((&(eh_csv_options){.nulls = words, .null_count = 4}), examples);
}

static void test_header_names(void **state)
{
    (void)state;
    static const example examples[] = {
        {"name,name,name\n1,2,3\n", "# name|name_2|name_3\n1|2|3\n"},
        {"a,a,a_2,a\n", "# a|a_3|a_2|a_4\n"},
        {"a,,\"\",b\n", "# a|column_2|column_3|b\n"},
        {"column_2,,x,x\n", "# column_2|column_2_2|x|x_2\n"},
        {"\"a \"\"b\"\"\",\"x\ny\"\n1,2\n", "# a \"b\"|x\ny\n1|2\n"},
        {"a,b\"\n",
         "# \nerror: data: the header on line 1 cannot be read: a quote inside a field "
         "that does not begin with one\n"},
        {"\n\xff,b\n",
         "# \nerror: data: the header on line 2 cannot be read: bytes that are not "
         "UTF-8 at byte 1 of the record; where the file is in windows-1252 or latin1, say so "
         "with `encoding`\n"},
        {"a,\"b\n", "# \nerror: data: the header on line 1 cannot be read: the quote opened on "
                    "line 1 is never closed\n"},
    };
    RUN(&(eh_csv_options){.delimiter = ','}, examples);
}

static void test_no_header(void **state)
{
    (void)state;
    static const example examples[] = {
        {"1,2\n3\n", "# column_1|column_2\n1|2\n!ragged_row() 3\n"},
        {"x\"\n\xff,\n1,2\n",
         "# column_1|column_2\n!bare_quote() x\"\n!invalid_utf8() \xff,\n1|2\n"},
        {"", "# \n"},
        {"\n\n", "# \n"},
        {"x\"", "# \n!bare_quote() x\"\n"},
        {"sep=;\n1;2,5\n", "# column_1|column_2\n1|2,5\n"},
    };
    RUN(&(eh_csv_options){.no_header = true}, examples);
}

static void test_columns_given(void **state)
{
    (void)state;
    eh_slice names[] = {BYTES("x"), BYTES("y")};
    eh_csv_options o = {.columns = names, .column_count = 2, .no_header = true};
    expect(&o, BYTES("1,2\n3\n"), "# x|y\n1|2\n!ragged_row() 3\n");
    o.no_header = false;
    expect(&o, BYTES("a,b\n1,2\n"), "# x|y\n1|2\n");
    expect(&o, BYTES("a,b,c\n1,2,3\n"),
           "# x|y\nerror: data: the header has 3 columns where 2 are expected\n");
}

static void test_delimiters(void **state)
{
    (void)state;
    static const example examples[] = {
        {"a;b\n1,5;2,5\n", "# a|b\n1,5|2,5\n"},
        {"a\tb\n1,5\t2;5\n", "# a|b\n1,5|2;5\n"},
        {"a|b|c\n1|2|3\n", "# a|b|c\n1|2|3\n"},
        {"a,b\n\"x;y;z\",1\n\"x;y\",2\n", "# a|b\n'x;y;z'|1\n'x;y'|2\n"},
        {"\"a;1\",\"b;2\"\n\"x;y\nz\",1\n", "# a;1|b;2\n'x;y\nz'|1\n"},
        {"a;x,b\n1;2,3\nz,3\n", "# a;x|b\n1;2|3\nz|3\n"},
        {"5\" pipe,b;c\n1,2;3\n",
         "# \nerror: data: the header on line 1 cannot be read: a quote "
         "inside a field that does not begin with one\n"},
        {"a,b,c|d", "# a|b|c|d\n"},
        {"single\n1\n2\n", "# single\n1\n2\n"},
        {"\n\na;b\n\n\n1;2\n", "# a|b\n1|2\n"},
        {"sep=|\na,b|c\n1|2\n", "# a,b|c\n1|2\n"},
        {"sep=,\r\na;b,c\r\n1,2\r\n", "# a;b|c\n1|2\n"},
        {"sep=\t\ra\tb\r1\t2", "# a|b\n1|2\n"},
        {"\xef\xbb\xbfsep=;\n\"a\";b\n1;2", "# a|b\n1|2\n"},
        {"sep=;", "# \n"},
        {"sep=;x\n1;2\n", "# sep=|x\n1|2\n"},
        {"sep=\"\n",
         "# \nerror: data: the header on line 1 cannot be read: a quote inside a field "
         "that does not begin with one\n"},
    };
    RUN(&(eh_csv_options){.delimiter = 0}, examples);
    expect(&(eh_csv_options){.delimiter = ';'}, BYTES("sep=,\na;b\n1,2;3\n"), "# a|b\n1,2|3\n");
    expect(&(eh_csv_options){.delimiter = 'x', .quote = '\''}, BYTES("ax'bx'\n1x\"2\"\n"),
           "# a|bx\n1|\"2\"\n");
    expect(&(eh_csv_options){.delimiter = '\x01'},
           BYTES("a\x01"
                 "b\n1\x01"),
           "# a|b\n1|~\n");
}

static void test_byte_order_mark(void **state)
{
    (void)state;
    static const example examples[] = {
        {"\xef\xbb\xbf\"a\",b\n1,2\n", "# a|b\n1|2\n"},
        {"\xef\xbb\xbf", "# \n"},
        {"\xef\xbb", "# \nerror: data: the header on line 1 cannot be read: bytes that are not "
                     "UTF-8 at byte 1 of the record; where the file is in windows-1252 or "
                     "latin1, say so with `encoding`\n"},
        {"a,b\n\xef\xbb\xbf\"x\",2\n", "# a|b\n!bare_quote(a) \xef\xbb\xbf\"x\",2\n"},
        {"a", "# a\n"},
    };
    RUN(&(eh_csv_options){.delimiter = ','}, examples);
}

/* ---- UTF-16 ---- */

static void expect_utf16(const uint16_t *units, size_t count, const char *expected)
{
    char text[256];
    csv_dump_how how = {.with_place = true, .batches = true};
    for (int big = 0; big <= 1; big++) {
        eh_slice input = eh_slice_of(text, utf16(big != 0, units, count, text));
        expect_with(&(eh_csv_options){.delimiter = ','}, input, how, expected);
    }
}

#define UTF16(units, expected) expect_utf16(units, sizeof(units) / sizeof *(units), expected)

static void test_utf16(void **state)
{
    (void)state;
    static const uint16_t marked[] = {0xfeff, 'a',  ',', 'b', '\r',   '\n',   0xe9, ',',
                                      0x20ac, '\n', '1', ',', 0xd83d, 0xde00, '\n'};
    UTF16(marked, "# a|b\n= 12-30 row 2 line 4\n2:1@12-20 \xc3\xa9|\xe2\x82\xac\n"
                  "3:2@20-30 1|\xf0\x9f\x98\x80\n");
    UTF16(((const uint16_t[]){'a', ',', 'b', '\n', '1', ',', 0x416}),
          "# a|b\n= 8-14 row 1 line 3\n2:1@8-14 1|\xd0\x96\n");
    UTF16(
        ((const uint16_t[]){'a', '\n', 0xd83d, '\n', 'x', 0xde00, '\n', 0xd83d}),
        "# a\n= 4-16 row 3 line 5\n!2:1@4-8 invalid_utf16(a) \xed\xa0\xbd\n"
        "!3:2@8-14 invalid_utf16(a) x\xed\xb8\x80\n!4:3@14-16 invalid_utf16(a) \xed\xa0\xbd\n");
    expect_with(&(eh_csv_options){.delimiter = ','},
                BYTES("\xff\xfe"
                      "a\0\n\0x"),
                (csv_dump_how){.with_place = true}, "# a\n!2:1@6-7 invalid_utf16(a) \xff\n");
    expect(&(eh_csv_options){.encoding = EH_CSV_UTF16BE},
           BYTES("\0a\0,\0b\0\n\0"
                 "1\0,\0"
                 "2"),
           "# a|b\n1|2\n");
}

/* ---- one byte a character ---- */

static void test_bytes(void **state)
{
    (void)state;
    csv_dump_how how = {.with_place = true, .batches = true};
    eh_csv_options o = {.encoding = EH_CSV_WINDOWS_1252};
    expect_with(&o, BYTES("k\xe4,\x80\r\n\xdf,\"\x93\n\x94\"\r\n1,\x9f\n"), how,
                "# k\xc3\xa4|\xe2\x82\xac\n= 6-19 row 2 line 5\n"
                "2:1@6-15 \xc3\x9f|'\xe2\x80\x9c\n\xe2\x80\x9d'\n4:2@15-19 1|\xc5\xb8\n");
    /* Its raw bytes are left to be read again; the place is told in bytes of the file. */
    expect_with(&o, BYTES("a,b\n\xe4\xe4,\x81\n3,\xe9\n"), how,
                "# a|b\n= 4-13 row 2 line 4\n!2:1@4-9 invalid_windows_1252(b) \n"
                "3:2@9-13 3|\xc3\xa9\n");
    o.encoding = EH_CSV_LATIN1;
    expect_with(&o, BYTES("a,b\n\x80,\xff\n1,\0\n"), how,
                "# a|b\n= 4-12 row 2 line 4\n2:1@4-8 \xc2\x80|\xc3\xbf\n"
                "!3:2@8-12 nul_byte(b) 1,");
    o.delimiter = ',';
    expect(&o, BYTES("\xef\xbb\xbf\xe4\n"),
           "# \nerror: data: latin1 is declared, but the text begins with the mark of UTF-8\n");
}

static void test_raw_text(void **state)
{
    (void)state;
    static const struct {
        eh_csv_encoding encoding;
        const char *raw, *text;
    } cases[] = {{EH_CSV_LATIN1, "\x80\xe4z", "\xc2\x80\xc3\xa4z"},
                 {EH_CSV_WINDOWS_1252, "12345678\x80\xe4z", "12345678\xe2\x82\xac\xc3\xa4z"},
                 {EH_CSV_WINDOWS_1252, "\xe4\x81", "\xe4\x81"},
                 {EH_CSV_UTF8, "\xff", "\xff"},
                 {EH_CSV_UTF16LE, "\x16\x04\x3d\xd8zzz", "\xd0\x96\xef\xbf\xbd\xe7\xa9\xba"},
                 {EH_CSV_UTF16BE, "", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eh_buf out;
        eh_buf_init(&out, 100);
        assert_true(eh_buf_append_byte(&out, 'x', NULL));
        assert_true(eh_csv_raw_text(cases[i].encoding, eh_slice_str(cases[i].raw), &out, NULL));
        assert_true(eh_slice_equal(eh_slice_of(out.data + 1, out.len - 1),
                                   eh_slice_str(cases[i].text)));
        eh_buf_free(&out);
    }
}

static void test_encoding_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        eh_csv_encoding encoding;
    } cases[] = {{"a,b", 3, EH_CSV_UTF8},
                 {"\xff\xfe"
                  "a\0",
                  4, EH_CSV_UTF16LE},
                 {"\xfe\xff\0a", 4, EH_CSV_UTF16BE},
                 {"a\0b\0", 4, EH_CSV_UTF16LE},
                 {"\0a\0b", 4, EH_CSV_UTF16BE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eh_err err = {.class_ = EH_OK};
        eh_parser *p = eh_csv_new(&(eh_csv_options){.delimiter = 0}, &err);
        assert_non_null(p);
        assert_int_equal(eh_csv_encoding_of(p), EH_CSV_DETECT);
        assert_true(eh_parser_feed(p, cases[i].text, cases[i].len, true, &err));
        assert_int_equal(eh_csv_encoding_of(p), cases[i].encoding);
        eh_parser_free(p);
    }
}

/* ---- limits and misuse ---- */

static void test_long_fields(void **state)
{
    (void)state;
    eh_csv_options o = {.delimiter = ',', .max_field_bytes = 8, .batch_bytes = 4};
    static const example examples[] = {
        {"a,b\n12345678,\"12345678\"\n", "# a|b\n12345678|'12345678'\n"},
        {"a,b\n1,2\n123456789,\n", "# a|b\n1|2\nerror: limit: the CSV field that begins on "
                                   "line 3 is longer than 8 bytes\n"},
        {"a,b\n1,2\n\"x\ny\",\"123456789\",\n", "# a|b\n1|2\nerror: limit: the CSV field that "
                                                "begins on line 4 is longer than 8 bytes\n"},
        {"a,b\n1,2\n3,\"4\n5,6\n7,8\n9,0\n", "# a|b\n1|2\nerror: limit: the CSV field that "
                                             "begins on line 3 is longer than 8 bytes\n"},
        {"a,b\n1,\"1234567\"\"\"\n",
         "# a|b\nerror: limit: the CSV field that begins on line 2 is longer than 8 bytes\n"},
        {"a,b\n12345678,12345678,12345678,1234\n",
         "# a|b\n!ragged_row() 12345678,12345678,12345678,1234\n"
         "" /* 31 bytes */},
        {"a,b\n12345678,12345678,12345678,123456\n",
         "# a|b\nerror: limit: the CSV record that begins on line 2 is longer than 32 bytes\n"},
        {"a,b\n1,x\" 1234567890,1234567890,1234567890\n",
         "# a|b\nerror: limit: the CSV record that begins on line 2 is longer than 32 bytes\n"},
        {"123456789",
         "# \nerror: limit: the CSV field that begins on line 1 is longer than 8 bytes\n"},
    };
    RUN(&o, examples);
}

static void test_open_quote_is_named(void **state)
{
    (void)state;
    eh_err err = {.class_ = EH_OK};
    eh_batch batch;
    assert_true(eh_batch_init(&batch, 1 << 20, &err));
    eh_csv_options o = {.delimiter = ',', .max_field_bytes = 8};
    eh_parser *p = eh_csv_new(&o, &err);
    assert_non_null(p);
    eh_slice input = BYTES("a,b\n1,\"x\n2,3\n4,5\n6,7\n");
    assert_true(eh_parser_feed(p, input.data, input.len, true, &err));
    assert_int_equal(eh_parser_next(p, &batch, &err), EH_PARSE_ERROR);
    assert_string_equal(err.hint, "look for a quote on line 2 that is never closed");
    eh_parser_free(p);
    eh_batch_free(&batch);
}

static void test_misuse(void **state)
{
    (void)state;
    eh_slice names[] = {BYTES("x")};
    const eh_csv_options bad[] = {
        {.delimiter = '\n'},
        {.delimiter = '"'},
        {.delimiter = '\x80'},
        {.quote = '\r'},
        {.from = {.offset = 1}, .delimiter = ','},
        {.from = {.offset = 1}, .columns = names, .column_count = 1},
        {.from = {.offset = 1}, .no_header = true},
        {.columns = names, .column_count = 0},
        {.max_field_bytes = SIZE_MAX},
        {.simd = 9},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        eh_err err = {.class_ = EH_OK};
        assert_null(eh_csv_new(&bad[i], &err));
        assert_int_equal(err.class_, EH_CLASS_CONFIG);
    }
    eh_err err = {.class_ = EH_OK};
    eh_parser *p = eh_csv_new(&(eh_csv_options){.delimiter = 0}, &err);
    assert_non_null(p);
    assert_true(eh_parser_feed(p, NULL, 0, true, &err));
    assert_false(eh_parser_feed(p, "x", 1, true, &err));
    assert_int_equal(err.class_, EH_CLASS_BUG);
    eh_parser_free(p);
}

/* A batch whose arena is full ends early; a record alone that does not fit is an error. */
static void test_small_arena(void **state)
{
    (void)state;
    eh_err err = {.class_ = EH_OK};
    eh_batch batch;
    assert_true(eh_batch_init(&batch, 64, &err));
    eh_parser *p = eh_csv_new(&(eh_csv_options){.delimiter = ','}, &err);
    assert_non_null(p);
    eh_buf in;
    eh_buf_init(&in, 1 << 20);
    assert_true(eh_buf_append_str(&in, "a,b\n", &err));
    for (int i = 0; i < 10; i++)
        assert_true(eh_buf_append_str(&in, "1,\"0123456789\"\"0123456789\"\nshort\"\n", &err));
    assert_true(eh_parser_feed(p, in.data, in.len, true, &err));
    size_t rows = 0, dead = 0, batches = 0;
    eh_parse got;
    for (; (got = eh_parser_next(p, &batch, &err)) == EH_PARSE_BATCH; batches++) {
        rows += batch.rows;
        dead += batch.dead_count;
    }
    assert_int_equal(got, EH_PARSE_ERROR); /* a dead record's words take more than 64 bytes */
    assert_int_equal(err.class_, EH_CLASS_LIMIT);
    assert_int_equal(rows, 1);
    assert_int_equal(dead, 0);
    eh_parser_free(p);
    eh_batch_free(&batch);

    err = (eh_err){.class_ = EH_OK};
    assert_true(eh_batch_init(&batch, 128, &err));
    p = eh_csv_new(&(eh_csv_options){.delimiter = ','}, &err);
    assert_non_null(p);
    assert_true(eh_parser_feed(p, in.data, in.len, true, &err));
    for (batches = rows = 0; (got = eh_parser_next(p, &batch, &err)) == EH_PARSE_BATCH;
         batches++) {
        rows += batch.rows;
        dead += batch.dead_count;
        assert_int_equal(batch.end_row, rows + dead);
        assert_int_equal(batch.end_line, 2 + rows + dead);
    }
    assert_int_equal(got, EH_PARSE_END);
    assert_int_equal(err.class_, EH_OK);
    assert_int_equal(rows, 10);
    assert_int_equal(dead, 10);
    assert_true(batches > 1);
    eh_parser_free(p);
    eh_batch_free(&batch);
    eh_buf_free(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_dead),
        cmocka_unit_test(test_nul_bytes),
        cmocka_unit_test(test_nulls),
        cmocka_unit_test(test_header_names),
        cmocka_unit_test(test_no_header),
        cmocka_unit_test(test_columns_given),
        cmocka_unit_test(test_delimiters),
        cmocka_unit_test(test_byte_order_mark),
        cmocka_unit_test(test_utf16),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_raw_text),
        cmocka_unit_test(test_encoding_is_told),
        cmocka_unit_test(test_long_fields),
        cmocka_unit_test(test_open_quote_is_named),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_small_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
