/* What the tests of destinations share: a destination with its loop, and units made of text.
 * Every step asserts, so that a test reads as what it is about. */
#ifndef DEST_KIT_H
#define DEST_KIT_H

#include "load/dest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { KIT_COLUMNS_MAX = 16 };

typedef struct kit {
    eh_clock clock;
    eh_loop *loop;
    eh_dest *dest;
    eh_arena *arena;
    eh_stream_state state;
    eh_table_info info;
    const eh_encoder *encoder;
    const char *why_text;
    const char *schema;
    const char *table;
} kit;

#define kit_ok(call)                                                                           \
    do {                                                                                       \
        eh_err err = {.class_ = EH_OK};                                                        \
        bool kit_went = (call);                                                                \
        if (!kit_went)                                                                         \
            fail_msg("%s: %s (%s)", eh_class_name(err.class_), err.message, err.trail);        \
    } while (0)

#define kit_fails(call, expected)                                                              \
    do {                                                                                       \
        eh_err err = {.class_ = EH_OK};                                                        \
        assert_false(call);                                                                    \
        if (err.class_ != (expected))                                                          \
            fail_msg("%s instead: %s", eh_class_name(err.class_), err.message);                \
    } while (0)

static inline int64_t kit_pid_started(void)
{
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "r");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    const char *p = strrchr(text, ')');
    for (int field = 2; field < 22; field++) p = strchr(p + 1, ' ');
    return strtoll(p, NULL, 10);
}

static inline void kit_open_with(kit *k, const char *url, size_t lanes, eh_clock clock)
{
    *k = (kit){.clock = clock, .table = "orders"};
    eh_err err = {.class_ = EH_OK};
    k->loop = eh_loop_new(&k->clock, &err);
    assert_non_null(k->loop);
    k->arena = eh_arena_new((size_t)256 * 1024 * 1024);
    assert_non_null(k->arena);
    k->dest = eh_dest_open(url, lanes, false, k->loop, &k->clock, &err);
    if (k->dest == NULL)
        fail_msg("%s: %s %s", eh_class_name(err.class_), err.message, err.trail);
    k->schema = eh_dest_default_schema(k->dest);
}

static inline void kit_open(kit *k, const char *url, size_t lanes)
{
    kit_open_with(k, url, lanes, eh_clock_system());
}

/* Opening the destination for looking only fails. */
static inline void kit_looks_only(const char *url, eh_class expected)
{
    eh_clock clock = eh_clock_system();
    eh_err err = {.class_ = EH_OK};
    eh_loop *loop = eh_loop_new(&clock, &err);
    assert_non_null(loop);
    assert_null(eh_dest_open(url, 1, true, loop, &clock, &err));
    assert_int_equal(err.class_, expected);
    eh_loop_free(loop);
}

static inline void kit_close(kit *k)
{
    eh_dest_close(k->dest);
    eh_loop_free(k->loop);
    eh_arena_free(k->arena);
}

static inline eh_stream_key kit_key(const kit *k)
{
    return (eh_stream_key){.client = "acme",
                           .instance = "load",
                           .resource = k->table,
                           .schema = k->schema,
                           .table = k->table};
}

static inline eh_run_info kit_run(const char *run_id)
{
    return (eh_run_info){.run_id = run_id,
                         .pipeline = "pipelines/test.lua",
                         .script_hash = "aa",
                         .config_hash = "bb",
                         .host = "here",
                         .pid = getpid(),
                         .pid_started = kit_pid_started()};
}

static inline void kit_take_over(kit *k, const char *run_id)
{
    eh_stream_key key = kit_key(k);
    eh_run_info run = kit_run(run_id);
    kit_ok(eh_dest_take_over(k->dest, &key, &run, &k->state, &err));
}

static inline void kit_describe(kit *k)
{
    kit_ok(eh_dest_describe(k->dest, &k->state, k->schema, k->table, k->arena, &k->info, &err));
}

static inline const eh_column_info *kit_column(const kit *k, const char *name)
{
    for (size_t i = 0; i < k->info.count; i++)
        if (strcmp(k->info.columns[i].name, name) == 0) return &k->info.columns[i];
    return NULL;
}

static inline void kit_encoder(kit *k)
{
    eh_err err = {.class_ = EH_OK};
    bool declared[KIT_COLUMNS_MAX] = {false};
    kit_describe(k);
    for (size_t i = 0; i < k->info.count; i++)
        declared[i] = k->info.columns[i].type == EH_TYPE_DOUBLE;
    eh_encoded encoded = {k->schema, k->table, k->info.columns, declared, k->info.count, NULL};
    k->encoder = eh_dest_encoder(k->dest, &encoded, k->arena, &k->why_text, &err);
    assert_non_null(k->encoder);
}

typedef struct kit_col {
    const char *name;
    eh_type type;
} kit_col;

static inline eh_change kit_add(const char *name, eh_type type)
{
    return (eh_change){.kind = EH_CHANGE_ADD_COLUMN,
                       .column = name,
                       .written = name,
                       .to = type,
                       .why = "a test wants it"};
}

