/* load/dest_sift.c: see dest_sift.h. */
#include "load/dest_sift.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define TEXT_MAX  ((size_t)64 * 1024 * 1024)
#define MASK_ROOM ((size_t)64 * 1024)

bool eh_sift_can(const eh_promotion *promotion)
{
    return promotion->sieve.arena != NULL &&
           (!promotion->no_file || promotion->child_count == 0);
}

const char *eh_sift_going(const eh_promotion *promotion)
{
    return promotion->staging == EH_STAGE_WINDOW ? "sift_going_window" : "sift_going";
}

bool eh_sift_is_ours(const char *column, bool child)
{
    static const char *const names[] = {"_client_id", "_source", "_project", "_load_id",
                                        "_loaded_at", "_file",   "_row"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(column, names[i]) == 0) return true;
    return child &&
           (strncmp(column, "_parent_", 8) == 0 || strncmp(column, "_position", 9) == 0);
}

const char *eh_sift_places(size_t depth)
{
    static const char *const places[EH_NESTED_DEPTH] = {
        "r.\"_position\"", "r.\"_position_1\", r.\"_position\"",
        "r.\"_position_1\", r.\"_position_2\", r.\"_position\""};
    assert(depth >= 1 && depth <= EH_NESTED_DEPTH);
    return places[depth - 1];
}

/* ---- the row as it would have been ------------------------------------------------------ */

typedef struct composing {
    const eh_promotion *promotion;
    const eh_sift_list *lists;
    eh_buf *out;
} composing;

/* Whose rows are written: a table, and where in its lists the row stands. */
typedef struct owner {
    size_t table; /* among the children, or EH_OF_RECORDS */
    size_t depth;
    const int64_t *positions;
} owner;

static bool is_below(const eh_sift_element *element, const owner *of)
{
    for (size_t i = 0; i < of->depth; i++)
        if (element->positions[i] != of->positions[i]) return false;
    return true;
}

static bool put_object(const composing *c, const char *json, const owner *of, eh_err *err);

static bool put_list(const composing *c, size_t table, const owner *of, bool *any, eh_err *err)
{
    const eh_child_stage *child = &c->promotion->children[table];
    const eh_sift_list *list = &c->lists[table];
    size_t found = 0;
    for (size_t i = 0; i < list->count; i++) {
        const eh_sift_element *element = &list->elements[i];
        if (!is_below(element, of)) continue;
        owner next = {table, child->depth, element->positions};
        if (found++ == 0 && ((*any && !eh_buf_append_byte(c->out, ',', err)) ||
                             !eh_buf_append_json(c->out, eh_slice_str(child->field), err) ||
                             !eh_buf_append_str(c->out, ":[", err)))
            return false;
        if ((found > 1 && !eh_buf_append_byte(c->out, ',', err)) ||
            !put_object(c, element->json, &next, err))
            return false;
    }
    *any = *any || found > 0;
    return found == 0 || eh_buf_append_byte(c->out, ']', err);
}

/* The object, with the lists of its child tables behind its own values. */
static bool put_object(const composing *c, const char *json, const owner *of, eh_err *err)
{
    size_t len = strlen(json);
    bool any = len > 2; /* {} */
    if (!eh_buf_append(c->out, json, len - 1, err)) return false;
    for (size_t i = 0; i < c->promotion->child_count; i++)
        if (c->promotion->children[i].parent == of->table && !put_list(c, i, of, &any, err))
            return false;
    return eh_buf_append_byte(c->out, '}', err);
}

/* ---- dead rows -------------------------------------------------------------------------- */

static bool keep(const eh_sift *sift, const char *data, size_t len, eh_slice *out, eh_err *err)
{
    const eh_mask *mask = sift->promotion->sieve.mask;
    eh_buf text;
    eh_buf_init(&text, 4 * len + MASK_ROOM);
    bool ok = eh_buf_append(&text, data, len, err) &&
              (mask == NULL || mask->mask == NULL || mask->mask(mask->self, &text, err));
    const char *copy =
        ok ? eh_arena_strndup(sift->arena, text.len > 0 ? text.data : "", text.len) : NULL;
    *out = eh_slice_of(copy, copy != NULL ? text.len : 0);
    eh_buf_free(&text);
    return copy != NULL || eh_fail_memory(err, "a dead row");
}

static bool compose(const eh_sift *sift, const eh_sift_row *row, const eh_sift_list *lists,
                    eh_slice *out, eh_err *err)
{
    eh_buf text;
    eh_buf_init(&text, TEXT_MAX);
    composing c = {sift->promotion, lists, &text};
    owner records = {EH_OF_RECORDS, 0, NULL};
    bool ok =
        put_object(&c, row->json, &records, err) && keep(sift, text.data, text.len, out, err);
    eh_buf_free(&text);
    return ok;
}

