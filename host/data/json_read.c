/* data/json_read.c: see json_read.h. */
#include "data/json_read.h"

/* ---- strings ---- */

void eh_json_reader_seek(eh_json_reader *r, size_t i)
{
    r->i = i;
    r->escape = 0;
}

/* Is there a backslash in [start, end)? Strings are visited in order, so one search serves all
 * strings up to the next backslash. */
static inline bool has_escape(eh_json_reader *r, size_t start, size_t end)
{
    if (r->escape < start) {
        const char *p = memchr(r->tokens.text + start, '\\', r->tokens.len - start);
        r->escape = p != NULL ? (size_t)(p - r->tokens.text) : r->tokens.len;
    }
    return r->escape < end;
}

/* The inside of the string that is token i; false when it does not end with a quote. The caller
 * knows that token i + 1 exists. */
static inline bool string_inside(const eh_json_reader *r, size_t i, eh_slice *inside)
{
    const char *text = r->tokens.text;
    size_t start = r->tokens.at[i] + 1, end = r->tokens.at[i + 1];
    while (eh_json_is_space(text[end - 1])) end--;
    *inside = eh_slice_of(text + start, end - 1 - start);
    return end > start && text[end - 1] == '"';
}

static inline bool is_escaped(eh_json_reader *r, eh_slice inside)
{
    size_t start = (size_t)(inside.data - r->tokens.text);
    return has_escape(r, start, start + inside.len);
}

/* Undoes escapes into the reader's side buffer. */
static bool unescape(eh_json_reader *r, eh_slice *inside, unsigned *flags)
{
    char *to = r->unescaped + r->unescaped_used;
    size_t len;
    *flags = eh_json_unescape(*inside, to, &len);
    *inside = eh_slice_of(to, len);
    r->unescaped_used += len;
    return (*flags & (EH_JSON_BAD_ESCAPE | EH_JSON_LONE_SURROGATE)) == 0;
}

/* ---- values inside values: only their grammar matters ---- */

static eh_json_read skip_value(eh_json_reader *r, unsigned depth, bool *odd);

static eh_json_read skip_string(eh_json_reader *r, bool *odd)
{
    eh_slice inside;
    size_t len;
    if (!string_inside(r, r->i, &inside)) return EH_JSON_READ_BAD;
    r->i++;
    if (!is_escaped(r, inside)) return EH_JSON_READ_GOOD;
    unsigned flags = eh_json_unescape(inside, NULL, &len);
    if ((flags & EH_JSON_HAS_NUL) != 0) *odd = true;
    return (flags & (EH_JSON_BAD_ESCAPE | EH_JSON_LONE_SURROGATE)) == 0 ? EH_JSON_READ_GOOD
                                                                        : EH_JSON_READ_BAD;
}

static bool is_literal(eh_slice token)
{
    return eh_slice_is(token, "true") || eh_slice_is(token, "false") ||
           eh_slice_is(token, "null");
}

static inline eh_slice scalar_token(const eh_json_reader *r, size_t i)
{
    const char *text = r->tokens.text;
    size_t start = r->tokens.at[i], end = r->tokens.at[i + 1];
    while (eh_json_is_space(text[end - 1])) end--;
    return eh_slice_of(text + start, end - start);
}

static eh_json_read skip_scalar(eh_json_reader *r)
{
    eh_slice token = scalar_token(r, r->i);
    r->i++;
    return eh_json_is_number(token.data, token.len) || is_literal(token) ? EH_JSON_READ_GOOD
                                                                         : EH_JSON_READ_BAD;
}

static inline char token_byte(const eh_json_reader *r, size_t i)
{
    return r->tokens.text[r->tokens.at[i]];
}

static eh_json_read skip_key(eh_json_reader *r, bool *odd)
{
    eh_slice inside;
    unsigned flags;
    if (token_byte(r, r->i) != '"' || token_byte(r, r->i + 1) != ':' ||
        !string_inside(r, r->i, &inside))
        return EH_JSON_READ_BAD;
    r->i += 2;
    if (!eh_json_keys_push(r->keys, inside, is_escaped(r, inside), &flags, r->err))
        return EH_JSON_READ_FAILED;
    if ((flags & EH_JSON_HAS_NUL) != 0) *odd = true;
    return (flags & (EH_JSON_BAD_ESCAPE | EH_JSON_LONE_SURROGATE)) == 0 ? EH_JSON_READ_GOOD
                                                                        : EH_JSON_READ_BAD;
}

