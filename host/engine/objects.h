/* engine/objects.h: the buckets that a run reads: which it may, listings page by page, objects
 * fetched ahead of their turn. This room only. */
#ifndef EH_ENGINE_OBJECTS_H
#define EH_ENGINE_OBJECTS_H

#include "engine/remote.h"
#include "engine/s3.h"
#include "engine/stream.h"

typedef struct eh_objects eh_objects;

/* NULL without memory. */
eh_objects *eh_objects_new(eh_run *run, eh_err *err);
void eh_objects_free(eh_objects *objects); /* NULL is fine; after the files of its remotes */

/* "s3://..." */
bool eh_objects_is_location(const char *location);

/* A place in a bucket. */
typedef struct eh_object_place {
    eh_s3 *s3;
    const char *bucket;
    const char *folder; /* "" or ends with '/'; names are relative to it */
} eh_object_place;

/* Reads "s3://bucket[/folder]" for an instance. settings: see eh_s3_open. roots: the locations
 * that the operator names for the instance; NULL: it is the operator's own word. */
bool eh_objects_resolve(eh_objects *objects, const char *instance, const eh_doc *settings,
                        const eh_doc *roots, const char *location, eh_arena *arena,
                        eh_object_place *place, eh_err *err) EH_MUST_USE;

/* A page of a listing. */
typedef struct eh_object_page {
    eh_file_entry *entries;
    size_t count;
    bool more;
    const char *last; /* the name that the next page begins behind; NULL: the last entry's */
} eh_object_page;

/* Names that begin with prefix, behind `after` (NULL: from the start), at most about 1,000 and
 * maybe none. Folder markers are left out. The result is valid until the next call for this
 * place and prefix. */
bool eh_objects_list(eh_objects *objects, const eh_object_place *place, const char *prefix,
                     const char *after, eh_arena *arena, eh_object_page *page,
                     eh_err *err) EH_MUST_USE;

/* The object of this name as a remote file, owned by the caller: the one that was fetched ahead
 * for this stream, or a new one. shown: its name for people; NULL: `name`. */
eh_remote *eh_objects_take(eh_objects *objects, const eh_object_place *place,
                           const eh_stream *stream, const char *name, const char *shown,
                           eh_err *err);

/* Begins to fetch these objects (a list of names), which will be loaded into the stream next;
 * what was begun and is not among them is forgotten. */
void eh_objects_ahead(eh_objects *objects, const eh_object_place *place, eh_stream *stream,
                      const eh_doc *names);

#endif
