/* engine/pages_private.h: what pages.c (windows, pages that are kept) and page_rows.c (their
 * rows) share. */
#ifndef EH_ENGINE_PAGES_PRIVATE_H
#define EH_ENGINE_PAGES_PRIVATE_H

#include "base/map.h"
#include "data/csv.h"
#include "engine/page_guard.h"
#include "engine/pages.h"

/* A page whose rows may still be looked at: when the server refuses one. */
typedef struct eh_kept_page {
    struct eh_kept_page *next; /* a later one */
    uint64_t begin, end;
    eh_body *body;
    char *text;    /* without a body; owned */
    uint64_t held; /* bytes, as they count in eh_pages.loose_bytes */
    bool packed;   /* its bytes are in eh_pages.pack, from here on: */
    uint64_t packed_at;
    char *label;
    bool csv;
    eh_csv_encoding encoding;
} eh_kept_page;

struct eh_page_header {
    struct eh_page_header *next;
    const char *text;
};

struct eh_pages {
    eh_kept_page *first, *last;
    eh_kept_page *loose; /* the first whose bytes may still be in memory; NULL: none */
    uint64_t loose_bytes;
    eh_body *pack;     /* the bytes of others, in one file of the spool; NULL: of none so far */
    bool open;         /* a window is */
    bool own;          /* and it is the script's */
    bool fed;          /* and rows of it have come */
    char *name;        /* of it */
    eh_arena *names;   /* of the columns */
    eh_slice *columns; /* of the pages so far, in order */
    size_t count;
    eh_map seen;         /* of the window: the values of eh_page.distinct */
    bool csv;            /* of the page before; its header says the columns */
    eh_page_guard guard; /* of the window */
    bool reads;          /* a page is being read */
    /* The headers of CSV so far, each once: units refer to them. */
    eh_arena *header_arena;
    struct eh_page_header *headers;
};

/* Opens the stream, and the window of the whole task unless one is open. */
bool eh_pages_ready(eh_stream *stream, eh_err *err) EH_MUST_USE;

/* Keeps a page that begins at an offset, until eh_pages_release finds that no unit needs it. */
eh_kept_page *eh_pages_keep(eh_pages *pages, const eh_page *given, uint64_t begin, eh_err *err);
void eh_pages_release(eh_stream *stream);

/* Class script while a page is being read. */
bool eh_pages_rest(const eh_stream *stream, eh_err *err) EH_MUST_USE;

/* The columns of the pages before are not those of the next one. */
void eh_pages_forget_columns(eh_pages *pages);

#endif
