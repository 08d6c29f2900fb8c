/* data/s3_list.c: see s3_list.h. Texts are kept as they stand until the end, because stores
 * differ in whether EncodingType comes before the keys that it speaks of or after them. */
#include "data/s3_list.h"

#include "base/buf.h"
#include "data/convert.h"

#include <expat.h>
#include <stdlib.h>

#define DEPTH_MAX 8
/* A key has at most 1,024 bytes, three times as many when encoded; a token is opaque. */
#define TEXT_MAX    ((size_t)64 * 1024)
#define OBJECTS_MAX ((size_t)10000) /* a page is asked to have 1,000 */

/* What an element's text is for. */
typedef enum field {
    FIELD_NONE,
    FIELD_KEY,
    FIELD_ETAG,
    FIELD_SIZE,
    FIELD_MODIFIED,
    FIELD_TRUNCATED,
    FIELD_TOKEN,
    FIELD_ENCODING,
    FIELD_CODE,
    FIELD_MESSAGE,
    FIELD_REGION,
    FIELD_COUNT
} field;

static const struct known {
    const char *name;
    int depth; /* 1 is the root */
    bool in_error;
    field field;
} known[] = {
    {"Key", 3, false, FIELD_KEY},
    {"ETag", 3, false, FIELD_ETAG},
    {"Size", 3, false, FIELD_SIZE},
    {"LastModified", 3, false, FIELD_MODIFIED},
    {"IsTruncated", 2, false, FIELD_TRUNCATED},
    {"NextContinuationToken", 2, false, FIELD_TOKEN},
    {"EncodingType", 2, false, FIELD_ENCODING},
    {"Code", 2, true, FIELD_CODE},
    {"Message", 2, true, FIELD_MESSAGE},
    {"Region", 2, true, FIELD_REGION},
};

typedef struct raw_object {
    const char *text[FIELD_MODIFIED + 1]; /* NULL: the element was not there */
} raw_object;

struct eh_s3_list {
    XML_Parser parser;
    eh_arena *arena;
    eh_err failure; /* of a callback; the parser was stopped */
    int depth;
    bool is_error;
    bool in_contents;
    bool begun; /* the root was seen */
    field field;
    eh_buf text;
    raw_object now;
    raw_object *objects; /* owned */
    size_t count;
    size_t capacity;
    const char *values[FIELD_COUNT]; /* of the document */
};

/* ---- elements --------------------------------------------------------------------------- */

static void stop(eh_s3_list *l)
{
    (void)XML_StopParser(l->parser, XML_FALSE);
}

/* Elements may come with a namespace prefix; stores use the default one. */
static const char *local_name(const char *name)
{
    const char *colon = strrchr(name, ':');
    return colon != NULL ? colon + 1 : name;
}

static void open_root(eh_s3_list *l, const char *name)
{
    l->begun = true;
    l->is_error = strcmp(name, "Error") == 0;
    if (l->is_error || strcmp(name, "ListBucketResult") == 0) return;
    eh_fail(&l->failure, EH_CLASS_REMOTE,
            "the answer is no listing of an object store: its XML begins with <%.60s>", name);
    eh_err_hint(&l->failure, "is the endpoint that of an S3-compatible store?");
    stop(l);
}

static field field_of(const eh_s3_list *l, const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].depth == l->depth && known[i].in_error == l->is_error &&
            (known[i].depth < 3 || l->in_contents) && strcmp(known[i].name, name) == 0)
            return known[i].field;
    return FIELD_NONE;
}

static void on_open(void *self, const char *full, const char **attributes)
{
    (void)attributes;
    eh_s3_list *l = self;
    const char *name = local_name(full);
    l->text.len = 0;
    l->field = FIELD_NONE;
    if (++l->depth == 1) {
        open_root(l, name);
        return;
    }
    if (l->depth > DEPTH_MAX) {
        eh_fail(&l->failure, EH_CLASS_REMOTE, "the answer nests more than %d elements",
                DEPTH_MAX);
        stop(l);
        return;
    }
    if (l->depth == 2 && strcmp(name, "Contents") == 0 && !l->is_error) {
        l->in_contents = true;
        l->now = (raw_object){.text = {NULL}};
    }
    l->field = field_of(l, name);
}

static bool add_object(eh_s3_list *l)
{
    if (l->now.text[FIELD_KEY] == NULL || l->now.text[FIELD_SIZE] == NULL)
        return eh_fail(&l->failure, EH_CLASS_REMOTE,
                       "the listing has an object without a key or a size");
    if (l->count == OBJECTS_MAX)
        return eh_fail(&l->failure, EH_CLASS_LIMIT,
                       "a page of the listing has more than %zu objects", OBJECTS_MAX);
    if (l->count == l->capacity) {
        size_t capacity = l->capacity * 2 + 64;
        raw_object *more = realloc(l->objects, capacity * sizeof *more);
        if (more == NULL) return eh_fail_memory(&l->failure, "a listing");
        l->objects = more;
        l->capacity = capacity;
    }
    l->objects[l->count++] = l->now;
    return true;
}

