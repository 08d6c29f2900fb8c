/* Secrets of a run: what goes out, what is refused, and that nothing of them is told. */
#include "engine/secrets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NONCE "00112233445566778899aabbccddeeff"
#define KEY   "{{secret:" NONCE ":crm.api_key}}"
#define OTHER "{{secret:" NONCE ":shop.token}}"
#define VALUE "k3y+/ \"\\x\xc3\xa9&z"

static const char *const crm_hosts[] = {"https://api.crm.com/v1", "*.crm.net",
                                        "local.com:8443"};

static eh_secrets *make_with(const char *value)
{
    eh_err err = {.class_ = EH_OK};
    eh_arena *arena = eh_arena_new(1 << 20);
    eh_doc *spec = eh_doc_map(arena), *list = eh_doc_list(arena);
    const char *const given[][3] = {
        {"crm", "api_key", value}, {"crm", "pin", "42"}, {"shop", "token", "shop-token-1"}};
    for (size_t i = 0; i < 3; i++) {
        eh_doc *one = eh_doc_map(arena);
        assert_true(eh_doc_put_str(arena, one, "instance", eh_slice_str(given[i][0]), &err) &&
                    eh_doc_put_str(arena, one, "key", eh_slice_str(given[i][1]), &err) &&
                    eh_doc_put_str(arena, one, "value", eh_slice_str(given[i][2]), &err) &&
                    eh_doc_push(list, one, &err));
    }
    assert_true(eh_doc_put_str(arena, spec, "nonce", eh_slice_str(NONCE), &err) &&
                eh_doc_put(arena, spec, eh_slice_str("values"), list, &err));
    eh_secrets *secrets = eh_secrets_new(spec, &err);
    assert_non_null(secrets);
    /* The document holds none of them any more. */
    for (const eh_doc *one = eh_doc_first(list); one != NULL; one = one->next)
        assert_int_equal(eh_doc_get(one, "value")->as.string.data[0], '\0');
    eh_arena_free(arena);
    assert_true(eh_secrets_allow(secrets, "crm", crm_hosts, 3, &err));
    return secrets;
}

static eh_secrets *make(void)
{
    return make_with(VALUE);
}

static void fills(const eh_secrets *secrets, eh_secret_place place, const char *text,
                  const char *expected)
{
    eh_err err = {.class_ = EH_OK};
    eh_buf out;
    eh_buf_init(&out, 1 << 16);
    assert_true(eh_secrets_fill(secrets, "crm", "https://api.crm.com:443", place,
                                eh_slice_str(text), &out, &err));
    assert_string_equal(eh_buf_cstr(&out), expected);
    eh_secrets_wipe(&out);
}

static void refuses(const eh_secrets *secrets, const char *instance, const char *host,
                    eh_secret_place place, const char *text, eh_class class_, const char *why)
{
    eh_err err = {.class_ = EH_OK};
    eh_buf out;
    eh_buf_init(&out, 1 << 16);
    assert_true(eh_buf_append_str(&out, "before", &err));
    assert_false(
        eh_secrets_fill(secrets, instance, host, place, eh_slice_str(text), &out, &err));
    assert_int_equal(err.class_, class_);
    assert_non_null(strstr(err.message, why));
    assert_null(strstr(err.message, NONCE));
    assert_int_equal(out.len, strlen("before"));
    eh_buf_free(&out);
}

static void fills_by_place(void **state)
{
    (void)state;
    eh_secrets *secrets = make();
    fills(secrets, EH_SECRET_HEADER, "Bearer " KEY, "Bearer " VALUE);
    fills(secrets, EH_SECRET_BODY, KEY "|" KEY, VALUE "|" VALUE);
    fills(secrets, EH_SECRET_URL, "?key=" KEY "&x=1", "?key=k3y%2B%2F%20%22%5Cx%C3%A9%26z&x=1");
    fills(secrets, EH_SECRET_JSON, "{\"key\":\"" KEY "\"}",
          "{\"key\":\"k3y+/ \\\"\\\\x\xc3\xa9&z\"}");
    /* Of another run, cut, or only like one: plain text. */
    fills(secrets, EH_SECRET_BODY, "{{secret:ffffffffffffffffffffffffffffffff:crm.api_key}}",
          "{{secret:ffffffffffffffffffffffffffffffff:crm.api_key}}");
    fills(secrets, EH_SECRET_BODY, "{{secret:" NONCE ":crm.api_key",
          "{{secret:" NONCE ":crm.api_key");
    fills(secrets, EH_SECRET_BODY, "{{secret:{{secret:" NONCE ":crm.pin}}", "{{secret:42");
    assert_true(eh_secrets_has(secrets, eh_slice_str("x" KEY)));
    assert_false(eh_secrets_has(secrets, eh_slice_str("{{secret:00:crm.api_key}}")));
    eh_secrets_free(secrets);
}

