/* load/dest_stage.c: see dest_stage.h. */
#include "load/dest_stage.h"

#include "load/contract.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SQL_MAX ((size_t)8 * 1024 * 1024)

void eh_stage_enter(eh_stream_state *state, eh_staging staging, const char *kind)
{
    const char *prefix = strcmp(kind, "sqlite") == 0 ? "_etl_" : "";
    state->staging = staging;
    state->staged = false;
    state->unit_generation = state->generation;
    state->stage[0] = '\0';
    if (staging == EH_STAGE_NONE) return;
    static const char *const endings[] = {"", "", "_file", "_window"};
    state->unit_generation = staging == EH_STAGE_ALL      ? state->generation + 1
                             : staging == EH_STAGE_WINDOW ? EH_GENERATION_WINDOW
                                                          : EH_GENERATION_FILE;
    (void)snprintf(state->stage, sizeof state->stage, "%sstage_%" PRId64 "%s", prefix,
                   state->stream_id, endings[staging]);
    for (size_t i = 0; i < state->child_count; i++)
        eh_dest_name_stage(state, &state->children[i]);
}

void eh_dest_name_stage(const eh_stream_state *state, eh_child_stage *child)
{
    uint64_t hash = eh_key_hash(EH_KEY_HASH, child->table, strlen(child->table));
    (void)snprintf(child->stage, sizeof child->stage, "%.45s_%08" PRIx32, state->stage,
                   (uint32_t)(hash >> 32));
    child->there = false;
}

/* ---- statements ------------------------------------------------------------------------- */

static void put(eh_stage_sql *sql, const char *name, const char *value)
{
    sql->vars[sql->count++] = (eh_sql_var){name, value};
}

static bool expand(eh_stage_sql *sql, const char *kind, const char *file, eh_buf *out,
                   eh_err *err)
{
    return eh_sql_expand(kind, file, sql->vars, sql->count, out, err);
}

/* The column of a declared name: as it was written, or as it is called. */
static bool name_column(const eh_promotion *p, const eh_doc *declared, eh_buf *out, eh_err *err)
{
    for (size_t i = 0; i < p->columns->count; i++) {
        const eh_column_info *c = &p->columns->columns[i];
        if (eh_declared_is(declared, eh_slice_str(c->written != NULL ? c->written : c->name),
                           c->name))
            return eh_sql_identifier(out, c->name, err);
    }
    return eh_fail(err, EH_CLASS_DATA, "%s.%s has no column \"%s\"", p->schema, p->table,
                   declared->kind == EH_DOC_STRING ? declared->as.string.data : "?");
}

/* Of rows with one key the newest comes, by the cursor, then the one that was read last; where
 * a known key changes nothing, the first. */
static bool spell_key(eh_stage_sql *sql, const char *kind, const eh_promotion *p, eh_err *err)
{
    /* Rows of no file have no number: they stand in the stage as they came. */
    const char *row = !p->no_file ? "\"_row\"" : strcmp(kind, "sqlite") == 0 ? "rowid" : "ctid";
    const eh_write_rule *rule = p->rule;
    bool first = rule->write == EH_WRITE_INSERT_ONLY;
    for (const eh_doc *k = eh_doc_first(rule->key); k != NULL; k = k->next)
        if ((sql->key.len > 0 && !eh_buf_append_str(&sql->key, ", ", err)) ||
            !name_column(p, k, &sql->key, err))
            return false;
    if (rule->cursor != NULL && !first &&
        (!name_column(p, rule->cursor, &sql->order, err) ||
         !eh_buf_append_str(&sql->order, " DESC NULLS LAST, ", err)))
        return false;
    if (!eh_buf_printf(&sql->order, err,
                       first ? "\"_loaded_at\", %s" : "\"_loaded_at\" DESC, %s DESC", row))
        return false;
    return (rule->hard_delete == NULL || name_column(p, rule->hard_delete, &sql->live, err)) &&
           eh_buf_cstr(&sql->key) != NULL && eh_buf_cstr(&sql->order) != NULL &&
           eh_buf_cstr(&sql->live) != NULL;
}

static bool has_key(const eh_promotion *p)
{
    return p->staging == EH_STAGE_ALL && p->rule->key != NULL &&
           (p->rule->write == EH_WRITE_MERGE || p->rule->write == EH_WRITE_INSERT_ONLY);
}

