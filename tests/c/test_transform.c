/* tests/c/test_transform.c: declared changes to batches, from the declaration to the cells. */
#include "data/transform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- Declarations: JSON would need a parser of ours; a tiny one of Lua-like text is enough
 * ---- */

typedef struct fixture {
    eh_arena *arena;
    eh_transform *transform;
    eh_batch batch;
    eh_err err;
    const char *timezone;
    const char *key;
} fixture;

static eh_doc *read_value(fixture *f, const char **at);

static void skip_blanks(const char **at)
{
    while (**at == ' ' || **at == ',') (*at)++;
}

static eh_slice read_word(const char **at)
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

static eh_doc *read_table(fixture *f, const char **at)
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
static eh_doc *read_value(fixture *f, const char **at)
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
static bool read_zone(void *self, const char *name, eh_slice *tzif, eh_err *err)
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

static bool declare(fixture *f, const char *text)
{
    eh_transform_context context = {
        .timezone = f->timezone, .hash_key = eh_slice_str(f->key), .read_zone = read_zone};
    eh_transform_free(f->transform);
    eh_err_clear(&f->err);
    f->transform = eh_transform_new(read_value(f, &text), &context, &f->err);
    return f->transform != NULL;
}

static bool bind(fixture *f, const char *const *names, size_t count)
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

static eh_cell raw(const char *text)
{
    return (eh_cell){.kind = text[0] != '\0' ? EH_CELL_RAW : EH_CELL_NULL,
                     .len = (uint32_t)strlen(text),
                     .as.text = text};
}

static eh_cell text_cell(uint8_t kind, const char *text)
{
    return (eh_cell){.kind = kind, .len = (uint32_t)strlen(text), .as.text = text};
}

static void start_batch(fixture *f, size_t columns)
{
    eh_batch_reset(&f->batch);
    assert_true(eh_batch_set_columns(&f->batch, columns, NULL));
}

static void add_cells(fixture *f, const eh_cell *cells, size_t count)
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

static void apply(fixture *f)
{
    if (!eh_transform_apply(f->transform, &f->batch, &f->err)) fail_msg("%s", f->err.message);
}

static void assert_text(fixture *f, size_t row, size_t column, const char *expected)
{
    const eh_cell *cell = eh_batch_cell(&f->batch, row, column);
    assert_true(eh_cell_has_text(cell));
    if (!eh_slice_is(eh_cell_text(cell), expected))
        fail_msg("row %zu: \"%.*s\", expected \"%s\"", row, EH_SLICE_FMT(eh_cell_text(cell)),
                 expected);
}

static void assert_us(fixture *f, size_t row, size_t column, int64_t us)
{
    const eh_cell *cell = eh_batch_cell(&f->batch, row, column);
    assert_int_equal(cell->kind, EH_CELL_TIME_US);
    assert_int_equal(cell->as.integer, us);
}

