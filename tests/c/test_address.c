/* Which addresses a request may never reach, and how addresses are read and compared. */
#include "io/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <string.h>
#include <sys/un.h>

static struct sockaddr_storage make(const char *host, uint16_t port)
{
    struct sockaddr_storage out = {0};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
        memcpy(&out, &v4, sizeof v4);
    else if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
        memcpy(&out, &v6, sizeof v6);
    else
        fail_msg("%s is no address", host);
    return out;
}

static const char *refused(const char *host)
{
    struct sockaddr_storage address = make(host, 443);
    return eh_address_refused((struct sockaddr *)&address, sizeof address);
}

static void the_open_internet_is_open(void **state)
{
    (void)state;
    /* Also the neighbours of every network that is not. */
    static const char *const open[] = {"1.0.0.0",
                                       "9.255.255.255",
                                       "11.0.0.0",
                                       "93.184.216.34",
                                       "100.63.255.255",
                                       "100.128.0.0",
                                       "126.255.255.255",
                                       "128.0.0.0",
                                       "169.253.255.255",
                                       "169.255.0.0",
                                       "172.15.255.255",
                                       "172.32.0.0",
                                       "192.0.1.0",
                                       "192.0.3.0",
                                       "192.88.98.255",
                                       "192.88.100.0",
                                       "192.167.255.255",
                                       "192.169.0.0",
                                       "198.17.255.255",
                                       "198.20.0.0",
                                       "198.51.99.255",
                                       "198.51.101.0",
                                       "203.0.112.255",
                                       "203.0.114.0",
                                       "223.255.255.255",
                                       "168.63.129.15",
                                       "168.63.129.17",
                                       "2606:2800:220:1::1",
                                       "2001:4860:4860::8888",
                                       "2a00:1450::1",
                                       "::ffff:93.184.216.34",
                                       "64:ff9b::5db8:d822",
                                       "2002:5db8:d822::1",
                                       "2001:db7::1",
                                       "2001:200::1",
                                       "3ffe::1"};
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
        if (refused(open[i]) != NULL) fail_msg("%s: %s", open[i], refused(open[i]));
}

static void everything_else_is_refused(void **state)
{
    (void)state;
    static const char *const closed[][2] = {
        {"0.0.0.0", "local network"},
        {"0.255.255.255", "local network"},
        {"10.0.0.0", "private"},
        {"10.255.255.255", "private"},
        {"100.64.0.0", "private"},
        {"100.100.100.200", "private"},
        {"100.127.255.255", "private"},
        {"127.0.0.1", "loopback"},
        {"127.255.255.254", "loopback"},
        {"168.63.129.16", "metadata"},
        {"169.254.0.0", "link-local"},
        {"169.254.169.254", "metadata"},
        {"169.254.170.2", "metadata"},
        {"172.16.0.0", "private"},
        {"172.31.255.255", "private"},
        {"192.0.0.192", "reserved"},
        {"192.0.2.1", "examples"},
        {"192.88.99.1", "reserved"},
        {"192.168.0.0", "private"},
        {"192.168.255.255", "private"},
        {"198.18.0.0", "reserved"},
        {"198.19.255.255", "reserved"},
        {"198.51.100.7", "examples"},
        {"203.0.113.7", "examples"},
        {"224.0.0.1", "multicast"},
        {"239.255.255.255", "multicast"},
        {"240.0.0.1", "reserved"},
        {"255.255.255.255", "reserved"},
        {"::", "local network"},
        {"::1", "loopback"},
        {"::2", "reserved"},
        {"::7f00:1", "reserved"},         /* IPv4-compatible, of old */
        {"::ffff:127.0.0.1", "loopback"}, /* mapped */
        {"::ffff:10.1.2.3", "private"},
        {"::ffff:169.254.169.254", "metadata"},
        {"::ffff:0:127.0.0.1", "reserved"}, /* translated (RFC 2765) */
        {"64:ff9b::7f00:1", "loopback"},    /* NAT64 */
        {"64:ff9b::a9fe:a9fe", "metadata"},
        {"64:ff9b:1::1", "reserved"}, /* NAT64 of one's own */
        {"100::1", "reserved"},       /* discard only */
        {"2001::1", "reserved"},      /* Teredo */
        {"2001:1::1", "reserved"},
        {"2001:1ff:ffff::1", "reserved"},
        {"2001:db8::1", "examples"},
        {"2002:7f00:1::1", "loopback"}, /* 6to4 */
        {"2002:c0a8:101::1", "private"},
        {"2002:a9fe:a9fe::1", "metadata"},
        {"3fff::1", "examples"},
        {"4000::1", "reserved"},
        {"5f00::1", "reserved"},
        {"fc00::1", "private"},
        {"fd00:ec2::254", "private"}, /* AWS metadata */
        {"fdff:ffff::1", "private"},
        {"fe80::1", "link-local"},
        {"febf::1", "link-local"},
        {"fec0::1", "private"},
        {"ff02::1", "multicast"},
    };
    for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
        const char *why = refused(closed[i][0]);
        if (why == NULL || strstr(why, closed[i][1]) == NULL)
            fail_msg("%s: %s", closed[i][0], why != NULL ? why : "let through");
    }
}

