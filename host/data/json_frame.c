/* data/json_frame.c: see json_frame.h. */
#include "data/json_frame.h"

#include "data/json.h"

enum { AT_VALUE, AT_FIRST_VALUE, AT_KEY, AT_FIRST_KEY, AT_COLON, AT_NEXT, AT_END };

typedef struct walk {
    eh_json_frame *frame;
    const char *data;
    size_t len, at;
    bool last;
    eh_json_fault *fault;
} walk;

/* What a step of the walk came to. */
typedef enum step { STEP_ON, STEP_MORE, STEP_ROWS, STEP_FAULTY } step;

void eh_json_frame_init(eh_json_frame *frame, eh_slice path, size_t max_token)
{
    *frame =
        (eh_json_frame){.path = path, .max_token = max_token, .at = AT_VALUE, .leads = true};
    /* An empty path is one step past its own end: the document itself. */
    frame->from[0] = path.len == 0 ? 1 : 0;
}

static step faulty(walk *w, size_t at, const char *code, const char *reason)
{
    *w->fault = (eh_json_fault){
        .code = code, .reason = reason, .offset = at, .malformed = true, .cut = at >= w->len};
    return STEP_FAULTY;
}

static step malformed(walk *w, size_t at, const char *reason)
{
    return faulty(w, at, "malformed_json", reason);
}

/* However much of it is there: nothing may depend on that. */
static step too_long(walk *w)
{
    *w->fault = (eh_json_fault){.code = EH_JSON_TOO_LONG, .offset = w->at};
    return STEP_FAULTY;
}

/* ---- tokens ----------------------------------------------------------------------------- */

/* Finds the end of the string that begins at w->at; *raw is its inside. Bytes that were looked
 * at when there were fewer of them are not looked at again. */
static step find_string(walk *w, eh_slice *raw)
{
    const char *data = w->data + w->at;
    size_t all = w->len - w->at, max = w->frame->max_token;
    size_t left = all < max ? all : max, i = w->frame->token > 0 ? w->frame->token : 1;
    for (; i < left && data[i] != '"'; i++) {
        if ((unsigned char)data[i] < 0x20)
            return malformed(w, w->at + i, "a control byte in a string is not escaped");
        if (data[i] != '\\') continue;
        if (i + 1 == left) break; /* the byte behind it decides */
        i++;
        if ((unsigned char)data[i] < 0x20)
            return malformed(w, w->at + i, "a control byte in a string is not escaped");
    }
    w->frame->token = i;
    if (i >= left || data[i] != '"') {
        if (all > left) return too_long(w);
        return w->last ? malformed(w, w->len, "a string has no end") : STEP_MORE;
    }
    w->frame->token = 0;
    *raw = eh_slice_of(data + 1, i - 1);
    return STEP_ON;
}

/* Moves past a string; *raw and *escaped as it is written. */
static step read_string(walk *w, eh_slice *raw, bool *escaped)
{
    size_t len, start = w->at;
    step found = find_string(w, raw);
    if (found != STEP_ON) return found;
    *escaped = raw->len > 0 && memchr(raw->data, '\\', raw->len) != NULL;
    unsigned flags = *escaped ? eh_json_unescape(*raw, NULL, &len) : 0;
    if ((flags & EH_JSON_BAD_ESCAPE) != 0)
        return malformed(w, start, "a string has an escape that JSON does not know");
    if (!w->frame->one && !eh_utf8_valid(raw->data, raw->len))
        return faulty(w, start, "invalid_utf8", "a string is not valid UTF-8");
    if (!w->frame->one && (flags & EH_JSON_LONE_SURROGATE) != 0)
        return faulty(w, start, "lone_surrogate", "a string has half of a surrogate pair");
    w->at += raw->len + 2;
    return STEP_ON;
}

static step read_scalar(walk *w)
{
    size_t start = w->at, end = start + w->frame->token, max = w->frame->max_token;
    while (end < w->len && end - start <= max && !eh_json_ends_scalar(w->data[end])) end++;
    if (end - start > max) return too_long(w);
    w->frame->token = end - start;
    if (end == w->len && !w->last) return STEP_MORE;
    w->frame->token = 0;
    w->at = end;
    const char *reason = eh_json_scalar_fault(eh_slice_of(w->data + start, end - start));
    if (reason == NULL) return STEP_ON;
    (void)malformed(w, start, reason);
    w->fault->cut = end == w->len;
    return STEP_FAULTY;
}

/* ---- values ----------------------------------------------------------------------------- */

static void end_value(eh_json_frame *f)
{
    f->at = f->depth == 0 ? AT_END : AT_NEXT;
}

void eh_json_frame_skip(eh_json_frame *f)
{
    end_value(f);
}

