/* data/csv.c: the CSV parser as data/parser.h wants it; see csv.h, and csv_scan.h for its
 * parts.
 *
 * Here live the buffer, the bounds of batches and what becomes of bad records. A batch is cut
 * out of a window: the batch_bytes after the last one, looked at only once they (and a byte
 * more) or the end of the input are there. So the bounds never depend on how the input was cut.
 * A record that is longer than the window doubles it until it fits, and is a batch of its own.
 */
#include "data/csv_scan.h"

#include <inttypes.h>
#include <stdlib.h>

#define MIB             ((size_t)1024 * 1024)
#define MAX_FIELD_BYTES (256 * MIB)
#define MAX_FEED_BYTES  (1024 * MIB) /* keeps positions within 32 bits */

enum {
    SAMPLE_BYTES = 65536, /* what the delimiter is detected from */
    FIRST_LINE_BYTES = 8, /* enough to see `sep=;` and its line end */
    RECORD_FIELDS = 4,    /* longest fields that a record may be made of */
    MAX_COLUMNS = 16384
};

typedef enum stage { STAGE_FIRST_LINE, STAGE_HEADER, STAGE_RECORDS } stage;

typedef struct csv {
    eh_parser base;
    eh_arena *arena; /* options and names */
    eh_buf buf;
    size_t pos; /* what is before it in buf is done with */
    bool last;
    eh_csv_decoder decoder;
    eh_csv_walk walk;
    stage stage;
    bool no_header;
    bool names_given;
    eh_slice *names;
    size_t name_count;
    size_t batch_rows;
    size_t batch_bytes;
    size_t need;         /* the window: bytes that must be there, unless the input ended */
    uint64_t offset;     /* of pos, in bytes as fed */
    uint64_t batch_from; /* where the last batch ended */
    uint64_t row;        /* records done with */
} csv;

static csv *csv_of(eh_parser *parser)
{
    return (csv *)(void *)parser;
}

static const csv *csv_of_const(const eh_parser *parser)
{
    return (const csv *)(const void *)parser;
}

/* ---- making ---- */

static void csv_free(eh_parser *parser)
{
    csv *p = csv_of(parser);
    eh_arena_free(p->arena);
    eh_buf_free(&p->buf);
    free(p->walk.index);
    free(p);
}

static bool copy_slices(eh_arena *arena, const eh_slice *from, size_t count, eh_slice **to,
                        eh_err *err)
{
    *to = eh_arena_zalloc(arena, count, sizeof **to);
    if (*to == NULL) return eh_fail_memory(err, "a CSV parser");
    for (size_t i = 0; i < count; i++) {
        char *text = eh_arena_strndup(arena, from[i].data, from[i].len);
        if (text == NULL) return eh_fail_memory(err, "a CSV parser");
        (*to)[i] = eh_slice_of(text, from[i].len);
    }
    return true;
}

static bool check_options(const eh_csv_options *o, char quote, eh_err *err)
{
    if (o->delimiter != 0 && !eh_csv_delimiter_ok(o->delimiter, quote))
        return eh_fail(err, EH_CLASS_CONFIG, "byte 0x%02x cannot be a CSV delimiter",
                       (unsigned)(unsigned char)o->delimiter);
    if (!eh_csv_delimiter_ok(quote, 0))
        return eh_fail(err, EH_CLASS_CONFIG, "byte 0x%02x cannot be a CSV quote",
                       (unsigned)(unsigned char)quote);
    bool no_columns = o->columns == NULL && !o->no_header;
    if (o->from.offset != 0 && (o->delimiter == 0 || no_columns))
        return eh_fail(err, EH_CLASS_CONFIG,
                       "going on inside a CSV file needs its columns and its delimiter");
    if (o->max_field_bytes > MAX_FIELD_BYTES || o->batch_bytes > MAX_FIELD_BYTES ||
        o->scan_bytes > MAX_FIELD_BYTES)
        return eh_fail(err, EH_CLASS_CONFIG, "CSV fields and batches are limited to %zu bytes",
                       MAX_FIELD_BYTES);
    if (o->columns != NULL && (o->column_count == 0 || o->column_count > MAX_COLUMNS))
        return eh_fail(err, EH_CLASS_CONFIG, "a CSV file has 1 to %d columns, not %zu",
                       (int)MAX_COLUMNS, o->column_count);
    return true;
}

