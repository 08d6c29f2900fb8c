/* Engines in which allocations fail. A scene (tests/fixtures/oom/scenes.yaml) is a run of a
 * real engine, forked from the test, with the real jail and a scripted service. It runs once as
 * it is, noting where memory is allocated; then once for each place that no scene before had,
 * where that fails. No crash, no leak, a run that failed has said why, with a class that fits;
 * and whatever it left behind, the run that follows it ends with the very same tables. */
#ifndef EH_TESTS_OOM_ENGINE_H
#define EH_TESTS_OOM_ENGINE_H

#include "engine_kit.h"
#include "http_server.h"
#include "jail/jail.h"
#include "oom_sites.h"

#include "data/yaml.h"
#include "io/libcurl.h"

#define OE_PATIENCE_MS (getenv("EH_OOM_PATIENCE") != NULL ? 5000 : 60000)

typedef struct oe {
    ek k;
    http_server service;
    eh_doc *scenes;
    const char *destination; /* URL */
    /* Puts the destination back to nothing, or, after `keep` was called, to what it had then.
     */
    void (*reset)(struct oe *e);
    void (*keep)(struct oe *e);
    const char *(*ask)(struct oe *e, const char *sql);
    long left;         /* blocks that a run which nothing ails ends with */
    bool all_after;    /* not only one allocation fails */
    const char *scene; /* of the moment */
    const eh_doc *scene_doc;
    char *kept; /* for `keep` */
    size_t kept_len;
} oe;

#if !OWN_MALLOC
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "exitcode=99"; /* 1 is a run that failed */
}
#endif

/* ---- scenes ---------------------------------------------------------------------------------
 */

static inline char *oe_read(const char *name)
{
    char path[512];
    const char *root = getenv("ETLHOST_TEST_ROOT");
    (void)snprintf(path, sizeof path, "%s/%s", root != NULL ? root : ".", name);
    FILE *file = fopen(path, "r");
    if (file == NULL) fail_msg("%s: %s", path, strerror(errno));
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    assert_int_equal(fclose(file), 0);
    return text;
}

static inline void oe_replace(eh_buf *out, const char *text, const char *const (*words)[2])
{
    while (*text != '\0') {
        size_t i = 0;
        while (words[i][0] != NULL && strncmp(text, words[i][0], strlen(words[i][0])) != 0) i++;
        bool is_word = words[i][0] != NULL;
        assert_true(is_word ? eh_buf_append_str(out, words[i][1], NULL)
                            : eh_buf_append(out, text, 1, NULL));
        text += is_word ? strlen(words[i][0]) : 1;
    }
}

/* YAML knows texts only: what looks like a number or a boolean is one, except below `admin` and
 * `settings`, whose values are texts. */
static inline void oe_types(eh_doc *doc)
{
    if (doc->kind == EH_DOC_LIST || doc->kind == EH_DOC_MAP) {
        for (eh_doc *c = doc->as.children.first; c != NULL; c = c->next)
            if (doc->kind == EH_DOC_LIST ||
                (!eh_slice_is(c->key, "settings") && !eh_slice_is(c->key, "params") &&
                 !eh_slice_is(c->key, "whole")))
                oe_types(c);
        return;
    }
    if (doc->kind != EH_DOC_STRING) return;
    char *end;
    const char *text = doc->as.string.data;
    long long number = strtoll(text, &end, 10);
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        doc->kind = EH_DOC_BOOLEAN;
        doc->as.boolean = text[0] == 't';
    } else if (text[0] != '\0' && text[0] != '0' && *end == '\0') {
        doc->kind = EH_DOC_INTEGER;
        doc->as.integer = number;
    }
}

static inline void oe_write_files(oe *e)
{
    static const char *const folders[] = {"in/c", "in/m", "sources", "spool", "tokens"};
    char path[128];
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", e->k.folder, folders[i]);
        assert_int_equal(mkdir(path, 0755), 0);
    }
    const eh_doc *files = eh_doc_get(e->scenes, "files");
    for (const eh_doc *f = eh_doc_first(files); f != NULL; f = f->next)
        ek_write(&e->k, f->key.data, f->as.string.data);
    char *shop = oe_read("tests/fixtures/oom/shop.lua");
    ek_write(&e->k, "sources/shop.lua", shop);
    free(shop);
}

