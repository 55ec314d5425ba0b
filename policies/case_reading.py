# SPDX-License-Identifier: EUPL-1.2
"""Reading a case that a person wrote: every mistake is named with its place and what is known.

Unlike ``policies.strict``, which never repeats what strangers sent over the wire, this reader
says exactly which name or code it does not know: the file is the reader's own.
"""

from __future__ import annotations

import datetime as dt
import difflib
from typing import TYPE_CHECKING, Final

from policies.errors import CaseInvalid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from policies.strict import JsonValue

_SHOWN: Final = 60
"""Characters of an unknown name that are repeated; control characters are escaped."""

_LISTED: Final = 30
"""So many known names are listed when none is near."""


class Place:
    """An object in the file, and where it stands."""

    __slots__ = ("_members", "_where")

    def __init__(self, members: dict[str, JsonValue], where: str) -> None:
        self._members = members
        self._where = where

    @classmethod
    def object(cls, unverified_value: JsonValue, where: str) -> Place:
        """Wrap a value that must be an object.

        Raises:
            CaseInvalid: it is something else.
        """
        if not isinstance(unverified_value, dict):
            raise CaseInvalid(where, "an object is needed here")
        return cls(unverified_value, where)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the members."""
        return tuple(self._members)

    def at(self, name: str) -> str:
        """Say where a member stands: ``case.declared.decision``."""
        return f"{self._where}.{shown(name)}"

    def only(self, known: Collection[str]) -> None:
        """Return if every name is known.

        Raises:
            CaseInvalid: one is not; the nearest known name is proposed.
        """
        for name in self._members:
            if name not in known:
                raise CaseInvalid(
                    self.at(name), f"there is no such name here{_nearest(name, known)}"
                )

    def value(self, name: str) -> JsonValue:
        """Return a member as it stands, None when it is left out."""
        return self._members.get(name)

    def code(self, name: str, known: Collection[str]) -> str:
        """Return a member that must be one of the known codes.

        Raises:
            CaseInvalid: it is missing, no string, or unknown.
        """
        value = self._members.get(name)
        if value is None:
            raise CaseInvalid(self.at(name), "this must be given")
        return self._known(name, value, known)

    def code_or_none(self, name: str, known: Collection[str]) -> str | None:
        """Return a member that may be one of the known codes, None when it is left out or null.

        Raises:
            CaseInvalid: it is no string, or unknown.
        """
        value = self._members.get(name)
        return None if value is None else self._known(name, value, known)

    def codes(self, name: str, known: Collection[str]) -> tuple[str, ...]:
        """Return a list of known codes; a list that is left out is empty.

        Raises:
            CaseInvalid: no list, or one of its members is unknown.
        """
        return tuple(self._known(name, value, known) for value in self._list(name))

    def flag(self, name: str) -> bool | None:
        """Return a boolean, None when it is left out or null.

        Raises:
            CaseInvalid: it is something else; 0, 1 and "true" are not booleans.
        """
        value = self._members.get(name)
        if value is None or isinstance(value, bool):
            return value
        raise CaseInvalid(self.at(name), "true or false is needed here")

    def instant(self, name: str) -> dt.datetime | None:
        """Return an instant in UTC, None when it is left out.

        Raises:
            CaseInvalid: it is not an instant such as 2026-11-22T10:00:00Z.
        """
        value = self._members.get(name)
        if value is None:
            return None
        try:
            instant = dt.datetime.fromisoformat(value if isinstance(value, str) else "")
            if instant.tzinfo is not None:
                return instant.astimezone(dt.UTC)
        except (ValueError, OverflowError):
            pass
        raise CaseInvalid(self.at(name), "an instant looks like 2026-11-22T10:00:00Z")

    def inner(self, name: str) -> Place:
        """Return an inner object; what is left out is empty.

        Raises:
            CaseInvalid: it is something else.
        """
        value = self._members.get(name)
        return Place.object({} if value is None else value, self.at(name))

    def objects(self, name: str) -> Iterator[Place]:
        """Return the objects of a list; what is left out is empty.

        Raises:
            CaseInvalid: no list, or one of its members is no object.
        """
        for number, value in enumerate(self._list(name)):
            yield Place.object(value, f"{self.at(name)}[{number}]")

    def _list(self, name: str) -> list[JsonValue]:
        value = self._members.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise CaseInvalid(self.at(name), "a list is needed here")
        return value

    def _known(self, name: str, value: JsonValue, known: Collection[str]) -> str:
        if not isinstance(value, str):
            raise CaseInvalid(self.at(name), "a code is needed here")
        if value not in known:
            problem = f"the catalogue has no code '{shown(value)}'{_nearest(value, known)}"
            raise CaseInvalid(self.at(name), problem)
        return value


def shown(text: str) -> str:
    """Return a name for a message: short, and without anything a terminal would obey."""
    safe = text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text
    return safe if len(safe) <= _SHOWN else f"{safe[:_SHOWN]}…"


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name[:_SHOWN], known, n=1, cutoff=0.5)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; known: {', '.join(known)}" if len(known) <= _LISTED else ""
