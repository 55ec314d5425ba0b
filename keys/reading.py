# SPDX-License-Identifier: EUPL-1.2
"""Reads the members of a signed JSON object: exactly the agreed ones, each of its type.

Errors name the member, which is ours, and never the value, which is theirs.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from typing import Final

from keys.errors import MalformedError
from keys.strict_json import JsonValue, unb64u

HEX32: Final = re.compile(r"[0-9a-f]{64}")
CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Closed codes: purposes, triggers, rules, reasons, outcomes, fields."""

MAX_TIME: Final = 253_402_300_799  # 9999-12-31T23:59:59Z
MAX_ITEMS: Final = 4096


class Members:
    """The members of one JSON object, read by name and type."""

    __slots__ = ("_members",)

    def __init__(
        self, unverified_value: JsonValue, names: Iterable[str], optional: Iterable[str] = ()
    ) -> None:
        """Take an object that has all of ``names``, some of ``optional`` and nothing else.

        Raises:
            MalformedError: ``object`` or ``members``.
        """
        if not isinstance(unverified_value, dict):
            raise MalformedError("object")
        present = unverified_value.keys()
        needed = frozenset(names)
        if not needed <= present or not present <= needed.union(optional):
            raise MalformedError("members")
        self._members = unverified_value

    def __contains__(self, name: str) -> bool:
        """Say whether an optional member is there."""
        return name in self._members

    def version(self, name: str = "v", expected: int = 1) -> None:
        """Refuse any version but the expected one."""
        value = self._members[name]
        if type(value) is not int or value != expected:
            raise MalformedError(name)

    def text(self, name: str, pattern: re.Pattern[str] = CODE) -> str:
        """Read a string that matches the whole pattern."""
        value = self._members[name]
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise MalformedError(name)
        return value

    def long_text(self, name: str, max_length: int) -> str:
        """Read a non-empty string of at most this many characters."""
        value = self._members[name]
        if not isinstance(value, str) or not 0 < len(value) <= max_length:
            raise MalformedError(name)
        return value

    def integer(self, name: str, low: int = 0, high: int = MAX_TIME) -> int:
        """Read an integer in a range; ``true`` is not an integer."""
        value = self._members[name]
        if type(value) is not int or not low <= value <= high:
            raise MalformedError(name)
        return value

    def boolean(self, name: str) -> bool:
        """Read ``true`` or ``false``."""
        value = self._members[name]
        if not isinstance(value, bool):
            raise MalformedError(name)
        return value

    def binary(self, name: str, size: int | None = None) -> bytes:
        """Read canonical base64url, of this many bytes when given."""
        value = self._members[name]
        if not isinstance(value, str):
            raise MalformedError(name)
        try:
            data = unb64u(value)
        except MalformedError:
            raise MalformedError(name) from None
        if size is not None and len(data) != size:
            raise MalformedError(name)
        return data

    def texts(self, name: str, pattern: re.Pattern[str] = CODE) -> tuple[str, ...]:
        """Read a list of strings that each match the whole pattern."""
        texts: list[str] = []
        for value in self.items(name):
            if not isinstance(value, str) or pattern.fullmatch(value) is None:
                raise MalformedError(name)
            texts.append(value)
        return tuple(texts)

    def sorted_texts(self, name: str, pattern: re.Pattern[str] = CODE) -> tuple[str, ...]:
        """Read a list of strings in strictly ascending order, so without repetition."""
        texts = self.texts(name, pattern)
        if any(a >= b for a, b in itertools.pairwise(texts)):
            raise MalformedError(name)
        return texts

    def items(self, name: str) -> list[JsonValue]:
        """Read a list of anything."""
        value = self._members[name]
        if not isinstance(value, list) or len(value) > MAX_ITEMS:
            raise MalformedError(name)
        return value

    def object(self, name: str) -> dict[str, JsonValue]:
        """Read an object of anything."""
        value = self._members[name]
        if not isinstance(value, dict) or len(value) > MAX_ITEMS:
            raise MalformedError(name)
        return value
