/* jail/text.c: print, which is a line of the run's log, and string.rep with a limit. */
#include "jail/internal.h"

#include "base/clock.h"

#include <lauxlib.h>

/* A script that prints in a loop must not fill the disk of the host: a budget each second, and
 * the number of what was left out. */
static bool may_log(eh_jail *jail, eh_err *err)
{
    eh_clock clock = eh_clock_system();
    int64_t second = eh_clock_monotonic(&clock) / 1000000;
    if (second != jail->log_second) {
        int64_t dropped = jail->log_dropped;
        jail->log_second = second;
        jail->log_lines = jail->log_dropped = 0;
        char text[64];
        int len = snprintf(text, sizeof text, "(%lld lines were left out)", (long long)dropped);
        if (dropped > 0 && !eh_jail_log(jail, "warning", eh_slice_of(text, (size_t)len), err))
            return false;
    }
    if (jail->log_lines++ < EH_JAIL_LOG_LINES) return true;
    jail->log_dropped++;
    return false;
}

static int l_print(lua_State *L)
{
    eh_jail *jail = eh_jail_of(L);
    int count = lua_gettop(L);
    luaL_Buffer line;
    luaL_buffinit(L, &line);
    for (int i = 1; i <= count; i++) {
        if (i > 1) luaL_addchar(&line, '\t');
        (void)luaL_tolstring(L, i, NULL);
        luaL_addvalue(&line);
    }
    luaL_pushresult(&line);
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    if (len > EH_JAIL_MAX_LOG) len = EH_JAIL_MAX_LOG;
    eh_err err = {.class_ = EH_OK};
    if (may_log(jail, &err) && eh_jail_log(jail, "info", eh_slice_of(text, len), &err))
        return 0;
    if (err.class_ != EH_OK) return luaL_error(L, "print: %s", err.message);
    return 0;
}

void eh_env_add_text(lua_State *L)
{
    lua_pushcfunction(L, l_print);
    lua_setfield(L, -2, "print");
}

/* The stock function copies nothing 2^63 times without once looking at the clock. */
static int l_rep(lua_State *L)
{
    size_t len, separator_len, total;
    const char *text = luaL_checklstring(L, 1, &len);
    lua_Integer count = luaL_checkinteger(L, 2);
    const char *separator = luaL_optlstring(L, 3, "", &separator_len);
    if (count <= 0 || len + separator_len == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if (__builtin_mul_overflow(len + separator_len, (size_t)count, &total) ||
        total > EH_JAIL_MAX_TEXT)
        return luaL_error(L, "string.rep: the result would be over %d bytes", EH_JAIL_MAX_TEXT);
    luaL_Buffer out;
    char *at = luaL_buffinitsize(L, &out, total - separator_len);
    for (lua_Integer i = 0; i < count; i++) {
        if (i > 0) {
            memcpy(at, separator, separator_len);
            at += separator_len;
        }
        memcpy(at, text, len);
        at += len;
    }
    luaL_pushresultsize(&out, total - separator_len);
    return 1;
}

void eh_env_add_string(lua_State *L)
{
    lua_pushcfunction(L, l_rep);
    lua_setfield(L, -2, "rep");
}
