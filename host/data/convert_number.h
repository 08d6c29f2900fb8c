/* data/convert_number.h: numbers as they are written; private to the room `data`.
 *
 * Floor 1. */
#ifndef EH_DATA_CONVERT_NUMBER_H
#define EH_DATA_CONVERT_NUMBER_H

#include "base/slice.h"

#include <stdint.h>

/* What Postgres' numeric holds (manual, "Numeric Types"). */
enum { EH_NUMERIC_WHOLE_MAX = 131072, EH_NUMERIC_FRACTION_MAX = 16383 };

/* [+-]?[0-9]*(.[0-9]+)?([eE][+-]?[0-9]+)? with a digit before the exponent. Borrowed. */
typedef struct eh_decimal {
    eh_slice whole;    /* the digits before the point; empty in ".5" */
    eh_slice fraction; /* the digits after it; empty without a point */
    int64_t exponent;  /* saturates far outside of any type */
    bool negative;
    bool has_plus;
    bool has_exponent;
    bool is_zero; /* no digit but 0 */
} eh_decimal;

bool eh_decimal_scan(eh_slice text, eh_decimal *decimal);

/* Does the number stand as numeric prints it: no '+', no exponent, no leading zero, a digit
 * before the point, no negative zero? */
bool eh_decimal_is_canonical(const eh_decimal *decimal);

/* Writes the number with neither '+', exponent nor leading zero. 0 when it takes more than
 * `size` bytes. */
size_t eh_decimal_print(const eh_decimal *decimal, char *out, size_t size);

/* The nearest double or float; false when it is past the largest or a non-zero number becomes
 * zero. */
bool eh_decimal_to_double(const eh_decimal *decimal, double *value);
bool eh_decimal_to_float(const eh_decimal *decimal, float *value);

/* Is the shortest text that reads back as this double (float) the same number, digit by digit?
 * If not, a digit of the written number would be lost. */
bool eh_decimal_is_double(const eh_decimal *decimal, double value);
bool eh_decimal_is_float(const eh_decimal *decimal, float value);

/* The shortest text that reads back as the same double, spelt as Postgres spells it; returns
 * the length. out: 32 bytes. The value is finite. */
size_t eh_double_print(double value, char *out);

#endif
