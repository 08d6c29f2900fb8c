/* Local files as inputs: what a listing shows, what may be opened, identity, decoded reading.
 */
#include "io/file.h"
#include "remove_tree.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

static char root[128]; /* <folder>/in; beside it lies secret.csv */
static char folder[64];
static eh_arena *arena;
static eh_err err;

static const char *path_of(const char *name)
{
    static char path[4300];
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void put_bytes(const char *name, const void *bytes, size_t len)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    if (len > 0) assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

static void put_folder(const char *name)
{
    assert_int_equal(mkdir(path_of(name), 0755), 0);
}

static void put_link(const char *name, const char *to)
{
    assert_int_equal(symlink(to, path_of(name)), 0);
}

static int begin(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/eh_file.XXXXXX");
    if (mkdtemp(folder) == NULL) return -1;
    (void)snprintf(root, sizeof root, "%s/in", folder);
    if (mkdir(root, 0755) != 0) return -1;
    put("../secret.csv", "secret");
    arena = eh_arena_new((size_t)64 << 20);
    eh_err_clear(&err);
    return arena != NULL ? 0 : -1;
}

static int finish(void **state)
{
    (void)state;
    eh_arena_free(arena);
    return remove_tree(folder);
}

/* ---- listing --------------------------------------------------------------------------------
 */

/* Names joined by blanks; a page that is not the last ends in " ...". */
static const char *list(const char *prefix, const char *after, size_t limit)
{
    static char text[65536];
    eh_file_entry *entries;
    size_t count, at = 0;
    bool more;
    eh_err_clear(&err);
    if (!eh_files_list(root, prefix, after, limit, arena, &entries, &count, &more, &err))
        return eh_class_name(err.class_);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i > 0 ? " " : "",
                               entries[i].name);
    if (more) (void)snprintf(text + at, sizeof text - at, " ...");
    return text;
}

static void make_tree(void)
{
    static const char *const folders[] = {"a", "a/b", "ab", "a-", ".git", "a/.hidden", "empty"};
    static const char *const files[] = {
        "a/1.csv", "a/b/2.csv",   "ab/3.csv", "a-/4.csv",        "z.csv",  "a.csv",
        ".dot",    ".git/config", "a/.x.csv", "a/.hidden/y.csv", "b c.csv"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) put_folder(folders[i]);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) put(files[i], "x");
}

