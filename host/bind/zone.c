/* bind/zone.c: host.zone, what a local clock reading means in a time zone. */
#include "bind/bind.h"

#include "data/zone.h"

static const int64_t day_us = INT64_C(86400) * 1000000;

/* The first instant that is not before the reading: where clocks skipped it, the end of the
 * gap. */
static int64_t first_instant(eh_zone *zone, int64_t local_us)
{
    int64_t first_us, last_us;
    if (eh_zone_to_utc(zone, local_us, &first_us, &last_us) != EH_ZONE_GAP) return first_us;
    int64_t before = eh_zone_offset(zone, local_us - 2 * day_us);
    return local_us - before * 1000000;
}

/* zone.instant(zone, local_us) -> microseconds since the epoch | nil, err. zone: the bytes of a
 * TZif file, or "UTC". Of a reading that clocks showed twice it is the first. */
static int l_instant(lua_State *L)
{
    eh_slice text;
    text.data = luaL_checklstring(L, 1, &text.len);
    int64_t local_us = luaL_checkinteger(L, 2);
    luaL_argcheck(L, local_us > INT64_MIN / 2 && local_us < INT64_MAX / 2, 2, "out of range");
    eh_err err = {.class_ = EH_OK};
    eh_zone *zone =
        eh_zone_is_fixed(text) ? eh_zone_fixed(text, &err) : eh_zone_parse(text, &err);
    if (zone == NULL) return eh_bind_fail(L, &err);
    int64_t instant = first_instant(zone, local_us);
    eh_zone_free(zone);
    lua_pushinteger(L, instant);
    return 1;
}

int luaopen_host_zone(lua_State *L)
{
    static const luaL_Reg functions[] = {{"instant", l_instant}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
