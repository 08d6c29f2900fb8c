/* load/loader_units.c: opening, closing and collecting units; see loader.h. */
#include "load/loader_private.h"

#include "data/convert.h"

#include "base/fault.h"

#include <inttypes.h>

/* A unit closes at these, whichever comes first. Time matters for slow inputs only. */
#define UNIT_US      ((int64_t)30 * 1000000)
#define FIRST_BYTES  ((size_t)1024 * 1024)
#define UNIT_ROWS    ((size_t)500000)
#define DEAD_RATIO   0.01
#define DEAD_ROWS    10
#define DEAD_BYTES   ((size_t)16 * 1024 * 1024)
#define POSITION_MAX ((size_t)256 * 1024)

/* The first units are small, so that the lanes have something to do soon. */
static size_t unit_bytes(const eh_loader *loader)
{
    size_t bytes = loader->options.unit_bytes > 0 ? loader->options.unit_bytes
                                                  : loader->options.units->unit_bytes;
    size_t ramp = loader->begun < 8 ? FIRST_BYTES << loader->begun : bytes;
    return ramp < bytes ? ramp : bytes;
}

static size_t unit_rows(const eh_loader *loader)
{
    return loader->options.unit_rows > 0 ? loader->options.unit_rows : UNIT_ROWS;
}

static void finished(eh_unit *unit)
{
    eh_loader *loader = unit->owner;
    if (unit->err.class_ != EH_OK) {
        if (loader->failure.class_ == EH_OK) loader->failure = unit->err;
        unit->owner = NULL;
        return;
    }
    /* What the server refused is known only now. */
    if (unit->max_dead_rows != SIZE_MAX)
        loader->judged.dead += unit->dead_count - unit->dead_sent;
    loader->state.units++;
    loader->counts.rows_loaded += unit->rows;
    if (loader->state.staging != EH_STAGE_NONE) loader->rows_waiting += unit->rows;
    loader->counts.rows_dead += unit->dead_count;
    eh_effects_add(&loader->counts.effects, &unit->effects);
    const eh_load_events *events = &loader->options.events;
    for (size_t i = 0; events->dead != NULL && i < unit->dead_count; i++)
        events->dead(events->self, eh_unit_label(unit, &unit->dead[i].place), &unit->dead[i]);
    if (events->committed != NULL) events->committed(events->self, unit);
    unit->owner = NULL;
}

/* Is a unit of this loader under way? The open one is not. */
static bool is_busy(const eh_loader *loader)
{
    const eh_unit_pool *pool = loader->options.units;
    for (size_t i = 0; i < pool->count; i++)
        if (pool->units[i].owner == loader && &pool->units[i] != loader->open) return true;
    return false;
}

/* Several loaders may share a destination's lanes: each unit goes back to its own. */
bool eh_loader_collect(eh_loader *loader, eh_wait until, eh_err *err)
{
    loader = eh_loader_root(loader);
    if (loader->options.dry_run) return true;
    for (;;) {
        eh_unit *unit;
        while ((unit = eh_dest_take_done(loader->options.dest)) != NULL) finished(unit);
        bool wait = until == EH_WAIT_ALL ? eh_dest_in_flight(loader->options.dest) > 0
                                         : until == EH_WAIT_MINE && is_busy(loader);
        if (!wait) break;
        if (!eh_loop_turn(loader->options.loop, -1, err)) return false;
    }
    if (loader->failure.class_ == EH_OK) return true;
    if (err->class_ == EH_OK) *err = loader->failure;
    return false;
}

void eh_loader_dead_limit(const eh_loader *loader, double *ratio, size_t *rows)
{
    const eh_doc *max_dead = eh_doc_get(loader->options.declaration, "max_dead");
    const eh_doc *declared = eh_doc_get(max_dead, "ratio");
    *ratio = DEAD_RATIO;
    if (declared != NULL && declared->kind == EH_DOC_DOUBLE) *ratio = declared->as.real;
    if (declared != NULL && declared->kind == EH_DOC_INTEGER)
        *ratio = (double)declared->as.integer;
    int64_t count = eh_doc_int(max_dead, "rows", DEAD_ROWS);
    *rows = count < 0 ? 0 : (size_t)count;
}

static void limit_dead(eh_loader *loader, eh_unit *unit)
{
    eh_loader_dead_limit(loader, &unit->max_dead_ratio, &unit->max_dead_rows);
    if (loader->input.settles != NULL) unit->max_dead_rows = SIZE_MAX;
    loader->judged.max_ratio = unit->max_dead_ratio;
    loader->judged.max_rows = unit->max_dead_rows;
}

/* Many streams that wait for their services hold a unit each: the one that is open longest
 * commits early, up to where its loader was given records. What is wrong with it is its own
 * failure. False when no other loader has one. */
