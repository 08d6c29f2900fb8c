/* tests/c/test_transform_values.c: declared changes to values: hash, mask and casts. */
#include "transform_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hash),
        TEST(test_mask),
        TEST(test_epoch),
        TEST(test_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
