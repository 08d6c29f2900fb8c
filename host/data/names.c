/* data/names.c: see names.h. Normalising is one pass over the characters of a name into a
 * writer that counts and hashes what it cannot keep. */
#include "data/names.h"

#include "base/map.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TAG = 9,                  /* "_" and eight hexadecimal digits */
    KEPT = EH_NAME_MAX - TAG, /* of a name that is too long */
    ROOM = EH_NAME_MAX + 4    /* the writer's buffer: one character past the end fits */
};

/* ---- Characters ----------------------------------------------------------------------------
 */

/* Latin-1 letters from U+00C0 and Latin Extended-A, U+0100 to U+017F, without their marks.
 * Pairs are separated by blanks; a '.' is no letter. */
static const char latin1[] = "A A A A A A AEC E E E E I I I I D N O O O O O . O U U U U Y THss"
                             "a a a a a a aec e e e e i i i i d n o o o o o . o u u u u y thy ";
static const char extended_a[] =
    "A a A a A a C c C c C c C c D d D d E e E e E e E e E e G g G g "
    "G g G g H h H h I i I i I i I i I i IJijJ j K k k L l L l L l L "
    "l L l N n N n N n n N n O o O o O o OEoeR r R r R r S s S s S s "
    "S s T t T t T t U u U u U u U u U u U u W w Y y Y Z z Z z Z z s ";

/* One character of UTF-8 at *p, moved past it; -1 (and one byte on) for what is not UTF-8. */
static int32_t next_char(const unsigned char **p, const unsigned char *end)
{
    static const int32_t least[4] = {0, 0x80, 0x800, 0x10000};
    unsigned char c = *(*p)++;
    if (c < 0x80) return c;
    int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    if (c < 0xc2 || c > 0xf4 || end - *p < more) return -1;
    int32_t code = c & (0x3f >> more);
    for (int i = 0; i < more; i++) {
        if (((*p)[i] & 0xc0) != 0x80) return -1;
        code = code << 6 | ((*p)[i] & 0x3f);
    }
    if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return -1;
    *p += more;
    return code;
}