static bool free_one(const eh_loader *loader)
{
    const eh_unit_pool *pool = loader->options.units;
    eh_loader *oldest = NULL;
    for (size_t i = 0; i < pool->count; i++) {
        eh_loader *owner = pool->units[i].owner;
        if (owner == NULL || owner == loader || owner->open != &pool->units[i]) continue;
        if (oldest == NULL || owner->opened_us < oldest->opened_us) oldest = owner;
    }
    if (oldest == NULL) return false;
    eh_err failure = {.class_ = EH_OK};
    if (!eh_loader_close_unit(oldest, &oldest->after, &failure) &&
        oldest->failure.class_ == EH_OK)
        oldest->failure = failure;
    eh_loader_drop(oldest); /* an empty one, or one that may not be loaded */
    return true;
}

static bool start_unit(eh_loader *loader, eh_err *err)
{
    eh_unit *unit;
    while ((unit = eh_unit_pool_take(loader->options.units, loader)) == NULL) {
        size_t before = eh_dest_in_flight(loader->options.dest);
        if (!eh_loader_collect(loader, EH_WAIT_NOT, err)) return false;
        bool freed = eh_dest_in_flight(loader->options.dest) < before;
        if (before == 0) {
            if (free_one(loader)) continue;
            return eh_fail(err, EH_CLASS_BUG, "no unit is free, and none is under way");
        }
        if (!freed && !eh_loop_turn(loader->options.loop, -1, err)) return false;
    }
    unit->input = loader->input.identity;
    unit->input_name = loader->input.name;
    unit->input_size = loader->input.size;
    unit->input_modified = loader->input.modified;
    eh_loader_where(loader, &unit->schema, &unit->table);
    unit->raw = loader->input.raw;
    unit->label = loader->input.label;
    unit->raw_self = loader->input.raw_self;
    unit->stored = loader->input.as_stored;
    limit_dead(loader, unit);
    loader->open = unit;
    loader->begun++;
    loader->opened_us = eh_clock_monotonic(loader->options.clock);
    /* The rows of two units of a load are told apart by it, whatever the clock does. */
    int64_t now = eh_clock_wall(loader->options.clock);
    loader->time_cell.as.integer =
        now > loader->time_cell.as.integer ? now : loader->time_cell.as.integer + 1;
    return true;
}

static bool is_full(const eh_loader *loader)
{
    const eh_unit *unit = loader->open;
    return unit->rows >= unit_rows(loader) || eh_unit_bytes(unit) >= unit_bytes(loader) ||
           unit->dead_count >= unit_rows(loader) || eh_arena_used(unit->arena) >= DEAD_BYTES ||
           (unit->rows % 4096 == 0 && unit->rows > 0 &&
            eh_clock_monotonic(loader->options.clock) - loader->opened_us >= UNIT_US);
}

bool eh_loader_open_unit(eh_loader *loader, const eh_place *next, eh_err *err)
{
    if (loader->open != NULL && is_full(loader)) {
        eh_parse_from boundary = eh_loader_before(next);
        if (!eh_loader_close_unit(loader, &boundary, err)) return false;
    }
    return loader->open != NULL || start_unit(loader, err);
}

static bool rotten(const eh_unit *unit, eh_err *err)
{
    const eh_dead *first = &unit->dead[0];
    eh_fail(err, EH_CLASS_DATA,
            "%zu of %zu rows of %s cannot be loaded; the first, in row %" PRIu64 ": %.*s",
            unit->dead_count, unit->rows + unit->dead_count, unit->input_name, first->place.row,
            EH_SLICE_FMT(first->reason));
    if (first->place.line > 0)
        eh_err_place(err, "%s:%" PRIu64, unit->input_name, first->place.line);
    return eh_err_hint(err,
                       "that is more than max_dead allows (%g of a unit and %zu rows); mend "
                       "the input or the declaration, or raise max_dead",
                       unit->max_dead_ratio, unit->max_dead_rows);
}

/* Many small inputs with a few dead rows each are no success either: all units of this load so
 * far, this one included, are judged as one is. */
static bool judge(eh_loader *loader, const eh_unit *unit, eh_err *err)
{
    if (unit->max_dead_rows == SIZE_MAX) return true; /* dead rows that are sent again */
    loader->judged.rows += unit->rows + unit->dead_count;
    loader->judged.dead += unit->dead_count;
    return eh_loader_judge(loader, unit->input_name, err);
}

bool eh_loader_judge(const eh_loader *loader, const char *last, eh_err *err)
{
    const eh_judged *j = &loader->judged;
    if (j->dead <= j->max_rows || (double)j->dead <= j->max_ratio * (double)j->rows)
        return true;
    eh_fail(err, EH_CLASS_DATA,
            "%" PRIu64 " of the %" PRIu64 " rows that this run read of %s, up to %s, cannot be "
            "loaded",
            j->dead, j->rows, loader->options.key.resource, last);
    return eh_err_hint(
        err,
        "that is more than max_dead allows (%g of them and %zu rows); what "
        "committed before stays loaded, and is not read again. Mend the inputs or "
        "the declaration, or raise max_dead",
        j->max_ratio, j->max_rows);
}

/* Must the units before it be in the table first? What a row lacks is kept as it is there, so
 * it matters which rows came before: to units of records that lack fields, and where files have
 * other columns. */
