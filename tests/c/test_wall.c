/* The wall itself: native code inside it, as after a memory bug of the interpreter, tries what
 * it likes, and the kernel ends it. Each attempt has a process of its own. */
#include "jail/wall.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { SOCKET = 10, NO_WALL = 99 };

static char page[4096] __attribute__((aligned(4096)));

/* ---- Attempts: what is not ended returns ------------------------------------------------- */

static void try_open(void)
{
    (void)syscall(SYS_open, "/etc/passwd", O_RDONLY);
}

static void try_openat(void)
{
    (void)syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static void try_openat2(void)
{
    (void)syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", page, 24);
}

static void try_creat(void)
{
    (void)syscall(SYS_creat, "/tmp/etlhost-wall", 0600);
}

static void try_unlink(void)
{
    (void)syscall(SYS_unlink, "/tmp/etlhost-wall");
}

static void try_stat(void)
{
    (void)syscall(SYS_stat, "/etc/passwd", page);
}

static void try_socket(void)
{
    (void)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static void try_connect(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = 80};
    (void)syscall(SYS_connect, SOCKET, &to, sizeof to);
}

static void try_sendmsg(void)
{
    (void)syscall(SYS_sendmsg, SOCKET, page, 0);
}

static void try_recvmsg(void)
{
    (void)syscall(SYS_recvmsg, SOCKET, page, 0);
}

static void try_fork(void)
{
    if (syscall(SYS_fork) == 0) _exit(0);
}

static void try_clone(void)
{
    if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0) _exit(0);
}

static void try_clone3(void)
{
    (void)syscall(SYS_clone3, page, 64);
}

static void try_execve(void)
{
    char *argv[] = {(char[]){"true"}, NULL};
    (void)syscall(SYS_execve, "/bin/true", argv, argv);
}

static void try_ptrace(void)
{
    (void)syscall(SYS_ptrace, PTRACE_ATTACH, getppid(), 0, 0);
}

static void try_kill(void)
{
    (void)syscall(SYS_kill, 1, 0);
}

static void try_tgkill_other(void)
{
    (void)syscall(SYS_tgkill, 1, 1, SIGABRT);
}

/* Allowed for SIGABRT to itself, and for nothing else. */
static void try_tgkill_self_kill(void)
{
    (void)syscall(SYS_tgkill, getpid(), getpid(), SIGKILL);
}

static void try_writev_socket(void)
{
    (void)syscall(SYS_writev, SOCKET, page, 1);
}

static void try_read_memory(void)
{
    (void)syscall(SYS_process_vm_readv, 1, page, 1, page, 1, 0);
}

static void try_map_executable(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void try_map_file(void)
{
    (void)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, SOCKET, 0);
}

static void try_make_executable(void)
{
    (void)mprotect(page, sizeof page, PROT_READ | PROT_EXEC);
}

static void try_read_other(void)
{
    (void)syscall(SYS_read, 0, page, 1);
}

static void try_write_other(void)
{
    (void)syscall(SYS_write, 1, "x", 1);
}

static void try_dup(void)
{
    (void)syscall(SYS_dup, SOCKET);
}

static void try_fcntl(void)
{
    (void)syscall(SYS_fcntl, SOCKET, F_GETFL);
}

static void try_ioctl(void)
{
    (void)syscall(SYS_ioctl, SOCKET, 0, 0);
}

static void try_memfd(void)
{
    (void)syscall(SYS_memfd_create, "x", 0);
}

static void try_prctl(void)
{
    (void)syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void try_setrlimit(void)
{
    struct rlimit r = {1, 1};
    (void)syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &r, NULL);
}

static void try_limit_other(void)
{
    struct rlimit r = {1, 1};
    (void)syscall(SYS_prlimit64, 1, RLIMIT_AS, &r, NULL);
}

static void try_sigaction(void)
{
    (void)syscall(SYS_rt_sigaction, SIGSEGV, NULL, NULL, 8);
}

static void try_setuid(void)
{
    (void)syscall(SYS_setuid, 0);
}

static void try_unshare(void)
{
    (void)syscall(SYS_unshare, 0);
}

static void try_mount(void)
{
    (void)syscall(SYS_mount, "x", "/", "tmpfs", 0, 0);
}

static void try_bpf(void)
{
    (void)syscall(SYS_bpf, 0, page, 0);
}

static void try_io_uring(void)
{
    (void)syscall(SYS_io_uring_setup, 1, page);
}

static void try_keyring(void)
{
    (void)syscall(SYS_keyctl, 0, 0, 0, 0, 0);
}

static void try_seccomp(void)
{
    (void)syscall(SYS_seccomp, 1, 0, page);
}

static void try_real_timer(void)
{
    struct itimerval t = {.it_value = {.tv_sec = 100}};
    (void)syscall(SYS_setitimer, ITIMER_REAL, &t, NULL);
}

static void try_wrong_abi(void)
{
    (void)syscall(0x40000000L | SYS_open, "/etc/passwd", O_RDONLY); /* x32 */
}

/* ---- Running them ------------------------------------------------------------------------ */

typedef void (*attempt)(void);

/* In a child of its own: builds the wall around descriptor SOCKET, then tries. */
static int status_of(attempt run, eh_wall *seen)
{
    int pair[2], status = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        eh_wall wall;
        if (dup2(pair[1], SOCKET) != SOCKET || !eh_wall_build(&wall, SOCKET, NULL) ||
            !wall.seccomp)
            _exit(NO_WALL);
        if (write(SOCKET, &wall, sizeof wall) != (ssize_t)sizeof wall) _exit(NO_WALL);
        run();
        _exit(0);
    }
    (void)close(pair[1]);
    eh_wall wall = {.seccomp = false};
    assert_int_equal(read(pair[0], &wall, sizeof wall), sizeof wall);
    if (seen != NULL) *seen = wall;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(pair[0]);
    return status;
}