static eh_json_read close_object(eh_json_reader *r, eh_json_mark mark, bool *odd)
{
    size_t twice;
    if (!eh_json_keys_check(r->keys, mark, &twice, r->err)) return EH_JSON_READ_FAILED;
    if (twice != SIZE_MAX) *odd = true;
    eh_json_keys_pop(r->keys, mark);
    return EH_JSON_READ_GOOD;
}

/* Whoever reads a token of an object or array knows that more tokens must follow: at least its
 * own closing one. So `left` is asked once for all tokens of a field. */
static inline bool left(const eh_json_reader *r, size_t tokens)
{
    return r->tokens.count - r->i >= tokens;
}

static eh_json_read skip_object(eh_json_reader *r, unsigned depth, bool *odd)
{
    eh_json_mark mark = eh_json_keys_mark(r->keys);
    r->i++;
    if (left(r, 1) && token_byte(r, r->i) == '}') {
        r->i++;
        return EH_JSON_READ_GOOD;
    }
    for (;;) {
        if (!left(r, 4)) return EH_JSON_READ_BAD;
        eh_json_read read = skip_key(r, odd);
        if (read == EH_JSON_READ_GOOD) read = skip_value(r, depth, odd);
        if (read != EH_JSON_READ_GOOD) return read;
        if (!left(r, 1)) return EH_JSON_READ_BAD;
        char c = token_byte(r, r->i++);
        if (c == '}') return close_object(r, mark, odd);
        if (c != ',') return EH_JSON_READ_BAD;
    }
}

static eh_json_read skip_array(eh_json_reader *r, unsigned depth, bool *odd)
{
    r->i++;
    if (left(r, 1) && token_byte(r, r->i) == ']') {
        r->i++;
        return EH_JSON_READ_GOOD;
    }
    for (;;) {
        if (!left(r, 2)) return EH_JSON_READ_BAD;
        eh_json_read read = skip_value(r, depth, odd);
        if (read != EH_JSON_READ_GOOD) return read;
        if (!left(r, 1)) return EH_JSON_READ_BAD;
        char c = token_byte(r, r->i++);
        if (c == ']') return EH_JSON_READ_GOOD;
        if (c != ',') return EH_JSON_READ_BAD;
    }
}

/* depth: containers open around the value. A token follows this one: see left(). */
static eh_json_read skip_value(eh_json_reader *r, unsigned depth, bool *odd)
{
    switch (token_byte(r, r->i)) {
    case '"':
        return skip_string(r, odd);
    case '{':
        return depth < EH_JSON_MAX_DEPTH ? skip_object(r, depth + 1, odd) : EH_JSON_READ_BAD;
    case '[':
        return depth < EH_JSON_MAX_DEPTH ? skip_array(r, depth + 1, odd) : EH_JSON_READ_BAD;
    default:
        return skip_scalar(r);
    }
}

/* ---- values that become cells ---- */

static inline void set_text(eh_cell *cell, eh_cell_kind kind, eh_slice text)
{
    cell->kind = (uint8_t)kind;
    cell->len = (uint32_t)text.len;
    cell->as.text = text.data;
}

static inline eh_json_read read_string(eh_json_reader *r, eh_cell *cell)
{
    eh_slice inside;
    unsigned flags;
    if (!string_inside(r, r->i, &inside)) return EH_JSON_READ_BAD;
    r->i++;
    if (is_escaped(r, inside) && !unescape(r, &inside, &flags)) return EH_JSON_READ_BAD;
    set_text(cell, EH_CELL_STRING, inside);
    return EH_JSON_READ_GOOD;
}

