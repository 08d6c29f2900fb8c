/* engine/secret_mask.c: finding secrets in text, however it is written. A pattern is compared
 * byte by byte with what the text's bytes stand for, so that every encoder's choice of what to
 * escape is covered. */
#include "engine/secrets_private.h"

#include <stdlib.h>
#include <string.h>

#define MARK "***"
/* So many bytes of a secret at the end of a text are one that was cut. */
#define CUT_MIN 8

/* How to look: what is cut at the end of the text is one, too; the text is the inside of a
 * string of JSON, whose escapes stay whole. */
enum { CUT = 1, JSON = 2 };

/* ---- what to look for ---------------------------------------------------------------------
 */

size_t eh_secret_encoded_max(size_t len)
{
    return 3 * ((len + 2) / 3 + 1) * 4;
}

static char base64_digit(unsigned bits)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return digits[bits & 63];
}

/* The digits that only bits of the value decide, when `before` other bytes stand in its first
 * group. */
static size_t encode(eh_slice value, size_t before, char *out)
{
    size_t begin = before * 8, end = begin + value.len * 8, count = 0;
    for (size_t bit = (begin + 5) / 6 * 6; bit + 6 <= end; bit += 6) {
        size_t at = (bit - begin) / 8, shift = bit % 8;
        unsigned pair = (unsigned)(unsigned char)value.data[at] << 8;
        if (at + 1 < value.len) pair |= (unsigned char)value.data[at + 1];
        out[count++] = base64_digit(pair >> (10 - shift));
    }
    return count;
}

void eh_secret_encode(eh_secret *secret, char *room)
{
    for (size_t before = 0; before < 3; before++) {
        size_t len = encode(secret->value, before, room);
        secret->base64[before] = eh_slice_of(room, len);
        room += len;
    }
}

static void add(eh_secret_pattern *patterns, size_t *count, eh_slice text, bool is_base64)
{
    if (text.len >= EH_SECRET_MASKED_MIN)
        patterns[(*count)++] = (eh_secret_pattern){text, is_base64};
}

static int by_first_byte(const void *a, const void *b)
{
    const eh_secret_pattern *x = a, *y = b;
    return (unsigned char)x->text.data[0] - (unsigned char)y->text.data[0];
}

/* A key in several lines is often told line by line. */
static size_t add_lines(eh_secret_pattern *patterns, size_t count, eh_slice value)
{
    static const size_t worth = 12;
    size_t begin = 0;
    for (size_t i = 0; i <= value.len; i++) {
        if (i < value.len && value.data[i] != '\n') continue;
        bool whole = begin == 0 && i == value.len;
        if (!whole && i - begin >= worth && memcmp(value.data + begin, "-----", 5) != 0)
            add(patterns, &count, eh_slice_of(value.data + begin, i - begin), false);
        begin = i + 1;
    }
    return count;
}

static size_t lines_of(eh_slice value)
{
    size_t lines = 1;
    for (size_t i = 0; i < value.len; i++) lines += value.data[i] == '\n';
    return lines;
}

/* Most bytes of a text begin nothing: they are passed over by one look. */
static void note_beginnings(eh_secrets *secrets)
{
    bool *begins = secrets->begins;
    for (size_t b = 0; b < 256; b++)
        begins[b] = secrets->first_of[b] < secrets->first_of[b + 1];
    /* What same() takes for another byte. */
    begins['-'] = begins['-'] || begins['+'];
    begins['_'] = begins['_'] || begins['/'];
    begins['+'] = begins['+'] || begins[' '];
    for (size_t b = 0; b < 32; b++) begins['?'] = begins['?'] || begins[b];
    begins['?'] = begins['?'] || begins[127];
    begins['%'] = begins['\\'] = secrets->pattern_count > 0;
}

