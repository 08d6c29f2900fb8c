/* Frames: what goes in comes out, and whatever a peer may forge is refused. */
#include "wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ARENA_MAX = 32 * 1024 * 1024 };

static eh_doc *sample(eh_arena *arena)
{
    eh_doc *map = eh_doc_map(arena), *list = eh_doc_list(arena);
    eh_slice binary = eh_slice_of("a\0\xff", 3);
    assert_true(eh_doc_push(list, eh_doc_null(arena), NULL));
    assert_true(eh_doc_push(list, eh_doc_boolean(arena, true), NULL));
    assert_true(eh_doc_push(list, eh_doc_boolean(arena, false), NULL));
    assert_true(eh_doc_push(list, eh_doc_integer(arena, INT64_MIN), NULL));
    assert_true(eh_doc_push(list, eh_doc_double(arena, -0.1), NULL));
    assert_true(eh_doc_push(list, eh_doc_map(arena), NULL));
    assert_true(eh_doc_put(arena, map, eh_slice_str("list"), list, NULL));
    assert_true(eh_doc_put_str(arena, map, "bytes", binary, NULL));
    assert_true(eh_doc_put_str(arena, map, "", eh_slice_str(""), NULL));
    assert_true(eh_doc_put_int(arena, map, "\xc3\xa9", 7, NULL));
    return map;
}

static void test_round_trip(void **state)
{
    (void)state;
    eh_arena *arena = eh_arena_new(ARENA_MAX);
    eh_buf buf;
    eh_buf_init(&buf, 4 * EH_FRAME_MAX);
    eh_doc *doc = sample(arena);
    eh_err err = {0};
    assert_true(eh_frame_write(&buf, EH_FRAME_CALL, 7, doc, &err));
    size_t first = buf.len;
    assert_true(eh_frame_write(&buf, EH_FRAME_FINISHED, 0, NULL, &err));

    eh_frame frame;
    size_t used = 0;
    assert_int_equal(eh_frame_read(eh_buf_slice(&buf), arena, &frame, &used, &err),
                     EH_FRAME_READY);
    assert_int_equal(used, first);
    assert_int_equal(frame.type, EH_FRAME_CALL);
    assert_int_equal(frame.task, 7);
    assert_true(eh_doc_equal(frame.body, doc));
    eh_buf_consume(&buf, used);
    assert_int_equal(eh_frame_read(eh_buf_slice(&buf), arena, &frame, &used, &err),
                     EH_FRAME_READY);
    assert_int_equal(frame.body->kind, EH_DOC_NULL);
    eh_buf_free(&buf);
    eh_arena_free(arena);
}

/* Every prefix of a frame is PARTIAL; every prefix of its body alone is refused. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    eh_arena *arena = eh_arena_new(ARENA_MAX);
    eh_buf buf;
    eh_buf_init(&buf, EH_FRAME_MAX);
    assert_true(eh_frame_write(&buf, EH_FRAME_CALL, 1, sample(arena), NULL));
    for (size_t len = 0; len < buf.len; len++) {
        eh_frame frame;
        size_t used = 99;
        eh_err err = {0};
        eh_slice part = eh_slice_of(buf.data, len);
        assert_int_equal(eh_frame_read(part, arena, &frame, &used, &err), EH_FRAME_PARTIAL);
        if (len < EH_FRAME_HEADER) continue;
        part = eh_slice_of(buf.data + EH_FRAME_HEADER, len - EH_FRAME_HEADER);
        assert_null(eh_doc_decode(arena, part, &err));
        assert_int_equal(err.class_, EH_CLASS_REMOTE);
    }
    eh_buf_free(&buf);
    eh_arena_free(arena);
}

static void expect_refused(const char *bytes, size_t len)
{
    eh_arena *arena = eh_arena_new(ARENA_MAX);
    eh_err err = {0};
    assert_null(eh_doc_decode(arena, eh_slice_of(bytes, len), &err));
    assert_int_equal(err.class_, EH_CLASS_REMOTE);
    assert_int_equal(eh_arena_used(arena), 0); /* nothing was built */
    eh_arena_free(arena);
}
#define REFUSED(bytes) expect_refused(bytes, sizeof(bytes) - 1)

