/* io/fetch_rate.c: how fast requests of one credential may go.
 *
 * The generic cell rate algorithm: requests are due at even intervals, and a burst may be ahead
 * of them. A tenth of a rate may come at once and the rest is spread over the remaining nine
 * tenths, so that no interval of the rate's length ever sees more than it allows, wherever the
 * service begins to count. */
#include "io/fetch_private.h"

#include <ctype.h>
#include <stdlib.h>

bool eh_fetch_rate(const char *text, eh_fetch_rate_rule *out, eh_err *err)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    int64_t count = 0, seconds = 0;
    const char *s = text;
    for (; isdigit((unsigned char)*s) && count < 1000000; s++) count = count * 10 + (*s - '0');
    for (size_t i = 0; *s == '/' && i < sizeof units / sizeof units[0]; i++)
        if (strcmp(s + 1, units[i].name) == 0) seconds = units[i].seconds;
    if (count < 1 || count > 1000000 || seconds == 0) {
        (void)eh_fail(err, EH_CLASS_CONFIG, "\"%.40s\" is not a rate", text);
        return eh_err_hint(err, "write it like 10/s, 600/m or 5000/h");
    }
    out->burst = count >= 10 ? count / 10 : 1;
    /* Rounded up: rather a microsecond too slow than a request too many. */
    int64_t steady = count >= 10 ? count - out->burst : count;
    out->interval_us = (seconds * 1000000 + steady - 1) / steady;
    return true;
}

eh_fetch_bucket *eh_fetch_bucket_for(eh_fetcher *fetcher, const char *key)
{
    for (eh_fetch_bucket *b = fetcher->buckets; b != NULL; b = b->next)
        if (strcmp(b->key, key) == 0) return b;
    eh_fetch_bucket *bucket = calloc(1, sizeof *bucket);
    if (bucket == NULL) return NULL;
    bucket->key = strdup(key);
    if (bucket->key == NULL) {
        free(bucket);
        return NULL;
    }
    bucket->next = fetcher->buckets;
    fetcher->buckets = bucket;
    return bucket;
}

int64_t eh_fetch_take_turn(eh_fetch_bucket *bucket, const eh_fetch_rate_rule *rate,
                           int64_t now_us)
{
    int64_t wait = bucket->blocked_us - now_us;
    if (rate->interval_us > 0) {
        if (bucket->next_us < now_us) bucket->next_us = now_us;
        int64_t ahead = (rate->burst - 1) * rate->interval_us;
        int64_t turn = bucket->next_us - ahead - now_us;
        bucket->next_us += rate->interval_us;
        if (turn > wait) wait = turn;
    }
    return wait > 0 ? wait : 0;
}