static void goes_only_to_its_hosts(void **state)
{
    (void)state;
    eh_secrets *secrets = make();
    eh_secret_place place = EH_SECRET_HEADER;
    fills(secrets, place, KEY, VALUE);
    eh_buf out;
    eh_buf_init(&out, 1000);
    static const char *const fine[] = {"https://a.crm.net:443", "https://a.b.crm.net:443",
                                       "https://local.com:8443"};
    for (size_t i = 0; i < 3; i++)
        assert_true(
            eh_secrets_fill(secrets, "crm", fine[i], place, eh_slice_str(KEY), &out, NULL));
    eh_secrets_wipe(&out);
    refuses(secrets, "crm", "https://api.crm.com:8443", place, KEY, EH_CLASS_DENIED, "8443");
    refuses(secrets, "crm", "https://local.com:443", place, KEY, EH_CLASS_DENIED, "local");
    refuses(secrets, "crm", "https://evil.com:443", place, KEY, EH_CLASS_DENIED,
            "crm.api_key may not be sent to https://evil.com");
    refuses(secrets, "crm", "https://api.crm.com.evil.com:443", place, KEY, EH_CLASS_DENIED,
            "evil.com");
    refuses(secrets, "crm", "https://xapi.crm.com:443", place, KEY, EH_CLASS_DENIED, "xapi");
    refuses(secrets, "crm", "https://crm.net:443", place, KEY, EH_CLASS_DENIED, "crm.net");
    refuses(secrets, "crm", "https://evilcrm.net:443", place, KEY, EH_CLASS_DENIED,
            "evilcrm.net");
    refuses(secrets, "crm", "", place, KEY, EH_CLASS_CONFIG, "");
    refuses(secrets, "crm", NULL, place, KEY, EH_CLASS_CONFIG, "");
    refuses(secrets, "crm", "https://api.crm.com:443", place, OTHER, EH_CLASS_DENIED,
            "shop.token belongs to another source");
    refuses(secrets, "shop", "https://api.crm.com:443", place, OTHER, EH_CLASS_DENIED,
            "may not be sent");
    refuses(secrets, "crm", "https://api.crm.com:443", place,
            "{{secret:" NONCE ":crm.nothing}}", EH_CLASS_SCRIPT,
            "there is no secret crm.nothing");
    eh_secrets_free(secrets);
    secrets = make_with("one\r\nX-Injected: two");
    refuses(secrets, "crm", "https://api.crm.com:443", place, KEY, EH_CLASS_CONFIG,
            "line breaks");
    eh_secrets_free(secrets);
}

static void goes_where_the_operator_says(void **state)
{
    (void)state;
    static const char *const trusted[] = {"https://api.crm.com/v2", "files.crm.net"};
    static const char *const declared[] = {"*.crm.com", "*.crm.net", "evil.com", "own.com"};
    eh_secrets *secrets = make_with("https://own.com/in?key=1");
    eh_err err = {.class_ = EH_OK};
    eh_secret_place place = EH_SECRET_BODY;
    assert_true(eh_secrets_allow(secrets, "crm", declared, 4, &err));
    assert_true(eh_secrets_trust(secrets, "crm", trusted, 2, &err));
    eh_buf out;
    eh_buf_init(&out, 1000);
    static const char *const fine[] = {"https://api.crm.com:443", "https://files.crm.net:443",
                                       "https://own.com:443"};
    for (size_t i = 0; i < 3; i++)
        assert_true(
            eh_secrets_fill(secrets, "crm", fine[i], place, eh_slice_str(KEY), &out, &err));
    eh_secrets_wipe(&out);
    refuses(secrets, "crm", "https://evil.com:443", place, KEY, EH_CLASS_DENIED, "evil.com");
    refuses(secrets, "crm", "https://x.crm.com:443", place, KEY, EH_CLASS_DENIED, "x.crm.com");
    assert_false(eh_secrets_fill(secrets, "crm", "https://evil.com:443", place,
                                 eh_slice_str(KEY), &out, &err));
    assert_non_null(strstr(err.hint, "hosts: [\"evil.com:443\"] for crm"));
    /* It says nothing that the source does not. */
    assert_true(eh_secrets_allow(secrets, "crm", declared, 1, &err));
    refuses(secrets, "crm", "https://files.crm.net:443", place, KEY, EH_CLASS_DENIED, "files");
    assert_true(eh_secrets_trust(secrets, "crm", NULL, 0, &err));
    refuses(secrets, "crm", "https://api.crm.com:443", place, KEY, EH_CLASS_DENIED, "api.crm");
    eh_secrets_free(secrets);
}

