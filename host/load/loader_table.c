/* load/loader_table.c: the table beside its columns. What it is to have (index, policy, view,
 * comments), and before the first row what it is like: what would keep every row out is one
 * error that names all of it, what somebody has to know is one warning. See loader.h. */
#include "load/loader_private.h"
#include "load/plan_private.h"

#include <stdio.h>

#define TEXT_MAX ((size_t)64 * 1024)

/* ---- findings ---------------------------------------------------------------------------
 */

/* A text of findings, "x: a, b; y: c". One that would have no names is left out. */
typedef struct findings {
    eh_buf text;
    size_t start; /* of the finding at work */
    bool any;     /* it has a name */
    bool ok;
    eh_err *err;
} findings;

static void put(findings *f, const char *text)
{
    f->ok = f->ok && eh_buf_append_str(&f->text, text, f->err);
}

static void begin(findings *f, const char *what)
{
    f->start = f->text.len;
    f->any = false;
    if (f->text.len > 0) put(f, "; ");
    put(f, what);
}

static void name(findings *f, const char *word, const char *type)
{
    if (f->any) put(f, ", ");
    put(f, word);
    if (type != NULL) put(f, " ");
    if (type != NULL) put(f, type);
    f->any = true;
}

static void end(findings *f, const char *rest)
{
    put(f, rest);
    if (!f->any) f->text.len = f->start;
}

static void say(findings *f, bool is_so, const char *what)
{
    begin(f, what);
    f->any = is_so;
    end(f, "");
}

/* ---- what keeps every row out ----------------------------------------------------------- */

static bool is_filled(const eh_plan *plan, const char *column)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->targets[i].origin != EH_FROM_ABSENT &&
            strcmp(plan->infos[i].name, column) == 0)
            return true;
    return false;
}

static void find_generated(const eh_plan *plan, findings *f)
{
    begin(f, "the database fills ");
    for (size_t i = 0; i < plan->source_count; i++)
        if (plan->source_plans[i].generated) name(f, plan->source_plans[i].name, NULL);
    end(f, " itself (generated or identity), and the input brings a value");
}

static void find_empty(const eh_plan *plan, findings *f)
{
    begin(f, "without a value in the input, and without a default: ");
    for (size_t i = 0; i < plan->table.count; i++) {
        const eh_column_info *c = &plan->table.columns[i];
        if (c->not_null && !c->generated && !is_filled(plan, c->name)) name(f, c->name, NULL);
    }
    end(f, " (NOT NULL)");
}

static void find_changes(const eh_plan *plan, findings *f)
{
    begin(f, "it lacks ");
    for (size_t i = 0; i < plan->change_count; i++)
        if (plan->changes[i].column != NULL)
            name(f, plan->changes[i].column, eh_type_name(plan->changes[i].to));
    end(f, ", and only its owner may change its columns");
}

/* Generated columns may come with any input; the rest is asked before the first row. A trigger
 * may fill what nobody else does. */
static void find_obstacles(const eh_loader *loader, bool first, findings *f)
{
    const eh_table_info *table = &loader->plan.table;
    find_generated(&loader->plan, f);
    if (!first) return;
    if (!table->before_trigger) find_empty(&loader->plan, f);
    if (table->no_change) find_changes(&loader->plan, f);
    say(f, table->no_insert, "the loader may not insert into it");
    say(f, table->no_policy,
        "row-level security is on, and no policy lets the loader insert (FOR INSERT ... WITH "
        "CHECK)");
}

/* ---- what somebody has to know ---------------------------------------------------------- */

static void find_remarks(const eh_loader *loader, findings *f)
{
    const eh_plan *plan = &loader->plan;
    say(f, plan->table.no_copy,
        "row-level security is on for the loader, so rows go through a stage, which is slower");
    /* The others are told once: not again when the next run comes. */
    if (loader->state.epoch > 1) return;
    begin(f, "a value that does not fit as it is goes by the contract: ");
    for (size_t i = 0; i < plan->count; i++) {
        const eh_column_info *c = &plan->infos[i];
        if (c->narrow && c->written == NULL) name(f, c->name, c->native);
    }
    end(f, "");
    begin(f, "the database fills ");
    for (size_t i = 0; i < plan->table.count; i++)
        if (plan->table.columns[i].generated) name(f, plan->table.columns[i].name, NULL);
    end(f, "");
    if (plan->table.before_trigger) find_empty(plan, f);
    begin(f, "triggers see each row: ");
    if (plan->table.triggers != NULL) name(f, plan->table.triggers, NULL);
    end(f, "");
}

/* ---- both ------------------------------------------------------------------------------- */

/* The text found so far, "" without any; NULL without memory. */
static const char *text_of(findings *f)
{
    if (f->ok && f->text.len == 0) return "";
    const char *text = f->ok ? eh_buf_cstr(&f->text) : NULL;
    if (text == NULL && f->err->class_ == EH_OK)
        (void)eh_fail_memory(f->err, "what is known of a table");
    return text;
}

static bool tell_remarks(const eh_loader *loader, findings *f)
{
    const eh_stream_key *key = &loader->options.key;
    const eh_load_events *events = &loader->options.events;
    char message[1024];
    find_remarks(loader, f);
    const char *text = text_of(f);
    if (text == NULL || text[0] == '\0' || events->warning == NULL) return text != NULL;
    (void)snprintf(message, sizeof message, "about the table %s.%s: %s", key->schema,
                   key->table, text);
    events->warning(events->self, message);
    f->text.len = 0;
    return true;
}

