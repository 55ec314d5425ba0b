# SPDX-License-Identifier: EUPL-1.2
"""Which keys of ``[find]`` and ``[category.x]`` each kind of source knows.

==========  ============================================  ================================
kind        ``[find]``                                    ``[category.x]``
==========  ============================================  ================================
``sql``     table or query, number, key                   table or query, key
``rest``    path, parameter, key; items, health           path; items
``files``   csv or json, number, key                      csv or json, key; items
==========  ============================================  ================================

``number`` and ``key`` are column names; ``key`` of ``[find]`` gives the value that ``key`` of a category must have.
``items`` is a dotted path to the objects that count as rows; keys after the semicolon may be left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from adapters.errors import MappingError
from adapters.sources import shape


@dataclass(frozen=True, slots=True)
class _Keys:
    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    either: tuple[str, str] | None = None


_SQL: Final = ("table", "query")
_FILES: Final = ("csv", "json")
_KEYS: Final[Mapping[tuple[str, str], _Keys]] = {
    ("sql", "find"): _Keys(frozenset({"number", "key"}), either=_SQL),
    ("sql", "category"): _Keys(frozenset({"key"}), either=_SQL),
    ("rest", "find"): _Keys(
        frozenset({"path", "parameter", "key"}), frozenset({"items", "health"})
    ),
    ("rest", "category"): _Keys(frozenset({"path"}), frozenset({"items"})),
    ("files", "find"): _Keys(frozenset({"number", "key"}), either=_FILES),
    ("files", "category"): _Keys(frozenset({"key"}), frozenset({"items"}), either=_FILES),
}

KINDS: Final = ("files", "rest", "sql")


def check(
    kind: str, part: Literal["find", "category"], table: Mapping[str, object], place: str
) -> Mapping[str, str]:
    """Check the keys of one table that only this kind of source understands.

    Raises:
        MappingError: a key is unknown, missing, or not a text.
    """
    keys = _KEYS[kind, part]
    found = shape.texts(table, keys.required | keys.optional | frozenset(keys.either or ()), place)
    if missing := keys.required - found.keys():
        raise MappingError(f"{place}: {', '.join(sorted(missing))} is needed")
    if keys.either is not None and (keys.either[0] in found) == (keys.either[1] in found):
        raise MappingError(f"{place}: either {keys.either[0]} or {keys.either[1]} is needed")
    return found
