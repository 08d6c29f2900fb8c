/* data/infer.h: which type a written value may become without being changed (promise 2).
 *
 * Rules of design section 5: a value is a number, date or boolean only if it can be printed
 * back as it came. Inference of a column is the join of its values' types, which is associative
 * and commutative, so the schema depends neither on order nor on where batches end. Floor 1. */
#ifndef EH_DATA_INFER_H
#define EH_DATA_INFER_H

#include "data/value.h"

/* The narrowest type of one cell; UNKNOWN for null and absent ones. RAW text may become
 * anything; STRING only date, time, timestamp, datetime or text (a JSON string never becomes a
 * number or a boolean); a quoted empty field is text. NUMBER: bigint or numeric, double with an
 * exponent. */
eh_type eh_infer_cell(const eh_cell *cell);

/* The narrowest type that holds both: UNKNOWN is neutral; bigint + numeric = numeric; date +
 * datetime = datetime; any other pair of different types = text. */
eh_type eh_infer_join(eh_type a, eh_type b);

/* Why a cell is of its type, for `preview`: "a leading zero would be lost", "longer than 19
 * digits". A constant string; never NULL. */
const char *eh_infer_reason(const eh_cell *cell);

#endif
