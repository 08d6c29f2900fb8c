/* load/loader_rows.c: rows into units, and what happens to a value that does not fit. See
 * loader.h. */
#include "data/infer.h"
#include "load/loader_nested.h"
#include "load/loader_private.h"
#include "load/plan_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TURN_ROWS 256
#define WIDEN_MAX ((size_t)10 * 1000 * 1000)

static const eh_cell null_cell = {.kind = EH_CELL_NULL};

static void pick_row(eh_loader *loader, const eh_cell *cells, const eh_place *place)
{
    eh_plan *plan = &loader->plan;
    eh_loader *root = eh_loader_root(loader);
    root->row_cell.as.integer = (int64_t)place->row;
    for (size_t i = 0; i < plan->count; i++) {
        switch (plan->targets[i].origin) {
        case EH_FROM_SOURCE:
            plan->pick[i] = cells + plan->targets[i].source;
            break;
        case EH_FROM_VARIANT:
            plan->pick[i] = cells[plan->targets[i].source].kind == EH_CELL_ABSENT
                                ? cells + plan->targets[i].source
                                : &null_cell;
            break;
        case EH_FROM_ABSENT:
            plan->pick[i] = &loader->absent_cell;
            break;
        case EH_FROM_CLIENT:
            plan->pick[i] = &root->client_cell;
            break;
        case EH_FROM_INSTANCE:
            plan->pick[i] = &root->instance_cell;
            break;
        case EH_FROM_EXTRA:
            plan->pick[i] = &loader->extra_cell;
            break;
        case EH_FROM_PROJECT:
            plan->pick[i] = eh_projects_of(loader->projects, cells);
            break;
        case EH_FROM_FILE:
            plan->pick[i] = &root->file_cell;
            break;
        case EH_FROM_ROW:
            plan->pick[i] = &root->row_cell;
            break;
        case EH_FROM_LOAD_ID:
            plan->pick[i] = &root->load_cell;
            break;
        case EH_FROM_LOADED_AT:
            plan->pick[i] = &root->time_cell;
            break;
        case EH_FROM_PARENT:
        case EH_FROM_POSITION:
        case EH_FROM_NESTED:
        case EH_FROM_RECORD:
            plan->pick[i] = eh_nested_cell(loader, &plan->targets[i], cells);
            break;
        case EH_ORIGIN_COUNT:
            break;
        }
    }
}

/* Which fields does the picked record lack? Most lack none. */
static bool note_absent(eh_loader *loader, eh_err *err)
{
    const eh_plan *plan = &loader->plan;
    loader->absent_cell.kind = EH_CELL_NULL;
    if (plan->absent == SIZE_MAX) return true;
    size_t i = 0;
    while (i < plan->count && plan->pick[i]->kind != EH_CELL_ABSENT) i++;
    if (i == plan->count) return true;
    loader->absent.len = 0;
    for (i = 0; i < plan->count; i++)
        if (!eh_buf_append_byte(&loader->absent,
                                plan->pick[i]->kind == EH_CELL_ABSENT ? '1' : '0', err))
            return false;
    loader->absent_cell = (eh_cell){.kind = EH_CELL_STRING,
                                    .len = (uint32_t)loader->absent.len,
                                    .as.text = loader->absent.data};
    return true;
}

/* A dead record whose raw bytes are not at hand is read again from the input. */
static bool add_dead(eh_loader *loader, eh_dead dead, eh_err *err)
{
    if (dead.raw.data == NULL && loader->input.raw != NULL) {
        loader->raw.len = 0;
        if (!loader->input.raw(loader->input.raw_self, &dead.place, &loader->raw, err))
            return false;
        dead.raw = eh_buf_slice(&loader->raw);
    }
    return eh_unit_add_dead(loader->open, &dead, err);
}

eh_row_fate eh_loader_bury(eh_loader *loader, const eh_place *place, const char *column,
                           const char *code, const char *reason, eh_err *err)
{
    if (loader->root != NULL) return eh_nested_bury(loader, column, code, reason, err);
    eh_dead dead = {
        .place = *place,
        .column = eh_slice_str(column),
        .code = eh_slice_str(code),
        .reason = eh_slice_str(reason),
    };
    return add_dead(loader, dead, err) ? EH_ROW_DONE : EH_ROW_ERROR;
}

