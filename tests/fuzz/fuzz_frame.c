/* Fuzz target: eh_frame_read and eh_doc_decode over any bytes. What is accepted must encode
 * again to the very bytes that were read, and every byte it promises must be there. */
#include "wire/frame.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t touch(const eh_doc *doc)
{
    uint64_t sum = doc->kind;
    if (doc->kind == EH_DOC_STRING)
        for (size_t i = 0; i <= doc->as.string.len; i++)
            sum += (unsigned char)doc->as.string.data[i];
    for (const eh_doc *c = eh_doc_first(doc); c != NULL; c = c->next) {
        for (size_t i = 0; i < c->key.len; i++) sum += (unsigned char)c->key.data[i];
        sum += touch(c);
    }
    return sum;
}

static void check_again(const eh_frame *frame, eh_slice bytes)
{
    eh_buf out;
    eh_buf_init(&out, 2 * EH_FRAME_MAX);
    if (!eh_frame_write(&out, frame->type, frame->task, frame->body, NULL)) abort();
    if (!eh_slice_equal(eh_buf_slice(&out), bytes)) abort();
    eh_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    eh_arena *arena = eh_arena_new((size_t)64 * 1024 * 1024);
    if (arena == NULL) return 0;
    eh_slice bytes = eh_slice_of((const char *)data, size);
    eh_frame frame;
    size_t used = 0;
    eh_err err = {0};
    eh_frame_result result = eh_frame_read(bytes, arena, &frame, &used, &err);
    if (result == EH_FRAME_READY) {
        volatile uint64_t sink = touch(frame.body);
        (void)sink;
        check_again(&frame, eh_slice_of(bytes.data, used));
    }
    if ((result == EH_FRAME_BAD) != (err.class_ != EH_OK)) abort();
    /* The same bytes without a header reach the decoder more often. */
    const eh_doc *doc = eh_doc_decode(arena, bytes, NULL);
    if (doc != NULL) {
        volatile uint64_t sink = touch(doc);
        (void)sink;
    }
    eh_arena_free(arena);
    return 0;
}
