/* Fuzz target: one run of the whole engine against a jail whose every frame is the input's.
 *
 * The engine is the real one, with its socket, loop, HTTP client and a SQLite destination;
 * where it would start a process, a thread of this one sends what the input says: lines of a
 * letter (the type of the frame), a digit (its task, if not 1) and JSON (its body), in which @
 * stands for the address of a service. The lines stand behind "\n%%\n"; what stands before is
 * what that service answers, with the run's secret for each ~. After each CALL a frame of the
 * engine's is awaited. The secret may neither come to the jail nor be said in an event. Seeds
 * are in seeds/engine/. */
#include "../c/remove_tree.h"
#include "data/json_doc.h"
#include "engine/engine.h"
#include "wire/frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
pid_t fork(void);

#define NONCE      "00112233445566778899aabbccddeeff"
#define PATIENCE   100 /* ms, for what the engine may never answer, and three times only */
#define NO_PROCESS 4194305

static void demand(bool truth)
{
    if (!truth) abort();
}

/* ---- what the engine is kept from doing
 * ------------------------------------------------------
 */

static int latest_pair = -1;
static int jail_end = -1; /* of the socket to the jail: the pair made before fork */

int socketpair(int domain, int type, int protocol, int pair[2])
{
    long result = syscall(SYS_socketpair, domain, type, protocol, pair);
    if (result == 0) latest_pair = pair[1];
    return (int)result;
}

static pthread_t jail_thread;
static void *current; /* jail */
static void *be_jail(void *self);

pid_t fork(void)
{
    jail_end = fcntl(latest_pair, F_DUPFD_CLOEXEC, 10);
    demand(jail_end >= 0 && pthread_create(&jail_thread, NULL, be_jail, current) == 0);
    return NO_PROCESS; /* there can be none of that number */
}

/* The leak checker looks into the process. */
int prctl(int option, ...)
{
    (void)option;
    return 0;
}

/* ---- the service ----------------------------------------------------------------------------
 */

static int service = -1;
static char service_url[40];
static char secret[40]; /* new in each process: no input can have it */
static eh_buf answer;

static void serve_one(int fd)
{
    char in[65536], head[300];
    size_t len = 0;
    while (len < sizeof in && memmem(in, len, "\r\n\r\n", 4) == NULL) {
        ssize_t n = recv(fd, in + len, sizeof in - len, 0);
        if (n <= 0) return;
        len += (size_t)n;
    }
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n"
                     "X-Echo: %s\r\n\r\n",
                     answer.len, secret);
    (void)send(fd, head, (size_t)n, MSG_NOSIGNAL | MSG_MORE);
    (void)send(fd, answer.data, answer.len, MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    while (recv(fd, in, sizeof in, 0) > 0) continue;
}

static void *serve(void *unused)
{
    (void)unused;
    for (;;) {
        int fd = accept4(service, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) continue;
        serve_one(fd);
        (void)close(fd);
    }
    return NULL;
}

static void start_service(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    pthread_t thread;
    service = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    demand(bind(service, (const struct sockaddr *)&at, len) == 0 && listen(service, 16) == 0 &&
           getsockname(service, (struct sockaddr *)&at, &len) == 0 &&
           pthread_create(&thread, NULL, serve, NULL) == 0);
    (void)snprintf(service_url, sizeof service_url, "http://127.0.0.1:%u",
                   (unsigned)ntohs(at.sin_port));
}

/* ---- the jail -------------------------------------------------------------------------------
 */

typedef struct jail {
    eh_slice lines;
    eh_arena *arena;
    eh_buf in;
    bool gone;
    int missed;
} jail;

static void send_frame(jail *j, uint16_t type, uint32_t task, const eh_doc *body)
{
    eh_buf out;
    eh_buf_init(&out, (size_t)2 * EH_FRAME_MAX);
    bool ok = eh_frame_write(&out, type, task, body, NULL);
    for (size_t done = 0; ok && done < out.len;) {
        ssize_t n = send(jail_end, out.data + done, out.len - done, MSG_NOSIGNAL);
        if (n <= 0) j->gone = true;
        if (n <= 0) break;
        done += (size_t)n;
    }
    eh_buf_free(&out);
}

