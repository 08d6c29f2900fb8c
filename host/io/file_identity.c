/* io/file_identity.c: what a file is, by its bytes; see file.h.
 *
 * Nothing of a file may commit before its identity is known, so the whole of it is hashed
 * first, a large one in pieces by several threads: hashing alone would take a twentieth of a
 * load. */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES  ((uint64_t)4 * 1024 * 1024)
#define CHUNK_BYTES  ((size_t)256 * 1024)
#define DIGEST_BYTES ((size_t)32)
#define THREADS_MAX  4

static bool has_writer(int fd)
{
    /* A read lease is refused with EAGAIN while anybody has the file open for writing. Where
     * leases are not to be had (another owner, a network file system) only the times are left.
     */
    if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
    (void)fcntl(fd, F_SETLEASE, F_UNLCK);
    return false;
}

/* ---- one piece -----------------------------------------------------------------------------
 */

static bool hash_range(const eh_file *file, uint64_t at, uint64_t end, EVP_MD_CTX *context,
                       char *chunk, eh_err *err)
{
    while (at < end) {
        size_t want = end - at < CHUNK_BYTES ? (size_t)(end - at) : CHUNK_BYTES, n;
        if (!eh_file_read(file, at, chunk, want, &n, err)) return false;
        if (n == 0) break; /* shrunk: eh_file_changed sees it */
        if (EVP_DigestUpdate(context, chunk, n) != 1)
            return eh_fail(err, EH_CLASS_BUG, "SHA-256 failed");
        at += n;
    }
    return true;
}

static bool finish(EVP_MD_CTX *context, unsigned char *digest, eh_err *err)
{
    unsigned length = 0;
    return (EVP_DigestFinal_ex(context, digest, &length) == 1 && length == DIGEST_BYTES) ||
           eh_fail(err, EH_CLASS_BUG, "SHA-256 failed");
}

static bool begin(EVP_MD_CTX *context, eh_err *err)
{
    return EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 ||
           eh_fail(err, EH_CLASS_BUG, "SHA-256 is not to be had");
}

/* ---- the pieces of a file, dealt to threads -------------------------------------------------
 */

typedef struct worker {
    pthread_t thread;
    bool started;
    const eh_file *file;
    unsigned char *digests; /* of all pieces; each worker writes its own */
    size_t pieces;
    size_t first;
    size_t step;
    eh_err err;
} worker;

static void hash_pieces(worker *w)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    char *chunk = malloc(CHUNK_BYTES);
    bool ok = (context != NULL && chunk != NULL) || eh_fail_memory(&w->err, "a hash");
    for (size_t i = w->first; ok && i < w->pieces; i += w->step) {
        uint64_t start = i * PIECE_BYTES, end = start + PIECE_BYTES;
        if (end > w->file->size) end = w->file->size;
        ok = begin(context, &w->err) &&
             hash_range(w->file, start, end, context, chunk, &w->err) &&
             finish(context, w->digests + i * DIGEST_BYTES, &w->err);
    }
    EVP_MD_CTX_free(context);
    free(chunk);
}

static void *run_worker(void *self)
{
    hash_pieces(self);
    return NULL;
}

/* Signals are for the thread of the loop. A thread that cannot be had costs time only: its
 * share is done here. */
static void run_all(worker *workers, size_t count)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    bool masked = pthread_sigmask(SIG_SETMASK, &all, &before) == 0;
    for (size_t i = 1; masked && i < count; i++)
        workers[i].started =
            pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]) == 0;
    if (masked) (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    for (size_t i = 0; i < count; i++)
        if (!workers[i].started) hash_pieces(&workers[i]);
    for (size_t i = 1; i < count; i++)
        if (workers[i].started) (void)pthread_join(workers[i].thread, NULL);
}

/* What is fed comes by the loop, which is one thread's. */
static size_t thread_count(const eh_file *file, size_t pieces)
{
    if (file->feed != NULL) return 1;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = processors > 1 ? (size_t)processors : 1;
    if (count > THREADS_MAX) count = THREADS_MAX;
    return count < pieces ? count : pieces;
}

static bool hash_file(const eh_file *file, unsigned char *digests, size_t pieces, eh_err *err)
{
    worker workers[THREADS_MAX] = {{.started = false}};
    size_t count = thread_count(file, pieces);
    for (size_t i = 0; i < count; i++)
        workers[i] = (worker){
            .file = file, .digests = digests, .pieces = pieces, .first = i, .step = count};
    run_all(workers, count);
    for (size_t i = 0; i < count; i++) {
        if (workers[i].err.class_ == EH_OK) continue;
        *err = workers[i].err;
        return false;
    }
    return true;
}

/* ---- the name of it -------------------------------------------------------------------------
 */

/* The digest of the digests, where there are several pieces. */
static bool join_digests(unsigned char *digests, size_t pieces, eh_err *err)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context != NULL || eh_fail_memory(err, "a hash");
    ok = ok && begin(context, err);
    if (ok && EVP_DigestUpdate(context, digests, pieces * DIGEST_BYTES) != 1)
        ok = eh_fail(err, EH_CLASS_BUG, "SHA-256 failed");
    ok = ok && finish(context, digests, err);
    EVP_MD_CTX_free(context);
    return ok;
}

static void write_identity(eh_file *file, const unsigned char *digest, const char *kind)
{
    static const char hex[] = "0123456789abcdef";
    char text[2 * DIGEST_BYTES + 1];
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        text[2 * i] = hex[digest[i] >> 4];
        text[2 * i + 1] = hex[digest[i] & 15];
    }
    text[2 * DIGEST_BYTES] = '\0';
    (void)snprintf(file->identity, sizeof file->identity, "%s:%s:%llu", kind, text,
                   (unsigned long long)file->size);
}

static bool identify(eh_file *file, eh_err *err)
{
    size_t pieces = file->size > 0 ? (size_t)((file->size - 1) / PIECE_BYTES + 1) : 1;
    unsigned char *digests = calloc(pieces, DIGEST_BYTES);
    if (digests == NULL) return eh_fail_memory(err, "a hash");
    bool ok = hash_file(file, digests, pieces, err);
    if (ok && pieces > 1) ok = join_digests(digests, pieces, err);
    if (ok) write_identity(file, digests, pieces > 1 ? "sha256-4m" : "sha256");
    free(digests);
    return ok;
}

bool eh_file_identify(eh_file *file, bool *growing, eh_err *err)
{
    *growing = false;
    if (file->feed != NULL) return file->identity[0] != '\0' || identify(file, err);
    *growing = !file->ours && has_writer(file->fd);
    file->identity[0] = '\0';
    if (*growing) return true;
    if (!identify(file, err)) return false;
    *growing = !file->ours && eh_file_changed(file);
    if (*growing) file->identity[0] = '\0';
    return true;
}

bool eh_file_begins_with(const eh_file *file, const char *identity, uint64_t size, bool *yes,
                         eh_err *err)
{
    eh_file part = *file;
    char last = '\0';
    part.size = size;
    *yes = false;
    if (size == 0 || size > file->size) return true;
    if (!identify(&part, err)) return false;
    if (pread(file->fd, &last, 1, (off_t)(size - 1)) < 0)
        return eh_fail_errno(err, EH_CLASS_TRANSIENT, errno, "cannot read");
    *yes = strcmp(part.identity, identity) == 0 && last == '\n';
    return true;
}
