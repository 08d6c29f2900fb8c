/* data/json_text.h: JSON as text: lexical rules, the keys of open objects, and the judge.
 *
 * The judge reads one text byte by byte, strictly by RFC 8259, and says what is wrong and
 * where. It is slower than the reader in json_read.h and is asked when that one gives up, for
 * values of scripts, and for the frame of a document. Private to the JSON files. Floor 1. */
#ifndef EH_DATA_JSON_TEXT_H
#define EH_DATA_JSON_TEXT_H

#include "base/err.h"
#include "base/slice.h"
#include "data/json_outline.h"

#include <stdint.h>

enum {
    EH_JSON_MAX_DEPTH = 100,      /* open containers, the record included */
    EH_JSON_MAX_KEY_BYTES = 4096, /* of a key at the top of a record: it becomes a column */
};

/* ---- lexical rules ---- */

enum {
    EH_JSON_HAS_NUL = 1,        /* \u0000 */
    EH_JSON_LONE_SURROGATE = 2, /* \ud800 without its other half */
    EH_JSON_BAD_ESCAPE = 4
};

static inline bool eh_json_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The whole token is a number by RFC 8259, section 6. */
bool eh_json_is_number(const char *token, size_t len);

/* Does the byte stand behind a number or a word? */
bool eh_json_ends_scalar(char c);
/* What is wrong with a token that is no string; NULL: nothing. */
const char *eh_json_scalar_fault(eh_slice token);

/* The step of a path that begins at byte `from`, up to the next dot. */
eh_slice eh_json_path_step(eh_slice path, size_t from);
/* Is a key, as it is written, this step? */
bool eh_json_key_is(eh_slice raw, bool escaped, eh_slice step);

/* Undoes the escapes of a string's inside. `out` takes at most raw.len bytes; NULL only checks.
 * Returns flags of the enum above; *len is what was written. */
unsigned eh_json_unescape(eh_slice raw, char *out, size_t *len);

/* ---- keys of open objects ---- */

typedef struct eh_json_key {
    const char *data; /* in the text; NULL: unescaped, in the stack's own bytes at offset */
    size_t offset;
    size_t len;
} eh_json_key;

/* A stack: the keys of an inner object lie on top of those of the outer ones. Zeroed is empty.
 */
typedef struct eh_json_keys {
    eh_json_key *items;
    size_t count, cap;
    char *bytes;
    size_t used, bytes_cap;
    uint32_t *slots; /* a hash table, used while one object is checked */
    size_t slot_cap;
} eh_json_keys;

typedef struct eh_json_mark {
    size_t count, used;
} eh_json_mark;

void eh_json_keys_free(eh_json_keys *keys); /* safe twice */

static inline eh_json_mark eh_json_keys_mark(const eh_json_keys *keys)
{
    return (eh_json_mark){keys->count, keys->used};
}

static inline void eh_json_keys_pop(eh_json_keys *keys, eh_json_mark mark)
{
    keys->count = mark.count;
    keys->used = mark.used;
}

/* Pushes a key as it stands in the text, unescaping it when it has escapes; *flags as
 * eh_json_unescape gives them. The text must outlive the key. */
bool eh_json_keys_push(eh_json_keys *keys, eh_slice raw, bool escaped, unsigned *flags,
                       eh_err *err) EH_MUST_USE;

/* Valid until the next push. */
eh_slice eh_json_keys_get(const eh_json_keys *keys, size_t index);

/* Sets *twice to the index of a key, pushed since the mark, that equals an earlier one;
 * SIZE_MAX when there is none. */
bool eh_json_keys_check(eh_json_keys *keys, eh_json_mark mark, size_t *twice,
                        eh_err *err) EH_MUST_USE;

/* ---- the judge ---- */

typedef struct eh_json_fault {
    const char *code;   /* static: the stable word for a dead record */
    const char *reason; /* static: one line for a person */
    size_t offset;      /* in the text */
    bool malformed;     /* not JSON at all; otherwise JSON that we refuse */
    bool cut;           /* malformed because the text ends too early */
    eh_slice key;       /* the key at fault, if one is; valid like a key of the judge's stack */
} eh_json_fault;

typedef enum eh_json_verdict {
    EH_JSON_GOOD,
    EH_JSON_FAULTY,    /* fault says why */
    EH_JSON_NO_VERDICT /* err is set */
} eh_json_verdict;

/* Judges a record. When it is good, keys holds its top-level keys in order. */
eh_json_verdict eh_json_judge_record(eh_slice text, eh_json_keys *keys, eh_json_fault *fault,
                                     eh_err *err);

/* Judges a document and finds the value at path (dotted; empty: the document). *value is NULL
 * when there is none; *missing then says how far the path went, as a prefix length of path.
 * Inside an array or object found at path, only the grammar is judged. outline: of this text,
 * or zeroed to become that; may be NULL. */
typedef struct eh_json_found {
    const char *value; /* first byte; NULL when the path leads nowhere */
    size_t len;
    size_t missing; /* without a value: this prefix of the path is not there ... */
    bool not_map;   /* ... because what holds it is no object */
    bool twice;     /* a key of the path is there twice */
} eh_json_found;

eh_json_verdict eh_json_judge_document(eh_slice text, eh_slice path, eh_json_outline *outline,
                                       eh_json_found *found, eh_json_fault *fault, eh_err *err);

#endif
