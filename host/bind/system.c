/* bind/system.c: host.system (this process, its terminal and machine) and host.clock. */
#include "bind/bind.h"

#include "base/clock.h"
#include "io/child.h"

#include <errno.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

enum { RANDOM_MAX = 32, HOST_MAX = 256 };

extern char **environ;

/* system.is_terminal(descriptor) */
static int l_is_terminal(lua_State *L)
{
    lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
    return 1;
}

/* system.terminal_width(descriptor) -> columns | nil */
static int l_terminal_width(lua_State *L)
{
    struct winsize size;
    if (ioctl((int)luaL_checkinteger(L, 1), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 0;
    lua_pushinteger(L, size.ws_col);
    return 1;
}

/* system.environment() -> list of "NAME=value" */
static int l_environment(lua_State *L)
{
    lua_newtable(L);
    for (lua_Integer i = 0; environ[i] != NULL; i++) {
        lua_pushstring(L, environ[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* system.random_hex(bytes) */
static int l_random_hex(lua_State *L)
{
    lua_Integer count = luaL_checkinteger(L, 1);
    luaL_argcheck(L, count > 0 && count <= RANDOM_MAX, 1, "out of range");
    unsigned char bytes[RANDOM_MAX];
    ssize_t n;
    do n = getrandom(bytes, (size_t)count, 0);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)count) return luaL_error(L, "the system gives no random bytes");
    char text[RANDOM_MAX * 2];
    for (lua_Integer i = 0; i < count; i++) {
        text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    lua_pushlstring(L, text, (size_t)count * 2);
    return 1;
}

/* system.host_name() */
static int l_host_name(lua_State *L)
{
    char name[HOST_MAX];
    if (gethostname(name, sizeof name) != 0) name[0] = '\0';
    name[sizeof name - 1] = '\0';
    lua_pushstring(L, name);
    return 1;
}

/* system.process() -> pid, start time in clock ticks since boot */
static int l_process(lua_State *L)
{
    lua_pushinteger(L, getpid());
    lua_pushinteger(L, eh_process_started(getpid()));
    return 2;
}

int luaopen_host_system(lua_State *L)
{
    static const luaL_Reg functions[] = {{"is_terminal", l_is_terminal},
                                         {"terminal_width", l_terminal_width},
                                         {"environment", l_environment},
                                         {"random_hex", l_random_hex},
                                         {"host_name", l_host_name},
                                         {"process", l_process},
                                         {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}

static int l_wall_us(lua_State *L)
{
    eh_clock clock = eh_clock_system();
    lua_pushinteger(L, eh_clock_wall(&clock));
    return 1;
}

static int l_monotonic_us(lua_State *L)
{
    eh_clock clock = eh_clock_system();
    lua_pushinteger(L, eh_clock_monotonic(&clock));
    return 1;
}

int luaopen_host_clock(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"wall_us", l_wall_us}, {"monotonic_us", l_monotonic_us}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
