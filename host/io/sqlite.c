/* io/sqlite.c: see sqlite.h. Result codes become classes in one table here. */
#include "io/sqlite.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct eh_sqlite {
    sqlite3 *handle;
    int busy_ms;
};

struct eh_sqlite_stmt {
    sqlite3_stmt *handle;
    int params;
    int bind_failure; /* first result code of a bind that failed; 0 if none */
};

/* ---- errors ----------------------------------------------------------------------------- */

static eh_class class_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_IOERR:
        return EH_CLASS_TRANSIENT;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
        return EH_CLASS_DATA;
    case SQLITE_NOMEM:
        return EH_CLASS_LIMIT;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
        return EH_CLASS_DENIED;
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
        return EH_CLASS_CONFIG;
    case SQLITE_INTERRUPT:
        return EH_CLASS_CANCELLED;
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
        return EH_CLASS_BUG;
    default: /* SQLITE_FULL, too: it stays full until somebody makes room */
        return EH_CLASS_DESTINATION;
    }
}

/* Only a write of the database file gives SQLITE_FULL; where the file of shared memory cannot
 * grow, or a quota is used up, it is an input/output error with that number. */
static bool is_full(sqlite3 *handle, int code)
{
    int number = handle != NULL ? sqlite3_system_errno(handle) : 0;
    return (code & 0xff) == SQLITE_FULL ||
           ((code & 0xff) == SQLITE_IOERR && (number == ENOSPC || number == EDQUOT));
}

static bool fail_code(sqlite3 *handle, int code, eh_err *err)
{
    if (err == NULL || err->class_ != EH_OK) return false;
    if (is_full(handle, code)) {
        (void)eh_fail(err, EH_CLASS_DESTINATION, "SQLite: the disk is full");
        err->code = code;
        return eh_err_hint(err, "make room, then run again: what is committed stays");
    }
    const char *text = handle != NULL ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
    (void)eh_fail(err, class_of(code), "SQLite: %s", text);
    err->code = code;
    if ((code & 0xff) == SQLITE_BUSY)
        (void)eh_err_hint(err, "another process is writing this database; try again when it is "
                               "done");
    return false;
}

/* ---- open, close ------------------------------------------------------------------------ */

eh_sqlite *eh_sqlite_open(const char *path, bool read_only, int busy_ms, eh_err *err)
{
    eh_sqlite *db = calloc(1, sizeof *db);
    if (db == NULL) {
        (void)eh_fail_memory(err, "a database connection");
        return NULL;
    }
    if (read_only && access(path, R_OK) != 0) {
        (void)eh_fail(err, EH_CLASS_NOT_FOUND, "there is no readable database file %s", path);
        free(db);
        return NULL;
    }
    int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int code = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) {
        (void)fail_code(db->handle, code, err);
        (void)eh_err_while(err, "opening %s", path);
        eh_sqlite_close(db);
        return NULL;
    }
    (void)sqlite3_extended_result_codes(db->handle, 1);
    eh_sqlite_busy(db, busy_ms);
    return db;
}

void eh_sqlite_close(eh_sqlite *db)
{
    if (db == NULL) return;
    (void)sqlite3_close_v2(db->handle);
    free(db);
}

/* SQLite's own waiting looks every 100 ms in the end. One who writes unit after unit leaves the
 * file free for a fraction of a millisecond between two: to get in, one has to look often. */
static int wait_busy(void *self, int count)
{
    const eh_sqlite *db = self;
    if (count >= db->busy_ms) return 0;
    (void)sqlite3_sleep(1);
    return 1;
}

void eh_sqlite_busy(eh_sqlite *db, int busy_ms)
{
    db->busy_ms = busy_ms;
    (void)sqlite3_busy_handler(db->handle, wait_busy, db);
}

bool eh_sqlite_exec(eh_sqlite *db, const char *sql, eh_err *err)
{
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK || fail_code(db->handle, code, err);
}

