/* load/dest_sql.c: see dest_sql.h. */
#include "load/dest_sql.h"

#include "base/embed.h"

#include <stdio.h>
#include <string.h>

static eh_slice find_file(const char *kind, const char *name, char *path, size_t size)
{
    (void)snprintf(path, size, "host/load/sql/%s/%s.sql", kind, name);
    return eh_embedded_find(path);
}

static bool is_file(const char *kind, const char *name)
{
    char path[128];
    return find_file(kind, name, path, sizeof path).data != NULL;
}

const char *eh_sql_text(const char *kind, const char *name, eh_err *err)
{
    char path[128];
    eh_slice text = find_file(kind, name, path, sizeof path);
    if (text.data == NULL)
        (void)eh_fail(err, EH_CLASS_BUG, "the executable carries no file %s", path);
    return text.data;
}

/* Both servers double the quote inside; nothing else is special in a quoted identifier or (with
 * standard_conforming_strings, the default since PostgreSQL 9.1) in a string constant. */
static bool quote(eh_buf *out, const char *text, char mark, eh_err *err)
{
    if (!eh_buf_append_byte(out, mark, err)) return false;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == mark && !eh_buf_append_byte(out, mark, err)) return false;
        if (!eh_buf_append_byte(out, *p, err)) return false;
    }
    return eh_buf_append_byte(out, mark, err);
}

bool eh_sql_identifier(eh_buf *out, const char *name, eh_err *err)
{
    if (name[0] == '\0')
        return eh_fail(err, EH_CLASS_CONFIG, "a name in the database may not be empty");
    return quote(out, name, '"', err);
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* If a variable begins at p (which is a ':'), its name, its style and what follows it. */
static bool parse_variable(const char *p, eh_slice *name, char *style, const char **after)
{
    *style = p[1] == '"' || p[1] == '\'' ? p[1] : ' ';
    const char *start = p + (*style == ' ' ? 1 : 2), *end = start;
    if (*start >= '0' && *start <= '9') return false; /* a time of day: '00:00' */
    while (is_word(*end)) end++;
    if (end == start) return false;
    if (*style != ' ' && *end != *style) return false;
    *name = eh_slice_of(start, (size_t)(end - start));
    *after = end + (*style != ' ');
    return true;
}

static bool put_variable(const char *kind, eh_slice name, char style, const eh_sql_var *vars,
                         size_t count, eh_buf *out, eh_err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!eh_slice_is(name, vars[i].name)) continue;
        if (style == '"') return eh_sql_identifier(out, vars[i].value, err);
        if (style == '\'') return quote(out, vars[i].value, '\'', err);
        return eh_buf_append_str(out, vars[i].value, err);
    }
    char file[64];
    (void)snprintf(file, sizeof file, "%.*s", EH_SLICE_FMT(name));
    if (style == ' ' && is_file(kind, file))
        return eh_sql_expand(kind, file, vars, count, out, err);
    return eh_fail(err, EH_CLASS_BUG, "a statement wants an unknown variable %.*s",
                   EH_SLICE_FMT(name));
}

bool eh_sql_expand(const char *kind, const char *name, const eh_sql_var *vars, size_t count,
                   eh_buf *out, eh_err *err)
{
    const char *p = eh_sql_text(kind, name, err);
    if (p == NULL) return false;
    while (*p != '\0') {
        const char *colon = strchr(p, ':'), *after;
        eh_slice variable;
        char style;
        if (colon == NULL) colon = p + strlen(p);
        if (!eh_buf_append(out, p, (size_t)(colon - p), err)) return false;
        if (*colon == '\0') break;
        /* "::" is a cast */
        size_t plain = colon[1] == ':' ? 2 : 1;
        if (plain == 1 && parse_variable(colon, &variable, &style, &after)) {
            if (!put_variable(kind, variable, style, vars, count, out, err)) return false;
            p = after;
            continue;
        }
        if (!eh_buf_append(out, colon, plain, err)) return false;
        p = colon + plain;
    }
    return eh_buf_cstr(out) != NULL || eh_fail_memory(err, "a statement");
}