bool eh_secrets_index(eh_secrets *secrets, eh_err *err)
{
    size_t room = 0, count = 0;
    for (const eh_secret *s = secrets->first; s != NULL; s = s->next)
        room += 4 + lines_of(s->value);
    eh_secret_pattern *patterns = calloc(room + 1, sizeof *patterns);
    if (patterns == NULL) return eh_fail_memory(err, "the secrets of a run");
    for (const eh_secret *s = secrets->first; s != NULL; s = s->next) {
        if (s->value.len < EH_SECRET_MASKED_MIN) continue;
        add(patterns, &count, s->value, false);
        for (size_t i = 0; i < 3; i++) add(patterns, &count, s->base64[i], true);
        count = add_lines(patterns, count, s->value);
    }
    qsort(patterns, count, sizeof *patterns, by_first_byte);
    (void)pthread_mutex_lock(&secrets->lock);
    free(secrets->patterns);
    secrets->patterns = patterns;
    secrets->pattern_count = count;
    for (size_t b = 0, i = 0; b < 256; b++) {
        secrets->first_of[b] = i;
        while (i < count && (unsigned char)patterns[i].text.data[0] == b) i++;
    }
    secrets->first_of[256] = count;
    note_beginnings(secrets);
    (void)pthread_mutex_unlock(&secrets->lock);
    return true;
}

/* ---- what a text's bytes stand for --------------------------------------------------------
 */