/* One dead record with this column, code, and words in its reason. */
static void assert_dead(fixture *f, size_t index, const char *column, const char *code,
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

/* ---- Names ------------------------------------------------------------------------------- */

static void test_rename_drop_types(void **state)
{
    fixture *f = *state;
    assert_true(
        declare(f, "{rename={adv1='order_ref'} drop=['ip'] "
                   "columns={order_ref='numeric' 'Paid At'={type='timestamp' epoch='s'}}}"));
    BIND(f, "adv1", "IP", "Paid At");
    size_t count;
    const eh_transform_column *columns = eh_transform_columns(f->transform, &count);
    assert_int_equal(count, 3);
    assert_true(eh_slice_is(columns[0].name, "order_ref"));
    assert_true(eh_slice_is(columns[0].written, "adv1"));
    assert_int_equal(columns[0].type, EH_TYPE_NUMERIC);
    assert_true(columns[1].dropped); /* by its normal form */
    assert_false(columns[0].dropped);
    assert_true(columns[2].instant);
    assert_int_equal(columns[2].type, EH_TYPE_TIMESTAMP);
}

static void test_written_name_wins(void **state)
{
    fixture *f = *state;
    assert_true(declare(f, "{drop=['order_id']}"));
    BIND(f, "Order ID", "order_id");
    size_t count;
    const eh_transform_column *columns = eh_transform_columns(f->transform, &count);
    assert_false(columns[0].dropped);
    assert_true(columns[1].dropped);
    /* Two renames may swap names. */
    assert_true(declare(f, "{rename={a='b' b='a'} drop=['a']}"));
    BIND(f, "a", "b");
    columns = eh_transform_columns(f->transform, &count);
    assert_true(eh_slice_is(columns[0].name, "b") && columns[0].dropped);
    assert_true(eh_slice_is(columns[1].name, "a") && !columns[1].dropped);
}

static void test_columns_grow(void **state)
{
    fixture *f = *state;
    assert_true(declare(f, "{drop=['b'] hash=['never'] constants={shop='x' n=7}}"));
    eh_transform_name unseen[4];
    assert_int_equal(eh_transform_unseen(f->transform, unseen, 4), 2);
    BIND(f, "a");
    start_batch(f, 1);
    ROW(f, raw("1"));
    apply(f);
    assert_int_equal(f->batch.columns, 3);
    assert_text(f, 0, 1, "x");
    BIND(f, "a", "b");
    start_batch(f, 2);
    ROW(f, raw("1"), raw("2"));
    apply(f);
    size_t count;
    const eh_transform_column *columns = eh_transform_columns(f->transform, &count);
    assert_int_equal(count, 4);
    assert_true(columns[1].dropped);
    assert_true(columns[2].constant && eh_slice_is(columns[2].name, "shop"));
    assert_text(f, 0, 2, "x");
    assert_int_equal(eh_batch_cell(&f->batch, 0, 3)->kind, EH_CELL_INTEGER);
    assert_int_equal(eh_batch_cell(&f->batch, 0, 3)->as.integer, 7);
    assert_int_equal(eh_transform_unseen(f->transform, unseen, 4), 1);
    assert_string_equal(unseen[0].key, "hash");
    assert_true(eh_slice_is(unseen[0].name, "never"));
    assert_int_equal(eh_transform_unseen(f->transform, NULL, 0), 1);
}

/* Rows before were hashed by another column: going on would leave half of them open. */
static void test_late_better_match(void **state)
{
    fixture *f = *state;
    assert_true(declare(f, "{hash=['e_mail']}"));
    BIND(f, "E Mail");
    const char *const names[] = {"E Mail", "e_mail"};
    assert_false(bind(f, names, 2));
    assert_int_equal(f->err.class_, EH_CLASS_CONFIG);
    assert_string_equal(f->err.place, "hash[1]");
}

static void test_clashes(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *text;
        const char *place;
        const char *names[2];
    } bad[] = {
        {"{rename={a='b'}}", "rename.a", {"a", "b"}},
        {"{rename={a='B'}}", "rename.a", {"a", "b"}},
        {"{constants={b=1}}", "constants.b", {"a", "b"}},
        {"{hash=['a'] mask=['A']}", "mask[1]", {"A", "b"}},
        {"{rename={a='x' A='y'}}", "rename.A", {"A", "b"}},
        {"{columns={a='text' A='date'}}", "columns.A", {"A", "b"}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (!declare(f, bad[i].text)) fail_msg("%s: %s", bad[i].text, f->err.message);
        if (bind(f, bad[i].names, 2)) fail_msg("%s was taken", bad[i].text);
        assert_int_equal(f->err.class_, EH_CLASS_CONFIG);
        assert_string_equal(f->err.place, bad[i].place);
    }
    assert_true(declare(f, "{rename={a='b'} drop=['b'] constants={c=1}}"));
    BIND(f, "a", "b");
}

/* ---- Declarations that are wrong ------------------------------------------------------------
 */

static void test_bad_declarations(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *text;
        const char *place;
    } bad[] = {
        {"{drop='a'}", "drop"},
        {"{hash=[1]}", "hash[1]"},
        {"{mask=['a' '']}", "mask[2]"},
        {"{rename=['a']}", "rename"},
        {"{rename={a=1}}", "rename.a"},
        {"{columns={a=1}}", "columns.a"},
        {"{columns={a='string'}}", "columns.a.type"},
        {"{columns={a={type='varchar'}}}", "columns.a.type"},
        {"{columns={a={epoch='us'}}}", "columns.a.epoch"},
        {"{columns={a={epoch=1}}}", "columns.a.epoch"},
        {"{columns={a={epoch='s' type='date'}}}", "columns.a.epoch"},
        {"{columns={a={zone='Mars/Base'}}}", "columns.a.zone"},
        {"{columns={a={zone='../etc/passwd'}}}", "columns.a.zone"},
        {"{columns={a={zone='account'}}}", "columns.a.zone"},
        {"{columns={a={zone='UTC' type='text'}}}", "columns.a.zone"},
        {"{columns={a={zone='UTC' epoch='s'}}}", "columns.a.zone"},
        {"{keep={a={like='x'}}}", "keep.a"},
        {"{keep={a={lt='x'}}}", "keep.a.lt"},
        {"{keep={a={lt=true}}}", "keep.a.lt"},
        {"{keep={a={lt=null}}}", "keep.a.lt"},
        {"{discard={a=[]}}", "discard.a"},
        {"{discard={a=[[1]]}}", "discard.a"},
        {"{constants={a=[1]}}", "constants.a"},
        {"{constants={a=1 A=2}}", "constants.A"},
        {"{constants=5}", "constants"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (declare(f, bad[i].text)) fail_msg("%s was taken", bad[i].text);
        assert_int_equal(f->err.class_, EH_CLASS_CONFIG);
        if (strcmp(f->err.place, bad[i].place) != 0)
            fail_msg("%s: place %s", bad[i].text, f->err.place);
    }
    assert_true(declare(f, "{rename=[] keep={} hash={} columns=[] drop=null}"));
}

/* ---- Hash, mask
 * ------------------------------------------------------------------------------ */

static void test_hash(void **state)
{
    fixture *f = *state;
    for (int keyed = 0; keyed < 2; keyed++) {
        f->key = keyed ? "key" : "";
        assert_true(declare(f, "{hash=['email' 'n']}"));
        BIND(f, "email", "n");
        start_batch(f, 2);
        /* RFC 4231 does not use this pair: values from `openssl dgst -sha256 [-hmac key]`. */
        ROW(f, raw("The quick brown fox jumps over the lazy dog"), raw(""));
        ROW(f, raw("The quick brown fox jumps over the lazy dog"),
            (eh_cell){.kind = EH_CELL_INTEGER, .as.integer = -12});
        ROW(f, text_cell(EH_CELL_STRING, ""), text_cell(EH_CELL_NUMBER, "-12"));
        apply(f);
        const char *fox =
            keyed ? "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
                  : "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592";
        assert_text(f, 0, 0, fox);
        assert_text(f, 1, 0, fox);
        assert_int_equal(eh_batch_cell(&f->batch, 0, 0)->kind, EH_CELL_STRING);
        assert_int_equal(eh_batch_cell(&f->batch, 0, 1)->kind, EH_CELL_NULL);
        if (!keyed)
            assert_text(f, 2, 0,
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        /* The same value hashes alike whatever the format that brought it. */
        assert_true(eh_slice_equal(eh_cell_text(eh_batch_cell(&f->batch, 1, 1)),
                                   eh_cell_text(eh_batch_cell(&f->batch, 2, 1))));
    }
}

static void test_mask(void **state)
{
    fixture *f = *state;
    static const char *const pairs[][2] = {
        {"jane@example.org", "j***@example.org"},
        {"\xc3\xa9va@example.org", "\xc3\xa9***@example.org"},
        {"+49 (170) 123-4567", "***67"},
        {"491701234567", "***67"},
        {"12345", "***"},
        {"1990-05-17", "***"},
        {"Jane Doe", "***"},
        {"a@b@c", "***"},
        {"@example.org", "***"},
        {"jane@", "***"},
        {"Jane <jane@example.org>", "***"},
        {"1234567890123456", "***"},
    };
    assert_true(declare(f, "{mask=['x']}"));
    BIND(f, "x");
    start_batch(f, 1);
    size_t count = sizeof pairs / sizeof *pairs;
    for (size_t i = 0; i < count; i++) ROW(f, raw(pairs[i][0]));
    ROW(f, raw(""));
    ROW(f, (eh_cell){.kind = EH_CELL_INTEGER, .as.integer = 491701234567});
    apply(f);
    for (size_t i = 0; i < count; i++) assert_text(f, i, 0, pairs[i][1]);
    assert_int_equal(eh_batch_cell(&f->batch, count, 0)->kind, EH_CELL_NULL);
    assert_text(f, count + 1, 0, "***67");
}

/* ---- Casts
 * ----------------------------------------------------------------------------------- */

static void test_epoch(void **state)
{
    fixture *f = *state;
    assert_true(declare(f, "{columns={s={epoch='s'} ms={epoch='ms'}}}"));
    BIND(f, "s", "ms");
    start_batch(f, 2);
    ROW(f, raw("1700000000"), raw("1700000000123"));
    ROW(f, raw("-1.5"), text_cell(EH_CELL_NUMBER, "1.7e12"));
    ROW(f, text_cell(EH_CELL_STRING, "1700000000.123456"), raw("0.125"));
    ROW(f, raw(""), (eh_cell){.kind = EH_CELL_DOUBLE, .as.real = 1700000000123.25});
    ROW(f, raw("abc"), raw(""));
    ROW(f, raw("1700000000.1234567"), raw(""));
    ROW(f, raw("1700000000000"), raw(""));
    ROW(f, raw("1e400"), raw(""));
    ROW(f, raw("0"), raw("0x10"));
    ROW(f, raw("253402300799.999999"), (eh_cell){.kind = EH_CELL_BOOLEAN, .as.integer = 1});
    ROW(f, raw("1700000000.1234560"), (eh_cell){.kind = EH_CELL_INTEGER, .as.integer = -1});
    apply(f);
    assert_int_equal(f->batch.rows, 5);
    assert_us(f, 0, 0, 1700000000000000);
    assert_us(f, 0, 1, 1700000000123000);
    assert_us(f, 1, 0, -1500000);
    assert_us(f, 1, 1, 1700000000000000);
    assert_us(f, 2, 0, 1700000000123456);
    assert_us(f, 2, 1, 125);
    assert_int_equal(eh_batch_cell(&f->batch, 3, 0)->kind, EH_CELL_NULL);
    assert_us(f, 3, 1, 1700000000123250);
    assert_us(f, 4, 0, 1700000000123456);
    assert_us(f, 4, 1, -1000);
    assert_int_equal(f->batch.places[4].row, 11);
    assert_int_equal(f->batch.dead_count, 6);
    assert_dead(f, 0, "s", "cast", "\"abc\" is not a number of seconds since 1970");
    assert_int_equal(f->batch.dead[0].place.row, 5);
    assert_dead(f, 1, "s", "cast", "finer than a microsecond");
    assert_dead(f, 2, "s", "cast", "is it epoch = \"ms\"?");
    assert_dead(f, 3, "s", "cast", "outside the years");
    assert_dead(f, 4, "ms", "cast", "\"0x10\" is not a number of milliseconds");
    assert_dead(f, 5, "ms", "cast", "\"true\"");
    eh_transform_counts counts = eh_transform_count(f->transform);
    assert_int_equal(counts.kept, 5);
    assert_int_equal(counts.dead, 6);
    assert_int_equal(counts.discarded, 0);
}

static void test_zone(void **state)
{
    fixture *f = *state;
    f->timezone = "Europe/Berlin";
    assert_true(declare(f, "{columns={ny={zone='America/New_York'} "
                           "acc={zone='account' type='datetime'} fix={zone='-02:30'}}}"));
    BIND(f, "ny", "acc", "fix");
    start_batch(f, 3);
    ROW(f, raw("2024-03-10 03:00:00"), raw("2024-07-01T00:00:00.5"), raw("1970-01-01"));
    ROW(f, raw("2024-03-10 02:30:00"), raw(""), raw(""));
    ROW(f, raw("2024-11-03 01:30:00"), raw(""), raw(""));
    ROW(f, raw("2024-03-10T02:30:00Z"), raw("2024-03-31"), raw(""));
    ROW(f, raw("10/03/2024"), raw(""), raw(""));
    ROW(f, raw("2024-02-30 00:00:00"), raw(""), raw(""));
    apply(f);
    assert_int_equal(f->batch.rows, 2);
    assert_us(f, 0, 0, 1710054000000000);
    assert_us(f, 0, 1, 1719784800500000);
    assert_us(f, 0, 2, INT64_C(9000000000));
    assert_us(f, 1, 0, 1710037800000000); /* its own offset */
    assert_us(f, 1, 1, 1711839600000000); /* midnight */
    assert_int_equal(f->batch.dead_count, 4);
    assert_dead(f, 0, "ny", "cast", "2024-03-10 02:30:00 does not exist in America/New_York");
    assert_dead(f, 1, "ny", "cast", "2024-11-03T05:30:00Z or 2024-11-03T06:30:00Z");
    assert_dead(f, 2, "ny", "cast", "\"10/03/2024\" is not a date and time");
    assert_dead(f, 3, "ny", "cast", "\"2024-02-30 00:00:00\" is not a date and time");
}

/* ---- Keep, discard
 * ----------------------------------------------------------------------------- */

/* Which of the cells stay under a declaration about the column x: "10?" for kept, gone, dead.
 */
static void assert_kept(fixture *f, const char *declaration, const eh_cell *cells,
                        const char *expected)
{
    size_t count = strlen(expected);
    char got[32] = "";
    memset(got, '0', count);
    if (!declare(f, declaration)) fail_msg("%s: %s", declaration, f->err.message);
    BIND(f, "x");
    start_batch(f, 1);
    for (size_t i = 0; i < count; i++) add_cells(f, &cells[i], 1);
    apply(f);
    for (size_t i = 0; i < f->batch.rows; i++) got[f->batch.places[i].row - 1] = '1';
    for (size_t i = 0; i < f->batch.dead_count; i++) got[f->batch.dead[i].place.row - 1] = '?';
    if (strcmp(got, expected) != 0) fail_msg("%s: %s, expected %s", declaration, got, expected);
}

static void test_equality(void **state)
{
    fixture *f = *state;
    const eh_cell cells[] = {
        raw("false"),
        {.kind = EH_CELL_BOOLEAN},
        {.kind = EH_CELL_BOOLEAN, .as.integer = 1},
        raw("7"),
        raw("007"),
        {.kind = EH_CELL_INTEGER, .as.integer = 7},
        text_cell(EH_CELL_NUMBER, "7.0"),
        raw(""),
        {.kind = EH_CELL_ABSENT},
        raw("sale"),
    };
    assert_kept(f, "{keep={x=false}}", cells, "1100000000");
    assert_kept(f, "{keep={x='false'}}", cells, "1100000000");
    assert_kept(f, "{keep={x=7}}", cells, "0001010000");
    assert_kept(f, "{keep={x='007'}}", cells, "0000100000");
    assert_kept(f, "{keep={x=[7 'sale' true]}}", cells, "0011010001");
    assert_kept(f, "{keep={x=null}}", cells, "0000000110");
    assert_kept(f, "{keep={x=[null 'sale']}}", cells, "0000000111");
    assert_kept(f, "{discard={x=['sale' false]}}", cells, "0011111110");
    assert_kept(f, "{discard={x=null}}", cells, "1111111001");
    assert_kept(f, "{keep={x={ne=7}}}", cells, "1110000111");
    assert_kept(f, "{keep={x={ne=null}}}", cells, "1111111001");
    const eh_cell amounts[] = {raw("1.5"), text_cell(EH_CELL_NUMBER, "1.50"), raw("15"),
                               raw("x")};
    assert_kept(f, "{keep={x=1.5}}", amounts, "1100");
}

static void test_order(void **state)
{
    fixture *f = *state;
    const eh_cell numbers[] = {
        raw("9"),
        raw("10"),
        raw("10.0"),
        raw("10.000000000000000000001"),
        raw("-11"),
        text_cell(EH_CELL_NUMBER, "1e1"),
        text_cell(EH_CELL_NUMBER, "1E2"),
        raw(""),
        raw("abc"),
        {.kind = EH_CELL_INTEGER, .as.integer = INT64_MAX},
        raw("99999999999999999999"),
    };
    assert_kept(f, "{keep={x={gt=10}}}", numbers,
                "000100"
                "10?11");
    assert_kept(f, "{keep={x={ge=10}}}", numbers,
                "011101"
                "10?11");
    assert_kept(f, "{keep={x={lt='10.00'}}}", numbers,
                "100010"
                "00?00");
    assert_kept(f, "{discard={x={le=10}}}", numbers,
                "000100"
                "11?11");
    assert_kept(f, "{keep={x={ge=0 lt=100}}}", numbers,
                "111101"
                "00?00");
    assert_kept(f, "{keep={x={gt='9223372036854775807'}}}", numbers,
                "000000"
                "00?01");
    assert_dead(f, 0, "x", "compare", "\"abc\" cannot be compared with 9223372036854775807");
    const eh_cell times[] = {
        raw("2024-01-01"),
        raw("2024-01-01T00:00:00"),
        raw("2024-01-01 00:00:00.000001"),
        raw("2023-12-31T23:59:59Z"),
        raw("2024-01-01T01:00:00+02:00"),
        raw("2024-01-01T00:00:00Z"),
        raw("1/1/2024"),
        raw("5"),
        raw(""),
    };
    assert_kept(f, "{keep={x={ge='2024-01-01'}}}", times, "111001??0");
    assert_kept(f, "{keep={x={gt='2024-01-01T00:00:00Z'}}}", times, "0??000??0");
    assert_kept(f, "{keep={x={lt='2024-01-01T00:00:00'}}}", times,
                "000???"
                "??0");
}

static void test_several_rules(void **state)
{
    fixture *f = *state;
    assert_true(declare(f, "{keep={a=1 b='x'} discard={c=true d=true} hash=['a']}"));
    BIND(f, "a", "b", "c", "d");
    start_batch(f, 4);
    ROW(f, raw("1"), raw("x"), raw("false"), raw(""));
    ROW(f, raw("1"), raw("y"), raw("false"), raw(""));
    ROW(f, raw("1"), raw("x"), raw("true"), raw("false"));
    ROW(f, raw("1"), raw("x"), raw("false"), raw("true"));
    ROW(f, raw("1"), raw("x"), raw(""), raw(""));
    apply(f);
    assert_int_equal(f->batch.rows, 2);
    assert_int_equal(f->batch.places[1].row, 5);
    assert_int_equal(eh_batch_cell(&f->batch, 1, 0)->len,
                     64); /* compared before it was hashed */
    eh_transform_counts counts = eh_transform_count(f->transform);
    assert_int_equal(counts.discarded, 3);
    assert_int_equal(counts.kept, 2);
}

/* A column that never comes is null in every row; the name shows up as unseen. */
static void test_filter_on_unseen(void **state)
{
    fixture *f = *state;
    assert_true(declare(f, "{keep={nope=null} discard={neither=1}}"));
    BIND(f, "a");
    start_batch(f, 1);
    ROW(f, raw("1"));
    apply(f);
    assert_int_equal(f->batch.rows, 1);
    assert_int_equal(eh_transform_unseen(f->transform, NULL, 0), 2);
}

static void test_wrong_batch(void **state)
{
    fixture *f = *state;
    assert_true(declare(f, "{}"));
    BIND(f, "a", "b");
    start_batch(f, 1);
    assert_false(eh_transform_apply(f->transform, &f->batch, &f->err));
    assert_int_equal(f->err.class_, EH_CLASS_BUG);
}

static void test_no_room(void **state)
{
    fixture *f = *state;
    eh_batch small;
    assert_true(eh_batch_init(&small, 64, NULL));
    assert_true(declare(f, "{hash=['a']}"));
    BIND(f, "a");
    assert_true(eh_batch_set_columns(&small, 1, NULL));
    eh_place place = {.row = 1};
    for (int i = 0; i < 2; i++) *eh_batch_add_row(&small, &place, NULL) = raw("v");
    assert_false(eh_transform_apply(f->transform, &small, &f->err));
    assert_int_equal(f->err.class_, EH_CLASS_LIMIT);
    eh_batch_free(&small);
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (f == NULL) return -1;
    f->arena = eh_arena_new(1 << 20);
    *state = f;
    return f->arena != NULL && eh_batch_init(&f->batch, 1 << 20, NULL) ? 0 : -1;
}

static int teardown(void **state)
{
    fixture *f = *state;
    eh_transform_free(f->transform);
    eh_batch_free(&f->batch);
    eh_arena_free(f->arena);
    free(f);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rename_drop_types),
        TEST(test_written_name_wins),
        TEST(test_columns_grow),
        TEST(test_late_better_match),
        TEST(test_clashes),
        TEST(test_bad_declarations),
        TEST(test_hash),
        TEST(test_mask),
        TEST(test_epoch),
        TEST(test_zone),
        TEST(test_equality),
        TEST(test_order),
        TEST(test_several_rules),
        TEST(test_filter_on_unseen),
        TEST(test_wrong_batch),
        TEST(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
