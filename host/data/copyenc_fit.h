/* data/copyenc_fit.h: a cell as the value that a column of the server keeps unchanged; private
 * to the COPY encoders. Floor 1. */
#ifndef EH_DATA_COPYENC_FIT_H
#define EH_DATA_COPYENC_FIT_H

#include "data/copyenc.h"

enum { EH_COPY_FIELD_MAX = 1 << 30 }; /* bytes; Postgres allows one field a little less */

/* eh_convert to the column's type, then what the column's own limits say. SQL NULL is a value
 * of type UNKNOWN. In a float4 column as.real is a float's value. */
bool eh_copy_value(const eh_pg_column *column, const eh_cell *cell, eh_scratch *scratch,
                   eh_value *value, const char **reason);

/* numeric(p, s) as atttypmod has it; typmod is not -1. The scale may be negative. */
static inline int eh_numeric_precision(int32_t typmod)
{
    return ((typmod - 4) >> 16) & 0xffff;
}

static inline int eh_numeric_scale(int32_t typmod)
{
    return (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
}

#endif
