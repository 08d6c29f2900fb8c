/* What is made of secrets: known answers of RFCs, tokens that libcrypto itself verifies, and
 * that a script never gets anything but a handle. */
#include "data/json_doc.h"
#include "engine/derive.h"
#include "engine/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define NONCE "00112233445566778899aabbccddeeff"

typedef struct fixture {
    eh_arena *arena;
    eh_secrets *secrets;
    eh_err err;
} fixture;

static void put(fixture *f, eh_doc *map, const char *key, const char *value)
{
    assert_true(eh_doc_put_str(f->arena, map, key, eh_slice_str(value), &f->err));
}

/* One secret, crm.key. */
static void open_with(fixture *f, const char *value)
{
    *f = (fixture){.arena = eh_arena_new(1 << 22)};
    eh_doc *spec = eh_doc_map(f->arena), *list = eh_doc_list(f->arena);
    eh_doc *one = eh_doc_map(f->arena);
    put(f, one, "instance", "crm");
    put(f, one, "key", "key");
    put(f, one, "value", value);
    put(f, spec, "nonce", NONCE);
    assert_true(eh_doc_push(list, one, &f->err) &&
                eh_doc_put(f->arena, spec, eh_slice_str("values"), list, &f->err));
    f->secrets = eh_secrets_new(spec, &f->err);
    assert_non_null(f->secrets);
}

static void close_it(fixture *f)
{
    eh_secrets_free(f->secrets);
    eh_arena_free(f->arena);
}

static const eh_doc *args_of(fixture *f, const char *json)
{
    const eh_doc *args = NULL;
    assert_true(eh_json_to_doc(eh_slice_str(json), f->arena, &args, &f->err));
    return args;
}

#define KEY "{{secret:" NONCE ":crm.key}}"

/* The text that a script gets. */
static const char *derive(fixture *f, const char *json)
{
    eh_doc *value = NULL;
    if (!eh_derive(f->secrets, "crm", args_of(f, json), f->arena, &value, &f->err))
        fail_msg("%s", f->err.message);
    return eh_doc_str(value, "text", NULL);
}

/* What it stands for. */
static const char *real(fixture *f, const char *text)
{
    eh_buf out;
    eh_buf_init(&out, 1 << 16);
    assert_true(eh_secrets_read(f->secrets, "crm", eh_slice_str(text), &out, &f->err));
    const char *copy = eh_arena_strndup(f->arena, out.data, out.len);
    eh_secrets_wipe(&out);
    return copy;
}

static const char *derived(fixture *f, const char *json)
{
    const char *text = derive(f, json);
    assert_int_equal(strncmp(text, "{{secret:", 9), 0);
    return real(f, text);
}

static void refuses(fixture *f, const char *json, eh_class class_, const char *why)
{
    eh_doc *value = NULL;
    eh_err err = {.class_ = EH_OK};
    assert_false(eh_derive(f->secrets, "crm", args_of(f, json), f->arena, &value, &err));
    assert_int_equal(err.class_, class_);
    if (strstr(err.message, why) == NULL) fail_msg("%s", err.message);
}

