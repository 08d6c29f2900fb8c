/* What rude, lying, slow and dying servers do to one request: each has one right outcome, all
 * of the body or an error of its class. curl itself reports success for some of them. */
#include "base/buf.h"
#include "http_server.h"
#include "io/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <netinet/in.h>

/* What became of one request. */
typedef struct outcome {
    eh_loop *loop;
    eh_http *http;
    eh_buf body;
    bool done;
    eh_err err;
    int status;
    unsigned redirects;
    bool ends_by_close;
} outcome;

static bool on_body(void *self, eh_slice bytes, bool *pause, eh_err *err)
{
    outcome *out = self;
    (void)pause;
    return eh_buf_append(&out->body, bytes.data, bytes.len, err);
}

static void on_done(void *self, const eh_http_answer *answer, const eh_err *err)
{
    outcome *out = self;
    out->done = true;
    out->status = answer->status;
    out->redirects = answer->redirects;
    out->ends_by_close = answer->ends_by_close;
    if (err != NULL) out->err = *err;
}

/* Makes one request with a client of its own and turns the loop until it is over. */
static void make_request(outcome *out, const eh_http_request *request)
{
    eh_clock clock = eh_clock_system();
    eh_err err = {.class_ = EH_OK};
    *out = (outcome){0};
    eh_buf_init(&out->body, 128u << 20);
    out->loop = eh_loop_new(&clock, &err);
    assert_non_null(out->loop);
    out->http = eh_http_new(out->loop, &clock, &err);
    assert_non_null(out->http);
    eh_http_sink sink = {.self = out, .body = on_body, .done = on_done};
    if (eh_http_start(out->http, request, &sink, &out->err) == NULL) {
        assert_int_not_equal(out->err.class_, EH_OK);
        out->done = true;
    }
    while (!out->done) assert_true(eh_loop_turn(out->loop, 1000, &err));
}

static void forget(outcome *out)
{
    eh_http_free(out->http);
    eh_loop_free(out->loop);
    eh_buf_free(&out->body);
}

/* One server serves all cases: "/name" runs the Lua of the case of that name. */
typedef struct fault {
    const char *name;
    const char *lua;    /* body of a function(c, request) */
    eh_class class_;    /* EH_OK: the whole body */
    const char *expect; /* the body, or a part of the message */
    const char *method;
    int64_t idle_timeout_ms, deadline_ms;
    uint64_t max_bytes;
} fault;

#define FAULT(name_, lua_, ...)                                                                \
    {                                                                                          \
        .name = name_, .lua = lua_, .class_ = __VA_ARGS__                                      \
    }

