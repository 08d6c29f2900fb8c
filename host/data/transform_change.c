/* data/transform_change.c: new values for declared columns: hash, mask, epoch and zone casts.
 *
 * Each takes the text of the value as it was written. A cast is exact or it is a misfit with a
 * reason that a person can act on. */
#include "data/convert.h"
#include "data/transform_parts.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdio.h>

#define US_PER_DAY    INT64_C(86400000000)
#define YEAR_1_US     INT64_C(-62135596800000000)
#define YEAR_10000_US INT64_C(253402300800000000)

enum { SHA256_BYTES = 32 };

/* ---- Text of a cell --------------------------------------------------------------------- */

eh_slice eh_cell_written(const eh_cell *cell, eh_cell_scratch *scratch)
{
    if (eh_cell_has_text(cell)) return eh_cell_text(cell);
    if (cell->kind == EH_CELL_BOOLEAN)
        return eh_slice_str(cell->as.integer != 0 ? "true" : "false");
    size_t length = 0;
    if (cell->kind == EH_CELL_TIME_US) {
        length = eh_print_timestamp(cell->as.integer, true, scratch->bytes);
    } else {
        eh_scratch room;
        eh_value value;
        const char *reason;
        if (!eh_convert(cell, EH_TYPE_TEXT, true, &room, &value, &reason) ||
            value.as.text.len > sizeof scratch->bytes)
            return eh_slice_str("");
        length = value.as.text.len;
        memcpy(scratch->bytes, value.as.text.data, length);
    }
    return eh_slice_of(scratch->bytes, length);
}

eh_excerpt eh_excerpt_of(eh_slice text)
{
    enum { MOST = 40 };
    eh_excerpt out;
    size_t length = text.len < MOST ? text.len : MOST;
    /* Not in the middle of a UTF-8 character: step back over continuation bytes. */
    while (length < text.len && length > 0 && ((unsigned char)text.data[length] & 0xc0) == 0x80)
        length--;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        out.text[i] = text.data[i];
        if (c < 0x20 || c == 0x7f) out.text[i] = '?';
    }
    (void)snprintf(out.text + length, sizeof out.text - length, "%s",
                   length < text.len ? "..." : "");
    return out;
}

static bool set_text(eh_cell *cell, const char *text, size_t len)
{
    *cell = (eh_cell){.kind = EH_CELL_STRING, .len = (uint32_t)len, .as.text = text};
    return true;
}

static void set_instant(eh_cell *cell, int64_t us)
{
    *cell = (eh_cell){.kind = EH_CELL_TIME_US, .as.integer = us};
}

/* ---- Hash ------------------------------------------------------------------------------- */

static bool open_mac(eh_transform *t, eh_slice key)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (mac == NULL) return false;
    t->mac = EVP_MAC_CTX_new(mac); /* holds its own reference */
    EVP_MAC_free(mac);
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return t->mac != NULL &&
           EVP_MAC_init(t->mac, (const unsigned char *)key.data, key.len, params) == 1;
}

bool eh_transform_open_hash(eh_transform *t, eh_slice key, eh_err *err)
{
    bool ok;
    if (key.len > 0) {
        ok = open_mac(t, key);
    } else {
        t->digest = EVP_MD_CTX_new();
        ok = t->digest != NULL && EVP_DigestInit_ex(t->digest, EVP_sha256(), NULL) == 1;
    }
    return ok || eh_fail(err, EH_CLASS_LIMIT, "libcrypto cannot make SHA-256 hashes");
}

/* One context for every value: starting it again keeps the key and allocates nothing. */
static bool digest_of(eh_transform *t, eh_slice text, unsigned char *out)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    if (t->mac != NULL) {
        size_t length = 0;
        return EVP_MAC_init(t->mac, NULL, 0, NULL) == 1 &&
               EVP_MAC_update(t->mac, bytes, text.len) == 1 &&
               EVP_MAC_final(t->mac, out, &length, SHA256_BYTES) == 1 && length == SHA256_BYTES;
    }
    unsigned length = 0;
    return EVP_DigestInit_ex(t->digest, NULL, NULL) == 1 &&
           EVP_DigestUpdate(t->digest, text.data, text.len) == 1 &&
           EVP_DigestFinal_ex(t->digest, out, &length) == 1 && length == SHA256_BYTES;
}

