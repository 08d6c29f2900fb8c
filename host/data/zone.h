/* data/zone.h: time zones: a local clock reading to the instant it meant, or the reason why
 * not.
 *
 * A zone is made of a fixed offset or of the bytes of a TZif file (RFC 8536), which the caller
 * reads: nothing here does I/O or knows the machine's own zone. Times after the file's last
 * transition follow its POSIX rule. A reading that a clock skipped or showed twice is told
 * apart, never moved. Not for two threads at once: a zone remembers the period it answered
 * from. Floor 1. */
#ifndef EH_DATA_ZONE_H
#define EH_DATA_ZONE_H

#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

typedef struct eh_zone eh_zone;

/* The zone of a TZif file; the bytes are copied. NULL: class config (not a TZif file, damaged,
 * or one that counts leap seconds) or limit. Free with eh_zone_free. */
eh_zone *eh_zone_parse(eh_slice tzif, eh_err *err);

/* Is this text a fixed offset: "UTC", "Z", "+02:00", "-0530", "+02"; at most 15:59. */
bool eh_zone_is_fixed(eh_slice text);

/* The zone of a fixed offset. NULL: class config for any other text, limit without memory. */
eh_zone *eh_zone_fixed(eh_slice text, eh_err *err);

void eh_zone_free(eh_zone *zone); /* NULL is fine */

/* Could this be the name of a zone, safe to put behind a folder's path: "Europe/Berlin",
 * "Etc/GMT+1". Not: "../x", "/etc/passwd", "". Says nothing of whether it exists. */
bool eh_zone_name_ok(eh_slice name);

typedef enum eh_zone_local {
    EH_ZONE_OK,       /* one instant: first == last */
    EH_ZONE_GAP,      /* clocks skipped this reading; both are 0 */
    EH_ZONE_AMBIGUOUS /* clocks showed it more than once: the first and the last instant */
} eh_zone_local;

/* local_us: microseconds since 1970-01-01 00:00 of the local clock (a datetime). Readings
 * outside the years 1 to 9999 are answered by the same rules; ones that would overflow are a
 * gap. */
eh_zone_local eh_zone_to_utc(eh_zone *zone, int64_t local_us, int64_t *first_us,
                             int64_t *last_us);

/* Seconds to add to UTC at this instant. */
int32_t eh_zone_offset(eh_zone *zone, int64_t utc_us);

#endif
