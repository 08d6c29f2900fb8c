/* What the tests of the loader share: a SQLite destination, a loader on it, batches written as
 * lines of text, and the database's answers. Every step asserts, so that a test reads as what
 * it is about. */
#ifndef LOADER_KIT_H
#define LOADER_KIT_H

#include "io/sqlite.h"
#include "load/loader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define LK_ROW_BYTES 10 /* each record takes as many bytes of the imagined input */

typedef struct lk {
    char folder[64];
    char url[128];
    eh_clock clock;
    eh_loop *loop;
    eh_dest *dest;
    eh_unit_pool pool;
    eh_run_info run;
    eh_arena *arena; /* declarations */
    eh_loader_options options;
    eh_loader *loader;
    eh_batch batch;
    uint64_t offset; /* where the next record of the input begins */
    uint64_t row;
    char raw[256];
    uint64_t raws;   /* how often a record's bytes were asked for */
    char told[4096]; /* schema changes and warnings, one a line */
    eh_err err;      /* of the latest step that failed */
} lk;

static inline void lk_remove(const char *folder)
{
    static const char *const names[] = {"data.db", "data.db-wal", "data.db-shm"};
    char path[128];
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

#define lk_ok(k, call)                                                                         \
    do {                                                                                       \
        eh_err_clear(&(k)->err);                                                               \
        if (!(call))                                                                           \
            fail_msg("%s: %s (%s)", eh_class_name((k)->err.class_), (k)->err.message,          \
                     (k)->err.trail);                                                          \
    } while (0)

#define lk_fails(k, call, expected)                                                            \
    do {                                                                                       \
        eh_err_clear(&(k)->err);                                                               \
        assert_false(call);                                                                    \
        if ((k)->err.class_ != (expected))                                                     \
            fail_msg("%s instead: %s", eh_class_name((k)->err.class_), (k)->err.message);      \
    } while (0)

EH_PRINTF(2, 3)
static inline void lk_note(lk *k, const char *format, ...)
{
    size_t used = strlen(k->told);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(k->told + used, sizeof k->told - used, format, args);
    va_end(args);
}

static inline void lk_on_change(void *self, const char *table, const eh_change *change)
{
    static const char *const words[] = {"create", "add", "type"};
    lk_note(self, "%s %s %s %s\n", words[change->kind], table,
            change->column != NULL ? change->column : "-", eh_type_name(change->to));
}

static inline void lk_on_warning(void *self, const char *message)
{
    lk_note(self, "warning %s\n", message);
}

/* A folder, a destination in it, units for it. The loader is made by lk_start. */
static inline void lk_open(lk *k)
{
    *k = (lk){.clock = eh_clock_system()};
    (void)snprintf(k->folder, sizeof k->folder, "/tmp/eh_loader.XXXXXX");
    assert_non_null(mkdtemp(k->folder));
    (void)snprintf(k->url, sizeof k->url, "sqlite:%s/data.db", k->folder);
    k->loop = eh_loop_new(&k->clock, &k->err);
    assert_non_null(k->loop);
    k->dest = eh_dest_open(k->url, 1, false, k->loop, &k->clock, &k->err);
    if (k->dest == NULL) fail_msg("%s", k->err.message);
    lk_ok(k, eh_unit_pool_init(&k->pool, 2, (size_t)8 * 1024 * 1024, &k->err));
    k->arena = eh_arena_new((size_t)16 * 1024 * 1024);
    assert_non_null(k->arena);
    k->run = (eh_run_info){.run_id = "run1",
                           .pipeline = "p.lua",
                           .script_hash = "",
                           .config_hash = "",
                           .host = "here",
                           .pid = getpid(),
                           .take_over = true};
    static const eh_transform_context plain = {.timezone = NULL};
    k->options = (eh_loader_options){
        .dest = k->dest,
        .loop = k->loop,
        .units = &k->pool,
        .clock = &k->clock,
        .run = &k->run,
        .key = {"", "load", "t", "main", "t"},
        .transform = &plain,
        .events = {.self = k, .schema_change = lk_on_change, .warning = lk_on_warning},
    };
    lk_ok(k, eh_batch_init(&k->batch, (size_t)64 * 1024 * 1024, &k->err));
}

static inline void lk_close(lk *k)
{
    eh_loader_free(k->loader);
    eh_batch_free(&k->batch);
    eh_dest_close(k->dest);
    eh_unit_pool_free(&k->pool);
    eh_loop_free(k->loop);
    eh_arena_free(k->arena);
    lk_remove(k->folder);
}

static inline void lk_start(lk *k)
{
    eh_loader_free(k->loader);
    eh_err_clear(&k->err);
    k->loader = eh_loader_new(&k->options, &k->err);
    if (k->loader == NULL) fail_msg("%s (%s)", k->err.message, k->err.trail);
}

static inline bool lk_raw(void *self, const eh_place *place, eh_buf *out, eh_err *err)
{
    lk *k = self;
    k->raws++;
    return eh_buf_printf(out, err, "raw of row %llu", (unsigned long long)place->row);
}

static inline void lk_begin_at(lk *k, const char *input, uint64_t rows_done)
{
    eh_load_input in = {.identity = input,
                        .name = input,
                        .size = 1000,
                        .modified = 1700000000000000,
                        .raw = lk_raw,
                        .raw_self = k};
    k->row = rows_done;
    k->offset = rows_done * LK_ROW_BYTES;
    eh_parse_from from = {k->offset, k->row, k->row + 1};
    lk_ok(k, eh_loader_begin(k->loader, &in, &from, &k->err));
}

static inline void lk_begin(lk *k, const char *input)
{
    lk_begin_at(k, input, 0);
}

/* Splits at `by`; gives the number of parts. Text is kept in the batch's arena. */
static inline size_t lk_split(lk *k, const char *text, char by, eh_slice *parts, size_t max)
{
    char *copy = eh_arena_strdup(k->batch.arena, text);
    assert_non_null(copy);
    size_t count = 0;
    for (char *p = copy; p != NULL && *copy != '\0';) {
        char *end = strchr(p, by);
        size_t len = end != NULL ? (size_t)(end - p) : strlen(p);
        assert_true(count < max);
        parts[count++] = eh_slice_of(p, len);
        p = end != NULL ? end + 1 : NULL;
    }
    return count;
}

/* A field as the tests write it: "~" null, "." absent, the rest as CSV text. */
static inline eh_cell lk_cell(eh_slice text)
{
    if (eh_slice_is(text, "~")) return (eh_cell){.kind = EH_CELL_NULL};
    if (eh_slice_is(text, ".")) return (eh_cell){.kind = EH_CELL_ABSENT};
    return (eh_cell){.kind = EH_CELL_RAW, .len = (uint32_t)text.len, .as.text = text.data};
}

static inline void lk_add_record(lk *k, const char *text, size_t columns)
{
    eh_place place = {k->offset, k->offset + LK_ROW_BYTES, k->row + 1, k->row + 2};
    k->offset += LK_ROW_BYTES;
    k->row++;
    if (text[0] == '!') { /* a record that the parser refused */
        eh_dead dead = {.place = place,
                        .raw = eh_slice_str(text + 1),
                        .code = eh_slice_str("ragged_row"),
                        .reason = eh_slice_str("refused by the test")};
        lk_ok(k, eh_batch_add_dead(&k->batch, &dead, &k->err));
        return;
    }
    eh_slice fields[64];
    size_t count = lk_split(k, text, '|', fields, 64);
    eh_cell *cells = eh_batch_add_row(&k->batch, &place, &k->err);
    assert_non_null(cells);
    for (size_t i = 0; i < count && i < columns; i++) cells[i] = lk_cell(fields[i]);
}

/* Hands the loader a batch: "id,name" and records that end in NULL. */
static inline bool lk_try_batch(lk *k, const char *columns, const char *const *records)
{
    eh_slice written[64];
    eh_batch_reset(&k->batch);
    size_t count = lk_split(k, columns, ',', written, 64);
    lk_ok(k, eh_batch_set_columns(&k->batch, count, &k->err));
    k->batch.start = k->offset;
    for (; *records != NULL; records++) lk_add_record(k, *records, count);
    k->batch.end = k->offset;
    k->batch.end_row = k->row;
    k->batch.end_line = k->row + 1;
    return eh_loader_batch(k->loader, &k->batch, written, count, &k->err);
}

#define LK_RECORDS(...)        ((const char *const[]){__VA_ARGS__, NULL})
#define lk_batch(k, cols, ...) lk_ok(k, lk_try_batch(k, cols, LK_RECORDS(__VA_ARGS__)))

static inline void lk_end(lk *k, bool last)
{
    lk_ok(k, eh_loader_end(k->loader, k->offset, last, &k->err));
}

static inline void lk_finish(lk *k)
{
    lk_ok(k, eh_loader_finish(k->loader, NULL, &k->err));
}

/* A whole load of one input with one batch. */
#define lk_load(k, input, cols, ...)                                                           \
    do {                                                                                       \
        lk_start(k);                                                                           \
        lk_begin(k, input);                                                                    \
        lk_batch(k, cols, __VA_ARGS__);                                                        \
        lk_end(k, true);                                                                       \
        lk_finish(k);                                                                          \
    } while (0)

/* All of a query's answer: columns by "|", rows by "\n", NULL as "~". Statements without rows
 * are run. */
static inline const char *lk_ask(lk *k, const char *sql)
{
    static char answer[16384];
    eh_err err = {.class_ = EH_OK};
    eh_sqlite *db = eh_sqlite_open(k->url + strlen("sqlite:"), false, 1000, &err);
    assert_non_null(db);
    eh_sqlite_stmt *stmt = eh_sqlite_prepare(db, sql, NULL, &err);
    if (stmt == NULL) fail_msg("%s", err.message);
    size_t at = 0;
    answer[0] = '\0';
    eh_step step;
    while ((step = eh_sqlite_step(stmt, &err)) == EH_STEP_ROW) {
        for (int i = 0; i < eh_sqlite_column_count(stmt); i++) {
            eh_slice text = eh_sqlite_text(stmt, i);
            if (eh_sqlite_is_null(stmt, i)) text = eh_slice_str("~");
            at +=
                (size_t)snprintf(answer + at, sizeof answer - at, "%s%.*s",
                                 i > 0 ? "|" : (at > 0 ? "\n" : ""), (int)text.len, text.data);
        }
    }
    if (step != EH_STEP_DONE) fail_msg("%s", err.message);
    eh_sqlite_free(stmt);
    eh_sqlite_close(db);
    return answer;
}

/* A declaration: one line of JSON-like text would need a reader; these few are built by hand.
 */
static inline eh_doc *lk_map(lk *k)
{
    eh_doc *map = eh_doc_map(k->arena);
    assert_non_null(map);
    return map;
}

static inline void lk_put(lk *k, eh_doc *map, const char *key, const char *value)
{
    lk_ok(k, eh_doc_put_str(k->arena, map, key, eh_slice_str(value), &k->err));
}

/* declaration.<group>.<key> = value */
static inline void lk_declare(lk *k, const char *group, const char *key, const char *value)
{
    eh_doc *all = (eh_doc *)(uintptr_t)k->options.declaration;
    if (all == NULL) all = lk_map(k);
    eh_doc *map = (eh_doc *)(uintptr_t)eh_doc_get(all, group);
    if (map == NULL) {
        map = lk_map(k);
        lk_ok(k, eh_doc_put(k->arena, all, eh_slice_str(group), map, &k->err));
    }
    lk_put(k, map, key, value);
    k->options.declaration = all;
}

#endif
