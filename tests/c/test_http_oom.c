/* Requests with every allocation failing in turn: no crash, no leak, no success that is none,
 * and the next request has its answer. What libcurl makes of a lack of memory is not always
 * called so: a name that cannot be resolved, a connection that cannot be made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "http_server.h"
#include "oom.h"

#include "io/fetch.h"
#include "io/libcurl.h"
#include "io/url.h"

#include <pthread.h>
#include <signal.h>

static const char SCENARIO[] =
    "local busy = 0\n"
    "return function(request, c)\n"
    "  if request.path == '/moved' then c:reply(302, { Location = '/zipped' })\n"
    "  elseif request.path == '/busy' then\n"
    "    busy = busy + 1\n"
    "    if busy % 2 == 1 then return c:reply(503, { ['Retry-After'] = '0' }, 'try again') "
    "end\n"
    "    c:reply(200, nil, ('x'):rep(1000))\n"
    "  else c:reply(200, { ['Content-Encoding'] = 'gzip' }, gzip(('x'):rep(1000))) end\n"
    "end\n";

static http_server server;
static char address[64];

typedef struct outcome {
    size_t bytes;
    bool done;
    eh_err err;
} outcome;

static bool on_body(void *self, eh_slice bytes, bool *pause, eh_err *err)
{
    outcome *o = self;
    (void)pause;
    (void)err;
    o->bytes += bytes.len;
    return true;
}

static void on_done(void *self, const eh_http_answer *answer, const eh_err *err)
{
    outcome *o = self;
    (void)answer;
    o->done = true;
    if (err != NULL) o->err = *err;
}

static void on_fetched(void *self, eh_fetch *fetch, const eh_err *err)
{
    outcome *o = self;
    o->bytes = (size_t)eh_body_size(eh_fetch_body(fetch));
    o->done = true;
    if (err != NULL) o->err = *err;
}

/* Whatever a lack of memory is called, here it is one: the sweep wants to see no other class.
 */
static bool settle(const outcome *o, eh_err *err)
{
    bool likely = o->err.class_ == EH_CLASS_TRANSIENT || o->err.class_ == EH_CLASS_REMOTE ||
                  o->err.class_ == EH_CLASS_CONFIG || o->err.class_ == EH_CLASS_LIMIT;
    if (o->err.class_ == EH_OK && o->bytes == 1000) return true;
    if (o->err.class_ == EH_OK) return eh_fail(err, EH_CLASS_BUG, "a part passes for all");
    *err = o->err;
    if (likely) err->class_ = EH_CLASS_LIMIT;
    return false;
}

static bool wait_for(eh_loop *loop, outcome *o)
{
    while (!o->done)
        if (!eh_loop_turn(loop, 60000, &o->err)) return false;
    return true;
}

static bool get(void *what, eh_err *err)
{
    (void)what;
    char url[128];
    const char *hosts[] = {address};
    const eh_http_rules rules = {
        .hosts = hosts, .host_count = 1, .allow_private = hosts, .allow_private_count = 1};
    const eh_http_header header = {{"X-Key", 5}, {"k", 1}};
    outcome o = {0};
    const eh_http_sink sink = {.self = &o, .body = on_body, .done = on_done};
    const eh_clock clock = eh_clock_system();
    (void)snprintf(url, sizeof url, "http://%s/moved", address);
    const eh_http_request request = {
        .method = "GET", .url = url, .headers = &header, .header_count = 1, .rules = &rules};
    eh_loop *loop = eh_loop_new(&clock, &o.err);
    eh_http *http = loop != NULL ? eh_http_new(loop, &clock, &o.err) : NULL;
    if (http != NULL && eh_http_start(http, &request, &sink, &o.err) != NULL)
        (void)wait_for(loop, &o);
    eh_http_free(http);
    eh_loop_free(loop);
    return settle(&o, err);
}

