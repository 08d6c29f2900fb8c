/* A jail that was taken over: native code runs inside the wall, with the engine's socket and
 * the window, and attacks: by system calls, by shared memory, by frames. It gets nowhere: the
 * run ends with an error that has a name, and an honest run beside it does not notice. The
 * program plays supervisor and jail; the engine and the wall are the real ones. (What a jail
 * without a wall could send is in test_engine.c, every single system call in test_wall.c.) */
#include "engine_kit.h"
#include "jail/jail.h"
#include "jail/wall.h"
#include "wire/window.h"

#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define CANARY "c4n4ry-of-the-environment"

/* What an attack may use: it cannot ask for it inside the wall. */
typedef struct taken {
    hostile h;
    eh_window window;
    long engine; /* process ids */
    long supervisor;
    long self;
} taken;

static bool is(const taken *t, const char *attack)
{
    return strcmp(t->h.attack, attack) == 0;
}

/* ---- system calls ---------------------------------------------------------------------------
 */

static unsigned char page[4096];

static void call_files(const taken *t)
{
    if (is(t, "call: open")) (void)syscall(SYS_open, "secret.csv", O_RDONLY);
    if (is(t, "call: openat")) (void)syscall(SYS_openat, AT_FDCWD, "secret.csv", O_RDWR);
    if (is(t, "call: openat2")) (void)syscall(SYS_openat2, AT_FDCWD, "secret.csv", page, 24);
    if (is(t, "call: environment")) (void)syscall(SYS_open, "/proc/self/environ", O_RDONLY);
    if (is(t, "call: memory of the engine")) (void)syscall(SYS_open, "/proc/1/mem", O_RDWR);
    if (is(t, "call: unlink")) (void)syscall(SYS_unlink, "secret.csv");
    if (is(t, "call: rename")) (void)syscall(SYS_rename, "secret.csv", "in/a.csv");
    if (is(t, "call: truncate")) (void)syscall(SYS_truncate, "secret.csv", 0);
    if (is(t, "call: mount")) (void)syscall(SYS_mount, "none", "/", "tmpfs", 0, 0);
    if (is(t, "call: chroot")) (void)syscall(SYS_chroot, "/");
    if (is(t, "call: write to standard output")) (void)syscall(SYS_write, 1, "x", 1);
}

static void call_network(const taken *t)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = 0x5000};
    if (is(t, "call: socket")) (void)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    if (is(t, "call: connect")) (void)syscall(SYS_connect, 3, &to, sizeof to);
    if (is(t, "call: a descriptor with a message")) (void)syscall(SYS_sendmsg, 3, page, 0);
    if (is(t, "call: take a descriptor")) (void)syscall(SYS_recvmsg, 3, page, 0);
    if (is(t, "call: pidfd_getfd")) (void)syscall(SYS_pidfd_getfd, 3, 0, 0);
}

static void call_processes(const taken *t)
{
    char *none[] = {NULL};
    if (is(t, "call: fork")) (void)syscall(SYS_fork);
    if (is(t, "call: vfork")) (void)syscall(SYS_vfork);
    if (is(t, "call: clone")) (void)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (is(t, "call: clone3")) (void)syscall(SYS_clone3, page, 64);
    if (is(t, "call: execve")) (void)syscall(SYS_execve, "/bin/sh", none, none);
    if (is(t, "call: ptrace")) (void)syscall(SYS_ptrace, PTRACE_ATTACH, t->engine, 0, 0);
    if (is(t, "call: kill the engine")) (void)syscall(SYS_kill, t->engine, SIGKILL);
    if (is(t, "call: kill the supervisor")) (void)syscall(SYS_kill, t->supervisor, SIGKILL);
    if (is(t, "call: abort the engine"))
        (void)syscall(SYS_tgkill, t->engine, t->engine, SIGABRT);
    if (is(t, "call: write into the engine"))
        (void)syscall(SYS_process_vm_writev, t->engine, page, 1, page, 1, 0);
    if (is(t, "call: limit the engine"))
        (void)syscall(SYS_prlimit64, t->engine, RLIMIT_AS, page, NULL);
    if (is(t, "call: dumpable")) (void)syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
    if (is(t, "call: outlive")) (void)syscall(SYS_prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0);
    if (is(t, "call: another filter")) (void)syscall(SYS_seccomp, 1, 0, page);
    if (is(t, "call: namespaces")) (void)syscall(SYS_unshare, 0x10000000);
    if (is(t, "call: root")) (void)syscall(SYS_setuid, 0);
}

