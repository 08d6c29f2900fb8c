/* load/loader_extra.c: the values of a row that have no column of their own, as one JSON object
 * for the column _extra. See loader.h. */
#include "load/extra.h"
#include "load/loader_private.h"
#include "load/plan_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static bool append_double(eh_buf *out, double value, eh_err *err)
{
    if (isfinite(value)) return eh_buf_printf(out, err, "%.17g", value);
    return eh_buf_printf(out, err, "\"%s\"", isnan(value) ? "NaN" : value > 0 ? "inf" : "-inf");
}

static bool append_value(eh_buf *out, const eh_cell *cell, eh_err *err)
{
    switch ((eh_cell_kind)cell->kind) {
    case EH_CELL_ABSENT:
    case EH_CELL_NULL:
        return eh_buf_append_str(out, "null", err);
    case EH_CELL_BOOLEAN:
        return eh_buf_append_str(out, cell->as.integer != 0 ? "true" : "false", err);
    case EH_CELL_INTEGER:
    case EH_CELL_TIME_US:
        return eh_buf_printf(out, err, "%" PRId64, cell->as.integer);
    case EH_CELL_DOUBLE:
        return append_double(out, cell->as.real, err);
    case EH_CELL_NUMBER:
        return eh_buf_append(out, cell->as.text, cell->len, err);
    case EH_CELL_JSON:
        if ((cell->flags & EH_CELL_DUPLICATE) == 0)
            return eh_buf_append(out, cell->as.text, cell->len, err);
        break;
    case EH_CELL_RAW:
    case EH_CELL_STRING:
        break;
    }
    return eh_buf_append_json(out, eh_cell_text(cell), err);
}

bool eh_extra_append(eh_buf *out, eh_slice written, const eh_cell *cell, eh_err *err)
{
    return eh_buf_append_byte(out, out->len > 0 ? ',' : '{', err) &&
           eh_buf_append_json(out, written, err) && eh_buf_append_byte(out, ':', err) &&
           append_value(out, cell, err);
}

bool eh_loader_fill_extra(eh_loader *loader, const eh_cell *cells, const char **why,
                          eh_err *err)
{
    const eh_plan *plan = &loader->plan;
    eh_buf *out = &loader->extra;
    bool valued = false;
    loader->extra_cell = (eh_cell){.kind = EH_CELL_ABSENT};
    *why = NULL;
    if (!plan->has_extra) return true;
    out->len = 0;
    for (size_t i = 0; i < plan->source_count; i++) {
        const eh_cell *cell = &cells[i];
        if (plan->source_plans[i].fate != FATE_EXTRA || cell->kind == EH_CELL_ABSENT) continue;
        if (eh_cell_has_text(cell) && cell->len > 0 &&
            memchr(cell->as.text, 0, cell->len) != NULL) {
            *why = "a NUL byte, which no database stores";
            return true;
        }
        if (!eh_extra_append(out, plan->sources[i].written, cell, err)) return false;
        valued = valued || !eh_cell_is_null(cell);
    }
    if (out->len == 0) return true;
    if (!eh_buf_append_byte(out, '}', err)) return false;
    loader->extra_cell =
        valued
            ? (eh_cell){.kind = EH_CELL_JSON, .len = (uint32_t)out->len, .as.text = out->data}
            : (eh_cell){.kind = EH_CELL_NULL};
    return true;
}

void eh_loader_tell_overflow(eh_loader *loader)
{
    const eh_plan *plan = &loader->plan;
    const eh_load_events *events = &loader->options.events;
    if (plan->overflow == NULL || loader->told_overflow || events->warning == NULL) return;
    loader->told_overflow = true;
    char message[512];
    (void)snprintf(
        message, sizeof message,
        "%s.%s has as many columns as max_columns = %zu allows: \"%s\", and what else "
        "is new, loads into its column _extra; one that is declared (columns) gets its "
        "own",
        plan->options.schema, plan->options.table, plan->options.max_columns, plan->overflow);
    events->warning(events->self, message);
}