/* The value as a person would quote it, cut at a length that fits a message. */
static void quote_cell(const eh_cell *cell, char *out, size_t size)
{
    if (eh_cell_has_text(cell)) {
        int shown = cell->len > 40 ? 40 : (int)cell->len;
        (void)snprintf(out, size, "\"%.*s%s\"", shown, cell->as.text,
                       cell->len > 40 ? "..." : "");
    } else if (cell->kind == EH_CELL_DOUBLE) {
        (void)snprintf(out, size, "%.17g", cell->as.real);
    } else if (cell->kind == EH_CELL_BOOLEAN) {
        (void)snprintf(out, size, "%s", cell->as.integer ? "true" : "false");
    } else {
        (void)snprintf(out, size, "%" PRId64, cell->as.integer);
    }
}

static eh_row_fate refuse_value(const eh_loader *loader, const eh_place *place,
                                const eh_column_info *info, const char *shown,
                                const char *reason, const char *hint, eh_err *err)
{
    eh_fail(err, EH_CLASS_DATA, "%s does not fit column %s %s of %s.%s: %s", shown, info->name,
            info->native, loader->options.key.schema, loader->options.key.table, reason);
    if (place->line > 0)
        eh_err_place(err, "%s:%" PRIu64, loader->place_name, place->line);
    else
        eh_err_place(err, "%s, row %" PRIu64, loader->place_name, place->row);
    eh_err_hint(err, "%s", hint);
    return EH_ROW_ERROR;
}

/* May the column's type still follow its values? */
static bool is_open(const eh_plan *plan, size_t target)
{
    const eh_column_info *info = &plan->infos[target];
    return plan->targets[target].origin == EH_FROM_SOURCE && info->open &&
           !plan->declared[target] && info->blocker == NULL &&
           !plan->source_plans[plan->targets[target].source].order;
}

/* The narrowest type that holds the column's values so far and the rest of this batch; *first:
 * the row that made the difference. */
static eh_type widest(const eh_plan *plan, const eh_batch *batch, size_t row, size_t target,
                      size_t *first)
{
    const eh_column_info *info = &plan->infos[target];
    size_t column = plan->targets[target].source;
    eh_type before = info->unknown ? EH_TYPE_UNKNOWN : info->type, type = before;
    *first = row;
    for (size_t r = row; r < batch->rows && type != EH_TYPE_TEXT; r++) {
        type = eh_infer_join(type, eh_infer_cell(eh_batch_cell(batch, r, column)));
        if (type == before) *first = r + 1;
    }
    return type;
}

static bool widen_other(eh_loader *loader, const eh_batch *batch, size_t row, size_t target,
                        eh_err *err)
{
    const eh_plan *plan = &loader->plan;
    size_t first;
    eh_type type = widest(plan, batch, row, target, &first);
    if (type == plan->infos[target].type || type == EH_TYPE_UNKNOWN) return true;
    char shown[64], why[256];
    quote_cell(eh_batch_cell(batch, first, plan->targets[target].source), shown, sizeof shown);
    (void)snprintf(why, sizeof why, "row %" PRIu64 " of %s is %s", batch->places[first].row,
                   loader->place_name, shown);
    return eh_plan_widen(&loader->plan, target, type, why, err);
}

/* Columns that this load made take the narrowest types that hold their values so far and the
 * rest of this batch: all of them at once, since every change waits for the units under way. */
static eh_row_fate widen_open(eh_loader *loader, const eh_batch *batch, size_t row,
                              size_t target, const char *why, bool *widened, eh_err *err)
{
    eh_plan *plan = &loader->plan;
    size_t first;
    eh_type type = widest(plan, batch, row, target, &first);
    *widened = type != plan->infos[target].type;
    if (!*widened) return EH_ROW_DONE;
    if (!eh_plan_widen(plan, target, type, why, err)) return EH_ROW_ERROR;
    for (size_t t = 0; t < plan->count; t++)
        if (t != target && is_open(plan, t) && !widen_other(loader, batch, row, t, err))
            return EH_ROW_ERROR;
    return EH_ROW_CHANGE;
}

/* A value that is not to be in the table, by one of the contract's other three words. */
static eh_row_fate refuse(eh_loader *loader, const eh_place *place, size_t target, eh_mode mode,
                          const char *shown, const char *reason, const char *hint, eh_err *err)
{
    const eh_column_info *info = &loader->plan.infos[target];
    if (mode == EH_MODE_FREEZE)
        return refuse_value(loader, place, info, shown, reason, hint, err);
    if (mode == EH_MODE_DISCARD_ROW)
        return eh_loader_bury(loader, place, info->name, "type", reason, err);
    loader->row_discarded++;
    loader->plan.pick[target] = &null_cell;
    return EH_ROW_RETRY;
}

