/* jail/time.c: os.time, os.date, os.clock and os.difftime, all in UTC.
 *
 * The C library would read zone files (the wall forbids it) and the locale; the calendar here
 * is the proleptic Gregorian one, by the day-count of the era of 400 years. */
#include "jail/internal.h"

#include "base/clock.h"

#include <lauxlib.h>
#include <time.h>

typedef struct civil {
    int64_t year;
    int month, day; /* from 1 */
    int hour, minute, second;
    int weekday; /* 0 is Sunday */
    int yearday; /* from 1 */
} civil;

enum { DAY_SECONDS = 86400, ERA_DAYS = 146097, EPOCH_SHIFT = 719468 };

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

/* Days since 1970-01-01. A year here begins in March, so that a leap day ends it. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year += floor_div(month - 1, 12);
    month = month - 1 - floor_div(month - 1, 12) * 12 + 1;
    if (month <= 2) year--;
    int64_t era = floor_div(year, 400), of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_SHIFT;
}

static civil civil_of(int64_t seconds)
{
    int64_t days = floor_div(seconds, DAY_SECONDS), rest = seconds - days * DAY_SECONDS;
    int64_t shifted = days + EPOCH_SHIFT, era = floor_div(shifted, ERA_DAYS);
    int64_t of_era = shifted - era * ERA_DAYS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    civil c = {.year = year + era * 400 + (month >= 10),
               .month = (int)(month < 10 ? month + 3 : month - 9),
               .day = (int)(of_year - (153 * month + 2) / 5 + 1),
               .hour = (int)(rest / 3600),
               .minute = (int)(rest / 60 % 60),
               .second = (int)(rest % 60),
               .weekday = (int)(((days + 4) % 7 + 7) % 7)};
    c.yearday = (int)(days - days_of(c.year, 1, 1)) + 1;
    return c;
}

/* ---- os.time ----------------------------------------------------------------------------- */

enum { FIELD_MAX = 100000000 }; /* keeps all the arithmetic above inside 64 bits */

static int64_t field(lua_State *L, const char *name, int64_t fallback)
{
    lua_pushstring(L, name);
    int type = lua_rawget(L, 1);
    int is_integer = 0;
    int64_t value = lua_tointegerx(L, -1, &is_integer);
    lua_pop(L, 1);
    if (type == LUA_TNIL && fallback >= 0) return fallback;
    if (!is_integer || value < -FIELD_MAX || value > FIELD_MAX)
        luaL_error(L, "os.time: field \"%s\" is missing or no whole number", name);
    return value;
}

static int l_time(lua_State *L)
{
    eh_clock clock = eh_clock_system();
    if (lua_isnoneornil(L, 1)) {
        lua_pushinteger(L, eh_clock_wall(&clock) / 1000000);
        return 1;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    int64_t days = days_of(field(L, "year", -1), field(L, "month", -1), field(L, "day", -1));
    lua_pushinteger(L, days * DAY_SECONDS + field(L, "hour", 12) * 3600 +
                           field(L, "min", 0) * 60 + field(L, "sec", 0));
    return 1;
}

/* ---- os.date ----------------------------------------------------------------------------- */

static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
static const char *const day_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};

/* ISO 8601 week number: the week of the year's first Thursday is week 1. */
static int iso_week(const civil *c, int64_t *year)
{
    int monday_based = (c->weekday + 6) % 7;
    int week = (c->yearday - 1 - monday_based + 10) / 7;
    *year = c->year;
    if (week < 1) {
        civil last = civil_of((days_of(c->year, 1, 1) - 1) * DAY_SECONDS);
        return iso_week(&last, year);
    }
    int64_t next = days_of(c->year + 1, 1, 1);
    int next_weekday = (int)(((next + 3) % 7 + 7) % 7); /* 0 is Monday */
    int64_t today = days_of(c->year, c->month, c->day);
    if (next_weekday <= 3 && today >= next - next_weekday) {
        ++*year;
        return 1;
    }
    return week;
}

static void add_format(luaL_Buffer *out, const civil *c, const char *format, int depth);

static const char *compound(char letter)
{
    switch (letter) {
    case 'c':
        return "%a %b %e %H:%M:%S %Y";
    case 'D':
    case 'x':
        return "%m/%d/%y";
    case 'F':
        return "%Y-%m-%d";
    case 'R':
        return "%H:%M";
    case 'r':
        return "%I:%M:%S %p";
    case 'T':
    case 'X':
        return "%H:%M:%S";
    default:
        return NULL;
    }
}

/* A number and the width it is padded to; width 0: this letter stands for none. */
typedef struct padded {
    int64_t value;
    int width;
    char fill;
} padded;

