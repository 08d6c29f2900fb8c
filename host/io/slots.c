/* io/slots.c: see slots.h. The files are FOLDER/HASH.NUMBER and FOLDER/HASH.queue; each holds
 * the process id and the name of who locked it. One that is given back is removed while it is
 * still locked, so whoever locks a file looks whether it still has a name. */
#include "io/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUEUE ((size_t)-1) /* the queue's file instead of a slot's */

struct eh_slots {
    char folder[64];
    uint64_t hash;
    size_t most;
    char name[120];
    int slot[EH_SLOTS_MAX]; /* descriptors of the slots held, -1: not held */
    int queue;              /* of the place in the queue, or -1 */
};

/* ---- the folder ------------------------------------------------------------------------- */

/* Mine alone: others could lock the files, or put links in their place. */
static bool is_safe(const char *folder)
{
    struct stat found;
    return lstat(folder, &found) == 0 && S_ISDIR(found.st_mode) && found.st_uid == geteuid() &&
           (found.st_mode & 077) == 0 && access(folder, W_OK) == 0;
}

/* Not XDG_RUNTIME_DIR: a job of cron has none, and must share with a login. */
static bool find_folder(char *out, size_t size, eh_err *err)
{
    static const char *const parents[] = {"/run/lock", "/tmp"};
    for (size_t i = 0; i < sizeof parents / sizeof *parents; i++) {
        (void)snprintf(out, size, "%s/etlhost-%u", parents[i], (unsigned)geteuid());
        if ((mkdir(out, 0700) == 0 || errno == EEXIST) && is_safe(out)) return true;
    }
    return eh_fail(err, EH_CLASS_CONFIG,
                   "neither /run/lock/etlhost-%u nor /tmp/etlhost-%u is a folder that only "
                   "this user can write",
                   (unsigned)geteuid(), (unsigned)geteuid());
}

/* FNV-1a: names a file; nothing depends on it being hard to collide. */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = 14695981039346656037u;
    for (; *text != '\0'; text++) hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

eh_slots *eh_slots_new(const char *what, size_t most, const char *name, eh_err *err)
{
    eh_slots *slots = calloc(1, sizeof *slots);
    if (slots == NULL) {
        (void)eh_fail_memory(err, "connection slots");
        return NULL;
    }
    slots->hash = hash_of(what);
    slots->most = most < EH_SLOTS_MAX ? most : EH_SLOTS_MAX;
    slots->queue = -1;
    for (size_t i = 0; i < EH_SLOTS_MAX; i++) slots->slot[i] = -1;
    (void)snprintf(slots->name, sizeof slots->name, "%s", name);
    if (find_folder(slots->folder, sizeof slots->folder, err)) return slots;
    free(slots);
    return NULL;
}

/* ---- files ------------------------------------------------------------------------------ */

static void path_of(const eh_slots *slots, size_t number, char *out, size_t size)
{
    if (number == QUEUE)
        (void)snprintf(out, size, "%s/%016" PRIx64 ".queue", slots->folder, slots->hash);
    else
        (void)snprintf(out, size, "%s/%016" PRIx64 ".%zu", slots->folder, slots->hash, number);
}

static void write_holder(int fd, const char *name)
{
    char line[160];
    int length = snprintf(line, sizeof line, "%ld %s\n", (long)getpid(), name);
    /* For people and for telling who is stopped: the lock alone decides. */
    if (length > 0 && ftruncate(fd, 0) == 0 && pwrite(fd, line, (size_t)length, 0) < 0) return;
}

/* A descriptor with the lock, or -1. */
static int lock_file(const eh_slots *slots, size_t number)
{
    char path[128];
    path_of(slots, number, path, sizeof path);
    for (int tries = 0; tries < 8; tries++) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) return -1;
        struct stat found;
        bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
        if (locked && fstat(fd, &found) == 0 && found.st_nlink > 0) {
            write_holder(fd, slots->name);
            return fd;
        }
        (void)close(fd);
        if (!locked) return -1;
        /* Its holder removed it between our two calls: there is a new one. */
    }
    return -1;
}

static void unlock_file(const eh_slots *slots, size_t number, int *fd)
{
    char path[128];
    if (*fd < 0) return;
    path_of(slots, number, path, sizeof path);
    (void)unlink(path);
    (void)close(*fd);
    *fd = -1;
}

