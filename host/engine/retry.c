/* engine/retry.c: dead rows sent through the present declaration again; see stream.h.
 *
 * The dead rows of one file are put together as a file in memory, under the header they had,
 * and loaded like any other. A unit that commits resolves, in the same transaction, the dead
 * rows whose records it has: a retry that is killed and repeated sends only what is left. */
#include "data/csv.h"
#include "data/json.h" /* eh_utf8_valid */
#include "engine/stream_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define QUERY_MAX ((size_t)512 * 1024 * 1024)
#define SPOOL_MAX ((size_t)256 * 1024 * 1024)

/* Dead rows of one file with one header: consecutive rows of the query. */
typedef struct group {
    const eh_doc *first;
    size_t count;
    eh_buf spool;
    eh_retry *places; /* in the arena */
} group;

/* Is there a quote, or a line end, in this CSV record? A quote that is not closed would swallow
 * the records behind it, which may even make a proper one of the two: so it gets a file of its
 * own. */
static bool stands_alone(const eh_doc *row, char quote)
{
    const char *hex = eh_doc_str(row, "raw", "");
    char marks[3][3] = {"0a", "0d", ""};
    (void)snprintf(marks[2], sizeof marks[2], "%02x", (unsigned char)quote);
    if (eh_doc_str(row, "header", "")[0] == '\0') return false;
    for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2)
        for (size_t i = 0; i < 3; i++)
            if (memcmp(hex, marks[i], 2) == 0) return true;
    return false;
}

/* Is it a row of the table, that was refused there? */
static bool is_stored(const eh_doc *row)
{
    return strcmp(eh_doc_str(row, "stored", ""), "t") == 0;
}

static bool same_group(const eh_doc *a, const eh_doc *b, char quote)
{
    return strcmp(eh_doc_str(a, "file", ""), eh_doc_str(b, "file", "")) == 0 &&
           strcmp(eh_doc_str(a, "header", ""), eh_doc_str(b, "header", "")) == 0 &&
           is_stored(a) == is_stored(b) && !stands_alone(a, quote) && !stands_alone(b, quote);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c - 'A' + 10;
}

/* A record of JSON is put on one line: in well-formed JSON line ends are only white space. */
static bool append_raw(eh_buf *out, const char *hex, bool json, eh_err *err)
{
    for (size_t i = 0; hex[i] != '\0' && hex[i + 1] != '\0'; i += 2) {
        char byte = (char)(hex_digit(hex[i]) * 16 + hex_digit(hex[i + 1]));
        if (json && (byte == '\n' || byte == '\r')) byte = ' ';
        if (!eh_buf_append_byte(out, byte, err)) return false;
    }
    return eh_buf_append_byte(out, '\n', err);
}

/* Raw bytes are kept as UTF-8, unless they could not be read so. Where the present declaration
 * names another encoding, they may be in that. */
static bool decode_raw(eh_buf *out, size_t from, const char *encoding_name, eh_err *err)
{
    eh_csv_encoding encoding = EH_CSV_UTF8;
    eh_slice raw = eh_slice_of(out->data + from, out->len - from);
    if (eh_utf8_valid(raw.data, raw.len)) return true;
    bool named = eh_csv_encoding_named(encoding_name, &encoding);
    if (!named || (encoding != EH_CSV_LATIN1 && encoding != EH_CSV_WINDOWS_1252)) return true;
    eh_buf text;
    eh_buf_init(&text, SPOOL_MAX);
    bool ok = eh_csv_raw_text(encoding, raw, &text, err);
    if (ok) {
        out->len = from;
        ok = eh_buf_append(out, text.data, text.len, err);
    }
    eh_buf_free(&text);
    return ok;
}

static bool new_places(group *g, eh_arena *arena, eh_err *err)
{
    eh_retry *p = g->places = eh_arena_zalloc(arena, 1, sizeof *p);
    if (p == NULL) return eh_fail_memory(err, "dead rows");
    *p = (eh_retry){.count = g->count,
                    .stored = is_stored(g->first),
                    .ids = eh_arena_zalloc(arena, g->count, sizeof *p->ids),
                    .starts = eh_arena_zalloc(arena, g->count, sizeof *p->starts),
                    .rows = eh_arena_zalloc(arena, g->count, sizeof *p->rows),
                    .lines = eh_arena_zalloc(arena, g->count, sizeof *p->lines)};
    return (p->ids != NULL && p->starts != NULL && p->rows != NULL && p->lines != NULL) ||
           eh_fail_memory(err, "dead rows");
}

static bool fill_group(group *g, const char *encoding, eh_arena *arena, eh_err *err)
{
    const char *header = eh_doc_str(g->first, "header", "");
    bool json = header[0] == '\0';
    if (!new_places(g, arena, err)) return false;
    if (!json && !eh_buf_printf(&g->spool, err, "%s\n", header + 1)) return false;
    const eh_doc *d = g->first;
    for (size_t i = 0; i < g->count; i++, d = d->next) {
        g->places->ids[i] = eh_doc_str(d, "dead_id", "0");
        g->places->starts[i] = g->spool.len;
        g->places->rows[i] = strtoull(eh_doc_str(d, "row_number", "0"), NULL, 10);
        g->places->lines[i] = strtoull(eh_doc_str(d, "line", "0"), NULL, 10);
        if (!append_raw(&g->spool, eh_doc_str(d, "raw", ""), json, err) ||
            (!json && !decode_raw(&g->spool, g->places->starts[i], encoding, err)))
            return false;
    }
    return true;
}