#define ATTEMPT(name)                                                                          \
    {                                                                                          \
#name, try_##name                                                                      \
    }

static void test_forbidden(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        attempt run;
    } all[] = {
        ATTEMPT(open),
        ATTEMPT(openat),
        ATTEMPT(openat2),
        ATTEMPT(creat),
        ATTEMPT(unlink),
        ATTEMPT(stat),
        ATTEMPT(socket),
        ATTEMPT(connect),
        ATTEMPT(sendmsg),
        ATTEMPT(recvmsg),
        ATTEMPT(fork),
        ATTEMPT(clone),
        ATTEMPT(clone3),
        ATTEMPT(execve),
        ATTEMPT(ptrace),
        ATTEMPT(kill),
        ATTEMPT(tgkill_other),
        ATTEMPT(tgkill_self_kill),
        ATTEMPT(writev_socket),
        ATTEMPT(read_memory),
        ATTEMPT(map_executable),
        ATTEMPT(map_file),
        ATTEMPT(make_executable),
        ATTEMPT(read_other),
        ATTEMPT(write_other),
        ATTEMPT(dup),
        ATTEMPT(fcntl),
        ATTEMPT(ioctl),
        ATTEMPT(memfd),
        ATTEMPT(prctl),
        ATTEMPT(setrlimit),
        ATTEMPT(limit_other),
        ATTEMPT(setuid),
        ATTEMPT(unshare),
        ATTEMPT(mount),
        ATTEMPT(bpf),
        ATTEMPT(io_uring),
        ATTEMPT(keyring),
        ATTEMPT(seccomp),
        ATTEMPT(real_timer),
        ATTEMPT(wrong_abi),
#if !defined(__SANITIZE_ADDRESS__)
        ATTEMPT(sigaction),
#endif
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        int status = status_of(all[i].run, NULL);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
            fail_msg("%s was not ended: status %x", all[i].name, (unsigned)status);
    }
#if defined(__SANITIZE_ADDRESS__)
    (void)try_sigaction; /* the sanitizer needs it */
#endif
}

/* ---- All others ---------------------------------------------------------------------------
 */

static long number; /* of the call; set in the child's parent, one process a call */

static void try_number(void)
{
    (void)syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
}

/* Those that wall.c lets through, some of them with certain arguments only, and two that no
 * filter sees: uretprobe and uprobe, with which the kernel's own trampolines come back to it;
 * from anywhere else it refuses them. */
static bool is_allowed(long nr)
{
    static const long allowed[] = {
        335,
        336,
        SYS_read,
        SYS_write,
        SYS_poll,
        SYS_mmap,
        SYS_mprotect,
        SYS_munmap,
        SYS_mremap,
        SYS_brk,
        SYS_madvise,
        SYS_exit_group,
        SYS_exit,
        SYS_rt_sigreturn,
        SYS_clock_gettime,
        SYS_restart_syscall,
        SYS_getrandom,
        SYS_setitimer,
        SYS_prlimit64,
        SYS_rt_sigprocmask,
        SYS_getpid,
        SYS_gettid,
        SYS_writev,
        SYS_tgkill,
#if defined(__SANITIZE_ADDRESS__)
        SYS_futex,
        SYS_sched_yield,
        SYS_sigaltstack,
        SYS_rt_sigaction,
#endif
    };
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        if (allowed[i] == nr) return true;
    return false;
}

/* Also those that this kernel does not have yet: the list is of what is allowed. */
static void test_every_other_call(void **state)
{
    (void)state;
    for (number = 0; number < 500; number++) {
        if (is_allowed(number)) continue;
        int status = status_of(try_number, NULL);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
            fail_msg("system call %ld was not ended: status %x", number, (unsigned)status);
    }
}

static void use_what_is_left(void)
{
    struct timespec now;
    struct itimerval timer = {.it_value = {.tv_sec = 100}};
    eh_wall wall = {.in_use_bytes = (size_t)1 << 40};
    char *block = malloc((size_t)8 << 20);
    if (block == NULL) _exit(1);
    memset(block, 1, (size_t)8 << 20);
    block = realloc(block, (size_t)16 << 20);
    free(block);
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) _exit(2);
    if (setitimer(ITIMER_PROF, &timer, NULL) != 0) _exit(3);
    if (!eh_wall_limit_memory(&wall, (size_t)1 << 40, NULL)) _exit(4);
}

static void test_allowed(void **state)
{
    (void)state;
    eh_wall wall;
    assert_int_equal(status_of(use_what_is_left, &wall), 0);
    /* Where the kernel has Landlock, it is used. */
    bool has_landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 1;
    assert_int_equal(wall.landlock, has_landlock);
}

static void crash(void)
{
    abort();
}

/* The engine tells a crash from a forbidden call by the signal. */
static void test_crash_is_a_crash(void **state)
{
    (void)state;
    int status = status_of(crash, NULL);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void eat_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__)
    eh_wall wall = {.in_use_bytes = (size_t)256 << 20};
    if (!eh_wall_limit_memory(&wall, (size_t)64 << 20, NULL)) _exit(4);
    for (size_t total = 0; total < (size_t)1 << 30; total += (size_t)1 << 20)
        if (malloc((size_t)1 << 20) == NULL) _exit(7);
    _exit(0);
#else
    _exit(7);
#endif
}

static void test_address_space(void **state)
{
    (void)state;
    int status = status_of(eat_memory, NULL);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forbidden),     cmocka_unit_test(test_every_other_call),
        cmocka_unit_test(test_allowed),       cmocka_unit_test(test_crash_is_a_crash),
        cmocka_unit_test(test_address_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
