/* engine/engine.c: reading the specification, the control channel, and choosing the operation.
 */
#include "engine/engine.h"

#include "base/fault.h"
#include "engine/net.h"
#include "engine/objects.h"
#include "io/pgtarget.h"
#include "load/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define ARENA_MAX ((size_t)256 * 1024 * 1024)
/* Encoded rows in memory at once: all units together. */
#define UNITS_BYTES ((size_t)32 * 1024 * 1024)
#define ZONE_MAX    ((size_t)4 * 1024 * 1024)
#define CONTROL_FD  3
#define EVENTS_FD   4
#define CONTROL_MAX ((size_t)4 * 1024 * 1024)

/* ---- control -------------------------------------------------------------------------------
 */

static void stop(eh_run *run, const char *reason)
{
    if (!run->stopping) EH_FAULT("engine.stop");
    run->stopping = true;
    run->stop_reason = reason;
}

static void drop_control(eh_run *run)
{
    eh_watch_remove(run->control);
    run->control = NULL;
}

static void read_control(eh_run *run)
{
    eh_frame frame;
    size_t used;
    eh_frame_result result;
    while ((result = eh_frame_read(eh_buf_slice(&run->control_in), run->arena, &frame, &used,
                                   NULL)) == EH_FRAME_READY) {
        eh_buf_consume(&run->control_in, used);
        if (frame.type == EH_FRAME_STOP) stop(run, "stopped");
    }
    /* Nothing but STOP is said behind the specification: what cannot be read, for lack of
     * memory, is that. */
    if (result == EH_FRAME_BAD) stop(run, "stopped");
}

static void on_control(void *self, int events)
{
    (void)events;
    eh_run *run = self;
    char chunk[4096];
    ssize_t n = read(run->control_fd, chunk, sizeof chunk);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        stop(run, "the supervisor is gone");
        drop_control(run);
        return;
    }
    if (eh_buf_append(&run->control_in, chunk, (size_t)n, NULL))
        read_control(run);
    else
        stop(run, "stopped");
}

bool eh_run_may_go_on(eh_run *run, eh_err *err)
{
    if (run->events.broken) stop(run, "the supervisor is gone");
    if (!run->stopping) return true;
    return eh_fail(err, EH_CLASS_CANCELLED, "%s", run->stop_reason);
}

bool eh_run_go_on(eh_run *run, eh_err *err)
{
    return eh_loop_turn(run->loop, 0, err) && eh_run_may_go_on(run, err);
}