static bool change_hash(eh_transform *t, eh_slice text, eh_cell *cell, eh_arena *arena,
                        eh_err *err)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char digest[SHA256_BYTES];
    if (!digest_of(t, text, digest))
        return eh_fail(err, EH_CLASS_BUG, "libcrypto failed to hash a value");
    char *out = eh_arena_bytes(arena, sizeof digest * 2);
    if (out == NULL) return eh_fail_memory(err, "hashed values");
    for (size_t i = 0; i < sizeof digest; i++) {
        out[2 * i] = hex[digest[i] >> 4];
        out[2 * i + 1] = hex[digest[i] & 15];
    }
    return set_text(cell, out, sizeof digest * 2);
}

/* ---- Mask ------------------------------------------------------------------------------- */

/* Bytes of the first character; text is not empty. */
static size_t first_character(eh_slice text)
{
    size_t length = 1;
    while (length < text.len && length < 4 && ((unsigned char)text.data[length] & 0xc0) == 0x80)
        length++;
    return length;
}

/* The offset of the '@' of something shaped like an address; 0 when it is not one. */
static size_t email_at(eh_slice text)
{
    const char *at = text.len > 0 ? memchr(text.data, '@', text.len) : NULL;
    if (at == NULL || at == text.data) return 0;
    size_t offset = (size_t)(at - text.data);
    if (offset + 1 == text.len || memchr(at + 1, '@', text.len - offset - 1) != NULL) return 0;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] <= ' ') return 0;
    return offset;
}

/* 7 to 15 digits (ITU-T E.164 has at most 15) and what people write between them, but no date:
 * "***24" of a birthday would tell a part of it. */
static bool is_phone(eh_slice text, char last_two[2])
{
    size_t digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c >= '0' && c <= '9') {
            last_two[0] = last_two[1];
            last_two[1] = c;
            digits++;
        } else if (c == '\0' || strchr(" +-()./", c) == NULL) {
            return false;
        }
    }
    int64_t days;
    return digits >= 7 && digits <= 15 && !eh_parse_date(text, &days);
}

static bool change_mask(eh_slice text, eh_cell *cell, eh_arena *arena, eh_err *err)
{
    static const char stars[3] = {'*', '*', '*'};
    char last_two[2] = {'0', '0'};
    eh_slice before = {NULL, 0}, after = {NULL, 0};
    size_t at = email_at(text);
    if (at > 0) {
        before = eh_slice_of(text.data, first_character(text));
        after = eh_slice_of(text.data + at, text.len - at);
    } else if (is_phone(text, last_two)) {
        after = eh_slice_of(last_two, 2);
    } else {
        return set_text(cell, stars, 3);
    }
    char *out = eh_arena_bytes(arena, before.len + 3 + after.len);
    if (out == NULL) return eh_fail_memory(err, "masked values");
    if (before.len > 0) memcpy(out, before.data, before.len);
    memcpy(out + before.len, stars, 3);
    memcpy(out + before.len + 3, after.data, after.len);
    return set_text(cell, out, before.len + 3 + after.len);
}

/* ---- Casts ------------------------------------------------------------------------------ */

static eh_changed misfit(eh_misfit *out, const char *format, ...) EH_PRINTF(2, 3);
static eh_changed misfit(eh_misfit *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (vsnprintf(out->reason, sizeof out->reason, format, args) < 0) out->reason[0] = '\0';
    va_end(args);
    out->code = "cast";
    return EH_CHANGED_MISFIT;
}