static bool set_nulls(csv *p, const eh_csv_options *o, eh_err *err)
{
    eh_slice *nulls;
    if (!copy_slices(p->arena, o->nulls, o->null_count, &nulls, err)) return false;
    p->walk.nulls = nulls;
    p->walk.null_count = o->null_count;
    for (size_t i = 0; i < o->null_count; i++)
        if (nulls[i].len > 0) /* the empty field is NULL without being declared */
            p->walk.null_lengths |= (uint64_t)1 << (nulls[i].len < 63 ? nulls[i].len : 63);
    return true;
}

static bool set_walk(csv *p, const eh_csv_options *o, char quote, eh_err *err)
{
    eh_csv_walk *w = &p->walk;
    w->scan = eh_csv_scan_for(o->simd);
    if (w->scan == NULL)
        return eh_fail(err, EH_CLASS_CONFIG, "this processor has no SIMD level %d", o->simd);
    w->segment = o->scan_bytes != 0 ? o->scan_bytes : EH_CSV_SEGMENT;
    w->index = malloc((w->segment + EH_CSV_INDEX_SLACK) * sizeof *w->index);
    if (w->index == NULL) return eh_fail_memory(err, "a CSV parser");
    w->delimiter = o->delimiter;
    w->quote = quote;
    w->max_field = o->max_field_bytes != 0 ? o->max_field_bytes : 16 * MIB;
    w->max_record = RECORD_FIELDS * w->max_field;
    w->line = o->from.line != 0 ? o->from.line : 1;
    return set_nulls(p, o, err);
}

static bool set_up(csv *p, const eh_csv_options *o, eh_err *err)
{
    char quote = '"';
    if (o->quote != 0) quote = o->quote;
    p->batch_rows = o->batch_rows != 0 ? o->batch_rows : 4096;
    p->batch_bytes = o->batch_bytes != 0 ? o->batch_bytes : MIB / 2;
    size_t first = o->delimiter != 0 ? FIRST_LINE_BYTES : SAMPLE_BYTES;
    p->need = p->batch_bytes > first ? p->batch_bytes : first;
    p->no_header = o->no_header;
    p->offset = p->batch_from = o->from.offset;
    p->row = o->from.row;
    p->decoder.encoding = o->encoding;
    if (!check_options(o, quote, err) || !set_walk(p, o, quote, err)) return false;
    eh_buf_init(&p->buf, p->walk.max_record + p->batch_bytes + SAMPLE_BYTES + MAX_FEED_BYTES);
    if (o->columns != NULL) {
        p->names_given = true;
        p->name_count = o->column_count;
        if (!copy_slices(p->arena, o->columns, o->column_count, &p->names, err)) return false;
    }
    if (o->from.offset != 0) {
        p->stage = STAGE_RECORDS;
        p->need = p->batch_bytes;
        p->decoder.begun = true;
        if (o->encoding == EH_CSV_DETECT) p->decoder.encoding = EH_CSV_UTF8;
    }
    return true;
}

/* ---- feeding ---- */

static bool csv_feed(eh_parser *parser, const char *data, size_t len, bool last, eh_err *err)
{
    csv *p = csv_of(parser);
    if (p->last) return eh_fail(err, EH_CLASS_BUG, "CSV input was fed after its end");
    if (p->pos > 0) {
        eh_buf_consume(&p->buf, p->pos);
        p->pos = 0;
    }
    bool begun = p->decoder.begun;
    if (!eh_csv_decode(&p->decoder, eh_slice_of(data, len), last, &p->buf, err)) return false;
    if (!begun && p->decoder.begun) p->offset = p->batch_from = p->decoder.mark;
    p->last = last;
    return true;
}

