/* base/doc.c: see doc.h. */
#include "base/doc.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static eh_doc *make(eh_arena *arena, eh_doc_kind kind)
{
    eh_doc *doc = eh_arena_zalloc(arena, 1, sizeof *doc);
    if (doc != NULL) doc->kind = kind;
    return doc;
}

eh_doc *eh_doc_null(eh_arena *arena)
{
    return make(arena, EH_DOC_NULL);
}

eh_doc *eh_doc_boolean(eh_arena *arena, bool value)
{
    eh_doc *doc = make(arena, EH_DOC_BOOLEAN);
    if (doc != NULL) doc->as.boolean = value;
    return doc;
}

eh_doc *eh_doc_integer(eh_arena *arena, int64_t value)
{
    eh_doc *doc = make(arena, EH_DOC_INTEGER);
    if (doc != NULL) doc->as.integer = value;
    return doc;
}

eh_doc *eh_doc_double(eh_arena *arena, double value)
{
    eh_doc *doc = make(arena, EH_DOC_DOUBLE);
    if (doc != NULL) doc->as.real = value;
    return doc;
}

eh_doc *eh_doc_string(eh_arena *arena, eh_slice value)
{
    eh_doc *doc = make(arena, EH_DOC_STRING);
    if (doc == NULL) return NULL;
    char *copy = eh_arena_strndup(arena, value.data, value.len);
    if (copy == NULL) return NULL;
    doc->as.string = eh_slice_of(copy, value.len);
    return doc;
}

eh_doc *eh_doc_list(eh_arena *arena)
{
    return make(arena, EH_DOC_LIST);
}

eh_doc *eh_doc_map(eh_arena *arena)
{
    return make(arena, EH_DOC_MAP);
}

static void link_child(eh_doc *parent, eh_doc *child)
{
    child->next = NULL;
    if (parent->as.children.last != NULL)
        parent->as.children.last->next = child;
    else
        parent->as.children.first = child;
    parent->as.children.last = child;
    parent->as.children.count++;
}

bool eh_doc_push(eh_doc *list, eh_doc *child, eh_err *err)
{
    if (list == NULL || child == NULL) return eh_fail_memory(err, "a document");
    link_child(list, child);
    return true;
}

static const eh_doc *find(const eh_doc *map, eh_slice key)
{
    if (map == NULL || map->kind != EH_DOC_MAP) return NULL;
    for (const eh_doc *c = map->as.children.first; c != NULL; c = c->next)
        if (eh_slice_equal(c->key, key)) return c;
    return NULL;
}

bool eh_doc_put(eh_arena *arena, eh_doc *map, eh_slice key, eh_doc *child, eh_err *err)
{
    if (map == NULL || child == NULL) return eh_fail_memory(err, "a document");
    if (find(map, key) != NULL)
        return eh_fail(err, EH_CLASS_CONFIG, "the key \"%.*s\" is there twice",
                       EH_SLICE_FMT(key));
    char *copy = eh_arena_strndup(arena, key.data, key.len);
    if (copy == NULL) return eh_fail_memory(err, "a document");
    child->key = eh_slice_of(copy, key.len);
    link_child(map, child);
    return true;
}

bool eh_doc_put_str(eh_arena *arena, eh_doc *map, const char *key, eh_slice value, eh_err *err)
{
    return eh_doc_put(arena, map, eh_slice_str(key), eh_doc_string(arena, value), err);
}

bool eh_doc_put_int(eh_arena *arena, eh_doc *map, const char *key, int64_t value, eh_err *err)
{
    return eh_doc_put(arena, map, eh_slice_str(key), eh_doc_integer(arena, value), err);
}

bool eh_doc_put_bool(eh_arena *arena, eh_doc *map, const char *key, bool value, eh_err *err)
{
    return eh_doc_put(arena, map, eh_slice_str(key), eh_doc_boolean(arena, value), err);
}

const eh_doc *eh_doc_get(const eh_doc *map, const char *key)
{
    return find(map, eh_slice_str(key));
}

const char *eh_doc_str(const eh_doc *map, const char *key, const char *fallback)
{
    const eh_doc *c = eh_doc_get(map, key);
    return c != NULL && c->kind == EH_DOC_STRING ? c->as.string.data : fallback;
}

int64_t eh_doc_int(const eh_doc *map, const char *key, int64_t fallback)
{
    const eh_doc *c = eh_doc_get(map, key);
    return c != NULL && c->kind == EH_DOC_INTEGER ? c->as.integer : fallback;
}

bool eh_doc_bool(const eh_doc *map, const char *key, bool fallback)
{
    const eh_doc *c = eh_doc_get(map, key);
    return c != NULL && c->kind == EH_DOC_BOOLEAN ? c->as.boolean : fallback;
}

static bool is_container(const eh_doc *doc)
{
    return doc != NULL && (doc->kind == EH_DOC_LIST || doc->kind == EH_DOC_MAP);
}

const eh_doc *eh_doc_first(const eh_doc *doc)
{
    return is_container(doc) ? doc->as.children.first : NULL;
}

size_t eh_doc_count(const eh_doc *doc)
{
    return is_container(doc) ? doc->as.children.count : 0;
}

