/* tests/c/test_oom_io.c: files, SQLite and the loader into it, with each allocation failing in
 * turn; see oom.h. What an interrupted load leaves is in the database: the next load must end
 * with the right table. */
#include "loader_kit.h"
#include "oom.h"

#include "io/file.h"
#include "remove_tree.h"

#include <fcntl.h>
#include <zlib.h>

static bool wrong(eh_err *err, const char *what)
{
    return eh_fail(err, EH_CLASS_BUG, "%s", what);
}

/* ---- files ----------------------------------------------------------------------------------
 */

static char folder[64];

static void put_gzip(const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    gzFile file = gzopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 3000; i++) assert_true(gzputs(file, text) > 0);
    assert_int_equal(gzclose(file), Z_OK);
}

static bool list_files(void *what, eh_err *err)
{
    (void)what;
    eh_file_entry *entries;
    size_t count = 0;
    bool more;
    eh_arena *arena = eh_arena_new((size_t)16 << 20);
    if (arena == NULL) return eh_fail_memory(err, "an arena");
    bool ok = eh_files_list(folder, "", NULL, 100, arena, &entries, &count, &more, err) &&
              (count == 40 || wrong(err, "files are missing"));
    eh_arena_free(arena);
    return ok;
}

static bool read_all(eh_file *file, eh_err *err)
{
    bool growing, end = false;
    size_t total = 0;
    eh_buf raw;
    eh_buf_init(&raw, 1 << 20);
    eh_reader *reader = NULL;
    bool ok = eh_file_identify(file, &growing, err) &&
              (reader = eh_reader_open(file, 10, err)) != NULL;
    while (ok && !end) {
        eh_slice bytes;
        ok = eh_reader_next(reader, &bytes, &end, err);
        total += ok ? bytes.len : 0;
    }
    ok = ok && eh_reader_raw(reader, 5, 15, &raw, err) &&
         (total == 3000 * 10 - 10 || wrong(err, "bytes are missing"));
    eh_reader_free(reader);
    eh_buf_free(&raw);
    return ok;
}

static bool read_file(void *what, eh_err *err)
{
    (void)what;
    eh_file file;
    if (!eh_file_open(&file, folder, "f7.csv.gz", err)) return false;
    bool ok = read_all(&file, err);
    eh_file_close(&file);
    return ok;
}

static void local_files(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/eh_oom.XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < 40; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "f%d.csv.gz", i);
        put_gzip(name, "123456789\n");
    }
    oom_sweep(list_files, NULL);
    oom_sweep(read_file, NULL);
    assert_int_equal(remove_tree(folder), 0);
}

/* ---- SQLite ---------------------------------------------------------------------------------
 */

static bool use_sqlite(void *what, eh_err *err)
{
    eh_sqlite *db = eh_sqlite_open(what, false, 1000, err);
    if (db == NULL) return false;
    eh_sqlite_stmt *stmt = NULL;
    eh_buf text;
    eh_buf_init(&text, 1 << 20);
    bool ok = eh_sqlite_exec(db,
                             "create table if not exists t (id integer primary key, v);"
                             "begin; delete from t",
                             err) &&
              (stmt = eh_sqlite_prepare(db, "insert into t values (?, ?)", NULL, err)) != NULL;
    for (int i = 0; ok && i < 50; i++) {
        eh_sqlite_bind_int(stmt, 1, i);
        eh_sqlite_bind_str(stmt, 2, "some text that is kept");
        ok = eh_sqlite_step(stmt, err) == EH_STEP_DONE;
    }
    eh_sqlite_free(stmt);
    ok = ok && eh_sqlite_exec(db, "commit", err);
    stmt = ok ? eh_sqlite_prepare(db, "select count(*), sum(id) || v from t", NULL, err) : NULL;
    ok = ok && stmt != NULL && eh_sqlite_step(stmt, err) == EH_STEP_ROW &&
         eh_sqlite_print(stmt, 1, &text, err) &&
         (eh_sqlite_int(stmt, 0) == 50 || wrong(err, "rows are missing"));
    eh_sqlite_free(stmt);
    eh_buf_free(&text);
    eh_sqlite_close(db);
    return ok;
}

static void sqlite(void **state)
{
    (void)state;
    lk k;
    lk_open(&k);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/data.db", k.folder);
    oom_sweep(use_sqlite, path);
    lk_close(&k);
}

