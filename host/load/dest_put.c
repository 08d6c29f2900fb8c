/* load/dest_put.c: see dest_put.h. */
#include "load/dest_put.h"

#define SQL_MAX ((size_t)4 * 1024 * 1024)

bool eh_spell_bare(const eh_speller *s, size_t i, eh_buf *out)
{
    return eh_sql_identifier(out, s->columns[i].name, s->err);
}

const char *eh_spell_keep(const eh_speller *s, bool ok, eh_buf *out)
{
    const char *text = ok ? eh_arena_strndup(s->arena, out->data, out->len) : NULL;
    if (ok && out->len == 0) text = "";
    if (ok && text == NULL) (void)eh_fail_memory(s->err, "a statement");
    eh_buf_free(out);
    return text;
}

const char *eh_spell_but(const eh_speller *s, unsigned roles, size_t but, const char *between,
                         eh_spell_column *how)
{
    eh_buf out;
    eh_buf_init(&out, SQL_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < s->put->count; i++) {
        if (i == but || (roles & 1u << s->put->roles[i]) == 0) continue;
        ok = (out.len == 0 || eh_buf_append_str(&out, between, s->err)) && how(s, i, &out);
    }
    return eh_spell_keep(s, ok, &out);
}

const char *eh_spell(const eh_speller *s, unsigned roles, const char *between,
                     eh_spell_column *how)
{
    return eh_spell_but(s, roles, SIZE_MAX, between, how);
}
