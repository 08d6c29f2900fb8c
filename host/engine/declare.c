/* engine/declare.c: what a script declares becomes streams: names, tables, and what may not be.
 */
#include "data/names.h"
#include "engine/net.h"
#include "engine/pipeline.h"

#include <stdio.h>

#define NAME_LIMIT  128
#define STREAMS_MAX 2000

static bool is_name(const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;
    if (len == 0 || len > NAME_LIMIT) return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == '"' || text[i] == '\\') return false;
    return true;
}

static const eh_doc *find_source(const eh_run *run, const char *instance)
{
    const eh_doc *sources = eh_doc_get(run->spec, "sources");
    for (const eh_doc *s = eh_doc_first(sources); s != NULL; s = s->next)
        if (strcmp(eh_doc_str(s, "instance", ""), instance) == 0) return s;
    return NULL;
}

/* ---- tables
 * ------------------------------------------------------------------------------------ */

static bool append_part(eh_buf *out, const eh_stream *s, const char *source, const char *part,
                        size_t len, eh_err *err)
{
    const char *value = NULL;
    if (len == 6 && memcmp(part, "client", 6) == 0) value = s->client;
    if (len == 6 && memcmp(part, "source", 6) == 0) value = source;
    if (len == 8 && memcmp(part, "instance", 8) == 0) value = s->instance;
    if (len == 8 && memcmp(part, "resource", 8) == 0) value = s->resource;
    if (value != NULL) return eh_buf_append_str(out, value, err);
    eh_fail(err, EH_CLASS_CONFIG, "a table pattern has {%.*s}", (int)len, part);
    return eh_err_hint(err, "patterns know {client}, {source}, {instance} and {resource}");
}

static bool expand(eh_buf *out, const eh_stream *s, const char *source, const char *pattern,
                   eh_err *err)
{
    for (const char *p = pattern; *p != '\0';) {
        const char *close = *p == '{' ? strchr(p, '}') : NULL;
        if (close != NULL) {
            if (!append_part(out, s, source, p + 1, (size_t)(close - p - 1), err)) return false;
            p = close + 1;
        } else if (!eh_buf_append_byte(out, *p++, err)) {
            return false;
        }
    }
    return true;
}

static bool name_table(eh_pipeline *p, eh_stream *s, const char *source, eh_err *err)
{
    const char *pattern = eh_doc_str(s->declaration, "table", "{source}_{resource}");
    eh_buf name;
    eh_buf_init(&name, 4096);
    char normal[EH_NAME_MAX + 1];
    bool ok = expand(&name, s, source, pattern, err);
    if (ok) {
        eh_name_normalise(eh_buf_slice(&name), normal);
        s->table = eh_arena_strdup(p->run->arena, normal);
        ok = s->table != NULL || eh_fail_memory(err, "a table name");
    }
    eh_buf_free(&name);
    return ok;
}

/* A stream's rows are told by client and source. */
static bool refuse_replace(const eh_stream *a, const eh_stream *b, eh_err *err)
{
    (void)eh_fail(err, EH_CLASS_CONFIG,
                  "%s.%s and %s.%s load into table %s: rows of one cannot be replaced without "
                  "those of the other",
                  a->instance, a->resource, b->instance, b->resource, a->table);
    return eh_err_hint(err, "give each a table of its own, or load them by merge");
}

/* A row of one must mean the same row to the other: both are written one way, by one key. */
static bool refuse_odd_keys(const eh_stream *a, const eh_stream *b, eh_err *err)
{
    eh_write_rule one, other;
    if (!eh_write_read(a->declaration, &one, err) ||
        !eh_write_read(b->declaration, &other, err))
        return false;
    bool alike = one.write == other.write &&
                 (one.key == NULL || other.key == NULL ? one.key == other.key
                                                       : eh_doc_equal(one.key, other.key));
    if (alike) return true;
    (void)eh_fail(
        err, EH_CLASS_CONFIG,
        "%s.%s and %s.%s load into table %s, one by %s and one by %s, or by keys that "
        "differ",
        a->instance, a->resource, b->instance, b->resource, a->table, eh_write_name(one.write),
        eh_write_name(other.write));
    return eh_err_hint(err, "give both the same write and key, or each a table of its own");
}

static bool refuse_shared_table(eh_pipeline *p, size_t index, eh_err *err)
{
    const eh_stream *mine = &p->streams[index].stream;
    bool said = eh_doc_get(mine->declaration, "table") != NULL;
    for (size_t i = 0; i < index; i++) {
        const eh_stream *other = &p->streams[i].stream;
        if (strcmp(other->table, mine->table) != 0) continue;
        if ((mine->replace || other->replace) && strcmp(other->instance, mine->instance) == 0)
            return refuse_replace(other, mine, err);
        if (strcmp(other->instance, mine->instance) == 0 && !refuse_odd_keys(other, mine, err))
            return false;
        if (said && eh_doc_get(other->declaration, "table") != NULL) continue;
        eh_fail(err, EH_CLASS_CONFIG, "%s.%s and %s.%s would both load into table %s",
                other->instance, other->resource, mine->instance, mine->resource, mine->table);
        return eh_err_hint(
            err, "name the table of each (table: ...); the same name in both when they "
                 "are meant to share it");
    }
    return true;
}

/* ---- streams
 * ----------------------------------------------------------------------------------- */

