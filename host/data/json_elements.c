/* data/json_elements.c: see json_elements.h. */
#include "data/json_elements.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && is_space(*at)) at++;
    return at;
}

bool eh_json_is_array(eh_slice text)
{
    const char *end = text.data + text.len, *at = skip_space(text.data, end);
    return at < end && *at == '[';
}

eh_json_elements eh_json_elements_of(eh_slice array)
{
    const char *end = array.data + array.len;
    return (eh_json_elements){skip_space(array.data, end) + 1, end};
}

/* Behind the string that begins at `at`. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\') at++;
    return at < end ? at + 1 : end;
}

/* At the comma or the bracket behind the value. */
static const char *skip_value(const char *at, const char *end)
{
    for (size_t depth = 0; at < end;) {
        char c = *at;
        if (c == '"') {
            at = skip_string(at, end);
            continue;
        }
        if (depth == 0 && (c == ',' || c == ']')) break;
        if (c == '[' || c == '{') depth++;
        if (c == ']' || c == '}') depth--;
        at++;
    }
    return at;
}

bool eh_json_elements_next(eh_json_elements *elements, eh_slice *element)
{
    const char *end = elements->end, *from = skip_space(elements->at, end);
    if (from == end || *from == ']') return false;
    const char *to = skip_value(from, end);
    elements->at = to < end && *to == ',' ? to + 1 : to;
    while (to > from && is_space(to[-1])) to--;
    *element = eh_slice_of(from, (size_t)(to - from));
    return true;
}
