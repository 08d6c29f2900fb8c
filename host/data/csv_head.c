/* data/csv_head.c: what the first lines of a CSV tell: delimiter and names. See csv_scan.h. */
#include "base/map.h"
#include "data/csv_scan.h"

#include <stdlib.h>

/* In order of trust: a comma is also in numbers and prose, the others hardly. */
static const char candidates[] = {'\t', ';', '|', ','}; /* the last is what is left */
enum { CANDIDATES = sizeof candidates, SAMPLE_RECORDS = 100 };

bool eh_csv_delimiter_ok(char delimiter, char quote)
{
    unsigned char c = (unsigned char)delimiter;
    return c != 0 && c < 0x80 && c != '\n' && c != '\r' && delimiter != quote;
}

/* Counts of one record, and of all against the first. */
typedef struct tally {
    size_t first[CANDIDATES];
    size_t now[CANDIDATES];
    size_t like_first[CANDIDATES];
    size_t records;
} tally;

static void end_record(tally *t)
{
    for (size_t i = 0; i < CANDIDATES; i++) {
        if (t->records == 0) t->first[i] = t->now[i];
        t->like_first[i] += t->now[i] == t->first[i];
        t->now[i] = 0;
    }
    t->records++;
}

static int candidate(char c)
{
    const char *at = memchr(candidates, c, CANDIDATES);
    return at != NULL ? (int)(at - candidates) : -1;
}

/* Is the quote at `at` one that opens or closes a field, whatever the delimiter is? */
static bool is_edge(const char *data, size_t len, size_t at, bool quoted)
{
    if (quoted ? at + 1 >= len : at == 0) return true;
    char beside = data[quoted ? at + 1 : at - 1];
    return beside == '\n' || beside == '\r' || candidate(beside) >= 0;
}

static void count_records(tally *t, const char *data, size_t len, char quote)
{
    bool quoted = false;
    size_t start = 0;
    for (size_t at = 0; at < len && t->records < SAMPLE_RECORDS; at++) {
        char c = data[at];
        int which = candidate(c);
        if (c == quote && quoted && at + 1 < len && data[at + 1] == quote) {
            at++;
        } else if (c == quote) {
            if (is_edge(data, len, at, quoted)) quoted = !quoted;
        } else if (!quoted && (c == '\n' || c == '\r')) {
            if (at > start) end_record(t);
            start = at + 1;
        } else if (!quoted && which >= 0) {
            t->now[which]++;
        }
    }
    /* The last record may be cut; it counts only when there is no other. */
    if (t->records == 0 && start < len) end_record(t);
}

char eh_csv_detect(const char *data, size_t len, char quote)
{
    tally t = {.records = 0};
    count_records(&t, data, len, quote);
    size_t best = CANDIDATES;
    for (size_t i = 0; i < CANDIDATES; i++) {
        if (t.first[i] == 0 || candidates[i] == quote) continue;
        /* One record alone: the more fields the better. */
        bool better = best == CANDIDATES || t.like_first[i] > t.like_first[best] ||
                      (t.records == 1 && t.first[i] > t.first[best]);
        if (better) best = i;
    }
    return candidates[best < CANDIDATES ? best : CANDIDATES - 1];
}

size_t eh_csv_sep_line(const char *data, size_t len, char *delimiter)
{
    if (len < 5 || memcmp(data, "sep=", 4) != 0) return 0;
    *delimiter = data[4];
    if (len == 5 || data[5] == '\n') return len == 5 ? 5 : 6;
    if (data[5] != '\r') return 0;
    return len > 6 && data[6] == '\n' ? 7 : 6;
}

/* Finds "base_N" that is neither written in the header nor given before. *next keeps the number
 * to go on from, so that a thousand equal headers are not a million tries. */
static bool suffixed(eh_arena *arena, eh_map *taken, eh_slice base, uint64_t *next,
                     eh_slice *name, eh_err *err)
{
    do {
        char *text = eh_arena_printf(arena, "%.*s_%llu", EH_SLICE_FMT(base),
                                     (unsigned long long)(*next)++);
        if (text == NULL) return eh_fail_memory(err, "the columns of a CSV file");
        *name = eh_slice_str(text);
    } while (eh_map_get(taken, *name, NULL));
    return eh_map_put(taken, *name, 2, err);
}

/* The first column of a name keeps it; `taken` maps each written name to the next suffix, or to
 * 0 while no column has it. */
static bool name_one(eh_arena *arena, eh_map *taken, size_t number, eh_slice written,
                     eh_slice *name, eh_err *err)
{
    if (written.len == 0) {
        char *text = eh_arena_printf(arena, "column_%zu", number);
        if (text == NULL) return eh_fail_memory(err, "the columns of a CSV file");
        written = eh_slice_str(text);
        if (!eh_map_get(taken, written, NULL)) {
            *name = written;
            return eh_map_put(taken, written, 2, err);
        }
    }
    uint64_t next = 0;
    (void)eh_map_get(taken, written, &next);
    if (next == 0) {
        char *copy = eh_arena_strndup(arena, written.data, written.len);
        if (copy == NULL) return eh_fail_memory(err, "the columns of a CSV file");
        *name = eh_slice_of(copy, written.len);
        return eh_map_put(taken, written, 2, err);
    }
    return suffixed(arena, taken, written, &next, name, err) &&
           eh_map_put(taken, written, next, err);
}

bool eh_csv_name_columns(eh_arena *arena, const eh_cell *written, size_t count, eh_slice *names,
                         eh_err *err)
{
    eh_map taken;
    eh_map_init(&taken);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        if (written[i].len > 0) ok = eh_map_put(&taken, eh_cell_text(&written[i]), 0, err);
    for (size_t i = 0; ok && i < count; i++)
        ok = name_one(arena, &taken, i + 1, eh_cell_text(&written[i]), &names[i], err);
    eh_map_free(&taken);
    return ok;
}
