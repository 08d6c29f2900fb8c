/* Fuzz target: what other people's servers send before a body: headers line by line,
 * Retry-After, URLs to go to. The first byte chooses. What is accepted must hold what its
 * header promises. */
#include "io/address.h"
#include "io/http_head.h"
#include "io/retry_after.h"
#include "io/url.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t touch(eh_slice s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s.len; i++) sum += (unsigned char)s.data[i];
    return sum;
}

static void check_headers(const eh_http_head *head)
{
    volatile uint64_t sink = 0;
    if (head->status < 200 || head->status > 999 || head->count > 256) abort();
    for (size_t i = 0; i < head->count; i++) {
        eh_slice name = head->headers[i].name, value = head->headers[i].value;
        sink = sink + touch(name) + touch(value);
        if (name.len == 0 || name.data[name.len] != '\0' || value.data[value.len] != '\0')
            abort();
        for (size_t j = 0; j < name.len; j++)
            if (name.data[j] <= ' ' || (name.data[j] >= 'A' && name.data[j] <= 'Z')) abort();
        if (eh_http_head_find(head, name.data).data == NULL) abort();
    }
    if (head->has_length && head->length > INT64_MAX) abort();
}

static void try_headers(eh_slice text)
{
    eh_http_head head;
    eh_err err = {.class_ = EH_OK};
    eh_http_head_init(&head);
    bool ok = true;
    while (ok && text.len > 0) {
        const char *end = memchr(text.data, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.data) + 1 : text.len;
        /* A copy of its own, so that reading on is seen. */
        char *line = malloc(len);
        if (line == NULL) abort();
        memcpy(line, text.data, len);
        ok = eh_http_head_line(&head, eh_slice_of(line, len), &err);
        free(line);
        text.data += len;
        text.len -= len;
    }
    if (ok != (err.class_ == EH_OK)) abort();
    if (ok && head.complete) check_headers(&head);
    eh_http_head_free(&head);
}

static void try_retry_after(eh_slice value)
{
    const int64_t now = (int64_t)1795953600 * 1000000;
    int64_t wait = -1, date;
    if (eh_retry_after(value, now, &wait) && (wait < 0 || wait > EH_RETRY_AFTER_MAX_MS))
        abort();
    if (eh_http_date(value, now, &date) &&
        (date < -(int64_t)62167219200 * 1000000 || date > (int64_t)253402300800 * 1000000))
        abort();
}

static void check_url(const eh_url *url)
{
    eh_url again;
    eh_err err = {.class_ = EH_OK};
    if (url->host[0] == '\0' || url->port == 0 || url->path[0] != '/') abort();
    for (const char *s = url->text; *s != '\0'; s++)
        if ((unsigned char)*s <= ' ' || (unsigned char)*s > '~') abort();
    /* Normal is normal: whoever reads it again, reads the same. */
    if (!eh_url_parse(url->text, &again, &err)) abort();
    if (strcmp(again.host, url->host) != 0 || again.port != url->port ||
        again.https != url->https || strcmp(again.text, url->text) != 0)
        abort();
    if (!eh_url_same_origin(url, &again)) abort();
    eh_url_free(&again);
}

static void try_url(const char *text)
{
    eh_url url, base, joined;
    eh_err err = {.class_ = EH_OK};
    if (eh_url_parse(text, &url, &err)) {
        check_url(&url);
        (void)eh_url_matches(&url, text);
        eh_url_free(&url);
    }
    if (!eh_url_parse("https://api.x.com:8443/v1/list?page=1", &base, NULL)) abort();
    eh_err_clear(&err);
    if (eh_url_join(&base, text, &joined, &err)) {
        check_url(&joined);
        eh_url_free(&joined);
    }
    (void)eh_url_matches(&base, text);
    eh_url_free(&base);
    struct sockaddr_storage address;
    (void)!eh_address_parse(text, &address, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    eh_slice rest = eh_slice_of((const char *)data + 1, size - 1);
    if (data[0] == 'h') {
        try_headers(rest);
    } else if (data[0] == 'r') {
        try_retry_after(rest);
    } else {
        char *text = strndup(rest.data, rest.len);
        if (text == NULL) abort();
        try_url(text);
        free(text);
    }
    return 0;
}
