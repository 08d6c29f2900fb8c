/* engine/page_guard.c: see page_guard.h. */
#include "engine/page_guard.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LIMIT    100000
#define MULTIPLY UINT64_C(0x9E3779B97F4A7C15)

void eh_page_guard_begin(eh_page_guard *guard, uint64_t limit)
{
    eh_map_free(&guard->asked);
    *guard = (eh_page_guard){.limit = limit > 0 ? limit : LIMIT};
    eh_map_init(&guard->asked);
}

void eh_page_guard_free(eh_page_guard *guard)
{
    eh_map_free(&guard->asked);
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * MULTIPLY;
    return hash ^ (hash >> 29);
}

/* Pages are large, and all of them are hashed: eight bytes at a time, in four rows of them
 * whose multiplications do not wait for each other. */
static uint64_t hash_of(eh_slice text)
{
    uint64_t a = 1, b = 2, c = 3, d = 4, words[4], hash = mix(MULTIPLY, text.len), word;
    size_t i = 0;
    for (; i + sizeof words <= text.len; i += sizeof words) {
        memcpy(words, text.data + i, sizeof words);
        a = mix(a, words[0]);
        b = mix(b, words[1]);
        c = mix(c, words[2]);
        d = mix(d, words[3]);
    }
    hash = mix(mix(mix(mix(hash, a), b), c), d);
    for (; i + sizeof word <= text.len; i += sizeof word) {
        memcpy(&word, text.data + i, sizeof word);
        hash = mix(hash, word);
    }
    word = 0;
    if (i < text.len) memcpy(&word, text.data + i, text.len - i);
    return mix(mix(hash, word), word);
}

static bool fail_again(const eh_page_guard *guard, const char *window, const char *label,
                       uint64_t page, const char *how, eh_err *err)
{
    (void)eh_fail(err, EH_CLASS_REMOTE,
                  "page %" PRIu64 " of %s is page %" PRIu64 " again: %s%s", guard->pages,
                  window, page, how, page + 1 == guard->pages ? guard->label : "");
    eh_err_place(err, "%s", label);
    return eh_err_hint(err,
                       "does the service look at what says which page is wanted? A script that "
                       "means to read a page twice says so: ctx:emit(rows, { again = true })");
}

/* Where a token leads back, or a page number is not counted up. */
static bool was_asked(eh_page_guard *guard, uint64_t request, uint64_t *page, eh_err *err)
{
    eh_slice key = eh_slice_of((const char *)&request, sizeof request);
    if (eh_map_get(&guard->asked, key, page)) return true;
    *page = 0;
    return !eh_map_put(&guard->asked, key, guard->pages, err);
}

bool eh_page_guard_look(eh_page_guard *guard, const char *window, const eh_page_marks *marks,
                        const char *label, const char *path, eh_slice text, bool again,
                        eh_err *err)
{
    uint64_t page, body;
    guard->pages++;
    if (guard->pages > guard->limit) {
        (void)eh_fail(err, EH_CLASS_LIMIT, "%s has more than %" PRIu64 " pages", window,
                      guard->limit);
        eh_err_place(err, "%s", label);
        return eh_err_hint(err,
                           "if that is right, raise limits.window_pages in etlhost.yaml, or "
                           "read shorter windows (span) or larger pages");
    }
    if (marks->request == 0) return true;
    uint64_t request = mix(marks->request, hash_of(eh_slice_str(path)));
    if (was_asked(guard, request, &page, err)) {
        if (err->class_ != EH_OK) return false;
        if (!again) {
            guard->label[0] = '\0';
            return fail_again(guard, window, label, page, "the request is the same", err);
        }
    }
    if (text.data == NULL) { /* still to come */
        guard->place = 0;
        guard->bytes = guard->rows = 0;
        (void)snprintf(guard->label, sizeof guard->label, "%s", label);
        return true;
    }
    body = mix(hash_of(text), hash_of(eh_slice_str(path)));
    bool same = guard->rows > 0 && guard->place == marks->place && guard->bytes == text.len &&
                guard->body == body;
    if (same && !again)
        return fail_again(guard, window, label, guard->pages - 1,
                          "the answer is, byte by byte, that of ", err);
    guard->place = marks->place;
    guard->body = body;
    guard->bytes = text.len;
    guard->rows = 0;
    (void)snprintf(guard->label, sizeof guard->label, "%s", label);
    return true;
}

void eh_page_guard_done(eh_page_guard *guard, uint64_t rows)
{
    guard->rows = rows;
}
