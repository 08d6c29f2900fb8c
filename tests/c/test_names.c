/* Names: the fold to snake_case, the limit of 63 bytes, and names of one table kept apart. */
#include "data/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void expect(const char *written, const char *name)
{
    char out[EH_NAME_MAX + 1];
    eh_name_normalise(eh_slice_str(written), out);
    assert_string_equal(out, name);
}

static void test_words(void **state)
{
    (void)state;
    expect("name", "name");
    expect("orderID", "order_id");
    expect("OrderId", "order_id");
    expect("HTTPServer", "http_server");
    expect("userIDs", "user_ids");
    expect("already_snake", "already_snake");
    expect("kebab-case.and dots", "kebab_case_and_dots");
    expect("  Order  Total ($) ", "order_total");
    expect("$set", "set");
    expect("utm2Source", "utm2_source");
    expect("address1", "address1");
    expect("A", "a");
    expect("ABC", "abc");
    expect("a__b", "a_b");
    expect("Line Item.SKU", "line_item_sku");
}

static void test_letters(void **state)
{
    (void)state;
    expect("Größe", "grosse");
    expect("Prénom", "prenom");
    expect("Pre\xcc\x81nom", "prenom"); /* e and a combining accent */
    expect("ŁódźŻ", "lodz_z");
    expect("Ærø Œuvre Þing", "aero_oeuvre_thing");
    expect("prixÉlevé", "prix_eleve");
    expect("Сумма заказа", "Сумма_заказа");
    expect("注文番号", "注文番号");
    expect("и\xcc\x86", "и\xcc\x86"); /* a mark on a letter that is kept is kept */
    expect("price\xc2\xa0€", "price");
    expect("a→b", "a_b");
    expect("bad\xff\xfe"
           "bytes",
           "bad_bytes");
    expect("cut\xe2\x82", "cut");
}

static void test_first_character(void **state)
{
    (void)state;
    expect("2024", "_2024");
    expect(" 1st", "_1st");
    expect("_id", "_id");
    expect("__v", "_v");
    expect("_2", "_2");
    expect("", "column");
    expect("_", "column");
    expect("-- ?", "column");
}

static void test_reserved(void **state)
{
    (void)state;
    static const char *const taken[] = {
        "ctid",    "xmin",     "xmax",     "cmin",       "cmax",  "tableoid", "_client_id",
        "_source", "_project", "_load_id", "_loaded_at", "_file", "_row"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        char renamed[EH_NAME_MAX + 1];
        snprintf(renamed, sizeof renamed, "%s_", taken[i]);
        expect(taken[i], renamed);
    }
    expect("CTID", "ctid_");
    expect("_Client ID", "_client_id_");
    expect("client_id", "client_id");
    expect("file", "file");
}

static void test_long(void **state)
{
    (void)state;
    char exact[64], longer[65], a[EH_NAME_MAX + 1], b[EH_NAME_MAX + 1];
    memset(exact, 'x', 63);
    exact[63] = '\0';
    expect(exact, exact);
    memset(longer, 'x', 64);
    longer[64] = '\0';
    eh_name_normalise(eh_slice_str(longer), a);
    assert_int_equal(strlen(a), 63);
    longer[63] = 'y';
    eh_name_normalise(eh_slice_str(longer), b);
    assert_int_equal(strlen(b), 63);
    assert_memory_equal(a, b, 54);
    assert_string_not_equal(a, b);
}

/* A long name of characters of several bytes is cut between two of them. */
static void test_long_utf8(void **state)
{
    (void)state;
    for (size_t ascii = 0; ascii < 4; ascii++) {
        char written[200] = "", out[EH_NAME_MAX + 1];
        memset(written, 'x', ascii);
        for (size_t i = 0; i < 30; i++) memcpy(written + ascii + 3 * i, "注", 3);
        eh_name_normalise(eh_slice_str(written), out);
        size_t len = strlen(out);
        assert_true(len <= EH_NAME_MAX && len > EH_NAME_MAX - 3);
        assert_int_equal((len - 9 - ascii) % 3, 0);
        assert_int_equal(out[len - 9], '_');
    }
}

static const char *name_of(eh_names *names, const char *written)
{
    eh_err err = {.class_ = EH_OK};
    const char *name = eh_names_of(names, eh_slice_str(written), &err);
    assert_non_null(name);
    return name;
}

static void test_kept_apart(void **state)
{
    (void)state;
    eh_names *names = eh_names_new();
    assert_non_null(names);
    assert_string_equal(name_of(names, "Name"), "name");
    assert_string_equal(name_of(names, "name"), "name_2");
    assert_string_equal(name_of(names, "name "), "name_3");
    assert_string_equal(name_of(names, "name_2"), "name_2_2");
    assert_string_equal(name_of(names, "Name"), "name");
    assert_string_equal(name_of(names, "name"), "name_2");
    assert_string_equal(name_of(names, "ctid"), "ctid_");
    assert_string_equal(name_of(names, "ctid_"), "ctid_2");
    eh_names_free(names);
}

static void test_many_and_long(void **state)
{
    (void)state;
    eh_names *names = eh_names_new();
    assert_non_null(names);
    char written[80];
    memset(written, ' ', sizeof written);
    memset(written, 'x', 63);
    for (size_t i = 0; i < 16;
         i++) { /* blanks at the end: all normalise alike, 63 bytes long */
        written[63 + i] = '\0';
        const char *name = name_of(names, written);
        written[63 + i] = ' ';
        assert_true(strlen(name) <= EH_NAME_MAX);
    }
    for (int i = 0; i < 500; i++) {
        snprintf(written, sizeof written, "Column %d", i);
        char expected[32];
        snprintf(expected, sizeof expected, "column_%d", i);
        assert_string_equal(name_of(names, written), expected);
    }
    eh_names_free(names);
}

static void test_set(void **state)
{
    (void)state;
    eh_names *names = eh_names_new();
    eh_err err = {.class_ = EH_OK};
    assert_non_null(names);
    assert_true(eh_names_set(names, eh_slice_str("name "), "name", &err));
    assert_true(eh_names_set(names, eh_slice_str("name "), "name", &err));
    assert_string_equal(name_of(names, "name"), "name_2");
    assert_string_equal(name_of(names, "name "), "name");
    assert_false(eh_names_set(names, eh_slice_str("other"), "name", &err));
    assert_int_equal(err.class_, EH_CLASS_CONFIG);
    eh_err_clear(&err);
    assert_false(eh_names_set(names, eh_slice_str("name "), "another", &err));
    assert_int_equal(err.class_, EH_CLASS_CONFIG);
    eh_names_free(names);
    eh_names_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_letters),
        cmocka_unit_test(test_first_character),
        cmocka_unit_test(test_reserved),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_long_utf8),
        cmocka_unit_test(test_kept_apart),
        cmocka_unit_test(test_many_and_long),
        cmocka_unit_test(test_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
