/* load/contract.c: see contract.h. */
#include "load/contract.h"

static bool read_mode(const eh_doc *map, const char *key, eh_mode *mode, eh_err *err)
{
    static const char *const words[] = {"evolve", "freeze", "discard_row", "discard_value"};
    const eh_doc *value = eh_doc_get(map, key);
    if (value == NULL || value->kind == EH_DOC_NULL) return true;
    for (int i = 0; i < 4; i++) {
        if (value->kind == EH_DOC_STRING && eh_slice_is(value->as.string, words[i])) {
            *mode = (eh_mode)i;
            return true;
        }
    }
    return eh_fail(err, EH_CLASS_CONFIG,
                   "contract.%s must be evolve, freeze, discard_row or discard_value", key);
}

bool eh_contract_read(const eh_doc *declaration, eh_contract *contract, eh_err *err)
{
    const eh_doc *map = eh_doc_get(declaration, "contract");
    *contract = (eh_contract){EH_MODE_EVOLVE, EH_MODE_EVOLVE, EH_MODE_EVOLVE,
                              eh_doc_get(map, "types") != NULL};
    if (!read_mode(map, "tables", &contract->tables, err)) return false;
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