static void test_forged_bodies(void **state)
{
    (void)state;
    REFUSED("");
    REFUSED("\x08"); /* unknown tag */
    REFUSED("\xff");
    REFUSED("\x00\x00");                 /* a second value behind the first */
    REFUSED("\x05\xff\xff\xff\xff");     /* string past the end */
    REFUSED("\x06\xff\xff\xff\xff\x00"); /* count past the end */
    REFUSED("\x07\x01\x00\x00\x00\xff\xff\xff\x7f"
            "a\x00");                                                /* key past the end */
    REFUSED("\x07\x01\x00\x00\x00\x01\x00\x00\x00\xff\x00");         /* key is not UTF-8 */
    REFUSED("\x07\x01\x00\x00\x00\x03\x00\x00\x00\xed\xa0\x80\x00"); /* surrogate */
    REFUSED("\x07\x01\x00\x00\x00\x02\x00\x00\x00\xc0\x80\x00");     /* overlong NUL */
    REFUSED("\x07\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00");         /* NUL in a key */
    REFUSED("\x07\x02\x00\x00\x00\x01\x00\x00\x00"
            "a\x00\x01\x00\x00\x00"
            "a\x00"); /* twice */
}

static void test_forged_headers(void **state)
{
    (void)state;
    static const char huge[] = "\x01\x00\x10\x00\x23\x00\x00\x00\x00\x00\x00\x00";
    static const char reserved[] = "\x01\x00\x00\x00\x23\x00\x01\x00\x00\x00\x00\x00\x00";
    static const char type[] = "\x01\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00";
    const char *all[] = {huge, reserved, type};
    eh_arena *arena = eh_arena_new(ARENA_MAX);
    for (size_t i = 0; i < 3; i++) {
        eh_frame frame;
        size_t used = 0;
        eh_err err = {0};
        /* Twelve bytes are enough: a forged length is not waited for. */
        eh_slice bytes = eh_slice_of(all[i], EH_FRAME_HEADER);
        assert_int_equal(eh_frame_read(bytes, arena, &frame, &used, &err), EH_FRAME_BAD);
        assert_int_equal(err.class_, EH_CLASS_REMOTE);
    }
    eh_arena_free(arena);
}

static void nested_lists(eh_buf *buf, size_t depth)
{
    for (size_t i = 0; i < depth; i++)
        assert_true(eh_buf_append(buf, "\x06\x01\x00\x00\x00", 5, NULL));
    assert_true(eh_buf_append_byte(buf, 0, NULL));
}

static void test_depth(void **state)
{
    (void)state;
    eh_arena *arena = eh_arena_new(ARENA_MAX);
    eh_buf buf;
    eh_buf_init(&buf, EH_FRAME_MAX);
    nested_lists(&buf, 64);
    assert_non_null(eh_doc_decode(arena, eh_buf_slice(&buf), NULL));
    buf.len = 0;
    nested_lists(&buf, 65);
    expect_refused(buf.data, buf.len);
    buf.len = 0;
    nested_lists(&buf, 200000);
    expect_refused(buf.data, buf.len);
    eh_buf_free(&buf);
    eh_arena_free(arena);
}

static void list_of_nulls(eh_buf *buf, uint32_t count)
{
    char head[5] = {6, (char)count, (char)(count >> 8), (char)(count >> 16), 0};
    assert_true(eh_buf_append(buf, head, 5, NULL));
    for (uint32_t i = 0; i < count; i++) assert_true(eh_buf_append_byte(buf, 0, NULL));
}

