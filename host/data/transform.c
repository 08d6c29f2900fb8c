/* data/transform.c: binding declared rules to columns, and walking the rows of a batch.
 *
 * A rule is resolved to a column number once; a row then costs one switch for each rule that
 * concerns it. See transform_parts.h for the other files. */
#include "data/transform.h"

#include "data/transform_parts.h"

#include <stdlib.h>

/* Names, values and constants of one declaration, and the names of its columns. */
enum { ARENA_MAX = 16 << 20 };

/* ---- Lifetime --------------------------------------------------------------------------- */

static bool collect(eh_transform *t, eh_slice hash_key, eh_err *err)
{
    bool hashes = false;
    t->filters = calloc(t->rule_count + 1, sizeof(eh_rule *));
    if (t->filters == NULL) return eh_fail_memory(err, "a declaration");
    for (size_t i = 0; i < t->rule_count; i++) {
        eh_rule *rule = &t->rules[i];
        if (rule->kind == EH_RULE_KEEP || rule->kind == EH_RULE_DISCARD)
            t->filters[t->filter_count++] = rule;
        hashes = hashes || rule->kind == EH_RULE_HASH;
    }
    return !hashes || eh_transform_open_hash(t, hash_key, err);
}

eh_transform *eh_transform_new(const eh_doc *declaration, const eh_transform_context *context,
                               eh_err *err)
{
    eh_transform *t = calloc(1, sizeof *t);
    if (t != NULL) t->arena = eh_arena_new(ARENA_MAX);
    if (t == NULL || t->arena == NULL) {
        eh_fail_memory(err, "a declaration");
    } else if (eh_transform_read(t, declaration, context, err) &&
               collect(t, context->hash_key, err) && eh_transform_bind(t, NULL, 0, err)) {
        return t;
    }
    eh_transform_free(t);
    return NULL;
}

void eh_transform_free(eh_transform *t)
{
    if (t == NULL) return;
    for (size_t i = 0; i < t->zone_count; i++) eh_zone_free(t->zones[i].zone);
    EVP_MAC_CTX_free(t->mac);
    EVP_MD_CTX_free(t->digest);
    free(t->filters);
    free(t->bound);
    free(t->columns);
    free(t->changed);
    eh_arena_free(t->arena);
    free(t);
}

/* ---- Binding ---------------------------------------------------------------------------- */

static bool grow(eh_transform *t, size_t count, eh_err *err)
{
    size_t all = count + t->constant_count + 1;
    eh_bound *bound = reallocarray(t->bound, all, sizeof *bound);
    if (bound != NULL) t->bound = bound;
    eh_transform_column *columns = reallocarray(t->columns, all, sizeof *columns);
    if (columns != NULL) t->columns = columns;
    size_t *changed = reallocarray(t->changed, all, sizeof *changed);
    if (changed != NULL) t->changed = changed;
    if (bound != NULL && columns != NULL && changed != NULL) return true;
    eh_fail_memory(err, "columns");
    return false;
}

static bool add_column(eh_transform *t, eh_slice written, eh_err *err)
{
    const char *name = eh_arena_strndup(t->arena, written.data, written.len);
    if (name == NULL) return eh_fail_memory(err, "column names");
    eh_bound *b = &t->bound[t->bound_count];
    *b = (eh_bound){.written = eh_slice_of(name, written.len)};
    b->final = b->written;
    eh_name_normalise(written, b->normal);
    memcpy(b->final_normal, b->normal, sizeof b->normal);
    t->bound_count++;
    return true;
}

static eh_match match_of(const eh_rule *rule, const eh_bound *b)
{
    if (eh_slice_equal(rule->name, b->written)) return EH_MATCH_WRITTEN;
    if (rule->kind != EH_RULE_RENAME && eh_slice_equal(rule->name, b->final))
        return EH_MATCH_FINAL;
    return eh_slice_is(rule->name, b->normal) ? EH_MATCH_NORMAL : EH_MATCH_NOT;
}

/* Looks for the rule's column among those from `first` on. */
static bool resolve(eh_transform *t, eh_rule *rule, size_t first, eh_err *err)
{
    size_t before = rule->column;
    for (size_t c = first; c < t->bound_count && rule->match > EH_MATCH_WRITTEN; c++) {
        eh_match match = match_of(rule, &t->bound[c]);
        if (match >= rule->match) continue;
        rule->match = match;
        rule->column = c;
    }
    if (before == SIZE_MAX || rule->column == before) return true;
    eh_fail(
        err, EH_CLASS_CONFIG,
        "\"%.*s\" was the column \"%.*s\" for the rows so far, but now a column is written so",
        EH_SLICE_FMT(rule->name), EH_SLICE_FMT(t->bound[before].written));
    eh_err_hint(err, "name the column that is meant as it is written in the input");
    return eh_err_place(err, "%.*s", EH_SLICE_FMT(rule->place));
}