static void masks(const eh_secrets *secrets, const char *text, const char *expected)
{
    eh_err err = {.class_ = EH_OK};
    eh_buf out;
    eh_buf_init(&out, 1 << 16);
    assert_true(eh_secrets_mask_told(secrets, eh_slice_str(text), &out, &err));
    assert_string_equal(out.len > 0 ? eh_buf_cstr(&out) : "", expected);
    assert_int_equal(eh_secrets_hits(secrets, eh_slice_str(text)), strcmp(text, expected) != 0);
    eh_buf_free(&out);
}

static void masks_every_form(void **state)
{
    (void)state;
    eh_secrets *secrets = make();
    masks(secrets, "", "");
    masks(secrets, "nothing to see", "nothing to see");
    masks(secrets, "a " VALUE " b " VALUE, "a *** b ***");
    masks(secrets, VALUE VALUE, "******");
    masks(secrets, "k3y%2B%2F%20%22%5Cx%C3%A9%26z", "***");
    masks(secrets, "k3y%2b/+%22%5cx%c3%a9&z.", "***.");
    masks(secrets, "%6b%33%79%2B%2F%20%22%5C%78%C3%A9%26%7A", "***");
    masks(secrets, "k3y%252B%252F%2520%2522%255Cx%25C3%25A9%2526z", "***");
    masks(secrets, "k3y+\\/ \\\"\\\\x\\u00e9\\u0026z", "***");
    masks(secrets, "{\"b\":\"{\\\"k\\\":\\\"k3y+/ \\\\\\\"\\\\\\\\x\xc3\xa9&z\\\"}\"}",
          "{\"b\":\"{\\\"k\\\":\\\"***\\\"}\"}");
    masks(secrets, "k3y+/ \"\\x\xc3\xa9& z", "k3y+/ \"\\x\xc3\xa9& z");
    /* Short ones are not masked, others of other sources are. */
    masks(secrets, "42 shop-token-1", "42 ***");
    eh_secrets_free(secrets);
}

/* What stands for itself and for the beginning of an escape. */
static void masks_signs_of_escapes(void **state)
{
    (void)state;
    eh_secrets *secrets = make_with("a%25b%c\\\\d");
    masks(secrets, "a%25b%c\\\\d", "***");
    masks(secrets, "a%2525b%25c%5C%5Cd", "***");
    masks(secrets, "a%252525b%2525c%255C%255Cd", "***");
    masks(secrets, "a%25b%c\\\\\\\\d", "***");
    masks(secrets, "a%25b%25c", "a%25b%25c");
    eh_secrets_free(secrets);
}

/* base64 of "<before>sesame-open<behind>", of Python's base64 module. */
static void masks_base64(void **state)
{
    (void)state;
    eh_secrets *secrets = make_with("sesame-\xbf\xff\xfeopen");
    masks(secrets, "c2VzYW1lLb///m9wZW4=", "***4=");
    masks(secrets, "c2VzYW1lLb___m9wZW4", "***4");
    masks(secrets, "dTpzZXNhbWUtv//+b3Blbg==", "dTp***g==");
    masks(secrets, "dTpzZXNhbWUtv%2F%2F%2Bb3Blbg%3D%3D", "dTp***g%3D%3D");
    masks(secrets, "eHNlc2FtZS2///5vcGVu", "eH***");
    masks(secrets, "eHh4c2VzYW1lLb///m9wZW56enp6", "eHh4***56enp6");
    masks(secrets, "eHh4c2VzYW1lLb///m9wZW56enp6c2VzYW1lLb///m9wZW4=", "eHh4***56enp6***4=");
    eh_secrets_free(secrets);
}

