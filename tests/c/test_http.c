/* The HTTP client on the loop: what is sent, connections, flow, time, headers. What broken
 * servers do to it is in test_http_faults.c, whom it may speak to in test_http_rules.c. */
#include "http_client.h"

/* ---- what is complete ---------------------------------------------------------------------
 */

static void a_straight_get(void **state)
{
    (void)state;
    OPEN(c, {HEAD "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello", 0, HK_KEEP});
    expect_body(&c, "hello");
    assert_string_equal(c.got.type, "text/plain");
    assert_string_equal(c.got.address, "127.0.0.1");
    assert_int_equal(c.got.version, 11);
    assert_false(c.got.ends_by_close);
    assert_int_equal(c.got.stored, 5);
    close_client(&c);
}

static void a_cut_body_is_an_error(void **state)
{
    (void)state;
    OPEN(c, {HEAD "Content-Length: 50\r\n\r\nhello", 0, HK_CLOSE});
    expect_error(&c, EH_CLASS_TRANSIENT, "");
    assert_int_equal(c.got.stored, 5);
    close_client(&c);
}

static void a_connection_is_kept(void **state)
{
    (void)state;
    OPEN(c, {HEAD "Content-Length: 5\r\n\r\nhello", 0, HK_KEEP},
         {HEAD
          "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nX: trailer\r\n\r\n",
          0, HK_KEEP},
         {HEAD "\r\nhello", 0, HK_CLOSE});
    expect_body(&c, "hello");
    assert_false(c.got.reused);
    expect_body(&c, "hello");
    assert_true(c.got.reused);
    expect_body(&c, "hello");
    assert_true(c.got.ends_by_close);
    assert_int_equal(atomic_load(&c.server->connections), 1);
    close_client(&c);
}

static void sources_share_no_connection(void **state)
{
    (void)state;
    OPEN(c, {HEAD "Set-Cookie: a=1\r\nContent-Length: 5\r\n\r\nhello", 0, HK_KEEP});
    eh_http_rules other = c.rules;
    expect_body(&c, "hello");
    expect_body(&c, "hello");
    c.request.rules = &other;
    expect_body(&c, "hello");
    assert_false(c.got.reused);
    hk_stop(c.server);
    assert_int_equal(atomic_load(&c.server->connections), 2);
    /* And no cookie. */
    assert_null(strstr(c.server->request[0], "Cookie:"));
    assert_non_null(strstr(c.server->request[1], "Cookie: a=1\r\n"));
    assert_null(strstr(c.server->request[2], "Cookie:"));
    close_client(&c);
}

static void requests_wait_their_turn(void **state)
{
    (void)state;
    OPEN(c, {HEAD "Content-Length: 5\r\n\r\nhello", 0, HK_KEEP});
    c.rules.max_connections = 2;
    got many[7];
    const eh_http_sink none = {NULL, on_head, on_body, on_done};
    for (size_t i = 0; i < 7; i++) {
        eh_http_sink sink = none;
        many[i] = (got){0};
        eh_buf_init(&many[i].body, 100);
        sink.self = &many[i];
        many[i].transfer = eh_http_start(c.http, &c.request, &sink, NULL);
        assert_non_null(many[i].transfer);
    }
    /* One that waits can be given up. */
    eh_http_cancel(many[6].transfer);
    for (size_t i = 0; i < 6; i++) {
        while (many[i].dones == 0) turn(&c);
        assert_int_equal(many[i].err.class_, EH_OK);
        assert_int_equal(many[i].body.len, 5);
        eh_buf_free(&many[i].body);
    }
    assert_int_equal(many[6].dones, 0);
    assert_in_range(atomic_load(&c.server->connections), 1, 2);
    assert_int_equal(atomic_load(&c.server->requests), 6);
    close_client(&c);
}

/* ---- what is sent -------------------------------------------------------------------------
 */

