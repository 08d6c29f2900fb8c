/* load/dest_sqlite_put.c: the statements of a put, made once for an encoder's columns; see
 * dest_sqlite_put.h. Parameter i + 1 is column i in all of them. */
#include "load/dest_sqlite_put.h"

#include "load/dest_put.h"

#include <stdio.h>
#include <string.h>

#define SQL_MAX ((size_t)4 * 1024 * 1024)

static bool equal(const eh_speller *s, size_t i, eh_buf *out)
{
    return eh_spell_bare(s, i, out) && eh_buf_printf(out, s->err, " = ?%zu", i + 1);
}

static bool same_key(const eh_speller *s, size_t i, eh_buf *out)
{
    return eh_lite_spell_key(out, &s->columns[i], 0, s->err) &&
           eh_buf_append_str(out, " = ", s->err) &&
           eh_lite_spell_key(out, &s->columns[i], i + 1, s->err);
}

/* What the record has no field for keeps its value. */
static bool assigned_kept(const eh_speller *s, size_t i, eh_buf *out)
{
    if (s->put->roles[i] != EH_PUT_VALUE) return equal(s, i, out);
    return eh_spell_bare(s, i, out) &&
           eh_buf_printf(out, s->err, " = CASE WHEN substr(?%zu, %zu, 1) = '1' THEN ",
                         s->put->absent + 1, i + 1) &&
           eh_spell_bare(s, i, out) && eh_buf_printf(out, s->err, " ELSE ?%zu END", i + 1);
}

static bool marked(const eh_speller *s, size_t i, eh_buf *out)
{
    return eh_buf_printf(out, s->err, "?%zu", i + 1);
}

/* What is spliced into the files; NULL where a list could not be spelt. */
typedef struct pieces {
    const char *table, *match, *columns, *values, *assign, *touched, *kept, *kept_values;
} pieces;

static const char *expand(const eh_speller *s, const char *file, const pieces *p)
{
    char from[24], to[24];
    (void)snprintf(from, sizeof from, "?%zu", s->put->count + 1);
    (void)snprintf(to, sizeof to, "?%zu", s->put->count + 2);
    eh_sql_var vars[] = {
        {"table", p->table},     {"match", p->match},
        {"columns", p->columns}, {"values", p->values},
        {"from", from},          {"to", to},
        {"assign", p->assign},   {"touched", p->touched},
        {"kept", p->kept},       {"kept_values", p->kept_values},
    };
    enum { COUNT = sizeof vars / sizeof *vars };
    for (size_t i = 0; i < COUNT; i++)
        if (vars[i].value == NULL) return NULL;
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    return eh_spell_keep(s, eh_sql_expand("sqlite", file, vars, COUNT, &out, s->err), &out);
}

static bool is_instant(eh_type type)
{
    return type == EH_TYPE_TIMESTAMP || type == EH_TYPE_DATETIME || type == EH_TYPE_DATE;
}

/* Where a row says when its version begins: its cursor, where that is a date or a time of a
 * day, else when it was loaded. */
static size_t find_at(const eh_speller *s)
{
    size_t cursor = s->put->cursor;
    if (cursor != SIZE_MAX && is_instant(s->columns[cursor].type)) return cursor;
    for (size_t i = 0; i < s->put->count; i++)
        if (strcmp(s->columns[i].name, "_loaded_at") == 0) return i;
    return SIZE_MAX;
}

/* The columns beside the encoder's, and the parameters behind those of from and to. */
static const char *spell_kept(const eh_speller *s, bool marks)
{
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < s->put->kept_count; i++)
        ok = marks ? eh_buf_printf(&out, s->err, ", ?%zu", s->put->count + 3 + i)
                   : eh_buf_append_str(&out, ", ", s->err) &&
                         eh_sql_identifier(&out, s->put->kept[i], s->err);
    return eh_spell_keep(s, ok, &out);
}

