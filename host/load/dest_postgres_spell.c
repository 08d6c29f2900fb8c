/* load/dest_postgres_spell.c: see dest_postgres_spell.h. */
#include "load/dest_postgres_spell.h"

#define SQL_MAX ((size_t)1024 * 1024)

/* ---- how one column is spelt ------------------------------------------------------------ */

bool eh_pg_spell_in(const eh_speller *s, size_t i, const char *alias, eh_buf *out)
{
    return eh_buf_append_str(out, alias, s->err) &&
           eh_sql_identifier(out, s->columns[i].name, s->err);
}

bool eh_pg_spell_staged(const eh_speller *s, size_t i, eh_buf *out)
{
    return eh_pg_spell_in(s, i, "s.", out);
}

bool eh_pg_spell_there(const eh_speller *s, size_t i, eh_buf *out)
{
    return eh_pg_spell_in(s, i, "t.", out);
}

bool eh_pg_spell_before(const eh_speller *s, size_t i, eh_buf *out)
{
    return eh_pg_spell_in(s, i, "p.", out);
}

bool eh_pg_spell_equal(const eh_speller *s, size_t i, eh_buf *out)
{
    return eh_pg_spell_there(s, i, out) && eh_buf_append_str(out, " = ", s->err) &&
           eh_pg_spell_staged(s, i, out);
}

bool eh_pg_spell_assigned(const eh_speller *s, size_t i, eh_buf *out)
{
    return eh_spell_bare(s, i, out) && eh_buf_append_str(out, " = ", s->err) &&
           eh_pg_spell_staged(s, i, out);
}

/* "The record has no field for column i". */
static bool lacks(const eh_speller *s, size_t i, eh_buf *out)
{
    return eh_buf_append_str(out, "coalesce(substr(", s->err) &&
           eh_pg_spell_staged(s, s->put->absent, out) &&
           eh_buf_printf(out, s->err, ", %zu, 1) = '1', false)", i + 1);
}

/* The staged value, or the one that is there where the record has no such field. */
bool eh_pg_spell_kept(const eh_speller *s, size_t i, eh_buf *out)
{
    return eh_buf_append_str(out, "CASE WHEN ", s->err) && lacks(s, i, out) &&
           eh_buf_append_str(out, " THEN ", s->err) && eh_pg_spell_there(s, i, out) &&
           eh_buf_append_str(out, " ELSE ", s->err) && eh_pg_spell_staged(s, i, out) &&
           eh_buf_append_str(out, " END", s->err);
}

/* The same from a row before it, if that does not end what was there. A lacking field is null
 * in the stage. */
bool eh_pg_spell_carried(const eh_speller *s, size_t i, eh_buf *out)
{
    if (s->put->roles[i] != EH_PUT_VALUE) return eh_pg_spell_staged(s, i, out);
    return eh_buf_append_str(out, "CASE WHEN NOT t.etl_gone AND ", s->err) &&
           lacks(s, i, out) && eh_buf_append_str(out, " THEN ", s->err) &&
           eh_pg_spell_there(s, i, out) && eh_buf_append_str(out, " ELSE ", s->err) &&
           eh_pg_spell_staged(s, i, out) && eh_buf_append_str(out, " END", s->err);
}

bool eh_pg_spell_filled(const eh_speller *s, size_t i, eh_buf *out)
{
    return s->put->roles[i] == EH_PUT_VALUE ? eh_pg_spell_kept(s, i, out)
                                            : eh_pg_spell_staged(s, i, out);
}

/* A version has the cursor of the row in which it was seen last. */
bool eh_pg_spell_opened(const eh_speller *s, size_t i, eh_buf *out)
{
    return i == s->put->cursor ? eh_pg_spell_in(s, i, "l.", out)
                               : eh_pg_spell_staged(s, i, out);
}

bool eh_pg_spell_assigned_kept(const eh_speller *s, size_t i, eh_buf *out)
{
    if (s->put->roles[i] != EH_PUT_VALUE) return eh_pg_spell_assigned(s, i, out);
    return eh_spell_bare(s, i, out) && eh_buf_append_str(out, " = ", s->err) &&
           eh_pg_spell_kept(s, i, out);
}

static bool newest_first(const eh_speller *s, eh_buf *out)
{
    if (s->put->cursor == SIZE_MAX) return eh_buf_append_str(out, "s.ctid DESC", s->err);
    return eh_pg_spell_staged(s, s->put->cursor, out) &&
           eh_buf_append_str(out, " DESC NULLS LAST, s.ctid DESC", s->err);
}

