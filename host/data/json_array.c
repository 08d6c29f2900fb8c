/* data/json_array.c: the elements of one array, of any length, or the one record of a document;
 * see json_parts.h. */
#include "data/json_parts.h"

#include <inttypes.h>

typedef struct window {
    size_t start; /* of the first element, in bytes from head */
    size_t end;
    bool closed; /* the array's closing bracket stands at end */
} window;

typedef enum find {
    FIND_WINDOW,
    FIND_NONE,  /* no element ends within view */
    FIND_CLOSE, /* nothing but the closing bracket, at start */
    FIND_ERROR
} find;

static find fail_at(const eh_json_parser *p, size_t at, const char *what, eh_err *err)
{
    (void)eh_fail(err, EH_CLASS_DATA, "not JSON: %s (byte %" PRIu64 ", record %" PRIu64 ")",
                  what, p->offset + at, p->row);
    return FIND_ERROR;
}

static find fail_long(const eh_json_parser *p, eh_err *err)
{
    (void)eh_fail(err, EH_CLASS_LIMIT,
                  "record %" PRIu64 " is longer than the limit of %zu bytes", p->row,
                  p->max_record);
    return FIND_ERROR;
}

static find fail_space(const eh_json_parser *p, eh_err *err)
{
    (void)eh_fail(err, EH_CLASS_LIMIT,
                  "more than %zu bytes of white space stand before record %" PRIu64,
                  EH_JSON_SPACE_BYTES, p->row);
    return FIND_ERROR;
}

static size_t skip_space(const char *data, size_t at, size_t end)
{
    while (at < end && eh_json_is_space(data[at])) at++;
    return at;
}

/* Finds where the next element begins: past white space and the comma, if one is due. */
static find find_start(eh_json_parser *p, size_t view, size_t *start, eh_err *err)
{
    const char *data = eh_json_data(p);
    size_t at = skip_space(data, 0, view);
    *start = at;
    if (at > EH_JSON_SPACE_BYTES) return fail_space(p, err);
    if (at == view) return FIND_NONE;
    if (p->resumed && data[at] == ',') p->need_comma = true;
    if (data[at] == ']' && (p->may_close || p->need_comma || p->resumed)) return FIND_CLOSE;
    if (p->need_comma) {
        if (data[at] != ',')
            return fail_at(p, at, "a comma or a closing bracket is missing", err);
        *start = skip_space(data, at + 1, view);
        if (*start - at > EH_JSON_SPACE_BYTES) return fail_space(p, err);
        if (*start == view) return FIND_NONE;
    }
    return FIND_WINDOW;
}

/* In a document the judge has seen where elements end: up to the next of its cuts. */
static find find_cut(eh_json_parser *p, const eh_batch *batch, size_t share, window *w,
                     eh_err *err)
{
    find found = find_start(p, eh_json_available(p), &w->start, err);
    if (found != FIND_WINDOW) return found;
    size_t done = (size_t)(p->offset - p->text_at), last = p->list.end - 1;
    size_t cut = eh_json_outline_cut(p->outline, done + w->start, last, p->list.depth);
    w->closed = cut == SIZE_MAX;
    w->end = (w->closed ? last : cut) - done;
    return eh_json_batch_empty(batch) || w->end <= share ? FIND_WINDOW : FIND_NONE;
}

/* The next elements to be read at once. `used` bytes of the batch's share are spent. Where the
 * batch holds records already, bytes past its share are not looked at: they may or may not have
 * been fed. */
