/* io/body.c: see body.h.
 *
 * Memory holds [base, size); base follows what was released, so a reader that keeps up never
 * makes a file. Once there is a file everything is in it, at its own offset. */
#include "io/body.h"

#include "base/fault.h"
#include "io/fs.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY_MAX    ((size_t)256 * 1024)
#define MEMORY_ALL    ((uint64_t)32 * 1024 * 1024) /* of all bodies of a spool */
#define DEFAULT_SPOOL ((uint64_t)4 * 1024 * 1024 * 1024)
#define PUNCH_BYTES   ((uint64_t)1024 * 1024)
#define PADDING       ((size_t)64) /* what parsers may read behind the end */
#define PAGE          ((uint64_t)4096)

struct eh_spool {
    char *folder;
    uint64_t max, used;
    uint64_t memory; /* that bodies have */
};

struct eh_body {
    unsigned references;
    eh_spool *spool;
    eh_body_state state;
    eh_err err; /* when FAILED */
    bool touched;
    char *memory; /* [base, size), and PADDING zeros */
    size_t capacity;
    uint64_t base, size, released;
    int fd;
    uint64_t punched; /* the file has holes up to here */
    void *map;
    size_t mapped;
    uint64_t max_unread;
    bool full;
    void (*resume)(void *self);
    void *resume_self;
};

/* ---- the spool ----------------------------------------------------------------------------
 */

eh_spool *eh_spool_new(const char *folder, uint64_t max_bytes, eh_err *err)
{
    eh_spool *spool = calloc(1, sizeof *spool);
    if (spool != NULL) {
        spool->folder = strdup(folder);
        spool->max = max_bytes != 0 ? max_bytes : DEFAULT_SPOOL;
        if (spool->folder != NULL) return spool;
    }
    free(spool);
    (void)eh_fail_memory(err, "the spool");
    return NULL;
}

void eh_spool_free(eh_spool *spool)
{
    if (spool == NULL) return;
    free(spool->folder);
    free(spool);
}

uint64_t eh_spool_used(const eh_spool *spool)
{
    return spool->used;
}

/* Where the file system has no files without a name, one that loses it at once. */
static int open_named(const char *folder)
{
    char *name = NULL;
    if (asprintf(&name, "%s/spool-XXXXXX", folder) < 0) return -1;
    int fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0) (void)unlink(name);
    free(name);
    return fd;
}

/* The folder above it is the project's, which a preview may be the first to need. */
static bool make_folder(const char *folder, eh_err *err)
{
    const char *slash = strrchr(folder, '/');
    if (mkdir(folder, 0700) == 0 || errno == EEXIST) return true;
    if (errno == ENOENT && slash != NULL && slash > folder) {
        char *above = strndup(folder, (size_t)(slash - folder));
        if (above == NULL) return eh_fail_memory(err, "a path");
        bool made = eh_fs_make_folder(above, NULL);
        free(above);
        errno = ENOENT;
        if (made && (mkdir(folder, 0700) == 0 || errno == EEXIST)) return true;
    }
    return eh_fail_errno(err, EH_CLASS_CONFIG, errno, "making the spool folder %s", folder);
}

