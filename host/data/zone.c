/* data/zone.c: TZif files, and local readings to instants.
 *
 * A zone is a list of periods, each with one offset; the rule at the file's end continues it
 * for ever. A local reading is looked for in every period whose clock could have shown it. The
 * rule's own arithmetic is zone_rule.c's. */
#include "data/zone.h"

#include "data/zone_rule.h"

#include <stdlib.h>

#define US_PER_S INT64_C(1000000)

/* RFC 8536 section 3.2: offsets are above -25 and below 26 hours. */
enum { MOST_OFFSET_S = 26 * 3600, HEADER_BYTES = 44, MOST_TRANSITIONS = 100000 };

/* Offset in force over [from_s, until_s) UTC. */
typedef struct period {
    int64_t from_s;
    int64_t until_s;
    int32_t offset_s;
} period;

struct eh_zone {
    int64_t *at_s;     /* owned: transition instants, ascending */
    int32_t *offset_s; /* owned: from that transition on */
    size_t count;
    int32_t before_s; /* offset before the first transition */
    bool has_rule;
    eh_zone_rule rule; /* from the last transition on */
    period last;       /* the one that answered last */
};

/* ---- Reading a file --------------------------------------------------------------------- */

typedef struct header {
    char version;
    size_t isut, isstd, leap, time, type, chars;
} header;

static uint64_t big_endian(const char *bytes, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++) value = value << 8 | (unsigned char)bytes[i];
    return value;
}

static int64_t signed_at(const char *bytes, size_t width)
{
    uint64_t value = big_endian(bytes, width);
    return width == 4 ? (int32_t)(uint32_t)value : (int64_t)value;
}

static bool read_header(eh_slice file, header *out)
{
    if (file.len < HEADER_BYTES || memcmp(file.data, "TZif", 4) != 0) return false;
    size_t counts[6];
    for (size_t i = 0; i < 6; i++) {
        counts[i] = (size_t)big_endian(file.data + 20 + 4 * i, 4);
        if (counts[i] > MOST_TRANSITIONS) return false;
    }
    *out = (header){file.data[4], counts[0], counts[1], counts[2],
                    counts[3],    counts[4], counts[5]};
    return out->type > 0 && out->type <= 256;
}

/* Bytes of the data block whose times take `width` bytes. */
static size_t block_size(const header *h, size_t width)
{
    return h->time * (width + 1) + h->type * 6 + h->chars + h->leap * (width + 4) + h->isstd +
           h->isut;
}

static bool read_types(const char *types, const header *h, int32_t *out)
{
    for (size_t i = 0; i < h->type; i++) {
        int64_t offset = signed_at(types + 6 * i, 4);
        if (offset <= -MOST_OFFSET_S || offset >= MOST_OFFSET_S) return false;
        out[i] = (int32_t)offset;
    }
    return true;
}

static bool read_transitions(eh_zone *zone, const char *block, const header *h, size_t width)
{
    int32_t types[256] = {0};
    const char *indices = block + h->time * width;
    if (!read_types(indices + h->time, h, types)) return false;
    zone->before_s = types[0];
    for (size_t i = 0; i < h->time; i++) {
        size_t type = (unsigned char)indices[i];
        zone->at_s[i] = signed_at(block + i * width, width);
        if (type >= h->type || (i > 0 && zone->at_s[i] <= zone->at_s[i - 1])) return false;
        zone->offset_s[i] = types[type];
    }
    zone->count = h->time;
    return true;
}

/* The rule stands between two line ends after the 64-bit block; it may be empty. */
static bool read_footer(eh_zone *zone, eh_slice footer)
{
    if (footer.len < 2 || footer.data[0] != '\n') return false;
    const char *text = footer.data + 1;
    const char *end = memchr(text, '\n', footer.len - 1);
    if (end == NULL) return false;
    if (end == text) return true;
    zone->has_rule = eh_zone_rule_parse(eh_slice_of(text, (size_t)(end - text)), &zone->rule);
    return zone->has_rule;
}

static bool damaged(eh_err *err)
{
    return eh_fail(err, EH_CLASS_CONFIG, "not a time zone file (TZif), or a damaged one");
}

static bool read_file(eh_zone *zone, eh_slice file, eh_err *err)
{
    header h;
    size_t width = 4;
    if (!read_header(file, &h)) return damaged(err);
    if (h.version >= '2') {
        size_t skip = HEADER_BYTES + block_size(&h, 4);
        if (file.len < skip) return damaged(err);
        file = eh_slice_of(file.data + skip, file.len - skip);
        if (!read_header(file, &h)) return damaged(err);
        width = 8;
    }
    size_t block = block_size(&h, width);
    if (file.len - HEADER_BYTES < block) return damaged(err);
    if (h.leap > 0)
        return eh_fail(err, EH_CLASS_CONFIG, "a time zone file that counts leap seconds");
    zone->at_s = calloc(h.time + 1, sizeof *zone->at_s);
    zone->offset_s = calloc(h.time + 1, sizeof *zone->offset_s);
    if (zone->at_s == NULL || zone->offset_s == NULL) return eh_fail_memory(err, "a time zone");
    const char *data = file.data + HEADER_BYTES;
    if (!read_transitions(zone, data, &h, width)) return damaged(err);
    eh_slice footer = {data + block, file.len - HEADER_BYTES - block};
    return width == 4 || read_footer(zone, footer) || damaged(err);
}

static eh_zone *new_zone(eh_err *err)
{
    eh_zone *zone = calloc(1, sizeof *zone);
    if (zone == NULL) eh_fail_memory(err, "a time zone");
    return zone;
}

eh_zone *eh_zone_parse(eh_slice tzif, eh_err *err)
{
    eh_zone *zone = new_zone(err);
    if (zone == NULL || read_file(zone, tzif, err)) return zone;
    eh_zone_free(zone);
    return NULL;
}