static bool keep_text(eh_s3_list *l)
{
    const char *text = eh_arena_strndup(l->arena, l->text.data, l->text.len);
    const char **slot =
        l->field <= FIELD_MODIFIED ? &l->now.text[l->field] : &l->values[l->field];
    if (text == NULL) return eh_fail_memory(&l->failure, "a listing");
    if (*slot != NULL)
        return eh_fail(&l->failure, EH_CLASS_REMOTE,
                       "the answer of the object store says something twice");
    *slot = text;
    return true;
}

static void on_close(void *self, const char *name)
{
    (void)name;
    eh_s3_list *l = self;
    bool ok = l->field == FIELD_NONE || keep_text(l);
    l->field = FIELD_NONE;
    l->depth--;
    if (ok && l->in_contents && l->depth == 1) {
        l->in_contents = false;
        ok = add_object(l);
    }
    if (!ok) stop(l);
}

static void on_text(void *self, const char *text, int len)
{
    eh_s3_list *l = self;
    if (l->field == FIELD_NONE) return;
    if (!eh_buf_append(&l->text, text, (size_t)len, &l->failure)) stop(l);
}

static void on_doctype(void *self, const char *name, const char *system, const char *public,
                       int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    eh_s3_list *l = self;
    eh_fail(&l->failure, EH_CLASS_REMOTE,
            "the answer is no listing of an object store: it has a DOCTYPE");
    eh_err_hint(&l->failure, "is the endpoint that of an S3-compatible store?");
    stop(l);
}

/* ---- the parser ------------------------------------------------------------------------- */

eh_s3_list *eh_s3_list_new(eh_arena *arena, eh_err *err)
{
    eh_s3_list *l = calloc(1, sizeof *l);
    if (l != NULL) {
        l->arena = arena;
        eh_buf_init(&l->text, TEXT_MAX);
        l->parser = XML_ParserCreate("UTF-8");
    }
    if (l == NULL || l->parser == NULL) {
        eh_s3_list_free(l);
        eh_fail_memory(err, "a listing");
        return NULL;
    }
    XML_SetUserData(l->parser, l);
    XML_SetElementHandler(l->parser, on_open, on_close);
    XML_SetCharacterDataHandler(l->parser, on_text);
    XML_SetStartDoctypeDeclHandler(l->parser, on_doctype);
    return l;
}

void eh_s3_list_free(eh_s3_list *l)
{
    if (l == NULL) return;
    if (l->parser != NULL) XML_ParserFree(l->parser);
    eh_buf_free(&l->text);
    free(l->objects);
    free(l);
}

static bool explain(eh_s3_list *l, bool at_end, eh_err *err)
{
    enum XML_Error code = XML_GetErrorCode(l->parser);
    if (l->failure.class_ != EH_OK) {
        if (err != NULL && err->class_ == EH_OK) *err = l->failure;
        return false;
    }
    if (code == XML_ERROR_NO_MEMORY) return eh_fail_memory(err, "a listing");
    bool cut =
        at_end && (code == XML_ERROR_NO_ELEMENTS || code == XML_ERROR_UNCLOSED_TOKEN ||
                   code == XML_ERROR_PARTIAL_CHAR || code == XML_ERROR_UNCLOSED_CDATA_SECTION);
    if (cut)
        return eh_fail(err, EH_CLASS_TRANSIENT,
                       "the answer of the object store is cut: its XML has no end");
    if (!l->begun) {
        eh_fail(err, EH_CLASS_REMOTE, "the answer is no XML of an object store");
        return eh_err_hint(err, "is the endpoint that of an S3-compatible store?");
    }
    return eh_fail(err, EH_CLASS_REMOTE,
                   "the XML of the object store is broken at line %lu: %s",
                   XML_GetCurrentLineNumber(l->parser), XML_ErrorString(code));
}

bool eh_s3_list_feed(eh_s3_list *l, eh_slice bytes, eh_err *err)
{
    while (bytes.len > 0) {
        int n = bytes.len < (1 << 20) ? (int)bytes.len : 1 << 20;
        if (XML_Parse(l->parser, bytes.data, n, 0) != XML_STATUS_OK)
            return explain(l, false, err);
        bytes = eh_slice_of(bytes.data + n, bytes.len - (size_t)n);
    }
    return true;
}

