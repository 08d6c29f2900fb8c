/* Fuzz target: eh_yaml_parse over any bytes. What is accepted keeps its promises (depth, number
 * of nodes, UTF-8, places), and written out again in quotes it is read as the same document. */
#include "data/json.h"
#include "data/yaml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NODES_MAX = 10000, DEPTH_MAX = 64, TEXT_MAX = 1024 * 1024 };

static void demand(bool truth)
{
    if (!truth) abort();
}

static void check(const eh_doc *doc, size_t depth, size_t *nodes)
{
    demand(++*nodes <= NODES_MAX && depth <= DEPTH_MAX);
    demand(doc->kind == EH_DOC_NULL || doc->kind == EH_DOC_STRING || doc->kind == EH_DOC_LIST ||
           doc->kind == EH_DOC_MAP);
    if (doc->kind == EH_DOC_STRING) {
        demand(eh_utf8_valid(doc->as.string.data, doc->as.string.len));
        demand(doc->as.string.data[doc->as.string.len] == '\0');
    }
    for (const eh_doc *c = eh_doc_first(doc); c != NULL; c = c->next) {
        if (doc->kind == EH_DOC_MAP) {
            demand(c->key.data[c->key.len] == '\0' && c->key_line > 0 && c->key_column > 0);
            demand(eh_doc_get(doc, c->key.data) != NULL || memchr(c->key.data, 0, c->key.len));
        }
        check(c, depth + 1, nodes);
    }
}

/* In quotes, with everything but plain ASCII as an escape of eight digits. */
static void write_text(eh_buf *out, eh_slice text)
{
    demand(eh_buf_append_byte(out, '"', NULL));
    for (size_t i = 0; i < text.len;) {
        const unsigned char *p = (const unsigned char *)text.data + i;
        size_t len = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
        uint32_t code = len == 1 ? p[0] : p[0] & (0xffU >> (len + 1));
        for (size_t k = 1; k < len; k++) code = code << 6 | (p[k] & 0x3f);
        bool plain = code > ' ' && code < 0x7f && code != '"' && code != '\\';
        demand(plain ? eh_buf_append_byte(out, (char)code, NULL)
                     : eh_buf_printf(out, NULL, "\\U%08x", (unsigned)code));
        i += len;
    }
    demand(eh_buf_append_byte(out, '"', NULL));
}

static void write_doc(eh_buf *out, const eh_doc *doc)
{
    if (doc->kind == EH_DOC_NULL) demand(eh_buf_append_str(out, "null", NULL));
    if (doc->kind == EH_DOC_STRING) write_text(out, doc->as.string);
    if (doc->kind != EH_DOC_LIST && doc->kind != EH_DOC_MAP) return;
    bool is_map = doc->kind == EH_DOC_MAP;
    demand(eh_buf_append_byte(out, is_map ? '{' : '[', NULL));
    for (const eh_doc *c = eh_doc_first(doc); c != NULL; c = c->next) {
        if (is_map) { /* a long key needs its question mark */
            demand(eh_buf_append_str(out, "? ", NULL));
            write_text(out, c->key);
            demand(eh_buf_append_str(out, " : ", NULL));
        }
        write_doc(out, c);
        demand(eh_buf_append_str(out, ", ", NULL));
    }
    demand(eh_buf_append_byte(out, is_map ? '}' : ']', NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    eh_arena *arena = eh_arena_new((size_t)64 * 1024 * 1024);
    if (arena == NULL) return 0;
    eh_err err = {.class_ = EH_OK};
    char *exact = malloc(size > 0 ? size : 1); /* so that reading past the end is seen */
    demand(exact != NULL);
    if (size > 0) memcpy(exact, data, size);
    eh_doc *doc = eh_yaml_parse(arena, eh_slice_of(exact, size), "f.yaml", &err);
    free(exact);
    demand((doc == NULL) == (err.class_ != EH_OK));
    if (doc == NULL) demand(err.message[0] != '\0' && err.class_ != EH_CLASS_BUG);
    if (doc != NULL) {
        size_t nodes = 0;
        check(doc, 0, &nodes);
        eh_buf out;
        eh_buf_init(&out, (size_t)32 * TEXT_MAX);
        write_doc(&out, doc);
        if (out.len <= TEXT_MAX && size > 0) {
            eh_doc *again = eh_yaml_parse(arena, eh_buf_slice(&out), "g.yaml", &err);
            demand(again != NULL && eh_doc_equal(doc, again));
        }
        eh_buf_free(&out);
    }
    eh_arena_free(arena);
    return 0;
}
