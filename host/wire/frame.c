/* wire/frame.c: the binary form of a document, and frames around it; see frame.h.
 *
 * A node is one tag byte and its payload, all numbers little-endian: integer and double 8
 * bytes, string a u32 length and its bytes, list a u32 count and its nodes, map a u32 count and
 * pairs of (u32 length, key bytes, node). Reading goes over the bytes twice: `check` allocates
 * no node and refuses whatever is wrong, so that `build` can only fail for want of memory. What
 * the bytes mean is left to whoever asked for them. */
#include "wire/frame.h"

#include "base/map.h"

enum { MAX_DEPTH = 64, MAX_NODES = 100000, PAIRWISE_KEYS = 16 };

enum {
    TAG_NULL = 0,
    TAG_FALSE,
    TAG_TRUE,
    TAG_INTEGER,
    TAG_DOUBLE,
    TAG_STRING,
    TAG_LIST,
    TAG_MAP
};

/* ---- Little-endian numbers --------------------------------------------------------------- */

static void store_le(unsigned char *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) out[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t load_le(const unsigned char *in, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) value |= (uint64_t)in[i] << (8 * i);
    return value;
}

static bool put_le(eh_buf *out, uint64_t value, size_t bytes, eh_err *err)
{
    unsigned char data[8];
    store_le(data, value, bytes);
    return eh_buf_append(out, data, bytes, err);
}

/* ---- Reading: the check ------------------------------------------------------------------ */

typedef struct reader {
    const unsigned char *at;
    const unsigned char *end;
    size_t nodes;
    eh_class blame; /* remote for a peer's bytes, limit for a document of our own */
    eh_err *err;
} reader;

static bool refuse(reader *r, const char *what)
{
    return eh_fail(r->err, r->blame, "a message is malformed: %s", what);
}

static size_t left(const reader *r)
{
    return (size_t)(r->end - r->at);
}

static bool take_u32(reader *r, uint32_t *value)
{
    if (left(r) < 4) return refuse(r, "it ends inside a length");
    *value = (uint32_t)load_le(r->at, 4);
    r->at += 4;
    return true;
}

static bool take_bytes(reader *r, eh_slice *bytes)
{
    uint32_t len;
    if (!take_u32(r, &len)) return false;
    if (len > left(r)) return refuse(r, "a length reaches past its end");
    *bytes = eh_slice_of((const char *)r->at, len);
    r->at += len;
    return true;
}

/* The length of the well-formed sequence at p (RFC 3629), 0 if it is none. */
static size_t utf8_sequence(const unsigned char *p, size_t avail)
{
    if (p[0] < 0x80) return 1;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n > avail) return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if (p[0] == 0xe0 && p[1] < 0xa0) return 0;
    if (p[0] == 0xed && p[1] > 0x9f) return 0; /* surrogates */
    if (p[0] == 0xf0 && p[1] < 0x90) return 0;
    if (p[0] == 0xf4 && p[1] > 0x8f) return 0;
    return n;
}

static bool key_is_text(eh_slice key)
{
    const unsigned char *p = (const unsigned char *)key.data;
    for (size_t i = 0; i < key.len;) {
        size_t n = utf8_sequence(p + i, key.len - i);
        if (n == 0 || p[i] == '\0') return false;
        i += n;
    }
    return true;
}

/* The keys of one map so far: pairwise while they are few, hashed when they are many, so that a
 * hostile map costs no quadratic time. */
typedef struct key_set {
    eh_slice few[PAIRWISE_KEYS];
    size_t count;
    eh_map many;
} key_set;

static bool is_known(const key_set *keys, eh_slice key)
{
    for (size_t i = 0; i < keys->count && i < PAIRWISE_KEYS; i++)
        if (eh_slice_equal(keys->few[i], key)) return true;
    return keys->count > PAIRWISE_KEYS && eh_map_get(&keys->many, key, NULL);
}

static bool take_key(reader *r, key_set *keys)
{
    eh_slice key;
    if (!take_bytes(r, &key)) return false;
    if (!key_is_text(key)) return refuse(r, "a key is not UTF-8 text");
    if (is_known(keys, key)) return refuse(r, "a key is there twice");
    if (keys->count < PAIRWISE_KEYS)
        keys->few[keys->count] = key;
    else if (!eh_map_put(&keys->many, key, 1, r->err))
        return false;
    keys->count++;
    return true;
}

static bool check(reader *r, size_t depth);

static bool check_children(reader *r, bool is_map, size_t depth)
{
    uint32_t count;
    if (!take_u32(r, &count)) return false;
    /* Every child takes at least its tag: a larger count cannot be true. */
    if (count > left(r)) return refuse(r, "a count reaches past its end");
    if (depth >= MAX_DEPTH) return refuse(r, "it is nested too deep");
    key_set keys = {.count = 0};
    eh_map_init(&keys.many);
    bool ok = true;
    for (uint32_t i = 0; ok && i < count; i++)
        ok = (!is_map || take_key(r, &keys)) && check(r, depth + 1);
    eh_map_free(&keys.many);
    return ok;
}

