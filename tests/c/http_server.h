/* tests/c/http_server.h: the scripted HTTP server (tests/support/README.md) for a C test.
 *
 * It is our child and ends with us, however we end. */
#ifndef EH_TESTS_C_HTTP_SERVER_H
#define EH_TESTS_C_HTTP_SERVER_H

#include "remove_tree.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct http_server {
    char folder[64];
    char log[96];     /* JSON lines: what happened */
    char ca_file[96]; /* with TLS */
    unsigned port, tls_port;
    pid_t pid;
    int input; /* closing it ends the server */
} http_server;

/* The server's program stands beside the test's. */
static inline void http_server_exec(const http_server *server, bool tls,
                                    const char *const *more)
{
    char program[4096], scenario[96];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    if (len < 0) _exit(127);
    program[len] = '\0';
    char *name = strrchr(program, '/') + 1;
    snprintf(name, sizeof program - (size_t)(name - program), "http_server");
    snprintf(scenario, sizeof scenario, "%s/scenario.lua", server->folder);
    const char *argv[16] = {program, scenario, "--log", server->log, "--ca", server->ca_file};
    size_t count = 6;
    if (tls) argv[count++] = "--tls";
    for (; *more != NULL && count < 15; more++) argv[count++] = *more;
    execv(program, (char *const *)(uintptr_t)argv);
    _exit(127);
}

static inline bool http_server_read_ports(http_server *server, int output, bool tls)
{
    char text[64], *end;
    size_t len = 0;
    while (len + 1 < sizeof text && (len == 0 || text[len - 1] != '\n')) {
        ssize_t n = read(output, text + len, sizeof text - 1 - len);
        if (n <= 0) return false;
        len += (size_t)n;
    }
    text[len] = '\0';
    server->port = (unsigned)strtoul(text, &end, 10);
    server->tls_port = tls ? (unsigned)strtoul(end, &end, 10) : 0;
    return *end == '\n';
}

/* Starts it with this scenario (Lua text) and further arguments, up to a NULL; false when it
 * does not start. */
static inline bool http_server_start_with(http_server *server, const char *scenario, bool tls,
                                          const char *const *more)
{
    char path[96];
    int input[2], output[2];
    *server = (http_server){.folder = "/tmp/eh_http_"};
    memset(server->folder + strlen(server->folder), 'X', 6); /* mkdtemp's template */
    if (mkdtemp(server->folder) == NULL) return false;
    snprintf(path, sizeof path, "%s/scenario.lua", server->folder);
    snprintf(server->log, sizeof server->log, "%s/log", server->folder);
    snprintf(server->ca_file, sizeof server->ca_file, "%s/ca.pem", server->folder);
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(scenario, file) < 0 || fclose(file) != 0) return false;
    if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0) return false;
    server->pid = fork();
    if (server->pid == 0) {
        dup2(input[0], STDIN_FILENO);
        dup2(output[1], STDOUT_FILENO);
        http_server_exec(server, tls, more);
    }
    close(input[0]);
    close(output[1]);
    server->input = input[1];
    bool ok = server->pid > 0 && http_server_read_ports(server, output[0], tls);
    close(output[0]);
    return ok;
}

static inline bool http_server_start(http_server *server, const char *scenario, bool tls)
{
    static const char *const nothing[] = {NULL};
    return http_server_start_with(server, scenario, tls, nothing);
}

/* All that was logged; the caller frees it. NULL when there is nothing. */
static inline char *http_server_log(const http_server *server)
{
    FILE *file = fopen(server->log, "rb");
    if (file == NULL) return NULL;
    char *text = NULL;
    size_t len = 0;
    ssize_t got = getdelim(&text, &len, '\0', file);
    fclose(file);
    if (got >= 0) return text;
    free(text);
    return NULL;
}

/* How many lines of the log have this text, such as "\"event\":\"connect\"". */
static inline size_t http_server_count(const http_server *server, const char *text)
{
    size_t count = 0;
    char *log = http_server_log(server);
    for (char *at = log; at != NULL && (at = strstr(at, text)) != NULL; at++) count++;
    free(log);
    return count;
}

static inline void http_server_stop(http_server *server)
{
    if (server->pid > 0) {
        close(server->input);
        waitpid(server->pid, NULL, 0);
    }
    if (server->folder[0] != '\0') remove_tree(server->folder);
    *server = (http_server){0};
}

#endif
