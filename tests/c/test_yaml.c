/* tests/c/test_yaml.c: YAML files to documents, and what is said about those that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include "data/yaml.h"

#include <stdlib.h>

static void expect(const char *text, const char *json)
{
    eh_err err = {.class_ = EH_OK};
    eh_arena *arena = eh_arena_new((size_t)64 * 1024 * 1024);
    eh_buf out;
    eh_buf_init(&out, (size_t)1024 * 1024);
    eh_doc *doc = eh_yaml_parse(arena, eh_slice_str(text), "f.yaml", &err);
    if (doc == NULL) fail_msg("refused: %s at %s", err.message, err.place);
    assert_true(eh_doc_to_json(doc, &out, &err));
    assert_string_equal(eh_buf_cstr(&out), json);
    eh_buf_free(&out);
    eh_arena_free(arena);
}

static void expect_error(const char *text, const char *place, const char *message,
                         const char *hint)
{
    eh_err err = {.class_ = EH_OK};
    eh_arena *arena = eh_arena_new((size_t)64 * 1024 * 1024);
    if (eh_yaml_parse(arena, eh_slice_str(text), "f.yaml", &err) != NULL)
        fail_msg("taken: %s", text);
    assert_int_equal(err.class_, EH_CLASS_CONFIG);
    assert_string_equal(err.message, message);
    assert_string_equal(err.place, place);
    if (strstr(err.hint, hint) == NULL) fail_msg("the hint is \"%s\"", err.hint);
    eh_arena_free(arena);
}

static void test_scalars_stay_as_written(void **state)
{
    (void)state;
    expect(
        "a: NO\nb: 0755\nc: 1.10\nd: 22:22\ne: y\nf: 2024-01-01\ng: true\nh: \"null\"\n"
        "i: null\nj: ~\nk:\nl: ''\nm: Null\n",
        "{\"a\":\"NO\",\"b\":\"0755\",\"c\":\"1.10\",\"d\":\"22:22\",\"e\":\"y\","
        "\"f\":\"2024-01-01\",\"g\":\"true\",\"h\":\"null\",\"i\":null,\"j\":null,\"k\":null,"
        "\"l\":\"\",\"m\":\"Null\"}");
}

static void test_lists_maps_and_texts(void **state)
{
    (void)state;
    expect(
        "x: [a, {b: c}, []]\ny:\n  - 1\n  -\n    z: 2\nt: |\n  one\n  two\nu: >\n  one\n  two\n"
        "v: \"\\u00e9\\n\" # a comment\n",
        "{\"x\":[\"a\",{\"b\":\"c\"},[]],\"y\":[\"1\",{\"z\":\"2\"}],\"t\":\"one\\ntwo\\n\","
        "\"u\":\"one two\\n\",\"v\":\"\xc3\xa9\\n\"}");
    expect("- a\n- b\n", "[\"a\",\"b\"]");
}

static void test_an_empty_file_is_an_empty_map(void **state)
{
    (void)state;
    expect("", "{}");
    expect("# nothing yet\n", "{}");
    expect("---\n", "{}");
    expect("\xef\xbb\xbf", "{}");
    expect("\xef\xbb\xbf"
           "a: 1\n",
           "{\"a\":\"1\"}");
    expect("---\na: 1\n...\n", "{\"a\":\"1\"}");
}

static void test_nodes_know_their_place(void **state)
{
    (void)state;
    const char text[] = "a: 1\nb:\n  \xc3\xa9:  [x, yy]\n";
    eh_err err = {.class_ = EH_OK};
    eh_arena *arena = eh_arena_new(1024 * 1024);
    eh_doc *doc = eh_yaml_parse(arena, eh_slice_str(text), "f.yaml", &err);
    assert_non_null(doc);
    assert_int_equal(doc->line, 1);
    const eh_doc *list = eh_doc_get(eh_doc_get(doc, "b"), "\xc3\xa9");
    assert_int_equal(list->key_line, 3);
    assert_int_equal(list->key_column, 3);
    assert_int_equal(list->line, 3);
    assert_int_equal(list->column, 7);
    assert_int_equal(eh_doc_first(list)->next->line, 3);
    assert_int_equal(eh_doc_first(list)->next->column, 11);
    eh_arena_free(arena);
}

static void test_what_a_configuration_has_no_use_for(void **state)
{
    (void)state;
    expect_error("a: &x 1\nb: 2\n", "f.yaml:1:4",
                 "anchors and aliases (&name, *name) are not read", "extends");
    expect_error("a: 1\nb: *x\n", "f.yaml:2:4",
                 "anchors and aliases (&name, *name) are not read", "extends");
    expect_error("&x a: 1\n", "f.yaml:1:1", "anchors and aliases (&name, *name) are not read",
                 "extends");
    expect_error("a: &l\n  - 1\n", "f.yaml:1:4",
                 "anchors and aliases (&name, *name) are not read", "extends");
    expect_error("a: !!int 1\n", "f.yaml:1:4", "tags (!name) are not read", "quotes");
    expect_error("a: ! 1\n", "f.yaml:1:4", "tags (!name) are not read", "quotes");
    expect_error("!!map {a: 1}\n", "f.yaml:1:1", "tags (!name) are not read", "quotes");
    expect_error("<<: {a: 1}\n", "f.yaml:1:1", "merge keys (<<) are not read", "extends");
    expect_error("a: 1\n---\nb: 2\n", "f.yaml:2:1", "a second document (---) begins here",
                 "One");
    expect_error("{a: 1}: 2\n", "f.yaml:1:1", "a key must be a plain text", "quotes");
    expect_error("? [a]\n: 2\n", "f.yaml:1:3", "a key must be a plain text", "quotes");
    expect_error("\"\": 2\n", "f.yaml:1:1", "a key is empty", "name");
    expect_error("a: \"x\\0y\"\n", "f.yaml:1:4", "a text has a NUL in it", "");
}

static void test_duplicate_keys_show_both_lines(void **state)
{
    (void)state;
    expect_error("a: 1\nb: 2\n\"a\": 3\n", "f.yaml:3:1",
                 "the key \"a\" is there twice, on lines 1 and 3", "Keep one");
    expect_error("x:\n  - {a: 1, a: 2}\n", "f.yaml:2:12",
                 "the key \"a\" is there twice, on lines 2 and 2", "Keep one");
}

static void test_mistakes_have_a_place_and_a_hint(void **state)
{
    (void)state;
    expect_error("a:\n\tb: 1\n", "f.yaml:2:1", "a tab is used for indentation", "spaces");
    expect_error("a: @x\n", "f.yaml:1:4", "a value may not begin with '@'", "quotes");
    expect_error("a: \"open\nb: 1\n", "f.yaml:1:4", "a quote is not closed", "");
    expect_error("a: b: c\n", "f.yaml:1:5", "mapping values are not allowed in this context",
                 "quotes");
    expect_error("a: 1\n b: 2\n", "f.yaml:2:3",
                 "mapping values are not allowed in this context", "indentation");
    expect_error(
        "a:\n  b: 1\n c: 2\n", "f.yaml:3:2",
        "did not find expected key, while parsing a block mapping that began on line 1",
        "same column");
    expect_error(
        "a: [1, 2\nb: 3\n", "f.yaml:2:2",
        "did not find expected ',' or ']', while parsing a flow sequence that began on "
        "line 1",
        "commas");
    expect_error("a: \"\\q\"\n", "f.yaml:1:5", "found unknown escape character", "backslash");
    expect_error("a: \xff\n", "f.yaml:1:1", "invalid leading UTF-8 octet (byte 3)", "UTF-8");
    expect_error("a: x\x01y\n", "f.yaml:1:1", "control characters are not allowed (byte 4)",
                 "UTF-8");
}

static void test_a_nul_byte_is_no_text(void **state)
{
    (void)state;
    eh_err err = {.class_ = EH_OK};
    eh_arena *arena = eh_arena_new(1024 * 1024);
    assert_null(eh_yaml_parse(arena, eh_slice_of("a: x\0y\n", 7), "f.yaml", &err));
    assert_int_equal(err.class_, EH_CLASS_CONFIG);
    eh_arena_free(arena);
}

static void test_a_file_has_limits(void **state)
{
    (void)state;
    eh_buf text;
    eh_buf_init(&text, (size_t)4 * 1024 * 1024);
    for (int i = 0; i < 64; i++) assert_true(eh_buf_append_byte(&text, '[', NULL));
    expect_error(eh_buf_cstr(&text), "f.yaml:2:1", "did not find expected node content", "");
    for (int i = 0; i < 1000; i++) assert_true(eh_buf_append_byte(&text, '[', NULL));
    expect_error(eh_buf_cstr(&text), "f.yaml:1:65", "values are nested deeper than 64", "");
    text.len = 0;
    for (int i = 0; i < 10001; i++) assert_true(eh_buf_append_str(&text, "- a\n", NULL));
    expect_error(eh_buf_cstr(&text), "f.yaml:10000:3", "the file has more than 10000 values",
                 "");
    text.len = 0;
    while (text.len <= 1024 * 1024) assert_true(eh_buf_append_str(&text, "# comment\n", NULL));
    expect_error(eh_buf_cstr(&text), "f.yaml:1:1", "the file is longer than 1 MiB", "");
    eh_buf_free(&text);
}

/* Wherever a good file is cut or changed by a byte, there is a document or an error with a
 * place. */