static step open_container(walk *w, char c)
{
    eh_json_frame *f = w->frame;
    if (f->depth >= EH_JSON_MAX_DEPTH)
        return faulty(w, w->at, "too_deep", "values are nested deeper than 100");
    f->open[f->depth++] = c;
    f->at = c == '{' ? AT_FIRST_KEY : AT_FIRST_VALUE;
    w->at++;
    return STEP_ON;
}

/* The path goes on into the value at w->at; it must be an object. */
static void follow(eh_json_frame *f, char c)
{
    size_t from = f->from[f->on_path];
    f->found.missing = from + eh_json_path_step(f->path, from).len;
    f->found.not_map = c != '{';
    if (c != '{') return;
    f->seen[f->on_path++] = false;
}

static step read_value(walk *w)
{
    eh_json_frame *f = w->frame;
    char c = w->data[w->at];
    eh_slice raw;
    bool escaped, leads = f->leads && f->token == 0;
    if (leads && f->from[f->on_path] > f->path.len) {
        f->leads = false;
        return STEP_ROWS;
    }
    if (leads) follow(f, c);
    f->leads = false;
    if (c == '{' || c == '[') return open_container(w, c);
    step done = c == '"' ? read_string(w, &raw, &escaped) : read_scalar(w);
    if (done == STEP_ON) end_value(f);
    return done;
}

static step read_key(walk *w)
{
    eh_json_frame *f = w->frame;
    eh_slice raw;
    bool escaped;
    if (w->data[w->at] != '"') return malformed(w, w->at, "a key in double quotes is missing");
    step done = read_string(w, &raw, &escaped);
    if (done != STEP_ON) return done;
    f->at = AT_COLON;
    if (f->depth == 0 || f->on_path != f->depth) return STEP_ON;
    unsigned inner = f->on_path - 1;
    eh_slice wanted = eh_json_path_step(f->path, f->from[inner]);
    bool here = eh_json_key_is(raw, escaped, wanted);
    if (here && f->seen[inner]) f->found.twice = true;
    f->leads = here && !f->seen[inner];
    if (f->leads) f->from[f->on_path] = f->from[inner] + wanted.len + 1;
    f->seen[inner] = f->seen[inner] || here;
    return STEP_ON;
}

static step close_container(walk *w)
{
    eh_json_frame *f = w->frame;
    if (f->on_path == f->depth) f->on_path--;
    f->depth--;
    w->at++;
    end_value(f);
    return STEP_ON;
}

static step read_next(walk *w)
{
    eh_json_frame *f = w->frame;
    bool map = f->open[f->depth - 1] == '{';
    char c = w->data[w->at];
    if (c == (map ? '}' : ']')) return close_container(w);
    if (c != ',')
        return malformed(w, w->at,
                         map ? "a comma or a closing brace is missing in an object"
                             : "a comma or a closing bracket is missing in an array");
    w->at++;
    f->at = map ? AT_KEY : AT_VALUE;
    return STEP_ON;
}

static step read_colon(walk *w)
{
    if (w->data[w->at] != ':') return malformed(w, w->at, "a colon is missing after a key");
    w->at++;
    w->frame->at = AT_VALUE;
    return STEP_ON;
}

/* One token; there is a byte at w->at that is no white space. */
static step read_token(walk *w)
{
    char c = w->data[w->at];
    switch (w->frame->at) {
    case AT_FIRST_VALUE:
        return c == ']' ? close_container(w) : read_value(w);
    case AT_FIRST_KEY:
        return c == '}' ? close_container(w) : read_key(w);
    case AT_KEY:
        return read_key(w);
    case AT_COLON:
        return read_colon(w);
    case AT_NEXT:
        return read_next(w);
    case AT_END:
        return malformed(w, w->at, "something follows the value");
    default:
        return read_value(w);
    }
}

static step end_of_text(walk *w)
{
    if (w->last && w->frame->at != AT_END) return malformed(w, w->len, "the text ends early");
    return STEP_MORE;
}

eh_json_framed eh_json_frame_run(eh_json_frame *frame, const char *data, size_t len, bool last,
                                 size_t *used, eh_json_fault *fault)
{
    walk w = {.frame = frame, .data = data, .len = len, .last = last, .fault = fault};
    step done = STEP_ON;
    while (done == STEP_ON && !(frame->one && frame->at == AT_END)) {
        if (frame->token == 0)
            while (w.at < len && eh_json_is_space(data[w.at])) w.at++;
        done = w.at < len ? read_token(&w) : end_of_text(&w);
    }
    *used = w.at;
    if (done == STEP_ROWS) return EH_JSON_FRAME_ROWS;
    if (done == STEP_FAULTY) return EH_JSON_FRAME_FAULTY;
    bool ended = frame->at == AT_END && (frame->one || (last && w.at == len));
    return ended ? EH_JSON_FRAME_END : EH_JSON_FRAME_MORE;
}
