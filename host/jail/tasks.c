/* jail/tasks.c: the resources of a run as coroutines, each with at most one CALL out.
 *
 * All of them start (64 at most at once), and whichever the engine answers goes on. A reply
 * must name a task that waits: anything else is a broken engine and ends the run. */
#include "jail/internal.h"

#include <lauxlib.h>
#include <string.h>

static const char entries_key = 'n';

/* ---- Declared entries -------------------------------------------------------------------- */

/* [entry] -> [entry]: the text field, copied for the run. */
static eh_slice copy_field(lua_State *L, eh_arena *arena, const char *name)
{
    size_t len;
    lua_pushstring(L, name);
    if (lua_rawget(L, -2) != LUA_TSTRING) (void)luaL_error(L, "an entry lacks its %s", name);
    const char *text = lua_tolstring(L, -1, &len);
    char *copy = eh_arena_strndup(arena, text, len);
    if (copy == NULL) (void)luaL_error(L, "no memory for the names of resources");
    lua_pop(L, 1);
    return eh_slice_of(copy, len);
}

void eh_tasks_declare(lua_State *L)
{
    eh_jail *jail = eh_jail_of(L);
    luaL_checktype(L, -1, LUA_TTABLE);
    size_t count = lua_rawlen(L, -1);
    if (count > EH_JAIL_MAX_ENTRIES)
        (void)luaL_error(L, "more than %d resources are declared", EH_JAIL_MAX_ENTRIES);
    jail->entries = eh_arena_zalloc(jail->arena, count, sizeof *jail->entries);
    if (jail->entries == NULL) {
        (void)luaL_error(L, "no memory for the names of resources");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        (void)lua_rawgeti(L, -1, (lua_Integer)i + 1);
        luaL_checktype(L, -1, LUA_TTABLE);
        jail->entries[i].instance = copy_field(L, jail->arena, "instance");
        jail->entries[i].resource = copy_field(L, jail->arena, "resource");
        lua_pop(L, 1);
    }
    jail->entry_count = count;
    lua_rawsetp(L, LUA_REGISTRYINDEX, &entries_key);
}

void eh_tasks_push_field(lua_State *L, size_t index, const char *name)
{
    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &entries_key);
    (void)lua_rawgeti(L, -1, (lua_Integer)index + 1);
    lua_pushstring(L, name);
    (void)lua_rawget(L, -2);
    lua_replace(L, -3);
    lua_pop(L, 1);
}

static bool find_entry(const eh_jail *jail, const eh_doc *item, size_t *index, eh_err *err)
{
    eh_slice instance = eh_slice_str(eh_doc_str(item, "instance", ""));
    eh_slice resource = eh_slice_str(eh_doc_str(item, "resource", ""));
    for (size_t i = 0; i < jail->entry_count; i++) {
        const eh_entry *e = &jail->entries[i];
        if (!eh_slice_equal(e->instance, instance) || !eh_slice_equal(e->resource, resource))
            continue;
        *index = i;
        return true;
    }
    return eh_fail(err, EH_CLASS_REMOTE, "GO names \"%s.%s\", which was not declared",
                   instance.data, resource.data);
}

/* ---- Calling the engine ------------------------------------------------------------------ */

/* Continuation of l_call: the reply has arrived. */
static int take_reply(lua_State *L, int status, lua_KContext id)
{
    (void)status;
    eh_jail *jail = eh_jail_of(L);
    const eh_doc *reply = jail->reply;
    if (reply == NULL || jail->current == NULL || jail->current->id != (uint32_t)id)
        return luaL_error(L,
                          "a coroutine that waits for the engine was resumed by another task");
    jail->reply = NULL;
    const eh_doc *error = eh_doc_get(reply, "error");
    if (error == NULL || error->kind != EH_DOC_MAP) {
        eh_vm_push_doc(L, eh_doc_get(reply, "value"));
        return 1;
    }
    eh_vm_push_doc(L, error);
    if (eh_doc_get(error, "place") == NULL && eh_jail_push_where(L))
        lua_setfield(L, -2, "place");
    luaL_setmetatable(L, EH_VM_ERR_META);
    return lua_error(L);
}

static void must_be_able_to_call(lua_State *L, const eh_jail *jail)
{
    if (jail->in_rows) (void)luaL_error(L, "a row function cannot call the engine");
    if (jail->current == NULL)
        (void)luaL_error(L,
                         "the engine can only be called while a resource runs, not while files "
                         "are being loaded");
    if (!eh_task_can_wait(L))
        (void)luaL_error(L,
                         "the engine cannot be called here: inside a callback of gsub or sort, "
                         "or while a module is being required");
}

static void send_call(lua_State *L, eh_jail *jail)
{
    eh_err err = {.class_ = EH_OK};
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    must_be_able_to_call(L, jail);
    eh_vm_check(L);
    eh_doc *body = eh_vm_to_doc(L, 1, eh_link_arena(&jail->link));
    if (!eh_link_send(&jail->link, EH_FRAME_CALL, jail->current->id, body, &err))
        (void)luaL_error(L, "%s", err.message);
}

/* tell{op = ..., ...}: what the engine does not answer. */
int l_tell(lua_State *L)
{
    send_call(L, eh_jail_of(L));
    return 0;
}

