/* load/dest_sqlite_rebuild.c: another type for a column of a SQLite table.
 *
 * SQLite cannot change a declared type. Where the way of keeping values changes, the table is
 * made again under another name, filled, and takes the old one's place, with its indexes and
 * triggers, in the caller's transaction (lang_altertable.html, "Making Other Kinds Of Table
 * Schema Changes"). Views stay: legacy_alter_table keeps the renaming from reading them while
 * the name is missing. */
#include "load/dest_sql.h"
#include "load/dest_sqlite.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SQL_MAX ((size_t)4 * 1024 * 1024)

static const char *const rebuilt_name = "_etl_rebuilt";

/* An expression that prints a column's values as they came. A double needs up to 17 digits; the
 * fewest that read back as the same number are taken. */
static bool put_as_text(eh_buf *out, const char *column, eh_type from, eh_err *err)
{
    eh_sql_var vars[] = {{"column", column}};
    const char *file = from == EH_TYPE_DOUBLE ? "double_as_text" : "value_as_text";
    return eh_sql_expand("sqlite", file, vars, 1, out, err);
}

static bool list_columns(const eh_table_info *info, const char *column, eh_type from,
                         eh_type to, eh_buf *names, eh_buf *values, eh_err *err)
{
    for (size_t i = 0; i < info->count; i++) {
        const char *name = info->columns[i].name;
        bool as_text = strcasecmp(name, column) == 0 && from != EH_TYPE_UNKNOWN &&
                       strcmp(eh_lite_native(to), "TEXT") == 0;
        if (i > 0 &&
            (!eh_buf_append_str(names, ", ", err) || !eh_buf_append_str(values, ", ", err)))
            return false;
        if (!eh_sql_identifier(names, name, err)) return false;
        if (!(as_text ? put_as_text(values, name, from, err)
                      : eh_sql_identifier(values, name, err)))
            return false;
    }
    return true;
}

static bool run(eh_lite_db *db, const char *name, const eh_sql_var *vars, size_t count,
                eh_err *err)
{
    eh_buf sql;
    eh_buf_init(&sql, SQL_MAX);
    bool ok = eh_sql_expand("sqlite", name, vars, count, &sql, err) &&
              eh_sqlite_exec(db->sql, sql.data, err);
    eh_buf_free(&sql);
    return ok;
}

static bool make_copy(eh_lite_db *db, const eh_table_info *info, const char *table,
                      const char *column, eh_type from, eh_type to, eh_err *err)
{
    eh_buf defs, names, values;
    eh_buf_init(&defs, SQL_MAX);
    eh_buf_init(&names, SQL_MAX);
    eh_buf_init(&values, SQL_MAX);
    bool ok = eh_lite_columns_sql(info, column, to, &defs, err) &&
              list_columns(info, column, from, to, &names, &values, err);
    if (ok) {
        const char *name_list = eh_buf_cstr(&names), *value_list = eh_buf_cstr(&values);
        eh_sql_var create[] = {{"table", rebuilt_name}, {"columns", defs.data}};
        eh_sql_var copy[] = {{"to", rebuilt_name},
                             {"from", table},
                             {"columns", name_list},
                             {"values", value_list}};
        if (name_list == NULL || value_list == NULL)
            ok = eh_fail_memory(err, "a statement");
        else
            ok = run(db, "table_create", create, 2, err) && run(db, "table_copy", copy, 4, err);
    }
    eh_buf_free(&defs);
    eh_buf_free(&names);
    eh_buf_free(&values);
    return ok;
}

