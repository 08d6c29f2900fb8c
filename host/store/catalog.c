/* store/catalog.c: see catalog.h. */
#include "store/catalog.h"

#include "base/embed.h"
#include "io/sqlite.h"

#include <stdio.h>
#include <stdlib.h>

enum { BUSY_MS = 10000 };

struct eh_catalog {
    eh_sqlite *db;
};

static const char *sql_text(const char *name, eh_err *err)
{
    char path[128];
    int length = snprintf(path, sizeof path, "host/store/sql/%s.sql", name);
    eh_slice text = {NULL, 0};
    if (length > 0 && (size_t)length < sizeof path) text = eh_embedded_find(path);
    /* Embedded files end with a NUL. */
    if (text.data == NULL) eh_fail(err, EH_CLASS_BUG, "there is no catalog statement %s", name);
    return text.data;
}

static bool prepare_tables(eh_catalog *catalog, eh_err *err)
{
    const char *sql = sql_text("tables", err);
    return sql != NULL && eh_sqlite_exec(catalog->db, sql, err);
}

eh_catalog *eh_catalog_open(const char *path, eh_err *err)
{
    eh_catalog *catalog = calloc(1, sizeof *catalog);
    if (catalog == NULL) {
        eh_fail_memory(err, "the catalog");
        return NULL;
    }
    catalog->db = eh_sqlite_open(path, false, BUSY_MS, err);
    if (catalog->db != NULL && prepare_tables(catalog, err)) return catalog;
    eh_err_while(err, "opening the catalog %s", path);
    eh_catalog_close(catalog);
    return NULL;
}

void eh_catalog_close(eh_catalog *catalog)
{
    if (catalog == NULL) return;
    eh_sqlite_close(catalog->db);
    free(catalog);
}

static eh_doc *read_cell(const eh_sqlite_stmt *stmt, int column, eh_arena *arena)
{
    if (eh_sqlite_is_null(stmt, column)) return eh_doc_null(arena);
    return eh_doc_string(arena, eh_sqlite_text(stmt, column));
}

static bool add_row(const eh_sqlite_stmt *stmt, eh_arena *arena, eh_doc *rows, eh_err *err)
{
    eh_doc *row = eh_doc_map(arena);
    int count = eh_sqlite_column_count(stmt);
    for (int i = 0; i < count; i++) {
        eh_slice name = eh_slice_str(eh_sqlite_column_name(stmt, i));
        if (!eh_doc_put(arena, row, name, read_cell(stmt, i, arena), err)) return false;
    }
    return eh_doc_push(rows, row, err);
}

static bool run_statement(eh_sqlite_stmt *stmt, const char *const *params, size_t count,
                          eh_arena *arena, eh_doc *rows, eh_err *err)
{
    for (size_t i = 0; i < count; i++) eh_sqlite_bind_str(stmt, (int)i + 1, params[i]);
    for (;;) {
        switch (eh_sqlite_step(stmt, err)) {
        case EH_STEP_ROW:
            if (!add_row(stmt, arena, rows, err)) return false;
            break;
        case EH_STEP_DONE:
            return true;
        case EH_STEP_REFUSED:
        case EH_STEP_ERROR:
            return false;
        }
    }
}

bool eh_catalog_query(eh_catalog *catalog, const char *name, const char *const *params,
                      size_t count, eh_arena *arena, eh_doc **rows, eh_err *err)
{
    const char *sql = sql_text(name, err);
    *rows = eh_doc_list(arena);
    if (*rows == NULL) return eh_fail_memory(err, "the answer of the catalog");
    while (sql != NULL && sql[0] != '\0') {
        eh_sqlite_stmt *stmt = eh_sqlite_prepare(catalog->db, sql, &sql, err);
        if (stmt == NULL) break;
        bool ok = run_statement(stmt, params, count, arena, *rows, err);
        eh_sqlite_free(stmt);
        if (!ok) break;
    }
    if (err->class_ == EH_OK) return true;
    return eh_err_while(err, "keeping the catalog (%s)", name);
}
