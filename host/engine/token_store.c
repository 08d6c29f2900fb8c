/* engine/token_store.c: see token_store.h. A file is 12 bytes of nonce, the text encrypted, 16
 * bytes of tag. */
#include "engine/token_store.h"

#include "base/fault.h"
#include "engine/signature.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

enum { NONCE = 12, TAG = 16, FILE_MAX = 256 * 1024 };

void eh_token_store_open(eh_token_store *store, const char *folder, eh_slice key)
{
    static const char use[] = "etlhost tokens 1";
    eh_digest digest;
    *store = (eh_token_store){.folder = NULL};
    if (folder == NULL || !eh_digest_keyed("sha256", key, eh_slice_str(use), &digest, NULL))
        return;
    store->folder = folder;
    memcpy(store->key, digest.bytes, sizeof store->key);
    explicit_bzero(&digest, sizeof digest);
}

void eh_token_store_close(eh_token_store *store)
{
    explicit_bzero(store, sizeof *store);
}

static eh_slice key_of(const eh_token_store *store)
{
    return eh_slice_of((const char *)store->key, sizeof store->key);
}

bool eh_token_store_find(const eh_token_store *store, eh_slice owner, eh_token_file *file,
                         eh_err *err)
{
    eh_digest digest;
    eh_buf name;
    eh_buf_init(&name, 128);
    file->owner = owner;
    bool ok = eh_digest_keyed("sha256", key_of(store), owner, &digest, err) &&
              eh_hex_encode(eh_slice_of((char *)digest.bytes, digest.len), &name, err);
    int n = ok ? snprintf(file->path, sizeof file->path, "%s/%.*s", store->folder,
                          EH_SLICE_FMT(eh_buf_slice(&name)))
               : 0;
    eh_buf_free(&name);
    if (!ok || (n > 0 && (size_t)n + sizeof ".lock" < sizeof file->path)) return ok;
    return eh_fail(err, EH_CLASS_CONFIG, "the folder of the tokens has too long a name");
}

int eh_token_store_lock(const eh_token_file *file)
{
    char path[sizeof file->path + 8];
    (void)snprintf(path, sizeof path, "%s.lock", file->path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return -2;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
    bool is_taken = errno == EWOULDBLOCK;
    (void)close(fd);
    return is_taken ? -1 : -2;
}

/* ---- AES-256-GCM ----------------------------------------------------------------------------
 */

/* in to out, which has as much room; tag is made or checked. */
static bool run_cipher(const eh_token_store *store, eh_slice owner, const unsigned char *nonce,
                       eh_slice in, unsigned char *out, unsigned char *tag, bool encrypt)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int len = 0, way = encrypt ? 1 : 0;
    bool ok =
        c != NULL &&
        EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, store->key, nonce, way) == 1 &&
        EVP_CipherUpdate(c, NULL, &len, (const unsigned char *)owner.data, (int)owner.len) ==
            1 &&
        EVP_CipherUpdate(c, out, &len, (const unsigned char *)in.data, (int)in.len) == 1 &&
        (encrypt || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG, tag) == 1) &&
        EVP_CipherFinal_ex(c, out + len, &len) == 1 &&
        (!encrypt || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG, tag) == 1);
    EVP_CIPHER_CTX_free(c);
    return ok;
}

/* ---- files ----------------------------------------------------------------------------------
 */

static bool read_file(const char *path, eh_buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return false;
    char chunk[4096];
    ssize_t n;
    bool ok = true;
    while (ok && (n = read(fd, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno == EINTR) continue;
        ok = n > 0 && eh_buf_append(out, chunk, (size_t)n, NULL);
    }
    (void)close(fd);
    return ok;
}

bool eh_token_store_read(const eh_token_store *store, const eh_token_file *file, eh_buf *out)
{
    eh_buf sealed;
    eh_buf_init(&sealed, FILE_MAX);
    bool ok = read_file(file->path, &sealed) && sealed.len > NONCE + TAG;
    size_t len = ok ? sealed.len - NONCE - TAG : 0;
    ok = ok && eh_buf_reserve(out, len, NULL);
    unsigned char *bytes = (unsigned char *)sealed.data;
    ok = ok && run_cipher(store, file->owner, bytes, eh_slice_of(sealed.data + NONCE, len),
                          (unsigned char *)out->data + out->len, bytes + NONCE + len, false);
    if (ok) out->len += len;
    eh_buf_free(&sealed);
    return ok;
}

static bool write_file(const char *path, eh_slice bytes, eh_err *err)
{
    char draft[4300];
    (void)snprintf(draft, sizeof draft, "%s.%ld", path, (long)getpid());
    int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return eh_fail_errno(err, EH_CLASS_CONFIG, errno, "cannot keep a token");
    bool ok = write(fd, bytes.data, bytes.len) == (ssize_t)bytes.len;
    int reason = errno;
    ok = close(fd) == 0 && ok && rename(draft, path) == 0;
    if (ok) return true;
    (void)unlink(draft);
    return eh_fail_errno(err, EH_CLASS_CONFIG, reason, "cannot keep a token");
}

bool eh_token_store_write(const eh_token_store *store, const eh_token_file *file, eh_slice text,
                          eh_err *err)
{
    size_t len = NONCE + text.len + TAG;
    unsigned char *sealed = malloc(len);
    if (sealed == NULL) return eh_fail_memory(err, "a token");
    bool ok = getrandom(sealed, NONCE, 0) == NONCE &&
              run_cipher(store, file->owner, sealed, text, sealed + NONCE,
                         sealed + NONCE + text.len, true);
    ok = ok ? write_file(file->path, eh_slice_of((char *)sealed, len), err)
            : eh_fail(err, EH_CLASS_CONFIG, "this system's OpenSSL cannot encrypt a token");
    free(sealed);
    if (ok) EH_FAULT("token.stored");
    return ok;
}

void eh_token_store_remove(const eh_token_file *file)
{
    (void)unlink(file->path);
}
