/* data/transform.h: the changes a resource declares, done in C with no Lua per row.
 *
 * Made once a stream from its declaration (docs/reference/messages.md); told of the parser's
 * columns whenever they grow; then applied to each batch in place, between the parser and the
 * contract. What is not declared costs nothing per row.
 *
 * How a declared name finds its column: by the name as written in the input, then by the name
 * that `rename` gives it, then by the written name's normal form (names.h), the first column to
 * appear winning. A name whose better match appears only in a later batch is an error: rows
 * before it were already treated otherwise.
 *
 * The order within a row: keep and discard look at the values as they were written; then casts,
 * hash and mask; then constants. Floor 1. */
#ifndef EH_DATA_TRANSFORM_H
#define EH_DATA_TRANSFORM_H

#include "base/doc.h"
#include "data/batch.h"

typedef struct eh_transform eh_transform;

typedef struct eh_transform_context {
    const char *timezone; /* the client's, for zone = "account"; NULL or "" when it has none */
    eh_slice hash_key;    /* empty: `hash` is plain SHA-256. Not kept after eh_transform_new */
    /* The bytes of a TZif file, valid until the next call. The name is checked to be one
     * (eh_zone_name_ok). False with the error set when there is no such zone. May be NULL. */
    bool (*read_zone)(void *self, const char *name, eh_slice *tzif, eh_err *err);
    void *self;
} eh_transform_context;

typedef struct eh_transform_column {
    eh_slice name;    /* as written, or after rename; the table's name is names.h's affair */
    eh_slice written; /* as in the input; for a constant the same as name */
    eh_type type;     /* the declared one; UNKNOWN when none is. TIMESTAMP for instants */
    bool dropped;     /* not to be loaded; its cells are left as they came */
    bool instant;     /* its cells are EH_CELL_TIME_US or null */
    bool constant;
} eh_transform_column;

/* Reads rename, drop, hash, mask, keep, discard, constants and columns of the declaration, a
 * map; keys that are absent declare nothing. Nothing of the document is kept. NULL on failure:
 * class config with the key as the place ("columns.paid_at.zone", "hash[2]"), or what read_zone
 * said.
 *
 * columns   a map {type, zone, epoch} or just the type's name. epoch = "s" | "ms": a number
 * since 1970 becomes an instant, exactly (more than 6 digits of a second, or a year outside 1
 * to 9999, is a cast failure). zone = "UTC" | "+02:00" | IANA name | "account": a datetime, or
 * a date taken as its midnight, becomes an instant; a value that has its own offset keeps it. A
 * time that the clocks skipped or showed twice is a failure. hash      lowercase hex of
 * HMAC-SHA-256 of the value's text, or of SHA-256 without a key. mask      an e-mail address
 * keeps its first letter and its domain ("j***@example.org"); a telephone number (7 to 15
 * digits) its last two digits ("***67"); the rest is "***". keep, discard   column -> a value,
 * or a list of values, any of which; or a map of operators {lt, le, gt, ge, ne, in}, all of
 * which. A row stays when it meets every entry of keep and none of discard. Equality is that of
 * the text as written ("007" is not 7; true equals a written `true`); a number with a fraction
 * made by Lua is compared by value. null equals null and absent values. Order is that of
 * numbers, exactly, or of ISO dates and timestamps; a date against a timestamp with an offset
 * is its midnight UTC. Null is neither less nor greater, but `ne` every value. A value that
 * cannot be ordered with the declared one is a dead row, code "compare". constants column ->
 * value, added after the parser's columns. A constant or a renamed column whose name a column
 * of the input already has is refused unless that one is dropped. */
eh_transform *eh_transform_new(const eh_doc *declaration, const eh_transform_context *context,
                               eh_err *err);
void eh_transform_free(eh_transform *t); /* NULL is fine */

/* The parser's columns, all of them, each time there are more: the first ones never change.
 * Names are copied. False: class config, with the key as the place. */
bool eh_transform_bind(eh_transform *t, const eh_slice *written, size_t count,
                       eh_err *err) EH_MUST_USE;

/* One for each column of a batch after apply: the parser's, then the constants. Valid until the
 * next bind. */
const eh_transform_column *eh_transform_columns(const eh_transform *t, size_t *count);

/* Changes the batch in place; new text is in its arena, whose maximum must have room for it (64
 * bytes a hashed cell). The batch must have exactly the columns that were bound. Rows that keep
 * and discard exclude are gone; rows with a value that cannot be cast are appended to the
 * batch's dead records with the written column, code "cast" or "compare", the reason, and
 * raw.data NULL: whoever has the input's bytes fills raw from the place. False: class limit;
 * the batch must then be reset. */
bool eh_transform_apply(eh_transform *t, eh_batch *batch, eh_err *err) EH_MUST_USE;

typedef struct eh_transform_counts {
    uint64_t kept;      /* rows that are still in the batches */
    uint64_t discarded; /* by keep or discard */
    uint64_t dead;      /* by a cast or a comparison */
} eh_transform_counts;

/* Since the transform was made. */
eh_transform_counts eh_transform_count(const eh_transform *t);

typedef struct eh_transform_name {
    const char *key; /* "hash", "rename": the declaration's; constant */
    eh_slice name;   /* as declared; valid as long as the transform */
} eh_transform_name;

/* Declared names that no column has had so far: an input without the column, or a typing
 * mistake. Fills at most max of out and returns how many there are. */
size_t eh_transform_unseen(const eh_transform *t, eh_transform_name *out, size_t max);

#endif
