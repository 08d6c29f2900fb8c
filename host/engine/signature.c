/* engine/signature.c: see signature.h. */
#include "engine/signature.h"

#include <openssl/bio.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <limits.h>

/* ---- digests --------------------------------------------------------------------------------
 */

static const EVP_MD *find_digest(const char *algorithm, eh_err *err)
{
    static const struct {
        const char *name;
        const EVP_MD *(*digest)(void);
    } known[] = {
        {"sha256", EVP_sha256}, {"sha1", EVP_sha1}, {"sha512", EVP_sha512}, {"md5", EVP_md5}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(algorithm, known[i].name) == 0) return known[i].digest();
    eh_fail(err, EH_CLASS_SCRIPT, "algorithm may be sha256, sha1, sha512 or md5, not \"%.40s\"",
            algorithm);
    return NULL;
}

bool eh_digest_text(const char *algorithm, eh_slice text, eh_digest *digest, eh_err *err)
{
    const EVP_MD *md = find_digest(algorithm, err);
    unsigned len = 0;
    if (md == NULL) return false;
    if (EVP_Digest(text.data, text.len, digest->bytes, &len, md, NULL) != 1)
        return eh_fail(err, EH_CLASS_CONFIG, "this system's OpenSSL does not allow %s",
                       algorithm);
    digest->len = len;
    return true;
}

bool eh_digest_keyed(const char *algorithm, eh_slice key, eh_slice text, eh_digest *digest,
                     eh_err *err)
{
    const EVP_MD *md = find_digest(algorithm, err);
    unsigned len = 0;
    if (md == NULL) return false;
    if (key.len > INT_MAX || HMAC(md, key.data != NULL ? key.data : "", (int)key.len,
                                  (const unsigned char *)(text.data != NULL ? text.data : ""),
                                  text.len, digest->bytes, &len) == NULL)
        return eh_fail(err, EH_CLASS_CONFIG, "this system's OpenSSL does not allow HMAC %s",
                       algorithm);
    digest->len = len;
    return true;
}

/* ---- private keys ---------------------------------------------------------------------------
 */

/* A key with a passphrase is refused, not asked for. */
static int no_passphrase(char *room, int size, int writing, void *self)
{
    (void)room, (void)size, (void)writing, (void)self;
    return -1;
}

/* In variables the line breaks of a key are often two characters. */
static bool with_line_breaks(eh_slice key, eh_buf *out, eh_err *err)
{
    for (size_t i = 0; i < key.len; i++) {
        bool is_written = key.data[i] == '\\' && i + 1 < key.len && key.data[i + 1] == 'n';
        if (!eh_buf_append_byte(out, is_written ? '\n' : key.data[i], err)) return false;
        if (is_written) i++;
    }
    return true;
}

static EVP_PKEY *read_private_key(eh_slice key, eh_err *err)
{
    eh_buf pem;
    eh_buf_init(&pem, key.len + 1);
    EVP_PKEY *result = NULL;
    if (with_line_breaks(key, &pem, err)) {
        BIO *bio = BIO_new_mem_buf(pem.len > 0 ? pem.data : "", (int)pem.len);
        result = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
        BIO_free(bio);
        ERR_clear_error();
        if (result == NULL)
            eh_fail(err, EH_CLASS_CONFIG,
                    "the key is no private key in PEM without a passphrase");
    }
    if (pem.data != NULL) explicit_bzero(pem.data, pem.cap);
    eh_buf_free(&pem);
    return result;
}

static bool sign_by(EVP_PKEY *key, eh_slice text, eh_buf *out, eh_err *err)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t len = 0;
    const unsigned char *bytes = (const unsigned char *)text.data;
    bool ok =
        context != NULL && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestSign(context, NULL, &len, bytes, text.len) == 1 &&
        eh_buf_reserve(out, len, err) &&
        EVP_DigestSign(context, (unsigned char *)out->data + out->len, &len, bytes, text.len) ==
            1;
    if (ok) out->len += len;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return ok || eh_fail(err, EH_CLASS_CONFIG, "the key cannot sign");
}