static bool two_rules(const eh_rule *first, const eh_rule *second, const eh_bound *b,
                      eh_err *err)
{
    eh_fail(err, EH_CLASS_CONFIG, "%.*s already says what happens to the column \"%.*s\"",
            EH_SLICE_FMT(first->place), EH_SLICE_FMT(b->written));
    return eh_err_place(err, "%.*s", EH_SLICE_FMT(second->place));
}

static bool rename_columns(eh_transform *t, size_t first, eh_err *err)
{
    for (size_t i = 0; i < t->rule_count; i++) {
        eh_rule *rule = &t->rules[i];
        if (rule->kind != EH_RULE_RENAME) continue;
        if (!resolve(t, rule, first, err)) return false;
        if (rule->column == SIZE_MAX || rule->column < first) continue;
        eh_bound *b = &t->bound[rule->column];
        if (b->rename != NULL) return two_rules(b->rename, rule, b, err);
        b->rename = rule;
        b->final = rule->to;
        eh_name_normalise(b->final, b->final_normal);
    }
    return true;
}

/* Gives each column what its rules say; the columns' public face is made anew. */
static bool dress_columns(eh_transform *t, size_t first, eh_err *err)
{
    for (size_t c = 0; c < t->bound_count; c++) {
        t->columns[c] =
            (eh_transform_column){.name = t->bound[c].final, .written = t->bound[c].written};
        t->bound[c].change = t->bound[c].declared = NULL;
    }
    for (size_t i = 0; i < t->rule_count; i++) {
        eh_rule *rule = &t->rules[i];
        if (rule->kind == EH_RULE_RENAME) continue;
        if (!resolve(t, rule, first, err)) return false;
        if (rule->column == SIZE_MAX) continue;
        eh_bound *b = &t->bound[rule->column];
        eh_transform_column *column = &t->columns[rule->column];
        if (rule->kind == EH_RULE_DROP) column->dropped = true;
        if (rule->kind == EH_RULE_COLUMN) {
            if (b->declared != NULL) return two_rules(b->declared, rule, b, err);
            b->declared = rule;
            column->type = rule->type;
        }
        if (rule->change == EH_CHANGE_NONE) continue;
        if (b->change != NULL) return two_rules(b->change, rule, b, err);
        b->change = rule;
        column->instant = rule->change == EH_CHANGE_EPOCH || rule->change == EH_CHANGE_ZONE;
    }
    return true;
}

static bool clash(eh_slice place, eh_slice name, const eh_bound *other, eh_err *err)
{
    eh_fail(err, EH_CLASS_CONFIG,
            "the input has a column \"%.*s\" already: two would be \"%.*s\"",
            EH_SLICE_FMT(other->written), EH_SLICE_FMT(name));
    eh_err_hint(err, "rename or drop the column of the input");
    return eh_err_place(err, "%.*s", EH_SLICE_FMT(place));
}

/* Does a column that is not dropped have this table name? Skips column `self`. */
static const eh_bound *taken(const eh_transform *t, const char *normal, size_t self)
{
    for (size_t c = 0; c < t->bound_count; c++)
        if (c != self && !t->columns[c].dropped &&
            strcmp(t->bound[c].final_normal, normal) == 0)
            return &t->bound[c];
    return NULL;
}

/* A name that a person gave must not meet another column's. */
static bool check_clashes(const eh_transform *t, eh_err *err)
{
    for (size_t c = 0; c < t->bound_count; c++) {
        const eh_bound *b = &t->bound[c];
        if (b->rename == NULL || t->columns[c].dropped) continue;
        const eh_bound *other = taken(t, b->final_normal, c);
        if (other != NULL) return clash(b->rename->place, b->final, other, err);
    }
    for (size_t i = 0; i < t->constant_count; i++) {
        const eh_bound *other = taken(t, t->constants[i].normal, SIZE_MAX);
        if (other != NULL)
            return clash(t->constants[i].place, t->constants[i].name, other, err);
    }
    return true;
}

bool eh_transform_bind(eh_transform *t, const eh_slice *written, size_t count, eh_err *err)
{
    size_t first = t->bound_count;
    if (t->columns != NULL && count <= first) return true;
    if (!grow(t, count, err)) return false;
    while (t->bound_count < count)
        if (!add_column(t, written[t->bound_count], err)) return false;
    if (!rename_columns(t, first, err) || !dress_columns(t, first, err) ||
        !check_clashes(t, err))
        return false;
    t->changed_count = 0;
    for (size_t c = 0; c < count; c++)
        if (t->bound[c].change != NULL && !t->columns[c].dropped)
            t->changed[t->changed_count++] = c;
    for (size_t i = 0; i < t->constant_count; i++) {
        eh_slice name = t->constants[i].name;
        t->columns[count + i] =
            (eh_transform_column){.name = name, .written = name, .constant = true};
    }
    return true;
}