static void test_damaged_files_never_surprise(void **state)
{
    (void)state;
    const char good[] = "version: 1\nid: \"713\"\nsources:\n  a: {k: [1, 'x'], e: ~}\n  b:\n"
                        "    - t: |\n        text\n    - \"q\\n\"\n";
    static const char bytes[] = "\t:-[]{}\"'#&*!|>%@`\n\xff,?";
    eh_arena *arena = eh_arena_new(1024 * 1024);
    for (size_t i = 0; i < sizeof good - 1; i++) {
        for (size_t b = 0; b < sizeof bytes; b++) {
            char text[sizeof good];
            memcpy(text, good, sizeof good);
            text[i] = bytes[b];
            eh_err err = {.class_ = EH_OK};
            size_t len = b == sizeof bytes - 1 ? i : sizeof good - 1;
            eh_doc *doc = eh_yaml_parse(arena, eh_slice_of(text, len), "f.yaml", &err);
            assert_true((doc != NULL) == (err.class_ == EH_OK));
            if (doc == NULL) assert_memory_equal(err.place, "f.yaml:", 7);
            eh_arena_reset(arena);
        }
    }
    eh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars_stay_as_written),
        cmocka_unit_test(test_lists_maps_and_texts),
        cmocka_unit_test(test_an_empty_file_is_an_empty_map),
        cmocka_unit_test(test_nodes_know_their_place),
        cmocka_unit_test(test_what_a_configuration_has_no_use_for),
        cmocka_unit_test(test_duplicate_keys_show_both_lines),
        cmocka_unit_test(test_mistakes_have_a_place_and_a_hint),
        cmocka_unit_test(test_a_nul_byte_is_no_text),
        cmocka_unit_test(test_a_file_has_limits),
        cmocka_unit_test(test_damaged_files_never_surprise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
