/* data/csv_walk.c: from marked bytes to fields and records; see csv_scan.h.
 *
 * The only place that knows the grammar. It looks at the marked bytes one after another and
 * keeps "inside quotes" to itself. What becomes of a bad record is left to csv.c. */
#include "data/csv_scan.h"

enum { AT_END = -1 }; /* in place of a byte: the input ended there */

void eh_csv_walk_begin(eh_csv_walk *w, eh_slice data, size_t at, size_t limit, bool at_end)
{
    w->data = data.data;
    w->len = data.len;
    w->limit = limit;
    w->at_end = at_end;
    w->at = w->scanned = w->checked = at;
    w->next = w->stop = w->index;
    w->segment_doubtful = w->record_doubtful = false;
}

/* Bytes past ASCII are checked here, a segment at a time, so that records need no look each. A
 * character that the segment's end cuts is left to the next segment: no record ends in it. */
static void check_segment(eh_csv_walk *w, unsigned flags, size_t end)
{
    size_t valid = end;
    if ((flags & EH_CSV_HIGH) != 0 || w->checked < w->scanned)
        valid = w->checked + eh_csv_utf8_prefix(w->data + w->checked, end - w->checked);
    bool cut = valid < end && end - valid <= 3 && !(w->at_end && end == w->limit);
    for (size_t i = valid; cut && i < end; i++) cut = (w->data[i] & 0x80) != 0;
    w->segment_doubtful = (flags & EH_CSV_NUL) != 0 || (valid < end && !cut);
    w->record_doubtful |= w->segment_doubtful;
    w->checked = cut ? valid : end;
}

/* Indexes segments until there is a mark; false at the limit. */
static bool refill(eh_csv_walk *w)
{
    while (w->scanned < w->limit) {
        size_t left = w->limit - w->scanned;
        size_t end = w->scanned + (left < w->segment ? left : w->segment);
        unsigned flags = 0;
        size_t count =
            w->scan(w->data, w->scanned, end, w->delimiter, w->quote, w->index, &flags);
        check_segment(w, flags, end);
        w->scanned = end;
        w->next = w->index;
        w->stop = w->index + count;
        if (count > 0) return true;
    }
    return false;
}

static inline bool take(eh_csv_walk *w, size_t *at)
{
    if (__builtin_expect(w->next == w->stop, 0) && !refill(w)) return false;
    *at = *w->next++;
    return true;
}

static inline bool is_line_end(int c)
{
    return c == '\n' || c == '\r';
}

/* The mark at `at` and, when it is a CR before an LF, that LF too. Returns the place after. */
static inline size_t pass_line_end(eh_csv_walk *w, size_t at)
{
    if (w->data[at] == '\n' || at + 1 >= w->len || w->data[at + 1] != '\n') return at + 1;
    size_t lf; /* not there when it is past the limit */
    (void)take(w, &lf);
    return at + 2;
}

/* ---- fields ---- */

static bool is_null_word(const eh_csv_walk *w, const char *text, size_t len)
{
    for (size_t i = 0; i < w->null_count; i++)
        if (eh_slice_equal(w->nulls[i], eh_slice_of(text, len))) return true;
    return false;
}

static inline void put_plain(const eh_csv_walk *w, eh_cell *cell, const char *text, size_t len)
{
    bool null = len == 0;
    if (__builtin_expect((w->null_lengths >> (len < 63 ? len : 63) & 1) != 0, 0))
        null = is_null_word(w, text, len);
    *cell =
        (eh_cell){.kind = null ? EH_CELL_NULL : EH_CELL_RAW, .len = null ? 0 : (uint32_t)len};
    cell->as.text = text;
}

/* `doubled`: how many pairs of quotes stand for one. */
static bool put_quoted(eh_csv_walk *w, eh_cell *cell, const char *text, size_t len,
                       size_t doubled)
{
    *cell = (eh_cell){.kind = len > 0 ? EH_CELL_RAW : EH_CELL_STRING, .flags = EH_CELL_QUOTED};
    cell->len = (uint32_t)(len - doubled);
    cell->as.text = text;
    if (doubled == 0) return true;
    char *out = eh_arena_bytes(w->arena, len - doubled);
    if (out == NULL) return false;
    cell->as.text = out;
    while (len > 0) {
        const char *quote = memchr(text, w->quote, len);
        size_t run = quote != NULL ? (size_t)(quote - text) + 1 : len;
        memcpy(out, text, run);
        out += run;
        run += quote != NULL; /* the second of the pair */
        text += run;
        len -= run;
    }
    return true;
}

