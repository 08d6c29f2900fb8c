/* engine/remote.h: a file that a server has, as bytes for an eh_file, while it comes.
 *
 * It is fetched once, from where it is wanted, into a window of the spool: the server waits
 * while the window is full, and what was read long ago is given back, so disk use is bounded
 * whatever its size. A transfer that is cut goes on where it ended (Range), but only of the
 * same content (If-Match); bytes that were given back and are wanted again are fetched again.
 * How it is asked for, and what a refusal means, is the site's. This room only. */
#ifndef EH_ENGINE_REMOTE_H
#define EH_ENGINE_REMOTE_H

#include "engine/run.h"
#include "io/fetch.h"
#include "io/file.h"

typedef struct eh_remote eh_remote;

/* An answer that is no content. Valid during the call. */
typedef struct eh_refusal {
    int status;
    const eh_http_answer *answer;
    eh_slice body; /* the first 64 KiB of it */
} eh_refusal;

/* Why there is no content, where that is no failure of the run. */
typedef enum eh_remote_fate {
    EH_REMOTE_THERE,
    EH_REMOTE_GONE,     /* deleted since it was listed */
    EH_REMOTE_ARCHIVED, /* it must be restored before it can be read */
    EH_REMOTE_CHANGED   /* it is not the content that was asked for any more */
} eh_remote_fate;

typedef struct eh_remote_site {
    void *self;
    eh_run *run;
    eh_fetcher *fetcher;
    /* Completes a GET for this key: URL, rules, signature. What it points to must live as long
     * as the fetch. */
    bool (*ask)(void *self, const char *key, eh_fetch_request *request, eh_err *err);
    /* Statuses that `refused` is asked about; others are errors of the fetch. */
    const int *accept;
    size_t accept_count;
    /* *again: something was put right, ask once more. Otherwise *fate says what became of it,
     * or (THERE) err what to do. */
    void (*refused)(void *self, const char *name, const eh_refusal *refusal, bool *again,
                    eh_remote_fate *fate, eh_err *err);
    bool no_pages;     /* what says that it is text/html is no file */
    const char *scope; /* "": equal etags mean equal contents; otherwise only among the files of
                          this scope: the URL of a file, say */
} eh_remote_site;

/* name: for people; key: for the site; etag: without quotes, of a listing, with the size and
 * the time there; NULL: the first answer says all three. Text is copied; the site is borrowed.
 * Nothing is fetched yet. NULL without memory. */
eh_remote *eh_remote_new(const eh_remote_site *site, const char *name, const char *key,
                         const char *etag, uint64_t size, int64_t modified_us, eh_err *err);
void eh_remote_free(eh_remote *remote); /* NULL is fine */

/* The same file, whatever its content is now. */
eh_remote *eh_remote_anew(const eh_remote *remote, eh_err *err);

/* Begins to fetch it ahead of its time, as much as a small window holds. What fails is said
 * when it is read. */
void eh_remote_begin(eh_remote *remote);

/* Fills *file: from the listing at once, otherwise from the answer's head, or from the whole
 * content where the head says too little. The file lives no longer than the remote. */
bool eh_remote_open(eh_remote *remote, eh_file *file, eh_err *err) EH_MUST_USE;

/* It will be read in part only: its head and what follows `offset`. So it is not fetched from
 * the start to the end. */
void eh_remote_seek(eh_remote *remote, uint64_t offset);

/* Is its content known by a listing, so that opening it does not wait? */
bool eh_remote_is_known(const eh_remote *remote);

/* After a failure: is it one that says something about the file alone? */
eh_remote_fate eh_remote_fate_of(const eh_remote *remote);

const char *eh_remote_name(const eh_remote *remote);
const char *eh_remote_key(const eh_remote *remote);

#endif