/* A stage that is not there is a table without rows. */
static bool name_source(eh_stage_sql *sql, const char *kind, const eh_promotion *p, bool there,
                        eh_err *err)
{
    if (!there) return expand(sql, kind, "source_none", &sql->source, err);
    if (!has_key(p)) return expand(sql, kind, "source_stage", &sql->source, err);
    if (!spell_key(sql, kind, p, err)) return false;
    size_t count = sql->count;
    put(sql, "key", sql->key.data);
    put(sql, "order", sql->order.data);
    put(sql, "live", sql->live.data);
    const char *file = p->rule->hard_delete != NULL ? "source_live" : "source_newest";
    bool ok = expand(sql, kind, file, &sql->source, err);
    sql->count = count;
    return ok;
}

/* Which rows of the stream a window's rows replace. */
static bool name_range(eh_stage_sql *sql, const char *kind, const eh_promotion *p, eh_err *err)
{
    static const char *const files[] = {"range_none", "range_at", "range_to", "range_days"};
    bool there = p->staging == EH_STAGE_WINDOW && p->columns->exists;
    eh_period period = there ? p->period : EH_PERIOD_NONE;
    if (period != EH_PERIOD_NONE) {
        assert(p->rule->cursor != NULL);
        if (!name_column(p, p->rule->cursor, &sql->column, err)) return false;
        if (eh_buf_cstr(&sql->column) == NULL) return eh_fail_memory(err, "a column");
        put(sql, "column", sql->column.data);
        put(sql, "from", p->from);
        put(sql, "until", p->until);
    }
    return expand(sql, kind, files[period], &sql->range, err);
}

bool eh_stage_sql_make(eh_stage_sql *sql, const eh_dest *dest, const eh_stream_state *state,
                       const eh_promotion *promotion, const char *columns, eh_err *err)
{
    bool all = promotion->staging == EH_STAGE_ALL;
    *sql = (eh_stage_sql){.count = 0};
    eh_buf_init(&sql->scope, SQL_MAX);
    eh_buf_init(&sql->pairs, SQL_MAX);
    eh_buf_init(&sql->source, SQL_MAX);
    eh_buf_init(&sql->column, SQL_MAX);
    eh_buf_init(&sql->range, SQL_MAX);
    eh_buf_init(&sql->key, SQL_MAX);
    eh_buf_init(&sql->order, SQL_MAX);
    eh_buf_init(&sql->live, SQL_MAX);
    eh_stream_state named = *state;
    if (named.staging == EH_STAGE_NONE) eh_stage_enter(&named, EH_STAGE_FILE, dest->kind);
    (void)snprintf(sql->stage, sizeof sql->stage, "%s", named.stage);
    (void)snprintf(sql->stream, sizeof sql->stream, "%" PRId64, state->stream_id);
    (void)snprintf(sql->generation, sizeof sql->generation, "%" PRId64, state->generation);
    (void)snprintf(sql->load, sizeof sql->load, "%" PRId64, state->load_id);
    (void)snprintf(sql->pending, sizeof sql->pending, "%" PRId64, named.unit_generation);
    (void)snprintf(sql->next, sizeof sql->next, "%" PRId64, state->generation + 1);
    put(sql, "stream", sql->stream);
    put(sql, "generation", sql->generation);
    put(sql, "next", sql->next);
    put(sql, "schema", promotion->schema);
    put(sql, "table", promotion->table);
    put(sql, "stage", sql->stage);
    put(sql, "client", promotion->client);
    put(sql, "instance", promotion->instance);
    put(sql, "kept", promotion->kept);
    put(sql, "staged", promotion->staged);
    put(sql, "file", promotion->file);
    put(sql, "input", promotion->input);
    put(sql, "not", all ? "NOT" : "");
    put(sql, "of_file", promotion->no_file ? "NULL" : "t.\"_file\"");
    put(sql, "of_pages", promotion->no_file ? "1 = 1" : "1 = 0");
    put(sql, "load", sql->load);
    put(sql, "pending", sql->pending);
    size_t before = sql->count;
    put(sql, "columns", columns);
    const char *scope = promotion->client[0] != '\0' ? "scope_client" : "scope_stream";
    if (!expand(sql, dest->kind, scope, &sql->scope, err) ||
        !expand(sql, dest->kind, all ? "pairs_kept" : "pairs_replaced", &sql->pairs, err) ||
        !name_source(sql, dest->kind, promotion, columns != NULL, err) ||
        !name_range(sql, dest->kind, promotion, err))
        return false;
    sql->count = before;
    put(sql, "columns", columns != NULL ? columns : "\"_load_id\"");
    put(sql, "scope", sql->scope.data);
    put(sql, "pairs", sql->pairs.data);
    put(sql, "range", sql->range.data);
    assert(sql->count < EH_STAGE_VARS);
    put(sql, "source", sql->source.data);
    return true;
}