/* ---- who holds what --------------------------------------------------------------------- */

/* The state in field 3 of /proc/PID/stat (proc(5)); 0: there is no such process. */
static char state_of(pid_t pid)
{
    char path[48], text[512];
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0) (void)close(fd);
    if (n <= 0) return 0;
    text[n] = '\0';
    const char *end = strrchr(text, ')');
    return end != NULL && end[1] == ' ' ? end[2] : 0;
}

/* False when nobody alive has written the file. */
static bool read_holder(const eh_slots *slots, size_t number, eh_slot_holder *out)
{
    char path[128], line[160];
    path_of(slots, number, path, sizeof path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd >= 0 ? pread(fd, line, sizeof line - 1, 0) : -1;
    if (fd >= 0) (void)close(fd);
    if (n <= 0) return false;
    line[n] = '\0';
    char *name;
    long pid = strtol(line, &name, 10);
    if (pid <= 0) return false;
    *out = (eh_slot_holder){.pid = (pid_t)pid};
    name += strspn(name, " ");
    (void)snprintf(out->name, sizeof out->name, "%.*s", (int)strcspn(name, "\n"), name);
    char state = state_of(out->pid);
    out->stopped = state == 'T' || state == 't';
    return state != 0 && state != 'Z' && state != 'X';
}

size_t eh_slots_holders(const eh_slots *slots, eh_slot_holder out[EH_SLOTS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < EH_SLOTS_MAX; i++)
        if (read_holder(slots, i, &out[count])) count++;
    return count;
}

static size_t count_stopped(const eh_slots *slots)
{
    eh_slot_holder holder[EH_SLOTS_MAX];
    size_t count = eh_slots_holders(slots, holder), stopped = 0;
    for (size_t i = 0; i < count; i++) stopped += holder[i].stopped ? 1 : 0;
    return stopped;
}

/* ---- taking and giving ------------------------------------------------------------------ */

static void leave_queue(eh_slots *slots)
{
    unlock_file(slots, QUEUE, &slots->queue);
}

/* True with the place in the queue, or when its holder is stopped and will not move on. */
static bool enter_queue(eh_slots *slots)
{
    eh_slot_holder first;
    if (slots->queue < 0) slots->queue = lock_file(slots, QUEUE);
    return slots->queue >= 0 || (read_holder(slots, QUEUE, &first) && first.stopped);
}

/* Locks up to `count` slots; gives how many. */
static size_t take_some(eh_slots *slots, size_t count, size_t taken[EH_SLOTS_MAX])
{
    size_t got = 0, most = slots->most + count_stopped(slots);
    for (size_t i = 0; i < most && i < EH_SLOTS_MAX && got < count; i++) {
        if (slots->slot[i] >= 0) continue;
        slots->slot[i] = lock_file(slots, i);
        if (slots->slot[i] >= 0) taken[got++] = i;
    }
    return got;
}

bool eh_slots_take(eh_slots *slots, size_t count, bool waiting)
{
    size_t taken[EH_SLOTS_MAX];
    if (!enter_queue(slots)) return false;
    size_t got = take_some(slots, count, taken);
    for (size_t i = 0; got < count && i < got; i++)
        unlock_file(slots, taken[i], &slots->slot[taken[i]]);
    if (got == count || !waiting) leave_queue(slots);
    return got == count;
}

void eh_slots_give(eh_slots *slots)
{
    for (size_t i = EH_SLOTS_MAX; i-- > 0;) {
        if (slots->slot[i] < 0) continue;
        unlock_file(slots, i, &slots->slot[i]);
        return;
    }
}

bool eh_slots_wanted(eh_slots *slots)
{
    eh_slot_holder first;
    int fd = lock_file(slots, QUEUE);
    if (fd < 0) return read_holder(slots, QUEUE, &first) && !first.stopped;
    unlock_file(slots, QUEUE, &fd);
    return false;
}

void eh_slots_free(eh_slots *slots)
{
    if (slots == NULL) return;
    leave_queue(slots);
    for (size_t i = 0; i < EH_SLOTS_MAX; i++) unlock_file(slots, i, &slots->slot[i]);
    free(slots);
}
