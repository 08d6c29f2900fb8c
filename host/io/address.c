/* io/address.c: see address.h. The networks are those of IANA's registries of special-purpose
 * addresses (RFC 6890 and what was added since), and of addresses that clouds give away secrets
 * at. */
#include "io/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct network4 {
    uint32_t start;
    unsigned bits;
    const char *what;
} network4;

static const char loopback[] = "a loopback address", private_[] = "a private address",
                  reserved[] = "a reserved address", example[] = "an address for examples",
                  multicast[] = "a multicast address",
                  local[] = "an address of the local network",
                  link_local[] = "a link-local address (cloud metadata is there)";

static const network4 networks4[] = {
    {0x00000000, 8, local},       /* 0.0.0.0: connects to the machine itself */
    {0x0a000000, 8, private_},    /* 10.0.0.0 */
    {0x64400000, 10, private_},   /* 100.64.0.0: shared by carriers; Alibaba's metadata */
    {0x7f000000, 8, loopback},    /* 127.0.0.0 */
    {0xa83f8110, 32, link_local}, /* 168.63.129.16: Azure's metadata, from a public range */
    {0xa9fe0000, 16, link_local}, /* 169.254.0.0 */
    {0xac100000, 12, private_},   /* 172.16.0.0 */
    {0xc0000000, 24, reserved},   /* 192.0.0.0: protocol assignments; Oracle's metadata */
    {0xc0000200, 24, example},    /* 192.0.2.0 */
    {0xc0586300, 24, reserved},   /* 192.88.99.0: 6to4 relays */
    {0xc0a80000, 16, private_},   /* 192.168.0.0 */
    {0xc6120000, 15, reserved},   /* 198.18.0.0: benchmarks */
    {0xc6336400, 24, example},    /* 198.51.100.0 */
    {0xcb007100, 24, example},    /* 203.0.113.0 */
    {0xe0000000, 4, multicast},   /* 224.0.0.0 */
    {0xf0000000, 4, reserved},    /* 240.0.0.0, and the broadcast address */
};

static const char *refused4(uint32_t address)
{
    for (size_t i = 0; i < sizeof networks4 / sizeof networks4[0]; i++)
        if ((address ^ networks4[i].start) >> (32 - networks4[i].bits) == 0)
            return networks4[i].what;
    return NULL;
}

typedef struct network6 {
    unsigned char start[16];
    unsigned bits;
    unsigned inner;
    const char *what; /* NULL: judged by the IPv4 address at byte `inner` */
} network6;

/* The first that fits decides. */
static const network6 networks6[] = {
    {{[10] = 0xff, [11] = 0xff}, 96, 12, NULL}, /* ::ffff:0:0/96, mapped */
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12, NULL},   /* NAT64 (RFC 6052) */
    {{0x20, 0x02}, 16, 2, NULL},                /* 6to4 */
    {{[15] = 1}, 128, 0, loopback},             /* ::1 */
    {{0}, 128, 0, local},                       /* :: */
    {{0xfc}, 7, 0, private_},                   /* unique local */
    {{0xfe, 0x80}, 10, 0, link_local},          /* */
    {{0xfe, 0xc0}, 10, 0, private_},            /* site-local, of old */
    {{0xff}, 8, 0, multicast},                  /* */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, 0, example}, /* 2001:db8:: */
    {{0x3f, 0xff}, 20, 0, example},             /* 3fff:: */
    {{0x20, 0x01}, 23, 0, reserved},            /* protocol assignments; Teredo */
};

static bool inside6(const unsigned char *address, const network6 *network)
{
    unsigned bytes = network->bits / 8, rest = network->bits % 8;
    if (memcmp(address, network->start, bytes) != 0) return false;
    return rest == 0 || ((address[bytes] ^ network->start[bytes]) >> (8 - rest)) == 0;
}

static uint32_t read4(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
           bytes[3];
}

