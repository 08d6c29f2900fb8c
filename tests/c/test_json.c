/* tests/c/test_json.c: JSON to batches: shapes, cells, dead records, and that chunks never
 * show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include "json_dump.h"

#include <stdio.h>

static void expect_dump(const eh_json_options *options, const char *data, size_t len,
                        bool places, const char *expected)
{
    json_feeding f = {.data = data, .len = len, .chunk = 1024 * 1024, .batches = places};
    eh_buf out;
    eh_buf_init(&out, SIZE_MAX / 4);
    dump_json(options, &f, &out);
    const char *text = eh_buf_cstr(&out);
    assert_non_null(text);
    assert_string_equal(text, expected);
    eh_buf_free(&out);
}

static void expect(eh_json_shape shape, const char *text, const char *expected)
{
    eh_json_options options = {.shape = shape};
    expect_dump(&options, text, strlen(text), false, expected);
}

static void expect_places(eh_json_shape shape, const char *text, const char *expected)
{
    eh_json_options options = {.shape = shape};
    expect_dump(&options, text, strlen(text), true, expected);
}

static void expect_at(const char *path, const char *text, const char *expected)
{
    eh_json_options options = {.shape = EH_JSON_DOCUMENT, .path = eh_slice_str(path)};
    expect_dump(&options, text, strlen(text), false, expected);
    options.as_it_comes = true;
    expect_dump(&options, text, strlen(text), false, expected);
}

/* ---- cells ---- */

static void test_cells_keep_what_was_written(void **state)
{
    (void)state;
    expect(EH_JSON_LINES,
           "{\"s\":\"x\",\"n\":12.10,\"i\":12345678901234567890123,\"e\":-1.5E+300,"
           "\"t\":true,\"f\":false,\"z\":null,\"o\": {\"a\" : [1, 2 ]} ,\"l\":[]}\n",
           "s=\"x\" n=#12.10 i=#12345678901234567890123 e=#-1.5E+300 t=true f=false z=null "
           "o=json:{\"a\" : [1, 2 ]} l=json:[]\n"
           "columns: s n i e t f z o l\nend\n");
}

static void test_strings_are_unescaped(void **state)
{
    (void)state;
    expect(EH_JSON_LINES,
           "{\"a\":\"q\\\" b\\\\ s\\/ \\b\\f\\n\\r\\t\",\"b\":\"\\u00e9\\uD83D\\uDE00\","
           "\"c\\u0061\":\"plain\",\"d\":\"\",\"e\":\"007\"}\n",
           "a=\"q\\\" b\\\\ s/ \\b\\f\\n\\r\\t\" b=\"\xc3\xa9\xf0\x9f\x98\x80\" ca=\"plain\" "
           "d=\"\" e=\"007\"\ncolumns: a b ca d e\nend\n");
}

static void test_a_nul_in_a_value_stays_and_nested_oddities_are_flagged(void **state)
{
    (void)state;
    expect(EH_JSON_LINES,
           "{\"a\":\"x\\u0000y\"}\n"
           "{\"a\":{\"k\":1,\"k\":2}}\n"
           "{\"a\":[{\"k\":{\"x\":1,\"\\u0078\":2}}]}\n"
           "{\"a\":[\"\\u0000\"]}\n"
           "{\"a\":{\"\\u0000\":1}}\n"
           "{\"a\":[{\"k\":1},{\"k\":2}]}\n",
           "a=\"x\\u0000y\"\n"
           "a=json:{\"k\":1,\"k\":2}!\n"
           "a=json:[{\"k\":{\"x\":1,\"\\u0078\":2}}]!\n"
           "a=json:[\"\\u0000\"]!\n"
           "a=json:{\"\\u0000\":1}!\n"
           "a=json:[{\"k\":1},{\"k\":2}]\n"
           "columns: a\nend\n");
}

static void test_columns_grow_in_order_of_appearance(void **state)
{
    (void)state;
    expect(EH_JSON_LINES,
           "{\"b\":1}\n{\"a\":2,\"b\":3}\n{}\n{\"c\":4,\"a\":5}\n{\"b\":6,\"\":7}\n",
           "b=#1\nb=#3 a=#2\n\na=#5 c=#4\nb=#6 =#7\ncolumns: b a c \nend\n");
}