void eh_sqlite_interrupt(eh_sqlite *db)
{
    sqlite3_interrupt(db->handle);
}

bool eh_sqlite_in_transaction(const eh_sqlite *db)
{
    return sqlite3_get_autocommit(db->handle) == 0;
}

/* ---- statements ------------------------------------------------------------------------- */

eh_sqlite_stmt *eh_sqlite_prepare(eh_sqlite *db, const char *sql, const char **tail,
                                  eh_err *err)
{
    sqlite3_stmt *handle = NULL;
    int code =
        sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, tail);
    if (code != SQLITE_OK) {
        (void)fail_code(db->handle, code, err);
        return NULL;
    }
    if (handle == NULL) return NULL;
    eh_sqlite_stmt *stmt = calloc(1, sizeof *stmt);
    if (stmt == NULL) {
        (void)sqlite3_finalize(handle);
        (void)eh_fail_memory(err, "a statement");
        return NULL;
    }
    stmt->handle = handle;
    stmt->params = sqlite3_bind_parameter_count(handle);
    return stmt;
}

void eh_sqlite_free(eh_sqlite_stmt *stmt)
{
    if (stmt == NULL) return;
    /* Repeats the error of the latest step, which has been reported. */
    (void)sqlite3_finalize(stmt->handle);
    free(stmt);
}

bool eh_sqlite_only_reads(eh_sqlite *db, const char *sql)
{
    bool reads = true;
    while (reads && *sql != '\0') {
        sqlite3_stmt *handle = NULL;
        reads = sqlite3_prepare_v2(db->handle, sql, -1, &handle, &sql) == SQLITE_OK &&
                (handle == NULL || sqlite3_stmt_readonly(handle) != 0);
        (void)sqlite3_finalize(handle);
    }
    return reads;
}

static inline void note_bind(eh_sqlite_stmt *stmt, int code)
{
    if (code != SQLITE_OK && stmt->bind_failure == 0) stmt->bind_failure = code;
}

void eh_sqlite_bind_null(eh_sqlite_stmt *stmt, int index)
{
    if (index <= stmt->params) note_bind(stmt, sqlite3_bind_null(stmt->handle, index));
}

void eh_sqlite_bind_int(eh_sqlite_stmt *stmt, int index, int64_t value)
{
    if (index <= stmt->params) note_bind(stmt, sqlite3_bind_int64(stmt->handle, index, value));
}

void eh_sqlite_bind_real(eh_sqlite_stmt *stmt, int index, double value)
{
    if (index <= stmt->params) note_bind(stmt, sqlite3_bind_double(stmt->handle, index, value));
}

void eh_sqlite_bind_text(eh_sqlite_stmt *stmt, int index, const char *text, size_t len)
{
    if (index > stmt->params) return;
    /* A NULL pointer would be SQL NULL; empty text is not. */
    note_bind(stmt, sqlite3_bind_text64(stmt->handle, index, text != NULL ? text : "", len,
                                        SQLITE_STATIC, SQLITE_UTF8));
}

void eh_sqlite_bind_str(eh_sqlite_stmt *stmt, int index, const char *text)
{
    if (text == NULL)
        eh_sqlite_bind_null(stmt, index);
    else
        eh_sqlite_bind_text(stmt, index, text, strlen(text));
}

void eh_sqlite_bind_blob(eh_sqlite_stmt *stmt, int index, const void *data, size_t len)
{
    if (index > stmt->params) return;
    note_bind(stmt, sqlite3_bind_blob64(stmt->handle, index, data != NULL ? data : "", len,
                                        SQLITE_STATIC));
}

static eh_step step_failed(eh_sqlite_stmt *stmt, int code, eh_err *err)
{
    (void)fail_code(sqlite3_db_handle(stmt->handle), code, err);
    (void)sqlite3_reset(stmt->handle);
    return class_of(code) == EH_CLASS_DATA ? EH_STEP_REFUSED : EH_STEP_ERROR;
}

