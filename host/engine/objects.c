/* engine/objects.c: see objects.h. */
#include "engine/objects.h"

#include "base/fault.h"
#include "engine/stream_private.h"

#include <stdio.h>
#include <stdlib.h>

#define PAGE_MAX ((size_t)64 * 1024 * 1024)
/* Pages that are remembered: a script may hold names of one page while it lists the next. */
#define PAGES     4
#define AHEAD_MAX 32

typedef struct bucket {
    struct bucket *next;
    const char *instance;
    const char *name;
    eh_s3 *s3;
} bucket;

/* What a listing gave last, and how it goes on. */
typedef struct page {
    eh_arena *arena;
    const eh_s3 *s3;
    const char *prefix; /* of the keys */
    eh_s3_page content;
    const char *last; /* the last key of it; NULL: it is empty */
    uint64_t used;
} page;

struct eh_objects {
    eh_run *run;
    bucket *buckets;
    page pages[PAGES];
    uint64_t uses;
    struct {
        const eh_s3 *s3;
        const eh_stream *stream;
        eh_remote *remote;
    } ahead[AHEAD_MAX];
};

eh_objects *eh_objects_new(eh_run *run, eh_err *err)
{
    eh_objects *o = calloc(1, sizeof *o);
    if (o == NULL)
        eh_fail_memory(err, "buckets");
    else
        o->run = run;
    return o;
}

void eh_objects_free(eh_objects *o)
{
    if (o == NULL) return;
    for (size_t i = 0; i < AHEAD_MAX; i++) eh_remote_free(o->ahead[i].remote);
    for (size_t i = 0; i < PAGES; i++) eh_arena_free(o->pages[i].arena);
    while (o->buckets != NULL) {
        bucket *gone = o->buckets;
        o->buckets = gone->next;
        eh_s3_free(gone->s3);
        free(gone);
    }
    free(o);
}

/* ---- places ----------------------------------------------------------------------------- */

bool eh_objects_is_location(const char *location)
{
    return strncmp(location, "s3://", 5) == 0;
}

/* A root without a slash at its end names a folder all the same: "s3://b/a" is not "s3://b/ab".
 */
static bool is_beneath(const char *location, const char *root)
{
    size_t len = strlen(root);
    while (len > 5 && root[len - 1] == '/') len--;
    return strncmp(location, root, len) == 0 && (location[len] == '\0' || location[len] == '/');
}

static bool may_reach(const eh_doc *roots, const char *location, const char *instance,
                      eh_err *err)
{
    for (const eh_doc *r = eh_doc_first(roots); r != NULL; r = r->next)
        if (r->kind == EH_DOC_STRING && is_beneath(location, r->as.string.data)) return true;
    eh_fail(err, EH_CLASS_DENIED, "%s is not among the buckets of source %s", location,
            instance);
    return eh_err_hint(
        err, "a script reaches only the buckets that the client's configuration names");
}

static eh_s3 *open_bucket(eh_objects *o, const char *instance, const eh_doc *settings,
                          const char *name, eh_err *err)
{
    for (bucket *b = o->buckets; b != NULL; b = b->next)
        if (strcmp(b->instance, instance) == 0 && strcmp(b->name, name) == 0) return b->s3;
    bucket *b = calloc(1, sizeof *b);
    if (b == NULL) {
        eh_fail_memory(err, "a bucket");
        return NULL;
    }
    b->instance = eh_arena_strdup(o->run->arena, instance);
    b->name = eh_arena_strdup(o->run->arena, name);
    if (b->instance == NULL || b->name == NULL)
        eh_fail_memory(err, "a bucket");
    else
        b->s3 = eh_s3_open(o->run, b->instance, settings, name, err);
    if (b->s3 == NULL) {
        free(b);
        return NULL;
    }
    b->next = o->buckets;
    o->buckets = b;
    return b->s3;
}

bool eh_objects_resolve(eh_objects *o, const char *instance, const eh_doc *settings,
                        const eh_doc *roots, const char *location, eh_arena *arena,
                        eh_object_place *place, eh_err *err)
{
    const char *name = location + 5;
    size_t len = strcspn(name, "/");
    const char *folder = name[len] == '/' ? name + len + 1 : "";
    size_t folder_len = strlen(folder);
    bool slash = folder_len > 0 && folder[folder_len - 1] != '/';
    if (roots != NULL && !may_reach(roots, location, instance, err)) return false;
    place->bucket = eh_arena_strndup(arena, name, len);
    place->folder = eh_arena_printf(arena, "%s%s", folder, slash ? "/" : "");
    if (place->bucket == NULL || place->folder == NULL) return eh_fail_memory(err, "a place");
    place->s3 = open_bucket(o, instance, settings, place->bucket, err);
    return place->s3 != NULL;
}

