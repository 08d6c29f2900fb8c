/* engine/tokens.c: see tokens.h. */
#include "engine/tokens.h"

#include "engine/token_store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define TOKENS_MAX  64
#define TEXT_MAX    ((size_t)128 * 1024)
#define LOOK_US     50000            /* between two looks whether another run is done */
#define PATIENCE_US (60 * 1000000LL) /* with another run's sign-in */
#define MARGIN_S    30               /* before the end of its life it is not handed out */
#define REPLY_MAX   ((size_t)1024 * 1024)
#define LIFE_MAX_S  (400LL * 86400)

typedef struct waiter {
    struct waiter *next;
    uint32_t task;
    int64_t since_us;
} waiter;

typedef struct eh_token eh_token;
struct eh_token {
    eh_token *next;
    eh_pipeline *p;
    char *instance, *name;
    char *handle;          /* owned; NULL: there is none */
    int64_t good_until_us; /* wall clock; INT64_MAX: as long as the run */
    bool fetching;
    uint32_t fetcher;
    int lock; /* of the store; -1: not ours */
    waiter *waiters;
    eh_watch *timer;
};

/* ---- the store ------------------------------------------------------------------------------
 */

static bool open_store(const eh_pipeline *p, eh_token_store *store)
{
    const eh_doc *spec = eh_doc_get(p->run->spec, "secrets");
    eh_slice key;
    if (!eh_secrets_of_host(p->run->secrets, "token_key", &key)) return false;
    eh_token_store_open(store, eh_doc_str(spec, "token_folder", NULL), key);
    return store->folder != NULL;
}

static bool append_part(eh_buf *out, eh_slice text, eh_err *err)
{
    return eh_buf_append(out, text.data, text.len, err) && eh_buf_append_byte(out, '\0', err);
}

/* What a token belongs to: with other settings or other credentials it is another one. */
static bool append_owner(const eh_token *t, eh_buf *out, eh_err *err)
{
    const eh_run *run = t->p->run;
    const eh_doc *sources = eh_doc_get(run->spec, "sources"), *source = eh_doc_first(sources);
    while (source != NULL && strcmp(eh_doc_str(source, "instance", ""), t->instance) != 0)
        source = source->next;
    const char *client = eh_doc_str(eh_doc_get(run->spec, "client"), "id", "");
    const eh_doc *settings = eh_doc_get(source, "settings");
    return append_part(out, eh_slice_str(client), err) &&
           append_part(out, eh_slice_str(t->instance), err) &&
           append_part(out, eh_slice_str(t->name), err) &&
           (settings == NULL ||
            eh_secrets_read_settings(run->secrets, t->instance, settings, out, err));
}

static bool find_file(const eh_token *t, const eh_token_store *store, eh_buf *owner,
                      eh_token_file *file, eh_err *err)
{
    eh_buf_init(owner, (size_t)4 * 1024 * 1024);
    return append_owner(t, owner, err) &&
           eh_token_store_find(store, eh_buf_slice(owner), file, err);
}

/* ---- one token ------------------------------------------------------------------------------
 */

static bool is_good(const eh_token *t)
{
    return t->handle != NULL && t->good_until_us > eh_clock_wall(&t->p->run->clock);
}

static bool keep(eh_token *t, eh_slice value, int64_t good_until_us, eh_err *err)
{
    const char *handle;
    if (!eh_secrets_capture(t->p->run->secrets, t->instance, t->name, value, &handle, err))
        return false;
    char *copy = strdup(handle);
    if (copy == NULL) return eh_fail_memory(err, "a token");
    free(t->handle);
    t->handle = copy;
    t->good_until_us = good_until_us;
    return true;
}

static void unlock(eh_token *t)
{
    if (t->lock >= 0) (void)close(t->lock);
    t->lock = -1;
}

/* A file's text is "GOOD_UNTIL\nTOKEN". */
static void take_stored(eh_token *t, const eh_token_store *store, const eh_token_file *file)
{
    eh_buf text;
    eh_buf_init(&text, TEXT_MAX);
    if (eh_token_store_read(store, file, &text)) {
        const char *newline = memchr(text.data, '\n', text.len);
        int64_t until = newline != NULL ? strtoll(text.data, NULL, 10) : 0;
        size_t head = newline != NULL ? (size_t)(newline - text.data) + 1 : 0;
        if (until > eh_clock_wall(&t->p->run->clock))
            (void)!keep(t, eh_slice_of(text.data + head, text.len - head), until, NULL);
    }
    eh_secrets_wipe(&text);
}

