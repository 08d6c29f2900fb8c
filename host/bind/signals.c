/* bind/signals.c: host.signals, Ctrl-C and SIGTERM as something to wait for.
 *
 * signals.open() blocks both signals and gives a handle: handle:descriptor() is readable when
 * one has come, handle:take() gives its name. handle:close() lets them act as before. A
 * descriptor and not a handler: there is no global flag, and none is lost between looking and
 * waiting. */
#include "bind/bind.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define SIGNALS_TYPE "etlhost signals"

typedef struct signals_box {
    int fd; /* -1 once closed */
    sigset_t before;
} signals_box;

static int l_open(lua_State *L)
{
    signals_box *box = lua_newuserdatauv(L, sizeof *box, 0);
    box->fd = -1;
    luaL_setmetatable(L, SIGNALS_TYPE);
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    eh_err err = {.class_ = EH_OK};
    if (sigprocmask(SIG_BLOCK, &set, &box->before) != 0) {
        eh_fail_errno(&err, EH_CLASS_BUG, errno, "cannot block signals");
        return eh_bind_fail(L, &err);
    }
    box->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (box->fd < 0) {
        eh_fail_errno(&err, EH_CLASS_BUG, errno, "cannot wait for signals");
        (void)sigprocmask(SIG_SETMASK, &box->before, NULL);
        return eh_bind_fail(L, &err);
    }
    return 1;
}

static signals_box *check_open(lua_State *L)
{
    signals_box *box = luaL_checkudata(L, 1, SIGNALS_TYPE);
    luaL_argcheck(L, box->fd >= 0, 1, "closed");
    return box;
}

static int l_descriptor(lua_State *L)
{
    lua_pushinteger(L, check_open(L)->fd);
    return 1;
}

/* handle:take() -> "INT" | "TERM" | nil */
static int l_take(lua_State *L)
{
    struct signalfd_siginfo info;
    if (read(check_open(L)->fd, &info, sizeof info) != (ssize_t)sizeof info) return 0;
    lua_pushstring(L, info.ssi_signo == SIGTERM ? "TERM" : "INT");
    return 1;
}

static int l_close(lua_State *L)
{
    signals_box *box = luaL_checkudata(L, 1, SIGNALS_TYPE);
    if (box->fd < 0) return 0;
    (void)close(box->fd);
    box->fd = -1;
    (void)sigprocmask(SIG_SETMASK, &box->before, NULL);
    return 0;
}

int luaopen_host_signals(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"descriptor", l_descriptor}, {"take", l_take}, {"close", l_close}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", l_close}, {"__close", l_close}, {NULL, NULL}};
    luaL_newmetatable(L, SIGNALS_TYPE);
    luaL_setfuncs(L, meta, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    static const luaL_Reg functions[] = {{"open", l_open}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