/* ---- what it says ----------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Form encoding: stores write a space as + or %20, and a plus as %2B. */
static bool decode_key(const eh_s3_list *l, const char *text, bool encoded, eh_slice *key,
                       eh_err *err)
{
    size_t len = strlen(text), out = 0;
    char *to = eh_arena_strndup(l->arena, text, len);
    if (to == NULL) return eh_fail_memory(err, "a listing");
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (encoded && c == '+') c = ' ';
        if (encoded && c == '%') {
            int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0)
                return eh_fail(err, EH_CLASS_REMOTE,
                               "the listing has a key that is not "
                               "properly encoded: %.200s",
                               text);
            c = (char)(high * 16 + low);
            i += 2;
        }
        to[out++] = c;
    }
    to[out] = '\0';
    *key = eh_slice_of(to, out);
    return true;
}

static bool read_size(const char *text, uint64_t *size, eh_err *err)
{
    *size = 0;
    for (const char *p = text; *p != '\0' || p == text; p++) {
        bool digit = *p >= '0' && *p <= '9';
        if (!digit || __builtin_mul_overflow(*size, 10, size) ||
            __builtin_add_overflow(*size, (uint64_t)(*p - '0'), size) || *size > INT64_MAX)
            return eh_fail(err, EH_CLASS_REMOTE, "the listing has a size that is none: %.60s",
                           text);
    }
    return true;
}

/* "9b2c..." with quotes, which may have been escaped twice; W/ is a weak one. */
static const char *read_etag(const eh_s3_list *l, const char *text)
{
    if (text == NULL) return "";
    size_t len = strlen(text);
    if (len >= 2 && text[0] == '"' && text[len - 1] == '"')
        return eh_arena_strndup(l->arena, text + 1, len - 2);
    return text;
}

static bool read_object(const eh_s3_list *l, const raw_object *raw, bool encoded,
                        eh_s3_object *object, eh_err *err)
{
    bool zone = false;
    const char *modified = raw->text[FIELD_MODIFIED];
    *object = (eh_s3_object){.etag = read_etag(l, raw->text[FIELD_ETAG])};
    if (object->etag == NULL) return eh_fail_memory(err, "a listing");
    if (modified == NULL ||
        !eh_parse_timestamp(eh_slice_str(modified), &zone, &object->modified_us))
        return eh_fail(err, EH_CLASS_REMOTE, "the listing has a time that is none: %.60s",
                       modified != NULL ? modified : "(absent)");
    return decode_key(l, raw->text[FIELD_KEY], encoded, &object->key, err) &&
           read_size(raw->text[FIELD_SIZE], &object->size, err);
}

static bool read_page(eh_s3_list *l, eh_s3_page *page, eh_err *err)
{
    const char *truncated = l->values[FIELD_TRUNCATED], *encoding = l->values[FIELD_ENCODING];
    bool encoded = encoding != NULL && strcmp(encoding, "url") == 0;
    bool more = truncated != NULL && strcmp(truncated, "true") == 0;
    if (!more && (truncated == NULL || strcmp(truncated, "false") != 0))
        return eh_fail(err, EH_CLASS_REMOTE,
                       "the listing does not say whether it is complete (IsTruncated)");
    if (more && (l->values[FIELD_TOKEN] == NULL || l->values[FIELD_TOKEN][0] == '\0'))
        return eh_fail(err, EH_CLASS_REMOTE,
                       "the listing is not complete and does not say where it goes on");
    eh_s3_object *objects = eh_arena_zalloc(l->arena, l->count, sizeof *objects);
    if (objects == NULL) return eh_fail_memory(err, "a listing");
    for (size_t i = 0; i < l->count; i++)
        if (!read_object(l, &l->objects[i], encoded, &objects[i], err)) return false;
    *page = (eh_s3_page){objects, l->count, more, more ? l->values[FIELD_TOKEN] : NULL};
    return true;
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

bool eh_s3_list_end(eh_s3_list *l, eh_s3_page *page, eh_s3_fault *fault, eh_err *err)
{
    *page = (eh_s3_page){.objects = NULL};
    *fault = (eh_s3_fault){"", "", ""};
    if (XML_Parse(l->parser, "", 0, 1) != XML_STATUS_OK) return explain(l, true, err);
    if (!l->is_error) return read_page(l, page, err);
    *fault = (eh_s3_fault){or_empty(l->values[FIELD_CODE]), or_empty(l->values[FIELD_MESSAGE]),
                           or_empty(l->values[FIELD_REGION])};
    return fault->code[0] != '\0' ||
           eh_fail(err, EH_CLASS_REMOTE, "the object store answered an error without a code");
}

bool eh_s3_fault_read(eh_slice body, eh_arena *arena, eh_s3_fault *fault)
{
    eh_s3_page page;
    *fault = (eh_s3_fault){"", "", ""};
    eh_s3_list *l = eh_s3_list_new(arena, NULL);
    bool ok = l != NULL && eh_s3_list_feed(l, body, NULL) &&
              eh_s3_list_end(l, &page, fault, NULL) && fault->code[0] != '\0';
    eh_s3_list_free(l);
    return ok;
}
