/* data/copyenc.h: typed values to PostgreSQL's COPY formats, binary and text.
 *
 * Formats: PostgreSQL manual, "COPY", section "File Formats"; the binary form of each type is
 * what its *_recv function reads. Column encodings are chosen once per statement; encoding a
 * cell then is one switch. A value that the column would round, pad or cut (numeric scale,
 * real, timestamp precision, varchar) is a misfit, never a silent fit. Floor 1. */
#ifndef EH_DATA_COPYENC_H
#define EH_DATA_COPYENC_H

#include "base/buf.h"
#include "data/convert.h"

/* What a target column of the server is, as far as encoding cares. */
typedef enum eh_pg_kind {
    EH_PG_OTHER = 0, /* no binary encoder: the whole statement is text COPY */
    EH_PG_BOOL,
    EH_PG_INT2,
    EH_PG_INT4,
    EH_PG_INT8,
    EH_PG_NUMERIC,
    EH_PG_FLOAT4,
    EH_PG_FLOAT8,
    EH_PG_DATE,
    EH_PG_TIME,
    EH_PG_TIMESTAMP,
    EH_PG_TIMESTAMPTZ,
    EH_PG_TEXT,
    EH_PG_VARCHAR,
    EH_PG_BPCHAR,
    EH_PG_JSON,
    EH_PG_JSONB,
    EH_PG_UUID,
    EH_PG_BYTEA
} eh_pg_kind;

typedef struct eh_pg_column {
    eh_pg_kind kind;
    int32_t typmod; /* pg_attribute.atttypmod; -1: none */
    bool not_null;
    bool declared; /* a person declared the type: eh_convert's wider spellings */
    bool existed;  /* the column was there before this run: float columns take any number whose
                      value they keep, not only what inference would give them */
    bool may_pad; /* zeros up to the numeric's scale and blanks up to char(n) are no misfit: the
                     contract's word, off unless it says so */
} eh_pg_column;

/* The kind for pg_type.oid (stable numbers of the built-in types, catalog pg_type.dat). */
eh_pg_kind eh_pg_kind_of(uint32_t type_oid);

/* The etlhost type whose values the column takes: int4 -> BIGINT and so on; OTHER -> TEXT. */
eh_type eh_pg_kind_type(eh_pg_kind kind);

/* Header and trailer of binary COPY. */
bool eh_copy_header(eh_buf *out, eh_err *err) EH_MUST_USE;
bool eh_copy_trailer(eh_buf *out, eh_err *err) EH_MUST_USE;

typedef enum eh_encode {
    EH_ENCODE_OK,
    EH_ENCODE_MISFIT, /* *reason says why; the buffer may hold part of the row: cut it */
    EH_ENCODE_ERROR   /* err is set (memory) */
} eh_encode;

/* The binary encoder asks for up to 512 bytes more than it needs: leave the buffer that room.
 *
 * Appends one row. `pick[i]` is the cell for column i, NULL for SQL NULL. On a misfit *at is
 * the column's index. All of the row or, on misfit, garbage past the old length. */
eh_encode eh_copy_binary_row(eh_buf *out, const eh_pg_column *columns, size_t count,
                             const eh_cell *const *pick, size_t *at, const char **reason,
                             eh_err *err);
eh_encode eh_copy_text_row(eh_buf *out, const eh_pg_column *columns, size_t count,
                           const eh_cell *const *pick, size_t *at, const char **reason,
                           eh_err *err);

#endif
