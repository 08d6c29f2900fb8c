/* vm/errors.c: error values of Lua to eh_err and back; see vm.h. Only raw reads: the value may
 * be anything a script made, and none of its metamethods is called. */
#include "vm/vm.h"

#include <lauxlib.h>
#include <string.h>

/* A raw text field of the table at index, or fallback. Valid while the table holds it. */
static const char *raw_text(lua_State *L, int index, const char *key, const char *fallback)
{
    lua_pushstring(L, key);
    lua_rawget(L, index);
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : fallback;
    lua_pop(L, 1);
    return text;
}

/* Length of "file:line" at the start of a message, 0 if there is none. The name is all up to a
 * colon that digits, a colon and a space follow. */
static size_t place_length(const char *text)
{
    const char *end = strchr(text, ':');
    while (end != NULL) {
        size_t digits = strspn(end + 1, "0123456789");
        if (digits > 0 && strncmp(end + 1 + digits, ": ", 2) == 0)
            return (size_t)(end - text) + 1 + digits;
        end = strchr(end + 1, ':');
    }
    return 0;
}

static void describe_text(const char *text, eh_err *err)
{
    const char *newline = strchr(text, '\n');
    size_t len = place_length(text);
    /* Only the first line can name the place of this error. */
    if (len == 0 || len >= sizeof err->place || (newline != NULL && newline < text + len)) {
        (void)eh_fail(err, EH_CLASS_SCRIPT, "%s", text);
        return;
    }
    (void)eh_fail(err, EH_CLASS_SCRIPT, "%s", text + len + 2);
    (void)eh_err_place(err, "%.*s", (int)len, text);
}

static void describe_table(lua_State *L, int index, eh_err *err)
{
    const char *message = raw_text(L, index, "message", NULL);
    if (message == NULL) {
        (void)eh_fail(err, EH_CLASS_SCRIPT, "(the error raised is a table without a message)");
        return;
    }
    eh_class class_ = eh_class_from_name(raw_text(L, index, "class", "script"));
    if (class_ == EH_OK || class_ == EH_CLASS_BUG) class_ = EH_CLASS_SCRIPT;
    (void)eh_fail(err, class_, "%s", message);
    (void)eh_err_hint(err, "%s", raw_text(L, index, "hint", ""));
    (void)eh_err_place(err, "%s", raw_text(L, index, "place", ""));
    const char *trail = raw_text(L, index, "trail", "");
    size_t len = strnlen(trail, sizeof err->trail - 1);
    memcpy(err->trail, trail, len);
    err->trail[len] = '\0';
}

void eh_vm_describe(lua_State *L, int index, eh_err *err)
{
    luaL_checkstack(L, 4, NULL);
    index = lua_absindex(L, index);
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        describe_text(lua_tostring(L, index), err);
        break;
    case LUA_TNUMBER:
        lua_pushvalue(L, index); /* tostring converts in place: not the script's own value */
        describe_text(lua_tostring(L, -1), err);
        lua_pop(L, 1);
        break;
    case LUA_TTABLE:
        describe_table(L, index, err);
        break;
    default:
        (void)eh_fail(err, EH_CLASS_SCRIPT, "(the error raised is a %s)",
                      luaL_typename(L, index));
    }
}

static void set_text(lua_State *L, const char *key, const char *text)
{
    if (text[0] == '\0') return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, key);
}

static const char *field_text(lua_State *L, const char *key)
{
    return raw_text(L, 1, key, "");
}

/* "place: message (trail; hint)", for people. */
static int l_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkstack(L, 8, NULL);
    const char *place = field_text(L, "place"), *trail = field_text(L, "trail");
    const char *hint = field_text(L, "hint");
    lua_pushfstring(L, "%s%s%s", place, place[0] != '\0' ? ": " : "",
                    raw_text(L, 1, "message", "(no message)"));
    if (trail[0] != '\0') lua_pushfstring(L, " (%s)", trail);
    if (hint[0] != '\0') lua_pushfstring(L, "; %s", hint);
    lua_concat(L, lua_gettop(L) - 1);
    return 1;
}

void eh_vm_open_errors(lua_State *L)
{
    if (luaL_newmetatable(L, EH_VM_ERR_META) != 0) {
        lua_pushcfunction(L, l_tostring);
        lua_setfield(L, -2, "__tostring");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_pop(L, 1);
}

void eh_vm_push_error(lua_State *L, const eh_err *err)
{
    luaL_checkstack(L, 4, NULL);
    lua_createtable(L, 0, 6); /* [error] */
    set_text(L, "class", eh_class_name(err->class_));
    set_text(L, "message", err->message);
    set_text(L, "hint", err->hint);
    set_text(L, "place", err->place);
    set_text(L, "trail", err->trail);
    if (err->code != 0) {
        lua_pushinteger(L, err->code);
        lua_setfield(L, -2, "code");
    }
    if (err->retry_after_ms != 0) {
        lua_pushinteger(L, err->retry_after_ms);
        lua_setfield(L, -2, "retry_after_ms");
    }
    luaL_setmetatable(L, EH_VM_ERR_META);
}