/* RFC 2202 and 4231, test case 2; RFC 1321; RFC 4648. */
static void known_answers(void **state)
{
    (void)state;
    fixture f;
    open_with(&f, "Jefe");
    assert_string_equal(derived(&f, "{\"kind\":\"hmac\",\"algorithm\":\"sha256\",\"key\":\"" KEY
                                    "\",\"text\":\"what do ya want for nothing?\"}"),
                        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_string_equal(
        derived(
            &f,
            "{\"kind\":\"hmac\",\"algorithm\":\"sha1\",\"encoding\":\"base64\",\"key\":\"" KEY
            "\",\"text\":\"what do ya want for nothing?\"}"),
        "7/zfauXrL6LSdBbV8YTfnCWafHk=");
    /* Plain text in, plain text out. */
    assert_string_equal(
        derive(&f, "{\"kind\":\"hash\",\"algorithm\":\"md5\",\"text\":\"abc\"}"),
        "900150983cd24fb0d6963f7d28e17f72");
    assert_string_equal(derive(&f, "{\"kind\":\"base64\",\"text\":\"fooba\"}"), "Zm9vYmE=");
    assert_string_equal(
        derive(&f, "{\"kind\":\"base64\",\"encoding\":\"base64url\",\"text\":\"f>?~?\"}"),
        "Zj4_fj8");
    assert_string_equal(derived(&f, "{\"kind\":\"base64\",\"text\":\"me:" KEY "\"}"),
                        "bWU6SmVmZQ==");
    close_it(&f);
}

/* A key that is base64, and a digest that is the key of the next: as in AWS's and Azure's. */
static void keys_of_keys(void **state)
{
    (void)state;
    fixture f;
    open_with(&f, "SmVm\nZQ==");
    assert_string_equal(
        derived(&f, "{\"kind\":\"hmac\",\"algorithm\":\"sha256\",\"key_encoding\":\"base64\","
                    "\"key\":\"" KEY "\",\"text\":\"what do ya want for nothing?\"}"),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    const char *raw = derive(
        &f, "{\"kind\":\"hmac\",\"algorithm\":\"md5\",\"encoding\":\"raw\",\"key\":\"" KEY
            "\",\"text\":\"x\"}");
    char json[600];
    (void)snprintf(json, sizeof json,
                   "{\"kind\":\"hmac\",\"algorithm\":\"md5\",\"key\":\"%s\",\"text\":\"y\"}",
                   raw);
    assert_int_equal(strlen(derived(&f, json)), 32);
    close_it(&f);
}

static void fields_of_json(void **state)
{
    (void)state;
    fixture f;
    open_with(&f, "{\"a\": {\"private_key\": \"line\\nline\", \"n\": 7}}");
    assert_string_equal(
        derived(&f, "{\"kind\":\"field\",\"text\":\"" KEY "\",\"path\":\"a.private_key\"}"),
        "line\nline");
    assert_string_equal(
        derived(&f, "{\"kind\":\"field\",\"text\":\"" KEY "\",\"path\":\"a.n\"}"), "7");
    refuses(&f, "{\"kind\":\"field\",\"text\":\"" KEY "\",\"path\":\"a.b\"}", EH_CLASS_CONFIG,
            "no \"a.b\"");
    close_it(&f);
}

/* ---- tokens ---------------------------------------------------------------------------------
 */

static char *pem_of(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    char *pem = strndup(data, (size_t)len);
    BIO_free(bio);
    return pem;
}

/* The part between dots `from` and `from + 1`, decoded. */
static void decode_part(const char *token, int index, eh_buf *out)
{
    for (int i = 0; i < index; i++) token = strchr(token, '.') + 1;
    eh_buf_init(out, 1 << 16);
    assert_true(eh_base64_decode(eh_slice_of(token, strcspn(token, ".")), out));
}

static void verify(EVP_PKEY *key, const char *token, const unsigned char *signature, size_t len)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestVerify(context, signature, len, (const unsigned char *)token,
                                      (size_t)(strrchr(token, '.') - token)),
                     1);
    EVP_MD_CTX_free(context);
}

#define JWT                                                                                    \
    "{\"kind\":\"jwt\",\"algorithm\":\"%s\",\"key\":\"" KEY                                    \
    "\",\"header\":{\"kid\":\"k1\"},\"claims\":{\"iss\":\"me\",\"iat\":1700000000}}"

static const char *token_of(fixture *f, const char *algorithm)
{
    char json[600];
    (void)snprintf(json, sizeof json, JWT, algorithm);
    const char *token = derived(f, json);
    eh_buf part;
    decode_part(token, 1, &part);
    assert_string_equal(eh_buf_cstr(&part), "{\"iss\":\"me\",\"iat\":1700000000}");
    eh_buf_free(&part);
    decode_part(token, 0, &part);
    assert_non_null(strstr(eh_buf_cstr(&part), "\"kid\":\"k1\""));
    assert_non_null(strstr(eh_buf_cstr(&part), algorithm));
    eh_buf_free(&part);
    return token;
}

