/* io/retry_after.h: reads the Retry-After header (RFC 9110 10.2.3). Pure. Floor 2. */
#ifndef EH_IO_RETRY_AFTER_H
#define EH_IO_RETRY_AFTER_H

#include "base/slice.h"

#include <stdint.h>

/* More than a day is a day: who means a year means "not now". */
#define EH_RETRY_AFTER_MAX_MS ((int64_t)24 * 3600 * 1000)

/* Seconds ("120", with a fraction too: "1.5") or a date in one of HTTP's three forms. Sets
 * *wait_ms, at most EH_RETRY_AFTER_MAX_MS; what is past gives 0. False for anything else, a
 * negative number included: then the header says nothing. */
bool eh_retry_after(eh_slice value, int64_t wall_us, int64_t *wait_ms);

/* An HTTP date (RFC 9110 5.6.7: IMF-fixdate, RFC 850, asctime) in microseconds since 1970 UTC.
 */
bool eh_http_date(eh_slice value, int64_t wall_us, int64_t *date_us);

#endif
