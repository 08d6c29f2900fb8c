/* io/file_list.c: the files beneath a root, in byte order; see file.h. */
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEPTH_MAX 32
#define NAMES_MAX ((size_t)1000000)

typedef struct listing {
    int root;
    const char *root_name;
    const char *prefix;
    const char *after;
    eh_arena *arena;
    eh_file_entry *entries;
    size_t count;
    size_t capacity;
} listing;

static bool add_entry(listing *l, const char *name, const struct stat *st, eh_err *err)
{
    if (l->count == NAMES_MAX)
        return eh_fail(err, EH_CLASS_LIMIT, "more than %zu files under %s", NAMES_MAX,
                       l->root_name);
    if (l->count == l->capacity) {
        size_t capacity = l->capacity * 2 + 64;
        eh_file_entry *more = realloc(l->entries, capacity * sizeof *more);
        if (more == NULL) return eh_fail_memory(err, "a listing");
        l->entries = more;
        l->capacity = capacity;
    }
    l->entries[l->count++] = (eh_file_entry){
        .name = name,
        .size = (uint64_t)st->st_size,
        .modified_us = (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000,
    };
    return true;
}

/* Could a name beneath this folder begin with the prefix? */
static bool leads_to_prefix(const char *folder, const char *prefix)
{
    size_t a = strlen(folder), b = strlen(prefix);
    return strncmp(folder, prefix, a < b ? a : b) == 0;
}

static bool is_wanted(const listing *l, const char *name)
{
    return strncmp(name, l->prefix, strlen(l->prefix)) == 0 &&
           (l->after == NULL || strcmp(name, l->after) > 0);
}

static bool walk(listing *l, const char *folder, int depth, eh_err *err);

static bool visit(listing *l, const char *folder, const char *part, int depth, eh_err *err)
{
    const char *name = folder[0] == '\0' ? eh_arena_strdup(l->arena, part)
                                         : eh_arena_printf(l->arena, "%s/%s", folder, part);
    if (name == NULL) return eh_fail_memory(err, "a listing");
    struct open_how how = {.flags = O_PATH | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, l->root, name, &how, sizeof how);
    /* A link that leads out is listed, so that loading it is refused and said; a file that went
     * meanwhile is not. */
    if (fd < 0 && (errno == EXDEV || errno == ELOOP) && is_wanted(l, name))
        return add_entry(l, name, &(struct stat){.st_size = 0}, err);
    if (fd < 0) return true;
    struct stat st;
    bool known = fstat(fd, &st) == 0;
    (void)close(fd);
    if (!known) return true;
    if (S_ISDIR(st.st_mode))
        return !leads_to_prefix(name, l->prefix) || walk(l, name, depth + 1, err);
    if (!S_ISREG(st.st_mode) || !is_wanted(l, name)) return true;
    return add_entry(l, name, &st, err);
}

static bool walk(listing *l, const char *folder, int depth, eh_err *err)
{
    if (depth > DEPTH_MAX)
        return eh_fail(err, EH_CLASS_LIMIT, "folders under %s are nested more than %d deep",
                       l->root_name, DEPTH_MAX);
    struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd =
        (int)syscall(SYS_openat2, l->root, folder[0] != '\0' ? folder : ".", &how, sizeof how);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        int reason = errno;
        if (fd >= 0) (void)close(fd);
        return eh_fail_errno(err, EH_CLASS_CONFIG, reason, "cannot list %s/%s", l->root_name,
                             folder);
    }
    bool ok = true;
    for (struct dirent *e; ok && (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.') ok = visit(l, folder, e->d_name, depth, err);
    (void)closedir(dir);
    return ok;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const eh_file_entry *)a)->name, ((const eh_file_entry *)b)->name);
}

bool eh_files_list(const char *root, const char *prefix, const char *after, size_t limit,
                   eh_arena *arena, eh_file_entry **entries, size_t *count, bool *more,
                   eh_err *err)
{
    listing l = {.root_name = root, .prefix = prefix, .after = after, .arena = arena};
    l.root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (l.root < 0)
        return eh_fail_errno(err, EH_CLASS_CONFIG, errno, "cannot open the folder %s", root);
    bool ok = walk(&l, "", 0, err);
    (void)close(l.root);
    if (ok && l.count > 1 && l.entries != NULL)
        qsort(l.entries, l.count, sizeof *l.entries, by_name);
    *more = l.count > limit;
    *count = *more ? limit : l.count;
    *entries = eh_arena_alloc(arena, *count * sizeof **entries);
    if (ok && *entries == NULL) ok = eh_fail_memory(err, "a listing");
    if (ok && *entries != NULL && l.entries != NULL)
        memcpy(*entries, l.entries, *count * sizeof **entries);
    free(l.entries);
    return ok;
}