static void lists_in_byte_order(void **state)
{
    (void)state;
    assert_string_equal(list("", NULL, 10), "");
    make_tree();
    static const struct {
        const char *prefix, *after;
        size_t limit;
        const char *names;
    } cases[] = {
        {"", NULL, 100, "a-/4.csv a.csv a/1.csv a/b/2.csv ab/3.csv b c.csv z.csv"},
        {"a", NULL, 100, "a-/4.csv a.csv a/1.csv a/b/2.csv ab/3.csv"},
        {"a/", NULL, 100, "a/1.csv a/b/2.csv"},
        {"a/b", NULL, 100, "a/b/2.csv"},
        {"a/b/2", NULL, 100, "a/b/2.csv"},
        {"a/x", NULL, 100, ""},
        {"A", NULL, 100, ""},
        {"/", NULL, 100, ""},
        {"../", NULL, 100, ""},
        {"", "a.csv", 100, "a/1.csv a/b/2.csv ab/3.csv b c.csv z.csv"},
        {"", "a/1.csv", 100, "a/b/2.csv ab/3.csv b c.csv z.csv"},
        {"", "a/b", 100, "a/b/2.csv ab/3.csv b c.csv z.csv"},
        {"", "a/b!", 100, "a/b/2.csv ab/3.csv b c.csv z.csv"},
        {"", "a/b0", 100, "ab/3.csv b c.csv z.csv"},
        {"", "z.csv", 100, ""},
        {"", NULL, 2, "a-/4.csv a.csv ..."},
        {"", "a.csv", 2, "a/1.csv a/b/2.csv ..."},
        {"", "ab/3.csv", 2, "b c.csv z.csv"},
        {"a", "a.csv", 2, "a/1.csv a/b/2.csv ..."},
        {"", NULL, 7, "a-/4.csv a.csv a/1.csv a/b/2.csv ab/3.csv b c.csv z.csv"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(list(cases[i].prefix, cases[i].after, cases[i].limit),
                            cases[i].names);
}

/* Page by page, whatever the page's size, and more files than two pages. */
static void lists_page_by_page(void **state)
{
    (void)state;
    enum { FILES = 700 };
    for (int i = 0; i < FILES; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "d%d", i % 7);
        if (i < 7) put_folder(name);
        (void)snprintf(name, sizeof name, "d%d/%05d", i % 7, (i * 7919) % FILES);
        put(name, "");
    }
    static const size_t pages[] = {1, 64, 100, FILES, 1000};
    for (size_t p = 0; p < 5; p++) {
        char after[32] = "";
        int seen = 0;
        for (bool more = true; more;) {
            eh_file_entry *entries;
            size_t count;
            if (!eh_files_list(root, "", seen > 0 ? after : NULL, pages[p], arena, &entries,
                               &count, &more, &err))
                fail_msg("%s", err.message);
            for (size_t i = 0; i < count; i++, seen++) {
                assert_true(strcmp(entries[i].name, after) > 0);
                (void)snprintf(after, sizeof after, "%s", entries[i].name);
            }
            if (pages[p] == 1 && seen == 30) break; /* quadratic */
        }
        assert_int_equal(seen, pages[p] == 1 ? 30 : FILES);
    }
}

static void lists_links(void **state)
{
    (void)state;
    make_tree();
    put_link("l-inside", "a/1.csv");
    put_link("l-folder", "a");
    put_link("l-out", "../secret.csv");
    put_link("l-etc", "/etc/passwd");
    put_link("l-nothing", "missing.csv");
    put_link("l-self", "l-self");
    put_link("a/up", "..");
    put_link("a/here", ".");
    put_link("l-folder-out", "..");
    /* Those that lead out are shown, so that loading them is refused and said. */
    assert_string_equal(list("l-", NULL, 100), "l-etc l-folder-out l-folder/1.csv "
                                               "l-folder/b/2.csv l-inside l-out l-self");
    assert_string_equal(list("a/", NULL, 100), "a/1.csv a/b/2.csv");
}

static void lists_other_things(void **state)
{
    (void)state;
    put("a.csv", "12345");
    assert_int_equal(mkfifo(path_of("fifo.csv"), 0644), 0);
    eh_file_entry *entries;
    size_t count;
    bool more;
    assert_true(eh_files_list(root, "", NULL, 10, arena, &entries, &count, &more, &err));
    assert_int_equal(count, 1);
    assert_int_equal(entries[0].size, 5);
    assert_true(entries[0].modified_us > 1500000000000000);
    char missing[160];
    (void)snprintf(missing, sizeof missing, "%s/none", root);
    assert_false(eh_files_list(missing, "", NULL, 10, arena, &entries, &count, &more, &err));
    assert_int_equal(err.class_, EH_CLASS_NOT_FOUND);
}

static void lists_deep_folders(void **state)
{
    (void)state;
    char name[256] = "d";
    for (size_t depth = 1; depth <= 33; depth++) {
        put_folder(name);
        assert_string_equal(list("", NULL, 10), depth <= 32 ? "" : "limit");
        memcpy(name + strlen(name), "/d", 3);
    }
    assert_non_null(strstr(err.message, "nested"));
}

/* ---- opening --------------------------------------------------------------------------------
 */

static void opens_beneath_only(void **state)
{
    (void)state;
    make_tree();
    put_link("inside", "a/1.csv");
    put_link("absolute-inside", path_of("a/1.csv"));
    put_link("out", "../secret.csv");
    put_link("etc", "/etc/passwd");
    put_link("folder-out", "..");
    put_link("loop", "loop");
    put_link("proc", "/proc/self/exe");
    assert_int_equal(mkfifo(path_of("fifo"), 0644), 0);
    static const struct {
        const char *name;
        eh_class class_;
    } cases[] = {
        {"a/1.csv", EH_OK},
        {"./a/1.csv", EH_OK},
        {"a/../a/1.csv", EH_OK},
        {"inside", EH_OK},
        {"a//1.csv", EH_OK},
        {"../secret.csv", EH_CLASS_DENIED},
        {"a/../../secret.csv", EH_CLASS_DENIED},
        {"../in/a/1.csv", EH_CLASS_DENIED},
        {"/etc/passwd", EH_CLASS_DENIED},
        {"absolute-inside", EH_CLASS_DENIED},
        {"out", EH_CLASS_DENIED},
        {"etc", EH_CLASS_DENIED},
        {"folder-out/secret.csv", EH_CLASS_DENIED},
        {"loop", EH_CLASS_DENIED},
        {"proc", EH_CLASS_DENIED},
        {"none", EH_CLASS_NOT_FOUND},
        {"a/1.csv/x", EH_CLASS_NOT_FOUND},
        {"", EH_CLASS_NOT_FOUND},
        {"a", EH_CLASS_CONFIG},
        {".", EH_CLASS_CONFIG},
        {"fifo", EH_CLASS_CONFIG},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        eh_file file;
        eh_err_clear(&err);
        bool ok = eh_file_open(&file, root, cases[i].name, &err);
        if (ok != (cases[i].class_ == EH_OK) || err.class_ != cases[i].class_)
            fail_msg("%s: %s %s", cases[i].name, eh_class_name(err.class_), err.message);
        if (!ok) assert_int_equal(file.fd, -1);
        eh_file_close(&file);
    }
}

static void opens_what_the_operator_names(void **state)
{
    (void)state;
    put("a.csv", "abc");
    put_link("link", "../secret.csv");
    eh_file file;
    assert_true(
        eh_file_open(&file, NULL, path_of("link"), &err)); /* it is the operator's word */
    assert_int_equal(file.size, 6);
    assert_false(file.ours);
    eh_file_close(&file);
    assert_false(eh_file_open(&file, NULL, root, &err));
    assert_int_equal(err.class_, EH_CLASS_CONFIG);
}

static void opens_standard_input(void **state)
{
    (void)state;
    int ends[2], before = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "id\n1\n", 5), 5);
    (void)close(ends[1]);
    assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
    (void)close(ends[0]);
    eh_file file;
    bool growing;
    assert_true(eh_file_open(&file, NULL, "-", &err));
    assert_true(dup2(before, STDIN_FILENO) >= 0);
    (void)close(before);
    assert_int_equal(file.size, 5);
    assert_true(file.ours);
    assert_true(eh_file_identify(&file, &growing, &err));
    assert_false(growing);
    eh_file_close(&file);
    /* Beneath a root it is a file's name. */
    put("-", "x");
    assert_true(eh_file_open(&file, root, "-", &err));
    assert_int_equal(file.size, 1);
    eh_file_close(&file);
}

