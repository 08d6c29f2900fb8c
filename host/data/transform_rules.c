/* data/transform_rules.c: a declaration, read once into rules and constants.
 *
 * Everything a person can get wrong in it is found here, before the first row: each problem has
 * the declaration's key as its place. */
#include "data/convert.h"
#include "data/transform_parts.h"

#include <stdio.h>

/* ---- Helpers ---------------------------------------------------------------------------- */

static bool wrong(eh_err *err, eh_slice place, const char *message)
{
    eh_fail(err, EH_CLASS_CONFIG, "%s", message);
    return eh_err_place(err, "%.*s", EH_SLICE_FMT(place));
}

static bool copy(eh_transform *t, eh_slice from, eh_slice *to, eh_err *err)
{
    const char *text = eh_arena_strndup(t->arena, from.data, from.len);
    *to = eh_slice_of(text, text != NULL ? from.len : 0);
    return text != NULL || eh_fail_memory(err, "a declaration");
}

eh_slice eh_transform_scalar_text(eh_arena *arena, const eh_doc *value)
{
    if (value->kind == EH_DOC_STRING) {
        const char *text = eh_arena_strndup(arena, value->as.string.data, value->as.string.len);
        return eh_slice_of(text, text != NULL ? value->as.string.len : 0);
    }
    eh_cell cell = {.kind = EH_CELL_BOOLEAN};
    if (value->kind == EH_DOC_BOOLEAN) cell.as.integer = value->as.boolean;
    if (value->kind == EH_DOC_INTEGER)
        cell = (eh_cell){.kind = EH_CELL_INTEGER, .as.integer = value->as.integer};
    if (value->kind == EH_DOC_DOUBLE)
        cell = (eh_cell){.kind = EH_CELL_DOUBLE, .as.real = value->as.real};
    eh_cell_scratch scratch;
    eh_slice written = eh_cell_written(&cell, &scratch);
    const char *text = eh_arena_strndup(arena, written.data, written.len);
    return eh_slice_of(text, text != NULL ? written.len : 0);
}

/* A new zeroed rule with its name and place; NULL without memory. The pointer is valid until
 * the next one is added. */
static eh_rule *add_rule(eh_transform *t, eh_rule_kind kind, eh_slice name, const char *place,
                         eh_err *err)
{
    if (t->rule_count == t->rule_capacity) {
        size_t capacity = t->rule_capacity == 0 ? 16 : t->rule_capacity * 2;
        eh_rule *more = eh_arena_zalloc(t->arena, capacity, sizeof *more);
        if (more != NULL && t->rule_count > 0)
            memcpy(more, t->rules, t->rule_count * sizeof *more);
        if (more == NULL) return eh_fail_memory(err, "a declaration"), NULL;
        t->rules = more;
        t->rule_capacity = capacity;
    }
    eh_rule *rule = &t->rules[t->rule_count];
    *rule = (eh_rule){.kind = kind, .column = SIZE_MAX, .match = EH_MATCH_NOT};
    if (place == NULL) return eh_fail_memory(err, "a declaration"), NULL;
    rule->place = eh_slice_str(place);
    if (!copy(t, name, &rule->name, err)) return NULL;
    t->rule_count++;
    return rule;
}

/* The children of a map under key. An empty Lua table arrives as a list; it declares nothing.
 */
static bool open_map(const eh_doc *declaration, const char *key, const eh_doc **first,
                     eh_err *err)
{
    const eh_doc *map = eh_doc_get(declaration, key);
    *first = eh_doc_first(map);
    if (map == NULL || map->kind == EH_DOC_NULL || map->kind == EH_DOC_MAP) return true;
    if (map->kind == EH_DOC_LIST && eh_doc_count(map) == 0) return true;
    return wrong(err, eh_slice_str(key), "must be a table from column names to values");
}

static const char *place_in_map(eh_transform *t, const char *key, const eh_doc *entry)
{
    return eh_arena_printf(t->arena, "%s.%.*s", key, EH_SLICE_FMT(entry->key));
}

