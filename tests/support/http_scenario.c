/* tests/support/http_scenario.c: the scenario's side: a coroutine for each request, and the
 * methods of its connection. A method that cannot be done at once yields; the loop goes on with
 * the coroutine when what it waits for is there. */
#include "http_parts.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define CONNECTION "http_server.connection"
/* Output that may wait unsent while the scenario goes on. */
#define FLOW_BYTES (256u << 10)

void hs_log(hs_server *server, const char *event, int connection, const char *more)
{
    if (server->log < 0) return;
    eh_buf line;
    eh_buf_init(&line, 128u << 20);
    bool ok = eh_buf_printf(&line, NULL, "{\"event\":\"%s\",\"connection\":%d,\"at_ms\":%lld",
                            event, connection, (long long)(hs_now_ms() - server->started_ms)) &&
              eh_buf_append_str(&line, more, NULL) && eh_buf_append_str(&line, "}\n", NULL) &&
              write(server->log, line.data, line.len) == (ssize_t)line.len;
    eh_buf_free(&line);
    if (!ok) hs_die("log", "not written");
}

/* ---- What a connection can do ---- */

static hs_connection *check_connection(lua_State *L)
{
    hs_connection **box = luaL_checkudata(L, 1, CONNECTION);
    if (*box == NULL || (*box)->end != HS_END_NOT)
        luaL_error(L, "the connection is closed already");
    return *box;
}

static int wait_for(lua_State *L, hs_connection *c, hs_wait wait)
{
    c->wait = wait;
    return lua_yield(L, 0);
}

/* After something was sent: lets the other side take it, when it is much. */
static int flow(lua_State *L, hs_connection *c)
{
    if (c->out.len - c->out_sent <= FLOW_BYTES) return 0;
    return wait_for(L, c, HS_WAIT_SENT);
}

static int l_send(lua_State *L)
{
    hs_connection *c = check_connection(L);
    size_t len;
    const char *bytes = luaL_checklstring(L, 2, &len);
    hs_connection_send(c, bytes, len);
    return flow(L, c);
}

static const char *reason(lua_Integer status)
{
    static const struct {
        int status;
        const char *reason;
    } known[] = {{200, "OK"},          {204, "No Content"},   {206, "Partial Content"},
                 {301, "Moved"},       {302, "Found"},        {304, "Not Modified"},
                 {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"},
                 {404, "Not Found"},   {409, "Conflict"},     {412, "Precondition Failed"},
                 {416, "Bad Range"},   {429, "Too Many"},     {500, "Server Error"},
                 {502, "Bad Gateway"}, {503, "Unavailable"},  {504, "Gateway Timeout"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].status == status) return known[i].reason;
    return "Status";
}

static void add(lua_State *L, eh_buf *out, const char *data, size_t len)
{
    if (!eh_buf_append(out, data, len, NULL)) luaL_error(L, "a head that is too long");
}

static void add_header(lua_State *L, hs_connection *c, eh_buf *out, bool *has_length)
{
    size_t name_len, value_len;
    const char *name = luaL_tolstring(L, -2, &name_len);
    const char *value = luaL_tolstring(L, -2, &value_len);
    add(L, out, name, name_len);
    add(L, out, ": ", 2);
    add(L, out, value, value_len);
    add(L, out, "\r\n", 2);
    if (strcasecmp(name, "content-length") == 0 || strcasecmp(name, "transfer-encoding") == 0)
        *has_length = true;
    if (strcasecmp(name, "connection") == 0 && strcasecmp(value, "close") == 0)
        c->close_next = true;
    lua_pop(L, 2);
}

/* A status line and the headers at `index`: a map, or a list of { name, value } where the order
 * or a name twice matters. True when they say how long the body is. */
static bool add_head(lua_State *L, hs_connection *c, eh_buf *out, int index)
{
    bool has_length = false;
    lua_Integer status = luaL_checkinteger(L, 2);
    char line[64];
    int n = snprintf(line, sizeof line, "HTTP/1.1 %d %s\r\n", (int)status, reason(status));
    add(L, out, line, (size_t)n);
    if (lua_isnoneornil(L, index)) return false;
    luaL_checktype(L, index, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, index) != 0;) {
        if (lua_istable(L, -1)) {
            lua_geti(L, -1, 1);
            lua_geti(L, -2, 2);
            add_header(L, c, out, &has_length);
            lua_pop(L, 3);
        } else {
            add_header(L, c, out, &has_length);
            lua_pop(L, 1);
        }
    }
    return has_length;
}

