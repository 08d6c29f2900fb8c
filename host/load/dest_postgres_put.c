/* load/dest_postgres_put.c: the statements of a put, made once for an encoder's columns.
 *
 * The files in sql/postgres/put_*.sql say what each does; here the lists and conditions that
 * are spliced into them are spelled, with `t` the table and `s` the stage. What fails leaves a
 * NULL behind, which is looked for once, at the end. */
#include "load/dest_postgres.h"
#include "load/dest_sql.h"

#define SQL_MAX ((size_t)1024 * 1024)

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
    ABSENT = 1u << EH_PUT_ABSENT,
    RECORD = 1u << EH_PUT_RECORD,
    OF_TABLE = KEYS | VALUES | OURS
};

/* ---- how one column is spelt ------------------------------------------------------------ */

typedef bool spell_column(const speller *s, size_t i, eh_buf *out);

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

static bool before(const speller *s, size_t i, eh_buf *out)
{
    return in(s, i, "p.", out);
}

static bool equal(const speller *s, size_t i, eh_buf *out)
{
    return there(s, i, out) && eh_buf_append_str(out, " = ", s->err) && staged(s, i, out);
}

static bool assigned(const speller *s, size_t i, eh_buf *out)
{
    return bare(s, i, out) && eh_buf_append_str(out, " = ", s->err) && staged(s, i, out);
}

/* "The record has no field for column i". */
static bool lacks(const speller *s, size_t i, eh_buf *out)
{
    return eh_buf_append_str(out, "coalesce(substr(", s->err) &&
           staged(s, s->put->absent, out) &&
           eh_buf_printf(out, s->err, ", %zu, 1) = '1', false)", i + 1);
}

/* The staged value, or the one that is there where the record has no such field. */
static bool kept(const speller *s, size_t i, eh_buf *out)
{
    return eh_buf_append_str(out, "CASE WHEN ", s->err) && lacks(s, i, out) &&
           eh_buf_append_str(out, " THEN ", s->err) && there(s, i, out) &&
           eh_buf_append_str(out, " ELSE ", s->err) && staged(s, i, out) &&
           eh_buf_append_str(out, " END", s->err);
}

/* The same from a row before it, if that does not end what was there. A lacking field is null
 * in the stage. */
static bool carried(const speller *s, size_t i, eh_buf *out)
{
    if (s->put->roles[i] != EH_PUT_VALUE) return staged(s, i, out);
    return eh_buf_append_str(out, "CASE WHEN NOT t.etl_gone AND ", s->err) &&
           lacks(s, i, out) && eh_buf_append_str(out, " THEN ", s->err) && there(s, i, out) &&
           eh_buf_append_str(out, " ELSE ", s->err) && staged(s, i, out) &&
           eh_buf_append_str(out, " END", s->err);
}

static bool filled(const speller *s, size_t i, eh_buf *out)
{
    return s->put->roles[i] == EH_PUT_VALUE ? kept(s, i, out) : staged(s, i, out);
}

/* A version has the cursor of the row in which it was seen last. */
static bool opened(const speller *s, size_t i, eh_buf *out)
{
    return i == s->put->cursor ? in(s, i, "l.", out) : staged(s, i, out);
}

static bool assigned_kept(const speller *s, size_t i, eh_buf *out)
{
    if (s->put->roles[i] != EH_PUT_VALUE) return assigned(s, i, out);
    return bare(s, i, out) && eh_buf_append_str(out, " = ", s->err) && kept(s, i, out);
}

static bool newest_first(const speller *s, eh_buf *out)
{
    if (s->put->cursor == SIZE_MAX) return eh_buf_append_str(out, "s.ctid DESC", s->err);
    return staged(s, s->put->cursor, out) &&
           eh_buf_append_str(out, " DESC NULLS LAST, s.ctid DESC", s->err);
}

static bool may_lack(const speller *s, size_t i)
{
    return s->put->roles[i] == EH_PUT_VALUE || s->put->roles[i] == EH_PUT_RECORD;
}

/* Which columns all of the records lack, put together again. */
static bool folded_absent(const speller *s, eh_buf *out)
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
static bool folded(const speller *s, size_t i, eh_buf *out)
{
    if (s->put->roles[i] == EH_PUT_KEY) return staged(s, i, out);
    if (s->put->roles[i] == EH_PUT_ABSENT) return folded_absent(s, out);
    if (!eh_buf_append_str(out, "((array_agg(s ORDER BY ", s->err) || !newest_first(s, out) ||
        !eh_buf_append_str(out, ")", s->err))
        return false;
    if (may_lack(s, i) && (!eh_buf_append_str(out, " FILTER (WHERE NOT ", s->err) ||
                           !lacks(s, i, out) || !eh_buf_append_str(out, ")", s->err)))
        return false;
    return eh_buf_append_str(out, ")[1]).", s->err) && bare(s, i, out);
}