/* Is the table too large to be rewritten? Who may not count its rows must think so. */
static bool look_at_size(eh_loader *loader, eh_err *err)
{
    const eh_loader_options *o = &loader->options;
    size_t limit = o->widen_max > 0 ? o->widen_max : WIDEN_MAX;
    eh_err failure = {.class_ = EH_OK};
    if (loader->is_sized || o->dry_run) return true;
    if (!eh_dest_is_large(o->dest, &loader->state, o->key.schema, o->key.table, limit,
                          &loader->is_large, &failure)) {
        loader->is_large = failure.class_ == EH_CLASS_DENIED;
        if (!loader->is_large) {
            *err = failure;
            return false;
        }
    }
    loader->is_sized = true;
    return true;
}

/* evolve for a column that was there before: bigint grows to numeric where nothing depends on
 * it; any other value goes to a variant column beside. */
static eh_row_fate evolve(eh_loader *loader, const eh_place *place, size_t target,
                          const eh_cell *cell, const char *shown, const char *reason,
                          const char *why, eh_err *err)
{
    eh_plan *plan = &loader->plan;
    const eh_column_info *info = &plan->infos[target];
    eh_type type = eh_infer_cell(cell);
    bool may_widen = info->type == EH_TYPE_BIGINT && type == EH_TYPE_NUMERIC &&
                     info->blocker == NULL &&
                     (info->native_id == 0 || strcmp(info->native, "bigint") == 0);
    if (may_widen && !look_at_size(loader, err)) return EH_ROW_ERROR;
    if (may_widen && !loader->is_large)
        return eh_plan_widen(plan, target, EH_TYPE_NUMERIC, why, err) ? EH_ROW_CHANGE
                                                                      : EH_ROW_ERROR;
    if (plan->targets[target].key)
        return refuse_value(
            loader, place, info, shown, reason,
            may_widen
                ? "the table has more rows than limits.widen_max, so it is not rewritten "
                  "for it; raise that, or make the column numeric yourself"
                : "a key or cursor column gets no variant: declare its type, for instance "
                  "columns = { <name> = \"text\" }, before the first load",
            err);
    /* The value fits its own type's spelling but not the column's precision: as text it stays
     * as it was written. */
    if (type == info->type) type = EH_TYPE_TEXT;
    /* A variant column that somebody gave another type has the same variants as its column. */
    size_t column = plan->source_plans[plan->targets[target].source].target;
    size_t variant = eh_plan_variant(plan, column, type);
    if (variant == SIZE_MAX) {
        eh_mode mode = eh_plan_new_variant(plan, target);
        if (mode == EH_MODE_EVOLVE)
            return eh_plan_add_variant(plan, column, type, why, err) ? EH_ROW_CHANGE
                                                                     : EH_ROW_ERROR;
        return refuse(loader, place, target, mode, shown, reason,
                      "and the contract allows no new column for it: change the column, "
                      "declare a cast, or say otherwise in the contract's columns",
                      err);
    }
    plan->pick[target] = &null_cell;
    plan->pick[variant] = cell;
    return EH_ROW_RETRY;
}

static eh_row_fate settle_misfit(eh_loader *loader, const eh_place *place, size_t target,
                                 const eh_cell *cell, const char *reason, const char *why,
                                 eh_err *err)
{
    eh_plan *plan = &loader->plan;
    const eh_column_info *info = &plan->infos[target];
    char shown[64];
    quote_cell(cell, shown, sizeof shown);
    /* Who declares a type says what a value has to be: one that is not is a dead row, unless
     * the contract says otherwise in so many words. */
    bool said;
    eh_mode mode = eh_plan_misfit(plan, target, eh_infer_cell(cell), &said);
    if (plan->declared[target] && !said)
        return eh_loader_bury(loader, place, info->name, "type", reason, err);
    if (mode == EH_MODE_EVOLVE)
        return evolve(loader, place, target, cell, shown, reason, why, err);
    return refuse(loader, place, target, mode, shown, reason,
                  "the contract freezes types: change the column, declare a cast, or let the "
                  "contract say discard_row",
                  err);
}

