/* data/json_batch.c: records to rows and dead records; see json_parts.h. */
#include "data/json_parts.h"

#include <inttypes.h>

bool eh_json_batch_open(const eh_json_parser *p, const eh_batch *batch)
{
    if (eh_json_batch_empty(batch)) return true;
    return batch->rows + batch->dead_count < p->batch_rows &&
           (batch->rows + 1) * batch->columns <= EH_JSON_BATCH_CELLS;
}

bool eh_json_reserve(eh_json_parser *p, const eh_batch *batch, size_t len, eh_err *err)
{
    if (!eh_json_batch_empty(batch)) return true;
    size_t need = len > p->batch_bytes ? len : p->batch_bytes;
    if (!eh_buf_reserve(&p->unescaped, need, err)) return false;
    p->reader.unescaped = p->unescaped.data;
    p->reader.unescaped_used = 0;
    p->reader.err = err;
    return true;
}

bool eh_json_open_window(eh_json_parser *p, const eh_batch *batch, size_t len, bool *fit,
                         eh_err *err)
{
    if (!eh_json_reserve(p, batch, len, err)) return false;
    eh_json_indexed indexed =
        eh_json_index_run(p->index, eh_json_data(p), len, &p->reader.tokens, err);
    eh_json_reader_seek(&p->reader, 0);
    *fit = indexed == EH_JSON_INDEXED;
    return indexed != EH_JSON_NO_INDEX;
}

eh_json_read eh_json_try_row(eh_json_parser *p, eh_batch *batch, eh_err *err)
{
    eh_place nowhere = {0, 0, 0, 0};
    eh_cell *row = eh_batch_add_row(batch, &nowhere, err);
    if (row == NULL) return EH_JSON_READ_FAILED;
    p->row_mark = p->reader.unescaped_used;
    eh_json_read read = eh_json_read_record(&p->reader, row);
    if (read != EH_JSON_READ_GOOD) eh_json_drop_row(p, batch);
    return read;
}

void eh_json_drop_row(eh_json_parser *p, eh_batch *batch)
{
    batch->rows--;
    p->reader.unescaped_used = p->row_mark;
}

static eh_place place_of(const eh_json_parser *p, const eh_json_record *record)
{
    return (eh_place){.offset = p->offset + record->start,
                      .end = p->offset + record->end,
                      .row = p->row,
                      .line = p->shape == EH_JSON_LINES ? p->line : 0};
}

void eh_json_keep_row(eh_json_parser *p, eh_batch *batch, const eh_json_record *record)
{
    batch->places[batch->rows - 1] = place_of(p, record);
    p->row++;
}

static eh_json_step halt_malformed(const eh_json_parser *p, const eh_json_record *record,
                                   const eh_json_fault *fault, eh_err *err)
{
    (void)eh_fail(err, EH_CLASS_DATA, "not JSON: %s (byte %" PRIu64 ", record %" PRIu64 ")",
                  fault->reason, p->offset + record->start + fault->offset, p->row);
    return EH_JSON_STOP;
}

static eh_json_step bury(eh_json_parser *p, eh_batch *batch, const eh_json_record *record,
                         const eh_json_fault *fault, eh_err *err)
{
    char *reason = eh_arena_printf(batch->arena, "%s, at byte %zu of the record", fault->reason,
                                   fault->offset);
    if (reason == NULL) {
        (void)eh_fail_memory(err, "a dead record");
        return EH_JSON_STOP;
    }
    eh_dead dead = {.place = place_of(p, record),
                    .raw = eh_slice_of(eh_json_data(p) + record->start, record->len),
                    .column = fault->key,
                    .code = eh_slice_str(fault->code),
                    .reason = eh_slice_str(reason)};
    if (!eh_batch_add_dead(batch, &dead, err)) return EH_JSON_STOP;
    p->row++;
    return EH_JSON_GO_ON;
}

/* Makes columns of the keys that the judge found, unless the batch would become too large. */
static eh_json_step add_columns(eh_json_parser *p, eh_batch *batch, eh_err *err)
{
    size_t most = p->columns.count + p->judge_keys.count;
    if (batch->rows > 0 && (batch->rows + 1) * most > EH_JSON_BATCH_CELLS) return EH_JSON_CLOSE;
    for (size_t i = 0; i < p->judge_keys.count; i++)
        if (!eh_json_columns_add(&p->columns, eh_json_keys_get(&p->judge_keys, i), err))
            return EH_JSON_STOP;
    return eh_batch_set_columns(batch, p->columns.count, err) ? EH_JSON_GO_ON : EH_JSON_STOP;
}

/* The judge found nothing wrong, so the reader must not either. */
static eh_json_step read_alone(eh_json_parser *p, eh_batch *batch, const eh_json_record *record,
                               eh_err *err)
{
    eh_json_indexed indexed = eh_json_index_run(p->alone, eh_json_data(p) + record->start,
                                                record->len, &p->reader.tokens, err);
    if (indexed == EH_JSON_NO_INDEX) return EH_JSON_STOP;
    eh_json_reader_seek(&p->reader, 0);
    if (indexed != EH_JSON_INDEXED || eh_json_try_row(p, batch, err) != EH_JSON_READ_GOOD ||
        p->reader.i != p->reader.tokens.count) {
        (void)eh_fail(err, EH_CLASS_BUG,
                      "the record at byte %" PRIu64 " was judged to be good but not read",
                      p->offset + record->start);
        return EH_JSON_STOP;
    }
    eh_json_keep_row(p, batch, record);
    return EH_JSON_GO_ON;
}

eh_json_step eh_json_take_alone(eh_json_parser *p, eh_batch *batch,
                                const eh_json_record *record, size_t next, eh_err *err)
{
    eh_json_fault fault;
    eh_json_reader_seek(&p->reader, next);
    eh_slice text = eh_slice_of(eh_json_data(p) + record->start, record->len);
    switch (eh_json_judge_record(text, &p->judge_keys, &fault, err)) {
    case EH_JSON_NO_VERDICT:
        return EH_JSON_STOP;
    case EH_JSON_FAULTY:
        if (fault.malformed && p->shape != EH_JSON_LINES)
            return halt_malformed(p, record, &fault, err);
        return bury(p, batch, record, &fault, err);
    case EH_JSON_GOOD:
        break;
    }
    eh_json_step step = add_columns(p, batch, err);
    if (step != EH_JSON_GO_ON) return step;
    eh_json_tokens window = p->reader.tokens;
    step = read_alone(p, batch, record, err);
    p->reader.tokens = window;
    eh_json_reader_seek(&p->reader, next);
    return step;
}
