/* load/dest_sqlite_open.c: a SQLite file made ready: write-ahead log, bookkeeping, settings of
 * a connection. See dest_sqlite.h. */
#include "load/dest_sql.h"
#include "load/dest_sqlite.h"

#define WAL_DEADLINE_US ((int64_t)EH_LITE_BUSY_MS * 1000)

/* A file that is not there yet gets its first page, which says WAL, without a journal: there is
 * nothing to go back to, and all that is not zero in that page is in its first sector. It costs
 * one wait for the disk instead of four. */
static bool is_empty(eh_lite *lite, bool *empty, eh_err *err)
{
    eh_sqlite_stmt *stmt = eh_sqlite_prepare(lite->control.sql, "PRAGMA page_count", NULL, err);
    bool ok = stmt != NULL && eh_sqlite_step(stmt, err) == EH_STEP_ROW;
    *empty = ok && eh_sqlite_int(stmt, 0) == 0;
    eh_sqlite_free(stmt);
    return ok;
}

/* Another process that opens the same new file holds the lock for a moment, and SQLite does not
 * wait for it when the journal mode changes. */
static bool set_wal(eh_lite *lite, eh_err *err)
{
    int64_t deadline = eh_clock_monotonic(&lite->base.clock) + WAL_DEADLINE_US;
    for (;;) {
        eh_err attempt = {.class_ = EH_OK};
        bool empty;
        if (is_empty(lite, &empty, &attempt) &&
            eh_sqlite_exec(lite->control.sql,
                           empty ? "PRAGMA journal_mode = OFF; PRAGMA journal_mode = WAL"
                                 : "PRAGMA journal_mode = WAL",
                           &attempt))
            return true;
        if (attempt.class_ != EH_CLASS_TRANSIENT ||
            eh_clock_monotonic(&lite->base.clock) > deadline) {
            if (err->class_ == EH_OK) *err = attempt;
            return false;
        }
        if (!eh_loop_turn(lite->base.loop, 20, err)) return false;
    }
}

static bool look_for_books(eh_lite *lite, int64_t *version, eh_err *err)
{
    int64_t there;
    *version = 0;
    return eh_lite_number(&lite->control, "bookkeeping_exists", NULL, 0, &there, err) &&
           (there == 0 || eh_lite_number(&lite->control, "version", NULL, 0, version, err));
}

static bool run_file(eh_lite *lite, const char *name, eh_err *err)
{
    const char *sql = eh_sql_text("sqlite", name, err);
    return sql != NULL && eh_sqlite_exec(lite->control.sql, sql, err);
}

/* Whoever comes second waits for the first, then looks again. */
static bool make_books(eh_lite *lite, int64_t *version, eh_err *err)
{
    if (!eh_lite_begin(&lite->control, err)) return false;
    bool ok = look_for_books(lite, version, err) &&
              (*version > 0 || run_file(lite, "bookkeeping", err)) &&
              (*version >= 2 || run_file(lite, "bookkeeping_upgrade", err)) &&
              (*version >= 3 || run_file(lite, "bookkeeping_upgrade_3", err)) &&
              eh_lite_number(&lite->control, "version", NULL, 0, version, err);
    return eh_lite_end(&lite->control, ok, err);
}

static bool check_books(eh_lite *lite, eh_err *err)
{
    int64_t version;
    if (!look_for_books(lite, &version, err)) return false;
    if (version == 0 && lite->base.read_only) return true;
    if (version < EH_BOOKS_VERSION && !lite->base.read_only && !make_books(lite, &version, err))
        return false;
    if (!eh_dest_check_version(version, err)) return false;
    lite->has_books = true;
    return true;
}

bool eh_lite_open(const eh_lite *lite, eh_lite_db *db, eh_err *err)
{
    db->clock = lite->base.clock;
    db->sql = eh_sqlite_open(lite->path, lite->base.read_only, EH_LITE_BUSY_MS, err);
    /* NORMAL: what says how a load goes on (its epoch, its tables) need not outlive a power
     * failure by itself. The checkpoint size in pages: one for some units, not one for each. */
    return db->sql != NULL &&
           eh_sqlite_exec(db->sql,
                          "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384;"
                          "PRAGMA wal_autocheckpoint = 8192;",
                          err);
}

bool eh_lite_prepare_file(eh_lite *lite, eh_err *err)
{
    return eh_lite_open(lite, &lite->control, err) &&
           (lite->base.read_only || set_wal(lite, err)) && check_books(lite, err);
}
