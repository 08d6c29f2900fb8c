/* data/json_judge.c: one JSON text read byte by byte, strictly by RFC 8259; see json_text.h.
 *
 * Recursion is bounded by EH_JSON_MAX_DEPTH. The first fault that makes the text no JSON ends
 * the walk; a refusal (JSON, but not for us) is noted, the first one only, and the walk goes
 * on, so that "not JSON" is never reported as something milder. */
#include "data/json.h"
#include "data/json_outline.h"
#include "data/json_text.h"

#include <endian.h>

typedef struct judge {
    const char *text;
    size_t len;
    size_t at;
    eh_json_keys *keys;           /* NULL: keys are not looked at */
    bool utf8;                    /* the whole text is valid UTF-8 */
    bool record;                  /* the keys at the top are columns */
    bool lenient;                 /* refusals are somebody else's to find */
    bool odd;                     /* a duplicate key or a NUL, below the top of a record */
    bool refused;                 /* something was, in whosever's eyes */
    const eh_json_outline *known; /* of this text; NULL: every byte is looked at */
    eh_json_outline *note;        /* is made of this text; NULL: none is */
    size_t span_bytes, cut_bytes; /* of what is noted; SIZE_MAX: nothing is */
    bool out_of_memory;
    eh_json_fault fault;
    eh_err *err;
} judge;

static bool read_value(judge *j, unsigned depth);

static bool malformed(judge *j, size_t at, const char *reason)
{
    j->fault = (eh_json_fault){.code = "malformed_json",
                               .reason = reason,
                               .offset = at,
                               .malformed = true,
                               .cut = at >= j->len};
    return false;
}

/* Notes that the text is JSON that we refuse. */
static void refuse(judge *j, size_t at, const char *code, const char *reason)
{
    j->refused = true;
    if (j->lenient || j->fault.code != NULL) return;
    j->fault = (eh_json_fault){.code = code, .reason = reason, .offset = at};
}

static bool no_memory(judge *j)
{
    j->out_of_memory = true;
    return false;
}

static bool is_column(const judge *j, unsigned depth)
{
    return j->record && depth == 1;
}

static inline void skip_space(judge *j)
{
    while (j->at < j->len && j->text[j->at] <= ' ' && eh_json_is_space(j->text[j->at])) j->at++;
}

/* The next byte that is not white space; NUL at the end, where no value has a meaning either.
 */
static inline char peek(judge *j)
{
    skip_space(j);
    if (j->at == j->len) return '\0';
    return j->text[j->at];
}

/* Marks in a word of eight bytes those that are a quote, a backslash or a control byte. (The
 * bit tricks of Hacker's Delight, 6-1: a byte that is zero, a byte less than n. Only the lowest
 * mark is to be trusted, since a borrow may run into the byte above.) */