/* RFC 7518 3.4: the two numbers, 32 bytes each, and not the DER that OpenSSL makes. */
static bool unwrap_es256(eh_slice der, eh_buf *out, eh_err *err)
{
    const unsigned char *at = (const unsigned char *)der.data;
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)der.len);
    unsigned char both[64];
    bool ok = signature != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(signature), both, 32) == 32 &&
              BN_bn2binpad(ECDSA_SIG_get0_s(signature), both + 32, 32) == 32;
    ECDSA_SIG_free(signature);
    return ok ? eh_buf_append(out, both, sizeof both, err)
              : eh_fail(err, EH_CLASS_CONFIG, "the key cannot sign");
}

static bool sign_es256(EVP_PKEY *key, eh_slice text, eh_buf *out, eh_err *err)
{
    eh_buf der;
    eh_buf_init(&der, 1024);
    bool ok = sign_by(key, text, &der, err) && unwrap_es256(eh_buf_slice(&der), out, err);
    eh_buf_free(&der);
    return ok;
}

bool eh_sign(const char *algorithm, eh_slice key, eh_slice text, eh_buf *out, eh_err *err)
{
    if (strcmp(algorithm, "HS256") == 0) {
        eh_digest digest;
        return eh_digest_keyed("sha256", key, text, &digest, err) &&
               eh_buf_append(out, digest.bytes, digest.len, err);
    }
    bool rsa = strcmp(algorithm, "RS256") == 0, ec = strcmp(algorithm, "ES256") == 0;
    if (!rsa && !ec)
        return eh_fail(err, EH_CLASS_SCRIPT,
                       "algorithm may be RS256, ES256 or HS256, not \"%.40s\"", algorithm);
    EVP_PKEY *private_key = read_private_key(key, err);
    if (private_key == NULL) return false;
    bool fits = rsa ? EVP_PKEY_get_base_id(private_key) == EVP_PKEY_RSA
                    : EVP_PKEY_get_base_id(private_key) == EVP_PKEY_EC &&
                          EVP_PKEY_get_bits(private_key) == 256;
    bool ok = !fits ? eh_fail(err, EH_CLASS_CONFIG, "the key is not one for %s", algorithm)
              : rsa ? sign_by(private_key, text, out, err)
                    : sign_es256(private_key, text, out, err);
    EVP_PKEY_free(private_key);
    return ok;
}

/* ---- spellings ------------------------------------------------------------------------------
 */

bool eh_hex_encode(eh_slice bytes, eh_buf *out, eh_err *err)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        if (!eh_buf_append_byte(out, digits[byte >> 4], err) ||
            !eh_buf_append_byte(out, digits[byte & 15], err))
            return false;
    }
    return true;
}

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool eh_base64_encode(eh_slice bytes, bool is_url, eh_buf *out, eh_err *err)
{
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i < 3 ? bytes.len - i : 3;
        unsigned group = 0;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < left ? (unsigned char)bytes.data[i + k] : 0U);
        for (size_t k = 0; k < 4; k++) {
            char c = k > left ? '=' : alphabet[group >> (18 - 6 * k) & 63];
            if (is_url && c == '=') continue;
            if (is_url && c == '+') c = '-';
            if (is_url && c == '/') c = '_';
            if (!eh_buf_append_byte(out, c, err)) return false;
        }
    }
    return true;
}

static int value_of(char c)
{
    if (c == '-') c = '+';
    if (c == '_') c = '/';
    const char *at = c != '\0' ? strchr(alphabet, c) : NULL;
    return at != NULL ? (int)(at - alphabet) : -1;
}

bool eh_base64_decode(eh_slice text, eh_buf *out)
{
    unsigned bits = 0, count = 0;
    bool ended = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
        ended = ended || c == '=';
        if (c == '=') continue;
        int value = value_of(c);
        if (value < 0 || ended) return false;
        bits = (bits << 6 | (unsigned)value) & 0xffffff;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        if (!eh_buf_append_byte(out, (char)(bits >> count & 255), NULL)) return false;
    }
    return count < 6;
}