/* The type of the next frame from the engine; 0: none in time, or it is gone. */
static uint16_t next_frame(jail *j)
{
    char chunk[65536];
    for (;;) {
        eh_frame frame;
        size_t used;
        eh_frame_result got =
            eh_frame_read(eh_buf_slice(&j->in), j->arena, &frame, &used, NULL);
        demand(got != EH_FRAME_BAD);
        if (got == EH_FRAME_READY) {
            demand(memmem(j->in.data, used, secret, strlen(secret)) == NULL);
            eh_buf_consume(&j->in, used);
            return frame.type;
        }
        struct pollfd p = {.fd = jail_end, .events = POLLIN};
        if (poll(&p, 1, PATIENCE) <= 0) {
            j->gone = ++j->missed > 3;
            return 0;
        }
        ssize_t n = recv(jail_end, chunk, sizeof chunk, 0);
        if (n <= 0 || !eh_buf_append(&j->in, chunk, (size_t)n, NULL)) {
            j->gone = true;
            return 0;
        }
    }
}

static const eh_doc *read_body(jail *j, eh_slice json)
{
    const eh_doc *doc = NULL;
    eh_buf text;
    eh_buf_init(&text, (size_t)1 << 22);
    for (size_t i = 0; i < json.len; i++)
        demand(json.data[i] == '@' ? eh_buf_append_str(&text, service_url, NULL)
                                   : eh_buf_append_byte(&text, json.data[i], NULL));
    (void)!eh_json_to_doc(eh_buf_slice(&text), j->arena, &doc, NULL);
    eh_buf_free(&text);
    return doc;
}

static uint16_t type_of(char letter)
{
    static const char letters[] = "HMDCRLTEFSG";
    static const uint16_t types[] = {EH_FRAME_HELLO,     EH_FRAME_MODULE,    EH_FRAME_DECLARED,
                                     EH_FRAME_CALL,      EH_FRAME_ROWS_DONE, EH_FRAME_LOG,
                                     EH_FRAME_TASK_DONE, EH_FRAME_FINISHED,  EH_FRAME_FAILED,
                                     EH_FRAME_START,     EH_FRAME_GO};
    const char *at = memchr(letters, letter, sizeof letters - 1);
    return at != NULL ? types[at - letters] : 0;
}

static void send_line(jail *j, eh_slice line)
{
    uint32_t task = 1;
    uint16_t type = line.len > 0 ? type_of(line.data[0]) : 0;
    if (type == 0) return;
    line = eh_slice_of(line.data + 1, line.len - 1);
    if (line.len > 0 && line.data[0] >= '0' && line.data[0] <= '9') {
        task = (uint32_t)(line.data[0] - '0');
        line = eh_slice_of(line.data + 1, line.len - 1);
    }
    const eh_doc *body = read_body(j, line);
    if (body == NULL) return;
    send_frame(j, type, task, body);
    if (type == EH_FRAME_CALL || type == EH_FRAME_MODULE) (void)next_frame(j);
    if (type == EH_FRAME_DECLARED && next_frame(j) != EH_FRAME_GO) j->gone = true;
}

static void *be_jail(void *self)
{
    jail *j = self;
    static const char hello[] = "{\"version\":1,\"landlock\":true,\"seccomp\":true}";
    send_frame(j, EH_FRAME_HELLO, 0, read_body(j, eh_slice_str(hello)));
    if (next_frame(j) != EH_FRAME_START) j->gone = true;
    for (size_t at = 0, count = 0; at < j->lines.len && !j->gone && count < 100; count++) {
        const char *line = j->lines.data + at;
        const char *end = memchr(line, '\n', j->lines.len - at);
        size_t len = end != NULL ? (size_t)(end - line) : j->lines.len - at;
        send_line(j, eh_slice_of(line, len));
        at += len + 1;
    }
    (void)shutdown(jail_end, SHUT_WR);
    while (!j->gone && next_frame(j) != 0) continue;
    return NULL;
}

/* ---- the run --------------------------------------------------------------------------------
 */

static char folder[64];
static eh_buf spec; /* the SPEC frame */