static inline uint64_t marks(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101ULL, tops = 0x8080808080808080ULL;
    uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\';
    uint64_t found =
        ((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((word - ones * 0x20) & ~word);
    return found & tops;
}

/* Behind the plain bytes of a string, eight at a time; up to seven may be left. */
static inline const char *skip_plain(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        uint64_t found = marks(le64toh(word));
        if (found != 0) return at + __builtin_ctzll(found) / 8;
    }
    return at;
}

/* Moves past a string whose quote is at j->at; *raw is its inside. (Most strings are short: the
 * call itself was a fifth of the judge's time.) */
__attribute__((always_inline)) static inline bool scan_string(judge *j, eh_slice *raw,
                                                              bool *escaped)
{
    const char *start = j->text + j->at + 1, *end = j->text + j->len;
    *escaped = false;
    for (const char *at = skip_plain(start, end); at < end; at = skip_plain(at, end)) {
        unsigned char c = (unsigned char)*at++;
        if (c == '"') {
            *raw = eh_slice_of(start, (size_t)(at - 1 - start));
            j->at = (size_t)(at - j->text);
            return true;
        }
        if (c == '\\') {
            *escaped = true;
            if (at == end) break;
            c = (unsigned char)*at++; /* part of the escape, even if it is a quote */
        }
        if (c < 0x20)
            return malformed(j, (size_t)(at - 1 - j->text),
                             "a control byte in a string is not escaped");
    }
    return malformed(j, j->len, "a string has no end");
}

static inline bool check_string(judge *j, eh_slice raw, size_t at, unsigned flags)
{
    if ((flags & EH_JSON_BAD_ESCAPE) != 0)
        return malformed(j, at, "a string has an escape that JSON does not know");
    if (!j->utf8 && !eh_utf8_valid(raw.data, raw.len))
        refuse(j, at, "invalid_utf8", "a string is not valid UTF-8");
    if ((flags & EH_JSON_LONE_SURROGATE) != 0)
        refuse(j, at, "lone_surrogate", "a string has half of a surrogate pair");
    return true;
}

static inline bool read_string(judge *j, unsigned depth)
{
    eh_slice raw;
    bool escaped;
    size_t at = j->at, len;
    if (!scan_string(j, &raw, &escaped)) return false;
    unsigned flags = escaped ? eh_json_unescape(raw, NULL, &len) : 0;
    if ((flags & EH_JSON_HAS_NUL) != 0 && !is_column(j, depth)) j->odd = true;
    return check_string(j, raw, at, flags);
}

/* Reads `"key":`; *raw and *escaped as scan_string gives them. */
static inline bool read_key(judge *j, unsigned depth, eh_slice *raw, bool *escaped)
{
    unsigned flags = 0;
    size_t len = 0; /* without its escapes */
    if (peek(j) != '"') return malformed(j, j->at, "a key in double quotes is missing");
    size_t at = j->at;
    if (!scan_string(j, raw, escaped)) return false;
    if (j->keys != NULL) {
        if (!eh_json_keys_push(j->keys, *raw, *escaped, &flags, j->err)) return no_memory(j);
        len = eh_json_keys_get(j->keys, j->keys->count - 1).len;
    } else if (*escaped) {
        flags = eh_json_unescape(*raw, NULL, &len);
    }
    if ((flags & EH_JSON_HAS_NUL) != 0) j->odd = true;
    if (is_column(j, depth) && (flags & EH_JSON_HAS_NUL) != 0)
        refuse(j, at, "nul_in_key", "a key has a NUL in it");
    if (is_column(j, depth) && len > EH_JSON_MAX_KEY_BYTES)
        refuse(j, at, "long_key", "a key is longer than 4096 bytes");
    if (!check_string(j, *raw, at, flags)) return false;
    if (peek(j) != ':') return malformed(j, j->at, "a colon is missing after a key");
    j->at++;
    return true;
}

/* Looks for duplicates among the keys since the mark. Those of the record itself stay for the
 * caller: they are its columns. */
static bool close_object(judge *j, unsigned depth, eh_json_mark mark, size_t start)
{
    size_t twice;
    if (j->keys == NULL) return true;
    if (!eh_json_keys_check(j->keys, mark, &twice, j->err)) return no_memory(j);
    if (twice != SIZE_MAX && !is_column(j, depth)) j->odd = true;
    if (twice != SIZE_MAX && is_column(j, depth)) {
        bool first = j->fault.code == NULL;
        refuse(j, start, "duplicate_key", "a key is there twice");
        if (first) j->fault.key = eh_json_keys_get(j->keys, twice);
    }
    if (!is_column(j, depth)) eh_json_keys_pop(j->keys, mark);
    return true;
}

/* An array or object is read that began at `start`. */
static inline void note_span(judge *j, size_t start, unsigned depth)
{
    if (j->at - start >= j->span_bytes) eh_json_outline_note_span(j->note, start, j->at, depth);
}

static bool read_object(judge *j, unsigned depth)
{
    eh_json_mark mark = {0, 0};
    eh_slice raw;
    bool escaped;
    size_t start = j->at++;
    if (j->keys != NULL) mark = eh_json_keys_mark(j->keys);
    if (peek(j) == '}') {
        j->at++;
        return true;
    }
    for (;;) {
        if (!read_key(j, depth, &raw, &escaped) || !read_value(j, depth)) return false;
        char c = peek(j);
        if (c != ',' && c != '}')
            return malformed(j, j->at, "a comma or a closing brace is missing in an object");
        j->at++;
        if (c != '}') continue;
        note_span(j, start, depth);
        return close_object(j, depth, mark, start);
    }
}

static bool read_array(judge *j, unsigned depth)
{
    size_t start = j->at++, cut = start;
    if (peek(j) == ']') {
        j->at++;
        return true;
    }
    for (;;) {
        if (!read_value(j, depth)) return false;
        char c = peek(j);
        if (c != ',' && c != ']')
            return malformed(j, j->at, "a comma or a closing bracket is missing in an array");
        if (c == ',' && j->at - cut >= j->cut_bytes) {
            cut = j->at;
            eh_json_outline_note_cut(j->note, cut, depth);
        }
        j->at++;
        if (c == ',') continue;
        note_span(j, start, depth);
        return true;
    }
}

bool eh_json_ends_scalar(char c)
{
    switch (c) {
    case '{':
    case '}':
    case '[':
    case ']':
    case ':':
    case ',':
    case '"':
        return true;
    default:
        return eh_json_is_space(c);
    }
}

const char *eh_json_scalar_fault(eh_slice token)
{
    if (token.len == 0) return "a value is missing";
    if (eh_slice_is(token, "true") || eh_slice_is(token, "false") ||
        eh_slice_is(token, "null") || eh_json_is_number(token.data, token.len))
        return NULL;
    bool number = token.data[0] == '-' || token.data[0] == '+' || token.data[0] == '.' ||
                  (token.data[0] >= '0' && token.data[0] <= '9');
    return number ? "a number is not written as JSON writes numbers"
                  : "a word is none of true, false, null";
}

static bool read_scalar(judge *j)
{
    size_t start = j->at;
    while (j->at < j->len && !eh_json_ends_scalar(j->text[j->at])) j->at++;
    const char *reason = eh_json_scalar_fault(eh_slice_of(j->text + start, j->at - start));
    if (reason == NULL) return true;
    if (start == j->len) reason = "the text ends early";
    malformed(j, start, reason);
    j->fault.cut = j->at == j->len;
    return false;
}

/* depth: containers open around the value. */
static bool read_value(judge *j, unsigned depth)
{
    char c = peek(j);
    if (c == '"') return read_string(j, depth);
    if (c != '{' && c != '[') return read_scalar(j);
    const eh_json_span *known = j->known != NULL ? eh_json_outline_span(j->known, j->at) : NULL;
    if (known != NULL) {
        j->at = known->end;
        return true;
    }
    if (depth >= EH_JSON_MAX_DEPTH) {
        bool lenient = j->lenient;
        j->lenient = false;
        refuse(j, j->at, "too_deep", "values are nested deeper than 100");
        j->lenient = lenient;
        return false;
    }
    return c == '{' ? read_object(j, depth + 1) : read_array(j, depth + 1);
}

static judge begin(eh_slice text, eh_json_keys *keys, eh_err *err)
{
    return (judge){.text = text.data != NULL ? text.data : "",
                   .len = text.len,
                   .keys = keys,
                   .utf8 = eh_utf8_valid(text.data, text.len),
                   .span_bytes = SIZE_MAX,
                   .cut_bytes = SIZE_MAX,
                   .err = err};
}

static eh_json_verdict conclude(judge *j, eh_json_fault *fault)
{
    if (j->out_of_memory) return EH_JSON_NO_VERDICT;
    *fault = j->fault;
    return j->fault.code == NULL ? EH_JSON_GOOD : EH_JSON_FAULTY;
}

static bool nothing_follows(judge *j)
{
    skip_space(j);
    return j->at == j->len || malformed(j, j->at, "something follows the value");
}

eh_json_verdict eh_json_judge_record(eh_slice text, eh_json_keys *keys, eh_json_fault *fault,
                                     eh_err *err)
{
    judge j = begin(text, keys, err);
    j.record = true;
    eh_json_keys_pop(keys, (eh_json_mark){0, 0});
    char first = peek(&j);
    size_t start = j.at;
    if (read_value(&j, 0) && nothing_follows(&j) && first != '{') {
        j.fault.code = NULL; /* more to the point than what is wrong inside it */
        refuse(&j, start, "not_an_object", "a record must be an object");
    }
    return conclude(&j, fault);
}

bool eh_json_check(eh_slice text, bool *duplicate_or_nul, eh_err *err)
{
    eh_json_keys keys = {.items = NULL};
    eh_json_fault fault;
    judge j = begin(text, &keys, err);
    bool done = read_value(&j, 0) && nothing_follows(&j);
    eh_json_verdict verdict = conclude(&j, &fault);
    *duplicate_or_nul = done && j.odd;
    eh_json_keys_free(&keys);
    if (verdict == EH_JSON_FAULTY)
        return eh_fail(err, EH_CLASS_DATA, "not JSON that can be kept: %s (byte %zu)",
                       fault.reason, fault.offset);
    return verdict == EH_JSON_GOOD;
}

eh_slice eh_json_path_step(eh_slice path, size_t from)
{
    const char *dot = memchr(path.data + from, '.', path.len - from);
    size_t end = dot != NULL ? (size_t)(dot - path.data) : path.len;
    return eh_slice_of(path.data + from, end - from);
}

static bool read_found(judge *j, unsigned depth, eh_json_found *found)
{
    peek(j);
    size_t start = j->at;
    j->lenient = true;
    bool good = read_value(j, depth);
    j->lenient = false;
    found->value = j->text + start;
    found->len = j->at - start;
    return good;
}

bool eh_json_key_is(eh_slice raw, bool escaped, eh_slice step)
{
    char bytes[256];
    size_t len = raw.len;
    if (!escaped) return eh_slice_equal(raw, step);
    if (raw.len > sizeof bytes) return false; /* a step so long is not written in escapes */
    (void)eh_json_unescape(raw, bytes, &len);
    return eh_slice_equal(eh_slice_of(bytes, len), step);
}

/* Walks the value that the path from byte `from` leads into. */
static bool follow(judge *j, unsigned depth, eh_slice path, size_t from, eh_json_found *found)
{
    if (from > path.len) return read_found(j, depth, found);
    eh_slice step = eh_json_path_step(path, from);
    bool seen = false;
    found->missing = from + step.len;
    if (peek(j) != '{') {
        found->not_map = true;
        return read_value(j, depth);
    }
    j->at++;
    if (peek(j) == '}') {
        j->at++;
        return true;
    }
    for (char c = ','; c == ',';) {
        eh_slice key;
        bool escaped;
        if (!read_key(j, depth + 1, &key, &escaped)) return false;
        bool here = eh_json_key_is(key, escaped, step);
        if (here && seen) found->twice = true;
        bool good = here && !seen ? follow(j, depth + 1, path, from + step.len + 1, found)
                                  : read_value(j, depth + 1);
        if (!good) return false;
        seen = seen || here;
        c = peek(j);
        if (c != ',' && c != '}')
            return malformed(j, j->at, "a comma or a closing brace is missing in an object");
        j->at++;
    }
    return true;
}

/* By an outline of this text, or to make one. */
static judge begin_document(eh_slice text, eh_json_outline *outline, eh_err *err)
{
    if (outline != NULL && outline->good && outline->len == text.len)
        return (judge){.text = text.data != NULL ? text.data : "",
                       .len = text.len,
                       .utf8 = true,
                       .known = outline,
                       .span_bytes = SIZE_MAX,
                       .cut_bytes = SIZE_MAX,
                       .err = err};
    judge j = begin(text, NULL, err);
    if (outline == NULL) return j;
    outline->span_count = outline->cut_count = 0;
    outline->good = outline->full = false;
    outline->len = text.len;
    j.note = outline;
    j.span_bytes = outline->span_bytes > 0 ? outline->span_bytes : EH_JSON_SPAN_BYTES;
    j.cut_bytes = outline->cut_bytes > 0 ? outline->cut_bytes : EH_JSON_CUT_BYTES;
    return j;
}

eh_json_verdict eh_json_judge_document(eh_slice text, eh_slice path, eh_json_outline *outline,
                                       eh_json_found *found, eh_json_fault *fault, eh_err *err)
{
    judge j = begin_document(text, outline, err);
    *found = (eh_json_found){.value = NULL};
    /* An empty path is one step past its own end: the document itself. */
    size_t from = path.len == 0 ? 1 : 0;
    if (follow(&j, 0, path, from, found)) (void)nothing_follows(&j);
    eh_json_verdict verdict = conclude(&j, fault);
    if (j.note != NULL) outline->good = verdict == EH_JSON_GOOD && !j.refused;
    return verdict;
}
