/* load/export.c: see export.h. */
#include "load/export.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PENDING_MAX ((size_t)1 << 30) /* a value of PostgreSQL's is no longer */
#define WRITE_BYTES ((size_t)256 * 1024)

bool eh_export_open(eh_export *export, const char *path, eh_err *err)
{
    *export = (eh_export){.path = path, .fd = -1};
    eh_buf_init(&export->pending, PENDING_MAX);
    export->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (export->fd >= 0) return true;
    if (errno == EEXIST) {
        (void)eh_fail(err, EH_CLASS_CONFIG, "%s is there already", path);
        return eh_err_hint(err, "name another folder");
    }
    return eh_fail_errno(err, EH_CLASS_CONFIG, errno, "%s", path);
}

static bool flush(eh_export *export, eh_err *err)
{
    for (size_t done = 0; done < export->pending.len;) {
        ssize_t n = write(export->fd, export->pending.data + done, export->pending.len - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return eh_fail_errno(err, EH_CLASS_CONFIG, errno, "%s", export->path);
        done += (size_t)n;
    }
    export->pending.len = 0;
    return true;
}

bool eh_export_begin(eh_export *export, eh_err *err)
{
    export->pending.len = 0;
    export->in_row = false;
    export->rows = -1; /* the header is none */
    if (ftruncate(export->fd, 0) == 0 && lseek(export->fd, 0, SEEK_SET) == 0) return true;
    return eh_fail_errno(err, EH_CLASS_CONFIG, errno, "%s", export->path);
}

static bool needs_quotes(eh_slice text)
{
    if (text.len == 0) return true;
    for (size_t i = 0; i < text.len; i++)
        if (memchr(",\"\r\n", text.data[i], 4) != NULL) return true;
    return text.data[0] == ' ' || text.data[text.len - 1] == ' ';
}

static bool put_quoted(eh_buf *out, eh_slice text, eh_err *err)
{
    if (!eh_buf_append_byte(out, '"', err)) return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"' && !eh_buf_append_byte(out, '"', err)) return false;
        if (!eh_buf_append_byte(out, text.data[i], err)) return false;
    }
    return eh_buf_append_byte(out, '"', err);
}

bool eh_export_cell(eh_export *export, eh_slice text, eh_err *err)
{
    eh_buf *out = &export->pending;
    if (export->in_row && !eh_buf_append_byte(out, ',', err)) return false;
    export->in_row = true;
    if (text.data == NULL) return true;
    if (needs_quotes(text)) return put_quoted(out, text, err);
    return eh_buf_append(out, text.data, text.len, err);
}

bool eh_export_end_row(eh_export *export, eh_err *err)
{
    export->in_row = false;
    export->rows++;
    if (!eh_buf_append_byte(&export->pending, '\n', err)) return false;
    return export->pending.len < WRITE_BYTES || flush(export, err);
}

bool eh_export_finish(eh_export *export, eh_err *err)
{
    if (!flush(export, err)) return false;
    if (fsync(export->fd) == 0) return true;
    return eh_fail_errno(err, EH_CLASS_CONFIG, errno, "%s", export->path);
}

void eh_export_close(eh_export *export, bool keep)
{
    if (export->fd >= 0) {
        (void)close(export->fd);
        /* One that cannot be removed is seen by the next export, which refuses. */
        if (!keep) (void)unlink(export->path);
    }
    export->fd = -1;
    eh_buf_free(&export->pending);
}