static void masks_what_is_cut(void **state)
{
    (void)state;
    eh_secrets *secrets = make_with("abcdefghijklmnop");
    masks(secrets, "x abcdefghijklmnop", "x ***");
    masks(secrets, "x abcdefgh", "x ***");
    masks(secrets, "x abcdefg", "x abcdefg");
    masks(secrets, "x abcdefghij k", "x abcdefghij k");
    /* A script is not told how much of it is right. */
    eh_err err = {.class_ = EH_OK};
    eh_buf out;
    eh_buf_init(&out, 1000);
    assert_true(eh_secrets_mask(secrets, eh_slice_str("abcdefghijklmno"), &out, &err));
    assert_string_equal(eh_buf_cstr(&out), "abcdefghijklmno");
    assert_true(eh_secrets_mask_buf(secrets, &out, &err));
    assert_string_equal(eh_buf_cstr(&out), "abcdefghijklmno");
    eh_buf_free(&out);
    eh_secrets_free(secrets);
    secrets =
        make_with("-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----");
    masks(secrets, "line: kqhkiG9w0BAQEF", "line: ***");
    masks(secrets, "-----BEGIN KEY-----", "***");
    masks(secrets, "-----BEGIN KEY-----?MIIEvQIBADANBg?kqhkiG9w0BAQEF?-----END KEY-----",
          "***");
    eh_secrets_free(secrets);
}

static void json_stays_json(void **state)
{
    (void)state;
    eh_secrets *secrets = make_with("123456");
    eh_err err = {.class_ = EH_OK};
    eh_buf out;
    eh_buf_init(&out, 1 << 16);
    const char json[] = "{\"at\":123456,\"n\":[12345,-1234567e1],\"a\":\"x 123456\","
                        "\"b\":\"\\\"123456\\\\\",\"c\":[\"\"]}";
    assert_true(eh_secrets_mask_json(secrets, eh_slice_str(json), &out, &err));
    assert_string_equal(eh_buf_cstr(&out),
                        "{\"at\":\"***\",\"n\":[12345,\"***\"],\"a\":\"x ***\","
                        "\"b\":\"\\\"***\\\\\",\"c\":[\"\"]}");
    /* People see counts, which are no secrets. */
    out.len = 0;
    assert_true(eh_secrets_mask_told_json(secrets, eh_slice_str(json), &out, &err));
    assert_non_null(strstr(eh_buf_cstr(&out), "{\"at\":123456,"));
    eh_buf_free(&out);
    eh_secrets_free(secrets);
}

/* What looks like a secret and begins, or ends, within an escape is none. */
static void json_keeps_its_escapes(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"12345678", "\"\\u00112345678\"", "\"\\u00112345678\""},
        {"name-1", "\"\\name-1 name-1\"", "\"\\name-1 ***\""},
        {"abc\\", "\"abc\\\"x\"", "\"abc\\\"x\""},
        {"abc\\", "\"abc\\\\x\"", "\"***x\""},
        {"abc\\", "\"abc\\\\\\\"x\"", "\"***\\\"x\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        eh_secrets *secrets = make_with(cases[i][0]);
        eh_buf out;
        eh_buf_init(&out, 1 << 16);
        assert_true(eh_secrets_mask_json(secrets, eh_slice_str(cases[i][1]), &out, NULL));
        assert_string_equal(eh_buf_cstr(&out), cases[i][2]);
        eh_buf_free(&out);
        eh_secrets_free(secrets);
    }
}

/* A script that chooses a captured value so that it ends with the first bytes of a secret. */
static void masks_what_overlaps(void **state)
{
    (void)state;
    eh_err err = {.class_ = EH_OK};
    eh_secrets *secrets = make_with("s3cret-key-1");
    const char *handle;
    eh_buf out;
    eh_buf_init(&out, 1 << 16);
    assert_true(eh_secrets_capture(secrets, "crm", "a", eh_slice_str("AAAAs3"), &handle, &err));
    assert_true(eh_secrets_capture(secrets, "crm", "b", eh_slice_str("-1BBBB"), &handle, &err));
    assert_true(eh_secrets_mask(secrets, eh_slice_str("xAAAAs3cret-key-1BBBBy"), &out, &err));
    assert_string_equal(eh_buf_cstr(&out), "x***y");
    out.len = 0;
    assert_true(eh_secrets_mask(secrets, eh_slice_str("AAAAs3cret-key-2"), &out, &err));
    assert_string_equal(eh_buf_cstr(&out), "***cret-key-2");
    out.len = 0;
    assert_true(eh_secrets_mask(secrets, eh_slice_str("s3cret-key-1s3cret-key-1, s3cret-key-1"),
                                &out, &err));
    assert_string_equal(eh_buf_cstr(&out), "******, ***");
    eh_buf_free(&out);
    eh_secrets_free(secrets);
}