/* connection:head(status, headers): nothing is added to what is given. */
static int l_head(lua_State *L)
{
    hs_connection *c = check_connection(L);
    eh_buf out;
    eh_buf_init(&out, 16u << 20);
    add_head(L, c, &out, 3);
    add(L, &out, "\r\n", 2);
    hs_connection_send(c, out.data, out.len);
    eh_buf_free(&out);
    return flow(L, c);
}

/* connection:reply(status, headers, body): a whole answer; Content-Length unless it is given.
 */
static int l_reply(lua_State *L)
{
    hs_connection *c = check_connection(L);
    size_t len;
    const char *body = luaL_optlstring(L, 4, "", &len);
    eh_buf out;
    eh_buf_init(&out, 512u << 20);
    if (!add_head(L, c, &out, 3)) {
        char line[64];
        int n = snprintf(line, sizeof line, "Content-Length: %zu\r\n", len);
        add(L, &out, line, (size_t)n);
    }
    add(L, &out, "\r\n", 2);
    if (!c->is_head && len > 0) add(L, &out, body, len);
    hs_connection_send(c, out.data, out.len);
    eh_buf_free(&out);
    return flow(L, c);
}

/* connection:chunk(bytes): one chunk; without bytes the end of them. */
static int l_chunk(lua_State *L)
{
    hs_connection *c = check_connection(L);
    size_t len;
    const char *bytes = luaL_optlstring(L, 2, "", &len);
    char line[32];
    int n = snprintf(line, sizeof line, "%zx\r\n", len);
    hs_connection_send(c, line, (size_t)n);
    if (len > 0) hs_connection_send(c, bytes, len);
    hs_connection_send(c, "\r\n", 2);
    return flow(L, c);
}

static int end_with(lua_State *L, hs_end end)
{
    hs_connection *c = check_connection(L);
    c->end = end;
    return wait_for(L, c, HS_WAIT_EVER);
}

static int l_close(lua_State *L)
{
    return end_with(L, HS_END_CLOSE);
}

static int l_cut(lua_State *L)
{
    return end_with(L, HS_END_CUT);
}

static int l_reset(lua_State *L)
{
    return end_with(L, HS_END_RESET);
}

static int l_stall(lua_State *L)
{
    return wait_for(L, check_connection(L), HS_WAIT_EVER);
}

static int l_until_closed(lua_State *L)
{
    return wait_for(L, check_connection(L), HS_WAIT_CLOSED);
}