/* ---- the loader: plan, schema changes, units, the lane, the ledger -------------------------
 */

typedef struct load {
    lk k;
    int number;        /* each load brings an input of its own */
    char identity[32]; /* units under way have it */
} load;

static eh_cell cell(const char *text)
{
    return (eh_cell){.kind = EH_CELL_RAW, .len = (uint32_t)strlen(text), .as.text = text};
}

/* 60 rows in two batches, the second with a column more, which widens another. */
static bool load_rows(load *l, eh_loader *loader, eh_err *err)
{
    static const eh_slice names[] = {{"id", 2}, {"v", 1}, {"w", 1}};
    lk *k = &l->k;
    eh_load_input in = {.name = "input", .size = 600, .raw = lk_raw, .raw_self = k};
    char id[12];
    (void)snprintf(l->identity, sizeof l->identity, "input%d", l->number);
    in.identity = l->identity;
    eh_parse_from from = {0, 0, 1};
    if (!eh_loader_begin(loader, &in, &from, err)) return false;
    for (uint64_t b = 0, at = 0; b < 2; b++) {
        eh_batch_reset(&k->batch);
        if (!eh_batch_set_columns(&k->batch, 2 + b, err)) return false;
        k->batch.start = at;
        for (uint64_t r = 0; r < 30; r++, at += 10) {
            eh_place place = {at, at + 10, at / 10 + 1, at / 10 + 2};
            eh_cell *cells = eh_batch_add_row(&k->batch, &place, err);
            (void)snprintf(id, sizeof id, "%d", (int)(at / 10));
            char *text = eh_arena_strdup(k->batch.arena, id);
            if (cells == NULL || text == NULL)
                return err->class_ != EH_OK ? false : eh_fail_memory(err, "a row");
            cells[0] = cell(text);
            cells[1] = cell(b == 1 && r == 7 ? "1.5" : "1");
            if (b == 1) cells[2] = cell("new");
        }
        k->batch.end = at;
        k->batch.end_row = at / 10;
        k->batch.end_line = at / 10 + 1;
        if (!eh_loader_batch(loader, &k->batch, names, 2 + b, err)) return false;
    }
    return eh_loader_end(loader, 600, true, err) && eh_loader_finish(loader, NULL, err);
}

static bool run_load(void *what, eh_err *err)
{
    load *l = what;
    l->number++;
    eh_loader *loader = eh_loader_new(&l->k.options, err);
    if (loader == NULL) return false;
    bool ok = load_rows(l, loader, err);
    if (!ok) eh_loader_abandon(loader, err);
    eh_loader_free(loader);
    return ok;
}

/* `write`: the disposition; the key makes merges of what would be appended. */
static void sweep_loads(const char *write)
{
    static load l;
    l.number = 0;
    lk_open(&l.k);
    eh_doc *declared = lk_map(&l.k);
    eh_doc *key = eh_doc_list(l.k.arena);
    assert_true(eh_doc_push(key, eh_doc_string(l.k.arena, eh_slice_str("id")), NULL));
    lk_put(&l.k, declared, "write", write);
    if (strcmp(write, "append") != 0)
        lk_ok(&l.k, eh_doc_put(l.k.arena, declared, eh_slice_str("key"), key, &l.k.err));
    l.k.options.declaration = declared;
    l.k.options.unit_rows = 25;
    /* The destination keeps statements, the arena its pages. */
    oom_sweep_all(write, run_load, &l, 30, true);
    const char *ids = lk_ask(&l.k, "select count(distinct id) || ' ' || max(w) from t");
    assert_string_equal(ids, "60 new");
    if (strcmp(write, "append") == 0)
        assert_string_equal(lk_ask(&l.k, "select (select count(*) from t) = (select sum(rows) "
                                         "from _etl_units)"),
                            "1");
    else
        assert_string_equal(lk_ask(&l.k, "select count(*) from t"), "60");
    lk_close(&l.k);
}

static void loads(void **state)
{
    (void)state;
    sweep_loads("append");
    sweep_loads("merge");
    sweep_loads("history");
}

int main(void)
{
    oom_spare_openssl();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_files),
        cmocka_unit_test(sqlite),
        cmocka_unit_test(loads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
