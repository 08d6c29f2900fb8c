/* tests/c/test_oom.c: the units that hold no file and no connection (base, data, wire), with
 * each allocation failing in turn; see oom.h. Those that do are in test_oom_io.c, whole engines
 * in test_engine_oom.c, the jail in test_jail_oom.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include "oom.h"

#include "base/map.h"
#include "data/copyenc.h"
#include "data/csv.h"
#include "data/decompress.h"
#include "data/json.h"
#include "data/names.h"
#include "data/print.h"
#include "data/projects.h"
#include "data/transform.h"
#include "data/yaml.h"
#include "wire/frame.h"
#include "wire/window.h"

#include <brotli/encode.h>
#include <stdio.h>
#include <zlib.h>
#include <zstd.h>

#define ARENA ((size_t)16 * 1024 * 1024)

static bool wrong(eh_err *err, const char *what)
{
    return eh_fail(err, EH_CLASS_BUG, "%s", what);
}

/* ---- CSV and JSON ---------------------------------------------------------------------------
 */

typedef struct parsed {
    eh_csv_options csv;
    eh_json_options json;
    bool is_csv;
    eh_slice text;
    size_t rows; /* and dead ones, together */
    size_t chunk;
} parsed;

static bool parse_all(const parsed *p, eh_parser *parser, eh_batch *batch, eh_err *err)
{
    size_t seen = 0, at = 0;
    for (;;) {
        switch (eh_parser_next(parser, batch, err)) {
        case EH_PARSE_BATCH:
            seen += batch->rows + batch->dead_count;
            break;
        case EH_PARSE_MORE: {
            size_t len = p->text.len - at < p->chunk ? p->text.len - at : p->chunk;
            if (!eh_parser_feed(parser, p->text.data + at, len, at + len == p->text.len, err))
                return false;
            at += len;
            break;
        }
        case EH_PARSE_END:
            return seen == p->rows || wrong(err, "rows are missing");
        case EH_PARSE_ERROR:
            return false;
        }
    }
}

static bool parse(void *what, eh_err *err)
{
    const parsed *p = what;
    eh_batch batch;
    if (!eh_batch_init(&batch, ARENA, err)) {
        eh_batch_free(&batch);
        return false;
    }
    eh_parser *parser = p->is_csv ? eh_csv_new(&p->csv, err) : eh_json_new(&p->json, err);
    bool ok = parser != NULL && parse_all(p, parser, &batch, err);
    eh_parser_free(parser);
    eh_batch_free(&batch);
    return ok;
}

/* `count` records, every tenth of them a dead one. */
static void fill(eh_buf *text, const char *head, const char *good, const char *dead, int count)
{
    eh_buf_init(text, ARENA);
    assert_true(eh_buf_append_str(text, head, NULL));
    for (int i = 0; i < count; i++)
        assert_true(eh_buf_append_str(text, i % 10 == 9 ? dead : good, NULL));
}

static void csv(void **state)
{
    (void)state;
    static const eh_slice nulls[] = {{"NULL", 4}, {"-", 1}};
    static const char *const heads[] = {"sep=;\na;b;b;;\"long \"\"name\"\"\"\n", "a,b,b,,e\n"};
    for (int i = 0; i < 4; i++) {
        eh_buf text;
        const char *good =
            i % 2 == 0 ? "1;\"a\"\"b\nc\";NULL;;-\n" : "1,\"a\"\"b\nc\",NULL,,-\n";
        fill(&text, heads[i % 2], good, "x\n", 300);
        parsed p = {.csv = {.nulls = nulls, .null_count = 2, .batch_rows = 50},
                    .is_csv = true,
                    .text = eh_buf_slice(&text),
                    .rows = 300,
                    .chunk = i < 2 ? 1000 : 37};
        if (i == 3) p.csv.encoding = EH_CSV_WINDOWS_1252;
        oom_sweep(parse, &p);
        eh_buf_free(&text);
    }
}

