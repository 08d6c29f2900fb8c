/* engine/pipeline.c: one script in its jail, from START to FINISHED. What it declares is read
 * in declare.c, its calls are answered in calls.c. */
#include "engine/pipeline.h"
#include "engine/arriving.h"
#include "engine/preview.h"
#include "engine/response.h"
#include "engine/tokens.h"

#include <stdio.h>

#define DEADLINE_MS  60000
#define CALLS_MAX    1000000
#define MEMORY_BYTES ((int64_t)256 * 1024 * 1024)

eh_pipeline_stream *eh_pipeline_find(eh_pipeline *p, const char *instance, const char *resource)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->streams[i].stream.instance, instance) == 0 &&
            strcmp(p->streams[i].stream.resource, resource) == 0)
            return &p->streams[i];
    return NULL;
}

/* ---- frames to the jail
 * ---------------------------------------------------------------------- */

static bool put_copy(eh_arena *arena, eh_doc *map, const char *key, const eh_doc *value,
                     const char *except, eh_err *err)
{
    if (value == NULL) return true;
    return eh_doc_put(arena, map, eh_slice_str(key), eh_doc_copy(arena, value, except), err);
}

static bool put_limits(eh_arena *arena, eh_doc *body, const eh_doc *limits, eh_err *err)
{
    eh_doc *map = eh_doc_map(arena);
    return eh_doc_put_int(arena, map, "memory_bytes",
                          eh_doc_int(limits, "memory_bytes", MEMORY_BYTES), err) &&
           eh_doc_put_int(arena, map, "deadline_ms",
                          eh_doc_int(limits, "deadline_ms", DEADLINE_MS), err) &&
           eh_doc_put(arena, body, eh_slice_str("limits"), map, err);
}

static bool send_start(eh_pipeline *p, bool check_only, eh_err *err)
{
    eh_run *run = p->run;
    eh_arena *arena = run->arena;
    const eh_doc *pipeline = eh_doc_get(run->spec, "pipeline");
    eh_doc *body = eh_doc_map(arena), *script = eh_doc_map(arena);
    bool ok =
        eh_doc_put_str(arena, body, "mode", eh_slice_str(check_only ? "check" : "run"), err) &&
        eh_doc_put_str(arena, body, "sandbox",
                       eh_slice_str(eh_doc_str(run->spec, "sandbox", "strict")), err) &&
        eh_doc_put_str(arena, script, "name",
                       eh_slice_str(eh_doc_str(pipeline, "path", "pipeline")), err) &&
        eh_doc_put_str(arena, script, "text", eh_slice_str(eh_doc_str(pipeline, "text", "")),
                       err) &&
        eh_doc_put_str(arena, script, "kind",
                       eh_slice_str(eh_doc_str(pipeline, "kind", "pipeline")), err) &&
        eh_doc_put(arena, body, eh_slice_str("script"), script, err) &&
        eh_doc_put_int(arena, body, "now", run->started_us / 1000000, err) &&
        put_copy(arena, body, "client", eh_doc_get(run->spec, "client"), NULL, err) &&
        put_copy(arena, body, "sources", eh_doc_get(run->spec, "sources"), "roots", err) &&
        put_copy(arena, body, "clients", eh_doc_get(run->spec, "clients"), "roots", err) &&
        put_copy(arena, body, "describe", eh_doc_get(run->spec, "describe"), NULL, err) &&
        put_limits(arena, body, eh_doc_get(run->spec, "limits"), err);
    return ok && eh_jail_send(p->jail, EH_FRAME_START, 0, body, err);
}

static bool send_go(eh_pipeline *p, eh_err *err)
{
    eh_arena *arena = p->run->arena;
    eh_doc *body = eh_doc_map(arena), *list = eh_doc_list(arena);
    for (size_t i = 0; i < p->count; i++) {
        const eh_stream *s = &p->streams[i].stream;
        if (!p->streams[i].selected) continue;
        eh_doc *one = eh_doc_map(arena);
        if (!eh_doc_put_str(arena, one, "instance", eh_slice_str(s->instance), err) ||
            !eh_doc_put_str(arena, one, "resource", eh_slice_str(s->resource), err) ||
            !eh_doc_push(list, one, err))
            return false;
    }
    bool retry = eh_doc_get(p->run->spec, "retry") != NULL;
    return eh_doc_put(arena, body, eh_slice_str("resources"), list, err) &&
           eh_doc_put_bool(arena, body, "retry", retry, err) &&
           eh_jail_send(p->jail, EH_FRAME_GO, 0, body, err);
}

/* ---- frames from the jail
 * ---------------------------------------------------------------------- */

