/* data/yaml.c: see yaml.h. libyaml's events become a document; what a configuration has no use
 * for is refused by name, with a way out where there is one. */
#include "data/yaml.h"

#include <yaml.h>

enum { MAX_BYTES = 1024 * 1024, MAX_NODES = 10000, MAX_DEPTH = 64 };

typedef struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the one being looked at */
    bool has_event;
    eh_arena *arena;
    eh_slice text;
    const char *name;
    size_t nodes;
    eh_err *err;
} reader;

static eh_doc *read_node(reader *y, unsigned depth);

/* ---- errors ---- */

static bool place(reader *y, yaml_mark_t mark)
{
    (void)eh_err_place(y->err, "%s:%zu:%zu", y->name, mark.line + 1, mark.column + 1);
    return false;
}

static bool no_memory(reader *y)
{
    (void)eh_fail_memory(y->err, "a YAML document");
    return false;
}

/* Refuses what begins at the event. */
static bool refuse(reader *y, const char *what, const char *hint)
{
    (void)eh_fail(y->err, EH_CLASS_CONFIG, "%s", what);
    (void)eh_err_hint(y->err, "%s", hint);
    return place(y, y->event.start_mark);
}

/* The byte at a mark, which counts characters; NUL past the end. */
static char byte_at(const reader *y, yaml_mark_t mark)
{
    size_t at = 0;
    for (size_t left = mark.index; at < y->text.len && left > 0; left--) {
        at++;
        while (at < y->text.len && ((unsigned char)y->text.data[at] & 0xc0) == 0x80) at++;
    }
    if (at == y->text.len) return '\0';
    return y->text.data[at];
}

/* What libyaml says, and what it means to somebody who wrote a file. */
static const struct {
    const char *problem;
    const char *hint;
} hints[] = {
    {"mapping values are not allowed",
     "A value with \": \" in it needs quotes; otherwise look at the indentation of this line."},
    {"did not find expected key",
     "Look at the indentation: keys of one map begin in the same column."},
    {"did not find expected '-'",
     "Look at the indentation: items of one list begin in the same column."},
    {"could not find expected ':'",
     "A key needs \": \" after it; a text of several lines needs quotes or \"|\"."},
    {"block sequence entries are not allowed", "A list begins on its own line, below its key."},
    {"did not find expected ',' or",
     "Inside [ ] and { } items are separated by commas; a text with such signs needs quotes."},
    {"did not find expected <document start>",
     "A file is one map: look at the indentation, and at what comes before this line."},
    {"found unknown escape", "In double quotes a backslash begins an escape: double it, or use "
                             "single quotes."},
};

/* The error of a character that no token may begin with. */
static bool fail_character(reader *y, yaml_mark_t mark)
{
    char c = byte_at(y, mark);
    if (c == '\t') {
        (void)eh_fail(y->err, EH_CLASS_CONFIG, "a tab is used for indentation");
        (void)eh_err_hint(y->err, "YAML is indented with spaces.");
    } else {
        (void)eh_fail(y->err, EH_CLASS_CONFIG, "a value may not begin with '%c'", c);
        (void)eh_err_hint(y->err, "Put the value in quotes.");
    }
    return place(y, mark);
}

/* A quote that is never closed is reported where it was opened. */
static bool fail_quote(reader *y)
{
    (void)eh_fail(y->err, EH_CLASS_CONFIG, "a quote is not closed");
    return place(y, y->parser.context_mark);
}

static bool fail_bytes(reader *y)
{
    (void)eh_fail(y->err, EH_CLASS_CONFIG, "%s (byte %zu)", y->parser.problem,
                  y->parser.problem_offset);
    (void)eh_err_hint(y->err, "The file must be UTF-8 text.");
    return place(y, y->parser.mark);
}

static bool fail_parser(reader *y)
{
    const yaml_parser_t *p = &y->parser;
    if (p->error == YAML_MEMORY_ERROR || p->problem == NULL) return no_memory(y);
    if (p->error == YAML_READER_ERROR) return fail_bytes(y);
    if (strstr(p->problem, "cannot start any token") != NULL)
        return fail_character(y, p->problem_mark);
    if (p->context != NULL && strstr(p->context, "quoted scalar") != NULL &&
        strstr(p->problem, "unexpected end of stream") != NULL)
        return fail_quote(y);
    if (p->context != NULL && p->context_mark.line != p->problem_mark.line)
        (void)eh_fail(y->err, EH_CLASS_CONFIG, "%s, %s that began on line %zu", p->problem,
                      p->context, p->context_mark.line + 1);
    else
        (void)eh_fail(y->err, EH_CLASS_CONFIG, "%s", p->problem);
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
        if (strncmp(p->problem, hints[i].problem, strlen(hints[i].problem)) == 0)
            (void)eh_err_hint(y->err, "%s", hints[i].hint);
    return place(y, p->problem_mark);
}

