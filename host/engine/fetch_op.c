/* engine/fetch_op.c: op fetch: one request as a source would make it, for a person who finds
 * out how a service behaves.
 *
 * Any status is an answer here, and nothing is tried again: the supervisor judges. The body
 * goes where spec.fetch.body_to says: as text into events, laid out; to the standard output; or
 * into a file, which alone has it as it came: elsewhere *** stands for secrets. */
#include "engine/net.h"
#include "engine/request.h"

#include "data/json.h"
#include "data/json_indent.h"
#include "io/http_class.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* What of a body is shown, and how much of that is in one event. */
#define SHOWN_MAX   ((uint64_t)16 * 1024 * 1024)
#define PIECE_BYTES ((size_t)64 * 1024)
#define FIRST_ERROR 300
#define STATUSES    300

typedef struct fetching {
    eh_run *run;
    const eh_doc *args;
    eh_request *request;
    eh_body *body; /* held once it has come */
    bool done;
    eh_err err;
} fetching;

/* ---- the head -----------------------------------------------------------------------------
 */

/* As a list of [name, value]. */
static eh_doc *headers_of(eh_arena *arena, const eh_http_answer *answer, eh_err *err)
{
    eh_doc *list = eh_doc_list(arena);
    for (size_t i = 0; i < answer->header_count; i++) {
        const eh_http_header *header = &answer->headers[i];
        eh_doc *pair = eh_doc_list(arena);
        if (!eh_doc_push(pair, eh_doc_string(arena, header->name), err) ||
            !eh_doc_push(pair, eh_doc_string(arena, header->value), err) ||
            !eh_doc_push(list, pair, err))
            return NULL;
    }
    return list;
}

static bool tell_answer(fetching *f, const eh_http_answer *answer, eh_err *err)
{
    const eh_doc *headers = headers_of(f->run->arena, answer, err);
    if (headers == NULL) return eh_fail_memory(err, "the answer's headers");
    eh_events *e = &f->run->events;
    eh_event_begin(e, "answer");
    eh_event_str(e, "request", eh_request_label(f->request));
    eh_event_str(e, "url", answer->url);
    eh_event_int(e, "status", answer->status);
    eh_event_str(e, "reason", eh_http_status_text(answer->status));
    eh_event_str(e, "class", eh_class_name(eh_http_status_class(answer->status)));
    eh_event_int(e, "http", answer->http_version);
    eh_event_str(e, "address", answer->address);
    eh_event_int(e, "redirects", answer->redirects);
    eh_event_int(e, "bytes", (int64_t)answer->bytes);
    eh_event_int(e, "bytes_stored", (int64_t)answer->bytes_stored);
    eh_event_int(e, "dns_us", answer->dns_us);
    eh_event_int(e, "connect_us", answer->connect_us);
    eh_event_int(e, "tls_us", answer->tls_us);
    eh_event_int(e, "first_byte_us", answer->first_byte_us);
    eh_event_int(e, "total_us", answer->total_us);
    eh_event_doc(e, "headers", headers);
    return eh_event_end(e) || eh_fail_memory(err, "the answer");
}

/* ---- the body -----------------------------------------------------------------------------
 */

/* Text that a terminal can take: UTF-8 without control characters. */
static bool is_text(eh_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f) return false;
    }
    return eh_utf8_valid(text.data, text.len);
}

/* The most that is at most `max` bytes and ends between two characters. */
static size_t whole_characters(eh_slice text, size_t max)
{
    if (text.len <= max) return text.len;
    while (max > 0 && ((unsigned char)text.data[max] & 0xc0) == 0x80) max--;
    return max;
}

static bool tell_pieces(eh_events *e, eh_slice text, eh_err *err)
{
    while (text.len > 0) {
        size_t len = whole_characters(text, PIECE_BYTES);
        eh_event_begin(e, "body");
        eh_event_slice(e, "text", eh_slice_of(text.data, len));
        if (!eh_event_end(e)) return eh_fail_memory(err, "the body");
        text = eh_slice_of(text.data + len, text.len - len);
    }
    return true;
}

static void tell_binary(eh_events *e, const char *why)
{
    eh_event_begin(e, "body");
    eh_event_str(e, "binary", why);
    eh_event_end(e);
}

static bool tell_body(fetching *f, eh_err *err)
{
    eh_slice text;
    if (eh_body_size(f->body) > SHOWN_MAX) {
        tell_binary(&f->run->events, "large");
        return true;
    }
    if (!eh_body_view(f->body, &text, err)) return false;
    if (!is_text(text)) {
        tell_binary(&f->run->events, "binary");
        return true;
    }
    eh_buf masked, laid_out;
    bool is_json = false;
    eh_buf_init(&masked, (size_t)SHOWN_MAX * 2);
    eh_buf_init(&laid_out, (size_t)SHOWN_MAX * 8);
    bool ok = eh_secrets_mask(f->run->secrets, text, &masked, err) &&
              (!eh_doc_bool(f->args, "indent", false) ||
               eh_json_indent(eh_buf_slice(&masked), &laid_out, &is_json, err));
    if (ok)
        ok = tell_pieces(&f->run->events,
                         is_json ? eh_buf_slice(&laid_out) : eh_buf_slice(&masked), err);
    eh_buf_free(&laid_out);
    eh_buf_free(&masked);
    return ok;
}