/* Makes the table with open columns, and an encoder for it. */
static inline void kit_create(kit *k, const kit_col *columns, size_t count)
{
    eh_change changes[KIT_COLUMNS_MAX + 1] = {{.kind = EH_CHANGE_CREATE_TABLE}};
    for (size_t i = 0; i < count; i++)
        changes[i + 1] = kit_add(columns[i].name, columns[i].type);
    kit_ok(eh_dest_change(k->dest, &k->state, k->schema, k->table, changes, count + 1, &err));
    kit_encoder(k);
}

static inline void kit_retype(kit *k, const char *column, eh_type from, eh_type to)
{
    eh_change change = {
        .kind = EH_CHANGE_TYPE, .column = column, .from = from, .to = to, .why = "row 7"};
    kit_ok(eh_dest_change(k->dest, &k->state, k->schema, k->table, &change, 1, &err));
    kit_encoder(k);
}

static inline bool kit_raw(void *self, const eh_place *place, eh_buf *out, eh_err *err)
{
    (void)self;
    return eh_buf_printf(out, err, "raw of row %llu", (unsigned long long)place->row);
}

/* A unit of the input `input` that begins at offset `start`; one byte a row. */
static inline eh_unit *kit_unit(kit *k, const char *input, uint64_t start)
{
    eh_err err = {.class_ = EH_OK};
    eh_unit *unit = calloc(1, sizeof *unit);
    assert_non_null(unit);
    if (!eh_unit_init(unit, (size_t)64 * 1024 * 1024, &err)) fail();
    unit->input = input;
    unit->input_name = "orders.csv";
    unit->input_size = 1000;
    unit->input_modified = 1700000000000000;
    unit->start = unit->end = unit->row_start = unit->row_end = start;
    unit->line_start = unit->line_end = start + 1;
    unit->header = "[\"id\"]";
    unit->schema = k->schema;
    unit->table = k->table;
    unit->encoder = k->encoder;
    unit->raw = kit_raw;
    unit->max_dead_ratio = 0.01;
    unit->max_dead_rows = 10;
    return unit;
}

/* Appends a row of text fields, NULL for null; as many as the encoder has columns. */
static inline void kit_row(eh_unit *unit, const char *const *fields)
{
    eh_cell cells[KIT_COLUMNS_MAX];
    const eh_cell *pick[KIT_COLUMNS_MAX];
    for (size_t i = 0; i < unit->encoder->count; i++) {
        cells[i] = (eh_cell){.kind = EH_CELL_NULL};
        if (fields[i] != NULL) {
            cells[i].kind = EH_CELL_RAW;
            cells[i].len = (uint32_t)strlen(fields[i]);
            cells[i].as.text = fields[i];
        }
        pick[i] = &cells[i];
    }
    eh_place place = {.offset = unit->end,
                      .end = unit->end + 1,
                      .row = unit->row_end + 1,
                      .line = unit->line_end};
    eh_row_fault fault;
    eh_err err = {.class_ = EH_OK};
    eh_append result = eh_unit_append(unit, pick, &place, &fault, &err);
    if (result == EH_APPEND_MISFIT) fail_msg("column %zu: %s", fault.column, fault.reason);
    if (result != EH_APPEND_OK) fail_msg("append: %d %s", (int)result, err.message);
    unit->end++;
    unit->row_end++;
    unit->line_end++;
}

#define kit_add_row(unit, ...) kit_row(unit, (const char *const[]){__VA_ARGS__})

/* Waits for a unit that was submitted. */
static inline void kit_wait(kit *k, eh_unit *unit)
{
    eh_unit *done = NULL;
    while ((done = eh_dest_take_done(k->dest)) == NULL) kit_ok(eh_loop_turn(k->loop, -1, &err));
    assert_ptr_equal(done, unit);
}

/* Loads the unit and waits for it; the outcome is in unit->err. */
static inline void kit_load(kit *k, eh_unit *unit)
{
    kit_ok(eh_dest_submit(k->dest, &k->state, unit, &err));
    kit_wait(k, unit);
}

static inline void kit_free_unit(eh_unit *unit)
{
    eh_unit_free(unit);
    free(unit);
}

static inline void kit_load_well(kit *k, eh_unit *unit)
{
    kit_load(k, unit);
    if (unit->err.class_ != EH_OK)
        fail_msg("%s: %s", eh_class_name(unit->err.class_), unit->err.message);
    kit_free_unit(unit);
}

static inline void kit_finish(kit *k)
{
    kit_ok(eh_dest_finish(k->dest, &k->state, NULL, &err));
}

/* Rows of the bookkeeping's first version: stream 7 with one file that is loaded. prefix: of
 * the tables' names. */