/* ---- lists and conditions --------------------------------------------------------------- */

static const char *keep(const speller *s, bool ok, eh_buf *out)
{
    const char *text = ok ? eh_arena_strndup(s->arena, out->data, out->len) : NULL;
    if (ok && out->len == 0) text = "";
    if (ok && text == NULL) (void)eh_fail_memory(s->err, "a statement");
    eh_buf_free(out);
    return text;
}

/* The columns of the roles but one, each spelt one way. */
static const char *spell_but(const speller *s, unsigned roles, size_t but, const char *between,
                             spell_column *how)
{
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < s->put->count; i++) {
        if (i == but || (roles & 1u << s->put->roles[i]) == 0) continue;
        ok = (out.len == 0 || eh_buf_append_str(&out, between, s->err)) && how(s, i, &out);
    }
    return keep(s, ok, &out);
}

static const char *spell(const speller *s, unsigned roles, const char *between,
                         spell_column *how)
{
    return spell_but(s, roles, SIZE_MAX, between, how);
}

/* The keys in their own order: that of the index, which begins with the client. */
static const char *spell_keys(const speller *s, spell_column *how)
{
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < s->put->key_count; i++)
        ok = (i == 0 || eh_buf_append_str(&out, ", ", s->err)) && how(s, s->put->keys[i], &out);
    return keep(s, ok, &out);
}

/* Is the staged row as new as the one that is there? Null is oldest. */
static const char *spell_newer(const speller *s)
{
    size_t cursor = s->put->cursor;
    if (cursor == SIZE_MAX) return "true";
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = eh_buf_append_str(&out, "(", s->err) && there(s, cursor, &out) &&
              eh_buf_append_str(&out, " IS NULL OR coalesce(", s->err) &&
              staged(s, cursor, &out) && eh_buf_append_str(&out, " >= ", s->err) &&
              there(s, cursor, &out) && eh_buf_append_str(&out, ", false))", s->err);
    return keep(s, ok, &out);
}

/* The reverse of spell_newest. */
static const char *spell_oldest(const speller *s)
{
    size_t cursor = s->put->cursor;
    if (cursor == SIZE_MAX) return "s.ctid";
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok =
        staged(s, cursor, &out) && eh_buf_append_str(&out, " NULLS FIRST, s.ctid", s->err);
    return keep(s, ok, &out);
}

static const char *spell_newest(const speller *s)
{
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    return keep(s, newest_first(s, &out), &out);
}

/* What is a true flag depends on the column's type: docs/reference/types.md. */
static const char *spell_live(const speller *s, spell_column *how)
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
    return keep(s, ok, &out);
}

/* ---- statements ------------------------------------------------------------------------- */

enum { VARS = 40 };

typedef struct statements {
    speller s;
    eh_sql_var vars[VARS];
    size_t count;
    eh_pg_put *made;
    bool failed;
} statements;

static void set(statements *all, const char *name, const char *value)
{
    if (value == NULL) all->failed = true;
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->vars[i].name, name) != 0) continue;
        all->vars[i].value = value;
        return;
    }
    all->vars[all->count++] = (eh_sql_var){name, value};
}

static const char *expand(statements *all, const char *file)
{
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = !all->failed &&
              eh_sql_expand("postgres", file, all->vars, all->count, &out, all->s.err);
    const char *text = keep(&all->s, ok, &out);
    if (text == NULL) all->failed = true;
    return text;
}

/* The columns that only the stage has. */
static const char *spell_stage_only(const speller *s)
{
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = s->put->absent == SIZE_MAX ||
              eh_buf_append_str(&out, ", NULL::text AS " EH_ABSENT_COLUMN, s->err);
    for (size_t i = 0; ok && i < s->put->nested_count; i++)
        ok = eh_buf_append_str(&out, ", NULL::bigint AS ", s->err) &&
             bare(s, s->put->nested[i], &out);
    return keep(s, ok, &out);
}