/* ---- listing ---------------------------------------------------------------------------- */

/* The page behind which `after` goes on, or one to forget. */
static page *find_page(eh_objects *o, const eh_s3 *s3, const char *prefix, const char *after,
                       bool *goes_on)
{
    page *oldest = &o->pages[0];
    *goes_on = true;
    for (size_t i = 0; i < PAGES; i++) {
        page *p = &o->pages[i];
        if (after != NULL && p->s3 == s3 && p->last != NULL && strcmp(p->prefix, prefix) == 0 &&
            strcmp(p->last, after) == 0 && p->content.more)
            return p;
        if (p->used < oldest->used) oldest = p;
    }
    *goes_on = false;
    return oldest;
}

static bool fetch_page(eh_objects *o, eh_s3 *s3, const char *prefix, const char *after,
                       page **out, eh_err *err)
{
    bool goes_on;
    page *before = find_page(o, s3, prefix, after, &goes_on);
    page made = {.arena = eh_arena_new(PAGE_MAX), .s3 = s3, .used = ++o->uses};
    const char *token = goes_on ? before->content.token : NULL;
    bool ok = made.arena != NULL || eh_fail_memory(err, "a listing");
    /* An empty page that is not the last one has no key to go on from. */
    for (bool first = true; ok && (first || (made.content.count == 0 && made.content.more));
         first = false) {
        const char *last_token = token;
        ok = eh_s3_keys(s3, prefix, after, token, made.arena, &made.content, err);
        token = made.content.token;
        if (ok && token != NULL && last_token != NULL && strcmp(token, last_token) == 0)
            ok = eh_fail(err, EH_CLASS_REMOTE,
                         "the listing of the store does not go on: the same continuation token "
                         "came twice");
    }
    made.prefix = ok ? eh_arena_strdup(made.arena, prefix) : NULL;
    if (made.prefix == NULL) {
        eh_arena_free(made.arena);
        return ok ? eh_fail_memory(err, "a listing") : false;
    }
    if (made.content.count > 0)
        made.last = made.content.objects[made.content.count - 1].key.data;
    bool last_again = made.last != NULL && after != NULL && strcmp(made.last, after) == 0;
    page *slot = find_page(o, NULL, "", NULL, &goes_on);
    eh_arena_free(slot->arena);
    *slot = made;
    *out = slot;
    return !last_again || eh_fail(err, EH_CLASS_REMOTE,
                                  "the listing of the store does not go on: a page was served "
                                  "twice");
}

static void warn_key(const eh_objects *o, const eh_s3_object *object)
{
    char text[400];
    (void)snprintf(text, sizeof text, "the object \"%.200s\" is left out: its key has a NUL",
                   object->key.data);
    eh_event_log(&o->run->events, "warning", text, NULL, NULL);
}

/* The names of a page, without folder markers, relative to the folder. */
static size_t name_objects(const eh_objects *o, const page *p, size_t folder,
                           eh_file_entry *entries)
{
    size_t count = 0;
    for (size_t i = 0; i < p->content.count; i++) {
        const eh_s3_object *object = &p->content.objects[i];
        bool marker = object->size == 0 && object->key.len > 0 &&
                      object->key.data[object->key.len - 1] == '/';
        bool whole = strlen(object->key.data) == object->key.len;
        if (!whole) warn_key(o, object);
        if (marker || !whole || object->key.len <= folder) continue;
        entries[count++] = (eh_file_entry){.name = object->key.data + folder,
                                           .size = object->size,
                                           .modified_us = object->modified_us};
    }
    return count;
}

bool eh_objects_list(eh_objects *o, const eh_object_place *place, const char *prefix,
                     const char *after, eh_arena *arena, eh_object_page *out, eh_err *err)
{
    size_t folder = strlen(place->folder);
    const char *keys = eh_arena_printf(arena, "%s%s", place->folder, prefix);
    const char *behind =
        after != NULL ? eh_arena_printf(arena, "%s%s", place->folder, after) : NULL;
    page *p = NULL;
    if (keys == NULL || (after != NULL && behind == NULL))
        return eh_fail_memory(err, "a listing");
    if (!fetch_page(o, place->s3, keys, behind, &p, err)) return false;
    EH_FAULT("object.listed");
    eh_file_entry *entries = eh_arena_zalloc(arena, p->content.count, sizeof *entries);
    if (entries == NULL) return eh_fail_memory(err, "a listing");
    *out = (eh_object_page){.entries = entries,
                            .count = name_objects(o, p, folder, entries),
                            .more = p->content.more};
    if (p->last != NULL && strlen(p->last) > folder) out->last = p->last + folder;
    return true;
}