static eh_changed change_epoch(const eh_rule *rule, eh_slice text, eh_cell *cell,
                               eh_misfit *out)
{
    const char *unit = rule->places == 6 ? "seconds" : "milliseconds";
    eh_decimal number;
    int64_t us = 0;
    if (cell->kind == EH_CELL_BOOLEAN || !eh_decimal_parse(text, &number))
        return misfit(out, "\"%s\" is not a number of %s since 1970", eh_excerpt_of(text).text,
                      unit);
    eh_decimal_fit fit = eh_decimal_scale(&number, rule->places, &us);
    if (fit == EH_DECIMAL_FRACTION)
        return misfit(out, "%s %s: finer than a microsecond", eh_excerpt_of(text).text, unit);
    if (fit == EH_DECIMAL_RANGE || us < YEAR_1_US || us >= YEAR_10000_US)
        return misfit(out, "%s %s since 1970 is outside the years 1 to 9999%s",
                      eh_excerpt_of(text).text, unit,
                      rule->places == 6 ? ": is it epoch = \"ms\"?" : "");
    set_instant(cell, us);
    return EH_CHANGED_OK;
}

/* A datetime, a date as its midnight, or an instant that says so itself. */
static bool parse_reading(eh_slice text, bool *has_zone, int64_t *us)
{
    int64_t days;
    if (eh_parse_timestamp(text, has_zone, us)) return true;
    *has_zone = false;
    return eh_parse_date(text, &days) && !__builtin_mul_overflow(days, US_PER_DAY, us);
}

static eh_changed change_zone(const eh_rule *rule, eh_slice text, eh_cell *cell, eh_misfit *out)
{
    bool has_zone = false;
    int64_t us = 0, last = 0;
    if (!parse_reading(text, &has_zone, &us))
        return misfit(out, "\"%s\" is not a date and time", eh_excerpt_of(text).text);
    if (!has_zone) {
        int64_t local = us;
        char one[40], two[40];
        switch (eh_zone_to_utc(rule->zone, local, &us, &last)) {
        case EH_ZONE_OK:
            break;
        case EH_ZONE_GAP:
            return misfit(out, "%s does not exist in %.*s: its clocks skip that time",
                          eh_excerpt_of(text).text, EH_SLICE_FMT(rule->zone_name));
        case EH_ZONE_AMBIGUOUS:
            return misfit(out, "%s happens twice in %.*s: %.*s or %.*s",
                          eh_excerpt_of(text).text, EH_SLICE_FMT(rule->zone_name),
                          (int)eh_print_timestamp(us, true, one), one,
                          (int)eh_print_timestamp(last, true, two), two);
        }
    }
    set_instant(cell, us);
    return EH_CHANGED_OK;
}

eh_changed eh_transform_change(eh_transform *t, const eh_rule *rule, eh_cell *cell,
                               eh_arena *arena, eh_misfit *out, eh_err *err)
{
    if (eh_cell_is_null(cell)) return EH_CHANGED_OK;
    bool cast = rule->change == EH_CHANGE_EPOCH || rule->change == EH_CHANGE_ZONE;
    if (cast && cell->kind == EH_CELL_TIME_US) return EH_CHANGED_OK;
    eh_cell_scratch scratch;
    eh_slice text = eh_cell_written(cell, &scratch);
    switch (rule->change) {
    case EH_CHANGE_NONE:
        break;
    case EH_CHANGE_HASH:
        return change_hash(t, text, cell, arena, err) ? EH_CHANGED_OK : EH_CHANGED_ERROR;
    case EH_CHANGE_MASK:
        return change_mask(text, cell, arena, err) ? EH_CHANGED_OK : EH_CHANGED_ERROR;
    case EH_CHANGE_EPOCH:
        return change_epoch(rule, text, cell, out);
    case EH_CHANGE_ZONE:
        return change_zone(rule, text, cell, out);
    }
    return EH_CHANGED_OK;
}
