/* wire/frame.h: documents in typed, length-capped frames over a byte stream.
 *
 * One format for three channels: supervisor -> engine (run specification, control), engine <->
 * jail. A frame is: body length (u32, little-endian, at most EH_FRAME_MAX), type (u16), a
 * reserved u16 of zero, task (u32), body. The body is one document in a compact binary form. A
 * reader treats every byte as an attacker's: lengths, kinds, depth (64), nodes (100,000), UTF-8
 * of keys and duplicate keys are checked before anything is built. Floor 1. */
#ifndef EH_WIRE_FRAME_H
#define EH_WIRE_FRAME_H

#include "base/doc.h"

enum { EH_FRAME_MAX = 1024 * 1024, EH_FRAME_HEADER = 12 };

typedef enum eh_frame_type {
    /* supervisor -> engine */
    EH_FRAME_SPEC = 1, /* the run specification: the first frame, once */
    EH_FRAME_STOP,     /* end at the last commit; body null */
    /* engine -> jail */
    EH_FRAME_START = 16, /* what to evaluate, see docs/reference/messages.md */
    EH_FRAME_MODULE_TEXT,
    EH_FRAME_GO, /* declarations are accepted: run the resources named in the body */
    EH_FRAME_REPLY,
    EH_FRAME_ROWS,
    /* jail -> engine */
    EH_FRAME_HELLO = 32,
    EH_FRAME_MODULE,
    EH_FRAME_DECLARED,
    EH_FRAME_CALL,
    EH_FRAME_ROWS_DONE,
    EH_FRAME_LOG,
    EH_FRAME_TASK_DONE,
    EH_FRAME_FINISHED,
    EH_FRAME_FAILED
} eh_frame_type;

/* Appends one whole frame to out. body may be NULL (a null document). Fails with class limit
 * when the body is over EH_FRAME_MAX. */
bool eh_frame_write(eh_buf *out, uint16_t type, uint32_t task, const eh_doc *body,
                    eh_err *err) EH_MUST_USE;

typedef struct eh_frame {
    uint16_t type;
    uint32_t task;
    eh_doc *body; /* in the arena handed to eh_frame_read; never NULL after success */
} eh_frame;

typedef enum eh_frame_result {
    EH_FRAME_READY,
    EH_FRAME_PARTIAL, /* need more bytes */
    EH_FRAME_BAD      /* err is set, class remote: the peer broke the protocol */
} eh_frame_result;

/* Reads the first frame in `bytes`; *used is its size when READY. */
eh_frame_result eh_frame_read(eh_slice bytes, eh_arena *arena, eh_frame *frame, size_t *used,
                              eh_err *err);

/* The same document form without a frame, for tests and fuzzing. */
bool eh_doc_encode(eh_buf *out, const eh_doc *doc, eh_err *err) EH_MUST_USE;
eh_doc *eh_doc_decode(eh_arena *arena, eh_slice bytes, eh_err *err);

#endif
