/* What the tests of the engine share. The test program plays all parts but one: it is the
 * supervisor, it starts itself as `--engine`, which is the real engine, and that starts it
 * again as `--jail`, where a hostile jail waits instead of the real one. Which attack it makes
 * stands in the script's text; what it does before it has read that, in the file "early" of the
 * project. */
#ifndef ENGINE_KIT_H
#define ENGINE_KIT_H

#include "engine/engine.h"
#include "io/sqlite.h"
#include "remove_tree.h"
#include "wire/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define EK_PATIENCE_MS 120000 /* an engine that says nothing for so long hangs */

typedef struct ek {
    char folder[64];
    eh_arena *arena;
    eh_doc *spec;
    int control; /* to the engine's descriptor 3 */
    int events;  /* from its descriptor 4 */
    pid_t pid;
    char *said; /* all events so far */
    size_t said_len;
    int code; /* exit code; -signal */
} ek;

/* ---- documents ------------------------------------------------------------------------------
 */

/* A map of texts: key, value, ..., NULL. */
static inline eh_doc *ek_map(eh_arena *arena, ...)
{
    eh_doc *map = eh_doc_map(arena);
    va_list args;
    va_start(args, arena);
    for (const char *key; (key = va_arg(args, const char *)) != NULL;)
        if (!eh_doc_put_str(arena, map, key, eh_slice_str(va_arg(args, const char *)), NULL))
            abort();
    va_end(args);
    return map;
}

static inline void ek_put(eh_arena *arena, eh_doc *map, const char *key, eh_doc *value)
{
    if (!eh_doc_put(arena, map, eh_slice_str(key), value, NULL)) abort();
}

static inline eh_doc *ek_list(eh_arena *arena, eh_doc *only)
{
    eh_doc *list = eh_doc_list(arena);
    if (only != NULL && !eh_doc_push(list, only, NULL)) abort();
    return list;
}

/* ---- the project ----------------------------------------------------------------------------
 */

static inline void ek_write(ek *k, const char *name, const char *text)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", k->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static inline void ek_add_source(ek *k, eh_doc *sources, const char *instance)
{
    char root[128];
    (void)snprintf(root, sizeof root, "%s/in", k->folder);
    eh_doc *source = ek_map(k->arena, "instance", instance, "use", "files", NULL);
    ek_put(k->arena, source, "settings", eh_doc_map(k->arena));
    ek_put(k->arena, source, "roots",
           ek_list(k->arena, eh_doc_string(k->arena, eh_slice_str(root))));
    assert_true(eh_doc_push(sources, source, NULL));
}

/* A run of a pipeline whose text is the attack, on two sources `files` and `other`; in/a.csv
 * has three records, secret.csv lies beside in/. */
static inline void ek_open(ek *k, const char *attack)
{
    *k = (ek){.control = -1, .events = -1};
    (void)snprintf(k->folder, sizeof k->folder, "/tmp/eh_engine.XXXXXX");
    assert_non_null(mkdtemp(k->folder));
    k->arena = eh_arena_new((size_t)64 << 20);
    k->said = calloc(1, (size_t)8 << 20);
    assert_true(k->arena != NULL && k->said != NULL);
    char path[128], url[128];
    (void)snprintf(path, sizeof path, "%s/in", k->folder);
    assert_int_equal(mkdir(path, 0755), 0);
    (void)snprintf(url, sizeof url, "sqlite:%s/data.db", k->folder);
    ek_write(k, "in/a.csv", "id,v\n1,a\n2,b\n3,c\n");
    ek_write(k, "secret.csv", "id,v\n9,secret\n");
    k->spec = ek_map(k->arena, "op", "run", "run_id", "run1", "project", k->folder, NULL);
    eh_doc *sources = eh_doc_list(k->arena);
    ek_add_source(k, sources, "files");
    ek_add_source(k, sources, "other");
    ek_put(k->arena, k->spec, "sources", sources);
    ek_put(k->arena, k->spec, "client", ek_map(k->arena, "id", "acme", "name", "Acme", NULL));
    ek_put(k->arena, k->spec, "destination", ek_map(k->arena, "url", url, NULL));
    ek_put(k->arena, k->spec, "pipeline",
           ek_map(k->arena, "path", "p.lua", "text", attack, NULL));
    eh_doc *limits = eh_doc_map(k->arena);
    assert_true(eh_doc_put_int(k->arena, limits, "deadline_ms", 1, NULL)); /* and a second */
    ek_put(k->arena, k->spec, "limits", limits);
}