static eh_row_fate misfit(eh_loader *loader, const eh_batch *batch, size_t row,
                          const eh_row_fault *fault, eh_err *err)
{
    eh_plan *plan = &loader->plan;
    const eh_column_info *info = &plan->infos[fault->column];
    const eh_place *place = &batch->places[row];
    const eh_cell *cell = plan->pick[fault->column];
    eh_target target = plan->targets[fault->column];
    bool ours = target.origin != EH_FROM_SOURCE && target.origin != EH_FROM_VARIANT;
    const eh_put *put = loader->encoder->put;
    if (put != NULL && put->roles[fault->column] == EH_PUT_KEY &&
        (cell == NULL || eh_cell_is_null(cell)))
        return eh_loader_bury(loader, place, info->name, "null_key", "the key has no value",
                              err);
    if (cell == NULL || eh_cell_is_null(cell))
        return eh_loader_bury(loader, place, info->name, "not_null", fault->reason, err);
    /* Text that no text column holds (a NUL byte) fits nowhere. */
    if (ours || (info->type == EH_TYPE_TEXT && strcmp(info->native, "text") == 0) ||
        (info->type == EH_TYPE_TEXT && strcmp(info->native, "TEXT") == 0))
        return eh_loader_bury(loader, place, info->name, "value", fault->reason, err);
    char shown[64], why[256];
    quote_cell(cell, shown, sizeof shown);
    (void)snprintf(why, sizeof why, "row %" PRIu64 " of %s is %s: %s", place->row,
                   loader->place_name, shown, fault->reason);
    plan->change_count = 0;
    if (is_open(plan, fault->column)) {
        bool widened;
        eh_row_fate fate = widen_open(loader, batch, row, fault->column, why, &widened, err);
        if (widened || fate == EH_ROW_ERROR) return fate;
    }
    return settle_misfit(loader, place, fault->column, cell, fault->reason, why, err);
}

static eh_append append(eh_loader *loader, const eh_place *place, eh_row_fault *fault,
                        eh_err *err)
{
    const eh_plan *plan = &loader->plan;
    if (loader->root != NULL) return eh_nested_append(loader, fault, err);
    return eh_unit_append(loader->open, plan->pick, place, fault, err);
}

eh_row_fate eh_loader_load_row(eh_loader *loader, const eh_batch *batch, size_t row,
                               eh_err *err)
{
    const eh_cell *cells = eh_batch_cell(batch, row, 0);
    const eh_place *place = &batch->places[row];
    eh_plan *plan = &loader->plan;
    loader->row_discarded = 0; /* a row may be tried several times */
    if (!plan->table.exists && plan->contract.tables == EH_MODE_DISCARD_ROW)
        return eh_loader_bury(loader, place, "", "table",
                              "there is no such table, and the contract discards its rows",
                              err);
    if (plan->discards) {
        size_t unwanted = eh_plan_unwanted(plan, cells);
        if (unwanted != SIZE_MAX)
            return eh_loader_bury(
                loader, place, plan->source_plans[unwanted].name, "column",
                "the table has no such column, and the contract discards such rows", err);
        loader->row_discarded = eh_plan_discarded(plan, cells);
    }
    const char *why;
    if (!eh_loader_fill_extra(loader, cells, &why, err)) return EH_ROW_ERROR;
    if (why != NULL) return eh_loader_bury(loader, place, "_extra", "value", why, err);
    pick_row(loader, cells, place);
    if (!note_absent(loader, err)) return EH_ROW_ERROR;
    for (size_t tries = 0; tries <= plan->count; tries++) {
        eh_row_fault fault = {0, NULL};
        switch (append(loader, place, &fault, err)) {
        case EH_APPEND_OK:
            eh_loader_root(loader)->counts.values_discarded += loader->row_discarded;
            if (loader->absent_cell.kind != EH_CELL_NULL) loader->open->has_absent = true;
            return EH_ROW_DONE;
        case EH_APPEND_ERROR:
            return EH_ROW_ERROR;
        case EH_APPEND_FULL:
            if (eh_loader_root(loader)->open->rows > 0) return EH_ROW_FULL;
            return eh_loader_bury(loader, place, "", "too_large",
                                  "the row is too large to load", err);
        case EH_APPEND_MISFIT:
            break;
        }
        eh_row_fate fate = misfit(loader, batch, row, &fault, err);
        if (fate != EH_ROW_RETRY) return fate;
    }
    eh_fail(err, EH_CLASS_BUG, "row %" PRIu64 " of %s fits no column", place->row,
            loader->place_name);
    return EH_ROW_ERROR;
}

