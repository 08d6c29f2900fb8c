/* Which messages were read while allocations failed: the Makefile wraps eh_frame_read. After
 * oom.h. */
#ifndef EH_TESTS_OOM_MESSAGES_H
#define EH_TESTS_OOM_MESSAGES_H

#include "oom.h"

#include "wire/frame.h"

#include <string.h>
#include <sys/mman.h>

enum { OOM_NAMES = 128, OOM_NAME_BYTES = 32 };

typedef struct oom_names {
    char names[OOM_NAMES][OOM_NAME_BYTES];
    size_t count;
} oom_names;

static oom_names *oom_seen; /* shared */

static const struct {
    uint16_t type;
    const char *name;
} oom_frames[] = {
    {EH_FRAME_SPEC, "SPEC"},         {EH_FRAME_STOP, "STOP"},
    {EH_FRAME_HELLO, "HELLO"},       {EH_FRAME_START, "START"},
    {EH_FRAME_MODULE, "MODULE"},     {EH_FRAME_MODULE_TEXT, "MODULE_TEXT"},
    {EH_FRAME_DECLARED, "DECLARED"}, {EH_FRAME_GO, "GO"},
    {EH_FRAME_CALL, "CALL"},         {EH_FRAME_REPLY, "REPLY"},
    {EH_FRAME_ROWS, "ROWS"},         {EH_FRAME_ROWS_DONE, "ROWS_DONE"},
    {EH_FRAME_LOG, "LOG"},           {EH_FRAME_TASK_DONE, "TASK_DONE"},
    {EH_FRAME_FINISHED, "FINISHED"}, {EH_FRAME_FAILED, "FAILED"},
};

static inline void oom_messages_init(void)
{
    oom_seen =
        mmap(NULL, sizeof *oom_seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (oom_seen == MAP_FAILED) _exit(97);
}

static inline bool oom_saw(const char *name)
{
    for (size_t i = 0; i < oom_seen->count; i++)
        if (strcmp(oom_seen->names[i], name) == 0) return true;
    return false;
}

static inline void oom_see(const char *name)
{
    if (name[0] == '\0' || oom_saw(name) || oom_seen->count == OOM_NAMES) return;
    (void)snprintf(oom_seen->names[oom_seen->count++], OOM_NAME_BYTES, "%s", name);
}

eh_frame_result __real_eh_frame_read(eh_slice bytes, eh_arena *arena, eh_frame *frame,
                                     size_t *used, eh_err *err);
eh_frame_result __wrap_eh_frame_read(eh_slice bytes, eh_arena *arena, eh_frame *frame,
                                     size_t *used, eh_err *err);

/* Frames by their name, calls and operations by theirs, and an admin verb. */
eh_frame_result __wrap_eh_frame_read(eh_slice bytes, eh_arena *arena, eh_frame *frame,
                                     size_t *used, eh_err *err)
{
    eh_frame_result result = __real_eh_frame_read(bytes, arena, frame, used, err);
    if (result != EH_FRAME_READY || !oom.listens) return result;
    for (size_t i = 0; i < sizeof oom_frames / sizeof *oom_frames; i++)
        if (oom_frames[i].type == frame->type) oom_see(oom_frames[i].name);
    if (frame->type != EH_FRAME_CALL && frame->type != EH_FRAME_SPEC) return result;
    oom_see(eh_doc_str(frame->body, "op", ""));
    oom_see(eh_doc_str(eh_doc_get(frame->body, "admin"), "verb", ""));
    return result;
}

/* ---- what there is ----------------------------------------------------------------------- */

/* The whole page, to be freed. */
static inline char *oom_read_page(void)
{
    enum { MAX = 1 << 20 };
    char path[512];
    const char *root = getenv("ETLHOST_TEST_ROOT");
    (void)snprintf(path, sizeof path, "%s/docs/reference/messages.md",
                   root != NULL ? root : ".");
    FILE *file = fopen(path, "r");
    if (file == NULL) fail_msg("%s: %s", path, strerror(errno));
    char *text = calloc(1, MAX);
    assert_non_null(text);
    assert_true(fread(text, 1, MAX - 1, file) > 0);
    assert_int_equal(fclose(file), 0);
    return text;
}

/* The words in backquotes of one cell of a table, outside of parentheses, handed to `one`.
 * Gives how many. */
static inline int oom_words(const char *cell, size_t len, void (*one)(const char *word))
{
    int depth = 0, found = 0;
    for (size_t i = 0; i < len; i++) {
        if (cell[i] == '(') depth++;
        if (cell[i] == ')') depth--;
        if (cell[i] != '`') continue;
        const char *end = memchr(cell + i + 1, '`', len - i - 1);
        if (end == NULL) break;
        char word[OOM_NAME_BYTES];
        (void)snprintf(word, sizeof word, "%.*s", (int)(end - cell - (long)i - 1),
                       cell + i + 1);
        if (depth == 0) one(word);
        found += depth == 0;
        i = (size_t)(end - cell);
    }
    return found;
}

/* The same of the first cells of the table below a heading of docs/reference/messages.md. */
static inline void oom_first_cells(const char *page, const char *heading,
                                   void (*one)(const char *word))
{
    const char *row = strstr(page, heading), *end = NULL;
    int found = 0;
    assert_non_null(row);
    row = strstr(row, "\n|");
    assert_non_null(row);
    for (row++; row[0] == '|'; row = end + 1) {
        const char *bar = strchr(row + 1, '|');
        end = strchr(row, '\n');
        if (bar == NULL || end == NULL) break;
        found += oom_words(row, (size_t)(bar - row), one);
    }
    assert_true(found >= 5);
}

#endif