/* call{op = ..., ...}: one request to the engine; returns its value or raises its error. */
int l_call(lua_State *L)
{
    eh_jail *jail = eh_jail_of(L);
    send_call(L, jail);
    jail->current->waiting = true;
    return eh_task_wait(L, (lua_KContext)jail->current->id, take_reply);
}

/* ---- The crew ---------------------------------------------------------------------------- */

typedef struct start_args {
    eh_jail *jail;
    eh_member *member;
} start_args;

static int start_task(lua_State *L)
{
    start_args *args = lua_touserdata(L, 1);
    eh_tasks_push_field(L, args->member->entry, args->jail->retry ? "retry" : "run");
    eh_task_init(L, &args->member->task, 0);
    return 0;
}

static bool send_done(eh_jail *jail, const eh_member *member, const eh_err *failure,
                      eh_err *err)
{
    eh_arena *arena = eh_link_arena(&jail->link);
    eh_doc *body = eh_doc_map(arena);
    const eh_entry *entry = &jail->entries[member->entry];
    if (!eh_doc_put_str(arena, body, "instance", entry->instance, err) ||
        !eh_doc_put_str(arena, body, "resource", entry->resource, err))
        return false;
    if (failure != NULL && !eh_doc_put(arena, body, eh_slice_str("error"),
                                       eh_jail_error_doc(arena, failure, jail->trace), err))
        return false;
    return eh_link_send(&jail->link, EH_FRAME_TASK_DONE, member->id, body, err);
}

static bool finish(eh_jail *jail, eh_member *member, const eh_err *failure, eh_err *err)
{
    bool ok = send_done(jail, member, failure, err);
    eh_task_drop(&member->task);
    member->id = 0;
    /* A doomed state runs nothing more: the run is over, with the reason. */
    if (ok && eh_vm_doom(jail->vm) != EH_DOOM_NONE) return eh_vm_doom_error(jail->vm, err);
    return ok;
}

static bool go_on(eh_jail *jail, eh_member *member, eh_err *err)
{
    eh_err failure = {.class_ = EH_OK};
    jail->current = member;
    eh_task_state state =
        eh_task_resume(&member->task, jail->trace, sizeof jail->trace, &failure);
    jail->current = NULL;
    jail->reply = NULL;
    if (state == EH_TASK_WAITING && member->waiting) return true;
    return finish(jail, member, state == EH_TASK_FAILED ? &failure : NULL, err);
}

static bool start(eh_jail *jail, eh_member *member, size_t entry, eh_err *err)
{
    start_args args = {jail, member};
    *member = (eh_member){.entry = entry};
    if (!eh_vm_call(jail->vm, start_task, &args, err)) return false;
    member->id = ++jail->last_id;
    return go_on(jail, member, err);
}

static eh_member *find_member(eh_jail *jail, uint32_t id)
{
    for (size_t i = 0; i < EH_JAIL_MAX_TASKS; i++)
        if (jail->members[i].id == id) return &jail->members[i];
    return NULL;
}

static bool handle(eh_jail *jail, const eh_frame *frame, eh_err *err)
{
    eh_member *member = frame->task != 0 ? find_member(jail, frame->task) : NULL;
    bool waits = member != NULL && member->waiting;
    if (frame->type == EH_FRAME_ROWS && waits)
        return eh_rows_answer(jail, frame->task, frame->body, err);
    if (frame->type != EH_FRAME_REPLY || !waits)
        return eh_fail(err, EH_CLASS_REMOTE,
                       "a message of type %u for task %u was not expected", frame->type,
                       frame->task);
    member->waiting = false;
    jail->reply = frame->body;
    return go_on(jail, member, err);
}

/* What GO named, in its order; the message itself does not outlive the next one. */
typedef struct queue {
    size_t *entries;
    size_t count;
    size_t next;
} queue;

static bool read_go(eh_jail *jail, const eh_doc *go, queue *q, eh_err *err)
{
    const eh_doc *resources = eh_doc_get(go, "resources");
    *q = (queue){.entries =
                     eh_arena_zalloc(jail->arena, eh_doc_count(resources), sizeof(size_t))};
    if (q->entries == NULL) return eh_fail_memory(err, "the list of resources");
    for (const eh_doc *item = eh_doc_first(resources); item != NULL; item = item->next)
        if (!find_entry(jail, item, &q->entries[q->count++], err)) return false;
    return true;
}

/* Starts as many of the resources as there are free slots. */
static bool start_free(eh_jail *jail, queue *q, eh_err *err)
{
    while (q->next < q->count) {
        eh_member *slot = find_member(jail, 0);
        if (slot == NULL) return true;
        if (!start(jail, slot, q->entries[q->next++], err)) return false;
    }
    return true;
}

static bool is_idle(const eh_jail *jail)
{
    for (size_t i = 0; i < EH_JAIL_MAX_TASKS; i++)
        if (jail->members[i].id != 0) return false;
    return true;
}

bool eh_tasks_run(eh_jail *jail, const eh_doc *go, eh_err *err)
{
    queue q;
    if (!read_go(jail, go, &q, err)) return false;
    jail->retry = eh_doc_bool(go, "retry", false);
    for (;;) {
        if (!start_free(jail, &q, err)) return false;
        if (is_idle(jail)) return true;
        eh_frame frame;
        if (!eh_link_next(&jail->link, &frame, err) || !handle(jail, &frame, err)) return false;
    }
}