eh_step eh_sqlite_step(eh_sqlite_stmt *stmt, eh_err *err)
{
    if (stmt->bind_failure != 0) {
        int code = stmt->bind_failure;
        stmt->bind_failure = 0;
        return step_failed(stmt, code, err);
    }
    int code = sqlite3_step(stmt->handle);
    if (code == SQLITE_ROW) return EH_STEP_ROW;
    if (code != SQLITE_DONE) return step_failed(stmt, code, err);
    (void)sqlite3_reset(stmt->handle);
    return EH_STEP_DONE;
}

void eh_sqlite_reset(eh_sqlite_stmt *stmt)
{
    (void)sqlite3_reset(stmt->handle);
}

/* ---- the current row -------------------------------------------------------------------- */

int eh_sqlite_column_count(const eh_sqlite_stmt *stmt)
{
    return sqlite3_column_count(stmt->handle);
}

const char *eh_sqlite_column_name(const eh_sqlite_stmt *stmt, int column)
{
    const char *name = sqlite3_column_name(stmt->handle, column);
    return name != NULL ? name : "";
}

eh_sqlite_kind eh_sqlite_kind_of(const eh_sqlite_stmt *stmt, int column)
{
    switch (sqlite3_column_type(stmt->handle, column)) {
    case SQLITE_INTEGER:
        return EH_SQLITE_INT;
    case SQLITE_FLOAT:
        return EH_SQLITE_REAL;
    case SQLITE_TEXT:
        return EH_SQLITE_TEXT;
    case SQLITE_BLOB:
        return EH_SQLITE_BLOB;
    default:
        return EH_SQLITE_NULL;
    }
}

bool eh_sqlite_is_null(const eh_sqlite_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt->handle, column) == SQLITE_NULL;
}

int64_t eh_sqlite_int(const eh_sqlite_stmt *stmt, int column)
{
    return sqlite3_column_int64(stmt->handle, column);
}

double eh_sqlite_real(const eh_sqlite_stmt *stmt, int column)
{
    return sqlite3_column_double(stmt->handle, column);
}

eh_slice eh_sqlite_text(const eh_sqlite_stmt *stmt, int column)
{
    /* The order matters: column_text converts, then column_bytes counts (sqlite3.h). A blob is
     * given as it is, without conversion. */
    const void *data = sqlite3_column_type(stmt->handle, column) == SQLITE_BLOB
                           ? sqlite3_column_blob(stmt->handle, column)
                           : (const void *)sqlite3_column_text(stmt->handle, column);
    int len = sqlite3_column_bytes(stmt->handle, column);
    return eh_slice_of(data, data != NULL ? (size_t)len : 0);
}

/* The fewest digits that read back as the same number. */
static bool print_real(double value, eh_buf *out, eh_err *err)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    return eh_buf_append_str(out, text, err);
}

static bool print_hex(eh_slice bytes, eh_buf *out, eh_err *err)
{
    static const char digits[] = "0123456789abcdef";
    if (!eh_buf_append_str(out, "\\x", err) || !eh_buf_reserve(out, 2 * bytes.len, err))
        return false;
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        out->data[out->len++] = digits[byte >> 4];
        out->data[out->len++] = digits[byte & 15];
    }
    return true;
}

bool eh_sqlite_print(const eh_sqlite_stmt *stmt, int column, eh_buf *out, eh_err *err)
{
    switch (sqlite3_column_type(stmt->handle, column)) {
    case SQLITE_NULL:
        return true;
    case SQLITE_FLOAT:
        return print_real(sqlite3_column_double(stmt->handle, column), out, err);
    case SQLITE_BLOB:
        return print_hex(eh_sqlite_text(stmt, column), out, err);
    default: {
        eh_slice text = eh_sqlite_text(stmt, column);
        return eh_buf_append(out, text.data, text.len, err);
    }
    }
}
