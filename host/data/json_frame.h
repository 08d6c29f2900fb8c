/* data/json_frame.h: the document around its rows, walked as it comes.
 *
 * The same grammar and the same path as eh_json_judge_document, but the bytes need not be there
 * at once: it stops where a token is not complete and goes on when there are more. Nothing is
 * kept of what it has passed but what is open. Private to the JSON files. Floor 1. */
#ifndef EH_DATA_JSON_FRAME_H
#define EH_DATA_JSON_FRAME_H

#include "data/json_text.h"

typedef struct eh_json_frame {
    eh_slice path; /* borrowed */
    bool one; /* it ends behind its first value, and whoever reads that refuses what is in it */
    size_t max_token;
    int at;                       /* what is expected next */
    unsigned depth;               /* open containers */
    char open[EH_JSON_MAX_DEPTH]; /* '{' or '[' of each */
    unsigned on_path;             /* so many of them, from the outermost, lie on the path */
    size_t from[EH_JSON_MAX_DEPTH + 1]; /* of each: where the step begins that is looked for */
    bool seen[EH_JSON_MAX_DEPTH + 1];   /* of each: its key was there */
    bool leads;                         /* the value that comes next is the one of that key */
    size_t token;                       /* bytes of a string or scalar that were looked at */
    eh_json_found found;                /* without value and len: those go by */
} eh_json_frame;

typedef enum eh_json_framed {
    EH_JSON_FRAME_MORE,  /* a token is not complete */
    EH_JSON_FRAME_ROWS,  /* the value at the path begins at *used */
    EH_JSON_FRAME_END,   /* the document ends there */
    EH_JSON_FRAME_FAULTY /* *fault says why, its offset from `data` */
} eh_json_framed;

/* The code of a fault: a string or scalar is longer than max_token. */
#define EH_JSON_TOO_LONG "too_long"

void eh_json_frame_init(eh_json_frame *frame, eh_slice path, size_t max_token);

/* Goes on at data; *used: how much of it is done with. last: no more comes. */
eh_json_framed eh_json_frame_run(eh_json_frame *frame, const char *data, size_t len, bool last,
                                 size_t *used, eh_json_fault *fault);

/* After ROWS: somebody else reads that value, and the walk goes on behind it. */
void eh_json_frame_skip(eh_json_frame *frame);

#endif
