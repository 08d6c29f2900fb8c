/* engine/load_tables.c: see load_tables.h. */
#include "engine/load_tables.h"

#include "base/buf.h"
#include "data/decompress.h"
#include "data/names.h"
#include "engine/web.h"

#include <string.h>
#include <strings.h>

/* A web address may have a query behind its name. */
static eh_slice base_name(const char *path)
{
    size_t len = eh_web_is_url(path) ? strcspn(path, "?#") : strlen(path);
    const char *slash = len > 0 ? memrchr(path, '/', len) : NULL;
    const char *from = slash != NULL ? slash + 1 : path;
    return eh_slice_of(from, len - (size_t)(from - path));
}

static bool cut_ending(eh_slice *name, const char *ending)
{
    size_t len = strlen(ending);
    if (name->len <= len || strncasecmp(name->data + name->len - len, ending, len) != 0)
        return false;
    name->len -= len;
    return true;
}

/* "2026/orders.csv.gz" -> "orders". A dot that is no ending of ours stays: "v1.2.csv" ->
 * "v1.2".
 */
static eh_slice stem(const char *path)
{
    static const char *const kinds[] = {".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson"};
    char copy[1024];
    eh_slice name = base_name(path);
    if (name.len >= sizeof copy) return name;
    memcpy(copy, name.data, name.len);
    copy[name.len] = '\0';
    (void)eh_coding_of_name(copy, &name.len);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (cut_ending(&name, kinds[i])) break;
    return name;
}

/* Empty for a path without one, or one that has no name of its own. */
static eh_slice folder(const char *path)
{
    const char *end = strrchr(path, '/');
    if (end == NULL) return eh_slice_str("");
    while (end > path && end[-1] == '/') end--;
    const char *from = end;
    while (from > path && from[-1] != '/') from--;
    eh_slice name = eh_slice_of(from, (size_t)(end - from));
    bool is_dots = eh_slice_is(name, ".") || eh_slice_is(name, "..");
    return is_dots ? eh_slice_str("") : name;
}

static bool append_word(eh_buf *out, const char *word, size_t len, const char *file,
                        eh_err *err)
{
    bool is_name = len == 4 && memcmp(word, "name", 4) == 0;
    if (!is_name && (len != 6 || memcmp(word, "folder", 6) != 0)) {
        eh_fail(err, EH_CLASS_CONFIG, "the pattern of --into has {%.*s}", (int)len, word);
        return eh_err_hint(err, "it knows {name} and {folder}");
    }
    if (strcmp(file, "-") == 0)
        return eh_fail(err, EH_CLASS_CONFIG,
                       "the standard input has no name: --into takes a table for it");
    eh_slice part = is_name ? stem(file) : folder(file);
    if (part.len > 0) return eh_buf_append(out, part.data, part.len, err);
    eh_fail(err, EH_CLASS_CONFIG, "%s has no %s for the pattern of --into", file,
            is_name ? "name" : "folder");
    return eh_err_hint(err, "name it with its folder, such as shop/orders.csv");
}

static bool expand(eh_buf *out, const char *pattern, const char *file, eh_err *err)
{
    for (const char *p = pattern; *p != '\0';) {
        const char *close = *p == '{' ? strchr(p, '}') : NULL;
        if (close == NULL) {
            if (!eh_buf_append_byte(out, *p++, err)) return false;
            continue;
        }
        if (!append_word(out, p + 1, (size_t)(close - p - 1), file, err)) return false;
        p = close + 1;
    }
    return true;
}

/* A table that was written out is taken as it is. */
static bool table_of(const char *into, const char *file, char out[EH_NAME_MAX + 1], eh_err *err)
{
    eh_buf name;
    eh_buf_init(&name, 8192);
    bool ok = expand(&name, into, file, err);
    if (ok) eh_name_normalise(eh_buf_slice(&name), out);
    eh_buf_free(&name);
    return ok;
}

/* The index of a table; a new one is added. `count` when there is no memory. */
static size_t index_of(eh_arena *arena, eh_load_table *tables, size_t *count, const char *name)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(tables[i].name, name) == 0) return i;
    tables[*count].name = eh_arena_strdup(arena, name);
    return tables[*count].name != NULL ? (*count)++ : *count;
}

/* Which table each file goes to, and how many there are of each. */
static bool assign(eh_arena *arena, const char *into, const eh_doc *files,
                   eh_load_table *tables, size_t *count, size_t *which, eh_err *err)
{
    bool is_pattern = strchr(into, '{') != NULL;
    for (const eh_doc *f = eh_doc_first(files); f != NULL; f = f->next) {
        char name[EH_NAME_MAX + 1];
        if (f->kind != EH_DOC_STRING)
            return eh_fail(err, EH_CLASS_BUG, "a file's name is no text");
        if (is_pattern && !table_of(into, f->as.string.data, name, err)) return false;
        *which = index_of(arena, tables, count, is_pattern ? name : into);
        if (*which == *count) return eh_fail_memory(err, "a table");
        tables[*which++].count++;
    }
    return true;
}

eh_load_table *eh_load_tables(eh_arena *arena, const char *into, const eh_doc *files,
                              size_t *count, eh_err *err)
{
    size_t all = eh_doc_count(files);
    eh_load_table *tables = eh_arena_zalloc(arena, all, sizeof *tables);
    size_t *which = eh_arena_zalloc(arena, all, sizeof *which);
    const char **names = eh_arena_zalloc(arena, all, sizeof *names);
    if (tables == NULL || which == NULL || names == NULL) {
        eh_fail_memory(err, "tables");
        return NULL;
    }
    *count = 0;
    if (!assign(arena, into, files, tables, count, which, err)) return NULL;
    for (size_t i = 0; i < *count; i++) { /* each has its part of `names` */
        tables[i].files = names;
        names += tables[i].count;
        tables[i].count = 0;
    }
    for (const eh_doc *f = eh_doc_first(files); f != NULL; f = f->next) {
        eh_load_table *table = &tables[*which++];
        table->files[table->count++] = f->as.string.data;
    }
    return tables;
}
