"""The JSON schema of ``config.yaml``, generated from the settings classes, and readable messages for what breaks it.

``python -m dgm.workflow.schema [FILE]`` writes the schema, by default to ``workflow/schemas/config.schema.yaml``. Generating
imports every model; checking a config against the written schema imports none, so that the workflow can reject a bad config within
a second, before any job.
"""

import difflib
import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from dgm.assignments import REPOSITORY
from dgm.runtime.yaml_files import read_yaml
from dgm.workflow.fingerprint import names

__all__ = ["FILE", "faults", "generate", "main", "nearest", "read", "text"]

FILE = REPOSITORY / "workflow" / "schemas" / "config.schema.yaml"
"""Where the repository keeps the written schema."""

HEADER = "# Generated from the settings classes in src/dgm/ by `make schema`; do not edit.\n"

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]*(?!\n)$"
"""Names of runs and rings, which become parts of paths and commands. ``$`` alone would let a line break pass at the end."""

VARIANT_PATTERN = r"^([a-z0-9][a-z0-9-]*)?(?!\n)$"

ADDRESS_PATTERN = r"^(https?://[^\s/][^\s]*/)?(?!\n)$"

Schema = dict[str, Any]


def generate(kinds: Mapping[str, type[Any]] | None = None) -> Schema:
    """The schema of a whole config.

    Args:
        kinds: the settings class of each model kind; all modules of :mod:`dgm.models` by default.
    """
    from dgm.data.sources import DATASETS
    from dgm.evaluation.likelihood_estimates import Estimates
    from dgm.settings import Limits, Ring

    if kinds is None:
        kinds = {kind: importlib.import_module(f"dgm.models.{kind}").Config for kind in names("models")}
    definitions: Schema = {"limits": _plain(Limits.model_json_schema()), "ring": _plain(Ring.model_json_schema())}
    definitions["estimates"] = _plain(Estimates.model_json_schema())
    for kind, settings in kinds.items():
        definitions[kind] = _plain(settings.model_json_schema())
    required = {kind: definitions[kind].pop("required", []) for kind in kinds}  # settings_for names only what differs
    datasets = list(DATASETS)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "required": ["assignments", "dataset", "seed", "runs"],
        "properties": {
            "assignments": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "minLength": 1},
                "description": "folders of the assignments that are built, in the order of the report, or their ids",
            },
            "dataset": {"enum": datasets, "description": "which images"},
            "data_dir": {"type": ["string", "null"], "description": "folder with the four IDX files; empty to download"},
            "variant": {
                "type": "string",
                "pattern": VARIANT_PATTERN,
                "description": "suffix of the results folder, which keeps a build apart from the real one",
            },
            "address": {
                "type": "string",
                "pattern": ADDRESS_PATTERN,
                "description": "where the report will be published; empty where that is not known",
            },
            "seed": {"type": "integer", "minimum": 0, "description": "every random number derives from it"},
            "seeds": {
                "type": "integer",
                "minimum": 1,
                "description": "how often each run of images is trained",
            },
            "limits": {"$ref": "#/$defs/limits"},
            "judges": {
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "description": "runs of kind classifier that measure the samples of all others, two at most",
            },
            "rings": {
                "type": "object",
                "description": "simulated data sets of points in the plane",
                "propertyNames": {"pattern": NAME_PATTERN},
                "additionalProperties": {"$ref": "#/$defs/ring"},
            },
            "runs": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": NAME_PATTERN},
                "additionalProperties": {"$ref": "#/$defs/run"},
            },
        },
        "$defs": {
            "run": {
                "type": "object",
                "additionalProperties": False,
                "required": ["kind"],
                "properties": {
                    "kind": {"enum": list(kinds)},
                    "data": {
                        "type": "string",
                        "description": "the ring that a model of points is fitted to",
                    },
                    "seed": {"type": "integer", "minimum": 0, "description": "of this run, in place of the common one"},
                    "settings": {"type": "object"},
                    "estimates": {
                        "$ref": "#/$defs/estimates",
                        "description": "asks for the likelihood of a model with a decoder, and says how many draws it takes",
                    },
                    "estimates_for": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {name: {"$ref": "#/$defs/estimates"} for name in datasets},
                        "description": "by data set: what is laid over estimates for it",
                    },
                    "settings_for": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {name: {"type": "object"} for name in datasets},
                    },
                },
                "allOf": [_settings_of(kind, required[kind]) for kind in kinds],
            },
            **definitions,
        },
    }


