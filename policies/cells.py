# SPDX-License-Identifier: EUPL-1.2
"""Counts that may be shown: what fewer than five exchanges have in common is not counted aloud.

A small count could be one person. It is shown as ``<5``, and nothing else that is shown depends
on it: a sum covers only the counts that are shown, and rows are sorted by what they are about,
never by how many they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from policies.strict import JsonValue

SMALL: Final = 5
"""Below this a count is not shown; the same number as in the condition ``cell_size_5``."""

_Key = TypeVar("_Key")


def shown(count: int) -> str:
    """Return a count as it may be shown."""
    return f"<{SMALL}" if 0 < count < SMALL else str(count)


def shown_json(count: int) -> JsonValue:
    """Return a count for programs: the number, or null where it is too small to be told."""
    return None if 0 < count < SMALL else count


@dataclass(frozen=True, slots=True)
class Row(Generic[_Key]):
    """One cell of a table."""

    about: _Key
    count: int | None
    """None: at least one, and fewer than five."""

    @property
    def text(self) -> str:
        """The count for people."""
        return f"<{SMALL}" if self.count is None else str(self.count)


@dataclass(frozen=True, slots=True)
class Sum:
    """What can be said about several cells together."""

    at_least: int
    """Sum of the counts that are shown."""
    small: int
    """How many cells are too small to be counted."""

    @property
    def text(self) -> str:
        """For people: ``12``, or ``12 and 2 below 5``."""
        return (
            f"{self.at_least} and {self.small} below {SMALL}" if self.small else f"{self.at_least}"
        )

    def to_json(self) -> dict[str, JsonValue]:
        """For programs."""
        return {"counted": self.at_least, "cells_below_5": self.small}


def publish(
    counts: Mapping[_Key, int], place: Callable[[_Key], tuple[Any, ...]]
) -> list[Row[_Key]]:
    """Return the cells that are not empty, sorted by their place; small counts are gone."""
    cells = sorted((about for about, count in counts.items() if count > 0), key=place)
    return [Row(about, None if counts[about] < SMALL else counts[about]) for about in cells]


def sum_of(rows: list[Row[_Key]]) -> Sum:
    """Add what is shown, and count what is not."""
    return Sum(
        sum(row.count for row in rows if row.count is not None),
        sum(1 for row in rows if row.count is None),
    )