/* ---- objects ---------------------------------------------------------------------------- */

/* NULL: no listing that is remembered has it. */
static const eh_s3_object *find_listed(const eh_objects *o, const eh_s3 *s3, const char *key)
{
    eh_slice wanted = eh_slice_str(key);
    const eh_s3_object *found = NULL;
    uint64_t used = 0;
    for (size_t i = 0; i < PAGES; i++) {
        const page *p = &o->pages[i];
        if (p->s3 != s3 || p->used < used) continue;
        for (size_t k = 0; k < p->content.count; k++) {
            if (!eh_slice_equal(p->content.objects[k].key, wanted)) continue;
            found = &p->content.objects[k];
            used = p->used;
            break;
        }
    }
    return found;
}

static eh_remote *make_remote(const eh_objects *o, const eh_object_place *place,
                              const char *name, const char *shown, eh_err *err)
{
    char *key = NULL;
    eh_remote *remote = NULL;
    if (asprintf(&key, "%s%s", place->folder, name) < 0) {
        eh_fail_memory(err, "an object");
        return NULL;
    }
    const eh_s3_object *listed = find_listed(o, place->s3, key);
    remote =
        eh_remote_new(eh_s3_site(place->s3), shown != NULL ? shown : name, key,
                      listed != NULL ? listed->etag : NULL, listed != NULL ? listed->size : 0,
                      listed != NULL ? listed->modified_us : 0, err);
    free(key);
    return remote;
}

/* Is slot i of this stream? */
static bool is_of(const eh_objects *o, size_t i, const eh_object_place *place,
                  const eh_stream *stream)
{
    return o->ahead[i].remote != NULL && o->ahead[i].s3 == place->s3 &&
           o->ahead[i].stream == stream;
}

static bool is_named(const eh_objects *o, size_t i, const eh_object_place *place,
                     const eh_stream *stream, const char *name)
{
    size_t folder = strlen(place->folder);
    if (!is_of(o, i, place, stream)) return false;
    const char *key = eh_remote_key(o->ahead[i].remote);
    return strncmp(key, place->folder, folder) == 0 && strcmp(key + folder, name) == 0;
}

eh_remote *eh_objects_take(eh_objects *o, const eh_object_place *place, const eh_stream *stream,
                           const char *name, const char *shown, eh_err *err)
{
    for (size_t i = 0; i < AHEAD_MAX; i++) {
        if (!is_named(o, i, place, stream, name)) continue;
        eh_remote *remote = o->ahead[i].remote;
        o->ahead[i].remote = NULL;
        return remote;
    }
    return make_remote(o, place, name, shown, err);
}

static void begin(eh_objects *o, const eh_object_place *place, eh_stream *stream,
                  const char *name)
{
    size_t free_slot = AHEAD_MAX;
    for (size_t i = 0; i < AHEAD_MAX; i++) {
        if (is_named(o, i, place, stream, name)) return;
        if (o->ahead[i].remote == NULL) free_slot = i;
    }
    if (free_slot == AHEAD_MAX) return;
    eh_err ignored = {.class_ = EH_OK}; /* whoever loads it meets it again */
    eh_remote *remote = make_remote(o, place, name, NULL, &ignored);
    if (remote == NULL) return;
    eh_file file;
    /* Only what is listed is opened without waiting. What of it is loaded is not fetched. */
    if (!eh_remote_is_known(remote) || !eh_remote_open(remote, &file, &ignored) ||
        eh_stream_has(stream, file.identity, name)) {
        eh_remote_free(remote);
        return;
    }
    eh_remote_begin(remote);
    o->ahead[free_slot].s3 = place->s3;
    o->ahead[free_slot].stream = stream;
    o->ahead[free_slot].remote = remote;
}

void eh_objects_ahead(eh_objects *o, const eh_object_place *place, eh_stream *stream,
                      const eh_doc *names)
{
    for (size_t i = 0; i < AHEAD_MAX; i++) {
        bool wanted = false;
        if (!is_of(o, i, place, stream)) continue;
        for (const eh_doc *n = eh_doc_first(names); n != NULL; n = n->next)
            wanted = wanted || (n->kind == EH_DOC_STRING &&
                                is_named(o, i, place, stream, n->as.string.data));
        if (wanted) continue;
        eh_remote_free(o->ahead[i].remote);
        o->ahead[i].remote = NULL;
    }
    for (const eh_doc *n = eh_doc_first(names); n != NULL; n = n->next)
        if (n->kind == EH_DOC_STRING &&
            memchr(n->as.string.data, '\0', n->as.string.len) == NULL)
            begin(o, place, stream, n->as.string.data);
}