/* The rows of a record's lists begin anew, too, when it is deleted and comes again. */
static bool notes_reborn(const eh_put *put)
{
    return put->write == EH_WRITE_MERGE && put->nested_count > 0 && put->deleted != SIZE_MAX &&
           !put->delete_insert;
}

static const char *spell_reborn(statements *all, const char *schema, const char *table)
{
    set(all, "schema", schema);
    set(all, "table", table);
    set(all, "keys", spell_keys(&all->s, bare));
    return expand(all, "nested_note");
}

static void spell_columns(statements *all, const char *schema, const char *table)
{
    const speller *s = &all->s;
    set(all, "schema", schema);
    set(all, "table", table);
    set(all, "columns", spell(s, OF_TABLE, ", ", bare));
    set(all, "staged", spell(s, OF_TABLE, ", ", staged));
    set(all, "absent", spell_stage_only(s));
    bool history = s->put->write == EH_WRITE_HISTORY, reborn = notes_reborn(s->put);
    set(all, "versions",
        history  ? ", pg_temp.etl_versions"
        : reborn ? ", pg_temp.etl_reborn"
                 : "");
    set(all, "reborn", reborn ? spell_reborn(all, schema, table) : "");
}

static void spell_keys_and_tests(statements *all)
{
    const speller *s = &all->s;
    set(all, "key", s->columns[s->put->keys[0]].name);
    set(all, "keys", spell_keys(s, bare));
    set(all, "order", spell_keys(s, staged));
    set(all, "match", spell(s, KEYS, " AND ", equal));
    set(all, "newer", spell_newer(s));
    set(all, "newest", spell_newest(s));
    set(all, "oldest", spell_oldest(s));
    set(all, "live", spell_live(s, staged));
}

/* Rows that are there: changed in place, or taken away to be inserted again. */
static void make_changes(statements *all)
{
    const speller *s = &all->s;
    const char **sql = all->made->sql;
    if (s->put->delete_insert) {
        sql[EH_PG_STEP_UPDATE] = expand(all, "put_replace");
        sql[EH_PG_STEP_INSERT_AGAIN] = sql[EH_PG_STEP_INSERT];
    } else {
        set(all, "assign", spell(s, VALUES | OURS, ", ", assigned));
        set(all, "there", spell(s, VALUES, ", ", there));
        set(all, "staged", spell(s, VALUES, ", ", staged));
        sql[EH_PG_STEP_UPDATE] = expand(all, "put_update");
    }
    sql[EH_PG_STEP_AGAIN] = sql[EH_PG_STEP_UPDATE];
}

/* The same for units with records that lack fields. */
static void make_partial(statements *all)
{
    const speller *s = &all->s;
    const char **sql = all->made->sql;
    if (s->put->absent == SIZE_MAX) return;
    set(all, "all", spell(s, OF_TABLE | ABSENT | RECORD, ", ", bare));
    set(all, "folded", spell(s, OF_TABLE | ABSENT | RECORD, ", ", folded));
    set(all, "assign", spell(s, VALUES | OURS, ", ", assigned_kept));
    set(all, "staged", spell(s, VALUES, ", ", kept));
    sql[EH_PG_STEP_TWICE] = expand(all, "put_twice");
    if (s->put->deleted != SIZE_MAX) sql[EH_PG_STEP_FORGET] = expand(all, "put_forget");
    sql[EH_PG_STEP_LOCK] = expand(all, "put_lock");
    sql[EH_PG_STEP_FOLD] = expand(all, "put_fold");
    all->made->update_partial = expand(all, "put_update");
}

/* When does a version begin? By the cursor where that is a time (in UTC, as the session is),
 * else when the unit was made. */
static const char *spell_at(const speller *s, bool *by_cursor)
{
    size_t cursor = s->put->cursor;
    eh_type type = cursor != SIZE_MAX ? s->columns[cursor].type : EH_TYPE_UNKNOWN;
    *by_cursor = type == EH_TYPE_TIMESTAMP || type == EH_TYPE_DATETIME || type == EH_TYPE_DATE;
    if (!*by_cursor) return "s._loaded_at";
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = staged(s, cursor, &out) && eh_buf_append_str(&out, "::timestamptz", s->err);
    return keep(s, ok, &out);
}

/* What the columns that the records have none of are called in etl_versions. */
static const char *spell_kept(const speller *s, const char *alias, bool numbered, bool named)
{
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < s->put->kept_count; i++) {
        ok = eh_buf_printf(&out, s->err, ", %s", alias) &&
             (!named || eh_sql_identifier(&out, s->put->kept[i], s->err)) &&
             (!numbered ||
              eh_buf_printf(&out, s->err, "%skept_%zu", named ? " AS " : "", i + 1));
    }
    return keep(s, ok, &out);
}