static bool may_lack(const eh_speller *s, size_t i)
{
    return s->put->roles[i] == EH_PUT_VALUE || s->put->roles[i] == EH_PUT_RECORD;
}

/* Which columns all of the records lack, put together again. */
static bool folded_absent(const eh_speller *s, eh_buf *out)
{
    for (size_t i = 0; i < s->put->count; i++) {
        if (i > 0 && !eh_buf_append_str(out, " || ", s->err)) return false;
        bool ok = may_lack(s, i) ? eh_buf_append_str(out, "CASE WHEN bool_and(", s->err) &&
                                       lacks(s, i, out) &&
                                       eh_buf_append_str(out, ") THEN '1' ELSE '0' END", s->err)
                                 : eh_buf_append_str(out, "'0'", s->err);
        if (!ok) return false;
    }
    return true;
}

/* The column's value in the newest record that has one. Whole rows are gathered, since a list
 * of lists is no list of values. */
bool eh_pg_spell_folded(const eh_speller *s, size_t i, eh_buf *out)
{
    if (s->put->roles[i] == EH_PUT_KEY) return eh_pg_spell_staged(s, i, out);
    if (s->put->roles[i] == EH_PUT_ABSENT) return folded_absent(s, out);
    if (!eh_buf_append_str(out, "((array_agg(s ORDER BY ", s->err) || !newest_first(s, out) ||
        !eh_buf_append_str(out, ")", s->err))
        return false;
    if (may_lack(s, i) && (!eh_buf_append_str(out, " FILTER (WHERE NOT ", s->err) ||
                           !lacks(s, i, out) || !eh_buf_append_str(out, ")", s->err)))
        return false;
    return eh_buf_append_str(out, ")[1]).", s->err) && eh_spell_bare(s, i, out);
}

/* ---- lists and conditions --------------------------------------------------------------- */

/* The keys in their own order: that of the index, which begins with the client. */
const char *eh_pg_spell_keys(const eh_speller *s, eh_spell_column *how)
{
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < s->put->key_count; i++)
        ok = (i == 0 || eh_buf_append_str(&out, ", ", s->err)) && how(s, s->put->keys[i], &out);
    return eh_spell_keep(s, ok, &out);
}

/* Is the staged row as new as the one that is there? Null is oldest. */
const char *eh_pg_spell_newer(const eh_speller *s)
{
    size_t cursor = s->put->cursor;
    if (cursor == SIZE_MAX) return "true";
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = eh_buf_append_str(&out, "(", s->err) && eh_pg_spell_there(s, cursor, &out) &&
              eh_buf_append_str(&out, " IS NULL OR coalesce(", s->err) &&
              eh_pg_spell_staged(s, cursor, &out) && eh_buf_append_str(&out, " >= ", s->err) &&
              eh_pg_spell_there(s, cursor, &out) &&
              eh_buf_append_str(&out, ", false))", s->err);
    return eh_spell_keep(s, ok, &out);
}

/* The reverse of spell_newest. */
const char *eh_pg_spell_oldest(const eh_speller *s)
{
    size_t cursor = s->put->cursor;
    if (cursor == SIZE_MAX) return "s.ctid";
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = eh_pg_spell_staged(s, cursor, &out) &&
              eh_buf_append_str(&out, " NULLS FIRST, s.ctid", s->err);
    return eh_spell_keep(s, ok, &out);
}

const char *eh_pg_spell_newest(const eh_speller *s)
{
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    return eh_spell_keep(s, newest_first(s, &out), &out);
}

/* What is a true flag depends on the column's type: docs/reference/types.md. */
const char *eh_pg_spell_live(const eh_speller *s, eh_spell_column *how)
{
    size_t flag = s->put->deleted;
    if (flag == SIZE_MAX) return "true";
    const char *test;
    switch (s->columns[flag].type) {
    case EH_TYPE_BOOLEAN:
        test = "";
        break;
    case EH_TYPE_BIGINT:
    case EH_TYPE_NUMERIC:
    case EH_TYPE_DOUBLE:
        test = " <> 0";
        break;
    case EH_TYPE_TEXT:
        test = "::text ~* '^(true|t|yes|y|1)$'";
        break;
    default:
        test = " IS NOT NULL";
        break;
    }
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = eh_buf_append_str(&out, "(NOT coalesce(", s->err) && how(s, flag, &out) &&
              eh_buf_printf(&out, s->err, "%s, false))", test);
    return eh_spell_keep(s, ok, &out);
}