/* ---- what becomes of records ---- */

/* Moves the parser past a record or a blank line. */
static inline void pass(csv *p, const eh_csv_record *r)
{
    const char *text = p->walk.data + r->start;
    p->offset += eh_csv_encoded_length(p->decoder.encoding, text, r->end - r->start);
    p->pos = r->end;
}

static eh_csv_judge judge(const csv *p, size_t columns)
{
    return (eh_csv_judge){&p->walk, p->decoder.encoding, p->names, p->name_count, columns};
}

/* ---- first line and header ---- */

static void read_first_line(csv *p)
{
    eh_csv_walk *w = &p->walk;
    char delimiter;
    size_t len = eh_csv_sep_line(p->buf.data + p->pos, p->buf.len - p->pos, &delimiter);
    if (len > 0 && eh_csv_delimiter_ok(delimiter, w->quote)) {
        if (w->delimiter == 0) w->delimiter = delimiter;
        p->offset += eh_csv_encoded_length(p->decoder.encoding, p->buf.data + p->pos, len);
        p->pos += len;
        w->line++;
    }
    size_t left = p->buf.len - p->pos;
    if (w->delimiter == 0)
        w->delimiter = eh_csv_detect(p->buf.data + p->pos,
                                     left < SAMPLE_BYTES ? left : SAMPLE_BYTES, w->quote);
    p->stage = p->no_header ? STAGE_RECORDS : STAGE_HEADER;
    p->need = p->batch_bytes;
}

static bool name_columns(csv *p, eh_cell *cells, size_t count, eh_err *err)
{
    if (count > MAX_COLUMNS)
        return eh_fail(err, EH_CLASS_LIMIT, "the CSV file has %zu columns; at most %d are read",
                       count, (int)MAX_COLUMNS);
    eh_slice *names = eh_arena_zalloc(p->arena, count, sizeof *names);
    if (names == NULL) return eh_fail_memory(err, "the columns of a CSV file");
    if (!eh_csv_name_columns(p->arena, cells, count, names, err)) return false;
    p->names = names;
    p->name_count = count;
    return true;
}

/* Takes the header that is at r, whose fields have been counted. */
static bool take_header(csv *p, eh_csv_record *r, eh_err *err)
{
    if (p->names_given) {
        if (r->fields == p->name_count) return true;
        return eh_fail(err, EH_CLASS_DATA, "the header has %zu columns where %zu are expected",
                       r->fields, p->name_count);
    }
    size_t count = r->fields;
    eh_cell *cells = calloc(count, sizeof *cells);
    if (cells == NULL) return eh_fail_memory(err, "the columns of a CSV file");
    /* A column may well be called "NULL". */
    uint64_t null_lengths = p->walk.null_lengths;
    p->walk.null_lengths = 0;
    eh_csv_walk_back(&p->walk, r);
    bool ok = eh_csv_walk_record(&p->walk, cells, count, r) == EH_CSV_RECORD ||
              eh_fail_memory(err, "the columns of a CSV file");
    p->walk.null_lengths = null_lengths;
    ok = ok && name_columns(p, cells, count, err);
    free(cells);
    return ok;
}

static bool good_header(const csv *p, const eh_csv_record *r, eh_csv_outcome outcome,
                        eh_err *err)
{
    eh_csv_fault f;
    eh_csv_judge j = judge(p, r->fields);
    if (!eh_csv_find_fault(&j, r, outcome, &f)) return true;
    return eh_fail(err, EH_CLASS_DATA, "the header on line %" PRIu64 " cannot be read: %s",
                   r->line, f.reason);
}

/* What the window was good for. */
typedef enum got { GOT_SOME, GOT_NOTHING, GOT_ERROR } got;

static void aim(csv *p)
{
    size_t left = p->buf.len - p->pos;
    size_t limit = p->pos + (left < p->need ? left : p->need);
    eh_csv_walk_begin(&p->walk, eh_buf_slice(&p->buf), p->pos, limit,
                      p->last && limit == p->buf.len);
}

