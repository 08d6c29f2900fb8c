/* jail/row_proxy.c: what a row function sees of a row: row.amount, row.note = nil, row:copy(),
 * row:number "amount", pairs(row). Values keep their digits: text is text, a JSON number is an
 * integer when it is one within 64 bits and its own text otherwise, null and absent are nil. */
#include "jail/rows.h"

#include <lauxlib.h>
#include <stdlib.h>

static const char proxy_key = 'r';

static int stale(lua_State *L)
{
    return luaL_error(L, "a row can only be used while its row function runs; keep row:copy()");
}

/* ---- Names ------------------------------------------------------------------------------- */

/* The addresses of short strings are their identity as long as one of them lives, and the names
 * table keeps the columns' names alive. So a hit needs no comparison of bytes. */
static size_t cache_slot(const char *name)
{
    return ((uintptr_t)name >> 4) & (EH_ROWS_NAMES - 1);
}

/* The column of the name at `index`, or SIZE_MAX. The names table is upvalue 2. */
static inline size_t find_column(lua_State *L, eh_rows *rows, int index)
{
    const char *name = lua_tostring(L, index);
    size_t slot = cache_slot(name);
    if (rows->cache[slot].name == name) return rows->cache[slot].column;
    lua_pushvalue(L, index);
    bool found = lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL;
    size_t column = found ? (size_t)lua_tointeger(L, -1) - 1 : SIZE_MAX;
    lua_pop(L, 1);
    if (found && rows->columns[column].name == name) {
        rows->cache[slot].name = name;
        rows->cache[slot].column = column;
    }
    return column;
}

/* ---- Reading ----------------------------------------------------------------------------- */

/* A JSON number as an integer where that loses nothing, and as its text otherwise. */
static void push_number(lua_State *L, const char *text, size_t len)
{
    uint64_t value = 0;
    bool is_negative = len > 0 && text[0] == '-';
    size_t start = is_negative ? 1 : 0;
    bool fits = len > start && len - start <= 19 && !(is_negative && text[start] == '0');
    for (size_t i = start; fits && i < len; i++) {
        fits = text[i] >= '0' && text[i] <= '9';
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    /* 19 digits do not overflow 64 bits without a sign; the signed range is checked here. */
    fits = fits && value <= (uint64_t)INT64_MAX + (is_negative ? 1 : 0);
    if (fits)
        lua_pushinteger(L, (lua_Integer)(is_negative ? 0 - value : value));
    else
        (void)lua_pushlstring(L, text, len);
}

static void push_text(lua_State *L, uint8_t kind, const char *text, size_t len)
{
    if (kind == EH_CELL_NUMBER)
        push_number(L, text, len);
    else
        (void)lua_pushlstring(L, text, len);
}

static void push_cell(lua_State *L, const eh_rows *rows, const eh_window_cell *cell)
{
    const eh_window *window = &rows->jail->window;
    switch (cell->kind) {
    case EH_CELL_ABSENT:
    case EH_CELL_NULL:
        lua_pushnil(L);
        return;
    case EH_CELL_RAW:
    case EH_CELL_STRING:
    case EH_CELL_NUMBER:
    case EH_CELL_JSON:
        if (cell->as.offset > window->size || cell->len > window->size - cell->as.offset)
            (void)luaL_error(L, "the window is torn: a text reaches past its end");
        push_text(L, cell->kind, (const char *)window->data + cell->as.offset, cell->len);
        return;
    case EH_CELL_BOOLEAN:
        lua_pushboolean(L, cell->as.integer != 0);
        return;
    case EH_CELL_INTEGER:
    case EH_CELL_TIME_US:
        lua_pushinteger(L, cell->as.integer);
        return;
    case EH_CELL_DOUBLE:
        lua_pushnumber(L, cell->as.real);
        return;
    default:
        (void)luaL_error(L, "the window is torn: a value is of no known kind");
    }
}

static void push_written(lua_State *L, const eh_rows *rows, const eh_written *written)
{
    switch (written->kind) {
    case EH_CELL_BOOLEAN:
        lua_pushboolean(L, written->as.integer != 0);
        return;
    case EH_CELL_INTEGER:
        lua_pushinteger(L, written->as.integer);
        return;
    case EH_CELL_DOUBLE:
        lua_pushnumber(L, written->as.real);
        return;
    case EH_CELL_STRING:
    case EH_CELL_JSON:
        (void)lua_pushlstring(L, rows->texts.data + written->as.offset, written->len);
        return;
    default:
        lua_pushnil(L);
    }
}

static void push_value(lua_State *L, const eh_rows *rows, size_t column)
{
    if (rows->written[column].stamp == rows->stamp)
        push_written(L, rows, &rows->written[column]);
    else if (column < rows->window_columns)
        push_cell(L, rows, &rows->cells[rows->row * rows->stride + column]);
    else
        lua_pushnil(L);
}

/* ---- Methods ----------------------------------------------------------------------------- */

static eh_rows *check_row(lua_State *L)
{
    eh_rows *rows = eh_jail_of(L)->rows;
    if (rows == NULL || rows->box == NULL || lua_touserdata(L, 1) != rows->box) (void)stale(L);
    return rows;
}

/* row:copy(): a plain table of all values, which may be kept. */
static int l_copy(lua_State *L)
{
    const eh_rows *rows = check_row(L);
    lua_createtable(L, 0, (int)rows->column_count);
    for (size_t i = 0; i < rows->column_count; i++) {
        const eh_column *column = &rows->columns[i];
        if (column->hidden) continue;
        (void)lua_pushlstring(L, column->name, column->len);
        push_value(L, rows, i);
        lua_rawset(L, -3);
    }
    return 1;
}

/* row:number(name): the value as a number to calculate with; nil for null. */
static int l_number(lua_State *L)
{
    (void)check_row(L);
    const char *name = luaL_checkstring(L, 2);
    lua_settop(L, 2);
    (void)lua_gettable(L, 1); /* through __index, which needs its own upvalues */
    if (lua_isnil(L, -1)) return 1;
    if (lua_type(L, -1) == LUA_TNUMBER) return 1;
    size_t len = 0;
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
    if (text != NULL && lua_stringtonumber(L, text) == len + 1) return 1;
    return luaL_error(L, "row:number: column %s holds no number", name);
}

static int l_next(lua_State *L)
{
    const eh_rows *rows = check_row(L);
    size_t i = (size_t)lua_tointeger(L, lua_upvalueindex(1));
    while (i < rows->column_count && rows->columns[i].hidden) i++;
    if (i >= rows->column_count) return 0;
    lua_pushinteger(L, (lua_Integer)i + 1);
    lua_replace(L, lua_upvalueindex(1));
    (void)lua_pushlstring(L, rows->columns[i].name, rows->columns[i].len);
    push_value(L, rows, i);
    return 2;
}

/* pairs(row): every column, null ones with nil as their value. */
static int l_pairs(lua_State *L)
{
    (void)check_row(L);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, l_next, 1);
    lua_pushvalue(L, 1);
    return 2;
}