static int l_until_true(lua_State *L)
{
    hs_connection *c = check_connection(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    luaL_unref(L, LUA_REGISTRYINDEX, c->condition);
    c->condition = luaL_ref(L, LUA_REGISTRYINDEX);
    return wait_for(L, c, HS_WAIT_TRUE);
}

static int l_wait(lua_State *L)
{
    hs_connection *c = check_connection(L);
    c->wake_ms = hs_now_ms() + luaL_checkinteger(L, 2);
    return wait_for(L, c, HS_WAIT_TIME);
}

static const luaL_Reg methods[] = {{"reply", l_reply},
                                   {"head", l_head},
                                   {"send", l_send},
                                   {"chunk", l_chunk},
                                   {"close", l_close},
                                   {"cut", l_cut},
                                   {"reset", l_reset},
                                   {"stall", l_stall},
                                   {"wait", l_wait},
                                   {"until_closed", l_until_closed},
                                   {"until_true", l_until_true},
                                   {NULL, NULL}};

/* ---- The coroutine of a request ---- */

static void push_connection(lua_State *L, hs_connection *c)
{
    if (c->box == NULL) {
        c->box = lua_newuserdatauv(L, sizeof *c->box, 0);
        *c->box = c;
        luaL_setmetatable(L, CONNECTION);
        c->box_anchor = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, c->box_anchor);
}

static void forget_thread(hs_connection *c)
{
    lua_State *L = c->server->L;
    luaL_unref(L, LUA_REGISTRYINDEX, c->condition);
    luaL_unref(L, LUA_REGISTRYINDEX, c->thread_anchor);
    c->condition = c->thread_anchor = LUA_NOREF;
    c->thread = NULL;
    c->wait = HS_WAIT_NOTHING;
}

void hs_scenario_forget(hs_connection *c)
{
    forget_thread(c);
    if (c->box != NULL) *c->box = NULL;
    luaL_unref(c->server->L, LUA_REGISTRYINDEX, c->box_anchor);
}

/* The scenario is wrong: it is said in the log, on standard error and to the client. */
static void fail(hs_connection *c, const char *why)
{
    eh_buf more;
    eh_buf_init(&more, 1u << 20);
    fprintf(stderr, "http_server: %s\n", why);
    if (eh_buf_append_str(&more, ",\"why\":", NULL) &&
        eh_buf_append_json(&more, eh_slice_str(why), NULL))
        hs_log(c->server, "error", c->id, eh_buf_cstr(&more));
    eh_buf_free(&more);
    static const char answer[] =
        "HTTP/1.1 500 The scenario failed\r\nContent-Length: 0\r\n\r\n";
    if (!c->has_sent) hs_connection_send(c, answer, sizeof answer - 1);
    c->end = HS_END_CLOSE;
}

static void resume(hs_connection *c, int arguments)
{
    int results;
    c->wait = HS_WAIT_NOTHING;
    int status = lua_resume(c->thread, c->server->L, arguments, &results);
    if (status == LUA_YIELD) return;
    if (status != LUA_OK)
        fail(c, luaL_tolstring(c->thread, -1, NULL));
    else if (c->is_answering && !c->has_sent && c->end == HS_END_NOT)
        fail(c, "the scenario sent nothing");
    if (c->close_next && c->end == HS_END_NOT) c->end = HS_END_CLOSE;
    forget_thread(c);
}

static void start(hs_connection *c, int function)
{
    lua_State *L = c->server->L;
    c->thread = lua_newthread(L);
    c->thread_anchor = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_rawgeti(c->thread, LUA_REGISTRYINDEX, function);
}

static void set_text(lua_State *L, const char *name, eh_slice text)
{
    lua_pushlstring(L, text.len > 0 ? text.data : "", text.len);
    lua_setfield(L, -2, name);
}

/* Names in lower case; a name that came twice has its values joined. */
static void push_headers(lua_State *L, const hs_request *request)
{
    lua_newtable(L);
    for (size_t i = 0; i < request->header_count; i++) {
        char name[256];
        size_t len = request->headers[i].name.len;
        if (len >= sizeof name) len = sizeof name - 1;
        for (size_t k = 0; k < len; k++) {
            char ch = request->headers[i].name.data[k];
            name[k] = (char)(ch >= 'A' && ch <= 'Z' ? ch + 32 : ch);
        }
        name[len] = '\0';
        eh_slice value = request->headers[i].value;
        if (lua_getfield(L, -1, name) == LUA_TSTRING) {
            lua_pushliteral(L, ", ");
            lua_pushlstring(L, value.data, value.len);
            lua_concat(L, 3);
        } else {
            lua_pop(L, 1);
            lua_pushlstring(L, value.data, value.len);
        }
        lua_setfield(L, -2, name);
    }
}

static void push_request(lua_State *L, hs_connection *c, const hs_request *request)
{
    lua_newtable(L);
    set_text(L, "method", request->method);
    set_text(L, "target", request->target);
    set_text(L, "body", eh_buf_slice(&request->body));
    const char *mark = memchr(request->target.data, '?', request->target.len);
    size_t path = mark != NULL ? (size_t)(mark - request->target.data) : request->target.len;
    set_text(L, "raw_path", (eh_slice){request->target.data, path});
    hs_push_decoded(L, (eh_slice){request->target.data, path}, false);
    lua_setfield(L, -2, "path");
    eh_slice query = {0};
    if (mark != NULL) query = (eh_slice){mark + 1, request->target.len - path - 1};
    set_text(L, "raw_query", query);
    hs_push_query(L, query);
    lua_setfield(L, -2, "query");
    push_headers(L, request);
    lua_setfield(L, -2, "headers");
    lua_pushboolean(L, c->ssl != NULL);
    lua_setfield(L, -2, "tls");
    lua_pushinteger(L, c->id);
    lua_setfield(L, -2, "connection");
    lua_pushinteger(L, c->server->requests);
    lua_setfield(L, -2, "number");
}

static void log_request(hs_connection *c, const hs_request *request)
{
    eh_buf more;
    eh_buf_init(&more, 128u << 20);
    bool ok =
        eh_buf_printf(&more, NULL, ",\"number\":%d,\"tls\":%s,\"method\":", c->server->requests,
                      c->ssl != NULL ? "true" : "false") &&
        eh_buf_append_json(&more, request->method, NULL) &&
        eh_buf_append_str(&more, ",\"target\":", NULL) &&
        eh_buf_append_json(&more, request->target, NULL) &&
        eh_buf_append_str(&more, ",\"headers\":[", NULL);
    for (size_t i = 0; ok && i < request->header_count; i++)
        ok = eh_buf_append_str(&more, i > 0 ? ",[" : "[", NULL) &&
             eh_buf_append_json(&more, request->headers[i].name, NULL) &&
             eh_buf_append_byte(&more, ',', NULL) &&
             eh_buf_append_json(&more, request->headers[i].value, NULL) &&
             eh_buf_append_byte(&more, ']', NULL);
    ok = ok && eh_buf_append_str(&more, "],\"body\":", NULL) &&
         eh_buf_append_json(&more, eh_buf_slice(&request->body), NULL);
    if (!ok) hs_die("log", "out of memory");
    hs_log(c->server, "request", c->id, eh_buf_cstr(&more));
    eh_buf_free(&more);
}

static void start_request(hs_connection *c)
{
    static hs_request request; /* one at a time; too big for the stack */
    int found = hs_request_parse(c, &request);
    if (found < 0) {
        hs_log(c->server, "garbage", c->id, "");
        c->end = HS_END_CLOSE;
    }
    if (found <= 0) return;
    c->server->requests++;
    c->has_sent = false;
    c->is_answering = true;
    c->is_head = eh_slice_is(request.method, "HEAD");
    if (eh_slice_is(request.version, "HTTP/1.0")) c->close_next = true;
    log_request(c, &request);
    start(c, c->server->handler);
    push_request(c->thread, c, &request);
    push_connection(c->thread, c);
    eh_buf_free(&request.body);
    eh_buf_consume(&c->in, request.bytes);
    resume(c, 2);
}

static bool is_true(hs_connection *c)
{
    lua_State *L = c->server->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, c->condition);
    bool ok = lua_pcall(L, 0, 1, 0) == LUA_OK;
    if (!ok) fail(c, luaL_tolstring(L, -1, NULL));
    bool result = ok && lua_toboolean(L, -1);
    lua_settop(L, 0);
    return result;
}

