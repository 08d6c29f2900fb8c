/* engine/remote.c: see remote.h.
 *
 * What was fetched is in segments: runs of bytes, each with a fetch of its own. Mostly there is
 * one, from the start or from where a run before stopped. A second one has the head, for the
 * header of a file that is read from its middle, or bytes that a dead row wants again. */
#include "engine/remote.h"

#include "base/fault.h"
#include "io/retry_after.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define SEGMENTS 3
/* Of the one that is being read: what may be in the spool, and what stays there behind the
 * reader for dead rows. Of those that are read later: what is fetched ahead. */
#define WINDOW_BYTES ((uint64_t)64 * 1024 * 1024)
#define KEEP_BYTES   ((uint64_t)24 * 1024 * 1024)
#define AHEAD_BYTES  ((uint64_t)16 * 1024 * 1024)
#define HEAD_BYTES   ((uint64_t)256 * 1024)
/* An open fetch that will come by soon is waited for; farther away a new one is quicker. */
#define NEAR_BYTES    ((uint64_t)4 * 1024 * 1024)
#define REFUSAL_BYTES ((size_t)64 * 1024)
/* How often a transfer may be cut after little progress. */
#define CUTS_MAX      8
#define CUT_PROGRESS  ((uint64_t)256 * 1024)
#define CORRECTED_MAX 3

typedef struct segment {
    eh_remote *remote;
    eh_fetch *fetch; /* NULL once it is done */
    eh_body *body;
    uint64_t start;    /* the offset of the body's first byte */
    uint64_t released; /* bytes before this offset are gone */
    uint64_t end;      /* exclusive; UINT64_MAX: to the end, wherever that is */
    uint64_t used;     /* when it was read last, in reads */
    bool headed;       /* the answer's head was looked at */
    bool is_content;   /* and it is content */
    bool again;        /* something was put right: ask once more */
    bool by_close;     /* complete, if the closing of the connection says so */
    eh_err failure;
} segment;

struct eh_remote {
    const eh_remote_site *site;
    char *name;
    char *key;
    char *etag;     /* "" unknown; owned */
    bool weak;      /* it does not tell contents apart byte by byte */
    bool sized;     /* size and time are known */
    bool whole;     /* all of it stays in the spool: it could not be had a second time */
    bool no_ranges; /* the server gives all of it whatever is asked for */
    uint64_t size;
    int64_t modified_us;
    segment *segments[SEGMENTS];
    uint64_t reads;
    uint64_t from;      /* where reading will begin, behind the head */
    unsigned cuts;      /* in a row, with little progress */
    unsigned corrected; /* times that the site has put something right */
    eh_remote_fate fate;
    eh_file_feed feed;
};

/* ---- life ------------------------------------------------------------------------------- */

static void free_segment(segment *s)
{
    if (s == NULL) return;
    eh_fetch_cancel(s->fetch);
    eh_body_free(s->body);
    free(s);
}

void eh_remote_free(eh_remote *r)
{
    if (r == NULL) return;
    for (size_t i = 0; i < SEGMENTS; i++) free_segment(r->segments[i]);
    free(r->name);
    free(r->key);
    free(r->etag);
    free(r);
}

static bool read_feed(void *self, uint64_t offset, char *to, size_t len, size_t *got,
                      eh_err *err);

eh_remote *eh_remote_new(const eh_remote_site *site, const char *name, const char *key,
                         const char *etag, uint64_t size, int64_t modified_us, eh_err *err)
{
    eh_remote *r = calloc(1, sizeof *r);
    if (r != NULL) {
        *r = (eh_remote){.site = site,
                         .name = strdup(name),
                         .key = strdup(key),
                         .etag = strdup(etag != NULL ? etag : ""),
                         .sized = etag != NULL && etag[0] != '\0',
                         .size = size,
                         .modified_us = modified_us,
                         .feed = {r, read_feed}};
    }
    if (r != NULL && r->name != NULL && r->key != NULL && r->etag != NULL) return r;
    eh_remote_free(r);
    eh_fail_memory(err, "a remote file");
    return NULL;
}

eh_remote *eh_remote_anew(const eh_remote *r, eh_err *err)
{
    return eh_remote_new(r->site, r->name, r->key, NULL, 0, 0, err);
}

const char *eh_remote_name(const eh_remote *r)
{
    return r->name;
}

const char *eh_remote_key(const eh_remote *r)
{
    return r->key;
}

