/* tests/c/test_csv.c: the CSV parser against a table of hazards, against itself cut differently
 * and scanned differently, and against a small reference parser. */
#include "csv_dump.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define OUT_MAX ((size_t)64 << 20)

static eh_slice bytes(const char *text, size_t len)
{
    return eh_slice_of(text, len);
}

/* Text with its NULs. */
#define BYTES(literal) bytes(literal, sizeof(literal) - 1)

static void parse_to(const eh_csv_options *options, eh_slice input, csv_dump_how how,
                     eh_buf *out)
{
    eh_buf_free(out);
    eh_buf_init(out, OUT_MAX);
    csv_dump(options, input, how, out);
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_dead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
