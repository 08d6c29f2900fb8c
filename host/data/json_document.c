/* data/json_document.c: the rows at a path inside one document; see json_parts.h.
 *
 * The whole document is judged before the first row is handed out: an answer that was cut, or
 * whose rows are not where they should be, is an error and never "no rows". */
#include "data/json_parts.h"

#include <inttypes.h>

/* "data.items" for messages; the whole document has no name. */
static eh_slice path_of(const eh_json_parser *p)
{
    return eh_slice_of(p->path, p->path_len);
}

static bool fail_missing(const eh_json_parser *p, const eh_json_found *found, eh_err *err)
{
    eh_slice path = path_of(p), missing = eh_slice_of(p->path, found->missing);
    if (found->not_map)
        (void)eh_fail(err, EH_CLASS_REMOTE,
                      "there are no rows at \"%.*s\": what should hold \"%.*s\" is no object",
                      EH_SLICE_FMT(path), EH_SLICE_FMT(missing));
    else
        (void)eh_fail(err, EH_CLASS_REMOTE,
                      "there are no rows at \"%.*s\": the document has no \"%.*s\"",
                      EH_SLICE_FMT(path), EH_SLICE_FMT(missing));
    return eh_err_hint(err, "Compare the path with what the source answers; an error message "
                            "in the answer may explain it.");
}

static const char *kind_of(char first)
{
    switch (first) {
    case '"':
        return "a string";
    case 'n':
        return "null";
    case 't':
    case 'f':
        return "a boolean";
    default:
        return "a number";
    }
}

static bool fail_kind(const eh_json_parser *p, char first, eh_err *err)
{
    eh_slice path = path_of(p);
    if (path.len == 0)
        return eh_fail(err, EH_CLASS_REMOTE, "the document is %s, no array or object",
                       kind_of(first));
    return eh_fail(err, EH_CLASS_REMOTE, "what is at \"%.*s\" is %s, no array or object",
                   EH_SLICE_FMT(path), kind_of(first));
}

eh_parse eh_json_fail_text(const eh_json_parser *p, const eh_json_fault *fault, eh_err *err)
{
    (void)eh_fail(err, EH_CLASS_DATA, "not JSON: %s (byte %" PRIu64 ")", fault->reason,
                  p->offset + fault->offset);
    if (fault->cut) (void)eh_err_hint(err, "The input was cut short.");
    return EH_PARSE_ERROR;
}

eh_parse eh_json_fail_rows(const eh_json_parser *p, const eh_json_found *found, char first,
                           eh_err *err)
{
    if (found->twice)
        (void)eh_fail(err, EH_CLASS_REMOTE, "a key of the path \"%.*s\" is there twice",
                      EH_SLICE_FMT(path_of(p)));
    else if (first == '\0')
        (void)fail_missing(p, found, err);
    else
        (void)fail_kind(p, first, err);
    return EH_PARSE_ERROR;
}

/* Judges the document and moves to the value that holds the rows. */
static eh_parse find_rows(eh_json_parser *p, eh_json_found *found, eh_err *err)
{
    eh_json_fault fault;
    eh_slice text = eh_slice_of(eh_json_data(p), eh_json_available(p)), path = path_of(p);
    eh_json_verdict verdict =
        eh_json_judge_document(text, path, p->outline, found, &fault, err);
    if (verdict == EH_JSON_NO_VERDICT) return EH_PARSE_ERROR;
    if (verdict == EH_JSON_FAULTY) return eh_json_fail_text(p, &fault, err);
    char first = found->value != NULL ? found->value[0] : '\0';
    if (found->twice || (first != '[' && first != '{'))
        return eh_json_fail_rows(p, found, first, err);
    size_t start = (size_t)(found->value - text.data);
    const eh_json_span *span = eh_json_outline_span(p->outline, start);
    p->text_at = p->offset;
    p->list = (eh_json_span){start, start + found->len, span != NULL ? span->depth : 0};
    eh_json_advance(p, start);
    return EH_PARSE_BATCH;
}

eh_parse eh_json_read_one(eh_json_parser *p, eh_batch *batch, size_t len, eh_json_phase then,
                          eh_err *err)
{
    eh_json_record record = {.start = 0, .len = len, .end = len};
    if (!eh_json_reserve(p, batch, len, err)) return EH_PARSE_ERROR;
    p->phase = then;
    if (eh_json_take_alone(p, batch, &record, 0, err) != EH_JSON_GO_ON) return EH_PARSE_ERROR;
    eh_json_advance(p, len);
    return EH_PARSE_BATCH;
}

eh_parse eh_json_document_next(eh_json_parser *p, eh_batch *batch, eh_err *err)
{
    if (p->phase == EH_JSON_OPEN) {
        eh_json_found found;
        if (eh_json_available(p) > p->max_record) {
            (void)eh_fail(err, EH_CLASS_LIMIT,
                          "the document is longer than the limit of %zu bytes", p->max_record);
            return EH_PARSE_ERROR;
        }
        if (!p->last) return EH_PARSE_MORE;
        if (find_rows(p, &found, err) == EH_PARSE_ERROR) return EH_PARSE_ERROR;
        if (found.value[0] == '{')
            return eh_json_read_one(p, batch, found.len, EH_JSON_DONE, err);
        eh_json_advance(p, 1);
        p->phase = EH_JSON_RECORDS;
        p->may_close = true;
    }
    return eh_json_array_next(p, batch, err);
}