/* ---- Lists of names, rename ------------------------------------------------------------- */

static bool read_names(eh_transform *t, const eh_doc *declaration, const char *key,
                       eh_rule_kind kind, eh_err *err)
{
    const eh_doc *list = eh_doc_get(declaration, key);
    if (list == NULL || list->kind == EH_DOC_NULL) return true;
    bool is_list =
        list->kind == EH_DOC_LIST || (list->kind == EH_DOC_MAP && eh_doc_count(list) == 0);
    if (!is_list) return wrong(err, eh_slice_str(key), "must be a list of column names");
    size_t index = 1;
    for (const eh_doc *item = eh_doc_first(list); item != NULL; item = item->next, index++) {
        const char *place = eh_arena_printf(t->arena, "%s[%zu]", key, index);
        if (item->kind != EH_DOC_STRING || item->as.string.len == 0)
            return wrong(err, eh_slice_str(place), "must be the name of a column");
        eh_rule *rule = add_rule(t, kind, item->as.string, place, err);
        if (rule == NULL) return false;
        if (kind == EH_RULE_HASH) rule->change = EH_CHANGE_HASH;
        if (kind == EH_RULE_MASK) rule->change = EH_CHANGE_MASK;
    }
    return true;
}

static bool read_rename(eh_transform *t, const eh_doc *declaration, eh_err *err)
{
    const eh_doc *entry;
    if (!open_map(declaration, "rename", &entry, err)) return false;
    for (; entry != NULL; entry = entry->next) {
        eh_rule *rule =
            add_rule(t, EH_RULE_RENAME, entry->key, place_in_map(t, "rename", entry), err);
        if (rule == NULL) return false;
        if (entry->kind != EH_DOC_STRING || entry->as.string.len == 0)
            return wrong(err, rule->place, "must be the new name");
        if (!copy(t, entry->as.string, &rule->to, err)) return false;
    }
    return true;
}

/* ---- Columns ---------------------------------------------------------------------------- */

static eh_zone *make_zone(const eh_transform_context *context, eh_slice name, const char *text,
                          eh_err *err)
{
    if (eh_zone_is_fixed(name)) return eh_zone_fixed(name, err);
    eh_slice bytes = {NULL, 0};
    if (!eh_zone_name_ok(name) || context->read_zone == NULL) {
        eh_fail(err, EH_CLASS_CONFIG, "there is no time zone \"%s\"", text);
        eh_err_hint(err, "an offset like \"+02:00\", \"UTC\", \"account\", or a name like "
                         "\"Europe/Berlin\"");
        return NULL;
    }
    if (!context->read_zone(context->self, text, &bytes, err)) {
        eh_fail(err, EH_CLASS_CONFIG, "there is no time zone \"%s\"", text);
        return NULL;
    }
    eh_zone *zone = eh_zone_parse(bytes, err);
    if (zone == NULL) eh_err_while(err, "reading the time zone %s", text);
    return zone;
}

/* Columns that name one zone share it. */
static bool find_zone(eh_transform *t, const eh_transform_context *context, eh_slice name,
                      eh_rule *rule, eh_err *err)
{
    if (eh_slice_is(name, "account")) {
        name = eh_slice_str(context->timezone);
        if (name.len == 0)
            return eh_fail(err, EH_CLASS_CONFIG,
                           "zone = \"account\" needs the timezone of the client");
    }
    for (size_t i = 0; i < t->zone_count; i++) {
        if (!eh_slice_equal(t->zones[i].name, name)) continue;
        rule->zone = t->zones[i].zone;
        rule->zone_name = t->zones[i].name;
        return true;
    }
    eh_named_zone *zones = eh_arena_zalloc(t->arena, t->zone_count + 1, sizeof *zones);
    if (zones == NULL) return eh_fail_memory(err, "time zones");
    if (t->zone_count > 0) memcpy(zones, t->zones, t->zone_count * sizeof *zones);
    t->zones = zones;
    eh_named_zone *named = &zones[t->zone_count];
    if (!copy(t, name, &named->name, err)) return false;
    named->zone = make_zone(context, named->name, named->name.data, err);
    if (named->zone == NULL) return false;
    t->zone_count++;
    rule->zone = named->zone;
    rule->zone_name = named->name;
    return true;
}

