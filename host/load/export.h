/* load/export.h: rows of a table, written to a new CSV file.
 *
 * UTF-8, comma, a header, "\n" at the end of a row. NULL is an empty field, an empty text is
 * "", as `etlhost load` reads them. The file is readable by its owner only: it holds somebody's
 * data. Floor 3. */
#ifndef EH_LOAD_EXPORT_H
#define EH_LOAD_EXPORT_H

#include "base/buf.h"

typedef struct eh_export {
    const char *path; /* borrowed */
    int fd;           /* -1: not open */
    eh_buf pending;   /* not written yet */
    bool in_row;
    int64_t rows; /* without the header */
} eh_export;

/* Makes the file; class config when there is one. Close it in any case. */
bool eh_export_open(eh_export *export, const char *path, eh_err *err) EH_MUST_USE;

/* Empties the file: what writes it may run again. */
bool eh_export_begin(eh_export *export, eh_err *err) EH_MUST_USE;

/* The next cell of the row; data NULL is NULL. The first row is the header. */
bool eh_export_cell(eh_export *export, eh_slice text, eh_err *err) EH_MUST_USE;
bool eh_export_end_row(eh_export *export, eh_err *err) EH_MUST_USE;

/* Writes the rest and waits for the disk. */
bool eh_export_finish(eh_export *export, eh_err *err) EH_MUST_USE;

/* Closes the file, and removes it unless it is to be kept. */
void eh_export_close(eh_export *export, bool keep);

#endif
