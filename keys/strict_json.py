# SPDX-License-Identifier: EUPL-1.2
"""JSON and base64url that two programs cannot read in two ways.

Python's reader lets the last of two equal names win, accepts NaN, UTF-16 and half a
surrogate pair. Each of these lets a checker and a user see different documents, so each is
refused here, with a closed code.

Codes: ``too_large``, ``not_utf8`` (also UTF-16, UTF-32 and a byte order mark), ``not_json``,
``duplicate_key``, ``not_finite``, ``big_integer``, ``lone_surrogate``, ``too_deep``.
"""

from __future__ import annotations

import binascii
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn, TypeAlias

from keys.errors import MalformedError, StrictJsonError

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
"""What :func:`loads` returns."""

JsonLike: TypeAlias = (
    "bool | int | float | str | Sequence[JsonLike] | Mapping[str, JsonLike] | None"
)
"""What :func:`dumps` takes."""

MAX_INTEGER: Final = 2**53 - 1
"""Largest integer that every JSON reader keeps exact (RFC 7493, 2.2)."""

DEFAULT_MAX_DEPTH: Final = 12

_MAX_INTEGER_DIGITS: Final = 17  # sign and sixteen digits; longer is refused unread
_BOMS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_ESCAPE: Final = b"\\u"
_SURROGATE_ESCAPE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_B64U: Final = re.compile(r"[A-Za-z0-9_-]*")
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")
_B64U_ENDS: Final = (
    ("", None),
    None,
    ("==", frozenset("AQgw")),
    ("=", frozenset("AEIMQUYcgkosw048")),
)
"""By length mod 4: padding left out, and the last characters whose unused bits are zero."""


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise StrictJsonError("duplicate_key")
    return members


def _integer(digits: str) -> int:
    if len(digits) > _MAX_INTEGER_DIGITS:
        raise StrictJsonError("big_integer")
    number = int(digits)
    if not -MAX_INTEGER <= number <= MAX_INTEGER:
        raise StrictJsonError("big_integer")
    return number


def _number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):  # 1e999 reads as infinity without any error
        raise StrictJsonError("not_finite")
    return number


def _constant(_name: str) -> NoReturn:
    raise StrictJsonError("not_finite")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_number,
    parse_constant=_constant,
)

_ENCODER: Final = json.JSONEncoder(
    sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False
)


def loads(data: bytes, *, max_bytes: int, max_depth: int = DEFAULT_MAX_DEPTH) -> JsonValue:
    """Read one JSON document.

    Raises:
        StrictJsonError: with one of the codes named in the module's docstring.
    """
    if len(data) > max_bytes:
        raise StrictJsonError("too_large")
    # A NUL among the first bytes is UTF-16 or UTF-32 without a mark (RFC 4627, 3).
    if data.startswith(_BOMS) or b"\x00" in data[:4]:
        raise StrictJsonError("not_utf8")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise StrictJsonError("not_utf8") from None
    try:
        value: JsonValue = _DECODER.decode(text)
    except RecursionError:
        raise StrictJsonError("too_deep") from None
    except json.JSONDecodeError:
        raise StrictJsonError("not_json") from None
    if data.count(b"{") + data.count(b"[") > max_depth:
        _check_depth(value, max_depth)
    if _ESCAPE in data and _SURROGATE_ESCAPE.search(data) is not None:
        _check_surrogates(value)
    return value


def _check_depth(value: JsonValue, max_depth: int) -> None:
    level: list[JsonValue] = [value]
    for _ in range(max_depth):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise StrictJsonError("too_deep")


def _check_surrogates(value: JsonValue) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise StrictJsonError("lone_surrogate") from None


def dumps(value: JsonLike) -> bytes:
    """Write JSON in one form: names sorted, ASCII only, no spaces, finite numbers.

    Raises:
        StrictJsonError: the value holds something that :func:`loads` would refuse or that
            JSON does not know.
    """
    try:
        data = _ENCODER.encode(value).encode("ascii")
    except RecursionError:
        raise StrictJsonError("too_deep") from None
    except ValueError:
        raise StrictJsonError("not_finite") from None
    except TypeError:
        raise StrictJsonError("not_json") from None
    if _ESCAPE in data and _SURROGATE_ESCAPE.search(data) is not None:
        _check_surrogates(json.loads(data))
    return data


def b64u(data: bytes) -> str:
    """Write bytes as base64url without padding (RFC 7515, 2)."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_TO_URL).decode("ascii")


def unb64u(text: str) -> bytes:
    """Read base64url without padding; only the one canonical spelling is accepted.

    Raises:
        MalformedError: ``base64url``.
    """
    # A length of 1 mod 4 and bits left over in the last character are both non-canonical
    # (RFC 4648, 3.5); a lenient reader would take them for other spellings of the same bytes.
    end = _B64U_ENDS[len(text) % 4]
    if end is None or _B64U.fullmatch(text) is None:
        raise MalformedError("base64url")
    padding, last = end
    if last is not None and text[-1] not in last:
        raise MalformedError("base64url")
    return binascii.a2b_base64((text + padding).encode("ascii").translate(_FROM_URL))
