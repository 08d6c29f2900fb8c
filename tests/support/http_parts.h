/* tests/support/http_parts.h: what the files of the scripted HTTP server share.
 *
 * One process, one poll loop (http_server.c), one Lua coroutine a request. A connection knows
 * its bytes (http_connection.c), what its coroutine waits for and how it is to end; the
 * scenario (http_scenario.c) decides what is sent. See README.md for what a scenario looks
 * like. */
#ifndef EH_TESTS_HTTP_PARTS_H
#define EH_TESTS_HTTP_PARTS_H

#include "base/buf.h"

#include <lua.h>
#include <openssl/ssl.h>

/* What a coroutine waits for; only the first three end by themselves. */
typedef enum hs_wait {
    HS_WAIT_NOTHING, /* no coroutine: the next request is awaited */
    HS_WAIT_SENT,    /* until everything is sent */
    HS_WAIT_TIME,    /* until wake_ms */
    HS_WAIT_TRUE,    /* until the function `condition` gives something true */
    HS_WAIT_CLOSED,  /* until the other side has closed */
    HS_WAIT_EVER     /* the connection stays as it is */
} hs_wait;

/* How a connection ends, once everything is sent. */
typedef enum hs_end { HS_END_NOT, HS_END_CLOSE, HS_END_CUT, HS_END_RESET } hs_end;

typedef struct hs_server hs_server;

typedef struct hs_connection {
    hs_server *server;
    int fd;
    int id;
    SSL *ssl; /* NULL: plain */
    bool is_shaken;
    bool tls_wants_write;
    eh_buf in;
    eh_buf out;
    size_t out_sent;
    int64_t sent; /* bytes in all */
    bool peer_closed;
    hs_wait wait;
    int64_t wake_ms;
    int condition;     /* in the registry, or LUA_NOREF */
    lua_State *thread; /* NULL: none */
    int thread_anchor;
    struct hs_connection **box; /* the userdata; cleared with the connection */
    int box_anchor;
    bool is_head;      /* the request was HEAD: no body */
    bool is_answering; /* the coroutine is a request's */
    bool has_sent;     /* something since the request */
    bool close_next;   /* after this answer */
    hs_end end;
    struct hs_connection *next;
} hs_connection;

struct hs_server {
    lua_State *L;
    int handler; /* registry: the scenario's function */
    int greeter; /* registry: what runs when somebody connects, or LUA_NOREF */
    int log;     /* -1: none */
    int connections;
    int requests;
    int64_t started_ms;
    SSL_CTX *tls; /* NULL: no second port */
    hs_connection *first;
};

/* A request as it came; texts point into the connection's buffer. */
typedef struct hs_header {
    eh_slice name, value;
} hs_header;

typedef struct hs_request {
    eh_slice method, target, version;
    hs_header headers[256];
    size_t header_count;
    eh_buf body;
    size_t bytes; /* that it took of the buffer */
} hs_request;

int64_t hs_now_ms(void);

/* ---- http_connection.c ---- */
void hs_connection_accept(hs_server *server, int fd, bool tls);
/* Reads what is there, writes what can be written; no Lua. */
void hs_connection_read(hs_connection *c);
void hs_connection_write(hs_connection *c);
void hs_connection_send(hs_connection *c, const char *data, size_t len);
/* Ends it as c->end says when that is due; true when it is gone. */
bool hs_connection_finish(hs_connection *c);
void hs_connection_free(hs_connection *c);

/* ---- http_request.c ---- */
/* 1: a whole request is there, 0: not yet, -1: not one. */
int hs_request_parse(hs_connection *c, hs_request *request);
/* The query text as a table of decoded names and values; the last of a name holds. */
void hs_push_query(lua_State *L, eh_slice query);
void hs_push_decoded(lua_State *L, eh_slice text, bool plus_is_space);

/* ---- http_scenario.c ---- */
void hs_scenario_load(hs_server *server, const char *path);
/* Runs what the scenario has for somebody who connects. */
void hs_scenario_greet(hs_connection *c);
/* Starts a request that is there, or goes on with what waited; true when something ran. */
bool hs_scenario_turn(hs_connection *c);
void hs_scenario_forget(hs_connection *c);
/* One line of the log; `more` is JSON members with a comma in front, or "". */
void hs_log(hs_server *server, const char *event, int connection, const char *more);

/* ---- http_coding.c ---- */
void hs_open_codings(lua_State *L);

/* ---- http_certificate.c ---- */
/* Makes a key and a certificate of its own for `name` (a host or an address), leaves the
 * certificate in ca_file and gives the context. */
SSL_CTX *hs_certificate_make(const char *name, bool expired, const char *ca_file);

_Noreturn void hs_die(const char *what, const char *why);

#endif