static void call_memory(const taken *t)
{
    if (is(t, "call: memfd")) (void)syscall(SYS_memfd_create, "x", 0);
    if (is(t, "call: userfaultfd")) (void)syscall(SYS_userfaultfd, 0);
    if (is(t, "call: bpf")) (void)syscall(SYS_bpf, 0, page, 0);
    if (is(t, "call: io_uring")) (void)syscall(SYS_io_uring_setup, 1, page);
    if (is(t, "call: code"))
        (void)mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (is(t, "call: write the window")) (void)syscall(SYS_pwrite64, EH_JAIL_WINDOW, "x", 1, 0);
    if (is(t, "call: cut the window")) (void)syscall(SYS_ftruncate, EH_JAIL_WINDOW, 0);
    if (is(t, "call: unseal the window"))
        (void)syscall(SYS_fcntl, EH_JAIL_WINDOW, F_ADD_SEALS, 0);
    if (is(t, "call: map the window"))
        (void)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, EH_JAIL_WINDOW, 0);
}

/* ---- the window, while rows are in it ------------------------------------------------------
 */

static void attack_window(taken *t)
{
    unsigned char *data = t->window.data;
    size_t size = t->window.size;
    if (is(t, "window: written")) data[0] = 0xff;
    if (is(t, "window: made writable")) {
        if (mprotect(data, size, PROT_READ | PROT_WRITE) == 0) _exit(90);
        data[0] = 0xff;
    }
    if (is(t, "window: mapped again")) {
        /* The old trick: a size of zero makes a second mapping. It is as read-only. */
        void *twice = mremap(data, 0, size, MREMAP_MAYMOVE);
        if (twice != MAP_FAILED && mprotect(twice, size, PROT_READ | PROT_WRITE) == 0)
            _exit(91);
    }
    if (is(t, "window: emptied")) {
        if (madvise(data, size, MADV_REMOVE) == 0) _exit(92);
        (void)madvise(data, size, MADV_DONTNEED);
        (void)madvise(data, size, 23 /* MADV_POPULATE_WRITE */);
    }
    if (is(t, "window: overmapped"))
        (void)mmap(data, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                   -1, 0);
    if (is(t, "window: unmapped")) (void)munmap(data, size);
    hj_send(&t->h, EH_FRAME_ROWS_DONE, eh_doc_map(t->h.arena));
    (void)hj_next(&t->h);
    hj_task_done(&t->h);
    hj_send(&t->h, EH_FRAME_FINISHED, NULL);
    _exit(0);
}

/* ---- frames ---------------------------------------------------------------------------------
 */

/* A body of any bytes behind a header that says `claimed`. */
static void raw_frame(uint32_t claimed, uint16_t type, const void *body, size_t len)
{
    unsigned char header[12] = {0};
    memcpy(header, &claimed, 4);
    memcpy(header + 4, &type, 2);
    hj_bytes(header, sizeof header);
    if (len > 0) hj_bytes(body, len);
}

static void forge(const taken *t, const char *attack, const void *body, size_t len)
{
    if (!is(t, attack)) return;
    raw_frame((uint32_t)len, EH_FRAME_CALL, body, len);
    for (;;) (void)pause(); /* which the wall ends, should the engine not */
}

#define BYTES(text) text, sizeof(text) - 1