static bool read_type(const eh_doc *type, eh_rule *rule, eh_err *err)
{
    if (type == NULL || type->kind == EH_DOC_NULL) return true;
    if (type->kind == EH_DOC_STRING && eh_type_from_name(type->as.string, &rule->type) &&
        rule->type != EH_TYPE_UNKNOWN)
        return true;
    eh_err_place(err, "%.*s.type", EH_SLICE_FMT(rule->place));
    if (type->kind != EH_DOC_STRING)
        return eh_fail(err, EH_CLASS_CONFIG, "must be the name of a type");
    return eh_fail(err, EH_CLASS_CONFIG, "there is no type \"%.*s\"",
                   EH_SLICE_FMT(type->as.string));
}

static bool read_cast(eh_transform *t, const eh_doc *entry, const eh_transform_context *context,
                      eh_rule *rule, eh_err *err)
{
    const char *epoch = eh_doc_str(entry, "epoch", NULL),
               *zone = eh_doc_str(entry, "zone", NULL);
    if (epoch != NULL && zone != NULL)
        return eh_fail(err, EH_CLASS_CONFIG,
                       "epoch and zone exclude each other: seconds since "
                       "1970 are in UTC");
    if (epoch != NULL) {
        if (strcmp(epoch, "s") != 0 && strcmp(epoch, "ms") != 0)
            return eh_fail(err, EH_CLASS_CONFIG, "epoch must be \"s\" or \"ms\"");
        rule->change = EH_CHANGE_EPOCH;
        rule->places = strcmp(epoch, "s") == 0 ? 6 : 3;
    }
    if (zone != NULL) {
        rule->change = EH_CHANGE_ZONE;
        if (!find_zone(t, context, eh_slice_str(zone), rule, err)) return false;
    }
    bool fits = rule->type == EH_TYPE_UNKNOWN || rule->type == EH_TYPE_TIMESTAMP ||
                (zone != NULL && rule->type == EH_TYPE_DATETIME);
    if (rule->change != EH_CHANGE_NONE && !fits)
        return eh_fail(err, EH_CLASS_CONFIG, "%s makes an instant, so the type cannot be %s",
                       zone != NULL ? "zone" : "epoch", eh_type_name(rule->type));
    if (rule->change != EH_CHANGE_NONE) rule->type = EH_TYPE_TIMESTAMP;
    return true;
}

/* A key that is there but is no text would otherwise read as absent. */
static bool must_be_text(const eh_doc *entry, const char *key, const eh_rule *rule, eh_err *err)
{
    const eh_doc *value = eh_doc_get(entry, key);
    if (value == NULL || value->kind == EH_DOC_NULL || value->kind == EH_DOC_STRING)
        return true;
    eh_fail(err, EH_CLASS_CONFIG, "must be text");
    return eh_err_place(err, "%.*s.%s", EH_SLICE_FMT(rule->place), key);
}

