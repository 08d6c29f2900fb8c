/* Whom the HTTP client speaks to: redirects, addresses, proxies. */
#include "http_client.h"

#include "io/address.h"

/* ---- redirects ----------------------------------------------------------------------------
 */

#define MOVED(status, to)                                                                      \
    "HTTP/1.1 " status " Moved\r\nLocation: " to "\r\nContent-Length: 4\r\n\r\ngone"

static void redirects_are_followed(void **state)
{
    (void)state;
    OPEN(c, {MOVED("301", "/two?a=1"), 0, HK_KEEP}, {MOVED("308", "three"), 0, HK_KEEP},
         {FINE, 0, HK_KEEP});
    const eh_http_header header = {{"X-Key", 5}, {"k", 1}};
    c.request.headers = &header;
    c.request.header_count = 1;
    expect_body(&c, "hello");
    assert_int_equal(c.got.redirects, 2);
    assert_int_equal(c.got.heads, 1);
    assert_non_null(strstr(c.got.url, "/three"));
    hk_stop(c.server);
    assert_int_equal(strncmp(c.server->request[1], "GET /two?a=1 ", 13), 0);
    /* The same host: it may have what is meant for it; and the connection was kept. */
    assert_non_null(strstr(c.server->request[2], "X-Key: k\r\n"));
    assert_int_equal(atomic_load(&c.server->connections), 1);
    close_client(&c);
}

static void redirects_end(void **state)
{
    (void)state;
    OPEN(c, {MOVED("302", "/again"), 0, HK_KEEP});
    expect_error(&c, EH_CLASS_REMOTE, "more than 5 redirects");
    assert_int_equal(atomic_load(&c.server->requests), 6);
    c.request.max_redirects = 1;
    expect_error(&c, EH_CLASS_REMOTE, "more than 1 redirects");
    c.request.no_redirects = true;
    fetch(&c);
    assert_int_equal(c.got.err.class_, EH_OK);
    assert_int_equal(c.got.status, 302);
    assert_int_equal(c.got.body.len, 4);
    close_client(&c);
}