static got read_header(csv *p, eh_err *err)
{
    eh_csv_record r;
    eh_csv_outcome outcome = EH_CSV_BLANK;
    p->walk.arena = p->arena;
    aim(p);
    while (outcome == EH_CSV_BLANK) {
        if (p->walk.at >= p->walk.limit) return GOT_SOME;
        outcome = eh_csv_walk_record(&p->walk, NULL, 0, &r);
        if (outcome == EH_CSV_BLANK) pass(p, &r);
    }
    if (outcome == EH_CSV_SHORT) return GOT_NOTHING;
    if (outcome > EH_CSV_SHORT) {
        (void)eh_csv_fail_long(&p->walk, &r, outcome, err);
        return GOT_ERROR;
    }
    if (!good_header(p, &r, outcome, err) || !take_header(p, &r, err)) return GOT_ERROR;
    pass(p, &r);
    p->batch_from = p->offset;
    p->stage = STAGE_RECORDS;
    return GOT_SOME;
}

/* ---- records to batches ---- */

static bool add_dead(csv *p, const eh_csv_record *r, const eh_csv_fault *f, eh_batch *batch,
                     eh_err *err)
{
    uint64_t offset = p->offset;
    size_t pos = p->pos;
    pass(p, r);
    eh_dead dead = {
        .place = {.offset = offset, .end = p->offset, .row = p->row + 1, .line = r->line},
        .raw = eh_slice_of(p->walk.data + r->start, r->text_end - r->start),
        .column = f->column,
        .code = eh_slice_str(f->code),
        .reason = eh_slice_str(f->reason),
    };
    /* A batch that others have filled is handed out first, and this record is met again. */
    bool first = batch->rows + batch->dead_count == 0;
    if (eh_batch_add_dead(batch, &dead, first ? err : NULL)) {
        /* Which byte it was is not to be seen from its UTF-8 form. */
        if (f->unreadable) batch->dead[batch->dead_count - 1].raw = eh_slice_of(NULL, 0);
        p->row++;
        return true;
    }
    p->offset = offset;
    p->pos = pos;
    eh_csv_walk_back(&p->walk, r);
    return false;
}

static inline void add_good(csv *p, const eh_csv_record *r, eh_batch *batch)
{
    eh_place *place = &batch->places[batch->rows - 1];
    place->offset = p->offset;
    pass(p, r);
    place->end = p->offset;
    place->row = ++p->row;
    place->line = r->line;
}

/* Without a header the first well-formed record says how many columns there are. */
static bool number_columns(csv *p, const eh_csv_record *r, eh_batch *batch, eh_err *err)
{
    eh_cell *none = calloc(r->fields, sizeof *none);
    if (none == NULL) return eh_fail_memory(err, "the columns of a CSV file");
    bool ok = name_columns(p, none, r->fields, err) &&
              eh_batch_set_columns(batch, p->name_count, err);
    free(none);
    eh_csv_walk_back(&p->walk, r);
    return ok;
}

/* A record that was doubted or is bad. Its cells are in the row after the batch's last. */
static bool settle(csv *p, const eh_csv_record *r, eh_csv_outcome outcome, eh_batch *batch,
                   eh_err *err)
{
    eh_csv_fault f;
    eh_csv_judge j = judge(p, p->names != NULL ? p->name_count : r->fields);
    if (eh_csv_find_fault(&j, r, outcome, &f)) return add_dead(p, r, &f, batch, err);
    if (p->names == NULL) return number_columns(p, r, batch, err);
    batch->rows++;
    add_good(p, r, batch);
    return true;
}

/* A record that is not simply a row. False: the batch ends before it; when the batch is empty,
 * and the record is not SHORT, err is set. */
