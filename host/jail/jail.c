/* jail/jail.c: one run of the script process, from the wall to FINISHED; see jail.h and
 * docs/reference/messages.md. */
#include "jail/jail.h"

#include "base/fault.h"
#include "data/json.h" /* eh_utf8_valid */
#include "jail/internal.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <unistd.h>

enum { EXIT_FINISHED = 0, EXIT_REPORTED = 1, EXIT_ALONE = 2 };

static const size_t default_memory = (size_t)256 * 1024 * 1024;
static const int64_t default_turn_ms = 30000;
/* Beyond what Lua may hold: frames, documents, the allocator's own waste. */
static const size_t extra_memory = (size_t)256 * 1024 * 1024;

/* ---- What is said ------------------------------------------------------------------------ */

static bool put_text(eh_arena *arena, eh_doc *map, const char *key, const char *text,
                     eh_err *err)
{
    return text[0] == '\0' || eh_doc_put_str(arena, map, key, eh_slice_str(text), err);
}

eh_doc *eh_jail_error_doc(eh_arena *arena, const eh_err *failure, const char *trace)
{
    eh_doc *map = eh_doc_map(arena);
    bool ok = put_text(arena, map, "class", eh_class_name(failure->class_), NULL) &&
              put_text(arena, map, "message", failure->message, NULL) &&
              put_text(arena, map, "hint", failure->hint, NULL) &&
              put_text(arena, map, "place", failure->place, NULL) &&
              put_text(arena, map, "trail", failure->trail, NULL) &&
              put_text(arena, map, "trace", trace, NULL);
    return ok ? map : NULL;
}

bool eh_jail_log(eh_jail *jail, const char *level, eh_slice message, eh_err *err)
{
    eh_arena *arena = eh_link_arena(&jail->link);
    eh_doc *body = eh_doc_map(arena);
    return eh_doc_put_str(arena, body, "level", eh_slice_str(level), err) &&
           eh_doc_put_str(arena, body, "message", message, err) &&
           eh_link_send(&jail->link, EH_FRAME_LOG, 0, body, err);
}

static bool say_hello(eh_jail *jail, eh_err *err)
{
    eh_arena *arena = eh_link_arena(&jail->link);
    eh_doc *body = eh_doc_map(arena);
    return eh_doc_put_int(arena, body, "version", 1, err) &&
           eh_doc_put_bool(arena, body, "landlock", jail->wall.landlock, err) &&
           eh_doc_put_bool(arena, body, "seccomp", jail->wall.seccomp, err) &&
           eh_link_send(&jail->link, EH_FRAME_HELLO, 0, body, err);
}

static int report(eh_jail *jail, const eh_err *failure)
{
    if (failure->class_ == EH_CLASS_CANCELLED) return EXIT_ALONE;
    eh_arena *arena = eh_link_arena(&jail->link);
    eh_doc *body = eh_doc_map(arena);
    eh_err err = {.class_ = EH_OK};
    if (!eh_doc_put(arena, body, eh_slice_str("error"),
                    eh_jail_error_doc(arena, failure, jail->trace), &err) ||
        !eh_link_send(&jail->link, EH_FRAME_FAILED, 0, body, &err))
        return EXIT_ALONE;
    return EXIT_REPORTED;
}

/* ---- Before the script ------------------------------------------------------------------- */

static int open_state(lua_State *L)
{
    eh_jail_bind(L, lua_touserdata(L, 1));
    eh_vm_open_values(L);
    eh_vm_open_errors(L);
    eh_env_open(L);
    /* Most of what a script makes is garbage within the row: a collector that waits until the
     * heap has grown eightfold halves the time of a row, and at the limit Lua collects by
     * itself. Not the generational mode, whose bugs in 5.4.4 are known. */
    (void)lua_gc(L, LUA_GCINC, 800, 0, 0);
    return 0;
}

/* simdjson looks at the processor on its first call, and the sanitizers at its objects: both
 * want system calls that the wall forbids. */
