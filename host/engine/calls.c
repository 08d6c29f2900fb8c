/* engine/calls.c: what a script may ask for: listing and loading files; what it asks of
 * services is in service_calls.c. Every argument is the jail's, so every argument is checked.
 */
#include "engine/derive.h"
#include "engine/objects.h"
#include "engine/service_calls.h"
#include "engine/tokens.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

#define LIST_MAX   1000
#define REPLY_MAX  ((size_t)32 * 1024 * 1024)
#define PATH_LIMIT 4096
/* What a listing may take of a frame, which holds 1 MB. */
#define LIST_BYTES  ((size_t)512 * 1024)
#define ENTRY_BYTES 128

/* ---- arguments
 * ---------------------------------------------------------------------------------- */

bool eh_call_text(const eh_doc *args, const char *key, const char *fallback, const char **out,
                  eh_err *err)
{
    const eh_doc *value = eh_doc_get(args, key);
    *out = fallback;
    if (value == NULL || value->kind == EH_DOC_NULL) return true;
    if (value->kind != EH_DOC_STRING || value->as.string.len > PATH_LIMIT ||
        memchr(value->as.string.data, '\0', value->as.string.len) != NULL)
        return eh_fail(err, EH_CLASS_SCRIPT, "a call's %s is no proper text", key);
    *out = value->as.string.data;
    return true;
}

eh_pipeline_stream *eh_call_stream(eh_pipeline *p, const eh_doc *args, const char *op,
                                   eh_err *err)
{
    const char *instance, *resource;
    if (!eh_call_text(args, "instance", "", &instance, err) ||
        !eh_call_text(args, "resource", "", &resource, err))
        return NULL;
    eh_pipeline_stream *s = eh_pipeline_find(p, instance, resource);
    if (s == NULL || !s->selected || s->ended) {
        eh_fail(err, EH_CLASS_SCRIPT, "%s: there is no such resource at work", op);
        return NULL;
    }
    if (s->failure.class_ == EH_OK) return s;
    *err = s->failure;
    return NULL;
}

/* ---- where a script may reach
 * -------------------------------------------------------------------- */

static bool is_beneath(const char *path, const char *root)
{
    size_t len = strlen(root);
    while (len > 1 && root[len - 1] == '/') len--;
    return strncmp(path, root, len) == 0 && (path[len] == '\0' || path[len] == '/' || len == 1);
}

static const eh_doc *source_of(const eh_run *run, const char *instance)
{
    const eh_doc *sources = eh_doc_get(run->spec, "sources");
    for (const eh_doc *s = eh_doc_first(sources); s != NULL; s = s->next)
        if (strcmp(eh_doc_str(s, "instance", ""), instance) == 0) return s;
    return NULL;
}

/* "file:data/acme", "file:/srv/x" or "file:///srv/x" to an absolute folder that the client's
 * configuration names. Symbolic links are resolved first, so they cannot lead elsewhere. */
static bool resolve(eh_run *run, const char *instance, const char *location, eh_arena *arena,
                    const char **folder, eh_err *err)
{
    if (strncmp(location, "file:", 5) != 0)
        return eh_fail(err, EH_CLASS_CONFIG, "\"%s\" is no file: or s3: URL", location);
    const char *path = location + 5;
    if (strncmp(path, "//", 2) == 0) path += 2;
    if (path[0] == '\0')
        return eh_fail(err, EH_CLASS_CONFIG, "\"%s\" names no folder", location);
    const char *project = eh_doc_str(run->spec, "project", ".");
    const char *full = path[0] == '/' ? path : eh_arena_printf(arena, "%s/%s", project, path);
    if (full == NULL) return eh_fail_memory(err, "a path");
    char *real = realpath(full, NULL);
    if (real == NULL)
        return eh_fail_errno(err, EH_CLASS_CONFIG, errno, "cannot open the folder %s", path);
    *folder = eh_arena_strdup(arena, real);
    free(real);
    if (*folder == NULL) return eh_fail_memory(err, "a path");
    const eh_doc *roots = eh_doc_get(source_of(run, instance), "roots");
    for (const eh_doc *r = eh_doc_first(roots); r != NULL; r = r->next)
        if (r->kind == EH_DOC_STRING && is_beneath(*folder, r->as.string.data)) return true;
    eh_fail(err, EH_CLASS_DENIED, "%s is not among the folders of source %s", path, instance);
    return eh_err_hint(
        err, "a script reaches only the folders that the client's configuration names");
}

/* A place in a bucket; what it takes to reach it is in the source's settings. */
static bool resolve_bucket(eh_run *run, const char *instance, const char *location,
                           eh_arena *arena, eh_object_place *place, eh_err *err)
{
    static const eh_doc none = {.kind = EH_DOC_LIST};
    const eh_doc *source = source_of(run, instance);
    const eh_doc *roots = eh_doc_get(source, "roots");
    if (run->objects == NULL) run->objects = eh_objects_new(run, err);
    return run->objects != NULL &&
           eh_objects_resolve(run->objects, instance, eh_doc_get(source, "settings"),
                              roots != NULL ? roots : &none, location, arena, place, err);
}

