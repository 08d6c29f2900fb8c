/* jail/internal.h: the state of the script process, shared by the files of this room. Private
 * to jail/. Functions that take a lua_State may raise. */
#ifndef EH_JAIL_INTERNAL_H
#define EH_JAIL_INTERNAL_H

#include "jail/link.h"
#include "jail/wall.h"
#include "vm/task.h"
#include "vm/value.h"
#include "wire/window.h"

enum {
    EH_JAIL_MAX_TASKS = 64,              /* run at once; further ones wait their turn */
    EH_JAIL_MAX_ENTRIES = 10000,         /* resources that a script may declare */
    EH_JAIL_MAX_COROUTINES = 1000,       /* a longer chain of coroutine.close ends Lua 5.4.4 */
    EH_JAIL_MAX_TEXT = 16 * 1024 * 1024, /* of one string.rep */
    EH_JAIL_MAX_LOG = 8 * 1024,
    EH_JAIL_LOG_LINES = 200, /* a second */
    EH_JAIL_TRACE = 8 * 1024
};

/* One resource as the script declared it; its functions are in the registry's entries. */
typedef struct eh_entry {
    eh_slice instance;
    eh_slice resource;
} eh_entry;

/* A resource that is running. id 0: the slot is free. */
typedef struct eh_member {
    eh_task task;
    uint32_t id;
    size_t entry;
    bool waiting; /* a CALL is out */
} eh_member;

typedef struct eh_rows eh_rows;

typedef struct eh_jail {
    eh_vm *vm;
    eh_link link;
    eh_window window;
    eh_wall wall;
    eh_arena *arena; /* of the run */
    eh_entry *entries;
    size_t entry_count;
    bool retry; /* GO asked for the dead rows instead of the extract functions */
    eh_member members[EH_JAIL_MAX_TASKS];
    uint32_t last_id;
    eh_member *current;  /* whose function is running; NULL while evaluating */
    const eh_doc *reply; /* to the CALL of current; taken by its continuation */
    eh_rows *rows;       /* NULL until a row function is wanted */
    bool in_rows;        /* a row function is running */
    size_t coroutines;   /* made since they were last counted */
    int64_t log_second;
    int64_t log_lines; /* in that second */
    int64_t log_dropped;
    char trace[EH_JAIL_TRACE];
} eh_jail;

/* Makes the jail known to L and builds the environment. */
void eh_jail_bind(lua_State *L, eh_jail *jail);
eh_jail *eh_jail_of(lua_State *L);

/* env.c. [table] -> [read-only table]; name is for messages. */
void eh_env_open(lua_State *L);
void eh_env_push(lua_State *L);
void eh_env_freeze(lua_State *L, const char *name);

/* One file a group; each sets its functions in the table on top. */
void eh_env_add_calls(lua_State *L);     /* calls.c: pcall, xpcall */
void eh_env_add_coroutine(lua_State *L); /* calls.c */
void eh_env_add_text(lua_State *L);      /* text.c: print */
void eh_env_add_string(lua_State *L);    /* text.c: rep */
void eh_env_add_time(lua_State *L);      /* time.c */
void eh_env_add_modules(lua_State *L);   /* modules.c: load, require */
void eh_env_add_core(lua_State *L);      /* core.c: what lua/etl alone is given */

/* modules.c. Pushes the chunk as a function in the environment; raises when it does not
 * compile. */
void eh_modules_load(lua_State *L, eh_slice text, const char *name);
void eh_modules_require(lua_State *L, const char *name);

/* core.c. "file:line" of the nearest caller that is a script; false and nothing pushed without
 * one. */
bool eh_jail_push_where(lua_State *L);

/* tasks.c. The registry's entries are set by eh_tasks_declare: [entries] -> []. */
void eh_tasks_declare(lua_State *L);
/* Pushes field `name` of entry `index`. */
void eh_tasks_push_field(lua_State *L, size_t index, const char *name);
bool eh_tasks_run(eh_jail *jail, const eh_doc *go, eh_err *err) EH_MUST_USE;
int l_call(lua_State *L);
int l_tell(lua_State *L);

/* rows.c. Answers one ROWS frame. */
bool eh_rows_answer(eh_jail *jail, uint32_t task, const eh_doc *body, eh_err *err) EH_MUST_USE;

/* jail.c. */
eh_doc *eh_jail_error_doc(eh_arena *arena, const eh_err *err, const char *trace);
bool eh_jail_log(eh_jail *jail, const char *level, eh_slice message, eh_err *err) EH_MUST_USE;

#endif