eh_remote_fate eh_remote_fate_of(const eh_remote *r)
{
    return r->fate;
}

bool eh_remote_is_known(const eh_remote *r)
{
    return r->sized;
}

/* ---- asking ----------------------------------------------------------------------------- */

static void on_done(void *self, eh_fetch *fetch, const eh_err *err);

/* Asks for [s->start, s->end). */
static bool ask_for(segment *s, uint64_t window, eh_err *err)
{
    eh_remote *r = s->remote;
    char range[64], match[160];
    eh_http_header headers[2];
    eh_fetch_request request = {
        .http = {.method = "GET",
                 .headers = headers,
                 .as_stored = true,
                 .max_bytes = INT64_MAX},
        .accept = r->site->accept,
        .accept_count = r->site->accept_count,
        .goes_on = r->sized && r->etag[0] != '\0' && !r->weak,
        .window = window,
    };
    if (s->start > 0 || s->end != UINT64_MAX) {
        int n = s->end == UINT64_MAX
                    ? snprintf(range, sizeof range, "bytes=%" PRIu64 "-", s->start)
                    : snprintf(range, sizeof range, "bytes=%" PRIu64 "-%" PRIu64, s->start,
                               s->end - 1);
        headers[request.http.header_count++] =
            (eh_http_header){eh_slice_str("Range"), eh_slice_of(range, (size_t)n)};
    }
    int n = snprintf(match, sizeof match, "\"%s\"", r->etag);
    if (r->etag[0] != '\0' && !r->weak && n > 0 && (size_t)n < sizeof match)
        headers[request.http.header_count++] =
            (eh_http_header){eh_slice_str("If-Match"), eh_slice_of(match, (size_t)n)};
    const eh_fetch_done done = {s, on_done};
    if (!r->site->ask(r->site->self, r->key, &request, err)) return false;
    s->fetch = eh_fetch_start(r->site->fetcher, &request, &done, err);
    if (s->fetch != NULL) s->body = eh_body_hold(eh_fetch_body(s->fetch));
    return s->fetch != NULL;
}

static segment *new_segment(eh_remote *r, uint64_t start, uint64_t end, uint64_t window,
                            eh_err *err)
{
    segment *s = calloc(1, sizeof *s);
    size_t slot = 0;
    if (s == NULL) {
        eh_fail_memory(err, "a remote file");
        return NULL;
    }
    *s = (segment){.remote = r, .start = start, .released = start, .end = end};
    if (!ask_for(s, window, err)) {
        free_segment(s);
        return NULL;
    }
    for (size_t i = 0; i < SEGMENTS && r->segments[slot] != NULL; i++)
        if (r->segments[i] == NULL || r->segments[i]->used < r->segments[slot]->used) slot = i;
    free_segment(r->segments[slot]);
    s->used = ++r->reads;
    r->segments[slot] = s;
    return s;
}

static void drop_segment(eh_remote *r, const segment *s)
{
    for (size_t i = 0; i < SEGMENTS; i++) {
        if (r->segments[i] != s) continue;
        free_segment(r->segments[i]);
        r->segments[i] = NULL;
    }
}

/* ---- the head of an answer -------------------------------------------------------------- */

static bool read_number(eh_slice text, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < '0' || text.data[i] > '9' ||
            __builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, (uint64_t)(text.data[i] - '0'), value))
            return false;
    return text.len > 0;
}

/* "bytes a-b/total" (RFC 9110, section 14.4). */
static bool read_content_range(eh_slice text, uint64_t *first, uint64_t *total)
{
    static const char unit[] = "bytes ";
    if (text.len < sizeof unit || memcmp(text.data, unit, sizeof unit - 1) != 0) return false;
    text = eh_slice_of(text.data + sizeof unit - 1, text.len - (sizeof unit - 1));
    const char *dash = memchr(text.data, '-', text.len);
    const char *slash = memchr(text.data, '/', text.len);
    uint64_t last;
    if (dash == NULL || slash == NULL || slash < dash) return false;
    return read_number(eh_slice_of(text.data, (size_t)(dash - text.data)), first) &&
           read_number(eh_slice_of(dash + 1, (size_t)(slash - dash - 1)), &last) &&
           read_number(eh_slice_of(slash + 1, (size_t)(text.data + text.len - slash - 1)),
                       total) &&
           *first <= last && last < *total;
}

