/* base/err.c: see err.h. Text is cut at the buffer's end rather than ever failing. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const class_names[EH_CLASS_COUNT] = {
    "ok",     "transient", "throttled", "auth", "denied",      "not_found", "config",
    "script", "limit",     "remote",    "data", "destination", "cancelled", "bug",
};

const char *eh_class_name(eh_class class_)
{
    return (unsigned)class_ < EH_CLASS_COUNT ? class_names[class_] : "bug";
}

eh_class eh_class_from_name(const char *name)
{
    for (int i = 0; i < EH_CLASS_COUNT; i++)
        if (strcmp(class_names[i], name) == 0) return (eh_class)i;
    return EH_CLASS_BUG;
}

/* A message may quote a script or a server; control bytes would forge log lines. */
static void strip_control(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++)
        if ((*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7f) *p = '?';
}

EH_PRINTF(3, 0) static void print_into(char *out, size_t size, const char *format, va_list args)
{
    if (vsnprintf(out, size, format, args) < 0) out[0] = '\0';
    strip_control(out);
}

bool eh_fail(eh_err *err, eh_class class_, const char *format, ...)
{
    if (err == NULL || err->class_ != EH_OK) return false;
    va_list args;
    va_start(args, format);
    err->class_ = class_;
    print_into(err->message, sizeof err->message, format, args);
    va_end(args);
    return false;
}

bool eh_fail_errno(eh_err *err, eh_class class_, int error_number, const char *format, ...)
{
    if (err == NULL || err->class_ != EH_OK) return false;
    va_list args;
    va_start(args, format);
    print_into(err->message, sizeof err->message, format, args);
    va_end(args);
    if (error_number == ENOENT || error_number == ENOTDIR) class_ = EH_CLASS_NOT_FOUND;
    if (error_number == EACCES || error_number == EPERM) class_ = EH_CLASS_DENIED;
    if (error_number == ENOMEM || error_number == EMFILE || error_number == ENFILE)
        class_ = EH_CLASS_LIMIT;
    err->class_ = class_;
    err->code = error_number;
    size_t used = strlen(err->message);
    char text[128];
    /* GNU strerror_r may return a static string instead of filling the buffer. */
    const char *reason = strerror_r(error_number, text, sizeof text);
    (void)snprintf(err->message + used, sizeof err->message - used, ": %s", reason);
    return false;
}

bool eh_fail_memory(eh_err *err, const char *what)
{
    return eh_fail(err, EH_CLASS_LIMIT, "out of memory for %s", what);
}

bool eh_err_hint(eh_err *err, const char *format, ...)
{
    if (err == NULL || err->hint[0] != '\0') return false;
    va_list args;
    va_start(args, format);
    print_into(err->hint, sizeof err->hint, format, args);
    va_end(args);
    return false;
}

bool eh_err_place(eh_err *err, const char *format, ...)
{
    if (err == NULL || err->place[0] != '\0') return false;
    va_list args;
    va_start(args, format);
    print_into(err->place, sizeof err->place, format, args);
    va_end(args);
    return false;
}

bool eh_err_while(eh_err *err, const char *format, ...)
{
    if (err == NULL) return false;
    char step[sizeof err->trail];
    va_list args;
    va_start(args, format);
    print_into(step, sizeof step, format, args);
    va_end(args);
    char joined[sizeof err->trail + sizeof step + 16];
    (void)snprintf(joined, sizeof joined, "while %s%s%s", step, err->trail[0] ? ": " : "",
                   err->trail);
    joined[sizeof err->trail - 1] = '\0';
    memcpy(err->trail, joined, strlen(joined) + 1);
    return false;
}

void eh_err_clear(eh_err *err)
{
    if (err != NULL) *err = (eh_err){.class_ = EH_OK};
}