static const fault faults[] = {
    FAULT("plain", "c:reply(200, nil, 'all of it')", EH_OK, .expect = "all of it"),
    FAULT("chunks",
          "c:head(200, {['Transfer-Encoding']='chunked'}) c:chunk 'all ' c:chunk 'of it' "
          "c:chunk()",
          EH_OK, .expect = "all of it"),
    FAULT(
        "interim",
        "c:send 'HTTP/1.1 103 Early Hints\\r\\nLink: x\\r\\n\\r\\n' c:reply(200, nil, 'all of "
        "it')",
        EH_OK, .expect = "all of it"),
    FAULT("gzip", "c:reply(200, {['Content-Encoding']='gzip'}, gzip 'all of it')", EH_OK,
          .expect = "all of it"),
    FAULT("zstd", "c:reply(200, {['Content-Encoding']='zstd'}, zstd 'all of it')", EH_OK,
          .expect = "all of it"),
    FAULT("brotli", "c:reply(200, {['Content-Encoding']='br'}, brotli 'all of it')", EH_OK,
          .expect = "all of it"),
    FAULT("no-content", "c:head(204) ", EH_OK, .expect = ""),
    FAULT("head", "c:reply(200, {['Content-Length']=10})", EH_OK, .expect = "",
          .method = "HEAD"),
    FAULT("until-close", "c:head(200) c:send 'all of it' c:close()", EH_OK,
          .expect = "all of it"),
    /* Cut data. */
    FAULT("cut-body", "c:head(200, {['Content-Length']=10}) c:send 'abc' c:cut()",
          EH_CLASS_TRANSIENT),
    FAULT("cut-chunk",
          "c:head(200, {['Transfer-Encoding']='chunked'}) c:send 'a\\r\\nabc' c:cut()",
          EH_CLASS_TRANSIENT),
    FAULT("no-last-chunk",
          "c:head(200, {['Transfer-Encoding']='chunked'}) c:chunk 'abc' c:cut()",
          EH_CLASS_TRANSIENT),
    FAULT("cut-head",
          "c:send 'HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\n' c:cut()",
          EH_CLASS_TRANSIENT),
    FAULT("nothing", "c:cut()", EH_CLASS_TRANSIENT),
    FAULT("reset", "c:head(200, {['Content-Length']=10}) c:send 'abc' c:reset()",
          EH_CLASS_TRANSIENT),
    FAULT("cut-gzip",
          "local z = gzip(('row,'):rep(9999)) z = z:sub(1, -10)"
          "c:reply(200, {['Content-Encoding']='gzip'}, z)",
          EH_CLASS_TRANSIENT),
    FAULT("cut-zstd",
          "local z = zstd(('row,'):rep(9999)) z = z:sub(1, -4)"
          "c:reply(200, {['Content-Encoding']='zstd'}, z)",
          EH_CLASS_TRANSIENT),
    /* Lies. */
    FAULT("two-lengths",
          "c:send 'HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\nContent-Length: "
          "9\\r\\n\\r\\nall of "
          "it'"
          "c:close()",
          EH_CLASS_REMOTE),
    FAULT("huge-length",
          "c:send 'HTTP/1.1 200 OK\\r\\nContent-Length: 9223372036854775808\\r\\n\\r\\nabc' "
          "c:close()",
          EH_CLASS_REMOTE),
    FAULT("odd-length",
          "c:send 'HTTP/1.1 200 OK\\r\\nContent-Length: -3\\r\\n\\r\\nabc' c:close()",
          EH_CLASS_REMOTE),
    FAULT("length-and-chunks",
          "c:send 'HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\nTransfer-Encoding: "
          "chunked\\r\\n\\r\\n'"
          "c:chunk 'all of it' c:chunk()",
          EH_OK, .expect = "all of it"),
    FAULT("odd-chunk",
          "c:head(200, {['Transfer-Encoding']='chunked'}) c:send 'zz\\r\\nabc\\r\\n' c:stall()",
          EH_CLASS_TRANSIENT),
    FAULT("bad-gzip", "c:reply(200, {['Content-Encoding']='gzip'}, 'this is no gzip')",
          EH_CLASS_DATA),
    FAULT("gzip-and-more",
          "c:reply(200, {['Content-Encoding']='gzip'}, gzip 'all' .. 'garbage')",
          EH_CLASS_DATA),
    FAULT("unknown-coding", "c:reply(200, {['Content-Encoding']='lzma'}, 'abc')",
          EH_CLASS_REMOTE),
    FAULT("two-codings", "c:reply(200, {['Content-Encoding']='gzip, gzip'}, gzip(gzip 'abc'))",
          EH_CLASS_REMOTE),
    FAULT("no-http", "c:send 'hello there, this is no HTTP at all\\n' c:close()",
          EH_CLASS_REMOTE),
    FAULT("header-flood",
          "c:send 'HTTP/1.1 200 OK\\r\\n' for i = 1, 100000 do c:send('X-' .. i .. ': "
          "y\\r\\n') end"
          " c:close()",
          EH_CLASS_LIMIT),
    FAULT("many-headers",
          "local h = {} for i = 1, 3000 do h[i] = {'X-' .. i, 'y'} end c:reply(200, h, 'x')",
          EH_CLASS_LIMIT),
    FAULT("long-header", "c:reply(200, {X = ('y'):rep(400000)}, 'x')", EH_CLASS_LIMIT),
    /* Too much. */
    FAULT("bomb", "c:reply(200, {['Content-Encoding']='gzip'}, bomb)", EH_CLASS_LIMIT,
          .max_bytes = 1 << 20),
    FAULT("bomb-twice", "c:reply(200, {['Content-Encoding']='gzip'}, gzip(bomb))", EH_OK,
          .max_bytes = 1 << 20),
    FAULT("large", "c:reply(200, nil, ('x'):rep(2000000))", EH_CLASS_LIMIT,
          .max_bytes = 1 << 20),
    FAULT("large-chunks",
          "c:head(200, {['Transfer-Encoding']='chunked'})"
          "for i = 1, 20000 do c:chunk(('x'):rep(1000)) end c:chunk()",
          EH_CLASS_LIMIT, .max_bytes = 1 << 20),
    /* Too slow. */
    FAULT("stall-before", "c:stall()", EH_CLASS_TRANSIENT, .idle_timeout_ms = 100),
    FAULT("stall-head", "c:send 'HTTP/1.1 200 OK\\r\\n' c:stall()", EH_CLASS_TRANSIENT,
          .idle_timeout_ms = 100),
    FAULT("stall-after-head", "c:head(200, {['Content-Length']=10}) c:stall()",
          EH_CLASS_TRANSIENT, .idle_timeout_ms = 100),
    FAULT("stall-in-body", "c:head(200, {['Content-Length']=10}) c:send 'abc' c:stall()",
          EH_CLASS_TRANSIENT, .idle_timeout_ms = 100),
    FAULT("slowloris",
          "c:head(200, {['Content-Length']=100000}) while true do c:send 'x' c:wait(20) end",
          EH_CLASS_TRANSIENT, .deadline_ms = 200),
    /* Redirects. */
    FAULT("hop", "c:reply(302, {Location='/plain'})", EH_OK, .expect = "all of it"),
    FAULT("hop-relative", "c:reply(307, {Location='plain?x=1'})", EH_OK, .expect = "all of it"),
    FAULT("hop-loop", "c:reply(302, {Location='/hop-loop'})", EH_CLASS_REMOTE),
    FAULT("hop-metadata", "c:reply(302, {Location='http://169.254.169.254/latest/meta-data/'})",
          EH_CLASS_DENIED),
    FAULT("hop-other-host", "c:reply(302, {Location='http://other.example/'})", EH_CLASS_DENIED,
          .expect = "other.example"),
    FAULT("hop-other-port", "c:reply(302, {Location='http://127.0.0.1:1/'})", EH_CLASS_DENIED),
    FAULT("hop-file", "c:reply(302, {Location='file:///etc/passwd'})", EH_CLASS_REMOTE),
    FAULT("hop-odd", "c:reply(302, {Location='http://a b/'})", EH_CLASS_REMOTE),
    FAULT("hop-user", "c:reply(302, {Location='http://me:word@127.0.0.1/'})", EH_CLASS_REMOTE),
    FAULT("post-becomes-get", "c:reply(302, {Location='/plain'})", EH_CLASS_DENIED,
          .method = "POST"),
};
#define FAULTS (sizeof faults / sizeof faults[0])