static void other_families_are_refused(void **state)
{
    (void)state;
    struct sockaddr_un here = {.sun_family = AF_UNIX, .sun_path = "/run/docker.sock"};
    assert_non_null(eh_address_refused((struct sockaddr *)&here, sizeof here));
    /* Too short to be what it says it is. */
    struct sockaddr_storage v6 = make("2a00:1450::1", 1);
    assert_non_null(eh_address_refused((struct sockaddr *)&v6, sizeof(struct sockaddr_in)));
    struct sockaddr_storage v4 = make("93.184.216.34", 1);
    assert_non_null(eh_address_refused((struct sockaddr *)&v4, 4));
}

static bool equal(const char *a, uint16_t port_a, const char *b, uint16_t port_b)
{
    struct sockaddr_storage x = make(a, port_a), y = make(b, port_b);
    return eh_address_equal((struct sockaddr *)&x, (struct sockaddr *)&y);
}

static void the_same_address_in_another_form(void **state)
{
    (void)state;
    assert_true(equal("10.0.0.1", 5432, "10.0.0.1", 5432));
    assert_true(equal("10.0.0.1", 5432, "::ffff:10.0.0.1", 5432));
    assert_true(equal("::1", 1, "0:0::1", 1));
    assert_false(equal("10.0.0.1", 5432, "10.0.0.1", 5433));
    assert_false(equal("10.0.0.1", 5432, "10.0.0.2", 5432));
    assert_false(equal("10.0.0.1", 5432, "::a00:1", 5432));
    struct sockaddr_un here = {.sun_family = AF_UNIX};
    assert_false(eh_address_equal((struct sockaddr *)&here, (struct sockaddr *)&here));
}

static void addresses_are_read_and_written(void **state)
{
    (void)state;
    static const char *const same[] = {"127.0.0.1:8080", "[::1]:80", "[2001:db8::1]:65535",
                                       "10.1.2.3:1"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct sockaddr_storage address;
        char text[EH_ADDRESS_TEXT];
        eh_err err = {.class_ = EH_OK};
        if (!eh_address_parse(same[i], &address, &err)) fail_msg("%s", err.message);
        eh_address_text((struct sockaddr *)&address, text);
        assert_string_equal(text, same[i]);
    }
    static const char *const wrong[] = {"",
                                        "127.0.0.1",
                                        "127.0.0.1:",
                                        "127.0.0.1:0",
                                        "127.0.0.1:65536",
                                        "127.1:80",
                                        "localhost:80",
                                        "127.0.0.1:80x",
                                        "127.0.0.1: 80",
                                        "127.0.0.1:-1",
                                        "::1:80",
                                        "[::1]",
                                        "[::1]80",
                                        "[127.0.0.1]:80",
                                        "[::1:80",
                                        "10.0.0.0/8",
                                        ":80",
                                        "0177.0.0.1:80",
                                        "[fe80::1%lo]:80",
                                        "0x7f000001:80",
                                        "2130706433:80",
                                        "127.0.0.1:99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct sockaddr_storage address;
        eh_err err = {.class_ = EH_OK};
        if (eh_address_parse(wrong[i], &address, &err)) fail_msg("\"%s\" was taken", wrong[i]);
        assert_int_equal(err.class_, EH_CLASS_CONFIG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_open_internet_is_open),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(other_families_are_refused),
        cmocka_unit_test(the_same_address_in_another_form),
        cmocka_unit_test(addresses_are_read_and_written),
    };
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