static void test_a_dead_record_adds_no_columns(void **state)
{
    (void)state;
    expect(
        EH_JSON_LINES, "{\"a\":1}\n{\"zz\":1,\"yy\":tru}\n{\"b\":2}\n",
        "a=#1\nb=#2\n"
        "dead malformed_json <> a word is none of true, false, null, at byte 13 of the record:"
        " {\"zz\":1,\"yy\":tru}\ncolumns: a b\nend\n");
}

static void test_known_columns_come_first(void **state)
{
    (void)state;
    eh_slice known[] = {eh_slice_str("x"), eh_slice_str("y")};
    eh_json_options options = {.shape = EH_JSON_LINES, .columns = known, .column_count = 2};
    const char text[] = "{\"z\":1,\"y\":2}";
    expect_dump(&options, text, strlen(text), false, "y=#2 z=#1\ncolumns: x y z\nend\n");
}

/* ---- lines ---- */

static void test_lines_know_their_place(void **state)
{
    (void)state;
    expect_places(EH_JSON_LINES, "\xef\xbb\xbf{\"a\":1}\r\n\n  \n{\"a\":2}\nxx\n{\"a\":3}",
                  "batch [0,34)\n"
                  "[3,12) row 1 line 1: a=#1\n"
                  "[16,24) row 2 line 4: a=#2\n"
                  "[27,34) row 4 line 6: a=#3\n"
                  "[24,27) row 3 line 5: dead malformed_json <> a word is none of true, false, "
                  "null, at byte 0 of the record: xx\n"
                  "columns: a\nend\n");
}

static void test_bad_lines_die_alone(void **state)
{
    (void)state;
    expect(
        EH_JSON_LINES,
        "{\"a\":1}\n"
        "{\"a\":\"open}\n"
        "{\"a\":2}\n"
        "\"open too\n"
        "{\"a\":\"\xff\"}\n"
        "{\"a\":\"tab\there\"}\n"
        "{\"a\":\"\\ud800\"}\n"
        "[1]\n"
        "{\"a\":1,\"a\":2}\n"
        "{\"a\\u0000\":1}\n"
        "{\"a\":1}{\"a\":2}\n"
        "{\"a\":1\n"
        ",\"a\":2}\n"
        "{\"a\":3}\n",
        "a=#1\na=#2\na=#3\n"
        "dead malformed_json <> a string has no end, at byte 11 of the record: {\"a\":\"open}\n"
        "dead malformed_json <> a string has no end, at byte 9 of the record: \"open too\n"
        "dead invalid_utf8 <> a string is not valid UTF-8, at byte 5 of the record: "
        "{\"a\":\"\xff\"}\n"
        "dead malformed_json <> a control byte in a string is not escaped, at byte 9 of the "
        "record: {\"a\":\"tab\there\"}\n"
        "dead lone_surrogate <> a string has half of a surrogate pair, at byte 5 of the "
        "record: "
        "{\"a\":\"\\ud800\"}\n"
        "dead not_an_object <> a record must be an object, at byte 0 of the record: [1]\n"
        "dead duplicate_key <a> a key is there twice, at byte 0 of the record: "
        "{\"a\":1,\"a\":2}\n"
        "dead nul_in_key <> a key has a NUL in it, at byte 1 of the record: {\"a\\u0000\":1}\n"
        "dead malformed_json <> something follows the value, at byte 7 of the record: "
        "{\"a\":1}{\"a\":2}\n"
        "dead malformed_json <> a comma or a closing brace is missing in an object, at byte 6 "
        "of the record: {\"a\":1\n"
        "dead malformed_json <> a value is missing, at byte 0 of the record: ,\"a\":2}\n"
        "columns: a\nend\n");
}

static void test_lines_may_be_empty(void **state)
{
    (void)state;
    expect(EH_JSON_LINES, "", "columns:\nend\n");
    expect(EH_JSON_LINES, "\n \n\r\n", "columns:\nend\n");
    expect(EH_JSON_LINES, "\xef\xbb\xbf", "columns:\nend\n");
}

/* ---- arrays ---- */

static void test_an_array_gives_its_elements(void **state)
{
    (void)state;
    expect_places(EH_JSON_ARRAY, " [ {\"a\":\"],[{\"} , {\"a\":2},\n{} ] \n",
                  "batch [0,30)\n"
                  "[3,16) row 1 line 0: a=\"],[{\"\n"
                  "[18,25) row 2 line 0: a=#2\n"
                  "[27,30) row 3 line 0: \n"
                  "columns: a\nend\n");
    expect(EH_JSON_ARRAY, "[]", "columns:\nend\n");
    expect(EH_JSON_ARRAY, "\xef\xbb\xbf [ \n ] ", "columns:\nend\n");
}

