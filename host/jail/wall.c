/* jail/wall.c: see wall.h. The order matters: each step needs calls that a later one takes
 * away.
 *
 * seccomp is the wall. The resource limits, Landlock without a single right, the empty
 * capability set and the closed descriptors are what is left should a way around it be found.
 */
#include "jail/wall.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* ---- Descriptors and limits ---------------------------------------------------------------
 */

/* Standard descriptors must exist, or a later one would take their number; nobody listens. The
 * sanitizers keep their way to speak. */
static bool silence_standard(eh_err *err)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) return eh_fail_errno(err, EH_CLASS_DENIED, errno, "cannot open /dev/null");
    bool ok = true;
    for (int fd = 0; fd <= (SANITIZED ? 1 : 2); fd++) ok = ok && dup2(null, fd) == fd;
    if (null > 2) (void)close(null);
    return ok || eh_fail_errno(err, EH_CLASS_DENIED, errno, "cannot replace descriptors");
}

static bool close_others(int socket, eh_err *err)
{
    bool ok = socket <= 3 || close_range(3, (unsigned)socket - 1, 0) == 0;
    ok = ok && close_range((unsigned)socket + 1, ~0U, 0) == 0;
    return ok || eh_fail_errno(err, EH_CLASS_DENIED, errno, "cannot close descriptors");
}

static bool limit(int resource, rlim_t value, eh_err *err)
{
    struct rlimit r = {value, value};
    return setrlimit((__rlimit_resource_t)resource, &r) == 0 ||
           eh_fail_errno(err, EH_CLASS_DENIED, errno, "cannot set limit %d", resource);
}

static bool set_limits(int socket, eh_err *err)
{
    return limit(RLIMIT_CORE, 0, err) && limit(RLIMIT_FSIZE, 0, err) &&
           limit(RLIMIT_NPROC, 0, err) && limit(RLIMIT_MEMLOCK, 0, err) &&
           limit(RLIMIT_MSGQUEUE, 0, err) && limit(RLIMIT_NOFILE, (rlim_t)socket + 1, err);
}

/* Address space in use, from proc(5): the first number of statm, in pages. 0 when unknown. */
static size_t measure_addresses(void)
{
    char text[64];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t len = read(fd, text, sizeof text - 1);
    (void)close(fd);
    if (len <= 0) return 0;
    text[len] = '\0';
    return (size_t)strtoul(text, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

bool eh_wall_limit_memory(const eh_wall *wall, size_t bytes, eh_err *err)
{
    size_t total;
    /* The sanitizers reserve terabytes of addresses. */
    if (SANITIZED || wall->in_use_bytes == 0) return true;
    if (__builtin_add_overflow(wall->in_use_bytes, bytes, &total)) return true;
    return limit(RLIMIT_AS, (rlim_t)total, err);
}

static bool set_process_flags(eh_err *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct no_capability[2];
    memset(no_capability, 0, sizeof no_capability);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    if (sigaction(SIGPIPE, &ignore, NULL) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
        prctl(PR_SET_DUMPABLE, SANITIZED) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_capset, &head, no_capability) != 0)
        return eh_fail_errno(err, EH_CLASS_DENIED, errno, "cannot give up privileges");
    return true;
}

/* ---- Landlock ------------------------------------------------------------------------------
 */

/* The newest attribute struct we know of; the kernel takes a prefix (landlock(7)). */
typedef struct landlock_attr {
    uint64_t fs;
    uint64_t net;    /* ABI 4: bind and connect */
    uint64_t scoped; /* ABI 6: abstract sockets and signals */
} landlock_attr;

/* A ruleset that handles every right and grants none. */
static bool restrict_files(void)
{
    static const unsigned fs_bits[] = {0, 13, 14, 15, 15, 16}; /* by ABI */
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) return false;
    unsigned bits = fs_bits[abi < 5 ? abi : 5];
    landlock_attr attr = {.fs = (UINT64_C(1) << bits) - 1};
    size_t size = sizeof attr.fs;
    if (abi >= 4) {
        attr.net = 3;
        size = offsetof(landlock_attr, scoped);
    }
    if (abi >= 6) {
        attr.scoped = 3;
        size = sizeof attr;
    }
    long ruleset = syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    if (ruleset < 0) return false;
    bool ok = syscall(SYS_landlock_restrict_self, (int)ruleset, 0) == 0;
    (void)close((int)ruleset);
    return ok;
}

