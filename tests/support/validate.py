"""Holds YAML files against JSON Schemas: validate.py SCHEMA FILE... [SCHEMA FILE...]...

A name that ends in .json begins a new schema. Prints a line for each file: its name and what is
wrong with it first, or nothing. YAML is read as editors read it: a day is text, no date.
"""
import json
import sys

import jsonschema
import yaml


class Loader(yaml.SafeLoader):
    """YAML 1.2 as far as it matters here."""


for first, resolvers in list(Loader.yaml_implicit_resolvers.items()):
    Loader.yaml_implicit_resolvers[first] = [
        (tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"
    ]

validator = None
for name in sys.argv[1:]:
    with open(name, encoding="utf-8") as file:
        if name.endswith(".json"):
            schema = json.load(file)
            jsonschema.Draft7Validator.check_schema(schema)
            validator = jsonschema.Draft7Validator(schema)
            continue
        wrong = jsonschema.exceptions.best_match(validator.iter_errors(yaml.load(file, Loader)))
    print(name, "" if wrong is None else wrong.message.replace("\n", " ")[:200], sep="\t")
