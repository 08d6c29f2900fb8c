/* URLs: what is refused, what they become, what they are joined to, and whom a source may speak
 * to. */
#include "io/url.h"

#include "io/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void what_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *normal, *host;
        uint16_t port;
        bool https, literal;
    } cases[] = {
        {"https://api.x.com", "https://api.x.com/", "api.x.com", 443, true, false},
        {"HTTPS://API.X.com:443/A?b=C#frag", "https://api.x.com/A?b=C", "api.x.com", 443, true,
         false},
        {"http://api.x.com:8080/", "http://api.x.com:8080/", "api.x.com", 8080, false, false},
        {"https://api.x.com./a", "https://api.x.com/a", "api.x.com", 443, true, false},
        {"https://api.x.com:8443", "https://api.x.com:8443/", "api.x.com", 8443, true, false},
        {"https://x.com/a/../b/./c", "https://x.com/a/../b/./c", "x.com", 443, true, false},
        {"https://x.com/a%20b?q=%26", "https://x.com/a%20b?q=%26", "x.com", 443, true, false},
        {"https://x.com/k\303\274?q=\303\274", "https://x.com/k%c3%bc?q=%c3%bc", "x.com", 443,
         true, false},
        {"https://xn--mnchen-3ya.example/", "https://xn--mnchen-3ya.example/",
         "xn--mnchen-3ya.example", 443, true, false},
        {"https://x.com?a=1", "https://x.com/?a=1", "x.com", 443, true, false},
        {"https://x.com/p?t={{secret:1:a.b}}", "https://x.com/p?t={{secret:1:a.b}}", "x.com",
         443, true, false},
        {"http://[0:0:0::01]/", "http://[::1]/", "::1", 80, false, true},
        /* However an address is spelled, it is seen to be one. */
        {"http://127.0.0.1:8080/", "http://127.0.0.1:8080/", "127.0.0.1", 8080, false, true},
        {"http://127.1/", "http://127.0.0.1/", "127.0.0.1", 80, false, true},
        {"http://2130706433/", "http://127.0.0.1/", "127.0.0.1", 80, false, true},
        {"http://0x7f000001/", "http://127.0.0.1/", "127.0.0.1", 80, false, true},
        {"http://0177.0.0.1/", "http://127.0.0.1/", "127.0.0.1", 80, false, true},
        {"http://0x7f.1/", "http://127.0.0.1/", "127.0.0.1", 80, false, true},
        {"http://[::1]:9/", "http://[::1]:9/", "::1", 9, false, true},
        {"http://[::FFFF:127.0.0.1]/", "http://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1", 80,
         false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        eh_url url;
        eh_err err = {.class_ = EH_OK};
        if (!eh_url_parse(cases[i].text, &url, &err))
            fail_msg("%s: %s", cases[i].text, err.message);
        assert_string_equal(url.text, cases[i].normal);
        assert_string_equal(url.host, cases[i].host);
        assert_int_equal(url.port, cases[i].port);
        assert_int_equal(url.https, cases[i].https);
        assert_int_equal(url.literal, cases[i].literal);
        /* Normal is normal: read again, it stays what it is. */
        eh_url again;
        assert_true(eh_url_parse(url.text, &again, &err));
        assert_string_equal(again.text, url.text);
        assert_true(eh_url_same_origin(&url, &again));
        eh_url_free(&again);
        eh_url_free(&url);
        eh_url_free(&url);
    }
}