static bool fetch(void *what, eh_err *err)
{
    (void)what;
    char url[128];
    const char *hosts[] = {address};
    const eh_http_rules rules = {
        .hosts = hosts, .host_count = 1, .allow_private = hosts, .allow_private_count = 1};
    outcome o = {0};
    const eh_fetch_done done = {&o, on_fetched};
    const eh_clock clock = eh_clock_system();
    (void)snprintf(url, sizeof url, "http://%s/busy", address);
    eh_fetch_request request = {.rate = "1000000/s", .credential = "k"};
    request.http = (eh_http_request){.method = "GET", .url = url, .rules = &rules};
    eh_loop *loop = eh_loop_new(&clock, &o.err);
    eh_http *http = loop != NULL ? eh_http_new(loop, &clock, &o.err) : NULL;
    const eh_fetcher_options options = {
        .loop = loop, .clock = clock, .http = http, .backoff_base_ms = 1, .backoff_cap_ms = 1};
    eh_fetcher *fetcher = http != NULL ? eh_fetcher_new(&options, &o.err) : NULL;
    if (fetcher != NULL && eh_fetch_start(fetcher, &request, &done, &o.err) != NULL)
        (void)wait_for(loop, &o);
    eh_fetcher_free(fetcher);
    eh_http_free(http);
    eh_loop_free(loop);
    return settle(&o, err);
}

static bool urls(void *what, eh_err *err)
{
    (void)what;
    eh_url one = {0}, two = {0};
    bool ok = eh_url_parse("https://api.x.com:8443/a%20b?q=1#f", &one, err) &&
              eh_url_join(&one, "../c?d", &two, err) &&
              (eh_url_same_origin(&one, &two) || eh_fail(err, EH_CLASS_BUG, "another origin"));
    /* libcurl calls a scheme unknown that it could not copy. */
    if (!ok && err->class_ != EH_CLASS_BUG) err->class_ = EH_CLASS_LIMIT;
    eh_url_free(&one);
    eh_url_free(&two);
    return ok;
}

static bool bodies(void *what, eh_err *err)
{
    static char piece[100000];
    eh_spool *spool = eh_spool_new(what, 0, err);
    eh_body *body = spool != NULL ? eh_body_new(spool, err) : NULL;
    eh_slice view = {NULL, 0};
    bool ok = body != NULL;
    for (int i = 0; ok && i < 5; i++)
        ok = eh_body_append(body, eh_slice_of(piece, sizeof piece), err);
    if (ok) eh_body_end(body);
    ok = ok && eh_body_view(body, &view, err) &&
         (view.len == 5 * sizeof piece || eh_fail(err, EH_CLASS_BUG, "a part of a body"));
    eh_body_free(body);
    eh_spool_free(spool);
    return ok;
}

static void *do_nothing(void *self)
{
    return self;
}

static void requests(void **state)
{
    (void)state;
    /* The libraries keep what they made at their first use, and glibc a thread's memory:
     * libcurl looks names up in one, and an address, too, when it had no memory to read it. */
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, do_nothing, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    eh_libcurl curl;
    assert_true(eh_libcurl_load(&curl, NULL));
    assert_int_equal(curl.global_init(CURL_GLOBAL_DEFAULT), 0);
    oom_sweep_all("get", get, NULL, 800, false);
    oom_sweep_all("fetch", fetch, NULL, 800, false);
    curl.global_cleanup();
}

static void their_parts(void **state)
{
    (void)state;
    eh_libcurl curl;
    assert_true(eh_libcurl_load(&curl, NULL));
    oom_sweep(urls, NULL);
    oom_sweep(bodies, server.folder);
}

static int start_server(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    if (!http_server_start(&server, SCENARIO, false)) return -1;
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", server.port);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    http_server_stop(&server);
    return 0;
}

int main(void)
{
    oom_spare_openssl();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(their_parts),
        cmocka_unit_test(requests),
    };
    return cmocka_run_group_tests_name("http without memory", tests, start_server, stop_server);
}