static void json(void **state)
{
    (void)state;
    static const char record[] =
        "{\"k\":\"a\\n\",\"o\":[{\"x\":1,\"\\u0078\":2},{\"a\":1,\"b\":1,\"c\":1,\"d\":1,"
        "\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1}]}";
    static const struct {
        eh_json_options options;
        const char *open, *between, *dead, *close;
    } cases[] = {
        {{.shape = EH_JSON_DETECT}, "", "\n", "xx", ""},
        {{.shape = EH_JSON_ARRAY, .batch_bytes = 5000}, "[", ",", "1", "]"},
        {{.shape = EH_JSON_DOCUMENT, .path = {"d", 1}}, "{\"d\":[", ",", "1", "]}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        eh_buf text;
        eh_buf_init(&text, ARENA);
        assert_true(eh_buf_append_str(&text, cases[i].open, NULL));
        for (int r = 0; r < 200; r++)
            assert_true(eh_buf_printf(&text, NULL, "%s%s", r > 0 ? cases[i].between : "",
                                      r % 50 == 49 ? cases[i].dead : record));
        assert_true(eh_buf_append_str(&text, cases[i].close, NULL));
        parsed p = {
            .json = cases[i].options, .text = eh_buf_slice(&text), .rows = 200, .chunk = 1000};
        oom_sweep(parse, &p);
        eh_buf_free(&text);
    }
}

static bool check_json(void *what, eh_err *err)
{
    bool twice = false;
    return eh_json_check(*(const eh_slice *)what, &twice, err) &&
           (twice || wrong(err, "a key that is there twice was not seen"));
}

static void one_json_text(void **state)
{
    (void)state;
    eh_slice text = eh_slice_str(
        "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":[[{\"j\":2}]],"
        "\"k\":1,\"l\":1,\"m\":1,\"n\":1,\"o\":1,\"p\":1,\"q\":1,\"\\u0061\":2}");
    oom_sweep(check_json, &text);
}

/* ---- compressed data ------------------------------------------------------------------------
 */

typedef struct packed {
    eh_coding coding;
    char bytes[65536];
    size_t len;
} packed;

enum { PLAIN_BYTES = 200000 };

static bool unpack(void *what, eh_err *err)
{
    const packed *p = what;
    char out[4096];
    size_t total = 0, produced = 0;
    bool done = false, ok = true;
    eh_slice in = {p->bytes, p->len};
    eh_decompress *d = eh_decompress_new(p->coding, 0, 100000, err);
    if (d == NULL) return false;
    while (ok && !done) {
        ok = eh_decompress_run(d, &in, true, out, sizeof out, &produced, &done, err);
        total += ok ? produced : 0;
    }
    eh_decompress_free(d);
    return ok && (total == PLAIN_BYTES || wrong(err, "bytes are missing"));
}

static bool inflate_text(void *what, eh_err *err)
{
    const packed *p = what;
    eh_buf out;
    eh_buf_init(&out, ARENA);
    bool ok = eh_inflate(eh_slice_of(p->bytes, p->len), &out, err) &&
              (out.len == PLAIN_BYTES || wrong(err, "bytes are missing"));
    eh_buf_free(&out);
    return ok;
}

static void compressed(void **state)
{
    (void)state;
    static packed p;
    char *plain = malloc(PLAIN_BYTES);
    assert_non_null(plain);
    for (size_t i = 0; i < PLAIN_BYTES; i++) plain[i] = (char)('a' + (i / 7 + i % 13) % 26);
    for (int c = EH_CODING_GZIP; c <= EH_CODING_BROTLI; c++) {
        p.coding = (eh_coding)c;
        p.len = sizeof p.bytes;
        if (c == EH_CODING_GZIP) {
            z_stream z = {.next_in = (Bytef *)plain, .avail_in = PLAIN_BYTES};
            z.next_out = (Bytef *)p.bytes;
            z.avail_out = sizeof p.bytes;
            assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
            assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
            p.len = z.total_out;
            assert_int_equal(deflateEnd(&z), Z_OK);
        } else if (c == EH_CODING_ZSTD) {
            p.len = ZSTD_compress(p.bytes, sizeof p.bytes, plain, PLAIN_BYTES, 3);
            assert_false(ZSTD_isError(p.len));
        } else {
            assert_true(BrotliEncoderCompress(5, 22, BROTLI_MODE_TEXT, PLAIN_BYTES,
                                              (const uint8_t *)plain, &p.len,
                                              (uint8_t *)p.bytes));
        }
        oom_sweep(unpack, &p);
    }
    uLongf len = sizeof p.bytes;
    assert_int_equal(compress2((Bytef *)p.bytes, &len, (const Bytef *)plain, PLAIN_BYTES, 6),
                     Z_OK);
    p.len = len;
    oom_sweep(inflate_text, &p);
    free(plain);
}

/* ---- batches, changes, names ----------------------------------------------------------------
 */

static bool add_rows(eh_batch *batch, size_t rows, eh_err *err)
{
    static const char *const texts[] = {
        "1", "ann@example.org", "+49 30 1234567", "2026-03-29 02:30:00", "1700000000", "x"};
    for (size_t r = 0; r < rows; r++) {
        eh_place place = {r * 10, r * 10 + 10, r + 1, r + 2};
        eh_cell *cells = eh_batch_add_row(batch, &place, err);
        if (cells == NULL) return false;
        for (size_t c = 0; c < batch->columns; c++)
            cells[c] = (eh_cell){
                .kind = EH_CELL_RAW, .len = (uint32_t)strlen(texts[c]), .as.text = texts[c]};
    }
    return true;
}

static bool fill_batch(void *what, eh_err *err)
{
    (void)what;
    eh_batch batch;
    eh_dead dead = {.raw = {"raw", 3}, .code = {"c", 1}, .reason = {"why", 3}};
    if (!eh_batch_init(&batch, ARENA, err)) {
        eh_batch_free(&batch);
        return false;
    }
    bool ok = eh_batch_set_columns(&batch, 3, err) && add_rows(&batch, 3000, err) &&
              eh_batch_set_columns(&batch, 6, err) && add_rows(&batch, 3000, err);
    for (int i = 0; ok && i < 100; i++) ok = eh_batch_add_dead(&batch, &dead, err);
    eh_batch_reset(&batch);
    ok =
        ok && add_rows(&batch, 10, err) && (batch.rows == 10 || wrong(err, "rows are missing"));
    eh_batch_free(&batch);
    return ok;
}

static eh_doc *declaration(eh_arena *arena)
{
    eh_err err = {.class_ = EH_OK};
    eh_doc *doc = eh_yaml_parse(arena,
                                eh_slice_str("rename: {a: x, b: y}\nhash: [b]\nmask: [c]\n"
                                             "drop: [f]\nconstants: {k: v, l: w}\n"
                                             "discard: {a: ['9', '8']}\n"
                                             "columns: {d: {type: timestamp, zone: '+02:00'}, "
                                             "e: {type: timestamp, epoch: s}}\n"),
                                "d.yaml", &err);
    if (doc == NULL) fail_msg("%s", err.message);
    return doc;
}

static bool change(void *what, eh_err *err)
{
    static const eh_slice columns[] = {{"a", 1}, {"b", 1}, {"c", 1},
                                       {"d", 1}, {"e", 1}, {"f", 1}};
    static const eh_transform_context context = {.timezone = "UTC", .hash_key = {"key", 3}};
    eh_batch batch;
    if (!eh_batch_init(&batch, ARENA, err)) {
        eh_batch_free(&batch);
        return false;
    }
    eh_transform *t = eh_transform_new(what, &context, err);
    bool ok = t != NULL && eh_transform_bind(t, columns, 6, err) &&
              eh_batch_set_columns(&batch, 6, err) && add_rows(&batch, 500, err) &&
              eh_transform_apply(t, &batch, err) &&
              (batch.rows == 500 || wrong(err, "rows are missing"));
    eh_transform_free(t);
    eh_batch_free(&batch);
    return ok;
}

static bool name(void *what, eh_err *err)
{
    (void)what;
    eh_names *names = eh_names_new();
    if (names == NULL) return eh_fail_memory(err, "names");
    bool ok = eh_names_set(names, eh_slice_str("Taken"), "taken", err);
    for (int i = 0; ok && i < 300; i++) {
        char written[128];
        int len = snprintf(written, sizeof written, "%s Name%d %0*d", i % 2 ? "A" : "a", i / 2,
                           i % 90, 1);
        ok = eh_names_of(names, eh_slice_of(written, (size_t)len), err) != NULL;
    }
    const char *same = ok ? eh_names_of(names, eh_slice_str("Taken"), err) : NULL;
    ok = ok && same != NULL && (strcmp(same, "taken") == 0 || wrong(err, "another name"));
    eh_names_free(names);
    return ok;
}

static bool match_projects(void *what, eh_err *err)
{
    eh_projects *projects = NULL;
    eh_buf text;
    eh_buf_init(&text, ARENA);
    bool ok = eh_projects_new(what, "i", "s", "r", &projects, err) &&
              eh_projects_json(what, "i", "s", "r", &text, err) &&
              (projects != NULL || wrong(err, "no rule"));
    eh_projects_free(projects);
    eh_buf_free(&text);
    return ok;
}

static void rows(void **state)
{
    (void)state;
    eh_arena *arena = eh_arena_new(ARENA);
    assert_non_null(arena);
    eh_doc *rules = eh_yaml_parse(
        arena,
        eh_slice_str(
            "- {source: s, field: a, pattern: 'x*', project: p}\n"
            "- {field: b, lookup: {'1': one, '2': two, '3': three}}\n- {project: q}\n"),
        "p.yaml", NULL);
    assert_non_null(rules);
    oom_sweep(fill_batch, NULL);
    oom_sweep(change, declaration(arena));
    oom_sweep(name, NULL);
    oom_sweep(match_projects, rules);
    eh_arena_free(arena);
}

/* ---- encoding for the server, printing ------------------------------------------------------
 */

static bool encode_rows(void *what, eh_err *err)
{
    static const eh_pg_column columns[] = {{.kind = EH_PG_INT8, .typmod = -1},
                                           {.kind = EH_PG_NUMERIC, .typmod = -1},
                                           {.kind = EH_PG_TEXT, .typmod = -1},
                                           {.kind = EH_PG_JSONB, .typmod = -1},
                                           {.kind = EH_PG_TIMESTAMPTZ, .typmod = -1}};
    static const char *const texts[] = {"42", "123456789012345678901234567890.5", "t\\e\tx\nt",
                                        "{\"a\":[1,2]}", "2026-03-01T00:00:00Z"};
    eh_cell cells[5];
    const eh_cell *pick[5];
    for (size_t i = 0; i < 5; i++) {
        cells[i] = (eh_cell){.kind = i == 3 ? EH_CELL_JSON : EH_CELL_RAW,
                             .len = (uint32_t)strlen(texts[i]),
                             .as.text = texts[i]};
        pick[i] = &cells[i];
    }
    eh_buf out;
    eh_buf_init(&out, ARENA);
    bool binary = *(const bool *)what, ok = !binary || eh_copy_header(&out, err);
    for (int r = 0; ok && r < 2000; r++) {
        size_t at;
        const char *reason = NULL;
        eh_encode result = binary
                               ? eh_copy_binary_row(&out, columns, 5, pick, &at, &reason, err)
                               : eh_copy_text_row(&out, columns, 5, pick, &at, &reason, err);
        if (result == EH_ENCODE_MISFIT) ok = wrong(err, reason);
        if (result == EH_ENCODE_ERROR) ok = false;
    }
    ok = ok && (!binary || eh_copy_trailer(&out, err));
    eh_buf_free(&out);
    return ok;
}

static void encoding(void **state)
{
    (void)state;
    bool binary = true, text = false;
    oom_sweep(encode_rows, &binary);
    oom_sweep(encode_rows, &text);
}

/* ---- documents, frames, windows -------------------------------------------------------------
 */

static const char yaml_text[] =
    "a: 1\nb:\n  - {c: 'x', d: [1, 2, \"\\u00e9\"]}\n  - |\n    text\ne: ~\n";

static bool read_yaml(void *what, eh_err *err)
{
    (void)what;
    eh_arena *arena = eh_arena_new(ARENA);
    if (arena == NULL) return eh_fail_memory(err, "an arena");
    bool ok = eh_yaml_parse(arena, eh_slice_str(yaml_text), "f.yaml", err) != NULL;
    eh_arena_free(arena);
    return ok;
}

static bool build_wide(eh_arena *arena, eh_doc *map, eh_err *err)
{
    for (int i = 0; i < 200; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "key%d", i);
        eh_doc *list = eh_doc_list(arena);
        if (!eh_doc_push(list, eh_doc_double(arena, 0.5), err) ||
            !eh_doc_push(list, eh_doc_string(arena, eh_slice_str(key)), err) ||
            !eh_doc_put(arena, map, eh_slice_str(key), list, err))
            return false;
    }
    return true;
}

static bool send_frame(void *what, eh_err *err)
{
    (void)what;
    eh_arena *arena = eh_arena_new(ARENA);
    if (arena == NULL) return eh_fail_memory(err, "an arena");
    eh_buf bytes, text;
    eh_buf_init(&bytes, ARENA);
    eh_buf_init(&text, ARENA);
    eh_doc *map = eh_doc_map(arena);
    eh_frame frame = {.body = NULL};
    size_t used = 0;
    bool ok =
        build_wide(arena, map, err) && eh_frame_write(&bytes, EH_FRAME_CALL, 7, map, err) &&
        eh_frame_read(eh_buf_slice(&bytes), arena, &frame, &used, err) == EH_FRAME_READY &&
        eh_doc_to_json(frame.body, &text, err);
    if (ok && !eh_doc_equal(map, frame.body)) ok = wrong(err, "another document");
    if (ok && eh_doc_copy(arena, frame.body, "key3") == NULL)
        ok = eh_fail_memory(err, "a copy");
    eh_buf_free(&bytes);
    eh_buf_free(&text);
    eh_arena_free(arena);
    return ok;
}

static bool open_window(void *what, eh_err *err)
{
    (void)what;
    eh_window ours, theirs = {.fd = -1};
    if (!eh_window_create(&ours, 1 << 20, err)) return false;
    bool ok = eh_window_open(&theirs, ours.fd, err);
    if (ok) theirs.fd = -1; /* the same descriptor */
    eh_window_close(&theirs);
    eh_window_close(&ours);
    return ok;
}

static bool use_map(void *what, eh_err *err)
{
    (void)what;
    eh_map map;
    eh_map_init(&map);
    bool ok = true;
    for (uint64_t i = 0; ok && i < 2000; i++)
        ok = eh_map_put(&map, eh_slice_of((const char *)&i, sizeof i), i, err);
    uint64_t key = 1234, value = 0;
    if (ok && (!eh_map_get(&map, eh_slice_of((const char *)&key, sizeof key), &value) ||
               value != key))
        ok = wrong(err, "a value is lost");
    eh_map_free(&map);
    return ok;
}

static void documents(void **state)
{
    (void)state;
    oom_sweep(read_yaml, NULL);
    oom_sweep(send_frame, NULL);
    oom_sweep(open_window, NULL);
    oom_sweep(use_map, NULL);
}

int main(void)
{
    oom_spare_openssl();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv),        cmocka_unit_test(json), cmocka_unit_test(one_json_text),
        cmocka_unit_test(compressed), cmocka_unit_test(rows), cmocka_unit_test(encoding),
        cmocka_unit_test(documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