static eh_json_read read_nested(eh_json_reader *r, eh_cell *cell)
{
    bool odd = false;
    size_t start = r->tokens.at[r->i];
    eh_json_read read = skip_value(r, 1, &odd);
    if (read != EH_JSON_READ_GOOD) return read;
    size_t end = r->tokens.at[r->i - 1] + 1; /* after the closing bracket */
    set_text(cell, EH_CELL_JSON, eh_slice_of(r->tokens.text + start, end - start));
    cell->flags = odd ? EH_CELL_DUPLICATE : 0;
    return EH_JSON_READ_GOOD;
}

static eh_json_read read_word(eh_slice token, eh_cell *cell)
{
    if (eh_slice_is(token, "null")) {
        cell->kind = EH_CELL_NULL;
        return EH_JSON_READ_GOOD;
    }
    bool yes = eh_slice_is(token, "true");
    if (!yes && !eh_slice_is(token, "false")) return EH_JSON_READ_BAD;
    cell->kind = EH_CELL_BOOLEAN;
    cell->as.integer = yes;
    return EH_JSON_READ_GOOD;
}

static inline eh_json_read read_scalar(eh_json_reader *r, eh_cell *cell)
{
    eh_slice token = scalar_token(r, r->i);
    r->i++;
    if (token.data[0] >= 'a') return read_word(token, cell);
    if (!eh_json_is_number(token.data, token.len)) return EH_JSON_READ_BAD;
    set_text(cell, EH_CELL_NUMBER, token);
    return EH_JSON_READ_GOOD;
}

static inline eh_json_read read_cell(eh_json_reader *r, eh_cell *cell)
{
    switch (token_byte(r, r->i)) {
    case '"':
        return read_string(r, cell);
    case '{':
    case '[':
        return read_nested(r, cell);
    default:
        return read_scalar(r, cell);
    }
}

/* ---- records ---- */

/* The column of a key that comes after column prev - 1; SIZE_MAX when it has none. */
static inline size_t column_of(eh_json_columns *columns, size_t prev, eh_slice key)
{
    if (columns->count == 0) return SIZE_MAX;
    uint32_t guess = columns->follow[prev];
    if (eh_slice_equal(columns->names[guess], key)) return guess;
    uint32_t skip = columns->follow[guess + 1]; /* the guessed key may be left out here */
    if (eh_slice_equal(columns->names[skip], key)) return skip;
    uint64_t found;
    if (!eh_map_get(&columns->map, key, &found)) return SIZE_MAX;
    columns->follow[prev] = (uint32_t)found;
    return (size_t)found;
}

static inline eh_json_read read_key(eh_json_reader *r, size_t prev, size_t *column)
{
    eh_slice key;
    unsigned flags = 0;
    if (token_byte(r, r->i) != '"' || token_byte(r, r->i + 1) != ':' ||
        !string_inside(r, r->i, &key))
        return EH_JSON_READ_BAD;
    r->i += 2;
    if (is_escaped(r, key) && (!unescape(r, &key, &flags) || flags != 0))
        return EH_JSON_READ_BAD;
    *column = column_of(r->columns, prev, key);
    return *column != SIZE_MAX ? EH_JSON_READ_GOOD : EH_JSON_READ_NEW_KEY;
}

eh_json_read eh_json_read_record(eh_json_reader *r, eh_cell *row)
{
    size_t column, prev = 0;
    if (!left(r, 2) || token_byte(r, r->i) != '{') return EH_JSON_READ_BAD;
    r->i++;
    if (token_byte(r, r->i) == '}') {
        r->i++;
        return EH_JSON_READ_GOOD;
    }
    for (;;) {
        if (!left(r, 4)) return EH_JSON_READ_BAD;
        eh_json_read read = read_key(r, prev, &column);
        if (read != EH_JSON_READ_GOOD) return read;
        if (row[column].kind != EH_CELL_ABSENT) return EH_JSON_READ_BAD; /* there twice */
        read = read_cell(r, &row[column]);
        if (read != EH_JSON_READ_GOOD) return read;
        if (!left(r, 1)) return EH_JSON_READ_BAD;
        char c = token_byte(r, r->i++);
        if (c == '}') return EH_JSON_READ_GOOD;
        if (c != ',') return EH_JSON_READ_BAD;
        prev = column + 1;
    }
}
