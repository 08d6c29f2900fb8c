/* vm/task.h: a coroutine that the host resumes.
 *
 * A task waits where a C function of its own yielded to the host (eh_task_wait); whatever it
 * waited for is fetched by that function's continuation, so a resume carries no values. The
 * thread is anchored in the registry as long as the task lives. Floor 3. */
#ifndef EH_VM_TASK_H
#define EH_VM_TASK_H

#include "vm/vm.h"

typedef enum eh_task_state { EH_TASK_WAITING, EH_TASK_DONE, EH_TASK_FAILED } eh_task_state;

typedef struct eh_task {
    eh_vm *vm;
    lua_State *thread; /* NULL once dropped */
    int anchor;        /* in the registry */
    int pending;       /* arguments on the thread's stack for the first resume; results after */
} eh_task;

/* Takes the function and its `args` arguments from the top of L's stack. */
void eh_task_init(lua_State *L, eh_task *task, int args);

/* Runs until it waits, ends or fails; a turn of its own. On failure err is set, and trace (size
 * bytes, may be NULL) gets the stack trace. Results stay on the thread's stack until dropped.
 */
eh_task_state eh_task_resume(eh_task *task, char *trace, size_t size, eh_err *err);

/* Closes what the coroutine left open and forgets it. Safe twice. */
void eh_task_drop(eh_task *task);

/* For a C function that must wait for the host: yields the whole task, also from inside
 * coroutines that the script made, if those are resumed through vm-aware functions
 * (eh_task_is_waiting). Ends in `return eh_task_wait(L, k)`. */
int eh_task_wait(lua_State *L, lua_KContext ctx, lua_KFunction k);
/* Whether it may: to be asked before the request is sent. False inside a callback of gsub or
 * sort, a chunk being required, a row function. */
bool eh_task_can_wait(lua_State *L);

/* After a lua_resume that yielded: is it the host that must act? Then the resumer yields too.
 */
bool eh_task_is_waiting(lua_State *L);

#endif
