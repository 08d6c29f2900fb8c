/* engine/stream_remote.c: a remote file into a stream; see stream.h. From the ledger's view it
 * is a file like any other; only that it may be gone, archived or another by the time that it
 * is read.
 */
#include "base/fault.h"
#include "engine/input.h"
#include "engine/preview.h"
#include "engine/stream_private.h"

#include <stdio.h>

/* Where the first bytes that are not committed begin. */
static uint64_t first_gap(const eh_ledger *ledger)
{
    uint64_t offset = 0;
    for (size_t i = 0; i < ledger->range_count && ledger->ranges[i].start <= offset; i++)
        if (ledger->ranges[i].end > offset) offset = ledger->ranges[i].end;
    return offset;
}

bool eh_stream_look_into(eh_stream_file *f, const eh_ledger *ledger, eh_err *err)
{
    uint64_t gap = first_gap(ledger);
    if (gap > 0) eh_remote_seek(f->remote, gap);
    if (!eh_file_detect_coding(&f->file, f->name, err)) return false;
    EH_FAULT("object.begun");
    return eh_input_declared_coding(&f->file, f->format, err);
}

bool eh_stream_has(eh_stream *s, const char *identity, const char *name)
{
    eh_ledger ledger = {.known = false};
    if (eh_doc_bool(s->run->spec, "dry_run", false)) return false;
    eh_err ignored = {.class_ = EH_OK}; /* met again, and told, by the load that follows */
    if (s->loader == NULL && !eh_stream_open(s, &ignored)) return false;
    eh_stream_state state = *eh_loader_state(s->loader);
    if (s->replace && s->anew) return false;
    if (s->replace) state.unit_generation = state.generation;
    eh_arena *arena = eh_arena_new((size_t)1024 * 1024);
    bool has = arena != NULL &&
               eh_dest_ledger(s->run->dest, &state, identity, name, arena, &ledger, &ignored) &&
               ledger.complete;
    eh_arena_free(arena);
    return has;
}

/* One object that cannot be read says nothing about the others. */
static bool leave(eh_stream *s, eh_stream_file *f, const char *why, eh_err *err)
{
    eh_err_clear(err);
    f->outcome.status = EH_FILE_LEFT;
    (void)snprintf(f->outcome.reason, sizeof f->outcome.reason, "%s", why);
    s->files_left++;
    char text[400];
    (void)snprintf(text, sizeof text, "%.200s is left out: %s", f->name, why);
    eh_event_log(&s->run->events, "warning", text, s->instance, s->resource);
    return true;
}

static bool load_or_leave(eh_stream *s, eh_stream_file *f, eh_err *err)
{
    if (eh_stream_load_opened(s, f, err)) return true;
    if (f->input != NULL && eh_remote_fate_of(f->remote) != EH_REMOTE_CHANGED) return false;
    switch (eh_remote_fate_of(f->remote)) {
    case EH_REMOTE_GONE:
        return leave(s, f, "it was deleted since it was listed", err);
    case EH_REMOTE_ARCHIVED:
        return leave(s, f, "it is archived: restore it, and the next run loads it", err);
    case EH_REMOTE_CHANGED:
        /* In the middle of replacing rows there is another content to be forgotten first: the
         * next run does that. */
        f->outcome.stale =
            f->outcome.status == EH_FILE_LOADED || f->outcome.status == EH_FILE_RESUMED;
        return false;
    case EH_REMOTE_THERE:
        break;
    }
    return false;
}

/* Takes the remote over. */
static bool load_once(eh_stream *s, eh_remote *remote, eh_file_outcome *outcome, eh_err *err)
{
    eh_stream_file *f = eh_stream_new_file(s, eh_remote_name(remote), err);
    if (f == NULL) {
        eh_remote_free(remote);
        return false;
    }
    f->remote = remote;
    if (eh_remote_open(remote, &f->file, err))
        return eh_stream_count_file(s, f, load_or_leave, outcome, err);
    /* It was not listed: what is said of it is said of what was asked for. */
    eh_stream_free_file(f);
    return false;
}

bool eh_stream_load_remote(eh_stream *s, eh_remote *remote, eh_file_outcome *outcome,
                           eh_err *err)
{
    eh_err failure = {.class_ = EH_OK};
    *outcome = (eh_file_outcome){.status = EH_FILE_LOADED};
    eh_remote *anew = NULL;
    bool ok = eh_run_go_on(s->run, err) && eh_stream_check_name(eh_remote_name(remote), err);
    if (ok && s->pages != NULL)
        ok = eh_fail(err, EH_CLASS_SCRIPT, "a resource loads files or emits rows, not both");
    if (ok && s->preview != NULL) ok = eh_preview_remote(s->preview, s, remote, err);
    if (ok && s->preview == NULL) {
        anew = eh_remote_anew(remote, err);
        ok = anew != NULL;
    }
    if (!ok || s->preview != NULL) {
        eh_remote_free(remote);
        return ok;
    }
    ok = load_once(s, remote, outcome, &failure);
    if (!ok && outcome->stale && eh_loader_drain(s->loader, &failure)) {
        char text[400];
        (void)snprintf(text, sizeof text,
                       "%.200s was replaced while it was read: its new content is read now",
                       eh_remote_name(anew));
        eh_event_log(&s->run->events, "warning", text, s->instance, s->resource);
        s->files--;
        eh_err_clear(&failure);
        *outcome = (eh_file_outcome){.status = EH_FILE_LOADED};
        ok = load_once(s, anew, outcome, &failure);
        anew = NULL;
    }
    eh_remote_free(anew);
    if (!ok && err->class_ == EH_OK) *err = failure;
    return ok;
}