static find find_window(eh_json_parser *p, const eh_batch *batch, size_t used, window *w,
                        eh_err *err)
{
    size_t share = p->batch_bytes > used ? p->batch_bytes - used : 0;
    size_t view = eh_json_available(p);
    if (p->shape == EH_JSON_DOCUMENT && p->frame == NULL && !p->outline->full)
        return find_cut(p, batch, share, w, err);
    if (!eh_json_batch_empty(batch) && view > share) view = share;
    find found = find_start(p, view, &w->start, err);
    if (found != FIND_WINDOW) return found;
    size_t limit = share < EH_JSON_WINDOW_BYTES ? share : EH_JSON_WINDOW_BYTES;
    /* What ends the last element must be in the share too, for it may be all that was fed. */
    limit = limit > w->start ? limit - w->start - 1 : 0;
    /* Not a byte past the longest record is looked at, whether it was fed or not. */
    size_t len = view - w->start;
    if (len > p->max_record + 1) len = p->max_record + 1;
    eh_json_scan scan = p->scan; /* one that ran out of bytes goes on where it was */
    p->scan = (eh_json_scan){.pos = 0};
    switch (eh_json_scan_run(&scan, eh_json_data(p) + w->start, len, limit)) {
    case EH_JSON_SCAN_FOUND:
        break;
    case EH_JSON_SCAN_MORE:
        if (len > p->max_record) return fail_long(p, err);
        if (eh_json_batch_empty(batch)) p->scan = scan;
        return FIND_NONE;
    case EH_JSON_SCAN_EMPTY:
        return fail_at(p, w->start, "a record is missing", err);
    case EH_JSON_SCAN_BRACE:
        return fail_at(p, w->start + scan.pos, "a brace closes nothing", err);
    }
    w->end = w->start + scan.end;
    w->closed = scan.closed;
    return FIND_WINDOW;
}

/* The end of the element at `at`, when the tokens did not tell. */
static size_t element_end(const eh_json_parser *p, size_t at, size_t len)
{
    eh_json_scan scan = {.pos = 0};
    eh_json_scanned scanned = eh_json_scan_run(&scan, eh_json_data(p) + at, len - at, 0);
    return scanned == EH_JSON_SCAN_FOUND ? at + scan.end : len;
}

/* Reads the element at record->start with the window's tokens and finds its end. BAD: alone. */
static eh_json_read read_element(eh_json_parser *p, eh_batch *batch, eh_json_record *record,
                                 eh_err *err)
{
    eh_json_reader *r = &p->reader;
    eh_json_read read = eh_json_try_row(p, batch, err);
    if (read != EH_JSON_READ_GOOD) return read;
    bool last = r->i == r->tokens.count;
    if (!last && r->tokens.text[r->tokens.at[r->i]] != ',') {
        eh_json_drop_row(p, batch);
        return EH_JSON_READ_BAD;
    }
    record->len = r->tokens.at[r->i - 1] + 1 - record->start;
    record->end = last ? r->tokens.len : r->tokens.at[r->i];
    eh_json_keep_row(p, batch, record);
    if (!last) r->i++; /* past the comma */
    return read;
}

/* Takes the element at record->start in a window of `len` bytes and sets its end. */
static eh_json_step take_element(eh_json_parser *p, eh_batch *batch, eh_json_record *record,
                                 size_t len, bool fit, eh_err *err)
{
    eh_json_reader *r = &p->reader;
    size_t token = r->i;
    if (!eh_json_batch_open(p, batch)) return EH_JSON_CLOSE;
    eh_json_read read = fit ? read_element(p, batch, record, err) : EH_JSON_READ_BAD;
    if (read == EH_JSON_READ_GOOD) return EH_JSON_GO_ON;
    if (read == EH_JSON_READ_FAILED) return EH_JSON_STOP;
    const char *data = eh_json_data(p);
    record->end = element_end(p, record->start, len);
    size_t end = record->end;
    while (end > record->start && eh_json_is_space(data[end - 1])) end--;
    record->len = end - record->start;
    while (fit && token < r->tokens.count && r->tokens.at[token] <= record->end) token++;
    return eh_json_take_alone(p, batch, record, token, err);
}

/* Reads the window's elements and moves past those that were taken. */
static eh_json_step take_window(eh_json_parser *p, eh_batch *batch, const window *w,
                                eh_err *err)
{
    bool fit;
    size_t len = w->end - w->start, done = 0;
    eh_json_step step = EH_JSON_GO_ON;
    eh_json_record record = {0, 0, 0};
    eh_json_advance(p, w->start);
    p->need_comma = p->may_close = p->resumed = false;
    if (!eh_json_open_window(p, batch, len, &fit, err)) return EH_JSON_STOP;
    while (done < len) {
        step = take_element(p, batch, &record, len, fit, err);
        if (step != EH_JSON_GO_ON) break;
        done = record.end;
        record.start = done < len ? skip_space(eh_json_data(p), done + 1, len) : len;
    }
    p->need_comma = done > 0;
    if (done == len && w->closed) p->phase = EH_JSON_TRAILING;
    eh_json_advance(p, done);
    return step;
}