const eh_transform_column *eh_transform_columns(const eh_transform *t, size_t *count)
{
    *count = t->bound_count + t->constant_count;
    return t->columns;
}

/* ---- Rows ------------------------------------------------------------------------------- */

typedef enum fate { ROW_STAYS, ROW_GOES, ROW_DIES, ROW_ERROR } fate;

static fate filter_row(const eh_transform *t, const eh_cell *row, size_t *column,
                       eh_misfit *misfit)
{
    for (size_t i = 0; i < t->filter_count; i++) {
        const eh_rule *rule = t->filters[i];
        const eh_cell *cell = rule->column != SIZE_MAX ? &row[rule->column] : NULL;
        eh_verdict verdict = eh_rule_test(rule, cell, misfit);
        *column = rule->column;
        if (verdict == EH_VERDICT_MISFIT) return ROW_DIES;
        if ((verdict == EH_VERDICT_YES) != (rule->kind == EH_RULE_KEEP)) return ROW_GOES;
    }
    return ROW_STAYS;
}

static fate change_row(eh_transform *t, eh_cell *row, eh_arena *arena, size_t *column,
                       eh_misfit *misfit, eh_err *err)
{
    for (size_t i = 0; i < t->changed_count; i++) {
        *column = t->changed[i];
        const eh_rule *rule = t->bound[*column].change;
        switch (eh_transform_change(t, rule, &row[*column], arena, misfit, err)) {
        case EH_CHANGED_OK:
            break;
        case EH_CHANGED_MISFIT:
            return ROW_DIES;
        case EH_CHANGED_ERROR:
            return ROW_ERROR;
        }
    }
    return ROW_STAYS;
}

static bool bury(eh_transform *t, eh_batch *batch, size_t row, size_t column,
                 const eh_misfit *misfit, eh_err *err)
{
    eh_dead dead = {
        .place = batch->places[row],
        .column = column != SIZE_MAX ? t->bound[column].written : eh_slice_str(""),
        .code = eh_slice_str(misfit->code),
        .reason = eh_slice_str(misfit->reason),
    };
    if (!eh_batch_add_dead(batch, &dead, err)) return false;
    /* Told apart from a record that is empty: the bytes are the caller's to fill in. */
    batch->dead[batch->dead_count - 1].raw = eh_slice_of(NULL, 0);
    t->counts.dead++;
    return true;
}

/* One pass that moves the rows that stay together. */
static bool walk_rows(eh_transform *t, eh_batch *batch, eh_err *err)
{
    size_t to = 0;
    for (size_t r = 0; r < batch->rows; r++) {
        eh_cell *row = batch->cells + r * batch->stride;
        eh_misfit misfit;
        size_t column = SIZE_MAX;
        fate end = filter_row(t, row, &column, &misfit);
        if (end == ROW_STAYS) end = change_row(t, row, batch->arena, &column, &misfit, err);
        switch (end) {
        case ROW_STAYS:
            if (to != r) {
                memcpy(batch->cells + to * batch->stride, row, batch->columns * sizeof *row);
                batch->places[to] = batch->places[r];
            }
            to++;
            break;
        case ROW_GOES:
            t->counts.discarded++;
            break;
        case ROW_DIES:
            if (!bury(t, batch, r, column, &misfit, err)) return false;
            break;
        case ROW_ERROR:
            return false;
        }
    }
    batch->rows = to;
    return true;
}

bool eh_transform_apply(eh_transform *t, eh_batch *batch, eh_err *err)
{
    if (batch->columns != t->bound_count)
        return eh_fail(err, EH_CLASS_BUG, "a batch of %zu columns where %zu were bound",
                       batch->columns, t->bound_count);
    if ((t->filter_count > 0 || t->changed_count > 0) && !walk_rows(t, batch, err))
        return false;
    t->counts.kept += batch->rows;
    if (t->constant_count == 0) return true;
    if (!eh_batch_set_columns(batch, t->bound_count + t->constant_count, err)) return false;
    for (size_t r = 0; r < batch->rows; r++)
        for (size_t i = 0; i < t->constant_count; i++)
            *eh_batch_cell(batch, r, t->bound_count + i) = t->constants[i].cell;
    return true;
}

eh_transform_counts eh_transform_count(const eh_transform *t)
{
    return t->counts;
}

size_t eh_transform_unseen(const eh_transform *t, eh_transform_name *out, size_t max)
{
    static const char *const keys[] = {"rename",  "drop", "hash",   "mask",
                                       "columns", "keep", "discard"};
    size_t count = 0;
    for (size_t i = 0; i < t->rule_count; i++) {
        if (t->rules[i].column != SIZE_MAX) continue;
        if (count < max)
            out[count] = (eh_transform_name){keys[t->rules[i].kind], t->rules[i].name};
        count++;
    }
    return count;
}