static bool changed(eh_remote *r, eh_err *err)
{
    r->fate = EH_REMOTE_CHANGED;
    eh_fail(err, EH_CLASS_DATA, "%s was replaced while it was read", r->name);
    return eh_err_hint(err,
                       "what was committed of it stays; the next run reads what it is now");
}

/* The etag of an answer, without quotes; *weak: it begins with W/. */
static eh_slice read_etag(const eh_http_answer *answer, bool *weak)
{
    eh_slice etag = eh_http_answer_header(answer, "etag");
    *weak = etag.len > 2 && etag.data[0] == 'W' && etag.data[1] == '/';
    if (*weak) etag = eh_slice_of(etag.data + 2, etag.len - 2);
    if (etag.len >= 2 && etag.data[0] == '"' && etag.data[etag.len - 1] == '"')
        etag = eh_slice_of(etag.data + 1, etag.len - 2);
    return etag;
}

static bool learn(eh_remote *r, const eh_http_answer *answer, bool sized, uint64_t size,
                  eh_err *err)
{
    bool weak;
    eh_slice etag = read_etag(answer, &weak);
    if (r->sized) {
        bool same_etag = etag.len == 0 || r->etag[0] == '\0' || eh_slice_is(etag, r->etag);
        return (same_etag && (!sized || size == r->size)) || changed(r, err);
    }
    char *copy = strndup(etag.len > 0 ? etag.data : "", etag.len);
    if (copy == NULL) return eh_fail_memory(err, "a remote file");
    free(r->etag);
    r->etag = copy;
    r->weak = weak;
    int64_t now = eh_clock_wall(&r->site->run->clock);
    if (!eh_http_date(eh_http_answer_header(answer, "last-modified"), now, &r->modified_us))
        r->modified_us = now;
    r->sized = sized;
    r->size = sized ? size : 0;
    return true;
}

/* A page for people in the file's place says 200 too: "please sign in", "come back later". */
static bool is_page(const eh_remote *r, const eh_http_answer *answer)
{
    eh_slice type = eh_http_answer_header(answer, "content-type");
    return r->site->no_pages && type.len >= 9 && strncasecmp(type.data, "text/html", 9) == 0;
}

/* 206 must be what was asked for; 200 is all of it, whatever was asked for. */
static bool look_at_content(segment *s, const eh_http_answer *answer, eh_err *err)
{
    eh_remote *r = s->remote;
    uint64_t first = 0, total = 0;
    s->by_close = answer->ends_by_close;
    if (is_page(r, answer)) {
        eh_fail(err, EH_CLASS_REMOTE, "%s: the server answers with a web page, not with a file",
                r->name);
        return eh_err_hint(err, "look at the address in a browser: it may ask to sign in");
    }
    if (answer->status == 206) {
        eh_slice range = eh_http_answer_header(answer, "content-range");
        if (read_content_range(range, &first, &total) && first == s->start)
            return learn(r, answer, true, total, err);
        return eh_fail(err, EH_CLASS_REMOTE,
                       "%s: asked for the bytes from %" PRIu64
                       " on, the server answers with \"%.*s\"",
                       r->name, s->start, EH_SLICE_FMT(range));
    }
    eh_slice length = eh_http_answer_header(answer, "content-length");
    bool sized = read_number(length, &total);
    if (s->start > 0) r->no_ranges = true;
    s->start = s->released = 0;
    s->end = UINT64_MAX;
    return learn(r, answer, sized, total, err);
}

/* An answer that is no content is complete when it is looked at. */
static bool look_at_refusal(segment *s, const eh_http_answer *answer, eh_err *err)
{
    eh_remote *r = s->remote;
    char *text = malloc(REFUSAL_BYTES);
    size_t len = 0;
    bool ok = text != NULL || eh_fail_memory(err, "an answer");
    ok = ok && eh_body_read(s->body, 0, text, REFUSAL_BYTES, &len, err);
    if (ok && answer->status == 412) {
        ok = changed(r, err);
    } else if (ok) {
        eh_refusal refusal = {answer->status, answer, eh_slice_of(text, len)};
        r->site->refused(r->site->self, r->name, &refusal, &s->again, &r->fate, err);
        s->again = s->again && ++r->corrected <= CORRECTED_MAX;
        ok = s->again || eh_fail(err, EH_CLASS_REMOTE, "%s cannot be read", r->name);
    }
    free(text);
    return ok;
}