/* Blocks until the whole specification is there: nothing else can be done before. */
static bool read_spec(eh_run *run, eh_err *err)
{
    for (;;) {
        eh_frame frame;
        size_t used;
        switch (eh_frame_read(eh_buf_slice(&run->control_in), run->arena, &frame, &used, err)) {
        case EH_FRAME_BAD:
            return false;
        case EH_FRAME_READY:
            eh_buf_consume(&run->control_in, used);
            run->spec = frame.body;
            if (frame.type == EH_FRAME_SPEC && frame.body->kind == EH_DOC_MAP) return true;
            return eh_fail(err, EH_CLASS_BUG, "the first frame is no run specification");
        case EH_FRAME_PARTIAL:
            break;
        }
        char chunk[65536];
        ssize_t n = read(run->control_fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return eh_fail(err, EH_CLASS_CANCELLED, "the supervisor is gone");
        if (!eh_buf_append(&run->control_in, chunk, (size_t)n, err)) return false;
    }
}

/* Where the operator says that an instance's secrets may go. */
static bool trust_hosts(eh_run *run, const eh_doc *source, eh_err *err)
{
    const eh_doc *list = eh_doc_get(source, "hosts");
    if (list == NULL) return true;
    const char **hosts = eh_arena_zalloc(run->arena, eh_doc_count(list) + 1, sizeof *hosts);
    if (hosts == NULL) return eh_fail_memory(err, "the hosts of a source");
    size_t count = 0;
    for (const eh_doc *h = eh_doc_first(list); h != NULL; h = h->next)
        if (h->kind == EH_DOC_STRING) hosts[count++] = h->as.string.data;
    return eh_secrets_trust(run->secrets, eh_doc_str(source, "instance", ""), hosts, count,
                            err);
}

/* Messages of the server, or of libpq, may quote the password: nobody is told. */
static bool hide_passwords(eh_run *run, eh_err *err)
{
    const char *url = eh_doc_str(eh_doc_get(run->spec, "destination"), "url", "sqlite:");
    eh_slice found[EH_PG_PASSWORDS_MAX];
    if (strncmp(url, "sqlite:", 7) == 0) return true;
    size_t count = eh_pg_passwords(url, run->arena, found);
    for (size_t i = 0; i < count; i++)
        if (!eh_secrets_hide(run->secrets, found[i], err)) return false;
    return true;
}

/* The only copies that stay are the store's; what connects keeps its address. */
static bool take_secrets(eh_run *run, eh_err *err)
{
    run->secrets = eh_secrets_new(eh_doc_get(run->spec, "secrets"), err);
    run->events.secrets = run->secrets;
    eh_buf *in = &run->control_in;
    if (in->data != NULL) explicit_bzero(in->data + in->len, in->cap - in->len);
    if (run->secrets == NULL) return false;
    const eh_doc *sources = eh_doc_get(run->spec, "sources");
    for (const eh_doc *s = eh_doc_first(sources); s != NULL; s = s->next)
        if (!trust_hosts(run, s, err)) return false;
    return hide_passwords(run, err);
}

/* ---- who I am -------------------------------------------------------------------------------
 */

/* Field 22 of /proc/self/stat (proc(5)): clock ticks since boot. With the pid it names a
 * process for good. 0 when it cannot be read. */
static int64_t process_started(void)
{
    char text[1024];
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0) (void)close(fd);
    if (n <= 0) return 0;
    text[n] = '\0';
    /* The name in field 2 may hold blanks: count from its closing parenthesis. */
    const char *p = strrchr(text, ')');
    for (int field = 2; p != NULL && field < 22; field++) p = strchr(p + 1, ' ');
    return p != NULL ? strtoll(p, NULL, 10) : 0;
}

static bool identify(eh_run *run, eh_err *err)
{
    char host[256] = "unknown";
    (void)gethostname(host, sizeof host - 1);
    const eh_doc *pipeline = eh_doc_get(run->spec, "pipeline");
    run->info = (eh_run_info){
        .run_id = eh_doc_str(run->spec, "run_id", "none"),
        .pipeline = eh_doc_str(pipeline, "path", eh_doc_str(run->spec, "op", "")),
        .script_hash = eh_doc_str(run->spec, "script_hash", ""),
        .config_hash = eh_doc_str(run->spec, "config_hash", ""),
        .host = eh_arena_strdup(run->arena, host),
        .pid = getpid(),
        .pid_started = process_started(),
        .take_over = eh_doc_bool(run->spec, "take_over", false),
    };
    return run->info.host != NULL || eh_fail_memory(err, "a run");
}

bool eh_run_open_dest(eh_run *run, bool read_only, eh_err *err)
{
    const eh_doc *destination = eh_doc_get(run->spec, "destination");
    const char *url = eh_doc_str(destination, "url", NULL);
    if (url == NULL) {
        eh_fail(err, EH_CLASS_CONFIG, "no destination is given");
        return eh_err_hint(err,
                           "use --destination sqlite:data.db or --destination postgres://...");
    }
    int64_t lanes = eh_doc_int(run->spec, "lanes", 2);
    if (lanes < 1 || lanes > 32)
        return eh_fail(err, EH_CLASS_CONFIG, "lanes must be between 1 and 32");
    bool looks = read_only || strcmp(eh_doc_str(run->spec, "op", ""), "admin") == 0;
    if (!eh_run_queue(run, url, looks, err)) return false;
    run->dest = eh_dest_open(url, (size_t)lanes, read_only, run->loop, &run->clock, err);
    if (run->dest == NULL && read_only && err->class_ == EH_CLASS_NOT_FOUND &&
        strncmp(url, "sqlite:", 7) == 0) {
        /* A dry run into a file that is not there yet: everything would be new. */
        eh_err_clear(err);
        run->dest = eh_dest_open("sqlite::memory:", 1, false, run->loop, &run->clock, err);
    }
    if (run->dest == NULL) return eh_err_while(err, "opening the destination");
    eh_dest_share(run->dest, run->slots);
    size_t units = eh_dest_lane_count(run->dest) + 1;
    int64_t bytes = eh_doc_int(run->spec, "unit_bytes", 0);
    size_t unit_bytes = bytes > 0 && bytes < INT32_MAX ? (size_t)bytes : UNITS_BYTES / units;
    if (!eh_unit_pool_init(&run->units, units, unit_bytes, err)) return false;
    run->units.mask = (eh_mask){run->secrets, eh_secrets_mask_buf};
    return true;
}

