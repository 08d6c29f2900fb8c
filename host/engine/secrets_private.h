/* engine/secrets_private.h: what secrets.c and secret_mask.c share. */
#ifndef EH_ENGINE_SECRETS_PRIVATE_H
#define EH_ENGINE_SECRETS_PRIVATE_H

#include "engine/secrets.h"

#include <pthread.h>

typedef enum eh_secret_kind {
    EH_SECRET_GIVEN,    /* by the configuration */
    EH_SECRET_CAPTURED, /* from an answer */
    EH_SECRET_DERIVED,
    EH_SECRET_RETIRED, /* has no handle any more, and is still masked */
    EH_SECRET_HIDDEN,  /* never had one: nobody can send it */
    EH_SECRET_KINDS
} eh_secret_kind;

typedef struct eh_secret eh_secret;
struct eh_secret {
    eh_secret *next;
    eh_secret_kind kind;
    char *instance; /* owned */
    char *name;     /* owned; for people INSTANCE.name */
    char *handle;   /* owned */
    void *memory;   /* a mapping of its own: locked, not dumped, not inherited */
    size_t memory_bytes;
    eh_slice value;     /* in memory */
    eh_slice base64[3]; /* in memory; the characters that the value alone decides, for each
                           place that it may begin at in a group of three bytes */
};

/* A byte string to look for. */
typedef struct eh_secret_pattern {
    eh_slice text;
    bool is_base64; /* - and _ count as + and / */
} eh_secret_pattern;

typedef struct eh_secret_hosts {
    struct eh_secret_hosts *next;
    char *instance;
    const char *const *declared; /* by the script */
    size_t declared_count;
    const char *const *trusted; /* by the operator; NULL: nothing is said */
    size_t trusted_count;
} eh_secret_hosts;

struct eh_secrets {
    char nonce[65];
    eh_secret *first; /* the newest first */
    size_t counts[EH_SECRET_KINDS];
    uint64_t derived; /* how many there ever were: their names */
    eh_secret_hosts *hosts;
    pthread_mutex_t lock;        /* what is below, and the values it points to */
    eh_secret_pattern *patterns; /* by their first byte */
    size_t pattern_count;
    size_t first_of[257]; /* patterns that begin with byte b: first_of[b] .. first_of[b + 1] */
    bool begins[256];     /* some pattern may begin with this byte of a text */
};

/* secret_mask.c: fills secret->base64 into room behind the value, which the mapping has. */
void eh_secret_encode(eh_secret *secret, char *room);
/* Room that eh_secret_encode needs for a value of len bytes. */
size_t eh_secret_encoded_max(size_t len);
/* What is looked for, after the list has changed. On failure the patterns are as before. No
 * value of an earlier list is looked at once this has returned. */
bool eh_secrets_index(eh_secrets *secrets, eh_err *err) EH_MUST_USE;

#endif
