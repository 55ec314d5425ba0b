# SPDX-License-Identifier: EUPL-1.2
"""The gate before every engine: only plain codes, booleans and small integers pass.

Engines parse JSON with their own parsers.
Bytes that are not canonical are refused, so that Python and the engine read the same input;
strings outside the allow-list are refused, so that quotes, escapes and NUL bytes never reach an
engine; floats and integers beyond 2^53 are refused, because engines disagree about them.
"""

from __future__ import annotations

import json
import re
from typing import Final, NoReturn

from policies.errors import InputInvalid
from policies.model import canonical
from policies.strict import JsonValue

MAX_BYTES: Final = 32_768
MAX_DEPTH: Final = 12
MAX_FIELDS: Final = 128
"""More than the catalogue has; one request over the wire may name fewer."""
MAX_INT: Final = 2**53
"""Largest integer that every JSON reader keeps exactly (RFC 8259 section 6)."""

_STRING: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def check(canonical_json: bytes) -> None:
    """Refuse everything an engine must not see.

    Raises:
        InputInvalid: ``too_large``, ``not_json``, ``not_canonical``, ``too_deep``, ``float``,
            ``big_integer``, ``string`` or ``fields``.
    """
    if len(canonical_json) > MAX_BYTES:
        raise InputInvalid("too_large")
    try:
        value: JsonValue = json.loads(
            canonical_json, parse_float=_no_float, parse_constant=_no_float
        )
        again = canonical(value)
    except InputInvalid:
        raise
    except (ValueError, RecursionError):
        raise InputInvalid("not_json") from None
    if again != canonical_json:
        raise InputInvalid("not_canonical")
    if not isinstance(value, dict):
        raise InputInvalid("not_json")
    _walk(value, MAX_DEPTH)
    fields = value.get("fields")
    if not isinstance(fields, list) or not 1 <= len(fields) <= MAX_FIELDS:
        raise InputInvalid("fields")


def _walk(value: JsonValue, depth: int) -> None:
    if depth == 0:
        raise InputInvalid("too_deep")
    match value:
        case list():
            for member in value:
                _walk(member, depth - 1)
        case dict():
            for name, member in value.items():
                _leaf(name)
                _walk(member, depth - 1)
        case _:
            _leaf(value)


def _leaf(value: float | str | None) -> None:
    match value:
        case None | bool():
            return
        case str():
            if _STRING.fullmatch(value) is None:
                raise InputInvalid("string")
        case int():
            if not -MAX_INT <= value <= MAX_INT:
                raise InputInvalid("big_integer")
        case _:
            raise InputInvalid("float")


def _no_float(_text: str) -> NoReturn:
    raise InputInvalid("float")