static bool judge(const eh_loader *loader, bool first, findings *f)
{
    const eh_stream_key *key = &loader->options.key;
    if (first && !tell_remarks(loader, f)) return false;
    find_obstacles(loader, first, f);
    const char *text = text_of(f);
    if (text == NULL || text[0] == '\0') return text != NULL;
    bool denied = loader->plan.table.no_insert;
    (void)eh_fail(f->err, denied ? EH_CLASS_DENIED : EH_CLASS_CONFIG,
                  "no row can be loaded into %s.%s: %s", key->schema, key->table, text);
    if (denied)
        return eh_err_hint(
            f->err,
            "grant USAGE on the schema %s, and SELECT, INSERT, UPDATE and DELETE on "
            "%s.%s, to the role that etlhost signs in as",
            key->schema, key->schema, key->table);
    return eh_err_hint(f->err, "change the table, or drop or rename columns of the input");
}

bool eh_loader_judge_table(eh_loader *loader, eh_err *err)
{
    if (!loader->plan.table.exists) return true;
    findings f = {.ok = true, .err = err};
    eh_buf_init(&f.text, TEXT_MAX);
    bool ok = judge(loader, !loader->looked_at, &f);
    loader->looked_at = true;
    eh_buf_free(&f.text);
    return ok;
}

/* ---- what it is to have ----------------------------------------------------------------- */

/* What the destination could not do: told once. */
static void on_notice(void *self, const char *text)
{
    eh_loader *loader = self;
    const eh_load_events *events = &loader->options.events;
    if (events->warning == NULL || strcmp(loader->told, text) == 0) return;
    (void)snprintf(loader->told, sizeof loader->told, "%s", text);
    events->warning(events->self, text);
}

static bool put_comment(eh_buf *out, eh_slice of, const char *text, eh_err *err)
{
    return (out->len == 1 || eh_buf_append_byte(out, ',', err)) &&
           eh_buf_append_json(out, of, err) && eh_buf_append_byte(out, ':', err) &&
           eh_buf_append_json(out, eh_slice_str(text), err);
}

bool eh_loader_comments(eh_loader *loader, eh_err *err)
{
    const eh_doc *declaration = loader->options.declaration;
    eh_buf *out = &loader->comments;
    const char *text = eh_doc_str(declaration, "description", NULL);
    if (!eh_buf_append_byte(out, '{', err)) return false;
    if (text != NULL && !put_comment(out, eh_slice_str(""), text, err)) return false;
    const eh_doc *c = eh_doc_first(eh_doc_get(declaration, "columns"));
    for (; c != NULL; c = c->next) {
        text = c->kind == EH_DOC_MAP ? eh_doc_str(c, "description", NULL) : NULL;
        if (text != NULL && !put_comment(out, c->key, text, err)) return false;
    }
    if (out->len == 1) out->len = 0; /* nothing is said */
    if (out->len == 0) return true;
    if (!eh_buf_append_byte(out, '}', err)) return false;
    return eh_buf_cstr(out) != NULL || eh_fail_memory(err, "comments");
}

void eh_loader_note_cursor(eh_loader *loader)
{
    const eh_plan *plan = &loader->plan;
    const eh_doc *cursor = plan->options.write.cursor;
    for (size_t i = 0; cursor != NULL && i < plan->source_count; i++)
        if (plan->source_plans[i].name != NULL &&
            eh_declared_is(cursor, plan->sources[i].written, plan->source_plans[i].name))
            loader->options.table.cursor = plan->source_plans[i].name;
    loader->state.table.cursor = loader->options.table.cursor;
}

/* Rows without a client have nobody to be found by; a table that is not appended to gets the
 * index of its key. */
static void choose_options(eh_loader *loader)
{
    const eh_plan *plan = &loader->plan;
    eh_table_options *table = &loader->state.table;
    if (plan->options.has_client) {
        *table = loader->options.table;
        table->index = plan->options.write.write == EH_WRITE_APPEND;
    }
    table->comments = loader->comments.len > 0 ? loader->comments.data : NULL;
}

bool eh_loader_equip(eh_loader *loader, eh_err *err)
{
    const eh_loader_options *o = &loader->options;
    const eh_table_options *table = &loader->state.table;
    choose_options(loader);
    if (o->dry_run || !loader->plan.table.exists ||
        !(table->by_client || table->views != NULL || table->comments != NULL))
        return true;
    eh_dest_on_notice(o->dest, on_notice, loader);
    bool ok = eh_loader_collect(loader, EH_WAIT_ALL, err) &&
              eh_dest_equip(o->dest, &loader->state, o->key.schema, o->key.table, err);
    eh_dest_on_notice(o->dest, NULL, NULL);
    return ok;
}

void eh_loader_index(eh_loader *loader)
{
    const eh_loader_options *o = &loader->options;
    eh_err err = {.class_ = EH_OK};
    char text[sizeof err.message + 128];
    choose_options(loader);
    if (!loader->state.table.index || loader->counts.rows_loaded == 0) return;
    if (eh_loader_collect(loader, EH_WAIT_ALL, &err) &&
        eh_dest_equip(o->dest, &loader->state, o->key.schema, o->key.table, &err))
        return;
    (void)snprintf(text, sizeof text, "%s.%s has no index by client yet: %s", o->key.schema,
                   o->key.table, err.message);
    on_notice(loader, text);
}

bool eh_loader_change_table(eh_loader *loader, eh_err *err)
{
    const eh_loader_options *o = &loader->options;
    choose_options(loader);
    eh_dest_on_notice(o->dest, on_notice, loader);
    bool ok = eh_dest_change(o->dest, &loader->state, o->key.schema, o->key.table,
                             loader->plan.changes, loader->plan.change_count, err);
    eh_dest_on_notice(o->dest, NULL, NULL);
    return ok;
}