static void what_is_asked_for(void **state)
{
    (void)state;
    OPEN(c, {HEAD "Content-Length: 0\r\n\r\n", 0, HK_KEEP});
    const eh_http_header headers[] = {{{"X-Key", 5}, {"k", 1}}, {{"X-Empty", 7}, {"", 0}}};
    c.request.headers = headers;
    c.request.header_count = 2;
    expect_body(&c, "");
    c.request.method = "POST";
    c.request.body = eh_slice_str("{\"a\":1}");
    expect_body(&c, "");
    c.request.method = "DELETE";
    c.request.body = eh_slice_str("");
    c.request.as_stored = true;
    expect_body(&c, "");
    c.request.method = "PUT";
    expect_body(&c, "");
    c.request.method = "HEAD";
    fetch(&c);
    assert_int_equal(c.got.err.class_, EH_OK);
    hk_stop(c.server);
    char want[512];
    (void)snprintf(want, sizeof want,
                   "GET /data HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\nX-Key: k\r\nX-Empty:\r\n"
                   "User-Agent: etlhost\r\nAccept-Encoding: gzip, zstd, br\r\n\r\n",
                   c.server->address);
    assert_string_equal(c.server->request[0], want);
    const char *post = c.server->request[1];
    assert_int_equal(strncmp(post, "POST /data ", 11), 0);
    assert_non_null(strstr(post, "\r\nContent-Length: 7\r\n"));
    assert_null(strstr(post, "Content-Type"));
    assert_null(strstr(post, "Expect"));
    assert_non_null(strstr(post, "\r\n\r\n{\"a\":1}"));
    assert_int_equal(strncmp(c.server->request[2], "DELETE /data ", 13), 0);
    assert_non_null(strstr(c.server->request[2], "\r\nAccept-Encoding: identity\r\n"));
    assert_non_null(strstr(c.server->request[3], "\r\nContent-Length: 0\r\n"));
    assert_int_equal(strncmp(c.server->request[4], "HEAD /data ", 11), 0);
    /* A POST is never sent over a connection that may be dead. */
    assert_int_equal(atomic_load(&c.server->connections), 2);
    close_client(&c);
}

static void what_cannot_be_asked_for(void **state)
{
    (void)state;
    OPEN(c, {HEAD "Content-Length: 0\r\n\r\n", 0, HK_KEEP});
    static const eh_http_header wrong[] = {
        {{"Host", 4}, {"evil.example", 12}},
        {{"content-length", 14}, {"5", 1}},
        {{"Transfer-Encoding", 17}, {"chunked", 7}},
        {{"Connection", 10}, {"close", 5}},
        {{"X Y", 3}, {"v", 1}},
        {{"X:Y", 3}, {"v", 1}},
        {{"", 0}, {"v", 1}},
        {{"X", 1}, {"v\r\nHost: evil", 13}},
        {{"X", 1}, {"v\0w", 3}},
        {{"X\r\nY", 4}, {"v", 1}},
    };
    const eh_http_sink sink = {&c.got, on_head, on_body, on_done};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        eh_err err = {.class_ = EH_OK};
        c.request.headers = &wrong[i];
        c.request.header_count = 1;
        assert_null(eh_http_start(c.http, &c.request, &sink, &err));
        assert_int_equal(err.class_, EH_CLASS_CONFIG);
    }
    c.request.header_count = 0;
    static const char *const methods[] = {"",        "GET /x HTTP/1.1\r\nX: y\r\n\r\nGET",
                                          "CONNECT", "TRACE",
                                          "G T",     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        c.request.method = methods[i];
        assert_null(eh_http_start(c.http, &c.request, &sink, NULL));
    }
    assert_int_equal(atomic_load(&c.server->connections), 0);
    close_client(&c);
}

/* ---- flow ---------------------------------------------------------------------------------
 */

enum { BIG = 3 * 1024 * 1024 };
static char big[BIG + 200];

static size_t make_big(void)
{
    int head = snprintf(big, 200, HEAD "Content-Length: %d\r\n\r\n", (int)BIG);
    for (size_t i = 0; i < BIG; i++) big[(size_t)head + i] = (char)((i * 2654435761u) >> 11);
    return (size_t)head;
}