/* The statements that make the table's indexes and triggers again, one after the other. */
static bool read_extras(eh_lite_db *db, const char *table, eh_buf *out, eh_err *err)
{
    eh_lite_arg args[] = {eh_lite_str(table)};
    eh_sqlite_stmt *stmt = eh_lite_prepare(db, "table_extras", args, 1, err);
    if (stmt == NULL) return false;
    eh_step step;
    while ((step = eh_sqlite_step(stmt, err)) == EH_STEP_ROW) {
        eh_slice sql = eh_sqlite_text(stmt, 0);
        if (eh_buf_append(out, sql.data, sql.len, err) && eh_buf_append_str(out, ";\n", err))
            continue;
        step = EH_STEP_ERROR;
        break;
    }
    eh_sqlite_free(stmt);
    return step == EH_STEP_DONE &&
           (eh_buf_cstr(out) != NULL || eh_fail_memory(err, "a statement"));
}

static bool swap(eh_lite_db *db, const char *table, eh_err *err)
{
    eh_buf extras;
    eh_buf_init(&extras, SQL_MAX);
    eh_sql_var vars[] = {{"table", table}, {"rebuilt", rebuilt_name}};
    bool ok = read_extras(db, table, &extras, err) &&
              eh_sqlite_exec(db->sql, "PRAGMA legacy_alter_table = ON", err) &&
              run(db, "table_swap", vars, 2, err) && eh_sqlite_exec(db->sql, extras.data, err);
    /* Only this connection's, and only while it swaps. */
    if (!eh_sqlite_exec(db->sql, "PRAGMA legacy_alter_table = OFF", err)) ok = false;
    eh_buf_free(&extras);
    return ok;
}

/* "unknown" promises that there are only nulls: look, since another stream may write here too.
 */
static bool check_only_nulls(eh_lite_db *db, const char *table, const char *column, eh_err *err)
{
    eh_sql_var vars[] = {{"table", table}, {"column", column}};
    eh_buf sql;
    eh_buf_init(&sql, SQL_MAX);
    eh_sqlite_stmt *stmt = NULL;
    bool ok = eh_sql_expand("sqlite", "column_has_values", vars, 2, &sql, err);
    if (ok) stmt = eh_sqlite_prepare(db->sql, sql.data, NULL, err);
    ok = stmt != NULL && eh_sqlite_step(stmt, err) == EH_STEP_ROW;
    if (ok && eh_sqlite_int(stmt, 0) != 0)
        ok = eh_fail(err, EH_CLASS_DESTINATION,
                     "column %s was all null for this stream, but somebody else wrote values "
                     "into it",
                     column);
    eh_sqlite_free(stmt);
    eh_buf_free(&sql);
    return ok;
}

/* A date that was widened to its midnight comes back as it was written. */
static bool restore_dates(eh_lite_db *db, const char *table, const char *recorded,
                          const char *column, eh_err *err)
{
    eh_lite_arg args[] = {eh_lite_str("main"), eh_lite_str(recorded), eh_lite_str(column)};
    eh_sqlite_stmt *stmt = eh_lite_prepare(db, "column_was_date", args, 3, err);
    if (stmt == NULL) return false;
    bool ok = eh_sqlite_step(stmt, err) == EH_STEP_ROW;
    bool was_date = ok && eh_sqlite_int(stmt, 0) != 0;
    eh_sqlite_free(stmt);
    eh_sql_var vars[] = {{"table", table}, {"column", column}};
    return ok && (!was_date || run(db, "column_dates", vars, 2, err));
}

bool eh_lite_retype(eh_lite_db *db, const eh_table_info *info, const char *table,
                    const char *recorded, const char *column, eh_type from, eh_type to,
                    eh_err *err)
{
    eh_sql_var vars[] = {{"table", table}, {"column", column}};
    if (from == EH_TYPE_UNKNOWN && !check_only_nulls(db, table, column, err)) return false;
    if (from == EH_TYPE_DATE && to == EH_TYPE_DATETIME)
        return run(db, "column_datetime", vars, 2, err);
    if (from == EH_TYPE_DATETIME && to == EH_TYPE_TEXT)
        return restore_dates(db, table, recorded, column, err);
    if (strcmp(eh_lite_native(from), eh_lite_native(to)) == 0) return true;
    return make_copy(db, info, table, column, from, to, err) && swap(db, table, err);
}
