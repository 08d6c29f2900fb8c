/* data/transform_filter.c: keep and discard: a cell against declared values.
 *
 * Equality is of the text as written, so it can be looked up in the file; order is of numbers,
 * exactly, or of times. What has no order with the declared value is a misfit, never a "no". */
#include "data/convert.h"
#include "data/transform_parts.h"

#include <stdio.h>

#define US_PER_DAY INT64_C(86400000000)

/* ---- Operands --------------------------------------------------------------------------- */

static bool read_time(eh_slice text, bool *date_only, bool *has_zone, int64_t *us)
{
    int64_t days;
    *date_only = false;
    if (eh_parse_timestamp(text, has_zone, us)) return true;
    *date_only = true;
    *has_zone = false;
    return eh_parse_date(text, &days) && !__builtin_mul_overflow(days, US_PER_DAY, us);
}

bool eh_operand_read(eh_arena *arena, const eh_doc *value, eh_operand *out, eh_err *err)
{
    *out = (eh_operand){.null = value->kind == EH_DOC_NULL,
                        .by_value = value->kind == EH_DOC_DOUBLE};
    if (value->kind == EH_DOC_LIST || value->kind == EH_DOC_MAP)
        return eh_fail(err, EH_CLASS_CONFIG, "a value to compare with must be a single value");
    if (out->null) return true;
    out->text = eh_transform_scalar_text(arena, value);
    if (out->text.data == NULL) return eh_fail_memory(err, "declared values");
    if (value->kind == EH_DOC_BOOLEAN) return true;
    out->is_number = eh_decimal_parse(out->text, &out->decimal);
    out->is_time = read_time(out->text, &out->date_only, &out->has_zone, &out->us);
    return true;
}

/* ---- Tests ------------------------------------------------------------------------------ */

static bool equal(const eh_operand *operand, const eh_cell *cell, eh_slice text)
{
    if (operand->null || cell == NULL || eh_cell_is_null(cell))
        return operand->null && (cell == NULL || eh_cell_is_null(cell));
    if (eh_slice_equal(operand->text, text)) return true;
    eh_decimal number;
    return operand->by_value && eh_decimal_parse(text, &number) &&
           eh_decimal_compare(&number, &operand->decimal) == 0;
}

/* `ne` against a number means its value: 0.00 is not different from 0. */
static bool different(const eh_operand *operand, const eh_cell *cell, eh_slice text)
{
    if (equal(operand, cell, text)) return false;
    eh_decimal number;
    return !(operand->is_number && eh_decimal_parse(text, &number) &&
             eh_decimal_compare(&number, &operand->decimal) == 0);
}

static eh_verdict cannot(const eh_operand *operand, eh_slice text, const char *why,
                         eh_misfit *out)
{
    eh_excerpt value = eh_excerpt_of(text), declared = eh_excerpt_of(operand->text);
    out->code = "compare";
    (void)snprintf(out->reason, sizeof out->reason, "\"%s\" cannot be compared with %s: %s",
                   value.text, declared.text, why);
    return EH_VERDICT_MISFIT;
}

/* *order: below, at or above 0 as the cell is less, equal or greater. YES when there is an
 * order. */
static eh_verdict order_of(const eh_operand *operand, eh_slice text, int *order, eh_misfit *out)
{
    if (operand->is_number) {
        eh_decimal number;
        if (!eh_decimal_parse(text, &number))
            return cannot(operand, text, "it is not a number", out);
        *order = eh_decimal_compare(&number, &operand->decimal);
        return EH_VERDICT_YES;
    }
    bool date_only, has_zone;
    int64_t us;
    if (!read_time(text, &date_only, &has_zone, &us))
        return cannot(operand, text, "it is not a date or a time", out);
    if (has_zone != operand->has_zone && !date_only && !operand->date_only)
        return cannot(operand, text, "only one of them has an offset from UTC", out);
    *order = us < operand->us ? -1 : us > operand->us;
    return EH_VERDICT_YES;
}

static eh_verdict run(const eh_test *test, const eh_cell *cell, eh_slice text, eh_misfit *out)
{
    int order = 0;
    if (test->op == EH_TEST_NE)
        return different(&test->operands[0], cell, text) ? EH_VERDICT_YES : EH_VERDICT_NO;
    if (test->op == EH_TEST_EQ) {
        for (size_t i = 0; i < test->count; i++)
            if (equal(&test->operands[i], cell, text)) return EH_VERDICT_YES;
        return EH_VERDICT_NO;
    }
    if (cell == NULL || eh_cell_is_null(cell)) return EH_VERDICT_NO;
    eh_verdict verdict = order_of(&test->operands[0], text, &order, out);
    if (verdict != EH_VERDICT_YES) return verdict;
    bool holds = false;
    switch (test->op) {
    case EH_TEST_EQ:
    case EH_TEST_NE:
        break;
    case EH_TEST_LT:
        holds = order < 0;
        break;
    case EH_TEST_LE:
        holds = order <= 0;
        break;
    case EH_TEST_GT:
        holds = order > 0;
        break;
    case EH_TEST_GE:
        holds = order >= 0;
        break;
    }
    return holds ? EH_VERDICT_YES : EH_VERDICT_NO;
}

eh_verdict eh_rule_test(const eh_rule *rule, const eh_cell *cell, eh_misfit *out)
{
    eh_cell_scratch scratch;
    eh_slice text = {NULL, 0};
    if (cell != NULL && !eh_cell_is_null(cell)) text = eh_cell_written(cell, &scratch);
    for (size_t i = 0; i < rule->test_count; i++) {
        eh_verdict verdict = run(&rule->tests[i], cell, text, out);
        if (verdict != EH_VERDICT_YES) return verdict;
    }
    return EH_VERDICT_YES;
}