static bool comes_after(eh_loader *loader, const eh_unit *unit)
{
    const eh_put *put = unit->encoder != NULL ? unit->encoder->put : NULL;
    if (put == NULL || eh_put_in_order(put)) return put != NULL;
    if (put->write != EH_WRITE_MERGE || put->delete_insert) return false;
    bool other = loader->sent_columns != 0 && loader->sent_columns != put->columns;
    bool after = other || unit->has_absent || loader->sent_partial;
    loader->sent_columns = put->columns;
    loader->sent_partial = unit->has_absent;
    return after;
}

/* What the next run is to know of the window when this unit is in. */
static bool note_position(const eh_loader *loader, eh_unit *unit, eh_err *err)
{
    char at[40];
    eh_buf json;
    if (loader->window == NULL) return true;
    eh_buf_init(&json, POSITION_MAX);
    bool ok = eh_buf_append(&json, loader->mark.data, loader->mark.len, err) &&
              eh_ascending_put(&loader->ascending, "reached", &json, err);
    if (ok && loader->state.staging == EH_STAGE_WINDOW) {
        at[eh_print_timestamp(loader->time_cell.as.integer, true, at)] = '\0';
        ok = eh_buf_printf(&json, err, ",\"loaded_at\":\"%s\"", at);
    }
    if (ok && json.len > 0) {
        /* each part begins with a comma */
        unit->position =
            eh_arena_printf(unit->arena, "{%.*s}", (int)(json.len - 1), json.data + 1);
        ok = unit->position != NULL || eh_fail_memory(err, "a position");
    }
    eh_buf_free(&json);
    return ok;
}

static bool submit(eh_loader *loader, const eh_parse_from *next, bool last, eh_err *err)
{
    eh_unit *unit = loader->open;
    unit->start = loader->position.offset;
    unit->row_start = loader->position.row;
    unit->line_start = loader->position.line;
    unit->end = next->offset;
    unit->row_end = next->row;
    unit->line_end = next->line;
    unit->last = last;
    unit->header = loader->header;
    if (!note_position(loader, unit, err)) return false;
    const eh_load_input *in = &loader->input;
    if (in->settles != NULL &&
        !in->settles(in->raw_self, unit->start, unit->end, unit->arena, &unit->settles, err))
        return false;
    if (eh_unit_is_rotten(unit)) return rotten(unit, err);
    if (!judge(loader, unit, err)) return false;
    unit->dead_sent = unit->dead_count;
    loader->counts.rows_sent += unit->rows;
    loader->counts.dead_sent += unit->dead_count;
    if (comes_after(loader, unit) && !eh_loader_collect(loader, EH_WAIT_MINE, err))
        return false;
    loader->open = NULL;
    loader->position = *next;
    if (loader->options.dry_run) {
        unit->err.class_ = EH_OK;
        finished(unit);
        return true;
    }
    if (!eh_dest_submit(loader->options.dest, &loader->state, unit, err)) {
        unit->owner = NULL;
        return false;
    }
    return eh_loader_collect(loader, EH_WAIT_NOT, err);
}

bool eh_loader_close_unit(eh_loader *loader, const eh_parse_from *next, eh_err *err)
{
    loader = eh_loader_root(loader);
    const eh_unit *unit = loader->open;
    /* Nothing was consumed: the unit stays open, its place unchanged. */
    if (unit == NULL || (unit->rows == 0 && unit->dead_count == 0)) return true;
    return submit(loader, next, false, err);
}

bool eh_loader_close_part(eh_loader *loader, const eh_parse_from *next, bool last, eh_err *err)
{
    if (!last && next->offset <= loader->position.offset) return true;
    if (loader->open == NULL && !start_unit(loader, err)) return false;
    return submit(loader, next, last, err);
}

bool eh_loader_is_old(const eh_loader *loader)
{
    return loader->open != NULL &&
           eh_clock_monotonic(loader->options.clock) - loader->opened_us >= UNIT_US;
}

bool eh_loader_is_half_full(const eh_loader *loader)
{
    const eh_unit *unit = loader->open;
    return unit->rows >= unit_rows(loader) / 2 || eh_unit_bytes(unit) >= unit_bytes(loader) / 2;
}

uint64_t eh_loader_oldest(const eh_loader *loader)
{
    const eh_unit_pool *pool = loader->options.units;
    const eh_unit *open = loader->open;
    uint64_t oldest = loader->after.offset;
    /* What the open unit covers in front of its first record nobody asks for. */
    if (open != NULL && open->rows > 0) oldest = open->places[0].offset;
    if (open != NULL && open->dead_count > 0 && open->dead[0].place.offset < oldest)
        oldest = open->dead[0].place.offset;
    for (size_t i = 0; i < pool->count; i++)
        if (pool->units[i].owner == loader && &pool->units[i] != loader->open &&
            pool->units[i].start < oldest)
            oldest = pool->units[i].start;
    return oldest;
}

bool eh_loader_uses(const eh_loader *loader, const void *raw_self)
{
    const eh_unit_pool *pool = loader->options.units;
    for (size_t i = 0; i < pool->count; i++)
        if (pool->units[i].owner == loader && pool->units[i].raw_self == raw_self) return true;
    return false;
}