static void signs_by_rsa(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_RSA_gen(2048);
    char *pem = pem_of(key);
    fixture f;
    open_with(&f, pem);
    const char *token = token_of(&f, "RS256");
    eh_buf signature;
    decode_part(token, 2, &signature);
    verify(key, token, (unsigned char *)signature.data, signature.len);
    eh_buf_free(&signature);
    char json[600];
    (void)snprintf(json, sizeof json, JWT, "ES256");
    refuses(&f, json, EH_CLASS_CONFIG, "not one for ES256");
    close_it(&f);
    free(pem);
    EVP_PKEY_free(key);
}

static void signs_by_curve(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    char *pem = pem_of(key);
    /* As variables often have it: the line breaks written as two characters. */
    char *written = calloc(2, strlen(pem) + 1);
    for (char *from = pem, *to = written; *from != '\0'; from++) {
        if (*from == '\n') *to++ = '\\';
        *to++ = *from == '\n' ? 'n' : *from;
    }
    fixture f;
    open_with(&f, written);
    const char *token = token_of(&f, "ES256");
    eh_buf both;
    decode_part(token, 2, &both);
    assert_int_equal(both.len, 64);
    ECDSA_SIG *signature = ECDSA_SIG_new();
    assert_int_equal(ECDSA_SIG_set0(signature, BN_bin2bn((unsigned char *)both.data, 32, NULL),
                                    BN_bin2bn((unsigned char *)both.data + 32, 32, NULL)),
                     1);
    unsigned char *der = NULL;
    int len = i2d_ECDSA_SIG(signature, &der);
    verify(key, token, der, (size_t)len);
    OPENSSL_free(der);
    ECDSA_SIG_free(signature);
    eh_buf_free(&both);
    close_it(&f);
    free(written);
    free(pem);
    EVP_PKEY_free(key);
}

static void refuses_nonsense(void **state)
{
    (void)state;
    fixture f;
    open_with(&f, "no key at all");
    char json[600];
    (void)snprintf(json, sizeof json, JWT, "RS256");
    refuses(&f, json, EH_CLASS_CONFIG, "no private key in PEM");
    (void)snprintf(json, sizeof json, JWT, "none");
    refuses(&f, json, EH_CLASS_SCRIPT, "RS256, ES256 or HS256");
    refuses(&f, "{\"kind\":\"jwt\",\"algorithm\":\"HS256\",\"key\":\"k\"}", EH_CLASS_SCRIPT,
            "claims must be a map");
    refuses(&f, "{\"kind\":\"field\",\"text\":\"" KEY "\",\"path\":\"a\"}", EH_CLASS_CONFIG,
            "not JSON");
    refuses(&f, "{\"kind\":\"hash\",\"algorithm\":\"crc\",\"text\":\"x\"}", EH_CLASS_SCRIPT,
            "not \"crc\"");
    refuses(&f, "{\"kind\":\"hash\",\"algorithm\":\"md5\",\"text\":1}", EH_CLASS_SCRIPT,
            "text must be a text");
    refuses(&f, "{\"kind\":\"base64\",\"encoding\":\"rot13\",\"text\":\"x\"}", EH_CLASS_SCRIPT,
            "not \"rot13\"");
    refuses(&f, "{\"kind\":\"steal\"}", EH_CLASS_SCRIPT, "nothing derives");
    refuses(&f,
            "{\"kind\":\"hmac\",\"algorithm\":\"md5\",\"text\":\"x\",\"key_encoding\":"
            "\"base64\",\"key\":\"" KEY "*\"}",
            EH_CLASS_CONFIG, "not base64");
    refuses(&f, "{\"kind\":\"base64\",\"text\":\"{{secret:" NONCE ":shop.key}}\"}",
            EH_CLASS_DENIED, "another source");
    close_it(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),  cmocka_unit_test(keys_of_keys),
        cmocka_unit_test(fields_of_json), cmocka_unit_test(signs_by_rsa),
        cmocka_unit_test(signs_by_curve), cmocka_unit_test(refuses_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