static int push_method(lua_State *L)
{
    const char *name = lua_tostring(L, 2);
    if (strcmp(name, "copy") == 0)
        lua_pushcfunction(L, l_copy);
    else if (strcmp(name, "number") == 0)
        lua_pushcfunction(L, l_number);
    else
        lua_pushnil(L);
    return 1;
}

/* A column hides the method of its name; etl.row has both as functions. */
static int l_index(lua_State *L)
{
    eh_rows *rows = lua_touserdata(L, lua_upvalueindex(1));
    if (lua_touserdata(L, 1) != rows->box) return stale(L);
    if (lua_type(L, 2) != LUA_TSTRING) return luaL_error(L, "a column is named by text");
    size_t column = find_column(L, rows, 2);
    if (column == SIZE_MAX) return push_method(L);
    push_value(L, rows, column);
    return 1;
}

/* ---- Writing ----------------------------------------------------------------------------- */

static size_t new_column(lua_State *L, eh_rows *rows)
{
    size_t len, column = rows->column_count;
    const char *name = lua_tolstring(L, 2, &len);
    if (len == 0 || len > 255 || memchr(name, 0, len) != NULL || !eh_utf8_valid(name, len))
        (void)luaL_error(L, "that cannot be the name of a column");
    if (column >= EH_ROWS_MAX_COLUMNS)
        (void)luaL_error(L, "more than %d columns", EH_ROWS_MAX_COLUMNS);
    lua_pushvalue(L, 2);
    lua_pushinteger(L, (lua_Integer)column + 1);
    lua_rawset(L, lua_upvalueindex(2));
    rows->columns[column] = (eh_column){.name = name, .len = len};
    rows->written[column] = (eh_written){.stamp = 0};
    rows->column_count++;
    return column;
}

static int l_newindex(lua_State *L)
{
    eh_rows *rows = lua_touserdata(L, lua_upvalueindex(1));
    if (lua_touserdata(L, 1) != rows->box) return stale(L);
    if (lua_type(L, 2) != LUA_TSTRING) return luaL_error(L, "a column is named by text");
    size_t column = find_column(L, rows, 2);
    if (column == SIZE_MAX) column = new_column(L, rows);
    eh_changes_write(L, rows, column);
    return 0;
}

static int l_tostring(lua_State *L)
{
    const eh_rows *rows = check_row(L);
    lua_pushfstring(L, "row %d of this batch", (int)rows->row + 1);
    return 1;
}

/* [names, mt, rows] -> [names, mt]: the closure under `key`. */
static void set_closure(lua_State *L, const char *key, lua_CFunction function, eh_rows *rows)
{
    lua_pushlightuserdata(L, rows);
    lua_pushvalue(L, -3);
    lua_pushcclosure(L, function, 2);
    lua_setfield(L, -2, key);
}

void eh_rows_push_metatable(lua_State *L, eh_rows *rows)
{
    lua_createtable(L, 0, 6);
    set_closure(L, "__index", l_index, rows);
    set_closure(L, "__newindex", l_newindex, rows);
    lua_pushcfunction(L, l_pairs);
    lua_setfield(L, -2, "__pairs");
    lua_pushcfunction(L, l_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "row");
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    /* The names are kept alive for the cache of addresses. */
    lua_pushvalue(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &proxy_key);
    lua_remove(L, -2);
}

void eh_rows_add_core(lua_State *L)
{
    lua_pushcfunction(L, l_copy);
    lua_setfield(L, -2, "row_copy");
    lua_pushcfunction(L, l_number);
    lua_setfield(L, -2, "row_number");
}
