/* The engine without memory, into SQLite: all scenes of tests/fixtures/oom/scenes.yaml. */
#include "oom_engine.h"
#include "oom_messages.h"
#include "oom_sqlite.h"

static void scenes(void **state)
{
    (void)state;
    static oe e = {.reset = oe_reset_file, .keep = oe_keep_file, .ask = oe_ask_file};
    e.all_after = getenv("EH_OOM_AFTER") != NULL;
    oe_open(&e, NULL);
    oe_each_scene(&e, NULL, oe_sweep_scene);
    oe_close(&e);
}

static void must_have_seen(const char *word)
{
    if (strcmp(word, "steps") != 0 && !oom_saw(word))
        fail_msg("no scene of tests/fixtures/oom/scenes.yaml sends %s", word);
}

/* The text of the table row that begins so, from `from` to `to`. */
static void words_of_row(const char *page, const char *begins, const char *from, const char *to)
{
    const char *row = strstr(page, begins);
    assert_non_null(row);
    const char *start = strstr(row + strlen(begins), from), *end = strstr(start, to);
    assert_non_null(end);
    assert_true(oom_words(start, (size_t)(end - start), must_have_seen) >= 5);
}

/* Each message that docs/reference/messages.md has was read while allocations failed. */
static void every_message(void **state)
{
    (void)state;
    if (getenv("EH_OOM_ONLY") != NULL) skip();
    char *page = oom_read_page();
    oom_first_cells(page, "## Jail to engine", must_have_seen);
    oom_first_cells(page, "## Calls", must_have_seen);
    words_of_row(page, "| `op` | text |", " ", "|\n");
    words_of_row(page, "| `admin` | map |", "means all.", "Or `steps`");
    must_have_seen("SPEC");
    must_have_seen("STOP");
    free(page);
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "--jail") == 0) return eh_jail_main(argv[2]);
    oe_begin();
    oom_messages_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(scenes),
                                       cmocka_unit_test(every_message)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
