/* load/dest_postgres_put.c: the statements of a put, made once for an encoder's columns.
 *
 * The files in sql/postgres/put_*.sql say what each does; here it is said which lists and
 * conditions (dest_postgres_spell.h) are spliced into them. What fails leaves a NULL behind,
 * which is looked for once, at the end. */
#include "load/dest_postgres.h"
#include "load/dest_postgres_spell.h"

#define SQL_MAX ((size_t)1024 * 1024)

enum { VARS = 40 };

typedef struct statements {
    eh_speller s;
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
    const char *text = eh_spell_keep(&all->s, ok, &out);
    if (text == NULL) all->failed = true;
    return text;
}

/* The columns that only the stage has. */
static const char *spell_stage_only(const eh_speller *s)
{
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = s->put->absent == SIZE_MAX ||
              eh_buf_append_str(&out, ", NULL::text AS " EH_ABSENT_COLUMN, s->err);
    for (size_t i = 0; ok && i < s->put->nested_count; i++)
        ok = eh_buf_append_str(&out, ", NULL::bigint AS ", s->err) &&
             eh_spell_bare(s, s->put->nested[i], &out);
    return eh_spell_keep(s, ok, &out);
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
    set(all, "keys", eh_pg_spell_keys(&all->s, eh_spell_bare));
    return expand(all, "nested_note");
}

static void spell_columns(statements *all, const char *schema, const char *table)
{
    const eh_speller *s = &all->s;
    set(all, "schema", schema);
    set(all, "table", table);
    set(all, "columns", eh_spell(s, EH_SPELL_TABLE, ", ", eh_spell_bare));
    set(all, "staged", eh_spell(s, EH_SPELL_TABLE, ", ", eh_pg_spell_staged));
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
    const eh_speller *s = &all->s;
    set(all, "key", s->columns[s->put->keys[0]].name);
    set(all, "keys", eh_pg_spell_keys(s, eh_spell_bare));
    set(all, "order", eh_pg_spell_keys(s, eh_pg_spell_staged));
    set(all, "match", eh_spell(s, EH_SPELL_KEYS, " AND ", eh_pg_spell_equal));
    set(all, "newer", eh_pg_spell_newer(s));
    set(all, "newest", eh_pg_spell_newest(s));
    set(all, "oldest", eh_pg_spell_oldest(s));
    set(all, "live", eh_pg_spell_live(s, eh_pg_spell_staged));
}

/* Rows that are there: changed in place, or taken away to be inserted again. */
static void make_changes(statements *all)
{
    const eh_speller *s = &all->s;
    const char **sql = all->made->sql;
    if (s->put->delete_insert) {
        sql[EH_PG_STEP_UPDATE] = expand(all, "put_replace");
        sql[EH_PG_STEP_INSERT_AGAIN] = sql[EH_PG_STEP_INSERT];
    } else {
        set(all, "assign",
            eh_spell(s, EH_SPELL_VALUES | EH_SPELL_OURS, ", ", eh_pg_spell_assigned));
        set(all, "there", eh_spell(s, EH_SPELL_VALUES, ", ", eh_pg_spell_there));
        set(all, "staged", eh_spell(s, EH_SPELL_VALUES, ", ", eh_pg_spell_staged));
        sql[EH_PG_STEP_UPDATE] = expand(all, "put_update");
    }
    sql[EH_PG_STEP_AGAIN] = sql[EH_PG_STEP_UPDATE];
}

