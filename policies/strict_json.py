# SPDX-License-Identifier: EUPL-1.2
"""JSON text that two programs cannot read in two ways, for files that a person hands in.

Python's reader lets the last of two equal names win and accepts NaN, UTF-16 and half a surrogate
pair; each of these lets a reviewer and the rules see different cases, so each is refused.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Final, NoReturn

from policies.errors import TextInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policies.strict import JsonValue

MAX_DEPTH: Final = 12
MAX_INTEGER: Final = 2**53 - 1
"""Largest integer that every JSON reader keeps exact (RFC 7493 section 2.2)."""

_MAX_DIGITS: Final = 17  # sign and sixteen digits; what is longer is refused unread
_BOMS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(data: bytes, *, max_bytes: int) -> JsonValue:
    """Read one JSON document.

    Raises:
        TextInvalid: ``too_large``, ``not_utf8``, ``not_json``, ``duplicate_key``, ``not_finite``,
            ``big_integer``, ``lone_surrogate`` or ``too_deep``; where it can be told, with the line.
    """
    if len(data) > max_bytes:
        raise TextInvalid("too_large")
    # A NUL among the first bytes is UTF-16 or UTF-32 without a mark (RFC 4627 section 3).
    if data.startswith(_BOMS) or b"\x00" in data[:4]:
        raise TextInvalid("not_utf8")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TextInvalid("not_utf8", line=data.count(b"\n", 0, error.start) + 1) from None
    try:
        value: JsonValue = _DECODER.decode(text)
    except RecursionError:
        raise TextInvalid("too_deep") from None
    except json.JSONDecodeError as error:
        raise TextInvalid("not_json", line=error.lineno) from None
    if text.count("{") + text.count("[") > MAX_DEPTH:
        _check_depth(value)
    if _SURROGATE_ESCAPE.search(text):
        _check_surrogates(value)
    return value


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise TextInvalid("duplicate_key", name=name)
            seen.add(name)
    return members


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS or abs(int(digits)) > MAX_INTEGER:
        raise TextInvalid("big_integer")
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):  # 1e999 reads as infinity without any error
        raise TextInvalid("not_finite")
    return number


def _constant(_name: str) -> NoReturn:
    raise TextInvalid("not_finite")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_constant
)


def _check_depth(value: JsonValue) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise TextInvalid("too_deep")


def _children(value: JsonValue) -> list[JsonValue]:
    members: Iterable[JsonValue] = ()
    if isinstance(value, dict):
        members = value.values()
    elif isinstance(value, list):
        members = value
    return [member for member in members if isinstance(member, dict | list)]


def _check_surrogates(value: JsonValue) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise TextInvalid("lone_surrogate") from None
