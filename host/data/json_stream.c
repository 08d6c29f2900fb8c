/* data/json_stream.c: the rows at a path of one document, handed out while it comes; see
 * json_parts.h.
 *
 * Around the rows the document is walked by its frame (json_frame.h), a token at a time. Only
 * with the last byte it is known that it was JSON, and that no key of the path is there twice:
 * until then, what was handed out is the beginning of an answer. */
#include "data/json_parts.h"

static eh_parse fail_long(const eh_json_parser *p, const char *what, eh_err *err)
{
    (void)eh_fail(err, EH_CLASS_LIMIT, "%s is longer than the limit of %zu bytes", what,
                  p->max_record);
    return EH_PARSE_ERROR;
}

/* Walks on; what it has passed is done with. */
static eh_json_framed walk(eh_json_parser *p, eh_err *err)
{
    size_t used;
    eh_json_fault fault;
    p->frame->max_token = p->max_record;
    eh_json_framed framed = eh_json_frame_run(p->frame, eh_json_data(p), eh_json_available(p),
                                              p->last, &used, &fault);
    if (framed != EH_JSON_FRAME_FAULTY)
        eh_json_advance(p, used);
    else if (strcmp(fault.code, EH_JSON_TOO_LONG) == 0)
        (void)fail_long(p, "a value of the document", err);
    else
        (void)eh_json_fail_text(p, &fault, err);
    return framed;
}

static eh_parse find_rows(eh_json_parser *p, eh_err *err)
{
    switch (walk(p, err)) {
    case EH_JSON_FRAME_MORE:
        return EH_PARSE_MORE;
    case EH_JSON_FRAME_FAULTY:
        return EH_PARSE_ERROR;
    case EH_JSON_FRAME_END:
        return eh_json_fail_rows(p, &p->frame->found, '\0', err);
    case EH_JSON_FRAME_ROWS:
        break;
    }
    char first = eh_json_data(p)[0];
    if (first != '[' && first != '{') return eh_json_fail_rows(p, &p->frame->found, first, err);
    eh_json_frame_skip(p->frame);
    if (first == '{') {
        eh_json_frame_init(&p->record, eh_slice_of("", 0), SIZE_MAX);
        p->record.leads = false;
        p->record.one = true;
        p->walked = 0;
        p->phase = EH_JSON_ONE;
        return EH_PARSE_BATCH;
    }
    eh_json_advance(p, 1);
    p->phase = EH_JSON_RECORDS;
    p->may_close = true;
    return EH_PARSE_BATCH;
}

/* The one record is read when all of it is there. */
static eh_parse read_record(eh_json_parser *p, eh_batch *batch, eh_err *err)
{
    size_t used, view = eh_json_available(p);
    eh_json_fault fault;
    if (view > p->max_record + 1) view = p->max_record + 1;
    bool last = p->last && view == eh_json_available(p);
    eh_json_framed framed = eh_json_frame_run(&p->record, eh_json_data(p) + p->walked,
                                              view - p->walked, last, &used, &fault);
    if (framed == EH_JSON_FRAME_FAULTY) {
        fault.offset += p->walked;
        return eh_json_fail_text(p, &fault, err);
    }
    p->walked += used;
    if (view > p->max_record && (framed == EH_JSON_FRAME_MORE || p->walked > p->max_record))
        return fail_long(p, "the record", err);
    if (framed == EH_JSON_FRAME_MORE) return EH_PARSE_MORE;
    return eh_json_read_one(p, batch, p->walked, EH_JSON_TAIL, err);
}

static eh_parse read_tail(eh_json_parser *p, eh_err *err)
{
    switch (walk(p, err)) {
    case EH_JSON_FRAME_MORE:
        return EH_PARSE_MORE;
    case EH_JSON_FRAME_END:
        if (p->frame->found.twice) return eh_json_fail_rows(p, &p->frame->found, '[', err);
        p->phase = EH_JSON_DONE;
        return EH_PARSE_END;
    default:
        return EH_PARSE_ERROR;
    }
}

eh_parse eh_json_stream_next(eh_json_parser *p, eh_batch *batch, eh_err *err)
{
    if (p->phase == EH_JSON_OPEN) {
        eh_parse parse = find_rows(p, err);
        if (parse != EH_PARSE_BATCH) return parse;
    }
    if (p->phase == EH_JSON_ONE) return read_record(p, batch, err);
    if (p->phase != EH_JSON_TAIL) {
        eh_parse parse = eh_json_array_next(p, batch, err);
        if (p->phase != EH_JSON_TAIL || parse != EH_PARSE_END) return parse;
    }
    return read_tail(p, err);
}