static bool unexpected(const eh_frame *frame, eh_err *err)
{
    return eh_fail(err, EH_CLASS_SCRIPT, "the script's process broke the protocol (frame %u)",
                   (unsigned)frame->type);
}

static bool await(eh_pipeline *p, uint16_t type, eh_frame *frame, eh_err *err)
{
    if (!eh_jail_next(p->jail, UINT32_MAX, frame, err)) return false;
    if (frame->type == EH_FRAME_FAILED) {
        eh_jail_read_error(eh_doc_get(frame->body, "error"), err);
        return false;
    }
    return frame->type == type || unexpected(frame, err);
}

static bool task_done(eh_pipeline *p, const eh_frame *frame, eh_err *err)
{
    eh_pipeline_stream *s = eh_pipeline_find(p, eh_doc_str(frame->body, "instance", ""),
                                             eh_doc_str(frame->body, "resource", ""));
    if (s == NULL || !s->selected || s->ended) return unexpected(frame, err);
    const eh_doc *error = eh_doc_get(frame->body, "error");
    if (error != NULL && s->failure.class_ == EH_OK) eh_jail_read_error(error, &s->failure);
    s->ended = true;
    eh_arriving_drop(p, frame->task, s);
    eh_responses_drop(p, frame->task);
    eh_tokens_drop(p, frame->task);
    (void)eh_stream_end(&s->stream, s->failure.class_ != EH_OK ? &s->failure : NULL);
    return true;
}

static bool all_ended(const eh_pipeline *p, eh_err *err)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->streams[i].selected && !p->streams[i].ended)
            return eh_fail(err, EH_CLASS_SCRIPT,
                           "the script's process finished before resource %s.%s did",
                           p->streams[i].stream.instance, p->streams[i].stream.resource);
    return true;
}

/* Each call is small and gives the script a new turn, so no other limit ends a script that asks
 * for ever. */
static bool count_call(eh_pipeline *p, eh_err *err)
{
    int64_t max = eh_doc_int(eh_doc_get(p->run->spec, "limits"), "calls", CALLS_MAX);
    if (++p->calls <= max) return true;
    eh_fail(err, EH_CLASS_LIMIT, "the script asked more than %lld times for something",
            (long long)max);
    return eh_err_hint(err, "an endless loop? The limit is limits.calls");
}

static bool take_frame(eh_pipeline *p, const eh_frame *frame, bool *finished, eh_err *err)
{
    switch (frame->type) {
    case EH_FRAME_CALL:
        return count_call(p, err) && eh_pipeline_call(p, frame, err);
    case EH_FRAME_TASK_DONE:
        return task_done(p, frame, err);
    case EH_FRAME_FINISHED:
        *finished = true;
        return all_ended(p, err);
    case EH_FRAME_FAILED:
        eh_jail_read_error(eh_doc_get(frame->body, "error"), err);
        return false;
    default:
        return unexpected(frame, err);
    }
}

static bool serve(eh_pipeline *p, eh_err *err)
{
    for (bool finished = false; !finished;) {
        eh_frame frame;
        bool got;
        if (!eh_jail_next_or(p->jail, eh_arriving_ready, p, &frame, &got, err)) return false;
        if (got && !take_frame(p, &frame, &finished, err)) return false;
        if (!eh_arriving_go_on(p, err)) return false;
        if (p->preview != NULL && eh_preview_is_full(p->preview)) return true;
    }
    return true;
}

/* ---- the run
 * ----------------------------------------------------------------------------------- */

static bool tell_declared(eh_run *run, const eh_doc *body, eh_err *err)
{
    eh_event_begin(&run->events, "declared");
    eh_event_doc(&run->events, "resources", eh_doc_get(body, "resources"));
    eh_event_doc(&run->events, "problems", eh_doc_get(body, "problems"));
    eh_event_doc(&run->events, "sources", eh_doc_get(body, "sources"));
    eh_event_str(&run->events, "client", eh_doc_str(body, "client", NULL));
    return eh_event_end(&run->events) || eh_fail_memory(err, "declarations");
}

static bool hello(eh_pipeline *p, const char *sandbox, eh_err *err)
{
    eh_frame frame;
    if (!await(p, EH_FRAME_HELLO, &frame, err)) return false;
    if (eh_doc_int(frame.body, "version", 0) != 1) return unexpected(&frame, err);
    if (!eh_doc_bool(frame.body, "seccomp", false) && strcmp(sandbox, "weak") != 0) {
        eh_fail(err, EH_CLASS_CONFIG,
                "this system has no seccomp, so scripts cannot be jailed");
        return eh_err_hint(err, "to run them all the same: --sandbox weak, or sandbox: weak in "
                                "etlhost.yaml");
    }
    if (!eh_doc_bool(frame.body, "landlock", true))
        eh_event_log(&p->run->events, "debug",
                     "this kernel has no Landlock; seccomp is the wall", NULL, NULL);
    return true;
}

