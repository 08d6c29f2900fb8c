/* vm/vm.c: the state, its allocator and its protected entry; see vm.h. The watchdog is in
 * watch.c, error values in errors.c. */
#include "vm/internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- Memory ------------------------------------------------------------------------------ */

/* Lua answers a refusal with an emergency collection and asks once more for the same size. So
 * the first refusal is no failure yet; two in a row are. */
static bool may_grow(eh_vm *vm, size_t extra)
{
    if (vm->memory_max == 0) return true;
    if (vm->doom == EH_DOOM_MEMORY) return false;
    if (vm->memory + extra > vm->collect_at) eh_vm_want_collection(vm);
    if (extra <= vm->memory_max && vm->memory <= vm->memory_max - extra) return true;
    if (vm->refused) eh_vm_set_doom(vm, EH_DOOM_MEMORY);
    vm->refused = true;
    return false;
}

/* With a NULL block `old_size` is a type tag and no size (lua_Alloc, reference manual 4.6). */
static void *allocate(void *self, void *block, size_t old_size, size_t new_size)
{
    eh_vm *vm = self;
    size_t held = block != NULL ? old_size : 0;
    if (new_size == 0) {
        free(block);
        vm->memory -= held;
        return NULL;
    }
    if (new_size > held && !may_grow(vm, new_size - held)) return NULL;
    void *moved = realloc(block, new_size);
    /* A shrink must never fail (same section); the old block is large enough. */
    if (moved == NULL) {
        if (new_size > held) return NULL;
        moved = block;
    }
    vm->refused = false;
    vm->memory = vm->memory - held + new_size;
    if (vm->memory > vm->memory_peak) vm->memory_peak = vm->memory;
    return moved;
}

void eh_vm_limit_memory(eh_vm *vm, size_t bytes)
{
    vm->memory_max = bytes;
    vm->collect_at = bytes / 2;
}

size_t eh_vm_memory(const eh_vm *vm)
{
    return vm->memory;
}

size_t eh_vm_memory_peak(const eh_vm *vm)
{
    return vm->memory_peak;
}

/* ---- Life -------------------------------------------------------------------------------- */

eh_vm *eh_vm_new(eh_err *err)
{
    eh_vm *vm = calloc(1, sizeof *vm);
    if (vm != NULL) vm->main = lua_newstate(allocate, vm);
    if (vm == NULL || vm->main == NULL) {
        free(vm);
        eh_fail_memory(err, "a Lua state");
        return NULL;
    }
    /* Threads made later copy the main thread's extra space. */
    memcpy(lua_getextraspace(vm->main), &vm, sizeof(eh_vm *));
    vm->running = vm->main;
    return vm;
}

void eh_vm_free(eh_vm *vm)
{
    if (vm == NULL) return;
    eh_vm_unwatch(vm);
    vm->memory_max = 0;
    vm->doom = EH_DOOM_NONE;
    lua_close(vm->main);
    free(vm);
}

lua_State *eh_vm_state(eh_vm *vm)
{
    return vm->main;
}

eh_vm *eh_vm_of(lua_State *L)
{
    eh_vm *vm;
    memcpy(&vm, lua_getextraspace(L), sizeof(eh_vm *));
    return vm;
}

int eh_vm_resume(lua_State *L, lua_State *thread, int args, int *results)
{
    eh_vm *vm = eh_vm_of(L);
    lua_State *previous = vm->running;
    bool could_wait = vm->can_wait;
    vm->can_wait = L == vm->main || (could_wait && lua_isyieldable(L));
    vm->running = thread;
    int status = lua_resume(thread, L, args, results);
    vm->running = previous;
    vm->can_wait = could_wait;
    return status;
}

int eh_vm_reset(lua_State *L, lua_State *thread)
{
    eh_vm *vm = eh_vm_of(L);
    lua_State *previous = vm->running;
    vm->running = thread;
    int status = lua_resetthread(thread);
    vm->running = previous;
    return status;
}

/* ---- Protected entry --------------------------------------------------------------------- */

static int describe(lua_State *L)
{
    eh_vm_describe(L, 1, lua_touserdata(L, 2));
    return 0;
}

bool eh_vm_call(eh_vm *vm, lua_CFunction fn, void *arg, eh_err *err)
{
    lua_State *L = vm->main;
    if (!lua_checkstack(L, 8)) return eh_fail_memory(err, "the Lua stack");
    int top = lua_gettop(L);
    lua_State *previous = vm->running;
    vm->running = L;
    lua_pushcfunction(L, fn); /* light: neither push allocates */
    lua_pushlightuserdata(L, arg);
    int status = lua_pcall(L, 1, 0, 0);
    if (status == LUA_OK && vm->doom == EH_DOOM_NONE) {
        vm->running = previous;
        return true;
    }
    if (vm->doom != EH_DOOM_NONE) {
        (void)eh_vm_doom_error(vm, err);
    } else if (status == LUA_ERRMEM) {
        eh_fail_memory(err, "the script");
    } else { /* [error] */
        lua_pushcfunction(L, describe);
        lua_insert(L, -2);
        lua_pushlightuserdata(L, err);
        if (lua_pcall(L, 2, 0, 0) != LUA_OK)
            (void)eh_fail(err, EH_CLASS_SCRIPT,
                          "the script failed, and describing how failed too");
    }
    lua_settop(L, top);
    vm->running = previous;
    return false;
}
