/* data/json_lines.c: NDJSON: a record a line; see json_parts.h. */
#include "data/json_parts.h"

#include <inttypes.h>

/* The end of the line at `from`, its line feed included, within `view` bytes. */
static size_t line_end(const eh_json_parser *p, size_t from, size_t view)
{
    const char *data = eh_json_data(p);
    const char *feed = memchr(data + from, '\n', view - from);
    return feed != NULL ? (size_t)(feed - data) + 1 : view;
}

/* How many of the next bytes are whole lines to be read at once; 0: none is whole. `used` bytes
 * of the batch's share are spent. Where the batch holds records already, bytes past its share
 * are not looked at: they may or may not have been fed. */
static size_t find_window(eh_json_parser *p, const eh_batch *batch, size_t used)
{
    size_t share = p->batch_bytes > used ? p->batch_bytes - used : 0;
    size_t available = eh_json_available(p), view = available;
    if (!eh_json_batch_empty(batch) && view > share) view = share;
    size_t first = share < EH_JSON_WINDOW_BYTES ? share : EH_JSON_WINDOW_BYTES;
    if (first > view) first = view;
    const char *data = eh_json_data(p);
    const char *feed = first > 0 ? memrchr(data, '\n', first) : NULL;
    if (feed != NULL) return (size_t)(feed - data) + 1;
    size_t from = p->searched > first ? p->searched : first;
    if (from < view) feed = memchr(data + from, '\n', view - from);
    if (feed != NULL) return (size_t)(feed - data) + 1;
    p->searched = view;
    /* The last line may lack its line feed. It belongs to this batch only if the share is not
     * used up exactly, since then it is chance whether its end was known in time. */
    bool ends_here = p->last && view == available;
    return ends_here && (eh_json_batch_empty(batch) || available < share) ? available : 0;
}

static bool is_blank(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!eh_json_is_space(text[i])) return false;
    return true;
}

static bool fail_long(const eh_json_parser *p, eh_err *err)
{
    return eh_fail(err, EH_CLASS_LIMIT,
                   "line %" PRIu64 " is longer than the limit of %zu bytes", p->line,
                   p->max_record);
}

/* The record without its line end. */
static eh_json_record line_record(const eh_json_parser *p, size_t start, size_t end)
{
    const char *data = eh_json_data(p);
    size_t text_end = end;
    if (text_end > start && data[text_end - 1] == '\n') text_end--;
    if (text_end > start && data[text_end - 1] == '\r') text_end--;
    return (eh_json_record){.start = start, .len = text_end - start, .end = end};
}

/* Reads the line with the window's tokens. BAD: alone, then. */
static eh_json_read read_line(eh_json_parser *p, eh_batch *batch, const eh_json_record *record,
                              eh_err *err)
{
    eh_json_reader *r = &p->reader;
    size_t from = r->i;
    eh_json_read read = eh_json_try_row(p, batch, err);
    if (read == EH_JSON_READ_GOOD) {
        if (r->tokens.at[r->i - 1] < record->end &&
            (r->i == r->tokens.count || r->tokens.at[r->i] >= record->end)) {
            eh_json_keep_row(p, batch, record);
            return read;
        }
        eh_json_drop_row(p, batch);
        read = EH_JSON_READ_BAD;
    }
    while (from < r->tokens.count && r->tokens.at[from] < record->end) from++;
    eh_json_reader_seek(r, from);
    return read;
}

/* Takes the line; EH_JSON_CLOSE when it is for the next batch. */
static eh_json_step take_line(eh_json_parser *p, eh_batch *batch, const eh_json_record *record,
                              bool fit, eh_err *err)
{
    if (record->len > p->max_record) {
        if (!eh_json_batch_empty(batch)) return EH_JSON_CLOSE;
        (void)fail_long(p, err);
        return EH_JSON_STOP;
    }
    if (is_blank(eh_json_data(p) + record->start, record->len)) return EH_JSON_GO_ON;
    if (!eh_json_batch_open(p, batch)) return EH_JSON_CLOSE;
    eh_json_read read = fit ? read_line(p, batch, record, err) : EH_JSON_READ_BAD;
    if (read == EH_JSON_READ_GOOD) return EH_JSON_GO_ON;
    if (read == EH_JSON_READ_FAILED) return EH_JSON_STOP;
    return eh_json_take_alone(p, batch, record, p->reader.i, err);
}

/* Reads the lines of the next `len` bytes and moves past those that were taken. */
static eh_json_step take_window(eh_json_parser *p, eh_batch *batch, size_t len, eh_err *err)
{
    bool fit;
    eh_json_step result = EH_JSON_GO_ON;
    size_t at = 0;
    if (!eh_json_open_window(p, batch, len, &fit, err)) return EH_JSON_STOP;
    while (at < len && result == EH_JSON_GO_ON) {
        eh_json_record record = line_record(p, at, line_end(p, at, len));
        result = take_line(p, batch, &record, fit, err);
        if (result != EH_JSON_GO_ON) break;
        at = record.end;
        p->line++;
    }
    eh_json_advance(p, at);
    p->searched = 0;
    return result;
}

/* No whole line is there. */
static eh_parse wait_for_line(eh_json_parser *p, eh_err *err)
{
    if (eh_json_available(p) > p->max_record + 1) { /* a carriage return may be the last byte */
        (void)fail_long(p, err);
        return EH_PARSE_ERROR;
    }
    if (!p->last) return EH_PARSE_MORE;
    p->phase = EH_JSON_DONE;
    return EH_PARSE_END;
}

eh_parse eh_json_lines_next(eh_json_parser *p, eh_batch *batch, eh_err *err)
{
    for (;;) {
        if (!p->last && eh_json_available(p) < p->batch_bytes) return EH_PARSE_MORE;
        uint64_t from = p->offset;
        eh_json_step result = EH_JSON_GO_ON;
        while (result == EH_JSON_GO_ON) {
            size_t window = find_window(p, batch, (size_t)(p->offset - from));
            if (window == 0) break;
            result = take_window(p, batch, window, err);
            if (eh_json_batch_empty(batch)) break; /* blank lines: a new share for the batch */
        }
        if (result == EH_JSON_STOP) return EH_PARSE_ERROR;
        if (!eh_json_batch_empty(batch)) return EH_PARSE_BATCH;
        /* Blank lines only, or a line that is not complete. */
        if (p->offset == from) return wait_for_line(p, err);
    }
}