/* What is declared for one of several clients, looked at as a run of it would. */
static bool declare_for(eh_pipeline *p, const eh_doc *common, const eh_doc *client,
                        const eh_doc *resources, eh_err *err)
{
    eh_run *run = p->run;
    const eh_doc *spec = run->spec;
    eh_doc *own = eh_doc_copy(run->arena, common, NULL);
    for (const eh_doc *c = eh_doc_first(client); c != NULL; c = c->next)
        if (!eh_doc_put(run->arena, own, c->key, eh_doc_copy(run->arena, c, NULL), err))
            return false;
    run->spec = own;
    bool ok = eh_pipeline_declare(p, resources, err);
    run->spec = spec;
    for (size_t i = 0; i < p->count; i++) eh_row_link_free(&p->streams[i].rows);
    p->count = 0;
    return ok;
}

/* The resources that hash columns; NULL without memory. */
static const eh_doc *hashing(eh_run *run, const eh_doc *resources)
{
    eh_doc *list = eh_doc_list(run->arena);
    for (const eh_doc *r = eh_doc_first(resources); list != NULL && r != NULL; r = r->next) {
        if (eh_doc_count(eh_doc_get(r, "hash")) == 0) continue;
        const char *name = eh_arena_printf(run->arena, "%s.%s", eh_doc_str(r, "instance", ""),
                                           eh_doc_str(r, "resource", ""));
        if (name == NULL ||
            !eh_doc_push(list, eh_doc_string(run->arena, eh_slice_str(name)), NULL))
            return NULL;
    }
    return list;
}

/* One that is not told, or without its error, would pass for one that is fine. */
static bool tell_checked(eh_run *run, const eh_doc *body, const eh_err *wrong, eh_err *err)
{
    const eh_doc *error =
        wrong->class_ != EH_OK ? eh_jail_write_error(run->arena, wrong) : NULL;
    const eh_doc *hashed = hashing(run, eh_doc_get(body, "resources"));
    eh_event_begin(&run->events, "declared");
    if (hashed == NULL || (wrong->class_ != EH_OK && error == NULL))
        return eh_fail_memory(err, "declarations");
    eh_event_doc(&run->events, "hashing", hashed);
    eh_event_doc(&run->events, "problems", eh_doc_get(body, "problems"));
    eh_event_str(&run->events, "client", eh_doc_str(body, "client", NULL));
    eh_event_doc(&run->events, "error", error);
    return eh_event_end(&run->events) || eh_fail_memory(err, "declarations");
}

/* The answers for `clients`, in their order. */
static bool check_clients(eh_pipeline *p, eh_err *err)
{
    eh_run *run = p->run;
    eh_doc *common = eh_doc_copy(run->arena, run->spec, "clients");
    if (common == NULL) return eh_fail_memory(err, "what clients share");
    const eh_doc *clients = eh_doc_get(run->spec, "clients");
    for (const eh_doc *c = eh_doc_first(clients); c != NULL; c = c->next) {
        eh_frame frame;
        if (!await(p, EH_FRAME_DECLARED, &frame, err)) return false;
        eh_err wrong = {.class_ = EH_OK};
        const eh_doc *error = eh_doc_get(frame.body, "error");
        if (error != NULL)
            eh_jail_read_error(error, &wrong);
        else
            (void)declare_for(p, common, c, eh_doc_get(frame.body, "resources"), &wrong);
        if (!tell_checked(run, frame.body, &wrong, err)) return false;
    }
    return true;
}

/* Where the rows of each would go, in their order. */
static bool tell_tables(const eh_pipeline *p, eh_err *err)
{
    eh_run *run = p->run;
    eh_doc *list = eh_doc_list(run->arena);
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < p->count; i++) {
        eh_doc *name = eh_doc_string(run->arena, eh_slice_str(p->streams[i].stream.table));
        ok = name != NULL && eh_doc_push(list, name, NULL);
    }
    if (!ok) return eh_fail_memory(err, "the names of tables");
    eh_event_begin(&run->events, "tables");
    eh_event_doc(&run->events, "tables", list);
    return eh_event_end(&run->events) || eh_fail_memory(err, "the names of tables");
}