static void reads_small_files(void **state)
{
    (void)state;
    put("m.lua", "return {}");
    put("empty.lua", "");
    put_link("out.lua", "../secret.csv");
    eh_slice text;
    assert_true(eh_file_read_small(root, "m.lua", 9, arena, &text, &err));
    assert_true(eh_slice_is(text, "return {}"));
    assert_true(eh_file_read_small(root, "empty.lua", 9, arena, &text, &err));
    assert_true(text.data != NULL && text.len == 0);
    assert_true(eh_file_read_small(root, "none.lua", 9, arena, &text, &err));
    assert_null(text.data);
    assert_false(eh_file_read_small(root, "m.lua", 8, arena, &text, &err));
    assert_int_equal(err.class_, EH_CLASS_LIMIT);
    eh_err_clear(&err);
    assert_false(eh_file_read_small(root, "out.lua", 9, arena, &text, &err));
    assert_int_equal(err.class_, EH_CLASS_DENIED);
}

/* ---- identity -------------------------------------------------------------------------------
 */

static void identities(void **state)
{
    (void)state;
    char *large = malloc((size_t)9 << 20);
    assert_non_null(large);
    memset(large, 'x', (size_t)9 << 20);
    put("empty", "");
    put("abc", "abc");
    put("same", "abc");
    put_bytes("large", large, (size_t)9 << 20);
    large[(9 << 20) - 1] = 'y';
    put_bytes("other", large, (size_t)9 << 20);
    free(large);
    static const char *const names[] = {"empty", "abc", "same", "large", "other"};
    char identity[5][96];
    for (size_t i = 0; i < 5; i++) {
        eh_file file;
        bool growing;
        assert_true(eh_file_open(&file, root, names[i], &err));
        assert_true(eh_file_identify(&file, &growing, &err));
        assert_false(growing);
        memcpy(identity[i], file.identity, sizeof identity[i]);
        eh_file_close(&file);
    }
    assert_string_equal(
        identity[0],
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855:0");
    assert_string_equal(
        identity[1],
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad:3");
    assert_string_equal(identity[1], identity[2]);
    assert_string_not_equal(identity[3], identity[4]);
}

static void a_file_that_grows(void **state)
{
    (void)state;
    put("a.csv", "id\n1\n");
    eh_file file;
    bool growing;
    FILE *writer = fopen(path_of("a.csv"), "a");
    assert_non_null(writer);
    assert_true(eh_file_open(&file, root, "a.csv", &err));
    assert_true(eh_file_identify(&file, &growing, &err));
    assert_true(growing);
    assert_string_equal(file.identity, "");
    assert_int_equal(fclose(writer), 0);
    assert_true(eh_file_identify(&file, &growing, &err));
    assert_false(growing);
    assert_false(eh_file_changed(&file));
    put("a.csv", "id\n1\n2\n"); /* changed since it was opened: not to be trusted */
    assert_true(eh_file_changed(&file));
    assert_true(eh_file_identify(&file, &growing, &err));
    assert_true(growing);
    eh_file_close(&file);
    /* A reader is no writer. */
    int reader = open(path_of("a.csv"), O_RDONLY | O_CLOEXEC);
    assert_true(eh_file_open(&file, root, "a.csv", &err));
    assert_true(eh_file_identify(&file, &growing, &err));
    assert_false(growing);
    (void)close(reader);
    eh_file_close(&file);
}

/* ---- decoded reading ------------------------------------------------------------------------
 */

enum { BYTES = 7 << 20 }; /* more than one tail of decoded bytes */

/* Every eight bytes say where they stand. */
static char *make_text(void)
{
    char *text = malloc(BYTES + 1);
    assert_non_null(text);
    for (size_t i = 0; i < BYTES; i += 8) (void)snprintf(text + i, 9, "%07zu\n", i / 8);
    return text;
}

static void put_coded(const char *text)
{
    put_bytes("plain", text, BYTES);
    gzFile gz = gzopen(path_of("gzip"), "wb1");
    assert_non_null(gz);
    assert_int_equal(gzwrite(gz, text, BYTES), BYTES);
    assert_int_equal(gzclose(gz), Z_OK);
    size_t bound = ZSTD_compressBound(BYTES);
    char *coded = malloc(bound);
    assert_non_null(coded);
    size_t len = ZSTD_compress(coded, bound, text, BYTES, 1);
    assert_false(ZSTD_isError(len));
    put_bytes("zstd", coded, len);
    free(coded);
}

static void check_raw(eh_reader *reader, const char *text, uint64_t start, uint64_t end)
{
    eh_buf out;
    eh_buf_init(&out, (size_t)16 << 20);
    assert_true(eh_buf_append_str(&out, "before ", &err));
    if (!eh_reader_raw(reader, start, end, &out, &err)) fail_msg("%s", err.message);
    assert_int_equal(out.len, 7 + (end - start));
    assert_memory_equal(out.data + 7, text + start, end - start);
    eh_buf_free(&out);
}

static void reads_from_any_offset(void **state)
{
    (void)state;
    static const char *const names[] = {"plain", "gzip", "zstd"};
    static const uint64_t offsets[] = {0,      1,       8,         262143, 262144,
                                       262145, 5000001, BYTES - 1, BYTES};
    char *text = make_text();
    put_coded(text);
    for (size_t n = 0; n < 3; n++) {
        eh_file file;
        assert_true(eh_file_open(&file, root, names[n], &err));
        for (size_t o = 0; o < sizeof offsets / sizeof offsets[0]; o++) {
            eh_reader *reader = eh_reader_open(&file, offsets[o], &err);
            assert_non_null(reader);
            uint64_t at = offsets[o];
            for (bool end = false; !end;) {
                eh_slice bytes;
                assert_true(eh_reader_next(reader, &bytes, &end, &err));
                assert_true(at + bytes.len <= BYTES);
                assert_memory_equal(bytes.data, text + at, bytes.len);
                at += bytes.len;
            }
            assert_int_equal(at, BYTES);
            assert_int_equal(eh_reader_position(reader), file.size);
            eh_reader_free(reader);
        }
        assert_null(eh_reader_open(&file, BYTES + 1, &err));
        assert_int_equal(err.class_, EH_CLASS_DATA);
        eh_err_clear(&err);
        eh_file_close(&file);
    }
    free(text);
}

static void gives_bytes_again(void **state)
{
    (void)state;
    static const char *const names[] = {"plain", "gzip", "zstd"};
    char *text = make_text();
    put_coded(text);
    for (size_t n = 0; n < 3; n++) {
        eh_file file;
        assert_true(eh_file_open(&file, root, names[n], &err));
        eh_reader *reader = eh_reader_open(&file, 100, &err);
        assert_non_null(reader);
        check_raw(reader, text, 0, 40); /* nothing was read yet */
        bool end = false;
        uint64_t decoded = 100;
        while (!end) {
            eh_slice bytes;
            assert_true(eh_reader_next(reader, &bytes, &end, &err));
            decoded += bytes.len;
            check_raw(reader, text, decoded - 16, decoded); /* the tail */
        }
        /* Far behind, forwards; a record that ends past what was decoded again; backwards. */
        for (uint64_t at = 0; at + 3000 < BYTES; at += 300007)
            check_raw(reader, text, at, at + 3000);
        check_raw(reader, text, 0, 0);
        check_raw(reader, text, 8, 16);
        check_raw(reader, text, 100, 4 << 20); /* larger than a tail */
        check_raw(reader, text, (4 << 20) - 8, (4 << 20) + 8);
        check_raw(reader, text, 0, BYTES);
        check_raw(reader, text, BYTES - 8, BYTES);
        eh_reader_free(reader);
        eh_file_close(&file);
    }
    free(text);
}

static void cut_files(void **state)
{
    (void)state;
    char *text = make_text();
    put_coded(text);
    free(text);
    static const char *const names[] = {"gzip", "zstd"};
    for (size_t n = 0; n < 2; n++) {
        struct stat st;
        assert_int_equal(stat(path_of(names[n]), &st), 0);
        assert_int_equal(truncate(path_of(names[n]), st.st_size - 3), 0);
        eh_file file;
        assert_true(eh_file_open(&file, root, names[n], &err));
        eh_reader *reader = eh_reader_open(&file, 0, &err);
        assert_non_null(reader);
        bool end = false, ok = true;
        while (ok && !end) {
            eh_slice bytes;
            ok = eh_reader_next(reader, &bytes, &end, &err);
        }
        assert_false(ok);
        assert_int_equal(err.class_, EH_CLASS_DATA);
        eh_err_clear(&err);
        eh_reader_free(reader);
        eh_file_close(&file);
    }
    /* A plain file that becomes shorter while it is read. */
    eh_file file;
    assert_true(eh_file_open(&file, root, "plain", &err));
    eh_reader *reader = eh_reader_open(&file, 0, &err);
    eh_slice bytes;
    bool end;
    assert_true(eh_reader_next(reader, &bytes, &end, &err));
    assert_int_equal(truncate(path_of("plain"), 300000), 0);
    assert_false(eh_reader_next(reader, &bytes, &end, &err));
    assert_int_equal(err.class_, EH_CLASS_DATA);
    eh_reader_free(reader);
    eh_file_close(&file);
}

static void an_empty_file(void **state)
{
    (void)state;
    put("empty", "");
    eh_file file;
    assert_true(eh_file_open(&file, root, "empty", &err));
    eh_reader *reader = eh_reader_open(&file, 0, &err);
    assert_non_null(reader);
    eh_slice bytes;
    bool end = false;
    assert_true(eh_reader_next(reader, &bytes, &end, &err));
    assert_true(end && bytes.len == 0);
    check_raw(reader, "", 0, 0);
    eh_reader_free(reader);
    eh_file_close(&file);
}

#define in_a_folder(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_a_folder(lists_in_byte_order),
        in_a_folder(lists_page_by_page),
        in_a_folder(lists_links),
        in_a_folder(lists_other_things),
        in_a_folder(lists_deep_folders),
        in_a_folder(opens_beneath_only),
        in_a_folder(opens_what_the_operator_names),
        in_a_folder(opens_standard_input),
        in_a_folder(reads_small_files),
        in_a_folder(identities),
        in_a_folder(a_file_that_grows),
        in_a_folder(reads_from_any_offset),
        in_a_folder(gives_bytes_again),
        in_a_folder(cut_files),
        in_a_folder(an_empty_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
