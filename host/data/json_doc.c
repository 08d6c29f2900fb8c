/* data/json_doc.c: see json_doc.h. The judge looks at the text first, so the walk over it can
 * trust what it sees. */
#include "data/json_doc.h"

#include "data/json_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBER_MAX 64

typedef struct walk {
    const char *text;
    size_t at;
    size_t len;
    eh_arena *arena;
} walk;

static void skip_space(walk *w)
{
    while (w->at < w->len && eh_json_is_space(w->text[w->at])) w->at++;
}

/* The inside of the string at `at`, unescaped; data is NULL without memory. */
static eh_slice read_text(walk *w)
{
    size_t start = ++w->at, len = 0;
    while (w->text[w->at] != '"') w->at += w->text[w->at] == '\\' ? 2 : 1;
    eh_slice raw = eh_slice_of(w->text + start, w->at++ - start);
    char *out = eh_arena_zalloc(w->arena, raw.len + 1, 1);
    if (out == NULL) return eh_slice_of(NULL, 0);
    (void)eh_json_unescape(raw, out, &len);
    return eh_slice_of(out, len);
}

/* As a number where no digit is lost. */
static eh_doc *read_number(walk *w)
{
    size_t start = w->at;
    while (w->at < w->len && strchr("+-.0123456789eE", w->text[w->at]) != NULL &&
           w->text[w->at] != '\0')
        w->at++;
    eh_slice token = eh_slice_of(w->text + start, w->at - start);
    char text[NUMBER_MAX], again[EH_DOUBLE_TEXT];
    if (token.len >= sizeof text) return eh_doc_string(w->arena, token);
    memcpy(text, token.data, token.len);
    text[token.len] = '\0';
    errno = 0;
    char *end;
    long long integer = strtoll(text, &end, 10);
    if (*end == '\0' && errno == 0 && strcmp(text, "-0") != 0)
        return eh_doc_integer(w->arena, integer);
    double real = strtod(text, NULL);
    eh_double_text(real, again);
    if (strcmp(again, text) == 0) return eh_doc_double(w->arena, real);
    return eh_doc_string(w->arena, token);
}

static eh_doc *read_value(walk *w, eh_err *err);

static eh_doc *read_list(walk *w, eh_err *err)
{
    eh_doc *list = eh_doc_list(w->arena);
    w->at++;
    for (skip_space(w); w->text[w->at] != ']'; skip_space(w)) {
        if (w->text[w->at] == ',') w->at++;
        if (!eh_doc_push(list, read_value(w, err), err)) return NULL;
    }
    w->at++;
    return list;
}

static eh_doc *read_map(walk *w, eh_err *err)
{
    eh_doc *map = eh_doc_map(w->arena);
    w->at++;
    for (skip_space(w); w->text[w->at] != '}'; skip_space(w)) {
        if (w->text[w->at] == ',') w->at++;
        skip_space(w);
        eh_slice key = read_text(w);
        skip_space(w);
        w->at++; /* the colon */
        if (key.data == NULL || !eh_doc_put(w->arena, map, key, read_value(w, err), err))
            return NULL;
    }
    w->at++;
    return map;
}

static eh_doc *read_value(walk *w, eh_err *err)
{
    skip_space(w);
    switch (w->text[w->at]) {
    case '{':
        return read_map(w, err);
    case '[':
        return read_list(w, err);
    case '"': {
        eh_slice text = read_text(w);
        return text.data != NULL ? eh_doc_string(w->arena, text) : NULL;
    }
    case 't':
        w->at += 4;
        return eh_doc_boolean(w->arena, true);
    case 'f':
        w->at += 5;
        return eh_doc_boolean(w->arena, false);
    case 'n':
        w->at += 4;
        return eh_doc_null(w->arena);
    default:
        return read_number(w);
    }
}

bool eh_json_look(eh_slice text, eh_slice path, eh_json_outline *outline, eh_slice *value,
                  eh_err *err)
{
    eh_json_found found;
    eh_json_fault fault;
    switch (eh_json_judge_document(text, path, outline, &found, &fault, err)) {
    case EH_JSON_NO_VERDICT:
        return false;
    case EH_JSON_FAULTY:
        return eh_fail(err, EH_CLASS_DATA, "not JSON: %s (byte %zu)", fault.reason,
                       fault.offset);
    case EH_JSON_GOOD:
        break;
    }
    *value = eh_slice_of(found.value, found.value != NULL ? found.len : 0);
    return true;
}

bool eh_json_find(eh_slice text, eh_slice path, eh_arena *arena, const eh_doc **doc,
                  eh_err *err)
{
    eh_slice value;
    *doc = NULL;
    if (!eh_json_look(text, path, NULL, &value, err)) return false;
    if (value.data == NULL) return true;
    walk w = {.text = value.data, .len = value.len, .arena = arena};
    *doc = read_value(&w, err);
    return *doc != NULL || eh_fail_memory(err, "a JSON document");
}

bool eh_json_to_doc(eh_slice text, eh_arena *arena, const eh_doc **doc, eh_err *err)
{
    return eh_json_find(text, eh_slice_of("", 0), arena, doc, err);
}

bool eh_json_items(eh_slice list, size_t *at, size_t max_bytes, eh_arena *arena, eh_doc *items,
                   bool *more, eh_err *err)
{
    walk w = {.text = list.data, .at = *at, .len = list.len, .arena = arena};
    size_t begun = w.at;
    if (w.at == 0) w.at++;
    for (skip_space(&w); w.text[w.at] != ']' && w.at - begun < max_bytes; skip_space(&w)) {
        if (w.text[w.at] == ',') w.at++;
        if (!eh_doc_push(items, read_value(&w, err), err)) return false;
    }
    *more = w.text[w.at] != ']';
    *at = w.at;
    return true;
}