static const char *spell_touched(const speller *s)
{
    size_t cursor = s->put->cursor;
    if (cursor == SIZE_MAX) return "";
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = eh_buf_append_str(&out, ", ", s->err) && bare(s, cursor, &out) &&
              eh_buf_append_str(&out, " = coalesce(", s->err) && in(s, cursor, "l.", &out) &&
              eh_buf_append_str(&out, ", ", s->err) && there(s, cursor, &out) &&
              eh_buf_append_str(&out, ")", s->err);
    return keep(s, ok, &out);
}

static void set_history(statements *all, bool *by_cursor)
{
    const speller *s = &all->s;
    size_t cursor = s->put->cursor;
    const char *at = spell_at(s, by_cursor);
    const char *same = spell(s, KEYS, " AND ", equal);
    set(all, "at", at);
    set(all, "same", same);
    if (all->failed) return;
    set(all, "match", eh_arena_printf(s->arena, "%s AND t._valid_to IS NULL", same));
    set(all, "ended", *by_cursor ? eh_arena_printf(s->arena, "t._valid_to > %s", at) : "false");
    set(all, "cursor", cursor != SIZE_MAX ? s->columns[cursor].name : "");
    set(all, "values", spell_but(s, VALUES, cursor, ", ", staged));
    set(all, "there", spell_but(s, VALUES, cursor, ", ", there));
    set(all, "before", spell_but(s, VALUES, cursor, ", ", before));
    set(all, "lived", spell_live(s, before));
    set(all, "opened", spell(s, OF_TABLE, ", ", opened));
    set(all, "touched", spell_touched(s));
    set(all, "kept", spell_kept(s, "", false, true));
    set(all, "kept_there", spell_kept(s, "t.", true, true));
    set(all, "kept_before", spell_kept(s, "v.", true, false));
}

static void make_history(statements *all)
{
    const speller *s = &all->s;
    const char **sql = all->made->sql;
    bool by_cursor, has_cursor = s->put->cursor != SIZE_MAX;
    set_history(all, &by_cursor);
    sql[EH_PG_STEP_HELD] = expand(all, "put_lock");
    sql[EH_PG_STEP_LATE] = has_cursor ? expand(all, "history_stale") : NULL;
    sql[EH_PG_STEP_DEDUPE] = by_cursor ? NULL : expand(all, "history_dedupe");
    sql[EH_PG_STEP_CHAIN] = expand(all, "history_chain");
    sql[EH_PG_STEP_VOID] = expand(all, "history_void");
    sql[EH_PG_STEP_CLOSE] = expand(all, "history_close");
    sql[EH_PG_STEP_OPEN] = expand(all, "history_insert");
    sql[EH_PG_STEP_TOUCH] = has_cursor ? expand(all, "history_touch") : NULL;
    if (s->put->absent == SIZE_MAX) return;
    set(all, "filled", spell(s, OF_TABLE, ", ", filled));
    set(all, "carried", spell(s, OF_TABLE, ", ", carried));
    sql[EH_PG_STEP_FILL] = expand(all, "history_fill");
}

/* ---- child tables ----------------------------------------------------------------------- */

static bool same_reborn(const speller *s, size_t i, eh_buf *out)
{
    return in(s, i, "r.", out) && eh_buf_append_str(out, " = ", s->err) && staged(s, i, out);
}

/* No record has the number 0, so no row stays. */
static bool number(const speller *s, size_t i, eh_buf *out)
{
    if (!notes_reborn(s->put)) return staged(s, i, out);
    const char *same = spell(s, KEYS, " AND ", same_reborn);
    return same != NULL && eh_buf_append_str(out, "coalesce(", s->err) && staged(s, i, out) &&
           eh_buf_append_str(out,
                             ", CASE WHEN EXISTS (SELECT FROM pg_temp.etl_reborn AS r "
                             "WHERE ",
                             s->err) &&
           eh_buf_append_str(out, same, s->err) &&
           eh_buf_append_str(out, ") THEN 0 END)", s->err);
}

