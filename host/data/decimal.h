/* data/decimal.h: decimal numbers as they were written, compared and scaled without rounding.
 *
 * A decimal borrows the digits it was parsed from, so it costs no memory and keeps every digit;
 * a double never appears. For declared rules that compute with a written number, and for
 * conversion (convert_number.h). Floor 1. */
#ifndef EH_DATA_DECIMAL_H
#define EH_DATA_DECIMAL_H

#include "base/slice.h"

#include <stdint.h>

typedef struct eh_decimal {
    eh_slice whole;    /* digits before the point; none in ".5" */
    eh_slice fraction; /* digits after it; may be empty */
    int64_t exponent;  /* power of ten; saturates far outside of any type */
    bool negative;
    bool has_plus; /* how it is spelt: conversion asks, computing does not */
    bool has_exponent;
    bool is_zero; /* no digit but 0 */
} eh_decimal;

/* [+-][digits][.digits][e[+-]digits] with a digit before the exponent, nothing around it. The
 * slice must outlive the decimal.
 * False for any other text. */
bool eh_decimal_parse(eh_slice text, eh_decimal *out);

/* Below 0, 0 or above 0, by value: 1.50 equals 1.5, and -0 equals 0. */
int eh_decimal_compare(const eh_decimal *a, const eh_decimal *b);

typedef enum eh_decimal_fit {
    EH_DECIMAL_OK,
    EH_DECIMAL_FRACTION, /* digits that are not 0 are left behind the point */
    EH_DECIMAL_RANGE     /* outside 64 bits */
} eh_decimal_fit;

/* value * 10^places as a whole number, exactly. */
eh_decimal_fit eh_decimal_scale(const eh_decimal *value, unsigned places, int64_t *out);

#endif
