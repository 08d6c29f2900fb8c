/* vm/task.c: see task.h. */
#include "vm/task.h"

#include "vm/internal.h"

#include <lauxlib.h>
#include <string.h>

void eh_task_init(lua_State *L, eh_task *task, int args)
{
    *task = (eh_task){.vm = eh_vm_of(L), .pending = args};
    lua_State *thread = lua_newthread(L); /* [fn, args..., thread] */
    if (!lua_checkstack(thread, args + 1)) (void)luaL_error(L, "too many arguments for a task");
    task->anchor = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_xmove(L, thread, args + 1);
    task->thread = thread;
}

typedef struct failure {
    eh_task *task;
    char *trace;
    size_t size;
    eh_err *err;
} failure;

static int describe_failure(lua_State *L)
{
    failure *f = lua_touserdata(L, 1);
    lua_State *thread = f->task->thread;
    luaL_checkstack(L, 16, NULL);
    if (!lua_checkstack(thread, 1)) return luaL_error(L, "the stack of a task is full");
    lua_pushvalue(thread, -1);
    lua_xmove(thread, L, 1); /* [failure, error] */
    eh_vm_describe(L, -1, f->err);
    if (f->trace == NULL) return 0;
    luaL_traceback(L, thread, NULL, 0);
    const char *text = lua_tostring(L, -1);
    size_t len = strnlen(text, f->size - 1);
    memcpy(f->trace, text, len);
    f->trace[len] = '\0';
    return 0;
}

eh_task_state eh_task_resume(eh_task *task, char *trace, size_t size, eh_err *err)
{
    eh_vm *vm = task->vm;
    int results = 0;
    if (trace != NULL && size > 0) trace[0] = '\0';
    vm->waiting = false;
    eh_vm_turn_begin(vm);
    int status = eh_vm_resume(vm->main, task->thread, task->pending, &results);
    eh_vm_turn_end(vm);
    task->pending = 0;
    if (vm->doom != EH_DOOM_NONE) {
        (void)eh_vm_doom_error(vm, err);
        return EH_TASK_FAILED;
    }
    if (status == LUA_YIELD && vm->waiting) return EH_TASK_WAITING;
    task->pending = results;
    if (status == LUA_OK) return EH_TASK_DONE;
    if (status == LUA_YIELD) {
        eh_fail(err, EH_CLASS_SCRIPT, "coroutine.yield was called outside a coroutine");
        return EH_TASK_FAILED;
    }
    failure f = {task, size > 0 ? trace : NULL, size, err};
    if (status == LUA_ERRMEM)
        eh_fail_memory(err, "the script");
    else if (!eh_vm_call(vm, describe_failure, &f, err) && f.trace != NULL)
        f.trace[0] = '\0'; /* err says why there is none */
    return EH_TASK_FAILED;
}

void eh_task_drop(eh_task *task)
{
    if (task->thread == NULL) return;
    eh_vm *vm = task->vm;
    lua_State *thread = task->thread;
    task->thread = NULL;
    /* A doomed state runs nothing more, least of all a script's __close. */
    if (vm->doom == EH_DOOM_NONE) {
        eh_vm_turn_begin(vm);
        (void)eh_vm_reset(vm->main, thread);
        eh_vm_turn_end(vm);
    }
    luaL_unref(vm->main, LUA_REGISTRYINDEX, task->anchor);
}

int eh_task_wait(lua_State *L, lua_KContext ctx, lua_KFunction k)
{
    eh_vm *vm = eh_vm_of(L);
    vm->waiting = true;
    return lua_yieldk(L, 0, ctx, k);
}

bool eh_task_can_wait(lua_State *L)
{
    return eh_vm_of(L)->can_wait && lua_isyieldable(L);
}

bool eh_task_is_waiting(lua_State *L)
{
    return eh_vm_of(L)->waiting;
}
