/* tests/c/cells.h: cells as a parser or a script makes them, for unit tests. */
#ifndef EH_TESTS_CELLS_H
#define EH_TESTS_CELLS_H

#include "data/value.h"

static inline eh_cell text_cell(eh_cell_kind kind, const char *text)
{
    return (eh_cell){.kind = (uint8_t)kind, .len = (uint32_t)strlen(text), .as.text = text};
}

static inline eh_cell raw(const char *text)
{
    return text_cell(EH_CELL_RAW, text);
}

static inline eh_cell string(const char *text)
{
    return text_cell(EH_CELL_STRING, text);
}

static inline eh_cell number(const char *text)
{
    return text_cell(EH_CELL_NUMBER, text);
}

static inline eh_cell json(const char *text)
{
    return text_cell(EH_CELL_JSON, text);
}

static inline eh_cell integer_kind(eh_cell_kind kind, int64_t value)
{
    return (eh_cell){.kind = (uint8_t)kind, .as.integer = value};
}

static inline eh_cell real(double value)
{
    return (eh_cell){.kind = EH_CELL_DOUBLE, .as.real = value};
}

#endif
