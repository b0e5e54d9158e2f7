"""Reads one OCSF object a line and writes one JSON array of faults a line, by the compiled schema that OCSF publishes for the version named."""
import json
import sys

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

schemas = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=sys.argv[1]))
validators = {}

for line in sys.stdin:
    alert = json.loads(line)
    key = (alert["class_uid"], tuple(alert["metadata"]["profiles"]))
    if key not in validators:
        schema = schemas.get_class_schema(schemas.lookup_class_name_from_uid(key[0]), list(key[1]))
        Draft202012Validator.check_schema(schema)
        validators[key] = Draft202012Validator(schema)
    faults = [f"{error.json_path}: {error.message}"[:300] for error in validators[key].iter_errors(alert)]
    print(json.dumps(faults), flush=True)