/* The keys as k0 ..., and the numbers of the records as n0 .... */
static const char *spell_parents(const speller *s)
{
    const eh_put *put = s->put;
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < put->key_count; i++)
        ok = (i == 0 || eh_buf_append_str(&out, ", ", s->err)) &&
             staged(s, put->keys[i], &out) && eh_buf_printf(&out, s->err, " AS k%zu", i);
    for (size_t i = 0; ok && i < put->nested_count; i++)
        ok = eh_buf_append_str(&out, ", ", s->err) && number(s, put->nested[i], &out) &&
             eh_buf_printf(&out, s->err, " AS n%zu", i);
    return keep(s, ok, &out);
}

/* Whose row it is. The record's key may have a type that etlhost makes no columns of. */
static const char *spell_of(const speller *s)
{
    const eh_put *put = s->put;
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < put->parent_keys; i++)
        ok = (i == 0 || eh_buf_append_str(&out, " AND ", s->err)) &&
             there(s, put->keys[i], &out) &&
             eh_buf_printf(&out, s->err, " = p.k%zu::%s", i, s->columns[put->keys[i]].native);
    return keep(s, ok, &out);
}

static const char *spell_positions(const speller *s, spell_column *how)
{
    const eh_put *put = s->put;
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = true;
    for (size_t i = put->parent_keys; ok && i < put->key_count; i++)
        ok = (out.len == 0 || eh_buf_append_str(&out, ", ", s->err)) &&
             how(s, put->keys[i], &out);
    return keep(s, ok, &out);
}

static void make_children(statements *all)
{
    const speller *s = &all->s;
    set(all, "record", eh_arena_printf(s->arena, "n%zu", s->put->field));
    set(all, "of", spell_of(s));
    set(all, "positions", spell_positions(s, there));
    set(all, "found_positions", spell_positions(s, bare));
    set(all, "staged_positions", spell_positions(s, staged));
    set(all, "match", spell(s, KEYS, " AND ", equal));
    set(all, "order", spell_keys(s, staged));
    set(all, "assign", spell(s, VALUES | OURS, ", ", assigned));
    set(all, "there", spell(s, VALUES, ", ", there));
    set(all, "staged", spell(s, VALUES, ", ", staged));
    set(all, "all", spell(s, OF_TABLE, ", ", staged));
    all->made->stage = expand(all, "nested_stage");
    all->made->sql[EH_PG_STEP_INSERT] = expand(all, "nested_put");
}

static void make_parents(statements *all)
{
    if (all->s.put->nested_count == 0) return;
    set(all, "parents", spell_parents(&all->s));
    all->made->parents = expand(all, "nested_parents");
}

const eh_pg_put *eh_pg_put_new(const char *schema, const char *table,
                               const eh_column_info *columns, const eh_put *put,
                               eh_arena *arena, eh_err *err)
{
    statements all = {.s = {put, columns, arena, err},
                      .made = eh_arena_zalloc(arena, 1, sizeof *all.made)};
    if (all.made == NULL) {
        (void)eh_fail_memory(err, "an encoder");
        return NULL;
    }
    const char **sql = all.made->sql;
    spell_columns(&all, schema, table);
    if (put->write == EH_WRITE_CHILDREN) {
        make_children(&all);
        return all.failed ? NULL : all.made;
    }
    all.made->stage = expand(&all, "put_stage");
    all.made->release = expand(&all, "put_release");
    if (put->write == EH_WRITE_APPEND) {
        sql[EH_PG_STEP_INSERT] = expand(&all, "put_append");
        return all.failed ? NULL : all.made;
    }
    spell_keys_and_tests(&all);
    make_parents(&all);
    if (put->write == EH_WRITE_HISTORY)
        make_history(&all);
    else
        sql[EH_PG_STEP_INSERT] = expand(&all, "put_insert");
    if (put->write == EH_WRITE_INSERT_ONLY && put->nested_count > 0)
        sql[EH_PG_STEP_KNOWN] = expand(&all, "put_known");
    if (put->write == EH_WRITE_MERGE) {
        sql[EH_PG_STEP_DEDUPE] = expand(&all, "put_dedupe");
        if (put->deleted != SIZE_MAX) sql[EH_PG_STEP_DELETE] = expand(&all, "put_delete");
        if (put->deleted != SIZE_MAX && !put->delete_insert)
            sql[EH_PG_STEP_REBORN] =
                expand(&all, notes_reborn(put) ? "nested_reborn" : "put_reborn");
        if (put->cursor != SIZE_MAX) sql[EH_PG_STEP_STALE] = expand(&all, "put_stale");
        make_changes(&all);
        make_partial(&all);
    }
    return all.failed ? NULL : all.made;
}
