/* data/json_outline.c: see json_outline.h. Noting is a help and no duty: without memory, or
 * past the maximum, less is noted. */
#include "data/json_outline.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SPANS ((size_t)1024)
#define MOST_CUTS  ((size_t)8 * 1024)

void eh_json_outline_free(eh_json_outline *o)
{
    free(o->spans);
    free(o->cuts);
    *o = (eh_json_outline){.good = false};
}

size_t eh_json_outline_bytes(const eh_json_outline *o)
{
    return o->span_cap * sizeof *o->spans + o->cut_cap * sizeof *o->cuts;
}

/* Room for one more of `size` bytes. */
static bool grow(void **items, size_t count, size_t *cap, size_t size, size_t most)
{
    if (count < *cap) return true;
    size_t wanted = *cap == 0 ? 8 : *cap * 2;
    void *more = count < most ? realloc(*items, wanted * size) : NULL;
    if (more == NULL) return false;
    *items = more;
    *cap = wanted;
    return true;
}

/* Inner ones are noted first. */
void eh_json_outline_note_span(eh_json_outline *o, size_t start, size_t end, unsigned depth)
{
    void *items = o->spans;
    if (!grow(&items, o->span_count, &o->span_cap, sizeof *o->spans, MOST_SPANS)) {
        o->full = true;
        return;
    }
    o->spans = items;
    size_t at = o->span_count++;
    while (at > 0 && o->spans[at - 1].start > start) at--;
    memmove(&o->spans[at + 1], &o->spans[at], (o->span_count - 1 - at) * sizeof *o->spans);
    o->spans[at] = (eh_json_span){start, end, depth};
}

void eh_json_outline_note_cut(eh_json_outline *o, size_t at, unsigned depth)
{
    void *items = o->cuts;
    if (!grow(&items, o->cut_count, &o->cut_cap, sizeof *o->cuts, MOST_CUTS)) {
        o->full = true;
        return;
    }
    o->cuts = items;
    o->cuts[o->cut_count++] = (eh_json_cut){at, depth};
}

const eh_json_span *eh_json_outline_span(const eh_json_outline *o, size_t start)
{
    size_t low = 0, high = o->span_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (o->spans[middle].start < start)
            low = middle + 1;
        else
            high = middle;
    }
    return low < o->span_count && o->spans[low].start == start ? &o->spans[low] : NULL;
}

size_t eh_json_outline_cut(const eh_json_outline *o, size_t at, size_t end, unsigned depth)
{
    size_t low = 0, high = o->cut_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (o->cuts[middle].at <= at)
            low = middle + 1;
        else
            high = middle;
    }
    while (low < o->cut_count && o->cuts[low].at < end && o->cuts[low].depth != depth) low++;
    return low < o->cut_count && o->cuts[low].at < end ? o->cuts[low].at : SIZE_MAX;
}