static bool read_columns(eh_transform *t, const eh_doc *declaration,
                         const eh_transform_context *context, eh_err *err)
{
    const eh_doc *entry;
    if (!open_map(declaration, "columns", &entry, err)) return false;
    for (; entry != NULL; entry = entry->next) {
        eh_rule *rule =
            add_rule(t, EH_RULE_COLUMN, entry->key, place_in_map(t, "columns", entry), err);
        if (rule == NULL) return false;
        bool is_map = entry->kind == EH_DOC_MAP;
        if (!is_map && entry->kind != EH_DOC_STRING)
            return wrong(err, rule->place,
                         "must be a type, or a table of type, zone and epoch");
        if (!read_type(is_map ? eh_doc_get(entry, "type") : entry, rule, err)) return false;
        if (!is_map) continue;
        if (!must_be_text(entry, "zone", rule, err) || !must_be_text(entry, "epoch", rule, err))
            return false;
        if (read_cast(t, entry, context, rule, err)) continue;
        const char *key = eh_doc_get(entry, "zone") != NULL ? "zone" : "epoch";
        return eh_err_place(err, "%.*s.%s", EH_SLICE_FMT(rule->place), key);
    }
    return true;
}

/* ---- Keep, discard ---------------------------------------------------------------------- */

static bool op_from_name(eh_slice name, eh_test_op *op)
{
    static const char *const names[] = {"eq", "ne", "lt", "le", "gt", "ge"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!eh_slice_is(name, names[i])) continue;
        *op = (eh_test_op)i;
        return true;
    }
    return false;
}

static bool read_equal(eh_transform *t, const eh_doc *entry, eh_test *test, eh_err *err)
{
    bool is_list = entry->kind == EH_DOC_LIST;
    test->op = EH_TEST_EQ;
    test->count = is_list ? eh_doc_count(entry) : 1;
    test->operands = eh_arena_zalloc(t->arena, test->count, sizeof *test->operands);
    if (test->operands == NULL) return eh_fail_memory(err, "declared values");
    if (test->count == 0)
        return eh_fail(err, EH_CLASS_CONFIG, "an empty list of values equals nothing");
    if (!is_list) return eh_operand_read(t->arena, entry, test->operands, err);
    eh_operand *operand = test->operands;
    for (const eh_doc *item = eh_doc_first(entry); item != NULL; item = item->next)
        if (!eh_operand_read(t->arena, item, operand++, err)) return false;
    return true;
}

static bool read_operator(eh_transform *t, const eh_doc *value, const eh_rule *rule,
                          eh_test *test, eh_err *err)
{
    if (eh_slice_is(value->key, "in") && value->kind == EH_DOC_LIST)
        return read_equal(t, value, test, err) ||
               eh_err_place(err, "%.*s.in", EH_SLICE_FMT(rule->place));
    if (!op_from_name(value->key, &test->op) || test->op == EH_TEST_EQ) {
        eh_fail(err, EH_CLASS_CONFIG, "there is no comparison \"%.*s\"",
                EH_SLICE_FMT(value->key));
        eh_err_hint(err,
                    "lt, le, gt, ge, ne, or in with a list of values; for equality give the "
                    "value itself");
        return eh_err_place(err, "%.*s", EH_SLICE_FMT(rule->place));
    }
    test->count = 1;
    test->operands = eh_arena_zalloc(t->arena, 1, sizeof *test->operands);
    if (test->operands == NULL) return eh_fail_memory(err, "declared values");
    bool ok = eh_operand_read(t->arena, value, test->operands, err);
    if (ok && test->op != EH_TEST_NE && !test->operands->is_number && !test->operands->is_time)
        ok = eh_fail(err, EH_CLASS_CONFIG,
                     "only numbers and ISO dates and times are less or greater");
    if (ok) return true;
    return eh_err_place(err, "%.*s.%.*s", EH_SLICE_FMT(rule->place), EH_SLICE_FMT(value->key));
}

static bool read_tests(eh_transform *t, const eh_doc *entry, eh_rule *rule, eh_err *err)
{
    bool is_map = entry->kind == EH_DOC_MAP && eh_doc_count(entry) > 0;
    rule->test_count = is_map ? eh_doc_count(entry) : 1;
    rule->tests = eh_arena_zalloc(t->arena, rule->test_count, sizeof *rule->tests);
    if (rule->tests == NULL) return eh_fail_memory(err, "declared values");
    if (!is_map)
        return read_equal(t, entry, rule->tests, err) ||
               eh_err_place(err, "%.*s", EH_SLICE_FMT(rule->place));
    eh_test *test = rule->tests;
    for (const eh_doc *value = eh_doc_first(entry); value != NULL; value = value->next)
        if (!read_operator(t, value, rule, test++, err)) return false;
    return true;
}

