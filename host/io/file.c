/* io/file.c: opening, identifying and listing files; see file.h. Decoded reading is in
 * reader.c. */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_beneath(int dir, const char *name, uint64_t flags)
{
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, dir, name, &how, sizeof how);
}

static int open_root(const char *root, eh_err *err)
{
    int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) eh_fail_errno(err, EH_CLASS_CONFIG, errno, "cannot open the folder %s", root);
    return dir;
}

static int64_t modified_us(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000;
}

/* ---- opening -------------------------------------------------------------------------------
 */

static bool refuse_open(const char *root, const char *name, int error_number, eh_err *err)
{
    if (error_number == EXDEV || error_number == ELOOP) {
        eh_fail(err, EH_CLASS_DENIED, "%s leads out of the folder %s", name, root);
        return eh_err_hint(err,
                           "a script reaches only the folders that the client's configuration "
                           "names, symbolic links included");
    }
    return eh_fail_errno(err, EH_CLASS_CONFIG, error_number, "cannot open %s", name);
}

static bool write_all(int fd, const char *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, data + done, len - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

static bool copy_input(int fd)
{
    char chunk[65536];
    for (;;) {
        ssize_t n = read(STDIN_FILENO, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 || !write_all(fd, chunk, (size_t)n)) return false;
        if (n == 0) return true;
    }
}

/* Standard input cannot be read twice (identity first, rows then). */
static int spool_input(eh_err *err)
{
    FILE *spool = tmpfile();
    int fd = spool != NULL ? fcntl(fileno(spool), F_DUPFD_CLOEXEC, 5) : -1;
    if (fd >= 0 && copy_input(fd)) {
        (void)fclose(spool);
        return fd;
    }
    eh_fail_errno(err, EH_CLASS_LIMIT, errno, "cannot keep standard input in a file");
    if (fd >= 0) (void)close(fd);
    if (spool != NULL) (void)fclose(spool);
    return -1;
}

static int open_input(const char *root, const char *name, eh_err *err)
{
    int fd;
    if (root == NULL && strcmp(name, "-") == 0) return spool_input(err);
    if (root == NULL) {
        fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0) refuse_open("", name, errno, err);
        return fd;
    }
    int dir = open_root(root, err);
    if (dir < 0) return -1;
    fd = open_beneath(dir, name, O_RDONLY | O_NONBLOCK);
    if (fd < 0) refuse_open(root, name, errno, err);
    (void)close(dir);
    return fd;
}

bool eh_file_read(const eh_file *file, uint64_t offset, char *to, size_t len, size_t *got,
                  eh_err *err)
{
    *got = 0;
    if (file->feed != NULL)
        return file->feed->read(file->feed->self, offset, to, len, got, err);
    for (;;) {
        ssize_t n = pread(file->fd, to, len, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return eh_fail_errno(err, EH_CLASS_TRANSIENT, errno, "cannot read");
        *got = (size_t)n;
        return true;
    }
}

/* Brotli can begin with any bytes: where the name says it, they are not asked. */
bool eh_file_detect_coding(eh_file *file, const char *name, eh_err *err)
{
    file->coding = eh_coding_of_name(name, NULL);
    if (file->coding == EH_CODING_BROTLI) return true;
    char head[8];
    size_t len = 0;
    for (size_t got = 1; len < sizeof head && got > 0; len += got)
        if (!eh_file_read(file, len, head + len, sizeof head - len, &got, err)) return false;
    file->coding = eh_coding_detect(head, len);
    return true;
}

void eh_file_feed_from(eh_file *file, const eh_file_feed *feed, uint64_t size,
                       int64_t modified_us, const char *identity)
{
    *file = (eh_file){.fd = -1, .feed = feed, .size = size, .modified_us = modified_us};
    size_t len = strlen(identity);
    if (len >= sizeof file->identity) len = sizeof file->identity - 1;
    memcpy(file->identity, identity, len);
}

bool eh_file_open(eh_file *file, const char *root, const char *name, eh_err *err)
{
    *file = (eh_file){.fd = open_input(root, name, err),
                      .ours = root == NULL && strcmp(name, "-") == 0};
    if (file->fd < 0) return false;
    struct stat st;
    bool ok = fstat(file->fd, &st) == 0;
    if (!ok)
        eh_fail_errno(err, EH_CLASS_TRANSIENT, errno, "cannot look at %s", name);
    else if (!S_ISREG(st.st_mode))
        ok = eh_fail(err, EH_CLASS_CONFIG, "%s is not a regular file", name);
    if (ok) {
        file->size = (uint64_t)st.st_size;
        file->modified_us = modified_us(&st);
        ok = eh_file_detect_coding(file, name, err);
    }
    if (!ok) eh_file_close(file);
    return ok;
}

void eh_file_close(eh_file *file)
{
    if (file->fd >= 0) (void)close(file->fd);
    file->fd = -1;
}

bool eh_file_changed(const eh_file *file)
{
    struct stat st;
    if (file->feed != NULL) return false; /* whoever feeds it sees to that */
    return fstat(file->fd, &st) != 0 || (uint64_t)st.st_size != file->size ||
           modified_us(&st) != file->modified_us;
}

/* ---- small files ---------------------------------------------------------------------------
 */

bool eh_file_read_small(const char *root, const char *name, size_t max, eh_arena *arena,
                        eh_slice *text, eh_err *err)
{
    *text = eh_slice_of(NULL, 0);
    eh_err opening = {.class_ = EH_OK};
    eh_file file;
    if (!eh_file_open(&file, root, name, &opening)) {
        if (opening.class_ == EH_CLASS_NOT_FOUND) return true;
        if (err->class_ == EH_OK) *err = opening;
        return false;
    }
    bool ok = file.size <= max;
    if (!ok) eh_fail(err, EH_CLASS_LIMIT, "%s is larger than %zu bytes", name, max);
    char *data = ok ? eh_arena_bytes(arena, (size_t)file.size + 1) : NULL;
    if (ok && data == NULL) ok = eh_fail_memory(err, "a file");
    if (ok && data != NULL) {
        ssize_t n = pread(file.fd, data, (size_t)file.size, 0);
        ok = n >= 0 || eh_fail_errno(err, EH_CLASS_TRANSIENT, errno, "cannot read %s", name);
        size_t got = n > 0 ? (size_t)n : 0;
        data[got] = '\0';
        *text = eh_slice_of(data, got);
    }
    eh_file_close(&file);
    return ok;
}
