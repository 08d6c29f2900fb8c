/* data/convert.h: one cell to one typed value, or the reason why it does not fit.
 *
 * The target type decides; nothing is rounded, padded or cut. Undeclared, a cell fits a type if
 * and only if the join of that type and the cell's inferred one is that type, so that the
 * schema does not depend on the order of rows; the one exception is RAW text for a json column,
 * which is read as JSON (a CSV file for a table that has such a column).
 *
 * `declared` widens what is accepted for a type that a person declared: booleans spelt
 * true/false/yes/no/t/f/y/n/1/0 in any case; numbers in JSON strings, with leading zeros, '+'
 * or no digit before the point; numeric and double from any number, exponents included; times
 * with any fraction; json from any JSON text. Inference never uses it. Floor 1. */
#ifndef EH_DATA_CONVERT_H
#define EH_DATA_CONVERT_H

#include "data/value.h"

typedef struct eh_value {
    eh_type type; /* the type asked for; UNKNOWN means SQL NULL */
    union {
        bool boolean;
        int64_t
            integer; /* bigint; date: days since 1970-01-01; time, timestamp, datetime: us */
        double real;
        eh_slice text; /* text, json, numeric (canonical digits), binary; borrowed from the cell
                          or from scratch */
    } as;
} eh_value;

typedef struct eh_scratch {
    char bytes[384]; /* what had to be printed: integers, doubles, times for text; numbers that
                        came with an exponent (up to 1e308) for numeric */
} eh_scratch;

/* The SQL null for null cells. False when the cell does not fit the type, with a constant
 * reason
 * ("not a whole number", "outside 64 bits", "no such day", "NUL byte", "not UTF-8").
 * value->as.text lives as long as the cell and the scratch. */
bool eh_convert(const eh_cell *cell, eh_type type, bool declared, eh_scratch *scratch,
                eh_value *value, const char **reason);

/* Prints date, time, timestamp ("2026-01-02T03:04:05.600Z", a zero fraction left out, otherwise
 * 3 or 6 digits) and datetime values; returns the length. A time's fraction has no trailing
 * zeros: so an inferred time prints back as it came. out: 40 bytes. */
size_t eh_print_date(int64_t days, char *out);
size_t eh_print_time(int64_t us, char *out);
size_t eh_print_timestamp(int64_t us, bool zone, char *out);

/* Parses the spellings that inference accepts; false for any other, impossible days included.
 */
bool eh_parse_date(eh_slice text, int64_t *days);
bool eh_parse_time(eh_slice text, int64_t *us);
bool eh_parse_timestamp(eh_slice text, bool *has_zone, int64_t *us);

#endif
