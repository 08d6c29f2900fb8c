/* tests/c/test_json_outline.c: a second look at a text, by the outline of the first, sees what
 * a first look sees, and so does the parser of its rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include "json_dump.h"

#include "data/json_doc.h"

static const char *const texts[] = {
    ("{\"data\":[{\"id\":1,\"tags\":[\"a\",\"b]\"]},{\"id\":2,\"x\":{\"y\":{\"z\":[]}}}],"
     "\"next\":7}"),
    "{\"next\":null,\"data\":{\"items\":[ {\"id\":1} , {\"id\":2,\"id\":3} ,4],\"next\":[]}}",
    "[[1,2],[3,[4,5,[6]]],{\"next\":1}]",
    "{\"data\":[],\"data\":[{\"id\":1}],\"next\":\"\\u0061\\\"}]\"}",
    " {\"data\" : {\"items\" : [{\"a\":\"\\\\\"},{\"a\":\"\\\\\\\"\"}] } , \"next\" : 1.50 } ",
    "{\"data\":[{\"s\":\"\\ud800\"},{\"s\":\"x\"}],\"next\":1}",
    "{\"data\":[{\"s\":\"\xff\"}],\"next\":2}",
    "{\"data\":[{\"id\":1},{\"id\":2],\"next\":2}",
    "{\"data\":[{\"id\":1},{\"id\":2}],\"next\":2",
    "{\"data\":[{\"id\":1},],\"next\":2}",
    "{\"data\":[1,2,3]} x",
    "\"text\"",
    "12",
    "",
};
static const char *const paths[] = {"", "data", "next", "data.items", "data.next", "none.next"};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* What a look says, as text. */
static void say_look(const char *text, const char *path, eh_json_outline *outline, eh_buf *out)
{
    eh_err err = {.class_ = EH_OK};
    eh_slice found = eh_slice_of(NULL, 0);
    if (eh_json_look(eh_slice_str(text), eh_slice_str(path), outline, &found, &err))
        SAY(out, "%td %zu\n", found.data != NULL ? found.data - text : -1, found.len);
    else
        SAY(out, "%s %s\n", eh_class_name(err.class_), err.message);
}

static void assert_same(eh_buf *expected, eh_buf *found, const char *text)
{
    if (strcmp(eh_buf_cstr(expected), eh_buf_cstr(found)) != 0)
        fail_msg("%s:\n%snot\n%s", text, found->data, expected->data);
    eh_buf_free(expected);
    eh_buf_free(found);
}

static void test_every_look_sees_the_same(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT(texts); t++)
        for (size_t first = 0; first < COUNT(paths); first++) {
            eh_json_outline outline = {.span_bytes = 1, .cut_bytes = 1};
            eh_buf expected, found;
            eh_buf_init(&expected, SIZE_MAX / 4);
            eh_buf_init(&found, SIZE_MAX / 4);
            for (size_t n = 0; n < COUNT(paths); n++) {
                const char *path = paths[(first + n) % COUNT(paths)];
                say_look(texts[t], path, NULL, &expected);
                say_look(texts[t], path, &outline, &found);
            }
            eh_json_outline_free(&outline);
            assert_same(&expected, &found, texts[t]);
        }
}

static void say_rows(const char *text, const char *path, eh_json_outline *outline, eh_buf *out)
{
    eh_json_options options = {
        .shape = EH_JSON_DOCUMENT, .path = eh_slice_str(path), .outline = outline};
    json_feeding f = {.data = text, .len = strlen(text), .chunk = 100000, .batches = true};
    dump_json(&options, &f, out);
}

static void test_the_rows_are_the_same(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT(texts); t++)
        for (size_t p = 0; p < 4; p++) {
            eh_json_outline made = {.span_bytes = 1, .cut_bytes = 1}, looked = made;
            eh_buf expected, found, ignored;
            eh_buf_init(&ignored, SIZE_MAX / 4);
            say_look(texts[t], "next", &looked, &ignored);
            eh_buf_free(&ignored);
            for (int n = 0; n < 3; n++) {
                eh_buf_init(&expected, SIZE_MAX / 4);
                eh_buf_init(&found, SIZE_MAX / 4);
                say_rows(texts[t], paths[p], NULL, &expected);
                say_rows(texts[t], paths[p], n == 0 ? &looked : &made, &found);
                assert_same(&expected, &found, texts[t]);
            }
            eh_json_outline_free(&made);
            eh_json_outline_free(&looked);
        }
}

/* {"data":[[[...]],[[...]],...],"next":1}: more arrays than are noted. */
static void make_large(eh_buf *out)
{
    SAY(out, "{\"data\":[");
    for (int i = 0; i < 3000; i++) SAY(out, "%s{\"n\":%d,\"l\":[[%d],[]]}", i ? "," : "", i, i);
    SAY(out, "],\"next\":1}");
}

static void test_what_is_noted_has_a_bound(void **state)
{
    (void)state;
    eh_buf text, expected, found;
    eh_json_outline outline = {.span_bytes = 1, .cut_bytes = 1};
    eh_buf_init(&text, SIZE_MAX / 4);
    eh_buf_init(&expected, SIZE_MAX / 4);
    eh_buf_init(&found, SIZE_MAX / 4);
    make_large(&text);
    for (int n = 0; n < 2; n++) {
        say_look(eh_buf_cstr(&text), "next", NULL, &expected);
        say_look(eh_buf_cstr(&text), "next", &outline, &found);
    }
    say_rows(eh_buf_cstr(&text), "data", NULL, &expected);
    say_rows(eh_buf_cstr(&text), "data", &outline, &found);
    assert_true(outline.good && outline.full);
    assert_true(eh_json_outline_bytes(&outline) <= 256 * 1024);
    assert_same(&expected, &found, "a large document");
    eh_json_outline_free(&outline);
    eh_buf_free(&text);
}

/* Of a page as services answer them the list is noted, and where its windows end. */
static void test_a_large_list_is_noted(void **state)
{
    (void)state;
    eh_buf text, ignored;
    eh_json_outline outline = {.good = false};
    eh_buf_init(&text, SIZE_MAX / 4);
    eh_buf_init(&ignored, SIZE_MAX / 4);
    SAY(&text, "{\"data\":[");
    for (int i = 0; i < 10000; i++) SAY(&text, "%s{\"n\":%d,\"s\":\"],\"}", i ? "," : "", i);
    SAY(&text, "],\"next\":1}");
    say_look(eh_buf_cstr(&text), "next", &outline, &ignored);
    assert_true(outline.good);
    assert_int_equal(outline.span_count, 1);
    assert_int_equal(outline.spans[0].start, 8);
    assert_int_equal(outline.spans[0].depth, 2);
    assert_int_equal(outline.cut_count, text.len / EH_JSON_CUT_BYTES);
    for (size_t i = 0; i < outline.cut_count; i++)
        assert_memory_equal(text.data + outline.cuts[i].at - 2, "\"},{", 3);
    eh_json_outline_free(&outline);
    eh_json_outline_free(&outline);
    eh_buf_free(&text);
    eh_buf_free(&ignored);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_look_sees_the_same),
        cmocka_unit_test(test_the_rows_are_the_same),
        cmocka_unit_test(test_what_is_noted_has_a_bound),
        cmocka_unit_test(test_a_large_list_is_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