/* ---- the run --------------------------------------------------------------------------------
 */

static bool operate(eh_run *run, eh_err *err)
{
    const char *op = eh_doc_str(run->spec, "op", "");
    if (strcmp(op, "run") == 0 || strcmp(op, "check") == 0) return eh_run_pipeline(run, err);
    if (strcmp(op, "load") == 0) return eh_run_load(run, err);
    if (strcmp(op, "preview") == 0) return eh_run_preview(run, err);
    if (strcmp(op, "fetch") == 0) return eh_run_fetch(run, err);
    if (strcmp(op, "admin") == 0) return eh_run_admin(run, err);
    return eh_fail(err, EH_CLASS_BUG, "the specification asks for \"%s\"", op);
}

static bool start(eh_run *run, eh_err *err)
{
    run->loop = eh_loop_new(&run->clock, err);
    run->arena = eh_arena_new(ARENA_MAX);
    run->zone = eh_arena_new(ZONE_MAX);
    if (run->loop == NULL) return false;
    if (run->arena == NULL || run->zone == NULL) return eh_fail_memory(err, "a run");
    if (!read_spec(run, err) || !take_secrets(run, err) || !identify(run, err)) return false;
    if (fcntl(run->control_fd, F_SETFL, O_NONBLOCK) != 0)
        return eh_fail_errno(err, EH_CLASS_BUG, errno, "the control channel");
    read_control(run); /* what came right behind the specification */
    run->control = eh_loop_watch(run->loop, run->control_fd, EH_READABLE, on_control, run);
    return run->control != NULL || eh_fail_memory(err, "a run");
}

/* A lease on a file that somebody opens raises SIGIO; a dead peer SIGPIPE; Ctrl-C reaches the
 * whole terminal, but only the supervisor decides. Errors are seen where the call fails. */
static void ignore_signals(void)
{
    static const int ignored[] = {SIGIO, SIGPIPE, SIGINT};
    struct sigaction action = {.sa_handler = SIG_IGN};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        (void)sigaction(ignored[i], &action, NULL);
}

int eh_engine_main(void)
{
    ignore_signals();
    /* No core dump, and nobody looks into /proc: this process holds secrets. */
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    eh_run run = {.clock = eh_clock_system(), .control_fd = CONTROL_FD};
    eh_buf_init(&run.control_in, CONTROL_MAX);
    eh_events_init(&run.events, EVENTS_FD, &run.clock);
    run.started_us = eh_clock_wall(&run.clock);
    eh_err err = {.class_ = EH_OK};
    bool ok = start(&run, &err) && operate(&run, &err);
    /* A run that failed in its streams only has told of those already. */
    if (!ok && !run.failed) eh_fail(&err, EH_CLASS_BUG, "the run failed without saying why");
    if (!ok && err.class_ != EH_OK) eh_event_error(&run.events, &err, NULL, NULL);
    eh_objects_free(run.objects);
    eh_dest_close(run.dest);
    eh_slots_free(run.slots);
    eh_unit_pool_free(&run.units);
    eh_run_close_net(&run);
    eh_event_begin(&run.events, "done");
    eh_event_bool(&run.events, "ok", ok && !run.failed);
    eh_event_end(&run.events);
    drop_control(&run);
    eh_loop_free(run.loop);
    eh_buf_free(&run.control_in);
    eh_events_free(&run.events);
    eh_secrets_free(run.secrets);
    eh_arena_free(run.arena);
    eh_arena_free(run.zone);
    return ok && !run.failed ? 0 : 1;
}
