/* data/convert_number.h: written numbers as numerics and doubles; private to the room `data`.
 * Floor 1. */
#ifndef EH_DATA_CONVERT_NUMBER_H
#define EH_DATA_CONVERT_NUMBER_H

#include "data/decimal.h"

/* What Postgres' numeric holds (manual, "Numeric Types"). */
enum { EH_NUMERIC_WHOLE_MAX = 131072, EH_NUMERIC_FRACTION_MAX = 16383 };

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
