/* The jail with each allocation failing in turn, alone or with all that follow: every message
 * it takes and sends, the row proxies, the interpreter itself. It says why it fails, or ends;
 * it never crashes, and what it calls finished is. See oom.h. */
#include "jail_driver.h"
#include "oom_messages.h"

#include <dlfcn.h>
#include <seccomp.h>
#include <sys/mman.h>

enum { ROWS = 4, COLUMNS = 2 };

static const char script[] =
    "local part = require 'own.part'\n"
    "return require 'etl.source' { name = 'own', resources = { a = { table = 't',\n"
    "  columns = { x = 'numeric' }, rename = { y = 'z' }, keep = { x = { 1, 2 } },\n"
    "  extract = function(ctx)\n"
    "    for file in ctx:files { location = 'file:x' } do\n"
    "      local r = ctx:load(file)\n"
    "      ctx:warn('%s: %s %d', file.name, r.status, r.rows)\n"
    "    end\n"
    "    print(('x'):rep(1000), pcall(error, { class = 'data', message = 'mine' }))\n"
    "  end,\n"
    "  row = function(row)\n"
    "    row.more = part.mark(row.x)\n"
    "    row.list = { 1, { a = row.y } }\n"
    "    if row.x == '2' then row.y = nil end\n"
    "    if row.x == '3' then error 'no threes' end\n"
    "    if row.x == '4' then return false end\n"
    "  end } } }\n";
static const char module_text[] = "return { mark = function(x) return x .. '!' end }";

static long fail_at;
static bool fail_all_after;

/* libseccomp 2.5 crashes without memory, or makes another filter: while it is at work, before a
 * byte of a script is read, nothing fails. */
static long countdown_kept;

scmp_filter_ctx seccomp_init(uint32_t action)
{
    scmp_filter_ctx (*real)(uint32_t) = NULL;
    countdown_kept = atomic_exchange(&oom.countdown, 0);
    *(void **)&real = dlsym(RTLD_NEXT, "seccomp_init");
    return real != NULL ? real(action) : NULL;
}

void seccomp_release(scmp_filter_ctx filter)
{
    (void)filter; /* its memory goes with the process */
    atomic_store(&oom.countdown, countdown_kept);
}

static void become_jail(int socket_fd, int window_fd)
{
    static const int caught[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS}; /* by cmocka */
    jail_descriptors(socket_fd, window_fd);
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
        (void)signal(caught[i], SIG_DFL);
    oom_arm(fail_at, fail_all_after);
    oom.listens = true;
    _exit(eh_jail_main("strict"));
}

static void answer_call(jail *j, const eh_frame *frame)
{
    static const char *const names[] = {"x", "y"};
    static const char *const texts[] = {"1", "2", "3", "4"};
    eh_doc *value = eh_doc_map(j->arena);
    if (strcmp(eh_doc_str(frame->body, "op", ""), "load") == 0) {
        jail_rows b = jail_batch(j, ROWS, COLUMNS);
        for (size_t r = 0; r < ROWS; r++) {
            jail_set_text(&b, r, 0, 2 /* EH_CELL_RAW */, texts[r]);
            jail_set_text(&b, r, 1, 3 /* EH_CELL_STRING */, "text");
        }
        jail_send_rows(&b, frame->task, "shop.a", names);
        return;
    }
    eh_doc *list = eh_doc_list(j->arena), *file = eh_doc_map(j->arena);
    put_text(j, file, "name", "1.csv");
    assert_true(eh_doc_push(list, file, NULL));
    put(j, value, "files", list);
    put_text(j, value, "last", "1.csv");
    assert_true(eh_doc_put_bool(j->arena, value, "more", false, NULL));
    jail_reply(j, frame->task, "value", value);
}

static void answer_rows_done(jail *j, const eh_frame *frame)
{
    eh_doc *value = eh_doc_map(j->arena);
    if (eh_doc_bool(frame->body, "more", false)) return;
    put_text(j, value, "status", "loaded");
    assert_true(eh_doc_put_int(j->arena, value, "rows", ROWS, NULL));
    assert_true(eh_doc_put_int(j->arena, value, "dead", 0, NULL));
    jail_reply(j, frame->task, "value", value);
}

/* Did it finish? What it says otherwise has a class and words. */
static bool drive(jail *j)
{
    eh_frame frame;
    while (jail_next(j, &frame)) {
        const eh_doc *error = eh_doc_get(frame.body, "error");
        if (error != NULL && (eh_doc_str(error, "class", "")[0] == '\0' ||
                              strcmp(eh_doc_str(error, "class", ""), "bug") == 0))
            fail_msg("allocation %ld: %s: %s", fail_at, eh_doc_str(error, "class", "no class"),
                     eh_doc_str(error, "message", ""));
        switch (frame.type) {
        case EH_FRAME_HELLO:
            jail_send_start(j, "run", script, "own", NULL);
            break;
        case EH_FRAME_DECLARED:
            assert_int_equal(eh_doc_count(eh_doc_get(frame.body, "problems")), 0);
            jail_send_go(j, "a", NULL);
            break;
        case EH_FRAME_CALL:
            answer_call(j, &frame);
            break;
        case EH_FRAME_ROWS_DONE:
            answer_rows_done(j, &frame);
            break;
        case EH_FRAME_TASK_DONE:
            if (error != NULL) return false;
            break;
        case EH_FRAME_FINISHED:
            return strstr(eh_buf_cstr(&j->log), "1.csv: loaded 4") != NULL;
        default:
            return false;
        }
    }
    return false;
}

static bool fail_once(void)
{
    atomic_store(oom.told, false);
    jail j;
    jail_start_as(&j, become_jail);
    j.deadline_ms = 20000;
    j.module_name = "own.part";
    j.module_text = module_text;
    bool finished = drive(&j);
    int status = jail_end(&j);
    bool was_reached = atomic_load(oom.told);
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 2)
        fail_msg("allocation %ld: wait status %x", fail_at, (unsigned)status);
    if (!was_reached && (!finished || status != 0))
        fail_msg("without a failure: %d %x", finished, (unsigned)status);
    return was_reached;
}

static void sweep(bool all_after)
{
    if (!OWN_MALLOC) skip();
    fail_all_after = all_after;
    fail_at = 1;
    while (fail_once()) fail_at = oom_next(fail_at, 40);
    assert_true(fail_at > 100);
}

static void one_allocation(void **state)
{
    (void)state;
    sweep(false);
}

static void all_after_one(void **state)
{
    (void)state;
    sweep(true);
}

static void must_have_read(const char *word)
{
    if (!oom_saw(word)) fail_msg("no test here sends the jail %s", word);
}

/* Each message to the jail that docs/reference/messages.md has was read by one without memory.
 */
static void every_message(void **state)
{
    (void)state;
    if (!OWN_MALLOC) skip();
    char *page = oom_read_page();
    oom_first_cells(page, "## Engine to jail", must_have_read);
    free(page);
}

int main(void)
{
    oom_messages_init();
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return 1;
    oom.told = page;
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_allocation),
        cmocka_unit_test(all_after_one),
        cmocka_unit_test(every_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