static void test_refused_elements_die_alone(void **state)
{
    (void)state;
    expect(EH_JSON_ARRAY, "[1,{\"a\":\"\xff\"},{\"a\":1},[2],\"x\",{\"a\":\"\\udc00\"}]",
           "a=#1\n"
           "dead not_an_object <> a record must be an object, at byte 0 of the record: 1\n"
           "dead invalid_utf8 <> a string is not valid UTF-8, at byte 5 of the record: "
           "{\"a\":\"\xff\"}\n"
           "dead not_an_object <> a record must be an object, at byte 0 of the record: [2]\n"
           "dead not_an_object <> a record must be an object, at byte 0 of the record: \"x\"\n"
           "dead lone_surrogate <> a string has half of a surrogate pair, at byte 5 of the "
           "record: "
           "{\"a\":\"\\udc00\"}\n"
           "columns: a\nend\n");
}

static void test_what_is_no_array_is_an_error(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        " ",
                                        "{}",
                                        "1",
                                        "[",
                                        "[{}",
                                        "[{},",
                                        "[{},]",
                                        "[,{}]",
                                        "[{},,{}]",
                                        "[{} {}]",
                                        "[{}]x",
                                        "[{}]]",
                                        "[{}][{}]",
                                        "[{}}",
                                        "[{\"a\":01}]",
                                        "[{\"a\":1]",
                                        "[tru]",
                                        "[{\"a\":1",
                                        "[{\"a\":\"x",
                                        "[{'a':1}]",
                                        "[{\"a\":+1}]",
                                        "[NaN]",
                                        "[{},\n]",
                                        "[{\"a\"}]",
                                        "[{a:1}]",
                                        "[{\"a\":.5}]",
                                        "[}",
                                        "]",
                                        "[\"a\nb\"]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        eh_json_options options = {.shape = EH_JSON_ARRAY};
        json_feeding f = {.data = texts[i], .len = strlen(texts[i]), .chunk = 3};
        eh_buf out;
        eh_buf_init(&out, SIZE_MAX / 4);
        dump_json(&options, &f, &out);
        if (strstr(eh_buf_cstr(&out), "\nerror data: not JSON: ") == NULL)
            fail_msg("%s gave %s", texts[i], out.data);
        eh_buf_free(&out);
    }
}