static void a_paused_body_comes_whole(void **state)
{
    (void)state;
    size_t head = make_big();
    OPEN(c, {big, head + BIG, HK_KEEP});
    c.got.pause_each = true;
    start(&c);
    while (c.got.dones == 0) {
        size_t before = c.got.body.len;
        eh_err err = {.class_ = EH_OK};
        assert_true(eh_loop_turn(c.loop, 100, &err));
        /* Nothing comes before it is asked for again, and never more than fits. */
        size_t after = c.got.body.len;
        assert_in_range(after - before, 0, 256 * 1024);
        if (c.got.dones == 0 && after > before) eh_http_resume(c.got.transfer);
    }
    assert_int_equal(c.got.err.class_, EH_OK);
    assert_int_equal(c.got.body.len, BIG);
    assert_memory_equal(c.got.body.data, big + head, BIG);
    close_client(&c);
}

static void nothing_comes_after_a_cancel(void **state)
{
    (void)state;
    size_t head = make_big();
    OPEN(c, {big, head + BIG, HK_KEEP}, {HEAD "Content-Length: 5\r\n\r\nhello", 0, HK_KEEP});
    c.got.cancel_in_body = true;
    start(&c);
    while (c.got.body.len == 0) turn(&c);
    size_t len = c.got.body.len;
    c.got.cancel_in_body = false;
    expect_body(&c, "hello");
    assert_in_range(len, 1, BIG - 1);
    /* At once, and NULL. */
    start(&c);
    eh_http_cancel(c.got.transfer);
    eh_http_cancel(NULL);
    assert_int_equal(c.got.dones, 0);
    /* And what is left when the client goes is freed with it. */
    start(&c);
    close_client(&c);
}

static void a_sink_can_refuse(void **state)
{
    (void)state;
    OPEN(c, {HEAD "Content-Length: 5\r\n\r\nhello", 0, HK_KEEP});
    c.got.refuse_head = true;
    expect_error(&c, EH_CLASS_SCRIPT, "not this");
    assert_int_equal(c.got.body.len, 0);
    close_client(&c);
}

/* ---- time ---------------------------------------------------------------------------------
 */

/* Turns until the request is there, then time passes. */
static void pass(client *c, size_t requests, int64_t ms)
{
    while (atomic_load(&c->server->requests) < requests) {
        eh_err err = {.class_ = EH_OK};
        assert_true(eh_loop_turn(c->loop, 10, &err));
    }
    c->time.ahead_us += ms * 1000;
    for (int i = 0; i < 3; i++) {
        eh_err err = {.class_ = EH_OK};
        assert_true(eh_loop_turn(c->loop, 0, &err));
    }
}

static void silence_ends(void **state)
{
    (void)state;
    OPEN(c, {HEAD "Content-Length: 50\r\n\r\nhello", 0, HK_STALL});
    start(&c);
    while (c.got.body.len == 0) turn(&c);
    pass(&c, 1, 59000);
    assert_int_equal(c.got.dones, 0);
    pass(&c, 1, 2000);
    assert_int_equal(c.got.dones, 1);
    assert_int_equal(c.got.err.class_, EH_CLASS_TRANSIENT);
    assert_non_null(strstr(c.got.err.message, "nothing came for 60000 ms"));
    close_client(&c);
}

static void next_to_nothing_ends(void **state)
{
    (void)state;
    OPEN(c, {HEAD "Content-Length: 50000\r\n\r\n", 0, HK_TRICKLE});
    start(&c);
    int bytes = 0;
    for (; c.got.dones == 0 && bytes < 20; bytes++) {
        size_t before = c.got.body.len;
        hk_poke(c.server);
        while (c.got.body.len == before) turn(&c);
        pass(&c, 1, 50000);
    }
    assert_in_range(bytes, 4, 6);
    assert_int_equal(c.got.err.class_, EH_CLASS_TRANSIENT);
    assert_non_null(strstr(c.got.err.message, "next to nothing came for 240000 ms"));
    close_client(&c);
}