static bool check(reader *r, size_t depth)
{
    if (++r->nodes > MAX_NODES) return refuse(r, "it has too many parts");
    if (left(r) < 1) return refuse(r, "it ends before a value");
    unsigned tag = *r->at++;
    eh_slice unused;
    switch (tag) {
    case TAG_NULL:
    case TAG_FALSE:
    case TAG_TRUE:
        return true;
    case TAG_INTEGER:
    case TAG_DOUBLE:
        if (left(r) < 8) return refuse(r, "it ends inside a number");
        r->at += 8;
        return true;
    case TAG_STRING:
        return take_bytes(r, &unused);
    case TAG_LIST:
    case TAG_MAP:
        return check_children(r, tag == TAG_MAP, depth);
    default:
        return refuse(r, "it holds an unknown kind of value");
    }
}

static bool check_all(eh_slice bytes, eh_class blame, eh_err *err)
{
    const unsigned char *data = (const unsigned char *)bytes.data;
    reader r = {.at = data, .end = data + bytes.len, .blame = blame, .err = err};
    if (bytes.len == 0) return refuse(&r, "it is empty");
    if (!check(&r, 0)) return false;
    return left(&r) == 0 || refuse(&r, "bytes follow its end");
}

/* ---- Reading: building what was checked -------------------------------------------------- */

static eh_slice read_bytes(const unsigned char **at)
{
    size_t len = (size_t)load_le(*at, 4);
    eh_slice bytes = eh_slice_of((const char *)*at + 4, len);
    *at += 4 + len;
    return bytes;
}

static double double_of_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static eh_doc *build(eh_arena *arena, const unsigned char **at);

/* Children are linked here and not with eh_doc_put, which searches for duplicates once more. */
static eh_doc *build_children(eh_arena *arena, bool is_map, const unsigned char **at)
{
    eh_doc *parent = is_map ? eh_doc_map(arena) : eh_doc_list(arena);
    if (parent == NULL) return NULL;
    size_t count = (size_t)load_le(*at, 4);
    *at += 4;
    for (size_t i = 0; i < count; i++) {
        eh_slice key = {NULL, 0};
        if (is_map) key = read_bytes(at);
        eh_doc *child = build(arena, at);
        if (!eh_doc_push(parent, child, NULL)) return NULL;
        if (!is_map) continue;
        char *copy = eh_arena_strndup(arena, key.data, key.len);
        if (copy == NULL) return NULL;
        child->key = eh_slice_of(copy, key.len);
    }
    return parent;
}

static eh_doc *build(eh_arena *arena, const unsigned char **at)
{
    unsigned tag = *(*at)++;
    uint64_t bits;
    switch (tag) {
    case TAG_FALSE:
    case TAG_TRUE:
        return eh_doc_boolean(arena, tag == TAG_TRUE);
    case TAG_INTEGER:
    case TAG_DOUBLE:
        bits = load_le(*at, 8);
        *at += 8;
        return tag == TAG_INTEGER ? eh_doc_integer(arena, (int64_t)bits)
                                  : eh_doc_double(arena, double_of_bits(bits));
    case TAG_STRING:
        return eh_doc_string(arena, read_bytes(at));
    case TAG_LIST:
    case TAG_MAP:
        return build_children(arena, tag == TAG_MAP, at);
    default:
        return eh_doc_null(arena);
    }
}

eh_doc *eh_doc_decode(eh_arena *arena, eh_slice bytes, eh_err *err)
{
    if (!check_all(bytes, EH_CLASS_REMOTE, err)) return NULL;
    const unsigned char *at = (const unsigned char *)bytes.data;
    eh_doc *doc = build(arena, &at);
    if (doc == NULL) eh_fail_memory(err, "a message");
    return doc;
}

/* ---- Writing ----------------------------------------------------------------------------- */

static bool put_bytes(eh_buf *out, eh_slice bytes, eh_err *err)
{
    if (bytes.len > EH_FRAME_MAX)
        return eh_fail(err, EH_CLASS_LIMIT, "a text of %zu bytes does not fit in a message",
                       bytes.len);
    return put_le(out, bytes.len, 4, err) && eh_buf_append(out, bytes.data, bytes.len, err);
}

static bool put(eh_buf *out, const eh_doc *doc, size_t depth, eh_err *err);

static bool put_children(eh_buf *out, const eh_doc *doc, size_t depth, eh_err *err)
{
    if (depth >= MAX_DEPTH || doc->as.children.count > MAX_NODES)
        return eh_fail(err, EH_CLASS_LIMIT,
                       "a message is nested too deep or has too many parts");
    if (!put_le(out, doc->as.children.count, 4, err)) return false;
    for (const eh_doc *c = doc->as.children.first; c != NULL; c = c->next) {
        if (doc->kind == EH_DOC_MAP && !put_bytes(out, c->key, err)) return false;
        if (!put(out, c, depth + 1, err)) return false;
    }
    return true;
}