/* ---- events ---- */

static bool next_event(reader *y)
{
    if (y->has_event) yaml_event_delete(&y->event);
    y->has_event = yaml_parser_parse(&y->parser, &y->event) != 0;
    return y->has_event || fail_parser(y);
}

static bool refuse_anchor(reader *y)
{
    return refuse(
        y, "anchors and aliases (&name, *name) are not read",
        "Each value is written where it is used, so that a file can be read from top to "
        "bottom; what clients share stands in a template (extends:).");
}

static bool refuse_tag(reader *y)
{
    return refuse(
        y, "tags (!name) are not read",
        "Whoever reads a setting knows its type. A text that begins with ! needs quotes.");
}

/* A place in the file, cut to what a document can hold. */
static uint32_t position(size_t count)
{
    return count < UINT32_MAX ? (uint32_t)count + 1 : UINT32_MAX;
}

/* Counts the node, gives it its place, and makes sure that it has nothing but a value. */
static eh_doc *begin(reader *y, eh_doc *doc, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    bool good = true;
    if (doc == NULL) good = no_memory(y);
    if (good && anchor != NULL) good = refuse_anchor(y);
    if (good && tag != NULL) good = refuse_tag(y);
    if (good && ++y->nodes > MAX_NODES)
        good = refuse(y, "the file has more than 10000 values", "Split it.");
    if (!good) return NULL;
    doc->line = position(y->event.start_mark.line);
    doc->column = position(y->event.start_mark.column);
    return doc;
}

static bool check_scalar(reader *y)
{
    const char *value = (const char *)y->event.data.scalar.value;
    if (memchr(value, '\0', y->event.data.scalar.length) == NULL) return true;
    return refuse(y, "a text has a NUL in it", "No setting needs one.");
}

static bool is_null(const yaml_event_t *event)
{
    eh_slice value =
        eh_slice_of((const char *)event->data.scalar.value, event->data.scalar.length);
    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (value.len == 0 || eh_slice_is(value, "~") || eh_slice_is(value, "null"));
}

static eh_doc *read_scalar(reader *y)
{
    const yaml_event_t *e = &y->event;
    if (!check_scalar(y)) return NULL;
    eh_slice value = eh_slice_of((const char *)e->data.scalar.value, e->data.scalar.length);
    eh_doc *doc = is_null(e) ? eh_doc_null(y->arena) : eh_doc_string(y->arena, value);
    return begin(y, doc, e->data.scalar.anchor, e->data.scalar.tag);
}

static eh_doc *read_list(reader *y, unsigned depth)
{
    eh_doc *list = begin(y, eh_doc_list(y->arena), y->event.data.sequence_start.anchor,
                         y->event.data.sequence_start.tag);
    if (list == NULL) return NULL;
    for (;;) {
        if (!next_event(y)) return NULL;
        if (y->event.type == YAML_SEQUENCE_END_EVENT) return list;
        eh_doc *item = read_node(y, depth + 1);
        if (item == NULL || !eh_doc_push(list, item, y->err)) return NULL;
    }
}

typedef struct map_key {
    eh_slice text; /* in the arena */
    yaml_mark_t mark;
} map_key;

static bool refuse_twice(reader *y, const map_key *key, const eh_doc *first)
{
    (void)eh_fail(y->err, EH_CLASS_CONFIG,
                  "the key \"%.*s\" is there twice, on lines %u and %zu",
                  EH_SLICE_FMT(key->text), first->key_line, key->mark.line + 1);
    (void)eh_err_hint(y->err, "Keep one of them.");
    return place(y, key->mark);
}

