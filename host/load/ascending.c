/* load/ascending.c: see ascending.h. */
#include "load/ascending.h"

#include "data/decimal.h"
#include "data/json_doc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX  ((size_t)64 * 1024)
#define SHOWN_MAX 60

void eh_ascending_init(eh_ascending *a, const eh_doc *declaration)
{
    const eh_doc *cursor = eh_doc_get(declaration, "cursor");
    const eh_doc *field = eh_doc_get(cursor, "field");
    *a = (eh_ascending){.column = SIZE_MAX};
    if (strcmp(eh_doc_str(cursor, "order", ""), "ascending") == 0 && field != NULL &&
        field->kind == EH_DOC_STRING)
        a->field = field;
    eh_point *points[] = {&a->next, &a->last, &a->first, &a->reached};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        eh_buf_init(&points[i]->text, TEXT_MAX);
    eh_buf_init(&a->before, TEXT_MAX);
    eh_buf_init(&a->behind, TEXT_MAX);
    eh_buf_init(&a->page, TEXT_MAX);
}

void eh_ascending_free(eh_ascending *a)
{
    eh_point *points[] = {&a->next, &a->last, &a->first, &a->reached};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) eh_buf_free(&points[i]->text);
    eh_buf_free(&a->before);
    eh_buf_free(&a->behind);
    eh_buf_free(&a->page);
    free(a->kept);
    free(a->offsets);
}

static bool set_text(eh_buf *buf, eh_slice text, eh_err *err)
{
    buf->len = 0;
    return eh_buf_append(buf, text.data, text.len, err);
}

static bool has_text(eh_type type)
{
    return type == EH_TYPE_TEXT || type == EH_TYPE_NUMERIC || type == EH_TYPE_BINARY;
}

static bool set_point(eh_point *point, const eh_value *value, eh_err *err)
{
    point->known = false;
    if (has_text(value->type)) {
        if (!set_text(&point->text, value->as.text, err)) return false;
        point->value.as.text = eh_buf_slice(&point->text);
    } else {
        point->value.as = value->as;
    }
    point->value.type = value->type;
    point->known = true;
    return true;
}

