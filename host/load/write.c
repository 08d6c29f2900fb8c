/* load/write.c: see write.h. */
#include "load/write.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const words[] = {
    [EH_WRITE_APPEND] = "append",           [EH_WRITE_MERGE] = "merge",
    [EH_WRITE_INSERT_ONLY] = "insert_only", [EH_WRITE_HISTORY] = "history",
    [EH_WRITE_REPLACE] = "replace",         [EH_WRITE_RESTATE] = "restate",
    [EH_WRITE_CHILDREN] = "children",
};

const char *eh_write_name(eh_write write)
{
    return words[write];
}

static bool read_word(const eh_doc *value, eh_write_rule *rule, eh_err *err)
{
    for (size_t i = 0; i < EH_WRITE_CHILDREN; i++) {
        if (value->kind != EH_DOC_STRING || !eh_slice_is(value->as.string, words[i])) continue;
        rule->write = (eh_write)i;
        rule->said = true;
        return true;
    }
    eh_fail(err, EH_CLASS_CONFIG, "write = \"%s\" is not known",
            value->kind == EH_DOC_STRING ? value->as.string.data : "?");
    return eh_err_hint(
        err, "the words are merge, append, insert_only, history, replace and restate");
}

static bool read_merge(const eh_doc *declaration, eh_write_rule *rule, eh_err *err)
{
    const char *word = eh_doc_str(declaration, "merge", "upsert");
    rule->delete_insert = strcmp(word, "delete_insert") == 0;
    if (rule->delete_insert || strcmp(word, "upsert") == 0) return true;
    return eh_fail(err, EH_CLASS_CONFIG, "merge must be upsert or delete_insert, not \"%s\"",
                   word);
}

/* Does a row with a known key meet the row in the table? */
static bool meets(eh_write write)
{
    return write == EH_WRITE_MERGE || write == EH_WRITE_INSERT_ONLY ||
           write == EH_WRITE_HISTORY;
}

static bool judge(const eh_doc *declaration, const eh_write_rule *rule, eh_err *err)
{
    if (meets(rule->write) && rule->key == NULL) {
        eh_fail(err, EH_CLASS_CONFIG, "write = %s without a key", eh_write_name(rule->write));
        return eh_err_hint(err,
                           "declare the columns that tell one row from another: key = ...");
    }
    if (rule->write == EH_WRITE_RESTATE && rule->cursor == NULL) {
        eh_fail(err, EH_CLASS_CONFIG, "write = restate without a cursor");
        return eh_err_hint(err, "declare the column that tells a row's period: cursor = ...");
    }
    if (rule->write != EH_WRITE_MERGE && eh_doc_get(declaration, "merge") != NULL)
        return eh_fail(err, EH_CLASS_CONFIG, "merge = %s means nothing with write = %s",
                       eh_doc_str(declaration, "merge", "?"), eh_write_name(rule->write));
    if (rule->hard_delete != NULL && rule->write != EH_WRITE_MERGE &&
        rule->write != EH_WRITE_HISTORY)
        return eh_fail(err, EH_CLASS_CONFIG, "hard_delete means nothing with write = %s",
                       eh_write_name(rule->write));
    return true;
}

static const eh_doc *read_name(const eh_doc *map, const char *key)
{
    const eh_doc *value = eh_doc_get(map, key);
    return value != NULL && value->kind == EH_DOC_STRING ? value : NULL;
}

bool eh_write_read(const eh_doc *declaration, eh_write_rule *rule, eh_err *err)
{
    *rule = (eh_write_rule){.write = EH_WRITE_APPEND};
    const eh_doc *key = eh_doc_get(declaration, "key");
    for (const eh_doc *k = eh_doc_first(key); k != NULL; k = k->next)
        if (k->kind != EH_DOC_STRING)
            return eh_fail(err, EH_CLASS_CONFIG, "key holds something that is no name");
    if (eh_doc_count(key) > 0) rule->key = key;
    rule->cursor = read_name(eh_doc_get(declaration, "cursor"), "field");
    rule->ascending =
        strcmp(eh_doc_str(eh_doc_get(declaration, "cursor"), "order", ""), "ascending") == 0;
    rule->hard_delete = read_name(declaration, "hard_delete");
    const eh_doc *value = eh_doc_get(declaration, "write");
    if (value != NULL && value->kind != EH_DOC_NULL) {
        if (!read_word(value, rule, err)) return false;
    } else if (rule->key != NULL) {
        rule->write = EH_WRITE_MERGE;
    }
    return read_merge(declaration, rule, err) && judge(declaration, rule, err);
}

void eh_effects_print(const eh_effects *effects, char out[EH_EFFECTS_TEXT])
{
    const struct {
        const char *name;
        uint64_t rows;
    } all[] = {
        {"inserted", effects->inserted},   {"updated", effects->updated},
        {"unchanged", effects->unchanged}, {"repeated", effects->repeated},
        {"stale", effects->stale},         {"deleted", effects->deleted},
    };
    size_t len = 0;
    out[len++] = '{';
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i].rows == 0) continue;
        len += (size_t)snprintf(out + len, EH_EFFECTS_TEXT - len, "%s\"%s\":%" PRIu64,
                                len > 1 ? "," : "", all[i].name, all[i].rows);
    }
    (void)snprintf(out + len, EH_EFFECTS_TEXT - len, "}");
}
