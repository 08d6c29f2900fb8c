/* engine/stream_changed.c: files whose content takes the place of another: those of a stream
 * that is replaced, and those that changed since they were loaded. See stream.h. */
#include "engine/stream_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- a stream that is replaced ---------------------------------------------------------- */

/* The listing is the new content. What the table has of it stays there; the rest is collected
 * in the stage, by this run and by those that were killed before it. */
bool eh_stream_collect(eh_stream *s, eh_stream_file *f, eh_err *err)
{
    const eh_stream_state *state = eh_loader_state(s->loader);
    eh_ledger ledger = {.known = false};
    eh_stream_state past = *state;
    past.unit_generation = past.generation;
    if (!s->anew &&
        !eh_dest_ledger(s->run->dest, &past, f->file.identity, f->name, f->arena, &ledger, err))
        return false;
    if (ledger.complete) {
        eh_stream_tell_known(s, f, &ledger);
        return eh_loader_keep(s->loader, f->file.identity, false, err);
    }
    if (!eh_dest_ledger(s->run->dest, state, f->file.identity, f->name, f->arena, &ledger, err))
        return false;
    f->outcome.status = ledger.known ? EH_FILE_RESUMED : EH_FILE_LOADED;
    if (!ledger.complete && f->remote != NULL && !eh_stream_look_into(f, &ledger, err))
        return false;
    return (ledger.complete || eh_stream_load_parts(s, f, &ledger, err)) &&
           eh_loader_keep(s->loader, f->file.identity, true, err);
}

/* ---- replace_rows ----------------------------------------------------------------------- */

static bool replace_rows(eh_stream *s, eh_stream_file *f, eh_err *err)
{
    eh_ledger ledger = {.known = false};
    eh_promoted done;
    if (!eh_loader_stage_file(s->loader, f->file.identity, err) ||
        !eh_dest_ledger(s->run->dest, eh_loader_state(s->loader), f->file.identity, f->name,
                        f->arena, &ledger, err))
        return false;
    if (!ledger.complete && !eh_stream_load_parts(s, f, &ledger, err)) return false;
    if (!eh_loader_promote_file(s->loader, f->name, f->file.identity, &done, err)) return false;
    f->outcome.status = EH_FILE_REPLACED;
    f->outcome.rows = (uint64_t)done.came;
    f->outcome.gone = (uint64_t)done.gone;
    (void)snprintf(f->outcome.reason, sizeof f->outcome.reason,
                   "its content changed: %" PRId64 " rows went, %" PRId64 " came", done.gone,
                   done.came);
    return true;
}

/* Rows that have a key are put again; rows that the file does not have any more stay. The
 * ledger forgets the old content: when it comes back, it is put once more. */
static bool put_again(eh_stream *s, eh_stream_file *f, eh_err *err)
{
    eh_ledger none = {.known = false};
    (void)snprintf(f->outcome.reason, sizeof f->outcome.reason,
                   "its content changed: its rows were put again by their key");
    return eh_stream_load_parts(s, f, &none, err) && eh_stream_forget_older(s, f, err);
}

bool eh_stream_forget_older(eh_stream *s, eh_stream_file *f, eh_err *err)
{
    eh_promoted ignored;
    return eh_loader_promote_file(s->loader, f->name, f->file.identity, &ignored, err);
}

/* ---- tail ------------------------------------------------------------------------------- */

static void refuse(eh_stream *s, eh_stream_file *f, const char *why)
{
    f->outcome.status = EH_FILE_REFUSED;
    (void)snprintf(f->outcome.reason, sizeof f->outcome.reason, "%s", why);
    s->files_refused++;
}

static bool ask(eh_stream *s, const char *query, const char *const *params, size_t count,
                eh_stream_file *f, eh_doc **rows, eh_err *err)
{
    return eh_dest_query(s->run->dest, query, params, count, f->arena, rows, err);
}