/* ---- files
 * -------------------------------------------------------------------------------------- */

static eh_doc *file_doc(eh_arena *arena, const eh_file_entry *entry, eh_err *err)
{
    eh_doc *map = eh_doc_map(arena);
    bool ok = eh_doc_put_str(arena, map, "name", eh_slice_str(entry->name), err) &&
              eh_doc_put_int(arena, map, "size", (int64_t)entry->size, err) &&
              eh_doc_put_int(arena, map, "modified_us", entry->modified_us, err);
    return ok ? map : NULL;
}

/* Entries until the page is full; *taken: how many were looked at. */
static bool list_entries(eh_arena *arena, const eh_object_page *page, size_t prefix,
                         const char *pattern, eh_doc *list, size_t *taken, eh_err *err)
{
    size_t bytes = 0;
    for (*taken = 0; *taken < page->count && bytes < LIST_BYTES; (*taken)++) {
        const eh_file_entry *entry = &page->entries[*taken];
        if (pattern != NULL && fnmatch(pattern, entry->name + prefix, 0) != 0) continue;
        if (!eh_doc_push(list, file_doc(arena, entry, err), err)) return false;
        bytes += strlen(entry->name) + ENTRY_BYTES;
    }
    return true;
}

static bool list_place(eh_pipeline *p, const char *instance, const char *location,
                       const char *prefix, const char *after, eh_arena *arena,
                       eh_object_page *page, eh_err *err)
{
    const char *folder = NULL;
    eh_object_place place;
    if (eh_objects_is_location(location))
        return resolve_bucket(p->run, instance, location, arena, &place, err) &&
               eh_objects_list(p->run->objects, &place, prefix, after, arena, page, err);
    return resolve(p->run, instance, location, arena, &folder, err) &&
           eh_files_list(folder, prefix, after, LIST_MAX, arena, &page->entries, &page->count,
                         &page->more, err);
}

static bool call_files(eh_pipeline *p, const eh_doc *args, eh_arena *arena, eh_doc **value,
                       eh_err *err)
{
    const char *instance, *location, *prefix, *after, *pattern;
    eh_object_page page = {.entries = NULL};
    if (!eh_call_text(args, "instance", "", &instance, err) ||
        !eh_call_text(args, "location", "", &location, err) ||
        !eh_call_text(args, "prefix", "", &prefix, err) ||
        !eh_call_text(args, "after", NULL, &after, err) ||
        !eh_call_text(args, "pattern", NULL, &pattern, err) ||
        !list_place(p, instance, location, prefix, after, arena, &page, err))
        return false;
    size_t taken;
    eh_doc *list = eh_doc_list(arena);
    *value = eh_doc_map(arena);
    if (!list_entries(arena, &page, strlen(prefix), pattern, list, &taken, err)) return false;
    /* The page may be empty where the pattern fits nothing: `after` goes on from the last name
     * seen. */
    const char *last = taken > 0 ? page.entries[taken - 1].name : NULL;
    if (taken == page.count && page.last != NULL) last = page.last;
    if (last != NULL && !eh_doc_put_str(arena, *value, "last", eh_slice_str(last), err))
        return false;
    return eh_doc_put(arena, *value, eh_slice_str("files"), list, err) &&
           eh_doc_put_bool(arena, *value, "more", page.more || taken < page.count, err);
}

/* ---- load
 * --------------------------------------------------------------------------------------- */

static bool load_object(eh_pipeline *p, eh_stream *stream, const eh_doc *args,
                        const char *location, const char *name, eh_arena *arena,
                        eh_file_outcome *outcome, eh_err *err)
{
    eh_object_place place;
    if (!resolve_bucket(p->run, stream->instance, location, arena, &place, err)) return false;
    eh_remote *remote = eh_objects_take(p->run->objects, &place, stream, name, NULL, err);
    if (remote == NULL) return false;
    /* A preview is soon full, and has no ledger to ask. */
    if (stream->preview == NULL)
        eh_objects_ahead(p->run->objects, &place, stream, eh_doc_get(args, "ahead"));
    return eh_stream_load_remote(stream, remote, outcome, err);
}

