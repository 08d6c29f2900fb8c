/* engine/s3_refusal.c: what a store means when it refuses, and what a person does then. */
#include "engine/s3_private.h"
#include "io/http_class.h"
#include "io/retry_after.h"

#include <inttypes.h>
#include <stdio.h>

#define ANSWER_MAX ((size_t)256 * 1024)
/* A clock that is farther off breaks more than this; then a person has to look at it. */
#define SKEW_MAX_US ((int64_t)24 * 3600 * 1000000)

const int eh_s3_refusals[] = {301, 307, 400, 403, 404, 412, 416};
const size_t eh_s3_refusal_count = sizeof eh_s3_refusals / sizeof eh_s3_refusals[0];

typedef struct meaning {
    const char *code;
    eh_class class_;
    const char *message; /* behind the bucket or the object */
    const char *hint;
} meaning;

#define UNKNOWN_KEY_HINT                                                                       \
    "it was deleted or switched off, belongs to another store, or is a temporary one without " \
    "its session_token"

#define INVALID_TOKEN_HINT                                                                     \
    "access_key_id, secret_access_key and session_token must come from the same answer, and "  \
    "one that has not expired"

static const meaning meanings[] = {
    {"AccessDenied", EH_CLASS_DENIED, ": access is denied",
     "the key needs s3:ListBucket on the bucket and s3:GetObject on its objects (kms:Decrypt "
     "too, where a KMS key encrypts them)"},
    {"AllAccessDisabled", EH_CLASS_DENIED, ": all access is disabled",
     "the owner of the bucket has closed it"},
    {"NoSuchBucket", EH_CLASS_CONFIG, ": there is no such bucket",
     "check the bucket's name, and the endpoint if one is set"},
    {"SignatureDoesNotMatch", EH_CLASS_AUTH, ": the signature does not match",
     "the secret access key is not the one of this access key id: copy both again, without "
     "blanks or line ends"},
    {"InvalidAccessKeyId", EH_CLASS_AUTH, ": the store does not know the access key id",
     UNKNOWN_KEY_HINT},
    /* VersityGW's word for it */
    {"XAdminUserNotFound", EH_CLASS_AUTH, ": the store does not know the access key id",
     UNKNOWN_KEY_HINT},
    {"ExpiredToken", EH_CLASS_AUTH, ": the session token has expired",
     "get new temporary credentials; for runs on a schedule use a key that does not expire, or "
     "credentials: { cmd: ... }"},
    {"InvalidToken", EH_CLASS_AUTH, ": the session token is not valid", INVALID_TOKEN_HINT},
    /* MinIO's word for it */
    {"InvalidTokenId", EH_CLASS_AUTH, ": the session token is not valid", INVALID_TOKEN_HINT},
    {"AuthorizationHeaderMalformed", EH_CLASS_CONFIG, ": the region is wrong",
     "set region to the bucket's"},
    {"PermanentRedirect", EH_CLASS_CONFIG,
     ": the bucket is in another region or at another "
     "endpoint",
     "set region, or endpoint, to the bucket's"},
    {"TemporaryRedirect", EH_CLASS_TRANSIENT, ": the store sends us elsewhere for now",
     "run again later; region and endpoint of the bucket should be set"},
    {"RequestTimeTooSkewed", EH_CLASS_CONFIG, ": this machine's clock is too far off",
     "set the clock (timedatectl shows whether it is synchronised)"},
    {"InvalidRange", EH_CLASS_DATA, " is shorter than it was", "run again"},
};

/* ---- what can be put right -------------------------------------------------------------- */

static bool is_any(const char *code, const char *const *codes)
{
    for (; *codes != NULL; codes++)
        if (strcmp(code, *codes) == 0) return true;
    return false;
}

static bool correct_region(eh_s3 *s3, const char *region, eh_err *err)
{
    if (s3->moved || region[0] == '\0' || strcmp(region, s3->bucket.region) == 0) return false;
    char text[256];
    (void)snprintf(text, sizeof text,
                   "the bucket %s is in region %s, not %s: set %s to spare a request",
                   s3->bucket.name, region, s3->bucket.region,
                   strcmp(s3->instance, "load") == 0 ? "--s3-region" : "region");
    s3->moved = true;
    if (!eh_s3_move(s3, region, err)) return false;
    eh_event_log(&s3->run->events, "warning", text, s3->instance, NULL);
    return true;
}

static bool correct_clock(eh_s3 *s3, const eh_http_answer *answer)
{
    int64_t now = eh_clock_wall(&s3->run->clock), theirs;
    if (s3->clocked) return false;
    if (!eh_http_date(eh_http_answer_header(answer, "date"), now, &theirs)) return false;
    int64_t off = theirs - now;
    if (off > SKEW_MAX_US || off < -SKEW_MAX_US) return false;
    char text[256];
    (void)snprintf(text, sizeof text,
                   "this machine's clock is %" PRId64
                   " minutes %s that of the store: requests are signed with the store's",
                   ((off < 0 ? -off : off) + 30000000) / 60000000,
                   off < 0 ? "ahead of" : "behind");
    s3->clocked = true;
    s3->sign.clock_offset_us = off;
    eh_event_log(&s3->run->events, "warning", text, s3->instance, NULL);
    return true;
}