/* It is masked, and there is no handle by which it could be sent. */
static void hides(void **state)
{
    (void)state;
    eh_err err = {.class_ = EH_OK};
    eh_secrets *secrets = make();
    assert_true(eh_secrets_hide(secrets, eh_slice_str("p4ss/word"), &err));
    assert_true(eh_secrets_hide(secrets, eh_slice_str("other-one"), &err));
    eh_fail(&err, EH_CLASS_AUTH, "no p4ss%%2Fword, no other-one, no cDRzcy93b3Jk");
    eh_secrets_mask_err(secrets, &err);
    assert_string_equal(err.message, "no ***, no ***, no ***");
    eh_buf out;
    eh_slice value;
    eh_buf_init(&out, 1 << 16);
    assert_false(eh_secrets_of_host(secrets, "hidden", &value));
    assert_false(eh_secrets_read(
        secrets, "@host", eh_slice_str("{{secret:" NONCE ":@host.hidden}}"), &out, &err));
    eh_buf_free(&out);
    eh_secrets_free(secrets);
}

static void masks_errors(void **state)
{
    (void)state;
    eh_secrets *secrets = make_with("123456");
    eh_err err = {.class_ = EH_OK};
    eh_fail(&err, EH_CLASS_AUTH, "401: the key 123456 is revoked");
    eh_err_hint(&err, "ask for %s", "123456");
    eh_err_place(&err, "https://x/?k=%s", "123456");
    eh_err_while(&err, "while asking with 123456");
    eh_secrets_mask_err(secrets, &err);
    assert_string_equal(err.message, "401: the key *** is revoked");
    assert_string_equal(err.hint, "ask for ***");
    assert_string_equal(err.place, "https://x/?k=***");
    assert_null(strstr(err.trail, "123456"));
    eh_secrets_mask_err(NULL, &err);
    eh_secrets_free(secrets);
}

static void keeps_what_a_service_gave(void **state)
{
    (void)state;
    eh_secrets *secrets = make();
    eh_err err = {.class_ = EH_OK};
    const char *handle, *again;
    assert_true(eh_secrets_capture(secrets, "crm", "access_token", eh_slice_str("first-token"),
                                   &handle, &err));
    char text[200];
    assert_true(strlen(handle) < sizeof text);
    memcpy(text, handle, strlen(handle) + 1);
    fills(secrets, EH_SECRET_HEADER, text, "first-token");
    assert_true(eh_secrets_capture(secrets, "crm", "access_token", eh_slice_str("second-token"),
                                   &again, &err));
    assert_string_equal(again, text);
    fills(secrets, EH_SECRET_HEADER, text, "second-token");
    masks(secrets, "first-token second-token", "*** ***");
    refuses(secrets, "shop", "https://api.crm.com:443", EH_SECRET_BODY, text, EH_CLASS_DENIED,
            "another");
    assert_false(eh_secrets_capture(secrets, "crm", "a b", eh_slice_str("x"), &handle, &err));
    assert_int_equal(err.class_, EH_CLASS_SCRIPT);
    eh_secrets_free(secrets);
}

static void forgets_the_oldest_derived(void **state)
{
    (void)state;
    eh_secrets *secrets = make();
    eh_err err = {.class_ = EH_OK};
    const char *handle, *same;
    char first[200] = "", value[32];
    for (int i = 0; i < 600; i++) {
        (void)snprintf(value, sizeof value, "derived-%d", i);
        assert_true(
            eh_secrets_derived(secrets, "crm", "hmac", eh_slice_str(value), &handle, &err));
        if (i == 0) (void)snprintf(first, sizeof first, "%s", handle);
        assert_true(
            eh_secrets_capture(secrets, "crm", "token", eh_slice_str(value), &same, &err));
    }
    assert_true(eh_secrets_derived(secrets, "crm", "hmac", eh_slice_str(value), &same, &err));
    assert_string_equal(handle, same);
    fills(secrets, EH_SECRET_BODY, handle, "derived-599");
    refuses(secrets, "crm", "https://api.crm.com:443", EH_SECRET_BODY, first, EH_CLASS_SCRIPT,
            "no secret");
    masks(secrets, "derived-0 derived-599", "derived-0 ***");
    eh_secrets_free(secrets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_by_place),
        cmocka_unit_test(goes_only_to_its_hosts),
        cmocka_unit_test(goes_where_the_operator_says),
        cmocka_unit_test(masks_every_form),
        cmocka_unit_test(masks_signs_of_escapes),
        cmocka_unit_test(masks_base64),
        cmocka_unit_test(masks_what_is_cut),
        cmocka_unit_test(json_stays_json),
        cmocka_unit_test(masks_errors),
        cmocka_unit_test(hides),
        cmocka_unit_test(json_keeps_its_escapes),
        cmocka_unit_test(masks_what_overlaps),
        cmocka_unit_test(keeps_what_a_service_gave),
        cmocka_unit_test(forgets_the_oldest_derived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