static bool is_lower(int32_t c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(int32_t c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_mark(int32_t c)
{
    return c >= 0x300 && c <= 0x36f;
}

/* A letter, or two, without marks; kept in `out`, which has room for two. 0: not a Latin one.
 */
static size_t fold(int32_t c, char *out)
{
    const char *pair = NULL;
    if (c >= 0xc0 && c <= 0xff) pair = &latin1[2 * (size_t)(c - 0xc0)];
    if (c >= 0x100 && c <= 0x17f) pair = &extended_a[2 * (size_t)(c - 0x100)];
    if (pair == NULL || pair[0] == '.') return 0;
    out[0] = pair[0];
    out[1] = pair[1];
    return pair[1] == ' ' ? 1 : 2;
}

/* Punctuation, blanks, currency and controls outside ASCII; invalid bytes too. */
static bool is_separator(int32_t c)
{
    if (c < 0x80) return !(is_lower(c) || is_upper(c) || (c >= '0' && c <= '9'));
    if (c <= 0xbf) return c != 0xaa && c != 0xb5 && c != 0xba;
    return c == 0xd7 || c == 0xf7 || (c >= 0x2000 && c <= 0x206f) ||
           (c >= 0x20a0 && c <= 0x20cf) || (c >= 0x2190 && c <= 0x2bff) ||
           (c >= 0x3000 && c <= 0x3003) || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff ||
           (c >= 0xff01 && c <= 0xff0f) || c == 0xfffd;
}

/* ---- The writer ----------------------------------------------------------------------------
 */

typedef struct writer {
    char text[ROOM];
    size_t len; /* of the whole name, kept or not */
    uint64_t hash;
    bool pending; /* a separator waits for the character after it */
} writer;

static void put_bytes(writer *w, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        w->hash = (w->hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
        if (w->len < ROOM) w->text[w->len] = bytes[i];
        w->len++;
    }
}

/* A letter or a digit, after the separator that may wait for it. */
static void put_char(writer *w, const char *bytes, size_t len)
{
    if (w->pending && w->len > 0) put_bytes(w, "_", 1);
    if (w->len == 0 && bytes[0] >= '0' && bytes[0] <= '9') put_bytes(w, "_", 1);
    w->pending = false;
    put_bytes(w, bytes, len);
}

static bool is_begun(const writer *w)
{
    return w->len > 1 || (w->len == 1 && w->text[0] != '_');
}

/* A length of at most `most` that does not end inside a character. */
static size_t whole_chars(const char *text, size_t len, size_t most)
{
    if (len <= most) return len;
    while (most > 0 && ((unsigned char)text[most] & 0xc0) == 0x80) most--;
    return most;
}

static void finish(writer *w, char *out)
{
    if (w->len <= EH_NAME_MAX) {
        memcpy(out, w->text, w->len);
        out[w->len] = '\0';
        return;
    }
    size_t kept = whole_chars(w->text, w->len, KEPT);
    while (kept > 0 && w->text[kept - 1] == '_') kept--;
    memcpy(out, w->text, kept);
    (void)snprintf(out + kept, TAG + 1, "_%08x", (unsigned)(w->hash ^ w->hash >> 32));
}

/* ---- Normalising ---------------------------------------------------------------------------
 */

/* Names that Postgres or etlhost has already taken in every table. */
static bool is_reserved(const char *name)
{
    static const char *const taken[] = {
        "ctid",    "xmin",     "xmax",     "cmin",       "cmax",  "tableoid", "_client_id",
        "_source", "_project", "_load_id", "_loaded_at", "_file", "_row",     "_extra"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcmp(name, taken[i]) == 0) return true;
    return false;
}

/* What stands before an upper-case letter and after it decides whether it begins a word. */
static bool begins_word(int32_t before, bool run, int32_t after, int32_t after_that)
{
    if (is_lower(before) || (before >= '0' && before <= '9')) return true;
    if (!run || !is_lower(after)) return false;
    return after != 's' || is_lower(after_that); /* "userIDs" is user_ids */
}

static int32_t peek(const unsigned char **p, const unsigned char *end)
{
    char folded[2];
    if (*p >= end) return 0;
    int32_t c = next_char(p, end);
    return fold(c, folded) > 0 ? folded[0] : c;
}

/* One letter of the Latin alphabet, folded, in the case it was written in. */
static void put_latin(writer *w, const char *letters, size_t count, int32_t before, bool run,
                      const unsigned char *rest, const unsigned char *end)
{
    char lower[2];
    int32_t after = peek(&rest, end), after_that = peek(&rest, end);
    if (is_upper(letters[0]) && begins_word(before, run, after, after_that)) w->pending = true;
    for (size_t i = 0; i < count; i++)
        lower[i] = (char)(is_upper(letters[i]) ? letters[i] | 0x20 : letters[i]);
    put_char(w, lower, count);
}

static void normalise(eh_slice written, writer *w)
{
    const unsigned char *p = (const unsigned char *)written.data, *end = p + written.len;
    int32_t before = 0; /* the last character, folded */
    bool latin = false;
    if (written.len > 0 && *p == '_') put_bytes(w, "_", 1);
    while (p < end) {
        const unsigned char *start = p;
        char letters[2];
        int32_t c = next_char(&p, end);
        size_t count = fold(c, letters);
        if (count == 0 && c > 0 && c < 0x80) letters[0] = (char)c, count = 1;
        if (is_mark(c) && latin) continue; /* e and a combining accent: e */
        latin = !is_separator(c) && count > 0;
        if (is_separator(c)) {
            w->pending = is_begun(w);
            before = '_';
        } else if (latin) {
            put_latin(w, letters, count, before, is_upper(before), p, end);
            before = (unsigned char)letters[count - 1];
        } else {
            put_char(w, (const char *)start, (size_t)(p - start));
            before = c;
        }
    }
}

void eh_name_normalise(eh_slice written, char *out)
{
    writer w = {.hash = UINT64_C(0xcbf29ce484222325)};
    normalise(written, &w);
    finish(&w, out);
    size_t len = strlen(out);
    if (len == 0 || strcmp(out, "_") == 0) memcpy(out, "column", sizeof "column");
    if (is_reserved(out)) memcpy(out + len, "_", 2);
}

/* ---- The scope -----------------------------------------------------------------------------
 */

struct eh_names {
    eh_map by_written; /* -> index into names */
    eh_map taken;      /* database names */
    char **names;      /* owned strings */
    size_t count;
    size_t capacity;
};

eh_names *eh_names_new(void)
{
    eh_names *names = calloc(1, sizeof *names);
    if (names == NULL) return NULL;
    eh_map_init(&names->by_written);
    eh_map_init(&names->taken);
    return names;
}

void eh_names_free(eh_names *names)
{
    if (names == NULL) return;
    for (size_t i = 0; i < names->count; i++) free(names->names[i]);
    free(names->names);
    eh_map_free(&names->by_written);
    eh_map_free(&names->taken);
    free(names);
}

static bool grow(eh_names *names, eh_err *err)
{
    if (names->count < names->capacity) return true;
    size_t capacity = names->capacity == 0 ? 32 : names->capacity * 2;
    char **more = realloc(names->names, capacity * sizeof *more);
    if (more == NULL) return eh_fail_memory(err, "names of columns");
    names->names = more;
    names->capacity = capacity;
    return true;
}

static bool record(eh_names *names, eh_slice written, const char *name, eh_err *err)
{
    if (!grow(names, err)) return false;
    char *copy = strdup(name);
    if (copy == NULL) return eh_fail_memory(err, "a name of a column");
    names->names[names->count++] = copy; /* from here on the scope owns it */
    /* Taken first: without memory for the second, a name may be lost but never given twice. */
    return eh_map_put(&names->taken, eh_slice_str(name), 1, err) &&
           eh_map_put(&names->by_written, written, names->count - 1, err);
}

/* Puts _2, _3 ... behind `base` until the name is free. */
static void make_free(const eh_names *names, char *name)
{
    char base[EH_NAME_MAX + 1], suffix[24];
    memcpy(base, name, sizeof base);
    for (size_t n = 2; eh_map_get(&names->taken, eh_slice_str(name), NULL); n++) {
        size_t len = (size_t)snprintf(suffix, sizeof suffix, "_%zu", n);
        size_t kept = whole_chars(base, strlen(base), EH_NAME_MAX - len);
        while (kept > 1 && base[kept - 1] == '_') kept--;
        (void)snprintf(name, EH_NAME_MAX + 1, "%.*s%s", (int)kept, base, suffix);
    }
}

const char *eh_names_of(eh_names *names, eh_slice written, eh_err *err)
{
    uint64_t index;
    if (eh_map_get(&names->by_written, written, &index)) return names->names[index];
    char name[EH_NAME_MAX + 1] = "";
    eh_name_normalise(written, name);
    make_free(names, name);
    return record(names, written, name, err) ? names->names[names->count - 1] : NULL;
}

bool eh_names_set(eh_names *names, eh_slice written, const char *name, eh_err *err)
{
    uint64_t index;
    if (eh_map_get(&names->by_written, written, &index)) {
        if (strcmp(names->names[index], name) == 0) return true;
        return eh_fail(err, EH_CLASS_CONFIG,
                       "the column \"%.*s\" is already named \"%s\", not \"%s\"",
                       EH_SLICE_FMT(written), names->names[index], name);
    }
    if (eh_map_get(&names->taken, eh_slice_str(name), NULL))
        return eh_fail(err, EH_CLASS_CONFIG,
                       "the name \"%s\" is taken, so the column \"%.*s\" cannot have it", name,
                       EH_SLICE_FMT(written));
    return record(names, written, name, err);
}
