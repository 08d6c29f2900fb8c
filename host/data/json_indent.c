/* data/json_indent.c: see json_indent.h. */
#include "data/json_indent.h"

#include "data/json_text.h"

typedef struct layout {
    eh_slice text;
    size_t at;
    size_t depth;
    eh_buf *out;
    eh_err *err;
} layout;

static bool new_line(layout *l)
{
    if (!eh_buf_append_byte(l->out, '\n', l->err)) return false;
    for (size_t i = 0; i < l->depth; i++)
        if (!eh_buf_append(l->out, "  ", 2, l->err)) return false;
    return true;
}

static void skip_space(layout *l)
{
    while (l->at < l->text.len && eh_json_is_space(l->text.data[l->at])) l->at++;
}

/* A string, a number, a word: up to its end, as it is. */
static bool scalar(layout *l)
{
    size_t from = l->at;
    bool quoted = l->text.data[from] == '"';
    for (l->at++; l->at < l->text.len; l->at++) {
        char c = l->text.data[l->at];
        if (quoted && c == '\\') {
            l->at++;
        } else if (quoted && c == '"') {
            l->at++;
            break;
        } else if (!quoted && (eh_json_is_space(c) || strchr(",:]}", c) != NULL)) {
            break;
        }
    }
    return eh_buf_append(l->out, l->text.data + from, l->at - from, l->err);
}

static bool open_container(layout *l)
{
    char c = l->text.data[l->at++];
    skip_space(l);
    if (!eh_buf_append_byte(l->out, c, l->err)) return false;
    char next = l->text.data[l->at];
    if (next == ']' || next == '}') {
        l->at++;
        return eh_buf_append_byte(l->out, next, l->err);
    }
    l->depth++;
    return new_line(l);
}

static bool token(layout *l)
{
    char c = l->text.data[l->at];
    switch (c) {
    case '{':
    case '[':
        return open_container(l);
    case '}':
    case ']':
        l->at++;
        l->depth--;
        return new_line(l) && eh_buf_append_byte(l->out, c, l->err);
    case ',':
        l->at++;
        return eh_buf_append_byte(l->out, ',', l->err) && new_line(l);
    case ':':
        l->at++;
        return eh_buf_append(l->out, ": ", 2, l->err);
    default:
        return scalar(l);
    }
}

bool eh_json_indent(eh_slice text, eh_buf *out, bool *is_json, eh_err *err)
{
    eh_json_found found;
    eh_json_fault fault;
    *is_json = false;
    switch (eh_json_judge_document(text, (eh_slice){"", 0}, NULL, &found, &fault, err)) {
    case EH_JSON_NO_VERDICT:
        return false;
    case EH_JSON_FAULTY:
        return true;
    case EH_JSON_GOOD:
        break;
    }
    *is_json = true;
    size_t before = out->len;
    layout l = {.text = text, .out = out, .err = err};
    for (skip_space(&l); l.at < text.len; skip_space(&l))
        if (!token(&l)) {
            out->len = before;
            return false;
        }
    return true;
}