static void test_nodes(void **state)
{
    (void)state;
    eh_arena *arena = eh_arena_new(ARENA_MAX);
    eh_buf buf;
    eh_buf_init(&buf, EH_FRAME_MAX);
    list_of_nulls(&buf, 99999);
    assert_non_null(eh_doc_decode(arena, eh_buf_slice(&buf), NULL));
    buf.len = 0;
    list_of_nulls(&buf, 100000);
    expect_refused(buf.data, buf.len);
    eh_buf_free(&buf);
    eh_arena_free(arena);
}

/* Duplicates are found behind the small set too, and a wide map is read in linear time. */
static void test_wide_map(void **state)
{
    (void)state;
    eh_arena *arena = eh_arena_new(ARENA_MAX);
    eh_buf buf;
    eh_buf_init(&buf, EH_FRAME_MAX);
    enum { KEYS = 70000 };
    uint32_t count = KEYS;
    char head[5] = {7, (char)count, (char)(count >> 8), (char)(count >> 16), 0};
    assert_true(eh_buf_append(&buf, head, 5, NULL));
    size_t last = 0;
    for (uint32_t i = 0; i < KEYS; i++) {
        assert_true(eh_buf_append(&buf, "\x05\x00\x00\x00", 4, NULL));
        last = buf.len;
        assert_true(eh_buf_printf(&buf, NULL, "%05x", i));
        assert_true(eh_buf_append_byte(&buf, 0, NULL));
    }
    assert_non_null(eh_doc_decode(arena, eh_buf_slice(&buf), NULL));
    memcpy(buf.data + last, "0abcd", 5);
    expect_refused(buf.data, buf.len);
    eh_buf_free(&buf);
    eh_arena_free(arena);
}

static void test_writer_refuses(void **state)
{
    (void)state;
    eh_arena *arena = eh_arena_new(ARENA_MAX);
    eh_buf buf, big;
    eh_buf_init(&buf, 8 * EH_FRAME_MAX);
    eh_buf_init(&big, 2 * EH_FRAME_MAX);
    assert_true(eh_buf_append_str(&buf, "before", NULL));
    assert_true(eh_buf_reserve(&big, EH_FRAME_MAX, NULL));
    memset(big.data, 'x', EH_FRAME_MAX);
    eh_err err = {0};
    eh_doc *text = eh_doc_string(arena, eh_slice_of(big.data, EH_FRAME_MAX - 5));
    assert_true(eh_frame_write(&buf, EH_FRAME_LOG, 0, text, &err)); /* exactly the maximum */
    buf.len = 6;
    text = eh_doc_string(arena, eh_slice_of(big.data, EH_FRAME_MAX - 4));
    assert_false(eh_frame_write(&buf, EH_FRAME_LOG, 0, text, &err));
    assert_int_equal(err.class_, EH_CLASS_LIMIT);
    assert_int_equal(buf.len, 6);

    eh_err_clear(&err);
    eh_doc *map = eh_doc_map(arena);
    assert_true(eh_doc_put_int(arena, map, "\xff", 1, NULL));
    assert_false(eh_frame_write(&buf, EH_FRAME_LOG, 0, map, &err));
    assert_int_equal(err.class_, EH_CLASS_LIMIT);
    assert_int_equal(buf.len, 6);

    eh_err_clear(&err);
    eh_doc *nest = eh_doc_list(arena);
    for (int i = 0; i < 64; i++) {
        eh_doc *outer = eh_doc_list(arena);
        assert_true(eh_doc_push(outer, nest, NULL));
        nest = outer;
    }
    assert_false(eh_doc_encode(&buf, nest, &err));
    assert_int_equal(err.class_, EH_CLASS_LIMIT);
    eh_buf_free(&big);
    eh_buf_free(&buf);
    eh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_forged_bodies), cmocka_unit_test(test_forged_headers),
        cmocka_unit_test(test_depth),         cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_wide_map),      cmocka_unit_test(test_writer_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
