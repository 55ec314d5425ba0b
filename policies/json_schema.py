# SPDX-License-Identifier: EUPL-1.2
"""The reviewed files against their JSON Schemas, with the few keywords that the schemas use.

An unknown keyword is an error, so that no constraint is silently ignored.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from policies.errors import CatalogueInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator

Schema = dict[str, Any]

_TYPES: Final[dict[str, type]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}
_SAID: Final = frozenset({"$schema", "$id", "$defs", "title", "description"})
"""Keywords that say something and constrain nothing."""

_CHECKED: Final = frozenset(
    {
        "$ref",
        "additionalProperties",
        "anyOf",
        "const",
        "enum",
        "items",
        "maxItems",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "multipleOf",
        "pattern",
        "properties",
        "required",
        "type",
        "uniqueItems",
    }
)


@cache
def load_schema(name: str) -> Schema:
    """Return the schema ``name`` that ships with the package."""
    file = resources.files("policies") / "schemas" / f"{name}.schema.json"
    schema: Schema = json.loads(file.read_bytes())
    return schema


def data_problems() -> Iterator[str]:
    """Yield one line for everything in the data files and golden cases that breaks its schema."""
    package = resources.files("policies")
    for folder in ("data", "golden"):
        files = [file for file in (package / folder).iterdir() if file.name.endswith(".json")]
        for file in sorted(files, key=lambda file: file.name):
            schema = "golden" if folder == "golden" else file.name.removesuffix(".json")
            content = json.loads(file.read_bytes())
            for problem in problems(load_schema(schema), content):
                yield f"{folder}/{file.name}: {problem}"


def problems(
    schema: Schema, value: Any, path: str = "$", root: Schema | None = None
) -> Iterator[str]:
    """Yield one line for each way in which the value breaks the schema.

    Raises:
        CatalogueInvalid: the schema has a keyword or a reference that is not known here.
    """
    root = root or schema
    unknown = {word for word in schema.keys() - _CHECKED - _SAID if not word.startswith("x-")}
    if unknown:
        raise CatalogueInvalid(f"schemas: unknown keywords {sorted(unknown)}")
    if "$ref" in schema:
        target, new_root = _referred(schema["$ref"], root)
        yield from problems(target, value, path, new_root)
    if "anyOf" in schema:
        yield from _any_of(schema["anyOf"], value, path, root)
    if "type" in schema and not _is(schema["type"], value):
        yield f"{path}: type"
        return
    yield from _closed_list(schema, value, path)
    match value:
        case str():
            yield from _string(schema, value, path)
        case None | bool():
            pass
        case int():
            yield from _integer(schema, value, path)
        case list():
            yield from _array(schema, value, path, root)
        case dict():
            yield from _object(schema, value, path, root)
        case _:
            yield f"{path}: no such type in JSON Schema"


def _referred(reference: str, root: Schema) -> tuple[Schema, Schema]:
    """Return what is referred to, a definition in this schema or another file, and its root."""
    name = reference.removeprefix("#/$defs/")
    if name != reference and name in root.get("$defs", {}):
        return root["$defs"][name], root
    other = reference.removesuffix(".schema.json")
    if other == reference:
        raise CatalogueInvalid(f"schemas: no such reference {reference}")
    schema = load_schema(other)
    return schema, schema


def _any_of(schemas: list[Schema], value: Any, path: str, root: Schema) -> Iterator[str]:
    """Say what is wrong with the nearest of the alternatives."""
    found = [list(problems(schema, value, path, root)) for schema in schemas]
    yield from min(found, key=len)


def _is(wanted: str | list[str], value: Any) -> bool:
    names = [wanted] if isinstance(wanted, str) else wanted
    return any(type(value) is _TYPES[name] for name in names)


def _same(value: Any, known: Any) -> bool:
    """Compare as JSON does: true is not 1."""
    return type(value) is type(known) and value == known


def _closed_list(schema: Schema, value: Any, path: str) -> Iterator[str]:
    if "const" in schema and not _same(value, schema["const"]):
        yield f"{path}: const"
    if "enum" in schema and not any(_same(value, known) for known in schema["enum"]):
        yield f"{path}: enum"


def _string(schema: Schema, value: str, path: str) -> Iterator[str]:
    if len(value) < schema.get("minLength", 0):
        yield f"{path}: minLength"
    if "pattern" in schema and re.search(schema["pattern"], value) is None:
        yield f"{path}: pattern"


def _integer(schema: Schema, value: int, path: str) -> Iterator[str]:
    if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{path}: minimum or maximum"
    if value % schema.get("multipleOf", 1):
        yield f"{path}: multipleOf"


def _array(schema: Schema, value: list[Any], path: str, root: Schema) -> Iterator[str]:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield f"{path}: minItems or maxItems"
    if schema.get("uniqueItems") and any(v in value[:n] for n, v in enumerate(value)):
        yield f"{path}: uniqueItems"
    for n, member in enumerate(value):
        yield from problems(schema.get("items", {}), member, f"{path}[{n}]", root)


def _object(schema: Schema, value: dict[str, Any], path: str, root: Schema) -> Iterator[str]:
    for name in schema.get("required", []):
        if name not in value:
            yield f"{path}: {name} is required"
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name, member in value.items():
        if name in properties:
            yield from problems(properties[name], member, f"{path}.{name}", root)
        elif others is False:
            yield f"{path}: {name} is unknown"
        elif isinstance(others, dict):
            yield from problems(others, member, f"{path}.{name}", root)
