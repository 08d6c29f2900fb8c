/* load/loader_resume.h: where an interrupted window goes on. This room only. */
#ifndef EH_LOAD_LOADER_RESUME_H
#define EH_LOAD_LOADER_RESUME_H

#include "load/loader_private.h"

#include <stdio.h>

/* What an earlier attempt at a window has left. */
typedef struct eh_attempt {
    const char *input;      /* NULL: there was none */
    uint64_t start;         /* where its first unit begins */
    uint64_t end;           /* and where those that count end */
    uint64_t at;            /* the place from which on records are read again */
    bool stays;             /* nobody knows which of its records are: its dead rows stay open */
    const eh_doc *position; /* the source's; NULL: it does not say */
    const eh_doc *behind;   /* the cursor's verified value at `at` */
    const eh_doc *reached;  /* and at `end`; NULL: none was */
    const char *from;       /* the second in which that is */
} eh_attempt;

static inline bool eh_attempt_goes_on(const eh_attempt *before)
{
    return before->position != NULL || before->reached != NULL;
}

#define EH_NUMBER_TEXT 24
static inline void eh_loader_number(int64_t value, char out[EH_NUMBER_TEXT])
{
    (void)snprintf(out, EH_NUMBER_TEXT, "%lld", (long long)value);
}

/* The first row of a query's answer; NULL: there is none. */
bool eh_loader_ask(const eh_loader *loader, const char *query, const char *const *params,
                   size_t count, eh_arena *arena, const eh_doc **row, eh_err *err) EH_MUST_USE;

/* eh_loader_progress. */
bool eh_loader_read_until(const eh_loader *loader, eh_arena *arena, eh_progress *progress,
                          eh_err *err) EH_MUST_USE;

/* What is there of this window. In the arena. */
bool eh_loader_look_back(eh_loader *loader, const eh_load_window *window, eh_arena *arena,
                         eh_attempt *before, eh_err *err) EH_MUST_USE;

/* Makes the stage what it was at before->end. */
bool eh_loader_trim(eh_loader *loader, const eh_attempt *before, eh_err *err) EH_MUST_USE;

#endif
