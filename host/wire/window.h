/* wire/window.h: rows shown to the jail through shared memory, read-only on its side.
 *
 * The engine makes a memfd of fixed size, maps it writable, then seals it against growing,
 * shrinking and any further write (F_SEAL_FUTURE_WRITE): the jail, which inherits the
 * descriptor, can only map it to read. Cells in the window are (kind, length, offset) and never
 * pointers; the jail's reader checks every offset too, so a torn window is an error and not a
 * crash. Floor 1. */
#ifndef EH_WIRE_WINDOW_H
#define EH_WIRE_WINDOW_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { EH_WINDOW_BYTES = 4 * 1024 * 1024 };

/* One cell in the window: 16 bytes, same kinds and flags as eh_cell (data/value.h, which this
 * room may not include: same floor). Text starts at `offset` from the window's start. */
typedef struct eh_window_cell {
    uint8_t kind;
    uint8_t flags;
    uint16_t reserved;
    uint32_t len;
    union {
        uint64_t offset;
        int64_t integer;
        double real;
    } as;
} eh_window_cell;

typedef struct eh_window {
    int fd;
    unsigned char *data; /* engine: writable; jail: read-only */
    size_t size;
} eh_window;

/* Engine side. On failure *window is {-1, NULL, 0}. */
bool eh_window_create(eh_window *window, size_t size, eh_err *err) EH_MUST_USE;
/* Jail side: maps fd read-only and checks its seals and size. */
bool eh_window_open(eh_window *window, int fd, eh_err *err) EH_MUST_USE;
void eh_window_close(eh_window *window);

#endif
