/* load/dest_postgres_put.c: the statements of a put, made once for an encoder's columns.
 *
 * The files in sql/postgres/put_*.sql say what each does; here the lists and conditions that
 * are spliced into them are spelled, with `t` the table and `s` the stage. */
#include "load/dest_postgres.h"
#include "load/dest_sql.h"

#define SQL_MAX ((size_t)1024 * 1024)

/* One spelling of the columns after another: how each is written, and which take part. */
typedef struct speller {
    const eh_put *put;
    const eh_column_info *columns;
    eh_arena *arena;
    eh_err *err;
} speller;

typedef bool spell_column(const speller *s, size_t i, eh_buf *out);

static bool has_role(const speller *s, size_t i, eh_put_role role)
{
    return s->put->roles[i] == role;
}

static bool in(const speller *s, size_t i, const char *alias, eh_buf *out)
{
    return eh_buf_append_str(out, alias, s->err) &&
           eh_sql_identifier(out, s->columns[i].name, s->err);
}

static bool bare(const speller *s, size_t i, eh_buf *out)
{
    return in(s, i, "", out);
}

static bool staged(const speller *s, size_t i, eh_buf *out)
{
    return in(s, i, "s.", out);
}

static bool there(const speller *s, size_t i, eh_buf *out)
{
    return in(s, i, "t.", out);
}

static bool equal(const speller *s, size_t i, eh_buf *out)
{
    return there(s, i, out) && eh_buf_append_str(out, " = ", s->err) && staged(s, i, out);
}

static bool assigned(const speller *s, size_t i, eh_buf *out)
{
    return bare(s, i, out) && eh_buf_append_str(out, " = ", s->err) && staged(s, i, out);
}

/* The staged value, or the one that is there where the record has no such field. */
static bool kept(const speller *s, size_t i, eh_buf *out)
{
    return eh_buf_append_str(out, "CASE WHEN substr(s.", s->err) &&
           bare(s, s->put->absent, out) &&
           eh_buf_printf(out, s->err, ", %zu, 1) = '1' THEN ", i + 1) && there(s, i, out) &&
           eh_buf_append_str(out, " ELSE ", s->err) && staged(s, i, out) &&
           eh_buf_append_str(out, " END", s->err);
}

static bool assigned_kept(const speller *s, size_t i, eh_buf *out)
{
    if (!has_role(s, i, EH_PUT_VALUE)) return assigned(s, i, out);
    return bare(s, i, out) && eh_buf_append_str(out, " = ", s->err) && kept(s, i, out);
}

/* The columns of the roles (bits), spelt one way; NULL without memory. */
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
    const char *text = ok ? eh_arena_strndup(s->arena, out.data, out.len) : NULL;
    if (ok && text == NULL) (void)eh_fail_memory(s->err, "a statement");
    eh_buf_free(&out);
    return text;
}

/* The keys in their own order: that of the index, which begins with the client. */
static const char *spell_keys(const speller *s, spell_column *how)
{
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < s->put->key_count; i++)
        ok = (i == 0 || eh_buf_append_str(&out, ", ", s->err)) && how(s, s->put->keys[i], &out);
    const char *text = ok ? eh_arena_strndup(s->arena, out.data, out.len) : NULL;
    if (ok && text == NULL) (void)eh_fail_memory(s->err, "a statement");
    eh_buf_free(&out);
    return text;
}

/* Is the staged row as new as the one that is there? Null is oldest. */
static const char *spell_newer(const speller *s)
{
    if (s->put->cursor == SIZE_MAX) return "true";
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = eh_buf_append_str(&out, "(", s->err) && there(s, s->put->cursor, &out) &&
              eh_buf_append_str(&out, " IS NULL OR coalesce(", s->err) &&
              staged(s, s->put->cursor, &out) && eh_buf_append_str(&out, " >= ", s->err) &&
              there(s, s->put->cursor, &out) && eh_buf_append_str(&out, ", false))", s->err);
    const char *text = ok ? eh_arena_strndup(s->arena, out.data, out.len) : NULL;
    if (ok && text == NULL) (void)eh_fail_memory(s->err, "a statement");
    eh_buf_free(&out);
    return text;
}

