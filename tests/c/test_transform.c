/* tests/c/test_transform.c: declared changes to batches: names, columns, and which rows stay.
 */
#include "transform_fixture.h"

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
        {"{keep={a={in=[]}}}", "keep.a.in"},
        {"{keep={a={in=1}}}", "keep.a"},
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
    assert_kept(f, "{keep={x={in=[7 'sale' true]}}}", cells, "0011010001");
    assert_kept(f, "{keep={x={in=[7 'sale' true] ne='sale'}}}", cells, "0011010000");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rename_drop_types), TEST(test_written_name_wins),
        TEST(test_columns_grow),      TEST(test_late_better_match),
        TEST(test_clashes),           TEST(test_bad_declarations),
        TEST(test_equality),          TEST(test_order),
        TEST(test_several_rules),     TEST(test_filter_on_unseen),
        TEST(test_wrong_batch),       TEST(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
