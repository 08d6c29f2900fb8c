/* Fuzz target: the canonical request of a signature. The input is a path, a query and the value
 * of a header, a line each. The parts of the query come out in order, in whatever order they
 * stood, and nothing that was put in makes a line of its own. */
#include "io/sigv4.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth)
{
    if (!truth) abort();
}

static size_t lines_of(const eh_buf *text)
{
    size_t lines = 1;
    for (size_t i = 0; i < text->len; i++) lines += text->data[i] == '\n';
    return lines;
}

/* The parts from the last to the first. */
static char *turn_round(const char *query)
{
    size_t len = strlen(query), at = 0;
    char *out = malloc(len + 2);
    demand(out != NULL);
    for (size_t end = len;;) {
        size_t begin = end;
        while (begin > 0 && query[begin - 1] != '&') begin--;
        memcpy(out + at, query + begin, end - begin);
        at += end - begin;
        if (begin == 0) break;
        out[at++] = '&';
        end = begin - 1;
    }
    out[at] = '\0';
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *next = text;
    demand(text != NULL);
    if (size > 0) memcpy(text, data, size);
    text[size] = '\0';
    const char *path = strsep(&next, "\n"), *query = next != NULL ? strsep(&next, "\n") : "";
    const char *value = next != NULL ? strsep(&next, "\n") : "";
    const eh_sigv4_header headers[] = {{"host", {"x.y", 3}},
                                       {"x-amz-a", {value, strlen(value)}}};
    eh_sigv4 request = {.method = "GET",
                        .path = path,
                        .query = query,
                        .headers = headers,
                        .header_count = 2,
                        .payload = "UNSIGNED-PAYLOAD",
                        .time = "20260301T120000Z",
                        .region = "r",
                        .service = "s3",
                        .key_id = "k",
                        .secret = "s"};
    eh_buf one, other, signature;
    eh_buf_init(&one, (size_t)1 << 22);
    eh_buf_init(&other, (size_t)1 << 22);
    eh_buf_init(&signature, (size_t)1 << 22);
    char *turned = turn_round(query);
    if (eh_sigv4_canonical(&request, &one, NULL)) {
        demand(lines_of(&one) == 8);
        request.query = turned;
        demand(eh_sigv4_canonical(&request, &other, NULL));
        demand(eh_slice_equal(eh_buf_slice(&one), eh_buf_slice(&other)));
        demand(eh_sigv4_sign(&request, &signature, NULL) && lines_of(&signature) == 1);
    }
    eh_buf_free(&one);
    eh_buf_free(&other);
    eh_buf_free(&signature);
    free(turned);
    free(text);
    return 0;
}