static inline void ek_close(ek *k)
{
    if (k->control >= 0) (void)close(k->control);
    if (k->events >= 0) (void)close(k->events);
    assert_int_equal(remove_tree(k->folder), 0);
    eh_arena_free(k->arena);
    free(k->said);
}

/* A run of in/r/b.csv with the real jail, by `script`, a pipeline with the instance s3. */
static inline void ek_open_pipeline(ek *k, const char *script, const char *input)
{
    char path[128];
    ek_open(k, script);
    (void)snprintf(path, sizeof path, "%s/in/r", k->folder);
    assert_int_equal(mkdir(path, 0755), 0);
    ek_write(k, "in/r/b.csv", input);
    eh_doc *source = (eh_doc *)(uintptr_t)eh_doc_first(eh_doc_get(k->spec, "sources"));
    eh_doc *settings = ek_map(k->arena, "url", "file:in", NULL),
           *prefixes = eh_doc_map(k->arena);
    eh_doc *s3 = ek_map(k->arena, "instance", "s3", "use", "s3_exports", NULL);
    ek_put(k->arena, prefixes, "r", eh_doc_map(k->arena));
    ek_put(k->arena, settings, "prefixes", prefixes);
    ek_put(k->arena, s3, "settings", settings);
    ek_put(k->arena, s3, "roots", eh_doc_copy(k->arena, eh_doc_get(source, "roots"), NULL));
    eh_doc *sources = (eh_doc *)(uintptr_t)eh_doc_get(k->spec, "sources");
    sources->as.children.first = sources->as.children.last = NULL;
    sources->as.children.count = 0;
    assert_true(eh_doc_push(sources, s3, NULL));
    eh_doc *limits = (eh_doc *)(uintptr_t)eh_doc_get(k->spec, "limits");
    ((eh_doc *)(uintptr_t)eh_doc_get(limits, "deadline_ms"))->as.integer = 60000;
}

/* ---- the supervisor's part ------------------------------------------------------------------
 */

static inline void ek_become_engine(const ek *k, int control, int events)
{
    int c = fcntl(control, F_DUPFD, 10), e = fcntl(events, F_DUPFD, 10);
    if (c < 0 || e < 0 || dup2(c, 3) < 0 || dup2(e, 4) < 0 || chdir(k->folder) != 0) _exit(126);
    (void)close(c);
    (void)close(e);
    char *const argv[] = {(char[]){"test"}, (char[]){"--engine"}, NULL};
    (void)execve("/proc/self/exe", argv, environ);
    _exit(127);
}

static inline void ek_start(ek *k)
{
    int control[2], events[2];
    assert_int_equal(pipe2(control, O_CLOEXEC), 0);
    assert_int_equal(pipe2(events, O_CLOEXEC), 0);
    k->pid = fork();
    assert_true(k->pid >= 0);
    if (k->pid == 0) ek_become_engine(k, control[0], events[1]);
    (void)close(control[0]);
    (void)close(events[1]);
    k->control = control[1];
    k->events = events[0];
}

static inline void ek_send_bytes(ek *k, const char *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = write(k->control, bytes + done, len - done);
        /* The engine has ended before it read all of it: its exit status is what is judged. */
        if (n < 0 && errno == EPIPE) return;
        assert_true(n > 0);
        done += (size_t)n;
    }
}