/* The same for units with records that lack fields. */
static void make_partial(statements *all)
{
    const eh_speller *s = &all->s;
    const char **sql = all->made->sql;
    if (s->put->absent == SIZE_MAX) return;
    set(all, "all",
        eh_spell(s, EH_SPELL_TABLE | EH_SPELL_ABSENT | EH_SPELL_RECORD, ", ", eh_spell_bare));
    set(all, "folded",
        eh_spell(s, EH_SPELL_TABLE | EH_SPELL_ABSENT | EH_SPELL_RECORD, ", ",
                 eh_pg_spell_folded));
    set(all, "assign",
        eh_spell(s, EH_SPELL_VALUES | EH_SPELL_OURS, ", ", eh_pg_spell_assigned_kept));
    set(all, "staged", eh_spell(s, EH_SPELL_VALUES, ", ", eh_pg_spell_kept));
    sql[EH_PG_STEP_TWICE] = expand(all, "put_twice");
    if (s->put->deleted != SIZE_MAX) sql[EH_PG_STEP_FORGET] = expand(all, "put_forget");
    sql[EH_PG_STEP_LOCK] = expand(all, "put_lock");
    sql[EH_PG_STEP_FOLD] = expand(all, "put_fold");
    all->made->update_partial = expand(all, "put_update");
}

/* When does a version begin? By the cursor where that is a time (in UTC, as the session is),
 * else when the unit was made. */
static const char *spell_at(const eh_speller *s, bool *by_cursor)
{
    size_t cursor = s->put->cursor;
    eh_type type = cursor != SIZE_MAX ? s->columns[cursor].type : EH_TYPE_UNKNOWN;
    *by_cursor = type == EH_TYPE_TIMESTAMP || type == EH_TYPE_DATETIME || type == EH_TYPE_DATE;
    if (!*by_cursor) return "s._loaded_at";
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok =
        eh_pg_spell_staged(s, cursor, &out) && eh_buf_append_str(&out, "::timestamptz", s->err);
    return eh_spell_keep(s, ok, &out);
}

/* What the columns that the records have none of are called in etl_versions. */
static const char *spell_kept(const eh_speller *s, const char *alias, bool numbered, bool named)
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
    return eh_spell_keep(s, ok, &out);
}

static const char *spell_touched(const eh_speller *s)
{
    size_t cursor = s->put->cursor;
    if (cursor == SIZE_MAX) return "";
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = eh_buf_append_str(&out, ", ", s->err) && eh_spell_bare(s, cursor, &out) &&
              eh_buf_append_str(&out, " = coalesce(", s->err) &&
              eh_pg_spell_in(s, cursor, "l.", &out) && eh_buf_append_str(&out, ", ", s->err) &&
              eh_pg_spell_there(s, cursor, &out) && eh_buf_append_str(&out, ")", s->err);
    return eh_spell_keep(s, ok, &out);
}

static void set_history(statements *all, bool *by_cursor)
{
    const eh_speller *s = &all->s;
    size_t cursor = s->put->cursor;
    const char *at = spell_at(s, by_cursor);
    const char *same = eh_spell(s, EH_SPELL_KEYS, " AND ", eh_pg_spell_equal);
    set(all, "at", at);
    set(all, "same", same);
    if (all->failed) return;
    set(all, "match", eh_arena_printf(s->arena, "%s AND t._valid_to IS NULL", same));
    set(all, "ended", *by_cursor ? eh_arena_printf(s->arena, "t._valid_to > %s", at) : "false");
    set(all, "cursor", cursor != SIZE_MAX ? s->columns[cursor].name : "");
    set(all, "values", eh_spell_but(s, EH_SPELL_VALUES, cursor, ", ", eh_pg_spell_staged));
    set(all, "there", eh_spell_but(s, EH_SPELL_VALUES, cursor, ", ", eh_pg_spell_there));
    set(all, "before", eh_spell_but(s, EH_SPELL_VALUES, cursor, ", ", eh_pg_spell_before));
    set(all, "lived", eh_pg_spell_live(s, eh_pg_spell_before));
    set(all, "opened", eh_spell(s, EH_SPELL_TABLE, ", ", eh_pg_spell_opened));
    set(all, "touched", spell_touched(s));
    set(all, "kept", spell_kept(s, "", false, true));
    set(all, "kept_there", spell_kept(s, "t.", true, true));
    set(all, "kept_before", spell_kept(s, "v.", true, false));
}

static void make_history(statements *all)
{
    const eh_speller *s = &all->s;
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
    set(all, "filled", eh_spell(s, EH_SPELL_TABLE, ", ", eh_pg_spell_filled));
    set(all, "carried", eh_spell(s, EH_SPELL_TABLE, ", ", eh_pg_spell_carried));
    sql[EH_PG_STEP_FILL] = expand(all, "history_fill");
}

