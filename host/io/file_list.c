/* io/file_list.c: the files beneath a root, in byte order; see file.h.
 *
 * The whole tree is walked for every page, but for folders that lie before it; no more than two
 * pages of names are kept while walking. */
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
#define PATH_MOST ((size_t)16 * 1024) /* the kernel takes 4 KB */

typedef struct listing {
    int root;
    const char *root_name;
    const char *prefix;
    const char *after;
    size_t limit;
    eh_buf path;            /* of what is being looked at, relative to the root */
    eh_file_entry *entries; /* owned, their names too */
    size_t count;
    size_t capacity;
    bool more;
} listing;

/* The folders that lead to the one being walked: a link may point at one of them. */
typedef struct level {
    const struct level *up;
    dev_t device;
    ino_t inode;
    int depth;
} level;

static int open_beneath(const listing *l, const char *name, uint64_t flags)
{
    struct open_how how = {.flags = flags | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, l->root, name, &how, sizeof how);
}

/* ---- entries ---------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const eh_file_entry *)a)->name, ((const eh_file_entry *)b)->name);
}

static void free_name(const eh_file_entry *entry)
{
    free((void *)(uintptr_t)entry->name);
}

/* In order, and no more than one page. */
static void keep_first(listing *l)
{
    if (l->count > 1) qsort(l->entries, l->count, sizeof *l->entries, by_name);
    while (l->count > l->limit) {
        free_name(&l->entries[--l->count]);
        l->more = true;
    }
}

static bool add_entry(listing *l, const char *name, const struct stat *st, eh_err *err)
{
    if (l->count == l->capacity && l->count > 2 * l->limit) keep_first(l);
    if (l->count == l->capacity) {
        size_t capacity = l->capacity * 2 + 64;
        eh_file_entry *more = realloc(l->entries, capacity * sizeof *more);
        if (more == NULL) return eh_fail_memory(err, "a listing");
        l->entries = more;
        l->capacity = capacity;
    }
    char *copy = strdup(name);
    if (copy == NULL) return eh_fail_memory(err, "a listing");
    l->entries[l->count++] = (eh_file_entry){
        .name = copy,
        .size = (uint64_t)st->st_size,
        .modified_us = (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000,
    };
    return true;
}

static bool is_wanted(const listing *l, const char *name)
{
    return strncmp(name, l->prefix, strlen(l->prefix)) == 0 &&
           (l->after == NULL || strcmp(name, l->after) > 0);
}

/* Could a name beneath this folder begin with the prefix, and come after `after`? */
static bool may_hold_wanted(const listing *l, const char *folder)
{
    size_t len = strlen(folder), prefix = strlen(l->prefix);
    if (strncmp(folder, l->prefix, len < prefix ? len : prefix) != 0) return false;
    if (len < prefix && l->prefix[len] != '/') return false;
    if (l->after == NULL) return true;
    int order = strncmp(folder, l->after, len);
    return order > 0 || (order == 0 && (unsigned char)l->after[len] <= '/');
}

/* ---- walking ---------------------------------------------------------------------------- */

static bool walk(listing *l, const level *up, const struct stat *st, eh_err *err);

/* A link that leads out is listed, so that loading it is refused and said; a file that went
 * meanwhile, or a link to nothing, is not. */
static bool cannot_open(listing *l, const char *name, eh_err *err)
{
    int reason = errno;
    if (reason == ENOENT) return true;
    if (reason != EXDEV && reason != ELOOP)
        return eh_fail_errno(err, EH_CLASS_CONFIG, reason, "cannot look at %s/%s", l->root_name,
                             name);
    return !is_wanted(l, name) || add_entry(l, name, &(struct stat){.st_size = 0}, err);
}

static bool is_above(const level *at, const struct stat *st)
{
    for (; at != NULL; at = at->up)
        if (at->device == st->st_dev && at->inode == st->st_ino) return true;
    return false;
}

/* l->path is the file or folder to look at. */
static bool visit(listing *l, const level *at, unsigned char type, eh_err *err)
{
    const char *name = l->path.data;
    if (type == DT_REG && !is_wanted(l, name)) return true;
    int fd = open_beneath(l, name, O_PATH);
    if (fd < 0) return cannot_open(l, name, err);
    struct stat st;
    bool known = fstat(fd, &st) == 0;
    (void)close(fd);
    if (!known) return eh_fail_errno(err, EH_CLASS_TRANSIENT, errno, "cannot look at %s", name);
    if (S_ISDIR(st.st_mode))
        return !may_hold_wanted(l, name) || is_above(at, &st) || walk(l, at, &st, err);
    return !S_ISREG(st.st_mode) || !is_wanted(l, name) || add_entry(l, name, &st, err);
}

static bool visit_part(listing *l, const level *at, const struct dirent *entry, eh_err *err)
{
    if (entry->d_name[0] == '.') return true;
    size_t before = l->path.len;
    bool ok = (before == 0 || eh_buf_append_byte(&l->path, '/', err)) &&
              eh_buf_append_str(&l->path, entry->d_name, err) &&
              (eh_buf_cstr(&l->path) != NULL || eh_fail_memory(err, "a listing")) &&
              visit(l, at, entry->d_type, err);
    l->path.len = before;
    return ok;
}

static bool walk_open(listing *l, const level *at, DIR *dir, eh_err *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL && errno != 0)
            return eh_fail_errno(err, EH_CLASS_TRANSIENT, errno, "cannot list %s",
                                 l->root_name);
        if (entry == NULL) return true;
        if (!visit_part(l, at, entry, err)) return false;
    }
}