static inline void oe_open(oe *e, const char *destination)
{
    char http[64], sqlite[128];
    eh_err err = {.class_ = EH_OK};
    char *scenario = oe_read("tests/fixtures/oom/service.lua");
    ek_open(&e->k, "");
    assert_true(http_server_start(&e->service, scenario, false));
    (void)snprintf(http, sizeof http, "127.0.0.1:%u", e->service.port);
    (void)snprintf(sqlite, sizeof sqlite, "sqlite:%s/data.db", e->k.folder);
    const char *const words[][2] = {
        {"%FOLDER%", e->k.folder},
        {"%HTTP%", http},
        {"%ETL%", destination != NULL ? "_etl." : "_etl_"},
        {"%DESTINATION%", destination != NULL ? destination : sqlite},
        {NULL, NULL}};
    eh_buf text;
    eh_buf_init(&text, 1 << 20);
    char *yaml = oe_read("tests/fixtures/oom/scenes.yaml");
    oe_replace(&text, yaml, words);
    e->scenes = eh_yaml_parse(e->k.arena, eh_buf_slice(&text), "scenes.yaml", &err);
    if (e->scenes == NULL) fail_msg("%s: %s", err.place, err.message);
    oe_types((eh_doc *)(uintptr_t)eh_doc_get(e->scenes, "common"));
    oe_types((eh_doc *)(uintptr_t)eh_doc_get(e->scenes, "scenes"));
    oe_write_files(e);
    eh_buf_free(&text);
    free(yaml);
    free(scenario);
}

static inline void oe_close(oe *e)
{
    http_server_stop(&e->service);
    ek_close(&e->k);
    free(e->kept);
}