static bool add_other(csv *p, const eh_csv_record *r, eh_csv_outcome outcome, eh_batch *batch,
                      eh_err *err)
{
    if (outcome == EH_CSV_BLANK) {
        pass(p, r);
        return true;
    }
    if (outcome < EH_CSV_SHORT) return settle(p, r, outcome, batch, err);
    if (outcome > EH_CSV_SHORT && batch->rows + batch->dead_count == 0)
        (void)eh_csv_fail_long(&p->walk, r, outcome, err);
    return false;
}

static got read_records(csv *p, eh_batch *batch, eh_err *err)
{
    static const eh_place nowhere;
    eh_csv_walk *w = &p->walk;
    size_t start = p->pos, most = p->need > p->batch_bytes ? 1 : p->batch_rows;
    if (!eh_batch_set_columns(batch, p->name_count, err)) return GOT_ERROR;
    w->arena = batch->arena;
    aim(p);
    while (w->at < w->limit && batch->rows + batch->dead_count < most) {
        eh_csv_record r;
        eh_cell *cells = eh_batch_add_row(batch, &nowhere, err);
        if (cells == NULL) return GOT_ERROR;
        eh_csv_outcome outcome = eh_csv_walk_record(w, cells, p->name_count, &r);
        if (__builtin_expect(
                outcome == EH_CSV_RECORD && r.fields == p->name_count && !r.doubtful, 1)) {
            add_good(p, &r, batch);
            continue;
        }
        batch->rows--;
        if (add_other(p, &r, outcome, batch, err)) continue;
        if (outcome != EH_CSV_SHORT && batch->rows + batch->dead_count == 0) return GOT_ERROR;
        break;
    }
    return p->pos > start ? GOT_SOME : GOT_NOTHING;
}

static eh_parse hand_out(csv *p, eh_batch *batch)
{
    batch->start = p->batch_from;
    batch->end = p->batch_from = p->offset;
    batch->end_row = p->row;
    batch->end_line = p->walk.line;
    return EH_PARSE_BATCH;
}

static eh_parse read_on(csv *p, eh_batch *batch, eh_err *err)
{
    for (;;) {
        if (!p->last && p->buf.len - p->pos <= p->need) return EH_PARSE_MORE;
        if (p->pos == p->buf.len) return EH_PARSE_END;
        if (p->stage == STAGE_FIRST_LINE) {
            read_first_line(p);
            continue;
        }
        got g = p->stage == STAGE_HEADER ? read_header(p, err) : read_records(p, batch, err);
        if (g == GOT_ERROR) return EH_PARSE_ERROR;
        p->need = g == GOT_NOTHING ? p->need * 2 : p->batch_bytes;
        if (batch->rows + batch->dead_count > 0) return hand_out(p, batch);
    }
}

static eh_parse csv_next(eh_parser *parser, eh_batch *batch, eh_err *err)
{
    csv *p = csv_of(parser);
    eh_batch_reset(batch);
    eh_parse result = read_on(p, batch, err);
    if (!eh_batch_set_columns(batch, p->name_count, err)) return EH_PARSE_ERROR;
    return result;
}

static const eh_slice *csv_columns(const eh_parser *parser, size_t *count)
{
    const csv *p = csv_of_const(parser);
    *count = p->name_count;
    return p->names;
}

static const eh_parser_ops csv_ops = {csv_feed, csv_next, csv_columns, csv_free};

eh_parser *eh_csv_new(const eh_csv_options *options, eh_err *err)
{
    csv *p = calloc(1, sizeof *p);
    eh_arena *arena = p != NULL ? eh_arena_new(512 * MIB) : NULL;
    if (arena == NULL) {
        free(p);
        (void)eh_fail_memory(err, "a CSV parser");
        return NULL;
    }
    p->base.ops = &csv_ops;
    p->arena = arena;
    if (set_up(p, options, err)) return &p->base;
    csv_free(&p->base);
    return NULL;
}

char eh_csv_delimiter(const eh_parser *parser)
{
    return csv_of_const(parser)->walk.delimiter;
}

eh_csv_encoding eh_csv_encoding_of(const eh_parser *parser)
{
    return csv_of_const(parser)->decoder.encoding;
}
