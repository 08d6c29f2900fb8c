/* tests/c/test_json_oom.c: the JSON parser and the YAML reader with each allocation failing in
 * turn: an error of class limit, no crash, and nothing left behind. The allocator is glibc's,
 * behind ours; the sanitizers bring their own, so there the test does nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include "base/buf.h"
#include "data/json.h"
#include "data/yaml.h"

#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define OWN_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OWN_MALLOC 0
#endif
#endif
#ifndef OWN_MALLOC
#define OWN_MALLOC 1
#endif

/* Tests are one thread; these are what the allocator below has no parameter for. */
static size_t countdown; /* allocations until one fails; 0: none does */
static long live;        /* blocks had and not freed, while counting */
static bool counting;

#if OWN_MALLOC
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void __libc_free(void *block);

static bool fails(void)
{
    if (!counting || countdown == 0) return false;
    return --countdown == 0;
}

static void *count(void *block)
{
    if (counting && block != NULL) live++;
    return block;
}

void *malloc(size_t size)
{
    return fails() ? NULL : count(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : count(__libc_calloc(n, size));
}

void *realloc(void *block, size_t size)
{
    if (fails()) return NULL;
    void *moved = __libc_realloc(block, size);
    return block == NULL ? count(moved) : moved;
}

void free(void *block)
{
    if (counting && block != NULL) live--;
    __libc_free(block);
}
#endif

static bool parse_json(const eh_json_options *options, eh_slice text, eh_err *err)
{
    eh_batch batch;
    eh_parser *parser = NULL;
    eh_parse parse = EH_PARSE_ERROR;
    size_t at = 0;
    if (eh_batch_init(&batch, (size_t)16 * 1024 * 1024, err))
        parser = eh_json_new(options, err);
    while (parser != NULL) {
        parse = eh_parser_next(parser, &batch, err);
        if (parse == EH_PARSE_END || parse == EH_PARSE_ERROR) break;
        if (parse != EH_PARSE_MORE) continue;
        size_t len = text.len - at < 1000 ? text.len - at : 1000;
        if (!eh_parser_feed(parser, text.data + at, len, at + len == text.len, err)) break;
        at += len;
    }
    eh_parser_free(parser);
    eh_batch_free(&batch);
    return parse == EH_PARSE_END;
}

/* Fails the first allocation, the second and so on, until all succeed. */
static void sweep(bool (*run)(const void *what, eh_slice text, eh_err *err), const void *what,
                  eh_slice text)
{
    bool done = false;
    for (size_t n = 1; !done; n++) {
        eh_err err = {.class_ = EH_OK};
        countdown = n;
        live = 0;
        counting = true;
        bool good = run(what, text, &err);
        counting = false;
        done = countdown > 0;
        assert_int_equal(live, 0);
        if (good) assert_int_equal(err.class_, EH_OK);
        if (!good) assert_int_equal(err.class_, EH_CLASS_LIMIT);
        if (done) assert_true(good);
        assert_true(n < 10000);
    }
}

static bool run_json(const void *what, eh_slice text, eh_err *err)
{
    return parse_json(what, text, err);
}

static bool run_yaml(const void *what, eh_slice text, eh_err *err)
{
    (void)what;
    eh_arena *arena = eh_arena_new((size_t)16 * 1024 * 1024);
    if (arena == NULL) return eh_fail_memory(err, "an arena");
    bool good = eh_yaml_parse(arena, text, "f.yaml", err) != NULL;
    eh_arena_free(arena);
    return good;
}

static void fill(eh_buf *text, const char *between, const char *dead)
{
    for (int i = 0; i < 400; i++) {
        if (i > 0) assert_true(eh_buf_append_str(text, between, NULL));
        assert_true(
            eh_buf_printf(text, NULL,
                          "{\"k%d\":\"a\\n\",\"o\":[{\"x\":1,\"\\u0078\":2},{\"a\":1,\"b\":1,"
                          "\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1}]}",
                          i / 5));
        if (i % 50 == 0) assert_true(eh_buf_append_str(text, dead, NULL));
    }
}

static void test_json_without_memory(void **state)
{
    (void)state;
    static const struct {
        eh_json_options options;
        const char *open, *between, *dead, *close;
    } cases[] = {
        {{.shape = EH_JSON_DETECT}, "", "\n", "\nxx", ""},
        {{.shape = EH_JSON_ARRAY, .batch_bytes = 5000}, "[", ",", ",1", "]"},
        {{.shape = EH_JSON_DOCUMENT, .path = {"d", 1}}, "{\"d\":[", ",", ",1", "]}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        eh_buf text;
        eh_buf_init(&text, (size_t)1024 * 1024);
        assert_true(eh_buf_append_str(&text, cases[i].open, NULL));
        fill(&text, cases[i].between, cases[i].dead);
        assert_true(eh_buf_append_str(&text, cases[i].close, NULL));
        sweep(run_json, &cases[i].options, eh_buf_slice(&text));
        eh_buf_free(&text);
    }
}

static void test_yaml_without_memory(void **state)
{
    (void)state;
    sweep(run_yaml, NULL,
          eh_slice_str(
              "a: 1\nb:\n  - {c: 'x', d: [1, 2, \"\\u00e9\"]}\n  - |\n    text\ne: ~\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_without_memory),
        cmocka_unit_test(test_yaml_without_memory),
    };
    if (!OWN_MALLOC) return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