/* How the spool is parsed: the declared format, with the delimiter that the file had. */
static const eh_doc *spool_format(const eh_stream *s, const group *g, eh_arena *arena,
                                  eh_err *err)
{
    const char *header = eh_doc_str(g->first, "header", "");
    const eh_doc *declared = eh_doc_get(s->declaration, "format");
    eh_doc *format = eh_doc_map(arena);
    bool json = header[0] == '\0';
    bool ok = eh_doc_put_str(arena, format, "type", eh_slice_str(json ? "jsonl" : "csv"), err);
    if (ok && !json)
        ok = eh_doc_put_str(arena, format, "delimiter", eh_slice_of(header, 1), err);
    static const char *const kept[] = {"quote", "nulls"};
    for (size_t i = 0; ok && i < 2; i++) {
        const eh_doc *value = eh_doc_get(declared, kept[i]);
        if (value != NULL)
            ok = eh_doc_put(arena, format, eh_slice_str(kept[i]),
                            eh_doc_copy(arena, value, NULL), err);
    }
    return ok ? format : NULL;
}

static bool write_spool(eh_file *file, const group *g, eh_err *err)
{
    file->fd = memfd_create("etlhost-dead-rows", MFD_CLOEXEC);
    if (file->fd < 0) return eh_fail(err, EH_CLASS_LIMIT, "cannot make a file in memory");
    for (size_t done = 0; done < g->spool.len;) {
        ssize_t n = write(file->fd, g->spool.data + done, g->spool.len - done);
        if (n <= 0) return eh_fail(err, EH_CLASS_LIMIT, "cannot write a file in memory");
        done += (size_t)n;
    }
    file->size = g->spool.len;
    file->ours = true;
    return true;
}

/* By the ids, not by the content: the same bytes may be dead twice. */
static void name_identity(eh_file *file, const group *g)
{
    uint64_t hash = 0xcbf29ce484222325ULL; /* FNV-1a of the ids */
    for (size_t i = 0; i < g->count; i++)
        for (size_t c = 0; c <= strlen(g->places->ids[i]); c++) /* with the NUL between them */
            hash = (hash ^ (unsigned char)g->places->ids[i][c]) * 0x100000001b3ULL;
    (void)snprintf(file->identity, sizeof file->identity, "dead:%zu:%016" PRIx64 ":%s",
                   g->count, hash, g->places->ids[0]);
}

static bool retry_group(eh_stream *s, group *g, eh_arena *arena, eh_err *err)
{
    eh_stream_file *f = eh_stream_new_file(s, eh_doc_str(g->first, "file", ""), err);
    if (f == NULL) return false;
    f->retry = g->places;
    f->format = spool_format(s, g, arena, err);
    if (f->format == NULL || !write_spool(&f->file, g, err)) {
        eh_stream_free_file(f);
        return false;
    }
    name_identity(&f->file, g);
    bool ok = eh_stream_run_file(s, f, eh_stream_load_identified, err);
    eh_stream_retire(s, false);
    return ok;
}

static bool retry_all(eh_stream *s, const eh_doc *rows, eh_arena *arena, uint64_t *count,
                      eh_err *err)
{
    bool ok = true;
    const eh_doc *format = eh_doc_get(s->declaration, "format");
    const char *quote = eh_doc_str(format, "quote", "\"");
    const char *encoding = eh_doc_str(format, "encoding", "");
    for (const eh_doc *d = eh_doc_first(rows); ok && d != NULL;) {
        group g = {.first = d, .count = 1};
        eh_buf_init(&g.spool, SPOOL_MAX);
        for (d = d->next; d != NULL && same_group(g.first, d, quote[0]); d = d->next) g.count++;
        ok = fill_group(&g, encoding, arena, err) && retry_group(s, &g, arena, err);
        *count += ok ? g.count : 0;
        eh_buf_free(&g.spool);
    }
    return ok && eh_loader_drain(s->loader, err);
}

bool eh_stream_retry(eh_stream *s, const char *dead_id, uint64_t *count, eh_err *err)
{
    *count = 0;
    if (s->loader == NULL && !eh_stream_open(s, err)) return false;
    eh_arena *arena = eh_arena_new(QUERY_MAX);
    if (arena == NULL) return eh_fail_memory(err, "dead rows");
    char stream_id[24];
    (void)snprintf(stream_id, sizeof stream_id, "%" PRId64,
                   eh_loader_state(s->loader)->stream_id);
    const char *params[2] = {stream_id, dead_id};
    eh_doc *rows = NULL;
    bool ok = eh_dest_query(s->run->dest, "dead_retry_list", params, 2, arena, &rows, err) &&
              retry_all(s, rows, arena, count, err);
    /* The retried rows' places are in this arena: no unit may refer to them any more. */
    if (!ok) eh_loader_abandon(s->loader, err);
    eh_stream_retire(s, true);
    eh_arena_free(arena);
    return ok;
}