/* ---- what ends a record badly ---- */

static void restart(eh_csv_walk *w, size_t at, uint64_t line)
{
    w->at = w->scanned = w->checked = at;
    w->line = line;
    w->next = w->stop = w->index;
    w->segment_doubtful = w->record_doubtful = false;
}

/* The limit came inside a field or a record. Which of the two is too long must not depend on
 * how much was buffered, so the earlier place decides. */
static eh_csv_outcome too_long(const eh_csv_walk *w, eh_csv_record *r, size_t field, size_t end,
                               bool quoted)
{
    if (!quoted) r->fault_line = w->line;
    r->fault_quoted = quoted;
    bool long_field = end - field > w->max_field;
    bool long_record = end - r->start > w->max_record;
    if (long_field && (!long_record || field + w->max_field <= r->start + w->max_record))
        return EH_CSV_LONG_FIELD;
    return long_record ? EH_CSV_LONG_RECORD : EH_CSV_RECORD;
}

/* An open quote at the end of the input would have swallowed all that follows it. So its
 * record's first line alone is given up and the lines after it are read again. That happens
 * once in an input at most: inside the quotes that never closed every run of quotes is even (an
 * odd one would have closed them), and a fresh line opens and closes by odd runs in step with
 * the bad record, but in the opposite state: where that one is inside for good, the fresh one
 * is out. */
static eh_csv_outcome open_quote(eh_csv_walk *w, eh_csv_record *r)
{
    size_t at = r->start;
    while (at < w->limit && !is_line_end(w->data[at])) at++;
    r->text_end = at;
    bool crlf = at + 1 < w->limit && w->data[at] == '\r' && w->data[at + 1] == '\n';
    if (at < w->limit) at += crlf ? 2 : 1;
    r->end = at;
    r->next_line = r->line + 1;
    restart(w, at, r->next_line);
    return EH_CSV_OPEN_QUOTE;
}

static eh_csv_outcome at_limit(eh_csv_walk *w, eh_csv_record *r, size_t field, bool in_quotes)
{
    eh_csv_outcome outcome = too_long(w, r, field, w->limit, in_quotes);
    if (outcome != EH_CSV_RECORD) return outcome;
    if (!w->at_end) return EH_CSV_SHORT;
    return in_quotes ? open_quote(w, r) : EH_CSV_RECORD;
}

/* The record ends with the line end at `at`, or with the input. */
static eh_csv_outcome finish(eh_csv_walk *w, eh_csv_record *r, size_t at,
                             eh_csv_outcome outcome)
{
    if (at - r->start > w->max_record) return EH_CSV_LONG_RECORD;
    r->text_end = at;
    r->end = at < w->limit ? pass_line_end(w, at) : at;
    r->next_line = w->line = w->line + 1;
    r->doubtful = w->record_doubtful;
    w->record_doubtful = w->segment_doubtful;
    w->at = r->end;
    return outcome;
}

/* A quote where none may be. Reading goes on after the next line end, quoted or not: what the
 * bad quote means is unknown, and so the damage is bounded. */
static eh_csv_outcome bare_quote(eh_csv_walk *w, eh_csv_record *r, size_t field, size_t at)
{
    r->fields = field;
    while (take(w, &at))
        if (is_line_end(w->data[at])) return finish(w, r, at, EH_CSV_BARE_QUOTE);
    if (w->limit - r->start > w->max_record) return EH_CSV_LONG_RECORD;
    if (!w->at_end) return EH_CSV_SHORT;
    return finish(w, r, w->limit, EH_CSV_BARE_QUOTE);
}

/* ---- the walk ---- */

typedef struct quoted {
    size_t close;   /* the closing quote */
    size_t doubled; /* pairs inside */
} quoted;

/* From the mark after the opening quote to the closing one; false at the limit. Line ends in
 * between are counted. */
static bool pass_quoted(eh_csv_walk *w, quoted *q)
{
    size_t at;
    *q = (quoted){0, 0};
    while (take(w, &at)) {
        char c = w->data[at];
        if (c == w->quote) {
            q->close = at;
            if (at + 1 >= w->len || w->data[at + 1] != w->quote) return true;
            q->doubled++;
            if (!take(w, &at)) return false;
        } else if (c == '\n' || (c == '\r' && (at + 1 >= w->len || w->data[at + 1] != '\n'))) {
            w->line++;
        }
    }
    return false;
}