static void what_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "x",
        "/path",
        "x.com/path",
        "//x.com/path",
        "ftp://x.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "unix:///run/docker.sock",
        "javascript:alert(1)",
        "https://",
        "https:///path",
        "https://?a",
        "https://me@x.com/",
        "https://me:w0rd@x.com/",
        "https://@x.com/",
        "https://:@x.com/",
        "https://x.com:w0rd@evil.example/",
        "https://x.com\\@evil.example/",
        "https://x.com:0/",
        "https://x.com:65536/",
        "https://x.com:port/",
        "https://x.com:-1/",
        "https://x.com/a b",
        "https://x.com/a\r\nHost: y",
        "https://x.com/a\tb",
        "https://x.com/\x01",
        "https://x.com/\x7f",
        "https://x .com/",
        "https://x%00.com/",
        "https://x%0a.com/",
        "https://x%2fy.com/",
        "https://x;y.com/",
        "https://x,y.com/",
        "https://[::1/",
        "https://[::1%25lo]/",
        "https://[fe80::1%25eth0]/",
        "https://[v1.x]/",
        "https://[127.0.0.1]/",
        "https://./",
        "https:/x.com/",
        "https://m\303\274nchen.example/",
        "https://*/",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        eh_url url;
        eh_err err = {.class_ = EH_OK};
        if (eh_url_parse(wrong[i], &url, &err)) fail_msg("%s became %s", wrong[i], url.text);
        assert_int_equal(err.class_, EH_CLASS_CONFIG);
        assert_null(url.text);
        /* Secrets stand in URLs. */
        assert_null(strstr(err.message, "w0rd"));
    }
    static char large[70000];
    memset(large, 'a', sizeof large - 1);
    memcpy(large, "https://x.com/", 14);
    eh_url url;
    assert_false(eh_url_parse(large, &url, NULL));
}

static void what_is_joined(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"/next?page=2", "https://api.x.com/next?page=2"},
        {"?page=2", "https://api.x.com/v1/list?page=2"},
        {"next", "https://api.x.com/v1/next"},
        {"../up", "https://api.x.com/up"},
        {"../../../up", "https://api.x.com/up"},
        {"./a/./b", "https://api.x.com/v1/a/b"},
        {"//other.com/x", "https://other.com/x"},
        {"http://other.com/x", "http://other.com/x"},
        {"https://OTHER.com:443", "https://other.com/"},
        {"/a b?q=c d", "https://api.x.com/a%20b?q=c+d"},
        {"#frag", "https://api.x.com/v1/list?page=1"},
        {"", "https://api.x.com/v1/list?page=1"},
    };
    eh_url base;
    eh_err err = {.class_ = EH_OK};
    assert_true(eh_url_parse("https://api.x.com/v1/list?page=1", &base, &err));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        eh_url url;
        if (!eh_url_join(&base, cases[i][0], &url, &err))
            fail_msg("%s: %s", cases[i][0], err.message);
        if (strcmp(url.text, cases[i][1]) != 0)
            fail_msg("\"%s\" became %s", cases[i][0], url.text);
        eh_url_free(&url);
    }
    static const char *const wrong[] = {
        "ftp://x.com/", "https://me@x.com/", "file:///etc/passwd", "//",
        "https://",     "/a\r\nX: y",        "javascript:alert(1)"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        eh_url url;
        eh_err_clear(&err);
        if (eh_url_join(&base, wrong[i], &url, &err))
            fail_msg("%s became %s", wrong[i], url.text);
        assert_int_equal(err.class_, EH_CLASS_REMOTE);
    }
    eh_url_free(&base);
}

