/* vm/watch.c: the deadline of a turn, and what doom does; see vm.h.
 *
 * No hook stands while a script behaves (it would double the cost of a tight loop). A processor
 * timer is armed for each turn; when it fires, its handler only sets a flag and a hook on the
 * running thread, which Lua allows from a signal handler (lua.c does the same); the hook
 * raises. The timer fires again every REARM_MS, because the thread may have changed in between
 * and because a C function never reaches a hook: those end with the process. */
#include "vm/internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>

enum { REARM_MS = 20 };

/* The only mutable global of the room: a signal handler is given nothing else to find the vm
 * by. */
static eh_vm *volatile watched;

/* What a doomed state raises: no script can make this value, and pcall of the jail raises it
 * on. */
static char doom_token;

static void note_place(eh_vm *vm, lua_State *L)
{
    lua_Debug ar;
    for (int level = 0; vm->doom_place[0] == '\0' && lua_getstack(L, level, &ar); level++)
        if (lua_getinfo(L, "Sl", &ar) != 0 && ar.currentline > 0)
            (void)snprintf(vm->doom_place, sizeof vm->doom_place, "%s:%d", ar.short_src,
                           ar.currentline);
}

static void on_hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    note_place(eh_vm_of(L), L);
    lua_pushlightuserdata(L, &doom_token);
    (void)lua_error(L);
}

static void arm_hook(lua_State *L)
{
    lua_sethook(L, on_hook, LUA_MASKCALL | LUA_MASKCOUNT, 1);
}

/* The next point is half way to the limit from what is really held, so that collections stay
 * few until the limit is near. */
static void on_collect(lua_State *L, lua_Debug *ar)
{
    eh_vm *vm = eh_vm_of(L);
    if (vm->doom != EH_DOOM_NONE) on_hook(L, ar);
    lua_sethook(L, NULL, 0, 0);
    (void)lua_gc(L, LUA_GCCOLLECT);
    vm->collecting = NULL;
    size_t left = vm->memory_max > vm->memory ? vm->memory_max - vm->memory : 0;
    vm->collect_at = vm->memory + left / 2;
    if (vm->collect_at < vm->memory_max / 2) vm->collect_at = vm->memory_max / 2;
}

void eh_vm_want_collection(eh_vm *vm)
{
    if (vm->collecting == vm->running) return;
    vm->collecting = vm->running;
    lua_sethook(vm->running, on_collect, LUA_MASKCOUNT, 1);
}

void eh_vm_set_doom(eh_vm *vm, eh_doom doom)
{
    if (vm->doom == EH_DOOM_NONE) vm->doom = (int)doom;
    lua_State *L = vm->running;
    /* Called by the allocator: the thread is between two instructions or inside a C function,
     * where reading the call list is safe. */
    note_place(vm, L);
    arm_hook(L);
}

static void on_timer(int signal_number)
{
    (void)signal_number;
    eh_vm *vm = watched;
    if (vm == NULL || !vm->in_turn) return;
    if (vm->doom == EH_DOOM_NONE) vm->doom = EH_DOOM_TIME;
    arm_hook(vm->running);
}

bool eh_vm_watch(eh_vm *vm, eh_err *err)
{
    if (watched != NULL) return eh_fail(err, EH_CLASS_BUG, "two Lua states cannot be watched");
    struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    if (sigaction(SIGPROF, &action, NULL) != 0)
        return eh_fail_errno(err, EH_CLASS_BUG, errno, "cannot watch the time of scripts");
    watched = vm;
    return true;
}

void eh_vm_unwatch(eh_vm *vm)
{
    if (watched != vm) return;
    eh_vm_turn_end(vm);
    watched = NULL;
}

void eh_vm_limit_time(eh_vm *vm, int64_t turn_ms)
{
    vm->turn_ms = turn_ms;
}

static void set_timer(int64_t first_ms, int64_t then_ms)
{
    struct itimerval timer = {
        .it_value = {.tv_sec = first_ms / 1000, .tv_usec = first_ms % 1000 * 1000},
        .it_interval = {.tv_sec = then_ms / 1000, .tv_usec = then_ms % 1000 * 1000},
    };
    /* Fails only for values out of range (setitimer(2)); then the process's end is the
     * deadline. */
    (void)setitimer(ITIMER_PROF, &timer, NULL);
}

void eh_vm_turn_begin(eh_vm *vm)
{
    vm->in_turn = 1;
    if (watched == vm && vm->turn_ms > 0) set_timer(vm->turn_ms, REARM_MS);
}

void eh_vm_turn_end(eh_vm *vm)
{
    vm->in_turn = 0;
    if (watched == vm && vm->turn_ms > 0) set_timer(0, 0);
}

eh_doom eh_vm_doom(const eh_vm *vm)
{
    return (eh_doom)vm->doom;
}

bool eh_vm_doom_error(const eh_vm *vm, eh_err *err)
{
    if (vm->doom == EH_DOOM_MEMORY) {
        (void)eh_fail(err, EH_CLASS_LIMIT, "memory: the script holds more than %zu MB",
                      vm->memory_max >> 20);
        (void)eh_err_hint(err, "keep less at a time, or raise limits.memory");
    } else {
        (void)eh_fail(err, EH_CLASS_LIMIT, "timeout: the script computed for more than %lld ms",
                      (long long)vm->turn_ms);
        (void)eh_err_hint(err, "look for an endless loop, or raise limits.deadline");
    }
    if (vm->doom_place[0] != '\0') (void)eh_err_place(err, "%s", vm->doom_place);
    return false;
}

void eh_vm_check(lua_State *L)
{
    eh_vm *vm = eh_vm_of(L);
    if (vm->doom == EH_DOOM_NONE) return;
    note_place(vm, L);
    arm_hook(L);
    lua_pushlightuserdata(L, &doom_token);
    (void)lua_error(L);
}
