/* data/copyenc_numeric.h: Postgres' binary numeric; private to the COPY encoders.
 *
 * numeric_recv reads: count of digits to the base 10000, weight of the first one, sign, number
 * of decimal digits after the point (kept: 12.10 stays 12.10), the digits; 16 bits each.
 * Floor 1. */
#ifndef EH_DATA_COPYENC_NUMERIC_H
#define EH_DATA_COPYENC_NUMERIC_H

#include "data/copyenc.h"

/* Writes the field with its length in front and returns its size. `text` is canonical, as
 * eh_convert gives it for NUMERIC; out has room for text.len + 32 bytes. */
size_t eh_copy_put_numeric(eh_slice text, char *out);

/* The same straight from a cell's text, in one pass: 0 when it is not canonical, is a number of
 * more than 16 digits before or 8 after the point, or needs a closer look at the typmod. out
 * has room for 48 bytes. */
size_t eh_copy_try_numeric(const eh_pg_column *column, const char *text, size_t len, char *out);

#endif
