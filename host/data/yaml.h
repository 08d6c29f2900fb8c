/* data/yaml.h: a YAML file to a document whose nodes know their place.
 *
 * A strict subset, fit for configuration that people write (libyaml does the parsing): one
 * document; no anchors, aliases or tags; no duplicate keys; every scalar stays a STRING, plain
 * or quoted, except the plain `null`, `~` and empty, which are NULL - so `country: NO`, `0755`
 * and `1.10` stay as written, and whoever reads a setting asks for the type it should have.
 * Caps: 1 MiB, 10,000 nodes, depth 64. Floor 1. */
#ifndef EH_DATA_YAML_H
#define EH_DATA_YAML_H

#include "base/doc.h"

/* Parses text into the arena. On failure NULL: class config, place "name:line:column". `name`
 * is used in places only. An empty file is an empty map. */
eh_doc *eh_yaml_parse(eh_arena *arena, eh_slice text, const char *name, eh_err *err);

#endif