static bool is_content(const eh_http_answer *answer)
{
    return answer->status == 200 || answer->status == 206;
}

/* Called from a turn of the loop. A refusal is looked at here, since the answer goes with the
 * fetch; what follows from it is done by who reads. */
static void on_done(void *self, eh_fetch *fetch, const eh_err *err)
{
    segment *s = self;
    const eh_http_answer *answer = eh_fetch_answer(fetch);
    s->fetch = NULL;
    if (err != NULL) s->failure = *err;
    if (err != NULL || s->headed) return;
    s->headed = true;
    s->is_content = is_content(answer);
    (void)!(s->is_content ? look_at_content(s, answer, &s->failure)
                          : look_at_refusal(s, answer, &s->failure));
}

/* The head of content is looked at as soon as it is there. */
static void look(segment *s)
{
    const eh_http_answer *answer =
        s->headed || s->fetch == NULL ? NULL : eh_fetch_answer(s->fetch);
    if (answer == NULL || !is_content(answer)) return;
    s->headed = s->is_content = true;
    if (look_at_content(s, answer, &s->failure)) return;
    eh_fetch_cancel(s->fetch);
    s->fetch = NULL;
}

/* ---- waiting ---------------------------------------------------------------------------- */

static bool turn(const eh_remote *r, eh_err *err)
{
    eh_run *run = r->site->run;
    return eh_loop_turn(run->loop, -1, err) && eh_run_may_go_on(run, err);
}

static uint64_t reach(const segment *s)
{
    return s->start + eh_body_size(s->body);
}

/* The byte at offset is not there, and the segment has failed, or is to be asked for again. It
 * is dropped where another can take its place. */
static bool settle(eh_remote *r, segment *s, eh_err *err)
{
    bool may_help =
        s->failure.class_ == EH_CLASS_TRANSIENT || s->failure.class_ == EH_CLASS_THROTTLED;
    uint64_t progress = s->is_content ? reach(s) - s->start : 0;
    bool known = r->etag[0] != '\0' && !r->weak;
    if (s->again) {
        drop_segment(r, s);
        return true;
    }
    r->cuts = progress >= CUT_PROGRESS ? 0 : r->cuts + 1;
    if (may_help && progress > 0 && known && r->fate == EH_REMOTE_THERE &&
        r->cuts <= CUTS_MAX) {
        EH_FAULT("object.cut");
        drop_segment(r, s);
        return true;
    }
    if (err != NULL && err->class_ == EH_OK) *err = s->failure;
    return eh_err_while(err, "reading %s", r->name);
}

/* ---- reading ---------------------------------------------------------------------------- */

static segment *find(const eh_remote *r, uint64_t offset)
{
    for (size_t i = 0; i < SEGMENTS; i++) {
        segment *s = r->segments[i];
        if (s == NULL || offset < s->released || offset >= s->end) continue;
        uint64_t until = reach(s);
        bool is_coming = s->fetch != NULL && (r->no_ranges || offset - until <= NEAR_BYTES);
        /* One that was cut here, or refused, has to say so. */
        bool ends_here = s->fetch == NULL && offset == until;
        if (offset < until || is_coming || ends_here) return s;
    }
    return NULL;
}

static segment *begin_at(eh_remote *r, uint64_t offset, eh_err *err)
{
    bool only_head = offset < HEAD_BYTES && r->from > HEAD_BYTES;
    return new_segment(r, offset, only_head ? HEAD_BYTES : UINT64_MAX, WINDOW_BYTES, err);
}

/* What is far behind is given back. */
static void release(segment *s, uint64_t offset)
{
    uint64_t keep = offset > KEEP_BYTES ? offset - KEEP_BYTES : 0;
    if (keep > reach(s)) keep = reach(s);
    if (s->remote->whole || keep <= s->released) return;
    s->released = keep;
    eh_body_release_before(s->body, keep - s->start);
}