static void test_an_array_goes_on_where_it_was_left(void **state)
{
    (void)state;
    const char text[] = "[{\"a\":1} , {\"a\":2},{\"a\":3} ] ";
    static const struct {
        size_t offset;
        const char *expected;
    } cases[] = {
        {9, "batch [9,27)\n[11,18) row 2 line 0: a=#2\n[19,27) row 3 line 0: a=#3\n"},
        {10, "batch [10,27)\n[11,18) row 2 line 0: a=#2\n[19,27) row 3 line 0: a=#3\n"},
        {26, ""},
        {27, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        eh_json_options options = {.shape = EH_JSON_ARRAY,
                                   .from = {.offset = cases[i].offset, .row = 1}};
        json_feeding f = {.data = text + cases[i].offset,
                          .len = strlen(text) - cases[i].offset,
                          .chunk = 2,
                          .batches = true};
        eh_buf out;
        eh_buf_init(&out, SIZE_MAX / 4);
        dump_json(&options, &f, &out);
        size_t len = strlen(cases[i].expected);
        if (len > 0) assert_memory_equal(eh_buf_cstr(&out), cases[i].expected, len);
        assert_non_null(strstr(eh_buf_cstr(&out), "\nend\n"));
        eh_buf_free(&out);
    }
}

/* ---- documents ---- */

static void test_a_document_gives_the_rows_at_a_path(void **state)
{
    (void)state;
    expect_at("data.items",
              "{\"ok\":true,\"data\":{\"n\":2,\"items\":[{\"a\":1},{\"a\":2}]},\"z\":0}",
              "a=#1\na=#2\ncolumns: a\nend\n");
    expect_at("data", "{\"data\":{\"a\":1}}", "a=#1\ncolumns: a\nend\n");
    expect_at("d\xc3\xa9", "{\"d\\u00e9\":[{\"a\":1}]}", "a=#1\ncolumns: a\nend\n");
    expect_at("data", "{\"data\":[]}", "columns:\nend\n");
    expect_at("", "{\n\"a\":1\n}", "a=#1\ncolumns: a\nend\n");
    expect_at(
        "", "[{\"a\":1},2]",
        "a=#1\ndead not_an_object <> a record must be an object, at byte 0 of the record: 2\n"
        "columns: a\nend\n");
}

static void test_rows_that_are_not_there_are_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *path, *text, *error;
    } cases[] = {
        {"data", "{\"ok\":false}",
         "error remote: there are no rows at \"data\": the document has no \"data\""},
        {"data.items", "{\"data\":{}}",
         "error remote: there are no rows at \"data.items\": the document has no "
         "\"data.items\""},
        {"data.items", "{\"data\":[]}",
         "error remote: there are no rows at \"data.items\": what should hold \"data.items\" "
         "is no "
         "object"},
        {"data", "{\"data\":null}", "error remote: what is at \"data\" is null"},
        {"data", "{\"data\":\"x\"}", "error remote: what is at \"data\" is a string"},
        {"data", "{\"data\":17}", "error remote: what is at \"data\" is a number"},
        {"data", "{\"data\":false}", "error remote: what is at \"data\" is a boolean"},
        {"", "null", "error remote: the document is null"},
        {"data", "{\"data\":[],\"data\":[]}",
         "error remote: a key of the path \"data\" is there twice"},
        {"data", "{\"data\":[{\"a\":1}]", "error data: not JSON: "},
        {"data", "{\"data\":[{\"a\":1}]} x", "error data: not JSON: something follows"},
        {"data", "{\"data\":[{\"a\":1}],\"z\":tru}", "error data: not JSON: a word"},
        {"data", "{\"data\":[{\"a\":1},{\"a\":01}]}", "error data: not JSON: a number"},
        {"data", "{\"data\":[{\"a\":1},]}", "error data: not JSON: a value is missing"},
        {"data", "", "error data: not JSON: the text ends early"},
        {"data", "<html>", "error data: not JSON: "},
        {"data", "{\"\xff\":1,\"data\":[]}",
         "error data: not JSON: a string is not valid UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        eh_json_options options = {.shape = EH_JSON_DOCUMENT,
                                   .path = eh_slice_str(cases[i].path)};
        json_feeding f = {.data = cases[i].text, .len = strlen(cases[i].text), .chunk = 5};
        eh_buf out;
        eh_buf_init(&out, SIZE_MAX / 4);
        dump_json(&options, &f, &out);
        char expected[256];
        (void)snprintf(expected, sizeof expected, "columns:\n%s", cases[i].error);
        if (strncmp(eh_buf_cstr(&out), expected, strlen(expected)) != 0)
            fail_msg("%s at %s gave %s", cases[i].text, cases[i].path, out.data);
        eh_buf_free(&out);
    }
}

