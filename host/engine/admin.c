/* engine/admin.c: questions and corrections to the bookkeeping beside the data: state, dead
 * rows, loads.
 *
 * Each verb is one named query (host/load/sql), its arguments the spec's. */
#include "engine/run.h"

#define RESULT_MAX ((size_t)64 * 1024 * 1024)
#define PARAMS_MAX 8
#define PAGE_ROWS  200 /* rows in one event: a line has a limit */

typedef struct verb {
    const char *name;
    const char *query;
    bool changes; /* it corrects; otherwise it only looks, and makes no bookkeeping for that */
    const char *params[PARAMS_MAX]; /* keys of spec.admin, in the order of the parameters */
} verb;

static const verb verbs[] = {
    {"state_show", "stream_list", false, {"client", "instance", "resource", NULL}},
    {"state_units", "stream_units", false, {"stream", NULL}},
    {"state_reset_stream", "state_reset_stream", true, {"stream", NULL}},
    {"state_reset_file", "state_reset_file", true, {"stream", "file", NULL}},
    {"state_reset_from", "state_reset_from", true, {"stream", "from", NULL}},
    {"dead_list",
     "dead_list",
     false,
     {"client", "instance", "resource", "after", "limit", NULL}},
    {"dead_show", "dead_show", false, {"id", NULL}},
    {"dead_discard", "dead_discard", true, {"id", NULL}},
    {"load_list", "load_list", false, {"client", NULL}},
    {"status", "status_list", false, {"client", NULL}},
};

static const verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].name, name) == 0) return &verbs[i];
    return NULL;
}

/* The rows as events, so many in each; no rows are one empty list. */
static bool tell(eh_run *run, eh_arena *arena, eh_doc *rows, eh_err *err)
{
    eh_doc *row = rows->as.children.first;
    do {
        eh_doc *page = eh_doc_list(arena);
        for (size_t i = 0; row != NULL && i < PAGE_ROWS; i++) {
            eh_doc *next = row->next;
            if (!eh_doc_push(page, row, err)) return false;
            row = next;
        }
        if (page == NULL) return eh_fail_memory(err, "a result");
        eh_event_begin(&run->events, "result");
        eh_event_doc(&run->events, "value", page);
        eh_event_end(&run->events);
    } while (row != NULL);
    return true;
}

bool eh_run_admin(eh_run *run, eh_err *err)
{
    const eh_doc *admin = eh_doc_get(run->spec, "admin");
    const char *name = eh_doc_str(admin, "verb", "");
    const verb *v = find_verb(name);
    if (v == NULL) return eh_fail(err, EH_CLASS_BUG, "there is no verb \"%s\"", name);
    if (!eh_run_open_dest(run, !v->changes, err)) return false;
    const char *params[PARAMS_MAX];
    size_t count = 0;
    for (; v->params[count] != NULL; count++)
        params[count] = eh_doc_str(admin, v->params[count], NULL);
    eh_arena *arena = eh_arena_new(RESULT_MAX);
    if (arena == NULL) return eh_fail_memory(err, "a result");
    eh_doc *rows = NULL;
    bool ok = eh_dest_query(run->dest, v->query, params, count, arena, &rows, err);
    ok = ok && tell(run, arena, rows, err);
    eh_arena_free(arena);
    return ok;
}
