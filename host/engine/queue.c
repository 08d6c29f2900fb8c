/* engine/queue.c: waiting for a turn at a destination whose connections all runs of this host
 * share.
 *
 * A load needs two connections, one for control and one that carries rows, and takes both or
 * none, so no two runs can wait for each other; further lanes are taken when they are free
 * (load/dest_postgres_lane.c). */
#include "engine/run.h"

#include "io/pgtarget.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CONNECTIONS 4 /* as documented */
#define WAIT_MS     ((int64_t)10 * 60 * 1000)
#define NEEDED      2
#define POLL_MS     50
#define SAY_US      ((int64_t)60 * 1000 * 1000)

typedef struct turn {
    int64_t most;
    int64_t wait_ms;
    int64_t began_us;
    int64_t said_us; /* when it was said last that we wait; 0: not yet */
} turn;

/* "3 of 4 in use by run 20260301-101500-1f2e (713), ..." */
static void describe(const eh_run *run, const turn *t, char *out, size_t size)
{
    eh_slot_holder holder[EH_SLOTS_MAX];
    size_t count = eh_slots_holders(run->slots, holder);
    int at = snprintf(out, size, "%zu of %" PRId64 " in use by", count, t->most);
    for (size_t i = 0; i < count && at > 0 && (size_t)at < size; i++) {
        bool again = false;
        for (size_t k = 0; k < i; k++) again = again || holder[k].pid == holder[i].pid;
        if (again) continue;
        at += snprintf(out + at, size - (size_t)at, "%s %s%s", i > 0 ? "," : "", holder[i].name,
                       holder[i].stopped ? ", stopped" : "");
    }
}

static void say(eh_run *run, turn *t, int64_t now_us)
{
    char who[700], text[800];
    if (t->said_us != 0 && now_us - t->said_us < SAY_US) return;
    t->said_us = now_us;
    describe(run, t, who, sizeof who);
    (void)snprintf(text, sizeof text, "waiting for a connection slot: %s", who);
    eh_event_begin(&run->events, "waiting");
    eh_event_str(&run->events, "message", text);
    eh_event_end(&run->events);
}

static bool fail_late(const eh_run *run, const turn *t, eh_err *err)
{
    char who[700];
    describe(run, t, who, sizeof who);
    eh_fail(err, EH_CLASS_TRANSIENT, "no connection slot was free for %" PRId64 " s: %s",
            t->wait_ms / 1000, who);
    return eh_err_hint(err, "max_connections and wait_for_connection of the connection in "
                            "etlhost.yaml say how many, and how long to wait; --take-over "
                            "does not wait");
}

static bool wait_for_turn(eh_run *run, turn *t, eh_err *err)
{
    t->began_us = eh_clock_monotonic(&run->clock);
    while (!eh_slots_take(run->slots, NEEDED, true)) {
        int64_t now_us = eh_clock_monotonic(&run->clock);
        if (now_us - t->began_us >= t->wait_ms * 1000) return fail_late(run, t, err);
        say(run, t, now_us);
        if (!eh_loop_turn(run->loop, POLL_MS, err) || !eh_run_may_go_on(run, err)) return false;
    }
    return true;
}

/* Who asks only, or takes over from a run that may never give its slots back, does not wait. */
static void take_what_is_free(eh_run *run, bool looks)
{
    size_t wanted = looks ? 1 : NEEDED;
    while (wanted > 0 && !eh_slots_take(run->slots, wanted, false)) wanted--;
}

bool eh_run_queue(eh_run *run, const char *url, bool looks, eh_err *err)
{
    char what[1024], name[128];
    bool local;
    const eh_doc *destination = eh_doc_get(run->spec, "destination");
    turn t = {.most = eh_doc_int(destination, "max_connections", CONNECTIONS),
              .wait_ms = eh_doc_int(destination, "wait_ms", WAIT_MS)};
    if (strncmp(url, "sqlite:", 7) == 0 || !eh_pg_target(url, what, sizeof what, &local))
        return true;
    if (!local && !eh_pg_verify_servers(err)) return false;
    if (t.most < NEEDED || t.most > EH_SLOTS_MAX)
        return eh_fail(err, EH_CLASS_CONFIG, "max_connections must be between %d and %d",
                       NEEDED, EH_SLOTS_MAX);
    const char *client = eh_doc_str(eh_doc_get(run->spec, "client"), "id", "");
    (void)snprintf(name, sizeof name, "run %s%s%s%s", run->info.run_id,
                   client[0] != '\0' ? " (" : "", client, client[0] != '\0' ? ")" : "");
    eh_err why = {.class_ = EH_OK};
    run->slots = eh_slots_new(what, (size_t)t.most, name, &why);
    if (run->slots == NULL) {
        char text[sizeof why.message + 64];
        (void)snprintf(text, sizeof text, "connections are not counted: %s", why.message);
        eh_event_log(&run->events, "warning", text, NULL, NULL);
        return true;
    }
    if (!looks && !run->info.take_over) return wait_for_turn(run, &t, err);
    take_what_is_free(run, looks);
    return true;
}