static bool warm_up(eh_err *err)
{
    for (int i = 0; i < 2; i++)
        if (!eh_utf8_valid("\xc3\xa9", 2))
            return eh_fail(err, EH_CLASS_BUG, "UTF-8 is unknown");
    return true;
}

static bool prepare(eh_jail *jail, bool is_strict, eh_err *err)
{
    jail->arena = eh_arena_new((size_t)16 * 1024 * 1024);
    if (jail->arena == NULL) return eh_fail_memory(err, "the script process");
    if (!eh_window_open(&jail->window, EH_JAIL_WINDOW, err)) return false;
    /* Before the wall, which forbids installing a signal handler. */
    jail->vm = eh_vm_new(err);
    if (jail->vm == NULL || !eh_vm_watch(jail->vm, err) || !warm_up(err)) return false;
    /* The mapping of the window stays; its descriptor is closed with the others. */
    if (!eh_wall_build(&jail->wall, EH_JAIL_SOCKET, err)) return false;
    if (!say_hello(jail, err)) return false;
    if (is_strict && !jail->wall.seccomp) {
        (void)eh_fail(err, EH_CLASS_DENIED,
                      "scripts do not run: this kernel offers no seccomp to wall them in");
        return eh_err_hint(err, "allow it, or accept the risk with `sandbox: weak` in "
                                "etlhost.yaml or `--sandbox weak`");
    }
    return eh_vm_call(jail->vm, open_state, jail, err);
}

static bool set_limits(eh_jail *jail, const eh_doc *start, eh_err *err)
{
    const eh_doc *limits = eh_doc_get(start, "limits");
    int64_t memory = eh_doc_int(limits, "memory_bytes", (int64_t)default_memory);
    int64_t turn_ms = eh_doc_int(limits, "deadline_ms", default_turn_ms);
    if (memory < (1 << 20) || turn_ms < 1)
        return eh_fail(err, EH_CLASS_CONFIG, "the limits of the script process are too small");
    eh_vm_limit_memory(jail->vm, (size_t)memory);
    eh_vm_limit_time(jail->vm, turn_ms);
    return eh_wall_limit_memory(&jail->wall, (size_t)memory + extra_memory, err);
}

/* ---- Evaluating -------------------------------------------------------------------------- */

typedef struct evaluation {
    eh_jail *jail;
    const eh_doc *script; /* START's */
    const eh_doc *start;  /* whose client and sources: START, or one of its `clients` */
    bool is_one_of_many;  /* nothing of it will be run */
    eh_task task;
} evaluation;

/* The planner of lua/etl, the script's chunk and what START says, as a task: evaluating is
 * under the same limits as running. */
static int begin_evaluation(lua_State *L)
{
    evaluation *e = lua_touserdata(L, 1);
    const eh_doc *text = eh_doc_get(e->script, "text");
    if (text == NULL || text->kind != EH_DOC_STRING)
        return luaL_error(L, "START holds no script");
    eh_modules_require(L, "etl.plan");
    lua_pushliteral(L, "run");
    (void)lua_gettable(L, -2);
    eh_modules_load(L, text->as.string, eh_doc_str(e->script, "name", "script"));
    eh_vm_push_doc(L, e->start);
    eh_task_init(L, &e->task, 2);
    return 0;
}

/* The planner's results: what to declare, and the functions of each resource. */
static int end_evaluation(lua_State *L)
{
    evaluation *e = lua_touserdata(L, 1);
    lua_State *thread = e->task.thread;
    if (e->task.pending != 2)
        return luaL_error(L, "the planner gave %d results", e->task.pending);
    luaL_checkstack(L, 8, NULL);
    lua_xmove(thread, L, 2);
    lua_insert(L, -2); /* [declared, entries] */
    if (e->is_one_of_many)
        lua_pop(L, 1);
    else
        eh_tasks_declare(L);
    eh_doc *body = eh_vm_to_doc(L, -1, eh_link_arena(&e->jail->link));
    eh_err err = {.class_ = EH_OK};
    if (!eh_link_send(&e->jail->link, EH_FRAME_DECLARED, 0, body, &err))
        return luaL_error(L, "%s", err.message);
    return 0;
}