static bool store_it(eh_token *t, eh_slice value, eh_err *err)
{
    eh_token_store store;
    eh_token_file file;
    eh_buf owner, text;
    if (t->good_until_us == INT64_MAX || !open_store(t->p, &store)) return true;
    eh_buf_init(&text, TEXT_MAX);
    bool ok = find_file(t, &store, &owner, &file, err) &&
              eh_buf_printf(&text, err, "%" PRId64 "\n", t->good_until_us) &&
              eh_buf_append(&text, value.data, value.len, err) &&
              eh_token_store_write(&store, &file, eh_buf_slice(&text), err);
    eh_secrets_wipe(&text);
    eh_secrets_wipe(&owner);
    eh_token_store_close(&store);
    return ok;
}

static void forget_stored(eh_token *t)
{
    eh_token_store store;
    eh_token_file file;
    eh_buf owner;
    if (!open_store(t->p, &store)) return;
    if (find_file(t, &store, &owner, &file, NULL)) eh_token_store_remove(&file);
    eh_secrets_wipe(&owner);
    eh_token_store_close(&store);
}

/* Whether this run may sign in, or has the token now: false while another run is at it. */
static bool may_fetch(eh_token *t)
{
    eh_token_store store;
    eh_token_file file;
    eh_buf owner;
    if (!open_store(t->p, &store)) return true;
    bool free_ = true;
    if (find_file(t, &store, &owner, &file, NULL)) {
        t->lock = eh_token_store_lock(&file);
        free_ = t->lock != -1;
        if (free_) take_stored(t, &store, &file);
        if (t->lock == -2 || is_good(t)) unlock(t);
    }
    eh_secrets_wipe(&owner);
    eh_token_store_close(&store);
    return free_;
}

/* ---- who waits ------------------------------------------------------------------------------
 */

static bool put_answer(const eh_token *t, eh_arena *arena, eh_doc **value, eh_err *err)
{
    *value = eh_doc_map(arena);
    if (!is_good(t)) return *value != NULL || eh_fail_memory(err, "a reply");
    return eh_doc_put_str(arena, *value, "token", eh_slice_str(t->handle), err);
}

static void answer_first(eh_token *t)
{
    waiter *w = t->waiters;
    eh_pipeline *p = t->p;
    t->waiters = w->next;
    eh_arena *arena = eh_arena_new(REPLY_MAX);
    eh_doc *body = arena != NULL ? eh_doc_map(arena) : NULL, *value = NULL;
    eh_err unsent = {.class_ = EH_OK};
    bool ok = (body != NULL || eh_fail_memory(&unsent, "a reply")) &&
              put_answer(t, arena, &value, &unsent) &&
              eh_doc_put(arena, body, eh_slice_str("value"), value, &unsent) &&
              eh_jail_send(p->jail, EH_FRAME_REPLY, w->task, body, &unsent);
    if (!ok) eh_jail_break(p->jail, &unsent);
    eh_arena_free(arena);
    free(w);
}

static void advance(eh_token *t);

static void on_timer(void *self)
{
    eh_token *t = self;
    t->timer = NULL;
    advance(t);
}

/* Brings those who wait on, as far as that goes. */
static void advance(eh_token *t)
{
    while (t->waiters != NULL && !t->fetching) {
        if (!is_good(t)) {
            int64_t now = eh_clock_monotonic(&t->p->run->clock);
            bool patient = now - t->waiters->since_us < PATIENCE_US;
            if (t->lock < 0 && !may_fetch(t) && patient) {
                if (t->timer == NULL)
                    t->timer = eh_loop_timer(t->p->run->loop, LOOK_US, on_timer, t);
                if (t->timer != NULL) return;
            }
        }
        if (!is_good(t)) {
            t->fetching = true;
            t->fetcher = t->waiters->task;
        }
        answer_first(t);
    }
}

static void give_up(eh_token *t)
{
    t->fetching = false;
    unlock(t);
    advance(t);
}

/* ---- calls ----------------------------------------------------------------------------------
 */

static void free_token(eh_token *t)
{
    unlock(t);
    eh_watch_remove(t->timer);
    while (t->waiters != NULL) {
        waiter *gone = t->waiters;
        t->waiters = gone->next;
        free(gone);
    }
    free(t->instance);
    free(t->name);
    free(t->handle);
    free(t);
}