/* A unit has one encoder: when the columns changed since its first row it is closed. Dead rows
 * have none, and a unit of them alone would look worse than the input is. */
static bool ready(eh_loader *loader, const eh_place *place, eh_err *err)
{
    bool known = loader->encoder != NULL && eh_nested_is_ready(loader);
    if (!known && loader->open != NULL && loader->open->rows > 0) {
        eh_parse_from boundary = eh_loader_before(place);
        if (!eh_loader_close_unit(loader, &boundary, err)) return false;
    }
    if (loader->encoder == NULL && !eh_loader_make_encoder(loader, err)) return false;
    if (!known && !eh_nested_make_encoders(loader, place, err)) return false;
    if (!eh_loader_open_unit(loader, place, err)) return false;
    loader->open->encoder = loader->encoder;
    return loader->open->rows > 0 || eh_nested_begin_unit(loader, err);
}

/* A row with its child rows: all of them or none. */
static eh_row_fate load_record(eh_loader *loader, const eh_batch *batch, size_t row,
                               eh_err *err)
{
    if (loader->nested == NULL) return eh_loader_load_row(loader, batch, row, err);
    size_t before = loader->open->rows;
    bool buried;
    eh_row_fate fate = eh_nested_load(loader, batch, row, &buried, err);
    if (fate == EH_ROW_DONE && !buried) fate = eh_loader_load_row(loader, batch, row, err);
    if (loader->open->rows == before) eh_unit_rewind_parts(loader->open);
    return fate;
}

static bool encode_row(eh_loader *loader, const eh_batch *batch, size_t row, eh_err *err)
{
    const eh_place *place = &batch->places[row];
    /* Each turn either ends the row or changes the schema towards types that hold it: a column
     * is widened twice at most, or gets a variant. */
    size_t turns = 64 + 2 * loader->plan.source_count;
    for (size_t turn = 0; turn < turns; turn++) {
        if (!ready(loader, place, err)) return false;
        switch (load_record(loader, batch, row, err)) {
        case EH_ROW_DONE:
            return true;
        case EH_ROW_FULL: {
            eh_parse_from boundary = eh_loader_before(place);
            if (!eh_loader_close_unit(loader, &boundary, err)) return false;
            break;
        }
        case EH_ROW_CHANGE:
            if (!eh_loader_change(eh_nested_changing(loader), place, err)) return false;
            break;
        case EH_ROW_RETRY:
        case EH_ROW_ERROR:
            return false;
        }
    }
    return eh_fail(err, EH_CLASS_DESTINATION,
                   "the columns of %s.%s keep changing while row %" PRIu64 " of %s loads",
                   loader->options.key.schema, loader->options.key.table, place->row,
                   loader->place_name);
}

static int by_offset(const void *a, const void *b)
{
    uint64_t x = ((const eh_dead *)a)->place.offset, y = ((const eh_dead *)b)->place.offset;
    return x < y ? -1 : x > y;
}

bool eh_loader_encode(eh_loader *loader, const eh_batch *batch, eh_err *err)
{
    /* Casts and row functions append their dead rows after the parser's. */
    if (batch->dead_count > 1)
        qsort(batch->dead, batch->dead_count, sizeof(eh_dead), by_offset);
    if (!eh_loader_aim_order(loader, batch, err)) return false;
    size_t row = 0, dead = 0;
    for (size_t turn = 1; row < batch->rows || dead < batch->dead_count; turn++) {
        /* The lanes' sockets hold a millisecond or two of work for a server: feed them often.
         */
        if (turn % TURN_ROWS == 0 && !eh_loop_turn(loader->options.loop, 0, err)) return false;
        bool is_dead =
            dead < batch->dead_count &&
            (row >= batch->rows || batch->dead[dead].place.offset < batch->places[row].offset);
        if (is_dead) {
            if (!eh_loader_open_unit(loader, &batch->dead[dead].place, err) ||
                !add_dead(loader, batch->dead[dead], err))
                return false;
            dead++;
        } else {
            if (!eh_loader_look_order(loader, batch, row, err) ||
                !encode_row(loader, batch, row, err) ||
                !eh_loader_take_order(loader, &batch->places[row], err))
                return false;
            row++;
        }
    }
    return true;
}