/* Read as it comes, what is wrong behind the rows is told behind them. */
static void test_a_document_is_read_as_it_comes(void **state)
{
    (void)state;
    static const struct {
        const char *path, *text, *expected;
    } cases[] = {
        {"d", "{\"d\":[{\"a\":1}]",
         "a=#1\ncolumns: a\nerror data: not JSON: the text ends early"},
        {"d", "{\"d\":[{\"a\":1}", "columns:\nerror data: not JSON: the array has no end"},
        {"d", "{\"d\":[{\"a\":1}]} x", "a=#1\ncolumns: a\nerror data: not JSON: something"},
        {"d", "{\"d\":[{\"a\":1}],\"z\":tru}",
         "a=#1\ncolumns: a\nerror data: not JSON: a word"},
        {"d", "{\"d\":[{\"a\":1}],\"z\":\"\xff\"}",
         "a=#1\ncolumns: a\nerror data: not JSON: a string is not valid UTF-8"},
        {"d", "{\"d\":[{\"a\":1}],\"d\":[]}",
         "a=#1\ncolumns: a\nerror remote: a key of the path \"d\" is there twice"},
        {"d", "{\"z\":{\"d\":[{\"b\":1}]},\"\\u0064\":[],\"y\":[[],{}]}", "columns:\nend"},
        {"d.e", "{\"d\":{\"x\":[],\"e\":{\"a\":[{\"q\":2}]}},\"e\":1}",
         "a=json:[{\"q\":2}]\ncolumns: a\nend"},
        {"d.e", "{\"d\":[{\"e\":[]}]}",
         "columns:\nerror remote: there are no rows at \"d.e\": what"},
        {"d.e", "{\"d\":{\"f\":1}}",
         "columns:\nerror remote: there are no rows at \"d.e\": the document has no \"d.e\""},
        {"d", "{\"d\":null}", "columns:\nerror remote: what is at \"d\" is null"},
        {"d", "{\"z\":1 \"d\":[]}",
         "columns:\nerror data: not JSON: a comma or a closing brace"},
        {"d", "{\"z\":[1 2],\"d\":[]}",
         "columns:\nerror data: not JSON: a comma or a closing brack"},
        {"d", "{\"z\":01,\"d\":[]}", "columns:\nerror data: not JSON: a number"},
        {"d", "{\"z\":\"\\x\",\"d\":[]}",
         "columns:\nerror data: not JSON: a string has an escape"},
        {"d", "{\"z", "columns:\nerror data: not JSON: a string has no end"},
        {"", "{\"a\":\"\\ud800\"}", "dead lone_surrogate"},
    };
    static const size_t chunks[] = {1, 5, 1024};
    for (size_t i = 0; i < 3 * (sizeof cases / sizeof cases[0]); i++) {
        eh_json_options options = {.shape = EH_JSON_DOCUMENT,
                                   .as_it_comes = true,
                                   .path = eh_slice_str(cases[i / 3].path)};
        json_feeding f = {.data = cases[i / 3].text,
                          .len = strlen(cases[i / 3].text),
                          .chunk = chunks[i % 3]};
        eh_buf out;
        eh_buf_init(&out, SIZE_MAX / 4);
        dump_json(&options, &f, &out);
        const char *expected = cases[i / 3].expected;
        if (strncmp(eh_buf_cstr(&out), expected, strlen(expected)) != 0)
            fail_msg("%s at %s gave %s", f.data, cases[i / 3].path, out.data);
        eh_buf_free(&out);
    }
}

/* ---- finding out the shape ---- */

static void test_the_shape_is_found_out(void **state)
{
    (void)state;
    expect(EH_JSON_DETECT, " [{\"a\":1}]", "a=#1\ncolumns: a\nend\n");
    expect(EH_JSON_DETECT, "{\"a\":1}\n{\"a\":2}", "a=#1\na=#2\ncolumns: a\nend\n");
    expect(EH_JSON_DETECT, "\xef\xbb\xbf{\"a\":1}", "a=#1\ncolumns: a\nend\n");
    expect(EH_JSON_DETECT, "{\n \"a\": {\n\"b\":1}}\n",
           "a=json:{\n\"b\":1}\ncolumns: a\nend\n");
    expect(EH_JSON_DETECT, "{\"a\":01}\n{\"a\":2}",
           "a=#2\ndead malformed_json <> a number is not written as JSON writes numbers, at "
           "byte 5 "
           "of the record: {\"a\":01}\ncolumns: a\nend\n");
    expect(EH_JSON_DETECT, "", "columns:\nerror data: the input is empty\n");
    expect(EH_JSON_DETECT, "<html>",
           "columns:\nerror data: not JSON records: the input begins with '<'\n");
    expect(EH_JSON_DETECT, "{\"a\":1",
           "columns:\nerror data: not JSON: a comma or a closing brace is missing in an object "
           "(byte 6)\n");
}

static void test_options_that_contradict_are_refused(void **state)
{
    (void)state;
    eh_json_options options = {.shape = EH_JSON_LINES, .path = eh_slice_str("a")};
    expect_dump(&options, "", 0, false,
                "refused config: a path to the rows needs a JSON document, not lines or an "
                "array\n");
    options = (eh_json_options){.from = {.offset = 5}};
    expect_dump(&options, "", 0, false,
                "refused config: JSON is resumed only in lines or an array\n");
    options = (eh_json_options){.path = eh_slice_str("a..b")};
    expect_dump(&options, "", 0, false,
                "refused config: the path \"a..b\" has an empty step\n");
}

/* ---- chunks ---- */

/* Records of many kinds: lengths, escapes, keys left out, dead ones. `bad`: malformed ones too.
 */
