/* engine/secrets.h: the secrets of a run: handles for the script, values toward allowed hosts
 * only, and *** in everything that is told.
 *
 * The jail knows a secret by its handle, the text {{secret:NONCE:INSTANCE.key}}. The nonce is
 * made for the run, so nothing that comes from outside can be a handle. Handles are plain text:
 * a script puts them together with other text, and eh_secrets_fill puts the values in on the
 * way out. Values are in memory that is locked, kept out of dumps and of children, and wiped
 * with the store. No function here says a value in an error. Masking may go on in another
 * thread while the run learns a secret. Floor 4. */
#ifndef EH_ENGINE_SECRETS_H
#define EH_ENGINE_SECRETS_H

#include "base/buf.h"
#include "base/doc.h"

typedef struct eh_secrets eh_secrets;

/* A value shorter than this is filled in, but not masked: it would blot out half of every text.
 * The supervisor warns of one. */
#define EH_SECRET_MASKED_MIN 4
#define EH_SECRET_MAX        ((size_t)64 * 1024)
/* So long a secret may be however it is written (\u0041): what is masked and then cut needs as
 * much behind the cut. */
#define EH_SECRET_WRITTEN_MAX (6 * EH_SECRET_MAX)

/* The secrets of a specification: { nonce, values: list of { instance, key, value } }; the
 * values in the document are wiped. spec may be NULL: a store for what a run comes to know.
 * NULL on failure. */
eh_secrets *eh_secrets_new(const eh_doc *spec, eh_err *err);

/* Wipes and frees. NULL is fine. */
void eh_secrets_free(eh_secrets *secrets);

/* What the operator's configuration says of the hosts to which an instance's secrets may go:
 * patterns as in io/url.h, which must outlive the store. An address that is itself a secret of
 * the instance is one of them. Until this is called nothing is said, and what the source
 * declares is enough. */
bool eh_secrets_trust(eh_secrets *secrets, const char *instance, const char *const *hosts,
                      size_t count, eh_err *err) EH_MUST_USE;

/* What the script declares of the same: it can only leave hosts out of those. None until this
 * is called. */
bool eh_secrets_allow(eh_secrets *secrets, const char *instance, const char *const *hosts,
                      size_t count, eh_err *err) EH_MUST_USE;

/* ---- toward a service ---------------------------------------------------------------------
 */

/* What the text with handles is, so that a value cannot become more than a value. */
typedef enum eh_secret_place {
    EH_SECRET_BODY,   /* the bytes as they are */
    EH_SECRET_HEADER, /* the same; one with control bytes is refused, class config */
    EH_SECRET_URL,    /* percent-encoded: for a URL, a query, a form */
    EH_SECRET_JSON    /* inside a JSON string: escaped, without quotes */
} eh_secret_place;

/* True when text holds a handle of this run. */
bool eh_secrets_has(const eh_secrets *secrets, eh_slice text);

/* Appends text to out, each handle replaced by its value. origin: where it goes to, normalised
 * and with its port, as in eh_url ("https://api.x.com:443"). Class denied for one that is none
 * of the instance's or a handle of another instance; script for a handle that there is not. The
 * error names handle and origin. out holds secrets then: eh_secrets_wipe it. On failure nothing
 * is appended. */
bool eh_secrets_fill(const eh_secrets *secrets, const char *instance, const char *origin,
                     eh_secret_place place, eh_slice text, eh_buf *out,
                     eh_err *err) EH_MUST_USE;

/* For what the engine itself makes of secrets (a signature, another secret): the same without
 * an origin. The result must not leave the engine. */
bool eh_secrets_read(const eh_secrets *secrets, const char *instance, eh_slice text,
                     eh_buf *out, eh_err *err) EH_MUST_USE;

/* The same for a text of JSON: values are escaped as in its strings. */
bool eh_secrets_read_json(const eh_secrets *secrets, const char *instance, eh_slice json,
                          eh_buf *out, eh_err *err) EH_MUST_USE;

/* A value that is only masked, in whatever is told: a database's password. */
bool eh_secrets_hide(eh_secrets *secrets, eh_slice value, eh_err *err) EH_MUST_USE;

/* A secret of etlhost's own (instance @host), which no script can name. Borrowed. */
bool eh_secrets_of_host(const eh_secrets *secrets, const char *key, eh_slice *value);

/* Appends settings of an instance as JSON with its secrets in their places: two with the same
 * text sign in alike. It must not leave the engine. */
bool eh_secrets_read_settings(const eh_secrets *secrets, const char *instance,
                              const eh_doc *settings, eh_buf *out, eh_err *err) EH_MUST_USE;

/* Overwrites and frees a buffer; it is empty and usable then. */
void eh_secrets_wipe(eh_buf *buf);

/* ---- secrets that a run makes -------------------------------------------------------------
 */

/* Keeps a value that a service gave: `name` (letters, digits, _ and -) of the instance, in the
 * place of an earlier one of that name, which stays masked. *handle is the text for the script,
 * the same for each value of the name; valid until the next value. */
bool eh_secrets_capture(eh_secrets *secrets, const char *instance, const char *name,
                        eh_slice value, const char **handle, eh_err *err) EH_MUST_USE;

/* Keeps a value that was derived from others; equal values share a handle. The oldest of many
 * are forgotten: such a handle is no longer known. `kind` is for people. */
bool eh_secrets_derived(eh_secrets *secrets, const char *instance, const char *kind,
                        eh_slice value, const char **handle, eh_err *err) EH_MUST_USE;

/* ---- masking ------------------------------------------------------------------------------
 */

/* Appends text to out with *** for every secret of the run, whoever's: the value itself, also
 * with URL-encoded or JSON-escaped bytes, and its base64 in all three alignments and both
 * alphabets. Mask first, then cut: half a secret is not found. secrets may be NULL: nothing is
 * masked. */
bool eh_secrets_mask(const eh_secrets *secrets, eh_slice text, eh_buf *out,
                     eh_err *err) EH_MUST_USE;

/* The same for what people and files are told: also the first 8 and more bytes of a secret at
 * the end of a text that was cut there. Not for what a script gets to see: it could find a
 * secret out byte by byte by what is masked. */
bool eh_secrets_mask_told(const eh_secrets *secrets, eh_slice text, eh_buf *out,
                          eh_err *err) EH_MUST_USE;

/* Both for a text of JSON, so that it stays JSON: inside of its strings, and for a script also
 * numbers in which a secret is, which become strings. */
bool eh_secrets_mask_told_json(const eh_secrets *secrets, eh_slice json, eh_buf *out,
                               eh_err *err) EH_MUST_USE;
bool eh_secrets_mask_json(const eh_secrets *secrets, eh_slice json, eh_buf *out,
                          eh_err *err) EH_MUST_USE;

/* eh_secrets_mask in place; as the hook of base/mask.h, with the store as self. */
bool eh_secrets_mask_buf(void *secrets, eh_buf *text, eh_err *err) EH_MUST_USE;

/* Is there anything to be masked? For the run's own thread. */
bool eh_secrets_any(const eh_secrets *secrets);

/* Would eh_secrets_mask_told change the text? */
bool eh_secrets_hits(const eh_secrets *secrets, eh_slice text);

/* Message, hint, place and trail, in place. Without memory they are replaced by ***. */
void eh_secrets_mask_err(const eh_secrets *secrets, eh_err *err);

#endif