static bool read_filter(eh_transform *t, const eh_doc *declaration, const char *key,
                        eh_rule_kind kind, eh_err *err)
{
    const eh_doc *entry;
    if (!open_map(declaration, key, &entry, err)) return false;
    for (; entry != NULL; entry = entry->next) {
        eh_rule *rule = add_rule(t, kind, entry->key, place_in_map(t, key, entry), err);
        if (rule == NULL || !read_tests(t, entry, rule, err)) return false;
    }
    return true;
}

/* ---- Constants -------------------------------------------------------------------------- */

static bool constant_cell(eh_transform *t, const eh_doc *value, eh_cell *cell, eh_err *err)
{
    *cell = (eh_cell){.kind = EH_CELL_NULL};
    switch (value->kind) {
    case EH_DOC_NULL:
        return true;
    case EH_DOC_BOOLEAN:
        cell->kind = EH_CELL_BOOLEAN, cell->as.integer = value->as.boolean;
        return true;
    case EH_DOC_INTEGER:
        cell->kind = EH_CELL_INTEGER, cell->as.integer = value->as.integer;
        return true;
    case EH_DOC_DOUBLE:
        cell->kind = EH_CELL_DOUBLE, cell->as.real = value->as.real;
        return true;
    case EH_DOC_STRING:
        break;
    case EH_DOC_LIST:
    case EH_DOC_MAP:
        return eh_fail(err, EH_CLASS_CONFIG, "a constant must be a single value");
    }
    eh_slice text;
    if (!copy(t, value->as.string, &text, err)) return false;
    if (text.len > UINT32_MAX) return eh_fail(err, EH_CLASS_CONFIG, "too long for a value");
    *cell = (eh_cell){.kind = EH_CELL_STRING, .len = (uint32_t)text.len, .as.text = text.data};
    return true;
}

static bool read_constants(eh_transform *t, const eh_doc *declaration, eh_err *err)
{
    const eh_doc *entry;
    if (!open_map(declaration, "constants", &entry, err)) return false;
    size_t count = eh_doc_count(eh_doc_get(declaration, "constants"));
    t->constants = eh_arena_zalloc(t->arena, count, sizeof *t->constants);
    if (t->constants == NULL) return eh_fail_memory(err, "constants");
    for (; entry != NULL; entry = entry->next) {
        eh_constant *constant = &t->constants[t->constant_count++];
        const char *place = place_in_map(t, "constants", entry);
        if (place == NULL) return eh_fail_memory(err, "constants");
        constant->place = eh_slice_str(place);
        if (!copy(t, entry->key, &constant->name, err)) return false;
        eh_name_normalise(constant->name, constant->normal);
        if (!constant_cell(t, entry, &constant->cell, err))
            return eh_err_place(err, "%s", place);
        for (const eh_constant *other = t->constants; other < constant; other++)
            if (strcmp(other->normal, constant->normal) == 0)
                return wrong(err, constant->place, "another constant has the same column name");
    }
    return true;
}

bool eh_transform_read(eh_transform *t, const eh_doc *declaration,
                       const eh_transform_context *context, eh_err *err)
{
    return read_rename(t, declaration, err) &&
           read_names(t, declaration, "drop", EH_RULE_DROP, err) &&
           read_names(t, declaration, "hash", EH_RULE_HASH, err) &&
           read_names(t, declaration, "mask", EH_RULE_MASK, err) &&
           read_columns(t, declaration, context, err) &&
           read_filter(t, declaration, "keep", EH_RULE_KEEP, err) &&
           read_filter(t, declaration, "discard", EH_RULE_DISCARD, err) &&
           read_constants(t, declaration, err);
}
