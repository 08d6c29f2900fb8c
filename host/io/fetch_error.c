/* io/fetch_error.c: the error of a request: what was asked for, what came, how often, how long;
 * without a secret. */
#include "io/fetch_private.h"

#include "io/http_class.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 256 * 1024, URL_SHOWN = 300, EXCERPT_SHOWN = 200, REASON_SHOWN = 300 };

static bool mask(const eh_fetcher *fetcher, eh_buf *text)
{
    return fetcher->options.mask == NULL ||
           fetcher->options.mask(fetcher->options.mask_self, text, NULL);
}

const char *eh_fetch_masked(const eh_fetcher *fetcher, eh_arena *arena, const char *text)
{
    eh_buf buf;
    eh_buf_init(&buf, TEXT_MAX);
    char *copy = NULL;
    if (eh_buf_append_str(&buf, text, NULL) && mask(fetcher, &buf))
        copy = eh_arena_strndup(arena, buf.data, buf.len);
    eh_buf_free(&buf);
    return copy != NULL ? copy : "***";
}

/* At most `max` bytes, on one line, white space as single blanks, cut between characters. */
static void shorten(eh_slice text, size_t max, eh_buf *out)
{
    size_t start = out->len;
    bool blank = true, cut = false;
    for (size_t i = 0; i < text.len && !cut; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool is_blank = c <= ' ' || c == 0x7f;
        if (out->len - start >= max && (c & 0xc0) != 0x80)
            cut = true;
        else if (!(is_blank && blank))
            (void)!eh_buf_append_byte(out, is_blank ? ' ' : (char)c, NULL);
        blank = is_blank;
    }
    while (out->len > start && out->data[out->len - 1] == ' ') out->len--;
    if (cut) (void)!eh_buf_append_str(out, "...", NULL);
}

/* Masked first, shortened then: half a secret would not be found. */
static void append_masked(const eh_fetcher *fetcher, eh_slice text, size_t max, eh_buf *out)
{
    eh_buf buf;
    eh_buf_init(&buf, TEXT_MAX);
    if (eh_buf_append(&buf, text.data, text.len, NULL) && mask(fetcher, &buf))
        shorten(eh_buf_slice(&buf), max, out);
    else
        (void)!eh_buf_append_str(out, "***", NULL);
    eh_buf_free(&buf);
}

static const char *hint_for(int status)
{
    switch (status) {
    case 401:
        return "the credentials are wrong, expired or revoked: look at the secret that this "
               "source is given";
    case 403:
        return "these credentials may not do this: ask for the permission, or use others";
    case 404:
        return "look at the address, and at the ids in it";
    case 407:
        return "the proxy wants credentials: network: { proxy: ... } in config/etlhost.yaml";
    case 429:
        return "the service allows no more requests for now: run again later; what is loaded "
               "is "
               "not loaded twice";
    default:
        return status >= 500 ? "the service is in trouble or being mended: run again later"
                             : NULL;
    }
}

static const char *plural(unsigned count)
{
    return count == 1 ? "attempt" : "attempts";
}

void eh_fetch_explain(const eh_fetch *fetch, const eh_err *from, const char *note, eh_err *out)
{
    const eh_fetcher *fetcher = fetch->fetcher;
    const eh_http_answer *a = &fetch->answer;
    bool by_status = from->class_ == EH_OK;
    int64_t ms = (eh_clock_monotonic(&fetcher->options.clock) - fetch->started_us) / 1000;
    uint64_t bytes = fetch->answered ? a->bytes_stored : 0;
    const char *url = fetch->answered ? a->url : fetch->attempt.url;
    eh_buf text;
    eh_buf_init(&text, TEXT_MAX);
    *out = (eh_err){.class_ = EH_OK};
    (void)!eh_buf_printf(&text, NULL, "%s ", fetch->request.http.method);
    append_masked(fetcher, eh_slice_str(url), URL_SHOWN, &text);
    if (by_status)
        (void)!eh_buf_printf(&text, NULL, ": %d%s%s", a->status,
                             eh_http_status_text(a->status)[0] != '\0' ? " " : "",
                             eh_http_status_text(a->status));
    else {
        (void)!eh_buf_append_str(&text, ": ", NULL);
        append_masked(fetcher, eh_slice_str(from->message), REASON_SHOWN, &text);
    }
    (void)!eh_buf_printf(
        &text, NULL, " (%u %s, %" PRIu64 " bytes, %" PRId64 ".%03" PRId64 " s%s)",
        fetch->attempts, plural(fetch->attempts), bytes, ms / 1000, ms % 1000, note);
    if (by_status && fetch->excerpt.len > 0) {
        (void)!eh_buf_append_str(&text, ": ", NULL);
        append_masked(fetcher, eh_buf_slice(&fetch->excerpt), EXCERPT_SHOWN, &text);
    }
    const char *line = eh_buf_cstr(&text);
    (void)eh_fail(out, by_status ? eh_http_status_class(a->status) : from->class_, "%s",
                  line != NULL ? line : "a request failed");
    out->code = by_status ? a->status : from->code;
    memcpy(out->hint, from->hint, sizeof out->hint);
    memcpy(out->trail, from->trail, sizeof out->trail);
    if (by_status && hint_for(a->status) != NULL)
        (void)eh_err_hint(out, "%s", hint_for(a->status));
    eh_buf_free(&text);
}
