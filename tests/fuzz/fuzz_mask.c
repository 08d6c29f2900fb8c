/* Fuzz target: what is masked. The input is two secrets, in lines of their own, and a text. No
 * secret is left in the text, as it is or as JSON, in whatever it overlaps with; JSON stays
 * JSON; and where nothing is hit, nothing changes. */
#include "data/json.h"
#include "data/json_doc.h"
#include "engine/secrets.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth)
{
    if (!truth) abort();
}

static bool has(eh_slice text, eh_slice part)
{
    return part.len >= EH_SECRET_MASKED_MIN && text.len >= part.len &&
           memmem(text.data, text.len, part.data, part.len) != NULL;
}

/* A secret of stars may come out of the masks themselves. */
static bool is_fit(eh_slice secret)
{
    return secret.len > 0 && secret.len <= 1000 && memchr(secret.data, '*', secret.len) == NULL;
}

static eh_slice take_line(eh_slice *text)
{
    const char *end = memchr(text->data, '\n', text->len);
    size_t len = end != NULL ? (size_t)(end - text->data) : text->len;
    eh_slice line = eh_slice_of(text->data, len);
    size_t gone = end != NULL ? len + 1 : len;
    *text = eh_slice_of(text->data + gone, text->len - gone);
    return line;
}

static void check(const eh_secrets *secrets, eh_slice a, eh_slice b, eh_slice text)
{
    eh_buf out, json;
    bool twice;
    eh_buf_init(&out, (size_t)1 << 24);
    eh_buf_init(&json, (size_t)1 << 24);
    demand(eh_secrets_mask(secrets, text, &out, NULL));
    demand(!has(eh_buf_slice(&out), a) && !has(eh_buf_slice(&out), b));
    if (!eh_secrets_hits(secrets, text)) demand(eh_slice_equal(eh_buf_slice(&out), text));
    out.len = 0;
    demand(eh_secrets_mask_told(secrets, text, &out, NULL));
    demand(!has(eh_buf_slice(&out), a) && !has(eh_buf_slice(&out), b));
    out.len = 0;
    if (eh_json_check(text, &twice, NULL)) {
        demand(eh_secrets_mask_json(secrets, text, &out, NULL));
        demand(eh_json_check(eh_buf_slice(&out), &twice, NULL));
    }
    /* The same text as a string of JSON. */
    out.len = 0;
    demand(eh_buf_append_json(&json, text, NULL));
    demand(eh_secrets_mask_json(secrets, eh_buf_slice(&json), &out, NULL));
    /* What it says, not how: \u0011 and 2345678 are no 12345678. */
    eh_arena *arena = eh_arena_new((size_t)1 << 20);
    const eh_doc *doc = NULL;
    demand(eh_json_to_doc(eh_buf_slice(&out), arena, &doc, NULL));
    demand(!has(doc->as.string, a) && !has(doc->as.string, b));
    eh_arena_free(arena);
    eh_buf_free(&out);
    eh_buf_free(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    eh_slice text = eh_slice_of((const char *)data, size);
    eh_slice a = take_line(&text), b = take_line(&text);
    if (!is_fit(a) || !is_fit(b) || text.len > 4000) return 0;
    const char *handle;
    eh_secrets *secrets = eh_secrets_new(NULL, NULL);
    demand(secrets != NULL && eh_secrets_hide(secrets, a, NULL) &&
           eh_secrets_capture(secrets, "i", "b", b, &handle, NULL));
    check(secrets, a, b, text);
    eh_secrets_free(secrets);
    return 0;
}
