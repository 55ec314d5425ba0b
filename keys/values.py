# SPDX-License-Identifier: EUPL-1.2
"""A field's value as the bytes that are sealed: one byte for its type, then UTF-8 JSON.

``n`` null, ``b`` boolean, ``d`` number, ``s`` text, ``a`` list, ``o`` object.
"""

from __future__ import annotations

import json
from typing import Final

from keys.errors import KeysError, OpenFailed, SealRefused
from keys.strict_json import JsonValue, loads

MAX_VALUE_BYTES: Final = 65_536
MAX_VALUE_DEPTH: Final = 6


def _type_tag(value: JsonValue) -> bytes:
    match value:
        case None:
            return b"n"
        case bool():
            return b"b"
        case int() | float():
            return b"d"
        case str():
            return b"s"
        case list():
            return b"a"
        case dict():
            return b"o"


def write_value(value: JsonValue) -> bytes:
    """Write a value, and make sure that the recipient will be able to read it.

    Raises:
        SealRefused: ``value``.
    """
    try:
        tag = _type_tag(value)
        text = json.dumps(
            value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
        data = text.encode("utf-8")
        if loads(data, max_bytes=MAX_VALUE_BYTES, max_depth=MAX_VALUE_DEPTH) != value:
            raise SealRefused("value")  # for example a number as the name of a member
    except (TypeError, ValueError, RecursionError, KeysError):
        raise SealRefused("value") from None
    return tag + data


def read_value(data: bytes) -> JsonValue:
    """Read a value whose type is the one that its tag says.

    Raises:
        StrictJsonError: not a value.
        OpenFailed: ``type_tag``.
    """
    value = loads(data[1:], max_bytes=MAX_VALUE_BYTES, max_depth=MAX_VALUE_DEPTH)
    if _type_tag(value) != data[:1]:
        raise OpenFailed("type_tag")
    return value
