/* data/zone_rule.h: the POSIX rule at the end of a TZif file: "CET-1CEST,M3.5.0,M10.5.0/3".
 *
 * RFC 8536 section 3.3.1 (the POSIX TZ string with hours from -167 to 167). Gives the two
 * changes of any year. Plain values, no memory. Floor 1. */
#ifndef EH_DATA_ZONE_RULE_H
#define EH_DATA_ZONE_RULE_H

#include "base/slice.h"

#include <stdint.h>

typedef struct eh_rule_day {
    char form; /* 'M': month, week, day; 'J': 1 to 365 without 29 February; 'N': 0 to 365 */
    int month;
    int week;
    int day;
    int32_t time_s; /* on the clock of before the change */
} eh_rule_day;

typedef struct eh_zone_rule {
    int32_t standard_s; /* to add to UTC */
    int32_t summer_s;
    bool has_summer;
    eh_rule_day start; /* of summer time, on the standard clock */
    eh_rule_day end;   /* on the summer clock */
} eh_zone_rule;

typedef struct eh_rule_change {
    int64_t at_s;     /* UTC */
    int32_t offset_s; /* from then on */
} eh_rule_change;

/* False for any text that is not such a rule, an empty one included. */
bool eh_zone_rule_parse(eh_slice text, eh_zone_rule *out);

/* The changes of the years around an instant, in order of time: those of the year before, of
 * its own and of the year after. rule->has_summer must be set. */
void eh_zone_rule_changes(const eh_zone_rule *rule, int64_t utc_s, eh_rule_change out[6]);

#endif
