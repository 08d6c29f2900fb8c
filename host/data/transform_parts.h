/* data/transform_parts.h: what the files of transform share; private to them.
 *
 * transform_rules.c reads the declaration into rules, transform.c binds rules to columns and
 * walks the rows, transform_filter.c compares, transform_change.c makes new values. Floor 1. */
#ifndef EH_DATA_TRANSFORM_PARTS_H
#define EH_DATA_TRANSFORM_PARTS_H

#include "data/decimal.h"
#include "data/names.h"
#include "data/transform.h"
#include "data/zone.h"

#include <openssl/evp.h>

typedef enum eh_rule_kind {
    EH_RULE_RENAME, /* first: the other rules may use the names it gives */
    EH_RULE_DROP,
    EH_RULE_HASH,
    EH_RULE_MASK,
    EH_RULE_COLUMN,
    EH_RULE_KEEP,
    EH_RULE_DISCARD
} eh_rule_kind;

/* How well a name fits a column; smaller is better. */
typedef enum eh_match {
    EH_MATCH_WRITTEN,
    EH_MATCH_FINAL,
    EH_MATCH_NORMAL,
    EH_MATCH_NOT
} eh_match;

typedef enum eh_change {
    EH_CHANGE_NONE,
    EH_CHANGE_HASH,
    EH_CHANGE_MASK,
    EH_CHANGE_EPOCH,
    EH_CHANGE_ZONE
} eh_change;

/* A declared value to compare with, looked at once. */
typedef struct eh_operand {
    eh_slice text; /* as it is written in an input */
    bool null;
    bool by_value;  /* made by Lua as a number with a fraction: "1.50" equals it too */
    bool is_number; /* decimal is set */
    bool is_time;   /* us is set */
    bool has_zone;  /* the time has an offset */
    bool date_only;
    eh_decimal decimal;
    int64_t us;
} eh_operand;

typedef enum eh_test_op {
    EH_TEST_EQ,
    EH_TEST_NE,
    EH_TEST_LT,
    EH_TEST_LE,
    EH_TEST_GT,
    EH_TEST_GE
} eh_test_op;

typedef struct eh_test {
    eh_test_op op;
    eh_operand *operands; /* EQ: any of them; the others: one */
    size_t count;
} eh_test;

typedef struct eh_rule {
    eh_rule_kind kind;
    eh_slice name;  /* as declared */
    eh_slice place; /* "hash[2]", for errors */
    size_t column;  /* SIZE_MAX: not seen yet */
    eh_match match;
    /* rename */
    eh_slice to;
    /* column */
    eh_type type;
    eh_change change;
    unsigned places; /* epoch: decimal places from its unit to microseconds */
    eh_zone *zone;   /* borrowed from the transform */
    eh_slice zone_name;
    /* keep, discard: all must hold */
    eh_test *tests;
    size_t test_count;
} eh_rule;

typedef struct eh_named_zone {
    eh_slice name;
    eh_zone *zone; /* owned */
} eh_named_zone;

typedef struct eh_constant {
    eh_slice name;
    eh_slice place;
    char normal[EH_NAME_MAX + 1];
    eh_cell cell;
} eh_constant;

/* A bound column: what the parser calls it, and what happens to it. */
typedef struct eh_bound {
    eh_slice written;
    eh_slice final;
    char normal[EH_NAME_MAX + 1];       /* of written */
    char final_normal[EH_NAME_MAX + 1]; /* of final */
    const eh_rule *rename;
    const eh_rule *declared; /* columns */
    const eh_rule *change;   /* hash, mask or a cast */
} eh_bound;

struct eh_transform {
    eh_arena *arena; /* names, operands, constants: as long as the transform */
    eh_rule *rules;  /* in the arena */
    size_t rule_count;
    size_t rule_capacity;
    eh_constant *constants; /* in the arena */
    size_t constant_count;
    eh_named_zone *zones; /* in the arena; the zones are freed one by one */
    size_t zone_count;
    EVP_MAC_CTX *mac;             /* with a key */
    EVP_MD_CTX *digest;           /* without; one of the two exists when a hash is declared */
    eh_bound *bound;              /* owned, grows */
    eh_transform_column *columns; /* owned: bound_count + constant_count */
    size_t bound_count;
    eh_rule **filters; /* owned; bound or not, since an unseen column is null everywhere */
    size_t filter_count;
    size_t *changed; /* owned: indices of bound columns with a change */
    size_t changed_count;
    eh_transform_counts counts;
};

/* What stopped a row: written into the batch's dead records. */
typedef struct eh_misfit {
    const char *code;
    char reason[256];
} eh_misfit;

/* transform_rules.c */
bool eh_transform_read(eh_transform *t, const eh_doc *declaration,
                       const eh_transform_context *context, eh_err *err) EH_MUST_USE;
/* The text of a scalar value as an input would have it; data NULL without memory. */
eh_slice eh_transform_scalar_text(eh_arena *arena, const eh_doc *value);

/* transform_filter.c */
bool eh_operand_read(eh_arena *arena, const eh_doc *value, eh_operand *out,
                     eh_err *err) EH_MUST_USE;
typedef enum eh_verdict { EH_VERDICT_NO, EH_VERDICT_YES, EH_VERDICT_MISFIT } eh_verdict;
/* cell NULL: the column has not been seen. */
eh_verdict eh_rule_test(const eh_rule *rule, const eh_cell *cell, eh_misfit *misfit);

/* transform_change.c */
typedef enum eh_changed { EH_CHANGED_OK, EH_CHANGED_MISFIT, EH_CHANGED_ERROR } eh_changed;
bool eh_transform_open_hash(eh_transform *t, eh_slice key, eh_err *err) EH_MUST_USE;
/* Replaces the cell; a null stays null. On a misfit the cell is as it was. */
eh_changed eh_transform_change(eh_transform *t, const eh_rule *rule, eh_cell *cell,
                               eh_arena *arena, eh_misfit *misfit, eh_err *err);

/* The text of a cell that is not null; borrowed from it or from scratch. */
typedef struct eh_cell_scratch {
    char bytes[64];
} eh_cell_scratch;
eh_slice eh_cell_written(const eh_cell *cell, eh_cell_scratch *scratch);

/* A value for a message: at most 40 bytes, control bytes as '?'. */
typedef struct eh_excerpt {
    char text[48];
} eh_excerpt;
eh_excerpt eh_excerpt_of(eh_slice text);

#endif