static bool copy_children(eh_arena *arena, const eh_doc *doc, eh_doc *copy, const char *except)
{
    for (const eh_doc *c = doc->as.children.first; c != NULL; c = c->next) {
        if (doc->kind == EH_DOC_MAP && except != NULL && eh_slice_is(c->key, except)) continue;
        eh_doc *child = eh_doc_copy(arena, c, except);
        bool ok = doc->kind == EH_DOC_MAP ? eh_doc_put(arena, copy, c->key, child, NULL)
                                          : eh_doc_push(copy, child, NULL);
        if (!ok) return false;
        child->key_line = c->key_line;
        child->key_column = c->key_column;
    }
    return true;
}

eh_doc *eh_doc_copy(eh_arena *arena, const eh_doc *doc, const char *except)
{
    if (doc == NULL) return NULL;
    eh_doc *copy = doc->kind == EH_DOC_STRING ? eh_doc_string(arena, doc->as.string)
                                              : make(arena, doc->kind);
    if (copy == NULL) return NULL;
    copy->line = doc->line;
    copy->column = doc->column;
    if (is_container(doc)) return copy_children(arena, doc, copy, except) ? copy : NULL;
    if (doc->kind == EH_DOC_BOOLEAN) copy->as.boolean = doc->as.boolean;
    if (doc->kind == EH_DOC_INTEGER) copy->as.integer = doc->as.integer;
    if (doc->kind == EH_DOC_DOUBLE) copy->as.real = doc->as.real;
    return copy;
}

static bool children_equal(const eh_doc *a, const eh_doc *b)
{
    if (a->as.children.count != b->as.children.count) return false;
    const eh_doc *y = b->as.children.first;
    for (const eh_doc *x = a->as.children.first; x != NULL; x = x->next) {
        const eh_doc *other = a->kind == EH_DOC_MAP ? find(b, x->key) : y;
        if (other == NULL || !eh_doc_equal(x, other)) return false;
        y = y->next;
    }
    return true;
}

bool eh_doc_equal(const eh_doc *a, const eh_doc *b)
{
    if (a == NULL || b == NULL) return a == b;
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case EH_DOC_NULL:
        return true;
    case EH_DOC_BOOLEAN:
        return a->as.boolean == b->as.boolean;
    case EH_DOC_INTEGER:
        return a->as.integer == b->as.integer;
    case EH_DOC_DOUBLE:
        return a->as.real == b->as.real;
    case EH_DOC_STRING:
        return eh_slice_equal(a->as.string, b->as.string);
    case EH_DOC_LIST:
    case EH_DOC_MAP:
        return children_equal(a, b);
    }
    return false;
}

void eh_double_text(double value, char text[EH_DOUBLE_TEXT])
{
    int digits = 15;
    do (void)snprintf(text, EH_DOUBLE_TEXT - 2, "%.*g", digits, value);
    while (strtod(text, NULL) != value && ++digits <= 17);
    if (strpbrk(text, ".e") == NULL) memcpy(text + strlen(text), ".0", 3);
}

/* exact: what JSON cannot say is said all the same, so that whoever reads it refuses it and
 * nothing becomes something else. */
static bool double_to_json(double value, bool exact, eh_buf *out, eh_err *err)
{
    char text[EH_DOUBLE_TEXT];
    if (!isfinite(value) && !exact) return eh_buf_append_str(out, "null", err);
    if (!isfinite(value))
        return eh_buf_append_str(out, isnan(value) ? "NaN" : value > 0 ? "inf" : "-inf", err);
    eh_double_text(value, text);
    size_t len = strlen(text);
    if (!exact && len > 2 && strcmp(text + len - 2, ".0") == 0) text[len - 2] = '\0';
    return eh_buf_append_str(out, text, err);
}

static bool text_to_json(eh_slice text, bool exact, eh_buf *out, eh_err *err)
{
    return exact ? eh_buf_append_quoted(out, text, err) : eh_buf_append_json(out, text, err);
}

static bool write_json(const eh_doc *doc, bool exact, eh_buf *out, eh_err *err)
{
    if (doc == NULL) return eh_buf_append_str(out, "null", err);
    switch (doc->kind) {
    case EH_DOC_NULL:
        return eh_buf_append_str(out, "null", err);
    case EH_DOC_BOOLEAN:
        return eh_buf_append_str(out, doc->as.boolean ? "true" : "false", err);
    case EH_DOC_INTEGER:
        return eh_buf_printf(out, err, "%" PRId64, doc->as.integer);
    case EH_DOC_DOUBLE:
        return double_to_json(doc->as.real, exact, out, err);
    case EH_DOC_STRING:
        return text_to_json(doc->as.string, exact, out, err);
    case EH_DOC_LIST:
    case EH_DOC_MAP:
        break;
    }
    bool is_map = doc->kind == EH_DOC_MAP;
    if (!eh_buf_append_byte(out, is_map ? '{' : '[', err)) return false;
    for (const eh_doc *c = doc->as.children.first; c != NULL; c = c->next) {
        if (c != doc->as.children.first && !eh_buf_append_byte(out, ',', err)) return false;
        if (is_map &&
            (!text_to_json(c->key, exact, out, err) || !eh_buf_append_byte(out, ':', err)))
            return false;
        if (!write_json(c, exact, out, err)) return false;
    }
    return eh_buf_append_byte(out, is_map ? '}' : ']', err);
}

bool eh_doc_to_json(const eh_doc *doc, eh_buf *out, eh_err *err)
{
    return write_json(doc, false, out, err);
}

bool eh_doc_to_rows(const eh_doc *rows, eh_buf *out, eh_err *err)
{
    for (const eh_doc *c = eh_doc_first(rows); c != NULL; c = c->next)
        if (!write_json(c, true, out, err) || !eh_buf_append_byte(out, '\n', err)) return false;
    return true;
}