/* Reads the key that the event is, and sees that the map does not have it. */
static bool read_key(reader *y, const eh_doc *map, map_key *key)
{
    const yaml_event_t *e = &y->event;
    if (e->type == YAML_ALIAS_EVENT) return refuse_anchor(y);
    if (e->type != YAML_SCALAR_EVENT)
        return refuse(y, "a key must be a plain text",
                      "A text that begins with { or [ needs quotes.");
    if (e->data.scalar.anchor != NULL) return refuse_anchor(y);
    if (e->data.scalar.tag != NULL) return refuse_tag(y);
    if (!check_scalar(y)) return false;
    if (e->data.scalar.length == 0) return refuse(y, "a key is empty", "Give it a name.");
    eh_slice text = eh_slice_of((const char *)e->data.scalar.value, e->data.scalar.length);
    if (eh_slice_is(text, "<<"))
        return refuse(y, "merge keys (<<) are not read",
                      "What clients share stands in a template (extends:).");
    char *copy = eh_arena_strndup(y->arena, text.data, text.len);
    if (copy == NULL) return no_memory(y);
    *key = (map_key){eh_slice_of(copy, text.len), e->start_mark};
    for (const eh_doc *c = eh_doc_first(map); c != NULL; c = c->next)
        if (eh_slice_equal(c->key, key->text)) return refuse_twice(y, key, c);
    return true;
}

static eh_doc *read_map(reader *y, unsigned depth)
{
    eh_doc *map = begin(y, eh_doc_map(y->arena), y->event.data.mapping_start.anchor,
                        y->event.data.mapping_start.tag);
    if (map == NULL) return NULL;
    for (;;) {
        map_key key;
        if (!next_event(y)) return NULL;
        if (y->event.type == YAML_MAPPING_END_EVENT) return map;
        if (!read_key(y, map, &key) || !next_event(y)) return NULL;
        eh_doc *value = read_node(y, depth + 1);
        if (value == NULL || !eh_doc_put(y->arena, map, key.text, value, y->err)) return NULL;
        value->key_line = position(key.mark.line);
        value->key_column = position(key.mark.column);
    }
}

/* Reads the node that begins with the event, up to its last event. */
static eh_doc *read_node(reader *y, unsigned depth)
{
    if (depth > MAX_DEPTH) {
        (void)refuse(y, "values are nested deeper than 64", "No setting is so deep.");
        return NULL;
    }
    switch (y->event.type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(y);
    case YAML_SEQUENCE_START_EVENT:
        return read_list(y, depth);
    case YAML_MAPPING_START_EVENT:
        return read_map(y, depth);
    case YAML_ALIAS_EVENT:
        (void)refuse_anchor(y);
        return NULL;
    default:
        (void)eh_fail(y->err, EH_CLASS_BUG, "libyaml gave event %d where a value begins",
                      (int)y->event.type);
        return NULL;
    }
}

/* ---- the file ---- */

static eh_doc *read_document(reader *y)
{
    if (!next_event(y)) return NULL; /* the stream's start */
    if (!next_event(y)) return NULL;
    if (y->event.type == YAML_STREAM_END_EVENT) {
        eh_doc *empty = eh_doc_map(y->arena);
        if (empty == NULL) (void)no_memory(y);
        return empty;
    }
    if (!next_event(y)) return NULL;
    bool empty = y->event.type == YAML_SCALAR_EVENT && y->event.data.scalar.length == 0 &&
                 is_null(&y->event);
    eh_doc *doc = empty ? eh_doc_map(y->arena) : read_node(y, 1);
    if (doc == NULL && empty) (void)no_memory(y);
    if (doc == NULL) return NULL;
    if (!next_event(y) || !next_event(y)) return NULL; /* the document's end, what follows */
    if (y->event.type != YAML_STREAM_END_EVENT) {
        (void)refuse(y, "a second document (---) begins here", "One file holds one document.");
        return NULL;
    }
    return doc;
}

eh_doc *eh_yaml_parse(eh_arena *arena, eh_slice text, const char *name, eh_err *err)
{
    static const char mark[] = "\xef\xbb\xbf";
    if (text.len > MAX_BYTES) {
        (void)eh_fail(err, EH_CLASS_CONFIG, "the file is longer than 1 MiB");
        (void)eh_err_place(err, "%s:1:1", name);
        return NULL;
    }
    if (text.len >= 3 && memcmp(text.data, mark, 3) == 0)
        text = eh_slice_of(text.data + 3, text.len - 3);
    reader y = {.arena = arena, .text = text, .name = name, .err = err};
    if (yaml_parser_initialize(&y.parser) == 0) {
        (void)no_memory(&y);
        return NULL;
    }
    yaml_parser_set_encoding(&y.parser, YAML_UTF8_ENCODING);
    const unsigned char *bytes = (const unsigned char *)(text.len > 0 ? text.data : "");
    yaml_parser_set_input_string(&y.parser, bytes, text.len);
    eh_doc *doc = read_document(&y);
    if (y.has_event) yaml_event_delete(&y.event);
    yaml_parser_delete(&y.parser);
    return doc;
}
