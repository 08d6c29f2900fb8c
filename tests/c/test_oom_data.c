/* More units of data/ that hold no file and no connection, with each allocation failing in
 * turn: zones, listings of buckets, small JSON documents, printing. See oom.h; the parsers and
 * what changes rows are in test_oom.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include "oom.h"

#include "data/json_doc.h"
#include "data/json_indent.h"
#include "data/print.h"
#include "data/s3_list.h"
#include "data/s3_url.h"
#include "data/zone.h"

#include <string.h>

#define ARENA ((size_t)16 * 1024 * 1024)

static bool wrong(eh_err *err, const char *what)
{
    return eh_fail(err, EH_CLASS_BUG, "%s", what);
}

static bool zones(void *what, eh_err *err)
{
    const eh_slice *tzif = what;
    eh_zone *fixed = eh_zone_fixed(eh_slice_str("+02:00"), err);
    eh_zone *zone = fixed != NULL ? eh_zone_parse(*tzif, err) : NULL;
    bool ok = zone != NULL;
    if (ok && eh_zone_offset(zone, INT64_C(1767225600000000)) != 3600)
        ok = wrong(err, "another offset");
    eh_zone_free(fixed);
    eh_zone_free(zone);
    return ok;
}

static bool list(void *what, eh_err *err)
{
    const eh_slice *text = what;
    eh_s3_page page;
    eh_s3_fault fault;
    eh_arena *arena = eh_arena_new(ARENA);
    if (arena == NULL) return eh_fail_memory(err, "an arena");
    eh_s3_list *l = eh_s3_list_new(arena, err);
    bool ok = l != NULL && eh_s3_list_feed(l, eh_slice_of(text->data, 100), err) &&
              eh_s3_list_feed(l, eh_slice_of(text->data + 100, text->len - 100), err) &&
              eh_s3_list_end(l, &page, &fault, err) &&
              ((page.count == 60 && page.more && strcmp(page.token, "t") == 0) ||
               wrong(err, "objects are missing"));
    eh_s3_list_free(l);
    eh_arena_free(arena);
    return ok;
}

static bool urls(void *what, eh_err *err)
{
    (void)what;
    const eh_s3_bucket bucket = {"acme", "eu-central-1", "", false};
    eh_s3_pair pairs[] = {{"prefix", {"a b", 3}}, {"list-type", {"2", 1}}};
    eh_buf out;
    eh_buf_init(&out, 1 << 16);
    bool ok = eh_s3_url(&bucket, eh_slice_str("a/b c"), pairs, 2, &out, err) &&
              eh_s3_host(&bucket, &out, err);
    eh_buf_free(&out);
    return ok;
}

/* What cannot be read for lack of memory is no error of a store that is known; the status says
 * what it is. */
static bool faults(void *what, eh_err *err)
{
    (void)what;
    eh_s3_fault fault;
    eh_arena *arena = eh_arena_new(ARENA);
    if (arena == NULL) return eh_fail_memory(err, "an arena");
    bool ok = eh_s3_fault_read(
        eh_slice_str("<Error><Code>NoSuchKey</Code><Message>no</Message></Error>"), arena,
        &fault);
    eh_arena_free(arena);
    return ok || eh_fail_memory(err, "an error's text");
}

static bool documents(void *what, eh_err *err)
{
    (void)what;
    static const char text[] =
        "{\"a\":{\"b\":[1,2.5,12345678901234567890,\"x\\u00e9\",null,true,{\"c\":[]}]},\"d\":"
        "{\"e\":1}}";
    const eh_doc *doc = NULL;
    eh_slice found;
    size_t at = 0;
    bool more, is_json = false;
    eh_buf out;
    eh_buf_init(&out, 1 << 16);
    eh_arena *arena = eh_arena_new(ARENA);
    if (arena == NULL) return eh_fail_memory(err, "an arena");
    eh_doc *items = eh_doc_list(arena);
    bool ok = eh_json_to_doc(eh_slice_str(text), arena, &doc, err) &&
              eh_json_find(eh_slice_str(text), eh_slice_str("d.e"), arena, &doc, err) &&
              (doc != NULL || wrong(err, "nothing at a path")) &&
              eh_json_look(eh_slice_str(text), eh_slice_str("a.b"), NULL, &found, err) &&
              (items != NULL || eh_fail_memory(err, "items")) &&
              eh_json_items(found, &at, 1000, arena, items, &more, err) &&
              (eh_doc_count(items) == 7 || wrong(err, "items are missing")) &&
              eh_json_indent(eh_slice_str(text), &out, &is_json, err) &&
              (is_json || wrong(err, "no JSON"));
    eh_arena_free(arena);
    eh_buf_free(&out);
    return ok;
}