static bool evaluate(eh_pipeline *p, bool check_only, eh_err *err)
{
    const char *sandbox = eh_doc_str(p->run->spec, "sandbox", "strict");
    const eh_doc *limits = eh_doc_get(p->run->spec, "limits");
    p->jail = eh_jail_start(p->run, sandbox,
                            eh_doc_int(limits, "deadline_ms", DEADLINE_MS) + 1000, err);
    eh_frame frame;
    if (p->jail == NULL || !hello(p, sandbox, err) || !send_start(p, check_only, err))
        return false;
    if (check_only && eh_doc_get(p->run->spec, "clients") != NULL) return check_clients(p, err);
    if (!await(p, EH_FRAME_DECLARED, &frame, err)) return false;
    if (!tell_declared(p->run, frame.body, err)) return false;
    const eh_doc *problem = eh_doc_first(eh_doc_get(frame.body, "problems"));
    if (problem != NULL && !check_only) {
        eh_jail_read_error(problem, err);
        err->class_ = EH_CLASS_CONFIG;
        return false;
    }
    return eh_pipeline_declare(p, eh_doc_get(frame.body, "resources"), err) &&
           (!check_only || tell_tables(p, err));
}

/* What there is instead, as far as a hint has room for it. */
static void hint_names(const eh_pipeline *p, eh_err *err)
{
    char names[400];
    size_t len = 0, shown = 0;
    for (; shown < p->count; shown++) {
        const eh_stream *s = &p->streams[shown].stream;
        int n = snprintf(names + len, sizeof names - len, "%s%s.%s", shown > 0 ? ", " : "",
                         s->instance, s->resource);
        if (n < 0 || (size_t)n >= sizeof names - len) break;
        len += (size_t)n;
    }
    names[len] = '\0';
    (void)eh_err_hint(err, "there are: %s%s", names, shown < p->count ? ", ..." : "");
}

static bool nothing_selected(const eh_pipeline *p, eh_err *err)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->streams[i].selected) return false;
    const char *only = eh_doc_str(p->run->spec, "only_resource", NULL);
    if (only == NULL)
        return eh_fail(err, EH_CLASS_CONFIG, "the pipeline has no resources to run");
    eh_fail(err, EH_CLASS_CONFIG, "there is no resource \"%s\"", only);
    if (p->count > 0) hint_names(p, err);
    return false;
}

static void end_all(eh_pipeline *p, const eh_err *why)
{
    eh_arriving_free(p);
    eh_responses_drop(p, 0);
    eh_tokens_free(p);
    for (size_t i = 0; i < p->count; i++) {
        eh_pipeline_stream *s = &p->streams[i];
        if (s->selected && !s->ended && (s->stream.loader != NULL || s->stream.files > 0))
            (void)eh_stream_end(&s->stream, s->failure.class_ != EH_OK ? &s->failure : why);
        s->ended = true;
        eh_row_link_free(&s->rows);
    }
}

static bool operate(eh_pipeline *p, bool check_only, eh_err *err)
{
    if (!evaluate(p, check_only, err)) return false;
    if (check_only) return true;
    for (size_t i = 0, chosen = 0; i < p->count; i++) {
        chosen += p->streams[i].selected;
        if (i + 1 == p->count && chosen == 0) return nothing_selected(p, err);
    }
    if (p->count == 0) return nothing_selected(p, err);
    return send_go(p, err) && serve(p, err);
}

static void only_preview(eh_pipeline *p, struct eh_preview *preview, const eh_doc *options)
{
    const char *instance = eh_doc_str(options, "instance", "");
    const char *resource = eh_doc_str(options, "resource", "");
    for (size_t i = 0; i < p->count; i++) {
        eh_pipeline_stream *s = &p->streams[i];
        s->selected = strcmp(s->stream.instance, instance) == 0 &&
                      strcmp(s->stream.resource, resource) == 0;
        s->stream.preview = preview;
    }
}

bool eh_run_pipeline_preview(eh_run *run, struct eh_preview *preview, eh_err *err)
{
    const eh_doc *options = eh_doc_get(run->spec, "preview");
    eh_pipeline p = {.run = run, .preview = preview};
    bool ok = evaluate(&p, false, err);
    if (ok) {
        only_preview(&p, preview, options);
        bool any = false;
        for (size_t i = 0; i < p.count; i++) any = any || p.streams[i].selected;
        if (!any)
            ok = eh_fail(err, EH_CLASS_CONFIG, "there is no resource %s.%s",
                         eh_doc_str(options, "instance", ""),
                         eh_doc_str(options, "resource", ""));
    }
    ok = ok && send_go(&p, err) && serve(&p, err);
    end_all(&p, err);
    eh_jail_free(p.jail);
    return ok && !run->failed;
}

bool eh_run_pipeline(eh_run *run, eh_err *err)
{
    bool check_only = strcmp(eh_doc_str(run->spec, "op", ""), "check") == 0;
    if (!check_only && !eh_run_open_dest(run, eh_doc_bool(run->spec, "dry_run", false), err))
        return false;
    eh_pipeline p = {.run = run};
    bool ok = operate(&p, check_only, err);
    end_all(&p, err);
    eh_jail_free(p.jail);
    return ok;
}
