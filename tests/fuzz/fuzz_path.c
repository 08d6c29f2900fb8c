/* Fuzz target: a path into a JSON text, and the items of the list that is there. The first line
 * is the path, its first byte how much is read at a time. What is found is JSON, a document of
 * it says the same, and all pieces of a list together are the list. */
#include "data/json.h"
#include "data/json_doc.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth)
{
    if (!truth) abort();
}

static void check_items(eh_slice list, const eh_doc *doc, size_t max, eh_arena *arena)
{
    size_t at = 0, turns = 0;
    bool more = true;
    eh_doc *items = eh_doc_list(arena);
    while (more) {
        size_t before = at, count = eh_doc_count(items);
        if (!eh_json_items(list, &at, max, arena, items, &more, NULL)) return; /* a key twice */
        demand(at <= list.len && at >= before && ++turns <= list.len);
        demand(!more || eh_doc_count(items) > count || at > before);
    }
    demand(eh_doc_equal(items, doc));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *end = size > 1 ? memchr(data + 1, '\n', size - 1) : NULL;
    if (end == NULL) return 0;
    eh_slice path = eh_slice_of((const char *)data + 1, (size_t)(end - (const char *)data) - 1);
    size_t len = size - path.len - 2;
    char *exact = malloc(len > 0 ? len : 1); /* so that reading past the end is seen */
    eh_arena *arena = eh_arena_new((size_t)64 << 20);
    demand(exact != NULL && arena != NULL);
    if (len > 0) memcpy(exact, end + 1, len);
    eh_slice text = eh_slice_of(exact, len), found;
    eh_err err = {.class_ = EH_OK};
    const eh_doc *doc = NULL;
    eh_json_outline outline = {.span_bytes = 8, .cut_bytes = 4};
    bool twice, there = eh_json_look(text, path, NULL, &found, &err);
    demand(there == (err.class_ == EH_OK) && err.class_ != EH_CLASS_BUG);
    /* What was noted at the first look says the same at the second. */
    for (int i = 0; i < 2; i++) {
        eh_slice again = eh_slice_of(NULL, 0);
        demand(eh_json_look(text, path, &outline, &again, NULL) == there);
        if (there) demand(again.data == found.data && again.len == found.len);
    }
    eh_json_outline_free(&outline);
    if (there && found.data != NULL) {
        demand(found.data >= exact && found.data + found.len <= exact + len);
        if (eh_utf8_valid(exact, len)) demand(eh_json_check(found, &twice, NULL));
        if (eh_json_find(text, path, arena, &doc, NULL)) {
            demand(doc != NULL);
            if (found.data[0] == '[') check_items(found, doc, 2 + data[0], arena);
        }
    }
    eh_arena_free(arena);
    free(exact);
    return 0;
}