void eh_zone_free(eh_zone *zone)
{
    if (zone == NULL) return;
    free(zone->at_s);
    free(zone->offset_s);
    free(zone);
}

/* ---- Fixed offsets and names ------------------------------------------------------------ */

static bool two_digits(const char *text, int max, int *out)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') return false;
    *out = (text[0] - '0') * 10 + (text[1] - '0');
    return *out <= max;
}

/* UTC, Z, or a sign and hh, hhmm or hh:mm. */
static bool read_fixed(eh_slice text, int32_t *offset_s)
{
    *offset_s = 0;
    if (eh_slice_is(text, "UTC") || eh_slice_is(text, "Z")) return true;
    if (text.len != 3 && text.len != 5 && text.len != 6) return false;
    int hours = 0, minutes = 0;
    char sign = text.data[0];
    if ((sign != '+' && sign != '-') || !two_digits(text.data + 1, 15, &hours)) return false;
    if (text.len == 6 && text.data[3] != ':') return false;
    if (text.len > 3 && !two_digits(text.data + text.len - 2, 59, &minutes)) return false;
    *offset_s = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
    return true;
}

bool eh_zone_is_fixed(eh_slice text)
{
    int32_t offset_s;
    return read_fixed(text, &offset_s);
}

eh_zone *eh_zone_fixed(eh_slice text, eh_err *err)
{
    int32_t offset_s;
    if (!read_fixed(text, &offset_s)) {
        eh_fail(err, EH_CLASS_CONFIG, "\"%.*s\" is not an offset like \"+02:00\"",
                EH_SLICE_FMT(text));
        return NULL;
    }
    eh_zone *zone = new_zone(err);
    if (zone != NULL) zone->before_s = offset_s;
    return zone;
}

bool eh_zone_name_ok(eh_slice name)
{
    enum { MOST = 64 };
    static const char others[] = "_+-/";
    if (name.len == 0 || name.len > MOST) return false;
    char before = '/'; /* no empty part, so no leading, trailing or double slash */
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool letter =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || strchr(others, c) == NULL)) return false;
        if (c == '/' && before == '/') return false;
        before = c;
    }
    return before != '/';
}

/* ---- Periods ---------------------------------------------------------------------------- */

/* After the last transition, by the rule. */
static period ruled_period(const eh_zone *zone, int64_t utc_s)
{
    period p = {INT64_MIN, INT64_MAX, zone->rule.standard_s};
    if (zone->count > 0) p.from_s = zone->at_s[zone->count - 1];
    if (!zone->rule.has_summer) return p;
    eh_rule_change changes[6];
    eh_zone_rule_changes(&zone->rule, utc_s, changes);
    int64_t last_s = p.from_s;
    if (zone->count > 0) p.offset_s = zone->offset_s[zone->count - 1];
    for (size_t i = 0; i < 6; i++) {
        if (changes[i].at_s <= last_s) continue; /* what the file says goes first */
        if (changes[i].at_s > utc_s) {
            p.until_s = changes[i].at_s;
            break;
        }
        p.from_s = changes[i].at_s;
        p.offset_s = changes[i].offset_s;
    }
    return p;
}

static period find_period(const eh_zone *zone, int64_t utc_s)
{
    size_t low = 0, high = zone->count; /* the first transition after utc_s */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->at_s[middle] <= utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == zone->count && zone->has_rule) return ruled_period(zone, utc_s);
    return (period){
        .from_s = low > 0 ? zone->at_s[low - 1] : INT64_MIN,
        .until_s = low < zone->count ? zone->at_s[low] : INT64_MAX,
        .offset_s = low > 0 ? zone->offset_s[low - 1] : zone->before_s,
    };
}

static int64_t floor_seconds(int64_t us)
{
    return us / US_PER_S - (us % US_PER_S < 0);
}

int32_t eh_zone_offset(eh_zone *zone, int64_t utc_us)
{
    int64_t utc_s = floor_seconds(utc_us);
    if (utc_s < zone->last.from_s || utc_s >= zone->last.until_s)
        zone->last = find_period(zone, utc_s);
    return zone->last.offset_s;
}

/* Is the reading's instant, taken at this period's offset, inside the period? */
static bool shows(const period *p, int64_t local_s)
{
    int64_t utc_s = local_s - p->offset_s;
    return utc_s >= p->from_s && utc_s < p->until_s;
}

eh_zone_local eh_zone_to_utc(eh_zone *zone, int64_t local_us, int64_t *first_us,
                             int64_t *last_us)
{
    *first_us = *last_us = 0;
    int64_t local_s = floor_seconds(local_us), edge_us = MOST_OFFSET_S * US_PER_S, ignored;
    if (__builtin_add_overflow(local_us, edge_us, &ignored) ||
        __builtin_sub_overflow(local_us, edge_us, &ignored))
        return EH_ZONE_GAP;
    size_t found = 0;
    /* Every period in force at some time when an offset could make this reading. */
    period p = zone->last;
    int64_t from_s = local_s - MOST_OFFSET_S, until_s = local_s + MOST_OFFSET_S;
    if (from_s < p.from_s || from_s >= p.until_s) p = find_period(zone, from_s);
    for (;;) {
        if (shows(&p, local_s)) {
            int64_t utc_us = local_us - p.offset_s * US_PER_S;
            if (found++ == 0) *first_us = utc_us;
            *last_us = utc_us;
            zone->last = p;
        }
        if (p.until_s > until_s) break;
        p = find_period(zone, p.until_s);
    }
    if (found == 0) return EH_ZONE_GAP;
    return found == 1 || *first_us == *last_us ? EH_ZONE_OK : EH_ZONE_AMBIGUOUS;
}