static void where_a_redirect_may_not_lead(void **state)
{
    (void)state;
    static const char *const to[] = {"https://evil.example/", "http://169.254.169.254/latest",
                                     "http://127.0.0.1:1/",   "ftp://127.0.0.1/",
                                     "file:///etc/passwd",    "http://me:w0rd@127.0.0.1/",
                                     "//evil.example/x",      "http://0/"};
    for (size_t i = 0; i < sizeof to / sizeof to[0]; i++) {
        char answer[256];
        (void)snprintf(answer, sizeof answer,
                       "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                       to[i]);
        OPEN(c, {answer, 0, HK_KEEP});
        fetch(&c);
        if (c.got.err.class_ != EH_CLASS_DENIED && c.got.err.class_ != EH_CLASS_REMOTE)
            fail_msg("%s: %s", to[i], c.got.err.message);
        assert_int_equal(atomic_load(&c.server->requests), 1);
        close_client(&c);
    }
}

static void a_post_becomes_a_get_only_where_declared(void **state)
{
    (void)state;
    OPEN(c, {MOVED("303", "/seen"), 0, HK_KEEP}, {MOVED("303", "/seen"), 0, HK_KEEP},
         {FINE, 0, HK_KEEP}, {MOVED("307", "/seen"), 0, HK_KEEP}, {FINE, 0, HK_KEEP});
    c.request.method = "POST";
    c.request.body = eh_slice_str("a=1");
    expect_error(&c, EH_CLASS_DENIED, "turn the request into a GET");
    c.request.redirect_to_get = true;
    expect_body(&c, "hello");
    expect_body(&c, "hello");
    hk_stop(c.server);
    assert_int_equal(strncmp(c.server->request[2], "GET /seen ", 10), 0);
    assert_null(strstr(c.server->request[2], "a=1"));
    assert_int_equal(strncmp(c.server->request[4], "POST /seen ", 11), 0);
    assert_non_null(strstr(c.server->request[4], "\r\n\r\na=1"));
    close_client(&c);
}

static void a_body_stays_with_its_host(void **state)
{
    (void)state;
    OPEN(other, {FINE, 0, HK_KEEP});
    char answer[256];
    (void)snprintf(answer, sizeof answer,
                   "HTTP/1.1 307 Moved\r\nLocation: http://%s/x\r\nContent-Length: 0\r\n\r\n",
                   other.server->address);
    const hk_answer moved = {answer, 0, HK_KEEP};
    client c;
    open_client(&c, &moved, 1);
    c.hosts[1] = c.open[1] = other.server->address;
    c.rules.host_count = c.rules.allow_private_count = 2;
    c.request.method = "POST";
    c.request.body = eh_slice_str("secret=1");
    expect_error(&c, EH_CLASS_DENIED, "send the body to another host");
    assert_int_equal(atomic_load(&other.server->connections), 0);
    close_client(&c);
    close_client(&other);
}

/* ---- where no connection is made ----------------------------------------------------------
 */

static void no_connection_to_what_is_refused(void **state)
{
    (void)state;
    OPEN(c, {FINE, 0, HK_KEEP});
    char url[128], port[64];
    (void)snprintf(port, sizeof port, "localhost:%d", c.server->port);
    (void)snprintf(url, sizeof url, "http://%s/", port);
    /* A name that leads inside. */
    c.hosts[0] = port;
    c.request.url = url;
    c.rules.allow_plain = true;
    c.rules.allow_private_count = 0;
    expect_error(&c, EH_CLASS_DENIED, "a loopback address: refused");
    assert_non_null(strstr(c.got.err.hint, "allow_private"));
    /* The operator opened it; but it is the destination. */
    struct sockaddr_storage destination;
    assert_true(eh_address_parse(c.server->address, &destination, NULL));
    c.open[0] = c.server->address;
    c.rules.allow_private_count = 1;
    c.rules.forbidden = &destination;
    c.rules.forbidden_count = 1;
    expect_error(&c, EH_CLASS_DENIED, "the destination's own address");
    assert_int_equal(atomic_load(&c.server->connections), 0);
    c.rules.forbidden_count = 0;
    expect_body(&c, "hello");
    close_client(&c);
}

static void the_environment_names_no_proxy(void **state)
{
    (void)state;
    OPEN(c, {FINE, 0, HK_KEEP});
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    assert_int_equal(setenv("ALL_PROXY", "http://127.0.0.1:1", 1), 0);
    expect_body(&c, "hello");
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_int_equal(unsetenv("ALL_PROXY"), 0);
    close_client(&c);
}

/* ~/.netrc has credentials for whom it names; they are not for our requests. */
static void nobody_reads_netrc(void **state)
{
    (void)state;
    char folder[] = "/tmp/eh_netrc.XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/.netrc", folder);
    FILE *file = fopen(path, "w");
    assert_true(file != NULL &&
                fputs("machine 127.0.0.1 login me password word\n", file) >= 0 &&
                fclose(file) == 0);
    char *home = strdup(getenv("HOME") != NULL ? getenv("HOME") : "/");
    assert_int_equal(setenv("HOME", folder, 1), 0);
    OPEN(c, {FINE, 0, HK_KEEP});
    expect_body(&c, "hello");
    hk_stop(c.server);
    assert_null(strcasestr(c.server->request[0], "authorization"));
    close_client(&c);
    assert_int_equal(setenv("HOME", home, 1), 0);
    free(home);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void a_proxy_that_is_configured_is_used(void **state)
{
    (void)state;
    OPEN(c, {FINE, 0, HK_KEEP});
    char proxy[64];
    (void)snprintf(proxy, sizeof proxy, "http://%s", c.server->address);
    c.hosts[0] = "api.example.com";
    c.request.url = "http://api.example.com/x";
    c.rules.allow_plain = true;
    c.rules.allow_private_count = 0;
    c.rules.proxy = proxy;
    assert_int_equal(setenv("no_proxy", "*", 1), 0);
    expect_body(&c, "hello");
    assert_int_equal(unsetenv("no_proxy"), 0);
    hk_stop(c.server);
    assert_int_equal(strncmp(c.server->request[0], "GET http://api.example.com/x ", 29), 0);
    close_client(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redirects_are_followed),
        cmocka_unit_test(redirects_end),
        cmocka_unit_test(where_a_redirect_may_not_lead),
        cmocka_unit_test(a_post_becomes_a_get_only_where_declared),
        cmocka_unit_test(a_body_stays_with_its_host),
        cmocka_unit_test(no_connection_to_what_is_refused),
        cmocka_unit_test(the_environment_names_no_proxy),
        cmocka_unit_test(nobody_reads_netrc),
        cmocka_unit_test(a_proxy_that_is_configured_is_used),
    };
    return cmocka_run_group_tests_name("http rules", tests, NULL, NULL);
}
