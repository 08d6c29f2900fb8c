/* io/command.h: a program that is run for what it prints: the one that keeps a secret.
 *
 * No shell, our environment (password managers find their agent by it), the null device as
 * input, our terminal and process group: one that asks for a password at the terminal can, and
 * Ctrl-C ends both. What it prints never gets into an error; what it complains of does.
 * Blocks. Floor 2. */
#ifndef EH_IO_COMMAND_H
#define EH_IO_COMMAND_H

#include "base/buf.h"

typedef struct eh_command {
    char *const *argv; /* NULL-terminated; the program is looked up in PATH */
    int64_t timeout_ms;
} eh_command;

/* Runs it to its end; its output is appended to out, up to out's maximum. Class config when it
 * cannot be started, fails or prints too much, transient when it takes too long; the message
 * names the program. The caller wipes out, also after a failure. */
bool eh_command_run(const eh_command *command, eh_buf *out, eh_err *err) EH_MUST_USE;

#endif
