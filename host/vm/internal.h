/* vm/internal.h: the struct that the files of this room share. Private to vm/. */
#ifndef EH_VM_INTERNAL_H
#define EH_VM_INTERNAL_H

#include "vm/vm.h"

struct eh_vm {
    lua_State *main;
    size_t memory; /* bytes the state holds */
    size_t memory_peak;
    size_t memory_max;     /* 0: no limit */
    size_t collect_at;     /* past this a full collection is due at the next instruction */
    lua_State *collecting; /* the thread it is armed on */
    bool refused;          /* the allocator's last answer was no */
    int64_t turn_ms;
    bool can_wait; /* every resumer up to the host may yield */
    bool waiting;  /* a C function yielded to the host and not to its script */
    /* Read by the signal handler: */
    lua_State *volatile running;
    volatile int in_turn;
    volatile int doom; /* eh_doom */
    /* Where the limit was hit, "file:line"; empty when unknown. */
    char doom_place[256];
};

/* Keeps the first reason and notes where the running thread is. */
void eh_vm_set_doom(eh_vm *vm, eh_doom doom);
void eh_vm_unwatch(eh_vm *vm);
/* Arms a full collection on the running thread, once. */
void eh_vm_want_collection(eh_vm *vm);

#endif