/* A specification, and STOP right behind it if asked. */
static inline void ek_send_spec(ek *k, bool and_stop)
{
    eh_buf out;
    eh_buf_init(&out, (size_t)8 << 20);
    assert_true(eh_frame_write(&out, EH_FRAME_SPEC, 0, k->spec, NULL));
    if (and_stop) assert_true(eh_frame_write(&out, EH_FRAME_STOP, 0, NULL, NULL));
    ek_send_bytes(k, out.data, out.len);
    eh_buf_free(&out);
}

static inline void ek_stop(ek *k)
{
    eh_buf out;
    eh_buf_init(&out, 4096);
    assert_true(eh_frame_write(&out, EH_FRAME_STOP, 0, NULL, NULL));
    ek_send_bytes(k, out.data, out.len);
    eh_buf_free(&out);
}

/* Reads events until `text` was said; NULL: until the engine has ended. */
static inline bool ek_hear(ek *k, const char *text)
{
    while (text == NULL || strstr(k->said, text) == NULL) {
        struct pollfd p = {.fd = k->events, .events = POLLIN};
        if (poll(&p, 1, EK_PATIENCE_MS) <= 0) {
            (void)kill(k->pid, SIGKILL);
            fail_msg("the engine hangs; it said: %s", k->said);
        }
        assert_true(k->said_len < ((size_t)8 << 20) - 65536);
        ssize_t n = read(k->events, k->said + k->said_len, 65535);
        if (n <= 0) return text == NULL;
        k->said_len += (size_t)n;
        k->said[k->said_len] = '\0';
    }
    return true;
}

static inline void ek_wait(ek *k)
{
    int status = 0;
    (void)ek_hear(k, NULL);
    assert_int_equal(waitpid(k->pid, &status, 0), k->pid);
    k->code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline void ek_run(ek *k)
{
    ek_start(k);
    ek_send_spec(k, false);
    ek_wait(k);
}

/* Is there an event with all of these texts in its line? */
static inline bool ek_said(const ek *k, const char *a, const char *b, const char *c)
{
    const char *line = k->said;
    for (const char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        size_t len = (size_t)(end - line);
        const char *const texts[] = {a, b, c};
        bool all = true;
        for (size_t i = 0; i < 3; i++)
            all = all && (texts[i] == NULL || memmem(line, len, texts[i], strlen(texts[i])));
        if (all) return true;
    }
    return false;
}

/* One field of one row; "" when the database or the table is not there. */
static inline const char *ek_ask(const ek *k, const char *sql)
{
    static char answer[4096];
    char path[128];
    eh_err err = {.class_ = EH_OK};
    (void)snprintf(path, sizeof path, "%s/data.db", k->folder);
    eh_sqlite *db = eh_sqlite_open(path, true, 1000, &err);
    eh_sqlite_stmt *stmt = db != NULL ? eh_sqlite_prepare(db, sql, NULL, &err) : NULL;
    answer[0] = '\0';
    if (stmt != NULL && eh_sqlite_step(stmt, &err) == EH_STEP_ROW) {
        eh_slice text = eh_sqlite_text(stmt, 0);
        (void)snprintf(answer, sizeof answer, "%.*s", EH_SLICE_FMT(text));
    }
    eh_sqlite_free(stmt);
    eh_sqlite_close(db);
    return answer;
}

typedef struct attack_case {
    const char *attack;
    const char *class_; /* of the error; NULL: the run succeeds; "any": either, but no bug */
    const char *says;   /* in the error's message */
} attack_case;

/* The run ended as it may, and nothing is committed past an error. */
static inline void ek_expect(ek *k, const attack_case *c)
{
    char class_[64];
    bool any = c->class_ != NULL && strcmp(c->class_, "any") == 0;
    if (c->class_ == NULL || (any && k->code == 0)) {
        if (k->code != 0) fail_msg("%s: code %d: %s", c->attack, k->code, k->said);
        return;
    }
    (void)snprintf(class_, sizeof class_, "\"class\":\"%s\"", any ? "" : c->class_);
    if (any) class_[9] = '\0'; /* any name */
    if (k->code != 1 || !ek_said(k, "\"event\":\"error\"", class_, c->says))
        fail_msg("%s: code %d: %s", c->attack, k->code, k->said);
    if (any && ek_said(k, "\"event\":\"error\"", "\"class\":\"bug\"", NULL))
        fail_msg("%s: %s", c->attack, k->said);
    if (!ek_said(k, "\"event\":\"done\"", "\"ok\":false", NULL))
        fail_msg("%s: %s", c->attack, k->said);
    const char *rows = ek_ask(k, "select count(*) from t");
    if (strcmp(rows, "") != 0 && strcmp(rows, "0") != 0)
        fail_msg("%s: %s rows are there", c->attack, rows);
    const char *units = ek_ask(k, "select count(*) from _etl_units");
    if (strcmp(units, "") != 0 && strcmp(units, "0") != 0)
        fail_msg("%s: a unit is there", c->attack);
}

/* ---- the jail's part ------------------------------------------------------------------------
 */

typedef struct hostile {
    eh_arena *arena;
    eh_buf in;
    char attack[128];
    uint32_t task;
    eh_frame frame; /* the latest one */
} hostile;

static inline void hj_bytes(const void *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        /* Not send: the wall forbids it. SIGPIPE is ignored. */
        ssize_t n = write(3, (const char *)bytes + done, len - done);
        if (n <= 0) _exit(0); /* the engine has had enough */
        done += (size_t)n;
    }
}