/* Of records with one key one is taken: only its rows come. */
static bool narrow_source(eh_stage_sql *sql, const char *kind, const eh_stage_sql *records,
                          eh_err *err)
{
    eh_buf source;
    eh_buf_init(&source, SQL_MAX);
    sql->vars[--sql->count] = (eh_sql_var){"parents", records->source.data};
    sql->count++;
    bool ok = expand(sql, kind, "source_child", &source, err);
    eh_buf_free(&sql->source);
    sql->source = source;
    sql->vars[sql->count - 1] = (eh_sql_var){"source", sql->source.data};
    return ok;
}

bool eh_stage_sql_child(eh_stage_sql *sql, const eh_stage_sql *records, const eh_dest *dest,
                        const eh_stream_state *state, const eh_promotion *promotion,
                        const eh_child_stage *child, const char *columns, eh_err *err)
{
    static const eh_write_rule none = {.write = EH_WRITE_APPEND};
    eh_stream_state staged = *state;
    eh_promotion own = *promotion;
    (void)snprintf(staged.stage, sizeof staged.stage, "%s", child->stage);
    own.table = child->table;
    own.rule = &none;
    if (!eh_stage_sql_make(sql, dest, &staged, &own, columns, err)) return false;
    return columns == NULL || !has_key(promotion) ||
           narrow_source(sql, dest->kind, records, err);
}

void eh_stage_sql_free(eh_stage_sql *sql)
{
    eh_buf_free(&sql->scope);
    eh_buf_free(&sql->pairs);
    eh_buf_free(&sql->source);
    eh_buf_free(&sql->column);
    eh_buf_free(&sql->range);
    eh_buf_free(&sql->key);
    eh_buf_free(&sql->order);
    eh_buf_free(&sql->live);
}

static const char *text_of(const eh_buf *text)
{
    return text->len > 0 ? text->data : "";
}

const char *eh_stage_key(const eh_stage_sql *sql)
{
    return text_of(&sql->key);
}

const char *eh_stage_key_order(const eh_stage_sql *sql)
{
    return text_of(&sql->order);
}

const char *eh_stage_key_live(const eh_stage_sql *sql)
{
    return text_of(&sql->live);
}

/* ---- judging ---------------------------------------------------------------------------- */

bool eh_stage_judge(const eh_promotion *promotion, int64_t before, int64_t going,
                    int64_t coming, eh_err *err)
{
    int64_t after = before - going + coming;
    assert(promotion->staging != EH_STAGE_WINDOW);
    bool too_few = after == 0 || (double)after < promotion->min_ratio * (double)before;
    if (promotion->allow_shrink || before == 0 || !too_few) return true;
    (void)eh_fail(err, EH_CLASS_DATA,
                  "%s.%s would keep %" PRId64 " of the %" PRId64
                  " rows that are there, below min_ratio %g: nothing was replaced",
                  promotion->schema, promotion->table, after, before, promotion->min_ratio);
    return eh_err_hint(err, "look whether the input is complete; --allow-shrink lets it pass, "
                            "min_ratio in the declaration sets another limit");
}

bool eh_stage_refuses(const eh_promotion *promotion, int64_t going, int64_t coming)
{
    bool replaces = promotion->period == EH_PERIOD_TO || promotion->period == EH_PERIOD_DAYS;
    return replaces && !promotion->allow_shrink && going > 0 &&
           (coming == 0 || (double)coming < promotion->min_ratio * (double)going);
}

bool eh_stage_comes_again(const eh_promotion *promotion)
{
    return promotion->staging == EH_STAGE_WINDOW && promotion->period != EH_PERIOD_NONE;
}

bool eh_stage_fail_columns(const eh_promotion *promotion, eh_err *err)
{
    (void)eh_fail(err, EH_CLASS_TRANSIENT,
                  "the columns of %s.%s were changed by somebody else while its new rows were "
                  "collected",
                  promotion->schema, promotion->table);
    return eh_err_hint(err, "run again: the rows are collected anew");
}