static int hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* count hexadecimal digits at text[at]; -1 when there are not so many. */
static long read_hex(eh_slice text, size_t at, size_t count)
{
    long value = 0;
    if (at > text.len || text.len - at < count) return -1;
    for (size_t i = 0; i < count; i++) {
        int digit = hex(text.data[at + i]);
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* %XX, also where the % was encoded once more: %25XX. The bytes used; 0: not this byte. */
static size_t percent(eh_slice text, size_t at, unsigned char want)
{
    size_t i = at + 1;
    if (read_hex(text, i, 2) == want) return 3;
    while (read_hex(text, i, 2) == '%') i += 2;
    return i > at + 1 && read_hex(text, i, 2) == want ? i + 2 - at : 0;
}

/* The code point of a UTF-8 sequence; *len its bytes. -1 when it is none. */
static long code_point(eh_slice text, size_t at, size_t *len)
{
    unsigned char c = (unsigned char)text.data[at];
    *len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    if (*len == 0 || text.len - at < *len) return -1;
    if (*len == 1) return c;
    long value = c & (0x7f >> *len);
    for (size_t i = 1; i < *len; i++) {
        unsigned char next = (unsigned char)text.data[at + i];
        if ((next & 0xc0) != 0x80) return -1;
        value = value * 64 + (next & 0x3f);
    }
    return value;
}

/* \uXXXX, or a pair of them, at text[at] (the backslash). The bytes used; 0: none. */
static size_t unicode_escape(eh_slice text, size_t at, long *value)
{
    long high = read_hex(text, at + 2, 4);
    *value = high;
    if (high < 0) return 0;
    if (high < 0xd800 || high > 0xdbff) return 6;
    if (text.len - at < 12 || text.data[at + 6] != '\\' || text.data[at + 7] != 'u') return 6;
    long low = read_hex(text, at + 8, 4);
    if (low < 0xdc00 || low > 0xdfff) return 6;
    *value = 0x10000 + (high - 0xd800) * 0x400 + (low - 0xdc00);
    return 12;
}

/* A backslash at text[at]: the bytes used; *taken of the pattern. 0: it stands for another. */
static size_t escape(eh_slice text, size_t at, eh_slice want, size_t k, size_t *taken)
{
    static const char letters[] = "n\nt\tr\rb\bf\f\"\"//";
    size_t i = at + 1;
    *taken = 1;
    if (i >= text.len) return 0;
    if (text.data[i] == 'u') {
        long value;
        size_t used = unicode_escape(text, at, &value);
        return used > 0 && code_point(want, k, taken) == value ? used : 0;
    }
    /* JSON within JSON: the backslash was escaped, too. */
    while (i + 1 < text.len && text.data[i] == '\\') i++;
    for (const char *l = letters; *l != '\0'; l += 2)
        if (text.data[i] == l[0] && want.data[k] == l[1]) return i + 1 - at;
    return 0;
}

static size_t run_of(eh_slice text, size_t at)
{
    size_t i = at;
    while (i < text.len && text.data[i] == '\\') i++;
    return i - at;
}

/* Backslashes in both: each is one, two where the text is escaped, four where it is twice. */
static size_t backslashes(eh_slice text, size_t at, eh_slice want, size_t k, unsigned how,
                          size_t *taken)
{
    *taken = run_of(want, k);
    size_t there = run_of(text, at);
    for (size_t times = 4; times > 1; times /= 2)
        if (there >= times * *taken) return times * *taken;
    return there >= *taken && (how & JSON) == 0 ? *taken : 0;
}

/* Whether the text at `at` stands for want[k]: the bytes used, 0 if not; *taken of want. */
static size_t same(const eh_secret_pattern *p, size_t k, eh_slice text, size_t at, unsigned how,
                   size_t *taken)
{
    char c = text.data[at];
    unsigned char want = (unsigned char)p->text.data[k];
    *taken = 1;
    if ((unsigned char)c == want && c == '\\')
        return backslashes(text, at, p->text, k, how, taken);
    if ((unsigned char)c == want) return 1;
    if (p->is_base64 && ((c == '-' && want == '+') || (c == '_' && want == '/'))) return 1;
    if (c == '+' && want == ' ') return 1;
    if (c == '?' && (want < 0x20 || want == 0x7f)) return 1; /* as base/err.h writes them */
    if (c == '%') return percent(text, at, want);
    if (c == '\\') return escape(text, at, p->text, k, taken);
    return 0;
}

/* Where in the text the secret ends whose bytes from k on begin at `at`, 0 if it is not there.
 * CUT: its beginning at the end of the text is enough. */
static size_t end_of(const eh_secret_pattern *p, size_t k, eh_slice text, size_t at,
                     unsigned how)
{
    size_t taken;
    while (k < p->text.len) {
        if (at >= text.len) return (how & CUT) != 0 && k >= CUT_MIN ? at : 0;
        /* A percent sign of the secret may stand there as it is, or encoded once or more. */
        bool is_percent = p->text.data[k] == '%' && text.data[at] == '%';
        for (size_t i = at + 1; is_percent && read_hex(text, i, 2) == '%'; i += 2) {
            size_t end = end_of(p, k + 1, text, i + 2, how);
            if (end > 0) return end;
        }
        size_t used = same(p, k, text, at, how, &taken);
        if (used == 0) return 0;
        at += used;
        k += taken;
    }
    return at;
}

/* The bytes of text at `at` that are this secret. */
static size_t match(const eh_secret_pattern *p, eh_slice text, size_t at, unsigned how)
{
    size_t end = end_of(p, 0, text, at, how);
    return end > 0 ? end - at : 0;
}

static bool is_special(char c)
{
    return c == '%' || c == '\\' || c == '+' || c == '?' || c == '-' || c == '_';
}

/* A quick look by which nearly all places of a text are passed over. */
static bool may_begin(const eh_secret_pattern *p, eh_slice text, size_t at)
{
    char c = text.data[at], want = p->text.data[0];
    if (c == '%' || c == '\\') return true;
    if (c != want) return is_special(c);
    if (at + 1 >= text.len) return true;
    char next = text.data[at + 1];
    return next == p->text.data[1] || is_special(next);
}

static size_t longest(const eh_secrets *s, size_t from, size_t to, eh_slice text, size_t at,
                      unsigned how)
{
    size_t best = 0;
    for (size_t i = from; i < to; i++) {
        if (!may_begin(&s->patterns[i], text, at)) continue;
        size_t len = match(&s->patterns[i], text, at, how);
        if (len > best) best = len;
    }
    return best;
}

static size_t match_any(const eh_secrets *s, eh_slice text, size_t at, unsigned how)
{
    unsigned char c = (unsigned char)text.data[at];
    if (!s->begins[c]) return 0;
    /* These may stand for any other byte. */
    if (is_special((char)c)) return longest(s, 0, s->pattern_count, text, at, how);
    return longest(s, s->first_of[c], s->first_of[c + 1], text, at, how);
}

/* ---- masking ------------------------------------------------------------------------------
 */

static bool hits(const eh_secrets *secrets, eh_slice text)
{
    if (secrets->pattern_count == 0) return false;
    for (size_t i = 0; i < text.len; i++)
        if (match_any(secrets, text, i, CUT) > 0) return true;
    return false;
}

/* To the next place where a secret may begin: within an escape of JSON is none. */
static size_t step(eh_slice text, size_t at, unsigned how)
{
    if ((how & JSON) == 0 || text.data[at] != '\\' || at + 1 == text.len) return 1;
    size_t len = text.data[at + 1] == 'u' ? 6 : 2;
    return len < text.len - at ? len : text.len - at;
}

/* The end of what is to be masked from `at` on: secrets may overlap, and whoever chooses one (a
 * value that is captured) must not read the rest of the other. */
static size_t masked_end(const eh_secrets *secrets, eh_slice text, size_t at, size_t end,
                         unsigned how)
{
    for (size_t i = at + step(text, at, how); i < end && i < text.len;
         i += step(text, i, how)) {
        size_t len = match_any(secrets, text, i, how);
        if (i + len > end) end = i + len;
    }
    return end;
}

static bool mask(const eh_secrets *secrets, eh_slice text, unsigned how, eh_buf *out,
                 eh_err *err)
{
    size_t kept = 0, i = 0, before = out->len;
    while (i < text.len && secrets->pattern_count > 0) {
        size_t len = match_any(secrets, text, i, how);
        if (len == 0) {
            i += step(text, i, how);
            continue;
        }
        if (!eh_buf_append(out, text.data + kept, i - kept, err) ||
            !eh_buf_append_str(out, MARK, err)) {
            out->len = before;
            return false;
        }
        i = kept = masked_end(secrets, text, i, i + len, how);
    }
    if (eh_buf_append(out, text.data + kept, text.len - kept, err)) return true;
    out->len = before;
    return false;
}

/* The lock is no part of what a store says: masking changes nothing. */
static pthread_mutex_t *lock_of(const eh_secrets *secrets)
{
    pthread_mutex_t *lock;
    const pthread_mutex_t *own = &secrets->lock;
    memcpy(&lock, &own, sizeof lock);
    return lock;
}

bool eh_secrets_any(const eh_secrets *secrets)
{
    return secrets != NULL && secrets->pattern_count > 0;
}

bool eh_secrets_hits(const eh_secrets *secrets, eh_slice text)
{
    if (secrets == NULL) return false;
    (void)pthread_mutex_lock(lock_of(secrets));
    bool found = hits(secrets, text);
    (void)pthread_mutex_unlock(lock_of(secrets));
    return found;
}

static bool mask_locked(const eh_secrets *secrets, eh_slice text, unsigned how, eh_buf *out,
                        eh_err *err)
{
    if (secrets == NULL) return eh_buf_append(out, text.data, text.len, err);
    (void)pthread_mutex_lock(lock_of(secrets));
    bool ok = mask(secrets, text, how, out, err);
    (void)pthread_mutex_unlock(lock_of(secrets));
    return ok;
}

bool eh_secrets_mask(const eh_secrets *secrets, eh_slice text, eh_buf *out, eh_err *err)
{
    return mask_locked(secrets, text, 0, out, err);
}

bool eh_secrets_mask_told(const eh_secrets *secrets, eh_slice text, eh_buf *out, eh_err *err)
{
    return mask_locked(secrets, text, CUT, out, err);
}

bool eh_secrets_mask_buf(void *secrets, eh_buf *text, eh_err *err)
{
    if (!eh_secrets_hits(secrets, eh_buf_slice(text))) return true;
    eh_buf masked;
    eh_buf_init(&masked, text->max);
    bool ok = eh_secrets_mask(secrets, eh_buf_slice(text), &masked, err);
    if (ok) {
        eh_secrets_wipe(text);
        *text = masked;
    } else {
        eh_secrets_wipe(&masked);
    }
    return ok;
}

/* What stands between strings. A number in which a secret is becomes a string. */
static bool mask_numbers(const eh_secrets *secrets, eh_slice between, eh_buf *out, eh_err *err)
{
    static const char bytes[] = "0123456789+-.eE";
    for (size_t i = 0; i < between.len;) {
        size_t end = i;
        while (end < between.len && memchr(bytes, between.data[end], sizeof bytes - 1)) end++;
        bool is_number = end > i;
        eh_slice part = eh_slice_of(between.data + i, is_number ? end - i : 1);
        bool hit =
            is_number && part.len >= EH_SECRET_MASKED_MIN && eh_secrets_hits(secrets, part);
        if (!(hit ? eh_buf_append_str(out, "\"" MARK "\"", err)
                  : eh_buf_append(out, part.data, part.len, err)))
            return false;
        i += part.len;
    }
    return true;
}

/* told: for people, who see events whose numbers are counts. */
static bool mask_json(const eh_secrets *secrets, eh_slice json, bool told, eh_buf *out,
                      eh_err *err)
{
    size_t begin = 0, before = out->len;
    bool ok = true;
    while (ok && begin < json.len) {
        const char *quote = memchr(json.data + begin, '"', json.len - begin);
        size_t open = quote != NULL ? (size_t)(quote - json.data) + 1 : json.len, end = open;
        while (end < json.len && json.data[end] != '"') end += json.data[end] == '\\' ? 2 : 1;
        if (end > json.len) end = json.len;
        eh_slice between = eh_slice_of(json.data + begin, open - begin);
        ok = (told ? eh_buf_append(out, between.data, between.len, err)
                   : mask_numbers(secrets, between, out, err)) &&
             mask_locked(secrets, eh_slice_of(json.data + open, end - open),
                         JSON | (told ? CUT : 0U), out, err);
        if (ok && end < json.len) ok = eh_buf_append_byte(out, '"', err);
        begin = end + 1;
    }
    if (!ok) out->len = before;
    return ok;
}

bool eh_secrets_mask_json(const eh_secrets *secrets, eh_slice json, eh_buf *out, eh_err *err)
{
    return mask_json(secrets, json, false, out, err);
}

bool eh_secrets_mask_told_json(const eh_secrets *secrets, eh_slice json, eh_buf *out,
                               eh_err *err)
{
    return mask_json(secrets, json, true, out, err);
}

static void mask_text(const eh_secrets *secrets, char *text, size_t size)
{
    eh_slice given = eh_slice_str(text);
    if (!eh_secrets_hits(secrets, given)) return;
    eh_buf masked;
    eh_buf_init(&masked, 4 * size);
    bool ok = eh_secrets_mask(secrets, given, &masked, NULL);
    size_t len = ok && masked.len < size ? masked.len : ok ? size - 1 : strlen(MARK);
    memcpy(text, ok ? masked.data : MARK, len);
    explicit_bzero(text + len, size - len);
    eh_buf_free(&masked);
}

void eh_secrets_mask_err(const eh_secrets *secrets, eh_err *err)
{
    if (secrets == NULL || err == NULL) return;
    mask_text(secrets, err->message, sizeof err->message);
    mask_text(secrets, err->hint, sizeof err->hint);
    mask_text(secrets, err->place, sizeof err->place);
    mask_text(secrets, err->trail, sizeof err->trail);
}
