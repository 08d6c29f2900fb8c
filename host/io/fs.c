/* io/fs.c: see fs.h. */
#include "io/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 32 * 1024 };

static bool read_all(int fd, const char *path, eh_buf *out, eh_err *err)
{
    for (;;) {
        if (!eh_buf_reserve(out, READ_BYTES, err)) return eh_err_while(err, "reading %s", path);
        ssize_t n = read(fd, out->data + out->len, READ_BYTES);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return eh_fail_errno(err, EH_CLASS_CONFIG, errno, "cannot read %s", path);
        if (n == 0) return true;
        out->len += (size_t)n;
    }
}

bool eh_fs_read(const char *path, eh_buf *out, eh_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return eh_fail_errno(err, EH_CLASS_CONFIG, errno, "cannot open %s", path);
    bool ok = read_all(fd, path, out, err);
    (void)close(fd);
    return ok;
}

static bool write_all(int fd, eh_slice content)
{
    while (content.len > 0) {
        ssize_t n = write(fd, content.data, content.len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        content = eh_slice_of(content.data + n, content.len - (size_t)n);
    }
    return fsync(fd) == 0;
}

bool eh_fs_write(const char *path, eh_slice content, unsigned mode, eh_err *err)
{
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof temporary)
        return eh_fail(err, EH_CLASS_CONFIG, "the path %.80s... is too long", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) return eh_fail_errno(err, EH_CLASS_CONFIG, errno, "cannot write %s", path);
    bool ok = write_all(fd, content) && fchmod(fd, (mode_t)mode) == 0;
    int saved = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        saved = errno;
    }
    if (ok && rename(temporary, path) == 0) return true;
    if (ok) saved = errno;
    (void)unlink(temporary);
    return eh_fail_errno(err, EH_CLASS_CONFIG, saved, "cannot write %s", path);
}

bool eh_fs_hash(eh_slice text, char out[EH_FS_HASH_SIZE], eh_err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (EVP_Digest(text.data, text.len, digest, &size, EVP_sha256(), NULL) != 1)
        return eh_fail_memory(err, "a hash");
    for (size_t i = 0; i < size && 2 * i + 2 < EH_FS_HASH_SIZE; i++) {
        out[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    out[EH_FS_HASH_SIZE - 1] = '\0';
    return true;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool make_one(const char *path, eh_err *err)
{
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && is_folder(path))) return true;
    return eh_fail_errno(err, EH_CLASS_CONFIG, errno, "cannot make the folder %s", path);
}

bool eh_fs_make_folder(const char *path, eh_err *err)
{
    char *copy = strdup(path);
    if (copy == NULL) return eh_fail_memory(err, "a path");
    bool ok = true;
    for (char *slash = strchr(copy + 1, '/'); ok && slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        ok = make_one(copy, err);
        *slash = '/';
    }
    ok = ok && make_one(copy, err);
    free(copy);
    return ok;
}