/* ---- child tables ----------------------------------------------------------------------- */

static bool same_reborn(const eh_speller *s, size_t i, eh_buf *out)
{
    return eh_pg_spell_in(s, i, "r.", out) && eh_buf_append_str(out, " = ", s->err) &&
           eh_pg_spell_staged(s, i, out);
}

/* No record has the number 0, so no row stays. */
static bool number(const eh_speller *s, size_t i, eh_buf *out)
{
    if (!notes_reborn(s->put)) return eh_pg_spell_staged(s, i, out);
    const char *same = eh_spell(s, EH_SPELL_KEYS, " AND ", same_reborn);
    return same != NULL && eh_buf_append_str(out, "coalesce(", s->err) &&
           eh_pg_spell_staged(s, i, out) &&
           eh_buf_append_str(out,
                             ", CASE WHEN EXISTS (SELECT FROM pg_temp.etl_reborn AS r "
                             "WHERE ",
                             s->err) &&
           eh_buf_append_str(out, same, s->err) &&
           eh_buf_append_str(out, ") THEN 0 END)", s->err);
}

/* The keys as k0 ..., and the numbers of the records as n0 .... */
static const char *spell_parents(const eh_speller *s)
{
    const eh_put *put = s->put;
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < put->key_count; i++)
        ok = (i == 0 || eh_buf_append_str(&out, ", ", s->err)) &&
             eh_pg_spell_staged(s, put->keys[i], &out) &&
             eh_buf_printf(&out, s->err, " AS k%zu", i);
    for (size_t i = 0; ok && i < put->nested_count; i++)
        ok = eh_buf_append_str(&out, ", ", s->err) && number(s, put->nested[i], &out) &&
             eh_buf_printf(&out, s->err, " AS n%zu", i);
    return eh_spell_keep(s, ok, &out);
}

/* Whose row it is. The record's key may have a type that etlhost makes no columns of. */
static const char *spell_of(const eh_speller *s)
{
    const eh_put *put = s->put;
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < put->parent_keys; i++)
        ok = (i == 0 || eh_buf_append_str(&out, " AND ", s->err)) &&
             eh_pg_spell_there(s, put->keys[i], &out) &&
             eh_buf_printf(&out, s->err, " = p.k%zu::%s", i, s->columns[put->keys[i]].native);
    return eh_spell_keep(s, ok, &out);
}

static const char *spell_positions(const eh_speller *s, eh_spell_column *how)
{
    const eh_put *put = s->put;
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = true;
    for (size_t i = put->parent_keys; ok && i < put->key_count; i++)
        ok = (out.len == 0 || eh_buf_append_str(&out, ", ", s->err)) &&
             how(s, put->keys[i], &out);
    return eh_spell_keep(s, ok, &out);
}

static void make_children(statements *all)
{
    const eh_speller *s = &all->s;
    set(all, "record", eh_arena_printf(s->arena, "n%zu", s->put->field));
    set(all, "of", spell_of(s));
    set(all, "positions", spell_positions(s, eh_pg_spell_there));
    set(all, "found_positions", spell_positions(s, eh_spell_bare));
    set(all, "staged_positions", spell_positions(s, eh_pg_spell_staged));
    set(all, "match", eh_spell(s, EH_SPELL_KEYS, " AND ", eh_pg_spell_equal));
    set(all, "order", eh_pg_spell_keys(s, eh_pg_spell_staged));
    set(all, "assign",
        eh_spell(s, EH_SPELL_VALUES | EH_SPELL_OURS, ", ", eh_pg_spell_assigned));
    set(all, "there", eh_spell(s, EH_SPELL_VALUES, ", ", eh_pg_spell_there));
    set(all, "staged", eh_spell(s, EH_SPELL_VALUES, ", ", eh_pg_spell_staged));
    set(all, "all", eh_spell(s, EH_SPELL_TABLE, ", ", eh_pg_spell_staged));
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