static bool is_due(hs_connection *c)
{
    switch (c->wait) {
    case HS_WAIT_SENT:
        return c->out_sent == c->out.len;
    case HS_WAIT_TIME:
        return hs_now_ms() >= c->wake_ms;
    case HS_WAIT_TRUE:
        return is_true(c);
    case HS_WAIT_CLOSED:
        return c->peer_closed;
    default:
        return false;
    }
}

bool hs_scenario_turn(hs_connection *c)
{
    if (c->end != HS_END_NOT) return false;
    bool ran = c->thread != NULL && is_due(c);
    if (ran) resume(c, 0);
    /* Pipelined requests, or the next one that came while the last was answered. */
    while (c->thread == NULL && c->end == HS_END_NOT && c->in.len > 0) {
        int before = c->server->requests;
        start_request(c);
        if (c->server->requests == before) break;
        ran = true;
    }
    return ran;
}

void hs_scenario_greet(hs_connection *c)
{
    if (c->server->greeter == LUA_NOREF) return;
    start(c, c->server->greeter);
    push_connection(c->thread, c);
    resume(c, 1);
}

void hs_scenario_load(hs_server *server, const char *path)
{
    lua_State *L = server->L;
    luaL_newmetatable(L, CONNECTION);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    luaL_setfuncs(L, methods, 0);
    lua_pop(L, 1);
    hs_open_codings(L);
    if (luaL_dofile(L, path) != LUA_OK) hs_die(path, lua_tostring(L, -1));
    server->greeter = LUA_NOREF;
    if (lua_istable(L, -1)) {
        if (lua_getfield(L, -1, "connect") == LUA_TFUNCTION)
            server->greeter = luaL_ref(L, LUA_REGISTRYINDEX);
        else
            lua_pop(L, 1);
        lua_getfield(L, -1, "request");
    }
    if (!lua_isfunction(L, -1)) hs_die(path, "a scenario returns a function");
    server->handler = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_settop(L, 0);
}
