/* data/projects.h: which project of the client a row belongs to, by the rules of projects.yaml.
 *
 * A rule looks at one column, by a pattern or by looking its value up, or at none; the first
 * that gives a project counts, and a row that none is for has none. Rules are compiled once for
 * a stream and bound to its columns; a row costs no memory. Floor 1. */
#ifndef EH_DATA_PROJECTS_H
#define EH_DATA_PROJECTS_H

#include "base/doc.h"
#include "data/value.h"

typedef struct eh_projects eh_projects;

/* rules: a list of maps with `source` (of an instance or of what it uses), `resource`, `field`,
 * `pattern`, `project`, `lookup` (value -> project); each may be absent. Borrowed. *out is NULL
 * when no rule is for this stream. False with class config or without memory. */
bool eh_projects_new(const eh_doc *rules, const char *instance, const char *source,
                     const char *resource, eh_projects **out, eh_err *err) EH_MUST_USE;
/* Those of the rules that are for this stream, as a JSON list: "[]" when there are none. */
bool eh_projects_json(const eh_doc *rules, const char *instance, const char *source,
                      const char *resource, eh_buf *out, eh_err *err) EH_MUST_USE;
void eh_projects_free(eh_projects *projects); /* NULL is fine */

/* The cells of a row are called so from now on: as written, or as in the table (NULL: the
 * column is not loaded, and is not looked at). */
void eh_projects_bind(eh_projects *projects, size_t count, eh_slice (*written)(void *, size_t),
                      const char *(*name)(void *, size_t), void *self);

/* The project of a row; null when it has none. Valid as long as the rules. */
const eh_cell *eh_projects_of(const eh_projects *projects, const eh_cell *cells);

/* Does the text fit the pattern, all of it? `*` is any text, `?` any one character. */
bool eh_projects_fits(eh_slice text, eh_slice pattern);

#endif
