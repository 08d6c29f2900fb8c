/* load/dest_sql.h: the SQL of the destinations: files in load/sql/<kind>/, names spliced in.
 *
 * The files use psql's own notation, so that they run there too: :"name" is an identifier,
 * :'name' a string constant, :name goes in as it is. Where there is no variable of that name,
 * :name is a file which several statements have in common. Everything else that varies is a
 * parameter of the statement. Floor 3. */
#ifndef EH_LOAD_DEST_SQL_H
#define EH_LOAD_DEST_SQL_H

#include "base/buf.h"

typedef struct eh_sql_var {
    const char *name;
    const char *value;
} eh_sql_var;

/* The text of a file without variables; constant, valid for ever. NULL with class bug when
 * there is no such file. */
const char *eh_sql_text(const char *kind, const char *name, eh_err *err);

/* Appends the file with its variables replaced, and a NUL that is not counted. */
bool eh_sql_expand(const char *kind, const char *name, const eh_sql_var *vars, size_t count,
                   eh_buf *out, eh_err *err) EH_MUST_USE;

/* The one quoting function for identifiers: "a""b". Class config for an empty name. */
bool eh_sql_identifier(eh_buf *out, const char *name, eh_err *err) EH_MUST_USE;

#endif
