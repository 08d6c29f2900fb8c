/* engine/pages.h: what a service answers, page by page, into a stream: see eh_load_window.
 *
 * A window is begun by the script; rows that come outside of one are in the window of the whole
 * task, which ends with it. A page's bytes are kept until no unit of rows refers to them. This
 * room only. */
#ifndef EH_ENGINE_PAGES_H
#define EH_ENGINE_PAGES_H

#include "data/json_outline.h"
#include "engine/page_guard.h"
#include "engine/stream.h"
#include "io/body.h"

typedef struct eh_pages eh_pages;

/* One page. Everything is borrowed; the body, if there is one, is held as long as it is needed.
 */
typedef struct eh_page {
    eh_body *body;  /* complete, or `arrives`; NULL: the bytes are `text`, which is copied */
    bool arrives;   /* the body is read while it comes, and given back */
    uint64_t total; /* its size, where that is known beforehand; for progress */
    eh_slice text;
    eh_json_outline *outline; /* of a body that is JSON; NULL: none is kept */
    const char *label;      /* what a person calls it: "GET https://api.x.com/orders?page=2" */
    const char *format;     /* "json", "jsonl", "csv" */
    const char *path;       /* json: where the rows are, "data.items"; "" the document itself */
    const eh_doc *position; /* where to go on behind it; NULL: the source does not say */
    eh_page_marks marks;    /* what it was asked with */
    bool again;             /* the script means to read it, though it was read before */
    const char *distinct;   /* a column whose different values are counted; NULL: none */
} eh_page;

/* How far the stream has been read. In the arena. */
bool eh_pages_state(eh_stream *stream, eh_arena *arena, eh_progress *progress,
                    eh_err *err) EH_MUST_USE;

/* Begins a window; *resume as in eh_loader_window. Class script while another one is open. */
bool eh_pages_begin(eh_stream *stream, const eh_load_window *window, eh_arena *arena,
                    eh_resume *resume, eh_err *err) EH_MUST_USE;

/* The window of that name, which the script began, begins anew (eh_loader_window_restart).
 * Class script when it is not open, or when rows of it were emitted since it began. */
bool eh_pages_restart(eh_stream *stream, const char *name, eh_arena *arena,
                      eh_err *err) EH_MUST_USE;

/* What a page had. */
typedef struct eh_page_counts {
    uint64_t rows, dead;
    uint64_t distinct; /* values of page->distinct, in the window so far */
} eh_page_counts;

/* The same for a script; NULL without memory. */
eh_doc *eh_page_counts_doc(const eh_page_counts *counts, eh_arena *arena, eh_err *err);

/* Loads the rows of a page that is complete. */
bool eh_pages_emit(eh_stream *stream, const eh_page *page, eh_page_counts *counts,
                   eh_err *err) EH_MUST_USE;

/* The pages so far, and their position, are committed: what comes next may take long, or fail.
 */
bool eh_pages_settle(eh_stream *stream, eh_err *err) EH_MUST_USE;

/* The same of one that arrives, as far as its bytes are there: nothing here waits for them. The
 * stream takes no other page, and no window begins or ends, until it is closed. What `page`
 * points to must live as long. */
typedef struct eh_page_reader eh_page_reader;

typedef enum eh_page_step {
    EH_PAGE_WAITS, /* for bytes: go on when eh_page_may_go_on */
    EH_PAGE_LOADS, /* some rows were loaded, and there may be more */
    EH_PAGE_DONE,
    EH_PAGE_FAILED /* err is set; no more than what has committed is loaded of it */
} eh_page_step;

eh_page_reader *eh_page_open(eh_stream *stream, const eh_page *page, eh_err *err);
bool eh_page_may_go_on(const eh_page_reader *reader);
eh_page_step eh_page_go_on(eh_page_reader *reader, eh_page_counts *counts, eh_err *err);
/* At any time; what of its rows is not submitted is forgotten, unless it was done. */
void eh_page_close(eh_page_reader *reader);

/* The window that the script began is complete. cursor: the stream's from now on; NULL: as it
 * was. */
bool eh_pages_end(eh_stream *stream, const eh_doc *cursor, eh_promoted *promoted,
                  eh_err *err) EH_MUST_USE;

/* The task is over and all went well: the window of the whole task ends. One that the script
 * left half-way does not count; it is told. */
bool eh_pages_finish(eh_stream *stream, eh_err *err) EH_MUST_USE;

/* For a failure to read an answer as JSON: class remote, its place is the request, and the hint
 * how the answer begins. Always false. */
bool eh_page_explain(const char *label, eh_slice text, eh_err *err);

/* After the loader's end: nothing refers to pages any more. */
void eh_pages_free(eh_stream *stream);

#endif
