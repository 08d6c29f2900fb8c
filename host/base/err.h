/* base/err.h: errors are values with a class, a message for a person, and where it happened.
 *
 * The struct is fixed-size and lives in the caller's frame, so failing needs no memory. The
 * lowest function that knows what went wrong sets it, once; callers add to the trail on the way
 * up; it is logged once, where it stops. The class alone decides what happens next (retry,
 * stop, dead row): see eh_class. Floor 0. */
#ifndef EH_BASE_ERR_H
#define EH_BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

typedef enum eh_class {
    EH_OK = 0,
    EH_CLASS_TRANSIENT,   /* trying again may help: connection lost, deadlock, 503 */
    EH_CLASS_THROTTLED,   /* the other side asked us to wait retry_after_ms */
    EH_CLASS_AUTH,        /* wrong or expired credentials */
    EH_CLASS_DENIED,      /* known, but not allowed */
    EH_CLASS_NOT_FOUND,   /* the thing named does not exist */
    EH_CLASS_CONFIG,      /* a file or option the operator wrote is wrong */
    EH_CLASS_SCRIPT,      /* a Lua script raised, or broke a rule of the jail */
    EH_CLASS_LIMIT,       /* a cap of ours: memory, time, columns, dead rows */
    EH_CLASS_REMOTE,      /* the other side answered nonsense */
    EH_CLASS_DATA,        /* the input does not fit and may not be dropped */
    EH_CLASS_DESTINATION, /* the database refused for good */
    EH_CLASS_CANCELLED,   /* stopped on purpose: signal, superseded */
    EH_CLASS_BUG,         /* our own invariant broke */
    EH_CLASS_COUNT
} eh_class;

typedef struct eh_err {
    eh_class class_;
    int code;               /* errno, or the library's own code; 0 if none */
    char sqlstate[6];       /* five characters and NUL when a server sent one, else "" */
    int64_t retry_after_ms; /* how long the other side asked us to wait; 0 if it did not */
    char message[1024];     /* what failed and why, one line, no secrets */
    char hint[512];         /* what to do next; "" if we do not know */
    char place[512];        /* file:line:column, page and index, sheet cell; "" if none */
    char trail[1024];       /* "while loading orders: while ..."; outermost first */
} eh_err;

#define EH_MUST_USE     __attribute__((warn_unused_result))
#define EH_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Fills err unless it already holds an error (the first error is kept). Control bytes in the
 * text are replaced by '?'. Always returns false, so that `return eh_fail(err, ...)` reads
 * well. err may be NULL: then nothing is recorded. */
bool eh_fail(eh_err *err, eh_class class_, const char *format, ...) EH_PRINTF(3, 4);

/* Like eh_fail, for a failed system call: appends strerror(error_number) and stores it as the
 * code; ENOENT becomes not_found, EACCES and EPERM denied, no memory
 * and no descriptors limit, otherwise class_. */
bool eh_fail_errno(eh_err *err, eh_class class_, int error_number, const char *format, ...)
    EH_PRINTF(4, 5);

/* For an allocation that failed: class limit. Always returns false. */
bool eh_fail_memory(eh_err *err, const char *what);

/* Adds a hint or a place to an error that has none yet. Both return false. */
bool eh_err_hint(eh_err *err, const char *format, ...) EH_PRINTF(2, 3);
bool eh_err_place(eh_err *err, const char *format, ...) EH_PRINTF(2, 3);

/* Puts "while <text>" in front of the trail. Returns false, for `return eh_err_while(...)`. */
bool eh_err_while(eh_err *err, const char *format, ...) EH_PRINTF(2, 3);

void eh_err_clear(eh_err *err);

/* "auth", "data" and so on; "ok" for EH_OK. eh_class_from_name gives EH_CLASS_BUG for a name it
 * does not know. */
const char *eh_class_name(eh_class class_);
eh_class eh_class_from_name(const char *name);

#endif