static void write_file(const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    demand(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void make_spec(void)
{
    char json[3000];
    (void)snprintf(
        json, sizeof json,
        "{\"op\":\"run\",\"run_id\":\"r\",\"project\":\"%s\",\"client\":{\"id\":\"acme\"},"
        "\"destination\":{\"url\":\"sqlite:%s/data.db\"},\"spool\":\"%s\","
        "\"pipeline\":{\"path\":\"p.lua\",\"text\":\"\"},"
        "\"limits\":{\"calls\":200,\"deadline_ms\":60000},"
        "\"network\":{\"allow_private\":[\"%s\"]},"
        "\"secrets\":{\"nonce\":\"" NONCE "\",\"values\":[{\"instance\":\"a\",\"key\":\"k\","
        "\"value\":\"%s\"}]},"
        "\"sources\":[{\"instance\":\"a\",\"use\":\"a\",\"settings\":{},\"roots\":[\"%s/in\"],"
        "\"hosts\":[\"%s\"]},{\"instance\":\"b\",\"use\":\"b\",\"settings\":{},\"roots\":[]}]}",
        folder, folder, folder, service_url + strlen("http://"), secret, folder, service_url);
    eh_arena *arena = eh_arena_new(1 << 20);
    const eh_doc *doc = NULL;
    eh_buf_init(&spec, 1 << 20);
    demand(eh_json_to_doc(eh_slice_str(json), arena, &doc, NULL) &&
           eh_frame_write(&spec, EH_FRAME_SPEC, 0, doc, NULL));
    eh_arena_free(arena);
}

/* Nothing else may get their numbers. */
static void keep_descriptors(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    demand(null >= 0 && dup2(null, 3) == 3 && dup2(null, 4) == 4);
    if (null > 4) (void)close(null);
}

static void remove_folder(void)
{
    (void)remove_tree(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char path[96];
    unsigned char random[12];
    (void)argc;
    (void)argv;
    demand(getentropy(random, sizeof random) == 0);
    for (size_t i = 0; i < sizeof random; i++)
        (void)snprintf(secret + 2 * i, 3, "%02x", random[i]);
    eh_buf_init(&answer, (size_t)8 << 20);
    keep_descriptors();
    (void)snprintf(folder, sizeof folder, "/tmp/eh_fuzz.XXXXXX");
    demand(mkdtemp(folder) != NULL);
    demand(atexit(remove_folder) == 0);
    (void)snprintf(path, sizeof path, "%s/in", folder);
    demand(mkdir(path, 0700) == 0);
    write_file("in/a.csv", "id,v\n1,x\n2,\"y\"\nbroken\n");
    write_file("in/b.jsonl", "{\"id\":1,\"v\":[{\"w\":2}]}\n{\"id\":\"x\"}\n");
    start_service();
    make_spec();
    return 0;
}

static void drop_database(void)
{
    static const char *const names[] = {"data.db", "data.db-wal", "data.db-shm"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
}

/* Nothing of the secret in what was said; an error of class bug is one. */
static void check_events(int fd)
{
    static char said[1 << 20];
    ssize_t n = pread(fd, said, sizeof said, 0);
    demand(n >= 0);
    demand(memmem(said, (size_t)n, secret, strlen(secret)) == NULL);
    if (memmem(said, (size_t)n, "\"class\":\"bug\"", 13) != NULL) {
        (void)write(STDERR_FILENO, said, (size_t)n);
        abort();
    }
}

static void read_answer(eh_slice text)
{
    answer.len = 0;
    for (size_t i = 0; i < text.len; i++)
        demand(text.data[i] == '~' ? eh_buf_append_str(&answer, secret, NULL)
                                   : eh_buf_append_byte(&answer, text.data[i], NULL));
}

/* As eh_engine_main wants them: 3 to read the specification from, 4 to write events to. */
static int set_up_descriptors(int *control)
{
    int pair[2], events = (int)syscall(SYS_memfd_create, "events", 0);
    demand(events >= 0 && pipe2(pair, O_CLOEXEC) == 0);
    *control = fcntl(pair[1], F_DUPFD_CLOEXEC, 20);
    int in = fcntl(pair[0], F_DUPFD_CLOEXEC, 20), out = fcntl(events, F_DUPFD_CLOEXEC, 20);
    (void)close(pair[0]);
    (void)close(pair[1]);
    (void)close(events);
    demand(dup2(in, 3) == 3 && dup2(out, 4) == 4);
    (void)close(in);
    demand(write(*control, spec.data, spec.len) == (ssize_t)spec.len);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *cut = memmem(text, size, "\n%%\n", 4);
    if (cut == NULL) return -1;
    size_t len = (size_t)(cut - text);
    read_answer(eh_slice_of(text, len));
    jail j = {.lines = eh_slice_of(cut + 4, size - len - 4)};
    j.arena = eh_arena_new((size_t)256 << 20);
    demand(j.arena != NULL);
    eh_buf_init(&j.in, (size_t)8 << 20);
    int control, events = set_up_descriptors(&control);
    drop_database();
    current = &j;
    jail_end = -1;
    (void)eh_engine_main();
    if (jail_end >= 0) {
        (void)shutdown(jail_end, SHUT_RDWR);
        demand(pthread_join(jail_thread, NULL) == 0);
        (void)close(jail_end);
    }
    check_events(events);
    (void)close(events);
    (void)close(control);
    keep_descriptors();
    eh_buf_free(&j.in);
    eh_arena_free(j.arena);
    return 0;
}