static http_server server;
static char address[64];
static const char *hosts[1];
static eh_http_rules rules;

static int start_server(void **state)
{
    (void)state;
    eh_buf text;
    eh_buf_init(&text, 1u << 20);
    bool ok = eh_buf_append_str(&text,
                                "local bomb = gzip(('\\0'):rep(20 << 20))\n"
                                "local paths = {}\n",
                                NULL);
    for (size_t i = 0; i < FAULTS; i++)
        ok = ok && eh_buf_printf(&text, NULL, "paths['/%s'] = function(c, request) %s end\n",
                                 faults[i].name, faults[i].lua);
    ok = ok &&
         eh_buf_append_str(
             &text, "return function(request, c) paths[request.path](c, request) end\n", NULL);
    ok = ok && http_server_start(&server, eh_buf_cstr(&text), true);
    eh_buf_free(&text);
    snprintf(address, sizeof address, "127.0.0.1:%u", server.port);
    hosts[0] = address;
    rules = (eh_http_rules){
        .hosts = hosts, .host_count = 1, .allow_private = hosts, .allow_private_count = 1};
    return ok ? 0 : -1;
}

static int stop_server(void **state)
{
    (void)state;
    http_server_stop(&server);
    return 0;
}

static void has_one_outcome(void **state)
{
    const fault *f = *state;
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/%s", server.port, f->name);
    eh_http_request request = {.method = f->method != NULL ? f->method : "GET",
                               .url = url,
                               .rules = &rules,
                               .idle_timeout_ms = f->idle_timeout_ms,
                               .deadline_ms = f->deadline_ms != 0 ? f->deadline_ms : 20000,
                               .max_bytes = f->max_bytes};
    outcome out;
    make_request(&out, &request);
    if (out.err.class_ != f->class_)
        fail_msg("%s: %s: %s (status %d, %zu bytes)", f->name, eh_class_name(out.err.class_),
                 out.err.message, out.status, out.body.len);
    if (f->class_ == EH_OK && f->expect != NULL)
        assert_string_equal(eh_buf_cstr(&out.body), f->expect);
    if (f->class_ != EH_OK && f->expect != NULL && strstr(out.err.message, f->expect) == NULL)
        fail_msg("%s: %s", f->name, out.err.message);
    if (f->max_bytes > 0) assert_true(out.body.len <= f->max_bytes);
    forget(&out);
}

