/* Attempts, waits, limits and errors of a request, against canned answers; time is moved on by
 * the test, nothing here waits. */
#include "http_kit.h"

#include "io/fetch.h"

typedef struct outcome {
    int dones, heads, status;
    unsigned attempts;
    eh_body *body;
    eh_err err;
} outcome;

typedef struct client {
    hk_clock time;
    eh_clock clock;
    eh_loop *loop;
    eh_http *http;
    eh_fetcher *fetcher;
    hk_server *server;
    const char *hosts[2];
    eh_http_rules rules;
    eh_fetch_request request;
    char url[256];
    unsigned prepared;
    int wanted; /* how many are to be done */
    outcome got;
    unsigned told; /* waits for another attempt that it was told of */
    char why[1024];
} client;

static void on_done(void *self, eh_fetch *fetch, const eh_err *err)
{
    outcome *o = self;
    o->dones++;
    o->attempts = eh_fetch_attempts(fetch);
    o->body = eh_body_hold(eh_fetch_body(fetch));
    const eh_http_answer *answer = eh_fetch_answer(fetch);
    o->status = answer != NULL ? answer->status : 0;
    if (err != NULL) o->err = *err;
}

static void on_count(void *self, eh_fetch *fetch, const eh_err *err)
{
    outcome *o = self;
    (void)fetch;
    assert_null(err);
    o->dones++;
}

/* What the secrets of a run do: every "hush" is gone. */
static bool mask(void *self, eh_buf *text, eh_err *err)
{
    (void)self;
    (void)err;
    for (char *at; (at = memmem(text->data, text->len, "hush", 4)) != NULL;) {
        memcpy(at, "***", 3);
        memmove(at + 3, at + 4, text->len - (size_t)(at + 4 - text->data));
        text->len--;
    }
    return true;
}

static void on_retrying(void *self, const eh_err *err, int64_t wait_ms)
{
    client *c = self;
    c->told++;
    assert_true(wait_ms >= 0);
    (void)snprintf(c->why, sizeof c->why, "%s", err->message);
}

static void open_client(client *c, const hk_answer *answers, size_t count)
{
    eh_err err = {.class_ = EH_OK};
    memset(c, 0, sizeof *c);
    (void)signal(SIGPIPE, SIG_IGN);
    c->time.real = eh_clock_system();
    c->clock = (eh_clock){hk_wall, hk_monotonic, &c->time};
    c->loop = eh_loop_new(&c->clock, &err);
    c->http = eh_http_new(c->loop, &c->clock, &err);
    const eh_fetcher_options options = {.loop = c->loop,
                                        .clock = c->clock,
                                        .http = c->http,
                                        .mask = mask,
                                        .retry_budget = 6,
                                        .retrying = on_retrying,
                                        .retrying_self = c};
    c->fetcher = eh_fetcher_new(&options, &err);
    assert_non_null(c->fetcher);
    c->server = hk_start(answers, count);
    c->hosts[0] = c->server->address;
    c->rules = (eh_http_rules){.hosts = c->hosts,
                               .host_count = 1,
                               .allow_private = c->hosts,
                               .allow_private_count = 1};
    (void)snprintf(c->url, sizeof c->url, "http://%s/data?key=hush&page=2", c->server->address);
    c->wanted = 1;
    c->request.http = (eh_http_request){.method = "GET", .url = c->url, .rules = &c->rules};
}

#define OPEN(c, ...)                                                                           \
    const hk_answer answers_[] = {__VA_ARGS__};                                                \
    client c;                                                                                  \
    open_client(&c, answers_, sizeof answers_ / sizeof answers_[0])

static void close_client(client *c)
{
    eh_body_free(c->got.body);
    eh_fetcher_free(c->fetcher);
    eh_http_free(c->http);
    eh_loop_free(c->loop);
    hk_free(c->server);
}

static void start(client *c)
{
    const eh_fetch_done done = {&c->got, on_done};
    eh_err err = {.class_ = EH_OK};
    eh_body_free(c->got.body);
    c->got = (outcome){0};
    if (eh_fetch_start(c->fetcher, &c->request, &done, &err) == NULL)
        fail_msg("%s", err.message);
    assert_int_equal(c->got.dones, 0);
}

/* Turns until it is done; where only time would help, time is moved on. Returns what it had to
 * be moved, in ms. */
static int64_t finish(client *c)
{
    eh_err err = {.class_ = EH_OK};
    int64_t before = eh_clock_monotonic(&c->clock);
    while (c->got.dones < c->wanted) {
        int64_t began = eh_clock_monotonic(&c->time.real);
        assert_true(eh_loop_turn(c->loop, 20, &err));
        bool quiet = eh_clock_monotonic(&c->time.real) - began >= 20 * 1000;
        if (quiet) c->time.ahead_us += 250 * 1000;
    }
    return (eh_clock_monotonic(&c->clock) - before) / 1000;
}