static bool call_load(eh_pipeline *p, const eh_frame *frame, eh_arena *arena, eh_doc **value,
                      eh_err *err)
{
    const eh_doc *args = frame->body;
    const char *name, *location;
    eh_pipeline_stream *s = eh_call_stream(p, args, "load", err);
    if (s == NULL || !eh_call_text(args, "file", "", &name, err) ||
        !eh_call_text(args, "location", "", &location, err))
        return false;
    if (name[0] == '\0') return eh_fail(err, EH_CLASS_SCRIPT, "load: no file is named");
    const char *folder = NULL;
    eh_file_outcome outcome;
    s->rows.task = frame->task;
    bool ok = eh_objects_is_location(location)
                  ? load_object(p, &s->stream, args, location, name, arena, &outcome, err)
                  : resolve(p->run, s->stream.instance, location, arena, &folder, err) &&
                        eh_stream_load(&s->stream, folder, name, &outcome, err);
    if (!ok) {
        s->failure = *err;
        return false;
    }
    *value = eh_doc_map(arena);
    return eh_doc_put_str(arena, *value, "status",
                          eh_slice_str(eh_file_status_name(outcome.status)), err) &&
           eh_doc_put_int(arena, *value, "rows", (int64_t)outcome.rows, err) &&
           eh_doc_put_int(arena, *value, "dead", (int64_t)outcome.dead, err);
}

/* The jail's part of a retry is only to be there for the row functions. */
static bool call_retry(eh_pipeline *p, const eh_frame *frame, eh_arena *arena, eh_doc **value,
                       eh_err *err)
{
    eh_pipeline_stream *s = eh_call_stream(p, frame->body, "retry", err);
    const eh_doc *retry = eh_doc_get(p->run->spec, "retry");
    if (s == NULL) return false;
    if (retry == NULL) return eh_fail(err, EH_CLASS_SCRIPT, "retry: this run retries nothing");
    uint64_t count = 0;
    s->rows.task = frame->task;
    if (!eh_stream_retry(&s->stream, eh_doc_str(retry, "id", NULL), &count, err)) {
        s->failure = *err;
        return false;
    }
    *value = eh_doc_map(arena);
    return eh_doc_put_int(arena, *value, "rows", (int64_t)count, err);
}

static bool call_token(eh_pipeline *p, const eh_frame *frame, eh_arena *arena, eh_doc **value,
                       bool *later, eh_err *err)
{
    eh_pipeline_stream *s = eh_call_stream(p, frame->body, "token", err);
    return s != NULL && eh_token_call(p, s, frame, arena, value, later, err);
}

static bool call_derive(eh_pipeline *p, const eh_doc *args, eh_arena *arena, eh_doc **value,
                        eh_err *err)
{
    eh_pipeline_stream *s = eh_call_stream(p, args, "derive", err);
    return s != NULL && eh_derive(p->run->secrets, s->stream.instance, args, arena, value, err);
}

/* ---- answering
 * ---------------------------------------------------------------------------------- */

static bool perform(eh_pipeline *p, const eh_frame *frame, eh_arena *arena, eh_doc **value,
                    bool *later, eh_err *err)
{
    const char *op = eh_doc_str(frame->body, "op", "");
    if (strcmp(op, "files") == 0) return call_files(p, frame->body, arena, value, err);
    if (strcmp(op, "load") == 0) return call_load(p, frame, arena, value, err);
    if (strncmp(op, "token_", 6) == 0) return call_token(p, frame, arena, value, later, err);
    if (strcmp(op, "derive") == 0) return call_derive(p, frame->body, arena, value, err);
    if (strcmp(op, "retry") == 0) return call_retry(p, frame, arena, value, err);
    return eh_service_call(p, frame, op, arena, value, later, err);
}

bool eh_pipeline_ends(const eh_pipeline *p, const eh_err *err)
{
    return p->run->stopping || err->class_ == EH_CLASS_BUG;
}

bool eh_pipeline_reply(eh_pipeline *p, uint32_t task, eh_doc *value, const eh_err *failed,
                       eh_arena *arena, eh_err *err)
{
    eh_doc *body = eh_doc_map(arena);
    bool built = failed == NULL ? eh_doc_put(arena, body, eh_slice_str("value"), value, err)
                                : eh_doc_put(arena, body, eh_slice_str("error"),
                                             eh_jail_write_error(arena, failed), err);
    return built && eh_jail_send(p->jail, EH_FRAME_REPLY, task, body, err);
}

bool eh_pipeline_call(eh_pipeline *p, const eh_frame *frame, eh_err *err)
{
    eh_arena *arena = eh_arena_new(REPLY_MAX);
    if (arena == NULL) return eh_fail_memory(err, "a reply");
    eh_doc *value = NULL;
    eh_err failed = {.class_ = EH_OK};
    uint32_t task = frame->task;
    bool later = false;
    bool ok = perform(p, frame, arena, &value, &later, &failed);
    eh_secrets_mask_err(p->run->secrets, &failed);
    if (!ok && eh_pipeline_ends(p, &failed)) {
        if (err->class_ == EH_OK) *err = failed;
        eh_arena_free(arena);
        return false;
    }
    if (ok && later) {
        eh_arena_free(arena);
        return true;
    }
    bool sent = eh_pipeline_reply(p, task, value, ok ? NULL : &failed, arena, err);
    eh_arena_free(arena);
    return sent;
}