static const char *refused6(const unsigned char *address)
{
    for (size_t i = 0; i < sizeof networks6 / sizeof networks6[0]; i++) {
        const network6 *network = &networks6[i];
        if (!inside6(address, network)) continue;
        return network->what != NULL ? network->what
                                     : refused4(read4(address + network->inner));
    }
    /* Nothing but 2000::/3 has been given to the open internet. */
    return address[0] >> 5 == 1 ? NULL : reserved;
}

/* Callers hand in what the system or libcurl calls a sockaddr; its family says what it is. A
 * copy, because the bytes need not be aligned for it. */
static bool as4(const struct sockaddr *address, struct sockaddr_in *out)
{
    if (address->sa_family != AF_INET) return false;
    memcpy(out, (const void *)address, sizeof *out);
    return true;
}

static bool as6(const struct sockaddr *address, struct sockaddr_in6 *out)
{
    if (address->sa_family != AF_INET6) return false;
    memcpy(out, (const void *)address, sizeof *out);
    return true;
}

const char *eh_address_refused(const struct sockaddr *address, socklen_t length)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (length >= sizeof v4 && as4(address, &v4)) return refused4(ntohl(v4.sin_addr.s_addr));
    if (length >= sizeof v6 && as6(address, &v6)) return refused6(v6.sin6_addr.s6_addr);
    return "not an internet address";
}

void eh_address_text(const struct sockaddr *address, char out[EH_ADDRESS_TEXT])
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    char host[INET6_ADDRSTRLEN] = "";
    out[0] = '\0';
    if (as4(address, &v4) && inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host) != NULL)
        (void)snprintf(out, EH_ADDRESS_TEXT, "%s:%u", host, (unsigned)ntohs(v4.sin_port));
    if (as6(address, &v6) && inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host) != NULL)
        (void)snprintf(out, EH_ADDRESS_TEXT, "[%s]:%u", host, (unsigned)ntohs(v6.sin6_port));
}

/* As IPv6, IPv4 mapped into it. */
static bool common_form(const struct sockaddr *address, unsigned char host[16], in_port_t *port)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    memset(host, 0, 16);
    if (as4(address, &v4)) {
        host[10] = host[11] = 0xff;
        memcpy(host + 12, &v4.sin_addr, 4);
        *port = v4.sin_port;
        return true;
    }
    if (!as6(address, &v6)) return false;
    memcpy(host, &v6.sin6_addr, 16);
    *port = v6.sin6_port;
    return true;
}

bool eh_address_equal(const struct sockaddr *a, const struct sockaddr *b)
{
    unsigned char host_a[16], host_b[16];
    in_port_t port_a, port_b;
    return common_form(a, host_a, &port_a) && common_form(b, host_b, &port_b) &&
           port_a == port_b && memcmp(host_a, host_b, sizeof host_a) == 0;
}

static bool read_port(const char *text, in_port_t *port)
{
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value == 0 ||
        value > 65535)
        return false;
    *port = htons((uint16_t)value);
    return true;
}

bool eh_address_parse(const char *text, struct sockaddr_storage *out, eh_err *err)
{
    char host[INET6_ADDRSTRLEN] = "";
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    bool bracket = text[0] == '[';
    const char *start = text + bracket;
    const char *end = bracket ? strchr(text, ']') : strrchr(text, ':');
    const char *colon = end != NULL ? end + bracket : NULL;
    memset(out, 0, sizeof *out);
    if (end != NULL && *colon == ':' && (size_t)(end - start) < sizeof host) {
        memcpy(host, start, (size_t)(end - start));
        if (bracket && inet_pton(AF_INET6, host, &v6.sin6_addr) == 1 &&
            read_port(colon + 1, &v6.sin6_port)) {
            memcpy(out, &v6, sizeof v6);
            return true;
        }
        if (!bracket && inet_pton(AF_INET, host, &v4.sin_addr) == 1 &&
            read_port(colon + 1, &v4.sin_port)) {
            memcpy(out, &v4, sizeof v4);
            return true;
        }
    }
    (void)eh_fail(err, EH_CLASS_CONFIG, "\"%s\" is not an address with a port", text);
    return eh_err_hint(err, "write it like 127.0.0.1:8080 or [::1]:8080");
}
