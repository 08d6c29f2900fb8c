/* tests/c/test_oom_secrets.c: secrets, what is made of them, and kept tokens, with each
 * allocation failing in turn; see oom.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include "oom.h"

#include "data/json_doc.h"
#include "engine/derive.h"
#include "engine/token_store.h"

#include <stdio.h>
#include <string.h>

#define NONCE "00112233445566778899aabbccddeeff"
#define KEY   "{{secret:" NONCE ":crm.key}}"
#define ARENA ((size_t)4 * 1024 * 1024)

static const char spec_text[] =
    "{\"nonce\":\"" NONCE "\",\"values\":[{\"instance\":\"crm\",\"key\":\"key\",\"value\":"
    "\"a \\\"s3cret\\\" of many lines\\nand more lines of it\"}]}";

static bool contains(eh_slice text, const char *what)
{
    return text.len > 0 && memmem(text.data, text.len, what, strlen(what)) != NULL;
}

/* A store made, used and freed; what is told never has the secret, with memory or without. */
static bool use(eh_secrets *s, eh_arena *arena, eh_err *err)
{
    static const char *const hosts[] = {"api.crm.com"};
    static const char told[] = "head a \"s3cret\" of many lines\nand more lines of it tail";
    const char *handle;
    eh_buf out;
    eh_buf_init(&out, 1 << 16);
    bool ok = eh_secrets_allow(s, "crm", hosts, 1, err) &&
              eh_secrets_read(s, "crm", eh_slice_str("x" KEY), &out, err);
    eh_secrets_wipe(&out);
    ok = ok && eh_secrets_mask(s, eh_slice_str(told), &out, err);
    assert_false(contains(eh_buf_slice(&out), "s3cret"));
    eh_secrets_wipe(&out);
    ok = ok && eh_secrets_capture(s, "crm", "t", eh_slice_str("first-token"), &handle, err) &&
         eh_secrets_capture(s, "crm", "t", eh_slice_str("second-token"), &handle, err) &&
         eh_buf_append_str(&out, "first-token second-token", err) &&
         eh_secrets_mask_buf(s, &out, err);
    if (ok) assert_false(contains(eh_buf_slice(&out), "-token"));
    eh_secrets_wipe(&out);
    eh_err masked = {.class_ = EH_OK};
    eh_fail(&masked, EH_CLASS_AUTH, "%s", told);
    eh_secrets_mask_err(s, &masked);
    assert_null(strstr(masked.message, "s3cret"));
    static const char *const calls[] = {
        "{\"kind\":\"base64\",\"text\":\"" KEY "\"}",
        "{\"kind\":\"hmac\",\"algorithm\":\"sha256\",\"key\":\"" KEY "\",\"text\":\"x\"}",
        "{\"kind\":\"jwt\",\"algorithm\":\"HS256\",\"key\":\"" KEY "\",\"claims\":{\"a\":1}}"};
    for (size_t i = 0; ok && i < sizeof calls / sizeof calls[0]; i++) {
        const eh_doc *args = NULL;
        eh_doc *value = NULL;
        ok = eh_json_to_doc(eh_slice_str(calls[i]), arena, &args, err) &&
             eh_derive(s, "crm", args, arena, &value, err);
    }
    return ok;
}

static bool secrets(void *what, eh_err *err)
{
    (void)what;
    eh_arena *arena = eh_arena_new(ARENA);
    const eh_doc *spec = NULL;
    if (arena == NULL) return eh_fail_memory(err, "a test");
    bool ok = eh_json_to_doc(eh_slice_str(spec_text), arena, &spec, err);
    eh_secrets *s = ok ? eh_secrets_new(spec, err) : NULL;
    ok = s != NULL && use(s, arena, err);
    eh_secrets_free(s);
    eh_arena_free(arena);
    return ok;
}

/* ---- tokens ---------------------------------------------------------------------------------
 */

static bool tokens(void *what, eh_err *err)
{
    static const char text[] = "1\nt0ken";
    eh_token_store store;
    eh_token_file file;
    eh_token_store_open(&store, what, eh_slice_str("a key of the operator's own choice"));
    if (store.folder == NULL) return eh_fail_memory(err, "a test");
    eh_buf out;
    eh_buf_init(&out, 1 << 16);
    bool ok = eh_token_store_find(&store, eh_slice_str("acme\0crm"), &file, err) &&
              eh_token_store_write(&store, &file, eh_slice_str(text), err);
    /* One that cannot be read is one that is not there. */
    if (ok && eh_token_store_read(&store, &file, &out))
        assert_true(eh_slice_is(eh_buf_slice(&out), text));
    else if (ok)
        ok = eh_fail_memory(err, "a token");
    eh_secrets_wipe(&out);
    eh_token_store_close(&store);
    return ok;
}

static void without_memory(void **state)
{
    (void)state;
    oom_sweep(secrets, NULL);
}

static void tokens_without_memory(void **state)
{
    (void)state;
    char folder[] = "/tmp/eh_tokens.XXXXXX";
    assert_non_null(mkdtemp(folder));
    oom_sweep(tokens, folder);
    eh_token_store store;
    eh_token_file file;
    eh_token_store_open(&store, folder, eh_slice_str("a key of the operator's own choice"));
    assert_true(eh_token_store_find(&store, eh_slice_str("acme\0crm"), &file, NULL));
    eh_token_store_remove(&file);
    assert_int_equal(rmdir(folder), 0); /* no draft is left behind */
}

int main(void)
{
    oom_spare_openssl();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory),
        cmocka_unit_test(tokens_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
