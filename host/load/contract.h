/* load/contract.h: what may happen when data and table disagree.
 *
 * Read from a declaration's `contract` map; each of tables, columns and types is one of the
 * four words of design section 5; `column` has a word for single columns, `type` one for values
 * of a type. Plain values. Floor 3. */
#ifndef EH_LOAD_CONTRACT_H
#define EH_LOAD_CONTRACT_H

#include "base/doc.h"
#include "data/value.h"

typedef enum eh_mode {
    EH_MODE_EVOLVE,       /* change the table, or keep the value in a variant column */
    EH_MODE_FREEZE,       /* stop with a precise error */
    EH_MODE_DISCARD_ROW,  /* the row becomes a dead row */
    EH_MODE_DISCARD_VALUE /* the value becomes NULL, counted */
} eh_mode;

typedef struct eh_contract {
    eh_mode tables;
    eh_mode columns;
    eh_mode types;
    bool types_said;            /* `types` was written out, not the default */
    const eh_doc *column;       /* column -> word; NULL: none. Checked */
    int8_t type[EH_TYPE_COUNT]; /* eh_mode for new values of this type; -1: nothing said */
} eh_contract;

/* declaration may be NULL (evolve everywhere). False with class config for an unknown word. */
bool eh_contract_read(const eh_doc *declaration, eh_contract *contract,
                      eh_err *err) EH_MUST_USE;

/* The word for one column: it stands for `columns` where the table has none of that name, and
 * for `types` where it has. False when nothing is said of it. */
bool eh_contract_of_column(const eh_contract *contract, eh_slice written, const char *name,
                           eh_mode *mode);

/* What the `columns` map declares for a column, looked up by its written name and then by its
 * name in the table. False when nothing is declared; an unknown type word is class config in
 * err. */
bool eh_declared_type(const eh_doc *declaration, eh_slice written, const char *name,
                      eh_type *type, eh_err *err);

/* Does a declared name (text) mean this column? */
bool eh_declared_is(const eh_doc *declared, eh_slice written, const char *name);

/* Is the column part of the declared key, or the cursor? */
bool eh_declared_key(const eh_doc *declaration, eh_slice written, const char *name);

#endif
