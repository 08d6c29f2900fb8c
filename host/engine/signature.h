/* engine/signature.h: digests, signatures and their spellings, by libcrypto. No secret gets
 * into an error. This room only. */
#ifndef EH_ENGINE_SIGNATURE_H
#define EH_ENGINE_SIGNATURE_H

#include "base/buf.h"

typedef struct eh_digest {
    unsigned char bytes[64];
    size_t len;
} eh_digest;

/* algorithm: md5, sha1, sha256 or sha512; another one is class script. */
bool eh_digest_text(const char *algorithm, eh_slice text, eh_digest *digest,
                    eh_err *err) EH_MUST_USE;
/* HMAC (RFC 2104). */
bool eh_digest_keyed(const char *algorithm, eh_slice key, eh_slice text, eh_digest *digest,
                     eh_err *err) EH_MUST_USE;

/* Appends the signature of a JWS (RFC 7518). algorithm: HS256 (key: bytes), RS256 or ES256
 * (key: a private key in PEM, whose line breaks may be written as \n). A key that does not fit
 * is class config. */
bool eh_sign(const char *algorithm, eh_slice key, eh_slice text, eh_buf *out,
             eh_err *err) EH_MUST_USE;

bool eh_hex_encode(eh_slice bytes, eh_buf *out, eh_err *err) EH_MUST_USE;
/* is_url: the alphabet of URLs, without padding. */
bool eh_base64_encode(eh_slice bytes, bool is_url, eh_buf *out, eh_err *err) EH_MUST_USE;
/* Either alphabet, with or without padding, blanks and line breaks left out. False when it is
 * something else. */
bool eh_base64_decode(eh_slice text, eh_buf *out) EH_MUST_USE;

#endif
