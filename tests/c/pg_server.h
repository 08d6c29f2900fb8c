/* tests/c/pg_server.h: a private PostgreSQL for one test program: unix socket only, in a
 * temporary folder, without fsync; or the server that PG_TEST_URL names.
 *
 * The server is our child and ends with us, however we end. Being ready is read from its log,
 * so nothing sleeps. Include it in one file of a test program. */
#ifndef EH_TESTS_PG_SERVER_H
#define EH_TESTS_PG_SERVER_H

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define PG_BIN "/usr/lib/postgresql/15/bin/"

typedef struct pg_server {
    char dir[64]; /* "" when the server is not ours */
    char url[256];
    pid_t pid;
    int log; /* the server's stderr; kept open so that it can go on writing */
} pg_server;

/* In the child: the server refuses root, and must not outlive us. */
static inline void pg_become(void)
{
    const struct passwd *user = getpwnam("postgres");
    if (user == NULL) user = getpwnam("nobody");
    if (geteuid() == 0 && (user == NULL || setgroups(0, NULL) != 0 ||
                           setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGQUIT); /* after setuid, which clears it */
}

/* Starts a program with its output going to `output`. */
static inline pid_t pg_spawn(char *const *argv, int output)
{
    pid_t pid = fork();
    if (pid != 0) return pid;
    pg_become();
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    if (chdir("/") == 0) execv(argv[0], argv);
    _exit(127);
}

static inline bool pg_initdb(pg_server *server)
{
    char data[96];
    snprintf(data, sizeof data, "%s/data", server->dir);
    char *const argv[] = {(char[]){PG_BIN "initdb"},
                          (char[]){"-D"},
                          data,
                          (char[]){"--no-sync"},
                          (char[]){"-U"},
                          (char[]){"postgres"},
                          (char[]){"-A"},
                          (char[]){"trust"},
                          (char[]){"-E"},
                          (char[]){"UTF8"},
                          (char[]){"--locale=C"},
                          NULL};
    int quiet = open("/dev/null", O_RDWR | O_CLOEXEC), status = -1;
    pid_t pid = pg_spawn(argv, quiet);
    if (pid > 0) waitpid(pid, &status, 0);
    close(quiet);
    return status == 0;
}

/* Reads the log until the server says that it is ready; false when it ends before that. */
static inline bool pg_wait_ready(int log)
{
    char seen[8192];
    size_t len = 0;
    while (len + 1 < sizeof seen) {
        ssize_t n = read(log, seen + len, sizeof seen - 1 - len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        len += (size_t)n;
        seen[len] = '\0';
        if (strstr(seen, "ready to accept connections") != NULL) return true;
    }
    fprintf(stderr, "the server did not start: %.*s\n", (int)len, seen);
    return false;
}

static inline bool pg_launch(pg_server *server)
{
    char data[96], sockets[64];
    int ends[2];
    snprintf(data, sizeof data, "%s/data", server->dir);
    snprintf(sockets, sizeof sockets, "%s", server->dir);
    char *const argv[] = {(char[]){PG_BIN "postgres"},
                          (char[]){"-D"},
                          data,
                          (char[]){"-k"},
                          sockets,
                          (char[]){"-c"},
                          (char[]){"listen_addresses="},
                          (char[]){"-c"},
                          (char[]){"fsync=off"},
                          (char[]){"-c"},
                          (char[]){"log_min_messages=log"},
                          (char[]){"-c"},
                          (char[]){"log_checkpoints=off"},
                          (char[]){"-c"},
                          (char[]){"shared_buffers=16MB"},
                          NULL};
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    server->pid = pg_spawn(argv, ends[1]);
    close(ends[1]);
    server->log = ends[0];
    return server->pid > 0 && pg_wait_ready(server->log);
}

/* In memory, where there is room: a database is hundreds of files. */
static inline const char *pg_place(void)
{
    struct statvfs room;
    bool fits = statvfs("/dev/shm", &room) == 0 &&
                (uint64_t)room.f_bavail * room.f_frsize > UINT64_C(4) << 30;
    return fits && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

static inline bool pg_server_start(pg_server *server)
{
    *server = (pg_server){.log = -1};
    const char *given = getenv("PG_TEST_URL");
    if (given != NULL) {
        snprintf(server->url, sizeof server->url, "%s", given);
        return true;
    }
    snprintf(server->dir, sizeof server->dir, "%s/eh_pg_", pg_place());
    memset(server->dir + strlen(server->dir), 'X', 6); /* mkdtemp's template */
    if (mkdtemp(server->dir) == NULL) return false;
    const struct passwd *user = getpwnam("postgres");
    if (user == NULL) user = getpwnam("nobody");
    if (geteuid() == 0 && (user == NULL || chown(server->dir, user->pw_uid, user->pw_gid) != 0))
        return false;
    snprintf(server->url, sizeof server->url, "host=%s user=postgres dbname=postgres",
             server->dir);
    return pg_initdb(server) && pg_launch(server);
}

static inline void pg_server_stop(pg_server *server)
{
    if (server->pid > 0) {
        kill(server->pid, SIGQUIT);
        waitpid(server->pid, NULL, 0);
    }
    if (server->log >= 0) close(server->log);
    if (server->dir[0] == '\0') return;
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/rm", "rm", "-rf", server->dir, (char *)NULL);
        _exit(127);
    }
    if (pid > 0) waitpid(pid, NULL, 0);
}

#endif