static int64_t run(client *c)
{
    start(c);
    return finish(c);
}

static void expect_body(client *c, const char *text)
{
    eh_slice view;
    eh_err err = {.class_ = EH_OK};
    if (c->got.err.class_ != EH_OK) fail_msg("%s", c->got.err.message);
    assert_true(eh_body_view(c->got.body, &view, &err));
    assert_int_equal(view.len, strlen(text));
    assert_memory_equal(view.data, text, view.len);
}

static void expect_error(client *c, eh_class class_, const char *part)
{
    if (c->got.err.class_ != class_ || strstr(c->got.err.message, part) == NULL)
        fail_msg("class %s: %s", eh_class_name(c->got.err.class_), c->got.err.message);
    assert_null(strstr(c->got.err.message, "hush"));
    assert_int_equal(eh_body_state_of(c->got.body), EH_BODY_FAILED);
}

#define OK_HELLO   "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define BUSY(more) "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n" more "\r\nbusy"
#define SLOW_DOWN(value)                                                                       \
    "HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\nRetry-After: " value "\r\n\r\n"

static void a_failure_that_passes_is_not_seen(void **state)
{
    (void)state;
    /* Each on a connection of its own: on a kept one libcurl would send again by itself. */
    OPEN(c, {BUSY("Connection: close\r\n"), 0, HK_CLOSE}, {"", 0, HK_RESET},
         {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", 0, HK_CLOSE},
         {OK_HELLO, 0, HK_KEEP});
    run(&c);
    expect_body(&c, "hello");
    assert_int_equal(c.got.attempts, 4);
    assert_int_equal(c.got.status, 200);
    assert_int_equal(c.told, 3);
    assert_non_null(strstr(c.why, "/data?key=***&page=2: "));
    eh_fetch_totals totals = eh_fetcher_totals(c.fetcher);
    assert_int_equal(totals.requests, 1);
    assert_int_equal(totals.retries, 3);
    assert_int_equal(totals.bytes, 4 + 3 + 5);
    close_client(&c);
}

static void the_error_names_everything_but_the_secret(void **state)
{
    (void)state;
    OPEN(c,
         {"HTTP/1.1 400 Bad\r\nContent-Length: 37\r\n\r\n{\"error\":\r\n  \"no such page for "
          "hush\"}",
          0, HK_KEEP});
    run(&c);
    expect_error(&c, EH_CLASS_CONFIG, "GET http://127.0.0.1:");
    expect_error(&c, EH_CLASS_CONFIG, "/data?key=***&page=2: 400 Bad Request (1 attempt, ");
    expect_error(&c, EH_CLASS_CONFIG, "{\"error\": \"no such page for ***\"}");
    assert_int_equal(c.got.err.code, 400);
    assert_int_equal(c.got.status, 400);
    close_client(&c);
}

static void attempts_end(void **state)
{
    (void)state;
    OPEN(c, {BUSY(""), 0, HK_KEEP});
    run(&c);
    expect_error(&c, EH_CLASS_TRANSIENT, "503 Service Unavailable (5 attempts, 4 bytes");
    assert_int_equal(atomic_load(&c.server->requests), 5);
    /* Four of the run's six retries are spent. */
    run(&c);
    expect_error(&c, EH_CLASS_TRANSIENT, "retries are used up");
    assert_int_equal(c.got.attempts, 3);
    close_client(&c);
}

static void a_post_is_not_repeated(void **state)
{
    (void)state;
    OPEN(c, {BUSY(""), 0, HK_KEEP}, {BUSY(""), 0, HK_KEEP}, {OK_HELLO, 0, HK_KEEP});
    c.request.http.method = "POST";
    c.request.http.body = eh_slice_str("a=1");
    run(&c);
    expect_error(&c, EH_CLASS_TRANSIENT, "it might be done twice");
    c.request.http.repeatable = true;
    run(&c);
    expect_body(&c, "hello");
    assert_non_null(strstr(c.server->request[2], "\r\n\r\na=1"));
    close_client(&c);
}

static void statuses_that_are_wanted(void **state)
{
    (void)state;
    OPEN(c, {"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", 0, HK_KEEP});
    static const int accept[] = {404};
    c.request.accept = accept;
    c.request.accept_count = 1;
    run(&c);
    expect_body(&c, "none");
    assert_int_equal(c.got.status, 404);
    close_client(&c);
}

static void retry_after_is_obeyed(void **state)
{
    (void)state;
    OPEN(c, {SLOW_DOWN("20"), 0, HK_KEEP}, {OK_HELLO, 0, HK_KEEP});
    int64_t waited = run(&c);
    expect_body(&c, "hello");
    assert_in_range(waited, 20000, 21500);
    close_client(&c);
}

static void junk_and_past_retry_after_still_back_off(void **state)
{
    (void)state;
    OPEN(c, {SLOW_DOWN("soon"), 0, HK_KEEP}, {SLOW_DOWN("-5"), 0, HK_KEEP},
         {SLOW_DOWN("Sun, 06 Nov 1994 08:49:37 GMT"), 0, HK_KEEP}, {OK_HELLO, 0, HK_KEEP});
    run(&c);
    expect_body(&c, "hello");
    assert_int_equal(c.got.attempts, 4);
    close_client(&c);
}

static void a_year_is_not_waited(void **state)
{
    (void)state;
    OPEN(c, {SLOW_DOWN("31536000"), 0, HK_KEEP});
    run(&c);
    expect_error(&c, EH_CLASS_THROTTLED, "asks for a longer wait");
    assert_int_equal(c.got.attempts, 1);
    assert_int_equal(c.got.err.retry_after_ms, (int64_t)24 * 3600 * 1000);
    close_client(&c);
}

static void one_deadline_for_all_attempts(void **state)
{
    (void)state;
    OPEN(c, {SLOW_DOWN("20"), 0, HK_KEEP});
    c.request.http.deadline_ms = 15000;
    run(&c);
    expect_error(&c, EH_CLASS_THROTTLED, "the deadline is over");
    assert_int_equal(c.got.err.retry_after_ms, 20000);
    close_client(&c);
}

static void a_rate_spreads_requests(void **state)
{
    (void)state;
    OPEN(c, {OK_HELLO, 0, HK_KEEP});
    c.request.rate = "2/s";
    c.request.credential = "k";
    const eh_fetch_done done = {&c.got, on_count};
    eh_err err = {.class_ = EH_OK};
    for (int i = 0; i < 5; i++)
        assert_non_null(eh_fetch_start(c.fetcher, &c.request, &done, &err));
    c.wanted = 5;
    /* The last of five is due at 2.0 s. */
    assert_in_range(finish(&c), 2000, 2600);
    assert_int_equal(atomic_load(&c.server->requests), 5);
    close_client(&c);
}

static bool fill_in(void *self, unsigned attempt, eh_http_request *request, eh_err *err)
{
    client *c = self;
    static const eh_http_header old = {{"Authorization", 13}, {"Bearer old", 10}},
                                new = {{"Authorization", 13}, {"Bearer new", 10}};
    c->prepared++;
    request->headers = attempt == 1 ? &old : &new;
    request->header_count = 1;
    return attempt < 3 || eh_fail(err, EH_CLASS_AUTH, "no token for hush");
}

static void each_attempt_is_prepared(void **state)
{
    (void)state;
    OPEN(c, {BUSY(""), 0, HK_KEEP});
    c.request.prepare = fill_in;
    c.request.prepare_self = &c;
    run(&c);
    expect_error(&c, EH_CLASS_AUTH, "no token for ***");
    assert_int_equal(c.prepared, 3);
    assert_non_null(strstr(c.server->request[0], "Authorization: Bearer old\r\n"));
    assert_non_null(strstr(c.server->request[1], "Authorization: Bearer new\r\n"));
    close_client(&c);
}

static void what_is_refused_is_not_tried_again(void **state)
{
    (void)state;
    OPEN(c, {OK_HELLO, 0, HK_KEEP});
    c.rules.allow_private_count = 0;
    c.rules.allow_plain = true;
    run(&c);
    expect_error(&c, EH_CLASS_DENIED, "a loopback address: refused");
    assert_int_equal(c.got.attempts, 1);
    c.hosts[0] = "api.example.com";
    run(&c);
    expect_error(&c, EH_CLASS_DENIED, "is not a host that this source may speak to");
    assert_int_equal(atomic_load(&c.server->connections), 0);
    close_client(&c);
}

static void a_window_holds_the_sender(void **state)
{
    (void)state;
    static char big[4 * 1024 * 1024];
    int head = snprintf(big, sizeof big, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                        sizeof big - 200);
    const size_t body = sizeof big - 200;
    OPEN(c, {big, (size_t)head + body, HK_KEEP});
    const eh_fetch_done done = {&c.got, on_done};
    eh_err err = {.class_ = EH_OK};
    c.request.window = 100 * 1024;
    eh_fetch *fetch = eh_fetch_start(c.fetcher, &c.request, &done, &err);
    eh_body *held = eh_body_hold(eh_fetch_body(fetch));
    uint64_t at = 0, most = 0;
    static char piece[65536];
    while (at < body) {
        size_t got = 0;
        assert_true(eh_body_read(held, at, piece, sizeof piece, &got, &err));
        if (got == 0) assert_true(eh_loop_turn(c.loop, 1000, &err));
        if (eh_body_size(held) - at > most) most = eh_body_size(held) - at;
        at += got;
        eh_body_release_before(held, at);
    }
    /* Never more than the window and what was on its way; so no spool was needed. */
    assert_in_range(most, 1, 100 * 1024 + 256 * 1024);
    while (c.got.dones == 0) assert_true(eh_loop_turn(c.loop, 1000, &err));
    assert_int_equal(c.got.err.class_, EH_OK);
    eh_body_free(held);
    close_client(&c);
}

static void on_head_of(void *self, eh_fetch *fetch)
{
    outcome *o = self;
    assert_int_equal(eh_fetch_answer(fetch)->status, 200);
    o->heads++;
}

/* Who was told of an answer has that one or none; how long its body may take is another matter
 * than when it must begin. */
static void an_answer_that_was_told_of_is_not_begun_again(void **state)
{
    (void)state;
    OPEN(c, {BUSY(""), 0, HK_KEEP},
         {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", 0, HK_STALL});
    c.request.head = on_head_of;
    c.request.http.deadline_ms = 15000;
    c.request.deadline_to_head = true;
    assert_in_range(run(&c), 60000, 75000);
    expect_error(&c, EH_CLASS_TRANSIENT, "nothing came for 60000 ms");
    assert_non_null(strstr(c.got.err.message, "not tried again: a part of it was used"));
    assert_int_equal(c.got.heads, 1);
    assert_int_equal(c.got.attempts, 2);
    close_client(&c);
}

static void a_deadline_may_hold_for_the_body(void **state)
{
    (void)state;
    OPEN(c, {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", 0, HK_STALL});
    c.request.head = on_head_of;
    c.request.http.deadline_ms = 15000;
    assert_in_range(run(&c), 14000, 17000);
    expect_error(&c, EH_CLASS_TRANSIENT, "was not complete within");
    assert_int_equal(c.got.heads, 1);
    close_client(&c);
}

static void a_cancelled_fetch_leaves_a_failed_body(void **state)
{
    (void)state;
    OPEN(c, {BUSY(""), 0, HK_STALL});
    const eh_fetch_done done = {&c.got, on_done};
    eh_err err = {.class_ = EH_OK};
    eh_fetch *fetch = eh_fetch_start(c.fetcher, &c.request, &done, &err);
    eh_body *held = eh_body_hold(eh_fetch_body(fetch));
    while (atomic_load(&c.server->requests) == 0) assert_true(eh_loop_turn(c.loop, 10, &err));
    eh_fetch_cancel(fetch);
    assert_int_equal(eh_body_state_of(held), EH_BODY_FAILED);
    assert_int_equal(c.got.dones, 0);
    eh_body_free(held);
    close_client(&c);
}

static void rates(void **state)
{
    (void)state;
    eh_fetch_rate_rule rule;
    eh_err err = {.class_ = EH_OK};
    assert_true(eh_fetch_rate("10/s", &rule, &err));
    assert_int_equal(rule.burst, 1);
    assert_int_equal(rule.interval_us, 111112);
    assert_true(eh_fetch_rate("5000/h", &rule, &err));
    assert_int_equal(rule.burst, 500);
    assert_int_equal(rule.interval_us, 800000);
    assert_true(eh_fetch_rate("1/d", &rule, &err));
    assert_int_equal(rule.interval_us, (int64_t)86400 * 1000000);
    static const char *const wrong[] = {
        "",      "10",   "10/",   "0/s", "-1/s",
        "1.5/s", "10/x", "10/ss", "/s",  "99999999999999999999/s",
        "10 /s"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        eh_err_clear(&err);
        assert_false(eh_fetch_rate(wrong[i], &rule, &err));
        assert_int_equal(err.class_, EH_CLASS_CONFIG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_that_passes_is_not_seen),
        cmocka_unit_test(the_error_names_everything_but_the_secret),
        cmocka_unit_test(attempts_end),
        cmocka_unit_test(a_post_is_not_repeated),
        cmocka_unit_test(statuses_that_are_wanted),
        cmocka_unit_test(retry_after_is_obeyed),
        cmocka_unit_test(junk_and_past_retry_after_still_back_off),
        cmocka_unit_test(a_year_is_not_waited),
        cmocka_unit_test(one_deadline_for_all_attempts),
        cmocka_unit_test(a_rate_spreads_requests),
        cmocka_unit_test(each_attempt_is_prepared),
        cmocka_unit_test(what_is_refused_is_not_tried_again),
        cmocka_unit_test(a_window_holds_the_sender),
        cmocka_unit_test(an_answer_that_was_told_of_is_not_begun_again),
        cmocka_unit_test(a_deadline_may_hold_for_the_body),
        cmocka_unit_test(a_cancelled_fetch_leaves_a_failed_body),
        cmocka_unit_test(rates),
    };
    return cmocka_run_group_tests_name("fetch", tests, NULL, NULL);
}