/* ---- seccomp -------------------------------------------------------------------------------
 */

static bool allow(scmp_filter_ctx filter, int call)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0;
}

/* The kernel reads 32 bits of an int argument; the register may hold more. */
static struct scmp_arg_cmp bits(unsigned argument, uint32_t mask, uint32_t value)
{
    return (struct scmp_arg_cmp){
        .arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

static struct scmp_arg_cmp equals(unsigned argument, int value)
{
    return bits(argument, UINT32_MAX, (uint32_t)value);
}

static bool allow_if(scmp_filter_ctx filter, int call, struct scmp_arg_cmp first)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, first) == 0;
}

static bool allow_if_both(scmp_filter_ctx filter, int call, struct scmp_arg_cmp first,
                          struct scmp_arg_cmp second)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 2, first, second) == 0;
}

/* Memory of one's own, never executable, never from a file. */
static bool allow_memory(scmp_filter_ctx filter)
{
    struct scmp_arg_cmp not_executable = bits(2, PROT_EXEC, 0);
    return allow_if_both(filter, SCMP_SYS(mmap), not_executable, equals(4, -1)) &&
           allow_if(filter, SCMP_SYS(mprotect), not_executable) &&
           allow(filter, SCMP_SYS(munmap)) && allow(filter, SCMP_SYS(mremap)) &&
           allow(filter, SCMP_SYS(brk)) && allow(filter, SCMP_SYS(madvise));
}

/* abort(3): a crash must be seen as a crash and not as a forbidden call. */
static bool allow_abort(scmp_filter_ctx filter)
{
    return allow(filter, SCMP_SYS(rt_sigprocmask)) && allow(filter, SCMP_SYS(getpid)) &&
           allow(filter, SCMP_SYS(gettid)) &&
           allow_if(filter, SCMP_SYS(writev), equals(0, STDERR_FILENO)) &&
           allow_if_both(filter, SCMP_SYS(tgkill), equals(0, getpid()), equals(2, SIGABRT));
}

static bool allow_sanitizer(scmp_filter_ctx filter)
{
    return !SANITIZED ||
           (allow(filter, SCMP_SYS(futex)) && allow(filter, SCMP_SYS(sched_yield)) &&
            allow(filter, SCMP_SYS(sigaltstack)) && allow(filter, SCMP_SYS(rt_sigaction)) &&
            allow_if(filter, SCMP_SYS(write), equals(0, STDERR_FILENO)));
}

static bool fill_filter(scmp_filter_ctx filter, int socket)
{
    return seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0 &&
           allow_if(filter, SCMP_SYS(read), equals(0, socket)) &&
           allow_if(filter, SCMP_SYS(write), equals(0, socket)) &&
           allow(filter, SCMP_SYS(poll)) && allow_memory(filter) &&
           allow(filter, SCMP_SYS(exit_group)) && allow(filter, SCMP_SYS(exit)) &&
           allow(filter, SCMP_SYS(rt_sigreturn)) && allow(filter, SCMP_SYS(restart_syscall)) &&
           allow(filter, SCMP_SYS(clock_gettime)) && allow(filter, SCMP_SYS(getrandom)) &&
           allow_if(filter, SCMP_SYS(setitimer), equals(0, ITIMER_PROF)) &&
           /* Lowering one's own limit of address space, nothing else of prlimit. */
           allow_if_both(filter, SCMP_SYS(prlimit64), equals(0, 0), equals(1, RLIMIT_AS)) &&
           allow_abort(filter) && allow_sanitizer(filter);
}

static bool close_the_gate(int socket)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL) return false;
    bool ok = fill_filter(filter, socket) && seccomp_load(filter) == 0;
    /* Frees memory only; the filter in the kernel stays. */
    seccomp_release(filter);
    return ok;
}

bool eh_wall_build(eh_wall *wall, int socket, eh_err *err)
{
    *wall = (eh_wall){.in_use_bytes = measure_addresses()};
    bool ok = silence_standard(err) && close_others(socket, err) && set_process_flags(err);
    /* Before the limits, which leave no number for the descriptor of a ruleset. */
    wall->landlock = ok && restrict_files();
    if (!ok || !set_limits(socket, err))
        return eh_err_while(err, "building the wall of the script process");
    wall->seccomp = close_the_gate(socket);
    return true;
}