static bool put(eh_buf *out, const eh_doc *doc, size_t depth, eh_err *err)
{
    static const unsigned char tags[] = {TAG_NULL,   TAG_FALSE, TAG_INTEGER, TAG_DOUBLE,
                                         TAG_STRING, TAG_LIST,  TAG_MAP};
    unsigned char tag = tags[doc->kind];
    if (doc->kind == EH_DOC_BOOLEAN && doc->as.boolean) tag = TAG_TRUE;
    if (!eh_buf_append_byte(out, (char)tag, err)) return false;
    uint64_t bits;
    switch (doc->kind) {
    case EH_DOC_NULL:
    case EH_DOC_BOOLEAN:
        return true;
    case EH_DOC_INTEGER:
        return put_le(out, (uint64_t)doc->as.integer, 8, err);
    case EH_DOC_DOUBLE:
        memcpy(&bits, &doc->as.real, sizeof bits);
        return put_le(out, bits, 8, err);
    case EH_DOC_STRING:
        return put_bytes(out, doc->as.string, err);
    case EH_DOC_LIST:
    case EH_DOC_MAP:
        return put_children(out, doc, depth, err);
    }
    return eh_fail(err, EH_CLASS_BUG, "a document has a node of unknown kind");
}

bool eh_doc_encode(eh_buf *out, const eh_doc *doc, eh_err *err)
{
    size_t start = out->len;
    bool ok = doc != NULL ? put(out, doc, 0, err) : eh_buf_append_byte(out, TAG_NULL, err);
    /* A document that no reader would take is refused here, where its maker can be named. */
    if (ok)
        ok = check_all(eh_slice_of(out->data + start, out->len - start), EH_CLASS_LIMIT, err);
    if (!ok) out->len = start;
    return ok;
}

/* ---- Frames ------------------------------------------------------------------------------ */

bool eh_frame_write(eh_buf *out, uint16_t type, uint32_t task, const eh_doc *body, eh_err *err)
{
    size_t start = out->len;
    static const char blank[EH_FRAME_HEADER];
    if (!eh_buf_append(out, blank, sizeof blank, err)) return false;
    if (!eh_doc_encode(out, body, err)) {
        out->len = start;
        return false;
    }
    size_t size = out->len - start - EH_FRAME_HEADER;
    if (size > EH_FRAME_MAX) {
        out->len = start;
        return eh_fail(err, EH_CLASS_LIMIT, "a message of %zu bytes is over the limit of %d",
                       size, EH_FRAME_MAX);
    }
    unsigned char *header = (unsigned char *)out->data + start;
    store_le(header, size, 4);
    store_le(header + 4, type, 2);
    store_le(header + 6, 0, 2);
    store_le(header + 8, task, 4);
    return true;
}

static bool type_is_known(uint16_t type)
{
    return (type >= EH_FRAME_SPEC && type <= EH_FRAME_STOP) ||
           (type >= EH_FRAME_START && type <= EH_FRAME_ROWS) ||
           (type >= EH_FRAME_HELLO && type <= EH_FRAME_FAILED);
}

static eh_frame_result bad_frame(eh_err *err, const char *what)
{
    eh_fail(err, EH_CLASS_REMOTE, "a message is malformed: %s", what);
    return EH_FRAME_BAD;
}

eh_frame_result eh_frame_read(eh_slice bytes, eh_arena *arena, eh_frame *frame, size_t *used,
                              eh_err *err)
{
    if (bytes.len < EH_FRAME_HEADER) return EH_FRAME_PARTIAL;
    const unsigned char *header = (const unsigned char *)bytes.data;
    size_t size = (size_t)load_le(header, 4);
    uint16_t type = (uint16_t)load_le(header + 4, 2);
    /* The header is judged before the body arrives: a forged length must not be waited for. */
    if (size > EH_FRAME_MAX) return bad_frame(err, "it is over the size limit");
    if (load_le(header + 6, 2) != 0) return bad_frame(err, "its header is not ours");
    if (!type_is_known(type)) return bad_frame(err, "its type is unknown");
    if (bytes.len - EH_FRAME_HEADER < size) return EH_FRAME_PARTIAL;
    eh_doc *body = eh_doc_decode(arena, eh_slice_of(bytes.data + EH_FRAME_HEADER, size), err);
    if (body == NULL) return EH_FRAME_BAD;
    *frame = (eh_frame){.type = type, .task = (uint32_t)load_le(header + 8, 4), .body = body};
    *used = EH_FRAME_HEADER + size;
    return EH_FRAME_READY;
}