static inline const char *kit_old_rows(const char *prefix)
{
    static char sql[2048];
    bool lite = prefix[4] == '_';
    (void)snprintf(
        sql, sizeof sql,
        "INSERT INTO %sstreams (stream_id, client_id, instance, resource, table_schema, "
        "table_name, epoch, created_at) VALUES (7, 'acme', 'load', 'orders', '%s', 'orders', "
        "3, "
        "'2026-01-02T03:04:05Z');"
        "INSERT INTO %sloads (load_id, stream_id, client_id, run_id, status, started_at) "
        "VALUES (9, 7, 'acme', 'run1', 'succeeded', '2026-01-02T03:04:05Z');"
        "INSERT INTO %sunits VALUES (7, 'acme', 'sha256:a:1', 0, 2, 0, 2, 3, 2, 0, %s, "
        "'[\"id\"]', 9, '2026-01-02T03:04:05Z');"
        "INSERT INTO %sfiles VALUES (7, 'acme', 'sha256:a:1', 'orders.csv', 1000, NULL, 9, "
        "'2026-01-02T03:04:05Z');",
        prefix, lite ? "main" : "etl", prefix, prefix, lite ? "1" : "true", prefix);
    return sql;
}

/* Runs an admin query and gives the field of its first row, "" when there is none. */
static inline const char *kit_query(kit *k, const char *name, const char *field,
                                    const char *const *params, size_t count)
{
    eh_doc *rows = NULL;
    kit_ok(eh_dest_query(k->dest, name, params, count, k->arena, &rows, &err));
    return eh_doc_str(eh_doc_first(rows), field, "");
}

/* The same on both kinds of destination: three units of two files, a dead row, and every query.
 */
static inline void kit_admin_queries(kit *k)
{
    static const char *const nobody[] = {NULL, NULL, NULL};
    static const char *const acme[] = {"acme", "load", "orders", NULL, NULL};
    static const char *const other[] = {"acme", "load", "elsewhere", NULL, NULL};
    eh_ledger ledger;
    kit_take_over(k, "run1");
    kit_create(k, (kit_col[]){{"id", EH_TYPE_BIGINT}}, 1);
    for (int i = 0; i < 3; i++) {
        eh_unit *unit = kit_unit(k, i < 2 ? "sha256:a:1" : "sha256:b:1", i == 1 ? 1 : 0);
        unit->input_name = i < 2 ? "a.csv" : "b.csv";
        kit_add_row(unit, "1");
        eh_dead dead = {.place = {.offset = 7, .row = 9, .line = 10},
                        .raw = eh_slice_of("\xff,x", 3),
                        .column = eh_slice_str("id"),
                        .code = eh_slice_str("type"),
                        .reason = eh_slice_str("not a number")};
        if (i == 2) kit_ok(eh_unit_add_dead(unit, &dead, &err));
        kit_load_well(k, unit);
    }
    char stream[24];
    (void)snprintf(stream, sizeof stream, "%lld", (long long)k->state.stream_id);
    const char *const by_stream[] = {stream};
    const char *const by_file[] = {stream, "a.csv"};
    const char *const since[] = {stream, "2000-01-01"};
    const char *const later[] = {stream, "2999-01-01"};
    assert_string_equal(kit_query(k, "stream_list", "rows", nobody, 3), "3");
    assert_string_equal(kit_query(k, "stream_list", "dead", acme, 3), "1");
    assert_string_equal(kit_query(k, "stream_list", "stream_id", other, 3), "");
    assert_string_equal(kit_query(k, "stream_units", "file", by_stream, 1), "a.csv");
    assert_string_equal(kit_query(k, "load_list", "run_id", nobody, 1), "run1");
    const char *id = kit_query(k, "dead_list", "dead_id", acme, 5);
    assert_string_equal(kit_query(k, "dead_list", "dead_id", other, 5), "");
    const char *const after[] = {"acme", "load", "orders", id, "10"};
    assert_string_equal(kit_query(k, "dead_list", "dead_id", after, 5), "");
    assert_string_equal(kit_query(k, "dead_show", "raw", &id, 1), "ff2c78");
    assert_string_equal(kit_query(k, "dead_show", "column_name", &id, 1), "id");
    const char *const none[] = {NULL};
    assert_string_equal(kit_query(k, "dead_discard", "rows", none, 1), "0");
    assert_string_equal(kit_query(k, "dead_discard", "rows", &id, 1), "1");
    assert_string_equal(kit_query(k, "dead_discard", "rows", (const char *[]){"all"}, 1), "0");
    assert_string_equal(kit_query(k, "dead_show", "status", &id, 1), "discarded");

    assert_string_equal(kit_query(k, "state_reset_from", "units", later, 2), "0");
    assert_string_equal(kit_query(k, "state_reset_file", "units", by_file, 2), "2");
    kit_ok(eh_dest_ledger(k->dest, &k->state, "sha256:a:1", "a.csv", k->arena, &ledger, &err));
    assert_true(!ledger.known && ledger.name == NULL);
    kit_ok(eh_dest_ledger(k->dest, &k->state, "sha256:b:1", "a.csv", k->arena, &ledger, &err));
    assert_true(ledger.known);
    assert_string_equal(kit_query(k, "state_reset_from", "files", since, 2), "1");
    kit_ok(eh_dest_ledger(k->dest, &k->state, "sha256:b:1", "b.csv", k->arena, &ledger, &err));
    assert_true(!ledger.known && ledger.name == NULL);
    assert_string_equal(kit_query(k, "state_reset_stream", "streams", by_stream, 1), "1");
    assert_string_equal(kit_query(k, "stream_list", "rows", nobody, 3), "0");
}

#endif