/* The run tells of the first ones when all has committed. */
static bool tell(const eh_sift *sift, const eh_refused *refused, eh_err *err)
{
    eh_promoted *out = sift->promoted;
    eh_arena *arena = sift->promotion->sieve.arena;
    if (out->told == EH_REFUSED_TOLD) return true;
    eh_refused *kept = &out->examples[out->told];
    const eh_dead *dead = &refused->dead;
    *kept = (eh_refused){.file = eh_arena_strdup(arena, refused->file),
                         .dead = {.place = dead->place, .code = dead->code}};
    kept->dead.column = eh_slice_of(
        eh_arena_strndup(arena, dead->column.data, dead->column.len), dead->column.len);
    kept->dead.reason = eh_slice_of(
        eh_arena_strndup(arena, dead->reason.data, dead->reason.len), dead->reason.len);
    if (kept->file == NULL || kept->dead.column.data == NULL || kept->dead.reason.data == NULL)
        return eh_fail_memory(err, "a dead row");
    out->told++;
    return true;
}

static bool is_too_much(const eh_sieve *sieve, double dead, double rows)
{
    return dead > (double)sieve->max_dead_rows && dead > sieve->max_dead_ratio * rows;
}

/* Many windows with a few refused rows each are no success either: they are judged as one is.
 */
static bool judge_run(const eh_sift *sift, eh_err *err)
{
    const eh_promotion *p = sift->promotion;
    const eh_refused *first = &sift->promoted->examples[0];
    uint64_t dead = p->sieve.run_dead + (uint64_t)sift->promoted->dead,
             rows = p->sieve.run_rows;
    if (rows < (uint64_t)sift->coming) rows = (uint64_t)sift->coming;
    if (p->sieve.run_dead == 0 || !is_too_much(&p->sieve, (double)dead, (double)rows))
        return true;
    (void)eh_fail(err, EH_CLASS_DATA,
                  "%" PRIu64 " of the %" PRIu64 " rows that this run read for %s.%s, up to %s, "
                  "cannot be loaded; the first that the table refuses there: %.*s",
                  dead, rows, p->schema, p->table, first->file,
                  EH_SLICE_FMT(first->dead.reason));
    return eh_err_hint(err, "that is more than max_dead allows; the windows before it stay "
                            "loaded. Look at the rows and the table, or raise max_dead");
}

static bool judge(const eh_sift *sift, eh_err *err)
{
    const eh_promotion *p = sift->promotion;
    const eh_refused *first = &sift->promoted->examples[0];
    bool window = p->staging == EH_STAGE_WINDOW;
    int64_t dead = sift->promoted->dead;
    if (!is_too_much(&p->sieve, (double)dead, (double)sift->coming))
        return judge_run(sift, err);
    (void)eh_fail(
        err, EH_CLASS_DATA,
        "%s.%s refuses %" PRId64 " or more of the %" PRId64 " rows %s%s; the first: %.*s",
        p->schema, p->table, dead, sift->coming, window ? "of " : "that are to replace others",
        window ? first->file : "", EH_SLICE_FMT(first->dead.reason));
    return eh_err_hint(err, "the rows that were there stay. Look at the rows and the table; "
                            "allow more with max_dead if that many may be left out");
}

bool eh_sift_bury(eh_sift *sift, const eh_sift_row *row, const eh_sift_list *lists,
                  const char *column, const char *reason, eh_refused *out, eh_err *err)
{
    const char *file = row->file != NULL ? row->file : sift->promotion->sieve.label;
    *out = (eh_refused){.file = file,
                        .dead = {.place = {.row = row->row > 0 ? (uint64_t)row->row : 0},
                                 .code = eh_slice_str(EH_DEAD_IN_STAGE)}};
    if (!compose(sift, row, lists, &out->dead.raw, err) ||
        !keep(sift, column, strlen(column), &out->dead.column, err) ||
        !keep(sift, reason, strlen(reason), &out->dead.reason, err))
        return false;
    sift->promoted->dead++;
    return tell(sift, out, err) && judge(sift, err);
}

bool eh_sift_fail_few(const eh_promotion *promotion, const eh_promoted *promoted, eh_err *err)
{
    const eh_refused *first = &promoted->examples[0];
    (void)eh_fail(err, EH_CLASS_DATA,
                  "%s.%s refuses %" PRId64 " of the %" PRId64 " rows of %s: the others are too "
                  "few to take the place of %" PRId64 ", below min_ratio %g; the first: %.*s",
                  promotion->schema, promotion->table, promoted->dead,
                  promoted->dead + promoted->came, first->file, promoted->gone,
                  promotion->min_ratio, EH_SLICE_FMT(first->dead.reason));
    return eh_err_hint(err, "the rows that were there stay. Look at the rows and the table; "
                            "--allow-shrink lets it pass, min_ratio in the declaration sets "
                            "another limit");
}

void eh_sift_hint(const eh_promotion *promotion, eh_err *err)
{
    (void)eh_err_hint(err, "the rows that were there stay; %s",
                      eh_sift_can(promotion) ? "no row was found that could be left out instead"
                                             : "here no row can be left out");
}