/* Tags: 5 string, 6 list, 7 map; lengths and counts of four bytes. */
static void attack_bodies(taken *t)
{
    static unsigned char many[5 + 100001];
    static unsigned char deep[70 * 5 + 1];
    many[0] = 6;
    many[1] = 0xa1, many[2] = 0x86, many[3] = 1; /* 100,001 */
    for (size_t i = 0; i < 70; i++) deep[i * 5] = 6, deep[i * 5 + 1] = 1;
    forge(t, "frame: without a body", "", 0);
    forge(t, "frame: deep", deep, sizeof deep);
    forge(t, "frame: many parts", many, sizeof many);
    forge(t, "frame: a lying count", BYTES("\6\xff\xff\xff\xff\0"));
    forge(t, "frame: a lying length", BYTES("\5\xff\xff\xff\x7fx"));
    forge(t, "frame: a key of other bytes", BYTES("\7\1\0\0\0\2\0\0\0\xc3\x28\0"));
    forge(t, "frame: a key with NUL", BYTES("\7\1\0\0\0\2\0\0\0a\0\0"));
    forge(t, "frame: a key twice", BYTES("\7\2\0\0\0\1\0\0\0a\0\1\0\0\0a\0"));
    forge(t, "frame: an unknown kind", BYTES("\11"));
    forge(t, "frame: bytes behind it", BYTES("\0\0"));
    if (is(t, "frame: oversized")) raw_frame(EH_FRAME_MAX + 1, EH_FRAME_LOG, NULL, 0);
    if (is(t, "frame: an unknown type")) raw_frame(1, 999, "\0", 1);
    if (is(t, "frame: type zero")) raw_frame(1, 0, "\0", 1);
    if (is(t, "frame: cut")) {
        raw_frame(1000, EH_FRAME_CALL, "\5\1", 2);
        _exit(0);
    }
}