static bool open_file(eh_body *body, eh_err *err)
{
    const eh_spool *spool = body->spool;
    if (spool == NULL)
        return eh_fail(err, EH_CLASS_LIMIT, "the answer is larger than %zu KiB",
                       MEMORY_MAX / 1024);
    if (!make_folder(spool->folder, err)) return false;
    body->fd = open(spool->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (body->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        body->fd = open_named(spool->folder);
    if (body->fd >= 0) return true;
    return eh_fail_errno(err, EH_CLASS_CONFIG, errno, "making a file in the spool folder %s",
                         spool->folder);
}

/* ---- lifetime -----------------------------------------------------------------------------
 */

eh_body *eh_body_new(eh_spool *spool, eh_err *err)
{
    eh_body *body = calloc(1, sizeof *body);
    if (body == NULL) {
        (void)eh_fail_memory(err, "a body");
        return NULL;
    }
    body->references = 1;
    body->spool = spool;
    body->fd = -1;
    return body;
}

eh_body *eh_body_hold(eh_body *body)
{
    body->references++;
    return body;
}

static void free_memory(eh_body *body)
{
    if (body->spool != NULL) body->spool->memory -= body->capacity;
    free(body->memory);
    body->memory = NULL;
    body->capacity = 0;
}

static void drop_content(eh_body *body)
{
    if (body->map != NULL) (void)munmap(body->map, body->mapped);
    if (body->fd >= 0) {
        body->spool->used -= body->size - body->punched;
        (void)close(body->fd);
    }
    free_memory(body);
    body->map = NULL;
    body->fd = -1;
    body->base = body->size = body->released = body->punched = 0;
    body->full = false;
}

void eh_body_free(eh_body *body)
{
    if (body == NULL || --body->references > 0) return;
    drop_content(body);
    free(body);
}

void eh_body_restart(eh_body *body)
{
    assert(!body->touched);
    drop_content(body);
    body->state = EH_BODY_OPEN;
    eh_err_clear(&body->err);
}

/* ---- writing ------------------------------------------------------------------------------
 */

static bool write_file(eh_body *body, eh_slice bytes, uint64_t offset, eh_err *err)
{
    eh_spool *spool = body->spool;
    if (bytes.len > spool->max - spool->used) {
        (void)eh_fail(err, EH_CLASS_LIMIT,
                      "answers that wait to be loaded take more than %" PRIu64 " bytes in %s",
                      spool->max, spool->folder);
        return false;
    }
    for (size_t done = 0; done < bytes.len;) {
        ssize_t n =
            pwrite(body->fd, bytes.data + done, bytes.len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
            return eh_fail_errno(err, EH_CLASS_TRANSIENT, n < 0 ? errno : ENOSPC,
                                 "writing into the spool folder %s", spool->folder);
        done += (size_t)n;
    }
    spool->used += bytes.len;
    EH_FAULT("spool.written");
    return true;
}

/* From memory into a file, which begins with a hole up to base. */
static bool spill(eh_body *body, eh_err *err)
{
    size_t len = (size_t)(body->size - body->base);
    if (!open_file(body, err)) return false;
    if (!write_file(body, eh_slice_of(body->memory, len), body->base, err)) {
        (void)close(body->fd);
        body->fd = -1;
        return false;
    }
    free_memory(body);
    body->punched = body->base;
    return true;
}

static bool fits_memory(eh_body *body, size_t more)
{
    if (body->spool != NULL && body->spool->memory + more > MEMORY_ALL) return false;
    size_t held = (size_t)(body->size - body->base);
    if (held + more <= MEMORY_MAX) return true;
    size_t gone = (size_t)(body->released - body->base);
    if (gone == 0 || held - gone + more > MEMORY_MAX) return false;
    memmove(body->memory, body->memory + gone, held - gone);
    body->base = body->released;
    return true;
}

static bool append_memory(eh_body *body, eh_slice bytes, eh_err *err)
{
    size_t held = (size_t)(body->size - body->base), need = held + bytes.len + PADDING;
    if (need > body->capacity) {
        size_t capacity = body->capacity * 2 > need ? body->capacity * 2 : need;
        char *memory = realloc(body->memory, capacity);
        if (memory == NULL) return eh_fail_memory(err, "a body");
        if (body->spool != NULL) body->spool->memory += capacity - body->capacity;
        body->memory = memory;
        body->capacity = capacity;
    }
    memcpy(body->memory + held, bytes.data, bytes.len);
    memset(body->memory + held + bytes.len, 0, PADDING);
    return true;
}

bool eh_body_append(eh_body *body, eh_slice bytes, eh_err *err)
{
    assert(body->state == EH_BODY_OPEN);
    if (bytes.len == 0) return true;
    bool memory = body->fd < 0 && bytes.len <= MEMORY_MAX && fits_memory(body, bytes.len);
    if (memory
            ? !append_memory(body, bytes, err)
            : (body->fd < 0 && !spill(body, err)) || !write_file(body, bytes, body->size, err))
        return false;
    body->size += bytes.len;
    if (body->max_unread != 0 && body->size - body->released > body->max_unread)
        body->full = true;
    return true;
}

void eh_body_end(eh_body *body)
{
    if (body->state == EH_BODY_OPEN) body->state = EH_BODY_ENDED;
}

void eh_body_fail(eh_body *body, const eh_err *err)
{
    if (body->state != EH_BODY_OPEN) return;
    body->state = EH_BODY_FAILED;
    body->err = *err;
}

/* ---- reading ------------------------------------------------------------------------------
 */

eh_body_state eh_body_state_of(const eh_body *body)
{
    return body->state;
}

uint64_t eh_body_size(const eh_body *body)
{
    return body->size;
}

bool eh_body_touched(const eh_body *body)
{
    return body->touched;
}

uint64_t eh_body_released(const eh_body *body)
{
    return body->released;
}

static bool read_file(const eh_body *body, uint64_t offset, char *to, size_t len, eh_err *err)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(body->fd, to + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
            return eh_fail_errno(err, EH_CLASS_TRANSIENT, n < 0 ? errno : EIO,
                                 "reading from the spool folder %s", body->spool->folder);
        done += (size_t)n;
    }
    return true;
}

static bool fail_again(const eh_body *body, eh_err *err)
{
    if (err != NULL && err->class_ == EH_OK) *err = body->err;
    return false;
}

bool eh_body_read(eh_body *body, uint64_t offset, char *to, size_t cap, size_t *got,
                  eh_err *err)
{
    *got = 0;
    if (offset < body->released)
        return eh_fail(err, EH_CLASS_BUG, "byte %" PRIu64 " of a body was released", offset);
    if (offset >= body->size) return body->state != EH_BODY_FAILED || fail_again(body, err);
    size_t len = body->size - offset < cap ? (size_t)(body->size - offset) : cap;
    if (body->fd < 0)
        memcpy(to, body->memory + (offset - body->base), len);
    else if (!read_file(body, offset, to, len, err))
        return false;
    body->touched = body->touched || len > 0;
    *got = len;
    return true;
}

static bool map_file(eh_body *body, eh_err *err)
{
    /* Longer than what is in it, so that the padding lies in the file, too. */
    body->mapped = (size_t)body->size + PADDING;
    if (ftruncate(body->fd, (off_t)body->mapped) == 0) {
        void *map = mmap(NULL, body->mapped, PROT_READ, MAP_PRIVATE, body->fd, 0);
        body->map = map != MAP_FAILED ? map : NULL;
    }
    return body->map != NULL ||
           eh_fail_errno(err, EH_CLASS_LIMIT, errno, "mapping an answer of %" PRIu64 " bytes",
                         body->size);
}

bool eh_body_view(eh_body *body, eh_slice *out, eh_err *err)
{
    if (body->state == EH_BODY_FAILED) return fail_again(body, err);
    if (body->state == EH_BODY_OPEN || body->released > 0)
        return eh_fail(err, EH_CLASS_BUG, "a body is looked at that is not all there");
    body->touched = true;
    if (body->size == 0 && body->memory == NULL) {
        body->memory = calloc(1, PADDING);
        if (body->memory == NULL) return eh_fail_memory(err, "a body");
        body->capacity = PADDING;
    }
    if (body->fd >= 0 && body->map == NULL && !map_file(body, err)) return false;
    *out = eh_slice_of(body->fd >= 0 ? body->map : body->memory, (size_t)body->size);
    return true;
}

bool eh_body_is_shared(const eh_body *body)
{
    return body->references > 1;
}

size_t eh_body_unview(eh_body *body)
{
    assert(!eh_body_is_shared(body));
    if (body->map != NULL) (void)munmap(body->map, body->mapped);
    body->map = NULL;
    return body->fd < 0 ? (size_t)(body->size - body->base) : 0;
}

/* ---- the window ---------------------------------------------------------------------------
 */

/* In large pieces: a call a page would cost more than the space is worth. A file system that
 * has no holes keeps the space until the end, and the spool counts it so. */
static void punch(eh_body *body)
{
    uint64_t end = body->released / PAGE * PAGE;
    if (body->fd < 0 || end < body->punched + PUNCH_BYTES) return;
    if (fallocate(body->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)body->punched,
                  (off_t)(end - body->punched)) != 0)
        return;
    body->spool->used -= end - body->punched;
    body->punched = end;
}

static void make_room(eh_body *body)
{
    uint64_t unread = body->size - body->released;
    if (!body->full || (body->max_unread != 0 && unread > body->max_unread / 2)) return;
    body->full = false;
    if (body->resume != NULL) body->resume(body->resume_self);
}

void eh_body_release_before(eh_body *body, uint64_t offset)
{
    if (offset > body->size) offset = body->size;
    if (offset <= body->released) return;
    body->released = offset;
    punch(body);
    make_room(body);
}

void eh_body_window(eh_body *body, uint64_t max_unread)
{
    body->max_unread = max_unread;
    make_room(body);
}

bool eh_body_full(const eh_body *body)
{
    return body->full;
}

void eh_body_on_room(eh_body *body, void (*resume)(void *self), void *self)
{
    body->resume = resume;
    body->resume_self = self;
}