static bool correct(eh_s3 *s3, const eh_refusal *refusal, const eh_s3_fault *fault, eh_err *err)
{
    static const char *const of_region[] = {"PermanentRedirect", "TemporaryRedirect",
                                            "AuthorizationHeaderMalformed",
                                            "IllegalLocationConstraintException", NULL};
    static const char *const passing[] = {"RequestTimeout", "BadDigest", NULL};
    if (is_any(fault->code, passing)) return true;
    if (strcmp(fault->code, "RequestTimeTooSkewed") == 0)
        return correct_clock(s3, refusal->answer);
    if (refusal->status != 301 && refusal->status != 307 && !is_any(fault->code, of_region))
        return false;
    eh_slice header = eh_http_answer_header(refusal->answer, "x-amz-bucket-region");
    char region[64] = "";
    if (header.len > 0 && header.len < sizeof region)
        (void)snprintf(region, sizeof region, "%.*s", EH_SLICE_FMT(header));
    return correct_region(s3, region[0] != '\0' ? region : fault->region, err);
}

/* ---- what is said ----------------------------------------------------------------------- */

static void explain(const eh_s3 *s3, const char *what, const eh_refusal *refusal,
                    const eh_s3_fault *fault, eh_err *err)
{
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        const meaning *m = &meanings[i];
        if (strcmp(m->code, fault->code) != 0) continue;
        eh_fail(err, m->class_, "%s%s (HTTP %d, %s)", what, m->message, refusal->status,
                fault->code);
        if (m->class_ == EH_CLASS_DENIED && s3->credentials.anonymous)
            eh_err_hint(err, "the bucket is not public: take anonymous away and give "
                             "access_key_id and secret_access_key");
        eh_err_hint(err, "%s", m->hint);
        return;
    }
    eh_class class = eh_http_status_class(refusal->status);
    const char *text = eh_http_status_text(refusal->status);
    eh_fail(err, class, "%s: the store answers %d %s%s%s", what, refusal->status,
            fault->code[0] != '\0' ? fault->code : text, fault->message[0] != '\0' ? ": " : "",
            fault->message);
    if (fault->code[0] == '\0')
        eh_err_hint(err, "that is no answer of an object store: is the endpoint right?");
}

static eh_remote_fate fate_of(const eh_refusal *refusal, const eh_s3_fault *fault)
{
    static const char *const gone[] = {"NoSuchKey", "NoSuchVersion", NULL};
    if (strcmp(fault->code, "InvalidObjectState") == 0) return EH_REMOTE_ARCHIVED;
    bool is_gone =
        is_any(fault->code, gone) || (refusal->status == 404 && fault->code[0] == '\0');
    return is_gone ? EH_REMOTE_GONE : EH_REMOTE_THERE;
}

void eh_s3_refused(void *self, const char *name, const eh_refusal *refusal, bool *again,
                   eh_remote_fate *fate, eh_err *err)
{
    eh_s3 *s3 = self;
    eh_s3_fault fault = {"", "", ""};
    char bucket[300];
    (void)snprintf(bucket, sizeof bucket, "the bucket %s", s3->bucket.name);
    const char *what = name != NULL ? name : bucket;
    eh_arena *arena = eh_arena_new(ANSWER_MAX);
    if (arena == NULL) {
        eh_fail_memory(err, "an answer");
        return;
    }
    (void)eh_s3_fault_read(refusal->body, arena, &fault);
    *again = correct(s3, refusal, &fault, err);
    if (!*again) *fate = name != NULL ? fate_of(refusal, &fault) : EH_REMOTE_THERE;
    if (*fate == EH_REMOTE_GONE)
        eh_fail(err, EH_CLASS_NOT_FOUND, "%s is not there", what);
    else if (*fate == EH_REMOTE_ARCHIVED)
        eh_fail(err, EH_CLASS_DENIED,
                "%s is archived (its storage class must be restored before it can be read)",
                what);
    else if (!*again)
        explain(s3, what, refusal, &fault, err);
    eh_arena_free(arena);
}

bool eh_s3_refused_token(const eh_s3 *s3, const eh_refusal *refusal)
{
    (void)s3;
    eh_s3_fault fault = {"", "", ""};
    eh_arena *arena = eh_arena_new(ANSWER_MAX);
    bool yes = arena != NULL && eh_s3_fault_read(refusal->body, arena, &fault) &&
               strcmp(fault.code, "InvalidArgument") == 0;
    eh_arena_free(arena);
    return yes;
}
