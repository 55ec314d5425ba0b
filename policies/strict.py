# SPDX-License-Identifier: EUPL-1.2
"""Reading JSON that somebody else wrote: exactly the expected keys, exactly the expected types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from policies.errors import InputInvalid

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"


class Reader:
    """Takes an object apart key by key and at the end insists that nothing is left over.

    Every method raises ``InputInvalid`` with a code and never repeats what was read.
    """

    __slots__ = ("_left",)

    def __init__(self, members: Mapping[str, JsonValue]) -> None:
        self._left = dict(members)

    @classmethod
    def of(cls, unverified_value: JsonValue) -> Reader:
        """Wrap a value that must be an object."""
        if not isinstance(unverified_value, dict):
            raise InputInvalid("not_an_object")
        return cls(unverified_value)

    def _take(self, key: str) -> JsonValue:
        try:
            return self._left.pop(key)
        except KeyError:
            raise InputInvalid("missing_key") from None

    @property
    def names(self) -> list[str]:
        """Names of the members that are not taken yet."""
        return list(self._left)

    def number(self, key: str) -> int:
        """Take an integer; booleans are not integers."""
        value = self._take(key)
        if type(value) is not int:
            raise InputInvalid("wrong_type")
        return value

    def numbers(self, key: str) -> tuple[int, ...]:
        """Take a list of integers."""
        values = self.items(key)
        numbers = tuple(value for value in values if type(value) is int)
        if len(numbers) != len(values):
            raise InputInvalid("wrong_type")
        return numbers

    def value(self, key: str) -> JsonValue:
        """Take whatever stands there."""
        return self._take(key)

    def obj(self, key: str) -> Reader:
        """Take an object."""
        return Reader.of(self._take(key))

    def text(self, key: str) -> str:
        """Take a string."""
        value = self._take(key)
        if not isinstance(value, str):
            raise InputInvalid("wrong_type")
        return value

    def text_or_none(self, key: str) -> str | None:
        """Take a string or null."""
        value = self._take(key)
        if value is not None and not isinstance(value, str):
            raise InputInvalid("wrong_type")
        return value

    def flag(self, key: str) -> bool:
        """Take a boolean; 0 and 1 are not booleans."""
        value = self._take(key)
        if not isinstance(value, bool):
            raise InputInvalid("wrong_type")
        return value

    def flag_or_none(self, key: str) -> bool | None:
        """Take a boolean or null, which says that nobody knows."""
        value = self._take(key)
        if value is not None and not isinstance(value, bool):
            raise InputInvalid("wrong_type")
        return value

    def items(self, key: str) -> list[JsonValue]:
        """Take a list."""
        value = self._take(key)
        if not isinstance(value, list):
            raise InputInvalid("wrong_type")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Take a list of different strings."""
        values = self.items(key)
        strings = tuple(value for value in values if isinstance(value, str))
        if len(strings) != len(values):
            raise InputInvalid("wrong_type")
        if len(set(strings)) != len(strings):
            raise InputInvalid("duplicate_entry")
        return strings

    def codes(self, key: str) -> dict[str, bool | int | str]:
        """Take an object whose members are booleans, integers or strings."""
        value = self._take(key)
        if not isinstance(value, dict):
            raise InputInvalid("wrong_type")
        codes: dict[str, bool | int | str] = {}
        for name, member in value.items():
            if not isinstance(member, (bool, int, str)):
                raise InputInvalid("wrong_type")
            codes[name] = member
        return codes

    def done(self) -> None:
        """Insist that every member was taken."""
        if self._left:
            raise InputInvalid("unknown_key")
