/* data/csv_fault.c: why a record cannot be a row, in a word for programs and a line for people.
 *
 * The quotes were judged by the walk; bytes and the number of fields are judged here. What then
 * happens with the record is left to csv.c. */
#include "data/csv_scan.h"

#include <inttypes.h>
#include <stdio.h>

static eh_slice column_name(const eh_csv_judge *j, size_t column)
{
    return column < j->name_count ? j->names[column] : eh_slice_of(NULL, 0);
}

/* The column that byte `at` of a well-formed record is in. */
static size_t column_at(const eh_csv_walk *w, eh_slice raw, size_t at)
{
    size_t column = 0;
    bool quoted = false;
    for (size_t i = 0; i < at; i++) {
        quoted ^= raw.data[i] == w->quote;
        column += !quoted && raw.data[i] == w->delimiter;
    }
    return column;
}

/* A NUL or bytes that are not UTF-8, whichever comes first. */
static void find_bad_byte(const eh_csv_judge *j, eh_slice raw, eh_csv_fault *f)
{
    size_t valid = eh_csv_utf8_prefix(raw.data, raw.len);
    const char *nul = memchr(raw.data, 0, valid);
    if (nul == NULL && valid == raw.len) return;
    size_t at = nul != NULL ? (size_t)(nul - raw.data) : valid;
    const char *what = "a NUL", *advice = "";
    f->code = "nul_byte";
    f->unreadable = nul == NULL && eh_csv_is_bytes(j->encoding);
    if (f->unreadable) {
        f->code = "invalid_windows_1252";
        what = "a byte that windows-1252 does not have";
    } else if (nul == NULL && eh_csv_is_utf16(j->encoding)) {
        f->code = "invalid_utf16";
        what = "half a character";
    } else if (nul == NULL) {
        f->code = "invalid_utf8";
        what = "bytes that are not UTF-8";
        advice = "; where the file is in windows-1252 or latin1, say so with `encoding`";
    }
    f->column = column_name(j, column_at(j->walk, raw, at));
    (void)snprintf(f->reason, sizeof f->reason, "%s at byte %zu of the record%s", what,
                   eh_csv_encoded_length(j->encoding, raw.data, at) + 1, advice);
}

static void find_quote_fault(const eh_csv_judge *j, const eh_csv_record *r,
                             eh_csv_outcome outcome, eh_csv_fault *f)
{
    f->column = column_name(j, r->fields);
    if (outcome == EH_CSV_OPEN_QUOTE) {
        f->code = "unterminated_quote";
        (void)snprintf(f->reason, sizeof f->reason,
                       "the quote opened on line %" PRIu64 " is never closed", r->fault_line);
    } else if (r->after_quote) {
        f->code = "bare_quote";
        (void)snprintf(f->reason, sizeof f->reason,
                       "text after the closing quote of the field that began on line %" PRIu64,
                       r->fault_line);
    } else {
        f->code = "bare_quote";
        (void)snprintf(f->reason, sizeof f->reason,
                       "a quote inside a field that does not begin with one");
    }
}

bool eh_csv_find_fault(const eh_csv_judge *j, const eh_csv_record *r, eh_csv_outcome outcome,
                       eh_csv_fault *f)
{
    f->code = NULL;
    f->unreadable = false;
    f->column = eh_slice_of(NULL, 0);
    if (outcome != EH_CSV_RECORD) {
        find_quote_fault(j, r, outcome, f);
        return true;
    }
    if (r->doubtful)
        find_bad_byte(j, eh_slice_of(j->walk->data + r->start, r->text_end - r->start), f);
    if (f->code != NULL) return true;
    if (r->fields == j->columns) return false;
    f->code = "ragged_row";
    (void)snprintf(f->reason, sizeof f->reason, "%zu field%s where there should be %zu",
                   r->fields, r->fields == 1 ? "" : "s", j->columns);
    return true;
}

bool eh_csv_fail_long(const eh_csv_walk *w, const eh_csv_record *r, eh_csv_outcome outcome,
                      eh_err *err)
{
    if (outcome == EH_CSV_NO_MEMORY)
        return eh_fail(err, EH_CLASS_LIMIT,
                       "the CSV record on line %" PRIu64 " does not fit a batch", r->line);
    if (outcome == EH_CSV_LONG_RECORD)
        return eh_fail(err, EH_CLASS_LIMIT,
                       "the CSV record that begins on line %" PRIu64
                       " is longer than %zu bytes",
                       r->line, w->max_record);
    (void)eh_fail(err, EH_CLASS_LIMIT,
                  "the CSV field that begins on line %" PRIu64 " is longer than %zu bytes",
                  r->fault_line, w->max_field);
    if (!r->fault_quoted) return false;
    return eh_err_hint(err, "look for a quote on line %" PRIu64 " that is never closed",
                       r->fault_line);
}
