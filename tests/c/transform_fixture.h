/* tests/c/transform_fixture.h: what the tests of data/transform share: declarations written as
 * a line of text, batches filled by hand, and what became of them. */
#ifndef EH_TEST_TRANSFORM_FIXTURE_H
#define EH_TEST_TRANSFORM_FIXTURE_H

#include "data/transform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- Declarations, as a line of text: a small reader of Lua-like tables is enough ---- */

typedef struct fixture {
    eh_arena *arena;
    eh_transform *transform;
    eh_batch batch;
    eh_err err;
    const char *timezone;
    const char *key;
} fixture;

static inline eh_doc *read_value(fixture *f, const char **at);

static inline void skip_blanks(const char **at)
{
    while (**at == ' ' || **at == ',') (*at)++;
}

static inline eh_slice read_word(const char **at)
{
    const char *start = *at;
    if (*start == '\'') {
        size_t length = strcspn(start + 1, "'");
        *at = start + length + 2;
        return eh_slice_of(start + 1, length);
    }
    *at += strcspn(start, " ,={}[]");
    return eh_slice_of(start, (size_t)(*at - start));
}

static inline eh_doc *read_table(fixture *f, const char **at)
{
    bool is_list = **at == '[';
    eh_doc *doc = is_list ? eh_doc_list(f->arena) : eh_doc_map(f->arena);
    for ((*at)++, skip_blanks(at); **at != '}' && **at != ']'; skip_blanks(at)) {
        if (is_list) {
            assert_true(eh_doc_push(doc, read_value(f, at), NULL));
            continue;
        }
        eh_slice key = read_word(at);
        (*at)++; /* '=' */
        assert_true(eh_doc_put(f->arena, doc, key, read_value(f, at), NULL));
    }
    (*at)++;
    return doc;
}

/* {key=value}, [value], 'text', true, false, null, 12, 1.5 */
static inline eh_doc *read_value(fixture *f, const char **at)
{
    if (**at == '{' || **at == '[') return read_table(f, at);
    bool quoted = **at == '\'';
    eh_slice word = read_word(at);
    char text[64];
    (void)snprintf(text, sizeof text, "%.*s", EH_SLICE_FMT(word));
    if (quoted) return eh_doc_string(f->arena, word);
    if (strcmp(text, "null") == 0) return eh_doc_null(f->arena);
    if (strcmp(text, "true") == 0) return eh_doc_boolean(f->arena, true);
    if (strcmp(text, "false") == 0) return eh_doc_boolean(f->arena, false);
    if (strchr(text, '.') != NULL) return eh_doc_double(f->arena, strtod(text, NULL));
    return eh_doc_integer(f->arena, strtoll(text, NULL, 10));
}

/* Only two zones exist here: what is asked for beyond them is a mistake of the code. */
static inline bool read_zone(void *self, const char *name, eh_slice *tzif, eh_err *err)
{
    static char bytes[65536];
    char path[128];
    (void)self;
    if (strcmp(name, "America/New_York") != 0 && strcmp(name, "Europe/Berlin") != 0)
        return eh_fail(err, EH_CLASS_CONFIG, "there is no time zone \"%s\"", name);
    (void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail_msg("%s is missing: install tzdata", path);
    *tzif = eh_slice_of(bytes, fread(bytes, 1, sizeof bytes, file));
    assert_int_equal(fclose(file), 0);
    return true;
}

static inline bool declare(fixture *f, const char *text)
{
    eh_transform_context context = {
        .timezone = f->timezone, .hash_key = eh_slice_str(f->key), .read_zone = read_zone};
    eh_transform_free(f->transform);
    eh_err_clear(&f->err);
    f->transform = eh_transform_new(read_value(f, &text), &context, &f->err);
    return f->transform != NULL;
}

static inline bool bind(fixture *f, const char *const *names, size_t count)
{
    eh_slice written[16];
    for (size_t i = 0; i < count; i++) written[i] = eh_slice_str(names[i]);
    return eh_transform_bind(f->transform, written, count, &f->err);
}

#define BIND(f, ...)                                                                           \
    do {                                                                                       \
        const char *const names_[] = {__VA_ARGS__};                                            \
        if (!bind(f, names_, sizeof names_ / sizeof *names_))                                  \
            fail_msg("%s", (f)->err.message);                                                  \
    } while (0)

static inline eh_cell raw(const char *text)
{
    return (eh_cell){.kind = text[0] != '\0' ? EH_CELL_RAW : EH_CELL_NULL,
                     .len = (uint32_t)strlen(text),
                     .as.text = text};
}

static inline eh_cell text_cell(uint8_t kind, const char *text)
{
    return (eh_cell){.kind = kind, .len = (uint32_t)strlen(text), .as.text = text};
}

static inline void start_batch(fixture *f, size_t columns)
{
    eh_batch_reset(&f->batch);
    assert_true(eh_batch_set_columns(&f->batch, columns, NULL));
}

static inline void add_cells(fixture *f, const eh_cell *cells, size_t count)
{
    size_t number = f->batch.rows + 1;
    eh_place place = {
        .offset = number * 10, .end = number * 10 + 9, .row = number, .line = number + 1};
    eh_cell *row = eh_batch_add_row(&f->batch, &place, NULL);
    assert_non_null(row);
    memcpy(row, cells, count * sizeof *row);
}

#define ROW(f, ...)                                                                            \
    do {                                                                                       \
        const eh_cell cells_[] = {__VA_ARGS__};                                                \
        add_cells(f, cells_, sizeof cells_ / sizeof *cells_);                                  \
    } while (0)

static inline void apply(fixture *f)
{
    if (!eh_transform_apply(f->transform, &f->batch, &f->err)) fail_msg("%s", f->err.message);
}

static inline void assert_text(fixture *f, size_t row, size_t column, const char *expected)
{
    const eh_cell *cell = eh_batch_cell(&f->batch, row, column);
    assert_true(eh_cell_has_text(cell));
    if (!eh_slice_is(eh_cell_text(cell), expected))
        fail_msg("row %zu: \"%.*s\", expected \"%s\"", row, EH_SLICE_FMT(eh_cell_text(cell)),
                 expected);
}

static inline void assert_us(fixture *f, size_t row, size_t column, int64_t us)
{
    const eh_cell *cell = eh_batch_cell(&f->batch, row, column);
    assert_int_equal(cell->kind, EH_CELL_TIME_US);
    assert_int_equal(cell->as.integer, us);
}

/* One dead record with this column, code, and words in its reason. */
static inline void assert_dead(fixture *f, size_t index, const char *column, const char *code,
                               const char *words)
{
    assert_true(index < f->batch.dead_count);
    const eh_dead *dead = &f->batch.dead[index];
    assert_true(eh_slice_is(dead->column, column));
    assert_true(eh_slice_is(dead->code, code));
    assert_null(dead->raw.data);
    char reason[512];
    (void)snprintf(reason, sizeof reason, "%.*s", EH_SLICE_FMT(dead->reason));
    if (strstr(reason, words) == NULL) fail_msg("reason: %s", reason);
}

static inline int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (f == NULL) return -1;
    f->arena = eh_arena_new(1 << 20);
    *state = f;
    return f->arena != NULL && eh_batch_init(&f->batch, 1 << 20, NULL) ? 0 : -1;
}

static inline int teardown(void **state)
{
    fixture *f = *state;
    eh_transform_free(f->transform);
    eh_batch_free(&f->batch);
    eh_arena_free(f->arena);
    free(f);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
