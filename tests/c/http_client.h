/* tests/c/http_client.h: an HTTP client beside the canned server of http_kit.h, and what it
 * got. */
#ifndef EH_TEST_HTTP_CLIENT_H
#define EH_TEST_HTTP_CLIENT_H

#include "http_kit.h"

typedef struct got {
    eh_buf body;
    int heads, dones, status;
    unsigned redirects;
    bool ends_by_close, reused;
    int version;
    char address[64], url[256], type[64];
    uint64_t stored, bytes;
    eh_err err;
    /* how the sink behaves */
    bool pause_each, cancel_in_body, refuse_head;
    eh_http_transfer *transfer;
} got;

typedef struct client {
    hk_clock time;
    eh_clock clock;
    eh_loop *loop;
    eh_http *http;
    hk_server *server;
    const char *hosts[4], *open[4];
    eh_http_rules rules;
    eh_http_request request;
    char url[256];
    got got;
} client;

static inline bool on_head(void *self, const eh_http_answer *answer, eh_err *err)
{
    got *g = self;
    g->heads++;
    g->status = answer->status;
    eh_slice type = eh_http_answer_header(answer, "content-type");
    (void)snprintf(g->type, sizeof g->type, "%.*s", EH_SLICE_FMT(type));
    return !g->refuse_head || eh_fail(err, EH_CLASS_SCRIPT, "not this");
}

static inline bool on_body(void *self, eh_slice bytes, bool *pause, eh_err *err)
{
    got *g = self;
    assert_int_equal(g->heads, 1);
    *pause = g->pause_each;
    if (g->cancel_in_body) eh_http_cancel(g->transfer);
    return eh_buf_append(&g->body, bytes.data, bytes.len, err);
}

static inline void on_done(void *self, const eh_http_answer *answer, const eh_err *err)
{
    got *g = self;
    g->dones++;
    if (err != NULL) g->err = *err;
    g->status = answer->status;
    g->redirects = answer->redirects;
    g->ends_by_close = answer->ends_by_close;
    g->reused = answer->reused;
    g->version = answer->http_version;
    g->stored = answer->bytes_stored;
    g->bytes = answer->bytes;
    (void)snprintf(g->address, sizeof g->address, "%s", answer->address);
    (void)snprintf(g->url, sizeof g->url, "%s", answer->url);
}

static inline void open_client(client *c, const hk_answer *answers, size_t count)
{
    eh_err err = {.class_ = EH_OK};
    memset(c, 0, sizeof *c);
    (void)signal(SIGPIPE, SIG_IGN);
    c->time.real = eh_clock_system();
    c->clock = (eh_clock){hk_wall, hk_monotonic, &c->time};
    c->loop = eh_loop_new(&c->clock, &err);
    c->http = eh_http_new(c->loop, &c->clock, &err);
    assert_non_null(c->http);
    c->server = hk_start(answers, count);
    c->hosts[0] = c->open[0] = c->server->address;
    c->rules = (eh_http_rules){
        .hosts = c->hosts, .host_count = 1, .allow_private = c->open, .allow_private_count = 1};
    (void)snprintf(c->url, sizeof c->url, "http://%s/data", c->server->address);
    c->request = (eh_http_request){.method = "GET", .url = c->url, .rules = &c->rules};
    eh_buf_init(&c->got.body, (size_t)64 * 1024 * 1024);
}

#define OPEN(c, ...)                                                                           \
    const hk_answer answers_[] = {__VA_ARGS__};                                                \
    client c;                                                                                  \
    open_client(&c, answers_, sizeof answers_ / sizeof answers_[0])

static inline void close_client(client *c)
{
    eh_http_free(c->http);
    eh_loop_free(c->loop);
    hk_free(c->server);
    eh_buf_free(&c->got.body);
}

static inline void turn(client *c)
{
    eh_err err = {.class_ = EH_OK};
    assert_true(eh_loop_turn(c->loop, 10000, &err));
}

static inline void start(client *c)
{
    const eh_http_sink sink = {&c->got, on_head, on_body, on_done};
    eh_err err = {.class_ = EH_OK};
    eh_buf keep = c->got.body;
    keep.len = 0;
    c->got = (got){.body = keep,
                   .pause_each = c->got.pause_each,
                   .cancel_in_body = c->got.cancel_in_body,
                   .refuse_head = c->got.refuse_head};
    c->got.transfer = eh_http_start(c->http, &c->request, &sink, &err);
    if (c->got.transfer == NULL) fail_msg("%s", err.message);
    assert_int_equal(c->got.dones + c->got.heads, 0);
}

static inline void fetch(client *c)
{
    start(c);
    while (c->got.dones == 0) turn(c);
    assert_int_equal(c->got.dones, 1);
}

static inline void expect_body(client *c, const char *text)
{
    fetch(c);
    if (c->got.err.class_ != EH_OK) fail_msg("%s", c->got.err.message);
    assert_int_equal(c->got.status, 200);
    assert_int_equal(c->got.body.len, strlen(text));
    assert_memory_equal(c->got.body.data, text, strlen(text));
}

static inline void expect_error(client *c, eh_class class_, const char *part)
{
    fetch(c);
    if (c->got.err.class_ != class_ || strstr(c->got.err.message, part) == NULL)
        fail_msg("class %s: %s", eh_class_name(c->got.err.class_), c->got.err.message);
}

#define HEAD "HTTP/1.1 200 OK\r\n"

#define FINE HEAD "Content-Length: 5\r\n\r\nhello"

#endif