/* ---- What may not be spoken to: nobody is connected, whatever the name looks like ----------
 */

static void request_of(eh_http_request *request, const char *url, const eh_http_rules *with)
{
    *request =
        (eh_http_request){.method = "GET", .url = url, .rules = with, .deadline_ms = 20000};
}

/* These rules name the host, so that only the judgement of the address stands between. */
static void refuse_by_address(const char *host)
{
    char url[256], pattern[128];
    snprintf(pattern, sizeof pattern, "%s:%u", host, server.port);
    snprintf(url, sizeof url, "http://%s/plain", pattern);
    const char *patterns[] = {pattern, "127.0.0.1"};
    eh_http_rules with = {.hosts = patterns, .host_count = 2, .allow_plain = true};
    size_t before = http_server_count(&server, "\"event\":\"connect\"");
    eh_http_request request;
    request_of(&request, url, &with);
    outcome out;
    make_request(&out, &request);
    if (out.err.class_ != EH_CLASS_DENIED)
        fail_msg("%s: %s: %s", url, eh_class_name(out.err.class_), out.err.message);
    forget(&out);
    assert_int_equal(http_server_count(&server, "\"event\":\"connect\""), before);
}

static void the_inside_is_refused(void **state)
{
    (void)state;
    static const char *const spellings[] = {"localhost",
                                            "127.0.0.1",
                                            "127.1",
                                            "0x7f000001",
                                            "2130706433",
                                            "0177.0.0.01",
                                            "[::ffff:127.0.0.1]",
                                            "[::1]",
                                            "127.0.0.1.",
                                            "LOCALHOST",
                                            "0.0.0.0",
                                            "[64:ff9b::7f00:1]",
                                            "127.0.1",
                                            "[0:0:0:0:0:ffff:7f00:1]"};
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
        refuse_by_address(spellings[i]);
}

static void the_destination_is_refused_also_when_allowed(void **state)
{
    (void)state;
    struct sockaddr_storage forbidden = {0};
    struct sockaddr_in own = {.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)server.port)};
    memcpy(&forbidden, &own, sizeof own);
    eh_http_rules with = rules;
    with.forbidden = &forbidden;
    with.forbidden_count = 1;
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/plain", server.port);
    size_t before = http_server_count(&server, "\"event\":\"connect\"");
    eh_http_request request;
    request_of(&request, url, &with);
    outcome out;
    make_request(&out, &request);
    assert_int_equal(out.err.class_, EH_CLASS_DENIED);
    forget(&out);
    assert_int_equal(http_server_count(&server, "\"event\":\"connect\""), before);
}

static void a_host_that_is_not_listed_is_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "https://other.example/", "http://127.0.0.1:1/",       "ftp://127.0.0.1/",
        "file:///etc/passwd",     "http://me:word@127.0.0.1/", "http://127.0.0.1/\r\nX: y"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        eh_http_request request;
        request_of(&request, urls[i], &rules);
        outcome out;
        make_request(&out, &request);
        if (out.err.class_ != EH_CLASS_DENIED && out.err.class_ != EH_CLASS_CONFIG)
            fail_msg("%s: %s", urls[i], out.err.message);
        forget(&out);
    }
}

/* ---- TLS ------------------------------------------------------------------------------------
 */

static void request_tls(const http_server *with, const char *ca_file, eh_class class_)
{
    char url[128], host[64];
    snprintf(host, sizeof host, "127.0.0.1:%u", with->tls_port);
    snprintf(url, sizeof url, "https://%s/plain", host);
    const char *one[] = {host};
    eh_http_rules tls = {.hosts = one,
                         .host_count = 1,
                         .allow_private = one,
                         .allow_private_count = 1,
                         .ca_file = ca_file};
    eh_http_request request;
    request_of(&request, url, &tls);
    outcome out;
    make_request(&out, &request);
    if (out.err.class_ != class_)
        fail_msg("%s: %s", eh_class_name(out.err.class_), out.err.message);
    forget(&out);
}

static void certificates_are_looked_at(void **state)
{
    (void)state;
    request_tls(&server, server.ca_file, EH_OK);
    size_t before = http_server_count(&server, "\"event\":\"request\"");
    request_tls(&server, NULL, EH_CLASS_CONFIG);
    assert_int_equal(http_server_count(&server, "\"event\":\"request\""), before);
}