static void make_records(eh_buf *text, const char *between, bool bad)
{
    for (int i = 0; i < 3000; i++) {
        if (i > 0) SAY(text, "%s", between);
        if (i % 97 == 96)
            SAY(text, bad ? "{\"id\":%d,]" : "[%d]", i);
        else if (i % 89 == 88)
            SAY(text, "{\"id\":%d,\"id\":2}", i);
        else if (i % 7 == 0)
            SAY(text,
                "{ \"id\" : %d , \"n\": {\"a\\u0062\":[1,{\"q\":\"\\\"\"}]},\"k%d\":null }", i,
                i / 100);
        else
            SAY(text, "{\"id\":%d,\"s\":\"%.*s\\n\\\\\",\"x\":%d.50}", i, i % 60,
                "abcdefghijklmnopqrstuvwxyz,[]{}:abcdefghijklmnopqrstuvwxyz,[]{}:", i);
    }
}

static void compare_chunks(const eh_json_options *options, const eh_buf *text)
{
    static const size_t chunks[] = {1024 * 1024, 1, 7, 4096, 0};
    eh_buf first, out;
    eh_buf_init(&first, SIZE_MAX / 4);
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        json_feeding f = {
            .data = text->data, .len = text->len, .chunk = chunks[i], .batches = true};
        eh_buf_init(&out, SIZE_MAX / 4);
        dump_json(options, &f, i == 0 ? &first : &out);
        if (i > 0) assert_string_equal(eh_buf_cstr(&out), eh_buf_cstr(&first));
        eh_buf_free(&out);
    }
    assert_non_null(strstr(first.data, "\nend\n"));
    eh_buf_free(&first);
}

static void test_chunks_never_show(void **state)
{
    (void)state;
    static const struct {
        eh_json_shape shape;
        const char *open, *between, *close;
    } shapes[] = {
        {EH_JSON_LINES, "", "\n", "\n"},
        {EH_JSON_LINES, "\n\n\n", "\n \n", ""},
        {EH_JSON_ARRAY, "[", ",", "]"},
        {EH_JSON_ARRAY, " [\n", "\n ,\n", "\n]\n"},
        {EH_JSON_DETECT, " [", ",", "]"},
        {EH_JSON_DOCUMENT, "{\"x\":[{}],\"d\":[", ",", "],\"z\":{}}"},
    };
    static const size_t sizes[] = {1, 100, 777, 65536, 200000};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        eh_buf text;
        eh_buf_init(&text, SIZE_MAX / 4);
        SAY(&text, "%s", shapes[i].open);
        make_records(&text, shapes[i].between, shapes[i].shape == EH_JSON_LINES);
        SAY(&text, "%s", shapes[i].close);
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            eh_json_options options = {
                .shape = shapes[i].shape, .batch_bytes = sizes[s], .batch_rows = 100 * s + 1};
            if (options.shape == EH_JSON_DOCUMENT) options.path = eh_slice_str("d");
            compare_chunks(&options, &text);
            options.as_it_comes = options.shape == EH_JSON_DOCUMENT;
            if (options.as_it_comes) compare_chunks(&options, &text);
        }
        eh_buf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_keep_what_was_written),
        cmocka_unit_test(test_strings_are_unescaped),
        cmocka_unit_test(test_a_nul_in_a_value_stays_and_nested_oddities_are_flagged),
        cmocka_unit_test(test_columns_grow_in_order_of_appearance),
        cmocka_unit_test(test_a_dead_record_adds_no_columns),
        cmocka_unit_test(test_known_columns_come_first),
        cmocka_unit_test(test_lines_know_their_place),
        cmocka_unit_test(test_bad_lines_die_alone),
        cmocka_unit_test(test_lines_may_be_empty),
        cmocka_unit_test(test_an_array_gives_its_elements),
        cmocka_unit_test(test_refused_elements_die_alone),
        cmocka_unit_test(test_what_is_no_array_is_an_error),
        cmocka_unit_test(test_an_array_goes_on_where_it_was_left),
        cmocka_unit_test(test_a_document_gives_the_rows_at_a_path),
        cmocka_unit_test(test_rows_that_are_not_there_are_an_error),
        cmocka_unit_test(test_a_document_is_read_as_it_comes),
        cmocka_unit_test(test_the_shape_is_found_out),
        cmocka_unit_test(test_options_that_contradict_are_refused),
        cmocka_unit_test(test_chunks_never_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
