/* engine/load_names.h: what `load` and `preview` are told to read: files, http(s):// URLs, and
 * s3:// ones, of which one may stand for many objects. This room only. */
#ifndef EH_ENGINE_LOAD_NAMES_H
#define EH_ENGINE_LOAD_NAMES_H

#include "engine/stream.h"

/* The names with each s3:// pattern ("s3://bucket/orders/2026-*.csv", "s3://bucket/orders/") in
 * the place of the objects that it fits, in byte order. *out lives as long as the run. options:
 * spec.load or spec.preview, whose `s3` has settings as in eh_s3_open. Class not_found when
 * nothing fits. */
bool eh_load_names(eh_run *run, const eh_doc *options, const eh_doc *names, const eh_doc **out,
                   eh_err *err) EH_MUST_USE;

/* Loads names[at], and has the ones behind it fetched ahead. */
bool eh_load_named(eh_stream *stream, const eh_doc *options, const char *const *names,
                   size_t count, size_t at, eh_file_outcome *outcome, eh_err *err) EH_MUST_USE;

#endif