static const char *spell_newest(const speller *s)
{
    if (s->put->cursor == SIZE_MAX) return "";
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok =
        bare(s, s->put->cursor, &out) && eh_buf_append_str(&out, " DESC NULLS LAST,", s->err);
    const char *text = ok ? eh_arena_strndup(s->arena, out.data, out.len) : NULL;
    if (ok && text == NULL) (void)eh_fail_memory(s->err, "a statement");
    eh_buf_free(&out);
    return text;
}

static const char *expand(const speller *s, const char *file, const eh_sql_var *vars,
                          size_t count)
{
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = eh_sql_expand("postgres", file, vars, count, &out, s->err);
    const char *text = ok ? eh_arena_strndup(s->arena, out.data, out.len) : NULL;
    if (ok && text == NULL) (void)eh_fail_memory(s->err, "a statement");
    eh_buf_free(&out);
    return text;
}

enum {
    KEYS = 1u << EH_PUT_KEY,
    VALUES = 1u << EH_PUT_VALUE,
    OURS = 1u << EH_PUT_OURS,
    OF_TABLE = KEYS | VALUES | OURS
};

const eh_pg_put *eh_pg_put_new(const char *schema, const char *table,
                               const eh_column_info *columns, const eh_put *put,
                               eh_arena *arena, eh_err *err)
{
    speller s = {put, columns, arena, err};
    eh_pg_put *made = eh_arena_zalloc(arena, 1, sizeof *made);
    if (made == NULL) {
        (void)eh_fail_memory(err, "an encoder");
        return NULL;
    }
    bool absent = put->absent != SIZE_MAX;
    eh_sql_var vars[] = {
        {"schema", schema},
        {"table", table},
        {"columns", spell(&s, OF_TABLE, ", ", bare)},
        {"staged", spell(&s, OF_TABLE, ", ", staged)},
        {"keys", spell_keys(&s, bare)},
        {"order", spell_keys(&s, staged)},
        {"match", spell(&s, KEYS, " AND ", equal)},
        {"newer", spell_newer(&s)},
        {"newest", spell_newest(&s)},
        {"live", "true"},
        {"absent", absent ? ", NULL::text AS " EH_ABSENT_COLUMN : ""},
    };
    enum { COUNT = sizeof vars / sizeof vars[0] };
    for (size_t i = 0; i < COUNT; i++)
        if (vars[i].value == NULL) return NULL;
    made->stage = expand(&s, "put_stage", vars, COUNT);
    made->dedupe = expand(&s, "put_dedupe", vars, COUNT);
    made->insert = expand(&s, "put_insert", vars, COUNT);
    made->stale = put->cursor != SIZE_MAX ? expand(&s, "put_stale", vars, COUNT) : NULL;
    if (made->stage == NULL || made->dedupe == NULL || made->insert == NULL ||
        (made->stale == NULL && put->cursor != SIZE_MAX))
        return NULL;
    for (int partial = 0; partial <= (absent ? 1 : 0); partial++) {
        eh_sql_var update[] = {
            vars[0],
            vars[1],
            {"match", vars[6].value},
            {"newer", vars[7].value},
            {"live", vars[9].value},
            {"assign", spell(&s, VALUES | OURS, ", ", partial ? assigned_kept : assigned)},
            {"there", spell(&s, VALUES, ", ", there)},
            {"staged", spell(&s, VALUES, ", ", partial ? kept : staged)},
        };
        if (update[5].value == NULL || update[6].value == NULL || update[7].value == NULL)
            return NULL;
        const char *text = expand(&s, "put_update", update, sizeof update / sizeof update[0]);
        if (text == NULL) return NULL;
        if (partial)
            made->update_partial = text;
        else
            made->update = text;
    }
    return made;
}
