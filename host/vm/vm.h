/* vm/vm.h: a Lua state as a guarded resource.
 *
 * Memory is counted and capped, time is watched, and every entry from C is protected. The first
 * time a limit is hit the state is doomed: the allocator refuses growth, a hook raises at every
 * instruction, and the functions that scripts could catch errors with are expected to raise
 * again (eh_vm_check). A doomed state is only good for being left. These guards give a good
 * message; the wall around a hostile script is its process. The room knows no module and opens
 * no library. Floor 3. Functions that take a lua_State may raise; the others never do. */
#ifndef EH_VM_VM_H
#define EH_VM_VM_H

#include "base/err.h"

#include <lua.h>
#include <stddef.h>
#include <stdint.h>

typedef struct eh_vm eh_vm;

typedef enum eh_doom { EH_DOOM_NONE, EH_DOOM_MEMORY, EH_DOOM_TIME } eh_doom;

/* A state without libraries and without limits. NULL without memory. */
eh_vm *eh_vm_new(eh_err *err);
/* Closes the state, limits lifted; finalizers run. NULL is fine. The jail never calls it. */
void eh_vm_free(eh_vm *vm);

lua_State *eh_vm_state(eh_vm *vm);
/* The vm that L, or the coroutine L, belongs to. */
eh_vm *eh_vm_of(lua_State *L);

/* Bytes the state may hold; 0 lifts the limit. What is held already stays. */
void eh_vm_limit_memory(eh_vm *vm, size_t bytes);
size_t eh_vm_memory(const eh_vm *vm);
size_t eh_vm_memory_peak(const eh_vm *vm);

/* The deadline counts the processor time of one turn, the stretch between eh_vm_turn_begin and
 * eh_vm_turn_end, so that a script is not blamed for a busy machine or a slow server.
 * eh_vm_watch installs the handler (SIGPROF); only one vm of a process can be watched, since a
 * signal handler has nothing but a global to find it by. turn_ms 0: no limit. */
bool eh_vm_watch(eh_vm *vm, eh_err *err) EH_MUST_USE;
void eh_vm_limit_time(eh_vm *vm, int64_t turn_ms);
void eh_vm_turn_begin(eh_vm *vm);
void eh_vm_turn_end(eh_vm *vm);

eh_doom eh_vm_doom(const eh_vm *vm);
/* Fills err (class limit) with the reason and the place where the limit was hit. False, always.
 */
bool eh_vm_doom_error(const eh_vm *vm, eh_err *err);
/* Raises when the state is doomed. */
void eh_vm_check(lua_State *L);

/* The one protected entry: calls fn with arg as a light userdata, on the main state. What fn
 * raises comes back in err: class script, or limit when the state is doomed, or what an error
 * object says. */
bool eh_vm_call(eh_vm *vm, lua_CFunction fn, void *arg, eh_err *err) EH_MUST_USE;

/* lua_resume for threads of this vm: tells the watchdog which thread runs, and whether the host
 * can be waited for from in there (eh_task_wait). Everything that resumes goes through here. */
int eh_vm_resume(lua_State *L, lua_State *thread, int args, int *results);
/* lua_resetthread, likewise. */
int eh_vm_reset(lua_State *L, lua_State *thread);

/* Makes the metatable of error objects; once a state, before eh_vm_push_error. */
void eh_vm_open_errors(lua_State *L);
/* Fills err from the error value at index. A string "file:line: text" gives place and message;
 * a table with a text `message` is an error object (class, code, message, hint, place, trail).
 */
void eh_vm_describe(lua_State *L, int index, eh_err *err);
/* Pushes err as an error object: a table with the metatable registered under EH_VM_ERR_META. */
void eh_vm_push_error(lua_State *L, const eh_err *err);
#define EH_VM_ERR_META "etl.err"

#endif