def _settings_of(kind: str, required: Sequence[str]) -> Schema:
    """If a run is of this kind, its settings are those of that kind's class: all in ``settings``, some in ``settings_for``."""
    block = {"$ref": f"#/$defs/{kind}"}
    then: Schema = {"properties": {"settings": dict(block), "settings_for": {"additionalProperties": dict(block)}}}
    if required:
        then["required"] = ["settings"]
        then["properties"]["settings"]["required"] = list(required)
    return {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": then}


def _plain(schema: Schema) -> Schema:
    """The schema of one settings class without titles and class docstrings, its nested definitions put in place."""
    definitions = schema.pop("$defs", {})

    def resolved(part: Any, named: bool = False) -> Any:
        if isinstance(part, list):
            return [resolved(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return resolved(definitions[part["$ref"].rpartition("/")[2]])
        # below "properties" the keys are names of settings, and one of them may be called "title"
        return {key: resolved(value, key == "properties") for key, value in part.items() if named or key != "title"}

    made: Schema = resolved(schema)
    made.pop("description", None)
    return made


def read(path: Path = FILE) -> Schema:
    """Read a written schema."""
    schema: Schema = read_yaml(path)
    return schema


def faults(config: Mapping[str, Any], schema: Schema) -> list[str]:
    """What is wrong with a config: one sentence a fault, each with the path of the key, what came and what is allowed."""
    import jsonschema

    unnamed = [*_unnamed(config, "")]
    if unnamed:  # which the validator would stop at
        return unnamed
    strict = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )
    made: Any = jsonschema.validators.extend(jsonschema.Draft202012Validator, type_checker=strict)  # type: ignore[no-untyped-call]
    validator = made(schema)
    errors = sorted(validator.iter_errors(dict(config)), key=lambda error: [str(part) for part in error.absolute_path])
    return list(dict.fromkeys(sentence for error in errors for sentence in _sentences(error)))


def _unnamed(block: object, path: str) -> Iterator[str]:
    """Keys that YAML reads as something else than a text."""
    entries = block.items() if isinstance(block, Mapping) else enumerate(block) if isinstance(block, list) else ()
    for key, value in entries:
        if isinstance(block, Mapping) and not isinstance(key, str):
            yield f"{path}{key}: YAML reads this key as {_read_as(key)}, not as a text; put it in quotes"
        yield from _unnamed(value, f"{path}{key}.")


def _read_as(value: object) -> str:
    """What YAML made of a word without quotes."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    return "a number" if isinstance(value, int | float) else f"a {type(value).__name__}"


def _sentences(error: Any) -> Iterator[str]:
    path = ".".join(str(part) for part in error.absolute_path)
    rule, allowed, found = error.validator, error.validator_value, error.instance
    dot = f"{path}." if path else ""
    if rule == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        for key in found:
            if key not in known:
                yield f"{dot}{key}: unknown key{nearest(key, known)}; known here: {', '.join(known) or 'none'}"
    elif rule == "required":
        for key in allowed:
            if key not in found:
                yield f"{dot}{key}: missing; it has no default"
    elif rule == "enum":
        what = {"dataset": "unknown data set", "kind": "unknown kind of run"}.get(path.rpartition(".")[2], "not allowed")
        yield f"{path}: {what} {found!r}{nearest(found, allowed)}; known: {', '.join(map(str, allowed))}"
    elif rule == "anyOf":
        yield f"{path}: got {_shown(found)}; allowed: {' or '.join(_allowed(choice) for choice in allowed)}"
    elif rule == "pattern" and "propertyNames" in error.absolute_schema_path:
        yield f"{dot}{found}: got this as a name; allowed: {NAME}"
    elif rule == "pattern":
        yield f"{path}: got {found!r}; allowed: {ADDRESS if path == 'address' else NAME}"
    else:
        as_text = rule == "type" and allowed == "string" and found is not None and not isinstance(found, dict | list)
        quoted = f" (YAML reads it as {_read_as(found)}: put it in quotes)" if as_text else ""
        yield f"{path or 'config'}: got {_shown(found)}{quoted}; allowed: {_allowed(error.schema)}"


NAME = "lower-case letters, digits and - (in the name of a run or ring also _), the first a letter or a digit"

ADDRESS = "an address that begins with http:// or https:// and ends with /, or nothing"

WORDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "multipleOf": "a multiple of {}",
    "minItems": "{} or more entries",
    "maxItems": "{} or fewer entries",
    "minProperties": "{} or more entries",
    "minLength": "{} or more characters",
}

TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "a block of keys",
}


def _allowed(schema: Schema) -> str:
    """The constraints of a value, in words."""
    if "const" in schema:
        return repr(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(_allowed(choice) for choice in schema["anyOf"])
    kinds = schema.get("type", "a value")
    parts = [" or ".join(TYPES.get(kind, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds))]
    if "items" in schema:
        parts.append(f"each entry {_allowed(schema['items'])}")
    parts.extend(text.format(schema[key]) for key, text in WORDS.items() if key in schema)
    return ", ".join(parts)


def _shown(value: object) -> str:
    """A value and, where its look deceives, why it is a text and no number."""
    if isinstance(value, str):
        if isinstance(yaml.safe_load(value) if value.strip() else None, int | float):
            return f"the text {value!r} (write it without quotes; inner values given with --config are texts: use --configfile)"
        try:
            float(value)
        except ValueError:
            return repr(value)
        return f"the text {value!r} (YAML takes a number with a dot before the exponent: 1.0e-3)"
    if isinstance(value, dict):
        return "a block of keys" if value else "an empty block"
    return repr(value) if value is not None else "nothing"


def nearest(word: object, known: Sequence[object]) -> str:
    """`` (did you mean …?)`` with the closest known words, or nothing."""
    near = difflib.get_close_matches(str(word), [str(name) for name in known], n=2, cutoff=0.6)
    return f" (did you mean {' or '.join(near)}?)" if near else ""


def text(schema: Schema) -> str:
    """The schema as the file holds it."""
    return HEADER + yaml.safe_dump(schema, sort_keys=False, width=120)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the schema to the file given as the only argument, or to its place in the repository."""
    from dgm.runtime.files import write_text

    arguments = list(sys.argv[1:] if argv is None else argv)
    if len(arguments) > 1:
        print("usage: python -m dgm.workflow.schema [FILE]", file=sys.stderr)
        return 2
    write_text(Path(arguments[0]) if arguments else FILE, text(generate()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