static bool make_history(const eh_speller *s, pieces *p, eh_lite_put *made)
{
    static const struct {
        eh_lite_op op;
        const char *file;
    } all[] = {{EH_LITE_FIND, "history_find"},   {EH_LITE_INSERT, "history_insert"},
               {EH_LITE_REMOVE, "history_void"}, {EH_LITE_CLOSE, "history_close"},
               {EH_LITE_ENDED, "history_ended"}, {EH_LITE_TOUCH, "history_touch"}};
    made->at = find_at(s);
    if (made->at == SIZE_MAX)
        return eh_fail(s->err, EH_CLASS_BUG, "a history needs the column _loaded_at");
    size_t cursor = s->put->cursor;
    eh_buf touch;
    eh_buf_init(&touch, SQL_MAX);
    bool ok = cursor == SIZE_MAX ||
              (eh_buf_append_str(&touch, ", ", s->err) && equal(s, cursor, &touch));
    p->touched = eh_spell_keep(s, ok, &touch);
    p->kept = spell_kept(s, false);
    p->kept_values = spell_kept(s, true);
    if (p->touched == NULL || p->kept == NULL || p->kept_values == NULL) return false;
    p->assign = cursor == SIZE_MAX ? "" : p->touched + 2;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].op == EH_LITE_TOUCH && cursor == SIZE_MAX) continue;
        made->sql[all[i].op] = expand(s, all[i].file, p);
        if (made->sql[all[i].op] == NULL) return false;
    }
    return true;
}

static bool make_merge(const eh_speller *s, pieces *p, eh_lite_put *made)
{
    const char **sql = made->sql;
    p->assign = eh_spell(s, EH_SPELL_VALUES | EH_SPELL_OURS, ", ", equal);
    sql[EH_LITE_FIND] = expand(s, "put_find", p);
    sql[EH_LITE_UPDATE] = expand(s, "put_update", p);
    sql[EH_LITE_REMOVE] = expand(s, "put_remove", p);
    if (sql[EH_LITE_FIND] == NULL || sql[EH_LITE_UPDATE] == NULL || sql[EH_LITE_REMOVE] == NULL)
        return false;
    if (s->put->absent == SIZE_MAX) return true;
    p->assign = eh_spell(s, EH_SPELL_VALUES | EH_SPELL_OURS, ", ", assigned_kept);
    sql[EH_LITE_UPDATE_PARTIAL] = expand(s, "put_update", p);
    return sql[EH_LITE_UPDATE_PARTIAL] != NULL;
}

/* The columns [from, to) of the keys, each spelt one way. */
static const char *spell_keys(const eh_speller *s, size_t from, size_t to, const char *between,
                              eh_spell_column *how)
{
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = true;
    for (size_t i = from; ok && i < to; i++)
        ok = (out.len == 0 || eh_buf_append_str(&out, between, s->err)) &&
             how(s, s->put->keys[i], &out);
    return eh_spell_keep(s, ok, &out);
}

static bool make_children(const eh_speller *s, pieces *p, eh_lite_put *made)
{
    const eh_put *put = s->put;
    if (!make_merge(s, p, made)) return false;
    p->match = spell_keys(s, 0, put->parent_keys, " AND ", equal);
    p->columns = spell_keys(s, put->parent_keys, put->key_count, ", ", eh_spell_bare);
    made->sql[EH_LITE_LIST] = expand(s, "nested_list", p);
    made->sql[EH_LITE_CLEAR] = expand(s, "put_remove", p);
    return made->sql[EH_LITE_LIST] != NULL && made->sql[EH_LITE_CLEAR] != NULL;
}

const eh_lite_put *eh_lite_put_new(const char *table, const eh_column_info *columns,
                                   const eh_put *put, eh_arena *arena, eh_err *err)
{
    const eh_speller s = {put, columns, arena, err};
    eh_lite_put *made = eh_arena_zalloc(arena, 1, sizeof *made);
    eh_type *types = eh_arena_zalloc(arena, put->count, sizeof *types);
    if (made == NULL || types == NULL) {
        (void)eh_fail_memory(err, "an encoder");
        return NULL;
    }
    for (size_t i = 0; i < put->count; i++) types[i] = columns[i].type;
    made->types = types;
    pieces p = {table,
                eh_spell(&s, EH_SPELL_KEYS, " AND ", same_key),
                eh_spell(&s, EH_SPELL_TABLE, ", ", eh_spell_bare),
                eh_spell(&s, EH_SPELL_TABLE, ", ", marked),
                NULL,
                "",
                "",
                ""};
    bool ok = put->write == EH_WRITE_HISTORY    ? make_history(&s, &p, made)
              : put->write == EH_WRITE_CHILDREN ? make_children(&s, &p, made)
                                                : make_merge(&s, &p, made);
    return ok ? made : NULL;
}