/* Reads the quoted field that begins at `open`; *after is the place after its closing quote and
 * *c the mark there (or AT_END). RECORD: so far so good. */
static inline eh_csv_outcome quoted_field(eh_csv_walk *w, eh_csv_record *r, size_t open,
                                          eh_cell *cell, size_t *after, int *c)
{
    quoted q;
    r->fault_line = w->line;
    if (!pass_quoted(w, &q)) return at_limit(w, r, open + 1, true);
    size_t len = q.close - open - 1;
    if (__builtin_expect(len > w->max_field, 0)) return too_long(w, r, open + 1, q.close, true);
    *after = q.close + 1;
    if (*after >= w->limit) {
        if (!w->at_end)
            return w->limit - r->start > w->max_record ? EH_CSV_LONG_RECORD : EH_CSV_SHORT;
        *c = AT_END;
    } else {
        *c = (unsigned char)w->data[*after];
        if (*c != w->delimiter && !is_line_end(*c)) {
            r->after_quote = true;
            return EH_CSV_BARE_QUOTE;
        }
        (void)take(w, after); /* the mark just looked at */
    }
    return put_quoted(w, cell, w->data + open + 1, len, q.doubled) ? EH_CSV_RECORD
                                                                   : EH_CSV_NO_MEMORY;
}

/* Most of what there is, with everything in registers: plain fields that end with a delimiter,
 * as many as are indexed and have room. *count gets them added; returns where the next field
 * begins. */
static inline size_t plain_fields(eh_csv_walk *w, size_t field, eh_cell *cells, size_t capacity,
                                  size_t *count)
{
    const char *data = w->data, delimiter = w->delimiter;
    const uint32_t *next = w->next, *stop = w->stop;
    size_t n = *count, max = w->max_field;
    for (; next != stop && n < capacity; next++, n++) {
        size_t at = *next, len = at - field;
        if (data[at] != delimiter || len > max) break;
        put_plain(w, &cells[n], data + field, len);
        field = at + 1;
    }
    w->next = next;
    *count = n;
    return field;
}

static eh_csv_outcome read_record(eh_csv_walk *w, eh_cell *cells, size_t capacity,
                                  eh_csv_record *r)
{
    eh_cell beyond;
    size_t start = w->at, at = w->limit, count = 0;
    *r = (eh_csv_record){.start = start, .line = w->line};
    for (size_t field = start;; field = at + 1) {
        field = plain_fields(w, field, cells, capacity, &count);
        eh_cell *cell = count < capacity ? &cells[count] : &beyond;
        int c = AT_END;
        if (__builtin_expect(take(w, &at), 1)) {
            c = (unsigned char)w->data[at];
        } else {
            at = w->limit;
            eh_csv_outcome outcome = at_limit(w, r, field, false);
            if (outcome != EH_CSV_RECORD) return outcome;
        }
        if (c == w->quote) {
            eh_csv_outcome outcome =
                at == field ? quoted_field(w, r, at, cell, &at, &c) : EH_CSV_BARE_QUOTE;
            if (outcome == EH_CSV_BARE_QUOTE) return bare_quote(w, r, count, at);
            if (outcome != EH_CSV_RECORD) {
                r->fields = count;
                return outcome;
            }
        } else {
            if (__builtin_expect(at - field > w->max_field, 0))
                return too_long(w, r, field, at, false);
            if (at == start && is_line_end(c)) return finish(w, r, at, EH_CSV_BLANK);
            put_plain(w, cell, w->data + field, at - field);
        }
        count++;
        if (c == w->delimiter) continue;
        r->fields = count;
        return finish(w, r, at, EH_CSV_RECORD);
    }
}

eh_csv_outcome eh_csv_walk_record(eh_csv_walk *w, eh_cell *cells, size_t capacity,
                                  eh_csv_record *r)
{
    eh_csv_outcome outcome = read_record(w, cells, capacity, r);
    if (__builtin_expect(outcome >= EH_CSV_SHORT, 0)) restart(w, r->start, r->line);
    return outcome;
}

void eh_csv_walk_back(eh_csv_walk *w, const eh_csv_record *record)
{
    restart(w, record->start, record->line);
}