static void attack_order(taken *t)
{
    static const struct {
        const char *attack;
        uint16_t type;
    } wrong[] = {
        {"order: SPEC", EH_FRAME_SPEC},
        {"order: STOP", EH_FRAME_STOP},
        {"order: START", EH_FRAME_START},
        {"order: MODULE_TEXT", EH_FRAME_MODULE_TEXT},
        {"order: GO", EH_FRAME_GO},
        {"order: REPLY", EH_FRAME_REPLY},
        {"order: ROWS", EH_FRAME_ROWS},
        {"order: HELLO again", EH_FRAME_HELLO},
        {"order: DECLARED again", EH_FRAME_DECLARED},
        {"order: ROWS_DONE unasked", EH_FRAME_ROWS_DONE},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (is(t, wrong[i].attack)) hj_send(&t->h, wrong[i].type, eh_doc_map(t->h.arena));
    /* One call at a time is what is agreed; more are answered one after the other. */
    int calls = is(t, "order: two calls at once")   ? 2
                : is(t, "order: 500 calls at once") ? 500
                                                    : 0;
    for (int i = 0; i < calls; i++)
        hj_send(&t->h, EH_FRAME_CALL, hj_load(&t->h, "file:in", "a.csv"));
    for (int i = 0; i < calls; i++) (void)hj_next(&t->h);
    /* Answers that are never read. */
    for (int i = 0; is(t, "order: deaf") && i < 20000; i++)
        hj_send(&t->h, EH_FRAME_MODULE, ek_map(t->h.arena, "name", "sources.s3_exports", NULL));
}

/* ---- declarations and calls of other kinds than agreed -------------------------------------
 */

static eh_doc *deep_map(eh_arena *arena)
{
    eh_doc *map = eh_doc_map(arena);
    for (int i = 0; i < 50; i++) {
        eh_doc *outer = eh_doc_map(arena);
        ek_put(arena, outer, "a", map);
        map = outer;
    }
    return map;
}

/* Values that no honest jail would put into a declaration. */
static eh_doc *odd_value(eh_arena *arena, char kind)
{
    char *big;
    switch (kind) {
    case 'n':
        return eh_doc_double(arena, __builtin_nan(""));
    case 'm':
        return eh_doc_integer(arena, INT64_MIN);
    case 't':
        return eh_doc_string(arena, eh_slice_of("a\0\"; drop table t; --\xff", 23));
    case 'b':
        big = eh_arena_bytes(arena, 600000);
        if (big == NULL) _exit(99);
        memset(big, 'x', 600000);
        return eh_doc_string(arena, eh_slice_of(big, 600000));
    case 'l':
        return ek_list(arena, ek_list(arena, eh_doc_map(arena)));
    default:
        return deep_map(arena);
    }
}

/* "odd: KEY n": the declaration's `key` is of kind n. */
static void make_odd(taken *t, eh_doc *resource)
{
    const char *blank = strrchr(t->h.attack, ' ');
    if (strncmp(t->h.attack, "odd: ", 5) != 0) return;
    const char *key =
        eh_arena_strndup(t->h.arena, t->h.attack + 5, (size_t)(blank - t->h.attack) - 5);
    eh_doc *value = odd_value(t->h.arena, blank[1]);
    if (key == NULL) _exit(99);
    for (eh_doc *c = resource->as.children.first; c != NULL; c = c->next)
        if (eh_slice_is(c->key, key)) {
            eh_doc *next = c->next;
            eh_slice name = c->key;
            *c = *value;
            c->key = name;
            c->next = next;
            return;
        }
    ek_put(t->h.arena, resource, key, value);
}

/* ---- the jail's process ---------------------------------------------------------------------
 */

/* Ends with an error whose class is not the jail's to say. */
static void claim(hostile *h, const char *class_)
{
    eh_doc *body = eh_doc_map(h->arena);
    ek_put(h->arena, body, "error",
           ek_map(h->arena, "class", class_, "message", "claimed", NULL));
    hj_send(h, EH_FRAME_FAILED, body);
}

static void declare(taken *t)
{
    hostile *h = &t->h;
    if (is(t, "order: CALL first")) hj_send(h, EH_FRAME_CALL, hj_load(h, "file:in", "a.csv"));
    if (is(t, "order: FINISHED first")) hj_send(h, EH_FRAME_FINISHED, NULL);
    if (is(t, "environment"))
        for (char **e = environ; *e != NULL; e++)
            hj_send(h, EH_FRAME_LOG, ek_map(h->arena, "level", "info", "message", *e, NULL));
    eh_doc *resource = hj_resource(h, "files", "r");
    if (strncmp(h->attack, "window:", 7) == 0 &&
        !eh_doc_put_bool(h->arena, resource, "row", true, NULL))
        _exit(99);
    make_odd(t, resource);
    hj_send(h, EH_FRAME_DECLARED, hj_declared(h, resource));
}

static int be_taken(void)
{
    taken t = {.h = {.task = 1}, .engine = getppid(), .self = getpid()};
    eh_wall wall;
    char text[32] = "";
    FILE *file = fopen("supervisor", "r");
    if (file == NULL || fgets(text, sizeof text, file) == NULL) _exit(99);
    (void)fclose(file);
    t.supervisor = strtol(text, NULL, 10);
    t.h.arena = eh_arena_new((size_t)256 << 20);
    eh_buf_init(&t.h.in, (size_t)8 << 20);
    if (!eh_window_open(&t.window, EH_JAIL_WINDOW, NULL) ||
        !eh_wall_build(&wall, EH_JAIL_SOCKET, NULL) || !wall.seccomp)
        _exit(99);
    hj_send(&t.h, EH_FRAME_HELLO, hj_hello(&t.h, 1, true));
    const eh_doc *script = eh_doc_get(hj_next(&t.h), "script");
    (void)snprintf(t.h.attack, sizeof t.h.attack, "%s", eh_doc_str(script, "text", ""));
    declare(&t);
    (void)hj_next(&t.h);
    if (t.h.frame.type != EH_FRAME_GO) _exit(96);
    call_files(&t);
    call_network(&t);
    call_processes(&t);
    call_memory(&t);
    attack_bodies(&t);
    attack_order(&t);
    if (is(&t, "error: a bug of etlhost")) claim(&t.h, "bug");
    if (is(&t, "error: of no class")) claim(&t.h, "zlimit");
    hj_send(&t.h, EH_FRAME_CALL, hj_load(&t.h, "file:in", "a.csv"));
    (void)hj_next(&t.h);
    if (strncmp(t.h.attack, "window:", 7) == 0) attack_window(&t);
    hj_task_done(&t.h);
    hj_send(&t.h, EH_FRAME_FINISHED, NULL);
    return 0;
}

/* ---- the tests ------------------------------------------------------------------------------
 */

/* 5,000 rows, each changed by a row function in the real jail. */
static void start_honest(ek *k)
{
    eh_buf text;
    eh_buf_init(&text, (size_t)1 << 20);
    assert_true(eh_buf_append_str(&text, "id,v\n", NULL));
    for (int i = 1; i <= 5000; i++)
        assert_true(eh_buf_printf(&text, NULL, "%d,value %d\n", i, i));
    ek_open_pipeline(k,
                     "return require 'etl.pipeline' { s3 = { r = { table = 't', "
                     "row = function(row) row.w = row.v .. '!' end } } }",
                     eh_buf_cstr(&text));
    ek_write(k, "honest", "");
    eh_buf_free(&text);
    ek_start(k);
    ek_send_spec(k, false);
}

static void expect_honest(ek *k)
{
    ek_wait(k);
    if (k->code != 0) fail_msg("the honest run: %d: %s", k->code, k->said);
    assert_string_equal(ek_ask(k, "select count(*) || ' ' || sum(id) || ' ' || "
                                  "sum(w = 'value ' || id || '!') from t"),
                        "5000 12502500 5000");
    ek_close(k);
}

static void expect_untouched(const ek *k, const char *attack)
{
    char path[128], text[64] = "";
    (void)snprintf(path, sizeof path, "%s/secret.csv", k->folder);
    FILE *file = fopen(path, "r");
    if (file == NULL || fread(text, 1, sizeof text - 1, file) == 0 ||
        strcmp(text, "id,v\n9,secret\n") != 0)
        fail_msg("%s: the file beside is another", attack);
    (void)fclose(file);
    if (strstr(k->said, CANARY) != NULL || strstr(k->said, "9,secret") != NULL)
        fail_msg("%s: a secret was said", attack);
    const char *rows = ek_ask(k, "select group_concat(id || v) from t");
    if (strcmp(rows, "") != 0 && strcmp(rows, "1a,2b,3c") != 0)
        fail_msg("%s: the rows are %s", attack, rows);
}

static void run_attacks(const attack_case *cases, size_t count)
{
    ek honest;
    char id[32];
    (void)snprintf(id, sizeof id, "%d", (int)getpid());
    start_honest(&honest);
    for (size_t i = 0; i < count; i++) {
        ek k;
        ek_open(&k, cases[i].attack);
        ek_write(&k, "supervisor", id);
        ek_run(&k);
        ek_expect(&k, &cases[i]);
        expect_untouched(&k, cases[i].attack);
        ek_close(&k);
    }
    expect_honest(&honest);
}

static void system_calls(void **state)
{
    (void)state;
    static const char *const names[] = {
        "open",
        "openat",
        "openat2",
        "environment",
        "memory of the engine",
        "unlink",
        "rename",
        "truncate",
        "mount",
        "chroot",
        "write to standard output",
        "socket",
        "connect",
        "a descriptor with a message",
        "take a descriptor",
        "pidfd_getfd",
        "fork",
        "vfork",
        "clone",
        "clone3",
        "execve",
        "ptrace",
        "kill the engine",
        "kill the supervisor",
        "abort the engine",
        "write into the engine",
        "limit the engine",
        "dumpable",
        "outlive",
        "another filter",
        "namespaces",
        "root",
        "memfd",
        "userfaultfd",
        "bpf",
        "io_uring",
        "code",
        "write the window",
        "cut the window",
        "unseal the window",
        "map the window",
    };
    enum { COUNT = sizeof names / sizeof names[0] };
    static char attacks[COUNT][64];
    attack_case cases[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        (void)snprintf(attacks[i], sizeof attacks[i], "call: %s", names[i]);
        cases[i] = (attack_case){attacks[i], "script", "forbidden system call"};
    }
    run_attacks(cases, COUNT);
}

static void shared_memory(void **state)
{
    (void)state;
    static const attack_case cases[] = {
        /* A crash; under the sanitizers an early end. */
        {"window: written", "script", "the script"},
        {"window: made writable", "script", "the script"},
        /* What it does to its own view is its own affair: the rows are right. */
        {"window: mapped again", NULL, NULL},
        {"window: emptied", NULL, NULL},
        {"window: overmapped", NULL, NULL},
        {"window: unmapped", NULL, NULL},
        {"environment", NULL, NULL},
    };
    run_attacks(cases, sizeof cases / sizeof cases[0]);
}

static void frames(void **state)
{
    (void)state;
    static const attack_case cases[] = {
        {"frame: without a body", "remote", "empty"},
        {"frame: deep", "remote", "too deep"},
        {"frame: many parts", "remote", "too many parts"},
        {"frame: a lying count", "remote", "past its end"},
        {"frame: a lying length", "remote", "past its end"},
        {"frame: a key of other bytes", "remote", "not UTF-8"},
        {"frame: a key with NUL", "remote", "not UTF-8"},
        {"frame: a key twice", "remote", "twice"},
        {"frame: an unknown kind", "remote", "unknown kind"},
        {"frame: bytes behind it", "remote", "bytes follow"},
        {"frame: oversized", "remote", "over the size limit"},
        {"frame: an unknown type", "remote", "type is unknown"},
        {"frame: type zero", "remote", "type is unknown"},
        {"frame: cut", "script", "ended early"},
        {"order: SPEC", "script", "protocol"},
        {"order: STOP", "script", "protocol"},
        {"order: START", "script", "protocol"},
        {"order: MODULE_TEXT", "script", "protocol"},
        {"order: GO", "script", "protocol"},
        {"order: REPLY", "script", "protocol"},
        {"order: ROWS", "script", "protocol"},
        {"order: HELLO again", "script", "protocol"},
        {"order: DECLARED again", "script", "protocol"},
        {"order: ROWS_DONE unasked", "script", "protocol"},
        {"order: CALL first", "script", "protocol"},
        {"order: FINISHED first", "script", "protocol"},
        {"error: a bug of etlhost", "script", "claimed"},
        {"error: of no class", "script", "claimed"},
        {"order: two calls at once", NULL, NULL},
        {"order: 500 calls at once", "any", NULL},
        {"order: deaf", "limit", NULL},
    };
    run_attacks(cases, sizeof cases / sizeof cases[0]);
}

static void odd_declarations(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "instance",  "resource", "source",   "table",  "key",    "columns", "rename", "keep",
        "constants", "contract", "max_dead", "cursor", "format", "row",     "drop",   "hash"};
    static const char kinds[] = "nmtbld";
    enum { KEYS = sizeof keys / sizeof keys[0], KINDS = sizeof kinds - 1 };
    static char attacks[KEYS * KINDS][32];
    attack_case cases[KEYS * KINDS];
    size_t count = 0;
    /* Each key with two of the kinds, so that the test stays short; all by all were tried. */
    bool all = getenv("EH_ALL") != NULL;
    for (size_t i = 0; i < KEYS; i++)
        for (size_t j = 0; j < KINDS; j++) {
            if (!all && j != i % KINDS && j != (i + 2) % KINDS) continue;
            (void)snprintf(attacks[count], sizeof attacks[0], "odd: %s %c", keys[i], kinds[j]);
            cases[count] = (attack_case){attacks[count], "any", NULL};
            count++;
        }
    run_attacks(cases, count);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--engine") == 0) return eh_engine_main();
    if (argc > 2 && strcmp(argv[1], "--jail") == 0)
        return access("honest", F_OK) == 0 ? eh_jail_main(argv[2]) : be_taken();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)setenv("ETLHOST_CANARY", CANARY, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(system_calls),
        cmocka_unit_test(shared_memory),
        cmocka_unit_test(frames),
        cmocka_unit_test(odd_declarations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
