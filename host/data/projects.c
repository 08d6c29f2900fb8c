/* data/projects.c: see projects.h. */
#include "data/projects.h"

#include "base/map.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct rule {
    const char *field;   /* NULL: every row */
    const char *pattern; /* NULL: any value, or the lookup decides */
    eh_cell project;     /* of a rule without a lookup */
    bool looks_up;
    eh_map lookup;   /* value -> index of values */
    eh_cell *values; /* owned */
    size_t column;   /* of the field; SIZE_MAX: the rows have none */
} rule;

struct eh_projects {
    rule *rules; /* owned */
    size_t count;
};

static const eh_cell none = {.kind = EH_CELL_NULL};

static eh_cell cell_of(eh_slice text)
{
    return (eh_cell){.kind = EH_CELL_STRING, .len = (uint32_t)text.len, .as.text = text.data};
}

static bool is_for(const eh_doc *given, const char *one, const char *other)
{
    if (given == NULL || given->kind == EH_DOC_NULL) return true;
    if (given->kind != EH_DOC_STRING) return false;
    return eh_slice_is(given->as.string, one) ||
           (other != NULL && eh_slice_is(given->as.string, other));
}

static bool read_lookup(rule *r, const eh_doc *lookup, eh_err *err)
{
    size_t n = 0;
    r->looks_up = true;
    r->values = calloc(eh_doc_count(lookup) + 1, sizeof *r->values);
    if (r->values == NULL) return eh_fail_memory(err, "projects");
    for (const eh_doc *e = eh_doc_first(lookup); e != NULL; e = e->next) {
        if (e->kind != EH_DOC_STRING)
            return eh_fail(err, EH_CLASS_CONFIG, "a project is no text");
        r->values[n] = cell_of(e->as.string);
        if (!eh_map_put(&r->lookup, e->key, n++, err)) return false;
    }
    return true;
}

static bool read_rule(rule *r, const eh_doc *given, eh_err *err)
{
    const eh_doc *project = eh_doc_get(given, "project"), *lookup = eh_doc_get(given, "lookup");
    eh_map_init(&r->lookup);
    r->field = eh_doc_str(given, "field", NULL);
    r->pattern = eh_doc_str(given, "pattern", NULL);
    r->column = SIZE_MAX;
    if (lookup != NULL && lookup->kind == EH_DOC_MAP) return read_lookup(r, lookup, err);
    if (project == NULL || project->kind != EH_DOC_STRING)
        return eh_fail(err, EH_CLASS_CONFIG, "a rule of projects.yaml names no project");
    r->project = cell_of(project->as.string);
    return true;
}

static bool is_for_stream(const eh_doc *given, const char *instance, const char *source,
                          const char *resource)
{
    return is_for(eh_doc_get(given, "source"), instance, source) &&
           is_for(eh_doc_get(given, "resource"), resource, NULL);
}

bool eh_projects_json(const eh_doc *rules, const char *instance, const char *source,
                      const char *resource, eh_buf *out, eh_err *err)
{
    if (!eh_buf_append_byte(out, '[', err)) return false;
    for (const eh_doc *given = eh_doc_first(rules); given != NULL; given = given->next) {
        if (!is_for_stream(given, instance, source, resource)) continue;
        if ((out->len > 1 && !eh_buf_append_byte(out, ',', err)) ||
            !eh_doc_to_json(given, out, err))
            return false;
    }
    return eh_buf_append_byte(out, ']', err) &&
           (eh_buf_cstr(out) != NULL || eh_fail_memory(err, "projects"));
}

bool eh_projects_new(const eh_doc *rules, const char *instance, const char *source,
                     const char *resource, eh_projects **out, eh_err *err)
{
    *out = NULL;
    eh_projects *p = calloc(1, sizeof *p);
    if (p != NULL) p->rules = calloc(eh_doc_count(rules) + 1, sizeof *p->rules);
    bool ok = (p != NULL && p->rules != NULL) || eh_fail_memory(err, "projects");
    const eh_doc *given = ok ? eh_doc_first(rules) : NULL;
    for (; ok && given != NULL; given = given->next) {
        if (!is_for_stream(given, instance, source, resource)) continue;
        ok = read_rule(&p->rules[p->count++], given, err);
    }
    if (ok && p->count > 0) {
        *out = p;
        return true;
    }
    eh_projects_free(p);
    return ok;
}

void eh_projects_free(eh_projects *p)
{
    if (p == NULL) return;
    for (size_t i = 0; i < p->count; i++) {
        eh_map_free(&p->rules[i].lookup);
        free(p->rules[i].values);
    }
    free(p->rules);
    free(p);
}

void eh_projects_bind(eh_projects *p, size_t count, eh_slice (*written)(void *, size_t),
                      const char *(*name)(void *, size_t), void *self)
{
    for (size_t i = 0; i < p->count; i++) {
        rule *r = &p->rules[i];
        r->column = SIZE_MAX;
        for (size_t c = 0; r->field != NULL && c < count && r->column == SIZE_MAX; c++) {
            const char *in_table = name(self, c);
            if (in_table == NULL) continue;
            if (eh_slice_is(written(self, c), r->field) || strcmp(in_table, r->field) == 0)
                r->column = c;
        }
    }
}

static size_t character(eh_slice text, size_t at)
{
    do at++;
    while (at < text.len && ((unsigned char)text.data[at] & 0xc0) == 0x80);
    return at;
}

bool eh_projects_fits(eh_slice text, eh_slice pattern)
{
    size_t t = 0, p = 0, star = SIZE_MAX, again = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            star = p++;
            again = t;
        } else if (p < pattern.len && pattern.data[p] == '?') {
            t = character(text, t);
            p++;
        } else if (p < pattern.len && pattern.data[p] == text.data[t]) {
            t++;
            p++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = again = character(text, again);
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '*') p++;
    return p == pattern.len;
}

/* A value as the table shows it; what has no plain text (a double, a time of ours) fits
 * nothing. */
static bool text_of(const eh_cell *cell, char number[24], eh_slice *text)
{
    if (eh_cell_has_text(cell)) {
        *text = eh_cell_text(cell);
        return true;
    }
    if (cell->kind == EH_CELL_BOOLEAN) {
        *text = eh_slice_str(cell->as.integer ? "true" : "false");
        return true;
    }
    if (cell->kind != EH_CELL_INTEGER) return false;
    (void)snprintf(number, 24, "%" PRId64, cell->as.integer);
    *text = eh_slice_str(number);
    return true;
}

static const eh_cell *apply(const rule *r, const eh_cell *cells)
{
    char number[24];
    eh_slice text;
    uint64_t at;
    if (r->field == NULL) return &r->project;
    if (r->column == SIZE_MAX || !text_of(&cells[r->column], number, &text)) return NULL;
    if (r->pattern != NULL && !eh_projects_fits(text, eh_slice_str(r->pattern))) return NULL;
    if (!r->looks_up) return &r->project;
    return eh_map_get(&r->lookup, text, &at) ? &r->values[at] : NULL;
}

const eh_cell *eh_projects_of(const eh_projects *p, const eh_cell *cells)
{
    for (size_t i = 0; i < p->count; i++) {
        const eh_cell *found = apply(&p->rules[i], cells);
        if (found != NULL) return found;
    }
    return &none;
}