static bool print(void *what, eh_err *err)
{
    static const eh_slice names[] = {{"id", 2}, {"a name", 6}};
    static const eh_type types[] = {EH_TYPE_BIGINT, EH_TYPE_TEXT};
    static const eh_print_column schema[] = {
        {{"id", 2}, EH_TYPE_BIGINT, 2, 0, {"1", 1}, "why"},
        {{"a name", 6}, EH_TYPE_TEXT, 2, 1, {"x", 1}, NULL}};
    eh_cell cells[2] = {{.kind = EH_CELL_RAW, .len = 1, .as.text = "1"},
                        {.kind = EH_CELL_STRING, .len = 6, .as.text = "\"\xc3\xa9\x1b[m"}};
    const eh_cell *const pick[] = {&cells[0], &cells[1]};
    eh_buf out;
    eh_buf_init(&out, 1 << 20);
    eh_printer *p = eh_printer_new(*(const eh_print_format *)what, 80, &out, err);
    bool ok = p != NULL && eh_printer_begin(p, names, types, 2, err);
    for (int i = 0; ok && i < 300; i++) ok = eh_printer_row(p, pick, err);
    ok = ok && eh_printer_end(p, err) && eh_print_schema(schema, 2, 80, &out, err);
    eh_printer_free(p);
    eh_buf_free(&out);
    return ok;
}

static void zones_without_memory(void **state)
{
    (void)state;
    static char bytes[65536];
    FILE *file = fopen("/usr/share/zoneinfo/Europe/Berlin", "r");
    if (file == NULL) skip();
    eh_slice tzif = {bytes, fread(bytes, 1, sizeof bytes, file)};
    assert_int_equal(fclose(file), 0);
    oom_sweep(zones, &tzif);
}

static void listings(void **state)
{
    (void)state;
    eh_buf text;
    eh_buf_init(&text, 1 << 20);
    assert_true(eh_buf_append_str(&text,
                                  "<?xml version=\"1.0\"?><ListBucketResult><EncodingType>url"
                                  "</EncodingType><IsTruncated>true</IsTruncated>"
                                  "<NextContinuationToken>t</NextContinuationToken>",
                                  NULL));
    for (int i = 0; i < 60; i++)
        assert_true(eh_buf_printf(
            &text, NULL,
            "<Contents><Key>a%%20%d</Key><LastModified>2026-03-01T01:02:03.000Z</LastModified>"
            "<ETag>&quot;%d&quot;</ETag><Size>9</Size><StorageClass>STANDARD</StorageClass>"
            "</Contents>",
            i, i));
    assert_true(eh_buf_append_str(&text, "</ListBucketResult>", NULL));
    eh_slice all = eh_buf_slice(&text);
    oom_sweep(list, &all);
    oom_sweep(urls, NULL);
    oom_sweep(faults, NULL);
    eh_buf_free(&text);
}

static void json_and_printing(void **state)
{
    (void)state;
    oom_sweep(documents, NULL);
    for (int f = EH_PRINT_TABLE; f <= EH_PRINT_CSV; f++) {
        eh_print_format format = (eh_print_format)f;
        oom_sweep(print, &format);
    }
}

int main(void)
{
    oom_spare_openssl();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_without_memory),
        cmocka_unit_test(listings),
        cmocka_unit_test(json_and_printing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