/* No element was found for an empty batch. */
static eh_parse wait_for_element(const eh_json_parser *p, eh_err *err)
{
    if (!p->last) return EH_PARSE_MORE;
    (void)fail_at(p, eh_json_available(p), "the array has no end", err);
    (void)eh_err_hint(err, "The input was cut short.");
    return EH_PARSE_ERROR;
}

static eh_parse read_elements(eh_json_parser *p, eh_batch *batch, eh_err *err)
{
    uint64_t from = p->offset;
    if (!p->last && eh_json_available(p) < p->batch_bytes) return EH_PARSE_MORE;
    eh_json_step step = EH_JSON_GO_ON;
    while (step == EH_JSON_GO_ON && p->phase == EH_JSON_RECORDS) {
        bool empty = eh_json_batch_empty(batch);
        window w = {0, 0, false};
        /* What is wrong behind this batch is told when its turn comes. */
        find found = find_window(p, batch, (size_t)(p->offset - from), &w, empty ? err : NULL);
        if (found != FIND_WINDOW && !empty) return EH_PARSE_BATCH;
        if (found == FIND_ERROR) return EH_PARSE_ERROR;
        if (found == FIND_NONE) return wait_for_element(p, err);
        if (found == FIND_CLOSE) {
            eh_json_advance(p, w.start);
            p->phase = EH_JSON_TRAILING;
            break;
        }
        step = take_window(p, batch, &w, err);
    }
    if (step == EH_JSON_STOP) return EH_PARSE_ERROR;
    return EH_PARSE_BATCH;
}

/* Past the brackets: only white space may follow. */
static eh_parse read_rest(eh_json_parser *p, eh_err *err)
{
    size_t available = eh_json_available(p);
    size_t space = skip_space(eh_json_data(p), 0, available);
    eh_json_advance(p, space);
    if (space < available) {
        (void)fail_at(p, 0, "something follows the array", err);
        return EH_PARSE_ERROR;
    }
    if (!p->last) return EH_PARSE_MORE;
    p->phase = EH_JSON_DONE;
    return EH_PARSE_END;
}

static eh_parse open_array(eh_json_parser *p, eh_err *err)
{
    eh_json_advance(p, skip_space(eh_json_data(p), 0, eh_json_available(p)));
    if (eh_json_available(p) == 0) {
        if (!p->last) return EH_PARSE_MORE;
        (void)fail_at(p, 0, "the input is empty", err);
        return EH_PARSE_ERROR;
    }
    if (eh_json_data(p)[0] != '[') {
        (void)fail_at(p, 0, "it is not an array", err);
        return EH_PARSE_ERROR;
    }
    eh_json_advance(p, 1);
    p->phase = EH_JSON_RECORDS;
    p->may_close = true;
    return EH_PARSE_BATCH;
}

eh_parse eh_json_array_next(eh_json_parser *p, eh_batch *batch, eh_err *err)
{
    eh_parse parse = EH_PARSE_BATCH;
    if (p->phase == EH_JSON_OPEN) parse = open_array(p, err);
    if (parse == EH_PARSE_BATCH && p->phase == EH_JSON_RECORDS)
        parse = read_elements(p, batch, err);
    if (parse != EH_PARSE_BATCH || !eh_json_batch_empty(batch)) return parse;
    if (p->phase == EH_JSON_TRAILING) {
        eh_json_advance(p, 1);
        p->phase = p->shape != EH_JSON_DOCUMENT ? EH_JSON_AFTER
                   : p->frame != NULL           ? EH_JSON_TAIL
                                                : EH_JSON_DONE;
    }
    return p->phase == EH_JSON_AFTER ? read_rest(p, err) : EH_PARSE_END;
}