/* script and start are read before the script runs: a frame's memory is gone with the next one.
 */
static bool evaluate(eh_jail *jail, const eh_doc *script, const eh_doc *start,
                     bool is_one_of_many, eh_err *err)
{
    evaluation e = {
        .jail = jail, .script = script, .start = start, .is_one_of_many = is_one_of_many};
    if (!eh_vm_call(jail->vm, begin_evaluation, &e, err)) return false;
    eh_task_state state = eh_task_resume(&e.task, jail->trace, sizeof jail->trace, err);
    bool ok = state == EH_TASK_DONE && eh_vm_call(jail->vm, end_evaluation, &e, err);
    eh_task_drop(&e.task);
    return ok;
}

/* The script for one client after the other. What is wrong with one is told in its place; only
 * a limit ends them all. */
static bool evaluate_each(eh_jail *jail, const eh_doc *body_of_start, eh_err *err)
{
    /* The frame's own memory is gone with the next one, a module's text for example. */
    const eh_doc *start = eh_doc_copy(jail->arena, body_of_start, NULL);
    if (start == NULL) return eh_fail_memory(err, "the clients' sources");
    const eh_doc *script = eh_doc_get(start, "script");
    for (const eh_doc *c = eh_doc_first(eh_doc_get(start, "clients")); c != NULL; c = c->next) {
        if (evaluate(jail, script, c, true, err)) continue;
        if (err->class_ == EH_CLASS_LIMIT) return false;
        eh_arena *arena = eh_link_arena(&jail->link);
        eh_doc *body = eh_doc_map(arena);
        eh_doc *error = eh_jail_error_doc(arena, err, jail->trace);
        *err = (eh_err){.class_ = EH_OK};
        jail->trace[0] = '\0';
        if (!eh_doc_put(arena, body, eh_slice_str("error"), error, err) ||
            !eh_link_send(&jail->link, EH_FRAME_DECLARED, 0, body, err))
            return false;
    }
    return true;
}

/* ---- The run ----------------------------------------------------------------------------- */

static bool expect(eh_jail *jail, uint16_t type, eh_frame *frame, eh_err *err)
{
    if (!eh_link_next(&jail->link, frame, err)) return false;
    return frame->type == type ||
           eh_fail(err, EH_CLASS_REMOTE, "a message of type %u came where %u was expected",
                   frame->type, type);
}

static bool run(eh_jail *jail, eh_err *err)
{
    eh_frame frame;
    if (!expect(jail, EH_FRAME_START, &frame, err) || !set_limits(jail, frame.body, err))
        return false;
    bool is_check = strcmp(eh_doc_str(frame.body, "mode", "run"), "check") == 0;
    if (is_check && eh_doc_get(frame.body, "clients") != NULL)
        return evaluate_each(jail, frame.body, err);
    if (!evaluate(jail, eh_doc_get(frame.body, "script"), frame.body, false, err)) return false;
    if (is_check) return true;
    if (!expect(jail, EH_FRAME_GO, &frame, err)) return false;
    EH_FAULT("jail.ready");
    return eh_tasks_run(jail, frame.body, err) &&
           eh_link_send(&jail->link, EH_FRAME_FINISHED, 0, NULL, err);
}

int eh_jail_main(const char *sandbox)
{
    eh_err err = {.class_ = EH_OK};
    eh_jail *jail = calloc(1, sizeof *jail);
    int status = EXIT_ALONE;
    (void)clearenv();
    if (jail != NULL && eh_link_init(&jail->link, EH_JAIL_SOCKET, &err)) {
        bool is_strict = strcmp(sandbox, "weak") != 0;
        bool ok = prepare(jail, is_strict, &err) && run(jail, &err);
        status = ok ? EXIT_FINISHED : report(jail, &err);
    }
    /* No lua_close and no atexit: nothing of the script's runs any more. */
    _exit(status);
}