static inline void hj_send_as(uint16_t type, uint32_t task, const eh_doc *body)
{
    eh_buf out;
    eh_buf_init(&out, (size_t)4 << 20);
    if (!eh_frame_write(&out, type, task, body, NULL)) _exit(99);
    hj_bytes(out.data, out.len);
    eh_buf_free(&out);
}

static inline void hj_send(hostile *h, uint16_t type, const eh_doc *body)
{
    hj_send_as(type, h->task, body);
}

/* The next frame from the engine; ends with it. */
static inline const eh_doc *hj_next(hostile *h)
{
    for (;;) {
        size_t used;
        if (eh_frame_read(eh_buf_slice(&h->in), h->arena, &h->frame, &used, NULL) ==
            EH_FRAME_READY) {
            eh_buf_consume(&h->in, used);
            return h->frame.body;
        }
        char chunk[65536];
        ssize_t n = read(3, chunk, sizeof chunk);
        if (n <= 0 || !eh_buf_append(&h->in, chunk, (size_t)n, NULL)) _exit(0);
    }
}

static inline eh_doc *hj_hello(hostile *h, int64_t version, bool seccomp)
{
    eh_doc *body = eh_doc_map(h->arena);
    if (!eh_doc_put_int(h->arena, body, "version", version, NULL) ||
        !eh_doc_put_bool(h->arena, body, "landlock", true, NULL) ||
        !eh_doc_put_bool(h->arena, body, "seccomp", seccomp, NULL))
        _exit(99);
    return body;
}

/* A declaration of files.<resource> into table t. */
static inline eh_doc *hj_resource(hostile *h, const char *instance, const char *resource)
{
    return ek_map(h->arena, "instance", instance, "resource", resource, "source", "files",
                  "table", "t", NULL);
}

static inline eh_doc *hj_declared(hostile *h, eh_doc *resource)
{
    eh_doc *body = eh_doc_map(h->arena);
    ek_put(h->arena, body, "resources", ek_list(h->arena, resource));
    ek_put(h->arena, body, "problems", ek_list(h->arena, NULL));
    return body;
}

static inline eh_doc *hj_load(hostile *h, const char *location, const char *file)
{
    return ek_map(h->arena, "op", "load", "instance", "files", "resource", "r", "location",
                  location, "file", file, NULL);
}

static inline void hj_task_done(hostile *h)
{
    hj_send(h, EH_FRAME_TASK_DONE,
            ek_map(h->arena, "instance", "files", "resource", "r", NULL));
}

#endif
