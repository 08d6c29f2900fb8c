/* jail/rows.c: one batch of rows through a row function; see rows.h. */
#include "jail/rows.h"

#include <lauxlib.h>
#include <stdlib.h>

static eh_rows *new_rows(eh_jail *jail, eh_err *err)
{
    eh_rows *rows = calloc(1, sizeof *rows);
    if (rows != NULL) {
        rows->jail = jail;
        rows->columns = calloc(EH_ROWS_MAX_COLUMNS, sizeof *rows->columns);
        rows->written = calloc(EH_ROWS_MAX_COLUMNS, sizeof *rows->written);
        rows->arena = eh_arena_new((size_t)16 * 1024 * 1024);
        eh_buf_init(&rows->texts, (size_t)16 * 1024 * 1024); /* of one row */
        eh_buf_init(&rows->data, EH_FRAME_MAX);
    }
    if (rows == NULL || rows->columns == NULL || rows->written == NULL || rows->arena == NULL) {
        /* The process ends with this error: what was had goes with it. */
        eh_fail_memory(err, "row functions");
        return NULL;
    }
    return rows;
}

/* ---- What ROWS says ---------------------------------------------------------------------- */

static bool torn(eh_err *err)
{
    return eh_fail(err, EH_CLASS_REMOTE,
                   "the engine announced rows that are not in the window");
}

static bool read_batch(eh_rows *rows, const eh_doc *body, eh_err *err)
{
    const eh_window *window = &rows->jail->window;
    int64_t count = eh_doc_int(body, "rows", -1), stride = eh_doc_int(body, "stride", -1);
    int64_t cells = eh_doc_int(body, "cells", -1);
    size_t columns = eh_doc_count(eh_doc_get(body, "columns")), bytes;
    if (count < 0 || count > UINT32_MAX || stride < 0 || cells < 0 ||
        columns > EH_ROWS_MAX_COLUMNS || (size_t)stride < columns || cells % 8 != 0)
        return torn(err);
    if (__builtin_mul_overflow((size_t)count, (size_t)stride, &bytes) ||
        __builtin_mul_overflow(bytes, sizeof(eh_window_cell), &bytes) ||
        (size_t)cells > window->size || bytes > window->size - (size_t)cells)
        return torn(err);
    rows->cells = (const eh_window_cell *)(const void *)(window->data + cells);
    rows->rows = (size_t)count;
    rows->stride = (size_t)stride;
    rows->window_columns = rows->column_count = columns;
    memset(rows->cache, 0, sizeof rows->cache);
    return true;
}

/* The names as a table name -> column, from 1: [names]. The table keeps the strings alive. */
static void push_names(lua_State *L, eh_rows *rows, const eh_doc *body)
{
    lua_createtable(L, 0, (int)rows->window_columns);
    size_t i = 0;
    for (const eh_doc *c = eh_doc_first(eh_doc_get(body, "columns")); c != NULL; c = c->next) {
        eh_slice name = c->kind == EH_DOC_STRING ? c->as.string : eh_slice_str("");
        const char *kept = lua_pushlstring(L, name.data, name.len);
        rows->columns[i] = (eh_column){.name = kept, .len = name.len, .hidden = name.len == 0};
        rows->written[i] = (eh_written){.stamp = 0};
        lua_pushinteger(L, (lua_Integer)++i);
        if (name.len > 0)
            lua_rawset(L, -3);
        else
            lua_pop(L, 2);
    }
}