static bool read_feed(void *self, uint64_t offset, char *to, size_t len, size_t *got,
                      eh_err *err)
{
    eh_remote *r = self;
    *got = 0;
    for (;;) {
        if (r->sized && offset >= r->size) return true;
        segment *s = find(r, offset);
        if (s == NULL) s = begin_at(r, offset, err);
        if (s == NULL) return eh_err_while(err, "reading %s", r->name);
        s->used = ++r->reads;
        look(s);
        release(s, offset);
        if (s->is_content && s->failure.class_ == EH_OK && offset < reach(s)) {
            EH_FAULT("object.read");
            eh_body_window(s->body, r->whole ? 0 : WINDOW_BYTES);
            return eh_body_read(s->body, offset - s->start, to, len, got, err);
        }
        bool ended = s->fetch == NULL;
        if (ended && s->failure.class_ == EH_OK && !s->again)
            eh_fail(&s->failure, reach(s) > s->start ? EH_CLASS_TRANSIENT : EH_CLASS_REMOTE,
                    "the server sent less than it said");
        if (ended && !settle(r, s, err)) return false;
        if (!ended && !turn(r, err)) return false;
    }
}

/* ---- opening ---------------------------------------------------------------------------- */

void eh_remote_begin(eh_remote *r)
{
    eh_err ignored = {.class_ = EH_OK};
    if (r->segments[0] == NULL && (!r->sized || r->size > 0))
        (void)new_segment(r, 0, UINT64_MAX, AHEAD_BYTES, &ignored);
}

void eh_remote_seek(eh_remote *r, uint64_t offset)
{
    if (r->segments[0] == NULL) r->from = offset;
}

/* Waits for the first answer's head; *s is its segment. */
static bool await_head(eh_remote *r, segment **s, eh_err *err)
{
    for (;;) {
        *s = r->segments[0] != NULL ? r->segments[0] : begin_at(r, 0, err);
        if (*s == NULL) return eh_err_while(err, "reading %s", r->name);
        look(*s);
        if ((*s)->is_content && (*s)->failure.class_ == EH_OK) return true;
        bool ended = (*s)->fetch == NULL;
        if (ended && !settle(r, *s, err)) return false;
        if (!ended && !turn(r, err)) return false;
    }
}

/* All of it is fetched before the first byte is used: there is no length, or nothing by which a
 * second answer could be known as a part of the same content. */
static bool await_all(eh_remote *r, segment *s, eh_err *err)
{
    r->whole = true;
    eh_body_window(s->body, 0);
    eh_body_release_before(s->body, 0);
    while (s->fetch != NULL)
        if (!turn(r, err)) return false;
    if (s->failure.class_ != EH_OK) {
        if (err->class_ == EH_OK) *err = s->failure;
        return eh_err_while(err, "reading %s", r->name);
    }
    if (s->by_close) {
        eh_fail(err, EH_CLASS_REMOTE,
                "%s: the server does not say where the file ends, so a cut one looks whole",
                r->name);
        return eh_err_hint(err, "download it, look whether it is complete, and load the copy");
    }
    r->sized = true;
    r->size = eh_body_size(s->body);
    return true;
}

/* "etag:<etag>:<size>"; where an etag says something only of its own file, or is longer than an
 * identity: "etag-of:<hash of both>:<size>". */
static bool write_identity(const eh_remote *r, char out[96], eh_err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    out[0] = '\0';
    if (r->whole || r->etag[0] == '\0' || r->weak) return true;
    if (r->site->scope[0] == '\0' && strlen(r->etag) <= 64) {
        (void)snprintf(out, 96, "etag:%s:%" PRIu64, r->etag, r->size);
        return true;
    }
    char *text = NULL;
    int n = asprintf(&text, "%s\n%s", r->site->scope, r->etag);
    if (n < 0) return eh_fail_memory(err, "an identity");
    bool ok = EVP_Digest(text, (size_t)n, digest, &len, EVP_sha256(), NULL) == 1;
    free(text);
    if (!ok || len != 32) return eh_fail(err, EH_CLASS_BUG, "SHA-256 failed");
    size_t at = (size_t)snprintf(out, 96, "etag-of:");
    for (unsigned i = 0; i < len; i++)
        at += (size_t)snprintf(out + at, 96 - at, "%02x", digest[i]);
    (void)snprintf(out + at, 96 - at, ":%" PRIu64, r->size);
    return true;
}

bool eh_remote_open(eh_remote *r, eh_file *file, eh_err *err)
{
    char identity[96];
    segment *s = NULL;
    if (!r->sized && !await_head(r, &s, err)) return false;
    bool known = r->sized && r->etag[0] != '\0' && !r->weak;
    if (!known && s != NULL && !await_all(r, s, err)) return false;
    if (!write_identity(r, identity, err)) return false;
    eh_file_feed_from(file, &r->feed, r->size, r->modified_us, identity);
    return true;
}