static void a_paused_transfer_is_not_silent(void **state)
{
    (void)state;
    OPEN(c, {HEAD "Content-Length: 10\r\n\r\nhello", 0, HK_STALL});
    c.got.pause_each = true;
    start(&c);
    while (c.got.body.len == 0) turn(&c);
    pass(&c, 1, 3600 * 1000);
    assert_int_equal(c.got.dones, 0);
    eh_http_resume(c.got.transfer);
    pass(&c, 1, 61000);
    assert_int_equal(c.got.dones, 1);
    close_client(&c);
}

static void the_whole_has_a_deadline(void **state)
{
    (void)state;
    OPEN(c, {HEAD "Content-Length: 50\r\n\r\nhello", 0, HK_STALL});
    c.request.deadline_ms = 10000;
    start(&c);
    pass(&c, 1, 9000);
    assert_int_equal(c.got.dones, 0);
    pass(&c, 1, 1500);
    assert_int_equal(c.got.dones, 1);
    assert_non_null(strstr(c.got.err.message, "within 10000 ms"));
    close_client(&c);
}

/* ---- headers ------------------------------------------------------------------------------
 */

static void too_many_headers(void **state)
{
    (void)state;
    static char answer[16384];
    size_t at = (size_t)snprintf(answer, sizeof answer, HEAD "Content-Length: 0\r\n");
    for (int i = 0; i < 300; i++)
        at += (size_t)snprintf(answer + at, sizeof answer - at, "X-%d: y\r\n", i);
    (void)snprintf(answer + at, sizeof answer - at, "\r\n");
    OPEN(c, {answer, 0, HK_KEEP});
    expect_error(&c, EH_CLASS_LIMIT, "more than 256 headers");
    assert_int_equal(c.got.heads, 0);
    close_client(&c);
}

static void an_interim_answer_is_passed_over(void **state)
{
    (void)state;
    OPEN(c, {"HTTP/1.1 103 Early Hints\r\nContent-Type: text/wrong\r\nContent-Length: "
             "99\r\n\r\n" HEAD
             "content-TYPE:\ttext/x;\r\n  charset=y \r\nContent-Length: 5\r\n\r\nhello",
             0, HK_KEEP});
    expect_body(&c, "hello");
    assert_string_equal(c.got.type, "text/x; charset=y");
    close_client(&c);
}

static void large_answers_end_early(void **state)
{
    (void)state;
    OPEN(c, {HEAD "Content-Length: 1000\r\n\r\nhello", 0, HK_STALL},
         {HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 0, HK_STALL});
    c.request.max_bytes = 4;
    expect_error(&c, EH_CLASS_LIMIT, "larger than the limit of 4 bytes");
    assert_int_equal(c.got.bytes, 0);
    expect_error(&c, EH_CLASS_LIMIT, "larger than the limit of 4 bytes");
    close_client(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_straight_get),
        cmocka_unit_test(a_cut_body_is_an_error),
        cmocka_unit_test(a_connection_is_kept),
        cmocka_unit_test(sources_share_no_connection),
        cmocka_unit_test(requests_wait_their_turn),
        cmocka_unit_test(what_is_asked_for),
        cmocka_unit_test(what_cannot_be_asked_for),
        cmocka_unit_test(a_paused_body_comes_whole),
        cmocka_unit_test(nothing_comes_after_a_cancel),
        cmocka_unit_test(a_sink_can_refuse),
        cmocka_unit_test(silence_ends),
        cmocka_unit_test(next_to_nothing_ends),
        cmocka_unit_test(a_paused_transfer_is_not_silent),
        cmocka_unit_test(the_whole_has_a_deadline),
        cmocka_unit_test(too_many_headers),
        cmocka_unit_test(an_interim_answer_is_passed_over),
        cmocka_unit_test(large_answers_end_early),
    };
    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
