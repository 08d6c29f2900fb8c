/* engine/admin.c: questions and corrections to the bookkeeping beside the data: state, dead
 * rows, loads.
 *
 * Each verb is one named query (host/load/sql), its arguments the spec's; or the specification
 * lists the steps of one transaction. */
#include "engine/run.h"
#include "load/dest_sql.h"

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
    {"dead_list",
     "dead_list",
     false,
     {"client", "instance", "resource", "after", "limit", NULL}},
    {"dead_show", "dead_show", false, {"id", NULL}},
    {"dead_discard", "dead_discard", true, {"id", NULL}},
    {"load_list", "load_list", false, {"client", NULL}},
    {"status", "status_list", false, {"client", NULL}},
    {"schema_changes", "change_list", false, {"client", "since", "limit", NULL}},
    {"prune_count", "prune_count", false, {"settled", "open", "loads", NULL}},
    {"prune", "prune", true, {"settled", "open", "loads", NULL}},
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
        /* One that is lost would be rows that are not there. */
        if (!eh_event_end(&run->events)) return eh_fail_memory(err, "a result");
    } while (row != NULL);
    return true;
}

/* ---- several steps ---------------------------------------------------------------------- */

/* A list of names as one text, each quoted. */
static const char *read_columns(const eh_doc *list, eh_arena *arena, eh_err *err)
{
    eh_buf out;
    bool ok = true;
    eh_buf_init(&out, (size_t)64 * 1024);
    for (const eh_doc *c = eh_doc_first(list); ok && c != NULL; c = c->next)
        ok = (out.len == 0 || eh_buf_append_str(&out, ", ", err)) && c->kind == EH_DOC_STRING &&
             eh_sql_identifier(&out, c->as.string.data, err);
    const char *text = ok ? eh_arena_strndup(arena, out.data, out.len) : NULL;
    if (text == NULL) (void)eh_fail_memory(err, "a list of names");
    eh_buf_free(&out);
    return text;
}

static bool read_names(const eh_doc *names, eh_dest_step *step, eh_arena *arena, eh_err *err)
{
    step->var_count = eh_doc_count(names);
    eh_sql_var *vars = eh_arena_zalloc(arena, step->var_count, sizeof *vars);
    if (vars == NULL) return eh_fail_memory(err, "a step");
    size_t i = 0;
    for (const eh_doc *c = eh_doc_first(names); c != NULL; c = c->next, i++) {
        vars[i] = (eh_sql_var){c->key.data, eh_doc_str(names, c->key.data, "")};
        if (c->kind == EH_DOC_LIST) vars[i].value = read_columns(c, arena, err);
        if (vars[i].value == NULL) return false;
    }
    step->vars = vars;
    return true;
}

static bool read_params(const eh_doc *list, eh_dest_step *step, eh_arena *arena, eh_err *err)
{
    step->param_count = eh_doc_count(list);
    const char **params = eh_arena_zalloc(arena, step->param_count, sizeof *params);
    if (params == NULL) return eh_fail_memory(err, "a step");
    size_t i = 0;
    for (const eh_doc *c = eh_doc_first(list); c != NULL; c = c->next, i++)
        if (c->kind == EH_DOC_STRING) params[i] = c->as.string.data;
    step->params = params;
    return true;
}

static bool read_step(const eh_doc *doc, eh_dest_step *step, eh_arena *arena, eh_err *err)
{
    *step = (eh_dest_step){.query = eh_doc_str(doc, "query", ""),
                           .file = eh_doc_str(doc, "file", NULL),
                           .expect = eh_doc_str(doc, "expect", NULL),
                           .like = (size_t)eh_doc_int(doc, "like", 0),
                           .what = eh_doc_str(doc, "what", "a count"),
                           .bare = eh_doc_bool(doc, "bare", false),
                           .alone = eh_doc_bool(doc, "alone", false)};
    return read_names(eh_doc_get(doc, "names"), step, arena, err) &&
           read_params(eh_doc_get(doc, "params"), step, arena, err);
}

/* The answers come in the order of the steps, a list of rows each. */
static bool run_steps(eh_run *run, const eh_doc *list, eh_arena *arena, eh_err *err)
{
    size_t count = eh_doc_count(list), i = 0;
    eh_dest_step *steps = eh_arena_zalloc(arena, count, sizeof *steps);
    if (steps == NULL) return eh_fail_memory(err, "a step");
    for (const eh_doc *c = eh_doc_first(list); c != NULL; c = c->next)
        if (!read_step(c, &steps[i++], arena, err)) return false;
    if (!eh_dest_administer(run->dest, steps, count, arena, err)) return false;
    for (i = 0; i < count; i++) {
        eh_doc *one = eh_doc_list(arena);
        if (!eh_doc_push(one, steps[i].rows, err) || !tell(run, arena, one, err)) return false;
    }
    return true;
}

static bool run_verb(eh_run *run, const verb *v, const eh_doc *admin, eh_arena *arena,
                     eh_err *err)
{
    const char *params[PARAMS_MAX];
    size_t count = 0;
    for (; v->params[count] != NULL; count++)
        params[count] = eh_doc_str(admin, v->params[count], NULL);
    eh_doc *rows = NULL;
    return eh_dest_query(run->dest, v->query, params, count, arena, &rows, err) &&
           tell(run, arena, rows, err);
}

bool eh_run_admin(eh_run *run, eh_err *err)
{
    const eh_doc *admin = eh_doc_get(run->spec, "admin");
    const eh_doc *steps = eh_doc_get(admin, "steps");
    const char *name = eh_doc_str(admin, "verb", "");
    const verb *v = find_verb(name);
    if (v == NULL && steps == NULL)
        return eh_fail(err, EH_CLASS_BUG, "there is no verb \"%s\"", name);
    bool changes = v != NULL ? v->changes : eh_doc_bool(admin, "changes", false);
    if (!eh_run_open_dest(run, !changes, err)) return false;
    eh_arena *arena = eh_arena_new(RESULT_MAX);
    if (arena == NULL) return eh_fail_memory(err, "a result");
    bool ok =
        v != NULL ? run_verb(run, v, admin, arena, err) : run_steps(run, steps, arena, err);
    eh_arena_free(arena);
    return ok;
}