/* The content that was loaded under this name, if the file begins with it; else why not. */
static bool find_beginning(eh_stream *s, eh_stream_file *f, const eh_doc **old,
                           const char **why, eh_err *err)
{
    char stream[24], generation[24];
    const eh_stream_state *state = eh_loader_state(s->loader);
    (void)snprintf(stream, sizeof stream, "%" PRId64, state->stream_id);
    (void)snprintf(generation, sizeof generation, "%" PRId64, state->generation);
    const char *params[] = {stream, generation, f->name};
    eh_doc *rows = NULL;
    bool begins = false;
    *old = NULL;
    *why = NULL;
    if (!ask(s, "file_contents", params, 3, f, &rows, err)) return false;
    const eh_doc *first = eh_doc_first(rows);
    if (f->remote != NULL)
        *why = "tail is for files: a store does not say whether the bytes before are the same";
    else if (f->file.coding != EH_CODING_NONE)
        *why = "tail goes on only with files that are not compressed";
    else if (eh_doc_count(rows) != 1 || strcmp(eh_doc_str(first, "whole", ""), "t") != 0)
        *why = "tail cannot tell where to go on: its content before was not loaded whole, or "
               "more than one was loaded";
    else if (strcmp(eh_doc_str(first, "cut", ""), "t") == 0)
        *why = "tail cannot go on: a record that was cut off at the end of it is a dead row";
    if (*why != NULL) return true;
    const char *identity = eh_doc_str(first, "input", "");
    uint64_t size = strtoull(eh_doc_str(first, "size", "0"), NULL, 10);
    if (!eh_file_begins_with(&f->file, identity, size, &begins, err)) return false;
    if (begins)
        *old = first;
    else
        *why = "tail: it does not begin with the lines that were loaded from it";
    return true;
}

/* What is loaded of the old content is, from now on, loaded of the new one: only the rest is
 * left, as after a run that was killed. */
static bool adopt(eh_stream *s, eh_stream_file *f, const eh_doc *old, eh_err *err)
{
    char stream[24], epoch[24], generation[24], size[24];
    const eh_stream_state *state = eh_loader_state(s->loader);
    (void)snprintf(stream, sizeof stream, "%" PRId64, state->stream_id);
    (void)snprintf(epoch, sizeof epoch, "%" PRId64, state->epoch);
    (void)snprintf(generation, sizeof generation, "%" PRId64, state->generation);
    (void)snprintf(size, sizeof size, "%" PRIu64, f->file.size);
    const char *params[] = {stream,           epoch, generation, eh_doc_str(old, "input", ""),
                            f->file.identity, size,  f->name};
    eh_doc *rows = NULL;
    if (!ask(s, "file_grow", params, 7, f, &rows, err)) return false;
    if (strcmp(eh_doc_str(eh_doc_first(rows), "units", "0"), "0") != 0) return true;
    return eh_fail(err, EH_CLASS_CANCELLED, "another run has taken this stream over");
}

static bool load_tail(eh_stream *s, eh_stream_file *f, eh_err *err)
{
    const eh_doc *old;
    const char *why;
    eh_ledger ledger = {.known = false};
    if (!find_beginning(s, f, &old, &why, err)) return false;
    if (old == NULL) {
        refuse(s, f, why);
        return true;
    }
    f->outcome.status = EH_FILE_RESUMED;
    (void)snprintf(f->outcome.reason, sizeof f->outcome.reason,
                   "it has grown: what was loaded is its beginning");
    return adopt(s, f, old, err) &&
           eh_dest_ledger(s->run->dest, eh_loader_state(s->loader), f->file.identity, f->name,
                          f->arena, &ledger, err) &&
           eh_stream_load_parts(s, f, &ledger, err);
}

/* ---- a file that changed ---------------------------------------------------------------- */

bool eh_stream_load_changed(eh_stream *s, eh_stream_file *f, eh_err *err)
{
    const char *how = eh_doc_str(s->declaration, "on_changed_file", "replace_rows");
    eh_ledger none = {.known = false};
    if (strcmp(how, "tail") == 0) return load_tail(s, f, err);
    if (strcmp(how, "append") == 0) return eh_stream_load_parts(s, f, &none, err);
    if (strcmp(how, "replace_rows") == 0)
        return eh_loader_appends(s->loader) ? replace_rows(s, f, err) : put_again(s, f, err);
    refuse(s, f,
           "its content changed since it was loaded; on_changed_file says what to do then");
    return true;
}

bool eh_stream_note_name(eh_stream *s, eh_stream_file *f, const eh_ledger *ledger, eh_err *err)
{
    char stream[24], epoch[24];
    const eh_stream_state *state = eh_loader_state(s->loader);
    if (ledger->name == NULL || strcmp(ledger->name, f->name) == 0) return true;
    (void)snprintf(stream, sizeof stream, "%" PRId64, state->stream_id);
    (void)snprintf(epoch, sizeof epoch, "%" PRId64, state->epoch);
    const char *params[] = {stream, epoch, f->file.identity, f->name};
    eh_doc *rows = NULL;
    return ask(s, "file_seen", params, 4, f, &rows, err);
}
