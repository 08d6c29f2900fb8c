/* wire/window.c: see window.h, which says what each side may do and why the seals are there. */
#include "wire/window.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEALS = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL };

static const eh_window none = {-1, NULL, 0};

static bool make(eh_window *window, size_t size, eh_err *err)
{
    window->fd = memfd_create("etlhost window", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (window->fd < 0)
        return eh_fail_errno(err, EH_CLASS_LIMIT, errno, "cannot make shared memory");
    if (ftruncate(window->fd, (off_t)size) != 0)
        return eh_fail_errno(err, EH_CLASS_LIMIT, errno, "cannot size shared memory");
    void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, window->fd, 0);
    if (data == MAP_FAILED)
        return eh_fail_errno(err, EH_CLASS_LIMIT, errno, "cannot map shared memory");
    window->data = data;
    window->size = size;
    /* After the mapping above no writable one can be made, and this one stays (fcntl(2)). */
    if (fcntl(window->fd, F_ADD_SEALS, SEALS) != 0)
        return eh_fail_errno(err, EH_CLASS_LIMIT, errno, "cannot seal shared memory");
    return true;
}

bool eh_window_create(eh_window *window, size_t size, eh_err *err)
{
    *window = none;
    if (size == 0 || size > INT32_MAX)
        return eh_fail(err, EH_CLASS_BUG, "a window cannot have %zu bytes", size);
    if (make(window, size, err)) return true;
    eh_window_close(window);
    return false;
}

bool eh_window_open(eh_window *window, int fd, eh_err *err)
{
    *window = none;
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || fstat(fd, &st) != 0)
        return eh_fail_errno(err, EH_CLASS_BUG, errno, "descriptor %d is no window", fd);
    if ((seals & SEALS) != SEALS || st.st_size <= 0 || st.st_size > INT32_MAX)
        return eh_fail(err, EH_CLASS_BUG, "descriptor %d is a window without its seals", fd);
    void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED)
        return eh_fail_errno(err, EH_CLASS_LIMIT, errno, "cannot map the window");
    *window = (eh_window){fd, data, (size_t)st.st_size};
    return true;
}

void eh_window_close(eh_window *window)
{
    if (window->data != NULL) (void)munmap(window->data, window->size);
    if (window->fd >= 0) (void)close(window->fd);
    *window = none;
}