static void what_matches(void **state)
{
    (void)state;
    static const struct {
        const char *url, *pattern;
        bool matches;
    } cases[] = {
        {"https://api.x.com/", "api.x.com", true},
        {"https://api.x.com/", "API.X.COM", true},
        {"https://api.x.com/", "api.x.com.", true},
        {"https://api.x.com./", "api.x.com", true},
        {"http://api.x.com/", "api.x.com", true}, /* its port; the scheme is judged apart */
        {"https://api.x.com:8443/", "api.x.com", false},
        {"https://api.x.com:8443/", "api.x.com:8443", true},
        {"https://api.x.com/", "api.x.com:443", true},
        {"https://api.x.com/", "api.x.com:8443", false},
        {"https://api.x.com/", "*.x.com", true},
        {"https://a.b.x.com/", "*.x.com", true},
        {"https://x.com/", "*.x.com", false},
        {"https://evilx.com/", "*.x.com", false},
        {"https://api.x.com.evil.example/", "api.x.com", false},
        {"https://api.x.com.evil.example/", "*.x.com", false},
        {"https://xapi.x.com/", "api.x.com", false},
        {"https://x.com/", "*", false},
        {"https://x.com/", "*.", false},
        {"https://x.com/", "*.*", false},
        {"https://x.com/", "", false},
        {"https://x.com/", "https://x.com/v1", true},
        {"https://x.com:8443/", "https://x.com/v1", false},
        {"https://x.com:8443/", "https://x.com:8443", true},
        {"http://127.0.0.1:80/", "127.0.0.1", true},
        {"http://127.0.0.1:81/", "127.0.0.1", false},
        {"http://127.1:81/", "127.0.0.1:81", true},
        {"http://[::1]:81/", "[::1]:81", true},
        {"http://[::1]/", "[::1]", true},
        {"http://[::1]/", "::1", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        eh_url url;
        assert_true(eh_url_parse(cases[i].url, &url, NULL));
        if (eh_url_matches(&url, cases[i].pattern) != cases[i].matches)
            fail_msg("%s and %s", cases[i].url, cases[i].pattern);
        eh_url_free(&url);
    }
}

static const char *judge(const char *text, const eh_http_rules *rules)
{
    static eh_err err;
    eh_url url;
    eh_err_clear(&err);
    assert_true(eh_url_parse(text, &url, &err));
    bool allowed = eh_url_allowed(&url, rules, &err);
    eh_url_free(&url);
    if (!allowed) assert_int_equal(err.class_, EH_CLASS_DENIED);
    return allowed ? NULL : err.message;
}

static void who_may_be_spoken_to(void **state)
{
    (void)state;
    const char *hosts[] = {"api.x.com", "127.0.0.1", "10.0.0.1:8080", "93.184.216.34"};
    const char *private_[] = {"127.0.0.1:9000"};
    eh_http_rules rules = {
        .hosts = hosts, .host_count = 4, .allow_private = private_, .allow_private_count = 1};
    assert_null(judge("https://api.x.com/", &rules));
    assert_null(judge("https://93.184.216.34/", &rules));
    assert_non_null(strstr(judge("https://93.184.216.35/", &rules), "is not a host"));
    assert_non_null(strstr(judge("https://evil.example/", &rules), "is not a host"));
    assert_non_null(strstr(judge("https://api.x.com:22/", &rules), "port 22"));
    assert_non_null(strstr(judge("http://api.x.com/", &rules), "http:"));
    /* An address that the operator opened needs neither its port nor TLS to be named again. */
    assert_null(judge("http://127.0.0.1:9000/", &rules));
    assert_null(judge("http://127.1:9000/", &rules));
    assert_non_null(strstr(judge("http://127.0.0.1:9001/", &rules), "port 9001"));
    assert_non_null(strstr(judge("http://10.0.0.1:8080/", &rules), "http:"));
    rules.allow_plain = true;
    assert_null(judge("http://api.x.com/", &rules));
    rules.host_count = 0;
    assert_non_null(judge("http://127.0.0.1:9000/", &rules));
}

static void what_is_encoded(void **state)
{
    (void)state;
    eh_buf out;
    eh_buf_init(&out, 1000);
    assert_true(eh_url_encode(&out, eh_slice_str("aZ0-._~ /?&=+%\303\274\n"), NULL));
    assert_string_equal(eh_buf_cstr(&out), "aZ0-._~%20%2F%3F%26%3D%2B%25%C3%BC%0A");
    eh_buf_free(&out);
    eh_buf_init(&out, 2);
    assert_false(eh_url_encode(&out, eh_slice_str("&&"), NULL));
    eh_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read),         cmocka_unit_test(what_is_refused),
        cmocka_unit_test(what_is_joined),       cmocka_unit_test(what_matches),
        cmocka_unit_test(who_may_be_spoken_to), cmocka_unit_test(what_is_encoded),
    };
    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