/* The letters of strftime(3) that stand for a number. */
static padded number_of(const civil *c, char letter)
{
    int64_t iso_year;
    int week = iso_week(c, &iso_year);
    switch (letter) {
    case 'Y':
        return (padded){c->year, 4, '0'};
    case 'G':
        return (padded){iso_year, 4, '0'};
    case 'y':
        return (padded){(c->year % 100 + 100) % 100, 2, '0'};
    case 'V':
        return (padded){week, 2, '0'};
    case 'm':
        return (padded){c->month, 2, '0'};
    case 'd':
        return (padded){c->day, 2, '0'};
    case 'e':
        return (padded){c->day, 2, ' '};
    case 'j':
        return (padded){c->yearday, 3, '0'};
    case 'H':
        return (padded){c->hour, 2, '0'};
    case 'I':
        return (padded){c->hour % 12 == 0 ? 12 : c->hour % 12, 2, '0'};
    case 'M':
        return (padded){c->minute, 2, '0'};
    case 'S':
        return (padded){c->second, 2, '0'};
    case 'u':
        return (padded){c->weekday == 0 ? 7 : c->weekday, 1, '0'};
    case 'w':
        return (padded){c->weekday, 1, '0'};
    default:
        return (padded){0, 0, '0'};
    }
}

/* Those that stand for text, without a locale; *len is how much of it. NULL for any other. */
static const char *text_of(const civil *c, char letter, size_t *len)
{
    const char *text = NULL;
    *len = 3;
    switch (letter) {
    case 'a':
        return day_names[c->weekday];
    case 'b':
    case 'h':
        return month_names[c->month - 1];
    case 'A':
        text = day_names[c->weekday];
        break;
    case 'B':
        text = month_names[c->month - 1];
        break;
    case 'p':
        text = c->hour < 12 ? "AM" : "PM";
        break;
    case 'z':
        text = "+0000";
        break;
    case 'Z':
        text = "UTC";
        break;
    case 'n':
        text = "\n";
        break;
    case 't':
        text = "\t";
        break;
    case '%':
        text = "%";
        break;
    default:
        return NULL;
    }
    *len = strlen(text);
    return text;
}

static void add_number(luaL_Buffer *out, const padded *number)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%lld", (long long)number->value);
    for (int i = len; i < number->width; i++) luaL_addchar(out, number->fill);
    luaL_addstring(out, text);
}

static void add_letter(luaL_Buffer *out, const civil *c, char letter, int depth)
{
    size_t len;
    padded number = number_of(c, letter);
    const char *text = text_of(c, letter, &len), *parts = compound(letter);
    if (parts != NULL && depth == 0)
        add_format(out, c, parts, depth + 1);
    else if (number.width > 0)
        add_number(out, &number);
    else if (text != NULL)
        luaL_addlstring(out, text, len);
    else
        luaL_error(out->L, "os.date: %%%c is not known here", letter);
}

static void add_format(luaL_Buffer *out, const civil *c, const char *format, int depth)
{
    for (; *format != '\0'; format++) {
        if (*format != '%')
            luaL_addchar(out, *format);
        else
            add_letter(out, c, *++format, depth);
        if (*format == '\0') break; /* a lone % at the end has raised already */
    }
}

static void set_integer(lua_State *L, const char *name, int64_t value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

static int push_date_table(lua_State *L, const civil *c)
{
    lua_createtable(L, 0, 9);
    set_integer(L, "year", c->year);
    set_integer(L, "month", c->month);
    set_integer(L, "day", c->day);
    set_integer(L, "hour", c->hour);
    set_integer(L, "min", c->minute);
    set_integer(L, "sec", c->second);
    set_integer(L, "wday", c->weekday + 1);
    set_integer(L, "yday", c->yearday);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "isdst");
    return 1;
}

static int l_date(lua_State *L)
{
    const char *format = luaL_optstring(L, 1, "%c");
    eh_clock clock = eh_clock_system();
    int64_t seconds = luaL_optinteger(L, 2, eh_clock_wall(&clock) / 1000000);
    int64_t limit = (int64_t)FIELD_MAX * DAY_SECONDS;
    luaL_argcheck(L, seconds >= -limit && seconds <= limit, 2, "time out of range");
    civil c = civil_of(seconds);
    if (*format == '!') format++;
    if (format[0] == '*' && format[1] == 't') return push_date_table(L, &c);
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    add_format(&out, &c, format, 0);
    luaL_pushresult(&out);
    return 1;
}

static int l_clock(lua_State *L)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    lua_pushnumber(L, (lua_Number)t.tv_sec + (lua_Number)t.tv_nsec / 1e9);
    return 1;
}

static int l_difftime(lua_State *L)
{
    lua_pushnumber(L, luaL_checknumber(L, 1) - luaL_checknumber(L, 2));
    return 1;
}

void eh_env_add_time(lua_State *L)
{
    static const luaL_Reg functions[] = {{"time", l_time},
                                         {"date", l_date},
                                         {"clock", l_clock},
                                         {"difftime", l_difftime},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