static void the_wrong_certificate_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[][3] = {{"--name", "other.example", NULL},
                                           {"--expired", NULL, NULL}};
    for (size_t i = 0; i < 2; i++) {
        http_server other;
        assert_true(http_server_start_with(
            &other, "return function(r, c) c:reply(200, nil, 'x') end", true, wrong[i]));
        request_tls(&other, other.ca_file, EH_CLASS_CONFIG);
        assert_int_equal(http_server_count(&other, "\"event\":\"request\""), 0);
        http_server_stop(&other);
    }
}

/* ---- Redirects between hosts ----------------------------------------------------------------
 */

static const char HOPS[] = "return function(request, c)\n"
                           "  if request.path == '/start' then\n"
                           "    c:reply(302, { Location = request.query.to })\n"
                           "  else c:reply(200, nil, 'arrived') end\n"
                           "end\n";

/* From one server to another that is allowed too: what was meant for the first stays there. */
static void secrets_stay_with_their_host(void **state)
{
    (void)state;
    http_server one, two;
    assert_true(http_server_start(&one, HOPS, true));
    assert_true(http_server_start(&two, HOPS, false));
    char url[256], first[64], second[64];
    snprintf(first, sizeof first, "127.0.0.1:%u", one.port);
    snprintf(second, sizeof second, "127.0.0.1:%u", two.port);
    snprintf(url, sizeof url, "http://%s/start?to=http://%s/end", first, second);
    const char *both[] = {first, second};
    eh_http_rules with = {
        .hosts = both, .host_count = 2, .allow_private = both, .allow_private_count = 2};
    eh_http_header headers[] = {
        {eh_slice_str("Authorization"), eh_slice_str("Bearer word")},
        {eh_slice_str("Cookie"), eh_slice_str("a=word")},
        {eh_slice_str("X-Api-Key"), eh_slice_str("word")},
    };
    eh_http_request request;
    request_of(&request, url, &with);
    request.headers = headers;
    request.header_count = 3;
    outcome out;
    make_request(&out, &request);
    assert_int_equal(out.err.class_, EH_OK);
    assert_string_equal(eh_buf_cstr(&out.body), "arrived");
    assert_int_equal(out.redirects, 1);
    forget(&out);
    assert_int_equal(http_server_count(&one, "word"), 3);
    assert_int_equal(http_server_count(&two, "\"event\":\"request\""), 1);
    assert_int_equal(http_server_count(&two, "word"), 0);
    http_server_stop(&two);
    http_server_stop(&one);
}

static void https_never_becomes_http(void **state)
{
    (void)state;
    http_server one;
    assert_true(http_server_start(&one, HOPS, true));
    char url[256], tls[64], plain[64];
    snprintf(tls, sizeof tls, "127.0.0.1:%u", one.tls_port);
    snprintf(plain, sizeof plain, "127.0.0.1:%u", one.port);
    snprintf(url, sizeof url, "https://%s/start?to=http://%s/end", tls, plain);
    const char *both[] = {tls, plain};
    eh_http_rules with = {.hosts = both,
                          .host_count = 2,
                          .allow_plain = true,
                          .allow_private = both,
                          .allow_private_count = 2,
                          .ca_file = one.ca_file};
    eh_http_request request;
    request_of(&request, url, &with);
    outcome out;
    make_request(&out, &request);
    assert_int_equal(out.err.class_, EH_CLASS_DENIED);
    forget(&out);
    assert_int_equal(http_server_count(&one, "\"target\":\"/end\""), 0);
    http_server_stop(&one);
}

int main(void)
{
    struct CMUnitTest tests[FAULTS + 8];
    for (size_t i = 0; i < FAULTS; i++)
        tests[i] = (struct CMUnitTest){.name = faults[i].name,
                                       .test_func = has_one_outcome,
                                       .initial_state = (void *)(uintptr_t)&faults[i]};
    struct CMUnitTest more[] = {
        cmocka_unit_test(the_inside_is_refused),
        cmocka_unit_test(the_destination_is_refused_also_when_allowed),
        cmocka_unit_test(a_host_that_is_not_listed_is_refused),
        cmocka_unit_test(certificates_are_looked_at),
        cmocka_unit_test(the_wrong_certificate_is_refused),
        cmocka_unit_test(secrets_stay_with_their_host),
        cmocka_unit_test(https_never_becomes_http),
    };
    size_t count = sizeof more / sizeof *more;
    memcpy(tests + FAULTS, more, sizeof more);
    return _cmocka_run_group_tests("http faults", tests, FAULTS + count, start_server,
                                   stop_server);
}