static int order_of(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_text(eh_slice a, eh_slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int result = len > 0 ? memcmp(a.data, b.data, len) : 0;
    return result != 0 ? result : order_of((int64_t)a.len, (int64_t)b.len);
}

/* Both are of one type. */
static int compare(const eh_value *a, const eh_value *b)
{
    eh_decimal x, y;
    if (a->type == EH_TYPE_DOUBLE) return (a->as.real > b->as.real) - (a->as.real < b->as.real);
    if (a->type == EH_TYPE_NUMERIC && eh_decimal_parse(a->as.text, &x) &&
        eh_decimal_parse(b->as.text, &y))
        return eh_decimal_compare(&x, &y);
    if (has_text(a->type)) return compare_text(a->as.text, b->as.text);
    return order_of(a->as.integer, b->as.integer);
}

/* ---- values as the bookkeeping has them ------------------------------------------------- */

static bool print_value(const eh_value *value, eh_buf *out, eh_err *err)
{
    char text[40];
    size_t len = 0;
    if (value->type == EH_TYPE_BIGINT)
        return eh_buf_printf(out, err, "%" PRId64, value->as.integer);
    if (value->type == EH_TYPE_DOUBLE) return eh_buf_printf(out, err, "%.17g", value->as.real);
    if (value->type == EH_TYPE_DATE) len = eh_print_date(value->as.integer, text);
    if (value->type == EH_TYPE_TIME) len = eh_print_time(value->as.integer, text);
    if (value->type == EH_TYPE_TIMESTAMP || value->type == EH_TYPE_DATETIME)
        len = eh_print_timestamp(value->as.integer, value->type == EH_TYPE_TIMESTAMP, text);
    return eh_buf_append_json(out, len > 0 ? eh_slice_of(text, len) : value->as.text, err);
}

static bool put_key(const char *key, eh_buf *out, eh_err *err)
{
    return eh_buf_append_byte(out, ',', err) &&
           eh_buf_append_json(out, eh_slice_str(key), err) && eh_buf_append_byte(out, ':', err);
}

bool eh_point_put(const eh_point *point, const char *key, eh_buf *out, eh_err *err)
{
    return !point->known || (put_key(key, out, err) && print_value(&point->value, out, err));
}

bool eh_ascending_put(const eh_ascending *a, const char *key, eh_buf *out, eh_err *err)
{
    if (a->reached.known) return eh_point_put(&a->reached, key, out, err);
    return a->before.len == 0 ||
           (put_key(key, out, err) && eh_buf_append(out, a->before.data, a->before.len, err));
}

bool eh_ascending_cursor(const eh_ascending *a, eh_arena *arena, const eh_doc **cursor,
                         eh_err *err)
{
    eh_buf json;
    *cursor = NULL;
    if (a->field == NULL || (!a->reached.known && a->before.len == 0)) return true;
    eh_buf_init(&json, 2 * TEXT_MAX);
    bool ok = eh_buf_append_str(&json, "{\"field\":", err) &&
              eh_buf_append_json(&json, a->field->as.string, err) &&
              eh_ascending_put(a, "value", &json, err) && eh_buf_append_byte(&json, '}', err) &&
              eh_json_to_doc(eh_buf_slice(&json), arena, cursor, err);
    eh_buf_free(&json);
    return ok;
}

/* A value of the bookkeeping as one of the column's type; one that is none says nothing. */
static bool recall_doc(eh_type type, const eh_doc *doc, eh_point *point, eh_err *err)
{
    eh_scratch scratch;
    eh_value value;
    const char *reason;
    eh_buf json;
    eh_buf_init(&json, TEXT_MAX);
    if (doc == NULL || doc->kind == EH_DOC_NULL) return true;
    bool is_text = doc->kind == EH_DOC_STRING, ok = is_text || eh_doc_to_json(doc, &json, err);
    eh_slice text = is_text ? doc->as.string : eh_buf_slice(&json);
    eh_cell cell = {.kind = is_text ? EH_CELL_STRING : EH_CELL_NUMBER,
                    .len = (uint32_t)text.len,
                    .as.text = text.data};
    if (ok && eh_convert(&cell, type, true, &scratch, &value, &reason) && value.type == type)
        ok = set_point(point, &value, err);
    eh_buf_free(&json);
    return ok;
}

static bool recall(eh_type type, const eh_buf *json, eh_point *point, eh_err *err)
{
    const eh_doc *doc;
    if (json->len == 0) return true;
    eh_arena *arena = eh_arena_new(4 * TEXT_MAX);
    if (arena == NULL) return eh_fail_memory(err, "a cursor");
    bool ok = eh_json_to_doc(eh_buf_slice(json), arena, &doc, err) &&
              recall_doc(type, doc, point, err);
    eh_arena_free(arena);
    return ok;
}

/* ---- windows ---------------------------------------------------------------------------- */

static bool remember(const eh_doc *doc, eh_buf *out, eh_err *err)
{
    out->len = 0;
    return doc == NULL || eh_doc_to_json(doc, out, err);
}

bool eh_ascending_begin(eh_ascending *a, bool counts_time, const eh_doc *reached,
                        const eh_doc *behind, eh_err *err)
{
    a->counts_time = counts_time;
    a->rows = 0;
    a->column = SIZE_MAX;
    a->type = EH_TYPE_UNKNOWN;
    a->seen = false;
    a->row = 0;
    a->kept_count = a->kept_at = 0;
    a->next.known = a->last.known = a->first.known = a->reached.known = false;
    return set_text(&a->page, eh_slice_str("what was loaded before"), err) &&
           remember(reached, &a->before, err) && remember(behind, &a->behind, err);
}

/* ---- row functions ---------------------------------------------------------------------- */

bool eh_ascending_keep(eh_ascending *a, const eh_batch *batch, size_t column, eh_err *err)
{
    a->kept_count = a->kept_at = 0;
    if (batch->rows > a->kept_capacity) {
        eh_cell *kept = realloc(a->kept, batch->rows * sizeof *kept);
        if (kept != NULL) a->kept = kept;
        uint64_t *offsets = realloc(a->offsets, batch->rows * sizeof *offsets);
        if (offsets != NULL) a->offsets = offsets;
        if (kept == NULL || offsets == NULL) return eh_fail_memory(err, "values of the cursor");
        a->kept_capacity = batch->rows;
    }
    for (size_t r = 0; r < batch->rows; r++) {
        a->kept[r] = *eh_batch_cell(batch, r, column);
        a->offsets[r] = batch->places[r].offset;
    }
    a->kept_count = batch->rows;
    return true;
}

static bool is_same_cell(const eh_cell *a, const eh_cell *b)
{
    if (eh_cell_is_null(a) || eh_cell_is_null(b))
        return eh_cell_is_null(a) && eh_cell_is_null(b);
    if (eh_cell_has_text(a) && eh_cell_has_text(b))
        return eh_slice_equal(eh_cell_text(a), eh_cell_text(b));
    return a->kind == b->kind && a->as.integer == b->as.integer;
}

/* What is asked for from the cursor on is what the service calls so. */
static bool is_unchanged(eh_ascending *a, const eh_cell *cell, uint64_t offset, eh_err *err)
{
    while (a->kept_at < a->kept_count && a->offsets[a->kept_at] < offset) a->kept_at++;
    if (a->kept_at == a->kept_count || a->offsets[a->kept_at] != offset ||
        is_same_cell(&a->kept[a->kept_at], cell))
        return true;
    (void)eh_fail(err, EH_CLASS_CONFIG, "the row function changes %.*s, which is the cursor",
                  EH_SLICE_FMT(a->field->as.string));
    return eh_err_hint(err,
                       "with order = \"ascending\" the service is asked from its values on: "
                       "put what is made of them into another column");
}

/* ---- rows ------------------------------------------------------------------------------- */

static bool judge_type(const eh_ascending *a, eh_err *err)
{
    if (a->type == EH_TYPE_JSON || a->type == EH_TYPE_BOOLEAN) {
        return eh_fail(err, EH_CLASS_CONFIG,
                       "order = \"ascending\": %.*s is %s, which has none",
                       EH_SLICE_FMT(a->field->as.string), eh_type_name(a->type));
    }
    if (!a->counts_time || a->type == EH_TYPE_TIMESTAMP) return true;
    (void)eh_fail(
        err, EH_CLASS_CONFIG,
        "order = \"ascending\" within ctx:windows: %.*s is %s, and a span of time needs "
        "instants",
        EH_SLICE_FMT(a->field->as.string), eh_type_name(a->type));
    return eh_err_hint(err,
                       "declare it: columns = { %.*s = { type = \"timestamp\", zone = "
                       "\"UTC\" } }, or with epoch = \"s\"",
                       EH_SLICE_FMT(a->field->as.string));
}

bool eh_ascending_type(eh_ascending *a, eh_type type, bool declared, eh_err *err)
{
    a->declared = declared;
    if (a->type == type) return true;
    a->type = type;
    a->first.known = a->last.known = a->reached.known = false;
    return judge_type(a, err) && recall(a->type, &a->before, &a->reached, err) &&
           recall(a->type, &a->behind, &a->last, err);
}

static void show(const eh_point *point, char out[SHOWN_MAX + 4])
{
    eh_err ignored = {.class_ = EH_OK};
    eh_buf text;
    eh_buf_init(&text, TEXT_MAX);
    bool ok = point->known ? print_value(&point->value, &text, &ignored)
                           : eh_buf_append_str(&text, "NULL", &ignored);
    int len = !ok ? 0 : text.len < SHOWN_MAX ? (int)text.len : SHOWN_MAX;
    (void)snprintf(out, SHOWN_MAX + 4, "%.*s%s", len, len > 0 ? text.data : "",
                   text.len > SHOWN_MAX ? "..." : "");
    eh_buf_free(&text);
}

static bool fail_order(eh_ascending *a, const eh_place *place, const char *page, eh_err *err)
{
    char mine[SHOWN_MAX + 4], its[SHOWN_MAX + 4], before[32] = "";
    show(&a->next, mine);
    show(&a->last, its);
    if (a->row > 0) (void)snprintf(before, sizeof before, "row %" PRIu64 " of ", a->row);
    (void)eh_fail(
        err, EH_CLASS_REMOTE,
        "the rows do not come in the order of %.*s, as order = \"ascending\" says: row "
        "%" PRIu64 " has %s, and %s%.*s had %s",
        EH_SLICE_FMT(a->field->as.string), place->row, mine, before,
        EH_SLICE_FMT(eh_buf_slice(&a->page)), its);
    eh_err_place(err, "%s, row %" PRIu64, page, place->row);
    return eh_err_hint(err,
                       "ask the service for that order; if it cannot, take order out of the "
                       "declaration: the cursor then moves at the end of a window only");
}

bool eh_ascending_look(eh_ascending *a, const eh_batch *batch, size_t row, const char *page,
                       eh_err *err)
{
    static const eh_cell none = {.kind = EH_CELL_NULL};
    const eh_cell *cell =
        a->column < batch->columns ? eh_batch_cell(batch, row, a->column) : &none;
    const eh_place *place = &batch->places[row];
    eh_scratch scratch;
    eh_value value;
    const char *reason;
    a->next.known = false;
    a->rows++;
    if (!is_unchanged(a, cell, place->offset, err)) return false;
    if (eh_cell_is_null(cell)) return !a->last.known || fail_order(a, place, page, err);
    if (a->type == EH_TYPE_UNKNOWN) return true;
    /* What does not fit the column is a dead row, or the end of the run. */
    if (!eh_convert(cell, a->type, a->declared, &scratch, &value, &reason) ||
        value.type != a->type)
        return true;
    if (!set_point(&a->next, &value, err)) return false;
    return !a->last.known || compare(&a->next.value, &a->last.value) >= 0 ||
           fail_order(a, place, page, err);
}

bool eh_ascending_take(eh_ascending *a, const eh_place *place, const char *page, eh_err *err)
{
    const eh_value *value = &a->next.value;
    if (!a->next.known) return true;
    if (a->row != place->row || !eh_slice_is(eh_buf_slice(&a->page), page)) {
        a->row = place->row;
        if (!set_text(&a->page, eh_slice_str(page), err)) return false;
    }
    if (!a->first.known && !set_point(&a->first, value, err)) return false;
    if ((!a->reached.known || compare(value, &a->reached.value) > 0) &&
        !set_point(&a->reached, value, err))
        return false;
    return set_point(&a->last, value, err);
}

bool eh_ascending_overlaps(const eh_ascending *a, eh_arena *arena, const char **value)
{
    eh_err ignored = {.class_ = EH_OK};
    eh_point before = {.known = false};
    const eh_doc *doc = NULL;
    eh_buf_init(&before.text, TEXT_MAX);
    bool overlaps = a->first.known && recall(a->type, &a->before, &before, &ignored) &&
                    before.known && compare(&before.value, &a->first.value) == 0 &&
                    eh_json_to_doc(eh_buf_slice(&a->before), arena, &doc, &ignored);
    eh_buf_free(&before.text);
    *value = !overlaps ? NULL
             : doc->kind == EH_DOC_STRING
                 ? doc->as.string.data
                 : eh_arena_strndup(arena, a->before.data, a->before.len);
    return *value != NULL;
}

bool eh_ascending_is_later(eh_type type, const eh_doc *value, const eh_doc *other)
{
    eh_err ignored = {.class_ = EH_OK};
    eh_point points[2] = {{.known = false}, {.known = false}};
    for (size_t i = 0; i < 2; i++) {
        eh_buf_init(&points[i].text, TEXT_MAX);
        if (!recall_doc(type, i == 0 ? value : other, &points[i], &ignored))
            points[i].known = false;
    }
    bool later = points[0].known &&
                 (!points[1].known || compare(&points[0].value, &points[1].value) > 0);
    eh_buf_free(&points[0].text);
    eh_buf_free(&points[1].text);
    return later;
}