static bool find_stream(const eh_jail *jail, const char *stream, size_t *index)
{
    for (size_t i = 0; i < jail->entry_count; i++) {
        const eh_entry *e = &jail->entries[i];
        size_t len = e->instance.len;
        if (strncmp(stream, e->instance.data, len) == 0 && stream[len] == '.' &&
            strcmp(stream + len + 1, e->resource.data) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

/* ---- The function, row by row ------------------------------------------------------------ */

/* Message handler: [error] -> [text with the Lua trace]. */
static int l_explain(lua_State *L)
{
    if (eh_vm_doom(eh_vm_of(L)) != EH_DOOM_NONE) return 1;
    eh_err err = {.class_ = EH_OK};
    eh_vm_describe(L, 1, &err);
    lua_pushfstring(L, "%s%s%s", err.place, err.place[0] != '\0' ? ": " : "", err.message);
    luaL_traceback(L, L, lua_tostring(L, -1), 1);
    return 1;
}

static void set_aside(lua_State *L, eh_rows *rows)
{
    size_t len = 0;
    const char *message = lua_tolstring(L, -1, &len);
    if (message == NULL) message = "the row function failed, and describing how failed too";
    len = strlen(message); /* a NUL ends it: messages are text */
    if (len > EH_JAIL_TRACE) len = EH_JAIL_TRACE;
    eh_changes_fail(L, rows, eh_slice_of(message, len));
}

static bool is_accepted(lua_State *L, const eh_rows *rows)
{
    return lua_isnil(L, -1) || lua_isboolean(L, -1) || lua_touserdata(L, -1) == rows->box;
}

enum { AT_FUNCTION = 2, AT_METATABLE, AT_HANDLER };

/* The stack is [args, fn, metatable, handler]. */
static void run_row(lua_State *L, eh_rows *rows)
{
    rows->stamp++;
    rows->touched_count = 0;
    rows->texts.len = 0;
    lua_pushvalue(L, AT_FUNCTION);
    rows->box = lua_newuserdatauv(L, 0, 0);
    lua_pushvalue(L, AT_METATABLE);
    lua_setmetatable(L, -2);
    int status = lua_pcall(L, 1, 1, AT_HANDLER);
    eh_vm_check(L);
    if (status != LUA_OK)
        set_aside(L, rows);
    else if (lua_isboolean(L, -1) && !lua_toboolean(L, -1))
        eh_changes_drop(L, rows);
    else if (is_accepted(L, rows))
        eh_changes_keep(L, rows);
    else
        eh_changes_fail(
            L, rows,
            eh_slice_str("the row function returned something else than false (drop "
                         "the row), true or nothing"));
    lua_settop(L, AT_HANDLER);
}

typedef struct batch_args {
    eh_rows *rows;
    const eh_doc *body;
    size_t entry;
} batch_args;

static int run_batch(lua_State *L)
{
    batch_args *args = lua_touserdata(L, 1);
    eh_rows *rows = args->rows;
    luaL_checkstack(L, 16, NULL);
    eh_tasks_push_field(L, args->entry, "row");
    if (!lua_isfunction(L, -1)) return luaL_error(L, "that resource has no row function");
    push_names(L, rows, args->body);
    eh_rows_push_metatable(L, rows);
    lua_pushcfunction(L, l_explain);
    eh_changes_begin(L, rows);
    for (rows->row = 0; rows->row < rows->rows; rows->row++) run_row(L, rows);
    rows->box = NULL;
    eh_changes_end(L, rows);
    return 0;
}

bool eh_rows_answer(eh_jail *jail, uint32_t task, const eh_doc *body, eh_err *err)
{
    batch_args args = {.body = body};
    if (jail->rows == NULL) jail->rows = new_rows(jail, err);
    if (jail->rows == NULL) return false;
    args.rows = jail->rows;
    args.rows->task = task;
    if (!find_stream(jail, eh_doc_str(body, "stream", ""), &args.entry) ||
        !read_batch(args.rows, body, err))
        return torn(err);
    jail->in_rows = true;
    eh_vm_turn_begin(jail->vm);
    bool ok = eh_vm_call(jail->vm, run_batch, &args, err);
    eh_vm_turn_end(jail->vm);
    jail->in_rows = false;
    args.rows->box = NULL;
    if (!ok && args.rows->broken.class_ != EH_OK) *err = args.rows->broken;
    return ok;
}
