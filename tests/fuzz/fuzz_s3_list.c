/* Fuzz target: a listing of an object store from any bytes. The first byte is the size of the
 * chunks. However the answer is cut, the same is read of it. */
#include "data/s3_list.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct reading {
    eh_arena *arena;
    eh_s3_page page;
    eh_s3_fault fault;
    bool ok;
} reading;

static reading read_all(eh_slice text, size_t chunk)
{
    reading r = {.arena = eh_arena_new((size_t)1 << 26)};
    eh_s3_list *list = r.arena != NULL ? eh_s3_list_new(r.arena, NULL) : NULL;
    if (list == NULL) abort();
    r.ok = true;
    for (size_t at = 0; r.ok && at < text.len; at += chunk) {
        size_t n = text.len - at < chunk ? text.len - at : chunk;
        r.ok = eh_s3_list_feed(list, eh_slice_of(text.data + at, n), NULL);
    }
    r.ok = r.ok && eh_s3_list_end(list, &r.page, &r.fault, NULL);
    eh_s3_list_free(list);
    return r;
}

static void compare(const reading *a, const reading *b)
{
    if (a->ok != b->ok) abort();
    if (!a->ok) return;
    if (strcmp(a->fault.code, b->fault.code) != 0 || a->page.count != b->page.count ||
        a->page.more != b->page.more || a->page.more != (a->page.token != NULL))
        abort();
    for (size_t i = 0; i < a->page.count; i++) {
        const eh_s3_object *x = &a->page.objects[i], *y = &b->page.objects[i];
        if (!eh_slice_equal(x->key, y->key) || x->key.data[x->key.len] != '\0' ||
            strcmp(x->etag, y->etag) != 0 || x->size != y->size || x->size > INT64_MAX)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    eh_slice text = eh_slice_of((const char *)data + 1, size - 1);
    reading whole = read_all(text, text.len + 1), cut = read_all(text, 1 + data[0] % 16);
    compare(&whole, &cut);
    eh_arena_free(whole.arena);
    eh_arena_free(cut.arena);
    return 0;
}
