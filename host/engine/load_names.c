/* engine/load_names.c: see load_names.h. */
#include "engine/load_names.h"

#include "engine/objects.h"
#include "engine/web.h"

#include <fnmatch.h>

#define NAMES_MAX ((size_t)64 * 1024 * 1024)
#define AT_ONCE   4

/* The bucket of "s3://bucket/key"; *key is what follows its slash. */
static bool find_place(eh_run *run, const eh_doc *options, const char *name, eh_arena *arena,
                       eh_object_place *place, const char **key, eh_err *err)
{
    size_t bucket = strcspn(name + 5, "/");
    const char *location = eh_arena_printf(arena, "s3://%.*s", (int)bucket, name + 5);
    if (location == NULL) return eh_fail_memory(err, "a name");
    *key = name[5 + bucket] == '/' ? name + 5 + bucket + 1 : "";
    if (run->objects == NULL) run->objects = eh_objects_new(run, err);
    return run->objects != NULL &&
           eh_objects_resolve(run->objects, "load", eh_doc_get(options, "s3"), NULL, location,
                              arena, place, err);
}

/* ---- patterns --------------------------------------------------------------------------- */

static bool is_pattern(const char *key)
{
    size_t len = strlen(key);
    return len == 0 || key[len - 1] == '/' || strpbrk(key, "*?[") != NULL;
}

static bool fits(const char *pattern, const char *key)
{
    size_t len = strlen(pattern);
    bool is_folder = len == 0 || pattern[len - 1] == '/';
    return is_folder ? strncmp(key, pattern, len) == 0
                     : fnmatch(pattern, key, FNM_PATHNAME) == 0;
}

static bool push(eh_run *run, eh_doc *list, const char *name, eh_err *err)
{
    return eh_doc_push(list, eh_doc_string(run->arena, eh_slice_str(name)), err);
}

static bool expand(eh_run *run, const eh_object_place *place, const char *pattern,
                   eh_arena *arena, eh_doc *list, eh_err *err)
{
    size_t literal = strcspn(pattern, "*?["), found = 0;
    const char *prefix = eh_arena_strndup(arena, pattern, literal), *after = NULL;
    if (prefix == NULL) return eh_fail_memory(err, "a name");
    for (bool more = true; more;) {
        eh_object_page page;
        if (!eh_objects_list(run->objects, place, prefix, after, arena, &page, err))
            return false;
        for (size_t i = 0; i < page.count; i++) {
            const char *name = page.entries[i].name;
            if (!fits(pattern, name)) continue;
            const char *full = eh_arena_printf(arena, "s3://%s/%s", place->bucket, name);
            if (full == NULL) return eh_fail_memory(err, "a name");
            if (!push(run, list, full, err)) return false;
            found++;
        }
        more = page.more;
        after = page.last != NULL ? eh_arena_strdup(arena, page.last) : NULL;
        if (more && after == NULL) return eh_fail_memory(err, "a name");
    }
    return found > 0 || eh_fail(err, EH_CLASS_NOT_FOUND, "no object of the bucket %s fits %s",
                                place->bucket, pattern);
}

bool eh_load_names(eh_run *run, const eh_doc *options, const eh_doc *names, const eh_doc **out,
                   eh_err *err)
{
    eh_doc *list = eh_doc_list(run->arena);
    eh_arena *arena = eh_arena_new(NAMES_MAX);
    bool ok = list != NULL && arena != NULL ? true : eh_fail_memory(err, "names");
    for (const eh_doc *n = eh_doc_first(names); ok && n != NULL; n = n->next) {
        eh_object_place place;
        const char *key = NULL;
        const char *name = n->kind == EH_DOC_STRING ? n->as.string.data : "";
        if (!eh_objects_is_location(name))
            ok = push(run, list, name, err);
        else if (!find_place(run, options, name, arena, &place, &key, err))
            ok = false;
        else
            ok = is_pattern(key) ? expand(run, &place, key, arena, list, err)
                                 : push(run, list, name, err);
    }
    eh_arena_free(arena);
    *out = list;
    return ok;
}

/* ---- loading ---------------------------------------------------------------------------- */

/* The objects behind it that lie in the same bucket, as names in it. */
static eh_doc *list_ahead(const char *const *names, size_t count, size_t at, const char *bucket,
                          eh_arena *arena)
{
    eh_doc *list = eh_doc_list(arena);
    const char *start = eh_arena_printf(arena, "s3://%s/", bucket);
    size_t len = start != NULL ? strlen(start) : 0;
    for (size_t i = at + 1; len > 0 && i < count && i < at + AT_ONCE; i++)
        if (strncmp(names[i], start, len) == 0 &&
            !eh_doc_push(list, eh_doc_string(arena, eh_slice_str(names[i] + len)), NULL))
            break;
    return list;
}

static bool load_object(eh_stream *s, const eh_doc *options, const char *const *names,
                        size_t count, size_t at, eh_arena *arena, eh_file_outcome *outcome,
                        eh_err *err)
{
    eh_object_place place;
    const char *key;
    if (!find_place(s->run, options, names[at], arena, &place, &key, err)) return false;
    eh_remote *remote = eh_objects_take(s->run->objects, &place, s, key, names[at], err);
    if (remote == NULL) return false;
    if (s->preview == NULL)
        eh_objects_ahead(s->run->objects, &place, s,
                         list_ahead(names, count, at, place.bucket, arena));
    return eh_stream_load_remote(s, remote, outcome, err);
}

bool eh_load_named(eh_stream *s, const eh_doc *options, const char *const *names, size_t count,
                   size_t at, eh_file_outcome *outcome, eh_err *err)
{
    if (eh_web_is_url(names[at])) {
        eh_remote *remote = eh_web_remote(s->run, options, names[at], err);
        return remote != NULL && eh_stream_load_remote(s, remote, outcome, err);
    }
    if (!eh_objects_is_location(names[at]))
        return eh_stream_load(s, NULL, names[at], outcome, err);
    eh_arena *arena = eh_arena_new((size_t)1024 * 1024);
    if (arena == NULL) return eh_fail_memory(err, "a name");
    bool ok = load_object(s, options, names, count, at, arena, outcome, err);
    eh_arena_free(arena);
    return ok;
}
