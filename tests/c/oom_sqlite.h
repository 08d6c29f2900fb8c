/* The SQLite file of an oe (oom_engine.h). */
#ifndef EH_TESTS_OOM_SQLITE_H
#define EH_TESTS_OOM_SQLITE_H

#include "oom_engine.h"

static inline void oe_reset_file(oe *e)
{
    static const char *const names[] = {"data.db-wal", "data.db-shm", "data.db"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", e->k.folder, names[i]);
        (void)unlink(path);
    }
    oe_empty(e);
    if (e->kept == NULL) return;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(e->kept, 1, e->kept_len, file), e->kept_len);
    assert_int_equal(fclose(file), 0);
}

static inline void oe_keep_file(oe *e)
{
    enum { MAX = 4 << 20 };
    char path[128];
    (void)snprintf(path, sizeof path, "%s/data.db", e->k.folder);
    FILE *file = fopen(path, "r");
    if (file == NULL) return;
    e->kept = malloc(MAX);
    assert_non_null(e->kept);
    e->kept_len = fread(e->kept, 1, MAX, file);
    assert_true(e->kept_len < MAX);
    assert_int_equal(fclose(file), 0);
}

static inline const char *oe_ask_file(oe *e, const char *sql)
{
    return ek_ask(&e->k, sql);
}

#endif
