# SPDX-License-Identifier: EUPL-1.2
"""A strict reader of the few JSON Schema keywords that `policies/schemas` uses.

An unknown keyword is an error, so that no constraint is silently ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
}
_KNOWN = {
    "$schema",
    "title",
    "type",
    "const",
    "enum",
    "pattern",
    "minLength",
    "minimum",
    "multipleOf",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "uniqueItems",
}


def problems(schema: dict[str, Any], value: Any, path: str = "$") -> Iterator[str]:
    """Yield one line per violation; nothing when the value is valid."""
    unknown = schema.keys() - _KNOWN
    if unknown:
        raise NotImplementedError(sorted(unknown))
    if "type" in schema and not _is(schema["type"], value):
        yield f"{path}: type"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{path}: const"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: enum"
    match value:
        case str():
            yield from _string(schema, value, path)
        case None | bool():
            pass
        case int():
            yield from _integer(schema, value, path)
        case list():
            yield from _array(schema, value, path)
        case dict():
            yield from _object(schema, value, path)
        case _:
            yield f"{path}: no such type in JSON Schema"


def _is(wanted: str | list[str], value: Any) -> bool:
    names = [wanted] if isinstance(wanted, str) else wanted
    return any(type(value) in _TYPES[name] for name in names)


def _string(schema: dict[str, Any], value: str, path: str) -> Iterator[str]:
    if len(value) < schema.get("minLength", 0):
        yield f"{path}: minLength"
    if "pattern" in schema and re.search(schema["pattern"], value) is None:
        yield f"{path}: pattern"


def _integer(schema: dict[str, Any], value: int, path: str) -> Iterator[str]:
    if value < schema.get("minimum", value):
        yield f"{path}: minimum"
    if value % schema.get("multipleOf", 1):
        yield f"{path}: multipleOf"


def _array(schema: dict[str, Any], value: list[Any], path: str) -> Iterator[str]:
    if len(value) < schema.get("minItems", 0):
        yield f"{path}: minItems"
    if schema.get("uniqueItems") and any(v in value[:n] for n, v in enumerate(value)):
        yield f"{path}: uniqueItems"
    for n, member in enumerate(value):
        yield from problems(schema.get("items", {}), member, f"{path}[{n}]")


def _object(schema: dict[str, Any], value: dict[str, Any], path: str) -> Iterator[str]:
    for name in schema.get("required", []):
        if name not in value:
            yield f"{path}: {name} is required"
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name, member in value.items():
        if name in properties:
            yield from problems(properties[name], member, f"{path}.{name}")
        elif others is False:
            yield f"{path}: {name} is unknown"
        elif isinstance(others, dict):
            yield from problems(others, member, f"{path}.{name}")