static eh_token *token_of(eh_pipeline *p, const char *instance, const char *name, eh_err *err)
{
    size_t count = 0;
    for (eh_token *t = p->tokens; t != NULL; t = t->next, count++)
        if (strcmp(t->instance, instance) == 0 && strcmp(t->name, name) == 0) return t;
    if (count >= TOKENS_MAX) {
        eh_fail(err, EH_CLASS_LIMIT, "a run has at most %d tokens", TOKENS_MAX);
        return NULL;
    }
    eh_token *t = calloc(1, sizeof *t);
    if (t != NULL) {
        t->p = p;
        t->lock = -1;
        t->instance = strdup(instance);
        t->name = strdup(name);
    }
    if (t == NULL || t->instance == NULL || t->name == NULL) {
        if (t != NULL) free_token(t);
        eh_fail_memory(err, "a token");
        return NULL;
    }
    t->next = p->tokens;
    p->tokens = t;
    return t;
}

static bool call_get(eh_token *t, uint32_t task, bool *later, eh_err *err)
{
    waiter *w = calloc(1, sizeof *w);
    if (w == NULL) return eh_fail_memory(err, "a token");
    *w = (waiter){.task = task, .since_us = eh_clock_monotonic(&t->p->run->clock)};
    waiter **end = &t->waiters;
    while (*end != NULL) end = &(*end)->next;
    *end = w;
    *later = true;
    advance(t);
    return true;
}

static int64_t good_until(const eh_token *t, const eh_doc *args)
{
    int64_t life = eh_doc_int(args, "expires_in", 0);
    if (life <= 0) return INT64_MAX;
    if (life > LIFE_MAX_S) life = LIFE_MAX_S;
    int64_t margin = life / 10 < MARGIN_S ? life / 10 : MARGIN_S;
    return eh_clock_wall(&t->p->run->clock) + (life - margin) * 1000000;
}

static bool call_put(eh_token *t, const eh_doc *args, eh_arena *arena, eh_doc **value,
                     eh_err *err)
{
    const eh_doc *token = eh_doc_get(args, "token");
    eh_buf text;
    eh_buf_init(&text, TEXT_MAX);
    bool ok = token != NULL && token->kind == EH_DOC_STRING && token->as.string.len > 0;
    if (!ok) eh_fail(err, EH_CLASS_SCRIPT, "a token must be a text");
    ok = ok && eh_secrets_read(t->p->run->secrets, t->instance, token->as.string, &text, err) &&
         keep(t, eh_buf_slice(&text), good_until(t, args), err);
    eh_err stored = {.class_ = EH_OK};
    if (ok && !store_it(t, eh_buf_slice(&text), &stored))
        eh_event_log(&t->p->run->events, "warning", stored.message, t->instance, NULL);
    eh_secrets_wipe(&text);
    ok = ok && put_answer(t, arena, value, err);
    give_up(t);
    return ok;
}

bool eh_token_call(eh_pipeline *p, const eh_pipeline_stream *stream, const eh_frame *frame,
                   eh_arena *arena, eh_doc **value, bool *later, eh_err *err)
{
    const char *op = eh_doc_str(frame->body, "op", ""), *name;
    if (!eh_call_text(frame->body, "name", "", &name, err)) return false;
    eh_token *t = token_of(p, stream->stream.instance, name, err);
    if (t == NULL) return false;
    if (strcmp(op, "token_get") == 0) return call_get(t, frame->task, later, err);
    *value = eh_doc_map(arena);
    if (strcmp(op, "token_drop") == 0) {
        t->good_until_us = 0;
        forget_stored(t);
        return *value != NULL || eh_fail_memory(err, "a reply");
    }
    if (!t->fetching || t->fetcher != frame->task)
        return eh_fail(err, EH_CLASS_SCRIPT, "%s: nobody asked this task for the token", op);
    if (strcmp(op, "token_put") == 0) return call_put(t, frame->body, arena, value, err);
    give_up(t);
    return *value != NULL || eh_fail_memory(err, "a reply");
}

void eh_tokens_drop(eh_pipeline *p, uint32_t task)
{
    for (eh_token *t = p->tokens; t != NULL; t = t->next) {
        for (waiter **w = &t->waiters; *w != NULL;) {
            waiter *gone = *w;
            if (gone->task != task) {
                w = &gone->next;
                continue;
            }
            *w = gone->next;
            free(gone);
        }
        if (t->fetching && t->fetcher == task) give_up(t);
    }
}

void eh_tokens_free(eh_pipeline *p)
{
    while (p->tokens != NULL) {
        eh_token *gone = p->tokens;
        p->tokens = gone->next;
        free_token(gone);
    }
}