static bool is_selected(const eh_run *run, const eh_stream *s)
{
    const char *only = eh_doc_str(run->spec, "only_resource", NULL);
    if (only == NULL) return true;
    char both[2 * NAME_LIMIT + 2];
    (void)snprintf(both, sizeof both, "%s.%s", s->instance, s->resource);
    return strcmp(only, s->resource) == 0 || strcmp(only, both) == 0;
}

/* What the project says of dead rows, where the resource says nothing. */
static bool add_defaults(const eh_run *run, eh_doc *declaration, eh_err *err)
{
    const eh_doc *max_dead = eh_doc_get(run->spec, "max_dead");
    if (max_dead == NULL || eh_doc_get(declaration, "max_dead") != NULL) return true;
    return eh_doc_put(run->arena, declaration, eh_slice_str("max_dead"),
                      eh_doc_copy(run->arena, max_dead, NULL), err);
}

/* What a source may speak to: its hosts are declared before anything from outside is seen. One
 * source has one list, whichever of its resources asks. */
static bool make_rules(eh_pipeline *p, size_t index, eh_err *err)
{
    eh_run *run = p->run;
    eh_pipeline_stream *ps = &p->streams[index];
    for (size_t i = 0; i < index; i++)
        if (strcmp(p->streams[i].stream.instance, ps->stream.instance) == 0) {
            ps->rules = p->streams[i].rules;
            return true;
        }
    const eh_doc *list = eh_doc_get(ps->stream.declaration, "hosts");
    eh_http_rules *rules = eh_arena_zalloc(run->arena, 1, sizeof *rules);
    const char **hosts = eh_arena_zalloc(run->arena, eh_doc_count(list), sizeof *hosts);
    if (rules == NULL || hosts == NULL) return eh_fail_memory(err, "a source's hosts");
    /* Without hosts nothing may be reached, and nothing need be known of it. */
    if (eh_doc_count(list) > 0 && !eh_run_network(run, rules, err)) return false;
    for (const eh_doc *h = eh_doc_first(list); h != NULL; h = h->next)
        if (h->kind == EH_DOC_STRING) hosts[rules->host_count++] = h->as.string.data;
    rules->hosts = hosts;
    ps->rules = rules;
    return eh_secrets_allow(run->secrets, ps->stream.instance, hosts, rules->host_count, err);
}

static bool declare_one(eh_pipeline *p, size_t index, const eh_doc *declaration, eh_err *err)
{
    eh_run *run = p->run;
    eh_pipeline_stream *ps = &p->streams[index];
    eh_stream *s = &ps->stream;
    eh_doc *kept = eh_doc_copy(run->arena, declaration, NULL);
    if (kept == NULL) return eh_fail_memory(err, "declarations");
    if (!add_defaults(run, kept, err)) return false;
    *s = (eh_stream){
        .run = run,
        .client = eh_doc_str(eh_doc_get(run->spec, "client"), "id", ""),
        .instance = eh_doc_str(kept, "instance", ""),
        .resource = eh_doc_str(kept, "resource", ""),
        .declaration = kept,
    };
    if (!is_name(s->instance) || !is_name(s->resource))
        return eh_fail(err, EH_CLASS_SCRIPT, "a resource has no proper name");
    const eh_doc *source = find_source(run, s->instance);
    if (source == NULL)
        return eh_fail(err, EH_CLASS_SCRIPT, "the client has no source \"%s\"", s->instance);
    s->schema = run->dest != NULL ? eh_dest_default_schema(run->dest) : "etl";
    if (run->dest != NULL && strcmp(eh_dest_kind(run->dest), "postgres") == 0)
        s->schema = eh_doc_str(eh_doc_get(run->spec, "destination"), "schema", s->schema);
    eh_write_rule write;
    if (!eh_write_read(kept, &write, err))
        return eh_err_while(err, "reading what %s.%s declares", s->instance, s->resource);
    s->anew = eh_doc_bool(run->spec, "full_refresh", false);
    s->replace =
        (s->anew || write.write == EH_WRITE_REPLACE) && eh_doc_get(run->spec, "retry") == NULL;
    for (size_t i = 0; i < index; i++)
        if (strcmp(p->streams[i].stream.instance, s->instance) == 0 &&
            strcmp(p->streams[i].stream.resource, s->resource) == 0)
            return eh_fail(err, EH_CLASS_SCRIPT, "resource %s.%s is declared twice",
                           s->instance, s->resource);
    if (!make_rules(p, index, err)) return false;
    ps->selected = is_selected(run, s);
    if (eh_doc_bool(kept, "row", false)) {
        eh_row_link_init(&ps->rows, p->jail, s);
        ps->hook = (eh_row_hook){&ps->rows, eh_row_link_apply};
        s->rows = &ps->hook;
    }
    return name_table(p, s, eh_doc_str(source, "use", s->instance), err) &&
           refuse_shared_table(p, index, err);
}

bool eh_pipeline_declare(eh_pipeline *p, const eh_doc *resources, eh_err *err)
{
    size_t count = eh_doc_count(resources);
    if (count > STREAMS_MAX)
        return eh_fail(err, EH_CLASS_LIMIT, "the pipeline declares more than %d resources",
                       STREAMS_MAX);
    p->streams = eh_arena_zalloc(p->run->arena, count, sizeof *p->streams);
    if (p->streams == NULL) return eh_fail_memory(err, "streams");
    for (const eh_doc *d = eh_doc_first(resources); d != NULL; d = d->next) {
        if (!declare_one(p, p->count, d, err)) return false;
        p->count++;
    }
    return true;
}