static bool walk(listing *l, const level *up, const struct stat *st, eh_err *err)
{
    level here = {up, st->st_dev, st->st_ino, up != NULL ? up->depth + 1 : 0};
    if (here.depth > DEPTH_MAX)
        return eh_fail(err, EH_CLASS_LIMIT, "folders under %s are nested more than %d deep",
                       l->root_name, DEPTH_MAX);
    int fd = open_beneath(l, l->path.len > 0 ? l->path.data : ".", O_RDONLY | O_DIRECTORY);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        int reason = errno;
        if (fd >= 0) (void)close(fd);
        if (reason == ENOENT && up != NULL) return true; /* went meanwhile */
        return eh_fail_errno(err, EH_CLASS_CONFIG, reason, "cannot list %s%s%s", l->root_name,
                             up != NULL ? "/" : "", up != NULL ? l->path.data : "");
    }
    bool ok = walk_open(l, &here, dir, err);
    (void)closedir(dir);
    return ok;
}

/* ---- the page --------------------------------------------------------------------------- */

static bool hand_out(const listing *l, eh_arena *arena, eh_file_entry **entries, eh_err *err)
{
    *entries = eh_arena_zalloc(arena, l->count, sizeof **entries);
    if (*entries == NULL) return eh_fail_memory(err, "a listing");
    for (size_t i = 0; i < l->count; i++) {
        (*entries)[i] = l->entries[i];
        (*entries)[i].name = eh_arena_strdup(arena, l->entries[i].name);
        if ((*entries)[i].name == NULL) return eh_fail_memory(err, "a listing");
    }
    return true;
}

bool eh_files_list(const char *root, const char *prefix, const char *after, size_t limit,
                   eh_arena *arena, eh_file_entry **entries, size_t *count, bool *more,
                   eh_err *err)
{
    listing l = {.root_name = root, .prefix = prefix, .after = after, .limit = limit};
    struct stat st;
    eh_buf_init(&l.path, PATH_MOST);
    l.root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (l.root < 0)
        return eh_fail_errno(err, EH_CLASS_CONFIG, errno, "cannot open the folder %s", root);
    bool ok = fstat(l.root, &st) == 0 ||
              eh_fail_errno(err, EH_CLASS_TRANSIENT, errno, "cannot look at %s", root);
    ok = ok && walk(&l, NULL, &st, err);
    (void)close(l.root);
    keep_first(&l);
    ok = ok && hand_out(&l, arena, entries, err);
    *count = ok ? l.count : 0;
    *more = l.more;
    for (size_t i = 0; i < l.count; i++) free_name(&l.entries[i]);
    free(l.entries);
    eh_buf_free(&l.path);
    return ok;
}
