/* load/dest_sqlite_put.c: the statements of a put, made once for an encoder's columns; see
 * dest_sqlite_put.h. Parameter i + 1 is column i in all of them. */
#include "load/dest_sqlite_put.h"

#include "load/dest_sql.h"

#define SQL_MAX ((size_t)4 * 1024 * 1024)

typedef struct speller {
    const eh_put *put;
    const eh_column_info *columns;
    eh_arena *arena;
    eh_err *err;
} speller;

/* Sets of roles, as bits. */
enum {
    KEYS = 1u << EH_PUT_KEY,
    VALUES = 1u << EH_PUT_VALUE,
    OURS = 1u << EH_PUT_OURS,
    OF_TABLE = KEYS | VALUES | OURS
};

typedef bool spell_column(const speller *s, size_t i, eh_buf *out);

static bool bare(const speller *s, size_t i, eh_buf *out)
{
    return eh_sql_identifier(out, s->columns[i].name, s->err);
}

static bool equal(const speller *s, size_t i, eh_buf *out)
{
    return bare(s, i, out) && eh_buf_printf(out, s->err, " = ?%zu", i + 1);
}

/* What the record has no field for keeps its value. */
static bool assigned_kept(const speller *s, size_t i, eh_buf *out)
{
    if (s->put->roles[i] != EH_PUT_VALUE) return equal(s, i, out);
    return bare(s, i, out) &&
           eh_buf_printf(out, s->err, " = CASE WHEN substr(?%zu, %zu, 1) = '1' THEN ",
                         s->put->absent + 1, i + 1) &&
           bare(s, i, out) && eh_buf_printf(out, s->err, " ELSE ?%zu END", i + 1);
}

static const char *keep(const speller *s, bool ok, eh_buf *out)
{
    const char *text = ok ? eh_arena_strndup(s->arena, out->data, out->len) : NULL;
    if (ok && text == NULL) (void)eh_fail_memory(s->err, "a statement");
    eh_buf_free(out);
    return text;
}

/* The columns of the roles, each spelt one way. */
static const char *spell(const speller *s, unsigned roles, const char *between,
                         spell_column *how)
{
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < s->put->count; i++) {
        if ((roles & 1u << s->put->roles[i]) == 0) continue;
        ok = (out.len == 0 || eh_buf_append_str(&out, between, s->err)) && how(s, i, &out);
    }
    return keep(s, ok, &out);
}

static const char *expand(const speller *s, const char *file, const char *table,
                          const char *match, const char *name, const char *list)
{
    if (match == NULL || list == NULL) return NULL;
    eh_sql_var vars[] = {{"table", table}, {"match", match}, {name, list}};
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    return keep(s, eh_sql_expand("sqlite", file, vars, 3, &out, s->err), &out);
}

const eh_lite_put *eh_lite_put_new(const char *table, const eh_column_info *columns,
                                   const eh_put *put, eh_arena *arena, eh_err *err)
{
    const speller s = {put, columns, arena, err};
    eh_lite_put *made = eh_arena_zalloc(arena, 1, sizeof *made);
    eh_type *types = eh_arena_zalloc(arena, put->count, sizeof *types);
    if (made == NULL || types == NULL) {
        (void)eh_fail_memory(err, "an encoder");
        return NULL;
    }
    for (size_t i = 0; i < put->count; i++) types[i] = columns[i].type;
    made->types = types;
    const char *match = spell(&s, KEYS, " AND ", equal);
    const char **sql = made->sql;
    sql[EH_LITE_FIND] =
        expand(&s, "put_find", table, match, "columns", spell(&s, OF_TABLE, ", ", bare));
    sql[EH_LITE_UPDATE] =
        expand(&s, "put_update", table, match, "assign", spell(&s, VALUES | OURS, ", ", equal));
    sql[EH_LITE_REMOVE] = expand(&s, "put_remove", table, match, "columns", "");
    bool partial = put->absent != SIZE_MAX;
    if (partial)
        sql[EH_LITE_UPDATE_PARTIAL] = expand(&s, "put_update", table, match, "assign",
                                             spell(&s, VALUES | OURS, ", ", assigned_kept));
    bool ok = sql[EH_LITE_FIND] != NULL && sql[EH_LITE_UPDATE] != NULL &&
              sql[EH_LITE_REMOVE] != NULL && (!partial || sql[EH_LITE_UPDATE_PARTIAL] != NULL);
    return ok ? made : NULL;
}