static bool write_all(int fd, const char *bytes, size_t len, eh_err *err)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, bytes + done, len - done);
        if (n < 0 && errno == EINTR) continue;
        /* The reader (head, jq) has seen enough. */
        if (n < 0 && errno == EPIPE) return true;
        if (n < 0) return eh_fail_errno(err, EH_CLASS_LIMIT, errno, "cannot write the body");
        done += (size_t)n;
    }
    return true;
}

static bool write_body(fetching *f, int fd, eh_err *err)
{
    char chunk[65536];
    size_t got = 1;
    for (uint64_t at = 0; got > 0; at += got) {
        if (!eh_body_read(f->body, at, chunk, sizeof chunk, &got, err) ||
            !write_all(fd, chunk, got, err))
            return false;
    }
    return true;
}

static bool print_body(fetching *f, eh_err *err)
{
    eh_slice text;
    if (!eh_body_view(f->body, &text, err)) return false;
    if (!eh_secrets_hits(f->run->secrets, text))
        return write_all(STDOUT_FILENO, text.data, text.len, err);
    if (text.len > SHOWN_MAX) {
        eh_fail(err, EH_CLASS_DENIED, "the body holds a secret of this request");
        return eh_err_hint(err, "--output FILE keeps it as it came");
    }
    eh_buf masked;
    eh_buf_init(&masked, (size_t)SHOWN_MAX * 2);
    bool ok = eh_secrets_mask(f->run->secrets, text, &masked, err) &&
              write_all(STDOUT_FILENO, masked.data, masked.len, err);
    eh_buf_free(&masked);
    return ok;
}

static bool keep_body(fetching *f, const char *path, eh_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return eh_fail_errno(err, EH_CLASS_CONFIG, errno, "cannot write %s", path);
    bool ok = write_body(f, fd, err);
    if (close(fd) != 0 && ok)
        ok = eh_fail_errno(err, EH_CLASS_LIMIT, errno, "cannot write %s", path);
    return ok;
}

static bool place_body(fetching *f, eh_err *err)
{
    const char *to = eh_doc_str(f->args, "body_to", "events");
    if (strcmp(to, "events") == 0) return tell_body(f, err);
    if (strcmp(to, "stdout") == 0) return print_body(f, err);
    return keep_body(f, to, err);
}

/* ---- the operation ------------------------------------------------------------------------
 */

static void on_done(void *self, eh_fetch *fetch, const eh_err *err)
{
    fetching *f = self;
    f->done = true;
    if (err != NULL) {
        f->err = *err;
        return;
    }
    if (tell_answer(f, eh_fetch_answer(fetch), &f->err))
        f->body = eh_body_hold(eh_fetch_body(fetch));
}

/* The source's hosts, and what the operator allowed by typing an address. */
static bool read_rules(fetching *f, eh_http_rules *rules, eh_err *err)
{
    const eh_doc *hosts = eh_doc_get(f->args, "hosts"), *open = eh_doc_get(f->args, "allow");
    if (!eh_run_network(f->run, rules, err)) return false;
    size_t allowed = rules->allow_private_count + eh_doc_count(open);
    const char **names = eh_arena_zalloc(f->run->arena, eh_doc_count(hosts), sizeof *names);
    const char **addresses = eh_arena_zalloc(f->run->arena, allowed, sizeof *addresses);
    if (names == NULL || addresses == NULL) return eh_fail_memory(err, "a request");
    for (const eh_doc *h = eh_doc_first(hosts); h != NULL; h = h->next)
        names[rules->host_count++] = h->as.string.data;
    for (size_t i = 0; i < rules->allow_private_count; i++)
        addresses[i] = rules->allow_private[i];
    for (const eh_doc *a = eh_doc_first(open); a != NULL; a = a->next)
        addresses[rules->allow_private_count++] = a->as.string.data;
    rules->hosts = names;
    rules->allow_private = addresses;
    rules->allow_plain = eh_doc_bool(f->args, "allow_plain", false);
    return eh_secrets_allow(f->run->secrets, eh_doc_str(f->args, "instance", ""), names,
                            rules->host_count, err);
}

static bool fetch(fetching *f, eh_fetcher *fetcher, eh_err *err)
{
    int statuses[STATUSES];
    for (int i = 0; i < STATUSES; i++) statuses[i] = FIRST_ERROR + i;
    eh_fetch_request request = *eh_request_fetch(f->request);
    request.accept = statuses;
    request.accept_count = STATUSES;
    request.max_attempts = 1;
    eh_fetch_done done = {f, on_done};
    if (eh_fetch_start(fetcher, &request, &done, err) == NULL) return false;
    while (!f->done)
        if (!eh_loop_turn(f->run->loop, -1, err) || !eh_run_may_go_on(f->run, err))
            return false;
    if (f->err.class_ == EH_OK) return true;
    *err = f->err;
    return false;
}

bool eh_run_fetch(eh_run *run, eh_err *err)
{
    fetching f = {.run = run, .args = eh_doc_get(run->spec, "fetch")};
    eh_http_rules rules;
    eh_pipeline_stream source = {.rules = &rules};
    source.stream.instance = eh_doc_str(f.args, "instance", "");
    eh_fetcher *fetcher = eh_run_fetcher(run, err);
    bool ok = fetcher != NULL && read_rules(&f, &rules, err);
    if (ok) f.request = eh_request_new(run, &source, f.args, err);
    ok = ok && f.request != NULL && fetch(&f, fetcher, err) && place_body(&f, err);
    eh_body_free(f.body);
    /* A fetch that was left half-way still points to the request. */
    eh_run_close_net(run);
    eh_request_free(f.request);
    return ok;
}