/* What runs leave in the folder goes: tokens, and a file that must not be there. */
static inline void oe_empty(oe *e)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/dead.csv", e->k.folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/tokens", e->k.folder);
    assert_int_equal(remove_tree(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
}

/* The specification of a scene: its own keys, then the common ones. */
static inline eh_doc *oe_spec(oe *e, const eh_doc *own)
{
    eh_doc *spec = eh_doc_copy(e->k.arena, own, NULL);
    assert_non_null(spec);
    const eh_doc *common = eh_doc_get(e->scenes, "common");
    for (const eh_doc *c = eh_doc_first(common); c != NULL; c = c->next)
        if (eh_doc_get(spec, c->key.data) == NULL)
            ek_put(e->k.arena, spec, c->key.data, eh_doc_copy(e->k.arena, c, NULL));
    return spec;
}

/* ---- runs -----------------------------------------------------------------------------------
 */

/* In the child. What it prints goes where the test reads it. */
static inline void oe_become_engine(const ek *k, int control, int events, bool watched)
{
    static const int caught[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS}; /* by cmocka */
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
        (void)signal(caught[i], SIG_DFL);
    int c = fcntl(control, F_DUPFD, 10), e = fcntl(events, F_DUPFD, 10);
    if (c < 0 || e < 0 || dup2(c, 3) < 0 || dup2(e, 4) < 0 || dup2(e, 1) < 0 ||
        chdir(k->folder) != 0)
        _exit(126);
    (void)close(c);
    (void)close(e);
    atomic_store(&oom.live, 0);
    atomic_store(&oom.counting, true);
    oom_watch_places(watched);
    oom.listens = watched && !atomic_load(&oom_at->noting);
    int code = eh_engine_main();
    oom_watch_places(false);
    atomic_store(&oom.counting, false);
    atomic_store(&oom_at->left, atomic_load(&oom.live));
    exit(code); /* the sanitizer looks for leaks then */
}

/* All that it says until it ends; one that says nothing for too long is killed. */
static inline void oe_hear(ek *k)
{
    struct pollfd p = {.fd = k->events, .events = POLLIN};
    for (;;) {
        if (poll(&p, 1, OE_PATIENCE_MS) <= 0) (void)kill(k->pid, SIGKILL);
        assert_true(k->said_len < ((size_t)8 << 20) - 65536);
        ssize_t n = read(k->events, k->said + k->said_len, 65535);
        if (n <= 0) return;
        k->said_len += (size_t)n;
        k->said[k->said_len] = '\0';
    }
}

static inline void oe_run(oe *e, const eh_doc *spec, bool watched)
{
    int control[2], events[2];
    ek *k = &e->k;
    if (k->control >= 0) (void)close(k->control);
    if (k->events >= 0) (void)close(k->events);
    k->said_len = 0;
    k->said[0] = '\0';
    k->spec = (eh_doc *)(uintptr_t)spec;
    assert_int_equal(pipe2(control, O_CLOEXEC), 0);
    assert_int_equal(pipe2(events, O_CLOEXEC), 0);
    (void)fflush(NULL);
    k->pid = fork();
    assert_true(k->pid >= 0);
    if (k->pid == 0) oe_become_engine(k, control[0], events[1], watched);
    (void)close(control[0]);
    (void)close(events[1]);
    k->control = control[1];
    k->events = events[0];
    ek_send_spec(k, eh_doc_bool(e->scene_doc, "stop", false));
    oe_hear(k);
    int status = 0;
    assert_int_equal(waitpid(k->pid, &status, 0), k->pid);
    k->code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* What it said, without the longest of it: cmocka cuts off. */
static inline void oe_tell(const ek *k)
{
    const char *line = k->said;
    for (const char *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
        if (strncmp(line, "{\"event\":\"declared\"", 19) != 0)
            (void)fprintf(stderr, "%.*s\n", (int)(end - line), line);
}

static inline void oe_must_run(oe *e, const eh_doc *spec)
{
    oe_run(e, spec, false);
    if (e->k.code == 0) return;
    oe_tell(&e->k);
    fail_msg("%s: %d", e->scene, e->k.code);
}

/* ---- the sweep of a scene -------------------------------------------------------------------
 */

typedef struct oe_sweep {
    oe *e;
    const eh_doc *scene, *spec;
    bool is_admin;
    size_t failures; /* of runs, which failed as they may */
} oe_sweep;

static inline const char *oe_is_whole(oe_sweep *s)
{
    const char *ask = eh_doc_str(s->scene, "ask", NULL), *whole, *said;
    said = eh_doc_str(s->scene, "said", NULL);
    if (said != NULL && strstr(s->e->k.said, said) == NULL) return said;
    if (ask == NULL) return NULL;
    whole = eh_doc_str(s->scene, "whole", "");
    const char *is = s->e->ask(s->e, ask);
    return strcmp(is, whole) == 0 ? NULL : is;
}

/* Did it end as it does with memory? That may be an error: a scene's `fails` is its class. */
static inline bool oe_is_well(const oe_sweep *s)
{
    char class_[64];
    const char *fails = eh_doc_str(s->scene, "fails", NULL);
    if (fails == NULL) return s->e->k.code == 0;
    (void)snprintf(class_, sizeof class_, "\"class\":\"%s\"", fails);
    return s->e->k.code == 1 && ek_said(&s->e->k, "\"event\":\"error\"", class_, NULL);
}

/* What is wrong with a run that had too little memory; NULL: nothing. */
static inline const char *oe_judge(oe_sweep *s)
{
    const ek *k = &s->e->k;
    bool reached = atomic_load(&oom_at->reached);
    if (k->code == -SIGKILL) return "it hangs";
    if (k->code != 0 && k->code != 1) return "it crashed";
    if (k->code == 0 && (oe_is_whole(s) != NULL || eh_doc_get(s->scene, "fails") != NULL))
        return "no success";
    if (!reached && !oe_is_well(s)) return "it failed without a reason";
    if (OWN_MALLOC && atomic_load(&oom_at->left) > s->e->left) return "it leaks";
    if (k->code == 1 && !s->e->all_after && !ek_said(k, "\"event\":\"error\"", NULL, NULL))
        return "not a word";
    if (ek_said(k, "\"event\":\"error\"", "\"class\":\"bug\"", NULL)) return "a bug, it says";
    return NULL;
}

static inline void oe_fail_one(void *what, unsigned hash, unsigned time)
{
    oe_sweep *s = what;
    oe *e = s->e;
    e->reset(e);
    oom_fail_place(hash, time, e->all_after);
    oe_run(e, s->spec, true);
    const char *wrong = oe_judge(s);
    if (e->k.code == 1) s->failures++;
    if (wrong == NULL && e->k.code == 0) return;
    if (wrong == NULL && !ek_said(&e->k, "\"stream_started\"", NULL, NULL) && !s->is_admin)
        return; /* nothing was written */
    if (wrong == NULL) {
        if (s->is_admin)
            e->reset(e); /* no correction is made twice, and no file written over */
        oe_run(e, s->spec, false);
        if (oe_is_well(s) && oe_is_whole(s) == NULL) return;
        wrong = "the next run";
    }
    const char *is = oe_is_whole(s);
    (void)fprintf(stderr, "%s, place %x, time %u, left %ld, code %d: %s; it has: %s\n",
                  e->scene, hash, time, atomic_load(&oom_at->left) - e->left, e->k.code, wrong,
                  is != NULL ? is : "");
    oe_tell(&e->k);
    oom_at->told = true; /* once more, to say where */
    e->reset(e);
    oom_fail_place(hash, time, e->all_after);
    oe_run(e, s->spec, true);
    oom_at->told = false;
    if (getenv("EH_OOM_GO_ON") == NULL) fail_msg("%s: %s", e->scene, wrong);
}

/* One run of a scene, noting where it allocates. */
static inline void oe_note(oe_sweep *s)
{
    oe *e = s->e;
    e->scene = eh_doc_str(s->scene, "name", "?");
    e->scene_doc = NULL;
    s->spec = oe_spec(e, eh_doc_get(s->scene, "spec"));
    s->is_admin = strcmp(eh_doc_str(s->spec, "op", ""), "admin") == 0;
    free(e->kept);
    e->kept = NULL;
    e->reset(e);
    for (const eh_doc *b = eh_doc_first(eh_doc_get(s->scene, "before")); b != NULL; b = b->next)
        oe_must_run(e, oe_spec(e, b));
    e->keep(e);
    e->scene_doc = s->scene;
    oom_note_places();
    oe_run(e, s->spec, true);
    e->left = atomic_load(&oom_at->left);
    const char *is = oe_is_whole(s);
    if (oe_is_well(s) && is == NULL) return;
    oe_tell(&e->k);
    fail_msg("%s: %d, %s", e->scene, e->k.code, is != NULL ? is : "");
}

static inline void oe_sweep_scene(oe *e, const eh_doc *scene)
{
    oe_sweep s = {.e = e, .scene = scene};
    oe_note(&s);
    size_t count = oom_each_place(getenv("EH_OOM_DRY") == NULL ? oe_fail_one : NULL, &s);
    if (getenv("EH_OOM_TELL") != NULL)
        print_message("%s: %zu allocations failed, %zu runs with them\n", e->scene, count,
                      s.failures);
}

/* Its places count as swept. */
static inline void oe_note_scene(oe *e, const eh_doc *scene)
{
    oe_sweep s = {.e = e, .scene = scene};
    oe_note(&s);
    (void)oom_each_place(NULL, NULL);
}

/* Those marked so; NULL: all. */
static inline void oe_each_scene(oe *e, const char *mark,
                                 void (*handle)(oe *e, const eh_doc *scene))
{
    const char *only = getenv("EH_OOM_ONLY");
    const eh_doc *scenes = eh_doc_get(e->scenes, "scenes");
    for (const eh_doc *s = eh_doc_first(scenes); s != NULL; s = s->next)
        if ((only == NULL || strcmp(only, eh_doc_str(s, "name", "")) == 0) &&
            (mark == NULL || eh_doc_bool(s, mark, false)))
            handle(e, s);
}

/* First thing in a program. What libraries do when they are loaded is theirs. */
static inline void oe_begin(void)
{
    static eh_libcurl curl;
    oom_spare_openssl();
    oom_sites_init();
    (void)signal(SIGPIPE, SIG_IGN);
    if (!eh_libcurl_load(&curl, NULL) || curl.global_init(CURL_GLOBAL_DEFAULT) != 0) _exit(96);
}

#endif
