/* load/contract.c: see contract.h. */
#include "load/contract.h"

static bool is_word(const eh_doc *value, eh_mode *mode)
{
    static const char *const words[] = {"evolve", "freeze", "discard_row", "discard_value"};
    for (int i = 0; i < 4; i++) {
        if (value->kind == EH_DOC_STRING && eh_slice_is(value->as.string, words[i])) {
            *mode = (eh_mode)i;
            return true;
        }
    }
    return false;
}

static bool fail_word(const char *where, const char *name, eh_err *err)
{
    return eh_fail(err, EH_CLASS_CONFIG,
                   "contract.%s%s must be evolve, freeze, discard_row or discard_value", where,
                   name);
}

static bool read_mode(const eh_doc *map, const char *key, eh_mode *mode, eh_err *err)
{
    const eh_doc *value = eh_doc_get(map, key);
    if (value == NULL || value->kind == EH_DOC_NULL || is_word(value, mode)) return true;
    return fail_word(key, "", err);
}

static bool read_types(const eh_doc *map, int8_t modes[EH_TYPE_COUNT], eh_err *err)
{
    for (int i = 0; i < EH_TYPE_COUNT; i++) modes[i] = -1;
    for (const eh_doc *t = eh_doc_first(map); t != NULL; t = t->next) {
        eh_type type;
        eh_mode mode;
        if (!eh_type_from_name(t->key, &type) || type == EH_TYPE_UNKNOWN)
            return eh_fail(err, EH_CLASS_CONFIG, "contract.type.%s: there is no such type",
                           t->key.data);
        if (!is_word(t, &mode)) return fail_word("type.", t->key.data, err);
        modes[type] = (int8_t)mode;
    }
    return true;
}

static bool check_columns(const eh_doc *map, eh_err *err)
{
    eh_mode mode;
    for (const eh_doc *c = eh_doc_first(map); c != NULL; c = c->next)
        if (!is_word(c, &mode)) return fail_word("column.", c->key.data, err);
    return true;
}

bool eh_contract_read(const eh_doc *declaration, eh_contract *contract, eh_err *err)
{
    const eh_doc *map = eh_doc_get(declaration, "contract");
    *contract = (eh_contract){.tables = EH_MODE_EVOLVE,
                              .types_said = eh_doc_get(map, "types") != NULL,
                              .column = eh_doc_get(map, "column")};
    if (!read_mode(map, "tables", &contract->tables, err) ||
        !check_columns(contract->column, err) ||
        !read_types(eh_doc_get(map, "type"), contract->type, err))
        return false;
    /* One word may stand for all three: no value is in the way of a table. */
    if (contract->tables == EH_MODE_DISCARD_VALUE) contract->tables = EH_MODE_EVOLVE;
    return read_mode(map, "columns", &contract->columns, err) &&
           read_mode(map, "types", &contract->types, err);
}

static const eh_doc *find_column(const eh_doc *columns, eh_slice written, const char *name)
{
    const eh_doc *by_name = NULL;
    for (const eh_doc *c = eh_doc_first(columns); c != NULL; c = c->next) {
        if (eh_slice_equal(c->key, written)) return c;
        if (eh_slice_is(c->key, name)) by_name = c;
    }
    return by_name;
}

bool eh_contract_of_column(const eh_contract *contract, eh_slice written, const char *name,
                           eh_mode *mode)
{
    const eh_doc *found = find_column(contract->column, written, name);
    return found != NULL && is_word(found, mode);
}

bool eh_declared_type(const eh_doc *declaration, eh_slice written, const char *name,
                      eh_type *type, eh_err *err)
{
    const eh_doc *found = find_column(eh_doc_get(declaration, "columns"), written, name);
    if (found != NULL && found->kind == EH_DOC_MAP) found = eh_doc_get(found, "type");
    if (found == NULL || found->kind != EH_DOC_STRING) return false;
    if (eh_type_from_name(found->as.string, type) && *type != EH_TYPE_UNKNOWN) return true;
    eh_fail(err, EH_CLASS_CONFIG, "column %s is declared as \"%s\", which is no type", name,
            found->as.string.data);
    return eh_err_hint(err,
                       "types are boolean, bigint, numeric, double, date, time, timestamp, "
                       "datetime, json, text and binary");
}

bool eh_declared_is(const eh_doc *declared, eh_slice written, const char *name)
{
    return declared->kind == EH_DOC_STRING && (eh_slice_equal(declared->as.string, written) ||
                                               eh_slice_is(declared->as.string, name));
}

bool eh_declared_key(const eh_doc *declaration, eh_slice written, const char *name)
{
    const eh_doc *cursor = eh_doc_get(eh_doc_get(declaration, "cursor"), "field");
    if (cursor != NULL && eh_declared_is(cursor, written, name)) return true;
    for (const eh_doc *c = eh_doc_first(eh_doc_get(declaration, "key")); c != NULL; c = c->next)
        if (eh_declared_is(c, written, name)) return true;
    return false;
}
